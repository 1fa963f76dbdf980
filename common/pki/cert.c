/* cert.c — certificates in and out of bytes and files. OpenSSL decodes; what is added here is that nothing may stand
 * behind the certificate, and where one ends inside a card's file. Judges no trust. */
#include "pki/cert.h"

#include "base/clock.h"
#include "base/file.h"
#include "pki/der.h"

#include <limits.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>

enum { CERT_FILE_MAX = 4 * 1024 * 1024 };

enum rc cert_parse(struct bytes der, X509 **cert)
{
    size_t len;
    if (der.len > LONG_MAX || der_sequence_length(der, &len) || len != der.len)
        return RC_FORMAT;
    const unsigned char *at = der.data;
    X509 *parsed = d2i_X509(NULL, &at, (long)der.len);
    if (!parsed)
        return RC_FORMAT;
    if (at != der.data + der.len) {
        X509_free(parsed);
        return RC_FORMAT;
    }
    *cert = parsed;
    return RC_OK;
}

enum rc cert_in_file(struct bytes file, struct bytes *der)
{
    if (file.len == 0 || file.data[0] != 0x30)
        return RC_NOT_FOUND;
    size_t len;
    if (der_sequence_length(file, &len) || len > file.len)
        return RC_FORMAT;
    *der = bytes_of(file.data, len);
    return RC_OK;
}

enum rc cert_encode(X509 *cert, struct buf *out)
{
    unsigned char *der = NULL;
    int len = i2d_X509(cert, &der);
    if (len < 0)
        return RC_CRYPTO;
    enum rc rc = buf_append(out, der, (size_t)len);
    OPENSSL_free(der);
    return rc;
}

static enum rc cert_read_file(const char *path, struct buf *content, struct err *err)
{
    buf_init(content, CERT_FILE_MAX);
    enum rc rc = file_read(path, content, err);
    if (rc == RC_OK && content->len == 0)
        rc = err_set(err, RC_FORMAT, "%s: the file is empty", path);
    return rc;
}

enum rc cert_read(const char *path, X509 **cert, struct err *err)
{
    struct buf content;
    BIO *bio = NULL;
    X509 *parsed = NULL;
    enum rc rc = cert_read_file(path, &content, err);
    if (rc)
        goto out;
    if (content.data[0] == 0x30) {
        rc = cert_parse(buf_bytes(&content), &parsed);
    } else {
        bio = BIO_new_mem_buf(content.data, (int)content.len);
        parsed = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
        rc = !bio ? RC_NOMEM : parsed ? RC_OK : RC_FORMAT;
    }
    if (rc) {
        rc = err_set(err, rc, "%s: no certificate in PEM or DER", path);
        goto out;
    }
    *cert = parsed;
out:
    BIO_free(bio);
    buf_wipe(&content);
    return rc;
}

/* Reads certificates until none is left; *count says how many there were. */
static enum rc cert_read_pems(BIO *bio, STACK_OF(X509) * certs)
{
    for (;;) {
        X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        if (!cert)
            break;
        if (!sk_X509_push(certs, cert)) {
            X509_free(cert);
            return RC_NOMEM;
        }
    }
    unsigned long error = ERR_peek_last_error();
    bool at_end = ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    return at_end && sk_X509_num(certs) > 0 ? RC_OK : RC_FORMAT;
}

enum rc cert_read_all(const char *path, STACK_OF(X509) * *certs, struct err *err)
{
    struct buf content;
    BIO *bio = NULL;
    STACK_OF(X509) *read = NULL;
    enum rc rc = cert_read_file(path, &content, err);
    if (rc)
        goto out;
    bio = BIO_new_mem_buf(content.data, (int)content.len);
    read = sk_X509_new_null();
    if (!bio || !read) {
        rc = RC_NOMEM;
        goto out;
    }
    rc = cert_read_pems(bio, read);
    if (rc) {
        rc = err_set(err, rc, "%s: not a list of certificates in PEM", path);
        goto out;
    }
    *certs = read;
    read = NULL;
out:
    sk_X509_pop_free(read, X509_free);
    BIO_free(bio);
    buf_wipe(&content);
    return rc;
}

enum rc cert_serial(const X509 *cert, struct buf *out)
{
    enum rc rc = RC_NOMEM;
    BIGNUM *number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(cert), NULL);
    char *hex = number ? BN_bn2hex(number) : NULL;
    if (!hex)
        goto out;
    rc = BN_is_negative(number) ? RC_FORMAT : buf_append_text(out, BN_is_zero(number) ? "00" : hex);
out:
    OPENSSL_free(hex);
    BN_free(number);
    return rc;
}

enum rc cert_time(const ASN1_TIME *time, int64_t *out)
{
    struct tm tm;
    if (!time || ASN1_TIME_to_tm(time, &tm) != 1)
        return RC_FORMAT;
    *out =
        clock_from_date(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday) + tm.tm_hour * 3600 + tm.tm_min * 60 + tm.tm_sec;
    return RC_OK;
}

/* A time that cannot be read makes a certificate that is never valid. */
int64_t cert_not_before(const X509 *cert)
{
    int64_t time;
    return cert_time(X509_get0_notBefore(cert), &time) == RC_OK ? time : INT64_MAX;
}

int64_t cert_not_after(const X509 *cert)
{
    int64_t time;
    return cert_time(X509_get0_notAfter(cert), &time) == RC_OK ? time : INT64_MIN;
}

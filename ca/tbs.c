/* tbs.c — the outer structures are written element by element (OpenSSL has no public way to make them without signing);
 * names, times, keys and extensions are OpenSSL's encodings. */
#include "ca/tbs.h"

#include "base/hex.h"
#include "pki/der.h"

#include <string.h>

static enum rc append_serial(struct buf *out, const char *serial)
{
    struct buf number = { 0 };
    enum rc rc = buf_append_u8(&number, 0);
    if (!rc)
        rc = hex_decode(serial, &number);
    if (!rc && number.len < 2)
        rc = RC_FORMAT;
    if (!rc) {
        size_t skip = 0; /* shortest positive form: a zero byte in front only where the next has its top bit */
        while (skip + 1 < number.len && number.data[skip] == 0 && !(number.data[skip + 1] & 0x80u))
            skip++;
        rc = der_append(out, 0x02, bytes_of(number.data + skip, number.len - skip));
    }
    buf_wipe(&number);
    return rc;
}

static enum rc append_encoded(struct buf *out, int len, unsigned char *encoded)
{
    if (len < 0)
        return RC_NOMEM;
    enum rc rc = buf_append(out, encoded, (size_t)len);
    OPENSSL_free(encoded);
    return rc;
}

static enum rc append_name(struct buf *out, const X509_NAME *name)
{
    unsigned char *der = NULL;
    int len = i2d_X509_NAME(name, &der);
    return append_encoded(out, len, der);
}

static enum rc append_time(struct buf *out, int64_t when)
{
    unsigned char *der = NULL;
    ASN1_TIME *time = ASN1_TIME_set(NULL, (time_t)when); /* UTCTime until 2049 */
    int len = time ? i2d_ASN1_TIME(time, &der) : -1;
    ASN1_TIME_free(time);
    return append_encoded(out, len, der);
}

static enum rc append_extensions(struct buf *out, unsigned tag, const X509_EXTENSIONS *extensions)
{
    unsigned char *der = NULL;
    int len = i2d_X509_EXTENSIONS(extensions, &der);
    if (len < 0)
        return RC_NOMEM;
    enum rc rc = der_append(out, tag, bytes_of(der, (size_t)len));
    OPENSSL_free(der);
    return rc;
}

static enum rc append_validity(struct buf *out, int64_t from, int64_t to)
{
    struct buf times = { 0 };
    enum rc rc = append_time(&times, from);
    if (!rc)
        rc = append_time(&times, to);
    if (!rc)
        rc = der_append(out, 0x30, buf_bytes(&times));
    buf_wipe(&times);
    return rc;
}

enum rc tbs_cert_encode(const struct tbs_cert *cert, struct buf *out)
{
    static const uint8_t version_3[] = { 0xA0, 0x03, 0x02, 0x01, 0x02 };
    struct buf body = { 0 };
    enum rc rc = buf_append(&body, version_3, sizeof version_3);
    if (!rc)
        rc = append_serial(&body, cert->serial);
    if (!rc)
        rc = buf_append_bytes(&body, suite_row(cert->suite)->identifier);
    if (!rc)
        rc = append_name(&body, cert->issuer);
    if (!rc)
        rc = append_validity(&body, cert->not_before, cert->not_after);
    if (!rc)
        rc = append_name(&body, cert->subject);
    if (!rc)
        rc = buf_append_bytes(&body, cert->public_key);
    if (!rc)
        rc = append_extensions(&body, 0xA3, cert->extensions);
    if (!rc)
        rc = der_append(out, 0x30, buf_bytes(&body));
    buf_wipe(&body);
    return rc;
}

enum rc tbs_crl_frame(const struct tbs_crl *crl, uint64_t entries_len, struct buf *head, struct buf *tail)
{
    static const uint8_t version_2[] = { 0x02, 0x01, 0x01 };
    struct buf body = { 0 };
    enum rc rc = buf_append(&body, version_2, sizeof version_2);
    if (!rc)
        rc = buf_append_bytes(&body, suite_row(crl->suite)->identifier);
    if (!rc)
        rc = append_name(&body, crl->issuer);
    if (!rc)
        rc = append_time(&body, crl->this_update);
    if (!rc)
        rc = append_time(&body, crl->next_update);
    if (!rc && entries_len) /* an empty list is left out (§5.1.2.6) */
        rc = der_append_header(&body, 0x30, entries_len);
    if (!rc)
        rc = append_extensions(tail, 0xA0, crl->extensions);
    if (!rc)
        rc = der_append_header(head, 0x30, body.len + entries_len + tail->len);
    if (!rc)
        rc = buf_append_bytes(head, buf_bytes(&body));
    buf_wipe(&body);
    return rc;
}

enum rc tbs_suite(struct bytes tbs, enum suite *suite)
{
    struct bytes body, content, whole;
    unsigned tag = 0;
    if (der_expect(&tbs, 0x30, &body, NULL) || tbs.len)
        return RC_FORMAT;
    while (tag != 0x30) /* behind a version and, in a certificate, its serial number */
        if (der_next(&body, &tag, &content, &whole))
            return RC_FORMAT;
    return suite_of_algorithm(whole, suite) ? RC_FORMAT : RC_OK;
}

enum rc tbs_seal(struct bytes tbs, struct bytes signature, struct buf *out)
{
    struct buf body = { .max = out->max }, bits = { 0 };
    enum suite suite;
    enum rc rc = tbs_suite(tbs, &suite);
    if (!rc)
        rc = buf_append_bytes(&body, tbs);
    if (!rc)
        rc = buf_append_bytes(&body, suite_row(suite)->identifier);
    if (!rc)
        rc = buf_append_u8(&bits, 0);
    if (!rc)
        rc = buf_append_bytes(&bits, signature);
    if (!rc)
        rc = der_append(&body, 0x03, buf_bytes(&bits));
    if (!rc)
        rc = der_append(out, 0x30, buf_bytes(&body));
    buf_wipe(&body);
    buf_wipe(&bits);
    return rc;
}

enum rc tbs_open(struct bytes sealed, struct bytes *tbs, struct bytes *signature)
{
    struct bytes body, inner, whole, algorithm, bits;
    enum suite suite;
    if (der_expect(&sealed, 0x30, &body, NULL) || sealed.len || der_expect(&body, 0x30, &inner, &whole) ||
        der_expect(&body, 0x30, &inner, &algorithm) || der_expect(&body, 0x03, &bits, NULL) || body.len)
        return RC_FORMAT;
    if (tbs_suite(whole, &suite) || !bytes_equal(algorithm, suite_row(suite)->identifier) || !bits.len || bits.data[0])
        return RC_FORMAT;
    *tbs = whole;
    *signature = bytes_of(bits.data + 1, bits.len - 1);
    return RC_OK;
}

enum rc tbs_sign(struct bytes tbs, EVP_PKEY *key, struct buf *out, struct err *err)
{
    struct buf signature = { 0 };
    enum suite suite, of_key;
    enum rc rc = tbs_suite(tbs, &suite);
    if (!rc && (suite_of_key(key, &of_key) || of_key != suite))
        rc = err_set(err, RC_CONFLICT, "the key is not of the suite that the bytes name");
    if (!rc)
        rc = suite_sign(suite, key, tbs, &signature);
    if (!rc)
        rc = tbs_seal(tbs, buf_bytes(&signature), out);
    buf_wipe(&signature);
    return rc ? err_set(err, rc, "the key did not sign") : RC_OK;
}

enum rc tbs_check(struct bytes sealed, struct bytes tbs, EVP_PKEY *issuer_key, struct err *err)
{
    struct bytes signed_tbs, signature;
    enum suite suite;
    if (tbs_open(sealed, &signed_tbs, &signature) || tbs_suite(signed_tbs, &suite))
        return err_set(err, RC_FORMAT, "what the signer returned is no signed object");
    if (!bytes_equal(signed_tbs, tbs))
        return err_set(err, RC_CONFLICT, "other bytes were signed than those that were recorded");
    if (!suite_verifies(suite, issuer_key, tbs, signature))
        return err_set(err, RC_BAD_SIGNATURE, "the signature does not verify with the authority's key");
    return RC_OK;
}

/* certificate.c — a certificate taken apart, in the module's own library context. Nothing here judges trust. */
#include "pkcs11/certificate.h"

#include "pkcs11/crypto.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/objects.h>
#include <openssl/x509.h>

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Appends what an i2d function of OpenSSL made, and frees it. */
static enum rc take_der(struct buf *out, unsigned char *der, int len)
{
    enum rc rc = der && len > 0 ? buf_append(out, der, (size_t)len) : RC_CRYPTO;
    OPENSSL_free(der);
    return rc;
}

static enum rc copy_number(EVP_PKEY *key, const char *name, struct buf *out)
{
    BIGNUM *number = NULL;
    uint8_t *at;
    enum rc rc = RC_FORMAT;
    if (!EVP_PKEY_get_bn_param(key, name, &number))
        return rc;
    int len = BN_num_bytes(number);
    rc = len > 0 ? buf_extend(out, (size_t)len, &at) : RC_FORMAT;
    if (!rc)
        BN_bn2bin(number, at);
    BN_free(number);
    return rc;
}

/* The curve by its name's OBJECT IDENTIFIER, and the point, uncompressed, in an OCTET STRING. */
static enum rc copy_curve(struct certificate *to)
{
    char group[80];
    uint8_t point[2 * 66 + 1];
    size_t group_len = 0, point_len = 0;
    if (!EVP_PKEY_get_utf8_string_param(to->key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group), &group_len)
        || !EVP_PKEY_get_octet_string_param(to->key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &point_len)
        || point_len == 0 || point[0] != POINT_CONVERSION_UNCOMPRESSED)
        return RC_FORMAT;
    ASN1_OBJECT *name = OBJ_txt2obj(group, 0);
    ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
    unsigned char *der = NULL;
    enum rc rc = RC_FORMAT;
    if (!name || !octets || !ASN1_OCTET_STRING_set(octets, point, (int)point_len))
        goto out;
    int len = i2d_ASN1_OBJECT(name, &der);
    rc = take_der(&to->ec_parameters, der, len);
    if (rc)
        goto out;
    der = NULL;
    len = i2d_ASN1_OCTET_STRING(octets, &der);
    rc = take_der(&to->ec_point, der, len);
out:
    ASN1_OBJECT_free(name);
    ASN1_OCTET_STRING_free(octets);
    return rc;
}

static enum rc copy_key(struct certificate *to)
{
    if (EVP_PKEY_get_base_id(to->key) == EVP_PKEY_EC)
        return copy_curve(to);
    if (EVP_PKEY_get_base_id(to->key) != EVP_PKEY_RSA)
        return RC_FORMAT;
    enum rc rc = copy_number(to->key, OSSL_PKEY_PARAM_RSA_N, &to->modulus);
    return rc ? rc : copy_number(to->key, OSSL_PKEY_PARAM_RSA_E, &to->exponent);
}

bool certificate_is_ec(const struct certificate *certificate)
{
    return certificate->ec_point.len != 0;
}

static enum rc copy_date(const ASN1_TIME *time, char *out)
{
    struct tm tm;
    char text[40];
    if (!time || !ASN1_TIME_to_tm(time, &tm) || tm.tm_year < -1900 || tm.tm_year > 8099)
        return RC_FORMAT;
    (void)snprintf(text, sizeof(text), "%04d%02d%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
    memcpy(out, text, 8);
    return RC_OK;
}

static enum rc copy_hashes(struct certificate *to, X509 *cert)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    size_t len = 0;
    const ASN1_BIT_STRING *bits = X509_get0_pubkey_bitstr(cert);
    if (!bits
        || !EVP_Q_digest(crypto_context(), "SHA1", NULL, bits->data, (size_t)bits->length, to->subject_key_hash, &len)
        || !EVP_Q_digest(crypto_context(), "SHA1", NULL, to->der.data, to->der.len, digest, &len))
        return RC_CRYPTO;
    memcpy(to->check_value, digest, sizeof(to->check_value));
    return RC_OK;
}

static enum rc copy_names(struct certificate *to, X509 *cert)
{
    unsigned char *der = NULL;
    int len = i2d_X509_NAME(X509_get_subject_name(cert), &der);
    enum rc rc = take_der(&to->subject, der, len);
    if (rc)
        return rc;
    der = NULL;
    len = i2d_X509_NAME(X509_get_issuer_name(cert), &der);
    rc = take_der(&to->issuer, der, len);
    if (rc)
        return rc;
    der = NULL;
    len = i2d_ASN1_INTEGER(X509_get0_serialNumber(cert), &der);
    rc = take_der(&to->serial, der, len);
    if (rc)
        return rc;
    der = NULL;
    len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
    return take_der(&to->spki, der, len);
}

enum rc certificate_init(struct certificate *certificate, struct bytes der)
{
    struct certificate made = { 0 };
    const unsigned char *at = der.data;
    X509 *cert = X509_new_ex(crypto_context(), NULL);
    enum rc rc = cert ? RC_FORMAT : RC_NOMEM;
    if (rc == RC_NOMEM || der.len == 0 || der.len > LONG_MAX || !d2i_X509(&cert, &at, (long)der.len)
        || at != der.data + der.len)
        goto out;
    made.key = X509_get_pubkey(cert);
    if (!made.key)
        goto out;
    made.key_bits = (unsigned long)EVP_PKEY_get_bits(made.key);
    if ((rc = buf_append_bytes(&made.der, der)) || (rc = copy_names(&made, cert)) || (rc = copy_key(&made))
        || (rc = copy_date(X509_get0_notBefore(cert), made.not_before))
        || (rc = copy_date(X509_get0_notAfter(cert), made.not_after)) || (rc = copy_hashes(&made, cert)))
        goto out;
    *certificate = made;
    made = (struct certificate) { 0 };
out:
    certificate_wipe(&made);
    X509_free(cert);
    return rc;
}

void certificate_wipe(struct certificate *certificate)
{
    buf_wipe(&certificate->der);
    buf_wipe(&certificate->subject);
    buf_wipe(&certificate->issuer);
    buf_wipe(&certificate->serial);
    buf_wipe(&certificate->spki);
    buf_wipe(&certificate->modulus);
    buf_wipe(&certificate->exponent);
    buf_wipe(&certificate->ec_parameters);
    buf_wipe(&certificate->ec_point);
    EVP_PKEY_free(certificate->key);
    *certificate = (struct certificate) { 0 };
}

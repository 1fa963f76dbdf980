/* tbs.c — the outer structures are written element by element (OpenSSL has no public way to make them without signing);
 * names, times, keys and extensions are OpenSSL's encodings. */
#include "ca/tbs.h"

#include "base/hex.h"
#include "pki/der.h"

#include <string.h>

static const uint8_t sha256_with_rsa[] = { 0x30, 0x0D, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86,
                                           0xF7, 0x0D, 0x01, 0x01, 0x0B, 0x05, 0x00 };

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
        rc = buf_append(&body, sha256_with_rsa, sizeof sha256_with_rsa);
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

enum rc tbs_crl_entry(const char *serial, int64_t revoked_at, int reason, struct buf *out)
{
    struct buf body = { 0 };
    enum rc rc = append_serial(&body, serial);
    if (!rc)
        rc = append_time(&body, revoked_at);
    if (!rc && reason) {
        const uint8_t extensions[] = { 0x30, 0x0C, 0x30, 0x0A, 0x06, 0x03, 0x55, 0x1D, 0x15,
                                       0x04, 0x03, 0x0A, 0x01, (uint8_t)reason };
        rc = buf_append(&body, extensions, sizeof extensions);
    }
    if (!rc)
        rc = der_append(out, 0x30, buf_bytes(&body));
    buf_wipe(&body);
    return rc;
}

enum rc tbs_crl_encode(const struct tbs_crl *crl, struct buf *out)
{
    static const uint8_t version_2[] = { 0x02, 0x01, 0x01 };
    struct buf body = { 0 };
    enum rc rc = buf_append(&body, version_2, sizeof version_2);
    if (!rc)
        rc = buf_append(&body, sha256_with_rsa, sizeof sha256_with_rsa);
    if (!rc)
        rc = append_name(&body, crl->issuer);
    if (!rc)
        rc = append_time(&body, crl->this_update);
    if (!rc)
        rc = append_time(&body, crl->next_update);
    if (!rc && crl->entries.len) /* an empty list is left out (§5.1.2.6) */
        rc = der_append(&body, 0x30, crl->entries);
    if (!rc)
        rc = append_extensions(&body, 0xA0, crl->extensions);
    if (!rc)
        rc = der_append(out, 0x30, buf_bytes(&body));
    buf_wipe(&body);
    return rc;
}

enum rc tbs_seal(struct bytes tbs, struct bytes signature, struct buf *out)
{
    struct buf body = { 0 }, bits = { 0 };
    enum rc rc = buf_append_bytes(&body, tbs);
    if (!rc)
        rc = buf_append(&body, sha256_with_rsa, sizeof sha256_with_rsa);
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
    if (der_expect(&sealed, 0x30, &body, NULL) || sealed.len || der_expect(&body, 0x30, &inner, &whole) ||
        der_expect(&body, 0x30, &inner, &algorithm) || der_expect(&body, 0x03, &bits, NULL) || body.len)
        return RC_FORMAT;
    if (!bytes_equal(algorithm, bytes_of(sha256_with_rsa, sizeof sha256_with_rsa)) || !bits.len || bits.data[0])
        return RC_FORMAT;
    *tbs = whole;
    *signature = bytes_of(bits.data + 1, bits.len - 1);
    return RC_OK;
}

enum rc tbs_sign(struct bytes tbs, EVP_PKEY *key, struct buf *out, struct err *err)
{
    uint8_t signature[1024];
    size_t len = sizeof signature;
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    enum rc rc = RC_CRYPTO;
    if (md && EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key) == 1 &&
        EVP_DigestSign(md, signature, &len, tbs.data, tbs.len) == 1)
        rc = tbs_seal(tbs, bytes_of(signature, len), out);
    else
        err_set(err, RC_CRYPTO, "the key did not sign");
    EVP_MD_CTX_free(md);
    return rc;
}

enum rc tbs_check(struct bytes sealed, struct bytes tbs, EVP_PKEY *issuer_key, struct err *err)
{
    struct bytes signed_tbs, signature;
    if (tbs_open(sealed, &signed_tbs, &signature))
        return err_set(err, RC_FORMAT, "what the signer returned is no signed object");
    if (!bytes_equal(signed_tbs, tbs))
        return err_set(err, RC_CONFLICT, "other bytes were signed than those that were recorded");
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    enum rc rc = RC_BAD_SIGNATURE;
    if (md && EVP_DigestVerifyInit(md, NULL, EVP_sha256(), NULL, issuer_key) == 1 &&
        EVP_DigestVerify(md, signature.data, signature.len, tbs.data, tbs.len) == 1)
        rc = RC_OK;
    EVP_MD_CTX_free(md);
    return rc ? err_set(err, rc, "the signature does not verify with the authority's key") : RC_OK;
}

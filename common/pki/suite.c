/* suite.c — the rows, and signing by row. */
#include "pki/suite.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>
#include <string.h>

static const uint8_t sha256_with_rsa[] = { 0x30, 0x0D, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86,
                                           0xF7, 0x0D, 0x01, 0x01, 0x0B, 0x05, 0x00 };
static const uint8_t ecdsa_with_sha384[] = { 0x30, 0x0A, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x03 };

static const struct suite_row rows[SUITE_COUNT] = {
    [SUITE_RSA_2048] = { "rsa-2048", "sha256WithRSAEncryption with NULL", "RSA of 2048 bits with exponent 65537",
                         { sha256_with_rsa, sizeof sha256_with_rsa }, EVP_sha256, 10, 5, 5, 0, 3 },
    [SUITE_P_384] = { "p-384", "ecdsa-with-SHA384 without parameters", "a point on the named curve P-384",
                      { ecdsa_with_sha384, sizeof ecdsa_with_sha384 }, EVP_sha384, 20, 10, 5, 1, 12 },
};

const struct suite_row *suite_row(enum suite suite)
{
    return &rows[suite];
}

enum rc suite_parse(const char *name, enum suite *suite)
{
    for (enum suite s = 0; s < SUITE_COUNT; s++)
        if (strcmp(rows[s].name, name) == 0) {
            *suite = s;
            return RC_OK;
        }
    return RC_NOT_FOUND;
}

static bool suite_is_p384(const EVP_PKEY *key)
{
    char group[40] = "";
    return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC && EVP_PKEY_get_group_name(key, group, sizeof group, NULL) == 1 &&
           OBJ_sn2nid(group) == NID_secp384r1;
}

enum rc suite_of_key(const EVP_PKEY *key, enum suite *suite)
{
    if (!key)
        return RC_UNSUPPORTED;
    int bits = EVP_PKEY_get_bits(key);
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA && bits >= 2048 && bits <= 4096)
        *suite = SUITE_RSA_2048;
    else if (suite_is_p384(key))
        *suite = SUITE_P_384;
    else
        return RC_UNSUPPORTED;
    return RC_OK;
}

enum rc suite_of_algorithm(struct bytes identifier, enum suite *suite)
{
    for (enum suite s = 0; s < SUITE_COUNT; s++)
        if (bytes_equal(rows[s].identifier, identifier)) {
            *suite = s;
            return RC_OK;
        }
    return RC_UNSUPPORTED;
}

bool suite_has_key(enum suite suite, const EVP_PKEY *key)
{
    enum suite found;
    if (suite_of_key(key, &found) || found != suite)
        return false;
    if (suite != SUITE_RSA_2048)
        return true;
    BIGNUM *exponent = NULL, *modulus = NULL;
    bool sound = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &exponent) &&
                 EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &modulus) && BN_is_word(exponent, 65537) &&
                 BN_is_odd(modulus) && BN_num_bits(modulus) == 2048;
    BN_free(exponent);
    BN_free(modulus);
    return sound;
}

bool suite_is_plain_rsa(struct bytes public_key)
{
    static const uint8_t before[] = { /* SEQUENCE { rsaEncryption, NULL }, BIT STRING { SEQUENCE { INTEGER */
                                      0x30, 0x82, 0x01, 0x22, 0x30, 0x0D, 0x06, 0x09, 0x2A, 0x86, 0x48,
                                      0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01, 0x05, 0x00, 0x03, 0x82, 0x01,
                                      0x0F, 0x00, 0x30, 0x82, 0x01, 0x0A, 0x02, 0x82, 0x01, 0x01, 0x00 };
    static const uint8_t behind[] = { 0x02, 0x03, 0x01, 0x00, 0x01 };
    const size_t modulus = 2048 / 8;
    const uint8_t *at = public_key.data;
    if (public_key.len != sizeof before + modulus + sizeof behind || memcmp(at, before, sizeof before) != 0)
        return false;
    at += sizeof before;
    return (at[0] & 0x80) && (at[modulus - 1] & 1) && memcmp(at + modulus, behind, sizeof behind) == 0;
}

EVP_PKEY *suite_generate(enum suite suite)
{
    return suite == SUITE_RSA_2048 ? EVP_RSA_gen(2048) : EVP_EC_gen("P-384");
}

enum rc suite_sign(enum suite suite, EVP_PKEY *key, struct bytes content, struct buf *out)
{
    uint8_t signature[1024];
    size_t len = sizeof signature;
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    enum rc rc = RC_CRYPTO;
    if (md && EVP_DigestSignInit(md, NULL, rows[suite].digest(), NULL, key) == 1 &&
        EVP_DigestSign(md, signature, &len, content.data, content.len) == 1)
        rc = buf_append(out, signature, len);
    EVP_MD_CTX_free(md);
    return rc;
}

bool suite_verifies(enum suite suite, EVP_PKEY *key, struct bytes content, struct bytes signature)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool sound = md && EVP_DigestVerifyInit(md, NULL, rows[suite].digest(), NULL, key) == 1 &&
                 EVP_DigestVerify(md, signature.data, signature.len, content.data, content.len) == 1;
    EVP_MD_CTX_free(md);
    return sound;
}

enum rc suite_digest(enum suite suite, struct bytes content, struct buf *out)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (EVP_Digest(content.data, content.len, digest, &len, rows[suite].digest(), NULL) != 1)
        return RC_CRYPTO;
    return buf_append(out, digest, len);
}

EVP_PKEY_CTX *suite_ready(enum suite suite, EVP_PKEY *key)
{
    EVP_PKEY_CTX *ready = EVP_PKEY_CTX_new(key, NULL);
    if (ready && EVP_PKEY_sign_init(ready) == 1 && EVP_PKEY_CTX_set_signature_md(ready, rows[suite].digest()) == 1)
        return ready;
    EVP_PKEY_CTX_free(ready);
    return NULL;
}

enum rc suite_sign_ready(EVP_PKEY_CTX *ready, struct bytes digest, struct buf *out)
{
    uint8_t signature[1024];
    size_t len = sizeof signature;
    return EVP_PKEY_sign(ready, signature, &len, digest.data, digest.len) == 1 ? buf_append(out, signature, len) : RC_CRYPTO;
}

enum rc suite_sign_digest(enum suite suite, EVP_PKEY *key, struct bytes digest, struct buf *out)
{
    EVP_PKEY_CTX *ready = suite_ready(suite, key);
    enum rc rc = ready ? suite_sign_ready(ready, digest, out) : RC_CRYPTO;
    EVP_PKEY_CTX_free(ready);
    return rc;
}

bool suite_verifies_digest(enum suite suite, EVP_PKEY *key, struct bytes digest, struct bytes signature)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    bool sound = context && EVP_PKEY_verify_init(context) == 1 &&
                 EVP_PKEY_CTX_set_signature_md(context, rows[suite].digest()) == 1 &&
                 EVP_PKEY_verify(context, signature.data, signature.len, digest.data, digest.len) == 1;
    EVP_PKEY_CTX_free(context);
    return sound;
}

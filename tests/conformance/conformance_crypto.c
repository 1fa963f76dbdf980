/* conformance_crypto.c — the mechanisms that the suite can judge, and OpenSSL as the judge. */
#include "conformance.h"

#include <openssl/ecdsa.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

#define ROW(mechanism, key, hash, padding)                                                                             \
    {                                                                                                                  \
        mechanism, #mechanism, key, hash, padding                                                                      \
    }
const struct mechanism conform_mechanisms[] = {
    ROW(CKM_RSA_PKCS, CKK_RSA, NULL, PLAIN_PKCS1),
    ROW(CKM_RSA_X_509, CKK_RSA, NULL, PLAIN_RAW),
    ROW(CKM_MD5_RSA_PKCS, CKK_RSA, "MD5", PLAIN_PKCS1),
    ROW(CKM_RIPEMD160_RSA_PKCS, CKK_RSA, "RIPEMD160", PLAIN_PKCS1),
    ROW(CKM_SHA1_RSA_PKCS, CKK_RSA, "SHA1", PLAIN_PKCS1),
    ROW(CKM_SHA224_RSA_PKCS, CKK_RSA, "SHA224", PLAIN_PKCS1),
    ROW(CKM_SHA256_RSA_PKCS, CKK_RSA, "SHA256", PLAIN_PKCS1),
    ROW(CKM_SHA384_RSA_PKCS, CKK_RSA, "SHA384", PLAIN_PKCS1),
    ROW(CKM_SHA512_RSA_PKCS, CKK_RSA, "SHA512", PLAIN_PKCS1),
    ROW(CKM_RSA_PKCS_PSS, CKK_RSA, NULL, PLAIN_PSS),
    ROW(CKM_SHA1_RSA_PKCS_PSS, CKK_RSA, "SHA1", PLAIN_PSS),
    ROW(CKM_SHA224_RSA_PKCS_PSS, CKK_RSA, "SHA224", PLAIN_PSS),
    ROW(CKM_SHA256_RSA_PKCS_PSS, CKK_RSA, "SHA256", PLAIN_PSS),
    ROW(CKM_SHA384_RSA_PKCS_PSS, CKK_RSA, "SHA384", PLAIN_PSS),
    ROW(CKM_SHA512_RSA_PKCS_PSS, CKK_RSA, "SHA512", PLAIN_PSS),
    ROW(CKM_ECDSA, CKK_EC, NULL, PLAIN_ECDSA),
    ROW(CKM_ECDSA_SHA1, CKK_EC, "SHA1", PLAIN_ECDSA),
    ROW(CKM_ECDSA_SHA256, CKK_EC, "SHA256", PLAIN_ECDSA),
    ROW(CKM_ECDSA_SHA384, CKK_EC, "SHA384", PLAIN_ECDSA),
    ROW(CKM_ECDSA_SHA512, CKK_EC, "SHA512", PLAIN_ECDSA),
    { 0, NULL, 0, NULL, PLAIN_PKCS1 },
};

size_t conform_usable(struct conform *c, CK_FLAGS flags, CK_KEY_TYPE key, const struct mechanism **found, size_t max)
{
    size_t count = 0;
    for (const struct mechanism *row = conform_mechanisms; row->name && count < max; row++) {
        CK_MECHANISM_INFO info = { 0 };
        if (row->key == key && c->p11->C_GetMechanismInfo(c->slot, row->type, &info) == CKR_OK &&
            (info.flags & flags) == flags)
            found[count++] = row;
    }
    return count;
}

const struct mechanism *conform_simplest(struct conform *c, CK_OBJECT_HANDLE key)
{
    const struct mechanism *rows[32];
    CK_KEY_TYPE type = conform_number(c, c->session, key, CKA_KEY_TYPE, "CKA_KEY_TYPE");
    size_t count = conform_usable(c, CKF_SIGN, type, rows, COUNT(rows));
    for (size_t i = 0; i < count; i++)
        if (rows[i]->hash && strcmp(rows[i]->hash, "SHA256") == 0 && rows[i]->padding != PLAIN_PSS)
            return rows[i];
    if (!count)
        conform_skip("no mechanism of the key's type signs");
    return rows[0];
}

/* What a mechanism without a hash of its own is given: SHA-256 inside a DigestInfo, a block, or the hash itself. */
static void plain(const struct mechanism *mechanism, size_t block, struct prepared *prepared)
{
    static const unsigned char digest_info[19] = { 0x30, 0x31, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                                   0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20 };
    unsigned char *at = prepared->data;
    if (mechanism->padding == PLAIN_RAW) {
        memset(at, 0xA5, block);
        at[0] = 0; /* less than the modulus */
        prepared->len = block;
        return;
    }
    if (mechanism->padding == PLAIN_PKCS1) {
        memcpy(at, digest_info, sizeof digest_info);
        at += sizeof digest_info;
    }
    for (unsigned i = 0; i < 32; i++)
        *at++ = (unsigned char)(0x11 * i + 7);
    prepared->len = (CK_ULONG)(at - prepared->data);
}

static CK_MECHANISM_TYPE hash_type(const char *hash, CK_RSA_PKCS_MGF_TYPE *mgf)
{
    static const struct {
        const char *name;
        CK_MECHANISM_TYPE type;
        CK_RSA_PKCS_MGF_TYPE mgf;
    } rows[] = {
        { "SHA1", CKM_SHA_1, CKG_MGF1_SHA1 },      { "SHA224", CKM_SHA224, CKG_MGF1_SHA224 },
        { "SHA256", CKM_SHA256, CKG_MGF1_SHA256 }, { "SHA384", CKM_SHA384, CKG_MGF1_SHA384 },
        { "SHA512", CKM_SHA512, CKG_MGF1_SHA512 },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        if (strcmp(rows[i].name, hash) == 0) {
            *mgf = rows[i].mgf;
            return rows[i].type;
        }
    conform_fail("no such hash: %s", hash);
}

void conform_prepare(const struct mechanism *mechanism, EVP_PKEY *public, struct prepared *prepared)
{
    const char *hash = mechanism->hash ? mechanism->hash : "SHA256";
    *prepared = (struct prepared){ .mechanism = { mechanism->type, NULL, 0 } };
    if (mechanism->padding == PLAIN_PSS) {
        prepared->pss.hashAlg = hash_type(hash, &prepared->pss.mgf);
        prepared->pss.sLen = (CK_ULONG)EVP_MD_get_size(EVP_get_digestbyname(hash));
        prepared->mechanism.pParameter = &prepared->pss;
        prepared->mechanism.ulParameterLen = sizeof prepared->pss;
    }
    if (!mechanism->hash) {
        plain(mechanism, (size_t)EVP_PKEY_get_size(public), prepared);
        return;
    }
    prepared->len = 300;
    for (unsigned i = 0; i < prepared->len; i++)
        prepared->data[i] = (unsigned char)(i * 31 + 5);
}

/* PKCS#11's r and s beside each other as OpenSSL's sequence. */
static int sequence_of(const unsigned char *signature, CK_ULONG len, unsigned char *der, int size)
{
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(signature, (int)len / 2, NULL), *s = BN_bin2bn(signature + len / 2, (int)len / 2, NULL);
    int n = -1;
    if (pair && r && s && ECDSA_SIG_set0(pair, r, s) == 1 && i2d_ECDSA_SIG(pair, NULL) <= size) {
        unsigned char *at = der;
        n = i2d_ECDSA_SIG(pair, &at);
    }
    ECDSA_SIG_free(pair);
    return n;
}

static bool raw_verifies(EVP_PKEY *public, const struct prepared *prepared, const unsigned char *signature,
                         CK_ULONG len)
{
    unsigned char block[512];
    size_t n = sizeof block;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(public, NULL);
    bool good = EVP_PKEY_verify_recover_init(context) == 1 &&
                EVP_PKEY_CTX_set_rsa_padding(context, RSA_NO_PADDING) == 1 &&
                EVP_PKEY_verify_recover(context, block, &n, signature, len) == 1 && n == prepared->len &&
                memcmp(block, prepared->data, n) == 0;
    EVP_PKEY_CTX_free(context);
    return good;
}

bool conform_verifies(const struct mechanism *mechanism, EVP_PKEY *public, const struct prepared *prepared,
                      const unsigned char *signature, CK_ULONG len)
{
    unsigned char der[256], hash[EVP_MAX_MD_SIZE];
    const unsigned char *data = prepared->data;
    size_t data_len = prepared->len;
    unsigned hash_len = 0;
    const EVP_MD *md = mechanism->hash ? EVP_get_digestbyname(mechanism->hash) : NULL;
    if (mechanism->padding == PLAIN_RAW)
        return raw_verifies(public, prepared, signature, len);
    if (mechanism->padding == PLAIN_ECDSA) {
        int n = sequence_of(signature, len, der, sizeof der);
        if (n < 0)
            return false;
        signature = der;
        len = (CK_ULONG)n;
    }
    if (md) {
        if (EVP_Digest(data, data_len, hash, &hash_len, md, NULL) != 1)
            return false;
        data = hash;
        data_len = hash_len;
    } else if (mechanism->padding == PLAIN_PSS)
        md = EVP_sha256();
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(public, NULL);
    bool good = EVP_PKEY_verify_init(context) == 1;
    if (good && mechanism->key == CKK_RSA)
        good = EVP_PKEY_CTX_set_rsa_padding(context, mechanism->padding == PLAIN_PSS ? RSA_PKCS1_PSS_PADDING
                                                                                     : RSA_PKCS1_PADDING) == 1;
    if (good && md)
        good = EVP_PKEY_CTX_set_signature_md(context, md) == 1;
    good = good && EVP_PKEY_verify(context, signature, len, data, data_len) == 1;
    EVP_PKEY_CTX_free(context);
    return good;
}

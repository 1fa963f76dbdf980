/* mechanism.c — the rows, and what OpenSSL does for them: digests, DigestInfo, verification with a public key. What the
 * card does is not here. */
#include "pkcs11/mechanism.h"

#include "pkcs11/crypto.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

static const struct mechanism rows[] = {
    { CKM_RSA_PKCS, MECHANISM_PKCS1, NULL },
    { CKM_SHA1_RSA_PKCS, MECHANISM_PKCS1, "SHA1" },
    { CKM_SHA224_RSA_PKCS, MECHANISM_PKCS1, "SHA224" },
    { CKM_SHA256_RSA_PKCS, MECHANISM_PKCS1, "SHA256" },
    { CKM_SHA384_RSA_PKCS, MECHANISM_PKCS1, "SHA384" },
    { CKM_SHA512_RSA_PKCS, MECHANISM_PKCS1, "SHA512" },
    { CKM_RSA_PKCS_PSS, MECHANISM_PSS, NULL },
    { CKM_SHA256_RSA_PKCS_PSS, MECHANISM_PSS, "SHA256" },
    { CKM_ECDSA, MECHANISM_ECDSA, NULL },
    { CKM_ECDSA_SHA256, MECHANISM_ECDSA, "SHA256" },
    { CKM_ECDSA_SHA384, MECHANISM_ECDSA, "SHA384" },
    { CKM_ECDSA_SHA512, MECHANISM_ECDSA, "SHA512" },
    { CKM_SHA_1, MECHANISM_NONE, "SHA1" },
    { CKM_SHA224, MECHANISM_NONE, "SHA224" },
    { CKM_SHA256, MECHANISM_NONE, "SHA256" },
    { CKM_SHA384, MECHANISM_NONE, "SHA384" },
    { CKM_SHA512, MECHANISM_NONE, "SHA512" },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static bool is_of(const struct mechanism *row, unsigned card)
{
    switch (row->padding) {
    case MECHANISM_NONE:
        return true;
    case MECHANISM_ECDSA:
        return card == MECHANISM_CARD_EC;
    case MECHANISM_PKCS1:
        return card != MECHANISM_CARD_EC;
    case MECHANISM_PSS:
        return card == MECHANISM_CARD_PSS;
    }
    return false;
}

const struct mechanism *mechanism_find(CK_MECHANISM_TYPE type, unsigned card)
{
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].type == type)
            return is_of(&rows[i], card) ? &rows[i] : NULL;
    return NULL;
}

CK_RV mechanism_list(unsigned card, CK_MECHANISM_TYPE *types, CK_ULONG *count)
{
    CK_ULONG wanted = 0;
    for (size_t i = 0; i < ROWS; i++)
        wanted += is_of(&rows[i], card);
    CK_ULONG space = *count;
    *count = wanted;
    if (!types)
        return CKR_OK;
    if (space < wanted)
        return CKR_BUFFER_TOO_SMALL;
    for (size_t i = 0; i < ROWS; i++)
        if (is_of(&rows[i], card))
            *types++ = rows[i].type;
    return CKR_OK;
}

void mechanism_info(const struct mechanism *mechanism, unsigned rsa_bits, CK_MECHANISM_INFO *info)
{
    if (mechanism->padding == MECHANISM_NONE)
        *info = (CK_MECHANISM_INFO) { .flags = CKF_DIGEST };
    else if (mechanism->padding == MECHANISM_ECDSA)
        *info = (CK_MECHANISM_INFO) { .ulMinKeySize = MECHANISM_EC_BITS, .ulMaxKeySize = MECHANISM_EC_BITS,
                                      .flags = CKF_HW | CKF_SIGN | CKF_VERIFY | CKF_EC_F_P | CKF_EC_NAMEDCURVE
                                          | CKF_EC_UNCOMPRESS };
    else
        *info = (CK_MECHANISM_INFO) { .ulMinKeySize = rsa_bits, .ulMaxKeySize = rsa_bits,
                                      .flags = CKF_HW | CKF_SIGN | CKF_VERIFY };
}

CK_RV mechanism_check_params(const struct mechanism *mechanism, const CK_MECHANISM *params)
{
    if (mechanism->padding != MECHANISM_PSS)
        return params->ulParameterLen == 0 ? CKR_OK : CKR_MECHANISM_PARAM_INVALID;
    if (!params->pParameter || params->ulParameterLen != sizeof(CK_RSA_PKCS_PSS_PARAMS))
        return CKR_MECHANISM_PARAM_INVALID;
    const CK_RSA_PKCS_PSS_PARAMS *pss = params->pParameter;
    bool fits = pss->hashAlg == CKM_SHA256 && pss->mgf == CKG_MGF1_SHA256 && pss->sLen == MECHANISM_PSS_HASH_LEN;
    return fits ? CKR_OK : CKR_MECHANISM_PARAM_INVALID;
}

enum rc mechanism_digest_info(const char *digest, struct bytes hash, struct buf *out)
{
    enum rc rc = RC_CRYPTO;
    X509_SIG *info = X509_SIG_new();
    X509_ALGOR *algorithm = NULL;
    ASN1_OCTET_STRING *value = NULL;
    unsigned char *der = NULL;
    int nid = OBJ_txt2nid(digest);
    if (!info || nid == NID_undef || hash.len > 64)
        goto out;
    X509_SIG_getm(info, &algorithm, &value);
    if (!X509_ALGOR_set0(algorithm, OBJ_nid2obj(nid), V_ASN1_NULL, NULL)
        || !ASN1_OCTET_STRING_set(value, hash.data, (int)hash.len))
        goto out;
    int len = i2d_X509_SIG(info, &der);
    if (len > 0)
        rc = buf_append(out, der, (size_t)len);
out:
    OPENSSL_free(der);
    X509_SIG_free(info);
    return rc;
}

enum rc mechanism_fit_hash(struct bytes hash, struct buf *out)
{
    static const uint8_t zeros[MECHANISM_EC_LEN];
    if (hash.len >= MECHANISM_EC_LEN)
        return buf_append(out, hash.data, MECHANISM_EC_LEN);
    enum rc rc = buf_append(out, zeros, MECHANISM_EC_LEN - hash.len);
    return rc ? rc : buf_append_bytes(out, hash);
}

/* r and s side by side, as cards and Cryptoki have them, against what OpenSSL wants. */
static enum rc verify_ecdsa(EVP_PKEY *key, struct bytes input, struct bytes signature)
{
    enum rc rc = RC_CRYPTO;
    unsigned char *der = NULL;
    BIGNUM *r = NULL, *s = NULL;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(crypto_context(), key, NULL);
    if (!pair || !context || EVP_PKEY_verify_init(context) <= 0)
        goto out;
    if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC || signature.len != 2 * MECHANISM_EC_LEN) {
        rc = RC_BAD_SIGNATURE;
        goto out;
    }
    r = BN_bin2bn(signature.data, MECHANISM_EC_LEN, NULL);
    s = BN_bin2bn(signature.data + MECHANISM_EC_LEN, MECHANISM_EC_LEN, NULL);
    if (!r || !s || !ECDSA_SIG_set0(pair, r, s))
        goto out;
    r = s = NULL; /* the pair's now */
    int len = i2d_ECDSA_SIG(pair, &der);
    if (len > 0)
        rc = EVP_PKEY_verify(context, der, (size_t)len, input.data, input.len) == 1 ? RC_OK : RC_BAD_SIGNATURE;
out:
    BN_free(r);
    BN_free(s);
    OPENSSL_free(der);
    ECDSA_SIG_free(pair);
    EVP_PKEY_CTX_free(context);
    return rc;
}

enum rc mechanism_verify(enum mechanism_padding padding, EVP_PKEY *key, struct bytes input, struct bytes signature)
{
    if (padding == MECHANISM_ECDSA)
        return verify_ecdsa(key, input, signature);
    enum rc rc = RC_CRYPTO;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(crypto_context(), key, NULL);
    if (!context || EVP_PKEY_verify_init(context) <= 0)
        goto out;
    if (padding == MECHANISM_PSS) {
        if (EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) <= 0
            || EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) <= 0
            || EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha256()) <= 0
            || EVP_PKEY_CTX_set_rsa_pss_saltlen(context, MECHANISM_PSS_HASH_LEN) <= 0)
            goto out;
    } else if (EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) <= 0) {
        goto out;
    }
    /* Every failure here is the signature's: the key and the settings were taken above. */
    rc = EVP_PKEY_verify(context, signature.data, signature.len, input.data, input.len) == 1 ? RC_OK : RC_BAD_SIGNATURE;
out:
    EVP_PKEY_CTX_free(context);
    return rc;
}

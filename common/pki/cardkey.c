/* cardkey.c — an RSA or EC key of OpenSSL whose private operation is somebody else's function. OpenSSL 3.0 has no public way
 * to give one key a call-back but RSA_METHOD and EC_KEY_METHOD, which it calls deprecated; a provider would be a second
 * library around the same few lines. This file is the only one that uses them. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "pki/cardkey.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <pthread.h>

#define CARDKEY_HALF_MAX 66 /* bytes of a coordinate: P-521 */

struct cardkey {
    cardkey_sign_fn sign;
    void *context;
    enum rc last;
};

static pthread_once_t cardkey_once = PTHREAD_ONCE_INIT;
static RSA_METHOD *cardkey_method; /* shared by all keys, kept for the life of the process */
static EC_KEY_METHOD *cardkey_ec_method;
static int cardkey_index = -1, cardkey_ec_index = -1;

/* flen bytes of DigestInfo come in; the padding is named and left to the card. */
static int cardkey_private_encrypt(int flen, const unsigned char *from, unsigned char *to, RSA *rsa, int padding)
{
    struct cardkey *key = RSA_get_ex_data(rsa, cardkey_index);
    if (!key)
        return -1;
    int size = RSA_size(rsa);
    if (padding != RSA_PKCS1_PADDING || flen < 0 || flen > size - 11) {
        key->last = RC_UNSUPPORTED;
    } else {
        key->last = key->sign(key->context, bytes_of(from, (size_t)flen), to, (size_t)size);
    }
    if (key->last == RC_OK)
        return size;
    ERR_raise(ERR_LIB_RSA, ERR_R_OPERATION_FAIL);
    return -1;
}

/* A card's key here signs and does nothing else. */
static int cardkey_private_decrypt(int flen, const unsigned char *from, unsigned char *to, RSA *rsa, int padding)
{
    (void)flen;
    (void)from;
    (void)to;
    (void)padding;
    struct cardkey *key = RSA_get_ex_data(rsa, cardkey_index);
    if (key)
        key->last = RC_UNSUPPORTED;
    ERR_raise(ERR_LIB_RSA, ERR_R_UNSUPPORTED);
    return -1;
}

/* dgst comes in, r and s are what the card gives side by side. */
static ECDSA_SIG *cardkey_ecdsa(const unsigned char *dgst, int dgst_len, const BIGNUM *inverse, const BIGNUM *r, EC_KEY *ec)
{
    (void)inverse, (void)r;
    struct cardkey *key = EC_KEY_get_ex_data(ec, cardkey_ec_index);
    int half = (EC_GROUP_get_degree(EC_KEY_get0_group(ec)) + 7) / 8;
    uint8_t both[2 * CARDKEY_HALF_MAX];
    ECDSA_SIG *signature = NULL;
    if (!key)
        return NULL;
    key->last = half > CARDKEY_HALF_MAX || dgst_len < 0
                    ? RC_UNSUPPORTED
                    : key->sign(key->context, bytes_of(dgst, (size_t)dgst_len), both, 2 * (size_t)half);
    if (key->last == RC_OK) {
        BIGNUM *first = BN_bin2bn(both, half, NULL), *second = BN_bin2bn(both + half, half, NULL);
        signature = ECDSA_SIG_new();
        if (signature && first && second && ECDSA_SIG_set0(signature, first, second) == 1)
            return signature;
        BN_free(first);
        BN_free(second);
        ECDSA_SIG_free(signature);
        key->last = RC_NOMEM;
    }
    ERR_raise(ERR_LIB_EC, ERR_R_OPERATION_FAIL);
    return NULL;
}

static void cardkey_free_data(void *parent, void *pointer, CRYPTO_EX_DATA *data, int index, long argl, void *argp)
{
    (void)parent;
    (void)data;
    (void)index;
    (void)argl;
    (void)argp;
    OPENSSL_free(pointer);
}

static void cardkey_prepare(void)
{
    cardkey_index = RSA_get_ex_new_index(0, NULL, NULL, NULL, cardkey_free_data);
    cardkey_ec_index = EC_KEY_get_ex_new_index(0, NULL, NULL, NULL, cardkey_free_data);
    cardkey_ec_method = EC_KEY_METHOD_new(EC_KEY_OpenSSL());
    if (cardkey_ec_method) {
        int (*sign)(int, const unsigned char *, int, unsigned char *, unsigned int *, const BIGNUM *, const BIGNUM *, EC_KEY *);
        EC_KEY_METHOD_get_sign(cardkey_ec_method, &sign, NULL, NULL);
        EC_KEY_METHOD_set_sign(cardkey_ec_method, sign, NULL, cardkey_ecdsa);
    }
    RSA_METHOD *method = RSA_meth_dup(RSA_get_default_method());
    if (method && RSA_meth_set1_name(method, "open-jpki card key") &&
        RSA_meth_set_priv_enc(method, cardkey_private_encrypt) &&
        RSA_meth_set_priv_dec(method, cardkey_private_decrypt))
        cardkey_method = method;
    else
        RSA_meth_free(method);
}

static enum rc cardkey_make_rsa(EVP_PKEY *public_key, struct cardkey *card, EVP_PKEY *made, struct err *err)
{
    BIGNUM *n = NULL, *e = NULL;
    RSA *rsa = RSA_new();
    enum rc rc = RC_NOMEM;
    if (!rsa || !cardkey_method || cardkey_index < 0)
        goto out;
    if (!EVP_PKEY_get_bn_param(public_key, "n", &n) || !EVP_PKEY_get_bn_param(public_key, "e", &e)) {
        rc = err_set(err, RC_CRYPTO, "the public key cannot be read");
        goto out;
    }
    if (!RSA_set_method(rsa, cardkey_method) || !RSA_set0_key(rsa, n, e, NULL))
        goto out;
    n = e = NULL;
    RSA_set_flags(rsa, RSA_FLAG_EXT_PKEY);
    if (!EVP_PKEY_assign_RSA(made, rsa))
        goto out;
    rc = RSA_set_ex_data(rsa, cardkey_index, card) ? RC_OK : RC_NOMEM; /* taken */
    rsa = NULL;
out:
    BN_free(n);
    BN_free(e);
    RSA_free(rsa);
    return rc;
}

static enum rc cardkey_make_ec(EVP_PKEY *public_key, struct cardkey *card, EVP_PKEY *made, struct err *err)
{
    const EC_KEY *from = EVP_PKEY_get0_EC_KEY(public_key);
    EC_KEY *ec = from ? EC_KEY_dup(from) : NULL;
    if (!ec)
        return err_set(err, RC_CRYPTO, "the public key cannot be read");
    if (!cardkey_ec_method || cardkey_ec_index < 0 || !EC_KEY_set_method(ec, cardkey_ec_method) ||
        !EVP_PKEY_assign_EC_KEY(made, ec)) {
        EC_KEY_free(ec);
        return RC_NOMEM;
    }
    return EC_KEY_set_ex_data(ec, cardkey_ec_index, card) ? RC_OK : RC_NOMEM; /* taken */
}

enum rc cardkey_new(EVP_PKEY *public_key, cardkey_sign_fn sign, void *context, EVP_PKEY **key, struct err *err)
{
    pthread_once(&cardkey_once, cardkey_prepare);
    int kind = EVP_PKEY_get_base_id(public_key);
    if (kind != EVP_PKEY_RSA && kind != EVP_PKEY_EC)
        return err_set(err, RC_UNSUPPORTED, "the key is neither RSA nor EC");
    struct cardkey *card = OPENSSL_zalloc(sizeof *card);
    EVP_PKEY *made = EVP_PKEY_new();
    enum rc rc = RC_NOMEM;
    if (card && made) {
        *card = (struct cardkey){ .sign = sign, .context = context };
        rc = kind == EVP_PKEY_RSA ? cardkey_make_rsa(public_key, card, made, err) : cardkey_make_ec(public_key, card, made, err);
    }
    if (rc) {
        OPENSSL_free(card);
        EVP_PKEY_free(made);
    } else {
        *key = made;
    }
    return rc;
}

enum rc cardkey_last(const EVP_PKEY *key)
{
    const struct cardkey *card = NULL;
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC) {
        const EC_KEY *ec = EVP_PKEY_get0_EC_KEY(key);
        card = ec ? EC_KEY_get_ex_data(ec, cardkey_ec_index) : NULL;
    } else {
        const RSA *rsa = EVP_PKEY_get0_RSA(key);
        card = rsa ? RSA_get_ex_data(rsa, cardkey_index) : NULL;
    }
    return card ? card->last : RC_BUG;
}

/* cardkey.c — an RSA key of OpenSSL whose private operation is somebody else's function. OpenSSL 3.0 has no public way
 * to give one key a call-back but RSA_METHOD, which it calls deprecated; a provider would be a second library around
 * the same few lines. This file is the only one that uses it. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "pki/cardkey.h"

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <pthread.h>

struct cardkey {
    cardkey_sign_fn sign;
    void *context;
    enum rc last;
};

static pthread_once_t cardkey_once = PTHREAD_ONCE_INIT;
static RSA_METHOD *cardkey_method; /* shared by all keys, kept for the life of the process */
static int cardkey_index = -1;

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
    RSA_METHOD *method = RSA_meth_dup(RSA_get_default_method());
    if (method && RSA_meth_set1_name(method, "open-jpki card key") &&
        RSA_meth_set_priv_enc(method, cardkey_private_encrypt) &&
        RSA_meth_set_priv_dec(method, cardkey_private_decrypt))
        cardkey_method = method;
    else
        RSA_meth_free(method);
}

enum rc cardkey_new(EVP_PKEY *public_key, cardkey_sign_fn sign, void *context, EVP_PKEY **key, struct err *err)
{
    pthread_once(&cardkey_once, cardkey_prepare);
    if (!cardkey_method || cardkey_index < 0)
        return RC_NOMEM;
    if (EVP_PKEY_get_base_id(public_key) != EVP_PKEY_RSA)
        return err_set(err, RC_UNSUPPORTED, "the key is not RSA");
    enum rc rc = RC_NOMEM;
    BIGNUM *n = NULL, *e = NULL;
    struct cardkey *card = OPENSSL_zalloc(sizeof *card);
    RSA *rsa = RSA_new();
    EVP_PKEY *made = EVP_PKEY_new();
    if (!card || !rsa || !made)
        goto out;
    if (!EVP_PKEY_get_bn_param(public_key, "n", &n) || !EVP_PKEY_get_bn_param(public_key, "e", &e)) {
        rc = err_set(err, RC_CRYPTO, "the public key cannot be read");
        goto out;
    }
    *card = (struct cardkey){.sign = sign, .context = context};
    if (!RSA_set_method(rsa, cardkey_method) || !RSA_set0_key(rsa, n, e, NULL))
        goto out;
    n = e = NULL;
    RSA_set_flags(rsa, RSA_FLAG_EXT_PKEY);
    if (!RSA_set_ex_data(rsa, cardkey_index, card))
        goto out;
    card = NULL;
    if (!EVP_PKEY_assign_RSA(made, rsa))
        goto out;
    rsa = NULL;
    *key = made;
    made = NULL;
    rc = RC_OK;
out:
    BN_free(n);
    BN_free(e);
    OPENSSL_free(card);
    RSA_free(rsa);
    EVP_PKEY_free(made);
    return rc;
}

enum rc cardkey_last(const EVP_PKEY *key)
{
    const RSA *rsa = EVP_PKEY_get0_RSA(key);
    const struct cardkey *card = rsa ? RSA_get_ex_data(rsa, cardkey_index) : NULL;
    return card ? card->last : RC_BUG;
}

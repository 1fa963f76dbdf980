/* card_signer.c — from a card to a signer. What comes back from the card is checked with the certificate's public key
 * before anyone gets it: a card or a reader that errs must not put out a document with a false signature. */
#include "sign/card_signer.h"

#include "pki/cardkey.h"
#include "pki/cert.h"

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

struct card_signer {
    struct card *card;
    enum card_key which;
    struct signatory signer;
};

static bool card_signer_is_true(EVP_PKEY *public_key, struct bytes digest_info, struct bytes signature)
{
    uint8_t block[512];
    size_t len = sizeof block;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(public_key, NULL);
    bool same = ctx && EVP_PKEY_verify_recover_init(ctx) == 1 &&
                EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
                EVP_PKEY_verify_recover(ctx, block, &len, signature.data, signature.len) == 1 &&
                bytes_equal(bytes_of(block, len), digest_info);
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return same;
}

static enum rc card_signer_sign(void *context, struct bytes digest_info, uint8_t *out, size_t out_len)
{
    struct card_signer *self = context;
    struct buf signature = {0};
    enum rc rc = card_sign(self->card, self->which, APPLET_SCHEME_RAW, digest_info, &signature, NULL);
    if (rc == RC_OK && (signature.len != out_len ||
                        !card_signer_is_true(X509_get0_pubkey(self->signer.cert), digest_info, buf_bytes(&signature))))
        rc = RC_BAD_SIGNATURE;
    if (rc == RC_OK)
        memcpy(out, signature.data, out_len);
    buf_wipe(&signature);
    return rc;
}

static enum rc card_signer_read(struct card *card, enum card_cert which, X509 **cert, struct err *err)
{
    struct buf der = {0};
    enum rc rc = card_read_cert(card, which, &der, err);
    if (rc == RC_OK && cert_parse(buf_bytes(&der), cert))
        rc = err_set(err, RC_FORMAT, "the card's %s certificate cannot be read", card_cert_name(which));
    buf_wipe(&der);
    return rc;
}

/* The certificate of the authority is for the convenience of whoever verifies: a card without it signs as well. */
static enum rc card_signer_read_above(struct card_signer *self, struct err *err)
{
    X509 *above = NULL;
    struct err none = {0};
    enum rc rc = card_signer_read(self->card, self->which == CARD_KEY_SIGN ? CARD_CERT_SIGN_CA : CARD_CERT_AUTH_CA,
                                  &above, &none);
    if (rc == RC_NOT_FOUND || rc == RC_FORMAT)
        return RC_OK;
    if (rc)
        return err_set(err, rc, "%s", err_text(&none, rc));
    self->signer.above = sk_X509_new_null();
    if (self->signer.above && sk_X509_push(self->signer.above, above))
        return RC_OK;
    X509_free(above);
    return RC_NOMEM;
}

enum rc card_signer_open(struct card *card, enum card_key key, struct card_signer **signer, struct err *err)
{
    struct card_signer *made = calloc(1, sizeof *made);
    if (!made)
        return RC_NOMEM;
    made->card = card;
    made->which = key;
    enum rc rc =
        card_signer_read(card, key == CARD_KEY_SIGN ? CARD_CERT_SIGN : CARD_CERT_AUTH, &made->signer.cert, err);
    if (rc == RC_OK)
        rc = card_signer_read_above(made, err);
    if (rc)
        goto out;
    EVP_PKEY *public_key = X509_get0_pubkey(made->signer.cert);
    if (!public_key) {
        rc = err_set(err, RC_FORMAT, "the key of the card's certificate cannot be read");
        goto out;
    }
    rc = cardkey_new(public_key, card_signer_sign, made, &made->signer.key, err);
    if (rc)
        goto out;
    *signer = made;
    made = NULL;
out:
    card_signer_close(made);
    return rc;
}

void card_signer_close(struct card_signer *signer)
{
    if (!signer)
        return;
    EVP_PKEY_free(signer->signer.key);
    X509_free(signer->signer.cert);
    sk_X509_pop_free(signer->signer.above, X509_free);
    free(signer);
}

const struct signatory *card_signer_get(const struct card_signer *signer)
{
    return &signer->signer;
}

/* signatory.h — who signs: a certificate, the certificates above it, and a key that may live in a card. */
#ifndef JPKI_SIGN_SIGNATORY_H
#define JPKI_SIGN_SIGNATORY_H

#include "base/err.h"

#include <openssl/x509.h>

/* Everything borrowed by the functions that take one. */
struct signatory {
    X509 *cert;
    STACK_OF(X509) * above; /* CA certificates; NULL or empty: none */
    EVP_PKEY *key;          /* RSA-2048: what the cards of today hold */
};

/* Whether the certificate is valid at a time, its key is RSA-2048 and the key's other half. RC_STATE (not yet valid, or
 * ended), RC_UNSUPPORTED (another key), RC_CONFLICT (the key is not the certificate's). */
enum rc signatory_check(const struct signatory *signer, int64_t now, struct err *err) MUST_CHECK;

/* Why OpenSSL could not sign: what the card said, or RC_CRYPTO. Clears OpenSSL's error queue. */
enum rc signatory_failed(const struct signatory *signer, const char *what, struct err *err);

#endif

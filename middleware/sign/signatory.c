/* signatory.c — the checks that come before a signature, whatever its format. */
#include "sign/signatory.h"

#include "pki/cardkey.h"
#include "pki/cert.h"

#include <openssl/err.h>
#include <openssl/rsa.h>

enum { SIGNER_BITS = 2048 };

enum rc signatory_check(const struct signatory *signer, int64_t now, struct err *err)
{
    if (now < cert_not_before(signer->cert))
        return err_set(err, RC_STATE, "the certificate is not valid yet");
    if (now > cert_not_after(signer->cert))
        return err_set(err, RC_STATE, "the certificate has ended: the municipality's counter can renew it");
    EVP_PKEY *public_key = X509_get0_pubkey(signer->cert);
    if (!public_key || EVP_PKEY_get_base_id(public_key) != EVP_PKEY_RSA || EVP_PKEY_get_bits(public_key) != SIGNER_BITS)
        return err_set(err, RC_UNSUPPORTED, "the certificate's key is not RSA-2048");
    if (X509_check_private_key(signer->cert, signer->key) != 1) {
        ERR_clear_error();
        return err_set(err, RC_CONFLICT, "the key is not the certificate's");
    }
    return RC_OK;
}

enum rc signatory_failed(const struct signatory *signer, const char *what, struct err *err)
{
    enum rc rc = cardkey_last(signer->key);
    if (rc == RC_OK || rc == RC_BUG) /* it was not the card, or there is none */
        rc = RC_CRYPTO;
    ERR_clear_error();
    return err_set(err, rc, "%s: %s", what, rc_text(rc));
}

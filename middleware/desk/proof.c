/* proof.c — the card signs a request once; the record remembers. */
#include "desk/proof.h"

#include "base/fault.h"
#include "pki/cardkey.h"

#include <openssl/x509.h>
#include <string.h>

static enum rc proof_sign(void *context, struct bytes digest_info, uint8_t *out, size_t out_len)
{
    struct proof *proof = context;
    struct buf signature = { 0 };
    enum rc rc = enrolment_find_proof(proof->book, proof->request, digest_info, &signature, proof->err);
    if (rc == RC_NOT_FOUND && !proof->issuer) {
        proof->is_absent = true;
        rc = err_set(proof->err, RC_STATE, "the card makes no proof of possession any more, and none is recorded");
    } else if (rc == RC_NOT_FOUND) {
        rc = issuer_sign(proof->issuer, proof->key, APPLET_SCHEME_RAW, digest_info, &signature, proof->err);
        fault_point("desk.before_keep_proof");
        if (rc == RC_OK)
            rc = enrolment_keep_proof(proof->book, proof->request, digest_info, buf_bytes(&signature), proof->err);
        fault_point("desk.after_keep_proof");
    }
    if (rc == RC_OK && signature.len != out_len)
        rc = err_set(proof->err, RC_FORMAT, "the card's signature has the wrong length");
    if (rc == RC_OK)
        memcpy(out, signature.data, out_len);
    buf_wipe(&signature);
    return rc;
}

enum rc proof_key(struct proof *proof, struct bytes public_key, EVP_PKEY **key, struct err *err)
{
    const unsigned char *at = public_key.data;
    EVP_PKEY *half = d2i_PUBKEY(NULL, &at, (long)public_key.len);
    if (!half)
        return err_set(err, RC_FORMAT, "the recorded public key is unreadable");
    enum rc rc = cardkey_new(half, proof_sign, proof, key, err);
    EVP_PKEY_free(half);
    return rc;
}

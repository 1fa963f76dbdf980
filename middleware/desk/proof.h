/* proof.h — proof of possession by the card's own key: a key for OpenSSL whose signature the card makes inside the issuer's
 * channel the first time, and the desk's record gives every other time for the same bytes (of RSA with PKCS#1 v1.5 padding there is
 * only one; of ECDSA any one will do, and the record keeps the request the same bytes). */
#ifndef JPKI_DESK_PROOF_H
#define JPKI_DESK_PROOF_H

#include "card/issuer.h"
#include "desk/enrolment.h"

struct proof {
    struct enrolment_book *book;
    const char *request;
    struct issuer *issuer; /* NULL: only what is recorded */
    enum card_key key;
    struct err *err;
    bool is_absent; /* set when there was nothing recorded and no card to sign */
};

/* public_key: SubjectPublicKeyInfo. The proof is borrowed until EVP_PKEY_free of *key. */
enum rc proof_key(struct proof *proof, struct bytes public_key, EVP_PKEY **key, struct err *err) MUST_CHECK;

#endif

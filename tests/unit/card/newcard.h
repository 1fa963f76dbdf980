/* newcard.h — personalising a card in tests: keys of its own, certificates of the moment, the PINs 1234 and ABC123. */
#ifndef JPKI_TESTS_NEWCARD_H
#define JPKI_TESTS_NEWCARD_H

#include "card/issuer.h"

#define OK(call)                                                                                                             \
    do {                                                                                                                     \
        struct err ok_err = { 0 }, *err = &ok_err;                                                                           \
        enum rc ok_rc = (call);                                                                                              \
        if (ok_rc)                                                                                                           \
            print_error("%s: %s: %s\n", #call, rc_name(ok_rc), err_text(err, ok_rc));                                        \
        assert_int_equal(ok_rc, RC_OK);                                                                                      \
    } while (0)

/* Through an open channel, up to ACTIVE. Fails the running test when something does not work. keys: auth, sign, freed by
 * the caller; certs by enum card_cert, wiped by the caller. */
void newcard_personalise(struct issuer *issuer, EVP_PKEY *keys[2], struct buf certs[4]);
void newcard_put_pin(struct issuer *issuer, enum card_pin which, const char *value);

/* A SHA-256 value, and the DigestInfo of it. Static storage. */
struct bytes newcard_hash(void);
struct bytes newcard_digest_info(void);

/* Whether it is the key's signature over newcard_hash, PKCS#1 v1.5 or PSS with a salt of 32 bytes. */
bool newcard_verifies(EVP_PKEY *key, bool pss, struct bytes signature);

#endif

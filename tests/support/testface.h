/* testface.h — what is printed on a test card, in its applications: an invented person, card-verifiable certificates of a
 * hierarchy made at run time (root, intermediate, municipality), and signatures that verify under it.
 *
 * Every function ends the test by cmocka's fail() when something does not work that is not the test's subject. */
#ifndef JPKI_TESTS_SUPPORT_TESTFACE_H
#define JPKI_TESTS_SUPPORT_TESTFACE_H

#include "support/testcard.h"

#define TESTFACE_PIN SIM_SPECIMEN_PIN
#define TESTFACE_NUMBER SIM_SPECIMEN_NUMBER
#define TESTFACE_BIRTH SIM_SPECIMEN_BIRTH_PIN
#define TESTFACE_B SIM_SPECIMEN_B
#define TESTFACE_NAME SIM_SPECIMEN_NAME

/* Puts all of it on a card that is not its holder's yet, with the keys made in it. Returns the root's public key, which is
 * on no card; the caller frees. */
EVP_PKEY *testface_put(struct testcard *card);

/* A card that is its holder's, with the face. The root's key through *root when it is not NULL; the caller frees. */
struct testcard *testface_new(EVP_PKEY **root);

/* An RSA public key from its objects 90 and 91; the caller frees. */
EVP_PKEY *testface_key(struct bytes objects);

#endif

/* sim_specimen.h — a card filled for tests: an invented person, keys made in the card, certificates of authorities that
 * exist nowhere else (O=JPKI-TEST) and are forgotten, PINs that stand here. What the issuer's commands do one by one is
 * done at once. Nothing of it is worth anything outside the test that made it. */
#ifndef JPKI_APPLET_SIM_SIM_SPECIMEN_H
#define JPKI_APPLET_SIM_SIM_SPECIMEN_H

#include "base/rc.h"

#include <openssl/x509.h>

#define SIM_SPECIMEN_AUTH_PIN "1234"
#define SIM_SPECIMEN_SIGN_PIN "ABC123"
#define SIM_SPECIMEN_PIN "2580" /* of text, resident and common application */
#define SIM_SPECIMEN_NAME "見本\xE3\x80\x80花子"
#define SIM_SPECIMEN_ADDRESS "架空県見本市中央１－２－３"
#define SIM_SPECIMEN_BIRTH "19850401"
#define SIM_SPECIMEN_SEX "2"
#define SIM_SPECIMEN_EXPIRY "20350401"
#define SIM_SPECIMEN_NUMBER "123456789018"       /* My Number: 照合番号A */
#define SIM_SPECIMEN_BIRTH_PIN "600401"          /* the birthday in the era's years */
#define SIM_SPECIMEN_CODE "4567"                 /* security code */
#define SIM_SPECIMEN_B "60040120354567"          /* 照合番号B: birthday, year of expiry, code */
#define SIM_SPECIMEN_PRINTED "345678"            /* the next card's printed number */
#define SIM_SPECIMEN_RESIDENT_CODE "12345678903" /* 住民票コード; the Juki card's */

struct sim;

/* What was issued; the Juki card has no authentication half. */
struct sim_specimen {
    X509 *auth, *auth_ca, *sign, *sign_ca;
};
void sim_specimen_wipe(struct sim_specimen *specimen);

/* Keys, certificates and PINs of the JPKI application of a card that is not its holder's yet; it is then (life ACTIVE).
 * Saved before it returns. specimen NULL: not told. RC_STATE: it is somebody's; RC_CRYPTO, RC_NOMEM, what the save
 * call-back returned: of use for nothing but sim_free then. */
enum rc sim_specimen_fill(struct sim *sim, struct sim_specimen *specimen) MUST_CHECK;

/* What the other applications of its profile hold; to be done before the card is filled. Of a My Number card:
 * everything that is printed on it, under a hierarchy of card-verifiable certificates made here: root, intermediate,
 * municipality; the root's public key through *root when it is not NULL, the caller frees. Saved before it returns. As
 * above. */
enum rc sim_specimen_face(struct sim *sim, EVP_PKEY **root) MUST_CHECK;

#endif

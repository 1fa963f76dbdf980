/* refused.h — the PINs that a card has refused since its last success, so that none is sent again: three programs with an
 * old PIN would else block a card. Kept for the life of the process, over C_Finalize; as keyed tags, never as PINs. */
#ifndef JPKI_PKCS11_REFUSED_H
#define JPKI_PKCS11_REFUSED_H

#include "base/secret.h"
#include "card/card.h"

/* Which card: whatever its reader knows that tells it from others; copied into nothing. */
struct refused_card {
    struct bytes identity;
    enum card_pin pin;
};

/* Whether the card refused this very value before. *tries is the counter that it left. RC_NOT_FOUND: not known. */
enum rc refused_find(const struct refused_card *card, const struct secret *value, unsigned *tries) MUST_CHECK;

/* The card refused the value and has that many tries left. RC_CRYPTO, RC_IO (no random bytes for the key), RC_NOMEM. */
enum rc refused_add(const struct refused_card *card, const struct secret *value, unsigned tries) MUST_CHECK;

/* The card accepted a PIN: what it refused before is forgotten. */
void refused_clear(const struct refused_card *card);

void refused_wipe(void); /* everything */

#endif

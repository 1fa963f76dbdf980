/* refused.h — the PINs that a card has refused since its last success, so that none is sent again by any process of this
 * user: three programs with an old PIN would else block a card. As keyed tags, never as PINs: in memory, and in a private
 * folder of the login ($XDG_RUNTIME_DIR/open-jpki) that all processes of the user share. From any thread; the folder
 * has a lock for processes. Without a folder the memory serves this process alone. */
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

/* That an application was told of this card's last try, and asked again. */
bool refused_was_told(const struct refused_card *card);
enum rc refused_tell(const struct refused_card *card) MUST_CHECK;

/* Whether anything is remembered of any card. */
bool refused_any(void);

/* A number that becomes another one when any process of this user adds a refusal or says that it changed a PIN. */
uint64_t refused_generation(void);
void refused_disturb(void); /* a PIN was changed */

void refused_after_fork(void); /* in the child: another thread's hold is none */
void refused_wipe(void); /* this process's memory; what others share stays */

#endif

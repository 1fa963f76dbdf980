/* kiosk.h — コンビニ交付: a copy at a kiosk with the authentication certificate (公的個人認証法36–38条). The hours are settings of the
 * municipality; the judgement is the register's own, whatever the kiosk has been told by the nation. */
#ifndef JPKI_REGISTRY_KIOSK_H
#define JPKI_REGISTRY_KIOSK_H

#include "registry/cardbook.h"

enum kiosk_hour { KIOSK_OPEN, KIOSK_CLOSE, KIOSK_REST_FROM, KIOSK_REST_UNTIL, KIOSK_HOURS };

struct kiosk_row {
    const char *name; /* "kiosk-open" */
    const char *usual; /* "06:30" */
};
extern const struct kiosk_row kiosk_rows[KIOSK_HOURS];

/* The present value: "HH:MM", and for the rest at the turn of the year "MM-DD" or "none". No transaction needed. */
enum rc kiosk_hour_get(struct store *store, enum kiosk_hour hour, char value[6], struct err *err) MUST_CHECK;

/* Inside a transaction. RC_FORMAT: not a value of its kind. */
enum rc kiosk_hour_set(struct store *store, enum kiosk_hour hour, const char *value, struct err *err) MUST_CHECK;

/* RC_STATE: outside of the hours, or in the rest (29 December to 3 January). No transaction needed. */
enum rc kiosk_check_open(struct store *store, struct err *err) MUST_CHECK;

/* Whose authentication certificate it is, and the card on which it stands, which must be valid. RC_NOT_FOUND this register knows no such
 * certificate; RC_STATE its person is removed, it has ended, or the card is not valid. No transaction needed. */
enum rc kiosk_find_holder(struct store *store, const char *serial, struct resident *holder, struct card_row *card,
                          struct err *err) MUST_CHECK;

#endif

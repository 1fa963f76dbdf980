/* cardbook.h — the card ledger's rows: each card with its present state, each event that made it, and the certificates
 * that stand on it. The same rows in a municipal node (its own cards) and in the national one (what was reported). A
 * function wants an open transaction unless it says otherwise. */
#ifndef JPKI_REGISTRY_CARDBOOK_H
#define JPKI_REGISTRY_CARDBOOK_H

#include "registry/ledger.h"

struct card_row {
    char card[17]; /* the serial number of the card: 16 characters */
    char code[12]; /* 住民票コード: what the chip has written in it */
    char municipality[7];
    enum card_type type;
    enum card_state state;
    char issued[11], expires[11]; /* the first and the last day of its validity */
    char since[11];               /* the day of the latest event */
    int64_t events;               /* how many there were */
};

/* One event to be written. */
struct card_deed {
    enum card_event event;
    enum card_reason reason;
    const char *date;
    int64_t recorded;
    int64_t notice; /* 0: not reported */
};

enum rc card_check(const char *card) MUST_CHECK; /* RC_FORMAT: not 16 digits or capital letters */

/* RC_NOT_FOUND. No transaction needed. */
enum rc cardbook_find(struct store *store, const char *card, struct card_row *row, struct err *err) MUST_CHECK;

/* The same when its holder is known: one partition is asked. */
enum rc cardbook_find_of(struct store *store, const char *card, const char *code, struct card_row *row, struct err *err) MUST_CHECK;

/* The one card of a resident that is not void. RC_NOT_FOUND. No transaction needed. */
enum rc cardbook_find_alive(struct store *store, const char *code, struct card_row *row, struct err *err) MUST_CHECK;

/* Moves the card on (cardlife_next) and writes row and event. RC_STATE: it does not happen to a card in its state;
 * RC_RANGE the date is before the latest event. A row of state CARD_NONE is a new one. */
enum rc cardbook_apply(struct store *store, struct card_row *row, const struct card_deed *deed,
                       struct err *err) MUST_CHECK;

/* Writes the row as it stands, with what made it so (整合性の回復); a row without events is a new one. */
enum rc cardbook_restate(struct store *store, struct card_row *row, const struct card_deed *deed, struct err *err) MUST_CHECK;

/* A resident's cards go on under another code. */
enum rc cardbook_recode(struct store *store, const char *previous, const char *code, struct err *err) MUST_CHECK;

/* Every card of a resident with its events, oldest first, as JSON. Caller decrefs. No transaction needed. */
enum rc cardbook_to_json(struct store *store, const char *code, json_t **array, struct err *err) MUST_CHECK;

/* What a notice reports. No transaction needed. */
enum rc cardbook_of_notice(struct store *store, int64_t notice, struct card_report *report, struct err *err) MUST_CHECK;

/* Counts a resident's certificates that stand on no card yet to this one. */
enum rc cardbook_claim(struct store *store, const struct card_row *row, struct err *err) MUST_CHECK;

/* The certificates on a card that have not ended: at most NOTICE_CERTIFICATES, the newest. No transaction needed. */
enum rc cardbook_certificates(struct store *store, const char *card, int64_t now, struct certificate *certificates,
                              size_t *count, struct err *err) MUST_CHECK;

/* The card on which a certificate stands. RC_NOT_FOUND. No transaction needed. */
enum rc cardbook_find_certificate(struct store *store, enum authority authority, const char *serial,
                                  struct card_row *row, struct err *err) MUST_CHECK;

#endif

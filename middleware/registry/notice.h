/* notice.h — what travels between the nodes, as structs and as JSON (docs/PROTOCOLS.md): a resident's record, a change
 * notice, a certificate. Strict in reading: every member there, of its kind, and valid. Personal data. */
#ifndef JPKI_REGISTRY_NOTICE_H
#define JPKI_REGISTRY_NOTICE_H

#include "registry/cardlife.h"
#include "registry/day.h"
#include "registry/reason.h"
#include "registry/registry_client.h"

#include <jansson.h>

#define NOTICE_BATCH 200       /* notices in one request */
#define NOTICE_CERTIFICATES 8  /* certificates in one notice or event */

enum notice_kind { NOTICE_RECORD, NOTICE_CERTIFICATES_KIND, NOTICE_CARD };
const char *notice_kind_name(enum notice_kind kind); /* "record", "certificates", "card" */
enum rc notice_kind_parse(const char *name, enum notice_kind *kind) MUST_CHECK; /* RC_NOT_FOUND */

/* One certificate of a resident's card. */
struct certificate {
    enum authority authority;
    char serial[41];
    int64_t not_after;
};

/* One event of a card, as the nation hears of it. */
struct card_report {
    char card[17];
    enum card_type type;
    enum card_event event;
    enum card_reason reason;
    char issued[11], expires[11];
    enum card_state state; /* of CARD_RESTATE: the state itself, as it is told */
};

struct notice {
    int64_t sequence;
    enum notice_kind kind;
    enum reason reason; /* of a record; REASON_NONE for the other kinds */
    char date[11];      /* when it happened: "2026-11-23" */
    int64_t recorded;   /* when the municipality recorded it */
    char previous_code[12]; /* of a change of code: resident has the new one; "" otherwise */
    struct resident resident;
    struct card_report card; /* of kind NOTICE_CARD, with the certificates on it: none at all may stand there */
    struct certificate certificates[NOTICE_CERTIFICATES];
    size_t count;
};

/* New references; NULL when out of memory. The whole record for the municipality's own officers; a notice holds what is
 * told (本人確認情報) alone. */
json_t *resident_to_json(const struct resident *resident);
json_t *notice_to_json(const struct notice *notice);

/* A number that says nothing any more, and why. It has no struct notice: a receiver takes it as it is. */
json_t *notice_void_to_json(int64_t sequence, const char *date, int64_t recorded, const char *why);
enum rc notice_void_check(const json_t *json, struct err *err) MUST_CHECK; /* RC_NOT_FOUND: it is another kind; RC_FORMAT */

/* The record without "municipality", which a node knows better than a message does: it is copied from the argument.
 * RC_FORMAT. */
enum rc resident_from_json(const json_t *json, const char *municipality, struct resident *resident,
                           struct err *err) MUST_CHECK;
enum rc notice_from_json(const json_t *json, const char *municipality, struct notice *notice, struct err *err) MUST_CHECK;

/* "certificates":[{"authority","serial","not_after"}…], 1 to NOTICE_CERTIFICATES of them. */
enum rc certificates_from_json(const json_t *object, struct certificate *certificates, size_t *count,
                               struct err *err) MUST_CHECK;
json_t *certificates_to_json(const struct certificate *certificates, size_t count);

/* The certificate's two names as messages and stores write them. AUTHORITY_OPS and malformed serials are RC_FORMAT. */
enum rc certificate_name(const char *authority, const char *serial, struct certificate *certificate,
                         struct err *err) MUST_CHECK;

#endif

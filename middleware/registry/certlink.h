/* certlink.h — which certificate is whose, and whether its person is still as it says. */
#ifndef JPKI_REGISTRY_CERTLINK_H
#define JPKI_REGISTRY_CERTLINK_H

#include "registry/confirm.h"
#include "registry/ledger.h"

struct certlink {
    struct certificate certificate;
    char code[12];
    int64_t revision; /* the resident's state at issue */
    int64_t recorded, notice;
    int64_t changed, removed; /* 0, or since when */
};

/* RC_NOT_FOUND. No transaction needed. */
enum rc certlink_find(struct store *store, enum authority authority, const char *serial, struct certlink *link,
                      struct err *err) MUST_CHECK;

/* RC_EXISTS. */
enum rc certlink_add(struct store *store, const struct certlink *link, struct err *err) MUST_CHECK;

/* Marks a resident's links after a change; what is marked already keeps its earlier time. EFFECT_NONE and
 * EFFECT_CARD do nothing. */
enum rc certlink_mark(struct store *store, const char *code, enum effect effect, int64_t since, struct err *err) MUST_CHECK;

/* Certificates by a query for authority, serial, not_after, at most NOTICE_CERTIFICATES. */
enum rc certlink_collect(struct store *store, const char *sql, const struct bind *binds, struct certificate *certificates,
                         size_t *count, struct err *err) MUST_CHECK;

/* The links of one notice, at most NOTICE_CERTIFICATES. No transaction needed. */
enum rc certlink_of_notice(struct store *store, int64_t notice, struct certificate *certificates, size_t *count,
                           struct err *err) MUST_CHECK;

/* UNKNOWN, CURRENT, CHANGED or REMOVED, with since: the earlier time when it was changed and then removed. as_of and node are the caller's to fill. */
enum rc certlink_confirm(struct store *store, enum authority authority, const char *serial,
                         struct confirmation *confirmation, struct err *err) MUST_CHECK;

#endif

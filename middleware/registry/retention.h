/* retention.h — 保存期間 of 本人確認情報, 除票 and the record of use, by the law of the day (令30条の6, 30条の7, 34条;
 * in 2013 令30条の6, 30条の11): rows, what is due on a day, and its erasure. What a registered person has now is never
 * due. */
#ifndef JPKI_REGISTRY_RETENTION_H
#define JPKI_REGISTRY_RETENTION_H

#include "registry/ledger.h"

#include <jansson.h>

enum retention_kind {
    RETENTION_NOTICE, /* a signed notice that was received and made no row of history: of certificates, of cards, void ones */
    RETENTION_SUPERSEDED, /* a record after which the next one of that person came */
    RETENTION_REMOVED,    /* who was struck out for another reason than death */
    RETENTION_DEAD,
    RETENTION_USE, /* a row of the record of use */
    RETENTION_KINDS
};

/* A rule of one era: so many years from the day of the next record, the removal, or the use. */
struct retention_row {
    const char *name;
    int years_before, years_since; /* before and since the gate */
    const char *gate;              /* its name (gate.h); NULL: one rule for all times */
    const char *source;
};
extern const struct retention_row retention_rows[RETENTION_KINDS];

/* How many years the record of use is kept: 7 unless set (sources say 7 or 5). */
enum rc retention_life(struct store *store, int *years, struct err *err) MUST_CHECK;
enum rc retention_set_life(struct store *store, int years, struct err *err) MUST_CHECK; /* RC_RANGE below 1 or over 150 */

/* How many are due on a day in Japan, "YYYY-MM-DD". No transaction needed. */
enum rc retention_due(struct store *store, enum retention_kind kind, const char *date, int64_t *count,
                      struct err *err) MUST_CHECK;

/* Erases what is due, with everything that hangs on it (a person's certificates' links, requests, letters, and of a
 * row of history the signed notice that made it); inside the caller's transaction. A notice whose history is gone is told
 * as void when it is told again. A trace stays (retention_traces): when, which kind, older than what, how many. */
enum rc retention_erase(struct store *store, enum retention_kind kind, const char *date, int64_t *count,
                        struct err *err) MUST_CHECK;

/* What was erased, as {"time","kind","before","erased"}, the oldest first: counts, and nothing of what it was. No transaction
 * needed. Caller decrefs. */
enum rc retention_traces(struct store *store, json_t **traces, struct err *err) MUST_CHECK;

#endif

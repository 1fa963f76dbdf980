/* report.h — what the book tells in numbers: a month by authority and municipality, and the rows of the trail. Under
 * the lock. */
#ifndef JPKI_CA_REPORT_H
#define JPKI_CA_REPORT_H

#include "ca/book.h"

struct report_row {
    enum authority authority;
    char municipality[7];
    int64_t issued, confirmed, revoked; /* in the time */
    int64_t by_reason[7];               /* of the revoked ones, by CRLReason */
};

/* Rows for [from, to), by authority and municipality; those in which something happened. */
typedef enum rc (*report_fn)(void *context, const struct report_row *row);
enum rc report_each(struct store *store, int64_t from, int64_t to, report_fn each, void *context,
                    struct err *err) MUST_CHECK;

struct report_trail {
    int64_t sequence, time;
    const char *actor, *action, *subject, *detail; /* borrowed for the call */
    struct bytes hash;
};
typedef enum rc (*report_trail_fn)(void *context, const struct report_trail *row);
/* Rows behind `after`, in order; at most max. */
enum rc report_each_trail(struct store *store, int64_t after, int max, report_trail_fn each, void *context,
                          struct err *err) MUST_CHECK;

/* Lists whose validity is over. */
enum rc report_count_stale(struct store *store, int64_t now, int64_t *count, struct err *err) MUST_CHECK;

#endif

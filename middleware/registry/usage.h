/* usage.h — the record of use: who asked for what, when, and what came of it. Written in the transaction of the use, so
 * that no answer leaves without it.
 * Its index is by day and record, so that a day's uses are one place of it, and is made later, of many rows at once (filing.h): each by itself
 * would write a page of its own in its commit. What is not filed yet is found without it. */
#ifndef JPKI_REGISTRY_USAGE_H
#define JPKI_REGISTRY_USAGE_H

#include "net/identity.h"
#include "store/store.h"

/* Of a code, or an authority and a serial number; what is longer names nobody. */
#define USAGE_RECORD_SIZE 64

/* action: "find", "confirm", …; record: the 住民票コード or "sign/SERIAL", empty when none was found (of "denied": the route); result: a status or
 * an rc's name. */
enum rc usage_write(struct store *store, const struct peer *peer, const char *action, const char *record,
                    const char *result, struct err *err) MUST_CHECK;

/* The same with what a provision says beside it: for which task, in which way (search, inquiry, batch), why, and which
 * fields were given; "" where there is none. Many at once, in few statements. */
struct usage_use {
    const struct peer *peer;
    const char *action, *record, *result, *task, *way, *why, *fields;
};
enum rc usage_write_uses(struct store *store, const struct usage_use *uses, size_t count, struct err *err) MUST_CHECK;

/* One use of a record. Texts borrowed during the visit. */
struct usage_row {
    int64_t time;
    const char *role, *municipality, *name, *action, *record, *result, *task, *way, *why, *fields;
};

/* Every use from the one time until before the other of the record of a resident of the store, under this code and those that became it, and of the
 * certificates linked to it, oldest first. An rc of the visit other than RC_OK ends the walk and is returned. No transaction
 * needed. */
enum rc usage_each(struct store *store, const char *code, int64_t from, int64_t until,
                   enum rc (*visit)(void *context, const struct usage_row *row), void *context, struct err *err) MUST_CHECK;

/* Erases what is older than the beginning of a day (in Japan). In an open transaction. */
enum rc usage_erase(struct store *store, int64_t before, int64_t *count, struct err *err) MUST_CHECK;

#endif

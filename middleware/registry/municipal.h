/* municipal.h — what a municipality does with its register: enter, change, move, link certificates, find. Each operation
 * is one transaction of its own with the ledger row, the history and the notice, unless it says otherwise. */
#ifndef JPKI_REGISTRY_MUNICIPAL_H
#define JPKI_REGISTRY_MUNICIPAL_H

#include "registry/certlink.h"
#include "registry/ledger.h"
#include "registry/usage.h"

#define REQUEST_MAX 64 /* characters of a request's name: letters, digits, '.', '_', '-' */

/* The present day in Japan, "YYYY-MM-DD". */
void municipal_today(char date[11]);

/* Enters a resident; inside the caller's transaction (populate enters many in one). */
enum rc municipal_enter(struct store *store, const struct resident *resident, enum reason reason, const char *date,
                        int64_t *notice, struct err *err) MUST_CHECK;

/* The form of a date (a day that exists, not in the future) and of a request's name. RC_FORMAT, RC_RANGE. */
enum rc municipal_check_form(const char *date, const char *request, struct err *err) MUST_CHECK;

/* An address in the municipality begins with its prefecture's and its own name. RC_RANGE. */
enum rc municipal_check_address(const char *municipality, const char *address, struct err *err) MUST_CHECK;

/* What a request recorded. RC_NOT_FOUND: no request of this name. No transaction needed. */
struct municipal_record {
    struct resident resident; /* as it was then */
    enum reason reason;
    char date[11];
    char previous_code[12];
    int64_t notice; /* 0: nobody else hears of it */
};
enum rc municipal_recall(struct store *store, const char *request, struct municipal_record *record,
                         struct err *err) MUST_CHECK;

/* A 世帯番号 that was not given before; inside the caller's transaction. */
enum rc municipal_new_household(struct store *store, char number[11], struct err *err) MUST_CHECK;

/* Remembers what a request recorded; inside the caller's transaction. RC_EXISTS. */
enum rc municipal_remember(struct store *store, const char *request, const char *code, int64_t revision, int64_t notice,
                           struct err *err) MUST_CHECK;

/* One change under a new request's name (NULL: none to remember), inside the caller's transaction. *notice is 0 when nobody
 * else hears of such a change. What ledger_put says. */
enum rc municipal_apply(struct store *store, const struct resident *resident, enum reason reason, const char *date,
                        const char *request, int64_t *notice, struct err *err) MUST_CHECK;

/* Records a correction or removal. The same request with the same content gives the same notice and changes nothing;
 * with another content RC_CONFLICT. resident: the record as it shall be (for a removal only code and municipality count).
 * RC_FORMAT, RC_RANGE (a future date), and what ledger_put says. */
enum rc municipal_change(struct store *store, const struct resident *resident, enum reason reason, const char *date,
                         const char *request, int64_t *notice, struct err *err) MUST_CHECK;

/* 転居: the address within the municipality. RC_RANGE: outside it, or the present address. */
enum rc municipal_move(struct store *store, const char *municipality, const char *code, const char *address,
                       const char *date, const char *request, int64_t *notice, struct err *err) MUST_CHECK;

/* Links certificates to a resident whose attributes are still those given. The same again gives the same notice.
 * RC_NOT_FOUND, RC_STATE removed, RC_CONFLICT (see registry_link_certificates). */
enum rc municipal_link(struct store *store, const char *municipality, const char *code,
                       const struct attributes *attributes, const struct certificate *certificates, size_t count,
                       int64_t *notice, struct err *err) MUST_CHECK;

/* A search for a peer, in steps: its form (RC_FORMAT), then, inside a transaction that others may share, the look and the
 * record of the use (as storegroup_fn; context a struct municipal_search). found and why tell what came of it once that is
 * committed; resident is set when found is RC_OK. */
struct municipal_search {
    const struct peer *peer;
    const char *code, *name, *birth, *address; /* code, or the other three */
    enum rc found;
    struct err why;
    struct resident resident;
};
enum rc municipal_search_check(const struct municipal_search *search, struct err *err) MUST_CHECK;
enum rc municipal_find_in(void *context, struct store *store, struct err *err) MUST_CHECK;

/* Finds for a peer and records the use. code, or the other three. Errors as registry_find_resident. */
enum rc municipal_find(struct store *store, const struct peer *peer, const char *code, const char *name,
                       const char *birth, const char *address, struct resident *resident, struct err *err) MUST_CHECK;

#endif

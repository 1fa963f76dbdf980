/* rowlist.h — the rows of a query as a JSON array. */
#ifndef JPKI_REGISTRY_ROWLIST_H
#define JPKI_REGISTRY_ROWLIST_H

#include "store/store.h"

#include <jansson.h>

/* make: one row's value, the caller's; NULL is RC_NOMEM. Caller decrefs the array. */
enum rc rowlist_read(struct store *store, const char *sql, const struct bind *binds, json_t *(*make)(struct statement *row),
                     json_t **array, struct err *err) MUST_CHECK;

#endif

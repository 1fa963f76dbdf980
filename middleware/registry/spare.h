/* spare.h — 空きコード: the codes that the national node assigned to a municipality and nobody has had yet
 * (施行規則9条). One is picked at random, once; a low stock asks for more (registry/supply.h). */
#ifndef JPKI_REGISTRY_SPARE_H
#define JPKI_REGISTRY_SPARE_H

#include "store/store.h"

#define SPARE_BLOCK 1000 /* codes in one request */
#define SPARE_LOW 200    /* fewer left than this: alarm, and ask for more */

/* Takes a code out of the stock for good; inside the caller's transaction. RC_RANGE: none is left. */
enum rc spare_draw(struct store *store, char code[12], struct err *err) MUST_CHECK;

enum rc spare_left(struct store *store, int64_t *left, struct err *err) MUST_CHECK;

/* The name of the request for the next block: the same until it was answered. No transaction needed. */
enum rc spare_request(struct store *store, char request[32], struct err *err) MUST_CHECK;

/* Puts a block into the stock and closes its request; inside the caller's transaction. Known codes are passed over, so
 * that an answer may come twice. RC_FORMAT a code has a wrong check digit. */
enum rc spare_stock(struct store *store, const char *request, const char *const *codes, size_t count,
                    struct err *err) MUST_CHECK;

#endif

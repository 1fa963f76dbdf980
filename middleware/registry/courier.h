/* courier.h — a thread that delivers what stands in an outbox: in order, again and again until the other side has it,
 * slower after failures, at once when told of something new. What a delivery is, is the caller's. */
#ifndef JPKI_REGISTRY_COURIER_H
#define JPKI_REGISTRY_COURIER_H

#include "base/err.h"

#include <stdbool.h>

struct courier;

/* Tries one delivery. RC_OK: something was delivered, come again at once; RC_NOT_FOUND: nothing to do; anything else:
 * a failure (its words are logged once per change of words). */
typedef enum rc (*courier_deliver_fn)(void *context, struct err *err);

/* name is for the log, borrowed. Looks by itself every few seconds: another process may have written. retry: the longest pause
 * after a failure, in milliseconds; the first is 200 at most. */
enum rc courier_start(const char *name, courier_deliver_fn deliver, void *context, long retry, struct courier **courier,
                      struct err *err) MUST_CHECK;
void courier_wake(struct courier *courier); /* NULL is fine */
void courier_stop(struct courier *courier); /* waits for a delivery under way; NULL is fine */

#endif

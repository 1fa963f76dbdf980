/* asked.h — a request by its name: done once, answered the same ever after. The answer is kept in the transaction of
 * the deed, so that a torn request is either not there or whole. */
#ifndef JPKI_REGISTRY_ASKED_H
#define JPKI_REGISTRY_ASKED_H

#include "store/store.h"

#include <jansson.h>

/* The deed, inside an open transaction: *answer gets a JSON object (taken). */
typedef enum rc (*asked_do_fn)(void *context, struct store *store, const json_t *body, json_t **answer,
                               struct err *err);

/* Runs the deed for a body with a member "request" in a transaction of its own. The same name with the same kind and
 * body gives the first answer and does nothing; with another body RC_CONFLICT. RC_FORMAT the name's form; and what the
 * deed says. Caller decrefs *answer. Fault points: registry.before_KIND, registry.after_KIND. */
enum rc asked_once(struct store *store, const char *kind, const json_t *body, asked_do_fn run, void *context,
                   json_t **answer, struct err *err) MUST_CHECK;

/* The answer that was given to the request before. RC_NOT_FOUND the name is new; RC_CONFLICT, RC_FORMAT as asked_once. No transaction
 * needed. Caller decrefs. */
enum rc asked_find(struct store *store, const char *kind, const json_t *body, json_t **answer, struct err *err) MUST_CHECK;

#endif

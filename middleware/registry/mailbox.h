/* mailbox.h — letters between municipal nodes: numbered without gaps for each addressee, written in the transaction of
 * what they tell, kept until the other node has said that they are durable there, taken once and in order. */
#ifndef JPKI_REGISTRY_MAILBOX_H
#define JPKI_REGISTRY_MAILBOX_H

#include "store/store.h"

#include <jansson.h>

/* Puts a letter into the outbox; inside the change's transaction. kind: "departure", "departure-wanted", "arrived". */
enum rc mailbox_put(struct store *store, const char *municipality, const char *kind, const json_t *body,
                    struct err *err) MUST_CHECK;

/* The next municipality behind `after` ("" for the first) that letters wait for. RC_NOT_FOUND. No transaction needed.
 */
enum rc mailbox_next(struct store *store, const char *after, char municipality[7], struct err *err) MUST_CHECK;

/* The oldest letter for a municipality as the body of POST /v1/letters. RC_NOT_FOUND. Caller decrefs. */
enum rc mailbox_letter(struct store *store, const char *municipality, int64_t *sequence, json_t **letter,
                       struct err *err) MUST_CHECK;

/* The addressee has all up to this number; a lower one than before: it was set back, and is told again from there. */
enum rc mailbox_sent(struct store *store, const char *municipality, int64_t sequence, struct err *err) MUST_CHECK;

/* What was heard from a municipality so far, and that one more was; inside the transaction of what it brought. */
enum rc mailbox_heard(struct store *store, const char *municipality, int64_t *sequence, struct err *err) MUST_CHECK;
enum rc mailbox_hear(struct store *store, const char *municipality, int64_t sequence, struct err *err) MUST_CHECK;

/* Letters that wait, to all. */
enum rc mailbox_waiting(struct store *store, int64_t *count, struct err *err) MUST_CHECK;

#endif

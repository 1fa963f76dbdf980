/* refusal.h — a notice that the other side will not take: it holds back what follows it on purpose, and somebody
 * decides. The notice and why it is refused are kept; the decision, too: to send it again, or to tell in its place that
 * it is void. */
#ifndef JPKI_REGISTRY_REFUSAL_H
#define JPKI_REGISTRY_REFUSAL_H

#include "store/store.h"

#include <jansson.h>

/* The peer refuses this notice; its own transaction. Said again, it is counted. */
enum rc refusal_note(struct store *store, const char *peer, int64_t sequence, const char *words,
                     struct err *err) MUST_CHECK;

/* The peer has taken what was refused, or more. */
enum rc refusal_clear(struct store *store, const char *peer, int64_t acknowledged, struct err *err) MUST_CHECK;

/* Why a notice is void for a peer ("" for all of them counts, too), from the decision or because its history has been
 * erased by then. RC_NOT_FOUND. */
enum rc refusal_void(struct store *store, const char *peer, int64_t sequence, char *why, size_t size,
                     struct err *err) MUST_CHECK;

/* Decides about the notice that a peer refuses now: "void" or "resend", with a reason; inside the caller's transaction.
 * RC_STATE: it is not this one that is refused. */
enum rc refusal_decide(struct store *store, const char *peer, int64_t sequence, const char *decision, const char *why,
                       struct err *err) MUST_CHECK;

/* Every refusal that stands, as {"peer","notice","kind","code","reason","words","since","times"}, and every decision.
 * Caller decrefs. */
enum rc refusal_list(struct store *store, json_t **refused, json_t **decisions, struct err *err) MUST_CHECK;

#endif

/* wanted.h — 個人番号 that a municipality waits for: of people who have none yet, and new ones for those whose number
 * is changed (with the reason, 番号法7条2項). The national node is asked (registry/supply.h); its answer becomes a
 * change of the record with a notice. Rows stay as the record of why. */
#ifndef JPKI_REGISTRY_WANTED_H
#define JPKI_REGISTRY_WANTED_H

#include "registry/municipal.h"

/* Asks for the first number of a person who has none; a person who is asked for already stays so. Inside the caller's
 * transaction. */
enum rc wanted_first(struct store *store, const char *code, const char *date, struct err *err) MUST_CHECK;

/* From the day of the gate on: asks for the first number of those who are registered, have none and do not wait for one; at most max
 * of them. Inside the caller's transaction. *count how many. */
enum rc wanted_everybody(struct store *store, size_t max, int64_t *count, struct err *err) MUST_CHECK;

/* Asks for another number. The same request again: RC_OK with *known, RC_CONFLICT with another content. why is kept.
 * RC_STATE: the person has no number yet, or waits for one. Inside the caller's transaction. */
struct wanted {
    const char *request, *code, *date, *why;
    enum reason reason;
};
enum rc wanted_change(struct store *store, const struct wanted *wanted, bool *known, struct err *err) MUST_CHECK;

/* The items of POST /v1/numbers, at most max; an empty array when nobody waits. Caller decrefs. */
enum rc wanted_items(struct store *store, size_t max, json_t **items, struct err *err) MUST_CHECK;

/* The number that the national node gave: the record, its history, notice, and the letter to the person. A person who
 * was struck out meanwhile, or whose number is there already, is closed without a change. Inside the caller's
 * transaction. */
enum rc wanted_given(struct store *store, const char *municipality, const char *code, const char *number,
                     struct err *err) MUST_CHECK;

/* A changed code: who waits, waits under the new one. */
enum rc wanted_recode(struct store *store, const char *previous, const char *code, struct err *err) MUST_CHECK;

#endif

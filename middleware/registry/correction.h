/* correction.h — 訂正 (住民基本台帳法30条の35): a resident asks whoever keeps their 本人確認情報 for a correction; it
 * is passed on to the municipality whose record it is, which corrects by an act of its own, or does not; the answer
 * goes back with the act's notice, and the resident sees how it stands. Rows of a node's store: at the nation or a
 * prefecture what was asked there, at a municipality what was passed on to it and what was asked at its own counter. In
 * an open transaction unless it says otherwise. */
#ifndef JPKI_REGISTRY_CORRECTION_H
#define JPKI_REGISTRY_CORRECTION_H

#include "registry/ledger.h"

#include <jansson.h>

#define CORRECTION_DAYS 30 /* to answer in */
#define CORRECTION_BATCH 100

/* A correction is asked for: *number names it, due is when it must be answered. RC_NOT_FOUND no such resident;
 * RC_FORMAT. */
enum rc correction_ask(struct store *store, const char *code, const char *wish, int64_t *number, char due[11],
                       struct err *err) MUST_CHECK;

/* The answer: decision "corrected" with the notice (its number) of the municipality's act about this very person since,
 * or "refused" with notice 0; and the reason. The same answer again is the same. RC_NOT_FOUND; RC_STATE answered
 * already in another way, or no such act is known here (yet); RC_FORMAT. municipality: only a request that was passed
 * on to it (RC_NOT_FOUND else); NULL for any. */
struct correction_answer {
    int64_t number, notice;
    const char *decision, *reason, *municipality;
};
enum rc correction_decide(struct store *store, enum node_role role, const struct correction_answer *answer,
                          struct err *err) MUST_CHECK;

/* Every correction asked for, or those of one resident, those not answered first:
 * {"number","code","wish","received","due","state",
 * "municipality","forwarded","answered","decision","reason","notice","late"}, state received, forwarded or answered. */
enum rc correction_each(struct store *store, const char *code, enum rc (*visit)(void *context, const json_t *request),
                        void *context, struct err *err) MUST_CHECK;

/* At the nation or a prefecture: what is open for a municipality, as {"number","code","wish","received","due"}; from then on it is
 * forwarded. Caller decrefs. */
enum rc correction_forward(struct store *store, const char *municipality, json_t **list, struct err *err) MUST_CHECK;

/* At the municipality: takes what a peer (OUTBOX_NATIONAL, OUTBOX_PREFECTURE) passed on, each once. RC_FORMAT. */
enum rc correction_take(struct store *store, const char *peer, const json_t *list, struct err *err) MUST_CHECK;

/* At the municipality: an answer that the peer has not heard, as the body of POST /v1/corrections/answer; and that it
 * has. RC_NOT_FOUND none waits. No transaction needed for the first. Caller decrefs. */
enum rc correction_untold(struct store *store, const char *peer, json_t **body, struct err *err) MUST_CHECK;
enum rc correction_told(struct store *store, const char *peer, int64_t number, struct err *err) MUST_CHECK;

#endif

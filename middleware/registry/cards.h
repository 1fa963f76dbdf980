/* cards.h — what a municipality does with its card ledger: issue, loss, return and the rest, each once by the request's
 * name, with the report to the nation in the same transaction. */
#ifndef JPKI_REGISTRY_CARDS_H
#define JPKI_REGISTRY_CARDS_H

#include "registry/asked.h"
#include "registry/cardbook.h"
#include "registry/usage.h"

/* 交付, as asked_do_fn; context is the municipality's code. Body: {"code","card","type","date","request"} and
 * "grounds": "first" (the default), "reissue" (the present card is lost), "ending" (its last three months), "full" (no
 * room for another 追記), "damaged"; "old": "returned" or "kept", what becomes of the present card when the holder has
 * it: without it no new one is issued; "stay": the end of a foreign resident's stay. Answer:
 * {"card","type","issued","expires","notice"} and "ended" with the card that it ends. RC_STATE the resident is removed,
 * or has a card and the grounds do not allow another; RC_RANGE no card of the type is issued on the day; RC_CONFLICT
 * the card's number was given before; RC_NOT_FOUND, RC_DENIED, RC_FORMAT. */
enum rc cards_issue(void *context, struct store *store, const json_t *body, json_t **answer,
                    struct err *err) MUST_CHECK;

/* Another event, as asked_do_fn; context is the municipality's code. Body: {"card","event","date","request"} with event
 * lost, found, lock, unlock, annotate, void, return or keep, and "reason" (wish or order) with void. Answer:
 * {"card","state"} and "notice" when it is reported. RC_NOT_FOUND, RC_STATE (cardlife_next; only a Juki card is kept),
 * RC_RANGE, RC_FORMAT. */
enum rc cards_event(void *context, struct store *store, const json_t *body, json_t **answer,
                    struct err *err) MUST_CHECK;

/* One step of a card that the rules make, with its report; inside the caller's transaction. date is moved up to the
 * card's latest event: what happened to the person comes to the ledger late. */
enum rc cards_step(struct store *store, struct card_row *row, enum card_event event, enum card_reason reason,
                   const char *date, int64_t *notice, struct err *err) MUST_CHECK;

/* What a change of the register does to the person's card; inside the caller's transaction, after the change's own
 * notice. */
enum rc cards_follow(struct store *store, const char *code, enum reason reason, const char *date,
                     struct err *err) MUST_CHECK;

/* Ends every card whose last day is past, some at a time, each batch in its own transaction. *ended counts. */
enum rc cards_sweep(struct store *store, int64_t *ended, struct err *err) MUST_CHECK;

/* A card shown at a counter. use "network": the code that stands in the chip finds its holder: the card must be valid,
 * its PIN not locked, and the code the ledger's. use "identity": the face is looked at: a valid card with a photo. The
 * use is recorded. RC_NOT_FOUND, RC_STATE the card may not be used so, RC_CONFLICT the code is not this card's,
 * RC_FORMAT. row->state is valid. */
enum rc cards_check(struct store *store, const struct peer *peer, const char *card, const char *code, const char *use,
                    struct card_row *row, struct resident *resident, struct err *err) MUST_CHECK;

/* The same judgement without the record of use, which is the caller's; no transaction needed. */
enum rc cards_judge(struct store *store, const char *card, const char *code, bool face, struct card_row *row,
                    struct resident *resident, struct err *err) MUST_CHECK;

/* All cards of a resident, by one of them or by the code, with their events; the use is recorded. Caller decrefs. */
enum rc cards_show(struct store *store, const struct peer *peer, const char *card, const char *code, json_t **array,
                   struct err *err) MUST_CHECK;

#endif

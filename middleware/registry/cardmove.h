/* cardmove.h — a card that moves with its holder: the 転出届 made ahead, the claim of the municipality of the 転入 on
 * the card, and the cards whose deadline is past. The rules: moverules.h. */
#ifndef JPKI_REGISTRY_CARDMOVE_H
#define JPKI_REGISTRY_CARDMOVE_H

#include "registry/asked.h"
#include "registry/cards.h"

/* How a 転出届 is made, as asked_do_fn: {"code","planned","channel","date","request"}, and "with" for who has no card and comes with that of
 * another member of the household (世帯員, 住基法24条の2), who leaves for the same place on the same day and has said so before; whether the rules take it. The record's own leaving is
 * moves_leave, which follows. Answer: {"code","planned","rule","until"}, until being the last day for the 転入届 as far as the plan tells
 * it. RC_STATE the rules do not take it, or the resident is removed; RC_NOT_FOUND, RC_FORMAT, RC_RANGE. */
enum rc cardmove_notice(void *context, struct store *store, const json_t *body, json_t **answer,
                        struct err *err) MUST_CHECK;

/* 転入通知: a first 転入届 was made there, so that the card has its 90 days; inside the caller's transaction. RC_FORMAT. */
enum rc cardmove_hear_arrival(struct store *store, const char *code, const char *municipality, const char *date,
                              struct err *err) MUST_CHECK;

/* At the municipality that was left, as asked_do_fn; context is the claiming municipality's code. Body:
 * {"card","code","moved","arrival", "handed_in","request"}, handed_in "" while the card is not there. Answer:
 * {"way":"one-visit"|"certificate","way_rule","fate": "continues"|"waits"|"void","rule","reason","until","riders":
 * [{"code","way","way_rule"}…]} (riders: the members of the household who come with this card), and of a
 * card that continues {"type","issued","expires","certificates"}: from then on it is the claimant's. RC_STATE the
 * holder did not move out, or the card is not valid; RC_CONFLICT, RC_NOT_FOUND, RC_FORMAT. */
enum rc cardmove_claim(void *context, struct store *store, const json_t *body, json_t **answer,
                       struct err *err) MUST_CHECK;

/* At the municipality of the 転入, as asked_do_fn, with what the other one answered to the claim: a card that continues
 * is entered here with its certificates, and 継続 is reported. Body as of the claim, with "home". Answer: the claim's.
 */
struct cardmove_taking {
    const char *municipality;
    const json_t *claimed;
};
enum rc cardmove_take(void *context, struct store *store, const json_t *body, json_t **answer,
                      struct err *err) MUST_CHECK;

/* RC_STATE, RC_NOT_FOUND: the resident must be registered here before the card can follow. No transaction needed. */
enum rc cardmove_check_arrived(struct store *store, const char *municipality, const char *code,
                               struct err *err) MUST_CHECK;

/* Ends the cards of who moved out and whose deadline is past; transactions of its own. *ended counts. */
enum rc cardmove_sweep(struct store *store, int64_t *ended, struct err *err) MUST_CHECK;

#endif

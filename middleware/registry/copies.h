/* copies.h — 住民票の写し: what stands on a copy and who may have one (住基法12条, 12条の4, 施行令15条の3, 15条の4, 施行規則4条), the
 * answer of the municipality of residence to another one, and the sheet with the issuer's signature. */
#ifndef JPKI_REGISTRY_COPIES_H
#define JPKI_REGISTRY_COPIES_H

#include "registry/asked.h"
#include "registry/ledger.h"
#include "registry/usage.h"

/* What is asked for (要求): texts borrowed from the message. */
struct copies_wish {
    const char *code, *name;  /* the requester's 住民票コード, as the card has it, and 氏名 */
    const char *card;         /* the card that was shown; NULL when another proof was judged already */
    const json_t *members;    /* names of members of the household; NULL or empty: the requester alone */
    bool relation, number, show_code; /* 世帯主 and 続柄, 個人番号, 住民票コード: left out unless asked for */
};

/* From {"code","name","card","members":[…],"relation","number","show_code"}; all must be there. RC_FORMAT; RC_DENIED the message
 * speaks of an agent: nobody stands in for the requester (12条の4第6項). */
enum rc copies_read(const json_t *body, struct copies_wish *wish, struct err *err) MUST_CHECK;

/* The items of the persons wanted, in the household's order, as a JSON array; each use of a record is recorded for the peer under the
 * action, also a refused one. 戸籍の表示 and what the law leaves out beside it are not among the items. Its own transaction.
 * RC_NOT_FOUND no such resident, RC_CONFLICT the name is not the code's, RC_STATE removed or the card may not be used so, RC_DENIED
 * withheld (支援措置), or somebody outside of the household. Caller decrefs. */
enum rc copies_collect(struct store *store, const struct peer *peer, const char *action, const struct copies_wish *wish,
                       json_t **items, struct err *err) MUST_CHECK;

/* Who seals, and what kind of copy. Everything borrowed. */
struct copies_issue {
    const struct identity *identity; /* a document seal; NULL: nothing is issued (RC_STATE) */
    const char *issuer;    /* the municipality that issues */
    const char *home;      /* the one whose register it is */
    const char *action;    /* "copy-elsewhere", … */
    const char *asker;     /* the serial number of the certificate that asked */
    const json_t *items;
    bool form; /* an application form with the particulars, instead of a copy */
};

#define COPIES_ELSEWHERE "copy-elsewhere"
#define COPIES_OWN "copy-own"
#define COPIES_KIOSK "copy-kiosk"
#define COPIES_VENDING "copy-vending"
#define COPIES_FORM "form"

/* Draws, seals and keeps a copy, as asked_do_fn; context is a struct copies_issue. Answer: {"copy","home","issued"}, copy being the
 * number of the copy. */
enum rc copies_make(void *context, struct store *store, const json_t *body, json_t **answer, struct err *err) MUST_CHECK;

#define COPIES_KEPT_DAYS 30 /* after them the sheet is forgotten, and only that it was issued is kept */

/* Forgets the sheets that are older; a transaction of its own. */
enum rc copies_forget(struct store *store, struct err *err) MUST_CHECK;

/* A copy that was made, for who asked for it. RC_NOT_FOUND, also when it is forgotten. No transaction needed. */
enum rc copies_get(struct store *store, const char *number, const char *asker, struct buf *pdf, struct err *err) MUST_CHECK;

/* 支援措置, as asked_do_fn: {"code","until","request"}: no copy of this resident until the day (included); "" ends it. Answer:
 * {"code","until"}. RC_NOT_FOUND, RC_FORMAT. */
enum rc copies_withhold(void *context, struct store *store, const json_t *body, json_t **answer, struct err *err) MUST_CHECK;

#endif

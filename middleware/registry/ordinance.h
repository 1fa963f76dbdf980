/* ordinance.h — services by municipal ordinance on the card (条例利用: 住基法30条の44第12項 of 2013, 番号法18条): which ones this municipality
 * offers, which ones a holder chose, and each use. The four of the page, and issue at kiosks, which needs no choice. */
#ifndef JPKI_REGISTRY_ORDINANCE_H
#define JPKI_REGISTRY_ORDINANCE_H

#include "registry/asked.h"
#include "registry/cards.h"

enum service {
    SERVICE_VENDING, /* 自動交付機による証明書の交付 */
    SERVICE_FORMS,   /* 申請書の自動作成 */
    SERVICE_SEAL,    /* 印鑑登録証としての利用 */
    SERVICE_VIDEO,   /* 本庁と支所とのテレビ対話: kept as a record of the talk */
    SERVICE_KIOSK,   /* コンビニ交付, with the authentication certificate */
    SERVICE_COUNT
};

const char *service_name(enum service service); /* "vending", "forms", "seal", "video", "kiosk" */
enum rc service_parse(const char *name, enum service *service) MUST_CHECK; /* RC_NOT_FOUND */

/* RC_UNSUPPORTED: this municipality does not offer it. No transaction needed. */
enum rc ordinance_want(struct store *store, enum service service, struct err *err) MUST_CHECK;

/* Every service, with whether it is offered and to whom, as JSON. Caller decrefs. No transaction needed. */
enum rc ordinance_list(struct store *store, json_t **array, struct err *err) MUST_CHECK;

/* The municipality's ordinance, as asked_do_fn: {"service","offered","minors","wards","request"}: whether holders under 15 and 成年被後見人 are
 * admitted. Answer: the same without "request". */
enum rc ordinance_offer(void *context, struct store *store, const json_t *body, json_t **answer, struct err *err) MUST_CHECK;

/* A holder's choice, as asked_do_fn: {"card","service","ward","date","request"}, ward being what the officer knows. Answer: {"card","service"}.
 * RC_UNSUPPORTED not offered (or not a matter of choice); RC_DENIED the holder is not admitted; RC_STATE the card is not valid, or a paper
 * 印鑑登録証 is held; RC_EXISTS chosen already; RC_NOT_FOUND, RC_FORMAT, RC_RANGE. */
enum rc ordinance_choose(void *context, struct store *store, const json_t *body, json_t **answer, struct err *err) MUST_CHECK;

/* And its end: {"card","service","date","request"}. RC_NOT_FOUND: it was not chosen. */
enum rc ordinance_leave(void *context, struct store *store, const json_t *body, json_t **answer, struct err *err) MUST_CHECK;

/* The paper 印鑑登録証: {"code","held","request"}. RC_STATE: the holder's card is one. */
enum rc ordinance_paper(void *context, struct store *store, const json_t *body, json_t **answer, struct err *err) MUST_CHECK;

/* Whether the holder may use the service now: offered, chosen, the card valid here. What ordinance_choose says, and RC_DENIED not chosen. */
enum rc ordinance_may_use(struct store *store, enum service service, const char *card, struct card_row *row, struct err *err) MUST_CHECK;

/* One use, kept; inside the caller's transaction. place: where, for the record. */
enum rc ordinance_record(struct store *store, enum service service, const char *card, const char *place, const char *peer,
                         struct err *err) MUST_CHECK;

/* A use that gives nothing but a record (seal, video), as asked_do_fn; context is the peer's name. {"card","service","place","request"}.
 * Answer: {"card","service","place","time"}. */
enum rc ordinance_use(void *context, struct store *store, const json_t *body, json_t **answer, struct err *err) MUST_CHECK;

/* A card that is void or gone takes its holder's choices with it; inside the caller's transaction. */
enum rc ordinance_end(struct store *store, const char *card, const char *date, struct err *err) MUST_CHECK;

#endif

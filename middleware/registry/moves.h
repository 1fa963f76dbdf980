/* moves.h — moves between municipalities (住基法22条, 24条, 9条): 転出 with its release and 転出証明書情報 to the
 * municipality of destination, 転入 there with the record taken over and the code kept, 転入通知 back, the old record
 * closed. Over one municipality's store; what the other one hears is letters (registry/mailbox.h). Every function is
 * one transaction and may be repeated. */
#ifndef JPKI_REGISTRY_MOVES_H
#define JPKI_REGISTRY_MOVES_H

#include "registry/municipal.h"
#include "registry/sealed.h"

#define MOVES_AHEAD_DAYS 60 /* how far ahead a 転出 may be planned */
#define MOVES_KEEP_DAYS                                                                                                \
    30 /* 転出証明書情報 that nobody came for is erased so long after the planned day, and after                \
          it came (令24条の3) */

struct moves_leave {
    const char *code, *to, *address; /* the municipality and the address they plan to move to */
    const char *date, *request;      /* the planned day: today, past, or up to MOVES_AHEAD_DAYS ahead */
};

/* 転出届. The record is struck out (国内転出) on the planned day, or at once when it is no longer ahead; the release,
 * signed by this node, and the record go to the other municipality at once. *notice is 0 while the day is ahead. The
 * same request again gives the same. RC_FORMAT, RC_RANGE, RC_NOT_FOUND, RC_STATE (removed, or leaving already),
 * RC_DENIED, RC_CONFLICT. */
enum rc moves_leave(struct store *store, const char *municipality, const struct opseal *seal,
                    const struct moves_leave *leave, int64_t *notice, struct err *err) MUST_CHECK;

/* 転出取消, as asked_do_fn: {"code","request"}: a 転出届 whose planned day has not come is as if it had not been made; the other
 * municipality forgets what it was sent. The nation has heard of nothing yet, and certificates and card go on. When the person has
 * arrived there all the same before that municipality hears of it, the arrival stands. Answer: {"code","to","planned"}. RC_FORMAT;
 * RC_NOT_FOUND: none is open; RC_STATE: its day has come, or the person has gone. */
enum rc moves_withdraw(void *context, struct store *store, const json_t *body, json_t **answer, struct err *err) MUST_CHECK;

struct moves_arrive {
    const char *code, *from; /* from: whom to ask when nothing came yet; may be NULL */
    const char *address, *date, *request;
    const char *household, *position, *relation; /* NULL: a new household, of which the person is the head */
};

/* 転入届: the record as the other municipality sent it, under the same code, with the new address. RC_NOT_FOUND: no
 * 転出証明書情報 is here and `from` was not said; RC_STATE: it was asked for, come again; otherwise as act_record. */
enum rc moves_arrive(struct store *store, const char *municipality, const struct moves_arrive *arrive, int64_t *notice,
                     struct err *err) MUST_CHECK;

/* Strikes out whose planned day has come, erases what nobody came for. *done: how many. */
enum rc moves_due(struct store *store, const char *municipality, int64_t *done, struct err *err) MUST_CHECK;

/* A letter of another municipality's node (its certificate says which): taken once and in order, *heard is the highest
 * number that is durable. RC_CONFLICT with *expected: one is left out; RC_FORMAT; RC_DENIED: it speaks of what is not
 * its own. */
enum rc moves_hear(struct store *store, const char *municipality, struct opseal *seal, const char *from,
                   const json_t *letter, int64_t *heard, int64_t *expected, struct err *err) MUST_CHECK;

/* The release that an entry of this store came with, for its notice. RC_NOT_FOUND. Caller decrefs. */
enum rc moves_release(struct store *store, const char *code, int64_t revision, json_t **release,
                      struct err *err) MUST_CHECK;

#endif

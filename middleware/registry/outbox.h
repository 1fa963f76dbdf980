/* outbox.h — what a node has to tell: numbered without gaps, written in the transaction of the change itself, kept until
 * the other side has said that it is durable there. Peer "national" and "prefecture" for a municipal node's notices (the same numbers for
 * both), "ca" for the national node's events. */
#ifndef JPKI_REGISTRY_OUTBOX_H
#define JPKI_REGISTRY_OUTBOX_H

#include "registry/ledger.h"

#define OUTBOX_NATIONAL "national"
#define OUTBOX_PREFECTURE "prefecture"
#define OUTBOX_CA "ca"

struct outbox_state {
    int64_t last;         /* the highest number given */
    int64_t acknowledged; /* all up to here are durable at the peer */
};

enum rc outbox_read(struct store *store, const char *peer, struct outbox_state *state, struct err *err) MUST_CHECK;

/* How far behind a peer is: for the operator. oldest: when the first notice or event that waits was recorded (0: none waits). error: the
 * last failure of a delivery that has not succeeded since, "" when there is none. No transaction needed. */
struct outbox_lag {
    struct outbox_state state;
    int64_t oldest;
    char error[300];
};
enum rc outbox_lag(struct store *store, const char *peer, struct outbox_lag *lag, struct err *err) MUST_CHECK;

/* Why the last delivery failed, or with "" that it did not; its own transaction. */
enum rc outbox_note(struct store *store, const char *peer, const char *error, struct err *err) MUST_CHECK;

/* Gives the next number; inside the change's transaction. */
enum rc outbox_number(struct store *store, const char *peer, int64_t *number, struct err *err) MUST_CHECK;

/* Its own transaction. Also moves back: a peer that lost what it had (an older backup) is told again. RC_CONFLICT
 * beyond the last number: the peer knows more than this store, which then is the one that was set back. */
enum rc outbox_acknowledge(struct store *store, const char *peer, int64_t acknowledged, struct err *err) MUST_CHECK;

/* Adds a notice; inside the change's transaction. A record notice takes reason from the history, a card notice what it reports from the card's event. */
enum rc outbox_add_notice(struct store *store, enum notice_kind kind, const char *code, int64_t revision,
                          const char *date, int64_t recorded, int64_t *sequence, struct err *err) MUST_CHECK;

/* The notices from a number on, at most max, as a peer hears them: the array of POST /v1/notices. A number is never left out:
 * what was decided to be void, what the prefecture does not hear of (certificates, cards), and what has been erased since is
 * a void notice. Caller decrefs. */
enum rc outbox_notices_to(struct store *store, const char *peer, int64_t from, size_t max, json_t **array,
                          struct err *err) MUST_CHECK;

/* As the national node hears them. */
enum rc outbox_notices(struct store *store, int64_t from, size_t max, json_t **array, struct err *err) MUST_CHECK;

/* Adds an event about those certificates of a resident that the effect concerns and that have not ended; none, no event.
 * Before certlink_mark, inside the change's transaction. */
enum rc outbox_add_event(struct store *store, const char *code, enum effect effect, int64_t time, struct err *err) MUST_CHECK;

/* The next event without its certificates, which the caller adds in the same transaction. */
enum rc outbox_begin_event(struct store *store, const char *event, int64_t time, int64_t *sequence, struct err *err) MUST_CHECK;
enum rc outbox_add_certificate(struct store *store, int64_t event, const struct certificate *certificate,
                               struct err *err) MUST_CHECK;

/* One event as the body of POST /v1/events. RC_NOT_FOUND. Caller decrefs. */
enum rc outbox_event(struct store *store, int64_t sequence, json_t **event, struct err *err) MUST_CHECK;

#endif

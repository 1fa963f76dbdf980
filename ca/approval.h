/* approval.h — certificates that want a second officer: the request waits in the book until somebody other than who
 * asked approves or refuses it. What is asked for stands there with the attributes, so that the second officer can
 * judge it; they are wiped with the decision. Revocations never wait: a late one does more harm than a wrong one. */
#ifndef JPKI_CA_APPROVAL_H
#define JPKI_CA_APPROVAL_H

#include "ca/ca.h"
#include "ca/issue.h"
#include "net/identity.h"

enum approval_state { APPROVAL_WAITING, APPROVAL_APPROVED, APPROVAL_REFUSED };
const char *approval_state_name(enum approval_state state); /* "waiting" … */

#define APPROVAL_WHY_MAX 200

struct approval {
    int64_t id;
    enum authority authority;
    enum approval_state state;
    char request[161], key_hash[65], municipality[7];
    char officer[161]; /* who asked: role and serial of the certificate … */
    char asked_by[65]; /* … and the name in it */
    int64_t created, decided_at;
    char decided_by[161]; /* "" while it waits */
    char why[APPROVAL_WHY_MAX + 1];
    struct attributes attributes; /* empty once it is decided */
};
void approval_wipe(struct approval *approval);

/* Enters the order of a peer, or finds what became of the same order (request, authority, key). *id and *state are set
 * on RC_OK. RC_CONFLICT: the request is known with another key or municipality. Takes the lock; one transaction with
 * its audit row. An order whose certificate is in the book already is approved: it was. */
enum rc approval_ask(struct ca *ca, const struct issue_order *order, const struct peer *peer, int64_t *id,
                     enum approval_state *state, struct err *err) MUST_CHECK;

/* Decides, in one transaction with the audit row. The same decision again is RC_OK. RC_DENIED: the peer asked for it
 * (the same certificate, or the same name in the same municipality), or belongs to another municipality; RC_STATE:
 * decided otherwise; RC_NOT_FOUND; RC_FORMAT: a refusal without a reason, or one that is too long. Under the lock. */
enum rc approval_decide(struct ca *ca, int64_t id, const struct peer *peer, bool approve, const char *why,
                        struct err *err) MUST_CHECK;

/* RC_NOT_FOUND. The caller wipes. Under the lock, as the next. */
enum rc approval_find(struct store *store, int64_t id, struct approval *approval, struct err *err) MUST_CHECK;

/* Those that wait, oldest first, of a municipality ("000000": of all); at most max. Without attributes. */
typedef enum rc (*approval_fn)(void *context, const struct approval *approval);
enum rc approval_each_waiting(struct store *store, const char *municipality, int max, approval_fn each, void *context,
                              struct err *err) MUST_CHECK;
enum rc approval_count_waiting(struct store *store, int64_t *count, struct err *err) MUST_CHECK;

/* A CMP transaction that waits (RFC 9810 §5.3.22): cert of the transaction holds the approval's id, outcome nothing. */
enum rc approval_find_wait(struct store *store, const char *transaction, struct book_transaction *wait,
                           struct err *err) MUST_CHECK;
/* Enters it, or sets the nonce of the last answer. */
enum rc approval_put_wait(struct store *store, const struct book_transaction *wait, struct err *err) MUST_CHECK;
/* It has an answer: a certificate, and the transaction goes on as any other, or a refusal. Nothing when it never waited. */
enum rc approval_end_wait(struct store *store, const char *transaction, struct err *err) MUST_CHECK;
/* Takes out those whose request was decided before that time, and whose desk has not come for the answer: what was asked for stands
 * in them. A desk that asks anew finds the decision. */
enum rc approval_sweep_waits(struct store *store, int64_t decided_before, struct err *err) MUST_CHECK;

#endif

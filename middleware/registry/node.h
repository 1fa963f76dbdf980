/* node.h — a running node: its store, who it is, its routes, and its lines to others. What the roles share. */
#ifndef JPKI_REGISTRY_NODE_H
#define JPKI_REGISTRY_NODE_H

#include "base/secret.h"
#include "net/client.h"
#include "net/opseal.h"
#include "net/server.h"
#include "registry/courier.h"
#include "registry/filing.h"
#include "registry/ledger.h"
#include "registry/presented.h"
#include "store/storegroup.h"

#include <pthread.h>

#define LINES_MAX 4
#define LINE_PAUSES 32

/* A municipality that could not be reached, and until when it is left alone (clock_ticks). */
struct line_pause {
    char municipality[7];
    int64_t until;
};

/* One way out of a node: its own handle on the store, its own connection, its own thread, so that one peer that is down
 * stops no other. */
struct line {
    struct node *node;
    const char *peer; /* the outbox's name for who is told; for the log, too */
    struct store *store;
    struct client *client;
    struct opseal *seal;
    size_t batch; /* notices in the next request */
    struct line_pause pauses[LINE_PAUSES];
    int64_t corrections; /* until when nobody asks for requests for correction (clock_ticks) */
    struct courier *courier;
    courier_deliver_fn deliver;
    char noted[300]; /* the failure that stands in the store; "?" before the first delivery: whatever was there before */
};

struct node {
    enum node_role role;
    long retry; /* milliseconds: the longest pause between two tries to reach somebody */
    struct identity identity;
    struct identity document_seal; /* a municipal node's, for copies; folder NULL: it has none, and issues none */
    struct peer self;     /* what the node's own certificate says */
    pthread_mutex_t lock; /* over store: handlers run at the same time */
    struct store *store;
    struct storegroup *group; /* over store and lock: what many ask at once is committed together */
    struct opseal *seal;    /* under the lock */
    struct secret key;    /* of the numbers: the national node's */
    struct line lines[LINES_MAX];
    size_t line_count;
    struct filing filing; /* of the record of use */
    struct courier *filer;
    struct stack_st_X509 *sign_authorities; /* of signature certificates, for consents; NULL: none */
    struct presented_rules auth; /* judges certificates at kiosks; authorities NULL: none are taken */
    const char *directory; /* the file that names the other municipal nodes (directory.h); NULL: none */
};

extern const struct route municipal_routes[], prefectural_routes[], national_routes[];

/* The couriers' deliveries, context a struct line. */
enum rc municipal_deliver(void *context, struct err *err) MUST_CHECK;
enum rc prefecture_deliver(void *context, struct err *err) MUST_CHECK; /* the same, and what residents want corrected there */
enum rc national_deliver(void *context, struct err *err) MUST_CHECK;

/* A line's delivery, with what came of it for `jpki-registry status`; context a struct line. */
enum rc node_deliver(void *context, struct err *err) MUST_CHECK;

/* Wakes every line: something is new. */
void node_wake(struct node *node);

/* The request's body as a JSON object; caller decrefs. */
enum rc node_body(const struct request *request, json_t **body, struct err *err) MUST_CHECK;

/* Writes the value into the response and takes it (NULL: RC_NOMEM). */
enum rc node_answer(struct response *response, json_t *value, struct err *err) MUST_CHECK;

/* The answer to what was entered: the notice's number, and the lines are woken. */
enum rc node_noticed(struct node *node, int64_t notice, struct response *response, struct err *err) MUST_CHECK;

/* Where a line goes on. RC_NOT_FOUND: nothing waits there. */
struct outbox_state;
enum rc node_waiting(const struct line *line, struct outbox_state *outbox, struct err *err) MUST_CHECK;

/* A refusal in the record of use, in a transaction of its own; what cannot be written is in the log. */
void node_record(struct node *node, const struct peer *peer, const char *action, const char *record, enum rc result);

/* For struct server_settings: a refusal in the record of use, action "denied", the route in the place of a record. */
void node_denied(void *context, const struct peer *peer, const char *method, const char *path);

/* 409 with the number that is expected instead, so that the sender goes on from there. */
enum rc node_expected(struct response *response, int64_t expected, struct err *err) MUST_CHECK;

/* RC_DENIED unless the peer is of this node's municipality. */
enum rc node_own(const struct node *node, const struct peer *peer, struct err *err) MUST_CHECK;

/* RC_DENIED unless the peer is of another municipality that is known. */
enum rc node_other(const struct node *node, const struct peer *peer, struct err *err) MUST_CHECK;

/* NULL: none was given. */
static inline const struct identity *node_document_seal(const struct node *node)
{
    return node->document_seal.folder ? &node->document_seal : NULL;
}

/* One POST of the courier: the status and the answer's JSON (caller decrefs). Any other failure is the rc. */
enum rc node_post(struct line *line, const char *path, const json_t *body, unsigned *status, json_t **answer,
                  struct err *err) MUST_CHECK;

/* The words of an error answer, behind what was asked, as RC_REFUSED (or the rc that the status stands for). */
enum rc node_refused(unsigned status, const json_t *answer, const char *what, struct err *err);

/* Takes the line's peer's word on how far it is: its number must lie in the outbox (outbox_acknowledge). */
enum rc node_acknowledge(struct line *line, int64_t number, struct err *err) MUST_CHECK;

#endif

/* node.h — a running node: its store, who it is, its routes and its courier. What the two roles share. */
#ifndef JPKI_REGISTRY_NODE_H
#define JPKI_REGISTRY_NODE_H

#include "net/client.h"
#include "net/server.h"
#include "registry/courier.h"
#include "registry/ledger.h"

#include <pthread.h>

struct node {
    enum node_role role;
    struct identity identity;
    struct peer self;       /* what the node's own certificate says */
    pthread_mutex_t lock;   /* over store: handlers run at the same time */
    struct store *store;
    struct store *outgoing; /* the courier's own handle */
    struct client *client;  /* to the national node or the authorities; the courier's */
    size_t batch;           /* notices in the next request; the courier's */
    struct courier *courier;
};

extern const struct route municipal_routes[], national_routes[];

/* The couriers' deliveries, context a struct node. */
enum rc municipal_deliver(void *context, struct err *err) MUST_CHECK;
enum rc national_deliver(void *context, struct err *err) MUST_CHECK;

/* The request's body as a JSON object; caller decrefs. */
enum rc node_body(const struct request *request, json_t **body, struct err *err) MUST_CHECK;

/* Writes the value into the response and takes it (NULL: RC_NOMEM). */
enum rc node_answer(struct response *response, json_t *value, struct err *err) MUST_CHECK;

/* RC_DENIED unless the peer is of this node's municipality. */
enum rc node_own(const struct node *node, const struct peer *peer, struct err *err) MUST_CHECK;

/* One POST of the courier: the status and the answer's JSON (caller decrefs). Any other failure is the rc. */
enum rc node_post(struct node *node, const char *path, const json_t *body, unsigned *status, json_t **answer,
                  struct err *err) MUST_CHECK;

/* The words of an error answer, behind what was asked, as RC_REFUSED (or the rc that the status stands for). */
enum rc node_refused(unsigned status, const json_t *answer, const char *what, struct err *err);

/* Takes the peer's word on how far it is: its number must lie in the outbox (outbox_acknowledge). */
enum rc node_acknowledge(struct node *node, const char *peer, int64_t number, struct err *err) MUST_CHECK;

#endif

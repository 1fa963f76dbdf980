/* service_node.h — the municipal node's routes for cards and the services that use them. */
#ifndef JPKI_REGISTRY_SERVICE_NODE_H
#define JPKI_REGISTRY_SERVICE_NODE_H

#include "registry/asked.h"
#include "registry/node.h"

/* A request that is done once by its name, for a peer that was let in; context is the deed's. */
enum rc service_do(struct node *node, const struct request *request, const char *kind, asked_do_fn run, void *context,
                   struct response *response, struct err *err) MUST_CHECK;

/* The same when the peer is of the municipality. */
enum rc service_once(struct node *node, const struct request *request, const char *kind, asked_do_fn run, void *context,
                     struct response *response, struct err *err) MUST_CHECK;

/* Asks another municipality's node (directory.h); caller decrefs. RC_NOT_FOUND it is not connected, and what client_json says. */
enum rc service_ask_node(struct node *node, const char *municipality, const char *path, const json_t *body, json_t **answer,
                         struct err *err) MUST_CHECK;

/* Handlers, context a struct node. */
enum rc service_on_card_issue(void *context, const struct request *request, struct response *response, struct err *err);
enum rc service_on_card_event(void *context, const struct request *request, struct response *response, struct err *err);
enum rc service_on_card_check(void *context, const struct request *request, struct response *response, struct err *err);
enum rc service_on_card_show(void *context, const struct request *request, struct response *response, struct err *err);
enum rc service_on_card_sweep(void *context, const struct request *request, struct response *response, struct err *err);
enum rc service_on_card_leaving(void *context, const struct request *request, struct response *response, struct err *err);
enum rc service_on_card_claim(void *context, const struct request *request, struct response *response, struct err *err);
enum rc service_on_card_arrive(void *context, const struct request *request, struct response *response, struct err *err);
enum rc service_on_copy_elsewhere(void *context, const struct request *request, struct response *response, struct err *err);
enum rc service_on_copy_own(void *context, const struct request *request, struct response *response, struct err *err);
enum rc service_on_copy_request(void *context, const struct request *request, struct response *response, struct err *err);
enum rc service_on_copy_get(void *context, const struct request *request, struct response *response, struct err *err);
enum rc service_on_withhold(void *context, const struct request *request, struct response *response, struct err *err);
enum rc service_on_services(void *context, const struct request *request, struct response *response, struct err *err);
enum rc service_on_service_offer(void *context, const struct request *request, struct response *response, struct err *err);
enum rc service_on_service_choose(void *context, const struct request *request, struct response *response, struct err *err);
enum rc service_on_service_leave(void *context, const struct request *request, struct response *response, struct err *err);
enum rc service_on_service_paper(void *context, const struct request *request, struct response *response, struct err *err);
enum rc service_on_service_use(void *context, const struct request *request, struct response *response, struct err *err);
enum rc service_on_service_sheet(void *context, const struct request *request, struct response *response, struct err *err);
enum rc service_on_copy_kiosk(void *context, const struct request *request, struct response *response, struct err *err);

#endif

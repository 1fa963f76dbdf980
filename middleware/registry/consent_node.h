/* consent_node.h — the national node's routes for verifiers. Handlers, context a struct node. */
#ifndef JPKI_REGISTRY_CONSENT_NODE_H
#define JPKI_REGISTRY_CONSENT_NODE_H

#include "registry/node.h"

enum rc consent_on_consent(void *context, const struct request *request, struct response *response, struct err *err);
enum rc consent_on_withdraw(void *context, const struct request *request, struct response *response, struct err *err);
enum rc consent_on_confirm(void *context, const struct request *request, struct response *response, struct err *err);
enum rc consent_on_serials(void *context, const struct request *request, struct response *response, struct err *err);

#endif

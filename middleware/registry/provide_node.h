/* provide_node.h — the national node's routes for agencies. Handlers, context a struct node. */
#ifndef JPKI_REGISTRY_PROVIDE_NODE_H
#define JPKI_REGISTRY_PROVIDE_NODE_H

#include "registry/node.h"

enum rc provide_on_one(void *context, const struct request *request, struct response *response, struct err *err);
enum rc provide_on_batch(void *context, const struct request *request, struct response *response, struct err *err);

#endif

/* receiver_node.h — what the prefectural and the national node do alike: they take municipalities' notices, each with
 * its signature, and let a municipality compare. */
#ifndef JPKI_REGISTRY_RECEIVER_NODE_H
#define JPKI_REGISTRY_RECEIVER_NODE_H

#include "registry/node.h"

enum rc receiver_on_health(void *context, const struct request *request, struct response *response, struct err *err);
enum rc receiver_on_notices(void *context, const struct request *request, struct response *response, struct err *err);
enum rc receiver_on_digest(void *context, const struct request *request, struct response *response, struct err *err);
enum rc receiver_on_card_digest(void *context, const struct request *request, struct response *response, struct err *err);

#endif

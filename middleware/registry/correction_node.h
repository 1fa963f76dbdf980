/* correction_node.h — requests for correction between the nation or a prefecture and a municipality. */
#ifndef JPKI_REGISTRY_CORRECTION_NODE_H
#define JPKI_REGISTRY_CORRECTION_NODE_H

#include "registry/node.h"

#define CORRECTION_PAUSE 60000 /* milliseconds between two looks for what was passed on */

/* A part of the municipal node's supply line (peer OUTBOX_NATIONAL) and of that to the prefecture: brings an answer, or fetches
 * what is open. RC_NOT_FOUND nothing to do. */
enum rc correction_deliver(struct line *line, const char *peer, struct err *err) MUST_CHECK;

enum rc correction_on_list(void *context, const struct request *request, struct response *response, struct err *err);
enum rc correction_on_answer(void *context, const struct request *request, struct response *response, struct err *err);

#endif

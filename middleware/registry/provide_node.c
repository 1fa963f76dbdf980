/* provide_node.c — provision over the wire. */
#include "registry/provide_node.h"

#include "registry/provide.h"

static enum rc provide_handle(struct node *node, const struct request *request, bool batch, struct response *response,
                              struct err *err)
{
    json_t *body = NULL, *answer = NULL;
    enum rc rc = node_body(request, &body, err);
    if (!rc) {
        pthread_mutex_lock(&node->lock);
        rc = provide_answer(node->store, request->peer, body, batch, &answer, err);
        pthread_mutex_unlock(&node->lock);
    }
    json_decref(body);
    return rc ? rc : node_answer(response, answer, err);
}

enum rc provide_on_one(void *context, const struct request *request, struct response *response, struct err *err)
{
    return provide_handle(context, request, false, response, err);
}

enum rc provide_on_batch(void *context, const struct request *request, struct response *response, struct err *err)
{
    return provide_handle(context, request, true, response, err);
}

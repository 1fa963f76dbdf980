/* service_node.c — what the routes of a municipal node's services share: a request that is done once, and asking the node
 * of another municipality. */
#include "registry/service_node.h"

#include "net/client.h"
#include "registry/directory.h"

#define ASK_SECONDS 20

enum rc service_do(struct node *node, const struct request *request, const char *kind, asked_do_fn run, void *context,
                   struct response *response, struct err *err)
{
    json_t *body = NULL, *answer = NULL;
    enum rc rc = node_body(request, &body, err);
    if (!rc) {
        pthread_mutex_lock(&node->lock);
        rc = asked_once(node->store, kind, body, run, context, &answer, err);
        pthread_mutex_unlock(&node->lock);
    }
    json_decref(body);
    if (rc)
        return rc;
    node_wake(node);
    return node_answer(response, answer, err);
}

enum rc service_once(struct node *node, const struct request *request, const char *kind, asked_do_fn run, void *context,
                     struct response *response, struct err *err)
{
    enum rc rc = node_own(node, request->peer, err);
    return rc ? rc : service_do(node, request, kind, run, context, response, err);
}

enum rc service_ask_node(struct node *node, const char *municipality, const char *path, const json_t *body,
                         json_t **answer, struct err *err)
{
    char url[DIRECTORY_URL];
    struct client *client = NULL;
    enum rc rc = directory_find(node->directory, municipality, url, err);
    if (!rc)
        rc = client_open(url, &node->identity, ASK_SECONDS, &client, err);
    if (!rc)
        client_expect_of(client, ROLE_BIT(ROLE_NODE_MUNICIPAL), municipality);
    if (!rc)
        rc = client_json(client, "POST", path, body, answer, err);
    client_close(client);
    return rc;
}

/* copy_node.c — the routes for copies: the counter's and the kiosk's at the node that issues, and another node's at the
 * one that has the register. */
#include "net/json.h"
#include "registry/copies.h"
#include "registry/gate.h"
#include "registry/municipal.h"
#include "registry/service_node.h"

#include <stdio.h>
#include <string.h>

/* A copy that was made for this request before. */
static enum rc copy_recall(struct node *node, const char *kind, const json_t *body, json_t **answer, struct err *err)
{
    pthread_mutex_lock(&node->lock);
    enum rc rc = asked_find(node->store, kind, body, answer, err);
    pthread_mutex_unlock(&node->lock);
    return rc;
}

/* Issues under the request's name what was collected; takes the items. */
static enum rc copy_issue(struct node *node, const struct request *request, const char *action, const char *home,
                          const json_t *body, json_t *items, json_t **answer, struct err *err)
{
    struct copies_issue issue = {.identity = node_document_seal(node),
                                 .issuer = node->self.municipality,
                                 .home = home,
                                 .action = action,
                                 .asker = request->peer->serial,
                                 .items = items};
    pthread_mutex_lock(&node->lock);
    enum rc rc = asked_once(node->store, "copy", body, copies_make, &issue, answer, err);
    pthread_mutex_unlock(&node->lock);
    json_decref(items);
    return rc;
}

/* 情報: the other node's answer, which must be that municipality's. */
static enum rc copy_ask_home(struct node *node, const char *home, const json_t *body, json_t **items, struct err *err)
{
    json_t *answer = NULL, *array = NULL, *wish = json_copy((json_t *)(uintptr_t)body);
    const char *municipality;
    enum rc rc = wish && !json_object_del(wish, "request") && !json_object_del(wish, "home")
                     ? RC_OK
                     : err_set(err, RC_NOMEM, "copy");
    if (!rc)
        rc = service_ask_node(node, home, "/v1/copies/request", wish, &answer, err);
    if (!rc && !(rc = json_want_text(answer, "municipality", 6, &municipality, err)) && strcmp(municipality, home) != 0)
        rc = err_set(err, RC_REFUSED, "the node that stands for %s is the one of %s", home, municipality);
    if (!rc)
        rc = json_want_array(answer, "items", &array, err);
    if (!rc)
        *items = json_incref(array);
    json_decref(answer);
    json_decref(wish);
    return rc;
}

static enum rc copy_open(struct node *node, char today[11], struct err *err)
{
    municipal_today(today);
    pthread_mutex_lock(&node->lock);
    enum rc rc = gate_want(node->store, GATE_SECOND_SERVICE, today, "広域交付", err);
    pthread_mutex_unlock(&node->lock);
    return rc;
}

static enum rc copy_elsewhere(struct node *node, const struct request *request, const json_t *body, json_t **answer,
                              struct err *err)
{
    const char *home;
    struct copies_wish wish;
    char today[11];
    json_t *items = NULL;
    enum rc rc = json_want_text(body, "home", 6, &home, err);
    if (!rc)
        rc = copies_read(body, &wish, err);
    if (!rc && strcmp(home, node->self.municipality) == 0)
        rc = err_set(err, RC_RANGE, "home: it is this municipality; ask for an own copy");
    if (!rc)
        rc = copy_open(node, today, err);
    if (!rc)
        rc = copy_ask_home(node, home, body, &items, err);
    return rc ? rc : copy_issue(node, request, COPIES_ELSEWHERE, home, body, items, answer, err);
}

static enum rc copy_own(struct node *node, const struct request *request, const json_t *body, json_t **answer,
                        struct err *err)
{
    struct copies_wish wish;
    json_t *items = NULL;
    enum rc rc = copies_read(body, &wish, err);
    if (rc)
        return rc;
    pthread_mutex_lock(&node->lock);
    rc = copies_collect(node->store, request->peer, COPIES_OWN, &wish, &items, err);
    pthread_mutex_unlock(&node->lock);
    return rc ? rc : copy_issue(node, request, COPIES_OWN, node->self.municipality, body, items, answer, err);
}

/* Recalls or makes. */
static enum rc copy_handle(struct node *node, const struct request *request, struct response *response,
                           enum rc (*make)(struct node *, const struct request *, const json_t *, json_t **,
                                           struct err *),
                           struct err *err)
{
    json_t *body = NULL, *answer = NULL;
    enum rc rc = node_own(node, request->peer, err);
    if (!rc)
        rc = node_body(request, &body, err);
    if (!rc && (rc = copy_recall(node, "copy", body, &answer, err)) == RC_NOT_FOUND)
        rc = make(node, request, body, &answer, err);
    json_decref(body);
    return rc ? rc : node_answer(response, answer, err);
}

enum rc service_on_copy_elsewhere(void *context, const struct request *request, struct response *response,
                                  struct err *err)
{
    return copy_handle(context, request, response, copy_elsewhere, err);
}

enum rc service_on_copy_own(void *context, const struct request *request, struct response *response, struct err *err)
{
    return copy_handle(context, request, response, copy_own, err);
}

enum rc service_on_copy_request(void *context, const struct request *request, struct response *response,
                                struct err *err)
{
    struct node *node = context;
    json_t *body = NULL, *items = NULL;
    struct copies_wish wish;
    char today[11];
    enum rc rc = node_other(node, request->peer, err);
    if (!rc)
        rc = node_body(request, &body, err);
    if (!rc)
        rc = copies_read(body, &wish, err);
    if (!rc)
        rc = copy_open(node, today, err);
    if (!rc) {
        pthread_mutex_lock(&node->lock);
        rc = copies_collect(node->store, request->peer, COPIES_ELSEWHERE, &wish, &items, err);
        pthread_mutex_unlock(&node->lock);
    }
    json_decref(body);
    return rc ? rc
              : node_answer(response,
                            json_pack("{s:s, s:s, s:o}", "municipality", node->self.municipality, "as_of", today,
                                      "items", items),
                            err);
}

enum rc service_on_copy_get(void *context, const struct request *request, struct response *response, struct err *err)
{
    struct node *node = context;
    response->content_type = "application/pdf";
    pthread_mutex_lock(&node->lock);
    enum rc rc = copies_get(node->store, request->rest, request->peer->serial, &response->body, err);
    pthread_mutex_unlock(&node->lock);
    return rc;
}

enum rc service_on_withhold(void *context, const struct request *request, struct response *response, struct err *err)
{
    return service_once(context, request, "withhold", copies_withhold, NULL, response, err);
}

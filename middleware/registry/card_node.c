/* card_node.c — the card ledger's routes of a municipal node. */
#include "net/json.h"
#include "registry/cards.h"
#include "registry/service_node.h"

#include <string.h>

enum rc service_once(struct node *node, const struct request *request, const char *kind, asked_do_fn run, void *context,
                     struct response *response, struct err *err)
{
    json_t *body = NULL, *answer = NULL;
    enum rc rc = node_own(node, request->peer, err);
    if (!rc)
        rc = node_body(request, &body, err);
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

enum rc service_on_card_issue(void *context, const struct request *request, struct response *response, struct err *err)
{
    struct node *node = context;
    return service_once(node, request, "card_issue", cards_issue, node->self.municipality, response, err);
}

enum rc service_on_card_event(void *context, const struct request *request, struct response *response, struct err *err)
{
    struct node *node = context;
    return service_once(node, request, "card_event", cards_event, node->self.municipality, response, err);
}

enum rc service_on_card_check(void *context, const struct request *request, struct response *response, struct err *err)
{
    struct node *node = context;
    json_t *body = NULL, *answer = NULL;
    const char *card, *use, *code = NULL;
    struct card_row row;
    struct resident resident;
    enum rc rc = node_own(node, request->peer, err);
    if (!rc)
        rc = node_body(request, &body, err);
    if (!rc && !(rc = json_want_text(body, "card", 64, &card, err)) &&
        !(rc = json_want_text(body, "use", 16, &use, err)) && json_object_get(body, "code"))
        rc = json_want_text(body, "code", 64, &code, err);
    if (!rc) {
        pthread_mutex_lock(&node->lock);
        rc = cards_check(node->store, request->peer, card, code, use, &row, &resident, err);
        pthread_mutex_unlock(&node->lock);
    }
    json_decref(body);
    if (rc)
        return rc;
    answer = json_pack("{s:s, s:s, s:s, s:s, s:o}", "card", row.card, "type", card_type_name(row.type), "state",
                       card_state_name(row.state), "expires", row.expires, "resident", resident_to_json(&resident));
    explicit_bzero(&resident, sizeof resident);
    return node_answer(response, answer, err);
}

enum rc service_on_card_show(void *context, const struct request *request, struct response *response, struct err *err)
{
    struct node *node = context;
    json_t *body = NULL, *cards = NULL;
    const char *card = NULL, *code = NULL;
    enum rc rc = node_own(node, request->peer, err);
    if (!rc)
        rc = node_body(request, &body, err);
    if (!rc && json_object_get(body, "card"))
        rc = json_want_text(body, "card", 64, &card, err);
    else if (!rc)
        rc = json_want_text(body, "code", 64, &code, err);
    if (!rc) {
        pthread_mutex_lock(&node->lock);
        rc = cards_show(node->store, request->peer, card, code, &cards, err);
        pthread_mutex_unlock(&node->lock);
    }
    json_decref(body);
    return rc ? rc : node_answer(response, json_pack("{s:o}", "cards", cards), err);
}

enum rc service_on_card_sweep(void *context, const struct request *request, struct response *response, struct err *err)
{
    struct node *node = context;
    int64_t ended;
    enum rc rc = node_own(node, request->peer, err);
    if (!rc) {
        pthread_mutex_lock(&node->lock);
        rc = cards_sweep(node->store, &ended, err);
        pthread_mutex_unlock(&node->lock);
    }
    if (rc)
        return rc;
    node_wake(node);
    return node_answer(response, json_pack("{s:I}", "ended", (json_int_t)ended), err);
}

/* card_node.c — the card ledger's routes of a municipal node. */
#include "net/json.h"
#include "registry/cardmove.h"
#include "registry/copies.h"
#include "registry/moves.h"
#include "registry/service_node.h"

#include <stdio.h>
#include <string.h>

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

/* The morning's work: whose card has ended, whose deadline is past; and old sheets. */
enum rc service_on_card_sweep(void *context, const struct request *request, struct response *response, struct err *err)
{
    struct node *node = context;
    int64_t ended = 0, late = 0;
    enum rc rc = node_own(node, request->peer, err);
    if (rc)
        return rc;
    pthread_mutex_lock(&node->lock);
    rc = cards_sweep(node->store, &ended, err);
    if (!rc)
        rc = cardmove_sweep(node->store, &late, err);
    if (!rc)
        rc = copies_forget(node->store, err);
    pthread_mutex_unlock(&node->lock);
    node_wake(node);
    return rc ? rc : node_answer(response, json_pack("{s:I}", "ended", (json_int_t)(ended + late)), err);
}

/* The rules' word on the 転出届 first, then the leaving itself: both are done once by the request's name. */
static enum rc card_leave(struct node *node, const json_t *body, json_t **answer, int64_t *notice, struct err *err)
{
    struct moves_leave leave;
    enum rc rc;
    if ((rc = json_want_text(body, "code", 64, &leave.code, err)) ||
        (rc = json_want_text(body, "to", 6, &leave.to, err)) ||
        (rc = json_want_text(body, "address", 800, &leave.address, err)) ||
        (rc = json_want_text(body, "planned", 10, &leave.date, err)) ||
        (rc = json_want_text(body, "request", REQUEST_MAX, &leave.request, err)))
        return rc;
    rc = asked_once(node->store, "card_leaving", body, cardmove_notice, NULL, answer, err);
    return rc ? rc : moves_leave(node->store, node->self.municipality, node->seal, &leave, notice, err);
}

enum rc service_on_card_leaving(void *context, const struct request *request, struct response *response,
                                struct err *err)
{
    struct node *node = context;
    json_t *body = NULL, *answer = NULL;
    int64_t notice = 0;
    enum rc rc = node_own(node, request->peer, err);
    if (!rc)
        rc = node_body(request, &body, err);
    if (!rc) {
        pthread_mutex_lock(&node->lock);
        rc = card_leave(node, body, &answer, &notice, err);
        pthread_mutex_unlock(&node->lock);
    }
    json_decref(body);
    if (!rc && json_object_set_new(answer, "notice", json_integer(notice)))
        rc = RC_NOMEM;
    if (rc) {
        json_decref(answer);
        return rc;
    }
    node_wake(node);
    return node_answer(response, answer, err);
}

/* Another municipality's node, about a card of who moved there. */
enum rc service_on_card_claim(void *context, const struct request *request, struct response *response, struct err *err)
{
    struct node *node = context;
    char claimant[7];
    memcpy(claimant, request->peer->municipality, sizeof claimant);
    enum rc rc = node_other(node, request->peer, err);
    return rc ? rc : service_do(node, request, "card_claim", cardmove_claim, claimant, response, err);
}

/* The claim: the body under a name that is this municipality's own, to the municipality that was left. */
static enum rc card_claim(struct node *node, const json_t *body, const char *home, json_t **claimed, struct err *err)
{
    const char *name;
    char request[REQUEST_MAX + 8];
    json_t *claim = json_copy((json_t *)(uintptr_t)body);
    enum rc rc = json_want_text(body, "request", REQUEST_MAX - 7, &name, err);
    if (!rc) {
        snprintf(request, sizeof request, "%s.%s", node->self.municipality, name);
        rc = claim && !json_object_del(claim, "home") && !json_object_set_new(claim, "request", json_string(request))
                 ? RC_OK
                 : RC_NOMEM;
    }
    if (!rc)
        rc = service_ask_node(node, home, "/v1/cards/claim", claim, claimed, err);
    json_decref(claim);
    return rc;
}

enum rc service_on_card_arrive(void *context, const struct request *request, struct response *response, struct err *err)
{
    struct node *node = context;
    json_t *body = NULL, *answer = NULL, *claimed = NULL;
    const char *home, *code;
    enum rc rc = node_own(node, request->peer, err);
    if (!rc)
        rc = node_body(request, &body, err);
    if (!rc && !(rc = json_want_text(body, "home", 6, &home, err)) &&
        !(rc = json_want_text(body, "code", 64, &code, err))) {
        pthread_mutex_lock(&node->lock);
        rc = asked_find(node->store, "card_arrive", body, &answer, err);
        bool fresh = rc == RC_NOT_FOUND;
        if (fresh)
            rc = cardmove_check_arrived(node->store, node->self.municipality, code, err);
        pthread_mutex_unlock(&node->lock);
        if (!rc && fresh)
            rc = card_claim(node, body, home, &claimed, err);
        struct cardmove_taking taking = {.municipality = node->self.municipality, .claimed = claimed};
        if (!rc && fresh) {
            pthread_mutex_lock(&node->lock);
            rc = asked_once(node->store, "card_arrive", body, cardmove_take, &taking, &answer, err);
            pthread_mutex_unlock(&node->lock);
        }
    }
    json_decref(body);
    json_decref(claimed);
    if (rc)
        return rc;
    node_wake(node);
    return node_answer(response, answer, err);
}

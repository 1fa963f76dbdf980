/* correction_node.c — what is passed on to a municipality, and what it answers. */
#include "registry/correction_node.h"

#include "base/clock.h"
#include "base/fault.h"
#include "net/json.h"
#include "registry/correction.h"

/* One question to the nation or the prefecture; takes the body. */
static enum rc correction_post(struct line *line, const char *path, json_t *body, json_t **answer, struct err *err)
{
    unsigned status = 0;
    enum rc rc = body ? node_post(line, path, body, &status, answer, err) : RC_NOMEM;
    json_decref(body);
    if (!rc && status != 200)
        rc = node_refused(status, *answer, path, err);
    return rc == RC_NOT_FOUND ? RC_REFUSED : rc;
}

static enum rc correction_bring(struct line *line, const char *peer, json_t *body, struct err *err)
{
    int64_t number;
    json_t *answer = NULL;
    enum rc rc = json_want_integer(body, "number", &number, err);
    fault_point("registry.before_correction_told");
    rc = rc ? rc : correction_post(line, "/v1/corrections/answer", body, &answer, err);
    fault_point("registry.after_correction_told");
    json_decref(answer);
    if (!rc)
        rc = store_begin(line->store, err);
    if (rc)
        return rc;
    rc = correction_told(line->store, peer, number, err);
    if (!rc)
        rc = store_commit(line->store, err);
    store_rollback(line->store);
    return rc;
}

static enum rc correction_fetch(struct line *line, const char *peer, struct err *err)
{
    json_t *answer = NULL, *list;
    enum rc rc = correction_post(line, "/v1/corrections", json_object(), &answer, err);
    if (!rc)
        rc = json_want_array(answer, "corrections", &list, err);
    if (!rc)
        rc = store_begin(line->store, err);
    if (!rc) {
        rc = correction_take(line->store, peer, list, err);
        if (!rc)
            rc = store_commit(line->store, err);
        store_rollback(line->store);
    }
    json_decref(answer);
    if (!rc)
        line->corrections = clock_ticks() + CORRECTION_PAUSE;
    return rc;
}

enum rc correction_deliver(struct line *line, const char *peer, struct err *err)
{
    json_t *body = NULL;
    enum rc rc = correction_untold(line->store, peer, &body, err);
    if (rc != RC_NOT_FOUND)
        return rc ? rc : correction_bring(line, peer, body, err);
    return clock_ticks() < line->corrections ? RC_NOT_FOUND : correction_fetch(line, peer, err);
}

enum rc correction_on_list(void *context, const struct request *request, struct response *response, struct err *err)
{
    struct node *node = context;
    json_t *list = NULL;
    pthread_mutex_lock(&node->lock);
    enum rc rc = store_begin(node->store, err);
    if (!rc)
        rc = correction_forward(node->store, request->peer->municipality, &list, err);
    if (!rc)
        rc = store_commit(node->store, err);
    store_rollback(node->store);
    pthread_mutex_unlock(&node->lock);
    if (rc) {
        json_decref(list);
        return rc;
    }
    return node_answer(response, json_pack("{s:o}", "corrections", list), err);
}

enum rc correction_on_answer(void *context, const struct request *request, struct response *response, struct err *err)
{
    struct node *node = context;
    json_t *body = NULL;
    struct correction_answer answer = {.municipality = request->peer->municipality};
    enum rc rc = node_body(request, &body, err);
    if (!rc && !(rc = json_want_integer(body, "number", &answer.number, err)) &&
        !(rc = json_want_text(body, "decision", 16, &answer.decision, err)) &&
        !(rc = json_want_text(body, "reason", 1000, &answer.reason, err)) &&
        !(rc = json_want_integer(body, "notice", &answer.notice, err))) {
        pthread_mutex_lock(&node->lock);
        rc = store_begin(node->store, err);
        if (!rc)
            rc = correction_decide(node->store, node->role, &answer, err);
        if (!rc)
            rc = store_commit(node->store, err);
        store_rollback(node->store);
        pthread_mutex_unlock(&node->lock);
    }
    json_decref(body);
    return rc ? rc : node_answer(response, json_pack("{s:I}", "number", (json_int_t)answer.number), err);
}

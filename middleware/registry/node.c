/* node.c — what the roles share: bodies, answers, deliveries. */
#include "registry/node.h"

#include "base/fault.h"
#include "base/log.h"
#include "net/json.h"
#include "pki/municipality.h"
#include "registry/outbox.h"
#include "registry/usage.h"

#include <stdio.h>
#include <string.h>

void node_wake(struct node *node)
{
    for (size_t i = 0; i < node->line_count; i++)
        courier_wake(node->lines[i].courier);
}

enum rc node_deliver(void *context, struct err *err)
{
    struct line *line = context;
    char words[sizeof line->noted] = "";
    enum rc rc = line->deliver(context, err);
    if (rc && rc != RC_NOT_FOUND)
        snprintf(words, sizeof words, "%s: %s", rc_name(rc), err_text(err, rc));
    if (strcmp(words, line->noted) != 0 && outbox_note(line->store, line->peer, words, NULL) == RC_OK)
        memcpy(line->noted, words, sizeof words);
    return rc;
}

enum rc node_body(const struct request *request, json_t **body, struct err *err)
{
    json_t *json = NULL;
    enum rc rc = json_read(request->body, &json, err);
    if (!rc && !json_is_object(json)) {
        json_decref(json);
        rc = err_set(err, RC_FORMAT, "the body is not a JSON object");
    }
    if (!rc)
        *body = json;
    return rc;
}

enum rc node_answer(struct response *response, json_t *value, struct err *err)
{
    if (!value)
        return err_set(err, RC_NOMEM, "answer");
    enum rc rc = json_write(value, &response->body);
    json_decref(value);
    return rc;
}

enum rc node_noticed(struct node *node, int64_t notice, struct response *response, struct err *err)
{
    node_wake(node);
    return node_answer(response, json_pack("{s:I}", "notice", (json_int_t)notice), err);
}

enum rc node_waiting(const struct line *line, struct outbox_state *outbox, struct err *err)
{
    enum rc rc = outbox_read(line->store, line->peer, outbox, err);
    if (rc)
        return rc == RC_NOT_FOUND ? RC_BUG : rc;
    return outbox->acknowledged == outbox->last ? RC_NOT_FOUND : RC_OK;
}

void node_record(struct node *node, const struct peer *peer, const char *action, const char *record, enum rc result)
{
    struct err err = { 0 };
    pthread_mutex_lock(&node->lock);
    enum rc rc = store_begin(node->store, &err);
    if (!rc)
        rc = usage_write(node->store, peer, action, record, rc_name(result), &err);
    if (!rc)
        rc = store_commit(node->store, &err);
    store_rollback(node->store);
    pthread_mutex_unlock(&node->lock);
    if (rc)
        log_error("a refusal could not be recorded: %s", err_text(&err, rc));
}

void node_denied(void *context, const struct peer *peer, const char *method, const char *path)
{
    char route[80];
    snprintf(route, sizeof route, "%s %s", method, path);
    node_record(context, peer, "denied", route, RC_DENIED);
}

enum rc node_expected(struct response *response, int64_t expected, struct err *err)
{
    response->status = net_status_of_rc(RC_CONFLICT);
    json_t *answer = json_error(RC_CONFLICT, err_text(err, RC_CONFLICT));
    if (answer && json_object_set_new(answer, "expected", json_integer(expected))) {
        json_decref(answer);
        answer = NULL;
    }
    return node_answer(response, answer, err);
}

enum rc node_own(const struct node *node, const struct peer *peer, struct err *err)
{
    if (strcmp(node->self.municipality, peer->municipality) != 0)
        return err_set(err, RC_DENIED, "this is the node of %s; the certificate is of %s", node->self.municipality,
                       peer->municipality);
    return RC_OK;
}

enum rc node_other(const struct node *node, const struct peer *peer, struct err *err)
{
    const struct municipality *row;
    if (municipality_find(peer->municipality, &row) || strcmp(node->self.municipality, peer->municipality) == 0)
        return err_set(err, RC_DENIED, "the certificate is of %s, which is no other municipality", peer->municipality);
    return RC_OK;
}

enum rc node_post(struct line *line, const char *path, const json_t *body, unsigned *status, json_t **answer,
                  struct err *err)
{
    struct buf out = { .max = 1 << 20 }, in = { 0 };
    enum rc rc = json_write(body, &in);
    struct bytes bytes = buf_bytes(&in);
    if (!rc)
        rc = client_send(line->client, "POST", path, "application/json", &bytes, status, &out, err);
    if (!rc)
        rc = json_read(buf_bytes(&out), answer, err);
    buf_wipe(&in);
    buf_wipe(&out);
    return rc;
}

enum rc node_refused(unsigned status, const json_t *answer, const char *what, struct err *err)
{
    const char *text = "";
    if (json_want_text(json_object_get(answer, "error"), "text", 300, &text, NULL))
        text = "(no words)";
    enum rc rc = net_rc_of_status(status);
    return err_set(err, rc ? rc : RC_REFUSED, "%s: refused with %u: %s", what, status, text);
}

enum rc node_acknowledge(struct line *line, int64_t number, struct err *err)
{
    fault_point("registry.before_acknowledge");
    enum rc rc = outbox_acknowledge(line->store, line->peer, number, err);
    fault_point("registry.after_acknowledge");
    return rc;
}

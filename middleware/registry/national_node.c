/* national_node.c — the national node's routes, and how it tells the authorities. */
#include "base/clock.h"
#include "base/fault.h"
#include "net/json.h"
#include "registry/certlink.h"
#include "registry/intake.h"
#include "registry/node.h"
#include "registry/outbox.h"
#include "registry/supply.h"
#include "registry/usage.h"

#include <stdio.h>
#include <string.h>

static enum rc national_on_health(void *context, const struct request *request, struct response *response,
                                  struct err *err)
{
    (void)request;
    struct node *node = context;
    struct outbox_state outbox;
    int64_t residents, municipalities;
    pthread_mutex_lock(&node->lock);
    enum rc rc = ledger_count(node->store, "SELECT count(*) FROM resident WHERE removed = 0", &residents, err);
    if (!rc)
        rc = ledger_count(node->store, "SELECT count(*) FROM intake", &municipalities, err);
    if (!rc)
        rc = outbox_read(node->store, OUTBOX_CA, &outbox, err);
    pthread_mutex_unlock(&node->lock);
    if (rc)
        return rc;
    return node_answer(response, json_pack("{s:s, s:I, s:I, s:I}", "role", node_role_name(node->role), "residents",
                                           (json_int_t)residents, "municipalities", (json_int_t)municipalities, "outbox",
                                           (json_int_t)(outbox.last - outbox.acknowledged)), err);
}

static enum rc national_on_notices(void *context, const struct request *request, struct response *response,
                                   struct err *err)
{
    struct node *node = context;
    json_t *body = NULL, *notices = NULL;
    int64_t acknowledged, expected = 0;
    enum rc rc = node_body(request, &body, err);
    if (!rc)
        rc = json_want_array(body, "notices", &notices, err);
    if (!rc) {
        fault_point("registry.before_intake");
        pthread_mutex_lock(&node->lock);
        rc = intake_take(node->store, request->peer->municipality, notices, &acknowledged, &expected, err);
        pthread_mutex_unlock(&node->lock);
        fault_point("registry.after_intake");
    }
    json_decref(body);
    if (rc == RC_CONFLICT && expected) { /* told with the number, so that the sender can go back to it */
        response->status = net_status_of_rc(rc);
        json_t *answer = json_error(rc, err_text(err, rc));
        if (answer && json_object_set_new(answer, "expected", json_integer(expected))) {
            json_decref(answer);
            answer = NULL;
        }
        return node_answer(response, answer, err);
    }
    if (rc)
        return rc;
    node_wake(node);
    return node_answer(response, json_pack("{s:I}", "acknowledged", (json_int_t)acknowledged), err);
}

/* One transaction: what is answered, and that it was. */
static enum rc national_confirm(struct node *node, const struct peer *peer, const struct certificate *certificate,
                                struct confirmation *confirmation, struct err *err)
{
    char record[64];
    snprintf(record, sizeof record, "%s/%s", authority_name(certificate->authority), certificate->serial);
    enum rc rc = store_begin(node->store, err);
    if (rc)
        return rc;
    rc = certlink_confirm(node->store, certificate->authority, certificate->serial, confirmation, err);
    if (!rc)
        rc = usage_write(node->store, peer, "confirm", record, confirm_status_name(confirmation->status), err);
    if (!rc)
        rc = store_commit(node->store, err);
    store_rollback(node->store);
    return rc;
}

static enum rc national_on_confirm(void *context, const struct request *request, struct response *response,
                                   struct err *err)
{
    struct node *node = context;
    json_t *body = NULL;
    const char *authority, *serial;
    struct certificate certificate;
    struct confirmation confirmation = { 0 };
    enum rc rc = node_body(request, &body, err);
    if (!rc && !(rc = json_want_text(body, "authority", 8, &authority, err)) &&
        !(rc = json_want_text(body, "serial", 40, &serial, err)) &&
        !(rc = certificate_name(authority, serial, &certificate, err))) {
        pthread_mutex_lock(&node->lock);
        rc = national_confirm(node, request->peer, &certificate, &confirmation, err);
        pthread_mutex_unlock(&node->lock);
    }
    json_decref(body);
    if (rc)
        return rc;
    char as_of[CLOCK_TEXT_SIZE], since[CLOCK_TEXT_SIZE];
    clock_format(clock_now(), as_of);
    clock_format(confirmation.since, since);
    json_t *answer = json_pack("{s:s, s:s, s:s}", "status", confirm_status_name(confirmation.status), "as_of", as_of,
                               "node", node->self.name);
    if (answer && confirmation.since)
        (void)json_object_set_new(answer, "since", json_string(since));
    return node_answer(response, answer, err);
}

const struct route national_routes[] = {
    { "GET", "/v1/health", ~0u, national_on_health },
    { "POST", "/v1/notices", ROLE_BIT(ROLE_NODE_MUNICIPAL), national_on_notices },
    { "POST", "/v1/codes", ROLE_BIT(ROLE_NODE_MUNICIPAL), supply_on_codes },
    { "POST", "/v1/numbers", ROLE_BIT(ROLE_NODE_MUNICIPAL), supply_on_numbers },
    { "POST", "/v1/confirm", ROLE_BIT(ROLE_VERIFIER) | ROLE_BIT(ROLE_KIOSK), national_on_confirm },
    { 0 },
};

static enum rc national_heard(struct line *line, int64_t sent, unsigned status, const json_t *answer, struct err *err)
{
    int64_t number;
    enum rc rc;
    if (status == 200) {
        rc = json_want_integer(answer, "sequence", &number, err);
        if (!rc && number != sent)
            rc = err_set(err, RC_REFUSED, "event %lld was answered with %lld", (long long)sent, (long long)number);
        return rc ? rc : node_acknowledge(line, number, err);
    }
    if (status == 409 && !json_want_integer(answer, "expected", &number, NULL) && number != sent) {
        rc = node_acknowledge(line, number - 1, err);
        return rc ? rc : err_set(err, RC_CONFLICT, "the authorities expect event %lld: told again from there",
                                 (long long)number);
    }
    return node_refused(status, answer, "event", err);
}

enum rc national_deliver(void *context, struct err *err)
{
    struct line *line = context;
    struct outbox_state outbox;
    enum rc rc = outbox_read(line->store, line->peer, &outbox, err);
    if (rc)
        return rc == RC_NOT_FOUND ? RC_BUG : rc;
    if (outbox.acknowledged == outbox.last)
        return RC_NOT_FOUND;
    json_t *event = NULL, *answer = NULL;
    unsigned status = 0;
    rc = outbox_event(line->store, outbox.acknowledged + 1, &event, err);
    if (rc)
        return rc == RC_NOT_FOUND ? RC_BUG : rc;
    fault_point("registry.before_event");
    rc = node_post(line, "/v1/events", event, &status, &answer, err);
    fault_point("registry.after_event");
    if (!rc)
        rc = national_heard(line, outbox.acknowledged + 1, status, answer, err);
    json_decref(event);
    json_decref(answer);
    return rc == RC_NOT_FOUND ? RC_REFUSED : rc;
}

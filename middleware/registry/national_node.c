/* national_node.c — the national node's routes, and how it tells the authorities. */
#include "base/clock.h"
#include "base/fault.h"
#include "net/json.h"
#include "registry/certlink.h"
#include "registry/node.h"
#include "registry/outbox.h"
#include "registry/provide.h"
#include "registry/provide_node.h"
#include "registry/receiver_node.h"
#include "registry/supply.h"
#include "registry/usage.h"

#include <stdio.h>
#include <string.h>

struct question {
    const struct peer *peer;
    const struct certificate *certificate;
    struct confirmation confirmation;
};

/* In one transaction: what is answered, and that it was. */
static enum rc national_confirm(void *context, struct store *store, struct err *err)
{
    struct question *question = context;
    const struct certificate *certificate = question->certificate;
    char record[64];
    snprintf(record, sizeof record, "%s/%s", authority_name(certificate->authority), certificate->serial);
    enum rc rc = certlink_confirm(store, certificate->authority, certificate->serial, &question->confirmation, err);
    const char *status = confirm_status_name(question->confirmation.status);
    return rc ? rc : usage_write(store, question->peer, "confirm", record, status, err);
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
    if (!rc)
        rc = provide_check_private(body, err);
    if (!rc && !(rc = json_want_text(body, "authority", 8, &authority, err)) &&
        !(rc = json_want_text(body, "serial", 40, &serial, err)) &&
        !(rc = certificate_name(authority, serial, &certificate, err))) {
        struct question question = { .peer = request->peer, .certificate = &certificate };
        rc = storegroup_run(node->group, national_confirm, &question, err);
        confirmation = question.confirmation;
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
    { "GET", "/v1/health", ~0u, receiver_on_health },
    { "POST", "/v1/notices", ROLE_BIT(ROLE_NODE_MUNICIPAL), receiver_on_notices },
    { "GET", "/v1/digest/*", ROLE_BIT(ROLE_NODE_MUNICIPAL), receiver_on_digest },
    { "POST", "/v1/codes", ROLE_BIT(ROLE_NODE_MUNICIPAL), supply_on_codes },
    { "POST", "/v1/numbers", ROLE_BIT(ROLE_NODE_MUNICIPAL), supply_on_numbers },
    { "POST", "/v1/provide", ROLE_BIT(ROLE_AGENCY), provide_on_one },
    { "POST", "/v1/provide/batch", ROLE_BIT(ROLE_AGENCY), provide_on_batch },
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

/* national_node.c — the national node's routes, and how it tells the authorities. */
#include "base/fault.h"
#include "net/json.h"
#include "registry/consent_node.h"
#include "registry/correction_node.h"
#include "registry/node.h"
#include "registry/outbox.h"
#include "registry/provide_node.h"
#include "registry/receiver_node.h"
#include "registry/supply.h"

#include <stdio.h>
#include <string.h>

const struct route national_routes[] = {
    { "GET", "/v1/health", ~0u, receiver_on_health },
    { "POST", "/v1/notices", ROLE_BIT(ROLE_NODE_MUNICIPAL), receiver_on_notices },
    { "GET", "/v1/digest/*", ROLE_BIT(ROLE_NODE_MUNICIPAL), receiver_on_digest },
    { "GET", "/v1/cards/digest/*", ROLE_BIT(ROLE_NODE_MUNICIPAL), receiver_on_card_digest },
    { "POST", "/v1/codes", ROLE_BIT(ROLE_NODE_MUNICIPAL), supply_on_codes },
    { "POST", "/v1/numbers", ROLE_BIT(ROLE_NODE_MUNICIPAL), supply_on_numbers },
    { "POST", "/v1/corrections", ROLE_BIT(ROLE_NODE_MUNICIPAL), correction_on_list },
    { "POST", "/v1/corrections/answer", ROLE_BIT(ROLE_NODE_MUNICIPAL), correction_on_answer },
    { "POST", "/v1/provide", ROLE_BIT(ROLE_AGENCY), provide_on_one },
    { "POST", "/v1/provide/batch", ROLE_BIT(ROLE_AGENCY), provide_on_batch },
    { "POST", "/v1/confirm", ROLE_BIT(ROLE_VERIFIER) | ROLE_BIT(ROLE_KIOSK), consent_on_confirm },
    { "POST", "/v1/consents", ROLE_BIT(ROLE_VERIFIER), consent_on_consent },
    { "POST", "/v1/consents/withdraw", ROLE_BIT(ROLE_VERIFIER) | ROLE_BIT(ROLE_DESK_OFFICER), consent_on_withdraw },
    { "POST", "/v1/serials", ROLE_BIT(ROLE_VERIFIER), consent_on_serials },
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
    enum rc rc = node_waiting(line, &outbox, err);
    if (rc)
        return rc;
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

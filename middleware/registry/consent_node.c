/* consent_node.c — online confirmation over the wire: the status, the newest attributes under a consent, linked
 * serials. */
#include "registry/consent_node.h"

#include "base/clock.h"
#include "base/fault.h"
#include "net/json.h"
#include "registry/certlink.h"
#include "registry/consent.h"
#include "registry/provide.h"
#include "registry/usage.h"

#include <stdio.h>
#include <string.h>

static const char *const attribute_names[] = {"name", "name_substitutes", "birth",
                                              "sex",  "address",          "address_substitutes"};

static enum rc consent_handle(struct node *node, const struct request *request, bool withdrawal,
                              struct response *response, struct err *err)
{
    json_t *body = NULL, *answer = NULL;
    enum rc rc = node_body(request, &body, err);
    if (!rc)
        rc = provide_check_private(body, err);
    if (!rc) {
        pthread_mutex_lock(&node->lock);
        rc = consent_take(node->store, node->sign_authorities, request->peer, body, withdrawal, &answer, err);
        pthread_mutex_unlock(&node->lock);
    }
    json_decref(body);
    return rc ? rc : node_answer(response, answer, err);
}

enum rc consent_on_consent(void *context, const struct request *request, struct response *response, struct err *err)
{
    return consent_handle(context, request, false, response, err);
}

enum rc consent_on_withdraw(void *context, const struct request *request, struct response *response, struct err *err)
{
    return consent_handle(context, request, true, response, err);
}

/* A question about one certificate. What is answered and that it was is one transaction. */
struct question {
    struct node *node;
    const struct peer *peer;
    struct certificate certificate;
    char record[64]; /* for the record of use */
    bool attributes;
    bool unknown; /* no such certificate: also that was asked */
    json_t *answer;
};

static enum rc question_read(const json_t *body, struct question *q, struct err *err)
{
    const char *authority, *serial;
    enum rc rc = provide_check_private(body, err);
    if (!rc && !(rc = json_want_text(body, "authority", 8, &authority, err)) &&
        !(rc = json_want_text(body, "serial", 40, &serial, err)))
        rc = certificate_name(authority, serial, &q->certificate, err);
    if (!rc && json_object_get(body, "attributes"))
        rc = json_want_bool(body, "attributes", &q->attributes, err);
    if (!rc)
        snprintf(q->record, sizeof q->record, "%s/%s", authority_name(q->certificate.authority), q->certificate.serial);
    return rc;
}

/* Work may be run twice: its last answer counts. */
static void question_keep(struct question *q, json_t *answer)
{
    json_decref(q->answer);
    q->answer = answer;
}

/* The attributes of today, of somebody who is registered and has consented. */
static enum rc question_attributes(const struct question *q, struct store *store, json_t *answer, struct err *err)
{
    struct certlink link;
    struct ledger_row row = {0};
    json_t *attributes = json_object();
    const struct usage_use use = {.peer = q->peer,
                                  .action = "attributes",
                                  .record = q->record,
                                  .result = "one",
                                  .task = "",
                                  .way = "confirmation",
                                  .why = "",
                                  .fields = "name,birth,sex,address"};
    enum rc rc = attributes ? RC_OK : RC_NOMEM;
    if (!rc)
        rc = certlink_find(store, q->certificate.authority, q->certificate.serial, &link, err);
    if (!rc)
        rc = consent_want(store, link.code, q->peer->name, err);
    if (!rc)
        rc = ledger_find_code(store, link.code, &row, err);
    for (size_t i = 0; !rc && i < sizeof attribute_names / sizeof attribute_names[0]; i++)
        for (size_t k = 0; !rc && k < RECORD_FIELDS; k++)
            if (strcmp(record_fields[k].name, attribute_names[i]) == 0 &&
                json_object_set_new(attributes, attribute_names[i],
                                    json_string(record_text_of(&row.resident, &record_fields[k]))))
                rc = RC_NOMEM;
    if (!rc)
        rc = usage_write_uses(store, &use, 1, err);
    if (!rc && json_object_set(answer, "attributes", attributes))
        rc = RC_NOMEM;
    json_decref(attributes);
    explicit_bzero(&row, sizeof row);
    return rc;
}

static enum rc question_confirm(void *context, struct store *store, struct err *err)
{
    struct question *q = context;
    struct confirmation confirmation = {0};
    enum rc rc = certlink_confirm(store, q->certificate.authority, q->certificate.serial, &confirmation, err);
    if (!rc)
        rc = usage_write(store, q->peer, "confirm", q->record, confirm_status_name(confirmation.status), err);
    if (rc)
        return rc;
    char as_of[CLOCK_TEXT_SIZE], since[CLOCK_TEXT_SIZE];
    clock_format(clock_now(), as_of);
    clock_format(confirmation.since, since);
    json_t *answer = json_pack("{s:s, s:s, s:s}", "status", confirm_status_name(confirmation.status), "as_of", as_of,
                               "node", q->node->self.name);
    rc =
        answer && (!confirmation.since || !json_object_set_new(answer, "since", json_string(since))) ? RC_OK : RC_NOMEM;
    if (!rc && q->attributes && (confirmation.status == CONFIRM_CURRENT || confirmation.status == CONFIRM_CHANGED))
        rc = question_attributes(q, store, answer, err);
    question_keep(q, rc ? NULL : answer);
    if (rc)
        json_decref(answer);
    return rc;
}

static enum rc question_serials(void *context, struct store *store, struct err *err)
{
    struct question *q = context;
    json_t *certificates = NULL;
    enum rc rc = consent_want_linked(store, q->peer->name, err);
    if (!rc)
        rc = consent_linked(store, q->certificate.authority, q->certificate.serial, &certificates, err);
    q->unknown = rc == RC_NOT_FOUND;
    if (!rc || q->unknown)
        rc = usage_write(store, q->peer, "serials", q->record, rc_name(rc), err);
    json_t *answer = rc ? NULL : json_pack("{s:O*}", "certificates", certificates);
    json_decref(certificates);
    question_keep(q, answer);
    return rc || answer ? rc : RC_NOMEM;
}

static enum rc question_answer(struct node *node, const struct request *request, storegroup_fn ask,
                               struct response *response, struct err *err)
{
    json_t *body = NULL;
    struct question q = {.node = node, .peer = request->peer};
    enum rc rc = node_body(request, &body, err);
    if (!rc)
        rc = question_read(body, &q, err);
    json_decref(body);
    if (rc)
        return rc;
    fault_point("registry.before_confirm");
    rc = storegroup_run(node->group, ask, &q, err);
    fault_point("registry.after_confirm");
    if (!rc && q.unknown)
        rc = err_set(err, RC_NOT_FOUND, "no such certificate");
    if (!rc)
        return node_answer(response, q.answer, err);
    json_decref(q.answer);
    return rc;
}

enum rc consent_on_confirm(void *context, const struct request *request, struct response *response, struct err *err)
{
    return question_answer(context, request, question_confirm, response, err);
}

enum rc consent_on_serials(void *context, const struct request *request, struct response *response, struct err *err)
{
    return question_answer(context, request, question_serials, response, err);
}

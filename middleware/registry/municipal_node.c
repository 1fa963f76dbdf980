/* municipal_node.c — the municipal node's routes, and how it tells the national node. */
#include "base/fault.h"
#include "net/json.h"
#include "registry/act.h"
#include "registry/correction_node.h"
#include "registry/mail.h"
#include "registry/municipal.h"
#include "registry/node.h"
#include "registry/outbox.h"
#include "registry/refusal.h"
#include "registry/sealed.h"
#include "registry/service_node.h"
#include "registry/spare.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum rc municipal_on_health(void *context, const struct request *request, struct response *response,
                                   struct err *err)
{
    (void)request;
    struct node *node = context;
    struct outbox_state outbox;
    int64_t residents, codes;
    pthread_mutex_lock(&node->lock);
    enum rc rc = ledger_count(node->store, "SELECT count(*) FROM resident WHERE removed = 0", &residents, err);
    if (!rc)
        rc = spare_left(node->store, &codes, err);
    if (!rc)
        rc = outbox_read(node->store, OUTBOX_NATIONAL, &outbox, err);
    pthread_mutex_unlock(&node->lock);
    if (rc)
        return rc;
    return node_answer(response, json_pack("{s:s, s:s, s:I, s:I, s:I}", "role", node_role_name(node->role), "municipality",
                                           node->self.municipality, "residents", (json_int_t)residents, "outbox",
                                           (json_int_t)(outbox.last - outbox.acknowledged), "codes", (json_int_t)codes), err);
}

static enum rc municipal_on_find(void *context, const struct request *request, struct response *response,
                                 struct err *err)
{
    struct node *node = context;
    json_t *body = NULL;
    const char *code = NULL, *name = NULL, *birth = NULL, *address = NULL;
    enum rc rc = node_own(node, request->peer, err);
    if (!rc)
        rc = node_body(request, &body, err);
    if (!rc && json_object_get(body, "code"))
        rc = json_want_text(body, "code", 64, &code, err);
    else if (!rc && !(rc = json_want_text(body, "name", 399, &name, err)) &&
             !(rc = json_want_text(body, "birth", 9, &birth, err)))
        rc = json_want_text(body, "address", 800, &address, err);
    struct municipal_search search = { .peer = request->peer, .code = code, .name = name, .birth = birth, .address = address };
    if (!rc)
        rc = municipal_search_check(&search, err);
    if (!rc)
        rc = storegroup_run(node->group, municipal_find_in, &search, err);
    if (!rc && search.found)
        rc = err_set(err, search.found, "%s", err_text(&search.why, search.found));
    json_decref(body);
    return rc ? rc : node_answer(response, resident_to_json(&search.resident), err);
}

static enum rc municipal_on_move(void *context, const struct request *request, struct response *response,
                                 struct err *err)
{
    struct node *node = context;
    json_t *body = NULL;
    const char *code, *address, *date, *name;
    int64_t notice;
    enum rc rc = node_own(node, request->peer, err);
    if (!rc)
        rc = node_body(request, &body, err);
    if (!rc && !(rc = json_want_text(body, "code", 64, &code, err)) &&
        !(rc = json_want_text(body, "address", 800, &address, err)) &&
        !(rc = json_want_text(body, "date", 10, &date, err)) &&
        !(rc = json_want_text(body, "request", REQUEST_MAX, &name, err))) {
        pthread_mutex_lock(&node->lock);
        rc = municipal_move(node->store, node->self.municipality, code, address, date, name, &notice, err);
        pthread_mutex_unlock(&node->lock);
    }
    json_decref(body);
    return rc ? rc : node_noticed(node, notice, response, err);
}

/* NULL when the member is not there. */
static enum rc municipal_may_text(const json_t *body, const char *member, size_t max, const char **text, struct err *err)
{
    *text = NULL;
    return json_object_get(body, member) ? json_want_text(body, member, max, text, err) : RC_OK;
}

static enum rc municipal_read_act(const json_t *body, struct act_request *asked, struct err *err)
{
    enum rc rc;
    if ((rc = json_want_text(body, "act", 20, &asked->act, err)) || (rc = json_want_text(body, "date", 10, &asked->date, err)) ||
        (rc = json_want_text(body, "request", REQUEST_MAX, &asked->request, err)) ||
        (rc = municipal_may_text(body, "code", 64, &asked->code, err)) ||
        (rc = municipal_may_text(body, "why", 1000, &asked->why, err)))
        return rc;
    for (size_t i = 0; !rc && i < RECORD_FIELDS; i++)
        rc = municipal_may_text(body, record_fields[i].name, record_fields[i].size - 1, &asked->fields[i], err);
    return rc;
}

static enum rc municipal_on_record(void *context, const struct request *request, struct response *response,
                                   struct err *err)
{
    struct node *node = context;
    json_t *body = NULL;
    struct act_request asked = { 0 };
    struct act_result result;
    enum rc rc = node_own(node, request->peer, err);
    if (!rc)
        rc = node_body(request, &body, err);
    if (!rc)
        rc = municipal_read_act(body, &asked, err);
    if (!rc) {
        pthread_mutex_lock(&node->lock);
        rc = act_record(node->store, node->self.municipality, &asked, &result, err);
        pthread_mutex_unlock(&node->lock);
    }
    json_decref(body);
    if (rc)
        return rc;
    node_wake(node);
    return node_answer(response, json_pack("{s:I, s:s}", "notice", (json_int_t)result.notice, "code", result.code), err);
}

/* The four attributes as the desk has them; the flags are not compared. */
static enum rc municipal_read_attributes(const json_t *body, struct attributes *a, struct err *err)
{
    const char *name, *birth, *sex, *address;
    enum rc rc;
    memset(a, 0, sizeof *a);
    if ((rc = json_want_text(body, "name", sizeof a->name - 1, &name, err)) ||
        (rc = json_want_text(body, "birth", sizeof a->birth - 1, &birth, err)) ||
        (rc = json_want_text(body, "sex", sizeof a->sex - 1, &sex, err)) ||
        (rc = json_want_text(body, "address", sizeof a->address - 1, &address, err)))
        return rc;
    strcpy(a->name, name);
    strcpy(a->birth, birth);
    strcpy(a->sex, sex);
    strcpy(a->address, address);
    return RC_OK;
}

static enum rc municipal_on_link(void *context, const struct request *request, struct response *response,
                                 struct err *err)
{
    struct node *node = context;
    json_t *body = NULL;
    const char *code;
    struct attributes attributes;
    struct certificate certificates[NOTICE_CERTIFICATES];
    size_t count;
    int64_t notice;
    enum rc rc = node_own(node, request->peer, err);
    if (!rc)
        rc = node_body(request, &body, err);
    if (!rc && !(rc = json_want_text(body, "code", 64, &code, err)) &&
        !(rc = municipal_read_attributes(body, &attributes, err)) &&
        !(rc = certificates_from_json(body, certificates, &count, err))) {
        pthread_mutex_lock(&node->lock);
        rc = municipal_link(node->store, node->self.municipality, code, &attributes, certificates, count, &notice, err);
        pthread_mutex_unlock(&node->lock);
    }
    json_decref(body);
    return rc ? rc : node_noticed(node, notice, response, err);
}

static enum rc municipal_on_notice(void *context, const struct request *request, struct response *response,
                                   struct err *err)
{
    struct node *node = context;
    struct outbox_state outbox;
    enum rc rc = node_own(node, request->peer, err);
    if (rc)
        return rc;
    char *end;
    errno = 0;
    long long number = strtoll(request->rest, &end, 10);
    if (errno || end == request->rest || *end || request->rest[0] < '0' || request->rest[0] > '9')
        return err_set(err, RC_FORMAT, "notice: not a number");
    pthread_mutex_lock(&node->lock);
    rc = outbox_read(node->store, OUTBOX_NATIONAL, &outbox, err);
    pthread_mutex_unlock(&node->lock);
    if (rc)
        return rc;
    if (number < 1 || number > outbox.last)
        return err_set(err, RC_NOT_FOUND, "no such notice");
    return node_answer(response, json_pack("{s:I, s:b}", "notice", (json_int_t)number, "delivered",
                                           number <= outbox.acknowledged), err);
}

#define OFFICERS (ROLE_BIT(ROLE_DESK_OFFICER) | ROLE_BIT(ROLE_REGISTRAR))

const struct route municipal_routes[] = {
    { "GET", "/v1/health", ~0u, municipal_on_health },
    { "POST", "/v1/residents/find", OFFICERS, municipal_on_find },
    { "POST", "/v1/residents/move", ROLE_BIT(ROLE_REGISTRAR), municipal_on_move },
    { "POST", "/v1/residents/record", ROLE_BIT(ROLE_REGISTRAR), municipal_on_record },
    { "POST", "/v1/moves/leave", ROLE_BIT(ROLE_REGISTRAR), mail_on_leave },
    { "POST", "/v1/moves/withdraw", ROLE_BIT(ROLE_REGISTRAR), mail_on_withdraw },
    { "POST", "/v1/moves/arrive", ROLE_BIT(ROLE_REGISTRAR), mail_on_arrive },
    { "POST", "/v1/letters", ROLE_BIT(ROLE_NODE_MUNICIPAL), mail_on_letter },
    { "POST", "/v1/certificates", ROLE_BIT(ROLE_DESK_OFFICER), municipal_on_link },
    { "GET", "/v1/notices/*", OFFICERS | ROLE_BIT(ROLE_CARD_OFFICER), municipal_on_notice },
    { "POST", "/v1/cards/issue", ROLE_BIT(ROLE_CARD_OFFICER), service_on_card_issue },
    { "POST", "/v1/cards/event", ROLE_BIT(ROLE_CARD_OFFICER), service_on_card_event },
    { "POST", "/v1/cards/show", OFFICERS | ROLE_BIT(ROLE_CARD_OFFICER), service_on_card_show },
    { "POST", "/v1/cards/check", OFFICERS | ROLE_BIT(ROLE_CARD_OFFICER), service_on_card_check },
    { "POST", "/v1/cards/sweep", ROLE_BIT(ROLE_CARD_OFFICER), service_on_card_sweep },
    { "POST", "/v1/cards/leaving", ROLE_BIT(ROLE_REGISTRAR), service_on_card_leaving },
    { "POST", "/v1/cards/arrive", ROLE_BIT(ROLE_CARD_OFFICER), service_on_card_arrive },
    { "POST", "/v1/cards/claim", ROLE_BIT(ROLE_NODE_MUNICIPAL), service_on_card_claim },
    { "POST", "/v1/copies/elsewhere", ROLE_BIT(ROLE_COUNTER), service_on_copy_elsewhere },
    { "POST", "/v1/copies/own", ROLE_BIT(ROLE_COUNTER), service_on_copy_own },
    { "POST", "/v1/copies/request", ROLE_BIT(ROLE_NODE_MUNICIPAL), service_on_copy_request },
    { "POST", "/v1/copies/withhold", ROLE_BIT(ROLE_REGISTRAR), service_on_withhold },
    { "GET", "/v1/copies/*", ROLE_BIT(ROLE_COUNTER) | ROLE_BIT(ROLE_KIOSK), service_on_copy_get },
    { "POST", "/v1/copies/kiosk", ROLE_BIT(ROLE_KIOSK), service_on_copy_kiosk },
    { "GET", "/v1/services", ~0u, service_on_services },
    { "POST", "/v1/services/offer", ROLE_BIT(ROLE_REGISTRAR), service_on_service_offer },
    { "POST", "/v1/services/choose", ROLE_BIT(ROLE_COUNTER), service_on_service_choose },
    { "POST", "/v1/services/leave", ROLE_BIT(ROLE_COUNTER), service_on_service_leave },
    { "POST", "/v1/services/paper", ROLE_BIT(ROLE_COUNTER), service_on_service_paper },
    { "POST", "/v1/services/use", ROLE_BIT(ROLE_COUNTER) | ROLE_BIT(ROLE_KIOSK), service_on_service_use },
    { "POST", "/v1/services/sheet", ROLE_BIT(ROLE_COUNTER) | ROLE_BIT(ROLE_KIOSK), service_on_service_sheet },
    { 0 },
};

/* What the other end answered to the notices behind `acknowledged`. */
static enum rc municipal_heard(struct line *line, int64_t acknowledged, unsigned status, const json_t *answer,
                               struct err *err)
{
    int64_t number;
    enum rc rc;
    if (status == 200) {
        rc = json_want_integer(answer, "acknowledged", &number, err);
        if (!rc && number <= acknowledged)
            rc = err_set(err, RC_REFUSED, "the node took no notice behind %lld", (long long)acknowledged);
        if (!rc)
            rc = node_acknowledge(line, number, err);
        if (!rc)
            rc = refusal_clear(line->store, line->peer, number, err);
        line->batch = line->batch * 2 > NOTICE_BATCH ? NOTICE_BATCH : line->batch * 2;
        return rc;
    }
    if (status == 409 && !json_want_integer(answer, "expected", &number, NULL) && number - 1 != acknowledged) {
        rc = node_acknowledge(line, number - 1, err);
        return rc ? rc : err_set(err, RC_CONFLICT, "the node expects notice %lld: told again from there", (long long)number);
    }
    /* One refused notice must not hold back those before it: smaller requests, at once, find it. */
    if (status >= 400 && status < 500 && line->batch > 1) {
        line->batch /= 2;
        return RC_OK;
    }
    char what[40];
    snprintf(what, sizeof what, "notice %lld", (long long)acknowledged + 1);
    rc = node_refused(status, answer, what, err);
    if (status >= 400 && status < 500) { /* it holds back the rest until somebody decides: jpki-registry blocked */
        enum rc noted = refusal_note(line->store, line->peer, acknowledged + 1, err_text(err, rc), NULL);
        rc = noted ? noted : rc;
    }
    return rc;
}

/* The batch as it travels: each notice signed, with the certificate to check it by. */
static enum rc municipal_batch(struct line *line, int64_t from, json_t **body, struct err *err)
{
    json_t *notices = NULL, *notice;
    size_t i;
    enum rc rc = outbox_notices_to(line->store, line->peer, from, line->batch, &notices, err);
    if (rc)
        return rc == RC_NOT_FOUND ? RC_BUG : rc;
    json_array_foreach(notices, i, notice)
        if (!rc)
            rc = sealed_sign(line->seal, notice, err);
    json_t *made = json_pack("{s:o, s:s}", "notices", notices, "certificate", opseal_certificate(line->seal));
    if (!rc && !made)
        rc = RC_NOMEM;
    if (rc)
        json_decref(made);
    else
        *body = made;
    return rc;
}

enum rc municipal_deliver(void *context, struct err *err)
{
    struct line *line = context;
    struct outbox_state outbox;
    enum rc rc = node_waiting(line, &outbox, err);
    if (rc)
        return rc;
    json_t *body = NULL, *answer = NULL;
    unsigned status = 0;
    rc = municipal_batch(line, outbox.acknowledged + 1, &body, err);
    if (rc)
        return rc;
    fault_point("registry.before_send");
    rc = node_post(line, "/v1/notices", body, &status, &answer, err);
    fault_point("registry.after_send");
    if (!rc)
        rc = municipal_heard(line, outbox.acknowledged, status, answer, err);
    json_decref(body);
    json_decref(answer);
    return rc == RC_NOT_FOUND ? RC_REFUSED : rc;
}

enum rc prefecture_deliver(void *context, struct err *err)
{
    struct line *line = context;
    enum rc rc = municipal_deliver(line, err);
    return rc == RC_NOT_FOUND ? correction_deliver(line, line->peer, err) : rc;
}

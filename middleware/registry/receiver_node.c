/* receiver_node.c — the routes of the nodes that receive. */
#include "registry/receiver_node.h"

#include "base/fault.h"
#include "net/json.h"
#include "registry/correction_node.h"
#include "registry/digest.h"
#include "registry/intake.h"
#include "registry/outbox.h"
#include "registry/provide_node.h"
#include "registry/sealed.h"

#include <string.h>

enum rc receiver_on_health(void *context, const struct request *request, struct response *response, struct err *err)
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
    return node_answer(response,
                       json_pack("{s:s, s:I, s:I, s:I}", "role", node_role_name(node->role), "residents",
                                 (json_int_t)residents, "municipalities", (json_int_t)municipalities, "outbox",
                                 (json_int_t)(outbox.last - outbox.acknowledged)),
                       err);
}

/* A prefectural node is told by the municipalities of its prefecture: the first two digits of the code. */
static enum rc receiver_check_sender(const struct node *node, const struct peer *peer, struct err *err)
{
    if (node->role == NODE_PREFECTURAL && strncmp(node->self.municipality, peer->municipality, 2) != 0)
        return err_set(err, RC_DENIED, "%s is not of the prefecture %.2s", peer->municipality, node->self.municipality);
    return RC_OK;
}

/* Under the lock: signatures first, then the notices. */
static enum rc receiver_take(struct node *node, const struct peer *peer, json_t *body, int64_t *acknowledged,
                             int64_t *expected, struct err *err)
{
    const char *certificate;
    enum rc rc = sealed_check_notices(node->seal, body, peer->municipality, err);
    if (!rc && json_object_get(body, "certificate") &&
        !(rc = json_want_text(body, "certificate", 20000, &certificate, err)))
        rc = intake_keep_signer(node->store, certificate, json_object_get(body, "notices"), err);
    return rc ? rc
              : intake_take(node->store, peer->municipality, json_object_get(body, "notices"), acknowledged, expected,
                            err);
}

enum rc receiver_on_notices(void *context, const struct request *request, struct response *response, struct err *err)
{
    struct node *node = context;
    json_t *body = NULL;
    int64_t acknowledged, expected = 0;
    enum rc rc = receiver_check_sender(node, request->peer, err);
    if (!rc)
        rc = node_body(request, &body, err);
    if (!rc) {
        fault_point("registry.before_intake");
        pthread_mutex_lock(&node->lock);
        rc = receiver_take(node, request->peer, body, &acknowledged, &expected, err);
        pthread_mutex_unlock(&node->lock);
        fault_point("registry.after_intake");
    }
    json_decref(body);
    if (rc == RC_CONFLICT && expected)
        return node_expected(response, expected, err);
    if (rc)
        return rc;
    node_wake(node);
    return node_answer(response, json_pack("{s:I}", "acknowledged", (json_int_t)acknowledged), err);
}

/* NN, with ?rows=1 each record's digest, with ?code=… (?card=…) each of its fields': of the asking municipality, as this node has it. */
static enum rc receiver_compare(const struct digest_kind *what, struct node *node, const struct request *request,
                                struct response *response, struct err *err)
{
    const char *rest = request->rest, *query = request->query(request, "rows"), *key = request->query(request, what->key);
    const char *asker = request->peer->municipality;
    char digest[DIGEST_SIZE];
    int64_t count = 0, acknowledged = 0;
    json_t *fields = NULL;
    if (strlen(rest) != 2 || strspn(rest, "0123456789") != 2)
        return err_set(err, RC_FORMAT, "digest: a bucket of two digits");
    enum rc rc = receiver_check_sender(node, request->peer, err);
    if (rc)
        return rc;
    json_t *rows = query ? json_array() : NULL;
    unsigned bucket = (unsigned)(rest[0] - '0') * 10 + (unsigned)(rest[1] - '0');
    pthread_mutex_lock(&node->lock);
    rc = intake_position(node->store, asker, &acknowledged, err);
    if (!rc && key)
        rc = what->fields(node->store, asker, key, &fields, err);
    else if (!rc)
        rc = what->bucket(node->store, asker, bucket, &count, digest, rows, err);
    pthread_mutex_unlock(&node->lock);
    if (rc) {
        json_decref(rows);
        return rc == RC_NOT_FOUND ? err_set(err, rc, "this municipality has none such here") : rc;
    }
    return node_answer(response,
                       key ? json_pack("{s:I, s:o}", "acknowledged", (json_int_t)acknowledged, "fields", fields)
                           : json_pack("{s:I, s:I, s:s, s:o*}", "acknowledged", (json_int_t)acknowledged, "count",
                                       (json_int_t)count, "digest", digest, what->list, rows),
                       err);
}

enum rc receiver_on_digest(void *context, const struct request *request, struct response *response, struct err *err)
{
    return receiver_compare(&digest_kinds[DIGEST_RESIDENTS], context, request, response, err);
}

enum rc receiver_on_card_digest(void *context, const struct request *request, struct response *response, struct err *err)
{
    return receiver_compare(&digest_kinds[DIGEST_CARDS], context, request, response, err);
}

const struct route prefectural_routes[] = {
    {"GET", "/v1/health", ~0u, receiver_on_health},
    {"POST", "/v1/notices", ROLE_BIT(ROLE_NODE_MUNICIPAL), receiver_on_notices},
    {"GET", "/v1/digest/*", ROLE_BIT(ROLE_NODE_MUNICIPAL), receiver_on_digest},
    {"POST", "/v1/corrections", ROLE_BIT(ROLE_NODE_MUNICIPAL), correction_on_list},
    {"POST", "/v1/corrections/answer", ROLE_BIT(ROLE_NODE_MUNICIPAL), correction_on_answer},
    {"POST", "/v1/provide", ROLE_BIT(ROLE_AGENCY), provide_on_one},
    {"POST", "/v1/provide/batch", ROLE_BIT(ROLE_AGENCY), provide_on_batch},
    {0},
};

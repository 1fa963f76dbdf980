/* supply.c — asking for numbers, and answering. */
#include "registry/supply.h"

#include "base/fault.h"
#include "base/log.h"
#include "net/json.h"
#include "registry/correction_node.h"
#include "registry/designate.h"
#include "registry/outbox.h"
#include "registry/spare.h"
#include "registry/wanted.h"

#include <stdlib.h>
#include <string.h>

/* One question to the national node; another status than 200 is its rc. */
static enum rc supply_ask(struct line *line, const char *path, json_t *body, json_t **answer, struct err *err)
{
    unsigned status = 0;
    fault_point("registry.before_supply");
    enum rc rc = body ? node_post(line, path, body, &status, answer, err) : RC_NOMEM;
    fault_point("registry.after_supply");
    json_decref(body);
    if (!rc && status != 200)
        rc = node_refused(status, *answer, path, err);
    return rc == RC_NOT_FOUND ? RC_REFUSED : rc;
}

static enum rc supply_stock(struct line *line, const char *request, const json_t *answer, struct err *err)
{
    json_t *codes;
    const char *texts[SPARE_BLOCK];
    enum rc rc = json_want_array(answer, "codes", &codes, err);
    if (!rc && json_array_size(codes) != SPARE_BLOCK)
        rc = err_set(err, RC_FORMAT, "codes: not as many as were asked for");
    for (size_t i = 0; !rc && i < SPARE_BLOCK; i++) {
        texts[i] = json_string_value(json_array_get(codes, i));
        if (!texts[i])
            rc = err_set(err, RC_FORMAT, "codes: not a text");
    }
    if (!rc)
        rc = store_begin(line->store, err);
    if (rc)
        return rc;
    rc = spare_stock(line->store, request, texts, SPARE_BLOCK, err);
    if (!rc)
        rc = store_commit(line->store, err);
    store_rollback(line->store);
    return rc;
}

/* RC_NOT_FOUND: the stock is large enough. */
static enum rc supply_codes(struct line *line, struct err *err)
{
    int64_t left;
    char request[32];
    enum rc rc = spare_left(line->store, &left, err);
    if (!rc && left >= SPARE_LOW)
        return RC_NOT_FOUND;
    if (!rc)
        rc = spare_request(line->store, request, err);
    if (rc)
        return rc;
    log_warning("住民票コード: %lld left, fewer than %d; asking for %d more", (long long)left, SPARE_LOW, SPARE_BLOCK);
    json_t *answer = NULL;
    rc = supply_ask(line, "/v1/codes", json_pack("{s:s, s:i}", "request", request, "count", SPARE_BLOCK), &answer, err);
    if (!rc)
        rc = supply_stock(line, request, answer, err);
    json_decref(answer);
    return rc;
}

static enum rc supply_take_number(struct line *line, const json_t *item, bool *taken, struct err *err)
{
    const char *code, *number;
    enum rc rc = json_want_text(item, "code", 11, &code, err);
    if (rc)
        return rc;
    if (json_want_text(item, "number", 12, &number, NULL)) { /* refused for this person: stays wanted, and is said */
        const char *text = "";
        if (json_want_text(json_object_get(item, "error"), "text", 300, &text, NULL))
            text = "(no words)";
        (void)err_set(err, RC_REFUSED, "個人番号: refused for one person: %s", text);
        return RC_OK;
    }
    *taken = true;
    return wanted_given(line->store, line->node->self.municipality, code, number, err);
}

/* Who was registered before there were numbers gets one too. */
static enum rc supply_want(struct line *line, struct err *err)
{
    int64_t more;
    enum rc rc = store_begin(line->store, err);
    if (rc)
        return rc;
    rc = wanted_everybody(line->store, SUPPLY_NUMBERS, &more, err);
    if (!rc && more)
        rc = store_commit(line->store, err);
    store_rollback(line->store);
    return rc;
}

/* RC_NOT_FOUND: nobody waits. */
static enum rc supply_numbers(struct line *line, struct err *err)
{
    json_t *items = NULL, *answer = NULL;
    bool taken = false;
    enum rc rc = supply_want(line, err);
    if (!rc)
        rc = wanted_items(line->store, SUPPLY_NUMBERS, &items, err);
    if (!rc && json_array_size(items) == 0) {
        json_decref(items);
        return RC_NOT_FOUND;
    }
    if (!rc)
        rc = supply_ask(line, "/v1/numbers", json_pack("{s:o}", "items", items), &answer, err);
    json_t *given = NULL;
    if (!rc)
        rc = json_want_array(answer, "items", &given, err);
    if (!rc)
        rc = store_begin(line->store, err);
    for (size_t i = 0; !rc && i < json_array_size(given); i++)
        rc = supply_take_number(line, json_array_get(given, i), &taken, err);
    if (!rc)
        rc = store_commit(line->store, err);
    store_rollback(line->store);
    json_decref(answer);
    if (!rc && taken)
        node_wake(line->node);
    return !rc && !taken ? err_set(err, RC_REFUSED, "個人番号: none was given") : rc;
}

enum rc supply_deliver(void *context, struct err *err)
{
    struct line *line = context;
    enum rc codes = supply_codes(line, err);
    if (codes && codes != RC_NOT_FOUND)
        return codes;
    enum rc numbers = supply_numbers(line, err);
    if (numbers && numbers != RC_NOT_FOUND)
        return numbers;
    enum rc corrections = correction_deliver(line, OUTBOX_NATIONAL, err);
    if (corrections && corrections != RC_NOT_FOUND)
        return corrections;
    return codes && numbers && corrections ? RC_NOT_FOUND : RC_OK;
}

enum rc supply_on_codes(void *context, const struct request *request, struct response *response, struct err *err)
{
    struct node *node = context;
    json_t *body = NULL, *codes = NULL;
    const char *name;
    int64_t count;
    char(*made)[12] = NULL;
    enum rc rc = node_body(request, &body, err);
    if (!rc && !(rc = json_want_text(body, "request", 64, &name, err)))
        rc = json_want_integer(body, "count", &count, err);
    if (!rc && (count < 1 || count > DESIGNATE_CODES_MAX))
        rc = err_set(err, RC_RANGE, "count: 1 to %d", DESIGNATE_CODES_MAX);
    if (!rc && !(made = calloc((size_t)count, sizeof *made)))
        rc = RC_NOMEM;
    if (!rc) {
        pthread_mutex_lock(&node->lock);
        rc = store_begin(node->store, err);
        if (!rc)
            rc = designate_codes(node->store, &node->key, request->peer->municipality, name, count, made, err);
        if (!rc)
            rc = store_commit(node->store, err);
        store_rollback(node->store);
        pthread_mutex_unlock(&node->lock);
    }
    if (!rc && !(codes = json_array()))
        rc = RC_NOMEM;
    for (int64_t i = 0; !rc && i < count; i++)
        rc = json_array_append_new(codes, json_string(made[i])) ? RC_NOMEM : RC_OK;
    json_decref(body);
    free(made);
    if (rc) {
        json_decref(codes);
        return rc;
    }
    return node_answer(response, json_pack("{s:o}", "codes", codes), err);
}

/* One person's: a refusal stands in its place and stops nobody else's. */
static enum rc supply_designate(struct node *node, const char *municipality, const json_t *item, json_t *given,
                                struct err *err)
{
    const char *code, *previous;
    char number[13];
    struct err why = {0};
    json_t *answer;
    enum rc rc = json_want_text(item, "code", 11, &code, err);
    if (!rc)
        rc = json_want_text(item, "previous", 12, &previous, err);
    if (rc)
        return rc;
    rc = designate_number(node->store, &node->key, municipality, code, previous, number, &why);
    if (rc == RC_OK)
        answer = json_pack("{s:s, s:s}", "code", code, "number", number);
    else if (net_status_of_rc(rc) < 500)
        answer = json_pack("{s:s, s:{s:s, s:s}}", "code", code, "error", "rc", rc_name(rc), "text", err_text(&why, rc));
    else
        return err_set(err, rc, "%s", err_text(&why, rc));
    return json_array_append_new(given, answer) ? RC_NOMEM : RC_OK;
}

enum rc supply_on_numbers(void *context, const struct request *request, struct response *response, struct err *err)
{
    struct node *node = context;
    json_t *body = NULL, *items = NULL, *given = json_array();
    enum rc rc = given ? node_body(request, &body, err) : RC_NOMEM;
    if (!rc)
        rc = json_want_array(body, "items", &items, err);
    if (!rc && json_array_size(items) > SUPPLY_NUMBERS)
        rc = err_set(err, RC_RANGE, "items: at most %d in one request", SUPPLY_NUMBERS);
    if (!rc) {
        pthread_mutex_lock(&node->lock);
        rc = store_begin(node->store, err);
        for (size_t i = 0; !rc && i < json_array_size(items); i++)
            rc = supply_designate(node, request->peer->municipality, json_array_get(items, i), given, err);
        if (!rc)
            rc = store_commit(node->store, err);
        store_rollback(node->store);
        pthread_mutex_unlock(&node->lock);
    }
    json_decref(body);
    if (rc) {
        json_decref(given);
        return rc;
    }
    return node_answer(response, json_pack("{s:o}", "items", given), err);
}

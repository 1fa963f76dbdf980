/* reconcile.c — `jpki-registry reconcile`: 整合性確認 of a municipality's store with what the prefecture or the nation
 * has of it. Names each difference; repairs by telling again, as a change of its own with its own reason. */
#include "base/clock.h"
#include "base/opt.h"
#include "base/proc.h"
#include "net/client.h"
#include "net/json.h"
#include "registry/digest.h"
#include "registry/municipal.h"
#include "registry/outbox.h"
#include "registry/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reconcile {
    struct store *store;
    struct client *client;
    const char *peer; /* the outbox's name for the other side */
    char municipality[7];
    int64_t last; /* the notice up to which both sides are compared */
    int64_t records, repaired;
    json_t *differences; /* [{"code" or "card","difference","fields"}…] */
};

static enum rc reconcile_ask(struct reconcile *r, const struct digest_kind *what, unsigned bucket, const char *query, json_t **answer,
                             struct err *err)
{
    char path[80];
    snprintf(path, sizeof path, "%s/%02u%s", what->path, bucket, query);
    return client_json(r->client, "GET", path, NULL, answer, err);
}

/* Told again: the record as it is, or that it was removed. */
static enum rc reconcile_restate(struct reconcile *r, const char *code, bool *done, struct err *err)
{
    struct ledger_row row;
    struct ledger_change change;
    char today[11];
    int64_t notice, now = clock_now();
    municipal_today(today);
    enum rc rc = ledger_find_code(r->store, code, &row, err);
    *done = rc == RC_OK;
    if (rc)
        return rc == RC_NOT_FOUND ? RC_OK : rc; /* nothing to tell: somebody must look */
    rc = ledger_put(r->store, &row.resident, row.removed ? REASON_RESTATED_OUT : REASON_RESTATED, today, now, &change,
                    err);
    if (!rc)
        rc = outbox_add_notice(r->store, NOTICE_RECORD, code, change.revision, today, now, &notice, err);
    return rc;
}

/* A card's state told again, whatever the nation has of it. */
static enum rc reconcile_restate_card(struct reconcile *r, const char *card, bool *done, struct err *err)
{
    struct card_row row;
    struct ledger_row holder;
    char since[11] = ""; /* nothing has happened to the card: its latest day stays */
    struct card_deed deed = {.event = CARD_RESTATE, .date = since, .recorded = clock_now()};
    enum rc rc = cardbook_find(r->store, card, &row, err);
    if (!rc)
        rc = ledger_find_code(r->store, row.code, &holder, err);
    *done = rc == RC_OK;
    if (rc)
        return rc == RC_NOT_FOUND ? RC_OK : rc;
    memcpy(since, row.since, sizeof since);
    rc = outbox_add_notice(r->store, NOTICE_CARD, row.code, holder.revision, since, deed.recorded, &deed.notice, err);
    return rc ? rc : cardbook_restate(r->store, &row, &deed, err);
}

/* The fields in which both differ, by name. */
static enum rc reconcile_fields(struct reconcile *r, const struct digest_kind *what, const char *key, json_t **names, struct err *err)
{
    char query[40];
    json_t *answer = NULL, *own = NULL, *value;
    const char *name;
    snprintf(query, sizeof query, "?%s=%s", what->key, key);
    enum rc rc = reconcile_ask(r, what, 0, query, &answer, err);
    if (!rc)
        rc = what->fields(r->store, r->municipality, key, &own, err);
    *names = json_array();
    json_object_foreach(own, name, value)
    {
        if (!rc && !json_equal(value, json_object_get(json_object_get(answer, "fields"), name)) &&
            json_array_append_new(*names, json_string(name)))
            rc = RC_NOMEM;
    }
    json_decref(own);
    json_decref(answer);
    return rc;
}

static enum rc reconcile_name(struct reconcile *r, const struct digest_kind *what, const char *key, const char *difference, struct err *err)
{
    json_t *names = NULL;
    struct card_row card;
    if (strcmp(difference, "not registered here") == 0 && strcmp(what->key, "card") == 0 &&
        cardbook_find(r->store, key, &card, NULL) == RC_OK && card.state == CARD_ELSEWHERE)
        return RC_OK; /* taken over: the other municipality's report is on its way */
    enum rc rc = strcmp(difference, "another content") == 0 ? reconcile_fields(r, what, key, &names, err) : RC_OK;
    if (rc) {
        json_decref(names);
        return rc;
    }
    json_t *row = json_pack("{s:s, s:s, s:o*}", what->key, key, "difference", difference, "fields", names);
    return json_array_append_new(r->differences, row) ? RC_NOMEM : RC_OK;
}

static const char *reconcile_text(const json_t *rows, size_t i, const char *member)
{
    const char *text = json_string_value(json_object_get(json_array_get(rows, i), member));
    return text ? text : "";
}

/* Two lists in the order of their keys. */
static enum rc reconcile_merge(struct reconcile *r, const struct digest_kind *what, const json_t *own, const json_t *theirs,
                               struct err *err)
{
    size_t i = 0, k = 0;
    enum rc rc = RC_OK;
    while (!rc && (i < json_array_size(own) || k < json_array_size(theirs))) {
        const char *mine = reconcile_text(own, i, what->key), *other = reconcile_text(theirs, k, what->key);
        int order = i == json_array_size(own) ? 1 : k == json_array_size(theirs) ? -1 : strcmp(mine, other);
        if (order < 0)
            rc = reconcile_name(r, what, mine, "missing there", err);
        else if (order > 0)
            rc = reconcile_name(r, what, other, "not registered here", err);
        else if (strcmp(reconcile_text(own, i, "digest"), reconcile_text(theirs, k, "digest")) != 0)
            rc = reconcile_name(r, what, mine, "another content", err);
        i += order <= 0;
        k += order >= 0;
    }
    return rc;
}

static enum rc reconcile_rows(struct reconcile *r, const struct digest_kind *what, unsigned bucket, struct err *err)
{
    json_t *answer = NULL, *theirs = NULL, *own = json_array();
    char digest[DIGEST_SIZE];
    int64_t count;
    enum rc rc = own ? what->bucket(r->store, r->municipality, bucket, &count, digest, own, err) : RC_NOMEM;
    if (!rc)
        rc = reconcile_ask(r, what, bucket, "?rows=1", &answer, err);
    if (!rc)
        rc = json_want_array(answer, what->list, &theirs, err);
    if (!rc)
        rc = reconcile_merge(r, what, own, theirs, err);
    json_decref(answer);
    json_decref(own);
    return rc;
}

/* Both sides must have seen the same notices: otherwise what is only late would look like a difference. */
static enum rc reconcile_check_told(struct reconcile *r, const json_t *answer, struct err *err)
{
    int64_t acknowledged;
    enum rc rc = json_want_integer(answer, "acknowledged", &acknowledged, err);
    if (!rc && acknowledged != r->last)
        rc = err_set(err, RC_STATE, "the other side has heard %lld of %lld notices: compare when all are told",
                     (long long)acknowledged, (long long)r->last);
    return rc;
}

static enum rc reconcile_bucket(struct reconcile *r, const struct digest_kind *what, unsigned bucket, struct err *err)
{
    json_t *answer = NULL;
    char digest[DIGEST_SIZE];
    const char *theirs;
    int64_t count;
    enum rc rc = what->bucket(r->store, r->municipality, bucket, &count, digest, NULL, err);
    if (!rc)
        rc = reconcile_ask(r, what, bucket, "", &answer, err);
    if (!rc)
        rc = reconcile_check_told(r, answer, err);
    if (!rc)
        rc = json_want_text(answer, "digest", DIGEST_SIZE - 1, &theirs, err);
    if (!rc) {
        r->records += count;
        if (strcmp(digest, theirs) != 0)
            rc = reconcile_rows(r, what, bucket, err);
    }
    json_decref(answer);
    return rc;
}

/* Nothing was written here while it was compared. */
static enum rc reconcile_check_still(struct reconcile *r, struct err *err)
{
    struct outbox_state outbox;
    enum rc rc = outbox_read(r->store, r->peer, &outbox, err);
    if (!rc && outbox.last != r->last)
        rc = err_set(err, RC_STATE, "the register changed while it was compared: compare again");
    return rc;
}

static enum rc reconcile_compare(struct reconcile *r, struct err *err)
{
    struct outbox_state outbox;
    enum rc rc = outbox_read(r->store, r->peer, &outbox, err);
    if (!rc)
        r->last = outbox.last;
    size_t kinds = strcmp(r->peer, OUTBOX_NATIONAL) == 0 ? DIGEST_KINDS : DIGEST_CARDS; /* a prefecture keeps no cards */
    for (size_t i = 0; i < kinds; i++)
        for (unsigned bucket = 0; !rc && bucket < DIGEST_BUCKETS; bucket++)
            rc = reconcile_bucket(r, &digest_kinds[i], bucket, err);
    return rc ? rc : reconcile_check_still(r, err);
}

/* All of them in one transaction. */
static enum rc reconcile_repair(struct reconcile *r, struct err *err)
{
    size_t i;
    json_t *row;
    enum rc rc = store_begin(r->store, err);
    if (rc)
        return rc;
    rc = reconcile_check_still(r, err);
    json_array_foreach(r->differences, i, row)
    {
        bool done = false;
        const char *code = json_string_value(json_object_get(row, "code"));
        if (!rc)
            rc = code ? reconcile_restate(r, code, &done, err)
                      : reconcile_restate_card(r, json_string_value(json_object_get(row, "card")), &done, err);
        if (!rc && json_object_set_new(row, "told_again", json_boolean(done)))
            rc = RC_NOMEM;
        r->repaired += done;
    }
    if (!rc)
        rc = store_commit(r->store, err);
    store_rollback(r->store);
    return rc;
}

static enum rc reconcile_run(struct reconcile *r, bool repair, struct err *err)
{
    size_t i;
    json_t *row;
    r->differences = json_array();
    enum rc rc = r->differences ? reconcile_compare(r, err) : RC_NOMEM;
    if (!rc && repair && json_array_size(r->differences))
        rc = reconcile_repair(r, err);
    json_array_foreach(r->differences, i, row)
    {
        char *text = rc ? NULL : json_dumps(row, JSON_COMPACT | JSON_SORT_KEYS);
        if (text)
            puts(text);
        free(text);
    }
    return rc;
}

int reconcile_main(int argc, char **argv)
{
    const char *url = NULL, *folder = NULL, *node = NULL;
    bool repair = false;
    struct reconcile r = {.peer = OUTBOX_NATIONAL};
    const struct opt opts[] = {
        {"--store", "URL", "the municipal node's store", OPT_TEXT, &url, true},
        {"--identity", "FOLDER", "the municipal node's identity", OPT_TEXT, &folder, true},
        {"--with", "URL", "the national or prefectural node", OPT_TEXT, &node, true},
        {"--peer", "PEER", "national (default) or prefecture: which of the two it is", OPT_TEXT, &r.peer, false},
        {"--repair", NULL, "tell again what differs, as a change of its own (整合性の回復)", OPT_FLAG, &repair, false},
        {0},
    };
    int status;
    if (opt_only("jpki-registry reconcile [OPTIONS]",
                 "Compares the municipality's registered records, and with the nation its cards, with what the other node "
                 "has of\n"
                 "them, by digests; names each difference, with the fields, as a JSON line. Exit status 0: no difference; 1: there are, or it could not be compared.",
                 opts, argc, argv, &status))
        return status;
    bool national = strcmp(r.peer, OUTBOX_NATIONAL) == 0;
    if (!national && strcmp(r.peer, OUTBOX_PREFECTURE) != 0)
        return opt_misuse("--peer takes national or prefecture, not '%s'", r.peer);
    proc_harden();
    struct identity identity = {0};
    struct err err = {0};
    enum node_role role = NODE_MUNICIPAL;
    enum rc rc = ledger_open_any(url, &role, r.municipality, &r.store, &err);
    if (!rc && role != NODE_MUNICIPAL)
        rc = err_set(&err, RC_STATE, "it is the store of a %s node", node_role_name(role));
    if (!rc)
        rc = identity_open(folder, &identity, &err);
    if (!rc)
        rc = client_open(node, &identity, 0, &r.client, &err);
    if (!rc) {
        client_expect(r.client, ROLE_BIT(national ? ROLE_NODE_NATIONAL : ROLE_NODE_PREFECTURAL));
        rc = reconcile_run(&r, repair, &err);
    }
    client_close(r.client);
    identity_close(&identity);
    store_close(r.store);
    if (rc) {
        json_decref(r.differences);
        return opt_fail("%s", err_text(&err, rc));
    }
    fprintf(stderr, "%lld records compared, %zu differences, %lld told again\n", (long long)r.records,
            json_array_size(r.differences), (long long)r.repaired);
    status = json_array_size(r.differences) ? EXIT_FAILED : EXIT_DONE;
    json_decref(r.differences);
    return status;
}

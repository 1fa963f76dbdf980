/* provide.c — provision: what an agency may, what it gets, and the record of it. */
#include "registry/provide_parts.h"

#include "base/clock.h"
#include "base/fault.h"
#include "net/json.h"
#include "registry/day.h"
#include "registry/gate.h"
#include "registry/task.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_BACK 16 /* requests in which the same task is looked for */

static const char *const result_names[] = {
    [PROVIDE_ONE] = "one",         [PROVIDE_NONE] = "none",       [PROVIDE_MANY] = "many",
    [PROVIDE_REMOVED] = "removed", [PROVIDE_CHANGED] = "changed",
};

const char *provide_result_name(enum provide_result result)
{
    return result_names[result];
}

/* A request: what it asks, and when it was run what came of it. */
struct provision {
    const struct peer *peer;
    char task_id[65], why[301];
    struct provide_key *keys;
    struct provided *found; /* one a key */
    json_t **changes;       /* 変更情報 of each, where it is given; else NULL */
    size_t count;
    bool batch;
    /* what the store said when it was run */
    struct task task;
    unsigned fields; /* that may be given today */
    unsigned names;  /* those of them that a name may mean */
    enum rc may;     /* whether the agency has the task today, whatever the keys */
    enum rc refused; /* RC_OK: it was answered */
    int64_t as_of;
    struct err why_not;
};

/* 機能区分: how it was used. */
static const char *provide_way(const struct provision *p, const struct provide_key *key)
{
    if (p->batch)
        return "batch";
    return key && (key->code[0] || key->number[0]) ? "inquiry" : "search";
}

/* A name may also be what else the task is given of names, from the day on which 本人確認情報 has it. */
static unsigned provide_names(unsigned open, unsigned fields)
{
    return fields & ((open & GATE_BIT(GATE_FOREIGN_RESIDENTS) ? TASK_ALIAS : 0u) | (open & GATE_BIT(GATE_FORMER_NAMES) ? TASK_FORMER_NAME : 0u) |
                     (open & GATE_BIT(GATE_FURIGANA) ? TASK_FURIGANA | TASK_FORMER_FURIGANA : 0u));
}

/* The rules by date: before 個人番号 agencies ask with the code and get it, afterwards only those that keep it. */
static enum rc provide_judge_era(struct store *store, const char *day, struct provision *p, struct err *err)
{
    unsigned open;
    enum rc rc = gate_open_all(store, day, &open, err);
    if (!rc && !(open & GATE_BIT(GATE_FIRST_SERVICE)))
        rc = gate_want(store, GATE_FIRST_SERVICE, day, "provision", err); /* its words */
    if (rc)
        return rc;
    p->fields = p->task.fields;
    if (!(open & GATE_BIT(GATE_PERSONAL_NUMBERS))) {
        p->fields &= ~(unsigned)TASK_PERSONAL_NUMBER;
        p->task.keys &= ~(unsigned)TASK_BY_NUMBER;
    } else if (!p->task.legacy_code) {
        p->fields &= ~(unsigned)TASK_CODE;
        p->task.keys &= ~(unsigned)TASK_BY_CODE;
    }
    p->names = provide_names(open, p->fields);
    return RC_OK;
}

/* Whether the agency has the task. Nothing of the law changes within a transaction: what an earlier request of the same was told
 * is not asked for again. */
static enum rc provide_judge_task(struct store *store, const char *day, struct provision *const *before, size_t count,
                                  struct provision *p, struct err *err)
{
    for (size_t i = count; i > 0 && i + LOOK_BACK > count; i--)
        if (!before[i - 1]->may && before[i - 1]->peer->role == ROLE_AGENCY && p->peer->role == ROLE_AGENCY &&
            strcmp(before[i - 1]->peer->name, p->peer->name) == 0 && strcmp(before[i - 1]->task_id, p->task_id) == 0) {
            p->task = before[i - 1]->task;
            p->fields = before[i - 1]->fields;
            p->names = before[i - 1]->names;
            return RC_OK;
        }
    if (p->peer->role != ROLE_AGENCY)
        return err_set(err, RC_DENIED, "only an agency with a task gets this");
    enum rc rc = task_find(store, p->peer->name, p->task_id, day, &p->task, err);
    return rc ? rc : provide_judge_era(store, day, p, err);
}

static enum rc provide_judge_keys(const struct provision *p, struct err *err)
{
    for (size_t i = 0; i < p->count; i++) {
        unsigned by = p->keys[i].code[0] ? TASK_BY_CODE : p->keys[i].number[0] ? TASK_BY_NUMBER : TASK_BY_ATTRIBUTES;
        if (!(p->task.keys & by))
            return err_set(err, RC_DENIED, "task: nobody is asked for by %s in it on this day",
                           by == TASK_BY_CODE     ? "住民票コード"
                           : by == TASK_BY_NUMBER ? "個人番号"
                                                  : "attributes");
    }
    return RC_OK;
}

static enum rc provide_set(json_t *json, const char *member, const char *text)
{
    if (!text[0])
        return RC_OK;
    return json_object_set_new(json, member, json_string(text)) ? RC_NOMEM : RC_OK;
}

/* 変更情報 of the present state. */
static enum rc provide_change(struct store *store, const struct provision *p, const struct ledger_row *row, json_t **out,
                              struct err *err)
{
    struct ledger_past past;
    char recorded[CLOCK_TEXT_SIZE];
    enum rc rc = ledger_last(store, row, &past, err);
    if (rc)
        return rc == RC_NOT_FOUND ? RC_OK : rc;
    clock_format(past.recorded, recorded);
    json_t *change =
        json_pack("{s:s, s:s, s:s}", "reason", reason_get(past.reason)->name, "date", past.date, "recorded", recorded);
    rc = change ? RC_OK : RC_NOMEM;
    if (!rc && p->fields & TASK_CODE)
        rc = provide_set(change, "previous_code", past.previous_code);
    if (!rc && p->fields & TASK_PERSONAL_NUMBER)
        rc = provide_set(change, "previous_personal_number", past.previous_number);
    if (rc)
        json_decref(change);
    else
        *out = change;
    return rc;
}

static bool provide_given(const struct provided *found)
{
    return found->result != PROVIDE_NONE && found->result != PROVIDE_MANY;
}

/* --- a request ------------------------------------------------------------------------------------------------------- */

static enum rc provide_read_keys(const json_t *body, struct provision *p, struct err *err)
{
    json_t *list = NULL;
    enum rc rc = p->batch ? json_want_array(body, "keys", &list, err) : RC_OK;
    if (rc)
        return rc;
    p->count = p->batch ? json_array_size(list) : 1;
    if (p->count == 0 || p->count > PROVIDE_BATCH) {
        p->count = 0;
        return err_set(err, RC_RANGE, "keys: 1 to %d in one request", PROVIDE_BATCH);
    }
    p->keys = calloc(p->count, sizeof *p->keys);
    p->found = calloc(p->count, sizeof *p->found);
    p->changes = calloc(p->count, sizeof(json_t *));
    if (!p->keys || !p->found || !p->changes)
        return err_set(err, RC_NOMEM, "keys");
    for (size_t i = 0; !rc && i < p->count; i++) {
        struct err why = {0};
        rc = provide_key_read(p->batch ? json_array_get(list, i) : json_object_get(body, "key"), &p->keys[i], &why);
        if (rc)
            err_set(err, rc, "key %zu: %s", i + 1, err_text(&why, rc));
    }
    return rc;
}

enum rc provide_read(const struct peer *peer, const json_t *body, bool batch, struct provision **out, struct err *err)
{
    const char *task = "", *why = "";
    struct provision *p = calloc(1, sizeof *p);
    if (!p)
        return err_set(err, RC_NOMEM, "provision");
    *p = (struct provision) { .peer = peer, .batch = batch };
    enum rc rc = json_want_text(body, "task", sizeof p->task_id - 1, &task, err);
    if (!rc && json_object_get(body, "why"))
        rc = json_want_text(body, "why", sizeof p->why - 1, &why, err);
    snprintf(p->task_id, sizeof p->task_id, "%s", task);
    snprintf(p->why, sizeof p->why, "%s", why);
    if (!rc)
        rc = provide_read_keys(body, p, err);
    if (rc)
        provide_free(p);
    else
        *out = p;
    return rc;
}

static void provide_forget_changes(struct provision *p)
{
    for (size_t i = 0; p->changes && i < p->count; i++) {
        json_decref(p->changes[i]);
        p->changes[i] = NULL;
    }
}

void provide_free(struct provision *p)
{
    if (!p)
        return;
    provide_forget_changes(p);
    if (p->keys)
        explicit_bzero(p->keys, p->count * sizeof *p->keys);
    if (p->found)
        explicit_bzero(p->found, p->count * sizeof *p->found);
    free(p->keys);
    free(p->found);
    free(p->changes);
    free(p);
}

/* --- many of them in a transaction ------------------------------------------------------------------------------------ */

/* Keys of whatever requests until a statement is full. */
struct provide_work {
    struct store *store;
    struct provision *of[PROVIDE_TOGETHER];
    size_t at[PROVIDE_TOGETHER];
    size_t count;
};

static void provide_use(const struct provision *p, const struct provide_key *key, const struct provided *found, char names[160],
                        struct usage_use *use)
{
    bool given = found && provide_given(found);
    task_names(given ? p->fields : 0, names);
    *use = (struct usage_use) { .peer = p->peer, .action = "provide", .record = given ? found->row.resident.code : "",
                                .result = found ? result_names[found->result] : rc_name(p->refused), .task = p->task_id,
                                .way = provide_way(p, key), .why = p->why, .fields = names };
}

static enum rc provide_flush(struct provide_work *work, struct err *err)
{
    const struct provide_key *keys[PROVIDE_TOGETHER];
    struct provided *found[PROVIDE_TOGETHER];
    struct usage_use uses[PROVIDE_TOGETHER];
    char names[PROVIDE_TOGETHER][160];
    for (size_t i = 0; i < work->count; i++) {
        keys[i] = &work->of[i]->keys[work->at[i]];
        found[i] = &work->of[i]->found[work->at[i]];
        found[i]->names = work->of[i]->names;
    }
    enum rc rc = provide_look_many(work->store, keys, found, work->count, err);
    for (size_t i = 0; !rc && i < work->count; i++) {
        struct provision *p = work->of[i];
        if (provide_given(found[i]) && p->fields & TASK_CHANGE)
            rc = provide_change(work->store, p, &found[i]->row, &p->changes[work->at[i]], err);
        provide_use(p, keys[i], found[i], names[i], &uses[i]);
    }
    if (!rc)
        rc = usage_write_uses(work->store, uses, work->count, err);
    work->count = 0;
    return rc;
}

/* Refused, and that is kept. */
static enum rc provide_refuse(struct store *store, struct provision *p, enum rc refused, struct err *err)
{
    struct usage_use use;
    char names[160];
    p->refused = refused;
    provide_use(p, p->keys, NULL, names, &use);
    return usage_write_uses(store, &use, 1, err);
}

static enum rc provide_one(struct provide_work *work, struct provision *p, struct err *err)
{
    enum rc rc = RC_OK;
    for (size_t i = 0; !rc && i < p->count; i++) {
        work->of[work->count] = p;
        work->at[work->count++] = i;
        if (work->count == PROVIDE_TOGETHER)
            rc = provide_flush(work, err);
    }
    return rc;
}

enum rc provide_run(void *const *provisions, size_t count, struct store *store, struct err *err)
{
    struct provide_work work = { .store = store };
    struct provision *const *all = (struct provision *const *)provisions;
    char day[11];
    int64_t now = clock_now();
    enum rc rc = RC_OK;
    day_of(now, day);
    for (size_t i = 0; !rc && i < count; i++) {
        struct provision *p = all[i];
        p->as_of = now;
        provide_forget_changes(p);
        err_reset(&p->why_not);
        p->refused = RC_OK;
        p->may = provide_judge_task(store, day, all, i, p, &p->why_not);
        rc = p->may ? p->may : provide_judge_keys(p, &p->why_not);
        if (rc == RC_DENIED || rc == RC_RANGE)
            rc = provide_refuse(store, p, rc, err);
        else if (rc)
            rc = err_set(err, rc, "%s", err_text(&p->why_not, rc));
        else
            rc = provide_one(&work, p, err);
    }
    if (!rc && work.count)
        rc = provide_flush(&work, err);
    fault_point("registry.before_provide");
    return rc;
}

/* --- its answer ------------------------------------------------------------------------------------------------------- */

static enum rc provide_give(const struct provision *p, size_t at, json_t **out)
{
    const struct ledger_row *row = &p->found[at].row;
    json_t *record = json_object();
    enum rc rc = record ? RC_OK : RC_NOMEM;
    for (unsigned i = 0; !rc && i < RECORD_FIELDS; i++)
        for (unsigned k = 0; !rc && k < TASK_FIELDS; k++)
            if (p->fields & 1u << k && record_fields[i].told && strcmp(record_fields[i].name, task_fields[k]) == 0)
                rc = provide_set(record, task_fields[k], record_text_of(&row->resident, &record_fields[i]));
    if (!rc && p->fields & TASK_CODE)
        rc = provide_set(record, "code", row->resident.code);
    if (!rc && p->changes[at] && json_object_set(record, "change", p->changes[at]))
        rc = RC_NOMEM;
    if (rc)
        json_decref(record);
    else
        *out = record;
    return rc;
}

static const char *const match_names[] = {
    [PROVIDE_BY_NO_NAME] = NULL,
    [PROVIDE_BY_NAME] = "name",
    [PROVIDE_BY_ALIAS] = "alias",
    [PROVIDE_BY_FORMER_NAME] = "former_name",
    [PROVIDE_BY_FURIGANA] = "furigana",
    [PROVIDE_BY_FORMER_FURIGANA] = "former_furigana",
    [PROVIDE_BY_FORMER_STATE] = "former_state",
};

static enum rc provide_tell_one(const struct provision *p, size_t at, json_t **out)
{
    json_t *record = NULL;
    enum rc rc = provide_given(&p->found[at]) ? provide_give(p, at, &record) : RC_OK;
    if (!rc)
        *out = json_pack("{s:s, s:o*, s:s*}", "result", result_names[p->found[at].result], "record", record, "matched",
                         record ? match_names[p->found[at].match] : NULL);
    return rc || *out ? rc : RC_NOMEM;
}

enum rc provide_tell(const struct provision *p, json_t **answer, struct err *err)
{
    if (p->refused)
        return err_set(err, p->refused, "%s", err_text(&p->why_not, p->refused));
    json_t *answers = json_array();
    enum rc rc = answers ? RC_OK : RC_NOMEM;
    for (size_t i = 0; !rc && i < p->count; i++) {
        json_t *one = NULL;
        rc = provide_tell_one(p, i, &one);
        if (!rc && json_array_append_new(answers, one))
            rc = RC_NOMEM;
    }
    char as_of[CLOCK_TEXT_SIZE];
    clock_format(p->as_of, as_of);
    if (!rc) {
        json_t *whole = p->batch ? json_pack("{s:O}", "answers", answers) : json_incref(json_array_get(answers, 0));
        if (!whole || json_object_set_new(whole, "as_of", json_string(as_of))) {
            json_decref(whole);
            rc = RC_NOMEM;
        } else {
            *answer = whole;
        }
    }
    json_decref(answers);
    return rc ? err_set(err, rc, "answer") : RC_OK;
}

enum rc provide_answer(struct store *store, const struct peer *peer, const json_t *body, bool batch, json_t **answer,
                       struct err *err)
{
    struct provision *p = NULL;
    enum rc rc = provide_read(peer, body, batch, &p, err);
    void *one = p;
    if (!rc)
        rc = store_begin(store, err);
    if (!rc)
        rc = provide_run(&one, 1, store, err);
    if (!rc)
        rc = store_commit(store, err);
    store_rollback(store);
    if (!rc)
        rc = provide_tell(p, answer, err);
    provide_free(p);
    return rc;
}

enum rc provide_check_private(const json_t *body, struct err *err)
{
    static const char *const forbidden[] = {"code", "personal_number"};
    json_t *fields = json_object_get(body, "fields"), *item;
    size_t at;
    for (size_t i = 0; i < 2; i++) {
        bool asked = json_object_get(body, forbidden[i]) != NULL;
        json_array_foreach(fields, at, item) if (json_is_string(item) &&
                                                 strcmp(json_string_value(item), forbidden[i]) == 0) asked = true;
        if (asked)
            return err_set(err, RC_DENIED,
                           "%s: the law forbids its private use (住民基本台帳法30条の37, 30条の38; 番号法15条)",
                           forbidden[i]);
    }
    return RC_OK;
}

/* provide.c — provision: what an agency may, what it gets, and the record of it. */
#include "registry/provide.h"

#include "base/clock.h"
#include "base/fault.h"
#include "net/json.h"
#include "registry/day.h"
#include "registry/gate.h"
#include "registry/task.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const result_names[] = {
    [PROVIDE_ONE] = "one",         [PROVIDE_NONE] = "none",       [PROVIDE_MANY] = "many",
    [PROVIDE_REMOVED] = "removed", [PROVIDE_CHANGED] = "changed",
};

const char *provide_result_name(enum provide_result result)
{
    return result_names[result];
}

/* A request while it is answered. */
struct provision {
    struct store *store;
    const struct peer *peer;
    const char *task_id, *why;
    struct task task;
    unsigned fields; /* that may be given today */
    unsigned names;  /* those of them that a name may mean */
    struct provide_key *keys;
    size_t count;
    bool batch;
    char day[11];
};

/* 機能区分: how it was used. */
static const char *provide_way(const struct provision *p, const struct provide_key *key)
{
    if (p->batch)
        return "batch";
    return key && (key->code[0] || key->number[0]) ? "inquiry" : "search";
}

static enum rc provide_record(const struct provision *p, const struct provide_key *key, const char *record,
                              const char *result, unsigned given, struct err *err)
{
    char names[160];
    task_names(given, names);
    const struct usage_use use = {.action = "provide",
                                  .record = record,
                                  .result = result,
                                  .task = p->task_id,
                                  .way = provide_way(p, key),
                                  .why = p->why,
                                  .fields = names};
    return usage_write_use(p->store, p->peer, &use, err);
}

/* A name may also be what else the task is given of names, from the day on which 本人確認情報 has it. */
static enum rc provide_judge_names(struct provision *p, struct err *err)
{
    static const struct {
        enum gate gate;
        unsigned fields;
    } rows[] = {{GATE_FOREIGN_RESIDENTS, TASK_ALIAS},
                {GATE_FORMER_NAMES, TASK_FORMER_NAME},
                {GATE_FURIGANA, TASK_FURIGANA | TASK_FORMER_FURIGANA}};
    p->names = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bool open = false;
        enum rc rc = gate_open(p->store, rows[i].gate, p->day, &open, err);
        if (rc)
            return rc;
        if (open)
            p->names |= p->fields & rows[i].fields;
    }
    return RC_OK;
}

/* The rules by date: before 個人番号 agencies ask with the code and get it, afterwards only those that keep it. */
static enum rc provide_judge_era(struct provision *p, struct err *err)
{
    bool numbers;
    enum rc rc = gate_want(p->store, GATE_FIRST_SERVICE, p->day, "provision", err);
    if (!rc)
        rc = gate_open(p->store, GATE_PERSONAL_NUMBERS, p->day, &numbers, err);
    if (rc)
        return rc;
    p->fields = p->task.fields;
    if (!numbers) {
        p->fields &= ~(unsigned)TASK_PERSONAL_NUMBER;
        p->task.keys &= ~(unsigned)TASK_BY_NUMBER;
    } else if (!p->task.legacy_code) {
        p->fields &= ~(unsigned)TASK_CODE;
        p->task.keys &= ~(unsigned)TASK_BY_CODE;
    }
    return provide_judge_names(p, err);
}

static enum rc provide_judge(struct provision *p, struct err *err)
{
    if (p->peer->role != ROLE_AGENCY)
        return err_set(err, RC_DENIED, "only an agency with a task gets this");
    enum rc rc = task_find(p->store, p->peer->name, p->task_id, p->day, &p->task, err);
    if (!rc)
        rc = provide_judge_era(p, err);
    for (size_t i = 0; !rc && i < p->count; i++) {
        unsigned by = p->keys[i].code[0] ? TASK_BY_CODE : p->keys[i].number[0] ? TASK_BY_NUMBER : TASK_BY_ATTRIBUTES;
        if (!(p->task.keys & by))
            rc = err_set(err, RC_DENIED, "task: nobody is asked for by %s in it on this day",
                         by == TASK_BY_CODE     ? "住民票コード"
                         : by == TASK_BY_NUMBER ? "個人番号"
                                                : "attributes");
    }
    return rc;
}

static enum rc provide_set(json_t *json, const char *member, const char *text)
{
    if (!text[0])
        return RC_OK;
    return json_object_set_new(json, member, json_string(text)) ? RC_NOMEM : RC_OK;
}

/* 変更情報 of the present state. */
static enum rc provide_change(const struct provision *p, const struct ledger_row *row, json_t *record, struct err *err)
{
    struct ledger_past past;
    char recorded[CLOCK_TEXT_SIZE];
    enum rc rc = ledger_history(p->store, row->resident.code, row->revision, &past, err);
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
    if (rc || json_object_set(record, "change", change))
        rc = rc ? rc : RC_NOMEM;
    json_decref(change);
    return rc;
}

static enum rc provide_give(const struct provision *p, const struct ledger_row *row, json_t **out, struct err *err)
{
    json_t *record = json_object();
    enum rc rc = record ? RC_OK : RC_NOMEM;
    for (unsigned i = 0; !rc && i < RECORD_FIELDS; i++)
        for (unsigned k = 0; !rc && k < TASK_FIELDS; k++)
            if (p->fields & 1u << k && record_fields[i].told && strcmp(record_fields[i].name, task_fields[k]) == 0)
                rc = provide_set(record, task_fields[k], record_text_of(&row->resident, &record_fields[i]));
    if (!rc && p->fields & TASK_CODE)
        rc = provide_set(record, "code", row->resident.code);
    if (!rc && p->fields & TASK_CHANGE)
        rc = provide_change(p, row, record, err);
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

/* One key: the answer, and the use of it. */
static enum rc provide_one(const struct provision *p, const struct provide_key *key, json_t **out, struct err *err)
{
    struct ledger_row row = {0};
    enum provide_result result;
    enum provide_match match = PROVIDE_BY_NO_NAME;
    json_t *record = NULL;
    enum rc rc = provide_look(p->store, key, p->names, &result, &row, &match, err);
    bool given = !rc && result != PROVIDE_NONE && result != PROVIDE_MANY;
    if (given)
        rc = provide_give(p, &row, &record, err);
    if (!rc)
        rc = provide_record(p, key, given ? row.resident.code : "", result_names[result], given ? p->fields : 0, err);
    if (!rc)
        *out = json_pack("{s:s, s:o*, s:s*}", "result", result_names[result], "record", record, "matched",
                         given ? match_names[match] : NULL);
    else
        json_decref(record);
    explicit_bzero(&row, sizeof row);
    return rc || *out ? rc : RC_NOMEM;
}

static enum rc provide_all(const struct provision *p, json_t **answer, struct err *err)
{
    json_t *answers = json_array();
    enum rc rc = answers ? RC_OK : RC_NOMEM;
    for (size_t i = 0; !rc && i < p->count; i++) {
        json_t *one = NULL;
        rc = provide_one(p, &p->keys[i], &one, err);
        if (!rc && json_array_append_new(answers, one))
            rc = RC_NOMEM;
    }
    char as_of[CLOCK_TEXT_SIZE];
    clock_format(clock_now(), as_of);
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
    return rc;
}

static enum rc provide_read(const json_t *body, struct provision *p, struct err *err)
{
    json_t *list = NULL;
    enum rc rc = json_want_text(body, "task", 64, &p->task_id, err);
    p->why = "";
    if (!rc && json_object_get(body, "why"))
        rc = json_want_text(body, "why", 300, &p->why, err);
    if (!rc && p->batch)
        rc = json_want_array(body, "keys", &list, err);
    if (rc)
        return rc;
    p->count = p->batch ? json_array_size(list) : 1;
    if (p->count == 0 || p->count > PROVIDE_BATCH)
        return err_set(err, RC_RANGE, "keys: 1 to %d in one request", PROVIDE_BATCH);
    p->keys = calloc(p->count, sizeof *p->keys);
    if (!p->keys)
        return err_set(err, RC_NOMEM, "keys");
    for (size_t i = 0; !rc && i < p->count; i++) {
        struct err why = {0};
        rc = provide_key_read(p->batch ? json_array_get(list, i) : json_object_get(body, "key"), &p->keys[i], &why);
        if (rc)
            err_set(err, rc, "key %zu: %s", i + 1, err_text(&why, rc));
    }
    return rc;
}

static enum rc provide_run(struct provision *p, json_t **answer, struct err *err)
{
    day_of(clock_now(), p->day);
    enum rc rc = provide_judge(p, err);
    if (rc == RC_DENIED || rc == RC_RANGE) { /* refused, and that is kept */
        struct err lost = {0};
        enum rc refusal = rc;
        rc = provide_record(p, p->keys, "", rc_name(refusal), 0, &lost);
        if (!rc)
            rc = store_commit(p->store, &lost);
        if (rc)
            return err_set(err, rc, "%s", err_text(&lost, rc));
        return refusal;
    }
    if (!rc)
        rc = provide_all(p, answer, err);
    if (!rc) {
        fault_point("registry.before_provide");
        rc = store_commit(p->store, err);
        fault_point("registry.after_provide");
    }
    return rc;
}

enum rc provide_answer(struct store *store, const struct peer *peer, const json_t *body, bool batch, json_t **answer,
                       struct err *err)
{
    struct provision p = {.store = store, .peer = peer, .batch = batch};
    json_t *made = NULL;
    enum rc rc = provide_read(body, &p, err);
    if (!rc)
        rc = store_begin(store, err);
    if (!rc) {
        rc = provide_run(&p, &made, err);
        store_rollback(store);
    }
    if (p.keys)
        explicit_bzero(p.keys, p.count * sizeof *p.keys);
    free(p.keys);
    if (rc)
        json_decref(made);
    else
        *answer = made;
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

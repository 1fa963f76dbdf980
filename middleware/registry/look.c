/* look.c — `jpki-registry sample`, `status` and `usage`: the operator's look into a store on their own machine. */
#include "base/clock.h"
#include "registry/code.h"
#include "registry/municipal.h"
#include "registry/outbox.h"
#include "registry/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ADULT 18

/* The register's birth date of somebody who is 18 today, as the digits behind the era. */
static void look_adult(char day[9])
{
    char today[11];
    municipal_today(today);
    snprintf(day, 9, "%04u%.2s%.2s", (unsigned)(atoi(today) - ADULT) % 10000, today + 5, today + 8);
}

struct look_wish {
    const char *code;
    long count;
    bool adult;
};

static enum rc look_sample(void *context, const struct program_store *it, struct err *err)
{
    const struct look_wish *wish = context;
    struct statement *s = NULL;
    char day[9] = "99999999";
    if (wish->adult)
        look_adult(day);
    enum rc rc = store_query(it->store,
                             "SELECT code FROM resident WHERE removed = 0 AND substr(birth, 2) <= ?1 ORDER BY code LIMIT ?2",
                             BINDS(BIND_TEXT(day), BIND_INTEGER(wish->count)), &s, err);
    if (rc)
        return rc;
    while (!(rc = statement_step(s, err))) {
        struct ledger_row row;
        rc = ledger_find_code(it->store, column_text(s, 0), &row, err);
        json_t *json = rc ? NULL : resident_to_json(&row.resident);
        if (!rc)
            rc = program_line(json);
        json_decref(json);
        if (rc)
            break;
    }
    statement_done(s);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

int sample_main(int argc, char **argv)
{
    const char *url = NULL;
    struct look_wish wish = { .count = 1 };
    const struct opt opts[] = {
        { "--store", "URL", "a node's store", OPT_TEXT, &url, true },
        { "--count", "N", "how many (default 1)", OPT_NUMBER, &wish.count, false },
        { "--adult", NULL, "only people of 18 years or more", OPT_FLAG, &wish.adult, false },
        { 0 },
    };
    int status;
    if (opt_only("jpki-registry sample [OPTIONS]", "Prints residents as JSON lines, in the order of their codes.", opts, argc, argv,
                 &status))
        return status;
    if (wish.count < 1)
        return opt_misuse("--count takes a number from 1 on");
    return program_in_store(url, look_sample, &wish);
}

static const struct {
    const char *name, *sql;
} counts[] = {
    { "residents", "SELECT count(*) FROM resident WHERE removed = 0" },
    { "removed", "SELECT count(*) FROM resident WHERE removed <> 0" },
    { "changes", "SELECT count(*) FROM history" },
    { "certificates", "SELECT count(*) FROM link" },
    { "municipalities", "SELECT count(*) FROM intake" },
    { "uses", "SELECT count(*) FROM usage" },
    { "denied", "SELECT count(*) FROM usage WHERE action = 'denied'" },
    { "unfiled", "SELECT count(*) FROM usage WHERE id > (SELECT until FROM filing)" },
};

/* What is still to be told to each peer: the words of the last refusal, when there is one, hold back what is behind it. */
static enum rc look_outbox(struct store *store, const char *peer, json_t *to, struct err *err)
{
    struct outbox_lag lag;
    enum rc rc = outbox_lag(store, peer, &lag, err);
    if (rc)
        return rc;
    json_t *json = json_pack("{s:I, s:I}", "told", (json_int_t)lag.state.acknowledged, "waiting",
                             (json_int_t)(lag.state.last - lag.state.acknowledged));
    char oldest[CLOCK_TEXT_SIZE];
    clock_format(lag.oldest, oldest);
    if (json && lag.oldest && json_object_set_new(json, "oldest", json_string(oldest)))
        rc = RC_NOMEM;
    if (json && lag.error[0] && json_object_set_new(json, "error", json_string(lag.error)))
        rc = RC_NOMEM;
    return json && !rc && !json_object_set_new(to, peer, json) ? RC_OK : RC_NOMEM;
}

static enum rc look_status(void *context, const struct program_store *it, struct err *err)
{
    (void)context;
    static const char *const municipal[] = { OUTBOX_NATIONAL, OUTBOX_PREFECTURE, NULL }, *const national[] = { OUTBOX_CA, NULL },
                             *const nobody[] = { NULL };
    const char *const *peers = it->role == NODE_MUNICIPAL ? municipal : it->role == NODE_NATIONAL ? national : nobody;
    enum rc rc = RC_OK;
    json_t *json = json_pack("{s:s, s:s}", "role", node_role_name(it->role), "municipality", it->municipality), *outbox = json_object();
    for (size_t i = 0; !rc && i < sizeof counts / sizeof counts[0]; i++) {
        int64_t count = 0;
        rc = ledger_count(it->store, counts[i].sql, &count, err);
        if (!rc && json_object_set_new(json, counts[i].name, json_integer(count)))
            rc = RC_NOMEM;
    }
    for (; !rc && *peers; peers++)
        rc = look_outbox(it->store, *peers, outbox, err);
    if (!rc && json_object_set(json, "outbox", outbox))
        rc = RC_NOMEM;
    if (!rc)
        rc = program_line(json);
    json_decref(outbox);
    json_decref(json);
    return rc;
}

int status_main(int argc, char **argv)
{
    const char *url = NULL;
    const struct opt opts[] = {
        { "--store", "URL", "a node's store", OPT_TEXT, &url, true },
        { 0 },
    };
    int status;
    if (opt_only("jpki-registry status [OPTIONS]",
                 "Prints what the store holds, as one line of JSON: counts, and for each who is told how far they are, how much waits\n"
                 "for them since when, and why.",
                 opts, argc, argv, &status))
        return status;
    return program_in_store(url, look_status, NULL);
}

static enum rc look_use(void *context, const struct usage_row *row)
{
    (void)context;
    char time[CLOCK_TEXT_SIZE];
    clock_format(row->time, time);
    json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "time", time, "role", row->role, "municipality",
                             row->municipality, "name", row->name, "action", row->action, "record", row->record, "result",
                             row->result);
    enum rc rc = program_line(json);
    json_decref(json);
    return rc;
}

static enum rc look_usage(void *context, const struct program_store *it, struct err *err)
{
    const struct look_wish *wish = context;
    struct ledger_row row;
    enum rc rc = ledger_find_code(it->store, wish->code, &row, err);
    if (rc == RC_NOT_FOUND)
        return err_set(err, rc, "no such resident");
    return rc ? rc : usage_each(it->store, wish->code, 0, INT64_MAX, look_use, NULL, err);
}

int usage_main(int argc, char **argv)
{
    const char *url = NULL;
    struct look_wish wish = { 0 };
    const struct opt opts[] = {
        { "--store", "URL", "a node's store", OPT_TEXT, &url, true },
        { "--code", "CODE", "住民票コード, 11 digits", OPT_TEXT, &wish.code, true },
        { 0 },
    };
    int status;
    if (opt_only("jpki-registry usage [OPTIONS]",
                 "Prints who used a resident's record, and whose question concerned one of the resident's certificates:\n"
                 "JSON lines, oldest first. For answering the resident who asks.",
                 opts, argc, argv, &status))
        return status;
    if (code_check(wish.code))
        return opt_misuse("--code takes 11 digits with a right check digit");
    return program_in_store(url, look_usage, &wish);
}

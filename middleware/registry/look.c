/* look.c — `jpki-registry sample`, `status` and `usage`: the operator's look into a store on their own machine. */
#include "base/clock.h"
#include "base/opt.h"
#include "base/proc.h"
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

static enum rc look_sample(struct store *store, long count, bool adult, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_prepare(store, "SELECT code FROM resident WHERE removed = 0 AND substr(birth, 2) <= ?1 "
                                      "ORDER BY code LIMIT ?2", &s, err);
    if (rc)
        return rc;
    char day[9] = "99999999";
    if (adult)
        look_adult(day);
    bind_text(s, 1, day);
    bind_integer(s, 2, count);
    while (!(rc = statement_step(s, err))) {
        struct ledger_row row;
        rc = ledger_find_code(store, column_text(s, 0), &row, err);
        json_t *json = rc ? NULL : resident_to_json(&row.resident);
        char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
        if (text)
            puts(text);
        else if (!rc)
            rc = RC_NOMEM;
        free(text);
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
    long count = 1;
    bool adult = false;
    const struct opt opts[] = {
        { "--store", "URL", "a node's store", OPT_TEXT, &url, true },
        { "--count", "N", "how many (default 1)", OPT_NUMBER, &count, false },
        { "--adult", NULL, "only people of 18 years or more", OPT_FLAG, &adult, false },
        { 0 },
    };
    int rest, status;
    if (opt_parse("jpki-registry sample [OPTIONS]", "Prints residents as JSON lines, in the order of their codes.", opts,
                  argc, argv, &rest, &status))
        return status;
    if (rest < argc)
        return opt_misuse("'%s' is not expected here", argv[rest]);
    if (count < 1)
        return opt_misuse("--count takes a number from 1 on");
    proc_harden();
    struct store *store = NULL;
    enum node_role role;
    char municipality[7];
    struct err err = { 0 };
    enum rc rc = ledger_open_any(url, &role, municipality, &store, &err);
    if (!rc)
        rc = look_sample(store, count, adult, &err);
    store_close(store);
    return rc ? opt_fail("%s", err_text(&err, rc)) : EXIT_DONE;
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
};

static enum rc look_status(struct store *store, enum node_role role, const char *municipality, struct err *err)
{
    struct outbox_state outbox;
    const char *peer = role == NODE_MUNICIPAL ? OUTBOX_NATIONAL : OUTBOX_CA;
    enum rc rc = outbox_read(store, peer, &outbox, err);
    json_t *json = json_pack("{s:s, s:s}", "role", node_role_name(role), "municipality", municipality);
    for (size_t i = 0; !rc && i < sizeof counts / sizeof counts[0]; i++) {
        int64_t count = 0;
        rc = ledger_count(store, counts[i].sql, &count, err);
        if (!rc && json_object_set_new(json, counts[i].name, json_integer(count)))
            rc = RC_NOMEM;
    }
    if (!rc && (json_object_set_new(json, "told", json_integer(outbox.acknowledged)) ||
                json_object_set_new(json, "outbox", json_integer(outbox.last - outbox.acknowledged))))
        rc = RC_NOMEM;
    char *text = rc ? NULL : json_dumps(json, JSON_COMPACT);
    if (text)
        puts(text);
    else if (!rc)
        rc = RC_NOMEM;
    free(text);
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
    int rest, status;
    if (opt_parse("jpki-registry status [OPTIONS]", "Prints what the store holds, as one line of JSON.", opts, argc, argv,
                  &rest, &status))
        return status;
    if (rest < argc)
        return opt_misuse("'%s' is not expected here", argv[rest]);
    proc_harden();
    struct store *store = NULL;
    enum node_role role;
    char municipality[7];
    struct err err = { 0 };
    enum rc rc = ledger_open_any(url, &role, municipality, &store, &err);
    if (!rc)
        rc = look_status(store, role, municipality, &err);
    store_close(store);
    return rc ? opt_fail("%s", err_text(&err, rc)) : EXIT_DONE;
}

static enum rc look_use(void *context, const struct usage_row *row)
{
    (void)context;
    char time[CLOCK_TEXT_SIZE];
    clock_format(row->time, time);
    json_t *json = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "time", time, "role", row->role, "municipality",
                             row->municipality, "name", row->name, "action", row->action, "record", row->record, "result",
                             row->result);
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    if (!text)
        return RC_NOMEM;
    puts(text);
    free(text);
    return RC_OK;
}

int usage_main(int argc, char **argv)
{
    const char *url = NULL, *code = NULL;
    const struct opt opts[] = {
        { "--store", "URL", "a node's store", OPT_TEXT, &url, true },
        { "--code", "CODE", "住民票コード, 11 digits", OPT_TEXT, &code, true },
        { 0 },
    };
    int rest, status;
    if (opt_parse("jpki-registry usage [OPTIONS]",
                  "Prints who used a resident's record, and whose question concerned one of the resident's certificates:\n"
                  "JSON lines, oldest first. For answering the resident who asks.",
                  opts, argc, argv, &rest, &status))
        return status;
    if (rest < argc)
        return opt_misuse("'%s' is not expected here", argv[rest]);
    if (code_check(code))
        return opt_misuse("--code takes 11 digits with a right check digit");
    proc_harden();
    struct store *store = NULL;
    enum node_role role;
    char municipality[7];
    struct ledger_row row;
    struct err err = { 0 };
    enum rc rc = ledger_open_any(url, &role, municipality, &store, &err);
    if (!rc)
        rc = ledger_find_code(store, code, &row, &err);
    if (rc == RC_NOT_FOUND)
        err_set(&err, rc, "no such resident");
    if (!rc)
        rc = usage_each(store, code, look_use, NULL, &err);
    store_close(store);
    return rc ? opt_fail("%s", err_text(&err, rc)) : EXIT_DONE;
}

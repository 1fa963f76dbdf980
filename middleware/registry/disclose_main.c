/* disclose_main.c — `jpki-registry disclose`: the operator answers residents, and reports on provision. */
#include "base/fault.h"
#include "registry/code.h"
#include "registry/correction.h"
#include "registry/program.h"
#include "registry/retention.h"
#include "registry/rights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a sub-command was told. */
struct told {
    const char *url, *code, *wish, *decision, *reason, *from, *until;
    long number, years, notice;
    enum node_role role;
    char municipality[7];
    json_t *lines; /* the answer: it leaves when the look is in the record of use */
};

static enum rc disclose_line(void *context, const json_t *json)
{
    return json_array_append(context, (json_t *)(uintptr_t)json) ? RC_NOMEM : RC_OK;
}

/* Takes the value. */
static enum rc disclose_say(const struct told *told, json_t *json)
{
    return json_array_append_new(told->lines, json) ? RC_NOMEM : RC_OK;
}

static enum rc disclose_print(const json_t *lines, struct err *err)
{
    json_t *line;
    size_t at;
    json_array_foreach(lines, at, line)
    {
        enum rc rc = program_line(line);
        if (rc)
            return rc;
    }
    return fflush(stdout) ? err_set(err, RC_IO, "the answer could not be written") : RC_OK;
}

static enum rc run_record(struct store *store, const struct told *told, struct err *err)
{
    json_t *json = NULL;
    enum rc rc = rights_disclose(store, told->municipality, told->code, &json, err);
    return rc ? rc : disclose_say(told, json);
}

static enum rc run_uses(struct store *store, const struct told *told, struct err *err)
{
    return rights_uses(store, told->municipality, told->code, disclose_line, told->lines, err);
}

static enum rc run_correct(struct store *store, const struct told *told, struct err *err)
{
    int64_t number;
    char due[11];
    enum rc rc = correction_ask(store, told->code, told->wish, &number, due, err);
    return rc ? rc : disclose_say(told, json_pack("{s:I, s:s}", "number", (json_int_t)number, "due", due));
}

static enum rc run_decide(struct store *store, const struct told *told, struct err *err)
{
    const struct correction_answer answer = {told->number, told->notice, told->decision, told->reason, NULL};
    return correction_decide(store, told->role, &answer, err);
}

static enum rc run_requests(struct store *store, const struct told *told, struct err *err)
{
    return correction_each(store, told->code, disclose_line, told->lines, err);
}

static enum rc run_report(struct store *store, const struct told *told, struct err *err)
{
    return rights_report(store, told->from, told->until ? told->until : told->from, disclose_line, told->lines, err);
}

static enum rc run_sweep(struct store *store, const struct told *told, struct err *err)
{
    int64_t swept = 0;
    int years;
    enum rc rc = told->years ? retention_set_life(store, (int)told->years, err) : RC_OK;
    if (!rc)
        rc = retention_life(store, &years, err);
    if (!rc)
        rc = rights_sweep(store, &swept, err);
    return rc ? rc : disclose_say(told, json_pack("{s:i, s:I}", "years", years, "swept", (json_int_t)swept));
}

enum { TAKES_CODE = 1, TAKES_WISH = 2, TAKES_DECISION = 4, TAKES_MONTHS = 8, TAKES_YEARS = 16, MAY_CODE = 32 };

static const struct action {
    const char *name, *about;
    unsigned takes;
    enum rc (*run)(struct store *store, const struct told *told, struct err *err);
} actions[] = {
    {"record", "Prints a resident's own 本人確認情報 and every change of it that is kept.", TAKES_CODE, run_record},
    {"uses", "Prints who used a resident's record (提供状況), up to the end of last month: JSON lines, oldest first.",
     TAKES_CODE, run_uses},
    {"correct", "Enters a resident's request for correction; it is to be answered within 30 days.",
     TAKES_CODE | TAKES_WISH, run_correct},
    {"decide",
     "Answers a request for correction. What was corrected names the notice of the municipality's act about this person; in the\n"
     "municipality's own store it is what `record` answered, and the answer goes back to where it was asked for.",
     TAKES_DECISION, run_decide},
    {"requests",
     "Prints the requests for correction, open ones first, or those of one resident, and how each stands: received, forwarded\n"
     "to the municipality, answered.",
     MAY_CODE, run_requests},
    {"report", "Prints 件数 of provision per recipient, month, task and way.", TAKES_MONTHS, run_report},
    {"sweep", "Deletes what is older in the record of use than it is kept (7 years unless set).", TAKES_YEARS,
     run_sweep},
};

struct disclosure {
    const struct action *action;
    struct told *told;
};

static enum rc disclose_in_store(void *context, const struct program_store *it, struct err *err)
{
    const struct disclosure *disclosure = context;
    struct told *told = disclosure->told;
    memcpy(told->municipality, it->municipality, sizeof told->municipality);
    told->role = it->role;
    told->lines = json_array();
    enum rc rc = told->lines ? store_begin(it->store, err) : RC_NOMEM;
    if (!rc)
        rc = disclosure->action->run(it->store, told, err);
    if (!rc)
        rc = store_commit(it->store, err);
    fault_point("registry.after_disclose");
    if (!rc)
        rc = disclose_print(told->lines, err);
    json_decref(told->lines);
    store_rollback(it->store);
    return rc;
}

static int disclose_run(const struct action *action, int argc, char **argv)
{
    struct told told = {0};
    struct opt opts[6] = {{"--store", "URL", "the node's store", OPT_TEXT, &told.url, true}};
    size_t n = 1;
    if (action->takes & TAKES_CODE)
        opts[n++] = (struct opt){"--code", "CODE", "住民票コード, 11 digits", OPT_TEXT, &told.code, true};
    if (action->takes & MAY_CODE)
        opts[n++] = (struct opt){"--code", "CODE", "only this resident's", OPT_TEXT, &told.code, false};
    if (action->takes & TAKES_WISH)
        opts[n++] = (struct opt){"--wish", "TEXT", "what is to be corrected", OPT_TEXT, &told.wish, true};
    if (action->takes & TAKES_DECISION) {
        opts[n++] = (struct opt){"--number", "N", "of the request", OPT_NUMBER, &told.number, true};
        opts[n++] = (struct opt){"--decision", "D", "corrected or refused", OPT_TEXT, &told.decision, true};
        opts[n++] = (struct opt){"--reason", "TEXT", "what is answered", OPT_TEXT, &told.reason, true};
        opts[n++] = (struct opt){"--notice", "N", "of the act that corrected", OPT_NUMBER, &told.notice, false};
    }
    if (action->takes & TAKES_MONTHS) {
        opts[n++] = (struct opt){"--from", "MONTH", "YYYY-MM", OPT_TEXT, &told.from, true};
        opts[n++] = (struct opt){"--until", "MONTH", "the last one (default the first)", OPT_TEXT, &told.until, false};
    }
    if (action->takes & TAKES_YEARS)
        opts[n++] = (struct opt){"--years", "N", "from now on it is kept so long", OPT_NUMBER, &told.years, false};
    int status;
    char usage[64];
    snprintf(usage, sizeof usage, "jpki-registry disclose %s [OPTIONS]", action->name);
    if (opt_only(usage, action->about, opts, argc, argv, &status))
        return status;
    if (told.code && code_check(told.code))
        return opt_misuse("--code takes 11 digits with a right check digit");
    struct disclosure disclosure = {action, &told};
    return program_in_store(told.url, disclose_in_store, &disclosure);
}

#define ACTION(i)                                                                                                      \
    static int action_##i(int argc, char **argv)                                                                       \
    {                                                                                                                  \
        return disclose_run(&actions[i], argc, argv);                                                                  \
    }
ACTION(0)
ACTION(1) ACTION(2) ACTION(3) ACTION(4) ACTION(5) ACTION(6)

    int disclose_main(int argc, char **argv)
{
    static const struct command commands[] = {
        {"record", NULL, "a resident's own record", action_0},
        {"uses", NULL, "who used a resident's record", action_1},
        {"correct", NULL, "enter a request for correction", action_2},
        {"decide", NULL, "answer a request for correction", action_3},
        {"requests", NULL, "the requests for correction", action_4},
        {"report", NULL, "件数 of provision per recipient and month", action_5},
        {"sweep", NULL, "delete uses that are older than they are kept", action_6},
        {0},
    };
    return opt_dispatch("jpki-registry disclose",
                        "The rights of residents, answered by the operator of a node on their own machine.", commands,
                        argc, argv);
}

/* retain.c — `jpki-registry retention`: what may be erased, by the rules of the day, and its erasure. */
#include "registry/municipal.h"
#include "registry/program.h"
#include "registry/retention.h"

#include <stdio.h>
#include <string.h>

struct retain_wish {
    const char *date;
    bool erase, trace;
};

static enum rc retain_trace(struct store *store, struct err *err)
{
    json_t *traces = NULL, *one;
    size_t at;
    enum rc rc = retention_traces(store, &traces, err);
    json_array_foreach(traces, at, one)
    {
        if (!rc)
            rc = program_line(one);
    }
    json_decref(traces);
    return rc;
}

static enum rc retain_run(void *context, const struct program_store *it, struct err *err)
{
    const struct retain_wish *wish = context;
    struct store *store = it->store;
    const char *date = wish->date;
    bool erase = wish->erase;
    if (wish->trace)
        return retain_trace(store, err);
    enum rc rc = store_begin(store, err);
    if (rc)
        return rc;
    int64_t counts[RETENTION_KINDS];
    for (int i = 0; !rc && i < RETENTION_KINDS; i++)
        rc = erase ? retention_erase(store, (enum retention_kind)i, date, &counts[i], err)
                   : retention_due(store, (enum retention_kind)i, date, &counts[i], err);
    if (!rc && erase)
        rc = store_commit(store, err);
    store_rollback(store);
    for (int i = 0; !rc && i < RETENTION_KINDS; i++)
        printf("{\"kind\":\"%s\",\"%s\":%lld,\"source\":\"%s\"}\n", retention_rows[i].name, erase ? "erased" : "due",
               (long long)counts[i], retention_rows[i].source);
    return rc;
}

int retention_main(int argc, char **argv)
{
    const char *url = NULL;
    struct retain_wish wish = {0};
    char today[11];
    const struct opt opts[] = {
        {"--store", "URL", "a node's store", OPT_TEXT, &url, true},
        {"--date", "DATE", "as on this day, not later than today (default today)", OPT_TEXT, &wish.date, false},
        {"--erase", NULL, "erase what is due", OPT_FLAG, &wish.erase, false},
        {"--trace", NULL, "print instead what was erased, and when: counts only", OPT_FLAG, &wish.trace, false},
        {0},
    };
    int status;
    if (opt_only("jpki-registry retention [OPTIONS]",
                 "Prints how many records are past their time of keeping (保存期間) by the law of the day, a JSON "
                 "line for each\n"
                 "kind; with --erase they are erased, all or none.",
                 opts, argc, argv, &status))
        return status;
    if (wish.trace && (wish.erase || wish.date))
        return opt_misuse("--trace stands alone");
    municipal_today(today);
    if (wish.date && (date_check(wish.date) || strcmp(wish.date, today) > 0))
        return opt_misuse("--date takes a day YYYY-MM-DD, not later than today");
    if (!wish.date)
        wish.date = today;
    return program_in_store(url, retain_run, &wish);
}

/* retain.c — `jpki-registry retention`: what may be erased, by the rules of the day, and its erasure. */
#include "base/opt.h"
#include "base/proc.h"
#include "registry/municipal.h"
#include "registry/program.h"
#include "registry/retention.h"

#include <stdio.h>
#include <string.h>

static enum rc retain_run(struct store *store, const char *date, bool erase, struct err *err)
{
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
    const char *url = NULL, *date = NULL;
    bool erase = false;
    char today[11];
    const struct opt opts[] = {
        {"--store", "URL", "a node's store", OPT_TEXT, &url, true},
        {"--date", "DATE", "as on this day, not later than today (default today)", OPT_TEXT, &date, false},
        {"--erase", NULL, "erase what is due", OPT_FLAG, &erase, false},
        {0},
    };
    int rest, status;
    if (opt_parse("jpki-registry retention [OPTIONS]",
                  "Prints how many records are past their time of keeping (保存期間) by the law of the day, a JSON "
                  "line for each\n"
                  "kind; with --erase they are erased, all or none.",
                  opts, argc, argv, &rest, &status))
        return status;
    if (rest < argc)
        return opt_misuse("'%s' is not expected here", argv[rest]);
    municipal_today(today);
    if (date && (date_check(date) || strcmp(date, today) > 0))
        return opt_misuse("--date takes a day YYYY-MM-DD, not later than today");
    proc_harden();
    struct store *store = NULL;
    enum node_role role;
    char municipality[7];
    struct err err = {0};
    enum rc rc = ledger_open_any(url, &role, municipality, &store, &err);
    if (!rc)
        rc = retain_run(store, date ? date : today, erase, &err);
    store_close(store);
    return rc ? opt_fail("%s", err_text(&err, rc)) : EXIT_DONE;
}

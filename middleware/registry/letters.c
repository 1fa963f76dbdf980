/* letters.c — `jpki-registry letters`: the written notices to residents that are still to be printed. */
#include "base/opt.h"
#include "base/proc.h"
#include "registry/ledger.h"
#include "registry/posted.h"
#include "registry/program.h"

#include <stdio.h>

/* Marked as printed only when every byte went out. */
static enum rc letters_print(struct store *store, bool all, bool keep, struct err *err)
{
    struct buf text = {0};
    int64_t count;
    enum rc rc = store_begin(store, err);
    if (rc)
        return rc;
    rc = posted_print(store, all, !keep && !all, &text, &count, err);
    if (!rc && (fwrite(text.data, 1, text.len, stdout) != text.len || fflush(stdout)))
        rc = err_set(err, RC_IO, "the letters could not be written; they stay to be printed");
    if (!rc)
        rc = store_commit(store, err);
    store_rollback(store);
    buf_wipe(&text);
    if (!rc)
        fprintf(stderr, "%lld letters\n", (long long)count);
    return rc;
}

int letters_main(int argc, char **argv)
{
    const char *url = NULL;
    bool all = false, keep = false;
    const struct opt opts[] = {
        {"--store", "URL", "a municipal node's store", OPT_TEXT, &url, true},
        {"--all", NULL, "also those that were printed before", OPT_FLAG, &all, false},
        {"--keep", NULL, "do not count them as printed", OPT_FLAG, &keep, false},
        {0},
    };
    int rest, status;
    if (opt_parse("jpki-registry letters [OPTIONS]",
                  "Prints the written notices to residents (住民票コード通知票, 個人番号通知書), a page each, and "
                  "counts them as printed.",
                  opts, argc, argv, &rest, &status))
        return status;
    if (rest < argc)
        return opt_misuse("'%s' is not expected here", argv[rest]);
    proc_harden();
    struct store *store = NULL;
    enum node_role role;
    char municipality[7];
    struct err err = {0};
    enum rc rc = ledger_open_any(url, &role, municipality, &store, &err);
    if (!rc)
        rc = letters_print(store, all, keep, &err);
    store_close(store);
    return rc ? opt_fail("%s", err_text(&err, rc)) : EXIT_DONE;
}

/* letters.c — `jpki-registry letters`: the written notices to residents that are still to be printed. */
#include "registry/posted.h"
#include "registry/program.h"

#include <stdio.h>

struct letters_wish {
    bool all, keep;
};

/* Marked as printed only when every byte went out. */
static enum rc letters_print(void *context, const struct program_store *it, struct err *err)
{
    const struct letters_wish *wish = context;
    struct store *store = it->store;
    struct buf text = {0};
    int64_t count;
    enum rc rc = store_begin(store, err);
    if (rc)
        return rc;
    rc = posted_print(store, wish->all, !wish->keep && !wish->all, &text, &count, err);
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
    struct letters_wish wish = {0};
    const struct opt opts[] = {
        {"--store", "URL", "a municipal node's store", OPT_TEXT, &url, true},
        {"--all", NULL, "also those that were printed before", OPT_FLAG, &wish.all, false},
        {"--keep", NULL, "do not count them as printed", OPT_FLAG, &wish.keep, false},
        {0},
    };
    int status;
    if (opt_only("jpki-registry letters [OPTIONS]",
                 "Prints the written notices to residents (住民票コード通知票, 個人番号通知書), a page each, and "
                 "counts them as printed.",
                 opts, argc, argv, &status))
        return status;
    return program_in_store(url, letters_print, &wish);
}

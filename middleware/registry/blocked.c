/* blocked.c — `jpki-registry blocked`: the notice that the other side will not take, and what is decided about it. */
#include "base/opt.h"
#include "base/proc.h"
#include "registry/ledger.h"
#include "registry/program.h"
#include "registry/refusal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WHY_MAX 200

static enum rc blocked_print(const json_t *rows, const char *kind)
{
    size_t i;
    json_t *row;
    json_array_foreach(rows, i, row)
    {
        char *text = json_dumps(row, JSON_COMPACT | JSON_SORT_KEYS);
        if (!text)
            return RC_NOMEM;
        printf("{\"%s\":%s}\n", kind, text);
        free(text);
    }
    return RC_OK;
}

static enum rc blocked_show(struct store *store, struct err *err)
{
    json_t *refused = NULL, *decisions = NULL;
    enum rc rc = refusal_list(store, &refused, &decisions, err);
    if (!rc)
        rc = blocked_print(refused, "refused");
    if (!rc)
        rc = blocked_print(decisions, "decision");
    json_decref(refused);
    json_decref(decisions);
    return rc;
}

static enum rc blocked_decide(struct store *store, const char *peer, long notice, const char *decision, const char *why,
                              struct err *err)
{
    enum rc rc = store_begin(store, err);
    if (rc)
        return rc;
    rc = refusal_decide(store, peer, notice, decision, why, err);
    if (!rc)
        rc = store_commit(store, err);
    store_rollback(store);
    return rc;
}

int blocked_main(int argc, char **argv)
{
    const char *url = NULL, *peer = "national", *why = NULL;
    long notice = 0;
    bool is_void = false, resend = false;
    const struct opt opts[] = {
        {"--store", "URL", "a municipal node's store", OPT_TEXT, &url, true},
        {"--peer", "PEER", "who refuses: national (default) or prefecture", OPT_TEXT, &peer, false},
        {"--notice", "N", "the refused notice, to decide about it", OPT_NUMBER, &notice, false},
        {"--void", NULL, "tell the other side that this notice is void; what follows is delivered", OPT_FLAG, &is_void,
         false},
        {"--resend", NULL, "send it again: the cause has been removed", OPT_FLAG, &resend, false},
        {"--why", "TEXT", "the reason of the decision; it is kept, and told with a void notice", OPT_TEXT, &why, false},
        {0},
    };
    int rest, status;
    if (opt_parse("jpki-registry blocked [OPTIONS]",
                  "Shows the notice that the other side refuses for good, which holds back those behind it, and the "
                  "decisions that\n"
                  "were made; or decides. A void notice keeps its number; put right afterwards with reconcile what it "
                  "was about.",
                  opts, argc, argv, &rest, &status))
        return status;
    if (rest < argc)
        return opt_misuse("'%s' is not expected here", argv[rest]);
    bool decides = is_void || resend;
    if (is_void && resend)
        return opt_misuse("either --void or --resend");
    if (decides ? notice < 1 || !why || !*why || strlen(why) > WHY_MAX : notice != 0 || why)
        return opt_misuse("a decision is --void or --resend with --notice and --why (1 to %d bytes)", WHY_MAX);
    proc_harden();
    struct store *store = NULL;
    enum node_role role;
    char municipality[7];
    struct err err = {0};
    enum rc rc = ledger_open_any(url, &role, municipality, &store, &err);
    if (!rc && decides)
        rc = blocked_decide(store, peer, notice, is_void ? "void" : "resend", why, &err);
    if (!rc)
        rc = blocked_show(store, &err);
    store_close(store);
    return rc ? opt_fail("%s", err_text(&err, rc)) : EXIT_DONE;
}

/* blocked.c — `jpki-registry blocked`: the notice that the other side will not take, and what is decided about it. */
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

/* What is decided about whose refusal; NULL: nothing, it is only shown. */
struct blocked_wish {
    const char *peer, *decision, *why;
    long notice;
};

static enum rc blocked_decide(struct store *store, const struct blocked_wish *wish, struct err *err)
{
    enum rc rc = store_begin(store, err);
    if (rc)
        return rc;
    rc = refusal_decide(store, wish->peer, wish->notice, wish->decision, wish->why, err);
    if (!rc)
        rc = store_commit(store, err);
    store_rollback(store);
    return rc;
}

static enum rc blocked_run(void *context, const struct program_store *it, struct err *err)
{
    const struct blocked_wish *wish = context;
    enum rc rc = wish->decision ? blocked_decide(it->store, wish, err) : RC_OK;
    return rc ? rc : blocked_show(it->store, err);
}

int blocked_main(int argc, char **argv)
{
    const char *url = NULL;
    struct blocked_wish wish = {.peer = "national"};
    bool is_void = false, resend = false;
    const struct opt opts[] = {
        {"--store", "URL", "a municipal node's store", OPT_TEXT, &url, true},
        {"--peer", "PEER", "who refuses: national (default) or prefecture", OPT_TEXT, &wish.peer, false},
        {"--notice", "N", "the refused notice, to decide about it", OPT_NUMBER, &wish.notice, false},
        {"--void", NULL, "tell the other side that this notice is void; what follows is delivered", OPT_FLAG, &is_void,
         false},
        {"--resend", NULL, "send it again: the cause has been removed", OPT_FLAG, &resend, false},
        {"--why", "TEXT", "the reason of the decision; it is kept, and told with a void notice", OPT_TEXT, &wish.why, false},
        {0},
    };
    int status;
    if (opt_only("jpki-registry blocked [OPTIONS]",
                 "Shows the notice that the other side refuses for good, which holds back those behind it, and the "
                 "decisions that\n"
                 "were made; or decides. A void notice keeps its number; put right afterwards with reconcile what it "
                 "was about.",
                 opts, argc, argv, &status))
        return status;
    if (is_void && resend)
        return opt_misuse("either --void or --resend");
    wish.decision = is_void ? "void" : resend ? "resend" : NULL;
    if (wish.decision ? wish.notice < 1 || !wish.why || !*wish.why || strlen(wish.why) > WHY_MAX : wish.notice != 0 || wish.why)
        return opt_misuse("a decision is --void or --resend with --notice and --why (1 to %d bytes)", WHY_MAX);
    return program_in_store(url, blocked_run, &wish);
}

/* populate.c — `jpki-registry populate`: a synthetic town into a new municipal store, in one transaction, so that a
 * store is either empty or complete; or a synthetic nation into a national store, town by town. */
#include "base/clock.h"
#include "base/opt.h"
#include "base/proc.h"
#include "registry/copies.h"
#include "registry/municipal.h"
#include "registry/nation.h"
#include "registry/outbox.h"
#include "registry/program.h"
#include "registry/schema.h"
#include "registry/town.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#define TELL_EVERY_MS 200
#define WITHHELD_DAYS 365
#define DAYS_MAX 3650 /* before 2015-10-05 the 異動事由 were others */

/* --- progress ---------------------------------------------------------------------------------------------------- */

/* A bar on a terminal, with how fast it goes and how long it will take. False: somebody wants to stop. */
static bool populate_tell(void *context, int64_t done, int64_t all)
{
    (void)context;
    static int64_t begun, told, first;
    int64_t now = clock_ticks();
    if (!begun) {
        begun = now;
        first = done; /* what an earlier run had finished took no time */
    }
    if (isatty(STDERR_FILENO) && (done == all || now - told >= TELL_EVERY_MS)) {
        int64_t rate = now > begun ? (done - first) * 1000 / (now - begun) : 0;
        told = now;
        fprintf(stderr, "\r[%-25.*s] %3" PRId64 " %% of %" PRId64 " residents, %" PRId64 "/s, %" PRId64 " s left  %s",
                (int)(done * 25 / all), "=========================", done * 100 / all, all, rate,
                rate ? (all - done) / rate : 0, done == all ? "\n" : "");
    }
    return !proc_stopping();
}

/* --- a town ------------------------------------------------------------------------------------------------------ */

struct filling {
    struct store *store;
    int64_t days; /* lived since the first entries */
    bool living;
    int64_t done, all;
};

static enum rc populate_write(void *context, const struct town_deed *deed, struct err *err)
{
    struct filling *filling = context;
    const struct resident *r = &deed->resident;
    struct ledger_change change;
    int64_t notice, now = clock_now();
    char date[11];
    day_of(now - (filling->living ? deed->days_ago : filling->days) * 86400, date);
    enum rc rc;
    if (deed->reason == REASON_FIRST)
        rc = municipal_enter(filling->store, r, deed->reason, date, &notice, err);
    else if (!deed->previous)
        rc = municipal_apply(filling->store, r, deed->reason, date, NULL, &notice, err);
    else if (!(rc = ledger_recode(filling->store, deed->previous, r, deed->reason, date, now, &change, err)))
        rc = outbox_add_notice(filling->store, NOTICE_RECORD, r->code, change.revision, date, now, &notice, err);
    if (!rc && !populate_tell(NULL, ++filling->done, filling->all))
        return err_set(err, RC_INTERRUPTED, "interrupted: nobody was entered");
    return rc;
}

/* 支援措置 for who has it. */
static enum rc populate_withhold(struct store *store, const struct town *town, struct err *err)
{
    char code[12], until[11];
    town_edge_code(town, EDGE_WITHHELD, code);
    if (!code[0])
        return RC_OK;
    day_of(clock_now() + WITHHELD_DAYS * 86400, until);
    json_t *answer = NULL, *body = json_pack("{s:s, s:s}", "code", code, "until", until);
    enum rc rc = body ? copies_withhold(NULL, store, body, &answer, err) : RC_NOMEM;
    json_decref(body);
    json_decref(answer);
    return rc;
}

static enum rc populate_live(struct filling *filling, const struct town *town, struct err *err)
{
    filling->living = true;
    return filling->days ? town_live(town, filling->days, NULL, NULL, populate_write, filling, err) : RC_OK;
}

static enum rc populate_run(const char *url, const char *municipality, int64_t residents, int64_t days, uint64_t seed,
                            struct err *err)
{
    struct town *town = NULL;
    struct resident first;
    struct filling filling = {.days = days};
    enum town_cases cases = residents < TOWN_PAST_FROM ? TOWN_EDGE_CASES : TOWN_WITH_PAST;
    int64_t there = 0;
    filling.all = town_deeds(residents, cases);
    for (int event = 0; event < TOWN_EVENTS; event++)
        filling.all += town_events((enum town_event)event, residents, days);
    enum rc rc = town_new(municipality, residents, seed, cases, &town, err);
    if (!rc)
        rc = town_resident(town, 0, &first, err); /* its municipality has all six digits */
    if (!rc)
        rc = ledger_open(url, NODE_MUNICIPAL, first.municipality, &filling.store, err);
    if (!rc)
        rc = store_begin(filling.store, err);
    if (!rc)
        rc = ledger_count(filling.store, "SELECT count(*) FROM resident", &there, err);
    if (!rc && there)
        rc = err_set(err, RC_STATE, "the store has %lld residents already", (long long)there);
    if (!rc)
        rc = town_enter(town, populate_write, &filling, err);
    if (!rc)
        rc = populate_live(&filling, town, err);
    if (!rc)
        rc = populate_withhold(filling.store, town, err);
    if (!rc)
        rc = store_commit(filling.store, err);
    if (filling.store)
        store_rollback(filling.store);
    store_close(filling.store);
    town_free(town);
    return rc;
}

/* --- the nation -------------------------------------------------------------------------------------------------- */

static enum rc populate_nation(const char *url, int64_t residents, int64_t days, uint64_t seed, struct err *err)
{
    struct store *store = NULL;
    enum rc rc = ledger_open(url, NODE_NATIONAL, "000000", &store, err);
    if (!rc)
        rc = schema_settle(store, err);
    if (!rc)
        rc = nation_enter(store, residents, days, seed, populate_tell, NULL, err);
    store_close(store);
    return rc;
}

int populate_main(int argc, char **argv)
{
    bool nation = false;
    const char *url = NULL, *municipality = NULL;
    long residents = 0, days = 0, seed = 1;
    const struct opt opts[] = {
        {"--store", "URL", "sqlite:PATH or a path (made when it is not there), or postgresql://…", OPT_TEXT, &url,
         true},
        {"--municipality", "CODE", "5 or 6 digits, for example 462012", OPT_TEXT, &municipality, false},
        {"--nation", NULL, "every municipality of the country, into a national store", OPT_FLAG, &nation, false},
        {"--residents", "N", "how many", OPT_NUMBER, &residents, true},
        {"--days", "D", "with the D days before today lived: births, deaths, moves as in the country (default 0)",
         OPT_NUMBER, &days, false},
        {"--seed", "S", "another number, another town (default 1)", OPT_NUMBER, &seed, false},
        {0},
    };
    int status;
    if (opt_only(
            "jpki-registry populate [OPTIONS]",
            "Fills a new municipal store with synthetic residents, the same for the same municipality, number and\n"
            "seed; each entry also writes its notice for the national node. Or a national store, as if every town\n"
            "but one had told all of its residents already; a run that was torn is repeated and finishes.\n"
            "Names, ages and places have the shares of the country; docs/REGISTRY.md says where they come from.",
            opts, argc, argv, &status))
        return status;
    if (nation == (municipality != NULL))
        return opt_misuse("either --municipality or --nation");
    if (residents < 1)
        return opt_misuse("--residents takes a number from 1 on");
    if (days < 0 || days > DAYS_MAX)
        return opt_misuse("--days takes 0 to %d", DAYS_MAX);
    proc_harden();
    struct err err = {0};
    enum rc rc = proc_catch_stop(&err);
    if (!rc)
        rc = nation ? populate_nation(url, residents, days, (uint64_t)seed, &err)
                    : populate_run(url, municipality, residents, days, (uint64_t)seed, &err);
    if (rc)
        return opt_fail("%s%s", rc == RC_INTERRUPTED && isatty(STDERR_FILENO) ? "\n" : "", err_text(&err, rc));
    printf("%ld residents of %s\n", residents, nation ? "the nation" : municipality);
    if (nation)
        printf("not connected: %s\n", nation_unconnected((uint64_t)seed)->code);
    return EXIT_DONE;
}

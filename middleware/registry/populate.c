/* populate.c — `jpki-registry populate`: a synthetic town into a new municipal store, in one transaction, so that a store is
 * either empty or complete; or a synthetic nation into a national store, town by town. */
#include "base/opt.h"
#include "base/proc.h"
#include "registry/municipal.h"
#include "registry/nation.h"
#include "registry/program.h"
#include "registry/town.h"

#include <stdio.h>
#include <unistd.h>

static void populate_tell(void *context, int64_t done, int64_t all)
{
    (void)context;
    if (isatty(STDERR_FILENO) && (done == all || done % 500 == 0))
        fprintf(stderr, "\r%lld of %lld residents (%lld %%)%s", (long long)done, (long long)all,
                (long long)(done * 100 / all), done == all ? "\n" : "");
}

static enum rc populate_enter(struct store *store, const struct town *town, int64_t residents, struct err *err)
{
    char today[11];
    municipal_today(today);
    enum rc rc = RC_OK;
    for (int64_t i = 0; !rc && i < residents; i++) {
        struct resident resident;
        int64_t notice;
        rc = town_resident(town, i, &resident, err);
        if (!rc)
            rc = municipal_enter(store, &resident, REASON_FIRST, today, &notice, err);
        if (!rc)
            populate_tell(NULL, i + 1, residents);
    }
    return rc;
}

static enum rc populate_run(const char *url, const char *municipality, int64_t residents, uint64_t seed, struct err *err)
{
    struct town *town = NULL;
    struct store *store = NULL;
    struct resident first;
    int64_t there = 0;
    enum rc rc = town_new(municipality, residents, seed, &town, err);
    if (!rc)
        rc = town_resident(town, 0, &first, err); /* its municipality has all six digits */
    if (!rc)
        rc = ledger_open(url, NODE_MUNICIPAL, first.municipality, &store, err);
    if (!rc)
        rc = store_begin(store, err);
    if (!rc)
        rc = ledger_count(store, "SELECT count(*) FROM resident", &there, err);
    if (!rc && there)
        rc = err_set(err, RC_STATE, "the store has %lld residents already", (long long)there);
    if (!rc)
        rc = populate_enter(store, town, residents, err);
    if (!rc)
        rc = store_commit(store, err);
    if (store)
        store_rollback(store);
    store_close(store);
    town_free(town);
    return rc;
}

static enum rc populate_nation(const char *url, int64_t residents, uint64_t seed, struct err *err)
{
    struct store *store = NULL;
    enum rc rc = ledger_open(url, NODE_NATIONAL, "000000", &store, err);
    if (!rc)
        rc = nation_enter(store, residents, seed, populate_tell, NULL, err);
    store_close(store);
    return rc;
}

int populate_main(int argc, char **argv)
{
    bool nation = false;
    const char *url = NULL, *municipality = NULL;
    long residents = 0, seed = 1;
    const struct opt opts[] = {
        { "--store", "URL", "sqlite:PATH or a path (made when it is not there), or postgresql://…", OPT_TEXT, &url, true },
        { "--municipality", "CODE", "5 or 6 digits, for example 462012", OPT_TEXT, &municipality, false },
        { "--nation", NULL, "every municipality that the program knows, into a national store", OPT_FLAG, &nation, false },
        { "--residents", "N", "how many", OPT_NUMBER, &residents, true },
        { "--seed", "S", "another number, another town (default 1)", OPT_NUMBER, &seed, false },
        { 0 },
    };
    int rest, status;
    if (opt_parse("jpki-registry populate [OPTIONS]",
                  "Fills a new municipal store with synthetic residents, the same for the same municipality, number and\n"
                  "seed; each entry also writes its notice for the national node. Or a national store, as if every town\n"
                  "had told all of its residents already; a run that was torn is repeated and finishes.", opts, argc, argv, &rest, &status))
        return status;
    if (rest < argc)
        return opt_misuse("'%s' is not expected here", argv[rest]);
    if (nation == (municipality != NULL))
        return opt_misuse("either --municipality or --nation");
    if (residents < 1)
        return opt_misuse("--residents takes a number from 1 on");
    proc_harden();
    struct err err = { 0 };
    enum rc rc = nation ? populate_nation(url, residents, (uint64_t)seed, &err)
                        : populate_run(url, municipality, residents, (uint64_t)seed, &err);
    if (rc)
        return opt_fail("%s", err_text(&err, rc));
    printf("%ld residents of %s\n", residents, nation ? "the nation" : municipality);
    return EXIT_DONE;
}

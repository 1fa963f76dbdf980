/* nation.c — entering town by town. */
#include "registry/nation_parts.h"

#include "base/clock.h"
#include "registry/day.h"
#include "registry/intake.h"
#include "registry/municipal.h"
#include "registry/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TELL_EVERY 500
#define COMMIT_EVERY 20000 /* residents: many a village would be slow by itself */

struct journey {
    struct store *store;
    const struct nation_year *year;
    int64_t begun; /* residents of the open transaction; 0: none is open */
    bool living;   /* past the first entries of a town */
    char today[11];
    int64_t now, done, all;
    nation_fn tell;
    void *context;
};

static enum rc nation_write(void *context, const struct town_deed *deed, struct err *err)
{
    struct journey *journey = context;
    struct resident resident = deed->resident;
    struct ledger_change change;
    char date[11];
    day_of(journey->now - (journey->living ? deed->days_ago : journey->year->days) * 86400, date);
    record_keep_told(&resident); /* the household stays in the town */
    enum rc rc = deed->previous ? ledger_recode(journey->store, deed->previous, &resident, deed->reason, date, journey->now,
                                                &change, err)
                                : ledger_put(journey->store, &resident, deed->reason, date, journey->now, &change, err);
    journey->done += journey->living || deed->reason == REASON_FIRST;
    if (!rc && journey->tell && journey->done % TELL_EVERY == 0 && journey->done < journey->all &&
        !journey->tell(journey->context, journey->done, journey->all))
        rc = err_set(err, RC_INTERRUPTED, "interrupted: the same command again goes on");
    return rc;
}

/* A write that is counted: a town's notices are what it wrote. */
struct telling {
    struct journey *journey;
    int64_t notices;
};

static enum rc nation_tell(void *context, const struct town_deed *deed, struct err *err)
{
    struct telling *telling = context;
    telling->notices++;
    return nation_write(telling->journey, deed, err);
}

static enum rc nation_commit(struct journey *journey, struct err *err)
{
    journey->begun = 0;
    return store_commit(journey->store, err);
}

static enum rc nation_fill(const char *municipality, enum town_cases cases, struct nation_range *range, struct journey *journey,
                           struct err *err)
{
    struct town *town = NULL;
    struct telling telling = {.journey = journey};
    enum rc rc = town_new(municipality, range->size, range->year->seed, cases, &town, err);
    if (!rc && !journey->begun)
        rc = store_begin(journey->store, err);
    journey->begun += range->size;
    if (!rc)
        rc = town_enter(town, nation_tell, &telling, err);
    journey->living = true;
    if (!rc && range->year->days)
        rc = town_live(town, range->year->days, nation_times, range, nation_tell, &telling, err);
    journey->living = false;
    if (!rc)
        rc = intake_advance(journey->store, municipality, telling.notices, err); /* its first ones */
    if (!rc && journey->begun >= COMMIT_EVERY)
        rc = nation_commit(journey, err);
    town_free(town);
    return rc;
}

static enum rc nation_town(const char *municipality, enum town_cases cases, struct nation_range *range, struct journey *journey,
                           struct err *err)
{
    int64_t heard, deeds = town_deeds(range->size, cases), days = nation_all_times(range), before = journey->done;
    enum rc rc = intake_position(journey->store, municipality, &heard, err);
    if (!rc && heard && (heard < deeds || (!range->year->days && heard > deeds))) /* one that no populate has claimed */
        return err_set(err, RC_STATE, "the store has heard %lld notices of %s, not %lld", (long long)heard,
                       municipality, (long long)deeds);
    if (!rc && !heard && range->size)
        rc = nation_fill(municipality, cases, range, journey, err);
    journey->done = before + range->size + days; /* the one who is no more does not count */
    return rc;
}

/* What the store's nation is, in words: told apart from another one, however far it has come. */
static enum rc nation_claim(struct store *store, const struct nation_year *year, struct err *err)
{
    char nation[120];
    struct statement *s = NULL;
    snprintf(nation, sizeof nation, "%lld residents, %lld days, seed %llu", (long long)year->residents, (long long)year->days,
             (unsigned long long)year->seed);
    enum rc rc = store_begin(store, err);
    if (!rc)
        rc = store_run(store, "INSERT INTO setting (name, value) VALUES ('nation', ?1) ON CONFLICT (name) DO NOTHING",
                       BINDS(BIND_TEXT(nation)), NULL, err);
    if (!rc)
        rc = store_row(store, "SELECT value FROM setting WHERE name = 'nation'", NULL, &s, err);
    if (!rc && strcmp(column_text(s, 0), nation) != 0)
        rc = err_set(err, RC_STATE, "the store's nation is one of %s, not of %s", column_text(s, 0), nation);
    statement_done(s);
    return rc ? rc : store_commit(store, err);
}

/* When every town is there: the arrivals, once. */
static enum rc nation_finish(struct journey *journey, struct err *err)
{
    int64_t changes;
    enum rc rc = journey->begun ? nation_commit(journey, err) : RC_OK;
    if (!rc)
        rc = store_begin(journey->store, err);
    if (!rc)
        rc = store_run(journey->store, "INSERT INTO setting (name, value) VALUES ('nation-arrived', '1') ON CONFLICT (name) DO NOTHING",
                       NULL, &changes, err);
    journey->living = true;
    if (!rc && changes)
        rc = nation_arrive(journey->store, journey->year, journey->today, nation_write, journey, err);
    return rc ? rc : store_commit(journey->store, err);
}

enum rc nation_enter(struct store *store, int64_t residents, int64_t days, uint64_t seed, nation_fn tell, void *context,
                     struct err *err)
{
    size_t count;
    const struct municipality *rows = municipality_rows(&count);
    int64_t *sizes = calloc(count, sizeof *sizes);
    const struct nation_year year = {sizes, residents, days, seed};
    const struct nation_range all = {&year, 0, residents};
    struct nation_range range = {.year = &year};
    struct journey journey = {.store = store, .year = &year, .now = clock_now(), .tell = tell, .context = context};
    municipal_today(journey.today);
    enum rc rc = sizes ? nation_sizes(residents, seed, sizes, err) : RC_NOMEM;
    if (!rc)
        rc = nation_claim(store, &year, err);
    if (!rc)
        journey.all = residents + nation_all_times(&all) + town_events(TOWN_ARRIVAL, residents, days);
    for (size_t i = 0; !rc && i < count; i++) {
        range.size = sizes[i];
        rc = nation_town(rows[i].code, nation_cases(sizes, i), &range, &journey, err);
        range.first += sizes[i];
    }
    if (!rc)
        rc = nation_finish(&journey, err);
    store_rollback(store);
    if (!rc && tell)
        (void)tell(context, journey.all, journey.all);
    free(sizes);
    return rc;
}

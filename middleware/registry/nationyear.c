/* nationyear.c — days of a synthetic nation: how its events fall on the towns, and who arrives where. */
#include "registry/intake.h"
#include "registry/nation_parts.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

#define DAY_DRAWS 1000000 /* numbers of nation_draw beyond those of the sharing out */

/* How many of `all` things, laid out evenly over the residents from number 0 on, lie before a resident. */
static int64_t year_before(int64_t resident, int64_t all, int64_t residents)
{
    return resident <= 0 ? 0 : resident >= residents ? all : (resident * all + residents - 1) / residents;
}

/* Laid out from another resident on each day, and around: a village has its turn too. */
int64_t nation_times(void *context, enum town_event event, int64_t day)
{
    const struct nation_range *range = context;
    int64_t n = range->year->residents, first = range->first, next = range->first + range->size;
    if (event == TOWN_ARRIVAL)
        return 0;
    int64_t all = town_events(event, n, day) - town_events(event, n, day - 1);
    uint64_t number = DAY_DRAWS + (uint64_t)day * TOWN_EVENTS + (uint64_t)event;
    int64_t from = (int64_t)(nation_draw(range->year->seed, number) % (uint64_t)n);
    return year_before(next - from, all, n) - year_before(first - from, all, n) + year_before(next + n - from, all, n) -
           year_before(first + n - from, all, n);
}

int64_t nation_all_times(const struct nation_range *range)
{
    struct nation_range town = *range;
    int64_t times = 0;
    for (int64_t day = 1; day <= town.year->days; day++)
        for (int event = 0; event < TOWN_EVENTS; event++)
            times += nation_times(&town, (enum town_event)event, day);
    return times;
}

/* --- arrivals ---------------------------------------------------------------------------------------------------- */

struct departed {
    char code[12], date[11];
};

/* Who has left and is registered nowhere, by code: that is in no order of towns. Caller frees. */
static enum rc year_departed(struct store *store, struct departed **list, int64_t *count, struct err *err)
{
    struct statement *s = NULL;
    int64_t room = 0;
    *count = 0;
    enum rc rc = store_query(store,
                             "SELECT r.code, h.date FROM resident r JOIN history h ON h.code = r.code AND h.municipality = "
                             "r.municipality AND h.revision = r.revision WHERE r.removed <> 0 AND h.reason = '国内転出' "
                             "ORDER BY r.code",
                             NULL, &s, err);
    while (!rc && !(rc = statement_step(s, err))) {
        struct departed *more = *count < room ? *list : realloc(*list, (size_t)(room = 2 * room + 100) * sizeof *more);
        if (!more) {
            rc = err_set(err, RC_NOMEM, "nation");
            break;
        }
        *list = more;
        column_copy(s, 0, more[*count].code, sizeof more->code);
        column_copy(s, 1, more[(*count)++].date, sizeof more->date);
    }
    statement_done(s);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

/* Where somebody lives in a town, from a resident of a number on: RC_NOT_FOUND nobody does any more. */
static enum rc year_home(struct store *store, const struct nation_year *year, size_t town, int64_t index, struct resident *home,
                         struct err *err)
{
    size_t count;
    const char *municipality = municipality_rows(&count)[town].code;
    struct ledger_row row;
    char code[12];
    enum rc rc = RC_NOT_FOUND;
    for (int64_t tries = 0; rc == RC_NOT_FOUND && tries < year->sizes[town]; tries++) {
        rc = town_code(municipality, year->seed, (index + tries) % year->sizes[town], code, err);
        if (!rc)
            rc = ledger_find_code(store, code, &row, err);
        if (!rc && (row.removed || strcmp(row.resident.municipality, municipality) != 0))
            rc = RC_NOT_FOUND;
    }
    if (!rc)
        *home = row.resident;
    return rc;
}

static int64_t year_noon(const char *date)
{
    return clock_from_date(atoi(date), atoi(date + 5), atoi(date + 8));
}

/* One of those who have left, to the home of others. */
static enum rc year_arrive(struct store *store, const struct departed *departed, const struct resident *home, const char *today,
                           town_write_fn write, void *context, struct err *err)
{
    struct ledger_row row;
    struct town_deed deed = {.reason = REASON_MOVE_IN, .days_ago = (year_noon(today) - year_noon(departed->date)) / 86400};
    enum rc rc = ledger_find_code(store, departed->code, &row, err);
    if (rc)
        return rc;
    struct attributes *a = &row.resident.attributes;
    memcpy(a->address, home->attributes.address, sizeof a->address);
    memcpy(a->address_substitutes, home->attributes.address_substitutes, sizeof a->address_substitutes);
    memcpy(row.resident.particulars.original_address, home->particulars.original_address,
           sizeof home->particulars.original_address);
    memcpy(row.resident.municipality, home->municipality, sizeof home->municipality);
    deed.resident = row.resident;
    return write(context, &deed, err);
}

/* What a town tells of them follows what it told before. */
static enum rc year_heard(struct store *store, const char *municipality, struct err *err)
{
    int64_t heard = 0;
    enum rc rc = intake_position(store, municipality, &heard, err);
    return rc ? rc : intake_advance(store, municipality, heard + 1, err);
}

enum rc nation_arrive(struct store *store, const struct nation_year *year, const char *today, town_write_fn write, void *context,
                      struct err *err)
{
    struct departed *list = NULL;
    int64_t left = 0, first = 0, all = town_events(TOWN_ARRIVAL, year->residents, year->days);
    size_t town = 0;
    enum rc rc = year_departed(store, &list, &left, err);
    all = all < left ? all : left;
    for (int64_t i = 0; !rc && i < all; i++) {
        struct resident home;
        int64_t number = i * year->residents / all; /* evenly over the nation's residents, as they were at first */
        while (number >= first + year->sizes[town])
            first += year->sizes[town++];
        rc = year_home(store, year, town, number - first, &home, err);
        if (rc == RC_NOT_FOUND) { /* a village that all have left */
            rc = RC_OK;
            continue;
        }
        if (!rc)
            rc = year_arrive(store, &list[i], &home, today, write, context, err);
        if (!rc)
            rc = year_heard(store, home.municipality, err);
    }
    free(list);
    return rc;
}

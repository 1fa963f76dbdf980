/* nation.c — sharing out, and entering town by town. */
#include "registry/nation.h"

#include "base/clock.h"
#include "pki/municipality.h"
#include "registry/intake.h"
#include "registry/municipal.h"
#include "registry/pool.h"
#include "registry/record.h"
#include "registry/town.h"

#include <stdlib.h>
#include <string.h>

#define CITY_NUMBERS 300 /* cities and wards have local numbers below */
#define TELL_EVERY 500

static uint64_t nation_draw(uint64_t seed, uint64_t number)
{
    uint64_t x = seed * 0x9E3779B97F4A7C15u + number * 0xD6E8FEB86659FD93u;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    return x ^ x >> 27;
}

/* Between 1 and 16 times the smallest of its kind, small ones more often; a city is fifteen times a town. */
static int64_t nation_weight(const struct municipality *place, uint64_t seed)
{
    int number = atoi(place->code) / 10;
    uint64_t lot = nation_draw(seed, (uint64_t)number);
    int64_t weight = 100 * ((int64_t)1 << lot % 4) + (int64_t)(lot >> 8) % 800;
    return number % 1000 < CITY_NUMBERS ? 15 * weight : weight;
}

enum rc nation_sizes(int64_t residents, uint64_t seed, int64_t *sizes, struct err *err)
{
    size_t count;
    const struct municipality *rows = municipality_rows(&count);
    int64_t left = residents - (int64_t)count, room = 0;
    if (left < 0)
        return err_set(err, RC_RANGE, "residents: at least %zu, one in each municipality", count);
    for (size_t i = 0; i < count; i++) {
        sizes[i] = 1;
        room += pool_size(rows[i].code) - 1;
    }
    if (left > room)
        return err_set(err, RC_RANGE, "residents: at most %lld, as many as the %zu municipalities have codes",
                       (long long)(room + (int64_t)count), count);
    while (left) { /* what one cannot take is shared out among the others */
        int64_t total = 0, open = left;
        for (size_t i = 0; i < count; i++)
            total += sizes[i] < pool_size(rows[i].code) ? nation_weight(&rows[i], seed) : 0;
        for (size_t i = 0; i < count && left; i++) {
            int64_t free_codes = pool_size(rows[i].code) - sizes[i];
            int64_t share = free_codes ? open * nation_weight(&rows[i], seed) / total + 1 : 0;
            share = share < free_codes ? share : free_codes;
            share = share < left ? share : left;
            sizes[i] += share;
            left -= share;
        }
    }
    return RC_OK;
}

struct journey {
    int64_t done, all;
    nation_fn tell;
    void *context;
};

static enum rc town_enter(struct store *store, const struct town *town, int64_t size, struct journey *journey, struct err *err)
{
    char today[11];
    int64_t now = clock_now();
    enum rc rc = RC_OK;
    municipal_today(today);
    for (int64_t i = 0; !rc && i < size; i++) {
        struct resident resident;
        struct ledger_change change;
        rc = town_resident(town, i, &resident, err);
        if (!rc) {
            record_keep_told(&resident); /* the household stays in the town */
            rc = ledger_put(store, &resident, REASON_FIRST, today, now, &change, err);
        }
        journey->done++;
        if (!rc && journey->tell && (journey->done % TELL_EVERY == 0 || journey->done == journey->all))
            journey->tell(journey->context, journey->done, journey->all);
    }
    return rc;
}

static enum rc town_whole(struct store *store, const char *municipality, int64_t size, uint64_t seed, struct journey *journey,
                          struct err *err)
{
    struct town *town = NULL;
    int64_t heard;
    enum rc rc = intake_position(store, municipality, &heard, err);
    if (!rc && heard && heard != size)
        return err_set(err, RC_STATE, "the store has heard of %lld residents of %s, not %lld", (long long)heard, municipality,
                       (long long)size);
    if (rc || heard) {
        journey->done += heard;
        return rc;
    }
    rc = town_new(municipality, size, seed, &town, err);
    if (!rc)
        rc = store_begin(store, err);
    if (!rc)
        rc = town_enter(store, town, size, journey, err);
    if (!rc)
        rc = intake_advance(store, municipality, size, err); /* its first notices, one a resident */
    if (!rc)
        rc = store_commit(store, err);
    store_rollback(store);
    town_free(town);
    return rc;
}

enum rc nation_enter(struct store *store, int64_t residents, uint64_t seed, nation_fn tell, void *context, struct err *err)
{
    size_t count;
    const struct municipality *rows = municipality_rows(&count);
    struct journey journey = { .all = residents, .tell = tell, .context = context };
    int64_t *sizes = calloc(count, sizeof *sizes);
    enum rc rc = sizes ? nation_sizes(residents, seed, sizes, err) : RC_NOMEM;
    for (size_t i = 0; !rc && i < count; i++)
        rc = town_whole(store, rows[i].code, sizes[i], seed, &journey, err);
    free(sizes);
    return rc;
}

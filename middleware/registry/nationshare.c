/* nationshare.c — sharing out the residents of a synthetic nation among its towns. */
#include "registry/nation_parts.h"

#include "registry/pool.h"
#include "registry/towndata.h"

#include <stdlib.h>

#define CITY_NUMBERS 300 /* cities and wards have local numbers below */

uint64_t nation_draw(uint64_t seed, uint64_t number)
{
    uint64_t x = seed * 0x9E3779B97F4A7C15u + number * 0xD6E8FEB86659FD93u;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    return x ^ x >> 27;
}

const struct municipality *nation_unconnected(uint64_t seed)
{
    size_t count;
    const struct municipality *rows = municipality_rows(&count);
    size_t at = (size_t)(nation_draw(seed, 0) % count);
    while (atoi(rows[at].code) / 10 % 1000 < CITY_NUMBERS)
        at = (at + 1) % count;
    return &rows[at];
}

/* Shares: where a municipality stands and how many it can take. One without a population (evacuated on the census day)
 * has the least. */
struct shares {
    size_t count;
    int64_t *sizes, *limits;
};

static int64_t nation_weight(size_t at)
{
    return town_places[at].population ? town_places[at].population : 1;
}

/* The municipality of a lot among all that have room, by population. */
static size_t nation_lot(const struct shares *shares, int64_t lot)
{
    size_t i = 0;
    for (;; i++) {
        if (shares->sizes[i] >= shares->limits[i])
            continue;
        if (lot < nation_weight(i))
            return i;
        lot -= nation_weight(i);
    }
}

/* Shares by population until less is left than there are municipalities, which is drawn one by one. */
static void nation_share(const struct shares *shares, int64_t left, uint64_t seed)
{
    while (left) {
        int64_t total = 0, open = left;
        for (size_t i = 0; i < shares->count; i++)
            total += shares->sizes[i] < shares->limits[i] ? nation_weight(i) : 0;
        for (size_t i = 0; open >= (int64_t)shares->count && i < shares->count; i++) {
            int64_t room = shares->limits[i] - shares->sizes[i], share = open * nation_weight(i) / total;
            share = share < room ? share : room;
            shares->sizes[i] += share;
            left -= share;
        }
        if (left == open) /* too few for anybody's share */
            shares->sizes[nation_lot(shares, (int64_t)(nation_draw(seed, (uint64_t)left--) % (uint64_t)total))]++;
    }
}

enum rc nation_sizes(int64_t residents, uint64_t seed, int64_t *sizes, struct err *err)
{
    size_t count;
    const struct municipality *rows = municipality_rows(&count), *late = nation_unconnected(seed);
    int64_t room = 0;
    if (count != town_place_count)
        return err_set(err, RC_BUG, "nation: %zu municipalities, %zu places", count, town_place_count);
    struct shares shares = {count, sizes, calloc(count, sizeof *shares.limits)};
    if (!shares.limits)
        return err_set(err, RC_NOMEM, "nation");
    for (size_t i = 0; i < count; i++) {
        sizes[i] = 0; /* codes beyond its residents' are for those with a past */
        shares.limits[i] = &rows[i] == late ? 0 : pool_size(rows[i].code) - town_deeds(0, TOWN_WITH_PAST);
        room += shares.limits[i];
    }
    enum rc rc = RC_OK;
    if (residents < 1 || residents > room)
        rc = err_set(err, RC_RANGE, "residents: 1 to %lld, as many as the %zu municipalities have codes",
                     (long long)room, count);
    else
        nation_share(&shares, residents, seed);
    free(shares.limits);
    return rc;
}

enum town_cases nation_cases(const int64_t *sizes, size_t at)
{
    size_t count, largest = 0;
    (void)municipality_rows(&count);
    for (size_t i = 1; i < count; i++)
        largest = sizes[i] > sizes[largest] ? i : largest;
    return sizes[at] >= TOWN_PAST_FROM || (at == largest && sizes[at] >= TOWN_EDGES) ? TOWN_WITH_PAST : TOWN_PLAIN;
}

/* nation_parts.h — what the rooms of a synthetic nation share: nationshare.c makes its towns as large as they are, nationyear.c
 * lives its days, nation.c enters both. */
#ifndef JPKI_REGISTRY_NATION_PARTS_H
#define JPKI_REGISTRY_NATION_PARTS_H

#include "registry/nation.h"

/* Every choice is a hash of the seed and a number. */
uint64_t nation_draw(uint64_t seed, uint64_t number);

struct nation_year {
    const int64_t *sizes; /* of each of municipality_rows */
    int64_t residents, days;
    uint64_t seed;
};

/* The residents of a town among all of the nation's, who are counted town by town. */
struct nation_range {
    const struct nation_year *year;
    int64_t first, size;
};

/* How many of an event fall to them on a day (1 …), by the numbers of the whole country: as town_times_fn. None of the arrivals. */
int64_t nation_times(void *range, enum town_event event, int64_t day);
/* And of all on all days. */
int64_t nation_all_times(const struct nation_range *range);

/* Those who have left a town arrive in another one on the same day, as many as there are arrivals in the country: the rest is on the
 * way. Inside the caller's transaction, when every town is entered; also their intake. */
enum rc nation_arrive(struct store *store, const struct nation_year *year, const char *today, town_write_fn write, void *context,
                      struct err *err) MUST_CHECK;

#endif

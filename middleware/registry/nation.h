/* nation.h — a synthetic nation: a synthetic town (town.h) in each municipality of the country, as if every town had
 * told all of it. Deterministic: the same size and seed give the same people. The largest town, and all of
 * TOWN_PAST_FROM residents or more, have every edge case (a nation of 5,000 has them); the others have none, which
 * would be too many of the nation. */
#ifndef JPKI_REGISTRY_NATION_H
#define JPKI_REGISTRY_NATION_H

#include "pki/municipality.h"
#include "registry/ledger.h"
#include "registry/town.h"

/* How the residents are spread: by the populations of the census, what does not divide drawn by the seed, none above
 * its codes. sizes has a place for each of municipality_rows. RC_RANGE less than one, or more than there are codes. */
enum rc nation_sizes(int64_t residents, uint64_t seed, int64_t *sizes, struct err *err) MUST_CHECK;

/* The one municipality (a town or village) that is not connected yet: the nation knows nobody of it. */
const struct municipality *nation_unconnected(uint64_t seed);

/* How a town of the nation is made. */
enum town_cases nation_cases(const int64_t *sizes, size_t at);

/* Into a national store, whole municipalities in a transaction, each with its share of the days before today lived (as many events
 * as in the country), then who left arrives elsewhere, in one; those that a torn run had finished are passed over.
 * tell may be NULL; it returns whether to go on: RC_INTERRUPTED, what was begun is undone. RC_STATE a municipality is
 * there with another number of residents, or other days. */
typedef bool (*nation_fn)(void *context, int64_t done, int64_t all);
enum rc nation_enter(struct store *store, int64_t residents, int64_t days, uint64_t seed, nation_fn tell, void *context,
                     struct err *err) MUST_CHECK;

#endif

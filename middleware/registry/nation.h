/* nation.h — a synthetic nation: a synthetic town (town.h) in each municipality that the program knows, as if every town had told all
 * of it. Deterministic: the same size and seed give the same people, and the same towns as populate makes of them. */
#ifndef JPKI_REGISTRY_NATION_H
#define JPKI_REGISTRY_NATION_H

#include "registry/ledger.h"

/* How the residents are spread: drawn by the seed, cities larger than towns and villages, none above its codes. sizes has a
 * place for each of municipality_rows. RC_RANGE fewer than one a municipality, or more than there are codes. */
enum rc nation_sizes(int64_t residents, uint64_t seed, int64_t *sizes, struct err *err) MUST_CHECK;

/* Into a national store, a transaction a municipality; those that a torn run had finished are passed over. tell may be NULL.
 * RC_STATE a municipality is there with another number of residents. */
typedef void (*nation_fn)(void *context, int64_t done, int64_t all);
enum rc nation_enter(struct store *store, int64_t residents, uint64_t seed, nation_fn tell, void *context,
                     struct err *err) MUST_CHECK;

#endif

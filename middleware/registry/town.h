/* town.h — a synthetic town: households with ages by real shares, names, addresses, and the cases that break programs.
 * Deterministic: the same municipality, size and seed give the same people. Nobody real. */
#ifndef JPKI_REGISTRY_TOWN_H
#define JPKI_REGISTRY_TOWN_H

#include "registry/registry_client.h"

struct town;

/* Ages are counted to 2026-04-01. RC_NOT_FOUND no such municipality, RC_RANGE more residents than its codes. */
enum rc town_new(const char *municipality, int64_t residents, uint64_t seed, struct town **town, struct err *err) MUST_CHECK;
void town_free(struct town *town);

/* Resident number index, from 0. The first are the edge cases, as far as the town is large enough:
 * 0 born on 29 February, 1 the longest address, 2 a surname with a substituted character, 3 a foreign resident with an
 * alphabet name, 4 and 5 twins, 6 an unknown day of birth. */
enum rc town_resident(const struct town *town, int64_t index, struct resident *resident, struct err *err) MUST_CHECK;

#endif

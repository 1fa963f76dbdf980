/* sim_seed.h — randomness that is the same every time, for tests that must see the same bytes twice. For the whole process,
 * OpenSSL's too: everything made afterwards, keys included, can be made again by whoever knows the seed. Never on but by
 * this call; cards made under it are marked for life (sim_store.h), and other cards are not opened under it. */
#ifndef JPKI_APPLET_SIM_SIM_SEED_H
#define JPKI_APPLET_SIM_SIM_SEED_H

#include "base/rc.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* From now on until the process ends; again: from the beginning. Says so loudly in the log. RC_CRYPTO. */
enum rc sim_seed_use(uint64_t seed) MUST_CHECK;
bool sim_seed_used(void);

/* The card's random bytes: the kernel's, or the seed's when one is used. */
enum rc sim_seed_bytes(void *out, size_t len) MUST_CHECK;

#endif

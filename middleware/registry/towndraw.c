/* towndraw.c — the draws of a synthetic town, and which of its residents are edge cases. */
#include "registry/town_parts.h"

uint64_t town_hash(uint64_t seed, uint64_t what, uint64_t number)
{
    uint64_t x = seed * 0x9E3779B97F4A7C15u + what * 0xD6E8FEB86659FD93u + number + 0x632BE59BD9B4E019u;
    for (int i = 0; i < 2; i++) {
        x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
        x = (x ^ x >> 27) * 0x94D049BB133111EBu;
        x ^= x >> 31;
    }
    return x;
}

uint64_t town_pick(const struct town *town, uint64_t what, uint64_t number, uint64_t among)
{
    return town_hash(town->seed, what, number) % among;
}

uint32_t town_edges(const struct town *town)
{
    return town->cases == TOWN_PLAIN ? 0 : town->count < TOWN_EDGES ? town->count : TOWN_EDGES;
}

bool town_is(const struct town *town, uint32_t i, enum town_edge edge)
{
    return i == (uint32_t)edge && i < town_edges(town);
}

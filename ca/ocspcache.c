/* ocspcache.c — sets of four, indexed by a hash with a random seed so that nobody can choose requests that crowd one
 * set. */
#include "ca/ocspcache.h"

#include "base/random.h"

#include <stdlib.h>
#include <string.h>

#define WAYS 4

struct slot {
    uint8_t key[OCSPCACHE_KEY];
    size_t key_len; /* 0: free */
    struct ocspentry entry;
};

struct ocspcache {
    uint64_t seed[2];
    size_t sets; /* a power of two */
    struct slot slots[];
};

static uint64_t cache_hash(const struct ocspcache *cache, struct bytes key)
{
    uint64_t hash = cache->seed[0];
    for (size_t i = 0; i < key.len; i += 8) {
        uint64_t word = 0;
        memcpy(&word, key.data + i, key.len - i < 8 ? key.len - i : 8);
        hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
        hash ^= hash >> 29 ^ cache->seed[1];
    }
    hash *= 0xBF58476D1CE4E5B9u;
    return hash ^ hash >> 32;
}

static struct slot *cache_set(struct ocspcache *cache, struct bytes key)
{
    return &cache->slots[(cache_hash(cache, key) & (cache->sets - 1)) * WAYS];
}

static bool slot_is(const struct slot *slot, struct bytes key)
{
    return slot->key_len == key.len && memcmp(slot->key, key.data, key.len) == 0;
}

static void slot_clear(struct slot *slot)
{
    plain_answer_drop(slot->entry.answer);
    slot->entry.answer = NULL;
    slot->key_len = 0;
}

enum rc ocspcache_new(size_t entries, struct ocspcache **cache)
{
    size_t sets = 1;
    while (sets * WAYS < entries)
        sets *= 2;
    struct ocspcache *made = calloc(1, sizeof *made + sets * WAYS * sizeof made->slots[0]);
    if (!made)
        return RC_NOMEM;
    made->sets = sets;
    enum rc rc = random_bytes(made->seed, sizeof made->seed);
    if (rc)
        free(made);
    else
        *cache = made;
    return rc;
}

void ocspcache_free(struct ocspcache *cache)
{
    for (size_t i = 0; cache && i < cache->sets * WAYS; i++)
        slot_clear(&cache->slots[i]);
    free(cache);
}

const struct ocspentry *ocspcache_find(struct ocspcache *cache, struct bytes request, int64_t now)
{
    if (!request.len || request.len > OCSPCACHE_KEY)
        return NULL;
    struct slot *set = cache_set(cache, request);
    for (int i = 0; i < WAYS; i++)
        if (slot_is(&set[i], request))
            return now < set[i].entry.until ? &set[i].entry : NULL;
    return NULL;
}

void ocspcache_put(struct ocspcache *cache, struct bytes request, const struct ocspentry *entry)
{
    if (!request.len || request.len > OCSPCACHE_KEY)
        return;
    struct slot *set = cache_set(cache, request), *chosen = &set[0];
    for (int i = 0; i < WAYS; i++) {
        if (slot_is(&set[i], request)) {
            chosen = &set[i];
            break;
        }
        if (!set[i].key_len || (chosen->key_len && set[i].entry.until < chosen->entry.until))
            chosen = &set[i];
    }
    slot_clear(chosen);
    memcpy(chosen->key, request.data, request.len);
    chosen->key_len = request.len;
    chosen->entry = *entry;
    (void)plain_answer_hold(entry->answer);
}

void ocspcache_forget(struct ocspcache *cache, enum authority authority, const char *serial)
{
    for (size_t i = 0; i < cache->sets * WAYS; i++) {
        struct slot *slot = &cache->slots[i];
        if (slot->key_len && slot->entry.authority == authority && strcmp(slot->entry.serial, serial) == 0)
            slot_clear(slot);
    }
}

/* provide_parts.h — what the files of provision share with each other only. */
#ifndef JPKI_REGISTRY_PROVIDE_PARTS_H
#define JPKI_REGISTRY_PROVIDE_PARTS_H

#include "registry/provide.h"

#define PROVIDE_TOGETHER 64 /* keys of one statement */

/* What was found for a key. */
struct provided {
    unsigned names; /* what a name in the key may mean: as provide_look takes it; set before */
    enum provide_result result;
    enum provide_match match;
    struct ledger_row row;
    bool settled;
};

/* provide_look for up to PROVIDE_TOGETHER keys. */
enum rc provide_look_many(struct store *store, const struct provide_key *const *keys, struct provided *const *found,
                          size_t count, struct err *err) MUST_CHECK;

/* Whether a state of the record is what the key says of the attributes; what it does not say agrees. */
bool provide_agrees(const struct provide_key *key, unsigned names, const struct resident *resident);

/* What the key's name was found to be in the record. */
enum provide_match provide_matched(const struct provide_key *key, unsigned names, const struct resident *resident);

#endif

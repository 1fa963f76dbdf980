/* townpair.h — a municipal and the national store in a temporary folder, without processes: for tests of the rules. Everything
 * fails the running test when it does not work. */
#ifndef JPKI_TESTS_TOWNPAIR_H
#define JPKI_TESTS_TOWNPAIR_H

#include "base/secret.h"
#include "registry/ledger.h"

struct townpair {
    char folder[64];
    char municipality[7];
    struct store *town, *nation;
};

void townpair_open(struct townpair *pair, const char *municipality);
void townpair_close(struct townpair *pair);

/* A resident with an address in the municipality, entered on the clock's day. */
void townpair_enter(struct townpair *pair, const char *code, const char *name, const char *birth, const char *address);
void townpair_carry(struct townpair *pair); /* all notices, town to nation */
void townpair_on(const char *day);          /* the clock: noon of the day in Japan */
int64_t townpair_count(struct store *store, const char *sql);
void townpair_link(struct townpair *pair, const char *code, const char *sign, const char *auth); /* for a long time */

/* A block of 住民票コード from the nation into the town's stock, when that is low. */
void townpair_stock(struct store *town, struct store *nation, const struct secret *key, const char *municipality);

#endif

/* location.h — where a record is: the municipality of a 住民票コード or of a 個人番号, and whose a card is. The national
 * tables are partitioned by municipality, the cards by their holder's code; whoever asks by a number asks here first and then
 * in one partition alone. Small rows, partitioned by their key. Kept by ledger.c and cardbook.c in the transaction that writes
 * the record. */
#ifndef JPKI_REGISTRY_LOCATION_H
#define JPKI_REGISTRY_LOCATION_H

#include "store/store.h"

struct resident;

#define LOCATIONS_MAX 8 /* codes of one number: a person's present and former ones */

struct location {
    char code[12], municipality[7];
};

/* Of a code (11 digits): one or RC_NOT_FOUND. Of a number (12 digits): up to LOCATIONS_MAX, *count. No transaction
 * needed. */
enum rc location_find(struct store *store, const char *code, char municipality[7], struct err *err) MUST_CHECK;
enum rc location_of_number(struct store *store, const char *number, struct location *locations, size_t *count,
                           struct err *err) MUST_CHECK;

/* Of a card (16 characters): whose it is, and which municipality's. RC_NOT_FOUND. No transaction needed. */
enum rc location_of_card(struct store *store, const char *card, struct location *location, struct err *err) MUST_CHECK;
enum rc location_put_card(struct store *store, const char *card, const struct location *location, struct err *err) MUST_CHECK;

/* The municipality that an address begins with, with its prefecture; "" when no known one does. */
void location_of_address(const char *address, char municipality[7]);

/* The record is where it now says. before: what was written of it last; NULL: nothing. */
enum rc location_put(struct store *store, const struct resident *before, const struct resident *now,
                     struct err *err) MUST_CHECK;

#endif

/* intake.h — the national node's ear: change notices taken in order, once each, and turned into the receiver's records, the
 * certificates' links and the authorities' events. Rules over the store, no network:
 * signatures were checked before (registry/sealed.h), and are kept with what they are about. */
#ifndef JPKI_REGISTRY_INTAKE_H
#define JPKI_REGISTRY_INTAKE_H

#include "registry/ledger.h"

/* Takes the notices of one municipality (as its certificate names it) in one transaction: all or none. Known numbers are
 * passed over. *acknowledged: the highest number that is durable. RC_CONFLICT with *expected set: a number is left out;
 * RC_FORMAT, RC_RANGE (too many), RC_DENIED (another municipality's record), and what ledger_put says: nothing was
 * changed, *expected is 0. */
enum rc intake_take(struct store *store, const char *municipality, const json_t *notices, int64_t *acknowledged,
                    int64_t *expected, struct err *err) MUST_CHECK;

/* How far a municipality's notices are durable here; 0 for none. No transaction needed. */
enum rc intake_position(struct store *store, const char *municipality, int64_t *acknowledged, struct err *err) MUST_CHECK;

/* Keeps the certificate (hex) that the notices' signatures were checked by, under its serial number. */
enum rc intake_keep_signer(struct store *store, const char *certificate, const json_t *notices, struct err *err) MUST_CHECK;

/* Moves it on; inside the caller's transaction. */
enum rc intake_advance(struct store *store, const char *municipality, int64_t acknowledged, struct err *err) MUST_CHECK;

#endif

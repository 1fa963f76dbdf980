/* trail.h — the audit trail: append-only rows, each carrying the hash of the one before it. A row is written in the
 * transaction of what it tells: what cannot be told is not done. No personal data: people are serials and request names.
 *
 * hash = SHA-256(previous hash ‖ sequence ‖ time ‖ actor ‖ action ‖ subject ‖ detail), numbers as 8 bytes big-endian,
 * texts with their length as 4 bytes before them. The first row's previous hash is 32 zero bytes. */
#ifndef JPKI_CA_TRAIL_H
#define JPKI_CA_TRAIL_H

#include "store/store.h"

/* Inside an open transaction. actor: who ("officer 0A1B", "clock", "founder"); action: one word; subject: of what
 * ("sign 0132C4AB"). *sequence (may be NULL) is the row's number: a counter that only grows. */
enum rc trail_append(struct store *store, const char *actor, const char *action, const char *subject, int64_t *sequence,
                     struct err *err, const char *detail, ...) __attribute__((format(printf, 7, 8))) MUST_CHECK;

/* Because every signature is told of before it is made, the trail also guards the clock: a row is refused (RC_STATE) when the clock
 * stands before the last row, or more than TRAIL_AHEAD behind it, since a serving authority writes every day. */
#define TRAIL_AHEAD (31 * 86400)

/* Somebody has looked: the clock is right although it ran ahead. Told in a row of its own. RC_STATE: it stands before the
 * last row, which nothing but waiting mends. In an open transaction. */
enum rc trail_accept_clock(struct store *store, const char *actor, struct err *err) MUST_CHECK;

/* The time of the last row; 0: none. */
enum rc trail_last_time(struct store *store, int64_t *time, struct err *err) MUST_CHECK;

/* The last row's number and hash; 0 and zeros when there is none. */
enum rc trail_head(struct store *store, int64_t *sequence, uint8_t hash[32], struct err *err) MUST_CHECK;

/* Walks the whole chain, and compares it with the certificates: each recorded one was told once as issued, each revoked
 * one as revoked, and none is missing that was not told as forgotten. RC_CONFLICT names the first row that does not hold. *rows counts. */
enum rc trail_verify(struct store *store, int64_t *rows, struct err *err) MUST_CHECK;

#endif

/* seal.h — the audit trail's head, signed by the operations authority's key in the HSM at intervals: who can write the book
 * can recompute a chain of hashes, but not these. The last one is handed to the publisher too (audit/head below the publication), so that
 * a copy can be kept, and time-stamped, elsewhere.
 *
 * A head is text, and so can never pass for a certificate or a list:
 *   "open-jpki audit head 1\n" sequence "\n" RFC 3339 time "\n" hash in hex "\n"
 * audit/head holds it, audit/head.sig the signature, of the key's suite (sha256WithRSAEncryption, or ecdsa-with-SHA384),
 * over exactly these bytes. */
#ifndef JPKI_CA_SEAL_H
#define JPKI_CA_SEAL_H

#include "ca/ca.h"

#define SEAL_INTERVAL 3600 /* seconds */
#define SEAL_SIZE 160

struct seal {
    int64_t sequence, time;
    uint8_t hash[32];
};

/* Pure. */
enum rc seal_encode(const struct seal *seal, struct buf *out) MUST_CHECK;
enum rc seal_parse(struct bytes text, struct seal *seal) MUST_CHECK; /* RC_FORMAT: not exactly what seal_encode writes */

/* Seals the trail when it has grown since the last seal, and the interval is over or `now` is asked for. Under ca_lock. */
enum rc seal_trail(struct ca *ca, bool now, struct err *err) MUST_CHECK;

/* A head in a file with its signature beside it (FILE.sig), by any of the operations authority's keys. RC_NOT_FOUND,
 * RC_BAD_SIGNATURE, RC_FORMAT. */
enum rc seal_read(X509 *const *keys, unsigned count, const char *path, struct seal *seal, struct err *err) MUST_CHECK;

/* Every seal in the book and the published one: signature, and the row of its number has its hash. head: a copy kept
 * elsewhere (FILE with FILE.sig beside it), or NULL. RC_CONFLICT names what does not hold. *count seals. After
 * trail_verify: what the rows say of each other is its matter. */
enum rc seal_verify(struct ca *ca, const char *head, int64_t *count, struct err *err) MUST_CHECK;

#endif

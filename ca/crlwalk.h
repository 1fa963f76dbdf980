/* crlwalk.h — reading a revocation list of any length in a few kilobytes: strictly, forwards, once. What the signer judges
 * before it signs, what the authorities compare before they hand over, what the publisher checks before it publishes.
 *
 * It accepts lists of the house and no others (docs/PROFILE.md): version 2, a suite's algorithm, entries of serial number,
 * time not after the list's own and at most a reason code of the house, serial numbers rising (so none twice), times as RFC 5280 §5.1.2.6 writes them. It hashes
 * the to-be-signed bytes on its way with the suite's digest. It judges no issuer, no time and no extension. */
#ifndef JPKI_CA_CRLWALK_H
#define JPKI_CA_CRLWALK_H

#include "base/buf.h"
#include "base/err.h"
#include "pki/suite.h"

#define CRLWALK_SERIAL 20 /* bytes; RFC 5280 §5.2.3 */
#define CRLWALK_DIGEST 64

/* Up to max bytes; *got 0: the end. */
typedef enum rc (*crlwalk_read_fn)(void *context, uint8_t *out, size_t max, size_t *got);

struct crlwalk_head {
    enum suite suite;
    struct bytes issuer; /* DER Name; borrowed until the next call */
    int64_t this_update, next_update;
};

struct crlwalk_entry {
    uint8_t serial[CRLWALK_SERIAL]; /* big-endian, without leading zero bytes */
    size_t serial_len;
    int64_t revoked_at;
    int reason; /* 0: none given */
};

struct crlwalk;

/* Reads the head. sealed: a whole CRL; otherwise a TBSCertList alone. RC_FORMAT, and the reader's. crlwalk_free. */
enum rc crlwalk_new(crlwalk_read_fn read, void *context, bool sealed, struct crlwalk **walk, struct err *err) MUST_CHECK;
/* Of a file from where it stands; the descriptor stays the caller's. */
enum rc crlwalk_new_file(int fd, bool sealed, struct crlwalk **walk, struct err *err) MUST_CHECK;
void crlwalk_free(struct crlwalk *walk);

/* Borrowed; issuer only until the first crlwalk_next. */
const struct crlwalk_head *crlwalk_head(const struct crlwalk *walk);

/* RC_NOT_FOUND: there is no further one, and everything behind the entries was read and is sound, to the last byte. */
enum rc crlwalk_next(struct crlwalk *walk, struct crlwalk_entry *entry, struct err *err) MUST_CHECK;

/* After RC_NOT_FOUND: the extensions (DER SEQUENCE), the signature (sealed), how many entries there were. Borrowed. */
struct bytes crlwalk_extensions(const struct crlwalk *walk);
struct bytes crlwalk_signature(const struct crlwalk *walk);
int64_t crlwalk_count(const struct crlwalk *walk);
struct bytes crlwalk_digest(const struct crlwalk *walk); /* of the to-be-signed bytes */

/* Reads what is left of it. */
enum rc crlwalk_finish(struct crlwalk *walk, struct err *err) MUST_CHECK;

/* A reason that stands on lists: the house's 1 to 6; unspecified is left out. */
bool crlwalk_reason(int reason);

/* -1, 0, 1: by value. */
int crlwalk_compare(const struct crlwalk_entry *a, const struct crlwalk_entry *b);

#define CRLWALK_SERIAL_TEXT (2 * CRLWALK_SERIAL + 1)
void crlwalk_serial_text(const struct crlwalk_entry *entry, char out[CRLWALK_SERIAL_TEXT]); /* as the book writes it */

#endif

/* secret.h — PINs and key bytes: locked in memory, not dumped, wiped, compared in constant time.
 *
 * A PIN or a key exists only as a struct secret and is passed as const struct secret *, so that a search finds every
 * place that touches one. Never print one, never log its length for a PIN. */
#ifndef JPKI_BASE_SECRET_H
#define JPKI_BASE_SECRET_H

#include "base/buf.h"

struct secret {
    uint8_t *data; /* its own pages: mlock where the limit allows, MADV_DONTDUMP, MADV_WIPEONFORK */
    size_t len;
    size_t cap;
};

#define SECRET_MAX 4096u

/* Space for up to cap bytes (<= SECRET_MAX), empty. RC_NOMEM, RC_RANGE. A zeroed struct is a valid wiped secret.
 * Memory that cannot be locked (RLIMIT_MEMLOCK) is used unlocked: a refusal would only move PINs elsewhere. */
enum rc secret_init(struct secret *secret, size_t cap) MUST_CHECK;

/* secret_init with the content copied in; wiping the source is the caller's work. */
enum rc secret_dup(struct secret *secret, const void *data, size_t len) MUST_CHECK;

/* Zeroes and unmaps. Safe on a zeroed struct and twice. */
void secret_wipe(struct secret *secret);

/* RC_RANGE past cap; the content is then unchanged. */
enum rc secret_set(struct secret *secret, const void *data, size_t len) MUST_CHECK;

bool secret_equal(const struct secret *a, const struct secret *b); /* time depends on the lengths only */

static inline struct bytes secret_bytes(const struct secret *secret)
{
    return (struct bytes) { secret->data, secret->len };
}

/* Reads one line (without its newline) from a file descriptor, byte by byte so that nothing is left in a stdio buffer
 * and what follows the line stays unread. RC_NOT_FOUND at end of input, RC_RANGE when longer than SECRET_MAX, RC_IO. */
enum rc secret_read_line(struct secret *secret, int fd) MUST_CHECK;

/* Reads a whole small file of mode 0600 or stricter, a trailing newline cut. RC_DENIED when others may read the file. */
enum rc secret_read_file(struct secret *secret, const char *path) MUST_CHECK;

/* Asks on the controlling terminal with echo off. RC_UNSUPPORTED without one. prompt names what is asked and of which
 * card. */
enum rc secret_prompt(struct secret *secret, const char *prompt) MUST_CHECK;

#endif

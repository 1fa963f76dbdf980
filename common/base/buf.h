/* buf.h — bytes: a borrowed view, and a growing heap buffer with a ceiling. */
#ifndef JPKI_BASE_BUF_H
#define JPKI_BASE_BUF_H

#include "base/rc.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A view: borrowed, never freed through. data may be NULL only when len is 0. */
struct bytes {
    const uint8_t *data;
    size_t len;
};

static inline struct bytes bytes_of(const void *data, size_t len)
{
    return (struct bytes) { (const uint8_t *)data, len };
}

bool bytes_equal(struct bytes a, struct bytes b); /* not constant-time: never for secrets */

/* A buffer in the caller's memory, its bytes on the heap. All zero is a valid empty buffer with the default ceiling. */
struct buf {
    uint8_t *data;
    size_t len;
    size_t cap;
    size_t max; /* ceiling in bytes; 0 means BUF_MAX_DEFAULT */
};

#define BUF_MAX_DEFAULT (64u * 1024u * 1024u)

void buf_init(struct buf *buf, size_t max);
void buf_wipe(struct buf *buf); /* zeroes and frees the bytes; the buffer is empty and usable again */

/* RC_RANGE past the ceiling, RC_NOMEM. On failure the buffer is unchanged. */
enum rc buf_append(struct buf *buf, const void *data, size_t len) MUST_CHECK;
enum rc buf_append_bytes(struct buf *buf, struct bytes bytes) MUST_CHECK;
enum rc buf_append_u8(struct buf *buf, unsigned value) MUST_CHECK;
enum rc buf_append_u16(struct buf *buf, unsigned value) MUST_CHECK; /* big-endian */
enum rc buf_append_u32(struct buf *buf, uint32_t value) MUST_CHECK; /* big-endian */
enum rc buf_append_text(struct buf *buf, const char *text) MUST_CHECK; /* without the NUL */
enum rc buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3))) MUST_CHECK;

/* Makes room for len more bytes and returns where they go through *at; the caller writes them and they count at once. */
enum rc buf_extend(struct buf *buf, size_t len, uint8_t **at) MUST_CHECK;

void buf_truncate(struct buf *buf, size_t len); /* zeroes what is cut off */

static inline struct bytes buf_bytes(const struct buf *buf)
{
    return (struct bytes) { buf->data, buf->len };
}

/* What stands behind the first start bytes; empty when nothing does. */
static inline struct bytes buf_bytes_from(const struct buf *buf, size_t start)
{
    return start < buf->len ? bytes_of(buf->data + start, buf->len - start) : bytes_of(NULL, 0);
}

/* Appends a NUL that does not count and returns the content as a string, borrowed until the buffer changes.
 * NULL on RC_NOMEM or past the ceiling. */
const char *buf_string(struct buf *buf);

#endif

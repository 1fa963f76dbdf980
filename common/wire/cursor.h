/* cursor.h — reading bytes forward without ever leaving them. */
#ifndef JPKI_WIRE_CURSOR_H
#define JPKI_WIRE_CURSOR_H

#include "base/buf.h"

/* What is still unread; borrowed. A failed read leaves the cursor where it was. */
struct cursor {
    const uint8_t *at;
    size_t left;
};

static inline struct cursor cursor_of(struct bytes bytes)
{
    return (struct cursor) { bytes.data, bytes.len };
}

/* All: RC_FORMAT when too few bytes are left. Integers are big-endian. */
enum rc cursor_u8(struct cursor *cursor, uint8_t *value) MUST_CHECK;
enum rc cursor_u16(struct cursor *cursor, uint16_t *value) MUST_CHECK;
enum rc cursor_u32(struct cursor *cursor, uint32_t *value) MUST_CHECK;
enum rc cursor_take(struct cursor *cursor, size_t len, struct bytes *bytes) MUST_CHECK;

#endif

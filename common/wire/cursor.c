/* cursor.c — reading bytes forward. Every read is one length check and one move; nothing else ever touches `at`. */
#include "wire/cursor.h"

enum rc cursor_take(struct cursor *cursor, size_t len, struct bytes *bytes)
{
    if (len > cursor->left)
        return RC_FORMAT;
    *bytes = bytes_of(cursor->at, len);
    if (len)
        cursor->at += len; /* not for 0: `at` may be NULL */
    cursor->left -= len;
    return RC_OK;
}

enum rc cursor_u8(struct cursor *cursor, uint8_t *value)
{
    struct bytes one;
    enum rc rc = cursor_take(cursor, 1, &one);
    if (rc)
        return rc;
    *value = one.data[0];
    return RC_OK;
}

enum rc cursor_u16(struct cursor *cursor, uint16_t *value)
{
    struct bytes two;
    enum rc rc = cursor_take(cursor, 2, &two);
    if (rc)
        return rc;
    *value = (uint16_t)(two.data[0] << 8 | two.data[1]);
    return RC_OK;
}

enum rc cursor_u32(struct cursor *cursor, uint32_t *value)
{
    struct bytes four;
    enum rc rc = cursor_take(cursor, 4, &four);
    if (rc)
        return rc;
    *value = (uint32_t)four.data[0] << 24 | (uint32_t)four.data[1] << 16 | (uint32_t)four.data[2] << 8 | four.data[3];
    return RC_OK;
}

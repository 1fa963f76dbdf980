/* tlv.c — BER-TLV as cards use it: reading objects one after the other, appending them. No nesting is followed here:
 * a constructed value is read by a cursor of its own. */
#include "wire/tlv.h"

#define TAG_NUMBER_MASK 0x1Fu /* all ones in the first byte: the number goes on in the next */
#define MORE 0x80u

static enum rc tlv_read_tag(struct cursor *cursor, uint32_t *tag)
{
    uint8_t byte;
    enum rc rc = cursor_u8(cursor, &byte);
    if (rc)
        return rc;
    uint32_t value = byte;
    if ((byte & TAG_NUMBER_MASK) == TAG_NUMBER_MASK) {
        unsigned read = 1;
        do {
            if (read == 3)
                return RC_FORMAT;
            rc = cursor_u8(cursor, &byte);
            if (rc)
                return rc;
            if (read == 1 && byte == MORE)
                return RC_FORMAT; /* a number with a leading zero: the same tag written in two ways */
            value = value << 8 | byte;
            read++;
        } while (byte & MORE);
    }
    *tag = value;
    return RC_OK;
}

static enum rc tlv_read_length(struct cursor *cursor, size_t *len)
{
    uint8_t first;
    enum rc rc = cursor_u8(cursor, &first);
    if (rc)
        return rc;
    if (!(first & MORE)) {
        *len = first;
        return RC_OK;
    }
    unsigned count = first & 0x7Fu;
    if (count == 0 || count > 4)
        return RC_FORMAT;
    size_t value = 0;
    while (count--) {
        uint8_t byte;
        rc = cursor_u8(cursor, &byte);
        if (rc)
            return rc;
        value = value << 8 | byte;
    }
    *len = value;
    return RC_OK;
}

enum rc tlv_next(struct cursor *cursor, struct tlv *tlv)
{
    if (cursor->left == 0)
        return RC_NOT_FOUND;
    struct cursor walk = *cursor;
    struct tlv found = { 0 };
    size_t len;
    enum rc rc = tlv_read_tag(&walk, &found.tag);
    if (rc == RC_OK)
        rc = tlv_read_length(&walk, &len);
    if (rc == RC_OK)
        rc = cursor_take(&walk, len, &found.value);
    if (rc)
        return rc;
    found.whole = bytes_of(cursor->at, cursor->left - walk.left);
    *tlv = found;
    *cursor = walk;
    return RC_OK;
}

enum rc tlv_find(struct bytes bytes, uint32_t tag, struct tlv *tlv)
{
    struct cursor cursor = cursor_of(bytes);
    struct tlv found;
    for (;;) {
        enum rc rc = tlv_next(&cursor, &found);
        if (rc)
            return rc;
        if (found.tag == tag) {
            *tlv = found;
            return RC_OK;
        }
    }
}

/* Writes the tag's bytes to out[3]; 0 when the number is no tag. */
static size_t tlv_tag_bytes(uint32_t tag, uint8_t out[3])
{
    size_t len = 0;
    for (int shift = 16; shift >= 0; shift -= 8)
        if (len || tag >> shift & 0xFFu || shift == 0)
            out[len++] = (uint8_t)(tag >> shift);
    /* What the reader makes of them must be this tag and nothing left over. */
    struct cursor cursor = cursor_of(bytes_of(out, len));
    uint32_t again;
    if (tag > 0xFFFFFFu || tlv_read_tag(&cursor, &again) != RC_OK || cursor.left || again != tag)
        return 0;
    return len;
}

enum rc tlv_append(struct buf *out, uint32_t tag, struct bytes value)
{
    uint8_t header[3 + 5];
    size_t len = tlv_tag_bytes(tag, header);
    if (len == 0)
        return RC_FORMAT;
    if (value.len > UINT32_MAX)
        return RC_RANGE;
    if (value.len < 0x80) {
        header[len++] = (uint8_t)value.len;
    } else {
        unsigned count = value.len > 0xFFFFFF ? 4 : value.len > 0xFFFF ? 3 : value.len > 0xFF ? 2 : 1;
        header[len++] = (uint8_t)(MORE | count);
        while (count--)
            header[len++] = (uint8_t)(value.len >> (8 * count));
    }
    size_t start = out->len;
    enum rc rc = buf_append(out, header, len);
    if (rc == RC_OK)
        rc = buf_append_bytes(out, value);
    if (rc)
        buf_truncate(out, start);
    return rc;
}

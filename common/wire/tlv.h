/* tlv.h — BER-TLV data objects (ISO/IEC 7816-4 §5.2.2): tags of up to 3 bytes, lengths of up to 4 bytes (80..84;
 * indefinite length is refused). */
#ifndef JPKI_WIRE_TLV_H
#define JPKI_WIRE_TLV_H

#include "wire/cursor.h"

struct tlv {
    uint32_t tag;       /* the tag bytes as a big-endian number: 0x7F21, 0x5F37, 0x30 */
    struct bytes value; /* borrowed from what the cursor reads */
    struct bytes whole; /* tag, length and value; borrowed */
};

/* The next object. RC_NOT_FOUND at the end, RC_FORMAT on a broken header or a value that overruns; filler bytes 00 and
 * FF before a tag are not skipped. */
enum rc tlv_next(struct cursor *cursor, struct tlv *tlv) MUST_CHECK;

/* The first object with the tag at the top level of bytes. RC_NOT_FOUND, RC_FORMAT. */
enum rc tlv_find(struct bytes bytes, uint32_t tag, struct tlv *tlv) MUST_CHECK;

/* Tag, shortest length, value. RC_FORMAT for a number that is no tag; RC_NOMEM, RC_RANGE of the buffer. */
enum rc tlv_append(struct buf *out, uint32_t tag, struct bytes value) MUST_CHECK;

#endif

/* apdu.c — command and response APDUs (ISO/IEC 7816-4 §5.1). The seven cases differ only in where the body's length
 * fields stand, so the parser is one walk over the body. */
#include "wire/apdu.h"

#include "wire/cursor.h"

#define HEADER_LEN 4u
#define SHORT_MAX 255u

/* The body of the extended form: 00 hi lo [data] [hi lo], or 00 hi lo alone as Le. */
static enum rc apdu_parse_extended(struct cursor body, struct apdu_command *command)
{
    uint16_t first, le;
    uint8_t marker;
    enum rc rc = cursor_u8(&body, &marker);
    if (rc == RC_OK)
        rc = cursor_u16(&body, &first);
    if (rc)
        return rc;
    command->extended = true;
    if (body.left == 0) { /* case 2E */
        command->le = first ? first : 65536u;
        return RC_OK;
    }
    if (first == 0) /* Lc 0 is no case of either form */
        return RC_FORMAT;
    rc = cursor_take(&body, first, &command->data);
    if (rc || body.left == 0) /* case 3E */
        return rc;
    if (body.left != 2)
        return RC_FORMAT;
    rc = cursor_u16(&body, &le); /* case 4E */
    if (rc)
        return rc;
    command->le = le ? le : 65536u;
    return RC_OK;
}

static enum rc apdu_parse_short(struct cursor body, struct apdu_command *command)
{
    uint8_t first, le;
    enum rc rc = cursor_u8(&body, &first);
    if (rc)
        return rc;
    if (body.left == 0) { /* case 2S */
        command->le = first ? first : 256u;
        return RC_OK;
    }
    rc = cursor_take(&body, first, &command->data);
    if (rc || body.left == 0) /* case 3S */
        return rc;
    if (body.left != 1)
        return RC_FORMAT;
    rc = cursor_u8(&body, &le); /* case 4S */
    if (rc)
        return rc;
    command->le = le ? le : 256u;
    return RC_OK;
}

enum rc apdu_parse(struct bytes bytes, struct apdu_command *command)
{
    struct cursor cursor = cursor_of(bytes);
    struct bytes header;
    enum rc rc = cursor_take(&cursor, HEADER_LEN, &header);
    if (rc)
        return rc;
    struct apdu_command parsed = {
        .cla = header.data[0], .ins = header.data[1], .p1 = header.data[2], .p2 = header.data[3]
    };
    if (cursor.left == 0) /* case 1 */
        rc = RC_OK;
    else if (cursor.at[0] == 0 && cursor.left > 1)
        rc = apdu_parse_extended(cursor, &parsed);
    else
        rc = apdu_parse_short(cursor, &parsed);
    if (rc)
        return rc;
    *command = parsed;
    return RC_OK;
}

enum rc apdu_encode(const struct apdu_command *command, struct buf *out)
{
    if (command->data.len > APDU_DATA_MAX || command->le > 65536u)
        return RC_RANGE;
    bool extended = command->extended || command->data.len > SHORT_MAX || command->le > SHORT_MAX + 1;
    size_t start = out->len;
    const uint8_t header[HEADER_LEN] = { command->cla, command->ins, command->p1, command->p2 };
    enum rc rc = buf_append(out, header, sizeof header);
    if (rc == RC_OK && extended && (command->data.len || command->le))
        rc = buf_append_u8(out, 0);
    if (rc == RC_OK && command->data.len) {
        rc = extended ? buf_append_u16(out, (unsigned)command->data.len) : buf_append_u8(out, (unsigned)command->data.len);
        if (rc == RC_OK)
            rc = buf_append_bytes(out, command->data);
    }
    if (rc == RC_OK && command->le) /* 256 and 65536 are written as zero, which the narrowing does */
        rc = extended ? buf_append_u16(out, command->le) : buf_append_u8(out, command->le);
    if (rc)
        buf_truncate(out, start);
    return rc;
}

enum rc apdu_parse_response(struct bytes bytes, struct apdu_response *response)
{
    if (bytes.len < 2)
        return RC_FORMAT;
    const uint8_t *sw = bytes.data + bytes.len - 2;
    *response = (struct apdu_response) { bytes_of(bytes.data, bytes.len - 2), (uint16_t)(sw[0] << 8 | sw[1]) };
    return RC_OK;
}

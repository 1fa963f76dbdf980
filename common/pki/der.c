/* der.c — DER headers written and read. The reader accepts exactly what the writer makes: one form for each value, so
 * that two readers can never disagree about where an element ends. It knows no types. */
#include "pki/der.h"

enum { DER_HEADER_MAX = 6 };

static size_t der_header(uint8_t header[DER_HEADER_MAX], unsigned tag, size_t len)
{
    header[0] = (uint8_t)tag;
    if (len < 0x80) {
        header[1] = (uint8_t)len;
        return 2;
    }
    size_t count = len > 0xFFFFFF ? 4 : len > 0xFFFF ? 3 : len > 0xFF ? 2 : 1;
    header[1] = (uint8_t)(0x80 | count);
    for (size_t i = 0; i < count; i++)
        header[2 + i] = (uint8_t)(len >> (8 * (count - 1 - i)));
    return 2 + count;
}

enum rc der_append_header(struct buf *out, unsigned tag, uint64_t len)
{
    if (tag == 0 || tag > 0xFF || (tag & 0x1F) == 0x1F)
        return RC_BUG;
    if (len > 0xFFFFFFFFu)
        return RC_RANGE;
    uint8_t header[DER_HEADER_MAX];
    return buf_append(out, header, der_header(header, tag, (size_t)len));
}

enum rc der_append(struct buf *out, unsigned tag, struct bytes content)
{
    size_t start = out->len;
    enum rc rc = der_append_header(out, tag, content.len);
    if (rc)
        return rc;
    rc = buf_append_bytes(out, content);
    if (rc)
        buf_truncate(out, start);
    return rc;
}

/* Reads tag and length; says how long the header is. The content need not be there. */
static enum rc der_read_header(struct bytes in, unsigned *tag, size_t *header_len, size_t *content_len)
{
    if (in.len < 2 || in.data[0] == 0 || (in.data[0] & 0x1F) == 0x1F)
        return RC_FORMAT;
    size_t len = in.data[1], header = 2;
    if (len >= 0x80) {
        size_t count = len & 0x7F;
        if (count == 0 || count > 4 || in.len < 2 + count)
            return RC_FORMAT;
        len = 0;
        for (size_t i = 0; i < count; i++)
            len = len << 8 | in.data[2 + i];
        if (len < 0x80 || (count > 1 && len >> (8 * (count - 1)) == 0))
            return RC_FORMAT;
        header += count;
    }
    *tag = in.data[0];
    *header_len = header;
    *content_len = len;
    return RC_OK;
}

enum rc der_take_header(struct bytes *in, unsigned tag, size_t *len)
{
    unsigned found;
    size_t header, content;
    if (der_read_header(*in, &found, &header, &content) || found != tag)
        return RC_FORMAT;
    *in = bytes_of(in->data + header, in->len - header);
    *len = content;
    return RC_OK;
}

enum rc der_next(struct bytes *in, unsigned *tag, struct bytes *content, struct bytes *whole)
{
    if (in->len == 0)
        return RC_NOT_FOUND;
    unsigned read_tag;
    size_t header_len, content_len;
    enum rc rc = der_read_header(*in, &read_tag, &header_len, &content_len);
    if (rc)
        return rc;
    if (content_len > in->len - header_len)
        return RC_FORMAT;
    *tag = read_tag;
    *content = bytes_of(in->data + header_len, content_len);
    if (whole)
        *whole = bytes_of(in->data, header_len + content_len);
    in->data += header_len + content_len;
    in->len -= header_len + content_len;
    return RC_OK;
}

enum rc der_expect(struct bytes *in, unsigned tag, struct bytes *content, struct bytes *whole)
{
    struct bytes rest = *in, inner, outer;
    unsigned found;
    enum rc rc = der_next(&rest, &found, &inner, &outer);
    if (rc)
        return rc;
    if (found != tag)
        return RC_FORMAT;
    *content = inner;
    if (whole)
        *whole = outer;
    *in = rest;
    return RC_OK;
}

enum rc der_sequence_length(struct bytes start, size_t *len)
{
    unsigned tag;
    size_t header_len, content_len;
    if (start.len < 4 || der_read_header(start, &tag, &header_len, &content_len) || tag != 0x30)
        return RC_FORMAT;
    *len = header_len + content_len;
    return RC_OK;
}

/* hex.c — hexadecimal text. */
#include "base/hex.h"

void hex_encode(struct bytes in, char *out)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < in.len; i++) {
        out[2 * i] = digits[in.data[i] >> 4];
        out[2 * i + 1] = digits[in.data[i] & 15];
    }
    out[2 * in.len] = '\0';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return -1;
}

enum rc hex_decode(const char *text, struct buf *out)
{
    size_t start = out->len;
    enum rc rc = RC_OK;
    while (*text && rc == RC_OK) {
        if (*text == ' ' || *text == ':' || *text == '\t' || *text == '\n' || *text == '\r') {
            text++;
            continue;
        }
        int high = hex_digit(text[0]);
        int low = high < 0 ? -1 : hex_digit(text[1]);
        if (low < 0) {
            rc = RC_FORMAT;
            break;
        }
        rc = buf_append_u8(out, (unsigned)(high << 4 | low));
        text += 2;
    }
    if (rc)
        buf_truncate(out, start);
    return rc;
}

/* buf.c — growing buffers. Bytes that leave a buffer are zeroed, since any of them may have been personal data. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool bytes_equal(struct bytes a, struct bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

void buf_init(struct buf *buf, size_t max)
{
    *buf = (struct buf) { .max = max };
}

void buf_wipe(struct buf *buf)
{
    if (buf->data)
        explicit_bzero(buf->data, buf->cap);
    free(buf->data);
    *buf = (struct buf) { .max = buf->max };
}

/* realloc would leave a copy of the old bytes behind, so: new block, copy, zero, free. */
static enum rc buf_reserve(struct buf *buf, size_t more)
{
    size_t max = buf->max ? buf->max : BUF_MAX_DEFAULT;
    if (more > max || buf->len > max - more)
        return RC_RANGE;
    size_t need = buf->len + more;
    if (need <= buf->cap)
        return RC_OK;
    size_t cap = buf->cap ? buf->cap : 64;
    while (cap < need)
        cap = cap > max / 2 ? max : cap * 2;
    uint8_t *data = malloc(cap);
    if (!data)
        return RC_NOMEM;
    if (buf->len)
        memcpy(data, buf->data, buf->len);
    if (buf->data)
        explicit_bzero(buf->data, buf->cap);
    free(buf->data);
    buf->data = data;
    buf->cap = cap;
    return RC_OK;
}

enum rc buf_extend(struct buf *buf, size_t len, uint8_t **at)
{
    enum rc rc = buf_reserve(buf, len ? len : 1);
    if (rc)
        return rc;
    *at = buf->data + buf->len;
    buf->len += len;
    return RC_OK;
}

enum rc buf_append(struct buf *buf, const void *data, size_t len)
{
    if (len == 0)
        return RC_OK;
    uint8_t *at;
    enum rc rc = buf_extend(buf, len, &at);
    if (rc)
        return rc;
    memcpy(at, data, len);
    return RC_OK;
}

enum rc buf_append_bytes(struct buf *buf, struct bytes bytes)
{
    return buf_append(buf, bytes.data, bytes.len);
}

enum rc buf_append_u8(struct buf *buf, unsigned value)
{
    uint8_t byte = (uint8_t)value;
    return buf_append(buf, &byte, 1);
}

enum rc buf_append_u16(struct buf *buf, unsigned value)
{
    uint8_t two[2] = { (uint8_t)(value >> 8), (uint8_t)value };
    return buf_append(buf, two, sizeof two);
}

enum rc buf_append_u32(struct buf *buf, uint32_t value)
{
    uint8_t four[4] = { (uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value };
    return buf_append(buf, four, sizeof four);
}

enum rc buf_append_text(struct buf *buf, const char *text)
{
    return buf_append(buf, text, strlen(text));
}

enum rc buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = NULL;
    int len = vasprintf(&text, format, args);
    va_end(args);
    if (len < 0)
        return RC_NOMEM;
    enum rc rc = buf_append(buf, text, (size_t)len);
    explicit_bzero(text, (size_t)len);
    free(text);
    return rc;
}

void buf_truncate(struct buf *buf, size_t len)
{
    if (len >= buf->len)
        return;
    explicit_bzero(buf->data + len, buf->len - len);
    buf->len = len;
}

const char *buf_string(struct buf *buf)
{
    if (buf_reserve(buf, 1) != RC_OK)
        return NULL;
    buf->data[buf->len] = '\0';
    return (const char *)buf->data;
}

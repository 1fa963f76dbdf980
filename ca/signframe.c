/* signframe.c — whole messages over a stream socket. */
#include "ca/signframe.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static enum rc frame_write(int fd, const uint8_t *data, size_t len)
{
    while (len) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return RC_UNREACHABLE;
        data += n;
        len -= (size_t)n;
    }
    return RC_OK;
}

static enum rc frame_read(int fd, uint8_t *data, size_t len)
{
    while (len) {
        ssize_t n = recv(fd, data, len, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return RC_UNREACHABLE;
        data += n;
        len -= (size_t)n;
    }
    return RC_OK;
}

enum rc signframe_send(int fd, unsigned first, unsigned second, struct bytes content)
{
    if (content.len > SIGNFRAME_MAX)
        return RC_RANGE;
    uint32_t len = (uint32_t)content.len;
    const uint8_t head[6] = { (uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len,
                              (uint8_t)first, (uint8_t)second };
    enum rc rc = frame_write(fd, head, sizeof head);
    return rc ? rc : frame_write(fd, content.data, content.len);
}

enum rc signframe_receive(int fd, unsigned *first, unsigned *second, struct buf *content)
{
    uint8_t head[6], *at;
    enum rc rc = frame_read(fd, head, sizeof head);
    if (rc)
        return rc;
    size_t len = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
    if (len > SIGNFRAME_MAX)
        return RC_RANGE;
    size_t start = content->len;
    if (len) {
        rc = buf_extend(content, len, &at);
        if (!rc && (rc = frame_read(fd, at, len)) != RC_OK)
            buf_truncate(content, start);
    }
    if (rc)
        return rc;
    *first = head[4];
    *second = head[5];
    return RC_OK;
}

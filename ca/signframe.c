/* signframe.c — whole messages over a stream socket. */
#include "ca/signframe.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Both parts in one call, unless the socket takes less. */
static enum rc frame_write(int fd, struct bytes head, struct bytes content)
{
    struct iovec parts[] = { { (void *)(uintptr_t)head.data, head.len }, { (void *)(uintptr_t)content.data, content.len } };
    struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
    while (parts[0].iov_len || parts[1].iov_len) {
        ssize_t n = sendmsg(fd, &message, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return RC_UNREACHABLE;
        for (int i = 0; i < 2; i++) {
            size_t part = (size_t)n < parts[i].iov_len ? (size_t)n : parts[i].iov_len;
            parts[i].iov_base = (uint8_t *)parts[i].iov_base + part;
            parts[i].iov_len -= part;
            n -= (ssize_t)part;
        }
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
    return frame_write(fd, bytes_of(head, sizeof head), content);
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

enum rc signframe_list(struct bytes head, struct bytes tail, struct buf *content)
{
    enum rc rc = buf_append_u32(content, (uint32_t)head.len);
    if (!rc)
        rc = buf_append_bytes(content, head);
    return rc ? rc : buf_append_bytes(content, tail);
}

enum rc signframe_list_parts(struct bytes content, struct bytes *head, struct bytes *tail)
{
    if (content.len < 4)
        return RC_FORMAT;
    const uint8_t *at = content.data;
    size_t len = (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
    if (len > content.len - 4)
        return RC_FORMAT;
    *head = bytes_of(at + 4, len);
    *tail = bytes_of(at + 4 + len, content.len - 4 - len);
    return RC_OK;
}

enum rc signframe_send_fd(int fd, int sent)
{
    char byte = 1;
    union { struct cmsghdr align; char data[CMSG_SPACE(sizeof(int))]; } control = { 0 };
    struct iovec part = { &byte, 1 };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.data,
                              .msg_controllen = sizeof control.data };
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(head), &sent, sizeof sent);
    return sendmsg(fd, &message, MSG_NOSIGNAL) == 1 ? RC_OK : RC_UNREACHABLE;
}

enum rc signframe_receive_fd(int fd, int *received)
{
    char byte;
    union { struct cmsghdr align; char data[CMSG_SPACE(sizeof(int))]; } control = { 0 };
    struct iovec part = { &byte, 1 };
    struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.data,
                              .msg_controllen = sizeof control.data };
    ssize_t n;
    do
        n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    struct cmsghdr *head = n == 1 ? CMSG_FIRSTHDR(&message) : NULL;
    if (!head || head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS || head->cmsg_len != CMSG_LEN(sizeof(int)))
        return RC_UNREACHABLE;
    memcpy(received, CMSG_DATA(head), sizeof *received);
    return RC_OK;
}

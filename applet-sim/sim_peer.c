/* sim_peer.c — sockets and framing. */
#include "applet-sim/sim_peer.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define SEND_MS 5000 /* a peer that does not take its answer is let go */
#define FRAME_MAX (2u + 65535u)

void sim_peer_close(struct sim_peer *peer)
{
    if (peer->fd >= 0)
        close(peer->fd);
    buf_wipe(&peer->in);
    *peer = (struct sim_peer) { .fd = -1 };
}

bool sim_peer_receive(struct sim_peer *peer)
{
    uint8_t block[4096];
    ssize_t n = recv(peer->fd, block, sizeof block, 0);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return true;
    bool good = n > 0 && peer->in.len <= 2 * FRAME_MAX && buf_append(&peer->in, block, (size_t)n) == RC_OK;
    explicit_bzero(block, sizeof block);
    return good;
}

bool sim_peer_message(const struct sim_peer *peer, struct bytes *message)
{
    if (peer->in.len < 2)
        return false;
    size_t len = (size_t)peer->in.data[0] << 8 | peer->in.data[1];
    if (peer->in.len - 2 < len)
        return false;
    *message = bytes_of(peer->in.data + 2, len);
    return true;
}

enum rc sim_peer_take(struct sim_peer *peer, size_t len)
{
    struct buf rest = { 0 };
    enum rc rc = buf_append(&rest, peer->in.data + len, peer->in.len - len);
    buf_wipe(&peer->in);
    peer->in = rest;
    return rc;
}

enum rc sim_peer_send_text(const struct sim_peer *peer, struct bytes text)
{
    for (size_t sent = 0; sent < text.len;) {
        ssize_t n = send(peer->fd, text.data + sent, text.len - sent, MSG_NOSIGNAL);
        if (n >= 0) {
            sent += (size_t)n;
        } else if (errno == EAGAIN) {
            struct pollfd fd = { .fd = peer->fd, .events = POLLOUT };
            if (poll(&fd, 1, SEND_MS) <= 0)
                return RC_IO;
        } else if (errno != EINTR) {
            return RC_IO;
        }
    }
    return RC_OK;
}

/* One segment for length and bytes: two would wait for each other's acknowledgement. */
enum rc sim_peer_send(const struct sim_peer *peer, struct bytes message)
{
    struct buf frame = { 0 };
    enum rc rc = message.len > 65535 ? RC_RANGE : buf_append_u16(&frame, (unsigned)message.len);
    if (rc == RC_OK)
        rc = buf_append_bytes(&frame, message);
    if (rc == RC_OK)
        rc = sim_peer_send_text(peer, buf_bytes(&frame));
    buf_wipe(&frame);
    return rc;
}

/* A socket left by a killed simulator answers to nobody and is taken over; a living one is left alone. */
enum rc sim_peer_listen(const char *path, int *listener, struct err *err)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof address.sun_path)
        return err_set(err, RC_USAGE, "%s: too long for a socket's path", path);
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_set_errno(err, RC_IO, "socket");
    struct stat st;
    if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode)) {
        if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) {
            close(fd);
            return err_set(err, RC_CONFLICT, "%s: another simulator serves it", path);
        }
        unlink(path);
    }
    mode_t mask = umask(0177);
    int failed = bind(fd, (struct sockaddr *)&address, sizeof address);
    umask(mask);
    if (failed || listen(fd, 16) != 0 || fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
        err_set_errno(err, RC_IO, "%s", path);
        close(fd);
        return RC_IO;
    }
    *listener = fd;
    return RC_OK;
}

int sim_peer_accept(int listener)
{
    return accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

enum rc sim_peer_resolve(const char *address, struct addrinfo **found, struct err *err)
{
    const char *colon = strrchr(address, ':');
    if (!colon || colon == address || !colon[1])
        return err_set(err, RC_USAGE, "%s: not of the form HOST:PORT", address);
    char *host = strndup(address, (size_t)(colon - address));
    if (!host)
        return RC_NOMEM;
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    int failed = getaddrinfo(host, colon + 1, &hints, found);
    free(host);
    return failed ? err_set(err, RC_USAGE, "%s: %s", address, gai_strerror(failed)) : RC_OK;
}

void sim_peer_hurry(int fd)
{
    int one = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof one);
}

int sim_peer_call(const struct addrinfo *address)
{
    for (const struct addrinfo *a = address; a; a = a->ai_next) {
        int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol);
        if (fd < 0)
            continue;
        if (connect(fd, a->ai_addr, a->ai_addrlen) == 0 || errno == EINPROGRESS)
            return fd;
        close(fd);
    }
    return -1;
}

bool sim_peer_called(int fd)
{
    int one = 1, error = 0;
    socklen_t len = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 || error)
        return false;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    sim_peer_hurry(fd);
    return true;
}

/* sim_reader.c — one loop, no threads: peers' bytes come in, whole messages go to the card, answers go out. Everything
 * about cards is behind sim.h, everything about readers here. */
#include "applet-sim/sim_reader.h"

#include "base/log.h"
#include "base/proc.h"
#include "wire/apdu.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define PEER_MAX 32
#define RETRY_MS 300  /* how often an absent vpcd is called */
#define HANDOVER_MS 200
#define SEND_MS 5000 /* a peer that does not take its answer is let go */
#define FRAME_MAX (2u + 65535u)

enum control { CONTROL_OFF = 0, CONTROL_ON = 1, CONTROL_RESET = 2, CONTROL_ATR = 4 };

struct peer {
    int fd; /* -1: free */
    bool vpcd;
    struct buf in;
};

struct loop {
    struct sim *sim;
    FILE *trace;
    struct addrinfo *vpcd_address;
    int listener;
    struct peer peers[PEER_MAX]; /* [0] is vpcd's */
    int holder;                  /* index of the peer that spoke last, -1 for none */
    int64_t spoke;               /* when */
    int64_t called;              /* when vpcd was called last */
};

static int64_t loop_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void peer_close(struct loop *loop, int index)
{
    struct peer *peer = &loop->peers[index];
    if (peer->fd >= 0)
        close(peer->fd);
    if (peer->vpcd) { /* the reader has gone: the card is out of it */
        log_info("vpcd has gone");
        sim_power_off(loop->sim);
    }
    buf_wipe(&peer->in);
    *peer = (struct peer) { .fd = -1 };
    if (loop->holder == index)
        loop->holder = -1;
}

/* --- messages ------------------------------------------------------------------------------------------------------ */

/* One segment for length and bytes: two would wait for each other's acknowledgement. */
static enum rc peer_send(const struct peer *peer, struct bytes message)
{
    struct buf frame = { 0 };
    enum rc rc = message.len > 65535 ? RC_RANGE : buf_append_u16(&frame, (unsigned)message.len);
    if (rc == RC_OK)
        rc = buf_append_bytes(&frame, message);
    for (size_t sent = 0; rc == RC_OK && sent < frame.len;) {
        ssize_t n = send(peer->fd, frame.data + sent, frame.len - sent, MSG_NOSIGNAL);
        if (n >= 0) {
            sent += (size_t)n;
        } else if (errno == EAGAIN) {
            struct pollfd fd = { .fd = peer->fd, .events = POLLOUT };
            if (poll(&fd, 1, SEND_MS) <= 0)
                rc = RC_IO;
        } else if (errno != EINTR) {
            rc = RC_IO;
        }
    }
    buf_wipe(&frame);
    return rc;
}

static void loop_trace(struct loop *loop, struct bytes command, struct bytes answer)
{
    struct buf line = { 0 };
    if (!loop->trace)
        return;
    const char *text = apdu_trace(command, answer, &line) == RC_OK ? buf_string(&line) : NULL;
    if (text && (fprintf(loop->trace, "%s\n", text) < 0 || fflush(loop->trace) != 0))
        log_warning("the trace cannot be written");
    buf_wipe(&line);
}

static enum rc loop_command(struct loop *loop, const struct peer *peer, struct bytes command)
{
    struct buf answer = { 0 };
    enum rc rc = sim_transmit(loop->sim, command, &answer);
    if (rc) { /* a card without power, or without memory: a reader must have some answer */
        buf_truncate(&answer, 0);
        rc = buf_append(&answer, "\x6F\x00", 2);
    }
    loop_trace(loop, command, buf_bytes(&answer));
    if (rc == RC_OK)
        rc = peer_send(peer, buf_bytes(&answer));
    buf_wipe(&answer);
    return rc;
}

static enum rc loop_message(struct loop *loop, const struct peer *peer, struct bytes message)
{
    if (message.len != 1)
        return message.len ? loop_command(loop, peer, message) : RC_OK;
    switch (message.data[0]) {
    case CONTROL_OFF:
        sim_power_off(loop->sim);
        return RC_OK;
    case CONTROL_ON:
        sim_power_on(loop->sim);
        return RC_OK;
    case CONTROL_RESET:
        sim_reset(loop->sim);
        return RC_OK;
    case CONTROL_ATR:
        return peer_send(peer, sim_atr(loop->sim));
    default:
        return RC_OK;
    }
}

/* May this peer's message be done now? Asking for the answer to reset and switching on disturb nobody. */
static bool loop_may(const struct loop *loop, int index, struct bytes message)
{
    if (message.len == 1 && (message.data[0] == CONTROL_ATR || message.data[0] == CONTROL_ON))
        return true;
    return loop->holder < 0 || loop->holder == index || loop_now() - loop->spoke >= HANDOVER_MS;
}

/* Does the whole messages that a peer has sent. Returns true when one has to wait for another peer. */
static bool loop_drain(struct loop *loop, int index)
{
    struct peer *peer = &loop->peers[index];
    while (peer->fd >= 0 && peer->in.len >= 2) {
        size_t len = (size_t)peer->in.data[0] << 8 | peer->in.data[1];
        if (peer->in.len - 2 < len)
            return false;
        struct bytes message = bytes_of(peer->in.data + 2, len);
        if (!loop_may(loop, index, message))
            return true;
        if (len > 1) {
            loop->holder = index;
            loop->spoke = loop_now();
        }
        enum rc rc = loop_message(loop, peer, message);
        loop->spoke = len > 1 ? loop_now() : loop->spoke;
        struct buf rest = { 0 };
        if (rc == RC_OK)
            rc = buf_append(&rest, peer->in.data + 2 + len, peer->in.len - 2 - len);
        buf_wipe(&peer->in);
        peer->in = rest;
        if (rc)
            peer_close(loop, index);
    }
    return false;
}

static void loop_receive(struct loop *loop, int index)
{
    struct peer *peer = &loop->peers[index];
    uint8_t block[4096];
    int one = 1;
    if (peer->vpcd) /* the kernel forgets this with every exchange */
        (void)setsockopt(peer->fd, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof one);
    ssize_t n = recv(peer->fd, block, sizeof block, 0);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n <= 0 || peer->in.len > 2 * FRAME_MAX || buf_append(&peer->in, block, (size_t)n))
        peer_close(loop, index);
    explicit_bzero(block, sizeof block);
}

/* --- peers --------------------------------------------------------------------------------------------------------- */

static enum rc loop_resolve(struct loop *loop, const char *vpcd, struct err *err)
{
    const char *colon = strrchr(vpcd, ':');
    if (!colon || colon == vpcd || !colon[1])
        return err_set(err, RC_USAGE, "%s: not of the form HOST:PORT", vpcd);
    char *host = strndup(vpcd, (size_t)(colon - vpcd));
    if (!host)
        return RC_NOMEM;
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    int failed = getaddrinfo(host, colon + 1, &hints, &loop->vpcd_address);
    free(host);
    return failed ? err_set(err, RC_USAGE, "%s: %s", vpcd, gai_strerror(failed)) : RC_OK;
}

static void loop_call_vpcd(struct loop *loop)
{
    int one = 1;
    loop->called = loop_now();
    for (const struct addrinfo *a = loop->vpcd_address; a; a = a->ai_next) {
        int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, a->ai_protocol);
        if (fd < 0)
            continue;
        if (connect(fd, a->ai_addr, a->ai_addrlen) == 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0) {
            (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
            (void)setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof one);
            loop->peers[0] = (struct peer) { .fd = fd, .vpcd = true };
            log_info("the card is in vpcd's reader");
            return;
        }
        close(fd);
    }
}

/* A socket left by a killed simulator answers to nobody and is taken over; a living one is left alone. */
static enum rc loop_listen(struct loop *loop, const char *path, struct err *err)
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
    loop->listener = fd;
    return RC_OK;
}

static void loop_accept(struct loop *loop)
{
    int fd = accept4(loop->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    for (int i = 1; i < PEER_MAX; i++)
        if (loop->peers[i].fd < 0) {
            loop->peers[i] = (struct peer) { .fd = fd };
            return;
        }
    close(fd);
}

/* --- the loop ------------------------------------------------------------------------------------------------------ */

/* Milliseconds until something must be done that no descriptor tells. */
static int loop_timeout(const struct loop *loop, bool waiting)
{
    int64_t until = -1, now = loop_now();
    if (loop->vpcd_address && loop->peers[0].fd < 0)
        until = loop->called + RETRY_MS;
    if (waiting && (until < 0 || loop->spoke + HANDOVER_MS < until))
        until = loop->spoke + HANDOVER_MS;
    if (until < 0)
        return -1;
    return until <= now ? 0 : (int)(until - now);
}

static void loop_turn(struct loop *loop, bool *waiting)
{
    struct pollfd fds[PEER_MAX + 2];
    for (int i = 0; i < PEER_MAX; i++)
        fds[i] = (struct pollfd) { .fd = loop->peers[i].fd, .events = POLLIN };
    fds[PEER_MAX] = (struct pollfd) { .fd = loop->listener, .events = POLLIN };
    fds[PEER_MAX + 1] = (struct pollfd) { .fd = proc_stop_fd(), .events = POLLIN };
    if (poll(fds, PEER_MAX + 2, loop_timeout(loop, *waiting)) < 0)
        return; /* a signal: the caller looks whether it was a stop */
    if (fds[PEER_MAX].revents)
        loop_accept(loop);
    *waiting = false;
    for (int i = 0; i < PEER_MAX; i++) {
        if (fds[i].fd >= 0 && fds[i].revents)
            loop_receive(loop, i);
        *waiting |= loop_drain(loop, i);
    }
    if (loop->vpcd_address && loop->peers[0].fd < 0 && loop_now() - loop->called >= RETRY_MS)
        loop_call_vpcd(loop);
}

enum rc sim_reader_run(struct sim *sim, const struct sim_reader *reader, struct err *err)
{
    struct loop loop = { .sim = sim, .listener = -1, .holder = -1, .called = -RETRY_MS };
    enum rc rc = RC_OK;
    bool waiting = false;
    for (int i = 0; i < PEER_MAX; i++)
        loop.peers[i].fd = -1;
    if (reader->trace) {
        int fd = open(reader->trace, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        loop.trace = fd < 0 ? NULL : fdopen(fd, "a");
        if (!loop.trace)
            rc = err_set_errno(err, RC_IO, "%s", reader->trace);
    }
    if (rc == RC_OK && reader->vpcd)
        rc = loop_resolve(&loop, reader->vpcd, err);
    if (rc == RC_OK && reader->socket)
        rc = loop_listen(&loop, reader->socket, err);
    if (rc == RC_OK)
        rc = proc_pid_file(reader->pid_file, err);
    while (rc == RC_OK && !proc_stopping())
        loop_turn(&loop, &waiting);
    for (int i = 0; i < PEER_MAX; i++)
        peer_close(&loop, i);
    if (loop.listener >= 0) {
        close(loop.listener);
        unlink(reader->socket);
    }
    if (loop.vpcd_address)
        freeaddrinfo(loop.vpcd_address);
    if (loop.trace)
        fclose(loop.trace);
    sim_power_off(sim);
    return rc;
}

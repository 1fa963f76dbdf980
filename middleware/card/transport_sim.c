/* transport_sim.c — the software card behind its Unix socket. The simulator lets one client's commands through until that
 * client has been silent for a moment, and inside a transaction until that ends or the client is gone; what another client
 * did to the card between two transactions is not told, and the card's own answers must say it. Does not look into what it carries. */
#include "card/transport_sim.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define SIM_ANSWER_MS 60000 /* a key pair in software may take its time */
#define SIM_REACH_S 5
#define SIM_WATCH_MS 250    /* how often transport_wait looks */

enum sim_control { SIM_POWER_OFF = 0, SIM_POWER_ON = 1, SIM_RESET = 2, SIM_GET_ATR = 4, SIM_BEGIN = 5, SIM_END = 6 };

struct sim_link;

struct sim {
    struct transport transport;
    struct sockaddr_un address;
    char name[TRANSPORT_READER_SIZE];
    struct sim_link *live; /* the one link that reaches the card, or NULL */
    int cancel[2];         /* a pipe: transport_cancel writes, transport_wait reads */
};

struct sim_link {
    struct transport_link link;
    struct sim *sim;
    int fd; /* -1 once the card is gone */
    bool held;
    uint8_t atr[TRANSPORT_ATR_MAX];
    size_t atr_len;
};

static const struct transport_ops sim_ops;

static enum rc sim_write_all(int fd, const uint8_t *data, size_t len)
{
    while (len) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return RC_CARD_GONE;
        data += n;
        len -= (size_t)n;
    }
    return RC_OK;
}

static enum rc sim_send(int fd, struct bytes message)
{
    if (message.len > 0xFFFF)
        return RC_RANGE;
    uint8_t header[2] = { (uint8_t)(message.len >> 8), (uint8_t)message.len };
    enum rc rc = sim_write_all(fd, header, sizeof header);
    return rc ? rc : sim_write_all(fd, message.data, message.len);
}

static enum rc sim_control_send(int fd, enum sim_control control)
{
    uint8_t byte = (uint8_t)control;
    return sim_send(fd, bytes_of(&byte, 1));
}

static enum rc sim_read_all(int fd, uint8_t *data, size_t len, int64_t until)
{
    while (len) {
        int64_t left = until - clock_ticks();
        struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
        int ready = left > 0 ? poll(&poll_fd, 1, (int)left) : 0;
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return RC_CARD_GONE;
        ssize_t n = read(fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return RC_CARD_GONE;
        data += n;
        len -= (size_t)n;
    }
    return RC_OK;
}

/* One message, appended to out; out is unchanged when it does not come whole. */
static enum rc sim_receive(int fd, struct buf *out)
{
    int64_t until = clock_ticks() + SIM_ANSWER_MS;
    uint8_t header[2], *at;
    enum rc rc = sim_read_all(fd, header, sizeof header, until);
    if (rc)
        return rc;
    size_t start = out->len, len = (size_t)header[0] << 8 | header[1];
    rc = buf_extend(out, len, &at);
    if (!rc)
        rc = sim_read_all(fd, at, len, until);
    if (rc)
        buf_truncate(out, start);
    return rc;
}

static enum rc sim_reach(const struct sim *sim, int *fd, struct err *err)
{
    int made = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (made < 0)
        return err_set_errno(err, RC_IO, "socket");
    const struct timeval patience = { .tv_sec = SIM_REACH_S }; /* holds for connect(2) too, when the peer takes nobody */
    if (setsockopt(made, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) < 0
        || connect(made, (const struct sockaddr *)&sim->address, sizeof sim->address) < 0) {
        int why = errno;
        close(made);
        errno = why;
        return err_set_errno(err, RC_CARD_ABSENT, "no simulator at %s", sim->address.sun_path);
    }
    *fd = made;
    return RC_OK;
}

/* A simulator that takes connections is a card. Touches no link: transport_wait asks from another thread. */
static bool sim_card_present(const struct sim *sim)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return false;
    bool there = connect(fd, (const struct sockaddr *)&sim->address, sizeof sim->address) == 0 || errno == EAGAIN;
    close(fd);
    return there;
}

static bool sim_alive(const struct sim_link *self)
{
    struct pollfd poll_fd = { .fd = self->fd, .events = POLLRDHUP };
    return self->fd >= 0 && poll(&poll_fd, 1, 0) == 0;
}

/* Tells one simulator's life from the next one's at the same path. */
static struct transport_reader sim_look(const struct sim *sim)
{
    struct transport_reader reader = { .card_present = sim_card_present(sim) };
    memcpy(reader.name, sim->name, sizeof reader.name);
    struct stat about;
    if (reader.card_present && stat(sim->address.sun_path, &about) == 0)
        reader.state = (uint32_t)about.st_ino ^ (uint32_t)about.st_ctim.tv_sec ^ (uint32_t)about.st_ctim.tv_nsec;
    return reader;
}

static enum rc sim_list(struct transport *transport, struct transport_reader *readers, size_t max, size_t *count,
                        struct err *err)
{
    (void)err;
    if (max)
        readers[0] = sim_look((struct sim *)transport);
    *count = max ? 1 : 0;
    return RC_OK;
}

static void sim_drop(struct sim_link *self)
{
    if (self->fd >= 0)
        close(self->fd);
    self->fd = -1;
    self->held = false;
    if (self->sim->live == self)
        self->sim->live = NULL;
}

static void sim_disconnect(struct transport_link *link, enum transport_disposition disposition)
{
    struct sim_link *self = (struct sim_link *)link;
    transport_end(link, disposition);
    sim_drop(self);
    free(self);
}

/* Powers the card and takes its answer to reset. */
static enum rc sim_power(struct sim_link *self, struct err *err)
{
    struct buf atr;
    buf_init(&atr, 0x10000);
    enum rc rc = sim_control_send(self->fd, SIM_POWER_ON);
    if (!rc)
        rc = sim_control_send(self->fd, SIM_GET_ATR);
    if (!rc)
        rc = sim_receive(self->fd, &atr);
    if (!rc && (atr.len < 2 || atr.len > TRANSPORT_ATR_MAX))
        rc = RC_IO;
    if (rc) {
        rc = err_set(err, rc == RC_CARD_GONE ? RC_CARD_ABSENT : rc, "%s: no answer to reset", self->sim->name);
    } else {
        memcpy(self->atr, atr.data, atr.len);
        self->atr_len = atr.len;
    }
    buf_wipe(&atr);
    return rc;
}

static enum rc sim_connect(struct transport *transport, const char *reader, struct transport_link **link,
                           struct err *err)
{
    struct sim *sim = (struct sim *)transport;
    if (strcmp(reader, sim->name) != 0)
        return err_set(err, RC_READER_GONE, "reader '%s': there is only '%s'", reader, sim->name);
    if (sim->live)
        return err_set(err, RC_CONFLICT, "reader '%s': this program is connected already", reader);
    struct sim_link *made = calloc(1, sizeof *made);
    if (!made)
        return RC_NOMEM;
    *made = (struct sim_link) { .link.ops = &sim_ops, .sim = sim, .fd = -1 };
    enum rc rc = sim_reach(sim, &made->fd, err);
    if (!rc)
        rc = sim_power(made, err);
    if (rc) {
        sim_drop(made);
        free(made);
        return rc;
    }
    sim->live = made;
    *link = &made->link;
    return RC_OK;
}

static enum rc sim_lost(struct sim_link *self, struct err *err)
{
    sim_drop(self);
    return err_set(err, RC_CARD_GONE, "%s: the simulator is gone", self->sim->name);
}

static enum rc sim_begin(struct transport_link *link, bool *was_reset, struct err *err)
{
    struct sim_link *self = (struct sim_link *)link;
    if (self->held)
        return err_set(err, RC_STATE, "%s: a transaction is held already", self->sim->name);
    if (!sim_alive(self) || sim_control_send(self->fd, SIM_BEGIN)) /* what follows waits for the other client's end */
        return sim_lost(self, err);
    self->held = true;
    *was_reset = false; /* the socket does not tell */
    return RC_OK;
}

static void sim_end(struct transport_link *link, enum transport_disposition disposition)
{
    struct sim_link *self = (struct sim_link *)link;
    int fd = self->fd;
    bool held = self->held;
    self->held = false;
    if (fd < 0)
        return;
    enum rc rc = RC_OK;
    if (disposition == TRANSPORT_RESET) {
        rc = sim_control_send(fd, SIM_RESET);
    } else if (disposition == TRANSPORT_UNPOWER) {
        rc = sim_control_send(fd, SIM_POWER_OFF);
        if (!rc)
            rc = sim_control_send(fd, SIM_POWER_ON);
    }
    if (!rc && held)
        rc = sim_control_send(fd, SIM_END);
    if (rc)
        (void)sim_lost(self, NULL); /* the next begin says so */
}

static enum rc sim_transmit(struct transport_link *link, struct bytes command, struct buf *response, struct err *err)
{
    struct sim_link *self = (struct sim_link *)link;
    int fd = self->fd;
    if (fd < 0)
        return err_set(err, RC_CARD_GONE, "%s: the simulator is gone", self->sim->name);
    if (command.len < 4)
        return err_set(err, RC_BUG, "%s: a command of %zu bytes", self->sim->name, command.len);
    size_t start = response->len;
    enum rc rc = sim_send(fd, command);
    if (rc == RC_RANGE)
        return err_set(err, rc, "%s: a command of %zu bytes", self->sim->name, command.len);
    if (!rc)
        rc = sim_receive(fd, response);
    if (!rc && response->len - start < 2) {
        buf_truncate(response, start);
        rc = RC_CARD_GONE; /* a peer that does not keep to the framing cannot be followed */
    }
    return rc == RC_CARD_GONE ? sim_lost(self, err) : rc;
}

static struct bytes sim_atr(const struct transport_link *link)
{
    const struct sim_link *self = (const struct sim_link *)link;
    return bytes_of(self->atr, self->atr_len);
}

static bool sim_differs(const struct sim *sim, const struct transport_reader *known, size_t count)
{
    struct transport_reader now = sim_look(sim);
    return count == 0 || known[0].card_present != now.card_present || known[0].state != now.state;
}

static enum rc sim_wait(struct transport *transport, const struct transport_reader *known, size_t count,
                        int milliseconds, struct err *err)
{
    struct sim *sim = (struct sim *)transport;
    int64_t until = milliseconds < 0 ? INT64_MAX : clock_ticks() + milliseconds;
    for (;;) {
        if (sim_differs(sim, known, count))
            return RC_OK;
        int64_t left = until - clock_ticks();
        if (left <= 0)
            return RC_TIMEOUT;
        struct pollfd poll_fd = { .fd = sim->cancel[0], .events = POLLIN };
        int ready = poll(&poll_fd, 1, left < SIM_WATCH_MS ? (int)left : SIM_WATCH_MS);
        if (ready < 0 && errno != EINTR)
            return err_set_errno(err, RC_IO, "poll");
        uint8_t drained[16];
        if (ready > 0 && read(sim->cancel[0], drained, sizeof drained) > 0)
            return RC_INTERRUPTED;
    }
}

static void sim_cancel(struct transport *transport)
{
    struct sim *sim = (struct sim *)transport;
    while (write(sim->cancel[1], "", 1) < 0 && errno == EINTR)
        ;
}

static void sim_close(struct transport *transport, bool forked)
{
    (void)forked; /* closing this process's descriptors tells nobody anything while the parent holds its own */
    struct sim *sim = (struct sim *)transport;
    for (int i = 0; i < 2; i++)
        if (sim->cancel[i] >= 0)
            close(sim->cancel[i]);
    free(sim);
}

static const struct transport_ops sim_ops = {
    .kind = "sim",
    .list = sim_list,
    .connect = sim_connect,
    .begin = sim_begin,
    .end = sim_end,
    .transmit = sim_transmit,
    .atr = sim_atr,
    .disconnect = sim_disconnect,
    .wait = sim_wait,
    .cancel = sim_cancel,
    .close = sim_close,
};

enum rc transport_sim_new(const char *path, struct transport **transport, struct err *err)
{
    struct sim *sim = calloc(1, sizeof *sim);
    if (!sim)
        return RC_NOMEM;
    sim->transport.ops = &sim_ops;
    sim->cancel[0] = sim->cancel[1] = -1;
    sim->address.sun_family = AF_UNIX;
    enum rc rc = RC_OK;
    if (!*path || strlen(path) >= sizeof sim->address.sun_path)
        rc = err_set(err, RC_USAGE, "reader 'sim:%s': the path of a socket has 1 to %zu bytes", path,
                     sizeof sim->address.sun_path - 1);
    else if (pipe2(sim->cancel, O_CLOEXEC | O_NONBLOCK) < 0)
        rc = err_set_errno(err, RC_IO, "pipe");
    if (rc) {
        sim_close(&sim->transport, false);
        return rc;
    }
    memcpy(sim->address.sun_path, path, strlen(path) + 1);
    snprintf(sim->name, sizeof sim->name, "sim:%s", path);
    *transport = &sim->transport;
    return RC_OK;
}

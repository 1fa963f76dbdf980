/* sim_reader.c — one loop, no threads: descriptors of all readers and of the control socket, and the time until something
 * must be done that no descriptor tells. What a reader is stands in sim_slot. */
#include "applet-sim/sim_reader.h"

#include "applet-sim/sim_control.h"
#include "applet-sim/sim_slot.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/proc.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONTROL_PEERS 8
#define LINE_MAX_LEN 4200u
#define SLOT_FDS (SLOT_PEERS + 2)
#define CALLING (SLOT_PEERS + 1)
#define FDS_MAX (SIM_SLOTS_MAX * SLOT_FDS + CONTROL_PEERS + 2)

struct loop {
    const struct sim_reader *reader;
    struct slot slots[SIM_SLOTS_MAX];
    FILE *trace;
    int control; /* listens; -1 for none */
    struct sim_peer askers[CONTROL_PEERS];
    struct pollfd fds[FDS_MAX];
};

/* --- control ------------------------------------------------------------------------------------------------------- */

static enum rc loop_obey(struct loop *loop, const char *line, struct buf *out, struct err *err)
{
    struct sim_request request;
    enum rc rc = sim_control_parse(line, &request, err);
    if (rc)
        return rc;
    if (request.wish != SIM_WISH_SLOTS && request.slot >= loop->reader->count)
        return err_set(err, RC_NOT_FOUND, "there is no reader %u; the last one is %zu", request.slot, loop->reader->count - 1);
    switch (request.wish) {
    case SIM_WISH_INSERT:
        return slot_insert(&loop->slots[request.slot], request.path, err);
    case SIM_WISH_EJECT:
        return slot_eject(&loop->slots[request.slot], err);
    case SIM_WISH_SLOTS:
        break;
    }
    for (size_t i = 0; rc == RC_OK && i < loop->reader->count; i++) {
        rc = slot_describe(&loop->slots[i], out);
        if (rc == RC_OK)
            rc = buf_append_text(out, "\n");
    }
    return rc;
}

static void loop_ask(struct loop *loop, struct sim_peer *asker)
{
    struct buf out = { 0 };
    struct err err = { 0 };
    bool living = sim_peer_receive(asker) && asker->in.len <= LINE_MAX_LEN;
    char *end = living ? memchr(asker->in.data, '\n', asker->in.len) : NULL;
    if (living && !end)
        return; /* more is to come */
    if (end) {
        *end = '\0';
        enum rc rc = loop_obey(loop, (char *)asker->in.data, &out, &err);
        if (rc)
            buf_truncate(&out, 0);
        if (rc ? buf_printf(&out, "error %s\n", err_text(&err, rc)) : buf_append_text(&out, "ok\n"))
            living = false;
        if (living && sim_peer_send_text(asker, buf_bytes(&out)))
            log_warning("the control socket's client did not take its answer");
    }
    sim_peer_close(asker);
    buf_wipe(&out);
}

static void loop_accept(struct loop *loop)
{
    int fd = sim_peer_accept(loop->control);
    if (fd < 0)
        return;
    for (int i = 0; i < CONTROL_PEERS; i++)
        if (loop->askers[i].fd < 0) {
            loop->askers[i] = (struct sim_peer) { .fd = fd };
            return;
        }
    close(fd);
}

/* --- the loop ------------------------------------------------------------------------------------------------------ */

static int loop_timeout(const struct loop *loop)
{
    int64_t until = -1, now = clock_ticks();
    for (size_t i = 0; i < loop->reader->count; i++) {
        int64_t slot = slot_until(&loop->slots[i]);
        if (slot >= 0 && (until < 0 || slot < until))
            until = slot;
    }
    if (until < 0)
        return -1;
    return until <= now ? 0 : (int)(until - now);
}

static void loop_turn(struct loop *loop)
{
    struct pollfd *fds = loop->fds, *askers = fds + loop->reader->count * SLOT_FDS, *last = askers + CONTROL_PEERS;
    for (size_t i = 0; i < loop->reader->count; i++) {
        for (int j = 0; j < SLOT_PEERS; j++)
            fds[i * SLOT_FDS + (size_t)j] = (struct pollfd) { .fd = loop->slots[i].peers[j].fd, .events = POLLIN };
        fds[i * SLOT_FDS + SLOT_PEERS] = (struct pollfd) { .fd = loop->slots[i].listener, .events = POLLIN };
        fds[i * SLOT_FDS + CALLING] = (struct pollfd) { .fd = loop->slots[i].calling, .events = POLLOUT };
    }
    for (int j = 0; j < CONTROL_PEERS; j++)
        askers[j] = (struct pollfd) { .fd = loop->askers[j].fd, .events = POLLIN };
    last[0] = (struct pollfd) { .fd = loop->control, .events = POLLIN };
    last[1] = (struct pollfd) { .fd = proc_stop_fd(), .events = POLLIN };
    if (poll(fds, (nfds_t)(last + 2 - fds), loop_timeout(loop)) < 0)
        return; /* a signal: the caller looks whether it was a stop */
    for (size_t i = 0; i < loop->reader->count; i++) {
        struct slot *slot = &loop->slots[i];
        const struct pollfd *own = fds + i * SLOT_FDS;
        for (int j = 0; j < SLOT_PEERS; j++)
            if (own[j].fd >= 0 && own[j].revents)
                slot_receive(slot, j);
        if (own[SLOT_PEERS].revents)
            slot_accept(slot);
        if (own[CALLING].revents)
            slot_called(slot);
        slot_serve(slot);
    }
    for (int j = 0; j < CONTROL_PEERS; j++)
        if (askers[j].fd >= 0 && askers[j].revents)
            loop_ask(loop, &loop->askers[j]);
    if (last[0].revents)
        loop_accept(loop);
}

static enum rc loop_open(struct loop *loop, struct err *err)
{
    const struct sim_reader *reader = loop->reader;
    enum rc rc = RC_OK;
    if (reader->trace) {
        int fd = open(reader->trace, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        loop->trace = fd < 0 ? NULL : fdopen(fd, "a");
        if (!loop->trace)
            rc = err_set_errno(err, RC_IO, "%s", reader->trace);
    }
    for (size_t i = 0; rc == RC_OK && i < reader->count; i++)
        rc = slot_open(&loop->slots[i], reader, i, loop->trace, err);
    if (rc == RC_OK && reader->control)
        rc = sim_peer_listen(reader->control, &loop->control, err);
    return rc == RC_OK ? proc_pid_file(reader->pid_file, err) : rc;
}

enum rc sim_reader_run(const struct sim_reader *reader, struct err *err)
{
    struct loop *loop = calloc(1, sizeof *loop);
    if (!loop)
        return RC_NOMEM;
    loop->reader = reader;
    loop->control = -1;
    for (size_t i = 0; i < SIM_SLOTS_MAX; i++)
        loop->slots[i].listener = loop->slots[i].calling = -1;
    for (int j = 0; j < CONTROL_PEERS; j++)
        loop->askers[j].fd = -1;
    enum rc rc = loop_open(loop, err);
    while (rc == RC_OK && !proc_stopping())
        loop_turn(loop);
    for (size_t i = 0; i < reader->count; i++)
        slot_close(&loop->slots[i]);
    for (int j = 0; j < CONTROL_PEERS; j++)
        sim_peer_close(&loop->askers[j]);
    if (loop->control >= 0) {
        close(loop->control);
        unlink(reader->control);
    }
    if (loop->trace)
        (void)fclose(loop->trace);
    free(loop);
    return rc;
}

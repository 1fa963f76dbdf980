/* sim_control.c — the request's form, and the asking end. The answering end is in the loop of sim_reader. */
#include "applet-sim/sim_control.h"

#include "applet-sim/sim_peer.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_MS 30000
#define ANSWER_MAX 65536u

enum rc sim_control_parse(const char *line, struct sim_request *request, struct err *err)
{
    struct sim_request made = { 0 };
    char *end;
    if (strcmp(line, "slots") == 0) {
        *request = made;
        return RC_OK;
    }
    if (strncmp(line, "insert ", 7) == 0)
        made.wish = SIM_WISH_INSERT;
    else if (strncmp(line, "eject ", 6) == 0)
        made.wish = SIM_WISH_EJECT;
    else
        return err_set(err, RC_FORMAT, "neither slots, insert N PATH nor eject N");
    const char *number = line + (made.wish == SIM_WISH_INSERT ? 7 : 6);
    unsigned long slot = strtoul(number, &end, 10);
    if (*number < '0' || *number > '9' || slot > 999)
        return err_set(err, RC_FORMAT, "a reader has a number");
    made.slot = (unsigned)slot;
    if (*end == ' ' && end[1] && made.wish == SIM_WISH_INSERT)
        made.path = end + 1;
    else if (*end)
        return err_set(err, RC_FORMAT, "too much behind the reader's number");
    *request = made;
    return RC_OK;
}

static enum rc control_receive(struct sim_peer *peer, struct err *err)
{
    for (;;) {
        struct pollfd fd = { .fd = peer->fd, .events = POLLIN };
        uint8_t block[4096];
        int ready = poll(&fd, 1, ANSWER_MS);
        if (ready < 0 && errno == EINTR)
            continue;
        ssize_t n = ready > 0 ? recv(peer->fd, block, sizeof block, 0) : -1;
        if (n == 0)
            return RC_OK;
        if (n < 0 || peer->in.len > ANSWER_MAX)
            return err_set(err, RC_IO, "the reader's answer does not come");
        enum rc rc = buf_append(&peer->in, block, (size_t)n);
        if (rc)
            return rc;
    }
}

/* Cuts the last line off and judges it. */
static enum rc control_judge(char *text, struct buf *out, struct err *err)
{
    size_t len = strlen(text);
    if (len == 0 || text[len - 1] != '\n')
        return err_set(err, RC_IO, "the reader's answer is cut");
    text[len - 1] = '\0';
    char *last = strrchr(text, '\n');
    last = last ? last + 1 : text;
    if (strncmp(last, "error ", 6) == 0)
        return err_set(err, RC_REFUSED, "%s", last + 6);
    if (strcmp(last, "ok") != 0)
        return err_set(err, RC_IO, "the reader's answer is none");
    return buf_append(out, text, (size_t)(last - text));
}

enum rc sim_control_ask(const char *path, const char *line, struct buf *out, struct err *err)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct buf request = { 0 };
    if (strlen(path) >= sizeof address.sun_path)
        return err_set(err, RC_USAGE, "%s: too long for a socket's path", path);
    memcpy(address.sun_path, path, strlen(path) + 1);
    struct sim_peer peer = { .fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) };
    enum rc rc = RC_OK;
    if (peer.fd < 0)
        return err_set_errno(err, RC_IO, "socket");
    if (connect(peer.fd, (struct sockaddr *)&address, sizeof address) != 0)
        rc = err_set_errno(err, RC_UNREACHABLE, "no simulator listens at %s", path);
    if (rc == RC_OK)
        rc = buf_printf(&request, "%s\n", line);
    if (rc == RC_OK)
        rc = sim_peer_send_text(&peer, buf_bytes(&request));
    if (rc == RC_OK)
        rc = control_receive(&peer, err);
    if (rc == RC_OK && !buf_string(&peer.in))
        rc = RC_NOMEM;
    if (rc == RC_OK)
        rc = control_judge((char *)peer.in.data, out, err);
    sim_peer_close(&peer);
    buf_wipe(&request);
    return rc;
}

/* faulty_far_agent.c — linked into a keeper of the tests' own in the place of its readers: a transport that asks the
 * test. */
#include "faulty_far.h"

#include "card/reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct far_link {
    struct transport_link link;
    int fd;
};

static const struct transport_ops ops;

static enum rc ask(int fd, enum faulty_far_request what, struct bytes data, bool *was_reset, struct buf *answer)
{
    static uint8_t message[FAULTY_FAR_MAX];
    message[0] = (uint8_t)what;
    if (data.len)
        memcpy(message + 1, data.data, data.len);
    if (send(fd, message, data.len + 1, MSG_NOSIGNAL) < 0)
        return RC_CARD_GONE;
    ssize_t n = recv(fd, message, sizeof message, 0);
    if (n < 2)
        return RC_CARD_GONE;
    if (was_reset)
        *was_reset = message[1];
    enum rc rc = (enum rc)message[0];
    return rc || !answer ? rc : buf_append(answer, message + 2, (size_t)n - 2);
}

static enum rc far_connect(struct transport *transport, const char *reader, struct transport_link **link,
                           struct err *err)
{
    (void)transport, (void)reader, (void)err;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct far_link *made = calloc(1, sizeof *made);
    const char *name = getenv(FAULTY_FAR_SOCKET);
    if (!made || !name)
        abort();
    snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "%s", name);
    made->link.ops = &ops;
    made->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    enum rc rc = RC_READER_GONE;
    if (made->fd >= 0 && connect(made->fd, (struct sockaddr *)&address, sizeof address) == 0)
        rc = ask(made->fd, FAULTY_FAR_CONNECT, bytes_of(NULL, 0), NULL, NULL);
    if (!rc) {
        *link = &made->link;
        return RC_OK;
    }
    close(made->fd);
    free(made);
    return rc;
}

static int fd_of(const struct transport_link *link)
{
    return ((const struct far_link *)link)->fd;
}

static enum rc far_begin(struct transport_link *link, bool *was_reset, struct err *err)
{
    (void)err;
    return ask(fd_of(link), FAULTY_FAR_BEGIN, bytes_of(NULL, 0), was_reset, NULL);
}

static void tell(struct transport_link *link, enum faulty_far_request what, enum transport_disposition disposition)
{
    uint8_t byte = (uint8_t)disposition;
    (void)!ask(fd_of(link), what, bytes_of(&byte, 1), NULL, NULL);
}

static void far_end(struct transport_link *link, enum transport_disposition disposition)
{
    tell(link, FAULTY_FAR_END, disposition);
}

static enum rc far_transmit(struct transport_link *link, struct bytes command, struct buf *response, struct err *err)
{
    (void)err;
    return ask(fd_of(link), FAULTY_FAR_TRANSMIT, command, NULL, response);
}

static struct bytes far_atr(const struct transport_link *link)
{
    (void)link;
    return bytes_of("\x3B\x80", 2);
}

static void far_disconnect(struct transport_link *link, enum transport_disposition disposition)
{
    tell(link, FAULTY_FAR_DISCONNECT, disposition);
    close(fd_of(link));
    free(link);
}

static void far_close(struct transport *transport, bool forked)
{
    (void)forked;
    free(transport);
}

static const struct transport_ops ops = {.kind = "far",
                                         .connect = far_connect,
                                         .begin = far_begin,
                                         .end = far_end,
                                         .transmit = far_transmit,
                                         .atr = far_atr,
                                         .disconnect = far_disconnect,
                                         .close = far_close};

enum rc __wrap_reader_open(const char *spec, struct transport **transport, struct err *err);

enum rc __wrap_reader_open(const char *spec, struct transport **transport, struct err *err)
{
    (void)spec, (void)err;
    *transport = calloc(1, sizeof **transport);
    if (!*transport)
        return RC_NOMEM;
    (*transport)->ops = &ops;
    return RC_OK;
}

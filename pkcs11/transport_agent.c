/* transport_agent.c — the module's end of the keeper (agent.h): starts it, asks it, believes its answers no more than a
 * reader's. An application that waits for its children never sees it: its parent is gone at once. */
#include "pkcs11/agent.h"

#include "wire/apdu.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINKS_MAX 16

struct agent {
    struct transport transport;
    struct transport *inner;
    unsigned keep_ms;
    char program[4096];
};

struct agent_link {
    struct transport_link link;
    char name[TRANSPORT_READER_SIZE];
    int fd; /* -1 once the keeper is gone */
    int place; /* among the descriptors that a child closes */
    bool held, kept;
    unsigned pads;
    uint8_t atr[TRANSPORT_ATR_MAX];
    size_t atr_len;
};

extern char **environ;

static const struct transport_ops agent_ops;

/* The sockets, for the child after a fork: while it had one open, the keeper could not see the application end. */
static pthread_mutex_t places_gate = PTHREAD_MUTEX_INITIALIZER;
static volatile int places[LINKS_MAX];

static int place_take(int fd)
{
    int place = -1;
    pthread_mutex_lock(&places_gate);
    for (int i = 0; i < LINKS_MAX && place < 0; i++)
        if (places[i] == 0) {
            places[i] = fd + 1;
            place = i;
        }
    pthread_mutex_unlock(&places_gate);
    return place;
}

static void place_give(int place)
{
    pthread_mutex_lock(&places_gate);
    places[place] = 0;
    pthread_mutex_unlock(&places_gate);
}

void agent_after_fork(void)
{
    pthread_mutex_t fresh = PTHREAD_MUTEX_INITIALIZER;
    places_gate = fresh;
    for (int i = 0; i < LINKS_MAX; i++) {
        if (places[i])
            (void)close(places[i] - 1);
        places[i] = 0;
    }
}

/* --- the keeper's process ------------------------------------------------------------------------------------------------ */

/* In the child, which shares nothing with the application's threads but a copy of memory that they may have been changing:
 * system calls only. A second fork makes it nobody's child. */
static void become_keeper(const char *program, int fd)
{
    char *const args[] = { (char *)AGENT_PROGRAM, NULL };
    sigset_t none;
    long pid = syscall(SYS_clone, 0, NULL, NULL, NULL, NULL);
    if (pid != 0)
        syscall(SYS_exit_group, pid < 0);
    syscall(SYS_setsid);
    sigemptyset(&none);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, 8);
    if (fd == 0 ? syscall(SYS_fcntl, 0, F_SETFD, 0) < 0 : syscall(SYS_dup3, fd, 0, 0) < 0)
        syscall(SYS_exit_group, 127);
    syscall(SYS_close_range, 3, ~0u, 0);
    syscall(SYS_execve, program, args, environ);
    syscall(SYS_exit_group, 127);
}

/* Clone without a signal: the application's SIGCHLD handler and its wait(2) see nothing. */
static enum rc start_keeper(const char *program, int *fd)
{
    int ends[2];
    sigset_t all, before;
    if (access(program, X_OK) != 0 || getauxval(AT_SECURE))
        return RC_NOT_FOUND;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return RC_IO;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    long pid = syscall(SYS_clone, 0, NULL, NULL, NULL, NULL);
    if (pid == 0)
        become_keeper(program, ends[1]);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(ends[1]);
    if (pid > 0)
        while (waitpid((pid_t)pid, NULL, (int)__WCLONE) < 0 && errno == EINTR)
            ;
    if (pid < 0) {
        close(ends[0]);
        return RC_IO;
    }
    *fd = ends[0];
    return RC_OK;
}

/* --- requests ------------------------------------------------------------------------------------------------------------ */

/* No answer: the keeper is gone, and with it the card as far as this program goes. */
static enum rc lost(struct agent_link *self, struct err *err)
{
    if (self->fd >= 0) {
        place_give(self->place);
        close(self->fd);
    }
    self->fd = -1;
    self->held = self->kept = false;
    return err_set(err, RC_CARD_GONE, "reader '%s': the connection is lost", self->name);
}

/* One request, one answer (its data appended). */
static enum rc ask(struct agent_link *self, enum agent_request what, struct bytes data, struct buf *answer, struct err *err)
{
    static const uint8_t nothing = 0;
    uint8_t op = (uint8_t)what, *message;
    struct iovec parts[2] = { { &op, 1 }, { (void *)(uintptr_t)(data.len ? data.data : &nothing), data.len } };
    const struct msghdr request = { .msg_iov = parts, .msg_iovlen = 2 };
    ssize_t n;
    if (self->fd < 0)
        return lost(self, err);
    while ((n = sendmsg(self->fd, &request, MSG_NOSIGNAL)) < 0 && errno == EINTR)
        ;
    if (n < 0)
        return lost(self, err);
    message = malloc(AGENT_MESSAGE_MAX);
    if (!message) {
        (void)lost(self, err);
        return RC_NOMEM;
    }
    while ((n = recv(self->fd, message, AGENT_MESSAGE_MAX, 0)) < 0 && errno == EINTR)
        ;
    enum rc rc = RC_OK;
    if (n < 1 || message[0] >= RC_COUNT)
        rc = lost(self, err);
    else if (message[0])
        rc = err_set(err, (enum rc)message[0], "%.*s", (int)n - 1, (const char *)message + 1);
    else if (answer)
        rc = buf_append(answer, message + 1, (size_t)n - 1);
    free(message);
    return rc;
}

static enum rc ask_short(struct agent_link *self, enum agent_request what, uint8_t byte, struct err *err)
{
    return ask(self, what, bytes_of(&byte, 1), NULL, err);
}

static void put_number(uint8_t *at, unsigned number)
{
    for (size_t i = 0; i < 4; i++)
        at[i] = (uint8_t)(number >> (24 - 8 * i));
}

static enum rc connect_keeper(struct agent *agent, struct agent_link *made, const char *reader, struct err *err)
{
    uint8_t message[4 + TRANSPORT_READER_SIZE];
    struct buf told = { 0 };
    size_t len = strlen(reader);
    put_number(message, agent->keep_ms);
    memcpy(message + 4, reader, len);
    enum rc rc = ask(made, AGENT_CONNECT, bytes_of(message, 4 + len), &told, err);
    if (!rc && (told.len < 1 || told.len - 1 > TRANSPORT_ATR_MAX))
        rc = lost(made, err);
    if (!rc) {
        made->pads = told.data[0];
        made->atr_len = told.len - 1;
        memcpy(made->atr, told.data + 1, made->atr_len);
    }
    buf_wipe(&told);
    return rc;
}

static enum rc agent_connect(struct transport *transport, const char *reader, struct transport_link **link, struct err *err)
{
    struct agent *agent = (struct agent *)transport;
    struct agent_link *made = calloc(1, sizeof(*made));
    struct err why = { 0 };
    if (!made)
        return RC_NOMEM;
    *made = (struct agent_link) { .link.ops = &agent_ops, .fd = -1, .place = -1 };
    if (strlen(reader) >= sizeof(made->name)) {
        free(made);
        return err_set(err, RC_READER_GONE, "no reader has so long a name");
    }
    strcpy(made->name, reader);
    enum rc rc = start_keeper(agent->program, &made->fd);
    if (!rc && (made->place = place_take(made->fd)) < 0) {
        close(made->fd);
        made->fd = -1;
        rc = RC_RANGE;
    }
    bool started = !rc;
    if (!rc)
        rc = connect_keeper(agent, made, reader, &why);
    if (!rc) {
        *link = &made->link;
        return RC_OK;
    }
    bool answered = started && made->fd >= 0;
    if (answered)
        (void)lost(made, NULL);
    free(made);
    return answered ? err_set(err, rc, "%s", err_text(&why, rc)) : transport_connect(agent->inner, reader, link, err);
}

static enum rc agent_begin(struct transport_link *link, bool *was_reset, struct err *err)
{
    struct agent_link *self = (struct agent_link *)link;
    struct buf begun = { 0 };
    if (self->held)
        return err_set(err, RC_STATE, "%s: a transaction is held already", self->name);
    enum rc rc = ask(self, AGENT_BEGIN, bytes_of(NULL, 0), &begun, err);
    if (!rc && begun.len != 1)
        rc = lost(self, err);
    if (!rc) {
        self->held = true;
        self->kept = begun.data[0] & AGENT_WAS_KEPT;
        *was_reset = begun.data[0] & AGENT_WAS_RESET;
    }
    buf_wipe(&begun);
    return rc;
}

static void agent_end(struct transport_link *link, enum transport_disposition disposition)
{
    struct agent_link *self = (struct agent_link *)link;
    self->held = self->kept = false;
    if (self->fd >= 0 && ask_short(self, AGENT_END, (uint8_t)disposition, NULL))
        (void)lost(self, NULL);
}

static bool agent_keep(struct transport_link *link, unsigned milliseconds)
{
    struct agent_link *self = (struct agent_link *)link;
    uint8_t message[4];
    put_number(message, milliseconds);
    if (!self->held || ask(self, AGENT_KEEP, bytes_of(message, sizeof(message)), NULL, NULL))
        return false;
    self->held = self->kept = false;
    return true;
}

static enum transport_found agent_found(const struct transport_link *link)
{
    const struct agent_link *self = (const struct agent_link *)link;
    return self->kept ? TRANSPORT_KEPT : TRANSPORT_FRESH;
}

/* A request whose answer is the card's. */
static enum rc ask_card(struct agent_link *self, enum agent_request what, struct bytes data, struct buf *response,
                        struct err *err)
{
    size_t before = response->len;
    enum rc rc = ask(self, what, data, response, err);
    if (!rc && response->len - before < 2) {
        buf_truncate(response, before);
        rc = err_set(err, RC_IO, "reader '%s': an answer without a status word", self->name);
    }
    if (rc == RC_CARD_RESET)
        self->held = self->kept = false;
    return rc;
}

static enum rc agent_transmit(struct transport_link *link, struct bytes command, struct buf *response, struct err *err)
{
    return ask_card((struct agent_link *)link, AGENT_TRANSMIT, command, response, err);
}

static unsigned agent_pads(struct transport_link *link)
{
    return ((struct agent_link *)link)->pads;
}

static enum rc agent_pad(struct transport_link *link, const struct transport_pad *pad, struct buf *response, struct err *err)
{
    const uint8_t *h = pad->header;
    const uint8_t message[AGENT_PAD_LEN] = { pad->change, h[0],      h[1],         h[2],         h[3],
                                             pad->least,  pad->most, pad->seconds, pad->japanese };
    return ask_card((struct agent_link *)link, AGENT_PAD, bytes_of(message, sizeof(message)), response, err);
}

static struct bytes agent_atr(const struct transport_link *link)
{
    const struct agent_link *self = (const struct agent_link *)link;
    return bytes_of(self->atr, self->atr_len);
}

static void agent_disconnect(struct transport_link *link, enum transport_disposition disposition)
{
    struct agent_link *self = (struct agent_link *)link;
    if (self->fd >= 0) {
        (void)ask_short(self, AGENT_DISCONNECT, (uint8_t)disposition, NULL); /* answered when it is done */
        (void)lost(self, NULL);
    }
    free(self);
}

/* --- the transport ------------------------------------------------------------------------------------------------------- */

static enum rc agent_list(struct transport *transport, struct transport_reader *readers, size_t max, size_t *count,
                          struct err *err)
{
    return transport_list(((struct agent *)transport)->inner, readers, max, count, err);
}

static enum rc agent_wait(struct transport *transport, const struct transport_reader *known, size_t count,
                          int milliseconds, struct err *err)
{
    return transport_wait(((struct agent *)transport)->inner, known, count, milliseconds, err);
}

static void agent_cancel(struct transport *transport)
{
    transport_cancel(((struct agent *)transport)->inner);
}

static void agent_close(struct transport *transport, bool forked)
{
    struct agent *agent = (struct agent *)transport;
    if (forked)
        transport_close_forked(agent->inner);
    else
        transport_close(agent->inner);
    free(agent);
}

static const struct transport_ops agent_ops = {
    .kind = "agent",
    .list = agent_list,
    .connect = agent_connect,
    .begin = agent_begin,
    .end = agent_end,
    .transmit = agent_transmit,
    .atr = agent_atr,
    .disconnect = agent_disconnect,
    .wait = agent_wait,
    .cancel = agent_cancel,
    .close = agent_close,
    .pads = agent_pads,
    .pad = agent_pad,
    .keep = agent_keep,
    .found = agent_found,
};

enum rc agent_wrap(struct transport *inner, const char *program, unsigned keep_ms, struct transport **transport)
{
    struct agent *made = calloc(1, sizeof(*made));
    if (!made || strlen(program) >= sizeof(made->program)) {
        free(made);
        transport_close(inner);
        return made ? RC_RANGE : RC_NOMEM;
    }
    *made = (struct agent) { .transport.ops = &agent_ops, .inner = inner, .keep_ms = keep_ms };
    strcpy(made->program, program);
    *transport = &made->transport;
    return RC_OK;
}

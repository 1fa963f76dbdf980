/* agent_main.c — jpki-card-agent: holds one card for one application (agent.h) and outlives it just long enough to take a
 * presented PIN away. Started by the module with a socket as standard input; of no use to anybody else: it asks for no
 * PIN and gives nothing that the reader would not give. */
#include "base/clock.h"
#include "base/log.h"
#include "base/proc.h"
#include "card/reader.h"
#include "pkcs11/agent.h"
#include "wire/applet.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define APPLICATION 0 /* the socket */
#define TURNS_MAX 3   /* against other programs' resets */

struct keeper {
    struct transport *transport;
    struct transport_link *link;
    bool running; /* a transaction */
    bool kept;    /* … that nobody uses now */
    bool presented;
    unsigned keep_ms;
    int64_t until; /* when a kept one ends */
};

/* Selecting the card manager is what makes this card forget a PIN: selecting its own application again does not, nor does a
 * reset. A card that does not do it loses its power. */
static enum transport_disposition take_pin_away(struct keeper *keeper, enum transport_disposition wanted)
{
    static const uint8_t select[] = { 0x00, APPLET_INS_SELECT, 0x04, 0x0C, APPLET_AID_CARD_MANAGER_LEN };
    uint8_t command[sizeof(select) + APPLET_AID_CARD_MANAGER_LEN];
    struct buf answer = { 0 };
    if (!keeper->presented || wanted == TRANSPORT_UNPOWER)
        return wanted;
    memcpy(command, select, sizeof(select));
    memcpy(command + sizeof(select), APPLET_AID_CARD_MANAGER, APPLET_AID_CARD_MANAGER_LEN);
    enum rc rc = transport_transmit(keeper->link, bytes_of(command, sizeof(command)), &answer, NULL);
    for (int turn = 1; turn < TURNS_MAX && rc == RC_CARD_RESET; turn++) { /* which took away the transaction and not the PIN */
        bool was_reset;
        rc = transport_begin(keeper->link, &was_reset, NULL);
        if (!rc)
            rc = transport_transmit(keeper->link, bytes_of(command, sizeof(command)), &answer, NULL);
    }
    if (rc || answer.len < 2 || answer.data[answer.len - 2] != 0x90 || answer.data[answer.len - 1] != 0)
        wanted = TRANSPORT_UNPOWER;
    buf_wipe(&answer);
    return wanted;
}

static void let_go(struct keeper *keeper, enum transport_disposition disposition)
{
    if (keeper->running)
        transport_end(keeper->link, take_pin_away(keeper, disposition));
    keeper->running = keeper->kept = keeper->presented = false;
}

/* A reset took the transaction away, and not what was presented: whether the application comes again is not known. */
static void forget_after_reset(struct keeper *keeper)
{
    bool was_reset;
    keeper->running = keeper->presented && !transport_begin(keeper->link, &was_reset, NULL);
    if (keeper->running)
        let_go(keeper, TRANSPORT_LEAVE);
}

static unsigned take_number(struct bytes message)
{
    unsigned number = 0;
    for (size_t i = 0; i < 4; i++)
        number = number << 8 | message.data[i];
    return number;
}

static enum rc do_connect(struct keeper *keeper, struct bytes message, struct buf *answer, struct err *err)
{
    char name[TRANSPORT_READER_SIZE] = "";
    if (keeper->link || message.len < 5 || message.len - 4 >= sizeof(name))
        return RC_USAGE;
    keeper->keep_ms = take_number(message);
    memcpy(name, message.data + 4, message.len - 4);
    enum rc rc = reader_open(strncmp(name, "sim:", 4) == 0 ? name : "pcsc:", &keeper->transport, err);
    if (!rc)
        rc = transport_connect(keeper->transport, name, &keeper->link, err);
    uint8_t pads = rc ? 0 : (uint8_t)transport_pads(keeper->link);
    if (!rc)
        rc = buf_append(answer, &pads, 1);
    return rc ? rc : buf_append_bytes(answer, transport_atr(keeper->link));
}

static enum rc do_begin(struct keeper *keeper, struct buf *answer, struct err *err)
{
    uint8_t begun = AGENT_WAS_KEPT;
    bool was_reset = false;
    enum rc rc = RC_OK;
    if (!keeper->kept) {
        begun = 0;
        rc = transport_begin(keeper->link, &was_reset, err);
        keeper->running = keeper->running || !rc;
    }
    keeper->kept = false;
    if (was_reset)
        begun |= AGENT_WAS_RESET;
    return rc ? rc : buf_append(answer, &begun, 1);
}

/* A PIN may stand presented from the moment that it is sent, whatever comes back. */
static enum rc do_transmit(struct keeper *keeper, struct bytes command, struct buf *answer, struct err *err)
{
    if (!keeper->running || command.len < 4)
        return RC_STATE;
    if (command.len > 5 && (command.data[1] == APPLET_INS_VERIFY || command.data[1] == APPLET_INS_CHANGE_REFERENCE_DATA))
        keeper->presented = true;
    enum rc rc = transport_transmit(keeper->link, command, answer, err);
    if (rc == RC_CARD_RESET)
        forget_after_reset(keeper);
    return rc;
}

/* The person types; nothing else is done meanwhile. */
static enum rc do_pad(struct keeper *keeper, struct bytes message, struct buf *answer, struct err *err)
{
    const uint8_t *m = message.data;
    if (!keeper->running || message.len != AGENT_PAD_LEN)
        return RC_STATE;
    const struct transport_pad pad = { m[0], { m[1], m[2], m[3], m[4] }, m[5], m[6], m[7], m[8] };
    keeper->presented = true;
    enum rc rc = transport_pad(keeper->link, &pad, answer, err);
    if (rc == RC_CARD_RESET)
        forget_after_reset(keeper);
    return rc;
}

static enum rc do_keep(struct keeper *keeper, struct bytes message)
{
    if (!keeper->running || message.len != 4)
        return RC_STATE;
    unsigned wanted = take_number(message);
    keeper->kept = true;
    keeper->until = clock_ticks() + (wanted > keeper->keep_ms ? wanted : keeper->keep_ms);
    return RC_OK;
}

static enum rc serve(struct keeper *keeper, struct bytes message, struct buf *answer, struct err *err)
{
    struct bytes data = bytes_of(message.data + 1, message.len - 1);
    enum transport_disposition disposition = TRANSPORT_LEAVE;
    if (message.data[0] != AGENT_CONNECT && !keeper->link)
        return RC_STATE;
    if (data.len == 1 && data.data[0] <= TRANSPORT_UNPOWER)
        disposition = (enum transport_disposition)data.data[0];
    switch (message.data[0]) {
    case AGENT_CONNECT:
        return do_connect(keeper, data, answer, err);
    case AGENT_BEGIN:
        return do_begin(keeper, answer, err);
    case AGENT_TRANSMIT:
        return do_transmit(keeper, data, answer, err);
    case AGENT_END:
        let_go(keeper, disposition);
        return RC_OK;
    case AGENT_KEEP:
        return do_keep(keeper, data);
    case AGENT_PAD:
        return do_pad(keeper, data, answer, err);
    case AGENT_DISCONNECT:
        let_go(keeper, disposition);
        transport_disconnect(keeper->link, disposition);
        keeper->link = NULL;
        return RC_OK;
    default:
        return RC_USAGE;
    }
}

/* False: the application is gone, or wants nothing more. */
static bool answer_one(struct keeper *keeper, uint8_t *message)
{
    struct buf answer = { 0 };
    struct err err = { 0 };
    ssize_t n;
    while ((n = recv(APPLICATION, message, AGENT_MESSAGE_MAX, 0)) < 0 && errno == EINTR)
        ;
    if (n <= 0)
        return false;
    bool last = message[0] == AGENT_DISCONNECT;
    uint8_t code = 0;
    bool good = !buf_append(&answer, &code, 1);
    enum rc rc = good ? serve(keeper, bytes_of(message, (size_t)n), &answer, &err) : RC_NOMEM;
    explicit_bzero(message, (size_t)n);
    if (good && rc) {
        buf_truncate(&answer, 1);
        answer.data[0] = (uint8_t)rc;
        good = !buf_append_text(&answer, err_text(&err, rc));
    }
    good = good && send(APPLICATION, answer.data, answer.len, MSG_NOSIGNAL) == (ssize_t)answer.len;
    buf_wipe(&answer);
    return good && !last;
}

/* The application's end is seen at its socket; and at the process, since a child of it may have the socket too. */
static int watch_application(void)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);
    if (getsockopt(APPLICATION, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
        return -1;
    return (int)syscall(SYS_pidfd_open, peer.pid, 0);
}

int main(void)
{
    struct keeper keeper = { 0 };
    proc_harden();
    log_open(AGENT_PROGRAM, LOG_ERROR);
    uint8_t *message = malloc(AGENT_MESSAGE_MAX);
    int type = 0;
    socklen_t len = sizeof(type);
    if (!message || getsockopt(APPLICATION, SOL_SOCKET, SO_TYPE, &type, &len) < 0 || type != SOCK_SEQPACKET
        || proc_catch_stop(NULL)) {
        free(message);
        return 2;
    }
    struct pollfd fds[3] = { { .fd = APPLICATION, .events = POLLIN },
                             { .fd = watch_application(), .events = POLLIN },
                             { .fd = proc_stop_fd(), .events = POLLIN } };
    for (bool alive = true; alive;) {
        int64_t left = keeper.kept ? keeper.until - clock_ticks() : -1;
        if (keeper.kept && left <= 0) {
            let_go(&keeper, TRANSPORT_LEAVE);
            continue;
        }
        int ready = poll(fds, 3, (int)left);
        if (ready < 0 && errno != EINTR)
            break;
        if (ready <= 0)
            continue;
        alive = !fds[1].revents && !fds[2].revents && (!fds[0].revents || answer_one(&keeper, message));
    }
    let_go(&keeper, TRANSPORT_LEAVE);
    transport_disconnect(keeper.link, TRANSPORT_LEAVE);
    transport_close(keeper.transport);
    free(message);
    return 0;
}

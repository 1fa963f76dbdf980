/* carded.c — the card in its thread. */
#include "carded.h"

#include "card/reader.h"

#include <poll.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#define CLIENTS_MAX 8

/* --- the card in its reader ---------------------------------------------------------------------------------------------- */

static bool read_all(int fd, uint8_t *at, size_t len)
{
    while (len) {
        ssize_t n = recv(fd, at, len, 0);
        if (n <= 0)
            return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

static bool answer_with(int fd, struct bytes answer)
{
    uint8_t head[2] = { (uint8_t)(answer.len >> 8), (uint8_t)answer.len };
    return send(fd, head, 2, MSG_NOSIGNAL | MSG_MORE) == 2
        && send(fd, answer.data, answer.len, MSG_NOSIGNAL) == (ssize_t)answer.len;
}

/* Returns false when the card is to be gone without an answer. */
static bool do_command(struct carded *carded, struct bytes command, struct buf *answer)
{
    static const uint8_t refused[] = { 0x6A, 0x86 }, absent[] = { 0x6A, 0x82 }, locked[] = { 0x69, 0x84 };
    enum carded_fault fault = carded->fault;
    const uint8_t *c = command.data;
    bool verify = command.len >= 4 && c[1] == APPLET_INS_VERIFY, sign = command.len >= 4 && c[1] == APPLET_INS_COMPUTE_SIGNATURE;
    carded->commands++;
    carded->verifies += verify && command.len > 5;
    carded->signatures += sign;
    if (fault == CARDED_FOREIGN && command.len >= 4 && c[1] == APPLET_INS_SELECT)
        return !buf_append(answer, absent, 2);
    if (fault == CARDED_NO_PSS && sign && c[2] >= APPLET_SCHEME_PSS_HASH)
        return !buf_append(answer, refused, 2);
    if (fault == CARDED_VANISH && sign)
        return false;
    static const uint8_t length[] = { 0x67, 0x00 };
    bool extended = command.len > 5 && c[4] == 0 && c[1] == APPLET_INS_READ_BINARY;
    bool by_p2 = verify || (sign && c[0] == 0x80);
    bool sfi = command.len >= 4 && ((by_p2 && c[3] != 0x80) || (c[1] == APPLET_INS_READ_BINARY && (c[2] & 0x80)));
    if ((fault == CARDED_SHORT || fault == CARDED_NO_SFI) && extended) {
        carded->refusals++;
        return !buf_append(answer, length, 2);
    }
    if (fault == CARDED_NO_SFI && sfi) {
        carded->refusals++;
        return !buf_append(answer, refused, 2);
    }
    if (sim_transmit(carded->sim, command, answer))
        return false;
    if (sign && answer->len == 2) /* refused: no signature */
        carded->signatures--;
    if (fault == CARDED_FALSE_PSS && sign && c[2] >= APPLET_SCHEME_PSS_HASH && answer->len > 2)
        answer->data[17] ^= 0x40;
    if (fault == CARDED_LOCK_6984 && verify) {
        buf_truncate(answer, 0);
        return !buf_append(answer, locked, 2);
    }
    if (fault == CARDED_LOSE_CHANGE && command.len >= 4 && c[1] == APPLET_INS_CHANGE_REFERENCE_DATA)
        return false;
    return !(fault == CARDED_LOSE_VERIFY && verify && command.len > 5);
}

static bool serve(struct carded *carded, int fd)
{
    uint8_t head[2];
    if (!read_all(fd, head, 2))
        return false;
    size_t len = (size_t)head[0] << 8 | head[1];
    uint8_t *message = malloc(len ? len : 1);
    struct buf answer = { 0 };
    bool good = message && read_all(fd, message, len);
    if (good && len == 1 && message[0] == 0) {
        sim_power_off(carded->sim);
    } else if (good && len == 1 && message[0] == 1) {
        sim_power_on(carded->sim);
    } else if (good && len == 1 && message[0] == 2) {
        sim_reset(carded->sim);
    } else if (good && len == 1 && message[0] == 5) {
        carded->locked = fd;
    } else if (good && len == 1 && message[0] == 6) {
        carded->locked = -1;
    } else if (good && len == 1 && message[0] == 4) {
        static const uint8_t atr[] = { 0x3B, 0x01, 0x14 };
        good = answer_with(fd, carded->fault == CARDED_OTHER_ATR ? bytes_of(atr, sizeof atr) : sim_atr(carded->sim));
    } else if (good && len > 1) {
        good = do_command(carded, bytes_of(message, len), &answer) && answer_with(fd, buf_bytes(&answer));
        carded->bytes_in += (unsigned)answer.len;
        carded->bytes_out += (unsigned)len;
    }
    free(message);
    buf_wipe(&answer);
    return good;
}

/* Clients are served in turn; a removal closes them all. */
static void *run(void *context)
{
    struct carded *carded = context;
    struct pollfd fds[CLIENTS_MAX + 1];
    nfds_t count = 1;
    fds[0] = (struct pollfd) { .fd = -1, .events = POLLIN };
    while (!carded->stop) {
        fds[0].fd = carded->listener;
        if (fds[0].fd < 0) {
            for (nfds_t i = 1; i < count; i++)
                close(fds[i].fd);
            carded->locked = -1;
            if (carded->in && count > 1)
                sim_power_off(carded->sim);
            count = 1;
            carded->in = false;
        } else {
            carded->in = true;
        }
        for (nfds_t i = 1; i < count; i++) /* the others wait for the end of a transaction */
            fds[i].events = carded->locked < 0 || carded->locked == fds[i].fd ? POLLIN : 0;
        if (poll(fds, count, 10) <= 0)
            continue;
        for (nfds_t i = count; i-- > 1;) {
            if (!fds[i].revents || (carded->locked >= 0 && carded->locked != fds[i].fd) || serve(carded, fds[i].fd))
                continue;
            if (carded->locked == fds[i].fd)
                carded->locked = -1;
            close(fds[i].fd);
            fds[i] = fds[--count];
        }
        if (fds[0].revents && count <= CLIENTS_MAX) {
            int fd = accept(fds[0].fd, NULL, NULL);
            if (fd >= 0)
                fds[count++] = (struct pollfd) { .fd = fd, .events = POLLIN };
        }
    }
    for (nfds_t i = 1; i < count; i++)
        close(fds[i].fd);
    return NULL;
}

void carded_put_in(struct carded *carded)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    strcpy(address.sun_path, carded->path);
    unlink(carded->path);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 8), 0);
    carded->listener = fd;
    for (int i = 0; i < 500 && !carded->in; i++)
        usleep(2000);
    assert_true(carded->in);
}

void carded_take_out(struct carded *carded)
{
    int fd = carded->listener;
    carded->listener = -1;
    for (int i = 0; i < 500 && carded->in; i++)
        usleep(2000);
    assert_false(carded->in);
    close(fd);
    unlink(carded->path);
}

unsigned carded_count(struct carded *carded)
{
    return atomic_exchange(&carded->commands, 0);
}

/* Making keys takes its time: one card is made, each test has a copy. */
static struct testcard *original;

void carded_start(struct carded *carded)
{
    static const enum applet_ef files[] = { [CARD_CERT_AUTH] = APPLET_EF_AUTH_CERT, [CARD_CERT_SIGN] = APPLET_EF_SIGN_CERT,
                                            [CARD_CERT_AUTH_CA] = APPLET_EF_AUTH_CA_CERT,
                                            [CARD_CERT_SIGN_CA] = APPLET_EF_SIGN_CA_CERT };
    char spec[80];
    memset(carded, 0, sizeof *carded);
    carded->listener = carded->locked = -1;
    strcpy(carded->folder, "/tmp/jpki-carded-XXXXXX");
    assert_non_null(mkdtemp(carded->folder));
    snprintf(carded->path, sizeof carded->path, "%s/card", carded->folder);
    if (!original)
        original = testcard_new();
    carded->card = testcard_copy(original);
    carded->sim = testcard_sim(carded->card);
    sim_power_off(carded->sim);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        carded->certs[i] = testcard_cert(carded->card, files[i]);
    assert_int_equal(pthread_create(&carded->thread, NULL, run, carded), 0);
    carded_put_in(carded);
    snprintf(spec, sizeof spec, "sim:%s", carded->path);
    assert_int_equal(setenv("JPKI_READER", spec, 1), 0);
    assert_int_equal(setenv("XDG_CONFIG_HOME", carded->folder, 1), 0);
    assert_int_equal(setenv("XDG_RUNTIME_DIR", carded->folder, 1), 0); /* what other tests had refused is not known here */
}

/* What the module shares with other processes of the user. */
static void remove_shared(const struct carded *carded)
{
    static const char *const names[] = { "open-jpki/key", "open-jpki/refused", "open-jpki" };
    char path[128];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", carded->folder, names[i]);
        (void)remove(path);
    }
}

void carded_stop(struct carded *carded)
{
    carded->stop = true;
    pthread_join(carded->thread, NULL);
    if (carded->listener >= 0)
        close(carded->listener);
    unlink(carded->path);
    remove_shared(carded);
    rmdir(carded->folder);
    testcard_free(carded->card);
}

void carded_end(void)
{
    testcard_free(original);
    original = NULL;
}

bool carded_is_presented(struct carded *carded, enum card_key key)
{
    char spec[80];
    struct transport *transport = NULL;
    struct card *card = NULL;
    struct buf signature = { 0 };
    snprintf(spec, sizeof spec, "sim:%s", carded->path);
    assert_int_equal(reader_open(spec, &transport, NULL), RC_OK);
    assert_int_equal(card_find(transport, &card, NULL), RC_OK);
    enum rc rc = card_sign(card, key, APPLET_SCHEME_RAW, bytes_of("thief", 5), &signature, NULL);
    assert_true(rc == RC_OK || rc == RC_PIN_NEEDED);
    buf_wipe(&signature);
    card_close(card, TRANSPORT_LEAVE);
    transport_close(transport);
    return rc == RC_OK;
}

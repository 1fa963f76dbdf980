/* test_card_socket.c — the transport to a simulator's socket, against a peer of the test's own: framing to the byte, the
 * order of the controls, and every way in which a peer can go away or lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/hex.h"
#include "card/transport_sim.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Expects the bytes of `want` (hex) and answers with those of `give`; then the next row; then closes. */
struct row {
    const char *want, *give;
};

#define ON_AND_ATR { "000101 000104", "0005 3B80800101" }

struct peer {
    char folder[32], path[64], spec[80];
    int listener;
    pthread_t thread;
    const struct row *rows;
    size_t count;
    bool bytewise; /* answers go out a byte at a time */
    bool unexpected;
};

static bool peer_take(int fd, const char *hex)
{
    struct buf want = { 0 };
    uint8_t got[512];
    if (hex_decode(hex, &want) || want.len > sizeof got)
        return false;
    size_t len = 0;
    while (len < want.len) {
        ssize_t n = read(fd, got + len, want.len - len);
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    bool same = bytes_equal(bytes_of(got, len), buf_bytes(&want));
    buf_wipe(&want);
    return same;
}

static void peer_give(int fd, const char *hex, bool bytewise)
{
    struct buf give = { 0 };
    if (hex_decode(hex, &give))
        return;
    size_t step = bytewise ? 1 : give.len;
    for (size_t at = 0; at < give.len; at += step)
        if (send(fd, give.data + at, step, MSG_NOSIGNAL) < 0)
            break;
    buf_wipe(&give);
}

static void *peer_run(void *context)
{
    struct peer *peer = context;
    int fd = accept(peer->listener, NULL, NULL);
    for (size_t i = 0; i < peer->count; i++) {
        if (!peer_take(fd, peer->rows[i].want)) {
            peer->unexpected = true;
            break;
        }
        peer_give(fd, peer->rows[i].give, peer->bytewise);
    }
    close(fd);
    return NULL;
}

static void peer_open(struct peer *peer, const struct row *rows, size_t count, bool bytewise)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    *peer = (struct peer) { .folder = "/tmp/jpki-socket-XXXXXX", .rows = rows, .count = count, .bytewise = bytewise };
    assert_non_null(mkdtemp(peer->folder));
    snprintf(peer->path, sizeof peer->path, "%s/card", peer->folder);
    snprintf(peer->spec, sizeof peer->spec, "sim:%s", peer->path);
    strcpy(address.sun_path, peer->path);
    peer->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(peer->listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(peer->listener, 4), 0);
    if (rows)
        assert_int_equal(pthread_create(&peer->thread, NULL, peer_run, peer), 0);
}

static void peer_close(struct peer *peer)
{
    if (peer->rows)
        pthread_join(peer->thread, NULL);
    assert_false(peer->unexpected);
    close(peer->listener);
    unlink(peer->path);
    rmdir(peer->folder);
}

static struct transport *peer_transport(const struct peer *peer)
{
    struct transport *transport;
    assert_int_equal(transport_sim_new(peer->path, &transport, NULL), RC_OK);
    return transport;
}

static void conversation(void **state)
{
    (void)state;
    static const struct row rows[] = {
        ON_AND_ATR,
        { "000105 0004 00200098", "0002 63C3" }, /* 05 begins a transaction, 06 ends it */
        { "0005 00B0880003", "0005 8F8F00 9000" },
        { "000102 000106", "" },        /* reset in the end of a transaction */
        { "000105 000100 000101 000106", "" }, /* unpowered in the end of the next */
        { "000105 0004 00200098", "0002 63C3" },
        { "000100 000101 000106", "" }, /* and with the link */
    };
    for (int bytewise = 0; bytewise < 2; bytewise++) {
        struct peer peer;
        struct transport_link *link, *second;
        struct buf answer = { 0 };
        bool was_reset = true;
        peer_open(&peer, rows, sizeof rows / sizeof *rows, bytewise);
        struct transport *transport = peer_transport(&peer);
        assert_int_equal(transport_connect(transport, peer.spec, &link, NULL), RC_OK);
        assert_true(bytes_equal(transport_atr(link), bytes_of("\x3B\x80\x80\x01\x01", 5)));
        assert_int_equal(transport_connect(transport, peer.spec, &second, NULL), RC_CONFLICT);
        assert_int_equal(transport_begin(link, &was_reset, NULL), RC_OK);
        assert_false(was_reset);
        assert_int_equal(transport_begin(link, &was_reset, NULL), RC_STATE);
        assert_int_equal(transport_transmit(link, bytes_of("\x00\x20\x00\x98", 4), &answer, NULL), RC_OK);
        assert_int_equal(transport_transmit(link, bytes_of("\x00\xB0\x88\x00\x03", 5), &answer, NULL), RC_OK);
        assert_true(bytes_equal(buf_bytes(&answer), bytes_of("\x63\xC3\x8F\x8F\x00\x90\x00", 7)));
        assert_int_equal(transport_transmit(link, bytes_of("\x00", 1), &answer, NULL), RC_BUG); /* would be a control */
        transport_end(link, TRANSPORT_RESET);
        assert_int_equal(transport_begin(link, &was_reset, NULL), RC_OK);
        transport_end(link, TRANSPORT_UNPOWER);
        assert_int_equal(transport_begin(link, &was_reset, NULL), RC_OK);
        assert_int_equal(transport_transmit(link, bytes_of("\x00\x20\x00\x98", 4), &answer, NULL), RC_OK);
        transport_disconnect(link, TRANSPORT_UNPOWER);
        transport_close(transport);
        buf_wipe(&answer);
        peer_close(&peer);
    }
}

static void lost_answers(void **state)
{
    (void)state;
    static const struct {
        const char *flaw, *give;
    } rows[] = {
        { "closed without a byte", "" },
        { "closed within the length", "00" },
        { "closed before the content", "0002" },
        { "closed within the content", "0002 90" },
        { "a message of no bytes", "0000" },
        { "a message of one byte", "0001 90" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row script[] = { ON_AND_ATR, { "000105 0004 00200098", rows[i].give } };
        struct peer peer;
        struct transport_link *link;
        struct buf answer = { 0 };
        bool was_reset;
        peer_open(&peer, script, 2, false);
        struct transport *transport = peer_transport(&peer);
        assert_int_equal(transport_connect(transport, peer.spec, &link, NULL), RC_OK);
        assert_int_equal(transport_begin(link, &was_reset, NULL), RC_OK);
        enum rc rc = transport_transmit(link, bytes_of("\x00\x20\x00\x98", 4), &answer, NULL);
        if (rc != RC_CARD_GONE)
            print_error("%s: %s\n", rows[i].flaw, rc_name(rc));
        assert_int_equal(rc, RC_CARD_GONE);
        assert_int_equal(answer.len, 0);
        assert_int_equal(transport_transmit(link, bytes_of("\x00\x20\x00\x98", 4), &answer, NULL), RC_CARD_GONE);
        assert_int_equal(transport_begin(link, &was_reset, NULL), RC_CARD_GONE);
        transport_disconnect(link, TRANSPORT_UNPOWER);
        transport_close(transport);
        buf_wipe(&answer);
        peer_close(&peer);
    }
}

static void bad_powering(void **state)
{
    (void)state;
    static const struct {
        const char *flaw, *give;
        enum rc rc;
    } rows[] = {
        { "no answer to reset", "", RC_CARD_ABSENT },
        { "an empty one", "0000", RC_IO },
        { "one of one byte", "0001 3B", RC_IO },
        { "one too long",
          "0022 00000000000000000000000000000000000000000000000000000000000000000000", RC_IO },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row script[] = { { "000101 000104", rows[i].give } };
        struct peer peer;
        struct transport_link *link;
        peer_open(&peer, script, 1, false);
        struct transport *transport = peer_transport(&peer);
        enum rc rc = transport_connect(transport, peer.spec, &link, NULL);
        if (rc != rows[i].rc)
            print_error("%s: %s\n", rows[i].flaw, rc_name(rc));
        assert_int_equal(rc, rows[i].rc);
        transport_close(transport);
        peer_close(&peer);
    }
}

static void coming_and_going(void **state)
{
    (void)state;
    struct peer peer;
    struct transport_reader readers[2];
    struct transport_link *link;
    size_t count;
    peer_open(&peer, NULL, 0, false);
    struct transport *transport = peer_transport(&peer);
    assert_int_equal(transport_list(transport, readers, 2, &count, NULL), RC_OK);
    assert_int_equal(count, 1);
    assert_string_equal(readers[0].name, peer.spec);
    assert_true(readers[0].card_present);
    assert_int_equal(transport_wait(transport, readers, 1, 0, NULL), RC_TIMEOUT);
    transport_cancel(transport);
    assert_int_equal(transport_wait(transport, readers, 1, -1, NULL), RC_INTERRUPTED);
    assert_int_equal(transport_wait(transport, readers, 1, 1, NULL), RC_TIMEOUT);
    assert_int_equal(transport_connect(transport, "sim:/elsewhere", &link, NULL), RC_READER_GONE);
    peer_close(&peer);
    assert_int_equal(transport_wait(transport, readers, 1, -1, NULL), RC_OK);
    assert_int_equal(transport_list(transport, readers, 2, &count, NULL), RC_OK);
    assert_false(readers[0].card_present);
    assert_int_equal(transport_connect(transport, peer.spec, &link, NULL), RC_CARD_ABSENT);
    transport_close(transport);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conversation),
        cmocka_unit_test(lost_answers),
        cmocka_unit_test(bad_powering),
        cmocka_unit_test(coming_and_going),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

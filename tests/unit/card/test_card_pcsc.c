/* test_card_pcsc.c — the PC/SC transport over functions of our own in the place of libpcsclite's: what each result means,
 * that a command is sent once whatever happens, that a reset is noticed and told once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "card/card.h"
#include "scard_fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void listing(void **state)
{
    (void)state;
    static const struct {
        const char *flaw, *prefix;
        LONG establish, list;
        DWORD event;
        unsigned short_lists;
        enum rc rc;
        size_t count;
        bool present;
    } rows[] = {
        { "all", "", 0, 0, SCARD_STATE_PRESENT, 0, RC_OK, 2, true },
        { "one by its prefix", "Virtual", 0, 0, SCARD_STATE_PRESENT, 0, RC_OK, 1, true },
        { "none by its prefix", "virtual", 0, 0, SCARD_STATE_PRESENT, 0, RC_OK, 0, false },
        { "empty ones", "", 0, 0, SCARD_STATE_EMPTY, 0, RC_OK, 2, false },
        { "in use by others", "", 0, 0, SCARD_STATE_PRESENT | SCARD_STATE_INUSE, 0, RC_OK, 2, true },
        { "gone between two calls", "", 0, 0, SCARD_STATE_UNKNOWN, 0, RC_OK, 0, false },
        { "one came between two calls", "", 0, 0, SCARD_STATE_PRESENT, 1, RC_OK, 2, true },
        { "no service", "", SCARD_E_NO_SERVICE, 0, 0, 0, RC_UNREACHABLE, 99, false },
        { "service ended", "", 0, SCARD_E_SERVICE_STOPPED, 0, 0, RC_UNREACHABLE, 99, false },
        { "not allowed", "", SCARD_W_SECURITY_VIOLATION, 0, 0, 0, RC_DENIED, 99, false },
        { "no reader", "", 0, SCARD_E_NO_READERS_AVAILABLE, 0, 0, RC_OK, 0, false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct transport_reader readers[4];
        size_t count = 99;
        fake_reset();
        fake.establish = rows[i].establish;
        fake.list = rows[i].list;
        fake.event = rows[i].event;
        fake.short_lists = rows[i].short_lists;
        struct transport *transport = pcsc_new(rows[i].prefix);
        enum rc rc = transport_list(transport, readers, 4, &count, NULL);
        if (rc != rows[i].rc || count != rows[i].count)
            print_error("%s: %s, %zu\n", rows[i].flaw, rc_name(rc), count);
        assert_int_equal(rc, rows[i].rc);
        assert_int_equal(count, rows[i].count);
        if (!rc && count)
            assert_true(readers[0].card_present == rows[i].present);
        transport_close(transport);
        assert_int_equal(fake.contexts, 0);
    }
    fake_reset();
    struct transport *transport = pcsc_new("");
    struct transport_reader one[1];
    size_t count;
    assert_int_equal(transport_list(transport, one, 1, &count, NULL), RC_OK);
    assert_int_equal(count, 1);
    assert_string_equal(one[0].name, "Virtual PCD 00 00");
    fake.list = SCARD_E_SERVICE_STOPPED; /* the service was started anew between two lists */
    fake.list_once = true;
    assert_int_equal(transport_list(transport, one, 1, &count, NULL), RC_OK);
    assert_int_equal(fake.contexts, 1);
    transport_close(transport);
}

static void connecting(void **state)
{
    (void)state;
    static const struct {
        LONG result;
        enum rc rc;
    } rows[] = {
        { SCARD_S_SUCCESS, RC_OK },
        { SCARD_E_NO_SMARTCARD, RC_CARD_ABSENT },
        { SCARD_W_REMOVED_CARD, RC_CARD_ABSENT },
        { SCARD_E_UNKNOWN_READER, RC_READER_GONE },
        { SCARD_E_READER_UNAVAILABLE, RC_READER_GONE },
        { SCARD_E_SHARING_VIOLATION, RC_CONFLICT },
        { SCARD_W_UNPOWERED_CARD, RC_IO },
        { SCARD_W_UNRESPONSIVE_CARD, RC_IO },
        { SCARD_E_PROTO_MISMATCH, RC_IO },
        { SCARD_E_NO_SERVICE, RC_UNREACHABLE },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct transport_link *link;
        struct err err = { 0 };
        fake_reset();
        fake.connect = rows[i].result;
        struct transport *transport = pcsc_new("");
        enum rc rc = transport_connect(transport, "Virtual PCD 00 00", &link, &err);
        assert_int_equal(rc, rows[i].rc);
        if (!rc) {
            assert_true(bytes_equal(transport_atr(link), bytes_of("\x3B\x80", 2)));
            transport_disconnect(link, TRANSPORT_UNPOWER);
            assert_int_equal(fake.last_disconnect, SCARD_UNPOWER_CARD);
        } else {
            assert_non_null(strstr(err.text, "Virtual PCD 00 00"));
        }
        transport_close(transport);
        assert_int_equal(fake.contexts, 0);
    }
}

static void beginning(void **state)
{
    (void)state;
    static const struct {
        const char *flaw;
        LONG first, second, reconnect;
        enum rc rc;
        bool was_reset, usable;
    } rows[] = {
        { "nothing happened", 0, 0, 0, RC_OK, false, true },
        { "reset by another program", SCARD_W_RESET_CARD, 0, 0, RC_OK, true, true },
        { "slept", SCARD_W_UNPOWERED_CARD, 0, 0, RC_OK, true, true },
        { "reset, then taken out", SCARD_W_RESET_CARD, 0, SCARD_E_NO_SMARTCARD, RC_CARD_GONE, false, false },
        { "taken out", SCARD_W_REMOVED_CARD, 0, 0, RC_CARD_GONE, false, false },
        { "reader pulled", SCARD_E_READER_UNAVAILABLE, 0, 0, RC_READER_GONE, false, false },
        { "service started anew", SCARD_E_INVALID_HANDLE, 0, 0, RC_READER_GONE, false, false },
        { "held for itself by another program", SCARD_E_SHARING_VIOLATION, 0, 0, RC_CONFLICT, false, true },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct transport *transport;
        struct transport_link *link = pcsc_link(&transport);
        bool was_reset = false;
        assert_int_equal(transport_begin(link, &was_reset, NULL), RC_STATE); /* held already */
        transport_end(link, TRANSPORT_LEAVE);
        assert_int_equal(fake.last_end, SCARD_LEAVE_CARD);
        fake.begins = 0;
        fake.begin[0] = rows[i].first;
        fake.begin[1] = rows[i].second;
        fake.reconnect = rows[i].reconnect;
        enum rc rc = transport_begin(link, &was_reset, NULL);
        if (rc != rows[i].rc)
            print_error("%s: %s\n", rows[i].flaw, rc_name(rc));
        assert_int_equal(rc, rows[i].rc);
        assert_true(was_reset == rows[i].was_reset);
        transport_end(link, TRANSPORT_LEAVE);
        fake.begin[0] = fake.begin[1] = fake.begins = 0;
        fake.reconnect = 0;
        rc = transport_begin(link, &was_reset, NULL); /* a reset is told once; what is gone stays gone */
        assert_int_equal(rc, rows[i].usable ? RC_OK : RC_CARD_GONE);
        if (!rc)
            assert_false(was_reset);
        transport_disconnect(link, TRANSPORT_LEAVE);
        transport_close(transport);
        assert_int_equal(fake.contexts, 0);
    }
}

static void transmitting(void **state)
{
    (void)state;
    static const struct {
        const char *flaw;
        LONG result;
        size_t answer;
        enum rc rc;
        bool held, usable, was_reset;
    } rows[] = {
        { "answered", 0, 2, RC_OK, true, true, false },
        { "reset by another program", SCARD_W_RESET_CARD, 2, RC_CARD_RESET, false, true, true },
        { "slept", SCARD_W_UNPOWERED_CARD, 2, RC_CARD_RESET, false, true, true },
        { "taken out", SCARD_W_REMOVED_CARD, 2, RC_CARD_GONE, false, false, false },
        { "taken out, the other way to say it", SCARD_E_NO_SMARTCARD, 2, RC_CARD_GONE, false, false, false },
        { "reader pulled", SCARD_E_READER_UNAVAILABLE, 2, RC_READER_GONE, false, false, false },
        { "service died", SCARD_E_NO_SERVICE, 2, RC_READER_GONE, false, false, false },
        { "not transacted", SCARD_E_NOT_TRANSACTED, 2, RC_IO, true, true, false },
        { "communication error", SCARD_F_COMM_ERROR, 2, RC_IO, true, true, false },
        { "an answer of one byte", 0, 1, RC_IO, true, true, false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct transport *transport;
        struct transport_link *link = pcsc_link(&transport);
        struct buf answer = { 0 };
        bool was_reset = false;
        fake.transmit = rows[i].result;
        fake.answer_len = rows[i].answer;
        enum rc rc = transport_transmit(link, bytes_of("\x00\x20\x00\x98", 4), &answer, NULL);
        if (rc != rows[i].rc)
            print_error("%s: %s\n", rows[i].flaw, rc_name(rc));
        assert_int_equal(rc, rows[i].rc);
        assert_int_equal(fake.transmits, 1); /* never again */
        assert_int_equal(fake.last_pci, SCARD_PROTOCOL_T1);
        assert_int_equal(answer.len, rc ? 0 : 2);
        unsigned ends = fake.ends;
        transport_end(link, TRANSPORT_LEAVE);
        assert_int_equal(fake.ends - ends, rows[i].held ? 1 : 0);
        rc = transport_begin(link, &was_reset, NULL);
        assert_int_equal(rc, rows[i].usable ? RC_OK : RC_CARD_GONE);
        assert_true(was_reset == rows[i].was_reset);
        if (!rows[i].usable)
            assert_int_equal(transport_transmit(link, bytes_of("\x00\x20\x00\x98", 4), &answer, NULL), RC_CARD_GONE);
        transport_disconnect(link, TRANSPORT_LEAVE);
        transport_close(transport);
        buf_wipe(&answer);
    }
}

static void unpowering(void **state)
{
    (void)state;
    static const struct {
        enum transport_disposition how;
        DWORD said;
        bool was_reset;
    } rows[] = {
        { TRANSPORT_LEAVE, SCARD_LEAVE_CARD, false },
        { TRANSPORT_RESET, SCARD_RESET_CARD, true },
        { TRANSPORT_UNPOWER, SCARD_UNPOWER_CARD, true },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct transport *transport;
        struct transport_link *link = pcsc_link(&transport);
        bool was_reset;
        transport_end(link, rows[i].how);
        assert_int_equal(fake.last_end, rows[i].said);
        assert_int_equal(transport_begin(link, &was_reset, NULL), RC_OK);
        assert_true(was_reset == rows[i].was_reset);
        transport_disconnect(link, TRANSPORT_LEAVE);
        transport_close(transport);
    }
}

static void waiting(void **state)
{
    (void)state;
    struct transport_reader readers[4];
    size_t count;
    fake_reset();
    struct transport *transport = pcsc_new("");
    assert_int_equal(transport_list(transport, readers, 4, &count, NULL), RC_OK);
    fake.wait = SCARD_E_TIMEOUT;
    assert_int_equal(transport_wait(transport, readers, count, 10, NULL), RC_TIMEOUT);
    fake.wait = SCARD_S_SUCCESS;
    assert_int_equal(transport_wait(transport, readers, count, 10, NULL), RC_OK);
    fake.wait = SCARD_E_TIMEOUT;
    assert_int_equal(transport_wait(transport, readers, 1, 10, NULL), RC_OK); /* another reader is there */
    strcpy(readers[1].name, "Pulled");
    assert_int_equal(transport_wait(transport, readers, count, 10, NULL), RC_OK);
    assert_int_equal(transport_list(transport, readers, 4, &count, NULL), RC_OK);
    transport_cancel(transport);
    assert_int_equal(transport_wait(transport, readers, count, 10, NULL), RC_INTERRUPTED);
    fake.wait = SCARD_E_TIMEOUT;
    assert_int_equal(transport_wait(transport, readers, count, 10, NULL), RC_TIMEOUT); /* told once */
    fake.wait = SCARD_E_NO_SERVICE;
    assert_int_equal(transport_wait(transport, readers, count, 10, NULL), RC_UNREACHABLE);
    transport_close(transport);
    assert_int_equal(fake.contexts, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listing),
        cmocka_unit_test(connecting),
        cmocka_unit_test(beginning),
        cmocka_unit_test(transmitting),
        cmocka_unit_test(unpowering),
        cmocka_unit_test(waiting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

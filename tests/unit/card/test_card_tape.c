/* test_card_tape.c — the tape plays what it says and notices what it does not have; reader names mean what they say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/hex.h"
#include "card/reader.h"
#include "card/transport_tape.h"

#include <stdlib.h>
#include <string.h>

static void tape_plays(void **state)
{
    (void)state;
    struct transport *transport;
    struct transport_link *link;
    struct err err = { 0 };
    struct buf answer;
    bool was_reset;
    buf_init(&answer, 0);
    assert_int_equal(transport_tape_new("> 00 20 00 98 # how many\n"
                                        "< 63 C3\n"
                                        "\n"
                                        "! was-reset\n"
                                        "> 00B08600A0\n"
                                        "! io\n"
                                        "> 0084000008\n"
                                        "! gone\n",
                                        &transport, &err),
                     RC_OK);
    assert_int_equal(transport_connect(transport, "tape", &link, &err), RC_OK);
    assert_int_equal(transport_begin(link, &was_reset, &err), RC_OK);
    assert_false(was_reset);
    assert_int_equal(transport_transmit(link, bytes_of("\x00\x20\x00\x98", 4), &answer, &err), RC_OK);
    assert_true(bytes_equal(buf_bytes(&answer), bytes_of("\x63\xC3", 2)));
    assert_int_equal(transport_transmit(link, bytes_of("\x00\x20\x00\x98", 4), &answer, &err), RC_BUG);
    assert_int_equal(transport_tape_strays(transport), 1);
    transport_end(link, TRANSPORT_LEAVE);
    err_reset(&err);
    assert_int_equal(transport_begin(link, &was_reset, &err), RC_OK);
    assert_true(was_reset);
    assert_int_equal(transport_transmit(link, bytes_of("\x00\xB0\x86\x00\xA0", 5), &answer, &err), RC_IO);
    assert_int_equal(transport_tape_left(transport), 1);
    assert_int_equal(transport_transmit(link, bytes_of("\x00\x84\x00\x00\x08", 5), &answer, &err), RC_CARD_GONE);
    assert_int_equal(transport_tape_left(transport), 0);
    assert_int_equal(transport_begin(link, &was_reset, &err), RC_CARD_GONE);
    transport_disconnect(link, TRANSPORT_LEAVE);
    transport_close(transport);
    buf_wipe(&answer);
}

static void tape_refuses(void **state)
{
    (void)state;
    static const struct {
        const char *flaw, *text;
    } rows[] = {
        { "an answer to nothing", "< 9000\n" },
        { "two answers", "> 00A40000\n< 9000\n< 9000\n" },
        { "a command before the last one's answer", "> 00A40000\n> 00A40000\n< 9000\n" },
        { "half a byte", "> 00A4000\n< 9000\n" },
        { "no answer at the end", "> 00A40000\n" },
        { "an unknown failure", "> 00A40000\n! tired\n" },
        { "an unknown mark", "= 00A40000\n" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct transport *transport;
        struct err err = { 0 };
        enum rc rc = transport_tape_new(rows[i].text, &transport, &err);
        if (rc != RC_FORMAT)
            print_error("%s: %s\n", rows[i].flaw, rc_name(rc));
        assert_int_equal(rc, RC_FORMAT);
    }
}

static void reader_names(void **state)
{
    (void)state;
    char long_path[300];
    memset(long_path, 'x', sizeof long_path);
    memcpy(long_path, "sim:", 4);
    long_path[sizeof long_path - 1] = '\0';
    const struct {
        const char *spec, *environment, *kind;
    } rows[] = {
        { "pcsc:", "sim:/tmp/other", "pcsc" }, { "pcsc:Virtual", NULL, "pcsc" },
        { "sim:/tmp/socket", NULL, "sim" },    { NULL, NULL, "pcsc" },
        { NULL, "", "pcsc" },                  { NULL, "sim:/tmp/socket", "sim" },
        { NULL, "vpcd:1", NULL },              { "sim:", NULL, NULL },
        { long_path, NULL, NULL },             { "/tmp/socket", NULL, NULL },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct transport *transport;
        struct err err = { 0 };
        if (rows[i].environment)
            setenv("JPKI_READER", rows[i].environment, 1);
        else
            unsetenv("JPKI_READER");
        enum rc rc = reader_open(rows[i].spec, &transport, &err);
        assert_int_equal(rc, rows[i].kind ? RC_OK : RC_USAGE);
        if (rc)
            continue;
        assert_string_equal(transport->ops->kind, rows[i].kind);
        transport_close(transport);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tape_plays),
        cmocka_unit_test(tape_refuses),
        cmocka_unit_test(reader_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

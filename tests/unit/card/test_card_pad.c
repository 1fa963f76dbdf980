/* test_card_pad.c — a reader's key pad over functions of our own in the place of libpcsclite's: whether there is one, what it is asked,
 * what its answers mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "card/card.h"
#include "card/pinpad.h"
#include "scard_fake.h"

#include <stdio.h>
#include <string.h>
#include <PCSC/reader.h>

#define VERIFY_DIRECT "\x06\x04\x42\x33\x00\x06"
#define MODIFY_DIRECT "\x07\x04\x42\x33\x00\x07"

static void finding_a_key_pad(void **state)
{
    (void)state;
    static const struct {
        const char *flaw, *features;
        DWORD len;
        LONG fail;
        unsigned has;
    } rows[] = {
        { "no features at all", "", 0, 0, 0 },
        { "the reader knows no such question", "", 0, SCARD_E_NOT_TRANSACTED, 0 },
        { "one feature", VERIFY_DIRECT, 6, 0, TRANSPORT_PAD_VERIFY },
        { "both", MODIFY_DIRECT VERIFY_DIRECT, 12, 0, TRANSPORT_PAD_VERIFY | TRANSPORT_PAD_CHANGE },
        { "the other only", MODIFY_DIRECT, 6, 0, TRANSPORT_PAD_CHANGE },
        { "cut", VERIFY_DIRECT, 5, 0, 0 },
        { "another length", "\x06\x02\x42\x33\x00\x06", 6, 0, 0 },
        { "code zero", "\x06\x04\x00\x00\x00\x00", 6, 0, 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct transport *transport;
        struct transport_link *link = pcsc_link(&transport);
        fake.features = rows[i].features;
        fake.features_len = rows[i].len;
        fake.features_fail = rows[i].fail;
        print_message("%s\n", rows[i].flaw);
        assert_int_equal(transport_pads(link), rows[i].has);
        if (!(rows[i].has & TRANSPORT_PAD_VERIFY)) {
            struct transport_pad pad = { false, { 0, 0x20, 0, 0x98 }, 4, 4, 30, false };
            struct buf response = { 0 };
            assert_int_equal(transport_pad(link, &pad, &response, NULL), RC_UNSUPPORTED);
        }
        assert_int_equal(fake.pads, 0);
        transport_disconnect(link, TRANSPORT_LEAVE);
        transport_close(transport);
    }
}

/* What a reader says of itself, and the requests that follow from it. The sizes are those of the service's own structures. */
static void requests_for_a_key_pad(void **state)
{
    (void)state;
    static const struct {
        const char *flaw, *tlvs;
        size_t len;
        uint8_t least, most;
        enum rc rc;
        uint8_t extra_least, extra_most, condition, messages;
    } rows[] = {
        { "nothing told", "", 0, 4, 4, RC_OK, 4, 4, 2, 1 },
        { "no display", "\x01\x02\x00\x00", 4, 4, 4, RC_OK, 4, 4, 2, 0 },
        { "a display", "\x01\x02\x10\x02", 4, 4, 4, RC_OK, 4, 4, 2, 1 },
        { "ends by length or time only", "\x02\x01\x05", 3, 4, 4, RC_OK, 4, 4, 5, 1 },
        { "ends by all", "\x02\x01\x07", 3, 4, 4, RC_OK, 4, 4, 2, 1 },
        { "longer PINs only", "\x06\x01\x05", 3, 4, 4, RC_UNSUPPORTED, 0, 0, 0, 0 },
        { "shorter PINs only", "\x07\x01\x03", 3, 4, 4, RC_UNSUPPORTED, 0, 0, 0, 0 },
        { "at most 8", "\x06\x01\x04\x07\x01\x08", 6, 6, 16, RC_OK, 6, 8, 2, 1 },
        { "all", "\x07\x01\x10", 3, 6, 16, RC_OK, 6, 16, 2, 1 },
        { "a property that overruns", "\x07\x09\x03", 3, 4, 4, RC_OK, 4, 4, 2, 1 },
        { "another length of a property", "\x07\x02\x03\x00", 4, 4, 4, RC_OK, 4, 4, 2, 1 },
        { "no PIN at all", "", 0, 0, 0, RC_RANGE, 0, 0, 0, 0 },
        { "more than Part 10 can say", "", 0, 16, 17, RC_RANGE, 0, 0, 0, 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int change = 0; change < 2; change++) {
            struct pinpad_properties properties = pinpad_parse_properties(bytes_of(rows[i].tlvs, rows[i].len));
            const struct transport_pad pad = { change, { 0, change ? 0x24 : 0x20, 0, 0x98 }, rows[i].least, rows[i].most, 60, false };
            struct buf request = { 0 };
            print_message("%s\n", rows[i].flaw);
            assert_int_equal(pinpad_encode(&pad, &properties, &request), rows[i].rc);
            size_t data = rows[i].least == rows[i].most ? 5u + rows[i].most : 4;
            if (!rows[i].rc && !change) {
                const PIN_VERIFY_STRUCTURE *verify = (const PIN_VERIFY_STRUCTURE *)request.data;
                assert_int_equal(request.len, sizeof *verify + data);
                assert_int_equal(verify->ulDataLength, data);
                assert_int_equal(verify->wPINMaxExtraDigit, rows[i].extra_least << 8 | rows[i].extra_most);
                assert_int_equal(verify->bEntryValidationCondition, rows[i].condition);
                assert_int_equal(verify->bNumberMessage, rows[i].messages);
                assert_int_equal(verify->abData[1], 0x20);
            } else if (!rows[i].rc) {
                const PIN_MODIFY_STRUCTURE *modify = (const PIN_MODIFY_STRUCTURE *)request.data;
                assert_int_equal(request.len, sizeof *modify + data);
                assert_int_equal(modify->ulDataLength, data);
                assert_int_equal(modify->wPINMaxExtraDigit, rows[i].extra_least << 8 | rows[i].extra_most);
                assert_int_equal(modify->bConfirmPIN, 1);
                assert_int_equal(modify->bEntryValidationCondition, rows[i].condition);
                assert_int_equal(modify->bNumberMessage, 2 * rows[i].messages);
                assert_int_equal(modify->bMsgIndex1, 1);
                assert_int_equal(modify->bMsgIndex2, 2);
                assert_int_equal(modify->abData[1], 0x24);
            }
            buf_wipe(&request);
        }
    }
}

static void typing_on_a_key_pad(void **state)
{
    (void)state;
    static const struct {
        const char *flaw, *answer;
        size_t len;
        LONG result;
        enum rc rc;
    } rows[] = {
        { "accepted", "\x90\x00", 2, 0, RC_OK },
        { "wrong: the card's word", "\x63\xC2", 2, 0, RC_OK },
        { "nothing typed", "\x64\x00", 2, 0, RC_TIMEOUT },
        { "cancelled", "\x64\x01", 2, 0, RC_INTERRUPTED },
        { "too few digits", "\x64\x03", 2, 0, RC_PIN_FORMAT },
        { "ended by another program", "\x64\x80", 2, 0, RC_INTERRUPTED },
        { "the reader does not take the request", "\x6B\x80", 2, 0, RC_UNSUPPORTED },
        { "half an answer", "\x90", 1, 0, RC_IO },
        { "taken out meanwhile", "", 0, SCARD_W_REMOVED_CARD, RC_CARD_GONE },
        { "the driver gave up", "", 0, SCARD_E_TIMEOUT, RC_IO },
        { "lost", "", 0, SCARD_E_NOT_TRANSACTED, RC_IO },
    };
    static const uint8_t wanted[] = { 60, 60, 0x82, 0x04, 0x00, 0x04, 0x04, 0x02, 0x01, 0x11, 0x04, 0x00, 0, 0, 0, 9, 0, 0, 0,
                                      0x00, 0x20, 0x00, 0x98, 0x04, 0xFF, 0xFF, 0xFF, 0xFF };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct transport *transport;
        struct transport_link *link = pcsc_link(&transport);
        const struct transport_pad pad = { false, { 0, 0x20, 0, 0x98 }, 4, 4, 60, true };
        struct buf response = { 0 };
        fake.features = VERIFY_DIRECT;
        fake.features_len = 6;
        fake.answer = rows[i].answer;
        fake.answer_len = rows[i].len;
        fake.pad = rows[i].result;
        print_message("%s\n", rows[i].flaw);
        assert_int_equal(transport_pad(link, &pad, &response, NULL), rows[i].rc);
        assert_int_equal(fake.pads, 1); /* once, whatever happens */
        assert_int_equal(fake.transmits, 0);
        assert_int_equal(fake.pad_request_len, sizeof wanted);
        assert_memory_equal(fake.pad_request, wanted, sizeof wanted);
        assert_int_equal(response.len, rows[i].rc ? 0 : rows[i].len);
        buf_wipe(&response);
        transport_disconnect(link, TRANSPORT_LEAVE);
        transport_close(transport);
    }
}

/* The whole way: the counter first, then the pad, and nothing at all when no try is left or the PIN has letters. */
static void presenting_a_pin_from_a_key_pad(void **state)
{
    (void)state;
    struct transport *transport = NULL;
    struct card *card = NULL;
    unsigned tries = 9;
    bool was_reset;
    fake_reset();
    fake.features = VERIFY_DIRECT;
    fake.features_len = 6;
    transport = pcsc_new("");
    assert_int_equal(card_open(transport, "Other 01", &card, NULL), RC_OK);
    assert_int_equal(card_begin(card, &was_reset, NULL), RC_OK);
    assert_true(card_has_pad(card, CARD_PIN_AUTH));
    assert_false(card_has_pad(card, CARD_PIN_SIGN));
    assert_int_equal(fake.transmits, 0);
    fake.answer = "\x63\xC2"; /* the counter's answer, and the pad's */
    assert_int_equal(card_verify_pin_on_pad(card, CARD_PIN_AUTH, false, &tries, NULL), RC_PIN_WRONG);
    assert_int_equal(tries, 2);
    assert_true(fake.transmits == 1 && fake.pads == 1);
    fake.answer = "\x63\xC0";
    assert_int_equal(card_verify_pin_on_pad(card, CARD_PIN_AUTH, false, &tries, NULL), RC_PIN_BLOCKED);
    assert_true(tries == 0 && fake.pads == 1); /* nobody was asked */
    fake.answer = "\x90\x00";
    assert_int_equal(card_verify_pin_on_pad(card, CARD_PIN_AUTH, false, &tries, NULL), RC_OK);
    assert_int_equal(fake.pads, 2);
    card_close(card, TRANSPORT_UNPOWER);
    transport_close(transport);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finding_a_key_pad),
        cmocka_unit_test(requests_for_a_key_pad),
        cmocka_unit_test(typing_on_a_key_pad),
        cmocka_unit_test(presenting_a_pin_from_a_key_pad),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

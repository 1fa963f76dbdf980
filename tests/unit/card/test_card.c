/* test_card.c — the card's commands against recorded conversations: each row is what one call sends, what the card says,
 * and what the caller gets. A row whose tape is empty says that nothing may be sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "card/card.h"
#include "card/transport_tape.h"
#include "wire/sw.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Sets up a card over a tape, in a transaction. */
struct deck {
    struct transport *transport;
    struct card *card;
    struct err err;
};

static void deck_open(struct deck *deck, const char *tape)
{
    bool was_reset;
    memset(deck, 0, sizeof *deck);
    enum rc rc = transport_tape_new(tape, &deck->transport, &deck->err);
    if (rc)
        print_error("%s\n", err_text(&deck->err, rc));
    assert_int_equal(rc, RC_OK);
    assert_int_equal(card_open(deck->transport, "tape", &deck->card, &deck->err), RC_OK);
    assert_int_equal(card_begin(deck->card, &was_reset, &deck->err), RC_OK);
}

static void deck_close(struct deck *deck)
{
    assert_int_equal(transport_tape_strays(deck->transport), 0);
    assert_int_equal(transport_tape_left(deck->transport), 0);
    card_close(deck->card, TRANSPORT_LEAVE);
    transport_close(deck->transport);
}

static void secret_of(struct secret *secret, const char *text)
{
    assert_int_equal(secret_dup(secret, text, strlen(text)), RC_OK);
}

static void status_words(void **state)
{
    (void)state;
    static const struct {
        uint16_t sw;
        enum rc rc;
    } rows[] = {
        { 0x9000, RC_OK },           { 0x6300, RC_PIN_WRONG },     { 0x63C0, RC_PIN_BLOCKED },
        { 0x63C1, RC_PIN_WRONG },    { 0x63C5, RC_PIN_WRONG },     { 0x63CF, RC_PIN_WRONG },
        { 0x6581, RC_IO },           { 0x66F1, RC_DENIED },        { 0x6700, RC_CARD_REFUSED },
        { 0x6881, RC_UNSUPPORTED },  { 0x6882, RC_UNSUPPORTED },   { 0x6981, RC_CARD_REFUSED },
        { 0x6982, RC_PIN_NEEDED },   { 0x6983, RC_PIN_BLOCKED },   { 0x6984, RC_PIN_BLOCKED },
        { 0x6985, RC_STATE },        { 0x6986, RC_STATE },         { 0x6987, RC_BAD_SIGNATURE },
        { 0x6988, RC_BAD_SIGNATURE },{ 0x69FC, RC_CARD_REFUSED },  { 0x6A80, RC_FORMAT },
        { 0x6A82, RC_NOT_FOUND },    { 0x6A83, RC_NOT_FOUND },     { 0x6A84, RC_RANGE },
        { 0x6A86, RC_UNSUPPORTED },  { 0x6A88, RC_NOT_FOUND },     { 0x6B00, RC_RANGE },
        { 0x6D00, RC_UNSUPPORTED },  { 0x6E00, RC_UNSUPPORTED },   { 0x6F00, RC_CARD_REFUSED },
        { 0x0000, RC_CARD_REFUSED }, { 0xFFFF, RC_CARD_REFUSED },  { 0x6110, RC_CARD_REFUSED },
        { 0x6C10, RC_CARD_REFUSED }, { 0x6282, RC_CARD_REFUSED },  { 0x63D0, RC_CARD_REFUSED },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(card_rc_of_sw(rows[i].sw), rows[i].rc);
    size_t known = 0;
    for (unsigned sw = 0; sw <= 0xFFFF; sw++)
        known += card_rc_of_sw((uint16_t)sw) != RC_CARD_REFUSED;
    assert_int_equal(known, 23 + 15); /* the rows of the table, and 63C1 to 63CF */
}

static void selecting(void **state)
{
    (void)state;
    static const struct {
        const char *flaw, *answer;
        enum rc rc;
    } rows[] = {
        { "a JPKI card", "< 9000", RC_OK },
        { "no such application", "< 6A82", RC_CARD_FOREIGN },
        { "another refusal", "< 6D00", RC_CARD_FOREIGN },
        { "waking up", "< 6F00\n> 00A4040C0A D392F000260100000001\n< 9000", RC_OK },
        { "failing for good", "< 6F00\n> 00A4040C0A D392F000260100000001\n< 6F00", RC_CARD_FOREIGN },
        { "taken out", "! gone", RC_CARD_GONE },
        { "reset by another program", "! reset", RC_CARD_RESET },
        { "half an answer", "< 90", RC_IO },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char tape[200];
        struct deck deck;
        snprintf(tape, sizeof tape, "> 00A4040C0A D392F000260100000001\n%s\n", rows[i].answer);
        deck_open(&deck, tape);
        enum rc rc = card_select_jpki(deck.card, &deck.err);
        if (rc != rows[i].rc)
            print_error("%s: %s\n", rows[i].flaw, rc_name(rc));
        assert_int_equal(rc, rows[i].rc);
        deck_close(&deck);
    }
}

static void tries(void **state)
{
    (void)state;
    static const struct {
        const char *flaw;
        enum card_pin pin;
        const char *tape;
        enum rc rc;
        unsigned tries;
    } rows[] = {
        { "three", CARD_PIN_AUTH, "> 00200098\n< 63C3", RC_OK, 3 },
        { "five", CARD_PIN_SIGN, "> 0020009B\n< 63C5", RC_OK, 5 },
        { "one", CARD_PIN_SIGN, "> 0020009B\n< 63C1", RC_OK, 1 },
        { "blocked, as real cards say it", CARD_PIN_AUTH, "> 00200098\n< 63C0", RC_OK, 0 },
        { "blocked 6983", CARD_PIN_AUTH, "> 00200098\n< 6983", RC_OK, 0 },
        { "blocked 6984", CARD_PIN_AUTH, "> 00200098\n< 6984", RC_OK, 0 },
        { "presented already", CARD_PIN_SIGN, "> 0020009B\n< 9000", RC_OK, 5 },
        { "short identifier refused 6A86", CARD_PIN_AUTH,
          "> 00200098\n< 6A86\n> 00A4020C020018\n< 9000\n> 00200080\n< 63C2", RC_OK, 2 },
        { "short identifier refused 6A88", CARD_PIN_AUTH,
          "> 00200098\n< 6A88\n> 00A4020C020018\n< 9000\n> 00200080\n< 63C2", RC_OK, 2 },
        { "short identifier refused 6A82, file absent too", CARD_PIN_AUTH,
          "> 00200098\n< 6A82\n> 00A4020C020018\n< 6A82", RC_NOT_FOUND, 99 },
        { "not in its holder's hands", CARD_PIN_AUTH, "> 00200098\n< 6985", RC_STATE, 99 },
        { "no counter told", CARD_PIN_AUTH, "> 00200098\n< 6300", RC_PIN_WRONG, 99 },
        { "answer lost", CARD_PIN_AUTH, "> 00200098\n! io", RC_IO, 99 },
        { "6700 is not followed", CARD_PIN_AUTH, "> 00200098\n< 6700", RC_CARD_REFUSED, 99 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct deck deck;
        unsigned left = 99;
        deck_open(&deck, rows[i].tape);
        enum rc rc = card_pin_tries(deck.card, rows[i].pin, &left, &deck.err);
        if (rc != rows[i].rc || left != rows[i].tries)
            print_error("%s: %s, %u: %s\n", rows[i].flaw, rc_name(rc), left, err_text(&deck.err, rc));
        assert_int_equal(rc, rows[i].rc);
        assert_int_equal(left, rows[i].tries);
        deck_close(&deck);
    }
}

static void verifying(void **state)
{
    (void)state;
    static const struct {
        const char *flaw;
        enum card_pin pin;
        const char *value, *tape;
        enum rc rc;
        unsigned tries;
    } rows[] = {
        { "right", CARD_PIN_AUTH, "1234", "> 00200098\n< 63C3\n> 00200098 04 31323334\n< 9000", RC_OK, 99 },
        { "right, folded", CARD_PIN_SIGN, "abZ901", "> 0020009B\n< 63C5\n> 0020009B 06 41425A393031\n< 9000", RC_OK, 99 },
        { "wrong", CARD_PIN_AUTH, "1234", "> 00200098\n< 63C3\n> 00200098 04 31323334\n< 63C2", RC_PIN_WRONG, 2 },
        { "wrong, last but one", CARD_PIN_AUTH, "1234", "> 00200098\n< 63C2\n> 00200098 04 31323334\n< 63C1", RC_PIN_WRONG, 1 },
        { "wrong, the last", CARD_PIN_AUTH, "1234", "> 00200098\n< 63C1\n> 00200098 04 31323334\n< 63C0", RC_PIN_BLOCKED, 0 },
        { "wrong, said as 6984", CARD_PIN_AUTH, "1234", "> 00200098\n< 63C1\n> 00200098 04 31323334\n< 6984", RC_PIN_BLOCKED, 0 },
        { "wrong without counter", CARD_PIN_AUTH, "1234",
          "> 00200098\n< 63C3\n> 00200098 04 31323334\n< 6300\n> 00200098\n< 63C2", RC_PIN_WRONG, 2 },
        { "wrong without counter, blocked by it", CARD_PIN_AUTH, "1234",
          "> 00200098\n< 63C1\n> 00200098 04 31323334\n< 6300\n> 00200098\n< 63C0", RC_PIN_BLOCKED, 0 },
        { "blocked before: no PIN is sent", CARD_PIN_AUTH, "1234", "> 00200098\n< 63C0", RC_PIN_BLOCKED, 0 },
        { "blocked before, 6983", CARD_PIN_SIGN, "ABC123", "> 0020009B\n< 6983", RC_PIN_BLOCKED, 0 },
        { "counter lost: no PIN is sent", CARD_PIN_AUTH, "1234", "> 00200098\n! io", RC_IO, 99 },
        { "counter not told: no PIN is sent", CARD_PIN_AUTH, "1234", "> 00200098\n< 6985", RC_STATE, 99 },
        { "answer lost: not sent again", CARD_PIN_AUTH, "1234", "> 00200098\n< 63C3\n> 00200098 04 31323334\n! io", RC_IO, 99 },
        { "card taken out under the PIN", CARD_PIN_AUTH, "1234", "> 00200098\n< 63C3\n> 00200098 04 31323334\n! gone",
          RC_CARD_GONE, 99 },
        { "reset under the PIN: not sent again", CARD_PIN_AUTH, "1234",
          "> 00200098\n< 63C3\n> 00200098 04 31323334\n! reset", RC_CARD_RESET, 99 },
        { "6Cxx is not followed", CARD_PIN_AUTH, "1234", "> 00200098\n< 63C3\n> 00200098 04 31323334\n< 6C00",
          RC_CARD_REFUSED, 99 },
        { "6A86 is not followed once the form is known", CARD_PIN_AUTH, "1234",
          "> 00200098\n< 63C3\n> 00200098 04 31323334\n< 6A86", RC_UNSUPPORTED, 99 },
        { "by the current file", CARD_PIN_AUTH, "1234",
          "> 00200098\n< 6A86\n> 00A4020C020018\n< 9000\n> 00200080\n< 63C3\n> 00200080 04 31323334\n< 9000", RC_OK, 99 },
        { "16 characters", CARD_PIN_SIGN, "ABCDEFGH12345678",
          "> 0020009B\n< 63C5\n> 0020009B 10 41424344454647483132333435363738\n< 9000", RC_OK, 99 },
        { "auth: empty", CARD_PIN_AUTH, "", "", RC_PIN_FORMAT, 99 },
        { "auth: 3 digits", CARD_PIN_AUTH, "123", "", RC_PIN_FORMAT, 99 },
        { "auth: 5 digits", CARD_PIN_AUTH, "12345", "", RC_PIN_FORMAT, 99 },
        { "auth: a letter", CARD_PIN_AUTH, "12a4", "", RC_PIN_FORMAT, 99 },
        { "auth: a line end", CARD_PIN_AUTH, "123\n", "", RC_PIN_FORMAT, 99 },
        { "sign: 5 characters", CARD_PIN_SIGN, "ABC12", "", RC_PIN_FORMAT, 99 },
        { "sign: 17 characters", CARD_PIN_SIGN, "ABCDEFGH123456789", "", RC_PIN_FORMAT, 99 },
        { "sign: a sign", CARD_PIN_SIGN, "ABC-123", "", RC_PIN_FORMAT, 99 },
        { "sign: a blank", CARD_PIN_SIGN, "ABC 123", "", RC_PIN_FORMAT, 99 },
        { "sign: full width", CARD_PIN_SIGN, "ABC12\xEF\xBC\x91", "", RC_PIN_FORMAT, 99 },
        { "sign: the auth PIN", CARD_PIN_SIGN, "1234", "", RC_PIN_FORMAT, 99 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct deck deck;
        struct secret value;
        unsigned left = 99;
        secret_of(&value, rows[i].value);
        deck_open(&deck, rows[i].tape);
        enum rc rc = card_verify_pin(deck.card, rows[i].pin, &value, &left, &deck.err);
        if (rc != rows[i].rc || left != rows[i].tries)
            print_error("%s: %s, %u: %s\n", rows[i].flaw, rc_name(rc), left, err_text(&deck.err, rc));
        assert_int_equal(rc, rows[i].rc);
        assert_int_equal(left, rows[i].tries);
        assert_true(!*rows[i].value || !strstr(deck.err.text, rows[i].value));
        deck_close(&deck);
        secret_wipe(&value);
    }
}

static void changing(void **state)
{
    (void)state;
    static const struct {
        const char *flaw;
        enum card_pin pin;
        const char *old, *fresh, *tape;
        enum rc rc;
        unsigned tries;
    } rows[] = {
        { "changed", CARD_PIN_AUTH, "1234", "9876",
          "> 00200098\n< 63C3\n> 00200098 04 31323334\n< 9000\n> 00240198 04 39383736\n< 9000", RC_OK, 99 },
        { "changed, folded", CARD_PIN_SIGN, "abc123", "xyz789",
          "> 0020009B\n< 63C5\n> 0020009B 06 414243313233\n< 9000\n> 0024019B 06 58595A373839\n< 9000", RC_OK, 99 },
        { "by the current file", CARD_PIN_AUTH, "1234", "9876",
          "> 00200098\n< 6A86\n> 00A4020C020018\n< 9000\n> 00200080\n< 63C3\n> 00200080 04 31323334\n< 9000\n"
          "> 00240180 04 39383736\n< 9000", RC_OK, 99 },
        { "old one wrong: the new one is not sent", CARD_PIN_AUTH, "1234", "9876",
          "> 00200098\n< 63C3\n> 00200098 04 31323334\n< 63C2", RC_PIN_WRONG, 2 },
        { "blocked", CARD_PIN_AUTH, "1234", "9876", "> 00200098\n< 63C0", RC_PIN_BLOCKED, 0 },
        { "old one's answer lost: the new one is not sent", CARD_PIN_AUTH, "1234", "9876",
          "> 00200098\n< 63C3\n> 00200098 04 31323334\n! io", RC_IO, 99 },
        { "answer to the change lost: not sent again", CARD_PIN_AUTH, "1234", "9876",
          "> 00200098\n< 63C3\n> 00200098 04 31323334\n< 9000\n> 00240198 04 39383736\n! io", RC_IO, 99 },
        { "change refused", CARD_PIN_AUTH, "1234", "9876",
          "> 00200098\n< 63C3\n> 00200098 04 31323334\n< 9000\n> 00240198 04 39383736\n< 6A80", RC_FORMAT, 99 },
        { "new one too short: nothing is sent", CARD_PIN_AUTH, "1234", "987", "", RC_PIN_FORMAT, 99 },
        { "new one of letters only", CARD_PIN_SIGN, "ABC123", "ABCDEF", "", RC_PIN_FORMAT, 99 },
        { "new one of digits only", CARD_PIN_SIGN, "ABC123", "123456", "", RC_PIN_FORMAT, 99 },
        { "old one misshapen", CARD_PIN_SIGN, "ABC1", "ABC123", "", RC_PIN_FORMAT, 99 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct deck deck;
        struct secret old, fresh;
        unsigned left = 99;
        secret_of(&old, rows[i].old);
        secret_of(&fresh, rows[i].fresh);
        deck_open(&deck, rows[i].tape);
        enum rc rc = card_change_pin(deck.card, rows[i].pin, &old, &fresh, &left, &deck.err);
        if (rc != rows[i].rc || left != rows[i].tries)
            print_error("%s: %s, %u: %s\n", rows[i].flaw, rc_name(rc), left, err_text(&deck.err, rc));
        assert_int_equal(rc, rows[i].rc);
        assert_int_equal(left, rows[i].tries);
        deck_close(&deck);
        secret_wipe(&old);
        secret_wipe(&fresh);
    }
}

static void signing(void **state)
{
    (void)state;
    static const char hash[] = "0123456789abcdef0123456789abcdef";
#define HASH "3031323334353637383961626364656630313233343536373839616263646566"
    static const struct {
        const char *flaw;
        enum card_key key;
        enum applet_scheme scheme;
        size_t len;
        const char *tape;
        enum rc rc;
    } rows[] = {
        { "raw, auth", CARD_KEY_AUTH, APPLET_SCHEME_RAW, 2, "> 802A0097 02 3031 00\n< AABB9000", RC_OK },
        { "raw, sign", CARD_KEY_SIGN, APPLET_SCHEME_RAW, 2, "> 802A009A 02 3031 00\n< AABB9000", RC_OK },
        { "PSS", CARD_KEY_AUTH, APPLET_SCHEME_PSS_HASH, 32, "> 802A0497 20 " HASH "00\n< AABB9000", RC_OK },
        { "no PIN", CARD_KEY_AUTH, APPLET_SCHEME_RAW, 2, "> 802A0097 02 3031 00\n< 6982", RC_PIN_NEEDED },
        { "by the current file", CARD_KEY_AUTH, APPLET_SCHEME_RAW, 2,
          "> 802A0097 02 3031 00\n< 6A86\n> 00A4020C020017\n< 9000\n> 802A0080 02 3031 00\n< AABB9000", RC_OK },
        { "no such scheme", CARD_KEY_AUTH, APPLET_SCHEME_PSS_HASH, 32,
          "> 802A0497 20 " HASH "00\n< 6A86\n> 00A4020C020017\n< 9000\n> 802A0480 20 " HASH "00\n< 6A86", RC_UNSUPPORTED },
        { "no such key", CARD_KEY_SIGN, APPLET_SCHEME_RAW, 2,
          "> 802A009A 02 3031 00\n< 6A82\n> 00A4020C02001A\n< 6A82", RC_NOT_FOUND },
        { "answer lost: not sent again", CARD_KEY_AUTH, APPLET_SCHEME_RAW, 2, "> 802A0097 02 3031 00\n! io", RC_IO },
        { "61xx is not followed", CARD_KEY_AUTH, APPLET_SCHEME_RAW, 2, "> 802A0097 02 3031 00\n< 6110", RC_CARD_REFUSED },
        { "9000 alone", CARD_KEY_AUTH, APPLET_SCHEME_RAW, 2, "> 802A0097 02 3031 00\n< 9000", RC_FORMAT },
        { "nothing to sign", CARD_KEY_AUTH, APPLET_SCHEME_RAW, 0, "", RC_RANGE },
        { "a hash too short", CARD_KEY_AUTH, APPLET_SCHEME_HASH, 31, "", RC_RANGE },
        { "a PSS hash too short", CARD_KEY_AUTH, APPLET_SCHEME_PSS_HASH, 20, "", RC_RANGE },
        { "an unknown scheme", CARD_KEY_AUTH, (enum applet_scheme)9, 32, "", RC_UNSUPPORTED },
    };
#undef HASH
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct deck deck;
        struct buf signature;
        buf_init(&signature, 0);
        deck_open(&deck, rows[i].tape);
        enum rc rc
            = card_sign(deck.card, rows[i].key, rows[i].scheme, bytes_of(hash, rows[i].len), &signature, &deck.err);
        if (rc != rows[i].rc)
            print_error("%s: %s: %s\n", rows[i].flaw, rc_name(rc), err_text(&deck.err, rc));
        assert_int_equal(rc, rows[i].rc);
        assert_true(bytes_equal(buf_bytes(&signature), rc ? bytes_of(NULL, 0) : bytes_of("\xAA\xBB", 2)));
        deck_close(&deck);
        buf_wipe(&signature);
    }
    struct deck deck;
    struct buf signature;
    uint8_t *message = calloc(1, 256);
    buf_init(&signature, 0);
    deck_open(&deck, "");
    assert_int_equal(card_sign(deck.card, CARD_KEY_AUTH, APPLET_SCHEME_RAW, bytes_of(message, 246), &signature, NULL),
                     RC_RANGE);
    assert_int_equal(card_sign(deck.card, CARD_KEY_AUTH, APPLET_SCHEME_MESSAGE, bytes_of(message, 256), &signature, NULL),
                     RC_RANGE);
    deck_close(&deck);
    free(message);
}

static void finding(void **state)
{
    (void)state;
    struct transport *transport;
    struct card *card;
    struct err err = { 0 };
    assert_int_equal(transport_tape_new("> 00A4040C0A D392F000260100000001\n< 6A82\n", &transport, &err), RC_OK);
    assert_int_equal(card_find(transport, &card, &err), RC_CARD_FOREIGN);
    assert_int_equal(transport_tape_left(transport), 0);
    transport_close(transport);
    err_reset(&err);
    assert_int_equal(transport_tape_new("> 00A4040C0A D392F000260100000001\n< 9000\n", &transport, &err), RC_OK);
    assert_int_equal(card_find(transport, &card, &err), RC_OK);
    assert_string_equal(card_reader(card), "tape");
    assert_int_equal(card_counts(card).commands, 1);
    assert_int_equal(card_counts(card).bytes_sent, 15);
    assert_int_equal(card_counts(card).bytes_received, 2);
    card_close(card, TRANSPORT_LEAVE);
    transport_close(transport);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status_words), cmocka_unit_test(selecting), cmocka_unit_test(tries),
        cmocka_unit_test(verifying),    cmocka_unit_test(changing),  cmocka_unit_test(signing),
        cmocka_unit_test(finding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

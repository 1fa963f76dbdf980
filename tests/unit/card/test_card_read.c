/* test_card_read.c — reading files: by short identifier, by the current file, in short and extended blocks, a certificate
 * exactly; and the channel's manners with 61xx and 6Cxx. A file's bytes follow a pattern, so that a block out of place
 * shows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/hex.h"
#include "card/card.h"
#include "card/transport_tape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX 4096u

static uint8_t pattern[FILE_MAX];

/* A "certificate" of len bytes (header included) with FF behind it. */
static void pattern_fill(size_t len)
{
    for (size_t i = 0; i < FILE_MAX; i++)
        pattern[i] = i < len ? (uint8_t)(i * 7 + i / 256) : 0xFF;
    if (len < 4)
        return;
    pattern[0] = 0x30;
    pattern[1] = len < 259 ? 0x81 : 0x82; /* the shortest form is the only one */
    if (len < 259) {
        pattern[2] = (uint8_t)(len - 3);
        return;
    }
    pattern[2] = (uint8_t)((len - 4) >> 8);
    pattern[3] = (uint8_t)(len - 4);
}

static void tape_text(struct buf *tape, const char *text)
{
    assert_int_equal(buf_append_text(tape, text), RC_OK);
}

/* "< bytes of the pattern, status word" */
static void tape_answer(struct buf *tape, size_t at, size_t len, const char *sw)
{
    char *hex = malloc(2 * FILE_MAX + 1);
    assert_non_null(hex);
    hex_encode(bytes_of(pattern + at, len), hex);
    tape_text(tape, "< ");
    tape_text(tape, hex);
    tape_text(tape, sw);
    tape_text(tape, "\n");
    free(hex);
}

struct deck {
    struct transport *transport;
    struct card *card;
    struct err err;
};

static void deck_open(struct deck *deck, struct buf *tape)
{
    bool was_reset;
    memset(deck, 0, sizeof *deck);
    assert_int_equal(transport_tape_new(buf_string(tape), &deck->transport, &deck->err), RC_OK);
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

/* Reads the authentication certificate over the tape and compares. */
static void read_cert(struct buf *tape, size_t len, enum rc expected)
{
    struct deck deck;
    struct buf der = { 0 };
    deck_open(&deck, tape);
    assert_int_equal(buf_append_text(&der, "before"), RC_OK);
    enum rc rc = card_read_cert(deck.card, CARD_CERT_AUTH, &der, &deck.err);
    if (rc != expected)
        print_error("%s: %s\n", rc_name(rc), err_text(&deck.err, rc));
    assert_int_equal(rc, expected);
    assert_memory_equal(der.data, "before", 6);
    assert_int_equal(der.len, rc ? 6 : 6 + len);
    if (!rc)
        assert_memory_equal(der.data + 6, pattern, len);
    deck_close(&deck);
    buf_wipe(&der);
    buf_wipe(tape);
}

static void certificates(void **state)
{
    (void)state;
    struct buf tape = { 0 };

    pattern_fill(1573); /* extended works: two commands */
    tape_text(&tape, "> 00B08A0000\n");
    tape_answer(&tape, 0, 256, "9000");
    tape_text(&tape, "> 00B00100 000525\n");
    tape_answer(&tape, 256, 1573 - 256, "9000");
    read_cert(&tape, 1573, RC_OK);

    pattern_fill(700); /* extended refused: short blocks, the last exact */
    tape_text(&tape, "> 00B08A0000\n");
    tape_answer(&tape, 0, 256, "9000");
    tape_text(&tape, "> 00B00100 0001BC\n< 6700\n> 00B0010000\n");
    tape_answer(&tape, 256, 256, "9000");
    tape_text(&tape, "> 00B00200BC\n");
    tape_answer(&tape, 512, 188, "9000");
    read_cert(&tape, 700, RC_OK);

    pattern_fill(600); /* the reader cannot carry extended lengths: known after one try */
    tape_text(&tape, "> 00B08A0000\n");
    tape_answer(&tape, 0, 256, "9000");
    tape_text(&tape, "> 00B00100 000158\n! io\n> 00B0010000\n");
    tape_answer(&tape, 256, 256, "9000");
    tape_text(&tape, "> 00B0020058\n");
    tape_answer(&tape, 512, 88, "9000");
    read_cert(&tape, 600, RC_OK);

    pattern_fill(300); /* short identifiers refused */
    tape_text(&tape, "> 00B08A0000\n< 6A86\n> 00A4020C02000A\n< 9000\n> 00B0000000\n");
    tape_answer(&tape, 0, 256, "9000");
    tape_text(&tape, "> 00B001002C\n");
    tape_answer(&tape, 256, 44, "9000");
    read_cert(&tape, 300, RC_OK);

    pattern_fill(200); /* within the first block: the filler is cut off */
    tape_text(&tape, "> 00B08A0000\n");
    tape_answer(&tape, 0, 256, "9000");
    read_cert(&tape, 200, RC_OK);

    pattern_fill(256); /* exactly one block */
    tape_text(&tape, "> 00B08A0000\n");
    tape_answer(&tape, 0, 256, "9000");
    read_cert(&tape, 256, RC_OK);
}

static void no_certificates(void **state)
{
    (void)state;
    struct buf tape = { 0 };

    pattern_fill(0); /* an empty file */
    tape_text(&tape, "> 00B08A0000\n");
    tape_answer(&tape, 0, 256, "9000");
    read_cert(&tape, 0, RC_NOT_FOUND);

    tape_text(&tape, "> 00B08A0000\n< 9000\n"); /* no bytes */
    read_cert(&tape, 0, RC_NOT_FOUND);

    tape_text(&tape, "> 00B08A0000\n< 6982\n"); /* a telephone */
    read_cert(&tape, 0, RC_PIN_NEEDED);

    tape_text(&tape, "> 00B08A0000\n< 6A82\n> 00A4020C02000A\n< 6A82\n");
    read_cert(&tape, 0, RC_NOT_FOUND);

    tape_text(&tape, "> 00B08A0000\n< 30800000 9000\n"); /* indefinite length */
    read_cert(&tape, 0, RC_FORMAT);

    pattern_fill(1000); /* the file ends before the certificate does */
    tape_text(&tape, "> 00B08A0000\n");
    tape_answer(&tape, 0, 256, "9000");
    tape_text(&tape, "> 00B00100 0002E8\n");
    tape_answer(&tape, 256, 100, "9000");
    tape_text(&tape, "> 00B00164 000284\n< 6B00\n");
    read_cert(&tape, 0, RC_FORMAT);

    tape_text(&tape, "> 00B08A0000\n"); /* taken out in the middle */
    tape_answer(&tape, 0, 256, "9000");
    tape_text(&tape, "> 00B00100 0002E8\n! gone\n");
    read_cert(&tape, 0, RC_CARD_GONE);

    tape_text(&tape, "> 00B08A0000\n"); /* more than was asked for */
    tape_answer(&tape, 0, 300, "9000");
    read_cert(&tape, 0, RC_FORMAT);
}

static void files(void **state)
{
    (void)state;
    static const struct {
        const char *flaw;
        size_t offset, len;
        const char *tape;
        enum rc rc;
        size_t got;
    } rows[] = {
        { "three bytes", 0, 3, "> 00B0880003\n< 8F8F00 9000", RC_OK, 3 },
        { "a short file", 0, 100, "> 00B0880064\n< 8F8F00 9000", RC_OK, 3 },
        { "a short file, said", 0, 100, "> 00B0880064\n< 8F8F00 6282", RC_OK, 3 },
        { "right Le told", 0, 100, "> 00B0880064\n< 6C03\n> 00B0880003\n< 8F8F00 9000", RC_OK, 3 },
        { "right Le told for ever", 0, 100, "> 00B0880064\n< 6C03\n> 00B0880003\n< 6C03", RC_CARD_REFUSED, 0 },
        { "the rest offered", 0, 100, "> 00B0880064\n< 8F 6102\n> 00C0000002\n< 8F00 9000", RC_OK, 3 },
        { "offset 255", 255, 1, "> 00B088FF01\n< 11 9000", RC_OK, 1 },
        { "offset 256: by SELECT", 256, 1, "> 00A4020C020008\n< 9000\n> 00B0010001\n< 11 9000", RC_OK, 1 },
        { "offset behind the end", 300, 1, "> 00A4020C020008\n< 9000\n> 00B0012C01\n< 6B00", RC_RANGE, 0 },
        { "offset no command can say", 0x8000, 1, "", RC_RANGE, 0 },
        { "nothing wanted", 0, 0, "", RC_OK, 0 },
        { "answer lost", 0, 3, "> 00B0880003\n! io", RC_IO, 0 },
        { "more than was asked for", 0, 3, "> 00B0880003\n< 8F8F0000 9000", RC_FORMAT, 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf tape = { 0 }, out = { 0 };
        struct deck deck;
        tape_text(&tape, rows[i].tape);
        deck_open(&deck, &tape);
        enum rc rc = card_read_ef(deck.card, APPLET_EF_CERT_PRESENCE, rows[i].offset, rows[i].len, &out, &deck.err);
        if (rc != rows[i].rc || out.len != rows[i].got)
            print_error("%s: %s: %s\n", rows[i].flaw, rc_name(rc), err_text(&deck.err, rc));
        assert_int_equal(rc, rows[i].rc);
        assert_int_equal(out.len, rows[i].got);
        deck_close(&deck);
        buf_wipe(&tape);
        buf_wipe(&out);
    }
}

/* What was learned of a card is used: the second file costs no failing command. */
static void learning(void **state)
{
    (void)state;
    struct buf tape = { 0 }, out = { 0 };
    struct deck deck;
    struct card_presence presence;
    tape_text(&tape, "> 00B0880003\n< 6A86\n> 00A4020C020008\n< 9000\n> 00B0000003\n< 008F00 9000\n"
                     "> 00A4020C020008\n< 9000\n> 00B0000003\n< 8F8F00 9000\n");
    deck_open(&deck, &tape);
    assert_int_equal(card_read_presence(deck.card, &presence, &deck.err), RC_OK);
    assert_true(presence.auth && !presence.sign);
    assert_int_equal(card_read_presence(deck.card, &presence, &deck.err), RC_OK);
    assert_true(presence.auth && presence.sign);
    deck_close(&deck);
    buf_wipe(&tape);
    buf_wipe(&out);
}

static void token_info(void **state)
{
    (void)state;
    static const struct {
        const char *label, *seen;
        enum card_kind kind;
    } rows[] = {
        { "JPKIAPICCTOKEN2", "JPKIAPICCTOKEN2", CARD_KIND_MYNUMBER }, { "JPKIAPICCTOKEN", "JPKIAPICCTOKEN", CARD_KIND_JUKI },
        { "JPKIAPGPSETOKEN", "JPKIAPGPSETOKEN", CARD_KIND_ANDROID },  { "JPKIAPIOSTOKEN", "JPKIAPIOSTOKEN", CARD_KIND_IOS },
        { "JPKIAPICCTOKEN3", "JPKIAPICCTOKEN3", CARD_KIND_UNKNOWN },  { "A\x01\xFF", "A??", CARD_KIND_UNKNOWN },
        { "", "", CARD_KIND_UNKNOWN },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf tape = { 0 };
        struct deck deck;
        struct card_token_info info;
        memset(pattern, ' ', 96);
        memset(pattern + 96, 0, 64);
        memcpy(pattern, rows[i].label, strlen(rows[i].label));
        memcpy(pattern + 80, "0000000020500003", 16);
        tape_text(&tape, "> 00B08600A0\n");
        tape_answer(&tape, 0, 160, "9000");
        deck_open(&deck, &tape);
        assert_int_equal(card_read_token_info(deck.card, &info, &deck.err), RC_OK);
        assert_string_equal(info.label, rows[i].seen);
        assert_string_equal(info.serial, "0000000020500003");
        assert_string_equal(info.model, "");
        assert_int_equal(info.kind, rows[i].kind);
        deck_close(&deck);
        buf_truncate(&tape, 0);
        tape_text(&tape, "> 00B08600A0\n");
        tape_answer(&tape, 0, 159, "9000");
        deck_open(&deck, &tape);
        assert_int_equal(card_read_token_info(deck.card, &info, &deck.err), RC_FORMAT);
        deck_close(&deck);
        buf_wipe(&tape);
    }
}

/* The trace names commands; a PIN and a file's content are not in it. */
static void trace(void **state)
{
    (void)state;
    char folder[] = "/tmp/jpki-card-XXXXXX";
    assert_non_null(mkdtemp(folder));
    char *path = file_join(folder, "trace");
    struct buf tape = { 0 }, seen = { 0 };
    struct deck deck;
    struct secret value;
    struct card_presence presence;
    setenv("JPKI_TRACE", path, 1);
    tape_text(&tape, "> 00B0880003\n< 8F8F00 9000\n> 00200098\n< 63C3\n> 00200098 04 31323334\n< 9000\n> 00200098\n! io\n");
    deck_open(&deck, &tape);
    assert_int_equal(secret_dup(&value, "1234", 4), RC_OK);
    assert_int_equal(card_read_presence(deck.card, &presence, &deck.err), RC_OK);
    assert_int_equal(card_verify_pin(deck.card, CARD_PIN_AUTH, &value, NULL, &deck.err), RC_OK);
    unsigned left;
    assert_int_equal(card_pin_tries(deck.card, CARD_PIN_AUTH, &left, &deck.err), RC_IO);
    deck_close(&deck);
    unsetenv("JPKI_TRACE");
    assert_int_equal(file_read(path, &seen, &deck.err), RC_OK);
    const char *text = buf_string(&seen);
    size_t lines = 0;
    for (const char *at = text; *at; at++)
        lines += *at == '\n';
    assert_int_equal(lines, 4);
    assert_null(strstr(text, "31323334"));
    assert_null(strstr(text, "8F8F00"));
    assert_non_null(strstr(text, "RC_IO"));
    unlink(path);
    rmdir(folder);
    free(path);
    secret_wipe(&value);
    buf_wipe(&tape);
    buf_wipe(&seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(certificates), cmocka_unit_test(no_certificates), cmocka_unit_test(files),
        cmocka_unit_test(learning),     cmocka_unit_test(token_info),      cmocka_unit_test(trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

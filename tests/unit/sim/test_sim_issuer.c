/* test_sim_issuer.c — what the issuer may do and when: the channel's opening, the card's life, keys made once, proof of
 * possession that closes by itself, and a personalisation that is torn at every save and resumed. */
#include "base/hex.h"
#include "pki/scp03.h"
#include "support/testcard.h"
#include "wire/apdu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SELECT_JPKI "00A4040C0AD392F000260100000001"

/* A plain command in hex through the channel; "" as want for data that is not looked at. */
static unsigned secured(struct testcard *card, const char *hex, struct buf *answer)
{
    struct buf command = { 0 }, own = { 0 };
    assert_int_equal(hex_decode(hex, &command), RC_OK);
    unsigned sw = testcard_secured(card, buf_bytes(&command), answer ? answer : &own);
    buf_wipe(&command);
    buf_wipe(&own);
    return sw;
}

struct step {
    const char *what, *command; /* '!' before the command: plain, beside the channel; "open", "power": as they say */
    unsigned sw;
    const char *answer; /* NULL: not looked at */
};

static void run(struct testcard *card, const struct step *steps, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct buf answer = { 0 };
        print_message("  %s\n", steps[i].what);
        if (strcmp(steps[i].command, "open") == 0) {
            testcard_open_channel(card);
        } else if (strcmp(steps[i].command, "power") == 0) {
            testcard_cut(card);
        } else if (steps[i].command[0] == '!') {
            assert_int_equal(testcard_send(card, steps[i].command + 1), steps[i].sw);
        } else {
            assert_int_equal(secured(card, steps[i].command, &answer), steps[i].sw);
            if (steps[i].answer) {
                struct buf want = { 0 };
                assert_int_equal(hex_decode(steps[i].answer, &want), RC_OK);
                assert_true(bytes_equal(buf_bytes(&answer), buf_bytes(&want)));
                buf_wipe(&want);
            }
        }
        buf_wipe(&answer);
    }
}

static const struct step life[] = {
    { "open", "open", 0, NULL },
    { "a blank card holds nothing", "80F2000000", 0x9000, "01 00 00 00 00 00 00" },
    { "no public key to tell", "8047811700", 0x6A88, NULL },
    { "no key to prove", "802A009701" "4100", 0x6985, NULL },
    { "not straight to its holder", "80F00700", 0x6985, NULL },
    { "a state that is none", "80F00500", 0x6985, NULL },
    { "a key of no file", "8047800C00", 0x6A82, NULL },
    { "a key of a certificate's file", "8047800100", 0x6981, NULL },
    { "a PIN of the wrong length", "80D80098" "03313233", 0x6700, NULL },
    { "a PIN of letters", "80D80098" "0441424344", 0x6A80, NULL },
    { "a signature PIN in lower case", "80D8009B" "06616263313233", 0x6A80, NULL },
    { "still blank: what was refused was not begun", "80F2000000", 0x9000, "01 00 00 00 00 00 00" },
    { "the first PIN begins personalisation", "80D80098" "0431323334", 0x9000, "" },
    { "so it says", "80F2000000", 0x9000, "03 00 00 00 00 00 01" },
    { "the same state again is no step", "80F00300", 0x9000, "" },
    { "back is none", "80F00100", 0x6985, NULL },
    { "the holder cannot use it yet", "!0020009804" "31323334", 0x6985, NULL },
    { "but the channel has not been hurt", "80F2000000", 0x9000, "03 00 00 00 00 00 01" },
    { "token info is not the issuer's to write", "80D6860001" "41", 0x6985, NULL },
    { "nor is a key", "80D6970001" "41", 0x6981, NULL },
    { "a certificate begins with 30", "80D68A0003" "414141", 0x6A80, NULL },
    { "past the end", "80D688FF01" "41", 0x6B00, NULL },
    { "more than fits", "80D6880004" "8F8F0000", 0x6A84, NULL },
    { "a file's whole content", "80D6880003" "8F8F00", 0x9000, "" },
    { "read back", "80B0880000", 0x9000, "8F8F00" },
    { "a certificate at its beginning", "80D68A0004" "30020500", 0x9000, "" },
    { "and filler behind", "80B08A0008", 0x9000, "30020500 FFFFFFFF" },
    { "by offset after a SELECT in the channel", "80A4020C02000A", 0x9000, "" },
    { "two bytes at 2", "80D6000202" "0501", 0x9000, "" },
    { "changed there and nowhere else", "80B0000006", 0x9000, "30020501 FFFF" },
    { "a plain SELECT beside the channel", "!00A4020C020002", 0x9000, NULL },
    { "does not choose what is written", "80D6000001" "30", 0x6986, NULL },
    { "a shorter content leaves nothing of the longer one", "80D68A0002" "3000", 0x9000, "" },
    { "filler again", "80B08A0004", 0x9000, "3000FFFF" },
    { "the issuer reads what it wrote for signatures", "80D6810002" "3000", 0x9000, "" },
    { "in the channel", "80B0810002", 0x9000, "3000" },
    { "not beside it", "!00B0810002", 0x6982, NULL },
    { "an application cannot be selected in the channel", "80A4040C0A" "D392F000260100000001", 0x6985, NULL },
    { "an unknown instruction", "80EE0000", 0x6D00, NULL },
    { "the other PIN", "80D8009B06" "414243313233", 0x9000, "" },
    { "over to the holder", "80F00700", 0x9000, "" },
    { "then no more keys", "8047801700", 0x6985, NULL },
    { "no more reading of the holder's data", "80B0810002", 0x6982, NULL },
    { "no way back", "80F00300", 0x6985, NULL },
    { "a PIN is used", "!0020009804" "31323334", 0x9000, NULL },
    { "a new PIN at the counter", "80D80098" "0435363738", 0x9000, "" },
    { "whoever had the old one has not the new one", "!00240198" "0439393939", 0x6982, NULL },
    { "blocked", "80F08300", 0x9000, "" },
    { "nothing works for the holder", "!0020009804" "35363738", 0x6985, NULL },
    { "active again", "80F00700", 0x9000, "" },
    { "it works", "!0020009804" "35363738", 0x9000, NULL },
    { "the end", "80F0FF00", 0x9000, "" },
    { "takes keys and PINs away", "80F2000000", 0x9000, "FF 00 00 01 01 00 00" },
    { "nothing can be put", "80D80098" "0431323334", 0x6985, NULL },
    { "nor written", "80D68A0002" "3000", 0x6985, NULL },
    { "nor read", "!00B08A0001", 0x6982, NULL },
    { "there is no way out", "80F00700", 0x6985, NULL },
    { "also after power off", "power", 0, NULL },
    { "select", "!" SELECT_JPKI, 0x9000, NULL },
    { "VERIFY", "!0020009804" "35363738", 0x6985, NULL },
};

static void test_life(void **state)
{
    (void)state;
    struct testcard *card = testcard_new_blank();
    run(card, life, sizeof life / sizeof *life);
    testcard_free(card);
}

/* What ends a channel. */
static void test_channel_ends(void **state)
{
    (void)state;
    static const struct {
        const char *what, *act;
        unsigned sw, after; /* of a secured GET STATUS */
    } rows[] = {
        { "SELECT of the application", SELECT_JPKI, 0x9000, 0x6982 },
        { "SELECT of another one", "00A4040C07A0000001510000", 0x9000, 0x6982 },
        { "a new INITIALIZE UPDATE", "8050000008010203040506070800", 0x9000, 0x6982 },
        { "a secured command without MAC", "84F2000000", 0x6988, 0x6982 },
        { "a secured command with a wrong MAC", "84F20000080102030405060708" "00", 0x6988, 0x6982 },
        { "EXTERNAL AUTHENTICATE in an open channel", "84823300100000000000000000" "0000000000000000", 0x6985, 0x6982 },
        { "warm reset", "reset", 0, 0x6982 },
        { "a refused SELECT does not", "00A4040C03D39310", 0x6A82, 0x9000 },
        { "a read beside it does not", "00B0860020", 0x9000, 0x9000 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct testcard *card = testcard_new_blank();
        struct buf wrapped = { 0 }, answer = { 0 };
        print_message("  %s\n", rows[i].what);
        testcard_open_channel(card);
        if (strcmp(rows[i].act, "reset") == 0)
            sim_reset(testcard_sim(card));
        else
            assert_int_equal(testcard_send(card, rows[i].act), rows[i].sw);
        testcard_wrap(card, bytes_of("\x80\xF2\0\0\0", 5), &wrapped);
        assert_int_equal(testcard_transmit(card, buf_bytes(&wrapped), &answer), rows[i].after);
        buf_wipe(&wrapped);
        buf_wipe(&answer);
        testcard_free(card);
    }
}

/* Opening: the wrong key, the wrong level, something in between, and an answer that cannot be had twice. */
static void test_opening(void **state)
{
    (void)state;
    struct testcard *card = testcard_new_blank();
    struct buf first = { 0 }, second = { 0 };
    struct buf command = { 0 };
    assert_int_equal(testcard_send(card, "8050000008010203040506070800"), 0x6985); /* no application is selected */
    assert_int_equal(testcard_send(card, SELECT_JPKI), 0x9000);
    assert_int_equal(testcard_send(card, "8050010008010203040506070800"), 0x6A88);
    assert_int_equal(testcard_send(card, "80500000070102030405060700"), 0x6700);
    assert_int_equal(testcard_send(card, "80500000080102030405060708"), 0x6700);
    assert_int_equal(hex_decode("8050000008010203040506070800", &command), RC_OK);
    assert_int_equal(testcard_transmit(card, buf_bytes(&command), &first), 0x9000);
    assert_int_equal(testcard_transmit(card, buf_bytes(&command), &second), 0x9000);
    assert_int_equal(first.len, 32);
    assert_memory_equal(first.data, second.data, 13);
    assert_memory_not_equal(first.data + 13, second.data + 13, 8); /* challenge, cryptogram, counter: new ones */
    assert_int_equal(second.data[31], first.data[31] + 1);
    testcard_cut(card); /* and not again after power off */
    assert_int_equal(testcard_send(card, SELECT_JPKI), 0x9000);
    assert_int_equal(testcard_transmit(card, buf_bytes(&command), &second), 0x9000);
    assert_int_equal(second.data[31], first.data[31] + 2);
    /* a host that does not have the key */
    assert_int_equal(testcard_send(card, "848233001000000000000000000000000000000000"), 0x6300);
    assert_int_equal(testcard_send(card, "848233001000000000000000000000000000000000"), 0x6985); /* no second try */
    /* a counter that cannot be saved is no offer */
    testcard_fail_save(card, 1);
    assert_int_equal(testcard_transmit(card, buf_bytes(&command), &second), 0x6581);
    testcard_fail_save(card, 0);
    assert_int_equal(testcard_send(card, "848233001000000000000000000000000000000000"), 0x6985);
    buf_wipe(&first);
    buf_wipe(&second);
    buf_wipe(&command);
    testcard_free(card);
}

static void test_keys(void **state)
{
    (void)state;
    struct testcard *card = testcard_new_blank();
    struct buf made = { 0 }, told = { 0 }, signature = { 0 };
    testcard_open_channel(card);
    assert_int_equal(secured(card, "8047801A" "000000", &made), 0x9000);
    assert_int_equal(made.len, 5 + 4 + 256 + 2 + 3);
    assert_memory_equal(made.data, "\x7F\x49\x82\x01\x09\x81\x82\x01\x00", 9);
    assert_memory_equal(made.data + 265, "\x82\x03\x01\x00\x01", 5);
    assert_int_equal(secured(card, "8047801A" "000000", NULL), 0x6985); /* made once */
    testcard_cut(card);                                                  /* the answer was lost: it can be had again */
    testcard_open_channel(card);
    assert_int_equal(secured(card, "8047811A" "000000", &told), 0x9000);
    assert_true(bytes_equal(buf_bytes(&made), buf_bytes(&told)));
    /* Proof of possession: until the certificate is there. */
    assert_int_equal(secured(card, "802A039A0141" "00", &signature), 0x9000);
    EVP_PKEY *key = testcard_public_key(buf_bytes(&told));
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key), 1);
    assert_int_equal(EVP_DigestVerify(ctx, signature.data, signature.len, (const uint8_t *)"A", 1), 1);
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    assert_int_equal(testcard_send(card, "802A039A014100"), 0x6985);      /* not beside the channel */
    assert_int_equal(secured(card, "802A03970141" "00", NULL), 0x6985);   /* not with a key that is not there */
    assert_int_equal(secured(card, "802A03800141" "00", NULL), 0x6A86);   /* not with the current file */
    assert_int_equal(secured(card, "80D68A0002" "3000", NULL), 0x9000);   /* the other key's certificate closes nothing */
    assert_int_equal(secured(card, "802A039A0141" "00", NULL), 0x9000);
    assert_int_equal(secured(card, "80D6810002" "3000", NULL), 0x9000);
    assert_int_equal(secured(card, "802A039A0141" "00", NULL), 0x6985);
    assert_int_equal(secured(card, "80D8009B06" "414243313233", NULL), 0x9000);
    assert_int_equal(secured(card, "80F00700", NULL), 0x9000);
    assert_int_equal(testcard_send(card, "0020009B06414243313233"), 0x9000);
    assert_int_equal(secured(card, "802A039A0141" "00", NULL), 0x6985); /* nor for the holder's PIN through the channel */
    assert_int_equal(testcard_send(card, "802A039A014100"), 0x9000);
    buf_wipe(&made);
    buf_wipe(&told);
    buf_wipe(&signature);
    testcard_free(card);
}

/* A certificate that comes in pieces, the power cut between them: half of one is none, whoever is asked. */
static void test_half_certificate(void **state)
{
    (void)state;
    static const struct {
        const char *what, *offset, *bytes;
        bool there;
    } pieces[] = {
        { "header", "0000", "0430820006", false }, /* a length that DER writes shorter: none */
        { "another header", "0000", "0430050102", false },
        { "its rest", "0004", "03030405", true },
        { "a longer one over it", "0000", "03300701", false },
        { "its end", "0007", "020607", true },
    };
    struct testcard *card = testcard_new_blank();
    struct buf status = { 0 };
    testcard_open_channel(card);
    assert_int_equal(secured(card, "8047801A000000", NULL), 0x9000);
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        struct sim_summary summary;
        char command[40];
        print_message("  %s\n", pieces[i].what);
        testcard_cut(card);
        testcard_open_channel(card);
        assert_int_equal(secured(card, "80A4020C020001", NULL), 0x9000);
        (void)snprintf(command, sizeof command, "80D6%s%s", pieces[i].offset, pieces[i].bytes);
        assert_int_equal(secured(card, command, NULL), 0x9000);
        assert_int_equal(secured(card, "80F2000000", &status), 0x9000);
        assert_int_equal(status.data[3], pieces[i].there);
        sim_summarise(testcard_sim(card), &summary);
        assert_int_equal(summary.sign.cert, pieces[i].there);
        assert_int_equal(sim_certificate(testcard_sim(card), APPLET_EF_SIGN_CERT).len != 0, pieces[i].there);
        assert_int_equal(secured(card, "802A039A014100", NULL), 0x6985); /* proof of possession ends with the first piece */
    }
    buf_wipe(&status);
    testcard_free(card);
}

/* A personalisation as a desk does it: asks what is there, does what is missing. Stops at the first 6581. */
static bool resume(struct testcard *card)
{
    static const struct {
        unsigned at; /* which byte of GET STATUS says that it has been done; 0: the life */
        const char *command;
    } todo[] = {
        { 1, "8047801A000000" },       { 2, "80478017000000" },         { 3, "80D681000430020500" },
        { 4, "80D68A000430020501" },   { 5, "80D8009B06414243313233" }, { 6, "80D800980431323334" },
        { 0, "80F00700" },
    };
    struct buf status = { 0 };
    bool done = true;
    if (!testcard_try_channel(card))
        return false;
    assert_int_equal(secured(card, "80F2000000", &status), 0x9000);
    for (size_t i = 0; done && i < sizeof todo / sizeof *todo; i++) {
        if (todo[i].at ? status.data[todo[i].at] : status.data[0] == APPLET_LIFE_ACTIVE)
            continue;
        unsigned sw = secured(card, todo[i].command, NULL);
        assert_true(sw == 0x9000 || sw == 0x6581);
        done = sw == 0x9000;
    }
    buf_wipe(&status);
    return done;
}

static void test_torn_personalisation(void **state)
{
    (void)state;
    unsigned cut = 1;
    for (bool whole = false; !whole; cut++) {
        struct testcard *card = testcard_new_blank();
        struct buf before = { 0 }, after = { 0 };
        testcard_fail_save(card, cut);
        whole = resume(card);
        testcard_fail_save(card, 0);
        testcard_cut(card);
        print_message("  the %u. save is refused%s\n", cut, whole ? ": there are not so many" : "");
        testcard_open_channel(card);
        unsigned had = secured(card, "8047811A000000", &before);
        assert_true(had == 0x9000 || had == 0x6A88);
        testcard_cut(card);
        assert_true(resume(card));
        assert_int_equal(secured(card, "80F2000000", &after), 0x9000);
        assert_memory_equal(after.data, "\x07\1\1\1\1\1\1", 7);
        assert_int_equal(secured(card, "8047811A000000", &after), 0x9000);
        if (had == 0x9000) /* a key that was there has stayed */
            assert_true(bytes_equal(buf_bytes(&before), buf_bytes(&after)));
        assert_int_equal(testcard_send(card, "0020009B06414243313233"), 0x9000);
        assert_int_equal(testcard_send(card, "802A039A014100"), 0x9000);
        buf_wipe(&before);
        buf_wipe(&after);
        testcard_free(card);
    }
    assert_int_equal(cut - 1, 9); /* one of the channel, seven steps, and then none */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_life), cmocka_unit_test(test_channel_ends), cmocka_unit_test(test_opening),
        cmocka_unit_test(test_keys), cmocka_unit_test(test_half_certificate), cmocka_unit_test(test_torn_personalisation),
    };
    return cmocka_run_group_tests_name("sim-issuer", tests, NULL, NULL);
}

/* test_sim_hostile.c — every cut and every flipped bit of every valid command, plain and secured, and of the image: no
 * crash, an answer of the right form, and nothing changed that the answer does not admit. */
#include "base/hex.h"
#include "pki/scp03.h"
#include "support/testface.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const commands[] = {
    "00A4040C0AD392F000260100000001", "00A404000AD392F00026010000000100", "00A4020C02000A", "00B0000004",   "00B08A0000",
    "00B08A00000000",                 "00200098",                         "002000980431323334", "0020009B06414243313233",
    "002401980435363738",             "802A0097054142434445" "00",        "802A009700000541424344450100",
    "0084000008",                     "00CA006600",                       "8050000008000102030405060700",
    "00B2010C00",                     "84823300100001020304050607" "08090A0B0C0D0E0F",
};

/* With the text application selected, its PIN presented, a session begun by nobody. */
static const char *const text_commands[] = {
    "00A4020C020001", "00B0820010",     "002000940C313233343536373839303138", "00240191043132333435", "80320091043132333435",
    "00B2010C00",     "80AE000004A0018000", "00880093044142434400",           "802A00000541424344450000", "08B08200059603000010" "00",
    "0820009413861101000102030405060708090A0B0C0D0E0F", "00CA00F8000000", "80DA00F00531323334350000",
};

static void prepare_text(struct testcard *card)
{
    assert_int_equal(testcard_send(card, "00A4040C0AD3921000310001010408"), 0x9000);
    assert_int_equal(testcard_send(card, "002000910432353830"), 0x9000);
}

static void prepare(struct testcard *card)
{
    assert_int_equal(testcard_send(card, "00A4040C0AD392F000260100000001"), 0x9000);
    assert_int_equal(testcard_send(card, "002000980431323334"), 0x9000);
    assert_int_equal(testcard_send(card, "00A4020C020018"), 0x9000);
}

/* Sends exactly these bytes from the heap; what was saved must be admitted by command and answer. */
static void send_hostile(struct testcard *card, const uint8_t *bytes, size_t len)
{
    struct sim_summary before, after;
    struct buf answer = { 0 };
    uint8_t *exact = malloc(len ? len : 1);
    assert_non_null(exact);
    memcpy(exact, bytes, len);
    unsigned saves = testcard_saves(card);
    sim_summarise(testcard_sim(card), &before);
    unsigned sw = testcard_transmit(card, bytes_of(exact, len), &answer);
    sim_summarise(testcard_sim(card), &after);
    bool verify = len >= 4 && exact[0] == 0x00 && exact[1] == 0x20 && (sw == 0x9000 || (sw & 0xFFF0) == 0x63C0);
    bool change = len >= 4 && exact[0] == 0x00 && exact[1] == 0x24 && sw == 0x9000;
    bool change_key = len >= 4 && exact[0] == 0x80 && exact[1] == 0x32 && sw == 0x9000;
    bool initialize = len >= 4 && exact[0] == 0x80 && exact[1] == 0x50 && sw == 0x9000;
    if (!verify && !change && !change_key && !initialize)
        assert_int_equal(testcard_saves(card), saves);
    if (!verify && !change) {
        assert_int_equal(before.auth.tries, after.auth.tries);
        assert_int_equal(before.sign.tries, after.sign.tries);
    }
    assert_int_equal(before.life, after.life);
    assert_true(before.auth.key == after.auth.key && before.sign.key == after.sign.key);
    assert_true(before.auth.cert == after.auth.cert && before.sign.cert == after.sign.cert);
    if (sw != 0x9000)
        assert_int_equal(answer.len, 0);
    free(exact);
    buf_wipe(&answer);
}

static void all_changes(struct testcard *issued, const char *const *list, size_t count, void (*begin)(struct testcard *))
{
    for (size_t i = 0; i < count; i++) {
        struct buf whole = { 0 };
        print_message("  %s\n", list[i]);
        assert_int_equal(hex_decode(list[i], &whole), RC_OK);
        for (size_t len = 0; len < whole.len; len++) {
            struct testcard *card = testcard_copy(issued);
            begin(card);
            send_hostile(card, whole.data, len);
            testcard_free(card);
        }
        for (size_t bit = 0; bit < 8 * whole.len; bit++) {
            struct testcard *card = testcard_copy(issued);
            begin(card);
            whole.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            send_hostile(card, whole.data, whole.len);
            whole.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            testcard_free(card);
        }
        buf_wipe(&whole);
    }
}

static void test_plain(void **state)
{
    all_changes(*state, commands, sizeof commands / sizeof *commands, prepare);
}

static void test_text(void **state)
{
    all_changes(*state, text_commands, sizeof text_commands / sizeof *text_commands, prepare_text);
}

/* Random bytes of the card's own class and instruction space. */
static void test_noise(void **state)
{
    struct testcard *card = testcard_copy(*state);
    static const uint8_t instructions[] = { 0x20, 0x24, 0x2A, 0x47, 0x50, 0x82, 0x84, 0x88, 0xA4, 0xB0, 0xB2, 0xCA, 0xD6, 0xD8,
                                            0xF0, 0xF2 };
    prepare(card);
    srand(1);
    for (unsigned n = 0; n < 20000; n++) {
        uint8_t bytes[24];
        size_t len = (size_t)rand() % sizeof bytes + 1;
        for (size_t i = 0; i < len; i++)
            bytes[i] = (uint8_t)rand();
        bytes[0] = (uint8_t)(n % 4 == 0 ? 0x00 : n % 4 == 1 ? 0x80 : n % 4 == 2 ? 0x84 : bytes[0]);
        if (len > 1)
            bytes[1] = instructions[n % sizeof instructions];
        if (len > 4 && n % 3)
            bytes[4] = (uint8_t)(len - 5);
        send_hostile(card, bytes, len);
    }
    testcard_free(card);
}

/* A secured command that was changed on the way ends the channel and does nothing. */
static void test_secured(void **state)
{
    struct testcard *blank = *state;
    uint8_t plain[] = { 0x80, 0xF0, APPLET_LIFE_PERSONALISED, 0x00 };
    for (size_t bit = 0; bit < 8 * 13; bit++) {
        struct testcard *card = testcard_copy(blank);
        struct buf secured = { 0 }, answer = { 0 };
        struct sim_summary summary;
        testcard_open_channel(card);
        testcard_wrap(card, bytes_of(plain, sizeof plain), &secured);
        assert_int_equal(secured.len, 13);
        secured.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        unsigned sw = testcard_transmit(card, buf_bytes(&secured), &answer);
        assert_int_not_equal(sw, 0x9000);
        sim_summarise(testcard_sim(card), &summary);
        assert_int_equal(summary.life, APPLET_LIFE_BLANK);
        secured.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (sw == 0x6988) /* the channel is over: the right command comes too late */
            assert_int_equal(testcard_transmit(card, buf_bytes(&secured), &answer), 0x6982);
        buf_wipe(&secured);
        buf_wipe(&answer);
        testcard_free(card);
    }
}

static enum rc save_nothing(void *context, struct bytes image)
{
    (void)context;
    (void)image;
    return RC_OK;
}

/* An image that was cut or changed anywhere does not open. */
static void test_image(void **state)
{
    struct testcard *card = *state;
    struct bytes image = testcard_image(card);
    const struct sim_config config = { testcard_seal_key(card), save_nothing, NULL };
    struct sim *sim = NULL;
    uint8_t *copy = malloc(image.len);
    assert_non_null(copy);
    for (size_t len = 0; len < image.len; len += len < 64 ? 1 : 97) {
        memcpy(copy, image.data, len);
        assert_int_not_equal(sim_open(&config, bytes_of(copy, len), &sim), RC_OK);
    }
    memcpy(copy, image.data, image.len);
    for (size_t i = 0; i < image.len; i++) {
        copy[i] ^= (uint8_t)(1u << i % 8);
        enum rc rc = sim_open(&config, bytes_of(copy, image.len), &sim);
        assert_true(rc == RC_BAD_SIGNATURE || (i < 9 && rc == RC_FORMAT));
        copy[i] ^= (uint8_t)(1u << i % 8);
    }
    assert_int_equal(sim_open(&config, bytes_of(copy, image.len), &sim), RC_OK);
    sim_free(sim);
    free(copy);
}

static int setup(void **state)
{
    *state = testface_new(NULL);
    return 0;
}

static int setup_blank(void **state)
{
    *state = testcard_new_blank();
    return 0;
}

static int teardown(void **state)
{
    testcard_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_plain), cmocka_unit_test(test_text), cmocka_unit_test(test_noise),
                                        cmocka_unit_test_setup_teardown(test_secured, setup_blank, teardown),
                                        cmocka_unit_test(test_image) };
    return cmocka_run_group_tests_name("sim-hostile", tests, setup, teardown);
}

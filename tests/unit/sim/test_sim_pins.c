/* test_sim_pins.c — the rules of the retry counters, over every short sequence, against a model of a few lines; and that
 * no refused save and no power cut gives a try for nothing. */
#include "base/hex.h"
#include "support/testcard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SELECT_JPKI "00A4040C0AD392F000260100000001"
#define DEPTH 4

/* EMPTY is the query; MALFORMED the same with an Le, more bytes than a PIN has, and an APDU cut short; UNSAVED tears the first
 * durable write of a right VERIFY, HALF the second, each with a power cut; OTHER goes to another application and back. */
enum act { GOOD, BAD, EMPTY, MALFORMED, SAME, RESET, POWER, OTHER, UNSAVED, HALF, ACTS };
static const char act_letters[] = "gbemsrpouh"; /* how a failed sequence is named */

struct model {
    unsigned tries, max;
    bool verified;
};

static const struct half {
    const char *what, *good, *bad, *query, *malformed[3];
    const char *probe; /* CHANGE REFERENCE DATA of a wrong length: 6982 before VERIFY, 6700 after */
    unsigned max;
} halves[] = {
    { "authentication PIN", "002000980431323334", "002000980430303030", "00200098",
      { "0020009800", "0020009811" "3131313131313131313131313131313131", "0020009804313233" }, "00240198013A", 3 },
    { "signature PIN", "0020009B06414243313233", "0020009B06414243313234", "0020009B",
      { "0020009B00", "0020009B11" "3131313131313131313131313131313131", "0020009B064142433132" }, "0024019B013A", 5 },
};

static unsigned expect_verify(struct model *model, bool good)
{
    if (model->tries == 0)
        return 0x6984;
    model->verified = good;
    model->tries = good ? model->max : model->tries - 1;
    return good ? 0x9000 : 0x63C0 | model->tries;
}

static void expect(struct testcard *card, const char *sequence, const char *command, unsigned want)
{
    unsigned sw = testcard_send(card, command);
    if (sw != want)
        fail_msg("after %s: %s: %04X, not %04X", sequence, command, sw, want);
}

static void play(struct testcard *card, const struct half *half, enum act act, const char *name, struct model *model)
{
    switch (act) {
    case GOOD:
    case BAD:
        expect(card, name, act == GOOD ? half->good : half->bad, expect_verify(model, act == GOOD));
        break;
    case SAME:
        break;
    case RESET:
        sim_reset(testcard_sim(card));
        break;
    case POWER:
        testcard_cut(card);
        model->verified = false;
        break;
    case EMPTY:
        expect(card, name, half->query, 0x63C0 | model->tries);
        break;
    case MALFORMED:
        for (size_t i = 0; i < 3; i++)
            expect(card, name, half->malformed[i], 0x6700);
        break;
    case UNSAVED:
    case HALF:
        testcard_fail_save(card, act == UNSAVED ? 1 : 2);
        expect(card, name, half->good, model->tries ? 0x6581 : 0x6984);
        testcard_fail_save(card, 0);
        model->tries -= act == HALF && model->tries;
        testcard_cut(card);
        model->verified = false;
        break;
    case OTHER:
        assert_int_equal(testcard_send(card, "00A4040C07A0000001510000"), 0x9000);
        model->verified = false;
        break;
    case ACTS:
        break;
    }
    if (act >= SAME)
        assert_int_equal(testcard_send(card, SELECT_JPKI), 0x9000);
}

/* Every sequence of so many acts. */
static void all_sequences(struct testcard *start, const struct half *half, unsigned tries, unsigned depth)
{
    unsigned count = 1;
    for (unsigned i = 0; i < depth; i++)
        count *= ACTS;
    for (unsigned n = 0; n < count; n++) {
        struct testcard *card = testcard_copy(start);
        struct model model = { tries, half->max, false };
        char name[DEPTH + 1] = "";
        assert_int_equal(testcard_send(card, SELECT_JPKI), 0x9000);
        unsigned rest = n;
        for (unsigned i = 0; i < depth; i++, rest /= ACTS) {
            name[i] = act_letters[rest % ACTS];
            play(card, half, (enum act)(rest % ACTS), name, &model);
        }
        /* What can be seen from outside: the counter, never 9000; and whether the PIN counts as presented. Looked at in the end
         * only, so that looking changes nothing; shorter sequences stand in longer ones that end with a query. */
        expect(card, name, half->query, 0x63C0 | model.tries);
        expect(card, name, half->probe, model.verified ? 0x6700 : 0x6982);
        testcard_free(card);
    }
}

static void test_sequences(void **state)
{
    for (size_t h = 0; h < sizeof halves / sizeof *halves; h++) {
        print_message("  %s: every sequence of %d acts, with two tries left of one less\n", halves[h].what, DEPTH);
        struct testcard *card = testcard_copy(*state);
        all_sequences(card, &halves[h], halves[h].max, DEPTH);
        assert_int_equal(testcard_send(card, SELECT_JPKI), 0x9000);
        for (unsigned left = halves[h].max - 1; left >= 2; left--)
            assert_int_equal(testcard_send(card, halves[h].bad), 0x63C0 | left);
        all_sequences(card, &halves[h], 2, DEPTH - 1);
        testcard_free(card);
    }
}

/* Blocking the one leaves the other alone. */
static void test_independent(void **state)
{
    for (size_t h = 0; h < 2; h++) {
        struct testcard *card = testcard_copy(*state);
        assert_int_equal(testcard_send(card, SELECT_JPKI), 0x9000);
        for (unsigned left = halves[h].max; left-- > 0;)
            assert_int_equal(testcard_send(card, halves[h].bad), 0x63C0 | left);
        assert_int_equal(testcard_send(card, halves[h].good), 0x6984);
        assert_int_equal(testcard_send(card, halves[1 - h].query), 0x63C0 | halves[1 - h].max);
        assert_int_equal(testcard_send(card, halves[1 - h].good), 0x9000);
        testcard_free(card);
    }
}

/* The power goes, or the disk is full, at each save of a VERIFY. */
static void test_torn(void **state)
{
    static const struct {
        const char *what;
        bool good;
        unsigned fail_at, sw, tries_after;
    } rows[] = {
        { "right PIN, the try cannot be saved: no comparison", true, 1, 0x6581, 3 },
        { "wrong PIN, the try cannot be saved: the same answer", false, 1, 0x6581, 3 },
        { "right PIN, giving the try back cannot be saved: it stays lost", true, 2, 0x6581, 2 },
        { "wrong PIN, nothing to give back", false, 2, 0x63C2, 2 },
        { "right PIN, both saved", true, 3, 0x9000, 3 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct testcard *card = testcard_copy(*state);
        print_message("  %s\n", rows[i].what);
        assert_int_equal(testcard_send(card, SELECT_JPKI), 0x9000);
        testcard_fail_save(card, rows[i].fail_at);
        assert_int_equal(testcard_send(card, rows[i].good ? halves[0].good : halves[0].bad), rows[i].sw);
        testcard_fail_save(card, 0);
        assert_int_equal(testcard_send(card, halves[0].probe), rows[i].sw == 0x9000 ? 0x6700 : 0x6982);
        assert_int_equal(testcard_send(card, halves[0].query), 0x63C0 | rows[i].tries_after);
        testcard_cut(card);
        assert_int_equal(testcard_send(card, SELECT_JPKI), 0x9000);
        assert_int_equal(testcard_send(card, halves[0].query), 0x63C0 | rows[i].tries_after);
        assert_int_equal(testcard_send(card, halves[0].probe), 0x6982);
        testcard_free(card);
    }
}

/* Of a change of PIN: the old one or the new one stands, never neither. */
static void test_torn_change(void **state)
{
    struct testcard *card = testcard_copy(*state);
    assert_int_equal(testcard_send(card, SELECT_JPKI), 0x9000);
    assert_int_equal(testcard_send(card, halves[0].good), 0x9000);
    testcard_fail_save(card, 1);
    assert_int_equal(testcard_send(card, "002401980435363738"), 0x6581);
    testcard_fail_save(card, 0);
    testcard_cut(card);
    assert_int_equal(testcard_send(card, SELECT_JPKI), 0x9000);
    assert_int_equal(testcard_send(card, halves[0].good), 0x9000);
    assert_int_equal(testcard_send(card, "002401980435363738"), 0x9000);
    testcard_cut(card);
    assert_int_equal(testcard_send(card, SELECT_JPKI), 0x9000);
    assert_int_equal(testcard_send(card, "002000980435363738"), 0x9000);
    testcard_free(card);
}

static int setup(void **state)
{
    /* PINs and nothing else: a card without keys is quick to copy. */
    static const char *const put[] = { "80D800980431323334", "80D8009B06414243313233", "80F00700" };
    struct testcard *card = testcard_new_blank();
    testcard_open_channel(card);
    for (size_t i = 0; i < sizeof put / sizeof *put; i++) {
        struct buf command = { 0 }, answer = { 0 };
        assert_int_equal(hex_decode(put[i], &command), RC_OK);
        assert_int_equal(testcard_secured(card, buf_bytes(&command), &answer), 0x9000);
        buf_wipe(&command);
        buf_wipe(&answer);
    }
    *state = card;
    return 0;
}

static int teardown(void **state)
{
    testcard_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_sequences), cmocka_unit_test(test_independent),
                                        cmocka_unit_test(test_torn), cmocka_unit_test(test_torn_change) };
    return cmocka_run_group_tests_name("sim-pins", tests, setup, teardown);
}

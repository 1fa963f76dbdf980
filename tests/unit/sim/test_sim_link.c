/* test_sim_link.c — what a fault plan, a power cut and the time model do to a conversation, with a card on disk. Each fault
 * is judged by what the host gets and by what the card has done, counted by its tries. */
#include "../../support/scratch.h"
#include "applet-sim/sim_link.h"
#include "applet-sim/sim_script.h"
#include "base/file.h"
#include "base/hex.h"
#include "support/testcard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define SELECT "> 00A4040C0AD392F000260100000001\n< 9000\n"
#define WRONG "> 002000980430303030\n"
#define RIGHT "> 002000980431323334\n"
#define QUERY "> 00200098\n"

struct place {
    char folder[32], card[64];
};

static void place_make(struct place *place, const struct testcard *card)
{
    memcpy(place->folder, "/tmp/simlink.XXXXXX", 20);
    assert_non_null(mkdtemp(place->folder));
    (void)snprintf(place->card, sizeof place->card, "%s/card", place->folder);
    testcard_write(card, place->card);
}

static void place_remove(const struct place *place)
{
    assert_int_equal(scratch_remove(place->folder), 0);
}

/* Plays a script with a plan on a fresh copy of the card. The trace goes to memory. */
static enum rc play(const struct testcard *card, const char *plan_text, const char *script, char *trace, size_t trace_size,
                    struct err *err)
{
    struct place place;
    struct sim_store *store;
    struct sim_plan *plan;
    struct sim_link *link;
    struct sim_time time;
    char text[2048];
    place_make(&place, card);
    assert_true(strlen(script) < sizeof text);
    memcpy(text, script, strlen(script) + 1);
    assert_int_equal(sim_store_open(place.card, NULL, &store, err), RC_OK);
    assert_int_equal(sim_plan_parse(plan_text, &plan, err), RC_OK);
    assert_int_equal(sim_time_parse("contact:9600", &time, err), RC_OK);
    FILE *to = fmemopen(trace, trace_size, "w");
    assert_non_null(to);
    const struct sim_link_config config = { .store = store, .plan = plan, .trace = to, .time = &time, .name = "reader" };
    assert_int_equal(sim_link_new(&config, &link), RC_OK);
    enum rc rc = sim_script_play(link, text, err);
    sim_link_free(link);
    (void)fclose(to);
    sim_plan_free(plan);
    sim_store_close(store);
    place_remove(&place);
    return rc;
}

static void test_faults(void **state)
{
    static const struct {
        const char *what, *plan, *script;
    } rows[] = {
        { "no fault", "", SELECT WRONG "< 63C2\n" },
        { "pulled before the command: the card did nothing", "command=2:pulled", SELECT WRONG "< none\natr\n< none\npower\n" SELECT QUERY "< 63C3\n" },
        { "pulled after the command: the try is gone", "command=2:pulled-after", SELECT WRONG "< none\natr\n< none\npower\n" SELECT QUERY "< 63C2\n" },
        { "a lost answer: the try is gone, the card is there", "command=2:lost", SELECT WRONG "< none\n" QUERY "< 63C2\n" },
        { "a lost answer to the right PIN: it is presented", "command=2:lost", SELECT RIGHT "< none\n> 802A0097014100\n< *9000\n" },
        { "half of the answer", "command=2:truncated", SELECT WRONG "< 63\n" QUERY "< 63C2\n" },
        { "nothing of the answer", "command=2:truncated@0", SELECT WRONG "<\n" QUERY "< 63C2\n" },
        { "more than the answer", "command=2:truncated@9", SELECT WRONG "< 63C2\n" },
        { "the answer again in place of the next", "command=2:duplicated", SELECT WRONG "< 63C2\n> 00A4020C020018\n< 63C2\n" QUERY "< 63C2\n" },
        { "the next command is done all the same", "command=1:duplicated", SELECT WRONG "< 9000\n" QUERY "< 63C2\n" },
        { "a power cut forgets what comes again", "command=1:duplicated", SELECT "power\n> 00200098\n< 6A82\n" },
        { "a reset: no application is selected", "command=3:reset", SELECT RIGHT "< 9000\n> 802A0097014100\n< 6A82\n" },
        { "after a reset the PIN is still presented", "command=3:reset", SELECT RIGHT "< 9000\n" SELECT "> 802A0097014100\n< *9000\n" },
        { "after a loss of power it is not", "command=3:power", SELECT RIGHT "< 9000\n> 0084000008\n< *9000\n" SELECT "> 802A0097014100\n< 6982\n" },
        { "held by another program: the card did nothing", "command=2:shared", SELECT WRONG "< none\n" QUERY "< 63C3\n" },
        { "from the second on", "command=2+:lost", SELECT WRONG "< none\n" WRONG "< none\n" },
        { "counted by instruction", "ins20=2:lost", SELECT WRONG "< 63C2\n> 0084000008\n< *9000\n" WRONG "< none\n" QUERY "< 63C1\n" },
        { "always", "command=1/1:lost", "> 0084000008\n< none\n> 0084000008\n< none\n" },
        { "the first rule that fits holds", "command=2:lost command=2:shared", SELECT WRONG "< none\n" QUERY "< 63C2\n" },
        { "cut at the first write of a wrong try: as if it had not been", "write=1:cut", SELECT WRONG "< none\npower\n" SELECT QUERY "< 63C3\n" },
        { "cut behind it: the try is gone", "write=1:cut-after", SELECT WRONG "< none\npower\n" SELECT QUERY "< 63C2\n" },
        { "cut at the second write of the right PIN: no try gained", "write=2:cut", SELECT RIGHT "< none\npower\n" SELECT QUERY "< 63C2\n" },
        { "cut behind it: the counter is full", "write=2:cut-after", SELECT RIGHT "< none\npower\n" SELECT QUERY "< 63C3\n" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char trace[4096] = "";
        struct err err = { 0 };
        print_message("  %s\n", rows[i].what);
        enum rc rc = play(*state, rows[i].plan, rows[i].script, trace, sizeof trace, &err);
        if (rc)
            fail_msg("%s: %s\n%s", rows[i].what, err_text(&err, rc), trace);
        assert_null(strstr(trace, "30303030"));
        assert_null(strstr(trace, "31323334"));
    }
}

/* Found by itself how often a command writes: a tear behind the last write must be said not to have come. */
static void test_tear(void **state)
{
    static const struct {
        const char *what, *script;
        enum rc rc;
    } rows[] = {
        { "torn at the decrement", SELECT "tear 1\n" WRONG "< none\npower\n" SELECT QUERY "< 63C3\n", RC_OK },
        { "torn behind the decrement", SELECT "tear 1 after\n" WRONG "< none\npower\n" SELECT QUERY "< 63C2\n", RC_OK },
        { "the right PIN, torn at giving the try back", SELECT "tear 2\n" RIGHT "< none\npower\n" SELECT QUERY "< 63C2\n", RC_OK },
        { "torn behind it: nothing is lost but the PIN's status",
          SELECT "tear 2 after\n" RIGHT "< none\npower\n" SELECT QUERY "< 63C3\n> 802A0097014100\n< 6982\n", RC_OK },
        { "a reset brings no power", SELECT "tear 1\n" WRONG "< none\nreset\n" QUERY, RC_STATE },
        { "a command that writes nothing", SELECT "tear 1\n" QUERY, RC_CONFLICT },
        { "a command that writes less often", SELECT "tear 3\n" RIGHT, RC_CONFLICT },
        { "a tear is for one command", SELECT "tear 1\n" WRONG "< none\npower\n" SELECT WRONG "< 63C2\n", RC_OK },
        { "torn how often", "tear\n", RC_FORMAT },
        { "torn before the first write", "tear 0\n", RC_FORMAT },
        { "torn elsewhere", "tear 1 before\n", RC_FORMAT },
        { "no answer, but one came", SELECT "< none\n", RC_CONFLICT },
        { "an answer, but none came", SELECT "tear 1\n" WRONG "< 63C2\n", RC_CONFLICT },
        { "answer to reset", "atr\n< 3BDA13FF8131FB468012392F31C173C601C03B\n", RC_OK },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char trace[4096] = "";
        struct err err = { 0 };
        print_message("  %s\n", rows[i].what);
        enum rc rc = play(*state, "", rows[i].script, trace, sizeof trace, &err);
        if (rc != rows[i].rc)
            fail_msg("%s: %s: %s", rows[i].what, rc_name(rc), err_text(&err, rc));
    }
}

static void test_plans(void **state)
{
    (void)state;
    static const char *const bad[] = { "command", "command=", "command=0:lost", "command=x:lost", "command=1:", "command=1:melted",
                                       "command=1:cut", "write=1:lost", "command=1-:lost", "command=1/:lost", "command=2/1:lost",
                                       "ins2=1:lost", "insXX=1:lost", "ins200=1:lost", "command=1:lost@1", "command=1:truncated@",
                                       "command=1:truncated@x", "seed=", "seed=x", "back=-1", "back=1h", "lost", "command=1:none" };
    struct sim_plan *plan = NULL;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err err = { 0 };
        print_message("  '%s'\n", bad[i]);
        assert_int_equal(sim_plan_parse(bad[i], &plan, &err), RC_FORMAT);
        assert_non_null(strstr(err.text, bad[i]));
        assert_null(plan);
    }
    assert_int_equal(sim_plan_parse("# a plan\n\nseed=7, back=20\n command=1:lost # first\r\nins2a=3+:garbled\n", &plan, NULL), RC_OK);
    assert_int_equal(sim_plan_back_ms(plan), 20);
    sim_plan_free(plan);
    for (unsigned fault = SIM_FAULT_NONE + 1; fault < SIM_FAULT_COUNT; fault++) {
        char text[64];
        bool write = fault == SIM_FAULT_CUT || fault == SIM_FAULT_CUT_AFTER;
        (void)snprintf(text, sizeof text, "%s=1:%s", write ? "write" : "command", sim_fault_name((enum sim_fault)fault));
        assert_int_equal(sim_plan_parse(text, &plan, NULL), RC_OK);
        assert_int_equal(write ? sim_plan_write(plan) : sim_plan_command(plan, bytes_of("\0\0\0\0", 4)), fault);
        assert_int_equal(write ? sim_plan_write(plan) : sim_plan_command(plan, bytes_of("\0\0\0\0", 4)), SIM_FAULT_NONE);
        sim_plan_free(plan);
    }
}

/* The same seed and commands: the same faults and the same garbling. Another seed: other ones. */
static void test_seed(void **state)
{
    (void)state;
    static const char *const seeds[] = { "seed=1,command=1/4:garbled,command=1/10:lost", "seed=1,command=1/4:garbled,command=1/10:lost",
                                         "seed=2,command=1/4:garbled,command=1/10:lost" };
    struct buf told[3] = { { 0 } };
    unsigned garbled = 0;
    for (int i = 0; i < 3; i++) {
        struct sim_plan *plan;
        assert_int_equal(sim_plan_parse(seeds[i], &plan, NULL), RC_OK);
        for (int n = 0; n < 400; n++) {
            struct buf answer = { 0 };
            assert_int_equal(buf_append(&answer, "abcdefgh\x90\x00", 10), RC_OK);
            enum sim_fault fault = sim_plan_command(plan, bytes_of("\0\x84\0\0\x08", 5));
            sim_plan_spoil(plan, fault, &answer);
            bool same = memcmp(answer.data, "abcdefgh\x90\x00", 10) == 0;
            assert_true(same == (fault != SIM_FAULT_GARBLED));
            garbled += fault == SIM_FAULT_GARBLED;
            assert_int_equal(buf_append_u8(&told[i], fault), RC_OK);
            assert_int_equal(buf_append_bytes(&told[i], buf_bytes(&answer)), RC_OK);
            buf_wipe(&answer);
        }
        sim_plan_free(plan);
    }
    assert_true(garbled > 200 && garbled < 400); /* of 1200 */
    assert_true(bytes_equal(buf_bytes(&told[0]), buf_bytes(&told[1])));
    assert_false(bytes_equal(buf_bytes(&told[0]), buf_bytes(&told[2])));
    for (int i = 0; i < 3; i++)
        buf_wipe(&told[i]);
}

/* Lines of the trace: the virtual clock adds up, the fault and the reader's name stand behind. */
static void test_trace(void **state)
{
    char trace[4096] = "";
    struct err err = { 0 };
    assert_int_equal(play(*state, "command=2:lost", SELECT WRONG "< none\n> 002000980430\n", trace, sizeof trace, &err), RC_OK);
    /* 15 + 2 bytes: 2 + (17 * 11 + 132) / 9.6 = 35.229 ms; then 9 + 2: 28.354; then a broken VERIFY of 6 bytes: 24.916 */
    assert_string_equal(trace, "> 00 A4 04 0C SELECT [10] D392F000260100000001 < 9000 done ; reader ; at 35.229 ms\n"
                               "> 00 20 00 98 VERIFY [4] < 63C2 2 tries left ; reader ; at 63.583 ms ; fault: lost\n"
                               "> not an APDU [6] < 6700 wrong length ; reader ; at 88.499 ms\n");
}

static void test_sleep(void **state)
{
    struct testcard *card = testcard_copy(*state);
    struct sim_link *link;
    struct sim_time time;
    struct buf answer = { 0 };
    struct timespec a, b;
    enum sim_outcome outcome;
    assert_int_equal(sim_time_parse("contactless:848,reader=40", &time, NULL), RC_OK);
    const struct sim_link_config config = { .sim = testcard_sim(card), .time = &time, .sleep = true };
    assert_int_equal(sim_link_new(&config, &link), RC_OK);
    sim_link_power_on(link);
    (void)clock_gettime(CLOCK_MONOTONIC, &a);
    assert_int_equal(sim_link_transmit(link, bytes_of("\x00\x84\x00\x00\x08", 5), &answer, &outcome), RC_OK);
    (void)clock_gettime(CLOCK_MONOTONIC, &b);
    assert_int_equal(outcome, SIM_ANSWERED);
    assert_true((b.tv_sec - a.tv_sec) * 1000000000LL + b.tv_nsec - a.tv_nsec >= 40000000);
    assert_true(sim_link_totals(link).ns >= 40000000);
    assert_int_equal(sim_link_totals(link).bytes, 5 + 10);
    buf_wipe(&answer);
    sim_link_free(link);
    testcard_free(card);
}

static int setup(void **state)
{
    *state = testcard_new();
    return 0;
}

static int teardown(void **state)
{
    testcard_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_faults), cmocka_unit_test(test_tear), cmocka_unit_test(test_plans),
                                        cmocka_unit_test(test_seed), cmocka_unit_test(test_trace), cmocka_unit_test(test_sleep) };
    return cmocka_run_group_tests_name("sim-link", tests, setup, teardown);
}

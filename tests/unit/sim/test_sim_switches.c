/* test_sim_switches.c — the rows of the profiles, and each switch: a conversation that only a card with the switch has, and one that every other card
 * has; parsing; and that the image keeps them. */
#include "applet-sim/sim_script.h"
#include "base/file.h"
#include "base/hex.h"
#include "support/testcard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *page;

#define SELECT "> 00A4040C0AD392F000260100000001\n< 9000\n"
#define AGAIN "> 00A4040C0AD392F000260100000001\n"
#define VERIFY "> 002000980431323334\n< 9000\n"
#define WRONG "> 002000980430303030\n"
#define BLOCK WRONG WRONG WRONG "< 63C0\n"
#define SIGN "> 802A0097014100\n"

static const struct {
    const char *what, *switches, *with, *without;
} rows[] = {
    { "VERIFY of a blocked PIN", "blocked-verify=6983", SELECT BLOCK WRONG "< 6983\n> 00200098\n< 63C0\n",
      SELECT BLOCK WRONG "< 6984\n> 00200098\n< 63C0\n" },
    { "query of a blocked PIN, JICSAP's", "blocked-query=6984", SELECT BLOCK "> 00200098\n< 6984\n", SELECT BLOCK "> 00200098\n< 63C0\n" },
    { "query of a blocked PIN, ISO's", "blocked-query=6983", SELECT BLOCK "> 00200098\n< 6983\n", SELECT BLOCK "> 00200098\n< 63C0\n" },
    { "query of a presented PIN", "verified-query=9000", SELECT "> 00200098\n< 63C3\n" VERIFY "> 00200098\n< 9000\n> 0020009B\n< 63C5\n",
      SELECT VERIFY "> 00200098\n< 63C3\n" },
    { "the same application again", "reselect=drops", SELECT VERIFY AGAIN SIGN "< 6982\n", SELECT VERIFY AGAIN SIGN "< *9000\n" },
    { "a warm reset", "warm-reset=drops", SELECT VERIFY "reset\n" AGAIN SIGN "< 6982\n", SELECT VERIFY "reset\n" AGAIN SIGN "< *9000\n" },
    { "filler of zeroes", "filler=00", SELECT "> 00B08A00000000\n< 3082 * 00000000 9000\n", SELECT "> 00B08A00000000\n< 3082 * FFFFFFFF 9000\n" },
    { "no filler", "filler=none", SELECT "> 00A4020C02000A\n> 00B00A0001\n< 6B00\n", SELECT "> 00A4020C02000A\n> 00B00A0001\n< FF9000\n" },
    { "no short identifiers to read", "short-ids=no", SELECT "> 00B0860000\n< 6A86\n> 00A4020C020006\n< 9000\n> 00B0000004\n< 4A504B499000\n",
      SELECT "> 00B0860004\n< 4A504B499000\n" },
    { "none to present a PIN", "short-ids=no", SELECT "> 002000980431323334\n< 6A86\n> 00A4020C020018\n> 002000800431323334\n< 9000\n", SELECT VERIFY },
    { "none to ask for the tries", "short-ids=no", SELECT "> 00200098\n< 6A86\n", SELECT "> 00200098\n< 63C3\n" },
    { "none to sign", "short-ids=no",
      SELECT "> 00A4020C020018\n> 002000800431323334\n> 802A0097014100\n< 6A86\n> 00A4020C020017\n> 802A0080014100\n< *9000\n",
      SELECT VERIFY SIGN "< *9000\n" },
    { "none, by another status word", "short-ids=6A82", SELECT "> 00B0860000\n< 6A82\n", SELECT "> 00B0860004\n< 4A504B499000\n" },
    { "short length fields only", "lengths=short", SELECT "> 00B08A00000000\n< 6700\n> 00B08A0004\n< 3082*9000\n", SELECT "> 00B08A00000000\n< 3082*9000\n" },
    { "scheme 00 only: PSS", "schemes=00", SELECT VERIFY "> 802A0497200000000000000000000000000000000000000000000000000000000000000000 00\n< 6A86\n" SIGN "< *9000\n",
      SELECT VERIFY "> 802A0497200000000000000000000000000000000000000000000000000000000000000000 00\n< *9000\n" },
    { "scheme 00 only: told without a PIN", "schemes=00", SELECT "> 802A0497200000000000000000000000000000000000000000000000000000000000000000 00\n< 6A86\n",
      SELECT "> 802A0497200000000000000000000000000000000000000000000000000000000000000000 00\n< 6982\n" },
    { "a phone's certificate", "phone=android", SELECT "> 00B08A0004\n< 6982\n" VERIFY "> 00B08A0004\n< 3082*9000\n", SELECT "> 00B08A0004\n< 3082*9000\n" },
    { "the other PIN does not open it", "phone=iphone", SELECT "> 0020009B06414243313233\n< 9000\n> 00B08A0004\n< 6982\n", SELECT "> 00B08A0004\n< 3082*9000\n" },
    { "a phone's label", "phone=android", SELECT "> 00B0860010\n< 4A504B49415047505345544F4B454E20 9000\n", SELECT "> 00B0860010\n< 4A504B494150494343544F4B454E3220 9000\n" },
    { "the other phone's", "phone=iphone", SELECT "> 00B0860010\n< 4A504B494150494F53544F4B454E2020 9000\n", SELECT "> 00B0860010\n< 4A504B494150494343544F4B454E3220 9000\n" },
    { "the first command", "first-command=6F00", AGAIN "< 6F00\n> 00B0860004\n< 6A82\n" SELECT "power\n" AGAIN "< 6F00\n" AGAIN "< 9000\nreset\n" AGAIN "< 9000\n",
      SELECT "power\n" AGAIN "< 9000\n" },
};

static enum rc talk(struct testcard *card, const char *script, struct err *err)
{
    char text[1024];
    assert_true(strlen(script) < sizeof text);
    memcpy(text, script, strlen(script) + 1);
    return sim_script_run(testcard_sim(card), text, err);
}

static void test_rows(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (int on = 0; on < 2; on++) {
            struct testcard *right = on ? testcard_copy_switched(*state, rows[i].switches) : testcard_copy(*state);
            struct testcard *wrong = on ? testcard_copy(*state) : testcard_copy_switched(*state, rows[i].switches);
            struct err err = { 0 };
            print_message("  %s %s: %s\n", on ? "with" : "without", rows[i].switches, rows[i].what);
            if (talk(right, on ? rows[i].with : rows[i].without, &err))
                fail_msg("%s", err.text);
            assert_int_equal(talk(wrong, on ? rows[i].with : rows[i].without, NULL), RC_CONFLICT);
            testcard_free(right);
            testcard_free(wrong);
        }
    }
}

/* Every switch has a row above or a test of its own below, and more than one value. */
static void test_complete(void **state)
{
    (void)state;
    for (int i = 0; i < SIM_SWITCHES; i++) {
        const struct sim_switch_row *row = sim_switch_row((enum sim_switch)i);
        bool tested = i == SIM_PUPI || i == SIM_TRIES_A || i == SIM_TRIES_B;
        for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
            tested = tested || strncmp(rows[r].switches, row->name, strlen(row->name)) == 0;
        assert_true(tested && row->values[1] && row->about);
    }
}

static void test_parse(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum rc rc;
        unsigned short_ids, tries_a;
    } parses[] = {
        { "short-ids=no", RC_OK, 1, 10 },
        { "short-ids=no,tries-a=3", RC_OK, 1, 3 },
        { "tries-a=15,short-ids=yes", RC_OK, 0, 15 },
        { "tries-a=0", RC_RANGE, 0, 10 },
        { "tries-a=16", RC_RANGE, 0, 10 },
        { "short-ids=no,short-ids=6A82", RC_OK, 2, 10 },
        { "short-ids=No", RC_RANGE, 0, 10 },
        { "short-ids", RC_RANGE, 0, 10 },
        { "short-ids=", RC_RANGE, 0, 10 },
        { "short-ids=no,", RC_RANGE, 0, 10 },
        { "", RC_RANGE, 0, 10 },
        { "=no", RC_RANGE, 0, 10 },
        { "short-id=no", RC_RANGE, 0, 10 },
    };
    for (size_t i = 0; i < sizeof parses / sizeof *parses; i++) {
        struct sim_switches switches = { 0 };
        struct err err = { 0 };
        print_message("  %s\n", parses[i].text);
        assert_int_equal(sim_switch_parse(&switches, parses[i].text, &err), parses[i].rc);
        assert_int_equal(switches.at[SIM_SHORT_IDS], parses[i].short_ids);
        assert_int_equal(sim_switch_number(&switches, SIM_TRIES_A), parses[i].tries_a);
        assert_true((parses[i].rc == RC_OK) == (err.text[0] == '\0'));
    }
}

/* Another number in the answer to reset at each power on, a right check byte, and nothing else changed. */
static void test_pupi(void **state)
{
    (void)state;
    struct testcard *card = testcard_new_profile("mynumber", true, "pupi=yes");
    uint8_t first[13] = { 0 };
    unsigned changed = 0;
    for (int i = 0; i < 4; i++) {
        sim_power_off(testcard_sim(card));
        sim_power_on(testcard_sim(card));
        struct bytes atr = sim_atr(testcard_sim(card));
        uint8_t check = 0;
        assert_int_equal(atr.len, 13);
        assert_memory_equal(atr.data, "\x3B\x88\x80\x01", 4);
        assert_memory_equal(atr.data + 8, "\xB3\x81\xA1\x00", 4);
        for (size_t n = 1; n < 13; n++)
            check ^= atr.data[n];
        assert_int_equal(check, 0);
        changed += i > 0 && memcmp(first, atr.data, 13) != 0;
        memcpy(first, atr.data, 13);
        sim_reset(testcard_sim(card));
        assert_memory_equal(sim_atr(testcard_sim(card)).data, first, 13);
    }
    assert_int_equal(changed, 3);
    testcard_free(card);
}

static unsigned tries_asked(struct testcard *card, const char *select, const char *query)
{
    assert_int_equal(testcard_send(card, select), 0x9000);
    return testcard_send(card, query);
}

/* The tries of 照合番号A and B, in both applications; a counter that is too high for a new setting comes down. */
static void test_tries(void **state)
{
    (void)state;
    static const struct {
        const char *select, *query_a, *query_b;
        unsigned a, b;
    } apps[] = { { "00A4040C0AD3921000310001010408", "00200094", "00200095", 0x14, 0x15 },
                 { "00A4040C0AD3921000310001010402", "00200093", "00200092", 0x13, 0x12 } };
    struct testcard *card = testcard_new_profile("mynumber", false, "tries-a=3,tries-b=15");
    struct buf answer = { 0 };
    for (size_t i = 0; i < 2; i++) {
        testcard_open_channel_to(card, apps[i].select);
        testcard_issue(card, APPLET_INS_PUT_REFERENCE_DATA, 0, 0x80 | apps[i].a, bytes_of("123456789018", 12), 0, &answer);
        testcard_issue(card, APPLET_INS_PUT_REFERENCE_DATA, 0, 0x80 | apps[i].b, bytes_of("60040120354567", 14), 0, &answer);
    }
    testcard_issue(card, APPLET_INS_SET_STATUS, APPLET_LIFE_ACTIVE, 0, bytes_of(NULL, 0), 0, &answer);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(tries_asked(card, apps[i].select, apps[i].query_a), 0x63C3);
        assert_int_equal(tries_asked(card, apps[i].select, apps[i].query_b), 0x63CF);
    }
    testcard_switch(card, "tries-b=2");
    testcard_cut(card); /* an image with more tries than there are would not open */
    assert_int_equal(tries_asked(card, apps[0].select, apps[0].query_b), 0x63C2);
    assert_int_equal(testcard_send(card, "002000950E3630303430313230333534353637"), 0x9000);
    testcard_switch(card, "tries-b=10");
    assert_int_equal(testcard_send(card, "002000950E3630303430313230333534353638"), 0x63C1);
    assert_int_equal(testcard_send(card, "002000950E3630303430313230333534353637"), 0x9000);
    assert_int_equal(testcard_send(card, "00200095"), 0x63CA);
    for (int left = 2; left >= 0; left--)
        assert_int_equal(testcard_send(card, "002000940C313131313131313131313131"), 0x63C0 | (unsigned)left);
    assert_int_equal(testcard_send(card, "002000940C313233343536373839303138"), 0x6984);
    assert_int_equal(tries_asked(card, apps[1].select, apps[1].query_a), 0x63C3); /* the other application's is another */
    buf_wipe(&answer);
    testcard_free(card);
}

/* The page names every switch with its default first, and every profile. */
static void test_page(void **state)
{
    (void)state;
    struct buf text = { 0 };
    struct err err = { 0 };
    char line[80];
    assert_int_equal(file_read(page, &text, &err), RC_OK);
    const char *whole = buf_string(&text);
    for (int i = 0; i < SIM_SWITCHES; i++) {
        const struct sim_switch_row *row = sim_switch_row((enum sim_switch)i);
        if (i == SIM_TRIES_A || i == SIM_TRIES_B) /* one line for the two */
            (void)snprintf(line, sizeof line, "| tries-a, tries-b | %s, ", row->values[0]);
        else
            (void)snprintf(line, sizeof line, "| %s | %s, %s", row->name, row->values[0], row->values[1]);
        if (!strstr(whole, line))
            fail_msg("%s has no line '%s'", page, line);
    }
    for (unsigned i = 0; sim_profile_at(i); i++) {
        (void)snprintf(line, sizeof line, "\n| %s | ", sim_profile_at(i)->name);
        assert_non_null(strstr(whole, line));
    }
    buf_wipe(&text);
}

/* What the rows of a profile must keep among themselves. */
static void check_ef(const struct sim_profile *profile, const struct sim_ef *ef)
{
    assert_true(ef->id >= 1 && ef->id <= 0x1E); /* has a short identifier */
    assert_true(ef->source && *ef->source);
    if (ef->kind == SIM_KIND_PIN)
        assert_true(profile->pins[ef->number].tries && profile->pins[ef->number].min <= profile->pins[ef->number].max
                    && profile->pins[ef->number].max <= 16 && profile->pins[ef->number].source);
    if (ef->kind == SIM_KIND_KEY || ef->flags & SIM_EF_SESSION)
        assert_true(profile->keys[ef->number] != SIM_NO_KEY);
    if (ef->rule != SIM_FREE)
        for (unsigned pin = 0; pin < 16; pin++)
            if (ef->rule & SIM_PIN_BIT(pin))
                assert_true(pin < SIM_PINS && profile->pins[pin].tries);
    if (ef->flags & SIM_EF_ISSUED)
        assert_true(ef->size && (ef->kind == SIM_KIND_BINARY || ef->kind == SIM_KIND_RECORDS));
}

static void check_atr(const char *hex)
{
    struct buf atr = { 0 };
    uint8_t check = 0;
    assert_int_equal(hex_decode(hex, &atr), RC_OK);
    assert_true(atr.len > 4 && atr.len <= 33 && atr.data[0] == 0x3B);
    for (size_t i = 1; i < atr.len; i++)
        check ^= atr.data[i];
    assert_int_equal(check, 0);
    buf_wipe(&atr);
}

static void test_profiles(void **state)
{
    (void)state;
    unsigned count = 0;
    for (const struct sim_profile *profile; (profile = sim_profile_at(count)); count++) {
        size_t files = 0;
        print_message("  %s\n", profile->name);
        assert_ptr_equal(sim_profile_find(profile->name), profile);
        assert_int_equal(sim_profile_position(profile), count);
        check_atr(profile->atr_contact);
        check_atr(profile->atr_contactless);
        assert_int_equal(profile->apps[0].aid_len, APPLET_AID_CARD_MANAGER_LEN);
        assert_memory_equal(profile->apps[1].aid, APPLET_AID_JPKI, APPLET_AID_JPKI_LEN);
        for (size_t a = 0; a < profile->app_count; a++) {
            const struct sim_app *app = &profile->apps[a];
            files += app->ef_count;
            assert_true(app->source && app->aid_len >= 5 && app->aid_len <= 16);
            for (size_t i = 0; i < app->ef_count; i++) {
                check_ef(profile, &app->efs[i]);
                for (size_t j = 0; j < i; j++)
                    assert_int_not_equal(app->efs[i].id, app->efs[j].id);
            }
        }
        assert_true(files <= SIM_FILES_MAX);
    }
    assert_int_equal(count, 3);
    assert_null(sim_profile_find("passport"));
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

int main(int argc, char **argv)
{
    page = argc > 1 ? argv[1] : "docs/APPLET.md";
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_complete), cmocka_unit_test(test_parse),
                                        cmocka_unit_test(test_pupi), cmocka_unit_test(test_tries),
                                        cmocka_unit_test(test_profiles), cmocka_unit_test(test_page) };
    return cmocka_run_group_tests_name("sim-switches", tests, setup, teardown);
}

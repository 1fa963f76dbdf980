/* test_cardlife.c — the life of a card: every event in every state against a table written out by hand, what is reported and what the
 * authorities hear, and the last day of each type. */
#include "registry/cardlife.h"
#include "registry/day.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* One row a state; one word an event, in the order of the head; "-": it does not happen. '!' behind a state: the authorities hear
 * card-returned, '?': card-lost. */
static const char *const head = "issue lost found lock unlock annotate continue hand-over void return keep";
static const char *const grid[CARD_STATES][12] = {
    { "none",        "valid", "-",           "-",     "-",      "-",     "-",      "valid", "-",         "-",         "-",          "-" },
    { "valid",       "-",     "lost?",       "-",     "locked", "valid", "valid",  "valid", "elsewhere", "void!",     "destroyed!", "kept!" },
    { "locked",      "-",     "lost-locked?","-",     "-",      "valid", "locked", "-",     "-",         "void!",     "destroyed!", "kept!" },
    { "lost",        "-",     "-",           "valid", "-",      "-",     "-",      "-",     "-",         "void-lost!","-",          "-" },
    { "lost-locked", "-",     "-",           "locked","-",      "-",     "-",      "-",     "-",         "void-lost!","-",          "-" },
    { "void",        "-",     "void-lost",   "-",     "-",      "-",     "-",      "-",     "-",         "-",         "destroyed",  "kept" },
    { "void-lost",   "-",     "-",           "void",  "-",      "-",     "-",      "-",     "-",         "-",         "-",          "-" },
    { "destroyed",   "-",     "-",           "-",     "-",      "-",     "-",      "-",     "-",         "-",         "-",          "-" },
    { "kept",        "-",     "-",           "-",     "-",      "-",     "-",      "-",     "-",         "-",         "-",          "-" },
    { "elsewhere",   "-",     "-",           "-",     "-",      "-",     "-",      "valid", "-",         "-",         "-",          "-" },
};

static void test_grid(void **state)
{
    (void)state;
    char events[128], *save = NULL;
    snprintf(events, sizeof events, "%s", head);
    char *word = strtok_r(events, " ", &save);
    for (int column = 1; word; column++, word = strtok_r(NULL, " ", &save)) {
        enum card_event event;
        assert_int_equal(card_event_parse(word, &event), RC_OK);
        assert_string_equal(card_event_name(event), word);
        for (int row = 0; row < CARD_STATES; row++) {
            enum card_state from, next = CARD_STATES;
            char want[16];
            assert_int_equal(card_state_parse(grid[row][0], &from), RC_OK);
            assert_int_equal(from, row);
            snprintf(want, sizeof want, "%s", grid[row][column]);
            char *mark = strpbrk(want, "!?");
            enum card_effect effect = !mark ? CARD_EFFECT_NONE : *mark == '!' ? CARD_EFFECT_RETURNED : CARD_EFFECT_LOST;
            if (mark)
                *mark = '\0';
            enum rc rc = cardlife_next(from, event, &next);
            const char *got = rc ? "-" : card_state_name(next);
            if (strcmp(got, want) != 0 || (rc && rc != RC_STATE))
                fail_msg("%s + %s: %s, not %s", grid[row][0], word, got, want);
            if (cardlife_effect(from, event) != effect)
                fail_msg("%s + %s: another effect on the certificates", grid[row][0], word);
        }
        assert_true(column <= CARD_EVENTS);
    }
    enum card_state next;
    assert_int_equal(cardlife_next(CARD_STATES, CARD_ISSUE, &next), RC_STATE);
    assert_int_equal(cardlife_next(CARD_VALID, CARD_EVENTS, &next), RC_STATE);
}

/* From no state does a way lead back to a usable card once it was void. */
static void test_void_is_for_ever(void **state)
{
    (void)state;
    bool reached[CARD_STATES] = { [CARD_VOID] = true, [CARD_VOID_LOST] = true };
    for (int round = 0; round < CARD_STATES; round++)
        for (int from = 0; from < CARD_STATES; from++)
            for (int event = 0; reached[from] && event < CARD_EVENTS; event++) {
                enum card_state next;
                if (!cardlife_next((enum card_state)from, (enum card_event)event, &next))
                    reached[next] = true;
            }
    for (int i = 0; i < CARD_STATES; i++)
        if (reached[i]) {
            assert_false(cardlife_usable((enum card_state)i));
            assert_false(cardlife_alive((enum card_state)i));
        }
    assert_true(reached[CARD_KEPT]);
    assert_true(reached[CARD_DESTROYED]);
}

static void test_reports(void **state)
{
    (void)state;
    static const struct {
        enum card_event event;
        const char *report;
    } rows[] = {
        { CARD_ISSUE, "交付" },  { CARD_LOSE, "紛失" },   { CARD_FIND, "発見" },     { CARD_END, "失効" },
        { CARD_RETURN, "返納" }, { CARD_KEEP, "返納" },   { CARD_CONTINUE, "継続" }, { CARD_LOCK, NULL },
        { CARD_UNLOCK, NULL },   { CARD_ANNOTATE, NULL }, { CARD_HAND_OVER, NULL }, { CARD_RESTATE, "整合性の回復" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *got = cardlife_report(rows[i].event);
        if (rows[i].report)
            assert_string_equal(got, rows[i].report);
        else
            assert_null(got);
    }
    for (int i = 1; i < CARD_REASONS; i++) {
        enum card_reason back;
        assert_int_equal(card_reason_parse(card_reason_name((enum card_reason)i), &back), RC_OK);
        assert_int_equal(back, i);
    }
    enum card_type type;
    assert_int_equal(card_type_parse("juki-c", &type), RC_NOT_FOUND);
    assert_false(cardlife_identifies(CARD_JUKI_A));
    assert_true(cardlife_identifies(CARD_JUKI_B));
    assert_true(cardlife_identifies(CARD_NUMBER));
}

static void test_last_days(void **state)
{
    (void)state;
    static const struct {
        const char *flaw;
        enum card_type type;
        const char *issued, *birth, *stay, *last;
    } rows[] = {
        { "ten years", CARD_JUKI_A, "2003-08-25", "319800229", NULL, "2013-08-25" },
        { "ten years from a leap day", CARD_JUKI_B, "2008-02-29", "319800229", NULL, "2018-02-28" },
        { "the end of the stay comes first", CARD_JUKI_B, "2014-05-01", "000000000", "2015-07-31", "2015-07-31" },
        { "the stay is longer", CARD_JUKI_B, "2014-05-01", "000000000", "2030-01-01", "2024-05-01" },
        { "tenth birthday, this year's still to come", CARD_NUMBER, "2016-01-10", "319800630", NULL, "2025-06-30" },
        { "tenth birthday, this year's is past", CARD_NUMBER, "2016-09-10", "319800630", NULL, "2026-06-30" },
        { "issued on a birthday", CARD_NUMBER, "2016-06-30", "319800630", NULL, "2026-06-30" },
        { "17 years old: the fifth", CARD_NUMBER, "2016-01-10", "319980111", NULL, "2020-01-11" },
        { "18 today: the tenth", CARD_NUMBER, "2016-01-11", "319980111", NULL, "2026-01-11" },
        { "born on a leap day", CARD_NUMBER, "2016-03-10", "319800229", NULL, "2026-02-28" },
        { "unknown day of birth: as late as may be", CARD_NUMBER, "2016-06-10", "319800600", NULL, "2025-06-30" },
        { "a stay", CARD_NUMBER, "2016-06-10", "319800629", "2017-01-31", "2017-01-31" },
        { "no such day of issue", CARD_JUKI_A, "2014-02-29", "319800229", NULL, NULL },
        { "no such stay", CARD_JUKI_A, "2014-02-28", "319800229", "2015-02-30", NULL },
        { "a birth that is none", CARD_NUMBER, "2016-06-10", "3198006", NULL, NULL },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char last[11] = "";
        enum rc rc = cardlife_last_day(rows[i].type, rows[i].issued, rows[i].birth, rows[i].stay, last);
        if (rc != (rows[i].last ? RC_OK : RC_FORMAT) || strcmp(last, rows[i].last ? rows[i].last : "") != 0)
            fail_msg("%s: %s %s", rows[i].flaw, rc_name(rc), last);
    }
}

static void test_days(void **state)
{
    (void)state;
    char out[11];
    assert_int_equal(day_add_months("2016-05-31", -3, out), RC_OK);
    assert_string_equal(out, "2016-02-29");
    assert_int_equal(day_add_months("2016-01-15", -1, out), RC_OK);
    assert_string_equal(out, "2015-12-15");
    assert_int_equal(day_add_months("2016-02-30", 1, out), RC_FORMAT);
    assert_int_equal(day_write(2016, 13, 1, out), RC_FORMAT);
    assert_int_equal(day_age("319800229", "1998-02-28"), 17);
    assert_int_equal(day_age("319800229", "1998-03-01"), 18);
    assert_int_equal(day_age("319800000", "1998-12-30"), 17);
    assert_int_equal(day_age("3198", "1998-12-30"), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grid),      cmocka_unit_test(test_void_is_for_ever), cmocka_unit_test(test_reports),
        cmocka_unit_test(test_last_days), cmocka_unit_test(test_days),
    };
    return cmocka_run_group_tests_name("registry-cardlife", tests, NULL, NULL);
}

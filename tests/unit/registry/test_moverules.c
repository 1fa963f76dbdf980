/* test_moverules.c — the rules of moving with a card, a row a rule and a row on each side of each deadline. */
#include "registry/moverules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define SETTINGS .special_from = "2003-08-25", .continued_from = "2012-07-09", .online_from = "2023-02-06"

static void check(const char *flaw, const struct move_rule *rule, const char *want)
{
    if (strcmp(rule->name, want) != 0)
        fail_msg("%s: %s (%s), not %s", flaw, rule->name, rule->words, want);
    assert_true(rule->words[0]);
}

static void test_notice(void **state)
{
    (void)state;
    static const struct {
        const char *flaw;
        enum move_channel channel;
        const char *notified, *planned;
        bool card, taken;
        const char *rule;
    } rows[] = {
        { "by post, long before", MOVE_POST, "2013-01-01", "2013-04-01", true, true, "N5" },
        { "at the counter, without a card", MOVE_COUNTER, "2013-01-01", "2013-01-02", false, true, "N5" },
        { "online before there was such a thing", MOVE_ONLINE, "2023-02-05", "2023-02-10", true, false, "N1" },
        { "online from the first day", MOVE_ONLINE, "2023-02-06", "2023-02-10", true, true, "N5" },
        { "online without a card", MOVE_ONLINE, "2023-03-01", "2023-03-02", false, false, "N2" },
        { "30 days before", MOVE_ONLINE, "2023-03-01", "2023-03-31", true, true, "N5" },
        { "31 days before", MOVE_ONLINE, "2023-03-01", "2023-04-01", true, false, "N3" },
        { "10 days after", MOVE_ONLINE, "2023-03-11", "2023-03-01", true, true, "N5" },
        { "11 days after", MOVE_ONLINE, "2023-03-12", "2023-03-01", true, false, "N4" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct move_rule *rule;
        const struct movecase move = { .notified = rows[i].notified, .channel = rows[i].channel, .planned = rows[i].planned, .moved = "",
                                       .arrival = "", .handed_in = "", .today = rows[i].notified, .card = rows[i].card, SETTINGS };
        if (moverules_notice(&move, &rule) != rows[i].taken)
            fail_msg("%s: %s", rows[i].flaw, rule->words);
        check(rows[i].flaw, rule, rows[i].rule);
    }
}

static void test_one_visit(void **state)
{
    (void)state;
    static const struct {
        const char *flaw, *notified, *planned, *moved, *arrival;
        bool card, elsewhere, one;
        const char *rule;
    } rows[] = {
        { "before the second service", "2003-08-01", "2003-08-20", "2003-08-20", "2003-08-24", true, false, false, "A1" },
        { "its first day", "2003-08-01", "2003-08-20", "2003-08-20", "2003-08-25", true, false, true, "A7" },
        { "no 転出届", "", "", "2013-01-10", "2013-01-12", true, false, false, "A2" },
        { "no card", "2013-01-01", "2013-01-10", "2013-01-10", "2013-01-12", false, false, false, "A3" },
        { "recorded elsewhere", "2013-01-01", "2013-01-10", "2013-01-10", "2013-01-12", true, true, false, "A4" },
        { "14 days after the move", "2013-01-01", "2013-01-10", "2013-01-10", "2013-01-24", true, false, true, "A7" },
        { "15 days after the move", "2013-01-01", "2013-01-10", "2013-01-10", "2013-01-25", true, false, false, "A5" },
        { "30 days after the plan, moved later than planned", "2013-01-01", "2013-01-10", "2013-02-01", "2013-02-09", true, false, true, "A7" },
        { "31 days after the plan, 9 after the move", "2013-01-01", "2013-01-10", "2013-02-01", "2013-02-10", true, false, false, "A6" },
        { "the day itself", "2013-01-10", "2013-01-10", "2013-01-10", "2013-01-10", true, false, true, "A7" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct move_rule *rule;
        const struct movecase move = { .notified = rows[i].notified, .channel = MOVE_POST, .planned = rows[i].planned, .moved = rows[i].moved,
                                       .arrival = rows[i].arrival, .handed_in = "", .today = rows[i].arrival, .card = rows[i].card,
                                       .elsewhere = rows[i].elsewhere, SETTINGS };
        if (moverules_one_visit(&move, &rule) != rows[i].one)
            fail_msg("%s: %s", rows[i].flaw, rule->words);
        check(rows[i].flaw, rule, rows[i].rule);
    }
}

static void test_card(void **state)
{
    (void)state;
    static const struct {
        const char *flaw, *planned, *moved, *arrival, *handed_in, *today;
        bool elsewhere;
        enum move_fate fate;
        enum card_reason reason;
        const char *until, *rule;
    } rows[] = {
        { "moved out before there was continued use", "2012-07-08", "", "", "", "2012-07-08", false, MOVE_DIES, CARD_REASON_MOVED, "", "C1" },
        { "from the first day on it waits", "2012-07-09", "", "", "", "2012-07-09", false, MOVE_WAITS, CARD_REASON_NONE, "2012-08-08", "C7" },
        { "the move is known: the earlier deadline", "2013-01-10", "2013-01-10", "", "", "2013-01-12", false, MOVE_WAITS, CARD_REASON_NONE, "2013-01-24", "C7" },
        { "30 days past the plan", "2013-01-10", "", "", "", "2013-02-09", false, MOVE_WAITS, CARD_REASON_NONE, "2013-02-09", "C7" },
        { "31 days past the plan", "2013-01-10", "", "", "", "2013-02-10", false, MOVE_DIES, CARD_REASON_NO_ARRIVAL, "", "C3" },
        { "14 days past the move", "2013-01-10", "2013-01-12", "2013-01-26", "2013-01-26", "2013-01-26", false, MOVE_CONTINUES, CARD_REASON_NONE, "", "C6" },
        { "15 days past the move", "2013-01-10", "2013-01-12", "2013-01-27", "2013-01-27", "2013-01-27", false, MOVE_DIES, CARD_REASON_NO_ARRIVAL, "", "C2" },
        { "arrived, the card left at home", "2013-01-10", "2013-01-12", "2013-01-20", "", "2013-01-20", false, MOVE_WAITS, CARD_REASON_NONE, "2013-04-20", "C7" },
        { "arrived in time: the first deadlines are met", "2013-01-10", "2013-01-12", "2013-01-20", "", "2013-04-20", false, MOVE_WAITS, CARD_REASON_NONE, "2013-04-20", "C7" },
        { "handed in on the 90th day", "2013-01-10", "2013-01-12", "2013-01-20", "2013-04-20", "2013-04-20", false, MOVE_CONTINUES, CARD_REASON_NONE, "", "C6" },
        { "handed in on the 91st day", "2013-01-10", "2013-01-12", "2013-01-20", "2013-04-21", "2013-04-21", false, MOVE_DIES, CARD_REASON_NOT_HANDED_IN, "", "C5" },
        { "never handed in", "2013-01-10", "2013-01-12", "2013-01-20", "", "2013-04-21", false, MOVE_DIES, CARD_REASON_NOT_HANDED_IN, "", "C5" },
        { "moved again with the card in the pocket", "2013-01-10", "2013-01-12", "2013-01-20", "", "2013-02-01", true, MOVE_DIES, CARD_REASON_NOT_HANDED_IN, "", "C4" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct move_rule *rule;
        enum card_reason reason;
        char until[11];
        const struct movecase move = { .notified = "2012-01-01", .channel = MOVE_POST, .planned = rows[i].planned, .moved = rows[i].moved,
                                       .arrival = rows[i].arrival, .handed_in = rows[i].handed_in, .today = rows[i].today, .card = true,
                                       .elsewhere = rows[i].elsewhere, SETTINGS };
        enum move_fate fate = moverules_card(&move, &reason, until, &rule);
        check(rows[i].flaw, rule, rows[i].rule);
        if (fate != rows[i].fate || reason != rows[i].reason || strcmp(until, rows[i].until) != 0)
            fail_msg("%s: fate %d, %s, until %s", rows[i].flaw, fate, card_reason_name(reason), until);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_notice), cmocka_unit_test(test_one_visit), cmocka_unit_test(test_card) };
    return cmocka_run_group_tests_name("registry-moverules", tests, NULL, NULL);
}

/* test_cardmove.c — a card that moves with its holder, over the stores of two towns and the nation: the 転出届 ahead, the claim within the
 * deadlines and after them, what the new town gets with the card, and the way back. */
#include "registry/act.h"
#include "registry/cardmove.h"
#include "townpair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HERE "462012"
#define THERE "131016"
#define THIRD "131024"
#define CODE "24727059608"
#define OTHER_CODE "24846016224"
#define A "A000000000000001"

static struct townpair here, there;
static int requests;

static int setup(void **state)
{
    (void)state;
    townpair_on("2012-08-01");
    townpair_open(&here, HERE);
    townpair_open(&there, THERE);
    store_close(there.nation); /* one nation for both */
    there.nation = here.nation;
    townpair_enter(&here, CODE, "公的　花子", "319800229", "鹿児島県鹿児島市山下町１１番１号");
    townpair_enter(&here, OTHER_CODE, "民間　花子", "319800229", "鹿児島県鹿児島市山下町１１番１号");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    there.nation = NULL;
    townpair_close(&there);
    townpair_close(&here);
    return 0;
}

static enum rc ask(struct townpair *town, const char *kind, asked_do_fn run, void *context, json_t *body, json_t **answer)
{
    char request[32];
    struct err err = { 0 };
    snprintf(request, sizeof request, "m-%d", requests++);
    json_object_set_new(body, "request", json_string(request));
    enum rc rc = asked_once(town->town, kind, body, run, context, answer, &err);
    if (rc && rc != err.rc)
        fail_msg("%s without words", rc_name(rc));
    json_decref(body);
    return rc;
}

static void issue(const char *code, const char *card, const char *date)
{
    json_t *answer = NULL;
    static char municipality[] = HERE;
    assert_int_equal(ask(&here, "card_issue", cards_issue, municipality, json_pack("{s:s, s:s, s:s, s:s}", "code", code, "card", card,
                         "type", "juki-b", "date", date), &answer), RC_OK);
    json_decref(answer);
}

static void leave(struct townpair *town, const char *code, const char *date)
{
    char request[32];
    struct act_result result;
    snprintf(request, sizeof request, "l-%d", requests++);
    const struct act_request act = { .act = "leave", .code = code, .date = date, .request = request };
    assert_int_equal(act_record(town->town, town->municipality, &act, &result, NULL), RC_OK);
    townpair_carry(town);
}

/* The claim of a municipality on the card; its fate, and the rule by which. */
static enum rc claim(struct townpair *town, const char *claimant, const char *card, const char *code, const char *moved,
                     const char *arrival, const char *handed_in, json_t **answer)
{
    char who[7];
    snprintf(who, sizeof who, "%s", claimant);
    return ask(town, "card_claim", cardmove_claim, who, json_pack("{s:s, s:s, s:s, s:s, s:s}", "card", card, "code", code, "moved", moved,
               "arrival", arrival, "handed_in", handed_in), answer);
}

static void check_answer(const json_t *answer, const char *member, const char *value)
{
    const char *text = json_string_value(json_object_get(answer, member));
    if (!text || strcmp(text, value) != 0)
        fail_msg("%s: %s, not %s", member, text ? text : "-", value);
}

static void check_state(struct store *store, const char *card, const char *state, const char *municipality)
{
    struct card_row row;
    assert_int_equal(cardbook_find(store, card, &row, NULL), RC_OK);
    assert_string_equal(card_state_name(row.state), state);
    if (municipality)
        assert_string_equal(row.municipality, municipality);
}

static enum rc notice(const char *code, const char *planned, const char *channel, const char *date)
{
    json_t *answer = NULL;
    enum rc rc = ask(&here, "card_leaving", cardmove_notice, NULL, json_pack("{s:s, s:s, s:s, s:s}", "code", code, "planned", planned,
                     "channel", channel, "date", date), &answer);
    json_decref(answer);
    return rc;
}

static void take(struct townpair *town, const char *card, const char *handed_in, json_t *claimed)
{
    json_t *answer = NULL;
    struct cardmove_taking taking = { .municipality = town->municipality, .claimed = claimed };
    assert_int_equal(cardmove_check_arrived(town->town, town->municipality, CODE, NULL), RC_OK);
    assert_int_equal(ask(town, "card_arrive", cardmove_take, &taking, json_pack("{s:s, s:s, s:s, s:s}", "card", card, "code", CODE, "home",
                         HERE, "handed_in", handed_in), &answer), RC_OK);
    json_decref(answer);
    townpair_carry(town);
}

static void come(struct townpair *town)
{
    townpair_enter(town, CODE, "公的　花子", "319800229", strcmp(town->municipality, HERE) == 0 ? "鹿児島県鹿児島市荒田二丁目３番４号"
                                                                                               : "東京都千代田区千代田一番一号");
    townpair_carry(town);
}

/* Rows 15 and 33 of the page: by post, one visit, and the card goes on. */
static void test_story(void **state)
{
    (void)state;
    json_t *answer = NULL;
    issue(CODE, A, "2012-08-01");
    townpair_link(&here, CODE, "0A01", "0B01");
    townpair_on("2013-01-05");
    assert_int_equal(notice(CODE, "2013-01-10", "post", "2013-01-05"), RC_OK);
    townpair_on("2013-01-10");
    leave(&here, CODE, "2013-01-10");
    check_state(here.nation, A, "valid", HERE);
    assert_int_equal(townpair_count(here.nation, "SELECT count(*) FROM event WHERE event = 'attributes-changed'"), 1);

    townpair_on("2013-01-20");
    assert_int_equal(cardmove_check_arrived(there.town, THERE, CODE, NULL), RC_NOT_FOUND);
    come(&there);
    assert_int_equal(claim(&here, THERE, A, CODE, "2013-01-12", "2013-01-20", "", &answer), RC_OK);
    check_answer(answer, "way", "one-visit");
    check_answer(answer, "fate", "waits");
    check_answer(answer, "until", "2013-04-20");
    json_decref(answer);
    townpair_on("2013-02-01");
    assert_int_equal(claim(&here, THERE, A, CODE, "2013-01-12", "2013-01-20", "2013-02-01", &answer), RC_OK);
    check_answer(answer, "fate", "continues");
    check_state(here.town, A, "elsewhere", HERE);
    take(&there, A, "2013-02-01", answer);
    json_decref(answer);
    check_state(there.town, A, "valid", THERE);
    check_state(here.nation, A, "valid", THERE);
    struct card_row row;
    assert_int_equal(cardbook_find(there.town, A, &row, NULL), RC_OK);
    assert_string_equal(row.issued, "2012-08-01");
    assert_string_equal(row.expires, "2022-08-01");
    assert_int_equal(claim(&here, THERE, A, CODE, "2013-01-12", "2013-01-20", "2013-02-01", &answer), RC_STATE); /* under another name */

    /* it is the new town's in all things: lost there, the authorities hear of its certificates */
    char municipality[] = THERE;
    assert_int_equal(ask(&there, "card_event", cards_event, municipality, json_pack("{s:s, s:s, s:s}", "card", A, "event", "lost", "date",
                         "2013-02-01"), &answer), RC_OK);
    json_decref(answer);
    townpair_carry(&there);
    assert_int_equal(townpair_count(here.nation, "SELECT count(*) FROM event_certificate x JOIN event e ON e.sequence = x.sequence "
                                                 "WHERE e.event = 'card-lost'"), 2);
    check_state(here.nation, A, "lost", THERE);

    /* and back again */
    assert_int_equal(ask(&there, "card_event", cards_event, municipality, json_pack("{s:s, s:s, s:s}", "card", A, "event", "found", "date",
                         "2013-02-01"), &answer), RC_OK);
    json_decref(answer);
    townpair_on("2013-06-01");
    leave(&there, CODE, "2013-06-01");
    come(&here);
    assert_int_equal(claim(&there, HERE, A, CODE, "2013-06-01", "2013-06-01", "2013-06-01", &answer), RC_OK);
    take(&here, A, "2013-06-01", answer);
    json_decref(answer);
    check_state(here.town, A, "valid", HERE);
    check_state(here.nation, A, "valid", HERE);
    check_state(there.town, A, "elsewhere", THERE);
}

/* What the rules take from the card, as the claim finds it. */
static void test_claims(void **state)
{
    static const struct {
        const char *flaw, *moved, *arrival, *handed_in, *way, *fate, *rule, *state;
    } rows[] = {
        { "in time", "2013-01-12", "2013-01-20", "2013-01-20", "one-visit", "continues", "C6", "elsewhere" },
        { "15 days after the move", "2013-01-12", "2013-01-27", "2013-01-27", "certificate", "void", "C2", "void" },
        { "31 days after the plan", "2013-02-08", "2013-02-10", "2013-02-10", "certificate", "void", "C3", "void" },
        { "not there yet", "2013-01-12", "2013-01-20", "", "one-visit", "waits", "C7", "valid" },
        { "on the 91st day", "2013-01-12", "2013-01-20", "2013-04-21", "one-visit", "void", "C5", "void" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_t *answer = NULL;
        if (i > 0) {
            teardown(state);
            setup(state);
        }
        issue(CODE, A, "2012-08-01");
        townpair_on("2013-01-10");
        leave(&here, CODE, "2013-01-10");
        townpair_on(rows[i].handed_in[0] ? rows[i].handed_in : rows[i].arrival);
        if (claim(&here, THERE, A, CODE, rows[i].moved, rows[i].arrival, rows[i].handed_in, &answer))
            fail_msg("%s: refused", rows[i].flaw);
        check_answer(answer, "way", rows[i].way);
        check_answer(answer, "fate", rows[i].fate);
        check_answer(answer, "rule", rows[i].rule);
        json_decref(answer);
        check_state(here.town, A, rows[i].state, HERE);
    }
    /* moved again, the card still in the pocket: the third town gets nothing */
    json_t *answer = NULL;
    teardown(state);
    setup(state);
    issue(CODE, A, "2012-08-01");
    townpair_on("2013-01-10");
    leave(&here, CODE, "2013-01-10");
    townpair_on("2013-01-20");
    assert_int_equal(claim(&here, THERE, A, CODE, "2013-01-12", "2013-01-20", "", &answer), RC_OK);
    json_decref(answer);
    assert_int_equal(claim(&here, THIRD, A, CODE, "2013-01-18", "2013-01-20", "2013-01-20", &answer), RC_OK);
    check_answer(answer, "fate", "void");
    check_answer(answer, "rule", "C4");
    check_answer(answer, "way", "certificate");
    json_decref(answer);
    check_state(here.town, A, "void", HERE);
}

static void test_refusals(void **state)
{
    (void)state;
    json_t *answer = NULL;
    issue(CODE, A, "2012-08-01");
    townpair_on("2013-01-20");
    assert_int_equal(claim(&here, THERE, A, CODE, "2013-01-12", "2013-01-20", "", &answer), RC_STATE); /* they never left */
    leave(&here, CODE, "2013-01-10");
    static const struct {
        const char *flaw, *card, *code, *moved, *arrival, *handed_in;
        enum rc want;
    } rows[] = {
        { "no such card", "B000000000000002", CODE, "2013-01-12", "2013-01-20", "", RC_NOT_FOUND },
        { "another's code", A, OTHER_CODE, "2013-01-12", "2013-01-20", "", RC_CONFLICT },
        { "no date", A, CODE, "2013-02-30", "2013-01-20", "", RC_FORMAT },
        { "tomorrow", A, CODE, "2013-01-12", "2013-01-21", "", RC_RANGE },
        { "handed in before they came", A, CODE, "2013-01-12", "2013-01-20", "2013-01-19", RC_RANGE },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (claim(&here, THERE, rows[i].card, rows[i].code, rows[i].moved, rows[i].arrival, rows[i].handed_in, &answer) != rows[i].want)
            fail_msg("%s", rows[i].flaw);
    check_state(here.town, A, "valid", HERE);
    assert_int_equal(townpair_count(here.town, "SELECT count(*) FROM arrival"), 0);
    assert_int_equal(notice(OTHER_CODE, "2013-02-01", "online", "2013-01-20"), RC_STATE); /* not before 2023 */
    assert_int_equal(notice(OTHER_CODE, "2013-02-01", "pigeon", "2013-01-20"), RC_FORMAT);
    assert_int_equal(notice(OTHER_CODE, "2013-02-31", "post", "2013-01-20"), RC_FORMAT);
    assert_int_equal(notice(OTHER_CODE, "2013-02-01", "post", "2013-01-21"), RC_RANGE);
    assert_int_equal(notice(CODE, "2013-02-01", "post", "2013-01-20"), RC_STATE); /* gone already */
    assert_int_equal(notice("00000000000", "2013-02-01", "post", "2013-01-20"), RC_NOT_FOUND);
    assert_int_equal(notice(OTHER_CODE, "2013-02-01", "post", "2013-01-20"), RC_OK);
    assert_int_equal(notice(OTHER_CODE, "2013-01-15", "counter", "2013-01-20"), RC_OK); /* a later one takes its place */
    assert_int_equal(townpair_count(here.town, "SELECT count(*) FROM departure"), 1);
}

/* Nobody came: 30 days past the plan, or 90 past the 転入届. */
static void test_deadlines(void **state)
{
    (void)state;
    int64_t ended;
    issue(CODE, A, "2012-08-01");
    issue(OTHER_CODE, "B000000000000002", "2012-08-01");
    townpair_link(&here, CODE, "0A01", "0B01");
    townpair_on("2013-01-10");
    leave(&here, CODE, "2013-01-10");
    leave(&here, OTHER_CODE, "2013-01-10");
    townpair_on("2013-01-20");
    assert_int_equal(store_begin(here.town, NULL), RC_OK); /* the 転入通知 says so as well as a claim would */
    assert_int_equal(cardmove_hear_arrival(here.town, OTHER_CODE, THERE, "2013-01-32", NULL), RC_FORMAT);
    assert_int_equal(cardmove_hear_arrival(here.town, OTHER_CODE, THERE, "2013-01-20", NULL), RC_OK);
    assert_int_equal(store_commit(here.town, NULL), RC_OK);
    static const struct {
        const char *day;
        int64_t ended;
        const char *first, *second;
    } rows[] = { { "2013-02-09", 0, "valid", "valid" }, { "2013-02-10", 1, "void", "valid" }, { "2013-02-11", 0, "void", "valid" },
                 { "2013-04-20", 0, "void", "valid" },  { "2013-04-21", 1, "void", "void" } };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        townpair_on(rows[i].day);
        assert_int_equal(cardmove_sweep(here.town, &ended, NULL), RC_OK);
        assert_int_equal(ended, rows[i].ended);
        townpair_carry(&here);
        check_state(here.nation, A, rows[i].first, HERE);
        check_state(here.nation, "B000000000000002", rows[i].second, HERE);
    }
    assert_int_equal(townpair_count(here.nation, "SELECT count(*) FROM card_event WHERE reason = 'no-arrival'"), 1);
    assert_int_equal(townpair_count(here.nation, "SELECT count(*) FROM card_event WHERE reason = 'not-handed-in'"), 1);
    assert_int_equal(townpair_count(here.nation, "SELECT count(*) FROM event WHERE event = 'card-returned'"), 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#define HOUSEHOLD(code) "UPDATE resident SET household = '00000012345' WHERE code = '" code "'"

static enum rc notice_with(const char *code, const char *planned, const char *with, const char *to)
{
    json_t *answer = NULL;
    enum rc rc = ask(&here, "card_leaving", cardmove_notice, NULL, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s*}", "code", code, "planned", planned,
                     "channel", "post", "date", "2013-01-05", "with", with, "to", to), &answer);
    json_decref(answer);
    return rc;
}

/* 世帯員: who has no card comes with that of a member of the household, and each is judged for themselves. */
static void test_household(void **state)
{
    (void)state;
    json_t *answer = NULL, *riders;
    issue(CODE, A, "2012-08-01");
    townpair_on("2013-01-05");
    assert_int_equal(notice_with(OTHER_CODE, "2013-01-10", CODE, NULL), RC_DENIED); /* another household */
    assert_int_equal(store_exec(here.town, HOUSEHOLD(CODE) ";" HOUSEHOLD(OTHER_CODE), NULL), RC_OK);
    assert_int_equal(notice_with(OTHER_CODE, "2013-01-10", CODE, NULL), RC_STATE); /* the holder has said nothing yet */
    assert_int_equal(notice(CODE, "2013-01-10", "post", "2013-01-05"), RC_OK);
    const struct {
        const char *flaw, *code, *planned, *with;
        enum rc want;
    } rows[] = {
        { "on another day", OTHER_CODE, "2013-01-11", CODE, RC_STATE },
        { "with themselves", OTHER_CODE, "2013-01-10", OTHER_CODE, RC_FORMAT },
        { "with nobody's code", OTHER_CODE, "2013-01-10", "12345678903", RC_NOT_FOUND },
        { "with no code", OTHER_CODE, "2013-01-10", "1", RC_FORMAT },
        { "who has a card", CODE, "2013-01-10", OTHER_CODE, RC_STATE },
        { "as it should be", OTHER_CODE, "2013-01-10", CODE, RC_OK },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum rc rc = notice_with(rows[i].code, rows[i].planned, rows[i].with, NULL);
        if (rc != rows[i].want)
            fail_msg("%s: %s", rows[i].flaw, rc_name(rc));
    }
    townpair_on("2013-01-10");
    leave(&here, CODE, "2013-01-10");
    leave(&here, OTHER_CODE, "2013-01-10");
    townpair_on("2013-01-20");
    assert_int_equal(claim(&here, THERE, A, CODE, "2013-01-12", "2013-01-20", "2013-01-20", &answer), RC_OK);
    check_answer(answer, "way", "one-visit");
    riders = json_object_get(answer, "riders");
    assert_int_equal(json_array_size(riders), 1);
    check_answer(json_array_get(riders, 0), "code", OTHER_CODE);
    check_answer(json_array_get(riders, 0), "way", "one-visit");
    json_decref(answer);
}

/* The member was recorded elsewhere in between: the holder's visit is one, the member's is not. */
static void test_household_parted(void **state)
{
    (void)state;
    json_t *answer = NULL, *riders;
    issue(CODE, A, "2012-08-01");
    assert_int_equal(store_exec(here.town, HOUSEHOLD(CODE) ";" HOUSEHOLD(OTHER_CODE), NULL), RC_OK);
    townpair_on("2013-01-05");
    assert_int_equal(notice(CODE, "2013-01-10", "post", "2013-01-05"), RC_OK);
    assert_int_equal(notice_with(OTHER_CODE, "2013-01-10", CODE, NULL), RC_OK);
    townpair_on("2013-01-10");
    leave(&here, CODE, "2013-01-10");
    leave(&here, OTHER_CODE, "2013-01-10");
    townpair_on("2013-01-20");
    assert_int_equal(store_begin(here.town, NULL), RC_OK);
    assert_int_equal(cardmove_hear_arrival(here.town, OTHER_CODE, THIRD, "2013-01-15", NULL), RC_OK);
    assert_int_equal(store_commit(here.town, NULL), RC_OK);
    assert_int_equal(claim(&here, THERE, A, CODE, "2013-01-12", "2013-01-20", "2013-01-20", &answer), RC_OK);
    check_answer(answer, "way", "one-visit");
    riders = json_object_get(answer, "riders");
    check_answer(json_array_get(riders, 0), "way", "certificate");
    check_answer(json_array_get(riders, 0), "way_rule", "A4");
    json_decref(answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = { TEST(test_story), TEST(test_household), TEST(test_household_parted), TEST(test_claims), TEST(test_refusals), TEST(test_deadlines) };
    return cmocka_run_group_tests_name("registry-cardmove", tests, NULL, NULL);
}

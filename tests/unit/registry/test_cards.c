/* test_cards.c — the card ledger over the stores: issue and its dates, one valid card, loss, return, the souvenir, the change to a
 * 個人番号カード, the rules that end a card; what the nation's copy says of it and what the authorities hear, once each. */
#include "registry/act.h"
#include "registry/cardintake.h"
#include "registry/cards.h"
#include "registry/gate.h"
#include "registry/intake.h"
#include "townpair.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HERE "462012"
#define CODE "24727059608"
#define OTHER_CODE "24846016224"
#define A "A000000000000001"
#define B "B000000000000002"
#define N "9000000000000003"

static struct townpair w;
static int64_t requests;

/* A town with two residents in 2010. */
static int setup(void **state)
{
    (void)state;
    townpair_on("2010-04-01");
    townpair_open(&w, HERE);
    townpair_enter(&w, CODE, "公的　花子", "319800229", "鹿児島県鹿児島市山下町１１番１号");
    townpair_enter(&w, OTHER_CODE, "民間　花子", "319800229", "鹿児島県鹿児島市山下町１１番１号");
    townpair_carry(&w);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    townpair_close(&w);
    return 0;
}

static enum rc ask(const char *kind, asked_do_fn run, json_t *body, json_t **answer)
{
    static char here[] = HERE;
    struct err err = { 0 };
    if (!json_object_get(body, "request")) {
        char request[32];
        snprintf(request, sizeof request, "r-%lld", (long long)requests++);
        json_object_set_new(body, "request", json_string(request));
    }
    enum rc rc = asked_once(w.town, kind, body, run, here, answer, &err);
    if (rc && rc != err.rc)
        fail_msg("%s without words", rc_name(rc));
    json_decref(body);
    return rc;
}

static enum rc issue(const char *code, const char *card, const char *type, const char *date, const char *grounds, const char *old)
{
    json_t *answer = NULL;
    enum rc rc = ask("card_issue", cards_issue, json_pack("{s:s, s:s, s:s, s:s, s:s*, s:s*}", "code", code, "card", card, "type",
                     type, "date", date, "grounds", grounds, "old", old), &answer);
    json_decref(answer);
    return rc;
}

static enum rc event(const char *card, const char *name, const char *date, const char *reason)
{
    json_t *answer = NULL;
    enum rc rc = ask("card_event", cards_event, json_pack("{s:s, s:s, s:s, s:s*}", "card", card, "event", name, "date", date,
                     "reason", reason), &answer);
    json_decref(answer);
    return rc;
}

static void check_state(const char *card, const char *here, const char *there)
{
    struct card_row row;
    assert_int_equal(cardbook_find(w.town, card, &row, NULL), RC_OK);
    assert_string_equal(card_state_name(row.state), here);
    townpair_carry(&w);
    assert_int_equal(cardbook_find(w.nation, card, &row, NULL), RC_OK);
    assert_string_equal(card_state_name(row.state), there);
}

/* The event that the authorities heard last, with how many certificates; "" for none at all. */
static void check_heard(int64_t events, const char *name, int64_t certificates)
{
    townpair_carry(&w);
    assert_int_equal(townpair_count(w.nation, "SELECT count(*) FROM event"), events);
    struct statement *s = NULL;
    assert_int_equal(store_prepare(w.nation, "SELECT event, (SELECT count(*) FROM event_certificate x WHERE x.sequence = "
                                             "event.sequence) FROM event ORDER BY sequence DESC LIMIT 1", &s, NULL), RC_OK);
    if (events) {
        assert_int_equal(statement_step(s, NULL), RC_OK);
        assert_string_equal(column_text(s, 0), name);
        assert_int_equal(column_integer(s, 1), certificates);
    }
    statement_done(s);
}

static void test_days_of_issue(void **state)
{
    (void)state;
    static const struct {
        const char *flaw, *today, *type, *date;
        enum rc want;
    } rows[] = {
        { "before the first day", "2010-04-01", "juki-a", "2003-08-24", RC_RANGE },
        { "in the future", "2010-04-01", "juki-a", "2010-04-02", RC_RANGE },
        { "no date", "2010-04-01", "juki-a", "2010-02-29", RC_FORMAT },
        { "another type", "2010-04-01", "juki-c", "2010-04-01", RC_FORMAT },
        { "the number card is not there yet", "2015-12-28", "number", "2015-12-28", RC_RANGE },
        { "after the last day", "2016-01-04", "juki-b", "2015-12-29", RC_RANGE },
        { "the last day", "2016-01-04", "juki-b", "2015-12-28", RC_OK },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        townpair_on(rows[i].today);
        enum rc rc = issue(CODE, A, rows[i].type, rows[i].date, NULL, NULL);
        if (rc != rows[i].want)
            fail_msg("%s: %s", rows[i].flaw, rc_name(rc));
    }
    check_state(A, "valid", "valid");
    assert_int_equal(gate_set(w.town, "juki-card-end", "2015-12-22", NULL), RC_OK); /* sources differ: a setting */
    assert_int_equal(issue(OTHER_CODE, B, "juki-b", "2015-12-28", NULL, NULL), RC_RANGE);
    assert_int_equal(issue(OTHER_CODE, B, "juki-b", "2015-12-22", NULL, NULL), RC_OK);
    assert_int_equal(gate_set(w.town, "juki-card-end", "2015-12-32", NULL), RC_FORMAT);
}

static void test_one_card(void **state)
{
    (void)state;
    assert_int_equal(issue(CODE, A, "juki-a", "2010-04-01", NULL, NULL), RC_OK);
    static const struct {
        const char *flaw, *code, *card, *type, *date, *grounds, *old;
        enum rc want;
    } rows[] = {
        { "a second one", CODE, B, "juki-b", "2010-04-01", NULL, NULL, RC_STATE },
        { "another's card number", OTHER_CODE, A, "juki-b", "2010-04-01", NULL, NULL, RC_CONFLICT },
        { "not lost", CODE, B, "juki-b", "2010-04-01", "reissue", NULL, RC_STATE },
        { "not in the last months", CODE, B, "juki-b", "2010-04-01", "ending", "returned", RC_STATE },
        { "full, but not handed in", CODE, B, "juki-b", "2010-04-01", "full", NULL, RC_STATE },
        { "no such grounds", CODE, B, "juki-b", "2010-04-01", "whim", NULL, RC_FORMAT },
        { "no such fate", CODE, B, "juki-b", "2010-04-01", "full", "sold", RC_FORMAT },
        { "nobody", "00000000000", B, "juki-b", "2010-04-01", NULL, NULL, RC_NOT_FOUND },
        { "mistyped code", "24727059609", B, "juki-b", "2010-04-01", NULL, NULL, RC_FORMAT },
        { "mistyped card", CODE, "b000000000000002", "juki-b", "2010-04-01", NULL, NULL, RC_FORMAT },
        { "nothing to hand in", OTHER_CODE, B, "juki-b", "2010-04-01", NULL, "returned", RC_STATE },
        { "nothing to be full", OTHER_CODE, B, "juki-b", "2010-04-01", "full", "returned", RC_STATE },
        { "full and handed in", CODE, B, "juki-b", "2010-04-01", "full", "returned", RC_OK },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum rc rc = issue(rows[i].code, rows[i].card, rows[i].type, rows[i].date, rows[i].grounds, rows[i].old);
        if (rc != rows[i].want)
            fail_msg("%s: %s", rows[i].flaw, rc_name(rc));
    }
    check_state(A, "destroyed", "destroyed");
    check_state(B, "valid", "valid");
    townpair_on("2020-01-01"); /* three months before 2020-04-01 */
    assert_int_equal(gate_set(w.town, "juki-card-end", "2029-12-28", NULL), RC_OK);
    assert_int_equal(issue(CODE, N, "juki-b", "2019-12-31", "ending", "returned"), RC_STATE);
    assert_int_equal(issue(CODE, N, "juki-b", "2020-01-01", "ending", "kept"), RC_OK);
    check_state(B, "kept", "kept");
    assert_int_equal(townpair_count(w.nation, "SELECT count(*) FROM card WHERE state = 'valid'"), 1);
}

/* Lost, found, lost again, reissued, and the old one found after all: nothing of it comes back to life. */
static void test_loss(void **state)
{
    (void)state;
    assert_int_equal(issue(CODE, A, "juki-b", "2010-04-01", NULL, NULL), RC_OK);
    townpair_link(&w, CODE, "0A01", "0B01");
    townpair_on("2010-05-10");
    assert_int_equal(event(A, "lost", "2010-03-31", NULL), RC_RANGE); /* before it was issued */
    assert_int_equal(event(A, "lost", "2010-05-02", NULL), RC_OK);
    check_state(A, "lost", "lost");
    check_heard(1, "card-lost", 2);
    assert_int_equal(event(A, "lost", "2010-05-02", NULL), RC_STATE);
    assert_int_equal(event(A, "return", "2010-05-02", NULL), RC_STATE);
    assert_int_equal(event(A, "found", "2010-05-03", NULL), RC_OK);
    check_state(A, "valid", "valid");
    assert_int_equal(event(A, "lock", "2010-05-03", NULL), RC_OK);
    check_state(A, "locked", "valid"); /* the municipality's own matter */
    assert_int_equal(event(A, "unlock", "2010-05-03", NULL), RC_OK);
    assert_int_equal(event(A, "lost", "2010-05-04", NULL), RC_OK);
    check_heard(1, "card-lost", 2); /* a hold is never lifted: nothing more to tell */
    assert_int_equal(issue(CODE, B, "juki-b", "2010-05-05", "reissue", "returned"), RC_STATE); /* nobody has it */
    assert_int_equal(issue(CODE, B, "juki-b", "2010-05-05", "reissue", NULL), RC_OK);
    townpair_link(&w, CODE, "0A02", "0B02");
    check_state(A, "void-lost", "void-lost");
    assert_int_equal(event(A, "found", "2010-05-06", NULL), RC_OK);
    check_state(A, "void", "void");
    assert_int_equal(event(A, "unlock", "2010-05-06", NULL), RC_STATE);
    assert_int_equal(event(A, "return", "2010-05-06", NULL), RC_OK);
    check_state(A, "destroyed", "destroyed");
    check_heard(1, "card-lost", 2); /* those of the new card are untouched */
    assert_int_equal(event(B, "void", "2010-05-07", "order"), RC_OK);
    check_heard(2, "card-returned", 2);
    assert_int_equal(townpair_count(w.nation, "SELECT count(*) FROM event_certificate WHERE serial IN ('0A02', '0B02')"), 2);
}

/* The page's rows 34 to 38. */
static void test_number_card(void **state)
{
    (void)state;
    struct card_row row;
    struct resident resident;
    assert_int_equal(issue(CODE, A, "juki-b", "2010-04-01", NULL, NULL), RC_OK);
    townpair_on("2016-02-01");
    assert_int_equal(cards_judge(w.town, A, CODE, false, &row, &resident, NULL), RC_OK); /* a valid one stays usable */
    assert_int_equal(issue(CODE, B, "juki-b", "2016-02-01", "full", "returned"), RC_RANGE);
    assert_int_equal(issue(CODE, N, "number", "2016-02-01", NULL, NULL), RC_STATE); /* it must be handed in */
    assert_int_equal(issue(CODE, N, "number", "2016-02-01", NULL, "kept"), RC_OK);
    check_state(A, "kept", "kept");
    check_state(N, "valid", "valid");
    assert_int_equal(cards_judge(w.town, A, CODE, false, &row, &resident, NULL), RC_STATE);
    assert_int_equal(cards_judge(w.town, A, CODE, true, &row, &resident, NULL), RC_STATE);
    for (int i = 0; i < CARD_EVENTS; i++) /* a souvenir for ever */
        assert_int_not_equal(event(A, card_event_name((enum card_event)i), "2016-02-01", i == CARD_END ? "wish" : NULL), RC_OK);
    assert_int_equal(issue(CODE, B, "juki-b", "2015-12-28", "full", "returned"), RC_STATE); /* no Juki card beside it */
    assert_int_equal(event(N, "keep", "2016-02-01", NULL), RC_STATE);
    assert_int_equal(event(N, "void", "2016-02-01", "number-card"), RC_FORMAT); /* the rules' own reason */
    assert_int_equal(event(N, "void", "2016-02-01", NULL), RC_FORMAT);
    assert_int_equal(event(N, "return", "2016-02-01", "wish"), RC_FORMAT);
    assert_int_equal(event(N, "continue", "2016-02-01", NULL), RC_FORMAT);
    struct statement *s = NULL;
    assert_int_equal(store_prepare(w.nation, "SELECT reason FROM card_event WHERE card = '" A "' AND event = 'void'", &s, NULL), RC_OK);
    assert_int_equal(statement_step(s, NULL), RC_OK);
    assert_string_equal(column_text(s, 0), "number-card");
    statement_done(s);
}

static void test_request_once(void **state)
{
    (void)state;
    json_t *first = NULL, *second = NULL;
    const char *body = "{\"code\":\"" CODE "\",\"card\":\"" A "\",\"type\":\"juki-a\",\"date\":\"2010-04-01\",\"request\":\"once\"}";
    assert_int_equal(ask("card_issue", cards_issue, json_loads(body, 0, NULL), &first), RC_OK);
    townpair_on("2010-05-01");
    assert_int_equal(ask("card_issue", cards_issue, json_loads(body, 0, NULL), &second), RC_OK);
    assert_true(json_equal(first, second));
    assert_string_equal(json_string_value(json_object_get(first, "expires")), "2020-04-01");
    json_decref(first);
    json_decref(second);
    json_t *other = json_loads(body, 0, NULL);
    json_object_set_new(other, "type", json_string("juki-b"));
    assert_int_equal(ask("card_issue", cards_issue, other, &first), RC_CONFLICT);
    assert_int_equal(ask("card_event", cards_event, json_loads(body, 0, NULL), &first), RC_CONFLICT);
    assert_int_equal(ask("card_issue", cards_issue, json_pack("{s:s}", "request", "a b"), &first), RC_FORMAT);
    assert_int_equal(townpair_count(w.town, "SELECT count(*) FROM card_event"), 1);
    assert_int_equal(townpair_count(w.town, "SELECT count(*) FROM asked"), 1);
}

/* What a change of the register does to the card, with the event of the register and none of the card beside it. */
static void test_follow(void **state)
{
    static const struct {
        const char *act, *type, *today, *want, *reason;
        int64_t register_events, card_events; /* those with certificates, at the authorities */
    } rows[] = {
        { "death", "juki-b", "2010-06-01", "void", "death", 1, 0 },
        { "strike", "juki-b", "2010-06-01", "void", "struck", 1, 0 },
        { "abroad", "juki-b", "2010-06-01", "void", "abroad", 1, 0 },
        { "leave", "juki-b", "2010-06-01", "void", "moved", 1, 1 },
        { "leave", "juki-b", "2012-07-09", "valid", NULL, 1, 0 }, /* 継続利用 from this day on */
        { "abroad-continued", "juki-b", "2024-05-27", "void", "abroad", 1, 1 }, /* the authentication certificate is left */
        { "abroad-continued", "number", "2024-05-27", "valid", NULL, 1, 0 },
        { "abroad", "number", "2024-05-27", "void", "abroad", 1, 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (i > 0) { /* each row a town of its own */
            assert_int_equal(teardown(state), 0);
            assert_int_equal(setup(state), 0);
        }
        bool number = strcmp(rows[i].type, "number") == 0;
        if (number)
            townpair_on("2016-02-01");
        else
            assert_int_equal(gate_set(w.town, "juki-card-end", "2029-12-28", NULL), RC_OK);
        assert_int_equal(issue(CODE, A, rows[i].type, number ? "2016-02-01" : "2010-04-01", NULL, NULL), RC_OK);
        townpair_link(&w, CODE, "0A01", "0B01");
        townpair_on(rows[i].today);
        struct act_request request = { .act = rows[i].act, .code = CODE, .date = rows[i].today, .request = "act" };
        struct act_result result;
        assert_int_equal(act_record(w.town, HERE, &request, &result, NULL), RC_OK);
        check_state(A, rows[i].want, rows[i].want);
        if (rows[i].reason) {
            char sql[160];
            snprintf(sql, sizeof sql, "SELECT count(*) FROM card_event WHERE event = 'void' AND reason = '%s'", rows[i].reason);
            assert_int_equal(townpair_count(w.nation, sql), 1);
        }
        assert_int_equal(townpair_count(w.nation, "SELECT count(*) FROM event WHERE substr(event, 1, 5) <> 'card-'"), rows[i].register_events);
        assert_int_equal(townpair_count(w.nation, "SELECT count(*) FROM event WHERE substr(event, 1, 5) = 'card-'"), rows[i].card_events);
    }
}

static void test_sweep(void **state)
{
    (void)state;
    int64_t ended;
    assert_int_equal(issue(CODE, A, "juki-b", "2010-04-01", NULL, NULL), RC_OK);
    assert_int_equal(issue(OTHER_CODE, B, "juki-a", "2010-03-31", NULL, NULL), RC_OK);
    townpair_link(&w, CODE, "0A01", "0B01");
    townpair_on("2020-04-01");
    assert_int_equal(cards_sweep(w.town, &ended, NULL), RC_OK);
    assert_int_equal(ended, 1);
    check_state(A, "valid", "valid"); /* its last day is today */
    check_state(B, "void", "void");
    check_heard(0, "", 0); /* no certificate on it */
    townpair_on("2020-04-02");
    struct card_row row;
    struct resident resident;
    assert_int_equal(cards_judge(w.town, A, CODE, false, &row, &resident, NULL), RC_STATE); /* also before the sweep */
    assert_int_equal(cards_sweep(w.town, &ended, NULL), RC_OK);
    assert_int_equal(cards_sweep(w.town, &ended, NULL), RC_OK);
    assert_int_equal(ended, 0);
    check_state(A, "void", "void");
    check_heard(1, "card-returned", 2);
    assert_int_equal(townpair_count(w.nation, "SELECT count(*) FROM card_event WHERE reason = 'expired' AND date = '2020-04-02'"), 1);
    townpair_on("2020-05-01"); /* one that nobody swept yet does not stand in the way of a new one */
    assert_int_equal(gate_set(w.town, "juki-card-end", "2029-12-28", NULL), RC_OK);
    assert_int_equal(issue(OTHER_CODE, N, "juki-b", "2020-05-01", NULL, NULL), RC_OK);
}

/* Rows 18, 19, 23 and 24: what a card that is shown can be used for. */
static void test_check(void **state)
{
    (void)state;
    const struct peer officer = { .role = ROLE_CARD_OFFICER, .municipality = HERE, .name = "counter", .serial = "01" };
    assert_int_equal(issue(CODE, A, "juki-a", "2010-04-01", NULL, NULL), RC_OK);
    assert_int_equal(issue(OTHER_CODE, B, "juki-b", "2010-04-01", NULL, NULL), RC_OK);
    assert_int_equal(event(B, "lock", "2010-04-01", NULL), RC_OK);
    static const struct {
        const char *flaw, *card, *code, *use;
        enum rc want;
    } rows[] = {
        { "the code finds its holder", A, CODE, "network", RC_OK },
        { "another's code in the card", A, OTHER_CODE, "network", RC_CONFLICT },
        { "a code that is none", A, "24727059609", "network", RC_FORMAT },
        { "no code", A, NULL, "network", RC_FORMAT },
        { "no such card", N, CODE, "network", RC_NOT_FOUND },
        { "type A shows no photo", A, NULL, "identity", RC_STATE },
        { "type B does; its chip's lock does not matter", B, NULL, "identity", RC_OK },
        { "a locked chip says nothing", B, OTHER_CODE, "network", RC_STATE },
        { "another use", B, NULL, "magic", RC_FORMAT },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct card_row row;
        struct resident resident = { 0 };
        enum rc rc = cards_check(w.town, &officer, rows[i].card, rows[i].code, rows[i].use, &row, &resident, NULL);
        if (rc != rows[i].want)
            fail_msg("%s: %s", rows[i].flaw, rc_name(rc));
        if (!rc)
            assert_string_equal(resident.code, rows[i].card[0] == 'A' ? CODE : OTHER_CODE);
    }
    assert_int_equal(townpair_count(w.town, "SELECT count(*) FROM usage WHERE action = 'card-network' AND record = '" CODE "'"), 2);
    assert_int_equal(townpair_count(w.town, "SELECT count(*) FROM usage WHERE action = 'card-identity' AND result = 'RC_STATE'"), 1);
    json_t *cards = NULL;
    assert_int_equal(cards_show(w.town, &officer, B, NULL, &cards, NULL), RC_OK);
    assert_int_equal(json_array_size(cards), 1);
    assert_int_equal(json_array_size(json_object_get(json_array_get(cards, 0), "events")), 2);
    json_decref(cards);
    assert_int_equal(cards_show(w.town, &officer, N, NULL, &cards, NULL), RC_NOT_FOUND);
    assert_int_equal(townpair_count(w.town, "SELECT count(*) FROM usage WHERE action = 'card-show'"), 2);
}

/* What another municipality says of a card that is not its own. */
static void test_foreign_reports(void **state)
{
    (void)state;
    int64_t acknowledged, expected;
    assert_int_equal(issue(CODE, A, "juki-b", "2010-04-01", NULL, NULL), RC_OK);
    townpair_carry(&w);
    struct notice notice = { .sequence = 1, .kind = NOTICE_CARD, .date = "2010-04-01", .recorded = clock_now(),
                             .card = { A, CARD_JUKI_B, CARD_LOSE, CARD_REASON_NONE, "2010-04-01", "2020-04-01" } };
    struct ledger_row row;
    assert_int_equal(ledger_find_code(w.nation, CODE, &row, NULL), RC_OK);
    notice.resident = row.resident;
    const struct {
        const char *flaw, *card, *code;
        enum card_event event;
        enum rc want;
    } rows[] = {
        { "lost: passed over, it is not theirs", A, CODE, CARD_LOSE, RC_OK },
        { "issued to another's resident", B, CODE, CARD_ISSUE, RC_DENIED },
        { "another resident's card", A, OTHER_CODE, CARD_END, RC_CONFLICT },
        { "never reported", B, CODE, CARD_LOSE, RC_NOT_FOUND },
        { "nobody's", B, "00000000000", CARD_ISSUE, RC_NOT_FOUND },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        memcpy(notice.card.card, rows[i].card, sizeof notice.card.card);
        memcpy(notice.resident.code, rows[i].code, sizeof notice.resident.code);
        notice.card.event = rows[i].event;
        json_t *array = json_pack("[o]", notice_to_json(&notice));
        enum rc rc = intake_take(w.nation, "131016", array, &acknowledged, &expected, NULL);
        json_decref(array);
        if (rc != rows[i].want)
            fail_msg("%s: %s", rows[i].flaw, rc_name(rc));
        if (!rc)
            notice.sequence++;
    }
    /* a late one of a municipality that let the person go: the card is entered, and a loss is heard */
    memcpy(notice.card.card, B, sizeof notice.card.card);
    memcpy(notice.resident.code, OTHER_CODE, sizeof notice.resident.code);
    strcpy(notice.resident.municipality, "131016");
    assert_int_equal(store_begin(w.nation, NULL), RC_OK);
    notice.card.event = CARD_ISSUE;
    assert_int_equal(cardintake_take(w.nation, &notice, false, NULL), RC_DENIED);
    assert_int_equal(cardintake_take(w.nation, &notice, true, NULL), RC_OK);
    notice.card.event = CARD_LOSE;
    assert_int_equal(cardintake_take(w.nation, &notice, true, NULL), RC_OK);
    struct card_row late;
    assert_int_equal(cardbook_find(w.nation, B, &late, NULL), RC_OK);
    assert_int_equal(late.state, CARD_LOST);
    store_rollback(w.nation);
    check_state(A, "valid", "valid");
    static const struct {
        const char *member, *value;
    } wrong[] = { { "card", "A1" }, { "type", "juki-z" }, { "event", "lock" }, { "reason", "whim" }, { "issued", "2010-02-30" },
                  { "expires", "" } };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        json_t *json = notice_to_json(&notice);
        json_object_set_new(json_object_get(json, "card"), wrong[i].member, json_string(wrong[i].value));
        assert_int_equal(notice_from_json(json, HERE, &notice, NULL), RC_FORMAT);
        json_decref(json);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_days_of_issue), TEST(test_one_card), TEST(test_loss),  TEST(test_number_card),     TEST(test_request_once),
        TEST(test_follow),        TEST(test_sweep),    TEST(test_check), TEST(test_foreign_reports),
    };
    return cmocka_run_group_tests_name("registry-cards", tests, NULL, NULL);
}

/* test_moves.c — the rules of a move between two municipalities over their stores: the planned day, what is erased, what a
 * letter may say and who must have signed it, letters in order and once. */
#include "registry/asked.h"
#include "registry/mailbox.h"
#include "registry/moves.h"
#include "registry/outbox.h"
#include "testops.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define A "462012"
#define B "131016"
#define C "271004"
#define CODE "24727059608"
#define AT_A "鹿児島県鹿児島市山下町１１番１号"
#define AT_B "東京都千代田区丸の内一丁目１番１号"

enum { TOWN_A, TOWN_B, OFFICER, TOWNS };

static struct {
    struct testops ops;
    struct identity ids[TOWNS];
    struct opseal *seals[TOWNS];
    struct store *stores[2];
} w;

static int setup(void **state)
{
    (void)state;
    static const char *const places[TOWNS] = { A, B, A }, *const names[TOWNS] = { "a", "b", "officer" };
    testops_new(&w.ops);
    for (int i = 0; i < TOWNS; i++) {
        char *path = testops_identity(&w.ops, i == OFFICER ? ROLE_DESK_OFFICER : ROLE_NODE_MUNICIPAL, places[i], names[i]);
        assert_int_equal(identity_open(path, &w.ids[i], NULL), RC_OK);
        assert_int_equal(opseal_open(&w.ids[i], &w.seals[i], NULL), RC_OK);
        free(path);
    }
    for (int i = 0; i < 2; i++) {
        char path[96];
        snprintf(path, sizeof path, "%s/%s.db", w.ops.folder, names[i]);
        assert_int_equal(ledger_open(path, NODE_MUNICIPAL, places[i], &w.stores[i], NULL), RC_OK);
    }
    struct resident r = { .code = CODE, .municipality = A,
                          .attributes = { .name = "公的　花子", .birth = "319800229", .sex = "2", .address = AT_A },
                          .particulars = { .furigana = "コウテキ　ハナコ", .former_name = "民間", .personal_number = "123456789018" } };
    int64_t notice;
    attributes_no_substitutes(&r.attributes);
    assert_int_equal(store_begin(w.stores[TOWN_A], NULL), RC_OK);
    assert_int_equal(municipal_enter(w.stores[TOWN_A], &r, REASON_FIRST, "2020-01-01", &notice, NULL), RC_OK);
    assert_int_equal(store_commit(w.stores[TOWN_A], NULL), RC_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++)
        store_close(w.stores[i]);
    for (int i = 0; i < TOWNS; i++) {
        opseal_close(w.seals[i]);
        identity_close(&w.ids[i]);
    }
    testops_free(&w.ops);
    return 0;
}

/* The clock: days from the real today on, because the certificates are of today. */
static const char *day(int ahead)
{
    static char dates[4][11];
    static int next;
    char *date = dates[next++ % 4], today[11];
    day_of((int64_t)time(NULL), today);
    day_add(today, ahead, date);
    return date;
}

static void go_to(int ahead)
{
    char offset[24];
    snprintf(offset, sizeof offset, "+%d", ahead * 86400);
    assert_int_equal(clock_set(offset), RC_OK);
}

static int64_t count(int town, const char *sql)
{
    int64_t n = -1;
    assert_int_equal(ledger_count(w.stores[town], sql, &n, NULL), RC_OK);
    return n;
}

static enum rc leave(const char *to, const char *address, const char *date, const char *request, int64_t *notice)
{
    const struct moves_leave asked = { CODE, to, address, date, request };
    return moves_leave(w.stores[TOWN_A], A, w.seals[TOWN_A], &asked, notice, NULL);
}

static enum rc arrive(const char *date, const char *request)
{
    const struct moves_arrive asked = { .code = CODE, .address = AT_B, .date = date, .request = request };
    int64_t notice;
    return moves_arrive(w.stores[TOWN_B], B, &asked, &notice, NULL);
}

static enum rc hear(int town, const char *from, const json_t *letter)
{
    int64_t heard, expected;
    return moves_hear(w.stores[town], town == TOWN_A ? A : B, w.seals[town], from, letter, &heard, &expected, NULL);
}

/* Every letter from one to the other, each of them twice. */
static void carry(int from, int to)
{
    int64_t sequence;
    json_t *letter = NULL;
    const char *own = from == TOWN_A ? A : B, *other = to == TOWN_A ? A : B;
    while (mailbox_letter(w.stores[from], other, &sequence, &letter, NULL) == RC_OK) {
        for (int twice = 0; twice < 2; twice++)
            assert_int_equal(hear(to, own, letter), RC_OK);
        assert_int_equal(mailbox_sent(w.stores[from], other, sequence, NULL), RC_OK);
        json_decref(letter);
    }
}

static bool registered(int town)
{
    struct ledger_row row;
    return ledger_find_code(w.stores[town], CODE, &row, NULL) == RC_OK && !row.removed;
}

static void test_planned(void **state)
{
    (void)state;
    int64_t notice = -1, done;
    go_to(0);
    assert_int_equal(leave(B, AT_B, day(61), "l-1", &notice), RC_RANGE);
    assert_int_equal(leave(B, AT_B, day(5), "l-1", &notice), RC_OK);
    assert_int_equal(notice, 0);
    assert_true(registered(TOWN_A));
    assert_int_equal(leave(B, AT_B, day(6), "l-2", &notice), RC_STATE); /* leaving already */
    assert_int_equal(leave(B, AT_B, day(6), "l-1", &notice), RC_CONFLICT);
    carry(TOWN_A, TOWN_B); /* the other one knows ahead (法24条の2第3項) */
    go_to(4);
    assert_int_equal(moves_due(w.stores[TOWN_A], A, &done, NULL), RC_OK);
    assert_int_equal(done, 0);
    assert_true(registered(TOWN_A));
    go_to(5);
    assert_int_equal(moves_due(w.stores[TOWN_A], A, &done, NULL), RC_OK);
    assert_int_equal(done, 1);
    assert_false(registered(TOWN_A));
    struct ledger_past past;
    assert_int_equal(ledger_history(w.stores[TOWN_A], CODE, 2, &past, NULL), RC_OK);
    assert_int_equal(past.reason, REASON_MOVE_OUT);
    assert_string_equal(past.date, day(5));
    assert_int_equal(moves_due(w.stores[TOWN_A], A, &done, NULL), RC_OK);
    assert_int_equal(done, 0);
    assert_int_equal(arrive(day(6), "a-1"), RC_RANGE); /* tomorrow */
    assert_int_equal(arrive(day(5), "a-1"), RC_OK);
    assert_int_equal(arrive(day(5), "a-1"), RC_OK);
    assert_int_equal(arrive(day(4), "a-1"), RC_CONFLICT);
    carry(TOWN_B, TOWN_A);
    assert_int_equal(count(TOWN_A, "SELECT count(*) FROM leaving WHERE closed <> 0"), 1);
    struct ledger_row row;
    assert_int_equal(ledger_find_code(w.stores[TOWN_B], CODE, &row, NULL), RC_OK);
    assert_string_equal(row.resident.particulars.former_name, "民間"); /* 旧氏 goes along */
    assert_string_equal(row.resident.household.former_address, AT_A);
    assert_string_equal(row.resident.household.resident_since, day(5));
    assert_string_equal(row.resident.household.notified, day(5));
}

/* They move earlier than planned: the 転入通知 strikes the old record out. */
static void test_earlier(void **state)
{
    (void)state;
    int64_t notice, done;
    go_to(0);
    assert_int_equal(leave(B, AT_B, day(20), "l-1", &notice), RC_OK);
    carry(TOWN_A, TOWN_B);
    assert_int_equal(arrive(day(0), "a-1"), RC_OK);
    carry(TOWN_B, TOWN_A);
    assert_false(registered(TOWN_A));
    assert_true(registered(TOWN_B));
    go_to(20);
    assert_int_equal(moves_due(w.stores[TOWN_A], A, &done, NULL), RC_OK);
    assert_int_equal(count(TOWN_A, "SELECT count(*) FROM history"), 2);
}

static void test_nobody_comes(void **state)
{
    (void)state;
    int64_t notice, done;
    go_to(0);
    assert_int_equal(leave(B, AT_B, day(0), "l-1", &notice), RC_OK);
    carry(TOWN_A, TOWN_B);
    go_to(30);
    assert_int_equal(moves_due(w.stores[TOWN_B], B, &done, NULL), RC_OK);
    assert_int_equal(count(TOWN_B, "SELECT count(*) FROM incoming"), 1);
    go_to(31);
    assert_int_equal(moves_due(w.stores[TOWN_B], B, &done, NULL), RC_OK);
    assert_int_equal(count(TOWN_B, "SELECT count(*) FROM incoming"), 0);
    assert_int_equal(arrive(day(31), "a-1"), RC_NOT_FOUND);
}

/* What a letter may not say. Nothing of it is taken, and the true one still is. */
static void test_forged(void **state)
{
    (void)state;
    int64_t notice, sequence;
    json_t *letter = NULL, *release;
    go_to(0);
    assert_int_equal(leave(B, AT_B, day(0), "l-1", &notice), RC_OK);
    assert_int_equal(mailbox_letter(w.stores[TOWN_A], B, &sequence, &letter, NULL), RC_OK);
    static const struct {
        const char *flaw, *member, *value;
        int signer;
        enum rc want;
    } rows[] = {
        { "another destination", "to", C, -1, RC_DENIED },
        { "another person", "code", "24846016224", -1, RC_DENIED },
        { "signed by the destination itself", NULL, NULL, TOWN_B, RC_DENIED },
        { "signed by an officer of the municipality", NULL, NULL, OFFICER, RC_DENIED },
        { "another destination, signed", "to", C, TOWN_A, RC_DENIED },
        { "another person, signed", "code", "24846016224", TOWN_A, RC_DENIED },
        { "no such day, signed", "date", "2026-13-01", TOWN_A, RC_DENIED },
        { "no signature", "signature", "", -1, RC_DENIED },
        { "no hex", "signature", "xyz", -1, RC_FORMAT },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_t *copy = json_deep_copy(letter);
        release = json_object_get(json_object_get(copy, "body"), "release");
        if (rows[i].member)
            json_object_set_new(release, rows[i].member, json_string(rows[i].value));
        if (rows[i].signer >= 0) {
            assert_int_equal(sealed_sign(w.seals[rows[i].signer], release, NULL), RC_OK);
            json_object_set_new(release, "certificate", json_string(opseal_certificate(w.seals[rows[i].signer])));
        }
        enum rc rc = hear(TOWN_B, A, copy);
        if (rc != rows[i].want)
            fail_msg("%s: %s", rows[i].flaw, rc_name(rc));
        json_decref(copy);
    }
    json_t *late = json_deep_copy(letter);
    json_object_set_new(late, "sequence", json_integer(3));
    assert_int_equal(hear(TOWN_B, A, late), RC_CONFLICT);
    json_object_set_new(late, "sequence", json_integer(1));
    json_object_set_new(late, "kind", json_string("gossip"));
    assert_int_equal(hear(TOWN_B, A, late), RC_FORMAT);
    assert_int_equal(hear(TOWN_B, C, letter), RC_DENIED); /* another sender than the one who signed */
    json_decref(late);
    assert_int_equal(count(TOWN_B, "SELECT (SELECT count(*) FROM incoming) + (SELECT count(*) FROM mailbox)"), 0);
    assert_int_equal(hear(TOWN_B, A, letter), RC_OK);
    /* who was not released to a municipality is not struck out by it */
    json_t *arrived = json_pack("{s:i, s:s, s:{s:s, s:s, s:s}}", "sequence", 1, "kind", "arrived", "body", "code", "24846016224", "date", day(0), "address", AT_B);
    assert_int_equal(hear(TOWN_A, B, arrived), RC_OK);
    assert_int_equal(hear(TOWN_A, C, arrived), RC_OK);
    assert_int_equal(count(TOWN_A, "SELECT count(*) FROM leaving WHERE closed <> 0"), 0);
    json_decref(arrived);
    json_decref(letter);
}

static enum rc withdraw(const char *code, const char *request)
{
    json_t *body = json_pack("{s:s, s:s}", "code", code, "request", request), *answer = NULL;
    enum rc rc = asked_once(w.stores[TOWN_A], "withdraw", body, moves_withdraw, NULL, &answer, NULL);
    if (!rc)
        assert_string_equal(json_string_value(json_object_get(answer, "to")), B);
    json_decref(answer);
    json_decref(body);
    return rc;
}

/* 転出取消: until the planned day; both ends are as if nothing had been said, and nobody else ever heard of it. */
static void test_withdrawn(void **state)
{
    (void)state;
    int64_t notice, done;
    go_to(0);
    assert_int_equal(withdraw(CODE, "w-0"), RC_NOT_FOUND);
    assert_int_equal(withdraw("24727059607", "w-0"), RC_FORMAT);
    assert_int_equal(leave(B, AT_B, day(5), "l-1", &notice), RC_OK);
    carry(TOWN_A, TOWN_B);
    assert_int_equal(count(TOWN_B, "SELECT count(*) FROM incoming"), 1);
    go_to(4);
    assert_int_equal(withdraw(CODE, "w-1"), RC_OK);
    assert_int_equal(withdraw(CODE, "w-1"), RC_OK);        /* the same again */
    assert_int_equal(withdraw(CODE, "w-2"), RC_NOT_FOUND); /* there is none any more */
    assert_int_equal(leave(B, AT_B, day(5), "l-1", &notice), RC_STATE);
    carry(TOWN_A, TOWN_B);
    assert_int_equal(count(TOWN_B, "SELECT count(*) FROM incoming"), 0);
    assert_int_equal(arrive(day(0), "a-1"), RC_NOT_FOUND);
    go_to(9);
    assert_int_equal(moves_due(w.stores[TOWN_A], A, &done, NULL), RC_OK);
    assert_int_equal(done, 0);
    assert_true(registered(TOWN_A));
    assert_int_equal(count(TOWN_A, "SELECT count(*) FROM history"), 1);
    assert_int_equal(count(TOWN_A, "SELECT last FROM outbox WHERE peer = 'national'"), 1); /* certificates go on */
    /* who wants to go all the same says so anew, and on the day itself it is too late to stay */
    assert_int_equal(leave(B, AT_B, day(12), "l-2", &notice), RC_OK);
    carry(TOWN_A, TOWN_B);
    assert_int_equal(count(TOWN_B, "SELECT count(*) FROM incoming"), 1);
    go_to(12);
    assert_int_equal(withdraw(CODE, "w-3"), RC_STATE);
    assert_int_equal(moves_due(w.stores[TOWN_A], A, &done, NULL), RC_OK);
    assert_int_equal(withdraw(CODE, "w-3"), RC_STATE);
    assert_false(registered(TOWN_A));
}

/* Withdrawn here and arrived there at the same time: the arrival stands, whoever hears of what first. */
static void test_withdrawn_too_late(void **state)
{
    (void)state;
    int64_t notice;
    go_to(0);
    assert_int_equal(leave(B, AT_B, day(5), "l-1", &notice), RC_OK);
    carry(TOWN_A, TOWN_B);
    assert_int_equal(arrive(day(0), "a-1"), RC_OK);
    assert_int_equal(withdraw(CODE, "w-1"), RC_OK); /* the 転入通知 is still on its way */
    carry(TOWN_A, TOWN_B);
    assert_true(registered(TOWN_B));
    carry(TOWN_B, TOWN_A);
    assert_false(registered(TOWN_A));
    assert_int_equal(count(TOWN_A, "SELECT count(*) FROM leaving WHERE closed <> 0"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_planned, setup, teardown),
        cmocka_unit_test_setup_teardown(test_earlier, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nobody_comes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_forged, setup, teardown),
        cmocka_unit_test_setup_teardown(test_withdrawn, setup, teardown),
        cmocka_unit_test_setup_teardown(test_withdrawn_too_late, setup, teardown),
    };
    return cmocka_run_group_tests_name("registry-moves-rules", tests, NULL, NULL);
}

/* test_retention.c — times of keeping in both eras, played with the clock: what is due, what is not, and what its erasure
 * leaves. */
#include "registry/intake.h"
#include "registry/municipal.h"
#include "registry/outbox.h"
#include "registry/received.h"
#include "registry/retention.h"
#include "townpair.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HERE "462012"
#define LIVES "24727059608"
#define DIES "24846016224"
#define LEAVES "12345678903"
#define ADDRESS "鹿児島県鹿児島市山下町１１番１号"

static struct townpair pair;

/* 2003: three people; 2004: one moves within the town, one dies, one is struck out. */
static int setup(void **state)
{
    (void)state;
    int64_t notice;
    townpair_open(&pair, HERE);
    townpair_on("2003-01-06");
    townpair_enter(&pair, LIVES, "公的　花子", "319800229", ADDRESS);
    townpair_enter(&pair, DIES, "公的　太郎", "319300101", ADDRESS);
    townpair_enter(&pair, LEAVES, "公的　次郎", "319700101", ADDRESS);
    townpair_on("2004-06-01");
    struct resident r = { .municipality = HERE };
    assert_int_equal(municipal_move(pair.town, HERE, LIVES, "鹿児島県鹿児島市荒田二丁目３番４号", "2004-06-01", "m", &notice, NULL), RC_OK);
    strcpy(r.code, DIES);
    assert_int_equal(municipal_change(pair.town, &r, REASON_DEATH, "2004-06-01", "d", &notice, NULL), RC_OK);
    strcpy(r.code, LEAVES);
    assert_int_equal(municipal_change(pair.town, &r, REASON_EX_OFFICIO_OUT, "2004-06-01", "s", &notice, NULL), RC_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    townpair_close(&pair);
    return 0;
}

static void test_due(void **state)
{
    (void)state;
    static const struct {
        const char *what, *date;
        enum retention_kind kind;
        int64_t due;
    } rows[] = {
        { "the day before five years", "2009-06-01", RETENTION_SUPERSEDED, 0 },
        { "five years after the next record", "2009-06-02", RETENTION_SUPERSEDED, 3 },
        { "five years after a death", "2009-06-02", RETENTION_DEAD, 1 },
        { "not so for another removal", "2009-06-02", RETENTION_REMOVED, 0 },
        { "the last day of the short law", "2015-10-04", RETENTION_SUPERSEDED, 3 },
        { "the long law keeps what was not erased", "2015-10-05", RETENTION_SUPERSEDED, 0 },
        { "the dead are short until 2019", "2019-06-19", RETENTION_DEAD, 1 },
        { "and long then", "2019-06-20", RETENTION_DEAD, 0 },
        { "eighty years never pass under the short law", "2019-06-19", RETENTION_REMOVED, 0 },
        { "almost 150 years", "2154-06-01", RETENTION_SUPERSEDED, 0 },
        { "150 years", "2154-06-02", RETENTION_SUPERSEDED, 3 },
        { "150 years, dead", "2154-06-02", RETENTION_DEAD, 1 },
        { "150 years, struck out", "2154-06-02", RETENTION_REMOVED, 1 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t due = -1;
        assert_int_equal(retention_due(pair.town, rows[i].kind, rows[i].date, &due, NULL), RC_OK);
        if (due != rows[i].due)
            fail_msg("%s: %lld", rows[i].what, (long long)due);
    }
    int64_t due;
    assert_int_equal(retention_due(pair.town, RETENTION_DEAD, "2154-06-31", &due, NULL), RC_FORMAT);
}

static void erase(struct store *store, const char *date)
{
    int64_t count, due;
    assert_int_equal(store_begin(store, NULL), RC_OK);
    for (int i = 0; i < RETENTION_KINDS; i++)
        assert_int_equal(retention_erase(store, (enum retention_kind)i, date, &count, NULL), RC_OK);
    assert_int_equal(store_commit(store, NULL), RC_OK);
    for (int i = 0; i < RETENTION_KINDS; i++) {
        assert_int_equal(retention_due(store, (enum retention_kind)i, date, &due, NULL), RC_OK);
        assert_int_equal(due, 0);
    }
}

/* The present of who lives here stays; the dead is gone, with all that hung on them; the numbers of the notices stay, so
 * that a nation that lost everything can still be told in order. */
static void test_erase(void **state)
{
    (void)state;
    struct ledger_row row;
    struct ledger_past past;
    json_t *notices = NULL;
    int64_t acknowledged, expected;
    townpair_on("2009-06-02");
    erase(pair.town, "2009-06-02");
    assert_int_equal(ledger_find_code(pair.town, LIVES, &row, NULL), RC_OK);
    assert_int_equal(ledger_history(pair.town, LIVES, 2, &past, NULL), RC_OK);
    assert_int_equal(ledger_history(pair.town, LIVES, 1, &past, NULL), RC_NOT_FOUND);
    assert_int_equal(ledger_find_code(pair.town, DIES, &row, NULL), RC_NOT_FOUND);
    assert_int_equal(ledger_find_code(pair.town, LEAVES, &row, NULL), RC_OK); /* struck out, not dead: kept */
    assert_int_equal(townpair_count(pair.town, "SELECT count(*) FROM request WHERE request = 'd'"), 0);
    assert_int_equal(outbox_notices(pair.town, 1, NOTICE_BATCH, &notices, NULL), RC_OK);
    assert_int_equal(json_array_size(notices), 6);
    static const char *const kinds[] = { "void", "void", "void", "record", "void", "void" };
    for (size_t i = 0; i < 6; i++)
        assert_string_equal(json_string_value(json_object_get(json_array_get(notices, i), "kind")), kinds[i]);
    struct err err = { 0 };
    if (intake_take(pair.nation, HERE, notices, &acknowledged, &expected, &err))
        fail_msg("%s", err.text);
    assert_int_equal(acknowledged, 6);
    assert_int_equal(ledger_find_code(pair.nation, LIVES, &row, NULL), RC_OK);
    assert_string_equal(row.resident.attributes.address, "鹿児島県鹿児島市荒田二丁目３番４号");
    assert_int_equal(townpair_count(pair.nation, "SELECT count(*) FROM resident"), 1);
    json_decref(notices);
}

/* What a receiver kept signed goes with the row of history that it made, and by its own time when it made none; a trace stays. */
static void test_signed_notices(void **state)
{
    (void)state;
    static const struct certificate certificate = { AUTHORITY_AUTH, "0B01", 4102444800 };
    json_t *notices = NULL, *one, *traces = NULL;
    size_t i;
    int64_t acknowledged, expected, count;
    struct ledger_row row;
    char code[12];
    assert_int_equal(ledger_find_code(pair.town, LIVES, &row, NULL), RC_OK);
    assert_int_equal(municipal_link(pair.town, HERE, LIVES, &row.resident.attributes, &certificate, 1, &count, NULL), RC_OK);
    assert_int_equal(outbox_notices(pair.town, 1, NOTICE_BATCH, &notices, NULL), RC_OK);
    json_array_foreach(notices, i, one)
    {
        json_object_set_new(one, "signature", json_string("00"));
        json_object_set_new(one, "signer", json_string("01"));
    }
    assert_int_equal(json_array_size(notices), 7);
    assert_int_equal(intake_take(pair.nation, HERE, notices, &acknowledged, &expected, NULL), RC_OK);
    json_decref(notices);
    assert_int_equal(townpair_count(pair.nation, "SELECT count(*) FROM received"), 7);
    static const struct {
        const char *what, *date;
        int64_t notices, left;
        const char *codes;
    } rows[] = {
        { "nothing is due", "2009-06-01", 0, 7, NULL },
        { "three that were superseded, the death, and the one about a certificate", "2009-06-02", 1, 2,
          "SELECT count(*) FROM received WHERE (code = '" LIVES "' AND revision = 2) OR (code = '" LEAVES "' AND revision = 2)" },
        { "the same day again", "2009-06-02", 0, 2, NULL },
    };
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        townpair_on(rows[i].date);
        assert_int_equal(retention_due(pair.nation, RETENTION_NOTICE, rows[i].date, &count, NULL), RC_OK);
        assert_int_equal(count, rows[i].notices);
        erase(pair.nation, rows[i].date);
        assert_int_equal(townpair_count(pair.nation, "SELECT count(*) FROM received"), rows[i].left);
        if (rows[i].codes)
            assert_int_equal(townpair_count(pair.nation, rows[i].codes), 2);
    }
    assert_int_equal(received_code(pair.nation, HERE, 4, code, NULL), RC_OK);
    assert_string_equal(code, LIVES);
    assert_int_equal(received_code(pair.nation, HERE, 1, code, NULL), RC_NOT_FOUND);
    assert_int_equal(retention_traces(pair.nation, &traces, NULL), RC_OK);
    static const struct {
        const char *kind;
        json_int_t erased;
    } traced[] = { { "notice", 1 }, { "superseded", 3 }, { "dead", 1 } };
    assert_int_equal(json_array_size(traces), 3);
    json_array_foreach(traces, i, one)
    {
        assert_string_equal(json_string_value(json_object_get(one, "kind")), traced[i].kind);
        assert_int_equal(json_integer_value(json_object_get(one, "erased")), traced[i].erased);
        assert_int_equal(json_object_size(one), 4); /* and nothing of whom */
    }
    json_decref(traces);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_due, setup, teardown),
        cmocka_unit_test_setup_teardown(test_erase, setup, teardown),
        cmocka_unit_test_setup_teardown(test_signed_notices, setup, teardown),
    };
    return cmocka_run_group_tests_name("registry-retention", tests, NULL, NULL);
}

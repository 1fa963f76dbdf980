/* test_restated.c — 整合性の回復 of a resident at the nation: a record that was only damaged there is repaired and ends no certificate;
 * one that tells of a change which was never heard ends those that do not say so. */
#include "townpair.h"

#include "registry/certlink.h"
#include "registry/intake.h"
#include "registry/municipal.h"
#include "registry/outbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HERE "462012"
#define CODE "24727059608"
#define OLD_ADDRESS "鹿児島県鹿児島市山下町１１番１号"
#define NEW_ADDRESS "鹿児島県鹿児島市荒田二丁目１番１号"
#define THIRD_ADDRESS "鹿児島県鹿児島市鴨池新町１０番１号"
#define DAMAGED "UPDATE resident SET address = 'x', name = 'y'"
#define LOST "DELETE FROM resident"
#define UNTRUE /* a state that the town never told */                                                                           \
    "UPDATE history SET address = 'x' WHERE revision = (SELECT revision FROM resident); UPDATE resident SET address = 'x'"

static struct townpair w;

/* A change in the town, that its nation hears of or not. */
struct deed {
    enum reason reason; /* REASON_NONE: no further one */
    const char *address;
    bool heard;
};

static void apply(const struct deed *deed)
{
    struct ledger_row row;
    struct err err = {0};
    struct outbox_state outbox;
    int64_t notice;
    assert_int_equal(ledger_find_code(w.town, CODE, &row, NULL), RC_OK);
    snprintf(row.resident.attributes.address, sizeof row.resident.attributes.address, "%s", deed->address);
    attributes_no_substitutes(&row.resident.attributes);
    assert_int_equal(store_begin(w.town, NULL), RC_OK);
    if (municipal_apply(w.town, &row.resident, deed->reason, "2016-02-01", NULL, &notice, &err))
        fail_msg("the change: %s", err.text);
    assert_int_equal(store_commit(w.town, NULL), RC_OK);
    if (!deed->heard) { /* as a notice that was decided to be void */
        assert_int_equal(outbox_read(w.town, OUTBOX_NATIONAL, &outbox, NULL), RC_OK);
        assert_int_equal(store_begin(w.nation, NULL), RC_OK);
        assert_int_equal(intake_advance(w.nation, HERE, outbox.last, NULL), RC_OK);
        assert_int_equal(store_commit(w.nation, NULL), RC_OK);
        assert_int_equal(outbox_acknowledge(w.town, OUTBOX_NATIONAL, outbox.last, NULL), RC_OK);
    }
    townpair_carry(&w);
}

static void damage(const char *sql)
{
    assert_int_equal(store_begin(w.nation, NULL), RC_OK);
    assert_int_equal(store_exec(w.nation, sql, NULL), RC_OK);
    assert_int_equal(store_commit(w.nation, NULL), RC_OK);
}

/* As `reconcile --repair` tells it. */
static void restate(void)
{
    struct ledger_row row;
    struct ledger_change change;
    struct err err = {0};
    int64_t notice;
    assert_int_equal(ledger_find_code(w.town, CODE, &row, NULL), RC_OK);
    assert_int_equal(store_begin(w.town, NULL), RC_OK);
    enum rc rc = ledger_put(w.town, &row.resident, REASON_RESTATED, "2016-03-01", 1456758000, &change, &err);
    if (!rc)
        rc = outbox_add_notice(w.town, NOTICE_RECORD, CODE, change.revision, "2016-03-01", 1456758000, &notice, &err);
    if (rc)
        fail_msg("telling it again: %s", err.text);
    assert_int_equal(store_commit(w.town, NULL), RC_OK);
    townpair_carry(&w);
}

static void check_confirmed(const char *what, const char *serial, bool ended)
{
    struct confirmation confirmation;
    assert_int_equal(certlink_confirm(w.nation, AUTHORITY_SIGN, serial, &confirmation, NULL), RC_OK);
    if (confirmation.status != (ended ? CONFIRM_CHANGED : CONFIRM_CURRENT))
        fail_msg("%s: %s is %s", what, serial, ended ? "not ended" : "ended");
}

static void test_repairs(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        struct deed first, second; /* a second pair of certificates is made between them */
        const char *damage;
        bool ends_old, ends_new;
    } rows[] = {
        {"nothing but the nation's record damaged", {0}, {0}, DAMAGED, false, false},
        {"the nation's record lost", {0}, {0}, LOST, false, false},
        {"damaged after 軽微な修正, which the certificate does not say", {REASON_MINOR, NEW_ADDRESS, true}, {0}, DAMAGED, false, false},
        {"lost after 軽微な修正", {REASON_MINOR, NEW_ADDRESS, true}, {0}, LOST, false, false},
        {"damaged after 転居: the old ones had ended, the new ones go on", {REASON_MOVE, NEW_ADDRESS, true}, {0}, DAMAGED, true, false},
        {"the history damaged too: each by its own state", {0}, {REASON_MINOR, NEW_ADDRESS, true}, UNTRUE, true, true},
        {"the same, back at what they say", {REASON_MINOR, NEW_ADDRESS, true}, {REASON_MINOR, OLD_ADDRESS, true}, UNTRUE, false, true},
        {"the same, back at what the new ones say", {REASON_MINOR, NEW_ADDRESS, true}, {REASON_FURIGANA, NEW_ADDRESS, true}, UNTRUE,
         true, false},
        {"転居 that was never heard", {0}, {REASON_MOVE, THIRD_ADDRESS, false}, NULL, true, true},
        {"never heard, and the record lost", {0}, {REASON_MOVE, THIRD_ADDRESS, false}, LOST, true, true},
        {"nothing left that tells what they say", {0}, {0}, LOST "; DELETE FROM history", true, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ledger_row row;
        townpair_on("2016-01-10");
        townpair_open(&w, HERE);
        townpair_enter(&w, CODE, "公的　花子", "319800229", OLD_ADDRESS);
        townpair_link(&w, CODE, "0A01", "0B01");
        townpair_carry(&w);
        townpair_on("2016-03-01");
        if (rows[i].first.reason)
            apply(&rows[i].first);
        townpair_link(&w, CODE, "0A02", "0B02");
        townpair_carry(&w);
        if (rows[i].second.reason)
            apply(&rows[i].second);
        if (rows[i].damage)
            damage(rows[i].damage);
        restate();
        check_confirmed(rows[i].what, "0A01", rows[i].ends_old);
        check_confirmed(rows[i].what, "0A02", rows[i].ends_new);
        int64_t told = townpair_count(w.nation, "SELECT count(*) FROM event_certificate");
        if (told != 2 * rows[i].ends_old + 2 * rows[i].ends_new) /* with the authentication certificates */
            fail_msg("%s: %lld certificates were told of", rows[i].what, (long long)told);
        assert_int_equal(ledger_find_code(w.nation, CODE, &row, NULL), RC_OK);
        assert_string_equal(row.resident.attributes.name, "公的　花子");
        restate(); /* and once more, of what is right by now */
        assert_int_equal(townpair_count(w.nation, "SELECT count(*) FROM event_certificate"), told);
        townpair_close(&w);
    }
}

/* Certificates that are linked while the nation's record is damaged: right by what was told, or not. */
static void test_linked_meanwhile(void **state)
{
    (void)state;
    static const struct {
        const char *what, *damage;
        bool ends;
    } rows[] = {
        {"the record damaged", DAMAGED, false},
        {"nothing that was told says so", UNTRUE, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        townpair_on("2016-03-01");
        townpair_open(&w, HERE);
        townpair_enter(&w, CODE, "公的　花子", "319800229", OLD_ADDRESS);
        townpair_carry(&w);
        damage(rows[i].damage);
        townpair_link(&w, CODE, "0A01", "0B01");
        townpair_carry(&w);
        check_confirmed(rows[i].what, "0A01", rows[i].ends);
        restate();
        check_confirmed(rows[i].what, "0A01", rows[i].ends);
        assert_int_equal(townpair_count(w.nation, "SELECT count(*) FROM event_certificate"), rows[i].ends ? 2 : 0);
        townpair_close(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_repairs), cmocka_unit_test(test_linked_meanwhile)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_act.c — the registrar's acts over the stores: what each one writes, tells the nation and the authorities, and does to
 * the certificates of the person; asked twice, asked wrongly, asked by another municipality. */
#include "support/scratch.h"
#include "support/teststore.h"
#include "registry/act.h"
#include "registry/code.h"
#include "registry/intake.h"
#include "registry/outbox.h"
#include "registry/spare.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define HERE "462012"
#define THERE "131016"
#define CODE "24727059608"
#define OTHER_CODE "24846016224"
#define OLD_ADDRESS "鹿児島県鹿児島市山下町１１番１号"
#define NEW_ADDRESS "鹿児島県鹿児島市荒田二丁目３番４号"
#define FAR_FUTURE 4000000000
#define WORDS_SIZE sizeof(((struct err *)0)->text)

static struct {
    char folder[64];
    struct store *town, *nation;
} w;

static int teardown(void **state)
{
    (void)state;
    store_close(w.town);
    store_close(w.nation);
    return scratch_remove(w.folder);
}

static void carry(void)
{
    struct outbox_state outbox;
    json_t *notices = NULL;
    int64_t acknowledged, expected;
    struct err err = { 0 };
    assert_int_equal(outbox_read(w.town, OUTBOX_NATIONAL, &outbox, NULL), RC_OK);
    assert_int_equal(outbox_notices(w.town, outbox.acknowledged + 1, NOTICE_BATCH, &notices, NULL), RC_OK);
    if (intake_take(w.nation, HERE, notices, &acknowledged, &expected, &err))
        fail_msg("intake: %s", err.text);
    json_decref(notices);
    assert_int_equal(outbox_acknowledge(w.town, OUTBOX_NATIONAL, acknowledged, NULL), RC_OK);
}

static int64_t count(struct store *store, const char *sql)
{
    int64_t n = -1;
    assert_int_equal(ledger_count(store, sql, &n, NULL), RC_OK);
    return n;
}

/* A town with one resident, whose card has both certificates. */
static int setup(void **state)
{
    (void)state;
    char path[TESTSTORE_URL_SIZE];
    struct resident r = { .code = CODE, .municipality = HERE,
                          .attributes = { .name = "公的　花子", .birth = "319800229", .sex = "2", .address = OLD_ADDRESS } };
    const struct certificate both[] = { { AUTHORITY_SIGN, "0A01", FAR_FUTURE }, { AUTHORITY_AUTH, "0B01", FAR_FUTURE } };
    int64_t notice;
    strcpy(w.folder, "/tmp/jpki-act-XXXXXX");
    if (!mkdtemp(w.folder) || clock_set("2026-11-23T00:00:00Z"))
        return -1;
    teststore_url(w.folder, "town", path);
    if (ledger_open(path, NODE_MUNICIPAL, HERE, &w.town, NULL))
        return -1;
    teststore_url(w.folder, "nation", path);
    if (ledger_open(path, NODE_NATIONAL, "000000", &w.nation, NULL))
        return -1;
    attributes_no_substitutes(&r.attributes);
    assert_int_equal(spare_stock(w.town, "codes-1", (const char *const[]) { "12345678903", OTHER_CODE }, 2, NULL), RC_OK);
    assert_int_equal(store_begin(w.town, NULL), RC_OK);
    assert_int_equal(municipal_enter(w.town, &r, REASON_FIRST, "2026-11-23", &notice, NULL), RC_OK);
    assert_int_equal(store_commit(w.town, NULL), RC_OK);
    assert_int_equal(municipal_link(w.town, HERE, CODE, &r.attributes, both, 2, &notice, NULL), RC_OK);
    carry();
    return clock_set("2026-11-24T03:00:00Z") ? -1 : 0;
}

static enum confirm_status confirm(enum authority authority, const char *serial)
{
    struct confirmation confirmation;
    assert_int_equal(certlink_confirm(w.nation, authority, serial, &confirmation, NULL), RC_OK);
    return confirmation.status;
}

static enum rc record(const struct act_request *request, struct act_result *result, char words[WORDS_SIZE])
{
    struct err err = { 0 };
    enum rc rc = act_record(w.town, HERE, request, result, &err);
    snprintf(words, WORDS_SIZE, "%s", err.text);
    return rc;
}

#define ON "2026-11-24"

/* Each act on a person with a card: the 異動事由 in the nation's history, the event to the authorities, and how both
 * certificates are confirmed afterwards. */
static void test_effects(void **state)
{
    static const struct {
        struct act_request request;
        const char *reason, *event;
        enum confirm_status sign, auth;
    } rows[] = {
        { { .act = "death", .code = CODE }, "死亡", "removed", CONFIRM_REMOVED, CONFIRM_REMOVED },
        { { .act = "strike", .code = CODE }, "職権消除等", "removed", CONFIRM_REMOVED, CONFIRM_REMOVED },
        { { .act = "leave", .code = CODE }, "国内転出", "attributes-changed", CONFIRM_CHANGED, CONFIRM_CHANGED },
        { { .act = "abroad", .code = CODE }, "国外転出", "removed", CONFIRM_REMOVED, CONFIRM_REMOVED },
        { { .act = "abroad-continued", .code = CODE }, "国外転出（継続利用）", "removed-abroad", CONFIRM_REMOVED, CONFIRM_CURRENT },
        { { .act = "rename", .code = CODE, .name = "民間　花子" }, "職権修正等", "attributes-changed", CONFIRM_CHANGED, CONFIRM_CHANGED },
        { { .act = "correct", .code = CODE, .birth = "319800228" }, "職権修正等", "attributes-changed", CONFIRM_CHANGED, CONFIRM_CHANGED },
        { { .act = "correct", .code = CODE, .sex = "1", .address = NEW_ADDRESS }, "職権修正等", "attributes-changed", CONFIRM_CHANGED, CONFIRM_CHANGED },
        { { .act = "minor", .code = CODE, .address = "鹿児島県鹿児島市山下町１１番地１" }, "軽微な修正", NULL, CONFIRM_CURRENT, CONFIRM_CURRENT },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct act_request request = rows[i].request;
        struct act_result first = { 0 }, again = { 0 };
        char words[WORDS_SIZE];
        struct ledger_past past;
        json_t *event = NULL;
        if (i) {
            teardown(state);
            assert_int_equal(setup(state), 0);
        }
        request.date = ON;
        request.request = "r-1";
        if (record(&request, &first, words))
            fail_msg("%s: %s", request.act, words);
        assert_int_equal(record(&request, &again, words), RC_OK); /* the answer was lost */
        assert_memory_equal(&first, &again, sizeof first);
        assert_string_equal(first.code, CODE);
        assert_int_equal(count(w.town, "SELECT count(*) FROM history"), 2);
        carry();
        assert_int_equal(ledger_history(w.nation, CODE, 2, &past, NULL), RC_OK);
        assert_string_equal(reason_get(past.reason)->name, rows[i].reason);
        assert_string_equal(past.date, ON);
        assert_int_equal(outbox_event(w.nation, 1, &event, NULL), rows[i].event ? RC_OK : RC_NOT_FOUND);
        if (rows[i].event)
            assert_string_equal(json_string_value(json_object_get(event, "event")), rows[i].event);
        json_decref(event);
        if (confirm(AUTHORITY_SIGN, "0A01") != rows[i].sign || confirm(AUTHORITY_AUTH, "0B01") != rows[i].auth)
            fail_msg("%s: sign %s, auth %s", request.act, confirm_status_name(confirm(AUTHORITY_SIGN, "0A01")),
                     confirm_status_name(confirm(AUTHORITY_AUTH, "0B01")));
    }
}

static void test_birth(void **state)
{
    (void)state;
    struct act_request birth = { .act = "birth", .name = "公的　一郎", .birth = "520261120", .sex = "1",
                                 .address = OLD_ADDRESS, .date = "2026-11-20", .request = "birth-1" };
    struct act_result one, again, twin;
    struct ledger_row row;
    char words[WORDS_SIZE];
    assert_int_equal(record(&birth, &one, words), RC_OK);
    assert_int_equal(code_check(one.code), RC_OK);
    assert_int_equal(record(&birth, &again, words), RC_OK);
    assert_memory_equal(&one, &again, sizeof one);
    birth.request = "birth-2"; /* a twin: another person, another code */
    birth.name = "公的　二郎";
    assert_int_equal(record(&birth, &twin, words), RC_OK);
    assert_string_not_equal(one.code, twin.code);
    birth.request = "birth-1";
    assert_int_equal(record(&birth, &again, words), RC_CONFLICT);
    carry();
    assert_int_equal(ledger_find_code(w.nation, one.code, &row, NULL), RC_OK);
    assert_string_equal(row.resident.attributes.name, "公的　一郎");
    assert_int_equal(count(w.nation, "SELECT count(*) FROM event"), 0);
    /* what is recorded later does not make the request another one */
    struct act_request death = { .act = "death", .code = one.code, .date = ON, .request = "death-1" };
    assert_int_equal(record(&death, &again, words), RC_OK);
    birth.name = "公的　一郎";
    assert_int_equal(record(&birth, &again, words), RC_OK);
    assert_memory_equal(&one, &again, sizeof one);
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *flaw;
        struct act_request request;
        enum rc rc;
        const char *words;
    } rows[] = {
        { "no such act", { .act = "dance", .code = CODE }, RC_FORMAT, "one of birth" },
        { "no code", { .act = "death" }, RC_FORMAT, "code: missing" },
        { "mistyped code", { .act = "death", .code = "24727059609" }, RC_FORMAT, "check digit" },
        { "nobody", { .act = "death", .code = OTHER_CODE }, RC_NOT_FOUND, "no such resident" },
        { "a birth with a code", { .act = "birth", .code = CODE, .name = "甲　乙", .birth = "520261120", .sex = "1", .address = OLD_ADDRESS }, RC_FORMAT, "code: does not belong" },
        { "a birth without a sex", { .act = "birth", .name = "甲　乙", .birth = "520261120", .address = OLD_ADDRESS }, RC_FORMAT, "sex: missing" },
        { "a birth elsewhere", { .act = "birth", .name = "甲　乙", .birth = "520261120", .sex = "1", .address = "東京都千代田区丸の内一丁目１番" }, RC_RANGE, "address" },
        { "a malformed birth date", { .act = "birth", .name = "甲　乙", .birth = "x20261120", .sex = "1", .address = OLD_ADDRESS }, RC_FORMAT, "" },
        { "a death with an address", { .act = "death", .code = CODE, .address = OLD_ADDRESS }, RC_FORMAT, "address: does not belong" },
        { "a birth date as 軽微な修正", { .act = "minor", .code = CODE, .birth = "319800228" }, RC_FORMAT, "birth: does not belong" },
        { "nothing to correct", { .act = "correct", .code = CODE, .sex = "2" }, RC_RANGE, "nothing changes" },
        { "the future", { .act = "death", .code = CODE, .date = "2026-11-25" }, RC_RANGE, "future" },
        { "no such day", { .act = "death", .code = CODE, .date = "2026-02-30" }, RC_FORMAT, "date" },
        { "継続利用 before its law", { .act = "abroad-continued", .code = CODE, .date = "2024-05-26" }, RC_RANGE, "2024-05-27" },
        { "a request without a name", { .act = "death", .code = CODE, .request = "" }, RC_FORMAT, "request" },
    };
    char words[WORDS_SIZE];
    struct act_result result;
    int64_t before = count(w.town, "SELECT count(*) FROM history");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct act_request request = rows[i].request;
        request.date = request.date ? request.date : ON;
        request.request = request.request ? request.request : "r-1";
        enum rc rc = record(&request, &result, words);
        if (rc != rows[i].rc || !strstr(words, rows[i].words))
            fail_msg("%s: %s %s", rows[i].flaw, rc_name(rc), words);
        assert_int_equal(count(w.town, "SELECT count(*) FROM history"), before);
    }
    /* another municipality's registrar, and somebody who is no longer there */
    struct act_request death = { .act = "death", .code = CODE, .date = ON, .request = "r-2" };
    assert_int_equal(act_record(w.town, THERE, &death, &result, NULL), RC_DENIED);
    assert_int_equal(record(&death, &result, words), RC_OK);
    death.request = "r-3";
    assert_int_equal(record(&death, &result, words), RC_STATE);
    assert_int_equal(count(w.town, "SELECT count(*) FROM history"), before + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_effects, setup, teardown),
        cmocka_unit_test_setup_teardown(test_birth, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

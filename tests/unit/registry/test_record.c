/* test_record.c — the full record: what each field may hold, what is told and what stays, the store's full row per change, the
 * change of a code, the 異動事由 of both eras, the settings by date. */
#include "support/scratch.h"
#include "support/teststore.h"
#include "registry/gate.h"
#include "registry/intake.h"
#include "registry/municipal.h"
#include "registry/outbox.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define HERE "462012"
#define CODE "24727059608"
#define NEW_CODE "24846016224"
#define FAR_FUTURE 4000000000

static struct {
    char folder[64];
    struct store *town, *nation;
} w;

static int setup(void **state)
{
    (void)state;
    char path[TESTSTORE_URL_SIZE];
    strcpy(w.folder, "/tmp/jpki-record-XXXXXX");
    if (!mkdtemp(w.folder) || clock_set("2026-11-23T00:00:00Z"))
        return -1;
    teststore_url(w.folder, "town", path);
    if (ledger_open(path, NODE_MUNICIPAL, HERE, &w.town, NULL))
        return -1;
    teststore_url(w.folder, "nation", path);
    return ledger_open(path, NODE_NATIONAL, "000000", &w.nation, NULL) ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    store_close(w.town);
    store_close(w.nation);
    return scratch_remove(w.folder);
}

static struct resident person(void)
{
    struct resident r = {
        .code = CODE, .municipality = HERE,
        .attributes = { .name = "公的　花子", .birth = "319800229", .sex = "2", .address = "鹿児島県鹿児島市山下町１１番１号" },
        .particulars = { .furigana = "コウテキ　ハナコ", .former_name = "民間", .former_furigana = "ミンカン",
                         .personal_number = "123456789018" },
        .household = { .number = "1234567892", .position = "02", .relation = "妻", .romaji = "KOTEKI HANAKO",
                       .resident_since = "2003-04-01", .address_since = "2003-04-01", .notified = "2003-04-03",
                       .former_address = "東京都千代田区丸の内一丁目１番" },
    };
    attributes_no_substitutes(&r.attributes);
    return r;
}

static int64_t count(struct store *store, const char *sql)
{
    int64_t n = -1;
    assert_int_equal(ledger_count(store, sql, &n, NULL), RC_OK);
    return n;
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

static void test_checks(void **state)
{
    (void)state;
    static const struct {
        const char *flaw, *field, *value;
        enum rc want, told_want;
    } rows[] = {
        { "nothing wrong", "furigana", "コウテキ　ハナコ", RC_OK, RC_OK },
        { "no furigana", "furigana", "", RC_OK, RC_OK },
        { "a long sound and a dot", "furigana", "スミス・ジョー", RC_OK, RC_OK },
        { "hiragana", "furigana", "こうてき　はなこ", RC_FORMAT, RC_FORMAT },
        { "kanji", "furigana", "公的", RC_FORMAT, RC_FORMAT },
        { "a broken byte", "furigana", "\xE3\x82", RC_FORMAT, RC_FORMAT },
        { "an overlong form", "former_name", "\xC0\xAF", RC_FORMAT, RC_FORMAT },
        { "a control character", "former_name", "民\n間", RC_FORMAT, RC_FORMAT },
        { "furigana of no former name", "former_name", "", RC_FORMAT, RC_FORMAT },
        { "an alias of a Japanese", "alias", "木村　花子", RC_FORMAT, RC_OK },
        { "no number yet", "personal_number", "", RC_OK, RC_OK },
        { "a mistyped number", "personal_number", "123456789017", RC_FORMAT, RC_FORMAT },
        { "a code for a number", "personal_number", CODE, RC_FORMAT, RC_FORMAT },
        { "a mistyped household", "household", "1234567890", RC_FORMAT, RC_OK },
        { "a position of letters", "position", "x1", RC_FORMAT, RC_OK },
        { "no such day", "resident_since", "2003-02-30", RC_FORMAT, RC_OK },
        { "small letters", "romaji", "Hanako", RC_FORMAT, RC_OK },
        { "neither foreign nor not", "foreign_resident", "2", RC_FORMAT, RC_OK },
        { "a wrong sex", "sex", "7", RC_FORMAT, RC_FORMAT },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct resident r = person();
        struct err err = { 0 };
        size_t k = 0;
        while (strcmp(record_fields[k].name, rows[i].field) != 0)
            k++;
        strcpy(record_text(&r, &record_fields[k]), rows[i].value);
        enum rc rc = record_check(&r, false, &err);
        if (rc != rows[i].want || record_check(&r, true, NULL) != rows[i].told_want)
            fail_msg("%s: %s", rows[i].flaw, err_text(&err, rc));
        if (rc && rows[i].value[0] && strstr(err.text, rows[i].value))
            fail_msg("%s: the words hold the value", rows[i].flaw);
    }
    struct resident foreigner = person();
    strcpy(foreigner.household.foreign, "1");
    strcpy(foreigner.particulars.alias, "木村　花子");
    assert_int_equal(record_check(&foreigner, false, NULL), RC_OK);
}

/* The officer's view has everything, a notice only what is told; both come back as they were. */
static void test_messages(void **state)
{
    (void)state;
    struct resident r = person(), back, bare = { .code = CODE, .municipality = HERE, .attributes = r.attributes };
    json_t *json = resident_to_json(&r);
    assert_int_equal(resident_from_json(json, HERE, &back, NULL), RC_OK);
    assert_memory_equal(&back, &r, sizeof r);
    assert_string_equal(json_string_value(json_object_get(json, "relation")), "妻");
    json_object_set_new(json, "furigana", json_integer(7));
    assert_int_equal(resident_from_json(json, HERE, &back, NULL), RC_FORMAT);
    json_decref(json);
    json = resident_to_json(&bare);
    assert_int_equal(json_object_size(json), 8); /* what is empty is not there */
    assert_int_equal(resident_from_json(json, HERE, &back, NULL), RC_OK);
    assert_memory_equal(&back, &bare, sizeof bare);
    json_decref(json);

    struct notice notice = { .sequence = 1, .kind = NOTICE_RECORD, .reason = REASON_FIRST, .date = "2026-11-23", .recorded = 1, .resident = r }, heard;
    json = notice_to_json(&notice);
    const json_t *told = json_object_get(json, "resident");
    for (size_t i = 0; i < RECORD_FIELDS; i++)
        if ((json_object_get(told, record_fields[i].name) != NULL) != (record_fields[i].told && record_text_of(&r, &record_fields[i])[0]))
            fail_msg("%s", record_fields[i].name);
    json_object_set_new(json_object_get(json, "resident"), "relation", json_string("妻")); /* what must not be told is not heard */
    assert_int_equal(notice_from_json(json, HERE, &heard, NULL), RC_OK);
    assert_true(record_same_told(&heard.resident, &r));
    assert_string_equal(heard.resident.household.relation, "");
    json_object_set_new(json, "previous_code", json_string(NEW_CODE));
    assert_int_equal(notice_from_json(json, HERE, &heard, NULL), RC_FORMAT);
    json_decref(json);
}

static void enter(struct resident *r)
{
    int64_t notice;
    assert_int_equal(store_begin(w.town, NULL), RC_OK);
    assert_int_equal(municipal_enter(w.town, r, REASON_FIRST, "2026-11-23", &notice, NULL), RC_OK);
    assert_int_equal(store_commit(w.town, NULL), RC_OK);
}

/* Changes one field under a reason; the effect of it. */
static enum effect change(struct resident *r, const char *field, const char *value, enum reason reason)
{
    struct ledger_change made = { 0 };
    for (size_t k = 0; k < RECORD_FIELDS; k++)
        if (strcmp(record_fields[k].name, field) == 0)
            strcpy(record_text(r, &record_fields[k]), value);
    assert_int_equal(store_begin(w.town, NULL), RC_OK);
    assert_int_equal(ledger_put(w.town, r, reason, "2026-11-23", clock_now(), &made, NULL), RC_OK);
    assert_int_equal(store_commit(w.town, NULL), RC_OK);
    return made.effect;
}

/* A full row per change, and which change means something for the certificates. */
static void test_history(void **state)
{
    (void)state;
    struct resident r = person(), first = r;
    struct ledger_row row;
    struct ledger_past past;
    enter(&r);
    assert_int_equal(change(&r, "furigana", "オオヤケ　ハナコ", REASON_FURIGANA), EFFECT_NONE);
    assert_int_equal(change(&r, "former_name", "旧", REASON_FORMER_NAME), EFFECT_CHANGED);
    assert_int_equal(change(&r, "relation", RELATION_HEAD, REASON_HEAD_CHANGE), EFFECT_NONE);
    assert_int_equal(change(&r, "personal_number", "454972364860", REASON_NUMBER_REQUESTED), EFFECT_CARD);
    assert_int_equal(change(&r, "romaji", "KOTEKI HANA", REASON_EX_OFFICIO), EFFECT_NONE);
    assert_int_equal(ledger_find_code(w.town, CODE, &row, NULL), RC_OK);
    assert_true(record_same(&row.resident, &r));
    assert_int_equal(row.revision, 6);
    assert_int_equal(ledger_history(w.town, CODE, 1, &past, NULL), RC_OK);
    assert_memory_equal(&past.resident, &first, sizeof first);
    assert_int_equal(ledger_history(w.town, CODE, 5, &past, NULL), RC_OK);
    assert_string_equal(past.previous_number, "123456789018");
    assert_string_equal(past.resident.particulars.personal_number, "454972364860");
    assert_int_equal(ledger_history(w.town, CODE, 6, &past, NULL), RC_OK);
    assert_string_equal(past.previous_number, "");
}

/* A changed code: the old one ends and names its successor, the record and its certificates go on under the new one, in the
 * town and in the nation; no code is given twice. */
static void test_recode(void **state)
{
    (void)state;
    struct resident r = person();
    const struct certificate both[] = { { AUTHORITY_SIGN, "0A01", FAR_FUTURE }, { AUTHORITY_AUTH, "0B01", FAR_FUTURE } };
    struct ledger_change made;
    struct ledger_row row;
    struct ledger_past past;
    int64_t notice;
    enter(&r);
    assert_int_equal(municipal_link(w.town, HERE, CODE, &r.attributes, both, 2, &notice, NULL), RC_OK);
    carry();
    strcpy(r.code, NEW_CODE);
    assert_int_equal(store_begin(w.town, NULL), RC_OK);
    assert_int_equal(ledger_recode(w.town, CODE, &r, REASON_CODE_REQUESTED, "2026-11-23", clock_now(), &made, NULL), RC_OK);
    assert_int_equal(made.effect, EFFECT_CARD);
    assert_int_equal(outbox_add_notice(w.town, NOTICE_RECORD, NEW_CODE, 1, "2026-11-23", clock_now(), &notice, NULL), RC_OK);
    assert_int_equal(store_commit(w.town, NULL), RC_OK);
    carry();
    struct store *const stores[] = { w.town, w.nation };
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(ledger_find_code(stores[i], CODE, &row, NULL), RC_OK);
        assert_true(row.removed != 0);
        assert_string_equal(row.successor, NEW_CODE);
        assert_int_equal(ledger_find_code(stores[i], NEW_CODE, &row, NULL), RC_OK);
        assert_true(row.removed == 0 && row.revision == 1);
        assert_true(record_same_told(&row.resident, &r));
        assert_int_equal(ledger_history(stores[i], NEW_CODE, 1, &past, NULL), RC_OK);
        assert_string_equal(past.previous_code, CODE);
        assert_int_equal(count(stores[i], "SELECT count(*) FROM link WHERE code = '" NEW_CODE "'"), 2);
    }
    json_t *event = NULL;
    assert_int_equal(outbox_event(w.nation, 1, &event, NULL), RC_OK);
    assert_string_equal(json_string_value(json_object_get(event, "event")), "card-returned");
    assert_int_equal(json_array_size(json_object_get(event, "certificates")), 2);
    json_decref(event);
    struct confirmation confirmation;
    assert_int_equal(certlink_confirm(w.nation, AUTHORITY_SIGN, "0A01", &confirmation, NULL), RC_OK);
    assert_int_equal(confirmation.status, CONFIRM_CURRENT); /* the person is as before; the card is void, which the authority knows */

    assert_int_equal(store_begin(w.town, NULL), RC_OK); /* the old code belongs to nobody any more, the new one is taken */
    assert_int_equal(ledger_recode(w.town, CODE, &r, REASON_CODE_REQUESTED, "2026-11-23", clock_now(), &made, NULL), RC_CONFLICT);
    strcpy(r.code, "12345678903");
    assert_int_equal(ledger_recode(w.town, CODE, &r, REASON_CODE_REQUESTED, "2026-11-23", clock_now(), &made, NULL), RC_STATE);
    assert_int_equal(ledger_recode(w.town, "00000000000", &r, REASON_CODE_REQUESTED, "2026-11-23", clock_now(), &made, NULL), RC_NOT_FOUND);
    strcpy(r.municipality, "131016");
    assert_int_equal(ledger_recode(w.town, NEW_CODE, &r, REASON_CODE_REQUESTED, "2026-11-23", clock_now(), &made, NULL), RC_DENIED);
    store_rollback(w.town);
}

/* Every 異動事由 of both ordinances is there by its name, and reads back as itself. */
static void test_reasons(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum change change;
        enum effect effect;
        const char *from, *until;
    } rows[] = {
        { "転入等", CHANGE_ENTRY, EFFECT_CHANGED, NULL, "personal-numbers" },
        { "国内転入", CHANGE_ENTRY, EFFECT_CHANGED, "personal-numbers", NULL },
        { "国外転入等", CHANGE_ENTRY, EFFECT_CHANGED, "personal-numbers", NULL },
        { "出生", CHANGE_ENTRY, EFFECT_CHANGED, NULL, NULL },
        { "職権記載等（帰化等）", CHANGE_ENTRY, EFFECT_CHANGED, "personal-numbers", NULL },
        { "職権記載等（国籍喪失）", CHANGE_ENTRY, EFFECT_CHANGED, "personal-numbers", NULL },
        { "職権記載等", CHANGE_ENTRY, EFFECT_CHANGED, NULL, NULL },
        { "転出", CHANGE_REMOVAL, EFFECT_CHANGED, NULL, "personal-numbers" },
        { "国内転出", CHANGE_REMOVAL, EFFECT_CHANGED, "personal-numbers", NULL },
        { "国外転出", CHANGE_REMOVAL, EFFECT_REMOVED, "personal-numbers", NULL },
        { "死亡", CHANGE_REMOVAL, EFFECT_REMOVED, NULL, NULL },
        { "職権消除等（帰化等）", CHANGE_REMOVAL, EFFECT_REMOVED, "personal-numbers", NULL },
        { "職権消除等（国籍喪失）", CHANGE_REMOVAL, EFFECT_REMOVED, "personal-numbers", NULL },
        { "職権消除等", CHANGE_REMOVAL, EFFECT_REMOVED, NULL, NULL },
        { "転居", CHANGE_CORRECTION, EFFECT_CHANGED, NULL, NULL },
        { "軽微な修正", CHANGE_CORRECTION, EFFECT_NONE, NULL, NULL },
        { "職権修正等", CHANGE_CORRECTION, EFFECT_CHANGED, NULL, NULL },
        { "個人番号の変更請求", CHANGE_CORRECTION, EFFECT_CARD, "personal-numbers", NULL },
        { "個人番号の職権修正", CHANGE_CORRECTION, EFFECT_CARD, "personal-numbers", NULL },
        { "個人番号の職権記載等", CHANGE_CORRECTION, EFFECT_NONE, "personal-numbers", NULL },
        { "住民票コードの変更請求", CHANGE_CODE, EFFECT_CARD, NULL, NULL },
        { "住民票コードの職権記載等", CHANGE_CODE, EFFECT_CARD, NULL, NULL },
    };
    enum reason reason;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (reason_parse(rows[i].name, &reason))
            fail_msg("%s", rows[i].name);
        const struct reason_row *row = reason_get(reason);
        if (row->reason != reason || row->told != reason || row->change != rows[i].change || row->effect != rows[i].effect ||
            (row->from != NULL) != (rows[i].from != NULL) || (row->until != NULL) != (rows[i].until != NULL))
            fail_msg("%s", rows[i].name);
    }
    for (int i = REASON_NONE + 1; i < REASON_COUNT; i++) { /* the whole table: names are unique, gates exist, told ones are of the ordinance */
        const struct reason_row *row = reason_get((enum reason)i);
        assert_int_equal(reason_parse(row->name, &reason), RC_OK);
        assert_int_equal(reason, i);
        for (int k = 0; k < 2; k++) {
            const char *gate = k ? row->until : row->from;
            size_t g = 0;
            while (gate && g < GATE_COUNT && strcmp(gate_rows[g].name, gate) != 0)
                g++;
            if (gate && g == GATE_COUNT)
                fail_msg("%s: no such gate", row->name);
        }
        if (row->told != REASON_NONE)
            assert_int_equal(reason_get(row->told)->told, row->told);
        else
            assert_int_equal(row->effect, EFFECT_NONE); /* what nobody hears of can end no certificate */
        assert_int_equal(reason_get(reason_other_era((enum reason)i))->change, row->change);
    }
}

static void test_gates(void **state)
{
    (void)state;
    char date[11];
    bool open;
    assert_int_equal(gate_date(w.town, GATE_FIRST_SERVICE, date, NULL), RC_OK);
    assert_string_equal(date, "2002-08-05");
    assert_int_equal(gate_date(w.town, GATE_SECOND_SERVICE, date, NULL), RC_OK);
    assert_string_equal(date, "2003-08-25");
    static const struct {
        const char *date;
        bool open;
    } rows[] = { { "2015-12-27", false }, { "2015-12-28", true }, { "2026-01-01", true } };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(gate_open(w.town, GATE_JUKI_CARD_END, rows[i].date, &open, NULL), RC_OK);
        assert_int_equal(open, rows[i].open);
    }
    assert_int_equal(gate_set(w.town, "juki-card-end", "2015-12-22", NULL), RC_OK);
    assert_int_equal(gate_set(w.town, "juki-card-end", "2015-12-23", NULL), RC_OK);
    assert_int_equal(gate_date(w.town, GATE_JUKI_CARD_END, date, NULL), RC_OK);
    assert_string_equal(date, "2015-12-23");
    assert_int_equal(gate_set(w.town, "juki-card", "2015-12-22", NULL), RC_NOT_FOUND);
    assert_int_equal(gate_set(w.town, "juki-card-end", "2015-12-32", NULL), RC_FORMAT);
    assert_int_equal(gate_want(w.town, GATE_FURIGANA, "2025-05-26", "furigana", NULL), RC_OK);
    struct err err = { 0 };
    assert_int_equal(gate_want(w.town, GATE_FURIGANA, "2025-05-25", "furigana", &err), RC_RANGE);
    assert_non_null(strstr(err.text, "2025-05-26"));
    for (size_t i = 0; i < GATE_COUNT; i++)
        assert_int_equal(date_check(gate_rows[i].date), RC_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checks),
        cmocka_unit_test(test_messages),
        cmocka_unit_test_setup_teardown(test_history, setup, teardown),
        cmocka_unit_test_setup_teardown(test_recode, setup, teardown),
        cmocka_unit_test(test_reasons),
        cmocka_unit_test_setup_teardown(test_gates, setup, teardown),
    };
    return cmocka_run_group_tests_name("registry-record", tests, NULL, NULL);
}

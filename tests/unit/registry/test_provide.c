/* test_provide.c — provision to agencies over the national store: who may ask for what, what it comes to, and the table of
 * tasks; each rule a row with its flaw. */
#include "agency.h"

#include "registry/task.h"

#include "net/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct townpair w;

static int setup(void **state)
{
    (void)state;
    agency_open(&w);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    townpair_close(&w);
    return 0;
}

#define COUNT(where) townpair_count(w.nation, "SELECT count(*) FROM usage WHERE action = 'provide' AND " where)

/* Who may ask for what, when; each refusal is in the record of use, and what is not a question is not. */
static void test_refusals(void **state)
{
    (void)state;
    const struct peer builder = {.role = ROLE_AGENCY, .municipality = "000000", .name = "builder", .serial = "02"};
    const struct peer bank = {.role = ROLE_VERIFIER, .municipality = "000000", .name = "nenkin", .serial = "03"};
    const struct peer officer = {.role = ROLE_DESK_OFFICER, .municipality = HERE, .name = "nenkin", .serial = "04"};
    const struct {
        const char *flaw, *day;
        const struct peer *peer;
        const char *task, *key;
        enum rc want;
    } rows[] = {
        {"as the law has it", "2016-02-01", &agency, "77", SEARCH, RC_OK},
        {"an unknown task", "2016-02-01", &agency, "78", SEARCH, RC_DENIED},
        {"another agency's task", "2016-02-01", &builder, "77", SEARCH, RC_DENIED},
        {"a verifier of the agency's name", "2016-02-01", &bank, "77", SEARCH, RC_DENIED},
        {"an officer of the agency's name", "2016-02-01", &officer, "77", SEARCH, RC_DENIED},
        {"the day before the task", "2009-12-31", &agency, "short", SEARCH, RC_DENIED},
        {"its first day", "2010-01-01", &agency, "short", SEARCH, RC_OK},
        {"its last day", "2012-03-31", &agency, "short", SEARCH, RC_OK},
        {"the day behind it", "2012-04-01", &agency, "short", SEARCH, RC_DENIED},
        {"before the first service", "2002-08-04", &agency, "77", SEARCH, RC_RANGE},
        {"the first service's day", "2002-08-05", &agency, "77", SEARCH, RC_OK},
        {"a number where only attributes are asked", "2016-02-01", &builder, "101",
         "{\"personal_number\":\"" NUMBER "\"}", RC_DENIED},
        {"a code before 個人番号", "2015-10-04", &agency, "77", "{\"code\":\"" HANAKO "\"}", RC_OK},
        {"a code since 個人番号", "2015-10-05", &agency, "77", "{\"code\":\"" HANAKO "\"}", RC_DENIED},
        {"a code that is kept", "2015-10-05", &agency, "legacy", "{\"code\":\"" HANAKO "\"}", RC_OK},
        {"a number before 個人番号", "2015-10-04", &agency, "77", "{\"personal_number\":\"" NUMBER "\"}", RC_DENIED},
        {"a number", "2015-10-05", &agency, "77", "{\"personal_number\":\"" NUMBER "\"}", RC_OK},
    };
    int64_t denied = 0, asked = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        townpair_on(rows[i].day);
        enum rc rc = agency_ask(w.nation, rows[i].peer, rows[i].task, rows[i].key, NULL);
        if (rc != rows[i].want)
            fail_msg("%s: %s", rows[i].flaw, rc_name(rc));
        asked++;
        denied += rc != RC_OK;
        if (COUNT("result IN ('RC_DENIED', 'RC_RANGE') AND record = '' AND fields = ''") != denied ||
            COUNT("task <> ''") != asked)
            fail_msg("%s: not in the record of use", rows[i].flaw);
    }
    static const struct {
        const char *flaw, *key;
    } malformed[] = {
        {"a mistyped code", "{\"code\":\"24727059609\"}"},
        {"a mistyped number", "{\"personal_number\":\"123456789017\"}"},
        {"both", "{\"code\":\"" HANAKO "\",\"personal_number\":\"" NUMBER "\"}"},
        {"a name alone", "{\"name\":\"公的 花子\"}"},
        {"a birth alone", "{\"birth\":\"319800229\"}"},
        {"nothing", "{}"},
        {"an empty name", "{\"birth\":\"319800229\",\"name\":\"\"}"},
        {"an unknown member", "{\"birth\":\"319800229\",\"name\":\"x\",\"household\":\"1\"}"},
        {"no object", "[]"},
        {"a number that is no text", "{\"code\":24727059608}"},
    };
    for (size_t i = 0; i < sizeof malformed / sizeof malformed[0]; i++)
        if (agency_ask(w.nation, &agency, "77", malformed[i].key, NULL) != RC_FORMAT)
            fail_msg("%s is taken", malformed[i].flaw);
    assert_int_equal(COUNT("task <> ''"), asked);
}

static void test_results(void **state)
{
    (void)state;
    townpair_on("2016-03-01");
    agency_enter(w.nation, "10000000103", "同姓　同名", "319700101", ADDRESS, "", REASON_FIRST);
    agency_enter(w.nation, "10000000200", "同姓　同名", "319700101", "鹿児島県鹿児島市荒田二丁目７番７号", "", REASON_FIRST);
    agency_enter(w.nation, TARO, "", "", "", "", REASON_DEATH);
    agency_enter(w.nation, HANAKO, "公的　花子", "319800229", "鹿児島県鹿児島市荒田二丁目７番７号", NEW_NUMBER, REASON_MOVE);
    static const struct {
        const char *flaw, *key, *want;
    } rows[] = {
        {"name and birth", SEARCH, "one"},
        {"all four",
         "{\"birth\":\"319800229\",\"name\":\"公的　花子\",\"sex\":\"2\",\"address\":"
         "\"鹿児島県鹿児島市荒田二丁目７番７号\"}",
         "one"},
        {"birth and address", "{\"birth\":\"319800229\",\"address\":\"鹿児島県鹿児島市荒田二丁目７番７号\"}", "one"},
        {"birth and sex", "{\"birth\":\"319800229\",\"sex\":\"2\"}", "one"},
        {"another sex", "{\"birth\":\"319800229\",\"sex\":\"1\"}", "none"},
        {"the former address", "{\"birth\":\"319800229\",\"address\":\"" ADDRESS "\"}", "changed"},
        {"an address of nobody", "{\"birth\":\"319800229\",\"address\":\"鹿児島県鹿児島市\"}", "none"},
        {"SQL in a name", "{\"birth\":\"319800229\",\"name\":\"' OR 1=1 --\"}", "none"},
        {"two of one name", "{\"birth\":\"319700101\",\"name\":\"同姓　同名\"}", "many"},
        {"one of them by the address", "{\"birth\":\"319700101\",\"name\":\"同姓　同名\",\"address\":\"" ADDRESS "\"}",
         "one"},
        {"somebody who died", "{\"birth\":\"319751103\",\"name\":\"公的　太郎\"}", "removed"},
        {"the number of today", "{\"personal_number\":\"" NEW_NUMBER "\"}", "one"},
        {"the number before", "{\"personal_number\":\"" NUMBER "\"}", "changed"},
        {"a number of nobody", "{\"personal_number\":\"100000000005\"}", "none"},
        {"the number with the address of today",
         "{\"personal_number\":\"" NEW_NUMBER "\",\"address\":\"鹿児島県鹿児島市荒田二丁目７番７号\"}", "one"},
        {"the number with the address before", "{\"personal_number\":\"" NEW_NUMBER "\",\"address\":\"" ADDRESS "\"}",
         "changed"},
        {"the number with another's name", "{\"personal_number\":\"" NEW_NUMBER "\",\"name\":\"公的　太郎\"}", "none"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *result = agency_result(w.nation, "77", rows[i].key);
        if (strcmp(result, rows[i].want) != 0)
            fail_msg("%s: %s", rows[i].flaw, result);
    }
    assert_int_equal(COUNT("result = 'many' AND record = '' AND way = 'search'"), 1);
    assert_int_equal(COUNT("result = 'changed' AND record = '" HANAKO "' AND way = 'inquiry'"), 2);
    agency_enter(w.nation, NEXT_CODE, "公的　花子", "319800229", "鹿児島県鹿児島市荒田二丁目７番７号", NEW_NUMBER, REASON_CODE_REQUESTED);
    assert_string_equal(agency_result(w.nation, "legacy", "{\"code\":\"" HANAKO "\"}"), "changed");
    assert_string_equal(agency_result(w.nation, "legacy", "{\"code\":\"" NEXT_CODE "\"}"), "one");
    assert_string_equal(agency_result(w.nation, "legacy", "{\"code\":\"" TARO "\"}"), "removed");
    assert_string_equal(agency_result(w.nation, "77", "{\"personal_number\":\"" NEW_NUMBER "\"}"), "one");
    assert_string_equal(agency_result(w.nation, "77", SEARCH), "one");
}

/* A name may be 氏名, and what else of names the task is given from the day on which the record has it; the agency hears which it was. */
static void test_names(void **state)
{
    (void)state;
    static const char more[] =
        "{\"tasks\":[{\"agency\":\"nenkin\",\"task\":\"all\",\"law\":\"l\",\"title\":\"t\",\"fields\":[\"name\",\"furigana\","
        "\"former_name\",\"former_furigana\",\"alias\",\"birth\"],\"keys\":[\"attributes\",\"number\"],\"from\":\"2002-08-05\"},"
        "{\"agency\":\"nenkin\",\"task\":\"name\",\"law\":\"l\",\"title\":\"t\",\"fields\":[\"name\",\"birth\"],\"keys\":["
        "\"attributes\",\"number\"],\"from\":\"2002-08-05\"}]}";
    assert_int_equal(agency_load(w.nation, more), RC_OK);
    struct resident r = {.code = "10000000103", .municipality = HERE, .attributes = {.sex = "2"}};
    struct ledger_change change;
    snprintf(r.attributes.name, sizeof r.attributes.name, "民間　花子");
    snprintf(r.attributes.birth, sizeof r.attributes.birth, "319900401");
    snprintf(r.attributes.address, sizeof r.attributes.address, ADDRESS);
    snprintf(r.particulars.personal_number, sizeof r.particulars.personal_number, "100000000005");
    snprintf(r.particulars.furigana, sizeof r.particulars.furigana, "ミンカン　ハナコ");
    snprintf(r.particulars.former_name, sizeof r.particulars.former_name, "公的");
    snprintf(r.particulars.former_furigana, sizeof r.particulars.former_furigana, "コウテキ");
    snprintf(r.particulars.alias, sizeof r.particulars.alias, "別名　はな");
    attributes_no_substitutes(&r.attributes);
    assert_int_equal(store_begin(w.nation, NULL), RC_OK);
    assert_int_equal(ledger_put(w.nation, &r, REASON_FIRST, "2016-02-01", 1454284800, &change, NULL), RC_OK);
    assert_int_equal(store_commit(w.nation, NULL), RC_OK);
    agency_enter(w.nation, "10000000200", "別名　はな", "319900401", "鹿児島県鹿児島市荒田二丁目７番７号", "", REASON_FIRST);
    static const struct {
        const char *flaw, *day, *task, *key, *want, *matched;
    } rows[] = {
        {"氏名", "2026-01-05", "all", "\"name\":\"民間　花子\"", "one", "name"},
        {"氏名 with a plain blank", "2026-01-05", "all", "\"name\":\"民間 花子\"", "one", "name"},
        {"旧氏", "2026-01-05", "all", "\"name\":\"公的　花子\"", "one", "former_name"},
        {"旧氏 with a plain blank", "2026-01-05", "all", "\"name\":\"公的 花子\"", "one", "former_name"},
        {"旧氏 of a task without it", "2026-01-05", "name", "\"name\":\"公的　花子\"", "none", NULL},
        {"旧氏 before the record has it", "2019-11-04", "all", "\"name\":\"公的　花子\"", "none", NULL},
        {"旧氏 from its day", "2019-11-05", "all", "\"name\":\"公的　花子\"", "one", "former_name"},
        {"旧氏 with another's given name", "2026-01-05", "all", "\"name\":\"公的　太郎\"", "none", NULL},
        {"旧氏 with the end of a given name", "2026-01-05", "all", "\"name\":\"公的　子\"", "none", NULL},
        {"旧氏 alone", "2026-01-05", "all", "\"name\":\"公的\"", "none", NULL},
        {"振り仮名", "2026-01-05", "all", "\"name\":\"ミンカン　ハナコ\"", "one", "furigana"},
        {"振り仮名 before its day", "2025-05-25", "all", "\"name\":\"ミンカン　ハナコ\"", "none", NULL},
        {"振り仮名 from its day", "2025-05-26", "all", "\"name\":\"ミンカン　ハナコ\"", "one", "furigana"},
        {"旧氏の振り仮名", "2026-01-05", "all", "\"name\":\"コウテキ　ハナコ\",\"address\":\"" ADDRESS "\"", "one", "former_furigana"},
        {"振り仮名 of a task without it", "2026-01-05", "name", "\"name\":\"ミンカン　ハナコ\"", "none", NULL},
        {"通称 that is another's 氏名", "2026-01-05", "all", "\"name\":\"別名　はな\"", "many", NULL},
        {"the same, with the address", "2026-01-05", "all", "\"name\":\"別名　はな\",\"address\":\"" ADDRESS "\"", "one", "alias"},
        {"the same of a task without it", "2026-01-05", "name", "\"name\":\"別名　はな\"", "one", "name"},
        {"the number with the 通称", "2026-01-05", "all", "\"name\":\"別名　はな\",\"personal_number\":\"100000000005\"", "one", "alias"},
        {"the number with the 通称, not given", "2026-01-05", "name", "\"name\":\"別名　はな\",\"personal_number\":\"100000000005\"", "none", NULL},
        {"no name in the key", "2026-01-05", "all", "\"sex\":\"2\",\"address\":\"" ADDRESS "\"", "one", NULL},
        {"a wild card", "2026-01-05", "all", "\"name\":\"公的　%\"", "none", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char key[300];
        json_t *answer = NULL;
        townpair_on(rows[i].day);
        snprintf(key, sizeof key, "{\"birth\":\"319900401\",%s}", rows[i].key);
        assert_int_equal(agency_ask(w.nation, &agency, rows[i].task, key, &answer), RC_OK);
        const char *result = json_string_value(json_object_get(answer, "result")), *matched = json_string_value(json_object_get(answer, "matched"));
        if (strcmp(result, rows[i].want) != 0 || strcmp(matched ? matched : "", rows[i].matched ? rows[i].matched : "") != 0)
            fail_msg("%s: %s, matched by %s", rows[i].flaw, result, matched);
        json_decref(answer);
    }
    /* what it was before: said as that */
    json_t *answer = NULL;
    agency_enter(w.nation, "10000000103", "改姓　花子", "319900401", ADDRESS, "100000000005", REASON_EX_OFFICIO);
    assert_int_equal(agency_ask(w.nation, &agency, "all", "{\"birth\":\"319900401\",\"name\":\"民間　花子\"}", &answer), RC_OK);
    assert_string_equal(json_string_value(json_object_get(answer, "result")), "changed");
    assert_string_equal(json_string_value(json_object_get(answer, "matched")), "former_state");
    json_decref(answer);
}

/* What the task and the day let an agency have, and no more. */
static void test_fields(void **state)
{
    (void)state;
    static const struct {
        const char *flaw, *day, *task, *key, *given;
        bool code, number, birth, change;
    } rows[] = {
        {"the code was given", "2014-01-01", "77", SEARCH, "name,furigana,birth,sex,address,code,change", true, false,
         true, true},
        {"now the number is", "2016-02-01", "77", SEARCH, "name,furigana,birth,sex,address,personal_number,change",
         false, true, true, true},
        {"who keeps the code", "2016-02-01", "legacy", "{\"code\":\"" HANAKO "\"}", "name,code", true, false, false,
         false},
        {"the name alone", "2011-01-01", "short", SEARCH, "name", false, false, false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_t *answer = NULL;
        char sql[200];
        townpair_on(rows[i].day);
        assert_int_equal(agency_ask(w.nation, &agency, rows[i].task, rows[i].key, &answer), RC_OK);
        const json_t *record = json_object_get(answer, "record");
        if (!json_object_get(record, "name") || !json_object_get(record, "code") == rows[i].code ||
            !json_object_get(record, "personal_number") == rows[i].number ||
            !json_object_get(record, "birth") == rows[i].birth ||
            !json_object_get(record, "change") == rows[i].change || json_object_get(record, "household"))
            fail_msg("%s: other fields", rows[i].flaw);
        json_decref(answer);
        snprintf(sql, sizeof sql, "SELECT count(*) FROM usage WHERE fields = '%s' AND record = '" HANAKO "'",
                 rows[i].given);
        if (townpair_count(w.nation, sql) != 1)
            fail_msg("%s: the record of use says otherwise", rows[i].flaw);
    }
}

static void test_batch(void **state)
{
    (void)state;
    struct err err = {0};
    json_t *answer = NULL, *answers = NULL;
    json_t *body = json_pack("{s:s, s:[{s:s}, {s:s, s:s}, {s:s, s:s}]}", "task", "77", "keys", "personal_number",
                             NUMBER, "birth", "319751103", "name", "公的　太郎", "birth", "319751103", "name", "誰か");
    assert_int_equal(provide_answer(w.nation, &agency, body, true, &answer, &err), RC_OK);
    assert_int_equal(json_want_array(answer, "answers", &answers, NULL), RC_OK);
    assert_int_equal(json_array_size(answers), 3);
    static const char *const want[] = {"one", "one", "none"};
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(json_string_value(json_object_get(json_array_get(answers, i), "result")), want[i]);
    assert_int_equal(COUNT("way = 'batch'"), 3);
    json_decref(answer);
    /* one key that is wrong, and nothing is answered or used */
    json_array_append_new(json_object_get(body, "keys"), json_pack("{s:s}", "personal_number", "1"));
    assert_int_equal(provide_answer(w.nation, &agency, body, true, &answer, &err), RC_FORMAT);
    assert_non_null(strstr(err.text, "key 4"));
    json_t *keys = json_object_get(body, "keys");
    json_array_clear(keys);
    assert_int_equal(provide_answer(w.nation, &agency, body, true, &answer, &err), RC_RANGE);
    for (int i = 0; i <= PROVIDE_BATCH; i++)
        json_array_append_new(keys, json_pack("{s:s}", "personal_number", NUMBER));
    assert_int_equal(provide_answer(w.nation, &agency, body, true, &answer, &err), RC_RANGE);
    assert_int_equal(COUNT("way = 'batch'"), 3);
    json_decref(body);
}

/* 告知要求制限, for everybody else. */
static void test_private(void **state)
{
    (void)state;
    static const struct {
        const char *flaw, *body;
        enum rc want;
    } rows[] = {
        {"a certificate", "{\"authority\":\"sign\",\"serial\":\"0A01\"}", RC_OK},
        {"with a code", "{\"authority\":\"sign\",\"serial\":\"0A01\",\"code\":\"" HANAKO "\"}", RC_DENIED},
        {"with a number", "{\"serial\":\"0A01\",\"personal_number\":\"" NUMBER "\"}", RC_DENIED},
        {"asking for a code", "{\"serial\":\"0A01\",\"fields\":[\"name\",\"code\"]}", RC_DENIED},
        {"asking for a number", "{\"serial\":\"0A01\",\"fields\":[\"personal_number\"]}", RC_DENIED},
        {"asking for a name", "{\"serial\":\"0A01\",\"fields\":[\"name\"]}", RC_OK},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_t *body = NULL;
        struct err err = {0};
        assert_int_equal(json_read(bytes_of(rows[i].body, strlen(rows[i].body)), &body, NULL), RC_OK);
        if (provide_check_private(body, &err) != rows[i].want)
            fail_msg("%s", rows[i].flaw);
        json_decref(body);
    }
}

static void test_table(void **state)
{
    (void)state;
#define ROW(agency, from, more)                                                                                        \
    "{\"agency\":\"" agency                                                                                            \
    "\",\"task\":\"1\",\"law\":\"l\",\"title\":\"t\",\"fields\":[\"name\"],\"keys\":[\"number\"],\"from\":\"" from     \
    "\"" more "}"
    static const struct {
        const char *flaw, *text;
        enum rc want;
    } rows[] = {
        {"no table", "{}", RC_FORMAT},
        {"no agency", "{\"tasks\":[" ROW("", "2020-01-01", "") "]}", RC_FORMAT},
        {"no date", "{\"tasks\":[" ROW("a", "2020-02-30", "") "]}", RC_FORMAT},
        {"ends before it begins", "{\"tasks\":[" ROW("a", "2020-01-02", ",\"until\":\"2020-01-01\"") "]}", RC_FORMAT},
        {"an unknown member", "{\"tasks\":[" ROW("a", "2020-01-01", ",\"untill\":\"2021-01-01\"") "]}", RC_FORMAT},
        {"an unknown field",
         "{\"tasks\":[{\"agency\":\"a\",\"task\":\"1\",\"law\":\"l\",\"title\":\"t\",\"fields\":[\"household\"],"
         "\"keys\":[\"number\"],\"from\":\"2020-01-01\"}]}",
         RC_FORMAT},
        {"no key",
         "{\"tasks\":[{\"agency\":\"a\",\"task\":\"1\",\"law\":\"l\",\"title\":\"t\",\"fields\":[\"name\"],\"keys\":[],"
         "\"from\":\"2020-01-01\"}]}",
         RC_FORMAT},
        {"twice", "{\"tasks\":[" ROW("a", "2020-01-01", "") "," ROW("a", "2020-01-01", "") "]}", RC_FORMAT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum rc rc = agency_load(w.nation, rows[i].text);
        if (rc != rows[i].want)
            fail_msg("%s: %s", rows[i].flaw, rc_name(rc));
        assert_int_equal(townpair_count(w.nation, "SELECT count(*) FROM task"), 4); /* as it was */
    }
    assert_int_equal(
        agency_load(w.nation, "{\"tasks\":[" ROW("a", "2020-01-01", ",\"until\":\"2020-12-31\"") "," ROW("a", "2022-01-01", "") "]}"),
        RC_OK);
    struct task task;
    assert_int_equal(task_find(w.nation, "a", "1", "2020-06-01", &task, NULL), RC_OK);
    assert_int_equal(task_find(w.nation, "a", "1", "2021-06-01", &task, NULL), RC_DENIED);
    assert_int_equal(task_find(w.nation, "a", "1", "2022-06-01", &task, NULL), RC_OK);
    assert_int_equal(task_find(w.nation, "nenkin", "77", "2022-06-01", &task, NULL),
                     RC_DENIED); /* the table is the file */
}
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
        cmocka_unit_test_setup_teardown(test_results, setup, teardown),
        cmocka_unit_test_setup_teardown(test_names, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fields, setup, teardown),
        cmocka_unit_test_setup_teardown(test_batch, setup, teardown),
        cmocka_unit_test_setup_teardown(test_private, setup, teardown),
        cmocka_unit_test_setup_teardown(test_table, setup, teardown),
    };
    return cmocka_run_group_tests_name("registry-provide", tests, NULL, NULL);
}

/* test_rights.c — what a resident may ask of the national store: who used the record, what is in it, that it be corrected;
 * and how often agencies asked. */
#include "agency.h"

#include "registry/correction.h"
#include "registry/outbox.h"
#include "registry/retention.h"
#include "registry/rights.h"

#include "net/json.h"

#include <setjmp.h>
#include <stdarg.h>

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

static enum rc count_line(void *context, const json_t *json)
{
    assert_true(json_is_object(json));
    ++*(int *)context;
    return RC_OK;
}

static int uses(const char *code)
{
    int lines = 0;
    struct err err = {0};
    assert_int_equal(store_begin(w.nation, NULL), RC_OK);
    if (rights_uses(w.nation, "000000", code, count_line, &lines, &err))
        fail_msg("%s", err.text);
    assert_int_equal(store_commit(w.nation, NULL), RC_OK);
    return lines;
}

/* The list of uses ends with last month, goes through changes of code, and is as long as its life. */
static void test_uses(void **state)
{
    (void)state;
    townpair_on("2016-02-29");
    assert_string_equal(agency_result(w.nation, "77", SEARCH), "one");
    assert_string_equal(agency_result(w.nation, "legacy", "{\"code\":\"" TARO "\"}"), "one");
    assert_int_equal(uses(HANAKO), 0); /* this month's */
    townpair_on("2016-03-01");
    assert_int_equal(uses(HANAKO), 2); /* and the look of yesterday */
    assert_string_equal(agency_result(w.nation, "77", SEARCH), "one");
    agency_enter(w.nation, NEXT_CODE, "公的　花子", "319800229", ADDRESS, NUMBER, REASON_CODE_REQUESTED);
    townpair_on("2016-04-01");
    assert_int_equal(uses(NEXT_CODE), 4);
    townpair_on("2023-03-02");
    assert_int_equal(uses(NEXT_CODE), 1); /* of all that only the look of 2016-04 */
    assert_int_equal(store_begin(w.nation, NULL), RC_OK);
    int64_t swept = 0;
    int years = 0;
    assert_int_equal(retention_life(w.nation, &years, NULL), RC_OK);
    assert_int_equal(years, 7);
    assert_int_equal(rights_sweep(w.nation, &swept, NULL), RC_OK);
    assert_int_equal(swept,
                     5); /* two provisions and a look of February, a look and a provision of March; 2016-03-02 stays */
    assert_int_equal(retention_set_life(w.nation, 0, NULL), RC_RANGE);
    assert_int_equal(retention_set_life(w.nation, 5, NULL), RC_OK);
    assert_int_equal(rights_sweep(w.nation, &swept, NULL), RC_OK);
    assert_int_equal(swept, 1);
    assert_int_equal(store_commit(w.nation, NULL), RC_OK);
}

static json_t *line_got;

static enum rc keep_line(void *context, const json_t *json)
{
    (void)context;
    json_decref(line_got);
    line_got = json_deep_copy(json);
    return RC_OK;
}

static enum rc decide(int64_t number, const char *decision, const char *reason, int64_t notice)
{
    const struct correction_answer answer = {number, notice, decision, reason, NULL};
    return correction_decide(w.nation, NODE_NATIONAL, &answer, NULL);
}

/* From the nation to the municipality and back, each step twice. */
static void test_correction(void **state)
{
    (void)state;
    json_t *list = NULL, *again = NULL, *body = NULL;
    int64_t number = 0;
    char due[11];
    assert_int_equal(store_begin(w.nation, NULL), RC_OK);
    assert_int_equal(correction_ask(w.nation, HANAKO, "番地が違う", &number, due, NULL), RC_OK);
    assert_int_equal(correction_forward(w.nation, "131016", &list, NULL), RC_OK);
    assert_int_equal(json_array_size(list), 0); /* another municipality's */
    json_decref(list);
    assert_int_equal(correction_forward(w.nation, HERE, &list, NULL), RC_OK);
    assert_int_equal(correction_forward(w.nation, HERE, &again, NULL), RC_OK);
    assert_true(json_equal(list, again));
    assert_int_equal(correction_each(w.nation, HANAKO, keep_line, NULL, NULL), RC_OK);
    assert_string_equal(json_string_value(json_object_get(line_got, "state")), "forwarded");
    assert_int_equal(store_commit(w.nation, NULL), RC_OK);
    assert_int_equal(store_begin(w.town, NULL), RC_OK);
    assert_int_equal(correction_take(w.town, OUTBOX_NATIONAL, list, NULL), RC_OK);
    assert_int_equal(correction_take(w.town, OUTBOX_NATIONAL, again, NULL), RC_OK);
    assert_int_equal(correction_take(w.town, OUTBOX_PREFECTURE, again, NULL), RC_OK); /* that one counts by itself */
    assert_int_equal(correction_untold(w.town, OUTBOX_NATIONAL, &body, NULL), RC_NOT_FOUND);
    const struct correction_answer answer = {1, 0, "refused", "記録のとおり", NULL};
    assert_int_equal(correction_decide(w.town, NODE_MUNICIPAL, &answer, NULL), RC_OK);
    assert_int_equal(correction_untold(w.town, OUTBOX_PREFECTURE, &body, NULL), RC_NOT_FOUND); /* the answer is not its own */
    assert_int_equal(correction_untold(w.town, OUTBOX_NATIONAL, &body, NULL), RC_OK);
    assert_int_equal(json_integer_value(json_object_get(body, "number")), number);
    assert_int_equal(correction_told(w.town, OUTBOX_PREFECTURE, number, NULL), RC_OK);
    json_decref(body);
    assert_int_equal(correction_untold(w.town, OUTBOX_NATIONAL, &body, NULL), RC_OK);
    assert_int_equal(correction_told(w.town, OUTBOX_NATIONAL, number, NULL), RC_OK);
    json_decref(body);
    assert_int_equal(correction_untold(w.town, OUTBOX_NATIONAL, &body, NULL), RC_NOT_FOUND);
    assert_int_equal(store_commit(w.town, NULL), RC_OK);
    assert_int_equal(townpair_count(w.town, "SELECT count(*) FROM correction WHERE municipality = '" HERE "'"), 2);
    json_decref(list);
    json_decref(again);
    json_decref(line_got);
    line_got = NULL;
}

static void test_disclosure(void **state)
{
    (void)state;
    json_t *json = NULL;
    struct err err = {0};
    agency_enter(w.nation, HANAKO, "公的　花子", "319800229", "鹿児島県鹿児島市荒田二丁目７番７号", NUMBER, REASON_MOVE);
    assert_int_equal(store_begin(w.nation, NULL), RC_OK);
    assert_int_equal(rights_disclose(w.nation, "000000", NEXT_CODE, &json, &err), RC_NOT_FOUND);
    assert_int_equal(rights_disclose(w.nation, "000000", HANAKO, &json, &err), RC_OK);
    assert_int_equal(json_array_size(json_object_get(json, "changes")), 2);
    assert_non_null(json_object_get(json_object_get(json, "record"), "personal_number"));
    json_decref(json);
    int64_t number = 0;
    char due[11];
    assert_int_equal(correction_ask(w.nation, NEXT_CODE, "住所", &number, due, &err), RC_NOT_FOUND);
    assert_int_equal(correction_ask(w.nation, HANAKO, "", &number, due, &err), RC_FORMAT);
    assert_int_equal(correction_ask(w.nation, HANAKO, "番地が違う", &number, due, &err), RC_OK);
    assert_string_equal(due, "2016-03-02");
    townpair_on("2016-03-03");
    assert_int_equal(correction_each(w.nation, NULL, keep_line, NULL, &err), RC_OK);
    assert_true(json_is_true(json_object_get(line_got, "late")));
    assert_int_equal(decide(number + 1, "corrected", "r", 1), RC_NOT_FOUND);
    assert_int_equal(decide(number, "maybe", "r", 0), RC_FORMAT);
    assert_int_equal(decide(number, "refused", "", 0), RC_FORMAT);
    assert_int_equal(decide(number, "corrected", "r", 0), RC_FORMAT); /* by which act? */
    assert_int_equal(decide(number, "corrected", "r", 1), RC_STATE);  /* no such act was told */
    assert_int_equal(decide(number, "refused", "記録のとおり", 0), RC_OK);
    assert_int_equal(decide(number, "refused", "記録のとおり", 0), RC_OK); /* the same again */
    assert_int_equal(decide(number, "corrected", "r", 1), RC_STATE);
    assert_int_equal(correction_each(w.nation, HANAKO, keep_line, NULL, &err), RC_OK);
    assert_string_equal(json_string_value(json_object_get(line_got, "decision")), "refused");
    assert_int_equal(store_commit(w.nation, NULL), RC_OK);
    assert_int_equal(
        townpair_count(w.nation, "SELECT count(*) FROM usage WHERE action = 'disclose' AND record = '" HANAKO "'"), 1);

    /* 件数, per recipient, month, task and way */
    assert_string_equal(agency_result(w.nation, "77", SEARCH), "one");
    assert_string_equal(agency_result(w.nation, "77", "{\"birth\":\"319800229\",\"name\":\"誰か\"}"), "none");
    int lines = 0;
    assert_int_equal(rights_report(w.nation, "2016-02", "2016-02", count_line, &lines, &err), RC_OK);
    assert_int_equal(lines, 0);
    assert_int_equal(rights_report(w.nation, "2016-03", "2016-03", keep_line, NULL, &err), RC_OK);
    assert_string_equal(json_string_value(json_object_get(line_got, "to")), "nenkin");
    assert_int_equal(json_integer_value(json_object_get(line_got, "asked")), 2);
    assert_int_equal(json_integer_value(json_object_get(line_got, "provided")), 1);
    assert_int_equal(rights_report(w.nation, "2016-13", "2016-14", count_line, &lines, &err), RC_FORMAT);
    assert_int_equal(rights_report(w.nation, "2016-03", "2016-02", count_line, &lines, &err), RC_FORMAT);
    json_decref(line_got);
}
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_uses, setup, teardown),
        cmocka_unit_test_setup_teardown(test_correction, setup, teardown),
        cmocka_unit_test_setup_teardown(test_disclosure, setup, teardown),
    };
    return cmocka_run_group_tests_name("registry-rights", tests, NULL, NULL);
}

/* test_numbers.c — codes and numbers: assigned by the national node without repetition, drawn at random, changed on request,
 * told to the person in writing; 個人番号 made one-way, unlike any other, changed only with a reason. */
#include "support/scratch.h"
#include "support/teststore.h"
#include "registry/act.h"
#include "registry/code.h"
#include "registry/designate.h"
#include "registry/intake.h"
#include "registry/outbox.h"
#include "registry/posted.h"
#include "registry/spare.h"
#include "registry/wanted.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define HERE "462012"
#define THERE "131016"
#define ADDRESS "鹿児島県鹿児島市山下町１１番１号"
#define ON "2026-11-24"
#define BLOCK 120

static struct {
    char folder[64];
    struct store *town, *nation;
    struct secret key;
} w;

static int setup(void **state)
{
    (void)state;
    char path[TESTSTORE_URL_SIZE];
    strcpy(w.folder, "/tmp/jpki-numbers-XXXXXX");
    if (!mkdtemp(w.folder) || clock_set("2026-11-24T03:00:00Z"))
        return -1;
    teststore_url(w.folder, "town", path);
    if (ledger_open(path, NODE_MUNICIPAL, HERE, &w.town, NULL))
        return -1;
    teststore_url(w.folder, "nation", path);
    if (ledger_open(path, NODE_NATIONAL, "000000", &w.nation, NULL))
        return -1;
    return designate_key(w.folder, &w.key, NULL) ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    store_close(w.town);
    store_close(w.nation);
    secret_wipe(&w.key);
    return scratch_remove(w.folder);
}

static int64_t count(struct store *store, const char *sql)
{
    int64_t n = -1;
    assert_int_equal(ledger_count(store, sql, &n, NULL), RC_OK);
    return n;
}

static enum rc assign(const char *municipality, const char *request, int64_t how_many, char (*codes)[12])
{
    assert_int_equal(store_begin(w.nation, NULL), RC_OK);
    enum rc rc = designate_codes(w.nation, &w.key, municipality, request, how_many, codes, NULL);
    if (!rc)
        assert_int_equal(store_commit(w.nation, NULL), RC_OK);
    store_rollback(w.nation);
    return rc;
}

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void test_assignment(void **state)
{
    (void)state;
    static char all[4 * BLOCK][12], again[BLOCK][12];
    char path[96];
    struct stat st;
    assert_int_equal(assign(HERE, "codes-1", BLOCK, all), RC_OK);
    assert_int_equal(assign(THERE, "codes-1", BLOCK, all + BLOCK), RC_OK); /* a request's name is the municipality's own */
    assert_int_equal(assign(HERE, "codes-2", BLOCK, all + 2 * BLOCK), RC_OK);
    assert_int_equal(assign(THERE, "codes-2", BLOCK, all + 3 * BLOCK), RC_OK);
    assert_int_equal(assign(HERE, "codes-1", BLOCK, again), RC_OK);
    assert_memory_equal(all, again, sizeof again);
    assert_int_equal(assign(HERE, "codes-1", BLOCK - 1, again), RC_CONFLICT);
    assert_int_equal(assign(HERE, "codes-3", 0, again), RC_RANGE);
    assert_int_equal(assign(HERE, "codes-3", DESIGNATE_CODES_MAX + 1, again), RC_RANGE);
    assert_int_equal(assign("999999", "codes-1", 1, again), RC_RANGE); /* no municipality: no pool */
    unsigned rising = 0;
    for (size_t i = 0; i < 4 * BLOCK; i++) {
        assert_int_equal(code_check(all[i]), RC_OK);
        rising += i && strcmp(all[i - 1], all[i]) < 0;
    }
    assert_in_range(rising, BLOCK, 3 * BLOCK); /* no order to be seen */
    qsort(all, sizeof all / sizeof all[0], sizeof all[0], compare);
    for (size_t i = 1; i < 4 * BLOCK; i++)
        assert_string_not_equal(all[i - 1], all[i]);
    snprintf(path, sizeof path, "%s/numbers.key", w.folder);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void test_stock(void **state)
{
    (void)state;
    static char codes[BLOCK][12];
    const char *texts[BLOCK];
    char request[32], code[12], before[12] = "";
    int64_t left;
    assert_int_equal(spare_request(w.town, request, NULL), RC_OK);
    assert_string_equal(request, "codes-1");
    assert_int_equal(spare_draw(w.town, code, NULL), RC_RANGE);
    assert_int_equal(assign(HERE, request, BLOCK, codes), RC_OK);
    for (size_t i = 0; i < BLOCK; i++)
        texts[i] = codes[i];
    for (int twice = 0; twice < 2; twice++) { /* the answer came twice */
        assert_int_equal(store_begin(w.town, NULL), RC_OK);
        assert_int_equal(spare_stock(w.town, request, texts, BLOCK, NULL), RC_OK);
        assert_int_equal(store_commit(w.town, NULL), RC_OK);
    }
    assert_int_equal(spare_left(w.town, &left, NULL), RC_OK);
    assert_int_equal(left, BLOCK);
    assert_int_equal(spare_request(w.town, request, NULL), RC_OK);
    assert_string_equal(request, "codes-2");
    unsigned rising = 0;
    for (int i = 0; i < BLOCK; i++) { /* each once, in no order */
        assert_int_equal(spare_draw(w.town, code, NULL), RC_OK);
        rising += strcmp(before, code) < 0;
        strcpy(before, code);
    }
    assert_in_range(rising, BLOCK / 4, 3 * BLOCK / 4);
    assert_int_equal(spare_draw(w.town, code, NULL), RC_RANGE);
    assert_int_equal(count(w.town, "SELECT count(*) FROM spare WHERE given <> 0"), BLOCK);
    const char *wrong[] = { "24727059609" };
    assert_int_equal(spare_stock(w.town, "codes-2", wrong, 1, NULL), RC_FORMAT);
}

static enum rc designate(const char *municipality, const char *code, const char *previous, char number[13])
{
    assert_int_equal(store_begin(w.nation, NULL), RC_OK);
    enum rc rc = designate_number(w.nation, &w.key, municipality, code, previous, number, NULL);
    if (!rc)
        assert_int_equal(store_commit(w.nation, NULL), RC_OK);
    store_rollback(w.nation);
    return rc;
}

static void test_designation(void **state)
{
    (void)state;
    static char codes[BLOCK][12], numbers[BLOCK][13];
    char again[13], next[13], last[13];
    assert_int_equal(assign(HERE, "codes-1", BLOCK, codes), RC_OK);
    for (size_t i = 0; i < BLOCK; i++) {
        assert_int_equal(designate(HERE, codes[i], "", numbers[i]), RC_OK);
        assert_int_equal(code_check_personal(numbers[i]), RC_OK);
        assert_null(strstr(numbers[i], codes[i])); /* the number does not show the code */
        assert_int_equal(designate(HERE, codes[i], "", again), RC_OK);
        assert_string_equal(again, numbers[i]);
    }
    qsort(numbers, BLOCK, sizeof numbers[0], compare);
    for (size_t i = 1; i < BLOCK; i++)
        assert_string_not_equal(numbers[i - 1], numbers[i]);
    assert_int_equal(designate(HERE, codes[0], "", again), RC_OK);
    assert_int_equal(designate(HERE, codes[0], again, next), RC_OK); /* changed */
    assert_string_not_equal(next, again);
    assert_int_equal(designate(HERE, codes[0], again, last), RC_OK); /* the answer was lost */
    assert_string_equal(next, last);
    assert_int_equal(designate(HERE, codes[0], "", last), RC_OK);
    assert_string_equal(next, last);
    assert_int_equal(designate(HERE, codes[0], next, last), RC_OK); /* changed twice */
    assert_string_not_equal(next, last);
    assert_string_not_equal(again, last);
    assert_int_equal(designate(HERE, codes[1], last, next), RC_CONFLICT); /* somebody else's number */
    assert_int_equal(designate(HERE, "24727059609", "", next), RC_FORMAT);
    assert_int_equal(designate(HERE, codes[1], "123456789017", next), RC_FORMAT);
    /* another key, another conversion */
    struct secret other = { 0 };
    assert_int_equal(secret_dup(&other, "another key, another conversion!", 32), RC_OK);
    assert_int_equal(store_begin(w.nation, NULL), RC_OK);
    assert_int_equal(store_exec(w.nation, "DELETE FROM number", NULL), RC_OK);
    assert_int_equal(designate_number(w.nation, &other, HERE, codes[2], "", next, NULL), RC_OK);
    assert_int_equal(store_exec(w.nation, "DELETE FROM number", NULL), RC_OK);
    assert_int_equal(designate_number(w.nation, &w.key, HERE, codes[2], "", last, NULL), RC_OK);
    assert_string_not_equal(next, last);
    /* the same conversion for another person, as if by chance: the number in use is passed over */
    char sql[160];
    snprintf(sql, sizeof sql, "UPDATE number SET code = '%s'", codes[3]);
    assert_int_equal(store_exec(w.nation, sql, NULL), RC_OK);
    assert_int_equal(designate_number(w.nation, &w.key, HERE, codes[2], "", next, NULL), RC_OK);
    assert_string_not_equal(next, last);
    store_rollback(w.nation);
    secret_wipe(&other);
}

static void stock(size_t how_many)
{
    static char codes[BLOCK][12];
    const char *texts[BLOCK];
    assert_int_equal(assign(HERE, "codes-1", BLOCK, codes), RC_OK);
    for (size_t i = 0; i < BLOCK; i++)
        texts[i] = codes[i];
    assert_int_equal(spare_stock(w.town, "codes-1", texts, how_many, NULL), RC_OK);
}

/* What the supply line does: who waits, asks, and gets. */
static void supply(void)
{
    json_t *items = NULL, *item;
    size_t i;
    assert_int_equal(wanted_items(w.town, 100, &items, NULL), RC_OK);
    json_array_foreach(items, i, item) {
        char number[13];
        const char *code = json_string_value(json_object_get(item, "code"));
        assert_int_equal(designate(HERE, code, json_string_value(json_object_get(item, "previous")), number), RC_OK);
        for (int twice = 0; twice < 2; twice++) {
            assert_int_equal(store_begin(w.town, NULL), RC_OK);
            assert_int_equal(wanted_given(w.town, HERE, code, number, NULL), RC_OK);
            assert_int_equal(store_commit(w.town, NULL), RC_OK);
        }
    }
    json_decref(items);
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

static struct act_result act(struct act_request request)
{
    struct act_result result;
    struct err err = { 0 };
    request.date = ON;
    if (act_record(w.town, HERE, &request, &result, &err))
        fail_msg("%s: %s", request.act, err.text);
    return result;
}

static struct ledger_row row_of(struct store *store, const char *code)
{
    struct ledger_row row;
    assert_int_equal(ledger_find_code(store, code, &row, NULL), RC_OK);
    return row;
}

static void letters(const char *const *want, int64_t how_many)
{
    struct buf text = { 0 };
    int64_t n;
    assert_int_equal(store_begin(w.town, NULL), RC_OK);
    assert_int_equal(posted_print(w.town, false, true, &text, &n, NULL), RC_OK);
    assert_int_equal(store_commit(w.town, NULL), RC_OK);
    assert_int_equal(n, how_many);
    for (; *want; want++)
        if (!strstr(buf_string(&text), *want))
            fail_msg("no '%s' in %s", *want, buf_string(&text));
    buf_wipe(&text);
}

/* A birth, the first number, another code, another number: town and nation, letters, events. */
static void test_life(void **state)
{
    (void)state;
    stock(3);
    struct act_result child = act((struct act_request) { .act = "birth", .name = "公的　一郎", .birth = "520261120", .sex = "1",
                                                         .address = ADDRESS, .furigana = "コウテキ　イチロウ", .request = "b-1" });
    letters((const char *[]) { "住民票コード通知票", "公的　一郎　様", ADDRESS, "鹿児島県鹿児島市長", NULL }, 1);
    letters((const char *[]) { NULL }, 0);
    assert_string_equal(row_of(w.town, child.code).resident.particulars.personal_number, "");
    supply();
    supply();
    struct ledger_row row = row_of(w.town, child.code);
    char first[13];
    strcpy(first, row.resident.particulars.personal_number);
    assert_int_equal(code_check_personal(first), RC_OK);
    assert_int_equal(row.revision, 2);
    letters((const char *[]) { "個人番号通知書", "個人番号の職権記載等", NULL }, 1);
    carry();
    assert_string_equal(row_of(w.nation, child.code).resident.particulars.personal_number, first);
    assert_string_equal(row_of(w.nation, child.code).resident.particulars.furigana, "コウテキ　イチロウ");
    struct act_result again = act((struct act_request) { .act = "birth", .name = "公的　一郎", .birth = "520261120", .sex = "1",
                                                         .address = ADDRESS, .furigana = "コウテキ　イチロウ", .request = "b-1" });
    assert_string_equal(again.code, child.code); /* the number that came meanwhile does not make it another request */

    struct act_request change = { .act = "code-change", .code = child.code, .request = "c-1" };
    struct act_result changed = act(change), twice = act(change);
    assert_string_not_equal(changed.code, child.code);
    assert_memory_equal(&changed, &twice, sizeof changed);
    letters((const char *[]) { "住民票コード変更通知票", "住民票コードの変更請求", NULL }, 1);
    carry();
    assert_string_equal(row_of(w.nation, child.code).successor, changed.code);
    row = row_of(w.nation, changed.code);
    assert_string_equal(row.resident.particulars.personal_number, first); /* the number stays */

    struct act_request number = { .act = "number-change", .code = changed.code, .why = "漏えい", .request = "n-1" };
    struct act_result asked = act(number);
    assert_int_equal(asked.notice, 0);
    (void)act(number);
    supply();
    (void)act(number); /* also when it is done */
    row = row_of(w.town, changed.code);
    assert_string_not_equal(row.resident.particulars.personal_number, first);
    assert_int_equal(row.revision, 2);
    struct ledger_past past;
    carry();
    assert_int_equal(ledger_history(w.nation, changed.code, 2, &past, NULL), RC_OK);
    assert_string_equal(past.previous_number, first);
    assert_int_equal(past.reason, REASON_NUMBER_REQUESTED);
    assert_int_equal(count(w.town, "SELECT count(*) FROM wanted WHERE why = '漏えい' AND number <> ''"), 1);
    assert_int_equal(count(w.town, "SELECT count(*) FROM history"), count(w.nation, "SELECT count(*) FROM history"));
    assert_int_equal(count(w.nation, "SELECT count(*) FROM number"), 2);
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *flaw;
        struct act_request request;
        const char *date;
        enum rc rc;
        const char *words;
    } rows[] = {
        { "no reason", { .act = "number-change" }, ON, RC_FORMAT, "why: missing" },
        { "an empty reason", { .act = "number-change", .why = "" }, ON, RC_FORMAT, "why" },
        { "a code that is chosen", { .act = "code-change", .personal_number = "123456789018" }, ON, RC_FORMAT, "does not belong" },
        { "a number that is chosen", { .act = "number-change", .why = "x", .personal_number = "123456789018" }, ON, RC_FORMAT, "does not belong" },
        { "no number yet", { .act = "number-change", .why = "x" }, ON, RC_STATE, "no 個人番号" },
        { "a number before its law", { .act = "number-change", .why = "x" }, "2015-10-04", RC_RANGE, "2015-10-05" },
        { "furigana before its law", { .act = "furigana", .furigana = "コウテキ" }, "2025-05-25", RC_RANGE, "2025-05-26" },
        { "a former name before its law", { .act = "former-name", .former_name = "民間" }, "2019-11-04", RC_RANGE, "2019-11-05" },
        { "an alias of a Japanese", { .act = "alias", .alias = "民間" }, ON, RC_FORMAT, "foreign" },
        { "the pool is empty", { .act = "code-change" }, ON, RC_RANGE, "no 住民票コード is left" },
        { "a mistyped household", { .act = "household-join", .household = "1234567890" }, ON, RC_FORMAT, "household" },
    };
    stock(1);
    struct act_result child = act((struct act_request) { .act = "birth", .name = "公的　一郎", .birth = "520261120", .sex = "1",
                                                         .address = ADDRESS, .request = "b-1" });
    int64_t before = count(w.town, "SELECT (SELECT count(*) FROM history) + 10 * (SELECT count(*) FROM wanted) + 100 * (SELECT count(*) FROM posted)");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct act_request request = rows[i].request;
        struct act_result result;
        struct err err = { 0 };
        request.code = child.code;
        request.date = rows[i].date;
        request.request = "r-1";
        enum rc rc = act_record(w.town, HERE, &request, &result, &err);
        if (rc != rows[i].rc || !strstr(err.text, rows[i].words))
            fail_msg("%s: %s %s", rows[i].flaw, rc_name(rc), err.text);
        assert_int_equal(count(w.town, "SELECT (SELECT count(*) FROM history) + 10 * (SELECT count(*) FROM wanted) + 100 * (SELECT count(*) FROM posted)"), before);
    }
}

/* Household acts stay in the municipality; names and the like are told under a word of the ordinance. */
static void test_own_words(void **state)
{
    (void)state;
    stock(2);
    struct act_result child = act((struct act_request) { .act = "birth", .name = "SMITH JOHN", .birth = "520261120", .sex = "1",
                                                         .address = ADDRESS, .foreign_resident = "1", .request = "b-1" });
    struct act_request split = { .act = "household-split", .code = child.code, .relation = RELATION_HEAD, .position = "01", .request = "h-1" };
    struct act_result kept = act(split);
    assert_int_equal(kept.notice, 0);
    char number[11];
    strcpy(number, row_of(w.town, child.code).resident.household.number);
    assert_int_equal(code_check_household(number), RC_OK);
    (void)act(split); /* again: no other household */
    assert_string_equal(row_of(w.town, child.code).resident.household.number, number);
    (void)act((struct act_request) { .act = "remake", .code = child.code, .request = "h-2" });
    assert_int_equal(count(w.town, "SELECT last FROM outbox WHERE peer = 'national'"), 1);
    struct act_result alias = act((struct act_request) { .act = "alias", .code = child.code, .alias = "木村　次郎", .request = "h-3" });
    assert_int_equal(alias.notice, 2);
    carry();
    struct ledger_past past;
    assert_int_equal(ledger_history(w.nation, child.code, 2, &past, NULL), RC_OK);
    assert_int_equal(past.reason, REASON_EX_OFFICIO);
    assert_string_equal(past.resident.particulars.alias, "木村　次郎");
    assert_string_equal(past.resident.household.number, "");
    assert_int_equal(ledger_history(w.town, child.code, 4, &past, NULL), RC_OK);
    assert_int_equal(past.reason, REASON_ALIAS);
    (void)act((struct act_request) { .act = "alias", .code = child.code, .alias = "", .request = "h-4" });
    assert_string_equal(row_of(w.town, child.code).resident.particulars.alias, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_assignment, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stock, setup, teardown),
        cmocka_unit_test_setup_teardown(test_designation, setup, teardown),
        cmocka_unit_test_setup_teardown(test_life, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
        cmocka_unit_test_setup_teardown(test_own_words, setup, teardown),
    };
    return cmocka_run_group_tests_name("registry-numbers", tests, NULL, NULL);
}

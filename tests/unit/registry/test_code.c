/* test_code.c — check digits by worked vectors, dates, reasons, certificates' names. */
#include "registry/code.h"
#include "registry/notice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *what, *digits;
    char want;
} vectors[] = {
    { "code, remainder 3", "2472705960", '8' },
    { "code, remainder 7", "2484601622", '4' },
    { "code, remainder 0", "0000000000", '0' },
    { "code, remainder 1: sum 12", "0000000040", '0' },
    { "code, remainder 2: sum 2", "0000000001", '9' },
    { "personal number, remainder 3", "12345678901", '8' },
    { "personal number, remainder 0", "45497236486", '0' },
    { "too short", "123456789", '\0' },
    { "too long", "123456789012", '\0' },
    { "a letter", "247270596O", '\0' },
    { "a sign", "-472705960", '\0' },
    { "empty", "", '\0' },
};

static void test_check_digits(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++)
        if (code_check_digit(vectors[i].digits) != vectors[i].want)
            fail_msg("%s", vectors[i].what);
}

static void test_codes(void **state)
{
    (void)state;
    assert_int_equal(code_household_digit("123456789"), '2');
    assert_int_equal(code_household_digit("000000000"), '0'); /* only remainder 0 gives 0 */
    assert_int_equal(code_household_digit("000000006"), '\0'); /* remainder 1: such a number is passed over */
    assert_int_equal(code_household_digit("12345678"), '\0');
    assert_int_equal(code_check_household("1234567892"), RC_OK);
    assert_int_equal(code_check_household("1234567890"), RC_FORMAT);
    assert_int_equal(code_check("24727059608"), RC_OK);
    assert_int_equal(code_check("24846016224"), RC_OK);
    assert_int_equal(code_check_personal("123456789018"), RC_OK);
    assert_int_equal(code_check_personal("454972364860"), RC_OK);
    assert_int_equal(code_check(NULL), RC_FORMAT);
    assert_int_equal(code_check(""), RC_FORMAT);
    assert_int_equal(code_check("2472705960"), RC_FORMAT);
    assert_int_equal(code_check("247270596080"), RC_FORMAT);
    assert_int_equal(code_check("123456789018"), RC_FORMAT);
    assert_int_equal(code_check_personal("24727059608"), RC_FORMAT);
    assert_int_equal(code_check("2472705960x"), RC_FORMAT);
    /* one wrong key: digits change one at a time. Remainders 0 and 1 share a check digit, so a few stay unseen. */
    unsigned seen = 0, all = 0;
    for (size_t at = 0; at < 11; at++)
        for (char digit = '0'; digit <= '9'; digit++) {
            char code[12] = "24846016224";
            if (code[at] == digit)
                continue;
            code[at] = digit;
            all++;
            seen += code_check(code) != RC_OK;
        }
    assert_int_equal(all, 99);
    assert_int_equal(seen, 99); /* this code's remainder is 7: every single mistake shows */
}

static void test_dates(void **state)
{
    (void)state;
    static const char *const good[] = { "2024-02-29", "2000-02-29", "2026-12-31", "1868-01-25" };
    static const char *const bad[] = { "2023-02-29", "1900-02-29", "2026-00-10", "2026-13-01", "2026-04-31", "2026-4-1",
                                       "2026-04-01x", "2026/04/01", "", "2026-04-0", "２０２６-04-01", "2026-01-32" };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        if (date_check(good[i]))
            fail_msg("%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (!date_check(bad[i]))
            fail_msg("%s", bad[i]);
}

static void test_reasons(void **state)
{
    (void)state;
    for (int i = REASON_NONE + 1; i < REASON_COUNT; i++) {
        const struct reason_row *row = reason_get((enum reason)i);
        enum reason back;
        assert_non_null(row);
        assert_int_equal(row->reason, i);
        assert_int_equal(reason_parse(row->name, &back), RC_OK);
        assert_int_equal(back, i);
    }
    enum reason reason;
    assert_int_equal(reason_parse("引越", &reason), RC_NOT_FOUND);
    assert_null(reason_get(REASON_NONE));
    assert_null(reason_get(REASON_COUNT));
}

static void test_certificate_names(void **state)
{
    (void)state;
    static const struct {
        const char *flaw, *authority, *serial;
        enum rc want;
    } rows[] = {
        { "none", "sign", "0132C4AB", RC_OK },
        { "none", "auth", "01", RC_OK },
        { "20 bytes", "auth", "7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF", RC_OK },
        { "21 bytes", "auth", "7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00", RC_FORMAT },
        { "half a byte", "sign", "132C4AB", RC_FORMAT },
        { "lower case", "sign", "0132c4ab", RC_FORMAT },
        { "leading zero byte", "sign", "000132C4", RC_FORMAT },
        { "empty", "sign", "", RC_FORMAT },
        { "not hex", "sign", "01'; --", RC_FORMAT },
        { "operations authority", "ops", "01", RC_FORMAT },
        { "no such authority", "both", "01", RC_FORMAT },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct certificate certificate;
        if (certificate_name(rows[i].authority, rows[i].serial, &certificate, NULL) != rows[i].want)
            fail_msg("%s: %s/%s", rows[i].flaw, rows[i].authority, rows[i].serial);
    }
}

static void make_notice(struct notice *notice)
{
    *notice = (struct notice) { .sequence = 7, .kind = NOTICE_CERTIFICATES_KIND, .date = "2026-11-23",
                                .recorded = 1795429800, .count = 2 };
    strcpy(notice->resident.code, "24727059608");
    strcpy(notice->resident.municipality, "462012");
    struct attributes *a = &notice->resident.attributes;
    strcpy(a->name, "試験　太郎");
    strcpy(a->birth, "319800229");
    strcpy(a->sex, "1");
    strcpy(a->address, "鹿児島県鹿児島市山下町11番1号");
    attributes_no_substitutes(a);
    notice->certificates[0] = (struct certificate) { AUTHORITY_SIGN, "0A01", 1953196200 };
    notice->certificates[1] = (struct certificate) { AUTHORITY_AUTH, "0A02", 1953196200 };
}

static void test_notice_json(void **state)
{
    (void)state;
    struct notice notice, back;
    make_notice(&notice);
    json_t *json = notice_to_json(&notice);
    assert_non_null(json);
    assert_int_equal(notice_from_json(json, "462012", &back, NULL), RC_OK);
    assert_memory_equal(&back, &notice, sizeof back);
    /* what the message says of its municipality does not count */
    assert_int_equal(notice_from_json(json, "131016", &back, NULL), RC_OK);
    assert_string_equal(back.resident.municipality, "131016");

    static const struct {
        const char *flaw, *member, *in, *value;
    } rows[] = {
        { "sequence 0", "sequence", NULL, "0" },
        { "sequence a text", "sequence", NULL, "\"7\"" },
        { "another kind", "kind", NULL, "\"gossip\"" },
        { "a day that is not", "date", NULL, "\"2026-02-30\"" },
        { "a time without zone", "recorded", NULL, "\"2026-11-23T09:30:00\"" },
        { "no resident", "resident", NULL, "null" },
        { "wrong check digit", "code", "resident", "\"24727059607\"" },
        { "no name", "name", "resident", "null" },
        { "flags too short", "name_substitutes", "resident", "\"0000\"" },
        { "birth with month 13", "birth", "resident", "\"319801301\"" },
        { "sex 4", "sex", "resident", "\"4\"" },
        { "no certificates", "certificates", NULL, "[]" },
        { "nine certificates", "certificates", NULL, "[1,2,3,4,5,6,7,8,9]" },
        { "a certificate twice", "certificates", NULL,
          "[{\"authority\":\"sign\",\"serial\":\"01\",\"not_after\":\"2030-01-01T00:00:00Z\"},"
          "{\"authority\":\"sign\",\"serial\":\"01\",\"not_after\":\"2030-01-01T00:00:00Z\"}]" },
        { "record without a reason", "kind", NULL, "\"record\"" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_t *copy = json_deep_copy(json);
        json_t *at = rows[i].in ? json_object_get(copy, rows[i].in) : copy;
        json_object_set_new(at, rows[i].member, json_loads(rows[i].value, JSON_DECODE_ANY, NULL));
        if (notice_from_json(copy, "462012", &back, NULL) != RC_FORMAT)
            fail_msg("%s", rows[i].flaw);
        json_decref(copy);
    }
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check_digits), cmocka_unit_test(test_codes),
        cmocka_unit_test(test_dates),        cmocka_unit_test(test_reasons),
        cmocka_unit_test(test_certificate_names), cmocka_unit_test(test_notice_json),
    };
    return cmocka_run_group_tests_name("registry-code", tests, NULL, NULL);
}

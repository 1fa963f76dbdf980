/* test_json.c — strict JSON: what is refused and with which words. */
#include "net/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Exact-size heap copy, so that a read past the end is seen. */
static enum rc read_exact(const char *text, size_t len, json_t **json, struct err *err)
{
    char *copy = malloc(len ? len : 1);
    memcpy(copy, text, len);
    enum rc rc = json_read(bytes_of(copy, len), json, err);
    free(copy);
    return rc;
}

static void test_read_refuses(void **state)
{
    (void)state;
    static const struct {
        const char *flaw, *text;
        size_t len;
    } rows[] = {
        { "empty", "", 0 },
        { "cut object", "{\"a\":1", 6 },
        { "duplicate member", "{\"a\":1,\"a\":2}", 13 },
        { "trailing words", "{} x", 4 },
        { "broken UTF-8", "{\"a\":\"\xFF\"}", 9 },
        { "lone surrogate", "{\"a\":\"\\uD800\"}", 14 },
        { "NUL escape", "{\"a\":\"\\u0000\"}", 14 },
        { "single quotes", "{'a':1}", 7 },
        { "comment", "{/**/}", 6 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *json = NULL;
        struct err err = { 0 };
        if (read_exact(rows[i].text, rows[i].len, &json, &err) != RC_FORMAT || json || !err.text[0])
            fail_msg("accepted: %s", rows[i].flaw);
    }
}

static void test_read_cut_everywhere(void **state)
{
    (void)state;
    const char *good = "{\"name\":\"\xE9\xB9\xBF\",\"list\":[1,true,null],\"deep\":{\"x\":-5}}";
    for (size_t len = 0; len <= strlen(good); len++) {
        json_t *json = NULL;
        enum rc rc = read_exact(good, len, &json, NULL);
        assert_int_equal(rc, len == strlen(good) ? RC_OK : RC_FORMAT);
        json_decref(json);
    }
}

static void test_want(void **state)
{
    (void)state;
    json_t *json = NULL;
    const char *text = "{\"t\":\"four\",\"i\":-7,\"b\":false,\"c\":true,\"a\":[1],\"r\":1.5,\"n\":null}";
    assert_int_equal(json_read(bytes_of(text, strlen(text)), &json, NULL), RC_OK);
    const char *value = NULL;
    int64_t number = 0;
    bool flag = true;
    json_t *array = NULL;
    struct err err = { 0 };
    assert_int_equal(json_want_text(json, "t", 4, &value, &err), RC_OK);
    assert_string_equal(value, "four");
    assert_int_equal(json_want_integer(json, "i", &number, &err), RC_OK);
    assert_int_equal(number, -7);
    assert_int_equal(json_want_bool(json, "b", &flag, &err), RC_OK);
    assert_false(flag);
    assert_int_equal(json_want_bool(json, "c", &flag, &err), RC_OK);
    assert_true(flag);
    assert_int_equal(json_want_array(json, "a", &array, &err), RC_OK);
    assert_int_equal(json_array_size(array), 1);
    assert_int_equal(json_want_text(json, "t", 3, &value, &err), RC_FORMAT);
    assert_non_null(strstr(err.text, "'t'"));
    assert_null(strstr(err.text, "four")); /* never the value */
    assert_int_equal(json_want_text(json, "none", 9, &value, NULL), RC_FORMAT);
    assert_int_equal(json_want_text(json, "i", 9, &value, NULL), RC_FORMAT);
    assert_int_equal(json_want_integer(json, "r", &number, NULL), RC_FORMAT);
    assert_int_equal(json_want_bool(json, "n", &flag, NULL), RC_FORMAT);
    assert_int_equal(json_want_array(json, "t", &array, NULL), RC_FORMAT);
    assert_int_equal(json_want_text(array, "t", 9, &value, NULL), RC_FORMAT);
    json_decref(json);
}

static void test_write_is_canonical(void **state)
{
    (void)state;
    json_t *json = NULL;
    const char *text = " { \"b\" : 1 , \"a\" : [ true ] } ";
    struct buf out = { 0 };
    assert_int_equal(json_read(bytes_of(text, strlen(text)), &json, NULL), RC_OK);
    assert_int_equal(json_write(json, &out), RC_OK);
    assert_string_equal(buf_string(&out), "{\"a\":[true],\"b\":1}");
    json_decref(json);
    buf_wipe(&out);
    json = json_error(RC_CONFLICT, "two \"such\" residents");
    assert_non_null(json);
    assert_int_equal(json_write(json, &out), RC_OK);
    assert_string_equal(buf_string(&out), "{\"error\":{\"rc\":\"RC_CONFLICT\",\"text\":\"two \\\"such\\\" residents\"}}");
    json_decref(json);
    buf_wipe(&out);
    out.max = 4;
    json = json_error(RC_BUG, "x");
    assert_int_equal(json_write(json, &out), RC_RANGE);
    assert_int_equal(out.len, 0);
    json_decref(json);
    buf_wipe(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_refuses),
        cmocka_unit_test(test_read_cut_everywhere),
        cmocka_unit_test(test_want),
        cmocka_unit_test(test_write_is_canonical),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

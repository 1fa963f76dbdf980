/* test_characters.c — what stands in a certificate for a character that it cannot hold: the table and its use. */
#include "registry/characters.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_fit(void **state)
{
    (void)state;
    static const struct {
        const char *what, *text, *fitted, *flags;
        enum rc want;
    } rows[] = {
        { "nothing to do", "公的　花子", "公的　花子", "00000", RC_OK },
        { "a ladder high", "髙橋　一郎", "高橋　一郎", "10000", RC_OK },
        { "a standing cape", "山﨑　次郎", "山崎　次郎", "01000", RC_OK },
        { "the old form of a name character", "德川　家康", "徳川　家康", "10000", RC_OK },
        { "compatibility characters", "\xEF\xA8\x99田　\xEF\xA9\x8F", "神田　祐", "1001", RC_OK },
        { "an old form that a certificate holds", "渡邊　澤", "渡邊　澤", "0000", RC_OK },
        { "kana, Latin and marks", "スミス・ジョン々 SMITH", "スミス・ジョン々 SMITH", "00000000000000", RC_OK },
        { "a variation selector", "辻\xF3\xA0\x84\x80　花", "辻　花", "100", RC_OK },
        { "outside of the basic plane, no substitute known", "𠮷田", "", "", RC_RANGE },
        { "no substitute known", "㐂子", "", "", RC_RANGE },
        { "a broken byte", "\xE9\xAB", "", "", RC_FORMAT },
        { "empty", "", "", "", RC_OK },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char fitted[200] = "", flags[60] = "";
        struct err err = { 0 };
        enum rc rc = characters_fit(rows[i].text, fitted, sizeof fitted, flags, sizeof flags, &err);
        if (rc != rows[i].want || (!rc && (strcmp(fitted, rows[i].fitted) != 0 || strcmp(flags, rows[i].flags) != 0)))
            fail_msg("%s: %s '%s' %s %s", rows[i].what, rc_name(rc), fitted, flags, err.text);
        if (rc && strstr(err.text, rows[i].text))
            fail_msg("%s: personal data in the words", rows[i].what);
    }
    char small[4], flags[3];
    assert_int_equal(characters_fit("花子", small, sizeof small, flags, sizeof flags, NULL), RC_RANGE);
}

/* The whole table: rising, from what a certificate cannot hold to what it can. */
static void test_table(void **state)
{
    (void)state;
    assert_true(characters_map_count > 100);
    for (size_t i = 0; i < characters_map_count; i++) {
        const struct characters_map *row = &characters_maps[i];
        if (i && characters_maps[i - 1].from >= row->from)
            fail_msg("U+%04X: not in order", row->from);
        bool from = false, to = false;
        for (size_t k = 0; k < characters_set_count; k++) {
            from = from || (characters_sets[k].high == row->from >> 8 && characters_sets[k].bits[(row->from & 0xFF) / 8] >> (row->from % 8) & 1);
            to = to || (characters_sets[k].high == row->to >> 8 && characters_sets[k].bits[(row->to & 0xFF) / 8] >> (row->to % 8) & 1);
        }
        if (from || !to)
            fail_msg("U+%04X to U+%04X", row->from, row->to);
    }
    size_t held = 0;
    for (size_t k = 0; k < characters_set_count; k++)
        for (size_t b = 0; b < 256; b++)
            held += characters_sets[k].bits[b / 8] >> (b % 8) & 1;
    assert_int_equal(held, 6356); /* as many as Unihan gives a place in JIS X 0208 */
}

static void test_write(void **state)
{
    (void)state;
    struct resident r = { .code = "24727059608", .municipality = "462012", .attributes = { .birth = "319800229", .sex = "2" } };
    assert_int_equal(characters_write_name(&r, "髙橋　花子", NULL), RC_OK);
    assert_int_equal(characters_write_address(&r, "鹿児島県鹿児島市山下町１１番１号", NULL), RC_OK);
    assert_string_equal(r.attributes.name, "高橋　花子");
    assert_string_equal(r.particulars.original_name, "髙橋　花子");
    assert_string_equal(r.particulars.original_address, "");
    assert_int_equal(record_check(&r, false, NULL), RC_OK);
    assert_int_equal(characters_write_name(&r, "公的　花子", NULL), RC_OK); /* another name: nothing of the old one stays */
    assert_string_equal(r.particulars.original_name, "");
    assert_string_equal(r.attributes.name_substitutes, "00000");
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_fit), cmocka_unit_test(test_table), cmocka_unit_test(test_write) };
    return cmocka_run_group_tests_name("registry-characters", tests, NULL, NULL);
}

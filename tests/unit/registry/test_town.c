/* test_town.c — the synthetic town: the same for the same seed, unique codes, valid records, real shares, the edge cases. */
#include "registry/code.h"
#include "registry/pool.h"
#include "registry/town.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct town *make(const char *municipality, int64_t residents, uint64_t seed)
{
    struct town *town = NULL;
    struct err err = { 0 };
    enum rc rc = town_new(municipality, residents, seed, &town, &err);
    if (rc)
        fail_msg("town_new: %s", err_text(&err, rc));
    return town;
}

static struct resident resident(const struct town *town, int64_t index)
{
    struct resident r;
    struct err err = { 0 };
    enum rc rc = town_resident(town, index, &r, &err);
    if (rc)
        fail_msg("resident %lld: %s", (long long)index, err_text(&err, rc));
    return r;
}

static void test_deterministic(void **state)
{
    (void)state;
    struct town *a = make("462012", 300, 1), *b = make("46201", 300, 1), *c = make("462012", 300, 2);
    unsigned same = 0;
    for (int64_t i = 0; i < 300; i++) {
        struct resident x = resident(a, i), y = resident(b, i), z = resident(c, i);
        assert_memory_equal(&x, &y, sizeof x);
        same += strcmp(x.code, z.code) == 0;
    }
    assert_int_equal(same, 0);
    struct resident r;
    assert_int_equal(town_resident(a, -1, &r, NULL), RC_RANGE);
    assert_int_equal(town_resident(a, 300, &r, NULL), RC_RANGE);
    town_free(a);
    town_free(b);
    town_free(c);
}

static void test_refusals(void **state)
{
    (void)state;
    struct town *town = NULL;
    assert_int_equal(town_new("462013", 10, 1, &town, NULL), RC_FORMAT);
    assert_int_equal(town_new("011002", 10, 1, &town, NULL), RC_NOT_FOUND);
    assert_int_equal(town_new("462012", 0, 1, &town, NULL), RC_RANGE);
    assert_int_equal(town_new("462012", 1000000, 1, &town, NULL), RC_RANGE);
    assert_int_equal(town_new("463035", 60000, 1, &town, NULL), RC_RANGE);
    assert_null(town);
}

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void test_shares(void **state)
{
    (void)state;
    enum { N = 20000 };
    struct town *town = make("462012", N, 7);
    char (*codes)[12] = malloc((size_t)N * 12), (*people)[1300] = malloc((size_t)N * 1300);
    assert_non_null(codes);
    assert_non_null(people);
    unsigned young = 0, old = 0, women = 0, sato = 0, first_digit[10] = { 0 };
    for (int64_t i = 0; i < N; i++) {
        struct resident r = resident(town, i);
        assert_int_equal(code_check(r.code), RC_OK);
        assert_string_equal(r.municipality, "462012");
        memcpy(codes[i], r.code, 12);
        first_digit[r.code[0] - '0']++;
        snprintf(people[i], 1300, "%s|%s|%s", r.attributes.name, r.attributes.birth, r.attributes.address);
        int year = atoi(r.attributes.birth + 1) / 10000;
        young += year >= 2012;
        old += year <= 1960;
        women += r.attributes.sex[0] == '2';
        sato += strncmp(r.attributes.name, "佐藤", 6) == 0;
        assert_int_equal(strncmp(r.attributes.address, "鹿児島県鹿児島市", strlen("鹿児島県鹿児島市")), 0);
    }
    qsort(codes, N, sizeof codes[0], compare);
    qsort(people, N, sizeof people[0], compare);
    for (size_t i = 1; i < N; i++) {
        assert_string_not_equal(codes[i - 1], codes[i]);
        assert_string_not_equal(people[i - 1], people[i]); /* findable by name, birth and address */
    }
    assert_in_range(young, N * 100 / 1000, N * 130 / 1000); /* 11.6 % below 15 */
    assert_in_range(old, N * 275 / 1000, N * 315 / 1000);   /* 29.4 % from 65 on */
    assert_in_range(women, N * 49 / 100, N * 54 / 100);
    assert_in_range(sato, N * 10 / 1000, N * 20 / 1000); /* 1.53 % */
    for (int d = 0; d < 10; d++)
        assert_in_range(first_digit[d], N / 10 - N / 50, N / 10 + N / 50);
    free(codes);
    free(people);
    town_free(town);
}

static long characters(const char *text)
{
    long n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xC0) != 0x80;
    return n;
}

static void test_edges(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct town *town = make(seed % 2 ? "462012" : "131016", 200, seed);
        struct resident r = resident(town, 0), twin = resident(town, 4), other = resident(town, 5);
        assert_string_equal(r.attributes.birth + 5, "0229");
        assert_int_equal(characters(resident(town, 1).attributes.address), 200);
        r = resident(town, 2);
        assert_int_equal(r.attributes.name_substitutes[0], '1');
        assert_int_equal(strncmp(r.attributes.name, "高橋", 6), 0);
        r = resident(town, 3);
        assert_in_range(r.attributes.name[0], 'A', 'Z');
        assert_string_equal(twin.attributes.birth, other.attributes.birth);
        assert_string_equal(twin.attributes.address, other.attributes.address);
        assert_string_not_equal(twin.attributes.name, other.attributes.name);
        assert_string_equal(resident(town, 6).attributes.birth + 7, "00");
        town_free(town);
    }
    for (int64_t n = 1; n <= 9; n++) { /* towns smaller than their edge cases */
        struct town *town = make("463035", n, 3);
        for (int64_t i = 0; i < n; i++)
            (void)resident(town, i);
        town_free(town);
    }
}

static void test_pool(void **state)
{
    (void)state;
    enum { N = 56000 };
    char (*codes)[12] = malloc((size_t)2 * N * 12), code[12];
    assert_non_null(codes);
    for (int64_t i = 0; i < N; i++) { /* two whole pools, next to each other */
        assert_int_equal(pool_draw("463035", 1, i, codes[i]), RC_OK);
        assert_int_equal(pool_draw("463043", 9, i, codes[N + i]), RC_OK);
    }
    qsort(codes, 2 * N, sizeof codes[0], compare);
    for (size_t i = 0; i < 2 * N; i++) {
        assert_int_equal(code_check(codes[i]), RC_OK);
        if (i)
            assert_string_not_equal(codes[i - 1], codes[i]);
    }
    free(codes);
    assert_int_equal(pool_size("462012"), 950000);
    assert_int_equal(pool_draw("463035", 1, N, code), RC_RANGE);
    assert_int_equal(pool_draw("463035", 1, -1, code), RC_RANGE);
    assert_int_equal(pool_draw("990000", 1, 0, code), RC_RANGE);
    assert_int_equal(pool_draw("4620", 1, 0, code), RC_RANGE);
    assert_int_equal(pool_draw("46201x", 1, 0, code), RC_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deterministic), cmocka_unit_test(test_refusals), cmocka_unit_test(test_shares),
        cmocka_unit_test(test_edges),         cmocka_unit_test(test_pool),
    };
    return cmocka_run_group_tests_name("registry-town", tests, NULL, NULL);
}

/* test_town.c — the synthetic town: the same for the same seed, unique codes, valid records, the shares of the sources,
 * in every municipality. */
#include "pki/municipality.h"
#include "registry/code.h"
#include "registry/pool.h"
#include "registry/town.h"
#include "registry/towndata.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct town *make_with(const char *municipality, int64_t residents, uint64_t seed, enum town_cases cases)
{
    struct town *town = NULL;
    struct err err = {0};
    enum rc rc = town_new(municipality, residents, seed, cases, &town, &err);
    if (rc)
        fail_msg("town_new: %s", err_text(&err, rc));
    return town;
}

static struct town *make(const char *municipality, int64_t residents, uint64_t seed)
{
    return make_with(municipality, residents, seed, TOWN_EDGE_CASES);
}

static struct resident resident(const struct town *town, int64_t index)
{
    struct resident r;
    struct err err = {0};
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
    assert_int_equal(town_new("462013", 10, 1, TOWN_PLAIN, &town, NULL), RC_FORMAT);
    assert_int_equal(town_new("011002", 10, 1, TOWN_PLAIN, &town, NULL), RC_NOT_FOUND);
    assert_int_equal(town_new("462012", 0, 1, TOWN_PLAIN, &town, NULL), RC_RANGE);
    assert_int_equal(town_new("462012", 1000000, 1, TOWN_PLAIN, &town, NULL), RC_RANGE);
    assert_int_equal(town_new("463035", 60000, 1, TOWN_PLAIN, &town, NULL), RC_RANGE);
    assert_int_equal(town_new("463035", 56000, 1, TOWN_WITH_PAST, &town, NULL), RC_RANGE); /* codes for the past */
    assert_int_equal(town_new("463035", TOWN_EDGES - 1, 1, TOWN_WITH_PAST, &town, NULL), RC_RANGE);
    assert_null(town);
}

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

enum { TOP = 20 };

static void count_cell(const struct resident *r, unsigned cells[2][TOWN_BANDS])
{
    long birth = atol(r->attributes.birth + 1); /* the age on 2026-03-31 */
    long age = 2026 - birth / 10000 - (birth % 10000 > 331);
    cells[r->attributes.sex[0] == '2'][age / 5 < TOWN_BANDS - 1 ? age / 5 : TOWN_BANDS - 1]++;
}

static void count_surname(const struct resident *r, unsigned names[TOP])
{
    for (size_t i = 0; i < TOP; i++) {
        const char *name = town_names + town_surnames[i].name;
        size_t len = strlen(name);
        names[i] +=
            strncmp(r->attributes.name, name, len) == 0 && strncmp(r->attributes.name + len, "\xE3\x80\x80", 3) == 0;
    }
}

/* Chi-square against the census by sex and five years of age: 37 degrees of freedom, of which 1 in 1,000 is
 * beyond 69.3. */
static void check_ages(unsigned cells[2][TOWN_BANDS], unsigned n)
{
    double all = 0, chi = 0;
    for (size_t sex = 0; sex < 2; sex++)
        for (size_t b = 0; b < TOWN_BANDS; b++)
            all += town_ages[sex][b];
    for (size_t sex = 0; sex < 2; sex++)
        for (size_t b = 0; b < TOWN_BANDS; b++) {
            double want = town_ages[sex][b] / all * n, off = cells[sex][b] - want;
            chi += off * off / want;
        }
    if (chi > 69.3)
        fail_msg("ages: chi-square %.1f", chi);
}

/* The twenty most frequent surnames among the heads of households, and everybody else: 20 degrees, 1 in 1,000
 * beyond 45.3. */
static void check_surnames(const unsigned names[TOP], unsigned heads)
{
    double chi = 0, all = town_surnames[town_surname_count - 1].until, top = town_surnames[TOP - 1].until / all * heads,
           others = heads;
    for (size_t i = 0; i < TOP; i++) {
        double want = (town_surnames[i].until - (i ? town_surnames[i - 1].until : 0)) / all * heads,
               off = names[i] - want;
        chi += off * off / want;
        others -= names[i];
    }
    chi += (others - (heads - top)) * (others - (heads - top)) / (heads - top);
    if (chi > 45.3)
        fail_msg("surnames: chi-square %.1f", chi);
}

static void test_shares(void **state)
{
    (void)state;
    enum { N = 20000 };
    struct town *town = make_with("462012", N, 7, TOWN_PLAIN);
    char(*codes)[12] = malloc((size_t)N * 12), (*people)[1300] = malloc((size_t)N * 1300);
    assert_non_null(codes);
    assert_non_null(people);
    unsigned cells[2][TOWN_BANDS] = {0}, names[TOP] = {0}, heads = 0, readings = 0, foreign = 0, first_digit[10] = {0};
    for (int64_t i = 0; i < N; i++) {
        struct resident r = resident(town, i);
        assert_int_equal(code_check(r.code), RC_OK);
        assert_string_equal(r.municipality, "462012");
        memcpy(codes[i], r.code, 12);
        first_digit[r.code[0] - '0']++;
        snprintf(people[i], 1300, "%s|%s|%s", r.attributes.name, r.attributes.birth, r.attributes.address);
        count_cell(&r, cells);
        foreign += r.household.foreign[0] == '1';
        readings += r.particulars.furigana[0] != 0;
        if (!r.household.foreign[0] && strcmp(r.household.relation, RELATION_HEAD) == 0) {
            heads++;
            count_surname(&r, names);
        }
        assert_int_equal(strncmp(r.attributes.address, "鹿児島県鹿児島市", strlen("鹿児島県鹿児島市")), 0);
    }
    qsort(codes, N, sizeof codes[0], compare);
    qsort(people, N, sizeof people[0], compare);
    for (size_t i = 1; i < N; i++) {
        assert_string_not_equal(codes[i - 1], codes[i]);
        assert_string_not_equal(people[i - 1], people[i]); /* findable by name, birth and address */
    }
    check_ages(cells, N);
    check_surnames(names, heads);
    assert_in_range(foreign, N * 20 / 1000, N * 33 / 1000);               /* 2.66 % */
    assert_in_range(readings, (N - foreign) * 98 / 100, N - foreign - 1); /* one of 200 has none yet */
    for (int d = 0; d < 10; d++)
        assert_in_range(first_digit[d], N / 10 - N / 50, N / 10 + N / 50);
    free(codes);
    free(people);
    town_free(town);
}

static void test_small(void **state)
{
    (void)state;
    for (int64_t n = 1; n <= TOWN_EDGES + 2; n++) { /* towns smaller than their edge cases */
        struct town *town = make("463035", n, 3);
        for (int64_t i = 0; i < n; i++)
            (void)resident(town, i);
        town_free(town);
    }
}

/* Each municipality makes people whose addresses are its own. */
static void test_everywhere(void **state)
{
    (void)state;
    size_t count;
    const struct municipality *rows = municipality_rows(&count);
    for (size_t i = 0; i < count; i++) {
        char begin[200];
        struct town *town = make_with(rows[i].code, 3, 11, TOWN_PLAIN);
        snprintf(begin, sizeof begin, "%s%s", rows[i].prefecture, rows[i].name);
        for (int64_t k = 0; k < 3; k++) {
            struct resident r = resident(town, k);
            const char *written =
                r.particulars.original_address[0] ? r.particulars.original_address : r.attributes.address;
            if (strncmp(written, begin, strlen(begin)) != 0 || strncmp(r.attributes.address, begin, strlen(begin)) != 0)
                fail_msg("%s: %s", rows[i].code, r.attributes.address);
        }
        town_free(town);
    }
}

static void test_pool(void **state)
{
    (void)state;
    enum { N = 56000 };
    char(*codes)[12] = malloc((size_t)2 * N * 12), code[12];
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
        cmocka_unit_test(test_deterministic), cmocka_unit_test(test_refusals),   cmocka_unit_test(test_shares),
        cmocka_unit_test(test_small),         cmocka_unit_test(test_everywhere), cmocka_unit_test(test_pool),
    };
    return cmocka_run_group_tests_name("registry-town", tests, NULL, NULL);
}

/* test_nation.c — the synthetic nation: shared out as the census has it, the same for the same seed, interrupted, torn
 * and finished, refused. */
#include "registry/intake.h"
#include "registry/nation.h"
#include "registry/pool.h"
#include "registry/town.h"
#include "registry/towndata.h"
#include "support/scratch.h"
#include "support/teststore.h"

#include "pki/municipality.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define PLACES 2000

static char folder[] = "/tmp/jpki-nation-XXXXXX";

static int setup(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    return scratch_remove(folder);
}

static int64_t total(const int64_t *sizes, size_t count)
{
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += sizes[i];
    return sum;
}

static void test_sizes(void **state)
{
    (void)state;
    int64_t sizes[PLACES], again[PLACES], other[PLACES], room = 0;
    size_t count;
    const struct municipality *rows = municipality_rows(&count);
    assert_in_range(count, 10, PLACES);
    for (size_t i = 0; i < count; i++)
        room += pool_size(rows[i].code);
    const char *late = nation_unconnected(1)->code;
    room -= pool_size(late) + ((int64_t)count - 1) * town_deeds(0, TOWN_WITH_PAST); /* codes for those with a past */
    const int64_t wanted[] = {1, (int64_t)count, 1000, 1000000, 10000000, 126000000, room};
    for (size_t k = 0; k < sizeof wanted / sizeof wanted[0]; k++) {
        assert_int_equal(nation_sizes(wanted[k], 1, sizes, NULL), RC_OK);
        assert_int_equal(total(sizes, count), wanted[k]);
        for (size_t i = 0; i < count; i++)
            assert_in_range(sizes[i], 0, strcmp(rows[i].code, late) ? pool_size(rows[i].code) : 0);
    }
    assert_int_equal(nation_sizes(1000000, 1, sizes, NULL), RC_OK);
    assert_int_equal(nation_sizes(1000000, 1, again, NULL), RC_OK);
    assert_int_equal(nation_sizes(1000000, 2, other, NULL), RC_OK);
    assert_memory_equal(sizes, again, count * sizeof sizes[0]);
    assert_memory_not_equal(sizes, other, count * sizeof sizes[0]);
    struct err err = {0};
    assert_int_equal(nation_sizes(0, 1, sizes, &err), RC_RANGE);
    assert_int_equal(nation_sizes(room + 1, 1, sizes, NULL), RC_RANGE);
}

/* Every municipality has the share of the census, to a few persons: nothing is drawn but what does not divide. */
static void test_shares(void **state)
{
    (void)state;
    enum { N = 2000000 };
    int64_t sizes[PLACES], population = 0;
    size_t count;
    const struct municipality *rows = municipality_rows(&count);
    assert_int_equal(nation_sizes(N, 1, sizes, NULL), RC_OK);
    for (size_t i = 0; i < count; i++)
        population += town_places[i].population;
    assert_in_range(population, 126000000, 126500000);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(town_places[i].code, rows[i].code);
        int64_t share = (int64_t)town_places[i].population * N / population;
        if (strcmp(rows[i].code, nation_unconnected(1)->code) &&
            (sizes[i] < share || sizes[i] > share + 5 + share / 1000))
            fail_msg("%s: %lld of a share of %lld", rows[i].code, (long long)sizes[i], (long long)share);
    }
}

/* Many a round trip on a server, where the same code is looked at. */
static int64_t residents(void)
{
    return teststore_is_postgres() ? 2000 : 5000;
}

static int64_t stop_at = INT64_MAX;

static bool told(void *context, int64_t done, int64_t all)
{
    int64_t *last = context;
    assert_true(done > *last);
    assert_int_equal(all, residents());
    *last = done;
    return done < stop_at;
}

/* What the whole store holds of its residents, in one number. */
static int64_t digest(struct store *store)
{
    uint64_t sum = 14695981039346656037u;
    struct statement *s = NULL;
    assert_int_equal(
        store_prepare(
            store,
            "SELECT code, municipality, name, birth, sex, address, furigana, alias, personal_number, removed > 0 "
            "FROM resident ORDER BY code",
            &s, NULL),
        RC_OK);
    while (statement_step(s, NULL) == RC_OK)
        for (int i = 0; i < 10; i++)
            for (const char *text = column_text(s, i); *text; text++)
                sum = (sum ^ (unsigned char)*text) * 1099511628211u;
    statement_done(s);
    return (int64_t)(sum >> 1);
}

static void test_entered(void **state)
{
    (void)state;
    char url[TESTSTORE_URL_SIZE];
    struct store *store = NULL;
    struct err err = {0};
    int64_t sizes[PLACES], n, heard, last = 0, sum[3];
    size_t count;
    const struct municipality *rows = municipality_rows(&count);
    teststore_url(folder, "nation", url);
    assert_int_equal(ledger_open(url, NODE_NATIONAL, "000000", &store, NULL), RC_OK);
    assert_int_equal(nation_sizes(residents(), 5, sizes, NULL), RC_OK);
    stop_at = 1500;
    assert_int_equal(nation_enter(store, residents(), 5, told, &last, &err),
                     RC_INTERRUPTED); /* ^C: nothing of what was begun */
    assert_int_equal(last, 1500);
    assert_int_equal(ledger_count(store, "SELECT count(*) FROM resident", &n, NULL), RC_OK);
    assert_int_equal(n, 0);
    last = 0;
    stop_at = INT64_MAX;
    enum rc rc = nation_enter(store, residents(), 5, told, &last, &err);
    if (rc)
        fail_msg("%s", err.text);
    assert_int_equal(last, residents());
    assert_int_equal(ledger_count(store, "SELECT count(*) FROM resident WHERE removed = 0", &n, NULL), RC_OK);
    assert_int_equal(n, residents());
    sum[0] = digest(store);
    assert_int_equal(ledger_count(store, "SELECT count(*) FROM resident WHERE household <> ''", &n, NULL), RC_OK);
    assert_int_equal(n, 0);              /* what nobody tells the nation */
    for (size_t i = 0; i < count; i++) { /* the same people as in the town that populate makes */
        struct town *town = NULL;
        struct ledger_row row;
        struct resident first;
        assert_int_equal(intake_position(store, rows[i].code, &heard, NULL), RC_OK);
        assert_int_equal(heard, town_deeds(sizes[i], nation_cases(sizes, i)));
        if (!sizes[i])
            continue;
        assert_int_equal(town_new(rows[i].code, sizes[i], 5, nation_cases(sizes, i), &town, NULL), RC_OK);
        assert_int_equal(town_resident(town, sizes[i] - 1, &first, NULL), RC_OK);
        assert_int_equal(ledger_find_code(store, first.code, &row, NULL), RC_OK);
        assert_true(attributes_equal(&row.resident.attributes, &first.attributes));
        assert_string_equal(row.resident.municipality, rows[i].code);
        town_free(town);
    }

    assert_int_equal(store_exec(store, "DELETE FROM history WHERE municipality = '462012'", NULL),
                     RC_OK); /* torn here */
    assert_int_equal(store_exec(store, "DELETE FROM resident WHERE municipality = '462012'", NULL), RC_OK);
    assert_int_equal(store_exec(store, "DELETE FROM intake WHERE municipality = '462012'", NULL), RC_OK);
    assert_int_not_equal(digest(store), sum[0]);
    assert_int_equal(nation_enter(store, residents(), 5, NULL, NULL, NULL), RC_OK);
    assert_int_equal(nation_enter(store, residents(), 5, NULL, NULL, NULL), RC_OK);
    assert_int_equal(digest(store), sum[0]);
    assert_int_equal(nation_enter(store, 40000, 5, NULL, NULL, &err), RC_STATE);
    assert_int_equal(digest(store), sum[0]);
    store_close(store);
    for (uint64_t seed = 5; seed <= 6 && !teststore_is_postgres(); seed++) { /* the same again, and another seed */
        teststore_url(folder, seed == 5 ? "again" : "other", url);
        assert_int_equal(ledger_open(url, NODE_NATIONAL, "000000", &store, NULL), RC_OK);
        assert_int_equal(nation_enter(store, residents(), seed, NULL, NULL, NULL), RC_OK);
        sum[seed - 4] = digest(store);
        store_close(store);
    }
    if (!teststore_is_postgres()) {
        assert_int_equal(sum[1], sum[0]);
        assert_int_not_equal(sum[2], sum[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sizes), cmocka_unit_test(test_shares),
                                       cmocka_unit_test(test_entered)};
    return cmocka_run_group_tests_name("registry-nation", tests, setup, teardown);
}

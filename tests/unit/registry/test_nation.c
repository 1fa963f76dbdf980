/* test_nation.c — the synthetic nation: shared out, the same towns as populate makes, torn and finished, refused. */
#include "registry/intake.h"
#include "registry/nation.h"
#include "registry/pool.h"
#include "registry/town.h"
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
    int64_t sizes[PLACES], again[PLACES], other[PLACES], room = 0, cities = 0;
    size_t count;
    const struct municipality *rows = municipality_rows(&count);
    assert_in_range(count, 10, PLACES);
    for (size_t i = 0; i < count; i++)
        room += pool_size(rows[i].code);
    const int64_t wanted[] = { (int64_t)count, (int64_t)count + 1, 1000, 1000000, 10000000, room };
    for (size_t k = 0; k < sizeof wanted / sizeof wanted[0]; k++) {
        assert_int_equal(nation_sizes(wanted[k], 1, sizes, NULL), RC_OK);
        assert_int_equal(total(sizes, count), wanted[k]);
        for (size_t i = 0; i < count; i++)
            assert_in_range(sizes[i], 1, pool_size(rows[i].code));
    }
    assert_int_equal(nation_sizes(1000000, 1, sizes, NULL), RC_OK);
    assert_int_equal(nation_sizes(1000000, 1, again, NULL), RC_OK);
    assert_int_equal(nation_sizes(1000000, 2, other, NULL), RC_OK);
    assert_memory_equal(sizes, again, count * sizeof sizes[0]);
    assert_memory_not_equal(sizes, other, count * sizeof sizes[0]);
    for (size_t i = 0; i < count; i++)
        if (rows[i].code[2] < '3')
            cities += sizes[i];
    assert_in_range(cities, 700000, 990000);
    struct err err = { 0 };
    assert_int_equal(nation_sizes((int64_t)count - 1, 1, sizes, &err), RC_RANGE);
    assert_int_equal(nation_sizes(room + 1, 1, sizes, NULL), RC_RANGE);
}

static void told(void *context, int64_t done, int64_t all)
{
    int64_t *last = context;
    assert_true(done > *last);
    assert_int_equal(all, 3000);
    *last = done;
}

static void test_entered(void **state)
{
    (void)state;
    char url[TESTSTORE_URL_SIZE];
    struct store *store = NULL;
    struct err err = { 0 };
    int64_t sizes[PLACES], n, heard, last = 0;
    size_t count;
    const struct municipality *rows = municipality_rows(&count);
    teststore_url(folder, "nation", url);
    assert_int_equal(ledger_open(url, NODE_NATIONAL, "000000", &store, NULL), RC_OK);
    assert_int_equal(nation_sizes(3000, 5, sizes, NULL), RC_OK);
    enum rc rc = nation_enter(store, 3000, 5, told, &last, &err);
    if (rc)
        fail_msg("%s", err.text);
    assert_int_equal(last, 3000);
    assert_int_equal(ledger_count(store, "SELECT count(*) FROM resident", &n, NULL), RC_OK);
    assert_int_equal(n, 3000);
    assert_int_equal(ledger_count(store, "SELECT count(*) FROM resident WHERE household <> ''", &n, NULL), RC_OK);
    assert_int_equal(n, 0); /* what nobody tells the nation */
    for (size_t i = 0; i < count; i++) { /* the same people as in the town that populate makes */
        struct town *town = NULL;
        struct ledger_row row;
        struct resident first;
        assert_int_equal(town_new(rows[i].code, sizes[i], 5, &town, NULL), RC_OK);
        assert_int_equal(town_resident(town, sizes[i] - 1, &first, NULL), RC_OK);
        assert_int_equal(ledger_find_code(store, first.code, &row, NULL), RC_OK);
        assert_true(attributes_equal(&row.resident.attributes, &first.attributes));
        assert_string_equal(row.resident.municipality, rows[i].code);
        town_free(town);
        assert_int_equal(intake_position(store, rows[i].code, &heard, NULL), RC_OK);
        assert_int_equal(heard, sizes[i]);
    }

    assert_int_equal(store_exec(store, "DELETE FROM history WHERE municipality = '462012'", NULL), RC_OK); /* torn here */
    assert_int_equal(store_exec(store, "DELETE FROM resident WHERE municipality = '462012'", NULL), RC_OK);
    assert_int_equal(store_exec(store, "DELETE FROM intake WHERE municipality = '462012'", NULL), RC_OK);
    assert_int_equal(nation_enter(store, 3000, 5, NULL, NULL, NULL), RC_OK);
    assert_int_equal(nation_enter(store, 3000, 5, NULL, NULL, NULL), RC_OK);
    assert_int_equal(ledger_count(store, "SELECT count(*) FROM resident", &n, NULL), RC_OK);
    assert_int_equal(n, 3000);
    assert_int_equal(nation_enter(store, 4000, 5, NULL, NULL, &err), RC_STATE);
    assert_int_equal(ledger_count(store, "SELECT count(*) FROM resident", &n, NULL), RC_OK);
    assert_int_equal(n, 3000);
    store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_sizes), cmocka_unit_test(test_entered) };
    return cmocka_run_group_tests_name("registry-nation", tests, setup, teardown);
}

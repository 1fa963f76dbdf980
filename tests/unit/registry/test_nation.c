/* test_nation.c — the synthetic nation: shared out as the census has it, the same for the same seed, interrupted, torn
 * and finished, refused. */
#include "registry/intake.h"
#include "registry/location.h"
#include "registry/nation.h"
#include "registry/pool.h"
#include "registry/town.h"
#include "registry/towndata.h"
#include "support/scratch.h"
#include "support/teststore.h"

#include "pki/municipality.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
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
    assert_int_equal(nation_enter(store, residents(), 0, 5, told, &last, &err),
                     RC_INTERRUPTED); /* ^C: nothing of what was begun */
    assert_int_equal(last, 1500);
    assert_int_equal(ledger_count(store, "SELECT count(*) FROM resident", &n, NULL), RC_OK);
    assert_int_equal(n, 0);
    last = 0;
    stop_at = INT64_MAX;
    enum rc rc = nation_enter(store, residents(), 0, 5, told, &last, &err);
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
    assert_int_equal(nation_enter(store, residents(), 0, 5, NULL, NULL, NULL), RC_OK);
    assert_int_equal(nation_enter(store, residents(), 0, 5, NULL, NULL, NULL), RC_OK);
    assert_int_equal(digest(store), sum[0]);
    assert_int_equal(nation_enter(store, 40000, 0, 5, NULL, NULL, &err), RC_STATE);
    assert_int_equal(digest(store), sum[0]);
    store_close(store);
    for (uint64_t seed = 5; seed <= 6 && !teststore_is_postgres(); seed++) { /* the same again, and another seed */
        teststore_url(folder, seed == 5 ? "again" : "other", url);
        assert_int_equal(ledger_open(url, NODE_NATIONAL, "000000", &store, NULL), RC_OK);
        assert_int_equal(nation_enter(store, residents(), 0, seed, NULL, NULL, NULL), RC_OK);
        sum[seed - 4] = digest(store);
        store_close(store);
    }
    if (!teststore_is_postgres()) {
        assert_int_equal(sum[1], sum[0]);
        assert_int_not_equal(sum[2], sum[0]);
    }
}

static int64_t count_of(struct store *store, const char *sql)
{
    int64_t n = -1;
    assert_int_equal(ledger_count(store, sql, &n, NULL), RC_OK);
    return n;
}

static bool counted(void *context, int64_t done, int64_t all)
{
    int64_t *calls = context;
    assert_in_range(done, 0, all);
    return ++*calls < stop_at;
}

static int64_t with_past(uint64_t seed)
{
    int64_t sizes[PLACES], towns = 0;
    size_t count;
    (void)municipality_rows(&count);
    assert_int_equal(nation_sizes(residents(), seed, sizes, NULL), RC_OK);
    for (size_t i = 0; i < count; i++)
        towns += nation_cases(sizes, i) == TOWN_WITH_PAST;
    return towns;
}

/* Every address is in the municipality that has the record. */
static void check_addresses(struct store *store)
{
    struct statement *s = NULL;
    char municipality[7];
    assert_int_equal(store_query(store, "SELECT address, municipality FROM resident WHERE removed = 0", NULL, &s, NULL), RC_OK);
    while (statement_step(s, NULL) == RC_OK) {
        location_of_address(column_text(s, 0), municipality);
        assert_string_equal(municipality, column_text(s, 1));
    }
    statement_done(s);
}

/* A year of the nation: as much as in the country, in villages too; who leaves arrives elsewhere; the same again when it was
 * interrupted, and refused when it is to be another. */
static void test_lived(void **state)
{
    (void)state;
    static const struct {
        const char *reason;
        enum town_event event;
        int least; /* of 100: a village has not always somebody to whom it happens */
    } rows[] = {{"出生", TOWN_BIRTH, 30}, {"死亡", TOWN_DEATH, 95}, {"国内転入", TOWN_ARRIVAL, 95},
                {"国内転出", TOWN_DEPARTURE, 95}, {"転居", TOWN_MOVE, 95}};
    enum { DAYS = 365 };
    char url[TESTSTORE_URL_SIZE], sql[200];
    struct store *store = NULL;
    struct err err = {0};
    int64_t calls = 0, living = residents(), lived[2];
    int runs = teststore_is_postgres() ? 1 : 2;
    for (int again = 0; again < runs; again++) {
        teststore_url(folder, again ? "interrupted" : "lived", url);
        assert_int_equal(ledger_open(url, NODE_NATIONAL, "000000", &store, NULL), RC_OK);
        stop_at = again ? 3 : INT64_MAX;
        calls = 0;
        enum rc rc = nation_enter(store, residents(), DAYS, 7, counted, &calls, &err);
        if (again) {
            assert_int_equal(rc, RC_INTERRUPTED);
            rc = nation_enter(store, residents(), DAYS, 7, NULL, NULL, &err);
        }
        if (rc)
            fail_msg("%s", err.text);
        assert_int_equal(nation_enter(store, residents(), DAYS, 7, NULL, NULL, &err), RC_OK); /* it is there: nothing to do */
        lived[again] = digest(store);
        if (!again)
            check_addresses(store);
        for (size_t i = 0; !again && i < sizeof rows / sizeof rows[0]; i++) {
            int64_t past = rows[i].event == TOWN_BIRTH || rows[i].event == TOWN_MOVE ? 0 : with_past(7);
            int64_t want = town_events(rows[i].event, residents(), DAYS);
            snprintf(sql, sizeof sql, "SELECT count(*) FROM history WHERE reason = '%s'", rows[i].reason);
            int64_t have = count_of(store, sql) - past;
            if (have > want || have < want * rows[i].least / 100)
                fail_msg("%s: %lld, not %lld", rows[i].reason, (long long)have, (long long)want);
            living += rows[i].event == TOWN_BIRTH || rows[i].event == TOWN_ARRIVAL ? have : rows[i].event == TOWN_MOVE ? 0 : -have;
        }
        if (!again)
            assert_int_equal(count_of(store, "SELECT count(*) FROM resident WHERE removed = 0"), living);
        assert_in_range(count_of(store, "SELECT count(DISTINCT date) FROM history"), 150, DAYS + 1);
        assert_in_range(count_of(store, "SELECT count(DISTINCT municipality) FROM history WHERE reason <> '初期登録'"), 100, PLACES);
        assert_int_equal(count_of(store, "SELECT count(*) FROM history a JOIN history d ON d.code = a.code AND d.revision = "
                                         "a.revision - 1 WHERE a.reason = '国内転入' AND (d.reason <> '国内転出' OR d.date <> "
                                         "a.date)"), 0);
        assert_int_equal(count_of(store, "SELECT sum(acknowledged) FROM intake"),
                         count_of(store, "SELECT count(*) FROM history") - 2 * with_past(7)); /* a change of code has two rows */
        assert_int_equal(nation_enter(store, residents(), DAYS - 1, 7, NULL, NULL, &err), RC_STATE);
        assert_int_equal(nation_enter(store, residents() - 1, DAYS, 7, NULL, NULL, NULL), RC_STATE);
        assert_int_equal(nation_enter(store, residents(), DAYS, 8, NULL, NULL, NULL), RC_STATE);
        store_close(store);
    }
    assert_int_equal(lived[0], lived[runs - 1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sizes), cmocka_unit_test(test_shares),
                                       cmocka_unit_test(test_entered), cmocka_unit_test(test_lived)};
    return cmocka_run_group_tests_name("registry-nation", tests, setup, teardown);
}

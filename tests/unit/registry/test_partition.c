/* test_partition.c — the national tables by municipality: a store of the schema before it is brought over whole, a
 * look-up touches one partition, a move between municipalities takes the row from one into another in one transaction,
 * and the number of partitions changes under the rows. On PostgreSQL in partitions, on SQLite the same without them. */
#include "support/scratch.h"
#include "support/teststore.h"
#include "registry/cardbook.h"
#include "registry/location.h"
#include "registry/provide.h"
#include "registry/schema.h"
#include "registry/usage.h"
#include "store/storecopy.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define HERE "462012"
#define THERE "131016"
#define CODE "24727059608"
#define OTHER_CODE "24846016224"
#define NUMBER "123456789018"
#define CARD "A000000000000001"
#define OTHER_CARD "B000000000000002"

#define USES_OF_A_DAY                                                                                                    \
    "SELECT u.time FROM usage_filed f CROSS JOIN usage u WHERE f.day = '2026-11-23' AND f.record = '" CODE "' AND u.id = f.usage " \
    "AND u.record = f.record"

static char folder[] = "/tmp/jpki-partition-XXXXXX";
static char url[TESTSTORE_URL_SIZE];
static struct store *nation;

static int setup(void **state)
{
    (void)state;
    return mkdtemp(folder) && !clock_set("2026-11-23T00:00:00Z") ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    return scratch_remove(folder);
}

static int64_t count(const char *sql)
{
    int64_t n = -1;
    struct err err = {0};
    enum rc rc = ledger_count(nation, sql, &n, &err);
    if (rc)
        fail_msg("%s: %s", sql, err_text(&err, rc));
    return n;
}

static void run(struct store *store, const char *sql)
{
    struct err err = {0};
    enum rc rc = store_exec(store, sql, &err);
    if (rc)
        fail_msg("%s: %s", sql, err_text(&err, rc));
}

static void open_nation(const char *name)
{
    struct err err = {0};
    teststore_url(folder, name, url);
    enum rc rc = ledger_open(url, NODE_NATIONAL, "000000", &nation, &err);
    if (!rc)
        rc = schema_settle(nation, &err);
    if (rc)
        fail_msg("%s: %s", name, err_text(&err, rc));
}

static struct resident person(const char *code, const char *municipality)
{
    struct resident r = {.attributes = {.name = "公的　花子", .birth = "319800229", .sex = "2"}};
    strcpy(r.code, code);
    strcpy(r.municipality, municipality);
    strcpy(r.particulars.personal_number, strcmp(code, CODE) == 0 ? NUMBER : "");
    strcpy(r.attributes.address,
           strcmp(municipality, HERE) == 0 ? "鹿児島県鹿児島市山下町１１番１号" : "東京都千代田区千代田１番");
    attributes_no_substitutes(&r.attributes);
    return r;
}

static void put(const char *code, const char *municipality, enum reason reason, enum rc want)
{
    struct resident r = person(code, municipality);
    struct ledger_change change;
    assert_int_equal(store_begin(nation, NULL), RC_OK);
    assert_int_equal(ledger_put(nation, &r, reason, "2026-11-23", 1, &change, NULL), want);
    if (!want)
        assert_int_equal(store_commit(nation, NULL), RC_OK);
    store_rollback(nation);
}

/* Which partitions of a table a plan names: their number, the last one's remainder in *which. */
static int plan(const char *select, const char *table, int *which)
{
    char sql[300], mark[40];
    bool seen[SCHEMA_PARTITIONS_MAX] = {0};
    struct statement *s = NULL;
    int partitions = 0, parts;
    assert_int_equal(store_parts(nation, table, &parts, NULL), RC_OK);
    snprintf(sql, sizeof sql, "EXPLAIN %s", select);
    snprintf(mark, sizeof mark, " on %s_%d_", table, parts);
    enum rc rc = store_query(nation, sql, NULL, &s, NULL);
    while (!rc && !(rc = statement_step(s, NULL))) {
        const char *at = strstr(column_text(s, 0), mark);
        int part = at ? atoi(at + strlen(mark)) : -1;
        if (part >= 0 && !seen[part]) {
            seen[part] = true;
            partitions++;
            *which = part;
        }
    }
    statement_done(s);
    assert_int_equal(rc, RC_NOT_FOUND);
    return partitions;
}

static void test_one_partition(void **state)
{
    (void)state;
    static const struct {
        const char *what, *table, *sql;
        int partitions;
    } rows[] = {
        {"by code and municipality: one", "resident",
         "SELECT code FROM resident WHERE code = '" CODE "' AND municipality = '" HERE "'", 1},
        {"where a code is: one", "location",
         "SELECT municipality FROM location WHERE key = '" CODE "' AND code = '" CODE "'", 1},
        {"where a number is: one", "location", "SELECT code, municipality FROM location WHERE key = '" NUMBER "'", 1},
        {"by attributes in a municipality: one", "resident",
         "SELECT code FROM resident WHERE birth = '319800229' AND name = 'x' AND municipality = '" HERE "'", 1},
        {"by attributes anywhere: all", "resident",
         "SELECT code FROM resident WHERE birth = '319800229' AND name = 'x'", SCHEMA_PARTITIONS},
        {"history of a municipality's own record: one", "history",
         "SELECT reason FROM history WHERE code = '" CODE "' AND revision = 1 AND municipality = '" HERE "'", 1},
        {"a certificate: one", "link", "SELECT code FROM link WHERE authority = 'sign' AND serial = '01'", 1},
        {"a card of a holder: one", "card", "SELECT state FROM card WHERE card = '" CARD "' AND code = '" CODE "'", 1},
        {"a holder's card that is not void: one", "card",
         "SELECT card FROM card WHERE code = '" CODE "' AND state IN ('valid', 'locked', 'lost', 'lost-locked')", 1},
        {"whose a card is: one", "location", "SELECT code, municipality FROM location WHERE key = '" CARD "'", 1},
        {"what happened to a card: one", "card_event", "SELECT event FROM card_event WHERE card = '" CARD "' ORDER BY number", 1},
        {"a municipality's cards, to compare them: all", "card",
         "SELECT card FROM card WHERE municipality = '" HERE "' AND code >= '24' AND code < '24:'", SCHEMA_PARTITIONS},
        {"where the uses of a record on a day are: one", "usage_filed",
         "SELECT usage FROM usage_filed WHERE day = '2026-11-23' AND record = '" CODE "'", 1},
        {"those uses: one", "usage", USES_OF_A_DAY, 1},
        {"their place in the index, with them: one", "usage_filed", USES_OF_A_DAY, 1},
        {"uses on a day: all", "usage", "SELECT count(*) FROM usage WHERE action = 'provide' AND day = '2026-11-23'",
         SCHEMA_PARTITIONS},
        {"a municipality's notices: one", "received",
         "SELECT body FROM received WHERE municipality = '" HERE "' AND sequence = 1", 1},
    };
    int which;
    if (!teststore_is_postgres()) {
        open_nation("plan");
        assert_int_equal(store_parts(nation, "resident", &which, NULL), RC_OK);
        assert_int_equal(which, 0); /* a file is one */
        store_close(nation);
        return;
    }
    open_nation("plan");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (plan(rows[i].sql, rows[i].table, &which) != rows[i].partitions)
            fail_msg("%s: %d partitions", rows[i].what, plan(rows[i].sql, rows[i].table, &which));
    store_close(nation);
}

static void test_moves(void **state)
{
    (void)state;
    struct ledger_row row;
    struct location at[LOCATIONS_MAX];
    size_t found;
    open_nation("moves");
    put(CODE, HERE, REASON_FIRST, RC_OK);
    put(OTHER_CODE, THERE, REASON_FIRST, RC_OK);
    put(CODE, THERE, REASON_MOVE_IN, RC_DENIED); /* still registered there: nothing moves */
    put(CODE, HERE, REASON_MOVE_OUT, RC_OK);
    assert_int_equal(ledger_find_in(nation, CODE, HERE, &row, NULL), RC_OK);

    struct resident r = person(CODE, THERE); /* half a move is none */
    struct ledger_change change;
    assert_int_equal(store_begin(nation, NULL), RC_OK);
    assert_int_equal(ledger_put(nation, &r, REASON_MOVE_IN, "2026-11-23", 1, &change, NULL), RC_OK);
    store_rollback(nation);
    assert_int_equal(ledger_find_in(nation, CODE, HERE, &row, NULL), RC_OK);
    assert_int_equal(ledger_find_in(nation, CODE, THERE, &row, NULL), RC_NOT_FOUND);

    put(CODE, THERE, REASON_MOVE_IN, RC_OK);
    assert_int_equal(ledger_find_in(nation, CODE, HERE, &row, NULL), RC_NOT_FOUND);
    assert_int_equal(ledger_find_code(nation, CODE, &row, NULL), RC_OK);
    assert_string_equal(row.resident.municipality, THERE);
    assert_int_equal(row.revision, 3);
    assert_int_equal(location_of_number(nation, NUMBER, at, &found, NULL), RC_OK);
    assert_int_equal(found, 1);
    assert_string_equal(at[0].municipality, THERE);
    assert_int_equal(count("SELECT count(*) FROM resident"), 2);
    assert_int_equal(count("SELECT count(*) FROM location"), 3);
    assert_int_equal(count("SELECT count(*) FROM history WHERE code = '" CODE "' AND municipality = '" HERE "'"),
                     2); /* stays there */

    struct provide_key key = {.number = NUMBER};
    enum provide_result result;
    enum provide_match match;
    assert_int_equal(provide_look(nation, &key, 0, &result, &row, &match, NULL), RC_OK);
    assert_int_equal(result, PROVIDE_ONE);
    assert_string_equal(row.resident.code, CODE);
    store_close(nation);
}

/* A card as the nation has it after an event. */
static enum rc put_card(const char *card, const char *code, const char *municipality, int64_t events, enum card_event event)
{
    struct card_row row = {.events = events, .state = events ? CARD_VALID : CARD_NONE};
    const struct card_deed deed = {.event = event, .date = "2026-11-23", .recorded = 1, .notice = 1};
    snprintf(row.card, sizeof row.card, "%s", card);
    snprintf(row.code, sizeof row.code, "%s", code);
    snprintf(row.municipality, sizeof row.municipality, "%s", municipality);
    snprintf(row.since, sizeof row.since, "%s", deed.date);
    assert_int_equal(store_begin(nation, NULL), RC_OK);
    enum rc rc = cardbook_apply(nation, &row, &deed, NULL);
    if (!rc)
        assert_int_equal(store_commit(nation, NULL), RC_OK);
    store_rollback(nation);
    return rc;
}

static void check_card(const char *card, const char *code, const char *municipality)
{
    struct card_row row;
    struct location at;
    assert_int_equal(cardbook_find(nation, card, &row, NULL), RC_OK);
    assert_string_equal(row.code, code);
    assert_string_equal(row.municipality, municipality);
    assert_int_equal(location_of_card(nation, card, &at, NULL), RC_OK);
    assert_string_equal(at.code, code);
    assert_string_equal(at.municipality, municipality);
}

/* A card by its number wherever it is; one that is not void a person; all of a person's under a new code, in one transaction. */
static void test_cards(void **state)
{
    (void)state;
    struct card_row row;
    open_nation("cards");
    put(CODE, HERE, REASON_FIRST, RC_OK);
    assert_int_equal(cardbook_find(nation, CARD, &row, NULL), RC_NOT_FOUND);
    assert_int_equal(put_card(CARD, CODE, HERE, 0, CARD_ISSUE), RC_OK);
    check_card(CARD, CODE, HERE);
    assert_int_equal(put_card(OTHER_CARD, CODE, HERE, 0, CARD_ISSUE), RC_CONFLICT); /* a second one */
    assert_int_equal(put_card(CARD, OTHER_CODE, THERE, 0, CARD_ISSUE), RC_CONFLICT); /* another's number */
    assert_int_equal(cardbook_find(nation, OTHER_CARD, &row, NULL), RC_NOT_FOUND);
    assert_int_equal(put_card(CARD, CODE, THERE, 1, CARD_ANNOTATE), RC_OK); /* it moves with its holder */
    check_card(CARD, CODE, THERE);
    assert_int_equal(put_card(CARD, CODE, THERE, 2, CARD_END), RC_OK);
    assert_int_equal(put_card(OTHER_CARD, CODE, THERE, 0, CARD_ISSUE), RC_OK);

    for (int done = 0; done < 2; done++) {
        assert_int_equal(store_begin(nation, NULL), RC_OK);
        assert_int_equal(cardbook_recode(nation, CODE, OTHER_CODE, NULL), RC_OK);
        if (done)
            assert_int_equal(store_commit(nation, NULL), RC_OK);
        store_rollback(nation);
        check_card(CARD, done ? OTHER_CODE : CODE, THERE);
        check_card(OTHER_CARD, done ? OTHER_CODE : CODE, THERE);
    }
    assert_int_equal(cardbook_find_alive(nation, OTHER_CODE, &row, NULL), RC_OK);
    assert_string_equal(row.card, OTHER_CARD);
    assert_int_equal(cardbook_find_alive(nation, CODE, &row, NULL), RC_NOT_FOUND);
    assert_int_equal(count("SELECT count(*) FROM card"), 2);
    assert_int_equal(count("SELECT count(*) FROM card_event WHERE card = '" CARD "'"), 3);
    assert_int_equal(count("SELECT count(*) FROM location WHERE key IN ('" CARD "', '" OTHER_CARD "')"), 2);
    store_close(nation);
}

#define SUMS                                                                                                             \
    "SELECT sum(revision) + 10 * count(*) + 1000 * sum(CASE WHEN name = '公的　花子' AND romaji = 'r' || code AND " \
    "original_address = 'o' "                                                                                            \
    "THEN 1 ELSE 0 END) FROM resident"

static void old_card(struct store *old, int i)
{
    char sql[700];
    snprintf(sql, sizeof sql,
             "INSERT INTO card (card, code, municipality, type, state, issued, expires, since, events) VALUES "
             "('C0000000000000%02d', '000000000%02d', '%06d', 'number', '%s', '2016-01-01', '2026-01-01', '2016-02-03', 2)",
             i, i, 10000 + 1000 * i, i % 2 ? "void" : "valid");
    run(old, sql);
    snprintf(sql, sizeof sql,
             "INSERT INTO card_event (card, number, event, reason, state, date, recorded, notice) VALUES "
             "('C0000000000000%02d', 2, 'annotate', '', 'valid', '2016-02-03', 7, %d)",
             i, i);
    run(old, sql);
    snprintf(sql, sizeof sql,
             "INSERT INTO card_certificate (authority, serial, card) VALUES ('sign', '%02X', 'C0000000000000%02d')", i, i);
    run(old, sql);
    snprintf(sql, sizeof sql,
             "INSERT INTO usage (time, role, municipality, name, serial, action, record, result) VALUES (%d, 'agency', '000000', "
             "'nenkin', '01', 'provide', '000000000%02d', 'one')",
             1000 + i, i);
    run(old, sql);
    snprintf(sql, sizeof sql,
             "INSERT INTO service_choice (card, service, chosen, ended) VALUES ('C0000000000000%02d', 'seal', '2016-01-01', '')",
             i);
    run(old, sql);
}

static enum rc see_use(void *context, const struct usage_row *row)
{
    int64_t *time = context;
    assert_int_equal(*time, 0);
    assert_string_equal(row->name, "nenkin");
    *time = row->time;
    return RC_OK;
}

/* Of test_migration's cards and uses: all there, found by number and by code, one that is not void a person. */
static void check_old_cards(void)
{
    struct card_row row;
    int parts;
    assert_int_equal(store_parts(nation, "card", &parts, NULL), RC_OK);
    int events;
    assert_int_equal(store_parts(nation, "card_event", &events, NULL), RC_OK);
    assert_int_equal(events, parts);
    assert_int_equal(store_parts(nation, "usage", &events, NULL), RC_OK);
    assert_int_equal(events, parts);
    assert_int_equal(count("SELECT count(*) FROM usage WHERE time = 999 + id AND name = 'nenkin'"), 40);
    assert_int_equal(store_parts(nation, "usage_filed", &events, NULL), RC_OK);
    assert_int_equal(events, parts);
    int64_t used = 0;
    assert_int_equal(usage_each(nation, "00000000017", 0, INT64_MAX, see_use, &used, NULL), RC_OK);
    assert_int_equal(used, 1017);
    assert_int_equal(count("SELECT sum(events) FROM card WHERE type = 'number' AND since = '2016-02-03'"), 80);
    assert_int_equal(count("SELECT sum(notice) FROM card_event WHERE recorded = 7 AND event = 'annotate'"), 39 * 40 / 2);
    assert_int_equal(count("SELECT count(*) FROM card_certificate x JOIN link l ON l.authority = x.authority AND l.serial = "
                           "x.serial JOIN card c ON c.card = x.card AND c.code = l.code"), 40);
    assert_int_equal(count("SELECT count(*) FROM service_choice WHERE service = 'seal' AND ended = ''"), 40);
    check_card("C000000000000017", "00000000017", "027000");
    assert_int_equal(cardbook_find_alive(nation, "00000000018", &row, NULL), RC_OK);
    assert_string_equal(row.card, "C000000000000018");
    assert_int_equal(put_card(OTHER_CARD, "00000000018", "028000", 0, CARD_ISSUE), RC_CONFLICT);
}

/* A store as it was before there were partitions, with a row of each kind. */
static void old_store(void)
{
    struct store *old = NULL;
    size_t before = 0;
    while (!strstr(registry_migrations[before], "CREATE TABLE history_next"))
        before++;
    teststore_url(folder, "old", url);
    assert_int_equal(store_open(url, registry_migrations, before, &old, NULL),
                     RC_OK);
    run(old, "INSERT INTO node (one, role, municipality) VALUES (1, 'national', '000000')");
    for (int i = 0; i < 40; i++) {
        char sql[900];
        snprintf(
            sql, sizeof sql,
            "INSERT INTO resident (code, municipality, revision, removed, name, name_substitutes, birth, sex, address, "
            "address_substitutes, personal_number, romaji, original_address) VALUES ('000000000%02d', '%06d', 1, %d, "
            "'公的　花子', '00000', "
            "'319800229', '2', 'a', '0', '%s', 'r000000000%02d', 'o')",
            i, 10000 + 1000 * i, i % 2, i % 4 ? "" : "n", i);
        run(old, sql);
        snprintf(sql, sizeof sql,
                 "INSERT INTO history (code, revision, municipality, reason, date, recorded, name, name_substitutes, "
                 "birth, sex, address, "
                 "address_substitutes, previous_code) VALUES ('000000000%02d', 1, '%06d', '出生', '2026-01-01', 5, "
                 "'n', '0', '3', '1', 'a', '0', 'p%d')",
                 i, 10000 + 1000 * i, i);
        run(old, sql);
        snprintf(sql, sizeof sql,
                 "INSERT INTO link (authority, serial, code, revision, not_after, recorded, notice, changed, removed) "
                 "VALUES "
                 "('sign', '%02X', '000000000%02d', 1, 9, 8, %d, 0, 0)",
                 i, i, i);
        run(old, sql);
        old_card(old, i);
    }
    store_close(old);
}

static void test_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *what, *address, *municipality;
    } rows[] = {
        {"a city", "鹿児島県鹿児島市山下町１１番１号", HERE},
        {"a ward of a designated city", "神奈川県横浜市中区日本大通１", "141046"},
        {"without its prefecture", "鹿児島市山下町１１番１号", ""},
        {"another prefecture's name in front", "東京都鹿児島市山下町", ""},
        {"nothing", "", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char municipality[7] = "x";
        location_of_address(rows[i].address, municipality);
        if (strcmp(municipality, rows[i].municipality) != 0)
            fail_msg("%s: '%s'", rows[i].what, municipality);
    }
    /* a record whose address is not its municipality's is found all the same, among all */
    struct ledger_row row;
    open_nation("addresses");
    put(CODE, HERE, REASON_FIRST, RC_OK);
    run(nation, "UPDATE resident SET address = '東京都千代田区千代田１番'");
    assert_int_equal(ledger_find_person(nation, "公的　花子", "319800229", "東京都千代田区千代田１番", &row, NULL),
                     RC_OK);
    struct provide_key key = {.name = "公的　花子", .birth = "319800229", .address = "東京都千代田区千代田１番"};
    enum provide_result result;
    enum provide_match match;
    assert_int_equal(provide_look(nation, &key, 0, &result, &row, &match, NULL), RC_OK);
    assert_int_equal(result, PROVIDE_ONE);
    store_close(nation);
}

static void test_migration(void **state)
{
    (void)state;
    struct err err = {0};
    old_store();
    enum rc rc = ledger_open(url, NODE_NATIONAL, "000000", &nation, &err);
    if (!rc)
        rc = schema_settle(nation, &err);
    if (rc)
        fail_msg("the old store: %s", err_text(&err, rc));
    const int counts[] = {SCHEMA_PARTITIONS, 0, 3}; /* as they are: nothing to do; whole; and again */
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        int parts;
        struct ledger_row row;
        assert_int_equal(store_begin(nation, NULL), RC_OK);
        assert_int_equal(schema_keep_partitions(nation, counts[i], &err), RC_OK);
        assert_int_equal(store_commit(nation, NULL), RC_OK);
        assert_int_equal(store_parts(nation, "history", &parts, NULL), RC_OK);
        assert_int_equal(parts, teststore_is_postgres() ? counts[i] : 0);
        assert_int_equal(count(SUMS), 40 + 10 * 40 + 1000 * 40);
        assert_int_equal(count("SELECT count(*) FROM history WHERE recorded = 5 AND reason = '出生' AND "
                               "substr(previous_code, 1, 1) = 'p'"),
                         40);
        assert_int_equal(count("SELECT sum(notice) FROM link WHERE not_after = 9 AND recorded = 8"), 39 * 40 / 2);
        assert_int_equal(count("SELECT count(*) FROM location"), 90);
        check_old_cards();
        assert_int_equal(ledger_find_code(nation, "00000000017", &row, NULL), RC_OK);
        assert_string_equal(row.resident.municipality, "027000");
        put("00000000017", "027000", REASON_FIRST,
            row.removed ? RC_OK : RC_CONFLICT); /* keys and indexes are as they were */
        run(nation, "DELETE FROM history WHERE revision > 1; UPDATE resident SET revision = 1, removed = 1, name = "
                    "'公的　花子', "
                    "romaji = 'r00000000017', original_address = 'o' WHERE code = '00000000017'");
    }
    store_close(nation);
}

/* There and back between the engines (or two files): rows and partitions. */
static void test_copy(void **state)
{
    (void)state;
    const struct storecopy copy = {
        .migrations = registry_migrations, .count = registry_migration_count, .shape = schema_shape};
    struct storecopy_report report, again;
    struct err err = {0};
    char file[64], back[TESTSTORE_URL_SIZE];
    int parts;
    snprintf(file, sizeof file, "%s/copied.db", folder);
    teststore_url(folder, "back", back);
    enum rc rc = storecopy_run(&copy, url, file, &report, &err); /* what test_migration left */
    if (!rc)
        rc = storecopy_run(&copy, file, back, &again, &err);
    if (rc)
        fail_msg("copy: %s", err_text(&err, rc));
    assert_null(storecopy_difference(&report, &again));
    assert_int_equal(ledger_open(back, NODE_NATIONAL, "000000", &nation, NULL), RC_OK);
    assert_int_equal(store_parts(nation, "resident", &parts, NULL), RC_OK);
    assert_int_equal(parts, teststore_is_postgres() ? 3 : 0);
    assert_int_equal(count("SELECT count(*) FROM resident"), 40);
    store_close(nation);
    storecopy_report_wipe(&report);
    storecopy_report_wipe(&again);
}

/* docs/OPERATIONS.md: one partition of many becomes two, and everybody is still found. */
static void test_split(void **state)
{
    (void)state;
    struct ledger_row row;
    open_nation("split");
    put(CODE, HERE, REASON_FIRST, RC_OK);
    put(OTHER_CODE, THERE, REASON_FIRST, RC_OK);
    for (int i = 0; teststore_is_postgres() && i < SCHEMA_PARTITIONS; i++) {
        char sql[700];
        snprintf(sql, sizeof sql,
                 "ALTER TABLE resident DETACH PARTITION resident_8_%d;"
                 "CREATE TABLE resident_16_%d PARTITION OF resident FOR VALUES WITH (MODULUS 16, REMAINDER %d);"
                 "CREATE TABLE resident_16_%d PARTITION OF resident FOR VALUES WITH (MODULUS 16, REMAINDER %d);"
                 "INSERT INTO resident SELECT * FROM resident_8_%d; DROP TABLE resident_8_%d",
                 i, i, i, i + 8, i + 8, i, i);
        assert_int_equal(store_begin(nation, NULL), RC_OK);
        run(nation, sql);
        assert_int_equal(store_commit(nation, NULL), RC_OK);
        assert_int_equal(ledger_find_code(nation, CODE, &row, NULL), RC_OK);
        assert_int_equal(ledger_find_code(nation, OTHER_CODE, &row, NULL), RC_OK);
    }
    assert_int_equal(schema_settle(nation, NULL), RC_OK); /* leaves it so */
    int parts;
    assert_int_equal(store_parts(nation, "resident", &parts, NULL), RC_OK);
    assert_int_equal(parts, teststore_is_postgres() ? 16 : 0);
    store_close(nation);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_partition), cmocka_unit_test(test_moves), cmocka_unit_test(test_cards),
        cmocka_unit_test(test_migration),     cmocka_unit_test(test_copy),          cmocka_unit_test(test_split), cmocka_unit_test(test_addresses),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

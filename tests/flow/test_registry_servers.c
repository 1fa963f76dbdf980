/* test_registry_servers.c — a nation over three PostgreSQL servers (registry-servers.sh): the municipalities' records lie
 * on two of them, the rest on the third; a look-up asks one of them only; a person moves from one to another; one is away and
 * comes back; and what is torn when the first one dies while another commits. */
#include "registryworld.h"
#include "teststore.h"

#include "base/clock.h"
#include "base/file.h"
#include "registry/ledger.h"
#include "registry/schema.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

/* Where registry-servers.sh puts the partitions of both municipalities, by their hash. */
#define HERE_PART "resident_8_3"
#define THERE_PART "resident_8_5"

#define RESIDENTS "SELECT count(*) FROM resident"
#define SUM                                                                                                              \
    "SELECT sum(1000 * revision + removed + length(name) + length(address) + CAST(substr(code, 1, 10) AS INTEGER) + " \
    "CAST(substr(personal_number, 1, 11) AS INTEGER)) FROM resident"
#define CARD "A000000000000001"
#define THERE_ADDRESS "東京都千代田区丸の内一丁目１番１号"

static const char tasks[] =
    "{\"tasks\":[{\"agency\":\"nenkin\",\"task\":\"77\",\"law\":\"別表第一の七十七の項\",\"title\":\"国民年金\","
    "\"fields\":[\"name\",\"birth\",\"sex\",\"address\"],\"keys\":[\"attributes\",\"number\",\"code\"],"
    "\"legacy_code\":true,\"from\":\"2002-08-05\"}]}";

struct nation {
    struct world w;
    char east[TESTSTORE_URL_SIZE], west[TESTSTORE_URL_SIZE]; /* the same tables on the other servers */
    struct resident here, there;
};

static void servers(const char *order, const char *what)
{
    char line[512];
    snprintf(line, sizeof line, "\"$JPKI_TEST_SERVERS_SH\" %s '%s'", order, what);
    int status = system(line); /* fixed words, and a URL of the test's own */
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("registry-servers.sh %s: status %d", order, status);
}

static struct store *open_at(const char *url)
{
    struct store *store = NULL;
    struct err err = {0};
    enum node_role role;
    char municipality[7];
    enum rc rc = ledger_open_any(url, &role, municipality, &store, &err);
    if (rc)
        fail_msg("%s", err_text(&err, rc));
    return store;
}

static int64_t count_at(const char *url, const char *sql)
{
    int64_t n = -1;
    struct err err = {0};
    struct store *store = open_at(url);
    enum rc rc = ledger_count(store, sql, &n, &err);
    store_close(store);
    if (rc)
        fail_msg("%s: %s", sql, err_text(&err, rc));
    return n;
}

static struct resident first_of(const char *url)
{
    struct store *store = open_at(url);
    struct ledger_row row;
    struct statement *s = NULL;
    assert_int_equal(store_row(store, "SELECT code FROM resident WHERE birth < '4' ORDER BY code LIMIT 1", NULL, &s, NULL), RC_OK);
    assert_int_equal(ledger_find_code(store, column_text(s, 0), &row, NULL), RC_OK);
    statement_done(s);
    store_close(store);
    return row.resident;
}

static void load_tasks(struct world *w)
{
    char path[128];
    snprintf(path, sizeof path, "%s/tasks.json", w->ops.folder);
    assert_int_equal(file_write_atomic(path, bytes_of(tasks, sizeof tasks - 1), 0600, NULL), RC_OK);
    const char *load[] = {"tasks", "--store", w->nodes[NATIONAL].store, path, NULL};
    assert_int_equal(run_wait(load), 0);
}

static void all_told(struct nation *n)
{
    await(&n->w, MUNICIPAL, TOLD, 0);
    await(&n->w, OTHER, TOLD, 0);
}

/* Two towns of 20, told to a nation whose partitions were sent away before. */
static void nation_new(struct nation *n)
{
    struct world *w = &n->w;
    world_new(w, "20");
    world_populate(w, OTHER, THERE, "20");
    start(w, NATIONAL, NULL);
    load_tasks(w);
    stop(&w->nodes[NATIONAL], SIGTERM);
    servers("share", w->nodes[NATIONAL].store);
    const char *path = strstr(w->nodes[NATIONAL].store, "&options=");
    assert_non_null(path);
    snprintf(n->east, sizeof n->east, "postgresql://jpki@/postgres?host=%s%s", getenv("JPKI_TEST_EAST"), path);
    snprintf(n->west, sizeof n->west, "postgresql://jpki@/postgres?host=%s%s", getenv("JPKI_TEST_WEST"), path);
    start(w, NATIONAL, NULL);
    start(w, OTHER, NULL);
    start(w, MUNICIPAL, NULL);
    all_told(n);
    n->here = first_of(w->nodes[MUNICIPAL].store);
    n->there = first_of(w->nodes[OTHER].store);
}

static enum rc provide(struct world *w, const char *key, const char *value)
{
    return post(w, NATIONAL, ID_AGENCY, "/v1/provide", json_pack("{s:s, s:{s:s}}", "task", "77", "key", key, value));
}

static enum rc provide_person(struct world *w, const struct attributes *a)
{
    return post(w, NATIONAL, ID_AGENCY, "/v1/provide",
                json_pack("{s:s, s:{s:s, s:s, s:s}}", "task", "77", "key", "name", a->name, "birth", a->birth, "address", a->address));
}

static enum rc provide_both(struct nation *n)
{
    return post(&n->w, NATIONAL, ID_AGENCY, "/v1/provide/batch",
                json_pack("{s:s, s:[{s:s}, {s:s}]}", "task", "77", "keys", "code", n->here.code, "code", n->there.code));
}

/* A record by its code, as the node finds it. */
static enum rc look(struct store *store, const char *code)
{
    struct ledger_row row;
    struct err err = {0};
    enum rc rc = ledger_find_code(store, code, &row, &err);
    if (rc && !strstr(err.text, "could not connect to server \"west\""))
        fail_msg("%s", err_text(&err, rc));
    return rc;
}

/* A 転居 in the other municipality. */
static enum rc move_there(struct nation *n, const char *request)
{
    return post(&n->w, OTHER, ID_OTHER_REGISTRAR, "/v1/residents/move",
                json_pack("{s:s, s:s, s:s, s:s}", "code", n->there.code, "address", THERE_ADDRESS, "date", "2026-01-05",
                          "request", request));
}

/* --- where rows are ---------------------------------------------------------------------------------------------- */

/* Which tables of other servers a statement asks, by its plan: how many, and whether the named one is among them. */
static int asked_elsewhere(struct nation *n, const char *sql, const char *wanted)
{
    char explain[300];
    int asked = 0;
    bool seen = false;
    struct statement *s = NULL;
    struct store *store = open_at(n->w.nodes[NATIONAL].store);
    snprintf(explain, sizeof explain, "EXPLAIN %s", sql);
    enum rc rc = store_query(store, explain, NULL, &s, NULL);
    while (!rc && !(rc = statement_step(s, NULL))) {
        const char *at = strstr(column_text(s, 0), "Foreign ");
        asked += at && strstr(at, " on ") != NULL;
        seen = seen || (at && strstr(at, wanted));
    }
    statement_done(s);
    store_close(store);
    assert_int_equal(rc, RC_NOT_FOUND);
    return seen ? asked : -1;
}

static void check_plans(struct nation *n)
{
    static const struct {
        const char *what, *sql, *wanted;
        int elsewhere;
    } rows[] = {
        {"by code and municipality: one server", "SELECT name FROM resident WHERE code = '1' AND municipality = '" HERE "'",
         HERE_PART, 1},
        {"of the other municipality: the other server",
         "SELECT name FROM resident WHERE code = '1' AND municipality = '" THERE "'", THERE_PART, 1},
        {"in a municipality by attributes: one server",
         "SELECT code FROM resident WHERE birth = '1' AND name = 'x' AND municipality = '" HERE "'", HERE_PART, 1},
        {"a municipality's notices: one server",
         "SELECT body FROM received WHERE municipality = '" HERE "' AND sequence = 1", "received_8_3", 1},
        {"by attributes anywhere: all that is elsewhere", "SELECT code FROM resident WHERE birth = '1' AND name = 'x'",
         HERE_PART, 6},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int asked = asked_elsewhere(n, rows[i].sql, rows[i].wanted);
        if (asked != rows[i].elsewhere)
            fail_msg("%s: %d", rows[i].what, asked);
    }
    assert_int_equal(asked_elsewhere(n, "SELECT municipality FROM location WHERE key = '1'", ""), -1); /* at home */
    assert_int_equal(asked_elsewhere(n, "SELECT code FROM link WHERE authority = 'sign' AND serial = '1'", ""), -1);
}

/* The store as one file, and that the file says the same: of one moment when the node is stopped. */
static void check_backup(struct nation *n)
{
    char backup[128];
    const char *store = n->w.nodes[NATIONAL].store;
    snprintf(backup, sizeof backup, "%s/backup.db", n->w.ops.folder);
    const char *take[] = {"store", "backup", "--store", store, "--to", backup, NULL};
    const char *compare[] = {"store", "check", "--store", store, "--against", backup, NULL};
    stop(&n->w.nodes[NATIONAL], SIGTERM);
    assert_int_equal(run_wait(take), 0);
    assert_int_equal(run_wait(compare), 0);
}

static void test_shared(void **state)
{
    (void)state;
    struct nation n;
    struct world *w = &n.w;
    struct confirmation confirmation;
    nation_new(&n);
    assert_int_equal(count(w, NATIONAL, RESIDENTS), 40);
    assert_int_equal(count_at(n.east, RESIDENTS " WHERE municipality = '" HERE "'"), 20);
    assert_int_equal(count_at(n.west, RESIDENTS " WHERE municipality = '" THERE "'"), 20);
    assert_int_equal(count_at(n.east, RESIDENTS) + count_at(n.west, RESIDENTS), 40); /* none twice */
    assert_int_equal(count_at(n.east, "SELECT count(*) FROM received"), 20);
    assert_int_equal(count_at(n.east, "SELECT count(*) FROM location"), 0);
    check_plans(&n);

    assert_int_equal(provide(w, "code", n.here.code), RC_OK);
    assert_int_equal(provide(w, "personal_number", n.there.particulars.personal_number), RC_OK);
    assert_int_equal(provide_both(&n), RC_OK);
    assert_int_equal(count(w, NATIONAL, "SELECT count(*) FROM usage WHERE action = 'provide' AND fields <> ''"), 4);
    assert_int_equal(post(w, MUNICIPAL, ID_CARD_OFFICER, "/v1/cards/issue", card_issue(n.here.code, CARD, "2015-12-01", "card")), RC_OK);
    assert_int_equal(link_cards(w, ID_OFFICER, &n.here), RC_OK);
    assert_int_equal(confirm(w, ID_VERIFIER, AUTHORITY_SIGN, "0A01", &confirmation), RC_OK);
    assert_int_equal(confirmation.status, CONFIRM_CURRENT);
    assert_int_equal(move_to(w, n.here.code, 7), RC_OK);
    all_told(&n);
    assert_int_equal(count(w, NATIONAL, "SELECT count(*) FROM card WHERE card = '" CARD "'"), 1);
    assert_int_equal(confirm(w, ID_VERIFIER, AUTHORITY_SIGN, "0A01", &confirmation), RC_OK);
    assert_int_equal(confirmation.status, CONFIRM_CHANGED);
    check_backup(&n);
    const char *again[] = {"store", "partition", "--store", w->nodes[NATIONAL].store, "--parts", "4", NULL};
    assert_int_equal(run_wait(again), 1);
    assert_int_equal(count(w, NATIONAL, RESIDENTS), 40);
    start(w, NATIONAL, NULL);
    assert_int_equal(provide_both(&n), RC_OK);
    world_free(w);
}

/* --- from one server to another ---------------------------------------------------------------------------------- */

static void test_moves(void **state)
{
    (void)state;
    struct nation n;
    struct world *w = &n.w;
    char today[11];
    nation_new(&n);
    day_of(clock_now(), today);
    assert_int_equal(post(w, MUNICIPAL, ID_REGISTRAR, "/v1/moves/leave",
                          json_pack("{s:s, s:s, s:s, s:s, s:s}", "code", n.here.code, "to", THERE, "address",
                                    THERE_ADDRESS, "date", today, "request", "out")), RC_OK);
    await(w, OTHER, "SELECT count(*) FROM incoming", 1);
    assert_int_equal(post(w, OTHER, ID_OTHER_REGISTRAR, "/v1/moves/arrive",
                          json_pack("{s:s, s:s, s:s, s:s}", "code", n.here.code, "address", THERE_ADDRESS, "date", today,
                                    "request", "in")), RC_OK);
    all_told(&n);
    assert_int_equal(count_at(n.east, RESIDENTS), 19);
    assert_int_equal(count_at(n.west, RESIDENTS), 21);
    assert_int_equal(count_at(n.east, "SELECT count(*) FROM history"), 21); /* the past stays where it was written */
    assert_int_equal(count_at(n.west, "SELECT count(*) FROM history"), 21);
    assert_int_equal(provide(w, "code", n.here.code), RC_OK);
    assert_int_equal(provide(w, "personal_number", n.here.particulars.personal_number), RC_OK);
    world_free(w);
}

/* --- one server is away ------------------------------------------------------------------------------------------ */

static void test_one_away(void **state)
{
    (void)state;
    struct nation n;
    struct world *w = &n.w;
    struct confirmation confirmation;
    nation_new(&n);
    struct store *store = open_at(w->nodes[NATIONAL].store);
    servers("kill", "west");
    for (int i = 0; i < 8; i++) { /* also when the plan is made anew for all parameters */
        assert_int_equal(look(store, n.here.code), RC_OK);
        assert_int_equal(look(store, n.there.code), RC_IO);
        assert_int_equal(move_to(w, n.here.code, i + 1), RC_OK);
        await(w, MUNICIPAL, TOLD, 0);
    }
    assert_int_equal(confirm(w, ID_VERIFIER, AUTHORITY_SIGN, "0A01", &confirmation), RC_OK);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(provide(w, "code", n.here.code), RC_OK);
        assert_int_equal(provide(w, "personal_number", n.here.particulars.personal_number), RC_OK);
        assert_int_equal(provide_person(w, &n.here.attributes), RC_OK);
        assert_int_equal(provide(w, "code", n.there.code), RC_IO);
        assert_int_equal(provide_person(w, &n.there.attributes), RC_IO);
    }
    assert_int_equal(provide_both(&n), RC_IO);
    assert_int_equal(move_there(&n, "away"), RC_OK); /* in the town; the nation hears of it later */
    await(w, OTHER, "SELECT count(*) FROM delivery WHERE peer = 'national'", 1);
    assert_int_equal(count(w, OTHER, TOLD), 1);
    assert_int_equal(count_at(n.east, "SELECT count(*) FROM history"), 28);

    servers("start", "west");
    all_told(&n);
    assert_int_equal(look(store, n.there.code), RC_OK);
    store_close(store);
    assert_int_equal(provide_both(&n), RC_OK);
    assert_int_equal(count_at(n.west, "SELECT count(*) FROM history"), 21);
    for (int i = 0; i < NODES; i++)
        assert_false(died(&w->nodes[i]));
    world_free(w);
}

/* --- what is torn ------------------------------------------------------------------------------------------------ */

#define HELD "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
#define REFUSED "SELECT count(*) FROM delivery WHERE peer = 'national' AND error <> '' AND replace(error, '23505', '') <> error"

/* Until so many commits wait on a server. */
static void await_held(struct store *store, int64_t want)
{
    int64_t held = -1;
    for (int i = 0; held != want && i < 400; i++, pause_ms(25))
        assert_int_equal(ledger_count(store, HELD, &held, NULL), RC_OK);
    assert_int_equal(held, want);
}

/* The store's own server dies while another one, which commits before it, has the commit in hand. */
static void tear(struct nation *n)
{
    struct store *east = open_at(n->east), *watch = open_at(n->east);
    servers("hold", n->east);
    assert_int_equal(store_begin(east, NULL), RC_OK);
    assert_int_equal(move_to(&n->w, n->here.code, 1), RC_OK);
    await_held(watch, 1);
    teststore_server("kill");
    store_rollback(east);
    await_held(watch, 0);
    teststore_server("start");
    store_close(east);
    store_close(watch);
}

static void test_torn(void **state)
{
    (void)state;
    struct nation n;
    struct world *w = &n.w;
    struct confirmation confirmation;
    nation_new(&n);
    assert_int_equal(link_cards(w, ID_OFFICER, &n.here), RC_OK);
    all_told(&n);
    tear(&n);
    await(w, MUNICIPAL, REFUSED, 1); /* told again, it is there already */
    assert_int_equal(count(w, MUNICIPAL, TOLD), 1);
    assert_int_equal(count_at(n.east, "SELECT count(*) FROM history"), 21);
    assert_int_equal(confirm(w, ID_VERIFIER, AUTHORITY_SIGN, "0A01", &confirmation), RC_OK);
    assert_int_equal(confirmation.status, CONFIRM_CURRENT); /* what the store itself has, was not done */
    assert_int_equal(move_there(&n, "others"), RC_OK);
    await(w, OTHER, TOLD, 0);

    stop(&w->nodes[NATIONAL], SIGTERM);
    servers("untear", w->nodes[NATIONAL].store);
    start(w, NATIONAL, NULL);
    all_told(&n);
    assert_int_equal(count_at(n.east, "SELECT count(*) FROM history"), 21);
    assert_int_equal(count_at(n.east, RESIDENTS " WHERE revision = 2"), 1);
    assert_int_equal(confirm(w, ID_VERIFIER, AUTHORITY_SIGN, "0A01", &confirmation), RC_OK);
    assert_int_equal(confirmation.status, CONFIRM_CHANGED);
    world_free(w);
}

/* Of a move, only the server that was left has committed: the person is nowhere. */
static void test_torn_move(void **state)
{
    (void)state;
    struct nation n;
    nation_new(&n);
    int64_t sum = count_at(n.east, SUM);
    servers("half-move", n.east);
    assert_int_equal(count_at(n.east, RESIDENTS), 19);
    servers("untear", n.w.nodes[NATIONAL].store);
    assert_int_equal(count_at(n.east, RESIDENTS), 20);
    assert_int_equal(count_at(n.east, "SELECT count(*) FROM history"), 20);
    assert_int_equal(count_at(n.east, SUM), sum);
    world_free(&n.w);
}

int main(int argc, char **argv)
{
    (void)argc;
    program = argv[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shared),
        cmocka_unit_test(test_moves),
        cmocka_unit_test(test_one_away),
        cmocka_unit_test(test_torn),
        cmocka_unit_test(test_torn_move),
    };
    return cmocka_run_group_tests_name("registry-servers", tests, NULL, NULL);
}

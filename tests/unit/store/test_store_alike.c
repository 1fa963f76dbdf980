/* test_store_alike.c — what both engines do alike: run once on a file, once on a PostgreSQL. */
#include "support/scratch.h"
#include "support/teststore.h"
#include "store/storerows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *const tables[] = {
    "CREATE TABLE counter (name TEXT PRIMARY KEY, n INTEGER NOT NULL);"
    "CREATE TABLE line (id INTEGER PRIMARY KEY, text TEXT, data BLOB, n INTEGER CHECK (n < 1000));"
    "CREATE TABLE child (line INTEGER NOT NULL REFERENCES line(id))",
};

struct world {
    char folder[64], url[TESTSTORE_URL_SIZE];
    struct store *store;
};

static struct store *open_ok(const struct world *w)
{
    struct store *store = NULL;
    struct err err = { 0 };
    enum rc rc = store_open(w->url, tables, 1, &store, &err);
    if (rc)
        fail_msg("store_open: %s", err_text(&err, rc));
    return store;
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    strcpy(w->folder, "/tmp/jpki-alike-XXXXXX");
    if (!mkdtemp(w->folder))
        return -1;
    teststore_url(w->folder, "alike", w->url);
    w->store = open_ok(w);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    store_close(w->store);
    int gone = scratch_remove(w->folder);
    free(w);
    return gone;
}

/* Runs one statement with up to one integer and one text. */
static enum rc run(struct store *store, const char *sql, int64_t n, const char *text)
{
    struct statement *s = NULL;
    enum rc rc = store_prepare(store, sql, &s, NULL);
    if (!rc && strstr(sql, "?1"))
        bind_integer(s, 1, n);
    if (!rc && strstr(sql, "?2"))
        bind_text(s, 2, text);
    if (!rc)
        rc = statement_run(s, NULL, NULL);
    statement_done(s);
    return rc;
}

static int64_t number(struct store *store, const char *sql)
{
    struct statement *s = NULL;
    struct err err = { 0 };
    enum rc rc = store_prepare(store, sql, &s, &err);
    if (!rc)
        rc = statement_step(s, &err);
    if (rc)
        fail_msg("%s: %s", sql, err_text(&err, rc));
    int64_t value = column_integer(s, 0);
    statement_done(s);
    return value;
}

static void add_lines(struct store *store, int64_t count)
{
    assert_int_equal(store_begin(store, NULL), RC_OK);
    for (int64_t i = 1; i <= count; i++)
        assert_int_equal(run(store, "INSERT INTO line (n, text) VALUES (?1, ?2)", i, "a line"), RC_OK);
    assert_int_equal(store_commit(store, NULL), RC_OK);
}

static void test_given_keys(void **state)
{
    struct world *w = *state;
    struct statement *s;
    int64_t last = 0;
    for (int i = 0; i < 3; i++) { /* outside of a transaction, with the row that it returns */
        assert_int_equal(store_prepare(w->store, "INSERT INTO line (n) VALUES (?1) RETURNING id, n", &s, NULL), RC_OK);
        bind_integer(s, 1, i);
        assert_int_equal(statement_step(s, NULL), RC_OK);
        assert_true(column_integer(s, 0) > last);
        last = column_integer(s, 0);
        assert_int_equal(column_integer(s, 1), i);
        statement_done(s);
        assert_int_equal(number(w->store, "SELECT count(*) FROM line"), i + 1);
    }
}

static void test_expressions(void **state)
{
    struct world *w = *state;
    add_lines(w->store, 300);
    static const struct {
        const char *sql;
        int64_t want;
    } rows[] = {
        { "SELECT SUM(n) FROM line", 45150 },
        { "SELECT -SUM(n * 10000) FROM line", -451500000 },
        { "SELECT COALESCE(SUM(n), 0) FROM line WHERE n > 500", 0 },
        { "SELECT SUM(CASE WHEN n > 299 THEN 1 ELSE 0 END) FROM line", 1 },
        { "SELECT 10000 * SUM(n) FROM line WHERE n < 3", 30000 },
        { "SELECT n = 7 FROM line WHERE n = 7", 1 },
        { "SELECT EXISTS(SELECT 1 FROM line WHERE n = 9999)", 0 },
        { "SELECT CAST('12' AS INTEGER)", 12 },
        { "SELECT CAST(n AS TEXT) FROM line WHERE n = 31", 31 },
        { "SELECT MAX(n) FROM line WHERE text || '!' = 'a line!'", 300 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (number(w->store, rows[i].sql) != rows[i].want)
            fail_msg("%s: %lld", rows[i].sql, (long long)number(w->store, rows[i].sql));
    struct statement *s;
    assert_int_equal(store_prepare(w->store, "SELECT n, SUM(id) FROM line WHERE n = 5 GROUP BY n", &s, NULL), RC_OK);
    assert_int_equal(statement_step(s, NULL), RC_OK);
    assert_string_equal(column_text(s, 0), "5"); /* a number as text */
    assert_non_null(column_text(s, 1));
    statement_done(s);
}

/* A parameter that was NULL first, in a column that is no text. */
static void test_null_first(void **state)
{
    struct world *w = *state;
    struct statement *s;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(store_prepare(w->store, "INSERT INTO line (n, data) VALUES (?1, ?2)", &s, NULL), RC_OK);
        if (i == 1) {
            bind_integer(s, 1, 5);
            bind_blob(s, 2, bytes_of("\0\x80\xff", 3));
        } else if (i == 2) {
            bind_text(s, 1, NULL);
        }
        assert_int_equal(statement_run(s, NULL, NULL), RC_OK);
        statement_done(s);
    }
    assert_int_equal(number(w->store, "SELECT count(*) FROM line WHERE n IS NULL AND data IS NULL"), 2);
    assert_int_equal(store_prepare(w->store, "SELECT data FROM line WHERE n = 5", &s, NULL), RC_OK);
    assert_int_equal(statement_step(s, NULL), RC_OK);
    assert_true(bytes_equal(column_blob(s, 0), bytes_of("\0\x80\xff", 3)));
    statement_done(s);
}

static void test_text_order(void **state)
{
    struct world *w = *state;
    static const char *const texts[] = { "b", "B", "a b", "ab", "A", "山", "ア", "_", "0" };
    static const char *const sorted[] = { "0", "A", "B", "_", "a b", "ab", "b", "ア", "山" };
    for (size_t i = 0; i < 9; i++)
        assert_int_equal(run(w->store, "INSERT INTO line (n, text) VALUES (?1, ?2)", 1, texts[i]), RC_OK);
    struct statement *s;
    assert_int_equal(store_prepare(w->store, "SELECT text FROM line ORDER BY text", &s, NULL), RC_OK);
    for (size_t i = 0; i < 9; i++) {
        assert_int_equal(statement_step(s, NULL), RC_OK);
        assert_string_equal(column_text(s, 0), sorted[i]);
    }
    statement_done(s);
    assert_int_equal(number(w->store, "SELECT count(*) FROM line WHERE text > 'A' AND text < 'a'"), 2);
}

/* A long read with other statements between its steps, given back before its end, and two at once. */
static void test_interleaved(void **state)
{
    struct world *w = *state;
    add_lines(w->store, 500);
    struct statement *a, *b;
    assert_int_equal(store_prepare(w->store, "SELECT n FROM line ORDER BY n", &a, NULL), RC_OK);
    for (int64_t i = 1; i <= 500; i++) {
        assert_int_equal(statement_step(a, NULL), RC_OK);
        assert_int_equal(column_integer(a, 0), i);
        if (i == 2 || i == 100)
            assert_int_equal(number(w->store, "SELECT count(*) FROM line"), 500);
        assert_int_equal(column_integer(a, 0), i); /* still this row */
    }
    assert_int_equal(statement_step(a, NULL), RC_NOT_FOUND);
    statement_done(a);

    assert_int_equal(store_begin(w->store, NULL), RC_OK);
    assert_int_equal(store_prepare(w->store, "SELECT n FROM line ORDER BY n", &a, NULL), RC_OK);
    assert_int_equal(store_prepare(w->store, "SELECT n FROM line ORDER BY n", &b, NULL), RC_OK);
    for (int64_t i = 1; i <= 20; i++) {
        assert_int_equal(statement_step(a, NULL), RC_OK);
        assert_int_equal(statement_step(b, NULL), RC_OK);
        assert_int_equal(column_integer(a, 0), i);
        assert_int_equal(column_integer(b, 0), i);
        assert_int_equal(run(w->store, "INSERT INTO counter (n, name) VALUES (?1, ?2)", i, i == 1 ? "first" : "first"),
                         i == 1 ? RC_OK : RC_EXISTS);
    }
    statement_done(a);
    statement_done(b);
    assert_int_equal(store_commit(w->store, NULL), RC_OK);
    assert_int_equal(number(w->store, "SELECT count(*) FROM counter"), 1);
}

/* Each kind of violation in a transaction: what stood before it and what comes after it is committed. */
static void test_violations_in_transaction(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *flaw, *sql;
        enum rc want;
    } rows[] = {
        { "primary key", "INSERT INTO counter (name, n) VALUES ('x', 1)", RC_EXISTS },
        { "check", "INSERT INTO line (n) VALUES (1000)", RC_CONFLICT },
        { "not null", "INSERT INTO counter (name, n) VALUES ('y', NULL)", RC_CONFLICT },
        { "no parent", "INSERT INTO child (line) VALUES (999)", RC_CONFLICT },
        { "a child is left", "DELETE FROM line WHERE id = 1", RC_CONFLICT },
        { "half of it could be done", "INSERT INTO counter (name, n) VALUES ('half', 1), ('x', 2)", RC_EXISTS },
        { "update", "UPDATE line SET n = 5000 WHERE id = 1", RC_CONFLICT },
    };
    assert_int_equal(store_begin(w->store, NULL), RC_OK);
    assert_int_equal(
        store_exec(w->store, "INSERT INTO line (id, n) VALUES (1, 1); INSERT INTO child (line) VALUES (1)", NULL),
        RC_OK);
    assert_int_equal(run(w->store, "INSERT INTO counter (n, name) VALUES (?1, ?2)", 0, "x"), RC_OK);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(run(w->store, "UPDATE counter SET n = n + ?1 WHERE name = ?2", 1, "x"), RC_OK);
        enum rc rc = i % 2 ? store_exec(w->store, rows[i].sql, NULL) : run(w->store, rows[i].sql, 0, NULL);
        if (rc != rows[i].want)
            fail_msg("%s: %s", rows[i].flaw, rc_name(rc));
    }
    assert_int_not_equal(store_exec(w->store, "INSERT INTO nowhere VALUES (1)", NULL), RC_OK);
    assert_int_equal(store_commit(w->store, NULL), RC_OK);
    assert_int_equal(number(w->store, "SELECT n FROM counter WHERE name = 'x'"), sizeof rows / sizeof rows[0]);
    assert_int_equal(number(w->store, "SELECT count(*) FROM counter"), 1);
    assert_int_equal(number(w->store, "SELECT count(*) FROM line"), 1);
}

/* Savepoints of the caller's own, around and between what fails. */
static void test_savepoints(void **state)
{
    struct world *w = *state;
    assert_int_not_equal(store_exec(w->store, "RELEASE a", NULL), RC_OK);
    assert_int_equal(store_begin(w->store, NULL), RC_OK);
    for (int64_t i = 1; i <= 4; i++) {
        assert_int_equal(store_exec(w->store, "SAVEPOINT a", NULL), RC_OK);
        assert_int_equal(run(w->store, "INSERT INTO line (n) VALUES (?1)", i, NULL), RC_OK);
        if (i == 2)
            assert_int_equal(run(w->store, "INSERT INTO line (n) VALUES (?1)", 1000, NULL), RC_CONFLICT);
        if (i == 3)
            assert_int_equal(store_exec(w->store, "ROLLBACK TO SAVEPOINT a", NULL), RC_OK);
        assert_int_equal(store_exec(w->store, "RELEASE SAVEPOINT a", NULL), RC_OK);
    }
    assert_int_equal(store_commit(w->store, NULL), RC_OK);
    assert_int_equal(number(w->store, "SELECT SUM(n) FROM line"), 1 + 2 + 4);
}

/* Processes that read a number and write the next one: in transactions, and as single statements. */
#define WRITERS 4
#define ROUNDS 40

static int counting_child(const struct world *w, bool single)
{
    struct store *store = open_ok(w);
    for (int i = 0; i < ROUNDS; i++) {
        if (single) {
            if (run(store, "UPDATE counter SET n = n + ?1 WHERE name = 'c'", 1, NULL))
                return 1;
            continue;
        }
        if (store_begin(store, NULL))
            return 1;
        int64_t n = number(store, "SELECT n FROM counter WHERE name = 'c'");
        if (run(store, "UPDATE counter SET n = ?1 WHERE name = 'c'", n + 1, NULL) || store_commit(store, NULL))
            return 1;
    }
    store_close(store);
    return 0;
}

static void test_nothing_overwritten(void **state)
{
    struct world *w = *state;
    assert_int_equal(store_exec(w->store, "INSERT INTO counter (name, n) VALUES ('c', 0)", NULL), RC_OK);
    store_close(w->store); /* not through a fork */
    pid_t pids[WRITERS];
    for (int i = 0; i < WRITERS; i++)
        if ((pids[i] = fork()) == 0)
            _exit(counting_child(w, i == 0));
    for (int i = 0; i < WRITERS; i++) {
        int status;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
    w->store = open_ok(w);
    assert_int_equal(number(w->store, "SELECT n FROM counter WHERE name = 'c'"), WRITERS * ROUNDS);
}

static void test_reader(void **state)
{
    struct world *w = *state;
    struct store *reader = NULL;
    struct err err = { 0 };
    assert_int_equal(store_open_reader(w->url, tables, 1, &reader, &err), RC_OK);
    add_lines(w->store, 3);
    assert_int_equal(number(reader, "SELECT count(*) FROM line"), 3);
    assert_int_equal(run(reader, "INSERT INTO line (n, text) VALUES (?1, ?2)", 1, "no"), RC_DENIED);
    assert_int_equal(store_exec(reader, "DELETE FROM line", NULL), RC_DENIED);
    assert_int_equal(store_begin(reader, NULL), RC_DENIED);
    assert_int_equal(number(reader, "SELECT count(*) FROM line"), 3);
    store_close(reader);
    static const char *const newer[] = { NULL, "CREATE TABLE more (x INTEGER)" };
    const char *both[] = { tables[0], newer[1] };
    assert_int_equal(store_open_reader(w->url, both, 2, &reader, NULL), RC_STATE);
    struct world other = *w;
    teststore_url(w->folder, "empty", other.url);
    assert_int_equal(store_open_reader(other.url, tables, 1, &reader, NULL), RC_NOT_FOUND);
}

static void test_large_values(void **state)
{
    struct world *w = *state;
    struct buf large = { 0 };
    for (size_t i = 0; i < 3000000; i++)
        assert_int_equal(buf_append_u8(&large, (unsigned)(i * 7 & 0xff)), RC_OK);
    struct statement *s;
    assert_int_equal(store_begin(w->store, NULL), RC_OK);
    assert_int_equal(store_prepare(w->store, "INSERT INTO line (id, data) VALUES (7, ?1)", &s, NULL), RC_OK);
    bind_blob(s, 1, buf_bytes(&large));
    assert_int_equal(statement_run(s, NULL, NULL), RC_OK);
    statement_done(s);
    assert_int_equal(store_commit(w->store, NULL), RC_OK);
    assert_int_equal(store_prepare(w->store, "SELECT data FROM line WHERE id = 7", &s, NULL), RC_OK);
    assert_int_equal(statement_step(s, NULL), RC_OK);
    assert_true(bytes_equal(column_blob(s, 0), buf_bytes(&large)));
    statement_done(s);
    buf_wipe(&large);
}

/* context: the row whose n is too large, or SIZE_MAX. */
static void bind_row(void *context, struct statement *s, int first, size_t row)
{
    char text[20];
    snprintf(text, sizeof text, "row %zu", row);
    bind_text(s, first, text);
    bind_integer(s, first + 1, row == *(const size_t *)context ? 1000 : (int64_t)row);
}

/* Any number of rows, in their order; a wrong one is an error, and the transaction is rolled back as after any. */
static void test_insert(void **state)
{
    struct world *w = *state;
    size_t wrong = SIZE_MAX;
    const struct store_rows rows = { "INSERT INTO line (text, n) VALUES ", "", 2, bind_row, &wrong };
    static const size_t counts[] = { 0, 1, 2, 127, 128, 129, 300 };
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        assert_int_equal(store_begin(w->store, NULL), RC_OK);
        assert_int_equal(store_insert(w->store, &rows, counts[i], NULL), RC_OK);
        assert_int_equal(number(w->store, "SELECT count(*) FROM line"), (int64_t)counts[i]);
        assert_int_equal(number(w->store, "SELECT count(*) FROM line a JOIN line b ON b.id = a.id + 1 WHERE b.n <> a.n + 1"), 0);
        assert_int_equal(number(w->store, "SELECT count(*) FROM line WHERE text <> 'row ' || CAST(n AS TEXT)"), 0);
        store_rollback(w->store);
    }
    wrong = 200;
    assert_int_equal(store_begin(w->store, NULL), RC_OK);
    assert_int_equal(store_insert(w->store, &rows, 300, NULL), RC_CONFLICT);
    store_rollback(w->store);
    assert_int_equal(number(w->store, "SELECT count(*) FROM line"), 0);
}

/* What stands behind the rows counts for each. */
static void test_insert_again(void **state)
{
    struct world *w = *state;
    size_t wrong = SIZE_MAX;
    const struct store_rows rows = { "INSERT INTO counter (name, n) VALUES ", " ON CONFLICT (name) DO NOTHING", 2, bind_row, &wrong };
    assert_int_equal(store_begin(w->store, NULL), RC_OK);
    assert_int_equal(store_insert(w->store, &rows, 5, NULL), RC_OK);
    assert_int_equal(store_insert(w->store, &rows, 150, NULL), RC_OK);
    assert_int_equal(store_commit(w->store, NULL), RC_OK);
    assert_int_equal(number(w->store, "SELECT count(*) FROM counter"), 150);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_given_keys, setup, teardown),
        cmocka_unit_test_setup_teardown(test_expressions, setup, teardown),
        cmocka_unit_test_setup_teardown(test_null_first, setup, teardown),
        cmocka_unit_test_setup_teardown(test_text_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_interleaved, setup, teardown),
        cmocka_unit_test_setup_teardown(test_violations_in_transaction, setup, teardown),
        cmocka_unit_test_setup_teardown(test_savepoints, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nothing_overwritten, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reader, setup, teardown),
        cmocka_unit_test_setup_teardown(test_large_values, setup, teardown),
        cmocka_unit_test_setup_teardown(test_insert, setup, teardown),
        cmocka_unit_test_setup_teardown(test_insert_again, setup, teardown),
    };
    return cmocka_run_group_tests_name("store, both engines", tests, NULL, NULL);
}

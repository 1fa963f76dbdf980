/* test_storecopy.c — whole stores into others: every direction, while somebody writes, killed half-way, and what is refused.
 * On files; beside a PostgreSQL (postgres.sh) from and to it too. */
#include "store/storecopy.h"
#include "support/scratch.h"
#include "support/teststore.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

static const char *const v2[] = {
    "CREATE TABLE counter (name TEXT PRIMARY KEY, n INTEGER NOT NULL); INSERT INTO counter (name, n) VALUES ('made', 7);"
    "CREATE TABLE line (id INTEGER PRIMARY KEY, text TEXT, data BLOB, n INTEGER, before INTEGER REFERENCES line(id));"
    "CREATE TABLE child (line INTEGER NOT NULL REFERENCES line(id), n BIGINT NOT NULL)",
    "ALTER TABLE line ADD COLUMN more TEXT NOT NULL DEFAULT 'none'; CREATE INDEX line_n ON line (n)",
};
static const struct storecopy both = { .migrations = v2, .count = 2 };

static char folder[] = "/tmp/jpki-copy-XXXXXX";

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

/* A place of an engine: a file, or a schema of the server. */
static void place(bool postgres, const char *name, char url[TESTSTORE_URL_SIZE])
{
    static int made;
    if (postgres)
        teststore_url(folder, name, url);
    else
        snprintf(url, TESTSTORE_URL_SIZE, "sqlite:%s/%s%d.db", folder, name, ++made);
}

static struct store *open_ok(const char *url, size_t version)
{
    struct store *store = NULL;
    struct err err = { 0 };
    enum rc rc = store_open(url, v2, version, &store, &err);
    if (rc)
        fail_msg("store_open: %s", err_text(&err, rc));
    return store;
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

/* Two lines and a child in one transaction, so that a copy with an odd number is of no moment. */
static enum rc write_pair(struct store *store, int64_t n)
{
    struct statement *s = NULL;
    int64_t first = 0;
    uint8_t data[5] = { 0, 1, 0xFF, (uint8_t)n, 0 };
    enum rc rc = store_begin(store, NULL);
    for (int i = 0; !rc && i < 2; i++) {
        rc = store_prepare(store, "INSERT INTO line (text, data, n, before) VALUES (?1, ?2, ?3, ?4) RETURNING id", &s, NULL);
        if (rc)
            break;
        bind_text(s, 1, n % 3 ? "鹿児島 '\"; --" : n % 2 ? "" : NULL);
        if (n % 5)
            bind_blob(s, 2, bytes_of(data, n % 4 ? sizeof data : 0));
        bind_integer(s, 3, i ? -n : n);
        if (i)
            bind_integer(s, 4, first);
        rc = statement_step(s, NULL);
        first = rc ? 0 : column_integer(s, 0);
        statement_done(s);
    }
    if (!rc)
        rc = store_prepare(store, "INSERT INTO child (line, n) VALUES (?1, ?2)", &s, NULL);
    if (!rc) {
        bind_integer(s, 1, first);
        bind_integer(s, 2, INT64_MAX - n);
        rc = statement_run(s, NULL, NULL);
        statement_done(s);
    }
    if (!rc)
        rc = store_commit(store, NULL);
    store_rollback(store);
    return rc;
}

static void fill(const char *url, int64_t pairs)
{
    struct store *store = open_ok(url, 2);
    for (int64_t i = 1; i <= pairs; i++)
        assert_int_equal(write_pair(store, i), RC_OK);
    assert_int_equal(store_exec(store, "UPDATE counter SET n = 8 WHERE name = 'made'", NULL), RC_OK);
    store_close(store);
}

static void copy_ok(const struct storecopy *copy, const char *from, const char *to)
{
    struct storecopy_report report = { 0 }, again = { 0 };
    struct err err = { 0 };
    enum rc rc = storecopy_run(copy, from, to, &report, &err);
    if (rc)
        fail_msg("copy: %s", err_text(&err, rc));
    rc = storecopy_check(copy, to, &again, &err);
    if (rc)
        fail_msg("check: %s", err_text(&err, rc));
    assert_null(storecopy_difference(&report, &again));
    assert_int_equal(report.count, 3);
    storecopy_report_wipe(&report);
    storecopy_report_wipe(&again);
}

static void test_directions(void **state)
{
    (void)state;
    int last = teststore_is_postgres() ? 4 : 1;
    for (int way = 0; way < last; way++) {
        char from[TESTSTORE_URL_SIZE], to[TESTSTORE_URL_SIZE];
        place(way & 1, "from", from);
        place(way & 2, "to", to);
        fill(from, 120);
        copy_ok(&both, from, to);
        struct store *store = open_ok(to, 2);
        assert_int_equal(number(store, "SELECT count(*) FROM line"), 240);
        assert_int_equal(number(store, "SELECT n FROM counter"), 8); /* not what the migration wrote */
        assert_int_equal(number(store, "SELECT count(*) FROM line WHERE text IS NULL"), 40);
        assert_int_equal(number(store, "SELECT count(*) FROM line WHERE data IS NULL"), 48);
        assert_int_equal(number(store, "SELECT count(*) FROM line WHERE text = ''"), 40);
        assert_int_equal(write_pair(store, 121), RC_OK); /* the numbers that the store gives go on */
        assert_int_equal(number(store, "SELECT MAX(id) FROM line"), 242);
        store_close(store);
    }
}

/* A child writes pairs until it is killed; the copy is of one moment, whole, and not older than what stood when it began. */
static void test_live_writer(void **state)
{
    (void)state;
    for (int postgres = 0; postgres <= teststore_is_postgres(); postgres++) {
        char from[TESTSTORE_URL_SIZE], to[TESTSTORE_URL_SIZE];
        place(postgres, "live", from);
        place(false, "backup", to);
        fill(from, 400);
        int told[2];
        assert_int_equal(pipe(told), 0);
        pid_t pid = fork();
        if (pid == 0) {
            struct store *store = open_ok(from, 2);
            for (int64_t i = 401;; i++)
                if (write_pair(store, i) || write(told[1], &i, sizeof i) != (ssize_t)sizeof i)
                    _exit(1);
        }
        int64_t before;
        for (int i = 0; i < 3; i++)
            assert_int_equal(read(told[0], &before, sizeof before), sizeof before);
        struct storecopy backup = both;
        backup.one_file = true;
        copy_ok(&backup, from, to);
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        close(told[0]);
        close(told[1]);
        struct stat st;
        char wal[TESTSTORE_URL_SIZE + 8];
        snprintf(wal, sizeof wal, "%s-wal", to + 7);
        assert_int_not_equal(stat(wal, &st), 0);
        assert_int_equal(stat(to + 7, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
        struct store *store = open_ok(to, 2);
        int64_t pairs = number(store, "SELECT count(*) FROM child");
        assert_true(pairs >= before);
        assert_int_equal(number(store, "SELECT count(*) FROM line"), 2 * pairs);
        assert_int_equal(number(store, "SELECT MAX(n) FROM line"), pairs);
        store_close(store);
    }
}

/* Killed at moments of no choosing: nothing but an empty store is left, and the same copy can be made again. */
static void test_killed(void **state)
{
    (void)state;
    char from[TESTSTORE_URL_SIZE], to[TESTSTORE_URL_SIZE];
    place(false, "source", from);
    place(teststore_is_postgres(), "torn", to);
    fill(from, 300);
    for (int i = 0; i < 5; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            struct storecopy_report report = { 0 };
            for (;;)
                if (storecopy_run(&both, from, to, &report, NULL))
                    _exit(1); /* it was done: there is one */
        }
        nanosleep(&(struct timespec) { 0, 2000000L + i * 3000000L }, NULL);
        kill(pid, SIGKILL);
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (WIFEXITED(status))
            break;
        struct storecopy_report report = { 0 };
        enum rc rc = storecopy_check(&both, to, &report, NULL);
        if (!rc && report.version)
            assert_int_equal(report.tables[1].rows, 600);
        storecopy_report_wipe(&report);
    }
    struct storecopy_report report = { 0 };
    enum rc rc = storecopy_run(&both, from, to, &report, NULL);
    assert_true(rc == RC_OK || rc == RC_EXISTS);
    storecopy_report_wipe(&report);
    struct store *store = open_ok(to, 2);
    assert_int_equal(number(store, "SELECT count(*) FROM line"), 600);
    store_close(store);
}

static void test_older(void **state)
{
    (void)state;
    char from[TESTSTORE_URL_SIZE], to[TESTSTORE_URL_SIZE];
    place(false, "old", from);
    place(teststore_is_postgres(), "restored", to);
    struct store *store = open_ok(from, 1);
    assert_int_equal(write_pair(store, 1), RC_OK);
    store_close(store);
    copy_ok(&both, from, to);
    store = open_ok(to, 2); /* the newer program brings it up to date */
    assert_int_equal(number(store, "SELECT count(*) FROM line WHERE more = 'none'"), 2);
    store_close(store);
}

static void test_refused(void **state)
{
    (void)state;
    char from[TESTSTORE_URL_SIZE], to[TESTSTORE_URL_SIZE], empty[TESTSTORE_URL_SIZE];
    static const char *const other[] = { "CREATE TABLE other (x INTEGER)" };
    const struct storecopy others = { .migrations = other, .count = 1 }, older = { .migrations = v2, .count = 1 };
    struct storecopy_report report = { 0 };
    struct err err = { 0 };
    place(teststore_is_postgres(), "good", from);
    place(teststore_is_postgres(), "taken", to);
    place(teststore_is_postgres(), "empty", empty);
    fill(from, 3);
    fill(to, 2);
    assert_int_equal(storecopy_run(&both, from, to, &report, &err), RC_EXISTS);
    assert_non_null(strstr(err.text, "overwritten"));
    assert_int_equal(storecopy_run(&both, from, from, &report, NULL), RC_EXISTS);
    assert_int_equal(storecopy_run(&others, from, empty, &report, NULL), RC_STATE);
    assert_int_equal(storecopy_run(&older, from, empty, &report, NULL), RC_STATE);
    assert_int_equal(storecopy_run(&both, "/nonexistent/x.db", empty, &report, NULL), RC_NOT_FOUND);
    assert_int_equal(storecopy_run(&both, from, "/nonexistent/x.db", &report, NULL), RC_NOT_FOUND);
    struct store *store = open_ok(to, 2);
    assert_int_equal(number(store, "SELECT count(*) FROM line"), 4);
    store_close(store);

    struct storecopy_report a = { 0 }, b = { 0 };
    assert_int_equal(storecopy_check(&both, from, &a, NULL), RC_OK);
    assert_int_equal(storecopy_check(&both, to, &b, NULL), RC_OK);
    assert_string_equal(storecopy_difference(&a, &b), "line");
    storecopy_report_wipe(&a);
    storecopy_report_wipe(&b);
}

/* Bytes of a file that are not as they were. */
static void test_damaged(void **state)
{
    (void)state;
    char url[TESTSTORE_URL_SIZE];
    struct storecopy_report report = { 0 };
    place(false, "damaged", url);
    fill(url, 300);
    assert_int_equal(storecopy_check(&both, url, &report, NULL), RC_OK);
    storecopy_report_wipe(&report);
    FILE *file = fopen(url + 7, "r+b");
    assert_non_null(file);
    for (long page = 2; page < 6; page++) {
        assert_int_equal(fseek(file, page * 4096 + 8, SEEK_SET), 0);
        assert_int_equal(fwrite("\x13\x57\x9b\xdf", 1, 4, file), 4);
    }
    fclose(file);
    struct err err = { 0 };
    enum rc rc = storecopy_check(&both, url, &report, &err);
    assert_true(rc == RC_CONFLICT || rc == RC_IO);
    assert_true(strlen(err.text) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_directions), cmocka_unit_test(test_live_writer), cmocka_unit_test(test_killed),
        cmocka_unit_test(test_older),      cmocka_unit_test(test_refused),     cmocka_unit_test(test_damaged),
    };
    return cmocka_run_group_tests_name("storecopy", tests, setup, teardown);
}

/* test_store.c — the store's contract: migrations, transactions, constraints, waiting writers, and processes killed in
 * the middle. Every test has a fresh store: a file, or with JPKI_TEST_STORE a schema of a PostgreSQL. */
#include "support/scratch.h"
#include "support/teststore.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static const char *const v2[] = {
    "CREATE TABLE pair (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, data BLOB, n BIGINT CHECK (n < 100))",
    "ALTER TABLE pair ADD COLUMN more TEXT; CREATE INDEX pair_more ON pair (more)",
};

struct world {
    char folder[64], path[96], url[TESTSTORE_URL_SIZE];
};

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    strcpy(w->folder, "/tmp/jpki-store-XXXXXX");
    if (!w || !mkdtemp(w->folder))
        return -1;
    snprintf(w->path, sizeof w->path, "%s/s.db", w->folder);
    teststore_url(w->folder, "s", w->url);
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    int gone = scratch_remove(w->folder);
    free(w);
    return gone;
}

static struct store *open_ok(const struct world *w)
{
    struct store *store = NULL;
    struct err err = { 0 };
    enum rc rc = store_open(w->url, v2, 2, &store, &err);
    if (rc)
        fail_msg("store_open: %s", err_text(&err, rc));
    return store;
}

static enum rc insert(struct store *store, int64_t id, const char *name, int64_t n, struct err *err)
{
    struct statement *s;
    enum rc rc = store_prepare(store, "INSERT INTO pair (id, name, n) VALUES (?1, ?2, ?3)", &s, err);
    if (rc)
        return rc;
    bind_integer(s, 1, id);
    bind_text(s, 2, name);
    bind_integer(s, 3, n);
    int64_t changes = -1;
    rc = statement_run(s, &changes, err);
    if (!rc)
        assert_int_equal(changes, 1);
    statement_done(s);
    return rc;
}

static bool has_table(struct store *store, const char *name)
{
    char sql[64];
    struct statement *s = NULL;
    snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", name);
    bool found = store_prepare(store, sql, &s, NULL) == RC_OK && statement_step(s, NULL) == RC_OK;
    statement_done(s);
    return found;
}

static int64_t number(struct store *store, const char *sql)
{
    struct statement *s;
    assert_int_equal(store_prepare(store, sql, &s, NULL), RC_OK);
    assert_int_equal(statement_step(s, NULL), RC_OK);
    int64_t value = column_integer(s, 0);
    statement_done(s);
    return value;
}

static void test_file_is_private(void **state)
{
    struct world *w = *state;
    umask(0);
    struct store *store = open_ok(w);
    assert_int_equal(insert(store, 1, "a", 1, NULL), RC_OK);
    struct stat st;
    assert_int_equal(stat(w->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    char wal[128];
    snprintf(wal, sizeof wal, "%s-wal", w->path);
    assert_int_equal(stat(wal, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    store_close(store);
}

static void test_migrations(void **state)
{
    struct world *w = *state;
    struct store *store = NULL;
    struct err err = { 0 };
    assert_int_equal(store_open(teststore_is_postgres() ? w->url : w->path, v2, 1, &store, &err),
                     RC_OK); /* the older
              program; a bare path will do */
    assert_int_equal(insert(store, 1, "old", 1, &err), RC_OK);
    store_close(store);

    store = open_ok(w);
    assert_int_equal(number(store, "SELECT count(*) FROM pair WHERE more IS NULL"), 1);
    assert_int_equal(number(store, "SELECT count(*) FROM migration"), 2);
    store_close(store);
    store = open_ok(w); /* nothing to do */
    store_close(store);

    store = NULL;
    assert_int_equal(store_open(w->url, v2, 1, &store, &err), RC_STATE);
    assert_null(store);
    assert_non_null(strstr(err.text, "newer"));
}

static void test_migration_fails_whole(void **state)
{
    struct world *w = *state;
    static const char *const bad[] = { "CREATE TABLE a (x INTEGER)", "CREATE TABLE b (x INTEGER); nonsense" };
    struct store *store = NULL;
    struct err err = { 0 };
    assert_int_not_equal(store_open(w->url, bad, 2, &store, &err), RC_OK);
    assert_null(store);
    assert_int_equal(store_open(w->url, bad, 1, &store, NULL), RC_OK);
    assert_true(has_table(store, "a"));
    assert_false(has_table(store, "b"));
    store_close(store);
}

static void test_refusals(void **state)
{
    struct world *w = *state;
    struct store *store = NULL;
    struct err err = { 0 };
    assert_int_equal(store_open("", v2, 2, &store, NULL), RC_USAGE);
    assert_int_equal(store_open("sqlite:", v2, 2, &store, NULL), RC_USAGE);
#ifdef JPKI_POSTGRES
    const enum rc no_server = RC_IO;
#else
    const enum rc no_server = RC_UNSUPPORTED;
#endif
    assert_int_equal(store_open("postgresql://nobody:secret@/x?host=/nonexistent", v2, 2, &store, &err), no_server);
    assert_null(strstr(err.text, "secret"));
    assert_int_equal(store_open("/nonexistent/folder/s.db", v2, 2, &store, NULL), RC_NOT_FOUND);

    store_close(open_ok(w));
    static const char *const other[] = { "CREATE TABLE other (x INTEGER)", "CREATE TABLE other2 (x INTEGER)" };
    err_reset(&err);
    assert_int_equal(store_open(w->url, other, 2, &store, &err), RC_STATE);
    assert_non_null(strstr(err.text, "another program"));

    char junk_path[128];
    snprintf(junk_path, sizeof junk_path, "%s/junk", w->folder);
    FILE *f = fopen(junk_path, "w");
    assert_non_null(f);
    for (int i = 0; i < 500; i++)
        fputs("not a database ", f);
    fclose(f);
    assert_int_equal(store_open(junk_path, v2, 2, &store, NULL), RC_FORMAT);
    unlink(junk_path);
    assert_null(store);
}

static void test_values(void **state)
{
    struct store *store = open_ok(*state);
    struct statement *s, *again;
    assert_int_equal(store_prepare(store, "SELECT ?1, ?2, ?3, ?4, ?5", &s, NULL), RC_OK);
    bind_integer(s, 1, INT64_MIN);
    bind_text(s, 2, "鹿児島'; DROP TABLE pair; --");
    bind_blob(s, 3, bytes_of("a\0b", 3));
    bind_text(s, 4, NULL);
    bind_blob(s, 5, bytes_of(NULL, 0));
    assert_int_equal(statement_step(s, NULL), RC_OK);
    assert_true(column_integer(s, 0) == INT64_MIN);
    assert_string_equal(column_text(s, 1), "鹿児島'; DROP TABLE pair; --");
    assert_true(bytes_equal(column_blob(s, 2), bytes_of("a\0b", 3)));
    assert_null(column_text(s, 3));
    assert_true(column_is_null(s, 3));
    assert_false(column_is_null(s, 4));
    assert_int_equal(column_blob(s, 4).len, 0);
    /* the same text while the first is lent: another one */
    assert_int_equal(store_prepare(store, "SELECT ?1, ?2, ?3, ?4, ?5", &again, NULL), RC_OK);
    assert_ptr_not_equal(s, again);
    statement_done(again);
    assert_int_equal(statement_step(s, NULL), RC_NOT_FOUND);
    statement_done(s);
    struct statement *third; /* given back: used again, and without the old values */
    assert_int_equal(store_prepare(store, "SELECT ?1, ?2, ?3, ?4, ?5", &third, NULL), RC_OK);
    assert_true(third == s || third == again);
    assert_int_equal(statement_step(third, NULL), RC_OK);
    assert_true(column_is_null(third, 1));
    statement_done(third);
    statement_done(NULL);
    store_close(store);
}

static void test_constraints(void **state)
{
    struct store *store = open_ok(*state);
    assert_int_equal(insert(store, 1, "a", 1, NULL), RC_OK);
    static const struct {
        const char *flaw;
        int64_t id;
        const char *name;
        int64_t n;
        enum rc want;
    } rows[] = {
        { "primary key twice", 1, "b", 1, RC_EXISTS },
        { "unique twice", 2, "a", 1, RC_EXISTS },
        { "NOT NULL", 2, NULL, 1, RC_CONFLICT },
        { "CHECK", 2, "b", 100, RC_CONFLICT },
        { "none", 2, "b", 99, RC_OK },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct err err = { 0 };
        enum rc rc = insert(store, rows[i].id, rows[i].name, rows[i].n, &err);
        if (rc != rows[i].want)
            fail_msg("%s: %s", rows[i].flaw, rc_name(rc));
    }
    struct statement *s;
    assert_int_equal(store_prepare(store, "SELECT 1 WHERE ?1 = 1", &s, NULL), RC_OK);
    bind_integer(s, 2, 1); /* no such parameter */
    assert_int_equal(statement_step(s, NULL), RC_BUG);
    statement_done(s);
    assert_int_equal(store_prepare(store, "SELECT 1", &s, NULL), RC_OK);
    assert_int_equal(statement_run(s, NULL, NULL), RC_BUG);
    statement_done(s);
    struct err err = { 0 };
    s = NULL;
    enum rc rc = store_prepare(store, "SELECT 1 FROM", &s, &err); /* PostgreSQL looks at it when it is run */
    if (!rc)
        rc = statement_step(s, &err);
    statement_done(s);
    assert_int_not_equal(rc, RC_OK);
    assert_int_not_equal(store_prepare(store, "", &s, NULL), RC_OK);
    assert_int_not_equal(store_exec(store, "INSERT INTO nowhere VALUES (1)", NULL), RC_OK);
    store_close(store);
}

static void test_transactions(void **state)
{
    struct store *store = open_ok(*state);
    store_rollback(store); /* nothing open: silent */
    assert_int_not_equal(store_commit(store, NULL), RC_OK);
    assert_int_equal(store_begin(store, NULL), RC_OK);
    assert_int_not_equal(store_begin(store, NULL), RC_OK); /* no nesting */
    assert_int_equal(insert(store, 1, "a", 1, NULL), RC_OK);
    store_rollback(store);
    assert_int_equal(number(store, "SELECT count(*) FROM pair"), 0);
    assert_int_equal(store_begin(store, NULL), RC_OK);
    assert_int_equal(insert(store, 1, "a", 1, NULL), RC_OK);
    assert_int_equal(insert(store, 2, "a", 1, NULL), RC_EXISTS); /* leaves the transaction usable */
    assert_int_equal(store_commit(store, NULL), RC_OK);
    assert_int_equal(number(store, "SELECT count(*) FROM pair"), 1);
    store_close(store);
}

struct waiter {
    const struct world *world;
    enum rc rc;
};

static void *waiter_run(void *context)
{
    struct waiter *waiter = context;
    struct store *store = NULL;
    waiter->rc = store_open(waiter->world->url, v2, 2, &store, NULL);
    if (!waiter->rc)
        waiter->rc = store_begin(store, NULL);
    if (!waiter->rc)
        waiter->rc = insert(store, 2, "second", 2, NULL);
    if (!waiter->rc)
        waiter->rc = store_commit(store, NULL);
    store_close(store);
    return NULL;
}

static void test_writer_waits(void **state)
{
    struct world *w = *state;
    struct store *store = open_ok(w);
    assert_int_equal(store_begin(store, NULL), RC_OK);
    assert_int_equal(insert(store, 1, "first", 1, NULL), RC_OK);
    struct waiter waiter = { w, RC_BUG };
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, waiter_run, &waiter), 0);
    nanosleep(&(struct timespec) { 0, 200000000 }, NULL);
    struct store *reader = open_ok(w); /* readers do not wait, and see the last commit */
    assert_int_equal(number(reader, "SELECT count(*) FROM pair"), 0);
    assert_int_equal(store_commit(store, NULL), RC_OK);
    pthread_join(thread, NULL);
    assert_int_equal(waiter.rc, RC_OK);
    assert_int_equal(number(reader, "SELECT count(*) FROM pair"), 2);
    store_close(reader);
    store_close(store);
}

/* Opens and closes the store once for each byte that comes, and answers how many rows it saw. */
static void visitor_run(const struct world *w, int in, int out)
{
    char go;
    while (read(in, &go, 1) == 1) {
        struct store *store = NULL;
        int64_t seen = store_open(w->url, v2, 2, &store, NULL) ? -1 : number(store, "SELECT count(*) FROM pair");
        store_close(store);
        if (write(out, &seen, sizeof seen) != (ssize_t)sizeof seen)
            break;
    }
    _exit(0);
}

/* Two handles in one process, and another process that comes and goes: it may not think itself the last and take the
 * WAL away under a handle that is open. It is forked first: SQLite must not be carried through a fork. */
static void test_visitors(void **state)
{
    struct world *w = *state;
    int go[2], seen[2];
    assert_int_equal(pipe(go), 0);
    assert_int_equal(pipe(seen), 0);
    pid_t pid = fork();
    if (pid == 0) {
        close(go[1]);
        visitor_run(w, go[0], seen[1]);
    }
    close(go[0]);
    struct store *first = open_ok(w), *second = open_ok(w);
    for (int64_t i = 1; i <= 4; i++) {
        int64_t rows = -1;
        assert_int_equal(write(go[1], "", 1), 1);
        assert_int_equal(read(seen[0], &rows, sizeof rows), sizeof rows);
        assert_int_equal(rows, i - 1);
        char name[2] = { (char)('a' + i), 0 };
        assert_int_equal(insert(i % 2 ? first : second, i, name, i, NULL), RC_OK);
        assert_int_equal(number(i % 2 ? second : first, "SELECT count(*) FROM pair"), i);
    }
    close(go[1]);
    close(seen[0]);
    close(seen[1]);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    store_close(second);
    store_close(first);
    first = open_ok(w);
    assert_int_equal(number(first, "SELECT count(*) FROM pair"), 4);
    store_close(first);
}

/* Several processes open a store that is not there yet. */
static void test_opened_together(void **state)
{
    struct world *w = *state;
    pid_t pids[6];
    for (int i = 0; i < 6; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            struct store *store = NULL;
            char name[2] = { (char)('a' + i), 0 };
            if (store_open(w->url, v2, 2, &store, NULL) || insert(store, i, name, i, NULL))
                _exit(1);
            store_close(store);
            _exit(0);
        }
    }
    for (int i = 0; i < 6; i++) {
        int status;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_int_equal(status, 0);
    }
    struct store *store = open_ok(w);
    assert_int_equal(number(store, "SELECT count(*) FROM pair"), 6);
    assert_int_equal(number(store, "SELECT count(*) FROM migration"), 2);
    store_close(store);
}

/* A child writes pairs, two rows a transaction, and tells each commit through a pipe; it is killed at moments of no
 * choosing. What was told must be there, and no half pair ever. */
static void killed_child(const struct world *w, int64_t from, int out)
{
    struct store *store = NULL;
    if (store_open(w->url, v2, 2, &store, NULL))
        _exit(1);
    for (int64_t i = from;; i++) {
        char a[24], b[24];
        snprintf(a, sizeof a, "a%lld", (long long)i);
        snprintf(b, sizeof b, "b%lld", (long long)i);
        if (store_begin(store, NULL) || insert(store, 2 * i, a, 1, NULL) || insert(store, 2 * i + 1, b, 2, NULL) ||
            store_commit(store, NULL) || write(out, &i, sizeof i) != (ssize_t)sizeof i)
            _exit(1);
    }
}

static void test_killed(void **state)
{
    struct world *w = *state;
    store_close(open_ok(w));
    int64_t next = 1, told = 0;
    bool any = false;
    for (int round = 0; round < 12; round++) {
        int fds[2];
        assert_int_equal(pipe(fds), 0);
        pid_t pid = fork();
        if (pid == 0) {
            close(fds[0]);
            killed_child(w, next, fds[1]);
        }
        close(fds[1]);
        nanosleep(&(struct timespec) { 0, 15000000L + round * 4700000L }, NULL);
        kill(pid, SIGKILL);
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        int64_t value;
        while (read(fds[0], &value, sizeof value) == (ssize_t)sizeof value) {
            told = value;
            any = true;
        }
        close(fds[0]);

        struct store *store = open_ok(w);
        int64_t rows = number(store, "SELECT count(*) FROM pair");
        int64_t last = number(store, "SELECT coalesce(max(id), 1) FROM pair") / 2;
        assert_int_equal(rows, 2 * last);
        assert_true(last >= told);
        assert_true(last <= told + 1);
        assert_int_equal(number(store, "SELECT count(*) FROM pair a JOIN pair b ON b.id = a.id + 1 AND b.n = 2 "
                                       "WHERE a.n = 1"),
                         last);
        next = last + 1;
        told = last; /* what a child did not live to tell, it did all the same */
        store_close(store);
    }
    assert_true(any);
}

/* One text with its values: each kind, NULL, no row, a violation, and none lent afterwards. */
static void test_rows(void **state)
{
    struct world *w = *state;
    struct store *store = NULL;
    struct statement *row = NULL;
    char url[TESTSTORE_URL_SIZE];
    int64_t changes = 0;
    static const char *const tables_of_rows[] = { "CREATE TABLE kept (n INTEGER NOT NULL, t TEXT, b BLOB, PRIMARY KEY (n))" };
    teststore_url(w->folder, "rows", url);
    assert_int_equal(store_open(url, tables_of_rows, 1, &store, NULL), RC_OK);
    static const char insert[] = "INSERT INTO kept (n, t, b) VALUES (?1, ?2, ?3)";
    for (int64_t n = 1; n <= 2; n++)
        assert_int_equal(store_run(store, insert, BINDS(BIND_INTEGER(n), BIND_TEXT(n == 1 ? "t" : NULL), BIND_BLOB(bytes_of("b\0b", 3))),
                                   &changes, NULL), RC_OK);
    assert_int_equal(changes, 1);
    assert_int_equal(store_run(store, insert, BINDS(BIND_INTEGER(1), BIND_TEXT("t"), BIND_BLOB(bytes_of(NULL, 0))), NULL, NULL), RC_EXISTS);
    assert_int_equal(store_run(store, "DELETE FROM kept WHERE n = ?1", BINDS(BIND_INTEGER(1), BIND_TEXT("one too many")), NULL, NULL), RC_BUG);
    assert_int_equal(store_row(store, "SELECT t, b FROM kept WHERE n = ?1", BINDS(BIND_INTEGER(2)), &row, NULL), RC_OK);
    assert_true(column_is_null(row, 0));
    assert_int_equal(column_blob(row, 1).len, 3);
    statement_done(row);
    assert_int_equal(store_row(store, "SELECT t FROM kept WHERE n = ?1", BINDS(BIND_INTEGER(3)), &row, NULL), RC_NOT_FOUND);
    assert_null(row);
    assert_int_equal(store_query(store, "SELECT n FROM kept ORDER BY n", NULL, &row, NULL), RC_OK);
    assert_int_equal(statement_step(row, NULL), RC_OK);
    assert_int_equal(statement_step(row, NULL), RC_OK);
    assert_int_equal(column_integer(row, 0), 2);
    assert_int_equal(statement_step(row, NULL), RC_NOT_FOUND);
    statement_done(row);

    /* one value: found, none, NULL, and one that is longer than its place */
    int64_t number = 7;
    char text[3] = "-";
    assert_int_equal(store_integer(store, "SELECT n FROM kept WHERE n = ?1", BINDS(BIND_INTEGER(3)), &number, NULL), RC_NOT_FOUND);
    assert_int_equal(number, 7);
    assert_int_equal(store_integer(store, "SELECT n FROM kept ORDER BY n DESC", NULL, &number, NULL), RC_OK);
    assert_int_equal(number, 2);
    assert_int_equal(store_text(store, "SELECT t FROM kept WHERE n = ?1", BINDS(BIND_INTEGER(3)), text, sizeof text, NULL), RC_NOT_FOUND);
    assert_string_equal(text, "-");
    assert_int_equal(store_text(store, "SELECT t FROM kept WHERE n = ?1", BINDS(BIND_INTEGER(2)), text, sizeof text, NULL), RC_OK);
    assert_string_equal(text, "");
    assert_int_equal(store_text(store, "SELECT 'long' FROM kept WHERE n = ?1", BINDS(BIND_INTEGER(1)), text, sizeof text, NULL), RC_OK);
    assert_string_equal(text, "lo");

    /* in partitions and whole again: rows, the key and the index stay */
    int parts;
    assert_int_equal(store_exec(store, "CREATE INDEX kept_text ON kept (t) WHERE t <> ''", NULL), RC_OK);
    for (int want = 5; want >= 0; want -= 5) {
        assert_int_equal(store_begin(store, NULL), RC_OK);
        assert_int_equal(store_spread(store, "kept", "n", want, NULL), RC_OK);
        assert_int_equal(store_commit(store, NULL), RC_OK);
        assert_int_equal(store_parts(store, "kept", &parts, NULL), RC_OK);
        assert_int_equal(parts, teststore_is_postgres() ? want : 0);
        assert_int_equal(store_row(store, "SELECT count(*), sum(n) FROM kept", NULL, &row, NULL), RC_OK);
        assert_int_equal(column_integer(row, 0) * 10 + column_integer(row, 1), 23);
        statement_done(row);
        assert_int_equal(store_run(store, insert, BINDS(BIND_INTEGER(1), BIND_TEXT("t"), BIND_BLOB(bytes_of(NULL, 0))), NULL, NULL), RC_EXISTS);
    }
    assert_int_equal(store_exec(store, "DROP INDEX kept_text", NULL), RC_OK); /* under its own name still */

    /* by another column than the key's: the numbers that the store gives go on, and each is given once */
    int64_t given = 0;
    assert_int_equal(store_exec(store, "CREATE TABLE numbered (id INTEGER PRIMARY KEY, who TEXT NOT NULL)", NULL), RC_OK);
    for (int want = 3; want >= 0; want--) {
        assert_int_equal(store_begin(store, NULL), RC_OK);
        assert_int_equal(store_spread(store, "numbered", "who", want % 2 ? 4 : want, NULL), RC_OK);
        for (int i = 0; i < 10; i++) {
            char who[2] = {(char)('a' + i), '\0'};
            assert_int_equal(store_row(store, "INSERT INTO numbered (who) VALUES (?1) RETURNING id", BINDS(BIND_TEXT(who)), &row, NULL),
                             RC_OK);
            assert_int_equal(column_integer(row, 0), ++given);
            statement_done(row);
        }
        assert_int_equal(store_commit(store, NULL), RC_OK);
        assert_int_equal(store_parts(store, "numbered", &parts, NULL), RC_OK);
        assert_int_equal(parts, teststore_is_postgres() ? want % 2 ? 4 : want : 0);
        assert_int_equal(store_integer(store, "SELECT count(*) FROM numbered WHERE who = 'c'", NULL, &number, NULL), RC_OK);
        assert_int_equal(number, given / 10);
    }
    if (teststore_is_postgres()) { /* none a second time, also when its row is gone */
        assert_int_equal(store_begin(store, NULL), RC_OK);
        assert_int_equal(store_exec(store, "DELETE FROM numbered WHERE id > 1", NULL), RC_OK);
        assert_int_equal(store_spread(store, "numbered", "who", 2, NULL), RC_OK);
        assert_int_equal(store_integer(store, "INSERT INTO numbered (who) VALUES ('k') RETURNING id", NULL, &number, NULL), RC_OK);
        assert_int_equal(number, given + 1);
        assert_int_equal(store_commit(store, NULL), RC_OK);
    }
    assert_int_equal(store_run(store, "INSERT INTO numbered (id, who) VALUES (?1, ?2)", BINDS(BIND_INTEGER(1), BIND_TEXT("a")), NULL,
                               NULL), RC_EXISTS);
    store_close(store);
}

int main(void)
{
    if (!teststore_is_postgres()) {
        const struct CMUnitTest files[] = { cmocka_unit_test_setup_teardown(test_file_is_private, setup, teardown) };
        if (cmocka_run_group_tests_name("store file", files, NULL, NULL))
            return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_migrations, setup, teardown),
        cmocka_unit_test_setup_teardown(test_migration_fails_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
        cmocka_unit_test_setup_teardown(test_values, setup, teardown),
        cmocka_unit_test_setup_teardown(test_constraints, setup, teardown),
        cmocka_unit_test_setup_teardown(test_transactions, setup, teardown),
        cmocka_unit_test_setup_teardown(test_writer_waits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_visitors, setup, teardown),
        cmocka_unit_test_setup_teardown(test_opened_together, setup, teardown),
        cmocka_unit_test_setup_teardown(test_killed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rows, setup, teardown),
    };
    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}

/* test_store_postgres.c — a PostgreSQL that goes away: killed while idle, in a transaction, between COMMIT and its
 * answer; and servers that a store refuses. Only beside postgres.sh. */
#include "support/scratch.h"
#include "support/teststore.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cmocka.h>

static const char *const tables[] = { "CREATE TABLE line (n INTEGER PRIMARY KEY)" };

static struct store *open_ok(const char *url)
{
    struct store *store = NULL;
    struct err err = { 0 };
    enum rc rc = store_open(url, tables, 1, &store, &err);
    if (rc)
        fail_msg("store_open: %s", err_text(&err, rc));
    return store;
}

static enum rc insert(struct store *store, int64_t n)
{
    struct statement *s = NULL;
    enum rc rc = store_prepare(store, "INSERT INTO line (n) VALUES (?1)", &s, NULL);
    if (!rc) {
        bind_integer(s, 1, n);
        rc = statement_run(s, NULL, NULL);
    }
    statement_done(s);
    return rc;
}

static enum rc count(struct store *store, int64_t *rows)
{
    struct statement *s = NULL;
    enum rc rc = store_prepare(store, "SELECT count(*) FROM line", &s, NULL);
    if (!rc)
        rc = statement_step(s, NULL);
    if (!rc)
        *rows = column_integer(s, 0);
    statement_done(s);
    return rc;
}

static int64_t count_ok(struct store *store)
{
    int64_t rows = -1;
    assert_int_equal(count(store, &rows), RC_OK);
    return rows;
}

/* Every place at which the server may die, and what is there afterwards. */
static void test_killed_server(void **state)
{
    (void)state;
    char url[TESTSTORE_URL_SIZE];
    teststore_url("", "killed", url);
    struct store *store = open_ok(url);
    assert_int_equal(insert(store, 1), RC_OK);

    teststore_server("kill"); /* while nobody speaks, and it comes back: nobody notices */
    teststore_server("start");
    assert_int_equal(insert(store, 2), RC_OK);
    assert_int_equal(count_ok(store), 2);

    assert_int_equal(store_begin(store, NULL), RC_OK); /* in a transaction, also when it is back before the next word */
    assert_int_equal(insert(store, 3), RC_OK);
    teststore_server("kill");
    teststore_server("start");
    assert_int_equal(insert(store, 4), RC_IO);
    assert_int_equal(insert(store, 5), RC_IO);
    int64_t rows;
    assert_int_equal(count(store, &rows), RC_IO);
    assert_int_equal(store_commit(store, NULL), RC_IO);
    assert_int_equal(count_ok(store), 2);

    assert_int_equal(store_begin(store, NULL), RC_OK); /* before COMMIT is said */
    assert_int_equal(insert(store, 6), RC_OK);
    teststore_server("kill");
    assert_int_equal(store_commit(store, NULL), RC_IO);
    assert_int_equal(store_begin(store, NULL), RC_IO); /* nobody there */
    assert_int_equal(insert(store, 7), RC_IO);
    assert_int_equal(count(store, &rows), RC_IO);
    store_rollback(store);
    teststore_server("start");
    assert_int_equal(store_begin(store, NULL), RC_OK);
    assert_int_equal(insert(store, 8), RC_OK);
    assert_int_equal(store_commit(store, NULL), RC_OK);
    assert_int_equal(count_ok(store), 3);
    store_close(store);
}

/* In the middle of a long read: the rows end with RC_IO, never as if they were all. */
static void test_killed_reading(void **state)
{
    (void)state;
    char url[TESTSTORE_URL_SIZE];
    teststore_url("", "reading", url);
    struct store *store = open_ok(url);
    struct statement *s;
    assert_int_equal(store_prepare(store,
                                   "WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3000000) "
                                   "SELECT n FROM r",
                                   &s, NULL),
                     RC_OK);
    assert_int_equal(statement_step(s, NULL), RC_OK);
    teststore_server("kill");
    enum rc rc = RC_OK;
    int64_t rows = 1;
    while ((rc = statement_step(s, NULL)) == RC_OK)
        rows++;
    assert_int_equal(rc, RC_IO);
    assert_true(rows < 3000000);
    statement_done(s);
    teststore_server("start");
    assert_int_equal(count_ok(store), 0);
    store_close(store);
}

/* --- an answer that is lost -------------------------------------------------------------------------------------- */

/* Stands between: passes all on until it is told to swallow; then the next words are passed on, their answer is
 * awaited, and the client's line is cut in its stead. */
struct between {
    char folder[64];
    int listening;
    atomic_bool swallow;
    pthread_t thread;
};

static int socket_in(const char *folder, bool listens)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    snprintf(address.sun_path, sizeof address.sun_path, "%s/.s.PGSQL.5432", folder);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    int failed = listens ? bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 4)
                         : connect(fd, (struct sockaddr *)&address, sizeof address);
    if (fd < 0 || failed)
        abort();
    return fd;
}

static void between_serve(struct between *between, int client, int server)
{
    char bytes[65536];
    struct pollfd ends[2] = {{.fd = client, .events = POLLIN}, {.fd = server, .events = POLLIN}};
    bool asked = false;
    for (;;) {
        if (poll(ends, 2, -1) < 0)
            break;
        int from = ends[0].revents ? 0 : 1;
        ssize_t len = read(ends[from].fd, bytes, sizeof bytes);
        bool swallow = atomic_load(&between->swallow);
        if (len <= 0 || (from == 1 && swallow && asked))
            break;
        asked = from == 0 && swallow;
        if (write(ends[!from].fd, bytes, (size_t)len) != len)
            break;
    }
    if (asked)
        atomic_store(&between->swallow, false);
    close(client);
    close(server);
}

static void *between_run(void *context)
{
    struct between *between = context;
    for (int client; (client = accept(between->listening, NULL, NULL)) >= 0;)
        between_serve(between, client, socket_in(getenv("JPKI_TEST_POSTGRES"), false));
    return NULL;
}

static void test_lost_answer(void **state)
{
    (void)state;
    static struct between between = { .folder = "/tmp/jpki-between-XXXXXX" };
    char url[TESTSTORE_URL_SIZE], through[TESTSTORE_URL_SIZE + 80];
    assert_non_null(mkdtemp(between.folder));
    between.listening = socket_in(between.folder, true);
    assert_int_equal(pthread_create(&between.thread, NULL, between_run, &between), 0);
    teststore_url("", "lost", url);
    const char *options = strstr(url, "&options");
    snprintf(through, sizeof through, "postgresql://jpki@/postgres?host=%s%s", between.folder, options);
    struct store *store = open_ok(through);
    struct err err = { 0 };

    assert_int_equal(store_begin(store, NULL), RC_OK);
    assert_int_equal(insert(store, 1), RC_OK);
    atomic_store(&between.swallow, true);
    assert_int_equal(store_commit(store, &err), RC_IO); /* it was done, and nobody could tell */
    assert_non_null(strstr(err.text, "not known"));
    assert_int_equal(count_ok(store), 1);

    atomic_store(&between.swallow, true); /* a write of its own transaction */
    assert_int_equal(insert(store, 2), RC_IO);
    assert_int_equal(count_ok(store), 2);
    assert_int_equal(insert(store, 2), RC_EXISTS); /* doing it again is how one finds out */

    assert_int_equal(store_begin(store, NULL), RC_OK); /* not a commit: nothing of it stays */
    assert_int_equal(insert(store, 3), RC_OK);
    atomic_store(&between.swallow, true);
    assert_int_equal(insert(store, 4), RC_IO);
    assert_int_equal(store_commit(store, NULL), RC_IO);
    assert_int_equal(count_ok(store), 2);
    store_close(store);

    shutdown(between.listening, SHUT_RDWR);
    pthread_join(between.thread, NULL);
    close(between.listening);
    assert_int_equal(scratch_remove(between.folder), 0);
}

/* --- refused ----------------------------------------------------------------------------------------------------- */

static void test_refused(void **state)
{
    (void)state;
    char url[TESTSTORE_URL_SIZE];
    struct store *store = NULL;
    struct err err = { 0 };
    teststore_url("", "refused", url);
    store_close(open_ok(url));
    teststore_server("kill");
    teststore_server("start -c fsync=off");
    assert_int_equal(store_open(url, tables, 1, &store, &err), RC_STATE);
    assert_non_null(strstr(err.text, "fsync"));
    teststore_server("kill");
    teststore_server("start -c synchronous_commit=off");
    store = open_ok(url); /* mended for this session */
    struct statement *s;
    assert_int_equal(store_prepare(store, "SELECT current_setting('synchronous_commit')", &s, NULL), RC_OK);
    assert_int_equal(statement_step(s, NULL), RC_OK);
    assert_string_equal(column_text(s, 0), "on");
    statement_done(s);
    store_close(store);

    err_reset(&err);
    char nobody[TESTSTORE_URL_SIZE];
    snprintf(nobody, sizeof nobody, "postgresql://jpki@/nowhere?host=%s", getenv("JPKI_TEST_POSTGRES"));
    assert_int_equal(store_open(nobody, tables, 1, &store, &err), RC_IO);
    assert_non_null(strstr(err.text, "nowhere"));
}

int main(void)
{
    if (!teststore_is_postgres()) {
        fprintf(stderr, "test-store-postgres: run it with postgres.sh\n");
        return 1;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killed_server),
        cmocka_unit_test(test_killed_reading),
        cmocka_unit_test(test_lost_answer),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests_name("store, PostgreSQL", tests, NULL, NULL);
}

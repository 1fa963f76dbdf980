/* test_storegroup.c — work of many threads in shared transactions: each is durable when it returns, one that fails leaves
 * nothing and takes nobody with it. */
#include "store/storegroup.h"
#include "support/scratch.h"
#include "support/teststore.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define THREADS 24
#define EACH 25

static const char *const tables[] = { "CREATE TABLE line (n INTEGER PRIMARY KEY, run INTEGER NOT NULL)" };

static struct {
    char folder[32], url[TESTSTORE_URL_SIZE];
    pthread_mutex_t lock;
    struct storegroup *group;
} w = { .folder = "/tmp/jpki-group-XXXXXX", .lock = PTHREAD_MUTEX_INITIALIZER };

struct job {
    int64_t n;
    int runs;
    bool fails;
};

static enum rc job_work(void *context, struct store *store, struct err *err)
{
    struct job *job = context;
    struct statement *s = NULL;
    enum rc rc = store_prepare(store, "INSERT INTO line (n, run) VALUES (?1, ?2)", &s, err);
    if (!rc) {
        bind_integer(s, 1, job->n);
        bind_integer(s, 2, ++job->runs);
        rc = statement_run(s, NULL, err);
    }
    statement_done(s);
    return !rc && job->fails ? err_set(err, RC_STATE, "job %lld fails", (long long)job->n) : rc;
}

/* Every seventh fails, every eleventh is one that was done already. */
static void *thread_run(void *context)
{
    int64_t first = *(int64_t *)context * EACH;
    for (int64_t n = first; n < first + EACH; n++) {
        struct err err = { 0 };
        struct job job = { .n = n, .fails = n % 7 == 3 }, again = { .n = n };
        enum rc rc = storegroup_run(w.group, job_work, &job, &err);
        if (rc != (job.fails ? RC_STATE : RC_OK) || (job.fails && !strstr(err.text, "fails")))
            return context;
        if (!job.fails && n % 11 == 0 && storegroup_run(w.group, job_work, &again, NULL) != RC_EXISTS)
            return context;
    }
    return NULL;
}

static int64_t number(struct store *store, const char *sql)
{
    struct statement *s = NULL;
    assert_int_equal(store_prepare(store, sql, &s, NULL), RC_OK);
    assert_int_equal(statement_step(s, NULL), RC_OK);
    int64_t value = column_integer(s, 0);
    statement_done(s);
    return value;
}

static void test_together(void **state)
{
    (void)state;
    struct store *store = NULL;
    pthread_t threads[THREADS];
    int64_t numbers[THREADS], wanted = 0;
    assert_non_null(mkdtemp(w.folder));
    teststore_url(w.folder, "group", w.url);
    assert_int_equal(store_open(w.url, tables, 1, &store, NULL), RC_OK);
    assert_int_equal(storegroup_new(store, &w.lock, &w.group), RC_OK);
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, thread_run, &numbers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    for (int64_t n = 0; n < THREADS * EACH; n++)
        wanted += n % 7 != 3;
    assert_int_equal(number(store, "SELECT count(*) FROM line"), wanted);
    assert_int_equal(number(store, "SELECT count(*) FROM line WHERE n % 7 = 3"), 0);
    storegroup_free(w.group);
    storegroup_free(NULL);
    store_close(store);
    assert_int_equal(scratch_remove(w.folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_together) };
    return cmocka_run_group_tests_name("storegroup", tests, NULL, NULL);
}

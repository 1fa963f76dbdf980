/* test_storegather.c — which work shares which transaction, counted: what came while another ran, one that fails, a commit that
 * fails, whom the first one waits for and for how long. The linker puts what is called __wrap_… here in the place of the clock,
 * the waits and the transactions of storegroup.c, so that nothing hangs on time: who is in the queue is known, time passes when
 * a test says so, and a wait is over at once or never. */
#include "store/storegroup.h"
#include "support/scratch.h"
#include "support/teststore.h"

#include <errno.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define MILLISECOND 1000000ll
#define SECOND (1000 * MILLISECOND)
#define JOBS_MAX 6
#define CALLS_MAX 16

static const char *const tables[] = { "CREATE TABLE line (n INTEGER PRIMARY KEY, run INTEGER NOT NULL)" };

static struct {
    char folder[32], url[TESTSTORE_URL_SIZE];
    struct store *store;
    pthread_mutex_t store_lock;
    struct storegroup *group;

    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t change;
    int queued;     /* so many wait for their turn, or had to */
    int inside;     /* so many hold their transaction open, or did */
    int gathering;  /* so many times the first of a group waited for others */
    bool open;      /* who holds goes on */
    bool patient;   /* who waits for others does so until they are there; else its time is over at once */
    int64_t now, wait; /* the clock; for how long the last one was ready to wait */
    int begun, committed;
    int fails_at; /* the commit of this number; 0: none does */
    enum rc fails_with;
    int calls, call[CALLS_MAX]; /* of the work that is done together: with so many */
} w;

/* --- in the place of time and transactions ------------------------------------------------------------------------------------ */

int __real_sem_wait(sem_t *sem);
int __wrap_sem_wait(sem_t *sem);
int __wrap_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *end);
int __real_clock_gettime(clockid_t id, struct timespec *out);
int __wrap_clock_gettime(clockid_t id, struct timespec *out);
enum rc __real_store_begin(struct store *store, struct err *err);
enum rc __wrap_store_begin(struct store *store, struct err *err);
enum rc __real_store_commit(struct store *store, struct err *err);
enum rc __wrap_store_commit(struct store *store, struct err *err);

static void count_up(int *number)
{
    pthread_mutex_lock(&w.lock);
    ++*number;
    pthread_cond_broadcast(&w.change);
    pthread_mutex_unlock(&w.lock);
}

static void await(const int *number, int wanted)
{
    pthread_mutex_lock(&w.lock);
    while (*number < wanted)
        pthread_cond_wait(&w.change, &w.lock);
    pthread_mutex_unlock(&w.lock);
}

int __wrap_sem_wait(sem_t *sem)
{
    count_up(&w.queued); /* its item is in the queue already */
    return __real_sem_wait(sem);
}

int __wrap_clock_gettime(clockid_t id, struct timespec *out)
{
    if (id != CLOCK_MONOTONIC)
        return __real_clock_gettime(id, out);
    *out = (struct timespec) { w.now / SECOND, w.now % SECOND };
    return 0;
}

int __wrap_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *end)
{
    w.wait = end->tv_sec * SECOND + end->tv_nsec - w.now;
    count_up(&w.gathering);
    return w.patient ? pthread_cond_wait(cond, mutex) : ETIMEDOUT;
}

enum rc __wrap_store_begin(struct store *store, struct err *err)
{
    w.begun++;
    return __real_store_begin(store, err);
}

/* One that fails with RC_IO was done, and only its answer is lost. */
enum rc __wrap_store_commit(struct store *store, struct err *err)
{
    bool fails = ++w.committed == w.fails_at;
    if (fails && w.fails_with != RC_IO)
        store_rollback(store);
    else if (__real_store_commit(store, err))
        return RC_BUG;
    return fails ? err_set(err, w.fails_with, "the test lets it fail") : RC_OK;
}

/* --- work --------------------------------------------------------------------------------------------------------------------- */

enum kind { LONE, MANY, OTHER_MANY };

struct job {
    enum kind kind;
    bool fails;
    bool holds;   /* waits in its transaction, the first time */
    int64_t took; /* the time that its work takes */
    enum rc rc;   /* what it is told */
    int runs, n;
    struct err err;
    pthread_t thread;
};

static enum rc job_work(void *context, struct store *store, struct err *err)
{
    struct job *job = context;
    if (job->holds && !job->runs) {
        count_up(&w.inside);
        pthread_mutex_lock(&w.lock);
        while (!w.open)
            pthread_cond_wait(&w.change, &w.lock);
        pthread_mutex_unlock(&w.lock);
    }
    w.now += job->took;
    enum rc rc = store_run(store, "INSERT INTO line (n, run) VALUES (?1, ?2)", BINDS(BIND_INTEGER(job->n), BIND_INTEGER(++job->runs)), NULL,
                           err);
    return !rc && job->fails ? err_set(err, RC_STATE, "job %d fails", job->n) : rc;
}

static enum rc jobs_work(void *const *contexts, size_t count, struct store *store, struct err *err)
{
    enum rc rc = RC_OK;
    if (w.calls < CALLS_MAX)
        w.call[w.calls++] = (int)count;
    for (size_t i = 0; !rc && i < count; i++) {
        const struct job *before = i ? contexts[i - 1] : NULL, *job = contexts[i];
        rc = before && before->n >= job->n ? err_set(err, RC_BUG, "not in the order of coming") : job_work(contexts[i], store, err);
    }
    return rc;
}

static enum rc other_jobs_work(void *const *contexts, size_t count, struct store *store, struct err *err)
{
    return jobs_work(contexts, count, store, err);
}

static void *job_run(void *context)
{
    struct job *job = context;
    job->rc = job->kind == LONE ? storegroup_run(w.group, job_work, job, &job->err)
                                : storegroup_run_many(w.group, job->kind == MANY ? jobs_work : other_jobs_work, job, &job->err);
    return NULL;
}

static void job_start(struct job *job)
{
    static int numbers;
    job->n = ++numbers;
    assert_int_equal(pthread_create(&job->thread, NULL, job_run, job), 0);
}

static void job_hold(struct job *job)
{
    int before = w.inside;
    job->holds = true;
    w.open = false;
    job_start(job);
    await(&w.inside, before + 1);
}

static void job_queue(struct job *job)
{
    int before = w.queued;
    job_start(job);
    await(&w.queued, before + 1);
}

static void jobs_release(void)
{
    pthread_mutex_lock(&w.lock);
    w.open = true;
    pthread_cond_broadcast(&w.change);
    pthread_mutex_unlock(&w.lock);
}

static void job_end(struct job *job)
{
    assert_int_equal(pthread_join(job->thread, NULL), 0);
}

/* By itself, from its coming to its answer. */
static void job_alone(int64_t took)
{
    struct job job = { .took = took };
    job_start(&job);
    job_end(&job);
    assert_int_equal(job.rc, RC_OK);
}

/* One that holds its transaction open, those that come meanwhile, in this order, and then all of them to their end. */
static void jobs_meet(struct job *first, struct job *others, size_t count)
{
    job_hold(first);
    for (size_t i = 0; i < count; i++)
        job_queue(&others[i]);
    jobs_release();
    job_end(first);
    for (size_t i = 0; i < count; i++)
        job_end(&others[i]);
}

static int64_t lines(int n)
{
    int64_t found = -1;
    assert_int_equal(store_integer(w.store, "SELECT count(*) FROM line WHERE n = ?1", BINDS(BIND_INTEGER(n)), &found, NULL), RC_OK);
    return found;
}

static int setup(void **state)
{
    (void)state;
    memset(&w, 0, sizeof w);
    strcpy(w.folder, "/tmp/jpki-gather-XXXXXX");
    pthread_mutex_init(&w.store_lock, NULL);
    pthread_mutex_init(&w.lock, NULL);
    pthread_cond_init(&w.change, NULL);
    assert_non_null(mkdtemp(w.folder));
    teststore_url(w.folder, "gather", w.url);
    assert_int_equal(store_open(w.url, tables, 1, &w.store, NULL), RC_OK);
    assert_int_equal(storegroup_new(w.store, &w.store_lock, &w.group), RC_OK);
    w.begun = w.committed = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    storegroup_free(w.group);
    store_close(w.store);
    pthread_cond_destroy(&w.change);
    pthread_mutex_destroy(&w.lock);
    pthread_mutex_destroy(&w.store_lock);
    return scratch_remove(w.folder);
}

/* --- who shares a transaction ------------------------------------------------------------------------------------------------- */

#define SOLE { .kind = LONE }
#define FAILING { .fails = true }
#define KIN { .kind = MANY }
#define OTHER_KIN { .kind = OTHER_MANY }
#define FAILING_KIN { .kind = MANY, .fails = true }

/* One is at work, and the row's jobs come meanwhile. */
static const struct row {
    const char *what;
    struct job jobs[JOBS_MAX];
    size_t count;
    int fails_at; /* commit; the first is that of the one at work */
    enum rc fails_with;
    int begun, committed;     /* transactions, with that of the one at work */
    enum rc rcs[JOBS_MAX];    /* what each is told */
    int runs[JOBS_MAX];
    const char *calls;        /* the work of one kind: with how many each time */
    bool kept;                /* also of those that were told of a failure */
} rows[] = {
    { .what = "one comes: a transaction of its own",
      .count = 1, .begun = 2, .committed = 2, .runs = { 1 }, .calls = "" },
    { .what = "five come: one transaction",
      .count = 5, .begun = 2, .committed = 2, .runs = { 1, 1, 1, 1, 1 }, .calls = "" },
    { .what = "five of a kind: at once", .jobs = { KIN, KIN, KIN, KIN, KIN },
      .count = 5, .begun = 2, .committed = 2, .runs = { 1, 1, 1, 1, 1 }, .calls = "5" },
    { .what = "of several kinds: one transaction, at once what is side by side", .jobs = { KIN, KIN, SOLE, KIN, OTHER_KIN, OTHER_KIN },
      .count = 6, .begun = 2, .committed = 2, .runs = { 1, 1, 1, 1, 1, 1 }, .calls = "212" },
    { .what = "one comes and fails", .jobs = { FAILING },
      .count = 1, .begun = 2, .committed = 1, .rcs = { RC_STATE }, .runs = { 1 }, .calls = "" },
    { .what = "one of three fails: a transaction for each", .jobs = { SOLE, FAILING, SOLE },
      .count = 3, .begun = 5, .committed = 3, .rcs = { RC_OK, RC_STATE, RC_OK }, .runs = { 2, 2, 1 }, .calls = "" },
    { .what = "all fail", .jobs = { FAILING, FAILING },
      .count = 2, .begun = 4, .committed = 1, .rcs = { RC_STATE, RC_STATE }, .runs = { 2, 1 }, .calls = "" },
    { .what = "one of three of a kind fails: each by itself", .jobs = { KIN, FAILING_KIN, KIN },
      .count = 3, .begun = 5, .committed = 3, .rcs = { RC_OK, RC_STATE, RC_OK }, .runs = { 2, 2, 1 }, .calls = "3111" },
    { .what = "one behind two of a kind fails", .jobs = { KIN, KIN, FAILING },
      .count = 3, .begun = 5, .committed = 3, .rcs = { RC_OK, RC_OK, RC_STATE }, .runs = { 2, 2, 2 }, .calls = "211" },
    { .what = "the commit fails and nothing was written: each by itself", .fails_at = 2, .fails_with = RC_CONFLICT,
      .count = 3, .begun = 5, .committed = 5, .runs = { 2, 2, 2 }, .calls = "" },
    { .what = "the commit's answer is lost: each is told, nobody's work is done again", .jobs = { SOLE, KIN, KIN },
      .fails_at = 2, .fails_with = RC_IO, .kept = true,
      .count = 3, .begun = 2, .committed = 2, .rcs = { RC_IO, RC_IO, RC_IO }, .runs = { 1, 1, 1 }, .calls = "2" },
    { .what = "the commit of one alone fails: it is told", .fails_at = 2, .fails_with = RC_CONFLICT,
      .count = 1, .begun = 2, .committed = 2, .rcs = { RC_CONFLICT }, .runs = { 1 }, .calls = "" },
    { .what = "after a failure the commit of one by itself fails: it alone is told", .jobs = { SOLE, SOLE, FAILING },
      .fails_at = 3, .fails_with = RC_CONFLICT,
      .count = 3, .begun = 5, .committed = 3, .rcs = { RC_OK, RC_CONFLICT, RC_STATE }, .runs = { 2, 2, 2 }, .calls = "" },
};

static void row_check_job(const struct row *row, size_t i, const struct job *job)
{
    if (job->rc != row->rcs[i])
        fail_msg("%s: job %zu is told %s", row->what, i, rc_name(job->rc));
    if (job->runs != row->runs[i])
        fail_msg("%s: job %zu was run %d times", row->what, i, job->runs);
    if (lines(job->n) != (!job->rc || row->kept))
        fail_msg("%s: job %zu, %s, left %lld lines", row->what, i, rc_name(job->rc), (long long)lines(job->n));
    char words[32];
    snprintf(words, sizeof words, "job %d fails", job->n);
    if (job->rc == RC_STATE && strcmp(job->err.text, words) != 0)
        fail_msg("%s: job %zu hears '%s'", row->what, i, job->err.text);
    if (job->rc && (job->rc != job->err.rc || !job->err.text[0]))
        fail_msg("%s: job %zu is told no reason", row->what, i);
}

static void test_rows(void **state)
{
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        const struct row *row = &rows[r];
        struct job first = SOLE, jobs[JOBS_MAX];
        char calls[CALLS_MAX + 1] = "";
        assert_int_equal(setup(state), 0);
        memcpy(jobs, row->jobs, sizeof jobs);
        w.fails_at = row->fails_at;
        w.fails_with = row->fails_with;
        jobs_meet(&first, jobs, row->count);
        if (first.rc || lines(first.n) != 1)
            fail_msg("%s: the one at work: %s", row->what, rc_name(first.rc));
        if (w.begun != row->begun || w.committed != row->committed)
            fail_msg("%s: %d transactions, %d commits", row->what, w.begun, w.committed);
        for (size_t i = 0; i < row->count; i++)
            row_check_job(row, i, &jobs[i]);
        for (int i = 0; i < w.calls; i++)
            calls[i] = (char)('0' + w.call[i]);
        if (strcmp(calls, row->calls) != 0)
            fail_msg("%s: work of a kind was done by %s", row->what, calls);
        assert_int_equal(teardown(state), 0);
    }
}

/* --- whom the first waits for ------------------------------------------------------------------------------------------------- */

static void test_alone(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        job_alone(SECOND);
    assert_int_equal(w.gathering, 0);
    assert_int_equal(w.committed, 3);
}

/* For half of what the last transaction took, 20 ms at most. */
static void test_how_long(void **state)
{
    (void)state;
    static const struct {
        int64_t took, wait;
    } times[] = { { 0, 0 }, { 1, 0 }, { 8 * MILLISECOND, 4 * MILLISECOND }, { 40 * MILLISECOND, 20 * MILLISECOND },
                  { 42 * MILLISECOND, 20 * MILLISECOND }, { 10 * SECOND, 20 * MILLISECOND } };
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        struct job first = { .took = times[i].took }, other = SOLE;
        w.gathering = 0;
        w.wait = -1;
        jobs_meet(&first, &other, 1);
        assert_int_equal(w.gathering, 1); /* it, for the first one to come again */
        assert_int_equal(w.wait, times[i].wait);
        job_alone(0);
    }
}

/* Who comes alone after many waits once, and in vain; the next one knows. */
static void test_others_stay_away(void **state)
{
    (void)state;
    struct job first = SOLE, others[4] = { SOLE };
    jobs_meet(&first, others, 4);
    w.gathering = 0;
    job_alone(MILLISECOND);
    assert_int_equal(w.gathering, 1);
    for (int i = 0; i < 3; i++)
        job_alone(MILLISECOND);
    assert_int_equal(w.gathering, 1);
    assert_int_equal(w.committed, 6); /* two that were shared or held, and four */
}

/* Those that were answered together come back one by one: the first has its time, does not go before the last is there, and
 * then goes at once. */
static void test_companions(void **state)
{
    (void)state;
    struct job first = { .took = MILLISECOND }, jobs[3] = { SOLE }, again[3] = { KIN, KIN, KIN };
    jobs_meet(&first, jobs, 3);
    int gathering = w.gathering;
    w.patient = true; /* for ever, were nobody to tell it */
    w.committed = w.calls = 0;
    job_start(&again[0]);
    await(&w.gathering, gathering + 1);
    job_queue(&again[1]);
    assert_int_equal(w.committed, 0);
    job_queue(&again[2]);
    for (size_t i = 0; i < 3; i++) {
        job_end(&again[i]);
        assert_int_equal(again[i].rc, RC_OK);
        assert_int_equal(lines(again[i].n), 1);
    }
    assert_int_equal(w.gathering, gathering + 1);
    assert_int_equal(w.committed, 1);
    assert_int_equal(w.calls, 1);
    assert_int_equal(w.call[0], 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test_setup_teardown(test_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_how_long, setup, teardown),
        cmocka_unit_test_setup_teardown(test_others_stay_away, setup, teardown),
        cmocka_unit_test_setup_teardown(test_companions, setup, teardown),
    };
    return cmocka_run_group_tests_name("storegather", tests, NULL, NULL);
}

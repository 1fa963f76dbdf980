/* test_ca_batch.c — certificates issued to many at once: one transaction for all who wait, and still each is its own: a
 * refused one spoils none, the same request twice is one certificate, and kill -9 at every step within a batch loses
 * and doubles nothing. usage: test-ca-batch JPKI_CA */
#include "base/fault.h"
#include "ca/trail.h"
#include "pki/cert.h"
#include "support/caworld.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { THREADS = 16, EACH = 2 };

static struct caworld world;

struct asker {
    struct ca *ca;
    pthread_barrier_t *barrier;
    int number;
    struct issue_order (*order)(int number, char *name, size_t size);
    enum rc rc[EACH];
    char serial[EACH][BOOK_SERIAL_SIZE];
};

static const char *round_name;

static struct issue_order order_of_each(int number, char *name, size_t size)
{
    snprintf(name, size, "%s %d", round_name, number);
    return caworld_order(&world, name);
}

static struct issue_order order_of_all(int number, char *name, size_t size)
{
    (void)number;
    snprintf(name, size, "%s, the one request", round_name);
    return caworld_order(&world, name);
}

static struct attributes child;

/* Every fourth is a child that asks for a signature certificate. */
static struct issue_order order_with_children(int number, char *name, size_t size)
{
    struct issue_order order = order_of_each(number, name, size);
    if (number % 4 == 0) {
        order.authority = AUTHORITY_SIGN;
        order.auth_not_after = order.card_expiry;
        order.attributes = &child;
    }
    return order;
}

static void *ask(void *context)
{
    struct asker *asker = context;
    pthread_barrier_wait(asker->barrier);
    for (int i = 0; i < EACH; i++) {
        char name[80];
        struct err err = { 0 };
        struct book_cert cert = { 0 };
        struct issue_order order = asker->order(asker->number * EACH + i, name, sizeof name);
        asker->rc[i] = issue_certificate(asker->ca, &order, &cert, &err);
        snprintf(asker->serial[i], BOOK_SERIAL_SIZE, "%s", cert.serial);
        book_cert_wipe(&cert);
    }
    return NULL;
}

static void ask_all(struct ca *ca, struct issue_order (*order)(int, char *, size_t), struct asker askers[THREADS])
{
    pthread_t threads[THREADS];
    pthread_barrier_t barrier;
    pthread_barrier_init(&barrier, NULL, THREADS);
    for (int i = 0; i < THREADS; i++) {
        askers[i] = (struct asker) { .ca = ca, .barrier = &barrier, .number = i, .order = order };
        if (pthread_create(&threads[i], NULL, ask, &askers[i]) != 0)
            abort();
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&barrier);
}

static int64_t certificates(struct ca *ca)
{
    struct book_counts counts;
    assert_int_equal(book_count(ca->store, AUTHORITY_AUTH, &counts, NULL), RC_OK);
    return counts.certificates;
}

static void assert_whole(struct ca *ca)
{
    struct err err = { 0 };
    int64_t rows, ids[1];
    size_t count = 1;
    enum rc rc = trail_verify(ca->store, &rows, &err);
    if (rc)
        fail_msg("the trail: %s", err_text(&err, rc));
    assert_int_equal(book_list_unsigned(ca->store, ids, 1, &count, NULL), RC_OK);
    assert_int_equal(count, 0);
}

/* Each got its own certificate of its own number, and the authority's key signed it. */
static void assert_own(struct ca *ca, const struct asker askers[THREADS])
{
    for (int i = 0; i < THREADS * EACH; i++) {
        struct book_cert row = { 0 };
        X509 *cert = NULL;
        assert_int_equal(askers[i / EACH].rc[i % EACH], RC_OK);
        for (int j = 0; j < i; j++)
            assert_string_not_equal(askers[i / EACH].serial[i % EACH], askers[j / EACH].serial[j % EACH]);
        assert_int_equal(book_find_serial(ca->store, AUTHORITY_AUTH, askers[i / EACH].serial[i % EACH], &row, NULL),
                         RC_OK);
        assert_int_equal(cert_parse(buf_bytes(&row.certificate), &cert), RC_OK);
        assert_int_equal(X509_verify(cert, X509_get0_pubkey(ca->issuers[AUTHORITY_AUTH].cert)), 1);
        X509_free(cert);
        book_cert_wipe(&row);
    }
}

static void test_at_once(void **state)
{
    (void)state;
    struct asker askers[THREADS];
    struct ca *ca = caworld_open(&world);
    int64_t before = certificates(ca);
    round_name = "at once";
    ask_all(ca, order_of_each, askers);
    assert_own(ca, askers);
    assert_int_equal(certificates(ca), before + THREADS * EACH);
    assert_whole(ca);
    ca_close(ca);
}

static void test_one_request(void **state)
{
    (void)state;
    struct asker askers[THREADS];
    struct ca *ca = caworld_open(&world);
    int64_t before = certificates(ca);
    round_name = "doubled";
    ask_all(ca, order_of_all, askers);
    for (int i = 0; i < THREADS * EACH; i++) {
        assert_int_equal(askers[i / EACH].rc[i % EACH], RC_OK);
        assert_string_equal(askers[i / EACH].serial[i % EACH], askers[0].serial[0]);
    }
    assert_int_equal(certificates(ca), before + 1);
    assert_whole(ca);
    ca_close(ca);
}

/* Whoever is refused leaves no row and takes no number. */
static void test_refused_among_others(void **state)
{
    (void)state;
    struct asker askers[THREADS];
    struct book_counts counts;
    struct ca *ca = caworld_open(&world);
    int64_t before = certificates(ca);
    round_name = "refused";
    child = world.attributes;
    memcpy(child.birth, "520200217", 10);
    ask_all(ca, order_with_children, askers);
    for (int i = 0; i < THREADS * EACH; i++)
        assert_int_equal(askers[i / EACH].rc[i % EACH], i % 4 == 0 ? RC_DENIED : RC_OK);
    assert_int_equal(certificates(ca), before + THREADS * EACH * 3 / 4);
    assert_int_equal(book_count(ca->store, AUTHORITY_SIGN, &counts, NULL), RC_OK);
    assert_int_equal(counts.certificates, 0);
    assert_whole(ca);
    ca_close(ca);
}

/* In a process of its own, which ends as the fault says, or with 0 when it came through. */
static int child_asks(const char *fault, rlim_t file_limit)
{
    pid_t pid = fork();
    if (pid == 0) {
        struct asker askers[THREADS];
        struct ca *ca = caworld_open(&world);
        struct rlimit limit = { file_limit, file_limit };
        signal(SIGXFSZ, SIG_IGN);
        if (file_limit && setrlimit(RLIMIT_FSIZE, &limit) != 0)
            _exit(3);
        if (fault)
            setenv("JPKI_FAULT", fault, 1);
        ask_all(ca, order_of_each, askers);
        int refused = 0;
        for (int i = 0; i < THREADS * EACH; i++)
            refused += askers[i / EACH].rc[i % EACH] != RC_OK;
        _exit(refused ? 1 : 0);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

/* Afterwards: recovery, the same requests again, one certificate each. */
static void assert_resumed(int64_t before)
{
    struct asker askers[THREADS];
    struct err err = { 0 };
    struct ca *ca = caworld_open(&world);
    enum rc rc = issue_recover(ca, &err);
    if (rc)
        fail_msg("recovery: %s", err_text(&err, rc));
    assert_whole(ca);
    ask_all(ca, order_of_each, askers);
    assert_own(ca, askers);
    assert_int_equal(certificates(ca), before + THREADS * EACH);
    assert_whole(ca);
    ca_close(ca);
}

static int64_t certificates_now(void)
{
    struct ca *ca = NULL;
    assert_int_equal(ca_open(world.program, world.state, CACONFIG_FILE, CA_LOOK, &ca, NULL), RC_OK);
    int64_t count = certificates(ca);
    ca_close(ca);
    return count;
}

/* The file that a full disk stops is the book's log of changes. */
static void test_disk_full(void **state)
{
    (void)state;
    int64_t before = certificates_now();
    round_name = "full disk";
    assert_int_equal(child_asks(NULL, 4096), 1);
    assert_resumed(before);
}

#ifdef JPKI_FAULTS
static void test_killed(void **state)
{
    (void)state;
    static const char *const points[] = {
        "ca.before_record",   "ca.batch_entered", "ca.batch_entered:9", "store.before_commit", "store.before_commit:3",
        "store.after_commit", "ca.after_record",  "ca.before_sign",     "ca.between_signs",    "ca.between_signs:5",
        "ca.after_sign",      "ca.after_sign:2",  "ca.after_issued",    "ca.after_issued:2"};
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
        int64_t before = certificates_now();
        round_name = points[i];
        print_message("killed at %s\n", points[i]);
        assert_int_equal(child_asks(points[i], 0), -SIGKILL);
        assert_resumed(before);
    }
}
#endif

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_at_once),
        cmocka_unit_test(test_one_request),
        cmocka_unit_test(test_refused_among_others),
        cmocka_unit_test(test_disk_full),
#ifdef JPKI_FAULTS
        cmocka_unit_test(test_killed),
#endif
    };
    if (argc != 2)
        return 2;
    caworld_new(&world, argv[1]);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    caworld_free(&world);
    return failed;
}

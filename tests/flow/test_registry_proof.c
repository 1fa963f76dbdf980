/* test_registry_proof.c — what happens to a registry's nodes from outside: the disk is full, the clock jumps ahead and back, bodies are too large or no bodies at all. Nothing is lost, nothing doubled, the order is
 * kept, and afterwards the state is clear. */
#include "registryworld.h"

#include "registry/ledger.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

/* No file of the process may grow beyond this: writes fail as on a full disk. */
static void disk(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_disk_full(void **state)
{
    (void)state;
    struct world w;
    struct resident r;
    world_new(&w, "1000");
    start(&w, NATIONAL, NULL); /* makes its tables */
    stop(&w.nodes[NATIONAL], SIGTERM);
    disk(600 << 10);
    start(&w, NATIONAL, NULL);
    disk(RLIM_INFINITY);
    start(&w, MUNICIPAL, NULL);
    pick(&w, &r);
    assert_int_equal(move_to(&w, r.code, 1), RC_OK); /* the municipality works on */
    pause_ms(700);
    int64_t taken = count(&w, NATIONAL, "SELECT coalesce(max(acknowledged), 0) FROM intake");
    assert_true(taken < 1001); /* it is full */
    assert_int_equal(taken, count(&w, NATIONAL, "SELECT count(*) FROM history"));
    assert_int_equal(taken, count(&w, NATIONAL, "SELECT count(*) FROM received"));
    assert_true(count(&w, MUNICIPAL, "SELECT acknowledged FROM outbox WHERE peer = 'national'") <= taken);
    stop(&w.nodes[NATIONAL], SIGKILL);
    start(&w, NATIONAL, NULL); /* room again */
    same_world(&w);
    assert_int_equal(count(&w, NATIONAL, "SELECT count(*) FROM history"), 1001);

    stop(&w.nodes[MUNICIPAL], SIGTERM); /* the municipality's own: refused clearly, and told after */
    int64_t before = count(&w, MUNICIPAL, "SELECT last FROM outbox WHERE peer = 'national'");
    disk(36 << 10);
    start(&w, MUNICIPAL, NULL);
    disk(RLIM_INFINITY);
    assert_int_equal(move_to(&w, r.code, 2), RC_IO);
    assert_int_equal(count(&w, MUNICIPAL, "SELECT last FROM outbox WHERE peer = 'national'"), before);
    stop(&w.nodes[MUNICIPAL], SIGKILL);
    start(&w, MUNICIPAL, NULL);
    assert_int_equal(move_to(&w, r.code, 2), RC_OK);
    same_world(&w);
    world_free(&w);
}

/* The order is that of the numbers, whatever the clocks say. */
static void test_clock_jumps(void **state)
{
    (void)state;
    struct world w;
    struct resident r;
    world_new(&w, "20");
    start(&w, NATIONAL, NULL);
    static const char *const clocks[] = { "+864000", "-1800", "+43200", NULL };
    pick(&w, &r);
    for (int i = 0; i < 4; i++) {
        if (clocks[i])
            setenv("JPKI_CLOCK", clocks[i], 1);
        start(&w, MUNICIPAL, NULL);
        unsetenv("JPKI_CLOCK");
        assert_int_equal(move_to(&w, r.code, i + 1), RC_OK);
        await(&w, MUNICIPAL, TOLD, 0);
        stop(&w.nodes[MUNICIPAL], i % 2 ? SIGKILL : SIGTERM);
    }
    same_world(&w);
    struct store *store = NULL;
    enum node_role role;
    char municipality[7], address[100];
    struct ledger_past past;
    assert_int_equal(ledger_open_any(w.nodes[NATIONAL].store, &role, municipality, &store, NULL), RC_OK);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(ledger_history(store, r.code, i + 2, &past, NULL), RC_OK);
        snprintf(address, sizeof address, MOVED_TO, i + 1);
        assert_string_equal(past.resident.attributes.address, address);
    }
    store_close(store);
    world_free(&w);
}

/* Tricks in words, paths and sizes: a clear refusal, and nothing changed. */
static void test_no_entrance(void **state)
{
    (void)state;
    struct world w;
    struct resident r;
    world_told(&w, "20", &r);
    static const char everything[] = "SELECT (SELECT count(*) FROM history) + 100 * (SELECT count(*) FROM request) + 10000 * "
                                     "(SELECT sum(last) FROM outbox) + 1000000 * (SELECT count(*) FROM resident)";
    int64_t town = count(&w, MUNICIPAL, everything), nation = count(&w, NATIONAL, everything);
    static const char *const tricks[] = { "' OR '1'='1", "x'; DROP TABLE resident; --", "../../../../etc/passwd", "%00", "\\u0000",
                                          "鹿児島県鹿児島市\x01", "\xC3\x28" };
    for (size_t i = 0; i < sizeof tricks / sizeof tricks[0]; i++) {
        assert_int_not_equal(move(&w, ID_REGISTRAR, tricks[i], "鹿児島県鹿児島市荒田二丁目７番", "t"), RC_OK);
        assert_int_not_equal(move(&w, ID_REGISTRAR, r.code, tricks[i], "t"), RC_OK);
        assert_int_not_equal(move(&w, ID_REGISTRAR, r.code, "鹿児島県鹿児島市荒田二丁目７番", tricks[i]), RC_OK);
    }
    static const char *const paths[] = { "/v1/residents/../notices", "/v1/notices/../../etc/passwd", "/v1/digest/%2e%2e", "/v1/digest/1'",
                                         "/v1/residents/find;x", "//v1/residents/find" };
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        assert_int_not_equal(post(&w, NATIONAL, ID_MUNICIPAL, paths[i], json_pack("{}")), RC_OK);
        assert_int_not_equal(post(&w, MUNICIPAL, ID_REGISTRAR, paths[i], json_pack("{}")), RC_OK);
    }
    char *large = malloc((3 << 20) + 1);
    assert_non_null(large);
    memset(large, 'x', 3 << 20);
    large[3 << 20] = '\0';
    assert_int_equal(post(&w, MUNICIPAL, ID_REGISTRAR, "/v1/residents/move", json_pack("{s:s}", "code", large)), RC_RANGE);
    large[1000] = '\0';
    assert_int_equal(move(&w, ID_REGISTRAR, r.code, large, "t"), RC_FORMAT);
    free(large);
    json_t *deep = json_object();
    for (int i = 0; i < 1500; i++)
        deep = json_pack("{s:o}", "a", deep);
    assert_int_not_equal(post(&w, MUNICIPAL, ID_REGISTRAR, "/v1/residents/record", deep), RC_OK);
    assert_int_equal(post(&w, NATIONAL, ID_REGISTRAR, "/v1/notices", json_pack("{}")), RC_DENIED);
    assert_int_equal(count(&w, MUNICIPAL, everything), town);
    assert_int_equal(count(&w, NATIONAL, everything), nation);
    assert_int_equal(count(&w, NATIONAL, "SELECT count(*) FROM usage WHERE action = 'denied' AND name = 'registrar'"), 1);
    assert_int_equal(move_to(&w, r.code, 1), RC_OK); /* and the honest one is served */
    same_world(&w);
    world_free(&w);
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    program = argv[1];
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* goes on through exec: a write fails, as on a full disk */
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_disk_full),
                                        cmocka_unit_test(test_clock_jumps), cmocka_unit_test(test_no_entrance) };
    return cmocka_run_group_tests_name("registry-proof", tests, NULL, NULL);
}

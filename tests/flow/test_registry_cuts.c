/* test_registry_cuts.c — each node in a network of its own, and moves recorded all the time in two municipalities:
 * single links are cut, one direction of a link is, a node is unplugged, killed behind the cut. Who is not cut off goes
 * on; nothing is lost, nothing doubled, the order kept, and afterwards all agree. */
#include "registryworld.h"

#include "base/clock.h"
#include "net/client.h"
#include "registry/ledger.h"
#include "registry/outbox.h"
#include "testnet.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct testnet net;

#define INTAKE(municipality) "SELECT coalesce(max(acknowledged), 0) FROM intake WHERE municipality = '" municipality "'"
#define LAST "SELECT last FROM outbox WHERE peer = 'national'"
#define THERE_ADDRESS "東京都千代田区丸の内一丁目１番１号"

/* A registrar who records one move after the other, each until it is done; the person is always the same one. */
struct load {
    struct world *w;
    enum who who;
    int id;
    const char *address;
    char code[12];
    pthread_t thread;
    atomic_bool stop;
    atomic_int done;
};

static enum rc load_move(struct load *load, struct client *client, int number)
{
    char address[120], request[24];
    snprintf(address, sizeof address, "%s第%d号", load->address, number % 100);
    snprintf(request, sizeof request, "load-%d", number);
    json_t *body = json_pack("{s:s, s:s, s:s, s:s}", "code", load->code, "address", address, "date", "2026-01-05",
                             "request", request);
    enum rc rc = client_json(client, "POST", "/v1/residents/move", body, NULL, NULL);
    json_decref(body);
    return rc;
}

static void *load_run(void *context)
{
    struct load *load = context;
    struct client *client = NULL;
    if (client_open(load->w->nodes[load->who].url, &load->w->ids[load->id], 1, &client, NULL))
        return NULL;
    while (!load->stop) {
        if (load_move(load, client, load->done + 1) == RC_OK)
            load->done++;
        pause_ms(4);
    }
    client_close(client);
    return NULL;
}

static void load_start(struct load *load, struct world *w, enum who who, int id, const char *address)
{
    *load = (struct load){.w = w, .who = who, .id = id, .address = address};
    struct store *store = NULL;
    struct statement *s = NULL;
    enum node_role role;
    char municipality[7];
    assert_int_equal(ledger_open_any(w->nodes[who].store, &role, municipality, &store, NULL), RC_OK);
    assert_int_equal(store_prepare(store, "SELECT max(code) FROM resident", &s, NULL), RC_OK);
    assert_int_equal(statement_step(s, NULL), RC_OK);
    snprintf(load->code, sizeof load->code, "%s", column_text(s, 0));
    statement_done(s);
    store_close(store);
    assert_int_equal(pthread_create(&load->thread, NULL, load_run, load), 0);
}

/* The number that a query gives becomes larger than it is now by some steps. */
static void goes_on(struct world *w, enum who who, const char *sql)
{
    int64_t now = count(w, who, sql), then = now;
    for (int i = 0; i < 300 && (then = count(w, who, sql)) < now + 3; i++)
        pause_ms(20);
    if (then < now + 3)
        fail_msg("stands still at %lld: %s", (long long)then, sql);
}

/* Once what was on its way has arrived, the number stays for a while. */
static void stands_still(struct world *w, enum who who, const char *sql)
{
    pause_ms(150);
    int64_t now = count(w, who, sql);
    pause_ms(350);
    assert_int_equal(count(w, who, sql), now);
}

/* What `jpki-registry status` says of a line: whether something waits, since when, and why. */
static void status_says(struct world *w, const char *peer, bool held)
{
    struct store *store = NULL;
    enum node_role role;
    char municipality[7];
    struct outbox_lag lag;
    const char *status[] = {"status", "--store", w->nodes[MUNICIPAL].store, NULL};
    assert_int_equal(run_wait(status), 0);
    assert_int_equal(ledger_open_any(w->nodes[MUNICIPAL].store, &role, municipality, &store, NULL), RC_OK);
    for (int i = 0; i < 200; i++) {
        assert_int_equal(outbox_lag(store, peer, &lag, NULL), RC_OK);
        if (held == (lag.error[0] != '\0'))
            break;
        pause_ms(20);
    }
    store_close(store);
    if (held != (lag.error[0] != '\0') || (held && (lag.state.last == lag.state.acknowledged || !lag.oldest)))
        fail_msg("%s: %lld waiting since %lld, '%s'", peer, (long long)(lag.state.last - lag.state.acknowledged),
                 (long long)lag.oldest, lag.error);
}

static void link_cut(size_t one, size_t other, bool cut)
{
    testnet_drop(&net, one, other, cut);
    testnet_drop(&net, other, one, cut);
}

/* Every notice of the municipality is at the nation, once and in its order, and the history of both is the same. */
static void all_told(struct world *w, enum who who, const char *municipality, int64_t history)
{
    char sql[300];
    await(w, who, TOLD, 0);
    int64_t last = count(w, who, LAST);
    assert_int_equal(count(w, who, "SELECT count(*) FROM history"), history);
    snprintf(sql, sizeof sql, "SELECT count(*) FROM received WHERE municipality = '%s' AND sequence BETWEEN 1 AND %lld",
             municipality, (long long)last);
    assert_int_equal(count(w, NATIONAL, sql), last);
    snprintf(sql, sizeof sql, "SELECT count(*) FROM history WHERE municipality = '%s'", municipality);
    assert_int_equal(count(w, NATIONAL, sql), history);
    /* the order of the notices is that of the revisions */
    snprintf(sql, sizeof sql,
             "SELECT count(*) FROM notice a JOIN notice b ON a.code = b.code AND a.revision < b.revision "
             "WHERE a.sequence > b.sequence");
    assert_int_equal(count(w, who, sql), 0);
}

static void test_single_links(void **state)
{
    (void)state;
    struct world w;
    struct load here, there;
    struct resident r;
    char day[11];
    world_new_apart(&w, "20", &net);
    world_populate(&w, OTHER, THERE, "20");
    start(&w, NATIONAL, NULL);
    start(&w, PREFECTURE, NULL);
    start(&w, OTHER, NULL);
    start(&w, MUNICIPAL, NULL);
    load_start(&here, &w, MUNICIPAL, ID_REGISTRAR, "鹿児島県鹿児島市荒田二丁目７番");
    load_start(&there, &w, OTHER, ID_OTHER_REGISTRAR, THERE_ADDRESS);
    goes_on(&w, NATIONAL, INTAKE(HERE));
    goes_on(&w, NATIONAL, INTAKE(THERE));

    /* one municipality and the nation: everybody else, and that municipality itself, goes on */
    link_cut(MUNICIPAL, NATIONAL, true);
    stands_still(&w, NATIONAL, INTAKE(HERE));
    goes_on(&w, MUNICIPAL, LAST);
    goes_on(&w, NATIONAL, INTAKE(THERE));
    goes_on(&w, PREFECTURE, INTAKE(HERE));
    struct store *store = NULL; /* what waits is counted while the request that is on its way may still be answered */
    struct outbox_lag lag;
    enum node_role role;
    char municipality[7];
    assert_int_equal(ledger_open_any(w.nodes[MUNICIPAL].store, &role, municipality, &store, NULL), RC_OK);
    assert_int_equal(outbox_lag(store, OUTBOX_NATIONAL, &lag, NULL), RC_OK);
    store_close(store);
    assert_true(lag.oldest > 0 && lag.state.last > lag.state.acknowledged + 2);
    status_says(&w, OUTBOX_PREFECTURE, false);
    pick(&w, &r);
    day_of(clock_now(), day);
    assert_int_equal(post(&w, MUNICIPAL, ID_REGISTRAR, "/v1/moves/leave",
                          json_pack("{s:s, s:s, s:s, s:s, s:s}", "code", r.code, "to", THERE, "address", THERE_ADDRESS,
                                    "date", day, "request", "leave")),
                     RC_OK);
    await(&w, OTHER, "SELECT count(*) FROM incoming", 1); /* from municipality to municipality */
    link_cut(MUNICIPAL, NATIONAL, false);
    goes_on(&w, NATIONAL, INTAKE(HERE));
    status_says(&w, OUTBOX_NATIONAL, false);
    testnet_plug(&net, PREFECTURE, false);
    goes_on(&w, NATIONAL, INTAKE(HERE));
    stop(&w.nodes[PREFECTURE], SIGKILL);
    testnet_plug(&net, PREFECTURE, true); /* nobody listens there: that is said at once */
    status_says(&w, OUTBOX_PREFECTURE, true);
    start(&w, PREFECTURE, NULL);
    status_says(&w, OUTBOX_PREFECTURE, false);

    /* the nation hears and its answers are lost; the municipality dies without having heard one */
    testnet_drop(&net, NATIONAL, MUNICIPAL, true);
    pause_ms(200);
    stands_still(&w, MUNICIPAL, "SELECT acknowledged FROM outbox WHERE peer = 'national'");
    goes_on(&w, MUNICIPAL, LAST);
    stop(&w.nodes[MUNICIPAL], SIGKILL);
    testnet_drop(&net, NATIONAL, MUNICIPAL, false);
    start(&w, MUNICIPAL, NULL);
    goes_on(&w, NATIONAL, INTAKE(HERE));

    /* the nation is unplugged, dies meanwhile, and comes back */
    testnet_plug(&net, NATIONAL, false);
    goes_on(&w, MUNICIPAL, LAST);
    goes_on(&w, OTHER, LAST);
    goes_on(&w, PREFECTURE, INTAKE(HERE));
    stop(&w.nodes[NATIONAL], SIGKILL);
    start(&w, NATIONAL, NULL);
    testnet_plug(&net, NATIONAL, true);
    goes_on(&w, NATIONAL, INTAKE(THERE));
    goes_on(&w, NATIONAL, INTAKE(HERE));

    /* both municipalities die under load, one with a clock that has jumped a day ahead */
    stop(&w.nodes[OTHER], SIGKILL);
    stop(&w.nodes[MUNICIPAL], SIGKILL);
    setenv("JPKI_CLOCK", "+86400", 1);
    start(&w, OTHER, NULL);
    unsetenv("JPKI_CLOCK");
    start(&w, MUNICIPAL, NULL);
    goes_on(&w, NATIONAL, INTAKE(THERE));
    goes_on(&w, NATIONAL, INTAKE(HERE));

    here.stop = there.stop = true;
    assert_int_equal(pthread_join(here.thread, NULL), 0);
    assert_int_equal(pthread_join(there.thread, NULL), 0);
    all_told(&w, MUNICIPAL, HERE, 20 + 1 + here.done); /* the one who left */
    all_told(&w, OTHER, THERE, 20 + there.done);
    await(&w, MUNICIPAL, "SELECT last - acknowledged FROM outbox WHERE peer = 'prefecture'", 0);
    assert_int_equal(count(&w, PREFECTURE, "SELECT count(*) FROM history"), 21 + here.done);
    const char *reconcile[] = {"reconcile",           "--store", w.nodes[MUNICIPAL].store, "--identity",
                               w.paths[ID_MUNICIPAL], "--with",  w.nodes[NATIONAL].url,    NULL};
    assert_int_equal(run_wait(reconcile), 0);
    print_message("          %d moves here, %d there\n", here.done, there.done);
    world_free(&w);
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    program = argv[1];
    signal(SIGPIPE, SIG_IGN);
    if (!testnet_new(&net))
        return 1;
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_single_links)};
    int failed = cmocka_run_group_tests_name("registry-cuts", tests, NULL, NULL);
    testnet_free(&net);
    return failed;
}

/* test_registry_nodes.c — a municipal node and the national node as processes, over mutual TLS: a town's notices arrive, a
 * certificate is linked and confirmed, a move revokes through an event, strangers change nothing, and nodes that are
 * killed at any moment end in the same world. The authorities are played by a small server of the test. */
#include "net/server.h"
#include "registry/certlink.h"
#include "registry/municipal.h"
#include "registry/outbox.h"
#include "testops.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/proc.h"
#include "net/json.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define HERE "462012"
#define THERE "131016"
#define NOT_AFTER 4000000000

static const char *program;

enum who { MUNICIPAL, NATIONAL, NODES };
enum { ID_MUNICIPAL, ID_NATIONAL, ID_OFFICER, ID_REGISTRAR, ID_VERIFIER, ID_CA, ID_OTHER_NODE, ID_OTHER_OFFICER, IDS };

static const struct {
    enum role role;
    const char *municipality, *name;
} people[IDS] = {
    { ROLE_NODE_MUNICIPAL, HERE, "kagoshima" },  { ROLE_NODE_NATIONAL, "000000", "national" },
    { ROLE_DESK_OFFICER, HERE, "officer" },      { ROLE_REGISTRAR, HERE, "registrar" },
    { ROLE_VERIFIER, "000000", "verifier" },     { ROLE_CA, "000000", "ca" },
    { ROLE_NODE_MUNICIPAL, THERE, "chiyoda" },   { ROLE_DESK_OFFICER, THERE, "stranger" },
};

struct process {
    pid_t pid;
    char port[8], url[40], store[96], pid_file[96], log[96];
};

struct world {
    struct testops ops;
    struct identity ids[IDS];
    char *paths[IDS];
    struct process nodes[NODES];
    struct server *ca;
    pthread_mutex_t lock;
    int64_t applied, refusals; /* the last event the authorities took; how often they fail first */
    unsigned revoked, heard;   /* certificates in events taken once; requests heard */
    char last_event[32];
};

/* The authorities: each event once, in order; known ones answered again; may fail first. */
static enum rc ca_on_event(void *context, const struct request *request, struct response *response, struct err *err)
{
    struct world *w = context;
    json_t *body = NULL, *certificates;
    int64_t sequence;
    const char *event;
    enum rc rc = json_read(request->body, &body, err);
    if (!rc && !(rc = json_want_integer(body, "sequence", &sequence, err)) &&
        !(rc = json_want_text(body, "event", 31, &event, err)) &&
        !(rc = json_want_array(body, "certificates", &certificates, err))) {
        pthread_mutex_lock(&w->lock);
        w->heard++;
        if (w->refusals > 0) {
            w->refusals--;
            rc = err_set(err, RC_IO, "out of order today");
        } else if (sequence > w->applied + 1) {
            response->status = 409;
            json_t *answer = json_error(RC_CONFLICT, "gap");
            json_object_set_new(answer, "expected", json_integer(w->applied + 1));
            rc = json_write(answer, &response->body);
            json_decref(answer);
        } else {
            if (sequence == w->applied + 1) {
                w->applied = sequence;
                w->revoked += (unsigned)json_array_size(certificates);
                snprintf(w->last_event, sizeof w->last_event, "%s", event);
            }
            rc = buf_printf(&response->body, "{\"sequence\":%lld}", (long long)sequence);
        }
        pthread_mutex_unlock(&w->lock);
    }
    json_decref(body);
    return rc;
}

static const struct route ca_routes[] = {
    { "POST", "/v1/events", ROLE_BIT(ROLE_NODE_NATIONAL), ca_on_event },
    { 0 },
};

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec) { ms / 1000, ms % 1000 * 1000000 }, NULL);
}

static pid_t run(const char *fault, const char *const *args)
{
    pid_t pid = fork();
    if (pid == 0) {
        proc_die_with_parent(); /* a failed test leaves no node behind */
        const char *argv[32] = { program };
        for (size_t i = 0; args[i] && i < 30; i++)
            argv[i + 1] = args[i];
        if (fault)
            setenv("JPKI_FAULT", fault, 1);
        execv(program, (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    return pid;
}

static int run_wait(const char *const *args)
{
    int status;
    pid_t pid = run(NULL, args);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Whether a node has died; collects it. */
static bool died(struct process *node)
{
    if (node->pid && waitpid(node->pid, NULL, WNOHANG) == node->pid)
        node->pid = 0;
    return node->pid == 0;
}

static void read_port(struct process *node)
{
    struct buf text = { 0 };
    assert_int_equal(file_read(node->log, &text, NULL), RC_OK);
    const char *at = strstr(buf_string(&text), "listens on port ");
    assert_non_null(at);
    unsigned port = (unsigned)strtoul(at + strlen("listens on port "), NULL, 10) & 0xFFFF;
    snprintf(node->port, sizeof node->port, "%u", port);
    snprintf(node->url, sizeof node->url, "https://127.0.0.1:%u", port);
    buf_wipe(&text);
}

/* Starts a node and waits until it serves. False when it died before (a fault). */
static bool start(struct world *w, enum who who, const char *fault)
{
    struct process *node = &w->nodes[who];
    char target[40];
    snprintf(target, sizeof target, "https://127.0.0.1:%u", server_port(w->ca));
    unlink(node->pid_file);
    const char *const args[] = {
        "serve", "--role", who == MUNICIPAL ? "municipal" : "national", "--store", node->store, "--identity",
        w->paths[who == MUNICIPAL ? ID_MUNICIPAL : ID_NATIONAL], "--port", node->port[0] ? node->port : "0",
        who == MUNICIPAL ? "--national" : "--ca", who == MUNICIPAL ? w->nodes[NATIONAL].url : target, "--pid-file",
        node->pid_file, "--log", node->log, NULL,
    };
    node->pid = run(fault, args);
    for (int i = 0; i < 1500; i++) {
        if (access(node->pid_file, F_OK) == 0) {
            if (!node->port[0])
                read_port(node);
            return true;
        }
        if (died(node)) {
            if (!fault)
                fail_msg("the %s node did not start; see %s", args[2], node->log);
            return false;
        }
        pause_ms(10);
    }
    fail_msg("the %s node is not ready", args[2]);
    return false;
}

static void stop(struct process *node, int signal_number)
{
    if (!node->pid)
        return;
    kill(node->pid, signal_number);
    int status = 0;
    waitpid(node->pid, &status, 0);
    node->pid = 0;
    if (signal_number == SIGTERM && !(WIFEXITED(status) && WEXITSTATUS(status) == 0))
        fail_msg("a node did not stop cleanly (%d)", status);
}

static void world_new(struct world *w, const char *residents)
{
    memset(w, 0, sizeof *w);
    pthread_mutex_init(&w->lock, NULL);
    testops_new(&w->ops);
    for (size_t i = 0; i < IDS; i++) {
        w->paths[i] = testops_identity(&w->ops, people[i].role, people[i].municipality, people[i].name);
        assert_int_equal(identity_open(w->paths[i], &w->ids[i], NULL), RC_OK);
    }
    static const char *const names[] = { "municipal", "national" };
    for (size_t i = 0; i < NODES; i++) {
        struct process *node = &w->nodes[i];
        snprintf(node->store, sizeof node->store, "%s/%s.db", w->ops.folder, names[i]);
        snprintf(node->pid_file, sizeof node->pid_file, "%s/%s.pid", w->ops.folder, names[i]);
        snprintf(node->log, sizeof node->log, "%s/%s.log", w->ops.folder, names[i]);
    }
    const struct server_settings settings = { .identity = &w->ids[ID_CA], .routes = ca_routes, .context = w };
    assert_int_equal(server_start(&settings, &w->ca, NULL), RC_OK);
    const char *const populate[] = { "populate", "--store", w->nodes[MUNICIPAL].store, "--municipality", HERE,
                                     "--residents", residents, NULL };
    assert_int_equal(run_wait(populate), 0);
}

static void world_free(struct world *w)
{
    stop(&w->nodes[MUNICIPAL], SIGTERM);
    stop(&w->nodes[NATIONAL], SIGTERM);
    server_stop(w->ca);
    for (size_t i = 0; i < IDS; i++) {
        identity_close(&w->ids[i]);
        free(w->paths[i]);
    }
    testops_free(&w->ops);
    pthread_mutex_destroy(&w->lock);
}

static int64_t count(struct world *w, enum who who, const char *sql)
{
    struct store *store = NULL;
    enum node_role role;
    char municipality[7];
    int64_t n = -1;
    assert_int_equal(ledger_open_any(w->nodes[who].store, &role, municipality, &store, NULL), RC_OK);
    assert_int_equal(ledger_count(store, sql, &n, NULL), RC_OK);
    store_close(store);
    return n;
}

/* Waits for a number to become what it shall be. */
static void await(struct world *w, enum who who, const char *sql, int64_t want)
{
    int64_t n = -1;
    for (int i = 0; i < 400 && (n = count(w, who, sql)) != want; i++)
        pause_ms(50);
    if (n != want)
        fail_msg("%s: %lld, not %lld", sql, (long long)n, (long long)want);
}

/* The first grown-up in the order of codes, straight from the store. */
static void pick(struct world *w, struct resident *resident)
{
    struct store *store = NULL;
    enum node_role role;
    char municipality[7];
    struct ledger_row row;
    struct statement *s = NULL;
    assert_int_equal(ledger_open_any(w->nodes[MUNICIPAL].store, &role, municipality, &store, NULL), RC_OK);
    assert_int_equal(store_prepare(store, "SELECT code FROM resident WHERE birth < '4' ORDER BY code LIMIT 1", &s, NULL), RC_OK);
    assert_int_equal(statement_step(s, NULL), RC_OK);
    assert_int_equal(ledger_find_code(store, column_text(s, 0), &row, NULL), RC_OK);
    statement_done(s);
    store_close(store);
    *resident = row.resident;
}

static enum rc find(struct world *w, int id, const char *code, struct resident *resident)
{
    struct registry_client *client = NULL;
    enum rc rc = registry_open(w->nodes[MUNICIPAL].url, &w->ids[id], &client, NULL);
    if (!rc)
        rc = registry_find_resident(client, code, NULL, NULL, NULL, resident, NULL);
    registry_close(client);
    return rc;
}

static const struct certificate_link links[] = { { AUTHORITY_SIGN, "0A01", NOT_AFTER }, { AUTHORITY_AUTH, "0B01", NOT_AFTER } };

static enum rc link_cards(struct world *w, int id, const struct resident *resident)
{
    struct registry_client *client = NULL;
    struct err err = { 0 };
    enum rc rc = registry_open(w->nodes[MUNICIPAL].url, &w->ids[id], &client, &err);
    if (!rc)
        rc = registry_link_certificates(client, resident, links, 2, &err);
    registry_close(client);
    return rc;
}

static enum rc confirm(struct world *w, int id, enum authority authority, const char *serial, struct confirmation *confirmation)
{
    struct registry_client *client = NULL;
    enum rc rc = registry_open(w->nodes[NATIONAL].url, &w->ids[id], &client, NULL);
    if (!rc)
        rc = registry_confirm(client, authority, serial, confirmation, NULL);
    registry_close(client);
    return rc;
}

static enum rc post(struct world *w, enum who who, int id, const char *path, json_t *body)
{
    struct client *client = NULL;
    json_t *answer = NULL;
    enum rc rc = client_open(w->nodes[who].url, &w->ids[id], 10, &client, NULL);
    if (!rc)
        rc = client_json(client, "POST", path, body, &answer, NULL);
    json_decref(answer);
    json_decref(body);
    client_close(client);
    return rc;
}

static enum rc move(struct world *w, int id, const char *code, const char *address, const char *request)
{
    return post(w, MUNICIPAL, id, "/v1/residents/move",
                json_pack("{s:s, s:s, s:s, s:s}", "code", code, "address", address, "date", "2026-01-05", "request", request));
}

#define TOLD "SELECT last - acknowledged FROM outbox WHERE peer = 'national'"
#define HEARD "SELECT acknowledged FROM outbox WHERE peer = 'ca'"
#define REVOKED "SELECT last - acknowledged FROM outbox WHERE peer = 'ca'"
#define ALL_SUM "SELECT coalesce(sum(revision * 7 + length(name) * 31 + length(address) * 13 + substr(code, 1, 10) % 100003), 0) FROM resident"

static void same_world(struct world *w)
{
    await(w, MUNICIPAL, TOLD, 0);
    assert_int_equal(count(w, MUNICIPAL, "SELECT count(*) FROM history"), count(w, NATIONAL, "SELECT count(*) FROM history"));
    assert_int_equal(count(w, MUNICIPAL, ALL_SUM), count(w, NATIONAL, ALL_SUM));
    assert_int_equal(count(w, MUNICIPAL, "SELECT last FROM outbox WHERE peer = 'national'"),
                     count(w, NATIONAL, "SELECT acknowledged FROM intake"));
}

static void not_in_log(const struct process *node, const char *text)
{
    struct buf log = { 0 };
    assert_int_equal(file_read(node->log, &log, NULL), RC_OK);
    if (strstr(buf_string(&log), text))
        fail_msg("%s holds personal data", node->log);
    buf_wipe(&log);
}

static void test_story(void **state)
{
    (void)state;
    struct world w;
    struct resident resident, found;
    struct confirmation confirmation;
    world_new(&w, "1000");
    start(&w, NATIONAL, NULL);
    start(&w, MUNICIPAL, NULL);
    await(&w, NATIONAL, "SELECT count(*) FROM resident", 1000);
    same_world(&w);

    pick(&w, &resident);
    assert_int_equal(find(&w, ID_OFFICER, resident.code, &found), RC_OK);
    assert_memory_equal(&found, &resident, sizeof found);
    assert_int_equal(confirm(&w, ID_VERIFIER, AUTHORITY_SIGN, "0A01", &confirmation), RC_OK);
    assert_int_equal(confirmation.status, CONFIRM_UNKNOWN);
    assert_int_equal(link_cards(&w, ID_OFFICER, &found), RC_OK);
    assert_int_equal(link_cards(&w, ID_OFFICER, &found), RC_OK); /* again */
    assert_int_equal(confirm(&w, ID_VERIFIER, AUTHORITY_SIGN, "0A01", &confirmation), RC_OK); /* at once: it was acknowledged */
    assert_int_equal(confirmation.status, CONFIRM_CURRENT);
    assert_string_equal(confirmation.node, "national");
    assert_true(llabs((long long)(confirmation.as_of - clock_now())) < 60);

    w.refusals = 2; /* the authorities fail twice first */
    assert_int_equal(move(&w, ID_REGISTRAR, resident.code, "鹿児島県鹿児島市荒田二丁目７番７号", "story-1"), RC_OK);
    await(&w, NATIONAL, HEARD, 1);
    assert_int_equal(move(&w, ID_REGISTRAR, resident.code, "鹿児島県鹿児島市荒田二丁目７番７号", "story-1"), RC_OK);
    same_world(&w);
    assert_int_equal(w.applied, 1);
    assert_int_equal(w.revoked, 2);
    assert_int_equal(w.heard, 3);
    assert_string_equal(w.last_event, "attributes-changed");
    assert_int_equal(confirm(&w, ID_VERIFIER, AUTHORITY_SIGN, "0A01", &confirmation), RC_OK);
    assert_int_equal(confirmation.status, CONFIRM_CHANGED);
    assert_true(llabs((long long)(confirmation.since - clock_now())) < 60);
    assert_int_equal(link_cards(&w, ID_OFFICER, &found), RC_OK); /* linked before: the same again is the same */

    /* each look-up stands in the record of use, none in the log */
    assert_int_equal(count(&w, MUNICIPAL, "SELECT count(*) FROM usage WHERE action = 'find' AND name = 'officer'"), 1);
    assert_int_equal(count(&w, NATIONAL, "SELECT count(*) FROM usage WHERE action = 'confirm' AND name = 'verifier'"), 3);
    for (int i = 0; i < NODES; i++) {
        not_in_log(&w.nodes[i], resident.code);
        not_in_log(&w.nodes[i], resident.attributes.name);
        not_in_log(&w.nodes[i], "荒田");
    }
    world_free(&w);
}

static void test_refusals(void **state)
{
    (void)state;
    struct world w;
    struct resident resident, found;
    struct confirmation confirmation;
    world_new(&w, "30");
    start(&w, NATIONAL, NULL);
    start(&w, MUNICIPAL, NULL);
    same_world(&w);
    pick(&w, &resident);
    static const char everything[] = "SELECT (SELECT count(*) FROM history) + 100 * (SELECT count(*) FROM link) + 10000 * "
                                     "(SELECT sum(last) FROM outbox) + 1000000 * (SELECT coalesce(sum(acknowledged), 0) FROM intake)";
    int64_t town = count(&w, MUNICIPAL, everything), nation = count(&w, NATIONAL, everything);

    assert_int_equal(find(&w, ID_OTHER_OFFICER, resident.code, &found), RC_DENIED); /* another municipality's officer */
    assert_int_equal(find(&w, ID_VERIFIER, resident.code, &found), RC_DENIED);      /* another role */
    assert_int_equal(find(&w, ID_OFFICER, "24727059609", &found), RC_FORMAT);
    assert_int_equal(find(&w, ID_OFFICER, "00000000000", &found), RC_NOT_FOUND);
    assert_int_equal(link_cards(&w, ID_REGISTRAR, &resident), RC_DENIED);
    assert_int_equal(link_cards(&w, ID_OTHER_OFFICER, &resident), RC_DENIED);
    assert_int_equal(move(&w, ID_OFFICER, resident.code, "鹿児島県鹿児島市荒田二丁目７番７号", "r-1"), RC_DENIED);
    assert_int_equal(confirm(&w, ID_OFFICER, AUTHORITY_SIGN, "0A01", &confirmation), RC_DENIED);
    assert_int_equal(confirmation.status, CONFIRM_NOT_ASKED);
    struct resident stale = resident;
    strcpy(stale.attributes.name, "別人　太郎");
    assert_int_equal(link_cards(&w, ID_OFFICER, &stale), RC_CONFLICT);

    /* another municipality's node speaks of our resident; its certificate counts, not its words */
    struct notice notice = { .sequence = 1, .kind = NOTICE_RECORD, .reason = REASON_EX_OFFICIO, .date = "2026-01-05",
                             .recorded = 1767600000, .resident = resident };
    assert_int_equal(post(&w, NATIONAL, ID_OTHER_NODE, "/v1/notices", json_pack("{s:[o]}", "notices", notice_to_json(&notice))), RC_DENIED);
    notice.reason = REASON_FIRST;
    assert_int_equal(post(&w, NATIONAL, ID_OTHER_NODE, "/v1/notices", json_pack("{s:[o]}", "notices", notice_to_json(&notice))), RC_DENIED);
    notice.sequence = 2;
    assert_int_equal(post(&w, NATIONAL, ID_OTHER_NODE, "/v1/notices", json_pack("{s:[o]}", "notices", notice_to_json(&notice))), RC_CONFLICT);
    assert_int_equal(post(&w, NATIONAL, ID_OFFICER, "/v1/notices", json_pack("{s:[o]}", "notices", notice_to_json(&notice))), RC_DENIED);
    static const char *const bodies[] = { "[]", "{}", "{\"notices\":7}", "{\"notices\":[7]}", "{\"notices\":[{}]}" };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
        assert_int_equal(post(&w, NATIONAL, ID_OTHER_NODE, "/v1/notices", json_loads(bodies[i], 0, NULL)), RC_FORMAT);
    assert_int_equal(count(&w, MUNICIPAL, everything), town);
    assert_int_equal(count(&w, NATIONAL, everything), nation);
    world_free(&w);
}

static void test_program(void **state)
{
    (void)state;
    struct world w;
    world_new(&w, "7");
    const char *store = w.nodes[MUNICIPAL].store;
    const char *folder = w.paths[ID_MUNICIPAL], *officer = w.paths[ID_OFFICER], *other = w.paths[ID_OTHER_NODE];
    const struct {
        const char *flaw, *args[16];
        int want;
    } rows[] = {
        { "help", { "--help" }, 0 },
        { "a command's help", { "serve", "--help" }, 0 },
        { "no command", { NULL }, 2 },
        { "another command", { "dance" }, 2 },
        { "no store", { "populate", "--municipality", HERE, "--residents", "5" }, 2 },
        { "no residents", { "populate", "--store", store, "--municipality", HERE, "--residents", "0" }, 2 },
        { "residents there already", { "populate", "--store", store, "--municipality", HERE, "--residents", "5" }, 1 },
        { "another town's store", { "populate", "--store", store, "--municipality", THERE, "--residents", "5" }, 1 },
        { "wrong check digit", { "populate", "--store", store, "--municipality", "462013", "--residents", "5" }, 1 },
        { "no such role", { "serve", "--role", "king", "--store", store, "--identity", folder, "--port", "0" }, 2 },
        { "port out of range", { "serve", "--role", "municipal", "--store", store, "--identity", folder, "--port", "65536" }, 2 },
        { "CA for a municipal node", { "serve", "--role", "municipal", "--store", store, "--identity", folder, "--port", "0", "--ca", "https://127.0.0.1:1" }, 2 },
        { "an officer's identity", { "serve", "--role", "municipal", "--store", store, "--identity", officer, "--port", "0" }, 1 },
        { "another municipality's identity", { "serve", "--role", "municipal", "--store", store, "--identity", other, "--port", "0" }, 1 },
        { "another role's store", { "serve", "--role", "national", "--store", store, "--identity", w.paths[ID_NATIONAL], "--port", "0" }, 1 },
        { "no such identity", { "serve", "--role", "municipal", "--store", store, "--identity", "/nonexistent", "--port", "0" }, 1 },
        { "code and name", { "find", "--node", "https://127.0.0.1:1", "--identity", officer, "--code", "1", "--name", "x" }, 2 },
        { "nobody there", { "find", "--node", "https://127.0.0.1:1", "--identity", officer, "--code", "24727059608" }, 1 },
        { "no such authority", { "confirm", "--node", "https://127.0.0.1:1", "--identity", officer, "--authority", "ops", "--serial", "01" }, 2 },
        { "sample", { "sample", "--store", store, "--count", "3", "--adult" }, 0 },
        { "status", { "status", "--store", store }, 0 },
        { "status of nothing", { "status", "--store", "/nonexistent/x.db" }, 1 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (run_wait(rows[i].args) != rows[i].want)
            fail_msg("%s: not exit status %d", rows[i].flaw, rows[i].want);
    world_free(&w);
}

/* Both nodes are killed again and again while a town's notices travel and people move. */
static void test_killed_anywhere(void **state)
{
    (void)state;
    struct world w;
    struct resident resident;
    world_new(&w, "3000");
    start(&w, NATIONAL, NULL);
    start(&w, MUNICIPAL, NULL);
    pick(&w, &resident);
    for (int round = 0; round < 8; round++) {
        char address[100], request[24];
        snprintf(address, sizeof address, "鹿児島県鹿児島市荒田二丁目%d番", round + 1);
        snprintf(request, sizeof request, "round-%d", round);
        enum who who = round % 2 ? MUNICIPAL : NATIONAL;
        pause_ms(7 + 13 * round);
        stop(&w.nodes[who], SIGKILL);
        if (who == NATIONAL) { /* the municipality works on */
            assert_int_equal(move(&w, ID_REGISTRAR, resident.code, address, request), RC_OK);
            start(&w, who, NULL);
        } else {
            start(&w, who, NULL);
            assert_int_equal(move(&w, ID_REGISTRAR, resident.code, address, request), RC_OK);
        }
    }
    same_world(&w);
    assert_int_equal(count(&w, NATIONAL, "SELECT count(*) FROM resident"), 3000);
    assert_int_equal(count(&w, NATIONAL, "SELECT count(*) FROM history"), 3008);
    world_free(&w);
}

/* Until it is done, a node that died is started again: what an operator and a retrying desk do. */
static void revive(struct world *w)
{
    for (int who = NATIONAL; who >= MUNICIPAL; who--)
        if (died(&w->nodes[who]))
            start(w, (enum who)who, NULL);
}

/* A story in which one node dies at a named point; the end must be that of a story without. */
static bool faulty_story(enum who who, const char *fault)
{
    struct world w;
    struct resident resident, found;
    struct confirmation confirmation = { 0 };
    const char *at = "鹿児島県鹿児島市荒田二丁目７番７号";
    world_new(&w, "20");
    bool fired = false;
    if (!start(&w, NATIONAL, who == NATIONAL ? fault : NULL))
        fired = true;
    revive(&w);
    if (who == MUNICIPAL && !start(&w, MUNICIPAL, fault))
        fired = true;
    pid_t first = w.nodes[who].pid;
    revive(&w);
    pick(&w, &resident);
    enum rc rc = RC_BUG;
    for (int i = 0; i < 8 && (rc = find(&w, ID_OFFICER, resident.code, &found)); i++)
        revive(&w);
    assert_int_equal(rc, RC_OK);
    for (int i = 0; i < 8; i++) {
        pid_t before = w.nodes[NATIONAL].pid;
        for (int k = 0; k < 40 && count(&w, MUNICIPAL, TOLD) != 0 && w.nodes[NATIONAL].pid == before; k++) {
            revive(&w);
            pause_ms(50);
        }
        if (!(rc = link_cards(&w, ID_OFFICER, &found)))
            break;
        revive(&w);
    }
    assert_int_equal(rc, RC_OK);
    for (int i = 0; i < 8 && (rc = confirm(&w, ID_VERIFIER, AUTHORITY_SIGN, "0A01", &confirmation)); i++)
        revive(&w);
    assert_int_equal(rc, RC_OK);
    assert_int_equal(confirmation.status, CONFIRM_CURRENT);
    for (int i = 0; i < 8 && (rc = move(&w, ID_REGISTRAR, resident.code, at, "move")); i++)
        revive(&w);
    assert_int_equal(rc, RC_OK);
    for (int i = 0; i < 200 && (count(&w, MUNICIPAL, TOLD) || count(&w, NATIONAL, HEARD) != 1 || w.applied < 1); i++) {
        revive(&w);
        pause_ms(50);
    }
    revive(&w);
    same_world(&w);
    await(&w, NATIONAL, REVOKED, 0);
    assert_int_equal(w.applied, 1);
    assert_int_equal(w.revoked, 2);
    assert_int_equal(count(&w, NATIONAL, "SELECT count(*) FROM history"), 21);
    assert_int_equal(count(&w, NATIONAL, "SELECT count(*) FROM link"), 2);
    for (int i = 0; i < 8 && (rc = confirm(&w, ID_VERIFIER, AUTHORITY_SIGN, "0A01", &confirmation)); i++)
        revive(&w);
    assert_int_equal(confirmation.status, CONFIRM_CHANGED);
    fired = fired || w.nodes[who].pid != first;
    world_free(&w);
    return fired;
}

static void test_faults(void **state)
{
    (void)state;
    static const struct {
        enum who who;
        const char *fault;
    } rows[] = {
        { MUNICIPAL, "registry.before_link" },        { MUNICIPAL, "registry.before_move" },
        { MUNICIPAL, "registry.before_send" },        { MUNICIPAL, "registry.after_send" },
        { MUNICIPAL, "registry.after_send:2" },       { MUNICIPAL, "registry.before_acknowledge" },
        { MUNICIPAL, "registry.after_acknowledge" },  { MUNICIPAL, "registry.before_acknowledge:2" },
        { MUNICIPAL, "registry.after_acknowledge:3" },{ MUNICIPAL, "store.before_commit" },
        { MUNICIPAL, "store.after_commit" },          { MUNICIPAL, "store.before_commit:2" },
        { MUNICIPAL, "store.after_commit:2" },        { MUNICIPAL, "store.before_commit:3" },
        { MUNICIPAL, "store.after_commit:3" },        { NATIONAL, "store.before_commit" },
        { NATIONAL, "store.after_commit" },           { NATIONAL, "store.before_commit:2" },
        { NATIONAL, "store.after_commit:2" },         { NATIONAL, "registry.before_intake" },
        { NATIONAL, "registry.after_intake" },        { NATIONAL, "registry.before_intake:2" },
        { NATIONAL, "registry.after_intake:2" },      { NATIONAL, "registry.after_intake:3" },
        { NATIONAL, "store.before_commit:4" },        { NATIONAL, "store.after_commit:4" },
        { NATIONAL, "store.before_commit:5" },        { NATIONAL, "store.after_commit:5" },
        { NATIONAL, "store.before_commit:6" },        { NATIONAL, "store.after_commit:6" },
        { NATIONAL, "registry.before_event" },        { NATIONAL, "registry.after_event" },
        { NATIONAL, "registry.before_acknowledge" },  { NATIONAL, "registry.after_acknowledge" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        print_message("          %s\n", rows[i].fault);
        if (!faulty_story(rows[i].who, rows[i].fault))
            fail_msg("%s was never passed", rows[i].fault);
    }
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    program = argv[1];
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest stories[] = {
        cmocka_unit_test(test_story), cmocka_unit_test(test_refusals), cmocka_unit_test(test_program),
        cmocka_unit_test(test_killed_anywhere),
    };
    const struct CMUnitTest faults[] = { cmocka_unit_test(test_faults) };
    if (argc > 2 && strcmp(argv[2], "faults") == 0)
        return cmocka_run_group_tests_name("registry-faults", faults, NULL, NULL);
    return cmocka_run_group_tests_name("registry-nodes", stories, NULL, NULL);
}

/* registryworld.c — the registry's nodes as processes. */
#include "registryworld.h"

#include "testnet.h"
#include "teststore.h"

#include "base/file.h"
#include "base/proc.h"
#include "net/json.h"
#include "registry/ledger.h"
#include "registry/sealed.h"

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

#define NOT_AFTER 4000000000

const char *program;

static const struct {
    enum role role;
    const char *municipality, *name;
} people[IDS] = {
    { ROLE_NODE_MUNICIPAL, HERE, "kagoshima" },  { ROLE_NODE_NATIONAL, "000000", "national" },
    { ROLE_DESK_OFFICER, HERE, "officer" },      { ROLE_REGISTRAR, HERE, "registrar" },
    { ROLE_VERIFIER, "000000", "verifier" },     { ROLE_CA, "000000", "ca" },
    { ROLE_NODE_MUNICIPAL, THERE, "chiyoda" },   { ROLE_DESK_OFFICER, THERE, "stranger" },
    { ROLE_CARD_OFFICER, HERE, "cards" },        { ROLE_COUNTER, HERE, "counter" },
    { ROLE_COUNTER, THERE, "counter-there" },    { ROLE_CARD_OFFICER, THERE, "cards-there" },
    { ROLE_KIOSK, "000000", "kiosk" },           { ROLE_REGISTRAR, THERE, "elsewhere" },
    { ROLE_NODE_PREFECTURAL, THEIR_PREFECTURE, "prefecture" },
    { ROLE_AGENCY, "000000", "nenkin" },         { ROLE_AGENCY, "000000", "builder" },
    { ROLE_DOCUMENT_SEAL, HERE, "kagoshima-seal" }, { ROLE_DOCUMENT_SEAL, THERE, "chiyoda-seal" },
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

void pause_ms(long ms)
{
    nanosleep(&(struct timespec) { ms / 1000, ms % 1000 * 1000000 }, NULL);
}

static pid_t run(const char *fault, pid_t net, const char *const *args)
{
    pid_t pid = fork();
    if (pid == 0) {
        proc_die_with_parent(); /* a failed test leaves no node behind */
        if (net && !testnet_enter(net))
            _exit(126);
        const char *argv[40] = { program };
        for (size_t i = 0; args[i] && i < 38; i++)
            argv[i + 1] = args[i];
        if (fault)
            setenv("JPKI_FAULT", fault, 1);
        execv(program, (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    return pid;
}

int rows_part, rows_parts = 1;

int rows_apart(int parts, int (*group)(void))
{
    pid_t pids[ROWS_PARTS];
    int failed = 0;
    fflush(NULL);
    for (int i = 0; i < parts && i < ROWS_PARTS; i++)
        if ((pids[i] = fork()) == 0) {
            rows_part = i;
            rows_parts = parts;
            exit(group() != 0);
        }
    for (int i = 0; i < parts && i < ROWS_PARTS; i++) {
        int status = 0;
        if (pids[i] < 0 || waitpid(pids[i], &status, 0) != pids[i] || status != 0)
            failed++;
    }
    return failed;
}

int run_wait(const char *const *args)
{
    int status;
    pid_t pid = run(NULL, 0, args);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Whether a node has died; collects it. */
bool died(struct process *node)
{
    if (node->pid && waitpid(node->pid, NULL, WNOHANG) == node->pid)
        node->pid = 0;
    return node->pid == 0;
}

static void read_port(struct process *node)
{
    struct buf text = { 0 };
    assert_int_equal(file_read(node->log, &text, NULL), RC_OK);
    const char *at = NULL; /* the last: a node that died in its start had said another one */
    for (const char *next = buf_string(&text); (next = strstr(next, "listens on port ")); next++)
        at = next;
    assert_non_null(at);
    unsigned port = (unsigned)strtoul(at + strlen("listens on port "), NULL, 10) & 0xFFFF;
    snprintf(node->port, sizeof node->port, "%u", port);
    char url[sizeof node->url];
    snprintf(url, sizeof url, "https://%s:%u", node->host, port);
    memcpy(node->url, url, sizeof url);
    buf_wipe(&text);
}

/* Both municipal nodes with their URLs, as far as they have one. */
static void write_directory(const struct world *w)
{
    struct buf text = { 0 };
    assert_int_equal(buf_append_text(&text, "# nodes\n"), RC_OK);
    for (size_t i = 0; i < ALL_NODES; i++)
        if ((i == MUNICIPAL || i == OTHER) && w->nodes[i].url[0])
            assert_int_equal(buf_printf(&text, "%s %s\n", i == OTHER ? THERE : HERE, w->nodes[i].url), RC_OK);
    assert_int_equal(file_write_atomic(w->directory, buf_bytes(&text), 0600, NULL), RC_OK);
    buf_wipe(&text);
}

/* Starts a node and waits until it serves. False when it died before (a fault). */
bool start(struct world *w, enum who who, const char *fault)
{
    static const struct {
        const char *role;
        int id;
    } rows[ALL_NODES] = { [MUNICIPAL] = { "municipal", ID_MUNICIPAL }, [NATIONAL] = { "national", ID_NATIONAL },
                          [OTHER] = { "municipal", ID_OTHER_NODE }, [PREFECTURE] = { "prefectural", ID_PREFECTURE } };
    struct process *node = &w->nodes[who];
    char target[48];
    bool municipal = who == MUNICIPAL || who == OTHER;
    snprintf(target, sizeof target, "https://%s:%u", w->ca_host, server_port(w->ca));
    unlink(node->pid_file);
    const char *args[34] = { "serve", "--role", rows[who].role, "--store", node->store, "--identity", w->paths[rows[who].id],
                             "--port", node->port[0] ? node->port : "0", "--pid-file", node->pid_file, "--log", node->log, "--bind", node->host, "--retry", "250" };
    const struct {
        const char *option, *value;
        bool wanted;
    } more[] = {
        { "--national", w->nodes[NATIONAL].url, municipal },
        { "--nodes", w->directory, municipal },
        { "--document-seal", w->paths[who == OTHER ? ID_OTHER_SEAL : ID_SEAL], municipal },
        { "--prefecture", w->nodes[PREFECTURE].url, who == MUNICIPAL && w->nodes[PREFECTURE].url[0] },
        { "--auth-ca", w->auth_ca, municipal && w->auth_ca[0] },
        { "--auth-ocsp", w->auth_ocsp, municipal && w->auth_ocsp[0] },
        { "--ca", target, who == NATIONAL },
        { "--sign-ca", w->sign_ca, who == NATIONAL && w->sign_ca[0] },
    };
    size_t count = 17;
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++)
        if (more[i].wanted) {
            args[count++] = more[i].option;
            args[count++] = more[i].value;
        }
    node->pid = run(fault, node->net, args);
    for (int i = 0; i < 1500; i++) {
        if (access(node->pid_file, F_OK) == 0) {
            if (!node->port[0])
                read_port(node);
            write_directory(w);
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

void stop(struct process *node, int signal_number)
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

void world_populate(struct world *w, enum who who, const char *municipality, const char *residents)
{
    const char *const populate[] = { "populate", "--store", w->nodes[who].store, "--municipality", municipality,
                                     "--residents", residents, NULL };
    assert_int_equal(run_wait(populate), 0);
}

void world_new(struct world *w, const char *residents)
{
    world_new_apart(w, residents, NULL);
}

void world_new_apart(struct world *w, const char *residents, const struct testnet *net)
{
    memset(w, 0, sizeof *w);
    pthread_mutex_init(&w->lock, NULL);
    testops_new(&w->ops);
    snprintf(w->ca_host, sizeof w->ca_host, "%s", net ? net->host : "127.0.0.1");
    if (net)
        testnet_names(net, w->ops.hosts, sizeof w->ops.hosts);
    for (size_t i = 0; i < IDS; i++) {
        w->paths[i] = testops_identity(&w->ops, people[i].role, people[i].municipality, people[i].name);
        assert_int_equal(identity_open(w->paths[i], &w->ids[i], NULL), RC_OK);
    }
    static const char *const names[] = { "municipal", "national", "other", "prefecture" };
    snprintf(w->directory, sizeof w->directory, "%s/nodes.txt", w->ops.folder);
    for (size_t i = 0; i < ALL_NODES; i++) {
        struct process *node = &w->nodes[i];
        teststore_url(w->ops.folder, names[i], node->store);
        snprintf(node->pid_file, sizeof node->pid_file, "%s/%s.pid", w->ops.folder, names[i]);
        snprintf(node->log, sizeof node->log, "%s/%s.log", w->ops.folder, names[i]);
        snprintf(node->host, sizeof node->host, "%s", net ? net->places[i].host : "127.0.0.1");
        node->net = net ? net->places[i].holder : 0;
    }
    const struct server_settings settings = { .bind = w->ca_host, .identity = &w->ids[ID_CA], .routes = ca_routes, .context = w };
    assert_int_equal(server_start(&settings, &w->ca, NULL), RC_OK);
    world_populate(w, MUNICIPAL, HERE, residents);
}

void world_free(struct world *w)
{
    stop(&w->nodes[MUNICIPAL], SIGTERM);
    stop(&w->nodes[OTHER], SIGTERM);
    stop(&w->nodes[PREFECTURE], SIGTERM);
    stop(&w->nodes[NATIONAL], SIGTERM);
    server_stop(w->ca);
    for (size_t i = 0; i < IDS; i++) {
        identity_close(&w->ids[i]);
        free(w->paths[i]);
    }
    testops_free(&w->ops);
    pthread_mutex_destroy(&w->lock);
}

static struct store *open_store(const struct world *w, enum who who)
{
    struct store *store = NULL;
    enum node_role role;
    char municipality[7];
    assert_int_equal(ledger_open_any(w->nodes[who].store, &role, municipality, &store, NULL), RC_OK);
    return store;
}

static int64_t count_in(struct store *store, const char *sql)
{
    int64_t n = -1;
    struct err err = { 0 };
    if (ledger_count(store, sql, &n, &err))
        fail_msg("%s: %s", sql, err.text);
    return n;
}

int64_t count(struct world *w, enum who who, const char *sql)
{
    struct store *store = open_store(w, who);
    int64_t n = count_in(store, sql);
    store_close(store);
    return n;
}

/* Waits for a number to become what it shall be. */
void await(struct world *w, enum who who, const char *sql, int64_t want)
{
    struct store *store = open_store(w, who);
    int64_t n = -1;
    for (int i = 0; i < 400 && (n = count_in(store, sql)) != want; i++)
        pause_ms(50);
    store_close(store);
    if (n != want)
        fail_msg("%s: %lld, not %lld", sql, (long long)n, (long long)want);
}

void not_in_log(const struct process *node, const char *text)
{
    struct buf log = { 0 };
    assert_int_equal(file_read(node->log, &log, NULL), RC_OK);
    if (strstr(buf_string(&log), text))
        fail_msg("%s holds personal data", node->log);
    buf_wipe(&log);
}

/* The first grown-up in the order of codes, straight from the store. */
void pick(struct world *w, struct resident *resident)
{
    struct store *store = open_store(w, MUNICIPAL);
    struct ledger_row row;
    struct statement *s = NULL;
    assert_int_equal(store_prepare(store, "SELECT code FROM resident WHERE birth < '4' ORDER BY code LIMIT 1", &s, NULL), RC_OK);
    assert_int_equal(statement_step(s, NULL), RC_OK);
    assert_int_equal(ledger_find_code(store, column_text(s, 0), &row, NULL), RC_OK);
    statement_done(s);
    store_close(store);
    *resident = row.resident;
}

enum rc find(struct world *w, int id, const char *code, struct resident *resident)
{
    struct registry_client *client = NULL;
    enum rc rc = registry_open(w->nodes[MUNICIPAL].url, &w->ids[id], &client, NULL);
    if (!rc)
        rc = registry_find_resident(client, code, NULL, NULL, NULL, resident, NULL);
    registry_close(client);
    return rc;
}

static const struct certificate_link links[] = { { AUTHORITY_SIGN, "0A01", NOT_AFTER }, { AUTHORITY_AUTH, "0B01", NOT_AFTER } };

enum rc link_cards(struct world *w, int id, const struct resident *resident)
{
    struct registry_client *client = NULL;
    struct err err = { 0 };
    enum rc rc = registry_open(w->nodes[MUNICIPAL].url, &w->ids[id], &client, &err);
    if (!rc)
        rc = registry_link_certificates(client, resident, links, 2, &err);
    registry_close(client);
    return rc;
}

enum rc confirm(struct world *w, int id, enum authority authority, const char *serial, struct confirmation *confirmation)
{
    struct registry_client *client = NULL;
    enum rc rc = registry_open(w->nodes[NATIONAL].url, &w->ids[id], &client, NULL);
    if (!rc)
        rc = registry_confirm(client, authority, serial, confirmation, NULL);
    registry_close(client);
    return rc;
}

enum rc post(struct world *w, enum who who, int id, const char *path, json_t *body)
{
    struct client *client = NULL;
    json_t *answer = NULL;
    struct err err = { 0 };
    enum rc rc = client_open(w->nodes[who].url, &w->ids[id], 10, &client, &err);
    if (!rc)
        rc = client_json(client, "POST", path, body, &answer, &err);
    if (rc)
        print_message("          %s: %s %s\n", path, rc_name(rc), err_text(&err, rc));
    json_decref(answer);
    json_decref(body);
    client_close(client);
    return rc;
}

json_t *signed_notice(struct world *w, int id, json_t *notice)
{
    struct opseal *seal = NULL;
    assert_int_equal(opseal_open(&w->ids[id], &seal, NULL), RC_OK);
    assert_int_equal(sealed_sign(seal, notice, NULL), RC_OK);
    json_t *body = json_pack("{s:[o], s:s}", "notices", notice, "certificate", opseal_certificate(seal));
    opseal_close(seal);
    assert_non_null(body);
    return body;
}

enum rc move(struct world *w, int id, const char *code, const char *address, const char *request)
{
    return post(w, MUNICIPAL, id, "/v1/residents/move",
                json_pack("{s:s, s:s, s:s, s:s}", "code", code, "address", address, "date", "2026-01-05", "request", request));
}

json_t *card_issue(const char *code, const char *card, const char *date, const char *request)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "code", code, "card", card, "type", "juki-b", "date", date, "request", request);
}

json_t *card_event(const char *card, const char *event, const char *date, const char *request)
{
    return json_pack("{s:s, s:s, s:s, s:s}", "card", card, "event", event, "date", date, "request", request);
}

#define ALL_SUM "SELECT coalesce(sum(revision * 7 + length(name) * 31 + length(address) * 13 + CAST(substr(code, 1, 10) AS INTEGER) % 100003), 0) FROM resident"

void same_world(struct world *w)
{
    await(w, MUNICIPAL, TOLD, 0);
    assert_int_equal(count(w, MUNICIPAL, "SELECT count(*) FROM history"), count(w, NATIONAL, "SELECT count(*) FROM history"));
    assert_int_equal(count(w, MUNICIPAL, ALL_SUM), count(w, NATIONAL, ALL_SUM));
    assert_int_equal(count(w, MUNICIPAL, "SELECT last FROM outbox WHERE peer = 'national'"),
                     count(w, NATIONAL, "SELECT acknowledged FROM intake"));
}

enum rc move_to(struct world *w, const char *code, int number)
{
    char address[100], request[24];
    snprintf(address, sizeof address, MOVED_TO, number);
    snprintf(request, sizeof request, "move-%d", number);
    return move(w, ID_REGISTRAR, code, address, request);
}

void world_run(struct world *w, const char *residents)
{
    world_new(w, residents);
    start(w, NATIONAL, NULL);
    start(w, MUNICIPAL, NULL);
}

void world_told(struct world *w, const char *residents, struct resident *resident)
{
    world_run(w, residents);
    same_world(w);
    pick(w, resident);
}

/* test_tls.c — our server and our client with certificates of a throw-away authority, and curl and openssl as clients we did
 * not write. */
#include "base/clock.h"
#include "net/client.h"
#include "net/json.h"
#include "net/server.h"
#include "testops.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define BODY_MAX 4096u

static struct {
    struct testops ops, other;
    struct identity server_identity, officer;
    struct server *server;
    char *officer_path;
    char url[64];
    atomic_int calls; /* of any handler */
    atomic_int denied; /* told of */
} world;

static enum rc handle_echo(void *context, const struct request *request, struct response *response, struct err *err)
{
    (void)err;
    assert_ptr_equal(context, &world);
    world.calls++;
    response->content_type = "application/octet-stream";
    return buf_append_bytes(&response->body, request->body);
}

static enum rc handle_json(void *context, const struct request *request, struct response *response, struct err *err)
{
    (void)context;
    world.calls++;
    json_t *in = NULL;
    const char *text;
    enum rc rc = json_read(request->body, &in, err);
    if (rc == RC_OK)
        rc = json_want_text(in, "text", 20, &text, err);
    if (rc == RC_OK) {
        json_t *out = json_pack("{s:s,s:s,s:s,s:s}", "text", text, "role", role_name(request->peer->role), "place",
                                request->peer->municipality, "name", request->peer->name);
        rc = json_write(out, &response->body);
        json_decref(out);
    }
    json_decref(in);
    return rc;
}

static enum rc handle_rest(void *context, const struct request *request, struct response *response, struct err *err)
{
    (void)context;
    (void)err;
    world.calls++;
    const char *q = request->query(request, "q");
    return buf_printf(&response->body, "%s|%s", request->rest, q ? q : "-");
}

static enum rc handle_fail(void *context, const struct request *request, struct response *response, struct err *err)
{
    (void)context;
    world.calls++;
    if (buf_append_text(&response->body, "half an answer"))
        return RC_NOMEM;
    int rc = atoi(request->rest);
    return err_set(err, (enum rc)rc, "failed with %d", rc);
}

#define OFFICER ROLE_BIT(ROLE_DESK_OFFICER)
#define SERVER_ROLE ROLE_NODE_NATIONAL
static const struct route routes[] = {
    { "POST", "/v1/echo", OFFICER, handle_echo },
    { "POST", "/v1/json", OFFICER | ROLE_BIT(ROLE_REGISTRAR), handle_json },
    { "GET", "/v1/rest/*", OFFICER, handle_rest },
    { "GET", "/v1/fail/*", OFFICER, handle_fail },
    { 0 },
};

/* Only of who is known: a certificate that cannot be believed names nobody. */
static void count_denied(void *context, const struct peer *peer, const char *method, const char *path)
{
    (void)context;
    if (peer->role == ROLE_VERIFIER && strcmp(method, "POST") == 0 && strcmp(path, "/v1/echo") == 0)
        world.denied++;
    else
        world.denied += 100;
}

static int set_up(void **state)
{
    (void)state;
    testops_new(&world.ops);
    testops_new(&world.other);
    char *folder = testops_identity(&world.ops, SERVER_ROLE, "000000", "node");
    assert_int_equal(identity_open(folder, &world.server_identity, NULL), RC_OK);
    free(folder);
    world.officer_path = testops_identity(&world.ops, ROLE_DESK_OFFICER, "462012", "officer");
    assert_int_equal(identity_open(world.officer_path, &world.officer, NULL), RC_OK);
    struct err err = { 0 };
    struct server_settings settings = { .identity = &world.server_identity, .routes = routes, .context = &world,
                                        .body_max = BODY_MAX, .patience = 2, .denied = count_denied };
    if (server_start(&settings, &world.server, &err) != RC_OK)
        fail_msg("%s", err.text);
    snprintf(world.url, sizeof world.url, "https://127.0.0.1:%u", server_port(world.server));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    server_stop(world.server);
    identity_close(&world.server_identity);
    identity_close(&world.officer);
    free(world.officer_path);
    testops_free(&world.ops);
    testops_free(&world.other);
    return 0;
}

/* One request of our client with a made identity. Returns the rc; *status when an answer came. */
static enum rc ask(const char *folder, const char *method, const char *path, const char *body, size_t len,
                   unsigned *status, struct buf *out)
{
    struct identity identity = { 0 };
    struct client *client = NULL;
    assert_int_equal(identity_open(folder, &identity, NULL), RC_OK);
    assert_int_equal(client_open(world.url, &identity, 5, &client, NULL), RC_OK);
    struct bytes bytes = bytes_of(body, len);
    enum rc rc = client_send(client, method, path, "text/plain", body ? &bytes : NULL, status, out, NULL);
    client_close(client);
    identity_close(&identity);
    return rc;
}

static void test_peers(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        bool of_other_authority;
        enum role role;
        enum testops_flaw flaw;
        unsigned status;
    } rows[] = {
        { "sound", false, ROLE_DESK_OFFICER, TESTOPS_SOUND, 200 },
        { "wrong role", false, ROLE_VERIFIER, TESTOPS_SOUND, 403 },
        { "time-stamp role", false, ROLE_TIME_STAMP, TESTOPS_SOUND, 403 },
        { "document-seal role", false, ROLE_DOCUMENT_SEAL, TESTOPS_SOUND, 403 },
        { "outdated", false, ROLE_DESK_OFFICER, TESTOPS_OUTDATED, 403 },
        { "not yet valid", false, ROLE_DESK_OFFICER, TESTOPS_NOT_YET, 403 },
        { "server purpose only", false, ROLE_DESK_OFFICER, TESTOPS_NO_CLIENT, 403 },
        { "no role", false, ROLE_DESK_OFFICER, TESTOPS_NO_ROLE, 403 },
        { "two roles", false, ROLE_DESK_OFFICER, TESTOPS_TWO_ROLES, 403 },
        { "bad municipality", false, ROLE_DESK_OFFICER, TESTOPS_BAD_PLACE, 403 },
        { "other authority", true, ROLE_DESK_OFFICER, TESTOPS_SOUND, 403 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char name[32];
        snprintf(name, sizeof name, "peer%zu", i);
        struct testops *ops = rows[i].of_other_authority ? &world.other : &world.ops;
        char *folder = testops_flawed(ops, rows[i].role, "462012", name, rows[i].flaw);
        if (rows[i].of_other_authority) { /* it trusts our server all the same */
            char command[300];
            snprintf(command, sizeof command, "cp %s/ca.pem %s/ca.pem", world.officer_path, folder);
            assert_int_equal(system(command), 0);
        }
        struct buf out = { 0 };
        unsigned status = 0;
        int before = world.calls, denied = world.denied;
        enum rc rc = ask(folder, "POST", "/v1/echo", "hello", 5, &status, &out);
        if (rc != RC_OK || status != rows[i].status)
            fail_msg("%s: %s, status %u", rows[i].what, rc_name(rc), status);
        assert_int_equal(world.calls - before, status == 200 ? 1 : 0);
        assert_int_equal(world.denied - denied, strcmp(rows[i].what, "wrong role") == 0 ? 1 : 0);
        if (status == 200)
            assert_memory_equal(out.data, "hello", 5);
        else
            assert_non_null(strstr(buf_string(&out), "\"rc\":\"RC_DENIED\""));
        buf_wipe(&out);
        free(folder);
    }
}

static void test_requests(void **state)
{
    (void)state;
    static char large[BODY_MAX * 10];
    memset(large, 'x', sizeof large);
    static const struct {
        const char *what, *method, *path, *body;
        size_t len;
        unsigned status;
        const char *answer;
    } rows[] = {
        { "empty body", "POST", "/v1/echo", "", 0, 200, "" },
        { "body at the ceiling", "POST", "/v1/echo", large, BODY_MAX, 200, NULL },
        { "body over the ceiling", "POST", "/v1/echo", large, BODY_MAX + 1, 413, "RC_RANGE" },
        { "unknown path", "GET", "/v1/other", NULL, 0, 404, "RC_NOT_FOUND" },
        { "path with more behind", "POST", "/v1/echo/", "x", 1, 404, "RC_NOT_FOUND" },
        { "wrong method", "GET", "/v1/echo", NULL, 0, 405, "RC_UNSUPPORTED" },
        { "wrong method with body", "PUT", "/v1/rest/a", "x", 1, 405, "RC_UNSUPPORTED" },
        { "trailing star", "GET", "/v1/rest/sign/0132C4AB?q=7", NULL, 0, 200, "sign/0132C4AB|7" },
        { "star with nothing", "GET", "/v1/rest/", NULL, 0, 200, "|-" },
        { "decoded", "GET", "/v1/rest/a%20b", NULL, 0, 200, "a b|-" },
        { "NUL in the path", "POST", "/v1/echo%00", "x", 1, 400, "RC_FORMAT" },
        { "malformed JSON", "POST", "/v1/json", "{\"text\":", 8, 400, "line 1" },
        { "member missing", "POST", "/v1/json", "{}", 2, 400, "'text'" },
        { "member too long", "POST", "/v1/json", "{\"text\":\"123456789012345678901\"}", 32, 400, "'text'" },
        { "JSON", "POST", "/v1/json", "{\"text\":\"hi\"}", 13, 200,
          "{\"name\":\"officer\",\"place\":\"462012\",\"role\":\"desk-officer\",\"text\":\"hi\"}" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf out = { 0 };
        unsigned status = 0;
        enum rc rc = ask(world.officer_path, rows[i].method, rows[i].path, rows[i].body, rows[i].len, &status, &out);
        if (rc != RC_OK || status != rows[i].status)
            fail_msg("%s: %s, status %u", rows[i].what, rc_name(rc), status);
        if (rows[i].answer && !strstr(buf_string(&out), rows[i].answer))
            fail_msg("%s: answer %s", rows[i].what, buf_string(&out));
        if (!rows[i].answer)
            assert_int_equal(out.len, rows[i].len);
        buf_wipe(&out);
    }
}

static void test_rc_travels(void **state)
{
    (void)state;
    struct client *client = NULL;
    assert_int_equal(client_open(world.url, &world.officer, 5, &client, NULL), RC_OK);
    for (int rc = RC_OK + 1; rc < RC_COUNT; rc++) {
        char path[32], words[32];
        struct err err = { 0 };
        json_t *out = NULL;
        snprintf(path, sizeof path, "/v1/fail/%d", rc);
        snprintf(words, sizeof words, "failed with %d", rc);
        assert_int_equal(client_json(client, "GET", path, NULL, &out, &err), rc);
        assert_string_equal(err.text, words);
        assert_null(out);
        assert_true(net_status_of_rc((enum rc)rc) >= 400);
    }
    json_t *in = json_pack("{s:s}", "text", "go"), *out = NULL;
    assert_int_equal(client_json(client, "POST", "/v1/json", in, &out, NULL), RC_OK);
    assert_string_equal(json_string_value(json_object_get(out, "text")), "go");
    json_decref(out);
    json_decref(in);
    client_close(client);
    for (unsigned status = 100; status < 600; status++)
        assert_int_equal(net_rc_of_status(status) == RC_OK, status / 100 == 2);
}

static void test_client_refuses(void **state)
{
    (void)state;
    struct testops *ops = &world.ops;
    struct err err = { 0 };
    struct client *client = NULL;
    assert_int_equal(client_open("http://127.0.0.1:1", &world.officer, 1, &client, &err), RC_USAGE);
    /* the server's certificate is of another authority, although the environment would trust it */
    char *folder = testops_identity(&world.other, ROLE_DESK_OFFICER, "462012", "stranger");
    char *trusted = malloc(200);
    snprintf(trusted, 200, "%s/ca.pem", world.officer_path);
    setenv("SSL_CERT_FILE", trusted, 1);
    setenv("CURL_CA_BUNDLE", trusted, 1);
    struct buf out = { 0 };
    unsigned status = 0;
    assert_int_equal(ask(folder, "POST", "/v1/echo", "x", 1, &status, &out), RC_DENIED);
    unsetenv("SSL_CERT_FILE");
    unsetenv("CURL_CA_BUNDLE");
    free(trusted);
    free(folder);
    /* the environment's proxy is not used */
    setenv("https_proxy", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    assert_int_equal(ask(world.officer_path, "POST", "/v1/echo", "x", 1, &status, &out), RC_OK);
    assert_int_equal(status, 200);
    unsetenv("https_proxy");
    unsetenv("ALL_PROXY");
    /* a server for another host name, an outdated one, and none at all */
    static const struct {
        enum testops_flaw flaw;
        const char *name;
    } rows[] = { { TESTOPS_OTHER_HOST, "elsewhere" }, { TESTOPS_OUTDATED, "outdated-server" } };
    for (size_t i = 0; i < 2; i++) {
        struct identity identity = { 0 };
        char *path = testops_flawed(ops, ROLE_NODE_NATIONAL, "000000", rows[i].name, rows[i].flaw);
        assert_int_equal(identity_open(path, &identity, NULL), RC_OK);
        struct server *server = NULL;
        struct server_settings settings = { .identity = &identity, .routes = routes, .context = &world };
        assert_int_equal(server_start(&settings, &server, NULL), RC_OK);
        char url[64];
        snprintf(url, sizeof url, "https://127.0.0.1:%u", server_port(server));
        assert_int_equal(client_open(url, &world.officer, 5, &client, NULL), RC_OK);
        assert_int_equal(client_send(client, "GET", "/v1/rest/", NULL, NULL, &status, &out, NULL), RC_DENIED);
        server_stop(server);
        assert_int_equal(client_send(client, "GET", "/v1/rest/", NULL, NULL, &status, &out, NULL), RC_UNREACHABLE);
        client_close(client);
        identity_close(&identity);
        free(path);
    }
    buf_wipe(&out);
}

static void test_server_of_another_role(void **state)
{
    (void)state;
    struct client *client = NULL;
    struct buf out = { 0 };
    unsigned status = 0;
    assert_int_equal(client_open(world.url, &world.officer, 5, &client, NULL), RC_OK);
    for (enum role role = ROLE_NONE + 1; role < ROLE_COUNT; role++) { /* a connection that is open does not help */
        client_expect(client, ROLE_BIT(role));
        enum rc rc = client_send(client, "GET", "/v1/rest/", NULL, NULL, &status, &out, NULL);
        if (rc != (role == SERVER_ROLE ? RC_OK : RC_DENIED))
            fail_msg("%s: %s", role_name(role), rc_name(rc));
    }
    client_expect(client, ROLE_BIT(SERVER_ROLE) | ROLE_BIT(ROLE_VERIFIER));
    assert_int_equal(client_send(client, "GET", "/v1/rest/", NULL, NULL, &status, &out, NULL), RC_OK);
    static const char *const places[] = { "131016", "462012", "000000", "" };
    for (size_t i = 0; i < 4; i++) {
        client_expect_of(client, ROLE_BIT(SERVER_ROLE), places[i]);
        enum rc rc = client_send(client, "GET", "/v1/rest/", NULL, NULL, &status, &out, NULL);
        if (rc != (i == 2 ? RC_OK : RC_DENIED))
            fail_msg("of '%s': %s", places[i], rc_name(rc));
    }
    client_close(client);
    buf_wipe(&out);
}

static void test_answer_over_the_ceiling(void **state)
{
    (void)state;
    struct buf out = { .max = 3 };
    unsigned status = 0;
    assert_int_equal(buf_append_text(&out, "a"), RC_OK);
    assert_int_equal(ask(world.officer_path, "POST", "/v1/echo", "hello", 5, &status, &out), RC_RANGE);
    assert_int_equal(out.len, 1);
    buf_wipe(&out);
}

/* The time of day is the house's: with the clock moved behind the end of the certificates, both ends refuse. */
static void test_moved_clock(void **state)
{
    (void)state;
    struct buf out = { 0 };
    unsigned status = 0;
    assert_int_equal(clock_set("+31536000"), RC_OK);
    assert_int_equal(ask(world.officer_path, "POST", "/v1/echo", "x", 1, &status, &out), RC_DENIED);
    assert_int_equal(clock_set("+0"), RC_OK);
    assert_int_equal(ask(world.officer_path, "POST", "/v1/echo", "x", 1, &status, &out), RC_OK);
    buf_wipe(&out);
}

/* Runs a shell command and returns its output in out (NUL-terminated). */
static int run(const char *command, char *out, size_t size)
{
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t len = fread(out, 1, size - 1, pipe);
    out[len] = '\0';
    return WEXITSTATUS(pclose(pipe));
}

static void test_foreign_clients(void **state)
{
    (void)state;
    char command[1000], out[4000];
    const char *id = world.officer_path;
    /* curl without a certificate: 403 and no handler */
    int before = world.calls;
    snprintf(command, sizeof command, "curl -q -sS --cacert %s/ca.pem -w ' %%{http_code}' -d x %s/v1/echo 2>&1", id, world.url);
    assert_int_equal(run(command, out, sizeof out), 0);
    assert_non_null(strstr(out, "RC_DENIED"));
    assert_non_null(strstr(out, " 403"));
    assert_int_equal(world.calls, before);
    /* curl with one: two requests, one connection */
    snprintf(command, sizeof command,
             "curl -q -sS --cacert %s/ca.pem --cert %s/cert.pem --key %s/key.pem -w ' %%{http_code}:%%{num_connects};' "
             "-d hello %s/v1/echo -d hello %s/v1/echo 2>&1", id, id, id, world.url, world.url);
    assert_int_equal(run(command, out, sizeof out), 0);
    assert_string_equal(out, "hello&hello 200:1;hello&hello 200:0;");
    /* openssl: TLS 1.1 is refused, 1.2 and 1.3 are spoken */
    static const struct {
        const char *version;
        bool spoken;
    } rows[] = { { "-tls1_1 -cipher DEFAULT@SECLEVEL=0", false }, { "-tls1_2", true }, { "-tls1_3", true } };
    for (size_t i = 0; i < 3; i++) {
        snprintf(command, sizeof command,
                 "printf 'GET /v1/rest/x HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n\\r\\n' | openssl s_client -quiet -connect %s "
                 "-CAfile %s/ca.pem -cert %s/cert.pem -key %s/key.pem %s 2>/dev/null", world.url + 8, id, id, id, rows[i].version);
        (void)run(command, out, sizeof out);
        if ((strstr(out, "HTTP/1.1 200") && strstr(out, "x|-")) != rows[i].spoken)
            fail_msg("%s: %s", rows[i].version, out);
    }
}

/* Headers or a body that come drop by drop: dropped within the server's patience, although never idle. A client that comes to the end
 * of its half minute of drops leaves a file. */
static void test_slow_client(void **state)
{
    (void)state;
    static const char *const beginnings[] = {
        "POST /v1/echo HTTP/1.1\\r\\nHost: a\\r\\nContent-Length: 100\\r\\n\\r\\n",
        "POST /v1/echo HTTP/1.1\\r\\nHost: a\\r\\nX: ",
    };
    for (size_t i = 0; i < 2; i++) {
        char command[1000], out[4000], all[96];
        const char *id = world.officer_path;
        int before = world.calls;
        snprintf(all, sizeof all, "%s/all-sent", world.ops.folder);
        snprintf(command, sizeof command,
                 "( printf '%s'; for i in $(seq 60); do printf x || exit; sleep 0.5; done; : >%s ) 2>/dev/null | "
                 "openssl s_client -quiet -connect %s -CAfile %s/ca.pem -cert %s/cert.pem -key %s/key.pem 2>/dev/null",
                 beginnings[i], all, world.url + 8, id, id, id);
        (void)run(command, out, sizeof out);
        assert_null(strstr(out, "200"));
        assert_int_equal(world.calls, before);
        assert_int_not_equal(access(all, F_OK), 0);
    }
}

static void test_identity_folder(void **state)
{
    (void)state;
    char *folder = testops_identity(&world.ops, ROLE_CA, "000000", "folder-tests");
    struct identity identity = { 0 };
    struct err err = { 0 };
    char command[300];
    snprintf(command, sizeof command, "chmod 640 %s/key.pem", folder);
    assert_int_equal(system(command), 0);
    assert_int_equal(identity_open(folder, &identity, &err), RC_DENIED);
    assert_non_null(strstr(err.text, "key.pem"));
    snprintf(command, sizeof command, "chmod 600 %s/key.pem && : > %s/cert.pem", folder, folder);
    assert_int_equal(system(command), 0);
    err_reset(&err);
    assert_int_equal(identity_open(folder, &identity, &err), RC_FORMAT);
    assert_non_null(strstr(err.text, "cert.pem"));
    snprintf(command, sizeof command, "rm %s/ca.pem; cp %s/cert.pem %s/cert.pem", folder, world.officer_path, folder);
    assert_int_equal(system(command), 0);
    err_reset(&err);
    assert_int_equal(identity_open(folder, &identity, &err), RC_NOT_FOUND);
    assert_non_null(strstr(err.text, "ca.pem"));
    assert_null(identity.folder);
    free(folder);
}

static void test_peer_from_cert(void **state)
{
    (void)state;
    unsigned char *der = NULL;
    char *folder = testops_identity(&world.ops, ROLE_REGISTRAR, "131016", "peer");
    char path[200];
    snprintf(path, sizeof path, "%s/der", folder);
    char command[500], out[10];
    snprintf(command, sizeof command, "openssl x509 -in %s/cert.pem -outform DER -out %s", folder, path);
    assert_int_equal(run(command, out, sizeof out), 0);
    FILE *file = fopen(path, "rb");
    der = malloc(4096);
    size_t len = fread(der, 1, 4096, file);
    fclose(file);
    struct peer peer = { 0 };
    assert_int_equal(peer_from_cert(bytes_of(der, len), &peer, NULL), RC_OK);
    assert_int_equal(peer.role, ROLE_REGISTRAR);
    assert_string_equal(peer.municipality, "131016");
    assert_string_equal(peer.name, "peer");
    assert_int_equal(strlen(peer.serial), 8);
    for (size_t cut = 0; cut < len; cut++) {
        unsigned char *exact = malloc(cut ? cut : 1);
        memcpy(exact, der, cut);
        struct peer none = { 0 };
        assert_int_equal(peer_from_cert(bytes_of(exact, cut), &none, NULL), RC_FORMAT);
        assert_int_equal(none.role, ROLE_NONE);
        free(exact);
    }
    free(der);
    free(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_peers),
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_rc_travels),
        cmocka_unit_test(test_client_refuses),
        cmocka_unit_test(test_server_of_another_role),
        cmocka_unit_test(test_answer_over_the_ceiling),
        cmocka_unit_test(test_moved_clock),
        cmocka_unit_test(test_foreign_clients),
        cmocka_unit_test(test_slow_client),
        cmocka_unit_test(test_identity_folder),
        cmocka_unit_test(test_peer_from_cert),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

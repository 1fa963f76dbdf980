/* test_registry_proof.c — what happens to a registry's nodes from outside: the disk is full, the clock jumps ahead and back, bodies are too large or no bodies at all. Nothing is lost, nothing doubled, the order is
 * kept, and afterwards the state is clear. */
#include "registryworld.h"

#include "base/file.h"
#include "net/client.h"
#include "net/json.h"
#include "registry/ledger.h"
#include "registry/notice.h"

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
    static const char intake[] = "SELECT coalesce(max(acknowledged), 0) FROM intake";
    int64_t taken = -1;
    await(&w, MUNICIPAL, "SELECT count(*) FROM delivery WHERE peer = 'national'", 1); /* it refuses something */
    for (int same = 0; same < 3;) { /* until it takes no more */
        pause_ms(200);
        int64_t now = count(&w, NATIONAL, intake);
        same = now == taken ? same + 1 : 0;
        taken = now;
    }
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

/* Everything that a change would show in. */
#define EVERYTHING \
    "SELECT (SELECT count(*) FROM history) + 100 * (SELECT count(*) FROM request) + 10000 * (SELECT sum(last) FROM outbox) + " \
    "1000000 * (SELECT count(*) FROM resident) + 100000000 * (SELECT count(*) FROM asked) + 7 * (SELECT count(*) FROM card_event) + " \
    "13 * (SELECT coalesce(sum(acknowledged), 0) FROM intake) + 17 * (SELECT count(*) FROM correction)"

struct entrance {
    struct world *w;
    struct resident r;
    struct identity outdated, strange;
};

/* How often the node's log tells of a refusal. */
static int refused(const struct process *node)
{
    struct buf log = { 0 };
    int times = 0;
    assert_int_equal(file_read(node->log, &log, NULL), RC_OK);
    for (const char *at = buf_string(&log); (at = strstr(at, "warning: refused: ")); at++)
        times++;
    buf_wipe(&log);
    return times;
}

/* A try by its name: who, where, with what. The answer's rc, and its words. */
static enum rc try_entrance(struct entrance *e, enum who who, const struct identity *id, const char *method, const char *path,
                            const char *body, char words[300])
{
    struct client *client = NULL;
    struct buf out = { .max = 1 << 16 };
    struct bytes bytes = bytes_of(body ? body : "", body ? strlen(body) : 0);
    json_t *json = NULL;
    unsigned status = 0;
    const char *text = "", *name = "";
    enum rc rc = client_open(e->w->nodes[who].url, id, 10, &client, NULL);
    if (!rc)
        rc = client_send(client, method, path, "application/json", body ? &bytes : NULL, &status, &out, NULL);
    client_close(client);
    if (!rc && !json_read(buf_bytes(&out), &json, NULL)) {
        const json_t *error = json_object_get(json, "error");
        if (json_want_text(error, "text", 299, &text, NULL) || json_want_text(error, "rc", 40, &name, NULL))
            text = name = "";
    }
    snprintf(words, 300, "%u %s %s", status, name, text);
    for (unsigned i = RC_OK + 1; !rc && i < RC_COUNT; i++)
        if (strcmp(rc_name((enum rc)i), name) == 0)
            rc = text[0] ? (enum rc)i : RC_BUG;
    json_decref(json);
    buf_wipe(&out);
    return rc;
}

/* Whoever may not, and whatever is no question: a clear error, a row in a log, and nothing changed. What was denied is in the record of use. */
static void test_no_entrance(void **state)
{
    (void)state;
    struct world w;
    struct entrance e = { .w = &w };
    world_new(&w, "20");
    world_populate(&w, OTHER, THERE, "5");
    start(&w, NATIONAL, NULL);
    start(&w, MUNICIPAL, NULL);
    start(&w, OTHER, NULL);
    await(&w, MUNICIPAL, TOLD, 0);
    await(&w, OTHER, TOLD, 0);
    pick(&w, &e.r);
    struct testops strangers;
    testops_new(&strangers);
    char *outdated = testops_flawed(&w.ops, ROLE_REGISTRAR, HERE, "outdated", TESTOPS_OUTDATED);
    char *strange = testops_identity(&strangers, ROLE_REGISTRAR, HERE, "strange"), command[300];
    snprintf(command, sizeof command, "cp %s/ca.pem %s/ca.pem", w.paths[ID_REGISTRAR], strange); /* it trusts the node all the same */
    assert_int_equal(system(command), 0);
    assert_int_equal(identity_open(outdated, &e.outdated, NULL), RC_OK);
    assert_int_equal(identity_open(strange, &e.strange, NULL), RC_OK);

    enum { TEXT = 700 };
    char find[TEXT], provide[TEXT], confirm_code[TEXT], move_sql[TEXT], move_path[TEXT], control[TEXT], *large = malloc((3 << 20) + 1),
         *deep = malloc(20000);
    snprintf(find, sizeof find, "{\"code\":\"%s\"}", e.r.code);
    snprintf(provide, sizeof provide, "{\"task\":\"77\",\"key\":{\"code\":\"%s\"}}", e.r.code);
    snprintf(confirm_code, sizeof confirm_code, "{\"authority\":\"auth\",\"serial\":\"0B01\",\"code\":\"%s\"}", e.r.code);
#define MOVE "{\"code\":\"%s\",\"address\":\"%s\",\"date\":\"2026-01-05\",\"request\":\"%s\"}"
    snprintf(move_sql, sizeof move_sql, MOVE, e.r.code, "x'; DROP TABLE resident; --", "t");
    snprintf(move_path, sizeof move_path, MOVE, e.r.code, "鹿児島県鹿児島市荒田二丁目７番７号", "../../../../etc/passwd");
    snprintf(control, sizeof control, MOVE, e.r.code, "鹿児島県鹿児島市\\u0001", "t");
    memset(large, 'x', 3 << 20);
    large[3 << 20] = '\0';
    size_t depth = 0;
    for (; depth < 15000; depth++)
        deep[depth] = '[';
    deep[depth] = '\0';
    struct notice theft = { .sequence = 6, .kind = NOTICE_RECORD, .reason = REASON_MOVE, .date = "2026-01-05", .recorded = 1767600000, .resident = e.r };
    json_t *stolen_notice = signed_notice(&w, ID_OTHER_NODE, notice_to_json(&theft));
    theft.sequence = 21;
    json_t *others_signature = signed_notice(&w, ID_OTHER_NODE, notice_to_json(&theft));
    char *stolen_text = json_dumps(stolen_notice, 0), *signature_text = json_dumps(others_signature, 0);
    const struct {
        const char *flaw;
        enum who who;
        const struct identity *id;
        const char *method, *path, *body;
        enum rc want;
    } rows[] = {
        { "an agency without the task", NATIONAL, &w.ids[ID_AGENCY], "POST", "/v1/provide", provide, RC_DENIED },
        { "a verifier as an agency", NATIONAL, &w.ids[ID_VERIFIER], "POST", "/v1/provide", provide, RC_DENIED },
        { "a municipality writing another's resident", NATIONAL, &w.ids[ID_OTHER_NODE], "POST", "/v1/notices", stolen_text, RC_DENIED },
        { "a notice by another's signature", NATIONAL, &w.ids[ID_MUNICIPAL], "POST", "/v1/notices", signature_text, RC_DENIED },
        { "an officer as a node", NATIONAL, &w.ids[ID_REGISTRAR], "POST", "/v1/notices", "{}", RC_DENIED },
        { "a private party with a code", NATIONAL, &w.ids[ID_VERIFIER], "POST", "/v1/confirm", confirm_code, RC_DENIED },
        { "a private party at the register", MUNICIPAL, &w.ids[ID_VERIFIER], "POST", "/v1/residents/find", find, RC_DENIED },
        { "an agency at the register", MUNICIPAL, &w.ids[ID_AGENCY], "POST", "/v1/residents/find", find, RC_DENIED },
        { "another municipality's officer", MUNICIPAL, &w.ids[ID_OTHER_REGISTRAR], "POST", "/v1/residents/find", find, RC_DENIED },
        { "another municipality's registrar writes", MUNICIPAL, &w.ids[ID_OTHER_REGISTRAR], "POST", "/v1/residents/move", move_path, RC_DENIED },
        { "an officer who only reads, writes", MUNICIPAL, &w.ids[ID_OFFICER], "POST", "/v1/residents/move", move_path, RC_DENIED },
        { "a session of a certificate that has ended", MUNICIPAL, &e.outdated, "POST", "/v1/residents/find", find, RC_DENIED },
        { "a certificate of another authority", MUNICIPAL, &e.strange, "POST", "/v1/residents/find", find, RC_DENIED },
        { "SQL in a code", MUNICIPAL, &w.ids[ID_REGISTRAR], "POST", "/v1/residents/find", "{\"code\":\"' OR '1'='1\"}", RC_FORMAT },
        { "SQL in an address", MUNICIPAL, &w.ids[ID_REGISTRAR], "POST", "/v1/residents/move", move_sql, RC_RANGE },
        { "a path in a request's name", MUNICIPAL, &w.ids[ID_REGISTRAR], "POST", "/v1/residents/move", move_path, RC_FORMAT },
        { "a control character", MUNICIPAL, &w.ids[ID_REGISTRAR], "POST", "/v1/residents/move", control, RC_FORMAT },
        { "a path upwards", MUNICIPAL, &w.ids[ID_REGISTRAR], "GET", "/v1/copies/../../../etc/passwd", NULL, RC_NOT_FOUND },
        { "a path that is coded", NATIONAL, &w.ids[ID_MUNICIPAL], "GET", "/v1/digest/%2e%2e", NULL, RC_FORMAT },
        { "SQL in a path", NATIONAL, &w.ids[ID_MUNICIPAL], "GET", "/v1/digest/1'", NULL, RC_FORMAT },
        { "a NUL in a path", MUNICIPAL, &w.ids[ID_REGISTRAR], "GET", "/v1/health%00x", NULL, RC_FORMAT },
        { "no such path", MUNICIPAL, &w.ids[ID_REGISTRAR], "POST", "//v1/residents/find", find, RC_NOT_FOUND },
        { "no such method", MUNICIPAL, &w.ids[ID_REGISTRAR], "DELETE", "/v1/residents/find", NULL, RC_UNSUPPORTED },
        { "a body over all measure", MUNICIPAL, &w.ids[ID_REGISTRAR], "POST", "/v1/residents/move", large, RC_RANGE },
        { "a body that nests", MUNICIPAL, &w.ids[ID_REGISTRAR], "POST", "/v1/residents/record", deep, RC_FORMAT },
        { "no JSON", MUNICIPAL, &w.ids[ID_REGISTRAR], "POST", "/v1/residents/record", "{\"act\":", RC_FORMAT },
        { "a member twice", MUNICIPAL, &w.ids[ID_REGISTRAR], "POST", "/v1/residents/find", "{\"code\":\"1\",\"code\":\"2\"}", RC_FORMAT },
        { "bytes that are no UTF-8", MUNICIPAL, &w.ids[ID_REGISTRAR], "POST", "/v1/residents/find", "{\"code\":\"\xC3\x28\"}", RC_FORMAT },
        { "nothing at all", MUNICIPAL, &w.ids[ID_REGISTRAR], "POST", "/v1/residents/find", "", RC_FORMAT },
    };
    static const char denied[] = "SELECT count(*) FROM usage WHERE action = 'denied' OR result = 'RC_DENIED'";
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char words[300];
        int64_t before = count(&w, rows[i].who, EVERYTHING), uses = count(&w, rows[i].who, denied);
        int told = refused(&w.nodes[rows[i].who]);
        enum rc rc = RC_UNREACHABLE;
        for (int tries = 0; tries < 3 && (rc == RC_UNREACHABLE || rc == RC_TIMEOUT); tries++) /* a machine that is busy */
            rc = try_entrance(&e, rows[i].who, rows[i].id, rows[i].method, rows[i].path, rows[i].body, words);
        if (rc != rows[i].want)
            fail_msg("%s: %s: %s", rows[i].flaw, rc_name(rc), words);
        if (count(&w, rows[i].who, EVERYTHING) != before)
            fail_msg("%s: something changed", rows[i].flaw);
        bool known = rows[i].id != &e.outdated && rows[i].id != &e.strange;
        if (rc == RC_DENIED && known && count(&w, rows[i].who, denied) <= uses)
            fail_msg("%s: not in the record of use", rows[i].flaw);
        bool business = strcmp(rows[i].flaw, "SQL in an address") == 0; /* an address that is none of this municipality's */
        if (!business && refused(&w.nodes[rows[i].who]) <= told)
            fail_msg("%s: not in the log", rows[i].flaw);
        print_message("          %s: %s\n", rows[i].flaw, words);
    }
    for (int i = 0; i < NODES; i++)
        not_in_log(&w.nodes[i], e.r.code);
    assert_int_equal(move_to(&w, e.r.code, 1), RC_OK); /* and the honest one is served */
    await(&w, MUNICIPAL, TOLD, 0);
    assert_int_equal(count(&w, NATIONAL, "SELECT count(*) FROM history"), 26);
    free(large);
    free(deep);
    free(stolen_text);
    free(signature_text);
    json_decref(stolen_notice);
    json_decref(others_signature);
    identity_close(&e.outdated);
    identity_close(&e.strange);
    free(outdated);
    free(strange);
    testops_free(&strangers);
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

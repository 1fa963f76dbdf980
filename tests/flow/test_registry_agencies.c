/* test_registry_agencies.c — provision by the program and over the wire: who is refused, that no answer leaves without
 * its record of use, and what the operator tells residents. */
#include "registryworld.h"

#include "base/file.h"
#include "registry/provide.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *house_tasks;

static const char tasks[] =
    "{\"tasks\":[{\"agency\":\"nenkin\",\"task\":\"77\",\"law\":\"別表第一の七十七の項\",\"title\":\"国民年金\","
    "\"fields\":[\"name\",\"birth\","
    "\"sex\",\"address\",\"change\",\"code\"],\"keys\":[\"attributes\",\"number\",\"code\"],\"legacy_code\":true,"
    "\"from\":\"2002-08-05\"},"
    "{\"agency\":\"builder\",\"task\":\"101\",\"law\":\"別表第一の百一の項\",\"title\":\"免許\",\"fields\":[\"name\"],"
    "\"keys\":[\"attributes\"],\"from\":\"2002-08-05\"}]}";

struct scene {
    struct world w;
    struct resident resident;
    char tasks[128], keys[128];
};

static void write_text(const char *path, const char *text)
{
    assert_int_equal(file_write_atomic(path, bytes_of(text, strlen(text)), 0600, NULL), RC_OK);
}

static void scene_new(struct scene *scene)
{
    struct world *w = &scene->w;
    world_new(w, "20");
    pick(w, &scene->resident);
    snprintf(scene->tasks, sizeof scene->tasks, "%s/tasks.json", w->ops.folder);
    snprintf(scene->keys, sizeof scene->keys, "%s/keys.jsonl", w->ops.folder);
    write_text(scene->tasks, tasks);
    start(w, NATIONAL, NULL);
    start(w, MUNICIPAL, NULL);
    same_world(w);
    const char *load[] = {"tasks", "--store", w->nodes[NATIONAL].store, scene->tasks, NULL};
    assert_int_equal(run_wait(load), 0);
}

static json_t *wish(const char *task, const char *code)
{
    return json_pack("{s:s, s:{s:s}}", "task", task, "key", "code", code);
}

#define PROVIDED "SELECT count(*) FROM usage WHERE action = 'provide' AND fields <> ''"
#define REFUSED "SELECT count(*) FROM usage WHERE action = 'provide' AND result = 'RC_DENIED' AND task <> ''"

static void test_program(void **state)
{
    (void)state;
    struct scene scene;
    scene_new(&scene);
    struct world *w = &scene.w;
    const struct resident *r = &scene.resident;
    const char *store = w->nodes[NATIONAL].store, *node = w->nodes[NATIONAL].url, *agency = w->paths[ID_AGENCY];
    char keys[2048];
    snprintf(keys, sizeof keys,
             "{\"code\":\"%s\"}\n\n{\"birth\":\"%s\",\"name\":\"%s\"}\n{\"birth\":\"319000101\",\"name\":\"誰か\"}\n",
             r->code, r->attributes.birth, r->attributes.name);
    write_text(scene.keys, keys);
    char broken[128], bad_tasks[128];
    snprintf(broken, sizeof broken, "%s/broken.jsonl", w->ops.folder);
    snprintf(bad_tasks, sizeof bad_tasks, "%s/bad.json", w->ops.folder);
    write_text(broken, "{\"birth\":\"319000101\",\"name\":\"誰か\"}\n{\"code\":\"24727059609\"}\n");
    write_text(bad_tasks, "{\"tasks\":[{}]}");
    const struct {
        const char *flaw, *args[20];
        int want, provided, refused;
    } rows[] = {
        {"help", {"provide", "--help"}, 0, 0, 0},
        {"help of the table", {"tasks", "--help"}, 0, 0, 0},
        {"help of the rights", {"disclose", "--help"}, 0, 0, 0},
        {"no such right", {"disclose", "forget"}, 2, 0, 0},
        {"no key", {"provide", "--node", node, "--identity", agency, "--task", "77"}, 2, 0, 0},
        {"a table that is none", {"tasks", "--store", store, bad_tasks}, 1, 0, 0},
        {"by the code", {"provide", "--node", node, "--identity", agency, "--task", "77", "--code", r->code}, 0, 1, 0},
        {"by name and birth",
         {"provide", "--node", node, "--identity", agency, "--task", "77", "--birth", r->attributes.birth, "--name",
          r->attributes.name, "--why", "現況"},
         0,
         2,
         0},
        {"a mistyped code",
         {"provide", "--node", node, "--identity", agency, "--task", "77", "--code", "24727059609"},
         1,
         2,
         0},
        {"an unknown task",
         {"provide", "--node", node, "--identity", agency, "--task", "78", "--code", r->code},
         1,
         2,
         1},
        {"another's task",
         {"provide", "--node", node, "--identity", w->paths[ID_OTHER_AGENCY], "--task", "77", "--code", r->code},
         1,
         2,
         2},
        {"a code where there is none",
         {"provide", "--node", node, "--identity", w->paths[ID_OTHER_AGENCY], "--task", "101", "--code", r->code},
         1,
         2,
         3},
        {"a verifier",
         {"provide", "--node", node, "--identity", w->paths[ID_VERIFIER], "--task", "77", "--code", r->code},
         1,
         2,
         3},
        {"a batch", {"provide", "--node", node, "--identity", agency, "--task", "77", "--batch", scene.keys}, 0, 4, 3},
        {"a batch with a mistyped line",
         {"provide", "--node", node, "--identity", agency, "--task", "77", "--batch", broken},
         1,
         4,
         3},
        {"a batch and a key",
         {"provide", "--node", node, "--identity", agency, "--task", "77", "--batch", broken, "--code", r->code},
         2,
         4,
         3},
        {"a record", {"disclose", "record", "--store", store, "--code", r->code}, 0, 4, 3},
        {"its uses", {"disclose", "uses", "--store", store, "--code", r->code}, 0, 4, 3},
        {"nobody's", {"disclose", "record", "--store", store, "--code", "24727059608"}, 1, 4, 3},
        {"a mistyped one", {"disclose", "record", "--store", store, "--code", "24727059609"}, 2, 4, 3},
        {"a correction", {"disclose", "correct", "--store", store, "--code", r->code, "--wish", "番地"}, 0, 4, 3},
        {"its answer",
         {"disclose", "decide", "--store", store, "--number", "1", "--decision", "refused", "--reason", "記録のとおり"},
         0,
         4,
         3},
        {"the same again",
         {"disclose", "decide", "--store", store, "--number", "1", "--decision", "refused", "--reason", "記録のとおり"},
         0,
         4,
         3},
        {"another answer",
         {"disclose", "decide", "--store", store, "--number", "1", "--decision", "corrected", "--reason", "r", "--notice", "1"},
         1,
         4,
         3},
        {"requests", {"disclose", "requests", "--store", store}, 0, 4, 3},
        {"a report", {"disclose", "report", "--store", store, "--from", "2020-01", "--until", "2099-12"}, 0, 4, 3},
        {"a sweep", {"disclose", "sweep", "--store", store, "--years", "5"}, 0, 4, 3},
        {"the tasks of the house", {"tasks", "--store", store, house_tasks}, 0, 4, 3},
        {"which are not this agency's",
         {"provide", "--node", node, "--identity", agency, "--task", "77", "--code", r->code},
         1,
         4,
         4},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (run_wait(rows[i].args) != rows[i].want)
            fail_msg("%s: not exit status %d", rows[i].flaw, rows[i].want);
        if (count(w, NATIONAL, PROVIDED) != rows[i].provided || count(w, NATIONAL, REFUSED) != rows[i].refused)
            fail_msg("%s: the record of use says otherwise", rows[i].flaw);
    }
    for (int i = 0; i < NODES; i++) {
        not_in_log(&w->nodes[i], r->code);
        not_in_log(&w->nodes[i], r->attributes.name);
    }
    world_free(w);
}

/* A prefecture provides what it was told, by its own table. */
static void test_prefecture(void **state)
{
    (void)state;
    struct scene scene;
    scene_new(&scene);
    struct world *w = &scene.w;
    start(w, PREFECTURE, NULL);
    stop(&w->nodes[MUNICIPAL], SIGTERM);
    start(w, MUNICIPAL, NULL);
    await(w, MUNICIPAL, "SELECT last - acknowledged FROM outbox WHERE peer = 'prefecture'", 0);
    const char *args[] = {"provide", "--node", w->nodes[PREFECTURE].url, "--identity", w->paths[ID_AGENCY], "--task",
                          "77",      "--code", scene.resident.code,      NULL};
    const char *load[] = {"tasks", "--store", w->nodes[PREFECTURE].store, scene.tasks, NULL};
    assert_int_equal(run_wait(args), 1);
    assert_int_equal(run_wait(load), 0);
    assert_int_equal(run_wait(args), 0);
    assert_int_equal(count(w, PREFECTURE, PROVIDED), 1);
    assert_int_equal(count(w, PREFECTURE, REFUSED), 1);
    assert_int_equal(count(w, NATIONAL, PROVIDED), 0);
    world_free(w);
}

/* 告知要求制限 over the wire: whoever is no agency gets nothing by a code, and each try is kept. */
static void test_private(void **state)
{
    (void)state;
    struct scene scene;
    scene_new(&scene);
    struct world *w = &scene.w;
    const int strangers[] = {ID_VERIFIER, ID_KIOSK, ID_OFFICER, ID_REGISTRAR, ID_MUNICIPAL, ID_COUNTER};
    enum { STRANGERS = sizeof strangers / sizeof strangers[0] };
    for (size_t i = 0; i < STRANGERS; i++) {
        assert_int_equal(post(w, NATIONAL, strangers[i], "/v1/provide", wish("77", scene.resident.code)), RC_DENIED);
        assert_int_equal(post(w, NATIONAL, strangers[i], "/v1/provide/batch", wish("77", scene.resident.code)),
                         RC_DENIED);
    }
    assert_int_equal(
        count(w, NATIONAL, "SELECT count(*) FROM usage WHERE action = 'denied' AND record = 'POST /v1/provide'"),
        STRANGERS);
    assert_int_equal(
        count(w, NATIONAL, "SELECT count(*) FROM usage WHERE action = 'denied' AND record = 'POST /v1/provide/batch'"),
        STRANGERS);
    static const char *const members[] = {"code", "personal_number"};
    for (int i = 0; i < 2; i++)
        assert_int_equal(
            post(w, NATIONAL, ID_VERIFIER, "/v1/confirm",
                 json_pack("{s:s, s:s, s:s}", "authority", "sign", "serial", "0A01", members[i], scene.resident.code)),
            RC_DENIED);
    assert_int_equal(post(w, NATIONAL, ID_VERIFIER, "/v1/confirm",
                          json_pack("{s:s, s:s, s:[s]}", "authority", "sign", "serial", "0A01", "fields", "code")),
                     RC_DENIED);
    assert_int_equal(count(w, NATIONAL,
                           "SELECT count(*) FROM usage WHERE action = 'denied' AND record = 'POST /v1/confirm' "
                           "AND name = 'verifier'"),
                     3);
    assert_int_equal(
        post(w, MUNICIPAL, ID_AGENCY, "/v1/residents/find", json_pack("{s:s}", "code", scene.resident.code)),
        RC_DENIED);
    assert_int_equal(count(w, NATIONAL, PROVIDED), 0);
    world_free(w);
}

static int decide(struct world *w, enum who who, const char *number, const char *decision, const char *notice)
{
    const char *args[] = {"disclose",   "decide", "--store",  w->nodes[who].store, "--number", number, "--decision",
                          decision,     "--reason", "台帳を訂正した", notice ? "--notice" : NULL, notice, NULL};
    return run_wait(args);
}

/* 訂正: asked at the nation, passed on to the municipality, put right there by an act, answered with that act; and a second one that is
 * refused. A municipality that dies while it answers answers once. */
static void test_correction(void **state)
{
    (void)state;
    struct scene scene;
    scene_new(&scene);
    struct world *w = &scene.w;
    const char *code = scene.resident.code, *nation = w->nodes[NATIONAL].store;
    stop(&w->nodes[MUNICIPAL], SIGTERM); /* so that nothing is passed on yet */
    for (int i = 0; i < 2; i++) {
        const char *ask[] = {"disclose", "correct", "--store", nation, "--code", code, "--wish", i ? "氏名" : "番地", NULL};
        assert_int_equal(run_wait(ask), 0);
    }
    assert_int_equal(count(w, NATIONAL, "SELECT count(*) FROM correction WHERE municipality = '" HERE "' AND forwarded = ''"), 2);
    assert_int_equal(decide(w, NATIONAL, "1", "corrected", NULL), 1);  /* by which act? */
    assert_int_equal(decide(w, NATIONAL, "1", "corrected", "1000"), 1); /* none such was told */
    start(w, MUNICIPAL, NULL); /* looks at once */
    await(w, MUNICIPAL, "SELECT count(*) FROM correction WHERE origin <> 0", 2);
    assert_int_equal(count(w, NATIONAL, "SELECT count(*) FROM correction WHERE forwarded <> ''"), 2);
    assert_int_equal(post(w, NATIONAL, ID_OTHER_NODE, "/v1/corrections/answer",
                          json_pack("{s:i, s:s, s:s, s:i}", "number", 1, "decision", "refused", "reason", "r", "notice", 0)),
                     RC_NOT_FOUND); /* it was not passed on to that one */
    assert_int_equal(move(w, ID_REGISTRAR, code, "鹿児島県鹿児島市荒田二丁目７番７号", "right"), RC_OK);
    await(w, MUNICIPAL, TOLD, 0);
    char notice[24], other[24];
    snprintf(notice, sizeof notice, "%lld", (long long)count(w, MUNICIPAL, "SELECT max(sequence) FROM notice"));
    snprintf(other, sizeof other, "%lld", (long long)count(w, MUNICIPAL, "SELECT max(sequence) - 1 FROM notice"));
    assert_int_equal(decide(w, MUNICIPAL, "1", "corrected", other), 1); /* an act about somebody else */
#ifdef JPKI_FAULTS
    stop(&w->nodes[MUNICIPAL], SIGTERM);
    start(w, MUNICIPAL, "registry.after_correction_told");
    assert_int_equal(decide(w, MUNICIPAL, "1", "corrected", notice), 0);
    for (int k = 0; k < 200 && !died(&w->nodes[MUNICIPAL]); k++)
        pause_ms(20);
    assert_int_equal(w->nodes[MUNICIPAL].pid, 0);
    start(w, MUNICIPAL, NULL);
#else
    assert_int_equal(decide(w, MUNICIPAL, "1", "corrected", notice), 0);
#endif
    assert_int_equal(decide(w, MUNICIPAL, "2", "refused", NULL), 0);
    await(w, MUNICIPAL, "SELECT count(*) FROM correction WHERE told = 1", 2);
    assert_int_equal(count(w, NATIONAL, "SELECT count(*) FROM correction WHERE answered <> ''"), 2);
    assert_int_equal(count(w, NATIONAL, "SELECT count(*) FROM correction c JOIN received r ON r.municipality = c.municipality AND "
                                        "r.sequence = c.notice AND r.code = c.code WHERE c.decision = 'corrected'"), 1);
    assert_int_equal(count(w, NATIONAL, "SELECT count(*) FROM correction WHERE decision = 'refused' AND notice = 0"), 1);
    const char *shown[] = {"disclose", "requests", "--store", nation, "--code", code, NULL};
    assert_int_equal(run_wait(shown), 0);
    assert_int_equal(decide(w, NATIONAL, "2", "corrected", notice), 1); /* answered already */
    world_free(w);
}

/* 訂正 asked at the prefecture as at the nation, each under its own number 1: each hears its own answer. */
static void test_correction_of_prefecture(void **state)
{
    (void)state;
    static const int keepers[] = {PREFECTURE, NATIONAL};
    struct scene scene;
    scene_new(&scene);
    struct world *w = &scene.w;
    const char *code = scene.resident.code;
    start(w, PREFECTURE, NULL);
    stop(&w->nodes[MUNICIPAL], SIGTERM);
    start(w, MUNICIPAL, NULL);
    await(w, MUNICIPAL, "SELECT last - acknowledged FROM outbox WHERE peer = 'prefecture'", 0);
    for (int i = 0; i < 2; i++) {
        const char *ask[] = {"disclose", "correct", "--store", w->nodes[keepers[i]].store, "--code", code, "--wish", "番地", NULL};
        assert_int_equal(run_wait(ask), 0);
    }
    stop(&w->nodes[MUNICIPAL], SIGTERM);
    start(w, MUNICIPAL, NULL); /* looks at once */
    await(w, MUNICIPAL, "SELECT count(*) FROM correction WHERE origin = 1", 2);
    assert_int_equal(count(w, PREFECTURE, "SELECT count(*) FROM correction WHERE forwarded <> ''"), 1);
    assert_int_equal(post(w, PREFECTURE, ID_OTHER_NODE, "/v1/corrections/answer",
                          json_pack("{s:i, s:s, s:s, s:i}", "number", 1, "decision", "refused", "reason", "r", "notice", 0)),
                     RC_NOT_FOUND); /* it was not passed on to that one */
    assert_int_equal(move(w, ID_REGISTRAR, code, "鹿児島県鹿児島市荒田二丁目７番７号", "right"), RC_OK);
    await(w, MUNICIPAL, TOLD, 0);
    await(w, MUNICIPAL, "SELECT last - acknowledged FROM outbox WHERE peer = 'prefecture'", 0);
    char notice[24], number[24];
    snprintf(notice, sizeof notice, "%lld", (long long)count(w, MUNICIPAL, "SELECT max(sequence) FROM notice"));
    snprintf(number, sizeof number, "%lld", (long long)count(w, MUNICIPAL, "SELECT id FROM correction WHERE peer = 'prefecture'"));
    assert_int_equal(decide(w, MUNICIPAL, number, "corrected", notice), 0);
    snprintf(number, sizeof number, "%lld", (long long)count(w, MUNICIPAL, "SELECT id FROM correction WHERE peer = 'national'"));
    assert_int_equal(decide(w, MUNICIPAL, number, "refused", NULL), 0);
    await(w, MUNICIPAL, "SELECT count(*) FROM correction WHERE told = 1", 2);
    assert_int_equal(count(w, PREFECTURE, "SELECT count(*) FROM correction c JOIN received r ON r.municipality = c.municipality AND "
                                          "r.sequence = c.notice AND r.code = c.code WHERE c.decision = 'corrected'"), 1);
    assert_int_equal(count(w, NATIONAL, "SELECT count(*) FROM correction WHERE decision = 'refused' AND notice = 0"), 1);
    world_free(w);
}

#ifdef JPKI_FAULTS
/* A node that dies has recorded the use or given nothing. */
static void test_torn(void **state)
{
    (void)state;
    static const struct {
        const char *fault;
        int recorded;
    } rows[] = {
        {"registry.before_provide", 0},
        {"registry.after_provide", 1},
    };
    struct scene scene;
    scene_new(&scene);
    struct world *w = &scene.w;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t before = count(w, NATIONAL, PROVIDED);
        stop(&w->nodes[NATIONAL], SIGTERM);
        start(w, NATIONAL, rows[i].fault);
        assert_int_not_equal(post(w, NATIONAL, ID_AGENCY, "/v1/provide", wish("77", scene.resident.code)), RC_OK);
        for (int k = 0; k < 100 && !died(&w->nodes[NATIONAL]); k++)
            pause_ms(20);
        if (w->nodes[NATIONAL].pid)
            fail_msg("%s was never passed", rows[i].fault);
        start(w, NATIONAL, NULL);
        assert_int_equal(count(w, NATIONAL, PROVIDED), before + rows[i].recorded);
        assert_int_equal(post(w, NATIONAL, ID_AGENCY, "/v1/provide", wish("77", scene.resident.code)), RC_OK);
        assert_int_equal(count(w, NATIONAL, PROVIDED), before + rows[i].recorded + 1);
    }
    static const char *const faults[] = {"registry.before_correction", "registry.after_disclose"};
    const char *args[] = {"disclose", "correct", "--store", w->nodes[NATIONAL].store, "--code", scene.resident.code,
                          "--wish",   "番地",    NULL};
    for (int i = 0; i < 2; i++) {
        setenv("JPKI_FAULT", faults[i], 1);
        assert_int_not_equal(run_wait(args), 0);
        unsetenv("JPKI_FAULT");
        assert_int_equal(count(w, NATIONAL, "SELECT count(*) FROM correction"), i);
    }
    world_free(w);
}
#endif

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    program = argv[1];
    house_tasks = argv[2];
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_program),
        cmocka_unit_test(test_prefecture),
        cmocka_unit_test(test_private),
        cmocka_unit_test(test_correction),
        cmocka_unit_test(test_correction_of_prefecture),
#ifdef JPKI_FAULTS
        cmocka_unit_test(test_torn),
#endif
    };
    return cmocka_run_group_tests_name("registry-agencies", tests, NULL, NULL);
}

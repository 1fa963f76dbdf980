/* test_provide_many.c — requests that are answered together: each gets what it gets alone, one that is refused takes
 * nobody with it, and no answer leaves before its row of use is durable, wherever the process dies. */
#include "support/scratch.h"
#include "support/teststore.h"
#include "registry/code.h"
#include "registry/provide.h"
#include "registry/schema.h"
#include "store/storegroup.h"

#include "base/clock.h"
#include "net/json.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define HERE "462012"
#define PEOPLE 70 /* more than two statements' keys */
#define THREADS 12

static char folder[] = "/tmp/jpki-many-XXXXXX", url[TESTSTORE_URL_SIZE];
static struct store *nation;
static struct {
    char code[12], number[13], name[40], address[100];
} people[PEOPLE];

static const struct peer agency = {.role = ROLE_AGENCY, .municipality = "000000", .name = "nenkin", .serial = "01"};
static const struct peer other = {.role = ROLE_AGENCY, .municipality = "000000", .name = "builder", .serial = "02"};

/* 11 digits and 12, the last one the check digit. */
static void number_of(char *out, int width, int i, enum rc (*check)(const char *))
{
    size_t len = (size_t)sprintf(out, "2%0*d", width, i);
    for (char digit = '0'; digit <= '9'; digit++) {
        out[len] = digit;
        out[len + 1] = '\0';
        if (!check(out))
            return;
    }
    fail_msg("no check digit for %d", i);
}

static void enter(int i)
{
    struct resident r = {.municipality = HERE, .attributes = {.birth = "319800229", .sex = "2"}};
    struct ledger_change change;
    number_of(people[i].code, 9, i, code_check);
    number_of(people[i].number, 10, i, code_check_personal);
    sprintf(people[i].name, "公的　花子%d", i % 60); /* some share a name, and then an address */
    sprintf(people[i].address, "鹿児島県鹿児島市山下町%d番", i % 60);
    strcpy(r.code, people[i].code);
    strcpy(r.particulars.personal_number, people[i].number);
    strcpy(r.attributes.name, people[i].name);
    strcpy(r.attributes.address, people[i].address);
    attributes_no_substitutes(&r.attributes);
    assert_int_equal(ledger_put(nation, &r, REASON_FIRST, "2026-01-05", 5, &change, NULL), RC_OK);
    if (i % 10 == 3) /* struck out */
        assert_int_equal(ledger_put(nation, &r, REASON_DEATH, "2026-01-06", 6, &change, NULL), RC_OK);
}

static int setup(void **state)
{
    (void)state;
    if (!mkdtemp(folder) || clock_set("2026-11-23T00:00:00Z"))
        return -1;
    teststore_url(folder, "many", url);
    assert_int_equal(ledger_open(url, NODE_NATIONAL, "000000", &nation, NULL), RC_OK);
    assert_int_equal(schema_settle(nation, NULL), RC_OK);
    assert_int_equal(store_begin(nation, NULL), RC_OK);
    assert_int_equal(
        store_run(nation,
                  "INSERT INTO task (agency, task, from_day, until_day, law, title, fields, keys, legacy_code) VALUES "
                  "('nenkin', 't', '2002-08-05', '', 'l', 't', ?1, 7, 1)",
                  BINDS(BIND_INTEGER(2047)), NULL, NULL),
        RC_OK);
    for (int i = 0; i < PEOPLE; i++)
        enter(i);
    assert_int_equal(store_commit(nation, NULL), RC_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    store_close(nation);
    return scratch_remove(folder);
}

static int64_t uses(struct store *store)
{
    int64_t n = -1;
    assert_int_equal(ledger_count(store, "SELECT count(*) FROM usage", &n, NULL), RC_OK);
    return n;
}

/* Every kind of key in turn, right ones and wrong ones. */
static json_t *question(int i)
{
    switch (i % 7) {
    case 0:
        return json_pack("{s:s, s:{s:s}}", "task", "t", "key", "personal_number", people[i].number);
    case 1:
        return json_pack("{s:s, s:{s:s}}", "task", "t", "key", "code", people[i].code);
    case 2:
        return json_pack("{s:s, s:{s:s, s:s, s:s, s:s}}", "task", "t", "key", "name", people[i].name, "birth",
                         "319800229", "sex", "2", "address", people[i].address);
    case 3: /* the number is somebody's, the name is not */
        return json_pack("{s:s, s:{s:s, s:s}}", "task", "t", "key", "personal_number", people[i].number, "name",
                         "誰か");
    case 4: /* without an address: looked for everywhere */
        return json_pack("{s:s, s:{s:s, s:s}}", "task", "t", "key", "name", people[i].name, "birth", "319800229");
    case 5: /* the other sex */
        return json_pack("{s:s, s:{s:s, s:s, s:s, s:s}}", "task", "t", "key", "name", people[i].name, "birth",
                         "319800229", "sex", "1", "address", people[i].address);
    default:
        return json_pack("{s:s, s:{s:s, s:s}}", "task", "t", "key", "code", people[i].code, "address",
                         people[i].address);
    }
}

static void test_as_alone(void **state)
{
    (void)state;
    void *all[PEOPLE + 1];
    json_t *answer = NULL;
    struct err err = {0};
    for (int i = 0; i <= PEOPLE; i++) {
        struct provision *p = NULL;
        json_t *body = question(i % PEOPLE);
        assert_int_equal(provide_read(i == 20 ? &other : &agency, body, false, &p, NULL),
                         RC_OK); /* one has no such task */
        json_decref(body);
        all[i] = p;
    }
    int64_t before = uses(nation);
    for (int run = 0; run < 2; run++) { /* a run that is made again leaves nothing of the first */
        assert_int_equal(store_begin(nation, NULL), RC_OK);
        if (provide_run(all, PEOPLE + 1, nation, &err))
            fail_msg("%s", err.text);
        if (run)
            assert_int_equal(store_commit(nation, NULL), RC_OK);
        store_rollback(nation);
    }
    assert_int_equal(uses(nation) - before, PEOPLE + 1);
    int results[3] = {0};
    for (int i = 0; i <= PEOPLE; i++) {
        if (i == 20) {
            assert_int_equal(provide_tell(all[i], &answer, &err), RC_DENIED);
            provide_free(all[i]);
            continue;
        }
        json_t *alone = NULL, *body = question(i % PEOPLE);
        assert_int_equal(provide_tell(all[i], &answer, NULL), RC_OK);
        assert_int_equal(provide_answer(nation, &agency, body, false, &alone, NULL), RC_OK);
        if (!json_equal(answer, alone))
            fail_msg("%d: %s, alone %s", i, json_dumps(answer, 0), json_dumps(alone, 0));
        const char *result = json_string_value(json_object_get(answer, "result"));
        results[0] += strcmp(result, "one") == 0;
        results[1] += strcmp(result, "removed") == 0;
        results[2] += strcmp(result, "many") == 0;
        json_decref(alone);
        json_decref(body);
        json_decref(answer);
        provide_free(all[i]);
    }
    for (int i = 0; i < 3; i++)
        assert_true(results[i] > 0);
    int64_t refused = -1;
    assert_int_equal(ledger_count(nation, "SELECT count(*) FROM usage WHERE name = 'builder' AND result = 'RC_DENIED'",
                                  &refused, NULL),
                     RC_OK);
    assert_int_equal(refused, 1);
}

/* --- death
 * --------------------------------------------------------------------------------------------------------------- */

static struct {
    struct storegroup *group;
    pthread_mutex_t lock;
    int told;
} child = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Asks again and again; a byte for each answer. */
static void *client(void *context)
{
    for (int i = *(int *)context;; i = (i + THREADS) % PEOPLE) {
        struct provision *p = NULL;
        json_t *answer = NULL, *body = question(i);
        enum rc rc = provide_read(&agency, body, false, &p, NULL);
        json_decref(body);
        if (!rc)
            rc = storegroup_run_many(child.group, provide_run, p, NULL);
        if (!rc)
            rc = provide_tell(p, &answer, NULL);
        if (rc || write(child.told, "a", 1) != 1)
            _exit(1);
        json_decref(answer);
        provide_free(p);
    }
    return NULL;
}

static void child_run(const char *fault, int told)
{
    struct store *store = NULL;
    pthread_t ids[THREADS];
    int first[THREADS];
    setenv("JPKI_FAULT", fault, 1);
    alarm(60); /* a point that is never passed */
    child.told = told;
    if (store_open(url, registry_migrations, registry_migration_count, &store, NULL) ||
        storegroup_new(store, &child.lock, &child.group))
        _exit(2);
    for (int i = 0; i < THREADS; i++) {
        first[i] = i;
        if (pthread_create(&ids[i], NULL, client, &first[i]))
            _exit(3);
    }
    pthread_join(ids[0], NULL);
    _exit(4);
}

static void test_killed(void **state)
{
    (void)state;
    static const struct {
        const char *what, *fault;
        bool all; /* what was committed was told to nobody yet */
    } rows[] = {
        {"looked for, not recorded", "registry.before_provide:40", false},
        {"recorded, not durable", "store.before_commit:40", false},
        {"durable, not answered", "store.after_commit:40", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int ends[2], status = 0;
        char bytes[256];
        int64_t before = uses(nation), answers = 0;
        store_close(nation); /* no handle goes through a fork */
        assert_int_equal(pipe(ends), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
            child_run(rows[i].fault, ends[1]);
        close(ends[1]);
        for (ssize_t got; (got = read(ends[0], bytes, sizeof bytes)) > 0;)
            answers += got;
        close(ends[0]);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
            fail_msg("%s: the child ended with %x", rows[i].what, status);
        assert_int_equal(ledger_open(url, NODE_NATIONAL, "000000", &nation, NULL), RC_OK);
        int64_t recorded = uses(nation) - before;
        /* forty times somebody's, and of each client's only the last may not have been told */
        if (recorded < 39 || answers < recorded - THREADS || answers > recorded || (rows[i].all && answers == recorded))
            fail_msg("%s: %d answers, %d recorded", rows[i].what, (int)answers, (int)recorded);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_as_alone), cmocka_unit_test(test_killed)};
    return cmocka_run_group_tests_name("provide many", tests, setup, teardown);
}

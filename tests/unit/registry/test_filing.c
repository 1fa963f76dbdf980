/* test_filing.c — the record of use is the same before, while and after it is filed, whenever the process dies, and is filed when
 * there is time. */
#include "support/scratch.h"
#include "support/teststore.h"
#include "registry/filing.h"
#include "registry/ledger.h"
#include "registry/schema.h"
#include "registry/usage.h"

#include "base/clock.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define CODE "24727059608"
#define OLD_CODE "24846016224"
#define OTHER "10000000014"
#define MANY 5000 /* more than two portions */

static char folder[] = "/tmp/jpki-filing-XXXXXX", url[TESTSTORE_URL_SIZE];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct store *store;
static struct filing filing;

static void open_all(void)
{
    assert_int_equal(ledger_open(url, NODE_NATIONAL, "000000", &store, NULL), RC_OK);
    assert_int_equal(schema_settle(store, NULL), RC_OK);
    assert_int_equal(storegroup_new(store, &lock, &filing.group), RC_OK);
    assert_int_equal(store_open_reader(url, registry_migrations, registry_migration_count, &filing.reader, NULL), RC_OK);
}

static void close_all(void)
{
    storegroup_free(filing.group);
    store_close(filing.reader);
    store_close(store);
    filing = (struct filing) { 0 };
}

static void enter(const char *code)
{
    assert_int_equal(store_run(store, "INSERT INTO resident (code, municipality, revision, removed, name, birth, sex, address, name_substitutes, "
                                      "address_substitutes) VALUES (?1, '462012', 1, 0, '', '', '', '', '', '') ON CONFLICT (code, municipality) "
                                      "DO NOTHING", BINDS(BIND_TEXT(code)), NULL, NULL), RC_OK);
}

static int setup(void **state)
{
    (void)state;
    strcpy(folder + strlen(folder) - 6, "XXXXXX");
    if (!mkdtemp(folder) || clock_set("2026-11-23T00:00:00Z"))
        return -1;
    teststore_url(folder, "filing", url);
    open_all();
    assert_int_equal(store_run(store, "DELETE FROM usage", NULL, NULL, NULL), RC_OK); /* another test's */
    assert_int_equal(store_run(store, "DELETE FROM usage_filed", NULL, NULL, NULL), RC_OK);
    assert_int_equal(store_run(store, "DELETE FROM link", NULL, NULL, NULL), RC_OK);
    assert_int_equal(store_run(store, "UPDATE filing SET until = 0", NULL, NULL, NULL), RC_OK);
    enter(CODE);
    enter(OTHER);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    close_all();
    return scratch_remove(folder);
}

static void use(const char *action, const char *record, int times)
{
    static const struct peer peer = { .role = ROLE_AGENCY, .municipality = "000000", .name = "nenkin", .serial = "01" };
    assert_int_equal(store_begin(store, NULL), RC_OK);
    for (int i = 0; i < times; i++)
        assert_int_equal(usage_write(store, &peer, action, record, "one", NULL), RC_OK);
    assert_int_equal(store_commit(store, NULL), RC_OK);
}

struct seen {
    char text[400]; /* the actions, in their order */
    int count;
};

static enum rc see(void *context, const struct usage_row *row)
{
    struct seen *seen = context;
    size_t used = strlen(seen->text);
    snprintf(seen->text + used, sizeof seen->text - used, "%s ", row->action);
    seen->count++;
    return RC_OK;
}

static struct seen uses_of(const char *code)
{
    struct seen seen = { 0 };
    struct err err = { 0 };
    if (usage_each(store, code, 0, INT64_MAX, see, &seen, &err))
        fail_msg("%s", err.text);
    return seen;
}

static int64_t count(const char *sql)
{
    int64_t n = -1;
    assert_int_equal(ledger_count(store, sql, &n, NULL), RC_OK);
    return n;
}

static int64_t file_all(void)
{
    int64_t rows = -1;
    assert_int_equal(filing_all(&filing, &rows, NULL), RC_OK);
    return rows;
}

/* Over days, a change of code and certificates; some filed, some not. */
static void test_same(void **state)
{
    (void)state;
    static const char all[] = "a b c d e f ";
    assert_int_equal(store_run(store, "INSERT INTO history (code, revision, municipality, reason, date, recorded, previous_code, name, birth, "
                                      "sex, address, name_substitutes, address_substitutes) VALUES ('" CODE "', 2, '462012', '', '2026-11-24', 0, '"
                                      OLD_CODE "', '', '', '', '', '', '') ON CONFLICT (code, revision, municipality) DO NOTHING", NULL, NULL, NULL), RC_OK);
    assert_int_equal(store_run(store, "INSERT INTO link (authority, serial, code, revision, not_after, recorded, notice, changed, removed) VALUES "
                                      "('sign', '0A01', '" CODE "', 1, 0, 0, 0, 0, 0)", NULL, NULL, NULL), RC_OK);
    use("a", OLD_CODE, 1);
    use("b", "sign/0A01", 1);
    use("x", OTHER, 3);
    assert_int_equal(clock_set("2026-11-24T00:00:00Z"), RC_OK);
    use("c", CODE, 1);
    use("d", CODE, 1);
    use("x", "", 1);
    use("denied", CODE, 1); /* a route stands there: nobody's record */
    assert_int_equal(count("SELECT count(*) FROM usage_filed"), 0);
    assert_string_equal(uses_of(CODE).text, "a b c d denied ");
    assert_int_equal(file_all(), 9);
    assert_int_equal(count("SELECT count(*) FROM usage_filed"), 7);
    assert_int_equal(file_all(), 0);
    use("e", "sign/0A01", 1);
    use("f", CODE, 1);
    assert_string_equal(uses_of(CODE).text, all);
    /* a crash left one of the two filed, and the mark where it was */
    assert_int_equal(store_run(store, "INSERT INTO usage_filed (day, record, usage) SELECT day, record, id FROM usage WHERE action = 'f'", NULL, NULL, NULL),
                     RC_OK);
    assert_string_equal(uses_of(CODE).text, all);
    assert_int_equal(file_all(), 2);
    assert_string_equal(uses_of(CODE).text, all);
    assert_int_equal(uses_of(OTHER).count, 3);
    assert_int_equal(count("SELECT count(*) FROM usage_filed"), 9);
}

/* What no record can be named is passed over and holds nothing back. */
static void test_strange(void **state)
{
    (void)state;
    char name[300];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    use("long", name, 2);
    use("a", CODE, 1);
    assert_int_equal(file_all(), 3);
    assert_string_equal(uses_of(CODE).text, "a ");
    assert_int_equal(count("SELECT count(*) FROM usage_filed"), 1);
}

/* An old row's day was not kept: it is filed under the day of its time, and erased with it. When all are erased, numbers begin anew. */
static void test_erased(void **state)
{
    (void)state;
    int64_t erased = 0, day = clock_from_date(2026, 11, 24) - 9 * 3600;
    use("a", CODE, 2);
    assert_int_equal(store_run(store, "UPDATE usage SET day = ''", NULL, NULL, NULL), RC_OK);
    assert_int_equal(clock_set("2026-11-24T00:00:00Z"), RC_OK);
    use("b", CODE, 1);
    file_all();
    assert_int_equal(store_begin(store, NULL), RC_OK);
    assert_int_equal(usage_erase(store, day, &erased, NULL), RC_OK);
    assert_int_equal(store_commit(store, NULL), RC_OK);
    assert_int_equal(erased, 2);
    assert_string_equal(uses_of(CODE).text, "b ");
    assert_int_equal(count("SELECT count(*) FROM usage_filed"), 1);
    assert_int_equal(store_begin(store, NULL), RC_OK);
    assert_int_equal(usage_erase(store, day + 86400, &erased, NULL), RC_OK);
    assert_int_equal(store_commit(store, NULL), RC_OK);
    assert_int_equal(count("SELECT count(*) FROM usage_filed"), 0);
    use("c", CODE, 1);
    assert_string_equal(uses_of(CODE).text, "c ");
    file_all();
    assert_int_equal(count("SELECT count(*) FROM usage_filed"), 1);
    assert_string_equal(uses_of(CODE).text, "c ");
}

/* The clock was a day ahead and came back: the newest row is erased first, and its number given again. */
static void test_erased_newest(void **state)
{
    (void)state;
    int64_t erased = 0;
    assert_int_equal(clock_set("2026-11-25T00:00:00Z"), RC_OK);
    use("a", CODE, 1);
    assert_int_equal(clock_set("2026-11-23T00:00:00Z"), RC_OK);
    use("b", CODE, 2);
    file_all();
    assert_int_equal(store_begin(store, NULL), RC_OK);
    assert_int_equal(usage_erase(store, clock_from_date(2026, 11, 24) - 9 * 3600, &erased, NULL), RC_OK);
    assert_int_equal(store_commit(store, NULL), RC_OK);
    assert_int_equal(erased, 2);
    use("c", CODE, 1);
    assert_string_equal(uses_of(CODE).text, "a c ");
    file_all();
    assert_string_equal(uses_of(CODE).text, "a c ");
    assert_int_equal(count("SELECT count(*) FROM usage_filed"), 2);
}

/* Erased between its filing and the mark (here by a trigger, so in SQLite only): the mark stays, and what gets its number is filed. */
static void test_erased_meanwhile(void **state)
{
    (void)state;
    if (store_is_served(store))
        return;
    use("a", CODE, 2);
    assert_int_equal(store_exec(store, "CREATE TRIGGER sweep AFTER INSERT ON usage_filed BEGIN DELETE FROM usage; END", NULL), RC_OK);
    file_all();
    assert_int_equal(store_exec(store, "DROP TRIGGER sweep", NULL), RC_OK);
    assert_int_equal(count("SELECT until FROM filing"), 0);
    use("b", CODE, 2);
    assert_string_equal(uses_of(CODE).text, "b b ");
    file_all();
    use("c", CODE, 1);
    assert_string_equal(uses_of(CODE).text, "b b c ");
}

/* While many ask it waits, and then does it in one go; alone it begins at once. */
static void test_time(void **state)
{
    (void)state;
    assert_int_equal(filing_deliver(&filing, NULL), RC_NOT_FOUND);
    use("a", CODE, MANY);
    filing.looked += 1000 * 1000; /* as if the last look had been just now */
    assert_int_equal(filing_deliver(&filing, NULL), RC_NOT_FOUND);
    assert_int_equal(count("SELECT until FROM filing"), 0);
    assert_int_equal(filing_deliver(&filing, NULL), RC_OK); /* nobody came since */
    assert_int_equal(count("SELECT count(*) FROM usage_filed"), MANY);
    assert_int_equal(filing_deliver(&filing, NULL), RC_NOT_FOUND);
    assert_int_equal(uses_of(CODE).count, MANY);
}

#ifdef JPKI_FAULTS
/* Killed in a portion, before its commit and behind it: nothing is lost or doubled, and the next one files it. */
static void test_killed(void **state)
{
    (void)state;
    static const char *const faults[] = { "registry.before_filed:2", "store.before_commit:2", "store.after_commit:2", "store.before_commit:4" };
    use("a", CODE, 3);
    use("x", OTHER, MANY);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        int status = 0;
        close_all(); /* no handle goes through a fork */
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            int64_t rows;
            setenv("JPKI_FAULT", faults[i], 1);
            open_all();
            _exit(filing_all(&filing, &rows, NULL) ? 1 : 2);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
            fail_msg("%s: the child ended with %x", faults[i], status);
        open_all();
        assert_int_equal(count("SELECT until FROM filing"), 0);
        assert_int_equal(uses_of(CODE).count, 3);
        assert_int_equal(uses_of(OTHER).count, MANY);
    }
    assert_int_equal(file_all(), MANY + 3);
    assert_int_equal(count("SELECT count(*) FROM usage_filed"), MANY + 3);
    assert_int_equal(uses_of(OTHER).count, MANY);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_same, setup, teardown),
        cmocka_unit_test_setup_teardown(test_strange, setup, teardown),
        cmocka_unit_test_setup_teardown(test_erased, setup, teardown),
        cmocka_unit_test_setup_teardown(test_erased_newest, setup, teardown),
        cmocka_unit_test_setup_teardown(test_erased_meanwhile, setup, teardown),
        cmocka_unit_test_setup_teardown(test_time, setup, teardown),
#ifdef JPKI_FAULTS
        cmocka_unit_test_setup_teardown(test_killed, setup, teardown),
#endif
    };
    return cmocka_run_group_tests_name("registry-filing", tests, NULL, NULL);
}

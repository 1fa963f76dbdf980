/* test_edges.c — the edge cases in what `jpki-registry populate` fills: each is found in a town of 2,000 and in a
 * nation of 5,000, can be certified and confirmed, and is provided to an agency with the right result. usage:
 * test-registry-edges PROGRAM */
#include "registry/certlink.h"
#include "registry/copies.h"
#include "registry/intake.h"
#include "registry/nation.h"
#include "registry/outbox.h"
#include "registry/provide.h"
#include "registry/task.h"
#include "registry/town.h"
#include "support/scratch.h"

#include "net/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define PLACE "131121" /* the largest municipality of all */
#define TOWN 2000
#define NATION 5000
#define SEED 3

static struct {
    const char *program;
    char folder[64];
    struct store *town, *nation;
    struct town *of_town, *of_nation;
} w;

static const struct peer agency = {.role = ROLE_AGENCY, .municipality = "000000", .name = "nenkin", .serial = "01"};

#define TWO(what)                                                                                                      \
    "EXISTS (SELECT 1 FROM resident o WHERE o.code <> r.code AND o.birth = r.birth AND o.address = r.address "         \
    "AND " what ")"
#define HAPPENED(reason) "EXISTS (SELECT 1 FROM history h WHERE h.code = r.code AND h.reason = '" reason "')"

#define CROWDED "r.address IN (SELECT o.address FROM resident o GROUP BY o.address HAVING count(*) >= 12)"

static const struct edge {
    const char *flaw;
    enum town_edge edge;
    const char *where;  /* how it is found in a store, about resident r */
    const char *result; /* of a search by the four attributes */
} edges[] = {
    {"born on 29 February", EDGE_LEAP_DAY, "substr(r.birth, 6) = '0229'", "one"},
    {"a long 方書", EDGE_LONG_ADDRESS, "length(r.address) = 200", "one"},
    {"外字 in the name", EDGE_SUBSTITUTE,
     "substr(r.original_name, 1, 2) = '髙橋' AND substr(r.name_substitutes, 1, 1) = '1'", "one"},
    {"a name in the alphabet", EDGE_FOREIGN, "substr(r.name, 1, 1) BETWEEN 'A' AND 'Z' AND r.alias = ''", "one"},
    {"a twin", EDGE_TWIN, TWO("o.name <> r.name AND substr(r.birth, 2, 4) > '2000'"), "one"},
    {"the other twin", EDGE_OTHER_TWIN, TWO("o.name <> r.name AND substr(r.birth, 2, 4) > '2000'"), "one"},
    {"an unknown day of birth", EDGE_NO_DAY, "substr(r.birth, 8) = '00' AND substr(r.birth, 6, 2) <> '00'", "one"},
    {"a 通称", EDGE_ALIAS, "r.alias <> ''", "one"},
    {"a 旧氏 with its reading", EDGE_FORMER_NAME, "r.former_name <> '' AND r.former_furigana <> ''", "one"},
    {"the longest name", EDGE_LONG_NAME, "length(r.name) = 100", "one"},
    {"over a hundred", EDGE_OLD, "substr(r.birth, 2, 4) < '1926' AND r.removed = 0", "one"},
    {"no reading yet", EDGE_NO_FURIGANA, "r.furigana = '' AND NOT substr(r.name, 1, 1) BETWEEN 'A' AND 'Z'", "one"},
    {"an unknown month of birth", EDGE_NO_MONTH, "substr(r.birth, 6) = '0000'", "one"},
    {"the same four attributes", EDGE_SAME, TWO("o.name = r.name AND o.sex = r.sex"), "many"},
    {"the other of the same", EDGE_OTHER_SAME, TWO("o.name = r.name AND o.sex = r.sex"), "many"},
    {"外字 in the address", EDGE_SUBSTITUTE_PLACE,
     "r.original_address <> '' AND length(r.original_address) = length(r.address)", "one"},
    {"a household of many", EDGE_CROWD, CROWDED, "one"},
    {"the last of them", EDGE_CROWD_LAST, CROWDED, "one"},
    {"a code that changed twice", EDGE_CODE_TWICE,
     "r.code IN (SELECT b.successor FROM resident a JOIN resident b ON b.code = a.successor)", "one"},
    {"再転入", EDGE_RETURNED, HAPPENED("国内転出") " AND " HAPPENED("国内転入") " AND r.removed = 0", "one"},
    {"消除", EDGE_GONE, "r.removed <> 0 AND r.successor = ''", "removed"},
};

static int64_t __attribute__((format(printf, 2, 3))) count(struct store *store, const char *format, ...)
{
    char sql[800];
    int64_t n = -1;
    struct err err = {0};
    va_list list;
    va_start(list, format);
    vsnprintf(sql, sizeof sql, format, list);
    va_end(list);
    if (ledger_count(store, sql, &n, &err))
        fail_msg("%s: %s", sql, err.text);
    return n;
}

/* Found by what it is, and it is who it should be; certificates can be made of it. */
static void look(struct store *store, const struct town *town, const struct edge *edge)
{
    char code[12];
    struct ledger_row row;
    GENERAL_NAMES *names = NULL;
    struct err err = {0};
    town_edge_code(town, edge->edge, code);
    if (count(store, "SELECT count(*) FROM resident r WHERE %s", edge->where) < 1)
        fail_msg("%s: nobody", edge->flaw);
    if (count(store, "SELECT count(*) FROM resident r WHERE %s AND code = '%s'", edge->where, code) != 1)
        fail_msg("%s: not the one who should be so", edge->flaw);
    assert_int_equal(ledger_find_code(store, code, &row, NULL), RC_OK);
    if (attributes_to_names(&row.resident.attributes, &names, &err))
        fail_msg("%s: cannot be certified: %s", edge->flaw, err.text);
    GENERAL_NAMES_free(names);
}

static void test_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++) {
        look(w.town, w.of_town, &edges[i]);
        look(w.nation, w.of_nation, &edges[i]);
    }
    for (int edge = 0; edge <= TOWN_EDGES; edge++) { /* no edge case without a row */
        bool row = edge == EDGE_WITHHELD || (edge > EDGE_CROWD && edge < EDGE_CROWD_LAST);
        for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++)
            row |= (int)edges[i].edge == edge;
        assert_true(row);
    }
}

static void load_task(void)
{
    static const char text[] =
        "{\"tasks\":[{\"agency\":\"nenkin\",\"task\":\"77\",\"law\":\"l\",\"title\":\"t\",\"fields\":[\"name\","
        "\"birth\"],\"keys\":[\"attributes\",\"number\"],\"from\":\"2002-08-05\"}]}";
    json_t *json = NULL;
    int64_t tasks;
    assert_int_equal(json_read(bytes_of(text, strlen(text)), &json, NULL), RC_OK);
    assert_int_equal(store_begin(w.nation, NULL), RC_OK);
    assert_int_equal(task_load(w.nation, json, &tasks, NULL), RC_OK);
    assert_int_equal(store_commit(w.nation, NULL), RC_OK);
    json_decref(json);
}

static void want_result(const char *flaw, json_t *key, const char *want)
{
    json_t *answer = NULL, *body = json_pack("{s:s, s:s, s:o}", "task", "77", "why", "現況", "key", key);
    struct err err = {0};
    if (provide_answer(w.nation, &agency, body, false, &answer, &err))
        fail_msg("%s: %s", flaw, err.text);
    const char *result = json_string_value(json_object_get(answer, "result"));
    if (strcmp(result, want) != 0)
        fail_msg("%s: %s", flaw, result);
    json_decref(answer);
    json_decref(body);
}

static void test_provided(void **state)
{
    (void)state;
    load_task();
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++) {
        char code[12];
        struct ledger_row row;
        town_edge_code(w.of_nation, edges[i].edge, code);
        assert_int_equal(ledger_find_code(w.nation, code, &row, NULL), RC_OK);
        const struct attributes *a = &row.resident.attributes;
        want_result(
            edges[i].flaw,
            json_pack("{s:s, s:s, s:s, s:s}", "name", a->name, "birth", a->birth, "sex", a->sex, "address", a->address),
            edges[i].result);
        want_result(edges[i].flaw, json_pack("{s:s}", "personal_number", row.resident.particulars.personal_number),
                    edges[i].edge == EDGE_GONE ? "removed" : "one");
    }
}

/* A certificate of each is confirmed. */
static void test_confirmed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++) {
        struct certlink link = {
            .certificate = {.authority = AUTHORITY_SIGN, .not_after = 4000000000}, .recorded = 1, .notice = 1};
        struct confirmation confirmation = {0};
        struct ledger_row row;
        snprintf(link.certificate.serial, sizeof link.certificate.serial, "0A%04zX", i);
        town_edge_code(w.of_nation, edges[i].edge, link.code);
        assert_int_equal(ledger_find_code(w.nation, link.code, &row, NULL), RC_OK);
        link.revision = row.revision;
        link.removed = row.removed;
        assert_int_equal(store_begin(w.nation, NULL), RC_OK);
        assert_int_equal(certlink_add(w.nation, &link, NULL), RC_OK);
        assert_int_equal(store_commit(w.nation, NULL), RC_OK);
        assert_int_equal(certlink_confirm(w.nation, AUTHORITY_SIGN, link.certificate.serial, &confirmation, NULL),
                         RC_OK);
        if (confirmation.status != (edges[i].edge == EDGE_GONE ? CONFIRM_REMOVED : CONFIRM_CURRENT))
            fail_msg("%s: %s", edges[i].flaw, confirm_status_name(confirmation.status));
    }
}

/* 支援措置 is the municipality's alone: no copy is given out. */
static void test_withheld(void **state)
{
    (void)state;
    static const struct peer officer = {
        .role = ROLE_DESK_OFFICER, .municipality = PLACE, .name = "desk", .serial = "02"};
    static const struct {
        enum town_edge edge;
        enum rc want;
    } rows[] = {{EDGE_LEAP_DAY, RC_OK}, {EDGE_WITHHELD, RC_DENIED}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char code[12];
        struct ledger_row row;
        json_t *items = NULL;
        struct err err = {0};
        town_edge_code(w.of_town, rows[i].edge, code);
        assert_int_equal(ledger_find_code(w.town, code, &row, NULL), RC_OK);
        const struct copies_wish wish = {.code = code, .name = row.resident.attributes.name};
        assert_int_equal(copies_collect(w.town, &officer, COPIES_OWN, &wish, &items, &err), rows[i].want);
        json_decref(items);
    }
    assert_int_equal(count(w.town, "SELECT count(*) FROM withheld"), 1);
}

static void run(const char *line)
{
    char command[500];
    snprintf(command, sizeof command, "\"%s\" populate %s >>%s/said 2>&1", w.program, line, w.folder);
    if (system(command) != 0) /* our own words */
        fail_msg("%s", command);
}

/* One municipality is not connected: the nation knows nobody of it, until it tells. */
static void test_not_connected(void **state)
{
    (void)state;
    const char *place = nation_unconnected(SEED)->code;
    char line[300];
    int64_t heard, acknowledged, expected;
    struct store *town = NULL;
    json_t *notices = NULL;
    struct err err = {0};
    assert_int_equal(count(w.nation, "SELECT count(*) FROM resident WHERE municipality = '%s'", place), 0);
    assert_int_equal(count(w.nation, "SELECT count(*) FROM resident WHERE removed = 0"), NATION);
    assert_int_equal(intake_position(w.nation, place, &heard, NULL), RC_OK);
    assert_int_equal(heard, 0);
    snprintf(line, sizeof line, "--store %s/late.db --municipality %s --residents 50", w.folder, place);
    run(line);
    snprintf(line, sizeof line, "sqlite:%s/late.db", w.folder);
    assert_int_equal(ledger_open(line, NODE_MUNICIPAL, place, &town, NULL), RC_OK);
    assert_int_equal(outbox_notices(town, 1, NOTICE_BATCH, &notices, NULL), RC_OK);
    if (intake_take(w.nation, place, notices, &acknowledged, &expected, &err))
        fail_msg("%s", err.text);
    assert_int_equal(acknowledged, 50);
    assert_int_equal(count(w.nation, "SELECT count(*) FROM resident WHERE municipality = '%s'", place), 50);
    json_decref(notices);
    store_close(town);
}

/* A year that was lived: as much as in the country, told to the nation, and no code twice. */
static void test_lived(void **state)
{
    (void)state;
    static const struct {
        const char *reason;
        enum town_event event;
        int64_t more; /* of those with a past */
    } rows[] = {{"出生", TOWN_BIRTH, 0},
                {"死亡", TOWN_DEATH, 1},
                {"国内転入", TOWN_ARRIVAL, 1},
                {"国内転出", TOWN_DEPARTURE, 1},
                {"転居", TOWN_MOVE, 0}};
    char line[300];
    struct store *town = NULL, *nation = NULL;
    int64_t living = TOWN, done = 0, expected;
    struct outbox_state outbox;
    struct err err = {0};
    snprintf(line, sizeof line, "--store %s/lived.db --municipality " PLACE " --residents %d --days 365", w.folder,
             TOWN);
    run(line);
    snprintf(line, sizeof line, "sqlite:%s/lived.db", w.folder);
    assert_int_equal(ledger_open(line, NODE_MUNICIPAL, PLACE, &town, NULL), RC_OK);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t want = town_yearly[rows[i].event] * TOWN / 10000;
        assert_int_equal(town_events(rows[i].event, TOWN, 365), want);
        assert_int_equal(count(town, "SELECT count(*) FROM history WHERE reason = '%s'", rows[i].reason),
                         want + rows[i].more);
        living += rows[i].event == TOWN_BIRTH || rows[i].event == TOWN_ARRIVAL ? want
                  : rows[i].event == TOWN_MOVE                                 ? 0
                                                                               : -want;
    }
    assert_int_equal(count(town, "SELECT count(*) FROM resident WHERE removed = 0"), living);
    assert_in_range(count(town, "SELECT count(DISTINCT date) FROM history"), 150, 366);
    snprintf(line, sizeof line, "sqlite:%s/told.db", w.folder);
    assert_int_equal(ledger_open(line, NODE_NATIONAL, "000000", &nation, NULL), RC_OK);
    assert_int_equal(outbox_read(town, OUTBOX_NATIONAL, &outbox, NULL), RC_OK);
    while (done < outbox.last) {
        json_t *notices = NULL;
        assert_int_equal(outbox_notices(town, done + 1, NOTICE_BATCH, &notices, NULL), RC_OK);
        if (intake_take(nation, PLACE, notices, &done, &expected, &err))
            fail_msg("%s", err.text);
        json_decref(notices);
    }
    static const char sum[] =
        "SELECT sum(revision * 7 + length(name) + length(address) * 31 + CAST(code AS BIGINT)) FROM resident";
    assert_int_equal(count(nation, "%s", sum), count(town, "%s", sum));
    store_close(town);
    store_close(nation);
}

static int setup(void **state)
{
    (void)state;
    char line[300];
    int64_t *sizes = calloc(3000, sizeof *sizes);
    size_t places, at = 0;
    const struct municipality *rows = municipality_rows(&places);
    strcpy(w.folder, "/tmp/jpki-edges-XXXXXX");
    if (!sizes || places > 3000 || !mkdtemp(w.folder))
        return -1;
    snprintf(line, sizeof line, "--store %s/town.db --municipality " PLACE " --residents %d --seed %d", w.folder, TOWN,
             SEED);
    run(line);
    snprintf(line, sizeof line, "--store %s/nation.db --nation --residents %d --seed %d", w.folder, NATION, SEED);
    run(line);
    snprintf(line, sizeof line, "sqlite:%s/town.db", w.folder);
    assert_int_equal(ledger_open(line, NODE_MUNICIPAL, PLACE, &w.town, NULL), RC_OK);
    snprintf(line, sizeof line, "sqlite:%s/nation.db", w.folder);
    assert_int_equal(ledger_open(line, NODE_NATIONAL, "000000", &w.nation, NULL), RC_OK);
    assert_int_equal(nation_sizes(NATION, SEED, sizes, NULL), RC_OK);
    while (strcmp(rows[at].code, PLACE) != 0)
        at++;
    assert_int_equal(nation_cases(sizes, at), TOWN_WITH_PAST);
    assert_int_equal(town_new(PLACE, TOWN, SEED, TOWN_WITH_PAST, &w.of_town, NULL), RC_OK);
    assert_int_equal(town_new(PLACE, sizes[at], SEED, TOWN_WITH_PAST, &w.of_nation, NULL), RC_OK);
    free(sizes);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    store_close(w.town);
    store_close(w.nation);
    town_free(w.of_town);
    town_free(w.of_nation);
    return scratch_remove(w.folder);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    w.program = argv[1];
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_found),     cmocka_unit_test(test_provided),
                                       cmocka_unit_test(test_confirmed), cmocka_unit_test(test_withheld),
                                       cmocka_unit_test(test_lived),     cmocka_unit_test(test_not_connected)};
    return cmocka_run_group_tests_name("registry-edges", tests, setup, teardown);
}

/* test_registry_moves.c — two municipalities, the nation and a prefecture as processes: a person moves and the code goes along,
 * whoever is down meanwhile; each node dies at each named point of a move and the end is the same; the prefecture hears what
 * the nation hears; stores are compared and put right; a refused notice is decided about. */
#include "registryworld.h"

#include "base/clock.h"
#include "base/file.h"
#include "net/json.h"
#include "net/opseal.h"
#include "registry/ledger.h"
#include "registry/notice.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define THERE_ADDRESS "東京都千代田区丸の内一丁目１番１号"
#define HERE_ADDRESS "鹿児島県鹿児島市荒田二丁目７番７号"
#define LETTERS "SELECT count(*) FROM letter WHERE sent = 0"

#define CARD "A000000000000001"

enum { TRIES = 40 };

static const char *today(void)
{
    static char date[11];
    day_of(clock_now(), date);
    return date;
}

static enum rc leave(struct world *w, enum who who, int id, const char *code, const char *to, const char *address,
                     const char *request)
{
    return post(w, who, id, "/v1/moves/leave", json_pack("{s:s, s:s, s:s, s:s, s:s}", "code", code, "to", to, "address", address,
                                                         "date", today(), "request", request));
}

static enum rc arrive(struct world *w, enum who who, int id, const char *code, const char *from, const char *address,
                      const char *request)
{
    return post(w, who, id, "/v1/moves/arrive", json_pack("{s:s, s:s, s:s, s:s, s:s*}", "code", code, "address", address, "date",
                                                          today(), "request", request, "from", from));
}

static struct ledger_row row_of(struct world *w, enum who who, const char *code)
{
    struct store *store = NULL;
    enum node_role role;
    char municipality[7];
    struct ledger_row row = { 0 };
    assert_int_equal(ledger_open_any(w->nodes[who].store, &role, municipality, &store, NULL), RC_OK);
    enum rc rc = ledger_find_code(store, code, &row, NULL);
    if (rc && rc != RC_NOT_FOUND)
        fail_msg("%s", rc_name(rc));
    store_close(store);
    return row;
}

/* Until the other municipality has the 転出証明書情報. */
static void expect_arrival(struct world *w, enum who who, int64_t how_many)
{
    await(w, who, "SELECT count(*) FROM incoming", how_many);
}

/* The person is of one municipality, in both towns' and the nation's eyes; everything is told. */
static void moved_world(struct world *w, const char *code, const char *owner, const char *address)
{
    enum who mine = strcmp(owner, HERE) == 0 ? MUNICIPAL : OTHER, lost = mine == MUNICIPAL ? OTHER : MUNICIPAL;
    await(w, MUNICIPAL, TOLD, 0);
    await(w, OTHER, TOLD, 0);
    await(w, MUNICIPAL, LETTERS, 0);
    await(w, OTHER, LETTERS, 0);
    await(w, NATIONAL, "SELECT last - acknowledged FROM outbox WHERE peer = 'ca'", 0);
    struct ledger_row row = row_of(w, NATIONAL, code), own = row_of(w, mine, code), old = row_of(w, lost, code);
    assert_string_equal(row.resident.municipality, owner);
    assert_true(row.removed == 0 && own.removed == 0 && old.removed != 0);
    assert_string_equal(row.resident.attributes.address, address);
    assert_true(record_same_told(&row.resident, &own.resident));
    assert_int_equal(count(w, NATIONAL, "SELECT count(*) FROM passed"), 0);
    assert_int_equal(count(w, lost, "SELECT count(*) FROM leaving WHERE closed = 0"), 0);
    assert_int_equal(count(w, NATIONAL, "SELECT count(*) FROM history"),
                     count(w, MUNICIPAL, "SELECT count(*) FROM history") + count(w, OTHER, "SELECT count(*) FROM history"));
}

static void begin(struct world *w, struct resident *resident)
{
    world_new(w, "20");
    start(w, NATIONAL, NULL);
    start(w, OTHER, NULL);
    start(w, MUNICIPAL, NULL);
    await(w, NATIONAL, "SELECT count(*) FROM resident", 20);
    pick(w, resident);
    assert_int_equal(link_cards(w, ID_OFFICER, resident), RC_OK);
}

static void test_there_and_back(void **state)
{
    (void)state;
    struct world w;
    struct resident r;
    struct confirmation confirmation;
    begin(&w, &r);
    assert_int_equal(leave(&w, MUNICIPAL, ID_OFFICER, r.code, THERE, THERE_ADDRESS, "out"), RC_DENIED);
    assert_int_equal(leave(&w, MUNICIPAL, ID_REGISTRAR, r.code, HERE, HERE_ADDRESS, "out"), RC_RANGE);
    assert_int_equal(leave(&w, MUNICIPAL, ID_REGISTRAR, r.code, THERE, HERE_ADDRESS, "out"), RC_RANGE);
    assert_int_equal(arrive(&w, OTHER, ID_OTHER_REGISTRAR, r.code, NULL, THERE_ADDRESS, "in"), RC_NOT_FOUND);
    assert_int_equal(leave(&w, MUNICIPAL, ID_REGISTRAR, r.code, THERE, THERE_ADDRESS, "out"), RC_OK);
    assert_int_equal(leave(&w, MUNICIPAL, ID_REGISTRAR, r.code, THERE, THERE_ADDRESS, "out"), RC_OK);
    assert_int_equal(leave(&w, MUNICIPAL, ID_REGISTRAR, r.code, THERE, THERE_ADDRESS, "again"), RC_STATE);
    expect_arrival(&w, OTHER, 1);
    assert_int_equal(arrive(&w, OTHER, ID_REGISTRAR, r.code, NULL, THERE_ADDRESS, "in"), RC_DENIED);
    assert_int_equal(arrive(&w, OTHER, ID_OTHER_REGISTRAR, r.code, NULL, HERE_ADDRESS, "in"), RC_RANGE);
    assert_int_equal(arrive(&w, OTHER, ID_OTHER_REGISTRAR, r.code, NULL, THERE_ADDRESS, "in"), RC_OK);
    assert_int_equal(arrive(&w, OTHER, ID_OTHER_REGISTRAR, r.code, NULL, THERE_ADDRESS, "in"), RC_OK);
    moved_world(&w, r.code, THERE, THERE_ADDRESS);
    struct ledger_row row = row_of(&w, OTHER, r.code);
    assert_string_equal(row.resident.attributes.name, r.attributes.name);
    assert_string_equal(row.resident.particulars.personal_number, r.particulars.personal_number);
    assert_string_equal(row.resident.household.former_address, r.attributes.address);
    assert_string_equal(row.resident.household.relation, RELATION_HEAD);
    assert_int_equal(w.applied, 1); /* one event for the whole move */
    assert_string_equal(w.last_event, "attributes-changed");
    assert_int_equal(confirm(&w, ID_VERIFIER, AUTHORITY_SIGN, "0A01", &confirmation), RC_OK);
    assert_int_equal(confirmation.status, CONFIRM_CHANGED);
    /* 再転入, by the program */
    const char *out[] = { "leave", "--node", w.nodes[OTHER].url, "--identity", w.paths[ID_OTHER_REGISTRAR], "--code", r.code, "--to", HERE,
                          "--address", HERE_ADDRESS, "--date", today(), "--request", "home", NULL };
    const char *in[] = { "arrive", "--node", w.nodes[MUNICIPAL].url, "--identity", w.paths[ID_REGISTRAR], "--code", r.code, "--address",
                         HERE_ADDRESS, "--date", today(), "--request", "back", "--relation", "夫", "--position", "02", NULL };
    assert_int_equal(run_wait(out), 0);
    expect_arrival(&w, MUNICIPAL, 1);
    assert_int_equal(run_wait(in), 0);
    moved_world(&w, r.code, HERE, HERE_ADDRESS);
    assert_string_equal(row_of(&w, MUNICIPAL, r.code).resident.household.relation, "夫");
    assert_int_equal(w.applied, 1);
    world_free(&w);
}

/* Who is down when: everything waits, nothing is lost, nobody else waits. */
static void test_somebody_is_down(void **state)
{
    (void)state;
    struct world w;
    struct resident r;
    begin(&w, &r);
    stop(&w.nodes[OTHER], SIGTERM); /* the destination */
    stop(&w.nodes[NATIONAL], SIGTERM);
    assert_int_equal(leave(&w, MUNICIPAL, ID_REGISTRAR, r.code, THERE, THERE_ADDRESS, "out"), RC_OK);
    start(&w, OTHER, NULL);
    expect_arrival(&w, OTHER, 1);
    stop(&w.nodes[MUNICIPAL], SIGKILL); /* the old municipality, before the nation heard of the leaving */
    start(&w, NATIONAL, NULL);
    assert_int_equal(arrive(&w, OTHER, ID_OTHER_REGISTRAR, r.code, NULL, THERE_ADDRESS, "in"), RC_OK);
    await(&w, OTHER, TOLD, 0); /* taken by the release, without waiting for the old one */
    assert_string_equal(row_of(&w, NATIONAL, r.code).resident.municipality, THERE);
    await(&w, NATIONAL, HEARD, 1);
    assert_int_equal(count(&w, NATIONAL, "SELECT count(*) FROM passed"), 1);
    start(&w, MUNICIPAL, NULL);
    moved_world(&w, r.code, THERE, THERE_ADDRESS);
    assert_int_equal(w.applied, 1);
    assert_int_equal(w.revoked, 2);
    world_free(&w);
}

/* The person comes before the 転出証明書情報: it is asked for, and the visit is repeated. */
static void test_asked_for(void **state)
{
    (void)state;
    struct world w;
    struct resident r;
    begin(&w, &r);
    stop(&w.nodes[MUNICIPAL], SIGTERM);
    assert_int_equal(arrive(&w, OTHER, ID_OTHER_REGISTRAR, r.code, HERE, THERE_ADDRESS, "in"), RC_STATE);
    assert_int_equal(arrive(&w, OTHER, ID_OTHER_REGISTRAR, r.code, HERE, THERE_ADDRESS, "in"), RC_STATE);
    assert_int_equal(count(&w, OTHER, "SELECT count(*) FROM letter"), 1); /* once */
    start(&w, MUNICIPAL, NULL);
    await(&w, OTHER, LETTERS, 0);
    assert_int_equal(count(&w, MUNICIPAL, "SELECT count(*) FROM letter"), 0); /* nobody was released: nothing is said */
    assert_int_equal(leave(&w, MUNICIPAL, ID_REGISTRAR, r.code, THERE, THERE_ADDRESS, "out"), RC_OK);
    expect_arrival(&w, OTHER, 1);
    assert_int_equal(arrive(&w, OTHER, ID_OTHER_REGISTRAR, r.code, HERE, THERE_ADDRESS, "in"), RC_OK);
    moved_world(&w, r.code, THERE, THERE_ADDRESS);
    world_free(&w);
}

#ifdef JPKI_FAULTS
static void revive(struct world *w)
{
    static const enum who all[] = { NATIONAL, OTHER, MUNICIPAL };
    bool any = false;
    for (size_t i = 0; i < 3; i++)
        if (died(&w->nodes[all[i]])) {
            any = true;
            start(w, all[i], NULL);
        }
    if (!any)
        pause_ms(50);
}

static bool torn_move(enum who who, const char *fault)
{
    struct world w;
    struct resident r;
    enum rc rc = RC_BUG;
    begin(&w, &r);
    stop(&w.nodes[who], SIGTERM);
    bool fired = !start(&w, who, fault);
    if (fired)
        start(&w, who, NULL);
    pid_t first = w.nodes[who].pid;
    for (int i = 0; i < TRIES && (rc = leave(&w, MUNICIPAL, ID_REGISTRAR, r.code, THERE, THERE_ADDRESS, "out")); i++)
        revive(&w);
    assert_int_equal(rc, RC_OK);
    for (int i = 0; i < 200 && count(&w, OTHER, "SELECT count(*) FROM incoming") == 0; i++)
        revive(&w);
    for (int i = 0; i < TRIES && (rc = arrive(&w, OTHER, ID_OTHER_REGISTRAR, r.code, NULL, THERE_ADDRESS, "in")); i++)
        revive(&w);
    assert_int_equal(rc, RC_OK);
    for (int i = 0; i < 200 && (count(&w, MUNICIPAL, TOLD) || count(&w, OTHER, TOLD) || count(&w, OTHER, LETTERS) ||
                                count(&w, NATIONAL, HEARD) != 1); i++)
        revive(&w);
    for (int i = 0; i < 20 && w.nodes[who].pid == first && !fired; i++)
        revive(&w);
    revive(&w);
    moved_world(&w, r.code, THERE, THERE_ADDRESS);
    assert_int_equal(w.applied, 1);
    fired = fired || w.nodes[who].pid != first;
    world_free(&w);
    return fired;
}

static void test_torn(void **state)
{
    (void)state;
    static const struct {
        enum who who;
        const char *fault;
    } rows[] = {
        { MUNICIPAL, "registry.before_leave" },      { MUNICIPAL, "registry.after_leave" },
        { MUNICIPAL, "registry.before_letter_send" }, { MUNICIPAL, "registry.after_letter_send" },
        { MUNICIPAL, "registry.before_letter_sent" }, { MUNICIPAL, "registry.after_letter_sent" },
        { OTHER, "registry.before_letter" },         { OTHER, "registry.after_letter" },
        { OTHER, "registry.before_arrive" },         { OTHER, "registry.after_arrive" },
    };
    for (size_t i = (size_t)rows_part; i < sizeof rows / sizeof rows[0]; i += (size_t)rows_parts) {
        print_message("          %s\n", rows[i].fault);
        if (!torn_move(rows[i].who, rows[i].fault))
            fail_msg("%s was never passed", rows[i].fault);
    }
}

static int group_torn(void)
{
    const struct CMUnitTest torn[] = { cmocka_unit_test(test_torn) };
    return cmocka_run_group_tests_name("registry-torn", torn, NULL, NULL);
}
#endif

/* A kept notice as the operator sees it: it holds, it does not when a byte was changed, and what is not there is not shown. */
static void show_notices(struct world *w, enum who who, struct store *store)
{
    static const struct {
        const char *flaw, *sql, *notice;
        int want;
    } rows[] = {
        { "as it was signed", NULL, HERE "/52", 0 },
        { "no such number", NULL, HERE "/5200", 1 },
        { "of another municipality", NULL, THERE "/52", 1 },
        { "no name of a notice", NULL, HERE, 2 },
        { "a changed word", "UPDATE received SET body = replace(body, '荒田二丁目', '荒田一丁目') WHERE sequence = 52", HERE "/52", 1 },
        { "put right", "UPDATE received SET body = replace(body, '荒田一丁目', '荒田二丁目') WHERE sequence = 52", HERE "/52", 0 },
        { "told as another's", "UPDATE received SET municipality = '" THERE "' WHERE sequence = 52", THERE "/52", 1 },
        { "put right again", "UPDATE received SET municipality = '" HERE "' WHERE sequence = 52", HERE "/52", 0 },
    };
    int64_t looks = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *show[] = { "notice", "show", "--store", w->nodes[who].store, "--identity", w->paths[ID_NATIONAL], rows[i].notice, NULL };
        if (rows[i].sql)
            assert_int_equal(store_exec(store, rows[i].sql, NULL), RC_OK);
        int status = run_wait(show);
        if (status != rows[i].want)
            fail_msg("%s: exit status %d", rows[i].flaw, status);
        looks += strcmp(rows[i].notice, HERE) != 0 && strcmp(rows[i].notice, HERE "/5200") != 0 && i != 2;
    }
    assert_int_equal(count(w, who, "SELECT count(*) FROM usage WHERE action = 'notice' AND record <> ''"), looks);
}

/* The program's words about what differs. */
static void reconcile_says(struct world *w, const char *words, bool repair)
{
    char line[700], path[140];
    struct buf out = { 0 };
    snprintf(path, sizeof path, "%s/differences", w->ops.folder);
    snprintf(line, sizeof line, "%s reconcile --store '%s' --identity %s --with %s %s >%s 2>&1", program, w->nodes[MUNICIPAL].store,
             w->paths[ID_MUNICIPAL], w->nodes[NATIONAL].url, repair ? "--repair" : "", path);
    int status = system(line);
    assert_int_equal(WEXITSTATUS(status), *words ? 1 : 0);
    assert_int_equal(file_read(path, &out, NULL), RC_OK);
    if (!strstr(buf_string(&out), words) || (*words && repair && !strstr(buf_string(&out), "\"told_again\":true")))
        fail_msg("not '%s' in:\n%s", words, buf_string(&out));
    buf_wipe(&out);
}

/* The card ledgers of both are compared, each way in which they differ is named, and told again the nation's is right. */
static void test_cards_compared(void **state)
{
    (void)state;
    struct world w;
    struct resident r;
    struct store *nation = NULL;
    enum node_role role;
    char municipality[7];
    world_new(&w, "20");
    start(&w, NATIONAL, NULL);
    start(&w, MUNICIPAL, NULL);
    pick(&w, &r);
    assert_int_equal(post(&w, MUNICIPAL, ID_CARD_OFFICER, "/v1/cards/issue", card_issue(r.code, CARD, "2015-12-01", "card")), RC_OK);
    assert_int_equal(find(&w, ID_OFFICER, r.code, &r), RC_OK);
    assert_int_equal(link_cards(&w, ID_OFFICER, &r), RC_OK);
    assert_int_equal(post(&w, MUNICIPAL, ID_CARD_OFFICER, "/v1/cards/event", card_event(CARD, "lock", "2015-12-02", "lock")), RC_OK);
    same_world(&w);
    reconcile_says(&w, "", false); /* a locked PIN is the municipality's own */
    assert_int_equal(ledger_open_any(w.nodes[NATIONAL].store, &role, municipality, &nation, NULL), RC_OK);
    static const struct {
        const char *flaw, *sql, *words;
    } rows[] = {
        { "another state", "UPDATE card SET state = 'lost'", "\"difference\":\"another content\",\"fields\":[\"state\"]" },
        { "other days", "UPDATE card SET issued = '2014-01-01', expires = '2024-01-01'", "\"fields\":[\"issued\",\"expires\"]" },
        { "another kind", "UPDATE card SET type = 'juki-a'", "\"fields\":[\"type\"]" },
        { "no card", "DELETE FROM card_event; DELETE FROM card_certificate; DELETE FROM card", "\"difference\":\"missing there\"" },
        { "the holder's address", "UPDATE resident SET address = 'x' WHERE code IN (SELECT code FROM link)", "\"fields\":[\"address\"]" },
        { "the holder's record", "DELETE FROM resident WHERE code IN (SELECT code FROM link)", "\"difference\":\"missing there\"" },
        { "a resident's 振り仮名", "UPDATE resident SET furigana = 'x' WHERE code = (SELECT min(code) FROM resident)", "\"fields\":[\"furigana\"]" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        print_message("          %s\n", rows[i].flaw);
        assert_int_equal(store_exec(nation, rows[i].sql, NULL), RC_OK);
        reconcile_says(&w, rows[i].words, false);
        reconcile_says(&w, rows[i].words, true);
        await(&w, MUNICIPAL, TOLD, 0);
        reconcile_says(&w, "", false);
    }
    assert_int_equal(count(&w, NATIONAL, "SELECT count(*) FROM card WHERE state = 'valid' AND type = 'juki-b'"), 1);
    assert_int_equal(count(&w, MUNICIPAL, "SELECT count(*) FROM card WHERE state = 'locked'"), 1);
    assert_int_equal(w.revoked, 0); /* the card was valid, and its certificates said so, all the time */
    /* one that the nation takes for valid and that is none: the authorities hear of it now */
    assert_int_equal(post(&w, MUNICIPAL, ID_CARD_OFFICER, "/v1/cards/event", card_event(CARD, "return", "2015-12-03", "back")), RC_OK);
    same_world(&w);
    await(&w, NATIONAL, HEARD, 1);
    assert_int_equal(store_exec(nation, "UPDATE card SET state = 'valid'; DELETE FROM event_certificate", NULL), RC_OK);
    reconcile_says(&w, "\"fields\":[\"state\"]", true);
    await(&w, NATIONAL, HEARD, 2);
    assert_string_equal(w.last_event, "card-returned");
    reconcile_says(&w, "", false);
    /* restating is no event of the counter's */
    assert_int_equal(post(&w, MUNICIPAL, ID_CARD_OFFICER, "/v1/cards/event", card_event(CARD, "restate", "2015-12-03", "r")), RC_FORMAT);
    store_close(nation);
    world_free(&w);
}

/* The prefecture hears what the nation hears, but no certificates; what it keeps shows who wrote it; the stores are compared,
 * broken, compared and put right. */
static void test_prefecture(void **state)
{
    (void)state;
    static const char told[] = "SELECT last - acknowledged FROM outbox WHERE peer = 'prefecture'";
    struct world w;
    struct resident r;
    world_new(&w, "50");
    start(&w, NATIONAL, NULL);
    start(&w, PREFECTURE, NULL);
    start(&w, MUNICIPAL, NULL);
    pick(&w, &r);
    assert_int_equal(link_cards(&w, ID_OFFICER, &r), RC_OK);
    assert_int_equal(move(&w, ID_REGISTRAR, r.code, HERE_ADDRESS, "m-1"), RC_OK);
    same_world(&w);
    await(&w, MUNICIPAL, told, 0);
    assert_int_equal(count(&w, PREFECTURE, "SELECT count(*) FROM history"), 51);
    assert_int_equal(count(&w, PREFECTURE, "SELECT count(*) FROM link"), 0);
    assert_int_equal(count(&w, PREFECTURE, "SELECT acknowledged FROM intake"), 52);
    assert_string_equal(row_of(&w, PREFECTURE, r.code).resident.attributes.address, HERE_ADDRESS);
    struct notice notice = { .sequence = 1, .kind = NOTICE_RECORD, .reason = REASON_FIRST, .date = "2026-01-05",
                             .recorded = 1767600000, .resident = r };
    assert_int_equal(post(&w, PREFECTURE, ID_OTHER_NODE, "/v1/notices", signed_notice(&w, ID_OTHER_NODE, notice_to_json(&notice))),
                     RC_DENIED); /* another prefecture's municipality */

    /* a prefecture that is down holds up nobody */
    stop(&w.nodes[PREFECTURE], SIGKILL);
    assert_int_equal(move(&w, ID_REGISTRAR, r.code, "鹿児島県鹿児島市荒田二丁目８番", "m-2"), RC_OK);
    same_world(&w);
    assert_int_equal(count(&w, MUNICIPAL, told), 1);
    start(&w, PREFECTURE, NULL);
    await(&w, MUNICIPAL, told, 0);

    static const enum who receivers[] = { NATIONAL, PREFECTURE };
    for (size_t i = 0; i < 2; i++) { /* each kept notice is still what the municipality's key signed */
        struct store *store = NULL;
        struct statement *s = NULL;
        struct opseal *seal = NULL;
        struct peer signer;
        enum node_role role;
        char municipality[7];
        int64_t checked = 0;
        assert_int_equal(ledger_open_any(w.nodes[receivers[i]].store, &role, municipality, &store, NULL), RC_OK);
        assert_int_equal(opseal_open(&w.ids[ID_CA], &seal, NULL), RC_OK);
        assert_int_equal(store_prepare(store, "SELECT r.body, r.signature, g.certificate FROM received r JOIN signer g ON g.serial = r.signer", &s, NULL), RC_OK);
        while (statement_step(s, NULL) == RC_OK) {
            const char *body = column_text(s, 0);
            assert_int_equal(opseal_check(seal, column_text(s, 2), bytes_of(body, strlen(body)), column_text(s, 1), &signer, NULL), RC_OK);
            assert_string_equal(signer.municipality, HERE);
            assert_int_equal(opseal_check(seal, column_text(s, 2), bytes_of(body, strlen(body) - 1), column_text(s, 1), &signer, NULL), RC_DENIED);
            checked++;
        }
        statement_done(s);
        assert_int_equal(checked, 53 + 2 * (int64_t)i); /* the first comparison's repairs went to both */
        opseal_close(seal);
        show_notices(&w, receivers[i], store);

        const char *compare[] = { "reconcile", "--store", w.nodes[MUNICIPAL].store, "--identity", w.paths[ID_MUNICIPAL], "--with",
                                  w.nodes[receivers[i]].url, "--peer", i ? "prefecture" : "national", NULL, NULL };
        assert_int_equal(run_wait(compare), 0);
        /* somebody breaks the receiver's store in three ways */
        assert_int_equal(store_exec(store, "UPDATE resident SET sex = CASE WHEN sex = '1' THEN '2' ELSE '1' END WHERE code = (SELECT min(code) FROM resident);"
                                           "UPDATE resident SET removed = 1 WHERE code = (SELECT max(code) FROM resident)", NULL), RC_OK);
        assert_int_equal(run_wait(compare), 1);
        compare[9] = "--repair";
        assert_int_equal(run_wait(compare), 1);
        await(&w, MUNICIPAL, i ? told : TOLD, 0);
        await(&w, MUNICIPAL, TOLD, 0);
        await(&w, MUNICIPAL, told, 0);
        assert_int_equal(run_wait(compare), 0);
        assert_int_equal(count(&w, receivers[i], "SELECT count(*) FROM history WHERE reason = '整合性の回復'"), 2 * (int64_t)(i + 1));
        store_close(store);
    }
    const char *misled[] = { "reconcile", "--store", w.nodes[MUNICIPAL].store, "--identity", w.paths[ID_MUNICIPAL], "--with",
                             w.nodes[PREFECTURE].url, NULL };
    assert_int_equal(run_wait(misled), 1); /* a prefecture does not pass for the nation */
    world_free(&w);
}

/* A code that is another municipality's already blocks on purpose; it is shown, decided, told as void, and the rest flows. */
static void test_blocked(void **state)
{
    (void)state;
    struct world w;
    world_new(&w, "30");
    start(&w, NATIONAL, NULL);
    struct store *store = NULL;
    struct ledger_row row;
    struct statement *s = NULL;
    enum node_role role;
    char municipality[7];
    assert_int_equal(ledger_open_any(w.nodes[MUNICIPAL].store, &role, municipality, &store, NULL), RC_OK);
    assert_int_equal(store_prepare(store, "SELECT code FROM notice WHERE sequence = 15", &s, NULL), RC_OK);
    assert_int_equal(statement_step(s, NULL), RC_OK);
    assert_int_equal(ledger_find_code(store, column_text(s, 0), &row, NULL), RC_OK);
    statement_done(s);
    store_close(store);
    struct notice notice = { .sequence = 1, .kind = NOTICE_RECORD, .reason = REASON_FIRST, .date = "2026-01-05",
                             .recorded = 1767600000, .resident = row.resident };
    assert_int_equal(post(&w, NATIONAL, ID_OTHER_NODE, "/v1/notices", signed_notice(&w, ID_OTHER_NODE, notice_to_json(&notice))), RC_OK);
    start(&w, MUNICIPAL, NULL);
    await(&w, MUNICIPAL, "SELECT coalesce(max(sequence), 0) FROM refusal WHERE peer = 'national'", 15);
    assert_int_equal(count(&w, MUNICIPAL, "SELECT acknowledged FROM outbox WHERE peer = 'national'"), 14);
    const char *mine = w.nodes[MUNICIPAL].store;
    const struct {
        const char *flaw, *args[12];
        int want;
    } rows[] = {
        { "shown", { "blocked", "--store", mine }, 0 },
        { "no reason", { "blocked", "--store", mine, "--notice", "15", "--void" }, 2 },
        { "both", { "blocked", "--store", mine, "--notice", "15", "--void", "--resend", "--why", "x" }, 2 },
        { "another notice", { "blocked", "--store", mine, "--notice", "16", "--void", "--why", "x" }, 1 },
        { "another peer", { "blocked", "--store", mine, "--peer", "prefecture", "--notice", "15", "--void", "--why", "x" }, 1 },
        { "sent again", { "blocked", "--store", mine, "--notice", "15", "--resend", "--why", "nothing has changed" }, 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (run_wait(rows[i].args) != rows[i].want)
            fail_msg("%s", rows[i].flaw);
    await(&w, MUNICIPAL, "SELECT coalesce(max(sequence), 0) FROM refusal WHERE peer = 'national'", 15);
    const char *decide[] = { "blocked", "--store", mine, "--notice", "15", "--void", "--why", "the code is another municipality's", NULL };
    assert_int_equal(run_wait(decide), 0);
    await(&w, MUNICIPAL, TOLD, 0);
    assert_int_equal(count(&w, NATIONAL, "SELECT count(*) FROM resident WHERE municipality = '" HERE "'"), 29);
    assert_int_equal(count(&w, NATIONAL, "SELECT count(*) FROM received WHERE replace(body, '\"void\"', '') <> body"), 1);
    assert_int_equal(count(&w, MUNICIPAL, "SELECT count(*) FROM decision"), 2);
    const char *compare[] = { "reconcile", "--store", mine, "--identity", w.paths[ID_MUNICIPAL], "--with", w.nodes[NATIONAL].url, NULL };
    assert_int_equal(run_wait(compare), 1); /* the difference is named until it is put right */
    world_free(&w);
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    program = argv[1];
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back), cmocka_unit_test(test_somebody_is_down), cmocka_unit_test(test_asked_for),
        cmocka_unit_test(test_prefecture), cmocka_unit_test(test_cards_compared),     cmocka_unit_test(test_blocked),
    };
#ifdef JPKI_FAULTS
    if (argc > 2)
        return rows_apart(3, group_torn);
#endif
    return cmocka_run_group_tests_name("registry-moves", tests, NULL, NULL);
}

/* test_registry_nodes.c — a municipal node and the national node as processes, over mutual TLS: a town's notices arrive, a
 * certificate is linked and confirmed, a move revokes through an event, strangers change nothing, and nodes that are
 * killed at any moment end in the same world. */
#include "registryworld.h"
#include "teststore.h"

#include "base/clock.h"
#include "base/file.h"
#include "registry/ledger.h"
#include "registry/sealed.h"
#include "registry/usage.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct uses {
    const char *const *want;
};

static enum rc see_use(void *context, const struct usage_row *row)
{
    struct uses *uses = context;
    char words[200];
    snprintf(words, sizeof words, "%s %s %s %s", row->role, row->name, row->action, row->result);
    if (!*uses->want || strcmp(words, *uses->want) != 0)
        fail_msg("use: '%s', wanted '%s'", words, *uses->want ? *uses->want : "nothing more");
    uses->want++;
    return RC_OK;
}

/* Who used a resident's record at a node: exactly these, in this order; the program prints them too. */
static void check_uses(struct world *w, enum who who, const char *code, const char *const *want)
{
    struct store *store = NULL;
    struct uses uses = { want };
    enum node_role role;
    char municipality[7];
    assert_int_equal(ledger_open_any(w->nodes[who].store, &role, municipality, &store, NULL), RC_OK);
    assert_int_equal(usage_each(store, code, 0, INT64_MAX, see_use, &uses, NULL), RC_OK);
    assert_null(*uses.want);
    store_close(store);
    const char *args[] = { "usage", "--store", w->nodes[who].store, "--code", code, NULL };
    assert_int_equal(run_wait(args), 0);
}

static void test_story(void **state)
{
    (void)state;
    struct world w;
    struct resident resident, found;
    struct confirmation confirmation;
    world_told(&w, "1000", &resident);
    assert_int_equal(count(&w, NATIONAL, "SELECT count(*) FROM resident"), 1000);

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
    check_uses(&w, MUNICIPAL, resident.code, (const char *[]) { "desk-officer officer find RC_OK", NULL });
    check_uses(&w, NATIONAL, resident.code,
               (const char *[]) { "verifier verifier confirm unknown", "verifier verifier confirm current",
                                  "verifier verifier confirm changed", NULL });
    const char *mistyped[] = { "usage", "--store", w.nodes[NATIONAL].store, "--code", "24727059609", NULL };
    const char *nobody[] = { "usage", "--store", w.nodes[NATIONAL].store, "--code", "24727059608", NULL };
    assert_int_equal(run_wait(mistyped), 2);
    assert_int_equal(run_wait(nobody), 1);
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
    world_told(&w, "30", &resident);
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
    assert_int_equal(post(&w, NATIONAL, ID_OTHER_NODE, "/v1/notices", signed_notice(&w, ID_OTHER_NODE, notice_to_json(&notice))), RC_DENIED);
    notice.reason = REASON_FIRST;
    assert_int_equal(post(&w, NATIONAL, ID_OTHER_NODE, "/v1/notices", signed_notice(&w, ID_OTHER_NODE, notice_to_json(&notice))), RC_DENIED);
    notice.sequence = 2;
    assert_int_equal(post(&w, NATIONAL, ID_OTHER_NODE, "/v1/notices", signed_notice(&w, ID_OTHER_NODE, notice_to_json(&notice))), RC_CONFLICT);
    assert_int_equal(post(&w, NATIONAL, ID_OFFICER, "/v1/notices", signed_notice(&w, ID_OFFICER, notice_to_json(&notice))), RC_DENIED);
    /* who signed must be who sends, for this very text */
    notice.sequence = 1;
    static const char notices[] = "/v1/notices";
    json_t *body = json_pack("{s:[o]}", "notices", notice_to_json(&notice));
    assert_int_equal(post(&w, NATIONAL, ID_OTHER_NODE, notices, body), RC_FORMAT); /* not signed at all */
    assert_int_equal(post(&w, NATIONAL, ID_OTHER_NODE, notices, signed_notice(&w, ID_MUNICIPAL, notice_to_json(&notice))), RC_DENIED);
    assert_int_equal(post(&w, NATIONAL, ID_OTHER_NODE, notices, signed_notice(&w, ID_OTHER_OFFICER, notice_to_json(&notice))), RC_DENIED);
    body = signed_notice(&w, ID_OTHER_NODE, notice_to_json(&notice));
    json_object_set_new(json_array_get(json_object_get(body, "notices"), 0), "date", json_string("2026-01-06"));
    assert_int_equal(post(&w, NATIONAL, ID_OTHER_NODE, notices, body), RC_DENIED);
    body = signed_notice(&w, ID_OTHER_NODE, notice_to_json(&notice));
    json_object_set_new(body, "certificate", json_string("3082"));
    assert_int_equal(post(&w, NATIONAL, ID_OTHER_NODE, notices, body), RC_FORMAT);
    /* a 転入 of somebody whom nobody released, and with a release that the taker wrote */
    notice.reason = REASON_MOVE_IN;
    assert_int_equal(post(&w, NATIONAL, ID_OTHER_NODE, notices, signed_notice(&w, ID_OTHER_NODE, notice_to_json(&notice))), RC_DENIED);
    struct opseal *seal = NULL;
    assert_int_equal(opseal_open(&w.ids[ID_OTHER_NODE], &seal, NULL), RC_OK);
    json_t *release = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "kind", "release", "code", resident.code, "from", HERE, "to", THERE,
                                "date", "2026-01-05", "issued", "2026-01-05T00:00:00Z"), *theft = notice_to_json(&notice);
    assert_int_equal(sealed_sign(seal, release, NULL), RC_OK);
    json_object_set_new(release, "certificate", json_string(opseal_certificate(seal)));
    json_object_set_new(theft, "release", release);
    assert_int_equal(post(&w, NATIONAL, ID_OTHER_NODE, notices, signed_notice(&w, ID_OTHER_NODE, theft)), RC_DENIED);
    opseal_close(seal);
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
        { "days to come", { "populate", "--store", "x.db", "--nation", "--residents", "5", "--days", "-1" }, 2 },
        { "more days than the reasons of today", { "populate", "--store", "x.db", "--municipality", HERE, "--residents", "5", "--days", "3651" }, 2 },
        { "residents there already", { "populate", "--store", store, "--municipality", HERE, "--residents", "5" }, 1 },
        { "another town's store", { "populate", "--store", store, "--municipality", THERE, "--residents", "5" }, 1 },
        { "wrong check digit", { "populate", "--store", store, "--municipality", "462013", "--residents", "5" }, 1 },
        { "no store command", { "store" }, 2 },
        { "an unknown store command", { "store", "shrink" }, 2 },
        { "help of store", { "store", "--help" }, 0 },
        { "help of a store command", { "store", "restore", "--help" }, 0 },
        { "a backup of nothing", { "store", "backup", "--store", "/nonexistent/x.db", "--to", "/nonexistent/y.db" }, 1 },
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
        { "settings", { "settings", "--store", store }, 0 },
        { "kept long enough", { "retention", "--store", store }, 0 },
        { "erased", { "retention", "--store", store, "--erase" }, 0 },
        { "tomorrow's law", { "retention", "--store", store, "--date", "2999-01-01" }, 2 },
        { "another day", { "settings", "--store", store, "juki-card-end=2015-12-22" }, 0 },
        { "a day for nothing", { "settings", "--store", store, "juki-card-begin=2015-12-22" }, 1 },
        { "no day", { "settings", "--store", store, "juki-card-end" }, 2 },
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
    world_run(&w, "1900");
    pick(&w, &resident);
    for (int round = 0; round < 8; round++) {
        enum who who = round % 2 ? MUNICIPAL : NATIONAL;
        pause_ms(7 + 13 * round);
        stop(&w.nodes[who], SIGKILL);
        if (who == NATIONAL) { /* the municipality works on */
            assert_int_equal(move_to(&w, resident.code, round + 1), RC_OK);
            start(&w, who, NULL);
        } else {
            start(&w, who, NULL);
            assert_int_equal(move_to(&w, resident.code, round + 1), RC_OK);
        }
    }
    same_world(&w);
    assert_int_equal(count(&w, NATIONAL, "SELECT count(*) FROM resident"), 1900);
    assert_int_equal(count(&w, NATIONAL, "SELECT count(*) FROM history"), 1908);
    world_free(&w);
}

/* The national node comes back with an empty store: the next notice shows the gap and all is told again. */
static void test_nation_lost(void **state)
{
    (void)state;
    struct world w;
    struct resident resident;
    world_run(&w, "300");
    same_world(&w);
    stop(&w.nodes[NATIONAL], SIGTERM);
    teststore_url(w.ops.folder, "empty", w.nodes[NATIONAL].store);
    start(&w, NATIONAL, NULL);
    pick(&w, &resident);
    assert_int_equal(move(&w, ID_REGISTRAR, resident.code, "鹿児島県鹿児島市荒田二丁目７番７号", "after"), RC_OK);
    await(&w, NATIONAL, "SELECT count(*) FROM history", 301);
    same_world(&w);
    world_free(&w);
}

static void store_command(const char *command, const char *store, const char *option, const char *other, int want)
{
    const char *args[] = { "store", command, "--store", store, option, other, NULL };
    if (run_wait(args) != want)
        fail_msg("store %s: not exit status %d", command, want);
}

/* The national node's store is backed up while notices travel, and comes back as it was then; the town's is moved to a file.
 * Nothing is lost: what the nation has forgotten is told again. */
static void test_stores_moved(void **state)
{
    (void)state;
    struct world w;
    struct resident resident;
    char backup[TESTSTORE_URL_SIZE], file[TESTSTORE_URL_SIZE];
    world_run(&w, "1000");
    snprintf(backup, sizeof backup, "%s/backup.db", w.ops.folder);
    snprintf(file, sizeof file, "sqlite:%s/town.db", w.ops.folder);
    struct process *nation = &w.nodes[NATIONAL], *town = &w.nodes[MUNICIPAL];
    store_command("backup", nation->store, "--to", backup, 0);
    store_command("backup", nation->store, "--to", backup, 1);
    store_command("restore", nation->store, "--from", backup, 1);
    pick(&w, &resident);
    assert_int_equal(move(&w, ID_REGISTRAR, resident.code, "鹿児島県鹿児島市荒田二丁目７番７号", "before"), RC_OK);
    same_world(&w);

    stop(nation, SIGTERM);
    teststore_url(w.ops.folder, "restored", nation->store);
    store_command("restore", nation->store, "--from", backup, 0);
    store_command("check", nation->store, "--against", backup, 0);
    start(&w, NATIONAL, NULL);
    assert_int_equal(move(&w, ID_REGISTRAR, resident.code, "鹿児島県鹿児島市荒田二丁目８番８号", "after"), RC_OK);
    await(&w, NATIONAL, "SELECT count(*) FROM history", 1002);
    same_world(&w);

    stop(town, SIGTERM);
    store_command("copy", town->store, "--to", file, 0);
    store_command("check", town->store, "--against", file, 0);
    store_command("check", nation->store, "--against", file, 1);
    snprintf(town->store, sizeof town->store, "%s", file);
    start(&w, MUNICIPAL, NULL);
    assert_int_equal(move(&w, ID_REGISTRAR, resident.code, "鹿児島県鹿児島市荒田二丁目９番９号", "moved"), RC_OK);
    await(&w, NATIONAL, "SELECT count(*) FROM history", 1003);
    same_world(&w);
    world_free(&w);
}

/* The database of both nodes is killed and comes back, again and again, while notices travel and people move: what was
 * refused is asked again, and neither node is started anew. Only on a PostgreSQL. */
static void test_database_gone(void **state)
{
    (void)state;
    struct world w;
    struct resident resident;
    world_run(&w, "1000");
    pick(&w, &resident);
    for (int round = 0; round < 4; round++) {
        pause_ms(5 + 40 * round);
        teststore_server("kill");
        if (round % 2)
            assert_int_not_equal(move_to(&w, resident.code, round + 1), RC_OK);
        teststore_server("start");
        enum rc rc = RC_IO;
        for (int i = 0; rc && i < 50; i++)
            if ((rc = move_to(&w, resident.code, round + 1)))
                pause_ms(50);
        assert_int_equal(rc, RC_OK);
    }
    assert_false(died(&w.nodes[MUNICIPAL]));
    assert_false(died(&w.nodes[NATIONAL]));
    same_world(&w);
    assert_int_equal(count(&w, NATIONAL, "SELECT count(*) FROM resident"), 1000);
    assert_int_equal(count(&w, NATIONAL, "SELECT count(*) FROM history"), 1004);
    world_free(&w);
}

static json_t *act(const char *name, const char *code, const char *request)
{
    return json_pack("{s:s, s:s, s:s, s:s}", "act", name, "code", code, "date", "2026-01-05", "request", request);
}

/* The registrar's acts over the wire and by the program: who may, and that the authorities hear of it. */
static void test_acts(void **state)
{
    (void)state;
    static const char path[] = "/v1/residents/record";
    struct world w;
    struct resident resident, found;
    struct confirmation confirmation;
    world_told(&w, "30", &resident);
    assert_int_equal(find(&w, ID_OFFICER, resident.code, &found), RC_OK);
    assert_int_equal(link_cards(&w, ID_OFFICER, &found), RC_OK);
    int64_t told = count(&w, MUNICIPAL, "SELECT last FROM outbox WHERE peer = 'national'");
    assert_int_equal(post(&w, MUNICIPAL, ID_OFFICER, path, act("death", resident.code, "a-1")), RC_DENIED);
    assert_int_equal(post(&w, MUNICIPAL, ID_VERIFIER, path, act("death", resident.code, "a-1")), RC_DENIED);
    assert_int_equal(post(&w, MUNICIPAL, ID_OTHER_OFFICER, path, act("death", resident.code, "a-1")), RC_DENIED);
    assert_int_equal(post(&w, NATIONAL, ID_REGISTRAR, path, act("death", resident.code, "a-1")), RC_NOT_FOUND);
    assert_int_equal(post(&w, MUNICIPAL, ID_REGISTRAR, path, json_pack("{s:i}", "act", 7)), RC_FORMAT);
    assert_int_equal(post(&w, MUNICIPAL, ID_REGISTRAR, path, act("death", "24727059609", "a-1")), RC_FORMAT);
    assert_int_equal(count(&w, MUNICIPAL, "SELECT last FROM outbox WHERE peer = 'national'"), told);

    const char *minor[] = { "record", "--node", w.nodes[MUNICIPAL].url, "--identity", w.paths[ID_REGISTRAR], "--date",
                            "2026-01-05", "--request", "a-2", "--code", resident.code, "--address",
                            "鹿児島県鹿児島市山下町７７番地７", "minor", NULL };
    assert_int_equal(run_wait(minor), 0);
    same_world(&w);
    assert_int_equal(confirm(&w, ID_VERIFIER, AUTHORITY_SIGN, "0A01", &confirmation), RC_OK);
    assert_int_equal(confirmation.status, CONFIRM_CURRENT);
    assert_int_equal(w.heard, 0);
    assert_int_equal(post(&w, MUNICIPAL, ID_REGISTRAR, path, act("death", resident.code, "a-3")), RC_OK);
    await(&w, NATIONAL, HEARD, 1);
    assert_int_equal(post(&w, MUNICIPAL, ID_REGISTRAR, path, act("death", resident.code, "a-3")), RC_OK);
    same_world(&w);
    assert_string_equal(w.last_event, "removed");
    assert_int_equal(w.heard, 1);
    assert_int_equal(find(&w, ID_OFFICER, resident.code, &found), RC_STATE);
    for (int i = 0; i < NODES; i++)
        not_in_log(&w.nodes[i], resident.code);
    world_free(&w);
}

/* The card ledger over the wire and by the program: who may, what the nation and the authorities hear. */
static void test_cards(void **state)
{
    (void)state;
    static const char a[] = "A000000000000001", issue[] = "/v1/cards/issue", event[] = "/v1/cards/event";
    struct world w;
    struct resident resident, found;
    world_told(&w, "30", &resident);
    assert_int_equal(find(&w, ID_OFFICER, resident.code, &found), RC_OK);
    assert_int_equal(link_cards(&w, ID_OFFICER, &found), RC_OK);
    const int strangers[] = { ID_OFFICER, ID_REGISTRAR, ID_VERIFIER, ID_OTHER_OFFICER, ID_OTHER_NODE };
    for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++) {
        assert_int_equal(post(&w, MUNICIPAL, strangers[i], issue, card_issue(resident.code, a, "2015-12-01", "c-1")), RC_DENIED);
        assert_int_equal(post(&w, MUNICIPAL, strangers[i], event, card_event(a, "lost", "2015-12-02", "c-2")), RC_DENIED);
    }
    assert_int_equal(count(&w, MUNICIPAL, "SELECT count(*) FROM card"), 0);
    const char *node = w.nodes[MUNICIPAL].url, *officer = w.paths[ID_CARD_OFFICER], *store = w.nodes[MUNICIPAL].store;
    const struct {
        const char *flaw, *args[20];
        int want;
    } rows[] = {
        { "help", { "card", "--help" }, 0 },
        { "help of a command", { "card", "lost", "--help" }, 0 },
        { "no such command", { "card", "burn" }, 2 },
        { "no date", { "card", "lost", "--node", node, "--identity", officer, "--card", a, "--request", "c-0" }, 2 },
        { "too late", { "card", "issue", "--node", node, "--identity", officer, "--card", a, "--code", resident.code, "--type", "juki-b",
                        "--date", "2018-01-05", "--request", "c-1" }, 1 },
        { "a later last day", { "settings", "--store", store, "juki-card-end=2026-03-31" }, 0 },
        { "now it goes", { "card", "issue", "--node", node, "--identity", officer, "--card", a, "--code", resident.code, "--type",
                           "juki-b", "--date", "2018-01-05", "--request", "c-1" }, 0 },
        { "the code in the card finds its holder", { "card", "check", "--node", node, "--identity", officer, "--card", a, "--use",
                                                     "network", "--code", resident.code }, 0 },
        { "a photo card", { "card", "check", "--node", node, "--identity", officer, "--card", a, "--use", "identity" }, 0 },
        { "lost", { "card", "lost", "--node", node, "--identity", officer, "--card", a, "--date", "2018-01-06", "--request", "c-2" }, 0 },
        { "lost, again", { "card", "lost", "--node", node, "--identity", officer, "--card", a, "--date", "2018-01-06", "--request", "c-2" }, 0 },
        { "a lost card", { "card", "check", "--node", node, "--identity", officer, "--card", a, "--use", "identity" }, 1 },
        { "show", { "card", "show", "--node", node, "--identity", officer, "--code", resident.code }, 0 },
        { "show what", { "card", "show", "--node", node, "--identity", officer }, 2 },
        { "sweep", { "card", "sweep", "--node", node, "--identity", officer }, 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (run_wait(rows[i].args) != rows[i].want)
            fail_msg("%s: not exit status %d", rows[i].flaw, rows[i].want);
    await(&w, NATIONAL, HEARD, 1);
    same_world(&w);
    assert_string_equal(w.last_event, "card-lost");
    assert_int_equal(w.revoked, 2);
    assert_int_equal(count(&w, NATIONAL, "SELECT count(*) FROM card_event"), 2);
    for (int i = 0; i < NODES; i++)
        not_in_log(&w.nodes[i], resident.code);
    world_free(&w);
}

/* A code that is another municipality's already: its notice is refused, those before it arrive all the same. */
static void test_refused_notice(void **state)
{
    (void)state;
    struct world w;
    world_new(&w, "30");
    start(&w, NATIONAL, NULL);
    struct notice notice = { .sequence = 1, .kind = NOTICE_RECORD, .reason = REASON_FIRST, .date = "2026-01-05",
                             .recorded = 1767600000 };
    struct store *store = NULL;
    struct ledger_row row;
    struct statement *s = NULL;
    assert_int_equal(ledger_open(w.nodes[MUNICIPAL].store, NODE_MUNICIPAL, HERE, &store, NULL), RC_OK);
    assert_int_equal(store_prepare(store, "SELECT code FROM notice WHERE sequence = 15", &s, NULL), RC_OK);
    assert_int_equal(statement_step(s, NULL), RC_OK);
    assert_int_equal(ledger_find_code(store, column_text(s, 0), &row, NULL), RC_OK);
    statement_done(s);
    store_close(store);
    notice.resident = row.resident;
    assert_int_equal(post(&w, NATIONAL, ID_OTHER_NODE, "/v1/notices", signed_notice(&w, ID_OTHER_NODE, notice_to_json(&notice))), RC_OK);
    start(&w, MUNICIPAL, NULL);
    await(&w, MUNICIPAL, "SELECT acknowledged FROM outbox WHERE peer = 'national'", 14);
    assert_int_equal(count(&w, NATIONAL, "SELECT count(*) FROM resident WHERE municipality = '" HERE "'"), 14);
    assert_int_equal(count(&w, NATIONAL, "SELECT count(*) FROM resident WHERE municipality = '" THERE "'"), 1);
    world_free(&w);
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    program = argv[1];
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest stories[] = {
        cmocka_unit_test(test_story),           cmocka_unit_test(test_refusals),    cmocka_unit_test(test_program),
        cmocka_unit_test(test_killed_anywhere), cmocka_unit_test(test_nation_lost), cmocka_unit_test(test_refused_notice),
        cmocka_unit_test(test_acts),            cmocka_unit_test(test_cards),       cmocka_unit_test(test_stores_moved),
    };
    if (teststore_is_postgres()) {
        const struct CMUnitTest gone[] = { cmocka_unit_test(test_database_gone) };
        if (cmocka_run_group_tests_name("registry-nodes, database gone", gone, NULL, NULL))
            return 1;
    }
    return cmocka_run_group_tests_name("registry-nodes", stories, NULL, NULL);
}

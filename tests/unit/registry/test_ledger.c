/* test_ledger.c — the rules over the store, municipal and national, without a network: who may change what, one notice a
 * change, requests told twice, notices taken once and in order, certificates that follow their resident, events. */
#include "support/scratch.h"
#include "support/teststore.h"
#include "registry/certlink.h"
#include "registry/intake.h"
#include "registry/municipal.h"
#include "registry/outbox.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define HERE "462012"
#define THERE "131016"
#define CODE "24727059608"
#define OTHER_CODE "24846016224"
#define OLD_ADDRESS "鹿児島県鹿児島市山下町１１番１号"
#define NEW_ADDRESS "鹿児島県鹿児島市荒田二丁目３番４号"
#define FAR_FUTURE 4000000000

struct world {
    char folder[64], url[TESTSTORE_URL_SIZE];
    struct store *town, *nation;
};

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    char path[TESTSTORE_URL_SIZE];
    strcpy(w->folder, "/tmp/jpki-ledger-XXXXXX");
    if (!mkdtemp(w->folder) || clock_set("2026-11-23T00:00:00Z"))
        return -1;
    teststore_url(w->folder, "town", w->url);
    if (ledger_open(w->url, NODE_MUNICIPAL, HERE, &w->town, NULL))
        return -1;
    teststore_url(w->folder, "nation", path);
    if (ledger_open(path, NODE_NATIONAL, "000000", &w->nation, NULL))
        return -1;
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    store_close(w->town);
    store_close(w->nation);
    int gone = scratch_remove(w->folder);
    free(w);
    return gone;
}

static void tick(const char *time)
{
    assert_int_equal(clock_set(time), RC_OK);
}

static struct resident person(const char *code, const char *municipality, const char *name)
{
    struct resident r = { 0 };
    strcpy(r.code, code);
    strcpy(r.municipality, municipality);
    strcpy(r.attributes.name, name);
    strcpy(r.attributes.birth, "319800229");
    strcpy(r.attributes.sex, "2");
    strcpy(r.attributes.address, OLD_ADDRESS);
    attributes_no_substitutes(&r.attributes);
    return r;
}

static int64_t enter(struct store *store, const struct resident *r)
{
    int64_t notice = 0;
    assert_int_equal(store_begin(store, NULL), RC_OK);
    assert_int_equal(municipal_enter(store, r, REASON_FIRST, "2026-11-23", &notice, NULL), RC_OK);
    assert_int_equal(store_commit(store, NULL), RC_OK);
    return notice;
}

static int64_t count(struct store *store, const char *sql)
{
    int64_t n = -1;
    assert_int_equal(ledger_count(store, sql, &n, NULL), RC_OK);
    return n;
}

/* Everything in a store that a refusal must not touch. */
static int64_t fingerprint(struct store *store)
{
    return count(store, "SELECT (SELECT count(*) FROM resident) + 10 * (SELECT count(*) FROM history) + "
                        "1000 * (SELECT count(*) FROM link) + 10000 * (SELECT count(*) FROM notice) + "
                        "1000000 * (SELECT count(*) FROM event) + 100000000 * (SELECT coalesce(sum(last), 0) FROM outbox) + "
                        "10000000000 * (SELECT coalesce(sum(acknowledged), 0) FROM intake)");
}

/* Brings every notice of the town to the nation, as the courier does. */
static void carry(struct world *w)
{
    struct outbox_state outbox;
    json_t *notices = NULL;
    int64_t acknowledged, expected;
    assert_int_equal(outbox_read(w->town, OUTBOX_NATIONAL, &outbox, NULL), RC_OK);
    assert_int_equal(outbox_notices(w->town, outbox.acknowledged + 1, NOTICE_BATCH, &notices, NULL), RC_OK);
    struct err err = { 0 };
    enum rc rc = intake_take(w->nation, HERE, notices, &acknowledged, &expected, &err);
    if (rc)
        fail_msg("intake: %s", err_text(&err, rc));
    json_decref(notices);
    assert_int_equal(acknowledged, outbox.last);
    assert_int_equal(outbox_acknowledge(w->town, OUTBOX_NATIONAL, acknowledged, NULL), RC_OK);
}

static void link_both(struct world *w, const struct resident *r, int64_t *notice)
{
    const struct certificate both[] = { { AUTHORITY_SIGN, "0A01", FAR_FUTURE }, { AUTHORITY_AUTH, "0B01", FAR_FUTURE } };
    assert_int_equal(municipal_link(w->town, HERE, r->code, &r->attributes, both, 2, notice, NULL), RC_OK);
}

static enum confirm_status confirm(struct world *w, enum authority authority, const char *serial, int64_t *since)
{
    struct confirmation confirmation;
    assert_int_equal(certlink_confirm(w->nation, authority, serial, &confirmation, NULL), RC_OK);
    if (since)
        *since = confirmation.since;
    return confirmation.status;
}

static void test_owner(void **state)
{
    struct world *w = *state;
    char path[TESTSTORE_URL_SIZE], municipality[7];
    struct store *store = NULL;
    enum node_role role;
    assert_int_equal(ledger_open(w->url, NODE_MUNICIPAL, THERE, &store, NULL), RC_STATE);
    assert_int_equal(ledger_open(w->url, NODE_NATIONAL, "000000", &store, NULL), RC_STATE);
    assert_null(store);
    assert_int_equal(ledger_open_any(w->url, &role, municipality, &store, NULL), RC_OK);
    assert_int_equal(role, NODE_MUNICIPAL);
    assert_string_equal(municipality, HERE);
    store_close(store);
    store = NULL;
    teststore_url(w->folder, "again", path);
    assert_int_equal(ledger_open_any(path, &role, municipality, &store, NULL), RC_STATE); /* nobody's yet */
    assert_null(store);
}

static void test_put_rules(void **state)
{
    struct world *w = *state;
    struct resident r = person(CODE, HERE, "試験　花子");
    struct ledger_change change;
    static const struct {
        const char *flaw, *municipality;
        enum reason reason;
        enum rc want;
    } rows[] = {
        { "a correction of nobody", HERE, REASON_MOVE, RC_NOT_FOUND },
        { "a removal of nobody", HERE, REASON_DEATH, RC_NOT_FOUND },
        { "first entry", HERE, REASON_FIRST, RC_OK },
        { "entry twice", HERE, REASON_BIRTH, RC_CONFLICT },
        { "entry while registered elsewhere", THERE, REASON_MOVE_IN, RC_DENIED },
        { "another municipality's correction", THERE, REASON_EX_OFFICIO, RC_DENIED },
        { "another municipality's removal", THERE, REASON_DEATH, RC_DENIED },
        { "no reason", HERE, REASON_NONE, RC_BUG },
        { "a correction", HERE, REASON_EX_OFFICIO, RC_OK },
        { "move out", HERE, REASON_MOVE_OUT, RC_OK },
        { "removed twice", HERE, REASON_DEATH, RC_STATE },
        { "corrected after the removal", HERE, REASON_MOVE, RC_STATE },
        { "entry elsewhere after it", THERE, REASON_MOVE_IN, RC_OK },
        { "the old municipality corrects", HERE, REASON_EX_OFFICIO, RC_DENIED },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        strcpy(r.municipality, rows[i].municipality);
        int64_t before = count(w->town, "SELECT count(*) FROM history");
        assert_int_equal(store_begin(w->town, NULL), RC_OK);
        enum rc rc = ledger_put(w->town, &r, rows[i].reason, "2026-11-23", clock_now(), &change, NULL);
        if (rc != rows[i].want)
            fail_msg("%s: %s", rows[i].flaw, rc_name(rc));
        assert_int_equal(store_commit(w->town, NULL), RC_OK);
        assert_int_equal(count(w->town, "SELECT count(*) FROM history") - before, rc == RC_OK);
    }
    assert_int_equal(change.revision, 4);
    struct ledger_past past;
    assert_int_equal(ledger_history(w->town, CODE, 3, &past, NULL), RC_OK);
    assert_int_equal(past.reason, REASON_MOVE_OUT);
    assert_string_equal(past.resident.municipality, HERE);
    assert_int_equal(ledger_history(w->town, CODE, 5, &past, NULL), RC_NOT_FOUND);
}

static void test_find(void **state)
{
    struct world *w = *state;
    struct resident a = person(CODE, HERE, "試験　花子"), found;
    struct resident latin = person(OTHER_CODE, HERE, "SMITH JOHN");
    const struct peer officer = { ROLE_DESK_OFFICER, HERE, "officer", "01" };
    enter(w->town, &a);
    enter(w->town, &latin);
    assert_int_equal(municipal_find(w->town, &officer, CODE, NULL, NULL, NULL, &found, NULL), RC_OK);
    assert_memory_equal(&found, &a, sizeof a);
    assert_int_equal(municipal_find(w->town, &officer, NULL, "試験 花子", "319800229", OLD_ADDRESS, &found, NULL), RC_OK);
    assert_string_equal(found.code, CODE);
    assert_int_equal(municipal_find(w->town, &officer, NULL, "SMITH JOHN", "319800229", OLD_ADDRESS, &found, NULL), RC_OK);
    assert_string_equal(found.code, OTHER_CODE);
    static const struct {
        const char *flaw, *code, *name, *birth, *address;
        enum rc want;
    } rows[] = {
        { "mistyped code", "24727059609", NULL, NULL, NULL, RC_FORMAT },
        { "unknown code", "00000000000", NULL, NULL, NULL, RC_NOT_FOUND },
        { "another birth", NULL, "試験　花子", "319800228", OLD_ADDRESS, RC_NOT_FOUND },
        { "another address", NULL, "試験　花子", "319800229", NEW_ADDRESS, RC_NOT_FOUND },
        { "a trick", NULL, "' OR 1=1 --", "319800229", OLD_ADDRESS, RC_NOT_FOUND },
        { "a pattern", NULL, "%", "319800229", "%", RC_NOT_FOUND },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (municipal_find(w->town, &officer, rows[i].code, rows[i].name, rows[i].birth, rows[i].address, &found, NULL) !=
            rows[i].want)
            fail_msg("%s", rows[i].flaw);

    struct resident twin = person("12345678903", HERE, "試験　花子"); /* the same three, another person */
    enter(w->town, &twin);
    assert_int_equal(municipal_find(w->town, &officer, NULL, "試験　花子", "319800229", OLD_ADDRESS, &found, NULL), RC_CONFLICT);
    int64_t notice;
    assert_int_equal(municipal_change(w->town, &twin, REASON_DEATH, "2026-11-22", "death-1", &notice, NULL), RC_OK);
    assert_int_equal(municipal_find(w->town, &officer, NULL, "試験　花子", "319800229", OLD_ADDRESS, &found, NULL), RC_OK);
    assert_string_equal(found.code, CODE);
    assert_int_equal(municipal_find(w->town, &officer, "12345678903", NULL, NULL, NULL, &found, NULL), RC_STATE);
    /* every look-up that reached the register is on record; the mistyped one did not */
    assert_int_equal(count(w->town, "SELECT count(*) FROM usage"), 3 + 5 + 3);
    assert_int_equal(count(w->town, "SELECT count(*) FROM usage WHERE record = '" CODE "' AND result = 'RC_OK' AND "
                                    "name = 'officer' AND municipality = '" HERE "'"), 3);
}

static void test_move(void **state)
{
    struct world *w = *state;
    struct resident a = person(CODE, HERE, "高橋　花子"), b = person(OTHER_CODE, HERE, "試験　太郎");
    a.attributes.name_substitutes[0] = '1';
    enter(w->town, &a);
    enter(w->town, &b);
    static const struct {
        const char *flaw, *code, *address, *date, *request;
        enum rc want;
    } rows[] = {
        { "mistyped code", "24727059609", NEW_ADDRESS, "2026-11-23", "r1", RC_FORMAT },
        { "unknown", "00000000000", NEW_ADDRESS, "2026-11-23", "r1", RC_NOT_FOUND },
        { "another town", CODE, "鹿児島県鹿屋市本町１番１号", "2026-11-23", "r1", RC_RANGE },
        { "only the town's name", CODE, "鹿児島県鹿児島市", "2026-11-23", "r1", RC_RANGE },
        { "present address", CODE, OLD_ADDRESS, "2026-11-23", "r1", RC_RANGE },
        { "tomorrow", CODE, NEW_ADDRESS, "2026-11-24", "r1", RC_RANGE },
        { "no date", CODE, NEW_ADDRESS, "yesterday", "r1", RC_FORMAT },
        { "no request", CODE, NEW_ADDRESS, "2026-11-23", "", RC_FORMAT },
        { "blank in the request", CODE, NEW_ADDRESS, "2026-11-23", "r 1", RC_FORMAT },
        { "control character", CODE, NEW_ADDRESS "\n", "2026-11-23", "r1", RC_FORMAT },
        { "broken UTF-8", CODE, NEW_ADDRESS "\xE3\x80", "2026-11-23", "r1", RC_FORMAT },
        { "none", CODE, NEW_ADDRESS, "2026-11-23", "r1", RC_OK },
        { "the same again", CODE, NEW_ADDRESS, "2026-11-23", "r1", RC_OK },
        { "the same name for another person", OTHER_CODE, NEW_ADDRESS, "2026-11-23", "r1", RC_CONFLICT },
        { "the same name for another address", CODE, NEW_ADDRESS "２階", "2026-11-23", "r1", RC_CONFLICT },
        { "the same name for another day", CODE, NEW_ADDRESS, "2026-11-22", "r1", RC_CONFLICT },
        { "another name for what is so", CODE, NEW_ADDRESS, "2026-11-23", "r2", RC_RANGE },
        { "back again", CODE, OLD_ADDRESS, "2026-11-23", "r3", RC_OK },
        { "the first one again, long past", CODE, NEW_ADDRESS, "2026-11-23", "r1", RC_OK },
    };
    int64_t changes = 0, first = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int64_t notice = 0, before = fingerprint(w->town);
        struct err err = { 0 };
        enum rc rc = municipal_move(w->town, HERE, rows[i].code, rows[i].address, rows[i].date, rows[i].request, &notice, &err);
        if (rc != rows[i].want)
            fail_msg("%s: %s %s", rows[i].flaw, rc_name(rc), err_text(&err, rc));
        if (strstr(err.text, rows[i].address) || strstr(err.text, rows[i].code))
            fail_msg("%s: personal data in the words", rows[i].flaw);
        if (rc == RC_OK && strstr(rows[i].flaw, "again")) {
            if (strcmp(rows[i].request, "r1") == 0) {
                assert_int_equal(notice, first);
                assert_int_equal(fingerprint(w->town), before);
            } else {
                changes++;
            }
        } else if (rc == RC_OK) {
            first = notice;
            changes++;
        } else {
            assert_int_equal(fingerprint(w->town), before);
        }
    }
    assert_int_equal(changes, 2);
    struct ledger_row row;
    assert_int_equal(ledger_find_code(w->town, CODE, &row, NULL), RC_OK);
    assert_int_equal(row.revision, 3);
    assert_string_equal(row.resident.attributes.name_substitutes, "10000"); /* the name's flags stay */
    assert_int_equal(municipal_move(w->town, THERE, CODE, "東京都千代田区丸の内１番１号", "2026-11-23", "r9", &first, NULL), RC_DENIED);
}

static void test_link(void **state)
{
    struct world *w = *state;
    struct resident a = person(CODE, HERE, "試験　花子"), b = person(OTHER_CODE, HERE, "試験　太郎");
    int64_t notice, again;
    enter(w->town, &a);
    enter(w->town, &b);
    link_both(w, &a, &notice);
    int64_t before = fingerprint(w->town);
    link_both(w, &a, &again);
    assert_int_equal(again, notice);
    const struct certificate theirs[] = { { AUTHORITY_SIGN, "0A01", FAR_FUTURE } };
    const struct certificate other_end[] = { { AUTHORITY_SIGN, "0A01", FAR_FUTURE - 1 } };
    const struct certificate fresh[] = { { AUTHORITY_SIGN, "0A02", FAR_FUTURE } };
    struct resident nobody = person("00000000000", HERE, "試験　誰");
    struct attributes moved = b.attributes;
    strcpy(moved.address, NEW_ADDRESS);
    assert_int_equal(municipal_link(w->town, HERE, b.code, &b.attributes, theirs, 1, &again, NULL), RC_CONFLICT);
    assert_int_equal(municipal_link(w->town, HERE, a.code, &a.attributes, other_end, 1, &again, NULL), RC_CONFLICT);
    assert_int_equal(municipal_link(w->town, HERE, b.code, &moved, fresh, 1, &again, NULL), RC_CONFLICT);
    assert_int_equal(municipal_link(w->town, HERE, nobody.code, &nobody.attributes, fresh, 1, &again, NULL), RC_NOT_FOUND);
    assert_int_equal(municipal_link(w->town, THERE, b.code, &b.attributes, fresh, 1, &again, NULL), RC_DENIED);
    assert_int_equal(municipal_link(w->town, HERE, b.code, &b.attributes, fresh, 0, &again, NULL), RC_RANGE);
    assert_int_equal(fingerprint(w->town), before);
    /* one more certificate: a notice of its own, with the new one only */
    const struct certificate more[] = { theirs[0], fresh[0] };
    assert_int_equal(municipal_link(w->town, HERE, a.code, &a.attributes, more, 2, &again, NULL), RC_OK);
    assert_int_equal(again, notice + 1);
    struct certificate told[NOTICE_CERTIFICATES];
    size_t told_count;
    assert_int_equal(certlink_of_notice(w->town, again, told, &told_count, NULL), RC_OK);
    assert_int_equal(told_count, 1);
    assert_string_equal(told[0].serial, "0A02");
}

static void test_story(void **state)
{
    struct world *w = *state;
    struct resident a = person(CODE, HERE, "試験　花子");
    int64_t notice, since;
    enter(w->town, &a);
    link_both(w, &a, &notice);
    assert_int_equal(confirm(w, AUTHORITY_SIGN, "0A01", NULL), CONFIRM_UNKNOWN);
    carry(w);
    assert_int_equal(confirm(w, AUTHORITY_SIGN, "0A01", &since), CONFIRM_CURRENT);
    assert_int_equal(since, 0);
    assert_int_equal(confirm(w, AUTHORITY_AUTH, "0A01", NULL), CONFIRM_UNKNOWN); /* serials are an authority's own */

    /* 軽微な修正: another address on paper, the same place: no event, still current */
    struct resident minor = a;
    strcpy(minor.attributes.address, "鹿児島県鹿児島市山下一丁目１１番１号");
    attributes_no_substitutes(&minor.attributes);
    assert_int_equal(municipal_change(w->town, &minor, REASON_MINOR, "2026-11-23", "m1", &notice, NULL), RC_OK);
    carry(w);
    assert_int_equal(confirm(w, AUTHORITY_SIGN, "0A01", NULL), CONFIRM_CURRENT);
    assert_int_equal(count(w->nation, "SELECT count(*) FROM event"), 0);
    /* a correction that changes none of the four: only the flags */
    minor.attributes.name_substitutes[0] = '1';
    assert_int_equal(municipal_change(w->town, &minor, REASON_EX_OFFICIO, "2026-11-23", "m2", &notice, NULL), RC_OK);
    carry(w);
    assert_int_equal(confirm(w, AUTHORITY_SIGN, "0A01", NULL), CONFIRM_CURRENT);

    tick("2026-11-24T03:00:00Z");
    assert_int_equal(municipal_move(w->town, HERE, CODE, NEW_ADDRESS, "2026-11-20", "move-1", &notice, NULL), RC_OK);
    tick("2026-11-24T05:00:00Z"); /* the national node hears of it later: since is the municipality's time */
    carry(w);
    assert_int_equal(confirm(w, AUTHORITY_SIGN, "0A01", &since), CONFIRM_CHANGED);
    assert_int_equal(since, 1795489200);
    json_t *event = NULL;
    assert_int_equal(outbox_event(w->nation, 1, &event, NULL), RC_OK);
    char *text = json_dumps(event, JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(text, "{\"certificates\":[{\"authority\":\"auth\",\"serial\":\"0B01\"},{\"authority\":\"sign\",\"serial\":"
                              "\"0A01\"}],\"event\":\"attributes-changed\",\"sequence\":1,\"time\":\"2026-11-24T03:00:00Z\"}");
    free(text);
    json_decref(event);

    /* a second move: what was told is not told again, and since stays */
    tick("2026-11-25T03:00:00Z");
    assert_int_equal(municipal_move(w->town, HERE, CODE, OLD_ADDRESS, "2026-11-25", "move-2", &notice, NULL), RC_OK);
    carry(w);
    assert_int_equal(count(w->nation, "SELECT count(*) FROM event"), 1);
    assert_int_equal(confirm(w, AUTHORITY_SIGN, "0A01", &since), CONFIRM_CHANGED);
    assert_int_equal(since, 1795489200);

    struct resident dead = person(CODE, HERE, "");
    assert_int_equal(municipal_change(w->town, &dead, REASON_DEATH, "2026-11-25", "death", &notice, NULL), RC_OK);
    carry(w);
    /* removed today, but it was no longer so from the first change on */
    assert_int_equal(confirm(w, AUTHORITY_AUTH, "0B01", &since), CONFIRM_REMOVED);
    assert_int_equal(since, 1795489200);
    assert_int_equal(confirm(w, AUTHORITY_SIGN, "0A01", &since), CONFIRM_REMOVED);
    assert_int_equal(since, 1795489200);
    assert_int_equal(outbox_event(w->nation, 2, &event, NULL), RC_OK);
    assert_string_equal(json_string_value(json_object_get(event, "event")), "removed");
    assert_int_equal(json_array_size(json_object_get(event, "certificates")), 2);
    json_decref(event);
    assert_int_equal(outbox_event(w->nation, 3, &event, NULL), RC_NOT_FOUND);
    /* the nation is the town */
    assert_int_equal(count(w->town, "SELECT count(*) FROM history"), count(w->nation, "SELECT count(*) FROM history"));
}

static void test_ended_certificates_are_not_told(void **state)
{
    struct world *w = *state;
    struct resident a = person(CODE, HERE, "試験　花子");
    const struct certificate old[] = { { AUTHORITY_SIGN, "0C01", clock_now() + 10 } };
    int64_t notice;
    enter(w->town, &a);
    assert_int_equal(municipal_link(w->town, HERE, CODE, &a.attributes, old, 1, &notice, NULL), RC_OK);
    tick("2026-11-23T01:00:00Z");
    assert_int_equal(municipal_move(w->town, HERE, CODE, NEW_ADDRESS, "2026-11-23", "m", &notice, NULL), RC_OK);
    carry(w);
    assert_int_equal(count(w->nation, "SELECT count(*) FROM event"), 0);
    assert_int_equal(count(w->nation, "SELECT last FROM outbox WHERE peer = 'ca'"), 0);
    assert_int_equal(confirm(w, AUTHORITY_SIGN, "0C01", NULL), CONFIRM_CHANGED);
}

static json_t *told(struct store *town, int64_t from, size_t max)
{
    json_t *notices = NULL;
    assert_int_equal(outbox_notices(town, from, max, &notices, NULL), RC_OK);
    return notices;
}

static void test_order(void **state)
{
    struct world *w = *state;
    struct resident a = person(CODE, HERE, "試験　花子"), b = person(OTHER_CODE, HERE, "試験　太郎");
    int64_t notice, acknowledged = -1, expected;
    enter(w->town, &a);
    enter(w->town, &b);
    assert_int_equal(municipal_move(w->town, HERE, CODE, NEW_ADDRESS, "2026-11-23", "m", &notice, NULL), RC_OK);

    json_t *late = told(w->town, 2, 200), *all = told(w->town, 1, 200), *first = told(w->town, 1, 1);
    assert_int_equal(json_array_size(all), 3);
    int64_t before = fingerprint(w->nation);
    assert_int_equal(intake_take(w->nation, HERE, late, &acknowledged, &expected, NULL), RC_CONFLICT);
    assert_int_equal(expected, 1);
    assert_int_equal(acknowledged, -1);
    assert_int_equal(fingerprint(w->nation), before);
    json_t *hole = json_deep_copy(all);
    json_array_remove(hole, 1);
    assert_int_equal(intake_take(w->nation, HERE, hole, &acknowledged, &expected, NULL), RC_CONFLICT);
    assert_int_equal(expected, 2);
    assert_int_equal(fingerprint(w->nation), before); /* all or none */
    json_decref(hole);

    assert_int_equal(intake_take(w->nation, HERE, first, &acknowledged, &expected, NULL), RC_OK);
    assert_int_equal(acknowledged, 1);
    assert_int_equal(intake_take(w->nation, HERE, all, &acknowledged, &expected, NULL), RC_OK); /* one known, two new */
    assert_int_equal(acknowledged, 3);
    before = fingerprint(w->nation);
    assert_int_equal(intake_take(w->nation, HERE, all, &acknowledged, &expected, NULL), RC_OK); /* all known */
    assert_int_equal(acknowledged, 3);
    assert_int_equal(fingerprint(w->nation), before);
    json_t *none = json_array();
    assert_int_equal(intake_take(w->nation, HERE, none, &acknowledged, &expected, NULL), RC_OK);
    assert_int_equal(acknowledged, 3);
    json_decref(none);

    /* another municipality tells the same: it counts from 1 of its own, and may not touch what is not its own */
    assert_int_equal(intake_take(w->nation, THERE, all, &acknowledged, &expected, NULL), RC_DENIED);
    assert_int_equal(expected, 0);
    assert_int_equal(fingerprint(w->nation), before);
    json_decref(late);
    json_decref(all);
    json_decref(first);
}

static void test_intake_refusals(void **state)
{
    struct world *w = *state;
    struct resident a = person(CODE, HERE, "試験　花子");
    int64_t notice, acknowledged, expected;
    enter(w->town, &a);
    link_both(w, &a, &notice);
    json_t *all = told(w->town, 1, 200);
    int64_t before = fingerprint(w->nation);
    static const struct {
        const char *flaw;
        size_t index;
        const char *member, *value;
        enum rc want;
    } rows[] = {
        { "no sequence", 0, "sequence", "null", RC_FORMAT },
        { "a known reason of another kind", 0, "reason", "\"転居\"", RC_NOT_FOUND },
        { "an unknown reason", 0, "reason", "\"夜逃げ\"", RC_FORMAT },
        { "certificates of nobody", 0, "kind", "\"certificates\"", RC_FORMAT },
        { "not an object", 1, NULL, "7", RC_FORMAT },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_t *copy = json_deep_copy(all), *value = json_loads(rows[i].value, JSON_DECODE_ANY, NULL);
        if (rows[i].member)
            json_object_set_new(json_array_get(copy, rows[i].index), rows[i].member, value);
        else
            json_array_set_new(copy, rows[i].index, value);
        if (intake_take(w->nation, HERE, copy, &acknowledged, &expected, NULL) != rows[i].want)
            fail_msg("%s", rows[i].flaw);
        assert_int_equal(expected, 0);
        assert_int_equal(fingerprint(w->nation), before);
        json_decref(copy);
    }
    json_t *many = json_array();
    for (int i = 0; i < NOTICE_BATCH + 1; i++)
        json_array_append(many, json_array_get(all, 0));
    assert_int_equal(intake_take(w->nation, HERE, many, &acknowledged, &expected, NULL), RC_RANGE);
    json_decref(many);

    /* the certificate's attributes are not the register's: never current */
    json_t *doubt = json_deep_copy(all);
    json_object_set_new(json_object_get(json_array_get(doubt, 1), "resident"), "sex", json_string("1"));
    assert_int_equal(intake_take(w->nation, HERE, doubt, &acknowledged, &expected, NULL), RC_OK);
    assert_int_equal(confirm(w, AUTHORITY_SIGN, "0A01", NULL), CONFIRM_CHANGED);
    assert_int_equal(count(w->nation, "SELECT count(*) FROM event"), 1);
    json_decref(doubt);
    json_decref(all);
}

static void test_acknowledge(void **state)
{
    struct world *w = *state;
    struct resident a = person(CODE, HERE, "試験　花子");
    struct outbox_state outbox;
    enter(w->town, &a);
    assert_int_equal(outbox_acknowledge(w->town, OUTBOX_NATIONAL, 2, NULL), RC_CONFLICT);
    assert_int_equal(outbox_acknowledge(w->town, OUTBOX_NATIONAL, -1, NULL), RC_CONFLICT);
    assert_int_equal(outbox_acknowledge(w->town, OUTBOX_NATIONAL, 1, NULL), RC_OK);
    assert_int_equal(outbox_acknowledge(w->town, OUTBOX_NATIONAL, 0, NULL), RC_OK); /* the peer was set back */
    assert_int_equal(outbox_read(w->town, OUTBOX_NATIONAL, &outbox, NULL), RC_OK);
    assert_int_equal(outbox.last, 1);
    assert_int_equal(outbox.acknowledged, 0);
    assert_int_equal(outbox_read(w->town, "nobody", &outbox, NULL), RC_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_owner, setup, teardown),
        cmocka_unit_test_setup_teardown(test_put_rules, setup, teardown),
        cmocka_unit_test_setup_teardown(test_find, setup, teardown),
        cmocka_unit_test_setup_teardown(test_move, setup, teardown),
        cmocka_unit_test_setup_teardown(test_link, setup, teardown),
        cmocka_unit_test_setup_teardown(test_story, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ended_certificates_are_not_told, setup, teardown),
        cmocka_unit_test_setup_teardown(test_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_intake_refusals, setup, teardown),
        cmocka_unit_test_setup_teardown(test_acknowledge, setup, teardown),
    };
    return cmocka_run_group_tests_name("registry-ledger", tests, NULL, NULL);
}

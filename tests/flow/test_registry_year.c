/* test_registry_year.c — a year of two towns, day by day: births, deaths, moves within, away and to the other town,
 * codes changed, cards issued, lost, found and given back, certificates linked, in the numbers of the country (2023: of
 * 10,000 people 60 births, 130 deaths, 397 arrivals, 401 departures). Every fourth card of an adult has certificates of
 * real authorities. After each day the nation is told, the authorities take its events, and what must always hold is
 * looked at; at the end the revocation lists too. usage: test-registry-year JPKI_CA [RESIDENTS [DAYS [PACE]]]: PACE
 * times as much happens as in the country */
#include "registry/act.h"
#include "registry/cards.h"
#include "registry/designate.h"
#include "registry/intake.h"
#include "registry/outbox.h"
#include "registry/town.h"
#include "support/scratch.h"
#include "support/teststore.h"
#include "support/townpair.h"
#include "yearca.h"

#include "base/clock.h"
#include "ca/revoke.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define TOWNS 2
#define FAR_FUTURE 4000000000
#define PEOPLE_MAX 20000

struct person {
    char code[12], card[17];
    int town;
    bool gone, linked;
    bool held;                  /* the card is lost */
    bool real;                  /* the certificates are those of the authorities, … */
    int issuer;                 /* … asked for by this town */
    struct certificate both[2]; /* sign, auth */
    int want[2], told[2]; /* why each must be revoked, and why by what the nation told: the first reason, or VALID */
};
#define VALID (-1)

static struct {
    char folder[64], day[11], here[TOWNS][7];
    struct store *towns[TOWNS], *nation;
    struct secret key;
    struct yearca authorities;
    const char *jpki_ca;
    struct person people[PEOPLE_MAX];
    size_t count, travellers[200], travelling;
    int64_t requests, events, deeds;
    unsigned linked, real;
    uint64_t lot;
    long residents, days, pace;
} w;

static const char *const addresses[TOWNS] = {"鹿児島県鹿児島市山下町", "東京都千代田区丸の内一丁目"};

static uint64_t draw(uint64_t among)
{
    w.lot = w.lot * 6364136223846793005u + 1442695040888963407u;
    return (w.lot >> 33) % among;
}

/* How often in a day, for a number of a year and 10,000 people. */
static unsigned times(unsigned of_year)
{
    uint64_t expected =
        (uint64_t)of_year * (uint64_t)(w.residents * w.pace) / 10; /* millionths of a year's thousandth */
    return (unsigned)(expected / 365000) + (draw(365000) < expected % 365000);
}

static void want_ok(enum rc rc, const struct err *err, const char *what)
{
    if (rc)
        fail_msg("%s, %s: %s", w.day, what, err_text(err, rc));
    w.deeds++;
}

static const char *next_request(void)
{
    static char name[32];
    snprintf(name, sizeof name, "r-%lld", (long long)w.requests++);
    return name;
}

static struct person *somebody(void)
{
    for (;;) {
        struct person *p = &w.people[draw(w.count)];
        if (!p->gone)
            return p;
    }
}

static struct person *add_person(const char *code, int town)
{
    assert_true(w.count < PEOPLE_MAX);
    struct person *p = &w.people[w.count++];
    *p = (struct person){.town = town, .want = {VALID, VALID}, .told = {VALID, VALID}};
    memcpy(p->code, code, sizeof p->code);
    return p;
}

/* Certificates end, for the first reason there is. */
static void ends(struct person *p, int sign, int auth)
{
    const int reasons[2] = {sign, auth};
    for (size_t i = 0; p->linked && i < 2; i++)
        if (p->want[i] == VALID)
            p->want[i] = reasons[i];
}

/* --- the towns, and the nation told ------------------------------------------------------------------------------ */

static void fill_town(int t, long residents)
{
    struct town *town = NULL;
    struct err err = {0};
    want_ok(town_new(w.here[t], residents, 1, TOWN_EDGE_CASES, &town, &err), &err, "town");
    want_ok(store_begin(w.towns[t], &err), &err, "begin");
    for (long i = 0; i < residents; i++) {
        struct resident resident;
        int64_t notice;
        want_ok(town_resident(town, i, &resident, &err), &err, "resident");
        want_ok(municipal_enter(w.towns[t], &resident, REASON_FIRST, w.day, &notice, &err), &err, "enter");
        (void)add_person(resident.code, t);
    }
    want_ok(store_commit(w.towns[t], &err), &err, "commit");
    town_free(town);
}

static void tell_nation(int t)
{
    struct outbox_state outbox;
    struct err err = {0};
    for (;;) {
        json_t *notices = NULL;
        int64_t acknowledged, expected;
        want_ok(outbox_read(w.towns[t], OUTBOX_NATIONAL, &outbox, &err), &err, "outbox");
        if (outbox.last == outbox.acknowledged)
            return;
        want_ok(outbox_notices(w.towns[t], outbox.acknowledged + 1, NOTICE_BATCH, &notices, &err), &err, "notices");
        want_ok(intake_take(w.nation, w.here[t], notices, &acknowledged, &expected, &err), &err, "intake");
        json_decref(notices);
        want_ok(outbox_acknowledge(w.towns[t], OUTBOX_NATIONAL, acknowledged, &err), &err, "acknowledge");
    }
}

/* --- what happens ------------------------------------------------------------------------------------------------ */

static void act(int t, struct act_request *request, struct act_result *result)
{
    struct err err = {0};
    request->date = w.day;
    request->request = next_request();
    want_ok(act_record(w.towns[t], w.here[t], request, result, &err), &err, request->act);
}

static const char *an_address(int t)
{
    static char address[120];
    snprintf(address, sizeof address, "%s%u番%u号", addresses[t], (unsigned)(1 + draw(900)), (unsigned)(1 + draw(90)));
    return address;
}

static void birth(void)
{
    char day[16], name[80];
    struct act_result result;
    int t = w.people[draw(w.count)].town;
    snprintf(day, sizeof day, "5%.4s%.2s%.2s", w.day, w.day + 5, w.day + 8);
    snprintf(name, sizeof name, "試験　新生%lld", (long long)w.requests);
    struct act_request request = {
        .act = "birth", .name = name, .birth = day, .sex = draw(2) ? "1" : "2", .address = an_address(t)};
    act(t, &request, &result);
    (void)add_person(result.code, t);
}

static void death(void)
{
    struct person *p = somebody();
    struct act_result result;
    struct act_request request = {.act = "death", .code = p->code};
    act(p->town, &request, &result);
    p->gone = true;
    ends(p, REVOKE_AFFILIATION_CHANGED, REVOKE_AFFILIATION_CHANGED);
    p->card[0] = '\0';
}

/* Away to the other town, where the person enters on a later day, when the nation has heard. */
static void leave(void)
{
    struct person *p = somebody();
    struct act_result result;
    if (w.travelling == sizeof w.travellers / sizeof w.travellers[0])
        return;
    struct act_request request = {.act = "leave", .code = p->code};
    act(p->town, &request, &result);
    p->gone = true;
    ends(p, REVOKE_AFFILIATION_CHANGED, VALID);
    w.travellers[w.travelling++] = (size_t)(p - w.people);
}

static void arrive_all(void)
{
    for (; w.travelling; w.travelling--) {
        struct person *p = &w.people[w.travellers[w.travelling - 1]];
        struct ledger_row row;
        struct act_result result;
        struct err err = {0};
        want_ok(ledger_find_code(w.towns[p->town], p->code, &row, &err), &err, "traveller");
        int t = !p->town;
        const struct attributes *a = &row.resident.attributes;
        struct act_request request = {.act = "enter",
                                      .code = p->code,
                                      .name = a->name,
                                      .birth = a->birth,
                                      .sex = a->sex,
                                      .address = an_address(t)};
        act(t, &request, &result);
        p->town = t;
        p->gone = false;
    }
}

static void move(void)
{
    struct person *p = somebody();
    int64_t notice;
    struct err err = {0};
    want_ok(municipal_move(w.towns[p->town], w.here[p->town], p->code, an_address(p->town), w.day, next_request(),
                           &notice, &err),
            &err, "move");
    ends(p, REVOKE_AFFILIATION_CHANGED, VALID);
}

static void change_code(void)
{
    struct person *p = somebody();
    struct act_result result;
    struct act_request request = {.act = "code-change", .code = p->code};
    act(p->town, &request, &result);
    assert_string_not_equal(result.code, p->code);
    memcpy(p->code, result.code, sizeof p->code);
    ends(p, REVOKE_CESSATION, REVOKE_CESSATION);
}

static enum rc card_deed(struct person *p, const char *kind, asked_do_fn deed, json_t *body, struct err *err)
{
    json_t *answer = NULL;
    json_object_set_new(body, "request", json_string(next_request()));
    json_object_set_new(body, "date", json_string(w.day));
    enum rc rc = asked_once(w.towns[p->town], kind, body, deed, w.here[p->town], &answer, err);
    json_decref(answer);
    json_decref(body);
    return rc;
}

/* Of the authorities for every fourth card, when its holder is an adult; else serial numbers that they do not know. */
static void make_certificates(struct person *p, const struct attributes *attributes)
{
    char serial[17];
    p->real = w.linked % 4 == 0 && attributes->birth[0] < '4';
    if (p->real) {
        p->issuer = p->town;
        yearca_issue(&w.authorities, w.here[p->town], attributes, next_request(), p->both);
        w.real++;
    }
    for (size_t i = 0; !p->real && i < 2; i++) {
        snprintf(serial, sizeof serial, "0%c%08X", i ? 'B' : 'A', w.linked);
        assert_int_equal(certificate_name(i ? "auth" : "sign", serial, &p->both[i], NULL), RC_OK);
        p->both[i].not_after = FAR_FUTURE;
    }
}

/* A card and its certificates, which are linked to who has none yet. */
static void issue_card(void)
{
    struct person *p = somebody();
    char card[17];
    struct err err = {0};
    if (p->card[0] || p->linked)
        return;
    snprintf(card, sizeof card, "9%015u", ++w.linked);
    enum rc rc = card_deed(p, "card_issue", cards_issue,
                           json_pack("{s:s, s:s, s:s}", "code", p->code, "card", card, "type", "number"), &err);
    if (rc == RC_STATE)
        return; /* brought along from the other town */
    want_ok(rc, &err, "card");
    struct ledger_row row;
    int64_t notice;
    want_ok(ledger_find_code(w.towns[p->town], p->code, &row, &err), &err, "holder");
    make_certificates(p, &row.resident.attributes);
    want_ok(
        municipal_link(w.towns[p->town], w.here[p->town], p->code, &row.resident.attributes, p->both, 2, &notice, &err),
        &err, "link");
    memcpy(p->card, card, sizeof card);
    p->linked = true;
}

static struct person *card_holder(bool held)
{
    for (int i = 0; i < 2000; i++) {
        struct person *p = somebody();
        if (p->card[0] && p->held == held)
            return p;
    }
    return NULL;
}

static void card_event(const char *name, bool held_before)
{
    struct person *p = card_holder(held_before);
    struct err err = {0};
    if (!p)
        return;
    enum rc rc = card_deed(p, "card_event", cards_event, json_pack("{s:s, s:s}", "card", p->card, "event", name), &err);
    if (rc == RC_STATE || rc == RC_NOT_FOUND) { /* ended by a move or a change of code, or the other town's */
        p->card[0] = '\0';
        return;
    }
    want_ok(rc, &err, name);
    p->held = strcmp(name, "lost") == 0;
    if (p->held)
        ends(p, REVOKE_HOLD, REVOKE_HOLD);
    if (strcmp(name, "return") == 0) {
        ends(p, REVOKE_CESSATION, REVOKE_CESSATION);
        p->card[0] = '\0';
    }
}

/* --- what must always hold --------------------------------------------------------------------------------------- */

static int64_t count(struct store *store, const char *sql)
{
    int64_t n = -1;
    struct err err = {0};
    enum rc rc = ledger_count(store, sql, &n, &err);
    if (rc)
        fail_msg("%s: %s", sql, err_text(&err, rc));
    return n;
}

/* What an event means for one certificate, by the authorities' own table. */
static void tell(const json_t *event, const json_t *certificate)
{
    const char *serial = json_string_value(json_object_get(certificate, "serial"));
    enum authority authority;
    int reason;
    assert_int_equal(authority_parse(json_string_value(json_object_get(certificate, "authority")), &authority), RC_OK);
    assert_int_equal(revoke_event_reason(json_string_value(json_object_get(event, "event")), authority, &reason),
                     RC_OK);
    for (size_t k = 0; k < w.count; k++) {
        struct person *p = &w.people[k];
        size_t i = authority == AUTHORITY_AUTH;
        if (p->linked && strcmp(p->both[i].serial, serial) == 0 && p->told[i] == VALID)
            p->told[i] = reason;
    }
}

/* The authorities take every event, in order. */
static void hear_events(void)
{
    int64_t revoked = 0;
    for (json_t *event; outbox_event(w.nation, w.events + 1, &event, NULL) == RC_OK; json_decref(event)) {
        size_t i;
        json_t *certificate;
        w.events++;
        assert_int_equal(json_integer_value(json_object_get(event, "sequence")), w.events);
        json_array_foreach(json_object_get(event, "certificates"), i, certificate) tell(event, certificate);
        yearca_hear(&w.authorities, w.events, event);
        assert_int_equal(outbox_acknowledge(w.nation, OUTBOX_CA, w.events, NULL), RC_OK);
    }
    for (size_t k = 0; k < w.count; k++) {
        const struct person *p = &w.people[k];
        for (size_t i = 0; i < 2; i++) {
            if (p->told[i] != p->want[i])
                fail_msg("%s: a certificate ends for %d, the authorities were told of %d", w.day, p->want[i],
                         p->told[i]);
            revoked += p->real && p->want[i] != VALID;
        }
    }
    assert_int_equal(yearca_revoked(&w.authorities), revoked); /* so many in the book, and no other */
}

/* The book, which the responder answers from, and the lists. */
static void look_at_authorities(bool lists)
{
    static struct yearca_entry held[PEOPLE_MAX];
    static const enum authority authorities[2] = {AUTHORITY_SIGN, AUTHORITY_AUTH};
    for (size_t k = 0; k < w.count; k++)
        for (size_t i = 0; w.people[k].real && i < 2; i++)
            assert_int_equal(yearca_reason(&w.authorities, &w.people[k].both[i]), w.people[k].want[i]);
    for (size_t i = 0; lists && i < 2; i++)
        for (int t = 0; t < TOWNS; t++) {
            size_t count = 0;
            for (size_t k = 0; k < w.count; k++) {
                const struct person *p = &w.people[k];
                if (p->real && p->issuer == t && p->want[i] != VALID)
                    held[count++] = (struct yearca_entry){p->both[i].serial, p->want[i]};
            }
            yearca_check_list(&w.authorities, authorities[i], w.here[t], held, count);
        }
}

#define SUM                                                                                                            \
    "SELECT count(*), coalesce(sum(CAST(code AS BIGINT)), 0) FROM resident "                                           \
    "WHERE removed = 0 AND municipality = '%s'"
#define EVERYBODY                                                                                                      \
    "SELECT code, name, name_substitutes, birth, sex, address, address_substitutes FROM resident "                     \
    "WHERE removed = 0 AND municipality = '%s' ORDER BY code"
#define OPEN_CARDS                                                                                                     \
    "SELECT count(*) FROM (SELECT code FROM card WHERE state IN ('valid', 'locked', 'lost', 'lost-locked') GROUP BY "  \
    "code "                                                                                                            \
    "HAVING count(*) > 1) twice"

/* Row by row. */
static void compare_town(int t)
{
    char sql[400];
    struct statement *town = NULL, *nation = NULL;
    snprintf(sql, sizeof sql, EVERYBODY, w.here[t]);
    assert_int_equal(store_prepare(w.towns[t], sql, &town, NULL), RC_OK);
    assert_int_equal(store_prepare(w.nation, sql, &nation, NULL), RC_OK);
    enum rc rc;
    while ((rc = statement_step(town, NULL)) == RC_OK) {
        assert_int_equal(statement_step(nation, NULL), RC_OK);
        for (int i = 0; i < 7; i++)
            assert_string_equal(column_text(town, i), column_text(nation, i));
    }
    assert_int_equal(rc, RC_NOT_FOUND);
    assert_int_equal(statement_step(nation, NULL), RC_NOT_FOUND);
    statement_done(town);
    statement_done(nation);
}

/* How many live in the town, by its own ledger and by the nation's: the same people. */
static int64_t look_at_town(int t)
{
    char sql[400];
    int64_t found[2][2];
    snprintf(sql, sizeof sql, SUM, w.here[t]);
    for (int i = 0; i < 2; i++) {
        struct statement *s = NULL;
        assert_int_equal(store_prepare(i ? w.nation : w.towns[t], sql, &s, NULL), RC_OK);
        assert_int_equal(statement_step(s, NULL), RC_OK);
        found[i][0] = column_integer(s, 0);
        found[i][1] = column_integer(s, 1);
        statement_done(s);
    }
    if (found[0][0] != found[1][0] || found[0][1] != found[1][1])
        fail_msg("%s: the nation is not what %s is", w.day, w.here[t]);
    return found[0][0];
}

/* The nation is the union of the towns, nobody lives in two of them or under two codes, nobody has two cards, and the
 * authorities have heard of exactly those to whom something happened. */
static void look(bool closely)
{
    int64_t living = 0;
    size_t here = 0;
    for (int t = 0; t < TOWNS; t++) {
        living += look_at_town(t);
        assert_int_equal(count(w.towns[t], OPEN_CARDS), 0);
        if (closely)
            compare_town(t);
    }
    assert_int_equal(count(w.nation, "SELECT count(*) FROM resident WHERE removed = 0"), living);
    assert_int_equal(count(w.nation, "SELECT count(*) FROM resident WHERE removed = 0 AND successor <> ''"), 0);
    assert_int_equal(count(w.nation, OPEN_CARDS), 0);
    for (size_t k = 0; k < w.count; k++)
        here += !w.people[k].gone;
    assert_int_equal(living, here);
    hear_events();
}

/* --- the year ---------------------------------------------------------------------------------------------------- */

static void day_begin(long day)
{
    char at[40];
    day_of(clock_from_date(2026, 4, 1) + 86400 * day, w.day);
    snprintf(at, sizeof at, "%sT03:00:00Z", w.day);
    assert_int_equal(clock_set(at), RC_OK);
}

static void repeat(unsigned how_often, void (*deed)(void))
{
    for (unsigned i = 0; i < how_often; i++)
        deed();
}

static void test_year(void **state)
{
    (void)state;
    for (long day = 1; day <= w.days; day++) {
        day_begin(day);
        for (int t = 0; t < TOWNS; t++)
            townpair_stock(w.towns[t], w.nation, &w.key, w.here[t]);
        arrive_all();
        repeat(times(60), birth);
        repeat(times(130), death);
        repeat(times(400), leave);
        repeat(times(350), move);
        repeat(times(2000), issue_card);
        repeat(times(12), change_code);
        for (unsigned i = times(90); i > 0; i--)
            card_event("lost", false);
        for (unsigned i = times(30); i > 0; i--)
            card_event("found", true);
        for (unsigned i = times(40); i > 0; i--)
            card_event("return", false);
        tell_nation(0);
        tell_nation(1);
        look(day % 30 == 0 || day == w.days);
        if (day % 30 == 0 || day == w.days)
            look_at_authorities(day == w.days);
    }
    assert_true(yearca_revoked(&w.authorities) > 0);
    if (w.days >= 365) { /* all of it did happen */
        assert_in_range(w.events, 100, 1000);
        assert_in_range(w.real, 200, 1000);
        assert_in_range(yearca_revoked(&w.authorities), 40, 500);
        assert_in_range(count(w.nation, "SELECT count(*) FROM card"), 1000, 2500);
        assert_in_range(count(w.nation, "SELECT count(*) FROM history"), 11000, 13000);
    }
    print_message("%lld deeds, %lld events to the authorities; of %u real certificates they revoked %lld\n",
                  (long long)w.deeds, (long long)w.events, 2 * w.real, (long long)yearca_revoked(&w.authorities));
}

static int setup(void **state)
{
    (void)state;
    char url[TESTSTORE_URL_SIZE];
    w.lot = 20260401;
    snprintf(w.folder, sizeof w.folder, "%s/jpki-year-XXXXXX", scratch_fast());
    strcpy(w.here[0], "462012");
    strcpy(w.here[1], "131016");
    if (!mkdtemp(w.folder))
        return -1;
    char last[11];
    const char *const municipalities[] = {w.here[0], w.here[1], NULL};
    day_of(clock_from_date(2026, 4, 1) + 86400 * w.days, last);
    yearca_new(&w.authorities, w.jpki_ca, "2026-04-01", last, municipalities);
    day_begin(0);
    for (int t = 0; t < TOWNS; t++) {
        teststore_url(w.folder, t ? "there" : "here", url);
        assert_int_equal(ledger_open(url, NODE_MUNICIPAL, w.here[t], &w.towns[t], NULL), RC_OK);
    }
    teststore_url(w.folder, "nation", url);
    assert_int_equal(ledger_open(url, NODE_NATIONAL, "000000", &w.nation, NULL), RC_OK);
    assert_int_equal(designate_key(w.folder, &w.key, NULL), RC_OK);
    /* for the looking every day */
    struct store *const stores[] = {w.towns[0], w.towns[1], w.nation};
    for (int i = 0; i < 3; i++)
        assert_int_equal(
            store_exec(stores[i], "CREATE INDEX look ON resident (removed, municipality, code, successor)", NULL),
            RC_OK);
    fill_town(0, w.residents * 4 / 5);
    fill_town(1, w.residents - w.residents * 4 / 5);
    tell_nation(0);
    tell_nation(1);
    look(true);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    store_close(w.towns[0]);
    store_close(w.towns[1]);
    store_close(w.nation);
    secret_wipe(&w.key);
    yearca_free(&w.authorities);
    return scratch_remove(w.folder);
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    w.jpki_ca = argv[1];
    w.residents = argc > 2 ? atol(argv[2]) : 10000;
    w.days = argc > 3 ? atol(argv[3]) : 365;
    w.pace = argc > 4 ? atol(argv[4]) : 1;
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_year)};
    return cmocka_run_group_tests_name("registry-year", tests, setup, teardown);
}

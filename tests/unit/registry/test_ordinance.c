/* test_ordinance.c — services by ordinance over the stores: offered here and not there, chosen by holders, refused to some, lost with the card;
 * and who stands before a kiosk, and when. */
#include "registry/copies.h"
#include "registry/kiosk.h"
#include "registry/ordinance.h"
#include "testops.h"
#include "townpair.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HERE "462012"
#define GROWN "24727059608"
#define CHILD "24846016224"
#define A "A000000000000001"
#define B "B000000000000002"

static struct townpair w;
static int requests;
static char here[] = HERE;

static int setup(void **state)
{
    (void)state;
    townpair_on("2010-04-01");
    townpair_open(&w, HERE);
    townpair_enter(&w, GROWN, "公的　花子", "319800229", "鹿児島県鹿児島市山下町１１番１号");
    townpair_enter(&w, CHILD, "公的　一郎", "419950402", "鹿児島県鹿児島市山下町１１番１号"); /* 14 years old today */
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    townpair_close(&w);
    return 0;
}

/* Every request has its own name. */
static enum rc ask(const char *kind, asked_do_fn run, void *context, json_t *body)
{
    char request[32];
    struct err err = { 0 };
    json_t *answer = NULL;
    snprintf(request, sizeof request, "s-%d", requests++);
    assert_non_null(body);
    json_object_set_new(body, "request", json_string(request));
    enum rc rc = asked_once(w.town, kind, body, run, context, &answer, &err);
    if (rc && rc != err.rc)
        fail_msg("%s without words", rc_name(rc));
    json_decref(answer);
    json_decref(body);
    return rc;
}

static enum rc offer(const char *service, bool offered, bool minors, bool wards)
{
    return ask("service_offer", ordinance_offer, NULL, json_pack("{s:s, s:b, s:b, s:b}", "service", service, "offered", offered, "minors",
                                                                 minors, "wards", wards));
}

static enum rc choose(const char *card, const char *service, bool ward)
{
    return ask("service_choose", ordinance_choose, NULL, json_pack("{s:s, s:s, s:b, s:s}", "card", card, "service", service, "ward", ward,
                                                                   "date", "2010-04-01"));
}

static enum rc leave(const char *card, const char *service)
{
    return ask("service_leave", ordinance_leave, NULL, json_pack("{s:s, s:s, s:s}", "card", card, "service", service, "date", "2010-04-01"));
}

static enum rc use(const char *card, const char *service)
{
    return ask("service_use", ordinance_use, here, json_pack("{s:s, s:s, s:s}", "card", card, "service", service, "place", "谷山支所"));
}

static enum rc paper(const char *code, bool held)
{
    return ask("service_paper", ordinance_paper, NULL, json_pack("{s:s, s:b}", "code", code, "held", held));
}

static void issue(const char *code, const char *card, const char *date)
{
    assert_int_equal(ask("card_issue", cards_issue, here, json_pack("{s:s, s:s, s:s, s:s}", "code", code, "card", card, "type", "juki-b",
                                                                    "date", date)), RC_OK);
}

static enum rc event(const char *card, const char *name)
{
    return ask("card_event", cards_event, here, json_pack("{s:s, s:s, s:s}", "card", card, "event", name, "date", "2010-04-01"));
}

static void test_choices(void **state)
{
    (void)state;
    issue(GROWN, A, "2010-04-01");
    issue(CHILD, B, "2010-04-01");
    assert_int_equal(offer("vending", true, false, false), RC_OK);
    assert_int_equal(offer("seal", true, false, true), RC_OK);
    assert_int_equal(offer("video", true, true, true), RC_OK);
    assert_int_equal(offer("kiosk", true, true, true), RC_OK);
    assert_int_equal(offer("library", true, true, true), RC_FORMAT);
    static const struct {
        const char *flaw, *card, *service;
        bool ward;
        enum rc want;
    } rows[] = {
        { "not offered here", A, "forms", false, RC_UNSUPPORTED },
        { "no such service", A, "library", false, RC_FORMAT },
        { "nobody chooses the kiosk", A, "kiosk", false, RC_UNSUPPORTED },
        { "no such card", "C000000000000003", "vending", false, RC_NOT_FOUND },
        { "mistyped card", "c", "vending", false, RC_FORMAT },
        { "under 15", B, "vending", false, RC_DENIED },
        { "under 15, admitted", B, "video", false, RC_OK },
        { "a ward", A, "vending", true, RC_DENIED },
        { "a ward, admitted", A, "seal", true, RC_OK },
        { "a grown-up", A, "vending", false, RC_OK },
        { "again", A, "vending", false, RC_EXISTS },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum rc rc = choose(rows[i].card, rows[i].service, rows[i].ward);
        if (rc != rows[i].want)
            fail_msg("%s: %s", rows[i].flaw, rc_name(rc));
    }
    townpair_on("2010-04-02"); /* 15 today */
    assert_int_equal(choose(B, "vending", false), RC_OK);
    assert_int_equal(leave(B, "vending"), RC_OK);
    assert_int_equal(leave(B, "vending"), RC_NOT_FOUND);
    assert_int_equal(choose(B, "vending", false), RC_OK); /* and comes back */

    json_t *services = NULL;
    assert_int_equal(ordinance_list(w.town, &services, NULL), RC_OK);
    assert_int_equal(json_array_size(services), SERVICE_COUNT);
    assert_true(json_is_true(json_object_get(json_array_get(services, SERVICE_VENDING), "offered")));
    assert_true(json_is_false(json_object_get(json_array_get(services, SERVICE_FORMS), "offered"))); /* as another town may have it */
    json_decref(services);
}

static void test_uses(void **state)
{
    (void)state;
    issue(GROWN, A, "2010-04-01");
    assert_int_equal(offer("video", true, true, true), RC_OK);
    assert_int_equal(offer("seal", true, true, true), RC_OK);
    assert_int_equal(use(A, "video"), RC_DENIED); /* for those who chose it */
    assert_int_equal(choose(A, "video", false), RC_OK);
    assert_int_equal(use(A, "video"), RC_OK);
    assert_int_equal(use(A, "vending"), RC_UNSUPPORTED);
    assert_int_equal(use(A, "kiosk"), RC_UNSUPPORTED);
    assert_int_equal(event(A, "lock"), RC_OK); /* the PIN opens the service */
    assert_int_equal(use(A, "video"), RC_STATE);
    assert_int_equal(event(A, "unlock"), RC_OK);
    assert_int_equal(event(A, "lost"), RC_OK);
    assert_int_equal(use(A, "video"), RC_STATE);
    assert_int_equal(event(A, "found"), RC_OK);
    assert_int_equal(use(A, "video"), RC_OK);
    assert_int_equal(offer("video", false, true, true), RC_OK);
    assert_int_equal(use(A, "video"), RC_UNSUPPORTED);
    assert_int_equal(townpair_count(w.town, "SELECT count(*) FROM service_use WHERE service = 'video' AND place = '谷山支所'"), 2);

    /* one 印鑑登録証, of paper or of plastic */
    assert_int_equal(paper(GROWN, true), RC_OK);
    assert_int_equal(choose(A, "seal", false), RC_STATE);
    assert_int_equal(paper(GROWN, false), RC_OK);
    assert_int_equal(choose(A, "seal", false), RC_OK);
    assert_int_equal(use(A, "seal"), RC_OK);
    assert_int_equal(paper(GROWN, true), RC_STATE);
    assert_int_equal(paper("24727059609", true), RC_FORMAT);
    assert_int_equal(leave(A, "seal"), RC_OK);
    assert_int_equal(paper(GROWN, true), RC_OK);
}

/* A card that ends, or goes elsewhere, takes the choices with it. */
static void test_lost_with_the_card(void **state)
{
    static const char *const ends[] = { "return", "keep", "hand-over" };
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        if (i > 0) {
            teardown(state);
            setup(state);
        }
        struct card_row row;
        int64_t notice;
        issue(GROWN, A, "2010-04-01");
        assert_int_equal(offer("video", true, true, true), RC_OK);
        assert_int_equal(choose(A, "video", false), RC_OK);
        if (i < 2) {
            assert_int_equal(event(A, ends[i]), RC_OK);
        } else { /* to another municipality and back: chosen anew or not at all */
            assert_int_equal(cardbook_find(w.town, A, &row, NULL), RC_OK);
            assert_int_equal(store_begin(w.town, NULL), RC_OK);
            assert_int_equal(cards_step(w.town, &row, CARD_HAND_OVER, CARD_REASON_NONE, "2010-04-01", &notice, NULL), RC_OK);
            assert_int_equal(cards_step(w.town, &row, CARD_CONTINUE, CARD_REASON_NONE, "2010-04-01", &notice, NULL), RC_OK);
            assert_int_equal(store_commit(w.town, NULL), RC_OK);
            assert_int_equal(use(A, "video"), RC_DENIED);
            assert_int_equal(choose(A, "video", false), RC_OK);
            assert_int_equal(use(A, "video"), RC_OK);
            continue;
        }
        assert_int_equal(use(A, "video"), RC_STATE);
        assert_int_equal(townpair_count(w.town, "SELECT count(*) FROM service_choice WHERE ended = ''"), 0);
    }
}

static void test_kiosk_hours(void **state)
{
    (void)state;
    static const struct {
        const char *clock;
        enum rc want;
    } rows[] = {
        { "2010-03-31T21:29:59Z", RC_STATE }, { "2010-03-31T21:30:00Z", RC_OK },    { "2010-04-01T13:59:59Z", RC_OK },
        { "2010-04-01T14:00:00Z", RC_STATE }, { "2010-12-28T03:00:00Z", RC_OK },    { "2010-12-28T22:00:00Z", RC_STATE },
        { "2011-01-03T03:00:00Z", RC_STATE }, { "2011-01-04T03:00:00Z", RC_OK },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(clock_set(rows[i].clock), RC_OK);
        if (kiosk_check_open(w.town, NULL) != rows[i].want)
            fail_msg("%s: not %s", rows[i].clock, rc_name(rows[i].want));
    }
    static const char *const wrong[] = { "", "6:30", "24:01", "25:00", "12:60", "12-30", "-1:30", "12:30x" };
    assert_int_equal(store_begin(w.town, NULL), RC_OK);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(kiosk_hour_set(w.town, KIOSK_OPEN, wrong[i], NULL), RC_FORMAT);
    static const char *const no_days[] = { "", "13-01", "00-10", "12-32", "1-1", "12:30", "never" };
    for (size_t i = 0; i < sizeof no_days / sizeof no_days[0]; i++)
        assert_int_equal(kiosk_hour_set(w.town, KIOSK_REST_FROM, no_days[i], NULL), RC_FORMAT);
    assert_int_equal(kiosk_hour_set(w.town, KIOSK_REST_FROM, "03-30", NULL), RC_OK);
    assert_int_equal(kiosk_hour_set(w.town, KIOSK_REST_UNTIL, "04-01", NULL), RC_OK);
    assert_int_equal(clock_set("2010-04-01T03:00:00Z"), RC_OK);
    assert_int_equal(kiosk_check_open(w.town, NULL), RC_STATE);
    assert_int_equal(clock_set("2010-12-31T03:00:00Z"), RC_OK);
    assert_int_equal(kiosk_check_open(w.town, NULL), RC_OK);
    assert_int_equal(kiosk_hour_set(w.town, KIOSK_REST_UNTIL, "none", NULL), RC_OK);
    assert_int_equal(kiosk_hour_set(w.town, KIOSK_OPEN, "00:00", NULL), RC_OK);
    assert_int_equal(kiosk_hour_set(w.town, KIOSK_CLOSE, "24:00", NULL), RC_OK);
    assert_int_equal(store_commit(w.town, NULL), RC_OK);
    assert_int_equal(clock_set("2010-04-01T14:59:59Z"), RC_OK);
    assert_int_equal(kiosk_check_open(w.town, NULL), RC_OK);
}

static void test_kiosk_holder(void **state)
{
    (void)state;
    struct resident holder;
    struct card_row card;
    townpair_link(&w, GROWN, "0A01", "0B01");
    assert_int_equal(kiosk_find_holder(w.town, "0B01", &holder, &card, NULL), RC_STATE); /* on no card of the ledger */
    issue(GROWN, A, "2010-04-01");
    assert_int_equal(kiosk_find_holder(w.town, "0B01", &holder, &card, NULL), RC_OK);
    assert_string_equal(holder.code, GROWN);
    assert_string_equal(card.card, A);
    assert_int_equal(kiosk_find_holder(w.town, "0A01", &holder, &card, NULL), RC_NOT_FOUND); /* the signature certificate is another */
    assert_int_equal(kiosk_find_holder(w.town, "0b01", &holder, &card, NULL), RC_FORMAT);
    assert_int_equal(event(A, "lost"), RC_OK);
    assert_int_equal(kiosk_find_holder(w.town, "0B01", &holder, &card, NULL), RC_STATE);
}

/* A sheet is kept for who asked for it, for thirty days; that it was issued stays. */
static void test_sheet_is_forgotten(void **state)
{
    (void)state;
    struct testops ops;
    struct identity id;
    struct buf pdf = { 0 };
    json_t *answer = NULL, *items = json_pack("[{s:s}]", "name", "公的　花子"), *body = json_pack("{s:s}", "request", "sheet");
    assert_int_equal(clock_set("+0"), RC_OK);
    testops_new(&ops);
    char *path = testops_identity(&ops, ROLE_DOCUMENT_SEAL, HERE, "sealer");
    assert_int_equal(identity_open(path, &id, NULL), RC_OK);
    struct copies_issue issue = { .issuer = HERE, .home = HERE, .action = COPIES_OWN, .asker = "01", .items = items };
    assert_int_equal(asked_once(w.town, "copy", body, copies_make, &issue, &answer, NULL), RC_STATE); /* no seal, no copy */
    assert_int_equal(townpair_count(w.town, "SELECT count(*) FROM copy"), 0);
    issue.identity = &id;
    assert_int_equal(asked_once(w.town, "copy", body, copies_make, &issue, &answer, NULL), RC_OK);
    const char *number = json_string_value(json_object_get(answer, "copy"));
    assert_int_equal(copies_get(w.town, number, "02", &pdf, NULL), RC_NOT_FOUND); /* another's */
    assert_int_equal(copies_get(w.town, "0", "01", &pdf, NULL), RC_NOT_FOUND);
    assert_int_equal(copies_forget(w.town, NULL), RC_OK);
    assert_int_equal(copies_get(w.town, number, "01", &pdf, NULL), RC_OK);
    assert_true(pdf.len > 1000);
    assert_int_equal(clock_set("+2678400"), RC_OK); /* 31 days */
    assert_int_equal(copies_forget(w.town, NULL), RC_OK);
    assert_int_equal(copies_get(w.town, number, "01", &pdf, NULL), RC_NOT_FOUND);
    assert_int_equal(townpair_count(w.town, "SELECT count(*) FROM copy"), 1);
    buf_wipe(&pdf);
    json_decref(answer);
    json_decref(items);
    json_decref(body);
    identity_close(&id);
    free(path);
    testops_free(&ops);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_choices), TEST(test_uses), TEST(test_lost_with_the_card), TEST(test_kiosk_hours), TEST(test_kiosk_holder),
        TEST(test_sheet_is_forgotten),
    };
    return cmocka_run_group_tests_name("registry-ordinance", tests, NULL, NULL);
}

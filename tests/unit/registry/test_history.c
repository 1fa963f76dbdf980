/* test_history.c — the history of the register network in one world, by the injected clock: 2002, when the first
 * service begins, to 2030. One town, its nation and the authorities' queue; each step is a row with its day, and after
 * each the town has told the nation, which is looked at. The days are those of the settings (registry/gate.h): a deed
 * the day before its gate is refused. */
#include "registry/act.h"
#include "registry/cards.h"
#include "registry/designate.h"
#include "registry/gate.h"
#include "registry/outbox.h"
#include "registry/provide.h"
#include "registry/retention.h"
#include "registry/spare.h"
#include "registry/task.h"
#include "registry/wanted.h"
#include "townpair.h"

#include "net/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HERE "462012"
#define AT "鹿児島県鹿児島市山下町"

enum who { HANAKO, TARO, CHILD, WANG, PEOPLE };
enum deed {
    FILLING,   /* the register's first filling, with a code of the block */
    ACT,       /* arg: the act's name */
    MOVE,      /* arg: the address */
    CARD,      /* arg: the type, and for another card " grounds old" */
    EVENT,     /* arg: what happens to the last card */
    LINK,      /* certificates on the card */
    BY_CODE,   /* an agency asks by the code … */
    BY_NUMBER, /* … by the number; arg: the result */
    NUMBERS,   /* 個人番号 for everybody who has none */
    SWEEP,     /* cards whose last day is past end */
    STATE,     /* arg: that of the last card */
    WORD,      /* arg: the 異動事由 of the last record */
    EVENTS,    /* arg: the last event to the authorities */
    LETTERS,   /* arg: how many were written to the person */
    DUE,       /* arg: how many former records may be erased */
};

static struct townpair w;
static struct secret key;
static struct {
    char code[12], card[17];
    const char *name, *birth, *sex;
} people[PEOPLE] = {
    [HANAKO] = {.name = "公的　花子", .birth = "319800229", .sex = "2"},
    [TARO] = {.name = "公的　太郎", .birth = "319751103", .sex = "1"},
    [CHILD] = {.name = "公的　空", .birth = "420020901", .sex = "1"},
    [WANG] = {.name = "WANG　XIAOMING", .birth = "319850505", .sex = "1"},
};
static const struct peer agency = {.role = ROLE_AGENCY, .municipality = "000000", .name = "nenkin", .serial = "01"};
static unsigned requests, cards, serials;
static char request[16];

static const struct step {
    const char *day, *what;
    enum deed deed;
    enum who who;
    const char *arg;
    enum rc want;
} steps[] = {
    /* 第1次サービス */
    {"2002-08-04", "no provision before the first service", BY_CODE, HANAKO, "one", RC_RANGE},
    {"2002-08-05", "codes for all who are registered", FILLING, HANAKO, "", RC_OK},
    {"2002-08-05", "and for another", FILLING, TARO, "", RC_OK},
    {"2002-08-05", "an agency asks by the code", BY_CODE, HANAKO, "one", RC_OK},
    {"2002-09-03", "a birth brings a new code", ACT, CHILD, "birth", RC_OK},
    {"2002-09-03", "which is told in writing", LETTERS, CHILD, "1", RC_OK},
    {"2002-09-03", "with no number, which the law does not know", BY_NUMBER, CHILD, "one", RC_DENIED},
    /* 第2次サービス, 住基カード */
    {"2003-08-24", "no card before the second service", CARD, HANAKO, "juki-b", RC_RANGE},
    {"2003-08-25", "a card with a photo", CARD, HANAKO, "juki-b", RC_OK},
    {"2003-08-25", "a card with the name only", CARD, TARO, "juki-a", RC_OK},
    {"2003-08-26", "no second card beside it", CARD, HANAKO, "juki-b", RC_STATE},
    {"2004-01-29", "certificates on it", LINK, HANAKO, "", RC_OK},
    {"2005-04-01", "a move within the town", MOVE, HANAKO, AT "２番２号", RC_OK},
    {"2005-04-01", "revokes the signature certificate", EVENTS, HANAKO, "attributes-changed", RC_OK},
    {"2006-05-01", "lost", EVENT, TARO, "lost", RC_OK},
    {"2006-05-03", "found", EVENT, TARO, "found", RC_OK},
    {"2008-03-20", "a move out", ACT, TARO, "leave", RC_OK},
    {"2008-03-20", "by the word of that time", WORD, TARO, "転出", RC_OK},
    {"2008-03-20", "ends the card: there is no continued use yet", STATE, TARO, "void", RC_OK},
    {"2009-03-20", "再転入", ACT, TARO, "enter", RC_OK},
    {"2009-03-21", "another card", CARD, TARO, "juki-b", RC_OK},
    {"2010-03-21", "five years keep a record after the next one", DUE, HANAKO, "0", RC_OK},
    {"2010-04-02", "then it may be erased", DUE, HANAKO, "1", RC_OK},
    {"2011-06-01", "another code on request", ACT, HANAKO, "code-change", RC_OK},
    {"2011-06-01", "ends the card and its certificates", STATE, HANAKO, "void", RC_OK},
    {"2011-06-01", "which the authorities hear", EVENTS, HANAKO, "card-returned", RC_OK},
    {"2011-06-02", "another card", CARD, HANAKO, "juki-b", RC_OK},
    {"2011-06-02", "and other certificates", LINK, HANAKO, "", RC_OK},
    /* 継続利用, 外国人住民 */
    {"2012-07-09", "a move out since continued use", ACT, TARO, "leave", RC_OK},
    {"2012-07-09", "leaves the card, for 30 days", STATE, TARO, "valid", RC_OK},
    {"2012-07-20", "and back", ACT, TARO, "enter", RC_OK},
    {"2013-07-07", "no code of a foreign resident yet", ACT, WANG, "enter", RC_RANGE},
    {"2013-07-08", "now there is", ACT, WANG, "enter", RC_OK},
    {"2013-07-09", "a 通称", ACT, WANG, "alias", RC_OK},
    {"2013-08-26", "the first cards are ten years old", SWEEP, HANAKO, "", RC_OK},
    {"2013-08-26", "a later one is not", STATE, TARO, "valid", RC_OK},
    /* 個人番号 */
    {"2015-10-04", "the last day of the code", BY_CODE, HANAKO, "one", RC_OK},
    {"2015-10-04", "nobody has a number", NUMBERS, HANAKO, "0", RC_OK},
    {"2015-10-05", "agencies ask by the code no more", BY_CODE, HANAKO, "one", RC_DENIED},
    {"2015-10-05", "a number for everybody", NUMBERS, HANAKO, "4", RC_OK},
    {"2015-10-05", "and once only", NUMBERS, HANAKO, "0", RC_OK},
    {"2015-10-05", "by which is asked", BY_NUMBER, HANAKO, "one", RC_OK},
    {"2015-10-05", "of the foreign resident too", BY_NUMBER, WANG, "one", RC_OK},
    {"2015-10-05", "the long law keeps what was not erased", DUE, HANAKO, "0", RC_OK},
    /* 個人番号カード */
    {"2015-12-28", "the last day of issue of the old card", CARD, CHILD, "juki-b", RC_OK},
    {"2015-12-29", "the day after", CARD, WANG, "juki-b", RC_RANGE},
    {"2015-12-31", "the new card is not there yet", CARD, WANG, "number", RC_RANGE},
    {"2016-01-01", "a new card", CARD, WANG, "number", RC_OK},
    {"2016-02-01", "the old one must be handed in", CARD, HANAKO, "number", RC_STATE},
    {"2016-02-01", "it is kept as a souvenir", CARD, HANAKO, "number first kept", RC_OK},
    {"2016-02-01", "its certificates end", EVENTS, HANAKO, "card-returned", RC_OK},
    {"2016-02-01", "certificates on the new card", LINK, HANAKO, "", RC_OK},
    {"2016-02-02", "no way back", CARD, HANAKO, "juki-b", RC_RANGE},
    {"2018-03-20", "an old card works on in its ten years", STATE, TARO, "valid", RC_OK},
    {"2019-03-22", "and ends with them", SWEEP, TARO, "", RC_OK},
    {"2019-03-22", "as told", STATE, TARO, "void", RC_OK},
    /* 旧氏, 国外, 振り仮名 */
    {"2019-11-04", "no 旧氏 yet", ACT, HANAKO, "former-name", RC_RANGE},
    {"2019-11-05", "a 旧氏", ACT, HANAKO, "former-name", RC_OK},
    {"2019-11-05", "stands in certificates: the old one ends", EVENTS, HANAKO, "attributes-changed", RC_OK},
    {"2020-03-01", "a move out", ACT, TARO, "leave", RC_OK},
    {"2020-03-01", "by the word of today", WORD, TARO, "国内転出", RC_OK},
    {"2020-03-10", "and back", ACT, TARO, "enter", RC_OK},
    {"2024-05-26", "no card goes on abroad yet", ACT, WANG, "abroad-continued", RC_RANGE},
    {"2024-05-27", "now it does", ACT, WANG, "abroad-continued", RC_OK},
    {"2024-05-27", "with its holder", STATE, WANG, "valid", RC_OK},
    {"2024-11-01", "too early for the next card", CARD, HANAKO, "number ending returned", RC_STATE},
    {"2024-12-10", "the next card, in the last three months", CARD, HANAKO, "number ending returned", RC_OK},
    {"2024-12-10", "ends what was on the old one", EVENTS, HANAKO, "card-returned", RC_OK},
    {"2025-05-25", "no 振り仮名 yet", ACT, HANAKO, "furigana", RC_RANGE},
    {"2025-05-26", "a 振り仮名", ACT, HANAKO, "furigana", RC_OK},
    {"2025-05-26", "which ends no certificate", EVENTS, HANAKO, "card-returned", RC_OK},
    /* what is to come */
    {"2025-12-29", "the child's old card is over", SWEEP, CHILD, "", RC_OK},
    {"2025-12-29", "as told", STATE, CHILD, "void", RC_OK},
    {"2026-04-01", "a first card of an adult", CARD, CHILD, "number", RC_OK},
    {"2028-01-01", "the next card is valid", STATE, HANAKO, "valid", RC_OK},
    {"2029-06-01", "a death", ACT, TARO, "death", RC_OK},
    {"2030-12-31", "150 years are not over", DUE, HANAKO, "0", RC_OK},
    {"2030-12-31", "the number is found as ever", BY_NUMBER, HANAKO, "one", RC_OK},
    {"2030-12-31", "that of the dead too", BY_NUMBER, TARO, "removed", RC_OK},
};

/* --- deeds ------------------------------------------------------------------------------------------------------- */

static const char *next_request(void)
{
    snprintf(request, sizeof request, "r-%u", ++requests);
    return request;
}

static enum rc do_act(const struct step *step, struct err *err)
{
    struct act_result result;
    struct act_request r = {.act = step->arg, .date = step->day, .request = next_request()};
    if (people[step->who].code[0])
        r.code = people[step->who].code;
    if (strcmp(step->arg, "birth") == 0 || strcmp(step->arg, "enter") == 0) {
        r.name = people[step->who].name;
        r.birth = people[step->who].birth;
        r.sex = people[step->who].sex;
        r.address = AT "１番１号";
        r.foreign_resident = step->who == WANG ? "1" : NULL;
    } else if (strcmp(step->arg, "alias") == 0)
        r.alias = "王　明";
    else if (strcmp(step->arg, "former-name") == 0)
        r.former_name = "鹿児島";
    else if (strcmp(step->arg, "furigana") == 0)
        r.furigana = "コウテキ　ハナコ";
    enum rc rc = act_record(w.town, HERE, &r, &result, err);
    if (!rc)
        memcpy(people[step->who].code, result.code, sizeof result.code);
    return rc;
}

static enum rc do_asked(const char *kind, asked_do_fn deed, json_t *body, struct err *err)
{
    json_t *answer = NULL;
    enum rc rc = asked_once(w.town, kind, body, deed, (void *)(uintptr_t)HERE, &answer, err);
    json_decref(answer);
    json_decref(body);
    return rc;
}

static enum rc do_card(const struct step *step, struct err *err)
{
    char type[12] = "", grounds[12] = "", old[12] = "", card[17];
    (void)sscanf(step->arg, "%11s %11s %11s", type, grounds, old);
    snprintf(card, sizeof card, "9%015u", ++cards);
    json_t *body = json_pack("{s:s, s:s, s:s, s:s, s:s}", "code", people[step->who].code, "card", card, "type", type,
                             "date", step->day, "request", next_request());
    if (grounds[0])
        json_object_set_new(body, "grounds", json_string(grounds));
    if (old[0])
        json_object_set_new(body, "old", json_string(old));
    enum rc rc = do_asked("card_issue", cards_issue, body, err);
    if (!rc)
        memcpy(people[step->who].card, card, sizeof card);
    return rc;
}

static enum rc do_ask(const struct step *step, struct err *err)
{
    struct ledger_row row = {0};
    json_t *answer = NULL;
    enum rc rc = ledger_find_code(w.town, people[step->who].code, &row, NULL);
    json_t *by = step->deed == BY_CODE || rc || !row.resident.particulars.personal_number[0]
                     ? json_pack("{s:s}", step->deed == BY_CODE ? "code" : "personal_number",
                                 step->deed == BY_CODE ? (rc ? "24727059608" : people[step->who].code) : "123456789018")
                     : json_pack("{s:s}", "personal_number", row.resident.particulars.personal_number);
    json_t *body = json_pack("{s:s, s:s, s:o}", "task", "77", "why", "現況", "key", by);
    rc = provide_answer(w.nation, &agency, body, false, &answer, err);
    if (!rc)
        assert_string_equal(json_string_value(json_object_get(answer, "result")), step->arg);
    json_decref(answer);
    json_decref(body);
    return rc;
}

/* What the line of supply does between two nodes. Returns how many were given. */
static int64_t give_numbers(void)
{
    json_t *items = NULL, *item;
    size_t i;
    int64_t all, given;
    struct err err = {0};
    assert_int_equal(store_begin(w.town, NULL), RC_OK);
    if (wanted_everybody(w.town, 100, &all, &err))
        fail_msg("%s", err.text);
    assert_int_equal(store_commit(w.town, NULL), RC_OK);
    assert_int_equal(wanted_items(w.town, 100, &items, NULL), RC_OK);
    given = (int64_t)json_array_size(items);
    json_array_foreach(items, i, item)
    {
        const char *code = json_string_value(json_object_get(item, "code"));
        char number[13];
        assert_int_equal(store_begin(w.nation, NULL), RC_OK);
        if (designate_number(w.nation, &key, HERE, code, "", number, &err))
            fail_msg("%s", err.text);
        assert_int_equal(store_commit(w.nation, NULL), RC_OK);
        assert_int_equal(store_begin(w.town, NULL), RC_OK);
        if (wanted_given(w.town, HERE, code, number, &err))
            fail_msg("%s", err.text);
        assert_int_equal(store_commit(w.town, NULL), RC_OK);
    }
    json_decref(items);
    return given;
}

static void fill(enum who who)
{
    char code[12];
    assert_int_equal(store_begin(w.town, NULL), RC_OK);
    assert_int_equal(spare_draw(w.town, code, NULL), RC_OK);
    assert_int_equal(store_commit(w.town, NULL), RC_OK);
    memcpy(people[who].code, code, sizeof code);
    townpair_enter(&w, code, people[who].name, people[who].birth, AT "１番１号");
}

static void link_certificates(enum who who)
{
    char sign[17], auth[17];
    snprintf(sign, sizeof sign, "0A%06X", ++serials);
    snprintf(auth, sizeof auth, "0B%06X", serials);
    townpair_link(&w, people[who].code, sign, auth);
}

/* --- looks ------------------------------------------------------------------------------------------------------- */

static void want_text(struct store *store, const char *sql, const char *parameter, const struct step *step)
{
    struct statement *s = NULL;
    assert_int_equal(store_prepare(store, sql, &s, NULL), RC_OK);
    bind_text(s, 1, parameter);
    assert_int_equal(statement_step(s, NULL), RC_OK);
    if (strcmp(column_text(s, 0), step->arg) != 0)
        fail_msg("%s, %s: %s", step->day, step->what, column_text(s, 0));
    statement_done(s);
}

static void look_for(const struct step *step)
{
    static const struct {
        enum deed deed;
        bool nation, card; /* which store; whether about the person's last card */
        const char *sql;
    } looks[] = {
        {STATE, false, true, "SELECT state FROM card WHERE card = ?1"},
        {WORD, true, false, "SELECT reason FROM history WHERE code = ?1 ORDER BY revision DESC LIMIT 1"},
        {EVENTS, true, false, "SELECT event FROM event WHERE ?1 <> '' ORDER BY sequence DESC LIMIT 1"},
        {LETTERS, false, false, "SELECT CAST(count(*) AS TEXT) FROM posted WHERE code = ?1"},
    };
    for (size_t i = 0; i < sizeof looks / sizeof looks[0]; i++)
        if (looks[i].deed == step->deed)
            want_text(looks[i].nation ? w.nation : w.town, looks[i].sql,
                      looks[i].card ? people[step->who].card : people[step->who].code, step);
    int64_t due = -1;
    if (step->deed == DUE)
        assert_int_equal(retention_due(w.nation, RETENTION_SUPERSEDED, step->day, &due, NULL), RC_OK);
    if (step->deed == DUE && due != atol(step->arg))
        fail_msg("%s, %s: %lld", step->day, step->what, (long long)due);
}

#define LIVING "SELECT count(*) FROM resident WHERE removed = 0"
#define SAME                                                                                                           \
    "SELECT coalesce(sum(revision * 7 + length(name) + length(address) * 31 + CAST(substr(code, 1, 10) AS INTEGER)), " \
    "0) FROM resident"
#define CARDS                                                                                                          \
    "SELECT count(*) FROM (SELECT code FROM card WHERE state IN ('valid', 'locked', 'lost', 'lost-locked') GROUP BY "  \
    "code "                                                                                                            \
    "HAVING count(*) > 1) twice"

/* The nation is the town, nobody has two cards, and the authorities have heard every event once, in order. */
static void always(const struct step *step)
{
    static int64_t heard;
    townpair_carry(&w);
    for (json_t *event; outbox_event(w.nation, heard + 1, &event, NULL) == RC_OK; json_decref(event)) {
        assert_int_equal(json_integer_value(json_object_get(event, "sequence")), ++heard);
        assert_int_equal(outbox_acknowledge(w.nation, OUTBOX_CA, heard, NULL), RC_OK);
    }
    if (townpair_count(w.town, LIVING) != townpair_count(w.nation, LIVING) ||
        townpair_count(w.town, SAME) != townpair_count(w.nation, SAME))
        fail_msg("%s, %s: the nation is not the town", step->day, step->what);
    assert_int_equal(townpair_count(w.town, CARDS), 0);
    assert_int_equal(townpair_count(w.nation, CARDS), 0);
}

static enum rc take(const struct step *step, struct err *err)
{
    int64_t n;
    switch (step->deed) {
    case FILLING:
        fill(step->who);
        return RC_OK;
    case ACT:
        return do_act(step, err);
    case MOVE:
        return municipal_move(w.town, HERE, people[step->who].code, step->arg, step->day, next_request(), &n, err);
    case CARD:
        return do_card(step, err);
    case EVENT:
        return do_asked("card_event", cards_event,
                        json_pack("{s:s, s:s, s:s, s:s}", "card", people[step->who].card, "event", step->arg, "date",
                                  step->day, "request", next_request()),
                        err);
    case LINK:
        link_certificates(step->who);
        return RC_OK;
    case BY_CODE:
    case BY_NUMBER:
        return do_ask(step, err);
    case NUMBERS:
        assert_int_equal(give_numbers(), atol(step->arg));
        return RC_OK;
    case SWEEP:
        return cards_sweep(w.town, &n, err);
    case STATE:
    case WORD:
    case EVENTS:
    case LETTERS:
    case DUE:
    default:
        look_for(step);
        return RC_OK;
    }
}

static void test_history(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct err err = {0};
        if (i && strcmp(steps[i - 1].day, steps[i].day) > 0)
            fail_msg("%s: time goes back", steps[i].what);
        townpair_on(steps[i].day);
        enum rc rc = take(&steps[i], &err);
        if (rc != steps[i].want)
            fail_msg("%s, %s: %s (%s)", steps[i].day, steps[i].what, rc_name(rc), err_text(&err, rc));
        always(&steps[i]);
    }
    for (size_t gate = 0; gate < GATE_COUNT; gate++) { /* no gate that the history does not go through */
        bool through = false;
        for (size_t i = 1; i < sizeof steps / sizeof steps[0]; i++)
            through |=
                strcmp(steps[i - 1].day, gate_rows[gate].date) < 0 && strcmp(steps[i].day, gate_rows[gate].date) >= 0;
        assert_true(through);
    }
}

static int setup(void **state)
{
    (void)state;
    static const char text[] =
        "{\"tasks\":[{\"agency\":\"nenkin\",\"task\":\"77\",\"law\":\"l\",\"title\":\"t\",\"fields\":[\"name\","
        "\"birth\",\"code\",\"personal_number\"],\"keys\":[\"attributes\",\"number\",\"code\"],\"from\":"
        "\"2002-01-01\"}]}";
    json_t *json = NULL;
    int64_t tasks;
    townpair_on("2002-08-01");
    townpair_open(&w, HERE);
    assert_int_equal(designate_key(w.folder, &key, NULL), RC_OK);
    assert_int_equal(json_read(bytes_of(text, strlen(text)), &json, NULL), RC_OK);
    assert_int_equal(store_begin(w.nation, NULL), RC_OK);
    assert_int_equal(task_load(w.nation, json, &tasks, NULL), RC_OK);
    assert_int_equal(store_commit(w.nation, NULL), RC_OK);
    townpair_stock(w.town, w.nation, &key, HERE);
    json_decref(json);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    secret_wipe(&key);
    townpair_close(&w);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_history)};
    return cmocka_run_group_tests_name("registry-history", tests, setup, teardown);
}

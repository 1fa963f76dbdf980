/* cards.c — the card ledger's work at the counter. */
#include "registry/cards.h"

#include "base/clock.h"
#include "net/json.h"
#include "registry/code.h"
#include "registry/day.h"
#include "registry/gate.h"
#include "registry/municipal.h"
#include "registry/ordinance.h"
#include "registry/outbox.h"

#include <stdio.h>
#include <string.h>

#define ENDING_MONTHS 3
#define SWEEP_BATCH 100

enum rc cards_step(struct store *store, struct card_row *row, enum card_event event, enum card_reason reason,
                   const char *date, int64_t *notice, struct err *err)
{
    struct ledger_row resident;
    struct card_deed deed = {.event = event,
                             .reason = reason,
                             .recorded = clock_now(),
                             .date = strcmp(date, row->since) < 0 ? row->since : date};
    char day[11];
    snprintf(day, sizeof day, "%s", deed.date);
    deed.date = day; /* row->since changes under it */
    enum rc rc = RC_OK;
    if (cardlife_report(event)) {
        rc = ledger_find_code(store, row->code, &resident, err);
        if (!rc)
            rc = outbox_add_notice(store, NOTICE_CARD, row->code, resident.revision, day, deed.recorded, &deed.notice,
                                   err);
    }
    if (!rc)
        rc = cardbook_apply(store, row, &deed, err);
    if (!rc && !cardlife_alive(row->state)) /* the services on it end with it, and with the move to elsewhere */
        rc = ordinance_end(store, row->card, day, err);
    if (!rc)
        *notice = deed.notice;
    return rc;
}

/* --- issue ---------------------------------------------------------------------------------------------------------
 */

struct issue {
    struct card_row card, old; /* old.card is empty: none */
    const char *grounds, *fate, *stay;
    struct ledger_row resident;
};

static enum rc cards_may_text(const json_t *body, const char *member, size_t max, const char *usual, const char **text,
                              struct err *err)
{
    *text = usual;
    return json_object_get(body, member) ? json_want_text(body, member, max, text, err) : RC_OK;
}

static enum rc cards_read_issue(const json_t *body, struct issue *issue, struct err *err)
{
    const char *code, *card, *type, *date, *request;
    enum rc rc;
    if ((rc = json_want_text(body, "code", 64, &code, err)) || (rc = json_want_text(body, "card", 64, &card, err)) ||
        (rc = json_want_text(body, "type", 16, &type, err)) || (rc = json_want_text(body, "date", 10, &date, err)) ||
        (rc = json_want_text(body, "request", REQUEST_MAX, &request, err)) ||
        (rc = cards_may_text(body, "grounds", 16, "first", &issue->grounds, err)) ||
        (rc = cards_may_text(body, "old", 16, NULL, &issue->fate, err)) ||
        (rc = cards_may_text(body, "stay", 10, NULL, &issue->stay, err)) ||
        (rc = municipal_check_form(date, request, err)))
        return rc;
    if (code_check(code))
        return err_set(err, RC_FORMAT, "code: not 11 digits with a right check digit");
    if (card_check(card))
        return err_set(err, RC_FORMAT, "card: not 16 digits or capital letters");
    if (card_type_parse(type, &issue->card.type))
        return err_set(err, RC_FORMAT, "type: juki-a, juki-b or number");
    if (issue->fate && strcmp(issue->fate, "returned") != 0 && strcmp(issue->fate, "kept") != 0)
        return err_set(err, RC_FORMAT, "old: returned or kept");
    if (issue->stay && (date_check(issue->stay) || strcmp(issue->stay, date) < 0))
        return err_set(err, RC_FORMAT, "stay: a date YYYY-MM-DD on or after the day of issue");
    memcpy(issue->card.code, code, sizeof issue->card.code);
    memcpy(issue->card.card, card, sizeof issue->card.card);
    memcpy(issue->card.issued, date, sizeof issue->card.issued);
    return RC_OK;
}

/* Whether cards of the type are issued on the day. */
static enum rc cards_check_day(struct store *store, const struct card_row *card, struct err *err)
{
    bool number = card->type == CARD_NUMBER;
    char until[11];
    enum rc rc = gate_want(store, number ? GATE_MY_NUMBER_CARD : GATE_SECOND_SERVICE, card->issued,
                           number ? "個人番号カード" : "住民基本台帳カード", err);
    if (!rc && !number)
        rc = gate_date(store, GATE_JUKI_CARD_END, until, err);
    if (!rc && !number && strcmp(card->issued, until) > 0)
        rc = err_set(err, RC_RANGE, "date: the last day on which a 住民基本台帳カード is issued was %s", until);
    return rc;
}

/* Whether a new card is issued beside the present one, and why the present one ends. */
static enum rc cards_judge_old(const struct issue *issue, enum card_reason *reason, struct err *err)
{
    const struct card_row *old = &issue->old;
    bool lost = old->state == CARD_LOST || old->state == CARD_LOST_LOCKED;
    bool from_juki = old->type != CARD_NUMBER && issue->card.type == CARD_NUMBER;
    *reason = from_juki ? CARD_REASON_NUMBER_CARD : CARD_REASON_REPLACED;
    if (old->type == CARD_NUMBER && issue->card.type != CARD_NUMBER)
        return err_set(err, RC_STATE, "the resident has a 個人番号カード");
    if (strcmp(issue->grounds, "first") == 0 && !from_juki)
        return err_set(err, RC_STATE, "the resident has a card that is not void");
    if (strcmp(issue->grounds, "reissue") == 0 && !lost)
        return err_set(err, RC_STATE, "reissue: the present card is not reported lost");
    char ending[11];
    if (strcmp(issue->grounds, "ending") == 0 &&
        (day_add_months(old->expires, -ENDING_MONTHS, ending) || strcmp(issue->card.issued, ending) < 0))
        return err_set(err, RC_STATE, "ending: the present card is not in its last %d months", ENDING_MONTHS);
    if (lost && issue->fate)
        return err_set(err, RC_STATE, "old: the present card is lost and cannot be handed in");
    if (!lost && !issue->fate)
        return err_set(err, RC_STATE, "old: the present card must be handed in");
    if (issue->fate && strcmp(issue->fate, "kept") == 0 && old->type == CARD_NUMBER)
        return err_set(err, RC_STATE, "old: only a 住民基本台帳カード is handed back");
    return RC_OK;
}

/* The present card ends, and is destroyed or handed back. One whose last day is past ends by itself. */
static enum rc cards_end_old(struct store *store, struct issue *issue, struct err *err)
{
    enum card_reason reason = CARD_REASON_EXPIRED;
    int64_t notice;
    enum rc rc = cardbook_find_alive(store, issue->card.code, &issue->old, err);
    bool none = rc == RC_NOT_FOUND, expired = !rc && strcmp(issue->old.expires, issue->card.issued) < 0;
    if (none || expired) {
        if (strcmp(issue->grounds, "first") != 0)
            return err_set(err, RC_STATE, "%s: the resident has no card that is not void", issue->grounds);
        if (issue->fate)
            return err_set(err, RC_STATE, "old: the resident has no card that is not void");
    }
    if (none)
        return RC_OK;
    if (!rc && !expired)
        rc = cards_judge_old(issue, &reason, err);
    if (!rc)
        rc = cards_step(store, &issue->old, CARD_END, reason, issue->card.issued, &notice, err);
    if (!rc && issue->fate)
        rc = cards_step(store, &issue->old, strcmp(issue->fate, "kept") == 0 ? CARD_KEEP : CARD_RETURN, reason,
                        issue->card.issued, &notice, err);
    return rc;
}

static enum rc cards_find_holder(struct store *store, const char *municipality, struct issue *issue, struct err *err)
{
    static const char *const grounds[] = {"first", "reissue", "ending", "full", "damaged"};
    bool known = false;
    for (size_t i = 0; i < sizeof grounds / sizeof grounds[0]; i++)
        known = known || strcmp(grounds[i], issue->grounds) == 0;
    if (!known)
        return err_set(err, RC_FORMAT, "grounds: first, reissue, ending, full or damaged");
    struct card_row other;
    enum rc rc = ledger_find_code(store, issue->card.code, &issue->resident, err);
    if (rc)
        return rc == RC_NOT_FOUND ? err_set(err, rc, "no such resident") : rc;
    if (strcmp(issue->resident.resident.municipality, municipality) != 0)
        return err_set(err, RC_DENIED, "the resident is another municipality's");
    if (issue->resident.removed)
        return err_set(err, RC_STATE, "the record has been removed from the register");
    rc = cardbook_find(store, issue->card.card, &other, err);
    if (!rc)
        return err_set(err, RC_CONFLICT, "card: this number was given before");
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

enum rc cards_issue(void *context, struct store *store, const json_t *body, json_t **answer, struct err *err)
{
    const char *municipality = context;
    struct issue issue = {0};
    int64_t notice;
    enum rc rc = cards_read_issue(body, &issue, err);
    if (!rc)
        rc = cards_find_holder(store, municipality, &issue, err);
    if (!rc)
        rc = cards_check_day(store, &issue.card, err);
    if (!rc && cardlife_last_day(issue.card.type, issue.card.issued, issue.resident.resident.attributes.birth,
                                 issue.stay, issue.card.expires))
        rc = err_set(err, RC_FORMAT, "the last day of the card cannot be told");
    if (!rc)
        rc = cards_end_old(store, &issue, err);
    memcpy(issue.card.municipality, issue.resident.resident.municipality, sizeof issue.card.municipality);
    if (!rc)
        rc = cards_step(store, &issue.card, CARD_ISSUE, CARD_REASON_NONE, issue.card.issued, &notice, err);
    if (!rc)
        rc = cardbook_claim(store, &issue.card, err);
    if (!rc) {
        *answer = json_pack("{s:s, s:s, s:s, s:s, s:I, s:s*}", "card", issue.card.card, "type",
                            card_type_name(issue.card.type), "issued", issue.card.issued, "expires", issue.card.expires,
                            "notice", (json_int_t)notice, "ended", issue.old.events ? issue.old.card : NULL);
        rc = *answer ? RC_OK : RC_NOMEM;
    }
    explicit_bzero(&issue, sizeof issue);
    return rc;
}

/* --- other events --------------------------------------------------------------------------------------------------
 */

static enum rc cards_read_event(const json_t *body, enum card_event *event, enum card_reason *reason, const char **card,
                                const char **date, struct err *err)
{
    const char *name, *request, *why;
    enum rc rc;
    if ((rc = json_want_text(body, "card", 64, card, err)) || (rc = json_want_text(body, "event", 16, &name, err)) ||
        (rc = json_want_text(body, "date", 10, date, err)) ||
        (rc = json_want_text(body, "request", REQUEST_MAX, &request, err)) ||
        (rc = cards_may_text(body, "reason", 16, NULL, &why, err)) || (rc = municipal_check_form(*date, request, err)))
        return rc;
    if (card_check(*card))
        return err_set(err, RC_FORMAT, "card: not 16 digits or capital letters");
    if (card_event_parse(name, event) || *event == CARD_ISSUE || *event == CARD_CONTINUE || *event == CARD_HAND_OVER ||
        *event == CARD_RESTATE)
        return err_set(err, RC_FORMAT, "event: lost, found, lock, unlock, annotate, void, return or keep");
    *reason = CARD_REASON_NONE;
    if ((*event == CARD_END) != (why != NULL))
        return err_set(err, RC_FORMAT, "reason: it belongs to 'void' alone, which needs it");
    if (why && (card_reason_parse(why, reason) || (*reason != CARD_REASON_WISH && *reason != CARD_REASON_ORDER)))
        return err_set(err, RC_FORMAT, "reason: wish or order; the others are the rules' own");
    return RC_OK;
}

enum rc cards_event(void *context, struct store *store, const json_t *body, json_t **answer, struct err *err)
{
    (void)context; /* a municipality's ledger holds its own cards alone */
    enum card_event event;
    enum card_reason reason;
    const char *card, *date;
    struct card_row row = {0};
    int64_t notice = 0;
    enum rc rc = cards_read_event(body, &event, &reason, &card, &date, err);
    if (!rc && (rc = cardbook_find(store, card, &row, err)) == RC_NOT_FOUND)
        rc = err_set(err, rc, "no such card");
    if (!rc && strcmp(date, row.since) < 0)
        rc = err_set(err, RC_RANGE, "date: before the card's latest event, which was on %s", row.since);
    if (!rc && event == CARD_KEEP && row.type == CARD_NUMBER)
        rc = err_set(err, RC_STATE, "only a 住民基本台帳カード is handed back");
    if (!rc)
        rc = cards_step(store, &row, event, reason, date, &notice, err);
    if (rc)
        return rc;
    *answer = json_pack("{s:s, s:s}", "card", row.card, "state", card_state_name(row.state));
    if (*answer && notice)
        (void)json_object_set_new(*answer, "notice", json_integer(notice));
    return *answer ? RC_OK : RC_NOMEM;
}

/* What a change of the register does to the person's card: what removes the person or changes a number that is written
 * in the card ends it; a move within the country only while there was no continued use. */
static enum card_reason cards_reason_of(enum reason reason)
{
    const struct reason_row *row = reason_get(reason);
    if (row->change == CHANGE_CODE)
        return CARD_REASON_CODE;
    if (row->effect == EFFECT_CARD)
        return CARD_REASON_NUMBER;
    if (row->change != CHANGE_REMOVAL)
        return CARD_REASON_NONE;
    if (row->effect == EFFECT_CHANGED)
        return CARD_REASON_MOVED;
    if (reason == REASON_ABROAD || reason == REASON_ABROAD_2002 || reason == REASON_ABROAD_CONTINUED)
        return CARD_REASON_ABROAD;
    return reason == REASON_DEATH ? CARD_REASON_DEATH : CARD_REASON_STRUCK;
}

enum rc cards_follow(struct store *store, const char *code, enum reason reason, const char *date, struct err *err)
{
    enum card_reason why = cards_reason_of(reason);
    struct card_row row;
    bool continued = false;
    int64_t notice;
    if (why == CARD_REASON_NONE)
        return RC_OK;
    enum rc rc = cardbook_find_alive(store, code, &row, err);
    if (rc)
        return rc == RC_NOT_FOUND ? RC_OK : rc;
    if (why == CARD_REASON_MOVED)
        rc = gate_open(store, GATE_CONTINUED_USE, date, &continued, err);
    else if (why == CARD_REASON_NUMBER || reason == REASON_ABROAD_CONTINUED) /* a Juki card has no 個人番号 in it */
        continued = (row.type == CARD_NUMBER) == (reason == REASON_ABROAD_CONTINUED);
    return rc || continued ? rc : cards_step(store, &row, CARD_END, why, date, &notice, err);
}

static enum rc cards_sweep_some(struct store *store, const char *today, int64_t *ended, struct err *err)
{
    struct statement *s = NULL;
    char cards[SWEEP_BATCH][17];
    size_t count = 0;
    enum rc rc = store_query(store,
                             "SELECT card FROM card WHERE state IN ('valid', 'locked', 'lost', 'lost-locked') "
                             "AND expires < ?1 ORDER BY expires, card LIMIT ?2",
                             BINDS(BIND_TEXT(today), BIND_INTEGER(SWEEP_BATCH)), &s, err);
    if (rc)
        return rc;
    while (!(rc = statement_step(s, err)))
        column_copy(s, 0, cards[count++], sizeof cards[0]);
    statement_done(s);
    if (rc == RC_NOT_FOUND)
        rc = RC_OK;
    for (size_t i = 0; !rc && i < count; i++) {
        struct card_row row;
        char date[11];
        int64_t notice;
        rc = cardbook_find(store, cards[i], &row, err);
        if (rc)
            break;
        day_add(row.expires, 1, date);
        rc = cards_step(store, &row, CARD_END, CARD_REASON_EXPIRED, date, &notice, err);
    }
    *ended = (int64_t)count;
    return rc;
}

enum rc cards_sweep(struct store *store, int64_t *ended, struct err *err)
{
    char today[11];
    municipal_today(today);
    *ended = 0;
    for (int64_t some = SWEEP_BATCH; some == SWEEP_BATCH;) {
        enum rc rc = store_begin(store, err);
        if (rc)
            return rc;
        rc = cards_sweep_some(store, today, &some, err);
        if (!rc)
            rc = store_commit(store, err);
        store_rollback(store);
        if (rc)
            return rc;
        *ended += some;
    }
    return RC_OK;
}

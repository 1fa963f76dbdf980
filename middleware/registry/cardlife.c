/* cardlife.c — the rows. */
#include "registry/cardlife.h"

#include "registry/day.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JUKI_YEARS 10
#define GROWN_UP 18

static const char *const type_names[CARD_TYPES] = {"juki-a", "juki-b", "number"};

static const char *const state_names[CARD_STATES] = {
    [CARD_NONE] = "none",
    [CARD_VALID] = "valid",
    [CARD_LOCKED] = "locked",
    [CARD_LOST] = "lost",
    [CARD_LOST_LOCKED] = "lost-locked",
    [CARD_VOID] = "void",
    [CARD_VOID_LOST] = "void-lost",
    [CARD_DESTROYED] = "destroyed",
    [CARD_KEPT] = "kept",
    [CARD_ELSEWHERE] = "elsewhere",
};

static const struct {
    const char *name, *report;
} events[CARD_EVENTS] = {
    [CARD_ISSUE] = {"issue", "交付"},       [CARD_LOSE] = {"lost", "紛失"},
    [CARD_FIND] = {"found", "発見"},        [CARD_LOCK] = {"lock", NULL},
    [CARD_UNLOCK] = {"unlock", NULL},       [CARD_ANNOTATE] = {"annotate", NULL},
    [CARD_CONTINUE] = {"continue", "継続"}, [CARD_HAND_OVER] = {"hand-over", NULL},
    [CARD_END] = {"void", "失効"},          [CARD_RETURN] = {"return", "返納"},
    [CARD_KEEP] = {"keep", "返納"},         [CARD_RESTATE] = {"restate", "整合性の回復"},
};

static const char *const reason_names[CARD_REASONS] = {
    [CARD_REASON_NONE] = "",
    [CARD_REASON_EXPIRED] = "expired",
    [CARD_REASON_CODE] = "code-change",
    [CARD_REASON_NUMBER] = "number-change",
    [CARD_REASON_NUMBER_CARD] = "number-card",
    [CARD_REASON_REPLACED] = "replaced",
    [CARD_REASON_NO_ARRIVAL] = "no-arrival",
    [CARD_REASON_NOT_HANDED_IN] = "not-handed-in",
    [CARD_REASON_MOVED] = "moved",
    [CARD_REASON_ABROAD] = "abroad",
    [CARD_REASON_DEATH] = "death",
    [CARD_REASON_STRUCK] = "struck",
    [CARD_REASON_ORDER] = "order",
    [CARD_REASON_WISH] = "wish",
};

#define NO                                                                                                             \
    CARD_NONE /* no event leads out of a ledger: CARD_NONE in a row means that the event does not happen there         \
               */

/* A void card that comes back is never a valid one again; a lost one is, when it is found before it was made void. What
 * is destroyed, kept or another municipality's changes no more, but for a card that its holder brings back from there.
 */
static const enum card_state next_states[CARD_STATES][CARD_EVENTS] = {
    [CARD_NONE] = {[CARD_ISSUE] = CARD_VALID, [CARD_CONTINUE] = CARD_VALID},
    [CARD_VALID] = {[CARD_LOSE] = CARD_LOST,
                    [CARD_LOCK] = CARD_LOCKED,
                    [CARD_UNLOCK] = CARD_VALID,
                    [CARD_ANNOTATE] = CARD_VALID,
                    [CARD_CONTINUE] = CARD_VALID,
                    [CARD_HAND_OVER] = CARD_ELSEWHERE,
                    [CARD_END] = CARD_VOID,
                    [CARD_RETURN] = CARD_DESTROYED,
                    [CARD_KEEP] = CARD_KEPT},
    [CARD_LOCKED] = {[CARD_LOSE] = CARD_LOST_LOCKED,
                     [CARD_UNLOCK] = CARD_VALID,
                     [CARD_ANNOTATE] = CARD_LOCKED,
                     [CARD_END] = CARD_VOID,
                     [CARD_RETURN] = CARD_DESTROYED,
                     [CARD_KEEP] = CARD_KEPT},
    [CARD_LOST] = {[CARD_FIND] = CARD_VALID, [CARD_END] = CARD_VOID_LOST},
    [CARD_LOST_LOCKED] = {[CARD_FIND] = CARD_LOCKED, [CARD_END] = CARD_VOID_LOST},
    [CARD_VOID] = {[CARD_LOSE] = CARD_VOID_LOST, [CARD_RETURN] = CARD_DESTROYED, [CARD_KEEP] = CARD_KEPT},
    [CARD_VOID_LOST] = {[CARD_FIND] = CARD_VOID},
    [CARD_ELSEWHERE] = {[CARD_CONTINUE] = CARD_VALID},
    [CARD_DESTROYED] = {NO},
    [CARD_KEPT] = {NO},
};

enum card_state cardlife_told(enum card_state state)
{
    return state == CARD_LOCKED ? CARD_VALID : state == CARD_LOST_LOCKED ? CARD_LOST : state;
}

const char *card_type_name(enum card_type type)
{
    return type_names[type];
}

const char *card_state_name(enum card_state state)
{
    return state_names[state];
}

const char *card_event_name(enum card_event event)
{
    return events[event].name;
}

const char *card_reason_name(enum card_reason reason)
{
    return reason_names[reason];
}

static enum rc cardlife_search(const char *const *names, size_t count, const char *name, unsigned *index)
{
    for (unsigned i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0) {
            *index = i;
            return RC_OK;
        }
    return RC_NOT_FOUND;
}

enum rc card_type_parse(const char *name, enum card_type *type)
{
    unsigned i;
    enum rc rc = cardlife_search(type_names, CARD_TYPES, name, &i);
    if (!rc)
        *type = (enum card_type)i;
    return rc;
}

enum rc card_state_parse(const char *name, enum card_state *state)
{
    unsigned i;
    enum rc rc = cardlife_search(state_names, CARD_STATES, name, &i);
    if (!rc)
        *state = (enum card_state)i;
    return rc;
}

enum rc card_event_parse(const char *name, enum card_event *event)
{
    for (unsigned i = 0; i < CARD_EVENTS; i++)
        if (strcmp(events[i].name, name) == 0) {
            *event = (enum card_event)i;
            return RC_OK;
        }
    return RC_NOT_FOUND;
}

enum rc card_reason_parse(const char *name, enum card_reason *reason)
{
    unsigned i;
    enum rc rc = cardlife_search(reason_names, CARD_REASONS, name, &i);
    if (!rc)
        *reason = (enum card_reason)i;
    return rc;
}

enum rc cardlife_next(enum card_state state, enum card_event event, enum card_state *next)
{
    if ((unsigned)state >= CARD_STATES || (unsigned)event >= CARD_EVENTS || next_states[state][event] == CARD_NONE)
        return RC_STATE;
    *next = next_states[state][event];
    return RC_OK;
}

const char *cardlife_report(enum card_event event)
{
    return events[event].report;
}

enum card_effect cardlife_effect(enum card_state state, enum card_event event)
{
    enum card_state next;
    if (cardlife_next(state, event, &next))
        return CARD_EFFECT_NONE;
    if (cardlife_alive(state) && (next == CARD_LOST || next == CARD_LOST_LOCKED))
        return CARD_EFFECT_LOST;
    return cardlife_alive(state) && !cardlife_alive(next) && next != CARD_ELSEWHERE ? CARD_EFFECT_RETURNED
                                                                                    : CARD_EFFECT_NONE;
}

bool cardlife_usable(enum card_state state)
{
    return state == CARD_VALID;
}

bool cardlife_alive(enum card_state state)
{
    return state == CARD_VALID || state == CARD_LOCKED || state == CARD_LOST || state == CARD_LOST_LOCKED;
}

bool cardlife_identifies(enum card_type type)
{
    return type != CARD_JUKI_A;
}

/* The count-th birthday behind a day; a birthday on 29 February is counted on the 28th in years that have none, and
 * what is unknown of a birth (zeros) as late as it may have been. */
static enum rc cardlife_birthday(const char *issued, const char *birth, int count, char last[11])
{
    int year = atoi(issued), month = 0, day = 0;
    if (strlen(birth) != 9 || sscanf(birth + 5, "%2d%2d", &month, &day) != 2)
        return RC_FORMAT;
    if (month == 0)
        month = 12;
    if (day == 0)
        day = day_last_of_month(2000, month);
    char this_year[11];
    enum rc rc = day_write(year, month, day, this_year);
    return rc ? rc : day_write(strcmp(this_year, issued) > 0 ? year + count - 1 : year + count, month, day, last);
}

enum rc cardlife_last_day(enum card_type type, const char *issued, const char *birth, const char *stay, char last[11])
{
    char end[11];
    enum rc rc = date_check(issued);
    if (!rc && stay)
        rc = date_check(stay);
    if (!rc && type != CARD_NUMBER)
        rc = day_add_months(issued, 12 * JUKI_YEARS, end);
    else if (!rc)
        rc = cardlife_birthday(issued, birth, day_age(birth, issued) >= GROWN_UP ? 10 : 5, end);
    if (rc)
        return rc;
    memcpy(last, stay && strcmp(stay, end) < 0 ? stay : end, sizeof end);
    return RC_OK;
}

/* moverules.c — the rows. */
#include "registry/moverules.h"

#include "registry/day.h"

#include <string.h>

static const char *const channels[MOVE_CHANNELS] = {"counter", "post", "online"};

const char *move_channel_name(enum move_channel channel)
{
    return channels[channel];
}

enum rc move_channel_parse(const char *name, enum move_channel *channel)
{
    for (unsigned i = 0; i < MOVE_CHANNELS; i++)
        if (strcmp(channels[i], name) == 0) {
            *channel = (enum move_channel)i;
            return RC_OK;
        }
    return RC_NOT_FOUND;
}

/* More than so many days after a date; false when either is not known. */
static bool move_past(const char *from, int days, const char *date)
{
    char last[11];
    if (!from[0] || !date[0])
        return false;
    day_add(from, days, last);
    return strcmp(date, last) > 0;
}

/* The day on which something happened, or today when it has not happened yet. */
static const char *move_when(const struct movecase *m, const char *date)
{
    return date[0] ? date : m->today;
}

/* --- 転出届 ----------------------------------------------------------------------------------------------------------
 */

static bool notice_too_early_for_online(const struct movecase *m)
{
    return m->channel == MOVE_ONLINE && strcmp(m->notified, m->online_from) < 0;
}

static bool notice_without_card(const struct movecase *m)
{
    return m->channel == MOVE_ONLINE && !m->card;
}

static bool notice_before_window(const struct movecase *m)
{
    return m->channel == MOVE_ONLINE && move_past(m->notified, MOVE_ONLINE_BEFORE, m->planned);
}

static bool notice_after_window(const struct movecase *m)
{
    return m->channel == MOVE_ONLINE && move_past(m->planned, MOVE_ONLINE_AFTER, m->notified);
}

/* --- 転入届 ----------------------------------------------------------------------------------------------------------
 */

static bool arrival_before_service(const struct movecase *m)
{
    return strcmp(move_when(m, m->arrival), m->special_from) < 0;
}

static bool arrival_without_notice(const struct movecase *m)
{
    return !m->notified[0];
}

static bool arrival_without_card(const struct movecase *m)
{
    return !m->card;
}

static bool arrival_recorded_elsewhere(const struct movecase *m)
{
    return m->elsewhere;
}

static bool arrival_late_after_move(const struct movecase *m)
{
    return move_past(m->moved, MOVE_DAYS, move_when(m, m->arrival));
}

static bool arrival_late_after_plan(const struct movecase *m)
{
    return move_past(m->planned, MOVE_PLANNED, move_when(m, m->arrival));
}

/* --- the card
 * --------------------------------------------------------------------------------------------------------- */

static bool card_before_continued_use(const struct movecase *m)
{
    return m->planned[0] && strcmp(m->planned, m->continued_from) < 0;
}

static bool card_moved_again(const struct movecase *m)
{
    return m->elsewhere && !m->handed_in[0];
}

static bool card_late(const struct movecase *m)
{
    return m->arrival[0] && move_past(m->arrival, MOVE_HAND_IN, move_when(m, m->handed_in));
}

static bool card_handed_in(const struct movecase *m)
{
    return m->arrival[0] && m->handed_in[0];
}

static bool always(const struct movecase *m)
{
    (void)m;
    return true;
}

struct row {
    struct move_rule rule;
    bool (*fits)(const struct movecase *m);
    int outcome;
    enum card_reason reason;
};

static const struct row notice_rows[] = {
    {{"N1", "there is no 転出届 online yet"}, notice_too_early_for_online, false, CARD_REASON_NONE},
    {{"N2", "a 転出届 online is signed with a card"}, notice_without_card, false, CARD_REASON_NONE},
    {{"N3", "online at most 30 days before the planned day"}, notice_before_window, false, CARD_REASON_NONE},
    {{"N4", "online at most 10 days after the planned day"}, notice_after_window, false, CARD_REASON_NONE},
    {{"N5", "taken"}, always, true, CARD_REASON_NONE},
};

static const struct row arrival_rows[] = {
    {{"A1", "there is no 転入届の特例 yet"}, arrival_before_service, false, CARD_REASON_NONE},
    {{"A2", "no 転出届 was made"}, arrival_without_notice, false, CARD_REASON_NONE},
    {{"A3", "neither the person nor the head of the household has a usable card"},
     arrival_without_card,
     false,
     CARD_REASON_NONE},
    {{"A4", "recorded in another municipality in between"}, arrival_recorded_elsewhere, false, CARD_REASON_NONE},
    {{"A5", "more than 14 days after the move"}, arrival_late_after_move, false, CARD_REASON_NONE},
    {{"A6", "more than 30 days after the planned day"}, arrival_late_after_plan, false, CARD_REASON_NONE},
    {{"A7", "one visit with the card"}, always, true, CARD_REASON_NONE},
};

static const struct row card_rows[] = {
    {{"C1", "there was no continued use on the planned day"}, card_before_continued_use, MOVE_DIES, CARD_REASON_MOVED},
    {{"C2", "no 転入届 within 14 days of the move"}, arrival_late_after_move, MOVE_DIES, CARD_REASON_NO_ARRIVAL},
    {{"C3", "no 転入届 within 30 days of the planned day"}, arrival_late_after_plan, MOVE_DIES, CARD_REASON_NO_ARRIVAL},
    {{"C4", "moved again before the card was handed in"}, card_moved_again, MOVE_DIES, CARD_REASON_NOT_HANDED_IN},
    {{"C5", "not handed in within 90 days of the 転入届"}, card_late, MOVE_DIES, CARD_REASON_NOT_HANDED_IN},
    {{"C6", "handed in in time: goes on"}, card_handed_in, MOVE_CONTINUES, CARD_REASON_NONE},
    {{"C7", "still to be handed in"}, always, MOVE_WAITS, CARD_REASON_NONE},
};

static const struct row *move_first(const struct row *rows, const struct movecase *move, const struct move_rule **rule)
{
    while (!rows->fits(move))
        rows++;
    *rule = &rows->rule;
    return rows;
}

bool moverules_notice(const struct movecase *move, const struct move_rule **rule)
{
    return move_first(notice_rows, move, rule)->outcome;
}

bool moverules_one_visit(const struct movecase *move, const struct move_rule **rule)
{
    return move_first(arrival_rows, move, rule)->outcome;
}

/* The last day of waiting: for the 転入届, the earlier of its two; after it, for the card. */
static void move_until(const struct movecase *m, char until[11])
{
    char other[11];
    if (m->arrival[0]) {
        day_add(m->arrival, MOVE_HAND_IN, until);
        return;
    }
    day_add(m->planned, MOVE_PLANNED, until);
    if (!m->moved[0])
        return;
    day_add(m->moved, MOVE_DAYS, other);
    if (strcmp(other, until) < 0)
        memcpy(until, other, sizeof other);
}

enum move_fate moverules_card(const struct movecase *move, enum card_reason *reason, char until[11],
                              const struct move_rule **rule)
{
    const struct row *row = move_first(card_rows, move, rule);
    *reason = row->reason;
    until[0] = '\0';
    if (row->outcome == MOVE_WAITS)
        move_until(move, until);
    return (enum move_fate)row->outcome;
}

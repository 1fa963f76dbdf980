/* cardmove.c — cards on the move. */
#include "registry/cardmove.h"

#include "base/clock.h"
#include "net/json.h"
#include "registry/certlink.h"
#include "registry/code.h"
#include "registry/gate.h"
#include "registry/moverules.h"
#include "registry/municipal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SWEEP_BATCH 100

/* A case with its texts. */
struct moving {
    struct movecase move;
    char notified[11], planned[11], moved[11], arrival[11], handed_in[11], today[11], special[11], continued[11],
        online[11];
    char rides[12]; /* the code of whose card it is; "": one's own */
};

static enum rc cardmove_begin(struct store *store, struct moving *m, struct err *err)
{
    *m = (struct moving){0};
    municipal_today(m->today);
    enum rc rc = gate_date(store, GATE_SECOND_SERVICE, m->special, err);
    if (!rc)
        rc = gate_date(store, GATE_CONTINUED_USE, m->continued, err);
    if (!rc)
        rc = gate_date(store, GATE_ONLINE_MOVE, m->online, err);
    m->move = (struct movecase){.notified = m->notified,
                                .channel = MOVE_COUNTER,
                                .planned = m->planned,
                                .moved = m->moved,
                                .arrival = m->arrival,
                                .handed_in = m->handed_in,
                                .today = m->today,
                                .special_from = m->special,
                                .continued_from = m->continued,
                                .online_from = m->online};
    return rc;
}

/* A date that is not in the future, or nothing where that may be. */
static enum rc cardmove_date(const json_t *body, const char *member, bool may_miss, const struct moving *m,
                             char out[11], struct err *err)
{
    const char *text;
    enum rc rc = json_want_text(body, member, 10, &text, err);
    if (rc || (may_miss && !text[0]))
        return rc;
    if (date_check(text))
        return err_set(err, RC_FORMAT, "%s: not a date YYYY-MM-DD", member);
    if (strcmp(text, m->today) > 0)
        return err_set(err, RC_RANGE, "%s: in the future", member);
    snprintf(out, 11, "%s", text);
    return RC_OK;
}

/* --- 転出届 ----------------------------------------------------------------------------------------------------------
 */

/* The planned day of somebody's 転出届. RC_NOT_FOUND. */
static enum rc cardmove_planned(struct store *store, const char *code, char planned[11], struct err *err)
{
    return store_text(store, "SELECT planned FROM departure WHERE code = ?1", BINDS(BIND_TEXT(code)), planned, 11, err);
}

/* Whether a 転出 of theirs goes to another place than that. */
static enum rc cardmove_elsewhere(struct store *store, const char *code, const char *to, bool *elsewhere, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_row(store,
                           "SELECT destination FROM leaving WHERE code = ?1 AND closed = 0 AND withdrawn = 0 "
                           "ORDER BY recorded DESC LIMIT 1",
                           BINDS(BIND_TEXT(code)), &s, err);
    *elsewhere = !rc && strcmp(column_text(s, 0), to) != 0;
    statement_done(s);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

/* 世帯員 without a card: whose card they come with, when that is so. */
static enum rc cardmove_read_with(struct store *store, const json_t *body, const struct ledger_row *row, struct moving *m, struct err *err)
{
    const char *with, *to = NULL;
    struct ledger_row holder;
    struct card_row card;
    char planned[11];
    bool elsewhere = false;
    enum rc rc = json_want_text(body, "with", 64, &with, err);
    if (!rc && json_object_get(body, "to"))
        rc = json_want_text(body, "to", 6, &to, err);
    if (rc)
        return rc;
    if (code_check(with) || strcmp(with, row->resident.code) == 0)
        return err_set(err, RC_FORMAT, "with: not the code of another resident");
    if (m->move.card)
        return err_set(err, RC_STATE, "with: the resident has a card of their own");
    rc = ledger_find_code(store, with, &holder, err);
    if (rc)
        return rc == RC_NOT_FOUND ? err_set(err, rc, "with: no such resident") : rc;
    if (!row->resident.household.number[0] || strcmp(row->resident.household.number, holder.resident.household.number) != 0)
        return err_set(err, RC_DENIED, "with: not a member of the same household");
    rc = cardbook_find_alive(store, with, &card, err);
    if (rc == RC_NOT_FOUND || (!rc && !cardlife_usable(card.state)))
        return err_set(err, RC_STATE, "with: that member has no usable card");
    if (!rc)
        rc = cardmove_planned(store, with, planned, err);
    if (rc == RC_NOT_FOUND || (!rc && strcmp(planned, m->planned) != 0))
        return err_set(err, RC_STATE, "with: that member has not said that they leave on this day");
    if (!rc && to)
        rc = cardmove_elsewhere(store, with, to, &elsewhere, err);
    if (!rc && elsewhere)
        return err_set(err, RC_STATE, "with: that member moves to another municipality");
    snprintf(m->rides, sizeof m->rides, "%s", with);
    m->move.card = true;
    return rc;
}

static enum rc cardmove_read_notice(struct store *store, const json_t *body, struct moving *m, const char **code,
                                    struct err *err)
{
    const char *planned, *channel;
    struct ledger_row row;
    struct card_row card;
    enum rc rc;
    if ((rc = cardmove_begin(store, m, err)) || (rc = json_want_text(body, "code", 64, code, err)) ||
        (rc = json_want_text(body, "planned", 10, &planned, err)) ||
        (rc = json_want_text(body, "channel", 16, &channel, err)) ||
        (rc = cardmove_date(body, "date", false, m, m->notified, err)))
        return rc;
    if (code_check(*code))
        return err_set(err, RC_FORMAT, "code: not 11 digits with a right check digit");
    if (date_check(planned))
        return err_set(err, RC_FORMAT, "planned: not a date YYYY-MM-DD");
    if (move_channel_parse(channel, &m->move.channel))
        return err_set(err, RC_FORMAT, "channel: counter, post or online");
    snprintf(m->planned, sizeof m->planned, "%s", planned);
    rc = ledger_find_code(store, *code, &row, err);
    if (rc)
        return rc == RC_NOT_FOUND ? err_set(err, rc, "no such resident") : rc;
    if (row.removed)
        return err_set(err, RC_STATE, "the record has been removed from the register");
    rc = cardbook_find_alive(store, *code, &card, err);
    m->move.card = !rc && cardlife_usable(card.state);
    if (rc && rc != RC_NOT_FOUND)
        return rc;
    return json_object_get(body, "with") ? cardmove_read_with(store, body, &row, m, err) : RC_OK;
}

static enum rc cardmove_write_notice(struct store *store, const struct moving *m, const char *code, struct err *err)
{
    return store_run(store,
                     "INSERT INTO departure (code, planned, notified, channel, rides) VALUES (?1, ?2, ?3, ?4, ?5) "
                     "ON CONFLICT (code) DO UPDATE SET planned = ?2, notified = ?3, channel = ?4, rides = ?5",
                     BINDS(BIND_TEXT(code), BIND_TEXT(m->planned), BIND_TEXT(m->notified),
                           BIND_TEXT(move_channel_name(m->move.channel)), BIND_TEXT(m->rides)), NULL, err);
}

enum rc cardmove_notice(void *context, struct store *store, const json_t *body, json_t **answer, struct err *err)
{
    (void)context;
    struct moving m;
    const char *code;
    const struct move_rule *rule;
    char until[11];
    enum rc rc = cardmove_read_notice(store, body, &m, &code, err);
    if (!rc && !moverules_notice(&m.move, &rule))
        rc = err_set(err, RC_STATE, "転出届: %s (%s)", rule->words, rule->name);
    if (!rc)
        rc = cardmove_write_notice(store, &m, code, err);
    if (rc)
        return rc;
    day_add(m.planned, MOVE_PLANNED, until);
    *answer = json_pack("{s:s, s:s, s:s, s:s}", "code", code, "planned", m.planned, "rule", rule->name, "until", until);
    return *answer ? RC_OK : RC_NOMEM;
}

/* --- what is known of a move
 * ------------------------------------------------------------------------------------------ */

/* The day of the 転出, as the register has it. RC_STATE: there was none. */
static enum rc cardmove_departed(struct store *store, const char *code, struct moving *m, struct err *err)
{
    struct ledger_row row;
    struct ledger_past past;
    enum rc rc = ledger_find_code(store, code, &row, err);
    if (!rc)
        rc = ledger_history(store, code, row.revision, &past, err);
    if (rc)
        return rc == RC_NOT_FOUND ? err_set(err, rc, "no such resident") : rc;
    if (!row.removed || reason_get(past.reason)->effect != EFFECT_CHANGED)
        return err_set(err, RC_STATE, "the holder has not moved out");
    memcpy(m->planned, past.date, sizeof m->planned);
    memcpy(m->notified, past.date, sizeof m->notified); /* at the counter, unless there was one ahead */
    rc = store_text(store, "SELECT notified FROM departure WHERE code = ?1",
                    BINDS(BIND_TEXT(code)), m->notified, sizeof m->notified, err);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

/* The first 転入届 that this municipality heard of. RC_NOT_FOUND. */
static enum rc cardmove_arrived(struct store *store, const char *code, char municipality[7], struct moving *m,
                                struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_row(store, "SELECT municipality, moved, arrival FROM arrival WHERE code = ?1",
                           BINDS(BIND_TEXT(code)), &s, err);
    if (!rc) {
        column_copy(s, 0, municipality, 7);
        column_copy(s, 1, m->moved, sizeof m->moved);
        column_copy(s, 2, m->arrival, sizeof m->arrival);
    }
    statement_done(s);
    return rc;
}

static enum rc cardmove_write_arrival(struct store *store, const char *code, const char *municipality,
                                      const struct moving *m, struct err *err)
{
    return store_run(store,
                     "INSERT INTO arrival (code, municipality, moved, arrival) VALUES (?1, ?2, ?3, ?4) "
                     "ON CONFLICT (code) DO NOTHING",
                     BINDS(BIND_TEXT(code), BIND_TEXT(municipality), BIND_TEXT(m->moved), BIND_TEXT(m->arrival)),
                     NULL, err);
}

enum rc cardmove_hear_arrival(struct store *store, const char *code, const char *municipality, const char *date,
                              struct err *err)
{
    struct moving m = {0};
    if (date_check(date))
        return err_set(err, RC_FORMAT, "date: not a date YYYY-MM-DD");
    snprintf(m.moved, sizeof m.moved, "%s", date);
    snprintf(m.arrival, sizeof m.arrival, "%s", date);
    return cardmove_write_arrival(store, code, municipality, &m, err);
}

/* --- the claim
 * --------------------------------------------------------------------------------------------------------- */

static enum rc cardmove_read_claim(struct store *store, const json_t *body, const char *claimant, struct moving *m,
                                   struct card_row *card, struct err *err)
{
    const char *serial, *code;
    char first[7];
    struct moving before;
    enum rc rc;
    if ((rc = cardmove_begin(store, m, err)) || (rc = json_want_text(body, "card", 64, &serial, err)) ||
        (rc = json_want_text(body, "code", 64, &code, err)) ||
        (rc = cardmove_date(body, "moved", false, m, m->moved, err)) ||
        (rc = cardmove_date(body, "arrival", false, m, m->arrival, err)) ||
        (rc = cardmove_date(body, "handed_in", true, m, m->handed_in, err)))
        return rc;
    if (m->handed_in[0] && strcmp(m->handed_in, m->arrival) < 0)
        return err_set(err, RC_RANGE, "handed_in: before the 転入届");
    rc = cardbook_find(store, serial, card, err);
    if (rc)
        return rc == RC_NOT_FOUND ? err_set(err, rc, "no such card") : rc;
    if (strcmp(card->code, code) != 0)
        return err_set(err, RC_CONFLICT, "the code in the card is not the ledger's");
    if (!cardlife_usable(card->state))
        return err_set(err, RC_STATE, "the card is %s", card_state_name(card->state));
    m->move.card = strcmp(m->arrival, card->expires) <= 0;
    rc = cardmove_departed(store, code, m, err);
    if (rc)
        return rc;
    rc = cardmove_arrived(store, code, first, &before, err);
    m->move.elsewhere = !rc && strcmp(first, claimant) != 0;
    if (!rc && !m->move.elsewhere) { /* the first 転入届 counts, whatever is said later */
        memcpy(m->moved, before.moved, sizeof m->moved);
        memcpy(m->arrival, before.arrival, sizeof m->arrival);
    }
    if (m->move.elsewhere) /* moved again, the card not handed in where it was first */
        m->handed_in[0] = '\0';
    return rc == RC_NOT_FOUND ? cardmove_write_arrival(store, code, claimant, m, err) : rc;
}

/* Who comes with the card: each judged for themselves, by the holder's card and days. */
static enum rc cardmove_riders(struct store *store, const char *claimant, const struct moving *holder, const char *code, json_t **out,
                               struct err *err)
{
    struct statement *s = NULL;
    json_t *riders = json_array();
    enum rc rc = riders ? store_query(store, "SELECT code, planned, notified FROM departure WHERE rides = ?1 ORDER BY code",
                                      BINDS(BIND_TEXT(code)), &s, err)
                        : RC_NOMEM;
    while (!rc && !(rc = statement_step(s, err))) {
        struct moving m = *holder, before;
        const struct move_rule *way;
        char first[7];
        column_copy(s, 1, m.planned, sizeof m.planned);
        column_copy(s, 2, m.notified, sizeof m.notified);
        m.move.planned = m.planned;
        m.move.notified = m.notified;
        m.move.moved = m.moved;
        m.move.arrival = m.arrival;
        rc = cardmove_arrived(store, column_text(s, 0), first, &before, err);
        m.move.elsewhere = !rc && strcmp(first, claimant) != 0;
        if (rc && rc != RC_NOT_FOUND)
            break;
        rc = RC_OK;
        bool one_visit = moverules_one_visit(&m.move, &way);
        if (json_array_append_new(riders, json_pack("{s:s, s:s, s:s}", "code", column_text(s, 0), "way",
                                                    one_visit ? "one-visit" : "certificate", "way_rule", way->name)))
            rc = RC_NOMEM;
    }
    statement_done(s);
    if (rc != RC_NOT_FOUND) {
        json_decref(riders);
        return rc;
    }
    *out = riders;
    return RC_OK;
}

enum rc cardmove_claim(void *context, struct store *store, const json_t *body, json_t **answer, struct err *err)
{
    static const char *const fates[] = {[MOVE_CONTINUES] = "continues", [MOVE_WAITS] = "waits", [MOVE_DIES] = "void"};
    struct moving m;
    struct card_row card;
    struct certificate certificates[NOTICE_CERTIFICATES];
    const struct move_rule *way, *rule;
    enum card_reason reason;
    char until[11];
    int64_t notice;
    size_t count = 0;
    enum rc rc = cardmove_read_claim(store, body, context, &m, &card, err);
    if (rc)
        return rc;
    json_t *riders = NULL;
    rc = cardmove_riders(store, context, &m, card.code, &riders, err);
    if (rc)
        return rc;
    bool one_visit = moverules_one_visit(&m.move, &way);
    enum move_fate fate = moverules_card(&m.move, &reason, until, &rule);
    if (fate == MOVE_CONTINUES)
        rc = cardbook_certificates(store, card.card, clock_now(), certificates, &count, err);
    if (!rc && fate == MOVE_CONTINUES)
        rc = cards_step(store, &card, CARD_HAND_OVER, CARD_REASON_NONE, m.handed_in, &notice, err);
    if (!rc && fate == MOVE_DIES)
        rc = cards_step(store, &card, CARD_END, reason, m.today, &notice, err);
    if (rc) {
        json_decref(riders);
        return rc;
    }
    *answer = json_pack("{s:o, s:s, s:s, s:s, s:s, s:s, s:s}", "riders", riders, "way", one_visit ? "one-visit" : "certificate", "way_rule",
                        way->name, "fate", fates[fate], "rule", rule->name, "reason", card_reason_name(reason), "until",
                        until);
    if (*answer && fate == MOVE_CONTINUES)
        (void)json_object_update_new(*answer, json_pack("{s:s, s:s, s:s, s:o}", "type", card_type_name(card.type),
                                                        "issued", card.issued, "expires", card.expires, "certificates",
                                                        certificates_to_json(certificates, count)));
    return *answer ? RC_OK : RC_NOMEM;
}

/* --- the taking
 * -------------------------------------------------------------------------------------------------------- */

enum rc cardmove_check_arrived(struct store *store, const char *municipality, const char *code, struct err *err)
{
    struct ledger_row row;
    enum rc rc = code_check(code) ? err_set(err, RC_FORMAT, "code: not 11 digits with a right check digit")
                                  : ledger_find_code(store, code, &row, err);
    if (rc)
        return rc == RC_NOT_FOUND ? err_set(err, rc, "no such resident: the 転入届 is recorded first") : rc;
    if (strcmp(row.resident.municipality, municipality) != 0 || row.removed)
        return err_set(err, RC_STATE, "the resident is not registered here");
    return RC_OK;
}

/* The card's certificates, linked here as they are in the nation: told of already, and of a person whose address has
 * changed. */
static enum rc cardmove_take_certificates(struct store *store, const struct card_row *card, const json_t *claimed,
                                          struct err *err)
{
    struct certificate certificates[NOTICE_CERTIFICATES];
    struct ledger_row row;
    size_t count = 0;
    enum rc rc = ledger_find_code(store, card->code, &row, err);
    if (!rc && json_array_size(json_object_get(claimed, "certificates")) > 0)
        rc = certificates_from_json(claimed, certificates, &count, err);
    for (size_t i = 0; !rc && i < count; i++) {
        struct certlink link;
        rc = certlink_find(store, certificates[i].authority, certificates[i].serial, &link, err);
        if (rc != RC_NOT_FOUND)
            continue;
        link = (struct certlink){
            .certificate = certificates[i], .revision = row.revision, .recorded = clock_now(), .changed = clock_now()};
        memcpy(link.code, card->code, sizeof link.code);
        rc = certlink_add(store, &link, err);
    }
    return rc ? rc : cardbook_claim(store, card, err);
}

static enum rc cardmove_read_taken(struct store *store, const struct cardmove_taking *taking, const json_t *body,
                                   struct card_row *card, struct err *err)
{
    const char *serial, *code, *type, *issued, *expires;
    enum rc rc;
    if ((rc = json_want_text(body, "card", 64, &serial, err)) || (rc = json_want_text(body, "code", 64, &code, err)) ||
        (rc = json_want_text(taking->claimed, "type", 16, &type, err)) ||
        (rc = json_want_text(taking->claimed, "issued", 10, &issued, err)) ||
        (rc = json_want_text(taking->claimed, "expires", 10, &expires, err)))
        return rc;
    rc = cardbook_find(store, serial, card, err); /* one that comes back has a row */
    if (rc && rc != RC_NOT_FOUND)
        return rc;
    if (rc)
        *card = (struct card_row){0};
    if (card_type_parse(type, &card->type) || card_check(serial) || date_check(issued) || date_check(expires))
        return err_set(err, RC_REFUSED, "the other node's answer is no card");
    snprintf(card->card, sizeof card->card, "%s", serial);
    snprintf(card->code, sizeof card->code, "%s", code);
    snprintf(card->municipality, sizeof card->municipality, "%s", taking->municipality);
    snprintf(card->issued, sizeof card->issued, "%s", issued);
    snprintf(card->expires, sizeof card->expires, "%s", expires);
    return RC_OK;
}

enum rc cardmove_take(void *context, struct store *store, const json_t *body, json_t **answer, struct err *err)
{
    const struct cardmove_taking *taking = context;
    const char *fate, *date;
    struct card_row card;
    int64_t notice;
    enum rc rc = json_want_text(taking->claimed, "fate", 16, &fate, err);
    if (!rc && strcmp(fate, "continues") == 0) {
        rc = cardmove_read_taken(store, taking, body, &card, err);
        if (!rc)
            rc = json_want_text(body, "handed_in", 10, &date, err);
        if (!rc)
            rc = cards_step(store, &card, CARD_CONTINUE, CARD_REASON_NONE, date, &notice, err);
        if (!rc)
            rc = cardmove_take_certificates(store, &card, taking->claimed, err);
    }
    if (!rc && !(*answer = json_deep_copy(taking->claimed)))
        rc = RC_NOMEM;
    return rc;
}

/* --- deadlines
 * ---------------------------------------------------------------------------------------------------------- */

static enum rc cardmove_sweep_one(struct store *store, const char *serial, int64_t *count, struct err *err)
{
    struct moving m;
    struct card_row card;
    enum card_reason reason;
    const struct move_rule *rule;
    char until[11], claimant[7];
    int64_t notice;
    enum rc rc = cardmove_begin(store, &m, err);
    if (!rc)
        rc = cardbook_find(store, serial, &card, err);
    if (!rc)
        rc = cardmove_departed(store, card.code, &m, err);
    if (!rc && (rc = cardmove_arrived(store, card.code, claimant, &m, err)) == RC_NOT_FOUND)
        rc = RC_OK;
    if (rc || moverules_card(&m.move, &reason, until, &rule) != MOVE_DIES)
        return rc;
    (*count)++;
    return cards_step(store, &card, CARD_END, reason, m.today, &notice, err);
}

/* At most SWEEP_BATCH of them. */
static enum rc cardmove_late(struct store *store, char cards[][17], size_t *found, struct err *err)
{
    struct statement *s = NULL;
    char today[11], planned[11], arrival[11];
    municipal_today(today);
    day_add(today, -MOVE_PLANNED, planned);
    day_add(today, -MOVE_HAND_IN, arrival);
    *found = 0;
    enum rc rc = store_query(store,
                             "SELECT c.card FROM card c JOIN resident r ON r.code = c.code "
                             "JOIN history h ON h.code = r.code AND h.revision = r.revision "
                             "LEFT JOIN arrival a ON a.code = c.code "
                             "WHERE c.state IN ('valid', 'locked', 'lost', 'lost-locked') AND r.removed <> 0 "
                             "AND h.reason IN ('国内転出', '転出') AND h.date < ?1 "
                             "AND (a.arrival IS NULL OR a.arrival < ?2) ORDER BY c.card LIMIT ?3",
                             BINDS(BIND_TEXT(planned), BIND_TEXT(arrival), BIND_INTEGER(SWEEP_BATCH)), &s, err);
    if (rc)
        return rc;
    while (!(rc = statement_step(s, err)))
        column_copy(s, 0, cards[(*found)++], sizeof cards[0]);
    statement_done(s);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

enum rc cardmove_sweep(struct store *store, int64_t *ended, struct err *err)
{
    char cards[SWEEP_BATCH][17];
    size_t found = 0;
    int64_t before;
    *ended = 0;
    do {
        enum rc rc = store_begin(store, err);
        before = *ended;
        if (rc)
            return rc;
        rc = cardmove_late(store, cards, &found, err);
        for (size_t i = 0; !rc && i < found; i++)
            rc = cardmove_sweep_one(store, cards[i], ended, err);
        if (!rc)
            rc = store_commit(store, err);
        store_rollback(store);
        if (rc)
            return rc;
    } while (found == SWEEP_BATCH && *ended > before);
    return RC_OK;
}

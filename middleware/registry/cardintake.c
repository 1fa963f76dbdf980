/* cardintake.c — the nation's copy of the card ledger. */
#include "registry/cardintake.h"

#include "base/log.h"
#include "registry/cardbook.h"
#include "registry/outbox.h"

#include <stdio.h>
#include <string.h>

static const char *const event_names[] = {[CARD_EFFECT_LOST] = "card-lost", [CARD_EFFECT_RETURNED] = "card-returned"};

/* Of the certificates named, those of this resident that have not ended, whose person was not removed, and that were
 * not told of with the card before: a hold is never lifted, so nothing follows it. */
#define CONCERNED                                                                                                      \
    "FROM link WHERE authority = ?1 AND serial = ?2 AND code = ?3 AND not_after > ?4 AND removed = 0 AND NOT EXISTS "  \
    "(SELECT 1 FROM event_certificate x JOIN event e ON e.sequence = x.sequence WHERE x.authority = ?1 AND x.serial "  \
    "= ?2 "                                                                                                            \
    "AND e.event IN ('card-lost', 'card-returned'))"

static enum rc cardintake_concerns(struct store *store, const struct notice *notice, const struct certificate *certificate,
                                   bool *concerned, struct err *err)
{
    int64_t count = 0;
    enum rc rc = store_integer(store, "SELECT count(*) " CONCERNED,
                               BINDS(BIND_TEXT(authority_name(certificate->authority)), BIND_TEXT(certificate->serial),
                                     BIND_TEXT(notice->resident.code), BIND_INTEGER(notice->recorded)), &count, err);
    *concerned = count > 0;
    return rc;
}

/* Tells the authorities about the certificates that it concerns; none, no event. */
static enum rc cardintake_tell(struct store *store, const struct notice *notice, enum card_effect effect,
                               struct err *err)
{
    int64_t number = 0;
    enum rc rc = RC_OK;
    for (size_t i = 0; !rc && i < notice->count; i++) {
        const struct certificate *certificate = &notice->certificates[i];
        bool concerned;
        rc = cardintake_concerns(store, notice, certificate, &concerned, err);
        if (!rc && concerned && number == 0)
            rc = outbox_begin_event(store, event_names[effect], notice->recorded, &number, err);
        if (!rc && concerned)
            rc = outbox_add_certificate(store, number, certificate, err);
    }
    return rc;
}

/* A card that the nation holds for alive while another one is reported as the resident's: a municipality that the
 * holder left has not voided it yet. There is one valid card, so it ends here. */
static enum rc cardintake_end_others(struct store *store, const struct notice *notice, struct err *err)
{
    struct card_row other;
    enum rc rc = cardbook_find_alive(store, notice->resident.code, &other, err);
    if (rc || strcmp(other.card, notice->card.card) == 0)
        return rc == RC_NOT_FOUND ? RC_OK : rc;
    const char *date = strcmp(notice->date, other.since) < 0 ? other.since : notice->date;
    const struct card_deed deed = {.event = CARD_END,
                                   .reason = CARD_REASON_REPLACED,
                                   .date = date,
                                   .recorded = notice->recorded,
                                   .notice = notice->sequence};
    return cardbook_apply(store, &other, &deed, err);
}

static bool cardintake_begins(enum card_event event)
{
    return event == CARD_ISSUE || event == CARD_CONTINUE || event == CARD_RESTATE;
}

/* What the authorities hear when a state is told in the place of another one. */
static enum card_effect cardintake_restated(enum card_state before, enum card_state now)
{
    if (!cardlife_alive(now))
        return before == CARD_NONE || cardlife_alive(before) ? CARD_EFFECT_RETURNED : CARD_EFFECT_NONE;
    return now == CARD_LOST && before != CARD_LOST ? CARD_EFFECT_LOST : CARD_EFFECT_NONE;
}

/* Who may report: a beginning is the resident's municipality's, the rest that of the municipality that has the card. */
static enum rc cardintake_judge(struct store *store, const struct notice *notice, const struct card_row *present,
                                bool late, bool *passed, struct err *err)
{
    struct ledger_row resident;
    enum card_state next;
    enum rc rc = ledger_find_code(store, notice->resident.code, &resident, err);
    if (rc)
        return rc == RC_NOT_FOUND ? err_set(err, rc, "card: no such resident") : rc;
    if (present->events && strcmp(present->code, notice->resident.code) != 0)
        return err_set(err, RC_CONFLICT, "card: it is another resident's");
    const char *reporter = notice->resident.municipality;
    bool begins = cardintake_begins(notice->card.event);
    bool own = late || strcmp(resident.resident.municipality, reporter) == 0;
    if (begins && !own && !present->events)
        return err_set(err, RC_DENIED, "card: the resident is another municipality's");
    if (!begins && !present->events)
        return err_set(err, RC_NOT_FOUND, "card: it was never reported");
    *passed = (begins ? !own : strcmp(present->municipality, reporter) != 0) || strcmp(notice->date, present->since) < 0;
    if (notice->card.event == CARD_RESTATE) /* of a card that it has, also when the holder has gone since */
        *passed = !own && strcmp(present->municipality, reporter) != 0;
    else if (cardlife_next(present->state, notice->card.event, &next))
        *passed = true;
    return RC_OK;
}

enum rc cardintake_take(struct store *store, const struct notice *notice, bool late, struct err *err)
{
    const struct card_report *report = &notice->card;
    struct card_row row = {0};
    bool passed = false;
    enum rc rc = cardbook_find(store, report->card, &row, err);
    if (!rc || rc == RC_NOT_FOUND)
        rc = cardintake_judge(store, notice, &row, late, &passed, err);
    if (!rc && passed)
        log_warning("a report '%s' of %s about a card is passed over: the nation knows something newer",
                    card_event_name(report->event), notice->resident.municipality);
    if (rc || passed)
        return rc;
    if (cardintake_begins(report->event)) {
        memcpy(row.card, report->card, sizeof row.card);
        memcpy(row.code, notice->resident.code, sizeof row.code);
        memcpy(row.municipality, notice->resident.municipality, sizeof row.municipality);
        memcpy(row.issued, report->issued, sizeof row.issued);
        memcpy(row.expires, report->expires, sizeof row.expires);
        row.type = report->type;
        if (report->event != CARD_RESTATE || cardlife_alive(report->state))
            rc = cardintake_end_others(store, notice, err);
    }
    const struct card_deed deed = {.event = report->event,
                                   .reason = report->reason,
                                   .date = notice->date,
                                   .recorded = notice->recorded,
                                   .notice = notice->sequence};
    bool restated = report->event == CARD_RESTATE;
    enum card_effect effect = restated ? cardintake_restated(row.state, report->state) : cardlife_effect(row.state, report->event);
    if (restated)
        row.state = report->state;
    if (!rc)
        rc = restated ? cardbook_restate(store, &row, &deed, err) : cardbook_apply(store, &row, &deed, err);
    if (!rc && effect != CARD_EFFECT_NONE)
        rc = cardintake_tell(store, notice, effect, err);
    return rc;
}

/* cardbook.c — the card ledger's rows. */
#include "registry/cardbook.h"

#include "base/clock.h"
#include "registry/certlink.h"
#include "registry/location.h"
#include "registry/rowlist.h"

#include <stdio.h>
#include <string.h>

#define ROW "c.card, c.code, c.municipality, c.type, c.state, c.issued, c.expires, c.since, c.events"
#define ALIVE "('valid', 'locked', 'lost', 'lost-locked')"

enum rc card_check(const char *card)
{
    return strlen(card) == 16 && strspn(card, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 16 ? RC_OK : RC_FORMAT;
}

static enum rc cardbook_read(struct statement *s, struct card_row *out, struct err *err)
{
    struct card_row row = {.events = column_integer(s, 8)};
    const struct {
        char *to;
        size_t size;
        int column;
    } texts[] = {{row.card, sizeof row.card, 0},
                 {row.code, sizeof row.code, 1},
                 {row.municipality, sizeof row.municipality, 2},
                 {row.issued, sizeof row.issued, 5},
                 {row.expires, sizeof row.expires, 6},
                 {row.since, sizeof row.since, 7}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        column_copy(s, texts[i].column, texts[i].to, texts[i].size);
    if (card_type_parse(column_text(s, 3), &row.type) || card_state_parse(column_text(s, 4), &row.state))
        return err_set(err, RC_FORMAT, "the store names a type or state of cards that this program does not know");
    *out = row;
    return RC_OK;
}

static enum rc cardbook_get(struct store *store, const char *sql, const struct bind *binds, struct card_row *row,
                            struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_row(store, sql, binds, &s, err);
    if (!rc)
        rc = cardbook_read(s, row, err);
    statement_done(s);
    return rc;
}

enum rc cardbook_find_of(struct store *store, const char *card, const char *code, struct card_row *row, struct err *err)
{
    return cardbook_get(store, "SELECT " ROW " FROM card c WHERE c.card = ?1 AND c.code = ?2",
                        BINDS(BIND_TEXT(card), BIND_TEXT(code)), row, err);
}

enum rc cardbook_find(struct store *store, const char *card, struct card_row *row, struct err *err)
{
    struct location at;
    enum rc rc = location_of_card(store, card, &at, err);
    return rc ? rc : cardbook_find_of(store, card, at.code, row, err);
}

enum rc cardbook_find_alive(struct store *store, const char *code, struct card_row *row, struct err *err)
{
    return cardbook_get(store, "SELECT " ROW " FROM card c WHERE c.code = ?1 AND c.state IN " ALIVE,
                        BINDS(BIND_TEXT(code)), row, err);
}

enum rc cardbook_find_certificate(struct store *store, enum authority authority, const char *serial,
                                  struct card_row *row, struct err *err)
{
    char card[sizeof row->card];
    enum rc rc = store_text(store, "SELECT card FROM card_certificate WHERE authority = ?1 AND serial = ?2",
                            BINDS(BIND_TEXT(authority_name(authority)), BIND_TEXT(serial)), card, sizeof card, err);
    return rc ? rc : cardbook_find(store, card, row, err);
}

static enum rc cardbook_write_row(struct store *store, const struct card_row *row, bool fresh, struct err *err)
{
    enum rc rc = store_run(store,
                           fresh ? "INSERT INTO card (card, code, municipality, type, state, issued, expires, since, events) "
                                   "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"
                                 : "UPDATE card SET municipality = ?3, type = ?4, state = ?5, issued = ?6, expires = ?7, "
                                   "since = ?8, events = ?9 WHERE card = ?1 AND code = ?2",
                           BINDS(BIND_TEXT(row->card), BIND_TEXT(row->code), BIND_TEXT(row->municipality),
                                 BIND_TEXT(card_type_name(row->type)), BIND_TEXT(card_state_name(row->state)),
                                 BIND_TEXT(row->issued), BIND_TEXT(row->expires), BIND_TEXT(row->since),
                                 BIND_INTEGER(row->events)),
                           NULL, err);
    return rc == RC_EXISTS ? err_set(err, RC_CONFLICT, "the resident has a card that is not void") : rc;
}

/* A card that goes on under another code leaves the old one's partition and enters the new one's: no engine is asked to change
 * the column by which it distributes rows. */
static enum rc cardbook_leave(struct store *store, const char *card, const char *code, struct err *err)
{
    return store_run(store, "DELETE FROM card WHERE card = ?1 AND code = ?2", BINDS(BIND_TEXT(card), BIND_TEXT(code)), NULL,
                     err);
}

/* fresh: no such card stands there. */
static enum rc cardbook_write(struct store *store, const struct card_row *row, bool fresh, struct err *err)
{
    struct location at = {0}, now = {0};
    memcpy(now.code, row->code, sizeof now.code);
    memcpy(now.municipality, row->municipality, sizeof now.municipality);
    enum rc rc = location_of_card(store, row->card, &at, err);
    if (rc && rc != RC_NOT_FOUND)
        return rc;
    bool known = rc == RC_OK, another = known && strcmp(at.code, now.code) != 0;
    if (fresh && another)
        return err_set(err, RC_CONFLICT, "card: it is another resident's");
    rc = another ? cardbook_leave(store, row->card, at.code, err) : RC_OK;
    if (!rc)
        rc = cardbook_write_row(store, row, fresh || another, err);
    if (!rc && (!known || another || strcmp(at.municipality, now.municipality) != 0))
        rc = location_put_card(store, row->card, &now, err);
    return rc;
}

enum rc cardbook_recode(struct store *store, const char *previous, const char *code, struct err *err)
{
    struct card_row row;
    enum rc rc;
    while (!(rc = cardbook_get(store, "SELECT " ROW " FROM card c WHERE c.code = ?1 ORDER BY c.card LIMIT 1",
                               BINDS(BIND_TEXT(previous)), &row, err))) {
        snprintf(row.code, sizeof row.code, "%s", code);
        if ((rc = cardbook_write(store, &row, false, err)))
            return rc;
    }
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

static enum rc cardbook_write_event(struct store *store, const struct card_row *row, const struct card_deed *deed,
                                    struct err *err)
{
    return store_run(store,
                     "INSERT INTO card_event (card, number, event, reason, state, date, recorded, notice) "
                     "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                     BINDS(BIND_TEXT(row->card), BIND_INTEGER(row->events), BIND_TEXT(card_event_name(deed->event)),
                           BIND_TEXT(card_reason_name(deed->reason)), BIND_TEXT(card_state_name(row->state)),
                           BIND_TEXT(deed->date), BIND_INTEGER(deed->recorded), BIND_INTEGER(deed->notice)), NULL, err);
}

enum rc cardbook_apply(struct store *store, struct card_row *row, const struct card_deed *deed, struct err *err)
{
    struct card_row next = *row;
    if (cardlife_next(row->state, deed->event, &next.state))
        return err_set(err, RC_STATE, "'%s' does not happen to a card that is %s", card_event_name(deed->event),
                       card_state_name(row->state));
    if (row->events && strcmp(deed->date, row->since) < 0)
        return err_set(err, RC_RANGE, "date: before the card's latest event, which was on %s", row->since);
    next.events++;
    snprintf(next.since, sizeof next.since, "%s", deed->date);
    enum rc rc = cardbook_write(store, &next, row->events == 0, err);
    if (!rc)
        rc = cardbook_write_event(store, &next, deed, err);
    if (!rc)
        *row = next;
    return rc;
}

enum rc cardbook_restate(struct store *store, struct card_row *row, const struct card_deed *deed, struct err *err)
{
    bool fresh = row->events++ == 0;
    if (row->since != deed->date)
        snprintf(row->since, sizeof row->since, "%s", deed->date);
    enum rc rc = cardbook_write(store, row, fresh, err);
    return rc ? rc : cardbook_write_event(store, row, deed, err);
}

static json_t *cardbook_event(struct statement *s)
{
    char recorded[CLOCK_TEXT_SIZE];
    clock_format(column_integer(s, 4), recorded);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I}", "event", column_text(s, 0), "reason", column_text(s, 1), "state",
                     column_text(s, 2), "date", column_text(s, 3), "recorded", recorded, "notice",
                     (json_int_t)column_integer(s, 5));
}

enum rc cardbook_to_json(struct store *store, const char *code, json_t **out, struct err *err)
{
    struct statement *s = NULL;
    json_t *array = json_array();
    enum rc rc = array ? store_query(store, "SELECT " ROW " FROM card c WHERE c.code = ?1 ORDER BY c.issued, c.card",
                                     BINDS(BIND_TEXT(code)), &s, err)
                       : RC_NOMEM;
    while (!rc && !(rc = statement_step(s, err))) {
        struct card_row row;
        json_t *events = NULL;
        rc = cardbook_read(s, &row, err);
        if (!rc)
            rc = rowlist_read(store,
                              "SELECT event, reason, state, date, recorded, notice FROM card_event WHERE card = ?1 "
                              "ORDER BY number",
                              BINDS(BIND_TEXT(row.card)), cardbook_event, &events, err);
        if (!rc && json_array_append_new(array, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:o}", "card", row.card, "code",
                                                          row.code, "municipality", row.municipality, "type",
                                                          card_type_name(row.type), "state", card_state_name(row.state),
                                                          "issued", row.issued, "expires", row.expires, "events", events)))
            rc = err_set(err, RC_NOMEM, "card");
    }
    statement_done(s);
    if (rc != RC_NOT_FOUND) {
        json_decref(array);
        return rc;
    }
    *out = array;
    return RC_OK;
}

enum rc cardbook_of_notice(struct store *store, int64_t notice, struct card_report *out, struct err *err)
{
    struct statement *s = NULL;
    struct card_report report = {0};
    struct card_row row;
    enum rc rc = store_row(store, "SELECT card, event, reason, state FROM card_event WHERE notice = ?1",
                           BINDS(BIND_INTEGER(notice)), &s, err);
    if (!rc &&
        (card_event_parse(column_text(s, 1), &report.event) || card_reason_parse(column_text(s, 2), &report.reason) ||
         card_state_parse(column_text(s, 3), &report.state)))
        rc = err_set(err, RC_FORMAT, "the store names something of cards that this program does not know");
    if (!rc)
        column_copy(s, 0, report.card, sizeof report.card);
    statement_done(s);
    if (!rc)
        rc = cardbook_find(store, report.card, &row, err);
    if (rc)
        return rc;
    report.type = row.type;
    memcpy(report.issued, row.issued, sizeof report.issued);
    memcpy(report.expires, row.expires, sizeof report.expires);
    report.state = cardlife_told(report.state);
    *out = report;
    return RC_OK;
}

enum rc cardbook_claim(struct store *store, const struct card_row *row, struct err *err)
{
    return store_run(store,
                     "INSERT INTO card_certificate (authority, serial, card) "
                     "SELECT l.authority, l.serial, ?2 FROM link l WHERE l.code = ?1 AND NOT EXISTS "
                     "(SELECT 1 FROM card_certificate x WHERE x.authority = l.authority "
                     "AND x.serial = l.serial)",
                     BINDS(BIND_TEXT(row->code), BIND_TEXT(row->card)), NULL, err);
}

enum rc cardbook_certificates(struct store *store, const char *card, int64_t now, struct certificate *certificates,
                              size_t *count, struct err *err)
{
    return certlink_collect(store,
                            "SELECT l.authority, l.serial, l.not_after FROM link l JOIN card_certificate x "
                            "ON x.authority = l.authority AND x.serial = l.serial "
                            "WHERE x.card = ?1 AND l.not_after > ?2 "
                            "ORDER BY l.recorded DESC, l.authority, l.serial LIMIT ?3",
                            BINDS(BIND_TEXT(card), BIND_INTEGER(now), BIND_INTEGER(NOTICE_CERTIFICATES)), certificates, count,
                            err);
}

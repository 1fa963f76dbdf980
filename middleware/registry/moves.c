/* moves.c — leaving, and what other municipalities say. */
#include "registry/moves_parts.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "net/json.h"
#include "pki/municipality.h"
#include "registry/cardmove.h"
#include "registry/code.h"
#include "registry/gate.h"
#include "registry/mailbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A row of `leaving` or `incoming`. */
struct moves_row {
    char code[12], other[7], date[11], request[REQUEST_MAX + 1], address[801];
    int64_t notice;
    bool closed; /* departure: struck out */
    bool withdrawn;
};

/* The word of the law of that day. */
enum rc moves_reason(struct store *store, enum reason today, const char *date, enum reason *reason,
                            struct err *err)
{
    bool numbers = false;
    enum rc rc = gate_open(store, GATE_PERSONAL_NUMBERS, date, &numbers, err);
    *reason = numbers ? today : reason_other_era(today);
    return rc;
}

enum rc moves_other(const char *code, const char *own, char other[7], struct err *err)
{
    const struct municipality *row;
    enum rc rc = municipality_find(code, &row);
    if (rc)
        return err_set(err, rc == RC_NOT_FOUND ? RC_RANGE : rc, "municipality: %s",
                       rc == RC_FORMAT ? "wrong check digit" : "not known");
    if (strcmp(row->code, own) == 0)
        return err_set(err, RC_RANGE, "municipality: it is this one; a move inside it is 転居");
    snprintf(other, 7, "%s", row->code);
    return RC_OK;
}

static void moves_read_departure(struct statement *s, struct moves_row *row)
{
    *row = (struct moves_row){.notice = column_integer(s, 5), .closed = column_integer(s, 6) != 0, .withdrawn = column_integer(s, 7) != 0};
    column_copy(s, 0, row->code, sizeof row->code);
    column_copy(s, 1, row->other, sizeof row->other);
    column_copy(s, 2, row->date, sizeof row->date);
    column_copy(s, 3, row->request, sizeof row->request);
    column_copy(s, 4, row->address, sizeof row->address);
}

#define DEPARTURE "SELECT code, destination, date, request, address, notice, struck, withdrawn FROM leaving "

static enum rc moves_find_departure(struct store *store, const char *sql, const struct bind *binds, struct moves_row *row,
                                    struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_row(store, sql, binds, &s, err);
    if (!rc)
        moves_read_departure(s, row);
    statement_done(s);
    return rc;
}

/* The record is struck out, and the departure says so. */
static enum rc moves_strike(struct store *store, const char *municipality, const struct moves_row *row, int64_t *notice,
                            struct err *err)
{
    struct resident resident = {0};
    enum reason reason;
    memcpy(resident.code, row->code, sizeof resident.code);
    snprintf(resident.municipality, sizeof resident.municipality, "%s", municipality);
    enum rc rc = moves_reason(store, REASON_MOVE_OUT, row->date, &reason, err);
    if (!rc)
        rc = municipal_apply(store, &resident, reason, row->date, NULL, notice, err);
    if (rc == RC_STATE) /* struck out meanwhile for another reason: death */
        rc = RC_OK;
    if (!rc)
        rc = store_run(store, "UPDATE leaving SET struck = ?2, notice = ?3 WHERE request = ?1",
                       BINDS(BIND_TEXT(row->request), BIND_INTEGER(clock_now()), BIND_INTEGER(*notice)), NULL, err);
    return rc;
}

/* "CODE may go to that municipality": what lets the others write what was this municipality's. */
static enum rc moves_make_release(const struct opseal *seal, const char *municipality, const struct moves_row *row,
                                  json_t **out, struct err *err)
{
    char issued[CLOCK_TEXT_SIZE];
    clock_format(clock_now(), issued);
    json_t *release = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "kind", "release", "code", row->code, "from",
                                municipality, "to", row->other, "date", row->date, "issued", issued);
    enum rc rc = release ? sealed_sign(seal, release, err) : RC_NOMEM;
    if (!rc && json_object_set_new(release, "certificate", json_string(opseal_certificate(seal))))
        rc = RC_NOMEM;
    if (rc)
        json_decref(release);
    else
        *out = release;
    return rc;
}

/* The departure and its letter. */
static enum rc moves_write_departure(struct store *store, const struct opseal *seal, const char *municipality,
                                     const struct moves_row *row, const struct resident *resident, struct err *err)
{
    json_t *release = NULL;
    enum rc rc = moves_make_release(seal, municipality, row, &release, err);
    if (rc)
        return rc;
    json_t *body = json_pack("{s:o, s:o, s:s, s:s}", "release", release, "record", resident_to_json(resident), "date",
                             row->date, "address", row->address);
    struct buf text = {0};
    rc = body ? json_write(body, &text) : RC_NOMEM;
    if (!rc)
        rc = store_run(store,
                       "INSERT INTO leaving (request, code, destination, date, address, letter, recorded, notice, "
                       "struck, closed) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, 0, 0)",
                       BINDS(BIND_TEXT(row->request), BIND_TEXT(row->code), BIND_TEXT(row->other), BIND_TEXT(row->date),
                             BIND_TEXT(row->address), BIND_TEXT(buf_string(&text)), BIND_INTEGER(clock_now())),
                       NULL, err);
    if (!rc)
        rc = mailbox_put(store, row->other, MAIL_DEPARTURE, body, err);
    buf_wipe(&text);
    json_decref(body);
    return rc;
}

/* The form of a leaving: the planned day may lie ahead. */
static enum rc moves_check_leave(const char *municipality, const struct moves_leave *leave, struct moves_row *row,
                                 struct err *err)
{
    char today[11], last[11];
    municipal_today(today);
    day_add(today, MOVES_AHEAD_DAYS, last);
    if (code_check(leave->code))
        return err_set(err, RC_FORMAT, "code: not 11 digits with a right check digit");
    if (date_check(leave->date))
        return err_set(err, RC_FORMAT, "date: not a date YYYY-MM-DD");
    if (strcmp(leave->date, last) > 0)
        return err_set(err, RC_RANGE, "date: more than %d days ahead", MOVES_AHEAD_DAYS);
    bool ahead = strcmp(leave->date, today) > 0;
    enum rc rc = municipal_check_form(ahead ? today : leave->date, leave->request, err);
    if (!rc)
        rc = moves_other(leave->to, municipality, row->other, err);
    if (!rc)
        rc = municipal_check_address(row->other, leave->address, err);
    if (!rc && strlen(leave->address) >= sizeof row->address)
        rc = err_set(err, RC_FORMAT, "address: too long");
    if (rc)
        return rc;
    snprintf(row->code, sizeof row->code, "%s", leave->code);
    snprintf(row->date, sizeof row->date, "%s", leave->date);
    snprintf(row->request, sizeof row->request, "%s", leave->request);
    snprintf(row->address, sizeof row->address, "%s", leave->address);
    return RC_OK;
}

static enum rc moves_begin_leave(struct store *store, const char *municipality, const struct opseal *seal,
                                 const struct moves_row *row, int64_t *notice, struct err *err)
{
    struct ledger_row present;
    struct moves_row open;
    char today[11];
    municipal_today(today);
    enum rc rc = ledger_find_code(store, row->code, &present, err);
    if (rc)
        return rc == RC_NOT_FOUND ? err_set(err, rc, "no such resident") : rc;
    if (strcmp(present.resident.municipality, municipality) != 0)
        return err_set(err, RC_DENIED, "the record is another municipality's");
    if (present.removed)
        return err_set(err, RC_STATE, "the record has been removed from the register");
    rc = moves_find_departure(store, DEPARTURE "WHERE code = ?1 AND struck = 0 AND withdrawn = 0",
                              BINDS(BIND_TEXT(row->code)), &open, err);
    if (rc != RC_NOT_FOUND)
        return rc ? rc : err_set(err, RC_STATE, "the person is leaving already");
    rc = moves_write_departure(store, seal, municipality, row, &present.resident, err);
    if (!rc && strcmp(row->date, today) <= 0)
        rc = moves_strike(store, municipality, row, notice, err);
    return rc;
}

enum rc moves_leave(struct store *store, const char *municipality, const struct opseal *seal,
                    const struct moves_leave *leave, int64_t *notice, struct err *err)
{
    struct moves_row row = {0}, known;
    int64_t number = 0;
    enum rc rc = moves_check_leave(municipality, leave, &row, err);
    fault_point("registry.before_leave");
    if (!rc)
        rc = store_begin(store, err);
    if (rc)
        return rc;
    rc = moves_find_departure(store, DEPARTURE "WHERE request = ?1", BINDS(BIND_TEXT(row.request)), &known, err);
    if (!rc && (strcmp(known.code, row.code) != 0 || strcmp(known.other, row.other) != 0 ||
                strcmp(known.date, row.date) != 0 || strcmp(known.address, row.address) != 0))
        rc = err_set(err, RC_CONFLICT, "request: this name was used for another request");
    if (!rc && known.withdrawn)
        rc = err_set(err, RC_STATE, "this 転出届 was withdrawn; another one is made under another name");
    if (!rc)
        number = known.notice;
    if (rc == RC_NOT_FOUND) {
        rc = moves_begin_leave(store, municipality, seal, &row, &number, err);
        if (!rc)
            rc = store_commit(store, err);
    }
    store_rollback(store);
    fault_point("registry.after_leave");
    if (!rc)
        *notice = number;
    return rc;
}

static enum rc moves_strike_due(struct store *store, const char *municipality, const char *today, bool *more,
                                struct err *err)
{
    struct moves_row row;
    int64_t notice = 0;
    enum rc rc = store_begin(store, err);
    if (rc)
        return rc;
    rc = moves_find_departure(store, DEPARTURE "WHERE struck = 0 AND withdrawn = 0 AND date <= ?1 ORDER BY date, request LIMIT 1",
                              BINDS(BIND_TEXT(today)), &row, err);
    *more = rc == RC_OK;
    if (!rc)
        rc = moves_strike(store, municipality, &row, &notice, err);
    if (!rc)
        rc = store_commit(store, err);
    store_rollback(store);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

static enum rc moves_erase(struct store *store, const char *today, int64_t *erased, struct err *err)
{
    char last[11];
    day_add(today, -MOVES_KEEP_DAYS, last);
    return store_run(store, "DELETE FROM incoming WHERE revision = 0 AND date < ?1 AND recorded < ?2",
                     BINDS(BIND_TEXT(last), BIND_INTEGER(clock_now() - MOVES_KEEP_DAYS * 86400)), erased, err);
}

enum rc moves_due(struct store *store, const char *municipality, int64_t *done, struct err *err)
{
    char today[11];
    int64_t count = 0, waiting = 0, erased = 0;
    bool more = false;
    municipal_today(today);
    *done = 0;
    enum rc rc = ledger_count(store,
                              "SELECT (SELECT count(*) FROM leaving WHERE struck = 0 AND withdrawn = 0) + "
                              "(SELECT count(*) FROM incoming WHERE revision = 0)",
                              &waiting, err);
    if (rc || waiting == 0)
        return rc;
    do {
        rc = moves_strike_due(store, municipality, today, &more, err);
        count += !rc && more;
    } while (!rc && more);
    if (!rc)
        rc = moves_erase(store, today, &erased, err);
    if (!rc)
        *done = count + erased;
    return rc;
}

/* 転出証明書情報 with its release, which must be by the sender and for this municipality. */
static enum rc moves_hear_departure(struct store *store, const char *municipality, struct opseal *seal, const char *from,
                                    int64_t sequence, const json_t *body, struct err *err)
{
    struct resident resident;
    struct peer signer;
    const json_t *release = json_object_get(body, "release");
    const char *certificate, *code, *to, *origin, *date;
    struct buf text = {0};
    enum rc rc;
    if ((rc = json_want_text(release, "certificate", 20000, &certificate, err)) ||
        (rc = sealed_check(seal, release, certificate, from, &signer, err)) ||
        (rc = json_want_text(release, "code", 11, &code, err)) || (rc = json_want_text(release, "to", 6, &to, err)) ||
        (rc = json_want_text(release, "from", 6, &origin, err)) ||
        (rc = json_want_text(release, "date", 10, &date, err)) ||
        (rc = resident_from_json(json_object_get(body, "record"), from, &resident, err)))
        return rc;
    if (strcmp(to, municipality) != 0 || strcmp(origin, from) != 0 || strcmp(code, resident.code) != 0 ||
        date_check(date))
        return err_set(err, RC_DENIED, "release: not of this person, from there to here");
    rc = json_write(body, &text);
    if (!rc)
        rc = store_run(store,
                       "INSERT INTO incoming (origin, sequence, code, date, letter, recorded, revision) "
                       "VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0)",
                       BINDS(BIND_TEXT(from), BIND_INTEGER(sequence), BIND_TEXT(code), BIND_TEXT(date),
                             BIND_TEXT(buf_string(&text)), BIND_INTEGER(clock_now())), NULL, err);
    buf_wipe(&text);
    return rc;
}

/* The other one asks again for what it was sent. Nothing goes to whom nobody was released. */
static enum rc moves_hear_wanted(struct store *store, const char *from, const json_t *body, struct err *err)
{
    const char *code;
    struct statement *s = NULL;
    json_t *letter = NULL;
    enum rc rc = json_want_text(body, "code", 11, &code, err);
    if (!rc)
        rc = store_row(store,
                       "SELECT letter FROM leaving WHERE code = ?1 AND destination = ?2 AND closed = 0 AND withdrawn = 0 "
                       "ORDER BY recorded DESC LIMIT 1",
                       BINDS(BIND_TEXT(code), BIND_TEXT(from)), &s, err);
    if (!rc) {
        const char *text = column_text(s, 0);
        rc = json_read(bytes_of(text, strlen(text)), &letter, err);
    }
    statement_done(s);
    if (!rc)
        rc = mailbox_put(store, from, MAIL_DEPARTURE, letter, err);
    json_decref(letter);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

/* 転入通知: the old record is closed; it is struck out now when its day was still ahead, also when the 転出届 was withdrawn after
 * the person had arrived there. */
static enum rc moves_hear_arrived(struct store *store, const char *municipality, const char *from, const json_t *body,
                                  struct err *err)
{
    const char *code, *date;
    struct moves_row row;
    int64_t notice = 0;
    enum rc rc = json_want_text(body, "code", 11, &code, err);
    if (!rc)
        rc = moves_find_departure(store,
                                  DEPARTURE "WHERE code = ?1 AND destination = ?2 AND closed = 0 "
                                            "ORDER BY recorded DESC LIMIT 1",
                                  BINDS(BIND_TEXT(code), BIND_TEXT(from)), &row, err);
    if (rc == RC_NOT_FOUND) /* heard, and nothing of ours to close: the letters behind it must not wait */
        log_warning("転入通知 of %s about somebody who was not released to it: put aside", from);
    if (rc)
        return rc == RC_NOT_FOUND ? RC_OK : rc;
    if (!row.closed)
        rc = moves_strike(store, municipality, &row, &notice, err);
    if (!rc && !(rc = json_want_text(body, "date", 10, &date, err)))
        rc = cardmove_hear_arrival(store, code, from, date, err);
    if (!rc)
        rc = store_run(store, "UPDATE leaving SET closed = ?2 WHERE request = ?1",
                       BINDS(BIND_TEXT(row.request), BIND_INTEGER(clock_now())), NULL, err);
    return rc;
}

static enum rc moves_hear_kind(struct store *store, const char *municipality, struct opseal *seal, const char *from,
                               int64_t sequence, const json_t *letter, struct err *err)
{
    const char *kind;
    const json_t *body = json_object_get(letter, "body");
    enum rc rc = json_want_text(letter, "kind", 32, &kind, err);
    if (rc)
        return rc;
    if (strcmp(kind, MAIL_DEPARTURE) == 0)
        return moves_hear_departure(store, municipality, seal, from, sequence, body, err);
    if (strcmp(kind, MAIL_WANTED) == 0)
        return moves_hear_wanted(store, from, body, err);
    if (strcmp(kind, MAIL_ARRIVED) == 0)
        return moves_hear_arrived(store, municipality, from, body, err);
    if (strcmp(kind, MAIL_WITHDRAWN) == 0)
        return moves_hear_withdrawn(store, from, body, err);
    return err_set(err, RC_FORMAT, "kind: not a known letter");
}

enum rc moves_hear(struct store *store, const char *municipality, struct opseal *seal, const char *from,
                   const json_t *letter, int64_t *heard, int64_t *expected, struct err *err)
{
    int64_t sequence, before = 0;
    *expected = 0;
    enum rc rc = json_want_integer(letter, "sequence", &sequence, err);
    fault_point("registry.before_letter");
    if (!rc)
        rc = store_begin(store, err);
    if (rc)
        return rc;
    rc = mailbox_heard(store, from, &before, err);
    if (!rc && sequence > before + 1) {
        *expected = before + 1;
        rc = err_set(err, RC_CONFLICT, "letter %lld came where %lld was expected", (long long)sequence,
                     (long long)before + 1);
    }
    if (!rc && sequence == before + 1) {
        rc = moves_hear_kind(store, municipality, seal, from, sequence, letter, err);
        if (!rc)
            rc = mailbox_hear(store, from, sequence, err);
        if (!rc)
            rc = store_commit(store, err);
        before = sequence;
    }
    store_rollback(store);
    fault_point("registry.after_letter");
    if (!rc)
        *heard = before;
    return rc;
}

/* outbox.c — numbering, keeping and reading what is to be told. */
#include "registry/outbox.h"

#include "base/clock.h"
#include "registry/cardbook.h"
#include "registry/certlink.h"
#include "registry/moves.h"
#include "registry/refusal.h"
#include "registry/rowlist.h"

#include <stdio.h>
#include <string.h>

enum rc outbox_read(struct store *store, const char *peer, struct outbox_state *state, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_row(store, "SELECT last, acknowledged FROM outbox WHERE peer = ?1",
                           BINDS(BIND_TEXT(peer)), &s, err);
    if (!rc)
        *state = (struct outbox_state) { column_integer(s, 0), column_integer(s, 1) };
    statement_done(s);
    return rc;
}

enum rc outbox_lag(struct store *store, const char *peer, struct outbox_lag *lag, struct err *err)
{
    *lag = (struct outbox_lag) { 0 };
    const char *first = strcmp(peer, OUTBOX_CA) == 0 ? "SELECT time FROM event WHERE sequence > ?1 ORDER BY sequence LIMIT 1"
                                                     : "SELECT recorded FROM notice WHERE sequence > ?1 ORDER BY sequence LIMIT 1";
    enum rc rc = outbox_read(store, peer, &lag->state, err);
    if (rc)
        return rc;
    rc = store_integer(store, first, BINDS(BIND_INTEGER(lag->state.acknowledged)), &lag->oldest, err);
    if (!rc || rc == RC_NOT_FOUND) /* nothing waits */
        rc = store_text(store, "SELECT error FROM delivery WHERE peer = ?1",
                        BINDS(BIND_TEXT(peer)), lag->error, sizeof lag->error, err);
    return rc == RC_NOT_FOUND ? RC_OK : rc; /* nothing went wrong */
}

enum rc outbox_note(struct store *store, const char *peer, const char *error, struct err *err)
{
    return *error ? store_run(store,
                              "INSERT INTO delivery (peer, error, since) VALUES (?1, ?2, ?3) "
                              "ON CONFLICT (peer) DO UPDATE SET error = ?2, since = ?3",
                              BINDS(BIND_TEXT(peer), BIND_TEXT(error), BIND_INTEGER(clock_now())), NULL, err)
                  : store_run(store, "DELETE FROM delivery WHERE peer = ?1", BINDS(BIND_TEXT(peer)), NULL, err);
}

enum rc outbox_number(struct store *store, const char *peer, int64_t *number, struct err *err)
{
    enum rc rc = store_run(store,
                           "UPDATE outbox SET last = last + 1 WHERE peer = ?1 OR "
                           "(?1 = 'national' AND peer = 'prefecture')",
                           BINDS(BIND_TEXT(peer)), NULL, err);
    struct outbox_state state;
    if (!rc)
        rc = outbox_read(store, peer, &state, err);
    if (!rc)
        *number = state.last;
    return rc;
}

enum rc outbox_acknowledge(struct store *store, const char *peer, int64_t acknowledged, struct err *err)
{
    int64_t changes = 0;
    enum rc rc = store_run(store, "UPDATE outbox SET acknowledged = ?2 WHERE peer = ?1 AND ?2 BETWEEN 0 AND last",
                           BINDS(BIND_TEXT(peer), BIND_INTEGER(acknowledged)), &changes, err);
    if (!rc && changes != 1)
        rc = err_set(err, RC_CONFLICT, "the peer '%s' knows number %lld, which this store has not given yet: was the store "
                                       "set back?", peer, (long long)acknowledged);
    return rc;
}

enum rc outbox_add_notice(struct store *store, enum notice_kind kind, const char *code, int64_t revision,
                          const char *date, int64_t recorded, int64_t *sequence, struct err *err)
{
    int64_t number;
    enum rc rc = outbox_number(store, OUTBOX_NATIONAL, &number, err);
    if (rc)
        return rc;
    rc = store_run(store,
                   "INSERT INTO notice (sequence, kind, code, revision, date, recorded) "
                   "VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                   BINDS(BIND_INTEGER(number), BIND_TEXT(notice_kind_name(kind)), BIND_TEXT(code),
                         BIND_INTEGER(revision), BIND_TEXT(date), BIND_INTEGER(recorded)), NULL, err);
    if (!rc)
        *sequence = number;
    return rc;
}

/* Whether what the state came from is still there: where it has been erased, a correction is told as the state itself (whoever
 * hears it may have nothing before it), and a removal not at all (RC_NOT_FOUND). */
static enum rc outbox_ground(struct store *store, struct ledger_past *past, int64_t revision, struct err *err)
{
    struct ledger_past before;
    enum change change = reason_get(past->reason)->change;
    if (revision == 1 || change == CHANGE_ENTRY)
        return RC_OK;
    enum rc rc = ledger_history(store, past->resident.code, revision - 1, &before, err);
    if (rc == RC_NOT_FOUND && change == CHANGE_CORRECTION) {
        past->reason = REASON_RESTATED;
        rc = RC_OK;
    }
    return rc;
}

/* Why a peer hears nothing of a notice but its number: RC_OK and the words; RC_NOT_FOUND: it hears of it. */
static enum rc outbox_void(struct store *store, const char *peer, struct statement *s, struct ledger_past *past, char *why,
                           size_t size, struct err *err)
{
    enum rc rc = refusal_void(store, peer, column_integer(s, 0), why, size, err);
    if (rc != RC_NOT_FOUND)
        return rc;
    if (strcmp(peer, OUTBOX_PREFECTURE) == 0 && strcmp(column_text(s, 1), notice_kind_name(NOTICE_RECORD)) != 0) {
        snprintf(why, size, "not for the prefecture");
        return RC_OK;
    }
    rc = ledger_history(store, column_text(s, 2), column_integer(s, 3), past, err);
    if (!rc)
        rc = outbox_ground(store, past, column_integer(s, 3), err);
    if (rc == RC_NOT_FOUND)
        snprintf(why, size, "erased: its time of keeping is over");
    return rc == RC_NOT_FOUND ? RC_OK : rc ? rc : RC_NOT_FOUND;
}

/* What belongs to the kind beside the record. */
static enum rc outbox_complete(struct store *store, struct statement *s, const struct ledger_past *past,
                               struct notice *notice, struct err *err)
{
    enum rc rc = RC_OK;
    notice->resident = past->resident;
    notice->reason = reason_get(past->reason)->told;
    notice->recorded = past->recorded;
    memcpy(notice->date, past->date, sizeof notice->date);
    memcpy(notice->previous_code, past->previous_code, sizeof notice->previous_code);
    if (notice->kind == NOTICE_RECORD)
        return RC_OK;
    column_copy(s, 4, notice->date, sizeof notice->date);
    notice->recorded = column_integer(s, 5);
    if (notice->kind == NOTICE_CERTIFICATES_KIND)
        return certlink_of_notice(store, notice->sequence, notice->certificates, &notice->count, err);
    rc = cardbook_of_notice(store, notice->sequence, &notice->card, err);
    return rc ? rc : cardbook_certificates(store, notice->card.card, notice->recorded, notice->certificates, &notice->count, err);
}

/* The release that a 転入 came with, so that nobody takes the entry for a theft. */
static enum rc outbox_add_release(struct store *store, struct statement *s, const struct notice *notice, json_t *json,
                                  struct err *err)
{
    json_t *release = NULL;
    if (notice->kind != NOTICE_RECORD || (notice->reason != REASON_MOVE_IN && notice->reason != REASON_MOVE_IN_2002))
        return RC_OK;
    enum rc rc = moves_release(store, column_text(s, 2), column_integer(s, 3), &release, err);
    if (!rc && json_object_set_new(json, "release", release))
        rc = RC_NOMEM;
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

/* The row of `notice` under the statement, put together with its history or its links. */
static enum rc outbox_notice(struct store *store, const char *peer, struct statement *s, json_t *array, struct err *err)
{
    struct notice notice = { .sequence = column_integer(s, 0) };
    struct ledger_past past;
    char why[300];
    json_t *json = NULL;
    enum rc rc = outbox_void(store, peer, s, &past, why, sizeof why, err);
    if (rc == RC_OK) {
        json = notice_void_to_json(notice.sequence, column_text(s, 4), column_integer(s, 5), why);
    } else if (rc == RC_NOT_FOUND) {
        rc = notice_kind_parse(column_text(s, 1), &notice.kind);
        if (!rc)
            rc = outbox_complete(store, s, &past, &notice, err);
        if (rc)
            return err_set(err, RC_BUG, "notice %lld is not whole", (long long)notice.sequence);
        json = notice_to_json(&notice);
        rc = json ? outbox_add_release(store, s, &notice, json, err) : RC_NOMEM;
    }
    if (rc) {
        json_decref(json);
        return rc;
    }
    return json_array_append_new(array, json) ? err_set(err, RC_NOMEM, "notices") : RC_OK;
}

enum rc outbox_notices_to(struct store *store, const char *peer, int64_t from, size_t max, json_t **out, struct err *err)
{
    json_t *array = json_array();
    if (!array)
        return err_set(err, RC_NOMEM, "notices");
    struct statement *s = NULL;
    enum rc rc = store_query(store,
                             "SELECT sequence, kind, code, revision, date, recorded FROM notice "
                             "WHERE sequence >= ?1 ORDER BY sequence LIMIT ?2",
                             BINDS(BIND_INTEGER(from), BIND_INTEGER((int64_t)max)), &s, err);
    while (!rc && !(rc = statement_step(s, err)))
        rc = outbox_notice(store, peer, s, array, err);
    statement_done(s);
    if (rc != RC_NOT_FOUND) {
        json_decref(array);
        return rc;
    }
    *out = array;
    return RC_OK;
}

enum rc outbox_notices(struct store *store, int64_t from, size_t max, json_t **array, struct err *err)
{
    return outbox_notices_to(store, OUTBOX_NATIONAL, from, max, array, err);
}

static const char *const event_names[] = {
    [EFFECT_NONE] = NULL, [EFFECT_CHANGED] = "attributes-changed", [EFFECT_REMOVED] = "removed",
    [EFFECT_ABROAD] = "removed-abroad", [EFFECT_CARD] = "card-returned",
};

/* The certificates that are told once per effect: those not marked for it yet. */
#define CONCERNED "FROM link WHERE code = ?1 AND not_after > ?2 AND removed = 0 AND (?3 = 0 OR changed = 0)"

static enum rc outbox_concerned(struct store *store, const char *code, enum effect effect, int64_t time, int64_t *count,
                                struct err *err)
{
    return store_integer(store, "SELECT count(*) " CONCERNED,
                         BINDS(BIND_TEXT(code), BIND_INTEGER(time), BIND_INTEGER(effect == EFFECT_CHANGED)),
                         count, err);
}

enum rc outbox_begin_event(struct store *store, const char *event, int64_t time, int64_t *sequence, struct err *err)
{
    enum rc rc = outbox_number(store, OUTBOX_CA, sequence, err);
    if (rc)
        return rc;
    return store_run(store, "INSERT INTO event (sequence, event, time) VALUES (?1, ?2, ?3)",
                     BINDS(BIND_INTEGER(*sequence), BIND_TEXT(event), BIND_INTEGER(time)), NULL, err);
}

enum rc outbox_add_certificate(struct store *store, int64_t event, const struct certificate *certificate, struct err *err)
{
    return store_run(store, "INSERT INTO event_certificate (sequence, authority, serial) VALUES (?1, ?2, ?3)",
                     BINDS(BIND_INTEGER(event), BIND_TEXT(authority_name(certificate->authority)),
                           BIND_TEXT(certificate->serial)), NULL, err);
}

enum rc outbox_add_event(struct store *store, const char *code, enum effect effect, int64_t time, struct err *err)
{
    int64_t concerned = 0, number;
    enum rc rc = effect == EFFECT_NONE ? RC_OK : outbox_concerned(store, code, effect, time, &concerned, err);
    if (rc || concerned == 0)
        return rc;
    rc = outbox_begin_event(store, event_names[effect], time, &number, err);
    if (rc)
        return rc;
    return store_run(store,
                     "INSERT INTO event_certificate (sequence, authority, serial) "
                     "SELECT ?4, authority, serial " CONCERNED,
                     BINDS(BIND_TEXT(code), BIND_INTEGER(time), BIND_INTEGER(effect == EFFECT_CHANGED),
                           BIND_INTEGER(number)), NULL, err);
}

static json_t *outbox_event_certificate(struct statement *s)
{
    return json_pack("{s:s, s:s}", "authority", column_text(s, 0), "serial", column_text(s, 1));
}

enum rc outbox_event(struct store *store, int64_t sequence, json_t **out, struct err *err)
{
    struct statement *s = NULL;
    json_t *array = NULL, *event = NULL;
    enum rc rc = store_row(store, "SELECT event, time FROM event WHERE sequence = ?1", BINDS(BIND_INTEGER(sequence)), &s, err);
    if (!rc)
        rc = rowlist_read(store,
                          "SELECT authority, serial FROM event_certificate WHERE sequence = ?1 ORDER BY authority, serial",
                          BINDS(BIND_INTEGER(sequence)), outbox_event_certificate, &array, err);
    if (!rc) {
        char time[CLOCK_TEXT_SIZE];
        clock_format(column_integer(s, 1), time);
        event = json_pack("{s:I, s:s, s:s, s:O}", "sequence", (json_int_t)sequence, "event", column_text(s, 0), "time",
                          time, "certificates", array);
        rc = event ? RC_OK : err_set(err, RC_NOMEM, "event");
    }
    statement_done(s);
    json_decref(array);
    if (!rc)
        *out = event;
    return rc;
}

/* correction.c — requests for correction, where they are asked and where they are decided. */
#include "registry/correction.h"

#include "base/clock.h"
#include "base/fault.h"
#include "net/json.h"
#include "registry/day.h"
#include "registry/rights.h"
#include "registry/rowlist.h"

#include <string.h>

static enum rc correction_check_text(const char *text, const char *what, struct err *err)
{
    return text[0] && strlen(text) <= 1000 ? RC_OK : err_set(err, RC_FORMAT, "%s: 1 to 1000 bytes", what);
}

enum rc correction_ask(struct store *store, const char *code, const char *wish, int64_t *number, char due[11],
                       struct err *err)
{
    struct ledger_row row;
    char today[11];
    enum rc rc = correction_check_text(wish, "wish", err);
    if (!rc)
        rc = ledger_find_code(store, code, &row, err);
    if (rc)
        return rc == RC_NOT_FOUND ? err_set(err, rc, "no such resident") : rc;
    day_of(clock_now(), today);
    day_add(today, CORRECTION_DAYS, due);
    fault_point("registry.before_correction");
    return store_integer(store,
                         "INSERT INTO correction (code, wish, received, due, answered, decision, reason, municipality) "
                         "VALUES (?1, ?2, ?3, ?4, '', '', '', ?5) RETURNING id",
                         BINDS(BIND_TEXT(code), BIND_TEXT(wish), BIND_TEXT(today), BIND_TEXT(due),
                               BIND_TEXT(row.resident.municipality)), number, err);
}

/* A request as it stands. */
struct correction_row {
    char code[12], municipality[7], answered[11], decision[16];
    int64_t notice;
};

static enum rc correction_find(struct store *store, int64_t number, struct correction_row *row, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_row(store, "SELECT code, municipality, answered, decision, notice FROM correction WHERE id = ?1",
                           BINDS(BIND_INTEGER(number)), &s, err);
    if (!rc) {
        column_copy(s, 0, row->code, sizeof row->code);
        column_copy(s, 1, row->municipality, sizeof row->municipality);
        column_copy(s, 2, row->answered, sizeof row->answered);
        column_copy(s, 3, row->decision, sizeof row->decision);
        row->notice = column_integer(s, 4);
    }
    statement_done(s);
    return rc == RC_NOT_FOUND ? err_set(err, rc, "no such request") : rc;
}

/* The act: a record of this very person, told by the municipality. */
static enum rc correction_check_act(struct store *store, enum node_role role, const struct correction_row *row,
                                    int64_t notice, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_row(store,
                           role == NODE_MUNICIPAL
                               ? "SELECT 1 FROM notice WHERE sequence = ?1 AND code = ?2 AND kind = 'record' AND ?3 = ?3"
                               : "SELECT 1 FROM received WHERE sequence = ?1 AND code = ?2 AND municipality = ?3 "
                                 "AND revision > 0",
                           BINDS(BIND_INTEGER(notice), BIND_TEXT(row->code), BIND_TEXT(row->municipality)), &s, err);
    statement_done(s);
    return rc == RC_NOT_FOUND
               ? err_set(err, RC_STATE, "notice %lld of %s is no act about this person that is known here",
                         (long long)notice, row->municipality)
               : rc;
}

static enum rc correction_write_answer(struct store *store, const struct correction_answer *answer, struct err *err)
{
    char today[11];
    day_of(clock_now(), today);
    return store_run(store, "UPDATE correction SET answered = ?2, decision = ?3, reason = ?4, notice = ?5 WHERE id = ?1",
                     BINDS(BIND_INTEGER(answer->number), BIND_TEXT(today), BIND_TEXT(answer->decision),
                           BIND_TEXT(answer->reason), BIND_INTEGER(answer->notice)), NULL, err);
}

enum rc correction_decide(struct store *store, enum node_role role, const struct correction_answer *answer,
                          struct err *err)
{
    struct correction_row row;
    bool corrected = strcmp(answer->decision, "corrected") == 0;
    if (!corrected && strcmp(answer->decision, "refused") != 0)
        return err_set(err, RC_FORMAT, "decision: corrected or refused");
    if (corrected ? answer->notice < 1 : answer->notice != 0)
        return err_set(err, RC_FORMAT, "notice: what was corrected names the notice of the act, and nothing else does");
    enum rc rc = correction_check_text(answer->reason, "reason", err);
    if (!rc)
        rc = correction_find(store, answer->number, &row, err);
    if (!rc && answer->municipality && strcmp(answer->municipality, row.municipality) != 0)
        rc = err_set(err, RC_NOT_FOUND, "no such request");
    if (rc)
        return rc;
    if (row.answered[0])
        return strcmp(row.decision, answer->decision) == 0 && row.notice == answer->notice
                   ? RC_OK
                   : err_set(err, RC_STATE, "the request was answered already");
    if (corrected)
        rc = correction_check_act(store, role, &row, answer->notice, err);
    return rc ? rc : correction_write_answer(store, answer, err);
}

static json_t *correction_line(struct statement *s)
{
    char today[11];
    const char *due = column_text(s, 4), *answered = column_text(s, 5), *forwarded = column_text(s, 9);
    day_of(clock_now(), today);
    return json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:b}", "number",
                     (json_int_t)column_integer(s, 0), "code", column_text(s, 1), "wish", column_text(s, 2), "received",
                     column_text(s, 3), "due", due, "answered", answered, "decision", column_text(s, 6), "reason",
                     column_text(s, 7), "municipality", column_text(s, 8), "forwarded", forwarded, "state",
                     answered[0]    ? "answered"
                     : forwarded[0] ? "forwarded"
                                    : "received",
                     "notice", (json_int_t)column_integer(s, 10), "late",
                     strcmp(answered[0] ? answered : today, due) > 0);
}

enum rc correction_each(struct store *store, const char *code, enum rc (*visit)(void *context, const json_t *request),
                        void *context, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_query(store,
                             "SELECT id, code, wish, received, due, answered, decision, reason, municipality, "
                             "forwarded, notice FROM correction WHERE ?1 = '' OR code = ?1 "
                             "ORDER BY CASE WHEN answered = '' THEN 0 ELSE 1 END, id",
                             BINDS(BIND_TEXT(code ? code : "")), &s, err);
    if (rc)
        return rc;
    return rights_each(s, correction_line, visit, context, err);
}

static json_t *correction_forwarded(struct statement *s)
{
    return json_pack("{s:I, s:s, s:s, s:s, s:s}", "number", (json_int_t)column_integer(s, 0), "code", column_text(s, 1), "wish",
                     column_text(s, 2), "received", column_text(s, 3), "due", column_text(s, 4));
}

enum rc correction_forward(struct store *store, const char *municipality, json_t **out, struct err *err)
{
    json_t *list = NULL;
    char today[11];
    day_of(clock_now(), today);
    enum rc rc = rowlist_read(store,
                              "SELECT id, code, wish, received, due FROM correction WHERE municipality = ?1 "
                              "AND answered = '' ORDER BY id LIMIT ?2",
                              BINDS(BIND_TEXT(municipality), BIND_INTEGER(CORRECTION_BATCH)), correction_forwarded, &list, err);
    if (!rc)
        rc = store_run(store,
                       "UPDATE correction SET forwarded = ?2 WHERE municipality = ?1 AND answered = '' AND forwarded = ''",
                       BINDS(BIND_TEXT(municipality), BIND_TEXT(today)), NULL, err);
    if (rc)
        json_decref(list);
    else
        *out = list;
    return rc;
}

static enum rc correction_take_one(struct store *store, const char *peer, const json_t *one, struct err *err)
{
    int64_t number;
    const char *code, *wish, *received, *due;
    enum rc rc;
    if ((rc = json_want_integer(one, "number", &number, err)) || (rc = json_want_text(one, "code", 11, &code, err)) ||
        (rc = json_want_text(one, "wish", 1000, &wish, err)) ||
        (rc = json_want_text(one, "received", 10, &received, err)) || (rc = json_want_text(one, "due", 10, &due, err)))
        return rc;
    return store_run(store,
                     "INSERT INTO correction (code, wish, received, due, answered, decision, reason, municipality, "
                     "forwarded, origin, peer) "
                     "SELECT ?1, ?2, ?3, ?4, '', '', '', municipality, ?3, ?5, ?6 FROM node WHERE NOT EXISTS "
                     "(SELECT 1 FROM correction WHERE origin = ?5 AND peer = ?6)",
                     BINDS(BIND_TEXT(code), BIND_TEXT(wish), BIND_TEXT(received), BIND_TEXT(due), BIND_INTEGER(number),
                           BIND_TEXT(peer)),
                     NULL, err);
}

enum rc correction_take(struct store *store, const char *peer, const json_t *list, struct err *err)
{
    size_t at;
    json_t *one;
    enum rc rc = RC_OK;
    json_array_foreach(list, at, one)
    {
        if (!rc)
            rc = correction_take_one(store, peer, one, err);
    }
    return rc;
}

enum rc correction_untold(struct store *store, const char *peer, json_t **body, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_row(store,
                           "SELECT origin, decision, reason, notice FROM correction WHERE origin <> 0 AND peer = ?1 AND "
                           "answered <> '' AND told = 0 ORDER BY origin LIMIT 1",
                           BINDS(BIND_TEXT(peer)), &s, err);
    if (!rc && !(*body = json_pack("{s:I, s:s, s:s, s:I}", "number", (json_int_t)column_integer(s, 0), "decision",
                                   column_text(s, 1), "reason", column_text(s, 2), "notice",
                                   (json_int_t)column_integer(s, 3))))
        rc = RC_NOMEM;
    statement_done(s);
    return rc;
}

enum rc correction_told(struct store *store, const char *peer, int64_t number, struct err *err)
{
    return store_run(store, "UPDATE correction SET told = 1 WHERE origin = ?1 AND peer = ?2",
                     BINDS(BIND_INTEGER(number), BIND_TEXT(peer)), NULL, err);
}

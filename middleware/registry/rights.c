/* rights.c — disclosure, list of uses, reports. */
#include "registry/rights.h"

#include "base/clock.h"
#include "registry/day.h"
#include "registry/retention.h"
#include "registry/usage.h"

#include <stdio.h>
#include <string.h>

#define DAY_BEGINS (9 * 3600) /* Japan is so far ahead of UTC */

/* The first second of a day in Japan. */
static int64_t rights_day_start(const char *date)
{
    char text[32];
    int64_t time = 0;
    snprintf(text, sizeof text, "%sT00:00:00Z", date);
    return clock_parse(text, &time) ? 0 : time - DAY_BEGINS;
}

/* A look of the operator's into a record is a use of it. */
static enum rc rights_record(struct store *store, const char *municipality, const char *action, const char *code,
                             const char *result, struct err *err)
{
    struct peer self = {.role = ROLE_NONE, .name = "disclosure"};
    snprintf(self.municipality, sizeof self.municipality, "%s", municipality);
    return usage_write(store, &self, action, code, result, err);
}

static enum rc rights_add_changes(struct store *store, const struct ledger_row *row, json_t *changes, struct err *err)
{
    for (int64_t revision = 1; revision <= row->revision; revision++) {
        struct ledger_past past;
        enum rc rc = ledger_history(store, row->resident.code, revision, &past, err);
        if (rc == RC_NOT_FOUND)
            continue; /* its time of retention was over */
        char recorded[CLOCK_TEXT_SIZE];
        clock_format(past.recorded, recorded);
        json_t *was = rc ? NULL : resident_to_json(&past.resident);
        json_t *one = was ? json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "reason", reason_get(past.reason)->name, "date",
                                      past.date, "recorded", recorded, "previous_code", past.previous_code,
                                      "previous_personal_number", past.previous_number, "state", was)
                          : NULL;
        if (rc || !one || json_array_append_new(changes, one))
            return rc ? rc : RC_NOMEM;
    }
    return RC_OK;
}

enum rc rights_disclose(struct store *store, const char *municipality, const char *code, json_t **out, struct err *err)
{
    struct ledger_row row;
    enum rc rc = ledger_find_code(store, code, &row, err);
    if (rc)
        return rc == RC_NOT_FOUND ? err_set(err, rc, "no such resident") : rc;
    json_t *changes = json_array(), *record = resident_to_json(&row.resident);
    rc = changes && record ? rights_add_changes(store, &row, changes, err) : RC_NOMEM;
    if (!rc)
        rc = rights_record(store, municipality, "disclose", code, "record", err);
    if (!rc) {
        *out = json_pack("{s:b, s:s, s:O, s:O}", "registered", row.removed == 0, "successor", row.successor, "record",
                         record, "changes", changes);
        rc = *out ? RC_OK : RC_NOMEM;
    }
    json_decref(changes);
    json_decref(record);
    explicit_bzero(&row, sizeof row);
    return rc;
}

struct rights_walk {
    const char *municipality;
    enum rc (*visit)(void *context, const json_t *use);
    void *context;
};

static enum rc rights_use(void *context, const struct usage_row *row)
{
    const struct rights_walk *walk = context;
    char day[11];
    day_of(row->time, day);
    json_t *use = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "date", day, "way", row->way[0] ? row->way : row->action,
                            "why", row->why, "task", row->task, "from", walk->municipality, "to_role", row->role, "to", row->name,
                            "given", row->fields, "result", row->result);
    enum rc rc = use ? walk->visit(walk->context, use) : RC_NOMEM;
    json_decref(use);
    return rc;
}

/* From the life of the record of use up to the end of last month. */
static enum rc rights_window(struct store *store, int64_t *from, int64_t *until, struct err *err)
{
    char today[11], oldest[11];
    int years;
    enum rc rc = retention_life(store, &years, err);
    if (rc)
        return rc;
    day_of(clock_now(), today);
    day_add_years(today, -years, oldest);
    *from = rights_day_start(oldest);
    memcpy(today + 8, "01", 3);
    *until = rights_day_start(today);
    return RC_OK;
}

enum rc rights_uses(struct store *store, const char *municipality, const char *code,
                    enum rc (*visit)(void *context, const json_t *use), void *context, struct err *err)
{
    struct ledger_row row;
    struct rights_walk walk = { municipality, visit, context };
    int64_t from, until;
    enum rc rc = ledger_find_code(store, code, &row, err);
    if (rc)
        return rc == RC_NOT_FOUND ? err_set(err, rc, "no such resident") : rc;
    rc = rights_window(store, &from, &until, err);
    if (!rc)
        rc = usage_each(store, code, from, until, rights_use, &walk, err);
    return rc ? rc : rights_record(store, municipality, "disclose", code, "uses", err);
}

enum rc rights_each(struct statement *s, json_t *(*make)(struct statement *s),
                           enum rc (*visit)(void *context, const json_t *line), void *context, struct err *err)
{
    enum rc rc;
    while (!(rc = statement_step(s, err))) {
        json_t *line = make(s);
        rc = line ? visit(context, line) : RC_NOMEM;
        json_decref(line);
        if (rc)
            break;
    }
    statement_done(s);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

static json_t *rights_make_line(struct statement *s)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I}", "to", column_text(s, 0), "month", column_text(s, 1), "task",
                     column_text(s, 2), "way", column_text(s, 3), "asked", (json_int_t)column_integer(s, 4), "provided",
                     (json_int_t)column_integer(s, 5), "refused", (json_int_t)column_integer(s, 6));
}

enum rc rights_report(struct store *store, const char *from, const char *until,
                      enum rc (*visit)(void *context, const json_t *line), void *context, struct err *err)
{
    struct statement *s = NULL;
    char first[11], last[11];
    snprintf(first, sizeof first, "%.7s-01", from);
    snprintf(last, sizeof last, "%.7s-31", until); /* as a text it is behind every day of the month */
    if (strlen(from) != 7 || strlen(until) != 7 || date_check(first) || strcmp(first, last) > 0)
        return err_set(err, RC_FORMAT, "months: YYYY-MM, the first not behind the last");
    enum rc rc = store_prepare(
        store,
        "SELECT name, substr(day, 1, 7), task, way, count(*), "
        "SUM(CASE WHEN result IN ('one', 'removed', 'changed') THEN 1 ELSE 0 END), "
        "SUM(CASE WHEN result IN ('RC_DENIED', 'RC_RANGE') THEN 1 ELSE 0 END) FROM usage "
        "WHERE action = 'provide' AND day >= ?1 AND day <= ?2 GROUP BY name, substr(day, 1, 7), task, way "
        "ORDER BY name, substr(day, 1, 7), task, way",
        &s, err);
    if (rc)
        return rc;
    bind_text(s, 1, first);
    bind_text(s, 2, last);
    return rights_each(s, rights_make_line, visit, context, err);
}

enum rc rights_sweep(struct store *store, int64_t *swept, struct err *err)
{
    char today[11];
    day_of(clock_now(), today);
    return retention_erase(store, RETENTION_USE, today, swept, err);
}

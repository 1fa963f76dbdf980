/* retention.c — what may be erased. */
#include "registry/retention.h"

#include "base/clock.h"
#include "registry/gate.h"
#include "registry/rowlist.h"
#include "registry/setting.h"
#include "registry/usage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIFE_NAME "usage-years"
#define JAPAN (9 * 3600)

const struct retention_row retention_rows[RETENTION_KINDS] = {
    [RETENTION_NOTICE] = {"notice", 5, 150, "long-retention", "as what it told: 令30条の6, in 2013: 5年"},
    [RETENTION_SUPERSEDED] = {"superseded", 5, 150, "long-retention", "令30条の6, in 2013: 5年"},
    [RETENTION_REMOVED] = {"removed", 80, 150, "long-removed",
                           "令34条2項, in 2013: 80年, or 5年 when the person was entered again"},
    [RETENTION_DEAD] = {"dead", 5, 150, "long-removed", "令34条2項, in 2013: 5年"},
    [RETENTION_USE] = {"use", 7, 7, NULL, "岐阜県, 大阪府: 7年 (鹿児島県: 5年)"},
};

#define DEAD "EXISTS (SELECT 1 FROM history d WHERE d.code = r.code AND d.revision = r.revision AND d.reason = '死亡')"

/* What is due before a moment: rows of history, people, rows of use. */
static const char *const due[RETENTION_KINDS] = {
    [RETENTION_NOTICE] = "FROM received WHERE recorded > 0 AND recorded < ?1 AND revision = 0",
    [RETENTION_SUPERSEDED] = "FROM history h WHERE EXISTS (SELECT 1 FROM history n WHERE n.code = h.code AND "
                             "n.revision = h.revision + 1 AND n.recorded < ?1)",
    [RETENTION_REMOVED] = "FROM resident r WHERE r.removed <> 0 AND r.removed < ?1 AND NOT " DEAD,
    [RETENTION_DEAD] = "FROM resident r WHERE r.removed <> 0 AND r.removed < ?1 AND " DEAD,
    [RETENTION_USE] = "FROM usage WHERE time < ?1",
};

enum rc retention_life(struct store *store, int *years, struct err *err)
{
    char text[12];
    enum rc rc = setting_get(store, LIFE_NAME, "", text, sizeof text, err);
    if (!rc)
        *years = text[0] ? atoi(text) : retention_rows[RETENTION_USE].years_since;
    return rc;
}

enum rc retention_set_life(struct store *store, int years, struct err *err)
{
    char text[12];
    if (years < 1 || years > 150)
        return err_set(err, RC_RANGE, "years: 1 to 150");
    snprintf(text, sizeof text, "%d", years);
    return setting_set(store, LIFE_NAME, text, err);
}

/* The first moment that must still be kept. */
static enum rc retention_limit(struct store *store, enum retention_kind kind, const char *date, int64_t *limit,
                               struct err *err)
{
    const struct retention_row *row = &retention_rows[kind];
    char from[11];
    size_t gate = 0;
    bool since = true;
    while (row->gate && gate < GATE_COUNT && strcmp(gate_rows[gate].name, row->gate) != 0)
        gate++;
    enum rc rc = date_check(date) ? err_set(err, RC_FORMAT, "date: not a date YYYY-MM-DD") : RC_OK;
    if (!rc && row->gate)
        rc = gate_open(store, (enum gate)gate, date, &since, err);
    if (rc)
        return rc;
    int years = since ? row->years_since : row->years_before;
    if (kind == RETENTION_USE)
        rc = retention_life(store, &years, err);
    if (rc)
        return rc;
    day_add_years(date, -years, from);
    *limit = clock_from_date(atoi(from), atoi(from + 5), atoi(from + 8)) - JAPAN;
    return RC_OK;
}

static enum rc retention_query(struct store *store, const char *verb, enum retention_kind kind, int64_t limit,
                               struct statement **s, struct err *err)
{
    char sql[400];
    snprintf(sql, sizeof sql, "%s %s", verb, due[kind]);
    return store_query(store, sql, BINDS(BIND_INTEGER(limit)), s, err);
}

enum rc retention_due(struct store *store, enum retention_kind kind, const char *date, int64_t *count, struct err *err)
{
    int64_t limit;
    struct statement *s = NULL;
    enum rc rc = retention_limit(store, kind, date, &limit, err);
    if (!rc)
        rc = retention_query(store, "SELECT count(*)", kind, limit, &s, err);
    if (!rc)
        rc = statement_step(s, err);
    if (!rc)
        *count = column_integer(s, 0);
    statement_done(s);
    return rc;
}

/* Runs the deletions: by code, or by code and revision (0: all). */
static enum rc retention_each(struct store *store, const char *const *sqls, const char *code, int64_t revision,
                              struct err *err)
{
    enum rc rc = RC_OK;
    for (; !rc && *sqls; sqls++)
        rc = revision ? store_run(store, *sqls, BINDS(BIND_TEXT(code), BIND_INTEGER(revision)), NULL, err)
                      : store_run(store, *sqls, BINDS(BIND_TEXT(code)), NULL, err);
    return rc;
}

/* One row of history with what names it. */
static const char *const of_row[] = {
    "DELETE FROM received WHERE code = ?1 AND revision = ?2",
    "DELETE FROM request WHERE code = ?1 AND revision = ?2",
    "DELETE FROM posted WHERE code = ?1 AND revision = ?2",
    "DELETE FROM history WHERE code = ?1 AND revision = ?2",
    NULL,
};

/* A whole person. Their code stays given: it stands in the stock and in what the nation assigned. */
static const char *const of_person[] = {
    "DELETE FROM received WHERE code = ?1",
    "DELETE FROM request WHERE code = ?1",
    "DELETE FROM posted WHERE code = ?1",
    "DELETE FROM wanted WHERE code = ?1",
    "DELETE FROM link WHERE code = ?1",
    "DELETE FROM leaving WHERE code = ?1",
    "DELETE FROM incoming WHERE code = ?1",
    "DELETE FROM history WHERE code = ?1",
    "DELETE FROM location WHERE code = ?1 AND key IN (SELECT personal_number FROM resident WHERE code = ?1)",
    "DELETE FROM location WHERE code = ?1 AND key = ?1",
    "DELETE FROM resident WHERE code = ?1",
    NULL,
};

/* Collected first: a walk does not see what it erases itself. */
struct retention_item {
    char code[12];
    int64_t revision;
};

static enum rc retention_collect(struct store *store, enum retention_kind kind, int64_t limit,
                                 struct retention_item **items, size_t *count, struct err *err)
{
    struct statement *s = NULL;
    size_t space = 0;
    *items = NULL;
    *count = 0;
    enum rc rc = retention_query(
        store, kind == RETENTION_SUPERSEDED ? "SELECT h.code, h.revision" : "SELECT r.code, 0", kind, limit, &s, err);
    while (!rc && !(rc = statement_step(s, err))) {
        if (*count == space) {
            space = space ? space * 2 : 64;
            struct retention_item *more = realloc(*items, space * sizeof *more);
            if (!more) {
                rc = RC_NOMEM;
                break;
            }
            *items = more;
        }
        column_copy(s, 0, (*items)[*count].code, sizeof(*items)[0].code);
        (*items)[(*count)++].revision = column_integer(s, 1);
    }
    statement_done(s);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

static enum rc retention_trace(struct store *store, enum retention_kind kind, int64_t limit, int64_t count, struct err *err)
{
    if (count == 0)
        return RC_OK;
    return store_run(store, "INSERT INTO erasure (time, kind, before, count) VALUES (?1, ?2, ?3, ?4)",
                     BINDS(BIND_INTEGER(clock_now()), BIND_TEXT(retention_rows[kind].name), BIND_INTEGER(limit),
                           BIND_INTEGER(count)), NULL, err);
}

/* Rows that nothing hangs on, in one statement. */
static enum rc retention_erase_rows(struct store *store, enum retention_kind kind, int64_t limit, int64_t *count, struct err *err)
{
    struct statement *s = NULL;
    if (kind == RETENTION_USE)
        return usage_erase(store, limit, count, err);
    enum rc rc = retention_query(store, "DELETE", kind, limit, &s, err);
    if (!rc)
        rc = statement_run(s, count, err);
    statement_done(s);
    return rc;
}

enum rc retention_erase(struct store *store, enum retention_kind kind, const char *date, int64_t *count,
                        struct err *err)
{
    struct retention_item *items = NULL;
    size_t found = 0;
    int64_t limit, erased = 0;
    bool plain = kind == RETENTION_USE || kind == RETENTION_NOTICE;
    enum rc rc = retention_limit(store, kind, date, &limit, err);
    if (!rc)
        rc = plain ? retention_erase_rows(store, kind, limit, &erased, err)
                   : retention_collect(store, kind, limit, &items, &found, err);
    for (size_t i = 0; !rc && i < found; i++)
        rc = retention_each(store, kind == RETENTION_SUPERSEDED ? of_row : of_person, items[i].code, items[i].revision,
                            err);
    free(items);
    if (!plain)
        erased = (int64_t)found;
    if (!rc)
        rc = retention_trace(store, kind, limit, erased, err);
    if (!rc)
        *count = erased;
    return rc;
}

static json_t *retention_erased(struct statement *s)
{
    char time[CLOCK_TEXT_SIZE], before[CLOCK_TEXT_SIZE];
    clock_format(column_integer(s, 0), time);
    clock_format(column_integer(s, 2), before);
    return json_pack("{s:s, s:s, s:s, s:I}", "time", time, "kind", column_text(s, 1), "before", before, "erased",
                     (json_int_t)column_integer(s, 3));
}

enum rc retention_traces(struct store *store, json_t **traces, struct err *err)
{
    return rowlist_read(store, "SELECT time, kind, before, count FROM erasure ORDER BY id", NULL, retention_erased, traces, err);
}

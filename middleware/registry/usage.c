/* usage.c — the record of use. */
#include "registry/usage.h"

#include "base/clock.h"
#include "registry/day.h"
#include "store/storerows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS 13
#define TEXTS (COLUMNS - 1)

struct usage_rows {
    int64_t now;
    char day[11];
    const struct usage_use *uses;
    bool alone; /* a row's parameters are those of the row before: */
    const char *last[TEXTS]; /* what is the same again is not bound again */
};

static void usage_bind(void *context, struct statement *s, int first, size_t row)
{
    struct usage_rows *rows = context;
    const struct usage_use *use = &rows->uses[row];
    const char *const texts[TEXTS] = {
        role_name(use->peer->role), use->peer->municipality, use->peer->name, use->peer->serial, use->action, use->record, use->result,
        use->task,                  use->way,                use->why,        use->fields,       rows->day,
    };
    bind_integer(s, first, rows->now);
    for (int i = 0; i < TEXTS; i++) {
        if (!rows->alone || !rows->last[i] || strcmp(rows->last[i], texts[i]) != 0)
            bind_text(s, first + 1 + i, texts[i]);
        rows->last[i] = texts[i];
    }
}

enum rc usage_write_uses(struct store *store, const struct usage_use *uses, size_t count, struct err *err)
{
    struct usage_rows rows = { .now = clock_now(), .uses = uses, .alone = !store_is_served(store) };
    const struct store_rows shape = { "INSERT INTO usage (time, role, municipality, name, serial, action, record, result, task, way, why, fields, "
                                      "day) VALUES ", "", COLUMNS, usage_bind, &rows };
    day_of(rows.now, rows.day);
    return store_insert(store, &shape, count, err);
}

enum rc usage_write(struct store *store, const struct peer *peer, const char *action, const char *record,
                    const char *result, struct err *err)
{
    const struct usage_use use = {peer, action, record, result, "", "", "", ""};
    return usage_write_uses(store, &use, 1, err);
}

/* --- looking --------------------------------------------------------------------------------------------------------
 * What a resident is known by is gathered first, and then only that is asked for: on PostgreSQL in its partitions alone. */

struct names {
    char (*list)[USAGE_RECORD_SIZE];
    size_t count, room;
};

static enum rc names_keep(struct names *names, const char *name, struct err *err)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->list[i], name) == 0)
            return RC_OK;
    if (names->count == names->room) {
        size_t room = 2 * names->room + 8;
        char(*list)[USAGE_RECORD_SIZE] = realloc(names->list, room * sizeof *list);
        if (!list)
            return err_set(err, RC_NOMEM, "uses");
        names->list = list;
        names->room = room;
    }
    snprintf(names->list[names->count++], USAGE_RECORD_SIZE, "%s", name);
    return RC_OK;
}

/* What a query about a code finds. */
static enum rc names_add(struct names *names, struct store *store, const char *sql, const char *code, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_query(store, sql, BINDS(BIND_TEXT(code)), &s, err);
    while (!rc && !(rc = statement_step(s, err)))
        rc = names_keep(names, column_text(s, 0), err);
    statement_done(s);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

/* The code and those before it, then the certificates. */
static enum rc names_find(struct names *names, struct store *store, const char *code, struct err *err)
{
    enum rc rc = names_keep(names, code, err);
    for (size_t i = 0; !rc && i < names->count; i++) {
        char had[USAGE_RECORD_SIZE]; /* the list may move */
        memcpy(had, names->list[i], sizeof had);
        rc = names_add(names, store, "SELECT previous_code FROM history WHERE code = ?1 AND previous_code <> ''", had, err);
    }
    return rc ? rc : names_add(names, store, "SELECT authority || '/' || serial FROM link WHERE code = ?1", code, err);
}

/* How many a statement has: powers of two, the last one several times, so that there are few texts of it. */
static size_t names_asked(const struct names *names)
{
    size_t asked = 4;
    while (asked < names->count)
        asked *= 2;
    return asked;
}

static enum rc names_text(const struct names *names, struct buf *out)
{
    enum rc rc = RC_OK;
    for (size_t i = 0; !rc && i < names_asked(names); i++)
        rc = buf_printf(out, "%s?%zu", i ? ", " : "", i + 3);
    return rc;
}

/* The days on which anything was filed, and on each what was used of it; and what is not filed yet. What is just being filed is both. */
#define USAGE_COLUMNS                                                                                                  \
    "u.time, u.role, u.municipality, u.name, u.action, u.record, u.result, u.task, u.way, u.why, u.fields, u.id "
#define USAGE_WINDOW "u.time >= ?1 AND u.time < ?2 "
static enum rc usage_query(struct store *store, const struct names *names, int64_t from, int64_t until, struct statement **s,
                           struct err *err)
{
    struct buf list = {0}, sql = {0};
    enum rc rc = names_text(names, &list);
    const char *texts = rc ? NULL : buf_string(&list), *text = NULL;
    if (!rc && !texts)
        rc = RC_NOMEM;
    if (!rc)
        rc = buf_printf(&sql,
                        "WITH RECURSIVE days (day) AS (SELECT min(day) FROM usage_filed UNION ALL SELECT (SELECT min(f.day) FROM "
                        "usage_filed f WHERE f.day > days.day) FROM days WHERE days.day IS NOT NULL) "
                        "SELECT " USAGE_COLUMNS "FROM days CROSS JOIN usage_filed f CROSS JOIN usage u WHERE f.day = days.day AND "
                        "f.record IN (%s) AND u.id = f.usage AND u.record = f.record AND " USAGE_WINDOW "UNION "
                        "SELECT " USAGE_COLUMNS "FROM usage u WHERE u.id > (SELECT until FROM filing) AND u.record IN (%s) AND "
                        USAGE_WINDOW "ORDER BY 12",
                        texts, texts);
    if (!rc)
        text = buf_string(&sql);
    if (!rc)
        rc = text ? store_query(store, text, BINDS(BIND_INTEGER(from), BIND_INTEGER(until)), s, err) : RC_NOMEM;
    for (size_t i = 0; !rc && i < names_asked(names); i++)
        bind_text(*s, (int)i + 3, names->list[i < names->count ? i : names->count - 1]);
    buf_wipe(&list);
    buf_wipe(&sql);
    return rc;
}

enum rc usage_each(struct store *store, const char *code, int64_t from, int64_t until,
                   enum rc (*visit)(void *context, const struct usage_row *row), void *context, struct err *err)
{
    struct names names = {0};
    struct statement *s = NULL;
    enum rc rc = names_find(&names, store, code, err);
    if (!rc)
        rc = usage_query(store, &names, from, until, &s, err);
    while (!rc && !(rc = statement_step(s, err))) {
        const struct usage_row row = {column_integer(s, 0), column_text(s, 1), column_text(s, 2), column_text(s, 3),
                                      column_text(s, 4),    column_text(s, 5), column_text(s, 6), column_text(s, 7),
                                      column_text(s, 8),    column_text(s, 9), column_text(s, 10)};
        rc = visit(context, &row);
    }
    statement_done(s);
    free(names.list);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

enum rc usage_erase(struct store *store, int64_t before, int64_t *count, struct err *err)
{
    char day[11];
    day_of(before, day);
    enum rc rc = store_run(store, "DELETE FROM usage_filed WHERE day < ?1", BINDS(BIND_TEXT(day)), NULL, err);
    if (!rc)
        rc = store_run(store, "DELETE FROM usage WHERE time < ?1", BINDS(BIND_INTEGER(before)), count, err);
    if (!rc) /* a row's number may be given again when none is above it: the newest are not always the latest, when a clock was wrong */
        rc = store_run(store, "UPDATE filing SET until = (SELECT coalesce(max(id), 0) FROM usage) WHERE until > (SELECT coalesce(max(id), 0) "
                              "FROM usage)", NULL, NULL, err);
    return rc;
}

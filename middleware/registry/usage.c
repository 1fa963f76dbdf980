/* usage.c — the record of use. */
#include "registry/usage.h"

#include "base/clock.h"
#include "registry/day.h"
#include "store/storerows.h"

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

/* What a resident is known by; the days on which anything was filed, and on each what was used of it; and what is not filed yet. What is
 * just being filed is both. */
#define USAGE_COLUMNS                                                                                                  \
    "u.time, u.role, u.municipality, u.name, u.action, u.record, u.result, u.task, u.way, u.why, u.fields, u.id "
#define USAGE_WINDOW "u.time >= ?2 AND u.time < ?3 "
static const char usage_of[] =
    "WITH RECURSIVE had (code) AS (SELECT code FROM resident WHERE code = ?1 UNION SELECT h.previous_code FROM history h "
    "JOIN had ON h.code = had.code WHERE h.previous_code <> ''), "
    "known (record) AS (SELECT code FROM had UNION SELECT authority || '/' || serial FROM link WHERE code = ?1), "
    "days (day) AS (SELECT min(day) FROM usage_filed UNION ALL SELECT (SELECT min(f.day) FROM usage_filed f WHERE "
    "f.day > days.day) FROM days WHERE days.day IS NOT NULL) "
    "SELECT " USAGE_COLUMNS "FROM days CROSS JOIN known CROSS JOIN usage_filed f CROSS JOIN usage u "
    "WHERE f.day = days.day AND f.record = known.record AND u.id = f.usage AND " USAGE_WINDOW "UNION "
    "SELECT " USAGE_COLUMNS "FROM usage u WHERE u.id > (SELECT until FROM filing) AND "
    "u.record IN (SELECT record FROM known) AND " USAGE_WINDOW "ORDER BY 12";

enum rc usage_each(struct store *store, const char *code, int64_t from, int64_t until,
                   enum rc (*visit)(void *context, const struct usage_row *row), void *context, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_query(store, usage_of, BINDS(BIND_TEXT(code), BIND_INTEGER(from), BIND_INTEGER(until)), &s, err);
    while (!rc && !(rc = statement_step(s, err))) {
        const struct usage_row row = {column_integer(s, 0), column_text(s, 1), column_text(s, 2), column_text(s, 3),
                                      column_text(s, 4),    column_text(s, 5), column_text(s, 6), column_text(s, 7),
                                      column_text(s, 8),    column_text(s, 9), column_text(s, 10)};
        rc = visit(context, &row);
    }
    statement_done(s);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

enum rc usage_erase(struct store *store, int64_t before, int64_t *count, struct err *err)
{
    char day[11];
    day_of(before, day);
    enum rc rc = store_run(store, "DELETE FROM usage_filed WHERE day < ?1", BINDS(BIND_TEXT(day)), NULL, err);
    if (!rc)
        rc = store_run(store, "DELETE FROM usage WHERE time < ?1", BINDS(BIND_INTEGER(before)), count, err);
    if (!rc) /* a row's number may be given again when none is above it */
        rc = store_run(store, "UPDATE filing SET until = 0 WHERE NOT EXISTS (SELECT 1 FROM usage)", NULL, NULL, err);
    return rc;
}

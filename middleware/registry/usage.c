/* usage.c — the record of use. */
#include "registry/usage.h"

#include "base/clock.h"
#include "registry/day.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define COLUMNS 13
#define TEXTS (COLUMNS - 1)
#define TOGETHER 32 /* rows of one statement */

/* The texts for one row and for TOGETHER. */
static char usage_one[1000], usage_many[4000];

static void usage_text(char *out, size_t size, int rows)
{
    size_t used =
        (size_t)snprintf(out, size,
                         "INSERT INTO usage (time, role, municipality, name, serial, action, record, result, task, "
                         "way, why, fields, day) VALUES ");
    for (int i = 0; i < rows * COLUMNS && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s?%d%s",
                                 i % COLUMNS ? ", "
                                 : i         ? ", ("
                                             : "(",
                                 i + 1, i % COLUMNS == COLUMNS - 1 ? ")" : "");
}

static void usage_texts(void)
{
    usage_text(usage_one, sizeof usage_one, 1);
    usage_text(usage_many, sizeof usage_many, TOGETHER);
}

/* last: what the statement's only row was in its last run, or NULL; what is the same again is not bound again. */
static void usage_bind(struct statement *s, int first, int64_t now, const char *day, const struct usage_use *use,
                       const char *last[TEXTS])
{
    const char *const texts[] = {role_name(use->peer->role),
                                 use->peer->municipality,
                                 use->peer->name,
                                 use->peer->serial,
                                 use->action,
                                 use->record,
                                 use->result,
                                 use->task,
                                 use->way,
                                 use->why,
                                 use->fields,
                                 day};
    bind_integer(s, first, now);
    for (int i = 0; i < TEXTS; i++) {
        if (!last || !last[i] || strcmp(last[i], texts[i]) != 0)
            bind_text(s, first + 1 + i, texts[i]);
        if (last)
            last[i] = texts[i];
    }
}

static enum rc usage_write_rows(struct store *store, int64_t now, const char *day, const struct usage_use *uses,
                                struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_prepare(store, usage_many, &s, err);
    for (int i = 0; !rc && i < TOGETHER; i++)
        usage_bind(s, 1 + i * COLUMNS, now, day, &uses[i], NULL);
    if (!rc)
        rc = statement_run(s, NULL, err);
    statement_done(s);
    return rc;
}

static enum rc usage_write_each(struct store *store, int64_t now, const char *day, const struct usage_use *uses,
                                size_t count, struct err *err)
{
    const char *last[TEXTS] = {NULL};
    struct statement *s = NULL;
    enum rc rc = count ? store_prepare(store, usage_one, &s, err) : RC_OK;
    for (size_t i = 0; !rc && i < count; i++) {
        usage_bind(s, 1, now, day, &uses[i], last);
        rc = statement_run(s, NULL, err);
    }
    statement_done(s);
    return rc;
}

enum rc usage_write_uses(struct store *store, const struct usage_use *uses, size_t count, struct err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    char day[11];
    int64_t now = clock_now();
    enum rc rc = RC_OK;
    size_t done = 0;
    day_of(now, day);
    pthread_once(&once, usage_texts);
    for (; !rc && store_is_served(store) && count - done >= TOGETHER; done += TOGETHER)
        rc = usage_write_rows(store, now, day, &uses[done], err);
    return rc ? rc : usage_write_each(store, now, day, &uses[done], count - done, err);
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

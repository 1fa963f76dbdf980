/* usage.c — the record of use. */
#include "registry/usage.h"

#include "base/clock.h"
#include "registry/day.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define COLUMNS 13
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
                       const char *last[COLUMNS - 1])
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
    for (int i = 0; i < COLUMNS - 1; i++) {
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
    const char *last[COLUMNS - 1] = {NULL};
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

enum rc usage_each(struct store *store, const char *code, enum rc (*visit)(void *context, const struct usage_row *row),
                   void *context, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_prepare(store,
                               "SELECT time, role, municipality, name, action, record, result FROM usage "
                               "WHERE record = ?1 OR record IN (SELECT authority || '/' || serial FROM link "
                               "WHERE code = ?1) ORDER BY id",
                               &s, err);
    if (rc)
        return rc;
    bind_text(s, 1, code);
    while (!(rc = statement_step(s, err))) {
        const struct usage_row row = {column_integer(s, 0), column_text(s, 1), column_text(s, 2), column_text(s, 3),
                                      column_text(s, 4),    column_text(s, 5), column_text(s, 6)};
        if ((rc = visit(context, &row)))
            break;
    }
    statement_done(s);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

/* usage.c — the record of use. */
#include "registry/usage.h"

#include "base/clock.h"
#include "registry/day.h"

enum rc usage_write_use(struct store *store, const struct peer *peer, const struct usage_use *use, struct err *err)
{
    struct statement *s = NULL;
    char day[11];
    int64_t now = clock_now();
    enum rc rc = store_prepare(store, "INSERT INTO usage (time, role, municipality, name, serial, action, record, result, task, "
                                      "way, why, fields, day) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
                               &s, err);
    if (rc)
        return rc;
    day_of(now, day);
    bind_integer(s, 1, now);
    bind_text(s, 2, role_name(peer->role));
    bind_text(s, 3, peer->municipality);
    bind_text(s, 4, peer->name);
    bind_text(s, 5, peer->serial);
    bind_text(s, 6, use->action);
    bind_text(s, 7, use->record);
    bind_text(s, 8, use->result);
    bind_text(s, 9, use->task);
    bind_text(s, 10, use->way);
    bind_text(s, 11, use->why);
    bind_text(s, 12, use->fields);
    bind_text(s, 13, day);
    rc = statement_run(s, NULL, err);
    statement_done(s);
    return rc;
}

enum rc usage_write(struct store *store, const struct peer *peer, const char *action, const char *record,
                    const char *result, struct err *err)
{
    const struct usage_use use = { action, record, result, "", "", "", "" };
    return usage_write_use(store, peer, &use, err);
}

enum rc usage_each(struct store *store, const char *code, enum rc (*visit)(void *context, const struct usage_row *row),
                   void *context, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_prepare(store, "SELECT time, role, municipality, name, action, record, result FROM usage "
                                      "WHERE record = ?1 OR record IN (SELECT authority || '/' || serial FROM link "
                                      "WHERE code = ?1) ORDER BY id", &s, err);
    if (rc)
        return rc;
    bind_text(s, 1, code);
    while (!(rc = statement_step(s, err))) {
        const struct usage_row row = { column_integer(s, 0), column_text(s, 1), column_text(s, 2), column_text(s, 3),
                                       column_text(s, 4),    column_text(s, 5), column_text(s, 6) };
        if ((rc = visit(context, &row)))
            break;
    }
    statement_done(s);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

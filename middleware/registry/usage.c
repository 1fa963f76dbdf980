/* usage.c — the record of use. */
#include "registry/usage.h"

#include "base/clock.h"

enum rc usage_write(struct store *store, const struct peer *peer, const char *action, const char *record,
                    const char *result, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_prepare(store, "INSERT INTO usage (time, role, municipality, name, serial, action, record, result) "
                                      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)", &s, err);
    if (rc)
        return rc;
    bind_integer(s, 1, clock_now());
    bind_text(s, 2, role_name(peer->role));
    bind_text(s, 3, peer->municipality);
    bind_text(s, 4, peer->name);
    bind_text(s, 5, peer->serial);
    bind_text(s, 6, action);
    bind_text(s, 7, record);
    bind_text(s, 8, result);
    rc = statement_run(s, NULL, err);
    statement_done(s);
    return rc;
}

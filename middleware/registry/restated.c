/* restated.c — which certificates a record that is told again ends. The record that stands here is no witness, since it may be
 * what was damaged; its history is. What the municipality told last has had its effect already, so when that is what it says
 * now, nothing has changed since. Otherwise each certificate is judged by the state at its issue. */
#include "registry/restated.h"

#include "registry/certlink.h"
#include "registry/outbox.h"

#include <stdlib.h>
#include <string.h>

/* Whether a revision had the same four attributes, former name and alias. One that is not kept: no. */
static enum rc restated_same(struct store *store, const struct resident *now, int64_t revision, bool *same, struct err *err)
{
    struct ledger_past past;
    enum rc rc = ledger_history(store, now->code, revision, &past, err);
    *same = !rc && record_same_person_data(&past.resident, now);
    explicit_bzero(&past, sizeof past);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

/* The certificates that go on until now. Caller frees. */
static enum rc restated_collect(struct store *store, const char *code, int64_t time, struct certlink **links, size_t *count,
                                struct err *err)
{
    struct statement *s = NULL;
    *count = 0;
    enum rc rc = store_query(store,
                             "SELECT authority, serial, revision FROM link WHERE code = ?1 AND not_after > ?2 AND removed = 0 AND "
                             "changed = 0 ORDER BY authority, serial",
                             BINDS(BIND_TEXT(code), BIND_INTEGER(time)), &s, err);
    while (!rc && !(rc = statement_step(s, err))) {
        struct certlink *more = realloc(*links, (*count + 1) * sizeof *more);
        if (!more) {
            rc = err_set(err, RC_NOMEM, "certificates");
            break;
        }
        *links = more;
        more[*count] = (struct certlink){.revision = column_integer(s, 2)};
        rc = certificate_name(column_text(s, 0), column_text(s, 1), &more[(*count)++].certificate, err);
    }
    statement_done(s);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

/* *event: its number once there is one. */
static enum rc restated_end(struct store *store, const struct certificate *certificate, int64_t time, int64_t *event,
                            struct err *err)
{
    enum rc rc = *event ? RC_OK : outbox_begin_event(store, "attributes-changed", time, event, err);
    if (!rc)
        rc = outbox_add_certificate(store, *event, certificate, err);
    return rc ? rc : store_run(store, "UPDATE link SET changed = ?3 WHERE authority = ?1 AND serial = ?2",
                               BINDS(BIND_TEXT(authority_name(certificate->authority)), BIND_TEXT(certificate->serial),
                                     BIND_INTEGER(time)), NULL, err);
}

enum rc restated_tell(struct store *store, const struct resident *now, int64_t revision, int64_t time, struct err *err)
{
    struct certlink *links = NULL;
    size_t count = 0;
    int64_t event = 0;
    bool same;
    enum rc rc = restated_same(store, now, revision - 1, &same, err);
    if (!rc && !same)
        rc = restated_collect(store, now->code, time, &links, &count, err);
    for (size_t i = 0; !rc && i < count; i++) {
        if (links[i].revision < revision) /* where everything was lost, the numbers begin anew */
            rc = restated_same(store, now, links[i].revision, &same, err);
        if (!rc && !same)
            rc = restated_end(store, &links[i].certificate, time, &event, err);
    }
    free(links);
    return rc;
}

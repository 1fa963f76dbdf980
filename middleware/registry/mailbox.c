/* mailbox.c — letters, numbered and kept. */
#include "registry/mailbox.h"

#include "base/clock.h"
#include "net/json.h"
#include "registry/ledger.h"

#include <stdio.h>
#include <string.h>

enum rc mailbox_put(struct store *store, const char *municipality, const char *kind, const json_t *body,
                    struct err *err)
{
    struct buf text = {0};
    enum rc rc = json_write(body, &text);
    if (!rc)
        rc = store_run(store,
                       "INSERT INTO letter (municipality, sequence, kind, body, recorded, sent) "
                       "SELECT ?1, coalesce(max(sequence), 0) + 1, ?2, ?3, ?4, 0 FROM letter WHERE municipality = ?1",
                       BINDS(BIND_TEXT(municipality), BIND_TEXT(kind), BIND_TEXT(buf_string(&text)),
                             BIND_INTEGER(clock_now())), NULL, err);
    buf_wipe(&text);
    return rc;
}

enum rc mailbox_next(struct store *store, const char *after, char municipality[7], struct err *err)
{
    return store_text(store,
                      "SELECT municipality FROM letter WHERE sent = 0 AND municipality > ?1 "
                      "ORDER BY municipality LIMIT 1",
                      BINDS(BIND_TEXT(after)), municipality, 7, err);
}

enum rc mailbox_letter(struct store *store, const char *municipality, int64_t *sequence, json_t **letter,
                       struct err *err)
{
    struct statement *s = NULL;
    json_t *body = NULL;
    enum rc rc = store_row(store,
                           "SELECT sequence, kind, body FROM letter WHERE municipality = ?1 AND sent = 0 "
                           "ORDER BY sequence LIMIT 1",
                           BINDS(BIND_TEXT(municipality)), &s, err);
    if (!rc) {
        const char *text = column_text(s, 2);
        *sequence = column_integer(s, 0);
        rc = json_read(bytes_of(text, strlen(text)), &body, err);
    }
    if (!rc) {
        *letter =
            json_pack("{s:I, s:s, s:o}", "sequence", (json_int_t)*sequence, "kind", column_text(s, 1), "body", body);
        rc = *letter ? RC_OK : RC_NOMEM;
    }
    statement_done(s);
    return rc;
}

enum rc mailbox_sent(struct store *store, const char *municipality, int64_t sequence, struct err *err)
{
    return store_run(store,
                     "UPDATE letter SET sent = CASE WHEN sequence > ?2 THEN 0 WHEN sent = 0 THEN ?3 ELSE sent END "
                     "WHERE municipality = ?1",
                     BINDS(BIND_TEXT(municipality), BIND_INTEGER(sequence), BIND_INTEGER(clock_now())), NULL, err);
}

enum rc mailbox_heard(struct store *store, const char *municipality, int64_t *sequence, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_row(store, "SELECT sequence FROM mailbox WHERE municipality = ?1",
                           BINDS(BIND_TEXT(municipality)), &s, err);
    if (rc == RC_OK || rc == RC_NOT_FOUND)
        *sequence = rc ? 0 : column_integer(s, 0);
    statement_done(s);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

enum rc mailbox_hear(struct store *store, const char *municipality, int64_t sequence, struct err *err)
{
    return store_run(store,
                     "INSERT INTO mailbox (municipality, sequence) VALUES (?1, ?2) "
                     "ON CONFLICT (municipality) DO UPDATE SET sequence = ?2",
                     BINDS(BIND_TEXT(municipality), BIND_INTEGER(sequence)), NULL, err);
}

enum rc mailbox_waiting(struct store *store, int64_t *count, struct err *err)
{
    return ledger_count(store, "SELECT count(*) FROM letter WHERE sent = 0", count, err);
}

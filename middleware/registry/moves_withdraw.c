/* moves_withdraw.c — 転出取消: a 転出届 that is withdrawn before its planned day, at both ends. */
#include "registry/moves_parts.h"

#include "base/clock.h"
#include "net/json.h"
#include "registry/code.h"
#include "registry/mailbox.h"

#include <string.h>

/* The newest 転出届 of the person; RC_OK only when it can be withdrawn. */
static enum rc withdraw_find(struct store *store, const char *code, char request[REQUEST_MAX + 1], char to[7],
                             char planned[11], struct err *err)
{
    struct statement *s = NULL;
    char today[11];
    municipal_today(today);
    enum rc rc = store_row(store,
                           "SELECT request, destination, date, struck FROM leaving WHERE code = ?1 "
                           "AND withdrawn = 0 AND closed = 0 ORDER BY recorded DESC, request LIMIT 1",
                           BINDS(BIND_TEXT(code)), &s, err);
    if (!rc) {
        column_copy(s, 0, request, REQUEST_MAX + 1);
        column_copy(s, 1, to, 7);
        column_copy(s, 2, planned, 11);
        if (column_integer(s, 3) != 0 || strcmp(planned, today) <= 0)
            rc = err_set(err, RC_STATE, "the planned day %s has come: the 転出 stands", planned);
    }
    statement_done(s);
    return rc == RC_NOT_FOUND ? err_set(err, rc, "no 転出届 of this person is open") : rc;
}

enum rc moves_withdraw(void *context, struct store *store, const json_t *body, json_t **answer, struct err *err)
{
    (void)context;
    const char *code;
    char request[REQUEST_MAX + 1], to[7], planned[11];
    json_t *letter = NULL;
    enum rc rc = json_want_text(body, "code", 64, &code, err);
    if (!rc && code_check(code))
        rc = err_set(err, RC_FORMAT, "code: not 11 digits with a right check digit");
    if (!rc)
        rc = withdraw_find(store, code, request, to, planned, err);
    if (!rc)
        rc = store_run(store, "UPDATE leaving SET withdrawn = ?2 WHERE request = ?1",
                       BINDS(BIND_TEXT(request), BIND_INTEGER(clock_now())), NULL, err);
    if (!rc) /* how it was made, with a card: not any more */
        rc = store_run(store, "DELETE FROM departure WHERE code = ?1", BINDS(BIND_TEXT(code)), NULL, err);
    if (!rc && !(letter = json_pack("{s:s, s:s}", "code", code, "date", planned)))
        rc = RC_NOMEM;
    if (!rc)
        rc = mailbox_put(store, to, MAIL_WITHDRAWN, letter, err);
    json_decref(letter);
    if (!rc && !(*answer = json_pack("{s:s, s:s, s:s}", "code", code, "to", to, "planned", planned)))
        rc = RC_NOMEM;
    return rc;
}

enum rc moves_hear_withdrawn(struct store *store, const char *from, const json_t *body, struct err *err)
{
    const char *code, *date;
    enum rc rc = json_want_text(body, "code", 11, &code, err);
    if (!rc)
        rc = json_want_text(body, "date", 10, &date, err);
    return rc ? rc
              : store_run(store, "DELETE FROM incoming WHERE origin = ?1 AND code = ?2 AND date = ?3 AND revision = 0",
                          BINDS(BIND_TEXT(from), BIND_TEXT(code), BIND_TEXT(date)), NULL, err);
}

/* wanted.c — who waits for a number. */
#include "registry/wanted.h"

#include "base/clock.h"
#include "registry/code.h"
#include "registry/gate.h"
#include "registry/posted.h"
#include "registry/rowlist.h"

#include <stdio.h>
#include <string.h>

#define WANTED_SOME 200

static enum rc wanted_add(struct store *store, const struct wanted *wanted, const char *previous, struct err *err)
{
    return store_run(store,
                     "INSERT INTO wanted (request, code, previous, reason, date, why, recorded, number) "
                     "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, '')",
                     BINDS(BIND_TEXT(wanted->request), BIND_TEXT(wanted->code), BIND_TEXT(previous),
                           BIND_TEXT(reason_get(wanted->reason)->name), BIND_TEXT(wanted->date), BIND_TEXT(wanted->why),
                           BIND_INTEGER(clock_now())), NULL, err);
}

/* Whether the person waits for an answer: RC_OK, RC_NOT_FOUND. */
static enum rc wanted_waits(struct store *store, const char *code, char request[80], enum reason *reason, char date[11],
                            char previous[13], struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_row(store, "SELECT request, reason, date, previous FROM wanted WHERE code = ?1 AND number = ''",
                           BINDS(BIND_TEXT(code)), &s, err);
    if (!rc) {
        column_copy(s, 0, request, 80);
        if (reason_parse(column_text(s, 1), reason))
            rc = err_set(err, RC_FORMAT, "the store names a reason that this program does not know");
        column_copy(s, 2, date, 11);
        column_copy(s, 3, previous, 13);
    }
    statement_done(s);
    return rc;
}

enum rc wanted_first(struct store *store, const char *code, const char *date, struct err *err)
{
    char request[80], then[11], previous[13];
    enum reason reason;
    enum rc rc = wanted_waits(store, code, request, &reason, then, previous, err);
    if (rc != RC_NOT_FOUND)
        return rc;
    snprintf(request, sizeof request, "first %s %lld", code, (long long)clock_now());
    const struct wanted wanted = {request, code, date, "", REASON_NUMBER_ENTERED};
    return wanted_add(store, &wanted, "", err);
}

enum rc wanted_everybody(struct store *store, size_t max, int64_t *count, struct err *err)
{
    char today[11], codes[WANTED_SOME][12];
    bool numbers = false;
    struct statement *s = NULL;
    size_t have = 0;
    municipal_today(today);
    *count = 0;
    enum rc rc = gate_open(store, GATE_PERSONAL_NUMBERS, today, &numbers, err);
    if (rc || !numbers)
        return rc;
    rc = store_query(store,
                     "SELECT r.code FROM resident r WHERE r.personal_number = '' AND r.removed = 0 AND NOT EXISTS "
                     "(SELECT 1 FROM wanted w WHERE w.code = r.code AND w.number = '') ORDER BY r.code LIMIT ?1",
                     BINDS(BIND_INTEGER((int64_t)(max < WANTED_SOME ? max : WANTED_SOME))), &s, err);
    if (rc)
        return rc;
    while (!(rc = statement_step(s, err)))
        column_copy(s, 0, codes[have++], sizeof codes[0]);
    statement_done(s);
    rc = rc == RC_NOT_FOUND ? RC_OK : rc;
    for (size_t i = 0; !rc && i < have; i++)
        rc = wanted_first(store, codes[i], today, err);
    if (!rc)
        *count = (int64_t)have;
    return rc;
}

static enum rc wanted_known(struct store *store, const struct wanted *wanted, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_row(store, "SELECT code, reason, date, why FROM wanted WHERE request = ?1",
                           BINDS(BIND_TEXT(wanted->request)), &s, err);
    if (!rc && (strcmp(column_text(s, 0), wanted->code) != 0 ||
                strcmp(column_text(s, 1), reason_get(wanted->reason)->name) != 0 ||
                strcmp(column_text(s, 2), wanted->date) != 0 || strcmp(column_text(s, 3), wanted->why) != 0))
        rc = err_set(err, RC_CONFLICT, "request: this name was used for another request");
    statement_done(s);
    return rc;
}

enum rc wanted_change(struct store *store, const struct wanted *wanted, bool *known, struct err *err)
{
    struct ledger_row row;
    char request[80], date[11], previous[13];
    enum reason reason;
    enum rc rc = wanted_known(store, wanted, err);
    *known = rc == RC_OK;
    if (rc != RC_NOT_FOUND)
        return rc;
    rc = ledger_find_code(store, wanted->code, &row, err);
    if (rc)
        return rc == RC_NOT_FOUND ? err_set(err, rc, "no such resident") : rc;
    if (row.removed)
        return err_set(err, RC_STATE, "the record has been removed from the register");
    if (!row.resident.particulars.personal_number[0])
        return err_set(err, RC_STATE, "the person has no 個人番号 yet");
    rc = wanted_waits(store, wanted->code, request, &reason, date, previous, err);
    if (rc == RC_OK)
        return err_set(err, RC_STATE, "another 個人番号 has been asked for already");
    return rc == RC_NOT_FOUND ? wanted_add(store, wanted, row.resident.particulars.personal_number, err) : rc;
}

static json_t *wanted_item(struct statement *s)
{
    return json_pack("{s:s, s:s}", "code", column_text(s, 0), "previous", column_text(s, 1));
}

enum rc wanted_items(struct store *store, size_t max, json_t **out, struct err *err)
{
    return rowlist_read(store,
                        "SELECT w.code, w.previous FROM wanted w JOIN resident r ON r.code = w.code "
                        "WHERE w.number = '' AND r.removed = 0 ORDER BY w.recorded, w.request LIMIT ?1",
                        BINDS(BIND_INTEGER((int64_t)max)), wanted_item, out, err);
}

static enum rc wanted_close(struct store *store, const char *request, const char *number, struct err *err)
{
    return store_run(store, "UPDATE wanted SET number = ?2 WHERE request = ?1",
                     BINDS(BIND_TEXT(request), BIND_TEXT(number)), NULL, err);
}

enum rc wanted_given(struct store *store, const char *municipality, const char *code, const char *number,
                     struct err *err)
{
    struct ledger_row row;
    char request[80], date[11], previous[13];
    enum reason reason;
    int64_t notice;
    if (code_check_personal(number))
        return err_set(err, RC_FORMAT, "number: not 12 digits with a right check digit");
    enum rc rc = wanted_waits(store, code, request, &reason, date, previous, err);
    if (rc)
        return rc == RC_NOT_FOUND ? RC_OK : rc; /* an answer that came twice */
    rc = ledger_find_code(store, code, &row, err);
    if (!rc)
        rc = wanted_close(store, request, number, err);
    if (rc)
        return rc;
    struct resident *resident = &row.resident;
    if (row.removed || strcmp(resident->municipality, municipality) != 0 ||
        strcmp(resident->particulars.personal_number, number) == 0)
        return RC_OK;
    snprintf(resident->particulars.personal_number, sizeof resident->particulars.personal_number, "%s", number);
    rc = municipal_apply(store, resident, reason, date, NULL, &notice, err);
    if (!rc)
        rc = ledger_find_code(store, code, &row, err);
    return rc ? rc : posted_add(store, POSTED_NUMBER, code, row.revision, date, err);
}

enum rc wanted_recode(struct store *store, const char *previous, const char *code, struct err *err)
{
    return store_run(store, "UPDATE wanted SET code = ?2 WHERE code = ?1",
                     BINDS(BIND_TEXT(previous), BIND_TEXT(code)), NULL, err);
}

/* release.c — passing a person on. */
#include "registry/release.h"

#include "net/json.h"
#include "registry/certlink.h"
#include "registry/outbox.h"

#include <string.h>

static enum rc release_pass(struct store *store, const char *sql, const char *code, const char *municipality,
                            struct err *err)
{
    return store_run(store, sql, BINDS(BIND_TEXT(code), BIND_TEXT(municipality)), NULL, err);
}

/* The release's texts, and whether it is about this entry. */
static bool release_fits(const json_t *json, const struct notice *notice, const char *owner, const char **date)
{
    const json_t *release = json_object_get(json, "release");
    const char *kind, *code, *from, *to;
    if (json_want_text(release, "kind", 16, &kind, NULL) || json_want_text(release, "code", 11, &code, NULL) ||
        json_want_text(release, "from", 6, &from, NULL) || json_want_text(release, "to", 6, &to, NULL) ||
        json_want_text(release, "date", 10, date, NULL))
        return false;
    return strcmp(kind, "release") == 0 && strcmp(code, notice->resident.code) == 0 &&
           strcmp(to, notice->resident.municipality) == 0 && strcmp(from, owner) == 0 && date_check(*date) == RC_OK;
}

enum rc release_use(struct store *store, const struct notice *notice, const json_t *json, struct err *err)
{
    struct ledger_row present;
    struct ledger_change change;
    const char *date;
    bool moved_in = notice->reason == REASON_MOVE_IN || notice->reason == REASON_MOVE_IN_2002;
    enum rc rc = moved_in ? ledger_find_code(store, notice->resident.code, &present, err) : RC_NOT_FOUND;
    if (rc)
        return rc == RC_NOT_FOUND ? RC_OK : rc;
    const char *owner = present.resident.municipality;
    if (present.removed || strcmp(owner, notice->resident.municipality) == 0 ||
        !release_fits(json, notice, owner, &date))
        return RC_OK;
    enum reason reason = notice->reason == REASON_MOVE_IN ? REASON_MOVE_OUT : REASON_MOVE_OUT_2002;
    rc = ledger_put(store, &present.resident, reason, date, notice->recorded, &change, err);
    if (!rc)
        rc = outbox_add_event(store, present.resident.code, change.effect, notice->recorded, err);
    if (!rc)
        rc = certlink_mark(store, present.resident.code, change.effect, notice->recorded, err);
    return rc ? rc
              : release_pass(store,
                             "INSERT INTO passed (code, municipality) VALUES (?1, ?2) "
                             "ON CONFLICT (code, municipality) DO NOTHING",
                             present.resident.code, owner, err);
}

enum rc release_late(struct store *store, const struct notice *notice, bool *late, struct err *err)
{
    struct statement *s = NULL;
    const char *code = notice->previous_code[0] ? notice->previous_code : notice->resident.code;
    enum rc rc = store_row(store, "SELECT 1 FROM passed WHERE code = ?1 AND municipality = ?2",
                           BINDS(BIND_TEXT(code), BIND_TEXT(notice->resident.municipality)), &s, err);
    statement_done(s);
    *late = rc == RC_OK;
    if (rc)
        return rc == RC_NOT_FOUND ? RC_OK : rc;
    if (notice->kind != NOTICE_RECORD || reason_get(notice->reason)->change != CHANGE_REMOVAL)
        return RC_OK;
    return release_pass(store, "DELETE FROM passed WHERE code = ?1 AND municipality = ?2", code,
                        notice->resident.municipality, err);
}

/* municipal.c — the municipality's operations over its store. */
#include "registry/municipal.h"

#include "base/clock.h"
#include "base/fault.h"
#include "registry/cards.h"
#include "registry/characters.h"
#include "registry/code.h"
#include "registry/outbox.h"

#include <stdio.h>
#include <string.h>

enum rc municipal_enter(struct store *store, const struct resident *resident, enum reason reason, const char *date,
                        int64_t *notice, struct err *err)
{
    struct ledger_change change;
    int64_t now = clock_now();
    enum rc rc = code_check(resident->code) ? err_set(err, RC_FORMAT, "code: wrong check digit") : RC_OK;
    if (!rc)
        rc = record_check(resident, false, err);
    if (!rc)
        rc = ledger_put(store, resident, reason, date, now, &change, err);
    if (!rc)
        rc = outbox_add_notice(store, NOTICE_RECORD, resident->code, change.revision, date, now, notice, err);
    return rc;
}

enum rc municipal_recall(struct store *store, const char *request, struct municipal_record *record, struct err *err)
{
    struct municipal_record made = { 0 };
    struct ledger_past past;
    struct statement *s = NULL;
    enum rc rc = store_row(store, "SELECT notice, code, revision FROM request WHERE request = ?1",
                           BINDS(BIND_TEXT(request)), &s, err);
    if (!rc) {
        made.notice = column_integer(s, 0);
        rc = ledger_history(store, column_text(s, 1), column_integer(s, 2), &past, err);
        if (rc)
            rc = err_set(err, RC_BUG, "a request has no history");
    }
    statement_done(s);
    if (rc)
        return rc;
    made.resident = past.resident;
    made.reason = past.reason;
    memcpy(made.date, past.date, sizeof made.date);
    memcpy(made.previous_code, past.previous_code, sizeof made.previous_code);
    *record = made;
    return RC_OK;
}

/* A known request: RC_OK and its notice when it asked for the same, RC_CONFLICT when for something else. */
static enum rc municipal_known(struct store *store, const char *request, const struct resident *wanted,
                               enum reason reason, const char *date, int64_t *notice, struct err *err)
{
    struct municipal_record then;
    enum rc rc = municipal_recall(store, request, &then, err);
    if (rc)
        return rc;
    bool same = then.reason == reason && strcmp(then.date, date) == 0 &&
                strcmp(then.resident.code, wanted->code) == 0 &&
                (reason_get(reason)->change == CHANGE_REMOVAL ||
                 attributes_equal(&then.resident.attributes, &wanted->attributes));
    if (!same)
        return err_set(err, RC_CONFLICT, "request: this name was used for another request");
    *notice = then.notice;
    return RC_OK;
}

enum rc municipal_remember(struct store *store, const char *request, const char *code, int64_t revision, int64_t notice,
                           struct err *err)
{
    return store_run(store, "INSERT INTO request (request, code, revision, notice) VALUES (?1, ?2, ?3, ?4)",
                     BINDS(BIND_TEXT(request), BIND_TEXT(code), BIND_INTEGER(revision), BIND_INTEGER(notice)),
                     NULL, err);
}

static enum rc municipal_count_household(struct store *store, int64_t last, struct err *err)
{
    return store_run(store,
                     "INSERT INTO counter (name, last) VALUES ('household', ?1) "
                     "ON CONFLICT (name) DO UPDATE SET last = ?1",
                     BINDS(BIND_INTEGER(last)), NULL, err);
}

/* Counts up from the highest there was; a number without a check digit is passed over. */
enum rc municipal_new_household(struct store *store, char number[11], struct err *err)
{
    int64_t there = 0, given = 0;
    enum rc rc = ledger_count(store, "SELECT CAST(substr('0' || coalesce(max(household), ''), 1, 10) AS INTEGER) "
                                     "FROM resident", &there, err);
    if (!rc)
        rc = ledger_count(store, "SELECT coalesce(max(last), 0) FROM counter WHERE name = 'household'", &given, err);
    char digits[24] = "", check = '\0';
    int64_t next = there > given ? there : given;
    while (!rc && !check) {
        if (++next > 999999999)
            return err_set(err, RC_RANGE, "household: the numbers are used up");
        snprintf(digits, sizeof digits, "%09lld", (long long)next);
        check = code_household_digit(digits);
    }
    if (!rc)
        rc = municipal_count_household(store, next, err);
    if (!rc)
        snprintf(number, 11, "%.9s%c", digits, check);
    return rc;
}

enum rc municipal_apply(struct store *store, const struct resident *resident, enum reason reason, const char *date,
                        const char *request, int64_t *notice, struct err *err)
{
    struct ledger_change change;
    int64_t now = clock_now(), number = 0;
    enum rc rc = ledger_put(store, resident, reason, date, now, &change, err);
    if (!rc)
        rc = certlink_mark(store, resident->code, change.effect, now, err);
    if (!rc && reason_get(reason)->told != REASON_NONE)
        rc = outbox_add_notice(store, NOTICE_RECORD, resident->code, change.revision, date, now, &number, err);
    if (!rc && request)
        rc = municipal_remember(store, request, resident->code, change.revision, number, err);
    if (!rc)
        rc = cards_follow(store, resident->code, reason, date, err);
    if (!rc)
        *notice = number;
    return rc;
}

enum rc municipal_change(struct store *store, const struct resident *resident, enum reason reason, const char *date,
                         const char *request, int64_t *notice, struct err *err)
{
    const struct reason_row *why = reason_get(reason);
    if (!why || (why->change != CHANGE_CORRECTION && why->change != CHANGE_REMOVAL))
        return err_set(err, RC_USAGE, "reason: neither a correction nor a removal");
    enum rc rc = municipal_check_form(date, request, err);
    if (!rc && why->change == CHANGE_CORRECTION)
        rc = record_check(resident, false, err);
    if (!rc)
        rc = store_begin(store, err);
    if (rc)
        return rc;
    int64_t number;
    rc = municipal_known(store, request, resident, reason, date, &number, err);
    if (rc == RC_NOT_FOUND) {
        rc = municipal_apply(store, resident, reason, date, request, &number, err);
        if (!rc)
            rc = store_commit(store, err);
    }
    store_rollback(store);
    if (!rc)
        *notice = number;
    return rc;
}

enum rc municipal_move(struct store *store, const char *municipality, const char *code, const char *address,
                       const char *date, const char *request, int64_t *notice, struct err *err)
{
    struct ledger_row row;
    enum rc rc = code_check(code) ? err_set(err, RC_FORMAT, "code: not 11 digits with a right check digit") : RC_OK;
    if (!rc)
        rc = municipal_check_address(municipality, address, err);
    if (!rc)
        rc = ledger_find_code(store, code, &row, err);
    if (rc)
        return rc == RC_NOT_FOUND ? err_set(err, rc, "no such resident") : rc;
    struct resident wanted = row.resident;
    memcpy(wanted.municipality, municipality, sizeof wanted.municipality);
    rc = characters_write_address(&wanted, address, err);
    if (rc)
        return rc;

    bool present = strcmp(row.resident.attributes.address, wanted.attributes.address) == 0;
    if (present) { /* only the same request again may say what is so already */
        int64_t number;
        rc = municipal_check_form(date, request, err);
        if (!rc)
            rc = municipal_known(store, request, &wanted, REASON_MOVE, date, &number, err);
        if (rc == RC_NOT_FOUND)
            return err_set(err, RC_RANGE, "address: it is the present one");
        if (!rc)
            *notice = number;
        return rc;
    }
    fault_point("registry.before_move");
    return municipal_change(store, &wanted, REASON_MOVE, date, request, notice, err);
}

/* How the certificates stand: all linked to this resident (RC_EXISTS, *notice the latest), none or some (RC_OK), or one
 * is somebody else's (RC_CONFLICT). fresh gets those that are new. */
static enum rc municipal_sort(struct store *store, const char *code, const struct certificate *certificates,
                              size_t count, struct certificate *fresh, size_t *fresh_count, int64_t *notice,
                              struct err *err)
{
    *fresh_count = 0;
    *notice = 0;
    for (size_t i = 0; i < count; i++) {
        struct certlink link;
        enum rc rc = certlink_find(store, certificates[i].authority, certificates[i].serial, &link, err);
        if (rc == RC_NOT_FOUND) {
            fresh[(*fresh_count)++] = certificates[i];
            continue;
        }
        if (rc)
            return rc;
        if (strcmp(link.code, code) != 0)
            return err_set(err, RC_CONFLICT, "certificate %s: it is another resident's", certificates[i].serial);
        if (link.certificate.not_after != certificates[i].not_after)
            return err_set(err, RC_CONFLICT, "certificate %s: linked with another end", certificates[i].serial);
        if (link.notice > *notice)
            *notice = link.notice;
    }
    return *fresh_count ? RC_OK : RC_EXISTS;
}

static enum rc municipal_link_fresh(struct store *store, const struct ledger_row *row,
                                    const struct certificate *certificates, size_t count, int64_t *notice,
                                    struct err *err)
{
    char today[11];
    municipal_today(today);
    int64_t now = clock_now();
    enum rc rc = outbox_add_notice(store, NOTICE_CERTIFICATES_KIND, row->resident.code, row->revision, today, now, notice,
                                   err);
    for (size_t i = 0; !rc && i < count; i++) {
        struct certlink link = { .certificate = certificates[i], .revision = row->revision, .recorded = now,
                                 .notice = *notice };
        memcpy(link.code, row->resident.code, sizeof link.code);
        rc = certlink_add(store, &link, err);
    }
    struct card_row card;
    if (rc || (rc = cardbook_find_alive(store, row->resident.code, &card, err)))
        return rc == RC_NOT_FOUND ? RC_OK : rc; /* a card that comes into the ledger later claims them then */
    return cardbook_claim(store, &card, err);
}

enum rc municipal_link(struct store *store, const char *municipality, const char *code,
                       const struct attributes *attributes, const struct certificate *certificates, size_t count,
                       int64_t *notice, struct err *err)
{
    struct certificate fresh[NOTICE_CERTIFICATES];
    size_t fresh_count;
    struct ledger_row row;
    int64_t number = 0;
    if (count == 0 || count > NOTICE_CERTIFICATES)
        return err_set(err, RC_RANGE, "certificates: 1 to %d", NOTICE_CERTIFICATES);
    fault_point("registry.before_link");
    enum rc rc = store_begin(store, err);
    if (rc)
        return rc;
    rc = municipal_sort(store, code, certificates, count, fresh, &fresh_count, &number, err);
    if (rc == RC_EXISTS) {
        rc = RC_OK;
        goto out;
    }
    if (!rc)
        rc = ledger_find_code(store, code, &row, err);
    if (rc == RC_NOT_FOUND)
        rc = err_set(err, rc, "no such resident");
    if (rc)
        goto out;
    if (strcmp(row.resident.municipality, municipality) != 0)
        rc = err_set(err, RC_DENIED, "the resident is another municipality's");
    else if (row.removed)
        rc = err_set(err, RC_STATE, "the record has been removed from the register");
    else if (!attributes_equal(&row.resident.attributes, attributes))
        rc = err_set(err, RC_CONFLICT, "the resident's attributes are no longer those given");
    else
        rc = municipal_link_fresh(store, &row, fresh, fresh_count, &number, err);
    if (!rc)
        rc = store_commit(store, err);
out:
    store_rollback(store);
    if (!rc)
        *notice = number;
    return rc;
}

static enum rc municipal_look(struct store *store, const char *code, const char *name, const char *birth,
                              const char *address, struct ledger_row *row, struct err *err)
{
    char fitted[400], flags[401]; /* typed as the register writes it, found as a certificate does */
    if (!code && characters_fit(name, fitted, sizeof fitted, flags, sizeof flags, NULL) == RC_OK)
        name = fitted;
    enum rc rc = code ? ledger_find_code(store, code, row, err) : ledger_find_person(store, name, birth, address, row, err);
    if (rc == RC_NOT_FOUND)
        return err_set(err, rc, "no such resident");
    if (!rc && row->removed)
        return err_set(err, RC_STATE, "the resident has been removed from the register");
    return rc;
}

enum rc municipal_find_in(void *context, struct store *store, struct err *err)
{
    struct municipal_search *search = context;
    struct ledger_row row = { 0 };
    err_reset(&search->why);
    search->found = municipal_look(store, search->code, search->name, search->birth, search->address, &row, &search->why);
    bool named = search->found == RC_OK || search->found == RC_STATE;
    const char *code = named ? row.resident.code : search->code ? search->code : "";
    enum rc rc = usage_write(store, search->peer, "find", code, rc_name(search->found), err);
    if (!rc && !search->found)
        search->resident = row.resident;
    return rc;
}

enum rc municipal_search_check(const struct municipal_search *search, struct err *err)
{
    return search->code && code_check(search->code) /* recognised before any look-up */
               ? err_set(err, RC_FORMAT, "code: not 11 digits with a right check digit") : RC_OK;
}

enum rc municipal_find(struct store *store, const struct peer *peer, const char *code, const char *name,
                       const char *birth, const char *address, struct resident *resident, struct err *err)
{
    struct municipal_search search = { .peer = peer, .code = code, .name = name, .birth = birth, .address = address };
    enum rc rc = municipal_search_check(&search, err);
    if (!rc)
        rc = store_begin(store, err);
    if (rc)
        return rc;
    rc = municipal_find_in(&search, store, err);
    if (!rc)
        rc = store_commit(store, err);
    store_rollback(store);
    if (!rc && search.found)
        rc = err_set(err, search.found, "%s", err_text(&search.why, search.found));
    if (!rc)
        *resident = search.resident;
    return rc;
}


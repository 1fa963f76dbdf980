/* ledger.c — residents and their history. */
#include "registry/ledger.h"

#include "registry/cardbook.h"
#include "registry/ledger_row.h"
#include "registry/location.h"
#include "registry/schema.h"

#include <stdio.h>
#include <string.h>

#define HISTORY "code, revision, municipality, reason, date, recorded, previous_code, previous_number, " LEDGER_FIELDS

static const char *const role_names[] = { [NODE_MUNICIPAL] = "municipal", [NODE_PREFECTURAL] = "prefectural",
                                          [NODE_NATIONAL] = "national" };

const char *node_role_name(enum node_role role)
{
    return role_names[role];
}

enum rc node_role_parse(const char *name, enum node_role *role)
{
    for (int i = NODE_MUNICIPAL; i <= NODE_NATIONAL; i++)
        if (strcmp(name, role_names[i]) == 0) {
            *role = (enum node_role)i;
            return RC_OK;
        }
    return RC_NOT_FOUND;
}

static void ledger_text(struct statement *s, int index, char *out, size_t size)
{
    const char *text = column_text(s, index);
    size_t len = text ? strnlen(text, size - 1) : 0;
    memcpy(out, text ? text : "", len);
    out[len] = '\0';
}

static void ledger_read_fields(struct statement *s, int first, struct resident *resident)
{
    for (int i = 0; i < RECORD_FIELDS; i++)
        ledger_text(s, first + i, record_text(resident, &record_fields[i]), record_fields[i].size);
}

static void ledger_bind_fields(struct statement *s, int first, const struct resident *resident)
{
    for (int i = 0; i < RECORD_FIELDS; i++)
        bind_text(s, first + i, record_text_of(resident, &record_fields[i]));
}

void ledger_read_row(struct statement *s, int first, struct ledger_row *row)
{
    memset(row, 0, sizeof *row);
    ledger_text(s, first, row->resident.code, sizeof row->resident.code);
    ledger_text(s, first + 1, row->resident.municipality, sizeof row->resident.municipality);
    row->revision = column_integer(s, first + 2);
    row->removed = column_integer(s, first + 3);
    ledger_text(s, first + 4, row->successor, sizeof row->successor);
    ledger_read_fields(s, first + 5, &row->resident);
}

/* The store's owner. RC_NOT_FOUND when nobody claimed it. */
static enum rc ledger_owner(struct store *store, enum node_role *role, char municipality[7], struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_row(store, "SELECT role, municipality FROM node", NULL, &s, err);
    if (!rc && node_role_parse(column_text(s, 0), role))
        rc = err_set(err, RC_FORMAT, "the store names a role that this program does not know");
    if (!rc)
        ledger_text(s, 1, municipality, 7);
    statement_done(s);
    return rc;
}

static enum rc ledger_claim(struct store *store, enum node_role role, const char *municipality, struct err *err)
{
    enum node_role owner;
    char of[7];
    enum rc rc = store_begin(store, err);
    if (rc)
        return rc;
    rc = ledger_owner(store, &owner, of, err);
    if (!rc && (owner != role || strcmp(of, municipality) != 0))
        rc = err_set(err, RC_STATE, "the store belongs to the %s node of %s", node_role_name(owner), of);
    if (rc == RC_NOT_FOUND)
        rc = store_run(store, "INSERT INTO node (one, role, municipality) VALUES (1, ?1, ?2)",
                       BINDS(BIND_TEXT(node_role_name(role)), BIND_TEXT(municipality)), NULL, err);
    if (!rc)
        rc = store_commit(store, err);
    store_rollback(store);
    return rc;
}

enum rc ledger_open(const char *url, enum node_role role, const char *municipality, struct store **out, struct err *err)
{
    struct store *store = NULL;
    enum rc rc = store_open(url, registry_migrations, registry_migration_count, &store, err);
    if (rc)
        return rc;
    rc = ledger_claim(store, role, municipality, err);
    if (rc)
        store_close(store);
    else
        *out = store;
    return rc;
}

enum rc ledger_open_any(const char *url, enum node_role *role, char municipality[7], struct store **out, struct err *err)
{
    struct store *store = NULL;
    enum rc rc = store_open(url, registry_migrations, registry_migration_count, &store, err);
    if (rc)
        return rc;
    rc = ledger_owner(store, role, municipality, err);
    if (rc == RC_NOT_FOUND)
        rc = err_set(err, RC_STATE, "the store is new: no node has used it yet");
    if (rc)
        store_close(store);
    else
        *out = store;
    return rc;
}

enum rc ledger_find_in(struct store *store, const char *code, const char *municipality, struct ledger_row *row,
                       struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_row(store, "SELECT " LEDGER_ROW " FROM resident WHERE code = ?1 AND municipality = ?2",
                           BINDS(BIND_TEXT(code), BIND_TEXT(municipality)), &s, err);
    if (!rc)
        ledger_read_row(s, 0, row);
    statement_done(s);
    return rc;
}

enum rc ledger_find_code(struct store *store, const char *code, struct ledger_row *row, struct err *err)
{
    char municipality[7];
    enum rc rc = location_find(store, code, municipality, err);
    return rc ? rc : ledger_find_in(store, code, municipality, row, err);
}

void ledger_fold_name(const char *name, char *out, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; name[i] && used + 4 < size;) {
        if (name[i] != ' ' && name[i] != '\t') {
            out[used++] = name[i++];
            continue;
        }
        i += strspn(name + i, " \t");
        memcpy(out + used, "\xE3\x80\x80", 3);
        used += 3;
    }
    out[used] = '\0';
}

#define PERSON_IN(place)                                                                                                 \
    "SELECT " LEDGER_ROW " FROM resident WHERE birth = ?1 AND name IN (?2, ?3) AND address = ?4" place                           \
    " ORDER BY CASE WHEN removed = 0 THEN 0 ELSE 1 END, removed DESC LIMIT 2"

/* municipality: whose partition is asked; "": all of them. */
static enum rc ledger_find_person_in(struct store *store, const char *name, const char *birth, const char *address,
                                     const char *municipality, struct ledger_row *row, struct err *err)
{
    char folded[sizeof row->resident.attributes.name + 4];
    ledger_fold_name(name, folded, sizeof folded);
    struct statement *s = NULL;
    struct ledger_row first, second;
    enum rc rc = store_query(store, municipality[0] ? PERSON_IN(" AND municipality = ?5") : PERSON_IN(""),
                             /* a name in Latin letters has its blanks as they are */
                             BINDS(BIND_TEXT(birth), BIND_TEXT(folded), BIND_TEXT(name), BIND_TEXT(address)), &s, err);
    if (!rc && municipality[0])
        bind_text(s, 5, municipality);
    if (!rc)
        rc = statement_step(s, err);
    if (rc)
        goto out;
    ledger_read_row(s, 0, &first);
    rc = statement_step(s, err);
    if (!rc)
        ledger_read_row(s, 0, &second);
    if (!rc && !second.removed) {
        rc = err_set(err, RC_CONFLICT, "more than one resident answers to this");
        goto out;
    }
    if (!rc || rc == RC_NOT_FOUND) {
        *row = first;
        rc = RC_OK;
    }
out:
    statement_done(s);
    return rc;
}

/* An address is its municipality's, so who has it is there; the others are asked when it is nobody's there. */
enum rc ledger_find_person(struct store *store, const char *name, const char *birth, const char *address,
                           struct ledger_row *row, struct err *err)
{
    char municipality[7];
    location_of_address(address, municipality);
    enum rc rc = ledger_find_person_in(store, name, birth, address, municipality, row, err);
    return rc == RC_NOT_FOUND && municipality[0] ? ledger_find_person_in(store, name, birth, address, "", row, err) : rc;
}

/* Whether the change may be made on what stands there (present NULL: nothing). What is told again after a comparison is true
 * whatever stood there, as long as it was nobody else's. */
static enum rc ledger_judge(const struct ledger_row *present, const char *municipality, enum reason reason, struct err *err)
{
    enum change change = reason_get(reason)->change;
    bool restated = reason == REASON_RESTATED || reason == REASON_RESTATED_OUT;
    bool own = present && strcmp(present->resident.municipality, municipality) == 0;
    if (change == CHANGE_ENTRY) {
        if (!present || present->removed)
            return RC_OK;
        return own ? err_set(err, RC_CONFLICT, "entry: the code is registered already")
                   : err_set(err, RC_DENIED, "entry: the code is registered in another municipality");
    }
    if (!present)
        return reason == REASON_RESTATED ? RC_OK : err_set(err, RC_NOT_FOUND, "no such resident");
    if (!own && !(reason == REASON_RESTATED && present->removed))
        return err_set(err, RC_DENIED, "the record is another municipality's");
    if (present->removed && !restated)
        return err_set(err, RC_STATE, "the record has been removed from the register");
    return RC_OK;
}

/* A record that comes from another municipality leaves that one's partition and enters the new one's: no engine is asked to
 * change the column by which it distributes rows. */
static enum rc ledger_leave(struct store *store, const struct resident *before, struct err *err)
{
    return store_run(store, "DELETE FROM resident WHERE code = ?1 AND municipality = ?2",
                     BINDS(BIND_TEXT(before->code), BIND_TEXT(before->municipality)), NULL, err);
}

/* before: what stands there; NULL: nothing. */
static enum rc ledger_write(struct store *store, const struct resident *before, const struct ledger_row *row, struct err *err)
{
    struct statement *s = NULL;
    bool stays = before && strcmp(before->municipality, row->resident.municipality) == 0;
    enum rc rc = before && !stays ? ledger_leave(store, before, err) : RC_OK;
    if (!rc)
        rc = store_prepare(store, stays
            ? "UPDATE resident SET revision = ?3, removed = ?4, successor = ?5, name = ?6, "
              "name_substitutes = ?7, birth = ?8, sex = ?9, address = ?10, address_substitutes = ?11, furigana = ?12, "
              "former_name = ?13, former_furigana = ?14, alias = ?15, personal_number = ?16, household = ?17, position = ?18, "
              "relation = ?19, foreign_resident = ?20, romaji = ?21, resident_since = ?22, address_since = ?23, notified = ?24, "
              "former_address = ?25, original_name = ?26, original_address = ?27 WHERE code = ?1 AND municipality = ?2"
            : "INSERT INTO resident (" LEDGER_ROW ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, "
              "?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27)", &s, err);
    if (rc)
        return rc;
    bind_text(s, 1, row->resident.code);
    bind_text(s, 2, row->resident.municipality);
    bind_integer(s, 3, row->revision);
    bind_integer(s, 4, row->removed);
    bind_text(s, 5, row->successor);
    ledger_bind_fields(s, 6, &row->resident);
    rc = statement_run(s, NULL, err);
    statement_done(s);
    return rc ? rc : location_put(store, before, &row->resident, err);
}

static enum rc ledger_write_history(struct store *store, int64_t revision, const struct ledger_past *past, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_prepare(store, "INSERT INTO history (" HISTORY ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, "
                                      "?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, "
                                      "?28, ?29, ?30)", &s, err);
    if (rc)
        return rc;
    bind_text(s, 1, past->resident.code);
    bind_integer(s, 2, revision);
    bind_text(s, 3, past->resident.municipality);
    bind_text(s, 4, reason_get(past->reason)->name);
    bind_text(s, 5, past->date);
    bind_integer(s, 6, past->recorded);
    bind_text(s, 7, past->previous_code);
    bind_text(s, 8, past->previous_number);
    ledger_bind_fields(s, 9, &past->resident);
    rc = statement_run(s, NULL, err);
    statement_done(s);
    return rc;
}

/* The revision that follows. A record that is told again where it was lost may have its history still. */
static enum rc ledger_follow(struct store *store, const char *code, const struct ledger_row *present, enum reason reason,
                             int64_t *revision, struct err *err)
{
    struct statement *s = NULL;
    *revision = present ? present->revision + 1 : 1;
    if (present || reason != REASON_RESTATED)
        return RC_OK;
    enum rc rc = store_row(store, "SELECT coalesce(max(revision), 0) FROM history WHERE code = ?1", BINDS(BIND_TEXT(code)), &s, err);
    if (!rc)
        *revision = column_integer(s, 0) + 1;
    statement_done(s);
    return rc;
}

/* The state and its history row. */
static enum rc ledger_set(struct store *store, const struct resident *before, const struct ledger_row *next,
                          const struct ledger_past *past, struct err *err)
{
    enum rc rc = ledger_write(store, before, next, err);
    return rc ? rc : ledger_write_history(store, next->revision, past, err);
}

enum rc ledger_put(struct store *store, const struct resident *resident, enum reason reason, const char *date,
                   int64_t recorded, struct ledger_change *change, struct err *err)
{
    const struct reason_row *why = reason_get(reason);
    if (!why || why->change == CHANGE_CODE)
        return err_set(err, RC_BUG, "ledger: no reason for this");
    struct ledger_row present, next = { .resident = *resident };
    enum rc rc = ledger_find_code(store, resident->code, &present, err);
    bool fresh = rc == RC_NOT_FOUND;
    if (rc && !fresh)
        return rc;
    rc = ledger_judge(fresh ? NULL : &present, resident->municipality, reason, err);
    if (rc)
        return rc;
    rc = ledger_follow(store, resident->code, fresh ? NULL : &present, reason, &next.revision, err);
    if (rc)
        return rc;
    if (why->change == CHANGE_REMOVAL) {
        next.resident = present.resident;
        next.removed = recorded;
    }
    struct ledger_past past = { .resident = next.resident, .reason = reason, .recorded = recorded };
    snprintf(past.date, sizeof past.date, "%s", date);
    if (!fresh && strcmp(present.resident.particulars.personal_number, next.resident.particulars.personal_number) != 0)
        memcpy(past.previous_number, present.resident.particulars.personal_number, sizeof past.previous_number);
    rc = ledger_set(store, fresh ? NULL : &present.resident, &next, &past, err);
    if (rc)
        return rc;
    change->revision = next.revision;
    change->effect = fresh && reason != REASON_RESTATED ? EFFECT_NONE : why->effect;
    if (!fresh && change->effect == EFFECT_CHANGED && why->change != CHANGE_REMOVAL &&
        record_same_person_data(&present.resident, &next.resident))
        change->effect = EFFECT_NONE;
    return RC_OK;
}

/* The person's certificates and cards follow to the new code; the state at its first revision is that of the change. */
static enum rc ledger_move_links(struct store *store, const char *previous, const char *code, struct err *err)
{
    enum rc rc = store_run(store, "UPDATE link SET code = ?2, revision = 1 WHERE code = ?1",
                           BINDS(BIND_TEXT(previous), BIND_TEXT(code)), NULL, err);
    return rc ? rc : cardbook_recode(store, previous, code, err);
}

enum rc ledger_recode(struct store *store, const char *previous, const struct resident *resident, enum reason reason,
                      const char *date, int64_t recorded, struct ledger_change *change, struct err *err)
{
    const struct reason_row *why = reason_get(reason);
    struct ledger_row old, taken, next = { .resident = *resident, .revision = 1 };
    if (!why || why->change != CHANGE_CODE)
        return err_set(err, RC_BUG, "ledger: no reason for this");
    enum rc rc = ledger_find_code(store, resident->code, &taken, err);
    if (rc != RC_NOT_FOUND)
        return rc ? rc : err_set(err, RC_CONFLICT, "code: somebody has or had the new one");
    rc = ledger_find_code(store, previous, &old, err);
    if (rc && rc != RC_NOT_FOUND)
        return rc;
    rc = ledger_judge(rc ? NULL : &old, resident->municipality, reason, err);
    if (rc)
        return rc;
    struct ledger_past past = { .resident = next.resident, .reason = reason, .recorded = recorded };
    snprintf(past.date, sizeof past.date, "%s", date);
    snprintf(past.previous_code, sizeof past.previous_code, "%s", previous);
    rc = ledger_set(store, NULL, &next, &past, err);
    if (rc)
        return rc;
    const struct resident before = old.resident;
    old.revision++;
    old.removed = recorded;
    memcpy(old.successor, resident->code, sizeof old.successor);
    past.resident = old.resident;
    memset(past.previous_code, 0, sizeof past.previous_code);
    rc = ledger_set(store, &before, &old, &past, err);
    if (!rc)
        rc = ledger_move_links(store, previous, resident->code, err);
    if (!rc)
        *change = (struct ledger_change) { 1, why->effect };
    return rc;
}

/* municipality: who wrote it, whose partition is asked; NULL: whoever did. */
static enum rc ledger_history_of(struct store *store, const char *code, int64_t revision, const char *municipality,
                                 struct ledger_past *past, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = municipality
        ? store_row(store, "SELECT " HISTORY " FROM history WHERE code = ?1 AND revision = ?2 AND municipality = ?3",
                    BINDS(BIND_TEXT(code), BIND_INTEGER(revision), BIND_TEXT(municipality)), &s, err)
        : store_row(store, "SELECT " HISTORY " FROM history WHERE code = ?1 AND revision = ?2",
                    BINDS(BIND_TEXT(code), BIND_INTEGER(revision)), &s, err);
    if (!rc) {
        memset(past, 0, sizeof *past);
        if (reason_parse(column_text(s, 3), &past->reason))
            rc = err_set(err, RC_FORMAT, "the store names a reason that this program does not know");
        ledger_text(s, 0, past->resident.code, sizeof past->resident.code);
        ledger_text(s, 2, past->resident.municipality, sizeof past->resident.municipality);
        ledger_text(s, 4, past->date, sizeof past->date);
        past->recorded = column_integer(s, 5);
        ledger_text(s, 6, past->previous_code, sizeof past->previous_code);
        ledger_text(s, 7, past->previous_number, sizeof past->previous_number);
        ledger_read_fields(s, 8, &past->resident);
    }
    statement_done(s);
    return rc;
}

enum rc ledger_history(struct store *store, const char *code, int64_t revision, struct ledger_past *past, struct err *err)
{
    return ledger_history_of(store, code, revision, NULL, past, err);
}

enum rc ledger_last(struct store *store, const struct ledger_row *row, struct ledger_past *past, struct err *err)
{
    return ledger_history_of(store, row->resident.code, row->revision, row->resident.municipality, past, err);
}

enum rc ledger_count(struct store *store, const char *sql, int64_t *count, struct err *err)
{
    return store_integer(store, sql, NULL, count, err);
}

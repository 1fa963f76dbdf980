/* ledger.c — residents and their history. */
#include "registry/ledger.h"

#include "registry/schema.h"

#include <stdio.h>
#include <string.h>

#define ATTRIBUTES "name, name_substitutes, birth, sex, address, address_substitutes"
#define ROW "code, municipality, revision, removed, " ATTRIBUTES

static const char *const role_names[] = { [NODE_MUNICIPAL] = "municipal", [NODE_NATIONAL] = "national" };

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
    snprintf(out, size, "%s", text ? text : "");
}

static void ledger_read_attributes(struct statement *s, int first, struct attributes *a)
{
    ledger_text(s, first, a->name, sizeof a->name);
    ledger_text(s, first + 1, a->name_substitutes, sizeof a->name_substitutes);
    ledger_text(s, first + 2, a->birth, sizeof a->birth);
    ledger_text(s, first + 3, a->sex, sizeof a->sex);
    ledger_text(s, first + 4, a->address, sizeof a->address);
    ledger_text(s, first + 5, a->address_substitutes, sizeof a->address_substitutes);
}

static void ledger_bind_attributes(struct statement *s, int first, const struct attributes *a)
{
    bind_text(s, first, a->name);
    bind_text(s, first + 1, a->name_substitutes);
    bind_text(s, first + 2, a->birth);
    bind_text(s, first + 3, a->sex);
    bind_text(s, first + 4, a->address);
    bind_text(s, first + 5, a->address_substitutes);
}

static void ledger_read_row(struct statement *s, struct ledger_row *row)
{
    memset(row, 0, sizeof *row);
    ledger_text(s, 0, row->resident.code, sizeof row->resident.code);
    ledger_text(s, 1, row->resident.municipality, sizeof row->resident.municipality);
    row->revision = column_integer(s, 2);
    row->removed = column_integer(s, 3);
    ledger_read_attributes(s, 4, &row->resident.attributes);
}

/* The store's owner. RC_NOT_FOUND when nobody claimed it. */
static enum rc ledger_owner(struct store *store, enum node_role *role, char municipality[7], struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_prepare(store, "SELECT role, municipality FROM node", &s, err);
    if (!rc)
        rc = statement_step(s, err);
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
    if (rc == RC_NOT_FOUND) {
        struct statement *s = NULL;
        rc = store_prepare(store, "INSERT INTO node (one, role, municipality) VALUES (1, ?1, ?2)", &s, err);
        if (!rc) {
            bind_text(s, 1, node_role_name(role));
            bind_text(s, 2, municipality);
            rc = statement_run(s, NULL, err);
        }
        statement_done(s);
    }
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

enum rc ledger_find_code(struct store *store, const char *code, struct ledger_row *row, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_prepare(store, "SELECT " ROW " FROM resident WHERE code = ?1", &s, err);
    if (rc)
        return rc;
    bind_text(s, 1, code);
    rc = statement_step(s, err);
    if (!rc)
        ledger_read_row(s, row);
    statement_done(s);
    return rc;
}

/* Runs of blanks and tabs become one U+3000, as the register writes names. */
static void ledger_fold_name(const char *name, char *out, size_t size)
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

enum rc ledger_find_person(struct store *store, const char *name, const char *birth, const char *address,
                           struct ledger_row *row, struct err *err)
{
    char folded[sizeof row->resident.attributes.name + 4];
    ledger_fold_name(name, folded, sizeof folded);
    struct statement *s = NULL;
    enum rc rc = store_prepare(store, "SELECT " ROW " FROM resident WHERE birth = ?1 AND name IN (?2, ?3) AND address = ?4 "
                                      "ORDER BY CASE WHEN removed = 0 THEN 0 ELSE 1 END, removed DESC LIMIT 2", &s, err);
    if (rc)
        return rc;
    bind_text(s, 1, birth);
    bind_text(s, 2, folded);
    bind_text(s, 3, name); /* a name in Latin letters has its blanks as they are */
    bind_text(s, 4, address);
    struct ledger_row first, second;
    rc = statement_step(s, err);
    if (rc)
        goto out;
    ledger_read_row(s, &first);
    rc = statement_step(s, err);
    if (!rc)
        ledger_read_row(s, &second);
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

/* Whether the change may be made on what stands there (present NULL: nothing). */
static enum rc ledger_judge(const struct ledger_row *present, const char *municipality, enum change change,
                            struct err *err)
{
    bool own = present && strcmp(present->resident.municipality, municipality) == 0;
    if (change == CHANGE_ENTRY) {
        if (!present || present->removed)
            return RC_OK;
        return own ? err_set(err, RC_CONFLICT, "entry: the code is registered already")
                   : err_set(err, RC_DENIED, "entry: the code is registered in another municipality");
    }
    if (!present)
        return err_set(err, RC_NOT_FOUND, "no such resident");
    if (!own)
        return err_set(err, RC_DENIED, "the record is another municipality's");
    if (present->removed)
        return err_set(err, RC_STATE, "the record has been removed from the register");
    return RC_OK;
}

static enum rc ledger_write(struct store *store, const struct ledger_row *row, bool fresh, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_prepare(store, fresh
        ? "INSERT INTO resident (" ROW ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
        : "UPDATE resident SET municipality = ?2, revision = ?3, removed = ?4, name = ?5, name_substitutes = ?6, "
          "birth = ?7, sex = ?8, address = ?9, address_substitutes = ?10 WHERE code = ?1", &s, err);
    if (rc)
        return rc;
    bind_text(s, 1, row->resident.code);
    bind_text(s, 2, row->resident.municipality);
    bind_integer(s, 3, row->revision);
    bind_integer(s, 4, row->removed);
    ledger_bind_attributes(s, 5, &row->resident.attributes);
    rc = statement_run(s, NULL, err);
    statement_done(s);
    return rc;
}

static enum rc ledger_write_history(struct store *store, const struct ledger_row *row, enum reason reason,
                                    const char *date, int64_t recorded, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_prepare(store, "INSERT INTO history (code, revision, municipality, reason, date, recorded, " ATTRIBUTES
                                      ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)", &s, err);
    if (rc)
        return rc;
    bind_text(s, 1, row->resident.code);
    bind_integer(s, 2, row->revision);
    bind_text(s, 3, row->resident.municipality);
    bind_text(s, 4, reason_get(reason)->name);
    bind_text(s, 5, date);
    bind_integer(s, 6, recorded);
    ledger_bind_attributes(s, 7, &row->resident.attributes);
    rc = statement_run(s, NULL, err);
    statement_done(s);
    return rc;
}

enum rc ledger_put(struct store *store, const struct resident *resident, enum reason reason, const char *date,
                   int64_t recorded, struct ledger_change *change, struct err *err)
{
    const struct reason_row *why = reason_get(reason);
    if (!why)
        return err_set(err, RC_BUG, "ledger: no reason");
    struct ledger_row present, next = { .resident = *resident };
    enum rc rc = ledger_find_code(store, resident->code, &present, err);
    bool fresh = rc == RC_NOT_FOUND;
    if (rc && !fresh)
        return rc;
    rc = ledger_judge(fresh ? NULL : &present, resident->municipality, why->change, err);
    if (rc)
        return rc;
    next.revision = fresh ? 1 : present.revision + 1;
    if (why->change == CHANGE_REMOVAL) {
        next.resident.attributes = present.resident.attributes;
        next.removed = recorded;
    }
    rc = ledger_write(store, &next, fresh, err);
    if (!rc)
        rc = ledger_write_history(store, &next, reason, date, recorded, err);
    if (rc)
        return rc;
    change->revision = next.revision;
    change->effect = fresh ? EFFECT_NONE : why->effect;
    if (change->effect == EFFECT_CHANGED && why->change != CHANGE_REMOVAL &&
        attributes_equal(&present.resident.attributes, &next.resident.attributes))
        change->effect = EFFECT_NONE;
    return RC_OK;
}

enum rc ledger_history(struct store *store, const char *code, int64_t revision, struct resident *resident,
                       enum reason *reason, char date[11], int64_t *recorded, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_prepare(store, "SELECT municipality, reason, date, recorded, " ATTRIBUTES
                                      " FROM history WHERE code = ?1 AND revision = ?2", &s, err);
    if (rc)
        return rc;
    bind_text(s, 1, code);
    bind_integer(s, 2, revision);
    rc = statement_step(s, err);
    if (!rc && reason_parse(column_text(s, 1), reason))
        rc = err_set(err, RC_FORMAT, "the store names a reason that this program does not know");
    if (!rc) {
        memset(resident, 0, sizeof *resident);
        snprintf(resident->code, sizeof resident->code, "%s", code);
        ledger_text(s, 0, resident->municipality, sizeof resident->municipality);
        ledger_text(s, 2, date, 11);
        *recorded = column_integer(s, 3);
        ledger_read_attributes(s, 4, &resident->attributes);
    }
    statement_done(s);
    return rc;
}

enum rc ledger_count(struct store *store, const char *sql, int64_t *count, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_prepare(store, sql, &s, err);
    if (!rc)
        rc = statement_step(s, err);
    if (!rc)
        *count = column_integer(s, 0);
    statement_done(s);
    return rc;
}

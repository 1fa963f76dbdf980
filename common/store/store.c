/* store.c — SQL with one face: which engine a URL means, migrations, transactions, and a small cache of prepared
 * statements. What the tables mean is their room's business. */
#include "store/store_engine.h"

#include "base/clock.h"
#include "base/fault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool store_is_remote(const char *url)
{
    return strncmp(url, "postgresql://", 13) == 0 || strncmp(url, "postgres://", 11) == 0;
}

static enum rc store_engine_of(const char *url, const struct store_engine **engine, struct err *err)
{
    *engine = &store_sqlite;
    if (!store_is_remote(url))
        return RC_OK;
#ifdef JPKI_POSTGRES
    (void)err;
    *engine = &store_postgres;
    return RC_OK;
#else
    return err_set(err, RC_UNSUPPORTED, "store: this program was built without PostgreSQL (-Dpostgres)");
#endif
}

/* --- migrations -------------------------------------------------------------------------------------------------- */

/* FNV-1a: finds a prepared text, and tells a program's own migrations from another program's store, not a defence against anybody. */
static int64_t store_fingerprint(const char *text)
{
    uint64_t hash = 14695981039346656037u;
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 1099511628211u;
    return (int64_t)(hash >> 1);
}

/* Compares what is recorded with what the program brings. *seen is the store's version. */
static enum rc store_check_version(struct store *store, const char *const *migrations, size_t count, size_t *seen,
                                   struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_prepare(store, "SELECT version, fingerprint FROM migration ORDER BY version", &s, err);
    size_t have = 0;
    while (!rc && !(rc = statement_step(s, err))) {
        int64_t version = column_integer(s, 0);
        if (version != (int64_t)have + 1)
            rc = err_set(err, RC_FORMAT, "store: migration %zu is missing", have + 1);
        else if (have < count && column_integer(s, 1) != store_fingerprint(migrations[have]))
            rc = err_set(err, RC_STATE, "store: migration %zu is not this program's: another program's store?",
                         have + 1);
        have++;
    }
    statement_done(s);
    if (rc != RC_NOT_FOUND)
        return rc;
    if (have > count)
        return err_set(err, RC_STATE, "store: version %zu is newer than this program's %zu", have, count);
    *seen = have;
    return RC_OK;
}

/* A migration and its record, inside a transaction. */
static enum rc store_apply(struct store *store, const char *const *migrations, size_t index, struct err *err)
{
    enum rc rc = store_exec(store, migrations[index], err);
    return rc ? rc
              : store_run(store, "INSERT INTO migration (version, fingerprint, applied) VALUES (?1, ?2, ?3)",
                          BINDS(BIND_INTEGER((int64_t)index + 1), BIND_INTEGER(store_fingerprint(migrations[index])),
                                BIND_INTEGER(clock_now())), NULL, err);
}

enum rc store_make_version(struct store *store, const char *const *migrations, size_t version, struct err *err)
{
    enum rc rc = RC_OK;
    for (size_t i = 0; !rc && i < version; i++)
        rc = store_apply(store, migrations, i, err);
    return rc;
}

/* One migration and its record in one transaction. *seen moves on; another process may have been faster. */
static enum rc store_migrate_one(struct store *store, const char *const *migrations, size_t count, size_t *seen,
                                 struct err *err)
{
    enum rc rc = store_begin(store, err);
    if (rc)
        return rc;
    rc = store_check_version(store, migrations, count, seen, err);
    if (rc || *seen == count)
        goto out;
    rc = store_apply(store, migrations, *seen, err);
    if (!rc)
        rc = store_commit(store, err);
    if (!rc)
        *seen += 1;
out:
    store_rollback(store);
    return rc;
}

/* --- opening ----------------------------------------------------------------------------------------------------- */

static enum rc store_open_as(const char *url, bool reader, struct store **out, struct err *err)
{
    const struct store_engine *engine;
    enum rc rc = store_engine_of(url, &engine, err);
    struct store *store = NULL;
    if (!rc)
        rc = engine->open(url, reader, &store, err);
    if (rc)
        return rc;
    store->engine = engine;
    store->reader = reader;
    *out = store;
    return RC_OK;
}

enum rc store_open_raw(const char *url, bool reader, const char *const *migrations, size_t count, struct store **out,
                       size_t *version, struct err *err)
{
    struct store *store = NULL;
    enum rc rc = store_open_as(url, reader, &store, err);
    if (!rc)
        rc = store_check_version(store, migrations, count, version, err);
    if (rc)
        store_close(store);
    else
        *out = store;
    return rc;
}

enum rc store_open(const char *url, const char *const *migrations, size_t count, struct store **out, struct err *err)
{
    struct store *store = NULL;
    size_t seen = 0;
    enum rc rc = store_open_raw(url, false, migrations, count, &store, &seen, err);
    while (!rc && seen < count)
        rc = store_migrate_one(store, migrations, count, &seen, err);
    if (rc)
        store_close(store);
    else
        *out = store;
    return rc;
}

enum rc store_open_reader(const char *url, const char *const *migrations, size_t count, struct store **out, struct err *err)
{
    struct store *store = NULL;
    size_t seen = 0;
    enum rc rc = store_open_raw(url, true, migrations, count, &store, &seen, err);
    if (!rc && seen < count)
        rc = err_set(err, RC_STATE, "store: version %zu is older than this program's %zu", seen, count);
    if (rc)
        store_close(store);
    else
        *out = store;
    return rc;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    while (store->statements) {
        struct statement *s = store->statements;
        char *sql = s->sql;
        store->statements = s->next;
        store->engine->finish(s);
        free(sql);
    }
    store->engine->close(store);
}

bool store_is_served(const struct store *store)
{
    return store->engine->served;
}

bool store_is_apart(const struct store *store)
{
    return store->apart;
}

/* --- transactions ------------------------------------------------------------------------------------------------ */

enum rc store_begin(struct store *store, struct err *err)
{
    if (store->reader)
        return err_set(err, RC_DENIED, "store: opened for reading only");
    return store->engine->begin(store, err);
}

enum rc store_commit(struct store *store, struct err *err)
{
    fault_point("store.before_commit");
    enum rc rc = store->engine->commit(store, err);
    if (rc)
        store_rollback(store);
    else
        fault_point("store.after_commit");
    return rc;
}

void store_rollback(struct store *store)
{
    store->engine->rollback(store);
}

enum rc store_spread(struct store *store, const char *table, const char *column, int parts, struct err *err)
{
    return store->engine->spread ? store->engine->spread(store, table, column, parts, err) : RC_OK;
}

enum rc store_parts(struct store *store, const char *table, int *parts, struct err *err)
{
    *parts = 0;
    return store->engine->parts ? store->engine->parts(store, table, parts, err) : RC_OK;
}

enum rc store_exec(struct store *store, const char *sql, struct err *err)
{
    enum dialect_kind kind;
    unsigned parameters;
    enum rc rc = dialect_check(sql, &kind, &parameters, err);
    return rc ? rc : store->engine->exec(store, sql, kind, err);
}

/* --- statements -------------------------------------------------------------------------------------------------- */

static enum rc store_prepare_new(struct store *store, const char *sql, int64_t hash, bool raw, struct statement **out,
                                 struct err *err)
{
    struct statement common = { .store = store, .hash = hash };
    enum rc rc = raw ? RC_OK : dialect_check(sql, &common.kind, &common.parameters, err);
    if (!rc && !(common.sql = strdup(sql)))
        rc = err_set(err, RC_NOMEM, "store");
    if (!rc)
        rc = store->engine->prepare(&common, out, err);
    if (rc) {
        free(common.sql);
        return rc;
    }
    (*out)->next = store->statements;
    store->statements = *out;
    return RC_OK;
}

static enum rc store_prepare_as(struct store *store, const char *sql, bool raw, struct statement **out, struct err *err)
{
    struct statement *s;
    int64_t hash = store_fingerprint(sql);
    for (s = store->statements; s; s = s->next)
        if (s->hash == hash && !s->lent && strcmp(s->sql, sql) == 0)
            break;
    enum rc rc = s ? RC_OK : store_prepare_new(store, sql, hash, raw, &s, err);
    if (rc)
        return rc;
    s->lent = true;
    *out = s;
    return RC_OK;
}

enum rc store_prepare(struct store *store, const char *sql, struct statement **out, struct err *err)
{
    return store_prepare_as(store, sql, false, out, err);
}

enum rc store_prepare_raw(struct store *store, const char *sql, struct statement **out, struct err *err)
{
    return store_prepare_as(store, sql, true, out, err);
}

void statement_done(struct statement *s)
{
    if (!s)
        return;
    s->store->engine->reset(s);
    s->lent = false;
}

static void store_bind(struct statement *s, const struct bind *binds)
{
    for (int i = 0; binds && binds[i].kind != BIND_END; i++) {
        if (binds[i].kind == BIND_IS_INTEGER)
            bind_integer(s, i + 1, binds[i].integer);
        else if (binds[i].kind == BIND_IS_TEXT)
            bind_text(s, i + 1, binds[i].text);
        else
            bind_blob(s, i + 1, binds[i].blob);
    }
}

enum rc store_query(struct store *store, const char *sql, const struct bind *binds, struct statement **out, struct err *err)
{
    *out = NULL;
    enum rc rc = store_prepare(store, sql, out, err);
    if (!rc)
        store_bind(*out, binds);
    return rc;
}

enum rc store_row(struct store *store, const char *sql, const struct bind *binds, struct statement **out, struct err *err)
{
    enum rc rc = store_query(store, sql, binds, out, err);
    if (!rc)
        rc = statement_step(*out, err);
    if (rc) {
        statement_done(*out);
        *out = NULL;
    }
    return rc;
}

enum rc store_integer(struct store *store, const char *sql, const struct bind *binds, int64_t *value, struct err *err)
{
    struct statement *row;
    enum rc rc = store_row(store, sql, binds, &row, err);
    if (!rc)
        *value = column_integer(row, 0);
    statement_done(row);
    return rc;
}

enum rc store_text(struct store *store, const char *sql, const struct bind *binds, char *value, size_t size, struct err *err)
{
    struct statement *row;
    enum rc rc = store_row(store, sql, binds, &row, err);
    if (!rc)
        column_copy(row, 0, value, size);
    statement_done(row);
    return rc;
}

enum rc store_run(struct store *store, const char *sql, const struct bind *binds, int64_t *changes, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_query(store, sql, binds, &s, err);
    if (!rc)
        rc = statement_run(s, changes, err);
    statement_done(s);
    return rc;
}

void bind_integer(struct statement *s, int index, int64_t value)
{
    s->store->engine->bind_integer(s, index, value);
}

void bind_text(struct statement *s, int index, const char *value)
{
    s->store->engine->bind_text(s, index, value);
}

void bind_blob(struct statement *s, int index, struct bytes value)
{
    s->store->engine->bind_blob(s, index, value);
}

enum rc statement_step(struct statement *s, struct err *err)
{
    return s->store->engine->step(s, err);
}

enum rc statement_run(struct statement *s, int64_t *changes, struct err *err)
{
    return s->store->engine->run(s, changes, err);
}

int64_t column_integer(struct statement *s, int index)
{
    return s->store->engine->column_integer(s, index);
}

const char *column_text(struct statement *s, int index)
{
    return s->store->engine->column_text(s, index);
}

struct bytes column_blob(struct statement *s, int index)
{
    return s->store->engine->column_blob(s, index);
}

bool column_is_null(struct statement *s, int index)
{
    return s->store->engine->column_is_null(s, index);
}

void column_copy(struct statement *s, int index, char *text, size_t size)
{
    const char *value = column_text(s, index);
    snprintf(text, size, "%s", value ? value : "");
}

/* store.c — SQL with one face: which engine a URL means, migrations, transactions (statements: statement.c).
 * What the tables mean is their room's business. */
#include "store/store_engine.h"

#include "base/clock.h"
#include "base/fault.h"

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

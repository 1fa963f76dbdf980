/* store.c — SQL over SQLite: the one file that links it. Opening, migrations, transactions, and a small cache of prepared
 * statements. What the tables mean is their room's business. */
#include "store/store.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/file.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BUSY_MILLISECONDS 10000

struct statement {
    struct store *store;
    struct statement *next;
    char *sql;
    sqlite3_stmt *stmt;
    bool lent;
    int bind_failed; /* the first failed bind's SQLite code */
};

struct store {
    sqlite3 *db;
    struct statement *statements;
};

static enum rc store_rc(int code)
{
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_DONE:
    case SQLITE_ROW:
        return RC_OK;
    case SQLITE_NOMEM:
        return RC_NOMEM;
    case SQLITE_CONSTRAINT:
        return code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY ||
               code == SQLITE_CONSTRAINT_ROWID ? RC_EXISTS : RC_CONFLICT;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return RC_CONFLICT;
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
        return RC_BUG;
    case SQLITE_TOOBIG:
        return RC_RANGE;
    case SQLITE_NOTADB:
        return RC_FORMAT;
    case SQLITE_INTERRUPT:
        return RC_INTERRUPTED;
    default:
        return RC_IO;
    }
}

/* SQLite's message names tables and columns, never values, so it may stand in an error record. */
static enum rc store_fail(struct store *store, int code, const char *what, struct err *err)
{
    return err_set(err, store_rc(code), "store: %s: %s", what, sqlite3_errmsg(store->db));
}

static const char *store_path(const char *url)
{
    return strncmp(url, "sqlite:", 7) == 0 ? url + 7 : url;
}

/* The pragmas that make a commit durable. Turning a new file to WAL needs it alone for a moment and SQLite does not wait
 * there by itself, so two processes that open a new store together are waited out here. */
static enum rc store_tune(struct store *store, struct err *err)
{
    sqlite3_extended_result_codes(store->db, 1);
    sqlite3_busy_timeout(store->db, BUSY_MILLISECONDS);
    int code = SQLITE_BUSY;
    for (int left = BUSY_MILLISECONDS / 10; (code & 0xff) == SQLITE_BUSY && left > 0; left--) {
        code = sqlite3_exec(store->db, "PRAGMA journal_mode=WAL", NULL, NULL, NULL);
        if ((code & 0xff) == SQLITE_BUSY)
            nanosleep(&(struct timespec) { 0, 10000000 }, NULL);
    }
    if (!code)
        code = sqlite3_exec(store->db, "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF",
                            NULL, NULL, NULL);
    return code ? store_fail(store, code, "opening", err) : RC_OK;
}

/* FNV-1a: tells a program's own migrations from another program's store, not a defence against anybody. */
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
            rc = err_set(err, RC_STATE, "store: migration %zu is not this program's: another program's store?", have + 1);
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

/* One migration and its record in one transaction. *seen moves on; another process may have been faster. */
static enum rc store_migrate_one(struct store *store, const char *const *migrations, size_t count, size_t *seen,
                                 struct err *err)
{
    enum rc rc = store_begin(store, err);
    if (rc)
        return rc;
    struct statement *s = NULL;
    rc = store_check_version(store, migrations, count, seen, err);
    if (rc || *seen == count)
        goto out;
    rc = store_exec(store, migrations[*seen], err);
    if (!rc)
        rc = store_prepare(store, "INSERT INTO migration (version, fingerprint, applied) VALUES (?1, ?2, ?3)", &s, err);
    if (!rc) {
        bind_integer(s, 1, (int64_t)*seen + 1);
        bind_integer(s, 2, store_fingerprint(migrations[*seen]));
        bind_integer(s, 3, clock_now());
        rc = statement_run(s, NULL, err);
    }
    statement_done(s);
    if (!rc)
        rc = store_commit(store, err);
    if (!rc)
        *seen += 1;
out:
    store_rollback(store);
    return rc;
}

static enum rc store_migrate(struct store *store, const char *const *migrations, size_t count, struct err *err)
{
    enum rc rc = store_exec(store, "CREATE TABLE IF NOT EXISTS migration (version BIGINT PRIMARY KEY, "
                                   "fingerprint BIGINT NOT NULL, applied BIGINT NOT NULL)", err);
    size_t seen = 0;
    if (!rc)
        rc = store_check_version(store, migrations, count, &seen, err);
    while (!rc && seen < count)
        rc = store_migrate_one(store, migrations, count, &seen, err);
    return rc;
}

/* SQLite would use the umask; its side files copy the mode of this one. An existing file is never opened here: closing a
 * descriptor drops every lock that the process holds on the file, also those of its other handles, and then another
 * process would take itself for the last one and remove the WAL. */
static enum rc store_make_file(const char *path, struct err *err)
{
    struct err why = { 0 };
    if (access(path, F_OK) == 0)
        return RC_OK;
    enum rc rc = file_create(path, bytes_of(NULL, 0), 0600, &why);
    if (rc == RC_OK || rc == RC_EXISTS)
        return RC_OK;
    char *folder = strdup(path), *slash = folder ? strrchr(folder, '/') : NULL;
    if (slash)
        *slash = '\0';
    bool nowhere = slash && access(folder, F_OK) != 0;
    free(folder);
    return err_set(err, nowhere ? RC_NOT_FOUND : rc, "store %s: %s", path, nowhere ? "no such folder" : err_text(&why, rc));
}

enum rc store_open(const char *url, const char *const *migrations, size_t count, struct store **out, struct err *err)
{
    if (strncmp(url, "postgres", 8) == 0 && strstr(url, "://"))
        return err_set(err, RC_UNSUPPORTED, "store: only sqlite:PATH is built in");
    const char *path = store_path(url);
    if (!*path)
        return err_set(err, RC_USAGE, "store: the path is empty");
    enum rc rc = store_make_file(path, err);
    if (rc)
        return rc;
    struct store *store = calloc(1, sizeof *store);
    if (!store)
        return err_set(err, RC_NOMEM, "store");
    int code = sqlite3_open_v2(path, &store->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (code)
        rc = err_set(err, store_rc(code), "store %s: %s", path, sqlite3_errstr(code));
    else
        rc = store_tune(store, err);
    if (!rc)
        rc = store_migrate(store, migrations, count, err);
    if (rc) {
        store_close(store);
        return rc;
    }
    *out = store;
    return RC_OK;
}

enum rc store_open_reader(const char *url, const char *const *migrations, size_t count, struct store **out, struct err *err)
{
    const char *path = store_path(url);
    struct store *store = calloc(1, sizeof *store);
    size_t seen = 0;
    if (!store)
        return err_set(err, RC_NOMEM, "store");
    int code = sqlite3_open_v2(path, &store->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
    enum rc rc = RC_OK;
    if (code)
        rc = err_set(err, access(path, F_OK) == 0 ? store_rc(code) : RC_NOT_FOUND, "store %s: %s", path, sqlite3_errstr(code));
    if (!rc) {
        sqlite3_extended_result_codes(store->db, 1);
        sqlite3_busy_timeout(store->db, BUSY_MILLISECONDS);
        rc = store_check_version(store, migrations, count, &seen, err);
    }
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
        store->statements = s->next;
        sqlite3_finalize(s->stmt);
        free(s->sql);
        free(s);
    }
    sqlite3_close(store->db);
    free(store);
}

enum rc store_begin(struct store *store, struct err *err)
{
    return store_exec(store, "BEGIN IMMEDIATE", err);
}

enum rc store_commit(struct store *store, struct err *err)
{
    fault_point("store.before_commit");
    enum rc rc = store_exec(store, "COMMIT", err);
    if (rc)
        store_rollback(store);
    else
        fault_point("store.after_commit");
    return rc;
}

void store_rollback(struct store *store)
{
    if (!sqlite3_get_autocommit(store->db))
        (void)sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
}

enum rc store_exec(struct store *store, const char *sql, struct err *err)
{
    int code = sqlite3_exec(store->db, sql, NULL, NULL, NULL);
    return code ? store_fail(store, code, "statement", err) : RC_OK;
}

enum rc store_prepare(struct store *store, const char *sql, struct statement **out, struct err *err)
{
    struct statement *s;
    for (s = store->statements; s; s = s->next)
        if (!s->lent && strcmp(s->sql, sql) == 0)
            break;
    if (!s) {
        s = calloc(1, sizeof *s);
        if (!s || !(s->sql = strdup(sql))) {
            free(s);
            return err_set(err, RC_NOMEM, "store");
        }
        int code = sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &s->stmt, NULL);
        if (code || !s->stmt) {
            free(s->sql);
            free(s);
            return code ? store_fail(store, code, "prepare", err) : err_set(err, RC_BUG, "store: empty statement");
        }
        s->store = store;
        s->next = store->statements;
        store->statements = s;
    }
    s->lent = true;
    *out = s;
    return RC_OK;
}

void statement_done(struct statement *s)
{
    if (!s)
        return;
    sqlite3_reset(s->stmt);
    sqlite3_clear_bindings(s->stmt);
    s->bind_failed = 0;
    s->lent = false;
}

static void bind_note(struct statement *s, int code)
{
    if (code && !s->bind_failed)
        s->bind_failed = code;
}

void bind_integer(struct statement *s, int index, int64_t value)
{
    bind_note(s, sqlite3_bind_int64(s->stmt, index, value));
}

void bind_text(struct statement *s, int index, const char *value)
{
    bind_note(s, sqlite3_bind_text(s->stmt, index, value, -1, SQLITE_TRANSIENT)); /* NULL binds NULL */
}

void bind_blob(struct statement *s, int index, struct bytes value)
{
    bind_note(s, sqlite3_bind_blob64(s->stmt, index, value.len ? (const void *)value.data : "", value.len,
                                     SQLITE_TRANSIENT));
}

enum rc statement_step(struct statement *s, struct err *err)
{
    if (s->bind_failed)
        return err_set(err, store_rc(s->bind_failed), "store: bind: %s", sqlite3_errstr(s->bind_failed));
    int code = sqlite3_step(s->stmt);
    if (code == SQLITE_ROW)
        return RC_OK;
    if (code == SQLITE_DONE)
        return RC_NOT_FOUND; /* a condition, not a fault: nothing is written into err */
    enum rc rc = store_fail(s->store, code, "step", err);
    sqlite3_reset(s->stmt);
    return rc;
}

enum rc statement_run(struct statement *s, int64_t *changes, struct err *err)
{
    enum rc rc = statement_step(s, err);
    if (rc == RC_OK)
        return err_set(err, RC_BUG, "store: a statement that should return nothing returned a row");
    if (rc != RC_NOT_FOUND)
        return rc;
    if (changes)
        *changes = sqlite3_changes64(s->store->db);
    sqlite3_reset(s->stmt); /* so that an autocommit statement is committed before the caller is told */
    return RC_OK;
}

int64_t column_integer(struct statement *s, int index)
{
    return sqlite3_column_int64(s->stmt, index);
}

const char *column_text(struct statement *s, int index)
{
    return (const char *)sqlite3_column_text(s->stmt, index);
}

struct bytes column_blob(struct statement *s, int index)
{
    const void *data = sqlite3_column_blob(s->stmt, index); /* before the length: it may convert the value */
    return bytes_of(data, (size_t)sqlite3_column_bytes(s->stmt, index));
}

bool column_is_null(struct statement *s, int index)
{
    return sqlite3_column_type(s->stmt, index) == SQLITE_NULL;
}

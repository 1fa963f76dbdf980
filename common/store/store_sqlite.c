/* store_sqlite.c — the embedded engine: the one file that links SQLite. */
#include "store/store_engine.h"

#include "base/file.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BUSY_MILLISECONDS (STORE_WAIT_SECONDS * 1000)

struct sqlite {
    struct store store;
    sqlite3 *db;
};

struct sqlite_statement {
    struct statement common;
    sqlite3_stmt *stmt;
    int bind_failed; /* the first failed bind's SQLite code */
};

static sqlite3 *sqlite_db(struct store *store)
{
    return ((struct sqlite *)store)->db;
}

static struct sqlite_statement *sqlite_of(struct statement *s)
{
    return (struct sqlite_statement *)s;
}

static enum rc sqlite_rc(int code)
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
                       code == SQLITE_CONSTRAINT_ROWID
                   ? RC_EXISTS
                   : RC_CONFLICT;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return RC_CONFLICT;
    case SQLITE_MISUSE:
    case SQLITE_RANGE:
        return RC_BUG;
    case SQLITE_READONLY:
        return RC_DENIED;
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
static enum rc sqlite_fail(struct store *store, int code, const char *what, struct err *err)
{
    return err_set(err, sqlite_rc(code), "store: %s: %s", what, sqlite3_errmsg(sqlite_db(store)));
}

/* A national store's inner pages stay in memory, and a page that many commits write is written into the file once for all of
 * them: the WAL is brought back when it has 32 MiB, not 4. */
#define TUNE "PRAGMA cache_size=-32768; "

/* The pragmas that make a commit durable. Turning a new file to WAL needs it alone for a moment and SQLite does not
 * wait there by itself, so two processes that open a new store together are waited out here. */
static enum rc sqlite_tune(struct store *store, struct err *err)
{
    sqlite3 *db = sqlite_db(store);
    int code = SQLITE_BUSY;
    for (int left = BUSY_MILLISECONDS / 10; (code & 0xff) == SQLITE_BUSY && left > 0; left--) {
        code = sqlite3_exec(db, "PRAGMA journal_mode=WAL", NULL, NULL, NULL);
        if ((code & 0xff) == SQLITE_BUSY)
            nanosleep(&(struct timespec) { 0, 10000000 }, NULL);
    }
    if (!code)
        code = sqlite3_exec(db,
                            TUNE "PRAGMA wal_autocheckpoint=8192; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF; "
                            "CREATE TABLE IF NOT EXISTS migration (version BIGINT PRIMARY KEY, "
                            "fingerprint BIGINT NOT NULL, applied BIGINT NOT NULL)",
                            NULL, NULL, NULL);
    return code ? sqlite_fail(store, code, "opening", err) : RC_OK;
}

static enum rc sqlite_tune_reader(struct store *store, struct err *err)
{
    int code = sqlite3_exec(sqlite_db(store), TUNE, NULL, NULL, NULL);
    return code ? sqlite_fail(store, code, "opening", err) : RC_OK;
}

/* SQLite would use the umask; its side files copy the mode of this one. An existing file is never opened here: closing
 * a descriptor drops every lock that the process holds on the file, also those of its other handles, and then another
 * process would take itself for the last one and remove the WAL. */
static enum rc sqlite_make_file(const char *path, struct err *err)
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
    return err_set(err, nowhere ? RC_NOT_FOUND : rc, "store %s: %s", path,
                   nowhere ? "no such folder" : err_text(&why, rc));
}

static void sqlite_close(struct store *store)
{
    sqlite3_close(sqlite_db(store));
    free(store);
}

static enum rc sqlite_open(const char *url, bool reader, struct store **out, struct err *err)
{
    const char *path = strncmp(url, "sqlite:", 7) == 0 ? url + 7 : url;
    if (!*path)
        return err_set(err, RC_USAGE, "store: the path is empty");
    enum rc rc = reader ? RC_OK : sqlite_make_file(path, err);
    if (rc)
        return rc;
    struct sqlite *made = calloc(1, sizeof *made);
    if (!made)
        return err_set(err, RC_NOMEM, "store");
    int code = sqlite3_open_v2(path, &made->db,
                               (reader ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) | SQLITE_OPEN_NOMUTEX, NULL);
    if (code) {
        rc = err_set(err, access(path, F_OK) == 0 ? sqlite_rc(code) : RC_NOT_FOUND, "store %s: %s", path,
                     sqlite3_errstr(code));
    } else {
        sqlite3_extended_result_codes(made->db, 1);
        sqlite3_busy_timeout(made->db, BUSY_MILLISECONDS);
        sqlite3_db_config(made->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL); /* "…" is a name, never a text */
        sqlite3_db_config(made->db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
        rc = reader ? sqlite_tune_reader(&made->store, err) : sqlite_tune(&made->store, err);
    }
    if (rc)
        sqlite_close(&made->store);
    else
        *out = &made->store;
    return rc;
}

static enum rc sqlite_exec(struct store *store, const char *sql, enum dialect_kind kind, struct err *err)
{
    (void)kind;
    int code = sqlite3_exec(sqlite_db(store), sql, NULL, NULL, NULL);
    return code ? sqlite_fail(store, code, "statement", err) : RC_OK;
}

static enum rc sqlite_begin(struct store *store, struct err *err)
{
    return sqlite_exec(store, "BEGIN IMMEDIATE", DIALECT_WRITES, err);
}

static void sqlite_rollback(struct store *store)
{
    if (!sqlite3_get_autocommit(sqlite_db(store)))
        (void)sqlite3_exec(sqlite_db(store), "ROLLBACK", NULL, NULL, NULL);
}

static enum rc sqlite_commit(struct store *store, struct err *err)
{
    return sqlite_exec(store, "COMMIT", DIALECT_WRITES, err);
}

static enum rc sqlite_prepare(const struct statement *common, struct statement **out, struct err *err)
{
    struct sqlite_statement *s = calloc(1, sizeof *s);
    if (!s)
        return err_set(err, RC_NOMEM, "store");
    s->common = *common;
    int code = sqlite3_prepare_v3(sqlite_db(common->store), common->sql, -1, SQLITE_PREPARE_PERSISTENT, &s->stmt, NULL);
    if (code || !s->stmt) {
        free(s);
        return code ? sqlite_fail(common->store, code, "prepare", err) : err_set(err, RC_BUG, "store: empty statement");
    }
    *out = &s->common;
    return RC_OK;
}

static void sqlite_reset(struct statement *statement)
{
    struct sqlite_statement *s = sqlite_of(statement);
    sqlite3_reset(s->stmt);
    sqlite3_clear_bindings(s->stmt);
    s->bind_failed = 0;
}

static void sqlite_finish(struct statement *statement)
{
    sqlite3_finalize(sqlite_of(statement)->stmt);
    free(statement);
}

static void sqlite_note(struct statement *statement, int code)
{
    struct sqlite_statement *s = sqlite_of(statement);
    if (code && !s->bind_failed)
        s->bind_failed = code;
}

static void sqlite_bind_integer(struct statement *s, int index, int64_t value)
{
    sqlite_note(s, sqlite3_bind_int64(sqlite_of(s)->stmt, index, value));
}

static void sqlite_bind_text(struct statement *s, int index, const char *value)
{
    sqlite_note(s, sqlite3_bind_text(sqlite_of(s)->stmt, index, value, -1, SQLITE_TRANSIENT)); /* NULL binds NULL */
}

static void sqlite_bind_blob(struct statement *s, int index, struct bytes value)
{
    sqlite_note(s, sqlite3_bind_blob64(sqlite_of(s)->stmt, index, value.len ? (const void *)value.data : "", value.len,
                                       SQLITE_TRANSIENT));
}

static enum rc sqlite_step(struct statement *statement, struct err *err)
{
    struct sqlite_statement *s = sqlite_of(statement);
    if (s->bind_failed)
        return err_set(err, sqlite_rc(s->bind_failed), "store: bind: %s", sqlite3_errstr(s->bind_failed));
    int code = sqlite3_step(s->stmt);
    if (code == SQLITE_ROW)
        return RC_OK;
    if (code == SQLITE_DONE)
        return RC_NOT_FOUND; /* a condition, not a fault: nothing is written into err */
    enum rc rc = sqlite_fail(statement->store, code, "step", err);
    sqlite3_reset(s->stmt);
    return rc;
}

static enum rc sqlite_run(struct statement *statement, int64_t *changes, struct err *err)
{
    enum rc rc = sqlite_step(statement, err);
    if (rc == RC_OK)
        return err_set(err, RC_BUG, "store: a statement that should return nothing returned a row");
    if (rc != RC_NOT_FOUND)
        return rc;
    if (changes)
        *changes = sqlite3_changes64(sqlite_db(statement->store));
    sqlite3_reset(
        sqlite_of(statement)->stmt); /* so that an autocommit statement is committed before the caller is told */
    return RC_OK;
}

static int64_t sqlite_column_integer(struct statement *s, int index)
{
    return sqlite3_column_int64(sqlite_of(s)->stmt, index);
}

static const char *sqlite_column_text(struct statement *s, int index)
{
    return (const char *)sqlite3_column_text(sqlite_of(s)->stmt, index);
}

static struct bytes sqlite_column_blob(struct statement *s, int index)
{
    const void *data = sqlite3_column_blob(sqlite_of(s)->stmt, index); /* before the length: it may convert the value */
    return bytes_of(data, (size_t)sqlite3_column_bytes(sqlite_of(s)->stmt, index));
}

static bool sqlite_column_is_null(struct statement *s, int index)
{
    return sqlite3_column_type(sqlite_of(s)->stmt, index) == SQLITE_NULL;
}

/* --- for storecopy.c --------------------------------------------------------------------------------------------- */

static enum rc sqlite_snapshot(struct store *store, struct err *err)
{
    return sqlite_exec(store, "BEGIN", DIALECT_READS, err); /* of the first read's moment */
}

/* The first line that a check has to say other than "ok". */
static enum rc sqlite_check_by(struct store *store, const char *pragma, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_prepare_raw(store, pragma, &s, err);
    if (!rc)
        rc = statement_step(s, err);
    if (!rc && strcmp(column_text(s, 0), "ok") != 0)
        rc = err_set(err, RC_CONFLICT, "store: damaged: %.200s", column_text(s, 0));
    statement_done(s);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

static enum rc sqlite_check(struct store *store, struct err *err)
{
    enum rc rc = sqlite_check_by(store, "PRAGMA integrity_check(1)", err);
    return rc ? rc : sqlite_check_by(store, "PRAGMA foreign_key_check", err);
}

/* Without a -wal beside it, which a file that is put away might lose. */
static enum rc sqlite_one_file(struct store *store, struct err *err)
{
    return sqlite_exec(store, "PRAGMA journal_mode=DELETE", DIALECT_WRITES, err);
}

const struct store_engine store_sqlite = {
    .tables = "SELECT m.name, c.name, upper(c.type), c.pk FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE "
              "m.type = 'table' AND substr(m.name, 1, 7) <> 'sqlite_' AND m.name <> 'migration' ORDER BY m.rowid, c.cid",
    .snapshot = sqlite_snapshot,
    .check = sqlite_check,
    .one_file = sqlite_one_file,
    .open = sqlite_open,
    .close = sqlite_close,
    .begin = sqlite_begin,
    .commit = sqlite_commit,
    .rollback = sqlite_rollback,
    .exec = sqlite_exec,
    .prepare = sqlite_prepare,
    .reset = sqlite_reset,
    .finish = sqlite_finish,
    .bind_integer = sqlite_bind_integer,
    .bind_text = sqlite_bind_text,
    .bind_blob = sqlite_bind_blob,
    .step = sqlite_step,
    .run = sqlite_run,
    .column_integer = sqlite_column_integer,
    .column_text = sqlite_column_text,
    .column_blob = sqlite_column_blob,
    .column_is_null = sqlite_column_is_null,
};

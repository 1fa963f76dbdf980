/* store_postgres.c — PostgreSQL by URL: transactions and fixed texts; the connection is postgres_link.c's, statements
 * are postgres_rows.c's.
 *
 * One writer at a time, as with SQLite: every transaction takes the lock of the one row of the table `writer` first,
 * and a writing statement outside of a transaction is one. Behind that lock READ COMMITTED is enough: each statement
 * sees all that was committed before, and nobody commits in between. Reads take no lock. */
#include "store/postgres_link.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>

/* --- transactions ------------------------------------------------------------------------------------------------ */

static enum rc postgres_begin(struct store *store, struct err *err)
{
    struct postgres *pg = postgres_of(store);
    if (pg->transaction != TRANSACTION_NONE)
        return err_set(err, RC_BUG, "store: a transaction is open already");
    enum rc rc = postgres_ready(pg, err);
    if (rc)
        return rc;
    PGresult *result = PQexec(pg->link, "BEGIN; " LOCK_WRITER);
    if (PQresultStatus(result) != PGRES_TUPLES_OK)
        rc = postgres_fail(pg, result, "begin", err);
    else if (PQntuples(result) != 1)
        rc = err_set(err, RC_STATE, "store: the table 'writer' has lost its row");
    PQclear(result);
    if (rc && PQstatus(pg->link) == CONNECTION_OK)
        PQclear(PQexec(pg->link, "ROLLBACK"));
    if (!rc)
        pg->transaction = TRANSACTION_OPEN;
    return rc;
}

static void postgres_rollback(struct store *store)
{
    struct postgres *pg = postgres_of(store);
    if (pg->streaming)
        postgres_drain(pg->streaming, true);
    if (pg->transaction == TRANSACTION_OPEN)
        PQclear(PQexec(pg->link, "ROLLBACK")); /* when it fails the link is gone, and the server rolls back by itself */
    pg->transaction = TRANSACTION_NONE;
}

static enum rc postgres_commit(struct store *store, struct err *err)
{
    struct postgres *pg = postgres_of(store);
    if (pg->transaction == TRANSACTION_NONE)
        return err_set(err, RC_BUG, "store: no transaction is open");
    enum rc rc = postgres_ready(pg, err);
    if (rc)
        return rc;
    PGresult *result = PQexec(pg->link, "COMMIT");
    rc = postgres_judge_commit(pg, result, err);
    PQclear(result);
    if (!rc)
        pg->transaction = TRANSACTION_NONE;
    return rc;
}

/* In a transaction the text stands behind a savepoint, so that what fails leaves the transaction usable; but not when
 * it is about savepoints itself. */
static enum rc postgres_exec(struct store *store, const char *sql, enum dialect_kind kind, struct err *err)
{
    struct postgres *pg = postgres_of(store);
    bool inside = pg->transaction != TRANSACTION_NONE && kind != DIALECT_MARKS;
    bool own = !inside && kind == DIALECT_WRITES;
    struct buf text = {0};
    PGresult *result = NULL;
    enum rc rc = buf_append_text(&text, inside ? "SAVEPOINT step;" : own ? "BEGIN; " LOCK_WRITER ";" : "");
    if (!rc)
        rc = dialect_to_postgres(sql, &text);
    if (!rc)
        rc = buf_append_text(&text, inside ? "\n; RELEASE step" : own ? "\n; COMMIT" : "");
    const char *whole = rc ? NULL : buf_string(&text);
    if (!rc)
        rc = whole ? postgres_ready(pg, err) : RC_NOMEM;
    if (rc)
        goto out;
    result = PQexec(pg->link, whole);
    if (!postgres_is_sound(result))
        rc = postgres_fail(pg, result, "statement", err);
    else if (own)
        rc = postgres_judge_commit(pg, result, err);
    if (rc && (inside || own) && PQstatus(pg->link) == CONNECTION_OK)
        PQclear(PQexec(pg->link, inside ? "ROLLBACK TO step; RELEASE step" : "ROLLBACK"));
out:
    PQclear(result);
    buf_wipe(&text);
    return rc;
}

/* --- for storecopy.c --------------------------------------------------------------------------------------------- */

static enum rc postgres_snapshot(struct store *store, struct err *err)
{
    struct postgres *pg = postgres_of(store);
    enum rc rc = postgres_ready(pg, err);
    if (!rc)
        rc = postgres_simple(pg, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", "snapshot", err);
    if (!rc)
        pg->transaction = TRANSACTION_OPEN;
    return rc;
}

/* The next number that the store gives goes on behind those that were written. */
static enum rc postgres_settle_key(struct store *store, const char *table, const char *column, struct err *err)
{
    char sql[400];
    snprintf(sql, sizeof sql,
             "SELECT setval(pg_get_serial_sequence('%s', '%s'), (SELECT max(\"%s\") FROM \"%s\")) WHERE "
             "pg_get_serial_sequence('%s', '%s') IS NOT NULL",
             table, column, column, table, table, column);
    return postgres_exec(store, sql, DIALECT_READS, err);
}

/* --- partitions -------------------------------------------------------------------------------------------------- */

/* What makes the primary key, with the column, and the indexes of a table, as statements. Names of tables and columns are the
 * program's own words. */
static enum rc spread_indexes(struct store *store, const char *table, const char *column, struct buf *out, struct err *err)
{
    char sql[900];
    struct statement *s = NULL;
    snprintf(sql, sizeof sql,
             "SELECT CASE WHEN i.indisprimary THEN 'ALTER TABLE \"%s\" ADD PRIMARY KEY (' || (SELECT string_agg(quote_ident("
             "a.attname), ', ' ORDER BY k.at) || CASE WHEN bool_or(a.attname = '%s') THEN '' ELSE ', \"%s\"' END FROM "
             "unnest(i.indkey::int2[]) WITH ORDINALITY k (number, at) JOIN pg_attribute a ON a.attrelid = i.indrelid AND "
             "a.attnum = k.number) || ')' ELSE replace(pg_get_indexdef(i.indexrelid), ' ON ONLY ', ' ON ') END FROM pg_index i "
             "WHERE i.indrelid = to_regclass('%s') ORDER BY i.indexrelid",
             table, column, column, table);
    enum rc rc = store_prepare_raw(store, sql, &s, err);
    while (!rc && !(rc = statement_step(s, err)))
        rc = buf_printf(out, "%s;\n", column_text(s, 0));
    statement_done(s);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

/* The table under its name once more, in parts, with the rows. */
static enum rc spread_write(const char *table, const char *column, int parts, struct buf *sql)
{
    enum rc rc = buf_printf(sql,
                            "ALTER TABLE \"%s\" RENAME TO \"%s_before\";\n"
                            "CREATE TABLE \"%s\" (LIKE \"%s_before\" INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING IDENTITY)",
                            table, table, table, table);
    if (!rc)
        rc = parts ? buf_printf(sql, " PARTITION BY HASH (\"%s\");\n", column) : buf_append_text(sql, ";\n");
    for (int i = 0; !rc && i < parts; i++)
        rc = buf_printf(sql,
                        "CREATE TABLE \"%s_%d_%d\" PARTITION OF \"%s\" FOR VALUES WITH (MODULUS %d, REMAINDER %d);\n",
                        table, parts, i, table, parts, i);
    return rc ? rc : buf_printf(sql, "INSERT INTO \"%s\" SELECT * FROM \"%s_before\";\n", table, table);
}

/* The numbers that the store gives go on where they were: none is given again, also when its row is there no more. */
static enum rc spread_numbers(struct store *store, const char *table, struct buf *out, struct err *err)
{
    char sql[400];
    struct statement *s = NULL;
    snprintf(sql, sizeof sql,
             "SELECT format('SELECT setval(pg_get_serial_sequence(''%s'', %%1$L), nextval(pg_get_serial_sequence(''%s_before'', "
             "%%1$L)), false)', attname) FROM pg_attribute WHERE attrelid = to_regclass('%s') AND attidentity <> ''",
             table, table, table);
    enum rc rc = store_prepare_raw(store, sql, &s, err);
    if (!rc)
        rc = statement_step(s, err);
    if (!rc)
        rc = buf_printf(out, "%s;\n", column_text(s, 0));
    statement_done(s);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

static enum rc postgres_parts(struct store *store, const char *table, int *parts, struct err *err)
{
    char sql[200];
    struct statement *s = NULL;
    snprintf(sql, sizeof sql, "SELECT count(*) FROM pg_inherits WHERE inhparent = to_regclass('%s')", table);
    enum rc rc = store_prepare_raw(store, sql, &s, err);
    if (!rc)
        rc = statement_step(s, err);
    if (!rc)
        *parts = (int)column_integer(s, 0);
    statement_done(s);
    return rc;
}

/* A partition on another server is not the table's to take away, and the table has no key that could be made again. */
static enum rc spread_check_home(struct store *store, const char *table, struct err *err)
{
    char sql[200];
    struct statement *s = NULL;
    snprintf(sql, sizeof sql,
             "SELECT 1 FROM pg_inherits JOIN pg_class ON oid = inhrelid WHERE inhparent = to_regclass('%s') AND "
             "relkind = 'f' LIMIT 1",
             table);
    enum rc rc = store_prepare_raw(store, sql, &s, err);
    if (!rc)
        rc = statement_step(s, err);
    statement_done(s);
    if (!rc)
        return err_set(err, RC_STATE, "store: '%s' has partitions on other servers: 'store copy' makes one store of them",
                       table);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

static enum rc postgres_spread(struct store *store, const char *table, const char *column, int parts, struct err *err)
{
    int before;
    struct buf indexes = {0}, sql = {0};
    enum rc rc = postgres_parts(store, table, &before, err);
    if (rc || before == parts)
        return rc;
    rc = spread_check_home(store, table, err);
    if (!rc)
        rc = spread_indexes(store, table, column, &indexes, err);
    if (!rc)
        rc = spread_write(table, column, parts, &sql);
    if (!rc)
        rc = spread_numbers(store, table, &sql, err);
    if (!rc)
        rc = buf_printf(&sql, "DROP TABLE \"%s_before\";\n", table);
    if (!rc) /* under their names, when those are free */
        rc = buf_append(&sql, indexes.data, indexes.len);
    const char *text = rc ? NULL : buf_string(&sql);
    if (!rc)
        rc = text ? postgres_exec(store, text, DIALECT_WRITES, err) : RC_NOMEM;
    buf_wipe(&indexes);
    buf_wipe(&sql);
    return rc;
}

const struct store_engine store_postgres = {
    .served = true,
    .spread = postgres_spread,
    .parts = postgres_parts,
    .tables =
        "SELECT c.relname, a.attname, CASE a.atttypid WHEN 20 THEN 'INTEGER' WHEN 25 THEN 'TEXT' WHEN 17 THEN 'BLOB' "
        "ELSE format_type(a.atttypid, a.atttypmod) END, COALESCE(array_position(i.indkey::int2[], a.attnum) + 1, 0) "
        "FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
        "LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary "
        "WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition "
        "AND c.relname NOT IN ('migration', 'writer') ORDER BY c.oid, a.attnum",
    .snapshot = postgres_snapshot,
    .settle_key = postgres_settle_key,
    .open = postgres_open,
    .close = postgres_close,
    .begin = postgres_begin,
    .commit = postgres_commit,
    .rollback = postgres_rollback,
    .exec = postgres_exec,
    .prepare = postgres_prepare,
    .reset = postgres_reset,
    .finish = postgres_finish,
    .bind_integer = postgres_bind_integer,
    .bind_text = postgres_bind_text,
    .bind_blob = postgres_bind_blob,
    .step = postgres_step,
    .run = postgres_run,
    .column_integer = postgres_column_integer,
    .column_text = postgres_column_text,
    .column_blob = postgres_column_blob,
    .column_is_null = postgres_column_is_null,
};

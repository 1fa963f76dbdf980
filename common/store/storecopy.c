/* storecopy.c — reading a store's tables as they are described by its engine, and writing them elsewhere. */
#include "store/storecopy.h"

#include "base/clock.h"
#include "store/store_engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 64
#define BATCH_ROWS 50        /* rows of one INSERT */
#define BATCH_PARAMETERS 500 /* and their values */
#define TELL_EVERY 5000

enum column_kind { COLUMN_INTEGER, COLUMN_TEXT, COLUMN_BLOB };

struct column {
    char name[64];
    enum column_kind kind;
    int64_t key; /* place in the primary key, from 1; 0: not in it */
};

struct table {
    char name[64];
    struct column columns[COLUMNS_MAX];
    int count;
};

struct tables {
    struct table *rows;
    size_t count;
};

struct journey {
    const struct storecopy *copy;
    int64_t done, all;
};

void storecopy_report_wipe(struct storecopy_report *report)
{
    free(report->tables);
    *report = (struct storecopy_report) { 0 };
}

static void journey_step(struct journey *journey, const char *table, bool end)
{
    journey->done += !end;
    if (journey->copy->tell && (end || journey->done % TELL_EVERY == 0))
        journey->copy->tell(journey->copy->context, table, journey->done, journey->all);
}

/* --- what tables there are --------------------------------------------------------------------------------------------- */

static enum rc column_take(struct statement *s, struct table *table, struct err *err)
{
    const char *name = column_text(s, 1), *kind = column_text(s, 2);
    if (!name || !kind || strlen(name) >= sizeof table->columns[0].name || table->count == COLUMNS_MAX)
        return err_set(err, RC_BUG, "store: table %s cannot be described", table->name);
    struct column *column = &table->columns[table->count];
    snprintf(column->name, sizeof column->name, "%s", name);
    column->key = column_integer(s, 3);
    if (strcmp(kind, "INTEGER") == 0 || strcmp(kind, "BIGINT") == 0)
        column->kind = COLUMN_INTEGER;
    else if (strcmp(kind, "TEXT") == 0)
        column->kind = COLUMN_TEXT;
    else if (strcmp(kind, "BLOB") == 0)
        column->kind = COLUMN_BLOB;
    else
        return err_set(err, RC_BUG, "store: column %s of %s is a %s", name, table->name, kind);
    table->count++;
    return RC_OK;
}

static enum rc tables_read(struct store *store, struct tables *tables, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_prepare_raw(store, store->engine->tables, &s, err);
    while (!rc && !(rc = statement_step(s, err))) {
        const char *name = column_text(s, 0);
        if (!tables->count || strcmp(tables->rows[tables->count - 1].name, name) != 0) {
            struct table *more = realloc(tables->rows, (tables->count + 1) * sizeof *more);
            if (!more) {
                rc = RC_NOMEM;
                break;
            }
            tables->rows = more;
            tables->rows[tables->count++] = (struct table) { 0 };
            snprintf(more[tables->count - 1].name, sizeof more->name, "%s", name);
        }
        rc = column_take(s, &tables->rows[tables->count - 1], err);
    }
    statement_done(s);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

static enum rc report_new(const struct tables *tables, struct storecopy_report *report)
{
    report->tables = calloc(tables->count + 1, sizeof *report->tables);
    report->count = report->tables ? tables->count : 0;
    for (size_t i = 0; i < report->count; i++)
        snprintf(report->tables[i].name, sizeof report->tables[i].name, "%s", tables->rows[i].name);
    return report->tables ? RC_OK : RC_NOMEM;
}

static enum rc rows_count(struct store *store, const struct tables *tables, int64_t *all, struct err *err)
{
    enum rc rc = RC_OK;
    for (size_t i = 0; !rc && i < tables->count; i++) {
        char sql[128];
        struct statement *s = NULL;
        snprintf(sql, sizeof sql, "SELECT count(*) FROM \"%s\"", tables->rows[i].name);
        rc = store_prepare(store, sql, &s, err);
        if (!rc)
            rc = statement_step(s, err);
        if (!rc)
            *all += column_integer(s, 0);
        statement_done(s);
    }
    return rc;
}

/* --- rows ------------------------------------------------------------------------------------------------------------------ */

static enum rc columns_name(const struct table *table, struct buf *sql)
{
    enum rc rc = RC_OK;
    for (int i = 0; !rc && i < table->count; i++)
        rc = buf_printf(sql, "%s\"%s\"", i ? ", " : "", table->columns[i].name);
    return rc;
}

/* By the primary key: a row that refers to another of its table comes behind it. */
static enum rc table_select(struct store *store, const struct table *table, struct statement **s, struct err *err)
{
    struct buf sql = { 0 };
    enum rc rc = buf_append_text(&sql, "SELECT ");
    if (!rc)
        rc = columns_name(table, &sql);
    if (!rc)
        rc = buf_printf(&sql, " FROM \"%s\"", table->name);
    const char *sign = " ORDER BY ";
    for (int64_t place = 1; !rc && place <= table->count; place++)
        for (int i = 0; !rc && i < table->count; i++)
            if (table->columns[i].key == place) {
                rc = buf_printf(&sql, "%s\"%s\"", sign, table->columns[i].name);
                sign = ", ";
            }
    const char *text = rc ? NULL : buf_string(&sql);
    if (!rc)
        rc = text ? store_prepare(store, text, s, err) : RC_NOMEM;
    buf_wipe(&sql);
    return rc;
}

static enum rc table_insert(struct store *store, const struct table *table, int rows, struct statement **s, struct err *err)
{
    struct buf sql = { 0 };
    enum rc rc = buf_printf(&sql, "INSERT INTO \"%s\" (", table->name);
    if (!rc)
        rc = columns_name(table, &sql);
    for (int i = 0; !rc && i < rows * table->count; i++)
        rc = buf_printf(&sql, "%s?%d", i == 0 ? ") VALUES (" : i % table->count ? ", " : "), (", i + 1);
    if (!rc)
        rc = buf_append_text(&sql, ")");
    const char *text = rc ? NULL : buf_string(&sql);
    if (!rc)
        rc = text ? store_prepare(store, text, s, err) : RC_NOMEM;
    buf_wipe(&sql);
    return rc;
}

static uint64_t sum_bytes(uint64_t hash, const void *data, size_t len)
{
    const uint8_t *at = data;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ at[i]) * 1099511628211u;
    return hash;
}

/* A value's part of its row's hash: its kind, its length, its bytes. */
static uint64_t sum_value(uint64_t hash, struct statement *from, const struct column *column, int index)
{
    if (column_is_null(from, index))
        return sum_bytes(hash, "N", 1);
    if (column->kind == COLUMN_INTEGER) {
        int64_t number = column_integer(from, index);
        return sum_bytes(sum_bytes(hash, "I", 1), &number, sizeof number);
    }
    struct bytes bytes = column_blob(from, index);
    uint64_t len = bytes.len;
    hash = sum_bytes(sum_bytes(hash, column->kind == COLUMN_TEXT ? "T" : "B", 1), &len, sizeof len);
    return sum_bytes(hash, bytes.data, bytes.len);
}

static void sum_row(const struct table *table, struct statement *from, struct storecopy_table *sum)
{
    uint64_t hash = 14695981039346656037u;
    for (int i = 0; i < table->count; i++)
        hash = sum_value(hash, from, &table->columns[i], i);
    sum->sum += hash ^ hash >> 29;
    sum->rows++;
}

static void value_copy(struct statement *from, const struct column *column, int index, struct statement *to, int parameter)
{
    bool null = column_is_null(from, index);
    if (column->kind == COLUMN_INTEGER)
        bind_integer(to, parameter, column_integer(from, index));
    else if (column->kind == COLUMN_TEXT)
        bind_text(to, parameter, null ? "" : column_text(from, index));
    else
        bind_blob(to, parameter, column_blob(from, index));
    if (null) /* behind a value of its type, so that the engine knows it */
        bind_text(to, parameter, NULL);
}

/* Full batches with one statement, the rows that are left one by one with another. */
struct batch {
    struct statement *full, *single;
    int rows, used;
};

static enum rc batch_add(struct batch *batch, const struct table *table, struct statement *from, int64_t left, struct err *err)
{
    bool single = batch->used == 0 && left < batch->rows;
    struct statement *to = single ? batch->single : batch->full;
    for (int i = 0; i < table->count; i++)
        value_copy(from, &table->columns[i], i, to, batch->used * table->count + i + 1);
    batch->used++;
    if (!single && batch->used < batch->rows)
        return RC_OK;
    batch->used = 0;
    return statement_run(to, NULL, err);
}

/* Reads a table; `to` NULL: only its sum. */
static enum rc table_read(struct journey *journey, struct store *from, struct store *to, const struct table *table,
                          int64_t rows, struct storecopy_table *sum, struct err *err)
{
    struct statement *s = NULL;
    struct batch batch = { .rows = BATCH_PARAMETERS / table->count < BATCH_ROWS ? BATCH_PARAMETERS / table->count : BATCH_ROWS };
    enum rc rc = table_select(from, table, &s, err);
    if (!rc && to)
        rc = table_insert(to, table, batch.rows, &batch.full, err);
    if (!rc && to)
        rc = table_insert(to, table, 1, &batch.single, err);
    while (!rc && !(rc = statement_step(s, err))) {
        if (to)
            rc = batch_add(&batch, table, s, rows - sum->rows, err);
        sum_row(table, s, sum);
        journey_step(journey, table->name, false);
    }
    statement_done(s);
    statement_done(batch.full);
    statement_done(batch.single);
    if (rc != RC_NOT_FOUND)
        return rc;
    return batch.used ? err_set(err, RC_BUG, "store: %s changed while it was read", table->name) : RC_OK;
}

/* --- a whole store ------------------------------------------------------------------------------------------------------- */

static enum rc tables_read_all(struct journey *journey, struct store *from, struct store *to, const struct tables *tables,
                               struct storecopy_report *report, struct err *err)
{
    enum rc rc = report_new(tables, report);
    for (size_t i = 0; !rc && i < tables->count; i++) {
        struct tables one = { &tables->rows[i], 1 };
        int64_t rows = 0;
        if (to)
            rc = rows_count(from, &one, &rows, err);
        if (!rc)
            rc = table_read(journey, from, to, &tables->rows[i], rows, &report->tables[i], err);
    }
    return rc;
}

/* What the migrations wrote by themselves is in the copied tables too. */
static enum rc tables_empty(struct store *store, const struct tables *tables, struct err *err)
{
    enum rc rc = RC_OK;
    for (size_t i = tables->count; !rc && i > 0; i--) {
        char sql[128];
        snprintf(sql, sizeof sql, "DELETE FROM \"%s\"", tables->rows[i - 1].name);
        rc = store_exec(store, sql, err);
    }
    return rc;
}

static enum rc keys_settle(struct store *store, const struct tables *tables, struct err *err)
{
    enum rc rc = RC_OK;
    for (size_t i = 0; !rc && store->engine->settle_key && i < tables->count; i++)
        for (int j = 0; !rc && j < tables->rows[i].count; j++)
            if (tables->rows[i].columns[j].key == 1 && tables->rows[i].columns[j].kind == COLUMN_INTEGER)
                rc = store->engine->settle_key(store, tables->rows[i].name, tables->rows[i].columns[j].name, err);
    return rc;
}

static enum rc copy_into(struct journey *journey, struct store *from, struct store *to, const struct tables *tables,
                         struct storecopy_report *report, struct err *err)
{
    struct storecopy_report again = { 0 };
    enum rc rc = store_make_version(to, journey->copy->migrations, report->version, err);
    if (!rc && journey->copy->shape)
        rc = journey->copy->shape(from, to, err);
    if (!rc)
        rc = tables_empty(to, tables, err);
    if (!rc)
        rc = tables_read_all(journey, from, to, tables, report, err);
    if (!rc)
        rc = keys_settle(to, tables, err);
    if (!rc)
        rc = tables_read_all(journey, to, NULL, tables, &again, err);
    const char *differs = rc ? NULL : storecopy_difference(report, &again);
    if (differs)
        rc = err_set(err, RC_CONFLICT, "store: the copy of %s is not what was read", differs);
    storecopy_report_wipe(&again);
    return rc;
}

enum rc storecopy_run(const struct storecopy *copy, const char *from_url, const char *to_url, struct storecopy_report *report,
                      struct err *err)
{
    struct journey journey = { .copy = copy };
    struct store *from = NULL, *to = NULL;
    struct tables tables = { 0 };
    struct storecopy_report made = { 0 };
    enum rc rc = store_open_raw(from_url, true, copy->migrations, copy->count, &from, &made.version, err);
    size_t there = 0;
    if (!rc)
        rc = store_open_raw(to_url, false, copy->migrations, copy->count, &to, &there, err);
    if (!rc && there)
        rc = err_set(err, RC_EXISTS, "store: there is one already; nothing is overwritten");
    if (!rc)
        rc = from->engine->snapshot(from, err);
    if (!rc)
        rc = tables_read(from, &tables, err);
    if (!rc)
        rc = rows_count(from, &tables, &journey.all, err);
    journey.all *= 2; /* read, and read again */
    if (!rc)
        rc = store_begin(to, err);
    if (!rc)
        rc = copy_into(&journey, from, to, &tables, &made, err);
    if (!rc)
        rc = store_commit(to, err);
    if (to)
        store_rollback(to);
    if (from)
        store_rollback(from);
    if (!rc && copy->one_file && to->engine->one_file)
        rc = to->engine->one_file(to, err);
    if (!rc)
        journey_step(&journey, "", true);
    store_close(from);
    store_close(to);
    free(tables.rows);
    if (rc)
        storecopy_report_wipe(&made);
    else
        *report = made;
    return rc;
}

enum rc storecopy_check(const struct storecopy *copy, const char *url, struct storecopy_report *report, struct err *err)
{
    struct journey journey = { .copy = copy };
    struct store *store = NULL;
    struct tables tables = { 0 };
    struct storecopy_report made = { 0 };
    enum rc rc = store_open_raw(url, true, copy->migrations, copy->count, &store, &made.version, err);
    if (!rc && store->engine->check)
        rc = store->engine->check(store, err);
    if (!rc)
        rc = store->engine->snapshot(store, err);
    if (!rc)
        rc = tables_read(store, &tables, err);
    if (!rc)
        rc = rows_count(store, &tables, &journey.all, err);
    if (!rc)
        rc = tables_read_all(&journey, store, NULL, &tables, &made, err);
    if (!rc)
        journey_step(&journey, "", true);
    if (store)
        store_rollback(store);
    store_close(store);
    free(tables.rows);
    if (rc)
        storecopy_report_wipe(&made);
    else
        *report = made;
    return rc;
}

const char *storecopy_difference(const struct storecopy_report *a, const struct storecopy_report *b)
{
    for (size_t i = 0; i < a->count; i++) {
        size_t j = 0;
        while (j < b->count && strcmp(a->tables[i].name, b->tables[j].name) != 0)
            j++;
        if (j == b->count || a->tables[i].rows != b->tables[j].rows || a->tables[i].sum != b->tables[j].sum)
            return a->tables[i].name;
    }
    return a->count == b->count ? NULL : "a table";
}

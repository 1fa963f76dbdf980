/* statement.c — a small cache of prepared statements, their values and their rows; by whatever engine the store has. */
#include "store/store_engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int64_t store_fingerprint(const char *text)
{
    uint64_t hash = 14695981039346656037u;
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 1099511628211u;
    return (int64_t)(hash >> 1);
}

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

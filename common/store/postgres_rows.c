/* postgres_rows.c — statements on a PostgreSQL server: prepared once per connection, values and rows in binary form.
 *
 * A read's rows come one by one. A write is one exchange with the server, with what stands around it: its own
 * transaction, or a savepoint in the open one. */
#include "store/postgres_link.h"
#include "store/postgres_wire.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARAMETERS_MAX 512
#define BLOB_MAX (1u << 30) /* PostgreSQL's own limit of a value */

struct postgres_statement {
    struct statement common;
    struct buf text;
    char name[16];
    unsigned generation; /* of the link on which it is prepared; 0 on none */
    Oid prepared[PARAMETERS_MAX];
    struct wire_parameter *parameters;
    bool bind_failed;
    enum { ROWS_NONE, ROWS_COMING, ROWS_HERE } rows;
    PGresult **results; /* taken off the link: one when rows are coming, all when another statement needed the link */
    size_t count, at;
    int row; /* in results[at] */
    int64_t changes;
    char (*numbers)[24]; /* integers as text, one a column */
};

static struct postgres_statement *statement_of(struct statement *s)
{
    return (struct postgres_statement *)s;
}

/* --- statements: making and binding ------------------------------------------------------------------------------ */

void postgres_finish(struct statement *statement)
{
    struct postgres_statement *s = statement_of(statement);
    for (unsigned i = 0; s->parameters && i < statement->parameters; i++)
        buf_wipe(&s->parameters[i].value);
    free(s->parameters);
    free(s->numbers);
    buf_wipe(&s->text);
    free(s);
}

enum rc postgres_prepare(const struct statement *common, struct statement **out, struct err *err)
{
    if (common->parameters > PARAMETERS_MAX)
        return err_set(err, RC_BUG, "store: more than %d parameters", PARAMETERS_MAX);
    struct postgres_statement *s = calloc(1, sizeof *s);
    if (!s)
        return err_set(err, RC_NOMEM, "store");
    s->common = *common;
    s->parameters = calloc(common->parameters + 1, sizeof *s->parameters);
    enum rc rc = s->parameters ? dialect_to_postgres(common->sql, &s->text) : RC_NOMEM;
    if (!rc && (!buf_string(&s->text) || strspn(common->sql, " \t\r\n;") == strlen(common->sql)))
        rc = err_set(err, RC_BUG, "store: empty statement");
    if (rc) {
        postgres_finish(&s->common);
        return rc;
    }
    for (unsigned i = 0; i < common->parameters; i++)
        s->parameters[i] = (struct wire_parameter){.null = true, .value.max = BLOB_MAX};
    s->row = -1;
    *out = &s->common;
    return RC_OK;
}

/* NULL when there is no such parameter, which the first step tells. */
static struct wire_parameter *statement_parameter(struct statement *statement, int index)
{
    struct postgres_statement *s = statement_of(statement);
    if (index >= 1 && (unsigned)index <= statement->parameters)
        return &s->parameters[index - 1];
    s->bind_failed = true;
    return NULL;
}

void postgres_bind_integer(struct statement *s, int index, int64_t value)
{
    struct wire_parameter *p = statement_parameter(s, index);
    if (p && wire_put_integer(p, value))
        statement_of(s)->bind_failed = true;
}

void postgres_bind_text(struct statement *s, int index, const char *value)
{
    struct wire_parameter *p = statement_parameter(s, index);
    if (p && wire_put_text(p, value))
        statement_of(s)->bind_failed = true;
}

void postgres_bind_blob(struct statement *s, int index, struct bytes value)
{
    struct wire_parameter *p = statement_parameter(s, index);
    if (p && wire_put(p, OID_BYTEA, value))
        statement_of(s)->bind_failed = true;
}

/* --- statements: running ----------------------------------------------------------------------------------------- */

static void statement_clear(struct postgres_statement *s)
{
    for (size_t i = 0; i < s->count; i++)
        PQclear(s->results[i]);
    free(s->results);
    s->results = NULL;
    s->count = s->at = 0;
    s->row = -1;
    s->rows = ROWS_NONE;
}

static bool statement_keep(struct postgres_statement *s, PGresult *result)
{
    if ((s->count & (s->count - 1)) == 0) { /* at each power of two there is room for as many again */
        PGresult **more = realloc(s->results, (s->count ? 2 * s->count : 1) * sizeof(PGresult *));
        if (!more) {
            PQclear(result);
            return false;
        }
        s->results = more;
    }
    s->results[s->count++] = result;
    return true;
}

void postgres_drain(struct postgres_statement *s, bool keep)
{
    struct postgres *pg = postgres_of(s->common.store);
    for (PGresult *result; (result = PQgetResult(pg->link));) {
        if (PQresultStatus(result) == PGRES_TUPLES_OK || !keep)
            PQclear(result);
        else if (!statement_keep(s, result))
            keep = false, s->bind_failed = true;
    }
    pg->streaming = NULL;
    s->rows = ROWS_HERE;
}

enum rc postgres_ready(struct postgres *pg, struct err *err)
{
    if (pg->streaming)
        postgres_drain(pg->streaming, true);
    return postgres_reach(pg, err);
}

/* Whether it is prepared on this link for what is bound now; if not, under which name and types it is to be. */
static bool statement_is_prepared(struct postgres_statement *s)
{
    struct postgres *pg = postgres_of(s->common.store);
    bool fits = s->generation == pg->generation;
    for (unsigned i = 0; i < s->common.parameters; i++) {
        if (s->parameters[i].type != s->prepared[i])
            fits = false;
        s->prepared[i] = s->parameters[i].type;
    }
    if (!fits)
        snprintf(s->name, sizeof s->name, "s%u", ++pg->named);
    s->generation = fits ? s->generation : 0;
    return fits;
}

static bool statement_send(struct postgres_statement *s)
{
    const char *values[PARAMETERS_MAX];
    int lengths[PARAMETERS_MAX], binary[PARAMETERS_MAX];
    for (unsigned i = 0; i < s->common.parameters; i++) {
        const struct wire_parameter *p = &s->parameters[i];
        values[i] = p->null ? NULL : p->value.len ? (const char *)p->value.data : "";
        lengths[i] = (int)p->value.len;
        binary[i] = p->type != OID_TEXT;
    }
    return PQsendQueryPrepared(postgres_of(s->common.store)->link, s->name, (int)s->common.parameters, values, lengths,
                               binary, 1);
}

/* A read: its rows come one by one. */
static enum rc statement_read(struct postgres_statement *s, struct err *err)
{
    struct postgres *pg = postgres_of(s->common.store);
    if (!statement_is_prepared(s)) {
        PGresult *result = PQprepare(pg->link, s->name, (char *)s->text.data, (int)s->common.parameters, s->prepared);
        enum rc rc = postgres_is_sound(result) ? RC_OK : postgres_fail(pg, result, "prepare", err);
        PQclear(result);
        if (rc)
            return rc;
        s->generation = pg->generation;
    }
    if (!statement_send(s) || !PQsetSingleRowMode(pg->link))
        return postgres_fail(pg, NULL, "step", err);
    pg->streaming = s;
    s->rows = ROWS_COMING;
    return RC_OK;
}

static bool postgres_send(struct postgres *pg, const char *sql)
{
    return !sql || PQsendQueryParams(pg->link, sql, 0, NULL, NULL, NULL, NULL, 0);
}

/* The answer of one command of a pipeline, and the NULL behind it. */
static PGresult *pipeline_take(struct postgres *pg)
{
    PGresult *result = PQgetResult(pg->link);
    if (result && PQresultStatus(result) != PGRES_PIPELINE_SYNC)
        PQclear(PQgetResult(pg->link));
    return result;
}

/* Takes the answers. The first failure is told; *result is the statement's own. */
static enum rc pipeline_answers(struct postgres *pg, struct postgres_statement *s, int before, bool fresh, bool own,
                                PGresult **result, struct err *err)
{
    int statement = before + fresh, count = statement + 2; /* behind the statement one more: RELEASE or COMMIT */
    enum rc rc = RC_OK;
    for (int i = 0; i < count; i++) {
        PGresult *answer = pipeline_take(pg);
        if (!rc && own && i == count - 1)
            rc = postgres_judge_commit(pg, answer, err);
        else if (!rc && !postgres_is_sound(answer))
            rc = postgres_fail(pg, answer, i == statement ? "step" : i < before ? "begin" : "prepare", err);
        else if (!rc && own && i == 1 && PQntuples(answer) != 1)
            rc = err_set(err, RC_STATE, "store: the table 'writer' has lost its row");
        if (!rc && fresh && i == before)
            s->generation = pg->generation;
        if (!rc && i == statement)
            *result = answer;
        else
            PQclear(answer);
    }
    PQclear(pipeline_take(pg));
    PQexitPipelineMode(pg->link);
    return rc;
}

/* A write: one exchange with the server for the statement and what stands around it. */
static enum rc statement_write(struct postgres_statement *s, struct err *err)
{
    struct postgres *pg = postgres_of(s->common.store);
    bool own = pg->transaction == TRANSACTION_NONE, fresh = !statement_is_prepared(s);
    PGresult *result = NULL;
    if (!PQenterPipelineMode(pg->link) || !postgres_send(pg, own ? "BEGIN" : "SAVEPOINT step") ||
        !postgres_send(pg, own ? LOCK_WRITER : NULL) ||
        (fresh && !PQsendPrepare(pg->link, s->name, (char *)s->text.data, (int)s->common.parameters, s->prepared)) ||
        !statement_send(s) || !postgres_send(pg, own ? "COMMIT" : "RELEASE step") || !PQpipelineSync(pg->link))
        return postgres_fail(pg, NULL, "step", err);
    enum rc rc = pipeline_answers(pg, s, own ? 2 : 1, fresh, own, &result, err);
    if (rc && PQstatus(pg->link) == CONNECTION_OK)
        PQclear(PQexec(pg->link, own ? "ROLLBACK" : "ROLLBACK TO step; RELEASE step"));
    if (rc) {
        PQclear(result);
        return rc;
    }
    s->changes = strtoll(PQcmdTuples(result), NULL, 10);
    s->rows = ROWS_HERE;
    return statement_keep(s, result) ? RC_OK : RC_NOMEM;
}

/* --- statements: rows -------------------------------------------------------------------------------------------- */

static enum rc statement_check_types(const PGresult *result, struct err *err)
{
    for (int column = 0; column < PQnfields(result); column++)
        if (!wire_is_known(PQftype(result, column)))
            return err_set(err, RC_BUG, "store: column %d is neither number, text nor blob", column);
    return RC_OK;
}

/* The next row that is still on the link, into results[0]. */
static enum rc statement_fetch(struct postgres_statement *s, struct err *err)
{
    struct postgres *pg = postgres_of(s->common.store);
    bool first = s->count == 0;
    for (size_t i = 0; i < s->count; i++)
        PQclear(s->results[i]);
    s->count = s->at = 0;
    s->row = 0;
    PGresult *result = PQgetResult(pg->link);
    if (PQresultStatus(result) == PGRES_SINGLE_TUPLE) {
        enum rc rc = first ? statement_check_types(result, err) : RC_OK;
        return statement_keep(s, result) ? rc : RC_NOMEM;
    }
    enum rc rc = PQresultStatus(result) == PGRES_TUPLES_OK ? RC_NOT_FOUND : postgres_fail(pg, result, "step", err);
    PQclear(result);
    postgres_drain(s, false);
    return rc;
}

enum rc postgres_step(struct statement *statement, struct err *err)
{
    struct postgres_statement *s = statement_of(statement);
    if (s->bind_failed)
        return err_set(err, RC_BUG, "store: bind: no such parameter, or no memory for it");
    if (s->rows == ROWS_NONE) {
        enum rc rc = postgres_ready(postgres_of(statement->store), err);
        if (!rc)
            rc = statement->kind == DIALECT_WRITES ? statement_write(s, err) : statement_read(s, err);
        if (rc)
            return rc;
    }
    s->row++;
    while (s->at < s->count && s->row >= PQntuples(s->results[s->at])) {
        if (!postgres_is_sound(s->results[s->at]))
            return postgres_fail(postgres_of(statement->store), s->results[s->at], "step", err);
        if (s->rows == ROWS_COMING)
            break;
        s->at++;
        s->row = 0;
    }
    if (s->rows == ROWS_COMING)
        return statement_fetch(s, err);
    return s->at < s->count ? RC_OK : RC_NOT_FOUND;
}

enum rc postgres_run(struct statement *statement, int64_t *changes, struct err *err)
{
    struct postgres_statement *s = statement_of(statement);
    enum rc rc = postgres_step(statement, err);
    if (rc == RC_OK)
        return err_set(err, RC_BUG, "store: a statement that should return nothing returned a row");
    if (rc != RC_NOT_FOUND)
        return rc;
    if (changes)
        *changes = s->changes;
    statement_clear(s);
    return RC_OK;
}

void postgres_reset(struct statement *statement)
{
    struct postgres_statement *s = statement_of(statement);
    if (postgres_of(statement->store)->streaming == s)
        postgres_drain(s, false);
    statement_clear(s);
    s->bind_failed = false;
    for (unsigned i = 0; i < statement->parameters; i++)
        wire_put_null(&s->parameters[i]);
}

/* --- columns ------------------------------------------------------------------------------------------------------ */

static const char *column_value(struct statement *statement, int index, size_t *len, Oid *type)
{
    struct postgres_statement *s = statement_of(statement);
    const PGresult *result = s->at < s->count ? s->results[s->at] : NULL;
    if (!result || index < 0 || index >= PQnfields(result) || PQgetisnull(result, s->row, index))
        return NULL;
    *len = (size_t)PQgetlength(result, s->row, index);
    *type = PQftype(result, index);
    return PQgetvalue(result, s->row, index);
}

int64_t postgres_column_integer(struct statement *s, int index)
{
    size_t len = 0;
    Oid type = 0;
    const char *value = column_value(s, index, &len, &type);
    return value ? wire_integer(type, value, len) : 0;
}

const char *postgres_column_text(struct statement *statement, int index)
{
    struct postgres_statement *s = statement_of(statement);
    size_t len = 0;
    Oid type = 0;
    const char *value = column_value(statement, index, &len, &type);
    if (!value || !wire_is_number(type))
        return value;
    if (!s->numbers && !(s->numbers = calloc((size_t)PQnfields(s->results[s->at]), sizeof *s->numbers)))
        return NULL;
    snprintf(s->numbers[index], sizeof s->numbers[index], "%lld", (long long)postgres_column_integer(statement, index));
    return s->numbers[index];
}

struct bytes postgres_column_blob(struct statement *s, int index)
{
    size_t len = 0;
    Oid type = 0;
    const char *value = column_value(s, index, &len, &type);
    return bytes_of(value, len);
}

bool postgres_column_is_null(struct statement *s, int index)
{
    size_t len = 0;
    Oid type = 0;
    return !column_value(s, index, &len, &type);
}

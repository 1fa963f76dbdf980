/* store_postgres.c — PostgreSQL by URL: the one file that links libpq.
 *
 * One writer at a time, as with SQLite: every transaction takes the lock of the one row of the table `writer` first,
 * and a writing statement outside of a transaction is one. Behind that lock READ COMMITTED is enough: each statement
 * sees all that was committed before, and nobody commits in between. Reads take no lock.
 *
 * A lost connection ends what was under way; the next transaction or statement connects anew, and prepares again.
 *
 * Longer than a file should be: what needs no libpq stands in postgres_wire.c, and the rest may not be in two. */
#include "store/postgres_wire.h"
#include "store/store_engine.h"

#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOCK_WRITER "SELECT one FROM writer WHERE one = 1 FOR UPDATE"
#define PARAMETERS_MAX 512
#define BLOB_MAX (1u << 30) /* PostgreSQL's own limit of a value */

struct postgres {
    struct store store;
    PGconn *link; /* NULL or broken between a loss and the next try */
    char *url;
    unsigned generation; /* of the link: statements prepared on an older one are gone */
    unsigned named;
    enum { TRANSACTION_NONE, TRANSACTION_OPEN, TRANSACTION_LOST } transaction;
    struct postgres_statement *streaming; /* whose rows are still coming over the link */
};

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

static struct postgres *postgres_of(struct store *store)
{
    return (struct postgres *)store;
}

static struct postgres_statement *statement_of(struct statement *s)
{
    return (struct postgres_statement *)s;
}

/* --- errors ------------------------------------------------------------------------------------------------------ */

/* libpq's words in one line. */
static const char *postgres_line(const char *words, char line[160])
{
    snprintf(line, 160, "%.*s", (int)strcspn(words, "\n"), words);
    return line;
}

/* Of the server's words only those that name no values: a violated constraint by its name, and the message for faults
 * that no data caused. */
static enum rc postgres_fail(struct postgres *pg, const PGresult *result, const char *what, struct err *err)
{
    char line[160];
    if (PQstatus(pg->link) != CONNECTION_OK) {
        if (pg->transaction == TRANSACTION_OPEN)
            pg->transaction = TRANSACTION_LOST;
        return err_set(err, RC_IO, "store: %s: the connection to PostgreSQL was lost", what);
    }
    const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    const char *constraint = result ? PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME) : NULL;
    const char *column = result ? PQresultErrorField(result, PG_DIAG_COLUMN_NAME) : NULL;
    const char *primary = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    enum rc rc = wire_rc(state);
    if (!state || !primary)
        return err_set(err, rc, "store: %s: %s", what, postgres_line(PQerrorMessage(pg->link), line));
    if (strncmp(state, "23", 2) == 0)
        return err_set(err, rc, "store: %s: constraint failed: %s (SQLSTATE %s)", what,
                       constraint ? constraint
                       : column   ? column
                                  : "?",
                       state);
    if (strncmp(state, "22", 2) == 0)
        return err_set(err, rc, "store: %s: a value is not what the column takes (SQLSTATE %s)", what, state);
    return err_set(err, rc, "store: %s: %s (SQLSTATE %s)", what, postgres_line(primary, line), state);
}

static bool result_is_sound(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_SINGLE_TUPLE;
}

/* A fixed text on an idle link. */
static enum rc postgres_simple(struct postgres *pg, const char *sql, const char *what, struct err *err)
{
    PGresult *result = PQexec(pg->link, sql);
    enum rc rc = result_is_sound(result) ? RC_OK : postgres_fail(pg, result, what, err);
    PQclear(result);
    return rc;
}

/* --- the link ---------------------------------------------------------------------------------------------------- */

static void postgres_hear_nothing(void *context, const PGresult *result)
{
    (void)context;
    (void)result;
}

static PGconn *postgres_dial(const char *url)
{
    /* What stands before dbname may be said otherwise by the URL; what stands behind it may not. A server that falls
     * silent is noticed within half a minute. */
    const char *const keys[] = {
        "application_name", "connect_timeout", "gssencmode", "keepalives_idle", "keepalives_interval",
        "keepalives_count", "tcp_user_timeout", "dbname", "client_encoding", NULL
    };
    const char *const values[] = { "open-jpki", "10", "disable", "10", "5", "4", "30000", url, "UTF8", NULL };
    return PQconnectdbParams(keys, values, 1);
}

/* What a commit's durability and a text's meaning rest on. */
static enum rc postgres_judge(struct postgres *pg, struct err *err)
{
    PGresult *result = PQexec(pg->link, "SELECT current_setting('fsync'), current_setting('server_encoding'), "
                                        "current_setting('synchronous_commit')");
    enum rc rc = result_is_sound(result) ? RC_OK : postgres_fail(pg, result, "connecting", err);
    if (!rc && strcmp(PQgetvalue(result, 0, 0), "on") != 0)
        rc = err_set(err, RC_STATE, "store: the PostgreSQL server runs with fsync off: nothing would be durable");
    if (!rc && strcmp(PQgetvalue(result, 0, 1), "UTF8") != 0)
        rc = err_set(err, RC_STATE, "store: the PostgreSQL database is not in UTF8");
    bool raise = !rc && (strcmp(PQgetvalue(result, 0, 2), "off") == 0);
    PQclear(result);
    if (raise)
        rc = postgres_simple(pg, "SET synchronous_commit = on", "connecting", err);
    return rc;
}

/* Connects, and waits while a server is starting (it may be recovering from a crash). */
static enum rc postgres_connect(struct postgres *pg, struct err *err)
{
    char line[160];
    PQfinish(pg->link);
    pg->generation++;
    pg->link = postgres_dial(pg->url);
    for (int left = STORE_WAIT_SECONDS * 10; PQstatus(pg->link) != CONNECTION_OK && left > 0; left--) {
        if (PQping(pg->url) != PQPING_REJECT)
            break;
        nanosleep(&(struct timespec) { 0, 100000000 }, NULL);
        PQfinish(pg->link);
        pg->link = postgres_dial(pg->url);
    }
    if (PQstatus(pg->link) != CONNECTION_OK)
        return err_set(err, RC_IO, "store: %s",
                       pg->link ? postgres_line(PQerrorMessage(pg->link), line) : "out of memory");
    PQsetNoticeReceiver(pg->link, postgres_hear_nothing, NULL);
    char settings[160];
    snprintf(settings, sizeof settings, "SET lock_timeout = '%ds'; SET standard_conforming_strings = on%s",
             STORE_WAIT_SECONDS, pg->store.reader ? "; SET default_transaction_read_only = on" : "");
    enum rc rc = postgres_simple(pg, settings, "connecting", err);
    return rc ? rc : postgres_judge(pg, err);
}

/* A server that went away while nobody spoke is noticed here, without asking it. */
static bool postgres_is_there(struct postgres *pg)
{
    struct pollfd wait = { .fd = PQsocket(pg->link), .events = POLLIN };
    for (int i = 0; i < 4 && PQstatus(pg->link) == CONNECTION_OK && poll(&wait, 1, 0) > 0; i++)
        if (!PQconsumeInput(pg->link))
            return false;
    return PQstatus(pg->link) == CONNECTION_OK;
}

static void statement_drain(struct postgres_statement *s, bool keep);

/* Before anything is said on the link: it is there, and no rows are coming on it. */
static enum rc postgres_ready(struct postgres *pg, struct err *err)
{
    if (pg->streaming)
        statement_drain(pg->streaming, true);
    if (pg->transaction == TRANSACTION_LOST)
        return err_set(err, RC_IO, "store: the connection to PostgreSQL was lost in the middle of the transaction");
    if (pg->transaction == TRANSACTION_OPEN || postgres_is_there(pg))
        return RC_OK;
    return postgres_connect(pg, err);
}

/* --- opening
 * --------------------------------------------------------------------------------------------------------------------
 */

static void postgres_close(struct store *store)
{
    struct postgres *pg = postgres_of(store);
    PQfinish(pg->link);
    if (pg->url)
        explicit_bzero(pg->url, strlen(pg->url)); /* it may hold a password */
    free(pg->url);
    free(pg);
}

static enum rc postgres_has_tables(struct postgres *pg, bool *there, struct err *err)
{
    PGresult *result =
        PQexec(pg->link, "SELECT to_regclass('migration') IS NOT NULL AND to_regclass('writer') IS NOT NULL");
    enum rc rc = result_is_sound(result) ? RC_OK : postgres_fail(pg, result, "opening", err);
    if (!rc)
        *there = PQgetvalue(result, 0, 0)[0] == 't';
    PQclear(result);
    return rc;
}

/* Several processes may find nothing there at the same time: one makes it, and the others see it at the next look. */
static enum rc postgres_make_tables(struct postgres *pg, struct err *err)
{
    bool there = false;
    enum rc rc = postgres_has_tables(pg, &there, err);
    for (int left = 50; !rc && !there && left > 0; left--) {
        PGresult *result =
            PQexec(pg->link, "BEGIN; CREATE TABLE writer (one BIGINT PRIMARY KEY); "
                             "CREATE TABLE migration (version BIGINT PRIMARY KEY, fingerprint BIGINT NOT NULL, "
                             "applied BIGINT NOT NULL); INSERT INTO writer (one) VALUES (1); COMMIT");
        const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
        bool raced =
            state && (strncmp(state, "23", 2) == 0 || strcmp(state, "42P07") == 0 || strncmp(state, "XX", 2) == 0);
        if (!result_is_sound(result) && !raced)
            rc = postgres_fail(pg, result, "opening", err);
        PQclear(result);
        PQclear(PQexec(pg->link, "ROLLBACK")); /* a warning when there is nothing open */
        if (raced)
            nanosleep(&(struct timespec) { 0, 20000000 }, NULL);
        if (!rc)
            rc = postgres_has_tables(pg, &there, err);
    }
    return rc || there ? rc : err_set(err, RC_CONFLICT, "store: the tables cannot be made");
}

static enum rc postgres_open(const char *url, bool reader, struct store **out, struct err *err)
{
    struct postgres *made = calloc(1, sizeof *made);
    bool there = false;
    if (!made || !(made->url = strdup(url))) {
        free(made);
        return err_set(err, RC_NOMEM, "store");
    }
    made->store.reader = reader;
    enum rc rc = postgres_connect(made, err);
    if (!rc && !reader)
        rc = postgres_make_tables(made, err);
    if (!rc && reader)
        rc = postgres_has_tables(made, &there, err);
    if (!rc && reader && !there)
        rc = err_set(err, RC_NOT_FOUND, "store: nothing has been stored in this database yet");
    if (rc)
        postgres_close(&made->store);
    else
        *out = &made->store;
    return rc;
}

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
        statement_drain(pg->streaming, true);
    if (pg->transaction == TRANSACTION_OPEN)
        PQclear(PQexec(pg->link, "ROLLBACK")); /* when it fails the link is gone, and the server rolls back by itself */
    pg->transaction = TRANSACTION_NONE;
}

/* Whether COMMIT said that it committed: a transaction that has failed answers ROLLBACK, and not as an error. */
static enum rc postgres_judge_commit(struct postgres *pg, PGresult *result, struct err *err)
{
    if (PQresultStatus(result) == PGRES_COMMAND_OK)
        return strcmp(PQcmdStatus(result), "COMMIT") == 0
                   ? RC_OK
                   : err_set(err, RC_STATE, "store: an earlier statement failed; the transaction was rolled back");
    if (PQstatus(pg->link) != CONNECTION_OK)
        return err_set(err, RC_IO, "store: the connection was lost during COMMIT: whether it was done is not known");
    return postgres_fail(pg, result, "commit", err);
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

/* In a transaction the text stands behind a savepoint, so that what fails leaves the transaction usable; but not when it
 * is about savepoints itself. */
static enum rc postgres_exec(struct store *store, const char *sql, enum dialect_kind kind, struct err *err)
{
    struct postgres *pg = postgres_of(store);
    bool inside = pg->transaction != TRANSACTION_NONE && kind != DIALECT_MARKS;
    bool own = !inside && kind == DIALECT_WRITES;
    struct buf text = { 0 };
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
    if (!result_is_sound(result))
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

/* --- statements: making and binding ------------------------------------------------------------------------------ */

static void postgres_finish(struct statement *statement)
{
    struct postgres_statement *s = statement_of(statement);
    for (unsigned i = 0; s->parameters && i < statement->parameters; i++)
        buf_wipe(&s->parameters[i].value);
    free(s->parameters);
    free(s->numbers);
    buf_wipe(&s->text);
    free(s);
}

static enum rc postgres_prepare(const struct statement *common, struct statement **out, struct err *err)
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
        s->parameters[i] = (struct wire_parameter) { .null = true, .value.max = BLOB_MAX };
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

static void postgres_bind_integer(struct statement *s, int index, int64_t value)
{
    struct wire_parameter *p = statement_parameter(s, index);
    if (p && wire_put_integer(p, value))
        statement_of(s)->bind_failed = true;
}

static void postgres_bind_text(struct statement *s, int index, const char *value)
{
    struct wire_parameter *p = statement_parameter(s, index);
    if (p && wire_put_text(p, value))
        statement_of(s)->bind_failed = true;
}

static void postgres_bind_blob(struct statement *s, int index, struct bytes value)
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

/* Takes the rest off the link; keep: for later steps (what cannot be kept ends the rows as a failure would). */
static void statement_drain(struct postgres_statement *s, bool keep)
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
        enum rc rc = result_is_sound(result) ? RC_OK : postgres_fail(pg, result, "prepare", err);
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
        else if (!rc && !result_is_sound(answer))
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
    statement_drain(s, false);
    return rc;
}

static enum rc postgres_step(struct statement *statement, struct err *err)
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
        if (!result_is_sound(s->results[s->at]))
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

static enum rc postgres_run(struct statement *statement, int64_t *changes, struct err *err)
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

static void postgres_reset(struct statement *statement)
{
    struct postgres_statement *s = statement_of(statement);
    if (postgres_of(statement->store)->streaming == s)
        statement_drain(s, false);
    statement_clear(s);
    s->bind_failed = false;
    for (unsigned i = 0; i < statement->parameters; i++)
        wire_put_null(&s->parameters[i]);
}

/* --- columns
 * ------------------------------------------------------------------------------------------------------------------------
 */

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

static int64_t postgres_column_integer(struct statement *s, int index)
{
    size_t len = 0;
    Oid type = 0;
    const char *value = column_value(s, index, &len, &type);
    return value ? wire_integer(type, value, len) : 0;
}

static const char *postgres_column_text(struct statement *statement, int index)
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

static struct bytes postgres_column_blob(struct statement *s, int index)
{
    size_t len = 0;
    Oid type = 0;
    const char *value = column_value(s, index, &len, &type);
    return bytes_of(value, len);
}

static bool postgres_column_is_null(struct statement *s, int index)
{
    size_t len = 0;
    Oid type = 0;
    return !column_value(s, index, &len, &type);
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
    snprintf(sql, sizeof sql, "SELECT setval(pg_get_serial_sequence('%s', '%s'), (SELECT max(\"%s\") FROM \"%s\")) WHERE "
                              "pg_get_serial_sequence('%s', '%s') IS NOT NULL", table, column, column, table, table, column);
    return postgres_exec(store, sql, DIALECT_READS, err);
}

const struct store_engine store_postgres = {
    .tables = "SELECT c.relname, a.attname, CASE a.atttypid WHEN 20 THEN 'INTEGER' WHEN 25 THEN 'TEXT' WHEN 17 THEN 'BLOB' "
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

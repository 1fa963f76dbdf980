/* postgres_link.c — connecting to a PostgreSQL server, staying connected, and its errors in our words.
 *
 * A lost connection ends what was under way; the next transaction or statement connects anew, and prepares again. */
#include "store/postgres_link.h"

#include "store/postgres_wire.h"

#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* --- errors ------------------------------------------------------------------------------------------------------ */

/* libpq's words in one line. */
static const char *postgres_line(const char *words, char line[160])
{
    snprintf(line, 160, "%.*s", (int)strcspn(words, "\n"), words);
    return line;
}

enum rc postgres_fail(struct postgres *pg, const PGresult *result, const char *what, struct err *err)
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

bool postgres_is_sound(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_SINGLE_TUPLE;
}

enum rc postgres_simple(struct postgres *pg, const char *sql, const char *what, struct err *err)
{
    PGresult *result = PQexec(pg->link, sql);
    enum rc rc = postgres_is_sound(result) ? RC_OK : postgres_fail(pg, result, what, err);
    PQclear(result);
    return rc;
}

enum rc postgres_judge_commit(struct postgres *pg, PGresult *result, struct err *err)
{
    if (PQresultStatus(result) == PGRES_COMMAND_OK)
        return strcmp(PQcmdStatus(result), "COMMIT") == 0
                   ? RC_OK
                   : err_set(err, RC_STATE, "store: an earlier statement failed; the transaction was rolled back");
    if (PQstatus(pg->link) != CONNECTION_OK)
        return err_set(err, RC_IO, "store: the connection was lost during COMMIT: whether it was done is not known");
    return postgres_fail(pg, result, "commit", err);
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
        "application_name", "connect_timeout",  "gssencmode", "keepalives_idle", "keepalives_interval",
        "keepalives_count", "tcp_user_timeout", "dbname",     "client_encoding", NULL};
    const char *const values[] = {"open-jpki", "10", "disable", "10", "5", "4", "30000", url, "UTF8", NULL};
    return PQconnectdbParams(keys, values, 1);
}

/* What a commit's durability and a text's meaning rest on. */
static enum rc postgres_judge(struct postgres *pg, struct err *err)
{
    PGresult *result = PQexec(pg->link, "SELECT current_setting('fsync'), current_setting('server_encoding'), "
                                        "current_setting('synchronous_commit'), EXISTS (SELECT 1 FROM pg_class WHERE "
                                        "relkind = 'f' AND relnamespace = to_regnamespace(current_schema()))");
    enum rc rc = postgres_is_sound(result) ? RC_OK : postgres_fail(pg, result, "connecting", err);
    if (!rc && strcmp(PQgetvalue(result, 0, 0), "on") != 0)
        rc = err_set(err, RC_STATE, "store: the PostgreSQL server runs with fsync off: nothing would be durable");
    if (!rc && strcmp(PQgetvalue(result, 0, 1), "UTF8") != 0)
        rc = err_set(err, RC_STATE, "store: the PostgreSQL database is not in UTF8");
    if (!rc)
        pg->store.apart = PQgetvalue(result, 0, 3)[0] == 't';
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
        nanosleep(&(struct timespec){0, 100000000}, NULL);
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
    struct pollfd wait = {.fd = PQsocket(pg->link), .events = POLLIN};
    for (int i = 0; i < 4 && PQstatus(pg->link) == CONNECTION_OK && poll(&wait, 1, 0) > 0; i++)
        if (!PQconsumeInput(pg->link))
            return false;
    return PQstatus(pg->link) == CONNECTION_OK;
}

enum rc postgres_reach(struct postgres *pg, struct err *err)
{
    if (pg->transaction == TRANSACTION_LOST)
        return err_set(err, RC_IO, "store: the connection to PostgreSQL was lost in the middle of the transaction");
    if (pg->transaction == TRANSACTION_OPEN || postgres_is_there(pg))
        return RC_OK;
    return postgres_connect(pg, err);
}

/* --- opening ----------------------------------------------------------------------------------------------------- */

void postgres_close(struct store *store)
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
    enum rc rc = postgres_is_sound(result) ? RC_OK : postgres_fail(pg, result, "opening", err);
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
        bool raced = state && (strncmp(state, "23", 2) == 0 || strcmp(state, "42P07") == 0 || /* the table, or its type, */
                               strcmp(state, "42710") == 0 || strncmp(state, "XX", 2) == 0);  /* is there already */
        if (!postgres_is_sound(result) && !raced)
            rc = postgres_fail(pg, result, "opening", err);
        PQclear(result);
        PQclear(PQexec(pg->link, "ROLLBACK")); /* a warning when there is nothing open */
        if (raced)
            nanosleep(&(struct timespec){0, 20000000}, NULL);
        if (!rc)
            rc = postgres_has_tables(pg, &there, err);
    }
    return rc || there ? rc : err_set(err, RC_CONFLICT, "store: the tables cannot be made");
}

enum rc postgres_open(const char *url, bool reader, struct store **out, struct err *err)
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

/* postgres_link.h — the connection to a PostgreSQL server, for the files of this folder that speak through it:
 * store_postgres.c (transactions), postgres_rows.c (statements). They and postgres_link.c are what links libpq. */
#ifndef JPKI_STORE_POSTGRES_LINK_H
#define JPKI_STORE_POSTGRES_LINK_H

#include "store/store_engine.h"

/* libpq's PGconn and PGresult, so that this header needs none of its own. */
struct pg_conn;
struct pg_result;

/* One writer at a time: whoever writes holds this row. */
#define LOCK_WRITER "SELECT one FROM writer WHERE one = 1 FOR UPDATE"

struct postgres_statement;

struct postgres {
    struct store store;
    struct pg_conn *link; /* NULL or broken between a loss and the next try */
    char *url;
    unsigned generation; /* of the link: statements prepared on an older one are gone */
    unsigned named;
    enum { TRANSACTION_NONE, TRANSACTION_OPEN, TRANSACTION_LOST } transaction;
    struct postgres_statement *streaming; /* whose rows are still coming over the link */
};

static inline struct postgres *postgres_of(struct store *store)
{
    return (struct postgres *)store;
}

enum rc postgres_open(const char *url, bool reader, struct store **store, struct err *err) MUST_CHECK;
void postgres_close(struct store *store);

/* The link is there: connects anew when it is not. */
enum rc postgres_reach(struct postgres *pg, struct err *err) MUST_CHECK;

/* A fixed text on a link that is ready. */
enum rc postgres_simple(struct postgres *pg, const char *sql, const char *what, struct err *err) MUST_CHECK;

bool postgres_is_sound(const struct pg_result *result);

/* What a failed result (NULL: the link itself) is in our words: of the server's only those that name no values, a
 * violated constraint by its name, and the message for faults that no data caused. */
enum rc postgres_fail(struct postgres *pg, const struct pg_result *result, const char *what, struct err *err) MUST_CHECK;

/* Whether COMMIT said that it committed: a transaction that has failed answers ROLLBACK, and not as an error. */
enum rc postgres_judge_commit(struct postgres *pg, struct pg_result *result, struct err *err) MUST_CHECK;

/* --- postgres_rows.c: the engine's functions of statements ---------------------------------------------------------
 */

enum rc postgres_prepare(const struct statement *common, struct statement **statement, struct err *err) MUST_CHECK;
void postgres_reset(struct statement *statement);
void postgres_finish(struct statement *statement);
void postgres_bind_integer(struct statement *statement, int index, int64_t value);
void postgres_bind_text(struct statement *statement, int index, const char *value);
void postgres_bind_blob(struct statement *statement, int index, struct bytes value);
enum rc postgres_step(struct statement *statement, struct err *err) MUST_CHECK;
enum rc postgres_run(struct statement *statement, int64_t *changes, struct err *err) MUST_CHECK;
int64_t postgres_column_integer(struct statement *statement, int index);
const char *postgres_column_text(struct statement *statement, int index);
struct bytes postgres_column_blob(struct statement *statement, int index);
bool postgres_column_is_null(struct statement *statement, int index);

/* Takes the rest of its rows off the link; keep: for later steps (what cannot be kept ends the rows as a failure
 * would). */
void postgres_drain(struct postgres_statement *statement, bool keep);

/* Before anything is said on the link: it is there (connects anew when it is not), and no rows are coming on it. */
enum rc postgres_ready(struct postgres *pg, struct err *err) MUST_CHECK;

#endif

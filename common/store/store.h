/* store.h — SQL with one face and two engines: SQLite, embedded, and PostgreSQL by URL, for when one machine is
 * outgrown.
 *
 * Durable: a commit has reached the disk when it returns (SQLite: WAL, synchronous=FULL; PostgreSQL: a server with
 * fsync off is refused, synchronous_commit off is turned on). One handle is used by one thread at a time; a daemon
 * opens one per thread or locks.
 *
 * One writer at a time in a store, whatever the engine and the number of processes: a transaction sees nothing change
 * but by itself, and what it read it may rely on when it writes. A writer waits up to 10 s for another one. Readers
 * wait for nobody; each statement outside of a transaction sees the last commit.
 *
 * The common SQL, and nothing else (a word that is not portable is refused by both engines, RC_BUG):
 *   types         INTEGER (64 bits), TEXT (UTF-8, compared by its bytes), BLOB; BIGINT is INTEGER's other name. A value
 * is bound as what its column is. A comparison is no number: SUM(CASE WHEN … THEN 1 ELSE 0 END). keys          INTEGER
 * PRIMARY KEY is a number that the store gives, growing, when it is left out; BIGINT PRIMARY KEY is always given by the
 * caller parameters    ?1, ?2 …; one number always of one type upsert        INSERT … ON CONFLICT (columns) DO NOTHING
 * / DO UPDATE SET c = table.c + 1; RETURNING order         nulls last or first only when said (NULLS FIRST) not LIKE,
 * time functions, rowid, INSERT OR, WITH before a write, "text" in double quotes, == and :: A statement that reads
 * begins with SELECT, VALUES or WITH; one that writes with its verb. */
#ifndef JPKI_STORE_STORE_H
#define JPKI_STORE_STORE_H

#include "base/buf.h"
#include "base/err.h"

struct store;
struct statement;

/* url: "sqlite:PATH" or a bare path (creates the file, 0600), or "postgresql://…" as libpq reads it (its database is
 * there already; tables are made in the first schema of its search path). The migrations (SQL texts, one a version, in
 * order) that the store has not seen yet are run, each in its own transaction with its number recorded; several
 * processes may come at once. A store that is newer than the program, or was made by other migrations (another
 * program's), is refused (RC_STATE). RC_NOT_FOUND no such folder, RC_FORMAT not a store, RC_IO no server,
 * RC_UNSUPPORTED built without libpq. No error's words hold a password. */
enum rc store_open(const char *url, const char *const *migrations, size_t count, struct store **store,
                   struct err *err) MUST_CHECK;
/* Whether the URL names a server: a process that keeps such a store must be able to connect. */
bool store_is_remote(const char *url);

/* As store_open, for a process that only reads: no file is made, nothing can be written (RC_DENIED), no migration is
 * run. RC_STATE also when the store is older than the program: whoever writes it must have been started first. */
enum rc store_open_reader(const char *url, const char *const *migrations, size_t count, struct store **store,
                          struct err *err) MUST_CHECK;
void store_close(struct store *store);
/* Whether a statement is a round trip to a server: many rows then go in one statement. Embedded, a row at a time costs less: a
 * statement of many keeps what it changes a second time, to undo it when a later row fails. */
bool store_is_served(const struct store *store);
/* Whether partitions of its tables lie on other servers, as of the last connecting: what names one place at a time asks one of
 * them, what joins asks all. */
bool store_is_apart(const struct store *store);

/* A statement that fails in a transaction has done nothing and leaves the transaction usable. A commit that fails has
 * rolled back, with one exception: RC_IO of a PostgreSQL whose answer was lost may have committed, so what follows must
 * be idempotent. After a loss of the connection everything is RC_IO until the end of the transaction; the next one
 * connects anew. store_rollback is silent when no transaction is open, so it may stand at every exit. Fault points:
 * store.before_commit, store.after_commit. */
enum rc store_begin(struct store *store, struct err *err) MUST_CHECK;
enum rc store_commit(struct store *store, struct err *err) MUST_CHECK;
void store_rollback(struct store *store);

/* Partitions a table by the hash of a column, in so many parts (0: one whole table again), in a transaction; rows, keys and
 * indexes stay as they are, and statements read and write it as before. A primary key that lacks the column, as a number that the
 * store gives, has it besides from then on. Done anew when it has another number of them. No other table may refer to it.
 * RC_STATE: some lie on other servers. SQLite: nothing to do, a store is one file. */
enum rc store_spread(struct store *store, const char *table, const char *column, int parts, struct err *err) MUST_CHECK;
/* In how many parts a table is; 0: it is whole. */
enum rc store_parts(struct store *store, const char *table, int *parts, struct err *err) MUST_CHECK;

/* SAVEPOINT x, ROLLBACK TO x and RELEASE x are for store_exec, in a transaction.
 * Runs fixed SQL without parameters or rows, one statement or several. Outside of a transaction use it for one only. */
enum rc store_exec(struct store *store, const char *sql, struct err *err) MUST_CHECK;

/* A prepared statement with ?1, ?2 … . Prepared once per text and kept by the store. Returns it reset and unbound.
 * Borrowed: statement_done gives it back (also resets it, so that no read lock stays). What is wrong with its text may
 * be told here or by the first step. */
enum rc store_prepare(struct store *store, const char *sql, struct statement **statement, struct err *err) MUST_CHECK;
void statement_done(struct statement *statement); /* NULL is fine */

/* Parameters count from 1. Copied. A failed bind is remembered and reported by statement_step. */
void bind_integer(struct statement *statement, int index, int64_t value);
void bind_text(struct statement *statement, int index, const char *value); /* NULL binds NULL */
void bind_blob(struct statement *statement, int index, struct bytes value);

/* Moves to the next row. RC_OK a row, RC_NOT_FOUND no (more) rows, RC_EXISTS a unique constraint, RC_CONFLICT another
 * constraint or a busy store, RC_IO (disk full, lost connection). Another statement may be used between two steps, but
 * the rest of a long read is then taken into memory. */
enum rc statement_step(struct statement *statement, struct err *err) MUST_CHECK;

/* For statements that return nothing: runs, and RC_OK when it is done. *changes (may be NULL) rows changed. What is bound stays
 * bound until statement_done, so a next run binds only what is another. */
enum rc statement_run(struct statement *statement, int64_t *changes, struct err *err) MUST_CHECK;

/* One text with its parameters, ?1 first, as a list of values: store_run(store, "UPDATE … WHERE code = ?1", BINDS(BIND_TEXT(code)),
 * NULL, err). Borrowed during the call. */
struct bind {
    enum { BIND_END, BIND_IS_INTEGER, BIND_IS_TEXT, BIND_IS_BLOB } kind;
    union {
        int64_t integer;
        const char *text; /* NULL binds NULL */
        struct bytes blob;
    };
};
/* clang-format off */
#define BIND_INTEGER(value) { .kind = BIND_IS_INTEGER, .integer = (value) }
#define BIND_TEXT(value) { .kind = BIND_IS_TEXT, .text = (value) }
#define BIND_BLOB(value) { .kind = BIND_IS_BLOB, .blob = (value) }
#define BINDS(...) ((const struct bind[]) { __VA_ARGS__, { .kind = BIND_END } })
/* clang-format on */

/* Prepares and binds: the rows follow with statement_step. binds: NULL for none. *statement is NULL when it fails. */
enum rc store_query(struct store *store, const char *sql, const struct bind *binds, struct statement **statement,
                    struct err *err) MUST_CHECK;
/* The same and its first row: RC_NOT_FOUND none, and *row is NULL; else statement_done gives the row back. */
enum rc store_row(struct store *store, const char *sql, const struct bind *binds, struct statement **row,
                  struct err *err) MUST_CHECK;
/* The first row's one column, when nothing else is wanted of it: RC_NOT_FOUND none, and the value stays as it was. Text
 * as column_copy. */
enum rc store_integer(struct store *store, const char *sql, const struct bind *binds, int64_t *value, struct err *err) MUST_CHECK;
enum rc store_text(struct store *store, const char *sql, const struct bind *binds, char *value, size_t size,
                   struct err *err) MUST_CHECK;
/* Runs what returns nothing, as statement_run. */
enum rc store_run(struct store *store, const char *sql, const struct bind *binds, int64_t *changes, struct err *err) MUST_CHECK;

/* Columns count from 0. Text and blob are borrowed until the next step. Text of NULL is NULL. */
int64_t column_integer(struct statement *statement, int index);
const char *column_text(struct statement *statement, int index);
struct bytes column_blob(struct statement *statement, int index);
bool column_is_null(struct statement *statement, int index);
/* The text into its place: cut when it is longer, "" for NULL. */
void column_copy(struct statement *statement, int index, char *text, size_t size);

#endif

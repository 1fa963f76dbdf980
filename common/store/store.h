/* store.h — SQL: one face. SQLite inside today; the face holds nothing that PostgreSQL could not do (docs/ARCHITECTURE.md).
 *
 * Durable: a commit has reached the disk when it returns (WAL, synchronous=FULL). One handle is used by one thread at a
 * time; a daemon opens one per thread or locks. Several processes may open the same store; a writer waits up to 10 s. */
#ifndef JPKI_STORE_STORE_H
#define JPKI_STORE_STORE_H

#include "base/buf.h"
#include "base/err.h"

struct store;
struct statement;

/* url: "sqlite:PATH" or a bare path. Creates the file (0600). The migrations (SQL texts, one a version, in order) that
 * the store has not seen yet are run, each in its own transaction with its number recorded. A store that is newer than
 * the program, or was made by other migrations (another program's), is refused (RC_STATE). RC_NOT_FOUND no such folder,
 * RC_FORMAT not a store, RC_UNSUPPORTED another kind of URL. */
enum rc store_open(const char *url, const char *const *migrations, size_t count, struct store **store,
                   struct err *err) MUST_CHECK;
/* As store_open, for a process that only reads: no file is made, nothing can be written, no migration is run. RC_STATE
 * also when the store is older than the program: whoever writes it must have been started first. */
enum rc store_open_reader(const char *url, const char *const *migrations, size_t count, struct store **store,
                          struct err *err) MUST_CHECK;
void store_close(struct store *store);

/* BEGIN IMMEDIATE / COMMIT / ROLLBACK. A commit that fails has rolled back. store_rollback is silent when no transaction
 * is open, so it may stand at every exit. Fault points: store.before_commit, store.after_commit. */
enum rc store_begin(struct store *store, struct err *err) MUST_CHECK;
enum rc store_commit(struct store *store, struct err *err) MUST_CHECK;
void store_rollback(struct store *store);

/* Runs fixed SQL without parameters or rows. */
enum rc store_exec(struct store *store, const char *sql, struct err *err) MUST_CHECK;

/* A prepared statement with ?1, ?2 … . Prepared once per text and kept by the store. Returns it reset and unbound.
 * Borrowed: statement_done gives it back (also resets it, so that no read lock stays). */
enum rc store_prepare(struct store *store, const char *sql, struct statement **statement, struct err *err) MUST_CHECK;
void statement_done(struct statement *statement); /* NULL is fine */

/* Parameters count from 1. Copied. A failed bind is remembered and reported by statement_step. */
void bind_integer(struct statement *statement, int index, int64_t value);
void bind_text(struct statement *statement, int index, const char *value); /* NULL binds NULL */
void bind_blob(struct statement *statement, int index, struct bytes value);

/* Moves to the next row. RC_OK a row, RC_NOT_FOUND no (more) rows, RC_EXISTS a unique constraint, RC_CONFLICT another
 * constraint or a busy store, RC_IO (disk full too). */
enum rc statement_step(struct statement *statement, struct err *err) MUST_CHECK;

/* For statements that return nothing: runs, and RC_OK when it is done. *changes (may be NULL) rows changed. */
enum rc statement_run(struct statement *statement, int64_t *changes, struct err *err) MUST_CHECK;

/* Columns count from 0. Text and blob are borrowed until the next step. Text of NULL is NULL. */
int64_t column_integer(struct statement *statement, int index);
const char *column_text(struct statement *statement, int index);
struct bytes column_blob(struct statement *statement, int index);
bool column_is_null(struct statement *statement, int index);

#endif

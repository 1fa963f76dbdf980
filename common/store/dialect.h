/* dialect.h — the common SQL (store.h): telling what is not, and putting it into PostgreSQL's words. Words only: what a
 * statement means is the engine's to judge. */
#ifndef JPKI_STORE_DIALECT_H
#define JPKI_STORE_DIALECT_H

#include "base/buf.h"
#include "base/err.h"

/* What a text does, by the verb that it begins with. */
enum dialect_kind { DIALECT_READS, DIALECT_WRITES, DIALECT_MARKS /* SAVEPOINT, ROLLBACK TO, RELEASE */ };

/* One statement or several. *parameters: the highest number of a ?1. RC_BUG names the word that is not portable and
 * what to write instead. */
enum rc dialect_check(const char *sql, enum dialect_kind *kind, unsigned *parameters, struct err *err) MUST_CHECK;

/* Appends a checked text in PostgreSQL's words. */
enum rc dialect_to_postgres(const char *sql, struct buf *out) MUST_CHECK;

#endif

/* storerows.h — rows of one shape into a table: one after the other where the engine is in the process, many in a statement where
 * each is a round trip. */
#ifndef JPKI_STORE_STOREROWS_H
#define JPKI_STORE_STOREROWS_H

#include "store/store.h"

struct store_rows {
    const char *insert; /* "INSERT INTO t (a, b) VALUES " */
    const char *after;  /* " ON CONFLICT (a) DO NOTHING", or "" */
    int columns;
    /* Binds a row's columns to the parameters from `first` on. In one process a row's parameters are those of the row before, with
     * what was bound to them. */
    void (*bind)(void *context, struct statement *s, int first, size_t row);
    void *context;
};

/* As statement_run: in an open transaction, since an error leaves some of them. */
enum rc store_insert(struct store *store, const struct store_rows *rows, size_t count, struct err *err) MUST_CHECK;

/* Appends "(?1, ?2), (?3, ?4)…", the places of so many rows, to a text; what does not fit is cut. */
void store_places(char *text, size_t size, size_t rows, int columns);

#endif

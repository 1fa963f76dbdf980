/* storecopy.h — a whole store into another one, of whatever engine, while it is in use: backup, restore, moving, checking.
 *
 * What is read is one moment's state (a snapshot; writers are not held up). What is written is one transaction: a copy that
 * ends early leaves an empty store. Before it is committed it is read again and compared, table by table. */
#ifndef JPKI_STORE_STORECOPY_H
#define JPKI_STORE_STORECOPY_H

#include "store/store.h"

struct storecopy_table {
    char name[64];
    int64_t rows;
    uint64_t sum; /* of all values, whatever the order of rows; finds faults, no forgery */
};

struct storecopy_report {
    struct storecopy_table *tables; /* in the order in which they were made */
    size_t count;
    size_t version; /* migrations */
};

/* Called now and then with the rows done of all, and at the end. */
typedef void (*storecopy_fn)(void *context, const char *table, int64_t done, int64_t all);

struct storecopy {
    const char *const *migrations; /* of the program whose stores they are */
    size_t count;
    bool one_file;     /* what is written shall be a single file, to be put away */
    storecopy_fn tell; /* may be NULL */
    void *context;
    /* What the new store needs before the rows come, in its transaction; NULL: nothing. */
    enum rc (*shape)(struct store *from, struct store *to, struct err *err);
};

/* to: a new place, or a store that is still empty. RC_EXISTS when it is not; RC_STATE when `from` is another program's, or
 * newer than this one; RC_NOT_FOUND no `from`; RC_CONFLICT the copy is not what was read (nothing is kept then). An older
 * store is copied as it is. The caller wipes the report. */
enum rc storecopy_run(const struct storecopy *copy, const char *from, const char *to, struct storecopy_report *report,
                      struct err *err) MUST_CHECK;

/* Reads every value, and has the engine check itself. RC_CONFLICT: it is damaged. The caller wipes the report. */
enum rc storecopy_check(const struct storecopy *copy, const char *url, struct storecopy_report *report,
                        struct err *err) MUST_CHECK;

void storecopy_report_wipe(struct storecopy_report *report);

/* The name of the first table that differs, or NULL. */
const char *storecopy_difference(const struct storecopy_report *a, const struct storecopy_report *b);

#endif

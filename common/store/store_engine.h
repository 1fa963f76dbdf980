/* store_engine.h — what an engine does for store.c and statement.c; for the files of this folder only. An engine's own records begin
 * with these. Each function keeps the contract of its namesake in store.h. */
#ifndef JPKI_STORE_STORE_ENGINE_H
#define JPKI_STORE_STORE_ENGINE_H

#include "store/dialect.h"
#include "store/store.h"

struct store {
    const struct store_engine *engine;
    struct statement *statements; /* statement.c's: prepared, lent or not */
    bool reader;
    bool apart; /* store_is_apart */
};

struct statement {
    struct store *store;
    struct statement *next;
    char *sql;
    int64_t hash; /* of sql */
    enum dialect_kind kind;
    unsigned parameters; /* the highest number in the text */
    bool lent;
};

struct store_engine {
    bool served; /* a statement is a round trip */
    /* A store whose table `migration` (version, fingerprint, applied) is there; for a reader it must have been. */
    enum rc (*open)(const char *url, bool reader, struct store **store, struct err *err);
    void (*close)(struct store *store); /* every statement has been finished */

    enum rc (*begin)(struct store *store, struct err *err);
    enum rc (*commit)(struct store *store, struct err *err);
    void (*rollback)(struct store *store);
    enum rc (*exec)(struct store *store, const char *sql, enum dialect_kind kind, struct err *err);

    /* A statement of the engine's size; common is what statement.c has filled in. */
    enum rc (*prepare)(const struct statement *common, struct statement **statement, struct err *err);
    void (*reset)(struct statement *statement);  /* unbound, and no row of it held */
    void (*finish)(struct statement *statement); /* freed */

    void (*bind_integer)(struct statement *statement, int index, int64_t value);
    void (*bind_text)(struct statement *statement, int index, const char *value);
    void (*bind_blob)(struct statement *statement, int index, struct bytes value);
    enum rc (*step)(struct statement *statement, struct err *err);
    enum rc (*run)(struct statement *statement, int64_t *changes, struct err *err);

    int64_t (*column_integer)(struct statement *statement, int index);
    const char *(*column_text)(struct statement *statement, int index);
    struct bytes (*column_blob)(struct statement *statement, int index);
    bool (*column_is_null)(struct statement *statement, int index);

    /* For storecopy.c. A query for every table but migration, in the order in which they were made: name, column, type in
     * the common SQL's words, place in the primary key from 1 or 0. */
    const char *tables;
    /* Begins a transaction that sees one moment and takes no lock; rollback ends it. */
    enum rc (*snapshot)(struct store *store, struct err *err);
    /* These may be NULL: nothing to do. */
    enum rc (*check)(struct store *store, struct err *err); /* RC_CONFLICT: damaged */
    enum rc (*settle_key)(struct store *store, const char *table, const char *column, struct err *err);
    enum rc (*one_file)(struct store *store, struct err *err);
    enum rc (*spread)(struct store *store, const char *table, const char *column, int parts, struct err *err);
    enum rc (*parts)(struct store *store, const char *table, int *parts, struct err *err);
};

/* Opens without running migrations; *version is how many of them the store has seen: as store_check_version judges. */
enum rc store_open_raw(const char *url, bool reader, const char *const *migrations, size_t count, struct store **store,
                       size_t *version, struct err *err) MUST_CHECK;
/* In a transaction: the first migrations, into a store that has seen none. */
enum rc store_make_version(struct store *store, const char *const *migrations, size_t version, struct err *err) MUST_CHECK;
/* FNV-1a: finds a prepared text, and tells a program's own migrations from another program's store, not a defence against anybody. */
int64_t store_fingerprint(const char *text);

/* As store_prepare, for an engine's own words. */
enum rc store_prepare_raw(struct store *store, const char *sql, struct statement **statement, struct err *err) MUST_CHECK;

extern const struct store_engine store_sqlite;
#ifdef JPKI_POSTGRES
extern const struct store_engine store_postgres;
#endif

#define STORE_WAIT_SECONDS 10 /* how long a writer waits for another one */

#endif

/* booklists.c — the book's other rows: revocation lists, counts, CMP transactions, events. */
#include "ca/book.h"

#include "ca/listplace.h"

#include <stdio.h>
#include <string.h>

enum rc book_count(struct store *store, enum authority authority, struct book_counts *counts, struct err *err)
{
    struct statement *s = NULL;
    struct book_counts found = { 0 };
    enum rc rc = store_row(store,
                           "SELECT COUNT(*), COALESCE(SUM(CASE WHEN confirmed_at IS NOT NULL AND revoked_at IS NULL"
                           " THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN revoked_at IS NOT NULL THEN 1 ELSE 0 END), 0)"
                           " FROM certificates WHERE authority = ?1 AND certificate IS NOT NULL AND municipality <> ''",
                           BINDS(BIND_TEXT(authority_name(authority))), &s, err); /* the authority's own do not count */
    if (!rc) {
        found.certificates = column_integer(s, 0);
        found.active = column_integer(s, 1);
        found.revoked = column_integer(s, 2);
    }
    statement_done(s);
    s = NULL;
    if (!rc)
        rc = store_row(store,
                       "SELECT COALESCE(MAX(number), 0), COALESCE(MIN(issued), 0) FROM lists WHERE authority = ?1",
                       BINDS(BIND_TEXT(authority_name(authority))), &s, err);
    if (!rc) {
        found.crl_number = column_integer(s, 0);
        found.crl_issued = column_integer(s, 1);
        *counts = found;
    }
    statement_done(s);
    return rc;
}

#define LIST_COLUMNS "SELECT authority, list, number, issued, next_update, covers FROM lists "

static enum rc list_take(struct statement *s, struct book_list *list, struct err *err)
{
    struct book_list row = { 0 };
    const char *authority = column_text(s, 0), *name = column_text(s, 1);
    if (!authority || !name || authority_parse(authority, &row.authority))
        return err_set(err, RC_BUG, "a revocation list has no authority");
    snprintf(row.list, sizeof row.list, "%s", name);
    row.number = column_integer(s, 2);
    row.issued = column_integer(s, 3);
    row.next_update = column_integer(s, 4);
    row.covers = column_integer(s, 5);
    *list = row;
    return RC_OK;
}

enum rc book_find_list(struct store *store, enum authority authority, const char *name, struct book_list *list,
                       struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_row(store, LIST_COLUMNS "WHERE authority = ?1 AND list = ?2",
                           BINDS(BIND_TEXT(authority_name(authority)), BIND_TEXT(name)), &s, err);
    if (!rc)
        rc = list_take(s, list, err);
    statement_done(s);
    return rc;
}

enum rc book_take_crl_numbers(struct store *store, enum authority authority, const char *name, int count, int64_t *first,
                              struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_row(store,
                           "INSERT INTO lists(authority, list, reserved, number, issued, next_update, covers)"
                           " VALUES(?1, ?2, ?3, 0, 0, 0, 0) ON CONFLICT(authority, list)"
                           " DO UPDATE SET reserved = lists.reserved + ?3 RETURNING reserved",
                           BINDS(BIND_TEXT(authority_name(authority)), BIND_TEXT(name), BIND_INTEGER(count)), &s, err);
    if (!rc)
        *first = column_integer(s, 0) - count + 1;
    statement_done(s);
    return rc;
}

enum rc book_skip_crl_numbers(struct store *store, enum authority authority, const char *name, int64_t least, int64_t skip,
                              struct err *err)
{
#define FURTHER "SET reserved = CASE WHEN lists.reserved < ?3 THEN ?3 ELSE lists.reserved END + ?4"
    int64_t changes = 0;
    enum rc rc = store_run(store,
                           least ? "INSERT INTO lists(authority, list, reserved, number, issued, next_update, covers)"
                                   " VALUES(?1, ?2, ?3 + ?4, 0, 0, 0, 0) ON CONFLICT(authority, list) DO UPDATE " FURTHER
                                 : "UPDATE lists " FURTHER " WHERE authority = ?1 AND list = ?2",
                           BINDS(BIND_TEXT(authority_name(authority)), BIND_TEXT(name), BIND_INTEGER(least),
                                 BIND_INTEGER(skip)), &changes, err);
    return rc || changes ? rc : RC_NOT_FOUND;
#undef FURTHER
}

enum rc book_set_list(struct store *store, const struct book_list *list, struct err *err)
{
    int64_t changes = 0;
    enum rc rc = store_run(store,
                           "UPDATE lists SET number = ?3, issued = ?4, next_update = ?5, covers = ?6"
                           " WHERE authority = ?1 AND list = ?2 AND number < ?3",
                           BINDS(BIND_TEXT(authority_name(list->authority)), BIND_TEXT(list->list),
                                 BIND_INTEGER(list->number), BIND_INTEGER(list->issued),
                                 BIND_INTEGER(list->next_update), BIND_INTEGER(list->covers)), &changes, err);
    if (!rc && changes != 1)
        rc = err_set(err, RC_CONFLICT, "the CRL number %lld is not higher than the last one", (long long)list->number);
    return rc;
}

#define ENTRIES "SELECT serial, revoked_at, reason FROM certificates WHERE authority = ?1 AND "
#define ENTRIES_ORDER "revocation IS NOT NULL AND not_after >= ?2 ORDER BY length(serial), serial"

enum rc book_each_revoked(struct store *store, enum authority authority, const char *list, int64_t last_issued,
                          book_entry_fn each, void *context, struct err *err)
{
    struct statement *s = NULL;
    bool all = strcmp(list, LISTPLACE_ALL) == 0;
    enum rc rc = all ? store_query(store, ENTRIES ENTRIES_ORDER,
                                   BINDS(BIND_TEXT(authority_name(authority)), BIND_INTEGER(last_issued)), &s, err)
                     : store_query(store, ENTRIES "list = ?3 AND " ENTRIES_ORDER,
                                   BINDS(BIND_TEXT(authority_name(authority)), BIND_INTEGER(last_issued), BIND_TEXT(list)),
                                   &s, err);
    while (!rc && (rc = statement_step(s, err)) == RC_OK)
        rc = each(context, column_text(s, 0), column_integer(s, 1), (int)column_integer(s, 2));
    statement_done(s);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

enum rc book_each_revoked_after(struct store *store, int64_t after, int max, book_news_fn each, void *context,
                                struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_query(store,
                             "SELECT authority, serial, revocation FROM certificates WHERE revocation > ?1"
                             " ORDER BY revocation LIMIT ?2",
                             BINDS(BIND_INTEGER(after), BIND_INTEGER(max)), &s, err);
    while (!rc && (rc = statement_step(s, err)) == RC_OK) {
        enum authority authority;
        const char *name = column_text(s, 0), *serial = column_text(s, 1);
        rc = name && serial ? authority_parse(name, &authority) : RC_BUG;
        if (!rc)
            rc = each(context, authority, serial, column_integer(s, 2));
        else
            rc = RC_BUG;
    }
    statement_done(s);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

enum rc book_newest_revocation(struct store *store, int64_t *revocation, struct err *err)
{
    return store_integer(store,
                         "SELECT COALESCE(MAX(revocation), 0) FROM certificates WHERE revocation IS NOT NULL",
                         NULL, revocation, err);
}

enum rc book_last_revocation(struct store *store, enum authority authority, const char *list, int64_t *revocation,
                             struct err *err)
{
    if (strcmp(list, LISTPLACE_ALL) == 0) /* of every authority: a list covers what it says, and more does no harm */
        return book_newest_revocation(store, revocation, err);
    return store_integer(store,
                         "SELECT COALESCE(MAX(revocation), 0) FROM certificates WHERE authority = ?1 AND list = ?2"
                         " AND revocation IS NOT NULL",
                         BINDS(BIND_TEXT(authority_name(authority)), BIND_TEXT(list)), revocation, err);
}

static enum rc list_collect(struct store *store, const char *sql, const struct bind *binds, struct book_list *lists, size_t max,
                            size_t *count, struct err *err)
{
    size_t n = 0;
    struct statement *s;
    enum rc rc = store_query(store, sql, binds, &s, err);
    while (!rc && n < max && (rc = statement_step(s, err)) == RC_OK)
        rc = list_take(s, &lists[n++], err);
    statement_done(s);
    if (rc && rc != RC_NOT_FOUND)
        return rc;
    *count = n;
    return RC_OK;
}

enum rc book_due_lists(struct store *store, int64_t older_than, int64_t all_older_than, struct book_list *lists, size_t max,
                       size_t *count, struct err *err)
{
    return list_collect(store,
                        LIST_COLUMNS
                        "WHERE number = 0 OR issued <= ?1 OR (list <> ?3 AND EXISTS(SELECT 1 FROM certificates c"
                        " WHERE c.authority = lists.authority AND c.list = lists.list AND"
                        " c.revocation > lists.covers)) OR (list = ?3 AND issued <= ?2 AND EXISTS(SELECT 1 FROM"
                        " certificates c WHERE c.revocation > lists.covers AND c.authority = lists.authority))"
                        " ORDER BY authority, list",
                        BINDS(BIND_INTEGER(older_than), BIND_INTEGER(all_older_than), BIND_TEXT(LISTPLACE_ALL)),
                        lists, max, count, err);
}

enum rc book_all_lists(struct store *store, struct book_list *lists, size_t max, size_t *count, struct err *err)
{
    return list_collect(store, LIST_COLUMNS "ORDER BY authority, list", NULL, lists, max, count, err);
}

void book_transaction_wipe(struct book_transaction *transaction)
{
    buf_wipe(&transaction->request);
    *transaction = (struct book_transaction) { 0 };
}

enum rc book_find_transaction(struct store *store, const char *id, struct book_transaction *transaction, struct err *err)
{
    struct statement *s = NULL;
    struct book_transaction row = { 0 };
    enum rc rc = store_row(store,
                           "SELECT authority, certificate, officer, nonce, outcome, request FROM transactions"
                           " WHERE id = ?1",
                           BINDS(BIND_TEXT(id)), &s, err);
    if (!rc) {
        const char *authority = column_text(s, 0);
        rc = authority ? authority_parse(authority, &row.authority) : RC_BUG;
        row.cert = column_integer(s, 1);
        snprintf(row.id, sizeof row.id, "%s", id);
        column_copy(s, 2, row.officer, sizeof row.officer);
        column_copy(s, 3, row.nonce, sizeof row.nonce);
        row.outcome = (int)column_integer(s, 4);
        if (!rc)
            rc = buf_append_bytes(&row.request, column_blob(s, 5));
    }
    statement_done(s);
    if (rc)
        book_transaction_wipe(&row);
    else
        *transaction = row;
    return rc;
}

enum rc book_add_transaction(struct store *store, const struct book_transaction *transaction, struct err *err)
{
    return store_run(store,
                     "INSERT INTO transactions(id, authority, certificate, officer, nonce, outcome, request)"
                     " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                     BINDS(BIND_TEXT(transaction->id), BIND_TEXT(authority_name(transaction->authority)),
                           BIND_INTEGER(transaction->cert), BIND_TEXT(transaction->officer),
                           BIND_TEXT(transaction->nonce), BIND_INTEGER(transaction->outcome),
                           BIND_BLOB(buf_bytes(&transaction->request))), NULL, err);
}

enum rc book_set_outcome(struct store *store, const char *id, int outcome, struct err *err)
{
    return store_run(store, "UPDATE transactions SET outcome = ?2 WHERE id = ?1",
                     BINDS(BIND_TEXT(id), BIND_INTEGER(outcome)), NULL, err);
}

enum rc book_last_event(struct store *store, int64_t *sequence, struct err *err)
{
    return store_integer(store, "SELECT COALESCE(MAX(sequence), 0) FROM events", NULL, sequence, err);
}

enum rc book_add_event(struct store *store, int64_t sequence, const char *event, const char *time, struct err *err)
{
    return store_run(store, "INSERT INTO events(sequence, event, time) VALUES(?1, ?2, ?3)",
                     BINDS(BIND_INTEGER(sequence), BIND_TEXT(event), BIND_TEXT(time)), NULL, err);
}

/* booklists.c — the book's other rows: revocation lists, counts, CMP transactions, events. */
#include "ca/book.h"

#include <stdio.h>
#include <string.h>

enum rc book_count(struct store *store, enum authority authority, struct book_counts *counts, struct err *err)
{
    struct statement *s = NULL;
    struct book_counts found = { 0 };
    enum rc rc = store_prepare(store,
                               "SELECT COUNT(*), COALESCE(SUM(CASE WHEN confirmed_at IS NOT NULL AND revoked_at IS NULL"
                               " THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN revoked_at IS NOT NULL THEN 1 ELSE 0 END), 0)"
                               " FROM certificates WHERE authority = ?1 AND certificate IS NOT NULL AND municipality <> ''",
                               &s, err); /* the authority's own do not count */
    if (!rc) {
        bind_text(s, 1, authority_name(authority));
        rc = statement_step(s, err);
    }
    if (!rc) {
        found.certificates = column_integer(s, 0);
        found.active = column_integer(s, 1);
        found.revoked = column_integer(s, 2);
    }
    statement_done(s);
    s = NULL;
    if (!rc)
        rc = store_prepare(store,
                           "SELECT COALESCE(MAX(number), 0), COALESCE(MIN(issued), 0) FROM lists WHERE authority = ?1",
                           &s, err);
    if (!rc) {
        bind_text(s, 1, authority_name(authority));
        rc = statement_step(s, err);
    }
    if (!rc) {
        found.crl_number = column_integer(s, 0);
        found.crl_issued = column_integer(s, 1);
        *counts = found;
    }
    statement_done(s);
    return rc;
}

#define LIST_COLUMNS "SELECT authority, list, number, issued, next_update, covers, crl FROM lists "

static enum rc list_take(struct statement *s, bool with_crl, struct book_list *list, struct err *err)
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
    if (with_crl && !column_is_null(s, 6)) {
        row.crl.max = 1u << 30;
        enum rc rc = buf_append_bytes(&row.crl, column_blob(s, 6));
        if (rc)
            return rc;
    }
    *list = row;
    return RC_OK;
}

enum rc book_find_list(struct store *store, enum authority authority, const char *name, struct book_list *list,
                       struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_prepare(store, LIST_COLUMNS "WHERE authority = ?1 AND list = ?2", &s, err);
    if (!rc) {
        bind_text(s, 1, authority_name(authority));
        bind_text(s, 2, name);
        rc = statement_step(s, err);
    }
    if (!rc)
        rc = list_take(s, true, list, err);
    statement_done(s);
    return rc;
}

enum rc book_take_crl_number(struct store *store, enum authority authority, const char *name, int64_t *number,
                             struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_prepare(store,
                               "INSERT INTO lists(authority, list, reserved, number, issued, next_update, covers)"
                               " VALUES(?1, ?2, 1, 0, 0, 0, 0) ON CONFLICT(authority, list)"
                               " DO UPDATE SET reserved = lists.reserved + 1 RETURNING reserved",
                               &s, err);
    if (!rc) {
        bind_text(s, 1, authority_name(authority));
        bind_text(s, 2, name);
        rc = statement_step(s, err);
    }
    if (!rc)
        *number = column_integer(s, 0);
    statement_done(s);
    return rc;
}

enum rc book_set_list(struct store *store, const struct book_list *list, struct err *err)
{
    struct statement *s = NULL;
    int64_t changes = 0;
    enum rc rc = store_prepare(store,
                               "UPDATE lists SET number = ?3, issued = ?4, next_update = ?5, covers = ?6, crl = ?7"
                               " WHERE authority = ?1 AND list = ?2 AND number < ?3",
                               &s, err);
    if (!rc) {
        bind_text(s, 1, authority_name(list->authority));
        bind_text(s, 2, list->list);
        bind_integer(s, 3, list->number);
        bind_integer(s, 4, list->issued);
        bind_integer(s, 5, list->next_update);
        bind_integer(s, 6, list->covers);
        bind_blob(s, 7, buf_bytes(&list->crl));
        rc = statement_run(s, &changes, err);
    }
    statement_done(s);
    if (!rc && changes != 1)
        rc = err_set(err, RC_CONFLICT, "the CRL number %lld is not higher than the last one", (long long)list->number);
    return rc;
}

enum rc book_find_copy(struct store *store, enum authority authority, const char *name, unsigned generation,
                       struct book_list *list, struct err *err)
{
    struct statement *s = NULL;
    struct book_list found = { .authority = authority, .crl.max = 1u << 30 };
    snprintf(found.list, sizeof found.list, "%s", name);
    enum rc rc = store_prepare(store, "SELECT number, crl FROM copies WHERE authority = ?1 AND list = ?2 AND"
                                      " generation = ?3", &s, err);
    if (!rc) {
        bind_text(s, 1, authority_name(authority));
        bind_text(s, 2, name);
        bind_integer(s, 3, generation);
        rc = statement_step(s, err);
    }
    if (!rc) {
        found.number = column_integer(s, 0);
        rc = buf_append_bytes(&found.crl, column_blob(s, 1));
    } else if (rc == RC_NOT_FOUND) {
        rc = RC_OK;
    }
    statement_done(s);
    if (rc)
        buf_wipe(&found.crl);
    else
        *list = found;
    return rc;
}

enum rc book_set_copy(struct store *store, const struct book_list *list, unsigned generation, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_prepare(store,
                               "INSERT INTO copies(authority, list, generation, number, crl) VALUES(?1, ?2, ?3, ?4, ?5)"
                               " ON CONFLICT(authority, list, generation) DO UPDATE SET number = ?4, crl = ?5",
                               &s, err);
    if (!rc) {
        bind_text(s, 1, authority_name(list->authority));
        bind_text(s, 2, list->list);
        bind_integer(s, 3, generation);
        bind_integer(s, 4, list->number);
        bind_blob(s, 5, buf_bytes(&list->crl));
        rc = statement_run(s, NULL, err);
    }
    statement_done(s);
    return rc;
}

enum rc book_each_revoked(struct store *store, enum authority authority, const char *list, int64_t last_issued,
                          book_entry_fn each, void *context, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_prepare(store,
                               "SELECT serial, revoked_at, reason, revocation FROM certificates WHERE authority = ?1 AND"
                               " list = ?2 AND revocation IS NOT NULL AND not_after >= ?3 ORDER BY revocation, id",
                               &s, err);
    if (!rc) {
        bind_text(s, 1, authority_name(authority));
        bind_text(s, 2, list);
        bind_integer(s, 3, last_issued);
    }
    while (!rc && (rc = statement_step(s, err)) == RC_OK)
        rc = each(context, column_text(s, 0), column_integer(s, 1), (int)column_integer(s, 2), column_integer(s, 3));
    statement_done(s);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

enum rc book_each_revoked_after(struct store *store, int64_t after, int max, book_news_fn each, void *context,
                                struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_prepare(store,
                               "SELECT authority, serial, revocation FROM certificates WHERE revocation > ?1"
                               " ORDER BY revocation LIMIT ?2",
                               &s, err);
    if (!rc) {
        bind_integer(s, 1, after);
        bind_integer(s, 2, max);
    }
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
    struct statement *s = NULL;
    enum rc rc = store_prepare(store, "SELECT COALESCE(MAX(revocation), 0) FROM certificates WHERE revocation IS NOT NULL",
                               &s, err);
    if (!rc)
        rc = statement_step(s, err);
    if (!rc)
        *revocation = column_integer(s, 0);
    statement_done(s);
    return rc;
}

enum rc book_last_revocation(struct store *store, enum authority authority, const char *list, int64_t *revocation,
                             struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_prepare(store,
                               "SELECT COALESCE(MAX(revocation), 0) FROM certificates WHERE authority = ?1 AND list = ?2"
                               " AND revocation IS NOT NULL",
                               &s, err);
    if (!rc) {
        bind_text(s, 1, authority_name(authority));
        bind_text(s, 2, list);
        rc = statement_step(s, err);
    }
    if (!rc)
        *revocation = column_integer(s, 0);
    statement_done(s);
    return rc;
}

static enum rc list_collect(struct statement *s, enum rc rc, struct book_list *lists, size_t max, size_t *count,
                            struct err *err)
{
    size_t n = 0;
    while (!rc && n < max && (rc = statement_step(s, err)) == RC_OK)
        rc = list_take(s, false, &lists[n++], err);
    statement_done(s);
    if (rc && rc != RC_NOT_FOUND)
        return rc;
    *count = n;
    return RC_OK;
}

enum rc book_due_lists(struct store *store, int64_t older_than, struct book_list *lists, size_t max, size_t *count,
                       struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_prepare(store,
                               LIST_COLUMNS "WHERE crl IS NULL OR issued <= ?1 OR EXISTS(SELECT 1 FROM certificates c"
                                            " WHERE c.authority = lists.authority AND c.list = lists.list AND"
                                            " c.revocation > lists.covers) ORDER BY authority, list",
                               &s, err);
    if (!rc)
        bind_integer(s, 1, older_than);
    return list_collect(s, rc, lists, max, count, err);
}

enum rc book_all_lists(struct store *store, struct book_list *lists, size_t max, size_t *count, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_prepare(store, LIST_COLUMNS "ORDER BY authority, list", &s, err);
    return list_collect(s, rc, lists, max, count, err);
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
    enum rc rc = store_prepare(store, "SELECT authority, certificate, officer, nonce, outcome, request FROM transactions"
                                      " WHERE id = ?1", &s, err);
    if (!rc) {
        bind_text(s, 1, id);
        rc = statement_step(s, err);
    }
    if (!rc) {
        const char *authority = column_text(s, 0);
        rc = authority ? authority_parse(authority, &row.authority) : RC_BUG;
        row.cert = column_integer(s, 1);
        snprintf(row.id, sizeof row.id, "%s", id);
        snprintf(row.officer, sizeof row.officer, "%s", column_text(s, 2));
        snprintf(row.nonce, sizeof row.nonce, "%s", column_text(s, 3));
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
    struct statement *s = NULL;
    enum rc rc = store_prepare(store,
                               "INSERT INTO transactions(id, authority, certificate, officer, nonce, outcome, request)"
                               " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                               &s, err);
    if (!rc) {
        bind_text(s, 1, transaction->id);
        bind_text(s, 2, authority_name(transaction->authority));
        bind_integer(s, 3, transaction->cert);
        bind_text(s, 4, transaction->officer);
        bind_text(s, 5, transaction->nonce);
        bind_integer(s, 6, transaction->outcome);
        bind_blob(s, 7, buf_bytes(&transaction->request));
        rc = statement_run(s, NULL, err);
    }
    statement_done(s);
    return rc;
}

enum rc book_set_outcome(struct store *store, const char *id, int outcome, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_prepare(store, "UPDATE transactions SET outcome = ?2 WHERE id = ?1", &s, err);
    if (!rc) {
        bind_text(s, 1, id);
        bind_integer(s, 2, outcome);
        rc = statement_run(s, NULL, err);
    }
    statement_done(s);
    return rc;
}

enum rc book_last_event(struct store *store, int64_t *sequence, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_prepare(store, "SELECT COALESCE(MAX(sequence), 0) FROM events", &s, err);
    if (!rc)
        rc = statement_step(s, err);
    if (!rc)
        *sequence = column_integer(s, 0);
    statement_done(s);
    return rc;
}

enum rc book_add_event(struct store *store, int64_t sequence, const char *event, const char *time, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_prepare(store, "INSERT INTO events(sequence, event, time) VALUES(?1, ?2, ?3)", &s, err);
    if (!rc) {
        bind_integer(s, 1, sequence);
        bind_text(s, 2, event);
        bind_text(s, 3, time);
        rc = statement_run(s, NULL, err);
    }
    statement_done(s);
    return rc;
}

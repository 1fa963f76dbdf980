/* approval.c — the rows of what waits, and the rule of four eyes. */
#include "ca/approval.h"

#include "base/clock.h"
#include "base/fault.h"
#include "ca/issuerow.h"
#include "ca/trail.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

static const char *const state_names[] = {"waiting", "approved", "refused"};

const char *approval_state_name(enum approval_state state)
{
    return state_names[state];
}

void approval_wipe(struct approval *approval)
{
    OPENSSL_cleanse(approval, sizeof *approval);
}

#define COLUMNS                                                                                                        \
    "id, authority, state, request, key_hash, municipality, officer, asked_by, created, decided_at, decided_by, why"

static enum rc row_read(struct statement *s, struct approval *out)
{
    struct approval row = {.id = column_integer(s, 0), .state = (enum approval_state)column_integer(s, 2)};
    const char *authority = column_text(s, 1);
    enum rc rc = authority ? authority_parse(authority, &row.authority) : RC_BUG;
    column_copy(s, 3, row.request, sizeof row.request);
    column_copy(s, 4, row.key_hash, sizeof row.key_hash);
    column_copy(s, 5, row.municipality, sizeof row.municipality);
    column_copy(s, 6, row.officer, sizeof row.officer);
    column_copy(s, 7, row.asked_by, sizeof row.asked_by);
    row.created = column_integer(s, 8);
    row.decided_at = column_integer(s, 9);
    column_copy(s, 10, row.decided_by, sizeof row.decided_by);
    column_copy(s, 11, row.why, sizeof row.why);
    if (!rc)
        *out = row;
    return rc;
}

static void row_read_attributes(struct statement *s, int first, struct attributes *a)
{
    column_copy(s, first, a->name, sizeof a->name);
    column_copy(s, first + 1, a->birth, sizeof a->birth);
    column_copy(s, first + 2, a->sex, sizeof a->sex);
    column_copy(s, first + 3, a->address, sizeof a->address);
}

enum rc approval_find(struct store *store, int64_t id, struct approval *approval, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_row(store, "SELECT " COLUMNS ", name, birth, sex, address FROM approvals WHERE id = ?1",
                           BINDS(BIND_INTEGER(id)), &s, err);
    if (!rc)
        rc = row_read(s, approval);
    if (!rc)
        row_read_attributes(s, 12, &approval->attributes);
    statement_done(s);
    return rc;
}

static enum rc approval_find_request(struct store *store, enum authority authority, const char *request,
                                     struct approval *approval, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_row(store, "SELECT " COLUMNS " FROM approvals WHERE authority = ?1 AND request = ?2",
                           BINDS(BIND_TEXT(authority_name(authority)), BIND_TEXT(request)), &s, err);
    if (!rc)
        rc = row_read(s, approval);
    statement_done(s);
    return rc;
}

static enum rc approval_add(struct store *store, const struct issue_order *order, const char *key_hash,
                            const char *asked_by, int64_t id, struct err *err)
{
    return store_run(store,
                     "INSERT INTO approvals(id, authority, state, request, key_hash, municipality, officer, asked_by,"
                     " created, decided_at, decided_by, why, name, birth, sex, address)"
                     " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, '', '', ?10, ?11, ?12, ?13)",
                     BINDS(BIND_INTEGER(id), BIND_TEXT(authority_name(order->authority)),
                           BIND_INTEGER(APPROVAL_WAITING), BIND_TEXT(order->request), BIND_TEXT(key_hash),
                           BIND_TEXT(order->municipality), BIND_TEXT(order->officer), BIND_TEXT(asked_by),
                           BIND_INTEGER(clock_now()), BIND_TEXT(order->attributes->name),
                           BIND_TEXT(order->attributes->birth), BIND_TEXT(order->attributes->sex),
                           BIND_TEXT(order->attributes->address)), NULL, err);
}

/* The row's number is the number of its audit row: one counter. */
static enum rc approval_enter(struct ca *ca, const struct issue_order *order, const char *key_hash,
                              const struct peer *peer, struct approval *row, struct err *err)
{
    int64_t id = 0;
    enum rc rc = trail_append(ca->store, order->officer, "asked", authority_name(order->authority), &id, err,
                              "request %s", order->request);
    if (!rc)
        rc = approval_add(ca->store, order, key_hash, peer->name, id, err);
    *row = (struct approval){.id = id, .state = APPROVAL_WAITING};
    return rc;
}

static enum rc approval_look(struct ca *ca, const struct issue_order *order, const char *key_hash,
                             const struct peer *peer, struct approval *row, struct err *err)
{
    struct book_cert issued = {0};
    enum rc rc = book_find_request(ca->store, order->authority, order->request, &issued, err);
    book_cert_wipe(&issued);
    if (!rc) { /* issue_certificate judges whether it is the same request */
        *row = (struct approval){.state = APPROVAL_APPROVED};
        return RC_OK;
    }
    if (rc == RC_NOT_FOUND)
        rc = approval_find_request(ca->store, order->authority, order->request, row, err);
    if (rc == RC_NOT_FOUND)
        return approval_enter(ca, order, key_hash, peer, row, err);
    if (!rc && (strcmp(row->key_hash, key_hash) != 0 || strcmp(row->municipality, order->municipality) != 0))
        rc = err_set(err, RC_CONFLICT, "request %s is known with another public key or municipality", order->request);
    return rc;
}

enum rc approval_ask(struct ca *ca, const struct issue_order *order, const struct peer *peer, int64_t *id,
                     enum approval_state *state, struct err *err)
{
    char key_hash[ISSUEROW_HASH_SIZE];
    struct approval row = {0};
    enum rc rc = issuerow_check(ca, order, key_hash, err);
    if (rc)
        return rc;
    fault_point("approval.before_ask");
    ca_lock(ca);
    rc = store_begin(ca->store, err);
    if (!rc)
        rc = approval_look(ca, order, key_hash, peer, &row, err);
    if (!rc)
        rc = store_commit(ca->store, err);
    store_rollback(ca->store);
    ca_unlock(ca);
    fault_point("approval.after_ask");
    if (!rc && row.state == APPROVAL_REFUSED)
        rc = err_set(err, RC_DENIED, "refused by the second officer: %s", row.why);
    if (!rc) {
        *id = row.id;
        *state = row.state;
    }
    approval_wipe(&row);
    return rc;
}

/* Four eyes: neither the certificate that asked, nor another one of the same person. */
static enum rc approval_check_peer(const struct approval *row, const struct peer *peer, const char *officer,
                                   struct err *err)
{
    const char *asked = strrchr(row->officer, ' ');
    if (strcmp(peer->municipality, "000000") != 0 && strcmp(peer->municipality, row->municipality) != 0)
        return err_set(err, RC_NOT_FOUND, "no such request");
    if (strcmp(row->officer, officer) == 0 || (asked && strcmp(asked + 1, peer->serial) == 0) ||
        strcmp(row->asked_by, peer->name) == 0)
        return err_set(err, RC_DENIED, "nobody decides about their own request");
    return RC_OK;
}

static enum rc approval_set(struct store *store, int64_t id, enum approval_state state, const char *officer,
                            const char *why, struct err *err)
{
    return store_run(store,
                     "UPDATE approvals SET state = ?2, decided_at = ?3, decided_by = ?4, why = ?5, name = '',"
                     " birth = '', sex = '', address = '' WHERE id = ?1",
                     BINDS(BIND_INTEGER(id), BIND_INTEGER(state), BIND_INTEGER(clock_now()), BIND_TEXT(officer),
                           BIND_TEXT(why)), NULL, err);
}

static enum rc approval_decide_row(struct ca *ca, int64_t id, const struct peer *peer, enum approval_state state,
                                   const char *why, struct err *err)
{
    char officer[161];
    struct approval row = {0};
    snprintf(officer, sizeof officer, "%s %s", role_name(peer->role), peer->serial);
    enum rc rc = approval_find(ca->store, id, &row, err);
    if (rc == RC_NOT_FOUND)
        err_set(err, rc, "no such request");
    if (!rc)
        rc = approval_check_peer(&row, peer, officer, err);
    if (!rc && row.state != APPROVAL_WAITING && row.state != state)
        rc = err_set(err, RC_STATE, "the request was %s already", approval_state_name(row.state));
    if (!rc && row.state == APPROVAL_WAITING) {
        rc = approval_set(ca->store, id, state, officer, why, err);
        if (!rc)
            rc = trail_append(ca->store, officer, approval_state_name(state), authority_name(row.authority), NULL, err,
                              "request %s asked %lld", row.request, (long long)id);
    }
    approval_wipe(&row);
    return rc;
}

enum rc approval_decide(struct ca *ca, int64_t id, const struct peer *peer, bool approve, const char *why,
                        struct err *err)
{
    if (!approve && !why[0])
        return err_set(err, RC_FORMAT, "a refusal says why");
    if (strlen(why) > APPROVAL_WHY_MAX)
        return err_set(err, RC_FORMAT, "the reason is longer than %d bytes", APPROVAL_WHY_MAX);
    fault_point("approval.before_decide");
    enum rc rc = store_begin(ca->store, err);
    if (!rc)
        rc = approval_decide_row(ca, id, peer, approve ? APPROVAL_APPROVED : APPROVAL_REFUSED, why, err);
    if (!rc)
        rc = store_commit(ca->store, err);
    store_rollback(ca->store);
    fault_point("approval.after_decide");
    return rc;
}

struct waiting {
    approval_fn each;
    void *context;
};

static enum rc waiting_row(void *context, struct statement *s)
{
    const struct waiting *waiting = context;
    struct approval row;
    enum rc rc = row_read(s, &row);
    return rc ? rc : waiting->each(waiting->context, &row);
}

enum rc approval_each_waiting(struct store *store, const char *municipality, int max, approval_fn each, void *context,
                              struct err *err)
{
    struct waiting waiting = {each, context};
    return book_each_row(store,
                         "SELECT " COLUMNS " FROM approvals WHERE state = 0 AND (?1 = '000000' OR municipality = ?1)"
                         " ORDER BY id LIMIT ?2",
                         BINDS(BIND_TEXT(municipality), BIND_INTEGER(max)), waiting_row, &waiting, err);
}

enum rc approval_count_waiting(struct store *store, int64_t *count, struct err *err)
{
    return store_integer(store, "SELECT COUNT(*) FROM approvals WHERE state = 0", NULL, count, err);
}

enum rc approval_find_wait(struct store *store, const char *transaction, struct book_transaction *wait, struct err *err)
{
    struct statement *s = NULL;
    struct book_transaction row = {0};
    enum rc rc = store_row(store, "SELECT authority, approval, officer, nonce, request FROM waits WHERE id = ?1",
                           BINDS(BIND_TEXT(transaction)), &s, err);
    if (!rc) {
        const char *authority = column_text(s, 0);
        rc = authority ? authority_parse(authority, &row.authority) : RC_BUG;
        row.cert = column_integer(s, 1);
        snprintf(row.id, sizeof row.id, "%s", transaction);
        column_copy(s, 2, row.officer, sizeof row.officer);
        column_copy(s, 3, row.nonce, sizeof row.nonce);
        if (!rc)
            rc = buf_append_bytes(&row.request, column_blob(s, 4));
    }
    statement_done(s);
    if (rc)
        book_transaction_wipe(&row);
    else
        *wait = row;
    return rc;
}

enum rc approval_put_wait(struct store *store, const struct book_transaction *wait, struct err *err)
{
    return store_run(store,
                     "INSERT INTO waits(id, authority, approval, officer, nonce, request)"
                     " VALUES(?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (id) DO UPDATE SET nonce = ?5",
                     BINDS(BIND_TEXT(wait->id), BIND_TEXT(authority_name(wait->authority)), BIND_INTEGER(wait->cert),
                           BIND_TEXT(wait->officer), BIND_TEXT(wait->nonce), BIND_BLOB(buf_bytes(&wait->request))),
                     NULL, err);
}

enum rc approval_end_wait(struct store *store, const char *transaction, struct err *err)
{
    return store_run(store, "DELETE FROM waits WHERE id = ?1", BINDS(BIND_TEXT(transaction)), NULL, err);
}

enum rc approval_sweep_waits(struct store *store, int64_t decided_before, struct err *err)
{
    return store_run(store,
                     "DELETE FROM waits WHERE EXISTS (SELECT 1 FROM approvals WHERE approvals.id = waits.approval"
                     " AND decided_at > 0 AND decided_at < ?1)",
                     BINDS(BIND_INTEGER(decided_before)), NULL, err);
}

/* issue.c — the order of the steps is the point. Whoever comes while others are at work is taken along: one transaction
 * enters all who wait, their signatures follow each other without a pause, one transaction records them. While one
 * batch is being signed the next one is entered, so that the key and the disk wait for each other as little as can be.
 */
#include "ca/issue.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "ca/issuerow.h"
#include "ca/publish.h"
#include "ca/revoke.h"
#include "ca/tbs.h"
#include "ca/trail.h"

#include <stdlib.h>
#include <string.h>

#define BATCH_MAX 64

/* One certificate in work, in the memory of who asked for it. */
struct issue_item {
    const struct issue_order *order; /* NULL: the row stands in the book already (recovery) */
    char key_hash[ISSUEROW_HASH_SIZE];
    struct book_cert row;
    struct buf sealed;
    enum rc rc;
    struct err err;
    bool done;
    struct issue_item *next;
};

struct issue_batch {
    struct issue_item *items[BATCH_MAX];
    size_t count;
};

/* All that a batch cannot go on without goes wrong for each of it. */
static void batch_fail(struct issue_batch *batch, enum rc rc, const struct err *why)
{
    for (size_t i = 0; i < batch->count; i++)
        if (!batch->items[i]->rc)
            batch->items[i]->rc = err_set(&batch->items[i]->err, rc, "%s", err_text(why, rc));
}

/* One row inside the batch's transaction; a refused one leaves nothing there. The rc is a fault of the store. */
static enum rc batch_enter(struct ca *ca, struct issue_item *item, struct err *err)
{
    enum rc rc = store_exec(ca->store, "SAVEPOINT item", err);
    if (rc)
        return rc;
    item->rc = issuerow_enter(ca, item->order, item->key_hash, &item->row, &item->err);
    if (item->rc)
        rc = store_exec(ca->store, "ROLLBACK TO item", err);
    return rc ? rc : store_exec(ca->store, "RELEASE item", err);
}

/* Serials, bytes and audit rows in one transaction: after it, what may exist is known. */
static void batch_record(struct ca *ca, struct issue_batch *batch)
{
    struct err err = { 0 };
    fault_point("ca.before_record");
    ca_lock(ca);
    enum rc rc = store_begin(ca->store, &err);
    for (size_t i = 0; !rc && i < batch->count; i++) {
        rc = batch_enter(ca, batch->items[i], &err);
        fault_point("ca.batch_entered");
    }
    if (!rc)
        rc = store_commit(ca->store, &err);
    store_rollback(ca->store); /* silent after the commit */
    ca_unlock(ca);
    fault_point("ca.after_record");
    if (rc)
        batch_fail(batch, rc, &err);
}

static bool item_waits(const struct issue_item *item)
{
    return !item->rc && !item->row.certificate.len;
}

/* Signs the recorded bytes of those that have no certificate yet. */
static void batch_sign(struct ca *ca, struct issue_batch *batch)
{
    struct signing_job jobs[BATCH_MAX];
    struct issue_item *of[BATCH_MAX];
    size_t count = 0;
    for (size_t i = 0; i < batch->count; i++) {
        struct issue_item *item = batch->items[i];
        if (!item_waits(item))
            continue;
        jobs[count] = (struct signing_job) { .authority = item->row.authority, .generation = item->row.generation,
                                             .tbs = buf_bytes(&item->row.tbs), .sealed = &item->sealed };
        of[count++] = item;
    }
    if (!count)
        return;
    fault_point("ca.before_sign");
    signing_certs(ca->signing, jobs, count);
    fault_point("ca.after_sign");
    for (size_t i = 0; i < count; i++)
        if (jobs[i].rc)
            of[i]->rc = err_set(&of[i]->err, jobs[i].rc, "%s", err_text(&jobs[i].err, jobs[i].rc));
}

/* The book's certificate counts: another process may have finished the same bytes. */
static enum rc item_record(struct ca *ca, struct issue_item *item, struct err *err)
{
    char subject[64];
    issuerow_subject(&item->row, subject, sizeof subject);
    enum rc rc = book_set_certificate(ca->store, item->row.id, buf_bytes(&item->sealed), err);
    if (rc == RC_STATE) {
        struct book_cert row = { 0 };
        err_reset(err);
        rc = book_find_id(ca->store, item->row.id, &row, err);
        if (!rc) {
            book_cert_wipe(&item->row);
            item->row = row;
            buf_wipe(&item->sealed);
        }
        return rc;
    }
    return rc ? rc
              : trail_append(ca->store, item->row.officer, "issued", subject, NULL, err, "request %s",
                             item->row.request);
}

/* Compares, then records every certificate of the batch in one transaction. */
static void batch_finish(struct ca *ca, struct issue_batch *batch)
{
    struct err err = { 0 };
    bool any = false;
    for (size_t i = 0; i < batch->count; i++) {
        struct issue_item *item = batch->items[i];
        if (item_waits(item))
            item->rc = tbs_check(buf_bytes(&item->sealed), buf_bytes(&item->row.tbs),
                                 X509_get0_pubkey(ca_cert(ca, item->row.authority, item->row.generation)), &item->err);
        any = any || item_waits(item);
    }
    if (!any)
        return;
    ca_lock(ca);
    enum rc rc = store_begin(ca->store, &err);
    for (size_t i = 0; !rc && i < batch->count; i++)
        if (item_waits(batch->items[i]))
            rc = item_record(ca, batch->items[i], &err);
    if (!rc)
        rc = store_commit(ca->store, &err);
    store_rollback(ca->store);
    ca_unlock(ca);
    fault_point("ca.after_issued");
    if (rc)
        batch_fail(batch, rc, &err);
    for (size_t i = 0; i < batch->count; i++) {
        struct issue_item *item = batch->items[i];
        if (!item_waits(item))
            continue;
        char subject[64];
        issuerow_subject(&item->row, subject, sizeof subject);
        log_info("issued %s", subject);
        item->row.certificate = item->sealed;
        item->sealed = (struct buf) { 0 };
    }
}

/* One after the other, for who is alone: recovery. */
static void batch_run(struct ca *ca, struct issue_batch *batch)
{
    batch_sign(ca, batch);
    batch_finish(ca, batch);
}

/* --- who comes while others are at work
 * -------------------------------------------------------------------------------------- */

void issuequeue_init(struct issuequeue *queue)
{
    *queue = (struct issuequeue) { 0 };
    pthread_mutex_init(&queue->lock, NULL);
    pthread_mutex_init(&queue->turn, NULL);
    pthread_cond_init(&queue->changed, NULL);
}

void issuequeue_wipe(struct issuequeue *queue)
{
    pthread_mutex_destroy(&queue->lock);
    pthread_mutex_destroy(&queue->turn);
    pthread_cond_destroy(&queue->changed);
}

/* Under the queue's lock: those who came first. */
static void queue_gather(struct issuequeue *queue, struct issue_batch *batch)
{
    batch->count = 0;
    while (queue->first && batch->count < BATCH_MAX) {
        batch->items[batch->count++] = queue->first;
        queue->first = queue->first->next;
    }
    if (!queue->first)
        queue->last = NULL;
}

/* Called with the queue's lock, returns with it. The next one may lead once this batch has its turn at the key. */
static void queue_lead(struct ca *ca, struct issuequeue *queue)
{
    struct issue_batch batch;
    queue->leading = true;
    queue_gather(queue, &batch);
    pthread_mutex_unlock(&queue->lock);
    batch_record(ca, &batch);
    pthread_mutex_lock(&queue->turn);
    pthread_mutex_lock(&queue->lock);
    queue->leading = false;
    pthread_cond_broadcast(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
    batch_sign(ca, &batch);
    pthread_mutex_unlock(&queue->turn);
    batch_finish(ca, &batch);
    if (batch.count > 1)
        log_debug("%zu certificates at once", batch.count);
    pthread_mutex_lock(&queue->lock);
    for (size_t i = 0; i < batch.count; i++)
        batch.items[i]->done = true;
    pthread_cond_broadcast(&queue->changed);
}

static void queue_pass(struct ca *ca, struct issue_item *item)
{
    struct issuequeue *queue = &ca->queue;
    pthread_mutex_lock(&queue->lock);
    if (queue->last)
        queue->last->next = item;
    else
        queue->first = item;
    queue->last = item;
    while (!item->done) {
        if (queue->leading || !queue->first)
            pthread_cond_wait(&queue->changed, &queue->lock);
        else
            queue_lead(ca, queue);
    }
    pthread_mutex_unlock(&queue->lock);
}

enum rc issue_certificate(struct ca *ca, const struct issue_order *order, struct book_cert *cert, struct err *err)
{
    struct issue_item item = { .order = order };
    enum rc rc = issuerow_check(ca, order, item.key_hash, err);
    if (rc)
        return rc;
    queue_pass(ca, &item);
    rc = item.rc ? err_set(err, item.rc, "%s", err_text(&item.err, item.rc)) : RC_OK;
    if (!rc && strcmp(item.row.list, BOOK_NO_LIST) != 0) {
        bool made = false;
        ca_lock(ca);
        rc = publish_ensure(ca, item.row.authority, item.row.list, &made, err);
        ca_unlock(ca);
        if (made && ca->published)
            publish_wait(ca, item.row.authority, item.row.list);
    }
    buf_wipe(&item.sealed);
    if (rc)
        book_cert_wipe(&item.row);
    else
        *cert = item.row;
    return rc;
}

enum rc issue_confirm(struct ca *ca, int64_t id, const char *actor, struct err *err)
{
    struct book_cert row = { 0 };
    char subject[64];
    fault_point("ca.before_confirm");
    enum rc rc = store_begin(ca->store, err);
    if (rc)
        return rc;
    rc = book_find_id(ca->store, id, &row, err);
    if (!rc && row.revoked_at)
        rc = err_set(err, RC_STATE, "the certificate is revoked");
    if (!rc && !row.confirmed_at) {
        issuerow_subject(&row, subject, sizeof subject);
        rc = book_set_confirmed(ca->store, id, clock_now(), err);
        if (!rc)
            rc = trail_append(ca->store, actor, "confirmed", subject, NULL, err, "request %s", row.request);
        if (!rc && row.replaces)
            rc = revoke_replaced(ca, row.replaces, actor, subject, err);
        if (!rc)
            rc = store_commit(ca->store, err);
    }
    store_rollback(ca->store);
    fault_point("ca.after_confirm");
    book_cert_wipe(&row);
    return rc;
}

enum rc issue_recover(struct ca *ca, struct err *err)
{
    int64_t ids[BATCH_MAX];
    size_t count;
    for (;;) {
        struct issue_item *items = calloc(BATCH_MAX, sizeof *items);
        struct issue_batch batch = { 0 };
        enum rc rc = items ? book_list_unsigned(ca->store, ids, BATCH_MAX, &count, err) : RC_NOMEM;
        for (size_t i = 0; !rc && i < count; i++) {
            batch.items[batch.count++] = &items[i];
            rc = book_find_id(ca->store, ids[i], &items[i].row, err);
        }
        if (!rc)
            batch_run(ca, &batch);
        for (size_t i = 0; i < batch.count; i++) {
            struct issue_item *item = batch.items[i];
            if (!rc && item->rc)
                rc = err_set(err, item->rc, "%s", err_text(&item->err, item->rc));
            else if (!rc)
                log_warning("finished the torn issuance of %s %s", authority_name(item->row.authority),
                            item->row.serial);
            buf_wipe(&item->sealed);
            book_cert_wipe(&item->row);
        }
        free(items);
        if (rc || count < BATCH_MAX)
            return rc;
    }
}

enum rc issue_expire_pending(struct ca *ca, size_t *count, struct err *err)
{
    int64_t ids[64];
    size_t found = 0;
    enum rc rc = book_list_overdue(ca->store, clock_now() - ca->config.pending_seconds, ids, 64, &found, err);
    for (size_t i = 0; !rc && i < found; i++)
        rc = revoke_by_id(ca, ids[i], REVOKE_UNSPECIFIED, "clock", "not confirmed in time", err);
    if (!rc)
        *count = found;
    return rc;
}

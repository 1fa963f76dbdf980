/* issue.c — the order of the steps is the point. Whoever waits does a step for all who wait: one transaction enters those
 * who have asked, another thread keeps the key busy with what is entered, a third one compares and records what is signed. So
 * the key waits neither for the disk nor for a judgement, and the disk is asked once for many.
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
#define SEALED_TOGETHER 16 /* signatures that are recorded at once: the others are at the key meanwhile */

/* One certificate in work, in the memory of who asked for it. */
struct issue_item {
    const struct issue_order *order; /* NULL: the row stands in the book already (recovery) */
    char key_hash[ISSUEROW_HASH_SIZE];
    struct book_cert row;
    struct buf sealed;
    enum rc rc;
    struct err err;
    bool listed; /* its list was seen in the book */
    bool done;
    struct signing_job job;
    struct issue_item *next; /* in its line */
    bool idle;
    pthread_cond_t wake;
    struct issue_item *next_idle;
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

/* Whether the lists of those who were issued are there: asked once for all of one municipality. */
static void batch_look_for_lists(struct ca *ca, struct issue_batch *batch)
{
    const struct issue_item *before = NULL;
    for (size_t i = 0; i < batch->count; i++) {
        struct issue_item *item = batch->items[i];
        struct book_list list = { 0 };
        if (item->rc)
            continue;
        if (before && before->row.authority == item->row.authority && strcmp(before->row.list, item->row.list) == 0)
            item->listed = before->listed;
        else
            item->listed = book_find_list(ca->store, item->row.authority, item->row.list, &list, NULL) == RC_OK && list.number;
        before = item;
    }
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
    if (!rc)
        batch_look_for_lists(ca, batch);
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

/* --- who waits ------------------------------------------------------------------------------------------------------------- */

void issuequeue_init(struct issuequeue *queue)
{
    *queue = (struct issuequeue) { 0 };
    pthread_mutex_init(&queue->lock, NULL);
}

void issuequeue_wipe(struct issuequeue *queue)
{
    pthread_mutex_destroy(&queue->lock);
}

static void line_put(struct issue_line *line, struct issue_item *item)
{
    item->next = NULL;
    if (line->last)
        line->last->next = item;
    else
        line->first = item;
    line->last = item;
}

/* NULL: nobody stands there. */
static struct issue_item *line_take(struct issue_line *line)
{
    struct issue_item *item = line->first;
    if (item)
        line->first = item->next;
    if (!line->first)
        line->last = NULL;
    return item;
}

static void line_take_batch(struct issue_line *line, struct issue_batch *batch)
{
    batch->count = 0;
    while (batch->count < BATCH_MAX && line->first)
        batch->items[batch->count++] = line_take(line);
}

/* From here on under the queue's lock, which is given up while a step is done. */

static void item_wake(struct issuequeue *queue, struct issue_item *item)
{
    struct issue_item **at = &queue->idle;
    while (*at != item)
        at = &(*at)->next_idle;
    *at = item->next_idle;
    item->idle = false;
    pthread_cond_signal(&item->wake);
}

static void item_sleep(struct issuequeue *queue, struct issue_item *item)
{
    item->next_idle = queue->idle;
    queue->idle = item;
    item->idle = true;
    while (item->idle)
        pthread_cond_wait(&item->wake, &queue->lock);
}

static void item_end(struct issuequeue *queue, struct issue_item *item)
{
    item->done = true;
    if (item->idle)
        item_wake(queue, item);
}

/* A step that nobody does, and somebody who could: one such is enough, for whoever takes a step calls for the next one. */
static void queue_call(struct issuequeue *queue)
{
    bool work = (queue->recorded.first && !queue->signing) || (queue->asked.first && !queue->recording) ||
                (queue->sealed.first && !queue->finishing);
    if (work && queue->idle)
        item_wake(queue, queue->idle);
}

static void queue_record(struct ca *ca, struct issuequeue *queue)
{
    struct issue_batch batch;
    queue->recording = true;
    line_take_batch(&queue->asked, &batch);
    queue_call(queue);
    pthread_mutex_unlock(&queue->lock);
    batch_record(ca, &batch);
    pthread_mutex_lock(&queue->lock);
    queue->recording = false;
    for (size_t i = 0; i < batch.count; i++) {
        if (item_waits(batch.items[i]))
            line_put(&queue->recorded, batch.items[i]);
        else
            item_end(queue, batch.items[i]);
    }
}

/* One thread's time at the key. */
struct key_turn {
    struct issuequeue *queue;
    struct issue_item *sealed[SEALED_TOGETHER];
    size_t count, left; /* how many more this thread, whose own certificate may long be done, sees to */
};

static struct signing_job *turn_next(void *context)
{
    struct key_turn *turn = context;
    struct issue_item *item = NULL;
    if (!turn->left)
        return NULL;
    pthread_mutex_lock(&turn->queue->lock);
    item = line_take(&turn->queue->recorded);
    pthread_mutex_unlock(&turn->queue->lock);
    if (!item)
        return NULL;
    turn->left--;
    item->job = (struct signing_job) { .authority = item->row.authority, .generation = item->row.generation,
                                       .tbs = buf_bytes(&item->row.tbs), .sealed = &item->sealed, .owner = item };
    return &item->job;
}

static void turn_hand_on(struct key_turn *turn)
{
    fault_point("ca.after_sign");
    pthread_mutex_lock(&turn->queue->lock);
    for (size_t i = 0; i < turn->count; i++)
        line_put(&turn->queue->sealed, turn->sealed[i]);
    turn->count = 0;
    queue_call(turn->queue);
    pthread_mutex_unlock(&turn->queue->lock);
}

static void turn_done(void *context, struct signing_job *job)
{
    struct key_turn *turn = context;
    struct issue_item *item = job->owner;
    if (job->rc)
        item->rc = err_set(&item->err, job->rc, "%s", err_text(&job->err, job->rc));
    turn->sealed[turn->count++] = item;
    if (turn->count == SEALED_TOGETHER)
        turn_hand_on(turn);
}

/* Signs the recorded bytes of those who have no certificate yet, and of who is recorded meanwhile. */
static void queue_sign(struct ca *ca, struct issuequeue *queue)
{
    struct key_turn turn = { .queue = queue, .left = BATCH_MAX };
    const struct signing_row row = { turn_next, turn_done, &turn };
    queue->signing = true;
    queue_call(queue);
    pthread_mutex_unlock(&queue->lock);
    fault_point("ca.before_sign");
    signing_certs(ca->signing, &row);
    if (turn.count)
        turn_hand_on(&turn);
    pthread_mutex_lock(&queue->lock);
    queue->signing = false;
}

static void queue_finish(struct ca *ca, struct issuequeue *queue)
{
    struct issue_batch batch;
    queue->finishing = true;
    line_take_batch(&queue->sealed, &batch);
    queue_call(queue);
    pthread_mutex_unlock(&queue->lock);
    batch_finish(ca, &batch);
    if (batch.count > 1)
        log_debug("%zu certificates at once", batch.count);
    pthread_mutex_lock(&queue->lock);
    queue->finishing = false;
    for (size_t i = 0; i < batch.count; i++)
        item_end(queue, batch.items[i]);
}

static void queue_pass(struct ca *ca, struct issue_item *item)
{
    struct issuequeue *queue = &ca->queue;
    pthread_cond_init(&item->wake, NULL);
    pthread_mutex_lock(&queue->lock);
    line_put(&queue->asked, item);
    while (!item->done) {
        if (queue->recorded.first && !queue->signing)
            queue_sign(ca, queue);
        else if (queue->asked.first && !queue->recording)
            queue_record(ca, queue);
        else if (queue->sealed.first && !queue->finishing)
            queue_finish(ca, queue);
        else
            item_sleep(queue, item);
    }
    queue_call(queue);
    pthread_mutex_unlock(&queue->lock);
    pthread_cond_destroy(&item->wake);
}

/* One step after the other, for who is alone: recovery. */
static void batch_run(struct ca *ca, struct issue_batch *batch)
{
    struct issuequeue alone;
    if (!batch->count)
        return;
    issuequeue_init(&alone);
    pthread_mutex_lock(&alone.lock);
    for (size_t i = 0; i < batch->count; i++)
        line_put(&alone.recorded, batch->items[i]);
    queue_sign(ca, &alone);
    pthread_mutex_unlock(&alone.lock);
    issuequeue_wipe(&alone);
    batch_finish(ca, batch);
}

enum rc issue_certificate(struct ca *ca, const struct issue_order *order, struct book_cert *cert, struct err *err)
{
    struct issue_item item = { .order = order };
    enum rc rc = issuerow_check(ca, order, item.key_hash, err);
    if (rc)
        return rc;
    queue_pass(ca, &item);
    rc = item.rc ? err_set(err, item.rc, "%s", err_text(&item.err, item.rc)) : RC_OK;
    if (!rc && !item.listed && strcmp(item.row.list, BOOK_NO_LIST) != 0) {
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

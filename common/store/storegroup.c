/* storegroup.c — whoever finds nobody at work takes what is waiting, its own among it, and does it all. */
#include "store/storegroup.h"

#include <semaphore.h>
#include <stdlib.h>
#include <time.h>

#define TOGETHER_MAX 512
#define WAIT_PART 2 /* who begins waits for those that are expected at most this part of what the last run took, */
#define WAIT_MOST 20000000 /* and at most so many nanoseconds */
#define SECOND 1000000000ll

struct item {
    storegroup_fn work; /* one of the two */
    storegroup_many_fn many;
    void *context;
    struct err own; /* the words of a run that is made again are forgotten */
    enum rc rc;
    bool done;
    sem_t turn; /* it is done, or it is this one's turn to do what is waiting */
    struct item *next;
};

struct storegroup {
    struct store *store;
    pthread_mutex_t *store_lock, lock;
    struct item *first, **last;
    size_t waiting, expected; /* expected: as many as were in the last run or had come by its end */
    int64_t took;             /* the last run, in nanoseconds */
    pthread_cond_t full;      /* as many wait as are expected */
    bool working;
};

static int64_t group_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * SECOND + now.tv_nsec;
}

enum rc storegroup_new(struct store *store, pthread_mutex_t *lock, struct storegroup **out)
{
    struct storegroup *group = calloc(1, sizeof *group);
    if (!group)
        return RC_NOMEM;
    group->store = store;
    group->store_lock = lock;
    group->last = &group->first;
    pthread_mutex_init(&group->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&group->full, &monotonic);
    pthread_condattr_destroy(&monotonic);
    *out = group;
    return RC_OK;
}

void storegroup_free(struct storegroup *group)
{
    if (!group)
        return;
    pthread_cond_destroy(&group->full);
    pthread_mutex_destroy(&group->lock);
    free(group);
}

static enum rc item_work(struct storegroup *group, struct item *item)
{
    err_reset(&item->own);
    return item->many ? item->many(&item->context, 1, group->store, &item->own)
                      : item->work(item->context, group->store, &item->own);
}

/* An item and those behind it that are of its kind. *next: the first that is not. */
static enum rc items_work(struct storegroup *group, struct item *items, struct item **next)
{
    void *contexts[TOGETHER_MAX];
    size_t count = 0;
    if (!items->many) {
        *next = items->next;
        return items->rc = item_work(group, items);
    }
    for (*next = items; *next && (*next)->many == items->many; *next = (*next)->next) {
        err_reset(&(*next)->own);
        (*next)->rc = RC_OK;
        contexts[count++] = (*next)->context;
    }
    return items->many(contexts, count, group->store, &items->own);
}

/* One item in a transaction of its own. */
static void item_alone(struct storegroup *group, struct item *item)
{
    err_reset(&item->own);
    item->rc = store_begin(group->store, &item->own);
    if (!item->rc)
        item->rc = item_work(group, item);
    if (!item->rc)
        item->rc = store_commit(group->store, &item->own);
    store_rollback(group->store);
}

/* All of them in one; false when one failed or the commit did: nothing was written, unless the commit's answer was
 * lost. */
static bool items_together(struct storegroup *group, struct item *items, bool *unknown)
{
    enum rc rc = store_begin(group->store, NULL);
    for (struct item *item = items; !rc && item;)
        rc = items_work(group, item, &item);
    if (!rc) {
        rc = store_commit(group->store, NULL);
        *unknown = rc == RC_IO;
    }
    store_rollback(group->store);
    return !rc;
}

static void items_run(struct storegroup *group, struct item *items)
{
    bool unknown = false;
    pthread_mutex_lock(group->store_lock);
    if (!items->next) {
        item_alone(group, items);
    } else if (!items_together(group, items, &unknown)) {
        for (struct item *item = items; item; item = item->next)
            if (unknown) /* it may have been done: each is to ask again, by the name of its request */
                item->rc = err_set(&item->own, RC_IO, "store: the commit failed");
            else
                item_alone(group, item);
    }
    pthread_mutex_unlock(group->store_lock);
}

/* A commit costs the same for one as for many, and those that were answered together come back together: the first of
 * them waits a moment for the others. Alone nobody waits. Under the group's lock. */
static void group_gather(struct storegroup *group)
{
    int64_t part = group->took / WAIT_PART, until = group_now() + (part < WAIT_MOST ? part : WAIT_MOST);
    const struct timespec end = {until / SECOND, until % SECOND};
    int late = 0;
    while (!late && group->waiting < group->expected && group->waiting < TOGETHER_MAX)
        late = pthread_cond_timedwait(&group->full, &group->lock, &end);
}

/* Up to so many that wait, in their order. Under the group's lock. */
static struct item *items_take(struct storegroup *group, size_t *count)
{
    struct item *items = group->first, **end = &group->first;
    for (*count = 0; *end && *count < TOGETHER_MAX; ++*count)
        end = &(*end)->next;
    group->first = *end;
    *end = NULL;
    if (!group->first)
        group->last = &group->first;
    group->waiting -= *count;
    return items;
}

/* Does what waits, this caller's own among it, and hands over to the first of those that came meanwhile. Each of the
 * others is woken once, without the lock, when its answer is there; it and its item are gone from then on. */
static void group_work(struct storegroup *group, const struct item *own)
{
    size_t count;
    group->working = true;
    group_gather(group);
    struct item *items = items_take(group, &count);
    pthread_mutex_unlock(&group->lock);
    int64_t from = group_now();
    items_run(group, items);
    pthread_mutex_lock(&group->lock);
    group->took = group_now() - from;
    group->expected = count + group->waiting;
    struct item *heir = group->first;
    group->working = heir != NULL; /* it is the one at work: whoever comes now waits behind it */
    if (heir)
        sem_post(&heir->turn);
    pthread_mutex_unlock(&group->lock);
    for (struct item *next; items; items = next) {
        next = items->next;
        items->done = true;
        if (items != own)
            sem_post(&items->turn);
    }
}

static enum rc group_run(struct storegroup *group, struct item item, struct err *err)
{
    sem_init(&item.turn, 0, 0);
    pthread_mutex_lock(&group->lock);
    *group->last = &item;
    group->last = &item.next;
    group->waiting++;
    if (group->waiting == group->expected)
        pthread_cond_signal(&group->full);
    bool mine = !group->working;
    if (!mine) {
        pthread_mutex_unlock(&group->lock);
        while (sem_wait(&item.turn)) /* a signal came in between */
            continue;
        mine = !item.done;
        if (mine)
            pthread_mutex_lock(&group->lock);
    }
    if (mine)
        group_work(group, &item);
    sem_destroy(&item.turn);
    return item.rc ? err_set(err, item.rc, "%s", err_text(&item.own, item.rc)) : RC_OK;
}

enum rc storegroup_run(struct storegroup *group, storegroup_fn work, void *context, struct err *err)
{
    return group_run(group, (struct item){.work = work, .context = context}, err);
}

enum rc storegroup_run_many(struct storegroup *group, storegroup_many_fn work, void *context, struct err *err)
{
    return group_run(group, (struct item){.many = work, .context = context}, err);
}

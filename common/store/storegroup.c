/* storegroup.c — whoever finds nobody at work takes what is waiting, its own among it, and does it all. */
#include "store/storegroup.h"

#include <stdlib.h>

#define TOGETHER_MAX 512

struct item {
    storegroup_fn work; /* one of the two */
    storegroup_many_fn many;
    void *context;
    struct err own; /* the words of a run that is made again are forgotten */
    enum rc rc;
    bool done;
    pthread_cond_t turn; /* it is done, or it is this one's turn to do what is waiting */
    struct item *next;
};

struct storegroup {
    struct store *store;
    pthread_mutex_t *store_lock, lock;
    struct item *first, **last;
    bool working;
};

enum rc storegroup_new(struct store *store, pthread_mutex_t *lock, struct storegroup **out)
{
    struct storegroup *group = calloc(1, sizeof *group);
    if (!group)
        return RC_NOMEM;
    group->store = store;
    group->store_lock = lock;
    group->last = &group->first;
    pthread_mutex_init(&group->lock, NULL);
    *out = group;
    return RC_OK;
}

void storegroup_free(struct storegroup *group)
{
    if (!group)
        return;
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

/* All of them in one; false when one failed or the commit did: nothing was written, unless the commit's answer was lost. */
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

/* Up to so many that wait, in their order. Under the group's lock. */
static struct item *items_take(struct storegroup *group)
{
    struct item *items = group->first, **end = &group->first;
    for (int i = 0; *end && i < TOGETHER_MAX; i++)
        end = &(*end)->next;
    group->first = *end;
    *end = NULL;
    if (!group->first)
        group->last = &group->first;
    return items;
}

static enum rc group_run(struct storegroup *group, struct item item, struct err *err)
{
    pthread_cond_init(&item.turn, NULL);
    pthread_mutex_lock(&group->lock);
    *group->last = &item;
    group->last = &item.next;
    while (!item.done) {
        if (group->working) {
            pthread_cond_wait(&item.turn, &group->lock);
            continue;
        }
        group->working = true;
        struct item *items = items_take(group);
        pthread_mutex_unlock(&group->lock);
        items_run(group, items);
        pthread_mutex_lock(&group->lock);
        group->working = false;
        for (struct item *next; items; items = next) {
            next = items->next;
            items->done = true;
            pthread_cond_signal(&items->turn);
        }
        if (group->first)
            pthread_cond_signal(&group->first->turn);
    }
    pthread_mutex_unlock(&group->lock);
    pthread_cond_destroy(&item.turn);
    return item.rc ? err_set(err, item.rc, "%s", err_text(&item.own, item.rc)) : RC_OK;
}

enum rc storegroup_run(struct storegroup *group, storegroup_fn work, void *context, struct err *err)
{
    return group_run(group, (struct item) { .work = work, .context = context }, err);
}

enum rc storegroup_run_many(struct storegroup *group, storegroup_many_fn work, void *context, struct err *err)
{
    return group_run(group, (struct item) { .many = work, .context = context }, err);
}

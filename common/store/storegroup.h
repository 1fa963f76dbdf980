/* storegroup.h — many threads' work in one transaction. A commit waits for the disk; who comes while it does so shares the next
 * one, whose first waits for as many as were in the last: for half of what that took, 20 ms at most, and alone not at all.
 * Each call returns when its own work is durable, as if it had had a transaction of its own. */
#ifndef JPKI_STORE_STOREGROUP_H
#define JPKI_STORE_STOREGROUP_H

#include "store/store.h"

#include <pthread.h>

struct storegroup;

/* store and lock (held while the store is used) are borrowed until storegroup_free. */
enum rc storegroup_new(struct store *store, pthread_mutex_t *lock, struct storegroup **group) MUST_CHECK;
void storegroup_free(struct storegroup *group); /* nobody is in it; NULL is fine */

/* Inside a transaction. A condition that is to be kept with what was written is no rc of the work but in its context. It
 * may be run twice (after another's failure, or its own): its last run counts, and what it wrote before is undone. */
typedef enum rc (*storegroup_fn)(void *context, struct store *store, struct err *err);

/* What the work returned, or why it could not be made durable. */
enum rc storegroup_run(struct storegroup *group, storegroup_fn work, void *context, struct err *err) MUST_CHECK;

/* Work of one kind that is done better together: what waits side by side is handed over at once, each one's context in the order
 * of coming; alone, one. RC_OK when all were done; else nothing of it is kept, and each is run alone. */
typedef enum rc (*storegroup_many_fn)(void *const *contexts, size_t count, struct store *store, struct err *err);
enum rc storegroup_run_many(struct storegroup *group, storegroup_many_fn work, void *context, struct err *err) MUST_CHECK;

#endif

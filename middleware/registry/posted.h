/* posted.h — the written notices to the residents themselves: 住民票コード通知票 (法30条の3第3項, 30条の4第4項) and the
 * notice of the 個人番号. A row in the transaction of the change; printed by `jpki-registry letters`. */
#ifndef JPKI_REGISTRY_POSTED_H
#define JPKI_REGISTRY_POSTED_H

#include "base/buf.h"
#include "store/store.h"

enum posted { POSTED_CODE, POSTED_CODE_CHANGED, POSTED_NUMBER };

/* A notice about the state at a revision; inside the change's transaction. */
enum rc posted_add(struct store *store, enum posted kind, const char *code, int64_t revision, const char *date,
                   struct err *err) MUST_CHECK;

/* Appends the text of every notice that was not printed yet (all: of every one), each ended by a form feed, and counts
 * them. With mark they count as printed from now on; inside the caller's transaction. */
enum rc posted_print(struct store *store, bool all, bool mark, struct buf *out, int64_t *count,
                     struct err *err) MUST_CHECK;

#endif

/* rights.h — what a resident may ask of who keeps their 本人確認情報 (住民基本台帳法30条の32 to 30条の35): to see it,
 * to see who used it (to have it corrected: correction.h); and the reports on provision (30条の16). Works on a node's store, for its
 * operator, whose looks are in the record of use too. */
#ifndef JPKI_REGISTRY_RIGHTS_H
#define JPKI_REGISTRY_RIGHTS_H

#include "registry/ledger.h"

#include <jansson.h>

/* The record as it stands, and every change that is kept. Caller decrefs. RC_NOT_FOUND. In an open transaction. */
enum rc rights_disclose(struct store *store, const char *municipality, const char *code, json_t **out,
                        struct err *err) MUST_CHECK;

/* 提供状況: each use of the record under this code and those before it, up to the end of last month and within the life
 * of the record of use, oldest first. In an open transaction. */
enum rc rights_uses(struct store *store, const char *municipality, const char *code,
                    enum rc (*visit)(void *context, const json_t *use), void *context, struct err *err) MUST_CHECK;

/* 件数 of provision per recipient, month, task and way in the months from..until ("2026-10"). */
enum rc rights_report(struct store *store, const char *from, const char *until,
                      enum rc (*visit)(void *context, const json_t *line), void *context, struct err *err) MUST_CHECK;

/* Deletes what of the record of use is older than its life (retention_life). */
enum rc rights_sweep(struct store *store, int64_t *swept, struct err *err) MUST_CHECK;

/* Every row of a statement, which is done with then, as the maker makes it. */
enum rc rights_each(struct statement *s, json_t *(*make)(struct statement *s), enum rc (*visit)(void *context, const json_t *line),
                    void *context, struct err *err) MUST_CHECK;

#endif

/* task.h — the affairs (事務) for which the law lets an agency have 本人確認情報 (住民基本台帳法別表第一 to 第五): a
 * table that the operator loads from a file. An agency is known by the name in its certificate (role "agency"). */
#ifndef JPKI_REGISTRY_TASK_H
#define JPKI_REGISTRY_TASK_H

#include "store/store.h"

#include <jansson.h>

/* What may be given, as bits in the order of task_fields. */
enum {
    TASK_NAME = 1u << 0,
    TASK_FURIGANA = 1u << 1,
    TASK_FORMER_NAME = 1u << 2,
    TASK_FORMER_FURIGANA = 1u << 3,
    TASK_ALIAS = 1u << 4,
    TASK_PERSONAL_NUMBER = 1u << 8,
    TASK_CODE = 1u << 9,
    TASK_CHANGE = 1u << 10, /* 変更情報 */
    TASK_FIELDS = 11
};
extern const char *const task_fields[TASK_FIELDS]; /* names of record.h, and "code" and "change" */

/* By what may be asked, as bits. */
enum { TASK_BY_ATTRIBUTES = 1u << 0, TASK_BY_NUMBER = 1u << 1, TASK_BY_CODE = 1u << 2, TASK_KEYS = 3 };

struct task {
    char agency[65], id[65], law[301], title[601];
    unsigned fields, keys;
    bool legacy_code;         /* keeps the 住民票コード after agencies stopped getting it (令附則4条) */
    char from[11], until[11]; /* first and last day; until "" has no end */
};

/* The table's rows out of {"tasks":[{"agency","task","law","title","fields":[…],"keys":[…],"from"} …]}, each with
 * "until" and "legacy_code" when it has them. RC_FORMAT names the row and the member. The whole table is what the file
 * says, or stays as it was. In an open transaction. *count: rows. */
enum rc task_load(struct store *store, const json_t *file, int64_t *count, struct err *err) MUST_CHECK;

/* The agency's task on that day. RC_DENIED: it has no such task, or not on that day. No transaction needed. */
enum rc task_find(struct store *store, const char *agency, const char *id, const char *day, struct task *task,
                  struct err *err) MUST_CHECK;

/* As the table has it: agency, task, from. Borrowed during the visit. */
enum rc task_each(struct store *store, enum rc (*visit)(void *context, const struct task *task), void *context,
                  struct err *err) MUST_CHECK;

/* A bit set as names with commas. */
void task_names(unsigned fields, char out[160]);

#endif

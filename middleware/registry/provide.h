/* provide.h — 本人確認情報の提供 to agencies (住民基本台帳法30条の9 and following): for tasks fixed by law, what the
 * task lets them have, each use in the record of use before its answer leaves. */
#ifndef JPKI_REGISTRY_PROVIDE_H
#define JPKI_REGISTRY_PROVIDE_H

#include "registry/ledger.h"
#include "registry/usage.h"

#define PROVIDE_BATCH 200 /* keys in one request */

enum provide_result {
    PROVIDE_ONE,     /* registered, and as the key says */
    PROVIDE_NONE,    /* nobody */
    PROVIDE_MANY,    /* more than one answers to this: nothing is given, the key must say more */
    PROVIDE_REMOVED, /* struck out: the last state, and with 変更情報 why and when */
    PROVIDE_CHANGED, /* registered; the key is a former state, number or code: the present state */
};
const char *provide_result_name(enum provide_result result); /* "one", … */

/* Whom an agency asks for: 個人番号 or 住民票コード (with attributes: only if they are that person's), or the birth
 * with at least one more of the four attributes. Empty what is not said. Personal data. */
struct provide_key {
    char code[12], number[13];
    char name[400], birth[10], sex[2], address[801];
};

/* {"personal_number"} or {"code"} or {"birth","name"…}. RC_FORMAT names the member; a mistyped number is told here. */
enum rc provide_key_read(const json_t *json, struct provide_key *key, struct err *err) MUST_CHECK;

/* What the name in a key was found to be: 氏名, or where the task is given them too, 通称, 旧氏 with the given name, and the 振り仮名 of
 * both. Two people who answer to it in different ways are MANY. */
enum provide_match {
    PROVIDE_BY_NO_NAME, /* the key has none */
    PROVIDE_BY_NAME, PROVIDE_BY_ALIAS, PROVIDE_BY_FORMER_NAME, PROVIDE_BY_FURIGANA, PROVIDE_BY_FORMER_FURIGANA,
    PROVIDE_BY_FORMER_STATE, /* as the register had it before */
};

/* The person. names: of TASK_ALIAS, TASK_FORMER_NAME, TASK_FURIGANA and TASK_FORMER_FURIGANA those that a name may mean. *row and
 * *match are filled for ONE, REMOVED and CHANGED. No transaction needed. */
enum rc provide_look(struct store *store, const struct provide_key *key, unsigned names, enum provide_result *result,
                     struct ledger_row *row, enum provide_match *match, struct err *err) MUST_CHECK;

/* A request: {"task","key":{…}} 即時, or with batch {"task","keys":[…]} 一括; "why" (利用事由) as they like. RC_FORMAT, RC_RANGE. The
 * peer is borrowed until provide_free. */
struct provision;
enum rc provide_read(const struct peer *peer, const json_t *body, bool batch, struct provision **provision,
                     struct err *err) MUST_CHECK;
void provide_free(struct provision *provision); /* wiped; NULL is fine */

/* Looks for many requests' keys, and records each use, in a transaction (storegroup_many_fn; the contexts are provisions). What an
 * agency may not is recorded too. Fault point: registry.before_provide. */
enum rc provide_run(void *const *provisions, size_t count, struct store *store, struct err *err) MUST_CHECK;

/* When that is durable: {"as_of","result",…} or {"as_of","answers":[…]}. RC_DENIED, RC_RANGE what the agency may not. Caller
 * decrefs. */
enum rc provide_tell(const struct provision *provision, json_t **answer, struct err *err) MUST_CHECK;

/* All of it for one request, in a transaction of its own. */
enum rc provide_answer(struct store *store, const struct peer *peer, const json_t *body, bool batch, json_t **answer,
                       struct err *err) MUST_CHECK;

/* 告知要求制限: RC_DENIED when a request that is no agency's holds or asks for a 住民票コード or a 個人番号. */
enum rc provide_check_private(const json_t *body, struct err *err) MUST_CHECK;

#endif

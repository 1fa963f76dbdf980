/* designate.h — the national node's numbers: 住民票コード that it assigns to municipalities without repetition, and
 * 個人番号 that it makes of them by a keyed one-way conversion (番号法8条, 施行令6条-8条). Over the national store;
 * inside the caller's transaction. */
#ifndef JPKI_REGISTRY_DESIGNATE_H
#define JPKI_REGISTRY_DESIGNATE_H

#include "base/secret.h"
#include "store/store.h"

#define DESIGNATE_CODES_MAX 10000 /* in one request */

/* The key of the conversion: numbers.key in a folder (0600), made when it is not there. */
enum rc designate_key(const char *folder, struct secret *key, struct err *err) MUST_CHECK;

/* The codes of a municipality's request: the next of its pool, in an order that the key chooses; the same request gives
 * the same codes. codes has room for count. RC_CONFLICT the request was for another count; RC_RANGE the pool is used
 * up, or count is out of range. */
enum rc designate_codes(struct store *store, const struct secret *key, const char *municipality, const char *request,
                        int64_t count, char (*codes)[12], struct err *err) MUST_CHECK;

/* The 個人番号 of a code, made at the first asking, unlike any other past or present. previous: the number that shall
 * be replaced, "" for the one that the person has; asked again, the same answer. RC_DENIED: the person is registered in
 * another municipality; RC_CONFLICT: previous is not, and never was, this person's. */
enum rc designate_number(struct store *store, const struct secret *key, const char *municipality, const char *code,
                         const char *previous, char number[13], struct err *err) MUST_CHECK;

/* The numbers follow a changed code. */
enum rc designate_recode(struct store *store, const char *previous, const char *code, struct err *err) MUST_CHECK;

#endif

/* json.h — small helpers over jansson: strict reading with errors that name the member, and the error object. */
#ifndef JPKI_NET_JSON_H
#define JPKI_NET_JSON_H

#include "base/buf.h"
#include "base/err.h"

#include <jansson.h>

/* Parses UTF-8 JSON, duplicate members refused. RC_FORMAT tells line and column. Caller decrefs. */
enum rc json_read(struct bytes text, json_t **json, struct err *err) MUST_CHECK;
enum rc json_write(const json_t *json, struct buf *out) MUST_CHECK; /* compact, sorted keys: the same value, the same bytes */

/* A member that must be there and of the kind. RC_FORMAT names it. The string is borrowed from the object and has no
 * NUL inside and at most max bytes. */
enum rc json_want_text(const json_t *object, const char *member, size_t max, const char **text, struct err *err) MUST_CHECK;
enum rc json_want_integer(const json_t *object, const char *member, int64_t *value, struct err *err) MUST_CHECK;
enum rc json_want_bool(const json_t *object, const char *member, bool *value, struct err *err) MUST_CHECK;
enum rc json_want_array(const json_t *object, const char *member, json_t **array, struct err *err) MUST_CHECK;

/* {"error":{"rc":"RC_CONFLICT","text":"…"}} */
json_t *json_error(enum rc rc, const char *text);

#endif

/* json.c — strict reading and canonical writing of JSON over jansson. Members' values never reach an error's words: they
 * may be personal data. */
#include "net/json.h"

#include <string.h>

enum rc json_read(struct bytes text, json_t **json, struct err *err)
{
    json_error_t why;
    json_t *value = json_loadb(text.len ? (const char *)text.data : "", text.len, JSON_REJECT_DUPLICATES, &why);
    if (!value)
        return err_set(err, json_error_code(&why) == json_error_out_of_memory ? RC_NOMEM : RC_FORMAT,
                       "malformed JSON at line %d, column %d", why.line, why.column);
    *json = value;
    return RC_OK;
}

enum rc json_write(const json_t *json, struct buf *out)
{
    const size_t flags = JSON_COMPACT | JSON_SORT_KEYS;
    size_t len = json_dumpb(json, NULL, 0, flags);
    if (!len)
        return RC_FORMAT;
    uint8_t *at;
    enum rc rc = buf_extend(out, len, &at);
    if (rc)
        return rc;
    if (json_dumpb(json, (char *)at, len, flags) != len) {
        buf_truncate(out, out->len - len);
        return RC_BUG;
    }
    return RC_OK;
}

static enum rc json_want(const json_t *object, const char *member, json_type type, const char *kind, json_t **value,
                         struct err *err)
{
    if (!json_is_object(object))
        return err_set(err, RC_FORMAT, "a JSON object is wanted");
    json_t *found = json_object_get(object, member);
    if (!found)
        return err_set(err, RC_FORMAT, "the member '%s' is missing", member);
    if (json_typeof(found) != type)
        return err_set(err, RC_FORMAT, "the member '%s' is not %s", member, kind);
    *value = found;
    return RC_OK;
}

enum rc json_want_text(const json_t *object, const char *member, size_t max, const char **text, struct err *err)
{
    json_t *value = NULL;
    enum rc rc = json_want(object, member, JSON_STRING, "a string", &value, err);
    if (rc)
        return rc;
    size_t len = json_string_length(value);
    if (len > max)
        return err_set(err, RC_FORMAT, "the member '%s' is longer than %zu bytes", member, max);
    if (strlen(json_string_value(value)) != len)
        return err_set(err, RC_FORMAT, "the member '%s' has a NUL inside", member);
    *text = json_string_value(value);
    return RC_OK;
}

enum rc json_want_integer(const json_t *object, const char *member, int64_t *value, struct err *err)
{
    json_t *found = NULL;
    enum rc rc = json_want(object, member, JSON_INTEGER, "an integer", &found, err);
    if (rc == RC_OK)
        *value = json_integer_value(found);
    return rc;
}

enum rc json_want_bool(const json_t *object, const char *member, bool *value, struct err *err)
{
    if (json_is_object(object) && json_is_false(json_object_get(object, member))) {
        *value = false;
        return RC_OK;
    }
    json_t *found = NULL;
    enum rc rc = json_want(object, member, JSON_TRUE, "true or false", &found, err);
    if (rc == RC_OK)
        *value = true;
    return rc;
}

enum rc json_want_array(const json_t *object, const char *member, json_t **array, struct err *err)
{
    return json_want(object, member, JSON_ARRAY, "an array", array, err);
}

json_t *json_error(enum rc rc, const char *text)
{
    return json_pack("{s:{s:s,s:s%}}", "error", "rc", rc_name(rc), "text", text, strlen(text));
}

/* keyuri_parts.c — what a PKCS#11 URI says (RFC 7512), and the PIN that it points to. */
#include "pki/keyuri_parts.h"

#include <string.h>

static enum rc keyuri_parts_source(const P11KitUri *uri, const char **path, struct err *err)
{
    const char *source = p11_kit_uri_get_pin_source(uri);
    *path = NULL;
    if (!source)
        return RC_OK;
    if (strncmp(source, "file:", 5) != 0 || source[5] == 0)
        return err_set(err, RC_FORMAT, "key URI: pin-source must be file:PATH");
    source += 5;
    if (strncmp(source, "//", 2) == 0) {
        source += 2; /* file:///path: an authority without a host */
        if (*source != '/')
            return err_set(err, RC_FORMAT, "key URI: pin-source names another host");
    }
    *path = source;
    return RC_OK;
}

enum rc keyuri_parts_parse(const char *text, struct keyuri_parts *parts, struct err *err)
{
    enum rc rc = RC_FORMAT;
    P11KitUri *uri = p11_kit_uri_new();
    if (!uri)
        return RC_NOMEM;
    if (p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, uri) != P11_KIT_URI_OK || p11_kit_uri_any_unrecognized(uri))
        rc = err_set(err, RC_FORMAT, "key URI: not a PKCS#11 URI that is understood here");
    else if (p11_kit_uri_get_pin_value(uri))
        rc = err_set(err, RC_DENIED, "key URI: pin-value would show the PIN; use pin-source=file:PATH");
    else if (!p11_kit_uri_get_module_path(uri))
        rc = err_set(err, RC_FORMAT, "key URI: module-path is missing");
    else if (!p11_kit_uri_get_attribute(uri, CKA_LABEL) && !p11_kit_uri_get_attribute(uri, CKA_ID))
        rc = err_set(err, RC_FORMAT, "key URI: neither object nor id names the key");
    else
        rc = keyuri_parts_source(uri, &parts->pin_path, err);
    if (rc) {
        p11_kit_uri_free(uri);
        return rc;
    }
    parts->uri = uri;
    parts->module = p11_kit_uri_get_module_path(uri);
    return RC_OK;
}

enum rc keyuri_parts_pin(const struct keyuri_parts *parts, struct secret *pin, struct err *err)
{
    if (!parts->pin_path)
        return err_set(err, RC_PIN_NEEDED, "key URI: the token wants a PIN and pin-source is missing");
    struct secret read = {0};
    enum rc rc = secret_read_file(&read, parts->pin_path);
    if (rc) {
        err_set(err, rc, "%s: %s", parts->pin_path, rc == RC_DENIED ? "others may read the PIN" : rc_text(rc));
        goto out;
    }
    if (read.len && memchr(read.data, 0, read.len)) {
        rc = err_set(err, RC_FORMAT, "%s: a zero byte in the PIN", parts->pin_path);
        goto out;
    }
    rc = secret_init(pin, read.len + 1);
    if (rc)
        goto out;
    memcpy(pin->data, read.data, read.len);
    pin->data[read.len] = 0;
    pin->len = read.len; /* the NUL stands behind the content and does not count */
out:
    secret_wipe(&read);
    return rc;
}

void keyuri_parts_wipe(struct keyuri_parts *parts)
{
    p11_kit_uri_free(parts->uri);
    *parts = (struct keyuri_parts){0};
}

enum rc keyuri_parts_rc(unsigned long ckr)
{
    switch (ckr) {
    case CKR_OK:
        return RC_OK;
    case CKR_PIN_INCORRECT:
    case CKR_PIN_INVALID:
    case CKR_PIN_LEN_RANGE:
        return RC_PIN_WRONG;
    case CKR_PIN_LOCKED:
        return RC_PIN_BLOCKED;
    case CKR_HOST_MEMORY:
        return RC_NOMEM;
    default:
        return RC_CRYPTO;
    }
}

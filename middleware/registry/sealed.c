/* sealed.c — signed JSON. */
#include "registry/sealed.h"

#include "net/json.h"

#include <string.h>

static const char *const outside[] = {"signature", "signer", "certificate"}; /* what is not signed */

enum rc sealed_text(const json_t *object, struct buf *text)
{
    json_t *bare = json_copy((json_t *)(uintptr_t)object); /* shallow: the members are shared, none is changed */
    for (size_t i = 0; bare && i < sizeof outside / sizeof outside[0]; i++)
        (void)json_object_del(bare, outside[i]);
    enum rc rc = bare ? json_write(bare, text) : RC_NOMEM;
    json_decref(bare);
    return rc;
}

enum rc sealed_sign(const struct opseal *seal, json_t *object, struct err *err)
{
    struct buf text = {0}, signature = {0};
    enum rc rc = sealed_text(object, &text);
    if (!rc)
        rc = opseal_sign(seal, buf_bytes(&text), &signature, err);
    if (!rc && json_object_set_new(object, "signature", json_string(buf_string(&signature))))
        rc = RC_NOMEM;
    buf_wipe(&text);
    buf_wipe(&signature);
    return rc;
}

enum rc sealed_check(struct opseal *seal, const json_t *object, const char *certificate, const char *municipality,
                     struct peer *signer, struct err *err)
{
    struct buf text = {0};
    const char *signature;
    enum rc rc = json_want_text(object, "signature", 2048, &signature, err);
    if (!rc)
        rc = sealed_text(object, &text);
    if (!rc)
        rc = opseal_check(seal, certificate, buf_bytes(&text), signature, signer, err);
    buf_wipe(&text);
    if (!rc && (signer->role != ROLE_NODE_MUNICIPAL || strcmp(signer->municipality, municipality) != 0))
        rc = err_set(err, RC_DENIED, "signature: not by the node of %s", municipality);
    return rc;
}

/* A release is signed by the municipality that it names. */
static enum rc sealed_check_release(struct opseal *seal, const json_t *release, struct err *err)
{
    const char *from, *certificate;
    struct peer signer;
    enum rc rc;
    if ((rc = json_want_text(release, "from", 6, &from, err)) ||
        (rc = json_want_text(release, "certificate", 20000, &certificate, err)))
        return rc;
    return sealed_check(seal, release, certificate, from, &signer, err);
}

enum rc sealed_check_notices(struct opseal *seal, const json_t *body, const char *municipality, struct err *err)
{
    json_t *notices, *notice;
    const char *certificate;
    size_t i;
    enum rc rc = json_want_array(body, "notices", &notices, err);
    if (rc || json_array_size(notices) == 0)
        return rc;
    rc = json_want_text(body, "certificate", 20000, &certificate, err);
    json_array_foreach(notices, i, notice)
    {
        struct peer signer;
        if (!rc)
            rc = json_is_object(notice) ? sealed_check(seal, notice, certificate, municipality, &signer, err)
                                        : err_set(err, RC_FORMAT, "notices: not an object");
        if (!rc && json_object_get(notice, "release"))
            rc = sealed_check_release(seal, json_object_get(notice, "release"), err);
        if (!rc && json_object_set_new(notice, "signer", json_string(signer.serial)))
            rc = RC_NOMEM;
    }
    return rc;
}

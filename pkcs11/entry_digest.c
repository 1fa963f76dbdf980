/* entry_digest.c — message digests, in software: PKCS#11 §5.12. */
#include "pkcs11/entry.h"

#include <string.h>

CK_RV C_DigestInit(CK_SESSION_HANDLE handle, CK_MECHANISM_PTR params)
{
    struct module *module;
    struct session *session;
    CK_RV rv = module_enter_session(handle, &module, &session);
    if (rv != CKR_OK)
        return rv;
    if (!params) { /* PKCS#11 3.0: ends what is active */
        rv = session->digest.state == OPERATION_NONE ? CKR_ARGUMENTS_BAD : CKR_OK;
        operation_wipe(&session->digest);
        return module_leave(module, rv);
    }
    const struct mechanism *mechanism = mechanism_find(params->mechanism, MECHANISM_CARD_PKCS1);
    if (session->digest.state != OPERATION_NONE)
        rv = CKR_OPERATION_ACTIVE;
    else if (!mechanism || mechanism->padding != MECHANISM_NONE)
        rv = CKR_MECHANISM_INVALID;
    else
        rv = operation_start(&session->digest, mechanism, params, CK_INVALID_HANDLE, NULL);
    return module_leave(module, rv);
}

static CK_RV digest_now(struct session *session, CK_BYTE *out, CK_ULONG *out_len)
{
    struct buf digest = { 0 };
    CK_RV rv = operation_collect(&session->digest, &digest);
    if (rv == CKR_OK) {
        memcpy(out, digest.data, digest.len);
        *out_len = digest.len;
    }
    buf_wipe(&digest);
    operation_wipe(&session->digest);
    return rv;
}

CK_RV C_Digest(CK_SESSION_HANDLE handle, unsigned char *data, CK_ULONG data_len, unsigned char *out, CK_ULONG *out_len)
{
    struct module *module;
    struct session *session;
    CK_RV rv = module_enter_session(handle, &module, &session);
    if (rv != CKR_OK)
        return rv;
    struct operation *operation = &session->digest;
    bool answer_now = false;
    if (operation->state == OPERATION_NONE)
        return module_leave(module, CKR_OPERATION_NOT_INITIALIZED);
    if (operation->state == OPERATION_PARTS)
        return module_leave(module, CKR_OPERATION_ACTIVE);
    if (!out_len || (data_len && !data)) {
        operation_wipe(operation);
        return module_leave(module, CKR_ARGUMENTS_BAD);
    }
    rv = operation_measure(operation, out, out_len, &answer_now);
    if (rv == CKR_OK && answer_now)
        rv = operation_update(operation, data, data_len);
    if (rv == CKR_OK && answer_now)
        rv = digest_now(session, out, out_len);
    return module_leave(module, rv);
}

CK_RV C_DigestUpdate(CK_SESSION_HANDLE handle, unsigned char *part, CK_ULONG part_len)
{
    struct module *module;
    struct session *session;
    CK_RV rv = module_enter_session(handle, &module, &session);
    if (rv != CKR_OK)
        return rv;
    if (part_len && !part) {
        bool active = session->digest.state != OPERATION_NONE;
        operation_wipe(&session->digest);
        return module_leave(module, active ? CKR_ARGUMENTS_BAD : CKR_OPERATION_NOT_INITIALIZED);
    }
    return module_leave(module, operation_update(&session->digest, part, part_len));
}

CK_RV C_DigestKey(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE key)
{
    (void)key;
    return entry_refuse(handle, CKR_KEY_INDIGESTIBLE);
}

CK_RV C_DigestFinal(CK_SESSION_HANDLE handle, unsigned char *out, CK_ULONG *out_len)
{
    struct module *module;
    struct session *session;
    CK_RV rv = module_enter_session(handle, &module, &session);
    if (rv != CKR_OK)
        return rv;
    struct operation *operation = &session->digest;
    bool answer_now = false;
    if (operation->state == OPERATION_NONE)
        return module_leave(module, CKR_OPERATION_NOT_INITIALIZED);
    if (!out_len) {
        operation_wipe(operation);
        return module_leave(module, CKR_ARGUMENTS_BAD);
    }
    rv = operation_measure(operation, out, out_len, &answer_now);
    if (rv == CKR_OK && answer_now)
        rv = digest_now(session, out, out_len);
    return module_leave(module, rv);
}

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
    if (!params)
        return module_leave(module, entry_cancel(&session->digest));
    const struct mechanism *mechanism = mechanism_find(params->mechanism, MECHANISM_CARD_PKCS1);
    if (session->digest.state != OPERATION_NONE)
        rv = CKR_OPERATION_ACTIVE;
    else if (!mechanism || mechanism->padding != MECHANISM_NONE)
        rv = CKR_MECHANISM_INVALID;
    else
        rv = operation_start(&session->digest, mechanism, params, CK_INVALID_HANDLE, 0, NULL);
    return module_leave(module, rv);
}

static CK_RV digest_now(struct module *module, struct session *session, CK_BYTE *out, CK_ULONG *out_len)
{
    (void)module;
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
    return entry_whole(handle, ENTRY_DIGEST, data, data_len, out, out_len, digest_now);
}

CK_RV C_DigestUpdate(CK_SESSION_HANDLE handle, unsigned char *part, CK_ULONG part_len)
{
    return entry_update(handle, ENTRY_DIGEST, part, part_len);
}

CK_RV C_DigestKey(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE key)
{
    (void)key;
    return entry_refuse(handle, CKR_KEY_INDIGESTIBLE);
}

CK_RV C_DigestFinal(CK_SESSION_HANDLE handle, unsigned char *out, CK_ULONG *out_len)
{
    return entry_final(handle, ENTRY_DIGEST, out, out_len, digest_now);
}

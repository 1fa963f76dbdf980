/* entry_operation.c — the frame of the calls that collect data and make something of it: signatures, verifications and digests
 * have the same one (PKCS#11 §5.12, §5.13, §5.15). What is made of the data is the caller's. */
#include "pkcs11/entry.h"

struct operation *entry_operation(struct session *session, enum entry_kind kind)
{
    switch (kind) {
    case ENTRY_SIGN:
        return &session->sign;
    case ENTRY_VERIFY:
        return &session->verify;
    case ENTRY_DIGEST:
        break;
    }
    return &session->digest;
}

CK_RV entry_cancel(struct operation *operation)
{
    if (operation->state == OPERATION_NONE)
        return CKR_ARGUMENTS_BAD;
    operation_wipe(operation);
    return CKR_OK;
}

CK_RV entry_update(CK_SESSION_HANDLE handle, enum entry_kind kind, const CK_BYTE *part, CK_ULONG part_len)
{
    struct module *module;
    struct session *session;
    CK_RV rv = module_enter_session(handle, &module, &session);
    if (rv != CKR_OK)
        return rv;
    struct operation *operation = entry_operation(session, kind);
    if (part_len && !part) {
        bool active = operation->state != OPERATION_NONE;
        operation_wipe(operation);
        return module_leave(module, active ? CKR_ARGUMENTS_BAD : CKR_OPERATION_NOT_INITIALIZED);
    }
    return module_leave(module, operation_update(operation, part, part_len));
}

/* Data, or NULL and 0 when it was collected before; then the answer, or its length. */
static CK_RV answer(struct module *module, struct session *session, enum entry_kind kind, const CK_BYTE *data,
                    CK_ULONG data_len, CK_BYTE *out, CK_ULONG *out_len, entry_make_fn make)
{
    struct operation *operation = entry_operation(session, kind);
    bool answer_now = false;
    if (!out_len || (data_len && !data)) {
        operation_wipe(operation);
        return CKR_ARGUMENTS_BAD;
    }
    CK_RV rv = operation_measure(operation, out, out_len, &answer_now);
    if (rv == CKR_OK && answer_now)
        rv = operation_update(operation, data, data_len);
    if (rv == CKR_OK && answer_now)
        rv = make(module, session, out, out_len);
    return rv;
}

CK_RV entry_whole(CK_SESSION_HANDLE handle, enum entry_kind kind, const CK_BYTE *data, CK_ULONG data_len, CK_BYTE *out,
                  CK_ULONG *out_len, entry_make_fn make)
{
    struct module *module;
    struct session *session;
    CK_RV rv = module_enter_session(handle, &module, &session);
    if (rv != CKR_OK)
        return rv;
    enum operation_state state = entry_operation(session, kind)->state;
    if (state == OPERATION_NONE)
        return module_leave(module, CKR_OPERATION_NOT_INITIALIZED);
    if (state == OPERATION_PARTS)
        return module_leave(module, CKR_OPERATION_ACTIVE);
    return module_leave(module, answer(module, session, kind, data, data_len, out, out_len, make));
}

CK_RV entry_final(CK_SESSION_HANDLE handle, enum entry_kind kind, CK_BYTE *out, CK_ULONG *out_len, entry_make_fn make)
{
    struct module *module;
    struct session *session;
    CK_RV rv = module_enter_session(handle, &module, &session);
    if (rv != CKR_OK)
        return rv;
    if (entry_operation(session, kind)->state == OPERATION_NONE)
        return module_leave(module, CKR_OPERATION_NOT_INITIALIZED);
    return module_leave(module, answer(module, session, kind, NULL, 0, out, out_len, make));
}

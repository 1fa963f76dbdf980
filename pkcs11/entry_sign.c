/* entry_sign.c — signatures by the card, verification in software: PKCS#11 §5.13 and §5.15. */
#include "pkcs11/ckr.h"
#include "pkcs11/entry.h"

#include <string.h>

static CK_RV find_mechanism(struct module *module, const struct slot *slot, const CK_MECHANISM *params,
                            const struct mechanism **mechanism)
{
    if (mechanism_find(params->mechanism, MECHANISM_CARD_EC)) { /* which kind of card it is may not have been asked yet */
        CK_RV rv = slot_read_info(module, slot, 0);
        if (rv != CKR_OK)
            return rv;
    }
    *mechanism = mechanism_find(params->mechanism, reader_mechanisms(slot->reader));
    return *mechanism && (*mechanism)->padding != MECHANISM_NONE ? CKR_OK : CKR_MECHANISM_INVALID;
}

/* --- signatures ---------------------------------------------------------------------------------------------------------- */

CK_RV C_SignInit(CK_SESSION_HANDLE handle, CK_MECHANISM_PTR params, CK_OBJECT_HANDLE key)
{
    struct module *module;
    struct session *session;
    struct slot slot;
    const struct mechanism *mechanism;
    CK_RV rv = module_enter_session(handle, &module, &session);
    if (rv != CKR_OK)
        return rv;
    if (!params)
        return module_leave(module, entry_cancel(&session->sign));
    if (session->sign.state != OPERATION_NONE)
        return module_leave(module, CKR_OPERATION_ACTIVE);
    rv = slot_of_session(module, &session, false, &slot);
    if (rv != CKR_OK)
        return module_leave(module, rv);
    const struct object_row *row = slot_find_object(&slot, key);
    if (!row)
        rv = slot.token->logged_in ? CKR_KEY_HANDLE_INVALID : CKR_USER_NOT_LOGGED_IN;
    else if (row->class != CKO_PRIVATE_KEY)
        rv = row->class == CKO_PUBLIC_KEY ? CKR_KEY_FUNCTION_NOT_PERMITTED : CKR_KEY_HANDLE_INVALID;
    if (rv == CKR_OK)
        rv = find_mechanism(module, &slot, params, &mechanism);
    if (rv == CKR_OK)
        rv = module_find_session(module, handle, &session);
    if (rv == CKR_OK)
        rv = operation_start(&session->sign, mechanism, params, key, reader_rsa_bits(slot.reader, slot.kind), NULL);
    return module_leave(module, rv);
}

/* A signature shorter than was told, from a card whose kind nobody asked for, is right for a kind with shorter keys. */
static CK_RV check_length(struct module *module, const struct slot *slot, const struct operation *operation, size_t len)
{
    if (len == operation->result_len)
        return CKR_OK;
    CK_RV rv = slot->reader->identified ? CKR_DEVICE_ERROR : slot_read_info(module, slot, 0);
    if (rv != CKR_OK)
        return rv;
    bool fits = len < operation->result_len && len == reader_rsa_bits(slot->reader, slot->kind) / 8;
    return fits ? CKR_OK : CKR_DEVICE_ERROR;
}

/* The card's part. */
static CK_RV sign_now(struct module *module, struct session *session, CK_BYTE *out, CK_ULONG *out_len)
{
    struct operation operation = session->sign;
    struct buf input = { 0 }, signature = { 0 };
    struct slot slot;
    session->sign = (struct operation) { 0 };
    CK_RV rv = slot_of_session(module, &session, false, &slot);
    if (rv == CKR_OK && !slot_find_object(&slot, operation.key))
        rv = CKR_USER_NOT_LOGGED_IN;
    if (rv == CKR_OK && module_always_authenticates(module, slot.kind) && !operation.authenticated)
        rv = CKR_USER_NOT_LOGGED_IN;
    if (rv == CKR_OK)
        rv = operation_collect(&operation, &input);
    if (rv != CKR_OK)
        goto out;
    enum rc rc = token_sign(slot.reader, slot.kind, operation.mechanism->padding, buf_bytes(&input), &signature,
                            module_err());
    if (rc == RC_PIN_NEEDED)
        slot_logout(module, &slot);
    rv = slot_rv(module, &slot, rc);
    if (rv == CKR_OK)
        rv = check_length(module, &slot, &operation, signature.len);
    if (rv == CKR_OK) {
        memcpy(out, signature.data, signature.len);
        *out_len = signature.len;
    }
out:
    buf_wipe(&input);
    buf_wipe(&signature);
    operation_wipe(&operation);
    return rv;
}

CK_RV C_Sign(CK_SESSION_HANDLE handle, unsigned char *data, CK_ULONG data_len, unsigned char *out, CK_ULONG *out_len)
{
    return entry_whole(handle, ENTRY_SIGN, data, data_len, out, out_len, sign_now);
}

CK_RV C_SignUpdate(CK_SESSION_HANDLE handle, unsigned char *part, CK_ULONG part_len)
{
    return entry_update(handle, ENTRY_SIGN, part, part_len);
}

CK_RV C_SignFinal(CK_SESSION_HANDLE handle, unsigned char *out, CK_ULONG *out_len)
{
    return entry_final(handle, ENTRY_SIGN, out, out_len, sign_now);
}

/* --- verification -------------------------------------------------------------------------------------------------------- */

CK_RV C_VerifyInit(CK_SESSION_HANDLE handle, CK_MECHANISM_PTR params, CK_OBJECT_HANDLE key)
{
    struct module *module;
    struct session *session;
    struct slot slot;
    const struct mechanism *mechanism;
    CK_RV rv = module_enter_session(handle, &module, &session);
    if (rv != CKR_OK)
        return rv;
    if (!params)
        return module_leave(module, entry_cancel(&session->verify));
    if (session->verify.state != OPERATION_NONE)
        return module_leave(module, CKR_OPERATION_ACTIVE);
    rv = slot_of_session(module, &session, false, &slot);
    if (rv != CKR_OK)
        return module_leave(module, rv);
    const struct object_row *row = slot_find_object(&slot, key);
    if (!row || (row->class != CKO_PUBLIC_KEY && row->class != CKO_PRIVATE_KEY))
        rv = CKR_KEY_HANDLE_INVALID;
    else if (row->class != CKO_PUBLIC_KEY)
        rv = CKR_KEY_FUNCTION_NOT_PERMITTED;
    if (rv == CKR_OK)
        rv = find_mechanism(module, &slot, params, &mechanism);
    if (rv == CKR_OK)
        rv = slot_rv(module, &slot, token_read_certs(slot.reader, 1u << row->cert, module_err()));
    if (rv == CKR_OK && slot.reader->cert_states[row->cert] != CERT_READ)
        rv = CKR_KEY_HANDLE_INVALID;
    if (rv == CKR_OK)
        rv = module_find_session(module, handle, &session);
    if (rv == CKR_OK)
        rv = operation_start(&session->verify, mechanism, params, key, reader_rsa_bits(slot.reader, slot.kind),
                             slot.reader->certs[row->cert].key);
    return module_leave(module, rv);
}

static CK_RV verify_now(struct session *session, const CK_BYTE *signature, CK_ULONG signature_len)
{
    struct operation operation = session->verify;
    struct buf input = { 0 };
    session->verify = (struct operation) { 0 };
    CK_RV rv = signature_len == operation.result_len ? CKR_OK : CKR_SIGNATURE_LEN_RANGE;
    if (rv == CKR_OK)
        rv = operation_collect(&operation, &input);
    if (rv == CKR_OK)
        rv = ckr_of_rc(mechanism_verify(operation.mechanism->padding, operation.public, buf_bytes(&input),
                                        bytes_of(signature, signature_len)));
    buf_wipe(&input);
    operation_wipe(&operation);
    return rv;
}

CK_RV C_Verify(CK_SESSION_HANDLE handle, unsigned char *data, CK_ULONG data_len, unsigned char *signature,
               CK_ULONG signature_len)
{
    struct module *module;
    struct session *session;
    CK_RV rv = module_enter_session(handle, &module, &session);
    if (rv != CKR_OK)
        return rv;
    struct operation *operation = &session->verify;
    if (operation->state == OPERATION_NONE)
        return module_leave(module, CKR_OPERATION_NOT_INITIALIZED);
    if (operation->state == OPERATION_PARTS)
        return module_leave(module, CKR_OPERATION_ACTIVE);
    if ((data_len && !data) || !signature) {
        operation_wipe(operation);
        return module_leave(module, CKR_ARGUMENTS_BAD);
    }
    rv = operation_update(operation, data, data_len);
    if (rv == CKR_OK)
        rv = verify_now(session, signature, signature_len);
    return module_leave(module, rv);
}

CK_RV C_VerifyUpdate(CK_SESSION_HANDLE handle, unsigned char *part, CK_ULONG part_len)
{
    return entry_update(handle, ENTRY_VERIFY, part, part_len);
}

CK_RV C_VerifyFinal(CK_SESSION_HANDLE handle, unsigned char *signature, CK_ULONG signature_len)
{
    struct module *module;
    struct session *session;
    CK_RV rv = module_enter_session(handle, &module, &session);
    if (rv != CKR_OK)
        return rv;
    if (session->verify.state == OPERATION_NONE)
        return module_leave(module, CKR_OPERATION_NOT_INITIALIZED);
    if (!signature) {
        operation_wipe(&session->verify);
        return module_leave(module, CKR_ARGUMENTS_BAD);
    }
    return module_leave(module, verify_now(session, signature, signature_len));
}

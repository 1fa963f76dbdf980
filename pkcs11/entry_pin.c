/* entry_pin.c — C_SetPIN: PKCS#11 §5.5.9. */
#include "pkcs11/entry.h"

#include "pkcs11/ckr.h"

/* Lengths have a code of their own; whether the characters fit is the card's rule. */
static CK_RV check_lengths(const struct slot *slot, CK_ULONG old_len, CK_ULONG new_len)
{
    const struct token_row *row = &token_rows[slot->kind];
    bool fits = old_len >= row->pin_min && old_len <= row->pin_max && new_len >= row->pin_min && new_len <= row->pin_max;
    return fits ? CKR_OK : CKR_PIN_LEN_RANGE;
}

static CK_RV change(struct module *module, const struct slot *slot, const struct secret *old, const struct secret *fresh)
{
    bool was_in = slot->token->logged_in;
    enum rc rc = token_change_pin(slot->reader, slot->kind, old, fresh, &module->err);
    if (was_in && !slot->token->logged_in)
        slot_logout(module, slot); /* and what needed the login */
    return slot_rv(module, slot, rc);
}

CK_RV C_SetPIN(CK_SESSION_HANDLE handle, CK_BYTE *old_pin, CK_ULONG old_len, CK_BYTE *new_pin, CK_ULONG new_len)
{
    struct module *module;
    struct session *session;
    struct slot slot;
    struct secret old = { 0 }, fresh = { 0 };
    CK_RV rv = module_enter_session(handle, &module, &session);
    if (rv != CKR_OK)
        return rv;
    if (!old_pin || !new_pin) /* no reader here asks for a PIN itself */
        return module_leave(module, CKR_ARGUMENTS_BAD);
    if (!(session->flags & CKF_RW_SESSION))
        return module_leave(module, CKR_SESSION_READ_ONLY);
    rv = slot_of_session(module, session, true, &slot);
    if (rv == CKR_OK)
        rv = check_lengths(&slot, old_len, new_len);
    if (rv == CKR_OK)
        rv = ckr_of_rc(secret_dup(&old, old_pin, old_len));
    if (rv == CKR_OK)
        rv = ckr_of_rc(secret_dup(&fresh, new_pin, new_len));
    if (rv == CKR_OK)
        rv = change(module, &slot, &old, &fresh);
    secret_wipe(&old);
    secret_wipe(&fresh);
    return module_leave(module, rv);
}

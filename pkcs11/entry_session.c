/* entry_session.c — sessions and login: PKCS#11 §5.6. */
#include "pkcs11/entry.h"

#include "pkcs11/ckr.h"

CK_RV C_OpenSession(CK_SLOT_ID id, CK_FLAGS flags, void *application, CK_NOTIFY notify, CK_SESSION_HANDLE_PTR handle)
{
    (void)application, (void)notify; /* surrender and OTP call-backs: nothing here takes so long */
    struct module *module;
    struct slot slot;
    struct session *session;
    CK_RV rv = module_enter(&module);
    if (rv != CKR_OK)
        return rv;
    if (!handle)
        return module_leave(module, CKR_ARGUMENTS_BAD);
    if (!(flags & CKF_SERIAL_SESSION))
        return module_leave(module, CKR_SESSION_PARALLEL_NOT_SUPPORTED);
    rv = slot_find_token(module, id, &slot);
    /* A read/write session of a token that cannot be written is granted: ssh and Java ask for no other. */
    if (rv == CKR_OK)
        rv = session_open(&module->sessions, id, flags & (CKF_SERIAL_SESSION | CKF_RW_SESSION), &session);
    if (rv == CKR_OK)
        *handle = session->handle;
    return module_leave(module, rv);
}

/* The last session takes the login with it. */
static void end_login_without_sessions(struct module *module, const struct slot *slot)
{
    if (session_count(&module->sessions, slot->id, 0) == 0)
        slot_logout(module, slot);
}

CK_RV C_CloseSession(CK_SESSION_HANDLE handle)
{
    struct module *module;
    struct session *session;
    struct slot slot;
    CK_RV rv = module_enter_session(handle, &module, &session);
    if (rv != CKR_OK)
        return rv;
    rv = slot_of_session(module, &session, false, &slot);
    if (rv != CKR_OK)
        return module_leave(module, rv);
    session_close(&module->sessions, session);
    end_login_without_sessions(module, &slot);
    return module_leave(module, CKR_OK);
}

CK_RV C_CloseAllSessions(CK_SLOT_ID id)
{
    struct module *module;
    struct slot slot;
    CK_RV rv = module_enter(&module);
    if (rv != CKR_OK)
        return rv;
    rv = slot_find(module, id, &slot);
    if (rv == CKR_OK)
        rv = module_hold(module, slot.reader);
    if (rv == CKR_OK) {
        session_close_slot(&module->sessions, id);
        end_login_without_sessions(module, &slot);
    }
    return module_leave(module, rv);
}

CK_RV C_GetSessionInfo(CK_SESSION_HANDLE handle, CK_SESSION_INFO_PTR info)
{
    struct module *module;
    struct session *session;
    struct slot slot;
    CK_RV rv = module_enter_session(handle, &module, &session);
    if (rv != CKR_OK)
        return rv;
    if (!info)
        return module_leave(module, CKR_ARGUMENTS_BAD);
    CK_SLOT_ID id = session->slot;
    slot_refresh(module); /* and no more: it is asked all the time, also while the card works */
    session = session_find(&module->sessions, handle);
    rv = session ? slot_find(module, id, &slot) : CKR_DEVICE_REMOVED;
    if (rv != CKR_OK)
        return module_leave(module, rv);
    bool writes = session->flags & CKF_RW_SESSION;
    *info = (CK_SESSION_INFO) { .slotID = session->slot, .flags = session->flags };
    if (slot.token->logged_in)
        info->state = writes ? CKS_RW_USER_FUNCTIONS : CKS_RO_USER_FUNCTIONS;
    else
        info->state = writes ? CKS_RW_PUBLIC_SESSION : CKS_RO_PUBLIC_SESSION;
    return module_leave(module, CKR_OK);
}

/* For one signature, where that is chosen for the signature key; elsewhere nobody needs it and who does it all the same is
 * served. It is answered without the card, which has accepted the PIN: a wrong one costs no try. */
static CK_RV login_context(struct module *module, struct session *session, const struct slot *slot, const struct secret *pin)
{
    const struct token *token = slot->token;
    CK_SESSION_HANDLE handle = session->handle;
    if (session->sign.state == OPERATION_NONE || !token->logged_in)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (!pin) { /* only the card can say whether what is typed on the reader is right */
        CK_RV rv = slot_rv(module, slot, token_confirm(slot->reader, slot->kind, module_err()));
        if (rv == CKR_OK)
            rv = module_find_session(module, handle, &session);
        if (rv == CKR_OK)
            session->sign.authenticated = session->sign.state != OPERATION_NONE;
        return rv;
    }
    session->sign.authenticated = token_pin_equals(token, pin);
    return session->sign.authenticated ? CKR_OK : CKR_PIN_INCORRECT;
}

/* The session's reader is held. A NULL pin is typed on the reader. */
static CK_RV login(struct module *module, struct session *session, const struct slot *slot, CK_USER_TYPE user,
                   const struct secret *pin)
{
    if (user == CKU_CONTEXT_SPECIFIC)
        return login_context(module, session, slot, pin);
    if (slot->token->logged_in)
        return CKR_USER_ALREADY_LOGGED_IN;
    CK_RV rv = pin ? slot_check_pin_length(slot, pin->len) : CKR_OK;
    if (rv != CKR_OK)
        return rv;
    CK_ULONG epoch = module_draw_epoch(module);
    enum rc rc = token_login(slot->reader, slot->kind, pin, epoch, module_err());
    return slot_rv(module, slot, rc);
}

CK_RV C_Login(CK_SESSION_HANDLE handle, CK_USER_TYPE user, unsigned char *pin, CK_ULONG pin_len)
{
    struct module *module;
    struct session *session;
    struct slot slot;
    struct secret secret = { 0 };
    CK_RV rv = module_enter_session(handle, &module, &session);
    if (rv != CKR_OK)
        return rv;
    if (user != CKU_USER && user != CKU_CONTEXT_SPECIFIC)
        return module_leave(module, CKR_USER_TYPE_INVALID); /* there is no security officer */
    if (pin && pin_len > SECRET_MAX)
        return module_leave(module, CKR_PIN_LEN_RANGE);
    rv = slot_of_session(module, &session, true, &slot);
    if (rv != CKR_OK)
        return module_leave(module, rv);
    if (!pin && entry_has_pad(module, &slot, TRANSPORT_PAD_VERIFY))
        return module_leave(module, login(module, session, &slot, user, NULL));
    if (!pin) { /* the person is asked, and everything may be another way afterwards */
        (void)module_leave(module, CKR_OK);
        rv = entry_ask_pin(handle, user == CKU_USER ? PROMPT_LOGIN : PROMPT_SIGNATURE, &secret);
        if (rv == CKR_OK)
            rv = module_enter_session(handle, &module, &session);
        if (rv != CKR_OK)
            goto out;
        rv = slot_of_session(module, &session, true, &slot);
    } else {
        rv = ckr_of_rc(secret_dup(&secret, pin, pin_len));
    }
    if (rv == CKR_OK)
        rv = login(module, session, &slot, user, &secret);
    rv = module_leave(module, rv);
out:
    secret_wipe(&secret);
    return rv;
}

CK_RV C_LoginUser(CK_SESSION_HANDLE handle, CK_USER_TYPE user, CK_UTF8CHAR_PTR pin, CK_ULONG pin_len,
                  CK_UTF8CHAR_PTR name, CK_ULONG name_len)
{
    if (name_len && !name)
        return entry_refuse(handle, CKR_ARGUMENTS_BAD);
    if (name_len) /* the card knows its one holder by no name */
        return entry_refuse(handle, CKR_USER_TYPE_INVALID);
    return C_Login(handle, user, pin, pin_len);
}

CK_RV C_Logout(CK_SESSION_HANDLE handle)
{
    struct module *module;
    struct session *session;
    struct slot slot;
    CK_RV rv = module_enter_session(handle, &module, &session);
    if (rv != CKR_OK)
        return rv;
    rv = slot_of_session(module, &session, true, &slot);
    if (rv == CKR_OK && !slot.token->logged_in)
        rv = CKR_USER_NOT_LOGGED_IN;
    if (rv == CKR_OK)
        slot_logout(module, &slot);
    return module_leave(module, rv);
}

CK_RV C_SessionCancel(CK_SESSION_HANDLE handle, CK_FLAGS flags)
{
    struct module *module;
    struct session *session;
    CK_RV rv = module_enter_session(handle, &module, &session);
    if (rv != CKR_OK)
        return rv;
    if (flags & CKF_SIGN)
        operation_wipe(&session->sign);
    if (flags & CKF_VERIFY)
        operation_wipe(&session->verify);
    if (flags & CKF_DIGEST)
        operation_wipe(&session->digest);
    if (flags & CKF_FIND_OBJECTS)
        session->search = (struct session_search) { 0 };
    return module_leave(module, CKR_OK); /* of the others none is ever active */
}

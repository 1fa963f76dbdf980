/* entry_pin.c — PINs that the person is asked for, and C_SetPIN: PKCS#11 §5.5.9. */
#include "pkcs11/entry.h"

#include "pkcs11/ckr.h"

#include <string.h>

#define ASKS_MAX 3

bool entry_has_pad(const struct module *module, const struct slot *slot, unsigned wanted)
{
    return (slot->reader->pads & wanted) == wanted && (module->settings.pads & 1u << slot->kind);
}

struct asked {
    struct prompt prompt;
    enum card_kind card;
    char pinentry[SETTINGS_TEXT_SIZE];
    char serial[APPLET_TOKEN_SERIAL_LEN + 1];
    char program[512];
};

/* What the prompt will say; taken while the module is held. */
static CK_RV prepare(struct module *module, struct session *session, enum prompt_what what, struct asked *asked)
{
    struct slot slot;
    if (module->settings.prompt == SETTINGS_PROMPT_OFF)
        return CKR_ARGUMENTS_BAD;
    CK_RV rv = slot_of_session(module, &session, true, &slot);
    if (rv == CKR_OK && what == PROMPT_LOGIN && slot.token->logged_in)
        rv = CKR_USER_ALREADY_LOGGED_IN;
    if (rv == CKR_OK && what == PROMPT_SIGNATURE && (!slot.token->logged_in || session->sign.state == OPERATION_NONE))
        rv = CKR_OPERATION_NOT_INITIALIZED;
    if (rv == CKR_OK)
        rv = slot_rv(module, &slot, token_read_tries(slot.reader, slot.kind, module_err()));
    if (rv == CKR_OK && slot.token->tries_known && slot.token->tries == 0)
        rv = CKR_PIN_LOCKED;
    if (rv != CKR_OK)
        return rv;
    bool some_spent = slot.token->tries_known && slot.token->tries < card_pin_tries_max(token_rows[slot.kind].pin);
    asked->prompt = (struct prompt) { .what = what,
                                      .kind = slot.kind,
                                      .tries = some_spent ? slot.token->tries : PROMPT_ALL_TRIES,
                                      .language = prompt_language() };
    asked->card = slot.reader->info.kind;
    strcpy(asked->pinentry, module->settings.pinentry);
    strcpy(asked->serial, slot.reader->info.serial);
    return CKR_OK;
}

CK_RV entry_ask_pin(CK_SESSION_HANDLE handle, enum prompt_what what, struct secret *pin)
{
    struct module *module;
    struct session *session;
    struct asked asked;
    struct err err = { 0 };
    CK_RV rv = module_enter_session(handle, &module, &session);
    if (rv == CKR_OK)
        rv = module_leave(module, prepare(module, session, what, &asked));
    if (rv != CKR_OK)
        return rv;
    prompt_program(asked.program, sizeof(asked.program));
    asked.prompt.program = asked.program;
    asked.prompt.serial = asked.serial;
    for (int i = 0; i < ASKS_MAX; i++) {
        enum rc rc = prompt_ask(asked.pinentry, &asked.prompt, pin, &err);
        if (rc == RC_RANGE)
            rc = RC_OK; /* and what is there is no PIN */
        else if (rc)
            return rc == RC_UNSUPPORTED ? CKR_FUNCTION_FAILED : ckr_of_rc(rc);
        enum card_pin which = token_rows[asked.prompt.kind].pin;
        if (!(what == PROMPT_NEW ? card_pin_check_new(asked.card, which, pin) : card_pin_check(asked.card, which, pin)))
            return CKR_OK;
        secret_wipe(pin);
        asked.prompt.again = true;
    }
    return CKR_PIN_INVALID;
}

/* Lengths have a code of their own; whether the characters fit is the card's rule. */
static CK_RV check_lengths(const struct slot *slot, CK_ULONG old_len, CK_ULONG new_len)
{
    CK_RV rv = slot_check_pin_length(slot, old_len);
    return rv == CKR_OK ? slot_check_pin_length(slot, new_len) : rv;
}

static CK_RV change(struct module *module, const struct slot *slot, const struct secret *old, const struct secret *fresh)
{
    bool was_in = slot->token->logged_in;
    enum rc rc = token_change_pin(slot->reader, slot->kind, old, fresh, module_err());
    if (was_in && !slot->token->logged_in)
        slot_logout(module, slot); /* and what needed the login */
    return slot_rv(module, slot, rc);
}

static CK_RV ask_both(CK_SESSION_HANDLE handle, struct secret *old, struct secret *fresh)
{
    CK_RV rv = entry_ask_pin(handle, PROMPT_OLD, old);
    return rv == CKR_OK ? entry_ask_pin(handle, PROMPT_NEW, fresh) : rv;
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
    bool ask = !old_pin && !new_pin;
    if (!ask && (!old_pin || !new_pin))
        return module_leave(module, CKR_ARGUMENTS_BAD);
    if (!(session->flags & CKF_RW_SESSION))
        return module_leave(module, CKR_SESSION_READ_ONLY);
    if (ask) {
        rv = slot_of_session(module, &session, true, &slot);
        if (rv == CKR_OK && entry_has_pad(module, &slot, TRANSPORT_PAD_VERIFY | TRANSPORT_PAD_CHANGE))
            return module_leave(module, change(module, &slot, NULL, NULL));
        if (rv != CKR_OK)
            return module_leave(module, rv);
        (void)module_leave(module, CKR_OK);
        rv = ask_both(handle, &old, &fresh);
        if (rv == CKR_OK)
            rv = module_enter_session(handle, &module, &session);
        if (rv != CKR_OK)
            goto out;
        old_len = old.len;
        new_len = fresh.len;
    }
    rv = slot_of_session(module, &session, true, &slot);
    if (rv == CKR_OK)
        rv = check_lengths(&slot, old_len, new_len);
    if (rv == CKR_OK && !ask)
        rv = ckr_of_rc(secret_dup(&old, old_pin, old_len));
    if (rv == CKR_OK && !ask)
        rv = ckr_of_rc(secret_dup(&fresh, new_pin, new_len));
    if (rv == CKR_OK)
        rv = change(module, &slot, &old, &fresh);
    rv = module_leave(module, rv);
out:
    secret_wipe(&old);
    secret_wipe(&fresh);
    return rv;
}

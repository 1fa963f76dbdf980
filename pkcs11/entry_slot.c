/* entry_slot.c — slots, tokens and mechanisms: PKCS#11 §5.5. None of these sends a command to a card that was seen
 * before: applications call them all the time. */
#include "pkcs11/entry.h"

#include <string.h>


CK_RV C_GetSlotList(unsigned char token_present, CK_SLOT_ID_PTR list, CK_ULONG_PTR count)
{
    struct module *module;
    CK_RV rv = module_enter(&module);
    if (rv != CKR_OK)
        return rv;
    if (!count)
        return module_leave(module, CKR_ARGUMENTS_BAD);
    if (token_present)
        rv = slot_look_all(module);
    else
        slot_refresh(module);
    if (rv != CKR_OK)
        return module_leave(module, rv);
    CK_SLOT_ID found[MODULE_READERS_MAX * TOKEN_KINDS];
    CK_ULONG wanted = 0, space = *count;
    for (size_t i = 0; i < module->reader_count * TOKEN_KINDS; i++) {
        struct slot slot;
        if (slot_find(module, i, &slot) != CKR_OK || !slot.reader->listed)
            continue;
        if (!token_present || slot_content(&slot) == READER_JPKI)
            found[wanted++] = i;
    }
    *count = wanted;
    if (list && space < wanted)
        return module_leave(module, CKR_BUFFER_TOO_SMALL);
    if (list)
        memcpy(list, found, wanted * sizeof(found[0]));
    return module_leave(module, CKR_OK);
}

CK_RV C_GetSlotInfo(CK_SLOT_ID id, CK_SLOT_INFO_PTR info)
{
    struct module *module;
    struct slot slot;
    CK_RV rv = module_enter(&module);
    if (rv != CKR_OK)
        return rv;
    if (!info)
        return module_leave(module, CKR_ARGUMENTS_BAD);
    rv = slot_look(module, id, &slot);
    if (rv != CKR_OK)
        return module_leave(module, rv);
    *info = (CK_SLOT_INFO) { .flags = CKF_REMOVABLE_DEVICE | CKF_HW_SLOT };
    /* A card of another kind is no token of ours: applications that wait for one should not wait for it. */
    if (slot_content(&slot) == READER_JPKI)
        info->flags |= CKF_TOKEN_PRESENT;
    entry_pad(info->slotDescription, sizeof(info->slotDescription), slot.reader->known.name);
    entry_pad(info->manufacturerID, sizeof(info->manufacturerID), "open-jpki");
    return module_leave(module, CKR_OK);
}

static CK_FLAGS pin_flags(const struct slot *slot)
{
    const struct token *token = slot->token;
    CK_FLAGS flags = token->pin_absent ? 0 : CKF_USER_PIN_INITIALIZED;
    if (!token->tries_known)
        return flags;
    if (token->tries < card_pin_tries_max(token_rows[slot->kind].pin))
        flags |= CKF_USER_PIN_COUNT_LOW;
    if (token->tries == 1)
        flags |= CKF_USER_PIN_FINAL_TRY;
    if (token->tries == 0)
        flags |= CKF_USER_PIN_LOCKED;
    return flags;
}

CK_RV C_GetTokenInfo(CK_SLOT_ID id, CK_TOKEN_INFO_PTR info)
{
    struct module *module;
    struct slot slot;
    CK_RV rv = module_enter(&module);
    if (rv != CKR_OK)
        return rv;
    if (!info)
        return module_leave(module, CKR_ARGUMENTS_BAD);
    rv = slot_find_token(module, id, &slot);
    if (rv == CKR_OK)
        rv = slot_read_info(module, &slot, module->kinds);
    if (rv != CKR_OK)
        return module_leave(module, rv);
    const struct token_row *row = &token_rows[slot.kind];
    const struct card_pin_rule *rule = card_pin_rule(slot.reader->info.kind, row->pin);
    *info = (CK_TOKEN_INFO) {
        .flags = CKF_WRITE_PROTECTED | CKF_LOGIN_REQUIRED | CKF_TOKEN_INITIALIZED | pin_flags(&slot),
        .ulMaxSessionCount = CK_EFFECTIVELY_INFINITE,
        .ulSessionCount = session_count(&module->sessions, id, 0),
        .ulMaxRwSessionCount = CK_EFFECTIVELY_INFINITE,
        .ulRwSessionCount = session_count(&module->sessions, id, CKF_RW_SESSION),
        .ulMaxPinLen = rule->most,
        .ulMinPinLen = rule->least,
        .ulTotalPublicMemory = CK_UNAVAILABLE_INFORMATION,
        .ulFreePublicMemory = CK_UNAVAILABLE_INFORMATION,
        .ulTotalPrivateMemory = CK_UNAVAILABLE_INFORMATION,
        .ulFreePrivateMemory = CK_UNAVAILABLE_INFORMATION,
    };
    if (module->settings.prompt != SETTINGS_PROMPT_OFF || entry_has_pad(module, &slot, TRANSPORT_PAD_VERIFY))
        info->flags |= CKF_PROTECTED_AUTHENTICATION_PATH;
    entry_pad(info->label, sizeof(info->label),
              module_has_official_labels(module) ? slot.reader->info.label : row->label);
    entry_pad(info->manufacturerID, sizeof(info->manufacturerID), "JPKI");
    entry_pad(info->model, sizeof(info->model), slot.reader->info.model);
    entry_pad(info->serialNumber, sizeof(info->serialNumber), slot.reader->serial);
    entry_pad(info->utcTime, sizeof(info->utcTime), ""); /* no clock */
    return module_leave(module, CKR_OK);
}

static bool take_event(struct module *module, CK_SLOT_ID_PTR id)
{
    for (size_t i = 0; i < module->reader_count * TOKEN_KINDS; i++) {
        struct slot slot;
        if (slot_find(module, i, &slot) == CKR_OK && slot.token->event) {
            slot.token->event = false;
            *id = i;
            return true;
        }
    }
    return false;
}

CK_RV C_WaitForSlotEvent(CK_FLAGS flags, CK_SLOT_ID_PTR id, void *reserved)
{
    struct module *module;
    CK_RV rv = module_enter(&module);
    if (rv == CKR_OK && (!id || reserved))
        return module_leave(module, CKR_ARGUMENTS_BAD);
    while (rv == CKR_OK) {
        slot_refresh(module);
        if (take_event(module, id))
            return module_leave(module, CKR_OK);
        if (flags & CKF_DONT_BLOCK)
            return module_leave(module, CKR_NO_EVENT);
        rv = module_wait(module);
    }
    return rv;
}

CK_RV C_GetMechanismList(CK_SLOT_ID id, CK_MECHANISM_TYPE_PTR list, CK_ULONG_PTR count)
{
    struct module *module;
    struct slot slot;
    CK_RV rv = module_enter(&module);
    if (rv != CKR_OK)
        return rv;
    if (!count)
        return module_leave(module, CKR_ARGUMENTS_BAD);
    rv = slot_find_token(module, id, &slot);
    if (rv == CKR_OK)
        rv = slot_read_info(module, &slot, 0); /* which kind of card it is */
    if (rv == CKR_OK)
        rv = slot_rv(module, &slot, token_probe_pss(slot.reader, slot.kind, module_err()));
    if (rv == CKR_OK)
        rv = mechanism_list(reader_mechanisms(slot.reader), list, count);
    return module_leave(module, rv);
}

CK_RV C_GetMechanismInfo(CK_SLOT_ID id, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO_PTR info)
{
    struct module *module;
    struct slot slot;
    CK_RV rv = module_enter(&module);
    if (rv != CKR_OK)
        return rv;
    if (!info)
        return module_leave(module, CKR_ARGUMENTS_BAD);
    rv = slot_find_token(module, id, &slot);
    const struct mechanism *mechanism = mechanism_find(type, MECHANISM_CARD_PSS);
    if (rv == CKR_OK && !(mechanism && mechanism->padding == MECHANISM_NONE))
        rv = slot_read_info(module, &slot, 0);
    if (rv == CKR_OK && mechanism && mechanism->padding == MECHANISM_PSS)
        rv = slot_rv(module, &slot, token_probe_pss(slot.reader, slot.kind, module_err()));
    if (rv != CKR_OK)
        return module_leave(module, rv);
    mechanism = mechanism_find(type, reader_mechanisms(slot.reader));
    if (!mechanism)
        return module_leave(module, CKR_MECHANISM_INVALID);
    mechanism_info(mechanism, reader_rsa_bits(slot.reader, slot.kind), info);
    return module_leave(module, CKR_OK);
}

/* slot.c — readers as slots: what is in them, and what becomes of sessions when that changes. */
#include "pkcs11/slot.h"

#include "pkcs11/ckr.h"

#include <string.h>

static CK_SLOT_ID slot_id(const struct module *module, const struct reader *reader, enum token_kind kind)
{
    return (CK_SLOT_ID)(reader - module->readers) * TOKEN_KINDS + (CK_SLOT_ID)kind;
}

/* The card is away, or it is another one: nothing of it is left. What another thread works with is its to forget. */
static void lose_card(struct module *module, struct reader *reader, enum reader_content content)
{
    for (enum token_kind kind = TOKEN_AUTH; kind < TOKEN_KINDS; kind++)
        session_close_slot(&module->sessions, slot_id(module, reader, kind));
    if (reader->busy && !module_holds(reader))
        reader->lost = true;
    else
        reader_forget(reader, content);
}

static void update_reader(struct module *module, struct reader *reader, const struct transport_reader *now)
{
    bool changed = reader->known.state != now->state || reader->known.card_present != now->card_present;
    reader->listed = true;
    if (!changed)
        return;
    lose_card(module, reader, now->card_present ? READER_NEW : READER_EMPTY);
    if (!reader->lost)
        reader->orphaned = false; /* the card lost its power with its place */
    if (now->card_present)
        reader->epoch = module_draw_epoch(module);
    if (now->card_present || reader->known.card_present)
        for (enum token_kind kind = TOKEN_AUTH; kind < TOKEN_KINDS; kind++)
            reader->tokens[kind].event = true;
    reader->known = *now;
}

static struct reader *find_reader(struct module *module, const char *name)
{
    for (size_t i = 0; i < module->reader_count; i++)
        if (strcmp(module->readers[i].known.name, name) == 0)
            return &module->readers[i];
    if (module->reader_count == MODULE_READERS_MAX)
        return NULL;
    struct reader *made = &module->readers[module->reader_count++];
    *made = (struct reader) { 0 };
    strcpy(made->known.name, name);
    return made;
}

void slot_refresh(struct module *module)
{
    struct transport_reader now[MODULE_READERS_MAX];
    size_t count = 0;
    struct err err = { 0 };
    if (transport_list(module->transport, now, MODULE_READERS_MAX, &count, &err))
        count = 0; /* no service is no reader */
    for (size_t i = 0; i < module->reader_count; i++)
        module->readers[i].listed = false;
    for (size_t i = 0; i < count; i++) {
        struct reader *reader = find_reader(module, now[i].name);
        if (reader)
            update_reader(module, reader, &now[i]);
    }
    for (size_t i = 0; i < module->reader_count; i++) {
        struct reader *reader = &module->readers[i];
        if (!reader->listed) {
            struct transport_reader gone = reader->known;
            gone.card_present = false;
            update_reader(module, reader, &gone);
            reader->listed = false;
        }
    }
}

static bool is_new(const struct reader *reader)
{
    return reader->listed && reader->known.card_present && (reader->content == READER_NEW || reader->lost);
}

/* Asks the card of a reader that this thread holds what it is, if that is not known. */
static void recognise(struct module *module, struct reader *reader)
{
    struct err err = { 0 };
    if (is_new(reader) && reader_recognise(reader, module->transport, &err))
        (void)err_set(module_err(), err.rc, "%s", err.text);
}

enum reader_content slot_content(const struct slot *slot)
{
    const struct reader *reader = slot->reader;
    if (reader->lost)
        return reader->known.card_present ? READER_NEW : READER_EMPTY;
    return reader->content == READER_JPKI && !reader_has(reader, slot->kind) ? READER_EMPTY : reader->content;
}

CK_RV slot_find(struct module *module, CK_SLOT_ID id, struct slot *slot)
{
    if (id / TOKEN_KINDS >= module->reader_count || !(module->kinds & 1u << id % TOKEN_KINDS))
        return CKR_SLOT_ID_INVALID;
    struct reader *reader = &module->readers[id / TOKEN_KINDS];
    *slot = (struct slot) { id, (enum token_kind)(id % TOKEN_KINDS), reader, &reader->tokens[id % TOKEN_KINDS] };
    return CKR_OK;
}

static CK_RV recognise_held(struct module *module, struct reader *reader)
{
    if (!is_new(reader))
        return CKR_OK;
    CK_RV rv = module_hold(module, reader);
    if (rv == CKR_OK)
        recognise(module, reader);
    module_release(module);
    return rv;
}

CK_RV slot_look(struct module *module, CK_SLOT_ID id, struct slot *slot)
{
    slot_refresh(module);
    CK_RV rv = slot_find(module, id, slot);
    return rv == CKR_OK ? recognise_held(module, slot->reader) : rv;
}

CK_RV slot_look_all(struct module *module)
{
    CK_RV rv = CKR_OK;
    slot_refresh(module);
    for (size_t i = 0; i < module->reader_count && rv == CKR_OK; i++)
        rv = recognise_held(module, &module->readers[i]);
    return rv;
}

CK_RV slot_find_token(struct module *module, CK_SLOT_ID id, struct slot *slot)
{
    slot_refresh(module);
    CK_RV rv = slot_find(module, id, slot);
    if (rv == CKR_OK)
        rv = module_hold(module, slot->reader);
    if (rv == CKR_OK)
        recognise(module, slot->reader);
    if (rv != CKR_OK || slot_content(slot) == READER_JPKI)
        return rv;
    return slot_content(slot) == READER_FOREIGN ? CKR_TOKEN_NOT_RECOGNIZED : CKR_TOKEN_NOT_PRESENT;
}

CK_RV slot_read_info(struct module *module, const struct slot *slot, unsigned kinds)
{
    CK_RV rv = slot_rv(module, slot, reader_read_info(slot->reader, kinds, module_err()));
    return rv == CKR_OK && !reader_has(slot->reader, slot->kind) ? CKR_TOKEN_NOT_PRESENT : rv;
}

CK_RV slot_check_pin_length(const struct slot *slot, CK_ULONG len)
{
    const struct card_pin_rule *rule = card_pin_rule(slot->reader->info.kind, token_rows[slot->kind].pin);
    return len >= rule->least && len <= rule->most ? CKR_OK : CKR_PIN_LEN_RANGE;
}

CK_RV slot_of_session(struct module *module, struct session **session, bool look, struct slot *slot)
{
    CK_SESSION_HANDLE handle = (*session)->handle;
    if (slot_find(module, (*session)->slot, slot) != CKR_OK)
        return CKR_SESSION_HANDLE_INVALID;
    CK_RV rv = module_hold(module, slot->reader);
    if (rv != CKR_OK)
        return rv;
    if (look)
        slot_refresh(module);
    *session = session_find(&module->sessions, handle);
    return *session ? CKR_OK : CKR_DEVICE_REMOVED;
}

CK_RV slot_rv(struct module *module, const struct slot *slot, enum rc rc)
{
    if (rc == RC_CARD_GONE || rc == RC_READER_GONE) {
        lose_card(module, slot->reader, READER_NEW);
        slot->reader->epoch = module_draw_epoch(module); /* should it answer again, it is looked at afresh */
    }
    return ckr_of_rc(rc);
}

CK_OBJECT_HANDLE slot_object_handle(const struct slot *slot, size_t row)
{
    return object_handle(object_rows[row].private ? slot->token->login_epoch : slot->reader->epoch, row);
}

const struct object_row *slot_find_object(const struct slot *slot, CK_OBJECT_HANDLE handle)
{
    for (size_t i = 0; i < object_row_count; i++) {
        if (object_rows[i].token != slot->kind || (object_rows[i].private && !slot->token->logged_in))
            continue;
        if (slot_object_handle(slot, i) == handle)
            return &object_rows[i];
    }
    return NULL;
}

void slot_logout(struct module *module, const struct slot *slot)
{
    token_logout(slot->token);
    reader_let_go(slot->reader); /* and with it what the card holds; another token's PIN is presented again when it is used */
    session_end_private(&module->sessions, slot->id);
}

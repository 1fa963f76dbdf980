/* entry_object.c — searches and attributes: PKCS#11 §5.7. */
#include "pkcs11/attribute.h"
#include "pkcs11/entry.h"

#include <stdio.h>

static bool template_is_bad(const CK_ATTRIBUTE *template, CK_ULONG count)
{
    return count && (!template || count > 4096);
}

static const struct certificate *certificate_of(const struct slot *slot, const struct object_row *row)
{
    bool read = object_is_of_certificate(row) && slot->reader->cert_states[row->cert] == CERT_READ;
    return read ? &slot->reader->certs[row->cert] : NULL;
}

/* What is known now, without a command. */
static struct attribute_facts facts_of(const struct module *module, const struct slot *slot,
                                       const struct object_row *row)
{
    struct attribute_facts facts = { .certificate = certificate_of(slot, row),
                                     .rsa = reader_is_rsa(slot->reader),
                                     .always_authenticate = module_always_authenticates(module, slot->kind),
                                     .token_info = bytes_of(slot->reader->info.file, sizeof(slot->reader->info.file)),
                                     .tries = CK_UNAVAILABLE_INFORMATION,
                                     .tries_max = card_pin_tries_max(token_rows[slot->kind].pin) };
    if (module_has_official_labels(module) && row->class == CKO_CERTIFICATE && row->category == OBJECT_CATEGORY_USER)
        facts.label = "USERCERT";
    if (slot->token->tries_known && slot->token->tries < 100) {
        facts.tries = slot->token->tries;
        (void)snprintf(facts.tries_text, sizeof(facts.tries_text), "%u", slot->token->tries % 100);
    }
    return facts;
}

static bool needs_certificate(const struct object_row *row, const struct attribute_facts *facts,
                              const CK_ATTRIBUTE *template, CK_ULONG count)
{
    for (CK_ULONG i = 0; i < count; i++)
        if (!attribute_is_fixed(row, facts, template[i].type))
            return true;
    return false;
}

/* Reads what is wanted of the card. A card that does not take the PIN any more logs the user out and is no error here:
 * private objects are not to be seen then. */
static CK_RV read_certs(struct module *module, const struct slot *slot, unsigned certs)
{
    enum rc rc = certs ? token_read_certs(slot->reader, certs, module_err()) : RC_OK;
    if (rc != RC_PIN_NEEDED)
        return slot_rv(module, slot, rc);
    slot_logout(module, slot);
    return CKR_OK;
}

/* Those rows that may be seen in the slot as it is now. */
static bool is_shown(const struct slot *slot, const struct object_row *row)
{
    if (row->token != slot->kind || (row->private && !slot->token->logged_in))
        return false;
    /* A telephone shows its certificates after login only: its authentication token is no public certificates token. */
    return row->class != CKO_PROFILE || row->category != CKP_PUBLIC_CERTIFICATES_TOKEN
        || slot->reader->info.kind == CARD_KIND_MYNUMBER;
}

/* Profiles and data are told from the card's token information. */
static CK_RV read_info_for(struct module *module, const struct slot *slot, const CK_ATTRIBUTE *template, CK_ULONG count)
{
    for (size_t i = 0; i < object_row_count; i++) {
        const struct object_row *row = &object_rows[i];
        struct attribute_facts facts = facts_of(module, slot, row);
        if (row->token == slot->kind && (row->class == CKO_PROFILE || row->class == CKO_DATA)
            && attribute_match(row, &facts, true, template, count))
            return slot_rv(module, slot, reader_read_info(slot->reader, 0, module_err()));
    }
    return CKR_OK;
}

/* First by what the rows say, so that the card is read only for objects that may be meant; then by the rest. Certificates
 * and public keys exist when the certificate does. */
static CK_RV search(struct module *module, const struct slot *slot, const CK_ATTRIBUTE *template, CK_ULONG count,
                    struct session_search *found)
{
    unsigned rows = 0, reading = 0, certs = 0;
    CK_RV rv = read_info_for(module, slot, template, count);
    if (rv != CKR_OK)
        return rv;
    for (size_t i = 0; i < object_row_count; i++) {
        const struct object_row *row = &object_rows[i];
        struct attribute_facts facts = facts_of(module, slot, row);
        if (!is_shown(slot, row) || !attribute_match(row, &facts, true, template, count))
            continue;
        rows |= 1u << i;
        if (!object_is_of_certificate(row)
            || (row->class == CKO_PRIVATE_KEY && !needs_certificate(row, &facts, template, count)))
            continue;
        reading |= 1u << i;
        certs |= 1u << row->cert;
    }
    rv = read_certs(module, slot, certs);
    if (rv != CKR_OK)
        return rv;
    for (size_t i = 0; i < object_row_count; i++) {
        const struct object_row *row = &object_rows[i];
        struct attribute_facts facts = facts_of(module, slot, row);
        if (!(rows & 1u << i) || !is_shown(slot, row))
            continue;
        if ((reading & 1u << i) && (!facts.certificate || !attribute_match(row, &facts, false, template, count)))
            continue;
        if (object_is_of_certificate(row) && slot->reader->cert_states[row->cert] == CERT_ABSENT)
            continue;
        found->found[found->count++] = slot_object_handle(slot, i);
    }
    return CKR_OK;
}

CK_RV C_FindObjectsInit(CK_SESSION_HANDLE handle, CK_ATTRIBUTE_PTR template, CK_ULONG count)
{
    struct module *module;
    struct session *session;
    struct slot slot;
    CK_RV rv = module_enter_session(handle, &module, &session);
    if (rv != CKR_OK)
        return rv;
    if (template_is_bad(template, count))
        return module_leave(module, CKR_ARGUMENTS_BAD);
    for (CK_ULONG i = 0; i < count; i++)
        if (!template[i].pValue && template[i].ulValueLen)
            return module_leave(module, CKR_ATTRIBUTE_VALUE_INVALID);
    if (session->search.active)
        return module_leave(module, CKR_OPERATION_ACTIVE);
    rv = slot_of_session(module, &session, true, &slot);
    if (rv != CKR_OK)
        return module_leave(module, rv);
    struct session_search found = { .active = true };
    rv = search(module, &slot, template, count, &found);
    if (rv == CKR_OK)
        rv = module_find_session(module, handle, &session);
    if (rv == CKR_OK && session->search.active)
        rv = CKR_OPERATION_ACTIVE;
    if (rv == CKR_OK)
        session->search = found;
    return module_leave(module, rv);
}

CK_RV C_FindObjects(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE_PTR objects, CK_ULONG max, CK_ULONG_PTR count)
{
    struct module *module;
    struct session *session;
    CK_RV rv = module_enter_session(handle, &module, &session);
    if (rv != CKR_OK)
        return rv;
    if (!count || (max && !objects))
        return module_leave(module, CKR_ARGUMENTS_BAD);
    struct session_search *found = &session->search;
    if (!found->active)
        return module_leave(module, CKR_OPERATION_NOT_INITIALIZED);
    CK_ULONG told = 0;
    while (told < max && found->next < found->count)
        objects[told++] = found->found[found->next++];
    *count = told;
    return module_leave(module, CKR_OK);
}

CK_RV C_FindObjectsFinal(CK_SESSION_HANDLE handle)
{
    struct module *module;
    struct session *session;
    CK_RV rv = module_enter_session(handle, &module, &session);
    if (rv != CKR_OK)
        return rv;
    rv = session->search.active ? CKR_OK : CKR_OPERATION_NOT_INITIALIZED;
    session->search = (struct session_search) { 0 };
    return module_leave(module, rv);
}

CK_RV C_GetAttributeValue(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_PTR template, CK_ULONG count)
{
    struct module *module;
    struct session *session;
    struct slot slot;
    CK_RV rv = module_enter_session(handle, &module, &session);
    if (rv != CKR_OK)
        return rv;
    if (template_is_bad(template, count))
        return module_leave(module, CKR_ARGUMENTS_BAD);
    rv = slot_of_session(module, &session, false, &slot);
    if (rv != CKR_OK)
        return module_leave(module, rv);
    const struct object_row *row = slot_find_object(&slot, object);
    if (!row)
        return module_leave(module, CKR_OBJECT_HANDLE_INVALID);
    struct attribute_facts facts = facts_of(module, &slot, row);
    if (object_is_of_certificate(row) && needs_certificate(row, &facts, template, count))
        rv = read_certs(module, &slot, 1u << row->cert);
    else if (row->class == CKO_DATA && row->category == OBJECT_DATA_TRIES)
        rv = slot_rv(module, &slot, token_read_tries(slot.reader, slot.kind, module_err()));
    if (rv == CKR_OK && !is_shown(&slot, row))
        rv = CKR_OBJECT_HANDLE_INVALID;
    facts = facts_of(module, &slot, row);
    if (rv == CKR_OK)
        rv = attribute_fill(row, &facts, template, count);
    return module_leave(module, rv);
}

CK_RV C_GetObjectSize(CK_SESSION_HANDLE handle, CK_OBJECT_HANDLE object, CK_ULONG_PTR size)
{
    struct module *module;
    struct session *session;
    struct slot slot;
    CK_RV rv = module_enter_session(handle, &module, &session);
    if (rv != CKR_OK)
        return rv;
    if (!size)
        return module_leave(module, CKR_ARGUMENTS_BAD);
    rv = slot_of_session(module, &session, false, &slot);
    if (rv != CKR_OK)
        return module_leave(module, rv);
    const struct object_row *row = slot_find_object(&slot, object);
    if (!row)
        return module_leave(module, CKR_OBJECT_HANDLE_INVALID);
    if (object_is_of_certificate(row))
        rv = read_certs(module, &slot, 1u << row->cert);
    struct attribute_facts facts = facts_of(module, &slot, row);
    if (rv == CKR_OK)
        *size = attribute_size(row, &facts);
    return module_leave(module, rv);
}

/* slot.h — slots: two for each reader (one in a build that shows one token), numbered by the reader's place so that a
 * number means the same slot for as long as the module is in use. */
#ifndef JPKI_PKCS11_SLOT_H
#define JPKI_PKCS11_SLOT_H

#include "pkcs11/module.h"

struct slot {
    CK_SLOT_ID id;
    enum token_kind kind;
    struct reader *reader; /* borrowed, as long as the module is held */
    struct token *token;
};

/* Looks at the readers through the PC/SC service, without a word to any card; what was taken out is forgotten, its
 * sessions are closed. A reader that another thread works with is forgotten when it is done. */
void slot_refresh(struct module *module);

/* What is in the reader, as of the last look; of a card that has no token for the slot: READER_EMPTY. */
enum reader_content slot_content(const struct slot *slot);

/* CKR_SLOT_ID_INVALID. */
CK_RV slot_find(struct module *module, CK_SLOT_ID id, struct slot *slot);

/* slot_refresh and slot_find; a card that was not seen before is asked what it is, once. No reader is held when it returns. */
CK_RV slot_look(struct module *module, CK_SLOT_ID id, struct slot *slot);

/* The same for each reader. */
CK_RV slot_look_all(struct module *module);

/* slot_look with a token in it; its reader is held. CKR_TOKEN_NOT_PRESENT, CKR_TOKEN_NOT_RECOGNIZED. */
CK_RV slot_find_token(struct module *module, CK_SLOT_ID id, struct slot *slot);

/* For a call with a session: the session's slot, its reader held. With look, the readers are looked at first.
 * CKR_DEVICE_REMOVED: the card is away and the session was closed; so it is too when another thread closed it meanwhile. */
CK_RV slot_of_session(struct module *module, struct session **session, bool look, struct slot *slot);

/* reader_read_info; CKR_TOKEN_NOT_PRESENT: the card turns out to have no token for the slot. */
CK_RV slot_read_info(struct module *module, const struct slot *slot, unsigned kinds);

/* Whether the card's PIN can have that length; of a card whose kind was not asked, a My Number card's. CKR_PIN_LEN_RANGE. */
CK_RV slot_check_pin_length(const struct slot *slot, CK_ULONG len);

/* What an rc from the card means to the caller; a card that is gone is forgotten, its sessions are closed. */
CK_RV slot_rv(struct module *module, const struct slot *slot, enum rc rc);

/* Whether the user is no longer or not yet logged in and the object therefore not there; the row that a handle names. NULL:
 * no such object now. */
const struct object_row *slot_find_object(const struct slot *slot, CK_OBJECT_HANDLE handle);

/* The handle of a row in this slot now. */
CK_OBJECT_HANDLE slot_object_handle(const struct slot *slot, size_t row);

/* Logs the user out of the token and ends what needed the login. */
void slot_logout(struct module *module, const struct slot *slot);

#endif

/* entry.h — what the entry functions share. They check arguments, take the lock, and call the rooms. */
#ifndef JPKI_PKCS11_ENTRY_H
#define JPKI_PKCS11_ENTRY_H

#include "pkcs11/prompt.h"
#include "pkcs11/slot.h"

/* Fills a fixed field with text, blank padded, cut at a character's boundary. */
void entry_pad(unsigned char *field, size_t len, const char *text);

/* Refuses a call that has a session: CKR_CRYPTOKI_NOT_INITIALIZED and CKR_SESSION_HANDLE_INVALID come first. */
CK_RV entry_refuse(CK_SESSION_HANDLE session, CK_RV why);

/* Whether the PIN is typed on the slot's reader: it has a key pad that can do what is wanted (bits of enum transport_pads), and
 * the settings allow it. */
bool entry_has_pad(const struct module *module, const struct slot *slot, unsigned wanted);

/* Asks the person for the PIN of the session's token (settings: prompt), the module not being held meanwhile: other threads
 * go on. Nobody is asked when the answer could not be used. CKR_ARGUMENTS_BAD: prompts are off. CKR_FUNCTION_CANCELED: the
 * person declined. CKR_USER_ALREADY_LOGGED_IN, CKR_PIN_LOCKED, CKR_PIN_INVALID (three times no PIN), CKR_FUNCTION_FAILED. */
CK_RV entry_ask_pin(CK_SESSION_HANDLE session, enum prompt_what what, struct secret *pin);

#endif

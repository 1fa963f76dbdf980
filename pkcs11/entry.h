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

/* --- operations: entry_operation.c ------------------------------------------------------------------------------------------- */

enum entry_kind { ENTRY_SIGN, ENTRY_VERIFY, ENTRY_DIGEST };

struct operation *entry_operation(struct session *session, enum entry_kind kind);

/* A NULL mechanism ends what is active (PKCS#11 3.0 §5.13.1). CKR_ARGUMENTS_BAD: nothing was. */
CK_RV entry_cancel(struct operation *operation);

/* Makes the answer of what was collected; there is room for it. Whatever comes of it, the operation is over. */
typedef CK_RV (*entry_make_fn)(struct module *module, struct session *session, CK_BYTE *out, CK_ULONG *out_len);

/* C_…Update; C_Sign and C_Digest; C_…Final: with the two-call length rule. */
CK_RV entry_update(CK_SESSION_HANDLE handle, enum entry_kind kind, const CK_BYTE *part, CK_ULONG part_len);
CK_RV entry_whole(CK_SESSION_HANDLE handle, enum entry_kind kind, const CK_BYTE *data, CK_ULONG data_len, CK_BYTE *out,
                  CK_ULONG *out_len, entry_make_fn make);
CK_RV entry_final(CK_SESSION_HANDLE handle, enum entry_kind kind, CK_BYTE *out, CK_ULONG *out_len, entry_make_fn make);

#endif

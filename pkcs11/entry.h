/* entry.h — what the entry functions share. They check arguments, take the lock, and call the rooms. */
#ifndef JPKI_PKCS11_ENTRY_H
#define JPKI_PKCS11_ENTRY_H

#include "pkcs11/slot.h"

/* Fills a fixed field with text, blank padded, cut at a character's boundary. */
void entry_pad(unsigned char *field, size_t len, const char *text);

/* Refuses a call that has a session: CKR_CRYPTOKI_NOT_INITIALIZED and CKR_SESSION_HANDLE_INVALID come first. */
CK_RV entry_refuse(CK_SESSION_HANDLE session, CK_RV why);

#endif

/* entry.c — what the entry functions share; of operations: entry_operation.c. */
#include "pkcs11/entry.h"

#include <string.h>

void entry_pad(unsigned char *field, size_t len, const char *text)
{
    size_t given = strlen(text);
    if (given > len)
        for (given = len; given > 0 && ((unsigned char)text[given] & 0xC0) == 0x80; given--)
            ;
    memset(field, ' ', len);
    memcpy(field, text, given);
}

CK_RV entry_refuse(CK_SESSION_HANDLE handle, CK_RV why)
{
    struct module *module;
    struct session *session;
    CK_RV rv = module_enter_session(handle, &module, &session);
    return rv == CKR_OK ? module_leave(module, why) : rv;
}

/* entry_general.c — starting and ending, and what the module says about itself: PKCS#11 §5.4. */
#include "pkcs11/entry.h"

#include <stdio.h>
#include <string.h>

#define LIST_ROW(name) name,

static CK_FUNCTION_LIST list_2_40 = { { 2, 40 }, CRYPTOKI_FUNCTIONS_2_40(LIST_ROW) };
static CK_FUNCTION_LIST_3_0 list_3_0 = { { 3, 0 }, CRYPTOKI_FUNCTIONS_2_40(LIST_ROW) CRYPTOKI_FUNCTIONS_3_0(LIST_ROW) };

static CK_FUNCTION_LIST_3_2 list_3_2 = { { 3, 2 },
                                         CRYPTOKI_FUNCTIONS_2_40(LIST_ROW) CRYPTOKI_FUNCTIONS_3_0(LIST_ROW)
                                             CRYPTOKI_FUNCTIONS_3_2(LIST_ROW) };

static CK_UTF8CHAR interface_name[] = "PKCS 11";

/* The first is the default: each list begins with the whole of the one below it, so that who takes it for an older one is
 * served too. None is fork safe in the standard's sense, that sessions and logins live on in the child: the PIN is not
 * inherited, a card has one user at a time, and the child starts anew. */
static CK_INTERFACE interfaces[] = {
    { interface_name, &list_3_2, 0 },
    { interface_name, &list_3_0, 0 },
    { interface_name, &list_2_40, 0 },
};

#define INTERFACES (sizeof(interfaces) / sizeof(interfaces[0]))

CK_RV C_Initialize(void *args)
{
    return module_open(args);
}

CK_RV C_Finalize(void *reserved)
{
    return reserved ? CKR_ARGUMENTS_BAD : module_close();
}

CK_RV C_GetInfo(CK_INFO_PTR info)
{
    struct module *module;
    CK_RV rv = module_enter(&module);
    if (rv != CKR_OK)
        return rv;
    if (!info)
        return module_leave(module, CKR_ARGUMENTS_BAD);
    int major = 0, minor = 0;
    (void)sscanf(JPKI_VERSION, "%d.%d", &major, &minor);
    *info = (CK_INFO) { .cryptokiVersion = { 3, 2 }, .libraryVersion = { (unsigned char)major, (unsigned char)minor } };
    entry_pad(info->manufacturerID, sizeof(info->manufacturerID), "open-jpki");
    entry_pad(info->libraryDescription, sizeof(info->libraryDescription), "JPKI card");
    return module_leave(module, CKR_OK);
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR list)
{
    if (!list)
        return CKR_ARGUMENTS_BAD;
    *list = &list_2_40;
    return CKR_OK;
}

CK_RV C_GetInterfaceList(CK_INTERFACE_PTR list, CK_ULONG_PTR count)
{
    if (!count)
        return CKR_ARGUMENTS_BAD;
    CK_ULONG space = *count;
    *count = INTERFACES;
    if (!list)
        return CKR_OK;
    if (space < INTERFACES)
        return CKR_BUFFER_TOO_SMALL;
    memcpy(list, interfaces, sizeof(interfaces));
    return CKR_OK;
}

CK_RV C_GetInterface(CK_UTF8CHAR_PTR name, CK_VERSION_PTR version, CK_INTERFACE_PTR_PTR interface, CK_FLAGS flags)
{
    if (!interface)
        return CKR_ARGUMENTS_BAD;
    for (size_t i = 0; i < INTERFACES; i++) {
        const CK_VERSION *offered = interfaces[i].pFunctionList;
        if (name && strcmp((const char *)name, (const char *)interfaces[i].pInterfaceName) != 0)
            continue;
        if (version && (version->major != offered->major || version->minor != offered->minor))
            continue;
        if ((flags & interfaces[i].flags) != flags)
            continue;
        *interface = &interfaces[i];
        return CKR_OK;
    }
    return CKR_FUNCTION_FAILED;
}

/* rows_general.c — function lists, interfaces, starting and ending, what the module says about itself. */
#include "conformance.h"

#include "support/ckr_name.h"

#include <dlfcn.h>
#include <string.h>

/* A list is a version, filled up to the size of a pointer, and function pointers. */
static void no_gap(const void *list, size_t count, const char *name)
{
    void *const *functions = list;
    for (size_t i = 1; i <= count; i++)
        want(functions[i], "function %zu of the list of %s is NULL", i, name);
}

enum { FUNCTIONS_2_40 = 68, FUNCTIONS_3_0 = 92, FUNCTIONS_3_2 = 104 };

static void function_list(struct conform *c)
{
    CK_C_GetFunctionList get = NULL;
    *(void **)&get = dlsym(c->library, "C_GetFunctionList");
    want(c->p11->version.major == 2, "the list of C_GetFunctionList says version %d.%d", c->p11->version.major,
         c->p11->version.minor);
    no_gap(c->p11, FUNCTIONS_2_40, "C_GetFunctionList");
    want_rv(get(NULL), "C_GetFunctionList(NULL)", CKR_ARGUMENTS_BAD);
}

static CK_C_GetInterfaceList interface_list(struct conform *c)
{
    CK_C_GetInterfaceList list = NULL;
    *(void **)&list = dlsym(c->library, "C_GetInterfaceList");
    if (!list)
        conform_skip("no C_GetInterfaceList: a module of version 2");
    return list;
}

static void interfaces(struct conform *c)
{
    CK_INTERFACE rows[32];
    CK_ULONG count = 0, less;
    CK_C_GetInterfaceList list = interface_list(c);
    want_rv(list(NULL, NULL), "C_GetInterfaceList(NULL, NULL)", CKR_ARGUMENTS_BAD);
    want_rv(list(NULL, &count), "C_GetInterfaceList(NULL, &count)", CKR_OK);
    want(count >= 1 && count <= COUNT(rows), "%lu interfaces", count);
    less = count - 1;
    want_rv(list(rows, &less), "C_GetInterfaceList with one too few", CKR_BUFFER_TOO_SMALL);
    want(less == count, "C_GetInterfaceList with one too few says %lu, not %lu", less, count);
    want_rv(list(rows, &count), "C_GetInterfaceList", CKR_OK);
    for (CK_ULONG i = 0; i < count; i++) {
        want(rows[i].pInterfaceName && rows[i].pFunctionList, "interface %lu has no name or no list", i);
        if (strcmp((char *)rows[i].pInterfaceName, "PKCS 11") != 0)
            continue;
        const CK_VERSION *version = rows[i].pFunctionList;
        size_t functions = version->major == 2 ? FUNCTIONS_2_40 : version->minor < 2 ? FUNCTIONS_3_0 : FUNCTIONS_3_2;
        no_gap(rows[i].pFunctionList, functions, version->major == 2 ? "2.40" : version->minor < 2 ? "3.0" : "3.2");
    }
}

static void interface_choice(struct conform *c)
{
    CK_INTERFACE rows[32], *chosen = NULL;
    CK_ULONG count = COUNT(rows);
    CK_C_GetInterface get = NULL;
    CK_VERSION never = { 9, 9 };
    unsigned char other[] = "Vendor of nothing";
    CK_C_GetInterfaceList list = interface_list(c);
    *(void **)&get = dlsym(c->library, "C_GetInterface");
    want(get, "C_GetInterfaceList without C_GetInterface");
    want_rv(list(rows, &count), "C_GetInterfaceList", CKR_OK);
    want_rv(get(NULL, NULL, NULL, 0), "C_GetInterface without a place for the answer", CKR_ARGUMENTS_BAD);
    want_rv(get(NULL, NULL, &chosen, 0), "C_GetInterface of the default", CKR_OK);
    want(chosen && strcmp((char *)chosen->pInterfaceName, "PKCS 11") == 0, "the default is not \"PKCS 11\"");
    for (CK_ULONG i = 0; i < count; i++) {
        CK_VERSION version = *(const CK_VERSION *)rows[i].pFunctionList;
        want_rv(get(rows[i].pInterfaceName, &version, &chosen, rows[i].flags), "C_GetInterface of a listed one",
                CKR_OK);
        want(memcmp(chosen->pFunctionList, &version, sizeof version) == 0, "asked for %d.%d, got another version",
             version.major, version.minor);
        want((chosen->flags & rows[i].flags) == rows[i].flags, "an interface without a flag that was asked for");
    }
    want(get(other, NULL, &chosen, 0) != CKR_OK, "an interface of an unknown name is there");
    want(get(rows[0].pInterfaceName, &never, &chosen, 0) != CKR_OK, "an interface of version 9.9 is there");
}

static void interface_flags(struct conform *c)
{
    CK_INTERFACE *chosen = NULL;
    CK_C_GetInterface get = NULL;
    (void)interface_list(c);
    *(void **)&get = dlsym(c->library, "C_GetInterface");
    want(get, "C_GetInterfaceList without C_GetInterface");
    if (get(NULL, NULL, &chosen, CKF_INTERFACE_FORK_SAFE) == CKR_OK)
        want(chosen->flags & CKF_INTERFACE_FORK_SAFE, "asked for a fork safe interface, got one that is not");
    want(get(NULL, NULL, &chosen, 0x40000000UL) != CKR_OK, "an interface with a flag that does not exist is there");
}

/* --- before C_Initialize
 * ---------------------------------------------------------------------------------------------------- */

static void not_initialised(struct conform *c)
{
    CK_INFO info;
    CK_SLOT_INFO slot;
    CK_TOKEN_INFO token;
    CK_SESSION_INFO session;
    CK_MECHANISM mechanism = { CKM_RSA_PKCS, NULL, 0 };
    CK_ULONG n = 0;
    CK_SESSION_HANDLE handle;
    CK_FUNCTION_LIST *p = c->p11;
    unsigned char pin[] = "";
    const struct {
        const char *name;
        CK_RV rv;
    } rows[] = {
        { "C_Finalize", p->C_Finalize(NULL) },
        { "C_GetInfo", p->C_GetInfo(&info) },
        { "C_GetSlotList", p->C_GetSlotList(CK_FALSE, NULL, &n) },
        { "C_GetSlotInfo", p->C_GetSlotInfo(0, &slot) },
        { "C_GetTokenInfo", p->C_GetTokenInfo(0, &token) },
        { "C_GetMechanismList", p->C_GetMechanismList(0, NULL, &n) },
        { "C_WaitForSlotEvent", p->C_WaitForSlotEvent(CKF_DONT_BLOCK, &n, NULL) },
        { "C_OpenSession", p->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &handle) },
        { "C_CloseSession", p->C_CloseSession(1) },
        { "C_CloseAllSessions", p->C_CloseAllSessions(0) },
        { "C_GetSessionInfo", p->C_GetSessionInfo(1, &session) },
        { "C_Login", p->C_Login(1, CKU_USER, pin, 0) },
        { "C_Logout", p->C_Logout(1) },
        { "C_FindObjectsInit", p->C_FindObjectsInit(1, NULL, 0) },
        { "C_FindObjects", p->C_FindObjects(1, &handle, 1, &n) },
        { "C_FindObjectsFinal", p->C_FindObjectsFinal(1) },
        { "C_SignInit", p->C_SignInit(1, &mechanism, 1) },
        { "C_DigestInit", p->C_DigestInit(1, &mechanism) },
        { "C_GenerateRandom", p->C_GenerateRandom(1, pin, 1) },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        want(rows[i].rv == CKR_CRYPTOKI_NOT_INITIALIZED, "%s before C_Initialize: %s", rows[i].name,
             ckr_name(rows[i].rv));
}

/* --- C_Initialize
 * ----------------------------------------------------------------------------------------------------------- */

static CK_RV mutex_new(void **mutex)
{
    static int one;
    *mutex = &one;
    return CKR_OK;
}
static CK_RV mutex_use(void *mutex)
{
    return mutex ? CKR_OK : CKR_MUTEX_BAD;
}

static CK_C_INITIALIZE_ARGS mutexes(unsigned which, CK_FLAGS flags)
{
    return (CK_C_INITIALIZE_ARGS){ which & 1 ? mutex_new : NULL,
                                   which & 2 ? mutex_use : NULL,
                                   which & 4 ? mutex_use : NULL,
                                   which & 8 ? mutex_use : NULL,
                                   flags,
                                   NULL };
}

static void legal_arguments(struct conform *c)
{
    static const struct {
        const char *name;
        bool args;
        unsigned functions;
        CK_FLAGS flags;
        CK_RV besides; /* what the standard allows instead of CKR_OK */
    } rows[] = {
        { "NULL", false, 0, 0, CKR_OK },
        { "no functions, no flags", true, 0, 0, CKR_OK },
        { "CKF_OS_LOCKING_OK", true, 0, CKF_OS_LOCKING_OK, CKR_CANT_LOCK },
        { "four functions", true, 15, 0, CKR_CANT_LOCK },
        { "four functions and CKF_OS_LOCKING_OK", true, 15, CKF_OS_LOCKING_OK, CKR_CANT_LOCK },
        { "CKF_LIBRARY_CANT_CREATE_OS_THREADS", true, 0, CKF_LIBRARY_CANT_CREATE_OS_THREADS,
          CKR_NEED_TO_CREATE_THREADS },
        { "both flags", true, 0, CKF_OS_LOCKING_OK | CKF_LIBRARY_CANT_CREATE_OS_THREADS, CKR_NEED_TO_CREATE_THREADS },
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CK_ULONG count = 0;
        CK_C_INITIALIZE_ARGS args = mutexes(rows[i].functions, rows[i].flags);
        CK_RV rv = c->p11->C_Initialize(rows[i].args ? &args : NULL);
        want_rv(rv, rows[i].name, CKR_OK, rows[i].besides);
        if (rv != CKR_OK)
            continue;
        want_rv(c->p11->C_GetSlotList(CK_TRUE, NULL, &count), rows[i].name, CKR_OK);
        want_rv(c->p11->C_Finalize(NULL), "C_Finalize", CKR_OK);
    }
}

static void illegal_arguments(struct conform *c)
{
    static const CK_FLAGS flags[] = { 0, CKF_OS_LOCKING_OK };
    for (size_t f = 0; f < COUNT(flags); f++)
        for (unsigned which = 1; which < 15; which++) { /* some of the four, never all and never none */
            CK_C_INITIALIZE_ARGS args = mutexes(which, flags[f]);
            CK_RV rv = c->p11->C_Initialize(&args);
            want(rv == CKR_ARGUMENTS_BAD, "%d of four functions (set %u, flags %lu): %s", __builtin_popcount(which),
                 which, flags[f], ckr_name(rv));
        }
}

static void reserved_argument(struct conform *c)
{
    int anything = 0;
    CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK, .pReserved = &anything };
    want_rv(c->p11->C_Initialize(&args), "C_Initialize with pReserved", CKR_ARGUMENTS_BAD);
}

static void twice(struct conform *c)
{
    CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
    want_rv(c->p11->C_Initialize(NULL), "C_Initialize(NULL) again", CKR_CRYPTOKI_ALREADY_INITIALIZED);
    want_rv(c->p11->C_Initialize(&args), "C_Initialize again", CKR_CRYPTOKI_ALREADY_INITIALIZED);
}

static void finalize_argument(struct conform *c)
{
    CK_INFO info;
    int anything = 0;
    want_rv(c->p11->C_Finalize(&anything), "C_Finalize with pReserved", CKR_ARGUMENTS_BAD);
    want_rv(c->p11->C_GetInfo(&info), "C_GetInfo after a refused C_Finalize", CKR_OK);
}

static void finalize_twice(struct conform *c)
{
    CK_INFO info;
    want_rv(c->p11->C_Finalize(NULL), "C_Finalize", CKR_OK);
    want_rv(c->p11->C_Finalize(NULL), "C_Finalize again", CKR_CRYPTOKI_NOT_INITIALIZED);
    want_rv(c->p11->C_GetInfo(&info), "C_GetInfo after C_Finalize", CKR_CRYPTOKI_NOT_INITIALIZED);
}

static void initialise_again(struct conform *c)
{
    for (int i = 0; i < 3; i++) {
        want_rv(c->p11->C_Finalize(NULL), "C_Finalize", CKR_OK);
        conform_initialize(c);
        conform_again(c);
    }
}

static void library_info(struct conform *c)
{
    CK_INFO info;
    memset(&info, 0, sizeof info);
    want_rv(c->p11->C_GetInfo(NULL), "C_GetInfo(NULL)", CKR_ARGUMENTS_BAD);
    want_rv(c->p11->C_GetInfo(&info), "C_GetInfo", CKR_OK);
    want(info.flags == 0, "flags 0x%lx, not 0", info.flags);
    want(conform_is_padded(info.manufacturerID, sizeof info.manufacturerID),
         "manufacturerID is not filled with blanks");
    want(conform_is_padded(info.libraryDescription, sizeof info.libraryDescription),
         "libraryDescription is not filled with blanks");
}

static void library_version(struct conform *c)
{
    CK_INFO info;
    CK_C_GetInterface get = NULL;
    CK_INTERFACE *chosen = NULL;
    CK_VERSION has = c->p11->version;
    want_rv(c->p11->C_GetInfo(&info), "C_GetInfo", CKR_OK);
    *(void **)&get = dlsym(c->library, "C_GetInterface");
    if (get && get(NULL, NULL, &chosen, 0) == CKR_OK)
        has = *(CK_VERSION *)chosen->pFunctionList;
    want(info.cryptokiVersion.major == has.major && info.cryptokiVersion.minor == has.minor,
         "C_GetInfo says %d.%d, its default interface is %d.%d", info.cryptokiVersion.major, info.cryptokiVersion.minor,
         has.major, has.minor);
}

const struct row rows_general[] = {
    { "general.function-list", "3.0 §5.4 C_GetFunctionList",
      "works before C_Initialize, names every function of version 2, refuses NULL", ROW_LIBRARY, 0, function_list },
    { "general.interfaces", "3.0 §5.4 C_GetInterfaceList",
      "lists interfaces by the two-call rule, each with every function of its version", ROW_LIBRARY, 0, interfaces },
    { "general.interface-choice", "3.0 §5.4 C_GetInterface",
      "gives what is asked for by name and version, and nothing else", ROW_LIBRARY, 0, interface_choice },
    { "general.interface-flags", "3.0 §5.4 C_GetInterface", "gives no interface without the flags asked for",
      ROW_LIBRARY, 0, interface_flags },
    { "general.not-initialized", "3.0 §5.1", "every function says so before C_Initialize", ROW_LIBRARY, 0,
      not_initialised },
    { "general.init-legal", "3.0 §5.4 C_Initialize", "takes every legal set of arguments", ROW_LIBRARY, 0,
      legal_arguments },
    { "general.init-illegal", "3.0 §5.4 C_Initialize", "refuses some of the four mutex functions without the others",
      ROW_LIBRARY, 0, illegal_arguments },
    { "general.init-reserved", "3.0 §5.4 C_Initialize", "refuses a pReserved that is not NULL", ROW_LIBRARY, 0,
      reserved_argument },
    { "general.init-twice", "3.0 §5.4 C_Initialize", "says that it is initialised already", ROW_MODULE, 0, twice },
    { "general.init-again", "3.0 §5.4 C_Initialize",
      "can be initialised again and again, and finds the token each time", ROW_TOKEN, 0, initialise_again },
    { "general.finalize-reserved", "3.0 §5.4 C_Finalize", "refuses an argument, and stays initialised", ROW_MODULE, 0,
      finalize_argument },
    { "general.finalize-twice", "3.0 §5.4 C_Finalize", "is ended once, and knows it", ROW_MODULE, 0, finalize_twice },
    { "general.info", "3.0 §5.4 C_GetInfo", "has no flags, and texts filled with blanks", ROW_MODULE, 0, library_info },
    { "general.version", "3.0 §5.4 C_GetInfo", "its version is that of its default interface, or of its function list",
      ROW_MODULE, 0, library_version },
    { 0 },
};

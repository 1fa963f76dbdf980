/* broken_module.c — a module that breaks one thing: it passes every call on to the module in JPKI_BROKEN_REAL, but for
 * the flaw that JPKI_BROKEN names. Flaws are named as the rows of the conformance suite that have to find them; without
 * a flaw it is as good as the other. */
#include "pkcs11/cryptoki.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define ANY (~0UL)

static CK_FUNCTION_LIST *real;
static CK_FUNCTION_LIST_3_2 *real_3_2;
static CK_FUNCTION_LIST mine_2_40;
static CK_FUNCTION_LIST_3_0 mine_3_0;
static CK_FUNCTION_LIST_3_2 mine_3_2;
static CK_C_GetInterface real_interface;
static CK_C_GetInterfaceList real_interfaces;
static const char *flaw = "";
static pid_t loaded_by;

/* What a flaw needs to remember. */
static unsigned finalized, searches, pieces, updates;
static CK_SESSION_HANDLE first_session, login_session, sign_session;
static bool logged_in;

static bool is(const char *row)
{
    return strcmp(flaw, row) == 0;
}

/* --- flaws that are another return value
 * ------------------------------------------------------------------------------------- */

static const struct {
    const char *row, *function;
    CK_RV from, to;
} answers[] = {
    { "general.interfaces", "C_GetInterfaceList", CKR_BUFFER_TOO_SMALL, CKR_OK },
    { "general.interface-choice", "C_GetInterface", CKR_FUNCTION_FAILED, CKR_OK },
    { "general.not-initialized", "C_GetSessionInfo", CKR_CRYPTOKI_NOT_INITIALIZED, CKR_SESSION_HANDLE_INVALID },
    { "general.init-illegal", "C_Initialize", CKR_ARGUMENTS_BAD, CKR_OK },
    { "general.init-reserved", "C_Initialize", CKR_ARGUMENTS_BAD, CKR_OK },
    { "general.init-twice", "C_Initialize", CKR_CRYPTOKI_ALREADY_INITIALIZED, CKR_OK },
    { "general.finalize-reserved", "C_Finalize", CKR_ARGUMENTS_BAD, CKR_OK },
    { "general.finalize-twice", "C_Finalize", CKR_CRYPTOKI_NOT_INITIALIZED, CKR_OK },
    { "slot.list", "C_GetSlotList", CKR_BUFFER_TOO_SMALL, CKR_OK },
    { "slot.unknown", "C_GetSlotInfo", CKR_SLOT_ID_INVALID, CKR_OK },
    { "slot.wait-nonblocking", "C_WaitForSlotEvent", CKR_NO_EVENT, CKR_FUNCTION_NOT_SUPPORTED },
    { "slot.wait-arguments", "C_WaitForSlotEvent", CKR_ARGUMENTS_BAD, CKR_NO_EVENT },
    { "session.open-arguments", "C_OpenSession", CKR_SESSION_PARALLEL_NOT_SUPPORTED, CKR_OK },
    { "session.zero-handle", "C_GetSessionInfo", CKR_SESSION_HANDLE_INVALID, CKR_GENERAL_ERROR },
    { "session.unknown-handle", "C_FindObjectsInit", CKR_SESSION_HANDLE_INVALID, CKR_OK },
    { "session.parallel", "C_GetFunctionStatus", CKR_FUNCTION_NOT_PARALLEL, CKR_OK },
    { "session.operation-state", "C_SetOperationState", ANY, CKR_OK },
    { "login.pin", "C_Login", CKR_OK, CKR_PIN_INCORRECT },
    { "login.twice", "C_Login", CKR_USER_ALREADY_LOGGED_IN, CKR_OK },
    { "login.logout", "C_Logout", CKR_USER_NOT_LOGGED_IN, CKR_OK },
    { "login.user-types", "C_Login", CKR_USER_TYPE_INVALID, CKR_OK },
    { "login.login-user", "C_LoginUser", CKR_OK, CKR_GENERAL_ERROR },
    { "login.set-pin-read-only", "C_SetPIN", CKR_SESSION_READ_ONLY, CKR_OK },
    { "login.impossible-pin", "C_Login", CKR_PIN_LEN_RANGE, CKR_GENERAL_ERROR },
    { "login.null-pin", "C_Login", CKR_ARGUMENTS_BAD, CKR_PIN_INCORRECT },
    { "object.secrets", "C_GetAttributeValue", CKR_ATTRIBUTE_SENSITIVE, CKR_OK },
    { "object.unknown-attribute", "C_GetAttributeValue", CKR_ATTRIBUTE_TYPE_INVALID, CKR_OK },
    { "object.lengths", "C_GetAttributeValue", CKR_BUFFER_TOO_SMALL, CKR_OK },
    { "object.no-object", "C_GetAttributeValue", CKR_OBJECT_HANDLE_INVALID, CKR_OK },
    { "object.size", "C_GetObjectSize", CKR_OK, CKR_FUNCTION_NOT_SUPPORTED },
    { "object.create-refused", "C_CreateObject", ANY, CKR_OK },
    { "object.destroy-refused", "C_DestroyObject", ANY, CKR_OK },
    { "object.change-refused", "C_SetAttributeValue", ANY, CKR_OK },
    { "search.sequence", "C_FindObjectsInit", CKR_OPERATION_ACTIVE, CKR_OK },
    { "search.arguments", "C_FindObjects", CKR_ARGUMENTS_BAD, CKR_OK },
    { "mechanism.list", "C_GetMechanismList", CKR_BUFFER_TOO_SMALL, CKR_OK },
    { "mechanism.info", "C_GetMechanismInfo", CKR_MECHANISM_INVALID, CKR_OK },
    { "mechanism.unlisted", "C_SignInit", CKR_MECHANISM_INVALID, CKR_OK },
    { "mechanism.verify", "C_Verify", CKR_SIGNATURE_INVALID, CKR_OK },
    { "sign.lengths", "C_Sign", CKR_BUFFER_TOO_SMALL, CKR_OK },
    { "sign.order", "C_SignInit", CKR_OPERATION_ACTIVE, CKR_OK },
    { "sign.mixed", "C_Sign", ANY, CKR_OK },
    { "sign.too-long", "C_Sign", CKR_DATA_LEN_RANGE, CKR_FUNCTION_FAILED },
    { "sign.wrong-key", "C_SignInit", CKR_KEY_HANDLE_INVALID, CKR_OK },
    { "sign.parameters", "C_SignInit", CKR_MECHANISM_PARAM_INVALID, CKR_OK },
    { "sign.arguments", "C_Sign", CKR_ARGUMENTS_BAD, CKR_OK },
    { "process.fork-unprepared", "C_GetSessionInfo", CKR_CRYPTOKI_NOT_INITIALIZED, CKR_OK },
    { "process.finalize-ends-wait", "C_WaitForSlotEvent", CKR_CRYPTOKI_NOT_INITIALIZED, CKR_GENERAL_ERROR },
};

/* The rows whose flaw is written out below. */
static const char *const written_out[] = {
    "general.function-list",
    "general.interface-flags",
    "general.init-legal",
    "general.init-again",
    "general.info",
    "general.version",
    "slot.present",
    "slot.info",
    "token.info",
    "token.serial",
    "token.unique",
    "token.flags",
    "token.write-protected",
    "token.pin-lengths",
    "token.pin-flags",
    "token.session-counts",
    "token.random",
    "session.handles",
    "session.info",
    "session.read-write",
    "session.closed",
    "session.close-all",
    "session.close-all-one",
    "session.cancel",
    "login.states",
    "login.other-sessions",
    "login.logout-hides",
    "login.logout-disarms",
    "login.last-session",
    "login.all-sessions",
    "login.not-last-session",
    "login.one-token",
    "login.always-authenticate",
    "login.wrong-pin",
    "login.security-officer",
    "object.private-hidden",
    "object.private-shown",
    "object.certificate-public",
    "object.certificate-personal",
    "object.certificate",
    "object.certificate-category",
    "object.private-key",
    "object.private-key-modulus",
    "object.key-triple",
    "object.public-key",
    "object.token",
    "object.unique-id",
    "object.profiles",
    "search.stable",
    "search.in-pieces",
    "search.unknown-class",
    "search.unknown-attribute",
    "search.own-attributes",
    "mechanism.sign",
    "mechanism.digest",
    "sign.pieces",
    "sign.two-sessions",
    "process.fork",
    "process.two",
    "process.threads",
};

static CK_RV answer(const char *function, CK_RV rv)
{
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
        if (is(answers[i].row) && strcmp(answers[i].function, function) == 0 &&
            (answers[i].from == ANY || answers[i].from == rv))
            return answers[i].to;
    return rv;
}

/* Passed on, but for the answer. */
#define PASS(name, parameters, arguments)                                                                              \
    static CK_RV broken_##name parameters                                                                              \
    {                                                                                                                  \
        return answer(#name, real->name arguments);                                                                    \
    }
PASS(C_GetSlotList, (CK_BBOOL present, CK_SLOT_ID *list, CK_ULONG *count), (present, list, count))
PASS(C_WaitForSlotEvent, (CK_FLAGS flags, CK_SLOT_ID *slot, void *reserved), (flags, slot, reserved))
PASS(C_GetFunctionStatus, (CK_SESSION_HANDLE session), (session))
PASS(C_SetOperationState, (CK_SESSION_HANDLE s, CK_BYTE *state, CK_ULONG len, CK_OBJECT_HANDLE a, CK_OBJECT_HANDLE b),
     (s, state, len, a, b))
PASS(C_SetPIN, (CK_SESSION_HANDLE s, CK_BYTE *was, CK_ULONG was_len, CK_BYTE *is, CK_ULONG is_len),
     (s, was, was_len, is, is_len))
PASS(C_GetObjectSize, (CK_SESSION_HANDLE s, CK_OBJECT_HANDLE object, CK_ULONG *size), (s, object, size))
PASS(C_CreateObject, (CK_SESSION_HANDLE s, CK_ATTRIBUTE *template, CK_ULONG n, CK_OBJECT_HANDLE *object),
     (s, template, n, object))
PASS(C_DestroyObject, (CK_SESSION_HANDLE s, CK_OBJECT_HANDLE object), (s, object))
PASS(C_SetAttributeValue, (CK_SESSION_HANDLE s, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *template, CK_ULONG n),
     (s, object, template, n))
PASS(C_GetMechanismList, (CK_SLOT_ID slot, CK_MECHANISM_TYPE *list, CK_ULONG *count), (slot, list, count))
PASS(C_GetMechanismInfo, (CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info), (slot, type, info))
PASS(C_Verify, (CK_SESSION_HANDLE s, CK_BYTE *data, CK_ULONG len, CK_BYTE *signature, CK_ULONG signature_len),
     (s, data, len, signature, signature_len))

/* --- flaws that are more
 * ------------------------------------------------------------------------------------------------------ */

static CK_RV broken_C_Initialize(void *arguments)
{
    const CK_C_INITIALIZE_ARGS *args = arguments;
    if (is("general.init-legal") && args && args->CreateMutex && args->DestroyMutex && args->LockMutex &&
        args->UnlockMutex)
        return CKR_FUNCTION_FAILED;
    if (is("process.fork") && getpid() != loaded_by)
        return CKR_CRYPTOKI_ALREADY_INITIALIZED;
    return answer("C_Initialize", real->C_Initialize(arguments));
}

static CK_RV broken_C_Finalize(void *reserved)
{
    finalized++;
    return answer("C_Finalize", real->C_Finalize(reserved));
}

static CK_RV broken_C_GetInfo(CK_INFO *info)
{
    CK_RV rv = real->C_GetInfo(info);
    if (rv == CKR_OK && is("general.info"))
        info->libraryDescription[31] = '\0';
    if (rv == CKR_OK && is("general.version"))
        info->cryptokiVersion.minor = 99;
    return rv;
}

static CK_RV broken_C_GetSlotInfo(CK_SLOT_ID slot, CK_SLOT_INFO *info)
{
    CK_RV rv = real->C_GetSlotInfo(slot, info);
    if (rv == CKR_OK && is("slot.present"))
        info->flags &= ~(CK_FLAGS)CKF_TOKEN_PRESENT;
    if (rv == CKR_OK && is("slot.info"))
        info->slotDescription[63] = '\0';
    return answer("C_GetSlotInfo", rv);
}

static CK_RV broken_C_GetTokenInfo(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
    CK_RV rv = real->C_GetTokenInfo(slot, info);
    if (rv != CKR_OK)
        return rv;
    if (is("general.init-again") && finalized)
        info->serialNumber[0] ^= 1;
    if (is("token.info"))
        info->label[31] = '\0';
    if (is("token.serial"))
        memset(info->serialNumber, '0', sizeof info->serialNumber);
    if (is("token.unique")) {
        memset(info->label, 'A', sizeof info->label);
        memset(info->serialNumber, '1', sizeof info->serialNumber);
    }
    if (is("token.flags"))
        info->flags &= ~(CK_FLAGS)CKF_LOGIN_REQUIRED;
    if (is("token.write-protected"))
        info->flags &= ~(CK_FLAGS)CKF_WRITE_PROTECTED;
    if (is("token.pin-lengths"))
        info->ulMaxPinLen = 0;
    if (is("token.pin-flags"))
        info->flags |= CKF_USER_PIN_FINAL_TRY;
    if (is("token.session-counts"))
        info->ulSessionCount = 7;
    if (is("token.random"))
        info->flags |= CKF_RNG;
    if (is("login.wrong-pin"))
        info->flags &= ~(CK_FLAGS)CKF_USER_PIN_COUNT_LOW;
    return rv;
}

static CK_RV broken_C_OpenSession(CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify,
                                  CK_SESSION_HANDLE *session)
{
    if (is("session.read-write") && flags & CKF_RW_SESSION)
        return CKR_TOKEN_WRITE_PROTECTED;
    CK_RV rv = real->C_OpenSession(slot, flags, application, notify, session);
    if (rv == CKR_OK && !first_session)
        first_session = *session;
    if (rv == CKR_OK && is("session.handles"))
        *session = first_session;
    return answer("C_OpenSession", rv);
}

static CK_RV broken_C_CloseSession(CK_SESSION_HANDLE session)
{
    if (is("session.closed") || is("login.last-session"))
        return CKR_OK;
    if (is("login.not-last-session"))
        (void)real->C_Logout(session);
    return real->C_CloseSession(session);
}

static CK_RV broken_C_CloseAllSessions(CK_SLOT_ID slot)
{
    if (is("session.close-all") || is("login.all-sessions"))
        return CKR_OK;
    if (is("session.close-all-one")) {
        CK_SLOT_ID slots[16];
        CK_ULONG count = 16;
        for (CK_ULONG i = 0; real->C_GetSlotList(CK_TRUE, slots, &count) == CKR_OK && i < count; i++)
            (void)real->C_CloseAllSessions(slots[i]);
    }
    return real->C_CloseAllSessions(slot);
}

static CK_RV broken_C_GetSessionInfo(CK_SESSION_HANDLE session, CK_SESSION_INFO *info)
{
    CK_RV rv = real->C_GetSessionInfo(session, info);
    if (rv == CKR_OK && is("session.info"))
        info->flags |= CKF_RW_SESSION;
    if (rv == CKR_OK && info->state == CKS_RO_USER_FUNCTIONS &&
        (is("login.states") || (is("login.other-sessions") && session != login_session)))
        info->state = CKS_RO_PUBLIC_SESSION;
    if (rv == CKR_OK && is("login.one-token") && logged_in)
        info->state = CKS_RO_USER_FUNCTIONS;
    return answer("C_GetSessionInfo", rv);
}

static CK_RV broken_C_Login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_BYTE *pin, CK_ULONG len)
{
    if (is("login.security-officer") && user == CKU_SO)
        return CKR_OK;
    if (is("process.two") && getpid() != loaded_by)
        return CKR_USER_ALREADY_LOGGED_IN;
    CK_RV rv = real->C_Login(session, user, pin, len);
    if (rv == CKR_OK) {
        login_session = session;
        logged_in = true;
    }
    return answer("C_Login", rv);
}

static CK_RV broken_C_Logout(CK_SESSION_HANDLE session)
{
    if (is("login.logout-hides") || is("login.logout-disarms") || is("object.certificate-personal"))
        return CKR_OK;
    logged_in = false;
    return answer("C_Logout", real->C_Logout(session));
}

/* One attribute of an object told otherwise: 'x' spoilt, '0' or '1' a boolean, '-' not there. */
static const struct {
    const char *row;
    CK_ATTRIBUTE_TYPE type;
    char how;
} told[] = {
    { "login.always-authenticate", CKA_ALWAYS_AUTHENTICATE, '1' },
    { "object.private-hidden", CKA_PRIVATE, '1' },
    { "object.private-shown", CKA_PRIVATE, '0' },
    { "object.certificate", CKA_SUBJECT, 'x' },
    { "object.certificate-category", CKA_CERTIFICATE_CATEGORY, '-' },
    { "object.private-key", CKA_EXTRACTABLE, '1' },
    { "object.private-key-modulus", CKA_MODULUS, '-' },
    { "object.public-key", CKA_MODULUS_BITS, 'x' },
    { "object.token", CKA_TOKEN, '0' },
    { "object.unique-id", CKA_UNIQUE_ID, 'x' },
};

static CK_RV broken_C_GetAttributeValue(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *rows,
                                        CK_ULONG count)
{
    CK_RV rv = real->C_GetAttributeValue(session, object, rows, count);
    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        for (CK_ULONG r = 0; rv == CKR_OK && is(told[i].row) && r < count; r++) {
            if (rows[r].type != told[i].type || !rows[r].ulValueLen)
                continue;
            if (told[i].how == '-') {
                rows[r].ulValueLen = CK_UNAVAILABLE_INFORMATION;
                return CKR_ATTRIBUTE_TYPE_INVALID;
            }
            if (rows[r].pValue)
                memset(rows[r].pValue, told[i].how == 'x' ? 'x' : told[i].how - '0',
                       rows[r].ulValueLen < 8 ? rows[r].ulValueLen : 8);
            if (told[i].type == CKA_UNIQUE_ID)
                rows[r].ulValueLen = 1;
        }
    return answer("C_GetAttributeValue", rv);
}

static bool searches_for(const CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_CLASS class)
{
    for (CK_ULONG i = 0; template && i < count; i++)
        if (template[i].type == CKA_CLASS && template[i].pValue &&
            memcmp(template[i].pValue, &class, sizeof class) == 0)
            return true;
    return false;
}

static CK_RV broken_C_FindObjectsInit(CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG count)
{
    static CK_OBJECT_CLASS nothing = 0x7FFFFFFFUL;
    static CK_ATTRIBUTE finds_nothing = { CKA_CLASS, &nothing, sizeof nothing };
    bool hide = (is("object.certificate-public") && !logged_in && searches_for(template, count, CKO_CERTIFICATE)) ||
                (is("object.key-triple") && searches_for(template, count, CKO_PUBLIC_KEY)) ||
                (is("object.profiles") && searches_for(template, count, CKO_PROFILE)) ||
                (is("search.own-attributes") && template && count == 1 && template->type == CKA_LABEL) ||
                (is("search.stable") && searches++ % 2);
    if (is("search.unknown-class") && searches_for(template, count, nothing))
        return CKR_ATTRIBUTE_VALUE_INVALID;
    if (is("search.unknown-attribute") && template && count && template->type & CKA_VENDOR_DEFINED)
        return CKR_ATTRIBUTE_TYPE_INVALID;
    pieces = 0;
    return answer("C_FindObjectsInit", hide ? real->C_FindObjectsInit(session, &finds_nothing, 1)
                                            : real->C_FindObjectsInit(session, template, count));
}

static CK_RV broken_C_FindObjects(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *found, CK_ULONG max, CK_ULONG *count)
{
    CK_RV rv = real->C_FindObjects(session, found, max, count);
    if (rv == CKR_OK && is("search.in-pieces") && ++pieces > 2)
        *count = 0;
    return answer("C_FindObjects", rv);
}

static CK_RV broken_C_SignInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    sign_session = session;
    updates = 0;
    return answer("C_SignInit", real->C_SignInit(session, mechanism, key));
}

static CK_RV broken_C_SignUpdate(CK_SESSION_HANDLE session, CK_BYTE *part, CK_ULONG len)
{
    return is("sign.pieces") && ++updates == 2 ? CKR_OK : real->C_SignUpdate(session, part, len);
}

static CK_RV broken_C_Sign(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG len, CK_BYTE *signature,
                           CK_ULONG *signature_len)
{
    if (is("sign.two-sessions"))
        session = sign_session;
    CK_RV rv = real->C_Sign(session, data, len, signature, signature_len);
    if (rv == CKR_OK && signature &&
        (is("mechanism.sign") || (is("process.threads") && syscall(SYS_gettid) != getpid())))
        signature[*signature_len / 2] ^= 1;
    return answer("C_Sign", rv);
}

static CK_RV broken_C_Digest(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG len, CK_BYTE *hash, CK_ULONG *hash_len)
{
    CK_RV rv = real->C_Digest(session, data, len, hash, hash_len);
    if (rv == CKR_OK && hash && is("mechanism.digest"))
        hash[0] ^= 1;
    return rv;
}

static CK_RV broken_C_LoginUser(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_BYTE *pin, CK_ULONG len, CK_BYTE *name,
                                CK_ULONG name_len)
{
    return answer("C_LoginUser", real_3_2->C_LoginUser(session, user, pin, len, name, name_len));
}

static CK_RV broken_C_SessionCancel(CK_SESSION_HANDLE session, CK_FLAGS flags)
{
    return is("session.cancel") ? CKR_OK : real_3_2->C_SessionCancel(session, flags);
}

/* --- loading
 * -------------------------------------------------------------------------------------------------------------------
 */

#define REPLACE(name) list->name = broken_##name;
#define REPLACE_2_40()                                                                                                 \
    REPLACE(C_Initialize)                                                                                              \
    REPLACE(C_Finalize)                                                                                                \
    REPLACE(C_GetInfo)                                                                                                 \
    REPLACE(C_GetSlotList)                                                                                             \
    REPLACE(C_GetSlotInfo) REPLACE(C_GetTokenInfo) REPLACE(C_WaitForSlotEvent) REPLACE(C_OpenSession)                  \
        REPLACE(C_CloseSession) REPLACE(C_CloseAllSessions) REPLACE(C_GetSessionInfo) REPLACE(C_GetFunctionStatus)     \
            REPLACE(C_SetOperationState) REPLACE(C_Login) REPLACE(C_Logout) REPLACE(C_SetPIN) REPLACE(C_GetObjectSize) \
                REPLACE(C_CreateObject) REPLACE(C_DestroyObject) REPLACE(C_SetAttributeValue)                          \
                    REPLACE(C_GetAttributeValue) REPLACE(C_FindObjectsInit) REPLACE(C_FindObjects)                     \
                        REPLACE(C_GetMechanismList) REPLACE(C_GetMechanismInfo) REPLACE(C_SignInit)                    \
                            REPLACE(C_SignUpdate) REPLACE(C_Sign) REPLACE(C_Verify) REPLACE(C_Digest)

static bool known(const char *row)
{
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
        if (strcmp(answers[i].row, row) == 0)
            return true;
    for (size_t i = 0; i < sizeof written_out / sizeof *written_out; i++)
        if (strcmp(written_out[i], row) == 0)
            return true;
    return !*row;
}

static bool load(void)
{
    const char *path = getenv("JPKI_BROKEN_REAL");
    CK_INTERFACE *interface = NULL;
    if (real)
        return true;
    loaded_by = getpid();
    flaw = getenv("JPKI_BROKEN") ? getenv("JPKI_BROKEN") : "";
    void *module = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    if (!module || !known(flaw)) {
        fprintf(stderr, "broken module: %s\n", module ? "no such flaw" : "no JPKI_BROKEN_REAL");
        return false;
    }
    *(void **)&real_interface = dlsym(module, "C_GetInterface");
    *(void **)&real_interfaces = dlsym(module, "C_GetInterfaceList");
    if (!real_interface || !real_interfaces || real_interface(NULL, NULL, &interface, 0) != CKR_OK)
        return false;
    real_3_2 = interface->pFunctionList;
    CK_FUNCTION_LIST *list = &mine_2_40;
    memcpy(list, real_3_2, sizeof mine_2_40);
    REPLACE_2_40()
    list->version = (CK_VERSION){ 2, 40 };
    if (is("general.function-list"))
        list->C_WaitForSlotEvent = NULL;
    memcpy(&mine_3_2, real_3_2, sizeof mine_3_2);
    memcpy(&mine_3_2, list, sizeof mine_2_40);
    mine_3_2.version = (CK_VERSION){ 3, 2 };
    mine_3_2.C_LoginUser = broken_C_LoginUser;
    mine_3_2.C_SessionCancel = broken_C_SessionCancel;
    memcpy(&mine_3_0, &mine_3_2, sizeof mine_3_0);
    mine_3_0.version = (CK_VERSION){ 3, 0 };
    static CK_FUNCTION_LIST copy;
    memcpy(&copy, real_3_2, sizeof copy);
    real = &copy;
    return true;
}

EXPORT CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list)
{
    if (!load())
        return CKR_GENERAL_ERROR;
    if (!list)
        return CKR_ARGUMENTS_BAD;
    *list = &mine_2_40;
    return CKR_OK;
}

static CK_INTERFACE ours_for(const CK_INTERFACE *theirs)
{
    const CK_VERSION *version = theirs->pFunctionList;
    CK_INTERFACE ours = *theirs;
    ours.pFunctionList = version->major == 2  ? (void *)&mine_2_40
                         : version->minor < 2 ? (void *)&mine_3_0
                                              : (void *)&mine_3_2;
    return ours;
}

EXPORT CK_RV C_GetInterfaceList(CK_INTERFACE *list, CK_ULONG *count)
{
    if (!load())
        return CKR_GENERAL_ERROR;
    CK_RV rv = real_interfaces(list, count);
    for (CK_ULONG i = 0; rv == CKR_OK && list && i < *count; i++)
        list[i] = ours_for(&list[i]);
    return answer("C_GetInterfaceList", rv);
}

EXPORT CK_RV C_GetInterface(CK_UTF8CHAR *name, CK_VERSION *version, CK_INTERFACE **interface, CK_FLAGS flags)
{
    static CK_INTERFACE chosen[4];
    static unsigned turn;
    CK_INTERFACE *theirs = NULL;
    if (!load())
        return CKR_GENERAL_ERROR;
    CK_RV rv = real_interface(name, version, interface ? &theirs : NULL, is("general.interface-flags") ? 0 : flags);
    if (rv == CKR_OK) {
        chosen[++turn % 4] = ours_for(theirs);
        *interface = &chosen[turn % 4];
    }
    return answer("C_GetInterface", rv);
}

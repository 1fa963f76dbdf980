/* rows_session.c — sessions: opening, closing, states, handles that are none. */
#include "conformance.h"

#include "support/ckr_name.h"

#include <string.h>

static const CK_SESSION_HANDLE no_session = 0x7FFF4321UL;

static void open_arguments(struct conform *c)
{
    CK_SESSION_HANDLE session = 0;
    want_rv(c->p11->C_OpenSession(c->slot, 0, NULL, NULL, &session), "C_OpenSession without CKF_SERIAL_SESSION",
            CKR_SESSION_PARALLEL_NOT_SUPPORTED);
    want_rv(c->p11->C_OpenSession(c->slot, CKF_SERIAL_SESSION, NULL, NULL, NULL),
            "C_OpenSession without a place for the handle", CKR_ARGUMENTS_BAD);
}

static void handles(struct conform *c)
{
    CK_SESSION_HANDLE opened[20];
    for (size_t i = 0; i < COUNT(opened); i++) {
        opened[i] = conform_open(c, 0);
        want(opened[i] != CK_INVALID_HANDLE, "a session's handle is 0");
        for (size_t j = 0; j < i; j++)
            want(opened[i] != opened[j], "two sessions have one handle");
    }
    for (size_t i = 0; i < COUNT(opened); i++)
        want_rv(c->p11->C_CloseSession(opened[i]), "C_CloseSession", CKR_OK);
}

static void session_info(struct conform *c)
{
    CK_SESSION_INFO info = { .slotID = 0 };
    want_rv(c->p11->C_GetSessionInfo(c->session, NULL), "C_GetSessionInfo(NULL)", CKR_ARGUMENTS_BAD);
    want_rv(c->p11->C_GetSessionInfo(c->session, &info), "C_GetSessionInfo", CKR_OK);
    want(info.slotID == c->slot, "slotID %lu, not %lu", info.slotID, c->slot);
    want(info.state == CKS_RO_PUBLIC_SESSION, "state %lu of a new read-only session", info.state);
    want(info.flags == CKF_SERIAL_SESSION, "flags 0x%lx of a read-only session", info.flags);
}

/* ssh and Java ask for read/write sessions and write nothing. */
static void read_write(struct conform *c)
{
    CK_SESSION_INFO info;
    CK_SESSION_HANDLE session = 0;
    want_rv(c->p11->C_OpenSession(c->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session),
            "C_OpenSession, read/write", CKR_OK);
    want_rv(c->p11->C_GetSessionInfo(session, &info), "C_GetSessionInfo", CKR_OK);
    want(info.state == CKS_RW_PUBLIC_SESSION, "state %lu of a new read/write session", info.state);
    want(info.flags == (CKF_SERIAL_SESSION | CKF_RW_SESSION), "flags 0x%lx of a read/write session", info.flags);
}

static void closed(struct conform *c)
{
    CK_SESSION_INFO info;
    CK_SESSION_HANDLE other = conform_open(c, 0);
    want_rv(c->p11->C_CloseSession(c->session), "C_CloseSession", CKR_OK);
    want_rv(c->p11->C_GetSessionInfo(c->session, &info), "C_GetSessionInfo of a closed session",
            CKR_SESSION_HANDLE_INVALID, CKR_SESSION_CLOSED);
    want_rv(c->p11->C_CloseSession(c->session), "C_CloseSession again", CKR_SESSION_HANDLE_INVALID, CKR_SESSION_CLOSED);
    want_rv(c->p11->C_GetSessionInfo(other, &info), "C_GetSessionInfo of the session beside it", CKR_OK);
}

static void close_all(struct conform *c)
{
    CK_SESSION_INFO info;
    CK_SESSION_HANDLE more = conform_open(c, CKF_RW_SESSION);
    want_rv(c->p11->C_CloseAllSessions(c->slot), "C_CloseAllSessions", CKR_OK);
    want_rv(c->p11->C_GetSessionInfo(c->session, &info), "C_GetSessionInfo of the first", CKR_SESSION_HANDLE_INVALID,
            CKR_SESSION_CLOSED);
    want_rv(c->p11->C_GetSessionInfo(more, &info), "C_GetSessionInfo of the second", CKR_SESSION_HANDLE_INVALID,
            CKR_SESSION_CLOSED);
    want_rv(c->p11->C_CloseAllSessions(c->slot), "C_CloseAllSessions again", CKR_OK);
}

static void close_all_of_one_token(struct conform *c)
{
    CK_SLOT_ID mine = c->slot;
    c->slot = conform_other_token(c);
    CK_SESSION_HANDLE other = conform_open(c, 0);
    want_rv(c->p11->C_CloseAllSessions(mine), "C_CloseAllSessions", CKR_OK);
    want(conform_state(c, other) == CKS_RO_PUBLIC_SESSION, "the other token's session has another state");
}

/* Every function that takes a session, with one that does not exist. */
static void no_such_session(struct conform *c, CK_SESSION_HANDLE none)
{
    CK_SESSION_INFO info;
    CK_MECHANISM mechanism = { CKM_SHA256_RSA_PKCS, NULL, 0 };
    CK_ATTRIBUTE class = { CKA_CLASS, NULL, 0 };
    CK_ULONG n = 64;
    unsigned char bytes[64] = "";
    CK_FUNCTION_LIST *p = c->p11;
    const struct {
        const char *name;
        CK_RV rv;
    } rows[] = {
        { "C_CloseSession", p->C_CloseSession(none) },
        { "C_GetSessionInfo", p->C_GetSessionInfo(none, &info) },
        { "C_Logout", p->C_Logout(none) },
        { "C_GetAttributeValue", p->C_GetAttributeValue(none, 1, &class, 1) },
        { "C_FindObjectsInit", p->C_FindObjectsInit(none, NULL, 0) },
        { "C_FindObjects", p->C_FindObjects(none, &n, 1, &n) },
        { "C_FindObjectsFinal", p->C_FindObjectsFinal(none) },
        { "C_DigestInit", p->C_DigestInit(none, &mechanism) },
        { "C_SignInit", p->C_SignInit(none, &mechanism, 1) },
        { "C_Sign", p->C_Sign(none, bytes, 1, bytes, &n) },
        { "C_SignUpdate", p->C_SignUpdate(none, bytes, 1) },
        { "C_SignFinal", p->C_SignFinal(none, bytes, &n) },
        { "C_VerifyInit", p->C_VerifyInit(none, &mechanism, 1) },
        { "C_Verify", p->C_Verify(none, bytes, 1, bytes, 1) },
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        want(rows[i].rv == CKR_SESSION_HANDLE_INVALID, "%s: %s", rows[i].name, ckr_name(rows[i].rv));
}

static void zero_handle(struct conform *c)
{
    no_such_session(c, CK_INVALID_HANDLE);
}
static void unknown_handle(struct conform *c)
{
    no_such_session(c, no_session);
}

static void parallel(struct conform *c)
{
    want_rv(c->p11->C_GetFunctionStatus(c->session), "C_GetFunctionStatus", CKR_FUNCTION_NOT_PARALLEL);
    want_rv(c->p11->C_CancelFunction(c->session), "C_CancelFunction", CKR_FUNCTION_NOT_PARALLEL);
}

static void cancel(struct conform *c)
{
    CK_OBJECT_HANDLE found;
    CK_ULONG n = 0;
    if (!c->p30)
        conform_skip("no interface of version 3");
    want_rv(c->p11->C_FindObjectsInit(c->session, NULL, 0), "C_FindObjectsInit", CKR_OK);
    want_rv(c->p30->C_SessionCancel(c->session, CKF_FIND_OBJECTS), "C_SessionCancel", CKR_OK);
    want_rv(c->p11->C_FindObjects(c->session, &found, 1, &n), "C_FindObjects behind C_SessionCancel",
            CKR_OPERATION_NOT_INITIALIZED);
    want_rv(c->p11->C_FindObjectsInit(c->session, NULL, 0), "C_FindObjectsInit behind C_SessionCancel", CKR_OK);
}

/* A saved state can be restored; where nothing can be saved, both functions say so. */
static void operation_state(struct conform *c)
{
    unsigned char state[64] = "";
    CK_ULONG len = sizeof state;
    want_rv(c->p11->C_GetOperationState(c->session, state, &len), "C_GetOperationState without an operation",
            CKR_OPERATION_NOT_INITIALIZED, CKR_STATE_UNSAVEABLE, CKR_FUNCTION_NOT_SUPPORTED);
    want_rv(c->p11->C_SetOperationState(c->session, state, sizeof state, 0, 0), "C_SetOperationState of nonsense",
            CKR_SAVED_STATE_INVALID, CKR_FUNCTION_NOT_SUPPORTED);
}

const struct row rows_session[] = {
    { "session.open-arguments", "3.0 §5.6 C_OpenSession", "refuses a parallel session, and no place for the handle",
      ROW_TOKEN, 0, open_arguments },
    { "session.handles", "3.0 §3.3 CK_SESSION_HANDLE", "twenty sessions have twenty handles, none of them 0", ROW_TOKEN,
      0, handles },
    { "session.info", "3.0 §5.6 C_GetSessionInfo", "slot, state and flags of a new read-only session; NULL refused",
      ROW_SESSION, 0, session_info },
    { "session.read-write", "3.0 §5.6 C_OpenSession", "a read/write session is granted, on a read-only token too",
      ROW_TOKEN, 0, read_write },
    { "session.closed", "3.0 §5.6 C_CloseSession", "a closed session is none, and others stay", ROW_SESSION, 0,
      closed },
    { "session.close-all", "3.0 §5.6 C_CloseAllSessions", "closes all of the token, and may be called again",
      ROW_SESSION, 0, close_all },
    { "session.close-all-one", "3.0 §5.6 C_CloseAllSessions", "leaves another token's sessions", ROW_SESSION, 0,
      close_all_of_one_token },
    { "session.zero-handle", "3.0 §5.1.2", "handle 0 is CKR_SESSION_HANDLE_INVALID to every function", ROW_MODULE, 0,
      zero_handle },
    { "session.unknown-handle", "3.0 §5.1.2", "so is one that was never given out", ROW_MODULE, 0, unknown_handle },
    { "session.parallel", "3.0 §5.20", "C_GetFunctionStatus and C_CancelFunction are of the past", ROW_SESSION, 0,
      parallel },
    { "session.cancel", "3.0 §5.6 C_SessionCancel", "ends a search", ROW_SESSION, 0, cancel },
    { "session.operation-state", "3.0 §5.6 C_GetOperationState", "nothing to save, nothing to restore", ROW_SESSION, 0,
      operation_state },
    { 0 },
};

/* rows_login.c — logging in and out: whose state changes, and what refuses. */
#include "conformance.h"

#include "support/ckr_name.h"

#include <string.h>

static void pin_is_right(struct conform *c)
{
    (void)c; /* it was taken, or this would not run */
}

static void states(struct conform *c)
{
    CK_SESSION_HANDLE later = conform_open(c, 0), writing = conform_open(c, CKF_RW_SESSION);
    want(conform_state(c, c->session) == CKS_RO_USER_FUNCTIONS, "the session that logged in: state %lu",
         conform_state(c, c->session));
    want(conform_state(c, later) == CKS_RO_USER_FUNCTIONS, "a session opened later: state %lu",
         conform_state(c, later));
    want(conform_state(c, writing) == CKS_RW_USER_FUNCTIONS, "a read/write session: state %lu",
         conform_state(c, writing));
}

static void other_sessions(struct conform *c)
{
    CK_SESSION_HANDLE before = conform_open(c, 0);
    conform_login(c, c->session);
    want(conform_state(c, before) == CKS_RO_USER_FUNCTIONS, "a session that was open: state %lu",
         conform_state(c, before));
}

static void logged_in_twice(struct conform *c)
{
    CK_SESSION_HANDLE other = conform_open(c, 0);
    want_rv(conform_login_as(c, c->session, CKU_USER), "C_Login again", CKR_USER_ALREADY_LOGGED_IN);
    want_rv(conform_login_as(c, other, CKU_USER), "C_Login in another session", CKR_USER_ALREADY_LOGGED_IN);
}

static void logout(struct conform *c)
{
    CK_SESSION_HANDLE other = conform_open(c, CKF_RW_SESSION);
    want_rv(c->p11->C_Logout(other), "C_Logout", CKR_OK);
    want(conform_state(c, c->session) == CKS_RO_PUBLIC_SESSION, "state %lu after C_Logout in another session",
         conform_state(c, c->session));
    want(conform_state(c, other) == CKS_RW_PUBLIC_SESSION, "state %lu after C_Logout", conform_state(c, other));
    want_rv(c->p11->C_Logout(c->session), "C_Logout again", CKR_USER_NOT_LOGGED_IN);
}

static void logout_hides(struct conform *c)
{
    struct value id;
    CK_OBJECT_HANDLE key = conform_key(c);
    want_rv(c->p11->C_Logout(c->session), "C_Logout", CKR_OK);
    want(conform_find_class(c, c->session, CKO_PRIVATE_KEY).count == 0, "a private key is found after C_Logout");
    CK_ATTRIBUTE row = { CKA_ID, id.bytes, sizeof id.bytes };
    want_rv(c->p11->C_GetAttributeValue(c->session, key, &row, 1),
            "C_GetAttributeValue of a private object after C_Logout", CKR_OBJECT_HANDLE_INVALID,
            CKR_USER_NOT_LOGGED_IN);
}

static void logout_disarms(struct conform *c)
{
    CK_OBJECT_HANDLE key = conform_key(c);
    unsigned char signature[1024];
    CK_ULONG len = sizeof signature;
    struct prepared prepared;
    const struct mechanism *mechanism = conform_simplest(c, key);
    EVP_PKEY *public = conform_public(c, c->session, key);
    conform_prepare(mechanism, public, &prepared);
    EVP_PKEY_free(public);
    want_rv(c->p11->C_SignInit(c->session, &prepared.mechanism, key), "C_SignInit", CKR_OK);
    want_rv(c->p11->C_Logout(c->session), "C_Logout", CKR_OK);
    CK_RV rv = c->p11->C_Sign(c->session, prepared.data, prepared.len, signature, &len);
    want(rv != CKR_OK, "C_Sign after C_Logout made a signature");
    rv = c->p11->C_SignInit(c->session, &prepared.mechanism, key);
    want_rv(rv, "C_SignInit after C_Logout", CKR_USER_NOT_LOGGED_IN, CKR_KEY_HANDLE_INVALID, CKR_OBJECT_HANDLE_INVALID);
}

static void last_session(struct conform *c)
{
    want_rv(c->p11->C_CloseSession(c->session), "C_CloseSession", CKR_OK);
    c->session = conform_open(c, 0);
    want(conform_state(c, c->session) == CKS_RO_PUBLIC_SESSION, "logged in still after the last session was closed");
}

static void all_sessions(struct conform *c)
{
    want_rv(c->p11->C_CloseAllSessions(c->slot), "C_CloseAllSessions", CKR_OK);
    c->session = conform_open(c, 0);
    want(conform_state(c, c->session) == CKS_RO_PUBLIC_SESSION, "logged in still after all sessions were closed");
}

static void not_the_last_session(struct conform *c)
{
    CK_SESSION_HANDLE other = conform_open(c, 0);
    want_rv(c->p11->C_CloseSession(c->session), "C_CloseSession", CKR_OK);
    want(conform_state(c, other) == CKS_RO_USER_FUNCTIONS,
         "a session that was not the last was closed, and nobody is logged in");
}

static void one_token_only(struct conform *c)
{
    c->slot = conform_other_token(c);
    CK_SESSION_HANDLE other = conform_open(c, 0);
    want(conform_state(c, other) == CKS_RO_PUBLIC_SESSION, "logging in to one token logged in to another");
    want_rv(c->p11->C_Logout(other), "C_Logout of the other token", CKR_USER_NOT_LOGGED_IN);
    want(conform_state(c, c->session) == CKS_RO_USER_FUNCTIONS, "the other token's C_Logout logged out of this one");
}

static void user_types(struct conform *c)
{
    want_rv(c->p11->C_Logout(c->session), "C_Logout", CKR_OK);
    want_rv(conform_login_as(c, c->session, 77), "C_Login as user type 77", CKR_USER_TYPE_INVALID);
    want_rv(conform_login_as(c, c->session, CKU_CONTEXT_SPECIFIC), "C_Login with CKU_CONTEXT_SPECIFIC and no operation",
            CKR_OPERATION_NOT_INITIALIZED, CKR_USER_NOT_LOGGED_IN);
    want(conform_state(c, c->session) == CKS_RO_PUBLIC_SESSION, "a refused C_Login changed the state");
}

static void login_user(struct conform *c)
{
    unsigned char name[] = "somebody";
    if (!c->p30)
        conform_skip("no interface of version 3");
    want_rv(c->p30->C_LoginUser(c->session, CKU_USER, c->pin.data, c->pin.len, name, sizeof name - 1),
            "C_LoginUser while logged in", CKR_USER_ALREADY_LOGGED_IN, CKR_ARGUMENTS_BAD, CKR_FUNCTION_NOT_SUPPORTED,
            CKR_USER_TYPE_INVALID);
    want_rv(c->p11->C_Logout(c->session), "C_Logout", CKR_OK);
    CK_RV rv = c->p30->C_LoginUser(c->session, CKU_USER, c->pin.data, c->pin.len, NULL, 0);
    want_rv(rv, "C_LoginUser without a name", CKR_OK, CKR_FUNCTION_NOT_SUPPORTED);
    want(rv != CKR_OK || conform_state(c, c->session) == CKS_RO_USER_FUNCTIONS,
         "C_LoginUser says CKR_OK, and nobody is logged in");
}

static void set_pin_read_only(struct conform *c)
{
    want_rv(c->p11->C_SetPIN(c->session, c->pin.data, c->pin.len, c->pin.data, c->pin.len),
            "C_SetPIN in a read-only session", CKR_SESSION_READ_ONLY);
}

static void always_authenticate(struct conform *c)
{
    CK_OBJECT_HANDLE key = conform_key(c);
    unsigned char signature[1024];
    struct prepared prepared;
    bool always = conform_number(c, c->session, key, CKA_ALWAYS_AUTHENTICATE, "CKA_ALWAYS_AUTHENTICATE") != 0;
    const struct mechanism *mechanism = conform_simplest(c, key);
    EVP_PKEY *public = conform_public(c, c->session, key);
    conform_prepare(mechanism, public, &prepared);
    for (int i = 0; i < 2; i++) {
        CK_ULONG len = sizeof signature;
        want_rv(c->p11->C_SignInit(c->session, &prepared.mechanism, key), "C_SignInit", CKR_OK);
        CK_RV rv = c->p11->C_Sign(c->session, prepared.data, prepared.len, signature, &len);
        if (always) {
            want_rv(rv, "C_Sign without the login that CKA_ALWAYS_AUTHENTICATE wants", CKR_USER_NOT_LOGGED_IN);
            len = sizeof signature;
            want_rv(c->p11->C_SignInit(c->session, &prepared.mechanism, key), "C_SignInit", CKR_OK);
            want_rv(conform_login_as(c, c->session, CKU_CONTEXT_SPECIFIC), "C_Login with CKU_CONTEXT_SPECIFIC", CKR_OK);
            rv = c->p11->C_Sign(c->session, prepared.data, prepared.len, signature, &len);
        }
        want_rv(rv, always ? "C_Sign after CKU_CONTEXT_SPECIFIC" : "C_Sign, where CKA_ALWAYS_AUTHENTICATE is false",
                CKR_OK);
        want(conform_verifies(mechanism, public, &prepared, signature, len), "the signature is wrong");
    }
    EVP_PKEY_free(public);
}

/* --- rows that spend a try
 * --------------------------------------------------------------------------------------------------- */

/* The right PIN first: it gives all tries back, so that it is known how many there are. */
static void fill_tries(struct conform *c)
{
    conform_login(c, c->session);
    want_rv(c->p11->C_Logout(c->session), "C_Logout", CKR_OK);
    CK_FLAGS flags = conform_token(c).flags;
    want(!(flags & (CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED)),
         "after the right PIN: flags 0x%lx", flags);
}

static void wrong_pin(struct conform *c)
{
    struct secret wrong = { 0 };
    fill_tries(c);
    want(secret_dup(&wrong, c->pin.data, c->pin.len) == RC_OK, "no memory");
    unsigned char *last = &wrong.data[wrong.len - 1];
    *last = *last == '0' || *last == 'A' || *last == 'a' ? (unsigned char)(*last + 1) : *last > '9' ? 'A' : '0';
    CK_RV rv = c->p11->C_Login(c->session, CKU_USER, wrong.data, wrong.len);
    CK_FLAGS flags = conform_token(c).flags;
    CK_STATE state = conform_state(c, c->session);
    secret_wipe(&wrong);
    conform_login(c, c->session); /* before anything else is judged */
    want_rv(rv, "C_Login with a wrong PIN", CKR_PIN_INCORRECT);
    want(state == CKS_RO_PUBLIC_SESSION, "a wrong PIN changed the state to %lu", state);
    want(flags & CKF_USER_PIN_COUNT_LOW, "after a wrong PIN CKF_USER_PIN_COUNT_LOW is missing");
    want(!(flags & CKF_USER_PIN_LOCKED), "after one wrong PIN CKF_USER_PIN_LOCKED");
    flags = conform_token(c).flags;
    want(!(flags & (CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED)),
         "after the right PIN again: flags 0x%lx", flags);
}

/* An impossible PIN cannot be right, and must not cost what a possible one costs. */
static void impossible_pin(struct conform *c)
{
    unsigned char pin[256];
    memset(pin, '0', sizeof pin);
    fill_tries(c);
    CK_TOKEN_INFO info = conform_token(c);
    const CK_ULONG lens[] = { info.ulMinPinLen - 1, info.ulMaxPinLen + 1 };
    for (size_t i = 0; i < COUNT(lens); i++) {
        if (lens[i] < 1 || lens[i] > sizeof pin)
            continue;
        CK_RV rv = c->p11->C_Login(c->session, CKU_USER, pin, lens[i]);
        CK_FLAGS flags = conform_token(c).flags;
        conform_login(c, c->session);
        want_rv(c->p11->C_Logout(c->session), "C_Logout", CKR_OK);
        want(rv == CKR_PIN_LEN_RANGE || rv == CKR_PIN_INCORRECT, "a PIN of %lu: %s", lens[i], ckr_name(rv));
        want(!(flags & CKF_USER_PIN_COUNT_LOW), "a PIN of %lu, which is out of %lu to %lu, cost a try", lens[i],
             info.ulMinPinLen, info.ulMaxPinLen);
    }
}

static void null_pin(struct conform *c)
{
    if (c->token.flags & CKF_PROTECTED_AUTHENTICATION_PATH)
        conform_skip("CKF_PROTECTED_AUTHENTICATION_PATH: NULL asks for the token's own dialogue");
    fill_tries(c);
    CK_RV rv = c->p11->C_Login(c->session, CKU_USER, NULL, 4);
    CK_FLAGS flags = conform_token(c).flags;
    conform_login(c, c->session);
    want_rv(rv, "C_Login with a PIN that is NULL", CKR_ARGUMENTS_BAD);
    want(!(flags & CKF_USER_PIN_COUNT_LOW), "a PIN that is NULL cost a try");
}

static void security_officer(struct conform *c)
{
    unsigned char pin[] = "0000000000000000";
    CK_ULONG len = c->token.ulMinPinLen <= 16 ? c->token.ulMinPinLen : 16;
    if (c->token.flags & (CKF_SO_PIN_COUNT_LOW | CKF_SO_PIN_FINAL_TRY | CKF_SO_PIN_LOCKED))
        conform_skip("the security officer's tries are not all there");
    CK_SESSION_HANDLE writing = conform_open(c, CKF_RW_SESSION);
    want_rv(c->p11->C_Login(writing, CKU_SO, pin, len), "C_Login as security officer with a read-only session open",
            CKR_SESSION_READ_ONLY_EXISTS, CKR_USER_TYPE_INVALID);
    want_rv(c->p11->C_CloseSession(c->session), "C_CloseSession", CKR_OK);
    CK_RV rv = c->p11->C_Login(writing, CKU_SO, pin, len);
    want(rv != CKR_OK, "anybody can be security officer");
    want(conform_state(c, writing) == CKS_RW_PUBLIC_SESSION, "a refused security officer changed the state");
}

const struct row rows_login[] = {
    { "login.pin", "3.0 §5.6 C_Login", "takes the right PIN", ROW_LOGIN, 0, pin_is_right },
    { "login.states", "3.0 §4.7.2",
      "the user's functions in this session and in those opened later, read-only and read/write", ROW_LOGIN, 0,
      states },
    { "login.other-sessions", "3.0 §4.7.2", "the user's functions in sessions that were open before", ROW_SESSION,
      ROW_WANTS_PIN, other_sessions },
    { "login.twice", "3.0 §5.6 C_Login", "is told so, in any session of the token", ROW_LOGIN, 0, logged_in_twice },
    { "login.logout", "3.0 §5.6 C_Logout", "all sessions are public again; nobody can log out twice", ROW_LOGIN, 0,
      logout },
    { "login.logout-hides", "3.0 §5.6 C_Logout", "private objects are gone, their handles too", ROW_LOGIN, 0,
      logout_hides },
    { "login.logout-disarms", "3.0 §5.6 C_Logout", "nothing is signed after it, though it had begun", ROW_LOGIN, 0,
      logout_disarms },
    { "login.last-session", "3.0 §5.6 C_CloseSession", "closing the last session logs out", ROW_LOGIN, 0,
      last_session },
    { "login.all-sessions", "3.0 §5.6 C_CloseAllSessions", "closing all sessions logs out", ROW_LOGIN, 0,
      all_sessions },
    { "login.not-last-session", "3.0 §5.6 C_CloseSession", "closing another does not", ROW_LOGIN, 0,
      not_the_last_session },
    { "login.one-token", "3.0 §4.7", "one token's login is not another's", ROW_LOGIN, 0, one_token_only },
    { "login.user-types", "3.0 §5.6 C_Login", "refuses unknown users, and CKU_CONTEXT_SPECIFIC without an operation",
      ROW_LOGIN, 0, user_types },
    { "login.login-user", "3.0 §5.6 C_LoginUser", "without a name it is C_Login, or refused", ROW_LOGIN, 0,
      login_user },
    { "login.set-pin-read-only", "3.0 §5.5 C_SetPIN", "no PIN change in a read-only session", ROW_LOGIN, 0,
      set_pin_read_only },
    { "login.always-authenticate", "3.0 §4.9 CKA_ALWAYS_AUTHENTICATE",
      "is what the attribute says: asked for each signature, or not at all", ROW_LOGIN, 0, always_authenticate },
    { "login.wrong-pin", "3.0 §5.6 C_Login; §3.2", "is refused, shown by the flag, and forgotten with the right one",
      ROW_SESSION, ROW_SPENDS, wrong_pin },
    { "login.impossible-pin", "3.0 §5.6 C_Login", "one of an impossible length costs no try", ROW_SESSION, ROW_SPENDS,
      impossible_pin },
    { "login.null-pin", "3.0 §5.6 C_Login", "NULL is no PIN where there is no protected path, and costs no try",
      ROW_SESSION, ROW_SPENDS, null_pin },
    { "login.security-officer", "3.0 §5.6 C_Login", "no security officer beside read-only sessions, nor by any PIN",
      ROW_SESSION, ROW_NATIONAL | ROW_SPENDS, security_officer },
    { 0 },
};

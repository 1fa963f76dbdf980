/* fuzz_hostile_app.c — an application that calls anything in any order with odd arguments, over a sound card. Pointers
 * are what C allows them to be: NULL, or so many bytes as are said. Whatever it does: only C_Login and C_SetPIN with a
 * PIN spend tries, one at most; only a session of a user who is logged in signs; a sound card is no reason for
 * CKR_GENERAL_ERROR or a device error; no transaction stays between two calls. */
#include "inmodule.h"

#define HANDLES 8
#define CALLS_MAX 64

static struct fuzz_input input;
static CK_SESSION_HANDLE sessions[HANDLES];
static CK_OBJECT_HANDLE objects[HANDLES];
static unsigned sessions_next, objects_next;

/* --- arguments
 * ------------------------------------------------------------------------------------------------------------- */

/* Mostly one that was given out, sometimes one that never was. */
static CK_SESSION_HANDLE any_session(void)
{
    unsigned n = fuzz_u8(&input);
    return n < 0xF0 ? sessions[n % HANDLES] : n == 0xFF ? ~0UL : n & 3;
}

static CK_OBJECT_HANDLE any_object(void)
{
    unsigned n = fuzz_u8(&input);
    return n < 0xF0 ? objects[n % HANDLES] : n == 0xFF ? ~0UL : n;
}

static CK_SLOT_ID any_slot(void)
{
    unsigned n = fuzz_u8(&input);
    return n < 0xF0 ? n % 2 : n == 0xFF ? ~0UL : n;
}

/* Exactly as long as it is said to be; freed by the caller. NULL with any length now and then. */
static unsigned char *any_data(CK_ULONG *len)
{
    unsigned n = fuzz_u8(&input);
    struct bytes taken = fuzz_bytes(&input, n & 0x7F);
    size_t want = n & 0x80 ? 2 * (n & 0x7F) + 1 : taken.len; /* longer than the input is: zeros */
    *len = n == 0x7F ? fuzz_u8(&input) : want;
    if (n == 0x7F)
        return NULL;
    unsigned char *data = calloc(1, want ? want : 1);
    FUZZ_CHECK(data);
    memcpy(data, taken.data ? taken.data : (const uint8_t *)"", taken.len < want ? taken.len : want);
    return data;
}

static unsigned char *any_space(CK_ULONG *len)
{
    static const CK_ULONG sizes[] = {256, 0, 1, 20, 31, 32, 48, 64, 255, 257, 4096};
    unsigned n = fuzz_u8(&input);
    *len = sizes[n % (sizeof sizes / sizeof sizes[0])];
    return n & 0x80 ? NULL : malloc(*len ? *len : 1);
}

static unsigned char *any_pin(CK_ULONG *len)
{
    static const char *const pins[] = {TESTCARD_AUTH_PIN, TESTCARD_SIGN_PIN, "0000", "abc123", "ZZZZ99", "12345", ""};
    unsigned n = fuzz_u8(&input);
    if (n >= sizeof pins / sizeof pins[0])
        return any_data(len);
    *len = strlen(pins[n]);
    return (unsigned char *)strdup(pins[n]);
}

/* Freed by free_mechanism. */
static CK_MECHANISM *any_mechanism(void)
{
    static const CK_MECHANISM_TYPE types[] = {
        CKM_RSA_PKCS,        CKM_SHA256_RSA_PKCS, CKM_RSA_PKCS_PSS, CKM_SHA256_RSA_PKCS_PSS,
        CKM_SHA_1,           CKM_SHA256,          CKM_SHA512,       CKM_SHA1_RSA_PKCS,
        CKM_SHA512_RSA_PKCS, CKM_ECDSA,           CKM_RSA_X_509,    CKM_MD5,
        CKM_VENDOR_DEFINED};
    static const CK_RSA_PKCS_PSS_PARAMS right = {CKM_SHA256, CKG_MGF1_SHA256, 32};
    unsigned n = fuzz_u8(&input);
    unsigned parameter = fuzz_u8(&input);
    if (n == 0xFF)
        return NULL;
    CK_MECHANISM *mechanism = calloc(1, sizeof *mechanism);
    FUZZ_CHECK(mechanism);
    mechanism->mechanism = types[n % (sizeof types / sizeof types[0])];
    if (parameter & 1) {
        mechanism->ulParameterLen = sizeof right;
        mechanism->pParameter = malloc(sizeof right);
        memcpy(mechanism->pParameter, &right, sizeof right);
        ((CK_RSA_PKCS_PSS_PARAMS *)mechanism->pParameter)->sLen ^= parameter >> 1;
    } else if (parameter) {
        mechanism->pParameter = any_data(&mechanism->ulParameterLen);
    }
    return mechanism;
}

static void free_mechanism(CK_MECHANISM *mechanism)
{
    if (mechanism)
        free(mechanism->pParameter);
    free(mechanism);
}

static CK_ATTRIBUTE *any_template(CK_ULONG *count)
{
    static const CK_ATTRIBUTE_TYPE types[] = {CKA_CLASS,
                                              CKA_ID,
                                              CKA_LABEL,
                                              CKA_TOKEN,
                                              CKA_PRIVATE,
                                              CKA_VALUE,
                                              CKA_SUBJECT,
                                              CKA_MODULUS,
                                              CKA_KEY_TYPE,
                                              CKA_SIGN,
                                              CKA_CERTIFICATE_TYPE,
                                              CKA_PUBLIC_KEY_INFO,
                                              CKA_ALLOWED_MECHANISMS,
                                              CKA_UNIQUE_ID,
                                              CKA_JPKI_PIN_TRIES,
                                              CKA_VENDOR_DEFINED};
    unsigned n = fuzz_u8(&input);
    *count = n == 0xFF ? ~0UL : n % 6;
    if (n == 0xFE || n == 0xFF)
        return NULL;
    CK_ATTRIBUTE *template = calloc(*count ? *count : 1, sizeof *template);
    FUZZ_CHECK(template);
    for (CK_ULONG i = 0; i < *count; i++) {
        unsigned type = fuzz_u8(&input);
        template[i].type =
            type < 0xF0 ? types[type % (sizeof types / sizeof types[0])] : (CK_ATTRIBUTE_TYPE)type << (type & 15);
        template[i].pValue = any_data(&template[i].ulValueLen);
        if (type % 3 == 0 && template[i].pValue && template[i].ulValueLen >= sizeof(CK_ULONG)) /* a class, a key type */
            memcpy(template[i].pValue, &(CK_ULONG){fuzz_u8(&input) & 15}, sizeof(CK_ULONG));
    }
    return template;
}

static void free_template(CK_ATTRIBUTE *template, CK_ULONG count)
{
    for (CK_ULONG i = 0; template && i < count; i++)
        free(template[i].pValue);
    free(template);
}

/* --- calls
 * ----------------------------------------------------------------------------------------------------------------- */

/* Everything that an input decides is taken in its own statement: the order of arguments is the compiler's. */

static CK_RV slots(void)
{
    CK_SLOT_ID list[4];
    CK_SLOT_INFO slot;
    CK_TOKEN_INFO token;
    CK_SESSION_INFO session;
    unsigned call = fuzz_u8(&input) % 6;
    unsigned null = fuzz_u8(&input) & 1;
    unsigned number = fuzz_u8(&input);
    CK_ULONG count = number % 4;
    switch (call) {
    case 0:
        return inmodule->C_GetSlotList((unsigned char)(number >> 4), null ? NULL : list, &count);
    case 1:
        return inmodule->C_GetSlotInfo(any_slot(), null ? NULL : &slot);
    case 2:
        return inmodule->C_GetTokenInfo(any_slot(), null ? NULL : &token);
    case 3:
        return inmodule->C_GetSessionInfo(any_session(), null ? NULL : &session);
    case 4:
        return inmodule->C_WaitForSlotEvent(number, list, null ? list : NULL);
    default:
        return inmodule->C_GetSlotList(CK_TRUE, NULL, NULL);
    }
}

static CK_RV mechanisms(void)
{
    CK_MECHANISM_TYPE list[40];
    CK_MECHANISM_INFO info;
    unsigned number = fuzz_u8(&input);
    unsigned how = fuzz_u8(&input) % 3;
    CK_ULONG count = number % 41;
    if (how == 0)
        return inmodule->C_GetMechanismInfo(any_slot(), number, &info);
    return inmodule->C_GetMechanismList(any_slot(), how == 1 ? list : NULL, &count);
}

static CK_RV open_session(void)
{
    unsigned flags = fuzz_u8(&input);
    CK_RV rv =
        inmodule->C_OpenSession(any_slot(), CKF_SERIAL_SESSION ^ flags, NULL, NULL, &sessions[sessions_next % HANDLES]);
    sessions_next += rv == CKR_OK;
    return rv;
}

static CK_RV close_session(void)
{
    return fuzz_u8(&input) & 7 ? inmodule->C_CloseSession(any_session()) : inmodule->C_CloseAllSessions(any_slot());
}

static CK_RV login(void)
{
    static const CK_USER_TYPE users[] = {CKU_USER, CKU_CONTEXT_SPECIFIC, CKU_SO, 99};
    CK_ULONG len;
    unsigned user = fuzz_u8(&input);
    unsigned char *pin = any_pin(&len);
    CK_RV rv = user & 0x80 ? inmodule->C_LoginUser(any_session(), users[user & 3], pin, len, NULL, user & 0x40)
                           : inmodule->C_Login(any_session(), users[user & 3], pin, len);
    free(pin);
    return rv;
}

static CK_RV set_pin(void)
{
    CK_ULONG old_len, fresh_len;
    unsigned char *old = any_pin(&old_len);
    unsigned char *fresh = any_pin(&fresh_len);
    CK_RV rv = inmodule->C_SetPIN(any_session(), old, old_len, fresh, fresh_len);
    free(old);
    free(fresh);
    return rv;
}

static CK_RV find(void)
{
    CK_OBJECT_HANDLE found[20];
    CK_ULONG count, n = 0, max = fuzz_u8(&input) % 21;
    bool leave = fuzz_u8(&input) & 0x80; /* the search active; another call ends it, or none */
    CK_SESSION_HANDLE session = any_session();
    CK_ATTRIBUTE *template = any_template(&count);
    CK_RV rv = inmodule->C_FindObjectsInit(session, template, count);
    free_template(template, count);
    if (rv == CKR_OK && inmodule->C_FindObjects(session, max ? found : NULL, max, &n) == CKR_OK) {
        FUZZ_CHECK(n <= max);
        for (CK_ULONG i = 0; i < n; i++)
            objects[objects_next++ % HANDLES] = found[i];
    }
    return leave ? rv : inmodule->C_FindObjectsFinal(session);
}

static CK_RV attributes(void)
{
    CK_ULONG count, size;
    unsigned how = fuzz_u8(&input);
    CK_SESSION_HANDLE session = any_session();
    CK_OBJECT_HANDLE object = any_object();
    if (how < 2)
        return inmodule->C_GetObjectSize(session, object, how ? &size : NULL);
    CK_ATTRIBUTE *template = any_template(&count), *filled = NULL;
    CK_ULONG copies = template ? count : 0;
    filled = calloc(copies ? copies : 1, sizeof *filled); /* the module writes lengths into it */
    FUZZ_CHECK(filled);
    if (copies)
        memcpy(filled, template, copies * sizeof *filled);
    CK_RV rv = inmodule->C_GetAttributeValue(session, object, template ? filled : NULL, count);
    free(filled);
    free_template(template, count);
    return rv;
}

static bool is_logged_in(CK_SESSION_HANDLE session)
{
    CK_SESSION_INFO info;
    return inmodule->C_GetSessionInfo(session, &info) == CKR_OK &&
           (info.state == CKS_RO_USER_FUNCTIONS || info.state == CKS_RW_USER_FUNCTIONS);
}

/* The two families of three calls have the same shapes. */
static CK_RV begin_operation(void)
{
    CK_MECHANISM *mechanism = any_mechanism();
    CK_SESSION_HANDLE session = any_session();
    CK_OBJECT_HANDLE key = any_object();
    CK_RV rv;
    switch (fuzz_u8(&input) % 3) {
    case 0:
        rv = inmodule->C_SignInit(session, mechanism, key);
        break;
    case 1:
        rv = inmodule->C_VerifyInit(session, mechanism, key);
        break;
    default:
        rv = inmodule->C_DigestInit(session, mechanism);
    }
    free_mechanism(mechanism);
    return rv;
}

static CK_RV go_on(void)
{
    CK_ULONG data_len, out_len;
    unsigned call = fuzz_u8(&input);
    CK_SESSION_HANDLE session = any_session();
    bool logged_in = is_logged_in(session);
    unsigned char *data = any_data(&data_len);
    unsigned char *out = any_space(&out_len);
    CK_ULONG *space = call & 0x80 ? NULL : &out_len;
    CK_RV rv;
    switch (call % 9) {
    case 0:
        rv = inmodule->C_Sign(session, data, data_len, out, space);
        break;
    case 1:
        rv = inmodule->C_SignUpdate(session, data, data_len);
        break;
    case 2:
        rv = inmodule->C_SignFinal(session, out, space);
        break;
    case 3:
        rv = inmodule->C_Verify(session, data, data_len, out, out_len);
        break;
    case 4:
        rv = inmodule->C_VerifyUpdate(session, data, data_len);
        break;
    case 5:
        rv = inmodule->C_VerifyFinal(session, out, out_len);
        break;
    case 6:
        rv = inmodule->C_Digest(session, data, data_len, out, space);
        break;
    case 7:
        rv = inmodule->C_DigestUpdate(session, data, data_len);
        break;
    default:
        rv = inmodule->C_DigestFinal(session, out, space);
    }
    FUZZ_CHECK(rv != CKR_OK || call % 9 > 2 || logged_in);
    free(data);
    free(out);
    return rv;
}

static CK_RV odds_and_ends(void)
{
    CK_ULONG n = 0;
    CK_INFO info;
    unsigned call = fuzz_u8(&input) % 9;
    unsigned how = fuzz_u8(&input);
    switch (call) {
    case 0:
        return inmodule->C_Logout(any_session());
    case 1:
        return inmodule->C_SessionCancel(any_session(), how << 6);
    case 2:
        return inmodule->C_Finalize(how & 1 ? &n : NULL);
    case 3:
        return inmodule->C_Initialize(NULL);
    case 4:
        return inmodule->C_GetInfo(how & 1 ? &info : NULL);
    case 5:
        return inmodule->C_GetOperationState(any_session(), NULL, &n);
    case 6:
        return inmodule->C_CreateObject(any_session(), NULL, ~0UL, &n);
    case 7: /* the card's power is gone for a moment, and comes again */
        the_reader.in = false;
        the_reader.state++;
        sim_power_off(the_reader.sim);
        faulty_put_in();
        sim_power_on(the_reader.sim);
        return CKR_OK;
    default:
        return inmodule->C_InitToken(any_slot(), NULL, 0, NULL);
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    inmodule_open();
    return 0;
}

/* What is true after every call. */
static void judge(CK_RV rv, bool may_spend, const unsigned *before, unsigned sent_before)
{
    FUZZ_CHECK(rv != CKR_GENERAL_ERROR && rv != CKR_DEVICE_ERROR && rv != CKR_HOST_MEMORY && rv != CKR_VENDOR_DEFINED);
    FUZZ_CHECK(the_reader.open == 0);
    FUZZ_CHECK(the_reader.presented <= sent_before + 2); /* a change sends two */
    for (unsigned half = 0; half < 2; half++) {
        unsigned now = faulty_tries(half);
        FUZZ_CHECK(now >= before[half] || (may_spend && now + 1 == before[half]));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static CK_RV (*const calls[])(void) = {slots, mechanisms, open_session,    close_session, login,        set_pin,
                                           find,  attributes, begin_operation, go_on,         odds_and_ends};
    input = (struct fuzz_input){data, size};
    memset(sessions, 0, sizeof sessions);
    memset(objects, 0, sizeof objects);
    sessions_next = objects_next = 0;
    inmodule_begin();
    for (unsigned i = 0; i < CALLS_MAX && input.left; i++) {
        const unsigned before[2] = {faulty_tries(false), faulty_tries(true)};
        unsigned sent = the_reader.presented;
        unsigned call = fuzz_u8(&input) % (sizeof calls / sizeof calls[0]);
        CK_RV rv = calls[call]();
        judge(rv, calls[call] == login || calls[call] == set_pin, before, sent);
    }
    (void)inmodule->C_Finalize(NULL);
    FUZZ_CHECK(!faulty_is_presented(false) && !faulty_is_presented(true));
    inmodule_end();
    return 0;
}

/* rows_slot.c — slots, tokens, and what they say about themselves. */
#include "conformance.h"

#include "support/ckr_name.h"

#include <string.h>

enum { SLOTS = 64 };
static const CK_SLOT_ID no_slot = 0x7FFF1234UL;

static CK_ULONG slots(struct conform *c, CK_BBOOL present, CK_SLOT_ID *list)
{
    CK_ULONG count = SLOTS;
    want_rv(c->p11->C_GetSlotList(present, list, &count), "C_GetSlotList", CKR_OK);
    want(count <= SLOTS, "%lu slots", count);
    return count;
}

static void slot_list(struct conform *c)
{
    CK_SLOT_ID list[SLOTS];
    CK_ULONG count = 0, less;
    want_rv(c->p11->C_GetSlotList(CK_TRUE, NULL, NULL), "C_GetSlotList without a count", CKR_ARGUMENTS_BAD);
    want_rv(c->p11->C_GetSlotList(CK_TRUE, NULL, &count), "C_GetSlotList(NULL)", CKR_OK);
    want(count == slots(c, CK_TRUE, list), "the number and the list differ");
    if (!count)
        conform_skip("no token");
    less = count - 1;
    want_rv(c->p11->C_GetSlotList(CK_TRUE, list, &less), "C_GetSlotList with one too few", CKR_BUFFER_TOO_SMALL);
    want(less == count, "C_GetSlotList with one too few says %lu, not %lu", less, count);
}

static void slot_present(struct conform *c)
{
    CK_SLOT_ID all[SLOTS], present[SLOTS];
    CK_ULONG n = slots(c, CK_FALSE, all), m = slots(c, CK_TRUE, present);
    for (CK_ULONG i = 0; i < m; i++) {
        bool found = false;
        for (CK_ULONG j = 0; j < n; j++)
            found |= all[j] == present[i];
        want(found, "slot %lu holds a token and is not among all slots", present[i]);
    }
    for (CK_ULONG j = 0; j < n; j++) {
        CK_SLOT_INFO info;
        bool listed = false;
        want_rv(c->p11->C_GetSlotInfo(all[j], &info), "C_GetSlotInfo", CKR_OK);
        for (CK_ULONG i = 0; i < m; i++)
            listed |= present[i] == all[j];
        want(listed == !!(info.flags & CKF_TOKEN_PRESENT),
             "slot %lu: CKF_TOKEN_PRESENT and the list of present tokens differ", all[j]);
    }
}

static void slot_info(struct conform *c)
{
    CK_SLOT_INFO info = { .flags = ~0UL };
    want_rv(c->p11->C_GetSlotInfo(c->slot, NULL), "C_GetSlotInfo(NULL)", CKR_ARGUMENTS_BAD);
    want_rv(c->p11->C_GetSlotInfo(c->slot, &info), "C_GetSlotInfo", CKR_OK);
    want(info.flags & CKF_TOKEN_PRESENT, "CKF_TOKEN_PRESENT is missing");
    want(!(info.flags & ~(CK_FLAGS)(CKF_TOKEN_PRESENT | CKF_REMOVABLE_DEVICE | CKF_HW_SLOT)), "unknown flags: 0x%lx",
         info.flags);
    want(conform_is_padded(info.slotDescription, sizeof info.slotDescription),
         "slotDescription is not filled with blanks");
    want(conform_is_padded(info.manufacturerID, sizeof info.manufacturerID),
         "manufacturerID is not filled with blanks");
}

static void unknown_slot(struct conform *c)
{
    CK_SLOT_INFO slot;
    CK_TOKEN_INFO token;
    CK_MECHANISM_INFO mechanism;
    CK_ULONG n = 0;
    want_rv(c->p11->C_GetSlotInfo(no_slot, &slot), "C_GetSlotInfo", CKR_SLOT_ID_INVALID);
    want_rv(c->p11->C_GetTokenInfo(no_slot, &token), "C_GetTokenInfo", CKR_SLOT_ID_INVALID);
    want_rv(c->p11->C_GetMechanismList(no_slot, NULL, &n), "C_GetMechanismList", CKR_SLOT_ID_INVALID);
    want_rv(c->p11->C_GetMechanismInfo(no_slot, CKM_RSA_PKCS, &mechanism), "C_GetMechanismInfo", CKR_SLOT_ID_INVALID);
    want_rv(c->p11->C_OpenSession(no_slot, CKF_SERIAL_SESSION, NULL, NULL, &n), "C_OpenSession", CKR_SLOT_ID_INVALID);
    want_rv(c->p11->C_CloseAllSessions(no_slot), "C_CloseAllSessions", CKR_SLOT_ID_INVALID);
}

static void wait_without_blocking(struct conform *c)
{
    CK_SLOT_ID slot = 0;
    CK_RV rv = CKR_OK;
    for (int i = 0; i < 2 * SLOTS && rv == CKR_OK; i++) /* the cards that were there may be events */
        rv = c->p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, NULL);
    want_rv(rv, "C_WaitForSlotEvent(CKF_DONT_BLOCK)", CKR_NO_EVENT);
}

static void wait_arguments(struct conform *c)
{
    CK_SLOT_ID slot = 0;
    int anything = 0;
    want_rv(c->p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, &anything), "C_WaitForSlotEvent with pReserved",
            CKR_ARGUMENTS_BAD);
    want_rv(c->p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, NULL, NULL), "C_WaitForSlotEvent without a place for the slot",
            CKR_ARGUMENTS_BAD);
}

/* --- tokens
 * ----------------------------------------------------------------------------------------------------------------- */

static void token_info(struct conform *c)
{
    CK_TOKEN_INFO info = conform_token(c);
    want_rv(c->p11->C_GetTokenInfo(c->slot, NULL), "C_GetTokenInfo(NULL)", CKR_ARGUMENTS_BAD);
    want(conform_is_padded(info.label, sizeof info.label), "label is not filled with blanks");
    want(conform_is_padded(info.manufacturerID, sizeof info.manufacturerID),
         "manufacturerID is not filled with blanks");
    want(conform_is_padded(info.model, sizeof info.model), "model is not filled with blanks");
    want(conform_is_padded(info.serialNumber, sizeof info.serialNumber), "serialNumber is not filled with blanks");
    want(info.label[0] != ' ', "the label is empty");
}

static void token_serial(struct conform *c)
{
    const unsigned char *serial = c->token.serialNumber;
    size_t same = 1;
    while (same < sizeof c->token.serialNumber && (serial[same] == serial[0] || serial[same] == ' '))
        same++;
    want(same < sizeof c->token.serialNumber, "the serial number is '%.16s': cards cannot be told apart",
         (const char *)serial);
}

static void token_unique(struct conform *c)
{
    CK_SLOT_ID list[SLOTS];
    CK_ULONG count = slots(c, CK_TRUE, list);
    CK_TOKEN_INFO other;
    for (CK_ULONG i = 0; i < count; i++) {
        if (list[i] == c->slot || c->p11->C_GetTokenInfo(list[i], &other) != CKR_OK)
            continue;
        want(memcmp(other.label, c->token.label, sizeof other.label) ||
                 memcmp(other.serialNumber, c->token.serialNumber, 16),
             "another token has the same label and serial number");
    }
}

static void token_flags(struct conform *c)
{
    want(c->token.flags & CKF_TOKEN_INITIALIZED, "CKF_TOKEN_INITIALIZED is missing");
    want(c->token.flags & CKF_USER_PIN_INITIALIZED, "CKF_USER_PIN_INITIALIZED is missing");
    want(c->token.flags & CKF_LOGIN_REQUIRED, "CKF_LOGIN_REQUIRED is missing");
}

static void token_protected(struct conform *c)
{
    want(c->token.flags & CKF_WRITE_PROTECTED, "CKF_WRITE_PROTECTED is missing");
}

static void token_pin_lengths(struct conform *c)
{
    CK_ULONG min = c->token.ulMinPinLen, max = c->token.ulMaxPinLen;
    want(min > 0 && min <= max && max <= 255, "PIN lengths from %lu to %lu", min, max);
}

static void token_pin_flags(struct conform *c)
{
    CK_FLAGS flags = c->token.flags;
    if (flags & (CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED))
        want(flags & CKF_USER_PIN_COUNT_LOW || flags & CKF_USER_PIN_LOCKED,
             "the last try without CKF_USER_PIN_COUNT_LOW");
    want(!(flags & CKF_USER_PIN_LOCKED) || !(flags & CKF_USER_PIN_FINAL_TRY), "locked, and one try left");
}

static void token_sessions(struct conform *c)
{
    CK_TOKEN_INFO before = conform_token(c), after;
    (void)conform_open(c, 0);
    (void)conform_open(c, 0);
    after = conform_token(c);
    if (before.ulSessionCount == CK_UNAVAILABLE_INFORMATION)
        return;
    want(after.ulSessionCount == before.ulSessionCount + 2, "two sessions more: ulSessionCount went from %lu to %lu",
         before.ulSessionCount, after.ulSessionCount);
    want(after.ulMaxSessionCount == CK_EFFECTIVELY_INFINITE || after.ulMaxSessionCount == CK_UNAVAILABLE_INFORMATION ||
             after.ulMaxSessionCount >= after.ulSessionCount,
         "%lu sessions, of %lu at most", after.ulSessionCount, after.ulMaxSessionCount);
}

static void token_random(struct conform *c)
{
    unsigned char bytes[2][16];
    memset(bytes, 0, sizeof bytes);
    CK_RV rv = c->p11->C_GenerateRandom(c->session, bytes[0], 16);
    if (!(c->token.flags & CKF_RNG)) {
        want_rv(rv, "C_GenerateRandom without CKF_RNG", CKR_RANDOM_NO_RNG, CKR_FUNCTION_NOT_SUPPORTED);
        return;
    }
    want_rv(rv, "C_GenerateRandom with CKF_RNG", CKR_OK);
    want_rv(c->p11->C_GenerateRandom(c->session, bytes[1], 16), "C_GenerateRandom", CKR_OK);
    want(memcmp(bytes[0], bytes[1], 16) != 0, "the same random bytes twice");
}

const struct row rows_slot[] = {
    { "slot.list", "3.0 §5.5 C_GetSlotList", "two-call rule: number, too small a list, the list", ROW_MODULE, 0,
      slot_list },
    { "slot.present", "3.0 §5.5 C_GetSlotList", "lists with tokens exactly those slots that say CKF_TOKEN_PRESENT",
      ROW_MODULE, 0, slot_present },
    { "slot.info", "3.0 §5.5 C_GetSlotInfo", "known flags, texts filled with blanks, NULL refused", ROW_TOKEN, 0,
      slot_info },
    { "slot.unknown", "3.0 §5.5", "a slot that does not exist is CKR_SLOT_ID_INVALID to every function", ROW_MODULE, 0,
      unknown_slot },
    { "slot.wait-nonblocking", "3.0 §5.5 C_WaitForSlotEvent", "without blocking, and without an event: CKR_NO_EVENT",
      ROW_MODULE, 0, wait_without_blocking },
    { "slot.wait-arguments", "3.0 §5.5 C_WaitForSlotEvent", "refuses pReserved, and NULL for the slot", ROW_MODULE, 0,
      wait_arguments },
    { "token.info", "3.0 §5.5 C_GetTokenInfo", "texts filled with blanks, a label, NULL refused", ROW_TOKEN, 0,
      token_info },
    { "token.serial", "3.0 §3.2 CK_TOKEN_INFO; RFC 7512", "a serial number that can tell cards apart", ROW_TOKEN, 0,
      token_serial },
    { "token.unique", "RFC 7512 §2.3", "no two tokens share label and serial number", ROW_TOKEN, 0, token_unique },
    { "token.flags", "3.0 §3.2 CK_TOKEN_INFO", "initialised, with a PIN, login required", ROW_TOKEN, 0, token_flags },
    { "token.write-protected", "3.0 §3.2 CK_TOKEN_INFO", "says that nothing can be written", ROW_TOKEN, ROW_NATIONAL,
      token_protected },
    { "token.pin-lengths", "3.0 §3.2 CK_TOKEN_INFO", "possible lengths of a PIN", ROW_TOKEN, 0, token_pin_lengths },
    { "token.pin-flags", "3.0 §3.2 CK_TOKEN_INFO", "the flags about tries do not contradict each other", ROW_TOKEN, 0,
      token_pin_flags },
    { "token.session-counts", "3.0 §3.2 CK_TOKEN_INFO", "counts sessions, or says that it does not", ROW_TOKEN, 0,
      token_sessions },
    { "token.random", "3.0 §5.19 C_GenerateRandom", "random numbers exactly if CKF_RNG says so", ROW_SESSION, 0,
      token_random },
    { 0 },
};

/* ckr.c — the one table from rc to CKR. A call that knows better what an rc means in its place (a refused PIN inside
 * C_Sign) says so itself, before it comes here. */
#include "pkcs11/ckr.h"

/* Shifted by one, so that a row that was forgotten is zero and not CKR_OK. */
#define ROW(ckr) ((ckr) + 1)

static const CK_RV rows[RC_COUNT] = {
    [RC_OK] = ROW(CKR_OK),
    [RC_NOMEM] = ROW(CKR_HOST_MEMORY),
    [RC_IO] = ROW(CKR_DEVICE_ERROR),
    [RC_BUG] = ROW(CKR_GENERAL_ERROR),
    [RC_CRYPTO] = ROW(CKR_FUNCTION_FAILED),
    [RC_USAGE] = ROW(CKR_ARGUMENTS_BAD),
    [RC_FORMAT] = ROW(CKR_DEVICE_ERROR), /* bytes of the card that are not what its files hold */
    [RC_RANGE] = ROW(CKR_DATA_LEN_RANGE),
    [RC_UNSUPPORTED] = ROW(CKR_MECHANISM_INVALID), /* this card does not have the signature scheme */
    [RC_NOT_FOUND] = ROW(CKR_KEY_HANDLE_INVALID),  /* no such key in the card */
    [RC_EXISTS] = ROW(CKR_GENERAL_ERROR),
    [RC_CONFLICT] = ROW(CKR_DEVICE_ERROR), /* another program holds the card for itself */
    [RC_DENIED] = ROW(CKR_FUNCTION_REJECTED),
    [RC_STATE] = ROW(CKR_FUNCTION_FAILED), /* the card is not in its holder's hands yet, or no more */
    [RC_BAD_SIGNATURE] = ROW(CKR_SIGNATURE_INVALID),
    [RC_INTERRUPTED] = ROW(CKR_FUNCTION_CANCELED),
    [RC_UNREACHABLE] = ROW(CKR_DEVICE_ERROR),
    [RC_TIMEOUT] = ROW(CKR_FUNCTION_CANCELED), /* nobody typed a PIN on the reader */
    [RC_REFUSED] = ROW(CKR_FUNCTION_FAILED),
    [RC_READER_GONE] = ROW(CKR_DEVICE_REMOVED),
    [RC_CARD_ABSENT] = ROW(CKR_TOKEN_NOT_PRESENT),
    [RC_CARD_GONE] = ROW(CKR_DEVICE_REMOVED),
    [RC_CARD_RESET] = ROW(CKR_DEVICE_ERROR),
    [RC_CARD_FOREIGN] = ROW(CKR_TOKEN_NOT_RECOGNIZED),
    [RC_CARD_REFUSED] = ROW(CKR_DEVICE_ERROR),
    [RC_PIN_WRONG] = ROW(CKR_PIN_INCORRECT),
    [RC_PIN_BLOCKED] = ROW(CKR_PIN_LOCKED),
    [RC_PIN_FORMAT] = ROW(CKR_PIN_INVALID),
    [RC_PIN_NEEDED] = ROW(CKR_USER_NOT_LOGGED_IN),
};

CK_RV ckr_of_rc(enum rc rc)
{
    if ((unsigned)rc >= RC_COUNT || rows[rc] == 0)
        return CKR_GENERAL_ERROR;
    return rows[rc] - 1;
}

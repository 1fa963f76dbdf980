/* test_pkcs11_pins.c — the built module: what it does with PINs, and what nobody can do with them. */
#include "module_case.h"

#include <openssl/rsa.h>
#include <stdlib.h>

static void ill_formed_pins_never_reach_the_card(void **state)
{
    (void)state;
    const struct {
        CK_SLOT_ID slot;
        const char *pin;
        CK_RV rv;
    } rows[] = {
        { AUTH, "", CKR_PIN_LEN_RANGE },       { AUTH, "123", CKR_PIN_LEN_RANGE },
        { AUTH, "12345", CKR_PIN_LEN_RANGE },  { AUTH, "12a4", CKR_PIN_INVALID },
        { AUTH, "ABC123", CKR_PIN_LEN_RANGE }, { SIGN, "1234", CKR_PIN_LEN_RANGE },
        { SIGN, "ABC12", CKR_PIN_LEN_RANGE },  { SIGN, "ABCDEFGHIJKLMNOP1", CKR_PIN_LEN_RANGE },
        { SIGN, "ABC-123", CKR_PIN_INVALID },  { SIGN, "ABC 123", CKR_PIN_INVALID },
    };
    CK_SESSION_HANDLE s[] = { session(AUTH, NULL), session(SIGN, NULL) };
    (void)carded_count(&carded);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(login(s[rows[i].slot], rows[i].pin), rows[i].rv);
        assert_int_equal(carded_count(&carded), 0);
    }
    assert_int_equal(pin_flags(AUTH) | pin_flags(SIGN), 0);
}

static void a_wrong_pin_costs_one_try_once(void **state)
{
    (void)state;
    CK_SESSION_HANDLE s = session(AUTH, NULL);
    assert_int_equal(pin_flags(AUTH), 0);
    assert_int_equal(login(s, "9999"), CKR_PIN_INCORRECT);
    assert_int_equal(carded.verifies, 1);
    assert_int_equal(pin_flags(AUTH), CKF_USER_PIN_COUNT_LOW);
    for (int i = 0; i < 5; i++)
        assert_int_equal(login(s, "9999"), CKR_PIN_INCORRECT); /* this process knows */
    assert_int_equal(carded.verifies, 1);
    assert_int_equal(pin_flags(AUTH), CKF_USER_PIN_COUNT_LOW);
    assert_int_equal(p11->C_Finalize(NULL), CKR_OK);
    assert_int_equal(p11->C_Initialize(NULL), CKR_OK);
    s = session(AUTH, NULL);
    assert_int_equal(login(s, "9999"), CKR_PIN_INCORRECT); /* and remembers over C_Finalize */
    assert_int_equal(carded.verifies, 1);
    assert_int_equal(login(s, "8888"), CKR_PIN_INCORRECT);
    assert_int_equal(pin_flags(AUTH), CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY);
    assert_int_equal(login(s, TESTCARD_AUTH_PIN), CKR_PIN_INCORRECT); /* the last try: who asks has to ask again */
    assert_int_equal(carded.verifies, 2);
    assert_int_equal(login(s, TESTCARD_AUTH_PIN), CKR_OK);
    assert_int_equal(pin_flags(AUTH), 0);
    assert_int_equal(login(s, TESTCARD_AUTH_PIN), CKR_USER_ALREADY_LOGGED_IN);
    assert_int_equal(p11->C_Logout(s), CKR_OK);
    assert_int_equal(carded.verifies, 3);
    assert_int_equal(login(s, "9999"), CKR_PIN_INCORRECT); /* the success ended the memory */
    assert_int_equal(carded.verifies, 4);
}

static void a_blocked_pin_is_never_sent(void **state)
{
    (void)state;
    CK_SESSION_HANDLE s = session(AUTH, NULL);
    const char *wrong[] = { "1111", "2222", "3333" };
    assert_int_equal(setenv("JPKI_LAST_TRY", "at-once", 1), 0);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(login(s, wrong[i]), i < 2 ? CKR_PIN_INCORRECT : CKR_PIN_LOCKED);
    assert_int_equal(unsetenv("JPKI_LAST_TRY"), 0);
    assert_int_equal(pin_flags(AUTH), CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_LOCKED);
    assert_int_equal(carded.verifies, 3);
    assert_int_equal(login(s, TESTCARD_AUTH_PIN), CKR_PIN_LOCKED);
    assert_int_equal(login(s, "1111"), CKR_PIN_LOCKED);
    carded.fault = CARDED_LOCK_6984;
    assert_int_equal(login(s, TESTCARD_AUTH_PIN), CKR_PIN_LOCKED);
    assert_int_equal(carded.verifies, 3);
    carded.fault = CARDED_SOUND;
    CK_OBJECT_HANDLE found[16];
    assert_int_equal(find(s, NULL, 0, found), 9); /* and nothing else is lost by it */
    s = session(SIGN, TESTCARD_SIGN_PIN);
    assert_int_equal(find(s, NULL, 0, found), 9);
}

static void nobody_else_can_use_the_pin(void **state)
{
    (void)state;
    unsigned char signature[256], text[] = "x";
    CK_MECHANISM mechanism = { CKM_SHA256_RSA_PKCS, NULL, 0 };
    CK_SESSION_HANDLE s = session(AUTH, TESTCARD_AUTH_PIN);
    assert_false(carded_is_presented(&carded, CARD_KEY_AUTH));
    CK_OBJECT_HANDLE key = find_one(s, CKO_PRIVATE_KEY, 1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(sign_with(s, &mechanism, key, text, 1, signature), CKR_OK);
        assert_false(carded_is_presented(&carded, CARD_KEY_AUTH));
    }
    CK_SESSION_HANDLE g = session(SIGN, TESTCARD_SIGN_PIN);
    CK_OBJECT_HANDLE found[16];
    assert_int_equal(find(g, NULL, 0, found), 9); /* reads the certificate behind the PIN */
    assert_false(carded_is_presented(&carded, CARD_KEY_SIGN));
    assert_int_equal(p11->C_Logout(s), CKR_OK);
    assert_int_equal(sign_with(s, &mechanism, key, text, 1, signature), CKR_USER_NOT_LOGGED_IN);
    assert_int_equal(p11->C_CloseAllSessions(SIGN), CKR_OK);
    g = session(SIGN, NULL);
    assert_int_equal(find(g, NULL, 0, found), 6);
}

static void a_lost_answer_is_not_repeated(void **state)
{
    (void)state;
    CK_SESSION_HANDLE s = session(AUTH, NULL);
    carded.fault = CARDED_LOSE_VERIFY;
    assert_int_equal(login(s, "7777"), CKR_DEVICE_REMOVED);
    assert_int_equal(carded.verifies, 1);
    carded.fault = CARDED_SOUND;
    assert_int_equal(login(s, "7777"), CKR_SESSION_HANDLE_INVALID);
    s = session(AUTH, NULL);
    assert_int_equal(pin_flags(AUTH), CKF_USER_PIN_COUNT_LOW); /* the counter was read, not guessed */
    assert_int_equal(carded.verifies, 1);
}

static void context_specific_logins_need_no_card(void **state)
{
    (void)state;
    CK_MECHANISM mechanism = { CKM_SHA256_RSA_PKCS, NULL, 0 };
    CK_SESSION_HANDLE s = session(AUTH, TESTCARD_AUTH_PIN);
    unsigned char pin[] = TESTCARD_AUTH_PIN, wrong[] = "9999";
    assert_int_equal(p11->C_Login(s, CKU_CONTEXT_SPECIFIC, pin, 4), CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(p11->C_SignInit(s, &mechanism, find_one(s, CKO_PRIVATE_KEY, 1)), CKR_OK);
    (void)carded_count(&carded);
    assert_int_equal(p11->C_Login(s, CKU_CONTEXT_SPECIFIC, wrong, 4), CKR_PIN_INCORRECT);
    assert_int_equal(p11->C_Login(s, CKU_CONTEXT_SPECIFIC, pin, 4), CKR_OK);
    assert_int_equal(carded_count(&carded), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest cases[] = {
        MODULE_CASE(ill_formed_pins_never_reach_the_card), MODULE_CASE(a_wrong_pin_costs_one_try_once),
        MODULE_CASE(a_blocked_pin_is_never_sent),          MODULE_CASE(nobody_else_can_use_the_pin),
        MODULE_CASE(a_lost_answer_is_not_repeated),        MODULE_CASE(context_specific_logins_need_no_card),
    };
    return module_case_main(argc, argv, cases);
}

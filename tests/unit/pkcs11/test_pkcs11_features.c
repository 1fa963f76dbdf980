/* test_pkcs11_features.c — the built module against the software card: changing PINs, the interface of 3.2, and what a
 * token says about itself. */
#include "carded.h"
#include "pkcs11/cryptoki.h"

#include <dlfcn.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define AUTH 0UL
#define SIGN 1UL
#define RW (CKF_SERIAL_SESSION | CKF_RW_SESSION)

static CK_FUNCTION_LIST_3_2 *p11;
static struct carded carded;

static int initialise(void **state)
{
    (void)state;
    carded_start(&carded);
    assert_int_equal(p11->C_Initialize(NULL), CKR_OK);
    return 0;
}

static int finalise(void **state)
{
    (void)state;
    CK_RV rv = p11->C_Finalize(NULL);
    assert_true(rv == CKR_OK || rv == CKR_CRYPTOKI_NOT_INITIALIZED);
    carded_stop(&carded);
    return 0;
}

static CK_SESSION_HANDLE session(CK_SLOT_ID slot, CK_FLAGS flags)
{
    CK_SESSION_HANDLE handle = 0;
    assert_int_equal(p11->C_OpenSession(slot, flags, NULL, NULL, &handle), CKR_OK);
    return handle;
}

static CK_RV login(CK_SESSION_HANDLE handle, const char *pin)
{
    unsigned char copy[64];
    memcpy(copy, pin, strlen(pin));
    return p11->C_Login(handle, CKU_USER, copy, strlen(pin));
}

static CK_RV change(CK_SESSION_HANDLE handle, const char *old, const char *fresh)
{
    unsigned char a[64], b[64];
    memcpy(a, old, strlen(old));
    memcpy(b, fresh, strlen(fresh));
    return p11->C_SetPIN(handle, a, strlen(old), b, strlen(fresh));
}

static CK_FLAGS pin_flags(CK_SLOT_ID slot)
{
    CK_TOKEN_INFO info;
    assert_int_equal(p11->C_GetTokenInfo(slot, &info), CKR_OK);
    return info.flags & (CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED);
}

static CK_ULONG find(CK_SESSION_HANDLE handle, CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *found)
{
    CK_ULONG n = 99;
    assert_int_equal(p11->C_FindObjectsInit(handle, template, count), CKR_OK);
    assert_int_equal(p11->C_FindObjects(handle, found, 16, &n), CKR_OK);
    assert_int_equal(p11->C_FindObjectsFinal(handle), CKR_OK);
    return n;
}

static CK_RV sign_something(CK_SESSION_HANDLE handle)
{
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE template = { CKA_CLASS, &class, sizeof class };
    CK_OBJECT_HANDLE found[16];
    CK_MECHANISM mechanism = { CKM_SHA256_RSA_PKCS, NULL, 0 };
    unsigned char text[] = "x", signature[256];
    CK_ULONG len = sizeof signature;
    if (find(handle, &template, 1, found) != 1)
        return CKR_USER_NOT_LOGGED_IN;
    CK_RV rv = p11->C_SignInit(handle, &mechanism, found[0]);
    return rv == CKR_OK ? p11->C_Sign(handle, text, 1, signature, &len) : rv;
}

/* --- PIN changes --------------------------------------------------------------------------------------------------------- */

static void ill_formed_changes_never_reach_the_card(void **state)
{
    (void)state;
    const struct {
        CK_SLOT_ID slot;
        const char *old, *fresh;
        CK_RV rv;
    } rows[] = {
        { AUTH, "1234", "123", CKR_PIN_LEN_RANGE },      { AUTH, "1234", "12345", CKR_PIN_LEN_RANGE },
        { AUTH, "1234", "", CKR_PIN_LEN_RANGE },         { AUTH, "123", "4321", CKR_PIN_LEN_RANGE },
        { AUTH, "1234", "43x1", CKR_PIN_INVALID },       { AUTH, "12x4", "4321", CKR_PIN_INVALID },
        { SIGN, "ABC123", "DEF45", CKR_PIN_LEN_RANGE },  { SIGN, "ABC123", "ABCDEFGHIJKLMNOP1", CKR_PIN_LEN_RANGE },
        { SIGN, "ABC123", "ABCDEF", CKR_PIN_INVALID },   { SIGN, "ABC123", "123456", CKR_PIN_INVALID },
        { SIGN, "ABC123", "ABC-123", CKR_PIN_INVALID },  { SIGN, "ABC 123", "DEF456", CKR_PIN_INVALID },
    };
    CK_SESSION_HANDLE s[] = { session(AUTH, RW), session(SIGN, RW) };
    unsigned char pin[] = "1234";
    (void)carded_count(&carded);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(change(s[rows[i].slot], rows[i].old, rows[i].fresh), rows[i].rv);
    assert_int_equal(p11->C_SetPIN(s[0], NULL, 0, pin, 4), CKR_ARGUMENTS_BAD);
    assert_int_equal(p11->C_SetPIN(s[0], pin, 4, NULL, 4), CKR_ARGUMENTS_BAD);
    assert_int_equal(change(session(AUTH, CKF_SERIAL_SESSION), "1234", "4321"), CKR_SESSION_READ_ONLY);
    assert_int_equal(change(4711, "1234", "4321"), CKR_SESSION_HANDLE_INVALID);
    assert_int_equal(carded_count(&carded), 0);
    assert_int_equal(carded.verifies, 0);
}

static void a_pin_is_changed_without_login(void **state)
{
    (void)state;
    CK_SESSION_HANDLE s = session(AUTH, RW), g = session(SIGN, RW);
    CK_SESSION_INFO info;
    assert_int_equal(change(s, "1234", "4321"), CKR_OK);
    assert_int_equal(p11->C_GetSessionInfo(s, &info), CKR_OK);
    assert_int_equal(info.state, CKS_RW_PUBLIC_SESSION); /* a change is no login */
    assert_false(carded_is_presented(&carded, CARD_KEY_AUTH));
    assert_int_equal(login(s, "1234"), CKR_PIN_INCORRECT);
    assert_int_equal(login(s, "4321"), CKR_OK);
    assert_int_equal(sign_something(s), CKR_OK);
    assert_int_equal(change(g, "abc123", "def456"), CKR_OK); /* both fold to upper case */
    assert_int_equal(login(g, "DEF456"), CKR_OK);
    assert_int_equal(sign_something(g), CKR_OK);
}

static void a_login_lives_on_with_the_new_pin(void **state)
{
    (void)state;
    CK_SESSION_HANDLE s = session(AUTH, RW);
    assert_int_equal(login(s, "1234"), CKR_OK);
    unsigned verifies = carded.verifies;
    assert_int_equal(change(s, "9999", "4321"), CKR_PIN_INCORRECT); /* this card accepted another: nothing is sent */
    assert_int_equal(carded.verifies, verifies);
    assert_int_equal(change(s, "1234", "4321"), CKR_OK);
    assert_int_equal(sign_something(s), CKR_OK);
    assert_int_equal(pin_flags(AUTH), 0);
    assert_int_equal(p11->C_Logout(s), CKR_OK);
    assert_int_equal(login(s, "4321"), CKR_OK);
}

static void a_wrong_old_pin_costs_one_try_once(void **state)
{
    (void)state;
    CK_SESSION_HANDLE s = session(AUTH, RW);
    assert_int_equal(change(s, "9999", "4321"), CKR_PIN_INCORRECT);
    assert_int_equal(carded.verifies, 1);
    assert_int_equal(change(s, "9999", "4321"), CKR_PIN_INCORRECT);
    assert_int_equal(login(s, "9999"), CKR_PIN_INCORRECT); /* a login knows it too */
    assert_int_equal(carded.verifies, 1);
    assert_int_equal(pin_flags(AUTH), CKF_USER_PIN_COUNT_LOW);
    assert_int_equal(change(s, "8888", "4321"), CKR_PIN_INCORRECT);
    assert_int_equal(pin_flags(AUTH), CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY);
    assert_int_equal(change(s, "7777", "4321"), CKR_PIN_INCORRECT); /* the last try: who asks has to ask again */
    assert_int_equal(carded.verifies, 2);
    assert_int_equal(change(s, "7777", "4321"), CKR_PIN_LOCKED);
    assert_int_equal(pin_flags(AUTH), CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_LOCKED);
    assert_int_equal(carded.verifies, 3);
    assert_int_equal(change(s, "1234", "4321"), CKR_PIN_LOCKED);
    assert_int_equal(carded.verifies, 3);
}

static void a_lost_answer_to_a_change_is_not_repeated(void **state)
{
    (void)state;
    CK_SESSION_HANDLE s = session(AUTH, RW);
    assert_int_equal(login(s, "1234"), CKR_OK);
    carded.fault = CARDED_LOSE_CHANGE;
    assert_int_equal(change(s, "1234", "4321"), CKR_DEVICE_REMOVED);
    carded.fault = CARDED_SOUND;
    unsigned verifies = carded.verifies;
    s = session(AUTH, RW);
    assert_int_equal(sign_something(s), CKR_USER_NOT_LOGGED_IN);
    assert_int_equal(carded.verifies, verifies); /* neither PIN was sent by itself */
    assert_int_equal(login(s, "4321"), CKR_OK);  /* this card had taken it */
    assert_int_equal(sign_something(s), CKR_OK);
}

/* --- the interface of 3.2 ------------------------------------------------------------------------------------------------ */

static void the_functions_of_3_2_are_refused(void **state)
{
    (void)state;
    CK_SESSION_HANDLE s = session(AUTH, CKF_SERIAL_SESSION);
    CK_MECHANISM mechanism = { CKM_SHA256_RSA_PKCS, NULL, 0 };
    unsigned char bytes[16] = { 0 };
    CK_ULONG len = sizeof bytes;
    CK_OBJECT_HANDLE key;
    CK_FLAGS flags = 0;
    CK_ASYNC_DATA data = { 0 };
    CK_INFO info;
    assert_int_equal(p11->C_GetInfo(&info), CKR_OK);
    assert_true(info.cryptokiVersion.major == 3 && info.cryptokiVersion.minor == 2);
    for (int round = 0; round < 2; round++) {
        CK_RV rv = round ? CKR_SESSION_HANDLE_INVALID : CKR_FUNCTION_NOT_SUPPORTED;
        assert_int_equal(p11->C_EncapsulateKey(s, &mechanism, 1, NULL, 0, bytes, &len, &key), rv);
        assert_int_equal(p11->C_DecapsulateKey(s, &mechanism, 1, NULL, 0, bytes, len, &key), rv);
        assert_int_equal(p11->C_VerifySignatureInit(s, &mechanism, 1, bytes, len), rv);
        assert_int_equal(p11->C_VerifySignature(s, bytes, len), rv);
        assert_int_equal(p11->C_VerifySignatureUpdate(s, bytes, len), rv);
        assert_int_equal(p11->C_VerifySignatureFinal(s), rv);
        assert_int_equal(p11->C_GetSessionValidationFlags(s, 1, &flags), rv);
        assert_int_equal(p11->C_AsyncComplete(s, bytes, &data), rv);
        assert_int_equal(p11->C_AsyncGetID(s, bytes, &len), rv);
        assert_int_equal(p11->C_AsyncJoin(s, bytes, 1, bytes, len), rv);
        assert_int_equal(p11->C_WrapKeyAuthenticated(s, &mechanism, 1, 2, bytes, 1, bytes, &len), rv);
        assert_int_equal(p11->C_UnwrapKeyAuthenticated(s, &mechanism, 1, bytes, 1, NULL, 0, bytes, 1, &key), rv);
        s += 1000;
    }
}

/* --- what a token says about itself -------------------------------------------------------------------------------------- */

static CK_ULONG number_of(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type)
{
    CK_ULONG number = 4711;
    CK_ATTRIBUTE ask = { type, &number, sizeof number };
    assert_int_equal(p11->C_GetAttributeValue(s, object, &ask, 1), CKR_OK);
    assert_int_equal(ask.ulValueLen, sizeof number);
    return number;
}

/* The value as a string; at most 200 bytes. */
static const char *text_of(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, CK_ULONG *len)
{
    static char text[201];
    CK_ATTRIBUTE ask = { type, text, 200 };
    assert_int_equal(p11->C_GetAttributeValue(s, object, &ask, 1), CKR_OK);
    text[ask.ulValueLen] = 0;
    if (len)
        *len = ask.ulValueLen;
    return text;
}

static CK_OBJECT_HANDLE find_data(CK_SESSION_HANDLE s, const char *label)
{
    CK_OBJECT_CLASS class = CKO_DATA;
    char copy[40];
    CK_OBJECT_HANDLE found[16];
    strcpy(copy, label);
    CK_ATTRIBUTE template[] = { { CKA_CLASS, &class, sizeof class }, { CKA_LABEL, copy, strlen(copy) } };
    assert_int_equal(find(s, template, 2, found), 1);
    return found[0];
}

static void profiles_are_true_of_each_token(void **state)
{
    (void)state;
    CK_OBJECT_CLASS class = CKO_PROFILE;
    CK_ULONG wanted[] = { CKP_BASELINE_PROVIDER, CKP_EXTENDED_PROVIDER, CKP_AUTHENTICATION_TOKEN,
                          CKP_PUBLIC_CERTIFICATES_TOKEN };
    CK_OBJECT_HANDLE found[16];
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    CK_SESSION_HANDLE s[] = { session(AUTH, CKF_SERIAL_SESSION), session(SIGN, CKF_SERIAL_SESSION) };
    assert_int_equal(pin_flags(AUTH), 0); /* by the token's information */
    (void)carded_count(&carded);
    for (CK_SLOT_ID slot = AUTH; slot <= SIGN; slot++) {
        CK_ATTRIBUTE template[] = { { CKA_CLASS, &class, sizeof class }, { CKA_TOKEN, &yes, 1 }, { CKA_PRIVATE, &no, 1 } };
        CK_ULONG count = slot == AUTH ? 4 : 3; /* the signature certificate is not public */
        assert_int_equal(find(s[slot], template, 3, found), count);
        for (CK_ULONG i = 0; i < count; i++)
            assert_int_equal(number_of(s[slot], found[i], CKA_PROFILE_ID), wanted[i]);
        CK_ATTRIBUTE public_one[] = { { CKA_CLASS, &class, sizeof class }, { CKA_PROFILE_ID, &wanted[3], sizeof wanted[3] } };
        assert_int_equal(find(s[slot], public_one, 2, found), slot == AUTH);
        CK_ATTRIBUTE value = { CKA_VALUE, NULL, 0 };
        if (slot == AUTH)
            assert_int_equal(p11->C_GetAttributeValue(s[slot], found[0], &value, 1), CKR_ATTRIBUTE_TYPE_INVALID);
    }
    assert_int_equal(carded_count(&carded), 0); /* NSS asks for them before anything else */
}

/* PKCS #11 Profiles 3.2 §5.5 8: every certificate without login, the public key by the certificate's CKA_ID. */
static void public_certificates_are_public(void **state)
{
    (void)state;
    CK_SESSION_HANDLE s = session(AUTH, CKF_SERIAL_SESSION);
    CK_OBJECT_CLASS certificate = CKO_CERTIFICATE, public_key = CKO_PUBLIC_KEY;
    CK_OBJECT_HANDLE before[16], after[16], key[16];
    CK_ATTRIBUTE template = { CKA_CLASS, &certificate, sizeof certificate };
    CK_BYTE id = 1;
    CK_ATTRIBUTE matching[] = { { CKA_CLASS, &public_key, sizeof public_key }, { CKA_ID, &id, 1 } };
    CK_ULONG count = find(s, &template, 1, before);
    assert_int_equal(count, 2);
    assert_int_equal(find(s, matching, 2, key), 1);
    assert_int_equal(login(s, "1234"), CKR_OK);
    assert_int_equal(find(s, &template, 1, after), count);
}

static void every_object_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (CK_SLOT_ID slot = AUTH; slot <= SIGN; slot++) {
        CK_SESSION_HANDLE s = session(slot, CKF_SERIAL_SESSION);
        CK_OBJECT_HANDLE found[16], again[16];
        char names[16][48];
        assert_int_equal(login(s, slot == AUTH ? "1234" : "ABC123"), CKR_OK);
        CK_ULONG count = find(s, NULL, 0, found);
        assert_int_equal(count, slot == AUTH ? 10 : 9);
        for (CK_ULONG i = 0; i < count; i++) {
            strcpy(names[i], text_of(s, found[i], CKA_UNIQUE_ID, NULL));
            assert_true(strlen(names[i]) > 4);
            for (CK_ULONG k = 0; k < i; k++)
                assert_string_not_equal(names[i], names[k]);
            CK_ATTRIBUTE template = { CKA_UNIQUE_ID, names[i], strlen(names[i]) };
            assert_int_equal(find(s, &template, 1, again), 1);
            assert_int_equal(again[0], found[i]);
            CK_ULONG size = 0;
            assert_int_equal(p11->C_GetObjectSize(s, found[i], &size), CKR_OK);
            assert_true(size > 20 && size < 8192);
        }
    }
}

static void token_information_is_the_cards_file(void **state)
{
    (void)state;
    static const char label[] = APPLET_TOKEN_LABEL_MYNUMBER;
    for (CK_SLOT_ID slot = AUTH; slot <= SIGN; slot++) {
        CK_SESSION_HANDLE s = session(slot, CKF_SERIAL_SESSION);
        CK_OBJECT_HANDLE object = find_data(s, "Token Information");
        CK_ULONG len = 0;
        assert_string_equal(text_of(s, object, CKA_APPLICATION, NULL), "JPKI");
        const char *file = text_of(s, object, CKA_VALUE, &len);
        assert_int_equal(len, APPLET_TOKEN_INFO_LEN);
        assert_memory_equal(file + APPLET_TOKEN_LABEL_AT, label, strlen(label));
        assert_memory_equal(file + APPLET_TOKEN_SERIAL_AT, TESTCARD_SERIAL, APPLET_TOKEN_SERIAL_LEN);
        CK_ATTRIBUTE vendor = { CKA_JPKI_PIN_TRIES, NULL, 0 };
        assert_int_equal(p11->C_GetAttributeValue(s, object, &vendor, 1), CKR_ATTRIBUTE_TYPE_INVALID);
    }
}

static void the_tries_left_are_told_as_data(void **state)
{
    (void)state;
    CK_SESSION_HANDLE s = session(AUTH, CKF_SERIAL_SESSION), g = session(SIGN, CKF_SERIAL_SESSION);
    CK_OBJECT_HANDLE auth = find_data(s, "PIN Tries Left"), sign = find_data(g, "PIN Tries Left");
    assert_int_equal(number_of(s, auth, CKA_JPKI_PIN_TRIES), 3);
    assert_int_equal(number_of(s, auth, CKA_JPKI_PIN_TRIES_MAX), 3);
    assert_int_equal(number_of(g, sign, CKA_JPKI_PIN_TRIES), 5);
    assert_int_equal(number_of(g, sign, CKA_JPKI_PIN_TRIES_MAX), 5);
    assert_int_equal(login(s, "9999"), CKR_PIN_INCORRECT);
    (void)carded_count(&carded);
    assert_int_equal(number_of(s, auth, CKA_JPKI_PIN_TRIES), 2);
    assert_string_equal(text_of(s, auth, CKA_VALUE, NULL), "2");
    assert_string_equal(text_of(g, sign, CKA_VALUE, NULL), "5");
    assert_int_equal(carded_count(&carded), 0); /* what the card said last */
    assert_int_equal(login(s, "1234"), CKR_OK);
    assert_string_equal(text_of(s, auth, CKA_VALUE, NULL), "3");
}

/* --- settings ------------------------------------------------------------------------------------------------------------ */

/* As the person's file says; the file is there until the next call, NULL takes it away. */
static void settle(const char *text)
{
    char folder[64], path[96];
    assert_int_equal(p11->C_Finalize(NULL), CKR_OK);
    snprintf(folder, sizeof folder, "%s/open-jpki", carded.folder);
    snprintf(path, sizeof path, "%s/module.conf", folder);
    if (text) {
        assert_true(mkdir(folder, 0700) == 0 || errno == EEXIST);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        assert_true(fputs(text, file) >= 0);
        assert_int_equal(fclose(file), 0);
    } else {
        unlink(path);
        rmdir(folder);
    }
    assert_int_equal(p11->C_Initialize(NULL), CKR_OK);
}

static void one_token_with_official_labels(void **state)
{
    (void)state;
    CK_SLOT_ID slots[4];
    CK_ULONG count = 4;
    CK_TOKEN_INFO info;
    CK_OBJECT_CLASS class = CKO_CERTIFICATE;
    CK_OBJECT_HANDLE found[16];
    CK_ATTRIBUTE template[] = { { CKA_CLASS, &class, sizeof class }, { CKA_LABEL, (char[]) { "USERCERT" }, 8 } };
    settle("tokens = auth\nlabels = official\n");
    assert_int_equal(p11->C_GetSlotList(CK_TRUE, slots, &count), CKR_OK);
    assert_int_equal(count, 1);
    assert_int_equal(p11->C_GetTokenInfo(slots[0], &info), CKR_OK);
    assert_memory_equal(info.label, APPLET_TOKEN_LABEL_MYNUMBER "                 ", 32);
    assert_int_equal(p11->C_GetTokenInfo(SIGN, &info), CKR_SLOT_ID_INVALID);
    assert_int_equal(find(session(slots[0], CKF_SERIAL_SESSION), template, 2, found), 1);
    settle("labels = official\n"); /* with two tokens they would have one name */
    assert_int_equal(p11->C_GetTokenInfo(AUTH, &info), CKR_OK);
    assert_memory_equal(info.label, "JPKI (User Authentication)      ", 32);
    assert_int_equal(find(session(AUTH, CKF_SERIAL_SESSION), template, 2, found), 0);
    settle(NULL);
}

static void each_signature_can_want_its_own_login(void **state)
{
    (void)state;
    CK_MECHANISM mechanism = { CKM_SHA256_RSA_PKCS, NULL, 0 };
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE template = { CKA_CLASS, &class, sizeof class };
    CK_OBJECT_HANDLE key[16];
    CK_BBOOL always = 9;
    CK_ATTRIBUTE ask = { CKA_ALWAYS_AUTHENTICATE, &always, 1 };
    unsigned char text[] = "x", signature[256], pin[] = "abc123", wrong[] = "ABC124";
    CK_ULONG len = sizeof signature;
    settle("always-authenticate = yes\n");
    CK_SESSION_HANDLE g = session(SIGN, CKF_SERIAL_SESSION), s = session(AUTH, CKF_SERIAL_SESSION);
    assert_int_equal(login(s, "1234"), CKR_OK);
    assert_int_equal(sign_something(s), CKR_OK); /* the signature key alone is meant */
    assert_int_equal(login(g, "ABC123"), CKR_OK);
    assert_int_equal(find(g, &template, 1, key), 1);
    assert_int_equal(p11->C_GetAttributeValue(g, key[0], &ask, 1), CKR_OK);
    assert_int_equal(always, CK_TRUE);
    (void)carded_count(&carded);
    unsigned signatures = carded.signatures;
    assert_int_equal(p11->C_SignInit(g, &mechanism, key[0]), CKR_OK);
    assert_int_equal(p11->C_Sign(g, text, 1, signature, &len), CKR_USER_NOT_LOGGED_IN);
    assert_int_equal(p11->C_SignInit(g, &mechanism, key[0]), CKR_OK);
    assert_int_equal(p11->C_Login(g, CKU_CONTEXT_SPECIFIC, wrong, 6), CKR_PIN_INCORRECT);
    assert_int_equal(p11->C_Sign(g, text, 1, signature, &len), CKR_USER_NOT_LOGGED_IN);
    assert_int_equal(carded_count(&carded), 0); /* none of it reached the card */
    for (int i = 0; i < 2; i++) {
        len = sizeof signature;
        assert_int_equal(p11->C_SignInit(g, &mechanism, key[0]), CKR_OK);
        assert_int_equal(p11->C_Login(g, CKU_CONTEXT_SPECIFIC, pin, 6), CKR_OK);
        assert_int_equal(p11->C_Sign(g, text, 1, signature, &len), CKR_OK);
    }
    assert_int_equal(carded.signatures, signatures + 2);
    settle(NULL);
}

/* --- PINs that the person is asked for ----------------------------------------------------------------------------------- */

static const char *fake_pinentry;
static char answers[64], told[80];

/* What the fake will be answered, a line each; what it was told before is forgotten. */
static void answer(const char *lines)
{
    snprintf(answers, sizeof answers, "%s/answers", carded.folder);
    snprintf(told, sizeof told, "%s.log", answers);
    unlink(told);
    FILE *file = fopen(answers, "w");
    assert_non_null(file);
    assert_true(fputs(lines, file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(setenv("FAKE_PINENTRY", answers, 1), 0);
}

static unsigned times_told(const char *words)
{
    char line[1200];
    unsigned times = 0;
    FILE *file = fopen(told, "r");
    if (!file)
        return 0;
    while (fgets(line, sizeof line, file))
        times += strstr(line, words) != NULL;
    fclose(file);
    return times;
}

static void the_person_is_asked_instead_of_the_program(void **state)
{
    (void)state;
    char text[300];
    CK_TOKEN_INFO info;
    CK_SESSION_HANDLE s = session(AUTH, RW);
    assert_int_equal(p11->C_Login(s, CKU_USER, NULL, 0), CKR_ARGUMENTS_BAD); /* off is the default */
    assert_int_equal(p11->C_GetTokenInfo(AUTH, &info), CKR_OK);
    assert_false(info.flags & CKF_PROTECTED_AUTHENTICATION_PATH);
    snprintf(text, sizeof text, "prompt = pinentry\npinentry = %s\n", fake_pinentry);
    settle(text);
    s = session(AUTH, RW);
    assert_int_equal(p11->C_GetTokenInfo(AUTH, &info), CKR_OK);
    assert_true(info.flags & CKF_PROTECTED_AUTHENTICATION_PATH);
    answer("cancel\n");
    assert_int_equal(p11->C_Login(s, CKU_USER, NULL, 0), CKR_FUNCTION_CANCELED);
    answer("12a4\n123\nflood\n");
    assert_int_equal(p11->C_Login(s, CKU_USER, NULL, 0), CKR_PIN_INVALID); /* three times no PIN */
    assert_int_equal(times_told("GETPIN"), 3);
    assert_int_equal(times_told("SETERROR"), 2);
    assert_int_equal(carded.verifies, 0);
    answer("12345\n9999\n");
    assert_int_equal(p11->C_Login(s, CKU_USER, NULL, 0), CKR_PIN_INCORRECT);
    assert_int_equal(carded.verifies, 1);
    answer("1234\n");
    assert_int_equal(p11->C_Login(s, CKU_USER, NULL, 0), CKR_OK);
    assert_int_equal(times_told("2 wrong more"), 1);
    assert_int_equal(times_told("test_pkcs11_features"), 1);
    assert_int_equal(times_told(TESTCARD_SERIAL), 1);
    assert_int_equal(sign_something(s), CKR_OK);
    answer("1234\n");
    assert_int_equal(p11->C_Login(s, CKU_USER, NULL, 0), CKR_USER_ALREADY_LOGGED_IN);
    assert_int_equal(times_told("GETPIN"), 0); /* nobody was asked in vain */
    assert_int_equal(p11->C_Logout(s), CKR_OK);
    assert_int_equal(login(s, "1234"), CKR_OK); /* a program may still bring one */
    assert_int_equal(p11->C_Logout(s), CKR_OK);
    answer("1234\n4321\n");
    assert_int_equal(p11->C_SetPIN(s, NULL, 0, NULL, 0), CKR_OK);
    assert_int_equal(times_told("SETREPEAT"), 1);
    assert_int_equal(login(s, "4321"), CKR_OK);
    answer("4321\ncancel\n");
    assert_int_equal(p11->C_SetPIN(s, NULL, 0, NULL, 0), CKR_FUNCTION_CANCELED);
    unlink(answers);
    unlink(told);
    settle(NULL);
}

static void a_blocked_pin_is_not_asked_for(void **state)
{
    (void)state;
    char text[300];
    snprintf(text, sizeof text, "prompt = pinentry\npinentry = %s\n", fake_pinentry);
    settle(text);
    CK_SESSION_HANDLE s = session(AUTH, CKF_SERIAL_SESSION);
    answer("1111\n2222\n3333\n3333\n1234\n");
    assert_int_equal(p11->C_Login(s, CKU_USER, NULL, 0), CKR_PIN_INCORRECT);
    assert_int_equal(p11->C_Login(s, CKU_USER, NULL, 0), CKR_PIN_INCORRECT); /* the last try is not spent at once */
    assert_int_equal(p11->C_Login(s, CKU_USER, NULL, 0), CKR_PIN_INCORRECT);
    assert_int_equal(p11->C_Login(s, CKU_USER, NULL, 0), CKR_PIN_LOCKED);
    assert_int_equal(p11->C_Login(s, CKU_USER, NULL, 0), CKR_PIN_LOCKED);
    assert_int_equal(times_told("GETPIN"), 4);
    snprintf(text, sizeof text, "prompt = pinentry\npinentry = /nowhere/pinentry\n");
    settle(text);
    assert_int_equal(p11->C_Login(session(SIGN, CKF_SERIAL_SESSION), CKU_USER, NULL, 0), CKR_FUNCTION_FAILED);
    unlink(answers);
    unlink(told);
    settle(NULL);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ill_formed_changes_never_reach_the_card, initialise, finalise),
        cmocka_unit_test_setup_teardown(a_pin_is_changed_without_login, initialise, finalise),
        cmocka_unit_test_setup_teardown(a_login_lives_on_with_the_new_pin, initialise, finalise),
        cmocka_unit_test_setup_teardown(a_wrong_old_pin_costs_one_try_once, initialise, finalise),
        cmocka_unit_test_setup_teardown(a_lost_answer_to_a_change_is_not_repeated, initialise, finalise),
        cmocka_unit_test_setup_teardown(the_functions_of_3_2_are_refused, initialise, finalise),
        cmocka_unit_test_setup_teardown(profiles_are_true_of_each_token, initialise, finalise),
        cmocka_unit_test_setup_teardown(public_certificates_are_public, initialise, finalise),
        cmocka_unit_test_setup_teardown(every_object_has_a_name_of_its_own, initialise, finalise),
        cmocka_unit_test_setup_teardown(token_information_is_the_cards_file, initialise, finalise),
        cmocka_unit_test_setup_teardown(the_tries_left_are_told_as_data, initialise, finalise),
        cmocka_unit_test_setup_teardown(one_token_with_official_labels, initialise, finalise),
        cmocka_unit_test_setup_teardown(each_signature_can_want_its_own_login, initialise, finalise),
        cmocka_unit_test_setup_teardown(the_person_is_asked_instead_of_the_program, initialise, finalise),
        cmocka_unit_test_setup_teardown(a_blocked_pin_is_not_asked_for, initialise, finalise),
    };
    void *module = argc == 3 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    CK_C_GetInterface get = NULL;
    CK_INTERFACE *interface = NULL;
    if (module)
        *(void **)&get = dlsym(module, "C_GetInterface");
    if (!get || get(NULL, NULL, &interface, 0) != CKR_OK) {
        fprintf(stderr, "usage: test_pkcs11_features MODULE FAKE-PINENTRY: %s\n", argc == 3 ? dlerror() : "no module");
        return 2;
    }
    p11 = interface->pFunctionList;
    fake_pinentry = argv[2];
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    carded_end();
    return failed;
}

/* test_pkcs11_juki.c — the built module with a Juki card: one token, its PIN's lengths, its key of 1024 bits. OpenSSL judges the
 * signatures. */
#include "carded.h"
#include "p11calls.h"

#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define AUTH 0UL
#define SIGN 1UL
#define SIGNATURE_LEN 128u

static CK_FUNCTION_LIST_3_0 *p11;
static struct carded carded;
static struct testcard *other_card, *juki;
static struct testcard *made[2]; /* in contacts, contactless: its keys are made once */

static int start(bool contactless, const char *switches, enum carded_fault fault)
{
    carded_start(&carded);
    carded_take_out(&carded);
    other_card = carded.card;
    if (!made[contactless]) {
        made[contactless] = testcard_new_profile("juki", contactless, NULL);
        testcard_personalise(made[contactless]);
    }
    juki = switches ? testcard_copy_switched(made[contactless], switches) : testcard_copy(made[contactless]);
    carded.card = juki;
    carded.sim = testcard_sim(juki);
    sim_power_off(carded.sim);
    carded.fault = fault;
    carded_put_in(&carded);
    assert_int_equal(p11->C_Initialize(NULL), CKR_OK);
    return 0;
}

static int in_contacts(void **state)
{
    (void)state;
    return start(false, NULL, CARDED_SOUND);
}

static int contactless(void **state)
{
    (void)state;
    return start(true, NULL, CARDED_SOUND);
}

static int with_a_random_number(void **state)
{
    (void)state;
    return start(true, "pupi=yes", CARDED_SOUND);
}

static int by_another_name(void **state)
{
    (void)state;
    return start(false, NULL, CARDED_OTHER_ATR);
}

static int stop(void **state)
{
    (void)state;
    assert_int_equal(p11->C_Finalize(NULL), CKR_OK);
    carded_stop(&carded);
    testcard_free(other_card);
    return 0;
}

static void the_signature_token_is_the_only_one(void **state)
{
    (void)state;
    CK_SLOT_ID slots[4];
    CK_ULONG count = 4;
    CK_SLOT_INFO slot;
    CK_TOKEN_INFO token;
    CK_SESSION_HANDLE handle;
    assert_int_equal(p11->C_GetSlotList(CK_TRUE, slots, &count), CKR_OK);
    assert_int_equal(count, 1);
    assert_int_equal(slots[0], SIGN);
    assert_int_equal(p11->C_GetSlotInfo(AUTH, &slot), CKR_OK);
    assert_false(slot.flags & CKF_TOKEN_PRESENT);
    assert_int_equal(p11->C_GetSlotInfo(SIGN, &slot), CKR_OK);
    assert_true(slot.flags & CKF_TOKEN_PRESENT);
    assert_int_equal(p11->C_GetTokenInfo(AUTH, &token), CKR_TOKEN_NOT_PRESENT);
    assert_int_equal(p11->C_OpenSession(AUTH, CKF_SERIAL_SESSION, NULL, NULL, &handle), CKR_TOKEN_NOT_PRESENT);
    assert_int_equal(p11->C_GetTokenInfo(SIGN, &token), CKR_OK);
    assert_int_equal(token.ulMinPinLen, 4);
    assert_int_equal(token.ulMaxPinLen, 16);
    assert_true(token.flags & CKF_USER_PIN_INITIALIZED);
    assert_false(token.flags & (CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED));
    assert_int_equal(carded.verifies, 0);
}

static void mechanisms_have_its_keys_length(void **state)
{
    (void)state;
    CK_MECHANISM_TYPE types[32];
    CK_ULONG count = 32, rsa = 0;
    assert_int_equal(p11->C_GetMechanismList(SIGN, types, &count), CKR_OK);
    for (CK_ULONG i = 0; i < count; i++) {
        CK_MECHANISM_INFO info;
        assert_int_equal(p11->C_GetMechanismInfo(SIGN, types[i], &info), CKR_OK);
        if (info.flags & CKF_DIGEST)
            continue;
        assert_int_equal(info.ulMinKeySize, 1024);
        assert_int_equal(info.ulMaxKeySize, 1024);
        assert_int_not_equal(types[i], CKM_RSA_PKCS_PSS); /* it denies it */
        rsa++;
    }
    assert_int_equal(rsa, 6);
    assert_int_equal(carded.verifies, 0);
    assert_int_equal(carded.signatures, 0);
}

static bool verifies(const char *digest, const void *data, size_t len, const unsigned char *signature)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY *key = X509_get0_pubkey(testcard_cert(juki, APPLET_EF_SIGN_CERT));
    assert_int_equal(EVP_PKEY_get_bits(key), 1024);
    assert_int_equal(EVP_DigestVerifyInit_ex(context, NULL, digest, NULL, NULL, key, NULL), 1);
    bool good = EVP_DigestVerify(context, signature, SIGNATURE_LEN, data, len) == 1;
    EVP_MD_CTX_free(context);
    return good;
}

static void its_signatures_verify(void **state)
{
    (void)state;
    static const struct {
        CK_MECHANISM_TYPE type;
        const char *digest;
    } rows[] = { { CKM_SHA1_RSA_PKCS, "SHA1" }, { CKM_SHA256_RSA_PKCS, "SHA256" }, { CKM_SHA512_RSA_PKCS, "SHA512" } };
    CK_SESSION_HANDLE s = p11calls_open(p11, SIGN, 0);
    CK_OBJECT_HANDLE key, public_key;
    CK_ULONG bits = 0;
    CK_ATTRIBUTE modulus_bits = { CKA_MODULUS_BITS, &bits, sizeof bits };
    assert_int_equal(p11calls_login(p11, s, TESTCARD_SIGN_PIN), CKR_OK);
    key = p11calls_find_one(p11, s, CKO_PRIVATE_KEY, 2);
    public_key = p11calls_find_one(p11, s, CKO_PUBLIC_KEY, 2);
    assert_true(key && public_key);
    assert_true(p11calls_find_one(p11, s, CKO_CERTIFICATE, 2) && p11calls_find_one(p11, s, CKO_CERTIFICATE, 4));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CK_MECHANISM mechanism = { rows[i].type, NULL, 0 };
        unsigned char text[] = "to be signed", signature[256];
        CK_ULONG len = 0;
        assert_int_equal(p11->C_SignInit(s, &mechanism, key), CKR_OK);
        assert_int_equal(p11->C_Sign(s, text, sizeof text, NULL, &len), CKR_OK);
        assert_int_equal(len, SIGNATURE_LEN);
        assert_int_equal(p11->C_Sign(s, text, sizeof text, signature, &len), CKR_OK);
        assert_int_equal(len, SIGNATURE_LEN);
        assert_true(verifies(rows[i].digest, text, sizeof text, signature));
        assert_int_equal(p11->C_VerifyInit(s, &mechanism, public_key), CKR_OK);
        assert_int_equal(p11->C_Verify(s, text, sizeof text, signature, SIGNATURE_LEN), CKR_OK);
        signature[9] ^= 1;
        assert_int_equal(p11->C_VerifyInit(s, &mechanism, public_key), CKR_OK);
        assert_int_equal(p11->C_Verify(s, text, sizeof text, signature, SIGNATURE_LEN), CKR_SIGNATURE_INVALID);
    }
    assert_int_equal(p11->C_GetAttributeValue(s, public_key, &modulus_bits, 1), CKR_OK);
    assert_int_equal(bits, 1024);
}

static void raw_data_has_to_fit_its_key(void **state)
{
    (void)state;
    CK_SESSION_HANDLE s = p11calls_open(p11, SIGN, 0);
    CK_MECHANISM raw = { CKM_RSA_PKCS, NULL, 0 };
    unsigned char data[118] = { 1 }, signature[SIGNATURE_LEN];
    CK_ULONG len = sizeof signature;
    assert_int_equal(p11calls_login(p11, s, TESTCARD_SIGN_PIN), CKR_OK);
    CK_OBJECT_HANDLE key = p11calls_find_one(p11, s, CKO_PRIVATE_KEY, 2);
    assert_int_equal(p11->C_SignInit(s, &raw, key), CKR_OK);
    assert_int_equal(p11->C_Sign(s, data, 118, signature, &len), CKR_DATA_LEN_RANGE);
    len = sizeof signature;
    assert_int_equal(p11->C_SignInit(s, &raw, key), CKR_OK);
    assert_int_equal(p11->C_Sign(s, data, 117, signature, &len), CKR_OK);
    assert_int_equal(len, SIGNATURE_LEN);
}

static void its_pin_has_4_to_16_characters(void **state)
{
    (void)state;
    CK_SESSION_HANDLE s = p11calls_open(p11, SIGN, CKF_RW_SESSION);
    unsigned char old[] = TESTCARD_SIGN_PIN, fresh[] = "AB12";
    assert_int_equal(p11calls_login(p11, s, "AB1"), CKR_PIN_LEN_RANGE);
    assert_int_equal(p11calls_login(p11, s, "ABCDEFGHIJKLMNOP1"), CKR_PIN_LEN_RANGE);
    assert_int_equal(p11calls_login(p11, s, "AB-1"), CKR_PIN_INVALID);
    assert_int_equal(carded.verifies, 0);
    assert_int_equal(p11->C_SetPIN(s, old, sizeof old - 1, fresh, 3), CKR_PIN_LEN_RANGE);
    assert_int_equal(carded.verifies, 0);
    assert_int_equal(p11->C_SetPIN(s, old, sizeof old - 1, fresh, 4), CKR_OK);
    assert_int_equal(p11calls_login(p11, s, "ab12"), CKR_OK);
    assert_int_equal(carded.verifies, 2);
}

/* Its answer to reset does not tell: the first that asks for a token learns it. */
static void its_token_information_tells(void **state)
{
    (void)state;
    CK_SLOT_ID slots[4];
    CK_ULONG count = 4;
    CK_TOKEN_INFO token;
    CK_SESSION_HANDLE s = p11calls_open(p11, AUTH, CKF_SERIAL_SESSION);
    assert_int_equal(carded_count(&carded), 1);
    assert_int_not_equal(p11calls_login(p11, s, TESTCARD_AUTH_PIN), CKR_OK);
    assert_int_equal(carded.verifies, 0);
    assert_int_equal(p11->C_GetTokenInfo(AUTH, &token), CKR_TOKEN_NOT_PRESENT);
    assert_int_equal(p11->C_GetSlotList(CK_TRUE, slots, &count), CKR_OK);
    assert_int_equal(count, 1);
    assert_int_equal(slots[0], SIGN);
    assert_int_equal(p11->C_GetTokenInfo(SIGN, &token), CKR_OK);
    assert_int_equal(token.ulMinPinLen, 4);
}

/* … and who never asks has room for the longer key's signature, and gets this one. */
static void a_shorter_signature_is_given(void **state)
{
    (void)state;
    CK_SESSION_HANDLE s = p11calls_open(p11, SIGN, 0);
    CK_MECHANISM mechanism = { CKM_SHA256_RSA_PKCS, NULL, 0 };
    unsigned char text[] = "to be signed", signature[256];
    CK_ULONG len = 0;
    assert_int_equal(p11calls_login(p11, s, TESTCARD_SIGN_PIN), CKR_OK);
    CK_OBJECT_HANDLE key = p11calls_find_one(p11, s, CKO_PRIVATE_KEY, 2);
    assert_int_equal(p11->C_SignInit(s, &mechanism, key), CKR_OK);
    assert_int_equal(p11->C_Sign(s, text, sizeof text, NULL, &len), CKR_OK);
    assert_int_equal(len, 256);
    assert_int_equal(p11->C_Sign(s, text, sizeof text, signature, &len), CKR_OK);
    assert_int_equal(len, SIGNATURE_LEN);
    assert_true(verifies("SHA256", text, sizeof text, signature));
}

static void answers_to_reset(void **state)
{
    (void)state;
    static const struct {
        const char *atr;
        bool maybe;
    } rows[] = {
        { "\x3B\xE0\x00\xFF\x81\x31\xFE\x45\x14", true },
        { "\x3B\xE0\x00\xFF\x81\x31\xFE\x45\x15", false },
        { "\x3B\x88\x80\x01\x12\x34\x56\x78\xB3\x81\x91\x00\x99", true },
        { "\x3B\x88\x80\x01\x00\x00\x05\xE0\xB3\x81\xA1\x00\x7F", false },
        { "\x3B\xDA\x13\xFF\x81\x31\xFB\x46\x80\x12\x39\x2F\x31\xC1\x73\xC6\x01\xC0\x3B", false },
    };
    static const size_t lens[] = { 9, 9, 13, 13, 19 };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(card_kind_may_be_juki(bytes_of(rows[i].atr, lens[i])), rows[i].maybe);
}

#define ON_EACH(name)                                                                                                       \
    cmocka_unit_test_setup_teardown(name, in_contacts, stop), cmocka_unit_test_setup_teardown(name, contactless, stop),    \
        cmocka_unit_test_setup_teardown(name, with_a_random_number, stop)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        ON_EACH(the_signature_token_is_the_only_one),
        cmocka_unit_test_setup_teardown(mechanisms_have_its_keys_length, in_contacts, stop),
        ON_EACH(its_signatures_verify),
        cmocka_unit_test_setup_teardown(raw_data_has_to_fit_its_key, in_contacts, stop),
        cmocka_unit_test_setup_teardown(its_pin_has_4_to_16_characters, in_contacts, stop),
        cmocka_unit_test_setup_teardown(its_token_information_tells, by_another_name, stop),
        cmocka_unit_test_setup_teardown(its_signatures_verify, by_another_name, stop),
        cmocka_unit_test_setup_teardown(a_shorter_signature_is_given, by_another_name, stop),
        cmocka_unit_test(answers_to_reset),
    };
    if (argc != 2 || !(p11 = p11calls_load(argv[1]))) {
        fprintf(stderr, "usage: test_pkcs11_juki MODULE\n");
        return 2;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    testcard_free(made[0]);
    testcard_free(made[1]);
    carded_end();
    return failed;
}

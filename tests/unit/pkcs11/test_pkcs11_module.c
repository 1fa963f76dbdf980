/* test_pkcs11_module.c — the built module, loaded as applications load it, against the software card: what it shows, what
 * it signs, what it does with PINs, and how few commands it takes. */
#include "carded.h"
#include "pkcs11/cryptoki.h"

#include <dlfcn.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define AUTH 0UL
#define SIGN 1UL

static CK_FUNCTION_LIST_3_0 *p11;
static struct carded carded;

static int initialise(void **state)
{
    (void)state;
    CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
    carded_start(&carded);
    assert_int_equal(p11->C_Initialize(&args), CKR_OK);
    assert_int_equal(carded_count(&carded), 0); /* C_Initialize asks no card anything */
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

/* Opens a session; with a PIN logs in. */
static CK_SESSION_HANDLE session(CK_SLOT_ID slot, const char *pin)
{
    CK_SESSION_HANDLE handle = 0;
    unsigned char copy[32];
    assert_int_equal(p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &handle), CKR_OK);
    if (pin) {
        memcpy(copy, pin, strlen(pin));
        assert_int_equal(p11->C_Login(handle, CKU_USER, copy, strlen(pin)), CKR_OK);
    }
    return handle;
}

static CK_RV login(CK_SESSION_HANDLE handle, const char *pin)
{
    unsigned char copy[64];
    memcpy(copy, pin, strlen(pin));
    return p11->C_Login(handle, CKU_USER, copy, strlen(pin));
}

static CK_ULONG find(CK_SESSION_HANDLE handle, CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *found)
{
    CK_ULONG n = 99;
    assert_int_equal(p11->C_FindObjectsInit(handle, template, count), CKR_OK);
    assert_int_equal(p11->C_FindObjects(handle, found, 16, &n), CKR_OK);
    assert_int_equal(p11->C_FindObjectsFinal(handle), CKR_OK);
    return n;
}

static CK_OBJECT_HANDLE find_one(CK_SESSION_HANDLE handle, CK_OBJECT_CLASS class, CK_BYTE id)
{
    CK_ATTRIBUTE template[] = { { CKA_CLASS, &class, sizeof class }, { CKA_ID, &id, 1 } };
    CK_OBJECT_HANDLE found[16];
    assert_int_equal(find(handle, template, 2, found), 1);
    return found[0];
}

static CK_FLAGS token_flags(CK_SLOT_ID slot)
{
    CK_TOKEN_INFO info;
    assert_int_equal(p11->C_GetTokenInfo(slot, &info), CKR_OK);
    return info.flags;
}

static CK_FLAGS pin_flags(CK_SLOT_ID slot)
{
    return token_flags(slot) & (CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED);
}

/* --- what it shows ------------------------------------------------------------------------------------------------------- */

static void it_shows_two_tokens(void **state)
{
    (void)state;
    CK_SLOT_ID slots[4];
    CK_ULONG count = 0;
    CK_TOKEN_INFO info;
    CK_SLOT_INFO slot_info;
    assert_int_equal(p11->C_GetSlotList(CK_TRUE, NULL, &count), CKR_OK);
    assert_int_equal(count, 2);
    count = 1;
    assert_int_equal(p11->C_GetSlotList(CK_TRUE, slots, &count), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(count, 2);
    assert_int_equal(p11->C_GetSlotList(CK_TRUE, slots, &count), CKR_OK);
    assert_int_equal(slots[0], AUTH);
    assert_int_equal(slots[1], SIGN);
    assert_int_equal(p11->C_GetSlotInfo(AUTH, &slot_info), CKR_OK);
    assert_int_equal(slot_info.flags, CKF_TOKEN_PRESENT | CKF_REMOVABLE_DEVICE | CKF_HW_SLOT);
    assert_int_equal(p11->C_GetTokenInfo(AUTH, &info), CKR_OK);
    assert_memory_equal(info.label, "JPKI (User Authentication)      ", 32);
    assert_memory_equal(info.serialNumber, TESTCARD_SERIAL + 8, 8); /* and eight digits of its certificate's digest */
    assert_int_equal(info.flags, CKF_WRITE_PROTECTED | CKF_LOGIN_REQUIRED | CKF_TOKEN_INITIALIZED | CKF_USER_PIN_INITIALIZED);
    assert_true(info.ulMinPinLen == 4 && info.ulMaxPinLen == 4);
    assert_int_equal(p11->C_GetTokenInfo(SIGN, &info), CKR_OK);
    assert_memory_equal(info.label, "JPKI (Digital Signature)        ", 32);
    assert_true(info.ulMinPinLen == 6 && info.ulMaxPinLen == 16);
    assert_true(carded_count(&carded) <= 5);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(p11->C_GetSlotInfo(SIGN, &slot_info), CKR_OK);
        assert_int_equal(p11->C_GetTokenInfo(SIGN, &info), CKR_OK);
    }
    assert_int_equal(carded_count(&carded), 0);
    assert_int_equal(p11->C_GetTokenInfo(2, &info), CKR_SLOT_ID_INVALID);
}

static void it_has_every_function(void **state)
{
    (void)state;
    CK_INTERFACE list[4], *interface = NULL;
    CK_ULONG count = 0;
    CK_VERSION v240 = { 2, 40 }, v300 = { 3, 0 }, v320 = { 3, 2 }, v310 = { 3, 1 };
    unsigned char name[] = "PKCS 11", other[] = "Vendor NSS FIPS Interface";
    assert_int_equal(p11->C_GetInterfaceList(NULL, &count), CKR_OK);
    assert_int_equal(count, 3);
    count = 1;
    assert_int_equal(p11->C_GetInterfaceList(list, &count), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(p11->C_GetInterfaceList(list, &count), CKR_OK);
    for (CK_ULONG i = 0; i < count; i++) {
        /* Past the version (padded to a pointer) a list holds function pointers only, none of them NULL. */
        void **functions = list[i].pFunctionList;
        assert_string_equal((char *)list[i].pInterfaceName, "PKCS 11");
        for (size_t f = 1; f <= (i == 0 ? 104u : i == 1 ? 92u : 68u); f++)
            assert_non_null(functions[f]);
    }
    assert_int_equal(p11->C_GetInterface(NULL, NULL, &interface, 0), CKR_OK);
    assert_ptr_equal(interface->pFunctionList, p11);
    assert_int_equal(p11->C_GetInterface(name, &v240, &interface, 0), CKR_OK);
    assert_int_equal(((CK_VERSION *)interface->pFunctionList)->major, 2);
    assert_int_equal(p11->C_GetInterface(name, &v300, &interface, 0), CKR_OK);
    assert_int_equal(((CK_VERSION *)interface->pFunctionList)->minor, 0);
    assert_int_equal(p11->C_GetInterface(name, &v320, &interface, 0), CKR_OK);
    assert_ptr_equal(interface->pFunctionList, p11); /* the default */
    assert_int_equal(p11->C_GetInterface(name, &v310, &interface, 0), CKR_FUNCTION_FAILED);
    assert_int_equal(p11->C_GetInterface(other, NULL, &interface, 0), CKR_FUNCTION_FAILED);
    assert_int_equal(p11->C_GetInterface(name, NULL, &interface, CKF_INTERFACE_FORK_SAFE), CKR_FUNCTION_FAILED);
}

static void it_refuses_by_the_standard(void **state)
{
    (void)state;
    CK_SESSION_HANDLE s = session(AUTH, NULL);
    CK_OBJECT_HANDLE object = 0;
    unsigned char bytes[32] = { 0 };
    CK_ULONG len = sizeof bytes;
    CK_MECHANISM oaep = { CKM_RSA_PKCS_OAEP, NULL, 0 };
    assert_int_equal(p11->C_CreateObject(s, NULL, 0, &object), CKR_TOKEN_WRITE_PROTECTED);
    assert_int_equal(p11->C_InitToken(AUTH, bytes, 4, bytes), CKR_TOKEN_WRITE_PROTECTED);
    assert_int_equal(p11->C_EncryptInit(s, &oaep, 1), CKR_FUNCTION_NOT_SUPPORTED);
    assert_int_equal(p11->C_GenerateRandom(s, bytes, 8), CKR_RANDOM_NO_RNG);
    assert_int_equal(p11->C_GetFunctionStatus(s), CKR_FUNCTION_NOT_PARALLEL);
    assert_int_equal(p11->C_GetOperationState(s, bytes, &len), CKR_STATE_UNSAVEABLE);
    assert_int_equal(p11->C_DigestKey(s, 1), CKR_KEY_INDIGESTIBLE);
    assert_int_equal(p11->C_MessageSignInit(s, &oaep, 1), CKR_FUNCTION_NOT_SUPPORTED);
    assert_int_equal(p11->C_GenerateRandom(s + 1, bytes, 8), CKR_SESSION_HANDLE_INVALID);
    assert_int_equal(p11->C_OpenSession(AUTH, 0, NULL, NULL, &object), CKR_SESSION_PARALLEL_NOT_SUPPORTED);
    assert_int_equal(p11->C_OpenSession(AUTH, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &object), CKR_OK);
    assert_int_equal(p11->C_Login(s, CKU_SO, bytes, 4), CKR_USER_TYPE_INVALID);
    assert_int_equal(p11->C_Login(s, CKU_USER, NULL, 4), CKR_ARGUMENTS_BAD);
    assert_int_equal(p11->C_Logout(s), CKR_USER_NOT_LOGGED_IN);
    assert_int_equal(p11->C_GetSlotList(CK_TRUE, NULL, NULL), CKR_ARGUMENTS_BAD);
    assert_int_equal(p11->C_FindObjectsInit(s, NULL, 3), CKR_ARGUMENTS_BAD);
    assert_int_equal(p11->C_SignInit(s, &oaep, 4711), CKR_USER_NOT_LOGGED_IN);
    assert_int_equal(p11->C_Sign(s, bytes, 4, bytes, &len), CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(p11->C_FindObjects(s, &object, 1, &len), CKR_OPERATION_NOT_INITIALIZED);
}

static void certificates_are_the_cards(void **state)
{
    (void)state;
    const struct {
        CK_SLOT_ID slot;
        CK_BYTE id;
        enum card_cert cert;
        const char *pin;
    } rows[] = {
        { AUTH, 1, CARD_CERT_AUTH, NULL },
        { AUTH, 3, CARD_CERT_AUTH_CA, NULL },
        { SIGN, 4, CARD_CERT_SIGN_CA, NULL },
        { SIGN, 2, CARD_CERT_SIGN, TESTCARD_SIGN_PIN },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CK_SESSION_HANDLE s = session(rows[i].slot, rows[i].pin);
        CK_OBJECT_HANDLE object = find_one(s, CKO_CERTIFICATE, rows[i].id);
        CK_ATTRIBUTE value = { CKA_VALUE, NULL, 0 };
        unsigned char *der = NULL;
        int len = i2d_X509(carded.certs[rows[i].cert], &der);
        assert_int_equal(p11->C_GetAttributeValue(s, object, &value, 1), CKR_OK);
        assert_int_equal(value.ulValueLen, len);
        value.pValue = malloc((size_t)len);
        assert_int_equal(p11->C_GetAttributeValue(s, object, &value, 1), CKR_OK);
        assert_memory_equal(value.pValue, der, (size_t)len);
        (void)carded_count(&carded);
        assert_int_equal(p11->C_GetAttributeValue(s, object, &value, 1), CKR_OK);
        assert_int_equal(carded_count(&carded), 0); /* read once */
        free(value.pValue);
        OPENSSL_free(der);
        assert_int_equal(p11->C_CloseSession(s), CKR_OK);
    }
}

static void private_objects_are_hidden_before_login(void **state)
{
    (void)state;
    CK_OBJECT_HANDLE found[16];
    CK_SESSION_HANDLE auth = session(AUTH, NULL), sign = session(SIGN, NULL);
    assert_int_equal(find(auth, NULL, 0, found), 9);
    assert_int_equal(find(sign, NULL, 0, found), 6);
    assert_int_equal(login(sign, TESTCARD_SIGN_PIN), CKR_OK);
    assert_int_equal(find(sign, NULL, 0, found), 9);
    assert_int_equal(find(auth, NULL, 0, found), 9); /* one token's login is not the other's */
    CK_OBJECT_HANDLE key = find_one(sign, CKO_PRIVATE_KEY, 2);
    assert_int_equal(p11->C_Logout(sign), CKR_OK);
    CK_ATTRIBUTE id = { CKA_ID, NULL, 0 };
    assert_int_equal(p11->C_GetAttributeValue(sign, key, &id, 1), CKR_OBJECT_HANDLE_INVALID);
    assert_int_equal(login(sign, TESTCARD_SIGN_PIN), CKR_OK);
    assert_int_equal(p11->C_GetAttributeValue(sign, key, &id, 1), CKR_OBJECT_HANDLE_INVALID); /* for ever */
    assert_int_equal(p11->C_GetAttributeValue(sign, find_one(sign, CKO_PRIVATE_KEY, 2), &id, 1), CKR_OK);
}

static void searches_for_the_unknown_find_nothing(void **state)
{
    (void)state;
    CK_SESSION_HANDLE s = session(AUTH, NULL);
    CK_OBJECT_HANDLE found[16];
    CK_BBOOL yes = CK_TRUE;
    unsigned char hash[20] = { 0 };
    const CK_OBJECT_CLASS classes[] = { CKO_SECRET_KEY, CKO_DOMAIN_PARAMETERS, 0xCE534353UL, 0xCE534354UL, CKO_HW_FEATURE, 11 };
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        CK_OBJECT_CLASS class = classes[i];
        CK_ATTRIBUTE template[] = { { CKA_CLASS, &class, sizeof class }, { CKA_TOKEN, &yes, 1 }, { 0xCE5363B4UL, hash, 20 } };
        assert_int_equal(find(s, template, 1, found), 0);
        assert_int_equal(find(s, template, 2, found), 0);
        assert_int_equal(find(s, template, 3, found), 0);
    }
    (void)p11->C_GetSlotList(CK_TRUE, NULL, &(CK_ULONG) { 0 });
    CK_OBJECT_CLASS class = CKO_CERTIFICATE;
    unsigned char *subject = NULL;
    int len = i2d_X509_NAME(X509_get_subject_name(carded.certs[CARD_CERT_AUTH_CA]), &subject);
    CK_ATTRIBUTE by_subject[] = { { CKA_CLASS, &class, sizeof class }, { CKA_SUBJECT, subject, (CK_ULONG)len } };
    assert_int_equal(find(s, by_subject, 2, found), 1); /* how Java builds a chain */
    OPENSSL_free(subject);
    CK_ATTRIBUTE bad = { CKA_LABEL, NULL, 5 };
    assert_int_equal(p11->C_FindObjectsInit(s, &bad, 1), CKR_ATTRIBUTE_VALUE_INVALID);
    assert_int_equal(p11->C_FindObjectsInit(s, NULL, 0), CKR_OK);
    assert_int_equal(p11->C_FindObjectsInit(s, NULL, 0), CKR_OPERATION_ACTIVE);
    CK_ULONG n, all = 0;
    while (p11->C_FindObjects(s, found, 1, &n) == CKR_OK && n)
        all += n;
    assert_int_equal(all, 9);
    assert_int_equal(p11->C_FindObjectsFinal(s), CKR_OK);
}

/* --- signatures ---------------------------------------------------------------------------------------------------------- */

static bool openssl_verifies(X509 *cert, const char *digest, bool pss, const void *data, size_t len,
                             const unsigned char *signature)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *key_context;
    EVP_PKEY *key = X509_get0_pubkey(cert);
    assert_int_equal(EVP_DigestVerifyInit_ex(context, &key_context, digest, NULL, NULL, key, NULL), 1);
    if (pss) {
        assert_true(EVP_PKEY_CTX_set_rsa_padding(key_context, RSA_PKCS1_PSS_PADDING) > 0);
        assert_true(EVP_PKEY_CTX_set_rsa_pss_saltlen(key_context, 32) > 0);
    }
    bool good = EVP_DigestVerify(context, signature, 256, data, len) == 1;
    EVP_MD_CTX_free(context);
    ERR_clear_error();
    return good;
}

static CK_RSA_PKCS_PSS_PARAMS pss = { CKM_SHA256, CKG_MGF1_SHA256, 32 };

static const struct {
    CK_MECHANISM_TYPE type;
    const char *digest;
    bool pss;
} signature_rows[] = {
    { CKM_SHA1_RSA_PKCS, "SHA1", false },     { CKM_SHA224_RSA_PKCS, "SHA224", false },
    { CKM_SHA256_RSA_PKCS, "SHA256", false }, { CKM_SHA384_RSA_PKCS, "SHA384", false },
    { CKM_SHA512_RSA_PKCS, "SHA512", false }, { CKM_SHA256_RSA_PKCS_PSS, "SHA256", true },
};

static void sign_and_verify(CK_SLOT_ID slot, const char *pin, CK_BYTE id, X509 *cert)
{
    CK_SESSION_HANDLE s = session(slot, pin);
    CK_OBJECT_HANDLE private = find_one(s, CKO_PRIVATE_KEY, id), public = find_one(s, CKO_PUBLIC_KEY, id);
    unsigned char data[1000], signature[256];
    memset(data, 'x', sizeof data);
    for (size_t i = 0; i < sizeof signature_rows / sizeof *signature_rows; i++) {
        CK_MECHANISM mechanism = { signature_rows[i].type, signature_rows[i].pss ? &pss : NULL,
                                   signature_rows[i].pss ? sizeof pss : 0 };
        const char *digest = signature_rows[i].digest;
        CK_ULONG len = 0;
        assert_int_equal(p11->C_SignInit(s, &mechanism, private), CKR_OK);
        assert_int_equal(p11->C_Sign(s, data, sizeof data, NULL, &len), CKR_OK);
        assert_int_equal(len, 256);
        len = 255;
        assert_int_equal(p11->C_Sign(s, data, sizeof data, signature, &len), CKR_BUFFER_TOO_SMALL);
        assert_int_equal(len, 256);
        assert_int_equal(p11->C_Sign(s, data, sizeof data, signature, &len), CKR_OK);
        assert_true(openssl_verifies(cert, digest, signature_rows[i].pss, data, sizeof data, signature));
        assert_int_equal(p11->C_Sign(s, data, sizeof data, signature, &len), CKR_OPERATION_NOT_INITIALIZED);

        assert_int_equal(p11->C_SignInit(s, &mechanism, private), CKR_OK);
        assert_int_equal(p11->C_SignUpdate(s, data, 1), CKR_OK);
        assert_int_equal(p11->C_Sign(s, data, sizeof data, signature, &len), CKR_OPERATION_ACTIVE);
        assert_int_equal(p11->C_SignUpdate(s, data + 1, sizeof data - 1), CKR_OK);
        len = 256;
        assert_int_equal(p11->C_SignFinal(s, signature, &len), CKR_OK);
        assert_true(openssl_verifies(cert, digest, signature_rows[i].pss, data, sizeof data, signature));

        assert_int_equal(p11->C_VerifyInit(s, &mechanism, public), CKR_OK);
        assert_int_equal(p11->C_Verify(s, data, sizeof data, signature, 256), CKR_OK);
        assert_int_equal(p11->C_VerifyInit(s, &mechanism, public), CKR_OK);
        assert_int_equal(p11->C_VerifyUpdate(s, data, 500), CKR_OK);
        assert_int_equal(p11->C_VerifyUpdate(s, data, 500), CKR_OK);
        assert_int_equal(p11->C_VerifyFinal(s, signature, 256), CKR_OK);
        signature[3] ^= 1;
        assert_int_equal(p11->C_VerifyInit(s, &mechanism, public), CKR_OK);
        assert_int_equal(p11->C_Verify(s, data, sizeof data, signature, 256), CKR_SIGNATURE_INVALID);
        assert_int_equal(p11->C_VerifyInit(s, &mechanism, public), CKR_OK);
        assert_int_equal(p11->C_Verify(s, data, sizeof data, signature, 255), CKR_SIGNATURE_LEN_RANGE);
    }
    assert_int_equal(p11->C_CloseSession(s), CKR_OK);
}

static void the_authentication_key_signs(void **state)
{
    (void)state;
    sign_and_verify(AUTH, TESTCARD_AUTH_PIN, 1, carded.certs[CARD_CERT_AUTH]);
}

static void the_signature_key_signs(void **state)
{
    (void)state;
    sign_and_verify(SIGN, "abc123", 2, carded.certs[CARD_CERT_SIGN]); /* lower case: the card knows upper case only */
}

static CK_RV sign_with(CK_SESSION_HANDLE s, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key, unsigned char *data,
                       CK_ULONG data_len, unsigned char *signature)
{
    CK_ULONG len = 256;
    CK_RV rv = p11->C_SignInit(s, mechanism, key);
    return rv == CKR_OK ? p11->C_Sign(s, data, data_len, signature, &len) : rv;
}

static void raw_mechanisms_sign_what_they_get(void **state)
{
    (void)state;
    CK_SESSION_HANDLE s = session(AUTH, TESTCARD_AUTH_PIN);
    CK_OBJECT_HANDLE key = find_one(s, CKO_PRIVATE_KEY, 1), public = find_one(s, CKO_PUBLIC_KEY, 1);
    CK_MECHANISM raw = { CKM_RSA_PKCS, NULL, 0 }, raw_pss = { CKM_RSA_PKCS_PSS, &pss, sizeof pss };
    unsigned char signature[256], data[246] = "any bytes", hash[33] = { 0 };
    unsigned hash_len;
    assert_int_equal(sign_with(s, &raw, key, data, 9, signature), CKR_OK);
    assert_int_equal(p11->C_VerifyInit(s, &raw, public), CKR_OK);
    assert_int_equal(p11->C_Verify(s, data, 9, signature, 256), CKR_OK);
    assert_int_equal(sign_with(s, &raw, key, data, 245, signature), CKR_OK);
    assert_int_equal(sign_with(s, &raw, key, data, 246, signature), CKR_DATA_LEN_RANGE);
    assert_int_equal(sign_with(s, &raw, key, data, 0, signature), CKR_DATA_LEN_RANGE);
    assert_int_equal(EVP_Digest("text", 4, hash, &hash_len, EVP_sha256(), NULL), 1);
    assert_int_equal(sign_with(s, &raw_pss, key, hash, 32, signature), CKR_OK);
    assert_true(openssl_verifies(carded.certs[CARD_CERT_AUTH], "SHA256", true, "text", 4, signature));
    assert_int_equal(p11->C_VerifyInit(s, &raw_pss, public), CKR_OK);
    assert_int_equal(p11->C_Verify(s, hash, 32, signature, 256), CKR_OK);
    assert_int_equal(sign_with(s, &raw_pss, key, hash, 31, signature), CKR_DATA_LEN_RANGE);
    assert_int_equal(sign_with(s, &raw_pss, key, hash, 33, signature), CKR_DATA_LEN_RANGE);
    pss.sLen = 20;
    assert_int_equal(sign_with(s, &raw_pss, key, hash, 32, signature), CKR_MECHANISM_PARAM_INVALID);
    pss.sLen = 32;
    CK_MECHANISM x509 = { CKM_RSA_X_509, NULL, 0 }, digest = { CKM_SHA256, NULL, 0 };
    assert_int_equal(sign_with(s, &x509, key, data, 9, signature), CKR_MECHANISM_INVALID);
    assert_int_equal(sign_with(s, &digest, key, data, 9, signature), CKR_MECHANISM_INVALID);
    assert_int_equal(sign_with(s, &raw, public, data, 9, signature), CKR_KEY_FUNCTION_NOT_PERMITTED);
    assert_int_equal(p11->C_SignInit(s, &raw, key), CKR_OK);
    assert_int_equal(p11->C_SignInit(s, &raw, key), CKR_OPERATION_ACTIVE);
    assert_int_equal(p11->C_SessionCancel(s, CKF_SIGN), CKR_OK);
    assert_int_equal(p11->C_SignInit(s, &raw, key), CKR_OK);
    assert_int_equal(p11->C_SignInit(s, NULL, 0), CKR_OK);
}

static void a_card_without_pss_says_so_once(void **state)
{
    enum carded_fault faults[] = { CARDED_NO_PSS, CARDED_FALSE_PSS };
    for (size_t i = 0; i < 2; i++) {
        CK_SESSION_HANDLE s = session(AUTH, TESTCARD_AUTH_PIN);
        CK_OBJECT_HANDLE key = find_one(s, CKO_PRIVATE_KEY, 1);
        CK_MECHANISM mechanism = { CKM_SHA256_RSA_PKCS_PSS, &pss, sizeof pss }, pkcs1 = { CKM_SHA256_RSA_PKCS, NULL, 0 };
        CK_MECHANISM_INFO info;
        CK_ULONG before = 0, after = 0;
        unsigned char signature[256];
        carded.fault = faults[i];
        assert_int_equal(p11->C_GetMechanismInfo(AUTH, CKM_RSA_PKCS_PSS, &info), CKR_OK);
        assert_int_equal(p11->C_GetMechanismList(AUTH, NULL, &before), CKR_OK);
        assert_int_equal(sign_with(s, &mechanism, key, (unsigned char *)"x", 1, signature), CKR_MECHANISM_INVALID);
        assert_int_equal(p11->C_GetMechanismInfo(AUTH, CKM_RSA_PKCS_PSS, &info), CKR_MECHANISM_INVALID);
        assert_int_equal(p11->C_GetMechanismList(AUTH, NULL, &after), CKR_OK);
        assert_int_equal(after, before - 2);
        assert_int_equal(sign_with(s, &pkcs1, key, (unsigned char *)"x", 1, signature), CKR_OK);
        assert_true(openssl_verifies(carded.certs[CARD_CERT_AUTH], "SHA256", false, "x", 1, signature));
        assert_int_equal(pin_flags(AUTH), 0); /* no try was paid for it */
        (void)finalise(state);
        (void)initialise(state);
    }
}

static void digests_are_made_in_software(void **state)
{
    (void)state;
    CK_SESSION_HANDLE s = session(AUTH, NULL);
    (void)carded_count(&carded);
    const struct {
        CK_MECHANISM_TYPE type;
        const char *name;
    } rows[] = { { CKM_SHA_1, "SHA1" }, { CKM_SHA224, "SHA224" }, { CKM_SHA256, "SHA256" }, { CKM_SHA384, "SHA384" },
                 { CKM_SHA512, "SHA512" } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        CK_MECHANISM mechanism = { rows[i].type, NULL, 0 };
        unsigned char made[64], wanted[64], text[] = "abc";
        size_t wanted_len;
        CK_ULONG len = 0;
        assert_int_equal(EVP_Q_digest(NULL, rows[i].name, NULL, text, 3, wanted, &wanted_len), 1);
        assert_int_equal(p11->C_DigestInit(s, &mechanism), CKR_OK);
        assert_int_equal(p11->C_Digest(s, text, 3, NULL, &len), CKR_OK);
        assert_int_equal(len, wanted_len);
        assert_int_equal(p11->C_Digest(s, text, 3, made, &len), CKR_OK);
        assert_memory_equal(made, wanted, wanted_len);
        assert_int_equal(p11->C_DigestInit(s, &mechanism), CKR_OK);
        assert_int_equal(p11->C_DigestUpdate(s, text, 1), CKR_OK);
        assert_int_equal(p11->C_DigestUpdate(s, text + 1, 2), CKR_OK);
        len = 64;
        assert_int_equal(p11->C_DigestFinal(s, made, &len), CKR_OK);
        assert_memory_equal(made, wanted, wanted_len);
    }
    assert_int_equal(carded_count(&carded), 0);
}

/* --- PINs ---------------------------------------------------------------------------------------------------------------- */

static void ill_formed_pins_never_reach_the_card(void **state)
{
    (void)state;
    const struct {
        CK_SLOT_ID slot;
        const char *pin;
        CK_RV rv;
    } rows[] = {
        { AUTH, "", CKR_PIN_LEN_RANGE },          { AUTH, "123", CKR_PIN_LEN_RANGE },
        { AUTH, "12345", CKR_PIN_LEN_RANGE },     { AUTH, "12a4", CKR_PIN_INVALID },
        { AUTH, "ABC123", CKR_PIN_LEN_RANGE },    { SIGN, "1234", CKR_PIN_LEN_RANGE },
        { SIGN, "ABC12", CKR_PIN_LEN_RANGE },     { SIGN, "ABCDEFGHIJKLMNOP1", CKR_PIN_LEN_RANGE },
        { SIGN, "ABC-123", CKR_PIN_INVALID },     { SIGN, "ABC 123", CKR_PIN_INVALID },
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

/* --- removal, processes, threads ----------------------------------------------------------------------------------------- */

static void removal_closes_sessions(void **state)
{
    (void)state;
    CK_SESSION_INFO info;
    CK_SLOT_ID slot = 99;
    CK_TOKEN_INFO token;
    CK_SESSION_HANDLE s = session(AUTH, TESTCARD_AUTH_PIN), other = session(SIGN, NULL);
    CK_OBJECT_HANDLE old = find_one(s, CKO_PUBLIC_KEY, 1);
    assert_int_equal(p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, NULL), CKR_NO_EVENT);
    carded_take_out(&carded);
    assert_int_equal(p11->C_GetSessionInfo(s, &info), CKR_DEVICE_REMOVED);
    assert_int_equal(p11->C_GetSessionInfo(s, &info), CKR_SESSION_HANDLE_INVALID);
    assert_int_equal(p11->C_GetSessionInfo(other, &info), CKR_SESSION_HANDLE_INVALID);
    assert_int_equal(p11->C_GetTokenInfo(AUTH, &token), CKR_TOKEN_NOT_PRESENT);
    assert_int_equal(p11->C_OpenSession(AUTH, CKF_SERIAL_SESSION, NULL, NULL, &s), CKR_TOKEN_NOT_PRESENT);
    assert_int_equal(p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, NULL), CKR_OK);
    assert_int_equal(slot, AUTH);
    assert_int_equal(p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, NULL), CKR_OK);
    assert_int_equal(slot, SIGN);
    assert_int_equal(p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, NULL), CKR_NO_EVENT);
    carded_put_in(&carded);
    assert_int_equal(p11->C_WaitForSlotEvent(0, &slot, NULL), CKR_OK);
    s = session(AUTH, NULL);
    assert_int_equal(p11->C_GetSessionInfo(s, &info), CKR_OK);
    assert_int_equal(info.state, CKS_RO_PUBLIC_SESSION); /* the login went with the card */
    CK_ATTRIBUTE id = { CKA_ID, NULL, 0 };
    assert_int_equal(p11->C_GetAttributeValue(s, old, &id, 1), CKR_OBJECT_HANDLE_INVALID);
}

static void removal_within_a_signature_is_told(void **state)
{
    (void)state;
    unsigned char signature[256], text[] = "x";
    CK_MECHANISM mechanism = { CKM_SHA256_RSA_PKCS, NULL, 0 };
    CK_SESSION_HANDLE s = session(AUTH, TESTCARD_AUTH_PIN);
    carded.fault = CARDED_VANISH;
    assert_int_equal(sign_with(s, &mechanism, find_one(s, CKO_PRIVATE_KEY, 1), text, 1, signature), CKR_DEVICE_REMOVED);
    carded.fault = CARDED_SOUND;
    assert_int_equal(p11->C_CloseSession(s), CKR_SESSION_HANDLE_INVALID);
    s = session(AUTH, TESTCARD_AUTH_PIN);
    assert_int_equal(sign_with(s, &mechanism, find_one(s, CKO_PRIVATE_KEY, 1), text, 1, signature), CKR_OK);
}

static void a_foreign_card_gets_one_command(void **state)
{
    (void)state;
    CK_ULONG count = 9;
    CK_TOKEN_INFO token;
    CK_SLOT_INFO info;
    carded.fault = CARDED_FOREIGN;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(p11->C_GetSlotList(CK_TRUE, NULL, &count), CKR_OK);
        assert_int_equal(count, 0);
        assert_int_equal(p11->C_GetSlotInfo(AUTH, &info), CKR_OK);
        assert_false(info.flags & CKF_TOKEN_PRESENT);
        assert_int_equal(p11->C_GetTokenInfo(AUTH, &token), CKR_TOKEN_NOT_RECOGNIZED);
    }
    assert_int_equal(carded_count(&carded), 1);
}

static void *wait_for_event(void *context)
{
    CK_SLOT_ID slot;
    *(CK_RV *)context = p11->C_WaitForSlotEvent(0, &slot, NULL);
    return NULL;
}

static void finalize_ends_waits(void **state)
{
    (void)state;
    pthread_t threads[3];
    CK_RV rvs[3] = { 77, 77, 77 };
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, wait_for_event, &rvs[i]), 0);
    usleep(100000);
    CK_SESSION_HANDLE s = session(AUTH, TESTCARD_AUTH_PIN); /* waiting stops nobody */
    assert_int_equal(p11->C_Logout(s), CKR_OK);
    assert_int_equal(p11->C_Finalize(NULL), CKR_OK);
    for (size_t i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(rvs[i], CKR_CRYPTOKI_NOT_INITIALIZED);
    }
    assert_int_equal(p11->C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_int_equal(p11->C_GetInfo(&(CK_INFO) { .flags = 0 }), CKR_CRYPTOKI_NOT_INITIALIZED);
}

static void a_child_starts_anew(void **state)
{
    (void)state;
    CK_SESSION_HANDLE s = session(AUTH, TESTCARD_AUTH_PIN);
    CK_OBJECT_HANDLE key = find_one(s, CKO_PRIVATE_KEY, 1);
    CK_MECHANISM mechanism = { CKM_SHA256_RSA_PKCS, NULL, 0 };
    unsigned char signature[256], text[] = "x", pin[] = TESTCARD_AUTH_PIN;
    pid_t child = fork();
    if (child == 0) {
        CK_SESSION_HANDLE mine = 0;
        CK_SESSION_INFO info;
        int flaw = 0;
        flaw |= p11->C_GetSessionInfo(s, &info) != CKR_CRYPTOKI_NOT_INITIALIZED;
        flaw |= p11->C_Finalize(NULL) != CKR_CRYPTOKI_NOT_INITIALIZED ? 2 : 0;
        flaw |= p11->C_Initialize(NULL) != CKR_OK ? 4 : 0;
        flaw |= p11->C_GetSessionInfo(s, &info) != CKR_SESSION_HANDLE_INVALID ? 8 : 0;
        flaw |= p11->C_OpenSession(AUTH, CKF_SERIAL_SESSION, NULL, NULL, &mine) != CKR_OK ? 16 : 0;
        flaw |= p11->C_GetSessionInfo(mine, &info) != CKR_OK || info.state != CKS_RO_PUBLIC_SESSION ? 32 : 0;
        flaw |= p11->C_Login(mine, CKU_USER, pin, 4) != CKR_OK ? 64 : 0;
        flaw |= p11->C_Finalize(NULL) != CKR_OK ? 128 : 0;
        _exit(flaw);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(sign_with(s, &mechanism, key, text, 1, signature), CKR_OK); /* the parent never noticed */
    assert_true(openssl_verifies(carded.certs[CARD_CERT_AUTH], "SHA256", false, "x", 1, signature));
}

static void *sign_many(void *context)
{
    CK_SESSION_HANDLE s = 0;
    CK_MECHANISM mechanism = { CKM_SHA256_RSA_PKCS, NULL, 0 };
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE template = { CKA_CLASS, &class, sizeof class };
    CK_OBJECT_HANDLE key;
    CK_ULONG n, len = 256, *good = context;
    unsigned char signature[256], text[8];
    if (p11->C_OpenSession(AUTH, CKF_SERIAL_SESSION, NULL, NULL, &s) != CKR_OK)
        return NULL;
    if (p11->C_FindObjectsInit(s, &template, 1) != CKR_OK || p11->C_FindObjects(s, &key, 1, &n) != CKR_OK || n != 1
        || p11->C_FindObjectsFinal(s) != CKR_OK)
        return NULL;
    for (int i = 0; i < 5; i++) {
        snprintf((char *)text, sizeof text, "%d", i);
        if (p11->C_SignInit(s, &mechanism, key) == CKR_OK && p11->C_SignUpdate(s, text, 8) == CKR_OK
            && p11->C_SignFinal(s, signature, &len) == CKR_OK
            && openssl_verifies(carded.certs[CARD_CERT_AUTH], "SHA256", false, text, 8, signature))
            ++*good;
    }
    (void)p11->C_CloseSession(s);
    return NULL;
}

static void threads_share_the_card(void **state)
{
    (void)state;
    pthread_t threads[8];
    CK_ULONG good[8] = { 0 };
    CK_SESSION_HANDLE s = session(AUTH, TESTCARD_AUTH_PIN);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, sign_many, &good[i]), 0);
    for (size_t i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(good[i], 5);
    }
    assert_int_equal(p11->C_CloseSession(s), CKR_OK);
}

static void no_error_is_left_in_the_callers_queue(void **state)
{
    (void)state;
    CK_SESSION_HANDLE s = session(AUTH, TESTCARD_AUTH_PIN);
    CK_MECHANISM mechanism = { CKM_SHA256_RSA_PKCS, NULL, 0 };
    unsigned char signature[256] = { 1 }, text[] = "x";
    assert_int_equal(p11->C_VerifyInit(s, &mechanism, find_one(s, CKO_PUBLIC_KEY, 1)), CKR_OK);
    assert_int_equal(p11->C_Verify(s, text, 1, signature, 256), CKR_SIGNATURE_INVALID);
    assert_int_equal(ERR_peek_error(), 0);
}

/* --- commands ------------------------------------------------------------------------------------------------------------ */

static void it_is_kind_to_the_card(void **state)
{
    CK_ULONG count = 0;
    CK_OBJECT_HANDLE found[16];
    unsigned char signature[256], text[] = "x";
    CK_MECHANISM mechanism = { CKM_SHA256_RSA_PKCS, NULL, 0 };
    CK_TOKEN_INFO info;
    for (int what = 0; what < 2; what++) {
        unsigned commands[5];
        unsigned out = carded.bytes_out, in = carded.bytes_in;
        assert_int_equal(p11->C_GetSlotList(CK_TRUE, NULL, &count), CKR_OK);
        assert_int_equal(p11->C_GetTokenInfo(AUTH, &info), CKR_OK);
        assert_int_equal(p11->C_GetTokenInfo(SIGN, &info), CKR_OK);
        commands[0] = carded_count(&carded);
        if (what == 0) {
            CK_SESSION_HANDLE a = session(AUTH, NULL), b = session(SIGN, NULL);
            assert_int_equal(find(a, NULL, 0, found), 9);
            assert_int_equal(find(b, NULL, 0, found), 6);
            commands[1] = carded_count(&carded);
            print_message("# init, tokens: %u; all public objects: +%u; bytes out %u, in %u\n", commands[0], commands[1],
                          carded.bytes_out - out, carded.bytes_in - in);
            assert_true(commands[0] <= 5);
            assert_true(commands[0] + commands[1] <= 26);
        } else {
            CK_SESSION_HANDLE a = session(AUTH, TESTCARD_AUTH_PIN);
            commands[1] = carded_count(&carded);
            CK_OBJECT_HANDLE key = find_one(a, CKO_PRIVATE_KEY, 1);
            commands[2] = carded_count(&carded);
            assert_int_equal(sign_with(a, &mechanism, key, text, 1, signature), CKR_OK);
            commands[3] = carded_count(&carded);
            assert_int_equal(sign_with(a, &mechanism, key, text, 1, signature), CKR_OK);
            commands[4] = carded_count(&carded);
            print_message("# init, tokens: %u; login: +%u; find key: +%u; signature: +%u; second: +%u; bytes out %u, in %u\n",
                          commands[0], commands[1], commands[2], commands[3], commands[4], carded.bytes_out - out,
                          carded.bytes_in - in);
            assert_int_equal(commands[2], 0);
            assert_true(commands[3] <= 5 && commands[4] == commands[3]);
            assert_true(commands[0] + commands[1] + commands[2] + commands[3] <= 16);
        }
        (void)finalise(state);
        (void)initialise(state);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_shows_two_tokens, initialise, finalise),
        cmocka_unit_test_setup_teardown(it_has_every_function, initialise, finalise),
        cmocka_unit_test_setup_teardown(it_refuses_by_the_standard, initialise, finalise),
        cmocka_unit_test_setup_teardown(certificates_are_the_cards, initialise, finalise),
        cmocka_unit_test_setup_teardown(private_objects_are_hidden_before_login, initialise, finalise),
        cmocka_unit_test_setup_teardown(searches_for_the_unknown_find_nothing, initialise, finalise),
        cmocka_unit_test_setup_teardown(the_authentication_key_signs, initialise, finalise),
        cmocka_unit_test_setup_teardown(the_signature_key_signs, initialise, finalise),
        cmocka_unit_test_setup_teardown(raw_mechanisms_sign_what_they_get, initialise, finalise),
        cmocka_unit_test_setup_teardown(a_card_without_pss_says_so_once, initialise, finalise),
        cmocka_unit_test_setup_teardown(digests_are_made_in_software, initialise, finalise),
        cmocka_unit_test_setup_teardown(ill_formed_pins_never_reach_the_card, initialise, finalise),
        cmocka_unit_test_setup_teardown(a_wrong_pin_costs_one_try_once, initialise, finalise),
        cmocka_unit_test_setup_teardown(a_blocked_pin_is_never_sent, initialise, finalise),
        cmocka_unit_test_setup_teardown(nobody_else_can_use_the_pin, initialise, finalise),
        cmocka_unit_test_setup_teardown(a_lost_answer_is_not_repeated, initialise, finalise),
        cmocka_unit_test_setup_teardown(context_specific_logins_need_no_card, initialise, finalise),
        cmocka_unit_test_setup_teardown(removal_closes_sessions, initialise, finalise),
        cmocka_unit_test_setup_teardown(removal_within_a_signature_is_told, initialise, finalise),
        cmocka_unit_test_setup_teardown(a_foreign_card_gets_one_command, initialise, finalise),
        cmocka_unit_test_setup_teardown(finalize_ends_waits, initialise, finalise),
        cmocka_unit_test_setup_teardown(a_child_starts_anew, initialise, finalise),
        cmocka_unit_test_setup_teardown(threads_share_the_card, initialise, finalise),
        cmocka_unit_test_setup_teardown(no_error_is_left_in_the_callers_queue, initialise, finalise),
        cmocka_unit_test_setup_teardown(it_is_kind_to_the_card, initialise, finalise),
    };
    void *module = argc == 2 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    CK_C_GetInterface get = NULL;
    CK_INTERFACE *interface = NULL;
    if (module)
        *(void **)&get = dlsym(module, "C_GetInterface");
    if (!get || get(NULL, NULL, &interface, 0) != CKR_OK) {
        fprintf(stderr, "usage: test_pkcs11_module MODULE: %s\n", argc == 2 ? dlerror() : "no module");
        return 2;
    }
    p11 = interface->pFunctionList;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    carded_end();
    return failed;
}

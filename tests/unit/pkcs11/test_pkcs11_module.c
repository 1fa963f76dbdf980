/* test_pkcs11_module.c — the built module, loaded as applications load it, against the software card: what it shows,
 * and what it refuses. */
#include "module_case.h"

#include <openssl/rsa.h>
#include <stdlib.h>

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
    assert_int_equal(info.flags,
                     CKF_WRITE_PROTECTED | CKF_LOGIN_REQUIRED | CKF_TOKEN_INITIALIZED | CKF_USER_PIN_INITIALIZED);
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
    const void *newest = interface->pFunctionList;
    assert_int_equal(p11->C_GetInterface(name, &v240, &interface, 0), CKR_OK);
    assert_int_equal(((CK_VERSION *)interface->pFunctionList)->major, 2);
    assert_int_equal(p11->C_GetInterface(name, &v300, &interface, 0), CKR_OK);
    assert_int_equal(((CK_VERSION *)interface->pFunctionList)->minor, 0);
    assert_int_equal(p11->C_GetInterface(name, &v320, &interface, 0), CKR_OK);
    assert_ptr_equal(interface->pFunctionList, newest); /* the default */
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
    const CK_OBJECT_CLASS classes[] = { CKO_SECRET_KEY, CKO_DOMAIN_PARAMETERS, 0xCE534353UL,
                                        0xCE534354UL,   CKO_HW_FEATURE,        11 };
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        CK_OBJECT_CLASS class = classes[i];
        CK_ATTRIBUTE template[] = { { CKA_CLASS, &class, sizeof class },
                                    { CKA_TOKEN, &yes, 1 },
                                    { 0xCE5363B4UL, hash, 20 } };
        assert_int_equal(find(s, template, 1, found), 0);
        assert_int_equal(find(s, template, 2, found), 0);
        assert_int_equal(find(s, template, 3, found), 0);
    }
    (void)p11->C_GetSlotList(CK_TRUE, NULL, &(CK_ULONG){ 0 });
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

int main(int argc, char **argv)
{
    const struct CMUnitTest cases[] = {
        MODULE_CASE(it_shows_two_tokens),
        MODULE_CASE(it_has_every_function),
        MODULE_CASE(it_refuses_by_the_standard),
        MODULE_CASE(certificates_are_the_cards),
        MODULE_CASE(private_objects_are_hidden_before_login),
        MODULE_CASE(searches_for_the_unknown_find_nothing),
    };
    return module_case_main(argc, argv, cases);
}

/* p11calls.c — sequences of Cryptoki calls. */
#include "p11calls.h"

#include <dlfcn.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

CK_FUNCTION_LIST_3_0 *p11calls_load(const char *path)
{
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    CK_C_GetInterface get = NULL;
    CK_INTERFACE *interface = NULL;
    CK_VERSION version = { 3, 0 };
    unsigned char name[] = "PKCS 11";
    if (module)
        *(void **)&get = dlsym(module, "C_GetInterface");
    if (get && get(name, &version, &interface, 0) == CKR_OK)
        return interface->pFunctionList;
    fprintf(stderr, "%s: %s\n", path, module ? "no interface 3.0" : dlerror());
    return NULL;
}

CK_SESSION_HANDLE p11calls_open(CK_FUNCTION_LIST_3_0 *p11, CK_SLOT_ID slot, CK_FLAGS flags)
{
    CK_SESSION_HANDLE session = 0;
    assert_int_equal(p11->C_OpenSession(slot, CKF_SERIAL_SESSION | flags, NULL, NULL, &session), CKR_OK);
    return session;
}

CK_RV p11calls_login(CK_FUNCTION_LIST_3_0 *p11, CK_SESSION_HANDLE session, const char *pin)
{
    unsigned char copy[64];
    memcpy(copy, pin, strlen(pin));
    return p11->C_Login(session, CKU_USER, copy, strlen(pin));
}

CK_ULONG p11calls_find(CK_FUNCTION_LIST_3_0 *p11, CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG count,
                       CK_OBJECT_HANDLE *found)
{
    CK_ULONG n = 99;
    assert_int_equal(p11->C_FindObjectsInit(session, template, count), CKR_OK);
    assert_int_equal(p11->C_FindObjects(session, found, 16, &n), CKR_OK);
    assert_int_equal(p11->C_FindObjectsFinal(session), CKR_OK);
    return n;
}

CK_OBJECT_HANDLE p11calls_find_one(CK_FUNCTION_LIST_3_0 *p11, CK_SESSION_HANDLE session, CK_OBJECT_CLASS class, CK_BYTE id)
{
    CK_ATTRIBUTE template[] = { { CKA_CLASS, &class, sizeof class }, { CKA_ID, &id, 1 } };
    CK_OBJECT_HANDLE found[16];
    CK_ULONG n = p11calls_find(p11, session, template, 2, found);
    assert_true(n <= 1);
    return n ? found[0] : CK_INVALID_HANDLE;
}

CK_RV p11calls_sign(CK_FUNCTION_LIST_3_0 *p11, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, bool pss, const void *data,
                    size_t len, unsigned char *signature)
{
    CK_RSA_PKCS_PSS_PARAMS params = { CKM_SHA256, CKG_MGF1_SHA256, 32 };
    CK_MECHANISM pkcs1 = { CKM_SHA256_RSA_PKCS, NULL, 0 }, other = { CKM_SHA256_RSA_PKCS_PSS, &params, sizeof params };
    unsigned char copy[64];
    CK_ULONG signature_len = 256;
    assert_true(len <= sizeof copy);
    memcpy(copy, data, len);
    CK_RV rv = p11->C_SignInit(session, pss ? &other : &pkcs1, key);
    if (rv == CKR_OK)
        rv = p11->C_Sign(session, copy, len, signature, &signature_len);
    if (rv == CKR_OK)
        assert_int_equal(signature_len, 256);
    return rv;
}

bool p11calls_verifies(X509 *cert, bool pss, const void *data, size_t len, const unsigned char *signature)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    EVP_PKEY_CTX *key;
    assert_int_equal(EVP_DigestVerifyInit_ex(context, &key, "SHA256", NULL, NULL, X509_get0_pubkey(cert), NULL), 1);
    if (pss) {
        assert_true(EVP_PKEY_CTX_set_rsa_padding(key, RSA_PKCS1_PSS_PADDING) > 0);
        assert_true(EVP_PKEY_CTX_set_rsa_pss_saltlen(key, 32) > 0);
    }
    bool good = EVP_DigestVerify(context, signature, 256, data, len) == 1;
    EVP_MD_CTX_free(context);
    ERR_clear_error();
    return good;
}

/* module_case.c — the module and the card of a case. */
#include "module_case.h"
#include "p11calls.h"

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <string.h>

CK_FUNCTION_LIST_3_0 *p11;
struct carded carded;

int module_case_start(void **state)
{
    (void)state;
    CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
    carded_start(&carded);
    assert_int_equal(p11->C_Initialize(&args), CKR_OK);
    assert_int_equal(carded_count(&carded), 0); /* C_Initialize asks no card anything */
    return 0;
}

int module_case_stop(void **state)
{
    (void)state;
    CK_RV rv = p11->C_Finalize(NULL);
    assert_true(rv == CKR_OK || rv == CKR_CRYPTOKI_NOT_INITIALIZED);
    carded_stop(&carded);
    return 0;
}

CK_SESSION_HANDLE session(CK_SLOT_ID slot, const char *pin)
{
    CK_SESSION_HANDLE handle = p11calls_open(p11, slot, 0);
    if (pin)
        assert_int_equal(login(handle, pin), CKR_OK);
    return handle;
}

CK_RV login(CK_SESSION_HANDLE handle, const char *pin)
{
    return p11calls_login(p11, handle, pin);
}

CK_ULONG find(CK_SESSION_HANDLE handle, CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *found)
{
    return p11calls_find(p11, handle, template, count, found);
}

CK_OBJECT_HANDLE find_one(CK_SESSION_HANDLE handle, CK_OBJECT_CLASS class, CK_BYTE id)
{
    CK_OBJECT_HANDLE found = p11calls_find_one(p11, handle, class, id);
    assert_int_not_equal(found, CK_INVALID_HANDLE);
    return found;
}

static CK_FLAGS token_flags(CK_SLOT_ID slot)
{
    CK_TOKEN_INFO info;
    assert_int_equal(p11->C_GetTokenInfo(slot, &info), CKR_OK);
    return info.flags;
}

CK_FLAGS pin_flags(CK_SLOT_ID slot)
{
    return token_flags(slot) & (CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED);
}

CK_RV sign_with(CK_SESSION_HANDLE s, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key, unsigned char *data,
                CK_ULONG data_len, unsigned char *signature)
{
    CK_ULONG len = 256;
    CK_RV rv = p11->C_SignInit(s, mechanism, key);
    return rv == CKR_OK ? p11->C_Sign(s, data, data_len, signature, &len) : rv;
}

bool openssl_verifies(X509 *cert, const char *digest, bool pss, const void *data, size_t len,
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

int module_case_run(int argc, char **argv, const struct CMUnitTest *cases, size_t count)
{
    if (argc != 2 || !(p11 = p11calls_load(argv[1]))) {
        fprintf(stderr, "usage: %s MODULE\n", argv[0]);
        return 2;
    }
    int failed = _cmocka_run_group_tests("module", cases, count, NULL, NULL);
    carded_end();
    return failed;
}

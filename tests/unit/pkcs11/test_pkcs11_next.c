/* test_pkcs11_next.c — the built module with the next card, as far as it is announced: P-384 keys, and the mechanisms that
 * fit them. OpenSSL judges the signatures. */
#include "carded.h"
#include "pkcs11/cryptoki.h"

#include <dlfcn.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static CK_FUNCTION_LIST_3_2 *p11;
static struct carded carded;
static struct testcard *rsa_card;

static int initialise(void **state)
{
    (void)state;
    carded_start(&carded);
    carded_take_out(&carded);
    rsa_card = carded.card;
    carded.card = testcard_new_profile("next", false, NULL);
    testcard_personalise(carded.card);
    carded.sim = testcard_sim(carded.card);
    sim_power_off(carded.sim);
    carded_put_in(&carded);
    assert_int_equal(p11->C_Initialize(NULL), CKR_OK);
    return 0;
}

static int finalise(void **state)
{
    (void)state;
    assert_int_equal(p11->C_Finalize(NULL), CKR_OK);
    carded_stop(&carded);
    testcard_free(rsa_card);
    return 0;
}

static CK_SESSION_HANDLE session(CK_SLOT_ID slot, const char *pin)
{
    CK_SESSION_HANDLE handle = 0;
    unsigned char copy[32];
    assert_int_equal(p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &handle), CKR_OK);
    memcpy(copy, pin, strlen(pin));
    assert_int_equal(p11->C_Login(handle, CKU_USER, copy, strlen(pin)), CKR_OK);
    return handle;
}

static CK_OBJECT_HANDLE find_key(CK_SESSION_HANDLE s, CK_OBJECT_CLASS class)
{
    CK_KEY_TYPE type = CKK_EC;
    CK_ATTRIBUTE template[] = { { CKA_CLASS, &class, sizeof class }, { CKA_KEY_TYPE, &type, sizeof type } };
    CK_OBJECT_HANDLE object = 0;
    CK_ULONG n = 0;
    assert_int_equal(p11->C_FindObjectsInit(s, template, 2), CKR_OK);
    assert_int_equal(p11->C_FindObjects(s, &object, 1, &n), CKR_OK);
    assert_int_equal(p11->C_FindObjectsFinal(s), CKR_OK);
    assert_int_equal(n, 1);
    return object;
}

static bool openssl_verifies(X509 *cert, const char *digest, const void *data, size_t len, const unsigned char *pair)
{
    unsigned char *der = NULL;
    ECDSA_SIG *signature = ECDSA_SIG_new();
    assert_true(ECDSA_SIG_set0(signature, BN_bin2bn(pair, 48, NULL), BN_bin2bn(pair + 48, 48, NULL)));
    int der_len = i2d_ECDSA_SIG(signature, &der);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestVerifyInit_ex(context, NULL, digest, NULL, NULL, X509_get0_pubkey(cert), NULL), 1);
    bool good = EVP_DigestVerify(context, der, (size_t)der_len, data, len) == 1;
    EVP_MD_CTX_free(context);
    OPENSSL_free(der);
    ECDSA_SIG_free(signature);
    return good;
}

static void both_keys_sign(void **state)
{
    (void)state;
    static const struct {
        CK_MECHANISM_TYPE type;
        const char *digest;
        bool hashed; /* by the application */
    } rows[] = {
        { CKM_ECDSA_SHA256, "SHA256", false }, { CKM_ECDSA_SHA384, "SHA384", false }, { CKM_ECDSA_SHA512, "SHA512", false },
        { CKM_ECDSA, "SHA256", true },         { CKM_ECDSA, "SHA384", true },         { CKM_ECDSA, "SHA512", true },
    };
    for (CK_SLOT_ID slot = 0; slot < 2; slot++) {
        CK_SESSION_HANDLE s = session(slot, slot ? TESTCARD_SIGN_PIN : TESTCARD_AUTH_PIN);
        X509 *cert = testcard_cert(carded.card, slot ? APPLET_EF_SIGN_CERT : APPLET_EF_AUTH_CERT);
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            CK_MECHANISM mechanism = { rows[i].type, NULL, 0 };
            unsigned char text[] = "to be signed", hash[64], signature[96], small[95];
            unsigned char *data = text;
            CK_ULONG len = sizeof signature, data_len = sizeof text, short_len = sizeof small;
            size_t hash_len = 0;
            if (rows[i].hashed) {
                assert_true(EVP_Q_digest(NULL, rows[i].digest, NULL, text, sizeof text, hash, &hash_len));
                data = hash;
                data_len = hash_len;
            }
            assert_int_equal(p11->C_SignInit(s, &mechanism, find_key(s, CKO_PRIVATE_KEY)), CKR_OK);
            assert_int_equal(p11->C_Sign(s, data, data_len, small, &short_len), CKR_BUFFER_TOO_SMALL);
            assert_int_equal(short_len, 96);
            assert_int_equal(p11->C_Sign(s, data, data_len, signature, &len), CKR_OK);
            assert_int_equal(len, 96);
            assert_true(openssl_verifies(cert, rows[i].digest, text, sizeof text, signature));
            CK_OBJECT_HANDLE public_key = find_key(s, CKO_PUBLIC_KEY);
            assert_int_equal(p11->C_VerifyInit(s, &mechanism, public_key), CKR_OK);
            assert_int_equal(p11->C_Verify(s, data, data_len, signature, 96), CKR_OK);
            signature[95] ^= 1;
            assert_int_equal(p11->C_VerifyInit(s, &mechanism, public_key), CKR_OK);
            assert_int_equal(p11->C_Verify(s, data, data_len, signature, 96), CKR_SIGNATURE_INVALID);
            assert_int_equal(p11->C_VerifyInit(s, &mechanism, public_key), CKR_OK);
            assert_int_equal(p11->C_Verify(s, data, data_len, signature, 95), CKR_SIGNATURE_LEN_RANGE);
        }
    }
}

static void the_mechanisms_are_those_of_its_keys(void **state)
{
    (void)state;
    CK_MECHANISM_TYPE types[32];
    CK_ULONG count = 32, ecdsa = 0;
    CK_MECHANISM_INFO info;
    assert_int_equal(p11->C_GetMechanismList(0, types, &count), CKR_OK);
    for (CK_ULONG i = 0; i < count; i++) {
        assert_int_equal(p11->C_GetMechanismInfo(0, types[i], &info), CKR_OK);
        ecdsa += info.ulMinKeySize == 384 && info.ulMaxKeySize == 384 && (info.flags & CKF_SIGN) && (info.flags & CKF_EC_NAMEDCURVE);
        assert_true((info.flags & CKF_DIGEST) || info.ulMaxKeySize == 384);
    }
    assert_int_equal(ecdsa, 4);
    assert_int_equal(p11->C_GetMechanismInfo(0, CKM_SHA256_RSA_PKCS, &info), CKR_MECHANISM_INVALID);
    assert_int_equal(p11->C_GetMechanismInfo(0, CKM_RSA_PKCS_PSS, &info), CKR_MECHANISM_INVALID);
    CK_SESSION_HANDLE s = session(0, TESTCARD_AUTH_PIN);
    CK_MECHANISM rsa = { CKM_SHA256_RSA_PKCS, NULL, 0 };
    assert_int_equal(p11->C_SignInit(s, &rsa, find_key(s, CKO_PRIVATE_KEY)), CKR_MECHANISM_INVALID);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(both_keys_sign, initialise, finalise),
        cmocka_unit_test_setup_teardown(the_mechanisms_are_those_of_its_keys, initialise, finalise),
    };
    void *module = argc == 2 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    CK_C_GetInterface get = NULL;
    CK_INTERFACE *interface = NULL;
    if (module)
        *(void **)&get = dlsym(module, "C_GetInterface");
    if (!get || get(NULL, NULL, &interface, 0) != CKR_OK) {
        fprintf(stderr, "usage: test_pkcs11_next MODULE: %s\n", argc == 2 ? dlerror() : "no module");
        return 2;
    }
    p11 = interface->pFunctionList;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    carded_end();
    return failed;
}

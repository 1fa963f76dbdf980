/* test_pkcs11_sign.c — the built module: what it signs, verifies and hashes, also by several threads. */
#include "module_case.h"

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <string.h>

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
        CK_MECHANISM mechanism = { CKM_SHA256_RSA_PKCS_PSS, &pss, sizeof pss },
                     pkcs1 = { CKM_SHA256_RSA_PKCS, NULL, 0 };
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
        (void)module_case_stop(state);
        (void)module_case_start(state);
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
    } rows[] = { { CKM_SHA_1, "SHA1" },
                 { CKM_SHA224, "SHA224" },
                 { CKM_SHA256, "SHA256" },
                 { CKM_SHA384, "SHA384" },
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
    if (p11->C_FindObjectsInit(s, &template, 1) != CKR_OK || p11->C_FindObjects(s, &key, 1, &n) != CKR_OK || n != 1 ||
        p11->C_FindObjectsFinal(s) != CKR_OK)
        return NULL;
    for (int i = 0; i < 5; i++) {
        snprintf((char *)text, sizeof text, "%d", i);
        if (p11->C_SignInit(s, &mechanism, key) == CKR_OK && p11->C_SignUpdate(s, text, 8) == CKR_OK &&
            p11->C_SignFinal(s, signature, &len) == CKR_OK &&
            openssl_verifies(carded.certs[CARD_CERT_AUTH], "SHA256", false, text, 8, signature))
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

int main(int argc, char **argv)
{
    const struct CMUnitTest cases[] = {
        MODULE_CASE(the_authentication_key_signs),          MODULE_CASE(the_signature_key_signs),
        MODULE_CASE(raw_mechanisms_sign_what_they_get),     MODULE_CASE(a_card_without_pss_says_so_once),
        MODULE_CASE(digests_are_made_in_software),          MODULE_CASE(threads_share_the_card),
        MODULE_CASE(no_error_is_left_in_the_callers_queue),
    };
    return module_case_main(argc, argv, cases);
}

/* test_pkcs11_removal.c — the built module: cards that go, cards of another kind, waits that end, and children. */
#include "module_case.h"

#include <openssl/rsa.h>
#include <sys/wait.h>
#include <unistd.h>

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
    assert_int_equal(p11->C_GetInfo(&(CK_INFO){ .flags = 0 }), CKR_CRYPTOKI_NOT_INITIALIZED);
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

int main(int argc, char **argv)
{
    const struct CMUnitTest cases[] = {
        MODULE_CASE(removal_closes_sessions),
        MODULE_CASE(removal_within_a_signature_is_told),
        MODULE_CASE(a_foreign_card_gets_one_command),
        MODULE_CASE(finalize_ends_waits),
        MODULE_CASE(a_child_starts_anew),
    };
    return module_case_main(argc, argv, cases);
}

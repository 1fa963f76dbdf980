/* test_pkcs11_browsers.c — what Chromium and Firefox do with a module, replayed call by call as their logs show it, against
 * the software card: how NSS finds the interface and initialises, what it looks for and must not find, how often it asks
 * whether the card is still there, logins given, cancelled and refused, signatures from several threads, and a thread that
 * waits for cards until the browser ends. */
#include "carded.h"
#include "p11calls.h"

#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define NSS_VENDOR 0xCE534350UL
#define NSS_TRUST (0x80000000UL | NSS_VENDOR | 3)
#define NSS_BUILTIN_ROOTS (0x80000000UL | NSS_VENDOR | 4)
#define NSS_CERT_SHA1_HASH (0x80000000UL | NSS_VENDOR | 100)
#define NSS_EMAIL (0x80000000UL | NSS_VENDOR | 2)
#define PROFILE_CLASS 9UL
#define TRUST_CLASS 11UL

static const char *module_path;
static CK_FUNCTION_LIST_3_0 *p11;
static struct carded carded;

/* --- starting ------------------------------------------------------------------------------------------------------------ */

static CK_RV mutex_create(void **mutex)
{
    *mutex = malloc(sizeof(pthread_mutex_t));
    return *mutex && !pthread_mutex_init(*mutex, NULL) ? CKR_OK : CKR_HOST_MEMORY;
}
static CK_RV mutex_destroy(void *mutex)
{
    pthread_mutex_destroy(mutex);
    free(mutex);
    return CKR_OK;
}
static CK_RV mutex_lock(void *mutex)
{
    return pthread_mutex_lock(mutex) ? CKR_GENERAL_ERROR : CKR_OK;
}
static CK_RV mutex_unlock(void *mutex)
{
    return pthread_mutex_unlock(mutex) ? CKR_GENERAL_ERROR : CKR_OK;
}

/* NSS asks for a fork safe interface first, then for any, then for one of its own. */
static int start(void **state)
{
    (void)state;
    void *module = dlopen(module_path, RTLD_NOW | RTLD_LOCAL);
    CK_C_GetInterface get = NULL;
    CK_INTERFACE *interface = NULL;
    unsigned char standard[] = "PKCS 11", fips[] = "Vendor NSS FIPS Interface";
    CK_C_INITIALIZE_ARGS args = { mutex_create, mutex_destroy, mutex_lock, mutex_unlock,
                                  CKF_LIBRARY_CANT_CREATE_OS_THREADS | CKF_OS_LOCKING_OK, NULL };
    CK_INFO info;
    carded_start(&carded);
    assert_non_null(module);
    *(void **)&get = dlsym(module, "C_GetInterface");
    assert_non_null(get);
    if (get(standard, NULL, &interface, CKF_INTERFACE_FORK_SAFE) != CKR_OK)
        assert_int_equal(get(standard, NULL, &interface, 0), CKR_OK);
    p11 = interface->pFunctionList;
    assert_int_equal(get(fips, NULL, &interface, CKF_INTERFACE_FORK_SAFE), CKR_FUNCTION_FAILED);
    assert_int_equal(get(fips, NULL, &interface, 0), CKR_FUNCTION_FAILED);
    assert_int_equal(p11->C_Initialize(&args), CKR_OK);
    assert_int_equal(p11->C_GetInfo(&info), CKR_OK);
    assert_true(info.cryptokiVersion.major >= 2);
    assert_int_equal(carded_count(&carded), 0);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    (void)p11->C_Finalize(NULL);
    carded_stop(&carded);
    return 0;
}

/* A slot that NSS takes in: what it is, what it can do, and a session that stays open. */
static CK_SESSION_HANDLE take_slot(CK_SLOT_ID slot)
{
    CK_SLOT_INFO slot_info;
    CK_TOKEN_INFO info;
    CK_MECHANISM_TYPE mechanisms[64];
    CK_ULONG count = 0;
    assert_int_equal(p11->C_GetSlotInfo(slot, &slot_info), CKR_OK);
    assert_true(slot_info.flags & CKF_TOKEN_PRESENT);
    assert_int_equal(p11->C_GetTokenInfo(slot, &info), CKR_OK);
    assert_true(info.flags & CKF_LOGIN_REQUIRED);
    assert_int_equal(p11->C_GetMechanismList(slot, NULL, &count), CKR_OK);
    assert_true(count <= 64);
    assert_int_equal(p11->C_GetMechanismList(slot, mechanisms, &count), CKR_OK);
    bool pss = false;
    for (CK_ULONG i = 0; i < count; i++)
        pss = pss || mechanisms[i] == CKM_RSA_PKCS_PSS;
    assert_true(pss); /* what TLS 1.3 stands on */
    return p11calls_open(p11, slot, 0);
}

/* Searches that must find nothing and must be no error: NSS gives a token up otherwise. */
static void look_for_what_is_not_there(CK_SESSION_HANDLE session)
{
    const CK_OBJECT_CLASS classes[] = { NSS_TRUST, NSS_BUILTIN_ROOTS, TRUST_CLASS, CKO_SECRET_KEY };
    CK_OBJECT_HANDLE found[16];
    CK_BBOOL yes = CK_TRUE;
    unsigned char hash[20] = { 1 };
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        CK_OBJECT_CLASS class = classes[i];
        CK_ATTRIBUTE template[] = { { CKA_TOKEN, &yes, 1 }, { CKA_CLASS, &class, sizeof class }, { NSS_CERT_SHA1_HASH, hash, 20 } };
        assert_int_equal(p11calls_find(p11, session, template, 2, found), 0);
        assert_int_equal(p11calls_find(p11, session, template, 3, found), 0);
    }
    CK_OBJECT_CLASS profile = PROFILE_CLASS; /* may be there, must be no error */
    CK_ATTRIBUTE template = { CKA_CLASS, &profile, sizeof profile };
    (void)p11calls_find(p11, session, &template, 1, found);
}

/* One attribute by one: NSS asks the length, then the value; what is unknown is an error of that attribute only. */
static void read_certificate(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object)
{
    const CK_ATTRIBUTE_TYPE types[] = { CKA_TOKEN, CKA_LABEL, CKA_CERTIFICATE_TYPE, CKA_ID, CKA_VALUE, CKA_ISSUER,
                                        CKA_SERIAL_NUMBER, CKA_SUBJECT };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        unsigned char value[4096];
        CK_ATTRIBUTE attribute = { types[i], NULL, 0 };
        assert_int_equal(p11->C_GetAttributeValue(session, object, &attribute, 1), CKR_OK);
        assert_true(attribute.ulValueLen > 0 && attribute.ulValueLen <= sizeof value);
        attribute.pValue = value;
        assert_int_equal(p11->C_GetAttributeValue(session, object, &attribute, 1), CKR_OK);
    }
    CK_ATTRIBUTE email = { NSS_EMAIL, NULL, 0 };
    assert_int_equal(p11->C_GetAttributeValue(session, object, &email, 1), CKR_ATTRIBUTE_TYPE_INVALID);
    assert_int_equal(email.ulValueLen, CK_UNAVAILABLE_INFORMATION);
}

static CK_ULONG list_certificates(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *found)
{
    CK_OBJECT_CLASS class = CKO_CERTIFICATE;
    CK_BBOOL yes = CK_TRUE;
    CK_ATTRIBUTE template[] = { { CKA_TOKEN, &yes, 1 }, { CKA_CLASS, &class, sizeof class } };
    CK_ULONG n = p11calls_find(p11, session, template, 2, found);
    for (CK_ULONG i = 0; i < n; i++)
        read_certificate(session, found[i]);
    return n;
}

/* The key of a certificate, found by the certificate's id; NSS takes the key's kind and modulus from the private key. */
static CK_OBJECT_HANDLE find_key_of(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE cert)
{
    unsigned char id[16], modulus[512];
    CK_KEY_TYPE kind = 99;
    CK_BBOOL always = 9;
    CK_ATTRIBUTE id_of = { CKA_ID, id, sizeof id };
    assert_int_equal(p11->C_GetAttributeValue(session, cert, &id_of, 1), CKR_OK);
    CK_OBJECT_HANDLE key = p11calls_find_one(p11, session, CKO_PRIVATE_KEY, id[0]);
    if (!key)
        return 0;
    CK_ATTRIBUTE about[] = { { CKA_KEY_TYPE, &kind, sizeof kind }, { CKA_MODULUS, modulus, sizeof modulus },
                             { CKA_ALWAYS_AUTHENTICATE, &always, 1 } };
    assert_int_equal(p11->C_GetAttributeValue(session, key, about, 3), CKR_OK);
    assert_int_equal(kind, CKK_RSA);
    assert_int_equal(about[1].ulValueLen, 256);
    assert_int_equal(always, CK_FALSE);
    return key;
}

static bool is_there(CK_SLOT_ID slot, CK_SESSION_HANDLE session)
{
    CK_SLOT_INFO slot_info;
    CK_SESSION_INFO info;
    return p11->C_GetSlotInfo(slot, &slot_info) == CKR_OK && (slot_info.flags & CKF_TOKEN_PRESENT)
        && p11->C_GetSessionInfo(session, &info) == CKR_OK;
}

/* --- Chromium ------------------------------------------------------------------------------------------------------------ */

/* Every token is looked through; one that wants a login gets one dialog; the handshake signs in a session of its own. */
static void chromium_logs_in(void **state)
{
    (void)state;
    CK_SLOT_ID slots[8];
    CK_ULONG count = 8, certs = 0;
    CK_OBJECT_HANDLE found[16];
    CK_OBJECT_HANDLE key = 0;
    CK_SESSION_HANDLE auth = 0;
    assert_int_equal(p11->C_GetSlotList(CK_FALSE, slots, &count), CKR_OK);
    assert_int_equal(count, 1); /* the module that browsers are given has one token */
    auth = take_slot(slots[0]);
    look_for_what_is_not_there(auth);
    assert_true(carded_count(&carded) <= 5); /* none of this reads a file */
    assert_int_equal(p11calls_login(p11, auth, TESTCARD_AUTH_PIN), CKR_OK);
    certs = list_certificates(auth, found);
    assert_int_equal(certs, 2);
    for (CK_ULONG i = 0; i < certs; i++) {
        CK_OBJECT_HANDLE other = find_key_of(auth, found[i]);
        key = other ? other : key;
    }
    assert_true(key != 0);
    (void)carded_count(&carded);
    for (int i = 0; i < 200; i++)
        assert_true(is_there(slots[0], auth));
    assert_int_equal(list_certificates(auth, found), 2);
    assert_int_equal(carded_count(&carded), 0);

    /* CertificateVerify of TLS 1.3: the hash is made outside, the padding in the card. */
    CK_SESSION_HANDLE own = p11calls_open(p11, slots[0], 0);
    CK_RSA_PKCS_PSS_PARAMS params = { CKM_SHA256, CKG_MGF1_SHA256, 32 };
    CK_MECHANISM mechanism = { CKM_RSA_PKCS_PSS, &params, sizeof params };
    unsigned char hash[32], signature[256];
    CK_ULONG len = sizeof signature;
    unsigned int hash_len = sizeof hash;
    assert_int_equal(EVP_Digest("handshake", 9, hash, &hash_len, EVP_sha256(), NULL), 1);
    assert_int_equal(p11->C_SignInit(own, &mechanism, key), CKR_OK);
    assert_int_equal(p11->C_Sign(own, hash, sizeof hash, signature, &len), CKR_OK);
    assert_true(p11calls_verifies(carded.certs[CARD_CERT_AUTH], true, "handshake", 9, signature));
    assert_int_equal(p11->C_CloseSession(own), CKR_OK);
}

/* The dialog is cancelled: no C_Login at all. The page without a certificate must load, and a later login work. */
static void a_cancelled_dialog_breaks_nothing(void **state)
{
    (void)state;
    CK_OBJECT_HANDLE found[16];
    CK_SESSION_HANDLE auth = take_slot(0);
    for (int page = 0; page < 3; page++) {
        assert_int_equal(list_certificates(auth, found), 2);
        assert_int_equal(find_key_of(auth, found[0]), 0);
        assert_true(is_there(0, auth));
    }
    assert_int_equal(p11calls_login(p11, auth, TESTCARD_AUTH_PIN), CKR_OK);
    assert_true(p11calls_find_one(p11, auth, CKO_PRIVATE_KEY, 1) != 0);
    assert_int_equal(carded.verifies, 1);
}

/* --- Firefox ------------------------------------------------------------------------------------------------------------- */

struct connection {
    CK_OBJECT_HANDLE key;
    unsigned good;
};

static void *connect_often(void *context)
{
    struct connection *connection = context;
    for (int i = 0; i < 4; i++) {
        unsigned char signature[256];
        CK_SESSION_HANDLE own = 0;
        CK_SESSION_INFO info;
        CK_MECHANISM raw = { CKM_RSA_PKCS, NULL, 0 };
        CK_ULONG len = sizeof signature;
        unsigned char text[51] = { 0x30, 0x31 };
        if (p11->C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &own) != CKR_OK)
            break;
        connection->good += p11->C_SignInit(own, &raw, connection->key) == CKR_OK
            && p11->C_Sign(own, text, sizeof text, signature, &len) == CKR_OK && len == 256
            && p11->C_GetSessionInfo(own, &info) == CKR_OK && info.state == CKS_RO_USER_FUNCTIONS
            && p11->C_CloseSession(own) == CKR_OK;
    }
    return NULL;
}

/* A page opens six connections; while they shake hands the certificate manager looks at everything. */
static void firefox_opens_six_connections(void **state)
{
    (void)state;
    CK_OBJECT_HANDLE found[16];
    struct connection connections[6];
    pthread_t threads[6];
    CK_SESSION_HANDLE auth = take_slot(0);
    assert_int_equal(p11calls_login(p11, auth, TESTCARD_AUTH_PIN), CKR_OK);
    assert_int_equal(p11calls_login(p11, auth, TESTCARD_AUTH_PIN), CKR_USER_ALREADY_LOGGED_IN);
    CK_OBJECT_HANDLE key = p11calls_find_one(p11, auth, CKO_PRIVATE_KEY, 1);
    for (size_t i = 0; i < 6; i++) {
        connections[i] = (struct connection) { key, 0 };
        assert_int_equal(pthread_create(&threads[i], NULL, connect_often, &connections[i]), 0);
    }
    for (int i = 0; i < 20; i++) {
        assert_int_equal(list_certificates(auth, found), 2);
        look_for_what_is_not_there(auth);
        assert_true(is_there(0, auth));
    }
    for (size_t i = 0; i < 6; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(connections[i].good, 4);
    }
    assert_int_equal(carded.signatures, 24);
    assert_int_equal(carded_is_presented(&carded, CARD_KEY_AUTH), false);
}

/* A wrong PIN is asked for again in the same page load: the same wrong one, from a password manager, costs nothing more. */
static void firefox_asks_again(void **state)
{
    (void)state;
    CK_SESSION_HANDLE auth = take_slot(0);
    for (int i = 0; i < 5; i++)
        assert_int_equal(p11calls_login(p11, auth, "9876"), CKR_PIN_INCORRECT);
    assert_int_equal(carded.verifies, 1);
    assert_int_equal(p11calls_login(p11, auth, TESTCARD_AUTH_PIN), CKR_OK);
    assert_int_equal(carded.verifies, 2);
}

struct watch {
    _Atomic unsigned events;
    _Atomic bool ended;
};

static void *watch_cards(void *context)
{
    struct watch *watch = context;
    CK_SLOT_ID slot;
    while (p11->C_WaitForSlotEvent(0, &slot, NULL) == CKR_OK)
        watch->events++;
    watch->ended = true;
    return NULL;
}

/* Firefox has a thread that waits for cards. The card is taken out within a session and put back; the session is gone, a new
 * one works; when Firefox ends, the thread does. */
static void firefox_watches_the_reader(void **state)
{
    (void)state;
    struct watch watch = { 0 };
    pthread_t thread;
    CK_OBJECT_HANDLE found[16];
    CK_SLOT_INFO slot_info;
    CK_SESSION_INFO info;
    CK_SESSION_HANDLE auth = take_slot(0);
    assert_int_equal(p11calls_login(p11, auth, TESTCARD_AUTH_PIN), CKR_OK);
    assert_int_equal(pthread_create(&thread, NULL, watch_cards, &watch), 0);
    carded_take_out(&carded);
    for (int i = 0; i < 500 && !watch.events; i++)
        usleep(10000);
    assert_true(watch.events >= 1);
    assert_int_equal(p11->C_GetSlotInfo(0, &slot_info), CKR_OK);
    assert_false(slot_info.flags & CKF_TOKEN_PRESENT);
    assert_true(p11->C_GetSessionInfo(auth, &info) != CKR_OK);
    unsigned seen = watch.events;
    carded_put_in(&carded);
    for (int i = 0; i < 500 && watch.events == seen; i++)
        usleep(10000);
    assert_true(watch.events > seen);
    auth = take_slot(0);
    assert_int_equal(list_certificates(auth, found), 2);
    assert_int_equal(find_key_of(auth, found[0]), 0); /* nobody is logged in to a card that was away */
    assert_int_equal(p11calls_login(p11, auth, TESTCARD_AUTH_PIN), CKR_OK);
    assert_int_equal(p11->C_Finalize(NULL), CKR_OK);
    pthread_join(thread, NULL);
    assert_true(watch.ended);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(chromium_logs_in, start, stop),
        cmocka_unit_test_setup_teardown(a_cancelled_dialog_breaks_nothing, start, stop),
        cmocka_unit_test_setup_teardown(firefox_opens_six_connections, start, stop),
        cmocka_unit_test_setup_teardown(firefox_asks_again, start, stop),
        cmocka_unit_test_setup_teardown(firefox_watches_the_reader, start, stop),
    };
    if (argc != 2) {
        fprintf(stderr, "usage: test_pkcs11_browsers MODULE\n");
        return 2;
    }
    module_path = argv[1];
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    carded_end();
    return failed;
}

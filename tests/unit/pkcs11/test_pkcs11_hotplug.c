/* test_pkcs11_hotplug.c — cards put in and taken out under the built module: what a wait tells, what another card in the same
 * reader inherits (nothing), and that no thread is left behind. */
#include "carded.h"
#include "pkcs11/cryptoki.h"

#include <dirent.h>
#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define AUTH 0UL
#define SIGN 1UL

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

static CK_SESSION_HANDLE session(const char *pin)
{
    CK_SESSION_HANDLE handle = 0;
    unsigned char copy[8];
    assert_int_equal(p11->C_OpenSession(AUTH, CKF_SERIAL_SESSION, NULL, NULL, &handle), CKR_OK);
    if (pin) {
        memcpy(copy, pin, 4);
        assert_int_equal(p11->C_Login(handle, CKU_USER, copy, 4), CKR_OK);
    }
    return handle;
}

/* The authentication certificate, as the module tells it now; its length. */
static CK_ULONG read_certificate(CK_SESSION_HANDLE s, unsigned char *value, size_t space)
{
    CK_OBJECT_CLASS class = CKO_CERTIFICATE;
    CK_BYTE id = 1;
    CK_ATTRIBUTE template[] = { { CKA_CLASS, &class, sizeof class }, { CKA_ID, &id, 1 } };
    CK_OBJECT_HANDLE object;
    CK_ULONG n = 0;
    assert_int_equal(p11->C_FindObjectsInit(s, template, 2), CKR_OK);
    assert_int_equal(p11->C_FindObjects(s, &object, 1, &n), CKR_OK);
    assert_int_equal(p11->C_FindObjectsFinal(s), CKR_OK);
    assert_int_equal(n, 1);
    CK_ATTRIBUTE ask = { CKA_VALUE, value, space };
    assert_int_equal(p11->C_GetAttributeValue(s, object, &ask, 1), CKR_OK);
    return ask.ulValueLen;
}

struct waiting {
    pthread_t thread;
    CK_RV rv;
    CK_SLOT_ID slot;
    _Atomic bool back;
};

static void *wait_here(void *context)
{
    struct waiting *waiting = context;
    waiting->rv = p11->C_WaitForSlotEvent(0, &waiting->slot, NULL);
    waiting->back = true;
    return NULL;
}

static void begin_wait(struct waiting *waiting)
{
    *waiting = (struct waiting) { .rv = 77, .slot = 99 };
    assert_int_equal(pthread_create(&waiting->thread, NULL, wait_here, waiting), 0);
}

static void end_wait(struct waiting *waiting)
{
    for (int i = 0; i < 1000 && !waiting->back; i++)
        usleep(10000);
    assert_true(waiting->back);
    pthread_join(waiting->thread, NULL);
}

static unsigned threads(void)
{
    unsigned count = 0;
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    for (const struct dirent *entry = readdir(tasks); entry; entry = readdir(tasks))
        count += entry->d_name[0] != '.';
    closedir(tasks);
    return count;
}

static void a_wait_tells_each_token_once(void **state)
{
    (void)state;
    struct waiting waiting;
    CK_SLOT_ID slot = 99;
    begin_wait(&waiting);
    usleep(50000);
    assert_false(waiting.back); /* what was there before is no event */
    carded_take_out(&carded);
    end_wait(&waiting);
    assert_int_equal(waiting.rv, CKR_OK);
    assert_int_equal(waiting.slot, AUTH);
    assert_int_equal(p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, NULL), CKR_OK);
    assert_int_equal(slot, SIGN);
    assert_int_equal(p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, NULL), CKR_NO_EVENT);
    begin_wait(&waiting);
    usleep(50000);
    assert_false(waiting.back);
    carded_put_in(&carded);
    end_wait(&waiting);
    assert_int_equal(waiting.rv, CKR_OK);
}

static void the_module_can_start_without_a_card(void **state)
{
    (void)state;
    struct waiting waiting;
    CK_ULONG count = 9;
    assert_int_equal(p11->C_Finalize(NULL), CKR_OK);
    carded_take_out(&carded);
    assert_int_equal(p11->C_Initialize(NULL), CKR_OK);
    assert_int_equal(p11->C_GetSlotList(CK_TRUE, NULL, &count), CKR_OK);
    assert_int_equal(count, 0);
    begin_wait(&waiting);
    usleep(50000);
    carded_put_in(&carded);
    end_wait(&waiting);
    assert_int_equal(waiting.rv, CKR_OK);
    assert_int_equal(p11->C_GetSlotList(CK_TRUE, NULL, &count), CKR_OK);
    assert_int_equal(count, 2);
    (void)session("1234");
}

static void another_card_inherits_nothing(void **state)
{
    (void)state;
    static unsigned char first[4096], second[4096];
    CK_SESSION_INFO info;
    CK_SESSION_HANDLE s = session("1234");
    CK_ULONG first_len = read_certificate(s, first, sizeof first);
    carded_take_out(&carded); /* and the module is not asked anything before another card is in */
    struct testcard *before = carded.card, *other = testcard_new();
    carded.card = other;
    carded.sim = testcard_sim(other);
    sim_power_off(carded.sim);
    carded_put_in(&carded);
    assert_int_equal(p11->C_GetSessionInfo(s, &info), CKR_DEVICE_REMOVED);
    assert_int_equal(p11->C_GetSessionInfo(s, &info), CKR_SESSION_HANDLE_INVALID);
    s = session(NULL);
    assert_int_equal(p11->C_GetSessionInfo(s, &info), CKR_OK);
    assert_int_equal(info.state, CKS_RO_PUBLIC_SESSION);
    CK_ULONG second_len = read_certificate(s, second, sizeof second);
    assert_true(first_len != second_len || memcmp(first, second, first_len) != 0);
    unsigned char *der = NULL;
    int len = i2d_X509(testcard_cert(other, APPLET_EF_AUTH_CERT), &der);
    assert_int_equal(second_len, len);
    assert_memory_equal(second, der, second_len);
    OPENSSL_free(der);
    assert_int_equal(carded.verifies, 1); /* the first card's PIN was not tried on the second */
    testcard_free(before);
}

static void the_same_card_again_wants_its_pin_again(void **state)
{
    (void)state;
    CK_SESSION_INFO info;
    CK_SESSION_HANDLE s = session("1234");
    for (int i = 0; i < 3; i++) {
        carded_take_out(&carded);
        carded_put_in(&carded);
        assert_int_equal(p11->C_GetSessionInfo(s, &info), CKR_DEVICE_REMOVED);
        s = session(NULL);
        assert_int_equal(p11->C_GetSessionInfo(s, &info), CKR_OK);
        assert_int_equal(info.state, CKS_RO_PUBLIC_SESSION);
        assert_int_equal(p11->C_CloseSession(s), CKR_OK);
        s = session("1234");
    }
}

static void no_thread_is_left_behind(void **state)
{
    (void)state;
    assert_int_equal(p11->C_Finalize(NULL), CKR_OK);
    unsigned before = threads();
    for (int i = 0; i < 5; i++) {
        struct waiting waiting[3];
        assert_int_equal(p11->C_Initialize(NULL), CKR_OK);
        (void)session("1234");
        for (size_t k = 0; k < 3; k++)
            begin_wait(&waiting[k]);
        if (i % 2)
            usleep(20000); /* else C_Finalize meets them on their way in */
        assert_int_equal(p11->C_Finalize(NULL), CKR_OK);
        for (size_t k = 0; k < 3; k++) {
            end_wait(&waiting[k]);
            assert_int_equal(waiting[k].rv, CKR_CRYPTOKI_NOT_INITIALIZED);
        }
    }
    for (int i = 0; i < 100 && threads() != before; i++)
        usleep(10000);
    assert_int_equal(threads(), before);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_wait_tells_each_token_once, initialise, finalise),
        cmocka_unit_test_setup_teardown(the_module_can_start_without_a_card, initialise, finalise),
        cmocka_unit_test_setup_teardown(another_card_inherits_nothing, initialise, finalise),
        cmocka_unit_test_setup_teardown(the_same_card_again_wants_its_pin_again, initialise, finalise),
        cmocka_unit_test_setup_teardown(no_thread_is_left_behind, initialise, finalise),
    };
    void *module = argc == 2 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    CK_C_GetInterface get = NULL;
    CK_INTERFACE *interface = NULL;
    if (module)
        *(void **)&get = dlsym(module, "C_GetInterface");
    if (!get || get(NULL, NULL, &interface, 0) != CKR_OK) {
        fprintf(stderr, "usage: test_pkcs11_hotplug MODULE: %s\n", argc == 2 ? dlerror() : "no module");
        return 2;
    }
    p11 = interface->pFunctionList;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    carded_end();
    return failed;
}

/* test_pkcs11_gaps.c — a thief who tries to sign in every gap: between the calls of a program that is logged in, after its logout,
 * and after it was killed at any moment. It speaks to the simulator's reader as every program does. */
#include "carded.h"
#include "p11calls.h"

#include "card/reader.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static CK_FUNCTION_LIST_3_0 *p11;
static struct testcard *card;
static struct testcard_server *server;
static char folder[] = "/tmp/jpki-gaps-XXXXXX";

/* One try with each key: no selection first, then with one. RC_PIN_NEEDED and refusals are the owner's peace. */
static unsigned steal(void)
{
    struct transport *transport = NULL;
    struct card *mine = NULL;
    unsigned stolen = 0;
    bool was_reset;
    assert_int_equal(reader_open(testcard_server_reader(server), &transport, NULL), RC_OK);
    assert_int_equal(card_open(transport, testcard_server_reader(server), &mine, NULL), RC_OK);
    assert_int_equal(card_begin(mine, &was_reset, NULL), RC_OK);
    for (int select = 0; select < 2; select++) {
        if (select)
            assert_int_equal(card_select_jpki(mine, NULL), RC_OK);
        for (enum card_key key = CARD_KEY_AUTH; key <= CARD_KEY_SIGN; key++) {
            struct buf signature = { 0 };
            stolen += card_sign(mine, key, APPLET_SCHEME_RAW, bytes_of("thief", 5), &signature, NULL) == RC_OK;
            buf_wipe(&signature);
        }
    }
    card_end(mine, TRANSPORT_LEAVE);
    card_close(mine, TRANSPORT_LEAVE);
    transport_close(transport);
    return stolen;
}

static CK_SESSION_HANDLE log_in(CK_SLOT_ID slot)
{
    CK_SESSION_HANDLE session = p11calls_open(p11, slot, CKF_SERIAL_SESSION);
    assert_int_equal(p11calls_login(p11, session, slot == 0 ? TESTCARD_AUTH_PIN : TESTCARD_SIGN_PIN), CKR_OK);
    return session;
}

static void nobody_signs_between_the_calls(void **state)
{
    (void)state;
    unsigned char signature[256];
    assert_int_equal(p11->C_Initialize(NULL), CKR_OK);
    for (CK_SLOT_ID slot = 0; slot < 2; slot++) {
        assert_int_equal(steal(), 0);
        CK_SESSION_HANDLE session = log_in(slot);
        assert_int_equal(steal(), 0); /* waits for the end of the transaction that is kept */
        CK_OBJECT_HANDLE key = p11calls_find_one(p11, session, CKO_PRIVATE_KEY, (CK_BYTE)(slot + 1));
        for (int i = 0; i < 3; i++) {
            assert_int_equal(p11calls_sign(p11, session, key, i == 2, "x", 1, signature), CKR_OK);
            assert_true(p11calls_verifies(testcard_cert(card, slot == 0 ? APPLET_EF_AUTH_CERT : APPLET_EF_SIGN_CERT), i == 2, "x", 1,
                                          signature));
            assert_int_equal(steal(), 0);
        }
        switch (slot) {
        case 0:
            assert_int_equal(p11->C_Logout(session), CKR_OK);
            break;
        default:
            assert_int_equal(p11->C_CloseAllSessions(slot), CKR_OK);
        }
        assert_int_equal(steal(), 0);
    }
    CK_SESSION_HANDLE last = log_in(0);
    assert_int_equal(p11->C_CloseSession(last), CKR_OK);
    assert_int_equal(steal(), 0);
    (void)log_in(1);
    assert_int_equal(p11->C_Finalize(NULL), CKR_OK);
    assert_int_equal(steal(), 0);
}

/* The program of a child that is going to be killed. */
static void sign_for_ever(CK_SLOT_ID slot, int told)
{
    unsigned char signature[256];
    if (p11->C_Initialize(NULL) != CKR_OK)
        _exit(3);
    CK_SESSION_HANDLE session = p11calls_open(p11, slot, CKF_SERIAL_SESSION);
    if (p11calls_login(p11, session, slot == 0 ? TESTCARD_AUTH_PIN : TESTCARD_SIGN_PIN) != CKR_OK)
        _exit(4);
    if (write(told, "", 1) != 1)
        _exit(5);
    CK_OBJECT_HANDLE key = p11calls_find_one(p11, session, CKO_PRIVATE_KEY, (CK_BYTE)(slot + 1));
    for (;;)
        (void)p11calls_sign(p11, session, key, false, "x", 1, signature);
}

static void kill_minus_nine_leaves_nothing_open(void **state)
{
    (void)state;
    assert_int_equal(setenv("JPKI_KEEP_MS", "30000", 1), 0); /* nothing but the death ends a transaction */
    for (unsigned i = 0; i < 24; i++) {
        int pipe_ends[2], status;
        char byte;
        assert_int_equal(pipe(pipe_ends), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0)
            sign_for_ever(i % 2, pipe_ends[1]);
        close(pipe_ends[1]);
        assert_int_equal(read(pipe_ends[0], &byte, 1), 1); /* logged in: the PIN stands presented now */
        close(pipe_ends[0]);
        usleep(i * 400);
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(steal(), 0); /* while it dies */
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(steal(), 0);
    }
    assert_int_equal(unsetenv("JPKI_KEEP_MS"), 0);
}

static int begin(void **state)
{
    (void)state;
    card = testcard_new();
    server = testcard_serve(card);
    assert_non_null(mkdtemp(folder));
    return setenv("JPKI_READER", testcard_server_reader(server), 1) || setenv("XDG_RUNTIME_DIR", folder, 1);
}

static int end(void **state)
{
    (void)state;
    static const char *const names[] = { "/open-jpki/key", "/open-jpki/refused", "/open-jpki", "" };
    char path[128];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s%s", folder, names[i]);
        (void)remove(path);
    }
    testcard_server_stop(server);
    testcard_free(card);
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_signs_between_the_calls),
        cmocka_unit_test(kill_minus_nine_leaves_nothing_open),
    };
    p11 = argc == 2 ? p11calls_load(argv[1]) : NULL;
    return p11 ? cmocka_run_group_tests(tests, begin, end) : 2;
}

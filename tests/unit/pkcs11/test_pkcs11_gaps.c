/* test_pkcs11_gaps.c — a thief who tries to sign in every gap: between the calls of a program that is logged in, after its logout,
 * and after it, or its keeper, was killed at any moment. It speaks to the simulator's reader as every program does; or, when a
 * reader is named, to that reader of the real PC/SC service, with the same card in it. */
#include "carded.h"
#include "p11calls.h"

#include "card/reader.h"

#include <glob.h>
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
static char spec[160];      /* for JPKI_READER */
static const char *reader;  /* its name */

/* One try with each key: no selection first, then with one. RC_PIN_NEEDED and refusals are the owner's peace. */
static unsigned steal(void)
{
    struct transport *transport = NULL;
    struct card *mine = NULL;
    unsigned stolen = 0;
    bool was_reset;
    assert_int_equal(reader_open(spec, &transport, NULL), RC_OK);
    assert_int_equal(card_open(transport, reader, &mine, NULL), RC_OK);
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

/* The certificate of a slot whose user is logged in, as the module shows it; freed by the caller. */
static X509 *cert_of(CK_SESSION_HANDLE session, CK_BYTE id)
{
    static unsigned char der[4096];
    const unsigned char *at = der;
    CK_ATTRIBUTE value = { CKA_VALUE, der, sizeof der };
    CK_OBJECT_HANDLE object = p11calls_find_one(p11, session, CKO_CERTIFICATE, id);
    assert_int_equal(p11->C_GetAttributeValue(session, object, &value, 1), CKR_OK);
    X509 *cert = d2i_X509(NULL, &at, (long)value.ulValueLen);
    assert_non_null(cert);
    return cert;
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
        X509 *cert = cert_of(session, (CK_BYTE)(slot + 1));
        assert_int_equal(steal(), 0);
        for (int i = 0; i < 3; i++) {
            assert_int_equal(p11calls_sign(p11, session, key, i == 2, "x", 1, signature), CKR_OK);
            assert_true(p11calls_verifies(cert, i == 2, "x", 1, signature));
            assert_int_equal(steal(), 0);
        }
        X509_free(cert);
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

/* This test's keeper: the folder's name is in its environment and in no other's. */
static pid_t find_keeper(void)
{
    glob_t paths;
    pid_t found = 0;
    assert_int_equal(glob("/proc/[0-9]*/environ", 0, NULL, &paths), 0);
    for (size_t i = 0; i < paths.gl_pathc; i++) {
        char text[16384], comm[64], name[64] = "";
        FILE *file = fopen(paths.gl_pathv[i], "r");
        size_t len = file ? fread(text, 1, sizeof text, file) : 0;
        if (file)
            fclose(file);
        long pid = strtol(paths.gl_pathv[i] + strlen("/proc/"), NULL, 10);
        snprintf(comm, sizeof comm, "/proc/%ld/comm", pid);
        file = fopen(comm, "r");
        if (file && !fgets(name, sizeof name, file))
            name[0] = '\0';
        if (file)
            fclose(file);
        if (strcmp(name, "jpki-card-agent\n") == 0 && memmem(text, len, folder, strlen(folder)))
            found = (pid_t)pid;
    }
    globfree(&paths);
    return found;
}

/* Nobody can take the PIN away in the moment in which the keeper dies; who opens the card anew does. */
static void a_killed_keeper_is_replaced(void **state)
{
    (void)state;
    unsigned char signature[256];
    CK_SLOT_ID slots[4];
    CK_ULONG count = 4;
    assert_int_equal(setenv("JPKI_KEEP_MS", "30000", 1), 0);
    assert_int_equal(p11->C_Initialize(NULL), CKR_OK);
    for (CK_SLOT_ID slot = 0; slot < 2; slot++) {
        CK_SESSION_HANDLE session = log_in(slot);
        CK_OBJECT_HANDLE key = p11calls_find_one(p11, session, CKO_PRIVATE_KEY, (CK_BYTE)(slot + 1));
        assert_int_equal(p11calls_sign(p11, session, key, false, "x", 1, signature), CKR_OK);
        pid_t keeper = find_keeper();
        assert_true(keeper > 1);
        assert_int_equal(kill(keeper, SIGKILL), 0);
        assert_int_equal(p11calls_sign(p11, session, key, false, "x", 1, signature), CKR_DEVICE_REMOVED);
        assert_int_equal(p11->C_GetSlotList(CK_TRUE, slots, &count), CKR_OK);
        assert_int_equal(count, 2);
        assert_int_not_equal(find_keeper(), keeper);
        assert_int_equal(p11->C_CloseAllSessions(slot), CKR_OK); /* lets the card go */
        assert_int_equal(steal(), 0);
        session = log_in(slot);
        key = p11calls_find_one(p11, session, CKO_PRIVATE_KEY, (CK_BYTE)(slot + 1));
        assert_int_equal(p11calls_sign(p11, session, key, false, "x", 1, signature), CKR_OK);
        assert_int_equal(p11->C_CloseAllSessions(slot), CKR_OK);
        assert_int_equal(steal(), 0);
    }
    assert_int_equal(p11->C_Finalize(NULL), CKR_OK);
    assert_int_equal(unsetenv("JPKI_KEEP_MS"), 0);
}

static int begin(void **state)
{
    (void)state;
    if (reader) {
        snprintf(spec, sizeof spec, "pcsc:%s", reader);
    } else {
        card = testcard_new();
        server = testcard_serve(card);
        reader = testcard_server_reader(server);
        snprintf(spec, sizeof spec, "%s", reader);
    }
    assert_non_null(mkdtemp(folder));
    return setenv("JPKI_READER", spec, 1) || setenv("XDG_RUNTIME_DIR", folder, 1);
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
    if (server) {
        testcard_server_stop(server);
        testcard_free(card);
    }
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_signs_between_the_calls),
        cmocka_unit_test(kill_minus_nine_leaves_nothing_open),
        cmocka_unit_test(a_killed_keeper_is_replaced),
    };
    reader = argc == 3 ? argv[2] : NULL;
    p11 = argc == 2 || argc == 3 ? p11calls_load(argv[1]) : NULL;
    return p11 ? cmocka_run_group_tests(tests, begin, end) : 2;
}

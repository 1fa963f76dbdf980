/* test_pkcs11_budget.c — docs/BUDGET.md against what the module really sends, for each kind of card: every row of the page is
 * measured, every measure is a row. */
#include "base/buf.h"
#include "base/file.h"
#include "carded.h"
#include "p11calls.h"
#include "pkcs11/cryptoki.h"

#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static CK_FUNCTION_LIST_3_0 *p11;
static struct carded carded;
static const char *page;

enum kind { EXTENDED, SHORT, NO_SFI, KINDS };

static void start(enum kind kind, const char *keep_ms)
{
    static const enum carded_fault faults[KINDS] = { CARDED_SOUND, CARDED_SHORT, CARDED_NO_SFI };
    assert_int_equal(setenv("JPKI_KEEP_MS", keep_ms, 1), 0);
    carded_start(&carded);
    carded.fault = faults[kind];
    assert_int_equal(p11->C_Initialize(NULL), CKR_OK);
}

static void stop(void)
{
    (void)p11->C_Finalize(NULL);
    carded_stop(&carded);
}

static void see_tokens(void)
{
    CK_ULONG count = 0;
    CK_TOKEN_INFO info;
    assert_int_equal(p11->C_GetSlotList(CK_TRUE, NULL, &count), CKR_OK);
    assert_int_equal(count, 2);
    for (CK_SLOT_ID slot = 0; slot < 2; slot++)
        assert_int_equal(p11->C_GetTokenInfo(slot, &info), CKR_OK);
}

static CK_SESSION_HANDLE open_session(CK_SLOT_ID slot, bool login)
{
    CK_SESSION_HANDLE session = 0;
    assert_int_equal(p11->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &session), CKR_OK);
    if (login)
        assert_int_equal(p11calls_login(p11, session, slot == 0 ? TESTCARD_AUTH_PIN : TESTCARD_SIGN_PIN), CKR_OK);
    return session;
}

static void list(CK_SESSION_HANDLE session)
{
    CK_OBJECT_HANDLE found[16];
    CK_ULONG n = 0;
    assert_int_equal(p11->C_FindObjectsInit(session, NULL, 0), CKR_OK);
    assert_int_equal(p11->C_FindObjects(session, found, 16, &n), CKR_OK);
    assert_int_equal(p11->C_FindObjectsFinal(session), CKR_OK);
    assert_true(n >= 5);
}

static void sign(CK_SESSION_HANDLE session, CK_BYTE id)
{
    unsigned char signature[256], text[] = "x";
    CK_ULONG len = sizeof signature;
    CK_MECHANISM mechanism = { CKM_SHA256_RSA_PKCS, NULL, 0 };
    CK_OBJECT_HANDLE key = p11calls_find_one(p11, session, CKO_PRIVATE_KEY, id);
    assert_int_equal(p11->C_SignInit(session, &mechanism, key), CKR_OK);
    assert_int_equal(p11->C_Sign(session, text, 1, signature, &len), CKR_OK);
}

static void read_own_certificate(CK_SESSION_HANDLE session, CK_BYTE id)
{
    unsigned char der[4096];
    CK_ATTRIBUTE value = { CKA_VALUE, der, sizeof der };
    CK_OBJECT_HANDLE object = p11calls_find_one(p11, session, CKO_CERTIFICATE, id);
    assert_int_equal(p11->C_GetAttributeValue(session, object, &value, 1), CKR_OK);
}

/* --- the measures: each from a fresh card and a fresh module --------------------------------------------------------- */

static unsigned m_initialise(enum kind kind)
{
    start(kind, "20000");
    return carded_count(&carded);
}

static unsigned m_tokens(enum kind kind)
{
    start(kind, "20000");
    see_tokens();
    return carded_count(&carded);
}

static unsigned m_again(enum kind kind)
{
    CK_SLOT_INFO slot;
    CK_SESSION_INFO info;
    start(kind, "20000");
    see_tokens();
    CK_SESSION_HANDLE session = open_session(0, true);
    (void)carded_count(&carded);
    for (int i = 0; i < 10; i++) {
        see_tokens();
        assert_int_equal(p11->C_GetSlotInfo(0, &slot), CKR_OK);
        assert_int_equal(p11->C_GetSessionInfo(session, &info), CKR_OK);
    }
    return carded_count(&carded);
}

static unsigned m_list(enum kind kind)
{
    start(kind, "20000");
    see_tokens();
    list(open_session(0, false));
    list(open_session(1, false));
    return carded_count(&carded);
}

static unsigned m_list_again(enum kind kind)
{
    start(kind, "20000");
    see_tokens();
    CK_SESSION_HANDLE session = open_session(0, false);
    list(session);
    (void)carded_count(&carded);
    list(session);
    return carded_count(&carded);
}

static unsigned sign_and_leave(enum kind kind, CK_SLOT_ID slot, bool look)
{
    start(kind, "20000");
    if (look)
        see_tokens();
    CK_SESSION_HANDLE session = open_session(slot, true);
    if (look)
        read_own_certificate(session, slot == 0 ? 1 : 2);
    sign(session, slot == 0 ? 1 : 2);
    assert_int_equal(p11->C_Logout(session), CKR_OK);
    assert_int_equal(p11->C_Finalize(NULL), CKR_OK);
    return carded_count(&carded);
}

static unsigned m_sign(enum kind kind)
{
    return sign_and_leave(kind, 0, true);
}

static unsigned m_sign_signature(enum kind kind)
{
    return sign_and_leave(kind, 1, true);
}

static unsigned m_sign_only(enum kind kind)
{
    return sign_and_leave(kind, 0, false);
}

static unsigned m_next_held(enum kind kind)
{
    start(kind, "20000");
    CK_SESSION_HANDLE session = open_session(0, true);
    sign(session, 1);
    (void)carded_count(&carded);
    sign(session, 1);
    return carded_count(&carded);
}

/* The keeper lets go at once; what it sends for that is waited for. */
static unsigned m_next_let_go(enum kind kind)
{
    unsigned before = 0;
    start(kind, "0");
    CK_SESSION_HANDLE session = open_session(0, true);
    sign(session, 1);
    for (int i = 0; i < 2; i++) {
        for (int quiet = 0; quiet < 10;) {
            unsigned more = carded_count(&carded);
            before += more;
            quiet = more ? 0 : quiet + 1;
            usleep(20000);
        }
        if (i == 0) {
            before = 0;
            sign(session, 1);
        }
    }
    return before;
}

static unsigned m_mechanisms(enum kind kind)
{
    CK_ULONG count = 0;
    start(kind, "20000");
    see_tokens();
    (void)carded_count(&carded);
    assert_int_equal(p11->C_GetMechanismList(0, NULL, &count), CKR_OK);
    assert_int_equal(p11->C_GetMechanismList(1, NULL, &count), CKR_OK);
    return carded_count(&carded);
}

/* What the card refused of all that, because of its manners. */
static unsigned m_refused(enum kind kind)
{
    start(kind, "20000");
    see_tokens();
    list(open_session(0, false));
    CK_SESSION_HANDLE session = open_session(1, true);
    list(session);
    sign(session, 2);
    return carded.refusals;
}

static unsigned m_foreign(enum kind kind)
{
    CK_ULONG count = 9;
    start(kind, "20000");
    carded.fault = CARDED_FOREIGN;
    for (int i = 0; i < 5; i++)
        assert_int_equal(p11->C_GetSlotList(CK_TRUE, NULL, &count), CKR_OK);
    assert_int_equal(count, 0);
    return carded_count(&carded);
}

static const struct {
    const char *row;
    unsigned (*measure)(enum kind kind);
    unsigned most[KINDS]; /* what was promised */
} measures[] = {
    { "C_Initialize", m_initialise, { 0, 0, 0 } },
    { "slots and tokens, with serial number and both counters", m_tokens, { 5, 5, 14 } },
    { "the same again, C_GetSlotInfo, C_GetSessionInfo", m_again, { 0, 0, 0 } },
    { "tokens and all public objects", m_list, { 9, 24, 34 } },
    { "public objects again", m_list_again, { 0, 0, 0 } },
    { "tokens, certificate, login, signature, leaving", m_sign, { 9, 16, 26 } },
    { "the same with the signature key", m_sign_signature, { 9, 16, 26 } },
    { "login, signature, leaving", m_sign_only, { 5, 5, 9 } },
    { "next signature, card held", m_next_held, { 1, 1, 2 } },
    { "next signature, card let go", m_next_let_go, { 4, 4, 6 } },
    { "lists of mechanisms, once for a card", m_mechanisms, { 1, 1, 2 } },
    { "of these refused by the card", m_refused, { 0, 1, 2 } },
    { "a card of another kind", m_foreign, { 1, 1, 1 } },
};

#define MEASURES (sizeof measures / sizeof *measures)

/* The numbers of the page's row "| row | a | b | c | …". */
static bool page_row(const char *row, unsigned *numbers)
{
    char start_of[160];
    snprintf(start_of, sizeof start_of, "\n| %s |", row);
    const char *at = strstr(page, start_of);
    return at && sscanf(at + strlen(start_of), " %u | %u | %u |", &numbers[0], &numbers[1], &numbers[2]) == 3;
}

static void the_page_says_what_is_sent(void **state)
{
    (void)state;
    unsigned flaws = 0;
    for (size_t i = 0; i < MEASURES; i++) {
        unsigned said[KINDS] = { 999, 999, 999 }, sent[KINDS];
        bool there = page_row(measures[i].row, said);
        for (enum kind kind = EXTENDED; kind < KINDS; kind++) {
            sent[kind] = measures[i].measure(kind);
            stop();
            flaws += sent[kind] > measures[i].most[kind] || !there || sent[kind] != said[kind];
        }
        print_message("# | %s | %u | %u | %u |%s\n", measures[i].row, sent[0], sent[1], sent[2],
                      there && !memcmp(sent, said, sizeof sent) ? "" : " <- not the page's");
    }
    assert_int_equal(flaws, 0);
}

static void the_page_has_no_other_rows(void **state)
{
    (void)state;
    size_t rows = 0;
    for (const char *at = page; (at = strstr(at, "\n| ")); at++)
        rows++;
    assert_int_equal(rows, MEASURES + 1); /* the head */
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_says_what_is_sent),
        cmocka_unit_test(the_page_has_no_other_rows),
    };
    struct buf file = { 0 };
    void *module = argc == 3 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    CK_C_GetInterface get = NULL;
    CK_INTERFACE *interface = NULL;
    if (module)
        *(void **)&get = dlsym(module, "C_GetInterface");
    if (!get || get(NULL, NULL, &interface, 0) != CKR_OK || file_read(argv[2], &file, NULL) || !(page = buf_string(&file))) {
        fprintf(stderr, "usage: test_pkcs11_budget MODULE BUDGET.md\n");
        return 2;
    }
    p11 = interface->pFunctionList;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    buf_wipe(&file);
    carded_end();
    return failed;
}

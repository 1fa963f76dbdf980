/* test_pkcs11_pad.c — PINs that the person types on the reader (PC/SC Part 10), through the built module and its keeper
 * and a libpcsclite of the tests' own (support/fakepcsc): each way an entry can end, what it costs, when the person is
 * asked and when nobody is; and a reader that sleeps. No real reader with a key pad was tried. */
#include "carded.h"
#include "p11calls.h"

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
#define RW (CKF_SERIAL_SESSION | CKF_RW_SESSION)

static CK_FUNCTION_LIST_3_0 *p11;
static struct carded carded;
static char script_path[96], log_path[104];

/* What the person will do, a line a request; and nothing of before in the log. */
static void person(const char *lines)
{
    FILE *file = fopen(script_path, "w");
    assert_non_null(file);
    assert_true(fputs(lines, file) >= 0);
    assert_int_equal(fclose(file), 0);
    (void)unlink(log_path);
}

/* How often the person was asked; the first request as it was sent, with its kind. */
static unsigned asked(char *first, size_t size)
{
    char line[400];
    unsigned count = 0;
    FILE *file = fopen(log_path, "r");
    if (first)
        *first = '\0';
    while (file && fgets(line, sizeof line, file)) {
        if (count++ == 0 && first)
            snprintf(first, size, "%.*s", (int)strcspn(line, "\n"), line);
    }
    if (file)
        fclose(file);
    return count;
}

static unsigned tries(CK_SLOT_ID slot)
{
    struct sim_summary summary;
    sim_summarise(carded.sim, &summary);
    return slot == SIGN ? summary.sign.tries : summary.auth.tries;
}

static void start(const char *keep_ms, const char *pads)
{
    carded_start(&carded);
    snprintf(script_path, sizeof script_path, "%s/person", carded.folder);
    snprintf(log_path, sizeof log_path, "%s.log", script_path);
    person("");
    assert_int_equal(setenv("FAKE_CARD", carded.path, 1), 0);
    assert_int_equal(setenv("FAKE_PAD", script_path, 1), 0);
    assert_int_equal(setenv("JPKI_READER", "pcsc:", 1), 0);
    assert_int_equal(setenv("JPKI_KEEP_MS", keep_ms, 1), 0);
    assert_int_equal(setenv("JPKI_KEY_PAD", pads, 1), 0);
    assert_int_equal(p11->C_Initialize(NULL), CKR_OK);
}

static void stop(void)
{
    assert_int_equal(p11->C_Finalize(NULL), CKR_OK);
    (void)unlink(script_path);
    (void)unlink(log_path);
    carded_stop(&carded);
    (void)unsetenv("FAKE_FEATURES");
    (void)unsetenv("JPKI_ALWAYS_AUTHENTICATE");
}

#define NO_KEEPER "60001"
#define KEEPER "0"      /* three seconds after a PIN was typed, else not at all */
#define HOLDING "30000" /* longer than this test takes */

static CK_FLAGS token_flags(CK_SLOT_ID slot)
{
    CK_TOKEN_INFO info;
    assert_int_equal(p11->C_GetTokenInfo(slot, &info), CKR_OK);
    return info.flags;
}

static CK_RV type(CK_SESSION_HANDLE session)
{
    return p11->C_Login(session, CKU_USER, NULL, 0);
}

static CK_RV sign(CK_SESSION_HANDLE session, CK_BYTE id)
{
    unsigned char signature[256];
    CK_OBJECT_HANDLE key = p11calls_find_one(p11, session, CKO_PRIVATE_KEY, id);
    CK_RV rv = p11calls_sign(p11, session, key, false, "x", 1, signature);
    if (rv == CKR_OK)
        assert_true(
            p11calls_verifies(carded.certs[id == 1 ? CARD_CERT_AUTH : CARD_CERT_SIGN], false, "x", 1, signature));
    return rv;
}

static bool is_logged_in(CK_SESSION_HANDLE session)
{
    CK_SESSION_INFO info;
    assert_int_equal(p11->C_GetSessionInfo(session, &info), CKR_OK);
    return info.state == CKS_RO_USER_FUNCTIONS || info.state == CKS_RW_USER_FUNCTIONS;
}

static void the_token_says_so(void **state)
{
    (void)state;
    static const struct {
        const char *features, *pads;
        bool auth, sign;
    } rows[] = {
        {"all", "auth", true, false}, /* a pad has digits for sure */
        {"all", "both", true, true},  /* and letters where its owner says so */
        {"all", "off", false, false},
        {"none", "both", false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(setenv("FAKE_FEATURES", rows[i].features, 1), 0);
        start(KEEPER, rows[i].pads);
        assert_true(((token_flags(AUTH) & CKF_PROTECTED_AUTHENTICATION_PATH) != 0) == rows[i].auth);
        assert_true(((token_flags(SIGN) & CKF_PROTECTED_AUTHENTICATION_PATH) != 0) == rows[i].sign);
        CK_SESSION_HANDLE session = p11calls_open(p11, SIGN, RW);
        if (!rows[i].sign) {
            assert_int_equal(type(session), CKR_ARGUMENTS_BAD);
            assert_int_equal(p11->C_SetPIN(session, NULL, 0, NULL, 0), CKR_ARGUMENTS_BAD);
        }
        assert_int_equal(asked(NULL, 0), 0);
        stop();
    }
}

static void each_way_an_entry_ends(void **state)
{
    (void)state;
    static const struct {
        const char *does;
        CK_SLOT_ID slot;
        CK_RV rv;
        unsigned spent;
    } rows[] = {
        {"1234\n", AUTH, CKR_OK, 0},
        {"9999\n", AUTH, CKR_PIN_INCORRECT, 1},
        {"cancel\n", AUTH, CKR_FUNCTION_CANCELED, 0},
        {"timeout\n", AUTH, CKR_FUNCTION_CANCELED, 0},
        {"12\n", AUTH, CKR_PIN_INVALID, 0},
        {"12345\n", AUTH, CKR_PIN_INVALID, 0},
        {"ABC123\n", SIGN, CKR_OK, 0},
        {"ABC12\n", SIGN, CKR_PIN_INVALID, 0},
        {"ABC1234567890123\n", SIGN, CKR_PIN_INCORRECT, 1},
        {"cancel\n", SIGN, CKR_FUNCTION_CANCELED, 0},
    };
    /* bTimerOut, bTimerOut2, bmFormatString, bmPINBlockString, bmPINLengthFormat, wPINMaxExtraDigit,
     * bEntryValidationCondition, bNumberMessage, wLangId, bMsgIndex, bTeoPrologue, ulDataLength, abData. */
    static const char *const wanted[] = {
        "verify 3C3C820400"
        "0404"
        "0201"
        "0904"
        "00000000"
        "09000000"
        "00200098"
        "04FFFFFFFF",
        "verify 3C3C820000"
        "1006"
        "0201"
        "0904"
        "00000000"
        "04000000"
        "0020009B",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char request[200];
        start(NO_KEEPER, "both");
        CK_SESSION_HANDLE session = p11calls_open(p11, rows[i].slot, RW);
        unsigned before = tries(rows[i].slot);
        (void)token_flags(rows[i].slot);
        person(rows[i].does);
        print_message("  %s", rows[i].does);
        assert_int_equal(type(session), rows[i].rv);
        assert_int_equal(asked(request, sizeof request), 1);
        assert_string_equal(request, wanted[rows[i].slot]);
        assert_int_equal(tries(rows[i].slot), before - rows[i].spent);
        assert_true(is_logged_in(session) == (rows[i].rv == CKR_OK));
        assert_false(carded_is_presented(&carded, rows[i].slot == SIGN ? CARD_KEY_SIGN : CARD_KEY_AUTH));
        if (rows[i].rv == CKR_OK)
            assert_int_equal(type(session), CKR_USER_ALREADY_LOGGED_IN);
        assert_int_equal(asked(NULL, 0), 1);
        stop();
    }
}

static void a_reader_that_takes_no_such_pin(void **state)
{
    (void)state;
    assert_int_equal(setenv("FAKE_FEATURES", "small", 1), 0);
    start(NO_KEEPER, "auth");
    CK_SESSION_HANDLE session = p11calls_open(p11, AUTH, RW);
    person("1234\n");
    assert_int_equal(type(session), CKR_MECHANISM_INVALID);
    assert_int_equal(asked(NULL, 0), 0);
    assert_int_equal(tries(AUTH), 3);
    assert_int_equal(p11calls_login(p11, session, "1234"), CKR_OK); /* who brings a PIN is served */
    stop();
}

/* While the keeper holds the card what was typed serves. */
static void typed_once_while_the_card_is_held(void **state)
{
    (void)state;
    start(HOLDING, "auth");
    CK_SESSION_HANDLE session = p11calls_open(p11, AUTH, RW);
    person("1234\n1234\n");
    assert_int_equal(type(session), CKR_OK);
    assert_int_equal(sign(session, 1), CKR_OK);
    assert_int_equal(sign(session, 1), CKR_OK);
    assert_int_equal(asked(NULL, 0), 1);
    assert_int_equal(p11->C_Logout(session), CKR_OK);
    assert_false(carded_is_presented(&carded, CARD_KEY_AUTH));
    assert_int_equal(sign(session, 1), CKR_USER_NOT_LOGGED_IN);
    assert_int_equal(asked(NULL, 0), 1);
    stop();
}

/* Nobody else can use it: who wants the card waits until the keeper lets go; then it is typed again. */
static void typed_again_when_another_had_the_card(void **state)
{
    (void)state;
    start(KEEPER, "auth");
    CK_SESSION_HANDLE session = p11calls_open(p11, AUTH, RW);
    person("1234\n1234\n");
    assert_int_equal(type(session), CKR_OK);
    assert_false(carded_is_presented(&carded, CARD_KEY_AUTH));
    assert_true(is_logged_in(session));
    assert_int_equal(sign(session, 1), CKR_OK);
    assert_int_equal(asked(NULL, 0), 2);
    assert_false(carded_is_presented(&carded, CARD_KEY_AUTH));
    stop();
}

static void typed_again_for_a_signature(void **state)
{
    (void)state;
    start(NO_KEEPER, "auth");
    CK_SESSION_HANDLE session = p11calls_open(p11, AUTH, RW);
    person("1234\n1234\ncancel\n1234\n9999\n1234\n");
    assert_int_equal(type(session), CKR_OK);
    assert_int_equal(sign(session, 1), CKR_OK);
    assert_int_equal(sign(session, 1), CKR_FUNCTION_CANCELED);
    assert_true(is_logged_in(session));
    assert_int_equal(sign(session, 1), CKR_OK);
    assert_int_equal(asked(NULL, 0), 4);
    assert_int_equal(tries(AUTH), 3);
    assert_int_equal(sign(session, 1), CKR_USER_NOT_LOGGED_IN); /* a wrong one is no login any more */
    assert_int_equal(tries(AUTH), 2);
    assert_false(is_logged_in(session));
    assert_int_equal(sign(session, 1), CKR_USER_NOT_LOGGED_IN);
    assert_int_equal(asked(NULL, 0), 5);
    assert_false(carded_is_presented(&carded, CARD_KEY_AUTH));
    stop();
}

static void the_last_try_and_none(void **state)
{
    (void)state;
    start(NO_KEEPER, "auth");
    CK_SESSION_HANDLE session = p11calls_open(p11, AUTH, RW);
    person("1111\n2222\n3333\n4444\n");
    assert_int_equal(type(session), CKR_PIN_INCORRECT);
    assert_int_equal(type(session), CKR_PIN_INCORRECT);
    assert_int_equal(asked(NULL, 0), 2);
    assert_int_equal(type(session), CKR_PIN_INCORRECT); /* told; nobody was asked */
    assert_int_equal(asked(NULL, 0), 2);
    assert_true(token_flags(AUTH) & CKF_USER_PIN_FINAL_TRY);
    assert_int_equal(type(session), CKR_PIN_LOCKED);
    assert_int_equal(asked(NULL, 0), 3);
    assert_int_equal(type(session), CKR_PIN_LOCKED);
    assert_int_equal(asked(NULL, 0), 3);
    assert_int_equal(carded.verifies, 3);
    stop();
}

static void changing(void **state)
{
    (void)state;
    static const struct {
        const char *does;
        CK_SLOT_ID slot;
        CK_RV rv;
        unsigned asked, spent;
        const char *then; /* the PIN */
    } rows[] = {
        {"1234\n8642 8642\n", AUTH, CKR_OK, 2, 0, "8642"},
        {"1234\n8642 8643\n", AUTH, CKR_PIN_INVALID, 2, 0, "1234"},
        {"1234\n86 86\n", AUTH, CKR_PIN_INVALID, 2, 0, "1234"},
        {"1234\ncancel\n", AUTH, CKR_FUNCTION_CANCELED, 2, 0, "1234"},
        {"1234\ntimeout\n", AUTH, CKR_FUNCTION_CANCELED, 2, 0, "1234"},
        {"cancel\n", AUTH, CKR_FUNCTION_CANCELED, 1, 0, "1234"},
        {"9999\n8642 8642\n", AUTH, CKR_PIN_INCORRECT, 1, 1, "1234"},
        {"ABC123\nNEW4PASSWORD NEW4PASSWORD\n", SIGN, CKR_OK, 2, 0, "NEW4PASSWORD"},
        {"ABC123\nNEW4PASSWORD NEW4PASSWORT\n", SIGN, CKR_PIN_INVALID, 2, 0, "ABC123"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        start(NO_KEEPER, "both");
        CK_SESSION_HANDLE session = p11calls_open(p11, rows[i].slot, RW);
        unsigned before = tries(rows[i].slot);
        person(rows[i].does);
        print_message("  %s", rows[i].does);
        assert_int_equal(p11->C_SetPIN(session, NULL, 0, NULL, 0), rows[i].rv);
        assert_int_equal(asked(NULL, 0), rows[i].asked);
        assert_int_equal(tries(rows[i].slot), before - rows[i].spent);
        assert_false(is_logged_in(session));
        assert_false(carded_is_presented(&carded, rows[i].slot == SIGN ? CARD_KEY_SIGN : CARD_KEY_AUTH));
        assert_int_equal(p11calls_login(p11, session, rows[i].then), CKR_OK);
        stop();
    }
    assert_int_equal(setenv("FAKE_FEATURES", "verify", 1), 0); /* a reader that takes no new PIN */
    start(NO_KEEPER, "auth");
    CK_SESSION_HANDLE session = p11calls_open(p11, AUTH, RW);
    person("1234\n8642 8642\n");
    assert_int_equal(p11->C_SetPIN(session, NULL, 0, NULL, 0), CKR_ARGUMENTS_BAD);
    assert_int_equal(asked(NULL, 0), 0);
    stop();
}

static void changing_while_logged_in(void **state)
{
    (void)state;
    start(NO_KEEPER, "auth");
    CK_SESSION_HANDLE session = p11calls_open(p11, AUTH, RW);
    person("1234\n8642 8642\n8642\n");
    assert_int_equal(p11calls_login(p11, session, "1234"), CKR_OK);
    assert_int_equal(p11->C_SetPIN(session, NULL, 0, NULL, 0), CKR_OK);
    assert_true(is_logged_in(session));
    assert_int_equal(asked(NULL, 0), 2);
    assert_int_equal(sign(session, 1), CKR_OK); /* the module does not know the new one: it is typed */
    assert_int_equal(asked(NULL, 0), 3);
    assert_int_equal(tries(AUTH), 3);
    stop();
}

static void for_one_signature(void **state)
{
    (void)state;
    unsigned char signature[256];
    CK_ULONG len = sizeof signature;
    CK_MECHANISM mechanism = {CKM_SHA256_RSA_PKCS, NULL, 0};
    assert_int_equal(setenv("JPKI_ALWAYS_AUTHENTICATE", "yes", 1), 0);
    start(HOLDING, "both");
    CK_SESSION_HANDLE session = p11calls_open(p11, SIGN, RW);
    person("ABC123\nABC123\ncancel\n");
    assert_int_equal(type(session), CKR_OK);
    CK_OBJECT_HANDLE key = p11calls_find_one(p11, session, CKO_PRIVATE_KEY, 2);
    assert_int_equal(p11->C_SignInit(session, &mechanism, key), CKR_OK);
    assert_int_equal(p11->C_Login(session, CKU_CONTEXT_SPECIFIC, NULL, 0), CKR_OK);
    assert_int_equal(asked(NULL, 0), 2); /* the card would not have needed it: the person is asked all the same */
    assert_int_equal(p11->C_Sign(session, (unsigned char *)signature, 1, signature, &len), CKR_OK);
    assert_int_equal(p11->C_SignInit(session, &mechanism, key), CKR_OK);
    assert_int_equal(p11->C_Login(session, CKU_CONTEXT_SPECIFIC, NULL, 0), CKR_FUNCTION_CANCELED);
    assert_int_equal(p11->C_Sign(session, (unsigned char *)signature, 1, signature, &len), CKR_USER_NOT_LOGGED_IN);
    assert_int_equal(asked(NULL, 0), 3);
    stop();
}

/* The machine slept, and the reader with it: between two calls, and with the card held. A PIN that an application
 * brought is presented again, one that was typed is typed again, no try is spent. */
static void sleeping_and_waking(void **state)
{
    (void)state;
    char path[96];
    for (int held = 0; held < 2; held++) {
        for (int typed = 0; typed < 2; typed++) {
            start(held ? "30000" : NO_KEEPER, "auth");
            snprintf(path, sizeof path, "%s/sleep", carded.folder);
            assert_int_equal(setenv("FAKE_SLEEP", path, 1), 0);
            CK_SESSION_HANDLE session = p11calls_open(p11, AUTH, RW);
            person("1234\n1234\n1234\n");
            assert_int_equal(typed ? type(session) : p11calls_login(p11, session, "1234"), CKR_OK);
            assert_int_equal(sign(session, 1), CKR_OK);
            unsigned before = asked(NULL, 0);
            FILE *file = fopen(path, "w");
            assert_non_null(file);
            fclose(file);
            assert_int_equal(sign(session, 1), CKR_OK);
            assert_int_not_equal(access(path, F_OK), 0); /* it did sleep */
            assert_int_equal(asked(NULL, 0) - before, typed);
            assert_true(is_logged_in(session));
            assert_int_equal(tries(AUTH), 3);
            assert_int_equal(p11->C_Logout(session), CKR_OK);
            assert_false(carded_is_presented(&carded, CARD_KEY_AUTH));
            stop();
        }
    }
    (void)unsetenv("FAKE_SLEEP");
}

static int finish(void **state)
{
    (void)state;
    carded_end();
    return 0;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_token_says_so),
        cmocka_unit_test(each_way_an_entry_ends),
        cmocka_unit_test(a_reader_that_takes_no_such_pin),
        cmocka_unit_test(typed_once_while_the_card_is_held),
        cmocka_unit_test(typed_again_when_another_had_the_card),
        cmocka_unit_test(typed_again_for_a_signature),
        cmocka_unit_test(the_last_try_and_none),
        cmocka_unit_test(changing),
        cmocka_unit_test(changing_while_logged_in),
        cmocka_unit_test(for_one_signature),
        cmocka_unit_test(sleeping_and_waking),
    };
    p11 = argc == 2 ? p11calls_load(argv[1]) : NULL;
    return p11 ? cmocka_run_group_tests(tests, NULL, finish) : 2;
}

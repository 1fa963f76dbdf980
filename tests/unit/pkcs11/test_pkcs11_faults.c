/* test_pkcs11_faults.c — the fault sweep: each call of five stories, each command that it sends to the card, each fault that
 * can strike there. Whatever happens: no wrong result is called right, no transaction stays open, no PIN stays presented for
 * whoever comes next, no try is spent that the person did not spend, and the same application goes on with the next call. Built a
 * second time with the keeper between the module and the reader (-DKEPT): what the keeper sends after a call is swept too. */
#include "faulty.h"
#include "faulty_far.h"
#include "p11calls.h"
#include "pkcs11/object.h"
#include "support/scratch.h"

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
#define TEXT "to be signed"
#define STEPS_MAX 12

const unsigned module_kinds = 1u << TOKEN_AUTH | 1u << TOKEN_SIGN; /* as variant.c says it of the module with both */

static CK_FUNCTION_LIST_3_0 *p11;
static struct testcard *original, *card;
static CK_SESSION_HANDLE sessions[2];
static char wrong[2][7];      /* another one each time: what was refused before is not sent */
static const char *pins[2];   /* the card's now */
static unsigned wrong_number;

#ifdef KEPT
#define KEEP_MS "0" /* the keeper lets the card go at once */
#define settle faulty_far_settle
#else
#define KEEP_MS "60001" /* no keeper */
static void settle(void)
{
}
#endif

static X509 *cert_of(CK_SLOT_ID slot)
{
    return testcard_cert(card, slot == AUTH ? APPLET_EF_AUTH_CERT : APPLET_EF_SIGN_CERT);
}

/* --- steps: each makes calls of which at most the last one asks the card anything, and judges what it gets --------------------- */

static CK_RV step_slots(void)
{
    CK_SLOT_ID slots[4];
    CK_ULONG count = 4;
    CK_RV rv = p11->C_GetSlotList(CK_TRUE, slots, &count);
    return rv == CKR_OK && count != 2 ? CKR_TOKEN_NOT_PRESENT : rv;
}

static CK_RV token_info(CK_SLOT_ID slot)
{
    CK_TOKEN_INFO info;
    CK_RV rv = p11->C_GetTokenInfo(slot, &info);
    if (rv == CKR_OK)
        assert_memory_equal(info.label, slot == AUTH ? "JPKI (User" : "JPKI (Digi", 10);
    return rv;
}

static CK_RV step_info_auth(void)
{
    return token_info(AUTH);
}
static CK_RV step_info_sign(void)
{
    return token_info(SIGN);
}

/* The one object, or the answer of the call that failed; 0 with CKR_OK: there is none. */
static CK_RV look_up(CK_SLOT_ID slot, CK_OBJECT_CLASS class, CK_BYTE id, CK_OBJECT_HANDLE *object)
{
    CK_ATTRIBUTE template[] = { { CKA_CLASS, &class, sizeof class }, { CKA_ID, &id, 1 } };
    CK_ULONG n = 0;
    *object = CK_INVALID_HANDLE;
    CK_RV rv = p11->C_FindObjectsInit(sessions[slot], template, 2);
    if (rv != CKR_OK)
        return rv;
    rv = p11->C_FindObjects(sessions[slot], object, 1, &n);
    (void)p11->C_FindObjectsFinal(sessions[slot]);
    if (n == 0)
        *object = CK_INVALID_HANDLE;
    return rv;
}

static CK_RV read_cert(CK_SLOT_ID slot, CK_BYTE id, enum applet_ef ef)
{
    static unsigned char value[4096];
    CK_ATTRIBUTE attribute = { CKA_VALUE, value, sizeof value };
    unsigned char *der = NULL;
    CK_OBJECT_HANDLE object;
    CK_RV rv = look_up(slot, CKO_CERTIFICATE, id, &object);
    if (rv != CKR_OK)
        return rv;
    rv = p11->C_GetAttributeValue(sessions[slot], object, &attribute, 1);
    if (rv != CKR_OK)
        return rv;
    int len = i2d_X509(testcard_cert(card, ef), &der);
    if (attribute.ulValueLen != (CK_ULONG)len || memcmp(value, der, (size_t)len) != 0)
        rv = CKR_VENDOR_DEFINED; /* another certificate than the card's */
    OPENSSL_free(der);
    return rv;
}

static CK_RV step_cert_auth(void)
{
    return read_cert(AUTH, 1, APPLET_EF_AUTH_CERT);
}
static CK_RV step_cert_auth_ca(void)
{
    return read_cert(AUTH, 3, APPLET_EF_AUTH_CA_CERT);
}
static CK_RV step_cert_sign_ca(void)
{
    return read_cert(SIGN, 4, APPLET_EF_SIGN_CA_CERT);
}
static CK_RV step_cert_sign(void)
{
    return read_cert(SIGN, 2, APPLET_EF_SIGN_CERT);
}

static CK_RV step_wrong_auth(void)
{
    return p11calls_login(p11, sessions[AUTH], wrong[AUTH]);
}
static CK_RV step_wrong_sign(void)
{
    return p11calls_login(p11, sessions[SIGN], wrong[SIGN]);
}
static CK_RV step_login_auth(void)
{
    return p11calls_login(p11, sessions[AUTH], pins[AUTH]);
}
static CK_RV step_login_sign(void)
{
    return p11calls_login(p11, sessions[SIGN], pins[SIGN]);
}

static CK_RV sign(CK_SLOT_ID slot, bool pss)
{
    unsigned char signature[256];
    CK_OBJECT_HANDLE key;
    CK_RV rv = look_up(slot, CKO_PRIVATE_KEY, (CK_BYTE)(slot + 1), &key);
    if (rv == CKR_OK)
        rv = p11calls_sign(p11, sessions[slot], key, pss, TEXT, strlen(TEXT), signature);
    if (rv == CKR_OK && !p11calls_verifies(cert_of(slot), pss, TEXT, strlen(TEXT), signature))
        rv = CKR_VENDOR_DEFINED;
    return rv;
}

static CK_RV step_sign_auth(void)
{
    return sign(AUTH, false);
}
static CK_RV step_pss_auth(void)
{
    return sign(AUTH, true);
}
static CK_RV step_sign_sign(void)
{
    return sign(SIGN, false);
}
static CK_RV step_pss_sign(void)
{
    return sign(SIGN, true);
}

static CK_RV change(CK_SLOT_ID slot, const char *fresh)
{
    unsigned char old[16], new[16];
    size_t old_len = strlen(pins[slot]), new_len = strlen(fresh);
    memcpy(old, pins[slot], old_len);
    memcpy(new, fresh, new_len);
    CK_RV rv = p11->C_SetPIN(sessions[slot], old, old_len, new, new_len);
    bool is_new = faulty_pin_is(slot == SIGN, fresh);
    if (rv == CKR_OK && !is_new)
        return CKR_VENDOR_DEFINED;
    if (is_new)
        pins[slot] = fresh;
    return rv;
}

static CK_RV step_change_auth(void)
{
    return change(AUTH, "8642");
}
static CK_RV step_change_sign(void)
{
    return change(SIGN, "NEW4PASSWORD");
}

static CK_RV step_logout_auth(void)
{
    return p11->C_Logout(sessions[AUTH]);
}

#define STEP(what, answer) { #what, step_##what, answer }
struct step {
    const char *name;
    CK_RV (*run)(void);
    CK_RV sound;
};

static const struct story {
    const char *name;
    struct step steps[STEPS_MAX];
} stories[] = {
    { "look", { STEP(slots, CKR_OK), STEP(info_auth, CKR_OK), STEP(info_sign, CKR_OK), STEP(cert_auth, CKR_OK),
                STEP(cert_auth_ca, CKR_OK), STEP(cert_sign_ca, CKR_OK) } },
    { "authenticate", { STEP(slots, CKR_OK), STEP(wrong_auth, CKR_PIN_INCORRECT), STEP(login_auth, CKR_OK),
                        STEP(cert_auth, CKR_OK), STEP(sign_auth, CKR_OK), STEP(pss_auth, CKR_OK), STEP(pss_auth, CKR_OK), STEP(logout_auth, CKR_OK) } },
    { "sign", { STEP(slots, CKR_OK), STEP(wrong_sign, CKR_PIN_INCORRECT), STEP(login_sign, CKR_OK), STEP(cert_sign, CKR_OK),
                STEP(sign_sign, CKR_OK), STEP(pss_sign, CKR_OK) } },
    { "sign in haste", { STEP(slots, CKR_OK), STEP(login_auth, CKR_OK), STEP(sign_auth, CKR_OK) } },
    { "change", { STEP(slots, CKR_OK), STEP(change_auth, CKR_OK), STEP(login_auth, CKR_OK), STEP(change_sign, CKR_OK) } },
};

/* --- what may come of a fault ----------------------------------------------------------------------------------------------- */

/* Besides what the call answers without a fault. Ends with CKR_OK. */
static const CK_RV allowed[FAULTY_KINDS][8] = {
    [FAULTY_REMOVED_BEFORE] = { CKR_DEVICE_REMOVED, CKR_TOKEN_NOT_PRESENT },
    [FAULTY_REMOVED_AFTER] = { CKR_DEVICE_REMOVED, CKR_TOKEN_NOT_PRESENT },
    [FAULTY_NOT_SENT] = { CKR_DEVICE_ERROR, CKR_TOKEN_NOT_PRESENT },
    [FAULTY_LOST] = { CKR_DEVICE_ERROR, CKR_TOKEN_NOT_PRESENT },
    [FAULTY_RESET] = { CKR_OK },
    /* Without its application a card answers as one that has no such file, key or PIN. */
    [FAULTY_POWERED] = { CKR_DEVICE_ERROR, CKR_TOKEN_NOT_PRESENT, CKR_KEY_HANDLE_INVALID, CKR_FUNCTION_FAILED,
                         CKR_DEVICE_REMOVED, CKR_USER_NOT_LOGGED_IN },
    [FAULTY_CUT] = { CKR_DEVICE_ERROR, CKR_TOKEN_NOT_PRESENT },
    [FAULTY_SHORT] = { CKR_DEVICE_ERROR, CKR_TOKEN_NOT_PRESENT },
    [FAULTY_TWICE] = { CKR_OK },
    [FAULTY_DOUBLED] = { CKR_DEVICE_ERROR, CKR_TOKEN_NOT_PRESENT },
    [FAULTY_GARBLED] = { CKR_DEVICE_ERROR, CKR_TOKEN_NOT_PRESENT, CKR_DEVICE_REMOVED /* it looks like another card */ },
    /* A counter that is not told: no PIN is sent then. */
    [FAULTY_NO_STATUS] = { CKR_DEVICE_ERROR, CKR_TOKEN_NOT_PRESENT, CKR_FUNCTION_FAILED },
    [FAULTY_STRANGE_STATUS] = { CKR_DEVICE_ERROR, CKR_TOKEN_NOT_PRESENT },
    [FAULTY_NOTHING] = { CKR_DEVICE_ERROR, CKR_TOKEN_NOT_PRESENT },
    [FAULTY_EMPTY] = { CKR_DEVICE_ERROR, CKR_TOKEN_NOT_PRESENT },
};

static bool is_allowed(const struct step *step, enum faulty_kind kind, CK_RV rv)
{
    if (rv == step->sound)
        return true;
    if (kind == FAULTY_GARBLED && rv == CKR_MECHANISM_INVALID && (step->run == step_pss_auth || step->run == step_pss_sign))
        return true; /* the first RSASSA-PSS signature of a card: it looks as if the card could not make any */
    for (size_t i = 0; allowed[kind][i] != CKR_OK; i++)
        if (allowed[kind][i] == rv)
            return true;
    return false;
}

/* --- one run ------------------------------------------------------------------------------------------------------------- */

struct strike_place {
    const struct story *story;
    size_t step;
    enum faulty_kind kind;
    unsigned at;
};

static unsigned complaints;

static void complain(const struct strike_place *place, const char *what, unsigned long value)
{
    complaints++;
    print_error("%s: %s, command %u, %s: %s (0x%lx)\n", place->story->name, place->story->steps[place->step].name, place->at,
                faulty_name(place->kind), what, value);
}

static void begin(void)
{
    card = testcard_copy(original);
    faulty_start(card);
    wrong_number++;
    snprintf(wrong[AUTH], sizeof wrong[AUTH], "%04u", 1235 + wrong_number % 7000);
    snprintf(wrong[SIGN], sizeof wrong[SIGN], "ZZ%04u", wrong_number % 10000);
    pins[AUTH] = TESTCARD_AUTH_PIN;
    pins[SIGN] = TESTCARD_SIGN_PIN;
    assert_int_equal(p11->C_Initialize(NULL), CKR_OK);
    sessions[AUTH] = sessions[SIGN] = CK_INVALID_HANDLE;
}

/* Sessions are opened without the card being asked, once it is known. */
static void open_sessions(void)
{
    for (CK_SLOT_ID slot = AUTH; slot <= SIGN; slot++) {
        CK_SESSION_INFO info;
        if (p11->C_GetSessionInfo(sessions[slot], &info) != CKR_OK)
            (void)p11->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &sessions[slot]);
    }
}

static void end(void)
{
    assert_int_equal(p11->C_Finalize(NULL), CKR_OK);
    settle();
    assert_int_equal(the_reader.open, 0);
    testcard_free(card);
}

static CK_RV run_step(const struct step *step)
{
    CK_RV rv = step->run();
    settle();
    return rv;
}

static CK_RV look_at_tokens(void)
{
    CK_RV rv = step_slots();
    if (rv == CKR_OK)
        rv = token_info(AUTH);
    if (rv == CKR_OK)
        rv = token_info(SIGN);
    if (rv == CKR_OK)
        open_sessions();
    return rv;
}

/* What was read wrongly but in good form is found out when the card is compared with it, before any PIN is sent: that call
 * fails, and the card is looked at afresh. */
static CK_RV log_in_again(CK_SLOT_ID slot, bool patient, bool last_try)
{
    settle();
    CK_RV rv = p11calls_login(p11, sessions[slot], pins[slot]);
    settle();
    if (last_try && rv == CKR_PIN_INCORRECT) /* nothing was sent: the last try is for who asks again after being told */
        rv = p11calls_login(p11, sessions[slot], pins[slot]);
    if (patient && rv == CKR_DEVICE_REMOVED && look_at_tokens() == CKR_OK)
        rv = p11calls_login(p11, sessions[slot], pins[slot]);
    return rv == CKR_USER_ALREADY_LOGGED_IN ? CKR_OK : rv;
}

/* The same application goes on: the card is there, both keys sign. */
static void go_on(const struct strike_place *place)
{
    faulty_arm(FAULTY_NONE, 0);
    faulty_put_in();
    CK_RV rv = look_at_tokens();
    if (rv != CKR_OK) {
        complain(place, "afterwards no tokens", rv);
        return;
    }
    for (CK_SLOT_ID slot = AUTH; slot <= SIGN; slot++) {
        rv = log_in_again(slot, place->kind == FAULTY_GARBLED, place->kind == FAULTY_TWICE);
        if (rv != CKR_OK)
            complain(place, "afterwards no login", rv);
        else if ((rv = sign(slot, false)) != CKR_OK)
            complain(place, "afterwards no signature", rv);
        settle();
        if (faulty_is_presented(slot == SIGN))
            complain(place, "afterwards the PIN stays presented", slot);
    }
}

/* Two things that nobody in the module's place could know: that a card which says it took the PIN did not, and that a
 * signature is wrong while nobody has asked for the certificate yet. */
static bool nobody_could_know(const struct strike_place *place, CK_RV rv)
{
    const struct step *step = &place->story->steps[place->step];
    bool is_wrong = step->run == step_wrong_auth || step->run == step_wrong_sign;
    bool in_haste = strcmp(place->story->name, "sign in haste") == 0 && step->run == step_sign_auth;
    return (is_wrong && place->kind == FAULTY_NOTHING && rv == CKR_OK)
        || (in_haste && place->kind == FAULTY_GARBLED && rv == CKR_VENDOR_DEFINED);
}

static void judge(const struct strike_place *place, CK_RV rv, const unsigned *tries)
{
    const struct step *step = &place->story->steps[place->step];
    if (!is_allowed(step, place->kind, rv))
        complain(place, "answered", rv);
    if (the_reader.open)
        complain(place, "transactions left open", the_reader.open);
    for (unsigned half = 0; half < 2; half++) {
        bool may_cost = step->run == (half ? step_wrong_sign : step_wrong_auth);
        unsigned now = faulty_tries(half), spent = now < tries[half] ? tries[half] - now : 0;
        if (spent > (may_cost ? (place->kind == FAULTY_TWICE ? 2u : 1u) : 0u))
            complain(place, "tries spent", spent);
        if (faulty_is_presented(half))
            complain(place, "the PIN stays presented", half);
    }
}

/* Runs a story up to a step and that step with the fault; returns how many commands the step took. */
static unsigned run(const struct strike_place *place)
{
    begin();
    for (size_t i = 0; i < place->step; i++) {
        CK_RV rv = run_step(&place->story->steps[i]);
        if (rv != place->story->steps[i].sound)
            complain(place, "without a fault an earlier step fails", rv);
        open_sessions();
    }
    const unsigned tries[2] = { faulty_tries(false), faulty_tries(true) };
    faulty_arm(place->kind, place->at);
    CK_RV rv = run_step(&place->story->steps[place->step]);
    unsigned commands = the_reader.commands;
    if (place->kind != FAULTY_NONE)
        assert_true(the_reader.struck);
    if (!nobody_could_know(place, rv)) {
        judge(place, rv, tries);
        go_on(place);
    }
    end();
    return commands;
}

/* With the keeper: what its socket and its own commands can meet. What an answer may look like is the channel's matter. */
static bool is_swept(enum faulty_kind kind)
{
#ifdef KEPT
    return kind <= FAULTY_POWERED || kind == FAULTY_NO_STATUS || kind == FAULTY_EMPTY;
#else
    (void)kind;
    return true;
#endif
}

static void sweep(const struct story *story)
{
    unsigned runs = 0;
    complaints = 0;
    for (size_t step = 0; step < STEPS_MAX && story->steps[step].run; step++) {
        unsigned commands = run(&(struct strike_place) { story, step, FAULTY_NONE, 0 });
        for (unsigned at = 0; at < commands; at++)
            for (enum faulty_kind kind = FAULTY_NONE + 1; kind < FAULTY_KINDS; kind++) {
                if (!is_swept(kind))
                    continue;
                (void)run(&(struct strike_place) { story, step, kind, at });
                runs++;
            }
    }
    print_message("# %s: %u faults\n", story->name, runs);
    assert_int_equal(complaints, 0);
}

#ifndef KEPT
static void looking(void **state)
{
    (void)state;
    sweep(&stories[0]);
}
#endif
static void authenticating(void **state)
{
    (void)state;
    sweep(&stories[1]);
}
static void signing(void **state)
{
    (void)state;
    sweep(&stories[2]);
}
static void signing_in_haste(void **state)
{
    (void)state;
    sweep(&stories[3]);
}
static void changing(void **state)
{
    (void)state;
    sweep(&stories[4]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifndef KEPT /* no PIN: nothing that the keeper does besides */
        cmocka_unit_test(looking),
#endif
        cmocka_unit_test(authenticating),
        cmocka_unit_test(signing),
        cmocka_unit_test(signing_in_haste),
        cmocka_unit_test(changing),
    };
    CK_INTERFACE *interface = NULL;
    CK_VERSION version = { 3, 0 };
    unsigned char name[] = "PKCS 11";
    if (C_GetInterface(name, &version, &interface, 0) != CKR_OK)
        return 2;
    p11 = interface->pFunctionList;
    setenv("JPKI_LOG", "error", 0);
    setenv("JPKI_KEEP_MS", KEEP_MS, 1);
    char folder[] = "/tmp/jpki-faults-XXXXXX";
    if (!mkdtemp(folder) || setenv("XDG_RUNTIME_DIR", folder, 1)) /* what other tests had refused is not known here */
        return 2;
#ifdef KEPT
    faulty_far_open();
#endif
    original = testcard_new();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    testcard_free(original);
    return scratch_remove(folder) ? 2 : failed;
}

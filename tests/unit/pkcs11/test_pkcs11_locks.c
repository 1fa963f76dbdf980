/* test_pkcs11_locks.c — two cards in two readers, and several threads: what is slow on one card holds up no call for
 * another, two calls for one card take turns, a card that goes while a call works with it is forgotten, C_Finalize
 * waits for calls. Nothing here measures time: a card stands still until the test lets it go on. The reader ends the
 * test when two threads use one link. */
#include "p11calls.h"
#include "pkcs11/object.h"

#include "card/reader.h"
#include "support/testcard.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define READERS 2u
#define AUTH(reader) ((CK_SLOT_ID)(2 * (reader)))

const unsigned module_kinds = 1u << TOKEN_AUTH | 1u << TOKEN_SIGN; /* as variant.c says it of the module with both */

static CK_FUNCTION_LIST_3_0 *p11;

/* --- the readers
 * --------------------------------------------------------------------------------------------------------- */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct testcard *cards[READERS];
    bool in[READERS], stopped[READERS], standing[READERS]; /* a command waits */
    bool used[READERS];                                    /* by a thread, now */
    uint32_t states[READERS];
    unsigned open; /* transactions */
    bool waiting, cancelled;
} readers = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

struct gated_link {
    struct transport_link link;
    unsigned reader;
    uint32_t state;
    bool held;
};

static void change(bool *what, bool now)
{
    pthread_mutex_lock(&readers.lock);
    *what = now;
    pthread_cond_broadcast(&readers.changed);
    pthread_mutex_unlock(&readers.lock);
}

static void wait_for(const bool *what)
{
    pthread_mutex_lock(&readers.lock);
    while (!*what)
        pthread_cond_wait(&readers.changed, &readers.lock);
    pthread_mutex_unlock(&readers.lock);
}

static void set_in(unsigned reader, bool in)
{
    pthread_mutex_lock(&readers.lock);
    readers.in[reader] = in;
    readers.states[reader]++;
    pthread_cond_broadcast(&readers.changed);
    pthread_mutex_unlock(&readers.lock);
}

static struct transport_reader look(unsigned reader)
{
    struct transport_reader now = {.card_present = readers.in[reader], .state = readers.states[reader]};
    snprintf(now.name, sizeof now.name, "gated %u", reader);
    return now;
}

static enum rc gated_list(struct transport *transport, struct transport_reader *list, size_t max, size_t *count,
                          struct err *err)
{
    (void)transport, (void)err;
    pthread_mutex_lock(&readers.lock);
    for (*count = 0; *count < READERS && *count < max; ++*count)
        list[*count] = look((unsigned)*count);
    pthread_mutex_unlock(&readers.lock);
    return RC_OK;
}

static const struct transport_ops ops;

static enum rc gated_connect(struct transport *transport, const char *name, struct transport_link **link,
                             struct err *err)
{
    (void)transport, (void)err;
    struct gated_link *made = calloc(1, sizeof *made);
    if (!made)
        abort();
    made->link.ops = &ops;
    made->reader = name[strlen(name) - 1] == '1';
    pthread_mutex_lock(&readers.lock);
    bool in = readers.in[made->reader];
    made->state = readers.states[made->reader];
    if (in)
        sim_power_on(testcard_sim(readers.cards[made->reader]));
    pthread_mutex_unlock(&readers.lock);
    if (!in) {
        free(made);
        return RC_CARD_ABSENT;
    }
    *link = &made->link;
    return RC_OK;
}

static enum rc gated_begin(struct transport_link *link, bool *was_reset, struct err *err)
{
    struct gated_link *self = (struct gated_link *)link;
    (void)err;
    pthread_mutex_lock(&readers.lock);
    bool there = readers.in[self->reader] && self->state == readers.states[self->reader];
    if (self->held)
        abort();
    self->held = there;
    readers.open += there;
    pthread_mutex_unlock(&readers.lock);
    *was_reset = false;
    return there ? RC_OK : RC_CARD_GONE;
}

static void gated_end(struct transport_link *link, enum transport_disposition disposition)
{
    struct gated_link *self = (struct gated_link *)link;
    (void)disposition;
    pthread_mutex_lock(&readers.lock);
    readers.open -= self->held;
    self->held = false;
    pthread_mutex_unlock(&readers.lock);
}

static enum rc gated_transmit(struct transport_link *link, struct bytes command, struct buf *response, struct err *err)
{
    struct gated_link *self = (struct gated_link *)link;
    (void)err;
    pthread_mutex_lock(&readers.lock);
    if (readers.used[self->reader] || !self->held)
        abort(); /* two threads at one link, or a command outside of a transaction */
    readers.used[self->reader] = true;
    readers.standing[self->reader] = true;
    pthread_cond_broadcast(&readers.changed);
    while (readers.stopped[self->reader])
        pthread_cond_wait(&readers.changed, &readers.lock);
    readers.standing[self->reader] = false;
    bool there = readers.in[self->reader] && self->state == readers.states[self->reader];
    pthread_mutex_unlock(&readers.lock);
    enum rc rc = there ? sim_transmit(testcard_sim(readers.cards[self->reader]), command, response) : RC_CARD_GONE;
    pthread_mutex_lock(&readers.lock);
    readers.used[self->reader] = false;
    pthread_mutex_unlock(&readers.lock);
    return rc;
}

static struct bytes gated_atr(const struct transport_link *link)
{
    (void)link;
    return bytes_of("\x3B\x80", 2);
}

static void gated_disconnect(struct transport_link *link, enum transport_disposition disposition)
{
    gated_end(link, disposition);
    free(link);
}

static enum rc gated_wait(struct transport *transport, const struct transport_reader *known, size_t count,
                          int milliseconds, struct err *err)
{
    (void)transport, (void)milliseconds, (void)err;
    pthread_mutex_lock(&readers.lock);
    bool differs = count != READERS;
    readers.waiting = true;
    pthread_cond_broadcast(&readers.changed);
    while (!differs && !readers.cancelled) {
        for (unsigned i = 0; i < READERS; i++) {
            struct transport_reader now = look(i);
            differs = differs || now.state != known[i].state || now.card_present != known[i].card_present;
        }
        if (!differs)
            pthread_cond_wait(&readers.changed, &readers.lock);
    }
    readers.waiting = readers.cancelled = false;
    pthread_mutex_unlock(&readers.lock);
    return differs ? RC_OK : RC_INTERRUPTED;
}

static void gated_cancel(struct transport *transport)
{
    (void)transport;
    change(&readers.cancelled, true);
}

static void gated_close(struct transport *transport, bool forked)
{
    (void)forked;
    free(transport);
}

static const struct transport_ops ops = {
    .kind = "gated",
    .list = gated_list,
    .connect = gated_connect,
    .begin = gated_begin,
    .end = gated_end,
    .transmit = gated_transmit,
    .atr = gated_atr,
    .disconnect = gated_disconnect,
    .wait = gated_wait,
    .cancel = gated_cancel,
    .close = gated_close,
};

enum rc __wrap_reader_open(const char *spec, struct transport **transport, struct err *err);

enum rc __wrap_reader_open(const char *spec, struct transport **transport, struct err *err)
{
    (void)spec, (void)err;
    *transport = calloc(1, sizeof **transport);
    if (!*transport)
        return RC_NOMEM;
    (*transport)->ops = &ops;
    return RC_OK;
}

/* --- a thread that signs
 * ------------------------------------------------------------------------------------------------- */

struct signer {
    unsigned reader;
    CK_SESSION_HANDLE session;
    CK_OBJECT_HANDLE key;
    pthread_t thread;
    _Atomic bool done;
    CK_RV rv;
    unsigned char signature[256];
};

static void *run_signer(void *context)
{
    struct signer *signer = context;
    signer->rv = p11calls_sign(p11, signer->session, signer->key, false, "x", 1, signer->signature);
    signer->done = true;
    return NULL;
}

static void prepare_signer(struct signer *signer, unsigned reader)
{
    *signer = (struct signer){.reader = reader};
    signer->session = p11calls_open(p11, AUTH(reader), CKF_SERIAL_SESSION);
    CK_RV rv = p11calls_login(p11, signer->session, TESTCARD_AUTH_PIN);
    assert_true(rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN);
    signer->key = p11calls_find_one(p11, signer->session, CKO_PRIVATE_KEY, 1);
    assert_int_not_equal(signer->key, CK_INVALID_HANDLE);
}

static bool signed_well(const struct signer *signer)
{
    X509 *cert = testcard_cert(readers.cards[signer->reader], APPLET_EF_AUTH_CERT);
    return signer->rv == CKR_OK && p11calls_verifies(cert, false, "x", 1, signer->signature);
}

/* Starts it and returns when its first command stands before the card. */
static void start_and_stop(struct signer *signer)
{
    change(&readers.stopped[signer->reader], true);
    assert_int_equal(pthread_create(&signer->thread, NULL, run_signer, signer), 0);
    wait_for(&readers.standing[signer->reader]);
}

static void let_finish(struct signer *signer)
{
    change(&readers.stopped[signer->reader], false);
    assert_int_equal(pthread_join(signer->thread, NULL), 0);
}

/* --- mutexes of the application's
 * ---------------------------------------------------------------------------------------- */

static _Atomic int mutexes;

static CK_RV mutex_create(void **mutex)
{
    *mutex = calloc(1, sizeof(pthread_mutex_t));
    mutexes++;
    return *mutex && pthread_mutex_init(*mutex, NULL) == 0 ? CKR_OK : CKR_HOST_MEMORY;
}
static CK_RV mutex_destroy(void *mutex)
{
    mutexes--;
    pthread_mutex_destroy(mutex);
    free(mutex);
    return CKR_OK;
}
static CK_RV mutex_lock(void *mutex)
{
    return pthread_mutex_lock(mutex) ? CKR_MUTEX_BAD : CKR_OK;
}
static CK_RV mutex_unlock(void *mutex)
{
    return pthread_mutex_unlock(mutex) ? CKR_MUTEX_BAD : CKR_OK;
}

/* --- tests
 * --------------------------------------------------------------------------------------------------------------- */

static void try_everything_else(unsigned other, const struct signer *slow)
{
    struct signer here;
    CK_SLOT_ID slots[8], slot;
    CK_SLOT_INFO slot_info;
    CK_TOKEN_INFO token_info;
    CK_SESSION_INFO session_info;
    CK_MECHANISM_TYPE types[32];
    CK_ULONG count = 8, types_count = 32;
    assert_int_equal(p11->C_GetSlotList(CK_TRUE, slots, &count), CKR_OK);
    assert_int_equal(count, 2 * READERS);
    for (CK_SLOT_ID id = 0; id < 2 * READERS; id++) {
        assert_int_equal(p11->C_GetSlotInfo(id, &slot_info), CKR_OK);
        assert_true(slot_info.flags & CKF_TOKEN_PRESENT);
    }
    assert_int_equal(p11->C_GetSessionInfo(slow->session, &session_info), CKR_OK);
    assert_int_equal(session_info.state, CKS_RO_USER_FUNCTIONS);
    assert_int_equal(p11->C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, NULL), CKR_NO_EVENT);
    assert_int_equal(p11->C_GetTokenInfo(AUTH(other), &token_info), CKR_OK);
    assert_int_equal(p11->C_GetMechanismList(AUTH(other), types, &types_count), CKR_OK);
    prepare_signer(&here, other);
    (void)run_signer(&here);
    assert_true(signed_well(&here));
    assert_int_equal(p11->C_Logout(here.session), CKR_OK);
    assert_int_equal(p11->C_CloseAllSessions(AUTH(other)), CKR_OK);
}

static void a_slow_card_holds_up_no_other(void **state)
{
    (void)state;
    CK_C_INITIALIZE_ARGS models[] = {{.flags = CKF_OS_LOCKING_OK},
                                     {mutex_create, mutex_destroy, mutex_lock, mutex_unlock, 0, NULL}};
    for (size_t model = 0; model < 2; model++) {
        assert_int_equal(p11->C_Initialize(&models[model]), CKR_OK);
        assert_true((mutexes > 0) == (model == 1));
        for (unsigned reader = 0; reader < READERS; reader++) {
            struct signer slow;
            prepare_signer(&slow, reader);
            start_and_stop(&slow);
            try_everything_else(1 - reader, &slow);
            assert_false(slow.done);
            let_finish(&slow);
            assert_true(signed_well(&slow));
        }
        assert_int_equal(p11->C_Finalize(NULL), CKR_OK);
        assert_int_equal(mutexes, 0);
        assert_int_equal(readers.open, 0);
    }
}

static void *run_look(void *context)
{
    CK_SLOT_INFO info;
    *(CK_RV *)context = p11->C_GetSlotInfo(AUTH(1), &info);
    return NULL;
}

static void a_card_that_is_asked_what_it_is_holds_up_no_other(void **state)
{
    (void)state;
    struct signer here;
    CK_SLOT_INFO info;
    CK_TOKEN_INFO token_info;
    pthread_t looker;
    CK_RV rv = CKR_GENERAL_ERROR;
    assert_int_equal(p11->C_Initialize(NULL), CKR_OK);
    change(&readers.stopped[1], true);
    assert_int_equal(pthread_create(&looker, NULL, run_look, &rv), 0);
    wait_for(&readers.standing[1]);
    prepare_signer(&here, 0);
    (void)run_signer(&here);
    assert_true(signed_well(&here));
    assert_int_equal(p11->C_GetSlotInfo(AUTH(0), &info), CKR_OK);
    assert_int_equal(p11->C_GetTokenInfo(AUTH(0), &token_info), CKR_OK);
    assert_int_equal(rv, CKR_GENERAL_ERROR); /* it stands there still */
    change(&readers.stopped[1], false);
    assert_int_equal(pthread_join(looker, NULL), 0);
    assert_int_equal(rv, CKR_OK);
    assert_int_equal(p11->C_Finalize(NULL), CKR_OK);
}

static void two_calls_for_one_card_take_turns(void **state)
{
    (void)state;
    struct signer first, second;
    assert_int_equal(p11->C_Initialize(NULL), CKR_OK);
    prepare_signer(&first, 0);
    prepare_signer(&second, 0);
    start_and_stop(&first);
    assert_int_equal(pthread_create(&second.thread, NULL, run_signer, &second), 0);
    try_everything_else(1, &first);
    assert_false(first.done);
    assert_false(second.done);
    let_finish(&first);
    assert_int_equal(pthread_join(second.thread, NULL), 0);
    assert_true(signed_well(&first) && signed_well(&second));
    assert_int_equal(p11->C_Finalize(NULL), CKR_OK);
}

static void a_card_that_goes_meanwhile_is_forgotten(void **state)
{
    (void)state;
    struct signer slow;
    CK_SLOT_INFO info;
    CK_SESSION_INFO session;
    CK_SLOT_ID slot = 99;
    assert_int_equal(p11->C_Initialize(NULL), CKR_OK);
    prepare_signer(&slow, 0);
    start_and_stop(&slow);
    set_in(0, false);
    assert_int_equal(p11->C_WaitForSlotEvent(0, &slot, NULL), CKR_OK);
    assert_int_equal(slot, AUTH(0));
    assert_int_equal(p11->C_GetSlotInfo(AUTH(0), &info), CKR_OK);
    assert_false(info.flags & CKF_TOKEN_PRESENT);
    assert_int_equal(p11->C_GetSessionInfo(slow.session, &session), CKR_SESSION_HANDLE_INVALID);
    assert_false(slow.done);
    let_finish(&slow);
    assert_int_equal(slow.rv, CKR_DEVICE_REMOVED);
    set_in(0, true);
    slow.session = p11calls_open(p11, AUTH(0), CKF_SERIAL_SESSION); /* and nobody is logged in */
    assert_int_equal(p11->C_GetSessionInfo(slow.session, &session), CKR_OK);
    assert_int_equal(session.state, CKS_RO_PUBLIC_SESSION);
    prepare_signer(&slow, 0);
    (void)run_signer(&slow);
    assert_true(signed_well(&slow));
    assert_int_equal(p11->C_Finalize(NULL), CKR_OK);
    assert_int_equal(readers.open, 0);
}

static void *run_wait(void *context)
{
    CK_SLOT_ID slot;
    *(CK_RV *)context = p11->C_WaitForSlotEvent(0, &slot, NULL);
    return NULL;
}

static void who_waits_for_an_event_holds_up_nobody(void **state)
{
    (void)state;
    struct signer slow;
    pthread_t waiter;
    CK_RV rv = CKR_OK;
    assert_int_equal(p11->C_Initialize(NULL), CKR_OK);
    assert_int_equal(pthread_create(&waiter, NULL, run_wait, &rv), 0);
    wait_for(&readers.waiting);
    prepare_signer(&slow, 0);
    start_and_stop(&slow);
    try_everything_else(1, &slow);
    assert_true(readers.waiting);
    let_finish(&slow);
    assert_true(signed_well(&slow));
    assert_int_equal(p11->C_Finalize(NULL), CKR_OK);
    assert_int_equal(pthread_join(waiter, NULL), 0);
    assert_int_equal(rv, CKR_CRYPTOKI_NOT_INITIALIZED);
}

static void *run_finalize(void *context)
{
    *(CK_RV *)context = p11->C_Finalize(NULL);
    return NULL;
}

static void finalize_waits_for_a_call(void **state)
{
    (void)state;
    struct signer slow;
    pthread_t closer;
    CK_RV rv = CKR_GENERAL_ERROR;
    CK_INFO info;
    assert_int_equal(p11->C_Initialize(NULL), CKR_OK);
    prepare_signer(&slow, 0);
    start_and_stop(&slow);
    assert_int_equal(pthread_create(&closer, NULL, run_finalize, &rv), 0);
    while (p11->C_GetInfo(&info) == CKR_OK) /* until the door is closed */
        sched_yield();
    assert_false(slow.done);
    let_finish(&slow);
    assert_true(signed_well(&slow)); /* what had begun ends well */
    assert_int_equal(pthread_join(closer, NULL), 0);
    assert_int_equal(rv, CKR_OK);
    assert_int_equal(readers.open, 0);
}

/* Everything at once, for ThreadSanitizer and for the readers above, which count. */
#define ROUNDS 60

static void *run_crowd(void *context)
{
    unsigned reader = *(unsigned *)context % READERS;
    for (unsigned i = 0; i < ROUNDS; i++) {
        CK_SESSION_HANDLE session = 0;
        CK_SESSION_INFO session_info;
        CK_TOKEN_INFO token_info;
        CK_SLOT_INFO slot_info;
        CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
        CK_ATTRIBUTE template = {CKA_CLASS, &class, sizeof class};
        CK_OBJECT_HANDLE key = 0;
        CK_ULONG n = 0;
        unsigned char signature[256];
        (void)p11->C_GetSlotInfo(AUTH(1 - reader), &slot_info);
        (void)p11->C_GetTokenInfo(AUTH(reader), &token_info);
        if (p11->C_OpenSession(AUTH(reader), CKF_SERIAL_SESSION, NULL, NULL, &session) != CKR_OK)
            continue;
        (void)p11calls_login(p11, session, TESTCARD_AUTH_PIN);
        (void)p11->C_GetSessionInfo(session, &session_info);
        if (p11->C_FindObjectsInit(session, &template, 1) == CKR_OK &&
            p11->C_FindObjects(session, &key, 1, &n) == CKR_OK && n == 1 && i % 4 == 0)
            (void)p11calls_sign(p11, session, key, false, "x", 1, signature);
        (void)p11->C_FindObjectsFinal(session);
        if (i % 8 == 7)
            (void)p11->C_Logout(session);
        (void)p11->C_CloseSession(session);
    }
    return NULL;
}

static void a_crowd_and_a_card_that_comes_and_goes(void **state)
{
    (void)state;
    pthread_t threads[4];
    unsigned numbers[4] = {0, 1, 2, 3};
    assert_int_equal(p11->C_Initialize(NULL), CKR_OK);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run_crowd, &numbers[i]), 0);
    for (unsigned i = 0; i < 2 * ROUNDS; i++) {
        set_in(1, i % 2);
        usleep(500);
    }
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (unsigned reader = 0; reader < READERS; reader++) {
        struct signer after;
        prepare_signer(&after, reader);
        (void)run_signer(&after);
        assert_true(signed_well(&after));
    }
    assert_int_equal(p11->C_Finalize(NULL), CKR_OK);
    assert_int_equal(readers.open, 0);
}

static int begin(void **state)
{
    (void)state;
    readers.cards[0] = testcard_new();
    readers.cards[1] = testcard_new();
    readers.in[0] = readers.in[1] = true;
    return 0;
}

static int end(void **state)
{
    (void)state;
    for (unsigned i = 0; i < READERS; i++)
        testcard_free(readers.cards[i]);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slow_card_holds_up_no_other),
        cmocka_unit_test(a_card_that_is_asked_what_it_is_holds_up_no_other),
        cmocka_unit_test(two_calls_for_one_card_take_turns),
        cmocka_unit_test(a_card_that_goes_meanwhile_is_forgotten),
        cmocka_unit_test(who_waits_for_an_event_holds_up_nobody),
        cmocka_unit_test(finalize_waits_for_a_call),
        cmocka_unit_test(a_crowd_and_a_card_that_comes_and_goes),
    };
    CK_INTERFACE *interface = NULL;
    CK_VERSION version = {3, 0};
    unsigned char name[] = "PKCS 11";
    if (C_GetInterface(name, &version, &interface, 0) != CKR_OK)
        return 2;
    p11 = interface->pFunctionList;
    setenv("JPKI_KEEP_MS", "60001", 1); /* no keeper: these readers are in this process */
    return cmocka_run_group_tests(tests, begin, end);
}

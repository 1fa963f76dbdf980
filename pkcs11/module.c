/* module.c — the state's life: C_Initialize, the locks, fork, C_Finalize. What the calls do is elsewhere.
 *
 * A child after fork(2) has a copy of everything and may use none of it: the connection to the card is its parent's. It is
 * known by its process id, and by a handler that makes the inherited locks usable again. */
#include "pkcs11/module.h"

#include "base/log.h"
#include "card/reader.h"
#include "pkcs11/agent.h"
#include "pkcs11/ckr.h"
#include "pkcs11/crypto.h"
#include "pkcs11/locking.h"
#include "pkcs11/refused.h"
#include "pkcs11/slot.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct module the_module;
static struct locking the_lock = LOCKING_INIT;
static struct locking reader_locks[MODULE_READERS_MAX]; /* by the reader's place */
static _Atomic pid_t owner; /* the process that initialised the module; 0: none */

/* What the call that runs in a thread has. */
static _Thread_local struct {
    struct err err;
    struct reader *held;
    bool locked; /* the module's lock */
    bool broken; /* the application's mutex could not be taken again */
} call;

/* One C_Initialize or C_Finalize at a time. */
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

/* Threads in C_WaitForSlotEvent. C_Finalize waits until they have left. */
static pthread_mutex_t wait_gate = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wait_left = PTHREAD_COND_INITIALIZER;
static pthread_mutex_t wait_turn = PTHREAD_MUTEX_INITIALIZER; /* a transport takes one waiter at a time */
static unsigned waiters;
static bool stopping;

static void after_fork_in_child(void)
{
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
    gate = wait_gate = wait_turn = mutex;
    wait_left = cond;
    waiters = 0;
    stopping = false;
    memset(&call, 0, sizeof(call));
    locking_reset(&the_lock);
    for (size_t i = 0; i < MODULE_READERS_MAX; i++)
        locking_reset(&reader_locks[i]);
    refused_after_fork();
    agent_after_fork();
}

static void watch_forks(void)
{
    (void)pthread_atfork(NULL, NULL, after_fork_in_child);
}

static CK_RV take_lock(void)
{
    CK_RV rv = locking_take(&the_lock);
    call.locked = rv == CKR_OK;
    return rv;
}

static void give_lock(void)
{
    if (call.locked)
        locking_give(&the_lock);
    call.locked = false;
}

CK_RV module_enter(struct module **module)
{
    if (atomic_load(&owner) != getpid())
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    CK_RV rv = take_lock();
    if (rv != CKR_OK)
        return rv;
    if (atomic_load(&owner) != getpid()) { /* C_Finalize was quicker */
        give_lock();
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    }
    crypto_enter();
    err_reset(&call.err);
    call.broken = false;
    *module = &the_module;
    return CKR_OK;
}

CK_RV module_leave(struct module *module, CK_RV rv)
{
    module_release(module);
    if (call.broken)
        rv = CKR_CANT_LOCK;
    if (rv != CKR_OK && call.err.rc)
        log_info("0x%lx: %s", rv, call.err.text);
    crypto_leave();
    give_lock();
    return rv;
}

struct err *module_err(void)
{
    return &call.err;
}

void module_pause(void)
{
    give_lock();
}

/* Only an application whose own mutex fails is left without the lock: its call ends with CKR_CANT_LOCK. */
void module_resume(void)
{
    if (take_lock() != CKR_OK)
        call.broken = true;
}

CK_RV module_hold(struct module *module, struct reader *reader)
{
    struct locking *lock = &reader_locks[reader - module->readers];
    module_pause();
    CK_RV rv = locking_take(lock);
    module_resume();
    if (rv != CKR_OK)
        return rv;
    if (call.broken || atomic_load(&owner) != getpid()) {
        locking_give(lock);
        return call.broken ? CKR_CANT_LOCK : CKR_CRYPTOKI_NOT_INITIALIZED;
    }
    reader->busy = true;
    call.held = reader;
    return CKR_OK;
}

void module_release(struct module *module)
{
    struct reader *reader = call.held;
    if (!reader)
        return;
    if (reader->lost) { /* another thread saw it go while this one worked with it */
        reader_forget(reader, reader->known.card_present ? READER_NEW : READER_EMPTY);
        reader->orphaned = false;
    }
    reader->busy = reader->lost = false;
    call.held = NULL;
    locking_give(&reader_locks[reader - module->readers]);
}

bool module_holds(const struct reader *reader)
{
    return call.held == reader;
}

CK_RV module_enter_session(CK_SESSION_HANDLE handle, struct module **module, struct session **session)
{
    CK_RV rv = module_enter(module);
    if (rv != CKR_OK)
        return rv;
    rv = module_find_session(*module, handle, session);
    return rv == CKR_OK ? CKR_OK : module_leave(*module, rv);
}

CK_RV module_find_session(const struct module *module, CK_SESSION_HANDLE handle, struct session **session)
{
    *session = session_find(&module->sessions, handle);
    return *session ? CKR_OK : CKR_SESSION_HANDLE_INVALID;
}

/* What a parent process left: nothing of it is told to a card, a service or the application's mutexes. */
static void forget_inherited(void)
{
    if (the_module.transport)
        transport_close_forked(the_module.transport);
    memset(&the_module, 0, sizeof(the_module));
    crypto_forget();
    refused_wipe();
}

/* The keeper lies beside the module. $JPKI_KEEP_MS: how long it keeps a transaction for the next call. */
static enum rc open_transport(struct module *module)
{
    struct transport *inner = NULL;
    char program[4096];
    Dl_info where;
    enum rc rc = reader_open(module->settings.reader[0] ? module->settings.reader : NULL, &inner, &call.err);
    if (rc)
        return rc;
    const char *keep = secure_getenv("JPKI_KEEP_MS");
    unsigned long keep_ms = keep ? strtoul(keep, NULL, 10) : AGENT_KEEP_MS;
    const char *slash = dladdr(&the_module, &where) && where.dli_fname ? strrchr(where.dli_fname, '/') : NULL;
    int n = slash ? snprintf(program, sizeof(program), "%.*s/" AGENT_PROGRAM, (int)(slash - where.dli_fname), where.dli_fname)
                  : -1;
    if (n < 0 || (size_t)n >= sizeof(program) || keep_ms > 60000) {
        module->transport = inner; /* a plain connection */
        return RC_OK;
    }
    return agent_wrap(inner, program, (unsigned)keep_ms, &module->transport);
}

static CK_RV make_locks(const CK_C_INITIALIZE_ARGS *args)
{
    static bool reset;
    struct locking_model model;
    for (size_t i = 0; i < MODULE_READERS_MAX && !reset; i++)
        locking_reset(&reader_locks[i]);
    reset = true;
    CK_RV rv = locking_choose(args, &model);
    if (rv == CKR_OK)
        rv = locking_init(&the_lock, &model);
    for (size_t i = 0; i < MODULE_READERS_MAX && rv == CKR_OK; i++)
        rv = locking_init(&reader_locks[i], &model);
    return rv;
}

static void wipe_locks(void)
{
    for (size_t i = 0; i < MODULE_READERS_MAX; i++)
        locking_wipe(&reader_locks[i]);
    locking_wipe(&the_lock);
}

static CK_RV open_all(const CK_C_INITIALIZE_ARGS *args)
{
    static bool watched;
    struct module *module = &the_module;
    if (atomic_load(&owner) == getpid())
        return CKR_CRYPTOKI_ALREADY_INITIALIZED;
    if (atomic_load(&owner) != 0)
        forget_inherited();
    CK_RV rv = make_locks(args);
    if (rv != CKR_OK) {
        wipe_locks();
        return rv;
    }
    err_reset(&call.err);
    if (!watched)
        watch_forks();
    watched = true;
    log_open("jpki-pkcs11", LOG_WARNING); /* what is wrong with the settings is always told */
    settings_load(&module->settings);
    module->kinds = module_kinds & module->settings.kinds;
    if (!module->kinds)
        module->kinds = module_kinds;
    enum rc rc = crypto_open();
    if (!rc)
        rc = open_transport(module);
    if (rc) {
        if (call.err.rc)
            log_error("%s", call.err.text);
        crypto_close();
        wipe_locks();
        return rc == RC_NOMEM ? CKR_HOST_MEMORY : CKR_GENERAL_ERROR;
    }
    log_open("jpki-pkcs11", (enum log_level)module->settings.log);
    slot_refresh(module);
    for (size_t i = 0; i < module->reader_count; i++) /* what was there before is no event */
        for (enum token_kind kind = TOKEN_AUTH; kind < TOKEN_KINDS; kind++)
            module->readers[i].tokens[kind].event = false;
    atomic_store(&owner, getpid());
    return CKR_OK;
}

CK_RV module_open(const CK_C_INITIALIZE_ARGS *args)
{
    if (pthread_mutex_lock(&gate))
        return CKR_CANT_LOCK;
    CK_RV rv = open_all(args);
    pthread_mutex_unlock(&gate);
    return rv;
}

/* A cancellation that comes between a waiter's look and its wait is lost: so it is said again until all have left. */
static void end_waits(struct module *module)
{
    pthread_mutex_lock(&wait_gate);
    stopping = true;
    while (waiters) {
        struct timespec until;
        transport_cancel(module->transport);
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 20 * 1000 * 1000;
        if (until.tv_nsec >= 1000 * 1000 * 1000) {
            until.tv_sec++;
            until.tv_nsec -= 1000 * 1000 * 1000;
        }
        (void)pthread_cond_timedwait(&wait_left, &wait_gate, &until);
    }
    stopping = false;
    pthread_mutex_unlock(&wait_gate);
}

/* Waits for the calls that work with a card, and forgets the card. */
static void close_readers(struct module *module)
{
    for (size_t i = 0; i < module->reader_count; i++) {
        module_pause();
        bool taken = locking_take(&reader_locks[i]) == CKR_OK;
        module_resume();
        reader_forget(&module->readers[i], READER_EMPTY);
        if (taken)
            locking_give(&reader_locks[i]);
    }
}

CK_RV module_close(void)
{
    struct module *module;
    if (pthread_mutex_lock(&gate))
        return CKR_CANT_LOCK;
    CK_RV rv = module_enter(&module);
    if (rv == CKR_OK) {
        atomic_store(&owner, 0); /* from here on nobody else comes in, and a waiter finds the door closed */
        end_waits(module);
        close_readers(module);
        session_wipe_table(&module->sessions);
        transport_close(module->transport);
        crypto_leave();
        crypto_close();
        CK_ULONG epoch = module->epoch;
        CK_SESSION_HANDLE last = module->sessions.last;
        memset(module, 0, sizeof(*module));
        module->epoch = epoch; /* handles of before stay invalid */
        module->sessions.last = last;
        give_lock();
        wipe_locks();
    }
    pthread_mutex_unlock(&gate);
    return rv;
}

bool module_has_official_labels(const struct module *module)
{
    return module->settings.official_labels && (module->kinds & (module->kinds - 1)) == 0;
}

bool module_always_authenticates(const struct module *module, enum token_kind kind)
{
    return module->settings.always_authenticate && kind == TOKEN_SIGN;
}

CK_ULONG module_draw_epoch(struct module *module)
{
    return ++module->epoch;
}

static enum rc wait_outside(struct transport *transport, const struct transport_reader *known, size_t count)
{
    pthread_mutex_lock(&wait_turn);
    pthread_mutex_lock(&wait_gate);
    bool stop = stopping;
    pthread_mutex_unlock(&wait_gate);
    enum rc rc = stop ? RC_INTERRUPTED : transport_wait(transport, known, count, -1, NULL);
    if (rc == RC_UNREACHABLE) { /* no PC/SC service: it may come */
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec++;
        pthread_mutex_lock(&wait_gate);
        if (!stopping)
            (void)pthread_cond_timedwait(&wait_left, &wait_gate, &until);
        pthread_mutex_unlock(&wait_gate);
    }
    pthread_mutex_unlock(&wait_turn);
    return rc;
}

CK_RV module_wait(struct module *module)
{
    struct transport_reader known[MODULE_READERS_MAX];
    struct transport *transport = module->transport;
    size_t count = 0;
    for (size_t i = 0; i < module->reader_count; i++)
        if (module->readers[i].listed)
            known[count++] = module->readers[i].known;
    pthread_mutex_lock(&wait_gate);
    waiters++;
    pthread_mutex_unlock(&wait_gate);
    (void)module_leave(module, CKR_OK);
    enum rc rc = wait_outside(transport, known, count);
    pthread_mutex_lock(&wait_gate);
    waiters--;
    pthread_cond_broadcast(&wait_left);
    bool stop = stopping;
    pthread_mutex_unlock(&wait_gate);
    if (stop) /* the lock is C_Finalize's, and about to go */
        return CKR_CRYPTOKI_NOT_INITIALIZED;
    CK_RV rv = module_enter(&module);
    if (rv == CKR_OK && rc == RC_UNSUPPORTED)
        return module_leave(module, CKR_FUNCTION_NOT_SUPPORTED);
    return rv;
}

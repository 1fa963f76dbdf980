/* rows_process.c — threads, fork, other processes, and waits that somebody ends. */
#include "conformance.h"

#include "support/ckr_name.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

static CK_RV sign_once(struct conform *c, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, struct prepared *prepared,
                       unsigned char *signature, CK_ULONG *len)
{
    CK_RV rv = c->p11->C_SignInit(session, &prepared->mechanism, key);
    return rv == CKR_OK ? c->p11->C_Sign(session, prepared->data, prepared->len, signature, len) : rv;
}

static void not_always(struct conform *c, CK_OBJECT_HANDLE key)
{
    if (conform_number(c, c->session, key, CKA_ALWAYS_AUTHENTICATE, "CKA_ALWAYS_AUTHENTICATE"))
        conform_skip("CKA_ALWAYS_AUTHENTICATE: each signature has a login of its own");
}

/* Makes a signature in this process with whatever session it has, and judges it. */
static void sign_and_judge(struct conform *c)
{
    unsigned char signature[1024];
    CK_ULONG len = sizeof signature;
    struct prepared prepared;
    CK_OBJECT_HANDLE key = conform_key(c);
    not_always(c, key);
    const struct mechanism *mechanism = conform_simplest(c, key);
    EVP_PKEY *public = conform_public(c, c->session, key);
    conform_prepare(mechanism, public, &prepared);
    want_rv(sign_once(c, c->session, key, &prepared, signature, &len), "signing", CKR_OK);
    want(conform_verifies(mechanism, public, &prepared, signature, len), "the signature is wrong");
    EVP_PKEY_free(public);
}

/* --- fork
 * -------------------------------------------------------------------------------------------------------------------
 */

static void child_starts(struct conform *c)
{
    CK_RV rv = c->p11->C_Initialize(NULL);
    want(rv == CKR_OK, "C_Initialize in a child: %s", ckr_name(rv));
    conform_again(c);
    CK_SESSION_HANDLE session = conform_open(c, 0);
    want(conform_state(c, session) == CKS_RO_PUBLIC_SESSION, "the parent's login is the child's");
    want_rv(c->p11->C_Finalize(NULL), "C_Finalize in a child", CKR_OK);
}

static void fork_starts_anew(struct conform *c)
{
    conform_children(c, "a child that initialises", child_starts, NULL);
    sign_and_judge(c); /* the parent did not notice */
}

static void child_uses(struct conform *c)
{
    CK_SESSION_INFO info;
    CK_RV rv = c->p11->C_GetSessionInfo(c->session, &info);
    want_rv(rv, "C_GetSessionInfo in a child that did not initialise", CKR_CRYPTOKI_NOT_INITIALIZED,
            CKR_SESSION_HANDLE_INVALID, CKR_DEVICE_REMOVED, CKR_SESSION_CLOSED);
}

/* A fork safe interface says that it stands this; another must not hand a child what is the parent's. */
static void fork_without_start(struct conform *c)
{
    CK_C_GetInterface get = NULL;
    CK_INTERFACE *chosen = NULL;
    *(void **)&get = dlsym(c->library, "C_GetInterface");
    if (get && get(NULL, NULL, &chosen, CKF_INTERFACE_FORK_SAFE) == CKR_OK && chosen->flags & CKF_INTERFACE_FORK_SAFE)
        conform_skip("the module says that it is fork safe");
    conform_children(c, "a child that does not initialise", child_uses, NULL);
}

/* --- processes and threads
 * ---------------------------------------------------------------------------------------------------- */

/* Waits until the other process has logged in, does the same and signs. */
static void second_process(struct conform *c)
{
    char go;
    want(read(c->gate, &go, 1) == 1, "the first process ended");
    conform_initialize(c);
    conform_again(c);
    c->session = conform_open(c, 0);
    want(conform_find_class(c, c->session, CKO_PRIVATE_KEY).count == 0,
         "another process's login shows private objects here");
    conform_login(c, c->session);
    sign_and_judge(c);
    want_rv(c->p11->C_Finalize(NULL), "C_Finalize", CKR_OK);
}

static void first_process(struct conform *c)
{
    conform_initialize(c);
    conform_again(c);
    c->session = conform_open(c, 0);
    conform_login(c, c->session);
}

static void two_processes(struct conform *c)
{
    want_rv(c->p11->C_Finalize(NULL), "C_Finalize", CKR_OK); /* nothing is to be inherited: that is another row */
    conform_children(c, "the second process", second_process, first_process);
    sign_and_judge(c);
}

enum { THREADS = 6, TIMES = 3 };

struct thread {
    struct conform *c;
    CK_OBJECT_HANDLE key;
    const struct mechanism *mechanism;
    EVP_PKEY *public;
    CK_RV rv;
    bool wrong;
};

static void *sign_many(void *context)
{
    struct thread *t = context;
    CK_SESSION_HANDLE session = 0;
    t->rv = t->c->p11->C_OpenSession(t->c->slot, CKF_SERIAL_SESSION, NULL, NULL, &session);
    for (int i = 0; i < TIMES && t->rv == CKR_OK; i++) {
        unsigned char signature[1024];
        CK_ULONG len = sizeof signature;
        struct prepared prepared;
        conform_prepare(t->mechanism, t->public, &prepared);
        t->rv = sign_once(t->c, session, t->key, &prepared, signature, &len);
        t->wrong |= t->rv == CKR_OK && !conform_verifies(t->mechanism, t->public, &prepared, signature, len);
    }
    if (t->rv == CKR_OK)
        t->rv = t->c->p11->C_CloseSession(session);
    return NULL;
}

static void threads(struct conform *c)
{
    CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
    pthread_t ids[THREADS];
    struct thread work[THREADS];
    want_rv(c->p11->C_Finalize(NULL), "C_Finalize", CKR_OK);
    CK_RV rv = c->p11->C_Initialize(&args);
    if (rv == CKR_CANT_LOCK)
        conform_skip("CKF_OS_LOCKING_OK: CKR_CANT_LOCK");
    want_rv(rv, "C_Initialize with CKF_OS_LOCKING_OK", CKR_OK);
    conform_again(c);
    c->session = conform_open(c, 0);
    conform_login(c, c->session);
    CK_OBJECT_HANDLE key = conform_key(c);
    not_always(c, key);
    const struct mechanism *mechanism = conform_simplest(c, key);
    EVP_PKEY *public = conform_public(c, c->session, key);
    for (size_t i = 0; i < THREADS; i++) {
        work[i] = (struct thread){ c, key, mechanism, public, CKR_OK, false };
        want(pthread_create(&ids[i], NULL, sign_many, &work[i]) == 0, "no thread");
    }
    for (size_t i = 0; i < THREADS; i++)
        (void)pthread_join(ids[i], NULL);
    for (size_t i = 0; i < THREADS; i++) {
        want(work[i].rv == CKR_OK, "a thread: %s", ckr_name(work[i].rv));
        want(!work[i].wrong, "a thread's signature is wrong");
    }
    EVP_PKEY_free(public);
}

static void *wait_for_event(void *context)
{
    struct thread *t = context;
    CK_SLOT_ID slot = 0;
    do
        t->rv = t->c->p11->C_WaitForSlotEvent(0, &slot, NULL);
    while (t->rv == CKR_OK); /* what is there already may be an event */
    return NULL;
}

static void finalize_ends_wait(struct conform *c)
{
    CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
    struct thread waiter = { .c = c };
    pthread_t id;
    want_rv(c->p11->C_Initialize(&args), "C_Initialize with CKF_OS_LOCKING_OK", CKR_OK);
    want(pthread_create(&id, NULL, wait_for_event, &waiter) == 0, "no thread");
    (void)usleep(200000);
    want_rv(c->p11->C_Finalize(NULL), "C_Finalize while a thread waits", CKR_OK);
    (void)pthread_join(id, NULL); /* one that never comes is this row's hanging */
    want_rv(waiter.rv, "C_WaitForSlotEvent that C_Finalize ended", CKR_CRYPTOKI_NOT_INITIALIZED);
}

const struct row rows_process[] = {
    { "process.fork", "3.0 §5.4 C_Initialize", "a child can initialise, and does not disturb its parent", ROW_LOGIN, 0,
      fork_starts_anew },
    { "process.fork-unprepared", "3.0 §3.1 CKF_INTERFACE_FORK_SAFE",
      "a child that does not initialise gets no session of its parent's", ROW_LOGIN, 0, fork_without_start },
    { "process.two", "3.0 §4.7", "two processes are logged in and sign", ROW_LOGIN, 0, two_processes },
    { "process.threads", "3.0 §5.4 C_Initialize", "six threads sign side by side", ROW_LOGIN, 0, threads },
    { "process.finalize-ends-wait", "3.0 §5.5 C_WaitForSlotEvent",
      "C_Finalize ends a wait: CKR_CRYPTOKI_NOT_INITIALIZED", ROW_LIBRARY, 0, finalize_ends_wait },
    { 0 },
};

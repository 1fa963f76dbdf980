/* locking.h — a lock under both of Cryptoki's locking models (PKCS#11 §5.4): the operating system's mutexes, or four
 * functions that the application brings. */
#ifndef JPKI_PKCS11_LOCKING_H
#define JPKI_PKCS11_LOCKING_H

#include "pkcs11/cryptoki.h"

#include <pthread.h>

/* Where locks come from. All zero: the operating system. */
struct locking_model {
    CK_CREATEMUTEX create; /* the application's functions, or NULL */
    CK_DESTROYMUTEX destroy;
    CK_LOCKMUTEX lock;
    CK_UNLOCKMUTEX unlock;
};

/* In static memory, made with LOCKING_INIT. The system's mutex is never destroyed, since a thread that comes too late for
 * C_Finalize may still be waiting for it. */
struct locking {
    pthread_mutex_t native;
    struct locking_model model;
    void *mutex; /* the application's */
};

#define LOCKING_INIT { .native = PTHREAD_MUTEX_INITIALIZER }

/* args as C_Initialize got it; NULL (one thread only) is served by the system's mutexes too. CKR_ARGUMENTS_BAD: pReserved
 * is used, or some of the four functions are missing. */
CK_RV locking_choose(const CK_C_INITIALIZE_ARGS *args, struct locking_model *model);

/* CKR_CANT_LOCK, CKR_HOST_MEMORY: as the application's function says. */
CK_RV locking_init(struct locking *locking, const struct locking_model *model);
void locking_wipe(struct locking *locking);

CK_RV locking_take(struct locking *locking);
void locking_give(struct locking *locking);

/* In the child after fork(2), where another thread's hold was inherited and the thread was not; the application's mutex is left
 * alone. */
void locking_reset(struct locking *locking);

#endif

/* locking.h — the module's one lock, under both of Cryptoki's locking models (PKCS#11 §5.4): the operating system's
 * mutexes, or four functions that the application brings. */
#ifndef JPKI_PKCS11_LOCKING_H
#define JPKI_PKCS11_LOCKING_H

#include "pkcs11/cryptoki.h"

/* In the caller's memory. All zero: the system's mutex, of which there is one that is never destroyed, since a thread that
 * comes too late for C_Finalize may still be waiting for it. */
struct locking {
    CK_LOCKMUTEX lock; /* the application's functions, or NULL */
    CK_UNLOCKMUTEX unlock;
    CK_DESTROYMUTEX destroy;
    void *mutex; /* the application's */
};

/* args as C_Initialize got it; NULL (one thread only) is served by the system's mutexes too. CKR_ARGUMENTS_BAD: pReserved
 * is used, or some of the four functions are missing. CKR_CANT_LOCK, CKR_HOST_MEMORY … as the application's function
 * says. */
CK_RV locking_init(struct locking *locking, const CK_C_INITIALIZE_ARGS *args);
void locking_wipe(struct locking *locking);

CK_RV locking_take(struct locking *locking);
void locking_give(struct locking *locking);

/* In the child after fork(2), where another thread's hold was inherited and the thread was not. */
void locking_reset(void);

#endif

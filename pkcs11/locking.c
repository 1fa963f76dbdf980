/* locking.c — one mutex, the system's or the application's. Which calls hold it is the module's to say. */
#include "pkcs11/locking.h"

#include <pthread.h>
#include <string.h>

static pthread_mutex_t native = PTHREAD_MUTEX_INITIALIZER;

CK_RV locking_init(struct locking *locking, const CK_C_INITIALIZE_ARGS *args)
{
    memset(locking, 0, sizeof(*locking));
    if (args) {
        int given = (args->CreateMutex != NULL) + (args->DestroyMutex != NULL) + (args->LockMutex != NULL)
            + (args->UnlockMutex != NULL);
        if (args->pReserved || (given != 0 && given != 4))
            return CKR_ARGUMENTS_BAD;
        if (given == 4 && !(args->flags & CKF_OS_LOCKING_OK)) {
            CK_RV rv = args->CreateMutex(&locking->mutex);
            if (rv != CKR_OK)
                return rv == CKR_HOST_MEMORY ? rv : CKR_CANT_LOCK;
            locking->lock = args->LockMutex;
            locking->unlock = args->UnlockMutex;
            locking->destroy = args->DestroyMutex;
            return CKR_OK;
        }
    }
    return CKR_OK;
}

void locking_wipe(struct locking *locking)
{
    if (locking->destroy)
        (void)locking->destroy(locking->mutex);
    memset(locking, 0, sizeof(*locking));
}

CK_RV locking_take(struct locking *locking)
{
    if (locking->lock)
        return locking->lock(locking->mutex) == CKR_OK ? CKR_OK : CKR_CANT_LOCK;
    return pthread_mutex_lock(&native) ? CKR_CANT_LOCK : CKR_OK;
}

void locking_give(struct locking *locking)
{
    if (locking->unlock)
        (void)locking->unlock(locking->mutex);
    else
        (void)pthread_mutex_unlock(&native);
}

void locking_reset(void)
{
    pthread_mutex_t fresh = PTHREAD_MUTEX_INITIALIZER;
    native = fresh;
}

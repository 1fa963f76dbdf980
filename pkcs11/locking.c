/* locking.c — a mutex, the system's or the application's. Which calls hold which is the module's to say. */
#include "pkcs11/locking.h"

CK_RV locking_choose(const CK_C_INITIALIZE_ARGS *args, struct locking_model *model)
{
    *model = (struct locking_model) { 0 };
    if (!args)
        return CKR_OK;
    int given = (args->CreateMutex != NULL) + (args->DestroyMutex != NULL) + (args->LockMutex != NULL)
        + (args->UnlockMutex != NULL);
    if (args->pReserved || (given != 0 && given != 4))
        return CKR_ARGUMENTS_BAD;
    if (given == 4 && !(args->flags & CKF_OS_LOCKING_OK))
        *model = (struct locking_model) { args->CreateMutex, args->DestroyMutex, args->LockMutex, args->UnlockMutex };
    return CKR_OK;
}

CK_RV locking_init(struct locking *locking, const struct locking_model *model)
{
    locking->mutex = NULL;
    CK_RV rv = model->create ? model->create(&locking->mutex) : CKR_OK;
    if (rv != CKR_OK)
        return rv == CKR_HOST_MEMORY ? rv : CKR_CANT_LOCK;
    locking->model = *model;
    return CKR_OK;
}

void locking_wipe(struct locking *locking)
{
    if (locking->model.destroy)
        (void)locking->model.destroy(locking->mutex);
    locking->model = (struct locking_model) { 0 };
    locking->mutex = NULL;
}

CK_RV locking_take(struct locking *locking)
{
    if (locking->model.lock)
        return locking->model.lock(locking->mutex) == CKR_OK ? CKR_OK : CKR_CANT_LOCK;
    return pthread_mutex_lock(&locking->native) ? CKR_CANT_LOCK : CKR_OK;
}

void locking_give(struct locking *locking)
{
    if (locking->model.unlock)
        (void)locking->model.unlock(locking->mutex);
    else
        (void)pthread_mutex_unlock(&locking->native);
}

void locking_reset(struct locking *locking)
{
    pthread_mutex_t fresh = PTHREAD_MUTEX_INITIALIZER;
    locking->native = fresh;
    locking->model = (struct locking_model) { 0 };
    locking->mutex = NULL;
}

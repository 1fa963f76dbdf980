/* crypto.c — the module's own OpenSSL library context. */
#include "pkcs11/crypto.h"

#include <openssl/err.h>

static OSSL_LIB_CTX *own;

enum rc crypto_open(void)
{
    if (!own)
        own = OSSL_LIB_CTX_new();
    return own ? RC_OK : RC_NOMEM;
}

void crypto_close(void)
{
    OSSL_LIB_CTX_free(own);
    own = NULL;
}

void crypto_forget(void)
{
    own = NULL;
}

OSSL_LIB_CTX *crypto_context(void)
{
    return own;
}

void crypto_enter(void)
{
    (void)ERR_set_mark();
}

void crypto_leave(void)
{
    (void)ERR_pop_to_mark();
}

/* crypto.h — OpenSSL for the module alone. The application may use OpenSSL too, configured so that it comes back to this
 * very module (an engine, a provider): the module's own digests and verifications run in a library context of their own,
 * which reads no configuration, and leave no error behind in the application's queue. */
#ifndef JPKI_PKCS11_CRYPTO_H
#define JPKI_PKCS11_CRYPTO_H

#include "base/rc.h"

#include <openssl/crypto.h>

enum rc crypto_open(void) MUST_CHECK; /* RC_NOMEM */
void crypto_close(void);
void crypto_forget(void); /* after fork(2): what was inherited is left alone */

OSSL_LIB_CTX *crypto_context(void); /* borrowed until crypto_close */

/* Around every call of the module. */
void crypto_enter(void);
void crypto_leave(void);

#endif

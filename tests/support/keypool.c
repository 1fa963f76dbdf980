/* keypool.c — RSA-2048 keys made once and handed out in turn. The linker puts __wrap_EVP_PKEY_Q_keygen in the place of
 * OpenSSL's. */
#include "keypool.h"

#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

static EVP_PKEY *keys[KEYPOOL_KEYS];
static atomic_uint *drawn; /* shared with forked processes: what a killed one drew is not drawn by the next */

EVP_PKEY *__real_EVP_PKEY_Q_keygen(OSSL_LIB_CTX *library, const char *properties, const char *type, ...);
EVP_PKEY *__wrap_EVP_PKEY_Q_keygen(OSSL_LIB_CTX *library, const char *properties, const char *type, ...);

void keypool_fill(void)
{
    drawn = mmap(NULL, sizeof *drawn, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(drawn, MAP_FAILED);
    for (size_t i = 0; i < KEYPOOL_KEYS; i++) {
        keys[i] = __real_EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
        assert_non_null(keys[i]);
    }
}

void keypool_free(void)
{
    for (size_t i = 0; i < KEYPOOL_KEYS; i++) {
        EVP_PKEY_free(keys[i]);
        keys[i] = NULL;
    }
    munmap(drawn, sizeof *drawn);
    drawn = NULL;
}

/* What follows the type is a length for RSA and a curve's name for EC, as OpenSSL's own macros pass them; other types
 * have nothing. */
EVP_PKEY *__wrap_EVP_PKEY_Q_keygen(OSSL_LIB_CTX *library, const char *properties, const char *type, ...)
{
    EVP_PKEY *key;
    va_list more;
    va_start(more, type);
    if (strcmp(type, "RSA") == 0) {
        size_t bits = va_arg(more, size_t);
        key = bits == 2048 && drawn ? EVP_PKEY_dup(keys[atomic_fetch_add(drawn, 1) % KEYPOOL_KEYS])
                                    : __real_EVP_PKEY_Q_keygen(library, properties, type, bits);
    } else if (strcmp(type, "EC") == 0) {
        key = __real_EVP_PKEY_Q_keygen(library, properties, type, va_arg(more, char *));
    } else {
        key = __real_EVP_PKEY_Q_keygen(library, properties, type);
    }
    va_end(more);
    return key;
}

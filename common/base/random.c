/* random.c — unpredictable bytes from the kernel. */
#include "base/random.h"

#include <errno.h>
#include <stdint.h>
#include <sys/random.h>

enum rc random_bytes(void *out, size_t len)
{
    uint8_t *at = out;
    while (len) {
        ssize_t n = getrandom(at, len > 256 ? 256 : len, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return RC_IO;
        at += n;
        len -= (size_t)n;
    }
    return RC_OK;
}

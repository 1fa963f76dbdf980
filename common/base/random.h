/* random.h — unpredictable bytes from the kernel. */
#ifndef JPKI_BASE_RANDOM_H
#define JPKI_BASE_RANDOM_H

#include "base/rc.h"

#include <stddef.h>

/* getrandom(2). RC_IO when the kernel has none: never weaker bytes instead. */
enum rc random_bytes(void *out, size_t len) MUST_CHECK;

#endif

/* fault.c — sudden death at a named point, for tests. */
#include "base/fault.h"

#ifdef JPKI_FAULTS
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void fault_point(const char *name)
{
    static atomic_int passes;
    const char *wanted = getenv("JPKI_FAULT");
    size_t len = strlen(name);
    if (!wanted || strncmp(wanted, name, len) != 0 || (wanted[len] && wanted[len] != ':'))
        return;
    int nth = wanted[len] == ':' ? atoi(wanted + len + 1) : 1;
    if (atomic_fetch_add(&passes, 1) + 1 == nth)
        kill(getpid(), SIGKILL);
}
#endif

/* ISO C wants a declaration in every translation unit. */
typedef int fault_unit_is_not_empty;

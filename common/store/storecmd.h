/* storecmd.h — the `store` command of the programs that keep a store: backup, restore, copy, check. */
#ifndef JPKI_STORE_STORECMD_H
#define JPKI_STORE_STORECMD_H

#include "base/err.h"
#include "base/opt.h"
#include "store/store.h"

#include <stddef.h>

struct storecmd {
    const char *program; /* "jpki-registry" */
    const char *const *migrations;
    size_t count;
    const char *option, *argument, *help; /* how a store is named: "--store", "URL", … */
    /* What stands there as a URL on the heap; NULL: it is one. */
    enum rc (*url)(const char *named, char **url, struct err *err);
    const struct command *more; /* the program's own, zero row at the end; NULL: none */
    enum rc (*shape)(struct store *from, struct store *to, struct err *err); /* storecopy.h; NULL: nothing */
};

/* argv[0] is "store". Returns an exit status. */
int storecmd_run(const struct storecmd *cmd, int argc, char **argv);

#endif

/* scratch.h — removing a test's own folder, without a shell and never anything else: a command line that is cut short
 * would be another folder. Header only, so that every test can have it. */
#ifndef JPKI_TESTS_SUPPORT_SCRATCH_H
#define JPKI_TESTS_SUPPORT_SCRATCH_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline int scratch_remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st;
    (void)kind;
    (void)where;
    return remove(path);
}

/* Removes the folder and what is in it; links are removed, not followed. Ends the process when the path is not that of a
 * folder made by mkdtemp: "/tmp/", a name, and six characters that are its own. Returns 0 when it is gone. */
static inline int scratch_remove(const char *folder)
{
    static const char prefix[] = "/tmp/";
    if (!folder || strncmp(folder, prefix, sizeof prefix - 1) != 0 || strlen(folder) < sizeof prefix - 1 + 9 ||
        strchr(folder + sizeof prefix - 1, '/')) {
        fprintf(stderr, "scratch_remove: '%s' is not a folder of a test\n", folder ? folder : "(null)");
        abort();
    }
    return nftw(folder, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

#endif

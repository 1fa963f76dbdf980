/* scratch.h — removing a test's own folder, without a shell and never anything else: a command line that is cut short
 * would be another folder. Header only, so that every test can have it. */
#ifndef JPKI_TESTS_SUPPORT_SCRATCH_H
#define JPKI_TESTS_SUPPORT_SCRATCH_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where to make it: in memory where there is such a folder, for a test that writes much and does not try what a disk does. */
static inline const char *scratch_fast(void)
{
    return access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
}

static inline int scratch_remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
    (void)st;
    (void)kind;
    (void)where;
    return remove(path);
}

/* Removes the folder and what is in it; links are removed, not followed. Ends the process when the path is not that of a
 * folder made by mkdtemp: "/tmp/" or "/dev/shm/", a name, and six characters that are its own. Returns 0 when it is gone. */
static inline int scratch_remove(const char *folder)
{
    static const char *const places[] = { "/tmp/", "/dev/shm/" };
    for (size_t i = 0; folder && i < 2; i++) {
        size_t len = strlen(places[i]);
        if (strncmp(folder, places[i], len) == 0 && strlen(folder) >= len + 9 && !strchr(folder + len, '/'))
            return nftw(folder, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
    }
    fprintf(stderr, "scratch_remove: '%s' is not a folder of a test\n", folder ? folder : "(null)");
    abort();
}

#endif

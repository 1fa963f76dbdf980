/* runtime.c — the shared folder. A folder that others could write, or own, is not used. */
#include "pkcs11/runtime.h"

#include "base/log.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Makes the folder if it is missing; a descriptor of it when it is a folder, this user's, and closed to others. */
static int open_folder(const char *path)
{
    struct stat st;
    if (mkdir(path, 0700) < 0 && access(path, F_OK) < 0)
        return -1;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && (fstat(fd, &st) < 0 || st.st_uid != geteuid() || (st.st_mode & 077))) {
        close(fd);
        return -1;
    }
    return fd;
}

static int find_folder(void)
{
    char path[4096];
    const char *base = secure_getenv("XDG_RUNTIME_DIR");
    int fd = -1, n = 0;
    if (base && base[0] == '/' && (n = snprintf(path, sizeof(path), "%s/open-jpki", base)) > 0 && (size_t)n < sizeof(path))
        fd = open_folder(path);
    if (fd < 0) {
        (void)snprintf(path, sizeof(path), "/run/user/%lu/open-jpki", (unsigned long)geteuid());
        fd = open_folder(path);
    }
    if (fd < 0) {
        (void)snprintf(path, sizeof(path), "/tmp/open-jpki-%lu", (unsigned long)geteuid());
        fd = open_folder(path);
    }
    return fd;
}

int runtime_open(const char *name)
{
    int folder = find_folder();
    if (folder < 0)
        return -1;
    int fd = openat(folder, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    close(folder);
    if (fd >= 0 && flock(fd, LOCK_EX) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

bool runtime_read(int fd, void *to, size_t len)
{
    struct stat st;
    return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() && (size_t)st.st_size == len
        && pread(fd, to, len, 0) == (ssize_t)len;
}

/* One write of less than a page: a process that is killed leaves the old content or the new one. */
void runtime_close(int fd, const void *content, size_t len)
{
    if (fd < 0)
        return;
    bool whole = !content || (pwrite(fd, content, len, 0) == (ssize_t)len && ftruncate(fd, (off_t)len) == 0);
    if (!whole && ftruncate(fd, 0) < 0) /* rather nothing than a half, which has another length */
        log_warning("what processes of this user share cannot be written");
    close(fd);
}

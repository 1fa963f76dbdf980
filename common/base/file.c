/* file.c — whole files. */
#include "base/file.h"

#include "base/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum rc file_read(const char *path, struct buf *out, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set_errno(err, errno == ENOENT ? RC_NOT_FOUND : RC_IO, "%s", path);
    size_t start = out->len;
    enum rc rc = RC_OK;
    uint8_t block[16384];
    for (;;) {
        ssize_t n = read(fd, block, sizeof block);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            rc = err_set_errno(err, RC_IO, "%s", path);
        if (n <= 0)
            break;
        rc = buf_append(out, block, (size_t)n);
        if (rc) {
            err_set(err, rc, "%s: %s", path, rc == RC_RANGE ? "the file is too large" : rc_text(rc));
            break;
        }
    }
    explicit_bzero(block, sizeof block);
    close(fd);
    if (rc)
        buf_truncate(out, start);
    return rc;
}

static enum rc file_write_all(int fd, struct bytes content)
{
    while (content.len) {
        ssize_t n = write(fd, content.data, content.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return RC_IO;
        content.data += n;
        content.len -= (size_t)n;
    }
    return fsync(fd) == 0 ? RC_OK : RC_IO;
}

static enum rc file_sync_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
    if (!folder)
        return RC_NOMEM;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(folder);
    if (fd < 0)
        return RC_IO;
    int failed = fsync(fd);
    close(fd);
    return failed ? RC_IO : RC_OK;
}

/* Both public writers: only the last step, rename or link, differs. */
static enum rc file_place(const char *path, struct bytes content, mode_t mode, bool replace, struct err *err)
{
    char *temporary = NULL;
    if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
        return RC_NOMEM;
    enum rc rc = RC_OK;
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) {
        rc = err_set_errno(err, RC_IO, "%s", path);
        goto out;
    }
    if (fchmod(fd, mode) != 0 || file_write_all(fd, content) != RC_OK)
        rc = err_set_errno(err, RC_IO, "%s", path);
    close(fd);
    fault_point("file.before_place");
    if (rc == RC_OK && replace && rename(temporary, path) != 0)
        rc = err_set_errno(err, RC_IO, "%s", path);
    if (rc == RC_OK && !replace && link(temporary, path) != 0)
        rc = err_set_errno(err, errno == EEXIST ? RC_EXISTS : RC_IO, "%s", path);
    if (rc || !replace)
        unlink(temporary);
    if (rc == RC_OK && file_sync_folder(path) != RC_OK)
        rc = err_set_errno(err, RC_IO, "%s: folder", path);
out:
    free(temporary);
    return rc;
}

enum rc file_write_atomic(const char *path, struct bytes content, mode_t mode, struct err *err)
{
    return file_place(path, content, mode, true, err);
}

enum rc file_create(const char *path, struct bytes content, mode_t mode, struct err *err)
{
    return file_place(path, content, mode, false, err);
}

enum rc file_make_folder(const char *path, mode_t mode, struct err *err)
{
    char *walk = strdup(path);
    if (!walk)
        return RC_NOMEM;
    enum rc rc = RC_OK;
    for (char *at = walk + 1; rc == RC_OK; at++) {
        if (*at != '/' && *at != '\0')
            continue;
        char end = *at;
        *at = '\0';
        if (mkdir(walk, mode) != 0 && errno != EEXIST)
            rc = err_set_errno(err, RC_IO, "%s", walk);
        *at = end;
        if (!end)
            break;
    }
    struct stat st;
    if (rc == RC_OK && (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)))
        rc = err_set(err, RC_IO, "%s: not a folder", path);
    free(walk);
    return rc;
}

enum rc file_lock(const char *path, int *fd, struct err *err)
{
    int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock < 0)
        return err_set_errno(err, RC_IO, "%s", path);
    if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
        enum rc rc = errno == EWOULDBLOCK ? RC_CONFLICT : RC_IO;
        close(lock);
        return err_set(err, rc, "%s: in use by another process", path);
    }
    *fd = lock;
    return RC_OK;
}

char *file_join(const char *folder, const char *name)
{
    char *joined = NULL;
    return asprintf(&joined, "%s/%s", folder, name) < 0 ? NULL : joined;
}

/* nssdb.c — pkcs11.txt edited. NSS reads it when a program starts and writes it whole when a module is added or removed, so
 * that it is changed only while no program has the database open. */
#include "jpki/nssdb.h"

#include "base/file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIST_SIZE_MAX (1u << 20)

/* One block and where it stands. */
struct block {
    struct bytes whole; /* with the empty line behind it */
    struct bytes library, name;
};

static struct bytes value_of(struct bytes line, const char *key)
{
    size_t len = strlen(key);
    if (line.len < len || memcmp(line.data, key, len) != 0)
        return (struct bytes) { 0 };
    return bytes_of(line.data + len, line.len - len);
}

/* The next block from *at on; false at the end. */
static bool next_block(struct bytes list, size_t *at, struct block *block)
{
    size_t start = *at, end = start;
    *block = (struct block) { 0 };
    if (start >= list.len)
        return false;
    for (bool filled = false; end < list.len;) {
        const uint8_t *from = list.data + end, *newline = memchr(from, '\n', list.len - end);
        struct bytes line = bytes_of(from, newline ? (size_t)(newline - from) : list.len - end);
        end += line.len + (newline != NULL);
        if (line.len == 0 && filled)
            break;
        filled = filled || line.len != 0;
        struct bytes library = value_of(line, "library="), name = value_of(line, "name=");
        if (library.data)
            block->library = library;
        if (name.data)
            block->name = name;
    }
    block->whole = bytes_of(list.data + start, end - start);
    *at = end;
    return true;
}

static bool is_ours(const struct block *block)
{
    size_t len = strlen(NSSDB_LIBRARY);
    struct bytes path = block->library;
    return path.len > len && path.data[path.len - len - 1] == '/' && memcmp(path.data + path.len - len, NSSDB_LIBRARY, len) == 0;
}

static enum rc check_list(struct bytes list, struct err *err)
{
    struct block block;
    size_t at = 0;
    bool internal = false;
    if (list.len && memchr(list.data, 0, list.len))
        return err_set(err, RC_FORMAT, "a NUL byte in the list of modules");
    while (next_block(list, &at, &block))
        internal = internal || block.library.data;
    return internal ? RC_OK : err_set(err, RC_FORMAT, "no list of modules");
}

static enum rc check_library(const char *library, struct err *err)
{
    if (library[0] != '/')
        return err_set(err, RC_USAGE, "'%s' is no absolute path", library);
    for (const char *c = library; *c; c++)
        if (!isgraph((unsigned char)*c) || strchr("\"'\\<>{}()[]", *c))
            return err_set(err, RC_USAGE, "'%s': NSS takes no blanks, quotes or brackets in a module's path", library);
    return RC_OK;
}

static bool equals(struct bytes bytes, const char *text)
{
    return bytes_equal(bytes, bytes_of(text, strlen(text)));
}

/* The blocks that are not ours. */
static enum rc copy_others(struct bytes list, struct buf *out, unsigned *ours)
{
    struct block block;
    size_t at = 0;
    enum rc rc = RC_OK;
    *ours = 0;
    while (!rc && next_block(list, &at, &block)) {
        if (is_ours(&block))
            ++*ours;
        else
            rc = buf_append_bytes(out, block.whole);
    }
    return rc;
}

enum rc nssdb_add(struct bytes list, const char *library, struct buf *out, struct err *err)
{
    struct block block;
    size_t at = 0, start = out->len;
    unsigned ours = 0, same = 0;
    enum rc rc = check_list(list, err);
    if (!rc)
        rc = check_library(library, err);
    if (rc)
        return rc;
    while (next_block(list, &at, &block)) {
        if (!is_ours(&block) && equals(block.name, NSSDB_NAME))
            return err_set(err, RC_CONFLICT, "another module has the name " NSSDB_NAME);
        same += is_ours(&block) && equals(block.library, library);
        ours += is_ours(&block);
    }
    if (ours == 1 && same == 1)
        return RC_EXISTS;
    rc = copy_others(list, out, &ours);
    while (!rc && (out->len - start < 2 || memcmp(out->data + out->len - 2, "\n\n", 2) != 0))
        rc = buf_append(out, "\n", 1);
    if (!rc)
        rc = buf_append(out, "library=", 8);
    if (!rc)
        rc = buf_append(out, library, strlen(library));
    if (!rc)
        rc = buf_append(out, "\nname=" NSSDB_NAME "\n\n", sizeof("\nname=" NSSDB_NAME "\n\n") - 1);
    if (rc)
        buf_truncate(out, start);
    return rc;
}

enum rc nssdb_remove(struct bytes list, struct buf *out, struct err *err)
{
    size_t start = out->len;
    unsigned ours = 0;
    enum rc rc = check_list(list, err);
    if (rc)
        return rc;
    rc = copy_others(list, out, &ours);
    if (!rc && !ours)
        rc = RC_NOT_FOUND;
    if (rc)
        buf_truncate(out, start);
    return rc;
}

/* --- who uses it --------------------------------------------------------------------------------------------------------- */

enum rc nssdb_check_mark(const char *path, struct err *err)
{
    char target[256];
    ssize_t len = readlink(path, target, sizeof(target) - 1);
    if (len <= 0)
        return RC_OK;
    target[len] = '\0';
    size_t digits = (size_t)len;
    while (digits && isdigit((unsigned char)target[digits - 1]))
        digits--;
    long pid = strtol(target + digits, NULL, 10);
    if (pid <= 1 || pid > 1 << 30 || (kill((pid_t)pid, 0) && errno == ESRCH))
        return RC_OK; /* left over */
    return err_set(err, RC_CONFLICT, "in use by process %ld (%s): close the browser first", pid, path);
}

static enum rc check_lock(const char *folder, const char *name, struct err *err)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    char *path = file_join(folder, name);
    if (!path)
        return RC_NOMEM;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    enum rc rc = RC_OK;
    if (fd >= 0 && fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK)
        rc = err_set(err, RC_CONFLICT, "in use by process %ld (a lock on %s): close the program first", (long)lock.l_pid, path);
    if (fd >= 0)
        close(fd);
    free(path);
    return rc;
}

enum rc nssdb_check_unused(const char *folder, struct err *err)
{
    static const char *const locks[] = { ".parentlock", "cert9.db", "key4.db" };
    char *mark = file_join(folder, "lock");
    if (!mark)
        return RC_NOMEM;
    enum rc rc = nssdb_check_mark(mark, err);
    for (size_t i = 0; i < sizeof(locks) / sizeof(locks[0]) && !rc; i++)
        rc = check_lock(folder, locks[i], err);
    free(mark);
    return rc;
}

/* --- the file ------------------------------------------------------------------------------------------------------------ */

/* Looks once more: whoever wrote in between is not overwritten. */
static enum rc replace(const char *path, struct bytes before, struct bytes after, mode_t mode, struct err *err)
{
    struct buf now;
    char backup[4096];
    buf_init(&now, LIST_SIZE_MAX);
    int len = snprintf(backup, sizeof(backup), "%s.before-open-jpki", path);
    enum rc rc = len < 0 || (size_t)len >= sizeof(backup) ? err_set(err, RC_RANGE, "%s: too long", path) : RC_OK;
    if (!rc)
        rc = file_write_atomic(backup, before, mode, err);
    if (!rc)
        rc = file_read(path, &now, err);
    if (!rc && !bytes_equal(buf_bytes(&now), before))
        rc = err_set(err, RC_CONFLICT, "%s was changed just now by another program; try again", path);
    if (!rc)
        rc = file_write_atomic(path, after, mode, err);
    buf_wipe(&now);
    return rc;
}

enum rc nssdb_change(const char *folder, enum nssdb_change change, const char *library, bool dry, struct err *err)
{
    char real[4096];
    struct buf before, after;
    struct stat status;
    buf_init(&before, LIST_SIZE_MAX);
    buf_init(&after, LIST_SIZE_MAX + 8192);
    char *path = file_join(folder, "pkcs11.txt");
    enum rc rc = path ? RC_OK : RC_NOMEM;
    if (!rc && !realpath(path, real)) /* a link is kept, what it leads to is changed */
        rc = err_set(err, RC_UNREACHABLE, "%s: no database yet", folder);
    if (!rc && stat(real, &status))
        rc = err_set_errno(err, RC_IO, "%s", real);
    if (!rc)
        rc = file_read(real, &before, err);
    if (!rc && change == NSSDB_ADD)
        rc = nssdb_add(buf_bytes(&before), library, &after, err);
    else if (!rc)
        rc = nssdb_remove(buf_bytes(&before), &after, err);
    if (!rc)
        rc = nssdb_check_unused(folder, err);
    if (!rc && !dry)
        rc = replace(real, buf_bytes(&before), buf_bytes(&after), status.st_mode & 0777, err);
    buf_wipe(&before);
    buf_wipe(&after);
    free(path);
    return rc;
}

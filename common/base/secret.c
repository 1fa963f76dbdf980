/* secret.c — locked pages for PINs and keys. */
#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

enum rc secret_init(struct secret *secret, size_t cap)
{
    if (cap == 0 || cap > SECRET_MAX)
        return RC_RANGE;
    void *page = mmap(NULL, SECRET_MAX, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return RC_NOMEM;
    (void)mlock(page, SECRET_MAX); /* a lower RLIMIT_MEMLOCK is not a reason to refuse a person's PIN */
    (void)madvise(page, SECRET_MAX, MADV_DONTDUMP);
    (void)madvise(page, SECRET_MAX, MADV_WIPEONFORK);
    *secret = (struct secret) { .data = page, .cap = cap };
    return RC_OK;
}

void secret_wipe(struct secret *secret)
{
    if (secret->data) {
        explicit_bzero(secret->data, SECRET_MAX);
        munmap(secret->data, SECRET_MAX);
    }
    *secret = (struct secret) { 0 };
}

enum rc secret_set(struct secret *secret, const void *data, size_t len)
{
    if (len > secret->cap)
        return RC_RANGE;
    explicit_bzero(secret->data, secret->cap);
    if (len)
        memcpy(secret->data, data, len);
    secret->len = len;
    return RC_OK;
}

enum rc secret_dup(struct secret *secret, const void *data, size_t len)
{
    struct secret made = { 0 };
    enum rc rc = secret_init(&made, len ? len : 1);
    if (rc)
        return rc;
    rc = secret_set(&made, data, len);
    if (rc) {
        secret_wipe(&made);
        return rc;
    }
    *secret = made;
    return RC_OK;
}

bool secret_equal(const struct secret *a, const struct secret *b)
{
    if (a->len != b->len)
        return false;
    unsigned difference = 0;
    for (size_t i = 0; i < a->len; i++)
        difference |= (unsigned)(a->data[i] ^ b->data[i]);
    return difference == 0;
}

enum rc secret_read_line(struct secret *secret, int fd)
{
    struct secret line = { 0 };
    enum rc rc = secret_init(&line, SECRET_MAX);
    if (rc)
        return rc;
    bool any = false;
    for (;;) {
        uint8_t byte;
        ssize_t n = read(fd, &byte, 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            rc = RC_IO;
        else if (n == 0 && !any)
            rc = RC_NOT_FOUND;
        if (n <= 0 || byte == '\n')
            break;
        any = true;
        if (line.len == line.cap) {
            rc = RC_RANGE;
            break;
        }
        line.data[line.len++] = byte;
        explicit_bzero(&byte, 1);
    }
    if (rc) {
        secret_wipe(&line);
        return rc;
    }
    *secret = line;
    return RC_OK;
}

enum rc secret_read_file(struct secret *secret, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? RC_NOT_FOUND : RC_IO;
    struct stat st;
    enum rc rc = RC_OK;
    struct secret made = { 0 };
    if (fstat(fd, &st) != 0)
        rc = RC_IO;
    else if (st.st_mode & 077)
        rc = RC_DENIED;
    else
        rc = secret_init(&made, SECRET_MAX);
    while (rc == RC_OK && made.len < made.cap) {
        ssize_t n = read(fd, made.data + made.len, made.cap - made.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            rc = RC_IO;
        if (n <= 0)
            break;
        made.len += (size_t)n;
    }
    uint8_t extra;
    if (rc == RC_OK && made.len == made.cap && read(fd, &extra, 1) > 0)
        rc = RC_RANGE;
    close(fd);
    if (rc) {
        secret_wipe(&made);
        return rc;
    }
    if (made.len && made.data[made.len - 1] == '\n')
        made.len--;
    *secret = made;
    return RC_OK;
}

enum rc secret_prompt(struct secret *secret, const char *prompt)
{
    int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (tty < 0)
        return RC_UNSUPPORTED;
    struct termios before;
    enum rc rc = RC_OK;
    if (tcgetattr(tty, &before) != 0) {
        rc = RC_UNSUPPORTED;
        goto out;
    }
    struct termios silent = before;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    if (tcsetattr(tty, TCSAFLUSH, &silent) != 0) {
        rc = RC_IO;
        goto out;
    }
    if (write(tty, prompt, strlen(prompt)) < 0)
        rc = RC_IO;
    if (rc == RC_OK)
        rc = secret_read_line(secret, tty);
    (void)tcsetattr(tty, TCSAFLUSH, &before);
    if (write(tty, "\n", 1) < 0 && rc == RC_OK) {
        secret_wipe(secret);
        rc = RC_IO;
    }
out:
    close(tty);
    return rc;
}

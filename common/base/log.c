/* log.c — one line an event, written with one write(2) so that lines of several processes do not mix. */
#include "base/log.h"

#include "base/clock.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const names[] = { "error", "warning", "info", "debug" };
static const char *name = "jpki";
static enum log_level limit = LOG_WARNING;
static int out_fd = STDERR_FILENO;

void log_open(const char *program, enum log_level level)
{
    name = program;
    limit = level;
    const char *wanted = getenv("JPKI_LOG");
    for (unsigned i = 0; wanted && i < sizeof names / sizeof names[0]; i++)
        if (strcmp(wanted, names[i]) == 0)
            limit = (enum log_level)i;
}

enum rc log_to_file(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        return RC_IO;
    if (out_fd != STDERR_FILENO)
        close(out_fd);
    out_fd = fd;
    return RC_OK;
}

void log_write(enum log_level level, const char *format, ...)
{
    if (level > limit || level < LOG_ERROR)
        return;
    char line[1024], when[CLOCK_TEXT_SIZE];
    clock_format(clock_now(), when);
    int used = snprintf(line, sizeof line - 1, "%s %s[%d] %s: ", when, name, (int)getpid(), names[level]);
    va_list args;
    va_start(args, format);
    int more = vsnprintf(line + used, sizeof line - 1 - (size_t)used, format, args);
    va_end(args);
    size_t len = (size_t)used + (more > 0 ? (size_t)more : 0);
    if (len > sizeof line - 2)
        len = sizeof line - 2;
    for (size_t i = 0; i < len; i++) /* a peer's text must not forge a second line */
        if ((unsigned char)line[i] < 0x20)
            line[i] = ' ';
    line[len++] = '\n';
    (void)!write(out_fd, line, len);
}

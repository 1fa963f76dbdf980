/* err.c — the error record. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

void err_reset(struct err *err)
{
    if (err) {
        err->rc = RC_OK;
        err->text[0] = '\0';
    }
}

/* The first word stays. Whether this one is it. */
__attribute__((format(printf, 3, 0))) static bool err_write(struct err *err, enum rc rc, const char *format, va_list args)
{
    if (!err || err->rc != RC_OK)
        return false;
    vsnprintf(err->text, sizeof err->text, format, args);
    err->rc = rc;
    return true;
}

enum rc err_set(struct err *err, enum rc rc, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    err_write(err, rc, format, args);
    va_end(args);
    return rc;
}

enum rc err_set_errno(struct err *err, enum rc rc, const char *format, ...)
{
    int saved = errno;
    va_list args;
    va_start(args, format);
    bool first = err_write(err, rc, format, args);
    va_end(args);
    if (first) {
        size_t used = strlen(err->text);
        snprintf(err->text + used, sizeof err->text - used, ": %s", strerror(saved));
    }
    return rc;
}

const char *err_text(const struct err *err, enum rc rc)
{
    return err && err->rc != RC_OK && err->text[0] ? err->text : rc_text(rc);
}

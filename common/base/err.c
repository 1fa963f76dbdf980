/* err.c — the error record. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void err_reset(struct err *err)
{
    if (err) {
        err->rc = RC_OK;
        err->text[0] = '\0';
    }
}

enum rc err_set(struct err *err, enum rc rc, const char *format, ...)
{
    if (!err || err->rc != RC_OK)
        return rc;
    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    err->rc = rc;
    return rc;
}

enum rc err_set_errno(struct err *err, enum rc rc, const char *format, ...)
{
    int saved = errno;
    if (!err || err->rc != RC_OK)
        return rc;
    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    size_t used = strlen(err->text);
    snprintf(err->text + used, sizeof err->text - used, ": %s", strerror(saved));
    err->rc = rc;
    return rc;
}

const char *err_text(const struct err *err, enum rc rc)
{
    return err && err->rc != RC_OK && err->text[0] ? err->text : rc_text(rc);
}

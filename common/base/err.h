/* err.h — an actor's error record: what went wrong, in words that name what and where.
 *
 * The caller owns the record, sets it to zero (or err_reset), and passes it down. The first writer wins: it is the one
 * closest to the cause. A NULL record is allowed everywhere and loses the words, never the rc.
 * No secret and no personal data is ever put into it. */
#ifndef JPKI_BASE_ERR_H
#define JPKI_BASE_ERR_H

#include "base/rc.h"

struct err {
    enum rc rc;
    char text[400]; /* NUL-terminated; cut when longer */
};

void err_reset(struct err *err);

/* Records rc and the words unless a record stands already. Returns rc, so that `return err_set(err, RC_IO, …)` reads
 * well. */
enum rc err_set(struct err *err, enum rc rc, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* As err_set, with ": " and strerror(errno) behind the words. */
enum rc err_set_errno(struct err *err, enum rc rc, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The recorded words, or rc_text(rc) when nothing was recorded. Borrowed until the record changes. */
const char *err_text(const struct err *err, enum rc rc);

#endif

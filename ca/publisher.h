/* publisher.h — the process that puts lists where the world reads them. It holds no key, knows no book, has no network: it
 * reads what is handed over (listplace.h), judges it as a stranger would, compares it with what it published last, and
 * replaces files whole, so that any web server may serve the folder.
 *
 * It refuses a list that is not well-formed, is another authority's, has another scope than its name, a wrong signature, a
 * number or time that goes back, is not yet or no more in force, or loses an entry without proof: the certificate itself,
 * which had ended before the published list was issued. What it refuses stays where it is, and the last list stays up.
 *
 * When a list is overdue it publishes the one that was signed ahead, and says so loudly. */
#ifndef JPKI_CA_PUBLISHER_H
#define JPKI_CA_PUBLISHER_H

#include "base/err.h"

#include <stdbool.h>

struct publisher {
    const char *state;       /* of the authorities */
    const char *config;      /* caconfig.h */
    const char *publication; /* NULL: as founded */
    const char *pid_file;
    bool once;               /* one look, then the end: RC_CONFLICT when something was refused */
};

/* Until proc_stopping, or a list comes by a key that it does not know: whoever keeps it running starts the next one, which
 * knows it (RC_OK). Its own memory of what was published is STATE/publisher. */
enum rc publisher_run(const struct publisher *publisher, struct err *err) MUST_CHECK;

/* One look, in a process of its own (program: see signing_open), with its publication given: for those who sign and wait. */
enum rc publisher_call(const struct publisher *publisher, const char *program, struct err *err) MUST_CHECK;

#endif

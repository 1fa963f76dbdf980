/* ocsp.h — the OCSP responder: a process of its own that reads the book and holds nothing but its own short-lived keys
 * (ocspbox.h). Public HTTP, GET and POST.
 *
 * unknown is what the book does not hold as signed; another issuer's certificate, or two authorities' in one request, is
 * answered `unauthorized` (RFC 5019 §2.2.3), what is no request `malformedRequest`, too much at a time `tryLater`. Answers
 * without a nonce are kept and given again, until the book tells of a revocation, which is looked for ten times a
 * second. */
#ifndef JPKI_CA_OCSP_H
#define JPKI_CA_OCSP_H

#include "base/err.h"

#include <stdint.h>

struct ocsp {
    const char *state;
    const char *bind;
    uint16_t port;
    const char *pid_file; /* written once there is a key and certificate for every authority; may be NULL */
    long lifetime;        /* seconds from thisUpdate to nextUpdate */
    long max_age;         /* seconds for which a cache on the way may give an answer again; half of the lifetime at most */
    long rate;            /* signatures a second, half of them for requests with a nonce */
    long cache;           /* answers kept */
    long threads;
};

/* Serves until proc_stopping; proc_catch_stop was called. Prints "listening on port N". */
enum rc ocsp_run(const struct ocsp *ocsp, struct err *err) MUST_CHECK;

#endif

/* front.h — the network side of the authorities: HTTPS with mutual TLS, CMP, the registry's events, health; and the
 * clock's work beside it (lists that are due, certificates never confirmed). Holds no CA key. */
#ifndef JPKI_CA_FRONT_H
#define JPKI_CA_FRONT_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct route;

struct front {
    const char *program;  /* see signing_open */
    const char *state;    /* folder */
    const char *identity; /* folder; role ca */
    const char *publication; /* NULL: as founded */
    bool no_publisher;    /* somebody else runs it */
    const char *bind;     /* NULL: 127.0.0.1 */
    uint16_t port;        /* 0: any */
    const char *pid_file; /* NULL: none */
};

/* The routes of the intake, a zero row at the end; their context is a struct hall (hall.h). */
const struct route *front_routes(void);

/* Recovers, publishes what is due, serves until a stop signal. Prints "listening on port N" on standard output when
 * ready. proc_catch_stop was called before. */
enum rc front_run(const struct front *front, struct err *err) MUST_CHECK;

#endif

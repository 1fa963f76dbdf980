/* sim_reader.h — the readers that a software card can be put into: vpcd's (as its TCP client) and a Unix socket (as its
 * server), both with vpcd's framing: a length of two bytes, then as many bytes; one byte alone is a control. */
#ifndef JPKI_APPLET_SIM_SIM_READER_H
#define JPKI_APPLET_SIM_SIM_READER_H

#include "applet-sim/sim.h"

struct sim_reader {
    const char *vpcd;   /* "HOST:PORT", NULL for none; borrowed */
    const char *socket; /* path, NULL for none; borrowed; a dead simulator's socket there is replaced */
    const char *trace;  /* path of a file that lines are appended to, NULL for none; borrowed */
    const char *pid_file;
};

/* Serves until a stop is asked for (base/proc.h; proc_catch_stop was called). The pid file is written when the socket
 * listens. A vpcd that is away is called again and again; its going takes the card's power. Clients of the socket
 * share the card as programs share a reader: who spoke last keeps it while it speaks, another's command waits until
 * it has been silent for a fifth of a second. RC_USAGE: an address of no known form; RC_CONFLICT: another simulator
 * serves the socket, or runs with the pid file; RC_IO. */
enum rc sim_reader_run(struct sim *sim, const struct sim_reader *reader, struct err *err) MUST_CHECK;

#endif

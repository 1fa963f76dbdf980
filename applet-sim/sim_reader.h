/* sim_reader.h — the readers that software cards can be put into: vpcd's (as its TCP client) and Unix sockets (as their
 * server), both with vpcd's framing: a length of two bytes, then as many bytes; one byte alone is a control. Several
 * readers in one process, each with a card or empty. */
#ifndef JPKI_APPLET_SIM_SIM_READER_H
#define JPKI_APPLET_SIM_SIM_READER_H

#include "applet-sim/sim.h"
#include "applet-sim/sim_time.h"

#define SIM_SLOTS_MAX 16u

struct sim_slot {
    const char *card;   /* path (sim_store.h), NULL for an empty reader */
    struct sim *sim;    /* or a card that has no file; borrowed */
    const char *vpcd;   /* "HOST:PORT", NULL for none */
    const char *socket; /* path, NULL for none; a dead simulator's socket there is replaced */
};

/* All borrowed until sim_reader_run returns. */
struct sim_reader {
    struct sim_slot slots[SIM_SLOTS_MAX];
    size_t count;
    const char *seal_key; /* of all cards (sim_store.h); NULL: each has its own beside it */
    const char *control; /* path of a socket for sim_control.h, NULL for none */
    const char *trace;   /* path of a file that lines are appended to, NULL for none */
    const char *pid_file;
    const char *plan;            /* what goes wrong (sim_fault.h), counted for each reader by itself; NULL: nothing */
    const struct sim_time *time; /* NULL: no time model */
    bool sleep;                  /* answers really take that time */
};

/* Serves until a stop is asked for (base/proc.h; proc_catch_stop was called). The pid file is written when the sockets
 * listen. A vpcd that is away is called again and again; its going takes the card's power. Clients of a socket share the
 * card as programs share a reader: who spoke last keeps it while it speaks, another's command waits until it has been
 * silent for a fifth of a second. An empty reader's socket does not exist. RC_USAGE: an address of no known form;
 * RC_CONFLICT: another simulator serves a socket, has a card, or runs with the pid file; RC_FORMAT: the plan; RC_IO; what
 * sim_store_open returns. */
enum rc sim_reader_run(const struct sim_reader *reader, struct err *err) MUST_CHECK;

#endif

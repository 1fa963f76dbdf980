/* sim_link.h — the way between a card and whoever talks to it: the time model, the fault plan and the trace stand here,
 * so that they are the same in process, in a script and in every reader. No sockets, no clock (sleeping excepted, when asked for). */
#ifndef JPKI_APPLET_SIM_SIM_LINK_H
#define JPKI_APPLET_SIM_SIM_LINK_H

#include "applet-sim/sim.h"
#include "applet-sim/sim_fault.h"
#include "applet-sim/sim_store.h"
#include "applet-sim/sim_time.h"

#include <stdio.h>

struct sim_link;

struct sim_link_config {
    struct sim_store *store; /* the card; borrowed. NULL: `sim` is one that has no store */
    struct sim *sim;         /* borrowed */
    /* Without a store: opens the card again from what is durable and gives it through *sim (the old one is freed by the
     * callee). NULL: after a cut the card only loses power. */
    enum rc (*reopen)(void *context, struct sim **sim);
    void *context;
    const struct sim_time *time; /* copied; NULL: no time model */
    bool sleep;                  /* each exchange really takes the model's time */
    struct sim_plan *plan;       /* borrowed; NULL: nothing goes wrong */
    FILE *trace;                 /* borrowed; a line a command; NULL: none */
    const char *name;            /* behind each line, when several cards share a trace; borrowed; NULL: none */
};

/* With a store the link sees its writes from now on; one link a store. RC_NOMEM. */
enum rc sim_link_new(const struct sim_link_config *config, struct sim_link **link) MUST_CHECK;
void sim_link_free(struct sim_link *link); /* powers the card off; NULL: nothing */

struct sim *sim_link_sim(const struct sim_link *link); /* borrowed until the next command */

/* A card that was pulled has no power and no answer to reset until it is put back. */
void sim_link_power_on(struct sim_link *link);
void sim_link_power_off(struct sim_link *link);
void sim_link_reset(struct sim_link *link);
struct bytes sim_link_atr(const struct sim_link *link); /* empty when pulled */
bool sim_link_pulled(const struct sim_link *link);
void sim_link_put_back(struct sim_link *link);

enum sim_outcome {
    SIM_ANSWERED, /* by the card; perhaps not as it meant to */
    SIM_LOST,     /* no answer; the card is there */
    SIM_PULLED,   /* no answer; the card is out of the reader */
    SIM_SHARED,   /* another program holds the card; it did nothing */
};

/* One command through the plan, the card and the model. The answer is appended only on SIM_ANSWERED. RC_STATE: no power,
 * or pulled; RC_NOMEM. */
enum rc sim_link_transmit(struct sim_link *link, struct bytes command, struct buf *answer, enum sim_outcome *outcome)
    MUST_CHECK;

/* What a save function that has no store asks before it writes; see sim_store.h. context is the link. */
enum sim_write sim_link_write(void *context);

struct sim_link_totals {
    uint64_t commands, bytes, writes, faults;
    int64_t ns;      /* virtual time of all exchanges; 0 without a model */
    int64_t last_ns; /* of the last exchange */
};
struct sim_link_totals sim_link_totals(const struct sim_link *link);

/* Cuts the power at the n-th durable write (from 1) of the next command, whatever the plan says: before it, or after it.
 * When the command writes less often nothing happens; sim_link_totals().faults tells. */
void sim_link_tear(struct sim_link *link, unsigned n, bool after);

#endif

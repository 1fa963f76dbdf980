/* sim_fault.h — a plan of what goes wrong between a card and its host, as text, and its counting. The plan only says
 * what happens when; sim_link.h does it.
 *
 * A plan is rules, divided by line ends or commas, `#` begins a comment:
 *   command=3:lost        at the third command (counted from 1, over the life of the plan)
 *   command=3+:lost       at the third and at each one behind it
 *   command=1/20:garbled  at one command in twenty, drawn by the seed
 *   ins20=2:lost          at the second command whose instruction byte is 20 (hex); + and / as above
 *   write=2:cut           at the second durable write
 *   seed=42               what is drawn; the same seed and the same commands give the same faults (default 1)
 *   back=500              milliseconds until a pulled card is put back (default 500; 0: not by itself)
 * At a command: pulled, pulled-after, lost, truncated, truncated@N (N bytes are left), duplicated, garbled, reset, power,
 * shared. At a write: cut, cut-after. The first rule that fits holds. */
#ifndef JPKI_APPLET_SIM_SIM_FAULT_H
#define JPKI_APPLET_SIM_SIM_FAULT_H

#include "base/buf.h"
#include "base/err.h"

enum sim_fault {
    SIM_FAULT_NONE,
    SIM_FAULT_PULLED,       /* the card is pulled before it does the command */
    SIM_FAULT_PULLED_AFTER, /* the card does the command and is pulled before the answer */
    SIM_FAULT_LOST,         /* the card does the command and stays; its answer does not come */
    SIM_FAULT_TRUNCATED,    /* only the beginning of the answer comes */
    SIM_FAULT_DUPLICATED,   /* the answer comes again in place of the next command's, which the card does */
    SIM_FAULT_GARBLED,      /* one byte of the answer is another */
    SIM_FAULT_RESET,        /* the card is reset (warm) before the command */
    SIM_FAULT_POWER,        /* the card loses power before the command and gets it again */
    SIM_FAULT_SHARED,       /* another program holds the card: the command does not reach it */
    SIM_FAULT_CUT,          /* the power goes in the middle of the write: the old image stands */
    SIM_FAULT_CUT_AFTER,    /* the power goes when the write is durable, before anything else */
    SIM_FAULT_COUNT
};

/* The word of the plan, static storage. "none", "?" for what is no fault. */
const char *sim_fault_name(enum sim_fault fault);

struct sim_plan;

/* RC_FORMAT names the rule that is none. An empty text is a plan without faults. */
enum rc sim_plan_parse(const char *text, struct sim_plan **plan, struct err *err) MUST_CHECK;
void sim_plan_free(struct sim_plan *plan); /* NULL: nothing */

/* Counts one command, one durable write, and says what befalls it. plan NULL: nothing does. */
enum sim_fault sim_plan_command(struct sim_plan *plan, struct bytes command);
enum sim_fault sim_plan_write(struct sim_plan *plan);

unsigned sim_plan_back_ms(const struct sim_plan *plan);

/* Does to a whole answer what TRUNCATED or GARBLED, as told last, does; others leave it. */
void sim_plan_spoil(struct sim_plan *plan, enum sim_fault fault, struct buf *answer);

#endif

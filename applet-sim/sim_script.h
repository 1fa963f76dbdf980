/* sim_script.h — a conversation with a card as text, one step a line:
 *   > hex        a command
 *   < hex        the answer that must have come; one `*` stands for any bytes
 *   < none       no answer came: it was lost, or the card pulled, or held by another program
 *   reset        a warm reset
 *   power        off and on; puts a pulled card back
 *   atr          the answer to reset becomes the answer that the next `<` judges; none of a pulled card
 *   tear N       the power is cut at the N-th durable write of the next command, which must write so often: that write is
 *                torn and the old content stands; with `after` behind N it is durable and nothing else is. `power` goes on
 * Blank lines and `# comments` are passed over. */
#ifndef JPKI_APPLET_SIM_SIM_SCRIPT_H
#define JPKI_APPLET_SIM_SIM_SCRIPT_H

#include "applet-sim/sim.h"

struct sim_link;

/* Runs the script (NUL-terminated; changed while it runs) on a card that is switched on first. RC_CONFLICT: another answer
 * came, or a tear did not; err names line and answer. RC_FORMAT: a line that is none. RC_STATE: a command to a card
 * without power. */
enum rc sim_script_play(struct sim_link *link, char *text, struct err *err) MUST_CHECK;

/* The same with a card that nothing stands before: its writes are not seen, so a tear is RC_CONFLICT. */
enum rc sim_script_run(struct sim *sim, char *text, struct err *err) MUST_CHECK;

#endif

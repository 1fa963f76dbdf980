/* sim_script.h — a conversation with a card as text: `> hex` a command, `< hex` the answer that must come, `reset`,
 * `power` (off and on), blank lines and `# comments`. One `*` in an answer stands for any bytes. */
#ifndef JPKI_APPLET_SIM_SIM_SCRIPT_H
#define JPKI_APPLET_SIM_SIM_SCRIPT_H

#include "applet-sim/sim.h"

/* Runs the script (NUL-terminated; changed while it runs) on a card that is switched on first. RC_CONFLICT: another answer
 * came, err names line and answer; RC_FORMAT: a line that is none. */
enum rc sim_script_run(struct sim *sim, char *text, struct err *err) MUST_CHECK;

#endif

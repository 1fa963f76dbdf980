/* sim_switch.h — what is not known for sure of the card, or differs between cards, as named switches: client software can be
 * tested against either answer. They stand in the card's image. */
#ifndef JPKI_APPLET_SIM_SIM_SWITCH_H
#define JPKI_APPLET_SIM_SIM_SWITCH_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum sim_switch {
    SIM_BLOCKED_VERIFY,
    SIM_BLOCKED_QUERY,
    SIM_VERIFIED_QUERY,
    SIM_RESELECT,
    SIM_WARM_RESET,
    SIM_FILLER,
    SIM_SHORT_IDS,
    SIM_LENGTHS,
    SIM_SCHEMES,
    SIM_PHONE,
    SIM_TRIES_A,
    SIM_TRIES_B,
    SIM_FIRST_COMMAND,
    SIM_PUPI,
    SIM_SWITCHES
};

#define SIM_SWITCH_VALUES 17u

struct sim_switch_row {
    const char *name;
    const char *values[SIM_SWITCH_VALUES]; /* the first is the default; a NULL ends them */
    const char *about;                     /* what it decides, and how sure the default is */
};

/* The position of each switch's value in its row: all zero is the card as it is believed to be. */
struct sim_switches {
    uint8_t at[SIM_SWITCHES];
};

/* What the values mean, by position; the others are compared with 0. */
enum { SIM_PHONE_NONE, SIM_PHONE_ANDROID, SIM_PHONE_IPHONE };
enum { SIM_FILLER_FF, SIM_FILLER_00, SIM_FILLER_NONE };

const struct sim_switch_row *sim_switch_row(enum sim_switch which);
const char *sim_switch_word(const struct sim_switches *switches, enum sim_switch which); /* the value's word */
/* The value as the number that its word is: a status word in hex, or tries. */
unsigned sim_switch_number(const struct sim_switches *switches, enum sim_switch which);

/* "NAME=VALUE", or several of them with commas between; those not named stay as they are. RC_RANGE: a name or a value that is
 * none; err says which, and what there is. */
enum rc sim_switch_parse(struct sim_switches *switches, const char *text, struct err *err) MUST_CHECK;

#endif

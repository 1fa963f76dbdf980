/* sim_specimen_maker.h — what the two halves of making a specimen share: putting things straight into a card, with one
 * result for all of it. After the first failure every call does nothing. */
#ifndef JPKI_APPLET_SIM_SIM_SPECIMEN_MAKER_H
#define JPKI_APPLET_SIM_SIM_SPECIMEN_MAKER_H

#include "applet-sim/sim_state.h"

struct sim_maker {
    struct sim *sim;
    const struct sim_app *app; /* that files are put into */
    enum rc rc;
};

bool sim_maker_app(struct sim_maker *maker, const char *name); /* false: the profile has none */
void sim_maker_file(struct sim_maker *maker, unsigned id,
                    struct buf *content); /* the whole content; taken, and empty then */
void sim_maker_pin(struct sim_maker *maker, enum sim_pin_name pin, const char *value);
EVP_PKEY *sim_maker_key(struct sim_maker *maker, enum sim_key_name name); /* made in the card; borrowed */
void sim_maker_note(struct sim_maker *maker, enum rc rc);                 /* the first failure stays */

#endif

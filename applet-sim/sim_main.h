/* sim_main.h — the commands of jpki-sim that stand in files of their own. Each returns an exit status. */
#ifndef JPKI_APPLET_SIM_SIM_MAIN_H
#define JPKI_APPLET_SIM_SIM_MAIN_H

#include "base/opt.h"

#define CARD_OPTION(to) { "--card", "FILE", "the card's file", OPT_TEXT, to, true }
#define SEAL_KEY_OPTION(to) \
    { "--seal-key", "FILE", "the key of the seal, kept by you (0600, 64 hex digits); default: beside the card, FILE.key", \
      OPT_TEXT, to, false }

int sim_main_run(int argc, char **argv);
int sim_main_slots(int argc, char **argv);
int sim_main_insert(int argc, char **argv);
int sim_main_eject(int argc, char **argv);
int sim_main_script(int argc, char **argv);
int sim_main_export(int argc, char **argv);
int sim_main_draw(int argc, char **argv);

#endif

/* sim_main.h — the commands of jpki-sim that stand in files of their own. Each returns an exit status. */
#ifndef JPKI_APPLET_SIM_SIM_MAIN_H
#define JPKI_APPLET_SIM_SIM_MAIN_H

int sim_main_run(int argc, char **argv);
int sim_main_slots(int argc, char **argv);
int sim_main_insert(int argc, char **argv);
int sim_main_eject(int argc, char **argv);
int sim_main_script(int argc, char **argv);
int sim_main_export(int argc, char **argv);
int sim_main_draw(int argc, char **argv);

#endif

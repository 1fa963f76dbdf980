/* program.h — the commands of jpki-registry, one function each. */
#ifndef JPKI_REGISTRY_PROGRAM_H
#define JPKI_REGISTRY_PROGRAM_H

int populate_main(int argc, char **argv);
int serve_main(int argc, char **argv);
int find_main(int argc, char **argv);
int move_main(int argc, char **argv);
int record_main(int argc, char **argv);
int confirm_main(int argc, char **argv);
int sample_main(int argc, char **argv);
int status_main(int argc, char **argv);
int usage_main(int argc, char **argv);

#endif

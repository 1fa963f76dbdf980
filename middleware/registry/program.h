/* program.h — the commands of jpki-registry, one function each. */
#ifndef JPKI_REGISTRY_PROGRAM_H
#define JPKI_REGISTRY_PROGRAM_H

#include <jansson.h>

#include <jansson.h>

int populate_main(int argc, char **argv);
int serve_main(int argc, char **argv);
int find_main(int argc, char **argv);
int move_main(int argc, char **argv);
int record_main(int argc, char **argv);
int confirm_main(int argc, char **argv);
int leave_main(int argc, char **argv);
int arrive_main(int argc, char **argv);
int blocked_main(int argc, char **argv);
int reconcile_main(int argc, char **argv);
int letters_main(int argc, char **argv);
int retention_main(int argc, char **argv);
int sample_main(int argc, char **argv);
int settings_main(int argc, char **argv);
int status_main(int argc, char **argv);
int usage_main(int argc, char **argv);
int card_main(int argc, char **argv);
int copy_main(int argc, char **argv);
int service_main(int argc, char **argv);
int kiosk_main(int argc, char **argv);
int consent_main(int argc, char **argv);
int serials_main(int argc, char **argv);
int verifiers_main(int argc, char **argv);
int tasks_main(int argc, char **argv);
int provide_main(int argc, char **argv);
int disclose_main(int argc, char **argv);

/* One POST to a municipal node; the answer is printed as one line of JSON. Takes the body. Returns an exit status. */
int ask_post(const char *node, const char *folder, const char *path, json_t *body);

/* The request of a copy, and the copy into a file: POST to the path, then GET what its answer names. Prints the answer. Takes the body. */
int copy_fetch(const char *node, const char *folder, const char *path, json_t *body, const char *file);

#endif

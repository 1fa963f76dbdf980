/* program.h — the commands of jpki-registry, one function each, and the frames they stand in. */
#ifndef JPKI_REGISTRY_PROGRAM_H
#define JPKI_REGISTRY_PROGRAM_H

#include "base/opt.h"
#include "registry/confirm.h"
#include "registry/ledger.h"

int populate_main(int argc, char **argv);
int serve_main(int argc, char **argv);
int find_main(int argc, char **argv);
int move_main(int argc, char **argv);
int record_main(int argc, char **argv);
int confirm_main(int argc, char **argv);
int leave_main(int argc, char **argv);
int leave_withdraw_main(int argc, char **argv);
int arrive_main(int argc, char **argv);
int notice_main(int argc, char **argv);
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
int partition_main(int argc, char **argv);

/* A look into a store that was claimed. Returns an exit status; the failure is printed. */
struct program_store {
    struct store *store;
    enum node_role role;
    char municipality[7];
};
typedef enum rc (*program_store_fn)(void *context, const struct program_store *it, struct err *err);
int program_in_store(const char *url, program_store_fn run, void *context);

/* A question to a node through the client. *answer may stay NULL; it is printed as one line of JSON. */
typedef enum rc (*program_node_fn)(const void *context, struct registry_client *client, json_t **answer, struct err *err);
int program_at_node(const char *node, const char *folder, program_node_fn ask, const void *context);

int program_authority(const char *name, enum authority *authority); /* of --authority: sign or auth */
int program_failed(struct err *err, enum rc rc); /* "RC_…: words" */
enum rc program_line(const json_t *value);       /* one compact line; NULL: RC_NOMEM */
int program_print(json_t *value);                /* the same as a command's end. Takes the value */

/* One POST to a municipal node; the answer is printed as one line of JSON. Takes the body. Returns an exit status. */
int ask_post(const char *node, const char *folder, const char *path, json_t *body);

/* The request of a copy, and the copy into a file: POST to the path, then GET what its answer names. Prints the answer. Takes the body. */
int copy_fetch(const char *node, const char *folder, const char *path, json_t *body, const char *file);

#endif

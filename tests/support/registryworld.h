/* registryworld.h — a town's and the national node as processes, with identities of every role and a small server that plays
 * the authorities; for tests of the registry's nodes. Everything fails the running test when it does not work. */
#ifndef JPKI_TESTS_REGISTRYWORLD_H
#define JPKI_TESTS_REGISTRYWORLD_H

#include "net/server.h"
#include "registry/confirm.h"
#include "testops.h"

#include <pthread.h>
#include <sys/types.h>

#define HERE "462012"
#define THERE "131016"
#define THEIR_PREFECTURE "460001" /* of HERE */

extern const char *program; /* jpki-registry */

/* OTHER is a second municipal node, of THERE: its store is the test's to fill, and it runs only where it was started. PREFECTURE is
 * that of HERE: MUNICIPAL tells it when it ran before. */
enum who { MUNICIPAL, NATIONAL, NODES, OTHER = NODES, PREFECTURE, ALL_NODES };
enum { ID_MUNICIPAL, ID_NATIONAL, ID_OFFICER, ID_REGISTRAR, ID_VERIFIER, ID_CA, ID_OTHER_NODE, ID_OTHER_OFFICER, ID_CARD_OFFICER,
       ID_COUNTER, ID_OTHER_COUNTER, ID_OTHER_CARD_OFFICER, ID_KIOSK, ID_OTHER_REGISTRAR, ID_PREFECTURE,
       ID_AGENCY, ID_OTHER_AGENCY, ID_SEAL, ID_OTHER_SEAL, IDS };

struct process {
    pid_t pid;
    char port[8], host[16], url[48], store[256], pid_file[96], log[96];
    pid_t net; /* a process in whose network it runs; 0: the test's own */
};

struct world {
    struct testops ops;
    struct identity ids[IDS];
    char *paths[IDS];
    struct process nodes[ALL_NODES];
    char sign_ca[96]; /* a file, for the national node; "": none */
    char auth_ca[96], auth_ocsp[48]; /* for the municipal ones, likewise */
    char ca_host[16]; /* where the nodes find the authorities */
    char directory[96]; /* the file that names the municipal nodes to each other */
    struct server *ca;
    pthread_mutex_t lock;
    int64_t applied, refusals; /* the last event the authorities took; how often they fail first */
    unsigned revoked, heard;   /* certificates in events taken once; requests heard */
    char last_event[32];
};

#define TOLD "SELECT last - acknowledged FROM outbox WHERE peer = 'national'"
#define HEARD "SELECT acknowledged FROM outbox WHERE peer = 'ca'"

/* A new world with a populated town; nothing runs yet. world_free stops what runs. */
void world_new(struct world *w, const char *residents);
void world_populate(struct world *w, enum who who, const char *municipality, const char *residents);
void world_free(struct world *w);

/* The same with each node in a network of its own (testnet.h): node i has the address and the process of `net`'s place i. */
struct testnet;
void world_new_apart(struct world *w, const char *residents, const struct testnet *net);

/* A new world whose town and nation run; and one where all was told besides, with a resident picked. */
void world_run(struct world *w, const char *residents);
void world_told(struct world *w, const char *residents, struct resident *resident);

bool start(struct world *w, enum who who, const char *fault); /* until it serves; false when it died of the fault */
void stop(struct process *node, int signal_number);           /* SIGTERM must end it with 0 */
bool died(struct process *node);
/* A table of stories that wait more than they work: told by several processes at the same time. Each runs the whole group, and of a
 * table only the rows from rows_part on, by steps of rows_parts; the number of processes that failed. */
#define ROWS_PARTS 8
extern int rows_part, rows_parts;
int rows_apart(int parts, int (*group)(void));
int run_wait(const char *const *args); /* the program with other arguments: its exit status */
void pause_ms(long ms);

int64_t count(struct world *w, enum who who, const char *sql);
void await(struct world *w, enum who who, const char *sql, int64_t want); /* until it becomes so */
void same_world(struct world *w); /* all told, and the nation is the town */
void not_in_log(const struct process *node, const char *text); /* personal data */
void pick(struct world *w, struct resident *resident);

enum rc find(struct world *w, int id, const char *code, struct resident *resident);
enum rc link_cards(struct world *w, int id, const struct resident *resident); /* sign 0A01 and auth 0B01 */
enum rc confirm(struct world *w, int id, enum authority authority, const char *serial, struct confirmation *confirmation);
enum rc post(struct world *w, enum who who, int id, const char *path, json_t *body); /* takes the body */
json_t *card_issue(const char *code, const char *card, const char *date, const char *request); /* of type juki-b */
json_t *card_event(const char *card, const char *event, const char *date, const char *request);
/* The body of POST /v1/notices with one notice, which is taken, signed by an identity. */
json_t *signed_notice(struct world *w, int id, json_t *notice);
enum rc move(struct world *w, int id, const char *code, const char *address, const char *request);
#define MOVED_TO "鹿児島県鹿児島市荒田二丁目%d番"
enum rc move_to(struct world *w, const char *code, int number); /* by the registrar, a request a number */

#endif

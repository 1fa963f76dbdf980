/* sim_store.h — a software card on disk: FILE is the sealed image, FILE.key the key of the seal (0600) unless the operator keeps
 * that elsewhere, FILE.lock is held by the one process that has the card. */
#ifndef JPKI_APPLET_SIM_SIM_STORE_H
#define JPKI_APPLET_SIM_SIM_STORE_H

#include "applet-sim/sim.h"

struct sim_store;

/* A blank card in a new file. key: a file with the key of the seal, of the operator's, which must be there; NULL: FILE.key,
 * made when missing. RC_EXISTS: there is one; RC_CONFLICT: another process is at it; RC_IO. */
enum rc sim_store_create(const char *path, const char *key, const struct sim_birth *birth, const struct secret *master,
                         struct sim_store **store, struct err *err) MUST_CHECK;

/* A card that was made under a seed (sim_seed.h): FILE.key begins with "test-only ", and without that the card does not
 * open. Said in the log each time. Other cards are not opened under a seed: RC_DENIED. */
bool sim_store_test_only(const struct sim_store *store);

/* RC_NOT_FOUND, RC_CONFLICT (another process runs this card), RC_BAD_SIGNATURE (changed, or of another key), RC_FORMAT,
 * RC_DENIED (others may read the key; a seed), RC_IO. */
enum rc sim_store_open(const char *path, const char *key, struct sim_store **store, struct err *err) MUST_CHECK;
struct sim *sim_store_get(struct sim_store *store); /* borrowed until sim_store_close or sim_store_reopen */
const char *sim_store_path(const struct sim_store *store); /* borrowed */
void sim_store_close(struct sim_store *store);      /* NULL: nothing */

/* What becomes of a save, asked before each one: for tests of power cuts. */
enum sim_write {
    SIM_WRITE_WHOLE,
    SIM_WRITE_TORN, /* half of the new image is written beside the old one, and no more: the save has failed */
    SIM_WRITE_NONE, /* the power is gone: the save has failed */
};
typedef enum sim_write (*sim_watch_fn)(void *context);
void sim_store_watch(struct sim_store *store, sim_watch_fn watch, void *context); /* NULL: every write is whole */

/* Opens the card again from its file, powered off, as after a power cut. On failure there is no card any more:
 * sim_store_get gives NULL. */
enum rc sim_store_reopen(struct sim_store *store) MUST_CHECK;

/* The issuer's 16-byte master key from a file of mode 0600: 32 hex digits or 16 raw bytes; made with random bytes, in hex,
 * when there is none. */
enum rc sim_store_master(const char *path, struct secret *master, struct err *err) MUST_CHECK;

#endif

/* confine.h — what a process of the authorities gives up before it reads a stranger's first byte (docs/PRIVILEGE.md): the
 * rest of the file system (Landlock), starting programs, connecting out, tracing others (seccomp). Nothing of it can be
 * taken back. What the kernel does not have is said in the log and gone without. */
#ifndef JPKI_CA_CONFINE_H
#define JPKI_CA_CONFINE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

#define CONFINE_PATHS 12

struct confine {
    const char *name;                  /* of the process, for the log */
    bool read_anywhere;                /* only writing is ruled */
    const char *read[CONFINE_PATHS];   /* files, or folders with all below; NULL ends. What does not exist is passed over */
    const char *write[CONFINE_PATHS];  /* there: reading, making, changing, removing */
    bool sockets;                      /* may still make sockets and listen, until confine_close_network; never connect */
    bool connects;                     /* keeps a store on a server: may connect, and read what that takes below /etc */
};

/* Before any thread is started. RC_IO when a rule that the kernel knows could not be set. */
enum rc confine_process(const struct confine *room, struct err *err) MUST_CHECK;

/* The folder of a file that a process writes later; "" for none. */
void confine_folder_of(const char *file, char *out, size_t size);

/* No more sockets, in all threads; nothing to do in a room that connects. */
enum rc confine_close_network(struct err *err) MUST_CHECK;

/* As root: becomes this user for good, before anything is opened. NULL: nothing to do. RC_NOT_FOUND, RC_DENIED. */
enum rc confine_user(const char *user, struct err *err) MUST_CHECK;

/* In a test build (-Dfaults=true) with JPKI_TRY=name: tries everything of the table in docs/PRIVILEGE.md and logs "try name
 * what: yes" or "no". state: the state folder. */
#ifdef JPKI_FAULTS
void confine_try(const char *name, const char *state);
#else
static inline void confine_try(const char *name, const char *state)
{
    (void)name, (void)state;
}
#endif

#endif

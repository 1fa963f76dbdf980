/* proc.h — a process as a room: no core files, an orderly end, a pid file, a sign that it is ready. */
#ifndef JPKI_BASE_PROC_H
#define JPKI_BASE_PROC_H

#include "base/err.h"

#include <stdbool.h>

/* RLIMIT_CORE 0, PR_SET_DUMPABLE 0, umask 077, SIGPIPE and SIGXFSZ ignored. Call first in every daemon and in the simulator. */
void proc_harden(void);

/* SIGTERM and SIGINT make proc_stopping true and wake proc_wait. Call before starting threads. */
enum rc proc_catch_stop(struct err *err) MUST_CHECK;
bool proc_stopping(void);

/* Sleeps until a stop signal or for at most the time given. Returns proc_stopping(). */
bool proc_wait(int milliseconds);

/* A descriptor that polls readable once a stop was asked for, for a poll(2) loop of one's own. -1 before
 * proc_catch_stop. */
int proc_stop_fd(void);

/* Writes "PID\n" to the path after a lock that the process keeps, so that a stale file of a killed process never stops
 * a restart. RC_CONFLICT when another process runs with it. Written when the daemon is ready to serve: whoever started
 * it waits for the file. Removed when the process ends in order (exit(3)). path NULL: nothing to do. Once a process. */
enum rc proc_pid_file(const char *path, struct err *err) MUST_CHECK;

/* Ends the process when its parent dies (prctl PR_SET_PDEATHSIG): for the child processes of one daemon. */
void proc_die_with_parent(void);

#endif

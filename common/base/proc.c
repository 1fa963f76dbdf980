/* proc.c — the life of a process. Signals arrive through a pipe, so that any poll loop can wait for them. */
#include "base/proc.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static volatile sig_atomic_t stopping;
static int stop_pipe[2] = { -1, -1 };

void proc_harden(void)
{
    struct rlimit none = { 0, 0 };
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    umask(077);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error of write(2), not the end */
}

static void proc_on_signal(int number)
{
    (void)number;
    int saved = errno;
    stopping = 1;
    (void)!write(stop_pipe[1], "", 1);
    errno = saved;
}

enum rc proc_catch_stop(struct err *err)
{
    if (pipe2(stop_pipe, O_CLOEXEC | O_NONBLOCK) != 0)
        return err_set_errno(err, RC_IO, "pipe");
    struct sigaction action = { .sa_handler = proc_on_signal };
    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    return RC_OK;
}

bool proc_stopping(void)
{
    return stopping;
}

int proc_stop_fd(void)
{
    return stop_pipe[0];
}

bool proc_wait(int milliseconds)
{
    struct pollfd fd = { .fd = stop_pipe[0], .events = POLLIN };
    if (!stopping)
        (void)poll(&fd, 1, milliseconds);
    return stopping;
}

static char *pid_path;
static pid_t pid_owner;

/* At an orderly end; a child that exits must not take its parent's file away. */
static void proc_remove_pid_file(void)
{
    if (pid_path && getpid() == pid_owner)
        unlink(pid_path);
}

enum rc proc_pid_file(const char *path, struct err *err)
{
    if (!path)
        return RC_OK;
    char *lock_path = NULL;
    if (asprintf(&lock_path, "%s.lock", path) < 0)
        return RC_NOMEM;
    int fd; /* kept open for the life of the process: the lock is the truth, the file only tells the number */
    enum rc rc = file_lock(lock_path, &fd, err);
    free(lock_path);
    if (rc)
        return rc;
    free(pid_path); /* a forked child's copy of its parent's */
    pid_path = strdup(path);
    pid_owner = getpid();
    if (!pid_path || atexit(proc_remove_pid_file) != 0)
        return RC_NOMEM;
    char text[16];
    int len = snprintf(text, sizeof text, "%d\n", (int)pid_owner);
    return file_write_atomic(path, bytes_of(text, (size_t)len), 0644, err);
}

void proc_die_with_parent(void)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (getppid() == 1)
        _exit(1);
}

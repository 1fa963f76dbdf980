/* confinetry.c — the tries behind docs/PRIVILEGE.md, in test builds only. A refusal counts when it is one of permission: a
 * connection that nobody accepts was allowed. */
#include "ca/confine.h"

#ifdef JPKI_FAULTS

#include "base/log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static bool try_open(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno != EACCES && errno != EPERM;
    close(fd);
    if (flags & O_CREAT)
        (void)unlink(path);
    return true;
}

static bool try_in_state(const char *state, const char *name, int flags)
{
    char path[600];
    snprintf(path, sizeof path, "%s/%s", state, name);
    return try_open(path, flags);
}

static bool try_connect(void)
{
    struct sockaddr_in discard = { .sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool allowed = connect(fd, (struct sockaddr *)&discard, sizeof discard) == 0 || (errno != EPERM && errno != EACCES);
    close(fd);
    return allowed;
}

static bool try_socket(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static bool try_exec(void)
{
    pid_t pid = fork();
    if (pid == 0) {
        execl("/bin/true", "true", (char *)NULL);
        _exit(77);
    }
    int status = 0;
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool try_trace(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 ? 0 : 77);
    int status = 0;
    return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void confine_try(const char *name, const char *state)
{
    const char *wanted = getenv("JPKI_TRY"), *publication = getenv("JPKI_TRY_PUBLICATION");
    if (!wanted || strcmp(wanted, name) != 0)
        return;
    const struct {
        const char *what;
        bool may;
    } tries[] = {
        { "read another file of the machine", try_open("/etc/hostname", O_RDONLY) },
        { "read the configuration", try_in_state(state, "config.json", O_RDONLY) },
        { "read the book", try_in_state(state, "ca.db", O_RDONLY) },
        { "read a list that is handed over", try_in_state(state, "lists/auth/own-1.crl", O_RDONLY) },
        { "make a file in the state folder", try_in_state(state, "tried", O_WRONLY | O_CREAT) },
        { "change the book's file", try_in_state(state, "ca.db", O_RDWR) },
        { "make a file in the box", try_in_state(state, "ocsp/tried", O_WRONLY | O_CREAT) },
        { "make a file in the publication", try_in_state(publication ? publication : state, "tried", O_WRONLY | O_CREAT) },
        { "make a file elsewhere", try_open("/tmp/jpki-ca-tried", O_WRONLY | O_CREAT) },
        { "open a socket", try_socket() },
        { "connect to somebody", try_connect() },
        { "start a program", try_exec() },
        { "trace a process", try_trace() },
    };
    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++)
        log_error("try %s %s: %s", name, tries[i].what, tries[i].may ? "yes" : "no");
}

#endif

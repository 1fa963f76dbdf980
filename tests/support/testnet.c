/* testnet.c — namespaces by unshare and setns, the rest by iproute2. A dropped direction is a black hole in the
 * sender's own routes, so that nothing but the kernel's usual modules is needed. */
#include "testnet.h"

#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define OWN "10.77.0.254"

static bool testnet_shell(const char *line)
{
    int status = system(line); /* words of this file */
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    fprintf(stderr, "testnet: failed: %s\n", line);
    return false;
}

/* A process in a new network; it tells when it is there. */
static pid_t testnet_hold(void)
{
    int ready[2];
    char byte = 0;
    if (pipe2(ready, O_CLOEXEC))
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        proc_die_with_parent();
        byte = unshare(CLONE_NEWNET) == 0;
        if (write(ready[1], &byte, 1) == 1 && byte)
            for (;;)
                pause();
        _exit(1);
    }
    close(ready[1]);
    if (read(ready[0], &byte, 1) != 1 || !byte)
        fprintf(stderr, "testnet: a network of its own: not allowed\n");
    close(ready[0]);
    return byte ? pid : -1;
}

bool testnet_new(struct testnet *net)
{
    char line[500];
    *net = (struct testnet){.host = OWN};
    if (unshare(CLONE_NEWNET)) {
        fprintf(stderr, "testnet: a network of its own: %s\n", strerror(errno));
        return false;
    }
    if (!testnet_shell("ip link set lo up && ip link add walls type bridge && ip addr add " OWN
                       "/24 dev walls && ip link set walls up"))
        return false;
    for (int i = 0; i < TESTNET_PLACES; i++) {
        pid_t holder = net->places[i].holder = testnet_hold();
        if (holder < 0)
            return false;
        snprintf(net->places[i].host, sizeof net->places[i].host, "10.77.0.%d", i + 1);
        snprintf(line, sizeof line,
                 "ip link add plug%d type veth peer name eth0 netns %d && ip link set plug%d master walls up && "
                 "nsenter -t %d -n sh -c 'ip link set lo up && ip addr add %s/24 dev eth0 && ip link set eth0 up'",
                 i, (int)holder, i, (int)holder, net->places[i].host);
        if (!testnet_shell(line))
            return false;
    }
    return true;
}

void testnet_free(struct testnet *net)
{
    for (int i = 0; i < TESTNET_PLACES; i++)
        if (net->places[i].holder > 0) {
            kill(net->places[i].holder, SIGKILL);
            waitpid(net->places[i].holder, NULL, 0);
        }
}

bool testnet_enter(pid_t holder)
{
    char path[40];
    snprintf(path, sizeof path, "/proc/%d/ns/net", (int)holder);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool entered = fd >= 0 && setns(fd, CLONE_NEWNET) == 0;
    if (fd >= 0)
        close(fd);
    return entered;
}

void testnet_drop(const struct testnet *net, size_t from, size_t to, bool dropped)
{
    char line[160];
    snprintf(line, sizeof line, "nsenter -t %d -n ip route %s blackhole %s/32", (int)net->places[from].holder,
             dropped ? "add" : "del", net->places[to].host);
    assert_true(testnet_shell(line));
}

void testnet_plug(const struct testnet *net, size_t place, bool plugged)
{
    char line[80];
    (void)net;
    snprintf(line, sizeof line, "ip link set plug%zu %s", place, plugged ? "up" : "down");
    assert_true(testnet_shell(line));
}

void testnet_names(const struct testnet *net, char *out, size_t size)
{
    int len = snprintf(out, size, ",IP:%s", net->host);
    for (int i = 0; i < TESTNET_PLACES; i++)
        len += snprintf(out + len, size - (size_t)len, ",IP:%s", net->places[i].host);
}

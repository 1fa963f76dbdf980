/* testnet.h — networks for tests: each place has a network of its own with one address, joined by a bridge in the
 * test's. What is between two places can be cut in one direction or in both, and a place can be unplugged. Wants root,
 * `ip` and network namespaces; what does not work fails the test. */
#ifndef JPKI_TESTS_TESTNET_H
#define JPKI_TESTS_TESTNET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define TESTNET_PLACES 4

struct testnet {
    char host[16]; /* the test's own address */
    struct {
        pid_t holder; /* a process that does nothing but keep the network */
        char host[16];
    } places[TESTNET_PLACES];
};

/* The calling process goes into a network of its own, with the bridge. False with words on standard error. */
bool testnet_new(struct testnet *net);
void testnet_free(struct testnet *net);

/* For a child between fork and exec: into a place's network. */
bool testnet_enter(pid_t holder);

/* What `from` sends to `to` is dropped, or goes again: one direction. */
void testnet_drop(const struct testnet *net, size_t from, size_t to, bool dropped);

/* The plug of a place. */
void testnet_plug(const struct testnet *net, size_t place, bool plugged);

/* ",IP:10.77.0.1,…" for all places and the test: for certificates. */
void testnet_names(const struct testnet *net, char *out, size_t size);

#endif

/* live.h — the desk's real peers: the municipal node, the authorities' server, and the holder at a terminal or behind a file
 * descriptor. */
#ifndef JPKI_DESK_LIVE_H
#define JPKI_DESK_LIVE_H

#include "desk/peers.h"
#include "net/client.h"

struct live {
    struct identity identity; /* the officer's */
    struct peer officer;      /* what the officer's own certificate says */
    struct registry_client *registry;
    struct client *ca;
    int pins_fd; /* two lines, the authentication PIN first; -1: the terminal */
    bool yes;    /* the officer's questions are answered already */
};

/* Opens the identity and both clients (nothing is sent yet). The identity must be a desk officer's: RC_DENIED.
 * registry_url NULL: nothing will be asked of the registry. */
enum rc live_open(const char *identity, const char *registry_url, const char *ca_url, int pins_fd, struct live *live,
                  struct err *err) MUST_CHECK;
void live_close(struct live *live);

/* The call-backs; context is the struct live. Lines of progress go to standard output. */
struct peers live_peers(struct live *live);

#endif

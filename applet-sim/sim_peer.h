/* sim_peer.h — the other end of a reader: descriptors, vpcd's framing (a length of two bytes, then as many bytes), sockets
 * that listen and call. Knows nothing of cards. */
#ifndef JPKI_APPLET_SIM_SIM_PEER_H
#define JPKI_APPLET_SIM_SIM_PEER_H

#include "base/buf.h"
#include "base/err.h"

#include <netdb.h>

struct sim_peer {
    int fd; /* -1: free */
    struct buf in;
};

void sim_peer_close(struct sim_peer *peer);

/* What has come, behind what came before. False: the peer has gone, or sends more than two messages' bytes ahead. */
bool sim_peer_receive(struct sim_peer *peer);

/* The first whole message, borrowed until the peer changes. */
bool sim_peer_message(const struct sim_peer *peer, struct bytes *message);
enum rc sim_peer_take(struct sim_peer *peer, size_t len) MUST_CHECK; /* forgets so many bytes at the front */

/* Waits a few seconds for a peer that does not read; RC_IO when it does not come round. */
enum rc sim_peer_send(const struct sim_peer *peer, struct bytes message) MUST_CHECK;
enum rc sim_peer_send_text(const struct sim_peer *peer, struct bytes text) MUST_CHECK; /* without framing */

/* A Unix socket, mode 0600, not blocking. What a killed simulator left there is replaced. RC_CONFLICT: a living one
 * serves it; RC_USAGE, RC_IO. */
enum rc sim_peer_listen(const char *path, int *fd, struct err *err) MUST_CHECK;
int sim_peer_accept(int listener); /* -1: nobody */

/* "HOST:PORT". RC_USAGE. The caller frees with freeaddrinfo. */
enum rc sim_peer_resolve(const char *address, struct addrinfo **found, struct err *err) MUST_CHECK;
/* Begins to call, without waiting: a peer that takes nobody must not hold up the others. -1: nobody there. */
int sim_peer_call(const struct addrinfo *address);
/* Once the descriptor polls writable: whether the peer took the call. */
bool sim_peer_called(int fd);
/* Asks the kernel not to delay acknowledgements; it forgets with every exchange. */
void sim_peer_hurry(int fd);

#endif

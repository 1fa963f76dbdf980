/* link.h — the server's connections: who is at the other end, and until when they may keep us waiting. Internal to net. */
#ifndef JPKI_NET_LINK_H
#define JPKI_NET_LINK_H

#include "net/identity.h"

#include <microhttpd.h>

/* All open connections of one server, and a thread that cuts those whose deadline has passed. */
struct links;

enum rc links_new(unsigned patience, struct links **links) MUST_CHECK;
void links_free(struct links *links); /* after the daemon was stopped: no connection is left */

struct link;

/* For MHD_OPTION_NOTIFY_CONNECTION: context is the struct links. */
void link_notify(void *context, struct MHD_Connection *connection, void **socket_context,
                 enum MHD_ConnectionNotificationCode code);

/* The connection's record; NULL when there was no memory for it. */
struct link *link_of(struct MHD_Connection *connection);

/* The clock of the peer's patience: started while it is the peer's turn, stopped while a handler works. */
void link_start_clock(struct link *link);
void link_stop_clock(struct link *link);

/* The verified peer. RC_DENIED with the reason: no certificate, one of another authority, outdated, or of a role that does
 * no TLS. Judged once a connection. */
enum rc link_peer(struct link *link, struct MHD_Connection *connection, const struct peer **peer, struct err *err) MUST_CHECK;

#endif

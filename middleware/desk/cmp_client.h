/* cmp_client.h — the desk's side of the Certificate Management Protocol (RFC 9810, 9811) over HTTPS with mutual TLS: OpenSSL's CMP
 * client, with our own client as its transport. */
#ifndef JPKI_DESK_CMP_CLIENT_H
#define JPKI_DESK_CMP_CLIENT_H

#include "desk/peers.h"
#include "net/client.h"

/* One request as peers.certify. The client is connected to the authority's server, the identity is the officer's: its key
 * protects our messages; answers must be protected by an identity of role "ca" of the same operations authority.
 * A rejection is sent and answered when it returns RC_OK; whether the authority took it, only the certificate's state tells.
 * RC_REFUSED (rejected, in the authority's words), RC_STATE (the request's certificate is revoked), RC_BAD_SIGNATURE (the answer's protection, or the certificate is not for
 * the key that was asked for), RC_CONFLICT (asked to confirm, the authority gave another certificate: it was rejected),
 * RC_UNREACHABLE, RC_TIMEOUT (also: the authority waits for a second officer), RC_DENIED; what the card's key said when it would not sign. */
enum rc cmp_client_order(struct client *client, const struct identity *identity, const struct peers_order *order,
                  struct peers_answer *answer, struct err *err) MUST_CHECK;

#endif

/* registry_client.h — the registry's client: what the desk asks of its municipal node and a verifier of the national node.
 * The messages are described in docs/PROTOCOLS.md. */
#ifndef JPKI_REGISTRY_REGISTRY_CLIENT_H
#define JPKI_REGISTRY_REGISTRY_CLIENT_H

#include "net/client.h"
#include "pki/authority.h"
#include "registry/record.h"

struct registry_client;

/* url: the node's base URL. The identity is borrowed. */
enum rc registry_open(const char *url, const struct identity *identity, struct registry_client **client,
                      struct err *err) MUST_CHECK;
void registry_close(struct registry_client *client);

/* 本人確認 at the counter: by the code (11 digits) or, when code is NULL, by name, birth and address together.
 * RC_NOT_FOUND; RC_CONFLICT more than one; RC_FORMAT (check digit); RC_STATE removed from the register. */
enum rc registry_find_resident(struct registry_client *client, const char *code, const char *name, const char *birth,
                               const char *address, struct resident *resident, struct err *err) MUST_CHECK;

/* Tells the municipal node which certificates a resident's card holds, so that the network can confirm them and revoke
 * them on a change. Idempotent. Returns when the national node has acknowledged the notice (RC_OK), or RC_TIMEOUT when
 * it has not within the time: the notice stays in the outbox, and calling again is right.
 * RC_CONFLICT: the serial belongs to another resident, or the resident's attributes are no longer those given. */
struct certificate_link {
    enum authority authority;
    const char *serial; /* hex */
    int64_t not_after;
};
enum rc registry_link_certificates(struct registry_client *client, const struct resident *resident,
                                   const struct certificate_link *links, size_t count, struct err *err) MUST_CHECK;

#endif

/* signframe.h — the messages between the intake and the signer over a socket pair: a length of 4 bytes big-endian, two
 * bytes (question: what, key; answer: rc, 0), then content. */
#ifndef JPKI_CA_SIGNFRAME_H
#define JPKI_CA_SIGNFRAME_H

#include "base/buf.h"

#define SIGNFRAME_MAX (256u * 1024u * 1024u)

/* Which key: an authority's of a generation, 1 and up. */
#define SIGNFRAME_KEY(authority, generation) (((generation) - 1) * (unsigned)AUTHORITY_COUNT + (unsigned)(authority))

enum signframe_what {
    SIGNFRAME_PING = 1, /* answered once every key is open */
    SIGNFRAME_CERT = 2, /* content: TBSCertificate; answer: certificate, or words */
    SIGNFRAME_CRL = 3,  /* content: TBSCertList; answer: CRL, or words */
    SIGNFRAME_HEAD = 4, /* content: the head of the audit trail (seal.h); answer: signature, or words */
};

/* Whole messages, blocking. RC_UNREACHABLE when the other side is gone, RC_RANGE, RC_NOMEM. content is appended to. */
enum rc signframe_send(int fd, unsigned first, unsigned second, struct bytes content) MUST_CHECK;
enum rc signframe_receive(int fd, unsigned *first, unsigned *second, struct buf *content) MUST_CHECK;

/* A descriptor over a Unix socket; received close-on-exec. RC_UNREACHABLE. */
enum rc signframe_send_fd(int fd, int sent) MUST_CHECK;
enum rc signframe_receive_fd(int fd, int *received) MUST_CHECK;

#endif

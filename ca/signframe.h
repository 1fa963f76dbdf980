/* signframe.h — the messages between the intake and the signer over a socket pair: a length of 4 bytes big-endian, two
 * bytes (question: what, key; answer: rc, 0), then content. */
#ifndef JPKI_CA_SIGNFRAME_H
#define JPKI_CA_SIGNFRAME_H

#include "base/buf.h"

#define SIGNFRAME_MAX (1024u * 1024u)

/* Which key: an authority's of a generation, 1 and up. */
#define SIGNFRAME_KEY(authority, generation) (((generation) - 1) * (unsigned)AUTHORITY_COUNT + (unsigned)(authority))

enum signframe_what {
    SIGNFRAME_PING = 1, /* answered once every key is open */
    SIGNFRAME_CERT = 2, /* content: TBSCertificate; answer: certificate, or words */
    SIGNFRAME_CRL = 3,  /* content: a TBSCertList around its entries (signframe_list), then a descriptor of the entries;
                         * answer: signature, or words */
    SIGNFRAME_HEAD = 4, /* content: the head of the audit trail (seal.h); answer: signature, or words */
};

/* Whole messages, blocking. RC_UNREACHABLE when the other side is gone, RC_RANGE, RC_NOMEM. content is appended to. */
enum rc signframe_send(int fd, unsigned first, unsigned second, struct bytes content) MUST_CHECK;
enum rc signframe_receive(int fd, unsigned *first, unsigned *second, struct buf *content) MUST_CHECK;

/* What stands before the entries of a list and behind them, as one content: the length of the one as 4 bytes before both.
 * Appended; apart again, borrowed. RC_FORMAT. */
enum rc signframe_list(struct bytes head, struct bytes tail, struct buf *content) MUST_CHECK;
enum rc signframe_list_parts(struct bytes content, struct bytes *head, struct bytes *tail) MUST_CHECK;

/* A descriptor over a Unix socket; received close-on-exec. RC_UNREACHABLE. */
enum rc signframe_send_fd(int fd, int sent) MUST_CHECK;
enum rc signframe_receive_fd(int fd, int *received) MUST_CHECK;

#endif

/* presented.h — an authentication certificate that somebody presents: whether it is of the authority, has not ended,
 * and whether the authority's responder says that it is good now (RFC 6960). Whose it is, is the register's to say
 * (certlink.h). */
#ifndef JPKI_REGISTRY_PRESENTED_H
#define JPKI_REGISTRY_PRESENTED_H

#include "base/buf.h"
#include "base/err.h"

#include <openssl/x509.h>

struct presented_rules {
    STACK_OF(X509) * authorities; /* of authentication certificates; borrowed */
    const char *ocsp;             /* the responder's URL; NULL: the one that the certificate names */
    int timeout;                  /* seconds; 0 means 5 */
};

/* A certificate in DER as upper-case or lower-case hex. RC_FORMAT. Caller frees with X509_free. */
enum rc presented_parse(const char *hex, X509 **cert, struct err *err) MUST_CHECK;

/* RC_OK: good at clock_now(). RC_DENIED: not of these authorities, not an authentication certificate, or they know none
 * such; RC_STATE: it has ended, has not begun, or is revoked (err says when and why); RC_UNREACHABLE: nobody could be
 * asked; RC_REFUSED: what answered is no answer of the authority's, or one of another time. Asks over the network:
 * blocks. */
enum rc presented_judge(const struct presented_rules *rules, X509 *cert, struct err *err) MUST_CHECK;

#endif

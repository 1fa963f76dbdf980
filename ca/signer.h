/* signer.h — the process that holds the authorities' keys. It reads questions from one socket and nothing else, checks
 * each to-be-signed object against its own idea of what its authority may sign, signs, answers. It has no network and no
 * store; it ends when the socket closes. */
#ifndef JPKI_CA_SIGNER_H
#define JPKI_CA_SIGNER_H

#include "base/err.h"
#include "ca/caconfig.h"
#include "ca/crljudge.h"

/* Opens the keys, drops privileges, serves fd until it closes. Returns an exit status. A key that cannot be opened is
 * told to the first question. */
int signer_run(const char *folder, const char *file, int fd);

/* The launcher: for every byte that comes over the control socket it starts a signer of its own and sends back the other
 * end of that one's socket; and it keeps a publisher (publisher.h) running. It stands between the intake, which may start
 * nothing any more, and the signer, which needs its token. Ends, with all its children, when the control socket closes. */
struct launch {
    const char *folder, *file;
    const char *publication; /* NULL: no publisher */
};
int signer_launch(const struct launch *launch, int control);

/* The checks alone, pure. What authority `ca` may sign; RC_DENIED with the reason. An authority's older keys certify
 * nobody any more but who answers OCSP for what they signed. */
enum rc signer_check_cert(X509 *ca, enum authority authority, bool newest, struct bytes tbs, struct err *err) MUST_CHECK;
/* Walks to the list's end; facts->digest is what may be signed then (crlfacts_wipe). */
enum rc signer_check_crl(X509 *ca, enum authority authority, struct crlwalk *walk, struct crlfacts *facts,
                         struct err *err) MUST_CHECK;

#endif

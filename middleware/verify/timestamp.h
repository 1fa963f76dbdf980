/* timestamp.h — RFC 3161 time-stamps: a proof that some bytes existed at a time. */
#ifndef JPKI_VERIFY_TIMESTAMP_H
#define JPKI_VERIFY_TIMESTAMP_H

#include "base/buf.h"
#include "base/err.h"
#include "verify/verdict.h"

#include <openssl/x509.h>

#define TIMESTAMP_MAX (1024u * 1024u)

/* file: a TimeStampResp (.tsr) or a bare TimeStampToken, DER; over: the bytes that were stamped. The token's certificate
 * must lead to one of the anchors at `at` and have a critical extendedKeyUsage of timeStamping alone; digests are those of
 * verify/algorithm.h. Revocation of the authority's certificate is not checked. RC_NOMEM; what is wrong is in the
 * evidence. */
enum rc timestamp_check(struct bytes file, struct bytes over, const STACK_OF(X509) *anchors, int64_t at,
                        struct evidence_timestamp *evidence) MUST_CHECK;

#endif

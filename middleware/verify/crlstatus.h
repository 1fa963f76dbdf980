/* crlstatus.h — is the certificate revoked? Asked of the authority's lists in a publication folder (docs/PROTOCOLS.md). */
#ifndef JPKI_VERIFY_CRLSTATUS_H
#define JPKI_VERIFY_CRLSTATUS_H

#include "base/buf.h"
#include "base/err.h"
#include "verify/verdict.h"

#include <openssl/x509.h>

#define CRLSTATUS_MAX (64u * 1024u * 1024u)

#define CRLSTATUS_OWN_TIME INT64_MIN

/* Judges one list for one certificate. It must be a version 2 CRL whose critical issuingDistributionPoint is the
 * certificate's own distribution point and covers all reasons, carry a number and an end, be issued and signed by the
 * anchor, hold no critical extension that is not understood, and be in force at `at`
 * (thisUpdate <= at < nextUpdate; at CRLSTATUS_OWN_TIME: whenever that was). Anything else is an evidence that fails closed. Pure. RC_NOMEM. */
enum rc crlstatus_check_crl(X509 *cert, X509 *anchor, struct bytes crl, int64_t at, struct evidence_status *evidence)
    MUST_CHECK;

/* Finds the list of the certificate's distribution point below the folder, reads it and judges it. */
enum rc crlstatus_check(X509 *cert, X509 *anchor, const char *folder, int64_t at, struct evidence_status *evidence)
    MUST_CHECK;

#endif

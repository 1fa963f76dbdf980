/* ocsprequest.h — reading an OCSP request from a stranger (RFC 6960 §4.1, RFC 5019 §2.1, RFC 9654). Pure. */
#ifndef JPKI_CA_OCSPREQUEST_H
#define JPKI_CA_OCSPREQUEST_H

#include "base/buf.h"
#include "base/err.h"

#include <openssl/ocsp.h>

#define OCSPREQUEST_BYTES 4096 /* a longer one is malformed */
#define OCSPREQUEST_CERTS 16   /* certificates in one request; with more it is malformed */
#define OCSPREQUEST_NONCE 128  /* bytes; RFC 9654 §2.1 */

struct ocsprequest {
    OCSP_REQUEST *request;
    int count;
    bool nonce; /* there is one, of 1 to 128 bytes */
};

/* DER, the whole input, version 1. RC_FORMAT for everything that is to be answered malformedRequest: other bytes, none or
 * too many certificates, a nonce of a forbidden length or form or two of them, critical extensions that are not
 * understood. A signature of the one who asks is allowed and not looked at (RFC 5019 §2.1.1). */
enum rc ocsprequest_parse(struct bytes der, struct ocsprequest *request, struct err *err) MUST_CHECK;
void ocsprequest_wipe(struct ocsprequest *request);

const OCSP_CERTID *ocsprequest_id(const struct ocsprequest *request, int i);

/* The DER in the path of a GET (RFC 6960 §A.1): base64 behind the slashes, URL-decoded already. RC_FORMAT. */
enum rc ocsprequest_from_path(const char *path, struct buf *der) MUST_CHECK;

#endif

/* pdfseal.h — a signature on a PDF that was just drawn: an incremental update with a signature field, its dictionary of
 * SubFilter adbe.pkcs7.detached and a ByteRange over everything but the signature itself (ISO 32000-1 §12.8). The CMS in it is
 * OpenSSL's, with signing-time and the signer's certificate named (RFC 5035). */
#ifndef JPKI_REGISTRY_PDFSEAL_H
#define JPKI_REGISTRY_PDFSEAL_H

#include "base/buf.h"
#include "base/err.h"

struct pdfseal {
    struct bytes key_pem, cert_pem, ca_pem; /* the signer, and who issued its certificate */
    const char *name;                       /* who signs, printable ASCII without parentheses */
    const char *reason;                     /* likewise */
    int64_t time;
};

/* Signs the document in place. It must be one with a plain cross-reference table, as cairo writes for PDF 1.5: RC_FORMAT
 * otherwise. RC_CRYPTO. On failure the document is unchanged. */
enum rc pdfseal_sign(const struct pdfseal *seal, struct buf *pdf, struct err *err) MUST_CHECK;

#endif

/* path.h — is the signer's certificate one of ours? Trust anchors are given explicitly; nothing of the system's is used.
 * Validity in time is not judged here: path_check writes the times down, judge.c compares them. */
#ifndef JPKI_VERIFY_PATH_H
#define JPKI_VERIFY_PATH_H

#include "base/err.h"
#include "verify/verdict.h"

#include <openssl/x509.h>

enum path_purpose {
    PATH_FOR_DOCUMENTS, /* the signature certificate (署名用) */
    PATH_FOR_LOGIN,     /* the authentication certificate (利用者証明用) */
};

/* Reads anchors from a PEM file (every certificate in it), a DER file, or a folder of such files (names ending in .pem,
 * .cer, .crt, .der) and appends them. Each must be a CA certificate. RC_NOT_FOUND, RC_FORMAT, RC_IO. */
enum rc path_read_anchors(const char *path, STACK_OF(X509) *anchors, struct err *err) MUST_CHECK;

/* JPKI's two hierarchies have one tier: an anchor issued the certificate itself. All generations of one authority share
 * its name, so the anchor is chosen by whose key verifies the certificate. Then RFC 5280 §6 (OpenSSL) with our flags: 112
 * bits of security, the purpose's policies required, and the purpose's row of key usages.
 * *anchor is the one that was found or NULL; borrowed from anchors. RC_NOMEM; what is wrong is in the evidence. */
enum rc path_check(X509 *cert, const STACK_OF(X509) *anchors, enum path_purpose purpose,
                   struct evidence_path *evidence, X509 **anchor) MUST_CHECK;

#endif

/* verify.h — one verification from bytes to verdict: signature → path → revocation → registry → time-stamp → judge. */
#ifndef JPKI_VERIFY_VERIFY_H
#define JPKI_VERIFY_VERIFY_H

#include "base/buf.h"
#include "base/err.h"
#include "verify/verdict.h"

#include <openssl/x509.h>

/* Asks the registry about a signature certificate, as registry_confirm does. */
typedef enum rc (*verify_confirm_fn)(void *context, const char *serial, struct confirmation *confirmation,
                                     struct err *err);

/* Everything is borrowed for the call. What is left zero is not checked and makes the verdict INDETERMINATE, the
 * time-stamp excepted. */
struct verify_request {
    struct bytes signature;        /* the signature file: detached CMS, or a signed XML document */
    struct bytes content;          /* what a detached signature is over */
    bool has_content;
    const char *element;           /* XML: the ID of the element that must be signed; NULL: the whole document */
    const STACK_OF(X509) *anchors; /* trust anchors for the signer's certificate */
    const char *crl_folder;        /* publication folder */
    const char *kept_folder;       /* lists that were kept beside the document, placed as in a publication; NULL: none. Asked when
                                      there is a good time-stamp and the publication's lists do not tell of the certificate any more. A
                                      list may have a time-stamp beside it (LIST.tsr), which then must hold */
    bool no_registry;              /* do without the registry; wins over confirm */
    verify_confirm_fn confirm;
    void *confirm_context;
    struct bytes timestamp;        /* over `signature`; empty for none */
    const STACK_OF(X509) *timestamp_anchors;
    int64_t at;                    /* the time of validation */
};

/* Parts that nothing depends on any more are not asked: the registry is told of a certificate only when the signature and
 * the path are good. Only RC_NOMEM, RC_CRYPTO: what is wrong with the signature is in evidence and verdict. */
enum rc verify_run(const struct verify_request *request, struct evidence *evidence, struct verdict *verdict,
                   struct err *err) MUST_CHECK;

#endif

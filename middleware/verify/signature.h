/* signature.h — signatures over documents in their two formats. Each checker reads hostile bytes: it opens no file and no
 * connection, judges no trust, and says what it found in the evidence. */
#ifndef JPKI_VERIFY_SIGNATURE_H
#define JPKI_VERIFY_SIGNATURE_H

#include "base/buf.h"
#include "base/err.h"
#include "verify/verdict.h"

#include <openssl/x509.h>

#define SIGNATURE_CMS_MAX (1024u * 1024u)       /* a detached signature and its certificates */
#define SIGNATURE_XML_MAX (16u * 1024u * 1024u) /* a signed document */

/* By the first bytes: DER or PEM is CMS, "<" (behind a byte order mark or blanks) is XML. */
enum signature_format signature_format_of(struct bytes file);

/* A detached CMS signature (RFC 5652) with exactly one signer and signed attributes, over content. Accepted algorithms:
 * verify/algorithm.h. *cert is the signer's certificate whenever one was found (also with a bad signature), else NULL;
 * caller frees. *evidence is written whole. RC_NOMEM only: what is wrong with the signature is in the evidence. */
enum rc signature_cms_check(struct bytes signature, struct bytes content, struct evidence_signature *evidence,
                            X509 **cert) MUST_CHECK;

/* An XML signature (XML-DSig) inside its document: exactly one, RSA or ECDSA, references to the same document only,
 * transforms enveloped-signature and canonicalisation without comments only, no DTD, no ID twice. What must be covered:
 * the document (element NULL), or the element with that ID. *cert and the result as above. */
enum rc signature_xml_check(struct bytes document, const char *element, struct evidence_signature *evidence,
                            X509 **cert) MUST_CHECK;

/* For the parts of a check: records the state and the reason. Always false, so that `return signature_say(…)` ends it. */
__attribute__((format(printf, 3, 4))) bool signature_say(struct evidence_signature *evidence, enum signature_state state,
                                                         const char *format, ...);

#endif

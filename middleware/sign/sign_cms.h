/* sign_cms.h — CMS signatures (RFC 5652), detached: the content stays as it is and a .p7s is put beside it. */
#ifndef JPKI_SIGN_SIGN_CMS_H
#define JPKI_SIGN_SIGN_CMS_H

#include "base/buf.h"
#include "sign/signatory.h"

#include <openssl/cms.h>

/* SHA-256, RSA PKCS#1 v1.5; signed attributes content-type, message-digest, signing-time (`now`) and ESS
 * signing-certificate-v2 (RFC 5035); the signer's certificate and those above it are inside. DER, appended.
 * What signatory_check gives; what the card said; RC_RANGE: content above 2 GiB. */
enum rc sign_cms(const struct signatory *signer, struct bytes content, int64_t now, struct buf *out,
                 struct err *err) MUST_CHECK;

#endif

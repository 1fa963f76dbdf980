/* opseal.h — statements signed with an operations key, so that whoever keeps one can show later who wrote it. ECDSA or
 * RSA (PKCS #1 v1.5) with SHA-256, whichever key the identity has. Texts of signatures and certificates are upper-case
 * hex. */
#ifndef JPKI_NET_OPSEAL_H
#define JPKI_NET_OPSEAL_H

#include "net/identity.h"

struct opseal;

/* The identity's own key to sign with, its ca.pem to check by. Not to be shared between threads. */
enum rc opseal_open(const struct identity *identity, struct opseal **seal, struct err *err) MUST_CHECK;
void opseal_close(struct opseal *seal);

/* The own certificate, DER. Borrowed until opseal_close. */
const char *opseal_certificate(const struct opseal *seal);

/* Appends the signature's hex and a NUL that is not counted. */
enum rc opseal_sign(const struct opseal *seal, struct bytes text, struct buf *signature, struct err *err) MUST_CHECK;

/* Whether the holder of the certificate signed the text, the certificate is of the operations authority and not ended
 * (at clock_now). *signer is who it is; what they may say is the caller's to judge. RC_DENIED, RC_FORMAT. */
enum rc opseal_check(struct opseal *seal, const char *certificate, struct bytes text, const char *signature,
                   struct peer *signer, struct err *err) MUST_CHECK;

/* The same about a signature that was made at another time and kept since: the certificate was valid then. */
enum rc opseal_check_at(struct opseal *seal, int64_t when, const char *certificate, struct bytes text,
                        const char *signature, struct peer *signer, struct err *err) MUST_CHECK;

#endif

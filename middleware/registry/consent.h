/* consent.h — a resident's consent that a service gets the newest four attributes with the online confirmation: a text
 * signed with the key of the signature certificate, for one service, for ten years, until it is withdrawn. And which
 * verifiers may have serial numbers linked. The national node's. */
#ifndef JPKI_REGISTRY_CONSENT_H
#define JPKI_REGISTRY_CONSENT_H

#include "net/identity.h"
#include "registry/ledger.h"

#include <openssl/x509.h>

#define CONSENT_YEARS 10
#define CONSENT_FRESH_DAYS 30     /* a text older than this is not taken any more */
#define CONSENT_AHEAD_SECONDS 300 /* a clock of the signer's that is so much ahead */

/* What is signed: {"consent":"attributes"|"withdrawn","service":"<the name in the service's
 * certificate>","signed":"<time>"}. */
struct consent_text {
    bool withdrawn;
    char service[65];
    int64_t signed_at;
};
enum rc consent_text_read(const char *text, struct consent_text *out, struct err *err) MUST_CHECK;
json_t *consent_text_write(const struct consent_text *text); /* new reference; NULL: no memory */

/* The one signer of a detached CMS SignedData (RFC 5652) over the text: digest SHA-256 or longer, certificate of one of
 * the authorities and valid at clock_now(). serial: 41. RC_DENIED: it is not; RC_FORMAT: not a SignedData. */
enum rc consent_signer(STACK_OF(X509) * authorities, const char *text, struct bytes signature, char serial[41],
                       struct err *err) MUST_CHECK;

/* Takes {"document":"<the text>","signature":"<hex of the DER>"} of a peer, withdrawal or not, in a transaction of its
 * own. *answer: {"service","until"} or {"service","withdrawn":N}. The same again gives the same and does nothing.
 * Nobody else than the service brings a consent (RC_DENIED). RC_STATE: the certificate is not linked, or its person or
 * card no longer so; or the text is older than a withdrawal. RC_RANGE: signed too long ago, or ahead. RC_NOT_FOUND:
 * nothing to withdraw. Caller decrefs. Fault points: registry.before_consent, registry.after_consent. */
enum rc consent_take(struct store *store, STACK_OF(X509) * authorities, const struct peer *peer, const json_t *body,
                     bool withdrawal, json_t **answer, struct err *err) MUST_CHECK;

/* RC_DENIED unless the resident of the code has consented to this service and it holds now. No transaction needed. */
enum rc consent_want(struct store *store, const char *code, const char *service, struct err *err) MUST_CHECK;

/* Verifiers that may have serial numbers linked: settings. consent_want_linked is RC_DENIED for others. */
enum rc consent_allow_linked(struct store *store, const char *verifier, bool allowed, struct err *err) MUST_CHECK;
enum rc consent_want_linked(struct store *store, const char *verifier, struct err *err) MUST_CHECK;

/* Every certificate of the person of this one: [{"authority","serial","not_after","status"}…]. RC_NOT_FOUND. Caller
 * decrefs. */
enum rc consent_linked(struct store *store, enum authority authority, const char *serial, json_t **certificates,
                       struct err *err) MUST_CHECK;

#endif

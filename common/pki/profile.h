/* profile.h — the certificate profiles as rows, and the judge of to-be-signed bytes (docs/PROFILE.md).
 *
 * What builds certificates (ca/leaf.h) does not read these rows: the two are written apart, so that a slip in one is
 * refused by the other before anything is signed. */
#ifndef JPKI_PKI_PROFILE_H
#define JPKI_PKI_PROFILE_H

#include "base/buf.h"
#include "base/err.h"
#include "pki/authority.h"

enum profile_kind {
    PROFILE_SIGN_CA, /* the authorities' own, self-signed */
    PROFILE_AUTH_CA,
    PROFILE_OPS_CA,
    PROFILE_SIGN,       /* 署名用 */
    PROFILE_AUTH,       /* 利用者証明用 */
    PROFILE_SIGN_OCSP,  /* who answers for an authority (RFC 6960 §4.2.2.2) */
    PROFILE_AUTH_OCSP,
    PROFILE_NODE,       /* operations: registry nodes and authorities, TLS server and client, CMP protection */
    PROFILE_OFFICER,    /* operations: people at a counter, TLS client, CMP protection */
    PROFILE_VERIFIER,   /* operations: TLS server and client: a relying party has a web server, and asks the registry */
    PROFILE_TIME_STAMP, /* operations: time-stamping authority (RFC 3161 §2.3) */
    PROFILE_DOCUMENT_SEAL, /* operations: a municipality's signature on documents (RFC 9336) */
    PROFILE_SIGN_LINK,  /* from one key of an authority to its next, both ways (RFC 9810 §4.4) */
    PROFILE_AUTH_LINK,
    PROFILE_OPS_LINK,
    PROFILE_COUNT
};

/* How the content of an extension is judged. */
enum profile_rule {
    PROFILE_BYTES,         /* exactly the DER in `value` (hex) */
    PROFILE_POLICY,        /* profile_policy, and one CPS URI */
    PROFILE_ATTRIBUTES,    /* the six otherNames, in order */
    PROFILE_JAPANESE_NAME, /* one directoryName: the authority in Japanese */
    PROFILE_HOSTS,         /* dNSNames and iPAddresses, at least one */
    PROFILE_CRL_POINT,     /* one point: the municipality's name */
    PROFILE_OWN_CRL_POINT, /* one point: the authority's own name */
    PROFILE_OCSP,          /* one access description, an http URI */
    PROFILE_AUTHORITY_KEY, /* key identifier of 20 bytes, issuer's name and serial number */
    PROFILE_SUBJECT_KEY,   /* SHA-1 of the public key (RFC 5280 §4.2.1.2 (1)) */
    PROFILE_KEY_ONLY,      /* lists (pki/statusform.h): key identifier of 20 bytes, nothing else */
    PROFILE_NUMBER,        /* lists: a positive number of at most 20 bytes */
    PROFILE_SCOPE,         /* lists: the full name of one point of the issuer; onlyContainsCACerts exactly at its own */
    PROFILE_NONCE          /* OCSP responses: an octet string of 1 to 128 bytes */
};

/* One extension. The order of the rows is the order in the certificate. */
struct profile_row {
    const char *oid, *name;
    bool critical;
    unsigned char min, max; /* how many */
    enum profile_rule rule;
    const char *value;  /* of PROFILE_BYTES */
    const char *source; /* the section of docs/PROFILE.md, where the rows stand too */
};

const char *profile_name(enum profile_kind kind);
const struct profile_row *profile_rows(enum profile_kind kind, size_t *count);

enum authority profile_authority(enum profile_kind kind); /* who issues it */

/* The operations profile of a role ("desk-officer", net/identity.h). RC_NOT_FOUND. */
enum rc profile_of_role(const char *role, enum profile_kind *kind) MUST_CHECK;

/* The OID of the certificate policy; an organisation other than "JPKI" is a test one. NULL for AUTHORITY_OPS. */
const char *profile_policy(enum authority authority, const char *organisation);

/* One finding: the field or extension, and the rule that it breaks. Borrowed. */
typedef void (*profile_finding_fn)(void *context, const char *field, const char *rule);

/* As profile_check_tbs, but tells everything that is wrong. RC_OK also when something was told. */
enum rc profile_lint_tbs(enum profile_kind kind, struct bytes tbs, profile_finding_fn tell, void *context) MUST_CHECK;

/* Judges a TBSCertificate: DER, version, serial number, algorithm, names, validity, key, and the extensions against the
 * rows. RC_OK; RC_FORMAT when it is no DER TBSCertificate; RC_DENIED when a rule is broken: err names profile, field
 * and rule. Does not judge who asks, whether the issuer's key identifier is right, or whether the holder may have it.
 */
enum rc profile_check_tbs(enum profile_kind kind, struct bytes tbs, struct err *err) MUST_CHECK;

/* The same in two steps, for who has questions of its own to the certificate: reading is the greater part of the work.
 * profile_read_tbs: the bytes as a certificate with a signature of no value; RC_FORMAT. X509_free. */
enum rc profile_read_tbs(struct bytes tbs, X509 **cert) MUST_CHECK;
enum rc profile_check_cert(enum profile_kind kind, X509 *cert, struct err *err) MUST_CHECK;

#endif

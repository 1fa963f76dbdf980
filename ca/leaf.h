/* leaf.h — what the certificates of the house say: subject, names and extensions of each kind, in the order of
 * docs/PROFILE.md. Pure; whether the one who asks may have it was decided before. */
#ifndef JPKI_CA_LEAF_H
#define JPKI_CA_LEAF_H

#include "base/buf.h"
#include "base/err.h"
#include "pki/attributes.h"
#include "pki/authority.h"
#include "pki/suite.h"

#include <openssl/x509v3.h>

/* What all certificates of one authority share. */
struct issuer {
    enum suite suite;         /* of its key */
    enum authority authority;
    const char *organisation; /* "JPKI-TEST" */
    const char *policy;       /* OID of the certificate policy */
    const char *cps;          /* URI */
    const char *ocsp;         /* URI; authentication certificates only */
    X509 *cert;               /* NULL while its own certificate is being made */
};

struct leaf {
    const char *serial;
    int64_t not_before, not_after;
    struct bytes public_key;      /* DER SubjectPublicKeyInfo */
    const char *municipality;     /* 6 digits */
    const char *identifier;       /* CN of a card's certificate (leaf_identifier), the name of an operations one */
    const struct attributes *attributes; /* signature certificates */
    const char *role;             /* operations: OU */
    const char *dns;              /* nodes and authorities: host names and addresses beside localhost, with commas; NULL for none */
};

#define LEAF_IDENTIFIER_SIZE 24

/* A new CN: authentication 14 letters and digits, municipality, "003A"; signature the time in Japan, then letters and
 * digits. Not the name of a person, and random: the same request must keep the one recorded. */
enum rc leaf_identifier(enum authority authority, const char *municipality, int64_t now,
                        char out[LEAF_IDENTIFIER_SIZE]) MUST_CHECK;

/* To-be-signed bytes, appended. */
enum rc leaf_sign_tbs(const struct issuer *issuer, const struct leaf *leaf, struct buf *out, struct err *err) MUST_CHECK;
enum rc leaf_auth_tbs(const struct issuer *issuer, const struct leaf *leaf, struct buf *out, struct err *err) MUST_CHECK;
enum rc leaf_ops_tbs(const struct issuer *issuer, const struct leaf *leaf, struct buf *out, struct err *err) MUST_CHECK;

/* Who answers OCSP for the authority; identifier is the CN. */
enum rc leaf_ocsp_tbs(const struct issuer *issuer, const struct leaf *leaf, struct buf *out, struct err *err) MUST_CHECK;

/* The self-signed certificate of an authority itself; of leaf only serial, validity and public key are used. */
enum rc leaf_ca_tbs(const struct issuer *issuer, const struct leaf *leaf, struct buf *out, struct err *err) MUST_CHECK;

/* From one key of an authority to another: issuer has the signing key's own certificate; of leaf serial, validity and the
 * other public key are used. */
enum rc leaf_link_tbs(const struct issuer *issuer, const struct leaf *leaf, struct buf *out, struct err *err) MUST_CHECK;

#endif

/* tbs.h — to-be-signed bytes of certificates and CRLs, and what is put around them once signed. Pure: the same input
 * gives the same bytes, so that what is recorded before signing can be signed again after a crash. */
#ifndef JPKI_CA_TBS_H
#define JPKI_CA_TBS_H

#include "base/buf.h"
#include "base/err.h"
#include "pki/suite.h"

#include <openssl/x509v3.h>

struct tbs_cert {
    enum suite suite;   /* of the key that will sign */
    const char *serial; /* hex, as everywhere; positive */
    const X509_NAME *issuer, *subject;
    int64_t not_before, not_after;
    struct bytes public_key; /* DER SubjectPublicKeyInfo */
    const X509_EXTENSIONS *extensions;
};

/* TBSCertificate (RFC 5280 §4.1), v3. Appended. */
enum rc tbs_cert_encode(const struct tbs_cert *cert, struct buf *out) MUST_CHECK;

struct tbs_crl {
    enum suite suite;
    const X509_NAME *issuer;
    int64_t this_update, next_update;
    const X509_EXTENSIONS *extensions;
};

/* TBSCertList (§5.1), v2, around entries that are elsewhere (crlspool.h): what stands before them and behind them. */
enum rc tbs_crl_frame(const struct tbs_crl *crl, uint64_t entries_len, struct buf *head, struct buf *tail) MUST_CHECK;

/* The suite that to-be-signed bytes name: a TBSCertificate's, a TBSCertList's. RC_FORMAT. */
enum rc tbs_suite(struct bytes tbs, enum suite *suite) MUST_CHECK;

/* SEQUENCE { tbs, the algorithm that it names, BIT STRING signature }. Appended. RC_FORMAT: it names none of ours. */
enum rc tbs_seal(struct bytes tbs, struct bytes signature, struct buf *out) MUST_CHECK;

/* The parts of what tbs_seal makes; borrowed. RC_FORMAT. */
enum rc tbs_open(struct bytes sealed, struct bytes *tbs, struct bytes *signature) MUST_CHECK;

/* Signs with a key (in a token or not) as the bytes name it, and seals. RC_CONFLICT: the key is of another suite. */
enum rc tbs_sign(struct bytes tbs, EVP_PKEY *key, struct buf *out, struct err *err) MUST_CHECK;

/* The sealed bytes hold exactly this tbs and verify with the issuer's key. RC_CONFLICT: other bytes were signed;
 * RC_BAD_SIGNATURE. */
enum rc tbs_check(struct bytes sealed, struct bytes tbs, EVP_PKEY *issuer_key, struct err *err) MUST_CHECK;

#endif

/* suite.h — the two generations of algorithms as rows: RSA-2048 with SHA-256 as today, P-384 with SHA-384 as the next card has
 * them (docs/PROFILE.md, "Suites"), and what goes with each: how long authorities and cards' certificates live. A
 * certificate, a list and an answer name their suite by the algorithm of their signature. */
#ifndef JPKI_PKI_SUITE_H
#define JPKI_PKI_SUITE_H

#include "base/buf.h"
#include "base/err.h"

#include <openssl/evp.h>
#include <stdbool.h>

enum suite { SUITE_RSA_2048, SUITE_P_384, SUITE_COUNT };

struct suite_row {
    const char *name;        /* "rsa-2048", as scripts and options write it */
    const char *algorithm;   /* "sha256WithRSAEncryption with NULL" */
    const char *key;         /* "RSA of 2048 bits with exponent 65537" */
    struct bytes identifier; /* DER AlgorithmIdentifier of a signature */
    const EVP_MD *(*digest)(void);
    int authority_years;     /* an authority's own certificate */
    int birthdays, birthdays_of_minors; /* a card's certificate ends at that birthday after its issue; below the age of 18 */
    int grace_months;        /* so long after that birthday, for whom ten count */
    int renewal_months;      /* the last months of its life, in which it may be renewed */
};

const struct suite_row *suite_row(enum suite suite);
enum rc suite_parse(const char *name, enum suite *suite) MUST_CHECK; /* RC_NOT_FOUND */

/* By the kind and size of a key: RSA from 2048 to 4096 bits (only operations have more than 2048), named curve P-384.
 * RC_UNSUPPORTED. */
enum rc suite_of_key(const EVP_PKEY *key, enum suite *suite) MUST_CHECK;

/* By a DER AlgorithmIdentifier, byte for byte. RC_UNSUPPORTED. */
enum rc suite_of_algorithm(struct bytes identifier, enum suite *suite) MUST_CHECK;

/* Whether a card's or an authority's key is exactly one of this suite: 2048 bits and 65537, or a point on P-384 by name. */
bool suite_has_key(enum suite suite, const EVP_PKEY *key);

/* Whether a DER SubjectPublicKeyInfo is an RSA key of 2048 bits with exponent 65537 in the one form that DER gives it. By its
 * bytes alone: OpenSSL takes a third of a signature's time to read it. False says nothing: read it then. */
bool suite_is_plain_rsa(struct bytes public_key);

/* A new key in this process's memory; NULL when that fails. EVP_PKEY_free. */
EVP_PKEY *suite_generate(enum suite suite);

/* Signs with the suite's digest, in a token or not. Appended. RC_CRYPTO. */
enum rc suite_sign(enum suite suite, EVP_PKEY *key, struct bytes content, struct buf *out) MUST_CHECK;
bool suite_verifies(enum suite suite, EVP_PKEY *key, struct bytes content, struct bytes signature);

/* The same over content that was hashed elsewhere, with the suite's digest (suite_digest; appended). */
enum rc suite_digest(enum suite suite, struct bytes content, struct buf *out) MUST_CHECK;
enum rc suite_sign_digest(enum suite suite, EVP_PKEY *key, struct bytes digest, struct buf *out) MUST_CHECK;
bool suite_verifies_digest(enum suite suite, EVP_PKEY *key, struct bytes digest, struct bytes signature);

/* A key that is made ready once and signs many digests, in one thread: getting ready is a tenth of a signature's time in a
 * token. NULL when that fails. EVP_PKEY_CTX_free. */
EVP_PKEY_CTX *suite_ready(enum suite suite, EVP_PKEY *key);
enum rc suite_sign_ready(EVP_PKEY_CTX *ready, struct bytes digest, struct buf *out) MUST_CHECK; /* RC_CRYPTO */

#endif

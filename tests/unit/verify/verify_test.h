/* verify_test.h — what the tests of the room share: an authority made at run time, certificates and lists with flaws by
 * row, foreign programs as producers, exact-size copies. */
#ifndef JPKI_TESTS_VERIFY_TEST_H
#define JPKI_TESTS_VERIFY_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "pki/authority.h"

#include <openssl/evp.h>
#include <openssl/x509v3.h>

#define TEST_TOWN "462012"
#define DAY 86400

struct test_ca {
    EVP_PKEY *key;
    X509 *cert;
    enum authority authority;
};

/* Self-signed, in the shape of the two authorities. from and to are seconds from now. */
void test_ca_new(struct test_ca *ca, enum authority authority, long from, long to);
void test_ca_free(struct test_ca *ca);

/* How a leaf may be wrong. */
struct test_leaf {
    unsigned bits;           /* 0: 2048 */
    const char *digest;      /* NULL: SHA256 */
    const char *key_usage;   /* NULL: the profile's, "" for none */
    const char *ext_usage;   /* NULL: the profile's, "" for none */
    const char *policy;      /* NULL: the profile's test policy, "" for none */
    const char *extra;       /* one more critical extension: an OID */
    bool is_ca, no_point, no_attributes;
    long from, to;           /* seconds from now; both 0: -1 day to +1000 days */
    long serial;             /* 0: 0x0132C4AB */
    const char *point_town;  /* NULL: TEST_TOWN */
};

X509 *test_leaf_new(const struct test_ca *ca, EVP_PKEY *key, const struct test_leaf *leaf);

/* How a list may be wrong. */
struct test_crl {
    long from, to;           /* seconds from now; both 0: -60 to +1 day */
    bool no_next, no_number, version_1, delta, critical_unknown, uncritical_scope, no_scope, scope_ca_only, indirect,
        some_reasons, entry_unknown;
    const char *scope_town;  /* NULL: TEST_TOWN */
    enum authority scope_authority_plus_1; /* 0: the ca's own */
    const char *digest;      /* NULL: SHA256 */
    long serial;             /* an entry for this serial number; 0: one for another number only */
    long revoked;            /* seconds from now */
    int reason;              /* -1: none */
    long invalid;            /* invalidityDate, seconds from now; 0: none */
};

struct buf test_crl_new(const struct test_ca *ca, const struct test_crl *crl);

/* One key for the whole run: making RSA keys is slow. */
EVP_PKEY *test_key(void);
EVP_PKEY *test_key_of(unsigned bits);

/* A temporary folder for the run; test_file writes into it and test_slurp reads from it. */
const char *test_folder(void);
void test_folder_remove(void);
void test_file(const char *name, struct bytes content);
void test_text(const char *name, const char *text);
struct buf test_slurp(const char *name);
void test_write_cert(const char *name, X509 *cert);
void test_write_key(const char *name, EVP_PKEY *key);

/* Runs a shell command in the folder; fails the test unless it exits with 0. */
void test_run(const char *format, ...) __attribute__((format(printf, 1, 2)));

uint8_t *exact_copy(struct bytes bytes);

#endif

/* pki_test.h — what the tests of the room share: exact-size heap copies, and certificates made at run time. */
#ifndef JPKI_TESTS_PKI_TEST_H
#define JPKI_TESTS_PKI_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

/* A copy that ends where the heap block ends, so that the sanitizers see a read past it. Freed by the caller. */
static inline uint8_t *exact_copy(const void *data, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);
    assert_non_null(copy);
    if (len)
        memcpy(copy, data, len);
    return copy;
}

static inline EVP_PKEY *make_key(void)
{
    EVP_PKEY *key = EVP_RSA_gen(2048);
    assert_non_null(key);
    return key;
}

/* Self-signed, valid from an hour ago for a day. */
static inline X509 *make_cert(EVP_PKEY *key, const char *common_name, X509_EXTENSION *extension)
{
    X509 *cert = X509_new();
    assert_non_null(cert);
    assert_int_equal(X509_set_version(cert, X509_VERSION_3), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(cert), 0x0132C4AB), 1);
    X509_NAME *name = X509_get_subject_name(cert);
    assert_int_equal(
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)common_name, -1, -1, 0), 1);
    assert_int_equal(X509_set_issuer_name(cert, name), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(cert), -3600));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(cert), 86400));
    assert_int_equal(X509_set_pubkey(cert, key), 1);
    if (extension)
        assert_int_equal(X509_add_ext(cert, extension, -1), 1);
    assert_int_not_equal(X509_sign(cert, key, EVP_sha256()), 0);
    return cert;
}

#endif

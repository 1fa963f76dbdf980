/* sign_test.h — what the tests of the room share: an authority and a certificate made at run time, a key behind the
 * same call-back as a card's, files in a folder of their own, and foreign programs as children. */
#ifndef JPKI_TESTS_SIGN_TEST_H
#define JPKI_TESTS_SIGN_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "pki/cardkey.h"
#include "sign/signatory.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <sys/wait.h>
#include <unistd.h>

struct sign_test {
    char folder[64];
    EVP_PKEY *ca_key, *key;
    X509 *ca, *cert;
    enum rc answer; /* what the card says instead of signing */
    unsigned calls;
    struct signatory signer;
};

static inline enum rc sign_test_answer(void *context, struct bytes digest_info, uint8_t *out, size_t out_len)
{
    struct sign_test *test = context;
    test->calls++;
    if (test->answer)
        return test->answer;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(test->key, NULL);
    size_t len = out_len;
    bool good = EVP_PKEY_sign_init(ctx) == 1 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
                EVP_PKEY_sign(ctx, out, &len, digest_info.data, digest_info.len) == 1 && len == out_len;
    EVP_PKEY_CTX_free(ctx);
    return good ? RC_OK : RC_CRYPTO;
}

static inline X509 *sign_test_cert(const char *name, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key,
                                   const char *usage)
{
    X509 *cert = X509_new();
    X509_set_version(cert, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), issuer ? 2 : 1);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "O", MBSTRING_UTF8, (const unsigned char *)"JPKI-TEST", -1,
                               -1, 0);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1,
                               0);
    X509_set_issuer_name(cert, X509_get_subject_name(issuer ? issuer : cert));
    X509_gmtime_adj(X509_getm_notBefore(cert), -86400);
    X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
    X509_set_pubkey(cert, key);
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer ? issuer : cert, cert, NULL, NULL, 0);
    const struct {
        int nid;
        const char *value;
    } extensions[] = {{NID_basic_constraints, issuer ? NULL : "critical,CA:TRUE"},
                      {NID_key_usage, usage},
                      {NID_subject_key_identifier, "hash"}};
    for (size_t i = 0; i < sizeof extensions / sizeof *extensions; i++) {
        if (!extensions[i].value)
            continue;
        X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, extensions[i].nid, extensions[i].value);
        assert_non_null(extension);
        X509_add_ext(cert, extension, -1);
        X509_EXTENSION_free(extension);
    }
    assert_true(X509_sign(cert, issuer_key, EVP_sha256()) > 0);
    return cert;
}

static inline void sign_test_path(const struct sign_test *test, const char *name, char *out, size_t size)
{
    assert_in_range(snprintf(out, size, "%s/%s", test->folder, name), 1, size - 1);
}

static inline void sign_test_write(const struct sign_test *test, const char *name, struct bytes content)
{
    char path[200];
    sign_test_path(test, name, path, sizeof path);
    assert_int_equal(file_write_atomic(path, content, 0600, NULL), RC_OK);
}

static inline void sign_test_write_pem(const struct sign_test *test, const char *name, X509 *cert)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *pem;
    assert_int_equal(PEM_write_bio_X509(bio, cert), 1);
    long len = BIO_get_mem_data(bio, &pem);
    sign_test_write(test, name, bytes_of(pem, (size_t)len));
    BIO_free(bio);
}

static inline void sign_test_new(struct sign_test *test)
{
    *test = (struct sign_test){.folder = "/tmp/jpki-sign-XXXXXX"};
    assert_non_null(mkdtemp(test->folder));
    test->ca_key = EVP_RSA_gen(2048);
    test->key = EVP_RSA_gen(2048);
    test->ca = sign_test_cert("test CA", test->ca_key, NULL, test->ca_key, "critical,keyCertSign,cRLSign");
    test->cert =
        sign_test_cert("holder", test->key, test->ca, test->ca_key, "critical,digitalSignature,nonRepudiation");
    test->signer.cert = test->cert;
    test->signer.above = sk_X509_new_null();
    assert_true(sk_X509_push(test->signer.above, test->ca) > 0);
    assert_int_equal(cardkey_new(X509_get0_pubkey(test->cert), sign_test_answer, test, &test->signer.key, NULL), RC_OK);
    sign_test_write_pem(test, "ca.pem", test->ca);
}

static inline void sign_test_free(struct sign_test *test)
{
    char command[200];
    snprintf(command, sizeof command, "rm -r %s", test->folder);
    assert_int_equal(system(command), 0);
    EVP_PKEY_free(test->signer.key);
    sk_X509_free(test->signer.above);
    X509_free(test->cert);
    X509_free(test->ca);
    EVP_PKEY_free(test->key);
    EVP_PKEY_free(test->ca_key);
}

/* A shell command in the test's folder; its output goes to the file "said". The exit status. */
static inline int __attribute__((format(printf, 2, 3)))
sign_test_run(const struct sign_test *test, const char *format, ...)
{
    char words[900], command[1100];
    va_list list;
    va_start(list, format);
    assert_in_range(vsnprintf(words, sizeof words, format, list), 1, sizeof words - 1);
    va_end(list);
    assert_in_range(snprintf(command, sizeof command, "cd %s && { %s; } >said 2>&1", test->folder, words), 1,
                    sizeof command - 1);
    int status = system(command);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

#endif

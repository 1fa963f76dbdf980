/* testops.c — a throw-away operations authority for tests. */
#include "testops.h"

#include "base/file.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <ftw.h>

#include <cmocka.h>

static void testops_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(cert, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static void testops_name(X509_NAME *name, const char *type, const char *value)
{
    assert_int_equal(X509_NAME_add_entry_by_txt(name, type, MBSTRING_UTF8, (const unsigned char *)value, -1, -1, 0), 1);
}

static X509 *testops_begin(struct testops *ops, EVP_PKEY *key)
{
    X509 *cert = X509_new();
    assert_non_null(cert);
    assert_int_equal(X509_set_version(cert, X509_VERSION_3), 1);
    assert_int_equal(ASN1_INTEGER_set_int64(X509_get_serialNumber(cert), 0x10000000 + ops->next_serial++), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(cert), -3600));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(cert), 30 * 86400));
    assert_int_equal(X509_set_pubkey(cert, key), 1);
    return cert;
}

void testops_new(struct testops *ops)
{
    *ops = (struct testops) { .next_serial = 1 };
    snprintf(ops->folder, sizeof ops->folder, "/tmp/jpki-ops-XXXXXX");
    assert_non_null(mkdtemp(ops->folder));
    ops->ca_key = EVP_EC_gen("P-256");
    assert_non_null(ops->ca_key);
    X509 *cert = testops_begin(ops, ops->ca_key);
    X509_NAME *name = X509_NAME_new();
    testops_name(name, "C", "JP");
    testops_name(name, "O", "JPKI-TEST");
    testops_name(name, "OU", "JPKI operations");
    testops_name(name, "CN", strrchr(ops->folder, '-') + 1); /* two of them in one test differ by name, too */
    assert_int_equal(X509_set_subject_name(cert, name), 1);
    assert_int_equal(X509_set_issuer_name(cert, name), 1);
    X509_NAME_free(name);
    testops_extension(cert, cert, NID_basic_constraints, "critical,CA:TRUE");
    testops_extension(cert, cert, NID_key_usage, "critical,keyCertSign,cRLSign");
    testops_extension(cert, cert, NID_subject_key_identifier, "hash");
    assert_true(X509_sign(cert, ops->ca_key, EVP_sha256()) > 0);
    ops->ca_cert = cert;
}

static int testops_remove(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

void testops_free(struct testops *ops)
{
    EVP_PKEY_free(ops->ca_key);
    X509_free(ops->ca_cert);
    if (ops->folder[0])
        nftw(ops->folder, testops_remove, 16, FTW_DEPTH | FTW_PHYS);
    *ops = (struct testops) { 0 };
}

static void testops_write(const char *folder, const char *file, BIO *content)
{
    char *path = file_join(folder, file);
    char *data;
    long len = BIO_get_mem_data(content, &data);
    assert_non_null(path);
    assert_true(len > 0);
    assert_int_equal(file_write_atomic(path, bytes_of(data, (size_t)len), 0600, NULL), RC_OK);
    free(path);
    BIO_free(content);
}

static void testops_profile(struct testops *ops, X509 *cert, enum role role, enum testops_flaw flaw)
{
    testops_extension(cert, ops->ca_cert, NID_basic_constraints, "critical,CA:FALSE");
    testops_extension(cert, ops->ca_cert, NID_key_usage,
                      role == ROLE_DOCUMENT_SEAL ? "critical,digitalSignature,nonRepudiation" : "critical,digitalSignature");
    testops_extension(cert, ops->ca_cert, NID_subject_key_identifier, "hash");
    testops_extension(cert, ops->ca_cert, NID_authority_key_identifier, "keyid:always");
    char hosts[200];
    snprintf(hosts, sizeof hosts, "IP:127.0.0.1,DNS:localhost%s", ops->hosts);
    testops_extension(cert, ops->ca_cert, NID_subject_alt_name, flaw == TESTOPS_OTHER_HOST ? "DNS:elsewhere.invalid" : hosts);
    testops_extension(cert, ops->ca_cert, NID_ext_key_usage,
                      role == ROLE_TIME_STAMP        ? "critical,timeStamping"
                      : role == ROLE_DOCUMENT_SEAL ? "1.3.6.1.5.5.7.3.36,emailProtection"
                      : flaw == TESTOPS_NO_CLIENT ? "serverAuth"
                                                     : "serverAuth,clientAuth");
    if (flaw == TESTOPS_OUTDATED)
        assert_non_null(X509_gmtime_adj(X509_getm_notAfter(cert), -86400));
    if (flaw == TESTOPS_OUTDATED)
        assert_non_null(X509_gmtime_adj(X509_getm_notBefore(cert), -2 * 86400));
    if (flaw == TESTOPS_NOT_YET)
        assert_non_null(X509_gmtime_adj(X509_getm_notBefore(cert), 86400));
}

char *testops_flawed(struct testops *ops, enum role role, const char *municipality, const char *name,
                     enum testops_flaw flaw)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    assert_non_null(key);
    X509 *cert = testops_begin(ops, key);
    X509_NAME *subject = X509_get_subject_name(cert);
    testops_name(subject, "C", "JP");
    testops_name(subject, "O", "JPKI-TEST");
    testops_name(subject, "OU", flaw == TESTOPS_NO_ROLE ? "nobody" : role_name(role));
    if (flaw == TESTOPS_TWO_ROLES)
        testops_name(subject, "OU", role_name(ROLE_CA));
    testops_name(subject, "L", flaw == TESTOPS_BAD_PLACE ? "46201x" : municipality);
    testops_name(subject, "CN", name);
    assert_int_equal(X509_set_issuer_name(cert, X509_get_subject_name(ops->ca_cert)), 1);
    testops_profile(ops, cert, role, flaw);
    assert_true(X509_sign(cert, ops->ca_key, EVP_sha256()) > 0);

    char *folder = file_join(ops->folder, name);
    assert_non_null(folder);
    assert_int_equal(file_make_folder(folder, 0700, NULL), RC_OK);
    BIO *key_pem = BIO_new(BIO_s_mem()), *cert_pem = BIO_new(BIO_s_mem()), *ca_pem = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PrivateKey(key_pem, key, NULL, NULL, 0, NULL, NULL), 1);
    assert_int_equal(PEM_write_bio_X509(cert_pem, cert), 1);
    assert_int_equal(PEM_write_bio_X509(ca_pem, ops->ca_cert), 1);
    testops_write(folder, "key.pem", key_pem);
    testops_write(folder, "cert.pem", cert_pem);
    testops_write(folder, "ca.pem", ca_pem);
    EVP_PKEY_free(key);
    X509_free(cert);
    return folder;
}

char *testops_identity(struct testops *ops, enum role role, const char *municipality, const char *name)
{
    return testops_flawed(ops, role, municipality, name, TESTOPS_SOUND);
}

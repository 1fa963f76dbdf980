/* testsigner.c — certificates and signatures for tests. */
#include "testsigner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

X509 *testsigner_issue(EVP_PKEY *key, const char *name, long serial, X509 *issuer, EVP_PKEY *issuer_key,
                       const char *until)
{
    X509 *cert = X509_new();
    assert_int_equal(X509_set_version(cert, 2), 1);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), serial);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1,
                               0);
    X509_set_issuer_name(cert, X509_get_subject_name(issuer ? issuer : cert));
    ASN1_TIME_set_string_X509(X509_getm_notBefore(cert), "20000101000000Z");
    ASN1_TIME_set_string_X509(X509_getm_notAfter(cert), until);
    X509_set_pubkey(cert, key);
    if (!issuer) {
        X509_EXTENSION *ca = X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:TRUE");
        X509_add_ext(cert, ca, -1);
        X509_EXTENSION_free(ca);
    }
    assert_true(X509_sign(cert, issuer_key, EVP_sha256()) > 0);
    return cert;
}

unsigned char *testsigner_sign(EVP_PKEY *key, X509 *cert, const char *text, unsigned flags, const EVP_MD *digest,
                               size_t *len)
{
    BIO *content = BIO_new_mem_buf(text, -1);
    CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, content, flags | CMS_BINARY | CMS_PARTIAL);
    assert_non_null(CMS_add1_signer(cms, cert, key, digest, flags | CMS_BINARY));
    assert_int_equal(CMS_final(cms, content, NULL, flags | CMS_BINARY), 1);
    unsigned char *der = NULL;
    int size = i2d_CMS_ContentInfo(cms, &der);
    assert_true(size > 0);
    *len = (size_t)size;
    CMS_ContentInfo_free(cms);
    BIO_free(content);
    return der;
}

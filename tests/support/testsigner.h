/* testsigner.h — residents' signature certificates and signatures by them, made with OpenSSL alone; for tests of
 * consents. Fails the running test when something does not work. */
#ifndef JPKI_TESTS_TESTSIGNER_H
#define JPKI_TESTS_TESTSIGNER_H

#include <openssl/cms.h>
#include <openssl/x509v3.h>

/* From 2000 until "YYYYMMDDHHMMSSZ". issuer NULL: an authority, by itself. Caller frees. */
X509 *testsigner_issue(EVP_PKEY *key, const char *name, long serial, X509 *issuer, EVP_PKEY *issuer_key,
                       const char *until);

/* A SignedData over the text; flags of CMS_sign. DER; caller frees with OPENSSL_free. */
unsigned char *testsigner_sign(EVP_PKEY *key, X509 *cert, const char *text, unsigned flags, const EVP_MD *digest,
                               size_t *len);

#endif

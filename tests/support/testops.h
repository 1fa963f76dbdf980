/* testops.h — a throw-away operations authority for tests: its own certificate and identities by role, in a temporary
 * folder, made at run time. Fails the running test (cmocka) when something does not work. */
#ifndef JPKI_TESTS_TESTOPS_H
#define JPKI_TESTS_TESTOPS_H

#include "net/identity.h"

#include <openssl/x509.h>

struct testops {
    char folder[64]; /* /tmp/…, removed by testops_free */
    EVP_PKEY *ca_key;
    X509 *ca_cert;
    long next_serial;
    char hosts[160]; /* more for subjectAltName of what is made from now on: ",IP:10.77.0.1" */
};

void testops_new(struct testops *ops);
void testops_free(struct testops *ops);

/* How an identity may be wrong, for the tests of refusals. */
enum testops_flaw {
    TESTOPS_SOUND,
    TESTOPS_OUTDATED,       /* ended a day ago */
    TESTOPS_NOT_YET,        /* begins in a day */
    TESTOPS_NO_CLIENT,      /* extendedKeyUsage serverAuth only */
    TESTOPS_OTHER_HOST,     /* subjectAltName of another host */
    TESTOPS_NO_ROLE,        /* OU names no role */
    TESTOPS_TWO_ROLES,      /* two OU */
    TESTOPS_BAD_PLACE,      /* L is not a code */
};

/* Makes the folder <ops>/<name> with key.pem, cert.pem and ca.pem: role, municipality ("462012" or "000000"), CN = name,
 * subjectAltName 127.0.0.1 and localhost, extendedKeyUsage serverAuth and clientAuth (timeStamping for
 * ROLE_TIME_STAMP, documentSigning and emailProtection for ROLE_DOCUMENT_SEAL).
 * Returns the path, borrowed until testops_free's folder goes; caller frees. */
char *testops_identity(struct testops *ops, enum role role, const char *municipality, const char *name);
char *testops_flawed(struct testops *ops, enum role role, const char *municipality, const char *name,
                     enum testops_flaw flaw);

#endif

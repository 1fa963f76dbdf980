/* p11calls.h — the few sequences of calls that every test of the module repeats. Each fails the running test when something
 * does not work that is not the test's subject. */
#ifndef JPKI_TESTS_P11CALLS_H
#define JPKI_TESTS_P11CALLS_H

#include "pkcs11/cryptoki.h"

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>

/* Loads a module as an application does. NULL, with words on stderr: it cannot be. */
CK_FUNCTION_LIST_3_0 *p11calls_load(const char *path);

CK_SESSION_HANDLE p11calls_open(CK_FUNCTION_LIST_3_0 *p11, CK_SLOT_ID slot, CK_FLAGS flags);
CK_RV p11calls_login(CK_FUNCTION_LIST_3_0 *p11, CK_SESSION_HANDLE session, const char *pin);

/* How many objects a template finds, at most 16 of them in found. */
CK_ULONG p11calls_find(CK_FUNCTION_LIST_3_0 *p11, CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG count,
                       CK_OBJECT_HANDLE *found);
/* The one object of a class and CKA_ID; 0: there is none. */
CK_OBJECT_HANDLE p11calls_find_one(CK_FUNCTION_LIST_3_0 *p11, CK_SESSION_HANDLE session, CK_OBJECT_CLASS class, CK_BYTE id);

/* C_SignInit and C_Sign with SHA-256 inside the mechanism (pss: CKM_SHA256_RSA_PKCS_PSS); signature has 256 bytes. */
CK_RV p11calls_sign(CK_FUNCTION_LIST_3_0 *p11, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, bool pss, const void *data,
                    size_t len, unsigned char *signature);

/* OpenSSL's word on it. */
bool p11calls_verifies(X509 *cert, bool pss, const void *data, size_t len, const unsigned char *signature);

#endif

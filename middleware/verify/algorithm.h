/* algorithm.h — the algorithms that a verification accepts, as rows; everything else is refused by not being there
 * (MD5, SHA-1, DSA, RSA below 2048 bits). */
#ifndef JPKI_VERIFY_ALGORITHM_H
#define JPKI_VERIFY_ALGORITHM_H

#include "base/rc.h"

#include <openssl/evp.h>
#include <stddef.h>

/* By NID ("SHA-256"); NULL when it is not accepted. */
const char *algorithm_digest_name(int nid);

/* By the URI of XML-DSig and its successors; NULL when it is not accepted. */
const char *algorithm_digest_of_uri(const char *uri);

/* A signature method URI of XML; *key_type is EVP_PKEY_RSA or EVP_PKEY_EC. NULL when it is not accepted. */
const char *algorithm_signature_of_uri(const char *uri, int *key_type);

/* A signatureAlgorithm of CMS or X.509, also the bare key types of CMS (rsaEncryption). NULL when it is not accepted. */
const char *algorithm_signature_name(int nid);

/* Type and size of a public key. Writes "RSA 2048" also when it is refused. RC_UNSUPPORTED. */
enum rc algorithm_check_key(const EVP_PKEY *key, char *words, size_t size) MUST_CHECK;

#endif

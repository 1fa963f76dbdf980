/* algorithm.c — the accepted algorithms. Floor: 112 bits of security (NIST SP 800-131A; the law's floor for JPKI is RSA of
 * 2048 bits, 施行規則 2). */
#include "verify/algorithm.h"

#include <openssl/core_names.h>
#include <openssl/objects.h>
#include <stdio.h>
#include <string.h>

static const struct {
    int nid;
    const char *name, *uri;
} digests[] = {
    { NID_sha256, "SHA-256", "http://www.w3.org/2001/04/xmlenc#sha256" },
    { NID_sha384, "SHA-384", "http://www.w3.org/2001/04/xmldsig-more#sha384" },
    { NID_sha512, "SHA-512", "http://www.w3.org/2001/04/xmlenc#sha512" },
};

static const struct {
    int nid, key_type;
    const char *name, *uri;
} signatures[] = {
    { NID_rsaEncryption, EVP_PKEY_RSA, "PKCS#1 v1.5", NULL },
    { NID_sha256WithRSAEncryption, EVP_PKEY_RSA, "PKCS#1 v1.5", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256" },
    { NID_sha384WithRSAEncryption, EVP_PKEY_RSA, "PKCS#1 v1.5", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384" },
    { NID_sha512WithRSAEncryption, EVP_PKEY_RSA, "PKCS#1 v1.5", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512" },
    { NID_rsassaPss, EVP_PKEY_RSA, "PSS", NULL },
    { NID_ecdsa_with_SHA256, EVP_PKEY_EC, "ECDSA", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256" },
    { NID_ecdsa_with_SHA384, EVP_PKEY_EC, "ECDSA", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384" },
    { NID_ecdsa_with_SHA512, EVP_PKEY_EC, "ECDSA", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512" },
};

#define ROWS(table) (sizeof(table) / sizeof *(table))

const char *algorithm_digest_name(int nid)
{
    for (size_t i = 0; i < ROWS(digests); i++)
        if (digests[i].nid == nid)
            return digests[i].name;
    return NULL;
}

const char *algorithm_digest_of_uri(const char *uri)
{
    for (size_t i = 0; i < ROWS(digests); i++)
        if (strcmp(digests[i].uri, uri) == 0)
            return digests[i].name;
    return NULL;
}

const char *algorithm_signature_of_uri(const char *uri, int *key_type)
{
    for (size_t i = 0; i < ROWS(signatures); i++)
        if (signatures[i].uri && strcmp(signatures[i].uri, uri) == 0) {
            *key_type = signatures[i].key_type;
            return signatures[i].name;
        }
    return NULL;
}

const char *algorithm_signature_name(int nid)
{
    for (size_t i = 0; i < ROWS(signatures); i++)
        if (signatures[i].nid == nid)
            return signatures[i].name;
    return NULL;
}

enum rc algorithm_check_key(const EVP_PKEY *key, char *words, size_t size)
{
    if (!key) {
        snprintf(words, size, "unknown key");
        return RC_UNSUPPORTED;
    }
    int bits = EVP_PKEY_get_bits(key);
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA || EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA_PSS) {
        snprintf(words, size, "RSA %d", bits);
        return bits >= 2048 && bits <= 8192 ? RC_OK : RC_UNSUPPORTED; /* the ceiling is one of patience */
    }
    if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC) {
        char group[40] = "";
        EVP_PKEY_get_group_name(key, group, sizeof group, NULL);
        int nid = OBJ_sn2nid(group);
        snprintf(words, size, "EC %d", bits);
        return nid == NID_X9_62_prime256v1 || nid == NID_secp384r1 || nid == NID_secp521r1 ? RC_OK : RC_UNSUPPORTED;
    }
    snprintf(words, size, "%s", OBJ_nid2sn(EVP_PKEY_get_base_id(key)));
    return RC_UNSUPPORTED;
}

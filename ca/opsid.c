/* opsid.c — the key is made here and never leaves the folder. It is of the operations authority's suite. */
#include "ca/opsid.h"

#include "base/fault.h"
#include "base/file.h"
#include "base/hex.h"
#include "ca/issue.h"
#include "net/identity.h"
#include "pki/cert.h"
#include "pki/municipality.h"

#include <openssl/pem.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Host names and addresses between commas; what a name may be in full is the profile's to judge. */
static enum rc opsid_check_hosts(const char *list, struct err *err)
{
    for (const char *host = list; host;) {
        size_t len = strcspn(host, ",");
        if (len == 0 || len > 253 || strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:") < len)
            return err_set(err, RC_FORMAT, "'%.*s' is no host name or address", (int)(len > 60 ? 60 : len), host);
        host = host[len] ? host + len + 1 : NULL;
    }
    return RC_OK;
}

/* A prefecture's code: "460001". */
static bool opsid_is_prefecture(const char *code)
{
    return strlen(code) == 6 && strspn(code, "0123456789") == 6 && memcmp(code + 2, "000", 3) == 0 &&
           code[5] == municipality_check_digit(code);
}

static enum rc opsid_check(const struct opsid *opsid, struct err *err)
{
    enum role role;
    const struct municipality *row;
    if (role_parse(opsid->role, &role))
        return err_set(err, RC_FORMAT, "'%s' is no role", opsid->role);
    if (role == ROLE_NODE_PREFECTURAL && !opsid_is_prefecture(opsid->municipality))
        return err_set(err, RC_FORMAT, "'%s' is no prefecture's code", opsid->municipality);
    if (role != ROLE_NODE_PREFECTURAL && strcmp(opsid->municipality, "000000") != 0 &&
        (strlen(opsid->municipality) != 6 || municipality_find(opsid->municipality, &row)))
        return err_set(err, RC_FORMAT, "'%s' is no municipality's code", opsid->municipality);
    size_t len = strlen(opsid->name);
    if (len < 1 || len > 64)
        return err_set(err, RC_FORMAT, "a name has 1 to 64 bytes");
    return opsid_check_hosts(opsid->dns, err);
}

static enum rc pem_write(const char *path, BIO *bio, mode_t mode, struct err *err)
{
    char *data = NULL;
    long len = BIO_get_mem_data(bio, &data);
    enum rc rc = len > 0 ? file_create(path, bytes_of(data, (size_t)len), mode, err) : RC_NOMEM;
    if (rc == RC_EXISTS) { /* a torn run wrote it, or it is another's: then the certificate does not match and is refused */
        err_reset(err);
        rc = file_write_atomic(path, bytes_of(data, (size_t)len), mode, err);
    }
    return rc;
}

/* The folder's key, made when there is none. */
static enum rc opsid_key(const char *path, enum suite suite, EVP_PKEY **out, struct err *err)
{
    EVP_PKEY *key = NULL;
    FILE *file = fopen(path, "re");
    if (file) {
        key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
        fclose(file);
        if (!key)
            return err_set(err, RC_FORMAT, "%s holds no private key", path);
        *out = key;
        return RC_OK;
    }
    key = suite_generate(suite);
    BIO *bio = BIO_new(BIO_s_secmem());
    enum rc rc = RC_CRYPTO;
    if (key && bio && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1)
        rc = pem_write(path, bio, 0600, err);
    else
        err_set(err, rc, "making a key");
    BIO_free(bio);
    if (rc)
        EVP_PKEY_free(key);
    else
        *out = key;
    return rc;
}

static enum rc opsid_write_cert(const char *path, X509 *cert, struct err *err)
{
    BIO *bio = BIO_new(BIO_s_mem());
    enum rc rc = bio && PEM_write_bio_X509(bio, cert) == 1 ? pem_write(path, bio, 0644, err) : RC_NOMEM;
    BIO_free(bio);
    return rc;
}

/* The operations authority's certificates, the newest first: others may still have theirs from an older key. */
static enum rc opsid_write_anchors(const struct ca *ca, const char *path, struct err *err)
{
    BIO *bio = BIO_new(BIO_s_mem());
    bool made = bio;
    for (unsigned g = ca_newest(ca, AUTHORITY_OPS); made && g >= 1; g--)
        if (ca_lives(ca, AUTHORITY_OPS, g))
            made = PEM_write_bio_X509(bio, ca_cert(ca, AUTHORITY_OPS, g)) == 1;
    enum rc rc = made ? pem_write(path, bio, 0644, err) : RC_NOMEM;
    BIO_free(bio);
    return rc;
}

static enum rc opsid_order(struct ca *ca, const struct opsid *opsid, EVP_PKEY *key, X509 **cert, struct err *err)
{
    unsigned char *spki = NULL;
    uint8_t hash[SHA256_DIGEST_LENGTH];
    char hash_text[2 * SHA256_DIGEST_LENGTH + 1], request[161];
    struct book_cert row = { 0 };
    int len = i2d_PUBKEY(key, &spki);
    if (len <= 0)
        return RC_NOMEM;
    SHA256(spki, (size_t)len, hash);
    hex_encode(bytes_of(hash, sizeof hash), hash_text);
    snprintf(request, sizeof request, "identity %s", hash_text);
    struct issue_order order = { .authority = AUTHORITY_OPS, .request = request, .public_key = bytes_of(spki, (size_t)len),
                                 .municipality = opsid->municipality, .officer = "operator", .role = opsid->role,
                                 .name = opsid->name, .dns = opsid->dns };
    enum rc rc = issue_certificate(ca, &order, &row, err);
    if (!rc)
        rc = issue_confirm(ca, row.id, "operator", err);
    if (!rc)
        rc = cert_parse(buf_bytes(&row.certificate), cert);
    book_cert_wipe(&row);
    OPENSSL_free(spki);
    return rc;
}

enum rc opsid_issue(struct ca *ca, const struct opsid *opsid, struct err *err)
{
    char *key_path = file_join(opsid->folder, "key.pem"), *cert_path = file_join(opsid->folder, "cert.pem");
    char *ca_path = file_join(opsid->folder, "ca.pem");
    EVP_PKEY *key = NULL;
    X509 *cert = NULL;
    enum rc rc = key_path && cert_path && ca_path ? opsid_check(opsid, err) : RC_NOMEM;
    if (!rc)
        rc = file_make_folder(opsid->folder, 0700, err);
    if (!rc && access(cert_path, F_OK) == 0)
        rc = err_set(err, RC_EXISTS, "%s exists", cert_path);
    if (!rc)
        rc = opsid_key(key_path, ca->issuers[AUTHORITY_OPS].suite, &key, err);
    fault_point("identity.after_key");
    if (!rc)
        rc = opsid_order(ca, opsid, key, &cert, err);
    fault_point("identity.after_order");
    if (!rc)
        rc = opsid_write_anchors(ca, ca_path, err);
    if (!rc)
        rc = opsid_write_cert(cert_path, cert, err);
    X509_free(cert);
    EVP_PKEY_free(key);
    free(key_path);
    free(cert_path);
    free(ca_path);
    return rc;
}

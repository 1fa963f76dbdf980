/* ocspbox.c — each step can be repeated: the key is on disk before its request, the pair in use is one file, and a
 * request of the same key always gets the same certificate. */
#include "ca/ocspbox.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/log.h"
#include "ca/issue.h"
#include "pki/cert.h"
#include "pki/suite.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define REQUEST_MAX 8192
#define ASK_AGAIN 5 /* seconds */

void ocspkey_wipe(struct ocspkey *key)
{
    EVP_PKEY_free(key->key);
    X509_free(key->cert);
    *key = (struct ocspkey) { 0 };
}

#define NAME_SIZE 24

/* "sign", "auth"; "sign-2" of an authority's second key and so on. */
static void box_name(enum authority authority, unsigned generation, char out[NAME_SIZE])
{
    if (generation == 1)
        snprintf(out, NAME_SIZE, "%s", authority_name(authority));
    else
        snprintf(out, NAME_SIZE, "%s-%u", authority_name(authority), generation);
}

/* folder/ocsp/<name><suffix>; NULL when out of memory. */
static char *box_path(const char *folder, const char *name, const char *suffix)
{
    char *path = NULL;
    return asprintf(&path, "%s/ocsp/%s%s", folder, name, suffix) < 0 ? NULL : path;
}

static enum rc box_read(const char *folder, const char *name, const char *suffix, size_t max, struct buf *out,
                        struct err *err)
{
    char *path = box_path(folder, name, suffix);
    buf_init(out, max);
    enum rc rc = path ? file_read(path, out, err) : RC_NOMEM;
    free(path);
    return rc;
}

static enum rc box_write(const char *folder, const char *name, const char *suffix, struct bytes content, mode_t mode,
                         struct err *err)
{
    char *path = box_path(folder, name, suffix);
    enum rc rc = path ? file_write_atomic(path, content, mode, err) : RC_NOMEM;
    free(path);
    return rc;
}

static void box_remove(const char *folder, const char *name, const char *suffix)
{
    char *path = box_path(folder, name, suffix);
    if (path)
        (void)unlink(path);
    free(path);
}

static bool box_holds(const char *folder, const char *name, const char *suffix)
{
    char *path = box_path(folder, name, suffix);
    bool holds = path && access(path, F_OK) == 0;
    free(path);
    return holds;
}

/* Whether the file was written within the last seconds given (by the wall clock, as files are). */
static bool box_fresh(const char *folder, const char *name, const char *suffix, int seconds)
{
    struct stat st;
    char *path = box_path(folder, name, suffix);
    bool fresh = path && stat(path, &st) == 0 && time(NULL) - st.st_mtime < seconds;
    free(path);
    return fresh;
}

/* A private key, and a certificate when one stands behind it, from PEM. */
static enum rc pair_parse(struct bytes pem, struct ocspkey *pair)
{
    BIO *bio = pem.len ? BIO_new_mem_buf(pem.data, (int)pem.len) : NULL;
    struct ocspkey found = { 0 };
    if (bio) {
        found.key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
        found.cert = found.key ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    }
    BIO_free(bio);
    if (!found.key)
        return RC_FORMAT;
    found.not_after = found.cert ? cert_not_after(found.cert) : 0;
    *pair = found;
    return RC_OK;
}

static enum rc pair_write(const char *folder, const char *name, const char *suffix, EVP_PKEY *key, X509 *cert,
                          struct err *err)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    char *data = NULL;
    long len = 0;
    if (bio && PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1 &&
        (!cert || PEM_write_bio_X509(bio, cert) == 1))
        len = BIO_get_mem_data(bio, &data);
    enum rc rc = len > 0 ? box_write(folder, name, suffix, bytes_of(data, (size_t)len), 0600, err) : RC_NOMEM;
    BIO_free(bio);
    return rc;
}

static enum rc pair_read(const char *folder, const char *name, const char *suffix, struct ocspkey *pair,
                         struct err *err)
{
    struct buf pem = { 0 };
    enum rc rc = box_read(folder, name, suffix, REQUEST_MAX, &pem, err);
    if (!rc)
        rc = pair_parse(buf_bytes(&pem), pair);
    if (rc == RC_FORMAT)
        err_set(err, rc, "ocsp/%s%s holds no private key", name, suffix);
    buf_wipe(&pem);
    return rc;
}

/* The certificate is of that key and signed by the issuer. */
static bool pair_fits(const struct ocspkey *pair, X509 *issuer)
{
    return pair->key && pair->cert && EVP_PKEY_eq(pair->key, X509_get0_pubkey(pair->cert)) == 1 &&
           X509_verify(pair->cert, X509_get0_pubkey(issuer)) == 1;
}

static enum rc request_write(const char *folder, const char *name, EVP_PKEY *key, struct err *err)
{
    X509_REQ *request = X509_REQ_new();
    unsigned char *der = NULL;
    int len = 0;
    if (request && X509_REQ_set_version(request, 0) == 1 && X509_REQ_set_pubkey(request, key) == 1 &&
        X509_REQ_sign(request, key, EVP_sha256()) > 0)
        len = i2d_X509_REQ(request, &der);
    enum rc rc = len > 0 ? box_write(folder, name, ".next.req", bytes_of(der, (size_t)len), 0644, err) : RC_CRYPTO;
    OPENSSL_free(der);
    X509_REQ_free(request);
    return rc;
}

/* A new key and its request. No request in the box, and no certificate, means that none was ever made or that it was
 * refused: both want a new key, but not many a minute. */
static enum rc box_ask(const char *folder, const char *name, X509 *issuer, struct err *err)
{
    if (box_fresh(folder, name, ".next.key", ASK_AGAIN))
        return RC_OK;
    enum suite suite; /* the issuer's, so that whoever reads its certificates reads the answers */
    EVP_PKEY *key = suite_of_key(X509_get0_pubkey(issuer), &suite) ? NULL : suite_generate(suite);
    enum rc rc = key ? pair_write(folder, name, ".next.key", key, NULL, err) : RC_CRYPTO;
    fault_point("ocsp.after_key");
    if (!rc)
        rc = request_write(folder, name, key, err);
    fault_point("ocsp.after_request");
    EVP_PKEY_free(key);
    return rc;
}

/* Takes over a certificate that has come. RC_NOT_FOUND: none. */
static enum rc box_adopt(const char *folder, const char *name, X509 *issuer, struct ocspkey *key, struct err *err)
{
    struct buf der = { 0 };
    struct ocspkey next = { 0 };
    enum rc rc = box_read(folder, name, ".next.cer", REQUEST_MAX, &der, NULL);
    if (rc)
        return rc;
    rc = pair_read(folder, name, ".next.key", &next, NULL);
    if (!rc)
        rc = cert_parse(buf_bytes(&der), &next.cert);
    if (!rc && !pair_fits(&next, issuer))
        rc = RC_CONFLICT;
    if (!rc)
        rc = pair_write(folder, name, ".pem", next.key, next.cert, err);
    fault_point("ocsp.after_adopt");
    if (rc == RC_OK || rc == RC_NOT_FOUND || rc == RC_FORMAT || rc == RC_CONFLICT) {
        box_remove(folder, name, ".next.cer");
        box_remove(folder, name, ".next.key"); /* a key that got no certificate of its own is not used again */
    }
    if (!rc) {
        ocspkey_wipe(key);
        *key = next;
        key->not_after = cert_not_after(key->cert);
    } else {
        ocspkey_wipe(&next);
        rc = err_set(err, RC_CONFLICT, "the certificate that came for OCSP of %s does not fit its key", name);
    }
    buf_wipe(&der);
    return rc;
}

enum rc ocspbox_keep(const char *folder, enum authority authority, unsigned generation, X509 *issuer,
                     struct ocspkey *key, bool *changed, struct err *err)
{
    char name[NAME_SIZE];
    box_name(authority, generation, name);
    char *box = file_join(folder, "ocsp");
    bool asked = box_holds(folder, name, ".next.req"); /* before the look for its answer: it is removed behind that */
    enum rc rc = box ? file_make_folder(box, 0700, err) : RC_NOMEM;
    free(box);
    *changed = false;
    if (!rc && !key->cert) {
        struct err quiet = { 0 };
        struct ocspkey found = { 0 };
        if (pair_read(folder, name, ".pem", &found, &quiet) == RC_OK && pair_fits(&found, issuer)) {
            *key = found;
            *changed = true;
        } else {
            ocspkey_wipe(&found);
        }
    }
    if (!rc) {
        rc = box_adopt(folder, name, issuer, key, err);
        *changed = *changed || rc == RC_OK;
        if (rc == RC_NOT_FOUND)
            rc = RC_OK;
    }
    if (!rc && !asked && key->not_after - clock_now() < OCSPBOX_RENEW)
        rc = box_ask(folder, name, issuer, err);
    return rc;
}

/* --- the authorities' side ------------------------------------------------------------------------------------------ */

/* The public key of a request that is signed by it. RC_FORMAT. */
static enum rc request_key(struct bytes der, struct buf *spki)
{
    const unsigned char *at = der.data;
    unsigned char *encoded = NULL;
    X509_REQ *request = d2i_X509_REQ(NULL, &at, (long)der.len);
    EVP_PKEY *key = request && at == der.data + der.len ? X509_REQ_get0_pubkey(request) : NULL;
    int len = key && X509_REQ_verify(request, key) == 1 ? i2d_PUBKEY(key, &encoded) : 0;
    enum rc rc = len > 0 ? buf_append(spki, encoded, (size_t)len) : RC_FORMAT;
    OPENSSL_free(encoded);
    X509_REQ_free(request);
    return rc;
}

static enum rc box_certify(struct ca *ca, enum authority authority, unsigned generation, struct bytes spki,
                           struct err *err)
{
    uint8_t hash[SHA256_DIGEST_LENGTH];
    char hash_text[2 * SHA256_DIGEST_LENGTH + 1], request[161], common_name[40], when[CLOCK_TEXT_SIZE];
    struct book_cert row = { 0 };
    SHA256(spki.data, spki.len, hash);
    hex_encode(bytes_of(hash, sizeof hash), hash_text);
    snprintf(request, sizeof request, "ocsp %s", hash_text);
    clock_format(clock_now(), when);
    snprintf(common_name, sizeof common_name, "OCSP %s", when);
    char name[NAME_SIZE];
    box_name(authority, generation, name);
    struct issue_order order = { .authority = authority, .request = request, .public_key = spki, .municipality = "000000",
                                 .officer = "ocsp responder", .name = common_name, .responder = true,
                                 .generation = generation };
    enum rc rc = issue_certificate(ca, &order, &row, err);
    if (!rc) {
        ca_lock(ca);
        rc = issue_confirm(ca, row.id, "ocsp responder", err);
        ca_unlock(ca);
    }
    fault_point("ocsp.after_issue");
    if (!rc)
        rc = box_write(ca->folder, name, ".next.cer", buf_bytes(&row.certificate), 0644, err);
    book_cert_wipe(&row);
    return rc;
}

/* One key's request. RC_OK also when there is none. */
static enum rc box_serve(struct ca *ca, enum authority authority, unsigned generation, size_t *count, struct err *err)
{
    char name[NAME_SIZE];
    struct buf der = { 0 }, spki = { 0 };
    enum rc rc = RC_OK;
    box_name(authority, generation, name);
    enum rc found = box_read(ca->folder, name, ".next.req", REQUEST_MAX, &der, NULL);
    if (!found)
        found = request_key(buf_bytes(&der), &spki);
    if (!found) {
        rc = box_certify(ca, authority, generation, buf_bytes(&spki), err);
        *count += rc == RC_OK;
    } else if (found != RC_NOT_FOUND) {
        log_warning("ocsp/%s.next.req is no certification request, and is removed", name);
    }
    if (found != RC_NOT_FOUND && (!rc || rc == RC_RANGE || rc == RC_STATE || rc == RC_CONFLICT))
        box_remove(ca->folder, name, ".next.req");
    buf_wipe(&der);
    buf_wipe(&spki);
    return rc;
}

enum rc ocspbox_serve(struct ca *ca, size_t *count, struct err *err)
{
    enum rc rc = RC_OK;
    *count = 0;
    for (enum authority a = AUTHORITY_SIGN; !rc && a < AUTHORITY_OPS; a++)
        for (unsigned g = 1; !rc && g <= ca_newest(ca, a); g++)
            if (ca_lives(ca, a, g))
                rc = box_serve(ca, a, g, count, err);
    return rc;
}

/* lint.c — certificates, files. */
#include "ca/lint.h"

#include "base/file.h"
#include "pki/cert.h"
#include "pki/der.h"
#include "pki/profile.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#define FILE_MAX_BYTES (1u << 30)

/* --- certificates --------------------------------------------------------------------------------------------------------- */

static bool name_has(const X509_NAME *name, int nid, const char *text)
{
    for (int i = -1; (i = X509_NAME_get_index_by_NID(name, nid, i)) >= 0;) {
        const ASN1_STRING *value = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, i));
        if ((size_t)ASN1_STRING_length(value) == strlen(text) &&
            memcmp(ASN1_STRING_get0_data(value), text, strlen(text)) == 0)
            return true;
    }
    return false;
}

/* The profile that a certificate claims to follow: by issuer and subject; self-signed or a link by its key identifiers. */
static enum profile_kind kind_of(X509 *cert)
{
    const X509_NAME *issuer = X509_get_issuer_name(cert), *subject = X509_get_subject_name(cert);
    enum authority authority = AUTHORITY_OPS;
    if (authority_of_name(issuer, &authority))
        authority = AUTHORITY_OPS;
    if (X509_NAME_cmp(issuer, subject) == 0) {
        static const enum profile_kind self[] = { PROFILE_SIGN_CA, PROFILE_AUTH_CA, PROFILE_OPS_CA };
        static const enum profile_kind link[] = { PROFILE_SIGN_LINK, PROFILE_AUTH_LINK, PROFILE_OPS_LINK };
        return X509_get0_authority_key_id(cert) ? link[authority] : self[authority];
    }
    if (authority != AUTHORITY_OPS && name_has(subject, NID_organizationalUnitName, "OCSP Responders"))
        return authority == AUTHORITY_SIGN ? PROFILE_SIGN_OCSP : PROFILE_AUTH_OCSP;
    if (authority != AUTHORITY_OPS)
        return authority == AUTHORITY_SIGN ? PROFILE_SIGN : PROFILE_AUTH;
    char role[65] = "";
    enum profile_kind kind;
    (void)X509_NAME_get_text_by_NID(subject, NID_organizationalUnitName, role, sizeof role);
    return profile_of_role(role, &kind) ? PROFILE_OFFICER : kind;
}

enum rc lint_cert(struct bytes der, struct lint *lint)
{
    struct bytes rest = der, body, inside, outside, bits, tbs, skip;
    X509 *cert = NULL;
    *lint = (struct lint) { .what = "certificate" };
    if (der_expect(&rest, 0x30, &body, NULL) || rest.len || der_expect(&body, 0x30, &inside, &tbs) ||
        der_expect(&body, 0x30, &skip, &outside) || der_expect(&body, 0x03, &bits, NULL) || body.len ||
        cert_parse(der, &cert))
        return RC_FORMAT;
    enum profile_kind kind = kind_of(cert);
    snprintf(lint->what, sizeof lint->what, "certificate, profile %s", profile_name(kind));
    unsigned char *algorithm = NULL;
    int len = i2d_X509_ALGOR(X509_get0_tbs_sigalg(cert), &algorithm);
    lint_algorithm(lint, bytes_of(algorithm, len > 0 ? (size_t)len : 0), outside);
    OPENSSL_free(algorithm);
    X509_free(cert);
    return profile_lint_tbs(kind, tbs, lint_tell, lint);
}

/* --- files ---------------------------------------------------------------------------------------------------------------- */

/* DER as it is, or the first block of PEM. */
static enum rc file_der(struct buf *content)
{
    char *name = NULL, *header = NULL;
    unsigned char *data = NULL;
    long len = 0;
    if (content->len && content->data[0] == 0x30)
        return RC_OK;
    BIO *bio = BIO_new_mem_buf(content->data, (int)content->len);
    enum rc rc = bio && PEM_read_bio(bio, &name, &header, &data, &len) == 1 ? RC_OK : RC_FORMAT;
    ERR_clear_error();
    if (!rc) {
        buf_truncate(content, 0);
        rc = buf_append(content, data, (size_t)len);
    }
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(data);
    BIO_free(bio);
    return rc;
}

enum rc lint_file(const char *path, struct lint *lint, struct err *err)
{
    static enum rc (*const kinds[])(struct bytes, struct lint *) = { lint_cert, lint_crl, lint_ocsp };
    struct buf content = { .max = FILE_MAX_BYTES };
    enum rc rc = file_read(path, &content, err);
    if (!rc && file_der(&content))
        rc = err_set(err, RC_FORMAT, "%s: neither DER nor PEM", path);
    if (!rc) {
        rc = RC_FORMAT;
        for (size_t i = 0; rc == RC_FORMAT && i < sizeof kinds / sizeof kinds[0]; i++)
            rc = kinds[i](buf_bytes(&content), lint);
        if (rc == RC_FORMAT)
            err_set(err, rc, "%s: no certificate, no revocation list and no OCSP response", path);
    }
    buf_wipe(&content);
    return rc;
}

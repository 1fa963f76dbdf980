/* lint.c — findings and their sections, certificates, files. */
#include "ca/lint.h"

#include "base/file.h"
#include "pki/cert.h"
#include "pki/der.h"
#include "pki/profile.h"
#include "pki/suite.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#define FILE_MAX_BYTES (1u << 30)

/* Where each field is ruled. */
static const struct {
    const char *field, *section;
} sections[] = {
    { "version", "RFC 5280 §4.1.2.1" },
    { "serialNumber", "RFC 5280 §4.1.2.2" },
    { "signature", "RFC 5280 §4.1.2.3, docs/PROFILE.md Suites" },
    { "signatureAlgorithm", "RFC 5280 §4.1.1.2" },
    { "issuer", "RFC 5280 §4.1.2.4, docs/PROFILE.md Names" },
    { "validity", "RFC 5280 §4.1.2.5, docs/PROFILE.md Validity" },
    { "subject", "RFC 5280 §4.1.2.6, docs/PROFILE.md Names" },
    { "subjectPublicKeyInfo", "RFC 5280 §4.1.2.7, docs/PROFILE.md Suites" },
    { "uniqueID", "RFC 5280 §4.1.2.8" },
    { "keyUsage", "RFC 5280 §4.2.1.3" },
    { "extKeyUsage", "RFC 5280 §4.2.1.12" },
    { "subjectAltName", "RFC 5280 §4.2.1.6" },
    { "issuerAltName", "RFC 5280 §4.2.1.7" },
    { "basicConstraints", "RFC 5280 §4.2.1.9" },
    { "certificatePolicies", "RFC 5280 §4.2.1.4" },
    { "cRLDistributionPoints", "RFC 5280 §4.2.1.13, docs/PROFILE.md Distribution points" },
    { "authorityInfoAccess", "RFC 5280 §4.2.2.1" },
    { "subjectKeyIdentifier", "RFC 5280 §4.2.1.2" },
    { "ocspNoCheck", "RFC 6960 §4.2.2.2.1" },
    { "authorityKeyIdentifier", "RFC 5280 §4.2.1.1" },
    { "crl version", "RFC 5280 §5.1.2.1" },
    { "crl signature", "RFC 5280 §5.1.2.2, docs/PROFILE.md Suites" },
    { "crl issuer", "RFC 5280 §5.1.2.3, docs/PROFILE.md Names" },
    { "thisUpdate", "RFC 5280 §5.1.2.4" },
    { "nextUpdate", "RFC 5280 §5.1.2.5, docs/PROFILE.md Revocation lists" },
    { "revokedCertificates", "RFC 5280 §5.1.2.6" },
    { "userCertificate", "RFC 5280 §5.1.2.6" },
    { "revocationDate", "RFC 5280 §5.1.2.6" },
    { "reasonCode", "RFC 5280 §5.3.1, docs/PROFILE.md Revocation lists" },
    { "crlEntryExtensions", "RFC 5280 §5.3" },
    { "cRLNumber", "RFC 5280 §5.2.3" },
    { "issuingDistributionPoint", "RFC 5280 §5.2.5, docs/PROFILE.md Distribution points" },
    { "crlExtensions", "RFC 5280 §5.2, docs/PROFILE.md Revocation lists" },
    { "responseStatus", "RFC 6960 §4.2.1" },
    { "responseType", "RFC 6960 §4.2.1" },
    { "responseData", "RFC 6960 §4.2.1" },
    { "responderID", "RFC 6960 §4.2.2.3, docs/PROFILE.md OCSP responses" },
    { "producedAt", "RFC 6960 §4.2.2.1" },
    { "certID", "RFC 6960 §4.1.1" },
    { "certStatus", "RFC 6960 §4.2.1" },
    { "revocationTime", "RFC 6960 §4.2.1" },
    { "ocsp thisUpdate", "RFC 6960 §4.2.2.1" },
    { "ocsp nextUpdate", "RFC 6960 §4.2.2.1, RFC 5019 §2.2.4" },
    { "nonce", "RFC 9654 §2.1" },
    { "responseExtensions", "RFC 6960 §4.4" },
    { "singleExtensions", "RFC 6960 §4.4" },
    { "certs", "RFC 6960 §4.2.2.2, docs/PROFILE.md OCSP responses" },
};

void lint_add(struct lint *lint, const char *field, const char *rule)
{
    const char *section = "docs/PROFILE.md Extensions"; /* of an extension that no profile has, by its number */
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++)
        if (strcmp(sections[i].field, field) == 0)
            section = sections[i].section;
    if (lint->count < LINT_MAX) {
        struct lint_finding *finding = &lint->findings[lint->count];
        snprintf(finding->field, sizeof finding->field, "%s", field);
        snprintf(finding->rule, sizeof finding->rule, "%s", rule);
        finding->section = section;
    }
    lint->count++;
}

void lint_tell(void *context, const char *field, const char *rule)
{
    lint_add(context, field, rule);
}

void lint_algorithm(struct lint *lint, struct bytes inside, struct bytes outside)
{
    enum suite suite;
    if (!bytes_equal(inside, outside))
        lint_add(lint, "signatureAlgorithm", "not the algorithm that the signed part names");
    else if (suite_of_algorithm(outside, &suite))
        lint_add(lint, "signatureAlgorithm", "of no suite of the house");
}

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

/* lintocsp.c — OCSP responses, from the bytes: OpenSSL does not show all of them. */
#include "ca/lint.h"

#include "ca/crlwalk.h"
#include "pki/cert.h"
#include "pki/der.h"
#include "pki/statusform.h"
#include "pki/suite.h"

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <string.h>

static const uint8_t oid_basic[] = { 0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01 };
static const uint8_t oid_sha1[] = { 0x2B, 0x0E, 0x03, 0x02, 0x1A };
static const uint8_t oid_sha256[] = { 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01 };

#define BYTES(array) bytes_of(array, sizeof(array))

/* "20261123093000Z"; RC_FORMAT for anything else. */
static enum rc lint_general_time(struct bytes content, int64_t *out)
{
    ASN1_GENERALIZEDTIME *time = ASN1_GENERALIZEDTIME_new();
    enum rc rc = RC_FORMAT;
    if (time && content.len == 15 && content.data[14] == 'Z' && ASN1_STRING_set(time, content.data, 15))
        rc = cert_time(time, out);
    ASN1_GENERALIZEDTIME_free(time);
    return rc;
}

/* CertID: SHA-1 or SHA-256, hashes of its length, a positive number. */
static void lint_certid(struct lint *lint, struct bytes id)
{
    struct bytes algorithm, oid, name, key, serial;
    if (der_expect(&id, 0x30, &algorithm, NULL) || der_expect(&algorithm, 0x06, &oid, NULL) ||
        der_expect(&id, 0x04, &name, NULL) || der_expect(&id, 0x04, &key, NULL) || der_expect(&id, 0x02, &serial, NULL) ||
        id.len) {
        lint_add(lint, "certID", "cannot be decoded");
        return;
    }
    size_t want = bytes_equal(oid, BYTES(oid_sha1)) ? 20 : bytes_equal(oid, BYTES(oid_sha256)) ? 32 : 0;
    if (!want)
        lint_add(lint, "certID", "hashed with SHA-1 or SHA-256");
    else if (name.len != want || key.len != want)
        lint_add(lint, "certID", "hashes that are not of their algorithm's length");
}

static void lint_revoked(struct lint *lint, struct bytes info, int64_t produced)
{
    struct bytes time, reason, code;
    int64_t when;
    if (der_expect(&info, 0x18, &time, NULL) || lint_general_time(time, &when))
        lint_add(lint, "revocationTime", "must be GeneralizedTime in seconds and Z");
    else if (when > produced)
        lint_add(lint, "revocationTime", "later than the response");
    if (!info.len)
        return;
    if (der_expect(&info, 0xA0, &reason, NULL) || info.len || der_expect(&reason, 0x0A, &code, NULL) || reason.len ||
        code.len != 1)
        lint_add(lint, "reasonCode", "cannot be decoded");
    else if (code.data[0] == 0)
        lint_add(lint, "reasonCode", "unspecified is left out");
    else if (!crlwalk_reason(code.data[0]))
        lint_add(lint, "reasonCode", "none of the house's reasons: 1 to 6");
}

static void lint_single(struct lint *lint, struct bytes single, int64_t produced)
{
    struct bytes id, status, time, next, content;
    unsigned tag = 0;
    int64_t from = INT64_MAX, to;
    if (der_expect(&single, 0x30, &id, NULL) || der_next(&single, &tag, &status, NULL)) {
        lint_add(lint, "responseData", "an answer cannot be decoded");
        return;
    }
    lint_certid(lint, id);
    if (tag == 0xA1)
        lint_revoked(lint, status, produced);
    else if ((tag != 0x80 && tag != 0x82) || status.len)
        lint_add(lint, "certStatus", "must be good, revoked or unknown");
    if (der_expect(&single, 0x18, &time, NULL) || lint_general_time(time, &from))
        lint_add(lint, "ocsp thisUpdate", "must be GeneralizedTime in seconds and Z");
    else if (from > produced)
        lint_add(lint, "ocsp thisUpdate", "later than producedAt");
    if (der_expect(&single, 0xA0, &next, NULL))
        lint_add(lint, "ocsp nextUpdate", "missing");
    else if (der_expect(&next, 0x18, &content, NULL) || next.len || lint_general_time(content, &to))
        lint_add(lint, "ocsp nextUpdate", "must be GeneralizedTime in seconds and Z");
    else if (from != INT64_MAX && to <= from)
        lint_add(lint, "ocsp nextUpdate", "must come after thisUpdate");
    if (single.len)
        lint_add(lint, "singleExtensions", "none in an answer of the house");
}

static void lint_response_extensions(struct lint *lint, struct bytes wrapped)
{
    const unsigned char *at = wrapped.data;
    X509_EXTENSIONS *extensions = d2i_X509_EXTENSIONS(NULL, &at, (long)wrapped.len);
    if (!extensions || at != wrapped.data + wrapped.len || !sk_X509_EXTENSION_num(extensions))
        lint_add(lint, "responseExtensions", "cannot be decoded");
    else
        statusform_lint(STATUSFORM_ANSWER, extensions, NULL, lint_tell, lint);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    ERR_clear_error();
}

/* RFC 6960 §4.2.1: [0] version left out for v1, [1] byName or [2] byKey, producedAt, the answers, [1] extensions. */
static void lint_data(struct lint *lint, struct bytes data)
{
    struct bytes content, key, answers, answer;
    unsigned tag = 0;
    int64_t produced = INT64_MAX;
    if (der_next(&data, &tag, &content, NULL)) {
        lint_add(lint, "responseData", "cannot be decoded");
        return;
    }
    if (tag == 0xA0) {
        lint_add(lint, "responseData", "version 1 is left out, and there is no other");
        if (der_next(&data, &tag, &content, NULL))
            return;
    }
    if (tag != 0xA2 || der_expect(&content, 0x04, &key, NULL) || content.len || key.len != 20)
        lint_add(lint, "responderID", "must be the SHA-1 of the responder's key");
    if (der_expect(&data, 0x18, &content, NULL) || lint_general_time(content, &produced)) {
        lint_add(lint, "producedAt", "must be GeneralizedTime in seconds and Z");
        produced = INT64_MAX;
    }
    if (der_expect(&data, 0x30, &answers, NULL) || !answers.len) {
        lint_add(lint, "responseData", "without an answer");
        return;
    }
    while (answers.len) {
        if (der_expect(&answers, 0x30, &answer, NULL)) {
            lint_add(lint, "responseData", "an answer cannot be decoded");
            return;
        }
        lint_single(lint, answer, produced);
    }
    if (data.len && der_expect(&data, 0xA1, &content, NULL) == RC_OK && !data.len)
        lint_response_extensions(lint, content);
    else if (data.len)
        lint_add(lint, "responseExtensions", "cannot be decoded");
}

static void count_finding(void *context, const char *field, const char *rule)
{
    (void)field, (void)rule;
    ++*(unsigned *)context;
}

/* By the profile of responders of either authority. */
bool lint_responder(struct bytes cert)
{
    static const enum profile_kind kinds[] = { PROFILE_SIGN_OCSP, PROFILE_AUTH_OCSP };
    struct bytes body, inner, tbs;
    bool sound = false;
    if (der_expect(&cert, 0x30, &body, NULL) || cert.len || der_expect(&body, 0x30, &inner, &tbs))
        return false;
    for (size_t i = 0; !sound && i < 2; i++) {
        unsigned found = 0;
        sound = profile_lint_tbs(kinds[i], tbs, count_finding, &found) == RC_OK && !found;
    }
    return sound;
}

/* One certificate: who answered. */
static void lint_certs(struct lint *lint, struct bytes wrapped, struct bytes responder)
{
    struct bytes certs, cert, whole, tbs, inner;
    if (der_expect(&wrapped, 0x30, &certs, NULL) || wrapped.len || der_expect(&certs, 0x30, &cert, &whole) || certs.len ||
        der_expect(&cert, 0x30, &inner, &tbs))
        lint_add(lint, "certs", "must hold the responder's certificate and no other");
    else if (!(responder.len && bytes_equal(whole, responder)) && !lint_responder(whole))
        lint_add(lint, "certs", "a certificate that is not of a responder's profile");
}

static enum rc lint_basic(struct lint *lint, struct bytes basic, struct bytes responder)
{
    struct bytes body, data, content, algorithm, bits, certs;
    enum suite suite;
    if (der_expect(&basic, 0x30, &body, NULL) || basic.len || der_expect(&body, 0x30, &data, NULL) ||
        der_expect(&body, 0x30, &content, &algorithm) || der_expect(&body, 0x03, &bits, NULL))
        return RC_FORMAT;
    lint_data(lint, data);
    if (suite_of_algorithm(algorithm, &suite))
        lint_add(lint, "signatureAlgorithm", "of no suite of the house");
    if (der_expect(&body, 0xA0, &certs, NULL) || body.len)
        lint_add(lint, "certs", "must hold the responder's certificate and no other");
    else
        lint_certs(lint, certs, responder);
    return RC_OK;
}

enum rc lint_ocsp_data(struct bytes tbs, struct lint *lint)
{
    struct bytes data;
    *lint = (struct lint) { .what = "OCSP response data" };
    if (der_expect(&tbs, 0x30, &data, NULL) || tbs.len)
        return RC_FORMAT;
    lint_data(lint, data);
    return RC_OK;
}

enum rc lint_ocsp(struct bytes der, struct lint *lint)
{
    return lint_ocsp_by(der, bytes_of(NULL, 0), lint);
}

enum rc lint_ocsp_by(struct bytes der, struct bytes responder, struct lint *lint)
{
    struct bytes rest = der, body, status, wrapped, bytes, type, basic;
    *lint = (struct lint) { .what = "OCSP response" };
    if (der_expect(&rest, 0x30, &body, NULL) || rest.len || der_expect(&body, 0x0A, &status, NULL) || status.len != 1)
        return RC_FORMAT;
    bool successful = status.data[0] == 0;
    if (status.data[0] > 6 || status.data[0] == 4)
        lint_add(lint, "responseStatus", "no status of the standard");
    if (!body.len) {
        if (successful)
            lint_add(lint, "responseStatus", "successful, and without an answer");
        return RC_OK;
    }
    if (der_expect(&body, 0xA0, &wrapped, NULL) || body.len || der_expect(&wrapped, 0x30, &bytes, NULL) || wrapped.len ||
        der_expect(&bytes, 0x06, &type, NULL) || der_expect(&bytes, 0x04, &basic, NULL) || bytes.len)
        return RC_FORMAT;
    if (!successful)
        lint_add(lint, "responseStatus", "not successful, and with an answer");
    if (!bytes_equal(type, BYTES(oid_basic))) {
        lint_add(lint, "responseType", "must be id-pkix-ocsp-basic");
        return RC_OK;
    }
    return lint_basic(lint, basic, responder);
}

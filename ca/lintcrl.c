/* lintcrl.c — revocation lists: head and entries from the bytes, extensions by the rows of pki/statusform.h. It names all that is
 * wrong; who signs and publishes stops at the first (crlwalk.h, crljudge.h). */
#include "ca/lint.h"

#include "ca/crljudge.h"
#include "pki/authority.h"
#include "pki/cert.h"
#include "pki/der.h"
#include "pki/statusform.h"
#include "pki/suite.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

enum { TAG_INTEGER = 0x02, TAG_BITS = 0x03, TAG_SEQUENCE = 0x30, TAG_UTC = 0x17, TAG_GENERAL = 0x18, TAG_EXTENSIONS = 0xA0 };

/* A time as RFC 5280 §5.1.2.4 writes it: UTCTime to 2049, seconds and Z. */
static bool lint_time(unsigned tag, struct bytes content, int64_t *out)
{
    ASN1_TIME *time = ASN1_STRING_type_new(tag == TAG_UTC ? V_ASN1_UTCTIME : V_ASN1_GENERALIZEDTIME);
    struct tm tm;
    bool sound = (tag == TAG_UTC || tag == TAG_GENERAL) && time && content.len == (tag == TAG_UTC ? 13u : 15u) &&
                 ASN1_STRING_set(time, content.data, (int)content.len) && ASN1_TIME_to_tm(time, &tm) == 1 &&
                 cert_time(time, out) == RC_OK && (tag == TAG_UTC) == (tm.tm_year + 1900 < 2050) &&
                 content.data[content.len - 1] == 'Z';
    ASN1_TIME_free(time);
    return sound;
}

/* A positive INTEGER in its shortest form, at most 20 bytes. */
static bool lint_number(struct bytes content)
{
    bool padded = content.len > 1 && content.data[0] == 0 && !(content.data[1] & 0x80);
    bool zero = content.len == 1 && content.data[0] == 0;
    return content.len >= 1 && content.len <= 20 && !(content.data[0] & 0x80) && !padded && !zero;
}

/* SEQUENCE { SEQUENCE { OID reasonCode, OCTET STRING { ENUMERATED } } }, and nothing else. */
static void lint_entry_extensions(struct lint *lint, struct bytes extensions)
{
    static const uint8_t reason_code[] = { 0x55, 0x1D, 0x15 };
    struct bytes one, oid, value, code;
    if (der_expect(&extensions, TAG_SEQUENCE, &one, NULL) || extensions.len || der_expect(&one, 0x06, &oid, NULL) ||
        !bytes_equal(oid, bytes_of(reason_code, sizeof reason_code))) {
        lint_add(lint, "crlEntryExtensions", "reasonCode alone");
        return;
    }
    if (der_expect(&one, 0x04, &value, NULL) || one.len) {
        lint_add(lint, "reasonCode", "must not be critical");
        return;
    }
    if (der_expect(&value, 0x0A, &code, NULL) || value.len || code.len != 1)
        lint_add(lint, "reasonCode", "cannot be decoded");
    else if (code.data[0] == 0)
        lint_add(lint, "reasonCode", "unspecified is left out");
    else if (!crlwalk_reason(code.data[0]))
        lint_add(lint, "reasonCode", "none of the house's reasons: 1 to 6");
}

static void lint_entry(struct lint *lint, struct bytes entry, int64_t this_update, struct bytes *serial)
{
    struct bytes time, extensions;
    unsigned tag = 0;
    int64_t when;
    *serial = bytes_of(NULL, 0);
    if (der_expect(&entry, TAG_INTEGER, serial, NULL) || der_next(&entry, &tag, &time, NULL)) {
        lint_add(lint, "revokedCertificates", "an entry without number or time");
        return;
    }
    if (!lint_number(*serial))
        lint_add(lint, "userCertificate", "must be positive, in its shortest form, and at most 20 bytes");
    if (!lint_time(tag, time, &when))
        lint_add(lint, "revocationDate", "must be UTCTime to 2049, GeneralizedTime from 2050, in seconds and Z");
    else if (when > this_update)
        lint_add(lint, "revocationDate", "later than the list");
    if (!entry.len)
        return;
    if (der_expect(&entry, TAG_SEQUENCE, &extensions, NULL) || entry.len)
        lint_add(lint, "crlEntryExtensions", "cannot be decoded");
    else
        lint_entry_extensions(lint, extensions);
}

/* By value, so by length first: lint_number has seen to the shortest form. */
static int serial_order(struct bytes x, struct bytes y)
{
    if (x.len != y.len)
        return x.len < y.len ? -1 : 1;
    return x.len ? memcmp(x.data, y.data, x.len) : 0;
}

static void lint_entries(struct lint *lint, struct bytes entries, int64_t this_update)
{
    struct bytes before = { 0 }, serial, entry;
    bool rising = true;
    if (!entries.len)
        lint_add(lint, "revokedCertificates", "an empty list of entries is left out");
    while (entries.len) {
        if (der_expect(&entries, TAG_SEQUENCE, &entry, NULL)) {
            lint_add(lint, "revokedCertificates", "an entry cannot be decoded");
            break;
        }
        lint_entry(lint, entry, this_update, &serial);
        rising = rising && (!before.len || !lint_number(serial) || serial_order(before, serial) < 0);
        before = serial;
    }
    if (!rising)
        lint_add(lint, "userCertificate", "not above the one before it: the numbers rise, and none stands there twice");
}

/* --- the list ------------------------------------------------------------------------------------------------------------- */

static void lint_issuer(struct lint *lint, const X509_NAME *issuer, enum authority *authority)
{
    char organisation[65] = "";
    X509_NAME *want = NULL;
    if (authority_of_name(issuer, authority))
        *authority = AUTHORITY_OPS;
    (void)X509_NAME_get_text_by_NID(issuer, NID_organizationName, organisation, sizeof organisation);
    unsigned char *a = NULL, *b = NULL;
    bool same = false;
    if (organisation[0] && authority_dn(*authority, organisation, &want) == RC_OK) {
        int len_a = i2d_X509_NAME(issuer, &a), len_b = i2d_X509_NAME(want, &b);
        same = len_a > 0 && len_b > 0 && bytes_equal(bytes_of(a, (size_t)len_a), bytes_of(b, (size_t)len_b));
    }
    if (!same)
        lint_add(lint, "crl issuer", "not an authority's name");
    OPENSSL_free(a);
    OPENSSL_free(b);
    X509_NAME_free(want);
}

static void lint_times(struct lint *lint, struct bytes *body, int64_t *this_update)
{
    struct bytes time, look;
    unsigned tag = 0;
    int64_t next;
    *this_update = INT64_MAX;
    if (der_next(body, &tag, &time, NULL) || !lint_time(tag, time, this_update)) {
        lint_add(lint, "thisUpdate", "must be UTCTime to 2049, GeneralizedTime from 2050, in seconds and Z");
        *this_update = INT64_MAX;
    }
    look = *body;
    if (der_next(&look, &tag, &time, NULL) || (tag != TAG_UTC && tag != TAG_GENERAL)) {
        lint_add(lint, "nextUpdate", "missing");
        return;
    }
    *body = look;
    if (!lint_time(tag, time, &next))
        lint_add(lint, "nextUpdate", "must be UTCTime to 2049, GeneralizedTime from 2050, in seconds and Z");
    else if (*this_update != INT64_MAX && (next <= *this_update || next - *this_update > CRLJUDGE_LONGEST))
        lint_add(lint, "nextUpdate", "must come after thisUpdate, within eight days");
}

/* Head and entries, from the bytes. */
static enum rc lint_tbs(struct lint *lint, struct bytes body, struct bytes outside)
{
    struct bytes content, algorithm, look = body;
    unsigned tag = 0;
    int64_t this_update;
    if (der_next(&look, &tag, &content, NULL))
        return RC_FORMAT;
    if (tag == TAG_INTEGER)
        body = look;
    if (tag != TAG_INTEGER || content.len != 1 || content.data[0] != 1)
        lint_add(lint, "crl version", "must be 2");
    if (der_expect(&body, TAG_SEQUENCE, &content, &algorithm))
        return RC_FORMAT;
    enum suite suite;
    if (suite_of_algorithm(algorithm, &suite))
        lint_add(lint, "crl signature", "must be sha256WithRSAEncryption with NULL, or ecdsa-with-SHA384 without parameters");
    else if (!bytes_equal(algorithm, outside))
        lint_add(lint, "signatureAlgorithm", "not the algorithm that the signed part names");
    if (der_expect(&body, TAG_SEQUENCE, &content, NULL)) /* issuer: as OpenSSL reads it */
        return RC_FORMAT;
    lint_times(lint, &body, &this_update);
    look = body;
    if (look.len && der_next(&look, &tag, &content, NULL) == RC_OK && tag == TAG_SEQUENCE)
        lint_entries(lint, content, this_update);
    return RC_OK;
}

enum rc lint_crl(struct bytes der, struct lint *lint)
{
    struct bytes rest = der, body, tbs, skip, outside, bits;
    const unsigned char *at = der.data;
    *lint = (struct lint) { .what = "revocation list" };
    if (der_expect(&rest, TAG_SEQUENCE, &body, NULL) || rest.len || der_expect(&body, TAG_SEQUENCE, &tbs, NULL) ||
        der_expect(&body, TAG_SEQUENCE, &skip, &outside) || der_expect(&body, TAG_BITS, &bits, NULL) || body.len)
        return RC_FORMAT;
    X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)der.len);
    if (!crl) {
        ERR_clear_error();
        return RC_FORMAT;
    }
    enum authority authority;
    const X509_EXTENSIONS *extensions = X509_CRL_get0_extensions(crl);
    enum rc rc = lint_tbs(lint, tbs, outside);
    if (!rc) {
        lint_issuer(lint, X509_CRL_get_issuer(crl), &authority);
        statusform_lint(statusform_of_list(authority, extensions), extensions, X509_CRL_get_issuer(crl), lint_tell, lint);
    }
    X509_CRL_free(crl);
    return rc;
}

/* lintcrl.c — revocation lists: head and entries from the bytes, extensions as OpenSSL reads them. */
#include "ca/lint.h"

#include "pki/authority.h"
#include "pki/cert.h"
#include "pki/der.h"
#include "pki/suite.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST (8 * 86400)

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
    else if (code.data[0] > 6)
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

static int serial_order(const void *a, const void *b)
{
    const struct bytes *x = a, *y = b;
    if (x->len != y->len)
        return x->len < y->len ? -1 : 1;
    return x->len ? memcmp(x->data, y->data, x->len) : 0;
}

static enum rc lint_entries(struct lint *lint, struct bytes entries, int64_t this_update)
{
    struct bytes *serials = NULL;
    size_t count = 0, room = 0;
    if (!entries.len)
        lint_add(lint, "revokedCertificates", "an empty list of entries is left out");
    while (entries.len) {
        struct bytes entry;
        if (der_expect(&entries, TAG_SEQUENCE, &entry, NULL)) {
            lint_add(lint, "revokedCertificates", "an entry cannot be decoded");
            break;
        }
        if (count == room) {
            room = room ? 2 * room : 64;
            struct bytes *more = realloc(serials, room * sizeof *serials);
            if (!more) {
                free(serials);
                return RC_NOMEM;
            }
            serials = more;
        }
        lint_entry(lint, entry, this_update, &serials[count++]);
    }
    if (count)
        qsort(serials, count, sizeof *serials, serial_order);
    for (size_t i = 1; i < count; i++)
        if (serial_order(&serials[i - 1], &serials[i]) == 0) {
            lint_add(lint, "userCertificate", "a number stands there twice");
            break;
        }
    free(serials);
    return RC_OK;
}

/* --- extensions ----------------------------------------------------------------------------------------------------------- */

static const char *flaw_of_key(X509_CRL *crl)
{
    AUTHORITY_KEYID *key = X509_CRL_get_ext_d2i(crl, NID_authority_key_identifier, NULL, NULL);
    const char *flaw = !key ? "cannot be decoded"
                       : !key->keyid || ASN1_STRING_length(key->keyid) != 20 ? "must have a key identifier of 20 bytes"
                       : key->issuer || key->serial ? "must have a key identifier and nothing else"
                                                    : NULL;
    AUTHORITY_KEYID_free(key);
    return flaw;
}

static const char *flaw_of_number(X509_CRL *crl)
{
    ASN1_INTEGER *number = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
    int64_t small;
    const char *flaw = NULL;
    if (!number)
        flaw = "cannot be decoded";
    else if ((ASN1_STRING_type(number) & V_ASN1_NEG) || ASN1_STRING_length(number) > 20 ||
             (ASN1_INTEGER_get_int64(&small, number) && small < 1))
        flaw = "must be positive and at most 20 bytes";
    ASN1_INTEGER_free(number);
    return flaw;
}

/* The full name of a point of the issuer, and onlyContainsCACerts exactly for its own. */
static const char *flaw_of_scope(X509_CRL *crl)
{
    ISSUING_DIST_POINT *scope = X509_CRL_get_ext_d2i(crl, NID_issuing_distribution_point, NULL, NULL);
    struct buf path = { 0 };
    const char *flaw = NULL;
    if (!scope)
        return "cannot be decoded";
    GENERAL_NAMES *names = scope->distpoint && scope->distpoint->type == 0 ? scope->distpoint->name.fullname : NULL;
    GENERAL_NAME *name = sk_GENERAL_NAME_num(names) == 1 ? sk_GENERAL_NAME_value(names, 0) : NULL;
    X509_NAME *point = name && name->type == GEN_DIRNAME ? name->d.directoryName : NULL;
    if (!point)
        flaw = "must be one directoryName";
    else if (authority_crl_path(point, &path, NULL))
        flaw = "not a point of the house";
    else if ((scope->onlyCA > 0) != (X509_NAME_cmp(point, X509_CRL_get_issuer(crl)) == 0))
        flaw = "onlyContainsCACerts stands in the authority's own list and in no other";
    else if (scope->onlyuser > 0 || scope->onlyattr > 0 || scope->indirectCRL > 0 || scope->onlysomereasons)
        flaw = "covers all certificates of its point for all reasons";
    buf_wipe(&path);
    ISSUING_DIST_POINT_free(scope);
    return flaw;
}

static const struct {
    int nid;
    const char *name;
    bool critical, of_cards; /* of_cards: not in the operations authority's list */
    const char *(*flaw)(X509_CRL *crl);
} rows[] = {
    { NID_authority_key_identifier, "authorityKeyIdentifier", false, false, flaw_of_key },
    { NID_crl_number, "cRLNumber", false, false, flaw_of_number },
    { NID_issuing_distribution_point, "issuingDistributionPoint", true, true, flaw_of_scope },
};

static void lint_crl_extensions(struct lint *lint, X509_CRL *crl, bool of_cards)
{
    int at = 0, total = X509_CRL_get_ext_count(crl);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int found = X509_CRL_get_ext_by_NID(crl, rows[i].nid, -1);
        if (rows[i].of_cards && !of_cards)
            continue;
        if (found < 0) {
            lint_add(lint, rows[i].name, "missing");
            continue;
        }
        if (found < at)
            lint_add(lint, rows[i].name, "not in its place");
        at = found;
        if (X509_EXTENSION_get_critical(X509_CRL_get_ext(crl, found)) != (int)rows[i].critical)
            lint_add(lint, rows[i].name, rows[i].critical ? "must be critical" : "must not be critical");
        const char *flaw = rows[i].flaw(crl);
        if (flaw)
            lint_add(lint, rows[i].name, flaw);
    }
    for (int i = 0; i < total; i++) {
        int nid = OBJ_obj2nid(X509_EXTENSION_get_object(X509_CRL_get_ext(crl, i)));
        bool known = false;
        for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++)
            known = known || (rows[r].nid == nid && (of_cards || !rows[r].of_cards) && X509_CRL_get_ext_by_NID(crl, nid, i) < 0);
        if (!known)
            lint_add(lint, "crlExtensions", "an extension that a list of the house does not have, or a second one");
    }
}

/* --- the list ------------------------------------------------------------------------------------------------------------- */

static void lint_issuer(struct lint *lint, const X509_NAME *issuer, bool *of_cards)
{
    enum authority authority = AUTHORITY_OPS;
    char organisation[65] = "";
    X509_NAME *want = NULL;
    *of_cards = authority_of_name(issuer, &authority) == RC_OK;
    (void)X509_NAME_get_text_by_NID(issuer, NID_organizationName, organisation, sizeof organisation);
    unsigned char *a = NULL, *b = NULL;
    bool same = false;
    if (organisation[0] && authority_dn(authority, organisation, &want) == RC_OK) {
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
    else if (*this_update != INT64_MAX && (next <= *this_update || next - *this_update > LONGEST))
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
        return lint_entries(lint, content, this_update);
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
    bool of_cards = true;
    enum rc rc = lint_tbs(lint, tbs, outside);
    if (!rc) {
        lint_issuer(lint, X509_CRL_get_issuer(crl), &of_cards);
        lint_crl_extensions(lint, crl, of_cards);
    }
    X509_CRL_free(crl);
    return rc;
}

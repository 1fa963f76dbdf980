/* profile.c — the judge of to-be-signed certificates: everything but the content of extensions. The bytes are put into
 * a certificate with a signature of no value, so that OpenSSL reads them as anyone will who gets the real one. */
#include "pki/profile.h"

#include "pki/cert.h"
#include "pki/der.h"
#include "pki/municipality.h"
#include "pki/profile_content.h"

#include <openssl/rsa.h>
#include <stdio.h>
#include <string.h>

#define DAY 86400
enum { PROFILE_END_OF_DAY = 14 * 3600 + 59 * 60 + 59 }; /* 23:59:59 in Japan, in UTC */

/* The longest life of each kind: the suite's years and the months of early renewal for a card, the suite's years for an
 * authority, two for operations, each with its leap days; two weeks for who answers OCSP, whose certificate
 * nobody checks for revocation. */
static int64_t profile_longest(enum profile_kind kind, const struct suite_row *suite)
{
    int years = suite->authority_years;
    switch (kind) {
    case PROFILE_SIGN_CA:
    case PROFILE_AUTH_CA:
    case PROFILE_OPS_CA:
    case PROFILE_SIGN_LINK:
    case PROFILE_AUTH_LINK:
    case PROFILE_OPS_LINK:
        return (int64_t)(years * 365 + years / 4 + 1) * DAY;
    case PROFILE_SIGN:
    case PROFILE_AUTH:
        years = suite->birthdays;
        return (int64_t)(years * 365 + years / 4 + 1 + (suite->renewal_months + suite->grace_months) * 31) * DAY;
    case PROFILE_SIGN_OCSP:
    case PROFILE_AUTH_OCSP:
        return (int64_t)14 * DAY;
    case PROFILE_NODE:
    case PROFILE_OFFICER:
    case PROFILE_VERIFIER:
    case PROFILE_TIME_STAMP:
    case PROFILE_DOCUMENT_SEAL:
    case PROFILE_COUNT:
        break;
    }
    return (int64_t)732 * DAY;
}

static bool profile_is_link(enum profile_kind kind)
{
    return kind == PROFILE_SIGN_LINK || kind == PROFILE_AUTH_LINK || kind == PROFILE_OPS_LINK;
}

/* Subject and issuer are the authority itself. */
static bool profile_is_ca(enum profile_kind kind)
{
    return kind == PROFILE_SIGN_CA || kind == PROFILE_AUTH_CA || kind == PROFILE_OPS_CA || profile_is_link(kind);
}

/* A finding: told, and counted. */
static void profile_tell(struct profile_case *one, const char *field, const char *rule)
{
    one->found++;
    one->tell(one->context, field, rule);
}

/* SEQUENCE { tbs, its own algorithm, BIT STRING of one zero bit byte }. RC_FORMAT when OpenSSL does not read it, or
 * would have written it otherwise. */
enum rc profile_read_tbs(struct bytes tbs, X509 **cert)
{
    struct bytes rest = tbs, body, skipped, algorithm;
    struct buf inner = {0}, outer = {0};
    unsigned char *again = NULL;
    X509 *parsed = NULL;
    enum rc rc = RC_FORMAT;
    if (der_expect(&rest, 0x30, &body, NULL) || rest.len || der_expect(&body, 0xA0, &skipped, NULL) ||
        der_expect(&body, 0x02, &skipped, NULL) || der_expect(&body, 0x30, &skipped, &algorithm))
        return RC_FORMAT;
    rc = buf_append_bytes(&inner, tbs);
    if (rc == RC_OK)
        rc = buf_append_bytes(&inner, algorithm);
    if (rc == RC_OK)
        rc = der_append(&inner, 0x03, bytes_of("\0\0", 2));
    if (rc == RC_OK)
        rc = der_append(&outer, 0x30, buf_bytes(&inner));
    if (rc == RC_OK)
        rc = cert_parse(buf_bytes(&outer), &parsed);
    if (rc)
        goto out;
    int len = i2d_re_X509_tbs(parsed, &again);
    if (len <= 0 || !bytes_equal(bytes_of(again, (size_t)len), tbs)) {
        rc = RC_FORMAT;
        goto out;
    }
    *cert = parsed;
    parsed = NULL;
out:
    X509_free(parsed);
    OPENSSL_free(again);
    buf_wipe(&outer);
    buf_wipe(&inner);
    return rc;
}

/* The suite by the algorithm that the certificate is to be signed with. */
static enum rc profile_suite(X509 *cert, enum suite *suite)
{
    unsigned char *der = NULL;
    int len = i2d_X509_ALGOR(X509_get0_tbs_sigalg(cert), &der);
    enum rc rc = len > 0 ? suite_of_algorithm(bytes_of(der, (size_t)len), suite) : RC_NOMEM;
    OPENSSL_free(der);
    return rc;
}

static void profile_check_head(struct profile_case *one)
{
    X509 *cert = one->cert;
    if (X509_get_version(cert) != X509_VERSION_3)
        profile_tell(one, "version", "must be 3");
    const ASN1_INTEGER *serial = X509_get0_serialNumber(cert);
    int64_t small;
    bool zero = ASN1_INTEGER_get_int64(&small, serial) && small == 0;
    if ((ASN1_STRING_type(serial) & V_ASN1_NEG) || zero || ASN1_STRING_length(serial) > 20)
        profile_tell(one, "serialNumber", "must be positive and at most 20 bytes");
    one->has_suite = !profile_suite(cert, &one->suite);
    if (!one->has_suite)
        profile_tell(one, "signature", "must be sha256WithRSAEncryption with NULL, or ecdsa-with-SHA384 without parameters");
    const ASN1_BIT_STRING *issuer_id, *subject_id;
    X509_get0_uids(cert, &issuer_id, &subject_id);
    if (issuer_id || subject_id)
        profile_tell(one, "uniqueID", "must be absent");
}

/* A time as RFC 5280 §4.1.2.5 writes it. */
static bool profile_time(const ASN1_TIME *time, int64_t *out)
{
    struct tm tm;
    int year = ASN1_TIME_to_tm(time, &tm) ? tm.tm_year + 1900 : 0;
    bool utc = ASN1_STRING_type(time) == V_ASN1_UTCTIME;
    return cert_time(time, out) == RC_OK && utc == (year < 2050) && ASN1_STRING_length(time) == (utc ? 13 : 15);
}

static void profile_check_validity(struct profile_case *one)
{
    int64_t from, to;
    if (!profile_time(X509_get0_notBefore(one->cert), &from) || !profile_time(X509_get0_notAfter(one->cert), &to)) {
        profile_tell(one, "validity", "must be UTCTime to 2049, GeneralizedTime from 2050, in seconds and Z");
        return;
    }
    if (from >= to) {
        profile_tell(one, "validity", "ends before it begins");
        return;
    }
    if (to % DAY != PROFILE_END_OF_DAY)
        profile_tell(one, "validity", "must end at 14:59:59Z");
    if (one->has_suite && to - from > profile_longest(one->kind, suite_row(one->suite)))
        profile_tell(one, "validity", "too long");
}

static void profile_check_key(struct profile_case *one)
{
    static const char field[] = "subjectPublicKeyInfo";
    ASN1_OBJECT *algorithm;
    X509_ALGOR *parameters;
    const ASN1_OBJECT *oid;
    int type;
    if (!X509_PUBKEY_get0_param(&algorithm, NULL, NULL, &parameters, X509_get_X509_PUBKEY(one->cert))) {
        profile_tell(one, field, "cannot be read");
        return;
    }
    X509_ALGOR_get0(&oid, &type, NULL, parameters);
    EVP_PKEY *key = X509_get0_pubkey(one->cert);
    enum suite suite = one->suite;
    if ((profile_is_link(one->kind) || !one->has_suite) && suite_of_key(key, &suite)) { /* links: the one key's suite signs another's */
        profile_tell(one, field, "must be of a suite");
        return;
    }
    bool rsa = suite == SUITE_RSA_2048;
    if (!key || OBJ_obj2nid(oid) != (rsa ? NID_rsaEncryption : NID_X9_62_id_ecPublicKey) ||
        type != (rsa ? V_ASN1_NULL : V_ASN1_OBJECT)) {
        profile_tell(one, field, rsa ? "must be rsaEncryption with NULL" : "must be id-ecPublicKey with a named curve");
        return;
    }
    BIGNUM *exponent = NULL;
    bool sound = suite_has_key(suite, key);
    if (rsa && profile_authority(one->kind) == AUTHORITY_OPS && !sound) {
        int bits = EVP_PKEY_get_bits(key);
        sound = bits >= 2048 && bits <= 4096 && EVP_PKEY_get_bn_param(key, "e", &exponent) && BN_is_word(exponent, 65537);
    }
    BN_free(exponent);
    if (!sound)
        profile_tell(one, field, rsa ? "must be RSA of 2048 bits (operations: to 4096) with exponent 65537"
                                     : "must be a point on P-384");
}

/* The text of entry i of a name as a NUL-terminated copy. False when it is not that attribute in that string type alone
 * in its RDN with 1 to 64 characters. */
static bool profile_entry(const X509_NAME *name, int i, int nid, char out[65])
{
    const X509_NAME_ENTRY *entry = X509_NAME_get_entry(name, i);
    if (!entry || OBJ_obj2nid(X509_NAME_ENTRY_get_object(entry)) != nid || X509_NAME_ENTRY_set(entry) != i)
        return false;
    const ASN1_STRING *text = X509_NAME_ENTRY_get_data(entry);
    int type = nid == NID_countryName ? V_ASN1_PRINTABLESTRING : V_ASN1_UTF8STRING;
    int len = ASN1_STRING_length(text);
    if (ASN1_STRING_type(text) != type || len < 1 || len > 64 || memchr(ASN1_STRING_get0_data(text), 0, (size_t)len))
        return false;
    memcpy(out, ASN1_STRING_get0_data(text), (size_t)len);
    out[len] = 0;
    return true;
}

static enum rc profile_check_issuer(struct profile_case *one)
{
    const X509_NAME *issuer = X509_get_issuer_name(one->cert);
    X509_NAME *want = NULL;
    if (!profile_entry(issuer, 1, NID_organizationName, one->organisation)) {
        one->organisation[0] = 0;
        profile_tell(one, "issuer", "must name an organisation");
        return RC_OK;
    }
    enum rc rc = authority_dn(profile_authority(one->kind), one->organisation, &want);
    if (rc)
        return rc;
    if (!profile_same_name(issuer, want))
        profile_tell(one, "issuer", "not the authority's name");
    else if (profile_is_ca(one->kind) && !profile_same_name(issuer, X509_get_subject_name(one->cert)))
        profile_tell(one, "subject", "must be the issuer");
    X509_NAME_free(want);
    return RC_OK;
}

/* C, L, L, CN: the municipality is found by its romaji. */
static bool profile_sign_subject(struct profile_case *one, char parts[][65])
{
    size_t count;
    const struct municipality *rows = municipality_rows(&count);
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i].prefecture_romaji, parts[1]) == 0 && strcmp(rows[i].name_romaji, parts[2]) == 0)
            memcpy(one->municipality, rows[i].code, sizeof one->municipality);
    return one->municipality[0] && strlen(parts[3]) <= 23 &&
           strspn(parts[3], "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == strlen(parts[3]);
}

/* C, CN: 14 letters and digits, 5 digits of the municipality, "003A". */
static bool profile_auth_subject(struct profile_case *one, char parts[][65])
{
    const char *name = parts[1];
    const struct municipality *row;
    char code[6] = "";
    if (strlen(name) != 23 || strspn(name, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 23 ||
        strcmp(name + 19, "003A") != 0)
        return false;
    memcpy(code, name + 14, 5);
    if (municipality_find(code, &row))
        return false;
    memcpy(one->municipality, row->code, sizeof one->municipality);
    return true;
}

/* C, O, OU=role, L=code, CN. */
static bool profile_ops_subject(struct profile_case *one, char parts[][65])
{
    enum profile_kind kind;
    const char *code = parts[3];
    if (strcmp(parts[1], one->organisation) != 0 || profile_of_role(parts[2], &kind) || kind != one->kind)
        return false;
    if (strlen(code) != 6 || strspn(code, "0123456789") != 6)
        return false;
    return strcmp(code, "000000") == 0 || code[5] == municipality_check_digit(code);
}

/* C, O, OU, OU, CN: below the authority's own organisation and first unit. */
static bool profile_ocsp_subject(struct profile_case *one, char parts[][65])
{
    char unit[65];
    return profile_entry(X509_get_issuer_name(one->cert), 2, NID_organizationalUnitName, unit) &&
           strcmp(parts[1], one->organisation) == 0 && strcmp(parts[2], unit) == 0 &&
           strcmp(parts[3], "OCSP Responders") == 0;
}

static bool profile_is_ocsp(enum profile_kind kind)
{
    return kind == PROFILE_SIGN_OCSP || kind == PROFILE_AUTH_OCSP;
}

/* The subject written anew from its parts: differs from what stands there when that is not DER. */
static bool profile_is_der_name(const X509_NAME *name, const int *nids, char parts[][65], int count)
{
    X509_NAME *again = X509_NAME_new();
    bool made = again;
    for (int i = 0; made && i < count; i++) {
        int type = nids[i] == NID_countryName ? V_ASN1_PRINTABLESTRING : V_ASN1_UTF8STRING;
        made = X509_NAME_add_entry_by_NID(again, nids[i], type, (const unsigned char *)parts[i], -1, -1, 0);
    }
    bool same = made && profile_same_name(again, name);
    X509_NAME_free(again);
    return same;
}

static const char *profile_subject_flaw(struct profile_case *one)
{
    static const int sign[] = {NID_countryName, NID_localityName, NID_localityName, NID_commonName};
    static const int auth[] = {NID_countryName, NID_commonName};
    static const int ops[] = {NID_countryName, NID_organizationName, NID_organizationalUnitName, NID_localityName,
                              NID_commonName};
    static const int ocsp[] = {NID_countryName, NID_organizationName, NID_organizationalUnitName,
                               NID_organizationalUnitName, NID_commonName};
    const int *nids = one->kind == PROFILE_SIGN       ? sign
                      : one->kind == PROFILE_AUTH     ? auth
                      : profile_is_ocsp(one->kind) ? ocsp
                                                      : ops;
    int count = one->kind == PROFILE_SIGN ? 4 : one->kind == PROFILE_AUTH ? 2 : 5;
    const X509_NAME *subject = X509_get_subject_name(one->cert);
    char parts[5][65];
    if (profile_is_ca(one->kind))
        return NULL; /* the issuer's, which was compared */
    if (X509_NAME_entry_count(subject) != count)
        return "not the attributes of the profile";
    for (int i = 0; i < count; i++)
        if (!profile_entry(subject, i, nids[i], parts[i]))
            return "not the attributes of the profile, in their order and string types";
    if (!profile_is_der_name(subject, nids, parts, count))
        return "not DER";
    bool sound = strcmp(parts[0], "JP") == 0;
    if (sound)
        sound = one->kind == PROFILE_SIGN   ? profile_sign_subject(one, parts)
                : one->kind == PROFILE_AUTH ? profile_auth_subject(one, parts)
                : profile_is_ocsp(one->kind) ? profile_ocsp_subject(one, parts)
                                            : profile_ops_subject(one, parts);
    return sound ? NULL : "values outside the profile";
}

#define EXTENSIONS_MAX 64

/* The extensions of a certificate, each with its row; -1: none of the profile, or taken. */
struct profile_walk {
    int total;
    int row[EXTENSIONS_MAX];
};

static int profile_row_of(const struct profile_row *rows, size_t count, X509_EXTENSION *extension)
{
    char oid[80];
    int len = OBJ_obj2txt(oid, sizeof oid, X509_EXTENSION_get_object(extension), 1);
    for (size_t i = 0; len > 0 && (size_t)len < sizeof oid && i < count; i++)
        if (strcmp(oid, rows[i].oid) == 0)
            return (int)i;
    return -1;
}

/* Where the row's next extension stands; -1: nowhere. */
static int profile_find(const struct profile_walk *walk, size_t row)
{
    for (int i = 0; i < walk->total; i++)
        if (walk->row[i] == (int)row)
            return i;
    return -1;
}

/* Whether an extension of the profile that is not taken yet stands before it. */
static bool profile_is_behind(const struct profile_walk *walk, int at)
{
    for (int i = 0; i < at; i++)
        if (walk->row[i] >= 0)
            return true;
    return false;
}

static enum rc profile_check_content(struct profile_case *one, const struct profile_row *row, X509_EXTENSION *extension)
{
    struct err flaw = { 0 };
    if ((X509_EXTENSION_get_critical(extension) != 0) != row->critical)
        profile_tell(one, row->name, row->critical ? "must be critical" : "must not be critical");
    if (row->rule == PROFILE_CRL_POINT && !one->municipality[0])
        return RC_OK; /* the subject's flaw, told already */
    enum rc rc = profile_judge(one, row, extension, &flaw);
    if (rc != RC_DENIED)
        return rc;
    const char *rule = strstr(flaw.text, row->name);
    profile_tell(one, row->name, rule && strlen(rule) > strlen(row->name) + 2 ? rule + strlen(row->name) + 2 : flaw.text);
    return RC_OK;
}

/* Every row has its extension, in the rows' order, and nothing else is there. */
static enum rc profile_check_extensions(struct profile_case *one)
{
    size_t count;
    const struct profile_row *rows = profile_rows(one->kind, &count);
    struct profile_walk walk = {.total = X509_get_ext_count(one->cert)};
    bool taken[EXTENSIONS_MAX] = {0};
    enum rc rc = RC_OK;
    if (walk.total > EXTENSIONS_MAX) {
        profile_tell(one, "extensions", "too many");
        return RC_OK;
    }
    for (int i = 0; i < walk.total; i++)
        walk.row[i] = profile_row_of(rows, count, X509_get_ext(one->cert, i));
    for (size_t i = 0; !rc && i < count; i++) {
        unsigned found = 0;
        for (int at; !rc && found < rows[i].max && (at = profile_find(&walk, i)) >= 0; found++) {
            if (profile_is_behind(&walk, at))
                profile_tell(one, rows[i].name, "not in its place");
            taken[at] = true;
            walk.row[at] = -1;
            rc = profile_check_content(one, &rows[i], X509_get_ext(one->cert, at));
        }
        if (!rc && found < rows[i].min)
            profile_tell(one, rows[i].name, "missing");
    }
    for (int at = 0; !rc && at < walk.total; at++) {
        char oid[80] = "";
        if (taken[at])
            continue;
        OBJ_obj2txt(oid, sizeof oid, X509_EXTENSION_get_object(X509_get_ext(one->cert, at)), 1);
        profile_tell(one, oid, "an extension that the profile does not have");
    }
    return rc;
}

/* Everything that is wrong with what was read. */
static enum rc profile_lint(struct profile_case *one)
{
    profile_check_head(one);
    enum rc rc = profile_check_issuer(one);
    profile_check_validity(one);
    if (rc == RC_OK && one->organisation[0]) {
        const char *flaw = profile_subject_flaw(one);
        if (flaw)
            profile_tell(one, "subject", flaw);
        profile_check_key(one);
        rc = profile_check_extensions(one);
    }
    return rc;
}

enum rc profile_lint_tbs(enum profile_kind kind, struct bytes tbs, profile_finding_fn tell, void *context)
{
    if ((unsigned)kind >= PROFILE_COUNT)
        return RC_BUG;
    struct profile_case one = {.kind = kind, .tell = tell, .context = context};
    enum rc rc = profile_read_tbs(tbs, &one.cert);
    if (!rc)
        rc = profile_lint(&one);
    X509_free(one.cert);
    return rc;
}

struct profile_first {
    enum profile_kind kind;
    struct err *err;
    bool any;
};

/* The first finding stands in the record. */
static void profile_take_first(void *context, const char *field, const char *rule)
{
    struct profile_first *first = context;
    if (!first->any)
        (void)profile_deny(first->kind, field, rule, first->err);
    first->any = true;
}

enum rc profile_check_cert(enum profile_kind kind, X509 *cert, struct err *err)
{
    if ((unsigned)kind >= PROFILE_COUNT)
        return RC_BUG;
    struct profile_first first = { kind, err, false };
    struct profile_case one = { .kind = kind, .cert = cert, .tell = profile_take_first, .context = &first };
    enum rc rc = profile_lint(&one);
    return rc ? rc : first.any ? RC_DENIED : RC_OK;
}

enum rc profile_check_tbs(enum profile_kind kind, struct bytes tbs, struct err *err)
{
    X509 *cert = NULL;
    enum rc rc = (unsigned)kind >= PROFILE_COUNT ? RC_BUG : profile_read_tbs(tbs, &cert);
    if (rc == RC_FORMAT)
        return err_set(err, rc, "profile %s: not a to-be-signed certificate in DER", profile_name(kind));
    if (!rc)
        rc = profile_check_cert(kind, cert, err);
    X509_free(cert);
    return rc;
}

/* profile_content.c — the content of extensions. Each is decoded, encoded again and compared, so that only DER passes,
 * and then held against what the rest of the certificate says. */
#include "pki/profile_content.h"

#include "base/hex.h"
#include "pki/attributes.h"

#include <openssl/x509v3.h>
#include <string.h>

enum rc profile_deny(enum profile_kind kind, const char *field, const char *rule, struct err *err)
{
    return err_set(err, RC_DENIED, "profile %s: %s: %s", profile_name(kind), field, rule);
}

bool profile_same_name(const X509_NAME *a, const X509_NAME *b)
{
    const unsigned char *der_a, *der_b;
    size_t len_a, len_b;
    return X509_NAME_get0_der(a, &der_a, &len_a) && X509_NAME_get0_der(b, &der_b, &len_b) &&
           bytes_equal(bytes_of(der_a, len_a), bytes_of(der_b, len_b));
}

static struct bytes profile_value(X509_EXTENSION *extension)
{
    const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(extension);
    return bytes_of(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value));
}

static const char *profile_judge_bytes(const struct profile_row *row, X509_EXTENSION *extension)
{
    struct buf want = {0};
    bool same = hex_decode(row->value, &want) == RC_OK && bytes_equal(buf_bytes(&want), profile_value(extension));
    buf_wipe(&want);
    return same ? NULL : "not the bytes of the profile";
}

static const char *profile_judge_policy(const struct profile_case *one, void *decoded)
{
    const CERTIFICATEPOLICIES *policies = decoded;
    if (sk_POLICYINFO_num(policies) != 1)
        return "must name one policy";
    const POLICYINFO *policy = sk_POLICYINFO_value(policies, 0);
    const char *want = profile_policy(profile_authority(one->kind), one->organisation);
    char oid[80];
    int len = OBJ_obj2txt(oid, sizeof oid, policy->policyid, 1);
    if (len <= 0 || (size_t)len >= sizeof oid || !want || strcmp(oid, want) != 0)
        return "not the policy of this authority and organisation";
    if (sk_POLICYQUALINFO_num(policy->qualifiers) != 1)
        return "must have one qualifier";
    const POLICYQUALINFO *qualifier = sk_POLICYQUALINFO_value(policy->qualifiers, 0);
    if (OBJ_obj2nid(qualifier->pqualid) != NID_id_qt_cps || ASN1_STRING_length(qualifier->d.cpsuri) < 8)
        return "must have the address of the practice statement";
    return NULL;
}

static const char *profile_judge_attributes(void *decoded)
{
    const GENERAL_NAMES *names = decoded;
    struct attributes attributes;
    GENERAL_NAMES *again = NULL;
    if (attributes_from_names(names, &attributes, NULL) || attributes_to_names(&attributes, &again, NULL))
        return "the attributes break their rules";
    unsigned char *a = NULL, *b = NULL;
    int len_a = i2d_GENERAL_NAMES(names, &a), len_b = i2d_GENERAL_NAMES(again, &b);
    bool same = len_a > 0 && len_b > 0 && bytes_equal(bytes_of(a, (size_t)len_a), bytes_of(b, (size_t)len_b));
    OPENSSL_clear_free(a, len_a > 0 ? (size_t)len_a : 0);
    OPENSSL_clear_free(b, len_b > 0 ? (size_t)len_b : 0);
    GENERAL_NAMES_free(again);
    explicit_bzero(&attributes, sizeof attributes);
    return same ? NULL : "must hold the six attributes in the order 1, 4, 3, 5, 2, 6 and nothing else";
}

static const X509_NAME *profile_only_directory_name(const GENERAL_NAMES *names)
{
    if (sk_GENERAL_NAME_num(names) != 1)
        return NULL;
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, 0);
    return name->type == GEN_DIRNAME ? name->d.directoryName : NULL;
}

static const char *profile_judge_japanese_name(const struct profile_case *one, void *decoded)
{
    const X509_NAME *name = profile_only_directory_name(decoded);
    if (!name)
        return "must be one directoryName";
    const char *unit = profile_authority(one->kind) == AUTHORITY_SIGN ? "公的個人認証サービス署名用"
                                                                      : "公的個人認証サービス利用者証明用";
    const struct {
        int nid, type;
        const char *text;
    } parts[] = {
        {NID_countryName, V_ASN1_PRINTABLESTRING, "JP"},
        {NID_organizationName, V_ASN1_UTF8STRING, "公的個人認証サービス"},
        {NID_organizationalUnitName, V_ASN1_UTF8STRING, unit},
        {NID_organizationalUnitName, V_ASN1_UTF8STRING, "地方公共団体情報システム機構"},
    };
    X509_NAME *want = X509_NAME_new();
    bool made = want;
    for (size_t i = 0; made && i < sizeof parts / sizeof *parts; i++)
        made = X509_NAME_add_entry_by_NID(want, parts[i].nid, parts[i].type, (const unsigned char *)parts[i].text, -1,
                                          -1, 0);
    bool same = made && profile_same_name(want, name);
    X509_NAME_free(want);
    return same ? NULL : "not the authority's Japanese name";
}

static const char *profile_judge_hosts(void *decoded)
{
    const GENERAL_NAMES *names = decoded;
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        bool host = name->type == GEN_DNS && ASN1_STRING_length(name->d.dNSName) > 0 &&
                    !memchr(ASN1_STRING_get0_data(name->d.dNSName), '*', (size_t)ASN1_STRING_length(name->d.dNSName));
        bool address = name->type == GEN_IPADD &&
                       (ASN1_STRING_length(name->d.iPAddress) == 4 || ASN1_STRING_length(name->d.iPAddress) == 16);
        if (!host && !address)
            return "must hold host names without wildcards and addresses only";
    }
    return sk_GENERAL_NAME_num(names) > 0 ? NULL : "must name a host";
}

static const char *profile_judge_crl_point(const struct profile_case *one, bool own, void *decoded)
{
    const CRL_DIST_POINTS *points = decoded;
    const DIST_POINT *point = sk_DIST_POINT_num(points) == 1 ? sk_DIST_POINT_value(points, 0) : NULL;
    if (!point || point->reasons || point->CRLissuer || !point->distpoint || point->distpoint->type != 0)
        return "must be one point with a full name and nothing else";
    const X509_NAME *name = profile_only_directory_name(point->distpoint->name.fullname);
    if (!name)
        return "must be one directoryName";
    if (own)
        return profile_same_name(name, X509_get_subject_name(one->cert)) ? NULL : "not the authority's own name";
    X509_NAME *want = NULL;
    if (authority_crldp(profile_authority(one->kind), one->organisation, one->municipality, &want, NULL))
        return "the subject names no municipality";
    bool same = profile_same_name(name, want);
    X509_NAME_free(want);
    return same ? NULL : "not the point of the municipality that the subject names";
}

static const char *profile_judge_ocsp(void *decoded)
{
    const AUTHORITY_INFO_ACCESS *access = decoded;
    const ACCESS_DESCRIPTION *one =
        sk_ACCESS_DESCRIPTION_num(access) == 1 ? sk_ACCESS_DESCRIPTION_value(access, 0) : NULL;
    if (!one || OBJ_obj2nid(one->method) != NID_ad_OCSP || one->location->type != GEN_URI)
        return "must be one OCSP address";
    const ASN1_IA5STRING *uri = one->location->d.uniformResourceIdentifier;
    static const char scheme[] = "http://";
    size_t scheme_len = sizeof scheme - 1;
    if ((size_t)ASN1_STRING_length(uri) <= scheme_len || memcmp(ASN1_STRING_get0_data(uri), scheme, scheme_len) != 0)
        return "must be an http address";
    return NULL;
}

static const char *profile_judge_authority_key(const struct profile_case *one, void *decoded)
{
    const AUTHORITY_KEYID *key = decoded;
    if (!key->keyid || ASN1_STRING_length(key->keyid) != 20)
        return "must have a key identifier of 20 bytes";
    const X509_NAME *issuer = key->issuer ? profile_only_directory_name(key->issuer) : NULL;
    if (!issuer || !profile_same_name(issuer, X509_get_issuer_name(one->cert)))
        return "must hold the issuer's name";
    uint64_t serial;
    if (!key->serial || (ASN1_STRING_type(key->serial) & V_ASN1_NEG) ||
        (ASN1_INTEGER_get_uint64(&serial, key->serial) && serial == 0))
        return "must hold the issuer's serial number";
    return NULL;
}

static const char *profile_judge_subject_key(const struct profile_case *one, void *decoded)
{
    const ASN1_OCTET_STRING *identifier = decoded;
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned len;
    if (!X509_pubkey_digest(one->cert, EVP_sha1(), hash, &len))
        return "the key cannot be hashed";
    bool same = bytes_equal(bytes_of(hash, len),
                            bytes_of(ASN1_STRING_get0_data(identifier), (size_t)ASN1_STRING_length(identifier)));
    return same ? NULL : "not the SHA-1 of the public key";
}

static const char *profile_judge_decoded(const struct profile_case *one, enum profile_rule rule, void *decoded)
{
    switch (rule) {
    case PROFILE_BYTES:
        return "not judged by decoding";
    case PROFILE_POLICY:
        return profile_judge_policy(one, decoded);
    case PROFILE_ATTRIBUTES:
        return profile_judge_attributes(decoded);
    case PROFILE_JAPANESE_NAME:
        return profile_judge_japanese_name(one, decoded);
    case PROFILE_HOSTS:
        return profile_judge_hosts(decoded);
    case PROFILE_CRL_POINT:
        return profile_judge_crl_point(one, false, decoded);
    case PROFILE_OWN_CRL_POINT:
        return profile_judge_crl_point(one, true, decoded);
    case PROFILE_OCSP:
        return profile_judge_ocsp(decoded);
    case PROFILE_AUTHORITY_KEY:
        return profile_judge_authority_key(one, decoded);
    case PROFILE_SUBJECT_KEY:
        return profile_judge_subject_key(one, decoded);
    case PROFILE_KEY_ONLY: /* of lists and answers: statusform.c */
    case PROFILE_NUMBER:
    case PROFILE_SCOPE:
    case PROFILE_NONCE:
        break;
    }
    return "no such rule";
}

enum rc profile_judge(const struct profile_case *one, const struct profile_row *row, X509_EXTENSION *extension,
                      struct err *err)
{
    if (row->rule == PROFILE_BYTES) {
        const char *flaw = profile_judge_bytes(row, extension);
        return flaw ? profile_deny(one->kind, row->name, flaw, err) : RC_OK;
    }
    int nid = OBJ_obj2nid(X509_EXTENSION_get_object(extension));
    const X509V3_EXT_METHOD *method = X509V3_EXT_get_nid(nid);
    void *decoded = X509V3_EXT_d2i(extension);
    X509_EXTENSION *again = NULL;
    enum rc rc = RC_OK;
    if (!method || !decoded) {
        rc = profile_deny(one->kind, row->name, "cannot be decoded", err);
        goto out;
    }
    again = X509V3_EXT_i2d(nid, row->critical, decoded);
    if (!again) {
        rc = RC_NOMEM;
        goto out;
    }
    if (!bytes_equal(profile_value(again), profile_value(extension))) {
        rc = profile_deny(one->kind, row->name, "not DER", err);
        goto out;
    }
    const char *flaw = profile_judge_decoded(one, row->rule, decoded);
    if (flaw)
        rc = profile_deny(one->kind, row->name, flaw, err);
out:
    X509_EXTENSION_free(again);
    if (decoded)
        ASN1_item_free(decoded, ASN1_ITEM_ptr(method->it));
    return rc;
}

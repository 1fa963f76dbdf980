/* extensions.c — each extension as OpenSSL's structure for it, encoded by OpenSSL. */
#include "ca/extensions.h"

#include "pki/der.h"

#include <openssl/sha.h>

static enum rc ext_add(X509_EXTENSIONS **list, int nid, void *value, bool critical)
{
    return value && X509V3_add1_i2d(list, nid, value, critical, X509V3_ADD_APPEND) == 1 ? RC_OK : RC_NOMEM;
}

enum rc ext_key_usage(X509_EXTENSIONS **list, int bit, int other_bit)
{
    ASN1_BIT_STRING *bits = ASN1_BIT_STRING_new();
    enum rc rc = RC_NOMEM;
    if (bits && ASN1_BIT_STRING_set_bit(bits, bit, 1) && (other_bit < 0 || ASN1_BIT_STRING_set_bit(bits, other_bit, 1)))
        rc = ext_add(list, NID_key_usage, bits, true);
    ASN1_BIT_STRING_free(bits);
    return rc;
}

enum rc ext_extended_key_usage(X509_EXTENSIONS **list, bool critical, int nid, int other_nid)
{
    EXTENDED_KEY_USAGE *usage = sk_ASN1_OBJECT_new_null();
    enum rc rc = RC_NOMEM;
    if (usage && sk_ASN1_OBJECT_push(usage, OBJ_nid2obj(nid)) &&
        (!other_nid || sk_ASN1_OBJECT_push(usage, OBJ_nid2obj(other_nid))))
        rc = ext_add(list, NID_ext_key_usage, usage, critical);
    sk_ASN1_OBJECT_free(usage); /* built-in objects: nothing to free inside */
    return rc;
}

enum rc ext_document_signing(X509_EXTENSIONS **list)
{
    EXTENDED_KEY_USAGE *usage = sk_ASN1_OBJECT_new_null();
    ASN1_OBJECT *signing = OBJ_txt2obj("1.3.6.1.5.5.7.3.36", 1); /* OpenSSL 3.0 has no name for it */
    enum rc rc = RC_NOMEM;
    if (usage && signing && sk_ASN1_OBJECT_push(usage, signing) &&
        sk_ASN1_OBJECT_push(usage, OBJ_nid2obj(NID_email_protect)))
        rc = ext_add(list, NID_ext_key_usage, usage, false);
    sk_ASN1_OBJECT_free(usage);
    ASN1_OBJECT_free(signing);
    return rc;
}

enum rc ext_policy(X509_EXTENSIONS **list, const char *oid, const char *cps_uri)
{
    CERTIFICATEPOLICIES *policies = CERTIFICATEPOLICIES_new();
    POLICYINFO *policy = POLICYINFO_new();
    POLICYQUALINFO *qualifier = POLICYQUALINFO_new();
    enum rc rc = RC_NOMEM;
    if (!policies || !policy || !qualifier)
        goto out;
    ASN1_OBJECT_free(policy->policyid);
    policy->policyid = OBJ_txt2obj(oid, 1);
    qualifier->pqualid = OBJ_nid2obj(NID_id_qt_cps);
    qualifier->d.cpsuri = ASN1_IA5STRING_new();
    policy->qualifiers = sk_POLICYQUALINFO_new_null();
    if (!policy->policyid || !qualifier->d.cpsuri || !ASN1_STRING_set(qualifier->d.cpsuri, cps_uri, -1) ||
        !policy->qualifiers || !sk_POLICYQUALINFO_push(policy->qualifiers, qualifier))
        goto out;
    qualifier = NULL;
    if (!sk_POLICYINFO_push(policies, policy))
        goto out;
    policy = NULL;
    rc = ext_add(list, NID_certificate_policies, policies, true);
out:
    POLICYQUALINFO_free(qualifier);
    POLICYINFO_free(policy);
    CERTIFICATEPOLICIES_free(policies);
    return rc;
}

enum rc ext_names(X509_EXTENSIONS **list, int nid, const GENERAL_NAMES *names)
{
    GENERAL_NAMES *copy = sk_GENERAL_NAME_deep_copy(names, GENERAL_NAME_dup, GENERAL_NAME_free);
    enum rc rc = ext_add(list, nid, copy, false);
    GENERAL_NAMES_free(copy);
    return rc;
}

/* One directoryName; NULL when out of memory. */
static GENERAL_NAMES *names_of(const X509_NAME *name)
{
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    GENERAL_NAME *one = GENERAL_NAME_new();
    X509_NAME *copy = X509_NAME_dup(name);
    if (!names || !one || !copy) {
        X509_NAME_free(copy);
        goto failed;
    }
    GENERAL_NAME_set0_value(one, GEN_DIRNAME, copy);
    if (sk_GENERAL_NAME_push(names, one))
        return names;
failed:
    GENERAL_NAME_free(one);
    GENERAL_NAMES_free(names);
    return NULL;
}

enum rc ext_directory_name(X509_EXTENSIONS **list, int nid, const X509_NAME *name)
{
    GENERAL_NAMES *names = names_of(name);
    enum rc rc = ext_add(list, nid, names, false);
    GENERAL_NAMES_free(names);
    return rc;
}

static DIST_POINT_NAME *point_of(const X509_NAME *name)
{
    DIST_POINT_NAME *point = DIST_POINT_NAME_new();
    if (!point)
        return NULL;
    point->type = 0; /* fullName */
    point->name.fullname = names_of(name);
    if (point->name.fullname)
        return point;
    DIST_POINT_NAME_free(point);
    return NULL;
}

enum rc ext_crldp(X509_EXTENSIONS **list, const X509_NAME *point_name)
{
    CRL_DIST_POINTS *points = CRL_DIST_POINTS_new();
    DIST_POINT *point = DIST_POINT_new();
    enum rc rc = RC_NOMEM;
    if (points && point && (point->distpoint = point_of(point_name)) != NULL && sk_DIST_POINT_push(points, point)) {
        point = NULL;
        rc = ext_add(list, NID_crl_distribution_points, points, false);
    }
    DIST_POINT_free(point);
    CRL_DIST_POINTS_free(points);
    return rc;
}

enum rc ext_ocsp(X509_EXTENSIONS **list, const char *uri)
{
    AUTHORITY_INFO_ACCESS *access = AUTHORITY_INFO_ACCESS_new();
    ACCESS_DESCRIPTION *one = ACCESS_DESCRIPTION_new();
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();
    enum rc rc = RC_NOMEM;
    if (!access || !one || !text || !ASN1_STRING_set(text, uri, -1)) {
        ASN1_IA5STRING_free(text);
        goto out;
    }
    ASN1_OBJECT_free(one->method);
    one->method = OBJ_nid2obj(NID_ad_OCSP);
    GENERAL_NAME_set0_value(one->location, GEN_URI, text);
    if (!sk_ACCESS_DESCRIPTION_push(access, one))
        goto out;
    one = NULL;
    rc = ext_add(list, NID_info_access, access, false);
out:
    ACCESS_DESCRIPTION_free(one);
    AUTHORITY_INFO_ACCESS_free(access);
    return rc;
}

enum rc ext_ocsp_no_check(X509_EXTENSIONS **list)
{
    ASN1_NULL *nothing = ASN1_NULL_new();
    enum rc rc = ext_add(list, NID_id_pkix_OCSP_noCheck, nothing, false);
    ASN1_NULL_free(nothing);
    return rc;
}

enum rc ext_basic_ca(X509_EXTENSIONS **list)
{
    BASIC_CONSTRAINTS *basic = BASIC_CONSTRAINTS_new();
    if (basic)
        basic->ca = 0xFF;
    enum rc rc = ext_add(list, NID_basic_constraints, basic, true);
    BASIC_CONSTRAINTS_free(basic);
    return rc;
}

enum rc ext_authority_key(X509_EXTENSIONS **list, X509 *issuer, bool with_issuer)
{
    AUTHORITY_KEYID *key = AUTHORITY_KEYID_new();
    const ASN1_OCTET_STRING *identifier = X509_get0_subject_key_id(issuer);
    enum rc rc = RC_NOMEM;
    if (!key || !identifier || !(key->keyid = ASN1_OCTET_STRING_dup(identifier)))
        goto out;
    if (with_issuer) {
        key->issuer = names_of(X509_get_issuer_name(issuer));
        key->serial = ASN1_INTEGER_dup(X509_get0_serialNumber(issuer));
        if (!key->issuer || !key->serial)
            goto out;
    }
    rc = ext_add(list, NID_authority_key_identifier, key, false);
out:
    AUTHORITY_KEYID_free(key);
    return rc;
}

enum rc ext_subject_key(X509_EXTENSIONS **list, struct bytes public_key)
{
    struct bytes body, algorithm, bits;
    if (der_expect(&public_key, 0x30, &body, NULL) || der_expect(&body, 0x30, &algorithm, NULL) ||
        der_expect(&body, 0x03, &bits, NULL) || bits.len < 2)
        return RC_FORMAT;
    uint8_t hash[SHA_DIGEST_LENGTH];
    SHA1(bits.data + 1, bits.len - 1, hash);
    ASN1_OCTET_STRING *identifier = ASN1_OCTET_STRING_new();
    enum rc rc = RC_NOMEM;
    if (identifier && ASN1_OCTET_STRING_set(identifier, hash, sizeof hash))
        rc = ext_add(list, NID_subject_key_identifier, identifier, false);
    ASN1_OCTET_STRING_free(identifier);
    return rc;
}

enum rc ext_crl_number(X509_EXTENSIONS **list, int64_t number)
{
    ASN1_INTEGER *integer = ASN1_INTEGER_new();
    enum rc rc = integer && ASN1_INTEGER_set_int64(integer, number) ? ext_add(list, NID_crl_number, integer, false)
                                                                    : RC_NOMEM;
    ASN1_INTEGER_free(integer);
    return rc;
}

enum rc ext_crl_scope(X509_EXTENSIONS **list, const X509_NAME *point, bool only_ca)
{
    ISSUING_DIST_POINT *scope = ISSUING_DIST_POINT_new();
    enum rc rc = RC_NOMEM;
    if (scope && (scope->distpoint = point_of(point)) != NULL) {
        scope->onlyCA = only_ca ? 0xFF : 0;
        rc = ext_add(list, NID_issuing_distribution_point, scope, true);
    }
    ISSUING_DIST_POINT_free(scope);
    return rc;
}

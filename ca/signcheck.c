/* signcheck.c — what each authority may sign, as the signer sees it: the rows of pki/profile.h, written apart from the
 * code that builds the objects, so that a slip there is refused here; and what binds the object to this authority. */
#include "ca/signer.h"

#include "base/clock.h"
#include "ca/tbs.h"
#include "pki/cert.h"
#include "pki/profile.h"

#define CLOCK_SLACK 300
#define CRL_LONGEST (8 * 86400LL)

struct wanted {
    int nid;
    bool critical;
};

static const struct wanted crl_rows[] = {
    { NID_authority_key_identifier, false }, { NID_crl_number, false },
    { NID_issuing_distribution_point, true }, { 0, false },
};
static const struct wanted ops_crl_rows[] = {
    { NID_authority_key_identifier, false }, { NID_crl_number, false }, { 0, false }
};

static bool rows_hold(const STACK_OF(X509_EXTENSION) *extensions, const struct wanted *rows)
{
    int i = 0;
    for (; rows->nid; rows++, i++) {
        X509_EXTENSION *ext = sk_X509_EXTENSION_value(extensions, i);
        if (!ext || OBJ_obj2nid(X509_EXTENSION_get_object(ext)) != rows->nid ||
            (X509_EXTENSION_get_critical(ext) != 0) != rows->critical)
            return false;
    }
    return sk_X509_EXTENSION_num(extensions) == i;
}

/* The profile that a certificate of this authority must follow: operations ones by the role that the subject names; with
 * the others only a responder's subject names an organisation. */
static enum rc kind_of(enum authority authority, X509 *cert, enum profile_kind *kind, struct err *err)
{
    char role[65] = "";
    if (authority != AUTHORITY_OPS) {
        bool responder = X509_NAME_get_index_by_NID(X509_get_subject_name(cert), NID_organizationName, -1) >= 0;
        *kind = authority == AUTHORITY_SIGN ? (responder ? PROFILE_SIGN_OCSP : PROFILE_SIGN)
                                            : (responder ? PROFILE_AUTH_OCSP : PROFILE_AUTH);
        return RC_OK;
    }
    (void)X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_organizationalUnitName, role, sizeof role);
    return profile_of_role(role, kind) ? err_set(err, RC_DENIED, "the subject names no role") : RC_OK;
}

/* The object as OpenSSL reads it, with an empty signature. */
static enum rc object_of(struct bytes tbs, struct buf *sealed)
{
    static const uint8_t none[1];
    return tbs_seal(tbs, bytes_of(none, 1), sealed);
}

static bool suite_fits(X509 *ca, struct bytes tbs)
{
    enum suite of_key, named;
    return !suite_of_key(X509_get0_pubkey(ca), &of_key) && !tbs_suite(tbs, &named) && of_key == named;
}

/* What ties a leaf to this very authority; its shape is the profile's matter. */
static enum rc cert_judge(X509 *ca, X509 *cert, struct bytes tbs, struct err *err)
{
    int64_t from = cert_not_before(cert), to = cert_not_after(cert);
    if (X509_NAME_cmp(X509_get_issuer_name(cert), X509_get_subject_name(ca)) != 0)
        return err_set(err, RC_DENIED, "another issuer's name");
    if (X509_NAME_cmp(X509_get_subject_name(cert), X509_get_subject_name(ca)) == 0)
        return err_set(err, RC_DENIED, "the authority's own name as subject");
    if (from > clock_now() + CLOCK_SLACK || to > cert_not_after(ca))
        return err_set(err, RC_DENIED, "a validity that begins in the future or outlives the authority");
    if (!suite_fits(ca, tbs))
        return err_set(err, RC_DENIED, "another suite than that of the authority's key");
    const ASN1_OCTET_STRING *key = X509_get0_authority_key_id(cert);
    const ASN1_INTEGER *serial = X509_get0_authority_serial(cert);
    if (!key || ASN1_OCTET_STRING_cmp(key, X509_get0_subject_key_id(ca)) != 0 || !serial ||
        ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(ca)) != 0)
        return err_set(err, RC_DENIED, "another authority's key identifier");
    EVP_PKEY *public_key = X509_get0_pubkey(cert);
    if (!public_key || EVP_PKEY_eq(public_key, X509_get0_pubkey(ca)) == 1)
        return err_set(err, RC_DENIED, "a public key that is unreadable or the authority's own");
    return RC_OK;
}

enum rc signer_check_cert(X509 *ca, enum authority authority, bool newest, struct bytes tbs, struct err *err)
{
    struct buf sealed = { 0 };
    X509 *cert = NULL;
    enum profile_kind kind = PROFILE_COUNT;
    enum rc rc = object_of(tbs, &sealed);
    if (!rc && cert_parse(buf_bytes(&sealed), &cert))
        rc = err_set(err, RC_DENIED, "not a to-be-signed certificate");
    if (!rc)
        rc = kind_of(authority, cert, &kind, err);
    if (!rc)
        rc = profile_check_tbs(kind, tbs, err);
    if (!rc && !newest && kind != PROFILE_SIGN_OCSP && kind != PROFILE_AUTH_OCSP)
        rc = err_set(err, RC_DENIED, "an older key of the authority issues no certificates");
    if (!rc)
        rc = cert_judge(ca, cert, tbs, err);
    X509_free(cert);
    buf_wipe(&sealed);
    return rc;
}

static enum rc crl_judge(X509 *ca, enum authority authority, X509_CRL *crl, struct bytes tbs, struct err *err)
{
    int64_t from, to, now = clock_now();
    if (X509_CRL_get_version(crl) != X509_CRL_VERSION_2 ||
        X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(ca)) != 0)
        return err_set(err, RC_DENIED, "not a version 2 CRL of this issuer");
    if (!suite_fits(ca, tbs))
        return err_set(err, RC_DENIED, "another suite than that of the authority's key");
    if (cert_time(X509_CRL_get0_lastUpdate(crl), &from) || cert_time(X509_CRL_get0_nextUpdate(crl), &to) ||
        from > now + CLOCK_SLACK || to <= from || to - from > CRL_LONGEST)
        return err_set(err, RC_DENIED, "times that no CRL has");
    if (!rows_hold(X509_CRL_get0_extensions(crl), authority == AUTHORITY_OPS ? ops_crl_rows : crl_rows))
        return err_set(err, RC_DENIED, "not the extensions of a CRL of %s", authority_name(authority));
    AUTHORITY_KEYID *key = X509_CRL_get_ext_d2i(crl, NID_authority_key_identifier, NULL, NULL);
    bool own = key && key->keyid && ASN1_OCTET_STRING_cmp(key->keyid, X509_get0_subject_key_id(ca)) == 0;
    AUTHORITY_KEYID_free(key);
    return own ? RC_OK : err_set(err, RC_DENIED, "another authority's key identifier");
}

enum rc signer_check_crl(X509 *ca, enum authority authority, struct bytes tbs, struct err *err)
{
    struct buf sealed = { .max = 1u << 30 };
    enum rc rc = object_of(tbs, &sealed);
    const unsigned char *at = sealed.data;
    X509_CRL *crl = rc ? NULL : d2i_X509_CRL(NULL, &at, (long)sealed.len);
    if (!rc && (!crl || at != sealed.data + sealed.len))
        rc = err_set(err, RC_DENIED, "not a to-be-signed CRL");
    if (!rc)
        rc = crl_judge(ca, authority, crl, tbs, err);
    X509_CRL_free(crl);
    buf_wipe(&sealed);
    return rc;
}

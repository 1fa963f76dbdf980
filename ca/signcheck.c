/* signcheck.c — what each authority may sign, as the signer sees it: the rows of pki/profile.h, written apart from the
 * code that builds the objects, so that a slip there is refused here; and what binds the object to this authority. */
#include "ca/signer.h"

#include "base/clock.h"
#include "ca/tbs.h"
#include "pki/cert.h"
#include "pki/profile.h"

#define CLOCK_SLACK 300
#define CRL_AHEAD (2 * 86400LL)

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

/* Read once: the profile and this authority's own rules look at the same certificate. */
enum rc signer_check_cert(X509 *ca, enum authority authority, bool newest, struct bytes tbs, struct err *err)
{
    X509 *cert = NULL;
    enum profile_kind kind = PROFILE_COUNT;
    enum rc rc = profile_read_tbs(tbs, &cert);
    if (rc == RC_FORMAT)
        rc = err_set(err, RC_DENIED, "not a to-be-signed certificate in DER");
    if (!rc)
        rc = kind_of(authority, cert, &kind, err);
    if (!rc)
        rc = profile_check_cert(kind, cert, err);
    if (!rc && !newest && kind != PROFILE_SIGN_OCSP && kind != PROFILE_AUTH_OCSP)
        rc = err_set(err, RC_DENIED, "an older key of the authority issues no certificates");
    if (!rc)
        rc = cert_judge(ca, cert, tbs, err);
    X509_free(cert);
    return rc;
}

/* A list of now, or one that is signed ahead for the days after the next one. */
enum rc signer_check_crl(X509 *ca, enum authority authority, struct crlwalk *walk, struct crlfacts *facts, struct err *err)
{
    int64_t from = crlwalk_head(walk)->this_update, now = clock_now();
    enum rc rc = crljudge_head(ca, walk, err);
    if (!rc && (from < now - CLOCK_SLACK || from > now + CRL_AHEAD + CLOCK_SLACK))
        rc = err_set(err, RC_DENIED, "times that no list has");
    if (!rc)
        rc = crlwalk_finish(walk, err);
    return rc ? rc : crljudge_tail(ca, authority, walk, facts, err);
}

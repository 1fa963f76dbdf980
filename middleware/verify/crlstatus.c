/* crlstatus.c — certificate revocation lists. OpenSSL parses and checks the signature; which list may speak about which
 * certificate, and when, is decided here, so that a refusal can say why. */
#include "verify/crlstatus.h"

#include "base/clock.h"
#include "base/file.h"
#include "pki/authority.h"
#include "pki/cert.h"
#include "pki/statusform.h"
#include "verify/algorithm.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool crlstatus_say(struct evidence_status *evidence, enum status_state state, const char *reason)
{
    evidence->state = state;
    snprintf(evidence->reason, sizeof evidence->reason, "%s", reason);
    return false;
}

/* The one directoryName of a distribution point name, or NULL. */
static X509_NAME *crlstatus_directory_name(const DIST_POINT_NAME *point)
{
    if (!point || point->type != 0 || sk_GENERAL_NAME_num(point->name.fullname) != 1)
        return NULL;
    int type;
    X509_NAME *name = (X509_NAME *)GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(point->name.fullname, 0), &type);
    return type == GEN_DIRNAME ? name : NULL;
}

/* The certificate's distribution point: exactly one, a directory name, all reasons, the issuer's own list. A copy. */
static X509_NAME *crlstatus_point_of_cert(X509 *cert)
{
    CRL_DIST_POINTS *points = X509_get_ext_d2i(cert, NID_crl_distribution_points, NULL, NULL);
    X509_NAME *copy = NULL;
    if (points && sk_DIST_POINT_num(points) == 1) {
        const DIST_POINT *point = sk_DIST_POINT_value(points, 0);
        X509_NAME *name = crlstatus_directory_name(point->distpoint);
        if (name && !point->reasons && !point->CRLissuer)
            copy = X509_NAME_dup(name);
    }
    CRL_DIST_POINTS_free(points);
    return copy;
}

static bool crlstatus_check_scope(X509_CRL *crl, X509_NAME *point, struct evidence_status *evidence)
{
    int critical = 0;
    ISSUING_DIST_POINT *scope = X509_CRL_get_ext_d2i(crl, NID_issuing_distribution_point, &critical, NULL);
    bool fits = true;
    if (!scope || critical != 1)
        fits = crlstatus_say(evidence, STATUS_NOT_TRUSTED, "the list has no critical issuing distribution point");
    else if (scope->onlyCA > 0 || scope->onlyattr > 0 || scope->indirectCRL > 0 || scope->onlysomereasons)
        fits = crlstatus_say(evidence, STATUS_NOT_TRUSTED, "the list covers other certificates or only some reasons");
    else {
        X509_NAME *name = crlstatus_directory_name(scope->distpoint);
        if (!name || X509_NAME_cmp(name, point) != 0)
            fits = crlstatus_say(evidence, STATUS_NOT_TRUSTED, "the list is of another distribution point");
    }
    ISSUING_DIST_POINT_free(scope);
    return fits;
}

/* Understood: what a list of the house has. A delta list (its indicator is critical too) never stands for a whole. */
static bool crlstatus_check_extensions(X509_CRL *crl, struct evidence_status *evidence)
{
    for (int i = 0; i < X509_CRL_get_ext_count(crl); i++) {
        X509_EXTENSION *extension = X509_CRL_get_ext(crl, i);
        int nid = OBJ_obj2nid(X509_EXTENSION_get_object(extension));
        if (nid == NID_delta_crl)
            return crlstatus_say(evidence, STATUS_NOT_TRUSTED, "the list holds changes only (delta)");
        if (X509_EXTENSION_get_critical(extension) && !statusform_knows(STATUSFORM_SCOPED_LIST, extension))
            return crlstatus_say(evidence, STATUS_NOT_TRUSTED, "the list has a critical extension that is not understood");
    }
    return true;
}

static bool crlstatus_check_origin(X509_CRL *crl, X509 *anchor, struct evidence_status *evidence)
{
    if (X509_CRL_get_version(crl) != X509_CRL_VERSION_2)
        return crlstatus_say(evidence, STATUS_NOT_TRUSTED, "the list is not of version 2");
    if (X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(anchor)) != 0)
        return crlstatus_say(evidence, STATUS_NOT_TRUSTED, "the list is of another issuer");
    if (!(X509_get_key_usage(anchor) & KU_CRL_SIGN))
        return crlstatus_say(evidence, STATUS_NOT_TRUSTED, "the authority's key may not sign lists");
    if (!algorithm_signature_name(X509_CRL_get_signature_nid(crl)))
        return crlstatus_say(evidence, STATUS_NOT_TRUSTED, "the list is signed with an algorithm that is not accepted");
    if (X509_CRL_verify(crl, X509_get0_pubkey(anchor)) != 1)
        return crlstatus_say(evidence, STATUS_NOT_TRUSTED, "the list's signature is not the authority's");
    return true;
}

static bool crlstatus_read_number(X509_CRL *crl, struct evidence_status *evidence)
{
    ASN1_INTEGER *number = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
    BIGNUM *value = number ? ASN1_INTEGER_to_BN(number, NULL) : NULL;
    char *hex = value && !BN_is_negative(value) && BN_num_bytes(value) <= 20 ? BN_bn2hex(value) : NULL;
    if (hex)
        snprintf(evidence->number, sizeof evidence->number, "%s", hex);
    OPENSSL_free(hex);
    BN_free(value);
    ASN1_INTEGER_free(number);
    return hex || crlstatus_say(evidence, STATUS_NOT_TRUSTED, "the list has no number");
}

static bool crlstatus_check_time(X509_CRL *crl, int64_t at, struct evidence_status *evidence)
{
    char text[CLOCK_TEXT_SIZE];
    if (cert_time(X509_CRL_get0_lastUpdate(crl), &evidence->this_update) ||
        cert_time(X509_CRL_get0_nextUpdate(crl), &evidence->next_update))
        return crlstatus_say(evidence, STATUS_NOT_TRUSTED, "the list does not say from when to when it is in force");
    if (at == CRLSTATUS_OWN_TIME)
        return true;
    if (at < evidence->this_update) {
        crlstatus_say(evidence, STATUS_NOT_IN_FORCE, "");
        clock_format(evidence->this_update, text);
        snprintf(evidence->reason, sizeof evidence->reason, "the list is in force only from %s", text);
        return false;
    }
    if (at >= evidence->next_update) {
        crlstatus_say(evidence, STATUS_NOT_IN_FORCE, "");
        clock_format(evidence->next_update, text);
        snprintf(evidence->reason, sizeof evidence->reason, "the list was in force until %s", text);
        return false;
    }
    return true;
}

/* An entry's critical extensions: the reason is understood; certificateIssuer belongs to indirect lists, refused above. */
static bool crlstatus_check_entry(const X509_REVOKED *entry, struct evidence_status *evidence)
{
    for (int i = 0; i < X509_REVOKED_get_ext_count(entry); i++) {
        X509_EXTENSION *extension = X509_REVOKED_get_ext(entry, i);
        int nid = OBJ_obj2nid(X509_EXTENSION_get_object(extension));
        if (nid == NID_certificate_issuer || (X509_EXTENSION_get_critical(extension) && nid != NID_crl_reason))
            return crlstatus_say(evidence, STATUS_NOT_TRUSTED, "the entry has an extension that is not understood");
    }
    return true;
}

static void crlstatus_read_entry(const X509_REVOKED *entry, struct evidence_status *evidence)
{
    if (!crlstatus_check_entry(entry, evidence))
        return;
    int found = 0;
    ASN1_ENUMERATED *reason = X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, &found, NULL);
    long code = reason ? ASN1_ENUMERATED_get(reason) : -1;
    ASN1_ENUMERATED_free(reason);
    if ((!reason && found != -1) || code > 10) { /* there, but unreadable */
        crlstatus_say(evidence, STATUS_NOT_TRUSTED, "the entry's reason cannot be read");
        return;
    }
    ASN1_GENERALIZEDTIME *invalid = X509_REVOKED_get_ext_d2i(entry, NID_invalidity_date, NULL, NULL);
    int64_t since;
    if (cert_time(invalid, &since) == RC_OK)
        evidence->invalid_since = since;
    ASN1_GENERALIZEDTIME_free(invalid);
    if (cert_time(X509_REVOKED_get0_revocationDate(entry), &evidence->revoked_at))
        evidence->revoked_at = INT64_MIN; /* revoked, at no time that a time-stamp could come before */
    evidence->reason_code = (int)code;
    evidence->state = STATUS_REVOKED;
}

static X509_CRL *crlstatus_parse(struct bytes crl)
{
    const unsigned char *at = crl.data;
    if (crl.len == 0 || crl.len > CRLSTATUS_MAX)
        return NULL;
    X509_CRL *parsed = d2i_X509_CRL(NULL, &at, (long)crl.len);
    if (parsed && at != crl.data + crl.len) {
        X509_CRL_free(parsed);
        parsed = NULL;
    }
    return parsed;
}

static void crlstatus_judge(X509 *cert, X509 *anchor, X509_CRL *crl, X509_NAME *point, int64_t at,
                         struct evidence_status *evidence)
{
    X509_REVOKED *entry = NULL;
    if (!crlstatus_check_origin(crl, anchor, evidence) || !crlstatus_check_extensions(crl, evidence) ||
        !crlstatus_check_scope(crl, point, evidence) || !crlstatus_read_number(crl, evidence) ||
        !crlstatus_check_time(crl, at, evidence))
        return;
    /* By serial number, not by certificate: a direct list needs no entry issuer, and removeFromCRL never hides one. */
    if (X509_CRL_get0_by_serial(crl, &entry, X509_get0_serialNumber(cert)) != 0 && entry)
        crlstatus_read_entry(entry, evidence);
    else
        evidence->state = STATUS_GOOD;
}

enum rc crlstatus_check_crl(X509 *cert, X509 *anchor, struct bytes crl, int64_t at, struct evidence_status *evidence)
{
    struct evidence_status found = { .reason_code = -1 };
    ERR_set_mark();
    X509_NAME *point = crlstatus_point_of_cert(cert);
    X509_CRL *list = point ? crlstatus_parse(crl) : NULL;
    if (!point)
        crlstatus_say(&found, STATUS_UNAVAILABLE, "the certificate names no distribution point that can be used");
    else if (!list)
        crlstatus_say(&found, STATUS_UNAVAILABLE, "the list cannot be read");
    else
        crlstatus_judge(cert, anchor, list, point, at, &found);
    X509_CRL_free(list);
    X509_NAME_free(point);
    ERR_pop_to_mark();
    *evidence = found;
    return RC_OK;
}

/* Whether the list says that another key of the authority signed it: then the anchor's own lies beside it. */
static bool crlstatus_is_of_other_key(struct bytes list, X509 *anchor)
{
    X509_CRL *crl = crlstatus_parse(list);
    AUTHORITY_KEYID *key = crl ? X509_CRL_get_ext_d2i(crl, NID_authority_key_identifier, NULL, NULL) : NULL;
    const ASN1_OCTET_STRING *own = X509_get0_subject_key_id(anchor);
    bool other = key && key->keyid && own && ASN1_OCTET_STRING_cmp(key->keyid, own) != 0;
    AUTHORITY_KEYID_free(key);
    X509_CRL_free(crl);
    return other;
}

/* Reads the list of the point, or the one beside it that the anchor's key signed; relative says which. */
static enum rc crlstatus_read_list(X509 *anchor, const char *folder, struct buf *relative, struct buf *list, struct err *err)
{
    const char *name = buf_string(relative);
    char *path = name ? file_join(folder, name) : NULL;
    enum rc rc = path ? file_read(path, list, err) : RC_NOMEM;
    free(path);
    if (rc || !crlstatus_is_of_other_key(buf_bytes(list), anchor))
        return rc;
    struct buf own = { .max = CRLSTATUS_MAX }, of_key = { 0 };
    rc = buf_append_bytes(&of_key, buf_bytes(relative));
    if (!rc)
        rc = authority_crl_path_of_key(anchor, &of_key);
    name = rc ? NULL : buf_string(&of_key);
    path = name ? file_join(folder, name) : NULL;
    if (!rc)
        rc = path ? file_read(path, &own, NULL) : RC_NOMEM;
    free(path);
    if (rc == RC_OK) {
        buf_wipe(list);
        buf_wipe(relative);
        *list = own;
        *relative = of_key;
        return RC_OK;
    }
    buf_wipe(&own);
    buf_wipe(&of_key);
    return rc == RC_NOMEM ? rc : RC_OK; /* the other key's list stands, and is refused with its reason */
}

enum rc crlstatus_check(X509 *cert, X509 *anchor, const char *folder, int64_t at, struct evidence_status *evidence)
{
    struct evidence_status found = { .reason_code = -1 };
    struct buf relative, list;
    buf_init(&relative, sizeof found.path - 1);
    buf_init(&list, CRLSTATUS_MAX);
    struct err err = { 0 };
    X509_NAME *point = crlstatus_point_of_cert(cert);
    enum rc rc = point ? authority_crl_path(point, &relative, &err) : RC_FORMAT;
    if (rc) {
        crlstatus_say(&found, STATUS_UNAVAILABLE,
                   point ? err_text(&err, rc) : "the certificate names no distribution point that can be used");
        rc = rc == RC_NOMEM ? rc : RC_OK;
        goto out;
    }
    rc = crlstatus_read_list(anchor, folder, &relative, &list, &err);
    if (rc == RC_OK)
        rc = crlstatus_check_crl(cert, anchor, buf_bytes(&list), at, &found);
    else if (rc != RC_NOMEM) {
        crlstatus_say(&found, STATUS_UNAVAILABLE, err_text(&err, rc));
        rc = RC_OK;
    }
    const char *name = buf_string(&relative);
    snprintf(found.path, sizeof found.path, "%s", name ? name : "");
out:
    X509_NAME_free(point);
    buf_wipe(&list);
    buf_wipe(&relative);
    if (rc == RC_OK)
        *evidence = found;
    return rc;
}

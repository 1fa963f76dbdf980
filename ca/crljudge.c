/* crljudge.c — may this list follow that one? Asked before every publication (LE 2022 and 2025, Kamu SM 2026: lists that
 * lost entries or came from another authority). */
#include "ca/publish.h"

#include "pki/cert.h"

static X509_CRL *crl_of(struct bytes der)
{
    const unsigned char *at = der.data;
    X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)der.len);
    if (crl && at == der.data + der.len)
        return crl;
    X509_CRL_free(crl);
    return NULL;
}

static int64_t crl_number(const X509_CRL *crl)
{
    int64_t number = -1;
    ASN1_INTEGER *integer = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
    if (!integer || !ASN1_INTEGER_get_int64(&number, integer))
        number = -1;
    ASN1_INTEGER_free(integer);
    return number;
}

/* The same value of an extension, or absent in both. */
static bool crl_same_extension(const X509_CRL *a, const X509_CRL *b, int nid)
{
    X509_EXTENSION *of_a = X509_CRL_get_ext(a, X509_CRL_get_ext_by_NID(a, nid, -1));
    X509_EXTENSION *of_b = X509_CRL_get_ext(b, X509_CRL_get_ext_by_NID(b, nid, -1));
    if (!of_a || !of_b)
        return !of_a && !of_b;
    return ASN1_OCTET_STRING_cmp(X509_EXTENSION_get_data(of_a), X509_EXTENSION_get_data(of_b)) == 0;
}

/* An entry of the last list is in the next one, or its certificate had ended before the last one was issued. */
static enum rc crl_check_kept(struct ca *ca, enum authority authority, const X509_REVOKED *entry, X509_CRL *next,
                              int64_t last_issued, struct err *err)
{
    X509_REVOKED *found;
    const ASN1_INTEGER *serial = X509_REVOKED_get0_serialNumber(entry);
    if (X509_CRL_get0_by_serial(next, &found, serial) == 1)
        return RC_OK;
    ASN1_INTEGER *own = ASN1_INTEGER_dup(serial);
    X509 *carrier = X509_new(); /* cert_serial reads serials from certificates */
    struct buf text = { 0 };
    int64_t not_after = 0;
    enum rc rc = own && carrier && X509_set_serialNumber(carrier, own) ? cert_serial(carrier, &text)
                                                                                           : RC_NOMEM;
    const char *name = rc ? NULL : buf_string(&text);
    if (!rc)
        rc = name ? book_not_after(ca->store, authority, name, &not_after, err) : RC_NOMEM;
    if (rc == RC_NOT_FOUND || (!rc && not_after >= last_issued))
        rc = err_set(err, RC_CONFLICT, "the list would lose the entry of %s", name);
    ASN1_INTEGER_free(own);
    X509_free(carrier);
    buf_wipe(&text);
    return rc;
}

static enum rc crl_compare(struct ca *ca, enum authority authority, X509_CRL *last, X509_CRL *next, struct err *err)
{
    int64_t last_issued = 0, next_issued = 0;
    if (cert_time(X509_CRL_get0_lastUpdate(last), &last_issued) || cert_time(X509_CRL_get0_lastUpdate(next), &next_issued))
        return err_set(err, RC_CONFLICT, "a list without a time");
    if (crl_number(next) <= crl_number(last))
        return err_set(err, RC_CONFLICT, "the list's number would not rise");
    if (next_issued < last_issued)
        return err_set(err, RC_CONFLICT, "the clock went back: the last list is of a later time");
    if (!crl_same_extension(last, next, NID_issuing_distribution_point) ||
        !crl_same_extension(last, next, NID_authority_key_identifier))
        return err_set(err, RC_CONFLICT, "the list's scope or key would change");
    STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(last);
    enum rc rc = RC_OK;
    for (int i = 0; !rc && i < sk_X509_REVOKED_num(entries); i++)
        rc = crl_check_kept(ca, authority, sk_X509_REVOKED_value(entries, i), next, last_issued, err);
    return rc;
}

enum rc publish_check(struct ca *ca, enum authority authority, struct bytes last, struct bytes next, struct err *err)
{
    X509_CRL *before = last.len ? crl_of(last) : NULL, *after = crl_of(next);
    enum rc rc = RC_OK;
    if (!after || (last.len && !before))
        rc = err_set(err, RC_CONFLICT, "the list is unreadable");
    else if (X509_NAME_cmp(X509_CRL_get_issuer(after), X509_get_subject_name(ca->issuers[authority].cert)) != 0)
        rc = err_set(err, RC_CONFLICT, "the list is another authority's");
    else if (crl_number(after) < 1)
        rc = err_set(err, RC_CONFLICT, "the list has no number");
    else if (before)
        rc = crl_compare(ca, authority, before, after, err);
    X509_CRL_free(before);
    X509_CRL_free(after);
    return rc;
}

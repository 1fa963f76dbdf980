/* cmporder.c — reading a request. */
#include "ca/cmporder.h"

#include "pki/cert.h"

#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

enum rc cmporder_serial(const ASN1_INTEGER *serial, struct buf *text)
{
    ASN1_INTEGER *own = serial ? ASN1_INTEGER_dup(serial) : NULL;
    X509 *carrier = X509_new(); /* cert_serial reads serials from certificates */
    enum rc rc = own && carrier && X509_set_serialNumber(carrier, own) ? cert_serial(carrier, text) : RC_FORMAT;
    ASN1_INTEGER_free(own);
    X509_free(carrier);
    return rc;
}

/* Attributes and registration. */
static enum rc order_extensions(const X509_EXTENSIONS *extensions, const struct peer *peer, struct cmporder *order,
                                struct err *err)
{
    GENERAL_NAMES *names = extensions ? X509V3_get_d2i(extensions, NID_subject_alt_name, NULL, NULL) : NULL;
    if (!names)
        return err_set(err, RC_FORMAT, "the request has no subjectAltName with the attributes");
    enum rc rc = attributes_from_names(names, &order->attributes, err);
    GENERAL_NAMES_free(names);
    if (rc == RC_NOT_FOUND)
        rc = err_set(err, RC_FORMAT, "the request's subjectAltName holds no attributes");
    if (!rc)
        rc = attributes_check(&order->attributes, err);
    if (rc)
        return rc;
    rc = registration_from_extensions(extensions, &order->registration, err);
    if (rc == RC_NOT_FOUND)
        rc = err_set(err, RC_FORMAT, "the request has no registration");
    if (!rc && strcmp(order->registration.municipality, peer->municipality) != 0)
        rc = err_set(err, RC_DENIED, "municipality %s is not the officer's own", order->registration.municipality);
    return rc;
}

/* kur: which certificate is renewed, by its control oldCertID (RFC 4211 §6.5). */
static enum rc order_renews(const OSSL_CRMF_MSG *request, const X509_NAME *issuer, struct cmporder *order,
                            struct err *err)
{
    struct buf text = {0};
    const OSSL_CRMF_CERTID *old = OSSL_CRMF_MSG_get0_regCtrl_oldCertID(request);
    if (!old)
        return err_set(err, RC_FORMAT, "the kur does not say which certificate is renewed");
    enum rc rc = cmporder_serial(OSSL_CRMF_CERTID_get0_serialNumber(old), &text);
    if (!rc && X509_NAME_cmp(OSSL_CRMF_CERTID_get0_issuer(old), issuer) != 0)
        rc = err_set(err, RC_NOT_FOUND, "the certificate to be renewed is another authority's");
    const char *name = rc ? NULL : buf_string(&text);
    if (!rc && (!name || text.len >= sizeof order->renews))
        rc = err_set(err, RC_NOT_FOUND, "no such certificate");
    if (!rc)
        snprintf(order->renews, sizeof order->renews, "%s", name);
    buf_wipe(&text);
    return rc;
}

enum rc cmporder_read(const struct cmpmsg *msg, const OSSL_CRMF_MSG *request, const X509_REQ *p10,
                      enum authority authority, const X509_NAME *issuer, const struct peer *peer, const char *officer,
                      struct cmporder *order, struct err *err)
{
    OSSL_CRMF_CERTTEMPLATE *template = request ? OSSL_CRMF_MSG_get0_tmpl(request) : NULL;
    X509_EXTENSIONS *of_p10 = p10 ? X509_REQ_get_extensions((X509_REQ *)(uintptr_t)p10) : NULL; /* 3.0 takes no const */
    const X509_EXTENSIONS *extensions = template ? OSSL_CRMF_CERTTEMPLATE_get0_extensions(template) : of_p10;
    enum rc rc = cmpmsg_public_key(msg, &order->public_key, err);
    if (!rc)
        rc = order_extensions(extensions, peer, order, err);
    if (!rc && msg->body == CMPMSG_KUR)
        rc = order_renews(request, issuer, order, err);
    sk_X509_EXTENSION_pop_free(of_p10, X509_EXTENSION_free);
    const struct registration *registration = &order->registration;
    order->order = (struct issue_order){.authority = authority,
                                        .request = registration->request,
                                        .public_key = buf_bytes(&order->public_key),
                                        .municipality = registration->municipality,
                                        .officer = officer,
                                        .attributes = &order->attributes,
                                        .card_expiry = registration->card_expiry,
                                        .auth_not_after = registration->auth_not_after,
                                        .ward = registration->ward,
                                        .renews = order->renews[0] ? order->renews : NULL};
    return rc;
}

void cmporder_wipe(struct cmporder *order)
{
    buf_wipe(&order->public_key);
    OPENSSL_cleanse(order, sizeof *order);
}

/* order.c — the request of an enrolment, built from its record. */
#include "desk/order.h"

#include "desk/proof.h"
#include "pki/cardkey.h"
#include "pki/cert.h"

#include <string.h>

static struct registration order_registration(const struct enrolment *enrolment)
{
    struct registration registration = { .card_expiry = enrolment->card_expiry, .ward = enrolment->ward };
    memcpy(registration.request, enrolment->request, sizeof enrolment->request);
    memcpy(registration.municipality, enrolment->municipality, sizeof registration.municipality);
    memcpy(registration.card, enrolment->card, sizeof registration.card);
    return registration;
}

/* When the authentication certificate ends: the signature certificate's request names it. */
static enum rc order_auth_end(const struct enrolment *enrolment, int64_t *end, struct err *err)
{
    X509 *cert;
    enum rc rc = cert_parse(buf_bytes(&enrolment->half[AUTHORITY_AUTH].cert), &cert);
    if (rc)
        return err_set(err, RC_BUG, "the authentication certificate is missing");
    *end = cert_not_after(cert);
    X509_free(cert);
    return RC_OK;
}

enum rc order_send(const struct order *order, struct peers_answer *answer, struct err *err)
{
    const struct enrolment *enrolment = order->enrolment;
    struct err doubts = { 0 };
    struct proof proof = { .book = order->book, .request = enrolment->request, .issuer = order->issuer,
                           .key = order->authority == AUTHORITY_SIGN ? CARD_KEY_SIGN : CARD_KEY_AUTH, .err = &doubts };
    struct peers_order asked = { .authority = order->authority,
                                 .attributes = &enrolment->attributes,
                                 .registration = order_registration(enrolment),
                                 .confirm = order->confirm,
                                 .reject = order->reject };
    enum rc rc = RC_OK;
    if (order->authority == AUTHORITY_SIGN)
        rc = order_auth_end(enrolment, &asked.registration.auth_not_after, &doubts);
    if (rc == RC_OK)
        rc = proof_key(&proof, buf_bytes(&enrolment->half[order->authority].key), &asked.key, &doubts);
    if (rc == RC_OK) {
        rc = order->peers->certify(order->peers->context, &asked, answer, &doubts);
        EVP_PKEY_free(asked.key);
    }
    if (rc && proof.is_absent)
        rc = RC_NOT_FOUND;
    if (rc)
        err_set(err, rc, "%s", err_text(&doubts, rc));
    return rc;
}

/* abandon.c — look at everything first, record that there is no way back, reject, close. */
#include "desk/abandon.h"

#include "base/fault.h"
#include "desk/order.h"
#include "pki/cert.h"

#include <string.h>

/* In the order in which they are asked for: without the first there was never a second. */
static const enum authority order_of[2] = { AUTHORITY_AUTH, AUTHORITY_SIGN };

struct abandon {
    struct enrolment_book *book;
    const struct peers *peers;
    struct enrolment enrolment;
    struct err *err;
};

static enum rc abandon_state(struct abandon *abandon, enum authority authority, struct bytes der, enum peers_state *state)
{
    X509 *cert = NULL;
    struct buf serial = { 0 };
    enum rc rc = cert_parse(der, &cert);
    if (rc == RC_OK)
        rc = cert_serial(cert, &serial);
    const char *text = rc == RC_OK ? buf_string(&serial) : NULL;
    if (rc == RC_OK)
        rc = text ? abandon->peers->state(abandon->peers->context, authority, text, state, abandon->err) : RC_NOMEM;
    buf_wipe(&serial);
    X509_free(cert);
    return rc;
}

/* No half may be its holder's. A certificate that the desk has never seen was never confirmed by it. */
static enum rc abandon_check(struct abandon *abandon)
{
    for (size_t i = 0; i < 2; i++) {
        const struct enrolment_half *half = &abandon->enrolment.half[order_of[i]];
        enum peers_state state = PEERS_PENDING;
        enum rc rc = half->cert.len ? abandon_state(abandon, order_of[i], buf_bytes(&half->cert), &state) : RC_OK;
        if (rc == RC_OK && state == PEERS_ACTIVE)
            rc = err_set(abandon->err, RC_STATE, "the certificate '%s' is active: the card is its holder's; finish the "
                         "enrolment, or have the certificate revoked first", authority_name(order_of[i]));
        if (rc)
            return rc;
    }
    return RC_OK;
}

/* Rejected means: the authority says so afterwards. */
static enum rc abandon_certificate(struct abandon *abandon, enum authority authority)
{
    const struct order order = { .book = abandon->book, .peers = abandon->peers, .enrolment = &abandon->enrolment,
                                 .authority = authority, .reject = true };
    struct peers_answer answer = { 0 };
    struct err doubts = { 0 };
    enum peers_state state = PEERS_REVOKED;
    enum rc rc = order_send(&order, &answer, &doubts);
    bool is_known = abandon->enrolment.half[authority].cert.len > 0;
    if (rc == RC_STATE) /* revoked: an earlier run, or the authority waited too long for the confirmation */
        rc = RC_OK;
    else if (rc == RC_NOT_FOUND || ((rc == RC_REFUSED || rc == RC_DENIED) && !is_known)) /* never sent, or sent and refused: nothing was issued */
        rc = RC_OK;
    else if (rc)
        err_set(abandon->err, rc, "%s", err_text(&doubts, rc));
    else
        rc = abandon_state(abandon, authority, buf_bytes(&answer.cert), &state);
    if (rc == RC_OK && state != PEERS_REVOKED)
        rc = err_set(abandon->err, RC_CONFLICT, "the authority '%s' did not take the rejection", authority_name(authority));
    buf_wipe(&answer.cert);
    buf_wipe(&answer.ca);
    return rc;
}

static enum rc abandon_both(struct abandon *abandon)
{
    const struct enrolment *enrolment = &abandon->enrolment;
    enum rc rc = RC_OK;
    if (enrolment->half[AUTHORITY_AUTH].key.len)
        rc = abandon_certificate(abandon, AUTHORITY_AUTH);
    fault_point("desk.between_rejections");
    if (rc == RC_OK && !enrolment->without_sign && enrolment->half[AUTHORITY_AUTH].cert.len) /* the other request names its end */
        rc = abandon_certificate(abandon, AUTHORITY_SIGN);
    return rc;
}

enum rc abandon_run(struct enrolment_book *book, const struct peers *peers, const char *card, const char *municipality,
                    struct err *err)
{
    struct abandon abandon = { .book = book, .peers = peers, .err = err };
    struct enrolment *enrolment = &abandon.enrolment;
    enum rc rc = enrolment_find(book, card, enrolment, err);
    if (rc == RC_NOT_FOUND)
        err_set(err, rc, "there is no enrolment with the card %s", card);
    if (rc == RC_OK && enrolment->step == ENROLMENT_ABANDONED)
        goto out;
    if (rc == RC_OK && strcmp(enrolment->municipality, municipality) != 0)
        rc = err_set(err, RC_DENIED, "the enrolment is of the municipality %s", enrolment->municipality);
    if (rc == RC_OK && enrolment->step == ENROLMENT_DONE)
        rc = err_set(err, RC_STATE, "the enrolment is done: the card is its holder's");
    if (rc == RC_OK)
        rc = abandon_check(&abandon);
    if (rc == RC_OK)
        rc = enrolment_record(book, enrolment, ENROLMENT_ABANDON, err);
    if (rc == RC_OK)
        rc = abandon_both(&abandon);
    fault_point("desk.before_abandoned");
    if (rc == RC_OK)
        rc = enrolment_record(book, enrolment, ENROLMENT_ABANDONED, err);
out:
    if (rc == RC_OK)
        peers->tell(peers->context, "abandoned", enrolment->request);
    enrolment_wipe(enrolment);
    return rc;
}

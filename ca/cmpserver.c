/* cmpserver.c — OpenSSL's CMP server core between our own gate (kind, protection, sizes) and the call-backs into issuance
 * and revocation. */
#include "ca/cmpserver.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/hex.h"
#include "base/log.h"
#include "ca/approval.h"
#include "ca/cmporder.h"
#include "ca/publish.h"
#include "ca/revoke.h"
#include "ca/tbs.h"
#include "pki/cert.h"

#include <openssl/cmp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

#define EXTRA_CERTS_MAX 8
#define POLL_SECONDS 2

enum { BODY_IP = 1, BODY_CP = 3, BODY_KUP = 8, BODY_PKICONF = 19 }; /* RFC 9810 §5.1.2 */
enum { OUTCOME_OPEN = 0, OUTCOME_CONFIRMED = 1, OUTCOME_REJECTED = 2 };

/* One message in work. */
struct deal {
    struct cmpserver *server;
    enum authority authority;
    const struct peer *peer;
    char officer[161];
    struct cmpmsg msg;
    struct cmpmsg asked;                 /* the request for a certificate: the message itself, or of a pollReq the recorded one */
    int64_t issued;                      /* certificate id of an ir; 0: none */
    int64_t waits;                       /* approval that the request waits for; 0: none */
    struct book_transaction transaction; /* of a certConf or pollReq */
    enum rc refused;                     /* why the request was refused; RC_OK: it was not */
    OSSL_CMP_MSG *polled;                /* the recorded request of a pollReq, once it may be answered */
    bool confirmed;                      /* a certConf was acted upon */
    bool resuming;                       /* the recorded ir is being given to the context once more */
    enum rc rc;                          /* what went wrong in a call-back */
    struct err err;
};

static const struct {
    enum rc rc;
    int failure;
} failures[] = {
    { RC_FORMAT, OSSL_CMP_PKIFAILUREINFO_badCertTemplate }, { RC_RANGE, OSSL_CMP_PKIFAILUREINFO_badCertTemplate },
    { RC_DENIED, OSSL_CMP_PKIFAILUREINFO_notAuthorized },   { RC_CONFLICT, OSSL_CMP_PKIFAILUREINFO_badRequest },
    { RC_STATE, OSSL_CMP_PKIFAILUREINFO_certRevoked },      { RC_EXISTS, OSSL_CMP_PKIFAILUREINFO_transactionIdInUse },
    { RC_NOT_FOUND, OSSL_CMP_PKIFAILUREINFO_badCertId },    { RC_UNSUPPORTED, OSSL_CMP_PKIFAILUREINFO_badRequest },
    { RC_UNREACHABLE, OSSL_CMP_PKIFAILUREINFO_systemUnavail },
};

static OSSL_CMP_PKISI *deal_rejection(struct deal *deal, enum rc rc)
{
    int failure = OSSL_CMP_PKIFAILUREINFO_systemFailure;
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++)
        if (failures[i].rc == rc)
            failure = failures[i].failure;
    deal->rc = deal->refused = rc;
    log_warning("%s: refused %s: %s", deal->officer, authority_name(deal->authority), err_text(&deal->err, rc));
    return OSSL_CMP_STATUSINFO_new(OSSL_CMP_PKISTATUS_rejection, 1 << failure, err_text(&deal->err, rc));
}

static int deal_log(const char *function, const char *file, int line, OSSL_CMP_severity level, const char *text)
{
    (void)function, (void)file, (void)line, (void)level;
    log_debug("cmp: %s", text);
    return 1;
}

/* The transaction's certificate in the book, as it stands now. */
static enum rc deal_find_cert(struct deal *deal, struct book_cert *row)
{
    ca_lock(deal->server->ca);
    enum rc rc = book_find_id(deal->server->ca->store, deal->transaction.cert, row, &deal->err);
    ca_unlock(deal->server->ca);
    return rc;
}

static enum rc deal_find_transaction(struct deal *deal)
{
    book_transaction_wipe(&deal->transaction);
    ca_lock(deal->server->ca);
    enum rc rc = book_find_transaction(deal->server->ca->store, deal->msg.transaction, &deal->transaction, &deal->err);
    ca_unlock(deal->server->ca);
    return rc;
}

static enum rc deal_find_wait(struct deal *deal)
{
    book_transaction_wipe(&deal->transaction);
    ca_lock(deal->server->ca);
    enum rc rc = approval_find_wait(deal->server->ca->store, deal->msg.transaction, &deal->transaction, &deal->err);
    ca_unlock(deal->server->ca);
    return rc;
}

/* The certificate that the transaction's ir had got. */
static OSSL_CMP_PKISI *deal_repeat(struct deal *deal, X509 **cert_out)
{
    struct book_cert row = { 0 };
    enum rc rc = deal_find_cert(deal, &row);
    if (!rc)
        rc = cert_parse(buf_bytes(&row.certificate), cert_out);
    book_cert_wipe(&row);
    return rc ? deal_rejection(deal, rc) : OSSL_CMP_STATUSINFO_new(OSSL_CMP_PKISTATUS_accepted, 0, NULL);
}

static OSSL_CMP_MSG *message_read(struct bytes der)
{
    BIO *bio = BIO_new_mem_buf(der.data, (int)der.len);
    OSSL_CMP_MSG *message = bio ? d2i_OSSL_CMP_MSG_bio(bio, NULL) : NULL;
    BIO_free(bio);
    return message;
}

/* Whether a second officer has to agree first, and has. RC_OK with deal->waits set: not yet. */
static enum rc deal_approval(struct deal *deal, const struct issue_order *order)
{
    struct ca *ca = deal->server->ca;
    enum approval_state state = APPROVAL_APPROVED;
    int64_t id = 0;
    if (!ca->config.two_persons)
        return RC_OK;
    enum rc rc = approval_ask(ca, order, deal->peer, &id, &state, &deal->err);
    if (!rc && state == APPROVAL_WAITING)
        deal->waits = id;
    return rc;
}

static enum rc deal_issue(struct deal *deal, const OSSL_CRMF_MSG *request, const X509_REQ *p10, X509 **cert_out)
{
    struct ca *ca = deal->server->ca;
    struct cmporder order = { 0 };
    struct book_cert row = { 0 };
    enum rc rc = cmporder_read(&deal->asked, request, p10, deal->authority, X509_get_subject_name(ca->issuers[deal->authority].cert),
                               deal->peer, deal->officer, &order, &deal->err);
    if (!rc)
        rc = deal_approval(deal, &order.order);
    if (!rc && !deal->waits)
        rc = issue_certificate(ca, &order.order, &row, &deal->err);
    if (!rc && !deal->waits)
        rc = cert_parse(buf_bytes(&row.certificate), cert_out);
    if (!rc)
        deal->issued = row.id;
    book_cert_wipe(&row);
    cmporder_wipe(&order);
    return rc;
}

static OSSL_CMP_PKISI *deal_waiting(void)
{
    return OSSL_CMP_STATUSINFO_new(OSSL_CMP_PKISTATUS_waiting, 0, "waits for the approval of a second officer");
}

static OSSL_CMP_PKISI *on_request(OSSL_CMP_SRV_CTX *context, const OSSL_CMP_MSG *message, int id,
                                  const OSSL_CRMF_MSG *request, const X509_REQ *p10, X509 **cert_out,
                                  STACK_OF(X509) **chain_out, STACK_OF(X509) **ca_out)
{
    (void)message, (void)id, (void)chain_out, (void)ca_out;
    struct deal *deal = OSSL_CMP_SRV_CTX_get0_custom_ctx(context);
    if (deal->resuming)
        return deal->msg.body == CMPMSG_POLL_REQ ? deal_waiting() : deal_repeat(deal, cert_out);
    enum rc rc = deal->polled ? RC_NOT_FOUND : deal_find_transaction(deal);
    if (rc == RC_OK)
        rc = err_set(&deal->err, RC_EXISTS, "the transaction is known already");
    else if (rc == RC_NOT_FOUND)
        rc = deal_issue(deal, request, p10, cert_out);
    if (rc)
        return deal_rejection(deal, rc);
    return deal->waits ? deal_waiting() : OSSL_CMP_STATUSINFO_new(OSSL_CMP_PKISTATUS_accepted, 0, NULL);
}

/* A pollReq is answered by the recorded request as soon as that was decided, and by "come again" until then. */
static int on_poll(OSSL_CMP_SRV_CTX *context, const OSSL_CMP_MSG *message, int id, OSSL_CMP_MSG **request, int64_t *check_after)
{
    (void)message, (void)id;
    struct deal *deal = OSSL_CMP_SRV_CTX_get0_custom_ctx(context);
    struct approval approval = { 0 };
    ca_lock(deal->server->ca);
    enum rc rc = approval_find(deal->server->ca->store, deal->transaction.cert, &approval, &deal->err);
    ca_unlock(deal->server->ca);
    bool decided = approval.state != APPROVAL_WAITING;
    approval_wipe(&approval);
    *request = NULL;
    *check_after = POLL_SECONDS;
    if (!rc && decided) {
        deal->polled = message_read(buf_bytes(&deal->transaction.request));
        *request = deal->polled;
        rc = deal->polled ? RC_OK : RC_NOMEM;
    } else if (!rc) {
        deal->waits = deal->transaction.cert;
    }
    deal->rc = rc;
    return rc == RC_OK;
}

/* A rejection discards what was never delivered. A certificate that another transaction confirmed is its holder's, and
 * only a revocation with its own reason ends it. */
static enum rc deal_reject(struct deal *deal)
{
    struct ca *ca = deal->server->ca;
    struct book_cert row = { 0 };
    enum rc rc = book_find_id(ca->store, deal->transaction.cert, &row, &deal->err);
    if (!rc && row.confirmed_at && !row.revoked_at)
        rc = err_set(&deal->err, RC_CONFLICT, "the certificate is active: it can be revoked, not rejected");
    else if (!rc)
        rc = revoke_by_id(ca, row.id, REVOKE_UNSPECIFIED, deal->officer, "rejected by the desk", &deal->err);
    book_cert_wipe(&row);
    return rc;
}

/* Under the lock, with the outcome as it stands now: the same transaction may be confirmed twice at once. */
static enum rc deal_set_outcome(struct deal *deal, bool accepted)
{
    struct ca *ca = deal->server->ca;
    struct book_transaction now = { 0 };
    int outcome = accepted ? OUTCOME_CONFIRMED : OUTCOME_REJECTED;
    enum rc found = book_find_transaction(ca->store, deal->transaction.id, &now, &deal->err);
    deal->transaction.outcome = now.outcome;
    book_transaction_wipe(&now);
    if (found)
        return found;
    if (deal->transaction.outcome == outcome)
        return RC_OK; /* the answer was lost: the same again */
    if (deal->transaction.outcome != OUTCOME_OPEN)
        return err_set(&deal->err, RC_CONFLICT, "the certificate was confirmed or rejected otherwise");
    enum rc rc = accepted ? issue_confirm(ca, deal->transaction.cert, deal->officer, &deal->err)
                          : deal_reject(deal);
    return rc ? rc : book_set_outcome(ca->store, deal->transaction.id, outcome, &deal->err);
}

static enum rc deal_record_outcome(struct deal *deal, bool accepted)
{
    ca_lock(deal->server->ca);
    enum rc rc = deal_set_outcome(deal, accepted);
    ca_unlock(deal->server->ca);
    return rc;
}

static int on_confirm(OSSL_CMP_SRV_CTX *context, const OSSL_CMP_MSG *message, int id, const ASN1_OCTET_STRING *hash,
                      const OSSL_CMP_PKISI *status)
{
    (void)message, (void)id, (void)status;
    struct deal *deal = OSSL_CMP_SRV_CTX_get0_custom_ctx(context);
    struct book_cert row = { 0 };
    uint8_t wanted[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    enum suite suite;
    bool accepted = false;
    enum rc rc = cmpmsg_confirmed(&deal->msg, &accepted, &deal->err);
    if (!rc)
        rc = deal_find_cert(deal, &row);
    if (!rc) {
        /* RFC 9810 §5.3.18: by the digest that the certificate is signed with */
        if (tbs_suite(buf_bytes(&row.tbs), &suite) ||
            EVP_Digest(row.certificate.data, row.certificate.len, wanted, &len, suite_row(suite)->digest(), NULL) != 1 ||
            !bytes_equal(bytes_of(ASN1_STRING_get0_data(hash), (size_t)ASN1_STRING_length(hash)), bytes_of(wanted, len)))
            rc = err_set(&deal->err, RC_CONFLICT, "certConf names another certificate");
    }
    if (!rc)
        rc = deal_record_outcome(deal, accepted);
    deal->confirmed = true;
    deal->rc = rc;
    if (rc)
        log_warning("%s: certConf refused: %s", deal->officer, err_text(&deal->err, rc));
    book_cert_wipe(&row);
    return rc == RC_OK;
}

/* An officer revokes certificates of the own municipality only, of the authority that is asked. */
static enum rc deal_revoke(struct deal *deal, const X509_NAME *issuer, const ASN1_INTEGER *serial)
{
    struct ca *ca = deal->server->ca;
    struct err *err = &deal->err;
    struct book_cert row = { 0 };
    struct buf text = { 0 };
    int reason = 0;
    enum rc rc = cmporder_serial(serial, &text);
    const char *name = rc ? NULL : buf_string(&text);
    if (!rc && (!issuer || X509_NAME_cmp(issuer, X509_get_subject_name(ca->issuers[deal->authority].cert)) != 0))
        rc = err_set(err, RC_NOT_FOUND, "the certificate is another authority's");
    if (!rc)
        rc = cmpmsg_reason(&deal->msg, &reason, err);
    if (!rc && (reason > REVOKE_HOLD || reason == REVOKE_CA_COMPROMISE))
        rc = err_set(err, RC_FORMAT, "reason %d is not one that a desk gives", reason);
    if (!rc)
        rc = name ? book_find_serial(ca->store, deal->authority, name, &row, err) : RC_NOMEM;
    if (rc == RC_NOT_FOUND)
        err_set(err, rc, "no such certificate");
    if (!rc && strcmp(row.municipality, deal->peer->municipality) != 0)
        rc = err_set(err, RC_DENIED, "the certificate is another municipality's");
    if (!rc)
        rc = revoke_certificate(ca, deal->authority, name, reason, deal->officer, "asked by the desk", err);
    book_cert_wipe(&row);
    buf_wipe(&text);
    return rc;
}

static OSSL_CMP_PKISI *on_revocation(OSSL_CMP_SRV_CTX *context, const OSSL_CMP_MSG *message, const X509_NAME *issuer,
                                     const ASN1_INTEGER *serial)
{
    (void)message;
    struct deal *deal = OSSL_CMP_SRV_CTX_get0_custom_ctx(context);
    ca_lock(deal->server->ca);
    enum rc rc = deal_revoke(deal, issuer, serial);
    ca_unlock(deal->server->ca);
    return rc ? deal_rejection(deal, rc) : OSSL_CMP_STATUSINFO_new(OSSL_CMP_PKISTATUS_accepted, 0, NULL);
}

static enum rc octets_of(const char *hex, ASN1_OCTET_STRING **out)
{
    struct buf bytes = { 0 };
    ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
    enum rc rc = octets ? hex_decode(hex, &bytes) : RC_NOMEM;
    if (!rc && !ASN1_OCTET_STRING_set(octets, bytes.data, (int)bytes.len))
        rc = RC_NOMEM;
    buf_wipe(&bytes);
    if (rc)
        ASN1_OCTET_STRING_free(octets);
    else
        *out = octets;
    return rc;
}

/* Brings a fresh context to where the one that answered the ir had been: OpenSSL 3.0 takes a certConf in no other state
 * and has no way to set it. */
static enum rc context_resume(struct deal *deal, OSSL_CMP_SRV_CTX *context)
{
    ASN1_OCTET_STRING *nonce = NULL;
    OSSL_CMP_MSG *request = message_read(buf_bytes(&deal->transaction.request)), *answer = NULL;
    deal->resuming = true;
    if (request)
        answer = OSSL_CMP_SRV_process_request(context, request);
    deal->resuming = false;
    int body = answer ? OSSL_CMP_MSG_get_bodytype(answer) : -1;
    enum rc rc = body == BODY_IP || body == BODY_CP || body == BODY_KUP
                     ? octets_of(deal->transaction.nonce, &nonce)
                     : err_set(&deal->err, RC_STATE, "the transaction cannot be resumed");
    if (!rc && !OSSL_CMP_CTX_set1_senderNonce(OSSL_CMP_SRV_CTX_get0_cmp_ctx(context), nonce))
        rc = RC_NOMEM;
    ASN1_OCTET_STRING_free(nonce);
    OSSL_CMP_MSG_free(request);
    OSSL_CMP_MSG_free(answer);
    return rc;
}

static enum rc context_make(struct deal *deal, X509 *officer, OSSL_CMP_SRV_CTX **out)
{
    OSSL_CMP_SRV_CTX *context = OSSL_CMP_SRV_CTX_new(NULL, NULL);
    OSSL_CMP_CTX *cmp = context ? OSSL_CMP_SRV_CTX_get0_cmp_ctx(context) : NULL;
    X509_STORE *trust = X509_STORE_new();
    const struct ca *ca = deal->server->ca;
    bool made = cmp && trust;
    for (unsigned g = 1; made && g <= ca_newest(ca, AUTHORITY_OPS); g++)
        made = X509_STORE_add_cert(trust, ca_cert(ca, AUTHORITY_OPS, g)) == 1;
    made = made &&
                OSSL_CMP_SRV_CTX_init(context, deal, on_request, on_revocation, NULL, NULL, on_confirm, on_poll) &&
                OSSL_CMP_CTX_set_log_cb(cmp, deal_log) && OSSL_CMP_CTX_set1_cert(cmp, deal->server->cert) &&
                OSSL_CMP_CTX_set1_pkey(cmp, deal->server->key) && OSSL_CMP_CTX_set1_srvCert(cmp, officer) &&
                OSSL_CMP_SRV_CTX_set_accept_unprotected(context, 0) &&
                OSSL_CMP_SRV_CTX_set_accept_raverified(context, 0) &&
                OSSL_CMP_SRV_CTX_set_grant_implicit_confirm(context, 0);
    if (made && OSSL_CMP_CTX_set0_trustedStore(cmp, trust))
        trust = NULL; /* taken */
    X509_STORE_free(trust);
    enum rc rc = made ? RC_OK : RC_NOMEM;
    if (!rc && (deal->msg.body == CMPMSG_CERT_CONF || deal->msg.body == CMPMSG_POLL_REQ))
        rc = context_resume(deal, context);
    if (rc)
        OSSL_CMP_SRV_CTX_free(context);
    else
        *out = context;
    return rc;
}

/* The certificate of the TLS peer from the book: it is the one that must have signed the message. */
static enum rc deal_officer(struct deal *deal, X509 **officer)
{
    struct book_cert row = { 0 };
    ca_lock(deal->server->ca);
    enum rc rc = book_find_serial(deal->server->ca->store, AUTHORITY_OPS, deal->peer->serial, &row, &deal->err);
    ca_unlock(deal->server->ca);
    if (rc == RC_NOT_FOUND)
        rc = err_set(&deal->err, RC_DENIED, "the peer's certificate is not in the book");
    if (!rc && (book_cert_state(&row) != BOOK_ACTIVE || row.not_after < clock_now()))
        rc = err_set(&deal->err, RC_DENIED, "the peer's certificate is revoked or over");
    if (!rc)
        rc = cert_parse(buf_bytes(&row.certificate), officer);
    book_cert_wipe(&row);
    return rc;
}

static bool body_known(unsigned body)
{
    switch (body) {
    case CMPMSG_IR:
    case CMPMSG_CR:
    case CMPMSG_P10CR:
    case CMPMSG_KUR:
    case CMPMSG_RR:
    case CMPMSG_CERT_CONF:
    case CMPMSG_POLL_REQ:
        return true;
    default:
        return false;
    }
}

/* A message that goes on with a transaction: the same officer's, at the same authority. */
static enum rc deal_gate_going_on(struct deal *deal)
{
    struct err *err = &deal->err;
    bool poll = deal->msg.body == CMPMSG_POLL_REQ;
    enum rc rc = poll ? deal_find_wait(deal) : deal_find_transaction(deal);
    if (rc == RC_NOT_FOUND)
        return err_set(err, rc, "%s of an unknown transaction", poll ? "pollReq" : "certConf");
    if (!rc && (deal->transaction.authority != deal->authority || strcmp(deal->transaction.officer, deal->officer) != 0))
        rc = err_set(err, RC_DENIED, "the transaction is another officer's or authority's");
    return rc || !poll ? rc : cmpmsg_parse(buf_bytes(&deal->transaction.request), &deal->asked, err);
}

/* What OpenSSL need not see. */
static enum rc deal_gate(struct deal *deal, struct bytes message)
{
    struct err *err = &deal->err;
    if (message.len > CMPSERVER_BODY_MAX)
        return err_set(err, RC_RANGE, "a CMP message of more than %u bytes", CMPSERVER_BODY_MAX);
    enum rc rc = cmpmsg_parse(message, &deal->msg, err);
    if (rc)
        return rc;
    if (!body_known(deal->msg.body))
        return err_set(err, RC_UNSUPPORTED, "a CMP message of kind %u", deal->msg.body);
    if (!deal->msg.signed_protection)
        return err_set(err, RC_DENIED, "the message is not protected by a signature");
    if (deal->msg.extra_certs > EXTRA_CERTS_MAX || !deal->msg.transaction[0])
        return err_set(err, RC_FORMAT, "too many certificates, or no transactionID");
    deal->asked = deal->msg;
    return deal->msg.body == CMPMSG_CERT_CONF || deal->msg.body == CMPMSG_POLL_REQ ? deal_gate_going_on(deal) : RC_OK;
}

/* One step: a transaction that waited is one that has a certificate, or waits on. */
static enum rc deal_keep_row(struct deal *deal, const struct book_transaction *row)
{
    struct store *store = deal->server->ca->store;
    enum rc rc = store_begin(store, &deal->err);
    if (!rc)
        rc = deal->waits ? approval_put_wait(store, row, &deal->err) : book_add_transaction(store, row, &deal->err);
    if (!rc && !deal->waits)
        rc = approval_end_wait(store, row->id, &deal->err);
    if (!rc)
        rc = store_commit(store, &deal->err);
    store_rollback(store);
    return rc;
}

/* Before the answer leaves: what the next message of the transaction will need. */
static enum rc deal_keep(struct deal *deal, struct bytes message, struct bytes answer)
{
    struct cmpmsg ours;
    struct book_transaction transaction = { .authority = deal->authority, .cert = deal->waits ? deal->waits : deal->issued };
    bool poll = deal->msg.body == CMPMSG_POLL_REQ;
    enum rc rc = cmpmsg_parse(answer, &ours, &deal->err);
    if (rc)
        return rc;
    snprintf(transaction.id, sizeof transaction.id, "%s", deal->msg.transaction);
    snprintf(transaction.officer, sizeof transaction.officer, "%s", deal->officer);
    snprintf(transaction.nonce, sizeof transaction.nonce, "%s", ours.sender_nonce);
    rc = buf_append_bytes(&transaction.request, poll ? buf_bytes(&deal->transaction.request) : message);
    fault_point("cmp.before_keep");
    ca_lock(deal->server->ca);
    if (!rc)
        rc = deal_keep_row(deal, &transaction);
    ca_unlock(deal->server->ca);
    fault_point("cmp.after_keep");
    book_transaction_wipe(&transaction);
    return rc;
}

/* What waited and was refused has ended, unless it may go better the next time. */
static bool deal_ended(const struct deal *deal)
{
    static const enum rc last_words[] = { RC_FORMAT, RC_RANGE, RC_DENIED, RC_CONFLICT, RC_STATE };
    bool ended = false;
    for (size_t i = 0; i < sizeof last_words / sizeof last_words[0]; i++)
        ended = ended || (deal->polled && deal->refused == last_words[i]);
    return ended;
}

static enum rc deal_end_wait(struct deal *deal)
{
    ca_lock(deal->server->ca);
    enum rc rc = approval_end_wait(deal->server->ca->store, deal->transaction.id, &deal->err);
    ca_unlock(deal->server->ca);
    return rc;
}

static enum rc deal_encode(OSSL_CMP_MSG *answer, struct buf *out)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *data = NULL;
    enum rc rc = bio && i2d_OSSL_CMP_MSG_bio(bio, answer) ? RC_OK : RC_NOMEM;
    long len = rc ? 0 : BIO_get_mem_data(bio, &data);
    if (!rc)
        rc = buf_append(out, data, (size_t)len);
    BIO_free(bio);
    return rc;
}

static enum rc deal_process(struct deal *deal, X509 *officer, struct bytes message, struct buf *out)
{
    OSSL_CMP_SRV_CTX *context = NULL;
    OSSL_CMP_MSG *request = NULL, *answer = NULL;
    struct buf encoded = { 0 };
    enum rc rc = context_make(deal, officer, &context);
    if (!rc && !(request = message_read(message)))
        rc = err_set(&deal->err, RC_FORMAT, "not a CMP message");
    if (!rc && !(answer = OSSL_CMP_SRV_process_request(context, request))) {
        const char *why = ERR_reason_error_string(ERR_peek_last_error());
        rc = err_set(&deal->err, RC_DENIED, "CMP: %s", why ? why : "the message was refused");
    }
    if (!rc && deal->msg.body == CMPMSG_CERT_CONF && !deal->confirmed && OSSL_CMP_MSG_get_bodytype(answer) == BODY_PKICONF)
        rc = deal_record_outcome(deal, false); /* an empty certConf: OpenSSL asks nobody */
    if (!rc)
        rc = deal_encode(answer, &encoded);
    if (!rc && (deal->issued || deal->waits))
        rc = deal_keep(deal, message, buf_bytes(&encoded));
    else if (!rc && deal_ended(deal))
        rc = deal_end_wait(deal);
    if (!rc)
        rc = buf_append_bytes(out, buf_bytes(&encoded));
    buf_wipe(&encoded);
    OSSL_CMP_MSG_free(request);
    OSSL_CMP_MSG_free(answer);
    OSSL_CMP_SRV_CTX_free(context);
    return rc;
}

enum rc cmpserver_answer(struct cmpserver *server, enum authority authority, const struct peer *peer,
                         struct bytes message, struct buf *out, struct err *err)
{
    struct deal deal = { .server = server, .authority = authority, .peer = peer };
    X509 *officer = NULL;
    snprintf(deal.officer, sizeof deal.officer, "%s %s", role_name(peer->role), peer->serial);
    ERR_clear_error();
    enum rc rc = peer->role == ROLE_DESK_OFFICER ? deal_officer(&deal, &officer) : RC_DENIED;
    if (!rc)
        rc = deal_gate(&deal, message);
    if (!rc)
        rc = deal_process(&deal, officer, message, out);
    ERR_clear_error();
    X509_free(officer);
    book_transaction_wipe(&deal.transaction);
    if (rc) {
        log_warning("%s: no CMP answer: %s", deal.officer, err_text(&deal.err, rc));
        err_set(err, rc, "%s", err_text(&deal.err, rc));
    }
    return rc;
}

enum rc cmpserver_open(struct ca *ca, const struct identity *identity, struct cmpserver *server, struct err *err)
{
    struct cmpserver opened = { .ca = ca };
    BIO *key = BIO_new_mem_buf(identity->key_pem.data, (int)identity->key_pem.len);
    if (key)
        opened.key = PEM_read_bio_PrivateKey(key, NULL, NULL, NULL);
    BIO_free(key);
    enum rc rc = opened.key ? cert_read(identity->cert_path, &opened.cert, err)
                            : err_set(err, RC_FORMAT, "the key in %s is unreadable", identity->folder);
    if (!rc && X509_check_private_key(opened.cert, opened.key) != 1)
        rc = err_set(err, RC_FORMAT, "key and certificate in %s are not a pair", identity->folder);
    if (rc)
        cmpserver_close(&opened);
    else
        *server = opened;
    return rc;
}

void cmpserver_close(struct cmpserver *server)
{
    X509_free(server->cert);
    EVP_PKEY_free(server->key);
    *server = (struct cmpserver) { 0 };
}

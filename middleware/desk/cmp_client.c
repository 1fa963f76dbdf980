/* cmp_client.c — one CMP transaction for one certificate. OpenSSL builds, protects, parses and judges the messages; here is
 * what it cannot know: how bytes get to the authority, that the other end must hold the role "ca", and when a
 * certificate is confirmed. */
#include "desk/cmp_client.h"

#include "base/clock.h"
#include "base/log.h"
#include "pki/cardkey.h"
#include "pki/cert.h"

#include <openssl/cmp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

#define MESSAGE_MAX (256u * 1024u)

/* What the call-backs of one transaction share. */
struct transaction {
    struct client *client;
    const struct peers_order *order;
    enum rc transfer; /* how the last transfer went */
    struct err *err;
    bool doubted;    /* OpenSSL found the certificate not to fit the request */
    struct buf seen; /* the certificate that came when all are to be rejected, DER */
    bool other_cert; /* the authority gave another certificate than the one to be confirmed */
};

static OSSL_CMP_MSG *cmp_client_transfer(OSSL_CMP_CTX *ctx, const OSSL_CMP_MSG *request)
{
    struct transaction *t = OSSL_CMP_CTX_get_transfer_cb_arg(ctx);
    unsigned char *der = NULL;
    struct buf answer = { .max = MESSAGE_MAX };
    OSSL_CMP_MSG *message = NULL;
    char path[32];
    unsigned status = 0;
    snprintf(path, sizeof path, "/cmp/%s", authority_name(t->order->authority));
    int len = i2d_OSSL_CMP_MSG(request, &der);
    if (len <= 0)
        return NULL;
    struct bytes body = bytes_of(der, (size_t)len);
    t->transfer = client_send(t->client, "POST", path, "application/pkixcmp", &body, &status, &answer, t->err);
    if (t->transfer == RC_OK && status != 200)
        t->transfer = err_set(t->err, status == 403 ? RC_DENIED : RC_REFUSED,
                              "the authority's server answered with HTTP status %u", status);
    if (t->transfer == RC_OK) {
        const unsigned char *at = answer.data;
        message = d2i_OSSL_CMP_MSG(NULL, &at, (long)answer.len);
        if (!message || at != answer.data + answer.len)
            t->transfer = err_set(t->err, RC_FORMAT, "the authority's answer is not a CMP message");
    }
    if (t->transfer) {
        OSSL_CMP_MSG_free(message);
        message = NULL;
    }
    buf_wipe(&answer);
    OPENSSL_free(der);
    return message;
}

/* Called with the new certificate and OpenSSL's own doubts; what is returned goes into the certConf, 0 accepts. When only
 * asking, nothing is sent at all: then this only passes the doubts on. */
static int cmp_client_judge(OSSL_CMP_CTX *ctx, X509 *cert, int fail_info, const char **text)
{
    struct transaction *t = OSSL_CMP_CTX_get_certConf_cb_arg(ctx);
    struct bytes wanted = t->order->confirm;
    if (t->order->reject) {
        buf_truncate(&t->seen, 0);
        *text = "the enrolment was abandoned";
        if (cert_encode(cert, &t->seen) != RC_OK)
            t->doubted = true;
        return 1 << OSSL_CMP_PKIFAILUREINFO_incorrectData;
    }
    if (fail_info)
        t->doubted = true;
    if (fail_info || !wanted.len)
        return fail_info;
    struct buf der = { 0 };
    bool same = cert_encode(cert, &der) == RC_OK && bytes_equal(buf_bytes(&der), wanted);
    buf_wipe(&der);
    if (same)
        return 0;
    t->other_cert = true;
    *text = "not the certificate that was written to the card";
    return 1 << OSSL_CMP_PKIFAILUREINFO_incorrectData;
}

/* The signer of the answer must be an authority, not some officer of the same operations authority. */
static int cmp_client_check_signer(int ok, X509_STORE_CTX *store)
{
    if (!ok || X509_STORE_CTX_get_error_depth(store) != 0)
        return ok;
    struct buf der = { 0 };
    struct peer peer;
    bool is_ca = cert_encode(X509_STORE_CTX_get_current_cert(store), &der) == RC_OK
                 && peer_from_cert(buf_bytes(&der), &peer, NULL) == RC_OK && peer.role == ROLE_CA;
    buf_wipe(&der);
    if (!is_ca)
        X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
    return is_ca;
}

static int cmp_client_log(const char *function, const char *file, int line, OSSL_CMP_severity level, const char *text)
{
    (void)file;
    (void)line;
    if (level <= OSSL_CMP_LOG_WARNING)
        log_info("cmp: %s: %s", function, text);
    return 1;
}

static bool cmp_client_trust(OSSL_CMP_CTX *ctx, const struct identity *identity)
{
    STACK_OF(X509) *certs = NULL;
    if (cert_read_all(identity->ca_path, &certs, NULL) != RC_OK)
        return false;
    X509_STORE *store = X509_STORE_new();
    bool good = store != NULL;
    for (int i = 0; good && i < sk_X509_num(certs); i++)
        good = X509_STORE_add_cert(store, sk_X509_value(certs, i)) == 1;
    sk_X509_pop_free(certs, X509_free);
    if (good) {
        X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), (time_t)clock_now());
        X509_STORE_set_verify_cb(store, cmp_client_check_signer);
        good = OSSL_CMP_CTX_set0_trustedStore(ctx, store) == 1;
    }
    if (!good)
        X509_STORE_free(store);
    return good;
}

static bool cmp_client_sign_as(OSSL_CMP_CTX *ctx, const struct identity *identity)
{
    BIO *key_pem = BIO_new_mem_buf(identity->key_pem.data, (int)identity->key_pem.len);
    BIO *cert_pem = BIO_new_mem_buf(identity->cert_pem.data, (int)identity->cert_pem.len);
    EVP_PKEY *key = key_pem ? PEM_read_bio_PrivateKey(key_pem, NULL, NULL, NULL) : NULL;
    X509 *cert = cert_pem ? PEM_read_bio_X509(cert_pem, NULL, NULL, NULL) : NULL;
    bool good = key && cert && OSSL_CMP_CTX_set1_cert(ctx, cert) == 1 && OSSL_CMP_CTX_set1_pkey(ctx, key) == 1;
    EVP_PKEY_free(key);
    X509_free(cert);
    BIO_free(key_pem);
    BIO_free(cert_pem);
    return good;
}

/* The template's extensions: the four attributes and the registration. The same order makes the same bytes, so that the
 * proof of possession made for the first request serves the repeated one. */
static enum rc cmp_client_extensions(const struct peers_order *order, X509_EXTENSIONS **out, struct err *err)
{
    GENERAL_NAMES *names = NULL;
    X509_EXTENSION *san = NULL, *registration = NULL;
    X509_EXTENSIONS *list = NULL;
    enum rc rc = attributes_to_names(order->attributes, &names, err);
    if (rc == RC_OK)
        rc = registration_to_extension(&order->registration, &registration);
    if (rc)
        goto out;
    rc = RC_NOMEM;
    san = X509V3_EXT_i2d(NID_subject_alt_name, 0, names);
    if (!san || !X509v3_add_ext(&list, san, -1) || !X509v3_add_ext(&list, registration, -1))
        goto out;
    *out = list;
    list = NULL;
    rc = RC_OK;
out:
    sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
    X509_EXTENSION_free(san);
    X509_EXTENSION_free(registration);
    GENERAL_NAMES_free(names);
    return rc;
}

static enum rc cmp_client_prepare(OSSL_CMP_CTX *ctx, struct transaction *t, const struct identity *identity)
{
    const struct peers_order *order = t->order;
    X509_EXTENSIONS *extensions = NULL;
    enum rc rc = cmp_client_extensions(order, &extensions, t->err);
    if (rc)
        return rc;
    if (OSSL_CMP_CTX_set0_reqExtensions(ctx, extensions) != 1) {
        sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
        return RC_NOMEM;
    }
    if (!cmp_client_sign_as(ctx, identity) || !cmp_client_trust(ctx, identity))
        return err_set(t->err, RC_FORMAT, "%s: the identity's key or certificates are unusable", identity->folder);
    /* The subject is the authority's to decide, but proof of possession wants one in the template (RFC 4211 §4.1): the
     * request's name, not the officer's own, which would be the default. */
    X509_NAME *subject = X509_NAME_new();
    bool good = subject
                && X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                                              (const unsigned char *)order->registration.request, -1, -1, 0) == 1
                && OSSL_CMP_CTX_set1_subjectName(ctx, subject) == 1;
    X509_NAME_free(subject);
    good = good && EVP_PKEY_up_ref(order->key) == 1;
    if (good && OSSL_CMP_CTX_set0_newPkey(ctx, 1, order->key) != 1) {
        EVP_PKEY_free(order->key);
        good = false;
    }
    if (EVP_PKEY_is_a(order->key, "EC")) /* the next card signs hashes of SHA-384 only */
        good = good && OSSL_CMP_CTX_set_option(ctx, OSSL_CMP_OPT_DIGEST_ALGNID, NID_sha384) == 1;
    good = good && OSSL_CMP_CTX_set_option(ctx, OSSL_CMP_OPT_SUBJECTALTNAME_NODEFAULT, 1) == 1
           && OSSL_CMP_CTX_set_option(ctx, OSSL_CMP_OPT_DISABLE_CONFIRM,
                                      order->confirm.len == 0 && !order->reject) == 1
           && OSSL_CMP_CTX_set_log_cb(ctx, cmp_client_log) == 1
           && OSSL_CMP_CTX_set_transfer_cb(ctx, cmp_client_transfer) == 1
           && OSSL_CMP_CTX_set_transfer_cb_arg(ctx, t) == 1
           && OSSL_CMP_CTX_set_certConf_cb(ctx, cmp_client_judge) == 1
           && OSSL_CMP_CTX_set_certConf_cb_arg(ctx, t) == 1;
    return good ? RC_OK : RC_NOMEM;
}

/* What a rejection stands for, from its failure information (RFC 9810 Appendix F). */
static enum rc cmp_client_rejected(int failures)
{
    static const struct {
        int failure;
        enum rc rc;
    } rows[] = {
        { OSSL_CMP_PKIFAILUREINFO_certRevoked, RC_STATE },
        { OSSL_CMP_PKIFAILUREINFO_notAuthorized, RC_DENIED },
        { OSSL_CMP_PKIFAILUREINFO_systemUnavail, RC_UNREACHABLE },
        { OSSL_CMP_PKIFAILUREINFO_systemFailure, RC_UNREACHABLE },
    };
    for (size_t i = 0; failures > 0 && i < sizeof rows / sizeof *rows; i++)
        if (failures & 1 << rows[i].failure)
            return rows[i].rc;
    return RC_REFUSED;
}

/* Why there is no certificate, from the nearest cause to the farthest. */
static enum rc cmp_client_explain(OSSL_CMP_CTX *ctx, struct transaction *t)
{
    unsigned long code = ERR_peek_last_error();
    char words[200];
    ERR_error_string_n(code, words, sizeof words);
    if (cardkey_last(t->order->key))
        return err_set(t->err, cardkey_last(t->order->key), "the card did not sign the request: %s",
                       rc_text(cardkey_last(t->order->key)));
    if (t->transfer)
        return t->transfer;
    if (t->doubted)
        return err_set(t->err, RC_BAD_SIGNATURE, "the certificate is not for the key of the request");
    if (t->other_cert)
        return err_set(t->err, RC_CONFLICT, "the authority gave another certificate than before; it was rejected");
    if (OSSL_CMP_CTX_get_status(ctx) == OSSL_CMP_PKISTATUS_rejection) {
        OSSL_CMP_PKIFREETEXT *texts = OSSL_CMP_CTX_get0_statusString(ctx);
        ASN1_UTF8STRING *text = texts && sk_ASN1_UTF8STRING_num(texts) > 0 ? sk_ASN1_UTF8STRING_value(texts, 0) : NULL;
        return err_set(t->err, cmp_client_rejected(OSSL_CMP_CTX_get_failInfoCode(ctx)), "the authority rejected the request: %.*s",
                       text ? ASN1_STRING_length(text) : 0, text ? (const char *)ASN1_STRING_get0_data(text) : "");
    }
    return err_set(t->err, RC_BAD_SIGNATURE, "the authority's answer does not hold: %s", words);
}

/* The authority's own certificate among those sent along: the one whose key signed the new one. */
static enum rc cmp_client_find_ca(OSSL_CMP_CTX *ctx, X509 *cert, struct buf *out)
{
    STACK_OF(X509) *sent = OSSL_CMP_CTX_get1_caPubs(ctx);
    enum rc rc = RC_OK;
    for (int i = 0; i < sk_X509_num(sent); i++)
        if (X509_verify(cert, X509_get0_pubkey(sk_X509_value(sent, i))) == 1) {
            rc = cert_encode(sk_X509_value(sent, i), out);
            break;
        }
    sk_X509_pop_free(sent, X509_free);
    return rc;
}

enum rc cmp_client_order(struct client *client, const struct identity *identity, const struct peers_order *order,
                         struct peers_answer *answer, struct err *err)
{
    struct transaction t = { .client = client, .order = order, .err = err };
    struct buf cert_der = { 0 }, ca_der = { 0 };
    ERR_clear_error();
    OSSL_CMP_CTX *ctx = OSSL_CMP_CTX_new(NULL, NULL);
    if (!ctx)
        return RC_NOMEM;
    enum rc rc = cmp_client_prepare(ctx, &t, identity);
    if (rc)
        goto out;
    /* Not OSSL_CMP_exec_IR_ses, which would poll for as long as a second officer thinks: the desk comes again. */
    int check_after = 0, got = OSSL_CMP_try_certreq(ctx, OSSL_CMP_IR, NULL, &check_after);
    X509 *cert = got == 1 ? OSSL_CMP_CTX_get0_newCert(ctx) : NULL; /* stays the context's */
    if (t.seen.len && t.transfer == RC_OK) {
        *answer = (struct peers_answer) { .cert = t.seen };
        t.seen = (struct buf) { 0 };
        goto out;
    }
    if (got == -1) {
        rc = err_set(err, RC_TIMEOUT, "the authority waits for the approval of a second officer: the same command goes on later");
        goto out;
    }
    if (!cert) {
        rc = cmp_client_explain(ctx, &t);
        goto out;
    }
    rc = cert_encode(cert, &cert_der);
    if (rc == RC_OK)
        rc = cmp_client_find_ca(ctx, cert, &ca_der);
    if (rc)
        goto out;
    *answer = (struct peers_answer) { .cert = cert_der, .ca = ca_der };
    cert_der = ca_der = (struct buf) { 0 };
out:
    buf_wipe(&cert_der);
    buf_wipe(&ca_der);
    buf_wipe(&t.seen);
    OSSL_CMP_CTX_free(ctx);
    ERR_clear_error();
    return rc;
}

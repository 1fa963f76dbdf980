/* presented.c — path and status of a presented certificate, by OpenSSL's own verifier, OCSP and HTTP client. */
#include "registry/presented.h"

#include "base/clock.h"
#include "base/hex.h"
#include "pki/cert.h"

#include <openssl/err.h>
#include <openssl/http.h>
#include <openssl/ocsp.h>
#include <openssl/x509v3.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define ANSWER_MAX (64u << 10)
#define SKEW 300 /* seconds that the responder's clock may be ahead */

enum rc presented_parse(const char *hex, X509 **cert, struct err *err)
{
    struct buf der = {.max = 16384};
    enum rc rc = hex_decode(hex, &der);
    if (!rc)
        rc = cert_parse(buf_bytes(&der), cert);
    buf_wipe(&der);
    return rc == RC_NOMEM ? rc : rc ? err_set(err, RC_FORMAT, "certificate: not a certificate in hex") : RC_OK;
}

static X509_STORE *presented_store(const struct presented_rules *rules)
{
    X509_STORE *store = X509_STORE_new();
    for (int i = 0; store && i < sk_X509_num(rules->authorities); i++)
        if (!X509_STORE_add_cert(store, sk_X509_value(rules->authorities, i))) {
            X509_STORE_free(store);
            return NULL;
        }
    if (store) {
        X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), (time_t)clock_now());
        X509_VERIFY_PARAM_set_flags(X509_STORE_get0_param(store),
                                    X509_V_FLAG_PARTIAL_CHAIN); /* an older key of the authority */
    }
    return store;
}

/* The path, and that it is a certificate to authenticate with: the signature certificate has another usage. */
static enum rc presented_check_path(X509_STORE *store, X509 *cert, X509 **issuer, struct err *err)
{
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    enum rc rc = RC_NOMEM;
    if (!context || !X509_STORE_CTX_init(context, store, cert, NULL))
        goto out;
    rc = RC_OK;
    if (X509_verify_cert(context) != 1) {
        int why = X509_STORE_CTX_get_error(context);
        if (why == X509_V_ERR_CERT_HAS_EXPIRED && X509_STORE_CTX_get_error_depth(context) == 0) {
            char until[CLOCK_TEXT_SIZE];
            clock_format(cert_not_after(cert), until);
            rc = err_set(err, RC_STATE, "the certificate ended on %s", until);
        } else if (why == X509_V_ERR_CERT_NOT_YET_VALID) {
            rc = err_set(err, RC_STATE, "the certificate is not valid yet");
        } else {
            rc = err_set(err, RC_DENIED, "the certificate is not of the authentication authority: %s",
                         X509_verify_cert_error_string(why));
        }
    } else if (!(X509_get_key_usage(cert) & KU_DIGITAL_SIGNATURE) ||
               !(X509_get_extended_key_usage(cert) & XKU_SSL_CLIENT) ||
               X509_get_ext_by_NID(cert, NID_ext_key_usage, -1) < 0) {
        rc = err_set(err, RC_DENIED, "the certificate is not one for authentication");
    } else {
        STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(context);
        *issuer = sk_X509_value(chain, sk_X509_num(chain) > 1 ? 1 : 0);
        X509_up_ref(*issuer);
    }
out:
    X509_STORE_CTX_free(context);
    ERR_clear_error();
    return rc;
}

/* One try to connect: OpenSSL's own way tries again and again until the time is over, also where nobody listens. */
static BIO *presented_connect(const char *host, const char *port, int timeout)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    const struct timeval patience = {.tv_sec = timeout};
    struct addrinfo *found = NULL;
    int fd = -1;
    if (getaddrinfo(host, port, &hints, &found) != 0)
        return NULL;
    for (const struct addrinfo *at = found; at && fd < 0; at = at->ai_next) {
        fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 && (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) ||
                        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) ||
                        connect(fd, at->ai_addr, at->ai_addrlen))) {
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(found);
    BIO *bio = fd >= 0 ? BIO_new_socket(fd, BIO_CLOSE) : NULL;
    if (!bio && fd >= 0)
        close(fd);
    return bio;
}

/* The responder's answer to a request. *url is ours or the certificate's own. */
static enum rc presented_send(const char *url, int timeout, OCSP_REQUEST *request, OCSP_RESPONSE **answer,
                              struct err *err)
{
    char *host = NULL, *port = NULL, *path = NULL;
    int tls = 0;
    if (!OSSL_HTTP_parse_url(url, &tls, NULL, &host, &port, NULL, &path, NULL, NULL) || tls) {
        ERR_clear_error();
        OPENSSL_free(host); /* an https:// URL was taken apart all the same */
        OPENSSL_free(port);
        OPENSSL_free(path);
        return err_set(err, RC_USAGE, "'%s' is not an http:// URL of a responder", url);
    }
    BIO *body = BIO_new(BIO_s_mem()), *got = NULL, *line = presented_connect(host, port, timeout);
    enum rc rc = body && i2d_OCSP_REQUEST_bio(body, request) ? RC_OK : RC_NOMEM;
    if (!rc) {
        if (line)
            got = OSSL_HTTP_transfer(NULL, host, port, path, 0, NULL, NULL, line, line, NULL, NULL, 0, NULL,
                                     "application/ocsp-request", body, "application/ocsp-response", 1, ANSWER_MAX,
                                     timeout, 0);
        *answer = got ? d2i_OCSP_RESPONSE_bio(got, NULL) : NULL;
        const char *why = ERR_reason_error_string(ERR_peek_error());
        if (!*answer)
            rc = got ? err_set(err, RC_REFUSED, "%s: no OCSP answer came", url)
                     : err_set(err, RC_UNREACHABLE, "%s: the certificate's status could not be asked: %s", url,
                               why ? why : "no connection");
    }
    ERR_clear_error();
    BIO_free(body);
    BIO_free(got);
    BIO_free(line);
    OPENSSL_free(host);
    OPENSSL_free(port);
    OPENSSL_free(path);
    return rc;
}

/* From thisUpdate to nextUpdate, by the house's clock. */
static enum rc presented_check_time(const ASN1_TIME *from, const ASN1_TIME *until, struct err *err)
{
    int64_t first, last;
    if (!from || cert_time(from, &first) || (until && cert_time(until, &last)))
        return err_set(err, RC_REFUSED, "the responder's answer has no time");
    if (first > clock_now() + SKEW || (until && last < clock_now()))
        return err_set(err, RC_REFUSED, "the responder's answer is of another time");
    return RC_OK;
}

static enum rc presented_read_answer(const struct presented_rules *rules, X509_STORE *store, OCSP_REQUEST *request,
                                     OCSP_CERTID *id, OCSP_RESPONSE *answer, struct err *err)
{
    int status = OCSP_response_status(answer), state, reason;
    ASN1_GENERALIZEDTIME *revoked = NULL, *from = NULL, *until = NULL;
    if (status != OCSP_RESPONSE_STATUS_SUCCESSFUL)
        return err_set(err, RC_REFUSED, "the responder answers '%s'", OCSP_response_status_str(status));
    OCSP_BASICRESP *basic = OCSP_response_get1_basic(answer);
    enum rc rc = basic ? RC_OK : err_set(err, RC_REFUSED, "the responder's answer is of a kind that is not known");
    /* an answer without the nonce was made ahead for everybody (RFC 8954): its times judge it */
    if (!rc && OCSP_check_nonce(request, basic) == 0)
        rc = err_set(err, RC_REFUSED, "the responder answers another question");
    if (!rc && OCSP_basic_verify(basic, rules->authorities, store, 0) != 1)
        rc = err_set(err, RC_REFUSED, "the answer is not signed for the authority");
    if (!rc && OCSP_resp_find_status(basic, id, &state, &reason, &revoked, &from, &until) != 1)
        rc = err_set(err, RC_REFUSED, "the answer is about another certificate");
    if (!rc)
        rc = presented_check_time(from, until, err);
    if (!rc && state == V_OCSP_CERTSTATUS_REVOKED) {
        char since[CLOCK_TEXT_SIZE] = "?";
        int64_t time;
        if (!cert_time(revoked, &time))
            clock_format(time, since);
        rc = err_set(err, RC_STATE, "the certificate was revoked on %s (%s)", since,
                     reason < 0 ? "no reason given" : OCSP_crl_reason_str(reason));
    } else if (!rc && state != V_OCSP_CERTSTATUS_GOOD) {
        rc = err_set(err, RC_DENIED, "the authority knows no such certificate");
    }
    OCSP_BASICRESP_free(basic);
    ERR_clear_error();
    return rc;
}

static enum rc presented_ask(const struct presented_rules *rules, X509_STORE *store, X509 *cert, X509 *issuer,
                             struct err *err)
{
    OCSP_REQUEST *request = OCSP_REQUEST_new();
    OCSP_RESPONSE *answer = NULL;
    OCSP_CERTID *id = OCSP_cert_to_id(NULL, cert, issuer);
    STACK_OF(OPENSSL_STRING) *named = X509_get1_ocsp(cert);
    const char *url = rules->ocsp                        ? rules->ocsp
                      : sk_OPENSSL_STRING_num(named) > 0 ? sk_OPENSSL_STRING_value(named, 0)
                                                         : NULL;
    enum rc rc = RC_OK;
    if (!url)
        rc = err_set(err, RC_STATE, "the certificate names no responder, and none is set");
    else if (!request || !id || !OCSP_request_add0_id(request, OCSP_CERTID_dup(id)) ||
             !OCSP_request_add1_nonce(request, NULL, -1))
        rc = RC_NOMEM;
    if (!rc)
        rc = presented_send(url, rules->timeout ? rules->timeout : 5, request, &answer, err);
    if (!rc)
        rc = presented_read_answer(rules, store, request, id, answer, err);
    X509_email_free(named);
    OCSP_RESPONSE_free(answer);
    OCSP_REQUEST_free(request);
    OCSP_CERTID_free(id);
    return rc;
}

enum rc presented_judge(const struct presented_rules *rules, X509 *cert, struct err *err)
{
    X509_STORE *store = presented_store(rules);
    X509 *issuer = NULL;
    enum rc rc = store ? presented_check_path(store, cert, &issuer, err) : RC_NOMEM;
    if (!rc)
        rc = presented_ask(rules, store, cert, issuer, err);
    X509_free(issuer);
    X509_STORE_free(store);
    return rc;
}

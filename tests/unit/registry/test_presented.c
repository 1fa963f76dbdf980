/* test_presented.c — a presented authentication certificate: path, dates, and what a responder says of it, which may be
 * anything. The responder is OpenSSL's own functions behind a small server. */
#include "registry/presented.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/hex.h"
#include "net/plain.h"
#include "testsigner.h"

#include <openssl/ocsp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum flaw {
    SOUND,
    NO_NONCE,
    OTHER_NONCE,
    STRANGER,
    PAST,
    FUTURE,
    OTHER_SERIAL,
    TRY_LATER,
    GARBAGE,
    EMPTY,
    FAILS,
};

static struct {
    EVP_PKEY *ca_key, *key;
    X509 *ca, *stranger, *good, *revoked, *unknown, *ended, *early, *of_stranger, *signature, *named;
    STACK_OF(X509) * authorities;
    struct plain_server *server;
    char url[40];
    enum flaw flaw;
    unsigned asked;
} w;

static void usage(X509 *cert, const char *key_usage, const char *extended, const char *ocsp)
{
    const struct {
        int nid;
        const char *value;
    } rows[] = {{NID_key_usage, key_usage}, {NID_ext_key_usage, extended}, {NID_info_access, ocsp}};
    for (size_t i = 0; i < 3; i++) {
        X509_EXTENSION *extension = rows[i].value ? X509V3_EXT_conf_nid(NULL, NULL, rows[i].nid, rows[i].value) : NULL;
        if (extension)
            X509_add_ext(cert, extension, -1);
        X509_EXTENSION_free(extension);
    }
}

static X509 *holder(long serial, X509 *issuer, const char *from, const char *until, bool signature, const char *ocsp)
{
    X509 *cert = testsigner_issue(w.key, "holder", serial, issuer, w.ca_key, until);
    ASN1_TIME_set_string_X509(X509_getm_notBefore(cert), from);
    usage(cert, signature ? "critical,nonRepudiation,digitalSignature" : "critical,digitalSignature",
          signature ? NULL : "clientAuth", ocsp);
    assert_true(X509_sign(cert, w.ca_key, EVP_sha256()) > 0);
    return cert;
}

static OCSP_BASICRESP *answer(OCSP_REQUEST *request)
{
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    OCSP_CERTID *id = OCSP_onereq_get0_id(OCSP_request_onereq_get0(request, 0)), *other = OCSP_CERTID_dup(id);
    ASN1_INTEGER *serial = NULL;
    OCSP_id_get0_info(NULL, NULL, NULL, &serial, id);
    long number = ASN1_INTEGER_get(serial);
    time_t now = (time_t)clock_now();
    time_t base = w.flaw == PAST ? now - 7200 : w.flaw == FUTURE ? now + 7200 : now - 5;
    ASN1_TIME *from = ASN1_TIME_set(NULL, base), *until = ASN1_TIME_set(NULL, base + 3600),
              *since = ASN1_TIME_set(NULL, now - 86400);
    if (w.flaw == OTHER_SERIAL) {
        OCSP_id_get0_info(NULL, NULL, NULL, &serial, other);
        ASN1_INTEGER_set(serial, 77);
    }
    int status = number == 2   ? V_OCSP_CERTSTATUS_REVOKED
                 : number == 3 ? V_OCSP_CERTSTATUS_UNKNOWN
                               : V_OCSP_CERTSTATUS_GOOD;
    assert_non_null(OCSP_basic_add1_status(
        basic, other, status, status == V_OCSP_CERTSTATUS_REVOKED ? OCSP_REVOKED_STATUS_CESSATIONOFOPERATION : 0, since,
        from, until));
    if (w.flaw == OTHER_NONCE)
        assert_int_equal(OCSP_basic_add1_nonce(basic, NULL, 16), 1);
    else if (w.flaw != NO_NONCE)
        OCSP_copy_nonce(basic, request);
    X509 *signer = w.flaw == STRANGER ? w.stranger : w.ca;
    assert_int_equal(OCSP_basic_sign(basic, signer, w.flaw == STRANGER ? w.key : w.ca_key, EVP_sha256(), NULL, 0), 1);
    ASN1_TIME_free(from);
    ASN1_TIME_free(until);
    ASN1_TIME_free(since);
    OCSP_CERTID_free(other);
    return basic;
}

static struct plain_answer *respond(void *context, const struct plain_request *asked)
{
    (void)context;
    static const char *const headers[] = {"Content-Type", "application/ocsp-response", NULL};
    const unsigned char *at = asked->body.data;
    unsigned char *der = NULL;
    w.asked++;
    if (w.flaw == GARBAGE || w.flaw == EMPTY || w.flaw == FAILS)
        return plain_answer_new(w.flaw == FAILS ? 500 : 200, bytes_of("garbage", w.flaw == EMPTY ? 0 : 7), headers);
    OCSP_REQUEST *request = d2i_OCSP_REQUEST(NULL, &at, (long)asked->body.len);
    OCSP_BASICRESP *basic = w.flaw == TRY_LATER ? NULL : answer(request);
    OCSP_RESPONSE *response =
        OCSP_response_create(basic ? OCSP_RESPONSE_STATUS_SUCCESSFUL : OCSP_RESPONSE_STATUS_TRYLATER, basic);
    int len = i2d_OCSP_RESPONSE(response, &der);
    struct plain_answer *made = plain_answer_new(200, bytes_of(der, (size_t)len), headers);
    OPENSSL_free(der);
    OCSP_RESPONSE_free(response);
    OCSP_BASICRESP_free(basic);
    OCSP_REQUEST_free(request);
    return made;
}

static int setup(void **state)
{
    (void)state;
    const struct plain_settings settings = {.body_max = 1 << 16, .path_max = 200, .handle = respond};
    char named[80];
    assert_int_equal(plain_start(&settings, &w.server, NULL), RC_OK);
    snprintf(w.url, sizeof w.url, "http://127.0.0.1:%u/", plain_port(w.server));
    snprintf(named, sizeof named, "OCSP;URI:%s", w.url);
    w.ca_key = EVP_EC_gen("P-256");
    w.key = EVP_EC_gen("P-256");
    w.ca = testsigner_issue(w.ca_key, "authority", 100, NULL, w.ca_key, "20600101000000Z");
    w.stranger = testsigner_issue(w.key, "stranger", 101, NULL, w.key, "20600101000000Z");
    w.good = holder(1, w.ca, "20200101000000Z", "20600101000000Z", false, NULL);
    w.revoked = holder(2, w.ca, "20200101000000Z", "20600101000000Z", false, NULL);
    w.unknown = holder(3, w.ca, "20200101000000Z", "20600101000000Z", false, NULL);
    w.ended = holder(4, w.ca, "20200101000000Z", "20210101000000Z", false, NULL);
    w.early = holder(5, w.ca, "20500101000000Z", "20600101000000Z", false, NULL);
    w.of_stranger = holder(6, w.stranger, "20200101000000Z", "20600101000000Z", false, NULL);
    w.signature = holder(7, w.ca, "20200101000000Z", "20600101000000Z", true, NULL);
    w.named = holder(8, w.ca, "20200101000000Z", "20600101000000Z", false, named);
    w.authorities = sk_X509_new_null();
    sk_X509_push(w.authorities, w.ca);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    X509 *certs[] = {w.ca,    w.stranger, w.good,        w.revoked,   w.unknown,
                     w.ended, w.early,    w.of_stranger, w.signature, w.named};
    plain_stop(w.server);
    sk_X509_free(w.authorities);
    for (size_t i = 0; i < sizeof certs / sizeof certs[0]; i++)
        X509_free(certs[i]);
    EVP_PKEY_free(w.ca_key);
    EVP_PKEY_free(w.key);
    return 0;
}

static void test_judgements(void **state)
{
    (void)state;
    const struct {
        const char *flaw;
        X509 *cert;
        enum flaw answer;
        enum rc want;
        const char *words;
        unsigned asks; /* how often the responder is asked */
    } rows[] = {
        {"sound", w.good, SOUND, RC_OK, "", 1},
        {"an answer made ahead", w.good, NO_NONCE, RC_OK, "", 1},
        {"revoked", w.revoked, SOUND, RC_STATE, "was revoked on 20", 1},
        {"revoked: why", w.revoked, SOUND, RC_STATE, "cessationOfOperation", 1},
        {"unknown to the authority", w.unknown, SOUND, RC_DENIED, "knows no such certificate", 1},
        {"ended", w.ended, SOUND, RC_STATE, "ended on 2021-01-01", 0},
        {"not yet", w.early, SOUND, RC_STATE, "not valid yet", 0},
        {"of another authority", w.of_stranger, SOUND, RC_DENIED, "not of the authentication authority", 0},
        {"the signature certificate", w.signature, SOUND, RC_DENIED, "not one for authentication", 0},
        {"an answer to another question", w.good, OTHER_NONCE, RC_REFUSED, "another question", 1},
        {"an answer by a stranger", w.good, STRANGER, RC_REFUSED, "not signed for the authority", 1},
        {"an old answer", w.good, PAST, RC_REFUSED, "of another time", 1},
        {"an answer from the future", w.good, FUTURE, RC_REFUSED, "of another time", 1},
        {"an answer about another certificate", w.good, OTHER_SERIAL, RC_REFUSED, "about another certificate", 1},
        {"the responder is busy", w.good, TRY_LATER, RC_REFUSED, "trylater", 1},
        {"no answer of OCSP", w.good, GARBAGE, RC_UNREACHABLE, "could not be asked", 1},
        {"an empty answer", w.good, EMPTY, RC_UNREACHABLE, "could not be asked", 1},
        {"a failing server", w.good, FAILS, RC_UNREACHABLE, "could not be asked", 1},
    };
    const struct presented_rules rules = {w.authorities, w.url, 5};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct err err = {0};
        w.flaw = rows[i].answer;
        w.asked = 0;
        enum rc rc = presented_judge(&rules, rows[i].cert, &err);
        if (rc != rows[i].want || !strstr(err.text, rows[i].words) || w.asked != rows[i].asks)
            fail_msg("%s: %s (%s), asked %u times", rows[i].flaw, rc_name(rc), err.text, w.asked);
    }
}

/* Whom to ask: the setting, the certificate's own word, nobody. */
static void test_whom(void **state)
{
    (void)state;
    struct err err = {0};
    struct presented_rules rules = {w.authorities, NULL, 5};
    w.flaw = SOUND;
    w.asked = 0;
    assert_int_equal(presented_judge(&rules, w.named, NULL), RC_OK);
    assert_int_equal(w.asked, 1);
    assert_int_equal(presented_judge(&rules, w.good, &err), RC_STATE);
    assert_string_equal(err.text, "the certificate names no responder, and none is set");
    rules.ocsp = "http://127.0.0.1:9/";
    assert_int_equal(presented_judge(&rules, w.named, NULL), RC_UNREACHABLE);
    rules.ocsp = "https://127.0.0.1:9/";
    assert_int_equal(presented_judge(&rules, w.named, NULL), RC_USAGE);
    setenv("http_proxy", "http://127.0.0.1:9/", 1); /* nothing of the environment is used */
    rules.ocsp = w.url;
    assert_int_equal(presented_judge(&rules, w.good, NULL), RC_OK);
    unsetenv("http_proxy");
}

static void test_parse(void **state)
{
    (void)state;
    unsigned char *der = NULL;
    int len = i2d_X509(w.good, &der);
    char *hex = malloc((size_t)len * 2 + 3);
    X509 *cert = NULL;
    assert_non_null(hex);
    hex_encode(bytes_of(der, (size_t)len), hex);
    assert_int_equal(presented_parse(hex, &cert, NULL), RC_OK);
    assert_int_equal(X509_cmp(cert, w.good), 0);
    X509_free(cert);
    for (int cut = 0; cut < 2 * len; cut += 7) {
        char at = hex[cut];
        hex[cut] = '\0';
        assert_int_equal(presented_parse(hex, &cert, NULL), RC_FORMAT);
        hex[cut] = at;
    }
    memcpy(hex + 2 * len, "00", 3); /* something behind it */
    assert_int_equal(presented_parse(hex, &cert, NULL), RC_FORMAT);
    assert_int_equal(presented_parse("zz", &cert, NULL), RC_FORMAT);
    free(hex);
    OPENSSL_free(der);
}

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_judgements), cmocka_unit_test(test_whom),
                                       cmocka_unit_test(test_parse)};
    return cmocka_run_group_tests_name("registry-presented", tests, setup, teardown);
}

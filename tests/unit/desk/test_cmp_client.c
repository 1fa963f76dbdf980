/* test_cmp_client.c — the desk's CMP client against OpenSSL's CMP server behind our HTTPS server: asking, asking again and
 * confirming, and every way in which an authority can be wrong. The card's key is an RSA key behind a call-back. */
#include "desk/cmp_client.h"
#include "net/server.h"
#include "pki/cardkey.h"
#include "pki/cert.h"
#include "pki/der.h"
#include "testops.h"

#include <openssl/cmp.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What the authority does wrong in a test. */
enum flaw {
    SOUND,
    REJECTS,
    REVOKED,
    AILING,          /* status rejection */
    OTHER_KEY,        /* a certificate for another key */
    OTHER_CERT,       /* another certificate each time */
    OFFICER_PROTECTS, /* protected by an officer's key */
    STRANGER_PROTECTS,/* protected by a key of another operations authority */
    NOT_CMP,          /* bytes that are no message */
    HTTP_ERROR,
    NO_CA,            /* does not send its own certificate */
    REFUSES_CONFIRM,
};

static struct {
    struct testops ops, other;
    struct identity server_identity, ca_identity, officer, stranger;
    struct server *server;
    OSSL_CMP_SRV_CTX *cmp[3]; /* protected by ca, officer, stranger */
    pthread_mutex_t lock;
    EVP_PKEY *issuer_key, *card_key;
    X509 *issuer;
    char url[64];
    enum flaw flaw;
    long serial;
    unsigned requests, confirmations, rejections, signatures;
    struct buf extensions, digest_info;
    enum rc card_says;
    char path[64];
} world;

/* The template's [6] publicKey: OpenSSL 3.0 has no getter for it. */
static EVP_PKEY *template_key(const OSSL_CRMF_CERTTEMPLATE *template)
{
    unsigned char *der = NULL;
    int len = i2d_OSSL_CRMF_CERTTEMPLATE(template, &der);
    assert_true(len > 0);
    struct bytes in = bytes_of(der, (size_t)len), content, part, whole;
    EVP_PKEY *key = NULL;
    unsigned tag;
    assert_int_equal(der_expect(&in, 0x30, &content, NULL), RC_OK);
    while (der_next(&content, &tag, &part, &whole) == RC_OK) {
        if (tag != 0xA6)
            continue;
        unsigned char *copy = malloc(whole.len);
        memcpy(copy, whole.data, whole.len);
        copy[0] = 0x30;
        const unsigned char *at = copy;
        key = d2i_PUBKEY(NULL, &at, (long)whole.len);
        free(copy);
    }
    OPENSSL_free(der);
    return key;
}

static X509 *issue(EVP_PKEY *key)
{
    X509 *cert = X509_new();
    assert_int_equal(X509_set_version(cert, X509_VERSION_3), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(cert), world.serial), 1);
    assert_int_equal(X509_set_issuer_name(cert, X509_get_subject_name(world.issuer)), 1);
    assert_int_equal(X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                                                (const unsigned char *)"holder", -1, -1, 0), 1);
    assert_non_null(ASN1_TIME_set_string(X509_getm_notBefore(cert), "20260101000000Z"));
    assert_non_null(ASN1_TIME_set_string(X509_getm_notAfter(cert), "20310101000000Z"));
    assert_int_equal(X509_set_pubkey(cert, key), 1);
    assert_true(X509_sign(cert, world.issuer_key, EVP_sha256()) > 0);
    return cert;
}

static OSSL_CMP_PKISI *on_request(OSSL_CMP_SRV_CTX *srv, const OSSL_CMP_MSG *req, int id, const OSSL_CRMF_MSG *crm,
                                  const X509_REQ *p10, X509 **cert, STACK_OF(X509) **chain, STACK_OF(X509) **ca_pubs)
{
    (void)srv;
    (void)req;
    (void)p10;
    (void)chain;
    assert_int_equal(id, 0);
    world.requests++;
    const OSSL_CRMF_CERTTEMPLATE *template = OSSL_CRMF_MSG_get0_tmpl(crm);
    char *subject = X509_NAME_oneline(OSSL_CRMF_CERTTEMPLATE_get0_subject(template), NULL, 0);
    assert_string_equal(subject, "/CN=0123456789ABCDEF"); /* not the officer's */
    OPENSSL_free(subject);
    unsigned char *der = NULL;
    int len = i2d_X509_EXTENSIONS(OSSL_CRMF_CERTTEMPLATE_get0_extensions(template), &der);
    buf_truncate(&world.extensions, 0);
    assert_int_equal(buf_append(&world.extensions, der, (size_t)len), RC_OK);
    OPENSSL_free(der);
    if (world.flaw == REVOKED)
        return OSSL_CMP_STATUSINFO_new(OSSL_CMP_PKISTATUS_rejection, 1 << OSSL_CMP_PKIFAILUREINFO_certRevoked, "over");
    if (world.flaw == AILING)
        return OSSL_CMP_STATUSINFO_new(OSSL_CMP_PKISTATUS_rejection, 1 << OSSL_CMP_PKIFAILUREINFO_systemFailure, "later");
    if (world.flaw == REJECTS)
        return OSSL_CMP_STATUSINFO_new(OSSL_CMP_PKISTATUS_rejection, 1 << OSSL_CMP_PKIFAILUREINFO_badCertTemplate,
                                       "under age");
    EVP_PKEY *key = world.flaw == OTHER_KEY ? world.issuer_key : template_key(template);
    assert_non_null(key);
    if (world.flaw == OTHER_CERT)
        world.serial++;
    *cert = issue(key);
    if (world.flaw != OTHER_KEY)
        EVP_PKEY_free(key);
    if (world.flaw != NO_CA) {
        *ca_pubs = sk_X509_new_null();
        X509_up_ref(world.issuer);
        sk_X509_push(*ca_pubs, world.issuer);
    }
    return OSSL_CMP_STATUSINFO_new(OSSL_CMP_PKISTATUS_accepted, 0, NULL);
}

static int on_confirm(OSSL_CMP_SRV_CTX *srv, const OSSL_CMP_MSG *req, int id, const ASN1_OCTET_STRING *hash,
                      const OSSL_CMP_PKISI *si)
{
    (void)srv;
    (void)req;
    (void)id;
    (void)hash;
    if (world.flaw == REFUSES_CONFIRM)
        return 0;
    int status = OSSL_CMP_PKISTATUS_accepted;
    if (si) {
        unsigned char *der = NULL; /* PKIStatusInfo ::= SEQUENCE { status INTEGER, … }: 3.0 has no public getter */
        int len = i2d_OSSL_CMP_PKISI(si, &der);
        assert_true(len > 4 && der[2] == 0x02);
        status = der[4];
        OPENSSL_free(der);
    }
    if (status == OSSL_CMP_PKISTATUS_accepted)
        world.confirmations++;
    else
        world.rejections++;
    return 1;
}

static void on_error(OSSL_CMP_SRV_CTX *srv, const OSSL_CMP_MSG *req, const OSSL_CMP_PKISI *status,
                     const ASN1_INTEGER *code, const OSSL_CMP_PKIFREETEXT *details)
{
    (void)srv;
    (void)req;
    (void)status;
    (void)code;
    (void)details;
}

static OSSL_CMP_SRV_CTX *cmp_server(const struct identity *identity, const struct identity *trusted)
{
    OSSL_CMP_SRV_CTX *srv = OSSL_CMP_SRV_CTX_new(NULL, NULL);
    assert_int_equal(OSSL_CMP_SRV_CTX_init(srv, NULL, on_request, NULL, NULL, on_error, on_confirm, NULL), 1);
    OSSL_CMP_CTX *ctx = OSSL_CMP_SRV_CTX_get0_cmp_ctx(srv);
    X509 *cert = NULL;
    assert_int_equal(cert_read(identity->cert_path, &cert, NULL), RC_OK);
    BIO *pem = BIO_new_mem_buf(identity->key_pem.data, (int)identity->key_pem.len);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(pem, NULL, NULL, NULL);
    BIO_free(pem);
    assert_int_equal(OSSL_CMP_CTX_set1_cert(ctx, cert), 1);
    assert_int_equal(OSSL_CMP_CTX_set1_pkey(ctx, key), 1);
    X509_free(cert);
    EVP_PKEY_free(key);
    X509_STORE *store = X509_STORE_new();
    assert_int_equal(X509_STORE_load_file(store, trusted->ca_path), 1);
    assert_int_equal(OSSL_CMP_CTX_set0_trustedStore(ctx, store), 1);
    return srv;
}

static enum rc handle_cmp(void *context, const struct request *request, struct response *response, struct err *err)
{
    (void)context;
    assert_string_equal(request->content_type, "application/pkixcmp");
    snprintf(world.path, sizeof world.path, "%s", request->path);
    if (world.flaw == HTTP_ERROR)
        return err_set(err, RC_DENIED, "not this officer");
    if (world.flaw == NOT_CMP)
        return buf_append_text(&response->body, "hello");
    const unsigned char *at = request->body.data;
    OSSL_CMP_MSG *in = d2i_OSSL_CMP_MSG(NULL, &at, (long)request->body.len);
    assert_non_null(in);
    pthread_mutex_lock(&world.lock);
    unsigned which = world.flaw == OFFICER_PROTECTS ? 1 : world.flaw == STRANGER_PROTECTS ? 2 : 0;
    OSSL_CMP_MSG *out = OSSL_CMP_SRV_process_request(world.cmp[which], in);
    pthread_mutex_unlock(&world.lock);
    OSSL_CMP_MSG_free(in);
    assert_non_null(out);
    unsigned char *der = NULL;
    int len = i2d_OSSL_CMP_MSG(out, &der);
    OSSL_CMP_MSG_free(out);
    response->content_type = "application/pkixcmp";
    enum rc rc = buf_append(&response->body, der, (size_t)len);
    OPENSSL_free(der);
    return rc;
}

static const struct route routes[] = {
    { "POST", "/cmp/*", ROLE_BIT(ROLE_DESK_OFFICER), handle_cmp },
    { 0 },
};

static void open_identity(struct testops *ops, enum role role, const char *place, const char *name, struct identity *out)
{
    char *folder = testops_identity(ops, role, place, name);
    assert_int_equal(identity_open(folder, out, NULL), RC_OK);
    free(folder);
}

static int set_up(void **state)
{
    (void)state;
    pthread_mutex_init(&world.lock, NULL);
    testops_new(&world.ops);
    testops_new(&world.other);
    open_identity(&world.ops, ROLE_CA, "000000", "authority", &world.ca_identity);
    open_identity(&world.ops, ROLE_DESK_OFFICER, "462012", "officer", &world.officer);
    open_identity(&world.other, ROLE_CA, "000000", "stranger", &world.stranger);
    world.cmp[0] = cmp_server(&world.ca_identity, &world.ca_identity);
    world.cmp[1] = cmp_server(&world.officer, &world.ca_identity);
    world.cmp[2] = cmp_server(&world.stranger, &world.ca_identity);
    world.issuer_key = EVP_RSA_gen(2048); /* its signatures repeat: the same certificate is the same bytes */
    world.card_key = EVP_RSA_gen(2048);
    world.serial = 77;
    X509_NAME *name = NULL;
    assert_int_equal(authority_dn(AUTHORITY_AUTH, "JPKI-TEST", &name), RC_OK);
    world.issuer = X509_new();
    X509_set_version(world.issuer, X509_VERSION_3);
    X509_set_subject_name(world.issuer, name);
    X509_set_issuer_name(world.issuer, name);
    ASN1_INTEGER_set(X509_get_serialNumber(world.issuer), 1);
    X509_gmtime_adj(X509_getm_notBefore(world.issuer), 0);
    X509_gmtime_adj(X509_getm_notAfter(world.issuer), 86400);
    X509_set_pubkey(world.issuer, world.issuer_key);
    assert_true(X509_sign(world.issuer, world.issuer_key, EVP_sha256()) > 0);
    X509_NAME_free(name);
    struct server_settings settings = { .identity = &world.ca_identity, .routes = routes };
    assert_int_equal(server_start(&settings, &world.server, NULL), RC_OK);
    snprintf(world.url, sizeof world.url, "https://127.0.0.1:%u", server_port(world.server));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    server_stop(world.server);
    for (size_t i = 0; i < 3; i++)
        OSSL_CMP_SRV_CTX_free(world.cmp[i]);
    identity_close(&world.ca_identity);
    identity_close(&world.officer);
    identity_close(&world.stranger);
    EVP_PKEY_free(world.issuer_key);
    EVP_PKEY_free(world.card_key);
    X509_free(world.issuer);
    buf_wipe(&world.extensions);
    buf_wipe(&world.digest_info);
    testops_free(&world.ops);
    testops_free(&world.other);
    pthread_mutex_destroy(&world.lock);
    return 0;
}

static enum rc card_signs(void *context, struct bytes digest_info, uint8_t *out, size_t out_len)
{
    (void)context;
    world.signatures++;
    if (world.card_says)
        return world.card_says;
    buf_truncate(&world.digest_info, 0);
    assert_int_equal(buf_append_bytes(&world.digest_info, digest_info), RC_OK);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(world.card_key, NULL);
    size_t len = out_len;
    bool good = EVP_PKEY_sign_init(ctx) == 1 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1
                && EVP_PKEY_sign(ctx, out, &len, digest_info.data, digest_info.len) == 1;
    EVP_PKEY_CTX_free(ctx);
    return good ? RC_OK : RC_CRYPTO;
}

static bool rejecting;

static enum rc order(struct bytes confirm, struct peers_answer *answer, struct err *err)
{
    struct client *client = NULL;
    struct attributes attributes = { .name = "公的　花子", .birth = "319800217", .sex = "2", .address = "鹿児島県鹿児島市山下町１番１号" };
    attributes_no_substitutes(&attributes);
    struct peers_order what = { .authority = AUTHORITY_AUTH, .attributes = &attributes, .confirm = confirm,
                                .reject = rejecting };
    what.registration = (struct registration) { .request = "0123456789ABCDEF", .municipality = "462012",
                                                .card = "0000111122223333", .card_expiry = 2000000000 };
    assert_int_equal(client_open(world.url, &world.officer, 10, &client, NULL), RC_OK);
    assert_int_equal(cardkey_new(world.card_key, card_signs, NULL, &what.key, NULL), RC_OK);
    enum rc rc = cmp_client_order(client, &world.officer, &what, answer, err);
    EVP_PKEY_free(what.key);
    client_close(client);
    return rc;
}

static void reset(enum flaw flaw)
{
    world.flaw = flaw;
    world.requests = world.confirmations = world.rejections = world.signatures = 0;
    world.card_says = RC_OK;
}

static void test_ask_then_confirm(void **state)
{
    (void)state;
    struct peers_answer answer = { 0 }, again = { 0 };
    struct buf extensions = { 0 }, digest_info = { 0 };
    struct err err = { 0 };
    reset(SOUND);
    if (order((struct bytes) { 0 }, &answer, &err) != RC_OK)
        fail_msg("%s", err.text);
    assert_string_equal(world.path, "/cmp/auth");
    assert_int_equal(world.requests, 1);
    assert_int_equal(world.confirmations + world.rejections, 0); /* asking confirms nothing */
    X509 *cert = NULL;
    assert_int_equal(cert_parse(buf_bytes(&answer.cert), &cert), RC_OK);
    assert_int_equal(EVP_PKEY_eq(X509_get0_pubkey(cert), world.card_key), 1);
    X509_free(cert);
    assert_true(answer.ca.len > 0);
    /* what the authority was told */
    const unsigned char *at = world.extensions.data;
    X509_EXTENSIONS *list = d2i_X509_EXTENSIONS(NULL, &at, (long)world.extensions.len);
    struct registration registration = { 0 };
    assert_int_equal(registration_from_extensions(list, &registration, NULL), RC_OK);
    assert_string_equal(registration.request, "0123456789ABCDEF");
    GENERAL_NAMES *names = X509V3_get_d2i(list, NID_subject_alt_name, NULL, NULL);
    struct attributes attributes;
    assert_int_equal(attributes_from_names(names, &attributes, NULL), RC_OK);
    assert_string_equal(attributes.birth, "319800217");
    GENERAL_NAMES_free(names);
    sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
    /* the same request again: the same bytes are signed, and now it is confirmed */
    assert_int_equal(buf_append_bytes(&extensions, buf_bytes(&world.extensions)), RC_OK);
    assert_int_equal(buf_append_bytes(&digest_info, buf_bytes(&world.digest_info)), RC_OK);
    assert_int_equal(order(buf_bytes(&answer.cert), &again, NULL), RC_OK);
    assert_true(bytes_equal(buf_bytes(&extensions), buf_bytes(&world.extensions)));
    assert_true(bytes_equal(buf_bytes(&digest_info), buf_bytes(&world.digest_info)));
    assert_int_equal(world.confirmations, 1);
    assert_true(bytes_equal(buf_bytes(&again.cert), buf_bytes(&answer.cert)));
    buf_wipe(&extensions);
    buf_wipe(&digest_info);
    buf_wipe(&again.cert);
    buf_wipe(&again.ca);
    /* another certificate when it is to be confirmed: rejected, never confirmed */
    reset(OTHER_CERT);
    assert_int_equal(order(buf_bytes(&answer.cert), &again, NULL), RC_CONFLICT);
    assert_int_equal(world.confirmations, 0);
    assert_int_equal(world.rejections, 1);
    assert_int_equal(again.cert.len, 0);
    /* to be rejected: whatever comes is, and the caller learns what it was */
    reset(OTHER_CERT);
    rejecting = true;
    assert_int_equal(order((struct bytes) { 0 }, &again, NULL), RC_OK);
    assert_int_equal(world.confirmations, 0);
    assert_int_equal(world.rejections, 1);
    assert_true(again.cert.len > 0);
    buf_wipe(&again.cert);
    reset(REVOKED);
    assert_int_equal(order((struct bytes) { 0 }, &again, NULL), RC_STATE);
    assert_int_equal(again.cert.len, 0);
    rejecting = false;
    /* the authority does not take the confirmation */
    reset(REFUSES_CONFIRM);
    assert_int_not_equal(order(buf_bytes(&answer.cert), &again, NULL), RC_OK);
    buf_wipe(&answer.cert);
    buf_wipe(&answer.ca);
}

static void test_wrong_authorities(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        enum flaw flaw;
        enum rc rc;
        const char *words;
    } rows[] = {
        { "says that it is revoked", REVOKED, RC_STATE, "over" },
        { "fails by itself", AILING, RC_UNREACHABLE, "later" },
        { "rejects", REJECTS, RC_REFUSED, "under age" },
        { "certificate for another key", OTHER_KEY, RC_BAD_SIGNATURE, "" },
        { "protected by an officer", OFFICER_PROTECTS, RC_BAD_SIGNATURE, "" },
        { "protected by a stranger", STRANGER_PROTECTS, RC_BAD_SIGNATURE, "" },
        { "not a message", NOT_CMP, RC_FORMAT, "not a CMP message" },
        { "HTTP error", HTTP_ERROR, RC_DENIED, "403" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct peers_answer answer = { 0 };
        struct err err = { 0 };
        reset(rows[i].flaw);
        enum rc rc = order((struct bytes) { 0 }, &answer, &err);
        if (rc != rows[i].rc || !strstr(err.text, rows[i].words))
            fail_msg("%s: %s: %s", rows[i].what, rc_name(rc), err.text);
        assert_int_equal(answer.cert.len, 0);
        assert_int_equal(world.confirmations, 0);
    }
    struct peers_answer answer = { 0 };
    reset(NO_CA);
    assert_int_equal(order((struct bytes) { 0 }, &answer, NULL), RC_OK);
    assert_int_equal(answer.ca.len, 0);
    buf_wipe(&answer.cert);
}

static void test_card_that_does_not_sign(void **state)
{
    (void)state;
    struct peers_answer answer = { 0 };
    struct err err = { 0 };
    reset(SOUND);
    world.card_says = RC_CARD_GONE;
    assert_int_equal(order((struct bytes) { 0 }, &answer, &err), RC_CARD_GONE);
    assert_int_equal(world.requests, 0); /* nothing was sent */
    assert_int_equal(world.signatures, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ask_then_confirm),
        cmocka_unit_test(test_wrong_authorities),
        cmocka_unit_test(test_card_that_does_not_sign),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

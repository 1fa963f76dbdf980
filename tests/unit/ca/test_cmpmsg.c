/* test_cmpmsg.c — the gate's reader against messages that OpenSSL's client makes: right answers on the whole ones, and no
 * step outside the bytes on every cut and every flipped bit of them. */
#include "ca/cmpmsg.h"

#include <openssl/cmp.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <string.h>

static EVP_PKEY *key;
static X509 *cert;
static struct buf captured;

static int setup(void **state)
{
    (void)state;
    key = EVP_RSA_gen(2048);
    cert = X509_new();
    X509_NAME *name = X509_get_subject_name(cert), *issuer = X509_get_issuer_name(cert); /* self-signed ones are not sent */
    X509_gmtime_adj(X509_getm_notBefore(cert), 0);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    return key && cert && ASN1_INTEGER_set_int64(X509_get_serialNumber(cert), 0x0132C4AB) &&
                   X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"x", -1, -1, 0) &&
                   X509_NAME_add_entry_by_txt(issuer, "CN", MBSTRING_ASC, (const unsigned char *)"y", -1, -1, 0) && X509_set_pubkey(cert, key) && X509_sign(cert, key, EVP_sha256())
               ? 0
               : -1;
}

static int teardown(void **state)
{
    (void)state;
    EVP_PKEY_free(key);
    X509_free(cert);
    buf_wipe(&captured);
    return 0;
}

/* The client's transport: keeps what it sends, answers nothing. */
static OSSL_CMP_MSG *keep(OSSL_CMP_CTX *ctx, const OSSL_CMP_MSG *request)
{
    (void)ctx;
    char *data = NULL;
    BIO *bio = BIO_new(BIO_s_mem());
    assert_true(i2d_OSSL_CMP_MSG_bio(bio, request));
    long len = BIO_get_mem_data(bio, &data);
    buf_truncate(&captured, 0);
    assert_int_equal(buf_append(&captured, data, (size_t)len), RC_OK);
    BIO_free(bio);
    return NULL;
}

static int quiet(const char *function, const char *file, int line, OSSL_CMP_severity level, const char *text)
{
    (void)function, (void)file, (void)line, (void)level, (void)text;
    return 1;
}

static OSSL_CMP_CTX *client(bool by_password)
{
    OSSL_CMP_CTX *ctx = OSSL_CMP_CTX_new(NULL, NULL);
    assert_non_null(ctx);
    assert_true(OSSL_CMP_CTX_set_log_cb(ctx, quiet) && OSSL_CMP_CTX_set_transfer_cb(ctx, keep));
    assert_true(OSSL_CMP_CTX_set1_recipient(ctx, X509_get_subject_name(cert)));
    assert_true(OSSL_CMP_CTX_set1_subjectName(ctx, X509_get_subject_name(cert)));
    assert_true(EVP_PKEY_up_ref(key) && OSSL_CMP_CTX_set0_newPkey(ctx, 1, key));
    if (by_password)
        assert_true(OSSL_CMP_CTX_set1_secretValue(ctx, (const unsigned char *)"word", 4) &&
                    OSSL_CMP_CTX_set1_referenceValue(ctx, (const unsigned char *)"ref", 3));
    else
        assert_true(OSSL_CMP_CTX_set1_cert(ctx, cert) && OSSL_CMP_CTX_set1_pkey(ctx, key));
    return ctx;
}

static void make_ir(bool by_password)
{
    OSSL_CMP_CTX *ctx = client(by_password);
    assert_null(OSSL_CMP_exec_IR_ses(ctx));
    assert_true(captured.len > 0);
    OSSL_CMP_CTX_free(ctx);
}

static void make_rr(int reason)
{
    OSSL_CMP_CTX *ctx = client(false);
    assert_true(OSSL_CMP_CTX_set1_oldCert(ctx, cert));
    if (reason >= 0)
        assert_true(OSSL_CMP_CTX_set_option(ctx, OSSL_CMP_OPT_REVOCATION_REASON, reason));
    assert_int_equal(OSSL_CMP_exec_RR_ses(ctx), 0);
    OSSL_CMP_CTX_free(ctx);
}

static void test_request(void **state)
{
    (void)state;
    struct cmpmsg msg;
    struct buf spki = { 0 };
    unsigned char *wanted = NULL;
    int reason;
    make_ir(false);
    assert_int_equal(cmpmsg_parse(buf_bytes(&captured), &msg, NULL), RC_OK);
    assert_int_equal(msg.body, CMPMSG_IR);
    assert_true(msg.signed_protection);
    assert_int_equal(strlen(msg.transaction), 32);
    assert_int_equal(strlen(msg.sender_nonce), 32);
    assert_int_equal(msg.extra_certs, 1);
    assert_int_equal(cmpmsg_public_key(&msg, &spki, NULL), RC_OK);
    int len = i2d_PUBKEY(key, &wanted);
    assert_int_equal(spki.len, len);
    assert_memory_equal(spki.data, wanted, spki.len);
    assert_int_not_equal(cmpmsg_reason(&msg, &reason, NULL), RC_OK); /* a body of another kind */
    OPENSSL_free(wanted);
    buf_wipe(&spki);
    make_ir(true);
    assert_int_equal(cmpmsg_parse(buf_bytes(&captured), &msg, NULL), RC_OK);
    assert_false(msg.signed_protection); /* PasswordBasedMac */
}

static void make_p10cr(void)
{
    OSSL_CMP_CTX *ctx = client(false);
    X509_REQ *request = X509_REQ_new();
    assert_true(request && X509_REQ_set_subject_name(request, X509_get_subject_name(cert)) && X509_REQ_set_pubkey(request, key) &&
                X509_REQ_sign(request, key, EVP_sha256()));
    assert_true(OSSL_CMP_CTX_set1_p10CSR(ctx, request));
    assert_null(OSSL_CMP_exec_P10CR_ses(ctx));
    X509_REQ_free(request);
    OSSL_CMP_CTX_free(ctx);
}

static void test_p10(void **state)
{
    (void)state;
    struct cmpmsg msg;
    struct buf spki = { 0 };
    unsigned char *wanted = NULL;
    make_p10cr();
    assert_int_equal(cmpmsg_parse(buf_bytes(&captured), &msg, NULL), RC_OK);
    assert_int_equal(msg.body, CMPMSG_P10CR);
    assert_int_equal(cmpmsg_public_key(&msg, &spki, NULL), RC_OK);
    int len = i2d_PUBKEY(key, &wanted);
    assert_int_equal(spki.len, len);
    assert_memory_equal(spki.data, wanted, spki.len);
    OPENSSL_free(wanted);
    buf_wipe(&spki);
}

static void test_revocation(void **state)
{
    (void)state;
    static const int rows[][2] = { { -1, 0 }, { 1, 1 }, { 5, 5 } }; /* asked, read */
    for (size_t i = 0; i < 3; i++) {
        struct cmpmsg msg;
        int reason = -7;
        make_rr(rows[i][0]);
        assert_int_equal(cmpmsg_parse(buf_bytes(&captured), &msg, NULL), RC_OK);
        assert_int_equal(msg.body, CMPMSG_RR);
        assert_int_equal(cmpmsg_reason(&msg, &reason, NULL), RC_OK);
        assert_int_equal(reason, rows[i][1]);
    }
}

static const struct {
    const char *flaw;
    uint8_t body[32];
    size_t len;
    enum rc rc;
    bool accepted;
} confirms[] = {
    { "none listed: all rejected", { 0x30, 0 }, 2, RC_OK, false },
    { "no status: accepted", { 0x30, 8, 0x30, 6, 4, 1, 0xAA, 2, 1, 0 }, 10, RC_OK, true },
    { "status accepted", { 0x30, 13, 0x30, 11, 4, 1, 0xAA, 2, 1, 0, 0x30, 3, 2, 1, 0 }, 15, RC_OK, true },
    { "status rejection", { 0x30, 13, 0x30, 11, 4, 1, 0xAA, 2, 1, 0, 0x30, 3, 2, 1, 2 }, 15, RC_OK, false },
    { "status waiting is no acceptance", { 0x30, 13, 0x30, 11, 4, 1, 0xAA, 2, 1, 0, 0x30, 3, 2, 1, 3 }, 15, RC_OK, false },
    { "two in one message", { 0x30, 16, 0x30, 6, 4, 1, 0xAA, 2, 1, 0, 0x30, 6, 4, 1, 0xAA, 2, 1, 1 }, 18, RC_UNSUPPORTED, false },
    { "no hash", { 0x30, 5, 0x30, 3, 2, 1, 0 }, 7, RC_FORMAT, false },
    { "status is no number", { 0x30, 12, 0x30, 10, 4, 1, 0xAA, 2, 1, 0, 0x30, 2, 5, 0 }, 14, RC_FORMAT, false },
};

static void test_confirm(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof confirms / sizeof confirms[0]; i++) {
        struct cmpmsg msg = { .content = bytes_of(confirms[i].body, confirms[i].len) };
        bool accepted = !confirms[i].accepted;
        enum rc rc = cmpmsg_confirmed(&msg, &accepted, NULL);
        if (rc != confirms[i].rc || (!rc && accepted != confirms[i].accepted))
            fail_msg("%s: %s", confirms[i].flaw, rc_name(rc));
    }
}

/* What a message of any shape makes the readers do; only that nothing is read outside matters. */
static void read_all(struct bytes der)
{
    struct cmpmsg msg;
    struct buf spki = { 0 };
    bool accepted;
    int reason;
    if (cmpmsg_parse(der, &msg, NULL))
        return;
    enum rc rc = cmpmsg_public_key(&msg, &spki, NULL);
    rc = cmpmsg_confirmed(&msg, &accepted, NULL) ? rc : RC_OK;
    rc = cmpmsg_reason(&msg, &reason, NULL) ? rc : RC_OK;
    (void)rc;
    buf_wipe(&spki);
}

static void test_cut_and_flipped(void **state)
{
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        if (kind == 0)
            make_ir(false);
        else if (kind == 1)
            make_rr(1);
        else
            make_p10cr();
        for (size_t cut = 0; cut < captured.len; cut++) {
            uint8_t *exact = malloc(cut ? cut : 1);
            struct cmpmsg msg;
            assert_non_null(exact);
            memcpy(exact, captured.data, cut);
            assert_int_equal(cmpmsg_parse(bytes_of(exact, cut), &msg, NULL), RC_FORMAT);
            free(exact);
        }
        for (size_t bit = 0; bit < captured.len * 8; bit++) {
            captured.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
            read_all(buf_bytes(&captured));
            captured.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_request), cmocka_unit_test(test_p10), cmocka_unit_test(test_revocation),
                                        cmocka_unit_test(test_confirm), cmocka_unit_test(test_cut_and_flipped) };
    return cmocka_run_group_tests_name("ca-cmpmsg", tests, setup, teardown);
}

/* test_cardkey.c — OpenSSL's CMS, CMP and certificate request signing through a call-back, judged by OpenSSL's
 * verifiers. */
#include "pki_test.h"

#include "pki/cardkey.h"

#include <openssl/cms.h>
#include <openssl/crmf.h>
#include <openssl/err.h>

/* The software stand-in for a card: pads the DigestInfo and signs. */
struct stand_in {
    EVP_PKEY *key;
    enum rc answer; /* anything but RC_OK: refuse with it */
    unsigned calls;
    uint8_t seen[64]; /* the last DigestInfo */
    size_t seen_len;
};

static struct stand_in card;
static EVP_PKEY *key; /* the call-back key over card */
static X509 *cert;

static enum rc stand_in_sign(void *context, struct bytes digest_info, uint8_t *out, size_t out_len)
{
    struct stand_in *self = context;
    self->calls++;
    self->seen_len = digest_info.len < sizeof self->seen ? digest_info.len : sizeof self->seen;
    memcpy(self->seen, digest_info.data, self->seen_len);
    if (self->answer)
        return self->answer;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(self->key, NULL);
    size_t len = out_len;
    bool good = ctx && EVP_PKEY_sign_init(ctx) == 1 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
                EVP_PKEY_sign(ctx, out, &len, digest_info.data, digest_info.len) == 1 && len == out_len;
    EVP_PKEY_CTX_free(ctx);
    return good ? RC_OK : RC_CRYPTO;
}

static int setup(void **state)
{
    (void)state;
    card = (struct stand_in){.key = make_key()};
    cert = make_cert(card.key, "card", NULL);
    EVP_PKEY *public_key = X509_get_pubkey(cert);
    enum rc rc = cardkey_new(public_key, stand_in_sign, &card, &key, NULL);
    EVP_PKEY_free(public_key);
    return rc == RC_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    EVP_PKEY_free(key);
    EVP_PKEY_free(card.key);
    X509_free(cert);
    return 0;
}

static void reset(enum rc answer)
{
    card.answer = answer;
    card.calls = 0;
    card.seen_len = 0;
    ERR_clear_error();
}

static void test_digest_sign(void **state)
{
    (void)state;
    /* DigestInfo of SHA-256 (RFC 8017 §9.2 note 1) and the SHA-256 of "abc" (FIPS 180-2 B.1). */
    static const uint8_t want[] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04,
                                   0x02, 0x01, 0x05, 0x00, 0x04, 0x20, 0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf,
                                   0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3,
                                   0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
    reset(RC_OK);
    uint8_t signature[256];
    size_t len = sizeof signature;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key), 1);
    assert_int_equal(EVP_DigestSign(ctx, signature, &len, (const unsigned char *)"abc", 3), 1);
    assert_int_equal(len, 256);
    assert_int_equal(card.calls, 1);
    assert_int_equal(card.seen_len, sizeof want);
    assert_memory_equal(card.seen, want, sizeof want);
    assert_int_equal(cardkey_last(key), RC_OK);
    EVP_MD_CTX_reset(ctx);
    assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, card.key), 1);
    assert_int_equal(EVP_DigestVerify(ctx, signature, len, (const unsigned char *)"abc", 3), 1);
    EVP_MD_CTX_free(ctx);
}

static void test_cms_with_signed_attributes(void **state)
{
    (void)state;
    reset(RC_OK);
    BIO *data = BIO_new_mem_buf("hello", 5);
    CMS_ContentInfo *cms = CMS_sign(cert, key, NULL, data, CMS_DETACHED | CMS_BINARY | CMS_CADES);
    assert_non_null(cms);
    assert_int_equal(card.calls, 1);
    CMS_SignerInfo *signer = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0);
    assert_true(CMS_signed_get_attr_count(signer) >= 4);
    X509_STORE *store = X509_STORE_new();
    X509_STORE_add_cert(store, cert);
    BIO *again = BIO_new_mem_buf("hello", 5), *other = BIO_new_mem_buf("hellO", 5);
    assert_int_equal(CMS_verify(cms, NULL, store, again, NULL, CMS_DETACHED | CMS_BINARY | CMS_CADES), 1);
    assert_int_equal(CMS_verify(cms, NULL, store, other, NULL, CMS_DETACHED | CMS_BINARY), 0);
    BIO_free(again);
    BIO_free(other);
    BIO_free(data);
    X509_STORE_free(store);
    CMS_ContentInfo_free(cms);
}

/* Proof of possession in a certificate request message: what the desk sends for the card (RFC 4211 §4.1; the template
 * needs a subject). */
static void test_crmf_possession(void **state)
{
    (void)state;
    reset(RC_OK);
    OSSL_CRMF_MSG *message = OSSL_CRMF_MSG_new();
    assert_int_equal(OSSL_CRMF_MSG_set_certReqId(message, 0), 1);
    OSSL_CRMF_CERTTEMPLATE *template = OSSL_CRMF_MSG_get0_tmpl(message);
    assert_int_equal(OSSL_CRMF_CERTTEMPLATE_fill(template, key, X509_get_subject_name(cert), NULL, NULL), 1);
    assert_int_equal(OSSL_CRMF_MSG_create_popo(OSSL_CRMF_POPO_SIGNATURE, message, key, EVP_sha256(), NULL, NULL), 1);
    assert_int_equal(card.calls, 1);
    OSSL_CRMF_MSGS *messages = sk_OSSL_CRMF_MSG_new_null();
    sk_OSSL_CRMF_MSG_push(messages, message);
    unsigned char *der = NULL;
    int len = i2d_OSSL_CRMF_MSGS(messages, &der);
    assert_true(len > 0);
    const unsigned char *at = der;
    OSSL_CRMF_MSGS *read = d2i_OSSL_CRMF_MSGS(NULL, &at, len);
    assert_non_null(read);
    assert_int_equal(OSSL_CRMF_MSGS_verify_popo(read, 0, 0, NULL, NULL), 1);
    sk_OSSL_CRMF_MSG_pop_free(read, OSSL_CRMF_MSG_free);
    /* the last byte is the signature's */
    der[len - 1] ^= 1;
    at = der;
    read = d2i_OSSL_CRMF_MSGS(NULL, &at, len);
    assert_non_null(read);
    assert_int_not_equal(OSSL_CRMF_MSGS_verify_popo(read, 0, 0, NULL, NULL), 1);
    sk_OSSL_CRMF_MSG_pop_free(read, OSSL_CRMF_MSG_free);
    OPENSSL_free(der);
    sk_OSSL_CRMF_MSG_pop_free(messages, OSSL_CRMF_MSG_free);
}

static void test_certificate_request(void **state)
{
    (void)state;
    reset(RC_OK);
    X509_REQ *request = X509_REQ_new();
    assert_int_equal(X509_REQ_set_pubkey(request, key), 1);
    assert_true(X509_REQ_sign(request, key, EVP_sha256()) > 0);
    assert_int_equal(X509_REQ_verify(request, card.key), 1);
    X509_REQ_free(request);
}

static void test_refusals_keep_their_reason(void **state)
{
    (void)state;
    static const enum rc reasons[] = {RC_PIN_WRONG, RC_PIN_BLOCKED, RC_CARD_GONE, RC_CARD_REFUSED};
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        reset(reasons[i]);
        BIO *data = BIO_new_mem_buf("hello", 5);
        assert_null(CMS_sign(cert, key, NULL, data, CMS_DETACHED | CMS_BINARY));
        assert_int_equal(cardkey_last(key), reasons[i]);
        assert_int_equal(card.calls, 1);
        BIO_free(data);
    }
    reset(RC_OK);
    /* no private decryption, no other padding */
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    uint8_t block[256] = {0}, out[256];
    size_t len = sizeof out;
    assert_int_equal(EVP_PKEY_decrypt_init(ctx), 1);
    assert_true(EVP_PKEY_decrypt(ctx, out, &len, block, sizeof block) <= 0);
    assert_int_equal(cardkey_last(key), RC_UNSUPPORTED);
    EVP_PKEY_CTX_free(ctx);
    ctx = EVP_PKEY_CTX_new(key, NULL);
    len = sizeof out;
    assert_int_equal(EVP_PKEY_sign_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING), 1);
    assert_true(EVP_PKEY_sign(ctx, out, &len, block, sizeof block) <= 0);
    assert_int_equal(card.calls, 0);
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY *curve = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"), *none = NULL;
    assert_int_equal(cardkey_new(curve, stand_in_sign, &card, &none, NULL), RC_UNSUPPORTED);
    assert_null(none);
    assert_int_equal(cardkey_last(card.key), RC_BUG);
    EVP_PKEY_free(curve);
}

/* The next card: the digest goes in, r and s come out side by side. */
static enum rc stand_in_ecdsa(void *context, struct bytes digest, uint8_t *out, size_t out_len)
{
    struct stand_in *self = context;
    uint8_t der[128];
    size_t len = sizeof der;
    const unsigned char *at = der;
    self->calls++;
    self->seen_len = digest.len;
    if (self->answer)
        return self->answer;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(self->key, NULL);
    assert_int_equal(EVP_PKEY_sign_init(ctx), 1);
    assert_int_equal(EVP_PKEY_sign(ctx, der, &len, digest.data, digest.len), 1);
    ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &at, (long)len);
    assert_int_equal(out_len, 96);
    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(signature), out, 48), 48);
    assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(signature), out + 48, 48), 48);
    ECDSA_SIG_free(signature);
    EVP_PKEY_CTX_free(ctx);
    return RC_OK;
}

static void test_p384(void **state)
{
    (void)state;
    struct stand_in next = {.key = EVP_EC_gen("P-384")};
    EVP_PKEY *called = NULL;
    assert_int_equal(cardkey_new(next.key, stand_in_ecdsa, &next, &called, NULL), RC_OK);
    X509_REQ *request = X509_REQ_new();
    assert_int_equal(X509_REQ_set_pubkey(request, called), 1);
    assert_true(X509_REQ_sign(request, called, EVP_sha384()) > 0);
    assert_int_equal(next.calls, 1);
    assert_int_equal(next.seen_len, 48);
    assert_int_equal(X509_REQ_verify(request, next.key), 1);
    next.answer = RC_CARD_GONE;
    assert_true(X509_REQ_sign(request, called, EVP_sha384()) <= 0);
    assert_int_equal(cardkey_last(called), RC_CARD_GONE);
    assert_int_equal(cardkey_last(next.key), RC_BUG);
    X509_REQ_free(request);
    EVP_PKEY_free(called);
    EVP_PKEY_free(next.key);
    ERR_clear_error();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digest_sign),
        cmocka_unit_test(test_cms_with_signed_attributes),
        cmocka_unit_test(test_crmf_possession),
        cmocka_unit_test(test_certificate_request),
        cmocka_unit_test(test_p384),
        cmocka_unit_test(test_refusals_keep_their_reason),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

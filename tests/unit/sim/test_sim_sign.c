/* test_sim_sign.c — the six signature schemes: what comes out is checked with the certificate's public key by OpenSSL, the
 * padding looked at byte by byte where the card must not judge it; both keys; short and extended forms. */
#include "support/testcard.h"
#include "wire/apdu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>

static const uint8_t message[] = "The quick brown fox";
#define MESSAGE_LEN (sizeof message - 1)

static const struct row {
    const char *what;
    enum applet_scheme scheme;
    bool hashed; /* the input is the message's hash */
    int padding;
    bool info;
} rows[] = {
    { "00 raw bytes", APPLET_SCHEME_RAW, false, RSA_NO_PADDING, false },
    { "01 message, bare hash", APPLET_SCHEME_MESSAGE_BARE, false, RSA_NO_PADDING, false },
    { "02 hash, DigestInfo by the card", APPLET_SCHEME_HASH, true, RSA_PKCS1_PADDING, true },
    { "03 message, all by the card", APPLET_SCHEME_MESSAGE, false, RSA_PKCS1_PADDING, true },
    { "04 PSS over a hash", APPLET_SCHEME_PSS_HASH, true, RSA_PKCS1_PSS_PADDING, true },
    { "05 PSS over a message", APPLET_SCHEME_PSS_MESSAGE, false, RSA_PKCS1_PSS_PADDING, true },
};

static void hash_message(uint8_t hash[32])
{
    assert_true(EVP_Digest(message, MESSAGE_LEN, hash, NULL, EVP_sha256(), NULL));
}

/* 00 01 FF… 00 content, as PKCS#1 v1.5 type 1 wants, and nothing else. */
static void check_bare(EVP_PKEY *key, struct bytes signature, struct bytes content)
{
    uint8_t block[256];
    size_t len = sizeof block;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    assert_int_equal(EVP_PKEY_verify_recover_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING), 1);
    assert_int_equal(EVP_PKEY_verify_recover(ctx, block, &len, signature.data, signature.len), 1);
    assert_int_equal(len, 256);
    assert_int_equal(block[0], 0);
    assert_int_equal(block[1], 1);
    for (size_t i = 2; i < 255 - content.len; i++)
        assert_int_equal(block[i], 0xFF);
    assert_int_equal(block[255 - content.len], 0);
    assert_memory_equal(block + 256 - content.len, content.data, content.len);
    EVP_PKEY_CTX_free(ctx);
}

static void check_signature(EVP_PKEY *key, const struct row *row, struct bytes signature)
{
    uint8_t hash[32];
    hash_message(hash);
    if (!row->info) {
        check_bare(key, signature, row->scheme == APPLET_SCHEME_RAW ? bytes_of(message, MESSAGE_LEN) : bytes_of(hash, 32));
        return;
    }
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    assert_int_equal(EVP_PKEY_verify_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, row->padding), 1);
    assert_int_equal(EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()), 1);
    if (row->padding == RSA_PKCS1_PSS_PADDING) {
        assert_int_equal(EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()), 1);
        assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, 32), 1);
    }
    assert_int_equal(EVP_PKEY_verify(ctx, signature.data, signature.len, hash, sizeof hash), 1);
    hash[0] ^= 1; /* the check above can fail */
    assert_int_not_equal(EVP_PKEY_verify(ctx, signature.data, signature.len, hash, sizeof hash), 1);
    EVP_PKEY_CTX_free(ctx);
}

static unsigned sign(struct testcard *card, unsigned scheme, unsigned p2, struct bytes input, bool extended, struct buf *out)
{
    const struct apdu_command command = { 0x80, 0x2A, (uint8_t)scheme, (uint8_t)p2, input, extended ? 65536 : 256, extended };
    struct buf bytes = { 0 };
    assert_int_equal(apdu_encode(&command, &bytes), RC_OK);
    unsigned sw = testcard_transmit(card, buf_bytes(&bytes), out);
    buf_wipe(&bytes);
    return sw;
}

static void present_both(struct testcard *card)
{
    assert_int_equal(testcard_send(card, "00A4040C0AD392F000260100000001"), 0x9000);
    assert_int_equal(testcard_send(card, "002000980431323334"), 0x9000);
    assert_int_equal(testcard_send(card, "0020009B06414243313233"), 0x9000);
}

static void test_schemes(void **state)
{
    struct testcard *card = *state;
    static const struct {
        unsigned p2;
        enum applet_ef cert;
    } keys[] = { { 0x97, APPLET_EF_AUTH_CERT }, { 0x9A, APPLET_EF_SIGN_CERT } };
    uint8_t hash[32];
    hash_message(hash);
    present_both(card);
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
            for (int extended = 0; extended < 2; extended++) {
                EVP_PKEY *key = X509_get0_pubkey(testcard_cert(card, keys[k].cert));
                struct bytes input = rows[i].hashed ? bytes_of(hash, 32) : bytes_of(message, MESSAGE_LEN);
                struct buf signature = { 0 };
                print_message("  key %02X, scheme %s\n", keys[k].p2, rows[i].what);
                assert_int_equal(sign(card, rows[i].scheme, keys[k].p2, input, extended, &signature), 0x9000);
                assert_int_equal(signature.len, 256);
                check_signature(key, &rows[i], buf_bytes(&signature));
                buf_wipe(&signature);
            }
}

/* PKCS#1 v1.5 is the same every time, by either way to the key; PSS never. */
static void test_same_and_different(void **state)
{
    struct testcard *card = *state;
    struct buf a = { 0 }, b = { 0 };
    present_both(card);
    assert_int_equal(sign(card, 0, 0x97, bytes_of("A", 1), false, &a), 0x9000);
    assert_int_equal(testcard_send(card, "00A4020C020017"), 0x9000);
    assert_int_equal(sign(card, 0, 0x80, bytes_of("A", 1), false, &b), 0x9000);
    assert_true(bytes_equal(buf_bytes(&a), buf_bytes(&b)));
    assert_int_equal(sign(card, 0, 0x9A, bytes_of("A", 1), false, &b), 0x9000);
    assert_false(bytes_equal(buf_bytes(&a), buf_bytes(&b)));
    assert_int_equal(sign(card, 5, 0x97, bytes_of("A", 1), false, &a), 0x9000);
    assert_int_equal(sign(card, 5, 0x97, bytes_of("A", 1), false, &b), 0x9000);
    assert_false(bytes_equal(buf_bytes(&a), buf_bytes(&b)));
    buf_wipe(&a);
    buf_wipe(&b);
}

static void test_lengths(void **state)
{
    struct testcard *card = *state;
    static const struct {
        unsigned scheme;
        size_t len;
        unsigned sw;
    } lengths[] = {
        { 0, 1, 0x9000 },  { 0, 245, 0x9000 }, { 0, 246, 0x6985 }, { 0, 256, 0x6985 }, { 1, 1, 0x9000 },
        { 1, 255, 0x9000 }, { 1, 256, 0x6985 }, { 2, 31, 0x6985 },  { 2, 32, 0x9000 },  { 2, 33, 0x6985 },
        { 3, 255, 0x9000 }, { 3, 256, 0x6985 }, { 4, 31, 0x6985 },  { 4, 32, 0x9000 },  { 4, 33, 0x6985 },
        { 5, 255, 0x9000 }, { 5, 256, 0x6985 }, { 6, 32, 0x6A86 },  { 255, 32, 0x6A86 }, { 0, 4000, 0x6985 },
    };
    present_both(card);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        uint8_t *input = calloc(1, lengths[i].len);
        struct buf out = { 0 };
        assert_non_null(input);
        print_message("  scheme %02X, %zu bytes\n", lengths[i].scheme, lengths[i].len);
        unsigned sw = sign(card, lengths[i].scheme, 0x97, bytes_of(input, lengths[i].len), lengths[i].len > 255, &out);
        assert_int_equal(sw, lengths[i].sw);
        assert_int_equal(out.len, sw == 0x9000 ? 256 : 0);
        free(input);
        buf_wipe(&out);
    }
}

/* The Juki card: PKCS#1 v1.5 of 1024 bits around the bytes as they are, at most 117. */
static void test_juki(void **state)
{
    (void)state;
    struct testcard *card = testcard_new_profile("juki", false, NULL);
    struct buf signature = { 0 };
    uint8_t hash[20] = { 1, 2, 3 }, plain[128], most[118] = { 0 };
    size_t len = sizeof plain;
    testcard_personalise(card);
    assert_int_equal(testcard_send(card, "00A4040C0AD392F000260100000001"), 0x9000);
    assert_int_equal(testcard_send(card, "0020009B06414243313233"), 0x9000);
    assert_int_equal(sign(card, 0, 0x9A, bytes_of(hash, sizeof hash), false, &signature), 0x9000);
    assert_int_equal(signature.len, 128);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(X509_get0_pubkey(testcard_cert(card, APPLET_EF_SIGN_CERT)), NULL);
    assert_int_equal(EVP_PKEY_verify_recover_init(ctx), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING), 1);
    assert_int_equal(EVP_PKEY_verify_recover(ctx, plain, &len, signature.data, signature.len), 1);
    assert_int_equal(len, sizeof hash);
    assert_memory_equal(plain, hash, len);
    assert_int_equal(sign(card, 0, 0x9A, bytes_of(most, 117), false, &signature), 0x9000);
    assert_int_equal(sign(card, 0, 0x9A, bytes_of(most, 118), false, &signature), 0x6985);
    EVP_PKEY_CTX_free(ctx);
    buf_wipe(&signature);
    testcard_free(card);
}

/* r and s side by side, 48 bytes each, as the DER that OpenSSL verifies. */
static bool ecdsa_verifies(EVP_PKEY *key, struct bytes signature, const uint8_t hash[48])
{
    uint8_t *der = NULL;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    assert_int_equal(signature.len, 96);
    assert_int_equal(ECDSA_SIG_set0(pair, BN_bin2bn(signature.data, 48, NULL), BN_bin2bn(signature.data + 48, 48, NULL)), 1);
    int len = i2d_ECDSA_SIG(pair, &der);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    assert_int_equal(EVP_PKEY_verify_init(ctx), 1);
    int rc = EVP_PKEY_verify(ctx, der, (size_t)len, hash, 48);
    EVP_PKEY_CTX_free(ctx);
    ECDSA_SIG_free(pair);
    OPENSSL_free(der);
    return rc == 1;
}

static void test_next(void **state)
{
    (void)state;
    struct testcard *card = testcard_new_profile("next", false, NULL);
    struct buf signature = { 0 };
    uint8_t hash[48];
    EVP_PKEY *keys[2];
    testcard_personalise(card);
    keys[0] = X509_get0_pubkey(testcard_cert(card, APPLET_EF_AUTH_CERT));
    keys[1] = X509_get0_pubkey(testcard_cert(card, APPLET_EF_SIGN_CERT));
    assert_true(EVP_Digest("abc", 3, hash, NULL, EVP_sha384(), NULL));
    present_both(card);
    for (int i = 0; i < 2; i++) {
        unsigned p2 = i ? 0x9A : 0x97;
        assert_int_equal(sign(card, 0, p2, bytes_of(hash, sizeof hash), false, &signature), 0x9000);
        assert_true(ecdsa_verifies(keys[i], buf_bytes(&signature), hash));
        assert_false(ecdsa_verifies(keys[1 - i], buf_bytes(&signature), hash));
        buf_truncate(&signature, 0);
        assert_int_equal(sign(card, 3, p2, bytes_of("abc", 3), false, &signature), 0x9000);
        assert_true(ecdsa_verifies(keys[i], buf_bytes(&signature), hash));
        buf_truncate(&signature, 0);
    }
    buf_wipe(&signature);
    testcard_free(card);
}

static int setup(void **state)
{
    *state = testcard_new();
    return 0;
}

static int teardown(void **state)
{
    testcard_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_schemes), cmocka_unit_test(test_same_and_different),
                                        cmocka_unit_test(test_lengths), cmocka_unit_test(test_juki),
                                        cmocka_unit_test(test_next) };
    return cmocka_run_group_tests_name("sim-sign", tests, setup, teardown);
}

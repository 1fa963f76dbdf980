/* test_sim_sign.c — the six signature schemes: what comes out is checked with the certificate's public key by OpenSSL, the
 * padding looked at byte by byte where the card must not judge it; both keys; short and extended forms. */
#include "support/testcard.h"
#include "wire/apdu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
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
                                        cmocka_unit_test(test_lengths) };
    return cmocka_run_group_tests_name("sim-sign", tests, setup, teardown);
}

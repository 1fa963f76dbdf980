/* bench_sim.c — signatures per second of the simulated card in process (COMPUTE DIGITAL SIGNATURE, scheme 00, short file
 * identifier) against OpenSSL's own RSA-2048 of the same process, the two in turns. Prints one pair of numbers a round. */
#include "support/testcard.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { ROUNDS = 5 };
#define ROUND_SECONDS 1.0

static const uint8_t digest_info[51] = { 0x30, 0x31, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                         0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double card_rate(struct testcard *card)
{
    uint8_t command[5 + sizeof digest_info + 1] = { 0x80, APPLET_INS_COMPUTE_SIGNATURE, APPLET_SCHEME_RAW,
                                                    APPLET_P_SFI(APPLET_EF_AUTH_KEY), sizeof digest_info };
    memcpy(command + 5, digest_info, sizeof digest_info); /* Le 00 stands behind it */
    struct buf answer = { 0 };
    double start = now(), took = 0;
    long count = 0;
    while ((took = now() - start) < ROUND_SECONDS) {
        assert_int_equal(testcard_transmit(card, bytes_of(command, sizeof command), &answer), 0x9000);
        count++;
    }
    buf_wipe(&answer);
    return (double)count / took;
}

static double openssl_rate(EVP_PKEY_CTX *context)
{
    uint8_t signature[256];
    double start = now(), took = 0;
    long count = 0;
    while ((took = now() - start) < ROUND_SECONDS) {
        size_t len = sizeof signature;
        assert_int_equal(EVP_PKEY_sign(context, signature, &len, digest_info, sizeof digest_info), 1);
        count++;
    }
    return (double)count / took;
}

static void compare(void **state)
{
    (void)state;
    struct testcard *card = testcard_new();
    testcard_send(card, "00A4040C0AD392F000260100000001");
    assert_int_equal(testcard_send(card, "002000980431323334"), 0x9000);
    EVP_PKEY *key = EVP_RSA_gen(2048);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    assert_int_equal(EVP_PKEY_sign_init(context), 1);
    assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING), 1);
    for (int round = 0; round < ROUNDS; round++) {
        double ours = card_rate(card), theirs = openssl_rate(context);
        printf("round %.1f %.1f\n", ours, theirs);
    }
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(key);
    testcard_free(card);
}

int main(void)
{
    const struct CMUnitTest work[] = { cmocka_unit_test(compare) };
    return cmocka_run_group_tests(work, NULL, NULL) ? 1 : 0;
}

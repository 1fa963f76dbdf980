/* bench_sim.c — signatures per second of the simulated card in process (COMPUTE DIGITAL SIGNATURE, scheme 00, short file
 * identifier) against OpenSSL's own RSA-2048 of the same process, the two in turns; commands per second that need no key; and
 * a thousand cards in one process. Prints one pair of numbers a round, then `commands N` and `cards N BYTES`. */
#include "support/testcard.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { ROUNDS = 5, CARDS = 1000 };
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

/* READ BINARY of 256 bytes by short identifier: what the engine itself takes. */
static double command_rate(struct testcard *card)
{
    static const uint8_t command[] = { 0x00, 0xB0, APPLET_P_SFI(APPLET_EF_AUTH_CERT), 0x00, 0x00 };
    struct buf answer = { 0 };
    double start = now(), took = 0;
    long count = 0;
    while ((took = now() - start) < ROUND_SECONDS) {
        for (int i = 0; i < 100; i++)
            assert_int_equal(testcard_transmit(card, bytes_of(command, sizeof command), &answer), 0x9000);
        count += 100;
    }
    buf_wipe(&answer);
    return (double)count / took;
}

static long resident_bytes(void)
{
    long pages = 0, resident = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    assert_non_null(statm);
    assert_int_equal(fscanf(statm, "%ld %ld", &pages, &resident), 2);
    (void)fclose(statm);
    return resident * sysconf(_SC_PAGESIZE);
}

static enum rc forget(void *context, struct bytes image)
{
    (void)context;
    (void)image;
    return RC_OK;
}

/* Each card selected, unlocked and used once: a signature leaves more behind than an opened image. */
static void thousand(struct testcard *card)
{
    static struct sim *cards[CARDS];
    const struct sim_config config = { testcard_seal_key(card), forget, NULL };
    static const uint8_t select[] = { 0x00, 0xA4, 0x04, 0x0C, 0x0A, 0xD3, 0x92, 0xF0, 0x00, 0x26, 0x01, 0x00, 0x00, 0x00, 0x01 };
    static const uint8_t verify[] = { 0x00, 0x20, 0x00, 0x98, 0x04, '1', '2', '3', '4' };
    static const uint8_t sign[] = { 0x80, 0x2A, 0x00, 0x97, 0x01, 'A', 0x00 };
    const struct bytes commands[] = { bytes_of(select, sizeof select), bytes_of(verify, sizeof verify), bytes_of(sign, sizeof sign) };
    struct buf answer = { 0 };
    long before = resident_bytes();
    for (int i = 0; i < CARDS; i++) {
        assert_int_equal(sim_open(&config, testcard_image(card), &cards[i]), RC_OK);
        sim_power_on(cards[i]);
        for (int c = 0; c < 3; c++) {
            buf_truncate(&answer, 0);
            assert_int_equal(sim_transmit(cards[i], commands[c], &answer), RC_OK);
            assert_memory_equal(answer.data + answer.len - 2, "\x90\x00", 2);
        }
    }
    printf("cards %d %ld\n", CARDS, (resident_bytes() - before) / CARDS);
    for (int i = 0; i < CARDS; i++)
        sim_free(cards[i]);
    buf_wipe(&answer);
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
    printf("commands %.0f\n", command_rate(card));
    thousand(card);
    testcard_free(card);
}

int main(void)
{
    const struct CMUnitTest work[] = { cmocka_unit_test(compare) };
    return cmocka_run_group_tests(work, NULL, NULL) ? 1 : 0;
}

/* test_sim_torn.c — every command that writes, torn at each of its durable writes: the answer is 6581, and what is on disk and
 * in memory is what stood there after the write before. What was saved is looked at deciphered. And the end of a card by
 * an attack. */
#include "base/hex.h"
#include "support/testface.h"
#include "wire/apdu.h"
#include "wire/tlv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/x509.h>

#define JPKI "00A4040C0AD392F000260100000001"
#define TEXT "00A4040C0AD3921000310001010408"
#define COMMON "00A4040C0AD3921000310001010100"
#define MAGIC_LEN 9u
#define NONCE_LEN 12u
#define TAG_LEN 16u

/* The content of the image that was saved last. */
static void content(struct testcard *card, struct buf *plain)
{
    struct bytes image = testcard_image(card);
    uint8_t tag[TAG_LEN], *at;
    int len, last;
    size_t sealed = image.len - MAGIC_LEN - NONCE_LEN - TAG_LEN;
    memcpy(tag, image.data + image.len - TAG_LEN, TAG_LEN);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    assert_int_equal(EVP_DecryptInit_ex2(ctx, EVP_aes_256_gcm(), testcard_seal_key(card)->data, image.data + MAGIC_LEN, NULL), 1);
    assert_int_equal(EVP_DecryptUpdate(ctx, NULL, &len, image.data, MAGIC_LEN), 1);
    buf_truncate(plain, 0);
    assert_int_equal(buf_extend(plain, sealed, &at), RC_OK);
    assert_int_equal(EVP_DecryptUpdate(ctx, at, &len, image.data + MAGIC_LEN + NONCE_LEN, (int)sealed), 1);
    assert_int_equal(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_LEN, tag), 1);
    assert_int_equal(EVP_DecryptFinal_ex(ctx, at + len, &last), 1);
    EVP_CIPHER_CTX_free(ctx);
}

static const struct row {
    const char *what;
    bool blank;
    const char *select, *before; /* before: plain, NULL for none */
    bool secured;
    const char *command;
    unsigned saves, sw;
    bool random; /* what is written is another thing each time */
} rows[] = {
    { "VERIFY, right", false, JPKI, NULL, false, "002000980431323334", 2, 0x9000, false },
    { "VERIFY, wrong", false, JPKI, NULL, false, "002000980430303030", 1, 0x63C2, false },
    { "VERIFY of 照合番号A, wrong", false, TEXT, NULL, false, "002000940C303030303030303030303030", 1, 0x63C9, false },
    { "CHANGE REFERENCE DATA", false, JPKI, "002000980431323334", false, "002401980439393939", 1, 0x9000, false },
    { "CHANGE KEY", false, COMMON, "0020009C0432353830", false, "8032009C0439393939", 1, 0x9000, false },
    { "INITIALIZE UPDATE", false, JPKI, NULL, false, "8050000008010203040506070800", 1, 0x9000, false },
    { "GENERATE ASYMMETRIC KEY PAIR, authentication", true, JPKI, NULL, true, "8047801700", 1, 0x9000, true },
    { "GENERATE ASYMMETRIC KEY PAIR, session keys", true, TEXT, NULL, true, "80478006000000", 1, 0x9000, true },
    { "UPDATE BINARY, whole", false, JPKI, NULL, true, "80D68A00023000", 1, 0x9000, false },
    { "UPDATE BINARY, on a blank card", true, JPKI, NULL, true, "80D68A00023000", 1, 0x9000, false },
    { "UPDATE BINARY, by offset", false, JPKI, NULL, true, "80D6880101AA", 1, 0x9000, false },
    { "UPDATE BINARY, records", false, COMMON, NULL, true, "80D6810003010141", 1, 0x9000, false },
    { "PUT DATA", false, JPKI, NULL, true, "80DA00F0053939393939", 1, 0x9000, false },
    { "PUT REFERENCE DATA", false, JPKI, NULL, true, "80D800980439393939", 1, 0x9000, false },
    { "PUT REFERENCE DATA, on a blank card", true, JPKI, NULL, true, "80D800980439393939", 1, 0x9000, false },
    { "SET STATUS, personalised", true, JPKI, NULL, true, "80F00300", 1, 0x9000, false },
    { "SET STATUS, blocked", false, JPKI, NULL, true, "80F08300", 1, 0x9000, false },
    { "SET STATUS, terminated", false, JPKI, NULL, true, "80F0FF00", 1, 0x9000, false },
    { "SET STATUS, nothing new", false, JPKI, NULL, true, "80F00700", 0, 0x9000, false },
    { "VERIFY of the signature PIN, wrong", false, JPKI, NULL, false, "0020009B06303030303030", 1, 0x63C4, false },
    { "CHANGE REFERENCE DATA of the signature PIN", false, JPKI, "0020009B06414243313233", false, "0024019B06444546343536", 1, 0x9000, false },
    { "UPDATE BINARY, signature certificate", true, JPKI, NULL, true, "80D6810004" "30020500", 1, 0x9000, false },
    { "UPDATE BINARY, the face", false, "00A4040C0AD3921000310001010402", NULL, true, "80D68200023000", 1, 0x9000, false },
    { "the query", false, JPKI, NULL, false, "00200098", 0, 0x63C3, false },
    { "SELECT", false, JPKI, NULL, false, TEXT, 0, 0x9000, false },
    { "READ RECORD", false, COMMON, NULL, false, "00B2010C00", 0, 0x9000, false },
    { "GET CHALLENGE", false, JPKI, NULL, false, "0084000008", 0, 0x9000, false },
    { "GET DATA", false, JPKI, NULL, false, "00CA5F5100", 0, 0x9000, false },
    { "INTERNAL AUTHENTICATE", false, COMMON, NULL, false, "00880099014100", 0, 0x9000, false },
    { "SET SESSION KEY, refused", false, TEXT, "002000910432353830", false, "80AE00000141", 0, 0x6700, false },
    { "SET PUBLIC IC KEY", false, JPKI, NULL, false, "80A20000014100", 0, 0x6A86, false },
    { "GET STATUS", false, JPKI, NULL, true, "80F2000000", 0, 0x9000, false },
    { "reading a public key", false, JPKI, NULL, true, "80478117000000", 0, 0x9000, false },
    { "READ BINARY", false, JPKI, NULL, false, "00B08A0000", 0, 0x9000, false },
    { "COMPUTE DIGITAL SIGNATURE", false, JPKI, "002000980431323334", false, "802A0097014100", 0, 0x9000, false },
};

struct world {
    struct testcard *issued, *blank;
};

static struct testcard *prepare(const struct world *world, const struct row *row)
{
    struct testcard *card = testcard_copy(row->blank ? world->blank : world->issued);
    if (row->secured)
        testcard_open_channel_to(card, row->select);
    else
        assert_int_equal(testcard_send(card, row->select), 0x9000);
    if (row->before)
        assert_int_equal(testcard_send(card, row->before), 0x9000);
    return card;
}

static unsigned perform(struct testcard *card, const struct row *row)
{
    struct buf command = { 0 }, answer = { 0 };
    if (!row->secured)
        return testcard_send(card, row->command);
    assert_int_equal(hex_decode(row->command, &command), RC_OK);
    unsigned sw = testcard_secured(card, buf_bytes(&command), &answer);
    buf_wipe(&command);
    buf_wipe(&answer);
    return sw;
}

/* What stands in memory is what was saved: saved again, it is the same. */
static void check_memory(struct testcard *card, const struct buf *saved)
{
    struct sim_summary summary;
    struct buf again = { 0 };
    sim_summarise(testcard_sim(card), &summary);
    assert_int_equal(sim_set_switches(testcard_sim(card), &summary.switches), RC_OK);
    content(card, &again);
    assert_true(bytes_equal(buf_bytes(&again), buf_bytes(saved)));
    buf_wipe(&again);
}

static void tear(const struct world *world, const struct row *row, unsigned at, struct buf *after)
{
    struct testcard *card = prepare(world, row);
    struct buf before = { 0 };
    content(card, &before);
    unsigned saves = testcard_saves(card);
    testcard_fail_save(card, at);
    assert_int_equal(perform(card, row), at > row->saves ? row->sw : 0x6581);
    testcard_fail_save(card, 0);
    assert_int_equal(testcard_saves(card) - saves, at > row->saves ? row->saves : at - 1);
    content(card, after);
    assert_true(bytes_equal(buf_bytes(&before), buf_bytes(after)) == (testcard_saves(card) == saves));
    check_memory(card, after);
    testcard_cut(card);
    check_memory(card, after);
    buf_wipe(&before);
    testcard_free(card);
}

static void test_rows(void **state)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        print_message("  %s\n", rows[i].what);
        for (unsigned at = 1; at <= rows[i].saves + 1; at++) {
            struct buf a = { 0 }, b = { 0 };
            if (rows[i].saves == 2) { /* the second write takes the first back: before and after are the same content */
                struct testcard *card = prepare(*state, &rows[i]);
                testcard_fail_save(card, at);
                assert_int_equal(perform(card, &rows[i]), at > 2 ? rows[i].sw : 0x6581);
                testcard_fail_save(card, 0);
                content(card, &a);
                check_memory(card, &a);
                testcard_free(card);
            } else {
                tear(*state, &rows[i], at, &a);
            }
            if (!rows[i].random || at <= rows[i].saves) { /* the same again comes to the same end */
                struct testcard *card = prepare(*state, &rows[i]);
                testcard_fail_save(card, at);
                perform(card, &rows[i]);
                content(card, &b);
                assert_true(bytes_equal(buf_bytes(&a), buf_bytes(&b)));
                testcard_free(card);
            }
            buf_wipe(&a);
            buf_wipe(&b);
        }
    }
}

/* --- an attack ----------------------------------------------------------------------------------------------------- */

static const char *const anything[] = { JPKI, "00B08A0004", "00200098", "002000980431323334", "802A0097014100", "0084000008",
                                        "00CA004500", "8050000008010203040506070800", "FF", "08B0820004", "84F2000000" };

static void check_dead(struct testcard *card)
{
    struct sim_summary summary;
    for (size_t i = 0; i < sizeof anything / sizeof *anything; i++)
        assert_int_equal(testcard_send(card, anything[i]), 0x6F00);
    sim_summarise(testcard_sim(card), &summary);
    assert_true(summary.dead);
    assert_int_equal(summary.life, APPLET_LIFE_TERMINATED);
    assert_false(summary.auth.key || summary.sign.key || summary.auth.pin || summary.sign.pin || summary.auth.cert
                 || summary.sign.cert);
}

static void test_tamper(void **state)
{
    const struct world *world = *state;
    struct testcard *card = testcard_copy(world->issued);
    struct buf before = { 0 }, after = { 0 };
    uint8_t *der = NULL;
    int len = i2d_X509(testcard_cert(card, APPLET_EF_SIGN_CERT), &der);
    assert_int_equal(testcard_send(card, JPKI), 0x9000);
    assert_int_equal(testcard_send(card, "002000980431323334"), 0x9000);
    content(card, &before);
    assert_non_null(memmem(before.data, before.len, der, (size_t)len)); /* it would be found */
    assert_int_equal(sim_tamper(testcard_sim(card)), RC_OK);
    content(card, &after);
    assert_null(memmem(after.data, after.len, der, (size_t)len));
    assert_true(after.len < 200); /* no key, no PIN, no file */
    sim_power_on(testcard_sim(card));
    check_dead(card);
    sim_reset(testcard_sim(card));
    check_dead(card);
    testcard_cut(card);
    check_dead(card);
    assert_true(sim_atr(testcard_sim(card)).len > 0);
    OPENSSL_free(der);
    buf_wipe(&before);
    buf_wipe(&after);
    testcard_free(card);
}

/* It cannot be saved: nothing is left in memory all the same. */
static void test_tamper_unsaved(void **state)
{
    const struct world *world = *state;
    struct testcard *card = testcard_copy(world->issued);
    testcard_fail_save(card, 1);
    assert_int_equal(sim_tamper(testcard_sim(card)), RC_IO);
    testcard_fail_save(card, 0);
    sim_power_on(testcard_sim(card));
    check_dead(card);
    testcard_free(card);
}

/* Nothing of the content stands in the image in clear; and no answer, whatever is read with every PIN presented, has a private
 * key's prime in it. */
static void test_sealed(void **state)
{
    const struct world *world = *state;
    static const char *const before[] = { JPKI, "002000980431323334", "0020009B06414243313233" };
    struct testcard *card = testcard_copy(world->issued);
    struct buf plain = { 0 }, answer = { 0 };
    struct bytes image = testcard_image(card);
    struct cursor cursor;
    struct tlv item, der;
    unsigned keys = 0;
    content(card, &plain);
    assert_true(plain.len > 8000);
    for (size_t at = 0; at + 16 <= plain.len; at += 16) {
        static const uint8_t filler[16] = { 0 };
        if (memcmp(plain.data + at, filler, 16) != 0)
            assert_null(memmem(image.data, image.len, plain.data + at, 16));
    }
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(testcard_send(card, before[i]), 0x9000);
    cursor = cursor_of(buf_bytes(&plain));
    while (tlv_next(&cursor, &item) == RC_OK) {
        uint8_t prime[128];
        BIGNUM *number = NULL;
        if (item.tag != 0xE3)
            continue;
        assert_int_equal(tlv_find(item.value, 0x81, &der), RC_OK);
        const uint8_t *at = der.value.data;
        EVP_PKEY *key = d2i_AutoPrivateKey(NULL, &at, (long)der.value.len);
        assert_non_null(key);
        assert_true(EVP_PKEY_get_bn_param(key, "rsa-factor1", &number));
        assert_int_equal(BN_bn2bin(number, prime), sizeof prime);
        BN_free(number);
        EVP_PKEY_free(key);
        assert_non_null(memmem(plain.data, plain.len, prime, sizeof prime)); /* it would be found */
        for (unsigned sfi = 1; sfi < 0x1F; sfi++) {
            const uint8_t read[] = { 0x00, 0xB0, APPLET_P_SFI(sfi), 0x00, 0x00, 0x00, 0x00 };
            (void)testcard_transmit(card, bytes_of(read, sizeof read), &answer);
            assert_null(answer.len ? memmem(answer.data, answer.len, prime, 16) : NULL);
        }
        keys++;
    }
    assert_int_equal(keys, 6);
    buf_wipe(&plain);
    buf_wipe(&answer);
    testcard_free(card);
}

/* Every instruction of the contract stands in a row. */
static void test_complete(void **state)
{
    (void)state;
    static const uint8_t instructions[] = {
        APPLET_INS_VERIFY, APPLET_INS_CHANGE_REFERENCE_DATA, APPLET_INS_COMPUTE_SIGNATURE, APPLET_INS_CHANGE_KEY,
        APPLET_INS_GET_CHALLENGE, APPLET_INS_INTERNAL_AUTHENTICATE, APPLET_INS_SET_TERMINAL_CERT, APPLET_INS_SELECT,
        APPLET_INS_SET_SESSION_KEY, APPLET_INS_READ_BINARY, APPLET_INS_READ_RECORD, APPLET_INS_GET_DATA,
        APPLET_INS_INITIALIZE_UPDATE, APPLET_INS_GENERATE_KEY_PAIR, APPLET_INS_UPDATE_BINARY, APPLET_INS_PUT_DATA,
        APPLET_INS_PUT_REFERENCE_DATA, APPLET_INS_SET_STATUS, APPLET_INS_GET_STATUS,
    }; /* EXTERNAL AUTHENTICATE opens the channel of every secured row */
    for (size_t i = 0; i < sizeof instructions; i++) {
        char hex[3];
        bool found = false;
        (void)snprintf(hex, sizeof hex, "%02X", instructions[i]);
        for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
            found |= strncmp(rows[r].command + 2, hex, 2) == 0;
        if (!found)
            fail_msg("no row has the instruction %s", hex);
    }
}

static int setup(void **state)
{
    static struct world world;
    world.issued = testface_new(NULL);
    world.blank = testcard_new_blank();
    *state = &world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    testcard_free(world->issued);
    testcard_free(world->blank);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_complete), cmocka_unit_test(test_sealed), cmocka_unit_test(test_tamper),
                                        cmocka_unit_test(test_tamper_unsaved) };
    return cmocka_run_group_tests_name("sim-torn", tests, setup, teardown);
}

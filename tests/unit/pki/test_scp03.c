/* test_scp03.c — the secure channel against bytes that others made: a trace of a real eUICC as published with pySim
 * (tests/unittests/test_globalplatform.py, AES-128 keys, security level 33 and 11), RFC 4493's primitive through it, and
 * our own rules (key diversification) against values computed with another program. Then what must be refused. */
#include "base/hex.h"
#include "pki/scp03.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct buf hexed(const char *hex)
{
    struct buf buf = { 0 };
    assert_int_equal(hex_decode(hex, &buf), RC_OK);
    return buf;
}

static void keys_of(const char *enc, const char *mac, const char *dek, struct scp03_keys *keys)
{
    struct buf e = hexed(enc), m = hexed(mac), d = hexed(dek);
    assert_int_equal(secret_dup(&keys->enc, e.data, e.len), RC_OK);
    assert_int_equal(secret_dup(&keys->mac, m.data, m.len), RC_OK);
    assert_int_equal(secret_dup(&keys->dek, d.data, d.len), RC_OK);
    buf_wipe(&e);
    buf_wipe(&m);
    buf_wipe(&d);
}

struct trace {
    const char *what, *initialize_update, *response, *authenticate, *command, *answer;
    bool encrypt_command, protect_response, encrypt_response;
    const char *cases[4];
};

/* The card's key set 30. */
#define KEY_ENC "000102030405060708090a0b0c0d0e0f"
#define KEY_MAC "101112131415161718191a1b1c1d1e1f"
#define KEY_DEK "202122232425262728292a2b2c2d2e2f"
/* The security domain that answered: the eUICC's ISD-R. */
#define TRACE_AID "a0000005591010ffffffff8900000100"

static const struct trace traces[] = {
    { "level 33: C-MAC, C-ENC, R-MAC, R-ENC", "8050300008fdf38259a1e0de4400",
      "000000000000000000003003703b1aca81e821f219081cdc01c26b372d000003", "84823300108c36f96bcc00724a4e13ad591d7da3f0",
      "84e2910018267a85dfe4a98fca6fb0527e0dfecce4914e40401433c87f00",
      "f3ba2b1013aa6224f5e1c138d71805c569e5439b47576260b75fc021b25097cb2e68f8a0144975b99000", true, true, true,
      { "84f2200208ac6a59024bed84cc", "84ca006608409912ad8fb7aed000",
        "84f22002185f3dafc3ac14c381536a488bf44e06d056df9d74dbd21e5a",
        "84f280021865165105be3373347d0424d4400af2ac393f569ec779389e00" } },
    { "level 03: C-MAC, C-ENC", "80503000088e1552d0513c60f300",
      "0000000000000000000030037030760cd2c47c1dd395065fe5ead8a9d7000001", "8482030010fd4721a14d9b07003c451d2f8ae6bb21",
      "84e2910018ca9c00f6713d79bc8baa642bdff51c3f6a4082d3bd9ad26c00", NULL, true, false, false,
      { "84f2200208c9811b11f1264cf1", "84ca006608e10ab60b3054798800",
        "84f22002184e2908bdb48b2315a55482e9e936ca122d6ecfae7d17416e",
        "84f28002180dd10a6b6193e5340b9e77d32d5a179cd710ac2773aefb2800" } },
    { "level 11: C-MAC, R-MAC", "8050300008b13e5f938fc108c400",
      "000000000000000000003003703eb51047495b249f66c484c1d2ef1948000002", "84821100107d5f5826a993ebc89eea24957fa0b3ce",
      "84e291000ebf3e035c015a558d036518a2829700", NULL, false, true, false,
      { "84f220020863a63f8959827fb2", "84ca006608a0c6a4a74166f7ce00", "84f22002124f0212345c054f9f70c52249b50272656536",
        "84f280020a4f00e91443f6dce6b8ed00" } },
};

static const char *const plain_cases[4] = { "80F22002", "80ca006600", "80F220020a4f0212345c054f9f70c5", "80f28002024f0000" };
#define PLAIN_COMMAND "80E2910006BF3E035C015A00"
#define PLAIN_ANSWER "bf3e125a10898821199000000000000000000000059000"

static void trace_open(const struct trace *trace, struct scp03_session *session)
{
    struct scp03_keys keys = { 0 };
    keys_of(KEY_ENC, KEY_MAC, KEY_DEK, &keys);
    struct buf command = hexed(trace->initialize_update), response = hexed(trace->response), aid = hexed(TRACE_AID);
    struct bytes challenge = bytes_of(response.data + 13, 8);
    assert_int_equal(scp03_open(&keys, bytes_of(command.data + 5, 8), challenge, session), RC_OK);
    assert_memory_equal(session->card_cryptogram, response.data + 21, 8);
    /* The card's own challenge: pseudo-random mode over the sequence counter that it tells. */
    uint8_t made[8];
    assert_int_equal(scp03_card_challenge(&keys, bytes_of(response.data + 29, 3), buf_bytes(&aid), made), RC_OK);
    assert_memory_equal(made, challenge.data, 8);
    buf_wipe(&command);
    buf_wipe(&response);
    buf_wipe(&aid);
    scp03_keys_wipe(&keys);
}

static void expect_wrap(struct scp03_session *session, bool encrypt, const char *plain, const char *secured)
{
    struct buf in = hexed(plain), want = hexed(secured), out = { 0 };
    assert_int_equal(scp03_wrap(session, encrypt, buf_bytes(&in), &out), RC_OK);
    assert_true(bytes_equal(buf_bytes(&out), buf_bytes(&want)));
    buf_wipe(&in);
    buf_wipe(&want);
    buf_wipe(&out);
}

static void expect_unwrap(struct scp03_session *session, bool encrypted, const char *secured, const char *plain)
{
    struct buf in = hexed(secured), want = hexed(plain), out = { 0 };
    want.data[0] &= (uint8_t)~4u;
    assert_int_equal(scp03_unwrap(session, encrypted, buf_bytes(&in), &out), RC_OK);
    assert_true(bytes_equal(buf_bytes(&out), buf_bytes(&want)));
    buf_wipe(&in);
    buf_wipe(&want);
    buf_wipe(&out);
}

static void authenticate_command(const struct scp03_session *session, const struct trace *trace, char *hex)
{
    struct buf authenticate = hexed(trace->authenticate);
    char cryptogram[17];
    hex_encode(bytes_of(session->host_cryptogram, 8), cryptogram);
    (void)snprintf(hex, 64, "8482%02X0008%s", authenticate.data[2], cryptogram);
    buf_wipe(&authenticate);
}

static void test_trace_host(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof traces / sizeof *traces; i++) {
        const struct trace *trace = &traces[i];
        struct scp03_session session = { 0 };
        char plain[64];
        print_message("  %s\n", trace->what);
        trace_open(trace, &session);
        authenticate_command(&session, trace, plain);
        expect_wrap(&session, false, plain, trace->authenticate);
        expect_wrap(&session, trace->encrypt_command, PLAIN_COMMAND, trace->command);
        if (trace->answer) {
            struct buf in = hexed(trace->answer), want = hexed(PLAIN_ANSWER), out = { 0 };
            assert_int_equal(scp03_unwrap_response(&session, buf_bytes(&in), &out), RC_OK);
            assert_true(bytes_equal(buf_bytes(&out), buf_bytes(&want)));
            buf_wipe(&in);
            buf_wipe(&want);
            buf_wipe(&out);
        }
        for (size_t c = 0; c < 4; c++)
            expect_wrap(&session, trace->encrypt_command, plain_cases[c], trace->cases[c]);
        scp03_wipe(&session);
    }
}

static void test_trace_card(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof traces / sizeof *traces; i++) {
        const struct trace *trace = &traces[i];
        struct scp03_session session = { 0 };
        char plain[64];
        print_message("  %s\n", trace->what);
        trace_open(trace, &session);
        authenticate_command(&session, trace, plain);
        expect_unwrap(&session, false, trace->authenticate, plain);
        expect_unwrap(&session, trace->encrypt_command, trace->command, PLAIN_COMMAND);
        if (trace->answer) {
            struct buf in = hexed(PLAIN_ANSWER), want = hexed(trace->answer), out = { 0 };
            assert_int_equal(scp03_wrap_response(&session, buf_bytes(&in), &out), RC_OK);
            assert_true(bytes_equal(buf_bytes(&out), buf_bytes(&want)));
            buf_wipe(&in);
            buf_wipe(&want);
            buf_wipe(&out);
        }
        for (size_t c = 0; c < 4; c++)
            expect_unwrap(&session, trace->encrypt_command, trace->cases[c], plain_cases[c]);
        scp03_wipe(&session);
    }
}

/* Every cut and every flipped bit of a secured command and of a secured response is refused; a flipped length field is
 * no form, everything else a wrong MAC. */
static void test_tampering(void **state)
{
    (void)state;
    const struct trace *trace = &traces[0];
    struct buf command = hexed(trace->command), answer = hexed(trace->answer);
    for (size_t bit = 0; bit < 8 * command.len; bit++) {
        if (bit / 8 == command.len - 1)
            continue; /* Le is not under the MAC (§6.2.4) */
        struct scp03_session session = { 0 };
        struct buf out = { 0 }, authenticate = hexed(trace->authenticate);
        trace_open(trace, &session);
        assert_int_equal(scp03_unwrap(&session, false, buf_bytes(&authenticate), &out), RC_OK);
        buf_truncate(&out, 0);
        uint8_t *flipped = malloc(command.len);
        assert_non_null(flipped);
        memcpy(flipped, command.data, command.len);
        flipped[bit / 8] ^= (uint8_t)(1u << bit % 8);
        enum rc rc = scp03_unwrap(&session, true, bytes_of(flipped, command.len), &out);
        assert_true(rc == RC_BAD_SIGNATURE || rc == RC_FORMAT);
        assert_int_equal(out.len, 0);
        rc = scp03_unwrap(&session, true, bytes_of(command.data, bit / 8), &out);
        assert_true(rc == RC_BAD_SIGNATURE || rc == RC_FORMAT);
        free(flipped);
        buf_wipe(&out);
        buf_wipe(&authenticate);
        scp03_wipe(&session);
    }
    struct scp03_session session = { 0 };
    struct buf out = { 0 }, plain = hexed(PLAIN_COMMAND), authenticate = hexed(trace->authenticate);
    trace_open(trace, &session);
    assert_int_equal(scp03_unwrap(&session, false, buf_bytes(&authenticate), &out), RC_OK);
    buf_truncate(&out, 0);
    assert_int_equal(scp03_wrap(&session, true, buf_bytes(&plain), &out), RC_OK);
    buf_truncate(&out, 0);
    for (size_t bit = 0; bit < 8 * answer.len; bit++) {
        answer.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        enum rc rc = scp03_unwrap_response(&session, buf_bytes(&answer), &out);
        assert_true(rc == RC_BAD_SIGNATURE || rc == RC_FORMAT); /* FORMAT: a flip of SW1 makes it an error with data */
        assert_int_equal(out.len, 0);
        answer.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        const struct bytes cut = bytes_of(answer.data + bit / 8 + 1, answer.len - bit / 8 - 1);
        assert_int_not_equal(scp03_unwrap_response(&session, cut, &out), RC_OK);
        assert_int_equal(out.len, 0);
    }
    assert_int_equal(scp03_unwrap_response(&session, buf_bytes(&answer), &out), RC_OK);
    buf_wipe(&out);
    buf_wipe(&plain);
    buf_wipe(&authenticate);
    buf_wipe(&command);
    buf_wipe(&answer);
    scp03_wipe(&session);
}

/* A command that needs extended lengths once it is wrapped, and the largest one. */
static void test_lengths(void **state)
{
    (void)state;
    static const size_t lens[] = { 1, 15, 16, 17, 231, 239, 240, 247, 248, 255, 256, 1700, 4000 };
    struct scp03_session host = { 0 }, card = { 0 };
    trace_open(&traces[0], &host);
    trace_open(&traces[0], &card);
    for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
        struct buf plain = { 0 }, secured = { 0 }, again = { 0 };
        uint8_t *data;
        bool extended = lens[i] > 255;
        assert_int_equal(buf_append(&plain, "\x80\xD6\x81\x00\x00", extended ? 5 : 4), RC_OK);
        assert_int_equal(extended ? buf_append_u16(&plain, (unsigned)lens[i]) : buf_append_u8(&plain, (unsigned)lens[i]),
                         RC_OK);
        assert_int_equal(buf_extend(&plain, lens[i], &data), RC_OK);
        memset(data, 0x80, lens[i]);
        assert_int_equal(scp03_wrap(&host, true, buf_bytes(&plain), &secured), RC_OK);
        size_t lc = lens[i] / 16 * 16 + 16 + 8;
        assert_int_equal(secured.len, (lc > 255 || extended ? 7 : 5) + lc);
        assert_int_equal(scp03_unwrap(&card, true, buf_bytes(&secured), &again), RC_OK);
        assert_memory_equal(again.data + again.len - lens[i], data, lens[i]);
        buf_wipe(&plain);
        buf_wipe(&secured);
        buf_wipe(&again);
    }
    /* A command sent twice is refused the second time: the chain has moved on. */
    struct buf secured = { 0 }, again = { 0 };
    assert_int_equal(scp03_wrap(&host, true, bytes_of("\x80\xF2\x00\x00", 4), &secured), RC_OK);
    assert_int_equal(scp03_unwrap(&card, true, buf_bytes(&secured), &again), RC_OK);
    assert_int_equal(scp03_unwrap(&card, true, buf_bytes(&secured), &again), RC_BAD_SIGNATURE);
    buf_wipe(&secured);
    buf_wipe(&again);
    scp03_wipe(&host);
    scp03_wipe(&card);
}

/* The error status travels bare; a data-carrying one is no form; a good status without MAC is refused. */
static void test_status_words(void **state)
{
    (void)state;
    struct scp03_session session = { 0 };
    struct buf out = { 0 };
    trace_open(&traces[0], &session);
    assert_int_equal(scp03_wrap_response(&session, bytes_of("\x69\x85", 2), &out), RC_OK);
    assert_true(bytes_equal(buf_bytes(&out), bytes_of("\x69\x85", 2)));
    buf_truncate(&out, 0);
    assert_int_equal(scp03_unwrap_response(&session, bytes_of("\x69\x85", 2), &out), RC_OK);
    assert_int_equal(scp03_unwrap_response(&session, bytes_of("\x41\x69\x85", 3), &out), RC_FORMAT);
    assert_int_equal(scp03_unwrap_response(&session, bytes_of("\x90\x00", 2), &out), RC_BAD_SIGNATURE);
    assert_int_equal(scp03_unwrap_response(&session, bytes_of("\x63\xC2", 2), &out), RC_BAD_SIGNATURE);
    buf_truncate(&out, 0);
    assert_int_equal(scp03_wrap_response(&session, bytes_of("\x63\xC2", 2), &out), RC_OK);
    assert_int_equal(out.len, 10);
    buf_wipe(&out);
    scp03_wipe(&session);
}

static void test_diversify(void **state)
{
    (void)state;
    struct secret master = { 0 };
    struct scp03_keys keys = { 0 }, other = { 0 };
    struct buf key = hexed("404142434445464748494A4B4C4D4E4F");
    assert_int_equal(secret_dup(&master, key.data, key.len), RC_OK);
    assert_int_equal(scp03_diversify(&master, bytes_of("\0\1\2\3\4\5\6\7\x08\x09", 10), &keys), RC_OK);
    /* openssl mac -cipher AES-128-CBC -macopt hexkey:… CMAC over 00000001 label 00 context 00000080 */
    static const char *const want[3] = { "E78522BFA8317E09E186C729A92D0920", "1568E775D0E6FCF47CFF51DFA98002DD", "C5D10B2ACFBE7DC7A4D3555681996C94" };
    const struct secret *made[3] = { &keys.enc, &keys.mac, &keys.dek };
    for (size_t i = 0; i < 3; i++) {
        char hex[33];
        hex_encode(secret_bytes(made[i]), hex);
        assert_string_equal(hex, want[i]);
    }
    assert_int_equal(scp03_diversify(&master, bytes_of("\0\1\2\3\4\5\6\7\x08\x0A", 10), &other), RC_OK);
    assert_false(secret_equal(&keys.enc, &other.enc));
    assert_int_equal(secret_set(&master, key.data, 15), RC_OK);
    assert_int_equal(scp03_diversify(&master, bytes_of("0123456789", 10), &other), RC_RANGE);
    scp03_keys_wipe(&keys);
    scp03_keys_wipe(&other);
    secret_wipe(&master);
    buf_wipe(&key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trace_host), cmocka_unit_test(test_trace_card),   cmocka_unit_test(test_tampering),
        cmocka_unit_test(test_lengths),    cmocka_unit_test(test_status_words), cmocka_unit_test(test_diversify),
    };
    return cmocka_run_group_tests_name("scp03", tests, NULL, NULL);
}

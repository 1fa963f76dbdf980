/* test_sim_time.c — the time model against a table that was computed apart from it, block by block: whole flows at seven
 * speeds, rounded to milliseconds. */
#include "applet-sim/sim_time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct exchange {
    unsigned times;
    size_t to, from;
};

/* SELECT of the application, SELECT of the PIN, VERIFY with 16 characters, SELECT of the key, then the signature. */
#define BEFORE_SIGNING { 1, 15, 2 }, { 1, 7, 2 }, { 1, 21, 2 }, { 1, 7, 2 }
static const struct exchange sign_rsa[] = { BEFORE_SIGNING, { 1, 57, 258 }, { 0 } };
static const struct exchange sign_ec[] = { BEFORE_SIGNING, { 1, 54, 98 }, { 0 } };
static const struct exchange sign_and_read[] = { BEFORE_SIGNING, { 1, 57, 258 }, { 1, 7, 2 }, { 6, 5, 258 }, { 1, 5, 166 },
                                                 { 0 } };

static const char *const links[] = { "contact:9600", "contact:115200", "contact:344086", "contactless:106",
                                     "contactless:212", "contactless:424", "contactless:848" };

static void test_flows(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        const struct exchange *flow;
        size_t bytes;
        unsigned reader_ms;
        int ms[7];
    } rows[] = {
        { "sign RSA-2048, reader 2 ms", sign_rsa, 373, 2, { 520, 52, 24, 53, 32, 22, 17 } },
        { "sign RSA-2048, reader 5 ms", sign_rsa, 373, 5, { 535, 67, 39, 68, 47, 37, 32 } },
        { "sign P-384, reader 2 ms", sign_ec, 210, 2, { 319, 36, 19, 36, 24, 18, 15 } },
        { "sign and read a certificate, reader 2 ms", sign_and_read, 2131, 2, { 2743, 252, 102, 253, 143, 87, 60 } },
        { "sign and read a certificate, reader 5 ms", sign_and_read, 2131, 5, { 2782, 291, 141, 292, 182, 126, 99 } },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t j = 0; j < 7; j++) {
            char spec[64];
            struct sim_time time;
            int64_t ns = 0;
            size_t bytes = 0;
            (void)snprintf(spec, sizeof spec, "%s,reader=%u", links[j], rows[i].reader_ms);
            print_message("  %s, %s\n", rows[i].what, links[j]);
            assert_int_equal(sim_time_parse(spec, &time, NULL), RC_OK);
            for (const struct exchange *e = rows[i].flow; e->times; e++) {
                ns += e->times * sim_time_link(&time, e->to, e->from);
                bytes += e->times * (e->to + e->from);
            }
            assert_int_equal(bytes, rows[i].bytes);
            assert_int_equal((ns + 500000) / 1000000, rows[i].ms[j]);
        }
}

static void test_blocks(void **state)
{
    (void)state;
    static const struct {
        const char *what, *spec;
        size_t to, from;
        unsigned pairs;
    } rows[] = {
        { "one block each way", "contact:9600", 254, 254, 1 },
        { "a command of two blocks", "contact:9600", 255, 2, 2 },
        { "an answer of three", "contact:9600", 5, 509, 3 },
        { "both", "contact:9600", 509, 255, 4 },
        { "one frame each way", "contactless:106", 253, 253, 1 },
        { "a command of two frames", "contactless:106", 254, 2, 2 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sim_time time;
        print_message("  %s\n", rows[i].what);
        assert_int_equal(sim_time_parse(rows[i].spec, &time, NULL), RC_OK);
        time.reader_us = 0;
        int64_t ns = sim_time_link(&time, rows[i].to, rows[i].from);
        int64_t one = sim_time_link(&time, 0, 0), byte = sim_time_link(&time, 1000, 0) - sim_time_link(&time, 999, 0);
        int64_t left = ns - (int64_t)(rows[i].to + rows[i].from) * byte - rows[i].pairs * one;
        assert_true(left > -1000 && left < 1000); /* the byte's time is rounded */
    }
}

static void test_card(void **state)
{
    (void)state;
    static const uint8_t zero[300];
    uint8_t rsa[258] = { 0 }, ec[98] = { 0 }, key[272] = { 0 }, ec_key[110] = { 0 };
    rsa[256] = ec[96] = key[270] = ec_key[108] = 0x90;
    const struct {
        const char *what;
        struct bytes command, answer;
        unsigned writes;
        int64_t ms;
    } rows[] = {
        { "RSA signature", bytes_of("\x80\x2A\x00\x97\x01\x41\x00", 7), bytes_of(rsa, 258), 0, 201 },
        { "EC signature", bytes_of("\x80\x2A\x00\x97\x01\x41\x00", 7), bytes_of(ec, 98), 0, 76 },
        { "signature inside the channel", bytes_of("\x84\x2A\x00\x97\x01\x41\x00", 7), bytes_of(rsa, 258), 0, 201 },
        { "a refused signature", bytes_of("\x80\x2A\x00\x97\x01\x41\x00", 7), bytes_of("\x69\x82", 2), 0, 1 },
        { "RSA key pair", bytes_of("\x84\x47\x80\x17\x00", 5), bytes_of(key, 272), 1, 10411 },
        { "EC key pair", bytes_of("\x84\x47\x80\x17\x00", 5), bytes_of(ec_key, 110), 1, 351 },
        { "reading a public key", bytes_of("\x84\x47\x81\x17\x00", 5), bytes_of(key, 272), 0, 1 },
        { "VERIFY writes twice", bytes_of("\x00\x20\x00\x98\x04\x31\x32\x33\x34", 9), bytes_of("\x90\x00", 2), 2, 21 },
        { "no command at all", bytes_of(zero, 1), bytes_of("\x67\x00", 2), 0, 1 },
        { "no answer", bytes_of("\x80\x2A\x00\x97\x01\x41\x00", 7), bytes_of(NULL, 0), 0, 1 },
    };
    struct sim_time time;
    assert_int_equal(sim_time_parse("contactless:424,write=10,command=1", &time, NULL), RC_OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        print_message("  %s\n", rows[i].what);
        assert_int_equal(sim_time_card(&time, rows[i].command, rows[i].answer, rows[i].writes), rows[i].ms * 1000000);
        /* one waiting-time extension of 1.5 ms in each 77.3 ms */
        int64_t link = sim_time_link(&time, rows[i].command.len, rows[i].answer.len);
        assert_int_equal(sim_time_exchange(&time, rows[i].command, rows[i].answer, rows[i].writes),
                         link + rows[i].ms * 1000000 + rows[i].ms * 1000000 / 77328640 * 1500000);
    }
}

static void test_specifications(void **state)
{
    (void)state;
    static const char *const bad[] = { "", "contact", "contact:", "contact:9600x", "contact:1199", "contact:2000000", "contactless:105",
                                       "contactless:9600", "wire:9600", "contact:9600,", "contact:9600,rsa", "contact:9600,rsa=",
                                       "contact:9600,rsa=-1", "contact:9600,rsa=1.2345", "contact:9600,rsa=1.", "contact:9600,speed=1",
                                       "contactless:106,fwi=15", "contact:9600,rsa=9999999", "rsa=5,contact:9600" };
    struct sim_time time = { 0 };
    assert_int_equal(sim_time_parse("contactless:424,reader=0.5,rsa=60,ec=45.125,rsa-generate=1,ec-generate=2,fwi=4", &time, NULL),
                     RC_OK);
    assert_true(time.contactless);
    assert_int_equal(time.rate, 424);
    assert_int_equal(time.reader_us, 500);
    assert_int_equal(time.rsa_us, 60000);
    assert_int_equal(time.ec_us, 45125);
    assert_int_equal(time.rsa_generate_us, 1000);
    assert_int_equal(time.ec_generate_us, 2000);
    assert_int_equal(time.fwi, 4);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err err = { 0 };
        print_message("  '%s'\n", bad[i]);
        assert_int_equal(sim_time_parse(bad[i], &time, &err), RC_USAGE);
        assert_true(strlen(err.text) > 0);
        assert_int_equal(time.rate, 424); /* untouched */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_flows), cmocka_unit_test(test_blocks), cmocka_unit_test(test_card),
                                        cmocka_unit_test(test_specifications) };
    return cmocka_run_group_tests_name("sim-time", tests, NULL, NULL);
}

/* test_sim_seed.c — the same seed: the same challenges, keys and salts; another seed: others. Cards made so are marked, the mark
 * cannot be taken off, and other cards are not opened under a seed. This whole program runs under one. */
#include "../../support/scratch.h"
#include "applet-sim/sim_seed.h"
#include "applet-sim/sim_store.h"
#include "base/file.h"
#include "support/testcard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/rand.h>

static const char *program;

static void test_bytes(void **state)
{
    (void)state;
    uint8_t a[100], b[100], c[100], kernel[2][16];
    assert_false(sim_seed_used());
    assert_int_equal(sim_seed_bytes(kernel[0], 16), RC_OK);
    assert_int_equal(sim_seed_bytes(kernel[1], 16), RC_OK);
    assert_memory_not_equal(kernel[0], kernel[1], 16);
    assert_int_equal(sim_seed_use(1), RC_OK);
    assert_true(sim_seed_used());
    assert_int_equal(sim_seed_bytes(a, sizeof a), RC_OK);
    assert_int_equal(sim_seed_bytes(c, sizeof c), RC_OK);
    assert_memory_not_equal(a, c, sizeof a);
    assert_int_equal(sim_seed_use(1), RC_OK);
    assert_int_equal(RAND_bytes(b, sizeof b), 1); /* OpenSSL's too */
    assert_memory_equal(a, b, sizeof a);
    assert_int_equal(sim_seed_use(1), RC_OK);
    assert_int_equal(RAND_priv_bytes(b, sizeof b), 1);
    assert_memory_equal(a, b, sizeof a);
    assert_int_equal(sim_seed_use(2), RC_OK);
    assert_int_equal(sim_seed_bytes(c, sizeof c), RC_OK);
    assert_memory_not_equal(a, c, sizeof a);
}

/* The public key that a card makes, and a challenge behind it. */
static void card_says(uint64_t seed, struct buf *key, struct buf *challenge)
{
    struct testcard *card = testcard_new_blank();
    testcard_open_channel(card);
    assert_int_equal(sim_seed_use(seed), RC_OK);
    assert_int_equal(testcard_secured(card, bytes_of("\x80\x47\x80\x17\x00\x00\x00", 7), key), 0x9000);
    assert_int_equal(testcard_transmit(card, bytes_of("\x00\x84\x00\x00\x10", 5), challenge), 0x9000);
    assert_int_equal(challenge->len, 16);
    testcard_free(card);
}

static void test_keys(void **state)
{
    (void)state;
    static const uint64_t seeds[] = { 7, 7, 8 };
    struct buf key[3] = { { 0 } }, challenge[3] = { { 0 } };
    for (int i = 0; i < 3; i++)
        card_says(seeds[i], &key[i], &challenge[i]);
    assert_true(key[0].len > 256);
    assert_true(bytes_equal(buf_bytes(&key[0]), buf_bytes(&key[1])));
    assert_true(bytes_equal(buf_bytes(&challenge[0]), buf_bytes(&challenge[1])));
    assert_false(bytes_equal(buf_bytes(&key[0]), buf_bytes(&key[2])));
    assert_false(bytes_equal(buf_bytes(&challenge[0]), buf_bytes(&challenge[2])));
    for (int i = 0; i < 3; i++) {
        buf_wipe(&key[i]);
        buf_wipe(&challenge[i]);
    }
}

/* A shell's line, in the folder, with the program as $P. */
static int sh(const char *line, const char *folder)
{
    char command[512];
    (void)snprintf(command, sizeof command, "cd %s && { %s; }", folder, line);
    assert_int_equal(setenv("P", program, 1), 0);
    int status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_program(void **state)
{
    (void)state;
    static const struct {
        const char *what, *line;
    } rows[] = {
        { "made twice from a seed: one serial number", "$P create --card a --issuer-key i --seed 5 >a.out 2>a.err && "
          "$P create --card b --issuer-key i --seed 5 >b.out 2>b.err && cmp a.out b.out" },
        { "it says so loudly", "grep -q 'PREDICTABLE RANDOMNESS' a.err && grep -q 'TESTS ONLY' a.err" },
        { "the mark is shown", "$P show --card a 2>err | grep -q 'FOR TESTS ONLY' && grep -q 'a: FOR TESTS ONLY' err" },
        { "another seed, another number", "$P create --card c --issuer-key i --seed 6 >c.out 2>c.err && ! cmp -s a.out c.out" },
        { "the same seed: the same trace", "printf '> 0084000010\\n> 0084000008\\n> 0084000008\\n' >s && "
          "$P script --card a --seed 3 --trace a.t --fault command=1/2:lost s 2>err && "
          "$P script --card b --seed 3 --trace b.t --fault command=1/2:lost s 2>err && cmp a.t b.t && [ $(wc -l <a.t) = 3 ]" },
        { "another seed: another trace", "$P script --card b --seed 4 --trace c.t s 2>err && ! cmp -s a.t c.t" },
        { "an ordinary card is not opened under a seed", "$P create --card d --issuer-key i >d.out && "
          "! $P script --card d --seed 3 s 2>err && grep -q 'not made from a seed' err && $P script --card d s" },
        { "nor does one come into being over an ordinary key", "rm d && ! $P create --card d --issuer-key i --seed 3 2>err && [ ! -e d ]" },
        { "the mark cannot be taken off", "sed -i 's/^test-only //' a.key && ! $P show --card a 2>err && grep -q 'another key' err" },
        { "nor put on", "$P create --card e --issuer-key i >e.out && sed -i 's/^/test-only /' e.key && ! $P show --card e 2>err" },
    };
    char folder[] = "/tmp/simseed.XXXXXX";
    assert_non_null(mkdtemp(folder));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        print_message("  %s\n", rows[i].what);
        if (sh(rows[i].line, folder) != 0) {
            (void)sh("cat err", folder);
            fail_msg("%s", rows[i].line);
        }
    }
    assert_int_equal(scratch_remove(folder), 0);
}

int main(int argc, char **argv)
{
    char absolute[4096];
    if (argc < 2 || !realpath(argv[1], absolute))
        return 2;
    program = absolute;
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_bytes), cmocka_unit_test(test_keys), cmocka_unit_test(test_program) };
    return cmocka_run_group_tests_name("sim-seed", tests, NULL, NULL);
}

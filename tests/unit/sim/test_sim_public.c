/* test_sim_public.c — libjpki-sim as others see it: its header, its symbols, and nothing else of this tree. */
#include "../../support/scratch.h"
#include "applet-sim/jpki-sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define SELECT "> 00A4040C0AD392F000260100000001\n< 9000\n"
#define VERIFY "> 002000980431323334\n< 9000\n"
#define SIGN "> 802A0097014100\n"
#define QUERY "> 00200098\n"

static const char *program;

static const uint8_t select_jpki[] = { 0x00, 0xA4, 0x04, 0x0C, 0x0A, 0xD3, 0x92, 0xF0, 0x00, 0x26, 0x01, 0x00, 0x00, 0x00, 0x01 };
static const uint8_t read_auth[] = { 0x00, 0xB0, 0x8A, 0x00, 0x00, 0x00, 0x00 };

static struct jpki_sim *copy_of(const struct jpki_sim *card, struct jpki_sim_options options)
{
    char why[JPKI_SIM_WHY] = "";
    struct jpki_sim *copy = jpki_sim_copy(card, &options, why);
    if (!copy)
        fail_msg("%s", why);
    return copy;
}

static void play(struct jpki_sim *card, const char *script)
{
    char why[JPKI_SIM_WHY] = "";
    if (!jpki_sim_play(card, script, why))
        fail_msg("%s", why);
}

static void test_use(void **state)
{
    struct jpki_sim *card = copy_of(*state, (struct jpki_sim_options) { 0 });
    uint8_t *answer = malloc(JPKI_SIM_ANSWER_MAX), cert[4096], atr[JPKI_SIM_ATR_MAX];
    size_t len = JPKI_SIM_ANSWER_MAX;
    assert_non_null(answer);
    assert_int_equal(jpki_sim_atr(card, atr), 19);
    assert_memory_equal(atr, "\x3B\xDA\x13", 3);
    assert_int_equal(jpki_sim_transmit(card, select_jpki, sizeof select_jpki, answer, &len), JPKI_SIM_ANSWERED);
    assert_int_equal(len, 2);
    assert_memory_equal(answer, "\x90\x00", 2);
    size_t cert_len = jpki_sim_certificate(card, 0x000A, cert, sizeof cert);
    assert_true(cert_len > 500 && cert_len < sizeof cert);
    len = JPKI_SIM_ANSWER_MAX;
    assert_int_equal(jpki_sim_transmit(card, read_auth, sizeof read_auth, answer, &len), JPKI_SIM_ANSWERED);
    assert_int_equal(len, 3072 + 2);
    assert_memory_equal(answer, cert, cert_len);
    assert_int_equal(answer[cert_len], 0xFF);
    len = 100;
    assert_int_equal(jpki_sim_transmit(card, read_auth, sizeof read_auth, answer, &len), JPKI_SIM_TOO_LONG);
    assert_int_equal(len, 0);
    assert_true(jpki_sim_certificate(card, 0x0001, NULL, 0) > 500); /* no PIN: who holds the simulator is not its client */
    assert_int_equal(jpki_sim_certificate(card, 0x0017, NULL, 0), 0);
    play(card, VERIFY SIGN "< *9000\n");
    jpki_sim_reset(card);
    play(card, SELECT SIGN "< *9000\n");
    jpki_sim_power_off(card);
    len = JPKI_SIM_ANSWER_MAX;
    assert_int_equal(jpki_sim_transmit(card, select_jpki, sizeof select_jpki, answer, &len), JPKI_SIM_NO_POWER);
    assert_int_equal(len, 0);
    jpki_sim_power_on(card);
    play(card, SELECT SIGN "< 6982\n");
    assert_true(jpki_sim_tamper(card));
    jpki_sim_power_on(card);
    play(card, "> 00A4040C0AD392F000260100000001\n< 6F00\n");
    assert_int_equal(jpki_sim_certificate(card, 0x000A, cert, sizeof cert), 0);
    free(answer);
    jpki_sim_free(card);
}

/* A copy is another card: what one of them loses the other has. */
static void test_copies(void **state)
{
    struct jpki_sim *a = copy_of(*state, (struct jpki_sim_options) { .switches = "short-ids=no" });
    struct jpki_sim *b = copy_of(a, (struct jpki_sim_options) { 0 });
    struct jpki_sim *c = copy_of(a, (struct jpki_sim_options) { .switches = "short-ids=yes,blocked-verify=6983" });
    play(c, SELECT "> 002000980430303030\n< 63C2\n> 002000980430303030\n< 63C1\n> 002000980430303030\n< 63C0\n> 002000980430303030\n< 6983\n");
    play(b, SELECT QUERY "< 6A86\n> 00A4020C020018\n< 9000\n> 00200080\n< 63C3\n");
    struct jpki_sim *d = copy_of(c, (struct jpki_sim_options) { 0 });
    play(d, SELECT QUERY "< 63C0\n"); /* and it has what was durable when it was made */
    jpki_sim_free(a);
    jpki_sim_free(b);
    jpki_sim_free(c);
    jpki_sim_free(d);
}

static void test_faults(void **state)
{
    struct jpki_sim *card = copy_of(*state, (struct jpki_sim_options) { .faults = "command=2:lost,command=3:shared,write=2:cut",
                                                                        .time = "contact:9600,reader=2" });
    const uint8_t query[] = { 0x00, 0x20, 0x00, 0x98 }, wrong[] = { 0x00, 0x20, 0x00, 0x98, 0x04, '0', '0', '0', '0' };
    static const struct {
        bool wrong;
        enum jpki_sim_outcome came;
    } rows[] = { { true, JPKI_SIM_LOST }, { true, JPKI_SIM_SHARED }, { false, JPKI_SIM_ANSWERED }, { true, JPKI_SIM_PULLED },
                 { true, JPKI_SIM_NO_POWER } };
    uint8_t answer[258], atr[JPKI_SIM_ATR_MAX];
    size_t len = sizeof answer;
    assert_int_equal(jpki_sim_transmit(card, select_jpki, sizeof select_jpki, answer, &len), JPKI_SIM_ANSWERED);
    assert_int_equal(jpki_sim_time(card), 35229166); /* as test_sim_link.c computes it */
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        len = sizeof answer;
        assert_int_equal(rows[i].wrong ? jpki_sim_transmit(card, wrong, sizeof wrong, answer, &len)
                                       : jpki_sim_transmit(card, query, sizeof query, answer, &len),
                         rows[i].came);
        assert_int_equal(len, rows[i].came == JPKI_SIM_ANSWERED ? 2 : 0);
    }
    assert_int_equal(jpki_sim_atr(card, atr), 0);
    jpki_sim_put_back(card);
    play(card, SELECT QUERY "< 63C2\n"); /* the lost one counted, the torn one did not */
    jpki_sim_free(card);
}

static void test_profiles(void **state)
{
    (void)state;
    static const struct {
        const char *profile, *script;
    } rows[] = {
        { "juki", SELECT "> 00B0860010\n< 4A504B494150494343544F4B454E20209000\n> 0020009B06414243313233\n< 9000\n> 802A009A014180\n< *9000\n"
                         "> 00A4040C0AD3921000310001010401\n< 9000\n> 00B0810000\n< 6982\n> 0020009C0432353830\n< 9000\n"
                         "> 00B081000B\n< 31323334353637383930339000\n"
                         "> 00A4040C06F04A554B4901\n< 9000\n> 00B0810004\n< 6F70656E9000\n"
                         "> 00A4040C0AD3921000310001010402\n< 9000\n> 0020009204 31313131\n< 63C9\n> 002000920E3630303430313230333534353637\n< 9000\n"
                         "> 00B0820002\n< FF209000\n" },
        { "next", SELECT "> 0020009B06414243313233\n< 9000\n> 802A0397036162 6360\n< *9000\n> 00B08C0011\n< FF100C313233343536373839303138FFFF9000\n"
                         "> 00B08D0002\n< FF209000\n> 00A4040C0AD3921000310001010402\n< 9000\n> 0020009206333435363738\n< 9000\n> 00B0820002\n< FF209000\n" },
    };
    for (size_t i = 0; i < 2; i++) {
        char why[JPKI_SIM_WHY] = "";
        const struct jpki_sim_options options = { .profile = rows[i].profile, .contactless = true };
        uint8_t atr[JPKI_SIM_ATR_MAX];
        struct jpki_sim *card = jpki_sim_new(&options, why);
        print_message("  %s\n", rows[i].profile);
        if (!card)
            fail_msg("%s", why);
        assert_int_equal(jpki_sim_atr(card, atr), 13);
        assert_memory_equal(atr, "\x3B\x88\x80\x01", 4);
        play(card, rows[i].script);
        jpki_sim_free(card);
    }
}

static void test_refusals(void **state)
{
    const struct {
        const char *what, *words;
        struct jpki_sim_options options;
    } rows[] = {
        { "no such profile", "no profile 'passport'", { .profile = "passport" } },
        { "no such switch", "no switch 'melt'", { .switches = "melt=yes" } },
        { "no such fault", "command=1:melted", { .faults = "command=1:melted", .blank = true } },
        { "no such time", "contact:1", { .time = "contact:1", .blank = true } },
    };
    char why[JPKI_SIM_WHY];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        print_message("  %s\n", rows[i].what);
        assert_null(jpki_sim_new(&rows[i].options, why));
        assert_non_null(strstr(why, rows[i].words));
        assert_null(jpki_sim_new(&rows[i].options, NULL));
    }
    assert_null(jpki_sim_open("/no/such/card", NULL, why));
    assert_non_null(strstr(why, "/no/such/card"));
    assert_false(jpki_sim_play(*state, "> 00A4\n< 9000\n", why));
    assert_non_null(strstr(why, "2"));
    jpki_sim_free(NULL);
}

/* A card that jpki-sim made, filled, is opened from its file; what is written stays. */
static void test_file(void **state)
{
    (void)state;
    char folder[] = "/tmp/simpublic.XXXXXX", command[256], path[64], why[JPKI_SIM_WHY] = "";
    assert_non_null(mkdtemp(folder));
    (void)snprintf(command, sizeof command, "%s create --card %s/card --issuer-key %s/issuer --serial 7 --specimen >%s/out", program,
                   folder, folder, folder);
    assert_int_equal(system(command), 0);
    (void)snprintf(path, sizeof path, "%s/card", folder);
    for (int turn = 0; turn < 2; turn++) {
        struct jpki_sim *card = jpki_sim_open(path, NULL, why);
        if (!card)
            fail_msg("%s", why);
        assert_null(jpki_sim_open(path, NULL, why)); /* one at a time */
        assert_null(jpki_sim_copy(card, NULL, why));
        play(card, turn ? SELECT QUERY "< 63C2\n" VERIFY SIGN "< *9000\n> 00B0865010\n< 303030303030303030303030303030379000\n"
                        : SELECT "> 002000980430303030\n< 63C2\n");
        jpki_sim_free(card);
    }
    assert_int_equal(scratch_remove(folder), 0);
}

/* A blank card with an issuer's key takes its owner's INITIALIZE UPDATE. */
static void test_blank(void **state)
{
    (void)state;
    static const uint8_t key[16] = "0123456789abcdef";
    const struct jpki_sim_options options = { .blank = true, .issuer_key = key };
    struct jpki_sim *card = jpki_sim_new(&options, NULL);
    assert_non_null(card);
    play(card, SELECT QUERY "< 6985\n> 8050000008010203040506070800\n< *9000\n");
    assert_int_equal(jpki_sim_certificate(card, 0x000A, NULL, 0), 0);
    assert_int_equal(strspn(jpki_sim_version(), "0123456789."), strlen(jpki_sim_version()));
    jpki_sim_free(card);
}

static int setup(void **state)
{
    *state = jpki_sim_new(NULL, NULL);
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    jpki_sim_free(*state);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    program = argv[1];
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_use),      cmocka_unit_test(test_copies),
                                        cmocka_unit_test(test_faults),   cmocka_unit_test(test_profiles),
                                        cmocka_unit_test(test_refusals), cmocka_unit_test(test_file),
                                        cmocka_unit_test(test_blank) };
    return cmocka_run_group_tests_name("sim-public", tests, setup, teardown);
}

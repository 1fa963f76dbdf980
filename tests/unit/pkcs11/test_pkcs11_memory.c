/* test_pkcs11_memory.c — what a core dump of an application with the module in it would hold: after every step all memory that
 * the kernel would write out is searched for the PIN in every encoding, and for each run of eight of its characters. While the
 * user is logged in it stands in pages that are not dumped, and nowhere else; after logout nowhere at all.
 *
 * The card lives in another process, which also draws the PIN: this one only ever has it in a page of its own, that is neither
 * dumped nor searched. Four digits occur in any memory by chance, so it is the signature PIN that is looked for; the module's
 * code is the same for both. */
#include "p11calls.h"
#include "support/testcard.h"

#include <ctype.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/rand.h>

#define SIGN 1UL
#define PIN_LEN 16u
#define RUN 8u

/* In a page of its own. */
struct vault {
    unsigned char pin[PIN_LEN], lower[PIN_LEN], wrong[PIN_LEN];
    unsigned char needle[256];
    unsigned char other[256];
};

static struct vault *vault;
static CK_FUNCTION_LIST_3_0 *p11;
static pid_t card_process;
static int card_pipe[2], end_pipe[2];

/* --- the card's process -------------------------------------------------------------------------------------------------- */

static void serve_card(void)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    unsigned char random[2 * PIN_LEN], pins[2 * PIN_LEN];
    char command[128] = "0024019B10";
    close(end_pipe[1]); /* before anything is forked that would hold it open */
    struct testcard *card = testcard_new();
    (void)prctl(PR_SET_PDEATHSIG, 15);
    assert_int_equal(RAND_bytes(random, sizeof random), 1);
    for (size_t i = 0; i < sizeof random; i++)
        pins[i] = (unsigned char)letters[random[i] % 36];
    pins[0] = pins[PIN_LEN] = 'Q';
    pins[1] = pins[PIN_LEN + 1] = '7';
    for (size_t i = 0; i < PIN_LEN; i++)
        snprintf(command + 10 + 2 * i, 3, "%02X", pins[i]);
    assert_int_equal(testcard_send(card, "00A4040C0AD392F000260100000001"), 0x9000);
    assert_int_equal(testcard_send(card, "0020009B06414243313233"), 0x9000);
    assert_int_equal(testcard_send(card, command), 0x9000);
    struct testcard_server *server = testcard_serve(card);
    char reader[108] = { 0 };
    snprintf(reader, sizeof reader, "%s", testcard_server_reader(server));
    assert_int_equal(write(card_pipe[1], pins, sizeof pins), (ssize_t)sizeof pins);
    assert_int_equal(write(card_pipe[1], reader, sizeof reader), (ssize_t)sizeof reader);
    (void)!read(end_pipe[0], command, 1); /* until the test ends */
    testcard_server_stop(server);
    testcard_free(card);
    _exit(0);
}

static int start(void **state)
{
    (void)state;
    char reader[108];
    vault = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(vault != MAP_FAILED);
    assert_int_equal(madvise(vault, 4096, MADV_DONTDUMP), 0);
    assert_int_equal(pipe2(card_pipe, O_CLOEXEC), 0);
    assert_int_equal(pipe2(end_pipe, O_CLOEXEC), 0);
    card_process = fork();
    if (card_process == 0)
        serve_card();
    close(card_pipe[1]);
    close(end_pipe[0]);
    assert_int_equal(read(card_pipe[0], vault->pin, PIN_LEN), PIN_LEN);
    assert_int_equal(read(card_pipe[0], vault->wrong, PIN_LEN), PIN_LEN);
    assert_int_equal(read(card_pipe[0], reader, sizeof reader), (ssize_t)sizeof reader);
    for (size_t i = 0; i < PIN_LEN; i++)
        vault->lower[i] = (unsigned char)tolower(vault->pin[i]);
    return setenv("JPKI_READER", reader, 1);
}

static int stop(void **state)
{
    (void)state;
    close(end_pipe[1]);
    waitpid(card_process, NULL, 0);
    return 0;
}

/* --- the search ---------------------------------------------------------------------------------------------------------- */

static unsigned count_in(const unsigned char *from, size_t len, size_t needle_len)
{
    unsigned found = 0;
    const unsigned char *at = from, *to = from + len;
    while ((at = memmem(at, (size_t)(to - at), vault->needle, needle_len))) {
        found++;
        at++;
    }
    return found;
}

/* Each mapping that can be read and written; with `dumped`, only what a core dump has (no "dd" in VmFlags). */
static unsigned search(size_t needle_len, bool dumped)
{
    FILE *maps = fopen("/proc/self/smaps", "r");
    char line[512];
    unsigned long from = 0, to = 0;
    bool readable = false;
    unsigned found = 0;
    assert_non_null(maps);
    while (fgets(line, sizeof line, maps)) {
        char perms[8];
        unsigned long low, high;
        if (sscanf(line, "%lx-%lx %7s", &low, &high, perms) == 3 && strchr(perms, 'p')) {
            from = low;
            to = high;
            readable = perms[0] == 'r' && perms[1] == 'w' && low != (unsigned long)(uintptr_t)vault;
        }
        if (strncmp(line, "VmFlags:", 8) == 0 && readable && !(dumped && strstr(line, " dd")))
            found += count_in((const unsigned char *)(uintptr_t)from, to - from, needle_len);
    }
    fclose(maps);
    return found;
}

/* The needle from a run of a PIN's characters; 0: there is no such encoding. */
static size_t encode(unsigned how, const unsigned char *run)
{
    unsigned char *out = vault->needle;
    memset(out, 0, sizeof vault->needle);
    switch (how) {
    case 0: /* as it is */
        memcpy(out, run, RUN);
        return RUN;
    case 1: /* UTF-16, little end first: its big-end form holds the same bytes, shifted by one */
        for (size_t i = 0; i < RUN; i++)
            out[2 * i] = run[i];
        return 2 * RUN - 1;
    case 2: /* UTF-32 */
        for (size_t i = 0; i < RUN; i++)
            out[4 * i] = run[i];
        return 4 * RUN - 3;
    case 3: /* backwards */
        for (size_t i = 0; i < RUN; i++)
            out[i] = run[RUN - 1 - i];
        return RUN;
    case 4: /* hexadecimal, both cases */
    case 5:
        for (size_t i = 0; i < RUN; i++)
            snprintf((char *)out + 2 * i, 3, how == 4 ? "%02x" : "%02X", run[i]);
        return 2 * RUN;
    case 6: /* base64 of six characters: with each start of the run, every alignment comes */
        (void)EVP_EncodeBlock(out, run, 6);
        return 8;
    default:
        return 0;
    }
}

static unsigned find_pin(const unsigned char *pin, bool dumped)
{
    unsigned found = 0;
    for (unsigned start_at = 0; start_at + RUN <= PIN_LEN; start_at++) {
        size_t len;
        for (unsigned how = 0; (len = encode(how, pin + start_at)); how++)
            found += search(len, dumped);
    }
    memset(vault->needle, 0, sizeof vault->needle);
    return found;
}

/* Everything that a dump would show now. */
static void nothing_is_dumped(const char *step)
{
    unsigned found = find_pin(vault->pin, true) + find_pin(vault->lower, true) + find_pin(vault->wrong, true);
    if (found)
        fail_msg("%s: %u pieces of a PIN in memory that is dumped", step, found);
}

static void nothing_is_left(const char *step)
{
    nothing_is_dumped(step);
    unsigned found = find_pin(vault->pin, false) + find_pin(vault->lower, false) + find_pin(vault->wrong, false);
    if (found)
        fail_msg("%s: %u pieces of a PIN in memory", step, found);
}

/* --- tests --------------------------------------------------------------------------------------------------------------- */

static void the_search_finds(void **state)
{
    (void)state;
    nothing_is_left("before anything");
    unsigned char *copy = malloc(64);
    memset(copy, 0, 64);
    for (size_t i = 0; i < PIN_LEN; i++)
        copy[2 * i] = vault->lower[i];
    assert_true(find_pin(vault->lower, true) > 0);
    explicit_bzero(copy, 64);
    memcpy(copy + 3, vault->pin + 4, RUN);
    assert_true(find_pin(vault->pin, true) > 0);
    explicit_bzero(copy, 64);
    free(copy);
    nothing_is_left("the search itself");
}

static void no_step_leaves_the_pin(void **state)
{
    (void)state;
    unsigned char signature[256];
    CK_SLOT_ID slots[4];
    CK_ULONG count = 4;
    CK_SESSION_INFO info;
    assert_int_equal(p11->C_Initialize(NULL), CKR_OK);
    assert_int_equal(p11->C_GetSlotList(CK_TRUE, slots, &count), CKR_OK);
    CK_SESSION_HANDLE session = p11calls_open(p11, SIGN, CKF_RW_SESSION);
    nothing_is_left("C_OpenSession");
    assert_int_equal(p11->C_Login(session, CKU_USER, vault->wrong, PIN_LEN), CKR_PIN_INCORRECT);
    nothing_is_left("C_Login with a wrong PIN");
    assert_int_equal(p11->C_Login(session, CKU_USER, vault->wrong, PIN_LEN), CKR_PIN_INCORRECT);
    nothing_is_left("C_Login with it again");
    assert_int_equal(p11->C_Login(session, CKU_USER, vault->lower, PIN_LEN), CKR_OK);
    nothing_is_dumped("C_Login");
    assert_true(find_pin(vault->pin, false) > 0); /* it waits in memory that is not dumped */
    CK_OBJECT_HANDLE key = p11calls_find_one(p11, session, CKO_PRIVATE_KEY, 2);
    assert_true(p11calls_find_one(p11, session, CKO_CERTIFICATE, 2) != 0);
    nothing_is_dumped("C_FindObjects");
    for (int turn = 0; turn < 2; turn++)
        for (int pss = 0; pss < 2; pss++) {
            assert_int_equal(p11calls_sign(p11, session, key, pss, "text", 4, signature), CKR_OK);
            nothing_is_dumped(pss ? "C_Sign, PSS" : "C_Sign");
        }
    assert_int_equal(p11->C_SetPIN(session, vault->pin, PIN_LEN, vault->wrong, PIN_LEN), CKR_OK);
    nothing_is_dumped("C_SetPIN");
    assert_int_equal(p11->C_SetPIN(session, vault->wrong, PIN_LEN, vault->pin, PIN_LEN), CKR_OK);
    nothing_is_dumped("C_SetPIN back");
    assert_int_equal(p11->C_Logout(session), CKR_OK);
    nothing_is_left("C_Logout");
    assert_int_equal(p11->C_Login(session, CKU_USER, vault->pin, PIN_LEN), CKR_OK);
    assert_int_equal(p11->C_CloseSession(session), CKR_OK);
    nothing_is_left("C_CloseSession");
    session = p11calls_open(p11, SIGN, 0);
    assert_int_equal(p11->C_Login(session, CKU_USER, vault->pin, PIN_LEN), CKR_OK);
    assert_int_equal(p11->C_GetSessionInfo(session, &info), CKR_OK);
    assert_int_equal(info.state, CKS_RO_USER_FUNCTIONS);
    nothing_is_dumped("logged in again");
    assert_int_equal(p11->C_Finalize(NULL), CKR_OK);
    nothing_is_left("C_Finalize");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_search_finds),
        cmocka_unit_test(no_step_leaves_the_pin),
    };
    if (argc != 2 || !(p11 = p11calls_load(argv[1]))) {
        fprintf(stderr, "usage: test_pkcs11_memory MODULE\n");
        return 2;
    }
    return cmocka_run_group_tests(tests, start, stop);
}

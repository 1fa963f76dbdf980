/* test_jpki_card.c — jpki card as it is typed: the program itself, run against a software card behind a socket. What it
 * says, what it spends of the card's tries, and its exit status; PINs from a descriptor and from a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "pki/cert.h"
#include "support/testcard.h"

#include <openssl/pem.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGS_MAX 16
#define PATIENCE_MS 20000

static struct testcard *card;
static struct testcard_server *server;

struct run {
    struct buf out, err;
    int status;
};

static void run_wipe(struct run *run)
{
    buf_wipe(&run->out);
    buf_wipe(&run->err);
}

static void run_exec(const char *words)
{
    static char copy[500];
    char *argv[ARGS_MAX] = { "jpki", "card" };
    int argc = 2;
    snprintf(copy, sizeof copy, "%s", words);
    for (char *word = strtok(copy, " "); word && argc < ARGS_MAX - 1; word = strtok(NULL, " "))
        argv[argc++] = word;
    setenv("JPKI_READER", testcard_server_reader(server), 1);
    execv(getenv("JPKI_EXE"), argv);
    _exit(127);
}

static void run_collect(int fd, struct buf *out)
{
    uint8_t block[4096];
    ssize_t n;
    while ((n = read(fd, block, sizeof block)) > 0)
        assert_int_equal(buf_append(out, block, (size_t)n), RC_OK);
    close(fd);
}

/* Runs `jpki card WORDS` with pins on descriptor 3. */
static struct run run_jpki(const char *words, const char *pins)
{
    struct run run = { 0 };
    int out[2], err[2], pin[2];
    assert_int_equal(pipe(out) | pipe(err) | pipe(pin), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(out[1], 1);
        dup2(err[1], 2);
        dup2(pin[0], 3);
        for (int fd = 4; fd < 30; fd++)
            close(fd);
        setsid(); /* no terminal */
        run_exec(words);
    }
    close(out[1]);
    close(err[1]);
    close(pin[0]);
    assert_int_equal(write(pin[1], pins, strlen(pins)), (ssize_t)strlen(pins));
    close(pin[1]);
    run_collect(out[0], &run.out);
    run_collect(err[0], &run.err);
    assert_int_equal(waitpid(pid, &run.status, 0), pid);
    run.status = WIFEXITED(run.status) ? WEXITSTATUS(run.status) : -1;
    return run;
}

static void want(struct run *run, struct buf *in, const char *text)
{
    const char *string = buf_string(in);
    if (!strstr(string, text))
        print_error("exit %d, no '%s' in: %s\n", run->status, text, string);
    assert_non_null(strstr(string, text));
}

/* Runs it and looks for a text on each side ("" for any). */
static void check(const char *words, const char *pins, int status, const char *out, const char *err)
{
    struct run run = run_jpki(words, pins);
    if (run.status != status)
        print_error("%s: exit %d: %s\n", words, run.status, buf_string(&run.err));
    assert_int_equal(run.status, status);
    want(&run, &run.out, out);
    want(&run, &run.err, err);
    run_wipe(&run);
}

static int start(void **state)
{
    (void)state;
    card = testcard_new();
    server = testcard_serve(card);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    testcard_server_stop(server);
    testcard_free(card);
    return 0;
}

/* Each test begins with the card as it was made. */
static int anew(void **state)
{
    (void)state;
    testcard_server_stop(server);
    server = testcard_serve(card);
    return 0;
}

static void status(void **state)
{
    (void)state;
    struct buf serial = { 0 };
    assert_int_equal(cert_serial(testcard_cert(card, APPLET_EF_AUTH_CERT), &serial), RC_OK);
    check("status", "", 0, "serial number                " TESTCARD_SERIAL, "");
    check("status", "", 0, "My Number card (JPKIAPICCTOKEN2)", "");
    check("status", "", 0, "authentication PIN           3 of 3 tries left", "");
    check("status", "", 0, "signature PIN                5 of 5 tries left", "");
    check("status", "", 0, buf_string(&serial), "");
    check("status", "", 0, "JPKI for user authentication", "");
    check("status", "", 0, "signature certificate        present; reading it needs the signature PIN", "");
    check("status --json", "", 0, "\"tries_left\": 5", "");
    check("status --json", "", 0, buf_string(&serial), "");
    check("status more", "", 2, "", "one word too many");
    check("status --reader sim:/nowhere/at/all", "", 1, "", "no card");
    check("status --reader elsewhere", "", 2, "", "neither pcsc:NAME nor sim:PATH");
    check("readers", "", 0, "\tcard\n", "");
    buf_wipe(&serial);
}

/* The certificate that came out is the one that is in the card. */
static void same_cert(const char *words, const char *pins, enum applet_ef ef, bool pem)
{
    struct run run = run_jpki(words, pins);
    X509 *cert = NULL;
    if (run.status)
        print_error("%s: exit %d: %s\n", words, run.status, buf_string(&run.err));
    assert_int_equal(run.status, 0);
    if (pem) {
        BIO *bio = BIO_new_mem_buf(run.out.data, (int)run.out.len);
        cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        BIO_free(bio);
    } else {
        assert_int_equal(cert_parse(buf_bytes(&run.out), &cert), RC_OK);
    }
    assert_non_null(cert);
    assert_int_equal(X509_cmp(cert, testcard_cert(card, ef)), 0);
    X509_free(cert);
    run_wipe(&run);
}

static void certificates(void **state)
{
    (void)state;
    same_cert("certificate --which auth", "", APPLET_EF_AUTH_CERT, false);
    same_cert("certificate --which auth --pem", "", APPLET_EF_AUTH_CERT, true);
    same_cert("certificate --which auth-ca", "", APPLET_EF_AUTH_CA_CERT, false);
    same_cert("certificate --which sign-ca --pem", "", APPLET_EF_SIGN_CA_CERT, true);
    same_cert("certificate --which sign --pin-fd 3", "abc123\n", APPLET_EF_SIGN_CERT, false);
    check("certificate --which sign", "", 1, "", "there is no terminal"); /* and the PIN of the run before is forgotten */
    check("certificate --which sign --pin-fd 3", "", 1, "", "has ended");
    check("certificate --which sign --pin-fd 3", "ABC12\n", 1, "", "nothing was sent to the card");
    check("status", "", 0, "signature PIN                5 of 5 tries left", "");
    check("certificate --which sign --pin-fd 3", "WRONG1\n", 1, "", "the sign PIN is wrong: 4 tries left");
    check("certificate --which other", "", 2, "", "--which is auth, sign, auth-ca or sign-ca");
    check("certificate", "", 2, "", "--which");
}

static void change_pin(void **state)
{
    (void)state;
    check("change-pin --which auth --pin-fd 3", "1234\n9876\n", 0, "the auth PIN is changed", "auth PIN: 3 of 3 tries left");
    check("change-pin --which auth --pin-fd 3", "1234\n9876\n", 1, "", "the auth PIN is wrong: 2 tries left");
    check("change-pin --which auth --pin-fd 3", "9876\n12345\n", 1, "", "must be 4 digits; nothing was changed");
    check("change-pin --which auth --pin-fd 3", "9876\n", 1, "", "has ended");
    check("status", "", 0, "authentication PIN           2 of 3 tries left", "");
    check("change-pin --which auth --pin-fd 3", "0000\n1111\n", 1, "", "1 try left");
    check("change-pin --which auth --pin-fd 3", "9876\n1111\n", 1, "", "give --last-try");
    check("status", "", 0, "authentication PIN           1 of 3 tries left", "");
    check("change-pin --which auth --pin-fd 3 --last-try", "9876\n1111\n", 0, "changed", "1 of 3 tries left");
    check("status", "", 0, "authentication PIN           3 of 3 tries left", "");
    check("change-pin --which sign --pin-fd 3", "abc123\nxyz789\n", 0, "the sign PIN is changed", "");
    check("certificate --which sign --pem --pin-fd 3", "XYZ789\n", 0, "BEGIN CERTIFICATE", "");
    check("change-pin --which sign --pin-fd 3", "XYZ789\nABCDEF\n", 1, "", "nothing was changed");
    check("change-pin --which both", "", 2, "", "--which is auth or sign");
}

static void blocked(void **state)
{
    (void)state;
    check("change-pin --which auth --pin-fd 3", "0000\n1111\n", 1, "", "2 tries left");
    check("change-pin --which auth --pin-fd 3", "0000\n1111\n", 1, "", "1 try left");
    check("change-pin --which auth --pin-fd 3 --last-try", "0000\n1111\n", 1, "", "the auth PIN is blocked");
    check("status", "", 0, "authentication PIN           BLOCKED", "");
    check("status --json", "", 0, "\"blocked\": true", "");
    check("change-pin --which auth --pin-fd 3", "1234\n1111\n", 1, "", "the municipality's counter");
}

/* A person at a terminal: waits for each prompt, then types. Returns everything that was on the screen. */
static int type(const char *words, const char *const *lines, struct buf *screen)
{
    int fd, result;
    pid_t pid = forkpty(&fd, NULL, NULL, NULL);
    assert_true(pid >= 0);
    if (pid == 0)
        run_exec(words);
    for (;;) {
        struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
        uint8_t block[512];
        assert_true(poll(&poll_fd, 1, PATIENCE_MS) > 0);
        ssize_t n = read(fd, block, sizeof block);
        if (n <= 0)
            break;
        assert_int_equal(buf_append(screen, block, (size_t)n), RC_OK);
        const char *text = buf_string(screen);
        if (*lines && screen->len > 6 && strcmp(text + screen->len - 2, ": ") == 0) {
            assert_true(write(fd, *lines, strlen(*lines)) > 0);
            lines++;
        }
    }
    assert_int_equal(waitpid(pid, &result, 0), pid);
    close(fd);
    return WIFEXITED(result) ? WEXITSTATUS(result) : -1;
}

static void terminal(void **state)
{
    (void)state;
    static const struct {
        const char *flaw, *words, *lines[4];
        int status;
        const char *screen;
    } rows[] = {
        { "changed", "change-pin --which auth", { "1234\n", "2468\n", "2468\n" }, 0, "the auth PIN is changed" },
        { "not the same twice", "change-pin --which auth", { "2468\n", "1357\n", "1358\n" }, 1, "not the same" },
        { "tries are told before the question", "change-pin --which auth", { "2468\n", "1357\n", "1357\n" }, 0,
          "3 of 3 tries left\r\nauth PIN of the card in" },
        { "a certificate", "certificate --which sign --pem", { "abc123\n" }, 0, "BEGIN CERTIFICATE" },
        { "DER is not for a terminal", "certificate --which auth", { NULL }, 2, "give --pem or --out" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf screen = { 0 };
        int result = type(rows[i].words, rows[i].lines, &screen);
        const char *text = buf_string(&screen);
        if (result != rows[i].status || !strstr(text, rows[i].screen))
            print_error("%s: exit %d: %s\n", rows[i].flaw, result, text);
        assert_int_equal(result, rows[i].status);
        assert_non_null(strstr(text, rows[i].screen));
        for (size_t n = 0; rows[i].lines[n]; n++)
            assert_null(strstr(text, rows[i].lines[n])); /* nothing typed is shown */
        buf_wipe(&screen);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(status),
        cmocka_unit_test_setup(certificates, anew),
        cmocka_unit_test_setup(change_pin, anew),
        cmocka_unit_test_setup(blocked, anew),
        cmocka_unit_test_setup(terminal, anew),
    };
    return cmocka_run_group_tests(tests, start, stop);
}

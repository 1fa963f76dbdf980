/* test_sim_program.c — jpki-sim as a process: create, show, run on a socket and in a reader that speaks vpcd's protocol,
 * killed and started again. What the trace and `show` must not tell is looked for. */
#include "../../support/scratch.h"
#include "base/file.h"
#include "support/testcard.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static const char *program;

#define SELECT_JPKI "\x00\xA4\x04\x0C\x0A\xD3\x92\xF0\x00\x26\x01\x00\x00\x00\x01"
#define VERIFY_RIGHT "\x00\x20\x00\x98\x04" "1234"
#define VERIFY_WRONG "\x00\x20\x00\x98\x04" "0000"
#define QUERY "\x00\x20\x00\x98"
#define SIGN "\x80\x2A\x00\x97\x01\x41\x00"

struct place {
    char folder[32], card[64], socket[64], pid[64], trace[64], out[64];
};

static void place_make(struct place *place)
{
    memcpy(place->folder, "/tmp/simprogram.XXXXXX", 23);
    assert_non_null(mkdtemp(place->folder));
    (void)snprintf(place->card, sizeof place->card, "%s/card", place->folder);
    (void)snprintf(place->socket, sizeof place->socket, "%s/socket", place->folder);
    (void)snprintf(place->pid, sizeof place->pid, "%s/pid", place->folder);
    (void)snprintf(place->trace, sizeof place->trace, "%s/trace", place->folder);
    (void)snprintf(place->out, sizeof place->out, "%s/out", place->folder);
}

static void place_remove(struct place *place)
{
    assert_int_equal(scratch_remove(place->folder), 0);
}

static pid_t start(const struct place *place, const char *const *arguments)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        const char *argv[16] = { program };
        for (int i = 0; arguments[i]; i++)
            argv[i + 1] = arguments[i];
        int out = open(place->out, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        dup2(out, 1);
        dup2(out, 2);
        execv(program, (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    return pid;
}

static int run(const struct place *place, const char *const *arguments)
{
    int status;
    pid_t pid = start(place, arguments);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void wait_for(const char *path)
{
    for (int i = 0; i < 500; i++) {
        if (access(path, F_OK) == 0)
            return;
        usleep(10000);
    }
    fail_msg("%s does not come", path);
}

static bool file_contains(const char *path, const void *what, size_t len)
{
    struct buf text = { 0 };
    assert_int_equal(file_read(path, &text, NULL), RC_OK);
    bool found = memmem(text.data, text.len, what, len) != NULL;
    buf_wipe(&text);
    return found;
}

/* --- framing ------------------------------------------------------------------------------------------------------- */

static void send_message(int fd, const void *bytes, size_t len)
{
    uint8_t header[2] = { (uint8_t)(len >> 8), (uint8_t)len };
    assert_int_equal(write(fd, header, 2), 2); /* in two parts, as vpcd does */
    assert_int_equal(write(fd, bytes, len), (ssize_t)len);
}

static void read_exactly(int fd, uint8_t *at, size_t len)
{
    while (len) {
        struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
        assert_int_equal(poll(&poll_fd, 1, 10000), 1);
        ssize_t n = read(fd, at, len);
        assert_true(n > 0);
        at += n;
        len -= (size_t)n;
    }
}

static size_t read_message(int fd, uint8_t *message)
{
    uint8_t header[2];
    read_exactly(fd, header, 2);
    size_t len = (size_t)header[0] << 8 | header[1];
    assert_true(len <= 512);
    read_exactly(fd, message, len);
    return len;
}

static unsigned exchange(int fd, const void *command, size_t len)
{
    uint8_t answer[512];
    send_message(fd, command, len);
    len = read_message(fd, answer);
    assert_true(len >= 2);
    return (unsigned)answer[len - 2] << 8 | answer[len - 1];
}
#define EXCHANGE(fd, command) exchange(fd, command, sizeof(command) - 1)

static void check_atr(int fd)
{
    uint8_t atr[512];
    send_message(fd, "\x01", 1);
    send_message(fd, "\x04", 1);
    assert_int_equal(read_message(fd, atr), 19);
    assert_memory_equal(atr, "\x3B\xDA\x13\xFF\x81\x31\xFB\x46\x80\x12\x39\x2F\x31\xC1\x73\xC6\x01\xC0\x3B", 19);
}

static int connect_to(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* --- tests --------------------------------------------------------------------------------------------------------- */

static void test_create_show(void **state)
{
    (void)state;
    struct place place;
    char issuer[80], key[80];
    struct stat st;
    place_make(&place);
    (void)snprintf(issuer, sizeof issuer, "%s/issuer", place.folder);
    (void)snprintf(key, sizeof key, "%s.key", place.card);
    const char *const create[] = { "create", "--card", place.card, "--issuer-key", issuer, "--serial", "42",
                                   "--switch", "short-ids=no,tries-a=3", NULL };
    assert_int_equal(run(&place, create), 0);
    assert_true(file_contains(place.out, "0000000000000042\n", 17));
    assert_int_equal(stat(key, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(stat(issuer, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(st.st_size, 33);
    assert_int_equal(run(&place, create), 1); /* never over a card */
    assert_true(file_contains(place.out, "there is a card already", 23));
    const char *const show[] = { "show", "--card", place.card, NULL };
    assert_int_equal(run(&place, show), 0);
    assert_true(file_contains(place.out, "serial number: 0000000000000042", 31));
    assert_true(file_contains(place.out, "life: blank", 11));
    assert_true(file_contains(place.out, "switch short-ids=no\n", 20));
    assert_true(file_contains(place.out, "switch tries-a=3\n", 17));
    assert_true(file_contains(place.out, "switch lengths=extended\n", 24));
    static const char script[] = "> 00A4040C0AD392F000260100000001\n< 9000\n> 00A4020C020006\n< 9000\n> 00B0005010\n< 30303030303030303030303030303432 9000\n";
    assert_int_equal(file_write_atomic(place.trace, bytes_of(script, strlen(script)), 0600, NULL), RC_OK);
    const char *const talk[] = { "script", "--card", place.card, place.trace, NULL };
    assert_int_equal(run(&place, talk), 0);
    const char *const doubt[] = { "tamper", "--card", place.card, NULL };
    assert_int_equal(run(&place, doubt), 2); /* not without a word */
    assert_int_equal(run(&place, talk), 0);
    const char *const tamper[] = { "tamper", "--card", place.card, "--yes", NULL };
    assert_int_equal(run(&place, tamper), 0);
    assert_int_equal(run(&place, show), 0);
    assert_true(file_contains(place.out, "life: dead: tampered with", 25));
    assert_int_equal(run(&place, talk), 1);
    chmod(key, 0644);
    assert_int_equal(run(&place, show), 1); /* a key that others may read is no key */
    chmod(key, 0600);
    assert_int_equal(truncate(place.card, 100), 0);
    assert_int_equal(run(&place, show), 1);
    const char *const wrong[] = { "run", "--card", place.card, NULL };
    assert_int_equal(run(&place, wrong), 2);
    const char *const serial[] = { "create", "--card", "x", "--issuer-key", issuer, "--serial", "4x", NULL };
    assert_int_equal(run(&place, serial), 2);
    char other[80];
    (void)snprintf(other, sizeof other, "%s/juki", place.folder);
    const char *const juki[] = { "create", "--card", other, "--issuer-key", issuer, "--profile", "juki", NULL };
    assert_int_equal(run(&place, juki), 0);
    const char *const show_juki[] = { "show", "--card", other, NULL };
    assert_int_equal(run(&place, show_juki), 0);
    assert_true(file_contains(place.out, "profile: juki", 13));
    const char *const passport[] = { "create", "--card", "x", "--issuer-key", issuer, "--profile", "passport", NULL };
    assert_int_equal(run(&place, passport), 2);
    const char *const unknown[] = { "create", "--card", "x", "--issuer-key", issuer, "--switch", "short-ids=maybe", NULL };
    assert_int_equal(run(&place, unknown), 2);
    assert_true(file_contains(place.out, "yes, no, 6A82", 13));
    place_remove(&place);
}

/* The key of the seal where the operator keeps it: nothing lies beside the card, and without it the card does not open. */
static void test_seal_key(void **state)
{
    (void)state;
    struct place place;
    char issuer[80], key[80], beside[80], other[80];
    static const char hex[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n";
    place_make(&place);
    (void)snprintf(issuer, sizeof issuer, "%s/issuer", place.folder);
    (void)snprintf(key, sizeof key, "%s/kept", place.folder);
    (void)snprintf(other, sizeof other, "%s/other", place.folder);
    (void)snprintf(beside, sizeof beside, "%s.key", place.card);
    const char *const create[] = { "create", "--card", place.card, "--issuer-key", issuer, "--seal-key", key, NULL };
    assert_int_equal(run(&place, create), 1); /* it is the operator's: not made here */
    assert_true(file_contains(place.out, key, strlen(key)));
    assert_int_equal(access(place.card, F_OK), -1);
    assert_int_equal(file_write_atomic(key, bytes_of(hex, 65), 0600, NULL), RC_OK);
    assert_int_equal(file_write_atomic(other, bytes_of("f", 1), 0600, NULL), RC_OK);
    assert_int_equal(run(&place, create), 0);
    assert_int_equal(access(beside, F_OK), -1);
    const char *const show[] = { "show", "--card", place.card, "--seal-key", key, NULL };
    assert_int_equal(run(&place, show), 0);
    const char *const without[] = { "show", "--card", place.card, NULL };
    assert_int_equal(run(&place, without), 1);
    assert_true(file_contains(place.out, beside, strlen(beside)));
    const char *const wrong[] = { "show", "--card", place.card, "--seal-key", other, NULL };
    assert_int_equal(run(&place, wrong), 1);
    assert_true(file_contains(place.out, "64 hex digits", 13));
    assert_int_equal(file_write_atomic(other, bytes_of("1011223344556677889900112233445566778899001122334455667788990011", 64), 0600,
                                       NULL), RC_OK);
    assert_int_equal(run(&place, wrong), 1);
    assert_true(file_contains(place.out, "another key", 11));
    const char *const serve[] = { "run", "--card", place.card, "--seal-key", key, "--socket", place.socket, "--pid-file", place.pid,
                                  NULL };
    pid_t pid = start(&place, serve);
    wait_for(place.pid);
    int fd = connect_to(place.socket), status;
    check_atr(fd);
    assert_int_equal(EXCHANGE(fd, SELECT_JPKI), 0x9000);
    close(fd);
    kill(pid, SIGTERM);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    place_remove(&place);
}

static void test_socket(void **state)
{
    struct place place;
    place_make(&place);
    testcard_write(*state, place.card);
    const char *const serve[] = { "run", "--card", place.card, "--socket", place.socket, "--pid-file", place.pid,
                                  "--trace", place.trace, NULL };
    pid_t pid = start(&place, serve);
    wait_for(place.pid);
    int a = connect_to(place.socket), b = connect_to(place.socket);
    check_atr(a);
    check_atr(b);
    assert_int_equal(EXCHANGE(a, SELECT_JPKI), 0x9000);
    assert_int_equal(EXCHANGE(a, VERIFY_WRONG), 0x63C2);
    assert_int_equal(EXCHANGE(b, QUERY), 0x63C2); /* one card: the other client waits a moment and sees the same */
    assert_int_equal(EXCHANGE(a, VERIFY_RIGHT), 0x9000);
    close(a);
    assert_int_equal(EXCHANGE(b, SIGN), 0x9000); /* as a real card: what was presented stays, whoever goes */
    assert_int_equal(EXCHANGE(b, VERIFY_WRONG), 0x63C2);
    /* A second process cannot have the same card. */
    const char *const second[] = { "show", "--card", place.card, NULL };
    assert_int_equal(run(&place, second), 1);
    /* Killed and started again on the same files: the try is still gone, the PIN is no longer presented. */
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(b);
    unlink(place.pid);
    pid = start(&place, serve);
    wait_for(place.pid);
    a = connect_to(place.socket);
    check_atr(a);
    assert_int_equal(EXCHANGE(a, SELECT_JPKI), 0x9000);
    assert_int_equal(EXCHANGE(a, QUERY), 0x63C2);
    assert_int_equal(EXCHANGE(a, SIGN), 0x6982);
    assert_int_equal(EXCHANGE(a, VERIFY_RIGHT), 0x9000);
    send_message(a, "\x02", 1); /* warm reset keeps it, power off drops it */
    assert_int_equal(EXCHANGE(a, SELECT_JPKI), 0x9000);
    assert_int_equal(EXCHANGE(a, SIGN), 0x9000);
    send_message(a, "\x00", 1);
    assert_int_equal(EXCHANGE(a, SELECT_JPKI), 0x6F00); /* no power, no card */
    send_message(a, "\x01", 1);
    assert_int_equal(EXCHANGE(a, SELECT_JPKI), 0x9000);
    assert_int_equal(EXCHANGE(a, SIGN), 0x6982);
    int status;
    kill(pid, SIGTERM);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_int_equal(access(place.socket, F_OK), -1);
    /* The trace names the commands and shows no PIN, neither as text nor as hex. */
    assert_true(file_contains(place.trace, "00 20 00 98 VERIFY [4] < 63C2", 29));
    assert_false(file_contains(place.trace, "1234", 4));
    assert_false(file_contains(place.trace, "31323334", 8));
    close(a);
    place_remove(&place);
}

/* As vpcd: the card calls, the reader asks. When the reader goes and comes again the card is there again, without power in
 * between. */
static void test_vpcd(void **state)
{
    struct place place;
    char address_text[32];
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof address;
    place_make(&place);
    testcard_write(*state, place.card);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(listener, 4), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
    (void)snprintf(address_text, sizeof address_text, "127.0.0.1:%u", ntohs(address.sin_port));
    const char *const serve[] = { "run", "--card", place.card, "--vpcd", address_text, NULL };
    pid_t pid = start(&place, serve);
    for (int turn = 0; turn < 2; turn++) {
        int fd = accept(listener, NULL, NULL);
        assert_true(fd >= 0);
        check_atr(fd);
        assert_int_equal(EXCHANGE(fd, SELECT_JPKI), 0x9000);
        assert_int_equal(EXCHANGE(fd, SIGN), 0x6982); /* also the second time */
        assert_int_equal(EXCHANGE(fd, VERIFY_RIGHT), 0x9000);
        assert_int_equal(EXCHANGE(fd, SIGN), 0x9000);
        close(fd);
    }
    int status;
    kill(pid, SIGTERM);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    close(listener);
    place_remove(&place);
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

int main(int argc, char **argv)
{
    if (argc < 2)
        return 2;
    program = argv[1];
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_create_show), cmocka_unit_test(test_seal_key), cmocka_unit_test(test_socket),
                                        cmocka_unit_test(test_vpcd) };
    return cmocka_run_group_tests_name("sim-program", tests, setup, teardown);
}

/* test_sim_readers.c — jpki-sim run with several cards and readers as a process: cards are put in and taken out while it
 * runs, pulled by a fault plan and come back; vpcd goes and comes; each card has one owner; answers take their time. */
#include "../../support/scratch.h"
#include "applet-sim/sim_control.h"
#include "base/file.h"
#include "base/opt.h"
#include "base/proc.h"
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
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static const char *program;

#define SELECT_JPKI "\x00\xA4\x04\x0C\x0A\xD3\x92\xF0\x00\x26\x01\x00\x00\x00\x01"
#define VERIFY_WRONG "\x00\x20\x00\x98\x04" "0000"
#define VERIFY_RIGHT "\x00\x20\x00\x98\x04" "1234"
#define QUERY "\x00\x20\x00\x98"
#define CHALLENGE "\x00\x84\x00\x00\x08"
#define SIGN "\x80\x2A\x00\x97\x01\x41\x00"
#define GONE 0u /* no answer: the connection was closed */

struct place {
    char folder[32], a[64], b[64], socket_a[64], socket_b[64], control[64], pid[64], out[64], trace[64];
    pid_t process;
};

static void place_make(struct place *place, const struct testcard *card)
{
    memcpy(place->folder, "/tmp/simreaders.XXXXXX", 23);
    assert_non_null(mkdtemp(place->folder));
    const struct {
        char *to;
        const char *name;
    } rows[] = { { place->a, "a" }, { place->b, "b" }, { place->socket_a, "sa" }, { place->socket_b, "sb" },
                 { place->control, "control" }, { place->pid, "pid" }, { place->out, "out" }, { place->trace, "trace" } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        (void)snprintf(rows[i].to, 64, "%s/%s", place->folder, rows[i].name);
    testcard_write(card, place->a);
    testcard_write(card, place->b);
}

static pid_t start(const struct place *place, const char *const *arguments)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        const char *argv[40] = { program };
        proc_die_with_parent();
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
#define RUN(place, ...) run(place, (const char *const[]) { __VA_ARGS__, NULL })

static void serve(struct place *place, const char *const *arguments)
{
    place->process = start(place, arguments);
    for (int i = 0; i < 500 && access(place->pid, F_OK) != 0; i++)
        usleep(10000);
    assert_int_equal(access(place->pid, F_OK), 0);
}
#define SERVE(place, ...) serve(place, (const char *const[]) { "run", "--pid-file", (place)->pid, "--trace", (place)->trace, \
                                                               __VA_ARGS__, NULL })

static void place_end(struct place *place)
{
    int status;
    assert_int_equal(kill(place->process, SIGTERM), 0);
    assert_int_equal(waitpid(place->process, &status, 0), place->process);
    assert_int_equal(status, 0);
    assert_int_equal(access(place->socket_a, F_OK), -1);
    assert_int_equal(scratch_remove(place->folder), 0);
}

static void assert_said(const struct place *place, const char *path, const char *what, bool said)
{
    struct buf text = { 0 };
    (void)place;
    assert_int_equal(file_read(path, &text, NULL), RC_OK);
    const char *all = buf_string(&text);
    if ((strstr(all, what) != NULL) != said)
        fail_msg("'%s' %s in: %s", what, said ? "is not" : "is", all);
    buf_wipe(&text);
}

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- framing ------------------------------------------------------------------------------------------------------- */

static bool send_message(int fd, const void *bytes, size_t len)
{
    uint8_t frame[512] = { (uint8_t)(len >> 8), (uint8_t)len };
    memcpy(frame + 2, bytes, len);
    return send(fd, frame, len + 2, MSG_NOSIGNAL) == (ssize_t)len + 2;
}

static bool read_exactly(int fd, uint8_t *at, size_t len)
{
    while (len) {
        struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
        assert_int_equal(poll(&poll_fd, 1, 10000), 1);
        ssize_t n = read(fd, at, len);
        if (n <= 0)
            return false;
        at += n;
        len -= (size_t)n;
    }
    return true;
}

/* The status word; the length when it is shorter; GONE. */
static unsigned receive(int fd)
{
    uint8_t answer[512], header[2];
    if (!read_exactly(fd, header, 2))
        return GONE;
    size_t len = (size_t)header[0] << 8 | header[1];
    assert_true(len <= sizeof answer);
    if (!read_exactly(fd, answer, len))
        return GONE;
    return len < 2 ? 0x10000u + (unsigned)len : (unsigned)answer[len - 2] << 8 | answer[len - 1];
}

static unsigned exchange(int fd, const void *command, size_t len)
{
    return send_message(fd, command, len) ? receive(fd) : GONE;
}
#define EXCHANGE(fd, command) exchange(fd, command, sizeof(command) - 1)
#define EMPTY_ANSWER 0x10000u

static int try_connect(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

static int connect_to(const char *path)
{
    int fd = try_connect(path);
    assert_true(fd >= 0);
    send_message(fd, "\x01", 1);
    return fd;
}

static int listen_on(char *address_text, size_t size)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(listener, 4), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
    (void)snprintf(address_text, size, "127.0.0.1:%u", ntohs(address.sin_port));
    return listener;
}

/* vpcd's end: the card calls. */
static int accept_card(int listener)
{
    struct pollfd poll_fd = { .fd = listener, .events = POLLIN };
    assert_int_equal(poll(&poll_fd, 1, 5000), 1);
    int fd = accept(listener, NULL, NULL);
    assert_true(fd >= 0);
    send_message(fd, "\x01", 1);
    return fd;
}

/* --- tests --------------------------------------------------------------------------------------------------------- */

static void test_two_readers(void **state)
{
    struct place place;
    place_make(&place, *state);
    SERVE(&place, "--card", place.a, "--card", place.b, "--socket", place.socket_a, "--socket", place.socket_b, "--control",
          place.control);
    int a = connect_to(place.socket_a), b = connect_to(place.socket_b);
    assert_int_equal(EXCHANGE(a, SELECT_JPKI), 0x9000);
    assert_int_equal(EXCHANGE(b, SELECT_JPKI), 0x9000);
    assert_int_equal(EXCHANGE(a, VERIFY_WRONG), 0x63C2);
    assert_int_equal(EXCHANGE(b, QUERY), 0x63C3); /* another card */
    assert_int_equal(RUN(&place, "slots", "--control", place.control), 0);
    assert_said(&place, place.out, "reader 0: card ", true);
    assert_said(&place, place.out, "/a (0000000099000001), socket ", true);
    assert_said(&place, place.out, "(1 clients), 2 commands", true);
    /* Out: its clients are gone and so is its socket; the other card goes on. Its file is free. */
    assert_int_equal(RUN(&place, "show", "--card", place.a), 1);
    assert_int_equal(RUN(&place, "eject", "--control", place.control, "0"), 0);
    assert_int_equal(EXCHANGE(a, QUERY), GONE);
    assert_int_equal(try_connect(place.socket_a), -1);
    assert_int_equal(EXCHANGE(b, QUERY), 0x63C3);
    assert_int_equal(RUN(&place, "show", "--card", place.a), 0);
    assert_int_equal(RUN(&place, "slots", "--control", place.control), 0);
    assert_said(&place, place.out, "reader 0: empty", true);
    /* In again: what was written stands, what was presented does not. */
    assert_int_equal(RUN(&place, "insert", "--control", place.control, "--card", place.a, "0"), 0);
    close(a);
    a = connect_to(place.socket_a);
    assert_int_equal(EXCHANGE(a, SELECT_JPKI), 0x9000);
    assert_int_equal(EXCHANGE(a, QUERY), 0x63C2);
    assert_said(&place, place.trace, "; reader 1", true);
    assert_said(&place, place.trace, "3030", false);
    close(a);
    close(b);
    place_end(&place);
}

static void test_refusals(void **state)
{
    struct place place;
    char other[64];
    place_make(&place, *state);
    (void)snprintf(other, sizeof other, "%s/none", place.folder);
    SERVE(&place, "--card", place.a, "--socket", place.socket_a, "--socket", place.socket_b, "--control", place.control);
    const struct {
        const char *what, *arguments[6], *said;
        int status;
    } rows[] = {
        { "a reader that has a card", { "insert", "--control", place.control, "--card", place.b, "0" }, "there is a card in it already", 1 },
        { "a card that is in another reader", { "insert", "--control", place.control, "--card", place.a, "1" }, "another process", 1 },
        { "no such card", { "insert", "--control", place.control, "--card", other, "1" }, "none", 1 },
        { "no such reader", { "eject", "--control", place.control, "7" }, "there is no reader 7; the last one is 1", 1 },
        { "an empty reader", { "eject", "--control", place.control, "1" }, "there is no card in it", 1 },
        { "putting back what was not pulled", { "insert", "--control", place.control, "1" }, "no card was pulled", 1 },
        { "no simulator", { "slots", "--control", other }, "no simulator listens", 1 },
        { "no number", { "eject", "--control", place.control, "x" }, "the number of one reader", 2 },
        { "two numbers", { "eject", "--control", place.control, "0", "1" }, "the number of one reader", 2 },
        { "no control", { "slots" }, "--control SOCKET is missing", 2 },
        { "more cards than readers", { "run", "--card=a", "--card=b", "--socket=s" }, "2 cards, but 1 readers", 2 },
        { "no card and no way to one", { "run", "--socket=s" }, "--control must be there", 2 },
        { "a plan that is none", { "run", "--card=a", "--socket=s", "--fault=command=1:melted" }, "command=1:melted", 2 },
        { "a time that is none", { "run", "--card=a", "--socket=s", "--time=contact:1" }, "contact:1", 2 },
        { "to sleep how long", { "run", "--card=a", "--socket=s", "--sleep" }, "--time says how long", 2 },
        { "a control socket in use", { "run", "--card=-", "--socket", other, "--control", place.control }, "another simulator", 1 },
        { "a socket in use", { "run", "--card", place.b, "--socket", place.socket_a }, "another simulator", 1 },
        { "a card in use", { "run", "--card", place.a, "--socket", other }, "another process", 1 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *arguments[7] = { 0 };
        print_message("  %s\n", rows[i].what);
        memcpy(arguments, rows[i].arguments, sizeof rows[i].arguments);
        assert_int_equal(run(&place, arguments), rows[i].status);
        assert_said(&place, place.out, rows[i].said, true);
    }
    int a = connect_to(place.socket_a); /* after all of them the card is where it was */
    assert_int_equal(EXCHANGE(a, SELECT_JPKI), 0x9000);
    close(a);
    place_end(&place);
}

/* The request's form, as the running one reads it. */
static void test_requests(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        enum rc rc;
        enum sim_wish wish;
        unsigned slot;
        const char *path;
    } rows[] = {
        { "slots", RC_OK, SIM_WISH_SLOTS, 0, NULL },
        { "insert 3 /a b", RC_OK, SIM_WISH_INSERT, 3, "/a b" },
        { "insert 0", RC_OK, SIM_WISH_INSERT, 0, NULL },
        { "eject 12", RC_OK, SIM_WISH_EJECT, 12, NULL },
        { "", RC_FORMAT, SIM_WISH_SLOTS, 0, NULL },
        { "slots ", RC_FORMAT, SIM_WISH_SLOTS, 0, NULL },
        { "insert", RC_FORMAT, SIM_WISH_SLOTS, 0, NULL },
        { "insert ", RC_FORMAT, SIM_WISH_SLOTS, 0, NULL },
        { "insert 0 ", RC_FORMAT, SIM_WISH_SLOTS, 0, NULL },
        { "insert -1 /a", RC_FORMAT, SIM_WISH_SLOTS, 0, NULL },
        { "insert 1000 /a", RC_FORMAT, SIM_WISH_SLOTS, 0, NULL },
        { "eject 0 /a", RC_FORMAT, SIM_WISH_SLOTS, 0, NULL },
        { "eject 0x1", RC_FORMAT, SIM_WISH_SLOTS, 0, NULL },
        { "melt 0", RC_FORMAT, SIM_WISH_SLOTS, 0, NULL },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sim_request request = { 0 };
        print_message("  '%s'\n", rows[i].line);
        assert_int_equal(sim_control_parse(rows[i].line, &request, NULL), rows[i].rc);
        assert_int_equal(request.wish, rows[i].wish);
        assert_int_equal(request.slot, rows[i].slot);
        if (rows[i].path)
            assert_string_equal(request.path, rows[i].path);
        else
            assert_null(request.path);
    }
}

/* Two vpcd readers: ejecting is going away, inserting is calling; a vpcd that starts again is called again, both cards. */
static void test_vpcd(void **state)
{
    struct place place;
    char address[2][32];
    int listener[2], fd[2];
    place_make(&place, *state);
    for (int i = 0; i < 2; i++)
        listener[i] = listen_on(address[i], sizeof address[i]);
    SERVE(&place, "--card", place.a, "--card", place.b, "--vpcd", address[0], "--vpcd", address[1], "--control", place.control);
    for (int i = 0; i < 2; i++) {
        fd[i] = accept_card(listener[i]);
        assert_int_equal(EXCHANGE(fd[i], SELECT_JPKI), 0x9000);
    }
    assert_int_equal(EXCHANGE(fd[0], VERIFY_WRONG), 0x63C2);
    assert_int_equal(EXCHANGE(fd[1], QUERY), 0x63C3);
    assert_int_equal(RUN(&place, "eject", "--control", place.control, "1"), 0);
    assert_int_equal(receive(fd[1]), GONE);
    close(fd[1]);
    assert_int_equal(EXCHANGE(fd[0], QUERY), 0x63C2);
    struct pollfd nobody = { .fd = listener[1], .events = POLLIN };
    assert_int_equal(poll(&nobody, 1, 700), 0); /* an empty reader does not call */
    assert_int_equal(RUN(&place, "insert", "--control", place.control, "--card", place.b, "1"), 0);
    fd[1] = accept_card(listener[1]);
    for (int i = 0; i < 2; i++) { /* pcscd goes and comes */
        close(fd[i]);
        fd[i] = accept_card(listener[i]);
        assert_int_equal(EXCHANGE(fd[i], SELECT_JPKI), 0x9000);
        assert_int_equal(EXCHANGE(fd[i], SIGN), 0x6982);
    }
    for (int i = 0; i < 2; i++) {
        close(fd[i]);
        close(listener[i]);
    }
    place_end(&place);
}

/* A vpcd that takes nobody (it has a card already) holds up neither the other readers nor the control socket. */
static void test_busy_vpcd(void **state)
{
    struct place place;
    char address[32];
    int listener = listen_on(address, sizeof address), filler[8];
    struct sockaddr_in to;
    socklen_t len = sizeof to;
    assert_int_equal(getsockname(listener, (struct sockaddr *)&to, &len), 0);
    assert_int_equal(listen(listener, 0), 0);
    for (int i = 0; i < 8; i++) { /* until the queue is full */
        filler[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)connect(filler[i], (struct sockaddr *)&to, len);
    }
    place_make(&place, *state);
    SERVE(&place, "--card", place.a, "--card", place.b, "--vpcd", address, "--socket", place.socket_b, "--socket", place.socket_a,
          "--control", place.control);
    int a = connect_to(place.socket_a), b = connect_to(place.socket_b);
    for (int i = 0; i < 20; i++) { /* one that waited would do so for the minutes of a connection, and this test with it */
        assert_int_equal(EXCHANGE(a, SELECT_JPKI), 0x9000);
        assert_int_equal(EXCHANGE(b, SELECT_JPKI), 0x9000);
        usleep(20000);
    }
    assert_int_equal(RUN(&place, "slots", "--control", place.control), 0);
    assert_said(&place, place.out, "(not connected)", true);
    assert_int_equal(RUN(&place, "eject", "--control", place.control, "0"), 0);
    close(a);
    close(b);
    for (int i = 0; i < 8; i++)
        close(filler[i]);
    close(listener);
    place_end(&place);
}

/* A pulled card comes back by itself when the plan says so. */
static void test_comes_back(void **state)
{
    struct place place;
    place_make(&place, *state);
    SERVE(&place, "--card", place.a, "--socket", place.socket_a, "--fault", "command=2:pulled,back=100");
    int a = connect_to(place.socket_a);
    assert_int_equal(EXCHANGE(a, SELECT_JPKI), 0x9000);
    assert_int_equal(EXCHANGE(a, VERIFY_WRONG), GONE);
    close(a);
    for (int i = 0; i < 3000 && (a = try_connect(place.socket_a)) < 0; i++)
        usleep(10000);
    send_message(a, "\x01", 1);
    assert_int_equal(EXCHANGE(a, SELECT_JPKI), 0x9000);
    assert_int_equal(EXCHANGE(a, QUERY), 0x63C3);
    close(a);
    place_end(&place);
}

/* What a host sees of each fault on a socket; a pulled card is put back by hand, so that no clock has a say. */
static void test_faults(void **state)
{
    struct place place;
    place_make(&place, *state);
    SERVE(&place, "--card", place.a, "--socket", place.socket_a, "--control", place.control, "--fault", "command=2:pulled,back=0",
          "--fault", "command=4:pulled-after", "--fault", "command=6:lost", "--fault", "command=7:shared", "--fault",
          "command=9:truncated@1", "--fault", "write=2:cut");
    int a = connect_to(place.socket_a);
    assert_int_equal(EXCHANGE(a, SELECT_JPKI), 0x9000);
    assert_int_equal(EXCHANGE(a, VERIFY_WRONG), GONE);
    close(a);
    assert_int_equal(RUN(&place, "insert", "--control", place.control, "0"), 0);
    a = connect_to(place.socket_a);
    assert_int_equal(EXCHANGE(a, SELECT_JPKI), 0x9000);
    assert_int_equal(EXCHANGE(a, VERIFY_WRONG), GONE);
    close(a);
    assert_int_equal(RUN(&place, "insert", "--control", place.control, "0"), 0);
    a = connect_to(place.socket_a);
    assert_int_equal(EXCHANGE(a, SELECT_JPKI), 0x9000);
    assert_int_equal(EXCHANGE(a, QUERY), EMPTY_ANSWER);
    assert_int_equal(EXCHANGE(a, QUERY), GONE);
    close(a);
    a = connect_to(place.socket_a); /* the card was there all the time */
    assert_int_equal(EXCHANGE(a, QUERY), 0x63C2);
    assert_int_equal(EXCHANGE(a, QUERY), 0x10001);
    assert_int_equal(EXCHANGE(a, VERIFY_WRONG), GONE); /* the second write: cut, so it did not happen */
    close(a);
    assert_int_equal(RUN(&place, "insert", "--control", place.control, "0"), 0);
    a = connect_to(place.socket_a);
    assert_int_equal(EXCHANGE(a, SELECT_JPKI), 0x9000);
    assert_int_equal(EXCHANGE(a, QUERY), 0x63C2);
    close(a);
    assert_said(&place, place.trace, "; fault: cut\n", true);
    assert_said(&place, place.trace, "3030", false);
    place_end(&place);
}

/* Two clients of two cards wait at the same time, each for its own card. */
static void test_time(void **state)
{
    struct place place;
    place_make(&place, *state);
    SERVE(&place, "--card", place.a, "--card", place.b, "--socket", place.socket_a, "--socket", place.socket_b, "--control",
          place.control, "--time", "contactless:848,reader=1500", "--sleep");
    int a = connect_to(place.socket_a), b = connect_to(place.socket_b);
    int64_t began = now_ms();
    send_message(a, CHALLENGE, 5);
    send_message(b, CHALLENGE, 5);
    assert_int_equal(receive(a), 0x9000);
    assert_int_equal(receive(b), 0x9000);
    int64_t took = now_ms() - began;
    assert_true(took >= 1500 && took < 2900);
    assert_int_equal(RUN(&place, "slots", "--control", place.control), 0);
    /* 1500 ms, 15 bytes of 10 etu, a pair of frames: 1500 + (150 + 104) / 847.5 + 0.308 */
    assert_said(&place, place.out, "1 commands, 15 bytes, 0 faults, 1500.607 ms", true);
    close(a);
    close(b);
    place_end(&place);
}

static void test_lists(void **state)
{
    (void)state;
    struct opt_list list = { 0 };
    const struct opt opts[] = { { "--it", "TEXT", "", OPT_LIST, &list, false }, { 0 } };
    char name[] = "x", first[] = "--it=a", word[] = "--it", second[] = "b";
    char *argv[40] = { name, first, word, second };
    int rest, status;
    assert_int_equal(opt_parse("x", "", opts, 4, argv, &rest, &status), RC_OK);
    assert_int_equal(list.count, 2);
    assert_string_equal(list.items[0], "a");
    assert_string_equal(list.items[1], "b");
    list.count = 0;
    for (int i = 1; i <= 17; i++)
        argv[i] = first;
    assert_int_equal(opt_parse("x", "", opts, 18, argv, &rest, &status), RC_USAGE);
    assert_int_equal(status, 2);
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
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_two_readers), cmocka_unit_test(test_refusals),
                                        cmocka_unit_test(test_requests),    cmocka_unit_test(test_vpcd),
                                        cmocka_unit_test(test_busy_vpcd),   cmocka_unit_test(test_comes_back), cmocka_unit_test(test_faults),
                                        cmocka_unit_test(test_time),
                                        cmocka_unit_test(test_lists) };
    return cmocka_run_group_tests_name("sim-readers", tests, setup, teardown);
}

/* conformance_row.c — one row in a process of its own, and how it says what became of it. */
#include "conformance.h"

#include "support/ckr_name.h"

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* How a row's process ends; what is none of these is a crash. */
enum { ENDED_WELL = 0, ENDED_FAILED = 1, ENDED_PIN_REFUSED = 3, ENDED_SKIPPED = 77 };

static int report = -1; /* where the reason goes */

static _Noreturn void end(int status, const char *format, va_list arguments)
{
    char text[CONFORM_REASON];
    int len = vsnprintf(text, sizeof text, format, arguments);
    if (len >= (int)sizeof text)
        len = (int)sizeof text - 1;
    if (len > 0 && write(report, text, (size_t)len) != len)
        status = ENDED_FAILED;
    _exit(status); /* no C_Finalize: the next row has a process of its own, and a module must stand an application that
                      ends */
}

void conform_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    end(ENDED_FAILED, format, arguments);
}

void conform_skip(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    end(ENDED_SKIPPED, format, arguments);
}

static _Noreturn void refused_pin(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    end(ENDED_PIN_REFUSED, format, arguments);
}

void conform_want_rv(CK_RV rv, const char *what, const CK_RV *allowed, size_t count)
{
    char wanted[160] = "";
    for (size_t i = 0; i < count; i++) {
        if (rv == allowed[i])
            return;
        size_t len = strlen(wanted);
        (void)snprintf(wanted + len, sizeof wanted - len, "%s%s", i ? " or " : "", ckr_name(allowed[i]));
    }
    conform_fail("%s: %s, not %s", what, ckr_name(rv), wanted);
}

void conform_login(struct conform *c, CK_SESSION_HANDLE session)
{
    CK_RV rv = conform_login_as(c, session, CKU_USER);
    if (rv == CKR_PIN_INCORRECT || rv == CKR_PIN_LOCKED || rv == CKR_PIN_EXPIRED)
        refused_pin("C_Login with the given PIN: %s", ckr_name(rv));
    want_rv(rv, "C_Login with the given PIN", CKR_OK);
}

/* --- loading
 * ---------------------------------------------------------------------------------------------------------------- */

static void load(struct conform *c, const char *path)
{
    CK_C_GetFunctionList get = NULL;
    CK_C_GetInterface interface_of = NULL;
    CK_INTERFACE *interface = NULL;
    CK_VERSION v3 = { 3, 0 };
    unsigned char name[] = "PKCS 11";
    c->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!c->library)
        conform_fail("%s", dlerror());
    *(void **)&get = dlsym(c->library, "C_GetFunctionList");
    want(get, "C_GetFunctionList is not exported");
    want_rv(get(&c->p11), "C_GetFunctionList", CKR_OK);
    want(c->p11, "C_GetFunctionList gives nothing");
    *(void **)&interface_of = dlsym(c->library, "C_GetInterface");
    if (interface_of && interface_of(name, &v3, &interface, 0) == CKR_OK && interface)
        c->p30 = interface->pFunctionList;
}

void conform_initialize(struct conform *c)
{
    want_rv(c->p11->C_Initialize(NULL), "C_Initialize(NULL)", CKR_OK);
}

void conform_again(struct conform *c)
{
    CK_SLOT_ID slots[64];
    CK_ULONG count = COUNT(slots);
    CK_TOKEN_INFO info;
    want_rv(c->p11->C_GetSlotList(CK_TRUE, slots, &count), "C_GetSlotList", CKR_OK);
    for (CK_ULONG i = 0; i < count; i++)
        if (c->p11->C_GetTokenInfo(slots[i], &info) == CKR_OK &&
            memcmp(info.label, c->token.label, sizeof info.label) == 0 &&
            memcmp(info.serialNumber, c->token.serialNumber, sizeof info.serialNumber) == 0) {
            c->slot = slots[i];
            return;
        }
    conform_fail("the token is not found again by its label and serial number");
}

static void prepare(struct conform *c, const struct row *row, const struct target *target)
{
    if (row->scope >= ROW_MODULE)
        conform_initialize(c);
    if (row->scope >= ROW_TOKEN) {
        c->slot = target->slot;
        c->token = conform_token(c);
    }
    if (row->scope >= ROW_SESSION)
        c->session = conform_open(c, 0);
    if (row->scope >= ROW_LOGIN)
        conform_login(c, c->session);
}

/* --- processes
 * -------------------------------------------------------------------------------------------------------------- */

/* A PIN is not inherited (base/secret.h): it goes through a pipe, whose buffer holds it until it is read. */
static int pin_pipe(const struct secret *pin)
{
    int ends[2] = { -1, -1 };
    if (pipe(ends))
        return -1;
    if (pin->len && write(ends[1], pin->data, pin->len) != (ssize_t)pin->len) {
        close(ends[0]);
        ends[0] = -1;
    }
    close(ends[1]);
    return ends[0];
}

static bool pin_receive(struct secret *pin, int end)
{
    *pin = (struct secret){ 0 };
    if (secret_init(pin, 256))
        return false;
    ssize_t len = read(end, pin->data, pin->cap);
    close(end);
    pin->len = len > 0 ? (size_t)len : 0;
    return len >= 0;
}

void conform_children(struct conform *c, const char *what, void (*run)(struct conform *c),
                      void (*meanwhile)(struct conform *c))
{
    int status = -1, gate[2], pin = pin_pipe(&c->pin);
    want(pin >= 0 && pipe(gate) == 0, "%s: no pipe", what);
    pid_t child = fork();
    if (child == 0) {
        close(gate[1]);
        c->gate = gate[0];
        if (!pin_receive(&c->pin, pin))
            conform_fail("%s: no PIN", what);
        run(c);
        _exit(ENDED_WELL);
    }
    close(pin);
    close(gate[0]);
    want(child > 0, "%s: no process", what);
    if (meanwhile)
        meanwhile(c);
    (void)signal(SIGPIPE, SIG_IGN); /* a child that waits for nothing may be gone */
    (void)!write(gate[1], "", 1);
    close(gate[1]);
    want(waitpid(child, &status, 0) == child, "%s: no process", what);
    want(!WIFSIGNALED(status), "%s: ended by signal %d", what, WTERMSIG(status));
    if (WEXITSTATUS(status) != ENDED_WELL)
        _exit(WEXITSTATUS(status)); /* it has said why */
}

static _Noreturn void child(const char *module, const struct row *row, const struct target *target, int pin)
{
    struct conform c = { 0 };
    (void)setpgid(0, 0);
    (void)dup2(STDERR_FILENO, STDOUT_FILENO); /* what a module prints is no result */
    if (!pin_receive(&c.pin, pin))
        conform_fail("no PIN received");
    load(&c, module);
    prepare(&c, row, target);
    row->run(&c);
    if (row->scope >= ROW_MODULE) {
        CK_RV rv = c.p11->C_Finalize(NULL);
        want(rv == CKR_OK || rv == CKR_CRYPTOKI_NOT_INITIALIZED, "C_Finalize at the end: %s", ckr_name(rv));
    }
    secret_wipe(&c.pin);
    _exit(ENDED_WELL);
}

static long long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Reads what the child says until it is gone. False: it hangs. */
static bool listen_to(int said, unsigned seconds, char *reason)
{
    long long end_ms = now_ms() + seconds * 1000LL;
    size_t len = 0;
    for (;;) {
        struct pollfd wait = { .fd = said, .events = POLLIN };
        long long left = end_ms - now_ms();
        int n = poll(&wait, 1, left > 0 ? (int)left : 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            return false;
        ssize_t got = read(said, reason + len, CONFORM_REASON - 1 - len);
        if (got <= 0 || (len += (size_t)got) >= CONFORM_REASON - 1)
            break;
    }
    reason[len] = '\0';
    return true;
}

enum verdict conform_run(const char *module, const struct row *row, const struct target *target, unsigned seconds,
                         char *reason)
{
    static const struct secret none;
    int said[2], status = 0, pin = pin_pipe(target ? &target->pin : &none);
    memset(reason, 0, CONFORM_REASON);
    if (pin < 0 || pipe(said)) {
        (void)snprintf(reason, CONFORM_REASON, "no pipe: %s", strerror(errno));
        return VERDICT_FAILED;
    }
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        close(said[0]);
        report = said[1];
        child(module, row, target, pin);
    }
    close(said[1]);
    close(pin);
    bool ended = pid > 0 && listen_to(said[0], seconds, reason);
    close(said[0]);
    if (!ended && pid > 0) {
        (void)snprintf(reason, CONFORM_REASON, "no end after %u s", seconds);
        (void)kill(-pid, SIGKILL);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return VERDICT_FAILED;
    if (!ended)
        return VERDICT_FAILED;
    if (WIFSIGNALED(status)) {
        (void)snprintf(reason, CONFORM_REASON, "crashed: signal %d (%s)", WTERMSIG(status),
                       strsignal(WTERMSIG(status)));
        return VERDICT_FAILED;
    }
    switch (WEXITSTATUS(status)) {
    case ENDED_WELL:
        return VERDICT_PASSED;
    case ENDED_SKIPPED:
        return VERDICT_SKIPPED;
    case ENDED_PIN_REFUSED:
        return VERDICT_PIN_REFUSED;
    default:
        if (!reason[0])
            (void)snprintf(reason, CONFORM_REASON, "ended with status %d", WEXITSTATUS(status));
        return VERDICT_FAILED;
    }
}

/* bench_issue.c — certificates a second, with every row and the audit trail durable, against what SoftHSM2 itself signs in the
 * same seconds' length with the same key and as many bytes, in turns; another peer's turn is a command that runs between them.
 * usage: bench_issue JPKI_CA COMMAND; prints "round OURS THEIRS", and at the end "memory MEBIBYTES". */
#include "support/caworld.h"

#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 7, THREADS = 64 };
#define SECONDS 2.0
#define TBS_BYTES 1024 /* about what a certificate has */

static struct caworld world;
static struct ca *ca;
static atomic_int next_request;
static atomic_bool over;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void give_up(const char *what)
{
    fprintf(stderr, "bench_issue: %s\n", what);
    exit(1);
}

static void *ask(void *context)
{
    long *count = context;
    while (!atomic_load(&over)) {
        char name[40];
        struct err err = { 0 };
        struct book_cert cert = { 0 };
        snprintf(name, sizeof name, "bench %d", atomic_fetch_add(&next_request, 1));
        struct issue_order order = caworld_order(&world, name);
        if (issue_certificate(ca, &order, &cert, &err))
            give_up(err.text);
        book_cert_wipe(&cert);
        ++*count;
    }
    return NULL;
}

static double issue_rate(void)
{
    pthread_t threads[THREADS];
    long counts[THREADS] = { 0 }, total = 0;
    double start = now();
    atomic_store(&over, false);
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, ask, &counts[i]) != 0)
            give_up("no thread");
    while (now() - start < SECONDS)
        usleep(10000);
    atomic_store(&over, true);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        total += counts[i];
    }
    return (double)total / (now() - start);
}

static void must(CK_RV rv, const char *what)
{
    if (rv != CKR_OK) {
        fprintf(stderr, "bench_issue: %s: 0x%lx\n", what, (unsigned long)rv);
        exit(1);
    }
}

/* The token's first RSA key, in one session. */
static CK_SESSION_HANDLE open_token(CK_FUNCTION_LIST *f, CK_OBJECT_HANDLE *key)
{
    CK_SLOT_ID slots[8];
    CK_ULONG count = 8, found = 0;
    CK_SESSION_HANDLE session = 0;
    CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE wanted = { CKA_CLASS, &class, sizeof class };
    CK_UTF8CHAR pin[] = "4711";
    must(f->C_Initialize(NULL), "C_Initialize");
    must(f->C_GetSlotList(CK_TRUE, slots, &count), "C_GetSlotList");
    must(f->C_OpenSession(slots[0], CKF_SERIAL_SESSION, NULL, NULL, &session), "C_OpenSession");
    must(f->C_Login(session, CKU_USER, pin, sizeof pin - 1), "C_Login");
    must(f->C_FindObjectsInit(session, &wanted, 1), "C_FindObjectsInit");
    must(f->C_FindObjects(session, key, 1, &found), "C_FindObjects");
    must(f->C_FindObjectsFinal(session), "C_FindObjectsFinal");
    if (!found)
        give_up("the token has no key");
    return session;
}

/* In a process of its own: a token that is open twice in one would share its state. */
static double sign_rate(void)
{
    int ends[2];
    double rate = 0;
    if (pipe(ends) != 0)
        give_up("pipe");
    pid_t pid = fork();
    if (pid == 0) {
        void *library = dlopen(world.module, RTLD_NOW);
        CK_FUNCTION_LIST *f = NULL;
        CK_C_GetFunctionList get = NULL;
        void *symbol = library ? dlsym(library, "C_GetFunctionList") : NULL;
        memcpy(&get, &symbol, sizeof get);
        if (!get || get(&f) != CKR_OK)
            _exit(1);
        CK_OBJECT_HANDLE key = 0;
        CK_SESSION_HANDLE session = open_token(f, &key);
        CK_MECHANISM mechanism = { CKM_SHA256_RSA_PKCS, NULL, 0 };
        CK_BYTE data[TBS_BYTES] = { 0 }, signature[256];
        double start = now(), took;
        long count = 0;
        while ((took = now() - start) < SECONDS) {
            CK_ULONG len = sizeof signature;
            must(f->C_SignInit(session, &mechanism, key), "C_SignInit");
            must(f->C_Sign(session, data, sizeof data, signature, &len), "C_Sign");
            count++;
        }
        rate = (double)count / took;
        _exit(write(ends[1], &rate, sizeof rate) == sizeof rate ? 0 : 1);
    }
    int status = 1;
    if (read(ends[0], &rate, sizeof rate) != sizeof rate || waitpid(pid, &status, 0) != pid || status != 0)
        give_up("the token does not sign");
    close(ends[0]);
    close(ends[1]);
    return rate;
}

int main(int argc, char **argv)
{
    struct rusage used;
    if (argc != 3)
        return 2;
    caworld_new(&world, argv[1]);
    ca = caworld_open(&world);
    (void)issue_rate(); /* the first list, and warm caches */
    for (int i = 0; i < ROUNDS; i++) {
        double ours = issue_rate(), theirs = sign_rate();
        printf("round %.1f %.1f\n", ours, theirs);
        fflush(stdout);
        if (system(argv[2]) != 0)
            give_up("the other peer's turn failed");
    }
    getrusage(RUSAGE_SELF, &used);
    printf("memory %.1f\n", (double)used.ru_maxrss / 1024);
    struct book_counts counts;
    if (book_count(ca->store, AUTHORITY_AUTH, &counts, NULL) || counts.certificates != atomic_load(&next_request))
        give_up("the book does not hold what was issued");
    ca_close(ca);
    caworld_free(&world);
    return 0;
}

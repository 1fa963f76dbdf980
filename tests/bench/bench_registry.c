/* bench_registry.c — look-ups in a store of the nation, with all checks and the durable record of use, by many at a time, beside a
 * bare indexed SELECT of the same engine by one; and change notices from a town to the nation, durable at both ends.
 * usage: bench_registry URL SECONDS THREADS      a populated national store; prints "number OURS BARE", "person OURS BARE" (a second)
 *                                                and "memory KIB"
 *        bench_registry --notices TOWN NATION    a populated town and an empty nation; prints "notices A-SECOND MEMORY-KIB" */
#include "registry/intake.h"
#include "registry/municipal.h"
#include "registry/outbox.h"
#include "store/storegroup.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define SAMPLE 20000
#define THREADS_MAX 512

struct known {
    char code[12], name[400], birth[10], address[800];
};

static struct {
    const char *url;
    struct store *store;
    struct storegroup *group;
    pthread_mutex_t lock;
    struct known *known;
    size_t count;
    double seconds;
    bool by_number;
    atomic_long done;
    atomic_bool stop;
} w = { .lock = PTHREAD_MUTEX_INITIALIZER };

static const struct peer agency = { .role = ROLE_DESK_OFFICER, .municipality = "000000", .name = "bench", .serial = "01" };

static void give_up(const char *what, const struct err *err, enum rc rc)
{
    fprintf(stderr, "bench_registry: %s: %s\n", what, err_text(err, rc));
    exit(1);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Residents from all over the store: the first behind points that divide the codes evenly. */
static void sample(void)
{
    struct err err = { 0 };
    w.known = calloc(SAMPLE, sizeof *w.known);
    for (size_t i = 0; w.known && i < SAMPLE; i++) {
        char from[12];
        struct statement *s = NULL;
        snprintf(from, sizeof from, "%011llu", (unsigned long long)i * (99000000000ull / SAMPLE));
        enum rc rc = store_prepare(w.store, "SELECT code, name, birth, address FROM resident WHERE code >= ?1 ORDER BY code LIMIT 1", &s, &err);
        if (!rc) {
            bind_text(s, 1, from);
            rc = statement_step(s, &err);
        }
        if (rc && rc != RC_NOT_FOUND)
            give_up("sample", &err, rc);
        if (!rc) {
            struct known *known = &w.known[w.count++];
            snprintf(known->code, sizeof known->code, "%s", column_text(s, 0));
            snprintf(known->name, sizeof known->name, "%s", column_text(s, 1));
            snprintf(known->birth, sizeof known->birth, "%s", column_text(s, 2));
            snprintf(known->address, sizeof known->address, "%s", column_text(s, 3));
        }
        statement_done(s);
    }
}

static const struct known *pick(unsigned *seed)
{
    return &w.known[(size_t)rand_r(seed) % w.count];
}

static void *ask(void *context)
{
    unsigned seed = *(unsigned *)context;
    while (!atomic_load(&w.stop)) {
        const struct known *k = pick(&seed);
        struct err err = { 0 };
        struct municipal_search search = { .peer = &agency, .code = w.by_number ? k->code : NULL, .name = k->name,
                                           .birth = k->birth, .address = k->address };
        enum rc rc = municipal_search_check(&search, &err);
        if (!rc)
            rc = storegroup_run(w.group, municipal_find_in, &search, &err);
        if (!rc && search.found != RC_CONFLICT && (search.found || strcmp(search.resident.code, k->code) != 0))
            rc = RC_BUG; /* two may share name, birth and address: RC_CONFLICT is an answer */
        if (rc)
            give_up("look-up", &err, rc);
        atomic_fetch_add(&w.done, 1);
    }
    return NULL;
}

static double ours(unsigned threads)
{
    pthread_t ids[THREADS_MAX];
    unsigned seeds[THREADS_MAX];
    atomic_store(&w.done, 0);
    atomic_store(&w.stop, false);
    double from = now();
    for (unsigned i = 0; i < threads; i++) {
        seeds[i] = i + 1;
        if (pthread_create(&ids[i], NULL, ask, &seeds[i]))
            give_up("thread", NULL, RC_NOMEM);
    }
    struct timespec t = { (time_t)w.seconds, (long)((w.seconds - (double)(time_t)w.seconds) * 1e9) };
    nanosleep(&t, NULL);
    atomic_store(&w.stop, true);
    for (unsigned i = 0; i < threads; i++)
        pthread_join(ids[i], NULL);
    return (double)atomic_load(&w.done) / (now() - from);
}

static double bare(void)
{
    static const char by_number[] = "SELECT code, name, birth, sex, address FROM resident WHERE code = ?1";
    static const char by_person[] = "SELECT code, name, birth, sex, address FROM resident WHERE birth = ?1 AND name = ?2 AND address = ?3";
    unsigned seed = 99;
    long done = 0;
    double from = now();
    for (; now() - from < w.seconds; done++) {
        const struct known *k = pick(&seed);
        struct statement *s = NULL;
        struct err err = { 0 };
        enum rc rc = store_prepare(w.store, w.by_number ? by_number : by_person, &s, &err);
        if (!rc) {
            bind_text(s, 1, w.by_number ? k->code : k->birth);
            if (!w.by_number) {
                bind_text(s, 2, k->name);
                bind_text(s, 3, k->address);
            }
            rc = statement_step(s, &err);
        }
        statement_done(s);
        if (rc)
            give_up("bare", &err, rc);
    }
    return (double)done / (now() - from);
}

/* All notices of a town: read there, durable with the nation, and that durable in the town, batch by batch. */
static int notices(const char *town_url, const char *nation_url)
{
    struct store *town = NULL, *nation = NULL;
    struct outbox_state outbox;
    struct err err = { 0 };
    struct rusage usage;
    enum node_role role;
    char municipality[7];
    int64_t told = 0, expected;
    enum rc rc = ledger_open_any(town_url, &role, municipality, &town, &err);
    if (!rc)
        rc = ledger_open(nation_url, NODE_NATIONAL, "000000", &nation, &err);
    if (!rc)
        rc = outbox_read(town, OUTBOX_NATIONAL, &outbox, &err);
    double from = now();
    while (!rc && told < outbox.last) {
        json_t *batch = NULL;
        rc = outbox_notices(town, told + 1, NOTICE_BATCH, &batch, &err);
        if (!rc)
            rc = intake_take(nation, municipality, batch, &told, &expected, &err);
        json_decref(batch);
        if (!rc)
            rc = outbox_acknowledge(town, OUTBOX_NATIONAL, told, &err);
    }
    if (rc)
        give_up("notices", &err, rc);
    getrusage(RUSAGE_SELF, &usage);
    printf("notices %.0f %ld\n", (double)told / (now() - from), usage.ru_maxrss);
    store_close(town);
    store_close(nation);
    return 0;
}

int main(int argc, char **argv)
{
    struct err err = { 0 };
    enum node_role role;
    char municipality[7];
    if (argc == 4 && strcmp(argv[1], "--notices") == 0)
        return notices(argv[2], argv[3]);
    if (argc != 4) {
        fprintf(stderr, "usage: bench_registry URL SECONDS THREADS | --notices TOWN NATION\n");
        return 2;
    }
    w.url = argv[1];
    w.seconds = atof(argv[2]);
    unsigned threads = (unsigned)atoi(argv[3]);
    if (threads < 1 || threads > THREADS_MAX)
        return 2;
    enum rc rc = ledger_open_any(w.url, &role, municipality, &w.store, &err);
    if (!rc)
        rc = storegroup_new(w.store, &w.lock, &w.group);
    if (rc)
        give_up("store", &err, rc);
    sample();
    for (int number = 1; number >= 0; number--) {
        w.by_number = number;
        double one = bare(), many = ours(threads);
        printf("%s %.0f %.0f\n", number ? "number" : "person", many, one);
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("memory %ld\n", usage.ru_maxrss);
    storegroup_free(w.group);
    store_close(w.store);
    free(w.known);
    return 0;
}

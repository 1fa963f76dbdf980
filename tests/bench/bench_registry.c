/* bench_registry.c — provision in a store of the nation: many clients at a time, each request judged (the agency's task, the era, the
 * number's check digits), looked for, and answered when the record of its use is durable; the time in which the rows of use are filed
 * into their index is counted, too. Beside as many clients, in a process of their own and each with a connection of its own, that run
 * a bare prepared SELECT of the same row. And change notices from a town to the nation, durable
 * at both ends; and provision over HTTPS.
 * usage: bench_registry URL SECONDS CLIENTS      a populated national store; prints "number OURS BARE", "person OURS BARE" and
 *                                                "filed ROWS" (a second, several times) and "memory KIB"
 *        bench_registry --notices TOWN NATION    a populated town and an empty nation; prints "notices A-SECOND MEMORY-KIB"
 *        bench_registry --https URL STORE IDENTITY SECONDS CLIENTS      a serving node, its store (for whom to ask), an agency; prints
 *                                                "https A-SECOND"
 *        bench_registry --task URL               the agency's task, into the store */
#include "net/client.h"
#include "net/json.h"
#include "registry/filing.h"
#include "registry/intake.h"
#include "registry/outbox.h"
#include "registry/provide.h"
#include "registry/schema.h"
#include "store/storegroup.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SAMPLE 20000
#define CLIENTS_MAX 256
#define ROUNDS 3
#define TASK "bench"
#define FIELDS_GIVEN ((1 << 9) - 1) /* every field but the code and 変更情報 */

struct known {
    char code[12], number[13], municipality[7], name[400], birth[10], sex[2], address[801];
};

static struct {
    const char *url;
    struct store *store;
    struct storegroup *group;
    const struct identity *identity; /* over HTTPS */
    pthread_mutex_t lock;
    struct known *known;
    size_t count;
    double seconds;
    bool by_number;
    atomic_long done;
    atomic_bool go, stop;
} w = { .lock = PTHREAD_MUTEX_INITIALIZER };

static const struct peer agency = { .role = ROLE_AGENCY, .municipality = "000000", .name = TASK, .serial = "01" };

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

static void known_text(struct statement *s, int column, char *out, size_t size)
{
    snprintf(out, size, "%s", column_text(s, column));
}

/* Registered residents from all over the store: the first behind points that divide the codes evenly. */
static void sample(void)
{
    struct err err = { 0 };
    w.known = calloc(SAMPLE, sizeof *w.known);
    for (size_t i = 0; w.known && i < SAMPLE; i++) {
        char from[12];
        struct statement *s = NULL;
        snprintf(from, sizeof from, "%011llu", (unsigned long long)i * (99000000000ull / SAMPLE));
        enum rc rc = store_row(w.store, "SELECT code, personal_number, municipality, name, birth, sex, address FROM resident WHERE code >= ?1 "
                                        "AND removed = 0 ORDER BY code LIMIT 1", BINDS(BIND_TEXT(from)), &s, &err);
        if (rc && rc != RC_NOT_FOUND)
            give_up("sample", &err, rc);
        if (!rc) {
            struct known *k = &w.known[w.count++];
            known_text(s, 0, k->code, sizeof k->code);
            known_text(s, 1, k->number, sizeof k->number);
            known_text(s, 2, k->municipality, sizeof k->municipality);
            known_text(s, 3, k->name, sizeof k->name);
            known_text(s, 4, k->birth, sizeof k->birth);
            known_text(s, 5, k->sex, sizeof k->sex);
            known_text(s, 6, k->address, sizeof k->address);
        }
        statement_done(s);
    }
    if (!w.count)
        give_up("sample", NULL, RC_NOT_FOUND);
}

static const struct known *pick(unsigned *seed)
{
    return &w.known[(size_t)rand_r(seed) % w.count];
}

static json_t *question(const struct known *k)
{
    return w.by_number ? json_pack("{s:s, s:{s:s}}", "task", TASK, "key", "personal_number", k->number)
                       : json_pack("{s:s, s:{s:s, s:s, s:s, s:s}}", "task", TASK, "key", "name", k->name, "birth", k->birth, "sex", k->sex,
                                   "address", k->address);
}

/* The answer is that person's, or more than one answers to the attributes. */
static void judge(const struct known *k, json_t *answer)
{
    const char *result = json_string_value(json_object_get(answer, "result"));
    const char *name = json_string_value(json_object_get(json_object_get(answer, "record"), "name"));
    bool one = result && strcmp(result, "one") == 0 && name && strcmp(name, k->name) == 0;
    if (!one && !(result && strcmp(result, "many") == 0 && !w.by_number)) {
        fprintf(stderr, "bench_registry: the answer is '%s'\n", result ? result : "none");
        exit(1);
    }
    json_decref(answer);
}

static void *ask(void *context)
{
    unsigned seed = *(unsigned *)context;
    while (!atomic_load(&w.stop)) {
        const struct known *k = pick(&seed);
        struct err err = { 0 };
        struct provision *provision = NULL;
        json_t *body = question(k), *answer = NULL;
        enum rc rc = provide_read(&agency, body, false, &provision, &err);
        json_decref(body);
        if (!rc)
            rc = storegroup_run_many(w.group, provide_run, provision, &err);
        if (!rc)
            rc = provide_tell(provision, &answer, &err);
        provide_free(provision);
        if (rc)
            give_up("provision", &err, rc);
        judge(k, answer);
        atomic_fetch_add(&w.done, 1);
    }
    return NULL;
}

/* One client's bare SELECT, on its own connection. */
static void *look(void *context)
{
    static const char by_number[] = "SELECT code, name, birth, sex, address FROM resident WHERE code = ?1 AND municipality = ?2";
    static const char by_person[] = "SELECT code, name, birth, sex, address FROM resident WHERE birth = ?1 AND name = ?2 AND address = ?3 "
                                    "AND municipality = ?4";
    unsigned seed = *(unsigned *)context;
    struct err err = { 0 };
    struct store *store = NULL;
    enum rc rc = store_open_reader(w.url, registry_migrations, registry_migration_count, &store, &err);
    while (!rc && !atomic_load(&w.go))
        nanosleep(&(struct timespec) { 0, 1000000 }, NULL);
    while (!rc && !atomic_load(&w.stop)) {
        const struct known *k = pick(&seed);
        struct statement *s = NULL;
        rc = w.by_number ? store_row(store, by_number, BINDS(BIND_TEXT(k->code), BIND_TEXT(k->municipality)), &s, &err)
                         : store_row(store, by_person, BINDS(BIND_TEXT(k->birth), BIND_TEXT(k->name), BIND_TEXT(k->address),
                                                             BIND_TEXT(k->municipality)), &s, &err);
        if (!rc && strcmp(column_text(s, 1), k->name) != 0)
            rc = RC_BUG;
        statement_done(s);
        atomic_fetch_add(&w.done, 1);
    }
    if (rc)
        give_up("bare", &err, rc);
    store_close(store);
    return NULL;
}

static void *ask_https(void *context)
{
    unsigned seed = *(unsigned *)context;
    struct err err = { 0 };
    struct client *client = NULL;
    enum rc rc = client_open(w.url, w.identity, 0, &client, &err);
    while (!rc && !atomic_load(&w.stop)) {
        const struct known *k = pick(&seed);
        json_t *body = question(k), *answer = NULL;
        rc = client_json(client, "POST", "/v1/provide", body, &answer, &err);
        json_decref(body);
        if (!rc)
            judge(k, answer);
        atomic_fetch_add(&w.done, 1);
    }
    if (rc)
        give_up("https", &err, rc);
    client_close(client);
    return NULL;
}

/* How often a second so many clients did it. */
static double rate(void *(*client)(void *), unsigned clients)
{
    pthread_t ids[CLIENTS_MAX];
    unsigned seeds[CLIENTS_MAX];
    atomic_store(&w.stop, false);
    atomic_store(&w.go, false);
    for (unsigned i = 0; i < clients; i++) {
        seeds[i] = i + 1;
        if (pthread_create(&ids[i], NULL, client, &seeds[i]))
            give_up("thread", NULL, RC_NOMEM);
    }
    nanosleep(&(struct timespec) { 0, 500000000 }, NULL); /* connected, prepared, warm */
    atomic_store(&w.go, true);
    atomic_store(&w.done, 0);
    double from = now();
    nanosleep(&(struct timespec) { (time_t)w.seconds, (long)((w.seconds - (double)(time_t)w.seconds) * 1e9) }, NULL);
    double done = (double)atomic_load(&w.done) / (now() - from);
    atomic_store(&w.stop, true);
    for (unsigned i = 0; i < clients; i++)
        pthread_join(ids[i], NULL);
    return done;
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
        rc = schema_settle(nation, &err);
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

static void open_nation(const char *url)
{
    struct err err = { 0 };
    enum node_role role;
    char municipality[7];
    enum rc rc = ledger_open_any(url, &role, municipality, &w.store, &err);
    if (rc)
        give_up("store", &err, rc);
}

static int task(const char *url)
{
    struct err err = { 0 };
    open_nation(url);
    enum rc rc = store_run(w.store, "INSERT INTO task (agency, task, from_day, until_day, law, title, fields, keys, legacy_code) VALUES "
                                    "('" TASK "', '" TASK "', '2002-08-05', '', 'of the benchmark', 'look-ups', ?1, 7, 0)",
                           BINDS(BIND_INTEGER(FIELDS_GIVEN)), NULL, &err);
    if (rc)
        give_up("task", &err, rc);
    store_close(w.store);
    return 0;
}

static int https(const char *url, const char *store, const char *folder, unsigned clients)
{
    struct identity identity = { 0 };
    struct err err = { 0 };
    enum rc rc = identity_open(folder, &identity, &err);
    if (rc)
        give_up("identity", &err, rc);
    open_nation(store);
    sample();
    store_close(w.store);
    w.url = url;
    w.identity = &identity;
    w.by_number = true;
    for (int i = 0; i < ROUNDS; i++)
        printf("https %.0f\n", rate(ask_https, clients));
    identity_close(&identity);
    free(w.known);
    return 0;
}

/* Provisions a second, the filing of their rows of use counted in. */
static double provided(struct filing *filing, unsigned clients)
{
    struct err err = { 0 };
    int64_t rows;
    double provisions = rate(ask, clients), from = now();
    enum rc rc = filing_all(filing, &rows, &err);
    if (rc)
        give_up("filing", &err, rc);
    double filed = (double)rows / (now() - from);
    printf("filed %.0f\n", filed);
    return 1 / (1 / provisions + 1 / filed);
}

/* The peer's rate, in a process of its own: its connections are not in our memory. */
static double bare(unsigned clients)
{
    double found = 0;
    int ends[2], status;
    if (pipe(ends))
        give_up("pipe", NULL, RC_IO);
    pid_t child = fork();
    if (child == 0) {
        found = rate(look, clients);
        _exit(write(ends[1], &found, sizeof found) != sizeof found);
    }
    close(ends[1]);
    bool told = read(ends[0], &found, sizeof found) == sizeof found;
    close(ends[0]);
    if (child < 0 || !told || waitpid(child, &status, 0) < 0 || status)
        give_up("the peer's process", NULL, RC_IO);
    return found;
}

static int look_ups(const char *url, unsigned clients)
{
    struct rusage usage;
    struct filing filing = { 0 };
    struct err err = { 0 };
    w.url = url;
    open_nation(url);
    enum rc rc = store_open_reader(url, registry_migrations, registry_migration_count, &filing.reader, &err);
    if (!rc)
        rc = storegroup_new(w.store, &w.lock, &w.group);
    if (rc)
        give_up("store", &err, rc);
    filing.group = w.group;
    sample();
    for (int i = 0; i < 2 * ROUNDS; i++) {
        w.by_number = i % 2 == 0;
        double one = bare(clients), many = provided(&filing, clients);
        printf("%s %.0f %.0f\n", w.by_number ? "number" : "person", many, one);
        fflush(stdout);
    }
    getrusage(RUSAGE_SELF, &usage);
    printf("memory %ld\n", usage.ru_maxrss);
    store_close(filing.reader);
    storegroup_free(w.group);
    store_close(w.store);
    free(w.known);
    return 0;
}

static unsigned clients_of(const char *seconds, const char *text)
{
    unsigned clients = (unsigned)atoi(text);
    w.seconds = atof(seconds);
    if (clients < 1 || clients > CLIENTS_MAX || w.seconds <= 0)
        give_up("clients, seconds", NULL, RC_USAGE);
    return clients;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "--notices") == 0)
        return notices(argv[2], argv[3]);
    if (argc == 3 && strcmp(argv[1], "--task") == 0)
        return task(argv[2]);
    if (argc == 7 && strcmp(argv[1], "--https") == 0)
        return https(argv[2], argv[3], argv[4], clients_of(argv[5], argv[6]));
    if (argc == 4 && argv[1][0] != '-')
        return look_ups(argv[1], clients_of(argv[2], argv[3]));
    fprintf(stderr, "usage: bench_registry URL SECONDS CLIENTS | --notices TOWN NATION | --https URL STORE IDENTITY SECONDS CLIENTS | --task URL\n");
    return 2;
}

/* fuzz_intake.c — what officers and nodes send to the authorities' intake as JSON: every route with any role, path and body, against
 * a small book. A refusal says why and changes nothing; an answer is JSON; the audit trail holds after both.
 *
 * An input: a letter for the route (a the first), a letter for the role, the rest of the path to the end of the line, the body behind it. */
#include "fuzz.h"

#include "base/file.h"
#include "base/log.h"
#include "ca/front.h"
#include "ca/hall.h"
#include "ca/trail.h"

#include <unistd.h>

static struct ca ca;
static char folder[] = "/tmp/jpki-fuzz-intake-XXXXXX", book[sizeof folder + 16], fresh[sizeof folder + 16];

static void must(enum rc rc)
{
    FUZZ_CHECK(rc == RC_OK);
}

static void add_cert(struct store *store, enum authority authority, const char *serial, const char *municipality)
{
    struct book_cert row = {.authority = authority, .created = 1, .not_after = INT64_C(4000000000), .generation = 1};
    char subject[64];
    snprintf(row.serial, sizeof row.serial, "%s", serial);
    snprintf(row.request, sizeof row.request, "request %s", serial);
    snprintf(row.municipality, sizeof row.municipality, "%s", municipality);
    snprintf(row.list, sizeof row.list, "%s", authority == AUTHORITY_OPS ? "" : municipality);
    snprintf(row.officer, sizeof row.officer, "desk-officer FF");
    snprintf(row.key_hash, sizeof row.key_hash, "%s", serial);
    snprintf(subject, sizeof subject, "%s %s", authority_name(authority), serial);
    must(buf_append_text(&row.tbs, "bytes"));
    must(book_add_cert(store, &row, NULL));
    must(book_set_certificate(store, row.id, bytes_of((const uint8_t *)"bytes", 5), NULL));
    must(book_set_confirmed(store, row.id, 1, NULL));
    must(trail_append(store, "fuzz", "issued", subject, NULL, NULL, "made"));
    book_cert_wipe(&row);
}

static void add_approval(struct store *store)
{
    struct statement *s = NULL;
    must(store_prepare(store,
                       "INSERT INTO approvals(id, authority, state, request, key_hash, municipality, officer, asked_by, created,"
                       " decided_at, decided_by, why, name, birth, sex, address) VALUES(7, 'auth', 0, 'enrol-1', 'AB', '462012',"
                       " 'desk-officer FF', 'officer', 1, 0, '', '', 'n', '319800217', '2', 'a')",
                       &s, NULL));
    must(statement_run(s, NULL, NULL));
    statement_done(s);
}

/* The serial of a role's certificate: two hex digits, from 10 on. */
static void serial_of(enum role role, char out[41])
{
    snprintf(out, 41, "%02X", 16 + (unsigned)role);
}

static void make_book(void)
{
    char serial[41];
    must(book_open(fresh, &ca.store, NULL));
    must(store_begin(ca.store, NULL));
    for (enum authority a = 0; a < AUTHORITY_COUNT; a++)
        must(book_add_authority(ca.store, a, 100, bytes_of((const uint8_t *)"ca", 2), NULL));
    for (enum role role = 1; role < ROLE_COUNT; role++) {
        serial_of(role, serial);
        add_cert(ca.store, AUTHORITY_OPS, serial, "000000");
    }
    add_cert(ca.store, AUTHORITY_AUTH, "0A", "462012");
    add_cert(ca.store, AUTHORITY_SIGN, "0A", "462012");
    add_approval(ca.store);
    must(store_commit(ca.store, NULL));
    store_close(ca.store);
}

static void clean(void)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    char path[sizeof book + 8];
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s%s", book, ends[i]);
        (void)unlink(path);
        snprintf(path, sizeof path, "%s%s", fresh, ends[i]);
        (void)unlink(path);
    }
    (void)rmdir(folder);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    log_open("fuzz", LOG_ERROR);
    FUZZ_CHECK(mkdtemp(folder));
    snprintf(book, sizeof book, "%s/book.db", folder);
    snprintf(fresh, sizeof fresh, "%s/fresh.db", folder);
    pthread_mutex_init(&ca.mutex, NULL);
    make_book();
    atexit(clean);
    return 0;
}

/* A new copy of the book: an input leaves nothing behind. */
static void open_book(void)
{
    struct buf bytes = {0};
    must(file_read(fresh, &bytes, NULL));
    must(file_write_atomic(book, buf_bytes(&bytes), 0600, NULL));
    must(book_open(book, &ca.store, NULL));
    buf_wipe(&bytes);
}

static int64_t rows_changed(void)
{
    struct statement *s = NULL;
    must(store_prepare(ca.store, "SELECT (SELECT COUNT(*) FROM audit) + (SELECT COUNT(*) FROM events) + (SELECT COUNT(*) FROM"
                                 " certificates WHERE revoked_at IS NOT NULL) + (SELECT SUM(state) FROM approvals)",
                       &s, NULL));
    must(statement_step(s, NULL));
    int64_t count = column_integer(s, 0);
    statement_done(s);
    return count;
}

static const char *no_query(const struct request *request, const char *name)
{
    return strcmp(name, "month") == 0 ? request->rest : NULL;
}

static void call(const struct route *route, const struct peer *peer, const char *rest, struct bytes body)
{
    struct hall hall = {.ca = &ca};
    struct request request = {.peer = peer, .method = route->method, .path = route->path, .rest = rest, .body = body,
                              .content_type = "application/json", .query = no_query};
    struct response response = {.status = 200};
    struct err err = {0};
    int64_t rows;
    open_book();
    int64_t before = rows_changed();
    enum rc rc = route->handle(&hall, &request, &response, &err);
    FUZZ_CHECK(!rc || err.text[0] || rc == RC_NOT_FOUND); /* a refusal says why … */
    FUZZ_CHECK(!rc || rows_changed() == before);          /* … and changes nothing */
    json_t *json = NULL;
    if (!rc && !response.content_type) {
        FUZZ_CHECK(json_read(buf_bytes(&response.body), &json, NULL) == RC_OK);
        json_decref(json);
    }
    FUZZ_CHECK(trail_verify(ca.store, &rows, NULL) == RC_OK);
    buf_wipe(&response.body);
    store_close(ca.store);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t count = 0;
    const struct route *routes = front_routes();
    const uint8_t *end = size > 2 ? memchr(data + 2, '\n', size - 2) : NULL;
    char rest[200] = "";
    struct peer peer = {.municipality = "462012", .name = "peer"};
    while (routes[count].handle)
        count++;
    if (!end || (size_t)(end - data - 2) >= sizeof rest || memchr(data + 2, 0, (size_t)(end - data - 2)))
        return 0;
    memcpy(rest, data + 2, (size_t)(end - data - 2));
    const struct route *route = &routes[(uint8_t)(data[0] - 'a') % count];
    peer.role = (enum role)(1 + (uint8_t)(data[1] - 'a') % (ROLE_COUNT - 1));
    serial_of(peer.role, peer.serial);
    /* CMP has a harness of its own; the server lets nobody else to a route */
    if (strncmp(route->path, "/cmp/", 5) == 0 || !(route->roles & ROLE_BIT(peer.role)))
        return 0;
    call(route, &peer, rest, bytes_of(end + 1, size - (size_t)(end + 1 - data)));
    return 0;
}

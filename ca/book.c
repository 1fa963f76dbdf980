/* book.c — the schema, and the rows of authorities and certificates. */
#include "ca/book.h"

#include "base/hex.h"
#include "base/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const book_migrations[] = {
    "CREATE TABLE authorities ("
    " authority TEXT PRIMARY KEY, next_serial INTEGER NOT NULL, certificate BLOB NOT NULL);"
    "CREATE TABLE certificates ("
    " id INTEGER PRIMARY KEY, authority TEXT NOT NULL REFERENCES authorities(authority), serial TEXT NOT NULL,"
    " request TEXT NOT NULL, key_hash TEXT NOT NULL, municipality TEXT NOT NULL, list TEXT NOT NULL,"
    " officer TEXT NOT NULL, created INTEGER NOT NULL, not_after INTEGER NOT NULL, tbs BLOB NOT NULL,"
    " certificate BLOB, confirmed_at INTEGER, revoked_at INTEGER, reason INTEGER, revocation INTEGER,"
    " UNIQUE(authority, serial), UNIQUE(authority, request));"
    "CREATE INDEX certificates_revoked ON certificates(authority, list, revocation) WHERE revocation IS NOT NULL;"
    "CREATE INDEX certificates_open ON certificates(created) WHERE confirmed_at IS NULL AND revoked_at IS NULL;"
    "CREATE TABLE lists ("
    " authority TEXT NOT NULL, list TEXT NOT NULL, reserved INTEGER NOT NULL, number INTEGER NOT NULL,"
    " issued INTEGER NOT NULL, next_update INTEGER NOT NULL, covers INTEGER NOT NULL, crl BLOB,"
    " PRIMARY KEY(authority, list));"
    "CREATE TABLE transactions ("
    " id TEXT PRIMARY KEY, authority TEXT NOT NULL, certificate INTEGER NOT NULL REFERENCES certificates(id),"
    " officer TEXT NOT NULL, nonce TEXT NOT NULL, outcome INTEGER NOT NULL, request BLOB NOT NULL);"
    "CREATE TABLE events (sequence INTEGER PRIMARY KEY, event TEXT NOT NULL, time TEXT NOT NULL);"
    "CREATE TABLE audit ("
    " sequence INTEGER PRIMARY KEY, time INTEGER NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL,"
    " subject TEXT NOT NULL, detail TEXT NOT NULL, hash BLOB NOT NULL);"
    "CREATE INDEX audit_subject ON audit(subject, action);",
    "CREATE INDEX certificates_news ON certificates(revocation) WHERE revocation IS NOT NULL;",
    "CREATE TABLE seals ("
    " sequence INTEGER PRIMARY KEY, time INTEGER NOT NULL, hash BLOB NOT NULL, signature BLOB NOT NULL);",
    "ALTER TABLE certificates ADD COLUMN replaces INTEGER REFERENCES certificates(id);",
    "ALTER TABLE certificates ADD COLUMN generation INTEGER NOT NULL DEFAULT 1;"
    /* the same lists, signed by the authority's older keys for those who trust only these */
    "CREATE TABLE copies ("
    " authority TEXT NOT NULL, list TEXT NOT NULL, generation INTEGER NOT NULL, number INTEGER NOT NULL,"
    " crl BLOB NOT NULL, PRIMARY KEY(authority, list, generation));",
    "CREATE TABLE approvals ("
    " id INTEGER PRIMARY KEY, authority TEXT NOT NULL, state INTEGER NOT NULL, request TEXT NOT NULL,"
    " key_hash TEXT NOT NULL, municipality TEXT NOT NULL, officer TEXT NOT NULL, asked_by TEXT NOT NULL,"
    " created INTEGER NOT NULL, decided_at INTEGER NOT NULL, decided_by TEXT NOT NULL, why TEXT NOT NULL,"
    " name TEXT NOT NULL, birth TEXT NOT NULL, sex TEXT NOT NULL, address TEXT NOT NULL, UNIQUE(authority, request));"
    "CREATE INDEX approvals_waiting ON approvals(municipality, id) WHERE state = 0;"
    "CREATE TABLE waits ("
    " id TEXT PRIMARY KEY, authority TEXT NOT NULL, approval INTEGER NOT NULL REFERENCES approvals(id),"
    " officer TEXT NOT NULL, nonce TEXT NOT NULL, request BLOB NOT NULL);",
    /* Lists lie in files; their entries are read in order, from an index alone. */
    "DROP TABLE copies;"
    "ALTER TABLE lists DROP COLUMN crl;"
    "CREATE INDEX certificates_listed ON certificates(authority, list, length(serial), serial, not_after, revoked_at, reason)"
    " WHERE revocation IS NOT NULL;"
    "CREATE INDEX certificates_listed_all ON certificates(authority, length(serial), serial, not_after, revoked_at, reason)"
    " WHERE revocation IS NOT NULL;"
    "CREATE INDEX certificates_unsigned ON certificates(id) WHERE certificate IS NULL;",
    "ALTER TABLE seals ADD COLUMN stamp BLOB;",
};

const size_t book_migration_count = sizeof book_migrations / sizeof book_migrations[0];

enum rc book_open(const char *url, struct store **store, struct err *err)
{
    return store_open(url, book_migrations, book_migration_count, store, err);
}

enum rc book_open_reader(const char *url, struct store **store, struct err *err)
{
    return store_open_reader(url, book_migrations, book_migration_count, store, err);
}

enum rc book_each_row(struct store *store, const char *sql, const struct bind *binds, book_row_fn each, void *context,
                      struct err *err)
{
    struct statement *row;
    enum rc rc = store_query(store, sql, binds, &row, err), said = RC_OK;
    while (!rc && !said && (rc = statement_step(row, err)) == RC_OK)
        said = each(context, row);
    statement_done(row);
    return said ? said : rc == RC_NOT_FOUND ? RC_OK : rc;
}

enum rc book_add_authority(struct store *store, enum authority authority, int64_t next_serial, struct bytes cert,
                           struct err *err)
{
    return store_run(store, "INSERT INTO authorities(authority, next_serial, certificate) VALUES(?1, ?2, ?3)",
                     BINDS(BIND_TEXT(authority_name(authority)), BIND_INTEGER(next_serial), BIND_BLOB(cert)),
                     NULL, err);
}

/* The counter's next, and the counter moved. */
static enum rc book_count_serial(struct store *store, enum authority authority, char serial[BOOK_SERIAL_SIZE],
                                 struct err *err)
{
    int64_t number = 0;
    enum rc rc = store_integer(store,
                               "UPDATE authorities SET next_serial = next_serial + 1 WHERE authority = ?1"
                               " RETURNING next_serial - 1",
                               BINDS(BIND_TEXT(authority_name(authority))), &number, err);
    if (rc)
        return err_set(err, rc, "the serial counter of %s", authority_name(authority));
    char digits[24];
    snprintf(digits, sizeof digits, "%llX", (unsigned long long)number);
    snprintf(serial, BOOK_SERIAL_SIZE, "%s%s", strlen(digits) % 2 ? "0" : "", digits);
    return RC_OK;
}

enum rc book_skip_serials(struct store *store, enum authority authority, int64_t count, struct err *err)
{
    return store_run(store, "UPDATE authorities SET next_serial = next_serial + ?2 WHERE authority = ?1",
                     BINDS(BIND_TEXT(authority_name(authority)), BIND_INTEGER(count)), NULL, err);
}

enum rc book_take_serial(struct store *store, enum authority authority, bool random, char serial[BOOK_SERIAL_SIZE],
                         struct err *err)
{
    uint8_t bytes[17] = { 1 }; /* 128 bits behind a byte that keeps every number positive and of one length */
    if (!random)
        return book_count_serial(store, authority, serial, err);
    enum rc rc = random_bytes(bytes + 1, sizeof bytes - 1);
    if (rc)
        return err_set(err, rc, "no random bytes for a serial number");
    hex_encode(bytes_of(bytes, sizeof bytes), serial);
    return RC_OK;
}

void book_cert_wipe(struct book_cert *cert)
{
    buf_wipe(&cert->tbs);
    buf_wipe(&cert->certificate);
    memset(cert, 0, sizeof *cert);
}

enum book_state book_cert_state(const struct book_cert *cert)
{
    if (cert->revoked_at)
        return BOOK_REVOKED;
    if (!cert->certificate.len)
        return BOOK_RECORDED;
    return cert->confirmed_at ? BOOK_ACTIVE : BOOK_PENDING;
}

const char *book_state_name(enum book_state state)
{
    static const char *const names[] = { "recorded", "pending", "active", "revoked" };
    return names[state];
}

#define CERT_COLUMNS                                                                                                 \
    "SELECT id, authority, serial, request, key_hash, municipality, list, officer, created, not_after, confirmed_at," \
    " revoked_at, reason, tbs, certificate, replaces, generation FROM certificates "

static enum rc book_take_cert(struct statement *s, struct book_cert *cert, struct err *err)
{
    struct book_cert row = { .id = column_integer(s, 0) };
    const char *authority = column_text(s, 1);
    if (!authority || authority_parse(authority, &row.authority))
        return err_set(err, RC_BUG, "certificate %lld has no authority", (long long)row.id);
    column_copy(s, 2, row.serial, sizeof row.serial);
    column_copy(s, 3, row.request, sizeof row.request);
    column_copy(s, 4, row.key_hash, sizeof row.key_hash);
    column_copy(s, 5, row.municipality, sizeof row.municipality);
    column_copy(s, 6, row.list, sizeof row.list);
    column_copy(s, 7, row.officer, sizeof row.officer);
    row.created = column_integer(s, 8);
    row.not_after = column_integer(s, 9);
    row.confirmed_at = column_integer(s, 10);
    row.revoked_at = column_integer(s, 11);
    row.reason = (int)column_integer(s, 12);
    row.replaces = column_integer(s, 15);
    row.generation = (unsigned)column_integer(s, 16);
    enum rc rc = buf_append_bytes(&row.tbs, column_blob(s, 13));
    if (!rc && !column_is_null(s, 14))
        rc = buf_append_bytes(&row.certificate, column_blob(s, 14));
    if (rc)
        book_cert_wipe(&row);
    else
        *cert = row;
    return rc;
}

static enum rc book_find(struct store *store, const char *sql, enum authority authority, const char *key,
                         struct book_cert *cert, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_row(store, sql, BINDS(BIND_TEXT(authority_name(authority)), BIND_TEXT(key)), &s, err);
    if (!rc)
        rc = book_take_cert(s, cert, err);
    statement_done(s);
    return rc;
}

enum rc book_find_serial(struct store *store, enum authority authority, const char *serial, struct book_cert *cert,
                         struct err *err)
{
    return book_find(store, CERT_COLUMNS "WHERE authority = ?1 AND serial = ?2", authority, serial, cert, err);
}

enum rc book_find_request(struct store *store, enum authority authority, const char *request, struct book_cert *cert,
                          struct err *err)
{
    return book_find(store, CERT_COLUMNS "WHERE authority = ?1 AND request = ?2", authority, request, cert, err);
}

enum rc book_find_id(struct store *store, int64_t id, struct book_cert *cert, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_row(store, CERT_COLUMNS "WHERE id = ?1", BINDS(BIND_INTEGER(id)), &s, err);
    if (!rc)
        rc = book_take_cert(s, cert, err);
    statement_done(s);
    return rc;
}

static enum rc book_list_ids(struct store *store, const char *sql, const struct bind *binds, int64_t *ids, size_t max,
                             size_t *count, struct err *err)
{
    size_t n = 0;
    struct statement *s;
    enum rc rc = store_query(store, sql, binds, &s, err);
    while (!rc && n < max && (rc = statement_step(s, err)) == RC_OK)
        ids[n++] = column_integer(s, 0);
    statement_done(s);
    if (rc && rc != RC_NOT_FOUND)
        return rc;
    *count = n;
    return RC_OK;
}

enum rc book_list_unsigned(struct store *store, int64_t *ids, size_t max, size_t *count, struct err *err)
{
    return book_list_ids(store, "SELECT id FROM certificates WHERE certificate IS NULL ORDER BY id", NULL, ids, max, count, err);
}

enum rc book_list_overdue(struct store *store, int64_t before, int64_t *ids, size_t max, size_t *count, struct err *err)
{
    return book_list_ids(store,
                         "SELECT id FROM certificates WHERE confirmed_at IS NULL AND revoked_at IS NULL AND"
                         " created < ?1 ORDER BY id",
                         BINDS(BIND_INTEGER(before)), ids, max, count, err);
}

enum rc book_list_living(struct store *store, enum authority authority, unsigned generation, int64_t now, int64_t *ids,
                         size_t max, size_t *count, struct err *err)
{
    return book_list_ids(store,
                         "SELECT id FROM certificates WHERE authority = ?1 AND generation = ?2 AND revoked_at IS NULL AND"
                         " not_after >= ?3 ORDER BY municipality <> '', id LIMIT ?4",
                         BINDS(BIND_TEXT(authority_name(authority)), BIND_INTEGER(generation), BIND_INTEGER(now),
                               BIND_INTEGER((int64_t)max)), ids, max, count, err);
}

enum rc book_add_cert(struct store *store, struct book_cert *cert, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_prepare(store,
                               "INSERT INTO certificates(authority, serial, request, key_hash, municipality, list,"
                               " officer, created, not_after, tbs, replaces, generation)"
                               " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
                               " RETURNING id",
                               &s, err);
    if (rc)
        return rc;
    const char *const texts[] = { authority_name(cert->authority), cert->serial, cert->request, cert->key_hash,
                                  cert->municipality, cert->list, cert->officer };
    for (int i = 0; i < 7; i++)
        bind_text(s, i + 1, texts[i]);
    bind_integer(s, 8, cert->created);
    bind_integer(s, 9, cert->not_after);
    bind_blob(s, 10, buf_bytes(&cert->tbs));
    if (cert->replaces) /* unbound is NULL */
        bind_integer(s, 11, cert->replaces);
    bind_integer(s, 12, cert->generation ? cert->generation : 1);
    rc = statement_step(s, err);
    if (!rc)
        cert->id = column_integer(s, 0);
    statement_done(s);
    return rc;
}

enum rc book_set_certificate(struct store *store, int64_t id, struct bytes certificate, struct err *err)
{
    int64_t changes = 0;
    enum rc rc = store_run(store, "UPDATE certificates SET certificate = ?2 WHERE id = ?1 AND certificate IS NULL",
                           BINDS(BIND_INTEGER(id), BIND_BLOB(certificate)), &changes, err);
    return rc ? rc : changes == 1 ? RC_OK : RC_STATE; /* RC_STATE: another process finished it */
}

enum rc book_set_confirmed(struct store *store, int64_t id, int64_t when, struct err *err)
{
    int64_t changes = 0;
    enum rc rc = store_run(store,
                           "UPDATE certificates SET confirmed_at = ?2 WHERE id = ?1 AND certificate IS NOT NULL AND"
                           " confirmed_at IS NULL AND revoked_at IS NULL",
                           BINDS(BIND_INTEGER(id), BIND_INTEGER(when)), &changes, err);
    return rc ? rc : changes == 1 ? RC_OK : RC_STATE;
}

enum rc book_set_revoked(struct store *store, int64_t id, int64_t when, int reason, int64_t revocation, struct err *err)
{
    int64_t changes = 0;
    enum rc rc = store_run(store,
                           "UPDATE certificates SET revoked_at = ?2, reason = ?3, revocation = ?4 WHERE id = ?1 AND"
                           " revoked_at IS NULL",
                           BINDS(BIND_INTEGER(id), BIND_INTEGER(when), BIND_INTEGER(reason), BIND_INTEGER(revocation)),
                           &changes, err);
    return rc ? rc : changes == 1 ? RC_OK : RC_STATE;
}

enum rc book_status(struct store *store, enum authority authority, unsigned generation, const char *serial,
                    int64_t *revoked_at, int *reason, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_row(store,
                           "SELECT revoked_at, reason FROM certificates WHERE authority = ?1 AND serial = ?2 AND"
                           " certificate IS NOT NULL AND generation = ?3",
                           BINDS(BIND_TEXT(authority_name(authority)), BIND_TEXT(serial), BIND_INTEGER(generation)),
                           &s, err);
    if (!rc) {
        *revoked_at = column_integer(s, 0);
        *reason = (int)column_integer(s, 1);
    }
    statement_done(s);
    return rc;
}

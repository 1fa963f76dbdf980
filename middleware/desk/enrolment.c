/* enrolment.c — the desk's record in SQL. */
#include "desk/enrolment.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/random.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const step_names[ENROLMENT_STEPS] = {
    [ENROLMENT_PERSONALISE] = "personalise", [ENROLMENT_KEYS] = "keys",         [ENROLMENT_CERTIFY] = "certify",
    [ENROLMENT_WRITE] = "write",             [ENROLMENT_PINS] = "pins",         [ENROLMENT_ACTIVATE] = "activate",
    [ENROLMENT_COMPARE] = "compare",         [ENROLMENT_LINK] = "link",         [ENROLMENT_CONFIRM] = "confirm",
    [ENROLMENT_DONE] = "done",               [ENROLMENT_ABANDON] = "abandon",     [ENROLMENT_ABANDONED] = "abandoned",
};

static const char *const migrations[] = {
    "CREATE TABLE enrolment ("
    " request TEXT PRIMARY KEY, person BLOB NOT NULL, card TEXT NOT NULL UNIQUE, municipality TEXT NOT NULL,"
    " card_expiry BIGINT NOT NULL, started BIGINT NOT NULL, changed BIGINT NOT NULL, step TEXT NOT NULL,"
    " name TEXT, name_substitutes TEXT, birth TEXT, sex TEXT, address TEXT, address_substitutes TEXT,"
    " sign_key BLOB, sign_cert BLOB, sign_ca BLOB, auth_key BLOB, auth_cert BLOB, auth_ca BLOB);"
    "CREATE TABLE proof (request TEXT NOT NULL REFERENCES enrolment, digest_info BLOB NOT NULL, signature BLOB NOT NULL,"
    " PRIMARY KEY (request, digest_info));",
    "ALTER TABLE enrolment ADD COLUMN ward BIGINT NOT NULL DEFAULT 0;"
    "ALTER TABLE enrolment ADD COLUMN without_sign BIGINT NOT NULL DEFAULT 0;",
};

#define COLUMNS                                                                                                        \
    "request, card, municipality, card_expiry, started, changed, step, name, name_substitutes, birth, sex, address, "  \
    "address_substitutes, sign_key, sign_cert, sign_ca, auth_key, auth_cert, auth_ca, ward, without_sign"

struct enrolment_book {
    struct store *store;
    char *lock_path;
    int lock; /* -1 when not held */
};

#define PERSON_LEN 32

const char *enrolment_step_name(enum enrolment_step step)
{
    return (unsigned)step < ENROLMENT_STEPS ? step_names[step] : "?";
}

bool enrolment_is_abandoned(const struct enrolment *enrolment)
{
    return enrolment->step == ENROLMENT_ABANDON || enrolment->step == ENROLMENT_ABANDONED;
}

/* Nobody needs the person's attributes any more. */
static bool enrolment_is_over(enum enrolment_step step)
{
    return step == ENROLMENT_DONE || step == ENROLMENT_ABANDONED;
}

void enrolment_wipe(struct enrolment *enrolment)
{
    for (size_t i = 0; i < 2; i++) {
        buf_wipe(&enrolment->half[i].key);
        buf_wipe(&enrolment->half[i].cert);
        buf_wipe(&enrolment->half[i].ca);
    }
    explicit_bzero(enrolment, sizeof *enrolment);
}

enum rc enrolment_open(const char *folder, struct enrolment_book **book, struct err *err)
{
    enum rc rc = file_make_folder(folder, 0700, err);
    if (rc)
        return rc;
    struct enrolment_book *made = calloc(1, sizeof *made);
    if (!made)
        return RC_NOMEM;
    made->lock = -1;
    made->lock_path = file_join(folder, "desk.lock");
    char *path = file_join(folder, "desk.db");
    rc = made->lock_path && path ? RC_OK : RC_NOMEM;
    if (rc == RC_OK)
        rc = store_open(path, migrations, sizeof migrations / sizeof *migrations, &made->store, err);
    free(path);
    if (rc)
        enrolment_close(made);
    else
        *book = made;
    return rc;
}

enum rc enrolment_lock(struct enrolment_book *book, struct err *err)
{
    return book->lock >= 0 ? RC_OK : file_lock(book->lock_path, &book->lock, err);
}

void enrolment_close(struct enrolment_book *book)
{
    if (!book)
        return;
    if (book->store)
        store_close(book->store);
    if (book->lock >= 0)
        close(book->lock);
    free(book->lock_path);
    free(book);
}

/* Recognises the person without telling who it is: the request's name is the salt. */
static enum rc enrolment_person(const char *request, const char *code, uint8_t person[PERSON_LEN])
{
    struct buf text = { 0 };
    enum rc rc = buf_printf(&text, "%s:%s", request, code);
    if (rc == RC_OK && EVP_Digest(text.data, text.len, person, NULL, EVP_sha256(), NULL) != 1)
        rc = RC_CRYPTO;
    buf_wipe(&text);
    return rc;
}

enum rc enrolment_begin(struct enrolment_book *book, const char *code, struct enrolment *enrolment, struct err *err)
{
    uint8_t name[16], person[PERSON_LEN];
    enum rc rc = random_bytes(name, sizeof name);
    if (rc)
        return rc;
    hex_encode(bytes_of(name, sizeof name), enrolment->request);
    rc = enrolment_person(enrolment->request, code, person);
    if (rc)
        return rc;
    enrolment->started = clock_now();
    rc = store_begin(book->store, err);
    if (rc == RC_OK)
        rc = store_run(book->store,
                       "INSERT INTO enrolment (request, person, card, municipality, card_expiry, started, changed, step, ward)"
                       " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, 'personalise', ?7)",
                       BINDS(BIND_TEXT(enrolment->request), BIND_BLOB(bytes_of(person, sizeof person)),
                             BIND_TEXT(enrolment->card), BIND_TEXT(enrolment->municipality),
                             BIND_INTEGER(enrolment->card_expiry), BIND_INTEGER(enrolment->started),
                             BIND_INTEGER(enrolment->ward)), NULL, err);
    if (rc == RC_OK)
        rc = store_commit(book->store, err);
    if (rc)
        store_rollback(book->store);
    return rc ? rc : enrolment_record(book, enrolment, ENROLMENT_PERSONALISE, err);
}

static enum rc enrolment_take_text(struct statement *row, int column, char *out, size_t size)
{
    const char *text = column_text(row, column);
    size_t len = text ? strlen(text) : 0;
    if (len >= size)
        return RC_FORMAT;
    memcpy(out, text ? text : "", len + 1);
    return RC_OK;
}

static enum rc enrolment_take_step(struct statement *row, int column, enum enrolment_step *step)
{
    const char *text = column_text(row, column);
    for (unsigned i = 0; text && i < ENROLMENT_STEPS; i++)
        if (strcmp(step_names[i], text) == 0) {
            *step = (enum enrolment_step)i;
            return RC_OK;
        }
    return RC_FORMAT;
}

static enum rc enrolment_take_half(struct statement *row, int column, struct enrolment_half *half)
{
    enum rc rc = buf_append_bytes(&half->key, column_blob(row, column));
    if (rc == RC_OK)
        rc = buf_append_bytes(&half->cert, column_blob(row, column + 1));
    if (rc == RC_OK)
        rc = buf_append_bytes(&half->ca, column_blob(row, column + 2));
    return rc;
}

static enum rc enrolment_take(struct statement *row, struct enrolment *out, struct err *err)
{
    struct enrolment made = { 0 };
    struct attributes *a = &made.attributes;
    struct {
        char *to;
        size_t size;
        int column;
    } texts[] = {
        { made.request, sizeof made.request, 0 },
        { made.card, sizeof made.card, 1 },
        { made.municipality, sizeof made.municipality, 2 },
        { a->name, sizeof a->name, 7 },
        { a->name_substitutes, sizeof a->name_substitutes, 8 },
        { a->birth, sizeof a->birth, 9 },
        { a->sex, sizeof a->sex, 10 },
        { a->address, sizeof a->address, 11 },
        { a->address_substitutes, sizeof a->address_substitutes, 12 },
    };
    enum rc rc = RC_OK;
    for (size_t i = 0; rc == RC_OK && i < sizeof texts / sizeof *texts; i++)
        rc = enrolment_take_text(row, texts[i].column, texts[i].to, texts[i].size);
    made.card_expiry = column_integer(row, 3);
    made.started = column_integer(row, 4);
    made.changed = column_integer(row, 5);
    made.ward = column_integer(row, 19) != 0;
    made.without_sign = column_integer(row, 20) != 0;
    if (rc == RC_OK)
        rc = enrolment_take_step(row, 6, &made.step);
    if (rc == RC_OK)
        rc = enrolment_take_half(row, 13, &made.half[AUTHORITY_SIGN]);
    if (rc == RC_OK)
        rc = enrolment_take_half(row, 16, &made.half[AUTHORITY_AUTH]);
    if (rc == RC_OK)
        *out = made;
    else
        enrolment_wipe(&made);
    if (rc == RC_FORMAT)
        err_set(err, rc, "the desk's record is damaged");
    return rc;
}

enum rc enrolment_find(struct enrolment_book *book, const char *card, struct enrolment *enrolment, struct err *err)
{
    struct statement *find;
    enum rc rc = store_row(book->store, "SELECT " COLUMNS " FROM enrolment WHERE card = ?1",
                           BINDS(BIND_TEXT(card)), &find, err);
    if (rc == RC_OK)
        rc = enrolment_take(find, enrolment, err);
    statement_done(find);
    return rc;
}

enum rc enrolment_is_of(struct enrolment_book *book, const struct enrolment *enrolment, const char *code, bool *is_of,
                        struct err *err)
{
    uint8_t person[PERSON_LEN];
    struct statement *find = NULL;
    enum rc rc = enrolment_person(enrolment->request, code, person);
    if (rc == RC_OK)
        rc = store_row(book->store, "SELECT person FROM enrolment WHERE request = ?1",
                       BINDS(BIND_TEXT(enrolment->request)), &find, err);
    if (rc == RC_OK)
        *is_of = bytes_equal(column_blob(find, 0), bytes_of(person, sizeof person));
    statement_done(find);
    return rc;
}

enum rc enrolment_find_person(struct enrolment_book *book, const char *code, struct enrolment *enrolment,
                              struct err *err)
{
    struct statement *all;
    enum rc rc = store_prepare(book->store, "SELECT " COLUMNS ", person FROM enrolment WHERE step NOT IN ('done', 'abandoned')", &all, err);
    if (rc)
        return rc;
    while ((rc = statement_step(all, err)) == RC_OK) {
        uint8_t person[PERSON_LEN];
        const char *request = column_text(all, 0);
        rc = request ? enrolment_person(request, code, person) : RC_FORMAT;
        if (rc)
            break;
        if (bytes_equal(column_blob(all, 21), bytes_of(person, sizeof person))) {
            rc = enrolment_take(all, enrolment, err);
            break;
        }
    }
    statement_done(all);
    return rc;
}

static void enrolment_bind(struct statement *update, const struct enrolment *enrolment, enum enrolment_step step)
{
    const struct attributes *a = &enrolment->attributes;
    const char *texts[] = { a->name, a->name_substitutes, a->birth, a->sex, a->address, a->address_substitutes };
    bind_text(update, 1, enrolment->request);
    bind_text(update, 2, step_names[step]);
    bind_integer(update, 3, enrolment->changed);
    for (int i = 0; i < 6; i++)
        bind_text(update, 4 + i, enrolment_is_over(step) ? NULL : texts[i]);
    static const enum authority order[2] = { AUTHORITY_SIGN, AUTHORITY_AUTH };
    for (int i = 0; i < 2; i++) {
        const struct enrolment_half *half = &enrolment->half[order[i]];
        bind_blob(update, 10 + 3 * i, buf_bytes(&half->key));
        bind_blob(update, 11 + 3 * i, buf_bytes(&half->cert));
        bind_blob(update, 12 + 3 * i, buf_bytes(&half->ca));
    }
    bind_integer(update, 16, enrolment->without_sign);
}

enum rc enrolment_record(struct enrolment_book *book, struct enrolment *enrolment, enum enrolment_step step,
                         struct err *err)
{
    struct statement *update;
    enum rc rc = store_prepare(book->store,
                               "UPDATE enrolment SET step = ?2, changed = ?3, name = ?4, name_substitutes = ?5, birth = ?6,"
                               " sex = ?7, address = ?8, address_substitutes = ?9, sign_key = ?10, sign_cert = ?11,"
                               " sign_ca = ?12, auth_key = ?13, auth_cert = ?14, auth_ca = ?15, without_sign = ?16 WHERE request = ?1",
                               &update, err);
    if (rc)
        return rc;
    fault_point("desk.before_record");
    enrolment->changed = clock_now();
    int64_t changes = 0;
    rc = store_begin(book->store, err);
    if (rc == RC_OK) {
        enrolment_bind(update, enrolment, step);
        rc = statement_run(update, &changes, err);
    }
    statement_done(update);
    if (rc == RC_OK && changes != 1)
        rc = err_set(err, RC_BUG, "the enrolment is not in the desk's record");
    if (rc == RC_OK)
        rc = store_commit(book->store, err);
    if (rc) {
        store_rollback(book->store);
        return rc;
    }
    enrolment->step = step;
    if (enrolment_is_over(step))
        enrolment->attributes = (struct attributes) { 0 };
    fault_point("desk.after_record");
    return RC_OK;
}

enum rc enrolment_keep_proof(struct enrolment_book *book, const char *request, struct bytes digest_info,
                             struct bytes signature, struct err *err)
{
    enum rc rc = store_begin(book->store, err);
    if (rc == RC_OK)
        rc = store_run(book->store, "INSERT INTO proof (request, digest_info, signature) VALUES (?1, ?2, ?3)",
                       BINDS(BIND_TEXT(request), BIND_BLOB(digest_info), BIND_BLOB(signature)), NULL, err);
    if (rc == RC_OK)
        rc = store_commit(book->store, err);
    if (rc)
        store_rollback(book->store);
    return rc;
}

enum rc enrolment_find_proof(struct enrolment_book *book, const char *request, struct bytes digest_info,
                             struct buf *signature, struct err *err)
{
    struct statement *find;
    enum rc rc = store_row(book->store, "SELECT signature FROM proof WHERE request = ?1 AND digest_info = ?2",
                           BINDS(BIND_TEXT(request), BIND_BLOB(digest_info)), &find, err);
    if (rc == RC_OK)
        rc = buf_append_bytes(signature, column_blob(find, 0));
    statement_done(find);
    return rc;
}

enum rc enrolment_each(struct enrolment_book *book, enum rc (*visit)(void *context, const struct enrolment *enrolment),
                       void *context, struct err *err)
{
    struct statement *all;
    enum rc rc = store_prepare(book->store, "SELECT " COLUMNS " FROM enrolment ORDER BY started, request", &all, err);
    if (rc)
        return rc;
    while ((rc = statement_step(all, err)) == RC_OK) {
        struct enrolment enrolment = { 0 };
        rc = enrolment_take(all, &enrolment, err);
        if (rc == RC_OK)
            rc = visit(context, &enrolment);
        enrolment_wipe(&enrolment);
        if (rc)
            break;
    }
    statement_done(all);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

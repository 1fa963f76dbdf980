/* designate.c — assigning codes, making numbers. */
#include "registry/designate.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/random.h"
#include "registry/code.h"
#include "registry/ledger.h"
#include "registry/pool.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

#define KEY_SIZE 32
#define ALL_NUMBERS 100000000000u /* eleven digits */
#define TRIES_MAX 1000

enum rc designate_key(const char *folder, struct secret *key, struct err *err)
{
    char path[4096], hex[2 * KEY_SIZE + 1];
    unsigned char fresh[KEY_SIZE];
    if ((size_t)snprintf(path, sizeof path, "%s/numbers.key", folder) >= sizeof path)
        return err_set(err, RC_RANGE, "%s: the path is too long", folder);
    enum rc rc = secret_read_file(key, path);
    if (rc == RC_NOT_FOUND) {
        rc = random_bytes(fresh, sizeof fresh);
        if (!rc) {
            hex_encode(bytes_of(fresh, sizeof fresh), hex);
            rc = file_create(path, bytes_of(hex, 2 * KEY_SIZE), 0600, err);
        }
        explicit_bzero(fresh, sizeof fresh);
        explicit_bzero(hex, sizeof hex);
        if (rc == RC_OK || rc == RC_EXISTS)
            rc = secret_read_file(key, path);
    }
    if (!rc && key->len != 2 * KEY_SIZE) {
        secret_wipe(key);
        return err_set(err, RC_FORMAT, "%s: not a key of %d hex digits", path, 2 * KEY_SIZE);
    }
    return rc ? err_set(err, rc, "%s: the key of the numbers cannot be had", path) : RC_OK;
}

/* HMAC-SHA-256 of a text, its first eight bytes as a number. */
static enum rc designate_hash(const struct secret *key, const char *text, uint64_t *out)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (!HMAC(EVP_sha256(), key->data, (int)key->len, (const unsigned char *)text, strlen(text), digest, &len) ||
        len < 8)
        return RC_BUG;
    uint64_t value = 0;
    for (size_t i = 0; i < 8; i++)
        value = value << 8 | digest[i];
    *out = value;
    return RC_OK;
}

/* What was assigned to the request, or where the next block begins (RC_NOT_FOUND). */
static enum rc designate_block(struct store *store, const char *municipality, const char *request, int64_t *first,
                               int64_t *count, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_row(store, "SELECT first, count FROM assignment WHERE municipality = ?1 AND request = ?2",
                           BINDS(BIND_TEXT(municipality), BIND_TEXT(request)), &s, err);
    if (!rc) {
        *first = column_integer(s, 0);
        *count = column_integer(s, 1);
    }
    statement_done(s);
    if (rc != RC_NOT_FOUND)
        return rc;
    rc = store_integer(store, "SELECT coalesce(max(first + count), 0) FROM assignment WHERE municipality = ?1",
                       BINDS(BIND_TEXT(municipality)), first, err);
    return rc ? rc : RC_NOT_FOUND;
}

static enum rc designate_assign(struct store *store, const char *municipality, const char *request, int64_t first,
                                int64_t count, struct err *err)
{
    if (first + count > pool_size(municipality))
        return err_set(err, RC_RANGE, "codes: the pool of %s has %lld left", municipality,
                       (long long)(pool_size(municipality) - first));
    return store_run(store,
                     "INSERT INTO assignment (municipality, request, first, count, time) "
                     "VALUES (?1, ?2, ?3, ?4, ?5)",
                     BINDS(BIND_TEXT(municipality), BIND_TEXT(request), BIND_INTEGER(first), BIND_INTEGER(count),
                           BIND_INTEGER(clock_now())), NULL, err);
}

enum rc designate_codes(struct store *store, const struct secret *key, const char *municipality, const char *request,
                        int64_t count, char (*codes)[12], struct err *err)
{
    int64_t first = 0, assigned = count;
    uint64_t seed;
    char text[40];
    if (count < 1 || count > DESIGNATE_CODES_MAX)
        return err_set(err, RC_RANGE, "count: 1 to %d", DESIGNATE_CODES_MAX);
    enum rc rc = designate_block(store, municipality, request, &first, &assigned, err);
    if (!rc && assigned != count)
        rc = err_set(err, RC_CONFLICT, "request: this name was used for %lld codes", (long long)assigned);
    if (rc == RC_NOT_FOUND)
        rc = designate_assign(store, municipality, request, first, count, err);
    snprintf(text, sizeof text, "codes of %.6s", municipality);
    if (!rc)
        rc = designate_hash(key, text, &seed);
    for (int64_t i = 0; !rc && i < count; i++)
        rc = pool_draw(municipality, seed, first + i, codes[i]);
    return rc;
}

/* A code's number that was not replaced; RC_NOT_FOUND. The record's own word counts where nobody asked yet. */
static enum rc designate_present(struct store *store, const char *code, char number[13], struct err *err)
{
    struct ledger_row row;
    enum rc rc = store_text(store, "SELECT number FROM number WHERE code = ?1 AND successor = ''",
                            BINDS(BIND_TEXT(code)), number, 13, err);
    if (rc != RC_NOT_FOUND)
        return rc;
    rc = ledger_find_code(store, code, &row, err);
    if (rc)
        return rc;
    if (!row.resident.particulars.personal_number[0])
        return RC_NOT_FOUND;
    memcpy(number, row.resident.particulars.personal_number, 13);
    return RC_OK;
}

static enum rc designate_is_used(struct store *store, const char *number, bool *used, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_row(store,
                           "SELECT (SELECT count(*) FROM number WHERE number = ?1) + "
                           "(SELECT count(*) FROM location WHERE key = ?1)",
                           BINDS(BIND_TEXT(number)), &s, err);
    if (!rc)
        *used = column_integer(s, 0) != 0;
    statement_done(s);
    return rc;
}

static enum rc designate_write(struct store *store, const char *number, const char *code, const char *successor,
                               struct err *err)
{
    return store_run(store,
                     "INSERT INTO number (number, code, successor, time) VALUES (?1, ?2, ?3, ?4) "
                     "ON CONFLICT (number) DO UPDATE SET successor = ?3",
                     BINDS(BIND_TEXT(number), BIND_TEXT(code), BIND_TEXT(successor), BIND_INTEGER(clock_now())),
                     NULL, err);
}

/* Converts: the tries differ by a counter, so that what collides with a number in use is passed over. */
static enum rc designate_make(struct store *store, const struct secret *key, const char *code, char number[13],
                              struct err *err)
{
    bool used = true;
    for (int i = 0; used; i++) {
        char text[40], digits[24];
        uint64_t value;
        if (i == TRIES_MAX)
            return err_set(err, RC_RANGE, "no number is free for a code");
        snprintf(text, sizeof text, "number %.11s %d", code, i);
        enum rc rc = designate_hash(key, text, &value);
        if (rc)
            return rc;
        snprintf(digits, sizeof digits, "%011llu", (unsigned long long)(value % ALL_NUMBERS));
        snprintf(number, 13, "%.11s%c", digits, code_check_digit(digits));
        if ((rc = designate_is_used(store, number, &used, err)))
            return rc;
    }
    return designate_write(store, number, code, "", err);
}

/* What a number was replaced by: RC_NOT_FOUND when nothing did. */
static enum rc designate_successor(struct store *store, const char *code, const char *previous, char number[13],
                                   struct err *err)
{
    return store_text(store, "SELECT successor FROM number WHERE number = ?1 AND code = ?2 AND successor <> ''",
                      BINDS(BIND_TEXT(previous), BIND_TEXT(code)), number, 13, err);
}

static enum rc designate_replace(struct store *store, const struct secret *key, const char *code, const char *previous,
                                 char number[13], struct err *err)
{
    char present[13];
    enum rc rc = designate_successor(store, code, previous, number, err);
    if (rc != RC_NOT_FOUND)
        return rc;
    rc = designate_present(store, code, present, err);
    if (rc == RC_NOT_FOUND || (!rc && strcmp(present, previous) != 0))
        return err_set(err, RC_CONFLICT, "previous: it is not this person's number");
    if (!rc)
        rc = designate_write(store, previous, code, "", err); /* never to be given again, whoever made it */
    if (!rc)
        rc = designate_make(store, key, code, number, err);
    return rc ? rc : designate_write(store, previous, code, number, err);
}

enum rc designate_number(struct store *store, const struct secret *key, const char *municipality, const char *code,
                         const char *previous, char number[13], struct err *err)
{
    struct ledger_row row;
    if (code_check(code))
        return err_set(err, RC_FORMAT, "code: not 11 digits with a right check digit");
    if (previous[0] && code_check_personal(previous))
        return err_set(err, RC_FORMAT, "previous: not 12 digits with a right check digit");
    enum rc rc = ledger_find_code(store, code, &row, err);
    if (rc && rc != RC_NOT_FOUND)
        return rc;
    if (!rc && !row.removed && strcmp(row.resident.municipality, municipality) != 0)
        return err_set(err, RC_DENIED, "code: registered in another municipality");
    if (previous[0])
        return designate_replace(store, key, code, previous, number, err);
    rc = designate_present(store, code, number, err);
    return rc == RC_NOT_FOUND ? designate_make(store, key, code, number, err) : rc;
}

enum rc designate_recode(struct store *store, const char *previous, const char *code, struct err *err)
{
    return store_run(store, "UPDATE number SET code = ?2 WHERE code = ?1",
                     BINDS(BIND_TEXT(previous), BIND_TEXT(code)), NULL, err);
}

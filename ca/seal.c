/* seal.c — making and checking seals. */
#include "ca/seal.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/hex.h"
#include "ca/trail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum rc seal_encode(const struct seal *seal, struct buf *out)
{
    char when[CLOCK_TEXT_SIZE], hash[2 * sizeof seal->hash + 1];
    clock_format(seal->time, when);
    hex_encode(bytes_of(seal->hash, sizeof seal->hash), hash);
    return buf_printf(out, "open-jpki audit head 1\n%lld\n%s\n%s\n", (long long)seal->sequence, when, hash);
}

enum rc seal_parse(struct bytes text, struct seal *seal)
{
    char copy[SEAL_SIZE + 1], when[CLOCK_TEXT_SIZE], hash[2 * sizeof seal->hash + 1];
    long long sequence;
    struct seal found;
    struct buf decoded = { 0 }, again = { 0 };
    if (text.len > SEAL_SIZE || (text.len && memchr(text.data, 0, text.len)))
        return RC_FORMAT;
    if (text.len)
        memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    if (sscanf(copy, "open-jpki audit head 1\n%19lld\n%20s\n%64s\n", &sequence, when, hash) != 3 || sequence < 1 ||
        clock_parse(when, &found.time) || hex_decode(hash, &decoded) || decoded.len != sizeof found.hash) {
        buf_wipe(&decoded);
        return RC_FORMAT;
    }
    found.sequence = sequence;
    memcpy(found.hash, decoded.data, sizeof found.hash);
    enum rc rc = seal_encode(&found, &again);
    if (!rc && !bytes_equal(buf_bytes(&again), text))
        rc = RC_FORMAT;
    if (!rc)
        *seal = found;
    buf_wipe(&decoded);
    buf_wipe(&again);
    return rc;
}

/* By any of the operations authority's keys: a seal outlives its key. */
static bool seal_signed_by(X509 *const *keys, unsigned count, struct bytes text, struct bytes signature)
{
    enum suite suite;
    while (count--)
        if (suite_of_key(X509_get0_pubkey(keys[count]), &suite) == RC_OK &&
            suite_verifies(suite, X509_get0_pubkey(keys[count]), text, signature))
            return true;
    return false;
}

static bool seal_signed(const struct ca *ca, struct bytes text, struct bytes signature)
{
    return seal_signed_by(ca->certs[AUTHORITY_OPS], ca_newest(ca, AUTHORITY_OPS), text, signature);
}

/* The last seal's number and time; zeros when there is none. */
static enum rc seal_last(struct store *store, struct seal *seal, struct err *err)
{
    struct statement *s = NULL;
    *seal = (struct seal) { 0 };
    enum rc rc = store_row(store, "SELECT sequence, time FROM seals ORDER BY sequence DESC LIMIT 1", NULL, &s, err);
    if (!rc) {
        seal->sequence = column_integer(s, 0);
        seal->time = column_integer(s, 1);
    }
    statement_done(s);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

/* Another process may have sealed the same row. */
static enum rc seal_record(struct store *store, const struct seal *seal, struct bytes signature, struct err *err)
{
    return store_run(store,
                     "INSERT INTO seals(sequence, time, hash, signature) VALUES(?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
                     BINDS(BIND_INTEGER(seal->sequence), BIND_INTEGER(seal->time),
                           BIND_BLOB(bytes_of(seal->hash, sizeof seal->hash)), BIND_BLOB(signature)), NULL, err);
}

/* Handed over to the publisher. The signature first: a head without its own signature is what a crash may leave, and the
 * next seal mends. */
static enum rc seal_hand_over(const struct ca *ca, struct bytes text, struct bytes signature, struct err *err)
{
    char folder[540], head[560], sig[560];
    snprintf(folder, sizeof folder, "%s/lists/audit", ca->folder);
    snprintf(head, sizeof head, "%s/head", folder);
    snprintf(sig, sizeof sig, "%s/head.sig", folder);
    enum rc rc = file_make_folder(folder, 0755, err);
    if (!rc)
        rc = file_write_atomic(sig, signature, 0644, err);
    if (!rc)
        rc = file_write_atomic(head, text, 0644, err);
    return rc;
}

enum rc seal_trail(struct ca *ca, bool now, struct err *err)
{
    struct seal last, seal = { .time = clock_now() };
    struct buf text = { 0 }, signature = { 0 };
    enum rc rc = seal_last(ca->store, &last, err);
    if (!rc && !now && seal.time - last.time < SEAL_INTERVAL && seal.time >= last.time)
        return RC_OK;
    if (!rc)
        rc = trail_head(ca->store, &seal.sequence, seal.hash, err);
    if (rc || seal.sequence <= last.sequence)
        return rc;
    int64_t told = 0;
    rc = trail_last_time(ca->store, &told, err);
    if (!rc && seal.time < told)
        rc = err_set(err, RC_STATE, "the clock stands before the last record: the trail is not sealed");
    if (!rc)
        rc = seal_encode(&seal, &text);
    if (!rc)
        rc = signing_head(ca->signing, buf_bytes(&text), &signature, err);
    if (!rc && !seal_signed(ca, buf_bytes(&text), buf_bytes(&signature)))
        rc = err_set(err, RC_BAD_SIGNATURE, "the seal of the trail does not verify");
    fault_point("seal.after_sign");
    if (!rc)
        rc = seal_record(ca->store, &seal, buf_bytes(&signature), err);
    fault_point("seal.after_record");
    if (!rc)
        rc = seal_hand_over(ca, buf_bytes(&text), buf_bytes(&signature), err);
    buf_wipe(&text);
    buf_wipe(&signature);
    return rc;
}

/* --- checking --------------------------------------------------------------------------------------------------------- */

/* The row of the seal's number has the seal's hash. */
static enum rc seal_check_row(struct store *store, const struct seal *seal, const char *whence, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_row(store, "SELECT hash FROM audit WHERE sequence = ?1",
                           BINDS(BIND_INTEGER(seal->sequence)), &s, err);
    if (rc == RC_NOT_FOUND)
        rc = err_set(err, RC_CONFLICT, "audit row %lld is missing, and %s sealed it", (long long)seal->sequence, whence);
    else if (!rc && !bytes_equal(column_blob(s, 0), bytes_of(seal->hash, sizeof seal->hash)))
        rc = err_set(err, RC_CONFLICT, "audit row %lld or one before it is another one than %s sealed",
                     (long long)seal->sequence, whence);
    statement_done(s);
    return rc;
}

static enum rc seal_check(struct ca *ca, struct bytes text, struct bytes signature, const char *whence, struct err *err)
{
    struct seal seal;
    if (seal_parse(text, &seal))
        return err_set(err, RC_CONFLICT, "%s holds no head of a trail", whence);
    if (!seal_signed(ca, text, signature))
        return err_set(err, RC_CONFLICT, "the signature of %s does not verify", whence);
    return seal_check_row(ca->store, &seal, whence, err);
}

/* One seal after the other; the statement is not kept open across the look at the rows. */
static enum rc seal_check_book(struct ca *ca, int64_t *count, struct err *err)
{
    int64_t at = 0;
    for (*count = 0;; ++*count) {
        struct statement *s = NULL;
        struct seal seal = { 0 };
        struct buf text = { 0 }, signature = { 0 };
        enum rc rc = store_row(ca->store,
                               "SELECT sequence, time, hash, signature FROM seals WHERE sequence > ?1"
                               " ORDER BY sequence LIMIT 1",
                               BINDS(BIND_INTEGER(at)), &s, err);
        if (!rc) {
            struct bytes hash = column_blob(s, 2);
            seal.sequence = at = column_integer(s, 0);
            seal.time = column_integer(s, 1);
            if (hash.len == sizeof seal.hash)
                memcpy(seal.hash, hash.data, hash.len);
            rc = buf_append_bytes(&signature, column_blob(s, 3));
        }
        statement_done(s);
        if (rc == RC_NOT_FOUND)
            return RC_OK;
        if (!rc)
            rc = seal_encode(&seal, &text);
        if (!rc)
            rc = seal_check(ca, buf_bytes(&text), buf_bytes(&signature), "a seal in the book", err);
        buf_wipe(&text);
        buf_wipe(&signature);
        if (rc)
            return rc;
    }
}

/* path and path.sig. RC_NOT_FOUND: no such file. */
static enum rc seal_read_files(const char *path, struct buf *text, struct buf *signature, struct err *err)
{
    char *sig_path = NULL;
    if (asprintf(&sig_path, "%s.sig", path) < 0)
        return RC_NOMEM;
    text->max = SEAL_SIZE;
    signature->max = 1024;
    enum rc rc = file_read(path, text, err);
    if (!rc)
        rc = file_read(sig_path, signature, err);
    free(sig_path);
    return rc;
}

static enum rc seal_check_file(struct ca *ca, const char *path, struct err *err)
{
    struct buf text = { 0 }, signature = { 0 };
    enum rc rc = seal_read_files(path, &text, &signature, err);
    if (!rc)
        rc = seal_check(ca, buf_bytes(&text), buf_bytes(&signature), path, err);
    buf_wipe(&text);
    buf_wipe(&signature);
    return rc;
}

enum rc seal_read(X509 *const *keys, unsigned count, const char *path, struct seal *seal, struct err *err)
{
    struct buf text = { 0 }, signature = { 0 };
    enum rc rc = seal_read_files(path, &text, &signature, err);
    if (!rc && !seal_signed_by(keys, count, buf_bytes(&text), buf_bytes(&signature)))
        rc = err_set(err, RC_BAD_SIGNATURE, "the signature of %s does not verify", path);
    if (!rc)
        rc = seal_parse(buf_bytes(&text), seal);
    buf_wipe(&text);
    buf_wipe(&signature);
    return rc;
}

enum rc seal_verify(struct ca *ca, const char *head, int64_t *count, struct err *err)
{
    char published[560];
    struct err quiet = { 0 };
    snprintf(published, sizeof published, "%s/audit/head", ca->config.publication);
    enum rc rc = seal_check_book(ca, count, err);
    if (!rc) {
        rc = seal_check_file(ca, published, &quiet);
        if (rc == RC_NOT_FOUND && !*count)
            rc = RC_OK; /* nothing was ever sealed */
        else if (rc)
            err_set(err, rc, "%s", err_text(&quiet, rc));
    }
    if (!rc && head)
        rc = seal_check_file(ca, head, err);
    return rc;
}

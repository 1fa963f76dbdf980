/* trail.c — the hash chain. A cut tail cannot be seen from the chain itself: the seals (seal.h) and the comparison with
 * the certificates find it. */
#include "ca/trail.h"

#include "base/clock.h"

#include <openssl/sha.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct trail_row {
    int64_t sequence, time;
    const char *actor, *action, *subject, *detail;
};

static enum rc trail_put_number(struct buf *out, int64_t value)
{
    enum rc rc = buf_append_u32(out, (uint32_t)((uint64_t)value >> 32));
    return rc ? rc : buf_append_u32(out, (uint32_t)value);
}

static enum rc trail_put_text(struct buf *out, const char *text)
{
    enum rc rc = buf_append_u32(out, (uint32_t)strlen(text));
    return rc ? rc : buf_append_text(out, text);
}

static enum rc trail_hash(const uint8_t previous[SHA256_DIGEST_LENGTH], const struct trail_row *row,
                          uint8_t hash[SHA256_DIGEST_LENGTH])
{
    struct buf text = { 0 };
    enum rc rc = buf_append(&text, previous, SHA256_DIGEST_LENGTH);
    if (!rc)
        rc = trail_put_number(&text, row->sequence);
    if (!rc)
        rc = trail_put_number(&text, row->time);
    const char *const texts[] = { row->actor, row->action, row->subject, row->detail };
    for (size_t i = 0; !rc && i < 4; i++)
        rc = trail_put_text(&text, texts[i]);
    if (!rc)
        SHA256(text.data, text.len, hash);
    buf_wipe(&text);
    return rc;
}

enum rc trail_head(struct store *store, int64_t *sequence, uint8_t hash[32], struct err *err)
{
    struct statement *s = NULL;
    *sequence = 0;
    memset(hash, 0, SHA256_DIGEST_LENGTH);
    enum rc rc = store_prepare(store, "SELECT sequence, hash FROM audit ORDER BY sequence DESC LIMIT 1", &s, err);
    if (!rc)
        rc = statement_step(s, err);
    if (!rc) {
        struct bytes blob = column_blob(s, 1);
        *sequence = column_integer(s, 0);
        if (blob.len == SHA256_DIGEST_LENGTH)
            memcpy(hash, blob.data, blob.len);
        else
            rc = err_set(err, RC_CONFLICT, "audit row %lld has no hash", (long long)*sequence);
    } else if (rc == RC_NOT_FOUND) {
        rc = RC_OK;
    }
    statement_done(s);
    return rc;
}

enum rc trail_append(struct store *store, const char *actor, const char *action, const char *subject, int64_t *sequence,
                     struct err *err, const char *detail, ...)
{
    char words[400];
    va_list args;
    va_start(args, detail);
    vsnprintf(words, sizeof words, detail, args);
    va_end(args);
    uint8_t previous[SHA256_DIGEST_LENGTH], hash[SHA256_DIGEST_LENGTH];
    struct trail_row row = { .time = clock_now(), .actor = actor, .action = action, .subject = subject, .detail = words };
    enum rc rc = trail_head(store, &row.sequence, previous, err);
    row.sequence++;
    if (!rc)
        rc = trail_hash(previous, &row, hash);
    struct statement *s = NULL;
    if (!rc)
        rc = store_prepare(store,
                           "INSERT INTO audit(sequence, time, actor, action, subject, detail, hash)"
                           " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                           &s, err);
    if (!rc) {
        bind_integer(s, 1, row.sequence);
        bind_integer(s, 2, row.time);
        bind_text(s, 3, actor);
        bind_text(s, 4, action);
        bind_text(s, 5, subject);
        bind_text(s, 6, words);
        bind_blob(s, 7, bytes_of(hash, sizeof hash));
        rc = statement_run(s, NULL, err);
    }
    statement_done(s);
    if (!rc && sequence)
        *sequence = row.sequence;
    return rc;
}

static enum rc trail_walk(struct store *store, int64_t *rows, struct err *err)
{
    struct statement *s = NULL;
    uint8_t previous[SHA256_DIGEST_LENGTH] = { 0 }, hash[SHA256_DIGEST_LENGTH];
    int64_t expected = 0;
    enum rc rc = store_prepare(
        store, "SELECT sequence, time, actor, action, subject, detail, hash FROM audit ORDER BY sequence", &s, err);
    while (!rc && (rc = statement_step(s, err)) == RC_OK) {
        struct trail_row row = { column_integer(s, 0), column_integer(s, 1), column_text(s, 2),
                                 column_text(s, 3),    column_text(s, 4),    column_text(s, 5) };
        if (row.sequence != ++expected) {
            rc = err_set(err, RC_CONFLICT, "audit row %lld is missing", (long long)expected);
            break;
        }
        if (!row.actor || !row.action || !row.subject || !row.detail || trail_hash(previous, &row, hash) ||
            !bytes_equal(column_blob(s, 6), bytes_of(hash, sizeof hash))) {
            rc = err_set(err, RC_CONFLICT, "audit row %lld was changed, or the row before it", (long long)expected);
            break;
        }
        memcpy(previous, hash, sizeof hash);
    }
    statement_done(s);
    if (rc == RC_NOT_FOUND) {
        *rows = expected;
        rc = RC_OK;
    }
    return rc;
}

/* The first certificate whose story the trail does not tell. */
static enum rc trail_compare(struct store *store, const char *sql, const char *what, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_prepare(store, sql, &s, err);
    if (!rc)
        rc = statement_step(s, err);
    if (!rc)
        rc = err_set(err, RC_CONFLICT, "the trail does not tell that %s %s was %s", column_text(s, 0), column_text(s, 1),
                     what);
    else if (rc == RC_NOT_FOUND)
        rc = RC_OK;
    statement_done(s);
    return rc;
}

enum rc trail_verify(struct store *store, int64_t *rows, struct err *err)
{
    enum rc rc = trail_walk(store, rows, err);
    if (!rc)
        rc = trail_compare(store,
                           "SELECT authority, serial FROM certificates WHERE certificate IS NOT NULL AND 1 <> (SELECT"
                           " COUNT(*) FROM audit WHERE action = 'issued' AND subject = authority || ' ' || serial)"
                           " ORDER BY id LIMIT 1",
                           "issued", err);
    if (!rc)
        rc = trail_compare(store,
                           "SELECT authority, serial FROM certificates WHERE revoked_at IS NOT NULL AND 1 <> (SELECT"
                           " COUNT(*) FROM audit WHERE action = 'revoked' AND subject = authority || ' ' || serial)"
                           " ORDER BY id LIMIT 1",
                           "revoked", err);
    return rc;
}

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

struct trail_tail {
    int64_t sequence, time;
    uint8_t hash[SHA256_DIGEST_LENGTH];
};

/* The last row; zeros when there is none. */
static enum rc trail_tail(struct store *store, struct trail_tail *tail, struct err *err)
{
    struct statement *s = NULL;
    *tail = (struct trail_tail) { 0 };
    enum rc rc = store_row(store, "SELECT sequence, time, hash FROM audit ORDER BY sequence DESC LIMIT 1",
                           NULL, &s, err);
    if (!rc) {
        struct bytes blob = column_blob(s, 2);
        tail->sequence = column_integer(s, 0);
        tail->time = column_integer(s, 1);
        if (blob.len == sizeof tail->hash)
            memcpy(tail->hash, blob.data, blob.len);
        else
            rc = err_set(err, RC_CONFLICT, "audit row %lld has no hash", (long long)tail->sequence);
    } else if (rc == RC_NOT_FOUND) {
        rc = RC_OK;
    }
    statement_done(s);
    return rc;
}

enum rc trail_head(struct store *store, int64_t *sequence, uint8_t hash[32], struct err *err)
{
    struct trail_tail tail;
    enum rc rc = trail_tail(store, &tail, err);
    *sequence = tail.sequence;
    memcpy(hash, tail.hash, sizeof tail.hash);
    return rc;
}

enum rc trail_last_time(struct store *store, int64_t *time, struct err *err)
{
    struct trail_tail tail;
    enum rc rc = trail_tail(store, &tail, err);
    *time = tail.time;
    return rc;
}

static enum rc trail_check_clock(int64_t last, int64_t now, bool accepted, struct err *err)
{
    char text[2][CLOCK_TEXT_SIZE];
    clock_format(now, text[0]);
    clock_format(last, text[1]);
    if (last && now < last)
        return err_set(err, RC_STATE, "the clock (%s) stands before the last record (%s)", text[0], text[1]);
    if (last && !accepted && now - last > TRAIL_AHEAD)
        return err_set(err, RC_STATE, "the clock (%s) is more than %d days after the last record (%s): if it is right, say so"
                                      " (jpki-ca clock --accept)", text[0], TRAIL_AHEAD / 86400, text[1]);
    return RC_OK;
}

/* The row behind the last one. */
static enum rc trail_write(struct store *store, struct trail_row row, bool accepted, int64_t *sequence, struct err *err)
{
    uint8_t hash[SHA256_DIGEST_LENGTH];
    struct trail_tail tail;
    enum rc rc = trail_tail(store, &tail, err);
    if (!rc)
        rc = trail_check_clock(tail.time, row.time, accepted, err);
    row.sequence = tail.sequence + 1;
    if (!rc)
        rc = trail_hash(tail.hash, &row, hash);
    if (!rc)
        rc = store_run(store,
                       "INSERT INTO audit(sequence, time, actor, action, subject, detail, hash)"
                       " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                       BINDS(BIND_INTEGER(row.sequence), BIND_INTEGER(row.time), BIND_TEXT(row.actor),
                             BIND_TEXT(row.action), BIND_TEXT(row.subject), BIND_TEXT(row.detail),
                             BIND_BLOB(bytes_of(hash, sizeof hash))), NULL, err);
    if (!rc && sequence)
        *sequence = row.sequence;
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
    const struct trail_row row = { .time = clock_now(), .actor = actor, .action = action, .subject = subject,
                                   .detail = words };
    return trail_write(store, row, false, sequence, err);
}

enum rc trail_accept_clock(struct store *store, const char *actor, struct err *err)
{
    const struct trail_row row = { .time = clock_now(), .actor = actor, .action = "clock", .subject = "accepted",
                                   .detail = "the clock is right" };
    return trail_write(store, row, true, NULL, err);
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
    enum rc rc = store_row(store, sql, NULL, &s, err);
    if (!rc)
        rc = err_set(err, RC_CONFLICT, "the trail does not tell that %s %s was %s", column_text(s, 0), column_text(s, 1),
                     what);
    else if (rc == RC_NOT_FOUND)
        rc = RC_OK;
    statement_done(s);
    return rc;
}

/* Certificates that the trail tells of and the book has no more were forgotten when their time was over (forget.h), and the
 * trail tells that too. */
static enum rc trail_count(struct store *store, struct err *err)
{
    int64_t missing = 0;
    enum rc rc = store_integer(store,
                               "SELECT (SELECT COUNT(*) FROM audit WHERE action = 'issued') - (SELECT COUNT(*) FROM audit"
                               " WHERE action = 'forgotten') - (SELECT COUNT(*) FROM certificates WHERE certificate IS NOT NULL"
                               " AND municipality <> '')",
                               NULL, &missing, err);
    if (!rc && missing > 0)
        rc = err_set(err, RC_CONFLICT, "%lld certificates that the trail tells of are not in the book", (long long)missing);
    return rc;
}

enum rc trail_verify(struct store *store, int64_t *rows, struct err *err)
{
    enum rc rc = trail_walk(store, rows, err);
    if (!rc)
        rc = trail_compare(store,
                           "SELECT authority, serial FROM certificates WHERE certificate IS NOT NULL AND 1 <> (SELECT"
                           " COUNT(*) FROM audit WHERE action = CASE municipality WHEN '' THEN 'certified' ELSE 'issued' END"
                           " AND subject = authority || ' ' || serial)"
                           " ORDER BY id LIMIT 1",
                           "issued", err);
    if (!rc)
        rc = trail_compare(store,
                           "SELECT authority, serial FROM certificates WHERE revoked_at IS NOT NULL AND 1 <> (SELECT"
                           " COUNT(*) FROM audit WHERE action = 'revoked' AND subject = authority || ' ' || serial)"
                           " ORDER BY id LIMIT 1",
                           "revoked", err);
    return rc ? rc : trail_count(store, err);
}

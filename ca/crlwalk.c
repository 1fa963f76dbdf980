/* crlwalk.c — a window over the bytes: refilled when the next element might not be in it, hashed as it moves on. */
#include "ca/crlwalk.h"

#include "base/hex.h"
#include "pki/der.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WINDOW 65536
#define HEAD_MAX 4096        /* everything before the entries: the issuer's name is the most of it */
#define ENTRY_MAX 64         /* serial number, time and reason are 60 bytes at most */
#define TAIL_MAX 8192        /* extensions, or algorithm and signature */

/* A serial number as a number: entries come by millions, and words compare faster than bytes. */
struct serial_value {
    uint64_t high, middle, low;
};

struct crlwalk {
    crlwalk_read_fn read;
    void *context;
    int fd;
    bool sealed, ended, done;
    uint8_t window[WINDOW];
    size_t start, end;       /* what is read and not yet used */
    size_t hashed;           /* up to here; only while hashing */
    bool hashing;
    uint64_t tbs_left, entries_left;
    uint64_t behind; /* bytes of the outer sequence behind the to-be-signed ones */
    EVP_MD_CTX *md;
    uint8_t digest[CRLWALK_DIGEST];
    unsigned digest_len;
    struct crlwalk_head head;
    struct serial_value last; /* the last entry's serial number */
    size_t last_len;      /* its serial number's bytes as encoded; 0: no entry yet, or one that has no date below */
    uint8_t date[8];      /* the last entry's UTCTime as far as its day, and what it means: entries of one day are many */
    int64_t date_start;
    int64_t count;
    struct buf extensions, signature;
};

static enum rc walk_bad(const struct crlwalk *walk, struct err *err, const char *what)
{
    return err_set(err, RC_FORMAT, "the list is not well-formed: %s, after %lld entries", what, (long long)walk->count);
}

/* Hashes what was used since the last time. */
static enum rc walk_hash(struct crlwalk *walk)
{
    size_t len = walk->start - walk->hashed;
    if (!walk->hashing || !len)
        return RC_OK;
    enum rc rc = EVP_DigestUpdate(walk->md, walk->window + walk->hashed, len) == 1 ? RC_OK : RC_CRYPTO;
    walk->hashed = walk->start;
    return rc;
}

/* Sees to it that `wanted` bytes stand in the window, or all that is left. */
static enum rc walk_fill(struct crlwalk *walk, size_t wanted)
{
    if (walk->end - walk->start >= wanted || walk->ended)
        return RC_OK;
    enum rc rc = walk_hash(walk);
    memmove(walk->window, walk->window + walk->start, walk->end - walk->start);
    walk->end -= walk->start;
    walk->start = walk->hashed = 0;
    while (!rc && !walk->ended && walk->end < WINDOW) {
        size_t got = 0;
        rc = walk->read(walk->context, walk->window + walk->end, WINDOW - walk->end, &got);
        walk->end += got;
        walk->ended = !rc && !got;
    }
    return rc;
}

static struct bytes walk_view(const struct crlwalk *walk)
{
    return bytes_of(walk->window + walk->start, walk->end - walk->start);
}

/* What of the window belongs to the to-be-signed bytes. */
static struct bytes walk_view_tbs(const struct crlwalk *walk)
{
    struct bytes view = walk_view(walk);
    if (view.len > walk->tbs_left)
        view.len = (size_t)walk->tbs_left;
    return view;
}

/* Goes on to where a view now begins. */
static void walk_use(struct crlwalk *walk, struct bytes rest)
{
    size_t used = (size_t)(rest.data - (walk->window + walk->start));
    walk->start += used;
    walk->tbs_left -= used;
}

static bool two_digits(const uint8_t *at, unsigned *out)
{
    unsigned tens = at[0] - '0', ones = at[1] - '0';
    *out = tens * 10 + ones;
    return tens <= 9 && ones <= 9;
}

/* Days since 1970 of a Gregorian date. */
static int64_t days_of(unsigned year, unsigned month, unsigned day)
{
    int64_t y = (int64_t)year - (month <= 2);
    int64_t era = y / 400, of_era = y - era * 400;
    int64_t of_year = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool calendar_has(unsigned year, unsigned month, unsigned day)
{
    static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1] + (month == 2 && leap ? 1u : 0u);
}

/* UTCTime to 2049, GeneralizedTime after it, seconds and Z (RFC 5280 §4.1.2.5). */
static bool time_of(unsigned tag, struct bytes content, int64_t *out)
{
    unsigned century = 0, yy, month, day, hour, minute, second;
    const uint8_t *at = content.data;
    if (content.len != (tag == 0x17 ? 13u : 15u) || (tag != 0x17 && tag != 0x18) || at[content.len - 1] != 'Z')
        return false;
    if (tag == 0x18) {
        if (!two_digits(at, &century))
            return false;
        at += 2;
    }
    if (!two_digits(at, &yy) || !two_digits(at + 2, &month) || !two_digits(at + 4, &day) || !two_digits(at + 6, &hour) ||
        !two_digits(at + 8, &minute) || !two_digits(at + 10, &second))
        return false;
    unsigned year = tag == 0x18 ? century * 100 + yy : yy < 50 ? 2000 + yy : 1900 + yy;
    if ((tag == 0x18 && year < 2050) || !calendar_has(year, month, day) || hour > 23 || minute > 59 || second > 59)
        return false;
    *out = days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second;
    return true;
}

static bool take_time(struct bytes *in, int64_t *out)
{
    unsigned tag;
    struct bytes content;
    return der_next(in, &tag, &content, NULL) == RC_OK && time_of(tag, content, out);
}

/* CertificateList and TBSCertList as far as the entries. */
static enum rc walk_read_head(struct crlwalk *walk, struct err *err)
{
    static const uint8_t version_2[] = { 0x02, 0x01, 0x01 };
    struct bytes view, content, algorithm;
    size_t len;
    enum rc rc = walk_fill(walk, HEAD_MAX);
    if (rc)
        return rc;
    view = walk_view(walk);
    if (walk->sealed && der_take_header(&view, 0x30, &len))
        return walk_bad(walk, err, "no sequence");
    uint64_t outer = walk->sealed ? len : 0;
    walk->tbs_left = UINT64_MAX;
    walk_use(walk, view);
    const uint8_t *tbs = view.data;
    if (der_take_header(&view, 0x30, &len))
        return walk_bad(walk, err, "no to-be-signed sequence");
    walk->tbs_left = len;
    walk->behind = outer - (uint64_t)(view.data - tbs) - len;
    walk->hashed = walk->start;
    walk->hashing = true;
    walk->start = (size_t)(view.data - walk->window);
    view = walk_view_tbs(walk);
    if (view.len < sizeof version_2 || memcmp(view.data, version_2, sizeof version_2) != 0)
        return walk_bad(walk, err, "not version 2");
    view = bytes_of(view.data + sizeof version_2, view.len - sizeof version_2);
    if (der_expect(&view, 0x30, &content, &algorithm) || suite_of_algorithm(algorithm, &walk->head.suite))
        return walk_bad(walk, err, "an algorithm that is not ours");
    if (der_expect(&view, 0x30, &content, &walk->head.issuer))
        return walk_bad(walk, err, "no issuer");
    if (!take_time(&view, &walk->head.this_update) || !take_time(&view, &walk->head.next_update))
        return walk_bad(walk, err, "its times");
    len = 0;
    bool some = view.len && view.data[0] == 0x30;
    if (some && der_take_header(&view, 0x30, &len))
        return walk_bad(walk, err, "the entries' sequence");
    walk->entries_left = len;
    walk_use(walk, view);
    if (some && (!len || len > walk->tbs_left)) /* none: left out (§5.1.2.6) */
        return walk_bad(walk, err, "an empty sequence of entries, or one that is too long");
    walk->md = EVP_MD_CTX_new();
    return walk->md && EVP_DigestInit_ex(walk->md, suite_row(walk->head.suite)->digest(), NULL) == 1 ? RC_OK : RC_CRYPTO;
}

static enum rc read_file(void *context, uint8_t *out, size_t max, size_t *got)
{
    ssize_t n;
    do
        n = read(*(int *)context, out, max);
    while (n < 0 && errno == EINTR);
    *got = n > 0 ? (size_t)n : 0;
    return n < 0 ? RC_IO : RC_OK;
}

/* read NULL: of the descriptor. */
static enum rc walk_make(crlwalk_read_fn read, void *context, int fd, bool sealed, struct crlwalk **out, struct err *err)
{
    struct crlwalk *walk = calloc(1, sizeof *walk);
    if (!walk)
        return RC_NOMEM;
    walk->fd = fd;
    walk->read = read ? read : read_file;
    walk->context = read ? context : &walk->fd;
    walk->sealed = sealed;
    enum rc rc = walk_read_head(walk, err);
    if (rc)
        crlwalk_free(walk);
    else
        *out = walk;
    return rc;
}

enum rc crlwalk_new(crlwalk_read_fn read, void *context, bool sealed, struct crlwalk **walk, struct err *err)
{
    return walk_make(read, context, -1, sealed, walk, err);
}

enum rc crlwalk_new_file(int fd, bool sealed, struct crlwalk **walk, struct err *err)
{
    return walk_make(NULL, NULL, fd, sealed, walk, err);
}

void crlwalk_free(struct crlwalk *walk)
{
    if (!walk)
        return;
    EVP_MD_CTX_free(walk->md);
    buf_wipe(&walk->extensions);
    buf_wipe(&walk->signature);
    free(walk);
}

const struct crlwalk_head *crlwalk_head(const struct crlwalk *walk)
{
    return &walk->head;
}

int crlwalk_compare(const struct crlwalk_entry *a, const struct crlwalk_entry *b)
{
    if (a->serial_len != b->serial_len)
        return a->serial_len < b->serial_len ? -1 : 1;
    int order = memcmp(a->serial, b->serial, a->serial_len);
    return order < 0 ? -1 : order > 0;
}

void crlwalk_serial_text(const struct crlwalk_entry *entry, char out[CRLWALK_SERIAL_TEXT])
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < entry->serial_len; i++) {
        out[2 * i] = digits[entry->serial[i] >> 4];
        out[2 * i + 1] = digits[entry->serial[i] & 15];
    }
    out[2 * entry->serial_len] = '\0';
}

/* Up to eight bytes, big-endian. */
static uint64_t word_of(const uint8_t *at, size_t len)
{
    uint64_t word = 0;
    if (len == 8) {
        memcpy(&word, at, 8);
        return be64toh(word);
    }
    for (size_t i = 0; i < len; i++)
        word = word << 8 | at[i];
    return word;
}

/* A positive INTEGER in its shortest form: *serial is what stands in it behind a zero byte. */
static bool take_serial(struct bytes *in, struct bytes *serial, struct serial_value *value)
{
    if (in->len < 3 || in->data[0] != 0x02 || in->data[1] == 0 || in->data[1] > CRLWALK_SERIAL + 1 ||
        in->data[1] > in->len - 2)
        return false;
    size_t len = in->data[1];
    const uint8_t *at = in->data + 2;
    *in = bytes_of(at + len, in->len - 2 - len);
    if (at[0] & 0x80)
        return false; /* negative */
    if (at[0] == 0) {
        if (len < 2 || !(at[1] & 0x80))
            return false; /* zero, or a needless byte */
        at++;
        len--;
    }
    if (len > CRLWALK_SERIAL)
        return false;
    size_t low = len < 8 ? len : 8, middle = len < 16 ? len - low : 8, high = len - low - middle;
    *serial = bytes_of(at, len);
    *value = (struct serial_value) { word_of(at, high), word_of(at + high, middle), word_of(at + high + middle, low) };
    return true;
}

static bool value_above(const struct serial_value *value, const struct serial_value *last)
{
    if (value->high != last->high)
        return value->high > last->high;
    return value->middle != last->middle ? value->middle > last->middle : value->low > last->low;
}

bool crlwalk_reason(int reason)
{
    return reason >= 1 && reason <= 6;
}

/* Everything of its extension but the code itself. */
static const uint8_t reason_code[] = { 0x30, 0x0C, 0x30, 0x0A, 0x06, 0x03, 0x55, 0x1D, 0x15, 0x04, 0x03, 0x0A, 0x01 };

/* reasonCode and nothing else; unspecified is left out (§5.3.1), removeFromCRL is of delta lists. */
static bool take_reason(struct bytes in, int *reason)
{
    if (!in.len) {
        *reason = 0;
        return true;
    }
    if (in.len != sizeof reason_code + 1 || memcmp(in.data, reason_code, sizeof reason_code) != 0)
        return false;
    *reason = in.data[sizeof reason_code];
    return crlwalk_reason(*reason);
}

struct found {
    struct bytes serial;
    struct serial_value value;
    int64_t when;
    int reason;
    size_t used;
};

static uint64_t load(const uint8_t *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

/* The bytes of an entry of the last one's day whose serial number is as long as the last one's, and short: nearly all of them. The
 * same rules as below, by words instead of elements. 0: what it does not take at once is for those to judge. ENTRY_MAX bytes
 * are there. */
static size_t walk_take_alike(struct crlwalk *walk, const uint8_t *at, struct crlwalk_entry *out)
{
    const uint64_t zeros = 0x3030303030303030, tops = 0xF0F0F0F0F0F0F0F0, six = 0x0606060606060606;
    const size_t len = walk->last_len, plain = len + 2 + 15;
    const uint8_t *time = at + 4 + len, *code = time + 15;
    if (len < 4 || len > 8 || at[0] != 0x30 || at[2] != 0x02 || at[3] != len || at[4] == 0 || (at[4] & 0x80))
        return 0;
    uint64_t value = be64toh(load(time - 8)) << (64 - 8 * len) >> (64 - 8 * len);
    uint64_t digits = load(time + 6); /* the day's two, and hhmmss: what is above 9 leaves its sixteen with six more */
    if (value <= walk->last.low || load(time) != load(walk->date) || time[14] != 'Z' || (digits & tops) != zeros ||
        ((digits + six) & tops) != zeros)
        return 0;
    unsigned hour = time[8] * 10u + time[9] - 11u * '0', minute = time[10] * 10u + time[11] - 11u * '0',
             second = time[12] * 10u + time[13] - 11u * '0';
    int64_t when = walk->date_start + hour * 3600 + minute * 60 + second;
    if (hour > 23 || minute > 59 || second > 59 || when > walk->head.this_update)
        return 0;
    int reason = 0;
    if (at[1] == plain + sizeof reason_code + 1) {
        reason = code[sizeof reason_code];
        if (load(code) != load(reason_code) || load(code + 5) != load(reason_code + 5) || !crlwalk_reason(reason))
            return 0;
    } else if (at[1] != plain) {
        return 0;
    }
    walk->last.low = value;
    if (out) {
        out->serial_len = len;
        out->revoked_at = when;
        out->reason = reason;
        memcpy(out->serial, at + 4, 8);
    }
    return 2u + at[1];
}

/* Any entry, element by element. */
static enum rc walk_take(struct crlwalk *walk, struct bytes view, struct found *found, struct err *err)
{
    if (view.len < 2 || view.data[0] != 0x30 || view.data[1] > ENTRY_MAX - 2 || view.data[1] > view.len - 2)
        return walk_bad(walk, err, "an entry's length");
    found->used = 2u + view.data[1];
    struct bytes content = bytes_of(view.data + 2, found->used - 2);
    if (!take_serial(&content, &found->serial, &found->value))
        return walk_bad(walk, err, "an entry's serial number");
    const uint8_t *time = content.data;
    bool utc = content.len >= 15 && time[0] == 0x17;
    if (!take_time(&content, &found->when))
        return walk_bad(walk, err, "an entry's time");
    if (!take_reason(content, &found->reason))
        return walk_bad(walk, err, "an entry's extensions");
    walk->last_len = 0;
    if (utc && found->when >= 0) {
        walk->last_len = found->serial.len;
        memcpy(walk->date, time, sizeof walk->date);
        walk->date_start = found->when / 86400 * 86400;
    }
    return RC_OK;
}

/* Any entry. */
static enum rc walk_judge_entry(struct crlwalk *walk, struct bytes view, struct crlwalk_entry *out, size_t *used, struct err *err)
{
    struct found found;
    enum rc rc = walk_take(walk, view, &found, err);
    if (rc)
        return rc;
    if (found.when > walk->head.this_update)
        return walk_bad(walk, err, "an entry of a later time than the list");
    if (walk->count && !value_above(&found.value, &walk->last))
        return walk_bad(walk, err, "a serial number that is not above the one before it");
    walk->last = found.value;
    if (out) {
        *out = (struct crlwalk_entry) { .serial_len = found.serial.len, .revoked_at = found.when, .reason = found.reason };
        memcpy(out->serial, found.serial.data, found.serial.len);
    }
    *used = found.used;
    return RC_OK;
}

/* out NULL: it is only judged. */
static enum rc walk_read_entry(struct crlwalk *walk, struct crlwalk_entry *out, struct err *err)
{
    enum rc rc = walk_fill(walk, ENTRY_MAX);
    if (rc)
        return rc;
    struct bytes view = walk_view(walk);
    if (view.len > walk->entries_left)
        view.len = (size_t)walk->entries_left;
    size_t used = view.len >= ENTRY_MAX ? walk_take_alike(walk, view.data, out) : 0;
    if (!used)
        rc = walk_judge_entry(walk, view, out, &used, err);
    if (rc)
        return rc;
    walk->start += used;
    walk->tbs_left -= used;
    walk->entries_left -= used;
    walk->count++;
    return RC_OK;
}

/* Everything behind the entries. */
static enum rc walk_read_tail(struct crlwalk *walk, struct err *err)
{
    unsigned len = 0;
    struct bytes view, content, algorithm;
    enum suite outer;
    enum rc rc = walk->tbs_left <= TAIL_MAX ? walk_fill(walk, TAIL_MAX) : RC_OK;
    if (rc)
        return rc;
    view = walk_view_tbs(walk);
    if (view.len != walk->tbs_left || der_expect(&view, 0xA0, &content, NULL) || view.len)
        return walk_bad(walk, err, "its extensions");
    rc = buf_append_bytes(&walk->extensions, content);
    walk_use(walk, view);
    if (!rc)
        rc = walk_hash(walk);
    walk->hashing = false;
    if (!rc && EVP_DigestFinal_ex(walk->md, walk->digest, &len) != 1)
        rc = RC_CRYPTO;
    walk->digest_len = len;
    if (!rc)
        rc = walk_fill(walk, TAIL_MAX);
    if (rc)
        return rc;
    view = walk_view(walk);
    if (walk->sealed) {
        if (view.len != walk->behind)
            return walk_bad(walk, err, "another length outside than inside");
        if (der_expect(&view, 0x30, &content, &algorithm) || suite_of_algorithm(algorithm, &outer) ||
            outer != walk->head.suite)
            return walk_bad(walk, err, "another algorithm outside than inside");
        if (der_expect(&view, 0x03, &content, NULL) || content.len < 2 || content.data[0])
            return walk_bad(walk, err, "its signature");
        rc = buf_append(&walk->signature, content.data + 1, content.len - 1);
    }
    if (!rc && (view.len || !walk->ended))
        return walk_bad(walk, err, "bytes behind its end");
    return rc;
}

/* Behind the last entry. */
static enum rc walk_end(struct crlwalk *walk, struct err *err)
{
    enum rc rc = walk->done ? RC_OK : walk_read_tail(walk, err);
    walk->done = rc == RC_OK;
    return rc;
}

enum rc crlwalk_next(struct crlwalk *walk, struct crlwalk_entry *entry, struct err *err)
{
    if (!walk->entries_left) {
        enum rc rc = walk_end(walk, err);
        return rc ? rc : RC_NOT_FOUND;
    }
    return walk_read_entry(walk, entry, err);
}

enum rc crlwalk_finish(struct crlwalk *walk, struct err *err)
{
    enum rc rc = RC_OK;
    while (!rc && walk->entries_left)
        rc = walk_read_entry(walk, NULL, err);
    return rc ? rc : walk_end(walk, err);
}

struct bytes crlwalk_extensions(const struct crlwalk *walk)
{
    return buf_bytes(&walk->extensions);
}

struct bytes crlwalk_signature(const struct crlwalk *walk)
{
    return buf_bytes(&walk->signature);
}

int64_t crlwalk_count(const struct crlwalk *walk)
{
    return walk->count;
}

struct bytes crlwalk_digest(const struct crlwalk *walk)
{
    return bytes_of(walk->digest, walk->digest_len);
}

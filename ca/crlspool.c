/* crlspool.c — entries are written by hand, a hundred bytes a time through one buffer: OpenSSL keeps a list in memory at
 * ten times its size. */
#include "ca/crlspool.h"

#include "base/fault.h"
#include "pki/der.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CHUNK 262144
#define ENTRY_MAX 64
#define SERIAL_MAX 20

struct crlspool {
    int fd;
    uint64_t written; /* to the file */
    size_t len;       /* in the chunk */
    int64_t day;      /* the last one whose digits were made: when it began */
    uint8_t date[8];  /* its digits: YYMMDD, or YYYYMMDD from 2050 on */
    size_t date_len;
    uint8_t chunk[CHUNK];
};

enum rc crlspool_new(const char *folder, struct crlspool **out, struct err *err)
{
    struct crlspool *spool = malloc(sizeof *spool);
    if (!spool)
        return RC_NOMEM;
    *spool = (struct crlspool) { /* long before 1950 */ .day = INT64_MIN / 2, .fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600) };
    if (spool->fd < 0) {
        free(spool);
        return err_set_errno(err, RC_IO, "a file without a name in %s", folder);
    }
    *out = spool;
    return RC_OK;
}

void crlspool_free(struct crlspool *spool)
{
    if (spool)
        close(spool->fd);
    free(spool);
}

static enum rc write_whole(int fd, const uint8_t *data, size_t len, struct err *err)
{
    while (len) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return err_set_errno(err, RC_IO, "writing a revocation list");
        data += n;
        len -= (size_t)n;
    }
    return RC_OK;
}

static enum rc spool_flush(struct crlspool *spool, struct err *err)
{
    enum rc rc = write_whole(spool->fd, spool->chunk, spool->len, err);
    if (!rc) {
        spool->written += spool->len;
        spool->len = 0;
    }
    return rc;
}

static void put_two(uint8_t *at, unsigned value)
{
    at[0] = (uint8_t)('0' + value / 10);
    at[1] = (uint8_t)('0' + value % 10);
}

/* UTCTime to 2049, GeneralizedTime after it (RFC 5280 §5.1.2.6). Returns behind it; NULL: before 1950 or after 9999. */
static uint8_t *put_time(struct crlspool *spool, uint8_t *at, int64_t when)
{
    if (when < spool->day || when - spool->day >= 86400) {
        int64_t day = (when >= 0 ? when / 86400 : -((-when + 86399) / 86400)) * 86400;
        time_t midnight = (time_t)day;
        struct tm tm;
        if (!gmtime_r(&midnight, &tm) || tm.tm_year < 50 || tm.tm_year > 8099)
            return NULL;
        unsigned year = (unsigned)tm.tm_year + 1900;
        uint8_t *date = spool->date;
        if (year >= 2050) {
            put_two(date, year / 100);
            date += 2;
        }
        put_two(date, year % 100);
        put_two(date + 2, (unsigned)tm.tm_mon + 1);
        put_two(date + 4, (unsigned)tm.tm_mday);
        spool->date_len = (size_t)(date + 6 - spool->date);
        spool->day = day;
    }
    size_t len = spool->date_len;
    unsigned second = (unsigned)(when - spool->day);
    at[0] = len == 6 ? 0x17 : 0x18;
    at[1] = (uint8_t)(len + 7);
    memcpy(at + 2, spool->date, sizeof spool->date); /* the time's digits go over what is too much of it */
    at += 2 + len;
    put_two(at, second / 3600);
    put_two(at + 2, second / 60 % 60);
    put_two(at + 4, second % 60);
    at[6] = 'Z';
    return at + 7;
}

#define NO_DIGIT 0xF0
/* From '0' on. */
static const uint8_t hex_digits[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, NO_DIGIT, NO_DIGIT, NO_DIGIT, NO_DIGIT, NO_DIGIT, NO_DIGIT,
                                      NO_DIGIT, 10, 11, 12, 13, 14, 15 };

static unsigned hex_digit(char c)
{
    unsigned at = (unsigned)(uint8_t)c - '0';
    return at < sizeof hex_digits ? hex_digits[at] : NO_DIGIT;
}

/* INTEGER in its shortest form. Returns behind it; NULL: no serial number. */
static uint8_t *put_serial(uint8_t *at, const char *serial)
{
    uint8_t *number = at + 2;
    while (serial[0] == '0' && serial[1] == '0')
        serial += 2;
    if (serial[0] >= '8')
        *number++ = 0; /* a byte in front, lest it be negative */
    uint8_t *end = number;
    for (; serial[0]; serial += 2) {
        unsigned high = hex_digit(serial[0]), low = hex_digit(serial[1]);
        if (((high | low) & NO_DIGIT) || end == number + SERIAL_MAX)
            return NULL;
        *end++ = (uint8_t)(high << 4 | low);
    }
    if (end == number)
        return NULL;
    at[0] = 0x02;
    at[1] = (uint8_t)(end - at - 2);
    return end;
}

enum rc crlspool_add(struct crlspool *spool, const char *serial, int64_t revoked_at, int reason, struct err *err)
{
    static const uint8_t extensions[] = { 0x30, 0x0C, 0x30, 0x0A, 0x06, 0x03, 0x55, 0x1D, 0x15, 0x04, 0x03, 0x0A, 0x01 };
    if (CHUNK - spool->len < ENTRY_MAX) {
        enum rc rc = spool_flush(spool, err);
        if (rc)
            return rc;
    }
    uint8_t *entry = spool->chunk + spool->len, *at = put_serial(entry + 2, serial);
    if (at)
        at = put_time(spool, at, revoked_at);
    if (!at)
        return err_set(err, RC_FORMAT, "the serial number %s or its time has no place in a list", serial);
    if (reason) {
        memcpy(at, extensions, sizeof extensions);
        at[sizeof extensions] = (uint8_t)reason;
        at += sizeof extensions + 1;
    }
    entry[0] = 0x30;
    entry[1] = (uint8_t)(at - entry - 2);
    spool->len += (size_t)(at - entry);
    return RC_OK;
}

enum rc crlspool_finish(struct crlspool *spool, int *fd, uint64_t *len, struct err *err)
{
    enum rc rc = spool_flush(spool, err);
    *fd = spool->fd;
    *len = spool->written;
    return rc;
}

/* The spool's bytes behind what is there. Not by copy_file_range: what stands before them is no whole block, so that no disk
 * shares them, and page by page it takes half as long again as this. */
static enum rc copy_entries(struct crlspool *spool, int out, struct err *err)
{
    off_t at = 0, end = (off_t)spool->written;
    while (at < end) {
        ssize_t n = pread(spool->fd, spool->chunk, CHUNK, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return err_set_errno(err, RC_IO, "reading a revocation list");
        enum rc rc = write_whole(out, spool->chunk, (size_t)n, err);
        if (rc)
            return rc;
        at += n;
    }
    return RC_OK;
}

/* SEQUENCE { tbs, algorithm, BIT STRING }: what stands before the to-be-signed bytes and behind them. */
static enum rc frame_outside(uint64_t tbs_len, enum suite suite, struct bytes signature, struct buf *before, struct buf *behind)
{
    struct buf bits = { 0 };
    enum rc rc = buf_append_bytes(behind, suite_row(suite)->identifier);
    if (!rc)
        rc = buf_append_u8(&bits, 0);
    if (!rc)
        rc = buf_append_bytes(&bits, signature);
    if (!rc)
        rc = der_append(behind, 0x03, buf_bytes(&bits));
    if (!rc)
        rc = der_append_header(before, 0x30, tbs_len + behind->len);
    buf_wipe(&bits);
    return rc;
}

enum rc crlspool_write(struct crlspool *spool, const char *path, struct bytes head, struct bytes tail, enum suite suite,
                       struct bytes signature, struct err *err)
{
    struct buf before = { 0 }, behind = { 0 };
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    enum rc rc = fd >= 0          ? frame_outside(head.len + spool->written + tail.len, suite, signature, &before, &behind)
                 : errno == EEXIST ? err_set(err, RC_EXISTS, "%s exists", path)
                                   : err_set_errno(err, RC_IO, "%s", path);
    if (!rc)
        rc = write_whole(fd, before.data, before.len, err);
    if (!rc)
        rc = write_whole(fd, head.data, head.len, err);
    if (!rc)
        rc = copy_entries(spool, fd, err);
    if (!rc)
        rc = write_whole(fd, tail.data, tail.len, err);
    if (!rc)
        rc = write_whole(fd, behind.data, behind.len, err);
    fault_point("crl.before_sync");
    if (!rc && (fchmod(fd, 0644) != 0 || fsync(fd) != 0))
        rc = err_set_errno(err, RC_IO, "%s", path);
    if (fd >= 0)
        close(fd);
    if (rc && rc != RC_EXISTS && fd >= 0)
        (void)unlink(path);
    buf_wipe(&before);
    buf_wipe(&behind);
    return rc;
}

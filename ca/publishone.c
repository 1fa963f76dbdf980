/* publishone.c — copied first, judged in the copy, remembered, put up: nobody can change what was judged. */
#include "ca/publishone.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/log.h"
#include "pki/cert.h"
#include "pki/der.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/err.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CLOCK_SLACK 300
#define CERT_MAX 65536
#define CHUNK 65536

enum rc published_read(const char *path, struct published *published, struct err *err)
{
    struct buf text = { .max = 512 }, digest = { 0 };
    struct published read = { 0 };
    char hex[2 * CRLWALK_DIGEST + 1];
    *published = read;
    enum rc rc = access(path, F_OK) == 0 ? file_read(path, &text, err) : RC_NOT_FOUND;
    if (rc == RC_NOT_FOUND)
        return RC_OK;
    const char *line = rc ? NULL : buf_string(&text);
    if (line && sscanf(line, "%" SCNd64 " %" SCNd64 " %" SCNd64 " %128s", &read.number, &read.this_update, &read.next_update, hex) == 4 &&
        hex_decode(hex, &digest) == RC_OK && digest.len <= CRLWALK_DIGEST) {
        memcpy(read.digest, digest.data, digest.len);
        read.digest_len = digest.len;
        *published = read;
    } else if (!rc) {
        rc = err_set(err, RC_FORMAT, "%s does not tell what was published", path);
    }
    buf_wipe(&text);
    buf_wipe(&digest);
    return rc;
}

bool published_is_up(const struct published *published, const char *path, bool deep)
{
    struct crlwalk *walk = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    bool up = fd >= 0 && crlwalk_new_file(fd, true, &walk, NULL) == RC_OK &&
              crlwalk_head(walk)->this_update == published->this_update;
    if (up && deep)
        up = crlwalk_finish(walk, NULL) == RC_OK &&
             bytes_equal(crlwalk_digest(walk), bytes_of(published->digest, published->digest_len));
    crlwalk_free(walk);
    if (fd >= 0)
        close(fd);
    return up;
}

static enum rc published_write(const char *path, const struct crlfacts *facts, struct err *err)
{
    struct buf text = { 0 };
    char hex[2 * CRLWALK_DIGEST + 1];
    hex_encode(bytes_of(facts->digest, facts->digest_len), hex);
    enum rc rc = buf_printf(&text, "%lld %lld %lld %s\n", (long long)facts->number, (long long)facts->this_update,
                            (long long)facts->next_update, hex);
    if (!rc)
        rc = file_write_atomic(path, buf_bytes(&text), 0600, err);
    buf_wipe(&text);
    return rc;
}

/* Folders below the publication's are for a web server to read, whatever the daemon's umask. */
static enum rc make_public_folder(const char *publication, const char *path, struct err *err)
{
    char folder[PATH_MAX];
    size_t base = strlen(publication);
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash)
        *slash = '\0';
    enum rc rc = file_make_folder(folder, 0755, err);
    for (; !rc && strlen(folder) > base; *slash = '\0') {
        if (chmod(folder, 0755) != 0)
            rc = err_set_errno(err, RC_IO, "%s", folder);
        slash = strrchr(folder, '/');
        if (!slash)
            break;
    }
    return rc;
}

static enum rc copy_bytes(int from, int to, const char *path, struct err *err)
{
    uint8_t chunk[CHUNK];
    struct stat st;
    ssize_t n = fstat(from, &st) == 0 ? 1 : -1;
    off_t left = n > 0 ? st.st_size : 0;
    while (left > 0 && (n = copy_file_range(from, NULL, to, NULL, (size_t)left, 0)) > 0)
        left -= n;
    while (left > 0 && (n = read(from, chunk, sizeof chunk)) > 0) {
        if (write(to, chunk, (size_t)n) != n) {
            n = -1;
            break;
        }
        left -= n;
    }
    return n >= 0 && left == 0 ? RC_OK : err_set_errno(err, RC_IO, "copying to %s", path);
}

/* The temporary copy beside `to`: open for reading, not yet durable. */
static enum rc copy_beside(const char *publication, const char *from, const char *to, char part[PATH_MAX], int *out,
                           struct err *err)
{
    snprintf(part, PATH_MAX, "%s.part", to);
    int source = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (source < 0)
        return errno == ENOENT ? RC_NOT_FOUND : err_set_errno(err, RC_IO, "%s", from);
    enum rc rc = make_public_folder(publication, to, err);
    (void)unlink(part); /* of a torn run */
    int fd = rc ? -1 : open(part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (!rc && fd < 0)
        rc = err_set_errno(err, RC_IO, "%s", part);
    if (!rc)
        rc = copy_bytes(source, fd, part, err);
    if (!rc && (fchmod(fd, 0644) != 0 || lseek(fd, 0, SEEK_SET) != 0))
        rc = err_set_errno(err, RC_IO, "%s", part);
    close(source);
    if (rc && fd >= 0) {
        close(fd);
        (void)unlink(part);
    } else {
        *out = fd;
    }
    return rc;
}

/* Durable under its name, or not there. Closes. */
static enum rc put_up(int fd, const char *part, const char *to, struct err *err)
{
    char folder[PATH_MAX];
    enum rc rc = fsync(fd) == 0 && rename(part, to) == 0 ? RC_OK : err_set_errno(err, RC_IO, "%s", to);
    close(fd);
    snprintf(folder, sizeof folder, "%s", to);
    char *slash = strrchr(folder, '/');
    if (slash)
        *slash = '\0';
    int dir = rc ? -1 : open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (!rc && (dir < 0 || fsync(dir) != 0))
        rc = err_set_errno(err, RC_IO, "%s", folder);
    if (dir >= 0)
        close(dir);
    if (rc)
        (void)unlink(part);
    return rc;
}

enum rc publishone_copy(const char *publication, const char *from, const char *to, struct err *err)
{
    char part[PATH_MAX];
    int fd;
    enum rc rc = copy_beside(publication, from, to, part, &fd, err);
    return rc ? rc : put_up(fd, part, to, err);
}

/* --- proofs ------------------------------------------------------------------------------------------------------------------ */

/* The certificates come in the order of the entries that they are for: one look at the file's start to end. */
struct proving {
    const struct publishone *one;
    int64_t last_issued;
    struct buf proofs; /* what is read and not used */
    int fd;            /* -1: no proofs */
    bool ended;
};

static enum rc proving_fill(struct proving *proving, struct bytes *view)
{
    uint8_t *at;
    while (!proving->ended && proving->proofs.len < CERT_MAX) {
        size_t before = proving->proofs.len;
        enum rc rc = buf_extend(&proving->proofs, CERT_MAX, &at);
        if (rc)
            return rc;
        ssize_t n = read(proving->fd, at, CERT_MAX);
        buf_truncate(&proving->proofs, before + (n > 0 ? (size_t)n : 0));
        proving->ended = n <= 0;
    }
    *view = buf_bytes(&proving->proofs);
    return RC_OK;
}

static void proving_use(struct proving *proving, size_t len)
{
    memmove(proving->proofs.data, proving->proofs.data + len, proving->proofs.len - len);
    buf_truncate(&proving->proofs, proving->proofs.len - len);
}

/* The next certificate's bytes; NULL at the end or for anything else. */
static X509 *proving_next(struct proving *proving)
{
    struct bytes view;
    size_t len;
    X509 *cert = NULL;
    if (proving->fd < 0 || proving_fill(proving, &view) || view.len < 4 || der_sequence_length(view, &len) || len > view.len ||
        cert_parse(bytes_of(view.data, len), &cert))
        return NULL;
    proving_use(proving, len);
    return cert;
}

static bool proof_signed(const struct publishone *one, X509 *cert)
{
    bool sound = false;
    for (unsigned i = 0; !sound && i < one->key_count; i++)
        sound = X509_verify(cert, X509_get0_pubkey(one->keys[i])) == 1;
    ERR_clear_error();
    return sound && X509_NAME_cmp(X509_get_issuer_name(cert), X509_get_subject_name(one->ca)) == 0;
}

/* An entry of the published list may go when its certificate says itself that it had ended before. Certificates of entries
 * that are still there are passed over: the proof was made against an older list. */
static enum rc proved(void *context, const struct crlwalk_entry *entry, struct err *err)
{
    struct proving *proving = context;
    char serial[CRLWALK_SERIAL_TEXT];
    enum rc rc = RC_CONFLICT;
    crlwalk_serial_text(entry, serial);
    for (X509 *cert; rc && (cert = proving_next(proving)); X509_free(cert)) {
        struct buf text = { 0 };
        const char *of = cert_serial(cert, &text) ? NULL : buf_string(&text);
        bool same = of && strcmp(of, serial) == 0;
        bool sound = same && proof_signed(proving->one, cert);
        buf_wipe(&text);
        if (sound && cert_not_after(cert) < proving->last_issued)
            rc = RC_OK;
        if (same && rc) {
            X509_free(cert);
            break;
        }
    }
    return rc ? err_set(err, rc, "the list loses the entry of %s without proof that its certificate had ended", serial) : RC_OK;
}

/* --- judging ----------------------------------------------------------------------------------------------------------------- */

/* The published file when it is a sound list of this authority, by whichever of its keys: the first list of a new key follows the
 * last one of the old key, and the old key's first list under a name of its own the one that stood under the point's. */
static enum rc open_published(const struct publishone *one, int *fd, struct crlfacts *facts)
{
    struct crlwalk *walk = NULL;
    *fd = open(one->to, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (*fd < 0 && one->before)
        *fd = open(one->before, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (*fd < 0)
        return RC_NOT_FOUND;
    enum rc rc = crlwalk_new_file(*fd, true, &walk, NULL);
    if (!rc)
        rc = crljudge_head_any(one->keys, one->key_count, walk, NULL);
    if (!rc)
        rc = crlwalk_finish(walk, NULL);
    if (!rc)
        rc = crljudge_end_any(one->keys, one->key_count, one->authority, walk, facts, NULL);
    crlwalk_free(walk);
    if (rc || lseek(*fd, 0, SEEK_SET) != 0) {
        log_warning("%s is no list of this authority any more, and is not compared with", one->to);
        crlfacts_wipe(facts);
        close(*fd);
        return RC_NOT_FOUND;
    }
    return RC_OK;
}

static enum rc judge_times(const struct crlwalk_head *head, struct err *err)
{
    int64_t now = clock_now();
    if (head->this_update > now + CLOCK_SLACK)
        return err_set(err, RC_STATE, "the list is not in force yet");
    return head->next_update > now ? RC_OK : err_set(err, RC_CONFLICT, "the list is no more in force");
}

/* Walks the new list to its end, beside the published one when there is one. */
static enum rc judge_entries(const struct publishone *one, struct crlwalk *walk, int published_fd, int64_t last_issued,
                             struct err *err)
{
    struct crlwalk *published = NULL;
    if (published_fd < 0)
        return crlwalk_finish(walk, err);
    struct proving proving = { .one = one, .last_issued = last_issued, .fd = open(one->ended, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) };
    proving.proofs.max = 4 * CERT_MAX;
    enum rc rc = crlwalk_new_file(published_fd, true, &published, err);
    if (!rc)
        rc = crljudge_entries(published, walk, proved, &proving, err);
    crlwalk_free(published);
    buf_wipe(&proving.proofs);
    if (proving.fd >= 0)
        close(proving.fd);
    return rc;
}

static enum rc judge_scope(const struct publishone *one, const struct crlfacts *facts, struct err *err)
{
    struct buf scope = { 0 };
    enum rc rc = crljudge_scope(one->point, one->only_ca, &scope);
    if (!rc && !bytes_equal(buf_bytes(&scope), buf_bytes(&facts->scope)))
        rc = err_set(err, RC_DENIED, "the list has another scope than the one it is handed over for");
    buf_wipe(&scope);
    return rc;
}

/* Against what is remembered and what is up. The same list once more mends a publication that was lost. */
static enum rc judge_order(const struct published *last, const struct crlfacts *up, const struct crlfacts *facts,
                           struct err *err)
{
    struct bytes digest = bytes_of(facts->digest, facts->digest_len);
    if (facts->number == last->number && bytes_equal(digest, bytes_of(last->digest, last->digest_len)))
        return RC_OK;
    if (facts->number <= last->number)
        return err_set(err, RC_CONFLICT, "the list's number %lld would not rise: %lld was published; " CRLJUDGE_AHEAD,
                       (long long)facts->number, (long long)last->number);
    if (facts->this_update < last->this_update)
        return err_set(err, RC_CONFLICT, "the list is of an earlier time than the one that was published");
    return up->number ? crljudge_order(up, facts, err) : RC_OK;
}

static enum rc judge(const struct publishone *one, int fd, struct crlfacts *facts, struct err *err)
{
    struct crlwalk *walk = NULL;
    struct published last;
    struct crlfacts up = { 0 };
    int published_fd = -1;
    enum rc rc = published_read(one->memory, &last, err);
    if (!rc)
        rc = crlwalk_new_file(fd, true, &walk, err);
    if (!rc)
        rc = crljudge_head(one->ca, walk, err);
    if (!rc)
        rc = judge_times(crlwalk_head(walk), err);
    if (!rc && open_published(one, &published_fd, &up))
        published_fd = -1;
    if (!rc)
        rc = judge_entries(one, walk, published_fd, up.this_update, err);
    if (!rc)
        rc = crljudge_tail(one->ca, one->authority, walk, facts, err);
    if (!rc)
        rc = crljudge_signature(one->ca, walk, err);
    if (!rc)
        rc = judge_scope(one, facts, err);
    if (!rc)
        rc = judge_order(&last, &up, facts, err);
    crlfacts_wipe(&up);
    crlwalk_free(walk);
    if (published_fd >= 0)
        close(published_fd);
    return rc;
}

enum rc publishone_run(const struct publishone *one, struct err *err)
{
    char part[PATH_MAX];
    struct crlfacts facts = { 0 };
    int fd;
    fault_point("publisher.before_copy");
    enum rc rc = copy_beside(one->publication, one->from, one->to, part, &fd, err);
    if (rc)
        return rc;
    fault_point("publisher.after_copy");
    rc = judge(one, fd, &facts, err);
    fault_point("publisher.after_judge");
    if (!rc)
        rc = published_write(one->memory, &facts, err);
    fault_point("publisher.after_memory");
    if (rc) {
        close(fd);
        (void)unlink(part);
    } else {
        rc = put_up(fd, part, one->to, err);
    }
    fault_point("publisher.after_put_up");
    if (!rc)
        log_info("published %s number %lld, %lld entries", one->to, (long long)facts.number, (long long)facts.entries);
    crlfacts_wipe(&facts);
    return rc;
}

/* listfollow.c — two lists walked side by side, with the book at hand. */
#include "ca/listfollow.h"

#include "base/log.h"
#include "ca/book.h"
#include "ca/crljudge.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What may be lost, and the proofs on their way. */
struct losing {
    const struct listfollow *follow;
    int64_t last_issued; /* of the list that has the entry */
    FILE *ended;         /* NULL: nobody asks for proof */
};

static enum rc open_walk(const char *path, int *fd, struct crlwalk **walk, struct err *err)
{
    *fd = open(path, O_RDONLY | O_CLOEXEC);
    if (*fd < 0)
        return errno == ENOENT ? RC_NOT_FOUND : err_set_errno(err, RC_IO, "%s", path);
    enum rc rc = crlwalk_new_file(*fd, true, walk, err);
    if (rc)
        close(*fd);
    return rc;
}

static void close_walk(int fd, struct crlwalk *walk)
{
    crlwalk_free(walk);
    close(fd);
}

enum rc listfollow_time(const char *path, int64_t *this_update)
{
    int fd;
    struct crlwalk *walk = NULL;
    enum rc rc = path ? open_walk(path, &fd, &walk, NULL) : RC_NOT_FOUND;
    if (rc)
        return rc;
    *this_update = crlwalk_head(walk)->this_update;
    close_walk(fd, walk);
    return RC_OK;
}

static enum rc may_go(void *context, const struct crlwalk_entry *entry, struct err *err)
{
    struct losing *losing = context;
    const struct listfollow *follow = losing->follow;
    struct book_cert row = { 0 };
    char serial[CRLWALK_SERIAL_TEXT];
    crlwalk_serial_text(entry, serial);
    enum rc rc = book_find_serial(follow->store, follow->authority, serial, &row, err);
    if (rc == RC_NOT_FOUND || (!rc && (row.not_after >= losing->last_issued || !row.certificate.len)))
        rc = err_set(err, RC_CONFLICT, "the list would lose the entry of %s", serial);
    if (!rc && losing->ended && fwrite(row.certificate.data, row.certificate.len, 1, losing->ended) != 1)
        rc = err_set_errno(err, RC_IO, "%s", follow->ended);
    book_cert_wipe(&row);
    return rc;
}

/* At the end of a walk: everything but what came before it. */
static enum rc judge_end(const struct listfollow *follow, struct crlwalk *walk, struct crlfacts *facts, struct err *err)
{
    enum rc rc = crljudge_tail(follow->ca, follow->authority, walk, facts, err);
    return rc ? rc : crljudge_signature(follow->ca, walk, err);
}

static enum rc number_is(int64_t found, int64_t number, struct err *err)
{
    return found == number ? RC_OK
                           : err_set(err, RC_CONFLICT, "the list has the number %lld, not %lld", (long long)found, (long long)number);
}

/* The new list against the one at `path`. *number: of that one. RC_NOT_FOUND: there is none. */
static enum rc follow_one(const struct listfollow *follow, const char *path, FILE *ended, int64_t *number, struct err *err)
{
    int last_fd, next_fd;
    struct crlwalk *last = NULL, *next = NULL;
    struct crlfacts of_last = { 0 }, of_next = { 0 };
    enum rc rc = open_walk(path, &last_fd, &last, err);
    if (rc)
        return rc;
    rc = open_walk(follow->next, &next_fd, &next, err);
    if (!rc) {
        struct losing losing = { follow, crlwalk_head(last)->this_update, ended };
        rc = crljudge_head_any(follow->keys, follow->key_count, last, err);
        if (!rc)
            rc = crljudge_head(follow->ca, next, err);
        if (!rc)
            rc = crljudge_entries(last, next, may_go, &losing, err);
        if (!rc)
            rc = crljudge_end_any(follow->keys, follow->key_count, follow->authority, last, &of_last, err);
        if (!rc)
            rc = judge_end(follow, next, &of_next, err);
        if (!rc)
            rc = crljudge_order(&of_last, &of_next, err);
        if (!rc)
            rc = number_is(of_next.number, follow->number, err);
        *number = of_last.number;
        close_walk(next_fd, next);
    }
    close_walk(last_fd, last);
    crlfacts_wipe(&of_last);
    crlfacts_wipe(&of_next);
    return rc;
}

/* A list alone, all of it, by one of these keys. *number is its own. */
static enum rc follow_none(X509 *const *keys, unsigned count, enum authority authority, const char *path, int64_t *number,
                           struct err *err)
{
    int fd;
    struct crlwalk *walk = NULL;
    struct crlfacts facts = { 0 };
    enum rc rc = open_walk(path, &fd, &walk, err);
    if (rc)
        return rc;
    rc = crljudge_head_any(keys, count, walk, err);
    if (!rc)
        rc = crlwalk_finish(walk, err);
    if (!rc)
        rc = crljudge_end_any(keys, count, authority, walk, &facts, err);
    *number = facts.number;
    crlfacts_wipe(&facts);
    close_walk(fd, walk);
    return rc;
}

enum rc listfollow_number(X509 *const *keys, unsigned count, enum authority authority, const char *path, int64_t *number)
{
    return follow_none(keys, count, authority, path, number, NULL);
}

/* What lies in the publication may be anything: only a list of this authority can hold up the next one. */
static enum rc follow_published(const struct listfollow *follow, int64_t *number, struct err *err)
{
    struct err why = { 0 };
    int64_t none;
    FILE *ended = fopen(follow->ended, "we");
    if (!ended)
        return err_set_errno(err, RC_IO, "%s", follow->ended);
    enum rc rc = follow_one(follow, follow->published, ended, number, &why);
    if (fflush(ended) != 0 || fsync(fileno(ended)) != 0)
        rc = rc ? rc : err_set_errno(&why, RC_IO, "%s", follow->ended);
    long len = ftell(ended);
    fclose(ended);
    if (rc && rc != RC_NOT_FOUND && rc != RC_IO && listfollow_number(follow->keys, follow->key_count, follow->authority, follow->published, &none)) {
        log_warning("%s is no list of this authority, and is not compared with", follow->published);
        rc = RC_NOT_FOUND;
    }
    if (rc || len <= 0)
        (void)unlink(follow->ended); /* nothing to prove */
    if (rc == RC_NOT_FOUND) {
        *number = 0;
        return RC_OK;
    }
    return rc ? err_set(err, rc, "%s", err_text(&why, rc)) : RC_OK;
}

enum rc listfollow_check(const struct listfollow *follow, struct err *err)
{
    int64_t published = 0, last = 0;
    enum rc rc = follow_published(follow, &published, err);
    if (!rc && follow->last && published < follow->last_number) {
        rc = follow_one(follow, follow->last, NULL, &last, err);
        if (rc == RC_NOT_FOUND)
            rc = RC_OK;
    }
    if (rc || published || last)
        return rc;
    rc = follow_none(&follow->ca, 1, follow->authority, follow->next, &last, err);
    return rc ? rc : number_is(last, follow->number, err);
}

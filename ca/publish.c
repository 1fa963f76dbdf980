/* publish.c — building, judging and handing over revocation lists. */
#include "ca/publish.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/log.h"
#include "ca/crljudge.h"
#include "ca/crlspool.h"
#include "ca/extensions.h"
#include "ca/listfollow.h"
#include "ca/listplace.h"
#include "ca/tbs.h"
#include "ca/trail.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOCK_WAIT 12000 /* times 10 ms: a list of ten millions takes some seconds */
#define LISTS_MAX 4096  /* two authorities, fewer than 1,900 municipalities */
#define PUBLISHED_WAIT 300 /* times 10 ms */

/* One list in work: the same entries for every key of its authority that lives. */
struct making_key {
    struct issuer issuer;
    struct listplace place;
    struct buf published;               /* path */
    struct buf part, later_part, ended; /* paths while it is made */
};

struct making {
    struct ca *ca;
    struct book_list last, next;
    int64_t later_number;
    X509_NAME *point;
    struct crlspool *spool;
    int entries;
    uint64_t entries_len;
    struct making_key keys[CACONFIG_GENERATIONS]; /* the newest last */
    unsigned count;
};

static void making_wipe(struct making *making)
{
    X509_NAME_free(making->point);
    crlspool_free(making->spool);
    for (unsigned i = 0; i < making->count; i++) {
        buf_wipe(&making->keys[i].published);
        buf_wipe(&making->keys[i].part);
        buf_wipe(&making->keys[i].later_part);
        buf_wipe(&making->keys[i].ended);
    }
}

/* One byte of a file a list. An open file description of its own: threads keep each other out too. */
static enum rc publish_lock(struct ca *ca, enum authority authority, const char *name, int *fd, struct err *err)
{
    char *path = file_join(ca->folder, "publish.lock");
    long which = strcmp(name, LISTPLACE_ALL) == 0 ? 1 : name[0] ? atol(name) : 0;
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)authority * 1000000 + which, .l_len = 1 };
    int opened = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    enum rc rc = opened >= 0 ? RC_CONFLICT : err_set_errno(err, RC_IO, "%s", path ? path : "publish.lock");
    free(path);
    for (int i = 0; rc == RC_CONFLICT && i < LOCK_WAIT; i++) {
        if (fcntl(opened, F_OFD_SETLK, &lock) == 0)
            rc = RC_OK;
        else if (errno == EAGAIN || errno == EACCES)
            usleep(10000);
        else
            rc = err_set_errno(err, RC_IO, "publish.lock");
    }
    if (rc == RC_CONFLICT)
        rc = err_set(err, RC_TIMEOUT, "another process keeps making list '%s' of %s", name, authority_name(authority));
    if (rc && opened >= 0)
        close(opened);
    else
        *fd = opened;
    return rc;
}

static void list_subject(const struct book_list *list, char out[64])
{
    snprintf(out, 64, "%s list %s", authority_name(list->authority), list->list[0] ? list->list : "own");
}

/* Told before it is signed: what cannot be told is not signed. */
static enum rc making_take_numbers(struct making *making, struct err *err)
{
    struct store *store = making->ca->store;
    struct book_list *next = &making->next;
    char subject[64];
    list_subject(next, subject);
    enum rc rc = store_begin(store, err);
    if (rc)
        return rc;
    rc = book_take_crl_numbers(store, next->authority, next->list, 2, &next->number, err);
    if (!rc)
        rc = trail_append(store, "clock", "crl-number", subject, NULL, err, "number %lld, and %lld ahead",
                          (long long)next->number, (long long)next->number + 1);
    if (!rc)
        rc = store_commit(store, err);
    store_rollback(store);
    making->later_number = next->number + 1;
    return rc;
}

/* Where the list of one key is published. The newest key's has the point's own name. */
static enum rc published_path(const struct ca *ca, const struct listplace *place, struct buf *path, struct err *err)
{
    X509 *older = place->generation < ca_newest(ca, place->authority) ? ca_cert(ca, place->authority, place->generation) : NULL;
    enum rc rc = listplace_published(ca->config.publication, ca->config.organisation, place, older, path, err);
    return rc || buf_string(path) ? rc : RC_NOMEM;
}

static enum rc key_paths(const struct making *making, struct making_key *key, struct err *err)
{
    struct buf *const parts[] = { &key->part, &key->later_part, &key->ended };
    enum rc rc = published_path(making->ca, &key->place, &key->published, err);
    for (int kind = LISTPLACE_LIST; !rc && kind <= LISTPLACE_ENDED; kind++) {
        int64_t number = kind == LISTPLACE_LATER ? making->later_number : making->next.number;
        rc = listplace_handed(making->ca->folder, &key->place, number, (enum listplace_kind)kind, parts[kind]);
        if (!rc)
            rc = buf_append_text(parts[kind], ".part");
        if (!rc && !buf_string(parts[kind]))
            rc = RC_NOMEM;
    }
    return rc;
}

static enum rc making_paths(struct making *making, struct err *err)
{
    struct ca *ca = making->ca;
    struct book_list *next = &making->next;
    struct buf folder = { 0 };
    enum rc rc = listplace_point(next->authority, ca->config.organisation, next->list, &making->point, err);
    if (!rc)
        rc = listplace_folder(ca->folder, next->authority, &folder);
    const char *path = rc ? NULL : buf_string(&folder);
    if (!rc)
        rc = path ? file_make_folder(path, 0755, err) : RC_NOMEM;
    for (unsigned g = 1; !rc && g <= ca_newest(ca, next->authority); g++) {
        if (g < ca_newest(ca, next->authority) && !ca_lives(ca, next->authority, g))
            continue;
        struct making_key *key = &making->keys[making->count++];
        key->issuer = ca_issuer(ca, next->authority, g);
        key->place = (struct listplace) { .authority = next->authority, .generation = g };
        snprintf(key->place.name, sizeof key->place.name, "%s", next->list);
        rc = key_paths(making, key, err);
    }
    if (!rc)
        rc = crlspool_new(path, &making->spool, err);
    buf_wipe(&folder);
    return rc;
}

struct spooling {
    struct crlspool *spool;
    struct err *err;
};

static enum rc each_entry(void *context, const char *serial, int64_t revoked_at, int reason)
{
    struct spooling *spooling = context;
    return crlspool_add(spooling->spool, serial, revoked_at, reason, spooling->err);
}

/* An entry may go when a list that the world has seen was issued after its certificate's end (RFC 5280 §3.3): what counts
 * is what is published, should the publisher be behind. */
static enum rc making_spool(struct making *making, struct err *err)
{
    struct store *store = making->ca->store;
    struct book_list *next = &making->next;
    struct spooling spooling = { making->spool, err };
    int64_t floor = making->last.issued, published;
    for (unsigned i = 0; i < making->count; i++)
        if (listfollow_time(buf_string(&making->keys[i].published), &published) == RC_OK && published < floor)
            floor = published;
    next->issued = clock_now();
    next->next_update = next->issued + PUBLISH_NEXT_UPDATE;
    enum rc rc = book_last_revocation(store, next->authority, next->list, &next->covers, err);
    if (!rc)
        rc = book_each_revoked(store, next->authority, next->list, floor, each_entry, &spooling, err);
    return rc ? rc : crlspool_finish(making->spool, &making->entries, &making->entries_len, err);
}

static enum rc making_extensions(const struct making *making, X509 *issuer, int64_t number, X509_EXTENSIONS **extensions)
{
    enum rc rc = ext_authority_key(extensions, issuer, false);
    if (!rc)
        rc = ext_crl_number(extensions, number);
    if (!rc && making->point)
        rc = ext_crl_scope(extensions, making->point, !making->next.list[0]);
    return rc;
}

/* The same entries under one key, one number and one pair of times, signed, into a file. */
static enum rc making_sign(struct making *making, const struct making_key *key, int64_t number, int64_t from, int64_t to,
                           const char *path, struct err *err)
{
    const struct issuer *issuer = &key->issuer;
    struct buf head = { 0 }, tail = { 0 }, signature = { 0 };
    X509_EXTENSIONS *extensions = NULL;
    enum rc rc = making_extensions(making, issuer->cert, number, &extensions);
    if (!rc) {
        struct tbs_crl crl = { .suite = issuer->suite, .issuer = X509_get_subject_name(issuer->cert), .this_update = from,
                               .next_update = to, .extensions = extensions };
        rc = tbs_crl_frame(&crl, making->entries_len, &head, &tail);
    }
    struct signing_list list = { .authority = issuer->authority, .generation = key->place.generation,
                                 .head = buf_bytes(&head), .tail = buf_bytes(&tail), .entries = making->entries };
    if (!rc)
        rc = signing_crl(making->ca->signing, &list, &signature, err);
    (void)unlink(path); /* of a torn run: its number was taken, and this one is not the same */
    if (!rc)
        rc = crlspool_write(making->spool, path, list.head, list.tail, issuer->suite, buf_bytes(&signature), err);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    buf_wipe(&head);
    buf_wipe(&tail);
    buf_wipe(&signature);
    return rc;
}

/* Now, and ahead. */
static enum rc making_sign_both(struct making *making, struct making_key *key, struct err *err)
{
    const struct book_list *next = &making->next;
    int64_t later = next->issued + PUBLISH_LATER;
    enum rc rc = making_sign(making, key, next->number, next->issued, next->next_update, buf_string(&key->part), err);
    return rc ? rc
              : making_sign(making, key, making->later_number, later, later + PUBLISH_LATER_LIFE, buf_string(&key->later_part), err);
}

static enum rc making_judge(struct making *making, struct making_key *key, struct err *err)
{
    struct ca *ca = making->ca;
    struct buf last = { 0 };
    enum rc rc = making->last.number ? listplace_handed(ca->folder, &key->place, making->last.number, LISTPLACE_LIST, &last)
                                     : RC_OK;
    struct listfollow follow = { .store = ca->store, .ca = key->issuer.cert, .keys = ca->certs[key->place.authority],
                                 .key_count = ca_newest(ca, key->place.authority), .authority = key->place.authority,
                                 .next = buf_string(&key->part), .number = making->next.number,
                                 .last = making->last.number && !rc ? buf_string(&last) : NULL, .last_number = making->last.number,
                                 .published = buf_string(&key->published), .ended = buf_string(&key->ended) };
    if (!rc)
        rc = listfollow_check(&follow, err);
    buf_wipe(&last);
    return rc;
}

static enum rc making_record(struct making *making, struct err *err)
{
    struct store *store = making->ca->store;
    char subject[64];
    list_subject(&making->next, subject);
    enum rc rc = store_begin(store, err);
    if (rc)
        return rc;
    rc = book_set_list(store, &making->next, err);
    if (!rc)
        rc = trail_append(store, "clock", "crl", subject, NULL, err, "number %lld", (long long)making->next.number);
    if (!rc)
        rc = store_commit(store, err);
    store_rollback(store);
    return rc;
}

/* Takes ".part" off a path. */
static enum rc hand_over(const char *part, struct err *err)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%.*s", (int)(strlen(part) - strlen(".part")), part);
    return rename(part, path) == 0 || errno == ENOENT ? RC_OK : err_set_errno(err, RC_IO, "%s", path);
}

/* What went before it, and what a torn run left. */
static void remove_older(const char *folder, const char *name, int64_t number)
{
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        char file[NAME_MAX + 1];
        struct listplace found = { 0 };
        int64_t of;
        enum listplace_kind kind;
        snprintf(file, sizeof file, "%s", entry->d_name);
        char *part = strstr(file, ".part");
        if (part)
            *part = '\0';
        if (listplace_parse(file, &found, &of, &kind) == RC_OK && strcmp(found.name, name) == 0 && of < number)
            (void)unlinkat(dirfd(dir), entry->d_name, 0);
    }
    if (dir)
        closedir(dir);
}

/* The older keys' first: a reader who finds another key's list under the point's name finds its own beside it. */
static enum rc making_hand_over(struct making *making, struct err *err)
{
    struct buf folder = { 0 };
    enum rc rc = listplace_folder(making->ca->folder, making->next.authority, &folder);
    const char *path = rc ? NULL : buf_string(&folder);
    for (unsigned i = 0; path && !rc && i < making->count; i++) {
        rc = hand_over(buf_string(&making->keys[i].ended), err);
        if (!rc)
            rc = hand_over(buf_string(&making->keys[i].later_part), err);
        fault_point("crl.before_hand_over");
        if (!rc)
            rc = hand_over(buf_string(&making->keys[i].part), err);
    }
    int fd = path && !rc ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (!rc && (fd < 0 || fsync(fd) != 0))
        rc = err_set_errno(err, RC_IO, "%s", path ? path : "lists");
    if (fd >= 0)
        close(fd);
    if (!rc)
        remove_older(path, making->next.list, making->next.number);
    buf_wipe(&folder);
    return rc;
}

/* Under the list's lock. */
static enum rc list_issue(struct ca *ca, enum authority authority, const char *name, struct err *err)
{
    struct making making = { .ca = ca, .next = { .authority = authority } };
    snprintf(making.next.list, sizeof making.next.list, "%s", name);
    fault_point("crl.before_number");
    enum rc rc = making_take_numbers(&making, err);
    fault_point("crl.after_number");
    if (!rc)
        rc = book_find_list(ca->store, authority, name, &making.last, err);
    if (!rc)
        rc = making_paths(&making, err);
    if (!rc)
        rc = making_spool(&making, err);
    for (unsigned i = 0; !rc && i < making.count; i++)
        rc = making_sign_both(&making, &making.keys[i], err);
    fault_point("crl.after_sign");
    for (unsigned i = 0; !rc && i < making.count; i++)
        rc = making_judge(&making, &making.keys[i], err);
    if (!rc)
        rc = making_record(&making, err);
    fault_point("crl.after_record");
    if (!rc)
        rc = making_hand_over(&making, err);
    fault_point("crl.after_hand_over");
    if (!rc)
        log_info("list '%s' of %s, number %lld, is handed over", name[0] ? name : "own", authority_name(authority),
                 (long long)making.next.number);
    making_wipe(&making);
    return rc;
}

enum rc publish_list(struct ca *ca, enum authority authority, const char *name, struct err *err)
{
    int fd;
    enum rc rc = publish_lock(ca, authority, name, &fd, err);
    if (rc)
        return rc;
    rc = list_issue(ca, authority, name, err);
    close(fd);
    return rc;
}

enum rc publish_ensure(struct ca *ca, enum authority authority, const char *name, bool *made, struct err *err)
{
    struct book_list list = { 0 };
    enum rc rc = book_find_list(ca->store, authority, name, &list, err);
    if (rc && rc != RC_NOT_FOUND)
        return rc;
    bool there = rc == RC_OK && list.number;
    rc = there ? RC_OK : publish_list(ca, authority, name, err);
    if (!rc && made)
        *made = !there;
    return rc;
}

void publish_wait(const struct ca *ca, enum authority authority, const char *name)
{
    struct buf path = { 0 };
    bool there = false;
    struct listplace place = { .authority = authority, .generation = ca_newest(ca, authority) };
    snprintf(place.name, sizeof place.name, "%s", name);
    const char *file = published_path(ca, &place, &path, NULL) ? NULL : buf_string(&path);
    for (int i = 0; file && !there && i < PUBLISHED_WAIT; i++) {
        there = access(file, F_OK) == 0;
        if (!there)
            usleep(10000);
    }
    if (!there)
        log_warning("list '%s' of %s is handed over and not published: does the publisher run?", name,
                    authority_name(authority));
    buf_wipe(&path);
}

static enum rc publish_each(struct ca *ca, bool only_due, size_t *count, struct err *err)
{
    struct book_list *lists = calloc(LISTS_MAX, sizeof *lists);
    size_t found = 0, done = 0;
    int64_t now = clock_now();
    enum rc rc = !lists ? RC_NOMEM
                 : only_due
                     ? book_due_lists(ca->store, now - PUBLISH_INTERVAL, now - PUBLISH_ALL_INTERVAL, lists, LISTS_MAX, &found, err)
                     : book_all_lists(ca->store, lists, LISTS_MAX, &found, err);
    for (size_t i = 0; i < found; i++) {
        struct err why = { 0 };
        enum rc one = publish_list(ca, lists[i].authority, lists[i].list, &why);
        done += !one;
        if (one && !rc)
            rc = err_set(err, one, "list '%s' of %s: %s", lists[i].list, authority_name(lists[i].authority), err_text(&why, one));
    }
    free(lists);
    *count = done;
    return rc;
}

enum rc publish_due(struct ca *ca, size_t *count, struct err *err)
{
    return publish_each(ca, true, count, err);
}

enum rc publish_all(struct ca *ca, size_t *count, struct err *err)
{
    return publish_each(ca, false, count, err);
}

static enum rc repair_list(struct ca *ca, const struct book_list *list, size_t *count, struct err *err)
{
    struct buf path = { 0 };
    struct listplace place = { .authority = list->authority, .generation = ca_newest(ca, list->authority) };
    snprintf(place.name, sizeof place.name, "%s", list->list);
    enum rc rc = listplace_handed(ca->folder, &place, list->number, LISTPLACE_LIST, &path);
    const char *file = rc ? NULL : buf_string(&path);
    if (!rc)
        rc = file ? RC_OK : RC_NOMEM;
    if (!rc && access(file, F_OK) != 0) { /* the newest key's is handed over last */
        rc = publish_list(ca, list->authority, list->list, err);
        *count += !rc;
    }
    buf_wipe(&path);
    return rc;
}

enum rc publish_repair(struct ca *ca, size_t *count, struct err *err)
{
    struct book_list *lists = calloc(LISTS_MAX, sizeof *lists);
    size_t found = 0;
    enum rc rc = lists ? RC_OK : RC_NOMEM;
    *count = 0;
    for (enum authority a = 0; !rc && a < AUTHORITY_COUNT; a++) {
        rc = publish_ensure(ca, a, LISTPLACE_OWN, NULL, err);
        if (!rc && a != AUTHORITY_OPS)
            rc = publish_ensure(ca, a, LISTPLACE_ALL, NULL, err);
    }
    if (!rc)
        rc = book_all_lists(ca->store, lists, LISTS_MAX, &found, err);
    for (size_t i = 0; !rc && i < found; i++)
        rc = repair_list(ca, &lists[i], count, err);
    free(lists);
    return rc;
}

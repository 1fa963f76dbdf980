/* publish.c — building, judging and writing revocation lists. */
#include "ca/publish.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/log.h"
#include "ca/extensions.h"
#include "ca/tbs.h"
#include "ca/trail.h"
#include "pki/cert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_WAIT 1000 /* times 10 ms */
#define LISTS_MAX 4096 /* two authorities, fewer than 1,900 municipalities */
#define CRL_BYTES_MAX (1u << 30)

static enum rc publish_lock(struct ca *ca, int *fd, struct err *err)
{
    char *path = file_join(ca->folder, "publish.lock");
    enum rc rc = path ? RC_CONFLICT : RC_NOMEM;
    for (int i = 0; rc == RC_CONFLICT && i < LOCK_WAIT; i++) {
        struct err quiet = { 0 };
        rc = file_lock(path, fd, &quiet);
        if (rc == RC_CONFLICT)
            usleep(10000);
        else if (rc)
            err_set(err, rc, "%s", quiet.text);
    }
    free(path);
    return rc == RC_CONFLICT ? err_set(err, RC_TIMEOUT, "another process keeps publishing") : rc;
}

/* The distribution point of a list; NULL name for the operations authority, whose one list has no scope. */
static enum rc list_point(struct ca *ca, enum authority authority, const char *name, X509_NAME **point, struct err *err)
{
    *point = NULL;
    if (authority == AUTHORITY_OPS)
        return RC_OK;
    return name[0] ? authority_crldp(authority, ca->config.organisation, name, point, err)
                   : authority_dn(authority, ca->config.organisation, point);
}

/* The newest key's list has the point's own name, an older one's the key's behind it. */
static enum rc list_path(struct ca *ca, enum authority authority, const X509_NAME *point, unsigned generation,
                         struct buf *path, struct err *err)
{
    X509 *older = generation < ca_newest(ca, authority) ? ca_cert(ca, authority, generation) : NULL;
    enum rc rc = buf_printf(path, "%s/", ca->config.publication);
    if (!rc)
        rc = point ? authority_crl_path(point, path, err) : buf_printf(path, "%s/ca.crl", authority_name(authority));
    return !rc && older ? authority_crl_path_of_key(older, path) : rc;
}

/* Folders below the publication's are for a web server to read, whatever the daemon's umask. */
static enum rc make_public_folder(const char *publication, char *folder, struct err *err)
{
    size_t base = strlen(publication);
    enum rc rc = file_make_folder(folder, 0755, err);
    for (char *slash; !rc && strlen(folder) > base; *slash = '\0') {
        if (chmod(folder, 0755) != 0)
            rc = err_set_errno(err, RC_IO, "%s", folder);
        slash = strrchr(folder, '/');
        if (!slash)
            break;
    }
    return rc;
}

static enum rc write_file(struct ca *ca, const char *path, struct bytes content, struct err *err)
{
    char *folder = strdup(path);
    if (!folder)
        return RC_NOMEM;
    char *slash = strrchr(folder, '/');
    if (slash)
        *slash = '\0';
    enum rc rc = slash ? make_public_folder(ca->config.publication, folder, err) : RC_OK;
    free(folder);
    return rc ? rc : file_write_atomic(path, content, 0644, err);
}

/* Whether that key signed the list. */
static bool crl_is_of(struct bytes crl, X509 *issuer)
{
    struct bytes tbs, signature;
    enum suite suite;
    return crl.len && !tbs_open(crl, &tbs, &signature) && !tbs_suite(tbs, &suite) &&
           suite_verifies(suite, X509_get0_pubkey(issuer), tbs, signature);
}

static enum rc each_entry(void *context, const char *serial, int64_t revoked_at, int reason, int64_t revocation)
{
    (void)revocation;
    return tbs_crl_entry(serial, revoked_at, reason, context);
}

static enum rc list_extensions(X509 *issuer, const X509_NAME *point, const char *name, int64_t number,
                               X509_EXTENSIONS **extensions)
{
    enum rc rc = ext_authority_key(extensions, issuer, false);
    if (!rc)
        rc = ext_crl_number(extensions, number);
    if (!rc && point)
        rc = ext_crl_scope(extensions, point, !name[0]);
    return rc;
}

/* What the next list says, whichever key signs it: all keys' certificates stand in it, since no serial number comes twice
 * under one name. */
static enum rc list_gather(struct ca *ca, const struct book_list *last, struct book_list *next, struct buf *entries,
                           struct err *err)
{
    next->issued = clock_now();
    next->next_update = next->issued + PUBLISH_NEXT_UPDATE;
    enum rc rc = book_last_revocation(ca->store, next->authority, next->list, &next->covers, err);
    if (!rc)
        rc = book_each_revoked(ca->store, next->authority, next->list, last->issued, each_entry, entries, err);
    return rc;
}

/* The list signed with one of the authority's keys; next->crl. last: the bytes that this key signed before. */
static enum rc list_sign(struct ca *ca, const X509_NAME *point, unsigned generation, struct bytes entries,
                         struct bytes last, struct book_list *next, struct err *err)
{
    enum authority authority = next->authority;
    struct issuer issuer = ca_issuer(ca, authority, generation);
    struct buf tbs = { .max = CRL_BYTES_MAX };
    X509_EXTENSIONS *extensions = NULL;
    enum rc rc = list_extensions(issuer.cert, point, next->list, next->number, &extensions);
    if (!rc) {
        struct tbs_crl crl = { .suite = issuer.suite, .issuer = X509_get_subject_name(issuer.cert),
                               .this_update = next->issued, .next_update = next->next_update, .entries = entries,
                               .extensions = extensions };
        rc = tbs_crl_encode(&crl, &tbs);
    }
    if (!rc)
        rc = signing_crl(ca->signing, authority, generation, buf_bytes(&tbs), &next->crl, err);
    if (!rc)
        rc = tbs_check(buf_bytes(&next->crl), buf_bytes(&tbs), X509_get0_pubkey(issuer.cert), err);
    if (!rc)
        rc = publish_check(ca, authority, last, buf_bytes(&next->crl), err);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    buf_wipe(&tbs);
    return rc;
}

/* The list of every key in one transaction. */
static enum rc list_record(struct ca *ca, const struct book_list *next, const struct book_list *copies, struct err *err)
{
    char subject[64];
    snprintf(subject, sizeof subject, "%s list %s", authority_name(next->authority), next->list[0] ? next->list : "own");
    enum rc rc = store_begin(ca->store, err);
    if (rc)
        return rc;
    rc = book_set_list(ca->store, next, err);
    for (unsigned i = 0; !rc && i < CACONFIG_GENERATIONS; i++)
        if (copies[i].crl.len)
            rc = book_set_copy(ca->store, &copies[i], i + 1, err);
    if (!rc)
        rc = trail_append(ca->store, "clock", "crl", subject, NULL, err, "number %lld", (long long)next->number);
    if (!rc)
        rc = store_commit(ca->store, err);
    store_rollback(ca->store);
    return rc;
}

static enum rc list_take_number(struct ca *ca, struct book_list *next, struct err *err)
{
    enum rc rc = store_begin(ca->store, err);
    if (rc)
        return rc;
    rc = book_take_crl_number(ca->store, next->authority, next->list, &next->number, err);
    char subject[64];
    snprintf(subject, sizeof subject, "%s list %s", authority_name(next->authority), next->list[0] ? next->list : "own");
    if (!rc) /* told before it is signed: what cannot be told is not signed */
        rc = trail_append(ca->store, "clock", "crl-number", subject, NULL, err, "number %lld", (long long)next->number);
    if (!rc)
        rc = store_commit(ca->store, err);
    store_rollback(ca->store);
    return rc;
}

/* What an older key signed last: its copy, or the list from before the newest key. */
static enum rc list_sign_copy(struct ca *ca, const struct book_list *last, const X509_NAME *point, unsigned generation,
                              struct bytes entries, struct book_list *copy, struct err *err)
{
    struct book_list before = { 0 };
    enum rc rc = book_find_copy(ca->store, copy->authority, copy->list, generation, &before, err);
    struct bytes known = buf_bytes(&before.crl);
    if (!known.len && crl_is_of(buf_bytes(&last->crl), ca_cert(ca, copy->authority, generation)))
        known = buf_bytes(&last->crl);
    if (!rc)
        rc = list_sign(ca, point, generation, entries, known, copy, err);
    buf_wipe(&before.crl);
    return rc;
}

/* The older keys' copies that are due: copies[generation - 1]. */
static enum rc list_sign_copies(struct ca *ca, const struct book_list *last, const X509_NAME *point,
                                const struct book_list *next, struct bytes entries, struct book_list *copies,
                                struct err *err)
{
    enum rc rc = RC_OK;
    for (unsigned g = 1; !rc && g < ca_newest(ca, next->authority); g++) {
        if (!ca_lives(ca, next->authority, g))
            continue;
        copies[g - 1] = *next;
        copies[g - 1].crl = (struct buf) { .max = CRL_BYTES_MAX };
        rc = list_sign_copy(ca, last, point, g, entries, &copies[g - 1], err);
    }
    return rc;
}

static enum rc list_write(struct ca *ca, const struct book_list *list, const X509_NAME *point, unsigned generation,
                          struct err *err)
{
    struct buf path = { 0 };
    enum rc rc = list_path(ca, list->authority, point, generation, &path, err);
    const char *file = rc ? NULL : buf_string(&path);
    if (!rc)
        rc = file ? write_file(ca, file, buf_bytes(&list->crl), err) : RC_NOMEM;
    if (!rc)
        log_info("published %s number %lld", file, (long long)list->number);
    buf_wipe(&path);
    return rc;
}

/* Under the lock. The copies are written first: a reader who finds another key's list under the point's name finds its own
 * beside it. */
static enum rc list_issue(struct ca *ca, enum authority authority, const char *name, struct err *err)
{
    struct book_list last = { 0 }, next = { .authority = authority, .crl.max = CRL_BYTES_MAX };
    struct book_list copies[CACONFIG_GENERATIONS] = { 0 };
    struct buf entries = { .max = CRL_BYTES_MAX };
    unsigned newest = ca_newest(ca, authority);
    X509_NAME *point = NULL;
    snprintf(next.list, sizeof next.list, "%s", name);
    fault_point("crl.before_number");
    enum rc rc = list_point(ca, authority, name, &point, err);
    if (!rc)
        rc = list_take_number(ca, &next, err);
    fault_point("crl.after_number");
    if (!rc)
        rc = book_find_list(ca->store, authority, name, &last, err);
    if (!rc)
        rc = list_gather(ca, &last, &next, &entries, err);
    if (!rc)
        rc = list_sign_copies(ca, &last, point, &next, buf_bytes(&entries), copies, err);
    bool same_key = crl_is_of(buf_bytes(&last.crl), ca_cert(ca, authority, newest));
    if (!rc)
        rc = list_sign(ca, point, newest, buf_bytes(&entries), same_key ? buf_bytes(&last.crl) : bytes_of(NULL, 0), &next,
                       err);
    fault_point("crl.after_sign");
    if (!rc)
        rc = list_record(ca, &next, copies, err);
    fault_point("crl.after_record");
    for (unsigned g = 1; !rc && g < newest; g++)
        if (copies[g - 1].crl.len)
            rc = list_write(ca, &copies[g - 1], point, g, err);
    if (!rc)
        rc = list_write(ca, &next, point, newest, err);
    fault_point("crl.after_write");
    for (unsigned i = 0; i < CACONFIG_GENERATIONS; i++)
        buf_wipe(&copies[i].crl);
    buf_wipe(&last.crl);
    buf_wipe(&next.crl);
    buf_wipe(&entries);
    X509_NAME_free(point);
    return rc;
}

enum rc publish_list(struct ca *ca, enum authority authority, const char *name, struct err *err)
{
    int fd;
    enum rc rc = publish_lock(ca, &fd, err);
    if (rc)
        return rc;
    rc = list_issue(ca, authority, name, err);
    close(fd);
    return rc;
}

enum rc publish_ensure(struct ca *ca, enum authority authority, const char *name, struct err *err)
{
    struct book_list list = { 0 };
    enum rc rc = book_find_list(ca->store, authority, name, &list, err);
    bool there = rc == RC_OK && list.crl.len;
    buf_wipe(&list.crl);
    if (rc && rc != RC_NOT_FOUND)
        return rc;
    return there ? RC_OK : publish_list(ca, authority, name, err);
}

static enum rc publish_each(struct ca *ca, bool only_due, size_t *count, struct err *err)
{
    struct book_list *lists = calloc(LISTS_MAX, sizeof *lists);
    size_t found = 0;
    enum rc rc = !lists ? RC_NOMEM
                 : only_due ? book_due_lists(ca->store, clock_now() - PUBLISH_INTERVAL, lists, LISTS_MAX, &found, err)
                            : book_all_lists(ca->store, lists, LISTS_MAX, &found, err);
    for (size_t i = 0; !rc && i < found; i++)
        rc = publish_list(ca, lists[i].authority, lists[i].list, err);
    free(lists);
    if (!rc)
        *count = found;
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

static enum rc repair_file(struct ca *ca, const char *path, struct bytes wanted, size_t *count, struct err *err)
{
    struct buf found = { .max = CRL_BYTES_MAX };
    struct err quiet = { 0 };
    bool same = file_read(path, &found, &quiet) == RC_OK && bytes_equal(buf_bytes(&found), wanted);
    buf_wipe(&found);
    if (same)
        return RC_OK;
    *count += 1;
    return write_file(ca, path, wanted, err);
}

static enum rc repair_generation(struct ca *ca, const struct book_list *list, const X509_NAME *point, unsigned generation,
                                 size_t *count, struct err *err)
{
    struct buf path = { 0 };
    enum rc rc = list->crl.len ? list_path(ca, list->authority, point, generation, &path, err) : RC_OK;
    const char *file = !rc && path.len ? buf_string(&path) : NULL;
    if (file)
        rc = repair_file(ca, file, buf_bytes(&list->crl), count, err);
    buf_wipe(&path);
    return rc;
}

static enum rc repair_list(struct ca *ca, const struct book_list *row, size_t *count, struct err *err)
{
    struct book_list list = { 0 };
    X509_NAME *point = NULL;
    unsigned newest = ca_newest(ca, row->authority);
    enum rc rc = list_point(ca, row->authority, row->list, &point, err);
    for (unsigned g = 1; !rc && g < newest; g++) {
        rc = book_find_copy(ca->store, row->authority, row->list, g, &list, err);
        if (!rc)
            rc = repair_generation(ca, &list, point, g, count, err);
        buf_wipe(&list.crl);
    }
    if (!rc)
        rc = book_find_list(ca->store, row->authority, row->list, &list, err);
    if (!rc)
        rc = repair_generation(ca, &list, point, newest, count, err);
    buf_wipe(&list.crl);
    X509_NAME_free(point);
    return rc;
}

/* The newest under ca.cer, those before it under their number; links below a folder, since they are no anchors. */
static enum rc repair_cert(struct ca *ca, enum authority authority, unsigned generation, size_t *count, struct err *err)
{
    struct buf der = { 0 };
    char *path = NULL;
    const char *name = authority_name(authority);
    int len = generation == ca_newest(ca, authority)
                  ? asprintf(&path, "%s/%s/ca.cer", ca->config.publication, name)
                  : asprintf(&path, "%s/%s/ca-%u.cer", ca->config.publication, name, generation);
    if (len < 0)
        return RC_NOMEM;
    enum rc rc = cert_encode(ca_cert(ca, authority, generation), &der);
    if (!rc)
        rc = repair_file(ca, path, buf_bytes(&der), count, err);
    buf_wipe(&der);
    free(path);
    return rc;
}

static enum rc repair_link(struct ca *ca, enum authority authority, unsigned generation, const char *kind, size_t *count,
                           struct err *err)
{
    struct buf der = { 0 };
    char *from = NULL, *to = NULL;
    const char *name = authority_name(authority);
    enum rc rc = asprintf(&from, "%s/%s-%u-%s.cer", ca->folder, name, generation, kind) < 0 ||
                         asprintf(&to, "%s/%s/links/%u-%s.cer", ca->config.publication, name, generation, kind) < 0
                     ? RC_NOMEM
                     : file_read(from, &der, err);
    if (!rc)
        rc = repair_file(ca, to, buf_bytes(&der), count, err);
    buf_wipe(&der);
    free(from);
    free(to);
    return rc;
}

static enum rc repair_certs(struct ca *ca, enum authority authority, size_t *count, struct err *err)
{
    enum rc rc = RC_OK;
    for (unsigned g = 1; !rc && g <= ca_newest(ca, authority); g++) {
        rc = repair_cert(ca, authority, g, count, err);
        if (!rc && g > 1)
            rc = repair_link(ca, authority, g, "new-with-old", count, err);
        if (!rc && g > 1)
            rc = repair_link(ca, authority, g, "old-with-new", count, err);
    }
    return rc;
}

enum rc publish_repair(struct ca *ca, size_t *count, struct err *err)
{
    int fd;
    size_t found = 0, written = 0;
    struct book_list *lists = calloc(LISTS_MAX, sizeof *lists);
    enum rc rc = lists ? publish_lock(ca, &fd, err) : RC_NOMEM;
    if (rc) {
        free(lists);
        return rc;
    }
    for (enum authority a = 0; !rc && a < AUTHORITY_COUNT; a++)
        rc = repair_certs(ca, a, &written, err);
    if (!rc)
        rc = book_all_lists(ca->store, lists, LISTS_MAX, &found, err);
    for (size_t i = 0; !rc && i < found; i++)
        rc = repair_list(ca, &lists[i], &written, err);
    close(fd);
    free(lists);
    if (!rc)
        *count = written;
    return rc;
}

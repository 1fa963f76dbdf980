/* publisher.c — looks at what is handed over, again and again. */
#include "ca/publisher.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/log.h"
#include "base/proc.h"
#include "ca/caconfig.h"
#include "ca/confine.h"
#include "ca/listfollow.h"
#include "ca/publishone.h"
#include "ca/seal.h"
#include "pki/cert.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

#define TICK 100          /* milliseconds between looks at whether a folder changed */
#define WHOLE_LOOK 60     /* seconds between looks at everything: what is overdue, what was damaged, what was refused */
#define OVERDUE (12 * 3600) /* a list with less than this left should have been followed */

/* What lies in a folder for one list of one key. */
struct handed {
    struct listplace place;
    int64_t list, later; /* the highest numbers; 0: none */
    int64_t up, refused; /* since the last look at everything: was published, was refused */
};

struct desk { /* one authority's lists */
    X509 *keys[CACONFIG_GENERATIONS]; /* of the authority, the newest last */
    unsigned key_count;
    struct timespec changed; /* of the folder, at the last look */
    struct handed *handed;   /* by name and key */
    size_t count;
};

struct publishing {
    const struct publisher *settings;
    struct caconfig config;
    struct desk desks[AUTHORITY_COUNT];
    struct timespec audit_changed;
    int64_t whole_look;
    bool looked; /* at everything, once */
    bool unknown_key; /* a list by a key that was made since: the next publisher knows it */
    size_t published, refused;
};

static int by_place(const void *a, const void *b)
{
    const struct listplace *left = &((const struct handed *)a)->place, *right = &((const struct handed *)b)->place;
    int order = strcmp(left->name, right->name);
    return order ? order : (left->generation > right->generation) - (left->generation < right->generation);
}

static enum rc handed_add(struct handed **all, size_t *count, const struct handed *one)
{
    if (*count % 256 == 0) {
        struct handed *more = realloc(*all, (*count + 256) * sizeof **all);
        if (!more)
            return RC_NOMEM;
        *all = more;
    }
    (*all)[(*count)++] = *one;
    return RC_OK;
}

/* One row a list, with the highest numbers. */
static size_t handed_merge(struct handed *all, size_t count)
{
    size_t n = 0;
    if (count)
        qsort(all, count, sizeof *all, by_place);
    for (size_t i = 0; i < count; i++) {
        struct handed *same = n && by_place(&all[n - 1], &all[i]) == 0 ? &all[n - 1] : NULL;
        if (!same) {
            all[n++] = all[i];
            continue;
        }
        same->list = all[i].list > same->list ? all[i].list : same->list;
        same->later = all[i].later > same->later ? all[i].later : same->later;
    }
    return n;
}

/* What is there now. What is remembered of each list stays, unless everything is to be looked at. */
static enum rc desk_read(struct desk *desk, enum authority authority, const char *folder, bool whole, struct err *err)
{
    DIR *dir = opendir(folder);
    struct handed *all = NULL;
    size_t count = 0;
    enum rc rc = dir || errno == ENOENT ? RC_OK : err_set_errno(err, RC_IO, "%s", folder);
    for (struct dirent *entry; dir && !rc && (entry = readdir(dir));) {
        struct handed one = { .place.authority = authority };
        int64_t number;
        enum listplace_kind kind;
        if (listplace_parse(entry->d_name, &one.place, &number, &kind) || kind == LISTPLACE_ENDED)
            continue;
        *(kind == LISTPLACE_LIST ? &one.list : &one.later) = number;
        rc = handed_add(&all, &count, &one);
    }
    if (dir)
        closedir(dir);
    count = handed_merge(all, count);
    for (size_t i = 0; !whole && desk->count && i < count; i++) {
        const struct handed *before = bsearch(&all[i], desk->handed, desk->count, sizeof *all, by_place);
        all[i].up = before ? before->up : 0;
        all[i].refused = before ? before->refused : 0;
    }
    if (rc) {
        free(all);
        return rc;
    }
    free(desk->handed);
    desk->handed = all;
    desk->count = count;
    return RC_OK;
}

/* The paths of one list, and what is published of it. */
struct place {
    struct buf to, before, memory; /* before: of an older key's list, where it stood while that key was the newest */
    X509_NAME *point;
    X509 *ca;
    struct published published;
};

static void place_wipe(struct place *place)
{
    buf_wipe(&place->to);
    buf_wipe(&place->before);
    buf_wipe(&place->memory);
    X509_NAME_free(place->point);
}

static enum rc place_of(const struct publishing *publishing, const struct listplace *list, struct place *place, struct err *err)
{
    const char *organisation = publishing->config.organisation;
    const struct desk *desk = &publishing->desks[list->authority];
    place->ca = desk->keys[list->generation - 1];
    enum rc rc = listplace_point(list->authority, organisation, list->name, &place->point, err);
    if (!rc)
        rc = listplace_published(publishing->config.publication, organisation, list,
                                 list->generation < desk->key_count ? place->ca : NULL, &place->to, err);
    if (!rc && list->generation < desk->key_count)
        rc = listplace_published(publishing->config.publication, organisation, list, NULL, &place->before, err);
    if (!rc)
        rc = buf_printf(&place->memory, "%s/publisher/", publishing->settings->state);
    if (!rc)
        rc = listplace_label(list, &place->memory);
    if (!rc && (!buf_string(&place->to) || !buf_string(&place->memory) || (place->before.len && !buf_string(&place->before))))
        rc = RC_NOMEM;
    return rc ? rc : published_read(buf_string(&place->memory), &place->published, err);
}

static enum rc put_up_one(struct publishing *publishing, const struct listplace *list, int64_t number,
                          enum listplace_kind kind, struct place *place, struct err *err)
{
    const char *state = publishing->settings->state;
    const struct desk *desk = &publishing->desks[list->authority];
    struct buf from = { 0 }, ended = { 0 };
    enum rc rc = listplace_handed(state, list, number, kind, &from);
    if (!rc) /* a list that was signed ahead has the entries, and so the proofs, of the one before it */
        rc = listplace_handed(state, list, kind == LISTPLACE_LATER ? number - 1 : number, LISTPLACE_ENDED, &ended);
    struct publishone one = { .ca = place->ca, .keys = desk->keys, .key_count = desk->key_count, .authority = list->authority,
                              .point = place->point, .only_ca = !list->name[0], .from = rc ? NULL : buf_string(&from),
                              .ended = rc ? NULL : buf_string(&ended), .to = buf_string(&place->to),
                              .before = place->before.len ? buf_string(&place->before) : NULL,
                              .memory = buf_string(&place->memory), .publication = publishing->config.publication };
    if (!rc)
        rc = one.from && one.ended ? publishone_run(&one, err) : RC_NOMEM;
    buf_wipe(&from);
    buf_wipe(&ended);
    publishing->published += rc == RC_OK;
    return rc;
}

/* The list that was signed ahead, when it is in force. Its beginning is looked at first: not every look should copy it. */
static bool later_is_due(const struct publishing *publishing, const struct handed *handed, const struct published *published)
{
    struct buf path = { 0 };
    int64_t from = INT64_MAX;
    if (handed->later <= published->number || handed->later < handed->list)
        return false;
    if (!listplace_handed(publishing->settings->state, &handed->place, handed->later, LISTPLACE_LATER, &path))
        (void)!listfollow_time(buf_string(&path), &from);
    buf_wipe(&path);
    return from <= clock_now();
}

/* The list that is handed over, when it is newer than what is up; the same one when the published file is another one, or
 * gone. Every byte is looked at in the first look. */
static enum rc look_at_next(struct publishing *publishing, struct handed *handed, struct place *place, bool whole,
                            struct err *err)
{
    int64_t number = handed->list, up = place->published.number;
    bool lost = whole && number && number == up &&
                !published_is_up(&place->published, buf_string(&place->to), !publishing->looked);
    if ((number <= up && !lost) || handed->refused == number)
        return RC_OK;
    return put_up_one(publishing, &handed->place, number, LISTPLACE_LIST, place, err);
}

static const char *list_name(const struct listplace *list)
{
    return list->name[0] ? list->name : "own";
}

static enum rc look_at_later(struct publishing *publishing, struct handed *handed, struct place *place, struct err *err)
{
    const char *name = list_name(&handed->place), *authority = authority_name(handed->place.authority);
    if (place->published.next_update - clock_now() >= OVERDUE)
        return RC_OK;
    log_warning("list '%s' of %s is overdue", name, authority);
    if (!later_is_due(publishing, handed, &place->published))
        return RC_OK;
    log_error("list '%s' of %s: the one that was signed ahead is published. Do the authorities run, and the HSM?", name, authority);
    return put_up_one(publishing, &handed->place, handed->later, LISTPLACE_LATER, place, err);
}

static void look_at_list(struct publishing *publishing, struct handed *handed, bool whole)
{
    struct place place = { 0 };
    struct err err = { 0 };
    const struct listplace *list = &handed->place;
    if (list->generation > publishing->desks[list->authority].key_count) {
        publishing->unknown_key = true;
        return;
    }
    if (!whole && (handed->list <= handed->up || handed->list == handed->refused))
        return;
    enum rc rc = place_of(publishing, list, &place, &err);
    int64_t number = handed->list;
    if (!rc)
        rc = look_at_next(publishing, handed, &place, whole, &err);
    if (!rc)
        handed->up = number;
    if (!rc && whole)
        rc = published_read(buf_string(&place.memory), &place.published, &err);
    if (!rc && whole && place.published.number && cert_not_after(place.ca) > clock_now()) {
        rc = look_at_later(publishing, handed, &place, &err);
        number = rc ? handed->later : number;
    }
    if (rc && rc != RC_NOT_FOUND) { /* not found: a newer one has come meanwhile, and the folder has changed */
        handed->refused = number;
        publishing->refused++;
        log_error("refused: list '%s' of %s by key %u, number %lld: %s", list_name(list), authority_name(list->authority),
                  list->generation, (long long)number, err_text(&err, rc));
    }
    place_wipe(&place);
}

/* Whether a folder is another one than at the last look. A change within the grain of its clock is looked for again. */
static bool folder_changed(const char *path, struct timespec *seen)
{
    struct stat st;
    struct timespec now;
    if (stat(path, &st) != 0)
        return false;
    bool same = st.st_mtim.tv_sec == seen->tv_sec && st.st_mtim.tv_nsec == seen->tv_nsec;
    clock_gettime(CLOCK_REALTIME, &now);
    bool settled = now.tv_sec - st.st_mtim.tv_sec > 1;
    *seen = settled ? st.st_mtim : (struct timespec) { 0 };
    return !same;
}

static void look_at_authority(struct publishing *publishing, enum authority authority, bool whole)
{
    struct desk *desk = &publishing->desks[authority];
    struct buf folder = { 0 };
    struct err err = { 0 };
    enum rc rc = listplace_folder(publishing->settings->state, authority, &folder);
    const char *path = rc ? NULL : buf_string(&folder);
    if (path && (folder_changed(path, &desk->changed) || whole)) {
        rc = desk_read(desk, authority, path, whole, &err);
        for (size_t i = 0; !rc && i < desk->count; i++)
            look_at_list(publishing, &desk->handed[i], whole);
    }
    if (rc)
        log_error("%s", err_text(&err, rc));
    buf_wipe(&folder);
}

static enum rc put_up_file(const struct publishing *publishing, const char *from, const char *to, struct err *err)
{
    struct buf theirs = { 0 }, ours = { 0 };
    enum rc rc = file_read(from, &theirs, err);
    bool same = !rc && access(to, F_OK) == 0 && file_read(to, &ours, NULL) == RC_OK &&
                bytes_equal(buf_bytes(&theirs), buf_bytes(&ours));
    if (!rc && !same)
        rc = publishone_copy(publishing->config.publication, from, to, err);
    buf_wipe(&theirs);
    buf_wipe(&ours);
    return rc;
}

static enum rc put_up_link(const struct publishing *publishing, enum authority authority, unsigned generation,
                           const char *kind, struct err *err)
{
    char from[PATH_MAX], to[PATH_MAX];
    const char *name = authority_name(authority);
    snprintf(from, sizeof from, "%s/%s-%u-%s.cer", publishing->settings->state, name, generation, kind);
    snprintf(to, sizeof to, "%s/%s/links/%u-%s.cer", publishing->config.publication, name, generation, kind);
    return put_up_file(publishing, from, to, err);
}

/* The authorities' own certificates, for those who check: the newest under ca.cer, those before it under their number; links
 * below a folder, since they are no anchors. */
static enum rc put_up_certificates(const struct publishing *publishing, enum authority authority, struct err *err)
{
    unsigned newest = publishing->desks[authority].key_count;
    enum rc rc = RC_OK;
    for (unsigned g = 1; !rc && g <= newest; g++) {
        char to[PATH_MAX], number[16] = "";
        char *from = caconfig_cert_path(publishing->settings->state, authority, g);
        if (g < newest)
            snprintf(number, sizeof number, "-%u", g);
        snprintf(to, sizeof to, "%s/%s/ca%s.cer", publishing->config.publication, authority_name(authority), number);
        rc = from ? put_up_file(publishing, from, to, err) : RC_NOMEM;
        free(from);
        if (!rc && g > 1)
            rc = put_up_link(publishing, authority, g, "new-with-old", err);
        if (!rc && g > 1)
            rc = put_up_link(publishing, authority, g, "old-with-new", err);
    }
    return rc;
}

/* The trail's head: signed by the operations key, and never an older one. The signature first: a head without its own
 * signature is what a crash may leave, and the next seal mends. */
static enum rc look_at_audit(struct publishing *publishing, struct err *err)
{
    char folder[PATH_MAX], head[PATH_MAX], sig[PATH_MAX], to[PATH_MAX], to_sig[PATH_MAX];
    struct seal fresh, up;
    snprintf(folder, sizeof folder, "%s/lists/audit", publishing->settings->state);
    if (!folder_changed(folder, &publishing->audit_changed))
        return RC_OK;
    snprintf(head, sizeof head, "%s/lists/audit/head", publishing->settings->state);
    snprintf(sig, sizeof sig, "%s/lists/audit/head.sig", publishing->settings->state);
    snprintf(to, sizeof to, "%s/audit/head", publishing->config.publication);
    snprintf(to_sig, sizeof to_sig, "%s/audit/head.sig", publishing->config.publication);
    const struct desk *desk = &publishing->desks[AUTHORITY_OPS];
    if (access(head, F_OK) != 0)
        return RC_OK;
    enum rc rc = seal_read(desk->keys, desk->key_count, head, &fresh, err);
    if (rc == RC_NOT_FOUND || rc == RC_BAD_SIGNATURE) /* its other half is on the way */
        return publishing->settings->once ? rc : RC_OK;
    if (!rc && seal_read(desk->keys, desk->key_count, to, &up, NULL) == RC_OK && fresh.sequence <= up.sequence)
        return fresh.sequence == up.sequence ? RC_OK : err_set(err, RC_CONFLICT, "the head of the trail would go back");
    if (!rc)
        rc = publishone_copy(publishing->config.publication, sig, to_sig, err);
    if (!rc)
        rc = publishone_copy(publishing->config.publication, head, to, err);
    return rc;
}

/* One publisher at a time looks: another one may be there to publish at once what an operator asked for. */
static void look(struct publishing *publishing, bool whole)
{
    char path[PATH_MAX];
    int lock = -1;
    struct err err = { 0 };
    snprintf(path, sizeof path, "%s/publisher/lock", publishing->settings->state);
    enum rc rc = RC_CONFLICT;
    for (int i = 0; rc == RC_CONFLICT && i < 1000; i++) {
        struct err quiet = { 0 };
        rc = file_lock(path, &lock, &quiet);
        if (rc == RC_CONFLICT)
            usleep(10000);
        else if (rc)
            err_set(&err, rc, "%s", quiet.text);
    }
    for (enum authority a = 0; !rc && a < AUTHORITY_COUNT; a++)
        look_at_authority(publishing, a, whole);
    publishing->looked = publishing->looked || whole;
    if (!rc)
        rc = look_at_audit(publishing, &err);
    if (lock >= 0)
        close(lock);
    if (rc) {
        publishing->refused++;
        log_error("%s", err_text(&err, rc));
    }
}

/* Reads what is handed over; writes its memory and the publication. The authorities' certificates are put up before: what
 * is in the state folder beside the lists is out of its reach then. */
static enum rc publisher_confine(const struct publishing *publishing, struct err *err)
{
    char lists[PATH_MAX], memory[PATH_MAX], pid[PATH_MAX];
    const char *state = publishing->settings->state, *pid_file = publishing->settings->pid_file;
    snprintf(lists, sizeof lists, "%s/lists", state);
    snprintf(memory, sizeof memory, "%s/publisher", state);
    confine_folder_of(pid_file, pid, sizeof pid);
    const struct confine room = { .name = "publisher",
                                  .read = { "/usr", "/lib", "/lib64", "/etc/ssl", "/etc/localtime", lists },
                                  .write = { "/dev/null", memory, publishing->config.publication, pid_file ? pid : NULL } };
    return confine_process(&room, err);
}

static enum rc desk_open(struct publishing *publishing, enum authority authority, struct err *err)
{
    struct desk *desk = &publishing->desks[authority];
    enum rc rc = RC_OK;
    for (unsigned g = 1; !rc && g <= publishing->config.generations[authority]; g++) {
        rc = caconfig_read_cert(publishing->settings->state, authority, g, &desk->keys[g - 1], err);
        desk->key_count += rc == RC_OK;
    }
    return rc ? rc : put_up_certificates(publishing, authority, err);
}

static enum rc publisher_open(struct publishing *publishing, struct err *err)
{
    const struct publisher *settings = publishing->settings;
    char folder[PATH_MAX];
    enum rc rc = caconfig_read(settings->state, settings->config, &publishing->config, err);
    if (!rc && settings->publication)
        snprintf(publishing->config.publication, sizeof publishing->config.publication, "%s", settings->publication);
    snprintf(folder, sizeof folder, "%s/publisher", settings->state);
    if (!rc)
        rc = file_make_folder(folder, 0700, err);
    snprintf(folder, sizeof folder, "%s/lists", settings->state);
    if (!rc)
        rc = file_make_folder(folder, 0700, err);
    if (!rc)
        rc = file_make_folder(publishing->config.publication, 0755, err);
    for (enum authority a = 0; !rc && a < AUTHORITY_COUNT; a++)
        rc = desk_open(publishing, a, err);
    return rc ? rc : publisher_confine(publishing, err);
}

enum rc publisher_run(const struct publisher *publisher, struct err *err)
{
    struct publishing *publishing = calloc(1, sizeof *publishing);
    if (!publishing)
        return RC_NOMEM;
    publishing->settings = publisher;
    enum rc rc = publisher_open(publishing, err);
    if (!rc && !publisher->once)
        rc = proc_pid_file(publisher->pid_file, err);
    confine_try("publisher", publisher->state);
    if (!rc && publisher->once) {
        look(publishing, true);
        if (publishing->refused)
            rc = err_set(err, RC_CONFLICT, "%zu lists were refused: the last ones stay up", publishing->refused);
    }
    while (!rc && !publisher->once && !proc_stopping() && !publishing->unknown_key) {
        int64_t now = clock_now();
        bool whole = now - publishing->whole_look >= WHOLE_LOOK || now < publishing->whole_look;
        if (whole)
            publishing->whole_look = now;
        look(publishing, whole);
        (void)proc_wait(TICK);
    }
    if (!rc && !publisher->once)
        look(publishing, false); /* what was handed over just before the end */
    for (unsigned a = 0; a < AUTHORITY_COUNT; a++) {
        for (unsigned i = 0; i < CACONFIG_GENERATIONS; i++)
            X509_free(publishing->desks[a].keys[i]);
        free(publishing->desks[a].handed);
    }
    free(publishing);
    return rc;
}

enum rc publisher_call(const struct publisher *publisher, const char *program, struct err *err)
{
    char name[] = "jpki-ca", command[] = "publisher", once[] = "--once", state[] = "--state", config[] = "--config", out[] = "--publication";
    char *copies[3] = { strdup(publisher->state), strdup(publisher->config), strdup(publisher->publication) };
    char *argv[] = { name, command, once, state, copies[0], config, copies[1], out, copies[2], NULL };
    int status = 0;
    pid_t pid = 0;
    enum rc rc = copies[0] && copies[1] && copies[2] ? RC_OK : RC_NOMEM;
    int failed = rc ? 0 : posix_spawn(&pid, program ? program : "/proc/self/exe", NULL, NULL, argv, environ);
    if (failed) {
        errno = failed;
        rc = err_set_errno(err, RC_IO, "starting the publisher");
    }
    while (!rc && waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            rc = err_set_errno(err, RC_IO, "the publisher");
    if (!rc && status != 0)
        rc = err_set(err, RC_CONFLICT, "not everything that is handed over was published");
    for (int i = 0; i < 3; i++)
        free(copies[i]);
    return rc;
}

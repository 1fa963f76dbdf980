/* ocsp.c — one handler under one lock, but for the signature, which is made outside it. */
#include "ca/ocsp.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/proc.h"
#include "ca/confine.h"
#include "ca/lint.h"
#include "ca/ocspanswer.h"
#include "ca/ocspcache.h"
#include "ca/trail.h"
#include "pki/cert.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define TICK 200     /* milliseconds between looks at keys */
#define LOOK_EVERY 100 /* milliseconds between looks at the book */
#define NEWS_MAX 1000  /* revocations in one look */
#define TYPE "application/ocsp-response"

struct bucket {
    double tokens, rate;
    int64_t filled; /* monotonic milliseconds */
};

struct responder {
    const struct ocsp *settings;
    struct ca *ca;
    pthread_mutex_t lock;
    struct ocspkey keys[AUTHORITY_COUNT][CACONFIG_GENERATIONS]; /* by generation - 1 */
    int64_t configured;       /* when the configuration that is in use was written */
    struct ocspcache *cache;
    struct bucket buckets[2]; /* without and with a nonce */
    int64_t looked, revocation; /* monotonic milliseconds; the last one seen */
    int64_t told;               /* the time of the book's last record: no answer is of an earlier one */
    uint64_t cached, made, refused;
};

/* Whether one more may be signed; a second's worth may come at once. */
static bool bucket_take(struct bucket *bucket, int64_t now)
{
    bucket->tokens += (double)(now - bucket->filled) * bucket->rate / 1000;
    bucket->filled = now;
    if (bucket->tokens > bucket->rate)
        bucket->tokens = bucket->rate;
    if (bucket->tokens < 1)
        return false;
    bucket->tokens -= 1;
    return true;
}

static enum rc responder_hear(void *context, enum authority authority, const char *serial, int64_t revocation)
{
    struct responder *responder = context;
    ocspcache_forget(responder->cache, authority, serial);
    responder->revocation = revocation;
    return RC_OK;
}

/* What the book has told since: before any kept answer is given. Under the lock. */
static enum rc responder_look(struct responder *responder, int64_t now, struct err *err)
{
    int64_t before;
    enum rc rc = RC_OK;
    if (now - responder->looked < LOOK_EVERY)
        return RC_OK;
    do {
        before = responder->revocation;
        rc = book_each_revoked_after(responder->ca->store, before, NEWS_MAX, responder_hear, responder, err);
    } while (!rc && responder->revocation - before >= NEWS_MAX);
    if (!rc)
        rc = trail_last_time(responder->ca->store, &responder->told, err);
    if (!rc)
        responder->looked = now;
    return rc;
}

static struct plain_answer *answer_word(int status)
{
    static const char *const headers[] = { "Content-Type", TYPE, "Cache-Control", "no-store", NULL };
    struct buf der = { 0 };
    struct plain_answer *answer = ocspanswer_refusal(status, &der) ? NULL : plain_answer_new(200, buf_bytes(&der), headers);
    buf_wipe(&der);
    return answer;
}

#define DATE_SIZE 64

static void http_date(int64_t when, char out[DATE_SIZE])
{
    static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t time = (time_t)when;
    struct tm tm;
    gmtime_r(&time, &tm);
    snprintf(out, DATE_SIZE, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT", days + 3 * tm.tm_wday, tm.tm_mday,
             months + 3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* RFC 5019 §5. A cache on the way knows of no revocation: it asks again after max-age, and a 304 costs little. Half of what is
 * left at first is the most: the answer is kept here for the other half. */
static struct plain_answer *answer_public(struct bytes der, const struct ocspterms *terms, long max_age, unsigned status,
                                          char etag[44])
{
    char control[96], modified[DATE_SIZE], expires[DATE_SIZE];
    uint8_t hash[SHA_DIGEST_LENGTH];
    if (!etag[0]) {
        SHA1(der.data, der.len, hash);
        etag[0] = '"';
        for (size_t i = 0; i < sizeof hash; i++)
            snprintf(etag + 1 + 2 * i, 3, "%02x", hash[i]);
        memcpy(etag + 1 + 2 * sizeof hash, "\"", 2);
    }
    int64_t half = (terms->next_update - terms->this_update) / 2;
    snprintf(control, sizeof control, "max-age=%lld, public, no-transform, must-revalidate",
             (long long)(max_age < half ? max_age : half));
    http_date(terms->this_update, modified);
    http_date(terms->next_update, expires);
    const char *const headers[] = { "Content-Type", TYPE, "Cache-Control", control, "ETag", etag, "Last-Modified", modified,
                                    "Expires", expires, NULL };
    return plain_answer_new(status, der, headers);
}

/* One request in work. */
struct asking {
    struct ocsprequest request;
    struct bytes der;
    enum authority authority;
    unsigned generation;           /* of the authority's key */
    char serial[BOOK_SERIAL_SIZE]; /* of the first */
    struct ocspstatus statuses[OCSPREQUEST_CERTS];
    struct ocspkey key; /* references of its own */
    int64_t now, revocation;
};

/* Everything that needs the book. Under the lock; the word to answer with when it is not RC_OK. */
static enum rc asking_prepare(struct responder *responder, struct asking *asking, int *word, struct err *err)
{
    enum rc rc = RC_OK;
    for (int i = 0; !rc && i < asking->request.count; i++) {
        enum authority authority;
        unsigned generation;
        char serial[BOOK_SERIAL_SIZE];
        *word = OCSP_RESPONSE_STATUS_UNAUTHORIZED;
        rc = ocspanswer_issuer(responder->ca, ocsprequest_id(&asking->request, i), &authority, &generation, serial);
        if (!rc && i && (authority != asking->authority || generation != asking->generation))
            rc = RC_NOT_FOUND; /* no one key could sign for both */
        if (!rc && !ca_lives(responder->ca, authority, generation))
            rc = RC_NOT_FOUND; /* everything of that key has ended */
        if (rc)
            return rc;
        asking->authority = authority;
        asking->generation = generation;
        if (!i)
            memcpy(asking->serial, serial, sizeof serial);
        struct ocspstatus *status = &asking->statuses[i];
        *word = OCSP_RESPONSE_STATUS_INTERNALERROR;
        rc = book_status(responder->ca->store, authority, generation, serial, &status->revoked_at, &status->reason, err);
        status->known = rc == RC_OK;
        if (rc == RC_NOT_FOUND)
            rc = RC_OK;
    }
    const struct ocspkey *key = &responder->keys[asking->authority][asking->generation - 1];
    *word = OCSP_RESPONSE_STATUS_TRYLATER;
    if (!rc && asking->now < responder->told)
        rc = err_set(err, RC_STATE, "the clock stands before the last record");
    if (!rc && (!key->cert || key->not_after <= asking->now))
        rc = err_set(err, RC_STATE, "no certificate to answer for %s", authority_name(asking->authority));
    if (!rc && !bucket_take(&responder->buckets[asking->request.nonce], clock_ticks()))
        rc = RC_TIMEOUT;
    if (!rc && X509_up_ref(key->cert) && EVP_PKEY_up_ref(key->key))
        asking->key = *key;
    asking->revocation = responder->revocation;
    return rc;
}

/* Signs, keeps when it may be kept. */
static struct plain_answer *asking_answer(struct responder *responder, struct asking *asking)
{
    static const char *const uncached[] = { "Content-Type", TYPE, "Cache-Control", "no-store", NULL };
    struct ocspterms terms = { asking->now, asking->now + responder->settings->lifetime };
    struct buf der = { 0 };
    if (terms.next_update > asking->key.not_after)
        terms.next_update = asking->key.not_after;
    struct ocspentry entry = { .authority = asking->authority,
                               .until = asking->now + (terms.next_update - asking->now) / 2 };
    memcpy(entry.serial, asking->serial, sizeof entry.serial);
    struct plain_answer *answer = NULL;
    if (ocspanswer_encode(&asking->request, asking->statuses, &asking->key, &terms, &der) == RC_OK)
        answer = asking->request.nonce ? plain_answer_new(200, buf_bytes(&der), uncached)
                                       : answer_public(buf_bytes(&der), &terms, responder->settings->max_age, 200, entry.etag);
    buf_wipe(&der);
    pthread_mutex_lock(&responder->lock);
    responder->made++;
    /* what became known only now may be unknown to the look that this answer rests on; nothing unknown is kept, so that a
     * certificate is good as soon as it exists */
    if (answer && !asking->request.nonce && asking->request.count == 1 && asking->statuses[0].known &&
        asking->revocation == responder->revocation) {
        entry.answer = answer;
        ocspcache_put(responder->cache, asking->der, &entry);
    }
    pthread_mutex_unlock(&responder->lock);
    return answer;
}

static struct plain_answer *responder_sign(struct responder *responder, struct bytes der)
{
    struct asking asking = { .der = der, .now = clock_now() };
    struct err err = { 0 };
    struct plain_answer *answer = NULL;
    int word = OCSP_RESPONSE_STATUS_MALFORMEDREQUEST;
    enum rc rc = ocsprequest_parse(der, &asking.request, &err);
    if (!rc) {
        pthread_mutex_lock(&responder->lock);
        rc = asking_prepare(responder, &asking, &word, &err);
        pthread_mutex_unlock(&responder->lock);
    }
    if (!rc)
        answer = asking_answer(responder, &asking);
    if (!answer) {
        if (rc == RC_OK)
            word = OCSP_RESPONSE_STATUS_INTERNALERROR;
        log_debug("refused (%d): %s", word, err_text(&err, rc));
        pthread_mutex_lock(&responder->lock);
        responder->refused++;
        pthread_mutex_unlock(&responder->lock);
        answer = answer_word(word);
    }
    ocspkey_wipe(&asking.key);
    ocsprequest_wipe(&asking.request);
    return answer;
}

/* A kept answer with a reference for the caller, or the 304 that stands for it; NULL when there is none. */
static struct plain_answer *responder_recall(struct responder *responder, struct bytes der, const char *if_none_match,
                                             int *word)
{
    struct plain_answer *answer = NULL;
    struct err err = { 0 };
    pthread_mutex_lock(&responder->lock);
    if (responder_look(responder, clock_ticks(), &err)) {
        log_error("the book: %s", err.text);
        *word = OCSP_RESPONSE_STATUS_INTERNALERROR;
    } else {
        const struct ocspentry *entry = ocspcache_find(responder->cache, der, clock_now());
        if (entry && if_none_match[0] && strcmp(if_none_match, entry->etag) == 0) {
            const char *const headers[] = { "ETag", entry->etag, NULL };
            answer = plain_answer_new(304, bytes_of(NULL, 0), headers);
        } else if (entry) {
            answer = plain_answer_hold(entry->answer);
        }
        responder->cached += answer != NULL;
    }
    pthread_mutex_unlock(&responder->lock);
    return answer;
}

static struct plain_answer *responder_handle(void *context, const struct plain_request *request)
{
    static const char *const methods[] = { "Allow", "GET, HEAD, POST", NULL };
    struct responder *responder = context;
    struct buf decoded = { .max = OCSPREQUEST_BYTES + 8 };
    struct bytes der = request->body;
    int word = -1;
    bool post = strcmp(request->method, "POST") == 0;
    if (!post && strcmp(request->method, "GET") != 0 && strcmp(request->method, "HEAD") != 0)
        return plain_answer_new(405, bytes_of(NULL, 0), methods);
    if (post && strcmp(request->content_type, "application/ocsp-request") != 0)
        return plain_answer_new(415, bytes_of(NULL, 0), NULL);
    if (!post && ocsprequest_from_path(request->path, &decoded))
        word = OCSP_RESPONSE_STATUS_MALFORMEDREQUEST;
    if (!post)
        der = buf_bytes(&decoded);
    struct plain_answer *answer = NULL;
    if (word < 0)
        answer = responder_recall(responder, der, request->if_none_match, &word);
    if (!answer)
        answer = word < 0 ? responder_sign(responder, der) : answer_word(word);
    buf_wipe(&decoded);
    return answer;
}

static bool key_judged(const struct ocspkey *key)
{
    struct buf der = { 0 };
    bool judged = key->cert && cert_encode(key->cert, &der) == RC_OK && lint_responder(buf_bytes(&der));
    buf_wipe(&der);
    return judged;
}

/* The key that answers for one of an authority's keys; true when there is one that counts. */
static bool responder_keep_key(struct responder *responder, enum authority a, unsigned generation)
{
    struct ocspkey key = { 0 }, *used = &responder->keys[a][generation - 1];
    struct err err = { 0 };
    bool changed;
    pthread_mutex_lock(&responder->lock);
    if (used->cert && X509_up_ref(used->cert) && EVP_PKEY_up_ref(used->key))
        key = *used;
    pthread_mutex_unlock(&responder->lock);
    if (ocspbox_keep(responder->ca->folder, a, generation, ca_cert(responder->ca, a, generation), &key, &changed, &err))
        log_error("%s", err.text);
    else if (changed) {
        key.judged = key_judged(&key);
        log_info("answers for key %u of %s with a new certificate", generation, authority_name(a));
        pthread_mutex_lock(&responder->lock);
        struct ocspkey old = *used;
        *used = key;
        key = old;
        pthread_mutex_unlock(&responder->lock);
    }
    ocspkey_wipe(&key);
    return used->not_after > clock_now();
}

/* A ceremony writes the configuration anew: then there are more keys to answer for. */
static void responder_reload(struct responder *responder)
{
    struct stat st;
    struct err err = { 0 };
    char *path = file_join(responder->ca->folder, CACONFIG_FILE);
    if (path && stat(path, &st) == 0 && st.st_mtime * 1000 + st.st_mtim.tv_nsec / 1000000 != responder->configured) {
        pthread_mutex_lock(&responder->lock);
        enum rc rc = ca_reload(responder->ca, &err);
        pthread_mutex_unlock(&responder->lock);
        if (rc)
            log_error("the configuration: %s", err.text);
        else
            responder->configured = st.st_mtime * 1000 + st.st_mtim.tv_nsec / 1000000;
    }
    free(path);
}

/* Keys: true once there is one for each living key of each authority. */
static bool responder_keep_keys(struct responder *responder)
{
    bool complete = true;
    responder_reload(responder);
    for (enum authority a = AUTHORITY_SIGN; a < AUTHORITY_OPS; a++)
        for (unsigned g = 1; g <= ca_newest(responder->ca, a); g++)
            if (ca_lives(responder->ca, a, g))
                complete = responder_keep_key(responder, a, g) && complete;
    return complete;
}

/* Reads the state folder, writes its own box there, and where the pid file goes. */
static enum rc responder_confine(const struct responder *responder, const char *box, struct err *err)
{
    const struct ocsp *settings = responder->settings;
    char folder[600];
    confine_folder_of(settings->pid_file, folder, sizeof folder);
    const struct confine room = { .name = "ocsp", .sockets = true, .connects = store_is_remote(responder->ca->config.store),
                                  .read = { "/usr", "/lib", "/lib64", "/etc/ssl", "/etc/localtime", settings->state },
                                  .write = { "/dev/null", box, settings->pid_file ? folder : NULL } };
    return confine_process(&room, err);
}

static enum rc responder_serve(struct responder *responder, struct err *err)
{
    const struct ocsp *settings = responder->settings;
    struct plain_server *server = NULL;
    struct plain_settings plain = { .bind = settings->bind, .port = settings->port, .body_max = OCSPREQUEST_BYTES,
                                    .path_max = 2 * OCSPREQUEST_BYTES, .threads = (unsigned)settings->threads,
                                    .handle = responder_handle, .context = responder };
    bool waiting = false;
    while (!responder_keep_keys(responder)) {
        if (!waiting)
            log_info("waiting for certificates: the authorities issue them while they serve");
        waiting = true;
        if (proc_wait(TICK))
            return RC_OK;
    }
    enum rc rc = plain_start(&plain, &server, err);
    if (!rc) {
        printf("listening on port %u\n", plain_port(server));
        fflush(stdout);
        rc = confine_close_network(err);
    }
    if (!rc)
        rc = proc_pid_file(settings->pid_file, err);
    confine_try("ocsp", settings->state);
    while (!rc && !proc_wait(TICK))
        (void)responder_keep_keys(responder);
    plain_stop(server);
    log_info("answers: %llu kept, %llu signed, %llu refused", (unsigned long long)responder->cached,
             (unsigned long long)responder->made, (unsigned long long)responder->refused);
    return rc;
}

enum rc ocsp_run(const struct ocsp *ocsp, struct err *err)
{
    static struct responder responder;
    int64_t now = clock_ticks();
    responder = (struct responder) { .settings = ocsp, .looked = now - LOOK_EVERY };
    pthread_mutex_init(&responder.lock, NULL);
    for (int i = 0; i < 2; i++)
        responder.buckets[i] = (struct bucket) { .rate = (double)ocsp->rate / 2, .tokens = (double)ocsp->rate / 2,
                                                 .filled = now };
    enum rc rc = ca_open(NULL, ocsp->state, CACONFIG_FILE, CA_READ, &responder.ca, err);
    if (!rc)
        rc = book_newest_revocation(responder.ca->store, &responder.revocation, err);
    if (!rc)
        rc = ocspcache_new((size_t)ocsp->cache, &responder.cache);
    char *box = file_join(ocsp->state, "ocsp");
    if (!rc)
        rc = box ? file_make_folder(box, 0700, err) : RC_NOMEM;
    if (!rc)
        rc = responder_confine(&responder, box, err);
    if (!rc)
        rc = responder_serve(&responder, err);
    free(box);
    ocspcache_free(responder.cache);
    for (unsigned a = 0; a < AUTHORITY_COUNT; a++)
        for (unsigned i = 0; i < CACONFIG_GENERATIONS; i++)
            ocspkey_wipe(&responder.keys[a][i]);
    ca_close(responder.ca);
    pthread_mutex_destroy(&responder.lock);
    return rc;
}

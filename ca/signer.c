/* signer.c — the key-holding process. Order at start: open keys (the token may need files and a connection), then give up
 * what can be given up, then read the first question. One thread reads and judges, another one signs: the key waits for
 * no judgement. */
#include "ca/signer.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/opt.h"
#include "base/proc.h"
#include "ca/confine.h"
#include "ca/publisher.h"
#include "ca/seal.h"
#include "ca/signframe.h"
#include "ca/tbs.h"
#include "pki/cert.h"
#include "pki/keyuri.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIGNER_AHEAD 16 /* questions that are judged before their turn to be signed */

struct question {
    unsigned what, key; /* SIGNFRAME_KEY */
    struct buf content;
    struct buf digest; /* what the key is to sign of it: judged and hashed over the same bytes */
    enum rc rc;        /* the judgement */
    struct err err;
    bool last; /* no question: the end */
};

struct signer {
    int fd;
    unsigned newest[AUTHORITY_COUNT];
    struct keyuri *keys[AUTHORITY_COUNT][CACONFIG_GENERATIONS]; /* by generation - 1; NULL: that one has ended */
    X509 *certs[AUTHORITY_COUNT][CACONFIG_GENERATIONS];
    EVP_PKEY_CTX *ready[AUTHORITY_COUNT][CACONFIG_GENERATIONS]; /* of those keys that have signed; the signing thread's */
    int64_t sealed;       /* the last row of the trail that was signed */
    pthread_mutex_t lock; /* of the questions */
    pthread_cond_t changed;
    struct question questions[SIGNER_AHEAD]; /* a ring */
    size_t first, count;
};

static enum rc signer_open_key(struct signer *signer, const char *folder, const struct caconfig *config,
                               enum authority a, unsigned generation, struct err *err)
{
    X509 **cert = &signer->certs[a][generation - 1];
    struct keyuri **key = &signer->keys[a][generation - 1];
    enum rc rc = caconfig_read_cert(folder, a, generation, cert, err);
    if (!rc && generation < config->generations[a] && cert_not_after(*cert) <= clock_now())
        return RC_OK; /* an old key whose certificate has ended may be gone from the HSM */
    if (!rc)
        rc = keyuri_open(config->key_uri[a][generation - 1], key, err);
    if (!rc && EVP_PKEY_eq(X509_get0_pubkey(*cert), keyuri_get(*key)) != 1)
        rc = err_set(err, RC_CONFLICT, "key %u of authority %s is not that of its certificate", generation,
                     authority_name(a));
    return rc;
}

/* One signer opens the HSM at a time: SoftHSM2 lists no token, or none of its slots, while another process logs in. */
#define HSM_WAIT 3000 /* times 10 ms */

static int signer_lock_hsm(const char *folder)
{
    char *path = file_join(folder, "hsm.lock");
    int fd = -1;
    struct err quiet = { 0 };
    for (int i = 0; path && i < HSM_WAIT && file_lock(path, &fd, &quiet) == RC_CONFLICT; i++)
        usleep(10000);
    free(path);
    return fd;
}

static enum rc signer_open_keys(struct signer *signer, const char *folder, const char *file, struct err *err)
{
    static struct caconfig config;
    enum rc rc = caconfig_read(folder, file, &config, err);
    for (enum authority a = 0; !rc && a < AUTHORITY_COUNT; a++) {
        signer->newest[a] = config.generations[a];
        for (unsigned g = 1; !rc && g <= config.generations[a]; g++)
            rc = signer_open_key(signer, folder, &config, a, g, err);
    }
    return rc;
}

/* Reading stays: a token in files is looked into again and again. */
static void signer_drop_privileges(const char *folder)
{
    static const struct confine room = { .name = "signer", .read_anywhere = true };
    struct err err = { 0 };
    struct rlimit few_files = { 64, 64 };
    (void)setrlimit(RLIMIT_NOFILE, &few_files);
    /* A network of its own with nothing in it; connections that the token has already opened stay. Needs a capability. */
    if (unshare(CLONE_NEWNET) != 0)
        log_debug("the signer keeps the network: no capability to leave it");
    if (confine_process(&room, &err))
        log_warning("%s", err.text);
    confine_try(room.name, folder);
}

/* A head of the trail: never an older one than this process has signed already. */
static enum rc signer_seal(struct signer *signer, struct bytes text, struct buf *out, struct err *err)
{
    struct seal seal;
    if (seal_parse(text, &seal))
        return err_set(err, RC_DENIED, "not the head of an audit trail");
    if (seal.sequence < signer->sealed || seal.time > clock_now() + 300 || seal.time < clock_now() - 300)
        return err_set(err, RC_DENIED, "a head that is older than the last one, or not of now");
    struct keyuri *key = signer->keys[AUTHORITY_OPS][signer->newest[AUTHORITY_OPS] - 1];
    enum suite suite;
    if (suite_of_key(keyuri_get(key), &suite) || suite_sign(suite, keyuri_get(key), text, out))
        return err_set(err, RC_CRYPTO, "the key did not sign");
    signer->sealed = seal.sequence;
    return RC_OK;
}

static enum authority key_authority(unsigned key)
{
    return (enum authority)(key % AUTHORITY_COUNT);
}

static unsigned key_generation(unsigned key)
{
    return key / AUTHORITY_COUNT + 1;
}

/* A list as it passes by: what stands before its entries, the entries in a file, what stands behind them. */
struct passing {
    struct bytes head, tail;
    int fd;
    off_t at;
};

static enum rc passing_read(void *context, uint8_t *out, size_t max, size_t *got)
{
    struct passing *passing = context;
    struct bytes *part = passing->head.len ? &passing->head : NULL;
    ssize_t n = 0;
    if (!part) {
        do
            n = pread(passing->fd, out, max, passing->at);
        while (n < 0 && errno == EINTR);
        if (n < 0)
            return RC_IO;
        passing->at += n;
        part = n ? NULL : &passing->tail;
    }
    if (part) {
        n = (ssize_t)(part->len < max ? part->len : max);
        memcpy(out, part->data, (size_t)n);
        *part = bytes_of(part->data + n, part->len - (size_t)n);
    }
    *got = (size_t)n;
    return RC_OK;
}

/* Judged and hashed in one pass over the same bytes: whoever changes the file meanwhile changes nothing. */
static enum rc signer_judge_crl(const struct signer *signer, struct question *question, struct err *err)
{
    struct passing passing = { .fd = -1 };
    struct crlwalk *walk = NULL;
    struct crlfacts facts = { 0 };
    enum authority authority = key_authority(question->key);
    X509 *ca = signer->certs[authority][key_generation(question->key) - 1];
    if (signframe_receive_fd(signer->fd, &passing.fd))
        return err_set(err, RC_UNREACHABLE, "no file with the entries");
    enum rc rc = signframe_list_parts(buf_bytes(&question->content), &passing.head, &passing.tail);
    if (!rc)
        rc = crlwalk_new(passing_read, &passing, false, &walk, err);
    if (!rc)
        rc = signer_check_crl(ca, authority, walk, &facts, err);
    if (rc == RC_FORMAT)
        rc = RC_DENIED;
    if (!rc)
        rc = buf_append(&question->digest, facts.digest, facts.digest_len);
    crlfacts_wipe(&facts);
    crlwalk_free(walk);
    close(passing.fd);
    return rc;
}

static enum rc signer_judge_cert(const struct signer *signer, struct question *question, struct err *err)
{
    enum authority authority = key_authority(question->key);
    unsigned generation = key_generation(question->key);
    X509 *ca = signer->certs[authority][generation - 1];
    struct bytes tbs = buf_bytes(&question->content);
    enum suite suite;
    enum rc rc = signer_check_cert(ca, authority, generation == signer->newest[authority], tbs, err);
    if (!rc)
        rc = tbs_suite(tbs, &suite); /* the key's own, as was judged */
    return rc ? rc : suite_digest(suite, tbs, &question->digest);
}

/* What can be judged without the key: in the reading thread, while the other one signs. */
static enum rc signer_judge(const struct signer *signer, struct question *question, struct err *err)
{
    enum authority authority = key_authority(question->key);
    unsigned what = question->what, generation = key_generation(question->key);
    if (what == SIGNFRAME_PING || (what == SIGNFRAME_HEAD && authority == AUTHORITY_OPS))
        return RC_OK;
    if (what != SIGNFRAME_CERT && what != SIGNFRAME_CRL)
        return err_set(err, RC_UNSUPPORTED, "unknown question");
    if (generation > signer->newest[authority] || !signer->keys[authority][generation - 1])
        return err_set(err, RC_DENIED, "authority %s has no key %u any more, or not yet", authority_name(authority),
                       generation);
    return what == SIGNFRAME_CRL ? signer_judge_crl(signer, question, err) : signer_judge_cert(signer, question, err);
}

/* The key's signature over the digest. */
static enum rc signer_use_key(struct signer *signer, unsigned which, struct bytes digest, struct buf *out)
{
    EVP_PKEY *key = keyuri_get(signer->keys[key_authority(which)][key_generation(which) - 1]);
    EVP_PKEY_CTX **ready = &signer->ready[key_authority(which)][key_generation(which) - 1];
    enum suite suite;
    if (!*ready && suite_of_key(key, &suite) == RC_OK)
        *ready = suite_ready(suite, key);
    return *ready ? suite_sign_ready(*ready, digest, out) : RC_CRYPTO;
}

static enum rc signer_sign(struct signer *signer, const struct question *question, struct buf *out, struct err *err)
{
    struct bytes content = buf_bytes(&question->content);
    struct buf signature = { 0 };
    if (question->what == SIGNFRAME_PING)
        return RC_OK;
    if (question->what == SIGNFRAME_HEAD)
        return signer_seal(signer, content, out, err);
    enum rc rc = signer_use_key(signer, question->key, buf_bytes(&question->digest), &signature);
    if (rc)
        rc = err_set(err, rc, "the key did not sign");
    else if (question->what == SIGNFRAME_CERT)
        rc = tbs_seal(content, buf_bytes(&signature), out);
    else
        rc = buf_append_bytes(out, buf_bytes(&signature));
    buf_wipe(&signature);
    return rc;
}

static void question_put(struct signer *signer, struct question *question)
{
    pthread_mutex_lock(&signer->lock);
    while (signer->count == SIGNER_AHEAD)
        pthread_cond_wait(&signer->changed, &signer->lock);
    signer->questions[(signer->first + signer->count++) % SIGNER_AHEAD] = *question;
    pthread_cond_broadcast(&signer->changed);
    pthread_mutex_unlock(&signer->lock);
}

static void question_take(struct signer *signer, struct question *question)
{
    pthread_mutex_lock(&signer->lock);
    while (!signer->count)
        pthread_cond_wait(&signer->changed, &signer->lock);
    *question = signer->questions[signer->first];
    signer->first = (signer->first + 1) % SIGNER_AHEAD;
    signer->count--;
    pthread_cond_broadcast(&signer->changed);
    pthread_mutex_unlock(&signer->lock);
}

/* The one thread that uses the keys: signs what was judged, answers in the order of the questions. */
static void *signer_work(void *context)
{
    struct signer *signer = context;
    for (bool gone = false;;) {
        struct question question;
        struct buf answer = { .max = SIGNFRAME_MAX };
        question_take(signer, &question);
        if (question.last)
            return NULL;
        enum rc rc = question.rc;
        if (!rc && !gone)
            rc = signer_sign(signer, &question, &answer, &question.err);
        if (rc)
            log_warning("refused: %s", err_text(&question.err, rc));
        const char *words = err_text(&question.err, rc);
        bool told = !gone && !signframe_send(signer->fd, rc, 0, rc ? bytes_of(words, strlen(words)) : buf_bytes(&answer));
        if (!gone && (!told || rc == RC_CRYPTO)) { /* the HSM is away or its session over: the next signer opens it anew */
            gone = true;
            (void)shutdown(signer->fd, SHUT_RDWR); /* the reading thread ends, and then this one */
        }
        buf_wipe(&question.content);
        buf_wipe(&question.digest);
        buf_wipe(&answer);
    }
}

static void signer_read(struct signer *signer, enum rc opened, const struct err *open_err)
{
    struct question question;
    for (;;) {
        question = (struct question) { .content.max = SIGNFRAME_MAX };
        if (signframe_receive(signer->fd, &question.what, &question.key, &question.content))
            break;
        if (opened)
            question.err = *open_err;
        question.rc = opened ? opened : signer_judge(signer, &question, &question.err);
        question_put(signer, &question);
    }
    buf_wipe(&question.content);
    question = (struct question) { .last = true };
    question_put(signer, &question);
}

int signer_run(const char *folder, const char *file, int fd)
{
    static struct signer signer;
    struct err open_err = { 0 };
    pthread_t worker;
    proc_harden();
    signer = (struct signer) { .fd = fd };
    pthread_mutex_init(&signer.lock, NULL);
    pthread_cond_init(&signer.changed, NULL);
    int lock = signer_lock_hsm(folder);
    enum rc opened = signer_open_keys(&signer, folder, file, &open_err);
    if (lock >= 0)
        close(lock);
    signer_drop_privileges(folder);
    if (pthread_create(&worker, NULL, signer_work, &signer) != 0)
        return EXIT_FAILED;
    signer_read(&signer, opened, &open_err);
    pthread_join(worker, NULL);
    for (unsigned a = 0; a < AUTHORITY_COUNT; a++)
        for (unsigned i = 0; i < CACONFIG_GENERATIONS; i++) {
            EVP_PKEY_CTX_free(signer.ready[a][i]);
            keyuri_close(signer.keys[a][i]);
            X509_free(signer.certs[a][i]);
        }
    return opened ? EXIT_FAILED : EXIT_DONE;
}

static volatile sig_atomic_t publisher_pid; /* 0: none is running */

static void launch_reap(int signal)
{
    (void)signal;
    int kept = errno;
    for (pid_t pid; (pid = waitpid(-1, NULL, WNOHANG)) > 0;)
        if (pid == publisher_pid)
            publisher_pid = 0;
    errno = kept;
}

/* In a child of the launcher, from its fork on. The name is what ps and pgrep show. */
static void launched(const char *name, int control)
{
    (void)prctl(PR_SET_NAME, name, 0, 0, 0);
    close(control);
    proc_die_with_parent();
    signal(SIGCHLD, SIG_DFL);
}

static void launch_publisher(const struct launch *launch, int control)
{
    sigset_t child, before;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, &before); /* its pid is noted before its end can be */
    pid_t pid = fork();
    if (pid == 0) {
        struct err err = { 0 };
        const struct publisher publisher = { .state = launch->folder, .config = launch->file, .publication = launch->publication };
        launched("jpki-publisher", control);
        sigprocmask(SIG_SETMASK, &before, NULL);
        log_open("jpki-ca-publisher", LOG_INFO);
        enum rc rc = proc_catch_stop(&err);
        if (!rc)
            rc = publisher_run(&publisher, &err);
        if (rc)
            log_error("%s", err_text(&err, rc));
        _exit(rc ? EXIT_FAILED : EXIT_DONE);
    }
    publisher_pid = pid > 0 ? (sig_atomic_t)pid : 0;
    sigprocmask(SIG_SETMASK, &before, NULL);
}

static enum rc launch_signer(const struct launch *launch, int control)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return RC_IO;
    pid_t pid = fork();
    if (pid == 0) {
        launched("jpki-signer", control);
        close(pair[0]);
        _exit(signer_run(launch->folder, launch->file, pair[1]));
    }
    close(pair[1]);
    enum rc rc = pid > 0 ? signframe_send_fd(control, pair[0]) : RC_IO;
    close(pair[0]);
    return rc;
}

/* Looks after the publisher once a second, until a byte or the end comes over the control socket. */
static bool launch_asked(const struct launch *launch, int control)
{
    char asked;
    if (!launch->publication)
        return recv(control, &asked, 1, 0) == 1;
    for (;;) {
        struct pollfd fd = { .fd = control, .events = POLLIN };
        if (!publisher_pid)
            launch_publisher(launch, control);
        int ready = poll(&fd, 1, 1000);
        if (ready > 0)
            return recv(control, &asked, 1, 0) == 1;
        if (ready < 0 && errno == EINTR)
            (void)usleep(500000); /* a child ended: not at once again */
    }
}

int signer_launch(const struct launch *launch, int control)
{
    const struct sigaction reap = { .sa_handler = launch_reap, .sa_flags = SA_RESTART | SA_NOCLDSTOP };
    proc_harden();
    sigaction(SIGCHLD, &reap, NULL);
    while (launch_asked(launch, control) && launch_signer(launch, control) == RC_OK)
        ;
    pid_t publisher = publisher_pid;
    signal(SIGCHLD, SIG_DFL); /* the intake waits for this process, and so for its children */
    close(control);
    if (publisher > 0)
        (void)kill(publisher, SIGTERM);
    while (wait(NULL) > 0 || errno == EINTR)
        ;
    return EXIT_DONE;
}

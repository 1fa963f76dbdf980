/* signing.c — the launcher is started once, and starts a signer whenever one is asked for: this process may by then not
 * start anything any more. */
#include "ca/signing.h"

#include "base/fault.h"
#include "base/log.h"
#include "ca/signframe.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

#define SIGNING_FD 3
#define SIGNING_AHEAD 16   /* questions on their way: all fit into the socket, so that neither end waits for the other */
#define SIGNING_TIMEOUT 60 /* seconds; a signature takes milliseconds, a CRL of millions of entries some seconds */

struct signing {
    pthread_mutex_t lock;
    char *program, *folder, *file, *publication;
    int control; /* to the launcher; -1: not running */
    pid_t pid;   /* the launcher's */
    int fd;      /* to the signer; -1: not running */
};

static void signing_stop(struct signing *signing)
{
    if (signing->fd >= 0)
        close(signing->fd);
    signing->fd = -1;
}

/* One answer. RC_UNREACHABLE: the signer is gone, and the socket is closed; otherwise what the signer says. */
static enum rc signing_hear(struct signing *signing, struct buf *out, struct err *err)
{
    struct buf answer = { .max = SIGNFRAME_MAX };
    unsigned code = 0, unused;
    enum rc rc = signframe_receive(signing->fd, &code, &unused, &answer);
    if (rc) {
        signing_stop(signing); /* out of step: a new signer starts with a new socket */
        rc = err_set(err, RC_UNREACHABLE, "the signer is gone");
    } else if (code != RC_OK) {
        rc = code < RC_COUNT ? (enum rc)code : RC_BUG;
        const char *words = buf_string(&answer);
        err_set(err, rc, "signer: %s", words && *words ? words : rc_text(rc));
        if (rc == RC_CRYPTO)
            signing_stop(signing); /* the HSM may come back, to a signer that opens it anew */
    } else {
        rc = buf_append_bytes(out, buf_bytes(&answer));
    }
    buf_wipe(&answer);
    return rc;
}

static enum rc signing_ask(struct signing *signing, unsigned what, unsigned key, struct bytes content, struct buf *out,
                           struct err *err)
{
    if (signframe_send(signing->fd, what, key, content)) {
        signing_stop(signing);
        return err_set(err, RC_UNREACHABLE, "the signer is gone");
    }
    return signing_hear(signing, out, err);
}

/* The launcher is started by exec: it gets none of this process's memory and descriptors but its end of the pair. */
static enum rc signing_start_launcher(struct signing *signing, struct err *err)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        return err_set_errno(err, RC_IO, "a socket pair for the signer");
    char program[] = "jpki-ca", command[] = "signer", state[] = "--state", config[] = "--config", publish[] = "--publish";
    char *argv[] = { program, command, state, signing->folder, config, signing->file, signing->publication ? publish : NULL,
                     signing->publication, NULL };
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    if (pair[1] == SIGNING_FD) /* dup2 onto itself would keep close-on-exec */
        fcntl(pair[1], F_SETFD, 0);
    else
        posix_spawn_file_actions_adddup2(&actions, pair[1], SIGNING_FD);
    int failed = posix_spawn(&signing->pid, signing->program, &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(pair[1]);
    if (failed) {
        close(pair[0]);
        signing->pid = 0;
        errno = failed;
        return err_set_errno(err, RC_IO, "starting the signer %s", signing->program);
    }
    signing->control = pair[0];
    return RC_OK;
}

static enum rc signing_start(struct signing *signing, struct err *err)
{
    char ask = 1;
    if (send(signing->control, &ask, 1, MSG_NOSIGNAL) != 1 || signframe_receive_fd(signing->control, &signing->fd))
        return err_set(err, RC_UNREACHABLE, "no signer can be started any more");
    struct timeval limit = { .tv_sec = SIGNING_TIMEOUT };
    (void)setsockopt(signing->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    struct buf nothing = { 0 };
    enum rc rc = signing_ask(signing, SIGNFRAME_PING, 0, bytes_of(NULL, 0), &nothing, err);
    buf_wipe(&nothing);
    if (rc)
        signing_stop(signing);
    return rc;
}

enum rc signing_open(const char *program, const char *folder, const char *file, const char *publication,
                     struct signing **out, struct err *err)
{
    struct signing *signing = calloc(1, sizeof *signing);
    if (!signing)
        return RC_NOMEM;
    signing->fd = signing->control = -1;
    pthread_mutex_init(&signing->lock, NULL);
    signing->program = strdup(program ? program : "/proc/self/exe");
    signing->folder = strdup(folder);
    signing->file = strdup(file);
    signing->publication = publication ? strdup(publication) : NULL;
    bool copied = signing->program && signing->folder && signing->file && (signing->publication || !publication);
    enum rc rc = copied ? signing_start_launcher(signing, err) : RC_NOMEM;
    if (!rc)
        rc = signing_start(signing, err);
    if (rc)
        signing_close(signing);
    else
        *out = signing;
    return rc;
}

void signing_close(struct signing *signing)
{
    if (!signing)
        return;
    signing_stop(signing);
    if (signing->control >= 0)
        close(signing->control);
    if (signing->pid > 0)
        while (waitpid(signing->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    pthread_mutex_destroy(&signing->lock);
    free(signing->program);
    free(signing->folder);
    free(signing->file);
    free(signing->publication);
    free(signing);
}

/* Under the lock: a signer that answers. */
static enum rc signing_ready(struct signing *signing, struct err *err)
{
    if (signing->fd >= 0)
        return RC_OK;
    log_warning("starting the signer again");
    return signing_start(signing, err);
}

static enum rc signing_do(struct signing *signing, unsigned what, unsigned key, struct bytes tbs, struct buf *out,
                          struct err *err)
{
    pthread_mutex_lock(&signing->lock);
    enum rc rc = signing_ready(signing, err);
    if (!rc)
        rc = signing_ask(signing, what, key, tbs, out, err);
    pthread_mutex_unlock(&signing->lock);
    return rc;
}

void signing_certs(struct signing *signing, const struct signing_row *row)
{
    struct signing_job *ahead[SIGNING_AHEAD], *job; /* a ring */
    struct err err = { 0 };
    size_t first = 0, count = 0;
    pthread_mutex_lock(&signing->lock);
    enum rc rc = signing_ready(signing, &err);
    for (;;) {
        while (count < SIGNING_AHEAD && (job = row->next(row->context)) != NULL) {
            ahead[(first + count++) % SIGNING_AHEAD] = job;
            if (!rc)
                rc = signframe_send(signing->fd, SIGNFRAME_CERT, SIGNFRAME_KEY(job->authority, job->generation), job->tbs);
        }
        if (!count)
            break;
        job = ahead[first];
        first = (first + 1) % SIGNING_AHEAD;
        count--;
        if (!rc) {
            job->rc = signing_hear(signing, job->sealed, &job->err);
            rc = signing->fd < 0 ? RC_UNREACHABLE : RC_OK;
        } else {
            job->rc = err_set(&job->err, RC_UNREACHABLE, "%s", err.text[0] ? err.text : "the signer is gone");
        }
        row->done(row->context, job);
        if (count)
            fault_point("ca.between_signs");
    }
    if (rc && signing->fd >= 0)
        signing_stop(signing);
    pthread_mutex_unlock(&signing->lock);
}

enum rc signing_cert(struct signing *signing, enum authority authority, unsigned generation, struct bytes tbs,
                     struct buf *out, struct err *err)
{
    return signing_do(signing, SIGNFRAME_CERT, SIGNFRAME_KEY(authority, generation), tbs, out, err);
}

enum rc signing_crl(struct signing *signing, const struct signing_list *list, struct buf *out, struct err *err)
{
    struct buf content = { 0 };
    enum rc rc = signframe_list(list->head, list->tail, &content);
    pthread_mutex_lock(&signing->lock);
    if (!rc)
        rc = signing_ready(signing, err);
    if (!rc && (signframe_send(signing->fd, SIGNFRAME_CRL, SIGNFRAME_KEY(list->authority, list->generation), buf_bytes(&content)) ||
                signframe_send_fd(signing->fd, list->entries))) {
        signing_stop(signing);
        rc = err_set(err, RC_UNREACHABLE, "the signer is gone");
    }
    if (!rc)
        rc = signing_hear(signing, out, err);
    pthread_mutex_unlock(&signing->lock);
    buf_wipe(&content);
    return rc;
}

enum rc signing_head(struct signing *signing, struct bytes head, struct buf *out, struct err *err)
{
    return signing_do(signing, SIGNFRAME_HEAD, SIGNFRAME_KEY(AUTHORITY_OPS, 1), head, out, err);
}

/* link.c — connections of the server. A client that trickles its bytes never runs into an idle timeout, so a thread of the
 * server's own cuts every connection that has kept it waiting for too long as a whole. */
#include "net/link.h"

#include "base/clock.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

struct link {
    struct links *links;
    struct link *next, *previous;
    int fd;
    time_t deadline; /* monotonic seconds; 0: the clock stands */
    bool judged;
    enum rc verdict;
    struct err why;
    struct peer peer;
};

struct links {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t watcher;
    bool stopping;
    unsigned patience;
    struct link *first;
};

static time_t link_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

/* Sleeps while there is no connection, looks once a second while there is one. */
static void *links_watch(void *context)
{
    struct links *links = context;
    pthread_mutex_lock(&links->lock);
    while (!links->stopping) {
        if (!links->first) {
            pthread_cond_wait(&links->changed, &links->lock);
            continue;
        }
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += 1;
        (void)pthread_cond_timedwait(&links->changed, &links->lock, &until);
        time_t now = link_clock();
        for (struct link *link = links->first; link; link = link->next)
            if (link->deadline && link->deadline <= now) {
                (void)shutdown(link->fd, SHUT_RDWR); /* its own thread sees the end and cleans up */
                link->deadline = 0;
            }
    }
    pthread_mutex_unlock(&links->lock);
    return NULL;
}

static time_t link_gnutls_time(time_t *out)
{
    time_t now = (time_t)clock_now();
    if (out)
        *out = now;
    return now;
}

enum rc links_new(unsigned patience, struct links **links)
{
    gnutls_global_set_time_function(link_gnutls_time);
    struct links *made = calloc(1, sizeof *made);
    if (!made)
        return RC_NOMEM;
    made->patience = patience;
    pthread_mutex_init(&made->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&made->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (pthread_create(&made->watcher, NULL, links_watch, made) != 0) {
        pthread_cond_destroy(&made->changed);
        pthread_mutex_destroy(&made->lock);
        free(made);
        return RC_NOMEM;
    }
    *links = made;
    return RC_OK;
}

void links_free(struct links *links)
{
    if (!links)
        return;
    pthread_mutex_lock(&links->lock);
    links->stopping = true;
    pthread_cond_broadcast(&links->changed);
    pthread_mutex_unlock(&links->lock);
    pthread_join(links->watcher, NULL);
    pthread_cond_destroy(&links->changed);
    pthread_mutex_destroy(&links->lock);
    free(links);
}

static void link_open(struct links *links, struct MHD_Connection *connection, void **socket_context)
{
    struct link *link = calloc(1, sizeof *link);
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    *socket_context = link;
    if (!link || !info) {
        free(link);
        *socket_context = NULL;
        return;
    }
    link->links = links;
    link->fd = info->connect_fd;
    link->deadline = link_clock() + (time_t)links->patience;
    pthread_mutex_lock(&links->lock);
    link->next = links->first;
    if (link->next)
        link->next->previous = link;
    links->first = link;
    pthread_cond_signal(&links->changed);
    pthread_mutex_unlock(&links->lock);
}

static void link_close(struct links *links, struct link *link)
{
    if (!link)
        return;
    pthread_mutex_lock(&links->lock);
    if (link->next)
        link->next->previous = link->previous;
    if (link->previous)
        link->previous->next = link->next;
    else
        links->first = link->next;
    pthread_mutex_unlock(&links->lock);
    free(link);
}

void link_notify(void *context, struct MHD_Connection *connection, void **socket_context,
                 enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        link_open(context, connection, socket_context);
    } else {
        link_close(context, *socket_context);
        *socket_context = NULL;
    }
}

struct link *link_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

static void link_set_deadline(struct link *link, time_t deadline)
{
    pthread_mutex_lock(&link->links->lock);
    link->deadline = deadline;
    pthread_mutex_unlock(&link->links->lock);
}

void link_start_clock(struct link *link)
{
    link_set_deadline(link, link_clock() + (time_t)link->links->patience);
}

void link_stop_clock(struct link *link)
{
    link_set_deadline(link, 0);
}

static enum rc link_judge(struct link *link, struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    gnutls_session_t session = info ? info->tls_session : NULL;
    if (!session)
        return err_set(&link->why, RC_DENIED, "no TLS");
    unsigned count = 0;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &count);
    if (!chain || !count)
        return err_set(&link->why, RC_DENIED, "a client certificate of the operations authority is needed");
    char purpose[] = GNUTLS_KP_TLS_WWW_CLIENT;
    gnutls_typed_vdata_st wanted = { .type = GNUTLS_DT_KEY_PURPOSE_OID, .data = (unsigned char *)purpose };
    unsigned status = 0;
    if (gnutls_certificate_verify_peers(session, &wanted, 1, &status) != 0)
        return err_set(&link->why, RC_DENIED, "the client certificate cannot be verified");
    if (status) {
        const char *flaw = status & GNUTLS_CERT_EXPIRED                                        ? "is outdated"
                           : status & GNUTLS_CERT_NOT_ACTIVATED                                ? "is not valid yet"
                           : status & (GNUTLS_CERT_SIGNER_NOT_FOUND | GNUTLS_CERT_SIGNATURE_FAILURE) ? "is of another authority"
                           : status & GNUTLS_CERT_PURPOSE_MISMATCH                             ? "is not for TLS clients"
                                                                                               : "does not verify";
        return err_set(&link->why, RC_DENIED, "the client certificate %s", flaw);
    }
    struct err format = { 0 };
    if (peer_from_cert(bytes_of(chain[0].data, chain[0].size), &link->peer, &format) != RC_OK)
        return err_set(&link->why, RC_DENIED, "%s", format.text);
    if (link->peer.role == ROLE_TIME_STAMP || link->peer.role == ROLE_DOCUMENT_SEAL)
        return err_set(&link->why, RC_DENIED, "the role %s is not one for TLS", role_name(link->peer.role));
    return RC_OK;
}

enum rc link_peer(struct link *link, struct MHD_Connection *connection, const struct peer **peer, struct err *err)
{
    if (!link->judged) {
        link->verdict = link_judge(link, connection);
        link->judged = true;
    }
    if (link->verdict)
        return err_set(err, link->verdict, "%s", link->why.text);
    *peer = &link->peer;
    return RC_OK;
}

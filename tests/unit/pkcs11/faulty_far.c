/* faulty_far.c — the test's end: a thread for each keeper, which does what it asks at the faulty reader, one at a time.
 */
#include "faulty_far.h"

#include "faulty.h"

#include "card/reader.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int listener;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t done = PTHREAD_COND_INITIALIZER;
static unsigned running; /* keepers that began a transaction and did not end it: one whose card was reset goes on */

static void set_running(bool *own, bool now)
{
    running += (unsigned)now - (unsigned)*own;
    *own = now;
}

static enum rc serve_one(struct transport *transport, struct transport_link **link, bool *own, struct bytes message,
                         struct buf *answer)
{
    bool was_reset = false;
    enum transport_disposition disposition =
        message.len > 1 ? (enum transport_disposition)message.data[1] : TRANSPORT_LEAVE;
    enum rc rc = RC_OK;
    if (message.data[0] == FAULTY_FAR_CONNECT)
        return transport_connect(transport, "a faulty reader", link, NULL);
    if (!*link)
        return RC_CARD_GONE;
    switch (message.data[0]) {
    case FAULTY_FAR_BEGIN:
        rc = transport_begin(*link, &was_reset, NULL);
        answer->data[1] = was_reset;
        set_running(own, rc == RC_OK);
        return rc;
    case FAULTY_FAR_TRANSMIT:
        return transport_transmit(*link, bytes_of(message.data + 1, message.len - 1), answer, NULL);
    case FAULTY_FAR_END:
        transport_end(*link, disposition);
        set_running(own, false);
        return RC_OK;
    default:
        set_running(own, false);
        transport_disconnect(*link, disposition);
        *link = NULL;
        return RC_OK;
    }
}

static void *serve(void *context)
{
    int fd = *(int *)context;
    uint8_t *message = malloc(FAULTY_FAR_MAX);
    struct transport *transport = NULL;
    struct transport_link *link = NULL;
    bool own = false;
    ssize_t n;
    if (!message || reader_open(NULL, &transport, NULL))
        abort();
    while ((n = recv(fd, message, FAULTY_FAR_MAX, 0)) > 0) {
        struct buf answer = {0};
        if (buf_append(&answer, "\0\0", 2))
            abort();
        pthread_mutex_lock(&gate);
        enum rc rc = serve_one(transport, &link, &own, bytes_of(message, (size_t)n), &answer);
        pthread_cond_broadcast(&done);
        pthread_mutex_unlock(&gate);
        answer.data[0] = (uint8_t)rc;
        if (send(fd, answer.data, rc ? 2 : answer.len, MSG_NOSIGNAL) < 0)
            n = -1;
        buf_wipe(&answer);
        if (n < 0)
            break;
    }
    pthread_mutex_lock(&gate); /* the keeper is gone: so is its connection, as with the service */
    transport_disconnect(link, TRANSPORT_LEAVE);
    set_running(&own, false);
    pthread_cond_broadcast(&done);
    pthread_mutex_unlock(&gate);
    transport_close(transport);
    free(message);
    close(fd);
    free(context);
    return NULL;
}

static void *accept_all(void *context)
{
    (void)context;
    for (;;) {
        pthread_t thread;
        int *fd = malloc(sizeof *fd);
        if (!fd || (*fd = accept(listener, NULL, NULL)) < 0 || pthread_create(&thread, NULL, serve, fd))
            abort();
        pthread_detach(thread);
    }
}

void faulty_far_open(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    pthread_t thread;
    snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "jpki-faulty-%ld", (long)getpid());
    listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 16) ||
        setenv(FAULTY_FAR_SOCKET, address.sun_path + 1, 1) || pthread_create(&thread, NULL, accept_all, NULL))
        abort();
    pthread_detach(thread);
}

void faulty_far_settle(void)
{
    pthread_mutex_lock(&gate);
    while (the_reader.open || running)
        pthread_cond_wait(&done, &gate);
    pthread_mutex_unlock(&gate);
}

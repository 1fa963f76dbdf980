/* plain.c — libmicrohttpd with epoll. The first call for a request only takes note: answering there would close each
 * connection. */
#include "net/plain.h"

#include "base/log.h"
#include "net/address.h"
#include "net/link.h"

#include <microhttpd.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONNECTIONS_MAX = 1024, PATIENCE_DEFAULT = 10, BODY_MAX = 1 << 20, POOL = 12288 };

struct plain_answer {
    atomic_uint holders;
    unsigned status;
    struct MHD_Response *response;
};

struct plain_server {
    struct MHD_Daemon *daemon;
    struct links *links;
    struct plain_settings settings;
    uint16_t port;
};

struct visit {
    struct buf body;
    size_t received;
};

static struct visit visit_begun; /* a request without a body needs no record of its own */

struct plain_answer *plain_answer_new(unsigned status, struct bytes body, const char *const *headers)
{
    static const uint8_t nothing[1];
    struct plain_answer *answer = calloc(1, sizeof *answer);
    if (!answer)
        return NULL;
    atomic_init(&answer->holders, 1);
    answer->status = status;
    union { const void *from; void *to; } content = { .from = body.len ? body.data : nothing }; /* copied, not changed */
    answer->response = MHD_create_response_from_buffer(body.len, content.to, MHD_RESPMEM_MUST_COPY);
    bool made = answer->response;
    for (; made && headers && headers[0]; headers += 2)
        made = MHD_add_response_header(answer->response, headers[0], headers[1]) == MHD_YES;
    if (made)
        return answer;
    plain_answer_drop(answer);
    return NULL;
}

struct plain_answer *plain_answer_hold(struct plain_answer *answer)
{
    atomic_fetch_add(&answer->holders, 1);
    return answer;
}

void plain_answer_drop(struct plain_answer *answer)
{
    if (!answer || atomic_fetch_sub(&answer->holders, 1) != 1)
        return;
    if (answer->response)
        MHD_destroy_response(answer->response);
    free(answer);
}

static enum MHD_Result plain_queue(struct MHD_Connection *connection, struct plain_answer *answer)
{
    enum MHD_Result result = answer ? MHD_queue_response(connection, answer->status, answer->response) : MHD_NO;
    plain_answer_drop(answer);
    return result;
}

static enum MHD_Result plain_refuse(struct MHD_Connection *connection, unsigned status)
{
    return plain_queue(connection, plain_answer_new(status, bytes_of(NULL, 0), NULL));
}

/* A part of a body; what is over the ceiling is thrown away, past eight times that the connection is. */
static enum MHD_Result plain_collect(const struct plain_server *server, void **state, const char *upload, size_t len)
{
    struct visit *visit = *state;
    size_t max = server->settings.body_max;
    if (visit == &visit_begun) {
        visit = calloc(1, sizeof *visit);
        if (!visit)
            return MHD_NO;
        *state = visit;
    }
    visit->received += len;
    if (visit->received > max) {
        buf_wipe(&visit->body);
        return visit->received > 8 * max ? MHD_NO : MHD_YES;
    }
    return buf_append(&visit->body, upload, len) == RC_OK ? MHD_YES : MHD_NO;
}

static const char *plain_header(struct MHD_Connection *connection, const char *name)
{
    const char *value = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
    return value ? value : "";
}

static enum MHD_Result plain_handle(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                                    const char *version, const char *upload, size_t *upload_size, void **state)
{
    (void)version;
    struct plain_server *server = context;
    if (!*state) {
        *state = &visit_begun;
        return MHD_YES;
    }
    if (*upload_size) {
        size_t len = *upload_size;
        *upload_size = 0;
        return plain_collect(server, state, upload, len);
    }
    const struct visit *visit = *state;
    if (visit->received > server->settings.body_max)
        return plain_refuse(connection, MHD_HTTP_CONTENT_TOO_LARGE);
    if (strlen(url) > server->settings.path_max)
        return plain_refuse(connection, MHD_HTTP_URI_TOO_LONG);
    struct plain_request request = { .method = method, .path = url, .body = buf_bytes(&visit->body),
                                     .content_type = plain_header(connection, "Content-Type"),
                                     .if_none_match = plain_header(connection, "If-None-Match") };
    return plain_queue(connection, server->settings.handle(server->settings.context, &request));
}

static void plain_end(void *context, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode why)
{
    (void)context;
    (void)why;
    struct visit *visit = *state;
    struct link *link = link_of(connection);
    if (link)
        link_start_clock(link);
    if (visit && visit != &visit_begun) {
        buf_wipe(&visit->body);
        free(visit);
    }
    *state = NULL;
}

static void plain_log(void *context, const char *format, va_list args)
{
    (void)context;
    char line[300];
    if (vsnprintf(line, sizeof line, format, args) > 0)
        log_debug("http: %s", line);
}

static enum rc plain_listen(struct plain_server *server, unsigned patience, unsigned threads, struct err *err)
{
    const struct plain_settings *settings = &server->settings;
    const char *bind = settings->bind ? settings->bind : "127.0.0.1";
    union address address;
    enum rc rc = address_parse(bind, settings->port, &address, err);
    if (rc)
        return rc;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_USE_ERROR_LOG;
    if (address.any.sa_family == AF_INET6)
        flags |= MHD_USE_IPv6;
    server->daemon = MHD_start_daemon(
        flags, settings->port, NULL, NULL, plain_handle, server,
        MHD_OPTION_EXTERNAL_LOGGER, plain_log, NULL,
        MHD_OPTION_SOCK_ADDR, &address.any,
        MHD_OPTION_THREAD_POOL_SIZE, threads > 1 ? threads : 0u,
        MHD_OPTION_CONNECTION_TIMEOUT, patience,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL, /* cleared for each request; a body comes through it in pieces */
        MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u,
        MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_NOTIFY_CONNECTION, link_notify, server->links,
        MHD_OPTION_NOTIFY_COMPLETED, plain_end, server,
        MHD_OPTION_END);
    if (!server->daemon)
        return err_set_errno(err, RC_IO, "cannot listen on %s port %u", bind, settings->port);
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT);
    server->port = info && info->port ? info->port : settings->port;
    return RC_OK;
}

enum rc plain_start(const struct plain_settings *settings, struct plain_server **server, struct err *err)
{
    if (settings->body_max > BODY_MAX)
        return err_set(err, RC_BUG, "a plain server takes no such bodies");
    struct plain_server *made = calloc(1, sizeof *made);
    if (!made)
        return RC_NOMEM;
    made->settings = *settings;
    unsigned patience = settings->patience ? settings->patience : PATIENCE_DEFAULT;
    enum rc rc = links_new(patience, &made->links);
    if (!rc)
        rc = plain_listen(made, patience, settings->threads, err);
    if (rc)
        plain_stop(made);
    else
        *server = made;
    return rc;
}

uint16_t plain_port(const struct plain_server *server)
{
    return server->port;
}

void plain_stop(struct plain_server *server)
{
    if (!server)
        return;
    if (server->daemon)
        MHD_stop_daemon(server->daemon);
    links_free(server->links);
    free(server);
}

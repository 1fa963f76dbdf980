/* server.c — the HTTPS server: a libmicrohttpd daemon with our certificate, our routes and our limits. */
#include "net/server.h"

#include "base/log.h"
#include "net/address.h"
#include "net/exchange.h"
#include "net/link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CONNECTIONS_MAX = 256,
    CONNECTIONS_PER_ADDRESS = 64,
    BODY_MAX_DEFAULT = 1 << 20,
    PATIENCE_DEFAULT = 30,
};

struct server {
    struct MHD_Daemon *daemon;
    struct links *links;
    struct exchange_rules rules;
    uint16_t port;
};

/* The library's own words: mostly handshakes that strangers break off. */
static void server_log(void *context, const char *format, va_list args)
{
    (void)context;
    char line[300];
    if (vsnprintf(line, sizeof line, format, args) > 0)
        log_debug("http: %s", line);
}

static enum rc server_listen(struct server *server, const struct server_settings *settings, unsigned patience,
                             struct err *err)
{
    union address address;
    enum rc rc = address_parse(settings->bind ? settings->bind : "127.0.0.1", settings->port, &address, err);
    if (rc)
        return rc;
    unsigned flags = MHD_USE_TLS | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL
                     | MHD_USE_ITC | MHD_USE_ERROR_LOG;
    if (address.any.sa_family == AF_INET6)
        flags |= MHD_USE_IPv6;
    const struct identity *identity = settings->identity;
    server->daemon = MHD_start_daemon(
        flags, settings->port, NULL, NULL, exchange_handle, &server->rules,
        MHD_OPTION_EXTERNAL_LOGGER, server_log, NULL,
        MHD_OPTION_SOCK_ADDR, &address.any,
        MHD_OPTION_HTTPS_MEM_KEY, (const char *)identity->key_pem.data,
        MHD_OPTION_HTTPS_MEM_CERT, (const char *)identity->cert_pem.data,
        MHD_OPTION_HTTPS_MEM_TRUST, (const char *)identity->ca_pem.data,
        MHD_OPTION_HTTPS_PRIORITIES, "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2",
        MHD_OPTION_CONNECTION_TIMEOUT, patience,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
        MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)CONNECTIONS_PER_ADDRESS,
        MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u,
        MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_URI_LOG_CALLBACK, exchange_begin, &server->rules,
        MHD_OPTION_NOTIFY_CONNECTION, link_notify, server->links,
        MHD_OPTION_NOTIFY_COMPLETED, exchange_end, &server->rules,
        MHD_OPTION_END);
    if (!server->daemon)
        return err_set_errno(err, RC_IO, "cannot listen on %s port %u, or the identity in %s is unusable",
                             settings->bind ? settings->bind : "127.0.0.1", settings->port, identity->folder);
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_BIND_PORT);
    server->port = info && info->port ? info->port : settings->port;
    return RC_OK;
}

enum rc server_start(const struct server_settings *settings, struct server **server, struct err *err)
{
    struct server *made = calloc(1, sizeof *made);
    if (!made)
        return RC_NOMEM;
    made->rules.routes = settings->routes;
    made->rules.context = settings->context;
    made->rules.denied = settings->denied;
    made->rules.body_max = settings->body_max ? settings->body_max : BODY_MAX_DEFAULT;
    unsigned patience = settings->patience ? settings->patience : PATIENCE_DEFAULT;
    enum rc rc = links_new(patience, &made->links);
    if (rc == RC_OK)
        rc = server_listen(made, settings, patience, err);
    if (rc) {
        server_stop(made);
        return rc;
    }
    *server = made;
    return RC_OK;
}

uint16_t server_port(const struct server *server)
{
    return server->port;
}

void server_stop(struct server *server)
{
    if (!server)
        return;
    if (server->daemon)
        MHD_stop_daemon(server->daemon);
    links_free(server->links);
    free(server);
}

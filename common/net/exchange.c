/* exchange.c — from a request to its answer. The first call for a request only takes note, and the answer is queued when
 * the body is there: libmicrohttpd closes a connection that is answered earlier. */
#include "net/exchange.h"

#include "base/log.h"
#include "net/json.h"
#include "net/link.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* How much of a body that is too large is still taken in, times body_max, so that the client sees its 413 and not a broken
 * connection. */
#define DRAIN_FACTOR 8u

struct exchange {
    struct buf body;
    size_t received; /* also what was thrown away */
    bool begun;
    bool nul_in_uri;
};

/* How an answer comes about when no handler made it. */
struct refusal {
    unsigned status;
    enum rc rc;
    const char *text;
};

void *exchange_begin(void *context, const char *uri, struct MHD_Connection *connection)
{
    (void)context;
    (void)connection;
    struct exchange *exchange = calloc(1, sizeof *exchange);
    if (exchange)
        exchange->nul_in_uri = strstr(uri, "%00") != NULL; /* decoded, it would cut the path short */
    return exchange;
}

void exchange_end(void *context, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode why)
{
    (void)context;
    (void)why;
    struct exchange *exchange = *state;
    struct link *link = link_of(connection);
    if (link)
        link_start_clock(link);
    if (exchange)
        buf_wipe(&exchange->body);
    free(exchange);
    *state = NULL;
}

static const char *exchange_query(const struct request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

static bool exchange_path_matches(const char *pattern, const char *path, const char **rest)
{
    size_t len = strlen(pattern);
    *rest = "";
    if (len == 0 || pattern[len - 1] != '*')
        return strcmp(pattern, path) == 0;
    if (strncmp(pattern, path, len - 1) != 0)
        return false;
    *rest = path + len - 1;
    return true;
}

/* The row for method and path; when there is none, *known says whether the path at least exists. */
static const struct route *exchange_find(const struct route *routes, const char *method, const char *path,
                                         const char **rest, bool *known)
{
    *known = false;
    for (const struct route *route = routes; route->method; route++) {
        if (!exchange_path_matches(route->path, path, rest))
            continue;
        *known = true;
        if (strcmp(route->method, method) == 0)
            return route;
    }
    return NULL;
}

static void exchange_free_body(void *context)
{
    struct buf *body = context;
    buf_wipe(body);
    free(body);
}

/* Takes the body over: it is wiped when it has been sent. */
static enum MHD_Result exchange_queue(struct MHD_Connection *connection, unsigned status, const char *content_type,
                                      struct buf *body)
{
    struct buf *kept = malloc(sizeof *kept);
    if (!kept) {
        buf_wipe(body);
        return MHD_NO;
    }
    *kept = *body;
    *body = (struct buf) { 0 };
    static char nothing[1];
    struct MHD_Response *response = MHD_create_response_from_buffer_with_free_callback_cls(
        kept->len, kept->len ? (void *)kept->data : nothing, exchange_free_body, kept);
    if (!response) {
        exchange_free_body(kept);
        return MHD_NO;
    }
    enum MHD_Result result = MHD_add_response_header(response, "Content-Type", content_type);
    if (result == MHD_YES)
        result = MHD_add_response_header(response, "Cache-Control", "no-store");
    if (result == MHD_YES)
        result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result exchange_refuse(struct MHD_Connection *connection, struct refusal refusal)
{
    struct buf body = { 0 };
    json_t *error = json_error(refusal.rc, refusal.text);
    enum rc rc = error ? json_write(error, &body) : RC_NOMEM;
    json_decref(error);
    if (rc)
        return MHD_NO;
    return exchange_queue(connection, refusal.status, "application/json", &body);
}

/* Who was turned away and where, for the operator. Neither path nor body: they are the other end's words, and may be personal data. */
static void exchange_note(const struct peer *peer, const struct route *route, const char *why)
{
    log_warning("refused: %s %s to %s %s %s: %s", route ? route->method : "-", route ? route->path : "-",
                peer ? role_name(peer->role) : "nobody", peer ? peer->municipality : "-", peer ? peer->serial : "-", why);
}

static enum MHD_Result exchange_turn_away(struct MHD_Connection *connection, const struct peer *peer, const struct route *route,
                                          struct refusal refusal)
{
    exchange_note(peer, route, refusal.text);
    return exchange_refuse(connection, refusal);
}

static void exchange_denied(const struct exchange_rules *rules, const struct route *route, const struct peer *peer)
{
    if (rules->denied)
        rules->denied(rules->context, peer, route->method, route->path);
}

static enum MHD_Result exchange_run(const struct exchange_rules *rules, const struct route *route,
                                    const struct request *request)
{
    struct response response = { .status = 200, .content_type = "application/json" };
    struct err err = { 0 };
    enum rc rc = route->handle(rules->context, request, &response, &err);
    log_debug("%s %s from %s %s: %s", request->method, route->path, role_name(request->peer->role),
              request->peer->serial, rc_name(rc));
    if (rc == RC_OK)
        return exchange_queue(request->connection, response.status, response.content_type, &response.body);
    unsigned status = net_status_of_rc(rc);
    if (status >= 500)
        log_warning("%s %s: %s: %s", request->method, route->path, rc_name(rc), err_text(&err, rc));
    buf_wipe(&response.body);
    if (rc == RC_DENIED)
        exchange_denied(rules, route, request->peer);
    if (rc == RC_DENIED || rc == RC_FORMAT)
        exchange_note(request->peer, route, rc_name(rc));
    return exchange_refuse(request->connection, (struct refusal) { status, rc, err_text(&err, rc) });
}

/* The whole request is there: who asks what? */
static enum MHD_Result exchange_answer(const struct exchange_rules *rules, struct exchange *exchange, struct link *link,
                                       struct MHD_Connection *connection, const char *method, const char *path)
{
    struct err err = { 0 };
    const struct peer *peer = NULL;
    const char *rest;
    bool known;
    enum rc rc = link_peer(link, connection, &peer, &err);
    if (rc)
        return exchange_turn_away(connection, NULL, NULL, (struct refusal) { 403, rc, err_text(&err, rc) });
    if (exchange->nul_in_uri)
        return exchange_turn_away(connection, peer, NULL, (struct refusal) { 400, RC_FORMAT, "the path has a NUL inside" });
    const struct route *route = exchange_find(rules->routes, method, path, &rest, &known);
    if (!known)
        return exchange_turn_away(connection, peer, NULL, (struct refusal) { 404, RC_NOT_FOUND, "there is no such path" });
    if (!route)
        return exchange_turn_away(connection, peer, NULL, (struct refusal) { 405, RC_UNSUPPORTED, "the path has no such method" });
    if (!(route->roles & ROLE_BIT(peer->role))) {
        exchange_denied(rules, route, peer);
        return exchange_turn_away(connection, peer, route, (struct refusal) { 403, RC_DENIED, "not for this role" });
    }
    if (exchange->received > rules->body_max)
        return exchange_turn_away(connection, peer, route, (struct refusal) { 413, RC_RANGE, "the body is too large" });
    const char *content_type = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Content-Type");
    struct request request = {
        .peer = peer,
        .method = method,
        .path = path,
        .rest = rest,
        .content_type = content_type ? content_type : "",
        .body = buf_bytes(&exchange->body),
        .query = exchange_query,
        .connection = connection,
    };
    return exchange_run(rules, route, &request);
}

/* A part of the body. What is over the ceiling, or comes from nobody we know, is thrown away; past all patience the
 * connection is. */
static enum MHD_Result exchange_collect(const struct exchange_rules *rules, struct exchange *exchange, struct link *link,
                                        struct MHD_Connection *connection, const char *upload, size_t len)
{
    const struct peer *peer;
    exchange->received += len;
    if (exchange->received > rules->body_max * DRAIN_FACTOR)
        return MHD_NO;
    if (exchange->received > rules->body_max || link_peer(link, connection, &peer, NULL) != RC_OK) {
        buf_wipe(&exchange->body);
        return MHD_YES;
    }
    return buf_append(&exchange->body, upload, len) == RC_OK ? MHD_YES : MHD_NO;
}

enum MHD_Result exchange_handle(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                                const char *version, const char *upload, size_t *upload_size, void **state)
{
    (void)version;
    const struct exchange_rules *rules = context;
    struct exchange *exchange = *state;
    struct link *link = link_of(connection);
    if (!exchange || !link)
        return MHD_NO;
    if (!exchange->begun) {
        exchange->begun = true;
        return MHD_YES;
    }
    if (*upload_size) {
        size_t len = *upload_size;
        *upload_size = 0;
        return exchange_collect(rules, exchange, link, connection, upload, len);
    }
    link_stop_clock(link);
    enum MHD_Result result = exchange_answer(rules, exchange, link, connection, method, url);
    link_start_clock(link);
    return result;
}

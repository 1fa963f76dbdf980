/* server.h — an HTTPS server with mutual TLS and routes as rows (libmicrohttpd). A connection without a client
 * certificate of the operations authority gets no handler: 403 at once.
 *
 * TLS 1.2 or newer; the peer's certificate is judged at clock_now(). At most 256 connections, 64 from one address.
 *
 * Binds 127.0.0.1 unless told otherwise. One thread per connection; handlers of one server may run at the same time, so
 * they lock what they share. */
#ifndef JPKI_NET_SERVER_H
#define JPKI_NET_SERVER_H

#include "net/identity.h"

#include <jansson.h>

struct request {
    const struct peer *peer;
    const char *method;
    const char *path;
    const char *rest;   /* what stood in the place of a route's trailing '*'; "" otherwise. Already URL-decoded */
    const char *content_type;
    struct bytes body;  /* whole; at most the server's body_max */
    const char *(*query)(const struct request *request, const char *name); /* NULL when absent */
    void *connection;
};

struct response {
    unsigned status;          /* 200 unless set */
    const char *content_type; /* static; "application/json" unless set */
    struct buf body;          /* wiped by the server */
};

struct route {
    const char *method;  /* "GET", "POST"; the rows end with a zero row */
    const char *path;    /* "/v1/confirm", or with a trailing '*': "/v1/certificates/ *" without the blank */
    unsigned roles;      /* who may; any other peer gets 403 */
    /* RC_OK: response is sent. Otherwise the rc is translated (net_status_of_rc) and sent as an error object with the
     * words of err. */
    enum rc (*handle)(void *context, const struct request *request, struct response *response, struct err *err);
};

struct server;

struct server_settings {
    const char *bind;        /* address; NULL means 127.0.0.1 */
    uint16_t port;           /* 0: any; see server_port */
    size_t body_max;         /* bytes; 0 means 1 MiB; larger bodies get 413 */
    unsigned patience;       /* seconds for one whole request to arrive and for its answer to leave; 0 means 30. A slower
                                client is dropped */
    const struct identity *identity; /* borrowed until server_stop */
    const struct route *routes;      /* borrowed until server_stop */
    void *context;                   /* given to the handlers */
    /* Told, before the answer leaves, of every 403 to a known peer at a known route, by its role or by the handler. NULL:
     * nobody is. path is the route's own. */
    void (*denied)(void *context, const struct peer *peer, const char *method, const char *path);
};

enum rc server_start(const struct server_settings *settings, struct server **server, struct err *err) MUST_CHECK;
uint16_t server_port(const struct server *server);
void server_stop(struct server *server); /* waits for running handlers */

/* Translation of result codes into HTTP status codes, one table: RC_FORMAT 400, RC_DENIED 403, RC_NOT_FOUND 404,
 * RC_CONFLICT and RC_EXISTS and RC_STATE 409, RC_RANGE 422, RC_UNSUPPORTED 501, RC_UNREACHABLE 502, RC_TIMEOUT 504,
 * everything else 500. */
unsigned net_status_of_rc(enum rc rc);
/* And back: for a client that got the status. 2xx is RC_OK, other values RC_REFUSED. */
enum rc net_rc_of_status(unsigned status);

#endif

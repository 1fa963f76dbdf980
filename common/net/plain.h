/* plain.h — an HTTP server for what is public: no TLS, no peer, one handler (OCSP). Everything that asks who is there goes
 * through net/server.h instead.
 *
 * One epoll thread (or as many as asked for): the handler may run in several threads at once, and should not wait. At most
 * 1024 connections. A connection that has kept the server waiting for `patience` seconds as a whole is cut. */
#ifndef JPKI_NET_PLAIN_H
#define JPKI_NET_PLAIN_H

#include "base/buf.h"
#include "base/err.h"

struct plain_request {
    const char *method;
    const char *path;         /* URL-decoded */
    const char *content_type; /* "" when absent */
    const char *if_none_match; /* "" when absent */
    struct bytes body;        /* whole */
};

/* An answer, counted, so that one that is given many times is made once. */
struct plain_answer;

/* body is copied. headers: name and value in turn, NULL ends; NULL for none. NULL when out of memory. The caller holds
 * one reference. */
struct plain_answer *plain_answer_new(unsigned status, struct bytes body, const char *const *headers);
struct plain_answer *plain_answer_hold(struct plain_answer *answer); /* one more reference */
void plain_answer_drop(struct plain_answer *answer);                  /* NULL is fine */

/* Returns a reference, which the server drops; NULL makes the connection end. */
typedef struct plain_answer *(*plain_handler)(void *context, const struct plain_request *request);

struct plain_settings {
    const char *bind;   /* address; NULL means 127.0.0.1 */
    uint16_t port;      /* 0: any */
    size_t body_max;    /* larger bodies get 413; at most 1 MiB */
    size_t path_max;    /* longer paths get 414 */
    unsigned patience;  /* seconds; 0 means 10 */
    unsigned threads;   /* 0 means 1 */
    plain_handler handle;
    void *context;
};

struct plain_server;

enum rc plain_start(const struct plain_settings *settings, struct plain_server **server, struct err *err) MUST_CHECK;
uint16_t plain_port(const struct plain_server *server);
void plain_stop(struct plain_server *server); /* waits for running handlers; NULL is fine */

#endif

/* client.h — HTTPS requests with mutual TLS (libcurl). Only https URLs; the server must hold a certificate of the
 * operations authority for the host name in the URL. No redirects, no proxies, nothing from the environment. */
#ifndef JPKI_NET_CLIENT_H
#define JPKI_NET_CLIENT_H

#include "net/identity.h"

#include <jansson.h>

struct client;

/* base_url: "https://127.0.0.1:7001". The identity is borrowed until client_close. timeout in seconds, 0 means 30.
 * Not to be shared between threads. */
enum rc client_open(const char *base_url, const struct identity *identity, long timeout, struct client **client,
                    struct err *err) MUST_CHECK;
void client_close(struct client *client);

/* From now on the server must hold one of these roles (ROLE_BIT): a municipal node is not to pass for the national one. A
 * server of another role is RC_DENIED before anything is sent. Before the first call any server certificate will do. */
void client_expect(struct client *client, unsigned roles);

/* The same, and the server's certificate must be of that municipality (six digits; borrowed until client_close): one node is not to
 * pass for another of its kind. */
void client_expect_of(struct client *client, unsigned roles, const char *municipality);

/* One request. body NULL for none. *status is the HTTP status, *out gets the response body (ceiling: out's own).
 * RC_OK means that an HTTP answer came, whatever its status. RC_UNREACHABLE (no connection: nothing was sent),
 * RC_TIMEOUT (sent, the answer is not known), RC_DENIED (TLS refused one of the certificates). */
enum rc client_send(struct client *client, const char *method, const char *path, const char *content_type,
                    const struct bytes *body, unsigned *status, struct buf *out, struct err *err) MUST_CHECK;

/* JSON both ways. A 2xx answer gives RC_OK and *out (may be NULL when the body is empty; caller decrefs); any other one
 * gives the rc that its error object names (net_rc_of_status when it names none) and its words in err. in NULL: no body. */
enum rc client_json(struct client *client, const char *method, const char *path, const json_t *in, json_t **out,
                    struct err *err) MUST_CHECK;

#endif

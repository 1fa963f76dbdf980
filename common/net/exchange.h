/* exchange.h — one request and its answer inside the server: collecting the body, finding the route, calling the handler.
 * Internal to net. */
#ifndef JPKI_NET_EXCHANGE_H
#define JPKI_NET_EXCHANGE_H

#include "net/server.h"

#include <microhttpd.h>

/* What all exchanges of one server share; constant while it runs. */
struct exchange_rules {
    const struct route *routes;
    void *context;
    size_t body_max;
    void (*denied)(void *context, const struct peer *peer, const char *method, const char *path); /* or NULL */
};

/* Call-backs of libmicrohttpd; context is the struct exchange_rules. */
void *exchange_begin(void *context, const char *uri, struct MHD_Connection *connection);
enum MHD_Result exchange_handle(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                                const char *version, const char *upload, size_t *upload_size, void **state);
void exchange_end(void *context, struct MHD_Connection *connection, void **state, enum MHD_RequestTerminationCode why);

#endif

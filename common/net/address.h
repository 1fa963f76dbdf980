/* address.h — a numeric address and port to listen on. Internal to net. */
#ifndef JPKI_NET_ADDRESS_H
#define JPKI_NET_ADDRESS_H

#include "base/err.h"

#include <netinet/in.h>
#include <stdint.h>

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* RC_USAGE: not a numeric address. */
enum rc address_parse(const char *text, uint16_t port, union address *address, struct err *err) MUST_CHECK;

#endif

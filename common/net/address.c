/* address.c — IPv4 or IPv6. */
#include "net/address.h"

#include <arpa/inet.h>

enum rc address_parse(const char *text, uint16_t port, union address *address, struct err *err)
{
    *address = (union address) { 0 };
    if (inet_pton(AF_INET, text, &address->v4.sin_addr) == 1) {
        address->v4.sin_family = AF_INET;
        address->v4.sin_port = htons(port);
        return RC_OK;
    }
    if (inet_pton(AF_INET6, text, &address->v6.sin6_addr) == 1) {
        address->v6.sin6_family = AF_INET6;
        address->v6.sin6_port = htons(port);
        return RC_OK;
    }
    return err_set(err, RC_USAGE, "'%s' is not a numeric address to listen on", text);
}

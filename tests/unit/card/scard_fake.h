/* scard_fake.h — functions of our own in the place of libpcsclite's: what the service will say next, and what it was asked. */
#ifndef JPKI_TESTS_SCARD_FAKE_H
#define JPKI_TESTS_SCARD_FAKE_H

#include "card/transport.h"

#include <stddef.h>
#include <stdint.h>
#include <winscard.h>

struct scard_fake {
    LONG establish, list, connect, reconnect, begin[4], transmit, wait;
    const char *names; /* NUL after NUL */
    size_t names_len;
    DWORD event;
    unsigned begins, transmits, reconnects, contexts, ends;
    DWORD last_end, last_disconnect, last_pci;
    const char *answer;
    size_t answer_len;
    bool list_once;
    LONG features_fail, pad;
    const char *features;
    DWORD features_len, pad_request_len;
    uint8_t pad_request[64];
    unsigned pads;
    unsigned short_lists; /* how many times the list grows between the two calls */
};
extern struct scard_fake fake;

void fake_reset(void); /* two readers with a card each, and all goes well */
struct transport *pcsc_new(const char *prefix);
struct transport_link *pcsc_link(struct transport **transport); /* after fake_reset: connected, in a transaction */

#endif

/* transport_pcsc.h — PC/SC readers. transport_pcsc.c is the one file that links libpcsclite. */
#ifndef JPKI_CARD_TRANSPORT_PCSC_H
#define JPKI_CARD_TRANSPORT_PCSC_H

#include "card/transport.h"

/* Readers whose name begins with prefix (copied; "" for all). RC_USAGE for a longer prefix than any name. */
enum rc transport_pcsc_new(const char *prefix, struct transport **transport, struct err *err) MUST_CHECK;

#endif

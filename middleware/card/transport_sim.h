/* transport_sim.h — the software card behind its Unix socket, in the messages of vsmartcard's vpcd (docs/PROTOCOLS.md):
 * length in two bytes, then bytes; a message of one byte is a control. */
#ifndef JPKI_CARD_TRANSPORT_SIM_H
#define JPKI_CARD_TRANSPORT_SIM_H

#include "card/transport.h"

/* One reader, named "sim:PATH". An answer that does not come within a minute is RC_CARD_GONE. RC_USAGE: the path is
 * empty or too long for a socket's address. */
enum rc transport_sim_new(const char *path, struct transport **transport, struct err *err) MUST_CHECK;

#endif

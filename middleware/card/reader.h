/* reader.h — from the words that name a reader to the transport that reaches it. */
#ifndef JPKI_CARD_READER_H
#define JPKI_CARD_READER_H

#include "card/transport.h"

/* Opens the transport that spec names; NULL means $JPKI_READER, and where that is unset or empty every PC/SC reader.
 *   "pcsc:NAME"  PC/SC readers whose name begins with NAME; "pcsc:" all of them
 *   "sim:PATH"   a simulator's Unix socket: one reader of that name
 * Opening reaches for nothing outside; the first transport_list or transport_connect does. Closed with transport_close.
 * RC_USAGE: another form, or a path that does not fit a socket's address. The environment is not read in a set-user-id
 * program. */
enum rc reader_open(const char *spec, struct transport **transport, struct err *err) MUST_CHECK;

#endif

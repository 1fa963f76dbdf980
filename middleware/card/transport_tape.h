/* transport_tape.h — a recorded conversation played back: for tests of everything above a transport.
 *
 * The text of a tape, one line a step; blanks between bytes and "# words" at a line's end are passed over:
 *   > 00 A4 04 0C 0A D392F000260100000001    the command that must come now
 *   < 90 00                                  its answer
 *   ! gone | reader-gone | reset | io        instead of an answer: transport_transmit fails so
 *   ! was-reset                              alone: the next transport_begin says so */
#ifndef JPKI_CARD_TRANSPORT_TAPE_H
#define JPKI_CARD_TRANSPORT_TAPE_H

#include "card/transport.h"

/* One reader named "tape" with one card in it. A command that is not the tape's next is RC_BUG, both named in err.
 * RC_FORMAT when the text breaks the form above. */
enum rc transport_tape_new(const char *text, struct transport **transport, struct err *err) MUST_CHECK;

/* How many commands the tape still expects, and how many were asked that it does not have. */
size_t transport_tape_left(const struct transport *transport);
size_t transport_tape_strays(const struct transport *transport);

#endif

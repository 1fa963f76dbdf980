/* hex.h — hexadecimal text. */
#ifndef JPKI_BASE_HEX_H
#define JPKI_BASE_HEX_H

#include "base/buf.h"

/* Upper case, no separators, NUL-terminated; out must hold 2*len+1. */
void hex_encode(struct bytes in, char *out);

/* Both cases; blanks and colons between bytes are passed over. RC_FORMAT on anything else or half a byte;
 * *out is appended to, and unchanged on failure. */
enum rc hex_decode(const char *text, struct buf *out) MUST_CHECK;

#endif

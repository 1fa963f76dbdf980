/* apdu.h — command and response APDUs (ISO/IEC 7816-4 §5.1), short and extended. Pure: bytes in, bytes out. */
#ifndef JPKI_WIRE_APDU_H
#define JPKI_WIRE_APDU_H

#include "base/buf.h"

#define APDU_DATA_MAX 65535u
#define APDU_COMMAND_MAX (APDU_DATA_MAX + 9u)
#define APDU_RESPONSE_MAX (65536u + 2u)

struct apdu_command {
    uint8_t cla, ins, p1, p2;
    struct bytes data; /* borrowed; empty for none */
    uint32_t le;       /* 0: no response data expected (no Le field); else 1..65536 */
    bool extended;     /* the length fields are (to be) of the extended form */
};

/* Cases 1, 2, 3, 4 in either form. RC_FORMAT when the length is that of no case. *command borrows from bytes. */
enum rc apdu_parse(struct bytes bytes, struct apdu_command *command) MUST_CHECK;

/* Appends the encoding; takes the extended form when asked for or when a length needs it. */
enum rc apdu_encode(const struct apdu_command *command, struct buf *out) MUST_CHECK;

struct apdu_response {
    struct bytes data; /* borrowed */
    uint16_t sw;
};

/* RC_FORMAT below two bytes. */
enum rc apdu_parse_response(struct bytes bytes, struct apdu_response *response) MUST_CHECK;

/* One line for a trace: header, lengths, SW and its meaning; data in hex only for commands of an allow-list
 * (SELECT, GET DATA, GET CHALLENGE); of all others the length: files hold personal data. VERIFY, CHANGE REFERENCE DATA
 * and secured commands (CLA bits 3 and 4) never show data. Appended to out without a newline. */
enum rc apdu_trace(struct bytes command, struct bytes response, struct buf *out) MUST_CHECK;

#endif

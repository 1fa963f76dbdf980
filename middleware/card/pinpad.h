/* pinpad.h — readers with a key pad of their own, as PC/SC Part 10 (version 2.02) writes them: which requests a reader
 * takes, what it can do, the requests as bytes, and its own answers. Pure; the control codes travel through
 * transport_pcsc.c. */
#ifndef JPKI_CARD_PINPAD_H
#define JPKI_CARD_PINPAD_H

#include "base/buf.h"
#include "card/transport.h"

/* Control codes; 0: the reader has no such feature. */
struct pinpad_features {
    uint32_t verify, change, properties; /* FEATURE_VERIFY_PIN_DIRECT, _MODIFY_PIN_DIRECT, _GET_TLV_PROPERTIES */
};

/* From the answer to CM_IOCTL_GET_FEATURE_REQUEST (§2.2); a broken entry ends the list. */
struct pinpad_features pinpad_parse_features(struct bytes list);

/* What the reader says of itself (§2.6.14); all zero: nothing. */
struct pinpad_properties {
    uint8_t least, most; /* keys of a PIN; most 0: not told */
    bool no_display;
    uint8_t conditions; /* how an entry may end: bits of bEntryValidationCondition; 0: not told */
};
struct pinpad_properties pinpad_parse_properties(struct bytes tlvs);

/* Appends a PIN_VERIFY_STRUCTURE (§2.6.2) or a PIN_MODIFY_STRUCTURE (§2.6.3). Of a PIN of one length the command is
 * whole, with FF in its place; of another it is the header alone, and the reader adds length and PIN. RC_UNSUPPORTED:
 * the reader's PINs are shorter or longer; RC_RANGE, RC_NOMEM. */
enum rc pinpad_encode(const struct transport_pad *pad, const struct pinpad_properties *properties,
                      struct buf *request) MUST_CHECK;

/* The reader's own status words, which say that nothing went to the card. RC_OK: it is the card's word. *text: what
 * happened. */
enum rc pinpad_rc(uint16_t sw, const char **text) MUST_CHECK;

#endif

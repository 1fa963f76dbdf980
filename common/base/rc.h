/* rc.h — the one vocabulary of results.
 *
 * Every function that can fail returns an enum rc. Outputs are written only on RC_OK.
 * Conditions are named in the header of the function that returns them and are handled by its caller; faults go up
 * untouched. Translation into another vocabulary (status word, CKR, HTTP) is one table in the room that owns the other
 * vocabulary. A verdict is a value, never an rc. */
#ifndef JPKI_BASE_RC_H
#define JPKI_BASE_RC_H

#define MUST_CHECK __attribute__((warn_unused_result))

enum rc {
    RC_OK = 0,

    /* faults: nothing the caller did, nothing it can mend */
    RC_NOMEM,
    RC_IO,
    RC_BUG,
    RC_CRYPTO, /* a cryptographic library or token failed */

    /* conditions of input and state */
    RC_USAGE,        /* arguments of a program or call */
    RC_FORMAT,       /* bytes that break the rules of their form */
    RC_RANGE,        /* well-formed but outside what is allowed; also: does not fit the space given */
    RC_UNSUPPORTED,  /* well-formed, not done here */
    RC_NOT_FOUND,
    RC_EXISTS,
    RC_CONFLICT,     /* contradicts what is already recorded */
    RC_DENIED,       /* the caller may not do this */
    RC_STATE,        /* not now: an earlier step is missing, or it is too late */
    RC_BAD_SIGNATURE,
    RC_INTERRUPTED,

    /* conditions of a peer across a wire */
    RC_UNREACHABLE,
    RC_TIMEOUT,
    RC_REFUSED, /* the peer answered and said no */

    /* conditions of a card */
    RC_READER_GONE,
    RC_CARD_ABSENT,
    RC_CARD_GONE,    /* it was there; the answer to the last command is unknown */
    RC_CARD_RESET,   /* another process reset it: the security status may be lost */
    RC_CARD_FOREIGN, /* answers, but is not a JPKI card */
    RC_CARD_REFUSED, /* a status word with no rc of its own */
    RC_PIN_WRONG,
    RC_PIN_BLOCKED,
    RC_PIN_FORMAT,   /* length or characters: never sent to the card */
    RC_PIN_NEEDED,

    RC_COUNT
};

/* The name of the value ("RC_PIN_WRONG"), static storage. "RC_?" for a value outside the enum. */
const char *rc_name(enum rc rc);

/* One English sentence without a full stop, static storage. */
const char *rc_text(enum rc rc);

#endif

/* rc.c — names and sentences of the result codes: one table. */
#include "base/rc.h"

#include <stddef.h>

static const struct {
    const char *name;
    const char *text;
} rows[RC_COUNT] = {
    [RC_OK] = { "RC_OK", "done" },
    [RC_NOMEM] = { "RC_NOMEM", "out of memory" },
    [RC_IO] = { "RC_IO", "input or output failed" },
    [RC_BUG] = { "RC_BUG", "a rule of the program itself was broken" },
    [RC_CRYPTO] = { "RC_CRYPTO", "a cryptographic operation failed" },
    [RC_USAGE] = { "RC_USAGE", "wrong arguments" },
    [RC_FORMAT] = { "RC_FORMAT", "malformed data" },
    [RC_RANGE] = { "RC_RANGE", "a value is outside the allowed range" },
    [RC_UNSUPPORTED] = { "RC_UNSUPPORTED", "not supported" },
    [RC_NOT_FOUND] = { "RC_NOT_FOUND", "not found" },
    [RC_EXISTS] = { "RC_EXISTS", "exists already" },
    [RC_CONFLICT] = { "RC_CONFLICT", "contradicts what is recorded" },
    [RC_DENIED] = { "RC_DENIED", "not permitted" },
    [RC_STATE] = { "RC_STATE", "not possible in the present state" },
    [RC_BAD_SIGNATURE] = { "RC_BAD_SIGNATURE", "the signature does not verify" },
    [RC_INTERRUPTED] = { "RC_INTERRUPTED", "interrupted" },
    [RC_UNREACHABLE] = { "RC_UNREACHABLE", "the peer cannot be reached" },
    [RC_TIMEOUT] = { "RC_TIMEOUT", "the peer did not answer in time" },
    [RC_REFUSED] = { "RC_REFUSED", "the peer refused" },
    [RC_READER_GONE] = { "RC_READER_GONE", "the card reader is gone" },
    [RC_CARD_ABSENT] = { "RC_CARD_ABSENT", "no card in the reader" },
    [RC_CARD_GONE] = { "RC_CARD_GONE", "the card was removed" },
    [RC_CARD_RESET] = { "RC_CARD_RESET", "the card was reset by another program" },
    [RC_CARD_FOREIGN] = { "RC_CARD_FOREIGN", "the card is not a JPKI card" },
    [RC_CARD_REFUSED] = { "RC_CARD_REFUSED", "the card refused the command" },
    [RC_PIN_WRONG] = { "RC_PIN_WRONG", "the PIN is wrong" },
    [RC_PIN_BLOCKED] = { "RC_PIN_BLOCKED", "the PIN is blocked" },
    [RC_PIN_FORMAT] = { "RC_PIN_FORMAT", "the PIN has the wrong length or characters and was not sent to the card" },
    [RC_PIN_NEEDED] = { "RC_PIN_NEEDED", "the PIN has to be presented first" },
};

const char *rc_name(enum rc rc)
{
    return (unsigned)rc < RC_COUNT ? rows[rc].name : "RC_?";
}

const char *rc_text(enum rc rc)
{
    return (unsigned)rc < RC_COUNT ? rows[rc].text : "unknown result";
}

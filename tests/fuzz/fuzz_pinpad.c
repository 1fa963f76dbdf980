/* fuzz_pinpad.c — what a reader says of its key pad: whatever it is, a request is within its own lengths or is not
 * made. */
#include "fuzz.h"

#include "card/pinpad.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = {data, size};
    struct transport_pad pad = {.seconds = 60};
    struct buf request = {0};
    const char *text = NULL;
    pad.change = fuzz_u8(&input) & 1;
    pad.least = (uint8_t)fuzz_u8(&input);
    pad.most = (uint8_t)fuzz_u8(&input);
    enum rc said = pinpad_rc((uint16_t)fuzz_u16(&input), &text);
    FUZZ_CHECK(!said == !text);
    struct bytes rest = fuzz_bytes(&input, size);
    (void)pinpad_parse_features(rest);
    struct pinpad_properties properties = pinpad_parse_properties(rest);
    enum rc rc = pinpad_encode(&pad, &properties, &request);
    FUZZ_CHECK(rc == RC_OK || rc == RC_RANGE || rc == RC_UNSUPPORTED);
    if (!rc) { /* wPINMaxExtraDigit: the least in the high byte */
        uint16_t extra;
        memcpy(&extra, request.data + (pad.change ? 7 : 5), sizeof extra);
        unsigned least = extra >> 8, most = extra & 0xFFu;
        FUZZ_CHECK(least >= pad.least && most <= pad.most && least <= most && least >= properties.least);
        FUZZ_CHECK(request.len >= (pad.change ? 24u : 19u) + 4u && request.len <= 64);
    } else {
        FUZZ_CHECK(request.len == 0);
    }
    buf_wipe(&request);
    return 0;
}

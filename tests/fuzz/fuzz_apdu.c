/* fuzz_apdu.c — commands and answers: what is parsed is written again byte for byte, and a trace shows no PIN. */
#include "fuzz.h"

#include "base/hex.h"
#include "wire/apdu.h"
#include "wire/applet.h"

/* No line of the trace has the command's data in hex, or as it is. */
static void check_trace(struct bytes bytes, const struct apdu_command *command)
{
    struct buf trace = {0};
    char *hex = malloc(2 * command->data.len + 1);
    bool secret =
        command->ins == APPLET_INS_VERIFY || command->ins == APPLET_INS_CHANGE_REFERENCE_DATA || (command->cla & 0x0C);
    FUZZ_CHECK(hex && !apdu_trace(bytes, bytes_of("\x90\x00", 2), &trace));
    if (secret && command->data.len >= 4) {
        const char *line = buf_string(&trace);
        hex_encode(command->data, hex);
        FUZZ_CHECK(line && !strstr(line, hex));
    }
    buf_wipe(&trace);
    free(hex);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct apdu_command command;
    struct apdu_response response;
    struct buf again = {0};
    struct bytes bytes = bytes_of(data, size);
    if (apdu_parse(bytes, &command) == RC_OK) {
        FUZZ_CHECK(!apdu_encode(&command, &again));
        FUZZ_CHECK(bytes_equal(buf_bytes(&again), bytes));
        check_trace(bytes, &command);
    }
    if (apdu_parse_response(bytes, &response) == RC_OK)
        FUZZ_CHECK(response.data.len == size - 2);
    else
        FUZZ_CHECK(size < 2);
    buf_wipe(&again);
    return 0;
}

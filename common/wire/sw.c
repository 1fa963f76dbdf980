/* sw.c — status words in words. */
#include "wire/sw.h"

#include <stddef.h>

static const struct {
    uint16_t sw;
    const char *text;
} sw_rows[] = {
    { SW_OK, "done" },
    { SW_WARN_CHANGED, "verification failed" },
    { SW_MEMORY_FAILURE, "memory failure" },
    { SW_SM_KEY_REFUSED, "session key refused" },
    { SW_WRONG_LENGTH, "wrong length" },
    { SW_CHANNEL_UNSUPPORTED, "logical channel not supported" },
    { SW_SM_UNSUPPORTED, "secure messaging not supported" },
    { SW_FILE_STRUCTURE, "command does not fit the file structure" },
    { SW_SECURITY_STATUS, "security status not satisfied" },
    { SW_AUTH_BLOCKED, "authentication method blocked" },
    { SW_REFERENCE_LOCKED, "referenced file locked" },
    { SW_CONDITIONS, "conditions of use not satisfied" },
    { SW_NO_CURRENT_EF, "no current file" },
    { SW_SM_OBJECT_MISSING, "secure messaging object missing" },
    { SW_SM_OBJECT_WRONG, "secure messaging object incorrect" },
    { SW_WRONG_DATA, "incorrect data" },
    { SW_FILE_NOT_FOUND, "file or application not found" },
    { SW_RECORD_NOT_FOUND, "record not found" },
    { SW_NO_SPACE, "not enough space in the file" },
    { SW_WRONG_P1P2, "incorrect P1 P2" },
    { SW_DATA_NOT_FOUND, "referenced data not found" },
    { SW_OFFSET, "offset outside the file" },
    { SW_INS_UNSUPPORTED, "instruction not supported" },
    { SW_CLA_UNSUPPORTED, "class not supported" },
    { SW_FAILURE, "failure" },
};

/* A string for each x of 63Cx, since storage is static and callers may hold two at once. */
static const char *const sw_counters[16] = {
    "no tries left", "1 try left",    "2 tries left",  "3 tries left",  "4 tries left",  "5 tries left",
    "6 tries left",  "7 tries left",  "8 tries left",  "9 tries left",  "10 tries left", "11 tries left",
    "12 tries left", "13 tries left", "14 tries left", "15 tries left",
};

const char *sw_text(uint16_t sw)
{
    if (sw_is_counter(sw))
        return sw_counters[sw & 0xFu];
    if (sw >> 8 == 0x61)
        return "more data to fetch";
    if (sw >> 8 == 0x6C)
        return "wrong Le, the right one is told";
    for (size_t i = 0; i < sizeof sw_rows / sizeof *sw_rows; i++)
        if (sw_rows[i].sw == sw)
            return sw_rows[i].text;
    return "unknown status word";
}

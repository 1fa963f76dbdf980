/* sw.h — status words (ISO/IEC 7816-4 §5.1.3, JIS X 6306 / JICSAP), as the card uses them. */
#ifndef JPKI_WIRE_SW_H
#define JPKI_WIRE_SW_H

#include <stdbool.h>
#include <stdint.h>

enum sw {
    SW_OK = 0x9000,
    SW_WARN_CHANGED = 0x6300,      /* verification failed, no counter told */
    SW_COUNTER = 0x63C0,           /* | tries left */
    SW_MEMORY_FAILURE = 0x6581,
    SW_SM_KEY_REFUSED = 0x66F1,
    SW_WRONG_LENGTH = 0x6700,
    SW_CHANNEL_UNSUPPORTED = 0x6881,
    SW_SM_UNSUPPORTED = 0x6882,
    SW_FILE_STRUCTURE = 0x6981,
    SW_SECURITY_STATUS = 0x6982,
    SW_AUTH_BLOCKED = 0x6983,
    SW_REFERENCE_LOCKED = 0x6984,  /* JICSAP: the referenced IEF is locked */
    SW_CONDITIONS = 0x6985,
    SW_NO_CURRENT_EF = 0x6986,
    SW_SM_OBJECT_MISSING = 0x6987,
    SW_SM_OBJECT_WRONG = 0x6988,
    SW_WRONG_DATA = 0x6A80,
    SW_FILE_NOT_FOUND = 0x6A82,
    SW_RECORD_NOT_FOUND = 0x6A83,
    SW_NO_SPACE = 0x6A84,
    SW_WRONG_P1P2 = 0x6A86,
    SW_DATA_NOT_FOUND = 0x6A88,
    SW_OFFSET = 0x6B00,
    SW_INS_UNSUPPORTED = 0x6D00,
    SW_CLA_UNSUPPORTED = 0x6E00,
    SW_FAILURE = 0x6F00,
};

/* A few words, static storage; also for 63Cx, 61xx, 6Cxx and unknown values. */
const char *sw_text(uint16_t sw);

static inline bool sw_is_counter(uint16_t sw)
{
    return (sw & 0xFFF0u) == SW_COUNTER;
}

#endif

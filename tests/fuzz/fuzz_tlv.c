/* fuzz_tlv.c — BER-TLV and DER readers: whatever they accept lies inside of what they were given, and is written again
 * as it was read when its lengths were the shortest. */
#include "fuzz.h"

#include "pki/der.h"
#include "wire/tlv.h"

#define DEPTH_MAX 8

static bool inside(struct bytes part, struct bytes whole)
{
    return part.data >= whole.data && part.len <= whole.len && (size_t)(part.data - whole.data) <= whole.len - part.len;
}

static void read_tlv(struct bytes bytes, unsigned depth)
{
    struct cursor cursor = cursor_of(bytes);
    struct tlv tlv, found;
    enum rc rc;
    for (bool first = true; (rc = tlv_next(&cursor, &tlv)) == RC_OK; first = false) {
        struct buf again = {0};
        FUZZ_CHECK(inside(tlv.whole, bytes) && inside(tlv.value, tlv.whole));
        FUZZ_CHECK(cursor.at == tlv.whole.data + tlv.whole.len && cursor.left <= bytes.len);
        FUZZ_CHECK(!tlv_append(&again, tlv.tag, tlv.value));
        FUZZ_CHECK(again.len <= tlv.whole.len); /* a longer length may have been read, never a shorter one */
        FUZZ_CHECK(again.len != tlv.whole.len || bytes_equal(buf_bytes(&again), tlv.whole));
        buf_wipe(&again);
        if (first)
            FUZZ_CHECK(!tlv_find(bytes, tlv.tag, &found) && found.value.data == tlv.value.data);
        if (depth < DEPTH_MAX)
            read_tlv(tlv.value, depth + 1);
    }
    FUZZ_CHECK(rc == RC_NOT_FOUND || rc == RC_FORMAT);
    FUZZ_CHECK((rc == RC_NOT_FOUND) == (cursor.left == 0));
}

static void read_der(struct bytes bytes, unsigned depth)
{
    unsigned tag;
    struct bytes rest = bytes, content, whole;
    enum rc rc;
    while ((rc = der_next(&rest, &tag, &content, &whole)) == RC_OK) {
        struct buf again = {0};
        FUZZ_CHECK(inside(whole, bytes) && inside(content, whole));
        FUZZ_CHECK(!der_append(&again, tag, content));
        FUZZ_CHECK(bytes_equal(buf_bytes(&again), whole)); /* DER has one form only */
        buf_wipe(&again);
        if (depth < DEPTH_MAX)
            read_der(content, depth + 1);
    }
    FUZZ_CHECK(rc == RC_NOT_FOUND || rc == RC_FORMAT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t len = 0;
    struct bytes bytes = bytes_of(data, size);
    read_tlv(bytes, 0);
    read_der(bytes, 0);
    if (size >= 4 && der_sequence_length(bytes, &len) == RC_OK)
        FUZZ_CHECK(len >= 2);
    return 0;
}

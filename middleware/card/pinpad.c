/* pinpad.c — PC/SC Part 10 as bytes. Its numbers are in this machine's byte order, as libccid and the service pass
 * them. */
#include "card/pinpad.h"

#include <string.h>

enum { FEATURE_VERIFY = 0x06, FEATURE_CHANGE = 0x07, FEATURE_PROPERTIES = 0x12 };
enum { PROPERTY_DISPLAY = 1, PROPERTY_CONDITIONS = 2, PROPERTY_LEAST = 6, PROPERTY_MOST = 7 };

#define ASCII_IN_BYTES 0x82 /* bmFormatString: positions in bytes, left justified, ASCII; the PIN begins the data */
#define BY_ENTER_KEY 0x02
#define CONFIRM_NEW 0x01 /* bConfirmPIN: typed twice; the current PIN is not asked for */
#define LANGUAGE_JAPANESE 0x0411
#define LANGUAGE_ENGLISH 0x0409
#define MESSAGE_NEW 1
#define MESSAGE_CONFIRM 2

struct pinpad_features pinpad_parse_features(struct bytes list)
{
    struct pinpad_features features = {0};
    for (size_t at = 0; at + 6 <= list.len; at += 6) { /* tag, length 4, number, big-endian whatever the machine */
        const uint8_t *entry = list.data + at;
        uint32_t code = (uint32_t)entry[2] << 24 | (uint32_t)entry[3] << 16 | (uint32_t)entry[4] << 8 | entry[5];
        if (entry[1] != 4)
            break;
        if (entry[0] == FEATURE_VERIFY)
            features.verify = code;
        else if (entry[0] == FEATURE_CHANGE)
            features.change = code;
        else if (entry[0] == FEATURE_PROPERTIES)
            features.properties = code;
    }
    return features;
}

struct pinpad_properties pinpad_parse_properties(struct bytes tlvs)
{
    struct pinpad_properties properties = {0};
    for (size_t at = 0; at + 2 <= tlvs.len && tlvs.data[at + 1] <= tlvs.len - at - 2; at += 2u + tlvs.data[at + 1]) {
        const uint8_t *value = tlvs.data + at + 2;
        uint8_t tag = tlvs.data[at], len = tlvs.data[at + 1];
        if (tag == PROPERTY_DISPLAY && len == 2)
            properties.no_display = value[0] == 0 && value[1] == 0;
        else if (tag == PROPERTY_CONDITIONS && len == 1)
            properties.conditions = value[0];
        else if (tag == PROPERTY_LEAST && len == 1)
            properties.least = value[0];
        else if (tag == PROPERTY_MOST && len == 1)
            properties.most = value[0];
    }
    return properties;
}

static void put_u16(uint8_t **at, uint16_t value)
{
    memcpy(*at, &value, sizeof value);
    *at += sizeof value;
}

enum rc pinpad_encode(const struct transport_pad *pad, const struct pinpad_properties *properties, struct buf *request)
{
    uint8_t bytes[64] = {0}, *at = bytes;
    uint8_t least = pad->least > properties->least ? pad->least : properties->least;
    uint8_t most = properties->most && properties->most < pad->most ? properties->most : pad->most;
    bool fixed = pad->least == pad->most;
    if (pad->least == 0 || pad->most < pad->least || pad->most > 16 || (fixed && pad->most > 15))
        return RC_RANGE;
    if (least > most)
        return RC_UNSUPPORTED;
    *at++ = pad->seconds; /* for the first key, and behind it */
    *at++ = pad->seconds;
    *at++ = ASCII_IN_BYTES;
    *at++ = fixed ? pad->most : 0; /* the block's size; 0: as long as the PIN */
    *at++ = 0;
    if (pad->change)
        at += 2; /* where the old and the new one go: at the beginning */
    put_u16(&at, (uint16_t)(least << 8 | most));
    if (pad->change)
        *at++ = CONFIRM_NEW;
    *at++ = properties->conditions && !(properties->conditions & BY_ENTER_KEY) ? properties->conditions : BY_ENTER_KEY;
    *at++ = properties->no_display ? 0 : pad->change ? 2 : 1; /* messages */
    put_u16(&at, pad->japanese ? LANGUAGE_JAPANESE : LANGUAGE_ENGLISH);
    if (pad->change) {
        *at++ = MESSAGE_NEW;
        *at++ = MESSAGE_CONFIRM;
    }
    at += 1 + 3; /* the last message's number, and a prologue for T=1 that readers make themselves */
    uint32_t len = fixed ? 5u + pad->most : 4u;
    memcpy(at, &len, sizeof len);
    at += sizeof len;
    memcpy(at, pad->header, sizeof pad->header);
    at += sizeof pad->header;
    if (fixed) {
        *at++ = pad->most;
        memset(at, 0xFF, pad->most);
        at += pad->most;
    }
    return buf_append(request, bytes, (size_t)(at - bytes));
}

enum rc pinpad_rc(uint16_t sw, const char **text)
{
    static const struct {
        uint16_t sw;
        enum rc rc;
        const char *text;
    } rows[] = {
        {0x6400, RC_TIMEOUT, "no PIN was typed in time"},
        {0x6401, RC_INTERRUPTED, "the person cancelled"},
        {0x6480, RC_INTERRUPTED, "the entry was ended"},
        {0x6402, RC_PIN_FORMAT, "the new PIN was not typed the same way twice"},
        {0x6403, RC_PIN_FORMAT, "not as many characters as a PIN has"},
        {0x6B80, RC_UNSUPPORTED, "the reader does not take the request"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].sw == sw) {
            *text = rows[i].text;
            return rows[i].rc;
        }
    }
    return RC_OK;
}

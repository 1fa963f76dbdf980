/* sim_data.c — GET DATA and GET CHALLENGE: what the card answers in every application and before one is selected. */
#include "applet-sim/sim_state.h"

#include "base/random.h"
#include "wire/tlv.h"

#define CHALLENGE_MAX 256u

/* Card recognition data (GlobalPlatform Card Specification v2.3 annex H.2): GlobalPlatform, version 2.2.1, the secure
 * channel protocol 03 with i=70. */
static const uint8_t recognition[] = {
    0x73, 0x2E,
    0x06, 0x07, 0x2A, 0x86, 0x48, 0x86, 0xFC, 0x6B, 0x01,
    0x60, 0x0C, 0x06, 0x0A, 0x2A, 0x86, 0x48, 0x86, 0xFC, 0x6B, 0x02, 0x02, 0x02, 0x01,
    0x63, 0x08, 0x06, 0x06, 0x2A, 0x86, 0x48, 0x86, 0xFC, 0x6B,
    0x64, 0x0B, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xFC, 0x6B, 0x04, 0x03, 0x70,
};
/* The contact answer to reset without its first byte, as read from a physical card: not the one that it gives. */
static const uint8_t stored_atr[] = { 0xE0, 0x00, 0xFF, 0x81, 0x31, 0xFE, 0x45, 0x14 };

uint16_t sim_data_get(struct sim *sim, const struct apdu_command *command, bool secured, struct buf *out)
{
    (void)secured;
    unsigned tag = (unsigned)command->p1 << 8 | command->p2;
    struct bytes value;
    if (tag == 0x0045)
        value = bytes_of(sim->card.diversification, sizeof sim->card.diversification);
    else if (tag == 0x0066)
        value = bytes_of(recognition, sizeof recognition);
    else if (tag == 0x5F51)
        value = bytes_of(stored_atr, sizeof stored_atr);
    else
        return SW_DATA_NOT_FOUND;
    if (command->data.len || tlv_append(out, tag, value))
        return SW_WRONG_LENGTH;
    return out->len > command->le ? SW_WRONG_LENGTH : SW_OK;
}

uint16_t sim_data_challenge(struct sim *sim, const struct apdu_command *command, bool secured, struct buf *out)
{
    (void)sim;
    (void)secured;
    uint8_t *at;
    if (command->p1 || command->p2)
        return SW_WRONG_P1P2;
    if (command->extended)
        return SW_CONDITIONS;
    if (command->data.len || command->le == 0 || command->le > CHALLENGE_MAX)
        return SW_WRONG_LENGTH;
    return buf_extend(out, command->le, &at) || random_bytes(at, command->le) ? SW_FAILURE : SW_OK;
}

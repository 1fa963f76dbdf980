/* sim_data.c — GET DATA, the issuer's PUT DATA, and GET CHALLENGE: what the card answers beside files. Most objects belong to
 * the card manager: they are told before an application is selected, or with the card manager selected. */
#include "applet-sim/sim_state.h"

#include "applet-sim/sim_seed.h"
#include "wire/tlv.h"

#include <string.h>

#define CHALLENGE_MAX 256u
#define OBJECT_MAX 1024u

/* Card recognition data (GlobalPlatform Card Specification v2.3 annex H.2): GlobalPlatform, version 2.2.1, the secure
 * channel protocol 03 with i=70. */
static const uint8_t recognition[] = {
    0x66, 0x30, 0x73, 0x2E,
    0x06, 0x07, 0x2A, 0x86, 0x48, 0x86, 0xFC, 0x6B, 0x01,
    0x60, 0x0C, 0x06, 0x0A, 0x2A, 0x86, 0x48, 0x86, 0xFC, 0x6B, 0x02, 0x02, 0x02, 0x01,
    0x63, 0x08, 0x06, 0x06, 0x2A, 0x86, 0x48, 0x86, 0xFC, 0x6B,
    0x64, 0x0B, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xFC, 0x6B, 0x04, 0x03, 0x70,
};
/* The contact answer to reset without its first byte, as read from a physical card: not the one that it gives. */
static const uint8_t stored_atr[] = { 0xE0, 0x00, 0xFF, 0x81, 0x31, 0xFE, 0x45, 0x14 };

/* Which objects there are is one source's; what the issuer puts in is told as it was put. */
static const uint16_t put_tags[SIM_OBJECTS] = {
    0x0042, /* issuer identification: a key reference of 16 bytes */
    0x00F0, /* municipality, five digits */
    0x00F2, /* expiry, eight digits */
    0x00F7, /* key id of the intermediate that signs 7F21 */
    0x00F8, /* card-verifiable certificate: the root's of the intermediate */
    0x7F21, /* card-verifiable certificate: the intermediate's of the key below; some cards have none */
};

int sim_data_place(unsigned tag)
{
    for (int i = 0; i < (int)SIM_OBJECTS; i++)
        if (put_tags[i] && put_tags[i] == tag)
            return i;
    return -1;
}

unsigned sim_data_tag(unsigned place)
{
    return place < SIM_OBJECTS ? put_tags[place] : 0;
}

static struct bytes data_object(const struct sim *sim, unsigned tag)
{
    bool manager = !sim->app || sim->app == &sim->card.profile->apps[0];
    int place = sim_data_place(tag);
    if (tag == 0x5F51)
        return bytes_of(stored_atr, sizeof stored_atr);
    if (!manager)
        return bytes_of(NULL, 0);
    if (tag == 0x0045)
        return bytes_of(sim->card.serial, SIM_SERIAL_LEN);
    if (tag == 0x0066)
        return bytes_of(recognition, sizeof recognition);
    return place < 0 || sim->card.life == APPLET_LIFE_TERMINATED ? bytes_of(NULL, 0) : buf_bytes(&sim->card.objects[place]);
}

uint16_t sim_data_get(struct sim *sim, const struct apdu_command *command, bool secured, struct buf *out)
{
    (void)secured;
    struct bytes value = data_object(sim, (unsigned)command->p1 << 8 | command->p2);
    if (value.len == 0)
        return SW_DATA_NOT_FOUND;
    if (command->data.len || value.len > command->le) /* a long object refuses a short Le */
        return SW_WRONG_LENGTH;
    return buf_append_bytes(out, value) ? SW_FAILURE : SW_OK;
}

uint16_t sim_data_put(struct sim *sim, const struct apdu_command *command, bool secured, struct buf *out)
{
    (void)secured;
    (void)out;
    int place = sim_data_place((unsigned)command->p1 << 8 | command->p2);
    if (place < 0)
        return SW_DATA_NOT_FOUND;
    if (sim->card.life == APPLET_LIFE_TERMINATED)
        return SW_CONDITIONS;
    if (command->data.len == 0 || command->le)
        return SW_WRONG_LENGTH;
    if (command->data.len > OBJECT_MAX)
        return SW_NO_SPACE;
    struct buf *object = &sim->card.objects[place];
    buf_truncate(object, 0);
    if (buf_append_bytes(object, command->data))
        return SW_FAILURE;
    sim_issuer_begin(&sim->card);
    return sim_image_commit(sim) ? SW_MEMORY_FAILURE : SW_OK;
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
    return buf_extend(out, command->le, &at) || sim_seed_bytes(at, command->le) ? SW_FAILURE : SW_OK;
}

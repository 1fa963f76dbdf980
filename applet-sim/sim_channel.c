/* sim_channel.c — the card's end of the issuer's secure channel: offered by INITIALIZE UPDATE, opened by EXTERNAL
 * AUTHENTICATE. The computation is pki/scp03.h's; what may be done inside is the dispatch rows'. */
#include "applet-sim/sim_state.h"

#include <openssl/crypto.h>

#define SEQUENCE_MAX 0xFFFFFFu
#define LEVEL_ALL 0x33u /* C-MAC, C-ENC, R-MAC, R-ENC: nothing less is taken */
#define KEY_VERSION 0xFFu
#define AUTHENTICATION_FAILED SW_WARN_CHANGED

void sim_channel_close(struct sim *sim)
{
    scp03_wipe(&sim->session);
    sim->channel = SIM_CHANNEL_NONE;
    if (sim->current_secured) {
        sim->current = NULL;
        sim->current_secured = false;
    }
}

uint16_t sim_channel_initialize(struct sim *sim, const struct apdu_command *command, bool secured, struct buf *out)
{
    (void)secured;
    struct sim_card *card = &sim->card;
    sim_channel_close(sim);
    if (!sim->app || !sim->app->ef_count)
        return SW_CONDITIONS;
    if (command->p1 || command->p2)
        return SW_DATA_NOT_FOUND; /* no other set of keys */
    if (command->data.len != SCP03_CHALLENGE_LEN || command->le == 0)
        return SW_WRONG_LENGTH;
    if (card->sequence >= SEQUENCE_MAX)
        return SW_CONDITIONS;
    /* The challenge is made from the counter, so the counter must never come back. */
    card->sequence++;
    if (sim_image_commit(sim))
        return SW_MEMORY_FAILURE;
    const uint8_t sequence[3] = { (uint8_t)(card->sequence >> 16), (uint8_t)(card->sequence >> 8),
                                  (uint8_t)card->sequence };
    const uint8_t information[3] = { KEY_VERSION, 0x03, 0x70 };
    uint8_t challenge[SCP03_CHALLENGE_LEN];
    enum rc rc = scp03_card_challenge(&card->keys, bytes_of(sequence, sizeof sequence),
                                      bytes_of(sim->app->aid, sim->app->aid_len), challenge);
    if (rc == RC_OK)
        rc = scp03_open(&card->keys, command->data, bytes_of(challenge, sizeof challenge), &sim->session);
    if (rc == RC_OK)
        rc = buf_append(out, card->diversification, sizeof card->diversification);
    if (rc == RC_OK)
        rc = buf_append(out, information, sizeof information);
    if (rc == RC_OK)
        rc = buf_append(out, challenge, sizeof challenge);
    if (rc == RC_OK)
        rc = buf_append(out, sim->session.card_cryptogram, SCP03_CRYPTOGRAM_LEN);
    if (rc == RC_OK)
        rc = buf_append(out, sequence, sizeof sequence);
    if (rc) {
        sim_channel_close(sim);
        return SW_FAILURE;
    }
    sim->channel = SIM_CHANNEL_OFFERED;
    return SW_OK;
}

/* One try: whatever is wrong, the offer is over. */
uint16_t sim_channel_authenticate(struct sim *sim, struct bytes bytes)
{
    struct apdu_command command;
    struct buf plain = { 0 };
    uint16_t sw = SW_CONDITIONS;
    if (sim->channel != SIM_CHANNEL_OFFERED)
        goto out;
    sw = AUTHENTICATION_FAILED;
    if (scp03_unwrap(&sim->session, false, bytes, &plain) || apdu_parse(buf_bytes(&plain), &command))
        goto out;
    if (command.p1 != LEVEL_ALL || command.p2) {
        sw = SW_WRONG_P1P2;
        goto out;
    }
    if (command.data.len != SCP03_CRYPTOGRAM_LEN
        || CRYPTO_memcmp(command.data.data, sim->session.host_cryptogram, SCP03_CRYPTOGRAM_LEN) != 0)
        goto out;
    sim->channel = SIM_CHANNEL_OPEN;
    sw = SW_OK;
out:
    if (sw != SW_OK)
        sim_channel_close(sim);
    buf_wipe(&plain);
    return sw;
}

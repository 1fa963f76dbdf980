/* sim.c — the engine's face: birth, opening, power, one command in and one answer out. */
#include "applet-sim/sim.h"

#include "applet-sim/sim_state.h"

#include "base/random.h"

#include <stdlib.h>
#include <string.h>

static const uint8_t atr_contact[] = { 0x3B, 0xDA, 0x13, 0xFF, 0x81, 0x31, 0xFB, 0x46, 0x80, 0x12,
                                       0x39, 0x2F, 0x31, 0xC1, 0x73, 0xC6, 0x01, 0xC0, 0x3B };
static const uint8_t atr_contactless[] = { 0x3B, 0x88, 0x80, 0x01, 0x00, 0x00, 0x05, 0xE0, 0xB3, 0x81, 0xA1, 0x00, 0x7F };

#define PUPI_AT 4u
#define PUPI_LEN 4u

static enum rc sim_new(const struct sim_config *config, struct sim **sim)
{
    if (config->seal_key->len != SIM_SEAL_KEY_LEN)
        return RC_RANGE;
    struct sim *made = calloc(1, sizeof *made);
    if (!made)
        return RC_NOMEM;
    made->save = config->save;
    made->context = config->context;
    enum rc rc = secret_dup(&made->seal_key, config->seal_key->data, config->seal_key->len);
    if (rc) {
        free(made);
        return rc;
    }
    *sim = made;
    return RC_OK;
}

/* The serial number's digits, two to a byte, and two bytes that say what they are: one card, one set of issuer keys. */
static enum rc sim_identify(struct sim_card *card, const char *serial)
{
    if (strlen(serial) != SIM_SERIAL_LEN || strspn(serial, "0123456789") != SIM_SERIAL_LEN)
        return RC_RANGE;
    memcpy(card->serial, serial, SIM_SERIAL_LEN + 1);
    memset(card->diversification, 0, sizeof card->diversification);
    for (size_t i = 0; i < SIM_SERIAL_LEN; i++)
        card->diversification[i / 2] |= (uint8_t)((serial[i] - '0') << (i % 2 ? 0 : 4));
    card->diversification[SIM_SERIAL_LEN / 2 + 1] = 1;
    return RC_OK;
}

enum rc sim_create(const struct sim_config *config, const struct sim_birth *birth, const struct secret *master,
                   struct sim **sim)
{
    struct sim *made;
    enum rc rc = sim_new(config, &made);
    if (rc)
        return rc;
    struct sim_card *card = &made->card;
    card->contactless = birth->contactless;
    card->switches = birth->switches;
    card->life = APPLET_LIFE_BLANK;
    rc = sim_identify(card, birth->serial);
    if (rc == RC_OK)
        rc = scp03_diversify(master, bytes_of(card->diversification, sizeof card->diversification), &card->keys);
    if (rc == RC_OK)
        rc = sim_files_make(card);
    if (rc == RC_OK)
        rc = sim_image_commit(made);
    if (rc)
        sim_free(made);
    else
        *sim = made;
    return rc;
}

enum rc sim_open(const struct sim_config *config, struct bytes image, struct sim **sim)
{
    struct sim *made;
    enum rc rc = sim_new(config, &made);
    if (rc)
        return rc;
    rc = sim_image_open(config->seal_key, image, &made->card);
    if (rc == RC_OK)
        rc = buf_append_bytes(&made->image, image);
    if (rc)
        sim_free(made);
    else
        *sim = made;
    return rc;
}

void sim_free(struct sim *sim)
{
    if (!sim)
        return;
    sim_channel_close(sim);
    sim_card_wipe(&sim->card);
    secret_wipe(&sim->seal_key);
    buf_wipe(&sim->image);
    free(sim);
}

/* Some readers put the random number of this meeting (PUPI) where the others put the application data. */
static void sim_draw_pupi(struct sim *sim)
{
    uint8_t check = 0;
    memcpy(sim->atr, atr_contactless, sizeof atr_contactless);
    if (random_bytes(sim->atr + PUPI_AT, PUPI_LEN))
        return; /* the same answer as without the number */
    for (size_t i = 1; i < sizeof atr_contactless - 1; i++)
        check ^= sim->atr[i];
    sim->atr[sizeof atr_contactless - 1] = check;
}

void sim_power_on(struct sim *sim)
{
    if (sim->powered)
        return;
    sim->powered = sim->fresh = true;
    if (sim_switched(sim, SIM_PUPI))
        sim_draw_pupi(sim);
}

void sim_power_off(struct sim *sim)
{
    sim_files_leave(sim, NULL);
    memset(sim->verified, 0, sizeof sim->verified);
    sim->former = NULL;
    sim->powered = false;
}

void sim_reset(struct sim *sim)
{
    if (!sim->powered) {
        sim_power_on(sim);
        return;
    }
    sim_files_leave(sim, NULL);
    if (sim_switched(sim, SIM_WARM_RESET))
        memset(sim->verified, 0, sizeof sim->verified);
}

struct bytes sim_atr(const struct sim *sim)
{
    if (sim->card.contactless && sim_switched(sim, SIM_PUPI) && sim->atr[0])
        return bytes_of(sim->atr, sizeof atr_contactless);
    return sim->card.contactless ? bytes_of(atr_contactless, sizeof atr_contactless)
                                 : bytes_of(atr_contact, sizeof atr_contact);
}

enum rc sim_transmit(struct sim *sim, struct bytes command, struct buf *answer)
{
    if (!sim->powered)
        return RC_STATE;
    size_t start = answer->len;
    bool refused = sim->fresh && sim_switched(sim, SIM_FIRST_COMMAND);
    sim->fresh = false;
    uint16_t sw = refused ? SW_FAILURE : sim_dispatch(sim, command, answer);
    if (sw != SW_OK)
        buf_truncate(answer, start);
    return buf_append_u16(answer, sw);
}

enum rc sim_set_switches(struct sim *sim, const struct sim_switches *switches)
{
    sim->card.switches = *switches;
    return sim_image_commit(sim);
}

void sim_summarise(const struct sim *sim, struct sim_summary *summary)
{
    const struct sim_card *card = &sim->card;
    *summary = (struct sim_summary) { .contactless = card->contactless, .switches = card->switches, .life = card->life };
    memcpy(summary->serial, card->serial, sizeof summary->serial);
    summary->sign.key = card->key_pairs[SIM_SIGN] != NULL;
    summary->sign.cert = sim_files_has_cert(card, APPLET_EF_SIGN_CERT);
    summary->sign.ca_cert = sim_files_has_cert(card, APPLET_EF_SIGN_CA_CERT);
    summary->sign.pin = card->pins[SIM_SIGN].value.len != 0;
    summary->sign.tries = card->pins[SIM_SIGN].tries;
    summary->sign.tries_max = sim_pins_tries_max(SIM_SIGN);
    summary->auth.key = card->key_pairs[SIM_AUTH] != NULL;
    summary->auth.cert = sim_files_has_cert(card, APPLET_EF_AUTH_CERT);
    summary->auth.ca_cert = sim_files_has_cert(card, APPLET_EF_AUTH_CA_CERT);
    summary->auth.pin = card->pins[SIM_AUTH].value.len != 0;
    summary->auth.tries = card->pins[SIM_AUTH].tries;
    summary->auth.tries_max = sim_pins_tries_max(SIM_AUTH);
}

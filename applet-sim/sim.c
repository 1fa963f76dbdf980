/* sim.c — the engine's face: birth, opening, power, one command in and one answer out. */
#include "applet-sim/sim.h"

#include "applet-sim/sim_seed.h"
#include "applet-sim/sim_state.h"
#include "base/hex.h"

#include <stdlib.h>
#include <string.h>

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

/* The answer to reset. Some readers put the random number of this meeting (PUPI) where the others put the application
 * data. */
static void sim_make_atr(struct sim *sim)
{
    const struct sim_profile *profile = sim->card.profile;
    struct buf atr = { 0 };
    bool drawn = sim->card.contactless && sim_switched(sim, SIM_PUPI);
    if (hex_decode(sim->card.contactless ? profile->atr_contactless : profile->atr_contact, &atr) == RC_OK
        && atr.len <= sizeof sim->atr) {
        memcpy(sim->atr, atr.data, atr.len);
        sim->atr_len = atr.len;
    }
    buf_wipe(&atr);
    if (!drawn || sim_seed_bytes(sim->atr + PUPI_AT, PUPI_LEN)) /* without a number: the same answer as other readers' */
        return;
    uint8_t check = 0;
    for (size_t i = 1; i < sim->atr_len - 1; i++)
        check ^= sim->atr[i];
    sim->atr[sim->atr_len - 1] = check;
}

enum rc sim_create(const struct sim_config *config, const struct sim_birth *birth, const struct secret *master,
                   struct sim **sim)
{
    struct sim *made;
    enum rc rc = sim_new(config, &made);
    if (rc)
        return rc;
    struct sim_card *card = &made->card;
    card->profile = birth->profile ? birth->profile : &sim_profile_mynumber;
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
    if (rc) {
        sim_free(made);
        return rc;
    }
    sim_make_atr(made);
    *sim = made;
    return RC_OK;
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
    if (rc) {
        sim_free(made);
        return rc;
    }
    sim_make_atr(made);
    *sim = made;
    return RC_OK;
}

void sim_destroy(struct sim_card *card, bool content)
{
    for (size_t i = 0; i < SIM_KEYS; i++) {
        EVP_PKEY_free(card->key_pairs[i]);
        card->key_pairs[i] = NULL;
    }
    for (size_t i = 0; i < SIM_PINS; i++) {
        secret_wipe(&card->pins[i].value);
        card->pins[i].tries = 0;
    }
    for (size_t i = 0; content && i < SIM_FILES_MAX; i++)
        buf_wipe(&card->files[i]);
    for (size_t i = 0; content && i < SIM_OBJECTS; i++)
        buf_wipe(&card->objects[i]);
}

/* What the attack gets is a card without secrets, also when that cannot be made durable any more. */
enum rc sim_tamper(struct sim *sim)
{
    sim_power_off(sim);
    sim_destroy(&sim->card, true);
    explicit_bzero(sim->card.keys.enc.data, sim->card.keys.enc.len);
    explicit_bzero(sim->card.keys.mac.data, sim->card.keys.mac.len);
    explicit_bzero(sim->card.keys.dek.data, sim->card.keys.dek.len);
    sim->card.life = APPLET_LIFE_TERMINATED;
    sim->card.dead = true;
    buf_wipe(&sim->image); /* nothing to go back to */
    enum rc rc = sim_image_commit(sim);
    return rc;
}

void sim_free(struct sim *sim)
{
    if (!sim)
        return;
    sim_channel_close(sim);
    sim_messaging_end(sim);
    sim_card_wipe(&sim->card);
    secret_wipe(&sim->seal_key);
    buf_wipe(&sim->image);
    free(sim);
}

void sim_power_on(struct sim *sim)
{
    if (sim->powered)
        return;
    sim->powered = sim->fresh = true;
    sim_make_atr(sim);
}

void sim_power_off(struct sim *sim)
{
    sim_select_leave(sim, NULL);
    sim->verified = 0;
    sim->former = NULL;
    sim->powered = false;
}

void sim_reset(struct sim *sim)
{
    if (!sim->powered) {
        sim_power_on(sim);
        return;
    }
    sim_select_leave(sim, NULL);
    if (sim_switched(sim, SIM_WARM_RESET))
        sim->verified = 0;
}

struct bytes sim_atr(const struct sim *sim)
{
    return bytes_of(sim->atr, sim->atr_len);
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
    for (unsigned pin = 0; pin < SIM_PINS; pin++) {
        unsigned max = sim_pins_tries_max(&sim->card, (enum sim_pin_name)pin);
        if (sim->card.pins[pin].tries > max)
            sim->card.pins[pin].tries = (uint8_t)max;
    }
    return sim_image_commit(sim);
}

struct bytes sim_certificate(const struct sim *sim, unsigned file)
{
    return sim_files_cert(&sim->card, file);
}

void sim_summarise(const struct sim *sim, struct sim_summary *summary)
{
    const struct sim_card *card = &sim->card;
    *summary = (struct sim_summary) { .profile = card->profile, .contactless = card->contactless, .dead = card->dead,
                                      .switches = card->switches, .life = card->life };
    memcpy(summary->serial, card->serial, sizeof summary->serial);
    summary->sign.key = card->key_pairs[SIM_KEY_SIGN] != NULL;
    summary->sign.cert = sim_files_has_cert(card, APPLET_EF_SIGN_CERT);
    summary->sign.ca_cert = sim_files_has_cert(card, APPLET_EF_SIGN_CA_CERT);
    summary->sign.pin = card->pins[SIM_PIN_SIGN].value.len != 0;
    summary->sign.tries = card->pins[SIM_PIN_SIGN].tries;
    summary->sign.tries_max = sim_pins_tries_max(card, SIM_PIN_SIGN);
    summary->auth.key = card->key_pairs[SIM_KEY_AUTH] != NULL;
    summary->auth.cert = sim_files_has_cert(card, APPLET_EF_AUTH_CERT);
    summary->auth.ca_cert = sim_files_has_cert(card, APPLET_EF_AUTH_CA_CERT);
    summary->auth.pin = card->pins[SIM_PIN_AUTH].value.len != 0;
    summary->auth.tries = card->pins[SIM_PIN_AUTH].tries;
    summary->auth.tries_max = sim_pins_tries_max(card, SIM_PIN_AUTH);
}

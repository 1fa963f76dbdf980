/* sim_issuer.c — the card's life: which state follows which, and telling what has been put. */
#include "applet-sim/sim_state.h"

#include "base/fault.h"

static const struct {
    enum applet_life from, to;
} life_steps[] = {
    { APPLET_LIFE_BLANK, APPLET_LIFE_PERSONALISED },   { APPLET_LIFE_PERSONALISED, APPLET_LIFE_ACTIVE },
    { APPLET_LIFE_ACTIVE, APPLET_LIFE_BLOCKED },       { APPLET_LIFE_BLOCKED, APPLET_LIFE_ACTIVE },
    { APPLET_LIFE_BLANK, APPLET_LIFE_TERMINATED },     { APPLET_LIFE_PERSONALISED, APPLET_LIFE_TERMINATED },
    { APPLET_LIFE_ACTIVE, APPLET_LIFE_TERMINATED },    { APPLET_LIFE_BLOCKED, APPLET_LIFE_TERMINATED },
};

void sim_issuer_begin(struct sim_card *card)
{
    if (card->life == APPLET_LIFE_BLANK)
        card->life = APPLET_LIFE_PERSONALISED;
}

static bool sim_issuer_may_go(enum applet_life from, unsigned to)
{
    for (size_t i = 0; i < sizeof life_steps / sizeof *life_steps; i++)
        if (life_steps[i].from == from && (unsigned)life_steps[i].to == to)
            return true;
    return false;
}

uint16_t sim_issuer_set_status(struct sim *sim, const struct apdu_command *command, bool secured, struct buf *out)
{
    (void)secured;
    (void)out;
    struct sim_card *card = &sim->card;
    if (command->p2)
        return SW_WRONG_P1P2;
    if (command->data.len || command->le)
        return SW_WRONG_LENGTH;
    if (command->p1 == (unsigned)card->life) /* a repeated step is the same step */
        return SW_OK;
    if (!sim_issuer_may_go(card->life, command->p1))
        return SW_CONDITIONS;
    card->life = (enum applet_life)command->p1;
    if (card->life == APPLET_LIFE_TERMINATED)
        sim_destroy(card, false); /* the end of a card takes its keys and PINs with it */
    fault_point("sim.before_life");
    if (sim_image_commit(sim))
        return SW_MEMORY_FAILURE;
    fault_point("sim.after_life");
    sim->verified = 0;
    if (card->life != APPLET_LIFE_ACTIVE)
        sim_messaging_end(sim);
    return SW_OK;
}

uint16_t sim_issuer_get_status(struct sim *sim, const struct apdu_command *command, bool secured, struct buf *out)
{
    (void)secured;
    const struct sim_card *card = &sim->card;
    if (command->p1 || command->p2)
        return SW_WRONG_P1P2;
    const uint8_t status[7] = {
        (uint8_t)card->life,
        card->key_pairs[SIM_KEY_SIGN] != NULL,
        card->key_pairs[SIM_KEY_AUTH] != NULL,
        sim_files_has_cert(card, APPLET_EF_SIGN_CERT),
        sim_files_has_cert(card, APPLET_EF_AUTH_CERT),
        card->pins[SIM_PIN_SIGN].value.len != 0,
        card->pins[SIM_PIN_AUTH].value.len != 0,
    };
    if (command->data.len || command->le < sizeof status)
        return SW_WRONG_LENGTH;
    return buf_append(out, status, sizeof status) ? SW_FAILURE : SW_OK;
}

/* sim_pins.c — the two PINs. A try is taken away, and that is durable, before anything is compared; it comes back when the
 * comparison was right. So no way of cutting power gives a try for nothing. */
#include "applet-sim/sim_state.h"

#include "base/fault.h"

#include <string.h>

/* What a PIN may be made of; the rule of at least one letter and one digit is the counter's, not the card's. */
static const struct {
    uint8_t tries, min, max;
    bool letters;
} pin_rows[SIM_OWNERS] = {
    [SIM_AUTH] = { APPLET_AUTH_PIN_TRIES, APPLET_AUTH_PIN_LEN, APPLET_AUTH_PIN_LEN, false },
    [SIM_SIGN] = { APPLET_SIGN_PIN_TRIES, APPLET_SIGN_PIN_MIN, APPLET_SIGN_PIN_MAX, true },
};

unsigned sim_pins_tries_max(enum sim_owner owner)
{
    return pin_rows[owner].tries;
}

/* The PIN that P2 names. */
static uint16_t sim_pins_name(struct sim *sim, const struct apdu_command *command, bool secured, enum sim_owner *owner)
{
    const struct sim_ef *ef;
    uint16_t sw = sim_files_name(sim, command->p2, secured, &ef);
    if (sw != SW_OK)
        return sw;
    if (ef->kind == SIM_KIND_REFERENCE)
        return SW_CONDITIONS;
    if (ef->kind != SIM_KIND_PIN)
        return SW_FILE_STRUCTURE;
    *owner = ef->owner;
    return SW_OK;
}

static uint16_t sim_pins_compare(struct sim *sim, enum sim_owner owner, struct bytes presented)
{
    struct sim_pin *pin = &sim->card.pins[owner];
    sim->verified[owner] = false;
    pin->tries--;
    fault_point("sim.before_try");
    if (sim_image_commit(sim))
        return SW_MEMORY_FAILURE;
    fault_point("sim.after_try");
    struct secret candidate = { 0 };
    if (secret_dup(&candidate, presented.data, presented.len))
        return SW_FAILURE;
    bool right = secret_equal(&candidate, &pin->value);
    secret_wipe(&candidate);
    if (!right)
        return (uint16_t)(SW_COUNTER | pin->tries);
    pin->tries = pin_rows[owner].tries;
    if (sim_image_commit(sim))
        return SW_MEMORY_FAILURE;
    fault_point("sim.after_verify");
    sim->verified[owner] = true;
    return SW_OK;
}

uint16_t sim_pins_verify(struct sim *sim, const struct apdu_command *command, bool secured, struct buf *out)
{
    (void)out;
    enum sim_owner owner;
    if (command->p1)
        return SW_WRONG_P1P2;
    uint16_t sw = sim_pins_name(sim, command, secured, &owner);
    if (sw != SW_OK)
        return sw;
    if (command->le || command->data.len > APPLET_SIGN_PIN_MAX) /* the query is four bytes and no more */
        return SW_WRONG_LENGTH;
    const struct sim_pin *pin = &sim->card.pins[owner];
    if (pin->value.len == 0)
        return SW_CONDITIONS;
    if (command->data.len == 0 && pin->tries == 0)
        return (uint16_t)sim_switch_number(&sim->card.switches, SIM_BLOCKED_QUERY);
    if (command->data.len == 0 && sim->verified[owner] && sim_switched(sim, SIM_VERIFIED_QUERY))
        return SW_OK;
    if (command->data.len == 0) /* as a rule never 9000, also when the PIN has been presented */
        return (uint16_t)(SW_COUNTER | pin->tries);
    if (sim->card.life != APPLET_LIFE_ACTIVE)
        return SW_CONDITIONS;
    if (pin->tries == 0)
        return (uint16_t)sim_switch_number(&sim->card.switches, SIM_BLOCKED_VERIFY);
    return sim_pins_compare(sim, owner, command->data);
}

static uint16_t sim_pins_store(struct sim *sim, enum sim_owner owner, struct bytes value)
{
    if (value.len < pin_rows[owner].min || value.len > pin_rows[owner].max)
        return SW_WRONG_LENGTH;
    for (size_t i = 0; i < value.len; i++) {
        uint8_t c = value.data[i];
        if (!(c >= '0' && c <= '9') && !(pin_rows[owner].letters && c >= 'A' && c <= 'Z'))
            return SW_WRONG_DATA;
    }
    struct secret made = { 0 };
    if (secret_dup(&made, value.data, value.len))
        return SW_FAILURE;
    struct sim_pin *pin = &sim->card.pins[owner];
    secret_wipe(&pin->value);
    *pin = (struct sim_pin) { made, pin_rows[owner].tries };
    fault_point("sim.before_pin");
    if (sim_image_commit(sim))
        return SW_MEMORY_FAILURE;
    fault_point("sim.after_pin");
    return SW_OK;
}

/* The holder's, after a VERIFY of the old one. */
uint16_t sim_pins_change(struct sim *sim, const struct apdu_command *command, bool secured, struct buf *out)
{
    (void)out;
    enum sim_owner owner;
    if (command->p1 != 0x01)
        return SW_WRONG_P1P2;
    uint16_t sw = sim_pins_name(sim, command, secured, &owner);
    if (sw != SW_OK)
        return sw;
    if (sim->card.life != APPLET_LIFE_ACTIVE)
        return SW_CONDITIONS;
    if (!sim->verified[owner])
        return SW_SECURITY_STATUS;
    return command->le ? SW_WRONG_LENGTH : sim_pins_store(sim, owner, command->data);
}

/* The issuer's: the first PIN, or a new one at the counter. Whoever had presented the old one has not presented this. */
uint16_t sim_pins_put(struct sim *sim, const struct apdu_command *command, bool secured, struct buf *out)
{
    (void)out;
    enum sim_owner owner;
    if (command->p1 || command->p2 == APPLET_P_CURRENT)
        return SW_WRONG_P1P2;
    uint16_t sw = sim_pins_name(sim, command, secured, &owner);
    if (sw != SW_OK)
        return sw;
    if (sim->card.life == APPLET_LIFE_TERMINATED)
        return SW_CONDITIONS;
    if (command->le)
        return SW_WRONG_LENGTH;
    sim->verified[owner] = false;
    enum applet_life before = sim->card.life;
    sim_issuer_begin(&sim->card);
    sw = sim_pins_store(sim, owner, command->data);
    if (sw != SW_OK)
        sim->card.life = before;
    return sw;
}

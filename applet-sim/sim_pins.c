/* sim_pins.c — the PINs. A try is taken away, and that is durable, before anything is compared; it comes back when the
 * comparison was right. So no way of cutting power gives a try for nothing. */
#include "applet-sim/sim_state.h"

#include "base/fault.h"

#include <string.h>

#define PRESENTED_MAX 16u

static const struct sim_pin_row *pins_row(const struct sim_card *card, enum sim_pin_name pin)
{
    return &card->profile->pins[pin];
}

unsigned sim_pins_tries_max(const struct sim_card *card, enum sim_pin_name pin)
{
    const struct sim_pin_row *row = pins_row(card, pin);
    return row->tries_switch < 0 || !row->tries ? row->tries
                                                : sim_switch_number(&card->switches, (enum sim_switch)row->tries_switch);
}

bool sim_pins_satisfy(const struct sim *sim, uint16_t rule)
{
    if (rule == SIM_FREE)
        return true;
    for (unsigned pin = 0; pin < SIM_PINS; pin++)
        if (sim->verified & SIM_PIN_BIT(pin)
            && (SIM_PIN_BIT(pin) | pins_row(&sim->card, (enum sim_pin_name)pin)->covers) & rule)
            return true;
    return false;
}

/* The PIN that P2 names. */
static uint16_t pins_name(struct sim *sim, const struct apdu_command *command, bool secured, const struct sim_ef **ef)
{
    uint16_t sw = sim_files_name(sim, command->p2, secured, ef);
    if (sw != SW_OK)
        return sw;
    if ((*ef)->kind == SIM_KIND_REFERENCE)
        return SW_CONDITIONS;
    return (*ef)->kind == SIM_KIND_PIN || (*ef)->kind == SIM_KIND_LOCKED ? SW_OK : SW_FILE_STRUCTURE;
}

static uint16_t pins_compare(struct sim *sim, enum sim_pin_name name, struct bytes presented)
{
    struct sim_pin *pin = &sim->card.pins[name];
    sim->verified &= (uint16_t)~SIM_PIN_BIT(name);
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
    pin->tries = (uint8_t)sim_pins_tries_max(&sim->card, name);
    if (sim_image_commit(sim))
        return SW_MEMORY_FAILURE;
    fault_point("sim.after_verify");
    sim->verified |= SIM_PIN_BIT(name);
    return SW_OK;
}

static uint16_t pins_query(const struct sim *sim, enum sim_pin_name name, const struct sim_pin *pin)
{
    if (pin->tries == 0)
        return (uint16_t)sim_switch_number(&sim->card.switches, SIM_BLOCKED_QUERY);
    /* As a rule never 9000, also when the PIN has been presented. */
    if (sim->verified & SIM_PIN_BIT(name) && sim_switched(sim, SIM_VERIFIED_QUERY))
        return SW_OK;
    return (uint16_t)(SW_COUNTER | pin->tries);
}

uint16_t sim_pins_verify(struct sim *sim, const struct apdu_command *command, bool secured, struct buf *out)
{
    (void)out;
    const struct sim_ef *ef;
    if (command->p1)
        return SW_WRONG_P1P2;
    uint16_t sw = pins_name(sim, command, secured, &ef);
    if (sw != SW_OK)
        return sw;
    if (command->le || command->data.len > PRESENTED_MAX) /* the query is four bytes and no more */
        return SW_WRONG_LENGTH;
    if (ef->kind == SIM_KIND_LOCKED)
        return (uint16_t)sim_switch_number(&sim->card.switches, command->data.len ? SIM_BLOCKED_VERIFY : SIM_BLOCKED_QUERY);
    const struct sim_pin *pin = &sim->card.pins[ef->number];
    if (pin->value.len == 0)
        return SW_CONDITIONS;
    if (command->data.len == 0)
        return pins_query(sim, ef->number, pin);
    if (sim->card.life != APPLET_LIFE_ACTIVE)
        return SW_CONDITIONS;
    if (pin->tries == 0)
        return (uint16_t)sim_switch_number(&sim->card.switches, SIM_BLOCKED_VERIFY);
    return pins_compare(sim, ef->number, command->data);
}

static uint16_t pins_store(struct sim *sim, enum sim_pin_name name, struct bytes value)
{
    const struct sim_pin_row *row = pins_row(&sim->card, name);
    if (value.len < row->min || value.len > row->max)
        return SW_WRONG_LENGTH;
    for (size_t i = 0; i < value.len; i++) {
        uint8_t c = value.data[i];
        if (!(c >= '0' && c <= '9') && !(row->letters && c >= 'A' && c <= 'Z'))
            return SW_WRONG_DATA;
    }
    struct secret made = { 0 };
    if (secret_dup(&made, value.data, value.len))
        return SW_FAILURE;
    struct sim_pin *pin = &sim->card.pins[name];
    secret_wipe(&pin->value);
    *pin = (struct sim_pin) { made, (uint8_t)sim_pins_tries_max(&sim->card, name) };
    fault_point("sim.before_pin");
    if (sim_image_commit(sim))
        return SW_MEMORY_FAILURE;
    fault_point("sim.after_pin");
    return SW_OK;
}

/* The holder's, after a VERIFY of the old one: CHANGE REFERENCE DATA (P1 01), or CHANGE KEY (P1 00) in the applications that
 * are JICSAP's. */
uint16_t sim_pins_change(struct sim *sim, const struct apdu_command *command, bool secured, struct buf *out)
{
    (void)out;
    const struct sim_ef *ef;
    if (command->p1 != (command->ins == APPLET_INS_CHANGE_KEY ? 0x00 : 0x01))
        return SW_WRONG_P1P2;
    uint16_t sw = pins_name(sim, command, secured, &ef);
    if (sw != SW_OK)
        return sw;
    if (sim->card.life != APPLET_LIFE_ACTIVE)
        return SW_CONDITIONS;
    if (ef->kind != SIM_KIND_PIN || !(sim->verified & SIM_PIN_BIT(ef->number)))
        return SW_SECURITY_STATUS;
    if (pins_row(&sim->card, ef->number)->change != command->ins)
        return SW_CONDITIONS;
    return command->le ? SW_WRONG_LENGTH : pins_store(sim, ef->number, command->data);
}

/* The issuer's: the first PIN, or a new one at the counter. Whoever had presented the old one has not presented this. */
uint16_t sim_pins_put(struct sim *sim, const struct apdu_command *command, bool secured, struct buf *out)
{
    (void)out;
    const struct sim_ef *ef;
    if (command->p1 || command->p2 == APPLET_P_CURRENT)
        return SW_WRONG_P1P2;
    uint16_t sw = pins_name(sim, command, secured, &ef);
    if (sw != SW_OK)
        return sw;
    if (sim->card.life == APPLET_LIFE_TERMINATED || ef->kind != SIM_KIND_PIN)
        return SW_CONDITIONS;
    if (command->le)
        return SW_WRONG_LENGTH;
    sim->verified &= (uint16_t)~SIM_PIN_BIT(ef->number);
    enum applet_life before = sim->card.life;
    sim_issuer_begin(&sim->card);
    sw = pins_store(sim, ef->number, command->data);
    if (sw != SW_OK)
        sim->card.life = before;
    return sw;
}

/* sim_select.c — SELECT: applications by name or by the beginning of it, files by number. */
#include "applet-sim/sim_state.h"

#include "wire/tlv.h"

#include <string.h>

#define NAME_MAX_LEN 16u

/* Leaving an application for another one forgets its PINs; coming back to the same one, also over a reset, does not. */
void sim_select_leave(struct sim *sim, const struct sim_app *to)
{
    sim_channel_close(sim);
    sim_messaging_end(sim);
    sim->app = to;
    sim->current = NULL;
    if (to && (to != sim->former || sim_switched(sim, SIM_RESELECT))) {
        sim->verified = 0;
        sim->former = to;
    }
}

static bool select_matches(const struct sim *sim, const struct sim_app *app, struct bytes name)
{
    if (app->plastic_only && sim_switched(sim, SIM_PHONE))
        return false;
    return name.len <= app->aid_len && (name.len == 0 || memcmp(app->aid, name.data, name.len) == 0);
}

/* File control information; its content is ours. */
static uint16_t select_tell(const struct sim_app *app, uint32_t le, struct buf *out)
{
    struct buf name = { 0 };
    enum rc rc = tlv_append(&name, 0x84, bytes_of(app->aid, app->aid_len));
    if (rc == RC_OK)
        rc = tlv_append(out, 0x6F, buf_bytes(&name));
    buf_wipe(&name);
    return rc ? SW_FAILURE : out->len > le ? SW_WRONG_LENGTH : SW_OK;
}

/* By name, whole or the beginning of it; `next` goes on behind the selected one. */
static uint16_t select_app(struct sim *sim, const struct apdu_command *command, struct buf *out)
{
    const struct sim_profile *profile = sim->card.profile;
    bool next = command->p2 & 2u, silent = (command->p2 & 0x0Cu) == 0x0Cu;
    if (command->p2 != 0x00 && command->p2 != 0x02 && command->p2 != 0x0C && command->p2 != 0x0E)
        return SW_WRONG_P1P2;
    if (command->data.len > NAME_MAX_LEN)
        return SW_WRONG_LENGTH;
    size_t i = 0;
    if (next && sim->app && select_matches(sim, sim->app, command->data))
        i = (size_t)(sim->app - profile->apps) + 1;
    while (i < profile->app_count && !select_matches(sim, &profile->apps[i], command->data))
        i++;
    if (i == profile->app_count)
        return SW_FILE_NOT_FOUND;
    uint16_t sw = silent || !command->le ? SW_OK : select_tell(&profile->apps[i], command->le, out);
    if (sw == SW_OK)
        sim_select_leave(sim, &profile->apps[i]);
    return sw;
}

uint16_t sim_select(struct sim *sim, const struct apdu_command *command, bool secured, struct buf *out)
{
    if (command->p1 == 0x04)
        return secured ? SW_CONDITIONS : select_app(sim, command, out);
    if (command->p1 == 0x00) { /* no effect inside an application; the master file cannot be selected */
        if (!sim->app)
            return SW_WRONG_P1P2;
        return command->data.len ? SW_FILE_NOT_FOUND : SW_OK;
    }
    if (command->p1 != 0x02 || command->p2 != 0x0C)
        return SW_WRONG_P1P2;
    if (command->data.len != 2)
        return SW_WRONG_LENGTH;
    const struct sim_ef *ef = sim_files_find(sim, (unsigned)command->data.data[0] << 8 | command->data.data[1]);
    if (!ef)
        return SW_FILE_NOT_FOUND;
    sim->current = ef;
    sim->current_secured = secured;
    return SW_OK;
}

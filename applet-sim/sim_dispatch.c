/* sim_dispatch.c — which command goes where: rows of class and instruction, and the rules of the class byte. What a
 * command does stands in the room of its handler. */
#include "applet-sim/sim_state.h"

#define SW_SM_CLASS 0x69FCu /* the card's own answer to secure messaging on READ BINARY and VERIFY */

enum sim_where { PLAIN = 1, SECURED = 2 };

struct sim_row {
    uint8_t cla, ins;
    unsigned where;
    sim_handler handler;
    uint16_t sw; /* the answer when there is no handler */
};

static const struct sim_row sim_rows[] = {
    { 0x00, APPLET_INS_SELECT, PLAIN | SECURED, sim_select, 0 },
    { 0x00, APPLET_INS_READ_BINARY, PLAIN | SECURED, sim_files_read, 0 },
    { 0x00, APPLET_INS_READ_RECORD, PLAIN, sim_files_read_record, 0 },
    { 0x00, APPLET_INS_VERIFY, PLAIN, sim_pins_verify, 0 },
    { 0x00, APPLET_INS_CHANGE_REFERENCE_DATA, PLAIN, sim_pins_change, 0 },
    { 0x00, APPLET_INS_GET_CHALLENGE, PLAIN, sim_data_challenge, 0 },
    { 0x00, APPLET_INS_GET_DATA, PLAIN, sim_data_get, 0 },
    { 0x00, APPLET_INS_INTERNAL_AUTHENTICATE, PLAIN, sim_sign_challenge, 0 },
    { 0x80, APPLET_INS_CHANGE_KEY, PLAIN, sim_pins_change, 0 },
    { 0x80, APPLET_INS_COMPUTE_SIGNATURE, PLAIN | SECURED, sim_sign, 0 },
    { 0x80, APPLET_INS_SET_TERMINAL_CERT, PLAIN, NULL, SW_WRONG_P1P2 }, /* every P1 P2 that was tried: no root key here */
    { 0x80, APPLET_INS_SET_SESSION_KEY, PLAIN, sim_messaging_begin, 0 },
    { 0x80, 0xFC, PLAIN, NULL, SW_WRONG_LENGTH }, /* last-command indicator: on an iPhone only */
    /* the issuer's, ours */
    { 0x80, APPLET_INS_INITIALIZE_UPDATE, PLAIN, sim_channel_initialize, 0 },
    { 0x80, APPLET_INS_GENERATE_KEY_PAIR, SECURED, sim_keys_generate, 0 },
    { 0x00, APPLET_INS_UPDATE_BINARY, SECURED, sim_files_update, 0 },
    { 0x80, APPLET_INS_PUT_DATA, SECURED, sim_data_put, 0 },
    { 0x80, APPLET_INS_PUT_REFERENCE_DATA, SECURED, sim_pins_put, 0 },
    { 0x80, APPLET_INS_SET_STATUS, SECURED, sim_issuer_set_status, 0 },
    { 0x80, APPLET_INS_GET_STATUS, SECURED, sim_issuer_get_status, 0 },
};

static const struct sim_row *sim_dispatch_find(uint8_t ins, unsigned where)
{
    for (size_t i = 0; i < sizeof sim_rows / sizeof *sim_rows; i++)
        if (sim_rows[i].ins == ins && sim_rows[i].where & where)
            return &sim_rows[i];
    return NULL;
}

static uint16_t sim_dispatch_row(struct sim *sim, const struct sim_row *row, const struct apdu_command *command,
                                 bool secured, struct buf *out)
{
    return row->handler ? row->handler(sim, command, secured, out) : row->sw;
}

static uint16_t sim_dispatch_plain(struct sim *sim, const struct apdu_command *command, struct buf *out)
{
    const struct sim_row *row = sim_dispatch_find(command->ins, PLAIN);
    if (row && row->cla == command->cla)
        return sim_dispatch_row(sim, row, command, false, out);
    /* An issuer's instruction outside the channel says what is missing, in either class. */
    if (!row && sim_dispatch_find(command->ins, SECURED))
        return SW_SECURITY_STATUS;
    return SW_INS_UNSUPPORTED;
}

uint16_t sim_dispatch_inner(struct sim *sim, const struct apdu_command *command, struct buf *out)
{
    return sim_dispatch_plain(sim, command, out);
}

/* Secure messaging of ISO/IEC 7816-4 (classes 04, 08, 0C): the text application's with a session key, refused elsewhere. */
static uint16_t sim_dispatch_messaging(struct sim *sim, const struct apdu_command *command, struct buf *out)
{
    bool read_or_verify = command->ins == APPLET_INS_READ_BINARY || command->ins == APPLET_INS_VERIFY;
    if (!sim->messaging.counter)
        return read_or_verify ? SW_SM_CLASS : SW_SM_UNSUPPORTED;
    if (command->cla == 0x0C) { /* there is no key for a checksum */
        sim_messaging_end(sim);
        return SW_SM_OBJECT_MISSING;
    }
    if (command->cla != 0x08 || (!read_or_verify && command->ins != APPLET_INS_SELECT))
        return SW_SM_UNSUPPORTED;
    return sim_messaging_command(sim, command, out);
}

/* A command inside the channel: unwrapped, done, its answer wrapped. A wrong MAC ends the channel. */
static uint16_t sim_dispatch_secured(struct sim *sim, struct bytes bytes, struct buf *out)
{
    if (sim->channel != SIM_CHANNEL_OPEN)
        return SW_SECURITY_STATUS;
    struct buf plain = { 0 }, answer = { 0 };
    struct apdu_command command;
    uint16_t sw = SW_FAILURE;
    enum rc rc = scp03_unwrap(&sim->session, true, bytes, &plain);
    if (rc == RC_OK)
        rc = apdu_parse(buf_bytes(&plain), &command);
    if (rc) {
        sim_channel_close(sim);
        sw = rc == RC_BAD_SIGNATURE || rc == RC_FORMAT ? SW_SM_OBJECT_WRONG : SW_FAILURE;
        goto out;
    }
    const struct sim_row *row = sim_dispatch_find(command.ins, SECURED);
    sw = row ? sim_dispatch_row(sim, row, &command, true, &answer) : SW_INS_UNSUPPORTED;
    if (sw != SW_OK)
        goto out;
    if (buf_append_u16(&answer, sw) || scp03_wrap_response(&sim->session, buf_bytes(&answer), out)) {
        sim_channel_close(sim);
        sw = SW_FAILURE;
        goto out;
    }
    buf_truncate(out, out->len - 2); /* the caller puts the status word */
out:
    buf_wipe(&plain);
    buf_wipe(&answer);
    return sw;
}

uint16_t sim_dispatch(struct sim *sim, struct bytes bytes, struct buf *out)
{
    struct apdu_command command;
    if (sim->broken || sim->card.dead)
        return SW_FAILURE;
    if (apdu_parse(bytes, &command))
        return SW_WRONG_LENGTH;
    /* The switches are the holder's card's; what the issuer's channel carries is ours, and works with all of them. */
    if (command.extended && sim_switched(sim, SIM_LENGTHS) && command.cla != 0x84)
        return SW_WRONG_LENGTH;
    if (command.cla == 0x84 && command.ins == APPLET_INS_EXTERNAL_AUTHENTICATE)
        return sim_channel_authenticate(sim, bytes);
    if (sim->channel == SIM_CHANNEL_OFFERED) /* nothing may come between the two halves of opening */
        sim_channel_close(sim);
    if (command.cla == 0x84)
        return sim_dispatch_secured(sim, bytes, out);
    if (command.cla == 0x00 || command.cla == 0x80)
        return sim_dispatch_plain(sim, &command, out);
    if (command.cla <= 0x0F && command.cla & 0x0C)
        return sim_dispatch_messaging(sim, &command, out);
    if (command.cla <= 0x03 || (command.cla >= 0x81 && command.cla <= 0x83)) /* only the basic channel */
        return SW_CHANNEL_UNSUPPORTED;
    return SW_CLA_UNSUPPORTED;
}

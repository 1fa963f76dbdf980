/* sim_files.c — the applications and the files: the My Number card's profile as data, selecting, reading, and the
 * issuer's writing. Order of the refusals as on the card: which file, what kind, may it be read, and only then where. */
#include "applet-sim/sim_state.h"

#include "pki/der.h"
#include "wire/tlv.h"

#include <string.h>

#define FILLER 0xFFu
#define CERT_FIRST 0x30u /* a certificate begins so: a DER SEQUENCE */

/* Sizes are ours: larger than any certificate of the profile, the rest is filler, as on the card. */
const struct sim_ef sim_efs[SIM_EF_COUNT] = {
    { APPLET_EF_SIGN_CERT, SIM_KIND_BINARY, SIM_SIGN, SIM_READ_SIGN_PIN, 4096, true, true },
    { APPLET_EF_SIGN_CA_CERT, SIM_KIND_BINARY, SIM_SIGN, SIM_READ_FREE, 3072, true, true },
    { 0x0005, SIM_KIND_BINARY, SIM_AUTH, SIM_READ_NEVER, 0, false, false }, /* exists; content unknown */
    { APPLET_EF_TOKEN_INFO, SIM_KIND_BINARY, SIM_AUTH, SIM_READ_FREE, APPLET_TOKEN_INFO_LEN, false, false },
    { APPLET_EF_CERT_PRESENCE, SIM_KIND_BINARY, SIM_AUTH, SIM_READ_FREE, 3, true, false },
    { 0x0009, SIM_KIND_BINARY, SIM_AUTH, SIM_READ_NEVER, 0, false, false }, /* exists; protected against everything */
    { APPLET_EF_AUTH_CERT, SIM_KIND_BINARY, SIM_AUTH, SIM_READ_FREE, 3072, true, true },
    { APPLET_EF_AUTH_CA_CERT, SIM_KIND_BINARY, SIM_AUTH, SIM_READ_FREE, 3072, true, true },
    { 0x0010, SIM_KIND_REFERENCE, SIM_AUTH, SIM_READ_NEVER, 0, false, false },
    { 0x0016, SIM_KIND_REFERENCE, SIM_AUTH, SIM_READ_NEVER, 0, false, false }, /* the terminals' root key */
    { APPLET_EF_AUTH_KEY, SIM_KIND_KEY, SIM_AUTH, SIM_READ_NEVER, 0, false, false },
    { APPLET_EF_AUTH_PIN, SIM_KIND_PIN, SIM_AUTH, SIM_READ_NEVER, 0, false, false },
    { 0x0019, SIM_KIND_REFERENCE, SIM_AUTH, SIM_READ_NEVER, 0, false, false },
    { APPLET_EF_SIGN_KEY, SIM_KIND_KEY, SIM_SIGN, SIM_READ_NEVER, 0, false, false },
    { APPLET_EF_SIGN_PIN, SIM_KIND_PIN, SIM_SIGN, SIM_READ_NEVER, 0, false, false },
    { 0x001C, SIM_KIND_REFERENCE, SIM_AUTH, SIM_READ_NEVER, 0, false, false },
    { 0x001E, SIM_KIND_REFERENCE, SIM_AUTH, SIM_READ_NEVER, 0, false, false },
};

/* The card manager stands first: it is what SELECT without a name selects. */
static const struct sim_app sim_apps[] = {
    { APPLET_AID_CARD_MANAGER, APPLET_AID_CARD_MANAGER_LEN, false },
    { APPLET_AID_JPKI, APPLET_AID_JPKI_LEN, true },
};
#define APP_COUNT (sizeof sim_apps / sizeof *sim_apps)

static const struct sim_ef *sim_files_row(unsigned id)
{
    for (size_t i = 0; i < SIM_EF_COUNT; i++)
        if (sim_efs[i].id == id)
            return &sim_efs[i];
    return NULL;
}

const struct sim_ef *sim_files_find(const struct sim *sim, unsigned id)
{
    return sim->app && sim->app->files ? sim_files_row(id) : NULL;
}

struct buf *sim_files_content(struct sim_card *card, const struct sim_ef *ef)
{
    return &card->files[ef - sim_efs];
}

bool sim_files_has_cert(const struct sim_card *card, unsigned id)
{
    const struct sim_ef *ef = sim_files_row(id);
    return ef && ef->cert && card->files[ef - sim_efs].data[0] == CERT_FIRST;
}

uint16_t sim_files_name(struct sim *sim, unsigned p, bool secured, const struct sim_ef **ef)
{
    if ((p & 0xE0u) != APPLET_P_CURRENT)
        return SW_WRONG_P1P2;
    if (p == APPLET_P_CURRENT) {
        if (!sim->current)
            return SW_NO_CURRENT_EF;
    } else {
        if (sim_switched(sim, SIM_SHORT_IDS) && !secured)
            return strcmp(sim_switch_word(&sim->card.switches, SIM_SHORT_IDS), "no") ? SW_FILE_NOT_FOUND : SW_WRONG_P1P2;
        const struct sim_ef *named = sim_files_find(sim, p & 0x1Fu);
        if (!named)
            return SW_FILE_NOT_FOUND;
        sim->current = named;
        sim->current_secured = secured;
    }
    *ef = sim->current;
    return SW_OK;
}

/* --- what is read ---------------------------------------------------------------------------------------------------- */

static void sim_files_pad(uint8_t *at, size_t len, const char *text)
{
    size_t have = strlen(text);
    memset(at, ' ', len);
    memcpy(at, text, have < len ? have : len);
}

enum rc sim_files_view(struct sim *sim, const struct sim_ef *ef, struct buf *made, struct bytes *view)
{
    unsigned phone = sim_switched(sim, SIM_PHONE), filler = sim_switched(sim, SIM_FILLER);
    size_t len;
    uint8_t *at;
    *view = buf_bytes(sim_files_content(&sim->card, ef));
    if (ef->id == APPLET_EF_TOKEN_INFO && phone) {
        enum rc rc = buf_append_bytes(made, *view);
        if (rc == RC_OK)
            sim_files_pad(made->data + APPLET_TOKEN_LABEL_AT, APPLET_TOKEN_LABEL_LEN,
                          phone == SIM_PHONE_IPHONE ? "JPKIAPIOSTOKEN" : "JPKIAPGPSETOKEN");
        *view = buf_bytes(made);
        return rc;
    }
    if (!ef->cert || filler == SIM_FILLER_FF || der_sequence_length(*view, &len) || len > view->len)
        return RC_OK;
    if (filler == SIM_FILLER_NONE) {
        view->len = len;
        return RC_OK;
    }
    enum rc rc = buf_append_bytes(made, bytes_of(view->data, len));
    if (rc == RC_OK)
        rc = buf_extend(made, view->len - len, &at);
    if (rc == RC_OK)
        memset(at, 0, view->len - len);
    *view = buf_bytes(made);
    return rc;
}

/* --- a new card's files -------------------------------------------------------------------------------------------- */

/* EF 0006: a CK_TOKEN_INFO with big-endian numbers; values as read from a physical card, the serial number this card's. */
static void sim_files_token_info(const struct sim_card *card, uint8_t info[APPLET_TOKEN_INFO_LEN])
{
    static const uint8_t numbers[] = {
        0x00, 0x00, 0x04, 0x0D, /* RNG, LOGIN_REQUIRED, USER_PIN_INITIALIZED, TOKEN_INITIALIZED */
        0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, /* sessions: at most, now; read-write: at most, now */
        0, 0, 0, APPLET_SIGN_PIN_MAX, 0, 0, 0, APPLET_SIGN_PIN_MIN,
        0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, /* memory */
        '0', '3', '0', '1', /* versions of hardware and firmware */
    };
    uint8_t *at = info + APPLET_TOKEN_SERIAL_AT + APPLET_TOKEN_SERIAL_LEN;
    sim_files_pad(info + APPLET_TOKEN_LABEL_AT, APPLET_TOKEN_LABEL_LEN, APPLET_TOKEN_LABEL_MYNUMBER);
    memset(info + APPLET_TOKEN_MANUFACTURER_AT, '0', APPLET_TOKEN_MANUFACTURER_LEN);
    info[APPLET_TOKEN_MANUFACTURER_AT + APPLET_TOKEN_MANUFACTURER_LEN - 1] = '1';
    sim_files_pad(info + APPLET_TOKEN_MODEL_AT, APPLET_TOKEN_MODEL_LEN, "E16R01NJ");
    memcpy(info + APPLET_TOKEN_SERIAL_AT, card->serial, APPLET_TOKEN_SERIAL_LEN);
    memcpy(at, numbers, sizeof numbers);
    memset(at + sizeof numbers, '9', 16); /* the time, which the card does not know */
}

enum rc sim_files_make(struct sim_card *card)
{
    for (size_t i = 0; i < SIM_EF_COUNT; i++) {
        uint8_t *at;
        if (sim_efs[i].kind != SIM_KIND_BINARY || sim_efs[i].size == 0)
            continue;
        enum rc rc = buf_extend(&card->files[i], sim_efs[i].size, &at);
        if (rc)
            return rc;
        memset(at, FILLER, sim_efs[i].size);
        if (sim_efs[i].id == APPLET_EF_CERT_PRESENCE)
            memset(at, 0, sim_efs[i].size);
        if (sim_efs[i].id == APPLET_EF_TOKEN_INFO)
            sim_files_token_info(card, at);
    }
    return RC_OK;
}

/* --- SELECT -------------------------------------------------------------------------------------------------------- */

/* Leaving an application for another one forgets its PINs; coming back to the same one, also over a reset, does not. */
void sim_files_leave(struct sim *sim, const struct sim_app *to)
{
    sim_channel_close(sim);
    sim->app = to;
    sim->current = NULL;
    if (to && (to != sim->former || sim_switched(sim, SIM_RESELECT))) {
        memset(sim->verified, 0, sizeof sim->verified);
        sim->former = to;
    }
}

static bool sim_files_matches(const struct sim_app *app, struct bytes name)
{
    return name.len <= app->aid_len && (name.len == 0 || memcmp(app->aid, name.data, name.len) == 0);
}

/* By name, whole or the beginning of it; `next` goes on behind the selected one. */
static uint16_t sim_files_select_app(struct sim *sim, const struct apdu_command *command, struct buf *out)
{
    bool next = command->p2 & 2u, silent = (command->p2 & 0x0Cu) == 0x0Cu;
    if (command->p2 != 0x00 && command->p2 != 0x02 && command->p2 != 0x0C && command->p2 != 0x0E)
        return SW_WRONG_P1P2;
    if (command->data.len > 16)
        return SW_WRONG_LENGTH;
    size_t i = 0;
    if (next && sim->app && sim_files_matches(sim->app, command->data))
        i = (size_t)(sim->app - sim_apps) + 1;
    while (i < APP_COUNT && !sim_files_matches(&sim_apps[i], command->data))
        i++;
    if (i == APP_COUNT)
        return SW_FILE_NOT_FOUND;
    if (!silent && command->le) {
        struct buf name = { 0 };
        enum rc rc = tlv_append(&name, 0x84, bytes_of(sim_apps[i].aid, sim_apps[i].aid_len));
        if (rc == RC_OK)
            rc = tlv_append(out, 0x6F, buf_bytes(&name));
        buf_wipe(&name);
        if (rc)
            return SW_FAILURE;
        if (out->len > command->le)
            return SW_WRONG_LENGTH;
    }
    sim_files_leave(sim, &sim_apps[i]);
    return SW_OK;
}

uint16_t sim_files_select(struct sim *sim, const struct apdu_command *command, bool secured, struct buf *out)
{
    if (command->p1 == 0x04)
        return secured ? SW_CONDITIONS : sim_files_select_app(sim, command, out);
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

/* --- reading ------------------------------------------------------------------------------------------------------- */

/* The file and the offset that P1 and P2 name, in either form. */
static uint16_t sim_files_place(struct sim *sim, const struct apdu_command *command, bool secured,
                                const struct sim_ef **ef, size_t *offset)
{
    if (command->p1 & 0x80u) {
        *offset = command->p2;
        return sim_files_name(sim, command->p1, secured, ef);
    }
    if (!sim->current)
        return SW_NO_CURRENT_EF;
    *ef = sim->current;
    *offset = (size_t)command->p1 << 8 | command->p2;
    return SW_OK;
}

static bool sim_files_readable(const struct sim *sim, const struct sim_ef *ef, bool secured)
{
    if (sim->card.life == APPLET_LIFE_TERMINATED || ef->read == SIM_READ_NEVER)
        return false;
    bool phone = sim_switched(sim, SIM_PHONE) && ef->id == APPLET_EF_AUTH_CERT;
    if (ef->read == SIM_READ_FREE && !phone)
        return true;
    /* The issuer reads back what it has just written; once the card is its holder's, only the holder does. */
    return sim->verified[ef->owner] || (secured && sim->card.life == APPLET_LIFE_PERSONALISED);
}

uint16_t sim_files_read(struct sim *sim, const struct apdu_command *command, bool secured, struct buf *out)
{
    const struct sim_ef *ef;
    size_t offset;
    uint16_t sw = sim_files_place(sim, command, secured, &ef, &offset);
    if (sw != SW_OK)
        return sw;
    if (ef->kind != SIM_KIND_BINARY)
        return SW_FILE_STRUCTURE;
    if (!sim_files_readable(sim, ef, secured))
        return SW_SECURITY_STATUS;
    if (command->data.len || command->le == 0)
        return SW_WRONG_LENGTH;
    struct buf made = { 0 };
    struct bytes view = { 0 };
    sw = sim_files_view(sim, ef, &made, &view) ? SW_FAILURE : offset >= view.len ? SW_OFFSET : SW_OK;
    if (sw == SW_OK) {
        size_t left = view.len - offset;
        sw = buf_append(out, view.data + offset, command->le < left ? command->le : left) ? SW_FAILURE : SW_OK;
    }
    buf_wipe(&made);
    return sw;
}

/* No file of this application has records. */
uint16_t sim_files_read_record(struct sim *sim, const struct apdu_command *command, bool secured, struct buf *out)
{
    (void)out;
    const struct sim_ef *ef;
    uint16_t sw = sim_files_name(sim, APPLET_P_CURRENT | (unsigned)command->p2 >> 3, secured, &ef);
    return sw == SW_OK ? SW_FILE_STRUCTURE : sw;
}

/* --- the issuer's writing ------------------------------------------------------------------------------------------ */

uint16_t sim_files_update(struct sim *sim, const struct apdu_command *command, bool secured, struct buf *out)
{
    (void)out;
    const struct sim_ef *ef;
    size_t offset;
    uint16_t sw = sim_files_place(sim, command, secured, &ef, &offset);
    if (sw != SW_OK)
        return sw;
    /* A plain command beside the channel must not choose which file a secured one writes. */
    if (!sim->current_secured)
        return SW_NO_CURRENT_EF;
    if (ef->kind != SIM_KIND_BINARY)
        return SW_FILE_STRUCTURE;
    if (!ef->issued || sim->card.life == APPLET_LIFE_TERMINATED)
        return SW_CONDITIONS;
    if (command->data.len == 0 || command->le)
        return SW_WRONG_LENGTH;
    if (offset >= ef->size)
        return SW_OFFSET;
    if (command->data.len > ef->size - offset)
        return SW_NO_SPACE;
    /* Whether a file holds a certificate is told by its first byte, which opens and closes proof of possession. */
    if (ef->cert && offset == 0 && command->data.data[0] != CERT_FIRST)
        return SW_WRONG_DATA;
    uint8_t *content = sim_files_content(&sim->card, ef)->data;
    if (command->p1 & 0x80u && offset == 0) /* the whole new content */
        memset(content, FILLER, ef->size);
    memcpy(content + offset, command->data.data, command->data.len);
    sim_issuer_begin(&sim->card);
    return sim_image_commit(sim) ? SW_MEMORY_FAILURE : SW_OK;
}

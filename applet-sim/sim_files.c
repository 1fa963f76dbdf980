/* sim_files.c — reading files, and the issuer's writing. A file is what was written and filler behind it. Order of the
 * refusals as on the card: which file, what kind, may it be read, and only then where. */
#include "applet-sim/sim_state.h"

#include "pki/der.h"
#include "wire/tlv.h"

#include <string.h>

#define CERT_FIRST 0x30u /* a certificate begins so: a DER SEQUENCE */
#define RECORD_HEADER 2u /* simple TLV: tag and length, one byte each */

unsigned sim_files_place(const struct sim_profile *profile, const struct sim_app *app, const struct sim_ef *ef)
{
    size_t place = (size_t)(ef - app->efs);
    for (const struct sim_app *before = profile->apps; before < app; before++)
        place += before->ef_count;
    return (unsigned)place;
}

const struct sim_ef *sim_files_row(const struct sim_app *app, unsigned id)
{
    for (size_t i = 0; i < app->ef_count; i++)
        if (app->efs[i].id == id)
            return &app->efs[i];
    return NULL;
}

const struct sim_ef *sim_files_find(const struct sim *sim, unsigned id)
{
    return sim->app ? sim_files_row(sim->app, id) : NULL;
}

static struct buf *files_content(struct sim *sim, const struct sim_ef *ef)
{
    return &sim->card.files[sim_files_place(sim->card.profile, sim->app, ef)];
}

static struct bytes files_cert_content(const struct sim_card *card, unsigned id)
{
    const struct sim_app *app = &card->profile->apps[1]; /* the JPKI application stands behind the card manager */
    const struct sim_ef *ef = sim_files_row(app, id);
    return ef && ef->flags & SIM_EF_CERT ? buf_bytes(&card->files[sim_files_place(card->profile, app, ef)]) : bytes_of(NULL, 0);
}

bool sim_files_begun_cert(const struct sim_card *card, unsigned id)
{
    return files_cert_content(card, id).len != 0;
}

struct bytes sim_files_cert(const struct sim_card *card, unsigned id)
{
    struct bytes rest = files_cert_content(card, id), content, whole;
    return der_expect(&rest, CERT_FIRST, &content, &whole) == RC_OK ? whole : bytes_of(NULL, 0); /* half of one is none */
}

bool sim_files_has_cert(const struct sim_card *card, unsigned id)
{
    return sim_files_cert(card, id).len != 0;
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

enum rc sim_files_make(struct sim_card *card)
{
    const struct sim_profile *profile = card->profile;
    for (size_t a = 0; a < profile->app_count; a++)
        for (size_t i = 0; i < profile->apps[a].ef_count; i++) {
            const struct sim_ef *ef = &profile->apps[a].efs[i];
            enum rc rc = ef->flags & SIM_EF_PRESENCE
                             ? buf_append(&card->files[sim_files_place(profile, &profile->apps[a], ef)], "\0\0\0", 3)
                             : RC_OK;
            if (rc)
                return rc;
        }
    return RC_OK;
}

/* --- what is read -------------------------------------------------------------------------------------------------- */

struct view {
    struct bytes content;
    size_t size; /* of the file: filler behind the content */
    uint8_t filler;
    struct buf made; /* wiped by the caller */
};

static void files_pad(uint8_t *at, size_t len, const char *text)
{
    size_t have = strlen(text);
    memset(at, ' ', len);
    memcpy(at, text, have < len ? have : len);
}

static const char *files_label(const struct sim *sim)
{
    unsigned phone = sim_switched(sim, SIM_PHONE);
    return phone == SIM_PHONE_ANDROID  ? APPLET_TOKEN_LABEL_ANDROID
           : phone == SIM_PHONE_IPHONE ? APPLET_TOKEN_LABEL_IPHONE
                                       : sim->card.profile->label;
}

/* A CK_TOKEN_INFO with big-endian numbers; values as read from a physical card, the serial number this card's. */
static enum rc files_token_info(const struct sim *sim, struct buf *out)
{
    const struct sim_profile *profile = sim->card.profile;
    const uint8_t numbers[] = {
        0x00, 0x00, 0x04, 0x0D, /* RNG, LOGIN_REQUIRED, USER_PIN_INITIALIZED, TOKEN_INITIALIZED */
        0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, /* sessions: at most, now; read-write: at most, now */
        0, 0, 0, profile->pin_max, 0, 0, 0, profile->pin_min,
        0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, /* memory */
        '0', '3', '0', '1', /* versions of hardware and firmware */
    };
    uint8_t *info;
    enum rc rc = buf_extend(out, APPLET_TOKEN_INFO_LEN, &info);
    if (rc)
        return rc;
    uint8_t *at = info + APPLET_TOKEN_SERIAL_AT + APPLET_TOKEN_SERIAL_LEN;
    files_pad(info + APPLET_TOKEN_LABEL_AT, APPLET_TOKEN_LABEL_LEN, files_label(sim));
    memset(info + APPLET_TOKEN_MANUFACTURER_AT, '0', APPLET_TOKEN_MANUFACTURER_LEN);
    info[APPLET_TOKEN_MANUFACTURER_AT + APPLET_TOKEN_MANUFACTURER_LEN - 1] = '1';
    files_pad(info + APPLET_TOKEN_MODEL_AT, APPLET_TOKEN_MODEL_LEN, "E16R01NJ");
    memcpy(info + APPLET_TOKEN_SERIAL_AT, sim->card.serial, APPLET_TOKEN_SERIAL_LEN);
    memcpy(at, numbers, sizeof numbers);
    memset(at + sizeof numbers, '9', 16); /* the time, which the card does not know */
    return RC_OK;
}

/* A1 { 90 exponent, 91 modulus } of the key that session keys are enciphered to; without one, filler. */
static enum rc files_session_key(const struct sim *sim, const struct sim_ef *ef, struct buf *out)
{
    struct buf inner = { 0 };
    if (!sim->card.key_pairs[ef->number])
        return RC_OK;
    enum rc rc = sim_keys_public(sim->card.key_pairs[ef->number], 0x91, 0x90, &inner);
    if (rc == RC_OK)
        rc = tlv_append(out, 0xA1, buf_bytes(&inner));
    buf_wipe(&inner);
    return rc;
}

static enum rc files_view(struct sim *sim, const struct sim_ef *ef, struct view *view)
{
    unsigned filler = sim_switched(sim, SIM_FILLER);
    size_t len;
    enum rc rc = RC_OK;
    *view = (struct view) { .size = ef->size, .filler = 0xFF };
    if (ef->flags & (SIM_EF_TOKEN | SIM_EF_SESSION)) {
        rc = ef->flags & SIM_EF_TOKEN ? files_token_info(sim, &view->made) : files_session_key(sim, ef, &view->made);
        view->content = buf_bytes(&view->made);
        return rc;
    }
    view->content = buf_bytes(files_content(sim, ef));
    if (ef->flags & SIM_EF_CERT && filler != SIM_FILLER_FF && der_sequence_length(view->content, &len) == RC_OK
        && len <= view->content.len) {
        view->content.len = len;
        view->filler = 0;
        view->size = filler == SIM_FILLER_NONE ? len : ef->size;
    }
    return RC_OK;
}

bool sim_files_allowed(const struct sim *sim, const struct sim_ef *ef, bool secured)
{
    bool phone = sim_switched(sim, SIM_PHONE) && ef->id == APPLET_EF_AUTH_CERT && ef->flags & SIM_EF_CERT;
    if (sim->card.life == APPLET_LIFE_TERMINATED || ef->rule == SIM_NEVER)
        return false;
    /* The issuer reads back what it has just written; once the card is its holder's, only the holder does. */
    if (secured && sim->card.life == APPLET_LIFE_PERSONALISED)
        return true;
    return sim_pins_satisfy(sim, phone ? SIM_PIN_BIT(SIM_PIN_AUTH) : ef->rule);
}

/* The file and the offset that P1 and P2 name, in either form. */
static uint16_t files_where(struct sim *sim, const struct apdu_command *command, bool secured, const struct sim_ef **ef,
                            size_t *offset)
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

static uint16_t files_copy(const struct view *view, size_t offset, uint32_t le, struct buf *out)
{
    uint8_t *at;
    if (offset >= view->size)
        return SW_OFFSET;
    size_t len = le < view->size - offset ? le : view->size - offset;
    if (buf_extend(out, len, &at))
        return SW_FAILURE;
    memset(at, view->filler, len);
    if (offset < view->content.len)
        memcpy(at, view->content.data + offset, view->content.len - offset < len ? view->content.len - offset : len);
    return SW_OK;
}

uint16_t sim_files_read(struct sim *sim, const struct apdu_command *command, bool secured, struct buf *out)
{
    const struct sim_ef *ef;
    struct view view;
    size_t offset;
    uint16_t sw = files_where(sim, command, secured, &ef, &offset);
    if (sw != SW_OK)
        return sw;
    if (ef->kind != SIM_KIND_BINARY)
        return SW_FILE_STRUCTURE;
    if (!sim_files_allowed(sim, ef, secured))
        return SW_SECURITY_STATUS;
    if (command->data.len || command->le == 0)
        return SW_WRONG_LENGTH;
    sw = files_view(sim, ef, &view) ? SW_FAILURE : files_copy(&view, offset, command->le, out);
    buf_wipe(&view.made);
    return sw;
}

/* --- records ------------------------------------------------------------------------------------------------------- */

/* The record with this number, counted from 1; an empty view when there is none, or what is left is no record. */
static struct bytes files_record(struct bytes content, unsigned number)
{
    while (content.len >= RECORD_HEADER && number) {
        size_t len = RECORD_HEADER + (size_t)content.data[1];
        if (len > content.len)
            break;
        if (--number == 0)
            return bytes_of(content.data, len);
        content = bytes_of(content.data + len, content.len - len);
    }
    return bytes_of(NULL, 0);
}

uint16_t sim_files_read_record(struct sim *sim, const struct apdu_command *command, bool secured, struct buf *out)
{
    const struct sim_ef *ef;
    unsigned form = command->p2 & 7u;
    if (form != 4 && form != 5) /* the record P1, or all from it on */
        return SW_WRONG_P1P2;
    uint16_t sw = sim_files_name(sim, APPLET_P_CURRENT | (unsigned)command->p2 >> 3, secured, &ef);
    if (sw != SW_OK)
        return sw;
    if (ef->kind != SIM_KIND_RECORDS)
        return SW_FILE_STRUCTURE;
    if (!sim_files_allowed(sim, ef, secured))
        return SW_SECURITY_STATUS;
    if (command->data.len || command->le == 0)
        return SW_WRONG_LENGTH;
    struct bytes content = buf_bytes(files_content(sim, ef)), record = files_record(content, command->p1);
    if (!record.len)
        return SW_RECORD_NOT_FOUND;
    if (form == 5)
        record.len = content.len - (size_t)(record.data - content.data);
    if (record.len > command->le)
        return SW_WRONG_LENGTH;
    return buf_append_bytes(out, record) ? SW_FAILURE : SW_OK;
}

/* Are these records and nothing else? */
static bool files_are_records(struct bytes content)
{
    unsigned count = 0;
    size_t len = 0;
    struct bytes record;
    while ((record = files_record(content, count + 1)).len) {
        len += record.len;
        count++;
    }
    return len == content.len;
}

/* --- the issuer's writing ------------------------------------------------------------------------------------------ */

static uint16_t files_store(struct sim *sim, const struct sim_ef *ef, size_t offset, bool whole, struct bytes data)
{
    struct buf *content = files_content(sim, ef);
    uint8_t *at;
    if (whole)
        buf_truncate(content, 0);
    if (offset + data.len > content->len) {
        size_t before = content->len;
        if (buf_extend(content, offset + data.len - before, &at))
            return SW_FAILURE;
        memset(at, 0xFF, offset + data.len - before);
    }
    memcpy(content->data + offset, data.data, data.len);
    sim_issuer_begin(&sim->card);
    return sim_image_commit(sim) ? SW_MEMORY_FAILURE : SW_OK;
}

uint16_t sim_files_update(struct sim *sim, const struct apdu_command *command, bool secured, struct buf *out)
{
    (void)out;
    const struct sim_ef *ef;
    size_t offset;
    uint16_t sw = files_where(sim, command, secured, &ef, &offset);
    if (sw != SW_OK)
        return sw;
    /* A plain command beside the channel must not choose which file a secured one writes. */
    if (!sim->current_secured)
        return SW_NO_CURRENT_EF;
    bool records = ef->kind == SIM_KIND_RECORDS, whole = command->p1 & 0x80u && offset == 0;
    if (ef->kind != SIM_KIND_BINARY && !records)
        return SW_FILE_STRUCTURE;
    if (!(ef->flags & SIM_EF_ISSUED) || sim->card.life == APPLET_LIFE_TERMINATED)
        return SW_CONDITIONS;
    if (command->data.len == 0 || command->le)
        return SW_WRONG_LENGTH;
    if (offset >= ef->size)
        return SW_OFFSET;
    if (command->data.len > ef->size - offset)
        return SW_NO_SPACE;
    if (records && !(whole && files_are_records(command->data)))
        return SW_WRONG_DATA;
    /* Anything in a certificate's file ends proof of possession. */
    if (ef->flags & SIM_EF_CERT && offset == 0 && command->data.data[0] != CERT_FIRST)
        return SW_WRONG_DATA;
    return files_store(sim, ef, offset, whole, command->data);
}

/* sim_export.c — reading the card's files from outside. */
#include "applet-sim/sim_export.h"

#include "wire/apdu.h"
#include "wire/sw.h"
#include "wire/tlv.h"

#include <openssl/evp.h>
#include <string.h>

#define CHUNK 250u
#define LINE 64u

const char *const sim_export_names[4] = { "auth", "auth-ca", "sign", "sign-ca" };
static const enum applet_ef export_files[4] = { APPLET_EF_AUTH_CERT, APPLET_EF_AUTH_CA_CERT, APPLET_EF_SIGN_CERT,
                                                APPLET_EF_SIGN_CA_CERT };

void sim_export_wipe(struct sim_export *out)
{
    for (int i = 0; i < 4; i++)
        buf_wipe(&out->certs[i]);
    buf_wipe(&out->token);
}

/* One command; the answer's data is appended to out. */
static enum rc export_send(struct sim *sim, const struct apdu_command *command, struct buf *out, uint16_t *sw)
{
    struct buf bytes = { 0 }, answer = { 0 };
    struct apdu_response response;
    enum rc rc = apdu_encode(command, &bytes);
    if (rc == RC_OK)
        rc = sim_transmit(sim, buf_bytes(&bytes), &answer);
    if (rc == RC_OK)
        rc = apdu_parse_response(buf_bytes(&answer), &response);
    if (rc == RC_OK)
        rc = buf_append_bytes(out, response.data);
    if (rc == RC_OK)
        *sw = response.sw;
    buf_wipe(&bytes);
    buf_wipe(&answer);
    return rc;
}

static enum rc export_select(struct sim *sim, unsigned ef, uint16_t *sw)
{
    struct buf none = { 0 };
    const uint8_t id[2] = { (uint8_t)(ef >> 8), (uint8_t)ef };
    const struct apdu_command app = { 0x00, APPLET_INS_SELECT, 0x04, 0x0C, bytes_of(APPLET_AID_JPKI, APPLET_AID_JPKI_LEN), 0,
                                      false };
    const struct apdu_command file = { 0x00, APPLET_INS_SELECT, 0x02, 0x0C, bytes_of(id, 2), 0, false };
    enum rc rc = export_send(sim, ef ? &file : &app, &none, sw);
    buf_wipe(&none);
    return rc;
}

static enum rc export_file(struct sim *sim, unsigned ef, struct buf *out)
{
    uint16_t sw;
    enum rc rc = export_select(sim, ef, &sw);
    while (rc == RC_OK && sw == SW_OK && out->len < 0x7F00) {
        size_t before = out->len;
        const struct apdu_command read = { 0x00, APPLET_INS_READ_BINARY, (uint8_t)(before >> 8), (uint8_t)before,
                                           bytes_of(NULL, 0), CHUNK, false };
        rc = export_send(sim, &read, out, &sw);
        if (out->len - before < CHUNK)
            break;
    }
    return rc;
}

/* Filler behind the certificate goes; filler alone, or a refusal, is no certificate. */
static enum rc export_cert(struct sim *sim, unsigned ef, struct buf *out)
{
    struct buf file = { 0 };
    struct tlv tlv;
    enum rc rc = export_file(sim, ef, &file);
    struct cursor cursor = cursor_of(buf_bytes(&file));
    if (rc == RC_OK && tlv_next(&cursor, &tlv) == RC_OK && tlv.tag == 0x30)
        rc = buf_append_bytes(out, tlv.whole);
    buf_wipe(&file);
    return rc;
}

static enum rc export_verify(struct sim *sim, const struct secret *pin, struct err *err)
{
    uint16_t sw;
    struct buf none = { 0 };
    const struct apdu_command verify = { 0x00, APPLET_INS_VERIFY, 0x00, APPLET_P_CURRENT, secret_bytes(pin), 0, false };
    if (pin->len == 0)
        return err_set(err, RC_PIN_FORMAT, "an empty PIN");
    enum rc rc = export_select(sim, APPLET_EF_SIGN_PIN, &sw);
    if (rc == RC_OK && sw == SW_OK)
        rc = export_send(sim, &verify, &none, &sw);
    buf_wipe(&none);
    if (rc || sw == SW_OK)
        return rc;
    if (sw_is_counter(sw) && sw != SW_COUNTER)
        return err_set(err, RC_PIN_WRONG, "wrong PIN: %u tries left", sw & 0xFu);
    if (sw == SW_COUNTER || sw == SW_REFERENCE_LOCKED || sw == SW_AUTH_BLOCKED)
        return err_set(err, RC_PIN_BLOCKED, "the PIN is blocked");
    return err_set(err, RC_CARD_REFUSED, "the card refuses the PIN: %04X", sw);
}

enum rc sim_export_read(struct sim *sim, const struct secret *sign_pin, struct sim_export *out, struct err *err)
{
    struct sim_export made = { 0 };
    uint16_t sw;
    sim_power_on(sim);
    enum rc rc = export_select(sim, 0, &sw);
    if (rc == RC_OK && sw != SW_OK) /* a card's first command may fail for no reason */
        rc = export_select(sim, 0, &sw);
    if (rc == RC_OK && sw != SW_OK)
        rc = err_set(err, RC_CARD_REFUSED, "the card has no JPKI application: %04X", sw);
    if (rc == RC_OK && sign_pin)
        rc = export_verify(sim, sign_pin, err);
    for (int i = 0; rc == RC_OK && i < 4; i++)
        rc = export_cert(sim, export_files[i], &made.certs[i]);
    if (rc == RC_OK)
        rc = export_file(sim, APPLET_EF_TOKEN_INFO, &made.token);
    sim_power_off(sim);
    if (rc)
        sim_export_wipe(&made);
    else
        *out = made;
    return rc;
}

enum rc sim_export_pem(struct bytes der, struct buf *out)
{
    size_t start = out->len;
    enum rc rc = buf_append_text(out, "-----BEGIN CERTIFICATE-----\n");
    for (size_t at = 0; rc == RC_OK && at < der.len; at += LINE / 4 * 3) {
        uint8_t line[LINE + 2];
        size_t len = der.len - at < LINE / 4 * 3 ? der.len - at : LINE / 4 * 3;
        int written = EVP_EncodeBlock(line, der.data + at, (int)len);
        line[written] = '\n';
        rc = buf_append(out, line, (size_t)written + 1);
    }
    if (rc == RC_OK)
        rc = buf_append_text(out, "-----END CERTIFICATE-----\n");
    if (rc)
        buf_truncate(out, start);
    return rc;
}

enum rc sim_export_token(struct bytes token, struct buf *out)
{
    static const struct {
        const char *name;
        size_t at, len;
    } rows[] = {
        { "label", APPLET_TOKEN_LABEL_AT, APPLET_TOKEN_LABEL_LEN },
        { "manufacturer", APPLET_TOKEN_MANUFACTURER_AT, APPLET_TOKEN_MANUFACTURER_LEN },
        { "model", APPLET_TOKEN_MODEL_AT, APPLET_TOKEN_MODEL_LEN },
        { "serial number", APPLET_TOKEN_SERIAL_AT, APPLET_TOKEN_SERIAL_LEN },
    };
    if (token.len < APPLET_TOKEN_INFO_LEN)
        return RC_FORMAT;
    size_t start = out->len;
    enum rc rc = RC_OK;
    for (size_t i = 0; rc == RC_OK && i < sizeof rows / sizeof *rows; i++) {
        char text[APPLET_TOKEN_LABEL_LEN + 1];
        size_t len = 0;
        for (; len < rows[i].len; len++) {
            uint8_t byte = token.data[rows[i].at + len];
            text[len] = (char)(byte >= 0x20 && byte < 0x7F ? byte : ' ');
        }
        while (len && text[len - 1] == ' ')
            len--;
        text[len] = '\0';
        rc = buf_printf(out, "%s: %s\n", rows[i].name, text);
    }
    if (rc)
        buf_truncate(out, start);
    return rc;
}

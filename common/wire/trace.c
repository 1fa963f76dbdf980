/* trace.c — one line of text for a command and its answer. What may be shown is an allow-list: a command that nobody
 * thought of shows lengths only. */
#include "wire/apdu.h"

#include "base/hex.h"
#include "wire/applet.h"
#include "wire/sw.h"

#include <string.h>

#define SHOWN_MAX 64u /* bytes in hex; a line stays a line */
#define CLA_SECURED 0x0Cu /* either kind of secure messaging */
#define CLA_PROPRIETARY 0x80u

struct trace_row {
    uint8_t ins;
    bool shown;
    const char *name;
};

static const struct trace_row trace_rows[] = {
    { APPLET_INS_VERIFY, false, "VERIFY" },
    { APPLET_INS_CHANGE_REFERENCE_DATA, false, "CHANGE REFERENCE DATA" },
    { APPLET_INS_CHANGE_KEY, false, "CHANGE KEY" },
    { APPLET_INS_COMPUTE_SIGNATURE, false, "COMPUTE DIGITAL SIGNATURE" },
    { APPLET_INS_GET_CHALLENGE, true, "GET CHALLENGE" },
    { APPLET_INS_INTERNAL_AUTHENTICATE, false, "INTERNAL AUTHENTICATE" },
    { APPLET_INS_SET_TERMINAL_CERT, false, "SET PUBLIC IC KEY" },
    { APPLET_INS_SET_SESSION_KEY, false, "SET SESSION KEY" },
    { APPLET_INS_SELECT, true, "SELECT" },
    { APPLET_INS_READ_BINARY, false, "READ BINARY" },
    { APPLET_INS_READ_RECORD, false, "READ RECORD" },
    { APPLET_INS_GET_DATA, true, "GET DATA" },
    { APPLET_INS_INITIALIZE_UPDATE, false, "INITIALIZE UPDATE" },
    { APPLET_INS_EXTERNAL_AUTHENTICATE, false, "EXTERNAL AUTHENTICATE" },
    { APPLET_INS_GENERATE_KEY_PAIR, false, "GENERATE KEY PAIR" },
    { APPLET_INS_UPDATE_BINARY, false, "UPDATE BINARY" },
    { APPLET_INS_PUT_DATA, false, "PUT DATA" },
    { APPLET_INS_PUT_REFERENCE_DATA, false, "PUT REFERENCE DATA" },
    { APPLET_INS_SET_STATUS, false, "SET STATUS" },
    { APPLET_INS_GET_STATUS, false, "GET STATUS" },
};

static const struct trace_row *trace_find(uint8_t ins)
{
    for (size_t i = 0; i < sizeof trace_rows / sizeof *trace_rows; i++)
        if (trace_rows[i].ins == ins)
            return &trace_rows[i];
    return NULL;
}

static enum rc trace_data(struct bytes data, bool shown, struct buf *out)
{
    if (data.len == 0)
        return RC_OK;
    if (!shown)
        return buf_printf(out, " [%zu]", data.len);
    char hex[2 * SHOWN_MAX + 1];
    bool cut = data.len > SHOWN_MAX;
    hex_encode(bytes_of(data.data, cut ? SHOWN_MAX : data.len), hex);
    return buf_printf(out, " [%zu] %s%s", data.len, hex, cut ? "…" : "");
}

static enum rc trace_command(struct bytes bytes, bool *shown, struct buf *out)
{
    struct apdu_command command;
    *shown = false;
    if (apdu_parse(bytes, &command) != RC_OK) /* a broken VERIFY is still a PIN */
        return buf_printf(out, "not an APDU [%zu]", bytes.len);
    const struct trace_row *row = trace_find(command.ins);
    *shown = row && row->shown && !(command.cla & CLA_SECURED) && !(command.cla & CLA_PROPRIETARY);
    enum rc rc = buf_printf(out, "%02X %02X %02X %02X %s%s", command.cla, command.ins, command.p1, command.p2,
                            command.cla & CLA_SECURED ? "secured " : "", row ? row->name : "?");
    if (rc == RC_OK)
        rc = trace_data(command.data, *shown, out);
    if (rc == RC_OK && command.le)
        rc = buf_printf(out, " Le %u", (unsigned)command.le);
    return rc;
}

enum rc apdu_trace(struct bytes command, struct bytes response, struct buf *out)
{
    size_t start = out->len;
    bool shown;
    enum rc rc = buf_append_text(out, "> ");
    if (rc == RC_OK)
        rc = trace_command(command, &shown, out);
    struct apdu_response answer;
    if (rc == RC_OK && apdu_parse_response(response, &answer) != RC_OK) {
        rc = buf_printf(out, " < not a response [%zu]", response.len);
    } else if (rc == RC_OK) {
        rc = buf_printf(out, " < %04X %s", answer.sw, sw_text(answer.sw));
        if (rc == RC_OK)
            rc = trace_data(answer.data, shown, out);
    }
    if (rc)
        buf_truncate(out, start);
    return rc;
}

/* channel.c — APDUs over a link. Sends what it is given once; follows 61xx and 6Cxx only where the caller says that the
 * command is a read. */
#include "card/channel.h"

#include "base/log.h"
#include "wire/applet.h"
#include "wire/sw.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHANNEL_FOLLOW_MAX 300 /* more GET RESPONSE than the longest answer can need: a card that never ends */
#define CHANNEL_INS_GET_RESPONSE 0xC0

void channel_init(struct channel *channel, struct transport_link *link)
{
    *channel = (struct channel) { .link = link, .trace = -1 };
    buf_init(&channel->command, APDU_COMMAND_MAX);
    buf_init(&channel->response, APDU_RESPONSE_MAX);
    const char *path = secure_getenv("JPKI_TRACE");
    if (!path || !*path)
        return;
    channel->trace = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (channel->trace < 0)
        log_warning("JPKI_TRACE %s: %s", path, strerror(errno));
}

void channel_wipe(struct channel *channel, enum transport_disposition disposition)
{
    transport_disconnect(channel->link, disposition);
    channel->link = NULL;
    buf_wipe(&channel->command);
    buf_wipe(&channel->response);
    if (channel->trace >= 0)
        close(channel->trace);
    channel->trace = -1;
}

/* A trace that fails is a trace lost, never a command lost. */
static void channel_trace(const struct channel *channel, struct bytes command, struct bytes response, enum rc result)
{
    if (channel->trace < 0)
        return;
    struct buf line;
    buf_init(&line, 4 * APDU_RESPONSE_MAX);
    enum rc rc = result == RC_OK ? apdu_trace(command, response, &line)
                                 : buf_printf(&line, "%zu bytes: %s", command.len, rc_name(result));
    if (!rc)
        rc = buf_append_text(&line, "\n");
    if (!rc && write(channel->trace, line.data, line.len) < 0)
        log_debug("trace: %s", strerror(errno));
    buf_wipe(&line);
}

enum rc channel_transmit(struct channel *channel, struct bytes command, struct apdu_response *response, struct err *err)
{
    buf_truncate(&channel->response, 0);
    channel->counts.commands++;
    channel->counts.bytes_sent += command.len;
    enum rc rc = transport_transmit(channel->link, command, &channel->response, err);
    struct bytes answer = buf_bytes(&channel->response);
    channel->counts.bytes_received += answer.len;
    channel_trace(channel, command, answer, rc);
    if (rc)
        return rc;
    rc = apdu_parse_response(answer, response);
    if (rc) /* RC_FORMAT is for what stands in files */
        return err_set(err, RC_IO, "the card's answer has %zu bytes", answer.len);
    unsigned kind = response->sw >> 12; /* ISO 7816-4 §5.6: a status word is 6XXX or 9XXX */
    return kind == 6 || kind == 9 ? RC_OK : err_set(err, RC_IO, "the card's answer ends in %04X, no status word", response->sw);
}

enum rc channel_exchange(struct channel *channel, const struct apdu_command *command, struct apdu_response *response,
                         struct err *err)
{
    buf_truncate(&channel->command, 0);
    enum rc rc = apdu_encode(command, &channel->command);
    return rc ? err_set(err, rc, "a command that cannot be encoded")
              : channel_transmit(channel, buf_bytes(&channel->command), response, err);
}

enum rc channel_exchange_secret(struct channel *channel, const struct apdu_command *header, const struct secret *data,
                                struct apdu_response *response, struct err *err)
{
    if (data->len == 0 || data->len > 255)
        return err_set(err, RC_RANGE, "a secret that does not fit a command");
    struct secret apdu;
    enum rc rc = secret_init(&apdu, 5 + data->len);
    if (rc)
        return rc;
    const uint8_t head[5] = { header->cla, header->ins, header->p1, header->p2, (uint8_t)data->len };
    memcpy(apdu.data, head, sizeof head);
    memcpy(apdu.data + sizeof head, data->data, data->len);
    apdu.len = sizeof head + data->len;
    rc = channel_transmit(channel, secret_bytes(&apdu), response, err);
    secret_wipe(&apdu);
    return rc;
}

enum rc channel_read(struct channel *channel, const struct apdu_command *command, struct buf *out, uint16_t *sw,
                     struct err *err)
{
    struct apdu_command next = *command;
    size_t start = out->len;
    bool told = false; /* 6Cxx is followed once */
    for (int i = 0; i < CHANNEL_FOLLOW_MAX; i++) {
        struct apdu_response response;
        enum rc rc = channel_exchange(channel, &next, &response, err);
        if (!rc && response.data.len)
            rc = buf_append_bytes(out, response.data);
        if (rc) {
            buf_truncate(out, start);
            return rc;
        }
        uint32_t le = (response.sw & 0xFFu) ? (response.sw & 0xFFu) : 256;
        if (response.sw >> 8 == 0x6C && !told) {
            told = true;
            next.le = le;
            next.extended = false;
        } else if (response.sw >> 8 == 0x61) {
            next = (struct apdu_command) { .cla = command->cla, .ins = CHANNEL_INS_GET_RESPONSE, .le = le };
        } else {
            uint8_t sw1 = (uint8_t)(response.sw >> 8);
            if (sw1 != 0x90 && sw1 != 0x62 && sw1 != 0x63)
                buf_truncate(out, start);
            *sw = response.sw;
            return RC_OK;
        }
    }
    buf_truncate(out, start);
    return err_set(err, RC_IO, "the card's answer does not end");
}

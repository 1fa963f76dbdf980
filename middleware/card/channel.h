/* channel.h — APDUs over a link: encode, send once, parse, count, trace. Knows no command's meaning. */
#ifndef JPKI_CARD_CHANNEL_H
#define JPKI_CARD_CHANNEL_H

#include "base/secret.h"
#include "card/transport.h"
#include "wire/apdu.h"

struct channel_counts {
    uint64_t commands;
    uint64_t bytes_sent, bytes_received; /* of APDUs, status words included */
};

/* In the caller's memory. */
struct channel {
    struct transport_link *link; /* taken */
    struct buf command, response; /* of the last exchange */
    struct channel_counts counts;
    int trace; /* the file that JPKI_TRACE names, or -1 */
};

/* Takes the link. When JPKI_TRACE names a file, one line an exchange is appended to it (apdu_trace: no PIN, no file's
 * content); a trace that cannot be opened is a warning in the log. */
void channel_init(struct channel *channel, struct transport_link *link);
void channel_wipe(struct channel *channel, enum transport_disposition disposition); /* disconnects */

/* One command, sent once. The response's data is borrowed until the channel's next exchange. RC_OK with whatever status
 * word the card gave; RC_IO: an answer below two bytes, or one that ends in no status word; else as transport_transmit. */
enum rc channel_exchange(struct channel *channel, const struct apdu_command *command, struct apdu_response *response,
                         struct err *err) MUST_CHECK;

/* A command whose data is a secret (at most 255 bytes, no Le): its bytes exist in a struct secret only. */
enum rc channel_exchange_secret(struct channel *channel, const struct apdu_command *header, const struct secret *data,
                                struct apdu_response *response, struct err *err) MUST_CHECK;

/* A command that changes nothing in the card: 6Cxx is followed by the same with that Le, 61xx by GET RESPONSE until all
 * has come; data is appended to out, *sw is the last status word (out is unchanged unless it is 9000, 62xx or 63xx). */
enum rc channel_read(struct channel *channel, const struct apdu_command *command, struct buf *out, uint16_t *sw,
                     struct err *err) MUST_CHECK;

/* Bytes as they are: for commands already wrapped by a secure channel. */
enum rc channel_transmit(struct channel *channel, struct bytes command, struct apdu_response *response, struct err *err)
    MUST_CHECK;

#endif

/* card.c — a card's connection, its application, and what its status words mean. The commands for files, PINs and
 * signatures are in card_read.c, card_pin.c and card_sign.c. */
#include "card/card_struct.h"

#include "wire/sw.h"

#include <stdlib.h>
#include <string.h>

#define CARD_READERS_MAX 16u

static const struct {
    uint16_t sw;
    enum rc rc;
} card_sw_rows[] = {
    { SW_OK, RC_OK },
    { SW_WARN_CHANGED, RC_PIN_WRONG },
    { SW_COUNTER, RC_PIN_BLOCKED },
    { SW_MEMORY_FAILURE, RC_IO },
    { SW_SM_KEY_REFUSED, RC_DENIED },
    { SW_CHANNEL_UNSUPPORTED, RC_UNSUPPORTED },
    { SW_SM_UNSUPPORTED, RC_UNSUPPORTED },
    { SW_SECURITY_STATUS, RC_PIN_NEEDED },
    { SW_AUTH_BLOCKED, RC_PIN_BLOCKED },
    { SW_REFERENCE_LOCKED, RC_PIN_BLOCKED },
    { SW_CONDITIONS, RC_STATE },
    { SW_NO_CURRENT_EF, RC_STATE },
    { SW_SM_OBJECT_MISSING, RC_BAD_SIGNATURE },
    { SW_SM_OBJECT_WRONG, RC_BAD_SIGNATURE },
    { SW_WRONG_DATA, RC_FORMAT },
    { SW_FILE_NOT_FOUND, RC_NOT_FOUND },
    { SW_RECORD_NOT_FOUND, RC_NOT_FOUND },
    { SW_NO_SPACE, RC_RANGE },
    { SW_WRONG_P1P2, RC_UNSUPPORTED },
    { SW_DATA_NOT_FOUND, RC_NOT_FOUND },
    { SW_OFFSET, RC_RANGE },
    { SW_INS_UNSUPPORTED, RC_UNSUPPORTED },
    { SW_CLA_UNSUPPORTED, RC_UNSUPPORTED },
};

enum rc card_rc_of_sw(uint16_t sw)
{
    for (size_t i = 0; i < sizeof card_sw_rows / sizeof *card_sw_rows; i++)
        if (card_sw_rows[i].sw == sw)
            return card_sw_rows[i].rc;
    return sw_is_counter(sw) ? RC_PIN_WRONG : RC_CARD_REFUSED;
}

enum rc card_judge(struct card *card, uint16_t sw, const char *what, struct err *err)
{
    enum rc rc = card_rc_of_sw(sw);
    return rc ? err_set(err, rc, "%s: %s: %s (%04X)", card->reader, what, sw_text(sw), sw) : RC_OK;
}

bool card_sw_refuses_sfi(uint16_t sw)
{
    return sw == SW_WRONG_P1P2 || sw == SW_FILE_NOT_FOUND || sw == SW_OFFSET || sw == SW_DATA_NOT_FOUND
        || sw == SW_NO_CURRENT_EF;
}

void card_learn_sfi(struct card *card, enum card_way way, enum card_ability ability)
{
    card->sfi[way] = ability;
    for (size_t i = 0; ability == CARD_UNABLE && i < CARD_WAY_COUNT; i++)
        if (card->sfi[i] == CARD_UNTRIED)
            card->sfi[i] = CARD_UNABLE;
}

enum rc card_open(struct transport *transport, const char *reader, struct card **card, struct err *err)
{
    if (strlen(reader) >= TRANSPORT_READER_SIZE)
        return err_set(err, RC_READER_GONE, "reader '%.40s…': no name is that long", reader);
    struct card *made = calloc(1, sizeof *made);
    if (!made)
        return RC_NOMEM;
    struct transport_link *link;
    enum rc rc = transport_connect(transport, reader, &link, err);
    if (rc) {
        free(made);
        return rc;
    }
    channel_init(&made->channel, link);
    strcpy(made->reader, reader);
    *card = made;
    return RC_OK;
}

void card_close(struct card *card, enum transport_disposition disposition)
{
    if (!card)
        return;
    if (card->held)
        card_end(card, TRANSPORT_LEAVE); /* the disposition follows, once */
    channel_wipe(&card->channel, disposition);
    free(card);
}

enum rc card_begin(struct card *card, bool *was_reset, struct err *err)
{
    enum rc rc = transport_begin(card->channel.link, was_reset, err);
    if (!rc)
        card->held = true;
    return rc;
}

void card_end(struct card *card, enum transport_disposition disposition)
{
    transport_end(card->channel.link, disposition);
    card->held = false;
}

bool card_keep(struct card *card, unsigned milliseconds)
{
    bool kept = transport_keep(card->channel.link, milliseconds);
    if (kept)
        card->held = false;
    return kept;
}

bool card_was_kept(const struct card *card)
{
    return transport_found(card->channel.link) == TRANSPORT_KEPT;
}

const char *card_reader(const struct card *card)
{
    return card->reader;
}

struct bytes card_atr(const struct card *card)
{
    return transport_atr(card->channel.link);
}

struct channel_counts card_counts(const struct card *card)
{
    return card->channel.counts;
}

struct channel *card_channel(struct card *card)
{
    return &card->channel;
}

enum rc card_select_jpki(struct card *card, struct err *err)
{
    const struct apdu_command select = { .ins = APPLET_INS_SELECT,
                                         .p1 = 0x04,
                                         .p2 = 0x0C,
                                         .data = bytes_of(APPLET_AID_JPKI, APPLET_AID_JPKI_LEN) };
    struct apdu_response response;
    bool fresh = card->channel.counts.commands == 0;
    enum rc rc = channel_exchange(&card->channel, &select, &response, err);
    if (!rc && response.sw == SW_FAILURE && fresh) /* some cards say so to the first command after power, whatever it is */
        rc = channel_exchange(&card->channel, &select, &response, err);
    if (rc)
        return rc;
    if (response.sw != SW_OK)
        return err_set(err, RC_CARD_FOREIGN, "%s: not a JPKI card: %s (%04X)", card->reader, sw_text(response.sw),
                       response.sw);
    return RC_OK;
}

enum rc card_select_ef(struct card *card, enum applet_ef ef, uint16_t *sw, struct err *err)
{
    const uint8_t id[2] = { (uint8_t)(ef >> 8), (uint8_t)ef };
    const struct apdu_command select = { .ins = APPLET_INS_SELECT, .p1 = 0x02, .p2 = 0x0C, .data = bytes_of(id, sizeof id) };
    struct apdu_response response;
    enum rc rc = channel_exchange(&card->channel, &select, &response, err);
    if (!rc)
        *sw = response.sw;
    return rc;
}

/* Opens, begins and selects in one reader. */
static enum rc card_try(struct transport *transport, const char *reader, struct card **card, struct err *err)
{
    struct card *made = NULL;
    bool was_reset;
    enum rc rc = card_open(transport, reader, &made, err);
    if (!rc)
        rc = card_begin(made, &was_reset, err);
    if (!rc)
        rc = card_select_jpki(made, err);
    if (rc)
        card_close(made, TRANSPORT_LEAVE);
    else
        *card = made;
    return rc;
}

enum rc card_find(struct transport *transport, struct card **card, struct err *err)
{
    struct transport_reader readers[CARD_READERS_MAX];
    size_t count;
    enum rc rc = transport_list(transport, readers, CARD_READERS_MAX, &count, err);
    if (rc)
        return rc;
    struct card *found = NULL;
    struct err first = { 0 }; /* of the first card that could not be used */
    enum rc why = RC_CARD_ABSENT;
    for (size_t i = 0; i < count; i++) {
        struct card *other = NULL;
        if (!readers[i].card_present)
            continue;
        rc = card_try(transport, readers[i].name, &other, &first);
        if (rc) {
            why = first.rc ? first.rc : rc;
            continue;
        }
        if (found) {
            rc = err_set(err, RC_CONFLICT, "a JPKI card in '%s' and in '%s': name one of the readers", found->reader,
                         other->reader);
            card_close(other, TRANSPORT_LEAVE);
            card_close(found, TRANSPORT_LEAVE);
            return rc;
        }
        found = other;
    }
    if (found) {
        *card = found;
        return RC_OK;
    }
    if (why == RC_CARD_ABSENT)
        return err_set(err, why, count ? "no card in any of %zu readers" : "no card reader", count);
    return err_set(err, why, "%s", err_text(&first, why));
}

/* card_pin.c — PINs: their form, their counters, presenting and changing them. A try of the holder's is spent only by a
 * VERIFY that the holder asked for, and each VERIFY is sent once. */
#include "card/card_struct.h"

#include "wire/apdu.h"
#include "wire/sw.h"

#include <string.h>

static const struct card_pin_row {
    const char *name;
    enum applet_ef ef;
    unsigned tries;
} card_pins[] = {
    [CARD_PIN_AUTH] = { "auth", APPLET_EF_AUTH_PIN, APPLET_AUTH_PIN_TRIES },
    [CARD_PIN_SIGN] = { "sign", APPLET_EF_SIGN_PIN, APPLET_SIGN_PIN_TRIES },
};

enum rc card_pin_parse(const char *name, enum card_pin *pin)
{
    for (size_t i = 0; i < sizeof card_pins / sizeof *card_pins; i++)
        if (strcmp(card_pins[i].name, name) == 0) {
            *pin = (enum card_pin)i;
            return RC_OK;
        }
    return RC_NOT_FOUND;
}

const char *card_pin_name(enum card_pin pin)
{
    return card_pins[pin].name;
}

unsigned card_pin_tries_max(enum card_pin pin)
{
    return card_pins[pin].tries;
}

enum applet_ef card_pin_ef(enum card_pin pin)
{
    return card_pins[pin].ef;
}

static bool card_is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool card_is_letter(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

enum rc card_pin_check(enum card_kind kind, enum card_pin pin, const struct secret *value)
{
    const struct card_pin_rule *rule = card_pin_rule(kind, pin);
    if (value->len < rule->least || value->len > rule->most)
        return RC_PIN_FORMAT;
    for (size_t i = 0; i < value->len; i++)
        if (!card_is_digit(value->data[i]) && (rule->digits || !card_is_letter(value->data[i])))
            return RC_PIN_FORMAT;
    return RC_OK;
}

enum rc card_pin_check_new(enum card_kind kind, enum card_pin pin, const struct secret *value)
{
    enum rc rc = card_pin_check(kind, pin, value);
    if (rc || !card_pin_rule(kind, pin)->mixed)
        return rc;
    bool digit = false, letter = false;
    for (size_t i = 0; i < value->len; i++) {
        digit = digit || card_is_digit(value->data[i]);
        letter = letter || card_is_letter(value->data[i]);
    }
    return digit && letter ? RC_OK : RC_PIN_FORMAT;
}

enum rc card_pin_fold(enum card_pin pin, const struct secret *value, struct secret *folded)
{
    enum rc rc = secret_dup(folded, value->data, value->len);
    for (size_t i = 0; !rc && pin == CARD_PIN_SIGN && i < folded->len; i++)
        if (folded->data[i] >= 'a' && folded->data[i] <= 'z')
            folded->data[i] = (uint8_t)(folded->data[i] - 'a' + 'A');
    return rc;
}

static enum rc card_pin_misshapen(const struct card *card, enum card_pin pin, const char *which, struct err *err)
{
    const struct card_pin_rule *rule = card_pin_rule(card->kind, pin);
    if (rule->digits)
        return err_set(err, RC_PIN_FORMAT, "%s: the %s %s PIN is not %u digits; nothing was sent to the card",
                       card->reader, which, card_pins[pin].name, rule->least);
    return err_set(err, RC_PIN_FORMAT,
                   "%s: the %s %s PIN is not %u to %u letters and digits; nothing was sent to the card", card->reader,
                   which, card_pins[pin].name, rule->least, rule->most);
}

/* The empty VERIFY: four bytes, for a fifth makes real cards answer 6700. */
static enum rc card_query(struct card *card, uint8_t p2, uint16_t *sw, struct err *err)
{
    const struct apdu_command verify = { .ins = APPLET_INS_VERIFY, .p2 = p2 };
    struct apdu_response response;
    enum rc rc = channel_exchange(&card->channel, &verify, &response, err);
    if (!rc)
        *sw = response.sw;
    return rc;
}

static bool card_tells_tries(uint16_t sw, enum card_pin pin, unsigned *tries)
{
    if (sw_is_counter(sw))
        *tries = sw & 0xFu;
    else if (sw == SW_AUTH_BLOCKED || sw == SW_REFERENCE_LOCKED)
        *tries = 0;
    else if (sw == SW_OK)
        *tries = card_pins[pin].tries; /* presented already: the counter is full then */
    else
        return false;
    return true;
}

/* Reads the counter and finds out how this card wants the PIN named: *p2 is what a VERIFY right behind may use. */
static enum rc card_count(struct card *card, enum card_pin pin, uint8_t *p2, unsigned *tries, struct err *err)
{
    enum applet_ef ef = card_pins[pin].ef;
    uint16_t sw = SW_WRONG_P1P2;
    enum rc rc = RC_OK;
    if (card->sfi[CARD_WAY_PIN] != CARD_UNABLE) {
        *p2 = APPLET_P_SFI(ef);
        rc = card_query(card, *p2, &sw, err);
        if (rc)
            return rc;
        if (card_tells_tries(sw, pin, tries)) {
            card_learn_sfi(card, CARD_WAY_PIN, CARD_ABLE);
            return RC_OK;
        }
    }
    if (card->sfi[CARD_WAY_PIN] != CARD_ABLE && card_sw_refuses_sfi(sw)) {
        *p2 = APPLET_P_CURRENT;
        rc = card_select_ef(card, ef, &sw, err);
        if (!rc && sw == SW_OK)
            rc = card_query(card, *p2, &sw, err);
        if (rc)
            return rc;
        if (card_tells_tries(sw, pin, tries)) {
            card_learn_sfi(card, CARD_WAY_PIN, CARD_UNABLE);
            return RC_OK;
        }
    }
    rc = card_judge(card, sw, "asking how many tries are left", err);
    return rc ? rc : err_set(err, RC_CARD_REFUSED, "%s: the tries left are not told (%04X)", card->reader, sw);
}

enum rc card_pin_tries(struct card *card, enum card_pin pin, unsigned *tries, struct err *err)
{
    uint8_t p2;
    return card_count(card, pin, &p2, tries, err);
}

static enum rc card_blocked(const struct card *card, enum card_pin pin, unsigned *tries_left, struct err *err)
{
    if (tries_left)
        *tries_left = 0;
    return err_set(err, RC_PIN_BLOCKED, "%s: the %s PIN is blocked", card->reader, card_pins[pin].name);
}

/* How the PIN is named to a card that was asked for its counter before. */
static enum rc card_name_pin(struct card *card, enum card_pin pin, uint8_t *p2, unsigned *tries, struct err *err)
{
    uint16_t sw;
    switch (card->sfi[CARD_WAY_PIN]) {
    case CARD_UNTRIED:
        return card_count(card, pin, p2, tries, err);
    case CARD_ABLE:
        *p2 = APPLET_P_SFI(card_pins[pin].ef);
        return RC_OK;
    case CARD_UNABLE:
        break;
    }
    *p2 = APPLET_P_CURRENT;
    enum rc rc = card_select_ef(card, card_pins[pin].ef, &sw, err);
    return rc ? rc : card_judge(card, sw, "naming a PIN", err);
}

/* What the card's answer to a PIN means. */
static enum rc card_answered(struct card *card, enum card_pin pin, uint16_t sw, uint8_t *p2, unsigned *tries_left,
                             struct err *err)
{
    unsigned tries = sw & 0xFu;
    enum rc said = card_rc_of_sw(sw);
    if (said == RC_PIN_BLOCKED)
        return card_blocked(card, pin, tries_left, err);
    if (said != RC_PIN_WRONG)
        return card_judge(card, sw, "presenting a PIN", err);
    if (!sw_is_counter(sw)) { /* 6300 tells no counter: it is asked, and may be gone */
        enum rc rc = card_count(card, pin, p2, &tries, err);
        if (rc)
            return rc;
        if (tries == 0)
            return card_blocked(card, pin, tries_left, err);
    }
    if (tries_left)
        *tries_left = tries;
    return err_set(err, RC_PIN_WRONG, "%s: the %s PIN is wrong: %u %s left", card->reader, card_pins[pin].name, tries,
                   tries == 1 ? "try" : "tries");
}

/* The one VERIFY with a PIN in it. *p2 names the PIN for a command right behind. */
static enum rc card_present(struct card *card, enum card_pin pin, const struct secret *value, bool counted, uint8_t *p2,
                            unsigned *tries_left, struct err *err)
{
    struct secret folded = { 0 };
    struct apdu_response response;
    unsigned tries = card_pins[pin].tries;
    if (card_pin_check(card->kind, pin, value))
        return card_pin_misshapen(card, pin, "given", err);
    enum rc rc = counted ? card_name_pin(card, pin, p2, &tries, err) : card_count(card, pin, p2, &tries, err);
    if (rc)
        return rc;
    if (tries == 0)
        return card_blocked(card, pin, tries_left, err);
    rc = card_pin_fold(pin, value, &folded);
    if (rc)
        return rc;
    const struct apdu_command verify = { .ins = APPLET_INS_VERIFY, .p2 = *p2 };
    rc = channel_exchange_secret(&card->channel, &verify, &folded, &response, err);
    secret_wipe(&folded);
    if (rc)
        return rc;
    return card_answered(card, pin, response.sw, p2, tries_left, err);
}

enum rc card_verify_pin(struct card *card, enum card_pin pin, const struct secret *value, unsigned *tries_left,
                        struct err *err)
{
    uint8_t p2;
    return card_present(card, pin, value, false, &p2, tries_left, err);
}

enum rc card_verify_pin_counted(struct card *card, enum card_pin pin, const struct secret *value, unsigned *tries_left,
                                struct err *err)
{
    uint8_t p2;
    return card_present(card, pin, value, true, &p2, tries_left, err);
}

enum rc card_change_pin(struct card *card, enum card_pin pin, const struct secret *old, const struct secret *fresh,
                        unsigned *tries_left, struct err *err)
{
    uint8_t p2;
    struct secret folded = { 0 };
    struct apdu_response response;
    if (card_pin_check_new(card->kind, pin, fresh))
        return card_pin_misshapen(card, pin, "new", err);
    enum rc rc = card_present(card, pin, old, false, &p2, tries_left, err);
    if (rc)
        return rc;
    rc = card_pin_fold(pin, fresh, &folded);
    if (rc)
        return rc;
    const struct apdu_command change = { .ins = APPLET_INS_CHANGE_REFERENCE_DATA, .p1 = 0x01, .p2 = p2 };
    rc = channel_exchange_secret(&card->channel, &change, &folded, &response, err);
    secret_wipe(&folded);
    return rc ? rc : card_judge(card, response.sw, "changing a PIN", err);
}

/* --- typed on the reader ------------------------------------------------------------------------------------------------- */

unsigned card_pads(struct card *card)
{
    return transport_pads(card->channel.link);
}

bool card_has_pad(struct card *card, enum card_pin pin)
{
    return pin == CARD_PIN_AUTH && (card_pads(card) & TRANSPORT_PAD_VERIFY);
}

/* One command whose PIN the reader adds. */
static enum rc card_type(struct card *card, enum card_pin pin, bool change, uint8_t p2, bool japanese, uint16_t *sw,
                         struct err *err)
{
    const struct card_pin_rule *rule = card_pin_rule(card->kind, pin);
    struct buf answer = { 0 };
    struct apdu_response response;
    const struct transport_pad pad = { .change = change,
                                       .header = { 0x00, change ? APPLET_INS_CHANGE_REFERENCE_DATA : APPLET_INS_VERIFY,
                                                   change ? 0x01 : 0x00, p2 },
                                       .least = rule->least,
                                       .most = rule->most,
                                       .seconds = CARD_PAD_SECONDS,
                                       .japanese = japanese };
    enum rc rc = transport_pad(card->channel.link, &pad, &answer, err);
    if (rc == RC_OK && apdu_parse_response(buf_bytes(&answer), &response) != RC_OK)
        rc = err_set(err, RC_IO, "%s: the pin-pad gave an answer without a status word", card->reader);
    if (!rc)
        *sw = response.sw;
    buf_wipe(&answer);
    return rc;
}

static enum rc card_present_on_pad(struct card *card, enum card_pin pin, bool counted, bool japanese, uint8_t *p2,
                                   unsigned *tries_left, struct err *err)
{
    unsigned tries = card_pins[pin].tries;
    uint16_t sw;
    enum rc rc = counted ? card_name_pin(card, pin, p2, &tries, err) : card_count(card, pin, p2, &tries, err);
    if (rc)
        return rc;
    if (tries == 0)
        return card_blocked(card, pin, tries_left, err);
    rc = card_type(card, pin, false, *p2, japanese, &sw, err);
    return rc ? rc : card_answered(card, pin, sw, p2, tries_left, err);
}

enum rc card_verify_pin_on_pad(struct card *card, enum card_pin pin, bool japanese, unsigned *tries_left, struct err *err)
{
    uint8_t p2;
    return card_present_on_pad(card, pin, false, japanese, &p2, tries_left, err);
}

enum rc card_verify_pin_on_pad_counted(struct card *card, enum card_pin pin, bool japanese, unsigned *tries_left,
                                       struct err *err)
{
    uint8_t p2;
    return card_present_on_pad(card, pin, true, japanese, &p2, tries_left, err);
}

enum rc card_change_pin_on_pad(struct card *card, enum card_pin pin, bool japanese, bool *presented, unsigned *tries_left,
                               struct err *err)
{
    uint8_t p2;
    uint16_t sw;
    *presented = false;
    enum rc rc = card_present_on_pad(card, pin, true, japanese, &p2, tries_left, err);
    if (rc)
        return rc;
    *presented = true;
    rc = card_type(card, pin, true, p2, japanese, &sw, err);
    return rc ? rc : card_judge(card, sw, "changing a PIN", err);
}

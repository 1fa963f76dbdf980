/* card_kind.c — what is known of the kinds of card before one is asked: a row each. How sure each fact is:
 * docs/APPLET.md. */
#include "card/card.h"

#include <string.h>

#define ATR_MAX 20u

static const struct card_pin_rule digits = { APPLET_AUTH_PIN_LEN, APPLET_AUTH_PIN_LEN, true, false };
static const struct card_pin_rule password = { APPLET_SIGN_PIN_MIN, APPLET_SIGN_PIN_MAX, false, true };
static const struct card_pin_rule juki_password = { APPLET_JUKI_PIN_MIN, APPLET_SIGN_PIN_MAX, false, false };

static const struct card_kind_row {
    const char *label, *name;
    const struct card_pin_rule *sign_pin;
    bool has_auth;
    unsigned rsa_bits;
} card_kinds[] = {
    [CARD_KIND_UNKNOWN] = { "", "unknown kind", &password, true, 2048 },
    [CARD_KIND_MYNUMBER] = { APPLET_TOKEN_LABEL_MYNUMBER, "My Number card", &password, true, 2048 },
    [CARD_KIND_JUKI] = { APPLET_TOKEN_LABEL_JUKI, "Juki card", &juki_password, false, 1024 },
    [CARD_KIND_ANDROID] = { "JPKIAPGPSETOKEN", "Android telephone", &password, true, 2048 },
    [CARD_KIND_IOS] = { "JPKIAPIOSTOKEN", "iPhone", &password, true, 2048 },
};

#define KINDS (sizeof card_kinds / sizeof *card_kinds)

/* The answers to reset under which Juki cards were seen; bytes whose mask is 00 a reader may put a random number into.
 * A My Number card may have the first one too: it is a reason to ask, and no answer. */
static const struct {
    size_t len;
    uint8_t atr[ATR_MAX], mask[ATR_MAX];
} juki_atrs[] = {
    { 9, { 0x3B, 0xE0, 0x00, 0xFF, 0x81, 0x31, 0xFE, 0x45, 0x14 }, { 255, 255, 255, 255, 255, 255, 255, 255, 255 } },
    { 13,
      { 0x3B, 0x88, 0x80, 0x01, 0x00, 0x00, 0x00, 0x00, 0xB3, 0x81, 0x91, 0x00, 0x00 },
      { 255, 255, 255, 255, 0, 0, 0, 0, 255, 255, 255, 255, 0 } },
};

const char *card_kind_name(enum card_kind kind)
{
    return card_kinds[kind].name;
}

enum card_kind card_kind_of_label(const char *label)
{
    for (size_t i = 1; i < KINDS; i++)
        if (strcmp(label, card_kinds[i].label) == 0)
            return (enum card_kind)i;
    return CARD_KIND_UNKNOWN;
}

bool card_kind_may_be_juki(struct bytes atr)
{
    for (size_t i = 0; i < sizeof juki_atrs / sizeof *juki_atrs; i++) {
        bool same = atr.len == juki_atrs[i].len;
        for (size_t at = 0; same && at < atr.len; at++)
            same = (atr.data[at] & juki_atrs[i].mask[at]) == juki_atrs[i].atr[at];
        if (same)
            return true;
    }
    return false;
}

bool card_kind_has(enum card_kind kind, enum card_key key)
{
    return key == CARD_KEY_SIGN || card_kinds[kind].has_auth;
}

unsigned card_kind_rsa_bits(enum card_kind kind)
{
    return card_kinds[kind].rsa_bits;
}

const struct card_pin_rule *card_pin_rule(enum card_kind kind, enum card_pin pin)
{
    return pin == CARD_PIN_AUTH ? &digits : card_kinds[kind].sign_pin;
}

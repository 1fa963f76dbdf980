/* card_sign.c — signatures by the card's keys. The input is made elsewhere; here it only has to fit its scheme. */
#include "card/card_struct.h"

#include "wire/sw.h"

#define SIGN_CLA 0x80
#define SIGN_MESSAGE_MAX 255u
#define SIGN_HASH_LEN 32u

enum applet_ef card_key_ef(enum card_key key)
{
    return key == CARD_KEY_AUTH ? APPLET_EF_AUTH_KEY : APPLET_EF_SIGN_KEY;
}

enum card_pin card_key_pin(enum card_key key)
{
    return key == CARD_KEY_AUTH ? CARD_PIN_AUTH : CARD_PIN_SIGN;
}

enum rc card_sign_check(enum applet_scheme scheme, struct bytes input, struct err *err)
{
    size_t least = 1, most = SIGN_MESSAGE_MAX;
    switch (scheme) {
    case APPLET_SCHEME_RAW:
        most = APPLET_RAW_MAX;
        break;
    case APPLET_SCHEME_HASH:
    case APPLET_SCHEME_PSS_HASH:
        least = most = SIGN_HASH_LEN;
        break;
    case APPLET_SCHEME_MESSAGE_BARE:
    case APPLET_SCHEME_MESSAGE:
    case APPLET_SCHEME_PSS_MESSAGE:
        break;
    default:
        return err_set(err, RC_UNSUPPORTED, "signature scheme %d", (int)scheme);
    }
    if (input.len < least || input.len > most)
        return err_set(err, RC_RANGE, "signature scheme %d takes %zu to %zu bytes, not %zu", (int)scheme, least, most,
                       input.len);
    return RC_OK;
}

static enum rc card_compute(struct card *card, enum applet_scheme scheme, uint8_t p2, struct bytes input,
                            struct apdu_response *response, struct err *err)
{
    const struct apdu_command compute = {
        .cla = SIGN_CLA, .ins = APPLET_INS_COMPUTE_SIGNATURE, .p1 = (uint8_t)scheme, .p2 = p2, .data = input, .le = 256
    };
    return channel_exchange(&card->channel, &compute, response, err);
}

enum rc card_sign(struct card *card, enum card_key key, enum applet_scheme scheme, struct bytes input,
                  struct buf *signature, struct err *err)
{
    enum applet_ef ef = card_key_ef(key);
    struct apdu_response response = { .sw = SW_WRONG_P1P2 };
    enum rc rc = card_sign_check(scheme, input, err);
    if (!rc && card->sfi[CARD_WAY_SIGN] != CARD_UNABLE)
        rc = card_compute(card, scheme, APPLET_P_SFI(ef), input, &response, err);
    if (rc)
        return rc;
    if (response.sw == SW_OK && card->sfi[CARD_WAY_SIGN] == CARD_UNTRIED)
        card_learn_sfi(card, CARD_WAY_SIGN, CARD_ABLE);
    /* A refusal signed nothing, so that the other way to name the key is a command of its own. */
    if (response.sw != SW_OK && card->sfi[CARD_WAY_SIGN] != CARD_ABLE && card_sw_refuses_sfi(response.sw)) {
        rc = card_select_ef(card, ef, &response.sw, err);
        if (!rc && response.sw == SW_OK)
            rc = card_compute(card, scheme, APPLET_P_CURRENT, input, &response, err);
        if (rc)
            return rc;
        if (response.sw == SW_OK)
            card_learn_sfi(card, CARD_WAY_SIGN, CARD_UNABLE);
    }
    rc = card_judge(card, response.sw, "signing", err);
    if (!rc && response.data.len == 0)
        rc = err_set(err, RC_FORMAT, "%s: a signature without bytes", card->reader);
    return rc ? rc : buf_append_bytes(signature, response.data);
}

enum rc card_probe_scheme(struct card *card, enum card_key key, enum applet_scheme scheme, struct err *err)
{
    static const uint8_t hash[SIGN_HASH_LEN]; /* never signed */
    struct apdu_response response = { .sw = SW_WRONG_P1P2 };
    uint16_t sw = SW_OK;
    uint8_t p2 = APPLET_P_SFI(card_key_ef(key));
    enum rc rc = RC_OK;
    if (card->sfi[CARD_WAY_SIGN] == CARD_UNABLE || card->sfi[CARD_WAY_READ] == CARD_UNABLE) {
        p2 = APPLET_P_CURRENT;
        rc = card_select_ef(card, card_key_ef(key), &sw, err);
    }
    if (!rc && sw == SW_OK)
        rc = card_compute(card, scheme, p2, bytes_of(hash, sizeof hash), &response, err);
    if (rc)
        return rc;
    if (sw == SW_OK && response.sw == SW_SECURITY_STATUS)
        return RC_OK;
    if (sw == SW_OK && response.sw == SW_WRONG_P1P2)
        return err_set(err, RC_UNSUPPORTED, "%s: the card does not have signature scheme %d", card->reader, (int)scheme);
    return err_set(err, RC_STATE, "%s: whether the card has signature scheme %d is not told (%04X)", card->reader, (int)scheme,
                   response.sw);
}

/* issuer.c — the issuer's session with a card: SCP03 opened, commands wrapped, answers checked. What is written to a card is
 * made elsewhere; this file only brings it there. */
#include "card/issuer.h"

#include "base/random.h"
#include "card/card_struct.h"
#include "pki/scp03.h"
#include "wire/sw.h"
#include "wire/tlv.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/param_build.h>
#include <stdlib.h>
#include <string.h>

#define ISSUER_CLA 0x80
#define ISSUER_SECURITY_LEVEL 0x33 /* C-MAC, C-ENC, R-MAC, R-ENC */
#define ISSUER_INIT_ANSWER_LEN 32u
#define ISSUER_KEY_VERSION 0xFF /* key information: FF 03 70, the set of keys derived from the master key, SCP03 */
#define ISSUER_GENERATE 0x80
#define ISSUER_READ 0x81
#define ISSUER_LE_ANY 65536u
#define ISSUER_SHORT_DATA 223u /* more would not fit a short command once padded and with its MAC */
#define ISSUER_RSA_BITS 2048
#define ISSUER_POINT_LEN 97u /* of P-384, uncompressed */

struct issuer {
    struct card *card;
    struct scp03_session session;
    struct buf plain, wrapped, answer; /* of the last command; wiped after each */
    uint8_t diversification[APPLET_DIVERSIFICATION_LEN];
    bool dead; /* the two ends no longer agree on the channel's counters */
};

void issuer_close(struct issuer *issuer)
{
    if (!issuer)
        return;
    scp03_wipe(&issuer->session);
    buf_wipe(&issuer->plain);
    buf_wipe(&issuer->wrapped);
    buf_wipe(&issuer->answer);
    free(issuer);
}

struct bytes issuer_diversification(const struct issuer *issuer)
{
    return bytes_of(issuer->diversification, sizeof issuer->diversification);
}

/* INITIALIZE UPDATE; the answer is copied. */
static enum rc issuer_initialize(struct issuer *issuer, struct bytes host_challenge, uint8_t *answer, struct err *err)
{
    const struct apdu_command initialize = {
        .cla = ISSUER_CLA, .ins = APPLET_INS_INITIALIZE_UPDATE, .data = host_challenge, .le = 256
    };
    struct apdu_response response;
    enum rc rc = channel_exchange(card_channel(issuer->card), &initialize, &response, err);
    if (!rc)
        rc = card_judge(issuer->card, response.sw, "opening the issuer's channel", err);
    if (rc)
        return rc;
    if (response.data.len != ISSUER_INIT_ANSWER_LEN || response.data.data[10] != ISSUER_KEY_VERSION
        || response.data.data[11] != 0x03 || response.data.data[12] != 0x70)
        return err_set(err, RC_UNSUPPORTED, "%s: the card's issuer channel is of another kind", card_reader(issuer->card));
    memcpy(answer, response.data.data, ISSUER_INIT_ANSWER_LEN);
    return RC_OK;
}

/* The session's keys; the card's cryptogram shows that it has the same ones, before ours is sent. */
static enum rc issuer_agree(struct issuer *issuer, const struct secret *master, struct bytes host_challenge,
                            const uint8_t *answer, struct err *err)
{
    struct scp03_keys keys = { 0 };
    struct bytes card_challenge = bytes_of(answer + 13, SCP03_CHALLENGE_LEN);
    enum rc rc = scp03_diversify(master, bytes_of(answer, APPLET_DIVERSIFICATION_LEN), &keys);
    if (!rc)
        rc = scp03_open(&keys, host_challenge, card_challenge, &issuer->session);
    scp03_keys_wipe(&keys);
    if (rc)
        return err_set(err, rc, "%s: the issuer channel's keys", card_reader(issuer->card));
    if (CRYPTO_memcmp(answer + 21, issuer->session.card_cryptogram, SCP03_CRYPTOGRAM_LEN) != 0)
        return err_set(err, RC_BAD_SIGNATURE, "%s: the card does not know this issuer's key", card_reader(issuer->card));
    memcpy(issuer->diversification, answer, APPLET_DIVERSIFICATION_LEN);
    return RC_OK;
}

static enum rc issuer_authenticate(struct issuer *issuer, struct err *err)
{
    const struct apdu_command authenticate = { .cla = ISSUER_CLA,
                                               .ins = APPLET_INS_EXTERNAL_AUTHENTICATE,
                                               .p1 = ISSUER_SECURITY_LEVEL,
                                               .data = bytes_of(issuer->session.host_cryptogram, SCP03_CRYPTOGRAM_LEN) };
    struct apdu_response response;
    buf_truncate(&issuer->plain, 0);
    buf_truncate(&issuer->wrapped, 0);
    enum rc rc = apdu_encode(&authenticate, &issuer->plain);
    if (!rc)
        rc = scp03_wrap(&issuer->session, false, buf_bytes(&issuer->plain), &issuer->wrapped);
    if (!rc)
        rc = channel_transmit(card_channel(issuer->card), buf_bytes(&issuer->wrapped), &response, err);
    if (rc)
        return rc;
    if (response.sw != SW_OK)
        return err_set(err, RC_BAD_SIGNATURE, "%s: the card does not accept this issuer: %s (%04X)",
                       card_reader(issuer->card), sw_text(response.sw), response.sw);
    return RC_OK;
}

enum rc issuer_open(struct card *card, const struct secret *master, struct issuer **issuer, struct err *err)
{
    uint8_t challenge[SCP03_CHALLENGE_LEN], answer[ISSUER_INIT_ANSWER_LEN];
    if (master->len != APPLET_ISSUER_KEY_LEN)
        return err_set(err, RC_RANGE, "the issuer's master key has %zu bytes, not %u", master->len, APPLET_ISSUER_KEY_LEN);
    struct issuer *made = calloc(1, sizeof *made);
    if (!made)
        return RC_NOMEM;
    made->card = card;
    buf_init(&made->plain, APDU_COMMAND_MAX);
    buf_init(&made->wrapped, APDU_COMMAND_MAX);
    buf_init(&made->answer, APDU_RESPONSE_MAX);
    struct bytes host_challenge = bytes_of(challenge, sizeof challenge);
    enum rc rc = random_bytes(challenge, sizeof challenge);
    if (!rc)
        rc = issuer_initialize(made, host_challenge, answer, err);
    if (!rc)
        rc = issuer_agree(made, master, host_challenge, answer, err);
    if (!rc)
        rc = issuer_authenticate(made, err);
    if (rc)
        issuer_close(made);
    else
        *issuer = made;
    return rc;
}

/* The plain command, whole, goes through the channel; the plain answer is left in issuer->answer and borrowed from there
 * until the next command. */
static enum rc issuer_send(struct issuer *issuer, struct bytes plain, const char *what, struct apdu_response *response,
                           struct err *err)
{
    struct apdu_response raw;
    if (issuer->dead)
        return err_set(err, RC_DENIED, "%s: the issuer's channel is lost", card_reader(issuer->card));
    buf_truncate(&issuer->wrapped, 0);
    buf_truncate(&issuer->answer, 0);
    issuer->dead = true; /* until the answer is here and right */
    enum rc rc = scp03_wrap(&issuer->session, true, plain, &issuer->wrapped);
    if (!rc)
        rc = channel_transmit(card_channel(issuer->card), buf_bytes(&issuer->wrapped), &raw, err);
    if (rc)
        return err_set(err, rc, "%s: %s: %s", card_reader(issuer->card), what, rc_text(rc));
    rc = scp03_unwrap_response(&issuer->session, buf_bytes(&card_channel(issuer->card)->response), &issuer->answer);
    if (!rc)
        rc = apdu_parse_response(buf_bytes(&issuer->answer), response);
    if (rc)
        return err_set(err, rc, "%s: %s: the answer is not from this channel", card_reader(issuer->card), what);
    if (response->sw == SW_SECURITY_STATUS)
        return err_set(err, RC_DENIED, "%s: %s: the card has left the issuer's channel", card_reader(issuer->card), what);
    rc = card_judge(issuer->card, response->sw, what, err);
    issuer->dead = rc == RC_BAD_SIGNATURE;
    return rc;
}

static enum rc issuer_command(struct issuer *issuer, const struct apdu_command *command, const char *what,
                              struct apdu_response *response, struct err *err)
{
    buf_truncate(&issuer->plain, 0);
    enum rc rc = apdu_encode(command, &issuer->plain);
    if (!rc)
        rc = issuer_send(issuer, buf_bytes(&issuer->plain), what, response, err);
    buf_truncate(&issuer->plain, 0);
    return rc;
}

enum rc issuer_get_status(struct issuer *issuer, struct issuer_status *status, struct err *err)
{
    const struct apdu_command get = { .cla = ISSUER_CLA, .ins = APPLET_INS_GET_STATUS, .le = 256 };
    struct apdu_response response;
    enum rc rc = issuer_command(issuer, &get, "reading the card's status", &response, err);
    if (rc)
        return rc;
    const uint8_t *at = response.data.data;
    if (response.data.len != 7)
        return err_set(err, RC_FORMAT, "%s: a status of %zu bytes", card_reader(issuer->card), response.data.len);
    *status = (struct issuer_status) {
        .life = (enum applet_life)at[0], .sign_key = at[1] == 1, .auth_key = at[2] == 1,  .sign_cert = at[3] == 1,
        .auth_cert = at[4] == 1,         .sign_pin = at[5] == 1, .auth_pin = at[6] == 1,
    };
    return RC_OK;
}

static enum rc issuer_make_public_key(struct bytes modulus, struct bytes exponent, EVP_PKEY **key)
{
    EVP_PKEY *made = NULL;
    OSSL_PARAM *params = NULL;
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    BIGNUM *n = BN_bin2bn(modulus.data, (int)modulus.len, NULL);
    BIGNUM *e = BN_bin2bn(exponent.data, (int)exponent.len, NULL);
    enum rc rc = RC_CRYPTO;
    if (builder && context && n && e && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n)
        && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) && (params = OSSL_PARAM_BLD_to_param(builder))
        && EVP_PKEY_fromdata_init(context) == 1 && EVP_PKEY_fromdata(context, &made, EVP_PKEY_PUBLIC_KEY, params) == 1) {
        *key = made;
        rc = RC_OK;
    }
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(builder);
    EVP_PKEY_CTX_free(context);
    BN_free(n);
    BN_free(e);
    return rc;
}

/* An uncompressed point that lies on the curve, which OpenSSL sees to. */
static enum rc issuer_make_point(struct bytes point, EVP_PKEY **key)
{
    EVP_PKEY *made = NULL;
    char curve[] = "P-384";
    OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, curve, 0),
                            OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)(uintptr_t)point.data, point.len),
                            OSSL_PARAM_construct_end() };
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    bool sound = context && EVP_PKEY_fromdata_init(context) == 1 &&
                 EVP_PKEY_fromdata(context, &made, EVP_PKEY_PUBLIC_KEY, params) == 1;
    EVP_PKEY_CTX_free(context);
    if (!sound)
        return RC_FORMAT;
    *key = made;
    return RC_OK;
}

/* 7F49 { 81 modulus, 82 public exponent }, or { 86 point } of the next card (ISO/IEC 7816-8 §5.1). */
static enum rc issuer_parse_public_key(struct issuer *issuer, struct bytes answer, EVP_PKEY **key, struct err *err)
{
    struct tlv template, modulus, exponent, point;
    enum rc rc = tlv_find(answer, 0x7F49, &template);
    if (!rc && tlv_find(template.value, 0x86, &point) == RC_OK) {
        rc = point.value.len == ISSUER_POINT_LEN && point.value.data[0] == 4 ? issuer_make_point(point.value, key) : RC_FORMAT;
        return rc ? err_set(err, rc, "%s: no point of P-384 in the card's answer", card_reader(issuer->card)) : RC_OK;
    }
    if (!rc)
        rc = tlv_find(template.value, 0x81, &modulus);
    if (!rc)
        rc = tlv_find(template.value, 0x82, &exponent);
    if (rc || modulus.value.len != ISSUER_RSA_BITS / 8 || !(modulus.value.data[0] & 0x80)
        || !(modulus.value.data[modulus.value.len - 1] & 1) || exponent.value.len == 0 || exponent.value.len > 8
        || !(exponent.value.data[exponent.value.len - 1] & 1))
        return err_set(err, RC_FORMAT, "%s: no RSA-%d public key in the card's answer", card_reader(issuer->card),
                       ISSUER_RSA_BITS);
    rc = issuer_make_public_key(modulus.value, exponent.value, key);
    return rc ? err_set(err, rc, "%s: the card's public key", card_reader(issuer->card)) : RC_OK;
}

static enum rc issuer_key(struct issuer *issuer, uint8_t p1, enum card_key key, const char *what, EVP_PKEY **public_key,
                          struct err *err)
{
    const struct apdu_command command = { .cla = ISSUER_CLA,
                                          .ins = APPLET_INS_GENERATE_KEY_PAIR,
                                          .p1 = p1,
                                          .p2 = APPLET_SFI(card_key_ef(key)),
                                          .le = ISSUER_LE_ANY,
                                          .extended = true };
    struct apdu_response response;
    enum rc rc = issuer_command(issuer, &command, what, &response, err);
    return rc ? rc : issuer_parse_public_key(issuer, response.data, public_key, err);
}

enum rc issuer_generate_key(struct issuer *issuer, enum card_key key, EVP_PKEY **public_key, struct err *err)
{
    return issuer_key(issuer, ISSUER_GENERATE, key, "making a key pair", public_key, err);
}

enum rc issuer_read_public_key(struct issuer *issuer, enum card_key key, EVP_PKEY **public_key, struct err *err)
{
    return issuer_key(issuer, ISSUER_READ, key, "reading a public key", public_key, err);
}

enum rc issuer_put_file(struct issuer *issuer, enum applet_ef ef, struct bytes content, struct err *err)
{
    const struct apdu_command update = { .cla = ISSUER_CLA,
                                         .ins = APPLET_INS_UPDATE_BINARY,
                                         .p1 = APPLET_P_SFI(ef),
                                         .data = content,
                                         .extended = content.len > ISSUER_SHORT_DATA };
    struct apdu_response response;
    return issuer_command(issuer, &update, "writing a file", &response, err);
}

enum rc issuer_put_cert(struct issuer *issuer, enum card_cert cert, struct bytes der, struct err *err)
{
    return issuer_put_file(issuer, card_cert_ef(cert), der, err);
}

enum rc issuer_put_pin(struct issuer *issuer, enum card_pin pin, const struct secret *value, struct err *err)
{
    struct secret folded = { 0 }, plain = { 0 };
    struct apdu_response response;
    enum rc rc = card_pin_check_new(CARD_KIND_MYNUMBER, pin, value);
    if (rc)
        return err_set(err, rc, "the %s PIN is not of its form; nothing was sent to the card", card_pin_name(pin));
    rc = card_pin_fold(pin, value, &folded);
    if (!rc)
        rc = secret_init(&plain, 5 + folded.len);
    if (rc)
        goto out;
    const uint8_t head[5] = { ISSUER_CLA, APPLET_INS_PUT_REFERENCE_DATA, 0, APPLET_P_SFI(card_pin_ef(pin)),
                              (uint8_t)folded.len };
    memcpy(plain.data, head, sizeof head);
    memcpy(plain.data + sizeof head, folded.data, folded.len);
    plain.len = sizeof head + folded.len;
    rc = issuer_send(issuer, secret_bytes(&plain), "putting a PIN", &response, err);
out:
    secret_wipe(&folded);
    secret_wipe(&plain);
    return rc;
}

enum rc issuer_sign(struct issuer *issuer, enum card_key key, enum applet_scheme scheme, struct bytes input,
                    struct buf *signature, struct err *err)
{
    const struct apdu_command compute = { .cla = ISSUER_CLA,
                                          .ins = APPLET_INS_COMPUTE_SIGNATURE,
                                          .p1 = (uint8_t)scheme,
                                          .p2 = APPLET_P_SFI(card_key_ef(key)),
                                          .data = input,
                                          .le = ISSUER_LE_ANY,
                                          .extended = true };
    struct apdu_response response;
    enum rc rc = card_sign_check(scheme, input, err);
    if (!rc)
        rc = issuer_command(issuer, &compute, "proving possession", &response, err);
    if (!rc && response.data.len == 0)
        rc = err_set(err, RC_FORMAT, "%s: a signature without bytes", card_reader(issuer->card));
    return rc ? rc : buf_append_bytes(signature, response.data);
}

enum rc issuer_set_life(struct issuer *issuer, enum applet_life life, struct err *err)
{
    const struct apdu_command set = { .cla = ISSUER_CLA, .ins = APPLET_INS_SET_STATUS, .p1 = (uint8_t)life };
    struct apdu_response response;
    return issuer_command(issuer, &set, "setting the card's life", &response, err);
}

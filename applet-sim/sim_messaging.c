/* sim_messaging.c — the text application's secure messaging: a session key enciphered to the card (RSA-OAEP, SHA-256), then
 * class 08 with AES-128-CBC and a counter that is never sent. It hides and does not protect: there is no checksum. Once
 * card and host disagree about the counter the session is over. All of it one source's. */
#include "applet-sim/sim_state.h"

#include "wire/tlv.h"

#include <openssl/rsa.h>
#include <string.h>

#define BLOCK 16u
#define SEED_LEN 32u /* of which the first sixteen bytes are the key */
#define T_DELIVERY 0xA0u
#define T_KEY 0x80u
#define T_CRYPTOGRAM 0x86u
#define T_LENGTH 0x96u
#define PADDING_INDICATOR 0x01u
#define PLAIN_MAX 0x4000u

void sim_messaging_end(struct sim *sim)
{
    secret_wipe(&sim->messaging.key);
    sim->messaging.counter = 0;
}

/* --- the key ------------------------------------------------------------------------------------------------------- */

/* RC_RANGE: no number below the modulus; RC_FORMAT: not enciphered to this key. */
static enum rc messaging_decipher(EVP_PKEY *key, struct bytes input, struct buf *plain)
{
    size_t len = (size_t)EVP_PKEY_get_size(key);
    uint8_t *at;
    enum rc rc = RC_CRYPTO;
    BIGNUM *modulus = NULL, *number = BN_bin2bn(input.data, (int)input.len, NULL);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    if (!ctx || !number || !EVP_PKEY_get_bn_param(key, "n", &modulus))
        goto out;
    rc = BN_cmp(number, modulus) < 0 ? buf_extend(plain, len, &at) : RC_RANGE;
    if (rc)
        goto out;
    rc = EVP_PKEY_decrypt_init(ctx) > 0 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) > 0
                 && EVP_PKEY_CTX_set_rsa_oaep_md(ctx, EVP_sha256()) > 0 && EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) > 0
                 && EVP_PKEY_decrypt(ctx, at, &len, input.data, input.len) > 0
             ? RC_OK
             : RC_FORMAT;
    buf_truncate(plain, rc ? 0 : len);
out:
    EVP_PKEY_CTX_free(ctx);
    BN_free(number);
    BN_free(modulus);
    return rc;
}

/* A0 { 80 seed } and nothing else: an integrity key (81) is not taken. */
static enum rc messaging_seed(struct bytes plain, struct secret *key)
{
    struct tlv outer, seed;
    if (tlv_find(plain, T_DELIVERY, &outer) || outer.whole.len != plain.len || tlv_find(outer.value, T_KEY, &seed)
        || seed.whole.len != outer.value.len || seed.value.len != SEED_LEN)
        return RC_FORMAT;
    return secret_dup(key, seed.value.data, BLOCK);
}

/* SET SESSION KEY: the access rule is checked before anything is deciphered. */
uint16_t sim_messaging_begin(struct sim *sim, const struct apdu_command *command, bool secured, struct buf *out)
{
    (void)out;
    (void)secured;
    struct buf plain = { 0 };
    struct secret key = { 0 };
    const struct sim_app *app = sim->app;
    if (!app || !app->session_rule)
        return app ? app->session_sw : SW_SECURITY_STATUS;
    if (!sim_pins_satisfy(sim, app->session_rule) || sim->card.life != APPLET_LIFE_ACTIVE)
        return SW_SECURITY_STATUS;
    if (command->p1 || command->p2)
        return SW_WRONG_P1P2;
    EVP_PKEY *pair = sim->card.key_pairs[SIM_KEY_SESSION];
    if (!pair)
        return SW_CONDITIONS;
    if (command->le || command->data.len != (size_t)EVP_PKEY_get_size(pair))
        return SW_WRONG_LENGTH;
    enum rc rc = messaging_decipher(pair, command->data, &plain);
    uint16_t sw = rc == RC_FORMAT ? SW_WRONG_DATA : rc ? SW_FAILURE : SW_OK;
    if (sw == SW_OK && (rc = messaging_seed(buf_bytes(&plain), &key)) != RC_OK)
        sw = rc == RC_FORMAT ? SW_WRONG_DATA : SW_FAILURE;
    if (sw == SW_OK) {
        sim_messaging_end(sim);
        sim->messaging = (struct sim_session) { key, 1 };
    }
    buf_wipe(&plain);
    return sw;
}

/* --- commands ------------------------------------------------------------------------------------------------------ */

/* AES-128 of whole blocks; iv NULL: none, one block. */
static enum rc messaging_aes(const struct secret *key, bool encrypt, const uint8_t *iv, struct bytes in, uint8_t *out)
{
    int len = 0;
    static const uint8_t zero[BLOCK];
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    bool good = ctx && EVP_CipherInit_ex2(ctx, EVP_aes_128_cbc(), key->data, iv ? iv : zero, encrypt, NULL)
        && EVP_CIPHER_CTX_set_padding(ctx, 0) && EVP_CipherUpdate(ctx, out, &len, in.data, (int)in.len)
        && (size_t)len == in.len;
    EVP_CIPHER_CTX_free(ctx);
    return good ? RC_OK : RC_CRYPTO;
}

/* The enciphered counter, for both directions of a command. */
static enum rc messaging_iv(const struct sim_session *session, uint8_t iv[BLOCK])
{
    uint8_t block[BLOCK] = { 0 };
    for (unsigned i = 0; i < 4; i++)
        block[BLOCK - 1 - i] = (uint8_t)(session->counter >> 8 * i);
    return messaging_aes(&session->key, true, NULL, bytes_of(block, BLOCK), iv);
}

/* 86 { 01, cryptogram } and nothing beside it. */
static enum rc messaging_open(const struct sim_session *session, const uint8_t *iv, struct bytes data, struct buf *plain)
{
    struct tlv object;
    uint8_t *at;
    if (tlv_find(data, T_CRYPTOGRAM, &object) || object.whole.len != data.len || object.value.len < 1 + BLOCK
        || (object.value.len - 1) % BLOCK || object.value.data[0] != PADDING_INDICATOR)
        return RC_FORMAT;
    size_t len = object.value.len - 1;
    enum rc rc = buf_extend(plain, len, &at);
    if (rc == RC_OK)
        rc = messaging_aes(&session->key, false, iv, bytes_of(object.value.data + 1, len), at);
    if (rc)
        return rc;
    while (len && at[len - 1] == 0x00)
        len--;
    if (!len || at[len - 1] != 0x80) /* the counters differ */
        return RC_FORMAT;
    buf_truncate(plain, len - 1);
    return RC_OK;
}

static enum rc messaging_close(const struct sim_session *session, const uint8_t *iv, struct buf *plain, struct buf *out)
{
    struct buf value = { 0 };
    uint8_t *at;
    enum rc rc = buf_append_u8(plain, 0x80);
    while (rc == RC_OK && plain->len % BLOCK)
        rc = buf_append_u8(plain, 0x00);
    if (rc == RC_OK)
        rc = buf_append_u8(&value, PADDING_INDICATOR);
    if (rc == RC_OK)
        rc = buf_extend(&value, plain->len, &at);
    if (rc == RC_OK)
        rc = messaging_aes(&session->key, true, iv, buf_bytes(plain), at);
    if (rc == RC_OK)
        rc = tlv_append(out, T_CRYPTOGRAM, buf_bytes(&value));
    buf_wipe(&value);
    return rc;
}

/* 96 { 00, two bytes of length }: what is to be read; 0 is the whole rest. */
static enum rc messaging_length(struct bytes data, uint32_t *le)
{
    struct tlv object;
    if (tlv_find(data, T_LENGTH, &object) || object.whole.len != data.len || object.value.len != 3 || object.value.data[0])
        return RC_FORMAT;
    *le = (uint32_t)object.value.data[1] << 8 | object.value.data[2];
    if (*le == 0)
        *le = 65536;
    return RC_OK;
}

/* A command in class 08. A refusal by the application counts as a command, one by this layer ends the session. */
uint16_t sim_messaging_command(struct sim *sim, const struct apdu_command *command, struct buf *out)
{
    struct apdu_command inner = *command;
    struct buf plain = { 0 }, answer = { 0 };
    uint8_t iv[BLOCK];
    bool reads = command->ins == APPLET_INS_READ_BINARY;
    uint16_t sw;
    enum rc rc = messaging_iv(&sim->messaging, iv);
    inner.cla = 0x00;
    inner.data = bytes_of(NULL, 0);
    inner.le = 0;
    if (rc == RC_OK)
        rc = reads ? messaging_length(command->data, &inner.le) : messaging_open(&sim->messaging, iv, command->data, &plain);
    if (rc) {
        sim_messaging_end(sim);
        sw = rc == RC_FORMAT ? SW_SM_OBJECT_WRONG : SW_FAILURE;
        goto out;
    }
    if (!reads)
        inner.data = buf_bytes(&plain);
    sw = sim_dispatch_inner(sim, &inner, &answer);
    if (sw == SW_OK && answer.len && messaging_close(&sim->messaging, iv, &answer, out))
        sw = SW_FAILURE;
    if (sw == SW_OK && reads && out->len > command->le)
        sw = SW_WRONG_LENGTH;
    if (sim->messaging.counter) /* SELECT of an application ends the session */
        sim->messaging.counter++;
out:
    buf_wipe(&plain);
    buf_wipe(&answer);
    return sw;
}

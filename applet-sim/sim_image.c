/* sim_image.c — the card at rest: its content as BER-TLV, sealed with AES-256-GCM under a key that is kept elsewhere. A
 * changed, cut or foreign image does not open; an older one of the same card does, which is the limit of software. */
#include "applet-sim/sim_state.h"

#include "base/fault.h"
#include "base/random.h"
#include "wire/tlv.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string.h>

#define MAGIC "JPKI-SIM\x02"
#define MAGIC_LEN 9u
#define NONCE_LEN 12u
#define TAG_LEN 16u
#define IMAGE_MAX (1u << 20)

enum {
    T_SERIAL = 0xC0, T_DIVERSIFICATION = 0xC1, T_CONTACTLESS = 0xC2, T_LIFE = 0xC3, T_SEQUENCE = 0xC4, T_ENC = 0xC5,
    T_MAC = 0xC6, T_DEK = 0xC7, T_SWITCHES = 0xC8, T_PROFILE = 0xC9, T_DEAD = 0xCA, T_FILE = 0xE1, T_PIN = 0xE2, T_KEY = 0xE3,
    T_OBJECT = 0xE4, T_ID = 0x80, T_VALUE = 0x81, T_TRIES = 0x82,
};

void sim_card_wipe(struct sim_card *card)
{
    scp03_keys_wipe(&card->keys);
    for (size_t i = 0; i < SIM_FILES_MAX; i++)
        buf_wipe(&card->files[i]);
    for (size_t i = 0; i < SIM_OBJECTS; i++)
        buf_wipe(&card->objects[i]);
    for (size_t i = 0; i < SIM_PINS; i++)
        secret_wipe(&card->pins[i].value);
    for (size_t i = 0; i < SIM_KEYS; i++)
        EVP_PKEY_free(card->key_pairs[i]);
    *card = (struct sim_card) { 0 };
}

/* --- content ------------------------------------------------------------------------------------------------------- */

static enum rc image_put_u8(struct buf *out, unsigned tag, unsigned value)
{
    uint8_t byte = (uint8_t)value;
    return tlv_append(out, tag, bytes_of(&byte, 1));
}

/* One { 80 number, 81 value [, 82 tries] }. */
static enum rc image_put_item(struct buf *out, unsigned tag, unsigned id, struct bytes value, const uint8_t *tries)
{
    struct buf item = { 0 };
    enum rc rc = image_put_u8(&item, T_ID, id);
    if (rc == RC_OK)
        rc = tlv_append(&item, T_VALUE, value);
    if (rc == RC_OK && tries)
        rc = image_put_u8(&item, T_TRIES, *tries);
    if (rc == RC_OK)
        rc = tlv_append(out, tag, buf_bytes(&item));
    buf_wipe(&item);
    return rc;
}

static enum rc image_put_key(struct buf *out, unsigned owner, EVP_PKEY *key)
{
    uint8_t *der = NULL;
    int len = i2d_PrivateKey(key, &der);
    enum rc rc = len > 0 ? image_put_item(out, T_KEY, owner, bytes_of(der, (size_t)len), NULL) : RC_CRYPTO;
    if (len > 0)
        OPENSSL_clear_free(der, (size_t)len);
    return rc;
}

static enum rc image_encode(const struct sim_card *card, struct buf *out)
{
    const uint8_t sequence[3] = { (uint8_t)(card->sequence >> 16), (uint8_t)(card->sequence >> 8),
                                  (uint8_t)card->sequence };
    enum rc rc = image_put_u8(out, T_PROFILE, sim_profile_position(card->profile));
    if (rc == RC_OK)
        rc = tlv_append(out, T_SERIAL, bytes_of(card->serial, SIM_SERIAL_LEN));
    if (rc == RC_OK)
        rc = tlv_append(out, T_DIVERSIFICATION, bytes_of(card->diversification, sizeof card->diversification));
    if (rc == RC_OK)
        rc = image_put_u8(out, T_CONTACTLESS, card->contactless);
    if (rc == RC_OK && card->dead)
        rc = image_put_u8(out, T_DEAD, 1);
    if (rc == RC_OK)
        rc = tlv_append(out, T_SWITCHES, bytes_of(card->switches.at, SIM_SWITCHES));
    if (rc == RC_OK)
        rc = image_put_u8(out, T_LIFE, (unsigned)card->life);
    if (rc == RC_OK)
        rc = tlv_append(out, T_SEQUENCE, bytes_of(sequence, sizeof sequence));
    if (rc == RC_OK)
        rc = tlv_append(out, T_ENC, secret_bytes(&card->keys.enc));
    if (rc == RC_OK)
        rc = tlv_append(out, T_MAC, secret_bytes(&card->keys.mac));
    if (rc == RC_OK)
        rc = tlv_append(out, T_DEK, secret_bytes(&card->keys.dek));
    for (unsigned i = 0; rc == RC_OK && i < SIM_FILES_MAX; i++)
        if (card->files[i].len)
            rc = image_put_item(out, T_FILE, i, buf_bytes(&card->files[i]), NULL);
    for (unsigned i = 0; rc == RC_OK && i < SIM_OBJECTS; i++)
        if (card->objects[i].len)
            rc = image_put_item(out, T_OBJECT, i, buf_bytes(&card->objects[i]), NULL);
    for (unsigned i = 0; rc == RC_OK && i < SIM_PINS; i++)
        if (card->pins[i].value.len)
            rc = image_put_item(out, T_PIN, i, secret_bytes(&card->pins[i].value), &card->pins[i].tries);
    for (unsigned i = 0; rc == RC_OK && i < SIM_KEYS; i++)
        if (card->key_pairs[i])
            rc = image_put_key(out, i, card->key_pairs[i]);
    return rc;
}

static enum rc image_take(struct bytes value, void *to, size_t len)
{
    if (value.len != len)
        return RC_FORMAT;
    memcpy(to, value.data, len);
    return RC_OK;
}

static enum rc image_take_item(struct bytes item, uint8_t *id, struct bytes *value, uint8_t *tries)
{
    struct tlv tlv;
    enum rc rc = tlv_find(item, T_ID, &tlv);
    if (rc == RC_OK)
        rc = image_take(tlv.value, id, 1);
    if (rc == RC_OK)
        rc = tlv_find(item, T_VALUE, &tlv);
    if (rc == RC_OK)
        *value = tlv.value;
    if (rc == RC_OK && tries)
        rc = tlv_find(item, T_TRIES, &tlv);
    if (rc == RC_OK && tries)
        rc = image_take(tlv.value, tries, 1);
    return rc ? RC_FORMAT : RC_OK;
}

/* The file that stands at this place of the profile. */
static const struct sim_ef *image_file(const struct sim_profile *profile, unsigned place)
{
    for (size_t a = 0; a < profile->app_count; a++) {
        if (place < profile->apps[a].ef_count)
            return &profile->apps[a].efs[place];
        place -= (unsigned)profile->apps[a].ef_count;
    }
    return NULL;
}

static enum rc image_take_file(struct sim_card *card, unsigned place, struct bytes value)
{
    const struct sim_ef *ef = image_file(card->profile, place);
    return ef && place < SIM_FILES_MAX && value.len <= ef->size && card->files[place].len == 0
               ? buf_append_bytes(&card->files[place], value)
               : RC_FORMAT;
}

static enum rc image_take_object(struct sim_card *card, unsigned place, struct bytes value)
{
    return sim_data_tag(place) && card->objects[place].len == 0 ? buf_append_bytes(&card->objects[place], value) : RC_FORMAT;
}

static enum rc image_take_pin(struct sim_card *card, unsigned pin, struct bytes value, unsigned tries)
{
    if (pin >= SIM_PINS || card->pins[pin].value.len || tries > sim_pins_tries_max(card, (enum sim_pin_name)pin))
        return RC_FORMAT;
    card->pins[pin].tries = (uint8_t)tries;
    return secret_dup(&card->pins[pin].value, value.data, value.len);
}

static enum rc image_take_key(struct sim_card *card, unsigned owner, struct bytes der)
{
    const uint8_t *at = der.data;
    if (owner >= SIM_KEYS || card->key_pairs[owner])
        return RC_FORMAT;
    card->key_pairs[owner] = d2i_AutoPrivateKey(NULL, &at, (long)der.len);
    return card->key_pairs[owner] && at == der.data + der.len ? RC_OK : RC_FORMAT;
}

static enum rc image_take_switches(struct sim_card *card, struct bytes value)
{
    if (value.len != SIM_SWITCHES)
        return RC_FORMAT;
    for (size_t i = 0; i < SIM_SWITCHES; i++) {
        size_t count = 0;
        while (count < SIM_SWITCH_VALUES && sim_switch_row((enum sim_switch)i)->values[count])
            count++;
        if (value.data[i] >= count)
            return RC_FORMAT;
        card->switches.at[i] = value.data[i];
    }
    return RC_OK;
}

/* Files, PINs and keys: what the profile says of them is known by then. */
static enum rc image_take_content(struct sim_card *card, const struct tlv *tlv)
{
    uint8_t id, tries = 0;
    struct bytes value;
    if (!card->profile)
        return RC_FORMAT;
    enum rc rc = image_take_item(tlv->value, &id, &value, tlv->tag == T_PIN ? &tries : NULL);
    if (rc)
        return rc;
    switch (tlv->tag) {
    case T_FILE:
        return image_take_file(card, id, value);
    case T_OBJECT:
        return image_take_object(card, id, value);
    case T_PIN:
        return image_take_pin(card, id, value, tries);
    default:
        return image_take_key(card, id, value);
    }
}

static enum rc image_take_one(struct sim_card *card, const struct tlv *tlv)
{
    uint8_t byte, three[3];
    enum rc rc;
    switch (tlv->tag) {
    case T_PROFILE:
        rc = image_take(tlv->value, &byte, 1);
        card->profile = rc ? NULL : sim_profile_at(byte);
        return card->profile ? RC_OK : RC_FORMAT;
    case T_DEAD:
        card->dead = true;
        return RC_OK;
    case T_SERIAL:
        return image_take(tlv->value, card->serial, SIM_SERIAL_LEN);
    case T_DIVERSIFICATION:
        return image_take(tlv->value, card->diversification, sizeof card->diversification);
    case T_CONTACTLESS:
        rc = image_take(tlv->value, &byte, 1);
        card->contactless = rc == RC_OK && byte;
        return rc;
    case T_SWITCHES:
        return image_take_switches(card, tlv->value);
    case T_LIFE:
        rc = image_take(tlv->value, &byte, 1);
        card->life = rc ? card->life : (enum applet_life)byte;
        return rc;
    case T_SEQUENCE:
        rc = image_take(tlv->value, three, sizeof three);
        if (rc == RC_OK)
            card->sequence = (uint32_t)three[0] << 16 | (uint32_t)three[1] << 8 | three[2];
        return rc;
    case T_ENC:
        return secret_dup(&card->keys.enc, tlv->value.data, tlv->value.len);
    case T_MAC:
        return secret_dup(&card->keys.mac, tlv->value.data, tlv->value.len);
    case T_DEK:
        return secret_dup(&card->keys.dek, tlv->value.data, tlv->value.len);
    case T_FILE:
    case T_OBJECT:
    case T_PIN:
    case T_KEY:
        return image_take_content(card, tlv);
    default:
        return RC_FORMAT;
    }
}

static enum rc image_decode(struct bytes plain, struct sim_card *card)
{
    struct cursor cursor = cursor_of(plain);
    struct sim_card made = { 0 };
    struct tlv tlv;
    enum rc rc;
    while ((rc = tlv_next(&cursor, &tlv)) == RC_OK)
        if ((rc = image_take_one(&made, &tlv)) != RC_OK)
            break;
    rc = rc == RC_NOT_FOUND ? RC_OK : rc;
    if (rc == RC_OK
        && (!made.profile || !made.life || !made.serial[0] || !made.keys.enc.len || !made.keys.mac.len || !made.keys.dek.len))
        rc = RC_FORMAT;
    if (rc)
        sim_card_wipe(&made);
    else
        *card = made;
    return rc;
}

/* --- the seal ------------------------------------------------------------------------------------------------------ */

static enum rc image_cipher(const struct secret *key, bool seal, const uint8_t *nonce, struct bytes in, uint8_t *out,
                            uint8_t *tag)
{
    enum rc rc = RC_CRYPTO;
    int len, last;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    if (!ctx)
        return RC_NOMEM;
    if (key->len == SIM_SEAL_KEY_LEN && in.len <= IMAGE_MAX
        && EVP_CipherInit_ex2(ctx, EVP_aes_256_gcm(), key->data, nonce, seal, NULL)
        && EVP_CipherUpdate(ctx, NULL, &len, (const uint8_t *)MAGIC, MAGIC_LEN)
        && (seal || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_LEN, tag))
        && EVP_CipherUpdate(ctx, out, &len, in.data, (int)in.len)) {
        rc = EVP_CipherFinal_ex(ctx, out + len, &last) ? RC_OK : seal ? RC_CRYPTO : RC_BAD_SIGNATURE;
        if (rc == RC_OK && seal && !EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_LEN, tag))
            rc = RC_CRYPTO;
    }
    EVP_CIPHER_CTX_free(ctx);
    return rc;
}

static enum rc image_seal(const struct secret *key, struct bytes plain, struct buf *out)
{
    uint8_t *at;
    enum rc rc = buf_append(out, MAGIC, MAGIC_LEN);
    if (rc == RC_OK)
        rc = buf_extend(out, NONCE_LEN + plain.len + TAG_LEN, &at);
    if (rc == RC_OK)
        rc = random_bytes(at, NONCE_LEN);
    return rc ? rc : image_cipher(key, true, at, plain, at + NONCE_LEN, at + NONCE_LEN + plain.len);
}

enum rc sim_image_open(const struct secret *seal_key, struct bytes image, struct sim_card *card)
{
    if (image.len < MAGIC_LEN + NONCE_LEN + TAG_LEN || memcmp(image.data, MAGIC, MAGIC_LEN) != 0)
        return RC_FORMAT;
    const uint8_t *nonce = image.data + MAGIC_LEN;
    struct bytes sealed = bytes_of(nonce + NONCE_LEN, image.len - MAGIC_LEN - NONCE_LEN - TAG_LEN);
    struct buf plain = { 0 };
    uint8_t *at, tag[TAG_LEN];
    memcpy(tag, sealed.data + sealed.len, TAG_LEN);
    enum rc rc = buf_extend(&plain, sealed.len, &at);
    if (rc == RC_OK)
        rc = image_cipher(seal_key, false, nonce, sealed, at, tag);
    if (rc == RC_OK)
        rc = image_decode(buf_bytes(&plain), card);
    buf_wipe(&plain);
    return rc;
}

/* Back to what was saved last: a command that could not be made durable has not been. */
static void image_go_back(struct sim *sim)
{
    struct sim_card saved;
    if (sim->image.len && sim_image_open(&sim->seal_key, buf_bytes(&sim->image), &saved) == RC_OK) {
        sim_card_wipe(&sim->card);
        sim->card = saved;
        return;
    }
    sim->broken = true;
}

enum rc sim_image_commit(struct sim *sim)
{
    struct buf plain = { 0 }, sealed = { 0 };
    enum rc rc = image_encode(&sim->card, &plain);
    if (rc == RC_OK)
        rc = image_seal(&sim->seal_key, buf_bytes(&plain), &sealed);
    if (rc == RC_OK)
        rc = sim->save(sim->context, buf_bytes(&sealed));
    if (rc == RC_OK) {
        buf_wipe(&sim->image);
        sim->image = sealed;
        sealed = (struct buf) { 0 };
    } else {
        image_go_back(sim);
    }
    buf_wipe(&plain);
    buf_wipe(&sealed);
    return rc;
}

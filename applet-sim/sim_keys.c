/* sim_keys.c — the two keys: made here, used here, never shown. The schemes are rows; OpenSSL does the arithmetic. */
#include "applet-sim/sim_state.h"

#include "base/fault.h"
#include "wire/tlv.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/rsa.h>

#define KEY_BITS 2048u
#define KEY_BYTES (KEY_BITS / 8)
#define HASH_LEN 32u
#define MESSAGE_MAX 255u
#define P1_GENERATE 0x80u
#define P1_READ 0x81u

/* --- making and telling -------------------------------------------------------------------------------------------- */

static enum rc sim_keys_number(const EVP_PKEY *key, const char *name, unsigned tag, struct buf *out)
{
    BIGNUM *number = NULL;
    uint8_t bytes[KEY_BYTES];
    if (!EVP_PKEY_get_bn_param(key, name, &number))
        return RC_CRYPTO;
    int len = BN_num_bytes(number);
    enum rc rc = len > 0 && len <= (int)sizeof bytes && BN_bn2bin(number, bytes) == len
                     ? tlv_append(out, tag, bytes_of(bytes, (size_t)len))
                     : RC_CRYPTO;
    BN_free(number);
    return rc;
}

/* 7F49 { 81 modulus, 82 public exponent } (ISO/IEC 7816-8 §5.1). */
static uint16_t sim_keys_tell(const EVP_PKEY *key, struct buf *out)
{
    struct buf inner = { 0 };
    enum rc rc = sim_keys_number(key, OSSL_PKEY_PARAM_RSA_N, 0x81, &inner);
    if (rc == RC_OK)
        rc = sim_keys_number(key, OSSL_PKEY_PARAM_RSA_E, 0x82, &inner);
    if (rc == RC_OK)
        rc = tlv_append(out, 0x7F49, buf_bytes(&inner));
    buf_wipe(&inner);
    return rc ? SW_FAILURE : SW_OK;
}

uint16_t sim_keys_generate(struct sim *sim, const struct apdu_command *command, bool secured, struct buf *out)
{
    (void)secured;
    struct sim_card *card = &sim->card;
    const struct sim_ef *ef = sim_files_find(sim, command->p2);
    if ((command->p1 != P1_GENERATE && command->p1 != P1_READ) || command->p2 > 0x1F)
        return SW_WRONG_P1P2;
    if (!ef)
        return SW_FILE_NOT_FOUND;
    if (ef->kind != SIM_KIND_KEY)
        return SW_FILE_STRUCTURE;
    if (command->data.len || command->le == 0)
        return SW_WRONG_LENGTH;
    EVP_PKEY **key = &card->key_pairs[ef->owner];
    if (command->p1 == P1_READ)
        return *key ? sim_keys_tell(*key, out) : SW_DATA_NOT_FOUND;
    /* A key is made once: whoever lost the answer reads the public half instead. */
    if (*key || (card->life != APPLET_LIFE_BLANK && card->life != APPLET_LIFE_PERSONALISED))
        return SW_CONDITIONS;
    *key = EVP_RSA_gen(KEY_BITS);
    if (!*key)
        return SW_FAILURE;
    sim_issuer_begin(card);
    fault_point("sim.before_key");
    if (sim_image_commit(sim))
        return SW_MEMORY_FAILURE; /* the key is gone again */
    fault_point("sim.after_key");
    return sim_keys_tell(card->key_pairs[ef->owner], out);
}

/* --- signing ------------------------------------------------------------------------------------------------------- */

static const struct sim_scheme {
    uint16_t min, max;
    bool hash_here; /* the card hashes the message */
    bool info;      /* a DigestInfo goes around the hash */
    bool pss;
} sim_schemes[] = {
    [APPLET_SCHEME_RAW] = { 1, APPLET_RAW_MAX, false, false, false },
    [APPLET_SCHEME_MESSAGE_BARE] = { 1, MESSAGE_MAX, true, false, false },
    [APPLET_SCHEME_HASH] = { HASH_LEN, HASH_LEN, false, true, false },
    [APPLET_SCHEME_MESSAGE] = { 1, MESSAGE_MAX, true, true, false },
    [APPLET_SCHEME_PSS_HASH] = { HASH_LEN, HASH_LEN, false, false, true },
    [APPLET_SCHEME_PSS_MESSAGE] = { 1, MESSAGE_MAX, true, false, true },
};
#define SCHEME_COUNT (sizeof sim_schemes / sizeof *sim_schemes)

static enum rc sim_keys_compute(EVP_PKEY *key, const struct sim_scheme *scheme, struct bytes input, struct buf *out)
{
    uint8_t hash[HASH_LEN], *at;
    size_t len = KEY_BYTES;
    enum rc rc = RC_CRYPTO;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    if (!ctx || EVP_PKEY_sign_init(ctx) <= 0)
        goto out;
    if (scheme->hash_here) {
        if (!EVP_Digest(input.data, input.len, hash, NULL, EVP_sha256(), NULL))
            goto out;
        input = bytes_of(hash, sizeof hash);
    }
    if (EVP_PKEY_CTX_set_rsa_padding(ctx, scheme->pss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING) <= 0)
        goto out;
    if ((scheme->info || scheme->pss) && EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) <= 0)
        goto out;
    if (scheme->pss
        && (EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, EVP_sha256()) <= 0
            || EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) <= 0))
        goto out;
    rc = buf_extend(out, KEY_BYTES, &at);
    if (rc == RC_OK && (EVP_PKEY_sign(ctx, at, &len, input.data, input.len) <= 0 || len != KEY_BYTES))
        rc = RC_CRYPTO;
out:
    EVP_PKEY_CTX_free(ctx);
    return rc;
}

/* May the key be used? The holder with a PIN; the issuer, for proof of possession, while there is no certificate. */
static uint16_t sim_keys_may_sign(const struct sim *sim, enum sim_owner owner, bool secured)
{
    const struct sim_card *card = &sim->card;
    if (!card->key_pairs[owner])
        return SW_CONDITIONS;
    if (secured) {
        unsigned cert = owner == SIM_AUTH ? APPLET_EF_AUTH_CERT : APPLET_EF_SIGN_CERT;
        return card->life == APPLET_LIFE_PERSONALISED && !sim_files_has_cert(card, cert) ? SW_OK : SW_CONDITIONS;
    }
    if (card->life != APPLET_LIFE_ACTIVE)
        return SW_CONDITIONS;
    return sim->verified[owner] ? SW_OK : SW_SECURITY_STATUS;
}

uint16_t sim_keys_sign(struct sim *sim, const struct apdu_command *command, bool secured, struct buf *out)
{
    const struct sim_ef *ef;
    if (command->p1 >= SCHEME_COUNT || (secured && command->p2 == APPLET_P_CURRENT))
        return SW_WRONG_P1P2;
    if (command->p1 != APPLET_SCHEME_RAW && sim_switched(sim, SIM_SCHEMES) && !secured)
        return SW_WRONG_P1P2;
    uint16_t sw = sim_files_name(sim, command->p2, secured, &ef);
    if (sw != SW_OK)
        return sw;
    if (ef->kind != SIM_KIND_KEY)
        return SW_FILE_STRUCTURE;
    sw = sim_keys_may_sign(sim, ef->owner, secured);
    if (sw != SW_OK)
        return sw;
    const struct sim_scheme *scheme = &sim_schemes[command->p1];
    if (command->data.len == 0 || command->le < KEY_BYTES)
        return SW_WRONG_LENGTH;
    if (command->data.len < scheme->min || command->data.len > scheme->max)
        return SW_CONDITIONS;
    return sim_keys_compute(sim->card.key_pairs[ef->owner], scheme, command->data, out) ? SW_FAILURE : SW_OK;
}

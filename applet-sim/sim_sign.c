/* sim_sign.c — using keys: the signature schemes as rows, for RSA and for the next card's curve, and INTERNAL
 * AUTHENTICATE. */
#include "applet-sim/sim_state.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>

#define HASH_LEN 32u
#define MESSAGE_MAX 255u
#define SIGNATURE_MAX 256u
#define PADDING_LEN 11u /* PKCS#1 v1.5: what a block has besides its content */

static const struct scheme {
    uint16_t min, max; /* 0: as many bytes as the block takes */
    bool hash_here;    /* the card hashes the message */
    bool info;         /* a DigestInfo goes around the hash */
    bool pss;
} rsa_schemes[] = {
    [APPLET_SCHEME_RAW] = { 1, 0, false, false, false },
    [APPLET_SCHEME_MESSAGE_BARE] = { 1, MESSAGE_MAX, true, false, false },
    [APPLET_SCHEME_HASH] = { HASH_LEN, HASH_LEN, false, true, false },
    [APPLET_SCHEME_MESSAGE] = { 1, MESSAGE_MAX, true, true, false },
    [APPLET_SCHEME_PSS_HASH] = { HASH_LEN, HASH_LEN, false, false, true },
    [APPLET_SCHEME_PSS_MESSAGE] = { 1, MESSAGE_MAX, true, false, true },
};
#define SCHEME_COUNT (sizeof rsa_schemes / sizeof *rsa_schemes)

/* A guess: ECDSA with SHA-384 over a given hash, or over a message that the card hashes; r and s side by side. */
#define EC_HASH_LEN 48u
#define EC_SIGNATURE_LEN (2 * EC_HASH_LEN)
static const struct scheme ec_schemes[SCHEME_COUNT] = {
    [APPLET_SCHEME_RAW] = { EC_HASH_LEN, EC_HASH_LEN, false, false, false },
    [APPLET_SCHEME_MESSAGE] = { 1, MESSAGE_MAX, true, false, false },
};

static enum rc sign_rsa(EVP_PKEY *key, const struct scheme *scheme, struct bytes input, struct buf *out)
{
    uint8_t hash[HASH_LEN], *at;
    size_t len = (size_t)EVP_PKEY_get_size(key), made = len;
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
    rc = buf_extend(out, len, &at);
    if (rc == RC_OK && (EVP_PKEY_sign(ctx, at, &made, input.data, input.len) <= 0 || made != len))
        rc = RC_CRYPTO;
out:
    EVP_PKEY_CTX_free(ctx);
    return rc;
}

static enum rc sign_ec(EVP_PKEY *key, const struct scheme *scheme, struct bytes input, struct buf *out)
{
    uint8_t hash[EC_HASH_LEN], der[128], *at;
    const uint8_t *end = der;
    size_t len = sizeof der;
    enum rc rc = RC_CRYPTO;
    ECDSA_SIG *pair = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    if (!ctx || EVP_PKEY_sign_init(ctx) <= 0)
        goto out;
    if (scheme->hash_here) {
        if (!EVP_Digest(input.data, input.len, hash, NULL, EVP_sha384(), NULL))
            goto out;
        input = bytes_of(hash, sizeof hash);
    }
    if (EVP_PKEY_sign(ctx, der, &len, input.data, input.len) <= 0)
        goto out;
    pair = d2i_ECDSA_SIG(NULL, &end, (long)len);
    if (!pair)
        goto out;
    rc = buf_extend(out, EC_SIGNATURE_LEN, &at);
    if (rc == RC_OK
        && (BN_bn2binpad(ECDSA_SIG_get0_r(pair), at, EC_HASH_LEN) < 0
            || BN_bn2binpad(ECDSA_SIG_get0_s(pair), at + EC_HASH_LEN, EC_HASH_LEN) < 0))
        rc = RC_CRYPTO;
out:
    ECDSA_SIG_free(pair);
    EVP_PKEY_CTX_free(ctx);
    return rc;
}

/* May the key be used? The holder with a PIN, where it wants one; the issuer, for proof of possession, while there is no
 * certificate. */
static uint16_t sign_allowed(const struct sim *sim, const struct sim_ef *ef, bool secured)
{
    const struct sim_card *card = &sim->card;
    if (!card->key_pairs[ef->number])
        return SW_CONDITIONS;
    if (secured) {
        unsigned cert = ef->number == SIM_KEY_AUTH ? APPLET_EF_AUTH_CERT : APPLET_EF_SIGN_CERT;
        bool certified = ef->number == SIM_KEY_AUTH || ef->number == SIM_KEY_SIGN;
        return certified && card->life == APPLET_LIFE_PERSONALISED && !sim_files_begun_cert(card, cert) ? SW_OK : SW_CONDITIONS;
    }
    if (card->life != APPLET_LIFE_ACTIVE)
        return SW_CONDITIONS;
    return sim_pins_satisfy(sim, ef->rule) ? SW_OK : SW_SECURITY_STATUS;
}

/* P2 00 names the application's own key, where it has one. */
static uint16_t sign_name(struct sim *sim, const struct apdu_command *command, bool secured, const struct sim_ef **ef)
{
    if (command->p2 == 0x00 && sim->app && sim->app->default_key && !secured) {
        *ef = sim_files_find(sim, sim->app->default_key);
        return SW_OK;
    }
    uint16_t sw = sim_files_name(sim, command->p2, secured, ef);
    return sw == SW_OK && (*ef)->kind != SIM_KIND_KEY ? SW_FILE_STRUCTURE : sw;
}

/* Which schemes there are is said by the key's algorithm, by the profile, by a switch; judged before anything else. */
static const struct scheme *sign_scheme(const struct sim *sim, unsigned p1, bool secured)
{
    bool raw_only = (sim_switched(sim, SIM_SCHEMES) && !secured) || sim->card.profile->raw_only;
    if (p1 >= SCHEME_COUNT || (raw_only && p1 != APPLET_SCHEME_RAW))
        return NULL;
    bool ec = sim->card.profile->keys[SIM_KEY_SIGN] == SIM_EC_P384; /* all of a card's keys are of one kind */
    const struct scheme *scheme = ec ? &ec_schemes[p1] : &rsa_schemes[p1];
    return scheme->min ? scheme : NULL;
}

uint16_t sim_sign(struct sim *sim, const struct apdu_command *command, bool secured, struct buf *out)
{
    const struct sim_ef *ef;
    const struct scheme *scheme = sign_scheme(sim, command->p1, secured);
    if (!scheme || (secured && command->p2 == APPLET_P_CURRENT))
        return SW_WRONG_P1P2;
    uint16_t sw = sign_name(sim, command, secured, &ef);
    if (sw == SW_OK)
        sw = sign_allowed(sim, ef, secured);
    if (sw != SW_OK)
        return sw;
    EVP_PKEY *key = sim->card.key_pairs[ef->number];
    bool ec = EVP_PKEY_is_a(key, "EC");
    size_t len = ec ? EC_SIGNATURE_LEN : (size_t)EVP_PKEY_get_size(key), max = scheme->max ? scheme->max : len - PADDING_LEN;
    if (command->data.len == 0 || command->le < len)
        return SW_WRONG_LENGTH;
    if (command->data.len < scheme->min || command->data.len > max)
        return SW_CONDITIONS;
    return (ec ? sign_ec : sign_rsa)(key, scheme, command->data, out) ? SW_FAILURE : SW_OK;
}

/* Only the common application's key answers, and it needs no PIN; keys behind a PIN answer 6982, also after it, the own keys
 * of the text and the visual application 6985. */
uint16_t sim_sign_challenge(struct sim *sim, const struct apdu_command *command, bool secured, struct buf *out)
{
    const struct sim_ef *ef;
    if (command->p1)
        return SW_WRONG_P1P2;
    uint16_t sw = sim_files_name(sim, command->p2, secured, &ef);
    if (sw != SW_OK)
        return sw;
    if (ef->kind == SIM_KIND_REFERENCE)
        return SW_CONDITIONS;
    if (ef->kind != SIM_KIND_KEY)
        return SW_FILE_STRUCTURE;
    if (ef->rule != SIM_FREE)
        return SW_SECURITY_STATUS;
    EVP_PKEY *key = sim->card.key_pairs[ef->number];
    if (ef->number != SIM_KEY_COMMON || !key || sim->card.life != APPLET_LIFE_ACTIVE)
        return SW_CONDITIONS;
    if (command->data.len == 0 || command->data.len > MESSAGE_MAX || command->le < (uint32_t)EVP_PKEY_get_size(key))
        return SW_WRONG_LENGTH;
    return sign_rsa(key, &rsa_schemes[APPLET_SCHEME_MESSAGE], command->data, out) ? SW_FAILURE : SW_OK;
}

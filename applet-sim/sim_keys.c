/* sim_keys.c — the keys: made here and never shown; their public halves are. OpenSSL does the arithmetic. */
#include "applet-sim/sim_state.h"

#include "base/fault.h"
#include "wire/tlv.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>

#define NUMBER_MAX 256u
#define POINT_MAX 97u
#define P1_GENERATE 0x80u
#define P1_READ 0x81u

static enum rc keys_number(const EVP_PKEY *key, const char *name, unsigned tag, struct buf *out)
{
    BIGNUM *number = NULL;
    uint8_t bytes[NUMBER_MAX];
    if (!EVP_PKEY_get_bn_param(key, name, &number))
        return RC_CRYPTO;
    int len = BN_num_bytes(number);
    enum rc rc = len > 0 && len <= (int)sizeof bytes && BN_bn2bin(number, bytes) == len
                     ? tlv_append(out, tag, bytes_of(bytes, (size_t)len))
                     : RC_CRYPTO;
    BN_free(number);
    return rc;
}

/* In ascending order of the tags. */
enum rc sim_keys_public(const EVP_PKEY *key, unsigned modulus, unsigned exponent, struct buf *out)
{
    bool exponent_first = exponent < modulus;
    enum rc rc = exponent_first ? keys_number(key, OSSL_PKEY_PARAM_RSA_E, exponent, out) : RC_OK;
    if (rc == RC_OK)
        rc = keys_number(key, OSSL_PKEY_PARAM_RSA_N, modulus, out);
    if (rc == RC_OK && !exponent_first)
        rc = keys_number(key, OSSL_PKEY_PARAM_RSA_E, exponent, out);
    return rc;
}

static enum rc keys_point(const EVP_PKEY *key, struct buf *out)
{
    uint8_t point[POINT_MAX];
    size_t len = 0;
    if (!EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &len))
        return RC_CRYPTO;
    return tlv_append(out, 0x86, bytes_of(point, len));
}

/* 7F49 { 81 modulus, 82 public exponent } or { 86 point } (ISO/IEC 7816-8 §5.1). */
static uint16_t keys_tell(const EVP_PKEY *key, struct buf *out)
{
    struct buf inner = { 0 };
    enum rc rc = EVP_PKEY_is_a(key, "EC") ? keys_point(key, &inner) : sim_keys_public(key, 0x81, 0x82, &inner);
    if (rc == RC_OK)
        rc = tlv_append(out, 0x7F49, buf_bytes(&inner));
    buf_wipe(&inner);
    return rc ? SW_FAILURE : SW_OK;
}

EVP_PKEY *sim_keys_make(enum sim_algorithm algorithm)
{
    switch (algorithm) {
    case SIM_RSA_1024:
        return EVP_RSA_gen(1024);
    case SIM_RSA_2048:
        return EVP_RSA_gen(2048);
    case SIM_EC_P384:
        return EVP_EC_gen("P-384");
    case SIM_NO_KEY:
        break;
    }
    return NULL;
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
    if (ef->kind != SIM_KIND_KEY && !(ef->flags & SIM_EF_SESSION))
        return SW_FILE_STRUCTURE;
    if (command->data.len || command->le == 0)
        return SW_WRONG_LENGTH;
    EVP_PKEY **key = &card->key_pairs[ef->number];
    if (command->p1 == P1_READ)
        return *key ? keys_tell(*key, out) : SW_DATA_NOT_FOUND;
    /* A key is made once: whoever lost the answer reads the public half instead. */
    if (*key || (card->life != APPLET_LIFE_BLANK && card->life != APPLET_LIFE_PERSONALISED))
        return SW_CONDITIONS;
    *key = sim_keys_make(card->profile->keys[ef->number]);
    if (!*key)
        return SW_FAILURE;
    sim_issuer_begin(card);
    fault_point("sim.before_key");
    if (sim_image_commit(sim))
        return SW_MEMORY_FAILURE; /* the key is gone again */
    fault_point("sim.after_key");
    return keys_tell(card->key_pairs[ef->number], out);
}

/* scp03.c — Secure Channel Protocol 03 (GPC_SPE_014 v1.1.2): what both ends compute. Keys, cryptograms, MAC chain and
 * wrapping; who may send what when is the business of the two ends. The few lines that take an APDU apart stand here
 * because this room is not above the room of the wire. */
#include "pki/scp03.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <string.h>

#define BLOCK 16u
#define HEADER_LEN 4u
#define CLA_SECURED 0x04u

/* Data derivation constants, §4.1.5 table 4-1. */
enum { DERIVE_CARD_CRYPTOGRAM = 0, DERIVE_HOST_CRYPTOGRAM = 1, DERIVE_CARD_CHALLENGE = 2, DERIVE_ENC = 4, DERIVE_MAC = 6,
       DERIVE_RMAC = 7 };

/* --- primitives ---------------------------------------------------------------------------------------------------- */

/* AES-CMAC (RFC 4493) over up to four pieces. */
static enum rc scp03_cmac(const struct secret *key, const struct bytes *pieces, size_t count, uint8_t mac[BLOCK])
{
    if (key->len != SCP03_KEY_LEN)
        return RC_RANGE;
    enum rc rc = RC_CRYPTO;
    EVP_MAC *cmac = EVP_MAC_fetch(NULL, "CMAC", NULL);
    EVP_MAC_CTX *ctx = cmac ? EVP_MAC_CTX_new(cmac) : NULL;
    char cipher[] = "AES-128-CBC";
    const OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_CIPHER, cipher, 0),
                                  OSSL_PARAM_construct_end() };
    size_t len = 0;
    if (!ctx || !EVP_MAC_init(ctx, key->data, key->len, params))
        goto out;
    for (size_t i = 0; i < count; i++)
        if (pieces[i].len && !EVP_MAC_update(ctx, pieces[i].data, pieces[i].len))
            goto out;
    if (EVP_MAC_final(ctx, mac, &len, BLOCK) && len == BLOCK)
        rc = RC_OK;
out:
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(cmac);
    return rc;
}

/* One pass of AES-128-CBC without padding; len a multiple of the block. in and out may be the same. */
static enum rc scp03_cbc(const struct secret *key, bool encrypt, const uint8_t iv[BLOCK], const uint8_t *in, size_t len,
                         uint8_t *out)
{
    enum rc rc = RC_CRYPTO;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int made = 0;
    if (!ctx)
        return RC_NOMEM;
    if (key->len == SCP03_KEY_LEN && len % BLOCK == 0 && len <= 1u << 20
        && EVP_CipherInit_ex2(ctx, EVP_aes_128_cbc(), key->data, iv, encrypt, NULL) && EVP_CIPHER_CTX_set_padding(ctx, 0)
        && EVP_CipherUpdate(ctx, out, &made, in, (int)len) && (size_t)made == len)
        rc = RC_OK;
    EVP_CIPHER_CTX_free(ctx);
    return rc;
}

/* The key derivation function of §4.1.5: SP 800-108 in counter mode, one block since all keys are AES-128. */
static enum rc scp03_derive(const struct secret *key, unsigned constant, unsigned bits, struct bytes context_1,
                            struct bytes context_2, uint8_t out[BLOCK])
{
    const uint8_t head[16] = { [11] = (uint8_t)constant, [13] = (uint8_t)(bits >> 8), [14] = (uint8_t)bits, [15] = 1 };
    const struct bytes pieces[] = { bytes_of(head, sizeof head), context_1, context_2 };
    return scp03_cmac(key, pieces, 3, out);
}

/* --- keys of a card ------------------------------------------------------------------------------------------------ */

static enum rc scp03_diversify_one(const struct secret *master, struct bytes diversification, const char *label,
                                   struct secret *key)
{
    uint8_t made[SCP03_KEY_LEN];
    enum rc rc = RC_CRYPTO;
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "KBKDF", NULL);
    EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
    char mode[] = "counter", mac[] = "CMAC", cipher[] = "AES-128-CBC", salt[8];
    uint8_t info[32];
    if (!ctx)
        goto out;
    memcpy(salt, label, strlen(label) + 1);
    memcpy(info, diversification.data, diversification.len);
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MODE, mode, 0),
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_MAC, mac, 0),
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_CIPHER, cipher, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, master->data, master->len),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, salt, strlen(label)), /* SP 800-108's "label" */
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, diversification.len), /* and its "context" */
        OSSL_PARAM_construct_end(),
    };
    if (EVP_KDF_derive(ctx, made, sizeof made, params) > 0)
        rc = secret_dup(key, made, sizeof made);
out:
    OPENSSL_cleanse(made, sizeof made);
    EVP_KDF_CTX_free(ctx);
    EVP_KDF_free(kdf);
    return rc;
}

enum rc scp03_diversify(const struct secret *master, struct bytes diversification, struct scp03_keys *keys)
{
    if (master->len != SCP03_KEY_LEN || diversification.len == 0 || diversification.len > 32)
        return RC_RANGE;
    struct scp03_keys made = { 0 };
    enum rc rc = scp03_diversify_one(master, diversification, "ENC", &made.enc);
    if (rc == RC_OK)
        rc = scp03_diversify_one(master, diversification, "MAC", &made.mac);
    if (rc == RC_OK)
        rc = scp03_diversify_one(master, diversification, "DEK", &made.dek);
    if (rc) {
        scp03_keys_wipe(&made);
        return rc;
    }
    *keys = made;
    return RC_OK;
}

void scp03_keys_wipe(struct scp03_keys *keys)
{
    secret_wipe(&keys->enc);
    secret_wipe(&keys->mac);
    secret_wipe(&keys->dek);
}

/* --- a session ----------------------------------------------------------------------------------------------------- */

static enum rc scp03_session_key(const struct secret *key, unsigned constant, struct bytes host, struct bytes card,
                                 struct secret *out)
{
    uint8_t made[BLOCK];
    enum rc rc = scp03_derive(key, constant, 8 * SCP03_KEY_LEN, host, card, made);
    if (rc == RC_OK)
        rc = secret_dup(out, made, sizeof made);
    OPENSSL_cleanse(made, sizeof made);
    return rc;
}

enum rc scp03_open(const struct scp03_keys *keys, struct bytes host_challenge, struct bytes card_challenge,
                   struct scp03_session *session)
{
    if (host_challenge.len != SCP03_CHALLENGE_LEN || card_challenge.len != SCP03_CHALLENGE_LEN)
        return RC_RANGE;
    struct scp03_session made = { 0 };
    uint8_t cryptogram[BLOCK];
    enum rc rc = scp03_session_key(&keys->enc, DERIVE_ENC, host_challenge, card_challenge, &made.enc);
    if (rc == RC_OK)
        rc = scp03_session_key(&keys->mac, DERIVE_MAC, host_challenge, card_challenge, &made.mac);
    if (rc == RC_OK)
        rc = scp03_session_key(&keys->mac, DERIVE_RMAC, host_challenge, card_challenge, &made.rmac);
    if (rc == RC_OK)
        rc = scp03_derive(&made.mac, DERIVE_CARD_CRYPTOGRAM, 8 * SCP03_CRYPTOGRAM_LEN, host_challenge, card_challenge,
                          cryptogram);
    if (rc == RC_OK)
        memcpy(made.card_cryptogram, cryptogram, SCP03_CRYPTOGRAM_LEN);
    if (rc == RC_OK)
        rc = scp03_derive(&made.mac, DERIVE_HOST_CRYPTOGRAM, 8 * SCP03_CRYPTOGRAM_LEN, host_challenge, card_challenge,
                          cryptogram);
    if (rc == RC_OK)
        memcpy(made.host_cryptogram, cryptogram, SCP03_CRYPTOGRAM_LEN);
    if (rc) {
        scp03_wipe(&made);
        return rc;
    }
    *session = made;
    return RC_OK;
}

void scp03_wipe(struct scp03_session *session)
{
    secret_wipe(&session->enc);
    secret_wipe(&session->mac);
    secret_wipe(&session->rmac);
    OPENSSL_cleanse(session, sizeof *session);
}

enum rc scp03_card_challenge(const struct scp03_keys *keys, struct bytes sequence_counter, struct bytes aid,
                             uint8_t challenge[SCP03_CHALLENGE_LEN])
{
    uint8_t block[BLOCK];
    enum rc rc = scp03_derive(&keys->enc, DERIVE_CARD_CHALLENGE, 8 * SCP03_CHALLENGE_LEN, sequence_counter, aid, block);
    if (rc == RC_OK)
        memcpy(challenge, block, SCP03_CHALLENGE_LEN);
    return rc;
}

/* The initial value for command (first byte 00) or response data (80): the encryption counter, enciphered. */
static enum rc scp03_iv(const struct scp03_session *session, uint8_t first, uint8_t iv[BLOCK])
{
    static const uint8_t zero[BLOCK];
    const uint32_t n = session->counter;
    const uint8_t block[BLOCK] = { [0] = first, [12] = (uint8_t)(n >> 24), [13] = (uint8_t)(n >> 16),
                                   [14] = (uint8_t)(n >> 8), [15] = (uint8_t)n };
    return scp03_cbc(&session->enc, true, zero, block, BLOCK, iv);
}

/* Appends data with 80 00… padding, enciphered. */
static enum rc scp03_encrypt(const struct scp03_session *session, uint8_t first, struct bytes data, struct buf *out)
{
    uint8_t iv[BLOCK], *at;
    size_t padded = data.len / BLOCK * BLOCK + BLOCK, start = out->len;
    enum rc rc = scp03_iv(session, first, iv);
    if (rc == RC_OK)
        rc = buf_extend(out, padded, &at);
    if (rc)
        return rc;
    memset(at, 0, padded);
    memcpy(at, data.data, data.len);
    at[data.len] = 0x80;
    rc = scp03_cbc(&session->enc, true, iv, at, padded, at);
    if (rc)
        buf_truncate(out, start);
    return rc;
}

/* Appends the plain data. RC_FORMAT when the padding is not that of scp03_encrypt. */
static enum rc scp03_decrypt(const struct scp03_session *session, uint8_t first, struct bytes data, struct buf *out)
{
    if (data.len == 0 || data.len % BLOCK)
        return RC_FORMAT;
    uint8_t iv[BLOCK], *at;
    size_t start = out->len;
    enum rc rc = scp03_iv(session, first, iv);
    if (rc == RC_OK)
        rc = buf_extend(out, data.len, &at);
    if (rc)
        return rc;
    rc = scp03_cbc(&session->enc, false, iv, data.data, data.len, at);
    size_t len = data.len;
    while (rc == RC_OK && len && at[len - 1] == 0)
        len--;
    if (rc == RC_OK && (len == 0 || at[len - 1] != 0x80 || data.len - len >= BLOCK))
        rc = RC_FORMAT;
    buf_truncate(out, rc ? start : start + len - 1);
    return rc;
}

/* --- commands ------------------------------------------------------------------------------------------------------ */

/* A command APDU taken apart: the Le field is kept as its value, 0 for none. */
struct scp03_command {
    const uint8_t *header;
    struct bytes data;
    uint32_t le;
    bool extended;
};

static enum rc scp03_take_apart(struct bytes apdu, struct scp03_command *command)
{
    if (apdu.len < HEADER_LEN)
        return RC_FORMAT;
    struct scp03_command c = { .header = apdu.data };
    const uint8_t *body = apdu.data + HEADER_LEN;
    size_t len = apdu.len - HEADER_LEN, size = 1;
    c.extended = len >= 3 && body[0] == 0;
    if (c.extended) {
        size = 2;
        body++;
        len--;
    }
    if (len > size) { /* a length and data */
        size_t lc = size == 2 ? (size_t)body[0] << 8 | body[1] : body[0];
        if (lc == 0 || lc > len - size)
            return RC_FORMAT;
        c.data = bytes_of(body + size, lc);
        body += size + lc;
        len -= size + lc;
    }
    if (len != 0 && len != size)
        return RC_FORMAT;
    if (len) {
        c.le = size == 2 ? (uint32_t)body[0] << 8 | body[1] : body[0];
        if (c.le == 0)
            c.le = size == 2 ? 65536u : 256u;
    }
    *command = c;
    return RC_OK;
}

/* Appends header and Lc of a command with lc bytes of data. */
static enum rc scp03_put_header(const uint8_t *header, unsigned cla, size_t lc, bool extended, struct buf *out)
{
    enum rc rc = buf_append_u8(out, cla);
    if (rc == RC_OK)
        rc = buf_append(out, header + 1, HEADER_LEN - 1);
    if (rc == RC_OK && lc && extended)
        rc = buf_append_u8(out, 0);
    if (rc == RC_OK && lc)
        rc = extended ? buf_append_u16(out, (unsigned)lc) : buf_append_u8(out, (unsigned)lc);
    return rc;
}

static enum rc scp03_put_le(uint32_t le, bool extended, bool data, struct buf *out)
{
    enum rc rc = RC_OK;
    if (le == 0)
        return RC_OK;
    if (extended && !data)
        rc = buf_append_u8(out, 0);
    if (rc)
        return rc;
    return extended ? buf_append_u16(out, le) : buf_append_u8(out, le);
}

/* The MAC over the chaining value and the command as it stands in `head` (header, Lc and data without the MAC). */
static enum rc scp03_command_mac(const struct scp03_session *session, struct bytes head, uint8_t mac[BLOCK])
{
    const struct bytes pieces[] = { bytes_of(session->chain, BLOCK), head };
    return scp03_cmac(&session->mac, pieces, 2, mac);
}

enum rc scp03_wrap(struct scp03_session *session, bool encrypt, struct bytes command, struct buf *out)
{
    struct scp03_command plain;
    struct buf data = { 0 };
    size_t start = out->len;
    uint8_t mac[BLOCK];
    enum rc rc = scp03_take_apart(command, &plain);
    if (rc)
        return rc;
    if (encrypt)
        session->counter++; /* counts commands without data too, and before any failure: a number is never used twice */
    if (encrypt && plain.data.len)
        rc = scp03_encrypt(session, 0, plain.data, &data);
    else
        rc = buf_append_bytes(&data, plain.data);
    size_t lc = data.len + SCP03_MAC_LEN;
    if (rc == RC_OK && lc > 65535)
        rc = RC_RANGE;
    bool extended = plain.extended || lc > 255 || plain.le > 256;
    if (rc == RC_OK)
        rc = scp03_put_header(plain.header, plain.header[0] | CLA_SECURED, lc, extended, out);
    if (rc == RC_OK)
        rc = buf_append_bytes(out, buf_bytes(&data));
    if (rc == RC_OK)
        rc = scp03_command_mac(session, buf_bytes_from(out, start), mac);
    if (rc == RC_OK)
        rc = buf_append(out, mac, SCP03_MAC_LEN);
    if (rc == RC_OK)
        rc = scp03_put_le(plain.le, extended, true, out);
    if (rc == RC_OK)
        memcpy(session->chain, mac, BLOCK);
    else
        buf_truncate(out, start);
    buf_wipe(&data);
    return rc;
}

enum rc scp03_unwrap(struct scp03_session *session, bool encrypted, struct bytes command, struct buf *out)
{
    struct scp03_command secured;
    struct buf data = { 0 };
    size_t start = out->len;
    uint8_t mac[BLOCK];
    enum rc rc = scp03_take_apart(command, &secured);
    if (rc)
        return rc;
    if (!(secured.header[0] & CLA_SECURED) || secured.data.len < SCP03_MAC_LEN)
        return RC_BAD_SIGNATURE;
    struct bytes body = bytes_of(secured.data.data, secured.data.len - SCP03_MAC_LEN);
    const struct bytes head = bytes_of(command.data, (size_t)(body.data - command.data) + body.len);
    rc = scp03_command_mac(session, head, mac);
    if (rc)
        return rc;
    if (CRYPTO_memcmp(mac, body.data + body.len, SCP03_MAC_LEN) != 0)
        return RC_BAD_SIGNATURE;
    memcpy(session->chain, mac, BLOCK);
    if (encrypted)
        session->counter++;
    if (encrypted && body.len)
        rc = scp03_decrypt(session, 0, body, &data);
    else
        rc = buf_append_bytes(&data, body);
    bool extended = secured.extended;
    if (rc == RC_OK)
        rc = scp03_put_header(secured.header, secured.header[0] & ~CLA_SECURED, data.len, extended, out);
    if (rc == RC_OK)
        rc = buf_append_bytes(out, buf_bytes(&data));
    if (rc == RC_OK)
        rc = scp03_put_le(secured.le, extended, data.len > 0, out);
    if (rc)
        buf_truncate(out, start);
    buf_wipe(&data);
    return rc;
}

/* --- responses ----------------------------------------------------------------------------------------------------- */

static bool scp03_is_protected(const uint8_t *sw)
{
    return (sw[0] == 0x90 && sw[1] == 0x00) || sw[0] == 0x62 || sw[0] == 0x63;
}

/* The response MAC takes the chaining value of the command that is answered and does not advance it. */
static enum rc scp03_response_mac(const struct scp03_session *session, struct bytes data, const uint8_t *sw,
                                  uint8_t mac[BLOCK])
{
    const struct bytes pieces[] = { bytes_of(session->chain, BLOCK), data, bytes_of(sw, 2) };
    return scp03_cmac(&session->rmac, pieces, 3, mac);
}

enum rc scp03_wrap_response(struct scp03_session *session, struct bytes response, struct buf *out)
{
    if (response.len < 2)
        return RC_FORMAT;
    const uint8_t *sw = response.data + response.len - 2;
    if (!scp03_is_protected(sw))
        return buf_append(out, sw, 2); /* an error carries no data */
    size_t start = out->len;
    struct bytes data = bytes_of(response.data, response.len - 2);
    uint8_t mac[BLOCK];
    enum rc rc = data.len ? scp03_encrypt(session, 0x80, data, out) : RC_OK;
    if (rc == RC_OK)
        rc = scp03_response_mac(session, buf_bytes_from(out, start), sw, mac);
    if (rc == RC_OK)
        rc = buf_append(out, mac, SCP03_MAC_LEN);
    if (rc == RC_OK)
        rc = buf_append(out, sw, 2);
    if (rc)
        buf_truncate(out, start);
    return rc;
}

enum rc scp03_unwrap_response(struct scp03_session *session, struct bytes response, struct buf *out)
{
    if (response.len < 2)
        return RC_FORMAT;
    const uint8_t *sw = response.data + response.len - 2;
    if (!scp03_is_protected(sw))
        return response.len == 2 ? buf_append(out, sw, 2) : RC_FORMAT;
    if (response.len < 2 + SCP03_MAC_LEN)
        return RC_BAD_SIGNATURE;
    size_t start = out->len;
    struct bytes data = bytes_of(response.data, response.len - 2 - SCP03_MAC_LEN);
    uint8_t mac[BLOCK];
    enum rc rc = scp03_response_mac(session, data, sw, mac);
    if (rc)
        return rc;
    if (CRYPTO_memcmp(mac, data.data + data.len, SCP03_MAC_LEN) != 0)
        return RC_BAD_SIGNATURE;
    if (data.len)
        rc = scp03_decrypt(session, 0x80, data, out);
    if (rc == RC_OK)
        rc = buf_append(out, sw, 2);
    if (rc)
        buf_truncate(out, start);
    return rc;
}

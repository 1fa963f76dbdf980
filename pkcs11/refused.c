/* refused.c — tags of refused PINs: HMAC-SHA-256 under a key of this process that exists in locked memory only, so that a
 * tag found elsewhere cannot be tried against the ten thousand PINs there are. The caller holds the module's lock. */
#include "pkcs11/refused.h"

#include "base/random.h"
#include "pkcs11/crypto.h"

#include <openssl/evp.h>

#include <string.h>

#define TAG_LEN 32u
#define ENTRIES_MAX 32u /* the oldest gives way: more wrong PINs than any card has tries */

struct entry {
    uint8_t card[TAG_LEN], value[TAG_LEN];
    unsigned tries;
};

static struct secret key;
static struct entry entries[ENTRIES_MAX];
static size_t entry_count;

/* value may be NULL: the tag of the card alone. */
static enum rc tag_make(const struct refused_card *card, const struct secret *value, uint8_t *tag)
{
    struct secret input = { 0 };
    enum rc rc = RC_OK;
    if (!key.data) {
        uint8_t fresh[TAG_LEN];
        rc = random_bytes(fresh, sizeof(fresh));
        if (!rc)
            rc = secret_dup(&key, fresh, sizeof(fresh));
        OPENSSL_cleanse(fresh, sizeof(fresh));
    }
    if (!rc && card->identity.len > SECRET_MAX - 64)
        rc = RC_RANGE;
    if (!rc)
        rc = secret_init(&input, SECRET_MAX);
    if (rc)
        return rc;
    input.data[0] = (uint8_t)card->pin;
    input.data[1] = value ? (uint8_t)value->len : 0xFF;
    input.len = 2;
    if (value && value->len <= 32) {
        memcpy(input.data + input.len, value->data, value->len);
        input.len += value->len;
    }
    memcpy(input.data + input.len, card->identity.data, card->identity.len);
    input.len += card->identity.len;
    size_t len = 0;
    if (!EVP_Q_mac(crypto_context(), "HMAC", NULL, "SHA256", NULL, key.data, key.len, input.data, input.len, tag, TAG_LEN,
                   &len)
        || len != TAG_LEN)
        rc = RC_CRYPTO;
    secret_wipe(&input);
    return rc;
}

enum rc refused_find(const struct refused_card *card, const struct secret *value, unsigned *tries)
{
    uint8_t tag[TAG_LEN];
    enum rc rc = tag_make(card, value, tag);
    if (rc)
        return rc;
    for (size_t i = 0; i < entry_count; i++) {
        if (CRYPTO_memcmp(entries[i].value, tag, TAG_LEN) == 0) {
            *tries = entries[i].tries;
            return RC_OK;
        }
    }
    return RC_NOT_FOUND;
}

enum rc refused_add(const struct refused_card *card, const struct secret *value, unsigned tries)
{
    struct entry entry = { .tries = tries };
    enum rc rc = tag_make(card, NULL, entry.card);
    if (!rc)
        rc = tag_make(card, value, entry.value);
    if (rc)
        return rc;
    if (entry_count == ENTRIES_MAX) {
        memmove(entries, entries + 1, (ENTRIES_MAX - 1) * sizeof(entries[0]));
        entry_count--;
    }
    entries[entry_count++] = entry;
    return RC_OK;
}

void refused_clear(const struct refused_card *card)
{
    uint8_t tag[TAG_LEN];
    if (entry_count == 0 || tag_make(card, NULL, tag))
        return;
    size_t kept = 0;
    for (size_t i = 0; i < entry_count; i++)
        if (CRYPTO_memcmp(entries[i].card, tag, TAG_LEN) != 0)
            entries[kept++] = entries[i];
    entry_count = kept;
}

void refused_wipe(void)
{
    secret_wipe(&key);
    OPENSSL_cleanse(entries, sizeof(entries));
    entry_count = 0;
}

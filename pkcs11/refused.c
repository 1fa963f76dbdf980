/* refused.c — tags of refused PINs: HMAC-SHA-256 under a random key of this login. The key stands in a folder of the user's
 * runtime directory, in memory that the system gives up when the user logs out; a tag found later, on a disk or in a core, can
 * then not be tried against the ten thousand PINs there are (docs/PINSAFETY.md). */
#include "pkcs11/refused.h"

#include "base/random.h"
#include "pkcs11/crypto.h"
#include "pkcs11/runtime.h"

#include <openssl/evp.h>

#include <pthread.h>
#include <string.h>

#define TAG_LEN 32u
#define ENTRIES_MAX 32u /* the oldest gives way: more wrong PINs than any card has tries */
#define TOLD 0xFEu      /* in place of a count: an application was told of the last try */

struct entry {
    uint8_t card[TAG_LEN], value[TAG_LEN];
    uint32_t tries;
};

/* The same in memory and in the shared file. */
struct memory {
    uint8_t magic[8];
    uint64_t generation;
    uint32_t count, unused;
    struct entry entries[ENTRIES_MAX];
};

static const uint8_t magic[8] = "jpkiref1";
static struct secret key;
static struct memory own; /* as last read, or all there is */
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER; /* of both: the cards of two readers are used at once */

/* The shared memory as it is now, locked until memory_close: for other processes, and for other threads. */
static int memory_open(void)
{
    pthread_mutex_lock(&gate);
    int fd = runtime_open("refused");
    struct memory read;
    if (fd >= 0 && runtime_read(fd, &read, sizeof(read)) && memcmp(read.magic, magic, sizeof(magic)) == 0
        && read.count <= ENTRIES_MAX)
        own = read;
    else if (fd >= 0)
        memset(&own, 0, sizeof(own));
    memcpy(own.magic, magic, sizeof(magic));
    return fd;
}

static void memory_close(int fd, bool changed)
{
    runtime_close(fd, changed ? &own : NULL, sizeof(own));
    pthread_mutex_unlock(&gate);
}

static enum rc key_read(void)
{
    uint8_t bytes[TAG_LEN];
    int fd = runtime_open("key");
    bool made = fd < 0 || !runtime_read(fd, bytes, sizeof(bytes));
    enum rc rc = made ? random_bytes(bytes, sizeof(bytes)) : RC_OK;
    runtime_close(fd, made && !rc ? bytes : NULL, sizeof(bytes));
    if (!rc)
        rc = secret_dup(&key, bytes, sizeof(bytes));
    OPENSSL_cleanse(bytes, sizeof(bytes));
    return rc;
}

/* The login's key: whoever comes first makes it. Once known it stays what it is. */
static enum rc key_get(void)
{
    pthread_mutex_lock(&gate);
    enum rc rc = key.data ? RC_OK : key_read();
    pthread_mutex_unlock(&gate);
    return rc;
}

/* value may be NULL: the tag of the card alone. */
static enum rc tag_make(const struct refused_card *card, const struct secret *value, uint8_t *tag)
{
    struct secret input = { 0 };
    enum rc rc = key_get();
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
    rc = RC_NOT_FOUND;
    int fd = memory_open();
    for (uint32_t i = own.count; i-- > 0 && rc;) {
        if (CRYPTO_memcmp(own.entries[i].value, tag, TAG_LEN) == 0) {
            *tries = own.entries[i].tries;
            rc = RC_OK;
        }
    }
    memory_close(fd, false);
    return rc;
}

static void memory_add(const struct entry *entry)
{
    if (own.count == ENTRIES_MAX) {
        memmove(own.entries, own.entries + 1, (ENTRIES_MAX - 1) * sizeof(own.entries[0]));
        own.count--;
    }
    own.entries[own.count++] = *entry;
}

enum rc refused_add(const struct refused_card *card, const struct secret *value, unsigned tries)
{
    struct entry entry = { .tries = tries };
    enum rc rc = tag_make(card, NULL, entry.card);
    if (!rc)
        rc = tag_make(card, value, entry.value);
    if (rc)
        return rc;
    int fd = memory_open();
    own.generation++;
    memory_add(&entry);
    memory_close(fd, true);
    return RC_OK;
}

void refused_clear(const struct refused_card *card)
{
    uint8_t tag[TAG_LEN];
    if (!refused_any() || tag_make(card, NULL, tag))
        return;
    int fd = memory_open();
    uint32_t kept = 0, before = own.count;
    for (uint32_t i = 0; i < before; i++)
        if (CRYPTO_memcmp(own.entries[i].card, tag, TAG_LEN) != 0)
            own.entries[kept++] = own.entries[i];
    own.count = kept;
    memory_close(fd, kept != before);
}

bool refused_was_told(const struct refused_card *card)
{
    uint8_t tag[TAG_LEN];
    bool told = false;
    if (tag_make(card, NULL, tag))
        return false;
    int fd = memory_open();
    for (uint32_t i = 0; i < own.count; i++)
        told = told || (own.entries[i].tries == TOLD && CRYPTO_memcmp(own.entries[i].card, tag, TAG_LEN) == 0);
    memory_close(fd, false);
    return told;
}

enum rc refused_tell(const struct refused_card *card)
{
    struct entry entry = { .tries = TOLD };
    enum rc rc = tag_make(card, NULL, entry.card);
    if (rc)
        return rc;
    int fd = memory_open();
    memory_add(&entry);
    memory_close(fd, true);
    return RC_OK;
}

bool refused_any(void)
{
    int fd = memory_open();
    bool any = own.count != 0;
    memory_close(fd, false);
    return any;
}

uint64_t refused_generation(void)
{
    int fd = memory_open();
    uint64_t generation = own.generation;
    memory_close(fd, false);
    return generation;
}

void refused_disturb(void)
{
    int fd = memory_open();
    own.generation++;
    memory_close(fd, true);
}

void refused_wipe(void)
{
    secret_wipe(&key);
    OPENSSL_cleanse(&own, sizeof(own));
}

void refused_after_fork(void)
{
    pthread_mutex_t fresh = PTHREAD_MUTEX_INITIALIZER;
    gate = fresh;
}

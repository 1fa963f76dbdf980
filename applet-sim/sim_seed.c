/* sim_seed.c — a generator of SHA-256 over seed and counter, put in the place of OpenSSL's. The way to do that in OpenSSL 3.0
 * is deprecated (its successor wants a provider of one's own), which is why this file alone silences the warning. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "applet-sim/sim_seed.h"

#include "base/log.h"
#include "base/random.h"

#include <openssl/rand.h>
#include <openssl/sha.h>
#include <string.h>

static struct {
    bool used;
    uint64_t seed, counter;
} generator;

static int seed_fill(unsigned char *out, int len)
{
    for (size_t at = 0; at < (size_t)len;) {
        uint8_t in[16], block[SHA256_DIGEST_LENGTH];
        memcpy(in, &generator.seed, 8);
        memcpy(in + 8, &generator.counter, 8);
        generator.counter++;
        SHA256(in, sizeof in, block);
        size_t take = (size_t)len - at < sizeof block ? (size_t)len - at : sizeof block;
        memcpy(out + at, block, take);
        at += take;
    }
    return 1;
}

static int seed_status(void)
{
    return 1;
}

enum rc sim_seed_use(uint64_t seed)
{
    static const RAND_METHOD method = { .bytes = seed_fill, .pseudorand = seed_fill, .status = seed_status };
    generator.seed = seed;
    generator.counter = 0;
    if (!RAND_set_rand_method(&method))
        return RC_CRYPTO;
    generator.used = true;
    log_warning("PREDICTABLE RANDOMNESS from seed %llu: whoever knows it knows every key made now. FOR TESTS ONLY",
                (unsigned long long)seed);
    return RC_OK;
}

bool sim_seed_used(void)
{
    return generator.used;
}

enum rc sim_seed_bytes(void *out, size_t len)
{
    if (!generator.used)
        return random_bytes(out, len);
    if (len > INT32_MAX)
        return RC_RANGE;
    return seed_fill(out, (int)len) ? RC_OK : RC_CRYPTO;
}

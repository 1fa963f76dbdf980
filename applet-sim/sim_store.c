/* sim_store.c — card, key and lock as files. The key is durable before the first image, so a killed creation leaves either
 * nothing or a card that opens. */
#include "applet-sim/sim_store.h"

#include "applet-sim/sim_seed.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/random.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MARK "test-only "
#define MARK_LEN (sizeof MARK - 1)

struct sim_store {
    char *path;
    int lock;
    struct secret key;
    struct sim *sim;
    bool test_only;
    sim_watch_fn watch;
    void *watcher;
};

/* The key of a marked card is this hash of what the file says: without the mark the seal does not open. */
static enum rc store_mark_key(struct secret *key)
{
    uint8_t hash[EVP_MAX_MD_SIZE];
    unsigned hash_len;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    enum rc rc = RC_CRYPTO;
    if (ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) && EVP_DigestUpdate(ctx, MARK, MARK_LEN)
        && EVP_DigestUpdate(ctx, key->data, key->len) && EVP_DigestFinal_ex(ctx, hash, &hash_len))
        rc = secret_set(key, hash, hash_len);
    EVP_MD_CTX_free(ctx);
    explicit_bzero(hash, sizeof hash);
    return rc;
}

/* A key in a file as hex digits or raw bytes; *marked when the mark stands before the digits (marked NULL: no mark). */
static enum rc store_read_key(const char *path, size_t len, struct secret *key, bool *marked, struct err *err)
{
    struct secret text = { 0 };
    struct buf bytes = { 0 };
    enum rc rc = secret_read_file(&text, path);
    if (rc)
        return err_set(err, rc, "%s: %s", path, rc == RC_DENIED ? "others may read it; chmod 600" : rc_text(rc));
    bool mark = marked && text.len == MARK_LEN + 2 * len && memcmp(text.data, MARK, MARK_LEN) == 0;
    size_t skip = mark ? MARK_LEN : 0;
    if (marked)
        *marked = mark;
    if (text.len == len) {
        *key = text;
        return RC_OK;
    }
    char hex[2 * SIM_SEAL_KEY_LEN + 1] = "";
    if (text.len - skip == 2 * len && 2 * len < sizeof hex)
        memcpy(hex, text.data + skip, 2 * len);
    rc = hex_decode(hex, &bytes);
    if (rc || bytes.len != len)
        rc = err_set(err, RC_FORMAT, "%s: not a key of %zu bytes (write it as %zu hex digits)", path, len, 2 * len);
    else
        rc = secret_dup(key, bytes.data, len);
    if (rc == RC_OK && mark && (rc = store_mark_key(key)))
        secret_wipe(key);
    explicit_bzero(hex, sizeof hex);
    buf_wipe(&bytes);
    secret_wipe(&text);
    return rc;
}

/* The kernel's randomness also under a seed: a nonce of the seal must never come twice under one key. */
static enum rc store_make_key(const char *path, size_t len, bool mark, struct err *err)
{
    uint8_t bytes[SIM_SEAL_KEY_LEN];
    char text[MARK_LEN + 2 * SIM_SEAL_KEY_LEN + 2] = MARK;
    size_t skip = mark ? MARK_LEN : 0;
    enum rc rc = random_bytes(bytes, len);
    if (rc == RC_OK) {
        hex_encode(bytes_of(bytes, len), text + skip);
        text[skip + 2 * len] = '\n';
        rc = file_create(path, bytes_of(text, skip + 2 * len + 1), 0600, err);
    }
    explicit_bzero(bytes, sizeof bytes);
    explicit_bzero(text, sizeof text);
    return rc;
}

/* marked NULL: a key that has no mark. */
static enum rc store_key(const char *path, size_t len, struct secret *key, bool *marked, struct err *err)
{
    if (access(path, F_OK) != 0) {
        enum rc rc = store_make_key(path, len, marked && sim_seed_used(), err);
        if (rc && rc != RC_EXISTS)
            return rc;
    }
    return store_read_key(path, len, key, marked, err);
}

/* A seed goes with marked cards only. */
static enum rc store_judge_mark(const struct sim_store *store, struct err *err)
{
    if (sim_seed_used() && !store->test_only)
        return err_set(err, RC_DENIED, "%s: not made from a seed, so none is used with it", store->path);
    if (store->test_only)
        log_warning("%s: FOR TESTS ONLY, its keys were made from a seed", store->path);
    return RC_OK;
}

enum rc sim_store_master(const char *path, struct secret *master, struct err *err)
{
    return store_key(path, APPLET_ISSUER_KEY_LEN, master, NULL, err);
}

/* What a power cut in the middle of file_write_atomic leaves: a part of a file that nobody will name. */
static void store_tear(const struct sim_store *store, struct bytes image)
{
    char *name = NULL;
    if (asprintf(&name, "%s.torn", store->path) < 0)
        return;
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd >= 0) {
        ssize_t written = write(fd, image.data, image.len / 2);
        (void)written; /* torn anyway */
        close(fd);
    }
    free(name);
}

static enum rc store_save(void *context, struct bytes image)
{
    const struct sim_store *store = context;
    enum sim_write fate = store->watch ? store->watch(store->watcher) : SIM_WRITE_WHOLE;
    if (fate == SIM_WRITE_TORN)
        store_tear(store, image);
    if (fate != SIM_WRITE_WHOLE)
        return RC_IO;
    fault_point("sim.before_save");
    enum rc rc = file_write_atomic(store->path, image, 0600, NULL);
    fault_point("sim.after_save");
    return rc;
}

void sim_store_close(struct sim_store *store)
{
    if (!store)
        return;
    sim_free(store->sim);
    secret_wipe(&store->key);
    if (store->lock >= 0)
        close(store->lock);
    free(store->path);
    free(store);
}

/* The lock, and the name of the key's file, which the caller frees. */
static enum rc store_begin(const char *path, const char *own_key, struct sim_store **store, char **key_path, struct err *err)
{
    struct sim_store *made = calloc(1, sizeof *made);
    char *lock_path = NULL, *key = NULL;
    enum rc rc = RC_NOMEM;
    if (!made)
        return RC_NOMEM;
    made->lock = -1;
    made->path = strdup(path);
    if (!made->path || asprintf(&lock_path, "%s.lock", path) < 0 || asprintf(&key, "%s%s", own_key ? own_key : path, own_key ? "" : ".key") < 0)
        goto out;
    rc = file_lock(lock_path, &made->lock, err);
out:
    free(lock_path);
    if (rc) {
        free(key);
        sim_store_close(made);
        return rc;
    }
    *store = made;
    *key_path = key;
    return RC_OK;
}

enum rc sim_store_create(const char *path, const char *key, const struct sim_birth *birth, const struct secret *master,
                         struct sim_store **store, struct err *err)
{
    struct sim_store *made;
    char *key_path;
    if (key && access(key, F_OK) != 0)
        return err_set_errno(err, RC_NOT_FOUND, "%s", key);
    enum rc rc = store_begin(path, key, &made, &key_path, err);
    if (rc)
        return rc;
    if (access(path, F_OK) == 0)
        rc = err_set(err, RC_EXISTS, "%s: there is a card already", path);
    if (rc == RC_OK)
        rc = key ? store_read_key(key_path, SIM_SEAL_KEY_LEN, &made->key, &made->test_only, err)
                 : store_key(key_path, SIM_SEAL_KEY_LEN, &made->key, &made->test_only, err);
    if (rc == RC_OK)
        rc = store_judge_mark(made, err);
    const struct sim_config config = { &made->key, store_save, made };
    if (rc == RC_OK)
        rc = sim_create(&config, birth, master, &made->sim);
    if (rc)
        err_set(err, rc, "%s: %s", path, rc == RC_RANGE ? "a serial number has at most 16 digits" : rc_text(rc));
    free(key_path);
    if (rc)
        sim_store_close(made);
    else
        *store = made;
    return rc;
}

enum rc sim_store_open(const char *path, const char *key, struct sim_store **store, struct err *err)
{
    struct sim_store *made;
    struct buf image = { 0 };
    char *key_path;
    if (access(path, F_OK) != 0) /* before a lock is left beside nothing */
        return err_set_errno(err, RC_NOT_FOUND, "%s", path);
    enum rc rc = store_begin(path, key, &made, &key_path, err);
    if (rc)
        return rc;
    rc = store_read_key(key_path, SIM_SEAL_KEY_LEN, &made->key, &made->test_only, err);
    if (rc == RC_OK)
        rc = store_judge_mark(made, err);
    if (rc == RC_OK)
        rc = file_read(path, &image, err);
    const struct sim_config config = { &made->key, store_save, made };
    if (rc == RC_OK)
        rc = sim_open(&config, buf_bytes(&image), &made->sim);
    if (rc)
        err_set(err, rc, "%s: %s", path, rc == RC_BAD_SIGNATURE ? "changed, or sealed under another key" : rc_text(rc));
    buf_wipe(&image);
    free(key_path);
    if (rc)
        sim_store_close(made);
    else
        *store = made;
    return rc;
}

enum rc sim_store_reopen(struct sim_store *store)
{
    struct buf image = { 0 };
    const struct sim_config config = { &store->key, store_save, store };
    sim_free(store->sim);
    store->sim = NULL;
    enum rc rc = file_read(store->path, &image, NULL);
    if (rc == RC_OK)
        rc = sim_open(&config, buf_bytes(&image), &store->sim);
    buf_wipe(&image);
    return rc;
}

void sim_store_watch(struct sim_store *store, sim_watch_fn watch, void *context)
{
    store->watch = watch;
    store->watcher = context;
}

struct sim *sim_store_get(struct sim_store *store)
{
    return store->sim;
}

bool sim_store_test_only(const struct sim_store *store)
{
    return store->test_only;
}

const char *sim_store_path(const struct sim_store *store)
{
    return store->path;
}

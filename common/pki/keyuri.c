/* keyuri.c — private keys where they live: in a PKCS#11 token through libp11, or in a PEM file. The only file that
 * links libp11. */
#include "pki/keyuri.h"

#include "pki/keyuri_parts.h"

#include <libp11.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A loaded module. Closing one libp11 context ends the module for the whole process (C_Finalize), so the keys of one
 * module share one, and the last key to close unloads it. A child of fork(2) starts with none: what it inherited is its
 * parent's. */
struct keyuri_module {
    char *path;
    PKCS11_CTX *ctx;
    PKCS11_SLOT *slots;
    unsigned count, users;
    pid_t owner;
    struct keyuri_module *next;
};

struct keyuri {
    EVP_PKEY *key;
    struct keyuri_module *module; /* NULL for a key from a file */
};

static pthread_mutex_t keyuri_lock = PTHREAD_MUTEX_INITIALIZER;
static struct keyuri_module *keyuri_modules;

static void keyuri_module_free(struct keyuri_module *module)
{
    if (module->slots)
        PKCS11_release_all_slots(module->ctx, module->slots, module->count);
    if (module->ctx)
        PKCS11_CTX_free(module->ctx);
    free(module->path);
    free(module);
}

static enum rc keyuri_module_load(const char *path, struct keyuri_module **module, struct err *err)
{
    enum rc rc = RC_NOMEM;
    struct keyuri_module *made = calloc(1, sizeof *made);
    if (!made)
        return rc;
    made->path = strdup(path);
    made->ctx = PKCS11_CTX_new();
    made->owner = getpid();
    if (!made->path || !made->ctx)
        goto fail;
    if (PKCS11_CTX_load(made->ctx, path) != 0) {
        rc = err_set(err, RC_NOT_FOUND, "%s: no PKCS#11 module", path);
        goto fail;
    }
    if (PKCS11_enumerate_slots(made->ctx, &made->slots, &made->count) != 0) {
        PKCS11_CTX_unload(made->ctx);
        rc = err_set(err, RC_CRYPTO, "%s: the module lists no slots", path);
        goto fail;
    }
    *module = made;
    return RC_OK;
fail:
    ERR_clear_error();
    keyuri_module_free(made);
    return rc;
}

/* Under the lock. One module under two names would be started twice, and its sessions end with the first to close. */
static enum rc keyuri_module_take(const char *named, struct keyuri_module **module, struct err *err)
{
    char real[PATH_MAX];
    const char *path = realpath(named, real) ? real : named;
    if (keyuri_modules && keyuri_modules->owner != getpid())
        keyuri_modules = NULL;
    for (struct keyuri_module *at = keyuri_modules; at; at = at->next) {
        if (strcmp(at->path, path) == 0) {
            at->users++;
            *module = at;
            return RC_OK;
        }
    }
    struct keyuri_module *made = NULL;
    enum rc rc = keyuri_module_load(path, &made, err);
    if (rc)
        return rc;
    made->users = 1;
    made->next = keyuri_modules;
    keyuri_modules = made;
    *module = made;
    return RC_OK;
}

/* Under the lock. */
static void keyuri_module_release(struct keyuri_module *module)
{
    if (module->owner != getpid() || --module->users)
        return;
    struct keyuri_module **link = &keyuri_modules;
    while (*link && *link != module)
        link = &(*link)->next;
    if (*link)
        *link = module->next;
    PKCS11_release_all_slots(module->ctx, module->slots, module->count);
    module->slots = NULL;
    PKCS11_CTX_unload(module->ctx);
    keyuri_module_free(module);
}
/* ---- a key from a file ---- */

/* OpenSSL would ask on the terminal. */
static int keyuri_no_phrase(char *buffer, int size, int writing, void *context)
{
    (void)buffer;
    (void)size;
    (void)writing;
    (void)context;
    return -1;
}

static enum rc keyuri_open_file(const char *path, EVP_PKEY **key, struct err *err)
{
    struct secret content = {0};
    BIO *bio = NULL;
    EVP_PKEY *read = NULL;
    enum rc rc = secret_read_file(&content, path);
    if (rc) {
        err_set(err, rc, "%s: %s", path, rc == RC_DENIED ? "others may read the key" : rc_text(rc));
        goto out;
    }
    bio = BIO_new_mem_buf(content.data, (int)content.len);
    if (!bio) {
        rc = RC_NOMEM;
        goto out;
    }
    read = PEM_read_bio_PrivateKey(bio, NULL, keyuri_no_phrase, NULL);
    if (!read) {
        ERR_clear_error();
        rc = err_set(err, RC_FORMAT, "%s: no private key in PEM without a pass phrase", path);
        goto out;
    }
    *key = read;
out:
    BIO_free(bio);
    secret_wipe(&content);
    return rc;
}

/* ---- a key in a token ---- */

static void keyuri_pad(unsigned char *field, size_t size, const char *text)
{
    memset(field, ' ', size);
    size_t len = text ? strlen(text) : 0;
    if (len)
        memcpy(field, text, len < size ? len : size);
}

/* libp11 gives a token's names as strings; p11-kit compares them in the form of Cryptoki. */
static bool keyuri_is_token(const P11KitUri *uri, PKCS11_SLOT *slot)
{
    if (!slot->token || !slot->token->initialized)
        return false;
    CK_TOKEN_INFO info = {0};
    keyuri_pad(info.label, sizeof info.label, slot->token->label);
    keyuri_pad(info.manufacturerID, sizeof info.manufacturerID, slot->token->manufacturer);
    keyuri_pad(info.model, sizeof info.model, slot->token->model);
    keyuri_pad(info.serialNumber, sizeof info.serialNumber, slot->token->serialnr);
    return p11_kit_uri_match_token_info(uri, &info) == 1;
}

static enum rc keyuri_find_slot(const struct keyuri_module *module, const P11KitUri *uri, PKCS11_SLOT **slot,
                                struct err *err)
{
    PKCS11_SLOT *found = NULL;
    for (unsigned i = 0; i < module->count; i++) {
        if (!keyuri_is_token(uri, &module->slots[i]))
            continue;
        if (found)
            return err_set(err, RC_CONFLICT, "key URI: more than one token matches");
        found = &module->slots[i];
    }
    if (!found)
        return err_set(err, RC_NOT_FOUND, "key URI: the module has no such token");
    *slot = found;
    return RC_OK;
}

static enum rc keyuri_login(PKCS11_SLOT *slot, const struct keyuri_parts *parts, struct err *err)
{
    int logged_in = 0;
    if (!slot->token->loginRequired || (PKCS11_is_logged_in(slot, 0, &logged_in) == 0 && logged_in))
        return RC_OK;
    if (PKCS11_open_session(slot, 0) != 0)
        return err_set(err, RC_CRYPTO, "key URI: the token opens no session");
    struct secret pin = {0};
    enum rc rc = keyuri_parts_pin(parts, &pin, err);
    if (rc)
        return rc;
    ERR_clear_error();
    if (PKCS11_login(slot, 0, (const char *)pin.data) != 0) {
        rc = keyuri_parts_rc((unsigned long)ERR_GET_REASON(ERR_peek_last_error()));
        if (rc == RC_OK)
            rc = RC_CRYPTO;
        err_set(err, rc, "key URI: logging in to the token: %s", rc_text(rc));
        ERR_clear_error();
    }
    secret_wipe(&pin);
    return rc;
}

static bool keyuri_is_key(P11KitUri *uri, const PKCS11_KEY *key)
{
    const CK_ATTRIBUTE *label = p11_kit_uri_get_attribute(uri, CKA_LABEL);
    const CK_ATTRIBUTE *id = p11_kit_uri_get_attribute(uri, CKA_ID);
    const char *name = key->label ? key->label : "";
    if (label && !bytes_equal(bytes_of(label->pValue, label->ulValueLen), bytes_of(name, strlen(name))))
        return false;
    return !id || bytes_equal(bytes_of(id->pValue, id->ulValueLen), bytes_of(key->id, key->id_len));
}

static enum rc keyuri_find_key(PKCS11_SLOT *slot, P11KitUri *uri, EVP_PKEY **key, struct err *err)
{
    PKCS11_KEY *keys = NULL, *found = NULL;
    unsigned count = 0;
    if (PKCS11_enumerate_keys(slot->token, &keys, &count) != 0)
        return err_set(err, RC_CRYPTO, "key URI: the token lists no keys (CKR 0x%X)", (unsigned)ERR_GET_REASON(ERR_peek_last_error()));
    for (unsigned i = 0; i < count; i++) {
        if (!keys[i].isPrivate || !keyuri_is_key(uri, &keys[i]))
            continue;
        if (found)
            return err_set(err, RC_CONFLICT, "key URI: more than one key matches");
        found = &keys[i];
    }
    if (!found)
        return err_set(err, RC_NOT_FOUND, "key URI: the token has no such private key");
    EVP_PKEY *read = PKCS11_get_private_key(found);
    if (!read)
        return err_set(err, RC_CRYPTO, "key URI: the key is of a kind that is not used here");
    *key = read;
    return RC_OK;
}

static enum rc keyuri_open_token(struct keyuri *key, const struct keyuri_parts *parts, struct err *err)
{
    PKCS11_SLOT *slot = NULL;
    pthread_mutex_lock(&keyuri_lock);
    enum rc rc = keyuri_module_take(parts->module, &key->module, err);
    if (rc == RC_OK)
        rc = keyuri_find_slot(key->module, parts->uri, &slot, err);
    if (rc == RC_OK)
        rc = keyuri_login(slot, parts, err);
    if (rc == RC_OK)
        rc = keyuri_find_key(slot, parts->uri, &key->key, err);
    pthread_mutex_unlock(&keyuri_lock);
    return rc;
}

enum rc keyuri_open(const char *uri, struct keyuri **key, struct err *err)
{
    struct keyuri *made = calloc(1, sizeof *made);
    if (!made)
        return RC_NOMEM;
    enum rc rc;
    if (strncmp(uri, "pkcs11:", 7) == 0) {
        struct keyuri_parts parts;
        rc = keyuri_parts_parse(uri, &parts, err);
        if (rc == RC_OK) {
            rc = keyuri_open_token(made, &parts, err);
            keyuri_parts_wipe(&parts);
        }
    } else {
        rc = keyuri_open_file(uri, &made->key, err);
    }
    if (rc) {
        keyuri_close(made);
        return rc;
    }
    *key = made;
    return RC_OK;
}

void keyuri_close(struct keyuri *key)
{
    if (!key)
        return;
    pthread_mutex_lock(&keyuri_lock);
    EVP_PKEY_free(key->key);
    if (key->module)
        keyuri_module_release(key->module);
    pthread_mutex_unlock(&keyuri_lock);
    free(key);
}

EVP_PKEY *keyuri_get(struct keyuri *key)
{
    return key->key;
}

/* founding.c — each step can be repeated: the plan (with the keys' labels) is written first, a key that exists under its
 * label is this founding's own, a certificate that is on disk is kept, and the plan becomes the configuration last. */
#include "ca/founding.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/random.h"
#include "ca/ca.h"
#include "ca/publish.h"
#include "ca/tbs.h"
#include "ca/trail.h"
#include "ca/validity.h"
#include "pki/cert.h"
#include "pki/keyuri.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Percent-encoding of a URI attribute (RFC 7512 §2.3): everything but letters, digits and a few marks. */
static enum rc uri_append(struct buf *out, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        enum rc rc = strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./", c)
                         ? buf_append_u8(out, c)
                         : buf_printf(out, "%%%02X", c);
        if (rc)
            return rc;
    }
    return RC_OK;
}

static enum rc plan_key(const struct founding *founding, const char *module, const char *pin_file, enum authority a,
                        const char *unique, struct caconfig *config, struct err *err)
{
    struct buf uri = { 0 };
    enum rc rc = buf_append_text(&uri, "pkcs11:token=");
    if (!rc)
        rc = uri_append(&uri, founding->token);
    if (!rc)
        rc = buf_printf(&uri, ";object=jpki-%s-%s;type=private?module-path=", authority_name(a), unique);
    if (!rc)
        rc = uri_append(&uri, module);
    if (!rc)
        rc = buf_append_text(&uri, "&pin-source=file:");
    if (!rc)
        rc = uri_append(&uri, pin_file);
    const char *text = rc ? NULL : buf_string(&uri);
    if (!rc && (!text || uri.len >= sizeof config->key_uri[a]))
        rc = err_set(err, RC_RANGE, "the token's label or a path is too long");
    if (!rc)
        snprintf(config->key_uri[a], sizeof config->key_uri[a], "%s", text);
    buf_wipe(&uri);
    return rc;
}

static enum rc plan_path(const char *path, char out[PATH_MAX], struct err *err)
{
    return realpath(path, out) ? RC_OK : err_set_errno(err, RC_NOT_FOUND, "%s", path);
}

/* The plan as it stands from a torn run, or a new one, written. */
static enum rc founding_plan(const struct founding *founding, struct caconfig *config, struct err *err)
{
    static char module[PATH_MAX], pin_file[PATH_MAX], publication[PATH_MAX];
    struct err quiet = { 0 };
    struct stat st;
    enum rc rc = caconfig_read(founding->state, CACONFIG_FOUNDING, config, &quiet);
    if (rc != RC_NOT_FOUND)
        return rc ? err_set(err, rc, "%s", quiet.text) : RC_OK;
    uint8_t unique[4];
    char unique_text[9];
    caconfig_defaults(founding->organisation, config);
    rc = plan_path(founding->module, module, err);
    if (!rc)
        rc = plan_path(founding->pin_file, pin_file, err);
    if (!rc && (stat(pin_file, &st) != 0 || st.st_mode & 077))
        rc = err_set(err, RC_DENIED, "the PIN file %s is readable by others", pin_file);
    char *folder = founding->publication ? strdup(founding->publication) : file_join(founding->state, "publication");
    if (!rc)
        rc = folder ? file_make_folder(folder, 0755, err) : RC_NOMEM;
    if (!rc)
        rc = plan_path(folder, publication, err);
    free(folder);
    if (!rc && founding->store && (!founding->store[0] || strlen(founding->store) >= sizeof config->store))
        rc = err_set(err, RC_RANGE, "the URL of the book is empty or too long");
    if (!rc && strlen(publication) >= sizeof config->publication)
        rc = err_set(err, RC_RANGE, "the publication folder's path is too long");
    if (!rc)
        rc = random_bytes(unique, sizeof unique);
    if (rc)
        return rc;
    snprintf(config->publication, sizeof config->publication, "%s", publication);
    if (founding->store)
        snprintf(config->store, sizeof config->store, "%s", founding->store);
    hex_encode(bytes_of(unique, sizeof unique), unique_text);
    for (enum authority a = 0; !rc && a < AUTHORITY_COUNT; a++)
        rc = plan_key(founding, module, pin_file, a, unique_text, config, err);
    config->suite[AUTHORITY_SIGN] = config->suite[AUTHORITY_AUTH] = founding->suite;
    return rc ? rc : caconfig_write(founding->state, CACONFIG_FOUNDING, config, err);
}

/* Self-signed certificate into folder/<authority>.cer; kept when it is there. */
static enum rc founding_certify(const struct founding *founding, const struct caconfig *config, enum authority a,
                                struct err *err)
{
    char *path = NULL;
    struct keyuri *key = NULL;
    unsigned char *spki = NULL;
    struct buf tbs = { 0 }, der = { 0 };
    uint32_t base = 0;
    char serial[9];
    if (asprintf(&path, "%s/%s.cer", founding->state, authority_name(a)) < 0)
        return RC_NOMEM;
    enum rc rc = RC_OK;
    if (access(path, F_OK) == 0)
        goto out;
    rc = keyuri_open(config->key_uri[a], &key, err);
    int len = rc ? 0 : i2d_PUBKEY(keyuri_get(key), &spki);
    if (!rc && len <= 0)
        rc = err_set(err, RC_CRYPTO, "the token does not tell the public key of %s", authority_name(a));
    if (!rc)
        rc = random_bytes(&base, sizeof base);
    if (rc)
        goto out;
    /* four bytes with room above: the counter starts here and stays four bytes long for a billion certificates */
    snprintf(serial, sizeof serial, "%08X", 0x01000000u + base % 0x2F000000u);
    int64_t now = clock_now();
    struct issuer issuer = { .suite = config->suite[a], .authority = a, .organisation = config->organisation };
    struct leaf leaf = { .serial = serial, .not_before = now, .not_after = validity_years(now, suite_row(config->suite[a])->authority_years),
                         .public_key = bytes_of(spki, (size_t)len) };
    rc = leaf_ca_tbs(&issuer, &leaf, &tbs, err);
    if (!rc)
        rc = tbs_sign(buf_bytes(&tbs), keyuri_get(key), &der, err);
    if (!rc)
        rc = file_write_atomic(path, buf_bytes(&der), 0644, err);
out:
    OPENSSL_free(spki);
    keyuri_close(key);
    buf_wipe(&tbs);
    buf_wipe(&der);
    free(path);
    return rc;
}

/* The authority's row, counting from the number behind its own certificate's. */
static enum rc founding_enter(struct ca *ca, enum authority a, struct err *err)
{
    struct buf serial = { 0 }, der = { 0 };
    char subject[64];
    enum rc rc = cert_serial(ca->issuers[a].cert, &serial);
    const char *text = rc ? NULL : buf_string(&serial);
    if (!rc)
        rc = text ? cert_encode(ca->issuers[a].cert, &der) : RC_NOMEM;
    if (!rc)
        rc = store_begin(ca->store, err);
    if (!rc) {
        snprintf(subject, sizeof subject, "%s %s", authority_name(a), text);
        rc = book_add_authority(ca->store, a, strtoll(text, NULL, 16) + 1, buf_bytes(&der), err);
        if (!rc)
            rc = trail_append(ca->store, "founder", "founded", subject, NULL, err, "organisation %s",
                              ca->config.organisation);
        if (!rc)
            rc = store_commit(ca->store, err);
        store_rollback(ca->store);
        if (rc == RC_EXISTS) { /* a torn run had come this far */
            err_reset(err);
            rc = RC_OK;
        }
    }
    buf_wipe(&serial);
    buf_wipe(&der);
    return rc;
}

static enum rc founding_open_books(const struct founding *founding, struct err *err)
{
    struct ca *ca = NULL;
    size_t count;
    enum rc rc = ca_open(founding->program, founding->state, CACONFIG_FOUNDING, CA_SIGN, &ca, err);
    for (enum authority a = 0; !rc && a < AUTHORITY_COUNT; a++)
        rc = founding_enter(ca, a, err);
    fault_point("found.after_entered");
    if (!rc)
        rc = publish_repair(ca, &count, err); /* CA certificates */
    for (enum authority a = 0; !rc && a < AUTHORITY_COUNT; a++)
        rc = publish_ensure(ca, a, "", err);
    if (!rc)
        rc = publish_repair(ca, &count, err); /* a torn run may have recorded a list and not written it */
    ca_close(ca);
    return rc;
}

enum rc founding_run(const struct founding *founding, struct err *err)
{
    static struct caconfig config;
    struct err quiet = { 0 };
    int lock = -1;
    char *lock_path = file_join(founding->state, "founding.lock");
    char *plan = file_join(founding->state, CACONFIG_FOUNDING);
    enum rc rc = lock_path && plan ? file_make_folder(founding->state, 0700, err) : RC_NOMEM;
    if (!rc)
        rc = file_lock(lock_path, &lock, err);
    if (!rc && caconfig_read(founding->state, CACONFIG_FILE, &config, &quiet) != RC_NOT_FOUND)
        rc = err_set(err, RC_EXISTS, "the authorities in %s are founded already", founding->state);
    if (!rc)
        rc = founding_plan(founding, &config, err);
    fault_point("found.after_plan");
    for (enum authority a = 0; !rc && a < AUTHORITY_COUNT; a++) {
        rc = keyuri_generate(config.key_uri[a], config.suite[a], err);
        if (rc == RC_EXISTS) {
            err_reset(err);
            rc = RC_OK;
        }
        fault_point("found.after_key");
    }
    for (enum authority a = 0; !rc && a < AUTHORITY_COUNT; a++) {
        rc = founding_certify(founding, &config, a, err);
        fault_point("found.after_certificate");
    }
    if (!rc)
        rc = founding_open_books(founding, err);
    fault_point("found.before_done");
    if (!rc)
        rc = caconfig_write(founding->state, CACONFIG_FILE, &config, err);
    fault_point("found.after_done");
    if (!rc)
        (void)unlink(plan);
    if (lock >= 0)
        close(lock);
    free(lock_path);
    free(plan);
    return rc;
}

/* ceremonyplan.c — what will be signed, worked out without signing. */
#include "ca/ceremonyplan.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/random.h"
#include "ca/leaf.h"
#include "ca/tbs.h"
#include "ca/trail.h"
#include "ca/validity.h"
#include "net/json.h"
#include "pki/cert.h"
#include "pki/keyuri.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PLAN_FILE "ceremony.json"

static const enum profile_kind ca_kinds[] = { PROFILE_SIGN_CA, PROFILE_AUTH_CA, PROFILE_OPS_CA };
static const enum profile_kind link_kinds[] = { PROFILE_SIGN_LINK, PROFILE_AUTH_LINK, PROFILE_OPS_LINK };

void ceremonyplan_wipe(struct ceremony_plan *plan)
{
    for (unsigned a = 0; a < AUTHORITY_COUNT; a++)
        EVP_PKEY_free(plan->public_keys[a]);
    for (unsigned i = 0; i < plan->count; i++)
        buf_wipe(&plan->certs[i].tbs);
    buf_wipe(&plan->text);
    *plan = (struct ceremony_plan) { 0 };
}

static void state_unlink(const char *state, const char *file)
{
    char *path = file_join(state, file);
    if (path)
        (void)unlink(path);
    free(path);
}

void ceremonyplan_remove(const char *state)
{
    state_unlink(state, PLAN_FILE);
    state_unlink(state, CACONFIG_PLANNED);
}

/* --- what: keys and certificates --------------------------------------------------------------------------------------- */

/* The script's URI with the new key's name in its path: "pkcs11:token=…;object=jpki-sign-…;type=private?…". */
static enum rc plan_key(struct ceremony_plan *plan, enum authority a, const char *unique, struct err *err)
{
    const char *hsm = plan->script->hsm, *query = strchr(hsm, '?');
    unsigned i = plan->config.generations[a]++;
    if (i >= CACONFIG_GENERATIONS)
        return err_set(err, RC_RANGE, "authority %s has had %u keys: no room for another", authority_name(a), i);
    char *uri = plan->config.key_uri[a][i];
    size_t size = sizeof plan->config.key_uri[a][i];
    int len = snprintf(uri, size, "%.*s;object=jpki-%s-%s;type=private%s", (int)(query - hsm), hsm, authority_name(a), unique,
                       query);
    plan->config.suite[a][i] = a == AUTHORITY_OPS ? plan->script->operations : plan->script->suite;
    return len > 0 && (size_t)len < size ? RC_OK : err_set(err, RC_RANGE, "the URI of the HSM is too long");
}

static void plan_cert(struct ceremony_plan *plan, enum authority a, enum profile_kind kind, unsigned subject, unsigned signer,
                      const char *suffix)
{
    struct ceremony_cert *cert = &plan->certs[plan->count++];
    unsigned named = subject > signer ? subject : signer; /* the generation that this ceremony makes */
    *cert = (struct ceremony_cert) { .authority = a, .kind = kind, .subject = subject, .signer = signer };
    if (named == 1)
        snprintf(cert->file, sizeof cert->file, "%s%s.cer", authority_name(a), suffix);
    else
        snprintf(cert->file, sizeof cert->file, "%s-%u%s.cer", authority_name(a), named, suffix);
}

static void plan_certs(struct ceremony_plan *plan)
{
    if (plan->script->act == CEREMONY_FOUND) {
        for (enum authority a = 0; a < AUTHORITY_COUNT; a++)
            plan_cert(plan, a, ca_kinds[a], 1, 1, "");
        return;
    }
    enum authority a = plan->script->authority;
    unsigned newest = plan->config.generations[a];
    plan_cert(plan, a, ca_kinds[a], newest, newest, "");
    plan_cert(plan, a, link_kinds[a], newest, newest - 1, "-new-with-old");
    plan_cert(plan, a, link_kinds[a], newest - 1, newest, "-old-with-new");
}

/* A founding's first number. Four bytes with room above: the counter starts here and stays four bytes long for a billion
 * certificates. */
static enum rc plan_first_serial(struct ceremony_cert *cert)
{
    uint32_t base = 0;
    enum rc rc = random_bytes(&base, sizeof base);
    snprintf(cert->serial, sizeof cert->serial, "%08X", 0x01000000u + base % 0x2F000000u);
    return rc;
}

enum rc ceremonyplan_book(const struct ceremony_plan *plan, struct store **store, struct err *err)
{
    char *url = caconfig_store(plan->state, &plan->config);
    enum rc rc = url ? book_open(url, store, err) : RC_NOMEM;
    free(url);
    return rc;
}

/* Numbers for every certificate. Of founded authorities they come from the book: for good, or only looked at. */
static enum rc plan_serials(struct ceremony_plan *plan, bool for_good, struct err *err)
{
    struct store *store = NULL;
    bool random = plan->config.random_serials, found = plan->script->act == CEREMONY_FOUND;
    enum rc rc = found ? RC_OK : ceremonyplan_book(plan, &store, err);
    if (!rc && store)
        rc = store_begin(store, err);
    for (unsigned i = 0; !rc && i < plan->count; i++) {
        struct ceremony_cert *cert = &plan->certs[i];
        rc = found && !random ? plan_first_serial(cert) : book_take_serial(store, cert->authority, random, cert->serial, err);
    }
    if (!rc && store && for_good) {
        rc = trail_append(store, "ceremony", "planned", ceremony_act_name(plan->script->act), NULL, err,
                          "script SHA-256 %s", plan->script->hash);
        if (!rc)
            rc = store_commit(store, err);
    }
    if (store) {
        store_rollback(store);
        store_close(store);
    }
    return rc;
}

/* --- on disk ----------------------------------------------------------------------------------------------------------- */

static enum rc plan_read_serials(struct ceremony_plan *plan, const json_t *json, struct err *err)
{
    json_t *list;
    enum rc rc = json_want_array(json, "serials", &list, err);
    if (!rc && json_array_size(list) != plan->count)
        rc = err_set(err, RC_FORMAT, PLAN_FILE ": not so many serial numbers");
    for (unsigned i = 0; !rc && i < plan->count; i++) {
        const char *text = json_string_value(json_array_get(list, i));
        if (!text || strlen(text) >= sizeof plan->certs[i].serial)
            rc = err_set(err, RC_FORMAT, PLAN_FILE ": not a serial number");
        else
            snprintf(plan->certs[i].serial, sizeof plan->certs[i].serial, "%s", text);
    }
    return rc;
}

/* What was planned is in force: the plan was only not removed any more. */
static bool plan_is_enacted(const char *state)
{
    struct buf planned = { 0 }, config = { 0 };
    char *paths[] = { file_join(state, CACONFIG_PLANNED), file_join(state, CACONFIG_FILE) };
    bool enacted = paths[0] && paths[1] && file_read(paths[0], &planned, NULL) == RC_OK &&
                   file_read(paths[1], &config, NULL) == RC_OK && bytes_equal(buf_bytes(&planned), buf_bytes(&config));
    buf_wipe(&planned);
    buf_wipe(&config);
    free(paths[0]);
    free(paths[1]);
    return enacted;
}

/* RC_NOT_FOUND: none is under way. */
static enum rc plan_read(struct ceremony_plan *plan, struct err *err)
{
    struct buf text = { 0 };
    struct err quiet = { 0 };
    json_t *json = NULL;
    const char *script = NULL, *act = NULL;
    char *path = file_join(plan->state, PLAN_FILE);
    enum rc rc = path ? file_read(path, &text, &quiet) : RC_NOMEM;
    if (rc && rc != RC_NOT_FOUND)
        err_set(err, rc, "%s", err_text(&quiet, rc));
    if (!rc)
        rc = json_read(buf_bytes(&text), &json, err);
    if (!rc)
        rc = json_want_text(json, "ceremony", 16, &act, err);
    if (!rc)
        rc = json_want_text(json, "script", 64, &script, err);
    if (!rc && strcmp(script, plan->script->hash) != 0)
        rc = plan_is_enacted(plan->state) ? RC_NOT_FOUND : err_set(err, RC_CONFLICT, "another ceremony (%s, script SHA-256 %s) is under way: finish it with its own script", act,
                     script);
    if (!rc)
        rc = json_want_integer(json, "begins", &plan->begins, err);
    if (!rc)
        rc = caconfig_read(plan->state, CACONFIG_PLANNED, &plan->config, err);
    if (!rc) {
        plan_certs(plan);
        rc = plan_read_serials(plan, json, err);
    }
    plan->written = rc == RC_OK;
    json_decref(json);
    buf_wipe(&text);
    free(path);
    return rc;
}

static enum rc plan_new(struct ceremony_plan *plan, struct err *err)
{
    uint8_t unique[4];
    char unique_text[9];
    enum rc rc = random_bytes(unique, sizeof unique);
    hex_encode(bytes_of(unique, sizeof unique), unique_text);
    plan->begins = clock_now();
    if (!rc && plan->script->act == CEREMONY_FOUND) {
        caconfig_defaults(plan->script->organisation, &plan->config);
        snprintf(plan->config.publication, sizeof plan->config.publication, "%s", plan->script->publication);
        snprintf(plan->config.store, sizeof plan->config.store, "%s", plan->script->store);
        plan->config.random_serials = plan->script->random_serials;
        for (enum authority a = 0; !rc && a < AUTHORITY_COUNT; a++)
            rc = plan_key(plan, a, unique_text, err);
    } else if (!rc) {
        rc = caconfig_read(plan->state, CACONFIG_FILE, &plan->config, err);
        if (!rc)
            rc = plan_key(plan, plan->script->authority, unique_text, err);
    }
    if (!rc)
        plan_certs(plan);
    return rc ? rc : plan_serials(plan, false, err);
}

enum rc ceremonyplan_open(const char *state, const struct ceremony_script *script, struct ceremony_plan *plan,
                          struct err *err)
{
    char *config = file_join(state, CACONFIG_FILE);
    bool founded = config && access(config, F_OK) == 0;
    *plan = (struct ceremony_plan) { .script = script, .state = state };
    enum rc rc = config ? RC_OK : RC_NOMEM;
    free(config);
    if (!rc && founded && script->act == CEREMONY_FOUND)
        rc = err_set(err, RC_EXISTS, "the authorities in %s are founded already", state);
    if (!rc && !founded && script->act == CEREMONY_REKEY)
        rc = err_set(err, RC_NOT_FOUND, "no authorities are founded in %s", state);
    if (!rc)
        rc = plan_read(plan, err);
    if (rc == RC_NOT_FOUND && (founded || script->act == CEREMONY_FOUND))
        rc = plan_new(plan, err);
    if (rc)
        ceremonyplan_wipe(plan);
    return rc;
}

enum rc ceremonyplan_write(struct ceremony_plan *plan, struct err *err)
{
    struct buf text = { 0 };
    if (plan->written)
        return RC_OK;
    enum rc rc = plan_serials(plan, true, err);
    if (!rc)
        rc = caconfig_write(plan->state, CACONFIG_PLANNED, &plan->config, err);
    json_t *serials = json_array();
    for (unsigned i = 0; i < plan->count; i++)
        json_array_append_new(serials, json_string(plan->certs[i].serial));
    json_t *json = json_pack("{s:s,s:s,s:I,s:o}", "ceremony", ceremony_act_name(plan->script->act), "script",
                             plan->script->hash, "begins", (json_int_t)plan->begins, "serials", serials);
    char *path = file_join(plan->state, PLAN_FILE);
    if (!rc)
        rc = json && path ? json_write(json, &text) : RC_NOMEM;
    if (!rc)
        rc = file_write_atomic(path, buf_bytes(&text), 0600, err);
    json_decref(json);
    buf_wipe(&text);
    free(path);
    plan->written = rc == RC_OK;
    return rc;
}

/* --- bytes -------------------------------------------------------------------------------------------------------------- */

/* The public part of a new key. */
static enum rc plan_public_key(struct ceremony_plan *plan, enum authority a, struct err *err)
{
    unsigned i = plan->config.generations[a] - 1;
    struct keyuri *key = NULL;
    struct err quiet = { 0 };
    enum rc rc = plan->written ? keyuri_open(plan->config.key_uri[a][i], &key, &quiet) : RC_NOT_FOUND;
    if (rc == RC_NOT_FOUND) {
        plan->rehearsal = true;
        plan->public_keys[a] = suite_generate(plan->config.suite[a][i]);
        return plan->public_keys[a] ? RC_OK : RC_CRYPTO;
    }
    if (rc)
        return err_set(err, rc, "%s", err_text(&quiet, rc));
    unsigned char *spki = NULL;
    int len = i2d_PUBKEY(keyuri_get(key), &spki);
    const unsigned char *at = spki;
    plan->public_keys[a] = len > 0 ? d2i_PUBKEY(NULL, &at, len) : NULL;
    OPENSSL_free(spki);
    keyuri_close(key);
    return plan->public_keys[a] ? RC_OK : err_set(err, RC_CRYPTO, "the token does not tell the public key of %s",
                                                  authority_name(a));
}

/* The certificate of a generation: on disk, or for the new one its to-be-signed bytes with a signature of no value. */
static enum rc plan_issuer(const struct ceremony_plan *plan, enum authority a, unsigned generation, X509 **cert,
                           struct err *err)
{
    static const uint8_t none[1];
    struct buf sealed = { 0 };
    if (generation < plan->config.generations[a])
        return caconfig_read_cert(plan->state, a, generation, cert, err);
    enum rc rc = RC_BUG;
    for (unsigned i = 0; i < plan->count; i++)
        if (plan->certs[i].authority == a && plan->certs[i].kind == ca_kinds[a])
            rc = tbs_seal(buf_bytes(&plan->certs[i].tbs), bytes_of(none, 1), &sealed);
    if (!rc)
        rc = cert_parse(buf_bytes(&sealed), cert);
    buf_wipe(&sealed);
    return rc;
}

static enum rc plan_bytes(struct ceremony_plan *plan, struct ceremony_cert *cert, struct err *err)
{
    enum authority a = cert->authority;
    enum suite suite = plan->config.suite[a][cert->signer - 1];
    struct issuer issuer = { .suite = suite, .authority = a, .organisation = plan->config.organisation };
    struct leaf leaf = { .serial = cert->serial, .not_before = plan->begins };
    bool own = cert->kind == ca_kinds[a], newest = cert->subject == plan->config.generations[a];
    X509 *old = NULL;
    unsigned char *spki = NULL;
    enum rc rc = own ? RC_OK : plan_issuer(plan, a, cert->signer, &issuer.cert, err);
    if (!rc && !own) /* both links end with the old key's own certificate */
        rc = caconfig_read_cert(plan->state, a, plan->config.generations[a] - 1, &old, err);
    if (!rc) {
        leaf.not_after = own ? validity_years(plan->begins, suite_row(suite)->authority_years) : cert_not_after(old);
        if (!newest)
            leaf.not_before = cert_not_before(old);
        int len = i2d_PUBKEY(newest ? plan->public_keys[a] : X509_get0_pubkey(old), &spki);
        leaf.public_key = bytes_of(spki, len > 0 ? (size_t)len : 0);
        buf_wipe(&cert->tbs);
        rc = own ? leaf_ca_tbs(&issuer, &leaf, &cert->tbs, err) : leaf_link_tbs(&issuer, &leaf, &cert->tbs, err);
    }
    if (!rc)
        rc = profile_check_tbs(cert->kind, buf_bytes(&cert->tbs), err);
    OPENSSL_free(spki);
    X509_free(issuer.cert);
    X509_free(old);
    return rc;
}

/* --- text --------------------------------------------------------------------------------------------------------------- */

static enum rc text_name(struct buf *text, const char *what, const X509_NAME *name)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *data = NULL;
    enum rc rc = RC_NOMEM;
    if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) >= 0) {
        long len = BIO_get_mem_data(bio, &data);
        rc = buf_printf(text, "  %s: %.*s\n", what, (int)len, data);
    }
    BIO_free(bio);
    return rc;
}

static enum rc text_cert(struct ceremony_plan *plan, const struct ceremony_cert *cert)
{
    static const uint8_t none[1];
    struct buf sealed = { 0 };
    X509 *parsed = NULL;
    uint8_t hash[SHA256_DIGEST_LENGTH];
    char hash_text[2 * SHA256_DIGEST_LENGTH + 1], from[CLOCK_TEXT_SIZE], to[CLOCK_TEXT_SIZE];
    enum rc rc = tbs_seal(buf_bytes(&cert->tbs), bytes_of(none, 1), &sealed);
    if (!rc)
        rc = cert_parse(buf_bytes(&sealed), &parsed);
    if (rc)
        goto out;
    SHA256(cert->tbs.data, cert->tbs.len, hash);
    hex_encode(bytes_of(hash, sizeof hash), hash_text);
    clock_format(cert_not_before(parsed), from);
    clock_format(cert_not_after(parsed), to);
    rc = buf_printf(&plan->text, "certificate: %s, %s\n", profile_name(cert->kind), cert->file);
    if (!rc)
        rc = text_name(&plan->text, "subject", X509_get_subject_name(parsed));
    if (!rc)
        rc = text_name(&plan->text, "issuer", X509_get_issuer_name(parsed));
    if (!rc)
        rc = buf_printf(&plan->text,
                        "  serial number: %s\n  valid: %s to %s\n  key: %u of %s\n  signed by: key %u of %s, %s\n"
                        "  to be signed: %zu bytes, SHA-256 %s\n",
                        cert->serial, from, to, cert->subject, authority_name(cert->authority), cert->signer,
                        authority_name(cert->authority),
                        suite_row(plan->config.suite[cert->authority][cert->signer - 1])->algorithm, cert->tbs.len, hash_text);
out:
    X509_free(parsed);
    buf_wipe(&sealed);
    return rc;
}

static enum rc text_head(struct ceremony_plan *plan)
{
    const struct ceremony_script *script = plan->script;
    struct buf *text = &plan->text;
    enum rc rc = buf_printf(text, "open-jpki key ceremony 1\nceremony: %s\nscript: SHA-256 %s\norganisation: %s\nhsm: %s\n"
                                  "serials: %s\n",
                            ceremony_act_name(script->act), script->hash, plan->config.organisation, script->hsm,
                            plan->config.random_serials ? "random" : "counter");
    for (unsigned i = 0; !rc && i < script->person_count; i++)
        rc = buf_printf(text, "person: %s, %s, key SHA-256 %s\n", script->persons[i].name, script->persons[i].role,
                        script->persons[i].key_hash);
    if (!rc && plan->rehearsal)
        rc = buf_append_text(text, "rehearsal: the keys below are made in memory and forgotten; numbers, times and bytes are not"
                                   " yet those that will be signed\n");
    return rc;
}

static enum rc plan_text(struct ceremony_plan *plan)
{
    buf_wipe(&plan->text);
    enum rc rc = text_head(plan);
    for (enum authority a = 0; !rc && a < AUTHORITY_COUNT; a++) {
        unsigned i = plan->config.generations[a] - 1;
        if (plan->public_keys[a])
            rc = buf_printf(&plan->text, "new key: %u of %s, %s, %s\n", i + 1, authority_name(a),
                            suite_row(plan->config.suite[a][i])->name, plan->config.key_uri[a][i]);
    }
    for (unsigned i = 0; !rc && i < plan->count; i++)
        rc = text_cert(plan, &plan->certs[i]);
    if (!rc)
        rc = buf_append_text(&plan->text, plan->script->act == CEREMONY_FOUND
                                              ? "then: the first lists, and the certificates published\n"
                                              : "then: every list anew, with each key whose certificate has not ended\n");
    return rc;
}

enum rc ceremonyplan_build(struct ceremony_plan *plan, struct err *err)
{
    enum rc rc = RC_OK;
    plan->rehearsal = false;
    for (enum authority a = 0; a < AUTHORITY_COUNT; a++) {
        EVP_PKEY_free(plan->public_keys[a]);
        plan->public_keys[a] = NULL;
        if (!rc && (plan->script->act == CEREMONY_FOUND || a == plan->script->authority))
            rc = plan_public_key(plan, a, err);
    }
    for (unsigned i = 0; !rc && i < plan->count; i++)
        rc = plan_bytes(plan, &plan->certs[i], err);
    return rc ? rc : plan_text(plan);
}

/* sim_specimen.c — keys, certificates and PINs of a specimen's JPKI application. */
#include "applet-sim/sim_specimen.h"

#include "applet-sim/sim_seed.h"
#include "applet-sim/sim_specimen_maker.h"
#include "base/clock.h"

#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <string.h>

#define DAY (24 * 3600L)
#define YEAR (365 * DAY)

/* --- putting things into a card ----------------------------------------------------------------------------------- */

void sim_maker_note(struct sim_maker *maker, enum rc rc)
{
    if (maker->rc == RC_OK)
        maker->rc = rc;
}

bool sim_maker_app(struct sim_maker *maker, const char *name)
{
    const struct sim_profile *profile = maker->sim->card.profile;
    for (size_t i = 0; i < profile->app_count; i++)
        if (strcmp(profile->apps[i].name, name) == 0) {
            maker->app = &profile->apps[i];
            return true;
        }
    return false;
}

void sim_maker_file(struct sim_maker *maker, unsigned id, struct buf *content)
{
    struct sim_card *card = &maker->sim->card;
    const struct sim_ef *ef = maker->app ? sim_files_row(maker->app, id) : NULL;
    if (!ef || content->len > ef->size)
        sim_maker_note(maker, RC_RANGE);
    if (maker->rc == RC_OK) {
        struct buf *file = &card->files[sim_files_place(card->profile, maker->app, ef)];
        buf_wipe(file);
        *file = *content;
        *content = (struct buf){0};
    }
    buf_wipe(content);
}

void sim_maker_pin(struct sim_maker *maker, enum sim_pin_name name, const char *value)
{
    struct sim_pin *pin = &maker->sim->card.pins[name];
    if (maker->rc)
        return;
    secret_wipe(&pin->value);
    sim_maker_note(maker, secret_dup(&pin->value, value, strlen(value)));
    pin->tries = (uint8_t)sim_pins_tries_max(&maker->sim->card, name);
}

EVP_PKEY *sim_maker_key(struct sim_maker *maker, enum sim_key_name name)
{
    struct sim_card *card = &maker->sim->card;
    if (maker->rc == RC_OK && !card->key_pairs[name])
        card->key_pairs[name] = sim_keys_make(card->profile->keys[name]);
    if (!card->key_pairs[name])
        sim_maker_note(maker, RC_CRYPTO);
    return card->key_pairs[name];
}

/* --- certificates ------------------------------------------------------------------------------------------------- */

static const struct half {
    enum sim_key_name key;
    enum sim_pin_name pin;
    enum applet_ef cert, ca_cert;
    const char *unit, *name, *pin_value, *usage;
} halves[] = {
    {SIM_KEY_AUTH, SIM_PIN_AUTH, APPLET_EF_AUTH_CERT, APPLET_EF_AUTH_CA_CERT, "JPKI for user authentication",
     "00000000TESTAUTH000000A", SIM_SPECIMEN_AUTH_PIN, "critical,digitalSignature"},
    {SIM_KEY_SIGN, SIM_PIN_SIGN, APPLET_EF_SIGN_CERT, APPLET_EF_SIGN_CA_CERT, "JPKI for digital signature",
     "00000000TESTSIGN000000A", SIM_SPECIMEN_SIGN_PIN, "critical,digitalSignature,nonRepudiation"},
};

/* The Juki card's certificates were the prefecture's, with SHA-1; the name is ours. */
#define PREFECTURE "The Governor of Kaku Prefecture"

static bool specimen_is_juki(const struct sim_maker *maker)
{
    return maker->sim->card.profile->keys[SIM_KEY_SIGN] == SIM_RSA_1024;
}

static bool specimen_name(X509_NAME *name, const char *field, const char *value)
{
    return X509_NAME_add_entry_by_txt(name, field, MBSTRING_ASC, (const uint8_t *)value, -1, -1, 0) == 1;
}

static bool specimen_extend(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    bool done = extension && X509_add_ext(cert, extension, -1);
    X509_EXTENSION_free(extension);
    return done;
}

static bool specimen_name_both(const struct sim_maker *maker, const struct half *half, X509 *cert, X509 *ca)
{
    X509_NAME *name = X509_NAME_new();
    bool done = name && specimen_name(name, "C", "JP") &&
                (ca ? specimen_name(name, "CN", half->name)
                    : specimen_name(name, "O", "JPKI-TEST") &&
                          specimen_name(name, "OU", specimen_is_juki(maker) ? PREFECTURE : half->unit)) &&
                X509_set_subject_name(cert, name) && X509_set_issuer_name(cert, ca ? X509_get_subject_name(ca) : name);
    X509_NAME_free(name);
    return done;
}

/* A certificate for the key, by the authority of that half; ca NULL makes the authority's own. */
static X509 *specimen_cert(struct sim_maker *maker, const struct half *half, EVP_PKEY *key, X509 *ca, EVP_PKEY *ca_key)
{
    uint64_t serial;
    if (maker->rc)
        return NULL;
    X509 *cert = X509_new();
    bool done =
        cert && sim_seed_bytes(&serial, sizeof serial) == RC_OK && X509_set_version(cert, X509_VERSION_3) &&
        ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), serial >> 1 | 1) &&
        specimen_name_both(maker, half, cert, ca) &&
        ASN1_TIME_set(X509_getm_notBefore(cert), (time_t)(clock_now() - DAY)) &&
        ASN1_TIME_set(X509_getm_notAfter(cert), (time_t)(clock_now() + 5 * YEAR)) && X509_set_pubkey(cert, key) &&
        specimen_extend(cert, ca ? ca : cert, NID_key_usage, ca ? half->usage : "critical,keyCertSign,cRLSign") &&
        (ca || specimen_extend(cert, cert, NID_basic_constraints, "critical,CA:TRUE")) &&
        specimen_extend(cert, ca ? ca : cert, NID_subject_key_identifier, "hash") &&
        specimen_extend(cert, ca ? ca : cert, NID_authority_key_identifier, "keyid:always") &&
        X509_sign(cert, ca_key, specimen_is_juki(maker) ? EVP_sha1() : EVP_sha256()) > 0;
    if (done)
        return cert;
    X509_free(cert);
    sim_maker_note(maker, RC_CRYPTO);
    return NULL;
}

static void specimen_put_cert(struct sim_maker *maker, enum applet_ef ef, X509 *cert)
{
    struct buf content = {0};
    uint8_t *der = NULL;
    int len = maker->rc ? 0 : i2d_X509(cert, &der);
    sim_maker_note(maker, len > 0 ? buf_append(&content, der, (size_t)len) : RC_CRYPTO);
    OPENSSL_free(der);
    sim_maker_file(maker, ef, &content);
}

static void specimen_half(struct sim_maker *maker, const struct half *half, EVP_PKEY *ca_key, X509 **cert,
                          X509 **ca_cert)
{
    EVP_PKEY *key = sim_maker_key(maker, half->key);
    *ca_cert = specimen_cert(maker, half, ca_key, NULL, ca_key);
    *cert = specimen_cert(maker, half, key, *ca_cert, ca_key);
    specimen_put_cert(maker, half->cert, *cert);
    specimen_put_cert(maker, half->ca_cert, *ca_cert);
    sim_maker_pin(maker, half->pin, half->pin_value);
}

void sim_specimen_wipe(struct sim_specimen *specimen)
{
    X509_free(specimen->auth);
    X509_free(specimen->auth_ca);
    X509_free(specimen->sign);
    X509_free(specimen->sign_ca);
    *specimen = (struct sim_specimen){0};
}

enum rc sim_specimen_fill(struct sim *sim, struct sim_specimen *specimen)
{
    struct sim_card *card = &sim->card;
    struct sim_maker maker = {.sim = sim,
                              .app = &card->profile->apps[1]}; /* the JPKI application: sim_files_has_cert */
    struct sim_specimen made = {0};
    if (card->life != APPLET_LIFE_BLANK && card->life != APPLET_LIFE_PERSONALISED)
        return RC_STATE;
    const bool both = card->profile->keys[SIM_KEY_AUTH] != SIM_NO_KEY;
    EVP_PKEY *ca_key = card->profile->keys[SIM_KEY_SIGN] == SIM_EC_P384 ? EVP_EC_gen("P-384") : EVP_RSA_gen(2048);
    sim_maker_note(&maker, ca_key ? RC_OK : RC_CRYPTO);
    if (both)
        specimen_half(&maker, &halves[0], ca_key, &made.auth, &made.auth_ca);
    specimen_half(&maker, &halves[1], ca_key, &made.sign, &made.sign_ca);
    EVP_PKEY_free(ca_key);
    if (both) {
        struct buf presence = {0};
        sim_maker_note(&maker, buf_append(&presence, "\x8F\x8F\0", 3));
        sim_maker_file(&maker, APPLET_EF_CERT_PRESENCE, &presence);
    }
    if (maker.rc == RC_OK) {
        card->life = APPLET_LIFE_ACTIVE;
        maker.rc = sim_image_commit(sim);
    }
    if (maker.rc || !specimen)
        sim_specimen_wipe(&made);
    else
        *specimen = made;
    return maker.rc;
}

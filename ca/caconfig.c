/* caconfig.c — reading and writing the configuration as JSON. */
#include "ca/caconfig.h"

#include "base/file.h"
#include "net/json.h"
#include "pki/cert.h"
#include "pki/profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void caconfig_defaults(const char *organisation, struct caconfig *config)
{
    bool real = strcmp(organisation, "JPKI") == 0;
    memset(config, 0, sizeof *config);
    snprintf(config->organisation, sizeof config->organisation, "%s", organisation);
    for (enum authority a = AUTHORITY_SIGN; a < AUTHORITY_OPS; a++)
        snprintf(config->policy[a], sizeof config->policy[a], "%s", profile_policy(a, organisation));
    snprintf(config->cps, sizeof config->cps, "http://www.jpki.go.jp/cps.html");
    /* a test certificate must not send its verifiers to the government's responder */
    snprintf(config->ocsp, sizeof config->ocsp, "%s",
             real ? "http://ocspauthnorm.jpki.go.jp" : "http://ocspauthnorm.jpki-test.invalid");
    config->pending_seconds = 24 * 3600;
}

static enum rc config_text(const json_t *json, const char *member, char *out, size_t size, struct err *err)
{
    const char *text;
    enum rc rc = json_want_text(json, member, size - 1, &text, err);
    if (!rc)
        snprintf(out, size, "%s", text);
    return rc;
}

static enum rc config_generation(const json_t *row, enum authority a, unsigned i, struct caconfig *config, struct err *err)
{
    char suite[16];
    enum rc rc = config_text(row, "uri", config->key_uri[a][i], sizeof config->key_uri[a][i], err);
    if (!rc)
        rc = config_text(row, "suite", suite, sizeof suite, err);
    if (!rc && suite_parse(suite, &config->suite[a][i]))
        rc = err_set(err, RC_FORMAT, "the configuration says '%s' for the suite of authority %s", suite, authority_name(a));
    return rc;
}

static enum rc config_authority(const json_t *json, enum authority a, struct caconfig *config, struct err *err)
{
    const json_t *row = json_object_get(json_object_get(json, "authorities"), authority_name(a));
    const json_t *keys = json_object_get(row, "keys");
    size_t count = json_array_size(keys);
    if (count < 1 || count > CACONFIG_GENERATIONS)
        return err_set(err, RC_FORMAT, "the configuration names no key of authority %s, or too many", authority_name(a));
    enum rc rc = RC_OK;
    for (unsigned i = 0; !rc && i < count; i++)
        rc = config_generation(json_array_get(keys, i), a, i, config, err);
    config->generations[a] = (unsigned)count;
    if (!rc && a != AUTHORITY_OPS)
        rc = config_text(row, "policy", config->policy[a], sizeof config->policy[a], err);
    return rc;
}

/* "counter" or "random". */
static enum rc config_serials(const json_t *json, struct caconfig *config, struct err *err)
{
    char serials[16];
    enum rc rc = config_text(json, "serials", serials, sizeof serials, err);
    config->random_serials = !rc && strcmp(serials, "random") == 0;
    if (!rc && !config->random_serials && strcmp(serials, "counter") != 0)
        rc = err_set(err, RC_FORMAT, "the configuration says '%s' for serials: counter or random", serials);
    return rc;
}

enum rc caconfig_read(const char *folder, const char *file, struct caconfig *config, struct err *err)
{
    struct buf text = { 0 };
    json_t *json = NULL;
    struct caconfig *read = calloc(1, sizeof *read);
    char *path = file_join(folder, file);
    enum rc rc = path && read ? file_read(path, &text, err) : RC_NOMEM;
    if (!rc)
        rc = json_read(buf_bytes(&text), &json, err);
    if (!rc)
        rc = config_text(json, "organisation", read->organisation, sizeof read->organisation, err);
    if (!rc)
        rc = config_text(json, "publication", read->publication, sizeof read->publication, err);
    if (!rc && json_object_get(json, "store"))
        rc = config_text(json, "store", read->store, sizeof read->store, err);
    if (!rc)
        rc = config_text(json, "cps", read->cps, sizeof read->cps, err);
    if (!rc)
        rc = config_text(json, "ocsp", read->ocsp, sizeof read->ocsp, err);
    if (!rc)
        rc = json_want_integer(json, "pending_seconds", &read->pending_seconds, err);
    if (!rc)
        rc = config_serials(json, read, err);
    if (!rc && json_object_get(json, "two_persons")) /* older configurations do not speak of it */
        rc = json_want_bool(json, "two_persons", &read->two_persons, err);
    for (enum authority a = 0; !rc && a < AUTHORITY_COUNT; a++)
        rc = config_authority(json, a, read, err);
    if (!rc)
        *config = *read;
    free(read);
    json_decref(json);
    buf_wipe(&text);
    free(path);
    return rc;
}

enum rc caconfig_write(const char *folder, const char *file, const struct caconfig *config, struct err *err)
{
    struct buf text = { 0 };
    json_t *authorities = json_object();
    for (enum authority a = 0; a < AUTHORITY_COUNT; a++) {
        json_t *keys = json_array();
        for (unsigned i = 0; i < config->generations[a]; i++)
            json_array_append_new(keys, json_pack("{s:s,s:s}", "uri", config->key_uri[a][i], "suite",
                                                  suite_row(config->suite[a][i])->name));
        json_object_set_new(authorities, authority_name(a), json_pack("{s:o,s:s}", "keys", keys, "policy", config->policy[a]));
    }
    json_t *json = json_pack("{s:s,s:s,s:s,s:s,s:s,s:I,s:b,s:o}", "serials",
                             config->random_serials ? "random" : "counter", "organisation", config->organisation, "publication",
                             config->publication, "cps", config->cps, "ocsp", config->ocsp, "pending_seconds",
                             (json_int_t)config->pending_seconds, "two_persons", config->two_persons, "authorities", authorities);
    if (config->store[0])
        json_object_set_new(json, "store", json_string(config->store));
    char *path = file_join(folder, file);
    enum rc rc = json && path ? json_write(json, &text) : RC_NOMEM;
    if (!rc)
        rc = buf_append_u8(&text, '\n');
    if (!rc)
        rc = file_write_atomic(path, buf_bytes(&text), 0600, err);
    json_decref(json);
    buf_wipe(&text);
    free(path);
    return rc;
}

char *caconfig_store(const char *folder, const struct caconfig *config)
{
    return config->store[0] ? strdup(config->store) : file_join(folder, "ca.db");
}

char *caconfig_cert_path(const char *folder, enum authority authority, unsigned generation)
{
    char *path = NULL;
    int len = generation == 1 ? asprintf(&path, "%s/%s.cer", folder, authority_name(authority))
                              : asprintf(&path, "%s/%s-%u.cer", folder, authority_name(authority), generation);
    return len < 0 ? NULL : path;
}

enum rc caconfig_read_cert(const char *folder, enum authority authority, unsigned generation, X509 **cert, struct err *err)
{
    char *path = caconfig_cert_path(folder, authority, generation);
    enum rc rc = path ? cert_read(path, cert, err) : RC_NOMEM;
    free(path);
    return rc;
}

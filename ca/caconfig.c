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

static enum rc config_authority(const json_t *json, enum authority a, struct caconfig *config, struct err *err)
{
    const json_t *row = json_object_get(json_object_get(json, "authorities"), authority_name(a));
    if (!json_is_object(row))
        return err_set(err, RC_FORMAT, "the configuration says nothing of authority %s", authority_name(a));
    enum rc rc = config_text(row, "key", config->key_uri[a], sizeof config->key_uri[a], err);
    char suite[16];
    if (!rc)
        rc = config_text(row, "suite", suite, sizeof suite, err);
    if (!rc && suite_parse(suite, &config->suite[a]))
        rc = err_set(err, RC_FORMAT, "the configuration says '%s' for the suite of authority %s", suite, authority_name(a));
    if (!rc && a != AUTHORITY_OPS)
        rc = config_text(row, "policy", config->policy[a], sizeof config->policy[a], err);
    return rc;
}

enum rc caconfig_read(const char *folder, const char *file, struct caconfig *config, struct err *err)
{
    struct buf text = { 0 };
    json_t *json = NULL;
    struct caconfig read = { 0 };
    char *path = file_join(folder, file);
    enum rc rc = path ? file_read(path, &text, err) : RC_NOMEM;
    if (!rc)
        rc = json_read(buf_bytes(&text), &json, err);
    if (!rc)
        rc = config_text(json, "organisation", read.organisation, sizeof read.organisation, err);
    if (!rc)
        rc = config_text(json, "publication", read.publication, sizeof read.publication, err);
    if (!rc && json_object_get(json, "store"))
        rc = config_text(json, "store", read.store, sizeof read.store, err);
    if (!rc)
        rc = config_text(json, "cps", read.cps, sizeof read.cps, err);
    if (!rc)
        rc = config_text(json, "ocsp", read.ocsp, sizeof read.ocsp, err);
    if (!rc)
        rc = json_want_integer(json, "pending_seconds", &read.pending_seconds, err);
    for (enum authority a = 0; !rc && a < AUTHORITY_COUNT; a++)
        rc = config_authority(json, a, &read, err);
    if (!rc)
        *config = read;
    json_decref(json);
    buf_wipe(&text);
    free(path);
    return rc;
}

enum rc caconfig_write(const char *folder, const char *file, const struct caconfig *config, struct err *err)
{
    struct buf text = { 0 };
    json_t *authorities = json_object();
    for (enum authority a = 0; a < AUTHORITY_COUNT; a++)
        json_object_set_new(authorities, authority_name(a),
                            json_pack("{s:s,s:s,s:s}", "key", config->key_uri[a], "suite", suite_row(config->suite[a])->name,
                                      "policy", config->policy[a]));
    json_t *json = json_pack("{s:s,s:s,s:s,s:s,s:I,s:o}", "organisation", config->organisation, "publication",
                             config->publication, "cps", config->cps, "ocsp", config->ocsp, "pending_seconds",
                             (json_int_t)config->pending_seconds, "authorities", authorities);
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

enum rc caconfig_read_cert(const char *folder, enum authority authority, X509 **cert, struct err *err)
{
    char *path = NULL;
    if (asprintf(&path, "%s/%s.cer", folder, authority_name(authority)) < 0)
        return RC_NOMEM;
    enum rc rc = cert_read(path, cert, err);
    free(path);
    return rc;
}

/* ceremonyscript.c — reading the script, member by member. */
#include "ca/ceremonyscript.h"

#include "base/file.h"
#include "base/hex.h"
#include "net/json.h"
#include "pki/cert.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCRIPT_MAX 65536u

static const char *const act_names[] = { "found", "rekey" };

const char *ceremony_act_name(enum ceremony_act act)
{
    return act_names[act];
}

void ceremonyscript_wipe(struct ceremony_script *script)
{
    for (unsigned i = 0; i < script->person_count; i++)
        EVP_PKEY_free(script->persons[i].key);
    *script = (struct ceremony_script) { 0 };
}

static enum rc script_text(const json_t *json, const char *member, char *out, size_t size, struct err *err)
{
    const char *text;
    enum rc rc = json_want_text(json, member, size - 1, &text, err);
    if (!rc && !text[0])
        rc = err_set(err, RC_FORMAT, "the script's %s is empty", member);
    if (!rc && strpbrk(text, "\n\r"))
        rc = err_set(err, RC_FORMAT, "the script's %s has a line break", member);
    if (!rc)
        snprintf(out, size, "%s", text);
    return rc;
}

/* A misspelt member would be a wish that nobody fulfils. */
static enum rc script_check_members(json_t *json, const char *const *known, const char *what, struct err *err)
{
    const char *member;
    json_t *value;
    json_object_foreach(json, member, value) {
        size_t i = 0;
        while (known[i] && strcmp(known[i], member) != 0)
            i++;
        if (!known[i])
            return err_set(err, RC_FORMAT, "%s has no member \"%.40s\"", what, member);
    }
    return RC_OK;
}

/* A public key, or that of a certificate, in PEM. */
static enum rc person_key(const char *folder, const char *file, struct ceremony_person *person, struct err *err)
{
    struct buf pem = { .max = SCRIPT_MAX };
    unsigned char *spki = NULL;
    uint8_t hash[SHA256_DIGEST_LENGTH];
    char *path = file[0] == '/' ? strdup(file) : file_join(folder, file);
    enum rc rc = path ? file_read(path, &pem, err) : RC_NOMEM;
    BIO *bio = rc ? NULL : BIO_new_mem_buf(pem.data, (int)pem.len);
    if (bio)
        person->key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    if (bio && !person->key && BIO_reset(bio) == 1) {
        X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
        person->key = cert ? X509_get_pubkey(cert) : NULL;
        X509_free(cert);
    }
    ERR_clear_error();
    int len = person->key ? i2d_PUBKEY(person->key, &spki) : 0;
    if (!rc && len <= 0)
        rc = err_set(err, RC_FORMAT, "%s: no public key and no certificate in PEM", path);
    enum suite suite;
    if (!rc && suite_of_key(person->key, &suite))
        rc = err_set(err, RC_FORMAT, "%s: the key is neither RSA of 2048 to 4096 bits nor P-384", path);
    if (!rc) {
        SHA256(spki, (size_t)len, hash);
        hex_encode(bytes_of(hash, sizeof hash), person->key_hash);
    }
    OPENSSL_free(spki);
    BIO_free(bio);
    buf_wipe(&pem);
    free(path);
    return rc;
}

static enum rc script_person(json_t *row, const char *folder, struct ceremony_script *script, struct err *err)
{
    static const char *const known[] = { "name", "role", "key", NULL };
    struct ceremony_person *person = &script->persons[script->person_count++];
    char file[512];
    enum rc rc = json_is_object(row) ? script_check_members(row, known, "a person", err)
                                     : err_set(err, RC_FORMAT, "a person of the script is not an object");
    if (!rc)
        rc = script_text(row, "name", person->name, sizeof person->name, err);
    if (!rc)
        rc = script_text(row, "role", person->role, sizeof person->role, err);
    if (!rc)
        rc = script_text(row, "key", file, sizeof file, err);
    if (!rc)
        rc = person_key(folder, file, person, err);
    for (unsigned i = 0; !rc && i + 1 < script->person_count; i++)
        if (strcmp(script->persons[i].key_hash, person->key_hash) == 0 || strcmp(script->persons[i].name, person->name) == 0)
            rc = err_set(err, RC_CONFLICT, "%s and %s: two persons with one key or one name", script->persons[i].name,
                         person->name);
    return rc;
}

static enum rc script_persons(const json_t *json, const char *folder, struct ceremony_script *script, struct err *err)
{
    json_t *list;
    enum rc rc = json_want_array(json, "persons", &list, err);
    size_t count = rc ? 0 : json_array_size(list);
    if (!rc && (count < 2 || count > CEREMONY_PERSONS))
        rc = err_set(err, RC_FORMAT, "a ceremony has 2 to %u persons", CEREMONY_PERSONS);
    for (size_t i = 0; !rc && i < count; i++)
        rc = script_person(json_array_get(list, i), folder, script, err);
    return rc;
}

static enum rc script_founding(const json_t *json, struct ceremony_script *script, struct err *err)
{
    char serials[16];
    enum rc rc = script_text(json, "organisation", script->organisation, sizeof script->organisation, err);
    if (!rc)
        rc = script_text(json, "publication", script->publication, sizeof script->publication, err);
    if (!rc && script->publication[0] != '/')
        rc = err_set(err, RC_FORMAT, "the script's publication is a path that begins with /");
    if (!rc && json_object_get(json, "store"))
        rc = script_text(json, "store", script->store, sizeof script->store, err);
    if (!rc)
        rc = script_text(json, "serials", serials, sizeof serials, err);
    script->random_serials = !rc && strcmp(serials, "random") == 0;
    if (!rc && !script->random_serials && strcmp(serials, "counter") != 0)
        rc = err_set(err, RC_FORMAT, "the script's serials are \"counter\" or \"random\"");
    return rc;
}

/* RSA unless it is said: what officers' computers speak TLS with may be older than what cards' readers check. */
static enum rc script_operations(const json_t *json, struct ceremony_script *script, struct err *err)
{
    char suite[16];
    script->operations = SUITE_RSA_2048;
    if (!json_object_get(json, "operations"))
        return RC_OK;
    enum rc rc = script_text(json, "operations", suite, sizeof suite, err);
    if (!rc && suite_parse(suite, &script->operations))
        rc = err_set(err, RC_FORMAT, "the script's operations are \"rsa-2048\" or \"p-384\"");
    return rc;
}

static enum rc script_rekey(const json_t *json, struct ceremony_script *script, struct err *err)
{
    char authority[8];
    enum rc rc = script_text(json, "authority", authority, sizeof authority, err);
    if (!rc && authority_parse(authority, &script->authority))
        rc = err_set(err, RC_FORMAT, "the script's authority is \"sign\", \"auth\" or \"ops\"");
    script->operations = script->suite;
    return rc;
}

static enum rc script_take(json_t *json, const char *folder, struct ceremony_script *script, struct err *err)
{
    static const char *const of_found[] = { "ceremony", "hsm", "suite", "persons", "organisation", "serials", "publication",
                                            "store", "operations", NULL };
    static const char *const of_rekey[] = { "ceremony", "hsm", "suite", "persons", "authority", NULL };
    char act[16], suite[16];
    enum rc rc = script_text(json, "ceremony", act, sizeof act, err);
    script->act = !rc && strcmp(act, "rekey") == 0 ? CEREMONY_REKEY : CEREMONY_FOUND;
    bool found = script->act == CEREMONY_FOUND;
    if (!rc && found && strcmp(act, "found") != 0)
        rc = err_set(err, RC_FORMAT, "the script's ceremony is \"found\" or \"rekey\"");
    if (!rc)
        rc = script_check_members(json, found ? of_found : of_rekey, "a script of this ceremony", err);
    if (!rc)
        rc = script_text(json, "hsm", script->hsm, sizeof script->hsm, err);
    if (!rc && (strncmp(script->hsm, "pkcs11:", 7) != 0 || strstr(script->hsm, "pin-value") || !strchr(script->hsm, '?')))
        rc = err_set(err, RC_FORMAT, "the script's hsm is pkcs11:token=…?module-path=…&pin-source=file:…, without a PIN");
    if (!rc)
        rc = script_text(json, "suite", suite, sizeof suite, err);
    if (!rc && suite_parse(suite, &script->suite))
        rc = err_set(err, RC_FORMAT, "the script's suite is \"rsa-2048\" or \"p-384\"");
    if (!rc)
        rc = found ? script_founding(json, script, err) : script_rekey(json, script, err);
    if (!rc && found)
        rc = script_operations(json, script, err);
    return rc ? rc : script_persons(json, folder, script, err);
}

enum rc ceremonyscript_read(const char *path, struct ceremony_script *script, struct err *err)
{
    struct buf text = { .max = SCRIPT_MAX };
    struct ceremony_script read = { 0 };
    json_t *json = NULL;
    uint8_t hash[SHA256_DIGEST_LENGTH];
    char *folder = strdup(path);
    char *slash = folder ? strrchr(folder, '/') : NULL;
    if (slash)
        *slash = '\0';
    enum rc rc = folder ? file_read(path, &text, err) : RC_NOMEM;
    if (!rc)
        rc = json_read(buf_bytes(&text), &json, err);
    if (!rc && !json_is_object(json))
        rc = err_set(err, RC_FORMAT, "%s: not a script", path);
    if (!rc)
        rc = script_take(json, slash ? folder : ".", &read, err);
    if (!rc) {
        SHA256(text.data, text.len, hash);
        hex_encode(bytes_of(hash, sizeof hash), read.hash);
        *script = read;
    } else {
        ceremonyscript_wipe(&read);
    }
    json_decref(json);
    buf_wipe(&text);
    free(folder);
    return rc;
}

/* --- without a script ----------------------------------------------------------------------------------------------------- */

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

static enum rc uri_make(const struct ceremony_founding *founding, const char *module, const char *pin_file, struct buf *uri)
{
    const struct {
        const char *what, *value;
    } parts[] = { { "pkcs11:token=", founding->token }, { "?module-path=", module }, { "&pin-source=file:", pin_file } };
    enum rc rc = RC_OK;
    for (size_t i = 0; !rc && i < sizeof parts / sizeof parts[0]; i++) {
        rc = buf_append_text(uri, parts[i].what);
        if (!rc)
            rc = uri_append(uri, parts[i].value);
    }
    return rc;
}

/* The path as it is from everywhere; the folder above it must be there. */
static enum rc path_resolve(const char *path, bool make, char out[PATH_MAX], struct err *err)
{
    enum rc rc = make ? file_make_folder(path, 0755, err) : RC_OK;
    if (!rc && !realpath(path, out))
        rc = err_set_errno(err, RC_NOT_FOUND, "%s", path);
    return rc;
}

enum rc ceremonyscript_unattended(const struct ceremony_founding *founding, struct ceremony_script *script, struct err *err)
{
    static char module[PATH_MAX], pin_file[PATH_MAX], publication[PATH_MAX];
    struct buf uri = { 0 }, text = { 0 };
    struct ceremony_script made = { .act = CEREMONY_FOUND, .suite = founding->suite, .operations = founding->operations,
                                    .random_serials = founding->random_serials };
    uint8_t hash[SHA256_DIGEST_LENGTH];
    char *folder = founding->publication ? strdup(founding->publication) : file_join(founding->state, "publication");
    enum rc rc = path_resolve(founding->module, false, module, err);
    if (!rc)
        rc = path_resolve(founding->pin_file, false, pin_file, err);
    if (!rc)
        rc = folder ? path_resolve(folder, true, publication, err) : RC_NOMEM;
    if (!rc)
        rc = uri_make(founding, module, pin_file, &uri);
    const char *hsm = rc ? NULL : buf_string(&uri);
    if (!rc && (!hsm || uri.len >= sizeof made.hsm || strlen(publication) >= sizeof made.publication))
        rc = err_set(err, RC_RANGE, "the token's label or a path is too long");
    if (!rc && founding->store && (!founding->store[0] || strlen(founding->store) >= sizeof made.store))
        rc = err_set(err, RC_RANGE, "the URL of the book is empty or too long");
    if (!rc) {
        snprintf(made.store, sizeof made.store, "%s", founding->store ? founding->store : "");
        snprintf(made.hsm, sizeof made.hsm, "%s", hsm);
        snprintf(made.organisation, sizeof made.organisation, "%s", founding->organisation);
        snprintf(made.publication, sizeof made.publication, "%.511s", publication);
        rc = buf_printf(&text, "%s\n%s\n%s\n%s\n%s\n%s\n%d\n", made.hsm, made.organisation, made.publication,
                        made.store, suite_row(made.suite)->name, suite_row(made.operations)->name, made.random_serials);
    }
    if (!rc) {
        SHA256(text.data, text.len, hash);
        hex_encode(bytes_of(hash, sizeof hash), made.hash);
        *script = made;
    }
    buf_wipe(&uri);
    buf_wipe(&text);
    free(folder);
    return rc;
}

/* ceremony.c — the order of the steps is the point: read ceremony_run. */
#include "ca/ceremony.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/hex.h"
#include "ca/ceremonyplan.h"
#include "ca/publish.h"
#include "ca/tbs.h"
#include "ca/trail.h"
#include "pki/cert.h"
#include "pki/keyuri.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PLAN_TEXT "ceremony-plan.txt"
#define TRANSCRIPTS "transcripts"

enum rc ceremony_lock(const char *state, int *fd, struct err *err)
{
    struct err quiet = { 0 };
    char *path = file_join(state, "serve.lock");
    enum rc rc = path ? file_lock(path, fd, &quiet) : RC_NOMEM;
    free(path);
    if (rc == RC_CONFLICT)
        return err_set(err, rc, "the authorities in %s are in use by serve or another ceremony: stop it, and start it again afterwards", state);
    return rc ? err_set(err, rc, "%s", err_text(&quiet, rc)) : RC_OK;
}

/* --- keys --------------------------------------------------------------------------------------------------------------- */

static enum rc ceremony_keys(struct ceremony_plan *plan, struct err *err)
{
    for (enum authority a = 0; a < AUTHORITY_COUNT; a++) {
        unsigned i = plan->config.generations[a] - 1;
        struct err quiet = { 0 };
        if (plan->script->act == CEREMONY_REKEY && a != plan->script->authority)
            continue;
        enum rc rc = keyuri_generate(plan->config.key_uri[a][i], plan->config.suite[a][i], &quiet);
        fault_point("ceremony.after_key");
        if (rc && rc != RC_EXISTS) /* a torn run had made it */
            return err_set(err, rc, "%s", err_text(&quiet, rc));
    }
    return RC_OK;
}

static enum rc text_write(const char *state, const char *file, struct bytes text, struct err *err)
{
    char *path = file_join(state, file);
    enum rc rc = path ? file_write_atomic(path, text, 0644, err) : RC_NOMEM;
    free(path);
    return rc;
}

/* The plan on disk, the keys in the token, the text final. */
static enum rc ceremony_prepare(struct ceremony_plan *plan, struct err *err)
{
    enum rc rc = ceremonyplan_write(plan, err);
    fault_point("ceremony.after_plan");
    if (!rc)
        rc = ceremony_keys(plan, err);
    if (!rc)
        rc = ceremonyplan_build(plan, err);
    if (!rc && plan->rehearsal)
        rc = err_set(err, RC_BUG, "a key is not where it was made");
    return rc ? rc : text_write(plan->state, PLAN_TEXT, buf_bytes(&plan->text), err);
}

enum rc ceremony_rehearse(const struct ceremony *ceremony, struct buf *text, struct err *err)
{
    static struct ceremony_plan plan;
    enum rc rc = ceremonyplan_open(ceremony->state, &ceremony->script, &plan, err);
    if (!rc)
        rc = ceremonyplan_build(&plan, err);
    if (!rc)
        rc = buf_append_bytes(text, buf_bytes(&plan.text));
    ceremonyplan_wipe(&plan);
    return rc;
}

/* The state's folder, for this ceremony alone, and the plan in it. ceremony_leave_state at every exit. */
static enum rc ceremony_enter_state(const struct ceremony *ceremony, int *lock, struct ceremony_plan *plan, struct err *err)
{
    *lock = -1;
    enum rc rc = file_make_folder(ceremony->state, 0700, err);
    if (!rc)
        rc = ceremony_lock(ceremony->state, lock, err);
    return rc ? rc : ceremonyplan_open(ceremony->state, &ceremony->script, plan, err);
}

static void ceremony_leave_state(int lock, struct ceremony_plan *plan)
{
    ceremonyplan_wipe(plan);
    if (lock >= 0)
        close(lock);
}

enum rc ceremony_make_keys(const struct ceremony *ceremony, struct buf *text, struct err *err)
{
    static struct ceremony_plan plan;
    int lock;
    enum rc rc = ceremony_enter_state(ceremony, &lock, &plan, err);
    if (!rc)
        rc = ceremony_prepare(&plan, err);
    if (!rc)
        rc = buf_append_bytes(text, buf_bytes(&plan.text));
    ceremony_leave_state(lock, &plan);
    return rc;
}

/* --- who confirms --------------------------------------------------------------------------------------------------------- */

/* The person's line of the transcript, once the signature over the plan's text holds. */
static enum rc ceremony_check_person(const struct ceremony_plan *plan, const struct ceremony_person *person,
                                     const struct ceremony_confirmation *given, struct buf *lines, struct err *err)
{
    struct buf signature = { .max = 4096 };
    enum rc rc = file_read(given->file, &signature, err);
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    if (!rc && !md)
        rc = RC_NOMEM;
    if (!rc && (EVP_DigestVerifyInit(md, NULL, EVP_sha256(), NULL, person->key) != 1 ||
                EVP_DigestVerify(md, signature.data, signature.len, plan->text.data, plan->text.len) != 1))
        rc = err_set(err, RC_BAD_SIGNATURE, "%s is not %s's signature over this plan", given->file, person->name);
    char *hex = rc ? NULL : malloc(2 * signature.len + 1);
    if (!rc && hex) {
        hex_encode(buf_bytes(&signature), hex);
        rc = buf_printf(lines, "confirmed: %s, %s, key SHA-256 %s, signature %s\n", person->name, person->role,
                        person->key_hash, hex);
    } else if (!rc) {
        rc = RC_NOMEM;
    }
    free(hex);
    EVP_MD_CTX_free(md);
    buf_wipe(&signature);
    return rc;
}

static enum rc ceremony_confirm(const struct ceremony_plan *plan, const struct ceremony_confirmation *given, size_t count,
                                struct buf *lines, struct err *err)
{
    const struct ceremony_script *script = plan->script;
    if (!script->person_count)
        return buf_append_text(lines, "unattended: nobody has confirmed\n");
    for (size_t i = 0; i < count; i++) {
        bool known = false;
        for (unsigned p = 0; p < script->person_count; p++)
            known = known || strcmp(given[i].name, script->persons[p].name) == 0;
        if (!known)
            return err_set(err, RC_DENIED, "%s is no person of this script", given[i].name);
    }
    for (unsigned p = 0; p < script->person_count; p++) {
        const struct ceremony_confirmation *found = NULL;
        for (size_t i = 0; i < count; i++)
            if (strcmp(given[i].name, script->persons[p].name) == 0)
                found = &given[i];
        if (!found)
            return err_set(err, RC_DENIED, "%s has not confirmed", script->persons[p].name);
        enum rc rc = ceremony_check_person(plan, &script->persons[p], found, lines, err);
        if (rc)
            return rc;
    }
    return RC_OK;
}

/* --- signing ------------------------------------------------------------------------------------------------------------- */

/* One certificate into the state folder. One that is there was signed by a torn run, and must be of these bytes. */
static enum rc ceremony_sign(const struct ceremony_plan *plan, const struct ceremony_cert *cert, struct buf *der,
                             struct err *err)
{
    struct keyuri *key = NULL;
    struct err quiet = { 0 };
    char *path = file_join(plan->state, cert->file);
    enum rc rc = path ? file_read(path, der, &quiet) : RC_NOMEM;
    bool there = rc == RC_OK;
    if (rc && rc != RC_NOT_FOUND)
        err_set(err, rc, "%s", err_text(&quiet, rc));
    else
        rc = keyuri_open(plan->config.key_uri[cert->authority][cert->signer - 1], &key, err);
    if (!rc && !there)
        rc = tbs_sign(buf_bytes(&cert->tbs), keyuri_get(key), der, err);
    if (!rc)
        rc = tbs_check(buf_bytes(der), buf_bytes(&cert->tbs), keyuri_get(key), err);
    if (!rc && !there)
        rc = file_write_atomic(path, buf_bytes(der), 0644, err);
    fault_point("ceremony.after_certificate");
    keyuri_close(key);
    free(path);
    return rc;
}

static void hash_text(struct bytes bytes, char out[2 * SHA256_DIGEST_LENGTH + 1])
{
    uint8_t hash[SHA256_DIGEST_LENGTH];
    SHA256(bytes.data, bytes.len, hash);
    hex_encode(bytes_of(hash, sizeof hash), out);
}

/* "transcripts/found-2026-11-25T09:00:00Z.txt", "rekey-sign-2-2032-…": the same after a torn run, and no other ceremony's, which
 * may have begun in the same second. */
static void transcript_name(const struct ceremony_plan *plan, char *out, size_t size)
{
    char when[CLOCK_TEXT_SIZE];
    clock_format(plan->begins, when);
    if (plan->script->act == CEREMONY_FOUND)
        snprintf(out, size, "%s-%s.txt", ceremony_act_name(plan->script->act), when);
    else
        snprintf(out, size, "%s-%s-%u-%s.txt", ceremony_act_name(plan->script->act), authority_name(plan->script->authority),
                 plan->certs[0].subject, when);
}

/* Plan, who confirmed, and what was signed. */
static enum rc ceremony_sign_all(const struct ceremony_plan *plan, struct bytes confirmed, struct buf *ders,
                                 struct buf *transcript, struct err *err)
{
    char hash[2 * SHA256_DIGEST_LENGTH + 1];
    enum rc rc = buf_append_bytes(transcript, buf_bytes(&plan->text));
    if (!rc)
        rc = buf_append_bytes(transcript, confirmed);
    for (unsigned i = 0; !rc && i < plan->count; i++) {
        rc = ceremony_sign(plan, &plan->certs[i], &ders[i], err);
        if (rc)
            break;
        hash_text(buf_bytes(&ders[i]), hash);
        rc = buf_printf(transcript, "signed: %s, SHA-256 %s\n", plan->certs[i].file, hash);
    }
    return rc;
}

static enum rc transcript_write(const struct ceremony_plan *plan, struct bytes transcript, struct err *err)
{
    char name[128], file[160];
    transcript_name(plan, name, sizeof name);
    snprintf(file, sizeof file, TRANSCRIPTS "/%s", name);
    char *folder = file_join(plan->state, TRANSCRIPTS);
    enum rc rc = folder ? file_make_folder(folder, 0755, err) : RC_NOMEM;
    free(folder);
    return rc ? rc : text_write(plan->state, file, transcript, err);
}

/* --- books --------------------------------------------------------------------------------------------------------------- */

/* The authority's own certificate as a row of the book, so that it can be revoked, and found on the authority's own list. */
static enum rc enter_cert(struct store *store, const struct ceremony_cert *cert, struct bytes der, const char *hash,
                          struct err *err)
{
    struct book_cert row = { .authority = cert->authority, .generation = cert->signer };
    X509 *parsed = NULL;
    unsigned char *spki = NULL;
    char subject[64];
    enum rc rc = cert_parse(der, &parsed);
    int len = rc ? 0 : i2d_PUBKEY(X509_get0_pubkey(parsed), &spki);
    if (!rc && len <= 0)
        rc = RC_CRYPTO;
    if (!rc) {
        row.created = cert_not_before(parsed);
        row.not_after = cert_not_after(parsed);
        hash_text(bytes_of(spki, (size_t)len), row.key_hash);
        snprintf(row.serial, sizeof row.serial, "%s", cert->serial);
        snprintf(row.request, sizeof row.request, "ceremony %s", cert->file);
        snprintf(row.officer, sizeof row.officer, "ceremony");
        snprintf(subject, sizeof subject, "%s %s", authority_name(cert->authority), cert->serial);
        rc = buf_append_bytes(&row.tbs, buf_bytes(&cert->tbs));
    }
    if (!rc)
        rc = book_add_cert(store, &row, err);
    if (!rc)
        rc = book_set_certificate(store, row.id, der, err);
    if (!rc)
        rc = book_set_confirmed(store, row.id, clock_now(), err);
    if (!rc)
        rc = trail_append(store, "ceremony", "certified", subject, NULL, err, "%s SHA-256 %s", cert->file, hash);
    OPENSSL_free(spki);
    X509_free(parsed);
    book_cert_wipe(&row);
    return rc;
}

/* A founding's counter begins behind the authority's own number; numbers of chance have a counter that nobody asks. */
static enum rc enter_authority(struct store *store, const struct ceremony_plan *plan, const struct ceremony_cert *cert,
                               struct bytes der, struct err *err)
{
    int64_t next = plan->config.random_serials ? 1 : strtoll(cert->serial, NULL, 16) + 1;
    return book_add_authority(store, cert->authority, next, der, err);
}

/* Everything in one transaction; RC_EXISTS inside means that a torn run had come this far. */
static enum rc ceremony_enter(const struct ceremony_plan *plan, const struct buf *ders, struct bytes transcript,
                              struct err *err)
{
    struct store *store = NULL;
    struct err quiet = { 0 };
    char name[128], hash[2 * SHA256_DIGEST_LENGTH + 1];
    enum rc rc = ceremonyplan_book(plan, &store, err);
    if (rc)
        return rc;
    rc = store_begin(store, err);
    for (unsigned i = 0; !rc && i < plan->count; i++) {
        if (plan->script->act == CEREMONY_FOUND)
            rc = enter_authority(store, plan, &plan->certs[i], buf_bytes(&ders[i]), &quiet);
        hash_text(buf_bytes(&ders[i]), hash);
        if (!rc)
            rc = enter_cert(store, &plan->certs[i], buf_bytes(&ders[i]), hash, &quiet);
    }
    transcript_name(plan, name, sizeof name);
    hash_text(transcript, hash);
    if (!rc)
        rc = trail_append(store, "ceremony", "ceremony", name, NULL, &quiet, "transcript SHA-256 %s, %s", hash,
                          plan->script->person_count ? "confirmed" : "unattended");
    if (!rc)
        rc = store_commit(store, &quiet);
    store_rollback(store);
    store_close(store);
    return rc == RC_EXISTS || !rc ? RC_OK : err_set(err, rc, "%s", err_text(&quiet, rc));
}

/* The configuration as planned becomes the one in force. */
static enum rc ceremony_enact(const struct ceremony_plan *plan, struct err *err)
{
    fault_point("ceremony.before_done");
    enum rc rc = caconfig_write(plan->state, CACONFIG_FILE, &plan->config, err);
    fault_point("ceremony.after_done");
    return rc;
}

/* Certificates and lists. A founding publishes before it is done, so that what is founded has lists; a new key afterwards:
 * until then the old one issues. */
static enum rc ceremony_publish(const struct ceremony *ceremony, const char *config, struct err *err)
{
    struct ca *ca = NULL;
    size_t count;
    enum rc rc = ca_open(ceremony->program, ceremony->state, config, CA_SIGN, &ca, err);
    if (!rc && ceremony->script.act == CEREMONY_REKEY)
        rc = publish_all(ca, &count, err);
    if (!rc)
        rc = publish_repair(ca, &count, err); /* the first lists; a torn run may have recorded one and not handed it over */
    if (!rc)
        rc = ca_publish(ca, ceremony->program, config, err); /* certificates too */
    ca_close(ca);
    return rc;
}

static enum rc ceremony_finish(const struct ceremony *ceremony, const struct ceremony_plan *plan, struct err *err)
{
    enum rc rc = RC_OK;
    if (ceremony->script.act == CEREMONY_FOUND)
        rc = ceremony_publish(ceremony, CACONFIG_PLANNED, err);
    if (!rc)
        rc = ceremony_enact(plan, err);
    if (!rc && ceremony->script.act == CEREMONY_REKEY)
        rc = ceremony_publish(ceremony, CACONFIG_FILE, err);
    fault_point("ceremony.after_publish");
    if (!rc)
        ceremonyplan_remove(ceremony->state);
    return rc;
}

/* Under the lock. */
static enum rc ceremony_do(const struct ceremony *ceremony, struct ceremony_plan *plan,
                           const struct ceremony_confirmation *confirmations, size_t count, struct buf *transcript,
                           struct err *err)
{
    struct buf confirmed = { 0 }, ders[CEREMONY_CERTS] = { 0 };
    enum rc rc = RC_OK;
    if (!ceremony->script.person_count)
        rc = ceremony_prepare(plan, err);
    else if (!plan->written)
        rc = err_set(err, RC_STATE, "the keys are not made yet: there is nothing that could have been confirmed");
    else
        rc = ceremonyplan_build(plan, err);
    if (!rc && plan->rehearsal)
        rc = err_set(err, RC_STATE, "the keys are not made yet: there is nothing that could have been confirmed");
    if (!rc)
        rc = ceremony_confirm(plan, confirmations, count, &confirmed, err);
    if (!rc)
        rc = ceremony_sign_all(plan, buf_bytes(&confirmed), ders, transcript, err);
    if (!rc)
        rc = transcript_write(plan, buf_bytes(transcript), err);
    fault_point("ceremony.after_transcript");
    if (!rc)
        rc = ceremony_enter(plan, ders, buf_bytes(transcript), err);
    fault_point("ceremony.after_entered");
    if (!rc)
        rc = ceremony_finish(ceremony, plan, err);
    for (unsigned i = 0; i < CEREMONY_CERTS; i++)
        buf_wipe(&ders[i]);
    buf_wipe(&confirmed);
    return rc;
}

enum rc ceremony_run(const struct ceremony *ceremony, const struct ceremony_confirmation *confirmations, size_t count,
                     struct buf *transcript, struct err *err)
{
    static struct ceremony_plan plan;
    int lock;
    enum rc rc = ceremony_enter_state(ceremony, &lock, &plan, err);
    if (!rc)
        rc = ceremony_do(ceremony, &plan, confirmations, count, transcript, err);
    ceremony_leave_state(lock, &plan);
    return rc;
}

/* --- afterwards ------------------------------------------------------------------------------------------------------------ */

/* One transcript against its row. */
static enum rc verify_transcript(const struct ca *ca, const char *name, const char *detail, struct err *err)
{
    struct buf text = { 0 };
    char hash[2 * SHA256_DIGEST_LENGTH + 1], want[100], *path = NULL;
    if (asprintf(&path, "%s/" TRANSCRIPTS "/%s", ca->folder, name) < 0)
        return RC_NOMEM;
    enum rc rc = file_read(path, &text, NULL);
    hash_text(buf_bytes(&text), hash);
    snprintf(want, sizeof want, "transcript SHA-256 %s,", hash);
    if (rc || strncmp(detail, want, strlen(want)) != 0)
        rc = err_set(err, RC_CONFLICT, "the transcript %s is %s", path, rc ? "missing" : "not the one that the trail tells of");
    buf_wipe(&text);
    free(path);
    return rc;
}

enum rc ceremony_verify(struct ca *ca, int64_t *count, struct err *err)
{
    struct statement *s = NULL;
    enum rc rc = store_prepare(ca->store, "SELECT subject, detail FROM audit WHERE action = 'ceremony' ORDER BY sequence", &s,
                               err);
    *count = 0;
    while (!rc && (rc = statement_step(s, err)) == RC_OK) {
        rc = verify_transcript(ca, column_text(s, 0), column_text(s, 1), err);
        ++*count;
    }
    statement_done(s);
    return rc == RC_NOT_FOUND ? RC_OK : rc;
}

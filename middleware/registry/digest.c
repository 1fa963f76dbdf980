/* digest.c — records as digests. */
#include "registry/digest.h"

#include "base/hex.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

static enum rc digest_finish(EVP_MD_CTX *context, char digest[DIGEST_SIZE])
{
    unsigned char raw[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (!EVP_DigestFinal_ex(context, raw, &len) || len != 32)
        return RC_BUG;
    hex_encode(bytes_of(raw, len), digest);
    return RC_OK;
}

/* The code and every told field, each ended by a zero byte, so that no two records have the same text. */
enum rc digest_record(const struct resident *resident, char digest[DIGEST_SIZE])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool done = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) &&
                EVP_DigestUpdate(context, resident->code, strlen(resident->code) + 1);
    for (size_t i = 0; done && i < RECORD_FIELDS; i++)
        if (record_fields[i].told) {
            const char *text = record_text_of(resident, &record_fields[i]);
            done = EVP_DigestUpdate(context, text, strlen(text) + 1);
        }
    enum rc rc = done ? digest_finish(context, digest) : RC_NOMEM;
    EVP_MD_CTX_free(context);
    return rc;
}

static enum rc digest_add(struct store *store, struct statement *s, EVP_MD_CTX *context, json_t *rows, struct err *err)
{
    struct ledger_row row;
    char digest[DIGEST_SIZE];
    enum rc rc = ledger_find_code(store, column_text(s, 0), &row, err);
    if (!rc)
        rc = digest_record(&row.resident, digest);
    if (!rc && !EVP_DigestUpdate(context, digest, strlen(digest)))
        rc = RC_BUG;
    if (!rc && rows &&
        json_array_append_new(rows, json_pack("{s:s, s:s}", "code", row.resident.code, "digest", digest)))
        rc = RC_NOMEM;
    return rc;
}

enum rc digest_bucket(struct store *store, const char *municipality, unsigned bucket, int64_t *count,
                      char digest[DIGEST_SIZE], json_t *rows, struct err *err)
{
    char from[12], to[12];
    int64_t seen = 0;
    struct statement *s = NULL;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    snprintf(from, sizeof from, "%02u", bucket % DIGEST_BUCKETS);
    snprintf(to, sizeof to, "%02u:", bucket % DIGEST_BUCKETS); /* ':' stands behind '9' */
    enum rc rc = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) ? RC_OK : RC_NOMEM;
    if (!rc)
        rc = store_prepare(store,
                           "SELECT code FROM resident WHERE municipality = ?1 AND code >= ?2 AND code < ?3 AND "
                           "removed = 0 ORDER BY code",
                           &s, err);
    if (!rc) {
        bind_text(s, 1, municipality);
        bind_text(s, 2, from);
        bind_text(s, 3, to);
        while (!(rc = statement_step(s, err))) {
            if ((rc = digest_add(store, s, context, rows, err)))
                break;
            seen++;
        }
    }
    statement_done(s);
    if (rc == RC_NOT_FOUND) {
        rc = digest_finish(context, digest);
        *count = seen;
    }
    EVP_MD_CTX_free(context);
    return rc;
}

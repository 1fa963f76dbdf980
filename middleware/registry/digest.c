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

/* Texts, each ended by a zero byte, so that no two lists of them are the same bytes. */
static enum rc digest_texts(const char *key, const char *const *texts, size_t count, char digest[DIGEST_SIZE])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool done = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) && EVP_DigestUpdate(context, key, strlen(key) + 1);
    for (size_t i = 0; done && i < count; i++)
        done = EVP_DigestUpdate(context, texts[i], strlen(texts[i]) + 1);
    enum rc rc = done ? digest_finish(context, digest) : RC_NOMEM;
    EVP_MD_CTX_free(context);
    return rc;
}

/* The code and every told field. */
enum rc digest_record(const struct resident *resident, char digest[DIGEST_SIZE])
{
    const char *texts[RECORD_FIELDS];
    size_t count = 0;
    for (size_t i = 0; i < RECORD_FIELDS; i++)
        if (record_fields[i].told)
            texts[count++] = record_text_of(resident, &record_fields[i]);
    return digest_texts(resident->code, texts, count, digest);
}

/* One digest into that of its bucket, and into the rows unless they are NULL, under what names it there. */
static enum rc digest_enter(EVP_MD_CTX *context, json_t *rows, const char *member, const char *name,
                            const char digest[DIGEST_SIZE])
{
    if (!EVP_DigestUpdate(context, digest, strlen(digest)))
        return RC_BUG;
    return rows && json_array_append_new(rows, json_pack("{s:s, s:s}", member, name, "digest", digest)) ? RC_NOMEM : RC_OK;
}

static enum rc digest_add(struct store *store, struct statement *s, EVP_MD_CTX *context, json_t *rows, struct err *err)
{
    struct ledger_row row;
    char digest[DIGEST_SIZE];
    enum rc rc = ledger_find_code(store, column_text(s, 0), &row, err);
    if (!rc)
        rc = digest_record(&row.resident, digest);
    return rc ? rc : digest_enter(context, rows, "code", row.resident.code, digest);
}

#define CARD_FIELDS 5

/* What of a card is told. */
static void digest_card_texts(const struct card_row *row, const char *names[CARD_FIELDS], const char *texts[CARD_FIELDS])
{
    const char *const pairs[CARD_FIELDS][2] = {
        {"code", row->code},      {"type", card_type_name(row->type)}, {"state", card_state_name(cardlife_told(row->state))},
        {"issued", row->issued},  {"expires", row->expires},
    };
    for (size_t i = 0; i < CARD_FIELDS; i++) {
        names[i] = pairs[i][0];
        texts[i] = pairs[i][1];
    }
}

static enum rc digest_add_card(struct store *store, struct statement *s, EVP_MD_CTX *context, json_t *rows, struct err *err)
{
    struct card_row row;
    char digest[DIGEST_SIZE];
    const char *names[CARD_FIELDS], *texts[CARD_FIELDS];
    enum rc rc = cardbook_find_of(store, column_text(s, 0), column_text(s, 1), &row, err);
    if (rc)
        return rc;
    digest_card_texts(&row, names, texts);
    rc = digest_texts(row.card, texts, CARD_FIELDS, digest);
    return rc ? rc : digest_enter(context, rows, "card", row.card, digest);
}

typedef enum rc (*digest_add_fn)(struct store *store, struct statement *s, EVP_MD_CTX *context, json_t *rows, struct err *err);

static enum rc digest_walk(struct store *store, const char *sql, digest_add_fn add, const char *municipality, unsigned bucket,
                           int64_t *count, char digest[DIGEST_SIZE], json_t *rows, struct err *err)
{
    char from[12], to[12];
    int64_t seen = 0;
    struct statement *s = NULL;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    snprintf(from, sizeof from, "%02u", bucket % DIGEST_BUCKETS);
    snprintf(to, sizeof to, "%02u:", bucket % DIGEST_BUCKETS); /* ':' stands behind '9' */
    enum rc rc = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) ? RC_OK : RC_NOMEM;
    if (!rc)
        rc = store_query(store, sql, BINDS(BIND_TEXT(municipality), BIND_TEXT(from), BIND_TEXT(to)), &s, err);
    while (!rc && !(rc = statement_step(s, err))) {
        rc = add(store, s, context, rows, err);
        seen++;
    }
    statement_done(s);
    if (rc == RC_NOT_FOUND) {
        rc = digest_finish(context, digest);
        *count = seen;
    }
    EVP_MD_CTX_free(context);
    return rc;
}

enum rc digest_bucket(struct store *store, const char *municipality, unsigned bucket, int64_t *count,
                      char digest[DIGEST_SIZE], json_t *rows, struct err *err)
{
    return digest_walk(store,
                       "SELECT code FROM resident WHERE municipality = ?1 AND code >= ?2 AND code < ?3 AND "
                       "removed = 0 ORDER BY code",
                       digest_add, municipality, bucket, count, digest, rows, err);
}

enum rc digest_cards(struct store *store, const char *municipality, unsigned bucket, int64_t *count,
                     char digest[DIGEST_SIZE], json_t *rows, struct err *err)
{
    return digest_walk(store,
                       "SELECT card, code FROM card WHERE municipality = ?1 AND code >= ?2 AND code < ?3 AND "
                       "state <> 'elsewhere' ORDER BY card",
                       digest_add_card, municipality, bucket, count, digest, rows, err);
}

/* A digest for each text, bound to whose it is. */
static enum rc digest_each(const char *key, const char *const *names, const char *const *texts, size_t count, json_t **out)
{
    json_t *fields = json_object();
    enum rc rc = fields ? RC_OK : RC_NOMEM;
    for (size_t i = 0; !rc && i < count; i++) {
        char digest[DIGEST_SIZE];
        const char *pair[2] = {names[i], texts[i]};
        rc = digest_texts(key, pair, 2, digest);
        if (!rc && json_object_set_new(fields, names[i], json_string(digest)))
            rc = RC_NOMEM;
    }
    if (rc)
        json_decref(fields);
    else
        *out = fields;
    return rc;
}

enum rc digest_record_fields(struct store *store, const char *municipality, const char *code, json_t **fields, struct err *err)
{
    struct ledger_row row;
    const char *names[RECORD_FIELDS], *texts[RECORD_FIELDS];
    size_t count = 0;
    enum rc rc = ledger_find_code(store, code, &row, err);
    if (!rc && (strcmp(row.resident.municipality, municipality) != 0 || row.removed))
        rc = RC_NOT_FOUND;
    for (size_t i = 0; !rc && i < RECORD_FIELDS; i++)
        if (record_fields[i].told) {
            names[count] = record_fields[i].name;
            texts[count++] = record_text_of(&row.resident, &record_fields[i]);
        }
    return rc ? rc : digest_each(code, names, texts, count, fields);
}

enum rc digest_card_fields(struct store *store, const char *municipality, const char *card, json_t **fields, struct err *err)
{
    struct card_row row;
    const char *names[CARD_FIELDS], *texts[CARD_FIELDS];
    enum rc rc = cardbook_find(store, card, &row, err);
    if (!rc && strcmp(row.municipality, municipality) != 0)
        rc = RC_NOT_FOUND;
    if (rc)
        return rc;
    digest_card_texts(&row, names, texts);
    return digest_each(card, names, texts, CARD_FIELDS, fields);
}

const struct digest_kind digest_kinds[DIGEST_KINDS] = {
    [DIGEST_RESIDENTS] = {"/v1/digest", "residents", "code", digest_bucket, digest_record_fields},
    [DIGEST_CARDS] = {"/v1/cards/digest", "cards", "card", digest_cards, digest_card_fields},
};

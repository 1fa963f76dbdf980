/* digest.h — 整合性確認: a municipality's registered records as digests, in a hundred buckets by the first two digits
 * of the code, so that two stores find out where they differ without telling each other everything. What is told
 * (本人確認情報) counts, nothing else. */
#ifndef JPKI_REGISTRY_DIGEST_H
#define JPKI_REGISTRY_DIGEST_H

#include "registry/cardbook.h"

#define DIGEST_BUCKETS 100
#define DIGEST_SIZE 65 /* SHA-256 in hex and a NUL */

/* One bucket, 0 to 99. rows (may be NULL) gets {"code","digest"} of each record in the order of codes. No transaction
 * needed. */
enum rc digest_bucket(struct store *store, const char *municipality, unsigned bucket, int64_t *count,
                      char digest[DIGEST_SIZE], json_t *rows, struct err *err) MUST_CHECK;

/* One record's. */
enum rc digest_record(const struct resident *resident, char digest[DIGEST_SIZE]) MUST_CHECK;

/* The same about the municipality's cards, in the bucket of their holders' codes: {"card","digest"} in the order of serial numbers. A card
 * that another municipality has taken over is none of its own. */
enum rc digest_cards(struct store *store, const char *municipality, unsigned bucket, int64_t *count,
                     char digest[DIGEST_SIZE], json_t *rows, struct err *err) MUST_CHECK;

/* Where two records, or two cards, differ: {"name":"…"} with a digest for each field that is told. RC_NOT_FOUND: the municipality has
 * none such. Caller decrefs. No transaction needed. */
enum rc digest_record_fields(struct store *store, const char *municipality, const char *code, json_t **fields, struct err *err) MUST_CHECK;
enum rc digest_card_fields(struct store *store, const char *municipality, const char *card, json_t **fields, struct err *err) MUST_CHECK;

/* What is compared, and how it is asked for: GET PATH/NN. */
enum { DIGEST_RESIDENTS, DIGEST_CARDS, DIGEST_KINDS };
struct digest_kind {
    const char *path, *list, *key; /* "/v1/digest", "residents", "code" */
    enum rc (*bucket)(struct store *store, const char *municipality, unsigned bucket, int64_t *count,
                      char digest[DIGEST_SIZE], json_t *rows, struct err *err);
    enum rc (*fields)(struct store *store, const char *municipality, const char *key, json_t **fields, struct err *err);
};
extern const struct digest_kind digest_kinds[DIGEST_KINDS];

#endif

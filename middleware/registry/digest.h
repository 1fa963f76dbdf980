/* digest.h — 整合性確認: a municipality's registered records as digests, in a hundred buckets by the first two digits
 * of the code, so that two stores find out where they differ without telling each other everything. What is told
 * (本人確認情報) counts, nothing else. */
#ifndef JPKI_REGISTRY_DIGEST_H
#define JPKI_REGISTRY_DIGEST_H

#include "registry/ledger.h"

#define DIGEST_BUCKETS 100
#define DIGEST_SIZE 65 /* SHA-256 in hex and a NUL */

/* One bucket, 0 to 99. rows (may be NULL) gets {"code","digest"} of each record in the order of codes. No transaction
 * needed. */
enum rc digest_bucket(struct store *store, const char *municipality, unsigned bucket, int64_t *count,
                      char digest[DIGEST_SIZE], json_t *rows, struct err *err) MUST_CHECK;

/* One record's. */
enum rc digest_record(const struct resident *resident, char digest[DIGEST_SIZE]) MUST_CHECK;

#endif

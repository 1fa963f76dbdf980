/* crljudge.h — what a list of one authority must be, and which list may follow which. Asked by the signer before it signs, by
 * the authorities before they hand over, by the publisher before it publishes (LE 2022 and 2025, Kamu SM 2026: lists that
 * lost entries or came from another authority). What it refuses in a list alone, the linter names (lint.h), and the other
 * way round. Pure; works on lists of any length (crlwalk.h). */
#ifndef JPKI_CA_CRLJUDGE_H
#define JPKI_CA_CRLJUDGE_H

#include "ca/crlwalk.h"
#include "pki/authority.h"

#include <openssl/x509v3.h>

#define CRLJUDGE_LONGEST (8 * 86400) /* seconds that a list is in force: one that is signed ahead, with slack */

/* Words behind "would not rise". */
#define CRLJUDGE_AHEAD "after an old copy of the book was restored, 'jpki-ca store ahead' skips the numbers that it does not know"

struct crlfacts {
    int64_t this_update, next_update, number, entries;
    struct buf scope;                      /* DER IssuingDistributionPoint; empty: none */
    uint8_t digest[CRLWALK_DIGEST];        /* of the to-be-signed bytes */
    size_t digest_len;
};
void crlfacts_wipe(struct crlfacts *facts);

/* At the start of a walk: issuer and suite are this authority's, the end comes within its time. RC_DENIED. */
enum rc crljudge_head(X509 *ca, struct crlwalk *walk, struct err *err) MUST_CHECK;

/* At its end: the extensions are those of pki/statusform.h and no others, the key identifier is this authority's. Fills
 * facts (crlfacts_wipe). RC_DENIED. */
enum rc crljudge_tail(X509 *ca, enum authority authority, const struct crlwalk *walk, struct crlfacts *facts,
                      struct err *err) MUST_CHECK;

/* At its end: the signature is this authority's. RC_BAD_SIGNATURE. */
enum rc crljudge_signature(X509 *ca, const struct crlwalk *walk, struct err *err) MUST_CHECK;

/* The same for what is published, which any key of the authority may have signed: at the start, and at the end with the signature. */
enum rc crljudge_head_any(X509 *const *keys, unsigned count, struct crlwalk *walk, struct err *err) MUST_CHECK;
enum rc crljudge_end_any(X509 *const *keys, unsigned count, enum authority authority, const struct crlwalk *walk,
                         struct crlfacts *facts, struct err *err) MUST_CHECK;

/* The scope that a list has whose distribution point this is. NULL: the list of everything, which has none. DER, appended. */
enum rc crljudge_scope(const X509_NAME *point, bool only_ca, struct buf *out) MUST_CHECK;

/* An entry of the last list that the next one does not have: RC_OK when it may go. */
typedef enum rc (*crljudge_lost_fn)(void *context, const struct crlwalk_entry *entry, struct err *err);

/* Walks both to their ends (their heads are read): every entry of `last` is in `next` with the same time and reason, or lost
 * says that it may go. RC_CONFLICT names the entry. */
enum rc crljudge_entries(struct crlwalk *last, struct crlwalk *next, crljudge_lost_fn lost, void *context,
                         struct err *err) MUST_CHECK;

/* The number rises, the time does not go back, the scope stays. RC_CONFLICT. */
enum rc crljudge_order(const struct crlfacts *last, const struct crlfacts *next, struct err *err) MUST_CHECK;

#endif

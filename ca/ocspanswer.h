/* ocspanswer.h — an OCSP response (RFC 6960 §4.2) from what the book says. Pure but for the signature. */
#ifndef JPKI_CA_OCSPANSWER_H
#define JPKI_CA_OCSPANSWER_H

#include "ca/ocspbox.h"
#include "ca/ocsprequest.h"

struct ocspstatus {
    bool known;         /* false: "unknown", never "good" */
    int64_t revoked_at; /* 0: good */
    int reason;         /* CRLReason; 0 is left out, as on the lists */
};

/* Which authority's which key an identifier means, by the hashes (SHA-1, SHA-256) of name and key; its serial as the house
 * writes it. RC_NOT_FOUND: of none that is served here. */
enum rc ocspanswer_issuer(const struct ca *ca, const OCSP_CERTID *id, enum authority *authority, unsigned *generation,
                          char serial[BOOK_SERIAL_SIZE]) MUST_CHECK;

struct ocspterms {
    int64_t this_update, next_update;
};

/* successful, one answer a certificate in the request's order, responder by key, nonce echoed; appended. Linted before the
 * key is used and again as a whole. RC_BUG: the linter found something (logged), and nothing was signed or given out. */
enum rc ocspanswer_encode(const struct ocsprequest *request, const struct ocspstatus *statuses,
                          const struct ocspkey *key, const struct ocspterms *terms, struct buf *out) MUST_CHECK;

/* An answer that is only a word: OCSP_RESPONSE_STATUS_MALFORMEDREQUEST … unsigned, as the standard has it. */
enum rc ocspanswer_refusal(int status, struct buf *out) MUST_CHECK;

#endif

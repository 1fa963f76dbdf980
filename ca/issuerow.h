/* issuerow.h — one row of the book on its way to a certificate: decided, numbered, built. Used by issue.c alone, which
 * says when. */
#ifndef JPKI_CA_ISSUEROW_H
#define JPKI_CA_ISSUEROW_H

#include "ca/issue.h"

#define ISSUEROW_HASH_SIZE 65

/* What needs no book: the request's name and the key; and the key's hash. RC_FORMAT, RC_RANGE. */
enum rc issuerow_check(const struct ca *ca, const struct issue_order *order, char key_hash[ISSUEROW_HASH_SIZE],
                       struct err *err) MUST_CHECK;

/* Inside a transaction: the row of the request, as it stands in the book or as it is entered now: serial, exact
 * to-be-signed bytes, audit row. The caller wipes. As issue_certificate; after a failure the transaction holds a torn
 * row and has to be taken back to before. */
enum rc issuerow_enter(struct ca *ca, const struct issue_order *order, const char *key_hash, struct book_cert *row,
                       struct err *err) MUST_CHECK;

/* "auth 0132C4AB": what the trail and the log call a certificate. */
void issuerow_subject(const struct book_cert *cert, char *out, size_t size);

#endif

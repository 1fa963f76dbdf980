/* statusform.h — the extensions of revocation lists and OCSP responses as rows, and their judge (docs/PROFILE.md, "Revocation
 * lists", "OCSP responses"). One table for who signs them, who publishes or gives them out, the linter and the relying party. */
#ifndef JPKI_PKI_STATUSFORM_H
#define JPKI_PKI_STATUSFORM_H

#include "pki/profile.h"

#include <openssl/x509.h>

enum statusform {
    STATUSFORM_SCOPED_LIST, /* of a municipality's point, or the authority's own */
    STATUSFORM_WHOLE_LIST,  /* the operations authority's one list, and a list of everything */
    STATUSFORM_ANSWER,
    STATUSFORM_COUNT
};

const char *statusform_name(enum statusform form);
/* Their rules are PROFILE_KEY_ONLY, PROFILE_NUMBER, PROFILE_SCOPE and PROFILE_NONCE. */
const struct profile_row *statusform_rows(enum statusform form, size_t *count);

/* The form that a list claims: only a card authority's list has a scope. */
enum statusform statusform_of_list(enum authority authority, const X509_EXTENSIONS *extensions);

/* Whether one of the form's rows is of this extension: then who reads it understands it, critical or not. */
bool statusform_knows(enum statusform form, const X509_EXTENSION *extension);

/* Tells everything that is wrong with the extensions (NULL: there are none). issuer: of the list; NULL for an answer. */
void statusform_lint(enum statusform form, const X509_EXTENSIONS *extensions, const X509_NAME *issuer, profile_finding_fn tell,
                     void *context);

/* The same as a judgement. RC_DENIED: err names form, extension and rule. */
enum rc statusform_check(enum statusform form, const X509_EXTENSIONS *extensions, const X509_NAME *issuer, struct err *err)
    MUST_CHECK;

#endif

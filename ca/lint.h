/* lint.h — what is wrong with a certificate, a revocation list or an OCSP response, as a list of findings, each with the section of the
 * standard or page that it breaks. Certificates are held against the rows of pki/profile.h; lists and responses against
 * those of pki/statusform.h and docs/PROFILE.md ("Revocation lists", "OCSP responses"). Pure: signatures, trust and the current time are
 * not judged. */
#ifndef JPKI_CA_LINT_H
#define JPKI_CA_LINT_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>

#define LINT_MAX 32u

struct lint_finding {
    char field[80], rule[160];
    const char *section; /* "RFC 5280 §4.1.2.2" */
};

struct lint {
    char what[60];  /* "certificate, profile sign" */
    unsigned count; /* all; the first LINT_MAX stand in findings */
    struct lint_finding findings[LINT_MAX];
};

/* RC_FORMAT: not such an object in DER at all. What stands around the to-be-signed bytes is judged too: the algorithm there and
 * inside is one. */
enum rc lint_cert(struct bytes der, struct lint *lint) MUST_CHECK;
enum rc lint_crl(struct bytes der, struct lint *lint) MUST_CHECK;
enum rc lint_ocsp(struct bytes der, struct lint *lint) MUST_CHECK;

/* As lint_ocsp, for who answers with one certificate again and again: what stands in the response is compared with a responder's
 * certificate that was judged before (lint_responder). Its judgement costs more than the signature of an answer. */
enum rc lint_ocsp_by(struct bytes der, struct bytes responder, struct lint *lint) MUST_CHECK;
bool lint_responder(struct bytes cert);

/* The to-be-signed part of a response alone, before a key is used for it. */
enum rc lint_ocsp_data(struct bytes tbs, struct lint *lint) MUST_CHECK;

/* A file in DER or PEM, of any of the three kinds. RC_FORMAT: none of them; RC_NOT_FOUND. */
enum rc lint_file(const char *path, struct lint *lint, struct err *err) MUST_CHECK;

/* jpki-ca lint FILE…; an exit status. */
int lint_main(int argc, char **argv);

/* For the parts of the linter (lintfinding.c). The section is found by the field. */
void lint_add(struct lint *lint, const char *field, const char *rule);
void lint_tell(void *lint, const char *field, const char *rule); /* the same as a profile_finding_fn */
/* The suite that a whole signed object names inside and outside. */
void lint_algorithm(struct lint *lint, struct bytes inside, struct bytes outside);

#endif

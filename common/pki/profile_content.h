/* profile_content.h — judging the content of one extension. Used by profile.c only. */
#ifndef JPKI_PKI_PROFILE_CONTENT_H
#define JPKI_PKI_PROFILE_CONTENT_H

#include "pki/profile.h"
#include "pki/suite.h"

/* A certificate under judgement; everything borrowed. */
struct profile_case {
    enum profile_kind kind;
    X509 *cert;            /* the to-be-signed bytes with a signature of no value around them */
    profile_finding_fn tell;
    void *context;
    unsigned found;        /* how much was told */
    bool has_suite;        /* else the algorithm of the signature to come is of none */
    enum suite suite;
    char organisation[65]; /* of the issuer's name */
    char municipality[7];  /* that the subject names; "" for none */
};

enum rc profile_judge(const struct profile_case *one, const struct profile_row *row, X509_EXTENSION *extension,
                      struct err *err) MUST_CHECK;

/* RC_DENIED, with the words "<profile>: <field>: <rule>". */
enum rc profile_deny(enum profile_kind kind, const char *field, const char *rule, struct err *err);

/* Whether two names have the same bytes (X509_NAME_cmp folds case and blanks). */
bool profile_same_name(const X509_NAME *a, const X509_NAME *b);

#endif

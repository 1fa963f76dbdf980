/* statusform.c — the rows, and one judge for each rule. */
#include "pki/statusform.h"

#include "pki/der.h"

#include <openssl/x509v3.h>
#include <string.h>

#define KEY_ONLY(section)                                                                                              \
    {                                                                                                                  \
        "2.5.29.35", "authorityKeyIdentifier", false, 1, 1, PROFILE_KEY_ONLY, NULL, section                            \
    }
#define NUMBER(section)                                                                                                \
    {                                                                                                                  \
        "2.5.29.20", "cRLNumber", false, 1, 1, PROFILE_NUMBER, NULL, section                                           \
    }

static const struct profile_row scoped_rows[] = {
    KEY_ONLY("scoped-list"),
    NUMBER("scoped-list"),
    { "2.5.29.28", "issuingDistributionPoint", true, 1, 1, PROFILE_SCOPE, NULL, "scoped-list" },
};
static const struct profile_row whole_rows[] = { KEY_ONLY("whole-list"), NUMBER("whole-list") };
static const struct profile_row answer_rows[] = {
    { "1.3.6.1.5.5.7.48.1.2", "nonce", false, 0, 1, PROFILE_NONCE, NULL, "answer" },
};

#define ROWS(rows) rows, sizeof rows / sizeof *rows

static const struct {
    const char *name, *others; /* others: what an extension without a row is told as */
    const struct profile_row *rows;
    size_t count;
} forms[STATUSFORM_COUNT] = {
    [STATUSFORM_SCOPED_LIST] = { "scoped-list", "crlExtensions", ROWS(scoped_rows) },
    [STATUSFORM_WHOLE_LIST] = { "whole-list", "crlExtensions", ROWS(whole_rows) },
    [STATUSFORM_ANSWER] = { "answer", "responseExtensions", ROWS(answer_rows) },
};

const char *statusform_name(enum statusform form)
{
    return forms[form].name;
}

const struct profile_row *statusform_rows(enum statusform form, size_t *count)
{
    *count = forms[form].count;
    return forms[form].rows;
}

enum statusform statusform_of_list(enum authority authority, const X509_EXTENSIONS *extensions)
{
    bool scoped = authority != AUTHORITY_OPS && X509v3_get_ext_by_NID(extensions, NID_issuing_distribution_point, -1) >= 0;
    return scoped ? STATUSFORM_SCOPED_LIST : STATUSFORM_WHOLE_LIST;
}

static bool row_is_of(const struct profile_row *row, const X509_EXTENSION *extension)
{
    union { const X509_EXTENSION *from; X509_EXTENSION *to; } looked = { .from = extension }; /* only looked at */
    char oid[80];
    int len = OBJ_obj2txt(oid, sizeof oid, X509_EXTENSION_get_object(looked.to), 1);
    return len > 0 && len < (int)sizeof oid && strcmp(oid, row->oid) == 0;
}

bool statusform_knows(enum statusform form, const X509_EXTENSION *extension)
{
    for (size_t i = 0; i < forms[form].count; i++)
        if (row_is_of(&forms[form].rows[i], extension))
            return true;
    return false;
}

static const char *flaw_of_key(X509_EXTENSION *extension)
{
    AUTHORITY_KEYID *key = X509V3_EXT_d2i(extension);
    const char *flaw = !key ? "cannot be decoded"
                       : !key->keyid || ASN1_STRING_length(key->keyid) != 20 ? "must have a key identifier of 20 bytes"
                       : key->issuer || key->serial ? "must have a key identifier and nothing else"
                                                    : NULL;
    AUTHORITY_KEYID_free(key);
    return flaw;
}

static const char *flaw_of_number(X509_EXTENSION *extension)
{
    ASN1_INTEGER *number = X509V3_EXT_d2i(extension);
    int64_t small;
    const char *flaw = NULL;
    if (!number)
        flaw = "cannot be decoded";
    else if ((ASN1_STRING_type(number) & V_ASN1_NEG) || ASN1_STRING_length(number) > 20 ||
             (ASN1_INTEGER_get_int64(&small, number) && small < 1))
        flaw = "must be positive and at most 20 bytes";
    ASN1_INTEGER_free(number);
    return flaw;
}

/* The full name of a point of the issuer, and onlyContainsCACerts exactly for its own. */
static const char *flaw_of_scope(X509_EXTENSION *extension, const X509_NAME *issuer)
{
    ISSUING_DIST_POINT *scope = X509V3_EXT_d2i(extension);
    struct buf path = { 0 };
    const char *flaw = NULL;
    if (!scope)
        return "cannot be decoded";
    GENERAL_NAMES *names = scope->distpoint && scope->distpoint->type == 0 ? scope->distpoint->name.fullname : NULL;
    GENERAL_NAME *name = sk_GENERAL_NAME_num(names) == 1 ? sk_GENERAL_NAME_value(names, 0) : NULL;
    X509_NAME *point = name && name->type == GEN_DIRNAME ? name->d.directoryName : NULL;
    if (!point)
        flaw = "must be one directoryName";
    else if (authority_crl_path(point, &path, NULL))
        flaw = "not a point of the house";
    else if ((scope->onlyCA > 0) != (X509_NAME_cmp(point, issuer) == 0))
        flaw = "onlyContainsCACerts stands in the authority's own list and in no other";
    else if (scope->onlyuser > 0 || scope->onlyattr > 0 || scope->indirectCRL > 0 || scope->onlysomereasons)
        flaw = "covers all certificates of its point for all reasons";
    buf_wipe(&path);
    ISSUING_DIST_POINT_free(scope);
    return flaw;
}

/* RFC 9654 §2.1 */
static const char *flaw_of_nonce(X509_EXTENSION *extension)
{
    const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(extension);
    struct bytes rest = bytes_of(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value)), nonce;
    bool sound = der_expect(&rest, 0x04, &nonce, NULL) == RC_OK && !rest.len && nonce.len >= 1 && nonce.len <= 128;
    return sound ? NULL : "must be an octet string of 1 to 128 bytes";
}

static const char *flaw_of(const struct profile_row *row, X509_EXTENSION *extension, const X509_NAME *issuer)
{
    if (row->rule == PROFILE_KEY_ONLY)
        return flaw_of_key(extension);
    if (row->rule == PROFILE_NUMBER)
        return flaw_of_number(extension);
    return row->rule == PROFILE_SCOPE ? flaw_of_scope(extension, issuer) : flaw_of_nonce(extension);
}

static int row_find(const struct profile_row *row, const X509_EXTENSIONS *extensions, int after)
{
    for (int i = after + 1; i < X509v3_get_ext_count(extensions); i++)
        if (row_is_of(row, X509v3_get_ext(extensions, i)))
            return i;
    return -1;
}

void statusform_lint(enum statusform form, const X509_EXTENSIONS *extensions, const X509_NAME *issuer, profile_finding_fn tell,
                     void *context)
{
    int at = 0, known = 0;
    for (size_t i = 0; i < forms[form].count; i++) {
        const struct profile_row *row = &forms[form].rows[i];
        int found = row_find(row, extensions, -1);
        if (found < 0) {
            if (row->min)
                tell(context, row->name, "missing");
            continue;
        }
        if (found < at)
            tell(context, row->name, "not in its place");
        at = found;
        known++;
        X509_EXTENSION *extension = X509v3_get_ext(extensions, found);
        if ((X509_EXTENSION_get_critical(extension) != 0) != row->critical)
            tell(context, row->name, row->critical ? "must be critical" : "must not be critical");
        const char *flaw = flaw_of(row, extension, issuer);
        if (flaw)
            tell(context, row->name, flaw);
    }
    if (X509v3_get_ext_count(extensions) > known)
        tell(context, forms[form].others, "an extension that has no place here, or a second one");
}

struct first {
    enum statusform form;
    struct err *err;
    enum rc rc;
};

static void first_finding(void *context, const char *field, const char *rule)
{
    struct first *first = context;
    if (!first->rc)
        first->rc = err_set(first->err, RC_DENIED, "%s: %s: %s", forms[first->form].name, field, rule);
}

enum rc statusform_check(enum statusform form, const X509_EXTENSIONS *extensions, const X509_NAME *issuer, struct err *err)
{
    struct first first = { .form = form, .err = err };
    statusform_lint(form, extensions, issuer, first_finding, &first);
    return first.rc;
}

/* crljudge.c — the extensions by the rows of pki/statusform.h, a merge for the entries. */
#include "ca/crljudge.h"

#include "ca/extensions.h"
#include "pki/statusform.h"

#include <string.h>

void crlfacts_wipe(struct crlfacts *facts)
{
    buf_wipe(&facts->scope);
    *facts = (struct crlfacts) { 0 };
}

enum rc crljudge_head(X509 *ca, struct crlwalk *walk, struct err *err)
{
    const struct crlwalk_head *head = crlwalk_head(walk);
    enum suite suite;
    unsigned char *der = NULL;
    int len = i2d_X509_NAME(X509_get_subject_name(ca), &der);
    bool own = len > 0 && bytes_equal(bytes_of(der, (size_t)len), head->issuer);
    OPENSSL_free(der);
    if (!own)
        return err_set(err, RC_DENIED, "the list is another issuer's");
    if (suite_of_key(X509_get0_pubkey(ca), &suite) || suite != head->suite)
        return err_set(err, RC_DENIED, "the list is of another suite than the authority's key");
    if (head->next_update <= head->this_update || head->next_update - head->this_update > CRLJUDGE_LONGEST)
        return err_set(err, RC_DENIED, "the list ends before it begins, or is in force for more than eight days");
    return RC_OK;
}

static bool key_is(X509 *ca, const X509_EXTENSIONS *extensions)
{
    AUTHORITY_KEYID *key = X509V3_get_d2i(extensions, NID_authority_key_identifier, NULL, NULL);
    bool own = key && key->keyid && ASN1_OCTET_STRING_cmp(key->keyid, X509_get0_subject_key_id(ca)) == 0;
    AUTHORITY_KEYID_free(key);
    return own;
}

static bool number_of(const X509_EXTENSIONS *extensions, int64_t *number)
{
    ASN1_INTEGER *integer = X509V3_get_d2i(extensions, NID_crl_number, NULL, NULL);
    bool read = integer && ASN1_INTEGER_get_int64(number, integer) == 1 && *number > 0;
    ASN1_INTEGER_free(integer);
    return read;
}

enum rc crljudge_tail(X509 *ca, enum authority authority, const struct crlwalk *walk, struct crlfacts *facts, struct err *err)
{
    struct bytes der = crlwalk_extensions(walk), digest = crlwalk_digest(walk);
    const unsigned char *at = der.data;
    struct crlfacts found = { .this_update = crlwalk_head(walk)->this_update, .next_update = crlwalk_head(walk)->next_update,
                              .entries = crlwalk_count(walk), .digest_len = digest.len };
    X509_EXTENSIONS *extensions = d2i_X509_EXTENSIONS(NULL, &at, (long)der.len);
    enum rc rc = RC_OK;
    memcpy(found.digest, digest.data, digest.len);
    if (!extensions || at != der.data + der.len)
        rc = err_set(err, RC_DENIED, "the list's extensions are unreadable");
    else
        rc = statusform_check(statusform_of_list(authority, extensions), extensions, X509_get_subject_name(ca), err);
    if (!rc && !key_is(ca, extensions))
        rc = err_set(err, RC_DENIED, "the list names another authority's key");
    else if (!rc && !number_of(extensions, &found.number))
        rc = err_set(err, RC_DENIED, "the list has no number");
    X509_EXTENSION *scope = rc ? NULL : sk_X509_EXTENSION_value(extensions, 2);
    if (scope) {
        const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(scope);
        rc = buf_append(&found.scope, ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value));
    }
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    if (rc)
        crlfacts_wipe(&found);
    else
        *facts = found;
    return rc;
}

enum rc crljudge_signature(X509 *ca, const struct crlwalk *walk, struct err *err)
{
    bool sound = suite_verifies_digest(crlwalk_head(walk)->suite, X509_get0_pubkey(ca), crlwalk_digest(walk),
                                       crlwalk_signature(walk));
    return sound ? RC_OK : err_set(err, RC_BAD_SIGNATURE, "the list's signature does not verify with the authority's key");
}

enum rc crljudge_head_any(X509 *const *keys, unsigned count, struct crlwalk *walk, struct err *err)
{
    enum rc rc = RC_DENIED;
    struct err why = { 0 };
    for (unsigned i = 0; rc && i < count; i++) {
        err_reset(&why);
        rc = crljudge_head(keys[i], walk, &why);
    }
    return rc ? err_set(err, rc, "%s", err_text(&why, rc)) : RC_OK;
}

enum rc crljudge_end_any(X509 *const *keys, unsigned count, enum authority authority, const struct crlwalk *walk,
                         struct crlfacts *facts, struct err *err)
{
    enum rc rc = RC_DENIED;
    struct err why = { 0 };
    for (unsigned i = 0; rc && i < count; i++) {
        err_reset(&why);
        rc = crljudge_tail(keys[i], authority, walk, facts, &why);
        if (!rc && (rc = crljudge_signature(keys[i], walk, &why)) != RC_OK)
            crlfacts_wipe(facts);
    }
    return rc ? err_set(err, rc, "%s", err_text(&why, rc)) : RC_OK;
}

enum rc crljudge_scope(const X509_NAME *point, bool only_ca, struct buf *out)
{
    X509_EXTENSIONS *list = NULL;
    if (!point)
        return RC_OK;
    enum rc rc = ext_crl_scope(&list, point, only_ca);
    if (!rc) {
        const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(sk_X509_EXTENSION_value(list, 0));
        rc = buf_append(out, ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value));
    }
    sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
    return rc;
}

static enum rc entry_kept(const struct crlwalk_entry *last, const struct crlwalk_entry *next, struct err *err)
{
    char serial[CRLWALK_SERIAL_TEXT];
    if (last->revoked_at == next->revoked_at && last->reason == next->reason)
        return RC_OK;
    crlwalk_serial_text(last, serial);
    return err_set(err, RC_CONFLICT, "the entry of %s would change", serial);
}

enum rc crljudge_entries(struct crlwalk *last, struct crlwalk *next, crljudge_lost_fn lost, void *context, struct err *err)
{
    struct crlwalk_entry of_last, of_next;
    enum rc more_last = crlwalk_next(last, &of_last, err), more_next = crlwalk_next(next, &of_next, err);
    while (!more_last) {
        if (more_next && more_next != RC_NOT_FOUND)
            return more_next;
        int order = more_next ? -1 : crlwalk_compare(&of_last, &of_next);
        enum rc rc = RC_OK;
        if (order < 0)
            rc = lost(context, &of_last, err);
        else if (order == 0)
            rc = entry_kept(&of_last, &of_next, err);
        if (rc)
            return rc;
        if (order <= 0)
            more_last = crlwalk_next(last, &of_last, err);
        if (order >= 0)
            more_next = crlwalk_next(next, &of_next, err);
    }
    if (more_last != RC_NOT_FOUND)
        return more_last;
    return more_next == RC_NOT_FOUND ? RC_OK : more_next ? more_next : crlwalk_finish(next, err);
}

enum rc crljudge_order(const struct crlfacts *last, const struct crlfacts *next, struct err *err)
{
    if (next->number <= last->number)
        return err_set(err, RC_CONFLICT, "the list's number %lld would not rise: the last one has %lld; " CRLJUDGE_AHEAD,
                       (long long)next->number, (long long)last->number);
    if (next->this_update < last->this_update)
        return err_set(err, RC_CONFLICT, "the clock went back: the last list is of a later time");
    if (!bytes_equal(buf_bytes(&last->scope), buf_bytes(&next->scope)))
        return err_set(err, RC_CONFLICT, "the list's scope would change");
    return RC_OK;
}

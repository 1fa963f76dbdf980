/* issue.c — the order of the steps is the point: read issue_record and issue_finish. */
#include "ca/issue.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/hex.h"
#include "base/log.h"
#include "ca/publish.h"
#include "ca/revoke.h"
#include "ca/tbs.h"
#include "ca/trail.h"
#include "ca/validity.h"
#include "pki/cert.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#define OPS_YEARS 2
#define SIGN_AGE 15
#define RESPONDER_DAYS 9

static void issue_subject(const struct book_cert *cert, char *out, size_t size)
{
    snprintf(out, size, "%s %s", authority_name(cert->authority), cert->serial);
}

static enum rc issue_check_key(const struct issue_order *order, struct err *err)
{
    const unsigned char *at = order->public_key.data;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)order->public_key.len);
    enum rc rc = RC_OK;
    if (!key || at != order->public_key.data + order->public_key.len)
        rc = err_set(err, RC_FORMAT, "the public key is unreadable");
    else if (order->authority != AUTHORITY_OPS && (!EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_get_bits(key) != 2048))
        rc = err_set(err, RC_RANGE, "the public key is not RSA of 2048 bits");
    EVP_PKEY_free(key);
    return rc;
}

/* Whether and for how long: everything that can refuse without leaving a trace in the counters. */
static enum rc issue_decide(const struct ca *ca, const struct issue_order *order, int64_t now, int64_t renews,
                            int64_t *not_after, struct err *err)
{
    int64_t ca_end = cert_not_after(ca->issuers[order->authority].cert);
    if (order->authority == AUTHORITY_OPS) {
        int64_t end = validity_years(now, OPS_YEARS);
        *not_after = end < ca_end ? end : ca_end;
        return RC_OK;
    }
    if (order->responder) {
        int64_t end = validity_days(now, RESPONDER_DAYS);
        *not_after = end < ca_end ? end : ca_end;
        return RC_OK;
    }
    bool old_enough = true;
    enum rc rc = RC_OK;
    if (order->authority == AUTHORITY_SIGN)
        rc = validity_has_age(order->attributes->birth, now, SIGN_AGE, &old_enough, err);
    if (!rc && !old_enough)
        rc = err_set(err, RC_DENIED, "no signature certificate below the age of %d", SIGN_AGE);
    if (rc)
        return rc;
    struct validity_limits limits = { .now = now, .birth = order->attributes->birth, .card_expiry = order->card_expiry,
                                      .ca_not_after = ca_end, .renews = renews,
                                      .auth_not_after = order->authority == AUTHORITY_SIGN ? order->auth_not_after : 0 };
    return validity_leaf(&limits, not_after, err);
}

static enum rc issue_build(const struct ca *ca, const struct issue_order *order, struct book_cert *row, struct err *err)
{
    const struct issuer *issuer = &ca->issuers[order->authority];
    struct leaf leaf = { .serial = row->serial, .not_before = row->created, .not_after = row->not_after,
                         .public_key = order->public_key, .municipality = order->municipality,
                         .attributes = order->attributes, .role = order->role, .dns = order->dns,
                         .identifier = order->name };
    char identifier[LEAF_IDENTIFIER_SIZE];
    if (order->authority == AUTHORITY_OPS)
        return leaf_ops_tbs(issuer, &leaf, &row->tbs, err);
    if (order->responder)
        return leaf_ocsp_tbs(issuer, &leaf, &row->tbs, err);
    enum rc rc = leaf_identifier(order->authority, order->municipality, row->created, identifier);
    if (rc)
        return err_set(err, rc, "no random bytes");
    leaf.identifier = identifier;
    return order->authority == AUTHORITY_SIGN ? leaf_sign_tbs(issuer, &leaf, &row->tbs, err)
                                              : leaf_auth_tbs(issuer, &leaf, &row->tbs, err);
}

/* The certificate that is renewed: active, of the same authority and municipality. */
static enum rc issue_find_renewed(struct ca *ca, const struct issue_order *order, struct book_cert *row, int64_t *not_after,
                                  struct err *err)
{
    struct book_cert old = { 0 };
    enum rc rc = book_find_serial(ca->store, order->authority, order->renews, &old, err);
    if (rc == RC_NOT_FOUND)
        rc = err_set(err, rc, "no certificate %s of authority %s", order->renews, authority_name(order->authority));
    if (!rc && strcmp(old.municipality, order->municipality) != 0)
        rc = err_set(err, RC_DENIED, "the certificate to be renewed is another municipality's");
    if (!rc && (book_cert_state(&old) != BOOK_ACTIVE || strcmp(old.list, BOOK_NO_LIST) == 0))
        rc = err_set(err, RC_STATE, "the certificate to be renewed is not active");
    if (!rc) {
        row->replaces = old.id;
        *not_after = old.not_after;
    }
    book_cert_wipe(&old);
    return rc;
}

/* Serial, bytes and audit row in one transaction: after it, what may exist is known. */
static enum rc issue_record(struct ca *ca, const struct issue_order *order, const char *key_hash, struct book_cert *row,
                            struct err *err)
{
    char subject[64];
    row->authority = order->authority;
    row->created = clock_now();
    snprintf(row->request, sizeof row->request, "%s", order->request);
    snprintf(row->key_hash, sizeof row->key_hash, "%s", key_hash);
    snprintf(row->municipality, sizeof row->municipality, "%s", order->municipality);
    snprintf(row->list, sizeof row->list, "%s", order->authority == AUTHORITY_OPS ? "" : order->responder ? BOOK_NO_LIST : order->municipality);
    snprintf(row->officer, sizeof row->officer, "%s", order->officer);
    int64_t renews = 0;
    enum rc rc = order->renews ? issue_find_renewed(ca, order, row, &renews, err) : RC_OK;
    if (!rc)
        rc = issue_decide(ca, order, row->created, renews, &row->not_after, err);
    if (!rc)
        rc = book_take_serial(ca->store, order->authority, row->serial, err);
    if (!rc)
        rc = issue_build(ca, order, row, err);
    if (rc)
        return rc;
    issue_subject(row, subject, sizeof subject);
    uint8_t hash[SHA256_DIGEST_LENGTH];
    char hash_text[2 * SHA256_DIGEST_LENGTH + 1];
    SHA256(row->tbs.data, row->tbs.len, hash);
    hex_encode(bytes_of(hash, sizeof hash), hash_text);
    rc = trail_append(ca->store, order->officer, "recorded", subject, NULL, err, "request %s tbs %s", order->request,
                      hash_text);
    if (!rc)
        rc = book_add_cert(ca->store, row, err);
    return rc;
}

/* Signs the recorded bytes, compares, records. The row has no certificate yet. */
static enum rc issue_finish(struct ca *ca, struct book_cert *row, struct err *err)
{
    char subject[64];
    struct buf sealed = { 0 };
    issue_subject(row, subject, sizeof subject);
    fault_point("ca.before_sign");
    enum rc rc = signing_cert(ca->signing, row->authority, buf_bytes(&row->tbs), &sealed, err);
    fault_point("ca.after_sign");
    if (!rc)
        rc = tbs_check(buf_bytes(&sealed), buf_bytes(&row->tbs), X509_get0_pubkey(ca->issuers[row->authority].cert), err);
    if (!rc)
        rc = store_begin(ca->store, err);
    if (!rc) {
        rc = book_set_certificate(ca->store, row->id, buf_bytes(&sealed), err);
        if (!rc)
            rc = trail_append(ca->store, row->officer, "issued", subject, NULL, err, "request %s", row->request);
        if (!rc)
            rc = store_commit(ca->store, err);
        if (rc)
            store_rollback(ca->store);
        if (rc == RC_STATE) { /* another process finished the same bytes: RSA PKCS#1 v1.5 gives the same certificate */
            err_reset(err);
            rc = RC_OK;
        }
    }
    fault_point("ca.after_issued");
    if (!rc) {
        log_info("issued %s", subject);
        buf_wipe(&row->certificate);
        row->certificate = sealed;
    } else {
        buf_wipe(&sealed);
    }
    return rc;
}

/* The row of a request that is known already. */
static enum rc issue_check_known(const struct issue_order *order, const char *key_hash, const struct book_cert *row,
                                 struct err *err)
{
    if (strcmp(row->key_hash, key_hash) != 0)
        return err_set(err, RC_CONFLICT, "request %s is known with another public key", order->request);
    if (strcmp(row->municipality, order->municipality) != 0)
        return err_set(err, RC_CONFLICT, "request %s is another municipality's", order->request);
    if (row->revoked_at)
        return err_set(err, RC_STATE, "the certificate of request %s is revoked", order->request);
    return RC_OK;
}

enum rc issue_certificate(struct ca *ca, const struct issue_order *order, struct book_cert *cert, struct err *err)
{
    uint8_t hash[SHA256_DIGEST_LENGTH];
    char key_hash[2 * SHA256_DIGEST_LENGTH + 1];
    struct book_cert row = { 0 };
    if (!order->request[0] || strlen(order->request) >= sizeof row.request)
        return err_set(err, RC_FORMAT, "the request's name is empty or too long");
    enum rc rc = issue_check_key(order, err);
    if (rc)
        return rc;
    SHA256(order->public_key.data, order->public_key.len, hash);
    hex_encode(bytes_of(hash, sizeof hash), key_hash);

    fault_point("ca.before_record");
    rc = store_begin(ca->store, err);
    if (rc)
        return rc;
    rc = book_find_request(ca->store, order->authority, order->request, &row, err);
    if (rc == RC_NOT_FOUND) {
        rc = issue_record(ca, order, key_hash, &row, err);
        if (!rc)
            rc = store_commit(ca->store, err);
    } else if (!rc) {
        rc = issue_check_known(order, key_hash, &row, err);
    }
    store_rollback(ca->store); /* silent after the commit */
    fault_point("ca.after_record");
    if (!rc && !row.certificate.len)
        rc = issue_finish(ca, &row, err);
    if (!rc && strcmp(row.list, BOOK_NO_LIST) != 0)
        rc = publish_ensure(ca, row.authority, row.list, err);
    if (rc)
        book_cert_wipe(&row);
    else
        *cert = row;
    return rc;
}

enum rc issue_confirm(struct ca *ca, int64_t id, const char *actor, struct err *err)
{
    struct book_cert row = { 0 };
    char subject[64];
    fault_point("ca.before_confirm");
    enum rc rc = store_begin(ca->store, err);
    if (rc)
        return rc;
    rc = book_find_id(ca->store, id, &row, err);
    if (!rc && row.revoked_at)
        rc = err_set(err, RC_STATE, "the certificate is revoked");
    if (!rc && !row.confirmed_at) {
        issue_subject(&row, subject, sizeof subject);
        rc = book_set_confirmed(ca->store, id, clock_now(), err);
        if (!rc)
            rc = trail_append(ca->store, actor, "confirmed", subject, NULL, err, "request %s", row.request);
        if (!rc && row.replaces)
            rc = revoke_replaced(ca, row.replaces, actor, subject, err);
        if (!rc)
            rc = store_commit(ca->store, err);
    }
    store_rollback(ca->store);
    fault_point("ca.after_confirm");
    book_cert_wipe(&row);
    return rc;
}

enum rc issue_recover(struct ca *ca, struct err *err)
{
    int64_t ids[64];
    size_t count;
    for (;;) {
        enum rc rc = book_list_unsigned(ca->store, ids, 64, &count, err);
        for (size_t i = 0; !rc && i < count; i++) {
            struct book_cert row = { 0 };
            rc = book_find_id(ca->store, ids[i], &row, err);
            if (!rc)
                rc = issue_finish(ca, &row, err);
            if (!rc)
                log_warning("finished the torn issuance of %s %s", authority_name(row.authority), row.serial);
            book_cert_wipe(&row);
        }
        if (rc || count < 64)
            return rc;
    }
}

enum rc issue_expire_pending(struct ca *ca, size_t *count, struct err *err)
{
    int64_t ids[64];
    size_t found = 0;
    enum rc rc = book_list_overdue(ca->store, clock_now() - ca->config.pending_seconds, ids, 64, &found, err);
    for (size_t i = 0; !rc && i < found; i++)
        rc = revoke_by_id(ca, ids[i], REVOKE_UNSPECIFIED, "clock", "not confirmed in time", err);
    if (!rc)
        *count = found;
    return rc;
}

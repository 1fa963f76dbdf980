/* issuerow.c — whether, for how long and with which bytes: everything about one certificate that happens before its
 * signature. */
#include "ca/issuerow.h"

#include "base/clock.h"
#include "base/hex.h"
#include "ca/revoke.h"
#include "ca/trail.h"
#include "ca/validity.h"
#include "pki/cert.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#define OPS_YEARS 2
#define SIGN_AGE 15
#define RESPONDER_DAYS 9

void issuerow_subject(const struct book_cert *cert, char *out, size_t size)
{
    snprintf(out, size, "%s %s", authority_name(cert->authority), cert->serial);
}

/* The newest key issues; an older one only certifies who answers OCSP for what it has signed. */
static unsigned issuerow_generation(const struct ca *ca, const struct issue_order *order)
{
    return order->responder && order->generation ? order->generation : ca_newest(ca, order->authority);
}

static enum rc issuerow_check_key(const struct ca *ca, const struct issue_order *order, struct err *err)
{
    enum suite suite = ca_issuer(ca, order->authority, issuerow_generation(ca, order)).suite, of;
    const unsigned char *at = order->public_key.data;
    if (suite == SUITE_RSA_2048 && suite_is_plain_rsa(order->public_key))
        return RC_OK;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)order->public_key.len);
    enum rc rc = RC_OK;
    if (!key || at != order->public_key.data + order->public_key.len)
        rc = err_set(err, RC_FORMAT, "the public key is unreadable");
    else if (order->authority == AUTHORITY_OPS ? suite_of_key(key, &of) != RC_OK || of != suite : !suite_has_key(suite, key))
        rc = err_set(err, RC_RANGE, "the public key is not %s", suite_row(suite)->key);
    EVP_PKEY_free(key);
    return rc;
}

/* Whether and for how long: everything that can refuse without leaving a trace in the counters. */
static enum rc issuerow_decide(const struct ca *ca, const struct issue_order *order, int64_t now, int64_t renews,
                            int64_t *not_after, struct err *err)
{
    int64_t ca_end = cert_not_after(ca_cert(ca, order->authority, issuerow_generation(ca, order)));
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
    if (!rc && order->authority == AUTHORITY_SIGN && order->ward)
        rc = err_set(err, RC_DENIED, "no signature certificate for an adult ward");
    if (!rc && !old_enough)
        rc = err_set(err, RC_DENIED, "no signature certificate below the age of %d", SIGN_AGE);
    if (rc)
        return rc;
    struct validity_limits limits = { .suite = ca->issuers[order->authority].suite, .now = now, .birth = order->attributes->birth, .card_expiry = order->card_expiry,
                                      .ca_not_after = ca_end, .renews = renews,
                                      .auth_not_after = order->authority == AUTHORITY_SIGN ? order->auth_not_after : 0 };
    return validity_leaf(&limits, not_after, err);
}

static enum rc issuerow_build(const struct ca *ca, const struct issue_order *order, struct book_cert *row, struct err *err)
{
    const struct issuer made_by = ca_issuer(ca, order->authority, row->generation), *issuer = &made_by;
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
static enum rc issuerow_find_renewed(struct ca *ca, const struct issue_order *order, struct book_cert *row, int64_t *not_after,
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
static enum rc issuerow_record(struct ca *ca, const struct issue_order *order, const char *key_hash, struct book_cert *row,
                            struct err *err)
{
    char subject[64];
    row->authority = order->authority;
    row->generation = issuerow_generation(ca, order);
    row->created = clock_now();
    snprintf(row->request, sizeof row->request, "%s", order->request);
    snprintf(row->key_hash, sizeof row->key_hash, "%s", key_hash);
    snprintf(row->municipality, sizeof row->municipality, "%s", order->municipality);
    snprintf(row->list, sizeof row->list, "%s", order->authority == AUTHORITY_OPS ? "" : order->responder ? BOOK_NO_LIST : order->municipality);
    snprintf(row->officer, sizeof row->officer, "%s", order->officer);
    int64_t renews = 0;
    enum rc rc = order->renews ? issuerow_find_renewed(ca, order, row, &renews, err) : RC_OK;
    if (!rc)
        rc = order->responder ? RC_OK /* somebody must say that all is revoked */
                              : revoke_check_key(ca, order->authority, row->generation, err);
    if (!rc)
        rc = issuerow_decide(ca, order, row->created, renews, &row->not_after, err);
    if (!rc)
        rc = book_take_serial(ca->store, order->authority, ca->config.random_serials, row->serial, err);
    if (!rc)
        rc = issuerow_build(ca, order, row, err);
    if (rc)
        return rc;
    issuerow_subject(row, subject, sizeof subject);
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

/* The row of a request that is known already. */
static enum rc issuerow_check_known(const struct issue_order *order, const char *key_hash, const struct book_cert *row,
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

enum rc issuerow_check(const struct ca *ca, const struct issue_order *order, char key_hash[ISSUEROW_HASH_SIZE],
                       struct err *err)
{
    uint8_t hash[SHA256_DIGEST_LENGTH];
    if (!order->request[0] || strlen(order->request) >= sizeof((struct book_cert *)0)->request)
        return err_set(err, RC_FORMAT, "the request's name is empty or too long");
    enum rc rc = issuerow_check_key(ca, order, err);
    if (rc)
        return rc;
    SHA256(order->public_key.data, order->public_key.len, hash);
    hex_encode(bytes_of(hash, sizeof hash), key_hash);
    return RC_OK;
}

enum rc issuerow_enter(struct ca *ca, const struct issue_order *order, const char *key_hash, struct book_cert *row,
                       struct err *err)
{
    struct book_cert found = { 0 };
    enum rc rc = book_find_request(ca->store, order->authority, order->request, &found, err);
    if (rc == RC_NOT_FOUND)
        rc = issuerow_record(ca, order, key_hash, &found, err);
    else if (!rc)
        rc = issuerow_check_known(order, key_hash, &found, err);
    if (rc)
        book_cert_wipe(&found);
    else
        *row = found;
    return rc;
}

/* yearca.c — issuing, hearing, looking. */
#include "yearca.h"

#include "ca/listplace.h"
#include "ca/publish.h"
#include "ca/revoke.h"

#include "base/clock.h"
#include "base/file.h"

#include <openssl/bn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const enum authority both_authorities[] = {AUTHORITY_SIGN, AUTHORITY_AUTH};

static void ca_ok(enum rc rc, const struct err *err, const char *what)
{
    if (rc)
        fail_msg("the authorities, %s: %s", what, err_text(err, rc));
}

static void ca_clock(const char *day)
{
    char text[40];
    snprintf(text, sizeof text, "%sT03:00:00Z", day);
    setenv("JPKI_CLOCK", text, 1);
    assert_int_equal(clock_set(text), RC_OK);
}

void yearca_new(struct yearca *y, const char *program, const char *first, const char *last,
                const char *const *municipalities)
{
    struct err err = {0};
    ca_clock(first);
    *y = (struct yearca){0};
    caworld_new(&y->world, program);
    y->ca = caworld_open(&y->world);
    for (size_t i = 0; municipalities[i];
         i++) /* the lists of the first day, which the signer of the last one would not sign */
        for (size_t k = 0; k < 2; k++)
            ca_ok(publish_ensure(y->ca, both_authorities[k], municipalities[i], NULL, &err), &err, "a list");
    ca_close(y->ca);
    ca_clock(last);
    y->ca = caworld_open(&y->world);
    ca_clock(first);
}

void yearca_free(struct yearca *y)
{
    ca_close(y->ca);
    caworld_free(&y->world);
}

void yearca_issue(struct yearca *y, const char *municipality, const struct attributes *attributes, const char *request,
                  struct certificate both[2])
{
    for (size_t i = 0; i < 2; i++) {
        struct book_cert row = {0};
        struct err err = {0};
        struct issue_order order = caworld_order(&y->world, request);
        order.authority = both_authorities[i];
        order.municipality = municipality;
        order.attributes = attributes;
        order.auth_not_after = i ? 0 : order.card_expiry;
        ca_ok(issue_certificate(y->ca, &order, &row, &err), &err, "issuing");
        ca_ok(issue_confirm(y->ca, row.id, order.officer, &err), &err, "confirming");
        both[i] = (struct certificate){.authority = order.authority, .not_after = row.not_after};
        snprintf(both[i].serial, sizeof both[i].serial, "%s", row.serial);
        book_cert_wipe(&row);
    }
}

void yearca_hear(struct yearca *y, int64_t sequence, const json_t *event)
{
    struct revoke_link links[NOTICE_CERTIFICATES];
    const json_t *certificates = json_object_get(event, "certificates");
    size_t count = json_array_size(certificates);
    struct err err = {0};
    int64_t expected;
    assert_in_range(count, 1, NOTICE_CERTIFICATES);
    for (size_t i = 0; i < count; i++) {
        const json_t *one = json_array_get(certificates, i);
        assert_int_equal(authority_parse(json_string_value(json_object_get(one, "authority")), &links[i].authority),
                         RC_OK);
        links[i].serial = json_string_value(json_object_get(one, "serial"));
    }
    for (unsigned again = 0; again <= (y->delivered % 3 == 0); again++)
        ca_ok(revoke_on_event(y->ca, sequence, json_string_value(json_object_get(event, "event")),
                              json_string_value(json_object_get(event, "time")), links, count, &expected, &err),
              &err, "an event");
    y->delivered++;
}

int64_t yearca_revoked(struct yearca *y)
{
    int64_t revoked = 0;
    for (size_t i = 0; i < 2; i++) {
        struct book_counts counts;
        assert_int_equal(book_count(y->ca->store, both_authorities[i], &counts, NULL), RC_OK);
        revoked += counts.revoked;
    }
    return revoked;
}

/* What the responder answers from. */
int yearca_reason(struct yearca *y, const struct certificate *certificate)
{
    int64_t revoked_at = 0;
    int reason = 0;
    assert_int_equal(
        book_status(y->ca->store, certificate->authority, 1, certificate->serial, &revoked_at, &reason, NULL), RC_OK);
    return revoked_at ? reason : -1;
}

static X509_CRL *ca_read_list(struct yearca *y, enum authority authority, const char *municipality)
{
    struct book_list list;
    struct listplace place = {.authority = authority, .generation = 1};
    struct buf path = {0}, der = {0};
    struct err err = {0};
    memcpy(place.name, municipality, sizeof place.name);
    ca_ok(publish_list(y->ca, authority, municipality, &err), &err, "a list");
    assert_int_equal(book_find_list(y->ca->store, authority, municipality, &list, NULL), RC_OK);
    assert_int_equal(listplace_handed(y->world.state, &place, list.number, LISTPLACE_LIST, &path), RC_OK);
    ca_ok(file_read(buf_string(&path), &der, &err), &err, "reading a list");
    const unsigned char *at = der.data;
    X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)der.len);
    assert_non_null(crl);
    assert_int_equal(X509_CRL_verify(crl, X509_get0_pubkey(y->ca->issuers[authority].cert)), 1);
    buf_wipe(&path);
    buf_wipe(&der);
    return crl;
}

static int ca_entry_reason(X509_REVOKED *entry)
{
    ASN1_ENUMERATED *reason = X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, NULL, NULL);
    int value = reason ? (int)ASN1_ENUMERATED_get(reason) : 0;
    ASN1_ENUMERATED_free(reason);
    return value;
}

void yearca_check_list(struct yearca *y, enum authority authority, const char *municipality,
                       const struct yearca_entry *held, size_t count)
{
    X509_CRL *crl = ca_read_list(y, authority, municipality);
    assert_int_equal(
        sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)) < 0 ? 0 : sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)), count);
    for (size_t i = 0; i < count; i++) {
        BIGNUM *number = NULL;
        X509_REVOKED *entry = NULL;
        assert_int_not_equal(BN_hex2bn(&number, held[i].serial), 0);
        ASN1_INTEGER *serial = BN_to_ASN1_INTEGER(number, NULL);
        assert_int_equal(X509_CRL_get0_by_serial(crl, &entry, serial), 1);
        assert_int_equal(ca_entry_reason(entry), held[i].reason);
        ASN1_INTEGER_free(serial);
        BN_free(number);
    }
    X509_CRL_free(crl);
}

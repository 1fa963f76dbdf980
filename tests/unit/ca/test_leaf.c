/* test_leaf.c — what is built passes the rows of pki/profile.h, OpenSSL reads it, and the signer refuses what is bent. */
#include "base/clock.h"
#include "ca/extensions.h"
#include "ca/leaf.h"
#include "ca/signer.h"
#include "ca/tbs.h"
#include "ca/validity.h"
#include "pki/cert.h"
#include "pki/profile.h"
#include "pki/suite.h"

#include <openssl/rsa.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <string.h>

static EVP_PKEY *ca_key, *holder_key;
static unsigned char *holder_spki;
static size_t holder_spki_len;
static struct issuer issuers[AUTHORITY_COUNT];
static struct attributes person = { .name = "試験　太郎", .birth = "319800217", .sex = "1",
                                    .address = "鹿児島県鹿児島市試験町１番地" };

static void make_issuer(enum authority a)
{
    unsigned char *spki = NULL;
    int len = i2d_PUBKEY(ca_key, &spki);
    struct buf tbs = { 0 }, der = { 0 };
    int64_t now = clock_now();
    issuers[a] = (struct issuer) { .authority = a, .organisation = "JPKI-TEST",
                                   .policy = profile_policy(a, "JPKI-TEST"), .cps = "http://www.jpki.go.jp/cps.html",
                                   .ocsp = "http://ocsp.jpki-test.invalid" };
    struct leaf leaf = { .serial = "0132C4AB", .not_before = now, .not_after = validity_years(now, 10),
                         .public_key = bytes_of(spki, (size_t)len) };
    struct err err = { 0 };
    assert_int_equal(leaf_ca_tbs(&issuers[a], &leaf, &tbs, &err), RC_OK);
    enum rc rc = profile_check_tbs((enum profile_kind)a, buf_bytes(&tbs), &err); /* the first three kinds */
    if (rc)
        fail_msg("%s", err.text);
    assert_int_equal(tbs_sign(buf_bytes(&tbs), ca_key, &der, &err), RC_OK);
    assert_int_equal(cert_parse(buf_bytes(&der), &issuers[a].cert), RC_OK);
    assert_int_equal(X509_verify(issuers[a].cert, ca_key), 1);
    buf_wipe(&tbs);
    buf_wipe(&der);
    OPENSSL_free(spki);
}

static int setup(void **state)
{
    (void)state;
    ca_key = EVP_RSA_gen(2048);
    holder_key = EVP_RSA_gen(2048);
    int len = i2d_PUBKEY(holder_key, &holder_spki);
    holder_spki_len = (size_t)len;
    attributes_no_substitutes(&person);
    for (enum authority a = 0; a < AUTHORITY_COUNT; a++)
        make_issuer(a);
    return ca_key && holder_key && len > 0 ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    for (unsigned a = 0; a < AUTHORITY_COUNT; a++)
        X509_free(issuers[a].cert);
    EVP_PKEY_free(ca_key);
    EVP_PKEY_free(holder_key);
    OPENSSL_free(holder_spki);
    return 0;
}

static struct leaf new_leaf(int64_t now)
{
    return (struct leaf) { .serial = "0132C4AC", .not_before = now, .not_after = validity_years(now, 2),
                           .public_key = bytes_of(holder_spki, holder_spki_len), .municipality = "462012",
                           .identifier = "20251027120000ABCDEFGHI", .attributes = &person };
}

static void build(enum authority a, struct leaf *leaf, const char *role, struct buf *tbs)
{
    struct err err = { 0 };
    char identifier[LEAF_IDENTIFIER_SIZE];
    enum rc rc;
    if (role && strcmp(role, "ocsp") == 0) {
        leaf->identifier = "OCSP 20261123093000";
        leaf->not_after = validity_days(leaf->not_before, 9);
        rc = leaf_ocsp_tbs(&issuers[a], leaf, tbs, &err);
    } else if (a == AUTHORITY_OPS) {
        leaf->role = role;
        leaf->identifier = "試験用";
        rc = leaf_ops_tbs(&issuers[a], leaf, tbs, &err);
    } else {
        assert_int_equal(leaf_identifier(a, leaf->municipality, leaf->not_before, identifier), RC_OK);
        leaf->identifier = identifier;
        rc = a == AUTHORITY_SIGN ? leaf_sign_tbs(&issuers[a], leaf, tbs, &err)
                                 : leaf_auth_tbs(&issuers[a], leaf, tbs, &err);
    }
    if (rc)
        fail_msg("%s", err.text);
}

static const struct {
    enum authority authority;
    const char *role;
} kinds[] = { { AUTHORITY_SIGN, NULL },        { AUTHORITY_AUTH, NULL },       { AUTHORITY_OPS, "ca" },
              { AUTHORITY_OPS, "desk-officer" }, { AUTHORITY_OPS, "verifier" }, { AUTHORITY_OPS, "time-stamp" },
              { AUTHORITY_OPS, "document-seal" }, { AUTHORITY_OPS, "node-prefectural" },
              { AUTHORITY_SIGN, "ocsp" },       { AUTHORITY_AUTH, "ocsp" } };

/* What is taken for a plain RSA key by its bytes is one for OpenSSL too: each bit turned over, and keys of other kinds. */
static void test_plain_keys(void **state)
{
    (void)state;
    struct bytes spki = bytes_of(holder_spki, holder_spki_len);
    int taken = 0;
    assert_true(suite_is_plain_rsa(spki));
    assert_false(suite_is_plain_rsa(bytes_of(spki.data, spki.len - 1)));
    for (size_t bit = 0; bit < 8 * holder_spki_len; bit++) {
        holder_spki[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (suite_is_plain_rsa(spki)) {
            const unsigned char *at = holder_spki;
            EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)holder_spki_len);
            assert_true(key && at == holder_spki + holder_spki_len && suite_has_key(SUITE_RSA_2048, key));
            EVP_PKEY_free(key);
            taken++;
        }
        holder_spki[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(taken, 2046); /* the modulus but for its highest bit and its lowest one */
    EVP_PKEY *others[] = { EVP_RSA_gen(2056), EVP_RSA_gen(1024), EVP_EC_gen("P-384") };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        unsigned char *der = NULL;
        int len = i2d_PUBKEY(others[i], &der);
        assert_true(len > 0);
        assert_false(suite_is_plain_rsa(bytes_of(der, (size_t)len)));
        OPENSSL_free(der);
        EVP_PKEY_free(others[i]);
    }
}

static void test_signer_accepts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct leaf leaf = new_leaf(clock_now());
        struct buf tbs = { 0 }, der = { 0 };
        struct err err = { 0 };
        enum authority a = kinds[i].authority;
        X509 *cert = NULL;
        build(a, &leaf, kinds[i].role, &tbs);
        if (signer_check_cert(issuers[a].cert, a, true, buf_bytes(&tbs), &err))
            fail_msg("%s %s: %s", authority_name(a), kinds[i].role ? kinds[i].role : "", err.text);
        assert_int_equal(tbs_sign(buf_bytes(&tbs), ca_key, &der, &err), RC_OK);
        assert_int_equal(tbs_check(buf_bytes(&der), buf_bytes(&tbs), ca_key, &err), RC_OK);
        assert_int_equal(cert_parse(buf_bytes(&der), &cert), RC_OK);
        assert_int_equal(X509_verify(cert, ca_key), 1); /* OpenSSL hashes the same bytes */
        X509_free(cert);
        buf_wipe(&tbs);
        buf_wipe(&der);
    }
}

/* Each other authority refuses it, a cut or flipped one is refused by all. */
static void test_signer_refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct leaf leaf = new_leaf(clock_now());
        struct buf tbs = { 0 };
        enum authority a = kinds[i].authority;
        build(a, &leaf, kinds[i].role, &tbs);
        for (enum authority other = 0; other < AUTHORITY_COUNT; other++)
            if (other != a)
                assert_int_not_equal(signer_check_cert(issuers[other].cert, other, true, buf_bytes(&tbs), NULL), RC_OK);
        for (size_t cut = 0; cut < tbs.len; cut += 7) {
            uint8_t *exact = malloc(cut ? cut : 1);
            assert_non_null(exact);
            memcpy(exact, tbs.data, cut);
            assert_int_not_equal(signer_check_cert(issuers[a].cert, a, true, bytes_of(exact, cut), NULL), RC_OK);
            free(exact);
        }
        buf_wipe(&tbs);
    }
}

static void refuse_leaf(enum authority a, struct leaf *leaf, const char *what)
{
    struct buf tbs = { 0 };
    struct err err = { 0 };
    build(a, leaf, "ca", &tbs);
    enum rc rc = signer_check_cert(issuers[a].cert, a, true, buf_bytes(&tbs), &err);
    if (rc != RC_DENIED)
        fail_msg("%s: %s", what, rc_name(rc));
    buf_wipe(&tbs);
}

static void test_signer_bounds(void **state)
{
    (void)state;
    int64_t now = clock_now();
    struct leaf leaf = new_leaf(now);
    leaf.not_before = now + 3600;
    refuse_leaf(AUTHORITY_SIGN, &leaf, "begins in the future");
    leaf = new_leaf(now);
    leaf.not_after = validity_years(now, 7);
    refuse_leaf(AUTHORITY_AUTH, &leaf, "lives seven years");
    leaf = new_leaf(now);
    leaf.not_after -= 1;
    refuse_leaf(AUTHORITY_SIGN, &leaf, "ends at 14:59:58Z");
    unsigned char *spki = NULL;
    int len = i2d_PUBKEY(ca_key, &spki);
    leaf = new_leaf(now);
    leaf.public_key = bytes_of(spki, (size_t)len);
    refuse_leaf(AUTHORITY_OPS, &leaf, "the authority's own key");
    OPENSSL_free(spki);
}

static void test_other_bytes(void **state)
{
    (void)state;
    struct leaf leaf = new_leaf(clock_now());
    struct buf one = { 0 }, two = { 0 }, der = { 0 };
    struct err err = { 0 };
    build(AUTHORITY_AUTH, &leaf, NULL, &one);
    leaf.serial = "0132C4AD";
    build(AUTHORITY_AUTH, &leaf, NULL, &two);
    assert_int_equal(tbs_sign(buf_bytes(&one), ca_key, &der, &err), RC_OK);
    assert_int_equal(tbs_check(buf_bytes(&der), buf_bytes(&two), ca_key, NULL), RC_CONFLICT);
    assert_int_equal(tbs_check(buf_bytes(&der), buf_bytes(&one), holder_key, NULL), RC_BAD_SIGNATURE);
    der.data[der.len - 1] ^= 1u;
    assert_int_equal(tbs_check(buf_bytes(&der), buf_bytes(&one), ca_key, NULL), RC_BAD_SIGNATURE);
    assert_int_equal(tbs_check(bytes_of(der.data, der.len - 1), buf_bytes(&one), ca_key, NULL), RC_FORMAT);
    buf_wipe(&one);
    buf_wipe(&two);
    buf_wipe(&der);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_plain_keys),
        cmocka_unit_test(test_signer_accepts), cmocka_unit_test(test_signer_refuses),
                                        cmocka_unit_test(test_signer_bounds),
                                        cmocka_unit_test(test_other_bytes) };
    return cmocka_run_group_tests_name("ca-leaf", tests, setup, teardown);
}

/* test_lists.c — revocation lists written entry by entry and read entry by entry: against OpenSSL's own reading and writing,
 * cut at each length, bent at each bit, and a row for each entry that is not read. */
#include "testlist.h"

#include "base/clock.h"
#include "ca/crljudge.h"
#include "ca/tbs.h"
#include "pki/cert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Walks and checks the signature. */
static enum rc walk_all(enum who who, struct bytes der, size_t step, int64_t *count)
{
    struct testlist_source source = { der, step };
    struct crlwalk *walk = NULL;
    struct crlfacts facts = { 0 };
    enum rc rc = crlwalk_new(testlist_source_read, &source, true, &walk, NULL);
    if (!rc)
        rc = crljudge_head(testlist_who[who].cert, walk, NULL);
    if (!rc)
        rc = crlwalk_finish(walk, NULL);
    if (!rc)
        rc = crljudge_tail(testlist_who[who].cert, testlist_who[who].authority, walk, &facts, NULL);
    if (!rc)
        rc = crljudge_signature(testlist_who[who].cert, walk, NULL);
    if (!rc)
        *count = facts.entries;
    crlfacts_wipe(&facts);
    crlwalk_free(walk);
    return rc;
}

/* What is written is what OpenSSL reads. */
static void test_openssl_reads(void **state)
{
    (void)state;
    static const struct {
        const char *serial;
        int age, reason;
    } wanted[] = { { "01", 9, 1 }, { "7F", 8, -1 }, { "80", 7, 3 }, { "0132C4AC", 60, 6 },
                   { "7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF", 5, 4 } };
    for (enum who who = 0; who < WHO_COUNT; who++) {
        struct buf der = { 0 };
        testlist_write(&(struct testlist) { .signs = who, .names = who, .number = 7, .to = 3600, .entries = testlist_some }, "sound");
        testlist_read("sound", &der);
        const unsigned char *at = der.data;
        X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)der.len);
        assert_non_null(crl);
        assert_ptr_equal(at, der.data + der.len);
        assert_int_equal(X509_CRL_verify(crl, testlist_who[who].key), 1);
        STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(crl);
        assert_int_equal(sk_X509_REVOKED_num(entries), 5);
        for (int i = 0; i < 5; i++) {
            const X509_REVOKED *entry = sk_X509_REVOKED_value(entries, i);
            BIGNUM *number = ASN1_INTEGER_to_BN(X509_REVOKED_get0_serialNumber(entry), NULL);
            char *hex = BN_bn2hex(number);
            int64_t when;
            assert_string_equal(hex, wanted[i].serial);
            assert_int_equal(cert_time(X509_REVOKED_get0_revocationDate(entry), &when), RC_OK);
            assert_int_equal(when, testlist_now - wanted[i].age);
            ASN1_ENUMERATED *reason = X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, NULL, NULL);
            assert_int_equal(reason ? ASN1_ENUMERATED_get(reason) : -1, wanted[i].reason);
            ASN1_ENUMERATED_free(reason);
            OPENSSL_free(hex);
            BN_free(number);
        }
        X509_CRL_free(crl);
        int64_t count = 0;
        assert_int_equal(walk_all(who, buf_bytes(&der), der.len, &count), RC_OK);
        assert_int_equal(count, 5);
        buf_wipe(&der);
    }
}

/* The second entry of a list, as it is read; what the reader says to it. */
static enum rc second_entry(const struct tbs_crl *crl, struct bytes entries, struct crlwalk_entry *out)
{
    struct buf head = { 0 }, tail = { 0 }, tbs = { 0 };
    struct crlwalk *walk = NULL;
    assert_int_equal(tbs_crl_frame(crl, entries.len, &head, &tail), RC_OK);
    assert_int_equal(buf_append_bytes(&tbs, buf_bytes(&head)) | buf_append_bytes(&tbs, entries) | buf_append_bytes(&tbs, buf_bytes(&tail)),
                     RC_OK);
    struct testlist_source source = { buf_bytes(&tbs), tbs.len };
    assert_int_equal(crlwalk_new(testlist_source_read, &source, false, &walk, NULL), RC_OK);
    assert_int_equal(crlwalk_next(walk, out, NULL), RC_OK);
    enum rc rc = crlwalk_next(walk, out, NULL);
    crlwalk_free(walk);
    buf_wipe(&head);
    buf_wipe(&tail);
    buf_wipe(&tbs);
    return rc;
}

/* Entries that are like the one before them are read by words, a list's last ones element by element: each bit turned over, both
 * ways say the same to an entry. */
static void test_alike(void **state)
{
    (void)state;
    struct testlist spec = { .number = 9, .scope = WHOLE };
    X509_EXTENSIONS *extensions = testlist_extensions(&spec);
    struct tbs_crl crl = { .suite = SUITE_RSA_2048, .issuer = X509_get_subject_name(testlist_who[SIGN].cert), .this_update = testlist_now,
                           .next_update = testlist_now + 3600, .extensions = extensions };
    struct crlspool *spool = NULL;
    uint8_t entries[256];
    int fd, kinds[2] = { 0 };
    uint64_t len;
    assert_int_equal(crlspool_new(testlist_folder, &spool, NULL), RC_OK);
    testlist_add(spool, "0132C4AC+90000:1 0132C4AD+90000:6 0132C4AE+90000:2 0132C4AF+90000:4");
    assert_int_equal(crlspool_finish(spool, &fd, &len, NULL), RC_OK);
    assert_int_equal(pread(fd, entries, sizeof entries, 0), (ssize_t)len);
    size_t each = (size_t)len / 4;
    assert_int_equal(len, 4 * each);
    for (size_t bit = 0; bit < 8 * each; bit++) {
        struct crlwalk_entry of_words = { 0 }, of_elements = { 0 };
        entries[each + bit / 8] ^= (uint8_t)(1u << bit % 8);
        enum rc words = second_entry(&crl, bytes_of(entries, (size_t)len), &of_words);
        enum rc elements = second_entry(&crl, bytes_of(entries, 2 * each), &of_elements);
        entries[each + bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (words != elements)
            fail_msg("bit %zu: %d by words, %d by elements", bit, (int)words, (int)elements);
        kinds[words == RC_OK]++;
        if (words)
            continue;
        assert_int_equal(crlwalk_compare(&of_words, &of_elements), 0);
        assert_int_equal(of_words.revoked_at, of_elements.revoked_at);
        assert_int_equal(of_words.reason, of_elements.reason);
    }
    assert_true(kinds[0] > 150 && kinds[1] > 20); /* most bits matter; digits and serial numbers have others */
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    crlspool_free(spool);
}

static void add_revoked(X509_CRL *crl, int64_t serial, int64_t when, int reason)
{
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    ASN1_TIME *time = ASN1_TIME_set(NULL, (time_t)when);
    ASN1_ENUMERATED *code = ASN1_ENUMERATED_new();
    assert_true(ASN1_INTEGER_set_int64(number, serial) && X509_REVOKED_set_serialNumber(entry, number) &&
                X509_REVOKED_set_revocationDate(entry, time) && ASN1_ENUMERATED_set(code, reason));
    if (reason)
        assert_true(X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, code, 0, 0));
    assert_true(X509_CRL_add0_revoked(crl, entry));
    ASN1_INTEGER_free(number);
    ASN1_TIME_free(time);
    ASN1_ENUMERATED_free(code);
}

/* What OpenSSL writes is what is read: also times behind 2049, in pieces of any size. */
static void test_read_openssl(void **state)
{
    (void)state;
    int64_t in_2050 = clock_from_date(2050, 1, 1), leap_day = clock_from_date(2028, 2, 29) + 86399;
    X509_CRL *crl = X509_CRL_new();
    struct testlist spec = { .number = 9, .scope = WHOLE };
    X509_EXTENSIONS *extensions = testlist_extensions(&spec);
    ASN1_TIME *from = ASN1_TIME_set(NULL, (time_t)(in_2050 + 60)), *to = ASN1_TIME_set(NULL, (time_t)(in_2050 + 3600));
    assert_true(X509_CRL_set_version(crl, X509_CRL_VERSION_2) && X509_CRL_set1_lastUpdate(crl, from) &&
                X509_CRL_set1_nextUpdate(crl, to) && X509_CRL_set_issuer_name(crl, X509_get_subject_name(testlist_who[SIGN].cert)));
    for (int i = 0; i < sk_X509_EXTENSION_num(extensions); i++)
        assert_true(X509_CRL_add_ext(crl, sk_X509_EXTENSION_value(extensions, i), -1));
    for (int64_t i = 1; i <= 5000; i++)
        add_revoked(crl, i * 37, i == 1 ? in_2050 : i == 2 ? leap_day : testlist_now - i, i % 7 == 0 ? 0 : (int)(i % 7));
    assert_true(X509_CRL_sort(crl) && X509_CRL_sign(crl, testlist_who[SIGN].key, EVP_sha256()) > 0);
    unsigned char *der = NULL;
    int len = i2d_X509_CRL(crl, &der);
    static const size_t steps[] = { 1, 7, 4096, 65536, 1u << 20 };
    for (size_t s = 0; s < sizeof steps / sizeof steps[0]; s++) {
        struct testlist_source source = { bytes_of(der, (size_t)len), steps[s] };
        struct crlwalk *walk = NULL;
        struct crlwalk_entry entry;
        struct crlfacts facts;
        assert_int_equal(crlwalk_new(testlist_source_read, &source, true, &walk, NULL), RC_OK);
        assert_int_equal(crlwalk_head(walk)->this_update, in_2050 + 60);
        for (int64_t i = 1; i <= 5000; i++) {
            char serial[CRLWALK_SERIAL_TEXT], wanted[24];
            assert_int_equal(crlwalk_next(walk, &entry, NULL), RC_OK);
            crlwalk_serial_text(&entry, serial);
            snprintf(wanted, sizeof wanted, "%s%llX", snprintf(NULL, 0, "%llX", (unsigned long long)i * 37) % 2 ? "0" : "",
                     (unsigned long long)i * 37);
            assert_string_equal(serial, wanted);
            assert_int_equal(entry.revoked_at, i == 1 ? in_2050 : i == 2 ? leap_day : testlist_now - i);
            assert_int_equal(entry.reason, i % 7);
        }
        assert_int_equal(crlwalk_next(walk, &entry, NULL), RC_NOT_FOUND);
        assert_int_equal(crljudge_tail(testlist_who[SIGN].cert, AUTHORITY_SIGN, walk, &facts, NULL), RC_OK);
        assert_int_equal(crljudge_signature(testlist_who[SIGN].cert, walk, NULL), RC_OK);
        assert_int_equal(facts.number, 9);
        crlfacts_wipe(&facts);
        crlwalk_free(walk);
    }
    OPENSSL_free(der);
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    X509_CRL_free(crl);
}

/* No cut and no bent bit of a sound list passes. */
static void test_cut_and_bent(void **state)
{
    (void)state;
    struct buf der = { 0 };
    int64_t count;
    testlist_write(&(struct testlist) { .number = 7, .to = 3600, .entries = testlist_some }, "sound");
    testlist_read("sound", &der);
    assert_int_equal(walk_all(SIGN, buf_bytes(&der), 100, &count), RC_OK);
    for (size_t cut = 0; cut < der.len; cut++) {
        uint8_t *exact = malloc(cut ? cut : 1); /* so that a sanitizer sees a byte too many */
        memcpy(exact, der.data, cut);
        assert_int_not_equal(walk_all(SIGN, bytes_of(exact, cut), 65536, &count), RC_OK);
        free(exact);
    }
    for (size_t bit = 0; bit < 8 * der.len; bit++) {
        der.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (walk_all(SIGN, buf_bytes(&der), 65536, &count) == RC_OK)
            fail_msg("bit %zu of byte %zu is not signed", bit % 8, bit / 8);
        der.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    buf_wipe(&der);
}

/* Entries that DER or RFC 5280 do not have: signed all the same, and not read. */
static void test_bad_entries(void **state)
{
    (void)state;
    static const struct {
        const char *flaw, *bytes;
        size_t len;
    } rows[] = {
#define ROW(flaw, text) { flaw, text, sizeof text - 1 }
        ROW("a serial number below the one before it", "\x30\x12\x02\x01\x05\x17\x0D" "261123093000Z" "\x30\x12\x02\x01\x04\x17\x0D" "261123093000Z"),
        ROW("the same serial number twice", "\x30\x12\x02\x01\x05\x17\x0D" "261123093000Z" "\x30\x12\x02\x01\x05\x17\x0D" "261123093000Z"),
        ROW("a negative serial number", "\x30\x12\x02\x01\x85\x17\x0D" "261123093000Z"),
        ROW("a zero serial number", "\x30\x12\x02\x01\x00\x17\x0D" "261123093000Z"),
        ROW("a needless zero byte", "\x30\x13\x02\x02\x00\x05\x17\x0D" "261123093000Z"),
        ROW("a serial number of no bytes", "\x30\x11\x02\x00\x17\x0D" "261123093000Z"),
        ROW("a serial number of 21 bytes", "\x30\x26\x02\x15\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0A\x0B\x0C\x0D\x0E\x0F\x10\x11\x12\x13\x14\x15\x17\x0D" "261123093000Z"),
        ROW("a length in more bytes than it needs", "\x30\x81\x12\x02\x01\x05\x17\x0D" "261123093000Z"),
        ROW("an indefinite length", "\x30\x80\x02\x01\x05\x17\x0D" "261123093000Z" "\x00\x00"),
        ROW("a time without seconds", "\x30\x10\x02\x01\x05\x17\x0B" "2611230930Z"),
        ROW("a time of a zone", "\x30\x12\x02\x01\x05\x17\x0D" "2611230930+09"),
        ROW("a month that is none", "\x30\x12\x02\x01\x05\x17\x0D" "261323093000Z"),
        ROW("a day that the month has not", "\x30\x12\x02\x01\x05\x17\x0D" "270229093000Z"),
        ROW("a leap second", "\x30\x12\x02\x01\x05\x17\x0D" "261231235960Z"),
        ROW("GeneralizedTime before 2050", "\x30\x14\x02\x01\x05\x18\x0F" "20261123093000Z"),
        ROW("unspecified as a reason", "\x30\x20\x02\x01\x05\x17\x0D" "261123093000Z" "\x30\x0C\x30\x0A\x06\x03\x55\x1D\x15\x04\x03\x0A\x01\x00"),
        ROW("a reason of attribute certificates", "\x30\x20\x02\x01\x05\x17\x0D" "261123093000Z" "\x30\x0C\x30\x0A\x06\x03\x55\x1D\x15\x04\x03\x0A\x01\x0A"),
        ROW("a time after the list's own", "\x30\x12\x02\x01\x05\x17\x0D" "491231235959Z"),
        ROW("a reason of delta lists", "\x30\x20\x02\x01\x05\x17\x0D" "261123093000Z" "\x30\x0C\x30\x0A\x06\x03\x55\x1D\x15\x04\x03\x0A\x01\x08"),
        ROW("another extension", "\x30\x20\x02\x01\x05\x17\x0D" "261123093000Z" "\x30\x0C\x30\x0A\x06\x03\x55\x1D\x18\x04\x03\x0A\x01\x01"),
        ROW("a byte behind the extensions", "\x30\x21\x02\x01\x05\x17\x0D" "261123093000Z" "\x30\x0C\x30\x0A\x06\x03\x55\x1D\x15\x04\x03\x0A\x01\x01\x00"),
        ROW("an entry that is no sequence", "\x31\x12\x02\x01\x05\x17\x0D" "261123093000Z"),
        ROW("an entry longer than the list", "\x30\x7F\x02\x01\x05\x17\x0D" "261123093000Z"),
    };
    struct buf der = { 0 };
    int64_t count;
    static const char sound[] = "\x30\x12\x02\x01\x05\x17\x0D" "261123093000Z";
    testlist_write(&(struct testlist) { .number = 7, .to = 3600, .raw = bytes_of(sound, sizeof sound - 1) }, "raw");
    testlist_read("raw", &der);
    assert_int_equal(walk_all(SIGN, buf_bytes(&der), 65536, &count), RC_OK);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        buf_wipe(&der);
        testlist_write(&(struct testlist) { .number = 7, .to = 3600, .raw = bytes_of(rows[i].bytes, rows[i].len) }, "raw");
        testlist_read("raw", &der);
        if (walk_all(SIGN, buf_bytes(&der), 65536, &count) != RC_FORMAT)
            fail_msg("read: %s", rows[i].flaw);
    }
    buf_wipe(&der);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_openssl_reads),
        cmocka_unit_test(test_alike),
        cmocka_unit_test(test_read_openssl),
        cmocka_unit_test(test_cut_and_bent),
        cmocka_unit_test(test_bad_entries),
    };
    return cmocka_run_group_tests(tests, testlist_setup, testlist_teardown);
}

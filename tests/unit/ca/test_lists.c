/* test_lists.c — revocation lists written entry by entry, read entry by entry, judged and put up: against OpenSSL's own
 * reading and writing, cut at each length, bent at each bit, and a row for each thing that the publisher refuses. */
#include "base/clock.h"
#include "base/file.h"
#include "ca/crljudge.h"
#include "ca/crlspool.h"
#include "ca/extensions.h"
#include "ca/leaf.h"
#include "ca/publishone.h"
#include "ca/signer.h"
#include "ca/tbs.h"
#include "ca/validity.h"
#include "pki/cert.h"
#include "support/scratch.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum who { SIGN, AUTH, NEXT, WHO_COUNT }; /* the signature and the authentication authority; an authority of P-384 */

static struct {
    enum authority authority;
    enum suite suite;
    EVP_PKEY *key;
    X509 *cert;
} whos[WHO_COUNT] = { { AUTHORITY_SIGN, SUITE_RSA_2048, NULL, NULL },
                      { AUTHORITY_AUTH, SUITE_RSA_2048, NULL, NULL },
                      { AUTHORITY_SIGN, SUITE_P_384, NULL, NULL } };
static char folder[] = "/tmp/jpki-lists-XXXXXX";
static int64_t now;

static void make_authority(enum who who)
{
    unsigned char *spki = NULL;
    struct buf tbs = { 0 }, der = { 0 };
    whos[who].key = suite_generate(whos[who].suite);
    int len = i2d_PUBKEY(whos[who].key, &spki);
    struct issuer issuer = { .authority = whos[who].authority, .organisation = "JPKI-TEST", .suite = whos[who].suite };
    struct leaf leaf = { .serial = "0132C4AB", .not_before = now - 86400, .not_after = validity_years(now, 9),
                         .public_key = bytes_of(spki, (size_t)len) };
    assert_int_equal(leaf_ca_tbs(&issuer, &leaf, &tbs, NULL), RC_OK);
    assert_int_equal(tbs_sign(buf_bytes(&tbs), whos[who].key, &der, NULL), RC_OK);
    assert_int_equal(cert_parse(buf_bytes(&der), &whos[who].cert), RC_OK);
    buf_wipe(&tbs);
    buf_wipe(&der);
    OPENSSL_free(spki);
}

static int setup(void **state)
{
    (void)state;
    now = clock_now();
    if (!mkdtemp(folder))
        return -1;
    for (enum who who = 0; who < WHO_COUNT; who++)
        make_authority(who);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (enum who who = 0; who < WHO_COUNT; who++) {
        X509_free(whos[who].cert);
        EVP_PKEY_free(whos[who].key);
    }
    return scratch_remove(folder);
}

static char *path_of(const char *name)
{
    char *path = file_join(folder, name);
    assert_non_null(path);
    return path;
}

/* --- a list, sound or with a flaw ---------------------------------------------------------------------------------------------- */

enum scope { TOWN, OTHER_TOWN, WHOLE, ONLY_CA, SCOPE_COUNT };

struct spec {
    enum who signs, names;     /* whose key; whose name and key identifier */
    enum scope scope;
    int64_t number, from, to;  /* times from now */
    const char *entries;       /* "serial+age:reason …"; NULL: none */
    struct bytes raw;          /* instead of them: any bytes */
    const char *behind;        /* bytes behind the end */
};

static void add_entries(struct crlspool *spool, const char *entries)
{
    char serial[41];
    long age;
    int reason, used;
    for (; entries && sscanf(entries, " %40[0-9A-F]+%ld:%d%n", serial, &age, &reason, &used) == 3; entries += used)
        assert_int_equal(crlspool_add(spool, serial, now - age, reason, NULL), RC_OK);
}

static X509_EXTENSIONS *extensions_of(const struct spec *spec)
{
    X509_EXTENSIONS *extensions = NULL;
    X509_NAME *point = NULL;
    enum authority authority = whos[spec->names].authority;
    assert_int_equal(ext_authority_key(&extensions, whos[spec->names].cert, false), RC_OK);
    assert_int_equal(ext_crl_number(&extensions, spec->number), RC_OK);
    if (spec->scope == TOWN || spec->scope == OTHER_TOWN)
        assert_int_equal(authority_crldp(authority, "JPKI-TEST", spec->scope == TOWN ? "462012" : "132217", &point, NULL), RC_OK);
    if (spec->scope == ONLY_CA)
        assert_int_equal(authority_dn(authority, "JPKI-TEST", &point), RC_OK);
    if (point)
        assert_int_equal(ext_crl_scope(&extensions, point, spec->scope == ONLY_CA), RC_OK);
    X509_NAME_free(point);
    return extensions;
}

/* In the folder, under the name. */
static void write_list(const struct spec *spec, const char *name)
{
    struct crlspool *spool = NULL;
    struct buf head = { 0 }, tail = { 0 }, tbs = { 0 }, signature = { 0 };
    int fd;
    uint64_t len;
    char *path = path_of(name);
    X509_EXTENSIONS *extensions = extensions_of(spec);
    assert_int_equal(crlspool_new(folder, &spool, NULL), RC_OK);
    add_entries(spool, spec->entries);
    assert_int_equal(crlspool_finish(spool, &fd, &len, NULL), RC_OK);
    if (spec->raw.len) {
        assert_int_equal(write(fd, spec->raw.data, spec->raw.len), (ssize_t)spec->raw.len);
        len = spec->raw.len;
    }
    struct tbs_crl crl = { .suite = whos[spec->signs].suite, .issuer = X509_get_subject_name(whos[spec->names].cert),
                           .this_update = now + spec->from, .next_update = now + spec->to, .extensions = extensions };
    assert_int_equal(tbs_crl_frame(&crl, len, &head, &tail), RC_OK);
    struct buf entries = { 0 };
    uint8_t *at;
    if (len) {
        assert_int_equal(buf_extend(&entries, (size_t)len, &at), RC_OK);
        assert_int_equal(pread(fd, at, (size_t)len, 0), (ssize_t)len);
    }
    assert_int_equal(buf_append_bytes(&tbs, buf_bytes(&head)) | buf_append_bytes(&tbs, buf_bytes(&entries)) |
                         buf_append_bytes(&tbs, buf_bytes(&tail)),
                     RC_OK);
    assert_int_equal(suite_sign(crl.suite, whos[spec->signs].key, buf_bytes(&tbs), &signature), RC_OK);
    (void)unlink(path);
    if (spec->raw.len || spec->behind) { /* by hand: the spool writes what it holds, and nothing behind it */
        struct buf der = { 0 };
        assert_int_equal(tbs_seal(buf_bytes(&tbs), buf_bytes(&signature), &der), RC_OK);
        if (spec->behind)
            assert_int_equal(buf_append_text(&der, spec->behind), RC_OK);
        assert_int_equal(file_write_atomic(path, buf_bytes(&der), 0644, NULL), RC_OK);
        buf_wipe(&der);
    } else {
        assert_int_equal(crlspool_write(spool, path, buf_bytes(&head), buf_bytes(&tail), crl.suite, buf_bytes(&signature), NULL),
                         RC_OK);
    }
    struct buf *const bufs[] = { &head, &tail, &tbs, &signature, &entries };
    for (size_t i = 0; i < sizeof bufs / sizeof bufs[0]; i++)
        buf_wipe(bufs[i]);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    crlspool_free(spool);
    free(path);
}

static void read_list(const char *name, struct buf *der)
{
    char *path = path_of(name);
    der->max = 64u * 1024u * 1024u;
    assert_int_equal(file_read(path, der, NULL), RC_OK);
    free(path);
}

/* Bytes as they come, a few at a time. */
struct source {
    struct bytes left;
    size_t step;
};

static enum rc source_read(void *context, uint8_t *out, size_t max, size_t *got)
{
    struct source *source = context;
    size_t n = source->left.len < source->step ? source->left.len : source->step;
    n = n < max ? n : max;
    if (n)
        memcpy(out, source->left.data, n);
    source->left = bytes_of(source->left.data + n, source->left.len - n);
    *got = n;
    return RC_OK;
}

/* Walks and checks the signature. */
static enum rc walk_all(enum who who, struct bytes der, size_t step, int64_t *count)
{
    struct source source = { der, step };
    struct crlwalk *walk = NULL;
    struct crlfacts facts = { 0 };
    enum rc rc = crlwalk_new(source_read, &source, true, &walk, NULL);
    if (!rc)
        rc = crljudge_head(whos[who].cert, walk, NULL);
    if (!rc)
        rc = crlwalk_finish(walk, NULL);
    if (!rc)
        rc = crljudge_tail(whos[who].cert, whos[who].authority, walk, &facts, NULL);
    if (!rc)
        rc = crljudge_signature(whos[who].cert, walk, NULL);
    if (!rc)
        *count = facts.entries;
    crlfacts_wipe(&facts);
    crlwalk_free(walk);
    return rc;
}

/* --- reading and writing ------------------------------------------------------------------------------------------------------- */

static const char some[] = "01+9:1 7F+8:0 80+7:3 0132C4AC+60:6 7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF+5:4";

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
        write_list(&(struct spec) { .signs = who, .names = who, .number = 7, .to = 3600, .entries = some }, "sound");
        read_list("sound", &der);
        const unsigned char *at = der.data;
        X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)der.len);
        assert_non_null(crl);
        assert_ptr_equal(at, der.data + der.len);
        assert_int_equal(X509_CRL_verify(crl, whos[who].key), 1);
        STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(crl);
        assert_int_equal(sk_X509_REVOKED_num(entries), 5);
        for (int i = 0; i < 5; i++) {
            const X509_REVOKED *entry = sk_X509_REVOKED_value(entries, i);
            BIGNUM *number = ASN1_INTEGER_to_BN(X509_REVOKED_get0_serialNumber(entry), NULL);
            char *hex = BN_bn2hex(number);
            int64_t when;
            assert_string_equal(hex, wanted[i].serial);
            assert_int_equal(cert_time(X509_REVOKED_get0_revocationDate(entry), &when), RC_OK);
            assert_int_equal(when, now - wanted[i].age);
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
    struct source source = { buf_bytes(&tbs), tbs.len };
    assert_int_equal(crlwalk_new(source_read, &source, false, &walk, NULL), RC_OK);
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
    struct spec spec = { .number = 9, .scope = WHOLE };
    X509_EXTENSIONS *extensions = extensions_of(&spec);
    struct tbs_crl crl = { .suite = SUITE_RSA_2048, .issuer = X509_get_subject_name(whos[SIGN].cert), .this_update = now,
                           .next_update = now + 3600, .extensions = extensions };
    struct crlspool *spool = NULL;
    uint8_t entries[256];
    int fd, kinds[2] = { 0 };
    uint64_t len;
    assert_int_equal(crlspool_new(folder, &spool, NULL), RC_OK);
    add_entries(spool, "0132C4AC+90000:1 0132C4AD+90000:6 0132C4AE+90000:2 0132C4AF+90000:4");
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
    struct spec spec = { .number = 9, .scope = WHOLE };
    X509_EXTENSIONS *extensions = extensions_of(&spec);
    ASN1_TIME *from = ASN1_TIME_set(NULL, (time_t)(in_2050 + 60)), *to = ASN1_TIME_set(NULL, (time_t)(in_2050 + 3600));
    assert_true(X509_CRL_set_version(crl, X509_CRL_VERSION_2) && X509_CRL_set1_lastUpdate(crl, from) &&
                X509_CRL_set1_nextUpdate(crl, to) && X509_CRL_set_issuer_name(crl, X509_get_subject_name(whos[SIGN].cert)));
    for (int i = 0; i < sk_X509_EXTENSION_num(extensions); i++)
        assert_true(X509_CRL_add_ext(crl, sk_X509_EXTENSION_value(extensions, i), -1));
    for (int64_t i = 1; i <= 5000; i++)
        add_revoked(crl, i * 37, i == 1 ? in_2050 : i == 2 ? leap_day : now - i, i % 7 == 0 ? 0 : (int)(i % 7));
    assert_true(X509_CRL_sort(crl) && X509_CRL_sign(crl, whos[SIGN].key, EVP_sha256()) > 0);
    unsigned char *der = NULL;
    int len = i2d_X509_CRL(crl, &der);
    static const size_t steps[] = { 1, 7, 4096, 65536, 1u << 20 };
    for (size_t s = 0; s < sizeof steps / sizeof steps[0]; s++) {
        struct source source = { bytes_of(der, (size_t)len), steps[s] };
        struct crlwalk *walk = NULL;
        struct crlwalk_entry entry;
        struct crlfacts facts;
        assert_int_equal(crlwalk_new(source_read, &source, true, &walk, NULL), RC_OK);
        assert_int_equal(crlwalk_head(walk)->this_update, in_2050 + 60);
        for (int64_t i = 1; i <= 5000; i++) {
            char serial[CRLWALK_SERIAL_TEXT], wanted[24];
            assert_int_equal(crlwalk_next(walk, &entry, NULL), RC_OK);
            crlwalk_serial_text(&entry, serial);
            snprintf(wanted, sizeof wanted, "%s%llX", snprintf(NULL, 0, "%llX", (unsigned long long)i * 37) % 2 ? "0" : "",
                     (unsigned long long)i * 37);
            assert_string_equal(serial, wanted);
            assert_int_equal(entry.revoked_at, i == 1 ? in_2050 : i == 2 ? leap_day : now - i);
            assert_int_equal(entry.reason, i % 7);
        }
        assert_int_equal(crlwalk_next(walk, &entry, NULL), RC_NOT_FOUND);
        assert_int_equal(crljudge_tail(whos[SIGN].cert, AUTHORITY_SIGN, walk, &facts, NULL), RC_OK);
        assert_int_equal(crljudge_signature(whos[SIGN].cert, walk, NULL), RC_OK);
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
    write_list(&(struct spec) { .number = 7, .to = 3600, .entries = some }, "sound");
    read_list("sound", &der);
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
    write_list(&(struct spec) { .number = 7, .to = 3600, .raw = bytes_of(sound, sizeof sound - 1) }, "raw");
    read_list("raw", &der);
    assert_int_equal(walk_all(SIGN, buf_bytes(&der), 65536, &count), RC_OK);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        buf_wipe(&der);
        write_list(&(struct spec) { .number = 7, .to = 3600, .raw = bytes_of(rows[i].bytes, rows[i].len) }, "raw");
        read_list("raw", &der);
        if (walk_all(SIGN, buf_bytes(&der), 65536, &count) != RC_FORMAT)
            fail_msg("read: %s", rows[i].flaw);
    }
    buf_wipe(&der);
}

/* --- the signer's judgement ----------------------------------------------------------------------------------------------------- */

static void test_signer(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        struct spec spec;
        enum who asked;
        enum rc rc;
    } rows[] = {
        { "a list of a town", { .number = 7, .to = 2 * 86400, .entries = some }, SIGN, RC_OK },
        { "a list of everything", { .number = 7, .to = 2 * 86400, .scope = WHOLE }, SIGN, RC_OK },
        { "of P-384", { .signs = NEXT, .names = NEXT, .number = 7, .to = 2 * 86400, .entries = some }, NEXT, RC_OK },
        { "one that is signed ahead", { .number = 7, .from = 36 * 3600, .to = 36 * 3600 + 7 * 86400 }, SIGN, RC_OK },
        { "one that is signed too far ahead", { .number = 7, .from = 3 * 86400, .to = 5 * 86400 }, SIGN, RC_DENIED },
        { "one that lives too long", { .number = 7, .to = 9 * 86400 }, SIGN, RC_DENIED },
        { "one of yesterday", { .number = 7, .from = -86400, .to = 86400 }, SIGN, RC_DENIED },
        { "one that ends before it begins", { .number = 7, .from = 100, .to = 50 }, SIGN, RC_DENIED },
        { "another authority's", { .number = 7, .to = 86400 }, AUTH, RC_DENIED },
        { "another suite's", { .signs = NEXT, .number = 7, .to = 86400 }, SIGN, RC_DENIED },
        { "a number that is none", { .number = 0, .to = 86400 }, SIGN, RC_DENIED },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf der = { 0 };
        struct bytes tbs, signature;
        struct crlwalk *walk = NULL;
        struct crlfacts facts = { 0 };
        write_list(&rows[i].spec, "tbs");
        read_list("tbs", &der);
        assert_int_equal(tbs_open(buf_bytes(&der), &tbs, &signature), RC_OK);
        struct source source = { tbs, 50 };
        assert_int_equal(crlwalk_new(source_read, &source, false, &walk, NULL), RC_OK);
        enum rc rc = signer_check_crl(whos[rows[i].asked].cert, whos[rows[i].asked].authority, walk, &facts, NULL);
        if (rc != rows[i].rc)
            fail_msg("%s: %s", rows[i].what, rc_text(rc));
        if (!rc)
            assert_true(suite_verifies_digest(whos[rows[i].asked].suite, whos[rows[i].asked].key,
                                              bytes_of(facts.digest, facts.digest_len), signature));
        crlfacts_wipe(&facts);
        crlwalk_free(walk);
        buf_wipe(&der);
    }
}

/* --- the publisher's judgement ---------------------------------------------------------------------------------------------------- */

/* The certificate of an entry, as proof: its own end says whether the entry may go. */
static void write_proof(enum who signs, const char *serial, int64_t ended)
{
    unsigned char *spki = NULL;
    struct buf tbs = { 0 }, der = { 0 };
    char *path = path_of("ended");
    int len = i2d_PUBKEY(whos[SIGN].key, &spki);
    struct tbs_cert cert = { .suite = whos[signs].suite, .serial = serial, .issuer = X509_get_subject_name(whos[SIGN].cert),
                             .subject = X509_get_subject_name(whos[SIGN].cert), .not_before = now - 400 * 86400LL,
                             .not_after = now + ended, .public_key = bytes_of(spki, (size_t)len),
                             .extensions = X509_get0_extensions(whos[SIGN].cert) };
    assert_int_equal(tbs_cert_encode(&cert, &tbs), RC_OK);
    assert_int_equal(tbs_sign(buf_bytes(&tbs), whos[signs].key, &der, NULL), RC_OK);
    assert_int_equal(file_write_atomic(path, buf_bytes(&der), 0600, NULL), RC_OK);
    buf_wipe(&tbs);
    buf_wipe(&der);
    OPENSSL_free(spki);
    free(path);
}

/* By the key that is the authority's newest one now. */
static enum rc publish_by(enum who newest, const char *from, struct err *err)
{
    X509 *keys[] = { whos[SIGN].cert, whos[NEXT].cert };
    X509_NAME *point = NULL;
    char *paths[] = { path_of(from), path_of("ended"), path_of("public/town.crl"), path_of("memory"), path_of("public") };
    assert_int_equal(authority_crldp(AUTHORITY_SIGN, "JPKI-TEST", "462012", &point, NULL), RC_OK);
    struct publishone one = { .ca = whos[newest].cert, .keys = keys, .key_count = newest == NEXT ? 2 : 1, .authority = AUTHORITY_SIGN, .point = point, .from = paths[0],
                              .ended = paths[1], .to = paths[2], .memory = paths[3], .publication = paths[4] };
    enum rc rc = publishone_run(&one, err);
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        free(paths[i]);
    X509_NAME_free(point);
    return rc;
}

static enum rc publish_one(const char *from, struct err *err)
{
    return publish_by(SIGN, from, err);
}

#define UP "10+86400:1 20+86400:0 30+86400:6" /* what is published */
#define UP_FROM (-3600)

static void remove_file(const char *name)
{
    char *path = path_of(name);
    (void)unlink(path);
    free(path);
}

static void publish_first(void)
{
    remove_file("public/town.crl");
    remove_file("memory");
    remove_file("ended");
    write_list(&(struct spec) { .number = 5, .from = UP_FROM, .to = 86400, .entries = UP }, "first");
    assert_int_equal(publish_one("first", NULL), RC_OK);
}

static void test_publisher_refuses(void **state)
{
    (void)state;
#define SOUND .number = 6, .from = -60, .to = 86400
    static const struct {
        const char *what;
        struct spec spec;
        enum rc rc;
        const char *proof;    /* serial number of the proof; NULL: none */
        int64_t proof_ended;  /* from now */
        enum who proof_signs;
    } rows[] = {
        { .what = "signed by another key", .spec = { SOUND, .entries = UP, .signs = AUTH }, .rc = RC_BAD_SIGNATURE },
        { .what = "another authority's", .spec = { SOUND, .entries = UP, .signs = AUTH, .names = AUTH }, .rc = RC_DENIED },
        { .what = "another authority's name", .spec = { SOUND, .entries = UP, .names = AUTH }, .rc = RC_DENIED },
        { .what = "the same authority's of another key", .spec = { SOUND, .entries = UP, .signs = NEXT, .names = NEXT }, .rc = RC_DENIED },
        { .what = "the scope of another town", .spec = { SOUND, .entries = UP, .scope = OTHER_TOWN }, .rc = RC_DENIED },
        { .what = "no scope", .spec = { SOUND, .entries = UP, .scope = WHOLE }, .rc = RC_DENIED },
        { .what = "the scope of authorities", .spec = { SOUND, .entries = UP, .scope = ONLY_CA }, .rc = RC_DENIED },
        { .what = "the same number", .spec = { .number = 5, .from = -60, .to = 86400, .entries = UP }, .rc = RC_CONFLICT },
        { .what = "a lower number", .spec = { .number = 4, .from = -60, .to = 86400, .entries = UP }, .rc = RC_CONFLICT },
        { .what = "no number", .spec = { .number = 0, .from = -60, .to = 86400, .entries = UP }, .rc = RC_DENIED },
        { .what = "an earlier time", .spec = { .number = 6, .from = UP_FROM - 1, .to = 86400, .entries = UP }, .rc = RC_CONFLICT },
        { .what = "not in force yet", .spec = { .number = 6, .from = 7200, .to = 86400, .entries = UP }, .rc = RC_STATE },
        { .what = "no more in force", .spec = { .number = 6, .from = -60, .to = -1, .entries = UP }, .rc = RC_CONFLICT },
        { .what = "the first entry lost", .spec = { SOUND, .entries = "20+86400:0 30+86400:6" }, .rc = RC_CONFLICT },
        { .what = "the last entry lost", .spec = { SOUND, .entries = "10+86400:1 20+86400:0" }, .rc = RC_CONFLICT },
        { .what = "every entry lost", .spec = { SOUND }, .rc = RC_CONFLICT },
        { .what = "an entry of a certificate that had not ended", .spec = { SOUND, .entries = "10+86400:1 30+86400:6" }, .rc = RC_CONFLICT, .proof = "20", .proof_ended = UP_FROM },
        { .what = "the proof of another certificate", .spec = { SOUND, .entries = "10+86400:1 30+86400:6" }, .rc = RC_CONFLICT, .proof = "21", .proof_ended = UP_FROM - 1 },
        { .what = "a proof that another key signed", .spec = { SOUND, .entries = "10+86400:1 30+86400:6" }, .rc = RC_CONFLICT, .proof = "20", .proof_ended = UP_FROM - 1, .proof_signs = AUTH },
        { .what = "another time of an entry", .spec = { SOUND, .entries = "10+86400:1 20+86399:0 30+86400:6" }, .rc = RC_CONFLICT },
        { .what = "another reason of an entry", .spec = { SOUND, .entries = "10+86400:1 20+86400:0 30+86400:1" }, .rc = RC_CONFLICT },
        { .what = "a byte behind its end", .spec = { SOUND, .entries = UP, .behind = "x" }, .rc = RC_FORMAT },
        { .what = "sound", .spec = { SOUND, .entries = UP " 40+60:4" }, .rc = RC_OK },
        { .what = "an entry lost whose certificate had ended", .spec = { SOUND, .entries = "10+86400:1 30+86400:6" }, .rc = RC_OK, .proof = "20", .proof_ended = UP_FROM - 1 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct err err = { 0 };
        struct buf before = { 0 }, after = { 0 }, wanted = { 0 };
        publish_first();
        read_list("public/town.crl", &before);
        write_list(&rows[i].spec, "second");
        if (rows[i].proof)
            write_proof(rows[i].proof_signs, rows[i].proof, rows[i].proof_ended);
        enum rc rc = publish_one("second", &err);
        if (rc != rows[i].rc)
            fail_msg("%s: %s (%s)", rows[i].what, rc_text(rc), err_text(&err, rc));
        read_list("public/town.crl", &after);
        read_list("second", &wanted);
        assert_true(bytes_equal(buf_bytes(&after), rc ? buf_bytes(&before) : buf_bytes(&wanted)));
        char *part = path_of("public/town.crl.part");
        assert_int_not_equal(access(part, F_OK), 0);
        free(part);
        buf_wipe(&before);
        buf_wipe(&after);
        buf_wipe(&wanted);
    }
}

/* The first list of a new key follows the last one of the old key. */
static void test_publisher_follows_keys(void **state)
{
    (void)state;
#define NEWEST SOUND, .signs = NEXT, .names = NEXT
    static const struct {
        const char *what;
        struct spec spec;
        enum rc rc;
        const char *proof;
        bool other_file; /* what is up is no list at all: nothing to follow */
    } rows[] = {
        { .what = "an entry lost", .spec = { NEWEST, .entries = "10+86400:1 30+86400:6" }, .rc = RC_CONFLICT },
        { .what = "an entry changed", .spec = { NEWEST, .entries = "10+86400:1 20+86400:1 30+86400:6" }, .rc = RC_CONFLICT },
        { .what = "the number that was published", .spec = { .number = 5, .from = -60, .to = 86400, .signs = NEXT, .names = NEXT, .entries = UP }, .rc = RC_CONFLICT },
        { .what = "sound", .spec = { NEWEST, .entries = UP " 40+60:4" }, .rc = RC_OK },
        { .what = "an entry lost, with the old key's proof", .spec = { NEWEST, .entries = "10+86400:1 30+86400:6" }, .rc = RC_OK, .proof = "20" },
        { .what = "over a file that is no list", .spec = { NEWEST, .entries = "10+86400:1" }, .rc = RC_OK, .other_file = true },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct err err = { 0 };
        char *public = path_of("public/town.crl");
        publish_first();
        remove_file("memory"); /* the new key's lists have a memory of their own */
        if (rows[i].other_file)
            assert_int_equal(file_write_atomic(public, bytes_of("no list", 7), 0644, NULL), RC_OK);
        write_list(&rows[i].spec, "second");
        if (rows[i].proof)
            write_proof(SIGN, rows[i].proof, UP_FROM - 1);
        enum rc rc = publish_by(NEXT, "second", &err);
        if (rc != rows[i].rc)
            fail_msg("%s: %s (%s)", rows[i].what, rc_text(rc), err_text(&err, rc));
        free(public);
    }
}

/* A publication that was lost or changed lets nothing old in, and is made whole by the list that was in it. */
static void test_publisher_remembers(void **state)
{
    (void)state;
    struct err err = { 0 };
    publish_first();
    write_list(&(struct spec) { SOUND, .entries = UP " 40+60:4" }, "second");
    assert_int_equal(publish_one("second", NULL), RC_OK);
    remove_file("public/town.crl");
    assert_int_equal(publish_one("first", &err), RC_CONFLICT);
    assert_int_equal(publish_one("second", NULL), RC_OK);
    write_list(&(struct spec) { .number = 6, .from = -50, .to = 86400, .entries = UP }, "other");
    assert_int_equal(publish_one("other", NULL), RC_CONFLICT); /* number 6 was another one */
    char *public = path_of("public/town.crl");
    assert_int_equal(file_write_atomic(public, bytes_of("no list", 7), 0644, NULL), RC_OK);
    assert_int_equal(publish_one("first", NULL), RC_CONFLICT);
    assert_int_equal(publish_one("second", NULL), RC_OK);
    free(public);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_openssl_reads), cmocka_unit_test(test_read_openssl),
        cmocka_unit_test(test_alike), cmocka_unit_test(test_cut_and_bent),
        cmocka_unit_test(test_bad_entries),   cmocka_unit_test(test_signer),       cmocka_unit_test(test_publisher_refuses),
        cmocka_unit_test(test_publisher_follows_keys), cmocka_unit_test(test_publisher_remembers),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

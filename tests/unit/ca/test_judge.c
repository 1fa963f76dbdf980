/* test_judge.c — revocation lists judged before they are signed, and once more before they are put up: a row for each thing
 * that the signer and the publisher refuse. */
#include "testlist.h"

#include "base/file.h"
#include "ca/crljudge.h"
#include "ca/publishone.h"
#include "ca/signer.h"
#include "ca/tbs.h"
#include "pki/cert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* --- the signer's judgement ----------------------------------------------------------------------------------------------------- */

static void test_signer(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        struct testlist spec;
        enum who asked;
        enum rc rc;
    } rows[] = {
        { "a list of a town", { .number = 7, .to = 2 * 86400, .entries = testlist_some }, SIGN, RC_OK },
        { "a list of everything", { .number = 7, .to = 2 * 86400, .scope = WHOLE }, SIGN, RC_OK },
        { "of P-384", { .signs = NEXT, .names = NEXT, .number = 7, .to = 2 * 86400, .entries = testlist_some }, NEXT, RC_OK },
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
        testlist_write(&rows[i].spec, "tbs");
        testlist_read("tbs", &der);
        assert_int_equal(tbs_open(buf_bytes(&der), &tbs, &signature), RC_OK);
        struct testlist_source source = { tbs, 50 };
        assert_int_equal(crlwalk_new(testlist_source_read, &source, false, &walk, NULL), RC_OK);
        enum rc rc = signer_check_crl(testlist_who[rows[i].asked].cert, testlist_who[rows[i].asked].authority, walk, &facts, NULL);
        if (rc != rows[i].rc)
            fail_msg("%s: %s", rows[i].what, rc_text(rc));
        if (!rc)
            assert_true(suite_verifies_digest(testlist_who[rows[i].asked].suite, testlist_who[rows[i].asked].key,
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
    char *path = testlist_path("ended");
    int len = i2d_PUBKEY(testlist_who[SIGN].key, &spki);
    struct tbs_cert cert = { .suite = testlist_who[signs].suite, .serial = serial, .issuer = X509_get_subject_name(testlist_who[SIGN].cert),
                             .subject = X509_get_subject_name(testlist_who[SIGN].cert), .not_before = testlist_now - 400 * 86400LL,
                             .not_after = testlist_now + ended, .public_key = bytes_of(spki, (size_t)len),
                             .extensions = X509_get0_extensions(testlist_who[SIGN].cert) };
    assert_int_equal(tbs_cert_encode(&cert, &tbs), RC_OK);
    assert_int_equal(tbs_sign(buf_bytes(&tbs), testlist_who[signs].key, &der, NULL), RC_OK);
    assert_int_equal(file_write_atomic(path, buf_bytes(&der), 0600, NULL), RC_OK);
    buf_wipe(&tbs);
    buf_wipe(&der);
    OPENSSL_free(spki);
    free(path);
}

/* By the key that is the authority's newest one now. */
static enum rc publish_by(enum who newest, const char *from, struct err *err)
{
    X509 *keys[] = { testlist_who[SIGN].cert, testlist_who[NEXT].cert };
    X509_NAME *point = NULL;
    char *paths[] = { testlist_path(from), testlist_path("ended"), testlist_path("public/town.crl"), testlist_path("memory"), testlist_path("public") };
    assert_int_equal(authority_crldp(AUTHORITY_SIGN, "JPKI-TEST", "462012", &point, NULL), RC_OK);
    struct publishone one = { .ca = testlist_who[newest].cert, .keys = keys, .key_count = newest == NEXT ? 2 : 1, .authority = AUTHORITY_SIGN, .point = point, .from = paths[0],
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
    char *path = testlist_path(name);
    (void)unlink(path);
    free(path);
}

static void publish_first(void)
{
    remove_file("public/town.crl");
    remove_file("memory");
    remove_file("ended");
    testlist_write(&(struct testlist) { .number = 5, .from = UP_FROM, .to = 86400, .entries = UP }, "first");
    assert_int_equal(publish_one("first", NULL), RC_OK);
}

static void test_publisher_refuses(void **state)
{
    (void)state;
#define SOUND .number = 6, .from = -60, .to = 86400
    static const struct {
        const char *what;
        struct testlist spec;
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
        testlist_read("public/town.crl", &before);
        testlist_write(&rows[i].spec, "second");
        if (rows[i].proof)
            write_proof(rows[i].proof_signs, rows[i].proof, rows[i].proof_ended);
        enum rc rc = publish_one("second", &err);
        if (rc != rows[i].rc)
            fail_msg("%s: %s (%s)", rows[i].what, rc_text(rc), err_text(&err, rc));
        testlist_read("public/town.crl", &after);
        testlist_read("second", &wanted);
        assert_true(bytes_equal(buf_bytes(&after), rc ? buf_bytes(&before) : buf_bytes(&wanted)));
        char *part = testlist_path("public/town.crl.part");
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
        struct testlist spec;
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
        char *public = testlist_path("public/town.crl");
        publish_first();
        remove_file("memory"); /* the new key's lists have a memory of their own */
        if (rows[i].other_file)
            assert_int_equal(file_write_atomic(public, bytes_of("no list", 7), 0644, NULL), RC_OK);
        testlist_write(&rows[i].spec, "second");
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
    testlist_write(&(struct testlist) { SOUND, .entries = UP " 40+60:4" }, "second");
    assert_int_equal(publish_one("second", NULL), RC_OK);
    remove_file("public/town.crl");
    assert_int_equal(publish_one("first", &err), RC_CONFLICT);
    assert_int_equal(publish_one("second", NULL), RC_OK);
    testlist_write(&(struct testlist) { .number = 6, .from = -50, .to = 86400, .entries = UP }, "other");
    assert_int_equal(publish_one("other", NULL), RC_CONFLICT); /* number 6 was another one */
    char *public = testlist_path("public/town.crl");
    assert_int_equal(file_write_atomic(public, bytes_of("no list", 7), 0644, NULL), RC_OK);
    assert_int_equal(publish_one("first", NULL), RC_CONFLICT);
    assert_int_equal(publish_one("second", NULL), RC_OK);
    free(public);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_signer),
        cmocka_unit_test(test_publisher_refuses),
        cmocka_unit_test(test_publisher_follows_keys),
        cmocka_unit_test(test_publisher_remembers),
    };
    return cmocka_run_group_tests(tests, testlist_setup, testlist_teardown);
}

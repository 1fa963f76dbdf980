/* test_signature_cms.c — detached CMS signatures made by `openssl cms -sign`, whole, cut, flipped and of refused shapes. */
#include "verify_test.h"

#include "verify/signature.h"

#include <stdio.h>

static struct test_ca ca;
static X509 *leaf;
static struct buf content;

static enum signature_state check(struct bytes signature, struct bytes over, struct evidence_signature *evidence)
{
    X509 *cert = NULL;
    memset(evidence, 0xFF, sizeof *evidence);
    uint8_t *copy = exact_copy(signature), *body = exact_copy(over);
    assert_int_equal(signature_cms_check(bytes_of(copy, signature.len), bytes_of(body, over.len), evidence, &cert), RC_OK);
    free(copy);
    free(body);
    if (evidence->state == SIGNATURE_GOOD) {
        assert_non_null(cert);
        assert_int_equal(X509_cmp(cert, leaf), 0);
        assert_string_equal(evidence->reason, "");
    } else {
        assert_true(evidence->reason[0] != '\0');
    }
    X509_free(cert);
    return evidence->state;
}

/* Signs file "content" with openssl's own program. */
static struct buf sign(const char *cert, const char *key, const char *options)
{
    test_run("openssl cms -sign -binary -in content -signer %s -inkey %s -outform DER -out out.p7s %s", cert, key, options);
    return test_slurp("out.p7s");
}

static void rows_of_openssl(void **state)
{
    (void)state;
    static const struct {
        const char *flaw, *cert, *key, *options;
        enum signature_state expected;
        const char *algorithm, *digest;
    } rows[] = {
        { "none", "leaf.pem", "leaf.key", "-md sha256", SIGNATURE_GOOD, "RSA 2048 PKCS#1 v1.5", "SHA-256" },
        { "none, SHA-384", "leaf.pem", "leaf.key", "-md sha384", SIGNATURE_GOOD, "RSA 2048 PKCS#1 v1.5", "SHA-384" },
        { "none, SHA-512, bound", "leaf.pem", "leaf.key", "-md sha512 -cades", SIGNATURE_GOOD, NULL, "SHA-512" },
        { "none, PSS", "leaf.pem", "leaf.key", "-md sha256 -keyopt rsa_padding_mode:pss", SIGNATURE_GOOD, "RSA 2048 PSS",
          "SHA-256" },
        { "none, authority's certificate inside", "leaf.pem", "leaf.key", "-md sha256 -cades -certfile ca.pem",
          SIGNATURE_GOOD, NULL, NULL },
        { "SHA-1", "leaf.pem", "leaf.key", "-md sha1", SIGNATURE_WEAK, NULL, NULL },
        { "MD5", "leaf.pem", "leaf.key", "-md md5", SIGNATURE_WEAK, NULL, NULL },
        { "SHA-224", "leaf.pem", "leaf.key", "-md sha224", SIGNATURE_WEAK, NULL, NULL },
        { "RSA 1024", "small.pem", "small.key", "-md sha256", SIGNATURE_WEAK, NULL, NULL },
        { "no signed attributes", "leaf.pem", "leaf.key", "-md sha256 -noattr", SIGNATURE_NOT_ALLOWED, NULL, NULL },
        { "content inside", "leaf.pem", "leaf.key", "-md sha256 -nodetach", SIGNATURE_NOT_ALLOWED, NULL, NULL },
        { "no certificate", "leaf.pem", "leaf.key", "-md sha256 -nocerts", SIGNATURE_NO_CERTIFICATE, NULL, NULL },
        { "only another certificate", "leaf.pem", "leaf.key", "-md sha256 -nocerts -certfile ca.pem",
          SIGNATURE_NO_CERTIFICATE, NULL, NULL },
        { "two signers", "leaf.pem", "leaf.key", "-md sha256 -signer other.pem -inkey leaf.key", SIGNATURE_NOT_ALLOWED,
          NULL, NULL },
        { "a certificate of the same name and number, but of another key", "leaf.pem", "leaf.key",
          "-md sha256 -nocerts -certfile twin.pem", SIGNATURE_CRYPTO_WRONG, NULL, NULL },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct evidence_signature evidence;
        struct buf signature = sign(rows[i].cert, rows[i].key, rows[i].options);
        struct buf body = test_slurp("content");
        enum signature_state found = check(buf_bytes(&signature), buf_bytes(&body), &evidence);
        if (found != rows[i].expected)
            fail_msg("%s: state %d, %s", rows[i].flaw, (int)found, evidence.reason);
        if (rows[i].algorithm)
            assert_string_equal(evidence.algorithm, rows[i].algorithm);
        if (rows[i].digest)
            assert_string_equal(evidence.digest, rows[i].digest);
        if (found == SIGNATURE_GOOD) {
            assert_true(evidence.claimed_time > 0);
            assert_int_equal(evidence.certificate_bound, strstr(rows[i].options, "-cades") != NULL);
        }
        buf_wipe(&signature);
        buf_wipe(&body);
    }
}

static void the_content_must_be_the_signed_one(void **state)
{
    (void)state;
    struct evidence_signature evidence;
    struct buf signature = sign("leaf.pem", "leaf.key", "-md sha256 -cades");
    assert_int_equal(check(buf_bytes(&signature), buf_bytes(&content), &evidence), SIGNATURE_GOOD);
    for (size_t i = 0; i < content.len; i++) {
        content.data[i] ^= 1;
        assert_int_equal(check(buf_bytes(&signature), buf_bytes(&content), &evidence), SIGNATURE_HASH_WRONG);
        content.data[i] ^= 1;
        assert_int_equal(check(buf_bytes(&signature), bytes_of(content.data, i), &evidence), SIGNATURE_HASH_WRONG);
    }
    buf_wipe(&signature);
}

/* A flip may land in a place that nothing depends on (an unsigned field), but then the signer is the same and the content
 * too; never may it yield another certificate. Cut at any length it is no signature at all. */
static void every_byte_counts(void **state)
{
    (void)state;
    struct evidence_signature evidence;
    struct buf signature = sign("leaf.pem", "leaf.key", "-md sha256 -cades");
    unsigned still_good = 0;
    for (size_t i = 0; i < signature.len; i++) {
        assert_int_equal(check(bytes_of(signature.data, i), buf_bytes(&content), &evidence), SIGNATURE_MALFORMED);
        uint8_t bit = (uint8_t)(1u << (i % 8));
        signature.data[i] ^= bit;
        X509 *cert = NULL;
        assert_int_equal(signature_cms_check(buf_bytes(&signature), buf_bytes(&content), &evidence, &cert), RC_OK);
        if (evidence.state == SIGNATURE_GOOD) {
            still_good++;
            assert_int_equal(X509_cmp(cert, leaf), 0);
        }
        X509_free(cert);
        signature.data[i] ^= bit;
    }
    print_message("%u of %zu flips change nothing that is signed\n", still_good, signature.len);
    assert_in_range(still_good, 0, 40);
    assert_int_equal(buf_append_u8(&signature, 0), RC_OK);
    assert_int_equal(check(buf_bytes(&signature), buf_bytes(&content), &evidence), SIGNATURE_MALFORMED);
    buf_wipe(&signature);
}

static void other_things_are_no_signatures(void **state)
{
    (void)state;
    struct evidence_signature evidence;
    test_run("openssl cms -encrypt -binary -in content -outform DER -out enveloped leaf.pem");
    test_run("openssl cms -digest_create -binary -in content -outform DER -out digested");
    test_run("openssl x509 -in leaf.pem -outform DER -out leaf.der");
    static const char *const names[] = { "enveloped", "digested", "leaf.der", "content" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct buf file = test_slurp(names[i]);
        assert_int_equal(check(buf_bytes(&file), buf_bytes(&content), &evidence), SIGNATURE_MALFORMED);
        buf_wipe(&file);
    }
    assert_int_equal(check(bytes_of(NULL, 0), buf_bytes(&content), &evidence), SIGNATURE_MALFORMED);
}

static void pem_is_read_too(void **state)
{
    (void)state;
    struct evidence_signature evidence;
    test_run("openssl cms -sign -binary -in content -signer leaf.pem -inkey leaf.key -outform PEM -out out.pem");
    struct buf file = test_slurp("out.pem");
    assert_int_equal(signature_format_of(buf_bytes(&file)), SIGNATURE_FORMAT_CMS);
    assert_int_equal(check(buf_bytes(&file), buf_bytes(&content), &evidence), SIGNATURE_GOOD);
    buf_wipe(&file);
}

static void formats_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum signature_format format;
    } rows[] = {
        { "\x30\x82", SIGNATURE_FORMAT_CMS },     { "-----BEGIN CMS-----\n", SIGNATURE_FORMAT_CMS },
        { "<?xml", SIGNATURE_FORMAT_XML },        { "\xEF\xBB\xBF<a/>", SIGNATURE_FORMAT_XML },
        { " \n\t<a/>", SIGNATURE_FORMAT_XML },    { "", SIGNATURE_FORMAT_UNKNOWN },
        { "\xEF\xBB", SIGNATURE_FORMAT_UNKNOWN }, { "hello", SIGNATURE_FORMAT_UNKNOWN },
        { "   ", SIGNATURE_FORMAT_UNKNOWN },      { "-----BEGIN", SIGNATURE_FORMAT_UNKNOWN },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bytes text = bytes_of(rows[i].text, strlen(rows[i].text));
        uint8_t *copy = exact_copy(text);
        assert_int_equal(signature_format_of(bytes_of(copy, text.len)), rows[i].format);
        free(copy);
    }
}

static int set_up(void **state)
{
    (void)state;
    test_ca_new(&ca, AUTHORITY_SIGN, -DAY, 3000 * DAY);
    leaf = test_leaf_new(&ca, test_key(), &(struct test_leaf) { 0 });
    EVP_PKEY *small = test_key_of(1024), *stranger = test_key_of(2048);
    X509 *small_cert = test_leaf_new(&ca, small, &(struct test_leaf) { .serial = 2 });
    X509 *other = test_leaf_new(&ca, test_key(), &(struct test_leaf) { .serial = 3 });
    X509 *twin = test_leaf_new(&ca, stranger, &(struct test_leaf) { 0 });
    test_write_cert("ca.pem", ca.cert);
    test_write_cert("leaf.pem", leaf);
    test_write_key("leaf.key", test_key());
    test_write_cert("small.pem", small_cert);
    test_write_key("small.key", small);
    test_write_cert("other.pem", other);
    test_write_cert("twin.pem", twin);
    test_text("content", "納税証明書の交付を申請します。\r\n100 yen\n");
    content = test_slurp("content");
    X509_free(small_cert);
    X509_free(other);
    X509_free(twin);
    EVP_PKEY_free(small);
    EVP_PKEY_free(stranger);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    buf_wipe(&content);
    X509_free(leaf);
    test_ca_free(&ca);
    EVP_PKEY_free(test_key());
    test_folder_remove();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_openssl),
        cmocka_unit_test(the_content_must_be_the_signed_one),
        cmocka_unit_test(every_byte_counts),
        cmocka_unit_test(other_things_are_no_signatures),
        cmocka_unit_test(pem_is_read_too),
        cmocka_unit_test(formats_are_told_apart),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* test_cert.c — certificates in bytes and files, cut, padded and broken. */
#include "pki_test.h"

#include "base/clock.h"
#include "base/file.h"
#include "pki/cert.h"

#include <openssl/pem.h>
#include <stdio.h>
#include <unistd.h>

static EVP_PKEY *key;
static X509 *cert;
static struct buf der;
static char folder[] = "/tmp/jpki-cert-XXXXXX";

static int setup(void **state)
{
    (void)state;
    key = make_key();
    cert = make_cert(key, "test", NULL);
    return cert_encode(cert, &der) == RC_OK && mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    EVP_PKEY_free(key);
    X509_free(cert);
    buf_wipe(&der);
    rmdir(folder);
    return 0;
}

static void test_parse_every_cut(void **state)
{
    (void)state;
    X509 *parsed = NULL;
    for (size_t len = 0; len < der.len; len++) {
        uint8_t *copy = exact_copy(der.data, len);
        assert_int_equal(cert_parse(bytes_of(copy, len), &parsed), RC_FORMAT);
        assert_null(parsed);
        free(copy);
    }
    uint8_t *copy = exact_copy(der.data, der.len);
    assert_int_equal(cert_parse(bytes_of(copy, der.len), &parsed), RC_OK);
    assert_int_equal(X509_cmp(parsed, cert), 0);
    X509_free(parsed);
    free(copy);
}

/* A flipped bit may still be a certificate; what is asked is that parsing stays within its bytes. */
static void test_parse_every_flip(void **state)
{
    (void)state;
    uint8_t *copy = exact_copy(der.data, der.len);
    size_t refused = 0;
    for (size_t bit = 0; bit < der.len * 8; bit++) {
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        X509 *parsed;
        if (cert_parse(bytes_of(copy, der.len), &parsed) == RC_OK)
            X509_free(parsed);
        else
            refused++;
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_true(refused > 0);
    free(copy);
}

static void test_trailing_bytes(void **state)
{
    (void)state;
    struct buf longer = {0};
    assert_int_equal(buf_append_bytes(&longer, buf_bytes(&der)), RC_OK);
    assert_int_equal(buf_append_u8(&longer, 0), RC_OK);
    X509 *parsed;
    assert_int_equal(cert_parse(buf_bytes(&longer), &parsed), RC_FORMAT);
    struct bytes inside;
    assert_int_equal(cert_in_file(buf_bytes(&longer), &inside), RC_OK);
    assert_int_equal(inside.len, der.len);
    assert_int_equal(cert_in_file(bytes_of(der.data, der.len - 1), &inside), RC_FORMAT);
    assert_int_equal(cert_in_file(bytes_of("\xFF\xFF\xFF\xFF", 4), &inside), RC_NOT_FOUND);
    assert_int_equal(cert_in_file(bytes_of("\0\0\0\0", 4), &inside), RC_NOT_FOUND);
    assert_int_equal(cert_in_file(bytes_of(NULL, 0), &inside), RC_NOT_FOUND);
    assert_int_equal(cert_in_file(bytes_of("\x30", 1), &inside), RC_FORMAT);
    buf_wipe(&longer);
}

static char *write_file(const char *name, struct bytes content)
{
    char *path = file_join(folder, name);
    assert_int_equal(file_write_atomic(path, content, 0600, NULL), RC_OK);
    return path;
}

static void test_files(void **state)
{
    (void)state;
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, cert);
    PEM_write_bio_X509(bio, cert);
    char *pem;
    long pem_len = BIO_get_mem_data(bio, &pem);
    struct {
        const char *flaw;
        struct bytes content;
        enum rc one, all;
        int count;
    } cases[] = {
        {"good: DER", buf_bytes(&der), RC_OK, RC_FORMAT, 0},
        {"good: PEM of two", bytes_of(pem, (size_t)pem_len), RC_OK, RC_OK, 2},
        {"the second cut", bytes_of(pem, (size_t)pem_len - 60), RC_OK, RC_FORMAT, 0},
        {"text", bytes_of("hello", 5), RC_FORMAT, RC_FORMAT, 0},
        {"empty", bytes_of("", 0), RC_FORMAT, RC_FORMAT, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *path = write_file("c", cases[i].content);
        X509 *one = NULL;
        STACK_OF(X509) *all = NULL;
        struct err err = {0};
        enum rc rc = cert_read(path, &one, &err);
        if (rc != cases[i].one)
            fail_msg("%s: %s", cases[i].flaw, rc_name(rc));
        if (rc)
            assert_non_null(strstr(err.text, path));
        rc = cert_read_all(path, &all, NULL);
        if (rc != cases[i].all)
            fail_msg("%s, all: %s", cases[i].flaw, rc_name(rc));
        if (rc == RC_OK)
            assert_int_equal(sk_X509_num(all), cases[i].count);
        sk_X509_pop_free(all, X509_free);
        X509_free(one);
        unlink(path);
        free(path);
    }
    BIO_free(bio);
    X509 *none = NULL;
    assert_int_equal(cert_read("/nonexistent/cert", &none, NULL), RC_NOT_FOUND);
}

static void test_serial(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        int len;
        const char *text;
    } cases[] = {{"\x01", 1, "01"},
                 {"\x01\x32\xC4\xAB", 4, "0132C4AB"},
                 {"\x00\x00\x0F", 3, "0F"},
                 {"\x00", 1, "00"},
                 {"\xFF\x00\x01", 3, "FF0001"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        X509 *other = X509_new();
        BIGNUM *number = BN_bin2bn((const unsigned char *)cases[i].bytes, cases[i].len, NULL);
        assert_non_null(BN_to_ASN1_INTEGER(number, X509_get_serialNumber(other)));
        struct buf out = {0};
        assert_int_equal(cert_serial(other, &out), RC_OK);
        assert_string_equal(buf_string(&out), cases[i].text);
        buf_wipe(&out);
        BN_free(number);
        X509_free(other);
    }
    X509 *negative = X509_new();
    ASN1_INTEGER_set(X509_get_serialNumber(negative), -5);
    struct buf out = {0};
    assert_int_equal(cert_serial(negative, &out), RC_FORMAT);
    X509_free(negative);
}

static void test_times(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum rc rc;
        const char *want;
    } cases[] = {
        {"230716005027Z", RC_OK, "2023-07-16T00:50:27Z"},
        {"330715145959Z", RC_OK, "2033-07-15T14:59:59Z"},
        {"20500101000000Z", RC_OK, "2050-01-01T00:00:00Z"},
        {"231301000000Z", RC_FORMAT, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ASN1_TIME *time = ASN1_STRING_type_new(strlen(cases[i].text) == 13 ? V_ASN1_UTCTIME : V_ASN1_GENERALIZEDTIME);
        ASN1_STRING_set(time, cases[i].text, -1);
        int64_t read = 0, want = 0;
        assert_int_equal(cert_time(time, &read), cases[i].rc);
        if (cases[i].want)
            assert_int_equal(clock_parse(cases[i].want, &want), RC_OK);
        assert_int_equal(read, want);
        ASN1_TIME_free(time);
    }
    int64_t never = 0;
    assert_int_equal(cert_time(NULL, &never), RC_FORMAT);
    assert_int_equal(cert_not_after(cert) - cert_not_before(cert), 86400 + 3600);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse_every_cut), cmocka_unit_test(test_parse_every_flip),
        cmocka_unit_test(test_trailing_bytes),  cmocka_unit_test(test_files),
        cmocka_unit_test(test_serial),          cmocka_unit_test(test_times),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

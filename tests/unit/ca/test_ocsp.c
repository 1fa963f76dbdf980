/* test_ocsp.c — OCSP requests as strangers send them: OpenSSL's own, each flaw by name, every cut and flip; the kept
 * answers; whom an identifier means. */
#include "ca/ocspanswer.h"
#include "ca/ocspcache.h"
#include "ca/ocsprequest.h"
#include "pki/authority.h"

#include <openssl/rsa.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static EVP_PKEY *key;
static struct ca ca;

static X509 *make_issuer(enum authority a)
{
    X509 *cert = X509_new();
    X509_NAME *name = NULL;
    assert_int_equal(authority_dn(a, "JPKI-TEST", &name), RC_OK);
    X509_set_subject_name(cert, name);
    X509_set_issuer_name(cert, name);
    X509_set_pubkey(cert, key);
    X509_NAME_free(name);
    return cert;
}

static int setup(void **state)
{
    (void)state;
    key = EVP_RSA_gen(2048);
    for (enum authority a = 0; a < AUTHORITY_COUNT; a++) {
        ca.config.generations[a] = 1;
        ca.issuers[a].cert = ca.certs[a][0] = make_issuer(a);
    }
    return key ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    for (unsigned a = 0; a < AUTHORITY_COUNT; a++)
        X509_free(ca.issuers[a].cert);
    EVP_PKEY_free(key);
    return 0;
}

static OCSP_CERTID *make_id(enum authority a, long serial, const EVP_MD *digest)
{
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    ASN1_INTEGER_set(number, serial);
    X509 *issuer = ca.issuers[a].cert;
    OCSP_CERTID *id = OCSP_cert_id_new(digest, X509_get_subject_name(issuer), X509_get0_pubkey_bitstr(issuer), number);
    ASN1_INTEGER_free(number);
    return id;
}

/* A request for so many certificates; the caller changes and encodes it. */
static OCSP_REQUEST *make_request(int count)
{
    OCSP_REQUEST *request = OCSP_REQUEST_new();
    for (int i = 0; i < count; i++)
        assert_non_null(OCSP_request_add0_id(request, make_id(AUTHORITY_AUTH, 0x0132C4AB + i, EVP_sha1())));
    return request;
}

static enum rc parse(struct bytes der)
{
    struct ocsprequest found = { 0 };
    uint8_t *exact = malloc(der.len ? der.len : 1);
    assert_non_null(exact);
    memcpy(exact, der.data, der.len);
    enum rc rc = ocsprequest_parse(bytes_of(exact, der.len), &found, NULL);
    if (!rc)
        assert_true(found.count >= 1 && found.count <= OCSPREQUEST_CERTS && ocsprequest_id(&found, 0));
    else
        assert_null(found.request); /* written only on RC_OK */
    ocsprequest_wipe(&found);
    free(exact);
    return rc;
}

/* Encodes, parses, frees. */
static void want(const char *what, OCSP_REQUEST *request, enum rc wanted)
{
    unsigned char *der = NULL;
    int len = i2d_OCSP_REQUEST(request, &der);
    assert_true(len > 0);
    enum rc rc = parse(bytes_of(der, (size_t)len));
    if (rc != wanted)
        fail_msg("%s: %s", what, rc_name(rc));
    OPENSSL_free(der);
    OCSP_REQUEST_free(request);
}

static void add_extension(OCSP_REQUEST *request, const char *oid, int critical, const void *data, int len)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(value, data, len);
    X509_EXTENSION *extension = X509_EXTENSION_create_by_OBJ(NULL, object, critical, value);
    assert_int_equal(OCSP_REQUEST_add_ext(request, extension, -1), 1);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(value);
    ASN1_OBJECT_free(object);
}

#define NONCE "1.3.6.1.5.5.7.48.1.2"

static void test_requests(void **state)
{
    (void)state;
    static unsigned char nonce[200];
    want("one certificate", make_request(1), RC_OK);
    want("as many as are allowed", make_request(OCSPREQUEST_CERTS), RC_OK);
    want("one more", make_request(OCSPREQUEST_CERTS + 1), RC_FORMAT);
    want("none", make_request(0), RC_FORMAT);
    for (int len = 1; len <= 200; len++) {
        OCSP_REQUEST *request = make_request(1);
        OCSP_request_add1_nonce(request, nonce, len);
        want("a nonce", request, len <= OCSPREQUEST_NONCE ? RC_OK : RC_FORMAT);
    }
    OCSP_REQUEST *request = make_request(1);
    add_extension(request, NONCE, 0, "\x04\x00", 2);
    want("an empty nonce", request, RC_FORMAT);
    request = make_request(1);
    add_extension(request, NONCE, 0, "naked nonce", 11);
    want("a nonce that is no OCTET STRING", request, RC_FORMAT);
    request = make_request(1);
    add_extension(request, NONCE, 0, "\x04\x01N", 3);
    add_extension(request, NONCE, 0, "\x04\x01N", 3);
    want("two nonces", request, RC_FORMAT);
    request = make_request(1);
    add_extension(request, NONCE, 0, "\x04\x01NX", 4);
    want("something behind the nonce", request, RC_FORMAT);
    request = make_request(1);
    add_extension(request, "1.2.3.4", 0, "\x05", 1);
    want("an extension that is not understood", request, RC_OK);
    request = make_request(1);
    add_extension(request, "1.2.3.4", 1, "\x05", 1);
    want("the same, critical", request, RC_FORMAT);
    request = make_request(1);
    assert_int_equal(OCSP_request_sign(request, ca.issuers[0].cert, key, EVP_sha256(), NULL, OCSP_NOCERTS), 1);
    want("a signed request", request, RC_OK);
}

static void test_versions(void **state)
{
    (void)state;
    unsigned char *der = NULL;
    OCSP_REQUEST *request = make_request(1);
    int len = i2d_OCSP_REQUEST(request, &der);
    assert_in_range(len, 10, 120);
    for (unsigned version = 0; version < 3; version++) {
        struct buf other = { 0 };
        const uint8_t head[] = { 0x30, (uint8_t)(len - 2 + 5), 0x30, (uint8_t)(len - 4 + 5),
                                 0xA0, 0x03, 0x02, 0x01, (uint8_t)version };
        assert_int_equal(buf_append(&other, head, sizeof head), RC_OK);
        assert_int_equal(buf_append(&other, der + 4, (size_t)len - 4), RC_OK);
        enum rc rc = parse(buf_bytes(&other));
        if (version)
            assert_int_equal(rc, RC_FORMAT);
        buf_wipe(&other);
    }
    OPENSSL_free(der);
    OCSP_REQUEST_free(request);
}

/* No cut is a request; whatever a flip makes is judged without a crash, and a changed length is never read. */
static void test_cuts_and_flips(void **state)
{
    (void)state;
    unsigned char *der = NULL;
    size_t passed = 0;
    OCSP_REQUEST *request = make_request(2);
    OCSP_request_add1_nonce(request, NULL, 32);
    size_t len = (size_t)i2d_OCSP_REQUEST(request, &der);
    for (size_t cut = 0; cut < len; cut++)
        assert_int_equal(parse(bytes_of(der, cut)), RC_FORMAT);
    for (size_t bit = 0; bit < len * 8; bit++) {
        der[bit / 8] ^= (uint8_t)(1u << bit % 8);
        enum rc rc = parse(bytes_of(der, len));
        assert_true(rc == RC_OK || rc == RC_FORMAT);
        passed += rc == RC_OK;
        der[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_in_range(passed, 2 * (40 + 4) * 8, len * 8 - 100); /* hashes, serials and nonce may be anything */
    unsigned char *longer = malloc(len + 1);
    assert_non_null(longer);
    memcpy(longer, der, len);
    longer[len] = 0;
    assert_int_equal(parse(bytes_of(longer, len + 1)), RC_FORMAT);
    free(longer);
    OPENSSL_free(der);
    OCSP_REQUEST_free(request);
}

static void test_paths(void **state)
{
    (void)state;
    static const struct {
        const char *what, *path;
        enum rc rc;
        const char *wanted;
    } rows[] = {
        { "no padding needed", "/MAMC", RC_OK, "\x30\x03\x02" },
        { "one", "/MAM=", RC_OK, "\x30\x03" },
        { "two", "/MA==", RC_OK, "\x30" },
        { "slashes in front", "///MAMC", RC_OK, "\x30\x03\x02" },
        { "slash and plus inside", "/M/+/", RC_OK, "\x33\xFF\xBF" },
        { "nothing", "/", RC_FORMAT, NULL },
        { "padding left out", "/MAM", RC_FORMAT, NULL },
        { "three of them", "/M===", RC_FORMAT, NULL },
        { "padding inside", "/MA==MAMC", RC_FORMAT, NULL },
        { "a blank", "/MA MC===", RC_FORMAT, NULL },
        { "a line end", "/MAMC\n\n\n\n", RC_FORMAT, NULL },
        { "the URL alphabet", "/M_-_", RC_FORMAT, NULL },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf der = { 0 };
        enum rc rc = ocsprequest_from_path(rows[i].path, &der);
        if (rc != rows[i].rc || (!rc && (der.len != strlen(rows[i].wanted) || memcmp(der.data, rows[i].wanted, der.len) != 0)))
            fail_msg("%s", rows[i].what);
        assert_true(rc == RC_OK || der.len == 0);
        buf_wipe(&der);
    }
}

static void test_issuers(void **state)
{
    (void)state;
    static const struct {
        enum authority authority;
        const char *digest;
        enum rc rc;
    } rows[] = { { AUTHORITY_SIGN, "SHA1", RC_OK },      { AUTHORITY_AUTH, "SHA1", RC_OK },
                 { AUTHORITY_SIGN, "SHA256", RC_OK },    { AUTHORITY_AUTH, "SHA256", RC_OK },
                 { AUTHORITY_OPS, "SHA1", RC_NOT_FOUND }, { AUTHORITY_AUTH, "SHA384", RC_NOT_FOUND } };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum authority found = AUTHORITY_COUNT;
        unsigned generation = 0;
        char serial[BOOK_SERIAL_SIZE];
        OCSP_CERTID *id = make_id(rows[i].authority, 0x0132C4AB, EVP_get_digestbyname(rows[i].digest));
        assert_int_equal(ocspanswer_issuer(&ca, id, &found, &generation, serial), rows[i].rc);
        if (!rows[i].rc) {
            assert_int_equal(found, rows[i].authority);
            assert_int_equal(generation, 1);
            assert_string_equal(serial, "0132C4AB");
        }
        OCSP_CERTID_free(id);
    }
    enum authority found;
    unsigned generation;
    char serial[BOOK_SERIAL_SIZE];
    OCSP_CERTID *id = make_id(AUTHORITY_AUTH, -5, EVP_sha1()); /* none of ours has it, and it must not be found as 05 */
    assert_int_equal(ocspanswer_issuer(&ca, id, &found, &generation, serial), RC_OK);
    assert_string_equal(serial, "");
    OCSP_CERTID_free(id);
}

static void test_cache(void **state)
{
    (void)state;
    struct ocspcache *cache = NULL;
    uint8_t request[OCSPCACHE_KEY + 1];
    memset(request, 7, sizeof request);
    assert_int_equal(ocspcache_new(64, &cache), RC_OK);
    struct ocspentry entry = { .authority = AUTHORITY_AUTH, .serial = "01", .until = 100,
                               .answer = plain_answer_new(200, bytes_of("x", 1), NULL) };
    assert_non_null(entry.answer);
    ocspcache_put(cache, bytes_of(request, sizeof request), &entry);
    assert_null(ocspcache_find(cache, bytes_of(request, sizeof request), 1)); /* too long to be kept */
    for (unsigned i = 0; i < 1000; i++) { /* far more than there is room for */
        memcpy(request, &i, sizeof i);
        snprintf(entry.serial, sizeof entry.serial, "%02X", i % 8);
        ocspcache_put(cache, bytes_of(request, 80), &entry);
        const struct ocspentry *found = ocspcache_find(cache, bytes_of(request, 80), 99);
        assert_non_null(found);
        assert_ptr_equal(found->answer, entry.answer);
        assert_null(ocspcache_find(cache, bytes_of(request, 79), 99));
        assert_null(ocspcache_find(cache, bytes_of(request, 80), 100)); /* too old */
    }
    ocspcache_forget(cache, AUTHORITY_AUTH, "03");
    size_t kept = 0;
    for (unsigned i = 0; i < 1000; i++) {
        memcpy(request, &i, sizeof i);
        const struct ocspentry *found = ocspcache_find(cache, bytes_of(request, 80), 1);
        kept += found != NULL;
        if (found)
            assert_string_not_equal(found->serial, "03");
    }
    assert_in_range(kept, 40, 64);
    ocspcache_free(cache);
    plain_answer_drop(entry.answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_requests), cmocka_unit_test(test_versions),
                                        cmocka_unit_test(test_cuts_and_flips), cmocka_unit_test(test_paths),
                                        cmocka_unit_test(test_issuers), cmocka_unit_test(test_cache) };
    return cmocka_run_group_tests_name("ca-ocsp", tests, setup, teardown);
}

/* test_registration.c — the registration extension: in a certificate template and back, and every way to break it. */
#include "pki_test.h"

#include "base/hex.h"
#include "pki/registration.h"

#include <openssl/crmf.h>

static const struct registration good = {"kagoshima-2026-000123", "462012", "0000000020500003", 2082758399, 1928933999, false};

static enum rc read_hex(const char *hex, int critical, struct registration *out)
{
    struct buf der = {0};
    assert_int_equal(hex_decode(hex, &der), RC_OK);
    uint8_t *copy = exact_copy(der.data, der.len);
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    ASN1_OCTET_STRING_set(value, copy, (int)der.len);
    ASN1_OBJECT *oid = OBJ_txt2obj(REGISTRATION_OID, 1);
    X509_EXTENSION *extension = X509_EXTENSION_create_by_OBJ(NULL, oid, critical, value);
    X509_EXTENSIONS *extensions = sk_X509_EXTENSION_new_null();
    sk_X509_EXTENSION_push(extensions, extension);
    enum rc rc = registration_from_extensions(extensions, out, NULL);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    ASN1_OBJECT_free(oid);
    ASN1_OCTET_STRING_free(value);
    free(copy);
    buf_wipe(&der);
    return rc;
}

static void test_through_a_template(void **state)
{
    (void)state;
    for (int with_end = 0; with_end < 2; with_end++) {
        struct registration one = good, read = {0};
        if (!with_end)
            one.auth_not_after = 0;
        one.ward = with_end;
        X509_EXTENSION *extension;
        assert_int_equal(registration_to_extension(&one, &extension), RC_OK);
        assert_int_equal(X509_EXTENSION_get_critical(extension), 0);
        OSSL_CRMF_MSG *message = OSSL_CRMF_MSG_new();
        OSSL_CRMF_MSG_set_certReqId(message, 0);
        assert_int_equal(OSSL_CRMF_MSG_push0_extension(message, extension), 1);
        unsigned char *der = NULL;
        int len = i2d_OSSL_CRMF_MSG(message, &der);
        assert_true(len > 0);
        const unsigned char *at = der;
        OSSL_CRMF_MSG *back = d2i_OSSL_CRMF_MSG(NULL, &at, len);
        assert_non_null(back);
        const X509_EXTENSIONS *extensions = OSSL_CRMF_CERTTEMPLATE_get0_extensions(OSSL_CRMF_MSG_get0_tmpl(back));
        assert_int_equal(registration_from_extensions(extensions, &read, NULL), RC_OK);
        assert_string_equal(read.request, one.request);
        assert_string_equal(read.municipality, one.municipality);
        assert_string_equal(read.card, one.card);
        assert_int_equal(read.card_expiry, one.card_expiry);
        assert_int_equal(read.auth_not_after, one.auth_not_after);
        assert_int_equal(read.ward, one.ward);
        OSSL_CRMF_MSG_free(back);
        OSSL_CRMF_MSG_free(message);
        OPENSSL_free(der);
    }
    struct registration read;
    assert_int_equal(registration_from_extensions(NULL, &read, NULL), RC_NOT_FOUND);
}

/* r-1, 462012, AAAA…, 20360101000000Z: written by hand. */
#define REQUEST "0C03 722D31"
#define CITY "1306 343632303132"
#define CARD "1310 41414141414141414141414141414141"
#define EXPIRY "180F 32303336303130313030303030305A"

static void test_bytes(void **state)
{
    (void)state;
    static const struct {
        const char *flaw, *hex;
        enum rc rc;
    } rows[] = {
        {"good", "3030" REQUEST CITY CARD EXPIRY, RC_OK},
        {"good: with the other end", "3043" REQUEST CITY CARD EXPIRY "A011" EXPIRY, RC_OK},
        {"nothing", "", RC_FORMAT},
        {"empty sequence", "3000", RC_FORMAT},
        {"no card", "301E" REQUEST CITY EXPIRY, RC_FORMAT},
        {"a byte behind", "3030" REQUEST CITY CARD EXPIRY "00", RC_FORMAT},
        {"an element behind", "3032" REQUEST CITY CARD EXPIRY "0500", RC_FORMAT},
        {"other end not a time", "3034" REQUEST CITY CARD EXPIRY "A0020500", RC_FORMAT},
        {"good: a ward", "3035" REQUEST CITY CARD EXPIRY "A1030101FF", RC_OK},
        {"a ward that is none", "3035" REQUEST CITY CARD EXPIRY "A103010100", RC_FORMAT},
        {"a ward not said in DER", "3035" REQUEST CITY CARD EXPIRY "A103010101", RC_FORMAT},
        {"a ward before the other end", "3048" REQUEST CITY CARD EXPIRY "A1030101FF" "A011" EXPIRY, RC_FORMAT},
        {"empty request", "302D 0C00" CITY CARD EXPIRY, RC_FORMAT},
        {"zero byte in the request", "3030 0C03 720031" CITY CARD EXPIRY, RC_FORMAT},
        {"blank in the request", "3030 0C03 722031" CITY CARD EXPIRY, RC_FORMAT},
        {"five digits", "302F" REQUEST "1305 3436323031" CARD EXPIRY, RC_FORMAT},
        {"letter in the code", "3030" REQUEST "1306 343632303141" CARD EXPIRY, RC_FORMAT},
        {"UTCTime", "302E" REQUEST CITY CARD "170D 3336303130313030303030305A", RC_FORMAT},
        {"month 13", "3030" REQUEST CITY CARD "180F 32303336313330313030303030305A", RC_FORMAT},
        {"no Z", "302F" REQUEST CITY CARD "180E 3230333630313031303030303030", RC_FORMAT},
        {"fraction", "3032" REQUEST CITY CARD "1811 32303336303130313030303030302E355A", RC_FORMAT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct registration read = {0};
        enum rc rc = read_hex(rows[i].hex, 0, &read);
        if (rc != rows[i].rc)
            fail_msg("%s: %s", rows[i].flaw, rc_name(rc));
        if (rc == RC_OK) {
            assert_string_equal(read.request, "r-1");
            assert_int_equal(read.card_expiry, 2082758400);
        }
    }
}

static void test_refuses_to_write(void **state)
{
    (void)state;
    static const struct {
        const char *flaw;
        struct registration registration;
    } rows[] = {
        {"no request", {"", "462012", "0000000020500003", 1, 0, false}},
        {"line end in the request", {"a\nb", "462012", "0000000020500003", 1, 0, false}},
        {"short code", {"r", "46201", "0000000020500003", 1, 0, false}},
        {"short card number", {"r", "462012", "000000002050000", 1, 0, false}},
        {"card number with a sign", {"r", "462012", "00000000205000-3", 1, 0, false}},
        {"no expiry", {"r", "462012", "0000000020500003", 0, 0, false}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        X509_EXTENSION *none = NULL;
        if (registration_to_extension(&rows[i].registration, &none) != RC_FORMAT || none)
            fail_msg("%s", rows[i].flaw);
    }
}

static void test_cuts_and_flips(void **state)
{
    (void)state;
    X509_EXTENSION *extension;
    assert_int_equal(registration_to_extension(&good, &extension), RC_OK);
    const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(extension);
    size_t len = (size_t)ASN1_STRING_length(value);
    char hex[512];
    struct registration read;
    for (size_t cut = 0; cut < len; cut++) {
        hex_encode(bytes_of(ASN1_STRING_get0_data(value), cut), hex);
        assert_int_equal(read_hex(hex, 0, &read), RC_FORMAT);
    }
    uint8_t *copy = exact_copy(ASN1_STRING_get0_data(value), len);
    for (size_t bit = 0; bit < len * 8; bit++) {
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        hex_encode(bytes_of(copy, len), hex);
        read = (struct registration){0};
        enum rc rc = read_hex(hex, 0, &read);
        assert_true(rc == RC_OK || rc == RC_FORMAT);
        if (rc == RC_OK)
            assert_true(strcmp(read.request, good.request) || strcmp(read.municipality, good.municipality) ||
                        strcmp(read.card, good.card) || read.card_expiry != good.card_expiry ||
                        read.auth_not_after != good.auth_not_after);
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    free(copy);
    X509_EXTENSION_free(extension);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_through_a_template),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_refuses_to_write),
        cmocka_unit_test(test_cuts_and_flips),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

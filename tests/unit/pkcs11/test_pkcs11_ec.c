/* test_pkcs11_ec.c — a certificate with an EC key, as the card of about 2028 is to have: the objects made of it are EC
 * objects, and those of a card that is known to be RSA never are. */
#include "pkcs11/attribute.h"
#include "pkcs11/crypto.h"

#include <openssl/ec.h>
#include <openssl/x509.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct certificate make(EVP_PKEY *key, enum rc wanted)
{
    struct certificate certificate = { 0 };
    X509 *x509 = X509_new();
    unsigned char *der = NULL;
    assert_non_null(x509);
    assert_true(X509_set_version(x509, 2) && ASN1_INTEGER_set(X509_get_serialNumber(x509), 7));
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x509), 0));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x509), 3600));
    X509_NAME *name = X509_get_subject_name(x509);
    assert_true(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"JPKI-TEST", -1, -1, 0));
    assert_true(X509_set_issuer_name(x509, name) && X509_set_pubkey(x509, key));
    const EVP_MD *md = EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519 ? NULL : EVP_sha384();
    assert_true(X509_sign(x509, key, md) > 0);
    int len = i2d_X509(x509, &der);
    assert_true(len > 0);
    assert_int_equal(certificate_init(&certificate, bytes_of(der, (size_t)len)), wanted);
    OPENSSL_free(der);
    X509_free(x509);
    return certificate;
}

static const struct object_row *row_of(CK_OBJECT_CLASS class)
{
    for (size_t i = 0; i < object_row_count; i++)
        if (object_rows[i].token == TOKEN_AUTH && object_rows[i].class == class && object_rows[i].id == 1)
            return &object_rows[i];
    fail();
    return NULL;
}

static const struct {
    const char *curve, *oid; /* DER */
    size_t field;
} curves[] = {
    { "P-256", "\x06\x08\x2A\x86\x48\xCE\x3D\x03\x01\x07", 32 },
    { "P-384", "\x06\x05\x2B\x81\x04\x00\x22", 48 },
    { "P-521", "\x06\x05\x2B\x81\x04\x00\x23", 66 },
};

static void an_ec_certificate_gives_ec_objects(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof curves / sizeof *curves; i++) {
        EVP_PKEY *key = EVP_EC_gen(curves[i].curve);
        assert_non_null(key);
        struct certificate certificate = make(key, RC_OK);
        const struct attribute_facts facts = { .certificate = &certificate };
        struct attribute_value value;
        assert_true(certificate_is_ec(&certificate));
        for (int private = 0; private < 2; private++) {
            const struct object_row *row = row_of(private ? CKO_PRIVATE_KEY : CKO_PUBLIC_KEY);
            CK_ULONG type = 99;
            CK_ATTRIBUTE ask = { CKA_KEY_TYPE, &type, sizeof type };
            assert_false(attribute_is_fixed(row, &facts, CKA_KEY_TYPE)); /* nothing but the certificate says it */
            assert_int_equal(attribute_fill(row, &facts, &ask, 1), CKR_OK);
            assert_int_equal(type, CKK_EC);
            ask = (CK_ATTRIBUTE) { CKA_KEY_GEN_MECHANISM, &type, sizeof type };
            assert_int_equal(attribute_fill(row, &facts, &ask, 1), CKR_OK);
            assert_int_equal(type, CKM_EC_KEY_PAIR_GEN);
            assert_int_equal(attribute_get(row, &facts, CKA_EC_PARAMS, &value), CKR_OK);
            assert_true(bytes_equal(value.bytes, bytes_of(curves[i].oid, (size_t)curves[i].oid[1] + 2)));
            assert_int_equal(attribute_get(row, &facts, CKA_EC_POINT, &value), CKR_OK);
            /* OCTET STRING { 04 x y }, as the standard wants it since 2.40; the point is the certificate's own. */
            size_t point = 2 * curves[i].field + 1, head = value.bytes.len - point;
            assert_true(head == 2 || head == 3);
            assert_int_equal(value.bytes.data[0], 0x04);
            assert_int_equal(value.bytes.data[head - 1], point);
            unsigned char *plain = NULL;
            assert_int_equal(EVP_PKEY_get1_encoded_public_key(key, &plain), point);
            assert_memory_equal(value.bytes.data + head, plain, point);
            OPENSSL_free(plain);
            assert_int_equal(attribute_get(row, &facts, CKA_MODULUS, &value), CKR_ATTRIBUTE_TYPE_INVALID);
            assert_int_equal(attribute_get(row, &facts, CKA_MODULUS_BITS, &value), CKR_ATTRIBUTE_TYPE_INVALID);
            assert_int_equal(attribute_get(row, &facts, CKA_PUBLIC_KEY_INFO, &value), CKR_OK);
        }
        const struct object_row *row = row_of(CKO_PRIVATE_KEY);
        assert_int_equal(attribute_get(row, &facts, CKA_VALUE, &value), CKR_ATTRIBUTE_SENSITIVE);
        assert_int_equal(attribute_get(row, &facts, CKA_PRIME_1, &value), CKR_ATTRIBUTE_TYPE_INVALID);
        assert_int_equal(attribute_get(row_of(CKO_CERTIFICATE), &facts, CKA_VALUE, &value), CKR_OK);
        assert_int_equal(attribute_get(row_of(CKO_CERTIFICATE), &facts, CKA_EC_POINT, &value), CKR_ATTRIBUTE_TYPE_INVALID);
        CK_ULONG ec = CKK_EC, rsa = CKK_RSA;
        CK_ATTRIBUTE by_type = { CKA_KEY_TYPE, &ec, sizeof ec }, by_other = { CKA_KEY_TYPE, &rsa, sizeof rsa };
        assert_true(attribute_match(row, &facts, false, &by_type, 1));
        assert_false(attribute_match(row, &facts, false, &by_other, 1));
        certificate_wipe(&certificate);
        EVP_PKEY_free(key);
    }
}

static void what_is_known_of_rsa_cards_needs_no_certificate(void **state)
{
    (void)state;
    const struct attribute_facts known = { .rsa = true }, unknown = { 0 };
    const struct object_row *row = row_of(CKO_PRIVATE_KEY);
    struct attribute_value value;
    static const CK_ATTRIBUTE_TYPE types[] = { CKA_KEY_TYPE, CKA_KEY_GEN_MECHANISM, CKA_EC_PARAMS, CKA_EC_POINT, CKA_PRIME_1, CKA_VALUE };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        assert_true(attribute_is_fixed(row, &known, types[i]));
        assert_false(attribute_is_fixed(row, &unknown, types[i]));
        assert_int_equal(attribute_get(row, &unknown, types[i], &value), CKR_FUNCTION_FAILED);
    }
    assert_int_equal(attribute_get(row, &known, CKA_KEY_TYPE, &value), CKR_OK);
    assert_int_equal(value.small.number, CKK_RSA);
    assert_int_equal(attribute_get(row, &known, CKA_EC_POINT, &value), CKR_ATTRIBUTE_TYPE_INVALID);
    assert_int_equal(attribute_get(row, &known, CKA_PRIME_1, &value), CKR_ATTRIBUTE_SENSITIVE);
    assert_int_equal(attribute_get(row, &known, CKA_VALUE, &value), CKR_ATTRIBUTE_TYPE_INVALID);
}

static void other_keys_are_no_keys_of_a_card(void **state)
{
    (void)state;
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    assert_non_null(key);
    struct certificate certificate = make(key, RC_FORMAT);
    assert_null(certificate.key);
    EVP_PKEY_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ec_certificate_gives_ec_objects),
        cmocka_unit_test(what_is_known_of_rsa_cards_needs_no_certificate),
        cmocka_unit_test(other_keys_are_no_keys_of_a_card),
    };
    if (crypto_open())
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    crypto_close();
    return failed;
}

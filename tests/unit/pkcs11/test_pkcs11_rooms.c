/* test_pkcs11_rooms.c — the module's rooms that need no card: result codes, mechanisms, attributes, operations, sessions,
 * locking, refused PINs. */
#include "base/hex.h"
#include "pkcs11/attribute.h"
#include "pkcs11/ckr.h"
#include "pkcs11/crypto.h"
#include "pkcs11/locking.h"
#include "pkcs11/refused.h"
#include "pkcs11/runtime.h"
#include "pkcs11/session.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

/* --- result codes -------------------------------------------------------------------------------------------------------- */

static const struct {
    enum rc rc;
    CK_RV rv;
} ckr_rows[] = {
    { RC_OK, CKR_OK },
    { RC_NOMEM, CKR_HOST_MEMORY },
    { RC_IO, CKR_DEVICE_ERROR },
    { RC_BUG, CKR_GENERAL_ERROR },
    { RC_CRYPTO, CKR_FUNCTION_FAILED },
    { RC_USAGE, CKR_ARGUMENTS_BAD },
    { RC_FORMAT, CKR_DEVICE_ERROR },
    { RC_RANGE, CKR_DATA_LEN_RANGE },
    { RC_UNSUPPORTED, CKR_MECHANISM_INVALID },
    { RC_NOT_FOUND, CKR_KEY_HANDLE_INVALID },
    { RC_EXISTS, CKR_GENERAL_ERROR },
    { RC_CONFLICT, CKR_DEVICE_ERROR },
    { RC_DENIED, CKR_FUNCTION_REJECTED },
    { RC_STATE, CKR_FUNCTION_FAILED },
    { RC_BAD_SIGNATURE, CKR_SIGNATURE_INVALID },
    { RC_INTERRUPTED, CKR_FUNCTION_CANCELED },
    { RC_UNREACHABLE, CKR_DEVICE_ERROR },
    { RC_TIMEOUT, CKR_FUNCTION_CANCELED },
    { RC_REFUSED, CKR_FUNCTION_FAILED },
    { RC_READER_GONE, CKR_DEVICE_REMOVED },
    { RC_CARD_ABSENT, CKR_TOKEN_NOT_PRESENT },
    { RC_CARD_GONE, CKR_DEVICE_REMOVED },
    { RC_CARD_RESET, CKR_DEVICE_ERROR },
    { RC_CARD_FOREIGN, CKR_TOKEN_NOT_RECOGNIZED },
    { RC_CARD_REFUSED, CKR_DEVICE_ERROR },
    { RC_PIN_WRONG, CKR_PIN_INCORRECT },
    { RC_PIN_BLOCKED, CKR_PIN_LOCKED },
    { RC_PIN_FORMAT, CKR_PIN_INVALID },
    { RC_PIN_NEEDED, CKR_USER_NOT_LOGGED_IN },
};

static void every_rc_has_its_ckr(void **state)
{
    (void)state;
    size_t rows = sizeof ckr_rows / sizeof *ckr_rows;
    assert_int_equal(rows, RC_COUNT); /* a new rc wants a row here and there */
    for (size_t i = 0; i < rows; i++) {
        assert_int_equal(ckr_rows[i].rc, i);
        assert_int_equal(ckr_of_rc(ckr_rows[i].rc), ckr_rows[i].rv);
    }
    assert_int_equal(ckr_of_rc(RC_COUNT), CKR_GENERAL_ERROR);
}

/* --- a certificate and its key ------------------------------------------------------------------------------------------- */

struct fixture {
    EVP_PKEY *key;
    unsigned char *der;
    struct certificate certificate;
};

static int make_fixture(void **state)
{
    static struct fixture fixture;
    assert_int_equal(crypto_open(), RC_OK);
    fixture.key = EVP_RSA_gen(2048);
    X509 *cert = X509_new();
    assert_non_null(fixture.key);
    assert_true(X509_set_version(cert, 2));
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 0x1234);
    assert_true(ASN1_TIME_set_string(X509_getm_notBefore(cert), "20260102030405Z"));
    assert_true(ASN1_TIME_set_string(X509_getm_notAfter(cert), "20310203040506Z"));
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC, (const unsigned char *)"holder", -1, -1, 0);
    X509_NAME_add_entry_by_txt(X509_get_issuer_name(cert), "CN", MBSTRING_ASC, (const unsigned char *)"issuer", -1, -1, 0);
    assert_true(X509_set_pubkey(cert, fixture.key));
    assert_true(X509_sign(cert, fixture.key, EVP_sha256()) > 0);
    int len = i2d_X509(cert, &fixture.der);
    assert_true(len > 0);
    assert_int_equal(certificate_init(&fixture.certificate, bytes_of(fixture.der, (size_t)len)), RC_OK);
    X509_free(cert);
    *state = &fixture;
    return 0;
}

static int free_fixture(void **state)
{
    struct fixture *fixture = *state;
    certificate_wipe(&fixture->certificate);
    OPENSSL_free(fixture->der);
    EVP_PKEY_free(fixture->key);
    crypto_close();
    return 0;
}

/* Every cut is refused, and read from exact-size heap memory so that a sanitizer sees one byte too many. */
static void a_cut_certificate_is_none(void **state)
{
    struct fixture *fixture = *state;
    struct bytes whole = buf_bytes(&fixture->certificate.der);
    for (size_t len = 0; len < whole.len; len += len < 64 ? 1 : 37) {
        struct certificate certificate = { 0 };
        uint8_t *cut = malloc(len ? len : 1);
        assert_non_null(cut);
        memcpy(cut, whole.data, len);
        assert_int_equal(certificate_init(&certificate, bytes_of(cut, len)), RC_FORMAT);
        assert_null(certificate.key);
        free(cut);
    }
}

/* --- attributes ---------------------------------------------------------------------------------------------------------- */

static const struct object_row *row_of(enum token_kind token, CK_OBJECT_CLASS class, uint8_t id)
{
    for (size_t i = 0; i < object_row_count; i++)
        if (object_rows[i].token == token && object_rows[i].class == class && object_rows[i].id == id)
            return &object_rows[i];
    fail();
    return NULL;
}

/* What clients ask for, and the answer: its length, and where it is short, its value. */
static const struct {
    const char *what;
    CK_OBJECT_CLASS class;
    CK_ATTRIBUTE_TYPE type;
    CK_RV rv;
    const char *hex; /* NULL: only that there is one */
} attribute_rows[] = {
    { "class", CKO_CERTIFICATE, CKA_CLASS, CKR_OK, "0100000000000000" },
    { "token", CKO_PRIVATE_KEY, CKA_TOKEN, CKR_OK, "01" },
    { "private key is private", CKO_PRIVATE_KEY, CKA_PRIVATE, CKR_OK, "01" },
    { "certificate is public", CKO_CERTIFICATE, CKA_PRIVATE, CKR_OK, "00" },
    { "id", CKO_PUBLIC_KEY, CKA_ID, CKR_OK, "01" },
    { "label", CKO_PRIVATE_KEY, CKA_LABEL, CKR_OK, "557365722041757468656E7469636174696F6E204B6579" },
    { "certificate type", CKO_CERTIFICATE, CKA_CERTIFICATE_TYPE, CKR_OK, "0000000000000000" },
    { "category", CKO_CERTIFICATE, CKA_CERTIFICATE_CATEGORY, CKR_OK, "0100000000000000" },
    { "serial number", CKO_CERTIFICATE, CKA_SERIAL_NUMBER, CKR_OK, "02021234" },
    { "subject", CKO_CERTIFICATE, CKA_SUBJECT, CKR_OK, "3011310F300D06035504030C06686F6C646572" },
    { "issuer", CKO_CERTIFICATE, CKA_ISSUER, CKR_OK, "3011310F300D06035504030C06697373756572" },
    { "start date", CKO_CERTIFICATE, CKA_START_DATE, CKR_OK, "3230323630313032" },
    { "end date", CKO_CERTIFICATE, CKA_END_DATE, CKR_OK, "3230333130323033" },
    { "value", CKO_CERTIFICATE, CKA_VALUE, CKR_OK, NULL },
    { "url is empty", CKO_CERTIFICATE, CKA_URL, CKR_OK, "" },
    { "key type", CKO_PRIVATE_KEY, CKA_KEY_TYPE, CKR_OK, "0000000000000000" },
    { "modulus on the public key", CKO_PUBLIC_KEY, CKA_MODULUS, CKR_OK, NULL },
    { "modulus on the private key", CKO_PRIVATE_KEY, CKA_MODULUS, CKR_OK, NULL },
    { "exponent on the private key", CKO_PRIVATE_KEY, CKA_PUBLIC_EXPONENT, CKR_OK, "010001" },
    { "bits", CKO_PUBLIC_KEY, CKA_MODULUS_BITS, CKR_OK, "0008000000000000" },
    { "signs", CKO_PRIVATE_KEY, CKA_SIGN, CKR_OK, "01" },
    { "does not decrypt", CKO_PRIVATE_KEY, CKA_DECRYPT, CKR_OK, "00" },
    { "asks no PIN for each use", CKO_PRIVATE_KEY, CKA_ALWAYS_AUTHENTICATE, CKR_OK, "00" },
    { "sensitive", CKO_PRIVATE_KEY, CKA_SENSITIVE, CKR_OK, "01" },
    { "not extractable", CKO_PRIVATE_KEY, CKA_EXTRACTABLE, CKR_OK, "00" },
    { "private exponent", CKO_PRIVATE_KEY, CKA_PRIVATE_EXPONENT, CKR_ATTRIBUTE_SENSITIVE, NULL },
    { "prime", CKO_PRIVATE_KEY, CKA_PRIME_1, CKR_ATTRIBUTE_SENSITIVE, NULL },
    { "value of a private key", CKO_PRIVATE_KEY, CKA_VALUE, CKR_ATTRIBUTE_TYPE_INVALID, NULL },
    { "sensitive on a public key", CKO_PUBLIC_KEY, CKA_SENSITIVE, CKR_ATTRIBUTE_TYPE_INVALID, NULL },
    { "modulus of a certificate", CKO_CERTIFICATE, CKA_MODULUS, CKR_ATTRIBUTE_TYPE_INVALID, NULL },
    { "an attribute of NSS", CKO_CERTIFICATE, 0xCE534352UL, CKR_ATTRIBUTE_TYPE_INVALID, NULL },
    { "elliptic curve", CKO_PUBLIC_KEY, CKA_EC_POINT, CKR_ATTRIBUTE_TYPE_INVALID, NULL },
};

static void attributes_are_told_by_the_two_call_rule(void **state)
{
    struct fixture *fixture = *state;
    const struct attribute_facts facts = { .certificate = &fixture->certificate, .rsa = true };
    for (size_t i = 0; i < sizeof attribute_rows / sizeof *attribute_rows; i++) {
        const struct object_row *row = row_of(TOKEN_AUTH, attribute_rows[i].class, 1);
        print_message("%s\n", attribute_rows[i].what);
        CK_ATTRIBUTE ask = { attribute_rows[i].type, NULL, 77 };
        assert_int_equal(attribute_fill(row, &facts, &ask, 1), attribute_rows[i].rv);
        if (attribute_rows[i].rv != CKR_OK) {
            assert_int_equal(ask.ulValueLen, CK_UNAVAILABLE_INFORMATION);
            continue;
        }
        CK_ULONG len = ask.ulValueLen;
        uint8_t *value = malloc(len ? len : 1);
        char *hex = malloc(2 * len + 1);
        assert_true(value && hex);
        ask.pValue = value;
        assert_int_equal(attribute_fill(row, &facts, &ask, 1), CKR_OK);
        assert_int_equal(ask.ulValueLen, len);
        hex_encode(bytes_of(value, len), hex);
        if (attribute_rows[i].hex)
            assert_string_equal(hex, attribute_rows[i].hex);
        if (len) {
            ask.ulValueLen = len - 1;
            assert_int_equal(attribute_fill(row, &facts, &ask, 1), CKR_BUFFER_TOO_SMALL);
            assert_int_equal(ask.ulValueLen, CK_UNAVAILABLE_INFORMATION);
        }
        free(value);
        free(hex);
    }
}

static void one_bad_entry_spoils_no_other(void **state)
{
    struct fixture *fixture = *state;
    CK_OBJECT_CLASS class = 99;
    uint8_t small[2], modulus[256];
    CK_ATTRIBUTE template[] = {
        { CKA_PRIVATE_EXPONENT, modulus, sizeof modulus },
        { CKA_CLASS, &class, sizeof class },
        { CKA_MODULUS, small, sizeof small },
        { CKA_MODULUS, modulus, sizeof modulus },
    };
    const struct attribute_facts facts = { .certificate = &fixture->certificate };
    CK_RV rv = attribute_fill(row_of(TOKEN_AUTH, CKO_PRIVATE_KEY, 1), &facts, template, 4);
    assert_true(rv == CKR_BUFFER_TOO_SMALL || rv == CKR_ATTRIBUTE_SENSITIVE);
    assert_int_equal(class, CKO_PRIVATE_KEY);
    assert_int_equal(template[0].ulValueLen, CK_UNAVAILABLE_INFORMATION);
    assert_int_equal(template[2].ulValueLen, CK_UNAVAILABLE_INFORMATION);
    assert_int_equal(template[3].ulValueLen, 256);
    assert_memory_equal(modulus, fixture->certificate.modulus.data, 256);
}

static void objects_of_the_tokens_are_these(void **state)
{
    (void)state;
    assert_true(row_of(TOKEN_SIGN, CKO_CERTIFICATE, 2)->private); /* name, address, birth, sex */
    assert_true(row_of(TOKEN_SIGN, CKO_PUBLIC_KEY, 2)->private);
    assert_true(row_of(TOKEN_SIGN, CKO_PRIVATE_KEY, 2)->private);
    assert_false(row_of(TOKEN_SIGN, CKO_CERTIFICATE, 4)->private);
    assert_false(row_of(TOKEN_AUTH, CKO_CERTIFICATE, 1)->private);
    assert_true(row_of(TOKEN_AUTH, CKO_PRIVATE_KEY, 1)->private);
    assert_int_equal(row_of(TOKEN_AUTH, CKO_CERTIFICATE, 3)->category, OBJECT_CATEGORY_AUTHORITY);
    assert_int_equal(object_row_count, 19);
}

static void templates_match_by_value(void **state)
{
    struct fixture *fixture = *state;
    const struct certificate *cert = &fixture->certificate;
    const struct attribute_facts facts = { .certificate = cert }, *known = &facts, none_known = { 0 };
    const struct object_row *row = row_of(TOKEN_AUTH, CKO_CERTIFICATE, 1);
    CK_OBJECT_CLASS class = CKO_CERTIFICATE, profile = 9, trust = 0xCE534353UL;
    CK_ATTRIBUTE same = { CKA_CLASS, &class, sizeof class }, none = { CKA_CLASS, &profile, sizeof profile };
    CK_ATTRIBUTE nss = { CKA_CLASS, &trust, sizeof trust }, half = { CKA_CLASS, &class, 4 };
    CK_ATTRIBUTE value = { CKA_VALUE, cert->der.data, cert->der.len }, cut = { CKA_VALUE, cert->der.data, cert->der.len - 1 };
    CK_ATTRIBUTE unknown = { 0xCE5363B4UL, &class, 8 }, empty = { CKA_URL, NULL, 0 };
    assert_true(attribute_match(row, &none_known, true, &same, 1));
    assert_true(attribute_match(row, &none_known, true, NULL, 0));
    assert_true(attribute_match(row, &none_known, true, &empty, 1));
    assert_false(attribute_match(row, &none_known, true, &none, 1));
    assert_false(attribute_match(row, &none_known, true, &nss, 1));
    assert_false(attribute_match(row, &none_known, true, &half, 1));
    assert_false(attribute_match(row, &none_known, true, &unknown, 1));
    assert_true(attribute_match(row, &none_known, true, &value, 1)); /* not fixed: not asked yet */
    assert_true(attribute_match(row, known, false, &value, 1));
    assert_false(attribute_match(row, known, false, &cut, 1));
}

/* --- mechanisms and operations ------------------------------------------------------------------------------------------- */

static CK_RSA_PKCS_PSS_PARAMS pss_params(CK_MECHANISM_TYPE hash, CK_ULONG mgf, CK_ULONG salt)
{
    return (CK_RSA_PKCS_PSS_PARAMS) { hash, mgf, salt };
}

static void mechanism_parameters_are_judged(void **state)
{
    (void)state;
    CK_RSA_PKCS_PSS_PARAMS good = pss_params(CKM_SHA256, CKG_MGF1_SHA256, 32);
    CK_RSA_PKCS_PSS_PARAMS hash = pss_params(CKM_SHA384, CKG_MGF1_SHA256, 32);
    CK_RSA_PKCS_PSS_PARAMS mgf = pss_params(CKM_SHA256, CKG_MGF1_SHA1, 32);
    CK_RSA_PKCS_PSS_PARAMS salt = pss_params(CKM_SHA256, CKG_MGF1_SHA256, 20);
    struct {
        CK_MECHANISM mechanism;
        CK_RV rv;
    } rows[] = {
        { { CKM_RSA_PKCS, NULL, 0 }, CKR_OK },
        { { CKM_RSA_PKCS, &good, sizeof good }, CKR_MECHANISM_PARAM_INVALID },
        { { CKM_SHA256_RSA_PKCS, NULL, 0 }, CKR_OK },
        { { CKM_RSA_PKCS_PSS, &good, sizeof good }, CKR_OK },
        { { CKM_SHA256_RSA_PKCS_PSS, &good, sizeof good }, CKR_OK },
        { { CKM_RSA_PKCS_PSS, NULL, 0 }, CKR_MECHANISM_PARAM_INVALID },
        { { CKM_RSA_PKCS_PSS, NULL, sizeof good }, CKR_MECHANISM_PARAM_INVALID },
        { { CKM_RSA_PKCS_PSS, &good, sizeof good - 1 }, CKR_MECHANISM_PARAM_INVALID },
        { { CKM_RSA_PKCS_PSS, &hash, sizeof hash }, CKR_MECHANISM_PARAM_INVALID },
        { { CKM_RSA_PKCS_PSS, &mgf, sizeof mgf }, CKR_MECHANISM_PARAM_INVALID },
        { { CKM_RSA_PKCS_PSS, &salt, sizeof salt }, CKR_MECHANISM_PARAM_INVALID },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct mechanism *mechanism = mechanism_find(rows[i].mechanism.mechanism, true);
        assert_non_null(mechanism);
        assert_int_equal(mechanism_check_params(mechanism, &rows[i].mechanism), rows[i].rv);
    }
    assert_null(mechanism_find(CKM_RSA_X_509, true));
    assert_null(mechanism_find(CKM_RSA_PKCS_PSS, false));
}

static void the_mechanism_list_keeps_the_length_rule(void **state)
{
    (void)state;
    CK_MECHANISM_TYPE types[13];
    CK_ULONG with = 0, without = 0, count = 12;
    assert_int_equal(mechanism_list(true, NULL, &with), CKR_OK);
    assert_int_equal(mechanism_list(false, NULL, &without), CKR_OK);
    assert_int_equal(with, 13);
    assert_int_equal(without, 11);
    assert_int_equal(mechanism_list(true, types, &count), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(count, 13);
    assert_int_equal(mechanism_list(true, types, &count), CKR_OK);
    for (CK_ULONG i = 0; i < count; i++)
        assert_non_null(mechanism_find(types[i], true));
}

/* The prefixes that RFC 8017 §9.2 note 1 prints. */
static const struct {
    const char *digest, *prefix;
    size_t hash_len;
} digest_info_rows[] = {
    { "SHA1", "3021300906052B0E03021A05000414", 20 },
    { "SHA224", "302D300D06096086480165030402040500041C", 28 },
    { "SHA256", "3031300D060960864801650304020105000420", 32 },
    { "SHA384", "3041300D060960864801650304020205000430", 48 },
    { "SHA512", "3051300D060960864801650304020305000440", 64 },
};

static void digest_infos_are_the_standards(void **state)
{
    (void)state;
    const uint8_t hash[64] = { 1, 2, 3 };
    for (size_t i = 0; i < sizeof digest_info_rows / sizeof *digest_info_rows; i++) {
        struct buf made = { 0 }, wanted = { 0 };
        size_t len = digest_info_rows[i].hash_len;
        assert_int_equal(hex_decode(digest_info_rows[i].prefix, &wanted), RC_OK);
        assert_int_equal(buf_append(&wanted, hash, len), RC_OK);
        assert_int_equal(mechanism_digest_info(digest_info_rows[i].digest, bytes_of(hash, len), &made), RC_OK);
        assert_true(bytes_equal(buf_bytes(&made), buf_bytes(&wanted)));
        buf_wipe(&made);
        buf_wipe(&wanted);
    }
    struct buf none = { 0 };
    assert_int_equal(mechanism_digest_info("NO-SUCH", bytes_of(hash, 20), &none), RC_CRYPTO);
}

/* OpenSSL signs with the private key; the module's verification must agree, and disagree after a change. */
static void verification_agrees_with_openssl(void **state)
{
    struct fixture *fixture = *state;
    const uint8_t hash[32] = { 9, 8, 7 };
    enum mechanism_padding paddings[] = { MECHANISM_PKCS1, MECHANISM_PSS };
    for (size_t i = 0; i < 2; i++) {
        uint8_t signature[256];
        size_t len = sizeof signature;
        EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(fixture->key, NULL);
        assert_int_equal(EVP_PKEY_sign_init(context), 1);
        bool pss = paddings[i] == MECHANISM_PSS;
        assert_true(EVP_PKEY_CTX_set_rsa_padding(context, pss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING) > 0);
        if (pss) {
            assert_true(EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) > 0);
            assert_true(EVP_PKEY_CTX_set_rsa_pss_saltlen(context, 32) > 0);
        }
        assert_int_equal(EVP_PKEY_sign(context, signature, &len, hash, sizeof hash), 1);
        EVP_PKEY_CTX_free(context);
        struct bytes input = bytes_of(hash, sizeof hash);
        EVP_PKEY *public = fixture->certificate.key;
        assert_int_equal(mechanism_verify(paddings[i], public, input, bytes_of(signature, len)), RC_OK);
        assert_int_equal(mechanism_verify(paddings[!i], public, input, bytes_of(signature, len)), RC_BAD_SIGNATURE);
        assert_int_equal(mechanism_verify(paddings[i], public, input, bytes_of(signature, len - 1)), RC_BAD_SIGNATURE);
        signature[100] ^= 1;
        assert_int_equal(mechanism_verify(paddings[i], public, input, bytes_of(signature, len)), RC_BAD_SIGNATURE);
    }
}

static void operations_collect_and_end(void **state)
{
    (void)state;
    struct operation operation = { 0 };
    struct buf out = { 0 };
    uint8_t data[246] = { 0 };
    CK_MECHANISM sha256 = { CKM_SHA256, NULL, 0 }, raw = { CKM_RSA_PKCS, NULL, 0 };
    CK_ULONG len = 0;
    bool answer = true;

    assert_int_equal(operation_update(&operation, data, 1), CKR_OPERATION_NOT_INITIALIZED);
    assert_int_equal(operation_start(&operation, mechanism_find(CKM_SHA256, true), &sha256, 0, 0, NULL), CKR_OK);
    assert_int_equal(operation_start(&operation, mechanism_find(CKM_SHA256, true), &sha256, 0, 0, NULL), CKR_OPERATION_ACTIVE);
    assert_int_equal(operation_measure(&operation, NULL, &len, &answer), CKR_OK);
    assert_int_equal(len, 32);
    assert_false(answer);
    len = 31;
    assert_int_equal(operation_measure(&operation, data, &len, &answer), CKR_BUFFER_TOO_SMALL);
    assert_int_equal(len, 32);
    assert_int_equal(operation_update(&operation, (const uint8_t *)"a", 1), CKR_OK);
    assert_int_equal(operation_update(&operation, (const uint8_t *)"bc", 2), CKR_OK);
    assert_int_equal(operation_collect(&operation, &out), CKR_OK);
    char hex[65];
    hex_encode(buf_bytes(&out), hex); /* FIPS 180-2, appendix B.1 */
    assert_string_equal(hex, "BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD");
    operation_wipe(&operation);
    assert_int_equal(operation.state, OPERATION_NONE);

    assert_int_equal(operation_start(&operation, mechanism_find(CKM_RSA_PKCS, true), &raw, 7, 2048, NULL), CKR_OK);
    assert_int_equal(operation_update(&operation, data, 245), CKR_OK);
    assert_int_equal(operation_update(&operation, data, 1), CKR_DATA_LEN_RANGE);
    assert_int_equal(operation.state, OPERATION_NONE);
    assert_int_equal(operation_start(&operation, mechanism_find(CKM_RSA_PKCS, true), &raw, 7, 2048, NULL), CKR_OK);
    assert_int_equal(operation_collect(&operation, &out), CKR_DATA_LEN_RANGE); /* nothing to sign */
    operation_wipe(&operation);
    buf_wipe(&out);
}

/* --- sessions, locks, refused PINs --------------------------------------------------------------------------------------- */

static void session_handles_are_never_given_twice(void **state)
{
    (void)state;
    struct session_table table = { 0 };
    struct session *first, *second, *third;
    assert_int_equal(session_open(&table, 0, CKF_SERIAL_SESSION, &first), CKR_OK);
    assert_int_equal(session_open(&table, 1, CKF_SERIAL_SESSION | CKF_RW_SESSION, &second), CKR_OK);
    CK_SESSION_HANDLE one = first->handle, two = second->handle;
    assert_true(one != CK_INVALID_HANDLE && one != two);
    assert_int_equal(session_count(&table, 1, CKF_RW_SESSION), 1);
    assert_int_equal(session_count(&table, 0, CKF_RW_SESSION), 0);
    session_close(&table, first);
    assert_null(session_find(&table, one));
    assert_ptr_equal(session_find(&table, two), second);
    assert_int_equal(session_open(&table, 0, CKF_SERIAL_SESSION, &third), CKR_OK);
    assert_true(third->handle != one && third->handle != two);
    for (int i = 0; i < 100; i++)
        assert_int_equal(session_open(&table, 0, CKF_SERIAL_SESSION, &third), CKR_OK);
    session_close_slot(&table, 0);
    assert_int_equal(session_count(&table, 0, 0), 0);
    assert_int_equal(session_count(&table, 1, 0), 1);
    session_wipe_table(&table);
    assert_null(session_find(&table, two));
}

static void sessions_have_a_ceiling(void **state)
{
    (void)state;
    struct session_table table = { 0 };
    struct session *session;
    for (unsigned i = 0; i < SESSIONS_MAX; i++)
        assert_int_equal(session_open(&table, 0, CKF_SERIAL_SESSION, &session), CKR_OK);
    assert_int_equal(session_open(&table, 0, CKF_SERIAL_SESSION, &session), CKR_SESSION_COUNT);
    session_wipe_table(&table);
}

static int mutexes, held;

static CK_RV mutex_create(void **mutex)
{
    *mutex = &mutexes;
    mutexes++;
    return CKR_OK;
}
static CK_RV mutex_destroy(void *mutex)
{
    assert_ptr_equal(mutex, &mutexes);
    mutexes--;
    return CKR_OK;
}
static CK_RV mutex_lock(void *mutex)
{
    assert_ptr_equal(mutex, &mutexes);
    held++;
    return CKR_OK;
}
static CK_RV mutex_unlock(void *mutex)
{
    assert_ptr_equal(mutex, &mutexes);
    held--;
    return CKR_OK;
}

static void both_locking_models_work(void **state)
{
    (void)state;
    static struct locking locking = LOCKING_INIT;
    struct locking_model model;
    CK_C_INITIALIZE_ARGS rows[] = {
        { .flags = CKF_OS_LOCKING_OK },
        { 0 },
        { mutex_create, mutex_destroy, mutex_lock, mutex_unlock, CKF_OS_LOCKING_OK, NULL },
        { mutex_create, mutex_destroy, mutex_lock, mutex_unlock, 0, NULL },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bool own = i == 3;
        assert_int_equal(locking_choose(&rows[i], &model), CKR_OK);
        assert_int_equal(locking_init(&locking, &model), CKR_OK);
        assert_int_equal(mutexes, own);
        assert_int_equal(locking_take(&locking), CKR_OK);
        assert_int_equal(held, own);
        locking_give(&locking);
        assert_int_equal(held, 0);
        locking_wipe(&locking);
        assert_int_equal(mutexes, 0);
    }
    CK_C_INITIALIZE_ARGS three = { mutex_create, mutex_destroy, mutex_lock, NULL, 0, NULL };
    CK_C_INITIALIZE_ARGS reserved = { .pReserved = &three };
    assert_int_equal(locking_choose(&three, &model), CKR_ARGUMENTS_BAD);
    assert_int_equal(locking_choose(&reserved, &model), CKR_ARGUMENTS_BAD);
}

static void refused_pins_are_known_again(void **state)
{
    (void)state;
    struct secret right = { 0 }, wrong = { 0 };
    char folder[] = "/tmp/jpki-refused-XXXXXX";
    assert_non_null(mkdtemp(folder));
    assert_int_equal(setenv("XDG_RUNTIME_DIR", folder, 1), 0);
    assert_int_equal(secret_dup(&right, "1234", 4), RC_OK);
    assert_int_equal(secret_dup(&wrong, "4321", 4), RC_OK);
    struct refused_card card = { bytes_of("card A", 6), CARD_PIN_AUTH };
    struct refused_card other = { bytes_of("card B", 6), CARD_PIN_AUTH };
    struct refused_card sign = { bytes_of("card A", 6), CARD_PIN_SIGN };
    unsigned tries = 0;
    assert_int_equal(refused_find(&card, &wrong, &tries), RC_NOT_FOUND);
    assert_int_equal(refused_add(&card, &wrong, 2), RC_OK);
    assert_int_equal(refused_find(&card, &wrong, &tries), RC_OK);
    assert_int_equal(tries, 2);
    assert_int_equal(refused_find(&card, &right, &tries), RC_NOT_FOUND);
    assert_int_equal(refused_find(&other, &wrong, &tries), RC_NOT_FOUND);
    assert_int_equal(refused_find(&sign, &wrong, &tries), RC_NOT_FOUND);
    refused_clear(&other);
    assert_int_equal(refused_find(&card, &wrong, &tries), RC_OK);
    refused_clear(&card);
    assert_int_equal(refused_find(&card, &wrong, &tries), RC_NOT_FOUND);
    for (unsigned i = 0; i < 100; i++) /* more than there is room for */
        assert_int_equal(refused_add(&card, &wrong, i), RC_OK);
    uint64_t generation = refused_generation();
    refused_wipe(); /* this process forgets; the user's others know, and so it knows again */
    assert_int_equal(refused_find(&card, &wrong, &tries), RC_OK);
    assert_int_equal(tries, 99);
    assert_true(generation != 0 && refused_generation() == generation && refused_any());
    refused_disturb();
    assert_true(refused_generation() != generation);
    assert_false(refused_was_told(&card));
    assert_int_equal(refused_tell(&card), RC_OK);
    assert_true(refused_was_told(&card));
    assert_false(refused_was_told(&sign));
    refused_clear(&card);
    assert_false(refused_any() || refused_was_told(&card));
    char path[64];
    snprintf(path, sizeof path, "%s/open-jpki", folder);
    assert_int_equal(chmod(path, 0755), 0); /* a folder that others may read is not used */
    static const char *const files[] = { "open-jpki/key", "open-jpki/refused" };
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        assert_int_equal(unlink(path), 0);
    }
    snprintf(path, sizeof path, "%s/open-jpki", folder);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(folder), 0);
    refused_wipe();
    secret_wipe(&right);
    secret_wipe(&wrong);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rc_has_its_ckr),
        cmocka_unit_test(a_cut_certificate_is_none),
        cmocka_unit_test(attributes_are_told_by_the_two_call_rule),
        cmocka_unit_test(one_bad_entry_spoils_no_other),
        cmocka_unit_test(objects_of_the_tokens_are_these),
        cmocka_unit_test(templates_match_by_value),
        cmocka_unit_test(mechanism_parameters_are_judged),
        cmocka_unit_test(the_mechanism_list_keeps_the_length_rule),
        cmocka_unit_test(digest_infos_are_the_standards),
        cmocka_unit_test(verification_agrees_with_openssl),
        cmocka_unit_test(operations_collect_and_end),
        cmocka_unit_test(session_handles_are_never_given_twice),
        cmocka_unit_test(sessions_have_a_ceiling),
        cmocka_unit_test(both_locking_models_work),
        cmocka_unit_test(refused_pins_are_known_again),
    };
    return cmocka_run_group_tests(tests, make_fixture, free_fixture);
}

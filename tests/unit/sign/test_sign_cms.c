/* test_sign_cms.c — CMS signatures, judged by the openssl program and by OpenSSL's interface; what is spoilt is
 * refused. */
#include "sign_test.h"

#include "base/clock.h"
#include "pki/content.h"
#include "sign/sign_cms.h"

#include <openssl/err.h>
#include <openssl/ess.h>

static struct sign_test test;
static const char content[] = "申請書\r\nline two\nno line end";

static int setup(void **state)
{
    (void)state;
    sign_test_new(&test);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sign_test_free(&test);
    return 0;
}

static struct bytes all_content(void)
{
    return bytes_of(content, sizeof content - 1);
}

static CMS_ContentInfo *read_cms(const struct buf *der)
{
    const unsigned char *at = der->data;
    CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, (long)der->len);
    assert_non_null(cms);
    assert_ptr_equal(at, der->data + der->len);
    return cms;
}

static int verify(const struct buf *der, struct bytes data)
{
    const unsigned char *at = der->data;
    CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, (long)der->len);
    if (!cms)
        return 0;
    X509_STORE *store = X509_STORE_new();
    X509_STORE_add_cert(store, test.ca);
    BIO *bio = content_bio(data);
    int good = CMS_verify(cms, NULL, store, bio, NULL, CMS_BINARY | CMS_CADES);
    BIO_free_all(bio);
    X509_STORE_free(store);
    CMS_ContentInfo_free(cms);
    ERR_clear_error();
    return good == 1;
}

static void test_openssl_accepts(void **state)
{
    (void)state;
    struct buf der = {0};
    struct err err = {0};
    test.calls = 0;
    if (sign_cms(&test.signer, all_content(), clock_now(), &der, &err))
        fail_msg("%s", err.text);
    assert_int_equal(test.calls, 1);
    sign_test_write(&test, "content", all_content());
    sign_test_write(&test, "content.p7s", buf_bytes(&der));
    assert_int_equal(sign_test_run(&test, "openssl cms -verify -cades -binary -inform DER -in content.p7s -content "
                                          "content -CAfile ca.pem -out out && cmp out content"),
                     0);
    /* the certificate comes from the signature, the authority's too */
    assert_int_equal(
        sign_test_run(&test,
                      "openssl pkcs7 -inform DER -in content.p7s -print_certs -noout | grep -c subject= | grep -qx 2"),
        0);
    /* a byte of the content, and another authority */
    assert_int_equal(sign_test_run(&test, "sed 's/two/tvo/' content >other && ! openssl cms -verify -binary -inform "
                                          "DER -in content.p7s -content other -CAfile ca.pem -out out"),
                     0);
    X509 *stranger = sign_test_cert("test CA", test.key, NULL, test.key, "critical,keyCertSign");
    sign_test_write_pem(&test, "stranger.pem", stranger);
    X509_free(stranger);
    assert_int_equal(
        sign_test_run(
            &test,
            "! openssl cms -verify -binary -inform DER -in content.p7s -content content -CAfile stranger.pem -out out"),
        0);
    buf_wipe(&der);
}

static void test_signed_attributes(void **state)
{
    (void)state;
    struct buf der = {0};
    int64_t now, read;
    assert_int_equal(sign_cms(&test.signer, all_content(), clock_now() - 60, &der, NULL), RC_OK);
    now = clock_now();
    CMS_ContentInfo *cms = read_cms(&der);
    assert_true(CMS_is_detached(cms));
    CMS_SignerInfo *info = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0);
    assert_int_equal(sk_CMS_SignerInfo_num(CMS_get0_SignerInfos(cms)), 1);
    static const int wanted[] = {NID_pkcs9_contentType, NID_pkcs9_messageDigest, NID_pkcs9_signingTime,
                                 NID_id_smime_aa_signingCertificateV2};
    assert_int_equal(CMS_signed_get_attr_count(info), 4);
    for (size_t i = 0; i < 4; i++)
        assert_true(CMS_signed_get_attr_by_NID(info, wanted[i], -1) >= 0);
    assert_int_equal(CMS_unsigned_get_attr_count(info), -1);
    const ASN1_TYPE *time = X509_ATTRIBUTE_get0_type(
        CMS_signed_get_attr(info, CMS_signed_get_attr_by_NID(info, NID_pkcs9_signingTime, -1)), 0);
    assert_int_equal(ASN1_TYPE_get(time), V_ASN1_UTCTIME);
    struct tm tm;
    assert_int_equal(ASN1_TIME_to_tm(time->value.utctime, &tm), 1);
    read =
        clock_from_date(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday) + tm.tm_hour * 3600 + tm.tm_min * 60 + tm.tm_sec;
    assert_in_range(now - read, 60, 90);
    X509_ALGOR *digest, *signature;
    CMS_SignerInfo_get0_algs(info, NULL, NULL, &digest, &signature);
    const ASN1_OBJECT *oid;
    X509_ALGOR_get0(&oid, NULL, NULL, digest);
    assert_int_equal(OBJ_obj2nid(oid), NID_sha256);
    CMS_ContentInfo_free(cms);
    buf_wipe(&der);
}

/* Wherever a bit of the signature, the attributes or the certificate turns, nobody may be told that all is well about
 * other bytes than these: either it is refused, or the turned bit was in a part that is not protected. */
static void test_every_flip(void **state)
{
    (void)state;
    struct buf der = {0};
    assert_int_equal(sign_cms(&test.signer, all_content(), clock_now(), &der, NULL), RC_OK);
    assert_true(verify(&der, all_content()));
    assert_false(verify(&der, bytes_of(content, sizeof content - 2)));
    assert_false(verify(&der, bytes_of("", 0)));
    size_t accepted = 0;
    for (size_t byte = 0; byte < der.len; byte++) {
        der.data[byte] ^= 0x10;
        accepted += (size_t)verify(&der, all_content());
        der.data[byte] ^= 0x10;
    }
    /* version numbers, digest set, the embedded CA certificate (the verifier has its own): far less than half */
    assert_true(accepted < der.len / 2);
    for (size_t byte = der.len - 256; byte < der.len; byte++) {
        der.data[byte] ^= 0x01;
        assert_false(verify(&der, all_content()));
        der.data[byte] ^= 0x01;
    }
    for (size_t len = 0; len < der.len; len += 7) {
        const struct buf cut = {.data = der.data, .len = len};
        assert_false(verify(&cut, all_content()));
    }
    buf_wipe(&der);
}

static void test_empty_and_large(void **state)
{
    (void)state;
    struct buf der = {0};
    assert_int_equal(sign_cms(&test.signer, bytes_of(NULL, 0), clock_now(), &der, NULL), RC_OK);
    assert_true(verify(&der, bytes_of("", 0)));
    buf_wipe(&der);
    size_t len = 3u << 20;
    uint8_t *large = malloc(len);
    memset(large, 'x', len);
    assert_int_equal(sign_cms(&test.signer, bytes_of(large, len), clock_now(), &der, NULL), RC_OK);
    assert_true(verify(&der, bytes_of(large, len)));
    large[len / 2] = 'y';
    assert_false(verify(&der, bytes_of(large, len)));
    free(large);
    buf_wipe(&der);
}

static void test_refusals(void **state)
{
    (void)state;
    static const enum rc reasons[] = {RC_CARD_GONE, RC_PIN_NEEDED, RC_CARD_REFUSED, RC_BAD_SIGNATURE};
    struct buf der = {0};
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        struct err err = {0};
        test.answer = reasons[i];
        test.calls = 0;
        assert_int_equal(sign_cms(&test.signer, all_content(), clock_now(), &der, &err), reasons[i]);
        assert_int_equal(err.rc, reasons[i]);
        assert_int_equal(der.len, 0);
        assert_int_equal(test.calls, 1); /* never again by itself */
    }
    test.answer = RC_OK;
    test.calls = 0;
    assert_int_equal(sign_cms(&test.signer, all_content(), clock_now() + 2 * 86400, &der, NULL), RC_STATE);
    assert_int_equal(sign_cms(&test.signer, all_content(), clock_now() - 2 * 86400, &der, NULL), RC_STATE);
    struct signatory other = test.signer;
    other.cert = test.ca;
    assert_int_equal(sign_cms(&other, all_content(), clock_now(), &der, NULL), RC_CONFLICT);
    EVP_PKEY *curve = EVP_EC_gen("P-384");
    other.cert = sign_test_cert("curve", curve, test.ca, test.ca_key, "digitalSignature");
    assert_int_equal(sign_cms(&other, all_content(), clock_now(), &der, NULL), RC_UNSUPPORTED);
    X509_free(other.cert);
    EVP_PKEY_free(curve);
    assert_int_equal(test.calls, 0);
    assert_int_equal(der.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_openssl_accepts), cmocka_unit_test(test_signed_attributes),
        cmocka_unit_test(test_every_flip),      cmocka_unit_test(test_empty_and_large),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

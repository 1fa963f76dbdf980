/* newcard.c — personalising a card in tests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "newcard.h"

#include "pki/cert.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <string.h>

/* A certificate over the key, signed by a key of the moment, about `size` bytes long. */
static void make_cert(EVP_PKEY *subject, const char *name, size_t size, struct buf *der)
{
    EVP_PKEY *signer = EVP_RSA_gen(2048);
    X509 *cert = X509_new();
    char comment[2000] = "";
    memset(comment, 'x', size > 900 ? size - 900 : 1);
    assert_true(X509_set_version(cert, 2));
    assert_true(ASN1_INTEGER_set(X509_get_serialNumber(cert), 77));
    assert_true(X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_UTF8, (const unsigned char *)name, -1,
                                           -1, 0));
    assert_true(X509_set_issuer_name(cert, X509_get_subject_name(cert)));
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(cert), 0));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(cert), 86400));
    assert_true(X509_set_pubkey(cert, subject));
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_netscape_comment, comment);
    assert_true(X509_add_ext(cert, extension, -1));
    assert_true(X509_sign(cert, signer, EVP_sha256()) > 0);
    buf_truncate(der, 0);
    OK(cert_encode(cert, der));
    X509_EXTENSION_free(extension);
    X509_free(cert);
    EVP_PKEY_free(signer);
}

#define PREFIX 19u
static const uint8_t digest_info[] = "\x30\x31\x30\x0D\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20"
                                     "a hash of thirty-two bytes, so..";

struct bytes newcard_hash(void)
{
    return bytes_of(digest_info + PREFIX, 32);
}

struct bytes newcard_digest_info(void)
{
    return bytes_of(digest_info, PREFIX + 32);
}

bool newcard_verifies(EVP_PKEY *key, bool pss, struct bytes signature)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    assert_int_equal(EVP_PKEY_verify_init(context), 1);
    assert_true(EVP_PKEY_CTX_set_rsa_padding(context, pss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING) > 0);
    assert_true(EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) > 0);
    if (pss)
        assert_true(EVP_PKEY_CTX_set_rsa_pss_saltlen(context, 32) > 0);
    int good = EVP_PKEY_verify(context, signature.data, signature.len, digest_info + PREFIX, 32);
    EVP_PKEY_CTX_free(context);
    return good == 1;
}

void newcard_put_pin(struct issuer *issuer, enum card_pin which, const char *value)
{
    struct secret pin;
    OK(secret_dup(&pin, value, strlen(value)));
    OK(issuer_put_pin(issuer, which, &pin, err));
    secret_wipe(&pin);
}

/* What the desk does: keys, possession, certificates, presence, PINs, over to the holder. */
void newcard_personalise(struct issuer *issuer, EVP_PKEY *keys[2], struct buf certs[4])
{
    static const enum card_cert own[2] = { CARD_CERT_AUTH, CARD_CERT_SIGN };
    for (int i = 0; i < 2; i++) {
        enum card_key which = i == 0 ? CARD_KEY_AUTH : CARD_KEY_SIGN;
        struct buf proof = { 0 };
        EVP_PKEY *again = NULL;
        OK(issuer_generate_key(issuer, which, &keys[i], err));
        assert_int_equal(EVP_PKEY_get_bits(keys[i]), 2048);
        OK(issuer_read_public_key(issuer, which, &again, err));
        assert_int_equal(EVP_PKEY_eq(keys[i], again), 1);
        EVP_PKEY_free(again);
        OK(issuer_sign(issuer, which, APPLET_SCHEME_RAW, newcard_digest_info(), &proof, err));
        assert_true(newcard_verifies(keys[i], false, buf_bytes(&proof)));
        make_cert(keys[i], i == 0 ? "auth" : "sign", i == 0 ? 1573 : 1837, &certs[own[i]]);
        OK(issuer_put_cert(issuer, own[i], buf_bytes(&certs[own[i]]), err));
        buf_truncate(&proof, 0); /* the certificate has closed that door */
        assert_int_equal(issuer_sign(issuer, which, APPLET_SCHEME_RAW, newcard_digest_info(), &proof, NULL), RC_STATE);
        buf_wipe(&proof);
    }
    make_cert(keys[0], "auth CA", 1316, &certs[CARD_CERT_AUTH_CA]);
    make_cert(keys[1], "sign CA", 1304, &certs[CARD_CERT_SIGN_CA]);
    OK(issuer_put_cert(issuer, CARD_CERT_AUTH_CA, buf_bytes(&certs[CARD_CERT_AUTH_CA]), err));
    OK(issuer_put_cert(issuer, CARD_CERT_SIGN_CA, buf_bytes(&certs[CARD_CERT_SIGN_CA]), err));
    OK(issuer_put_file(issuer, APPLET_EF_CERT_PRESENCE, bytes_of("\x8F\x8F\x00", 3), err));
    newcard_put_pin(issuer, CARD_PIN_AUTH, "1234");
    newcard_put_pin(issuer, CARD_PIN_SIGN, "abc123");
    OK(issuer_set_life(issuer, APPLET_LIFE_ACTIVE, err));
}

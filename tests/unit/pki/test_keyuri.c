/* test_keyuri.c — keys by URI against a real token: SoftHSM2 in a folder of its own. What the token says of the key is
 * read back through Cryptoki. */
#include "../../support/scratch.h"
#include "pki_test.h"

#include "base/file.h"
#include "pki/keyuri.h"
#include "pki/keyuri_parts.h"

#include <openssl/pem.h>
#include <p11-kit/p11-kit.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MODULE "/usr/lib/softhsm/libsofthsm2.so"

static char folder[] = "/tmp/jpki-keyuri-XXXXXX";
static char pin_path[100], wrong_path[100], open_path[100];

static void write_text(const char *path, const char *text, mode_t mode)
{
    assert_int_equal(file_write_atomic(path, bytes_of(text, strlen(text)), mode, NULL), RC_OK);
    assert_int_equal(chmod(path, mode), 0);
}

static int setup(void **state)
{
    (void)state;
    char path[200], text[300];
    if (!mkdtemp(folder))
        return -1;
    snprintf(pin_path, sizeof pin_path, "%s/pin", folder);
    snprintf(wrong_path, sizeof wrong_path, "%s/wrong", folder);
    snprintf(open_path, sizeof open_path, "%s/open", folder);
    write_text(pin_path, "test-user-1\n", 0600);
    write_text(wrong_path, "other-user\n", 0600);
    write_text(open_path, "test-user-1\n", 0644);
    snprintf(path, sizeof path, "%s/tokens", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(text, sizeof text, "directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n", path);
    snprintf(path, sizeof path, "%s/softhsm2.conf", folder);
    write_text(path, text, 0600);
    assert_int_equal(setenv("SOFTHSM2_CONF", path, 1), 0);
    for (int i = 0; i < 2; i++) {
        snprintf(text, sizeof text,
                 "softhsm2-util --init-token --free --label jpki-%s --pin test-user-1 --so-pin test-officer >/dev/null",
                 i ? "other" : "test");
        if (system(text) != 0)
            return -1;
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return scratch_remove(folder);
}

static const char *uri_of(const char *token, const char *object, const char *pin)
{
    static char uri[600];
    snprintf(uri, sizeof uri, "pkcs11:token=%s;object=%s?module-path=" MODULE "&pin-source=file:%s", token, object,
             pin);
    return uri;
}

static void check_signs(EVP_PKEY *key, EVP_PKEY *public_key)
{
    uint8_t signature[512];
    size_t len = sizeof signature;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key), 1);
    assert_int_equal(EVP_DigestSign(ctx, signature, &len, (const unsigned char *)"abc", 3), 1);
    EVP_MD_CTX_reset(ctx);
    assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, public_key), 1);
    assert_int_equal(EVP_DigestVerify(ctx, signature, len, (const unsigned char *)"abc", 3), 1);
    assert_int_not_equal(EVP_DigestVerify(ctx, signature, len, (const unsigned char *)"abd", 3), 1);
    EVP_MD_CTX_free(ctx);
}

/* The public half, as OpenSSL's own key. */
static EVP_PKEY *public_of(EVP_PKEY *key)
{
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(key, &der);
    assert_true(len > 0);
    const unsigned char *at = der;
    EVP_PKEY *public_key = d2i_PUBKEY(NULL, &at, len);
    assert_non_null(public_key);
    OPENSSL_free(der);
    return public_key;
}

static void test_generate_and_sign(void **state)
{
    (void)state;
    struct err err = {0};
    struct keyuri *key, *second;
    if (keyuri_generate(uri_of("jpki-test", "ca-sign", pin_path), SUITE_RSA_2048, &err))
        fail_msg("%s", err.text);
    assert_int_equal(keyuri_generate(uri_of("jpki-test", "ca-sign", pin_path), SUITE_RSA_2048, NULL), RC_EXISTS);
    if (keyuri_open(uri_of("jpki-test", "ca-sign", pin_path), &key, &err))
        fail_msg("%s", err.text);
    assert_int_equal(EVP_PKEY_get_bits(keyuri_get(key)), 2048);
    EVP_PKEY *public_key = public_of(keyuri_get(key));
    check_signs(keyuri_get(key), public_key);
    /* a certificate signed in the token */
    X509 *cert = make_cert(keyuri_get(key), "token", NULL);
    assert_int_equal(X509_verify(cert, public_key), 1);
    X509_free(cert);
    /* others come and go beside it */
    assert_int_equal(keyuri_generate(uri_of("jpki-test", "ca-auth", pin_path), SUITE_RSA_2048, &err), RC_OK);
    assert_int_equal(keyuri_open(uri_of("jpki-test", "ca-auth", pin_path), &second, &err), RC_OK);
    check_signs(keyuri_get(key), public_key);
    assert_int_not_equal(EVP_PKEY_eq(keyuri_get(key), keyuri_get(second)), 1);
    keyuri_close(second);
    check_signs(keyuri_get(key), public_key);
    EVP_PKEY_free(public_key);
    keyuri_close(key);
}

/* The module under another name is the same module: its sessions stay. */
static void test_module_of_two_names(void **state)
{
    (void)state;
    char link[200], uri[700];
    struct keyuri *first, *second;
    snprintf(link, sizeof link, "%s.module.so", pin_path);
    assert_int_equal(symlink(MODULE, link), 0);
    snprintf(uri, sizeof uri, "pkcs11:token=jpki-test;object=ca-auth?module-path=%s&pin-source=file:%s", link, pin_path);
    assert_int_equal(keyuri_open(uri_of("jpki-test", "ca-sign", pin_path), &first, NULL), RC_OK);
    assert_int_equal(keyuri_open(uri, &second, NULL), RC_OK);
    EVP_PKEY *public_key = public_of(keyuri_get(first));
    check_signs(keyuri_get(first), public_key);
    keyuri_close(second);
    check_signs(keyuri_get(first), public_key);
    EVP_PKEY_free(public_key);
    keyuri_close(first);
    unlink(link);
}

static void test_generate_on_a_curve(void **state)
{
    (void)state;
    struct err err = {0};
    struct keyuri *key;
    enum suite suite;
    if (keyuri_generate(uri_of("jpki-test", "ca-next", pin_path), SUITE_P_384, &err) ||
        keyuri_open(uri_of("jpki-test", "ca-next", pin_path), &key, &err))
        fail_msg("%s", err.text);
    assert_int_equal(suite_of_key(keyuri_get(key), &suite), RC_OK);
    assert_int_equal(suite, SUITE_P_384);
    assert_true(suite_has_key(SUITE_P_384, keyuri_get(key)));
    assert_false(suite_has_key(SUITE_RSA_2048, keyuri_get(key)));
    EVP_PKEY *public_key = public_of(keyuri_get(key));
    struct buf signature = {0};
    assert_int_equal(suite_sign(SUITE_P_384, keyuri_get(key), bytes_of("abc", 3), &signature), RC_OK);
    assert_true(suite_verifies(SUITE_P_384, public_key, bytes_of("abc", 3), buf_bytes(&signature)));
    assert_false(suite_verifies(SUITE_P_384, public_key, bytes_of("abd", 3), buf_bytes(&signature)));
    buf_wipe(&signature);
    EVP_PKEY_free(public_key);
    keyuri_close(key);
}

/* Read back through Cryptoki, not believed. */
static void test_key_stays_inside(void **state)
{
    (void)state;
    CK_FUNCTION_LIST *module = p11_kit_module_load(MODULE, P11_KIT_MODULE_UNMANAGED | P11_KIT_MODULE_CRITICAL);
    assert_non_null(module);
    CK_RV started = module->C_Initialize(NULL);
    assert_true(started == CKR_OK || started == CKR_CRYPTOKI_ALREADY_INITIALIZED);
    CK_SLOT_ID slots[8];
    CK_ULONG count = 8, found = 0;
    assert_int_equal(module->C_GetSlotList(CK_TRUE, slots, &count), CKR_OK);
    for (CK_ULONG i = 0; i < count; i++) {
        CK_TOKEN_INFO info;
        assert_int_equal(module->C_GetTokenInfo(slots[i], &info), CKR_OK);
        if (memcmp(info.label, "jpki-test ", 10) != 0)
            continue;
        CK_SESSION_HANDLE session;
        CK_UTF8CHAR pin[] = "test-user-1";
        assert_int_equal(module->C_OpenSession(slots[i], CKF_SERIAL_SESSION, NULL, NULL, &session), CKR_OK);
        CK_RV rv = module->C_Login(session, CKU_USER, pin, sizeof pin - 1);
        assert_true(rv == CKR_OK || rv == CKR_USER_ALREADY_LOGGED_IN);
        CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
        CK_ATTRIBUTE wanted = {CKA_CLASS, &class, sizeof class};
        CK_OBJECT_HANDLE keys[8];
        assert_int_equal(module->C_FindObjectsInit(session, &wanted, 1), CKR_OK);
        assert_int_equal(module->C_FindObjects(session, keys, 8, &found), CKR_OK);
        assert_int_equal(module->C_FindObjectsFinal(session), CKR_OK);
        for (CK_ULONG k = 0; k < found; k++) {
            CK_BBOOL sensitive = 0, extractable = 1, always = 0, never = 0, decrypt = 1, sign = 0;
            CK_ATTRIBUTE answers[] = {
                {CKA_SENSITIVE, &sensitive, 1},     {CKA_EXTRACTABLE, &extractable, 1},
                {CKA_ALWAYS_SENSITIVE, &always, 1}, {CKA_NEVER_EXTRACTABLE, &never, 1},
                {CKA_DECRYPT, &decrypt, 1},         {CKA_SIGN, &sign, 1},
            };
            assert_int_equal(module->C_GetAttributeValue(session, keys[k], answers, 6), CKR_OK);
            assert_true(sensitive && !extractable && always && never && !decrypt && sign);
            uint8_t exponent[512];
            CK_KEY_TYPE kind = 0;
            CK_ATTRIBUTE type = {CKA_KEY_TYPE, &kind, sizeof kind};
            assert_int_equal(module->C_GetAttributeValue(session, keys[k], &type, 1), CKR_OK);
            CK_ATTRIBUTE inside = {kind == CKK_RSA ? CKA_PRIVATE_EXPONENT : CKA_VALUE, exponent, sizeof exponent};
            assert_int_equal(module->C_GetAttributeValue(session, keys[k], &inside, 1), CKR_ATTRIBUTE_SENSITIVE);
        }
        module->C_CloseSession(session);
    }
    assert_int_equal(found, 3);
    if (started == CKR_OK)
        module->C_Finalize(NULL);
    p11_kit_module_release(module);
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *flaw, *uri;
        enum rc rc;
    } rows[] = {
        {"no module-path", "pkcs11:token=jpki-test;object=ca-sign?pin-source=file:/x", RC_FORMAT},
        {"PIN in the URI", "pkcs11:token=jpki-test;object=ca-sign?module-path=" MODULE "&pin-value=1234", RC_DENIED},
        {"PIN by command", "pkcs11:token=jpki-test;object=ca-sign?module-path=" MODULE "&pin-source=%7Cecho",
         RC_FORMAT},
        {"PIN file without a path",
         "pkcs11:token=jpki-test;object=ca-sign?module-path=" MODULE "&pin-source=file:", RC_FORMAT},
        {"PIN file on another host",
         "pkcs11:token=jpki-test;object=ca-sign?module-path=" MODULE "&pin-source=file://host/pin", RC_FORMAT},
        {"no PIN", "pkcs11:token=jpki-test;object=ca-sign?module-path=" MODULE, RC_PIN_NEEDED},
        {"no key named", "pkcs11:token=jpki-test?module-path=" MODULE, RC_FORMAT},
        {"unknown attribute", "pkcs11:token=jpki-test;object=ca-sign;colour=red?module-path=" MODULE, RC_FORMAT},
        {"broken percent", "pkcs11:token=%zz;object=ca-sign?module-path=" MODULE, RC_FORMAT},
        {"no module there", "pkcs11:token=jpki-test;object=ca-sign?module-path=/nonexistent.so&pin-source=file:/x",
         RC_NOT_FOUND},
        {"no such token", "pkcs11:token=nobody;object=ca-sign?module-path=" MODULE "&pin-source=file:/x", RC_NOT_FOUND},
        {"two tokens match",
         "pkcs11:manufacturer=SoftHSM%20project;object=ca-sign?module-path=" MODULE "&pin-source=file:/x", RC_CONFLICT},
        {"no PIN file", "pkcs11:token=jpki-test;object=ca-sign?module-path=" MODULE "&pin-source=file:/nonexistent",
         RC_NOT_FOUND},
        {"no such file", "/nonexistent/key.pem", RC_NOT_FOUND},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct keyuri *none = NULL;
        struct err err = {0};
        enum rc rc = keyuri_open(rows[i].uri, &none, &err);
        if (rc != rows[i].rc || none || err.rc != rc || strstr(err.text, "1234"))
            fail_msg("%s: %s: %s", rows[i].flaw, rc_name(rc), err.text);
    }
    struct keyuri *none = NULL;
    assert_int_equal(keyuri_open(uri_of("jpki-test", "ca-sign", wrong_path), &none, NULL), RC_PIN_WRONG);
    assert_int_equal(keyuri_open(uri_of("jpki-test", "ca-sign", open_path), &none, NULL), RC_DENIED);
    assert_int_equal(keyuri_open(uri_of("jpki-test", "nothing", pin_path), &none, NULL), RC_NOT_FOUND);
    assert_int_equal(keyuri_open(uri_of("jpki-other", "ca-sign", pin_path), &none, NULL), RC_NOT_FOUND);
    assert_null(none);
    assert_int_equal(keyuri_generate(uri_of("jpki-test", "x", wrong_path), SUITE_RSA_2048, NULL), RC_PIN_WRONG);
    assert_int_equal(keyuri_generate(uri_of("nobody", "x", pin_path), SUITE_RSA_2048, NULL), RC_NOT_FOUND);
    assert_int_equal(keyuri_generate("/tmp/key.pem", SUITE_RSA_2048, NULL), RC_FORMAT);
}

/* A child opens anew and signs, while the parent's session lives on. */
static void test_after_fork(void **state)
{
    (void)state;
    struct keyuri *key;
    assert_int_equal(keyuri_open(uri_of("jpki-test", "ca-sign", pin_path), &key, NULL), RC_OK);
    EVP_PKEY *public_key = public_of(keyuri_get(key));
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct keyuri *own;
        if (keyuri_open(uri_of("jpki-test", "ca-sign", pin_path), &own, NULL))
            _exit(1);
        uint8_t signature[256];
        size_t len = sizeof signature;
        EVP_MD_CTX *ctx = EVP_MD_CTX_new();
        bool good = EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, keyuri_get(own)) == 1 &&
                    EVP_DigestSign(ctx, signature, &len, (const unsigned char *)"abc", 3) == 1;
        _exit(good ? 0 : 2);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    check_signs(keyuri_get(key), public_key);
    EVP_PKEY_free(public_key);
    keyuri_close(key);
}

static void test_pem_files(void **state)
{
    (void)state;
    EVP_PKEY *made = make_key();
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PrivateKey(bio, made, NULL, NULL, 0, NULL, NULL), 1);
    char *pem, path[100];
    long len = BIO_get_mem_data(bio, &pem);
    snprintf(path, sizeof path, "%s/key.pem", folder);
    assert_int_equal(file_write_atomic(path, bytes_of(pem, (size_t)len), 0600, NULL), RC_OK);
    struct keyuri *key = NULL;
    assert_int_equal(keyuri_open(path, &key, NULL), RC_OK);
    assert_int_equal(EVP_PKEY_eq(keyuri_get(key), made), 1);
    check_signs(keyuri_get(key), made);
    keyuri_close(key);
    assert_int_equal(chmod(path, 0640), 0);
    key = NULL;
    assert_int_equal(keyuri_open(path, &key, NULL), RC_DENIED);
    write_text(path, "not a key", 0600);
    assert_int_equal(keyuri_open(path, &key, NULL), RC_FORMAT);
    BIO_reset(bio);
    unsigned char phrase[] = "phrase";
    assert_int_equal(PEM_write_bio_PrivateKey(bio, made, EVP_aes_128_cbc(), phrase, sizeof phrase - 1, NULL, NULL), 1);
    len = BIO_get_mem_data(bio, &pem);
    assert_int_equal(file_write_atomic(path, bytes_of(pem, (size_t)len), 0600, NULL), RC_OK);
    assert_int_equal(keyuri_open(path, &key, NULL), RC_FORMAT);
    assert_null(key);
    keyuri_close(NULL);
    BIO_free(bio);
    EVP_PKEY_free(made);
}

static void test_return_values(void **state)
{
    (void)state;
    static const struct {
        unsigned long ckr;
        enum rc rc;
    } rows[] = {{CKR_OK, RC_OK},
                {CKR_PIN_INCORRECT, RC_PIN_WRONG},
                {CKR_PIN_LEN_RANGE, RC_PIN_WRONG},
                {CKR_PIN_LOCKED, RC_PIN_BLOCKED},
                {CKR_HOST_MEMORY, RC_NOMEM},
                {CKR_DEVICE_ERROR, RC_CRYPTO},
                {0x80000001ul, RC_CRYPTO}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(keyuri_parts_rc(rows[i].ckr), rows[i].rc);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_generate_and_sign), cmocka_unit_test(test_module_of_two_names), cmocka_unit_test(test_generate_on_a_curve), cmocka_unit_test(test_key_stays_inside),
        cmocka_unit_test(test_refusals),          cmocka_unit_test(test_after_fork),
        cmocka_unit_test(test_pem_files),         cmocka_unit_test(test_return_values),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}

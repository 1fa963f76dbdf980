/* verify_test.c — an authority, its certificates and lists, made with OpenSSL's API in the shape of docs/PROFILE.md. */
#include "../../support/scratch.h"
#include "verify_test.h"

#include "base/file.h"
#include "pki/attributes.h"

#include <openssl/conf.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define ORGANISATION "JPKI-TEST"

/* --- files ------------------------------------------------------------------------------------------------------------ */

static char folder[] = "/tmp/jpki-verify-XXXXXX";
static bool folder_made;

const char *test_folder(void)
{
    if (!folder_made) {
        assert_non_null(mkdtemp(folder));
        folder_made = true;
    }
    return folder;
}

void test_folder_remove(void)
{
    if (folder_made)
        assert_int_equal(scratch_remove(folder), 0);
}

static char *test_path(const char *name)
{
    char *path = file_join(test_folder(), name);
    assert_non_null(path);
    return path;
}

void test_file(const char *name, struct bytes content)
{
    char *path = test_path(name);
    struct err err = { 0 };
    assert_int_equal(file_write_atomic(path, content, 0600, &err), RC_OK);
    free(path);
}

void test_text(const char *name, const char *text)
{
    test_file(name, bytes_of(text, strlen(text)));
}

struct buf test_slurp(const char *name)
{
    char *path = test_path(name);
    struct buf content = { 0 };
    struct err err = { 0 };
    assert_int_equal(file_read(path, &content, &err), RC_OK);
    free(path);
    return content;
}

static void test_write_bio(const char *name, BIO *bio)
{
    char *data;
    long len = BIO_get_mem_data(bio, &data);
    test_file(name, bytes_of(data, (size_t)len));
    BIO_free(bio);
}

void test_write_cert(const char *name, X509 *cert)
{
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_X509(bio, cert), 1);
    test_write_bio(name, bio);
}

void test_write_key(const char *name, EVP_PKEY *key)
{
    BIO *bio = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
    test_write_bio(name, bio);
}

void test_run(const char *format, ...)
{
    char command[2000], whole[2200];
    va_list args;
    va_start(args, format);
    assert_in_range(vsnprintf(command, sizeof command, format, args), 1, sizeof command - 1);
    va_end(args);
    snprintf(whole, sizeof whole, "cd '%s' && { %s ; } >>log 2>&1", test_folder(), command);
    int status = system(whole);
    if (status != 0)
        fail_msg("%s: status %d (%s/log)", command, status, test_folder());
}

uint8_t *exact_copy(struct bytes bytes)
{
    uint8_t *copy = malloc(bytes.len ? bytes.len : 1);
    assert_non_null(copy);
    if (bytes.len)
        memcpy(copy, bytes.data, bytes.len);
    return copy;
}

/* --- keys and certificates -------------------------------------------------------------------------------------------- */

EVP_PKEY *test_key_of(unsigned bits)
{
    EVP_PKEY *key = EVP_RSA_gen(bits);
    assert_non_null(key);
    return key;
}

EVP_PKEY *test_key(void)
{
    static EVP_PKEY *key;
    if (!key)
        key = test_key_of(2048);
    return key;
}

static void test_extension(X509 *cert, X509 *issuer, const char *name, const char *value)
{
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, cert, NULL, NULL, 0);
    CONF *empty = NCONF_new(NULL); /* policies are read against a configuration, though nothing is looked up */
    X509V3_set_nconf(&context, empty);
    X509_EXTENSION *extension = X509V3_EXT_nconf(empty, &context, name, value);
    NCONF_free(empty);
    if (!extension)
        fail_msg("extension %s: %s", name, value);
    assert_int_equal(X509_add_ext(cert, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

/* A critical extension that nobody understands. */
static X509_EXTENSION *test_unknown_extension(const char *oid)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    assert_int_equal(ASN1_OCTET_STRING_set(value, (const unsigned char *)"\x05\x00", 2), 1);
    X509_EXTENSION *extension = X509_EXTENSION_create_by_OBJ(NULL, object, 1, value);
    assert_non_null(extension);
    ASN1_OCTET_STRING_free(value);
    ASN1_OBJECT_free(object);
    return extension;
}

static X509 *test_cert_new(long serial, const X509_NAME *subject, const X509_NAME *issuer, EVP_PKEY *key, long from,
                           long to)
{
    X509 *cert = X509_new();
    assert_int_equal(X509_set_version(cert, X509_VERSION_3), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(cert), serial), 1);
    assert_int_equal(X509_set_subject_name(cert, subject), 1);
    assert_int_equal(X509_set_issuer_name(cert, issuer), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(cert), from));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(cert), to));
    assert_int_equal(X509_set_pubkey(cert, key), 1);
    return cert;
}

void test_ca_new(struct test_ca *ca, enum authority authority, long from, long to)
{
    X509_NAME *name;
    assert_int_equal(authority_dn(authority, ORGANISATION, &name), RC_OK);
    ca->authority = authority;
    ca->key = test_key_of(2048);
    ca->cert = test_cert_new(0x100, name, name, ca->key, from, to);
    test_extension(ca->cert, ca->cert, "keyUsage", "critical,keyCertSign,cRLSign");
    test_extension(ca->cert, ca->cert, "basicConstraints", "critical,CA:TRUE");
    test_extension(ca->cert, ca->cert, "subjectKeyIdentifier", "hash");
    assert_true(X509_sign(ca->cert, ca->key, EVP_sha256()) > 0);
    X509_NAME_free(name);
}

void test_ca_free(struct test_ca *ca)
{
    EVP_PKEY_free(ca->key);
    X509_free(ca->cert);
    memset(ca, 0, sizeof *ca);
}

static DIST_POINT_NAME *test_point_name(enum authority authority, const char *town)
{
    X509_NAME *name;
    struct err err = { 0 };
    assert_int_equal(authority_crldp(authority, ORGANISATION, town, &name, &err), RC_OK);
    DIST_POINT_NAME *made = DIST_POINT_NAME_new();
    GENERAL_NAME *general = GENERAL_NAME_new();
    GENERAL_NAME_set0_value(general, GEN_DIRNAME, name);
    made->type = 0;
    made->name.fullname = sk_GENERAL_NAME_new_null();
    assert_true(sk_GENERAL_NAME_push(made->name.fullname, general) > 0);
    return made;
}

static void test_add_point(X509 *cert, enum authority authority, const char *town)
{
    CRL_DIST_POINTS *points = sk_DIST_POINT_new_null();
    DIST_POINT *point = DIST_POINT_new();
    point->distpoint = test_point_name(authority, town);
    assert_true(sk_DIST_POINT_push(points, point) > 0);
    assert_int_equal(X509_add1_ext_i2d(cert, NID_crl_distribution_points, points, 0, 0), 1);
    CRL_DIST_POINTS_free(points);
}

static void test_add_attributes(X509 *cert)
{
    struct attributes person = { .name = "公的　花子", .birth = "419800217", .sex = "2", .address = "鹿児島県鹿児島市山下町１１番１号" };
    struct err err = { 0 };
    GENERAL_NAMES *names;
    attributes_no_substitutes(&person);
    assert_int_equal(attributes_to_names(&person, &names, &err), RC_OK);
    assert_int_equal(X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, 0), 1);
    GENERAL_NAMES_free(names);
}

static const char *or_else(const char *given, const char *otherwise)
{
    return given ? given : otherwise;
}

X509 *test_leaf_new(const struct test_ca *ca, EVP_PKEY *key, const struct test_leaf *leaf)
{
    bool sign = ca->authority == AUTHORITY_SIGN;
    X509_NAME *subject = X509_NAME_new();
    X509_NAME_add_entry_by_txt(subject, "C", MBSTRING_ASC, (const unsigned char *)"JP", -1, -1, 0);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)"20261123TEST0001A", -1, -1, 0);
    bool times = leaf->from || leaf->to;
    X509 *cert = test_cert_new(leaf->serial ? leaf->serial : 0x0132C4AB, subject, X509_get_subject_name(ca->cert), key,
                               times ? leaf->from : -DAY, times ? leaf->to : 1000 * DAY);
    X509_NAME_free(subject);
    const char *usage = or_else(leaf->key_usage, sign ? "critical,digitalSignature,nonRepudiation"
                                                      : "critical,digitalSignature");
    const char *extended = or_else(leaf->ext_usage, sign ? "" : "clientAuth");
    const char *policy = or_else(leaf->policy, sign ? "critical,1.2.392.200149.8.5.1.0.20"
                                                    : "critical,1.2.392.200149.8.5.1.3.30");
    if (*usage)
        test_extension(cert, ca->cert, "keyUsage", usage);
    if (*extended)
        test_extension(cert, ca->cert, "extendedKeyUsage", extended);
    if (*policy)
        test_extension(cert, ca->cert, "certificatePolicies", policy);
    if (leaf->is_ca)
        test_extension(cert, ca->cert, "basicConstraints", "critical,CA:TRUE");
    if (sign && !leaf->no_attributes)
        test_add_attributes(cert);
    if (!leaf->no_point)
        test_add_point(cert, ca->authority, or_else(leaf->point_town, TEST_TOWN));
    if (leaf->extra) {
        X509_EXTENSION *extension = test_unknown_extension(leaf->extra);
        assert_int_equal(X509_add_ext(cert, extension, -1), 1);
        X509_EXTENSION_free(extension);
    }
    test_extension(cert, ca->cert, "authorityKeyIdentifier", "keyid:always,issuer:always");
    test_extension(cert, ca->cert, "subjectKeyIdentifier", "hash");
    assert_true(X509_sign(cert, ca->key, EVP_get_digestbyname(or_else(leaf->digest, "SHA256"))) > 0);
    return cert;
}

/* --- lists ------------------------------------------------------------------------------------------------------------ */

static void test_crl_entry(X509_CRL *list, long serial, const struct test_crl *crl)
{
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    ASN1_TIME *revoked = X509_gmtime_adj(NULL, crl->revoked);
    ASN1_INTEGER_set(number, serial);
    assert_int_equal(X509_REVOKED_set_serialNumber(entry, number), 1);
    assert_int_equal(X509_REVOKED_set_revocationDate(entry, revoked), 1);
    if (crl->reason >= 0) {
        ASN1_ENUMERATED *reason = ASN1_ENUMERATED_new();
        ASN1_ENUMERATED_set(reason, crl->reason);
        assert_int_equal(X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, reason, 0, 0), 1);
        ASN1_ENUMERATED_free(reason);
    }
    if (crl->invalid) {
        ASN1_GENERALIZEDTIME *invalid = ASN1_GENERALIZEDTIME_adj(NULL, time(NULL) + crl->invalid, 0, 0);
        assert_int_equal(X509_REVOKED_add1_ext_i2d(entry, NID_invalidity_date, invalid, 0, 0), 1);
        ASN1_GENERALIZEDTIME_free(invalid);
    }
    if (crl->entry_unknown) {
        X509_EXTENSION *extension = test_unknown_extension("1.3.6.1.4.1.99999.2");
        assert_int_equal(X509_REVOKED_add_ext(entry, extension, -1), 1);
        X509_EXTENSION_free(extension);
    }
    assert_int_equal(X509_CRL_add0_revoked(list, entry), 1);
    ASN1_TIME_free(revoked);
    ASN1_INTEGER_free(number);
}

static void test_crl_scope(X509_CRL *list, const struct test_ca *ca, const struct test_crl *crl)
{
    ISSUING_DIST_POINT *scope = ISSUING_DIST_POINT_new();
    enum authority authority = crl->scope_authority_plus_1 ? (enum authority)((int)crl->scope_authority_plus_1 - 1)
                                                           : ca->authority;
    scope->distpoint = test_point_name(authority, or_else(crl->scope_town, TEST_TOWN));
    scope->onlyCA = crl->scope_ca_only ? 0xFF : 0;
    scope->indirectCRL = crl->indirect ? 0xFF : 0;
    if (crl->some_reasons) {
        scope->onlysomereasons = ASN1_BIT_STRING_new();
        assert_int_equal(ASN1_BIT_STRING_set_bit(scope->onlysomereasons, 1, 1), 1);
    }
    assert_int_equal(X509_CRL_add1_ext_i2d(list, NID_issuing_distribution_point, scope, !crl->uncritical_scope, 0), 1);
    ISSUING_DIST_POINT_free(scope);
}

static void test_crl_extensions(X509_CRL *list, const struct test_ca *ca, const struct test_crl *crl)
{
    ASN1_INTEGER *number = ASN1_INTEGER_new();
    ASN1_INTEGER_set(number, 0x2A);
    if (!crl->no_number)
        assert_int_equal(X509_CRL_add1_ext_i2d(list, NID_crl_number, number, 0, 0), 1);
    if (crl->delta)
        assert_int_equal(X509_CRL_add1_ext_i2d(list, NID_delta_crl, number, 1, 0), 1);
    ASN1_INTEGER_free(number);
    if (!crl->no_scope)
        test_crl_scope(list, ca, crl);
    if (crl->critical_unknown) {
        X509_EXTENSION *extension = test_unknown_extension("1.3.6.1.4.1.99999.1");
        assert_int_equal(X509_CRL_add_ext(list, extension, -1), 1);
        X509_EXTENSION_free(extension);
    }
}

struct buf test_crl_new(const struct test_ca *ca, const struct test_crl *crl)
{
    bool times = crl->from || crl->to;
    X509_CRL *list = X509_CRL_new();
    ASN1_TIME *from = X509_gmtime_adj(NULL, times ? crl->from : -60);
    ASN1_TIME *to = X509_gmtime_adj(NULL, times ? crl->to : DAY);
    assert_int_equal(X509_CRL_set_version(list, crl->version_1 ? X509_CRL_VERSION_1 : X509_CRL_VERSION_2), 1);
    assert_int_equal(X509_CRL_set_issuer_name(list, X509_get_subject_name(ca->cert)), 1);
    assert_int_equal(X509_CRL_set1_lastUpdate(list, from), 1);
    if (!crl->no_next)
        assert_int_equal(X509_CRL_set1_nextUpdate(list, to), 1);
    test_crl_entry(list, 0x7FFFFFFF, &(struct test_crl) { .revoked = -DAY, .reason = 4 });
    if (crl->serial)
        test_crl_entry(list, crl->serial, crl);
    if (!crl->version_1)
        test_crl_extensions(list, ca, crl);
    assert_int_equal(X509_CRL_sort(list), 1);
    assert_true(X509_CRL_sign(list, ca->key, EVP_get_digestbyname(or_else(crl->digest, "SHA256"))) > 0);
    unsigned char *der = NULL;
    int len = i2d_X509_CRL(list, &der);
    assert_true(len > 0);
    struct buf out = { 0 };
    assert_int_equal(buf_append(&out, der, (size_t)len), RC_OK);
    OPENSSL_free(der);
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    X509_CRL_free(list);
    return out;
}

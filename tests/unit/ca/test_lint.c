/* test_lint.c — the linter of revocation lists and OCSP responses. Sound ones are made with OpenSSL, not with our own builders; each
 * row spoils one thing and is found by that row and no other; and who signs and publishes lists refuses exactly those that the
 * linter finds something in. (Certificates: tests/unit/pki/test_profile.c.) */
#include "base/file.h"
#include "ca/crljudge.h"
#include "ca/lint.h"
#include "pki/authority.h"
#include "pki/der.h"

#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <string.h>

static EVP_PKEY *key, *other_key;
static X509 *responder, *authorities[AUTHORITY_COUNT];
static CONF *config;

static const char config_text[] =
    "[point]\nfullname=dirName:kagoshima\n[idp]\nfullname=dirName:kagoshima\n"
    "[idp_own]\nfullname=dirName:own\nonlyCA=TRUE\n[idp_own_all]\nfullname=dirName:own\n[idp_ca]\nfullname=dirName:kagoshima\nonlyCA=TRUE\n"
    "[idp_some]\nfullname=dirName:kagoshima\nonlysomereasons=keyCompromise\n[idp_uri]\nfullname=URI:http://a.invalid/a.crl\n"
    "[idp_else]\nfullname=dirName:elsewhere\n"
    "[kagoshima]\nC=JP\nO=JPKI-TEST\n0.OU=JPKI for digital signature\n1.OU=CRL Distribution Points\n2.OU=Kagoshima-ken\n"
    "CN=Kagoshima-shi CRLDP\n[elsewhere]\nC=JP\nO=JPKI-TEST\nOU=Somewhere else\n"
    "[own]\nC=JP\nO=JPKI-TEST\n0.OU=JPKI for digital signature\n1.OU=Japan Agency for Local Authority Information Systems\n";

/* --- lists ---------------------------------------------------------------------------------------------------------------- */

struct list_recipe {
    long version;
    const char *organisation, *this_update, *next_update;
    enum authority authority;
    const char *aki, *number, *idp; /* in OpenSSL's configuration language; NULL: left out */
    const char *serials[3];         /* hex */
    const char *revoked_at;
    int reason;                     /* -1: none */
    bool reason_critical, invalidity, extra, bad_order;
    const EVP_MD *(*digest)(void);
};

static const struct list_recipe list_good = { .version = 1, .organisation = "JPKI-TEST", .this_update = "261123000000Z",
                                              .next_update = "261125000000Z", .aki = "keyid:always", .number = "7",
                                              .idp = "critical,@idp", .serials = { "FF01", "0132C4AB" },
                                              .revoked_at = "261122000000Z", .reason = 3, .digest = EVP_sha256 };

static void set_time(ASN1_TIME *time, const char *text)
{
    assert_int_equal(ASN1_STRING_set(time, text, -1), 1);
    time->type = strlen(text) == 13 ? V_ASN1_UTCTIME : V_ASN1_GENERALIZEDTIME;
}

static void add_extension(X509_CRL *crl, int nid, const char *value)
{
    if (nid == NID_crl_number) { /* the language has none: "7", or "critical,7" */
        bool critical = strncmp(value, "critical,", 9) == 0;
        ASN1_INTEGER *number = s2i_ASN1_INTEGER(NULL, critical ? value + 9 : value);
        assert_int_equal(X509_CRL_add1_ext_i2d(crl, nid, number, critical, X509V3_ADD_APPEND), 1);
        ASN1_INTEGER_free(number);
        return;
    }
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, responder, NULL, NULL, crl, 0);
    X509V3_set_nconf(&ctx, config);
    X509_EXTENSION *extension = X509V3_EXT_nconf_nid(config, &ctx, nid, value);
    if (!extension)
        fail_msg("%s = %s", OBJ_nid2sn(nid), value);
    assert_int_equal(X509_CRL_add_ext(crl, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static void add_entry(X509_CRL *crl, const struct list_recipe *recipe, const char *hex)
{
    X509_REVOKED *entry = X509_REVOKED_new();
    BIGNUM *number = NULL;
    ASN1_TIME *time = ASN1_TIME_new();
    assert_true(BN_hex2bn(&number, hex) > 0);
    ASN1_INTEGER *serial = BN_to_ASN1_INTEGER(number, NULL);
    set_time(time, recipe->revoked_at);
    X509_REVOKED_set_serialNumber(entry, serial);
    X509_REVOKED_set_revocationDate(entry, time);
    if (recipe->reason >= 0) {
        ASN1_ENUMERATED *reason = ASN1_ENUMERATED_new();
        ASN1_ENUMERATED_set(reason, recipe->reason);
        X509_REVOKED_add1_ext_i2d(entry, NID_crl_reason, reason, recipe->reason_critical, 0);
        ASN1_ENUMERATED_free(reason);
    }
    if (recipe->invalidity) {
        ASN1_GENERALIZEDTIME *since = ASN1_GENERALIZEDTIME_set(NULL, 1700000000);
        X509_REVOKED_add1_ext_i2d(entry, NID_invalidity_date, since, 0, 0);
        ASN1_GENERALIZEDTIME_free(since);
    }
    assert_int_equal(X509_CRL_add0_revoked(crl, entry), 1);
    ASN1_INTEGER_free(serial);
    ASN1_TIME_free(time);
    BN_free(number);
}

static int make_list(const struct list_recipe *recipe, unsigned char **der)
{
    X509_CRL *crl = X509_CRL_new();
    X509_NAME *name = NULL;
    ASN1_TIME *time = ASN1_TIME_new();
    assert_int_equal(authority_dn(recipe->authority, recipe->organisation, &name), RC_OK);
    if (recipe->version >= 0)
        X509_CRL_set_version(crl, recipe->version);
    X509_CRL_set_issuer_name(crl, name);
    set_time(time, recipe->this_update);
    X509_CRL_set1_lastUpdate(crl, time);
    if (recipe->next_update) {
        set_time(time, recipe->next_update);
        X509_CRL_set1_nextUpdate(crl, time);
    }
    for (int i = 0; i < 3 && recipe->serials[i]; i++)
        add_entry(crl, recipe, recipe->serials[i]);
    if (recipe->number && recipe->bad_order)
        add_extension(crl, NID_crl_number, recipe->number);
    if (recipe->aki)
        add_extension(crl, NID_authority_key_identifier, recipe->aki);
    if (recipe->number && !recipe->bad_order)
        add_extension(crl, NID_crl_number, recipe->number);
    if (recipe->idp)
        add_extension(crl, NID_issuing_distribution_point, recipe->idp);
    if (recipe->extra)
        add_extension(crl, NID_issuer_alt_name, "DNS:a.invalid");
    assert_true(X509_CRL_sign(crl, key, recipe->digest()) > 0);
    int len = i2d_X509_CRL(crl, der);
    assert_true(len > 0);
    ASN1_TIME_free(time);
    X509_NAME_free(name);
    X509_CRL_free(crl);
    return len;
}

static void tell(const struct lint *lint)
{
    for (unsigned i = 0; i < lint->count && i < LINT_MAX; i++)
        print_message("  %s: %s (%s)\n", lint->findings[i].field, lint->findings[i].rule, lint->findings[i].section);
}

/* field NULL: nothing is wrong. */
static void expect(const char *what, const struct lint *lint, const char *field, const char *section)
{
    bool right = !field ? lint->count == 0
                        : lint->count == 1 && strcmp(lint->findings[0].field, field) == 0 &&
                              strstr(lint->findings[0].section, section);
    if (!right) {
        tell(lint);
        fail_msg("%s: %u findings", what, lint->count);
    }
}

static enum rc read_all(void *context, uint8_t *out, size_t max, size_t *got)
{
    struct bytes *left = context;
    *got = left->len < max ? left->len : max;
    if (*got)
        memcpy(out, left->data, *got);
    *left = bytes_of(left->data + *got, left->len - *got);
    return RC_OK;
}

/* As the signer and the publisher see it. */
static enum rc judge(enum authority authority, struct bytes der)
{
    struct crlwalk *walk = NULL;
    struct crlfacts facts = { 0 };
    X509 *ca = authorities[authority];
    enum rc rc = crlwalk_new(read_all, &der, true, &walk, NULL);
    if (!rc)
        rc = crljudge_head(ca, walk, NULL);
    if (!rc)
        rc = crlwalk_finish(walk, NULL);
    if (!rc)
        rc = crljudge_tail(ca, authority, walk, &facts, NULL);
    crlfacts_wipe(&facts);
    crlwalk_free(walk);
    return rc;
}

static void list_row(const char *flaw, const struct list_recipe *recipe, const char *field, const char *section)
{
    unsigned char *der = NULL;
    struct lint lint;
    int len = make_list(recipe, &der);
    assert_int_equal(lint_crl(bytes_of(der, (size_t)len), &lint), RC_OK);
    expect(flaw, &lint, field, section);
    enum rc rc = judge(recipe->authority, bytes_of(der, (size_t)len));
    if ((rc == RC_OK) != (field == NULL) || (rc && rc != RC_DENIED && rc != RC_FORMAT))
        fail_msg("%s: the linter and who signs disagree: %s", flaw, rc_text(rc));
    OPENSSL_free(der);
}

#define LIST(flaw, field, section, change)                                                                           \
    do {                                                                                                             \
        struct list_recipe one = list_good;                                                                          \
        change;                                                                                                      \
        list_row(flaw, &one, field, section);                                                                        \
    } while (0)

static void test_lists(void **state)
{
    (void)state;
    LIST("a sound list", NULL, NULL, (void)0);
    LIST("sound without entries", NULL, NULL, one.serials[0] = NULL);
    LIST("sound without reason", NULL, NULL, one.reason = -1);
    LIST("a list of everything, sound", NULL, NULL, one.idp = NULL);
    LIST("the authority's own, sound", NULL, NULL, one.idp = "critical,@idp_own");
    LIST("of operations, sound", NULL, NULL, (one.authority = AUTHORITY_OPS, one.idp = NULL));
    LIST("SHA-384 with RSA", "crl signature", "5.1.2.2", one.digest = EVP_sha384);
    LIST("another issuer", "crl issuer", "5.1.2.3", one.organisation = "");
    LIST("no end", "nextUpdate", "5.1.2.5", one.next_update = NULL);
    LIST("ends before it begins", "nextUpdate", "5.1.2.5", one.next_update = "261122000000Z");
    LIST("in force for a month", "nextUpdate", "PROFILE.md", one.next_update = "261223000000Z");
    LIST("GeneralizedTime before 2050", "thisUpdate", "5.1.2.4", one.this_update = "20261123000000Z");
    LIST("a number twice", "userCertificate", "5.1.2.6", one.serials[2] = "0132C4AB");
    LIST("not in order", "userCertificate", "5.1.2.6", (one.serials[0] = "0132C4AB", one.serials[1] = "FF01"));
    LIST("number 0", "userCertificate", "5.1.2.6", one.serials[1] = "0");
    LIST("a negative number", "userCertificate", "5.1.2.6", one.serials[1] = "-5");
    LIST("a number of 21 bytes", "userCertificate", "5.1.2.6", one.serials[1] = "0102030405060708090A0B0C0D0E0F101112131415");
    LIST("revoked after the list", "revocationDate", "5.1.2.6", (one.revoked_at = "261124000000Z", one.serials[1] = NULL));
    LIST("GeneralizedTime in an entry", "revocationDate", "5.1.2.6", (one.revoked_at = "20261122000000Z", one.serials[1] = NULL));
    LIST("unspecified", "reasonCode", "5.3.1", (one.reason = 0, one.serials[1] = NULL));
    LIST("removeFromCRL", "reasonCode", "5.3.1", (one.reason = 8, one.serials[1] = NULL));
    LIST("a reason of attribute certificates", "reasonCode", "5.3.1", (one.reason = 10, one.serials[1] = NULL));
    LIST("a critical reason", "reasonCode", "5.3.1", (one.reason_critical = true, one.serials[1] = NULL));
    LIST("another entry extension", "crlEntryExtensions", "5.3", (one.invalidity = true, one.serials[1] = NULL));
    LIST("no key identifier", "authorityKeyIdentifier", "4.2.1.1", one.aki = NULL);
    LIST("key identifier with issuer", "authorityKeyIdentifier", "4.2.1.1", one.aki = "keyid:always,issuer:always");
    LIST("no number", "cRLNumber", "5.2.3", one.number = NULL);
    LIST("number 0 of the list", "cRLNumber", "5.2.3", one.number = "0");
    LIST("a critical number", "cRLNumber", "5.2.3", one.number = "critical,7");
    LIST("scope not critical", "issuingDistributionPoint", "5.2.5", one.idp = "@idp");
    LIST("scope by URI", "issuingDistributionPoint", "5.2.5", one.idp = "critical,@idp_uri");
    LIST("a point that is none", "issuingDistributionPoint", "5.2.5", one.idp = "critical,@idp_else");
    LIST("only authorities at a municipality's point", "issuingDistributionPoint", "5.2.5", one.idp = "critical,@idp_ca");
    LIST("all certificates at the authority's own", "issuingDistributionPoint", "5.2.5", one.idp = "critical,@idp_own_all");
    LIST("only some reasons", "issuingDistributionPoint", "5.2.5", one.idp = "critical,@idp_some");
    LIST("a scope in the list of operations", "crlExtensions", "5.2", one.authority = AUTHORITY_OPS);
    LIST("an extension too many", "crlExtensions", "5.2", one.extra = true);
    LIST("another order", "cRLNumber", "5.2.3", one.bad_order = true);
}

static void test_version_1(void **state)
{
    (void)state;
    LIST("version 1", "crl version", "5.1.2.1", one.version = 0);
}

/* --- responses --------------------------------------------------------------------------------------------------------------- */

struct answer_recipe {
    int status, reason, nonce; /* nonce: bytes, -1 for none */
    long this_update, next_update, revoked_at; /* next_update 0: none */
    bool by_name, no_certs, wrong_cert, single_extension, other_extension, sha512;
    const EVP_MD *(*digest)(void);
};

static const struct answer_recipe answer_good = { .status = V_OCSP_CERTSTATUS_REVOKED, .reason = 3, .nonce = 16,
                                                  .this_update = -60, .next_update = 900, .revoked_at = -3600,
                                                  .digest = EVP_sha256 };

static int make_answer(const struct answer_recipe *recipe, unsigned char **der)
{
    OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
    time_t now = time(NULL);
    ASN1_GENERALIZEDTIME *from = ASN1_GENERALIZEDTIME_set(NULL, now + recipe->this_update);
    ASN1_GENERALIZEDTIME *to = recipe->next_update ? ASN1_GENERALIZEDTIME_set(NULL, now + recipe->next_update) : NULL;
    ASN1_GENERALIZEDTIME *revoked = ASN1_GENERALIZEDTIME_set(NULL, now + recipe->revoked_at);
    ASN1_INTEGER *serial = ASN1_INTEGER_new();
    ASN1_INTEGER_set(serial, 0x0132C4AB);
    OCSP_CERTID *id = OCSP_cert_id_new(recipe->sha512 ? EVP_sha512() : EVP_sha1(), X509_get_subject_name(responder),
                                       X509_get0_pubkey_bitstr(responder), serial);
    OCSP_SINGLERESP *single = OCSP_basic_add1_status(basic, id, recipe->status, recipe->reason, revoked, from, to);
    assert_non_null(single);
    if (recipe->single_extension)
        OCSP_SINGLERESP_add1_ext_i2d(single, NID_invalidity_date, from, 0, 0);
    if (recipe->nonce >= 0) {
        unsigned char bytes[200];
        memset(bytes, 0x5A, sizeof bytes);
        assert_int_equal(OCSP_basic_add1_nonce(basic, bytes, recipe->nonce), 1);
    }
    if (recipe->other_extension)
        OCSP_BASICRESP_add1_ext_i2d(basic, NID_id_pkix_OCSP_archiveCutoff, from, 0, 0);
    X509 *signer = X509_dup(responder);
    if (recipe->wrong_cert) {
        X509_set_version(signer, 1);
        assert_true(i2d_re_X509_tbs(signer, NULL) > 0);
    }
    unsigned long flags = (recipe->by_name ? 0 : OCSP_RESPID_KEY) | (recipe->no_certs ? OCSP_NOCERTS : 0);
    assert_int_equal(OCSP_basic_sign(basic, signer, key, recipe->digest(), NULL, flags), 1);
    OCSP_RESPONSE *response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
    int len = i2d_OCSP_RESPONSE(response, der);
    assert_true(len > 0);
    OCSP_RESPONSE_free(response);
    OCSP_BASICRESP_free(basic);
    OCSP_CERTID_free(id);
    X509_free(signer);
    ASN1_INTEGER_free(serial);
    ASN1_GENERALIZEDTIME_free(from);
    ASN1_GENERALIZEDTIME_free(to);
    ASN1_GENERALIZEDTIME_free(revoked);
    return len;
}

/* The to-be-signed part of a response. */
static struct bytes data_of(struct bytes der)
{
    struct bytes response, skip, wrapped, bytes, octets, basic, inner, whole;
    assert_int_equal(der_expect(&der, 0x30, &response, NULL) || der_expect(&response, 0x0A, &skip, NULL) ||
                         der_expect(&response, 0xA0, &wrapped, NULL) || der_expect(&wrapped, 0x30, &bytes, NULL) ||
                         der_expect(&bytes, 0x06, &skip, NULL) || der_expect(&bytes, 0x04, &octets, NULL) ||
                         der_expect(&octets, 0x30, &basic, NULL) || der_expect(&basic, 0x30, &inner, &whole),
                     0);
    return whole;
}

static void answer_row(const char *flaw, const struct answer_recipe *recipe, const char *field, const char *section)
{
    unsigned char *der = NULL;
    struct lint lint;
    int len = make_answer(recipe, &der);
    assert_int_equal(lint_ocsp(bytes_of(der, (size_t)len), &lint), RC_OK);
    expect(flaw, &lint, field, section);
    if (!field || (strcmp(field, "certs") != 0 && strcmp(field, "signatureAlgorithm") != 0)) { /* those are not signed over */
        assert_int_equal(lint_ocsp_data(data_of(bytes_of(der, (size_t)len)), &lint), RC_OK);
        expect(flaw, &lint, field, section);
    }
    OPENSSL_free(der);
}

#define ANSWER(flaw, field, section, change)                                                                         \
    do {                                                                                                             \
        struct answer_recipe one = answer_good;                                                                      \
        change;                                                                                                      \
        answer_row(flaw, &one, field, section);                                                                      \
    } while (0)

static void test_answers(void **state)
{
    (void)state;
    ANSWER("a sound answer", NULL, NULL, (void)0);
    ANSWER("good, sound", NULL, NULL, one.status = V_OCSP_CERTSTATUS_GOOD);
    ANSWER("unknown, sound", NULL, NULL, one.status = V_OCSP_CERTSTATUS_UNKNOWN);
    ANSWER("without a nonce, sound", NULL, NULL, one.nonce = -1);
    ANSWER("a nonce of 128 bytes, sound", NULL, NULL, one.nonce = 128);
    ANSWER("a nonce of 129 bytes", "nonce", "9654", one.nonce = 129);
    ANSWER("another extension", "responseExtensions", "4.4", one.other_extension = true);
    ANSWER("an extension of one answer", "singleExtensions", "4.4", one.single_extension = true);
    ANSWER("unspecified", "reasonCode", "5.3.1", one.reason = 0);
    ANSWER("a reason that is none of ours", "reasonCode", "5.3.1", one.reason = 9);
    ANSWER("revoked in the future", "revocationTime", "4.2.1", one.revoked_at = 3600);
    ANSWER("of the future", "ocsp thisUpdate", "4.2.2.1", one.this_update = 600);
    ANSWER("no end", "ocsp nextUpdate", "4.2.2.1", one.next_update = 0);
    ANSWER("ends before it begins", "ocsp nextUpdate", "4.2.2.1", one.next_update = -600);
    ANSWER("responder by name", "responderID", "4.2.2.3", one.by_name = true);
    ANSWER("no certificate", "certs", "4.2.2.2", one.no_certs = true);
    ANSWER("a certificate of another profile", "certs", "4.2.2.2", one.wrong_cert = true);
    ANSWER("an identifier of SHA-512", "certID", "4.1.1", one.sha512 = true);
    ANSWER("signed with SHA-512", "signatureAlgorithm", "4.1.1.2", one.digest = EVP_sha512);
}

/* A certificate that was judged before is only compared with; any other is judged. */
static void test_known_responder(void **state)
{
    (void)state;
    static const struct {
        const char *flaw;
        bool other_inside, other_known;
        const char *field;
    } rows[] = { { "the responder's own", false, false, NULL },
                 { "another one is known, and the responder's own is sound", false, true, NULL },
                 { "a certificate of another profile, in place of the known one", true, false, "certs" } };
    unsigned char *known[2] = { NULL, NULL };
    X509 *other = X509_dup(responder);
    X509_set_version(other, 1);
    assert_true(i2d_re_X509_tbs(other, NULL) > 0);
    const int lens[2] = { i2d_X509(responder, &known[0]), i2d_X509(other, &known[1]) };
    assert_true(lens[0] > 0 && lens[1] > 0);
    assert_true(lint_responder(bytes_of(known[0], (size_t)lens[0])));
    assert_false(lint_responder(bytes_of(known[1], (size_t)lens[1])));
    assert_false(lint_responder(bytes_of(known[0], (size_t)lens[0] - 1)));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct answer_recipe recipe = answer_good;
        unsigned char *der = NULL;
        struct lint lint;
        recipe.wrong_cert = rows[i].other_inside;
        int len = make_answer(&recipe, &der), which = rows[i].other_known;
        assert_int_equal(lint_ocsp_by(bytes_of(der, (size_t)len), bytes_of(known[which], (size_t)lens[which]), &lint), RC_OK);
        expect(rows[i].flaw, &lint, rows[i].field, "4.2.2.2");
        OPENSSL_free(der);
    }
    OPENSSL_free(known[0]);
    OPENSSL_free(known[1]);
    X509_free(other);
}

/* Statuses without an answer; and bytes that are cut or flipped neither crash nor read beyond their end. */
static void test_statuses_and_cuts(void **state)
{
    (void)state;
    struct lint lint;
    static const struct {
        uint8_t status;
        unsigned findings;
    } words[] = { { 0, 1 }, { 1, 0 }, { 2, 0 }, { 3, 0 }, { 4, 1 }, { 5, 0 }, { 6, 0 }, { 7, 1 } };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        const uint8_t der[] = { 0x30, 0x03, 0x0A, 0x01, words[i].status };
        assert_int_equal(lint_ocsp(bytes_of(der, sizeof der), &lint), RC_OK);
        assert_int_equal(lint.count, words[i].findings);
    }
    unsigned char *ders[2] = { NULL, NULL };
    int lens[2] = { make_list(&list_good, &ders[0]), make_answer(&answer_good, &ders[1]) };
    enum rc (*const kinds[])(struct bytes, struct lint *) = { lint_crl, lint_ocsp };
    for (int k = 0; k < 2; k++) {
        for (int cut = 0; cut < lens[k]; cut++) {
            uint8_t *exact = malloc(cut ? (size_t)cut : 1);
            assert_non_null(exact);
            memcpy(exact, ders[k], (size_t)cut);
            assert_int_equal(kinds[k](bytes_of(exact, (size_t)cut), &lint), RC_FORMAT);
            free(exact);
        }
        for (int at = 0; at < lens[k] * 8; at += 9) { /* a bit of every byte, another one each time */
            ders[k][at / 8] ^= (unsigned char)(1u << at % 8);
            enum rc rc = kinds[k](bytes_of(ders[k], (size_t)lens[k]), &lint);
            assert_true(rc == RC_OK || rc == RC_FORMAT);
            ders[k][at / 8] ^= (unsigned char)(1u << at % 8);
        }
        OPENSSL_free(ders[k]);
    }
}

static void test_files(void **state)
{
    (void)state;
    char path[] = "/tmp/jpki-lint-XXXXXX";
    struct lint lint;
    struct err err = { 0 };
    unsigned char *der = NULL;
    int fd = mkstemp(path), len = make_list(&list_good, &der);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(file_write_atomic(path, bytes_of(der, (size_t)len), 0600, NULL), RC_OK);
    assert_int_equal(lint_file(path, &lint, &err), RC_OK);
    assert_string_equal(lint.what, "revocation list");
    BIO *bio = BIO_new(BIO_s_mem());
    char *data = NULL;
    assert_int_equal(PEM_write_bio(bio, "X509 CRL", "", der, len), len > 0 ? PEM_write_bio(bio, "X509 CRL", "", der, len) : 0);
    long pem = BIO_get_mem_data(bio, &data);
    assert_int_equal(file_write_atomic(path, bytes_of(data, (size_t)pem), 0600, NULL), RC_OK);
    assert_int_equal(lint_file(path, &lint, &err), RC_OK);
    assert_string_equal(lint.what, "revocation list");
    assert_int_equal(file_write_atomic(path, bytes_of("nothing", 7), 0600, NULL), RC_OK);
    assert_int_equal(lint_file(path, &lint, &err), RC_FORMAT);
    unlink(path);
    assert_int_equal(lint_file(path, &lint, NULL), RC_NOT_FOUND);
    BIO_free(bio);
    OPENSSL_free(der);
}

/* A responder's certificate as the profile wants it, by OpenSSL. */
static X509 *make_responder(void)
{
    X509 *cert = X509_new();
    X509_NAME *issuer = NULL, *subject = X509_NAME_new();
    static const struct {
        const char *type, *text;
    } parts[] = { { "C", "JP" }, { "O", "JPKI-TEST" }, { "OU", "JPKI for digital signature" }, { "OU", "OCSP Responders" },
                  { "CN", "OCSP 20261123093000" } };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        X509_NAME_add_entry_by_txt(subject, parts[i].type, i ? V_ASN1_UTF8STRING : V_ASN1_PRINTABLESTRING,
                                   (const unsigned char *)parts[i].text, -1, -1, 0);
    assert_int_equal(authority_dn(AUTHORITY_SIGN, "JPKI-TEST", &issuer), RC_OK);
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 11);
    X509_set_issuer_name(cert, issuer);
    X509_set_subject_name(cert, subject);
    set_time(X509_getm_notBefore(cert), "261123003000Z");
    set_time(X509_getm_notAfter(cert), "261202145959Z");
    X509_set_pubkey(cert, key);
    X509 *authority = X509_new(); /* whose identifiers stand in it */
    X509_set_subject_name(authority, issuer);
    X509_set_issuer_name(authority, issuer);
    ASN1_INTEGER_set(X509_get_serialNumber(authority), 1);
    X509_set_pubkey(authority, other_key);
    static const struct {
        int nid;
        const char *value;
    } rows[] = { { NID_key_usage, "critical,digitalSignature" }, { NID_ext_key_usage, "OCSPSigning" },
                 { NID_id_pkix_OCSP_noCheck, "ignored" }, { NID_authority_key_identifier, "keyid:always,issuer:always" },
                 { NID_subject_key_identifier, "hash" } };
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, authority, authority, NULL, NULL, 0);
    X509_EXTENSION *identifier = X509V3_EXT_nconf_nid(config, &ctx, NID_subject_key_identifier, "hash");
    X509_add_ext(authority, identifier, -1);
    X509_EXTENSION_free(identifier);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        X509V3_set_ctx(&ctx, authority, cert, NULL, NULL, 0);
        X509_EXTENSION *extension = X509V3_EXT_nconf_nid(config, &ctx, rows[i].nid, rows[i].value);
        assert_non_null(extension);
        X509_add_ext(cert, extension, -1);
        X509_EXTENSION_free(extension);
    }
    assert_true(X509_sign(cert, other_key, EVP_sha256()) > 0);
    X509_free(authority);
    X509_NAME_free(issuer);
    X509_NAME_free(subject);
    return cert;
}

/* As much of an authority's certificate as a list is held against: name, key and its identifier. */
static X509 *make_authority(enum authority authority)
{
    X509 *cert = X509_new();
    X509_NAME *name = NULL;
    X509V3_CTX ctx;
    assert_int_equal(authority_dn(authority, "JPKI-TEST", &name), RC_OK);
    X509_set_version(cert, 2);
    X509_set_subject_name(cert, name);
    X509_set_issuer_name(cert, name);
    X509_set_pubkey(cert, key);
    X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
    X509_EXTENSION *identifier = X509V3_EXT_nconf_nid(config, &ctx, NID_subject_key_identifier, "hash");
    X509_add_ext(cert, identifier, -1);
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    X509_EXTENSION_free(identifier);
    X509_NAME_free(name);
    return cert;
}

static int setup(void **state)
{
    (void)state;
    long line;
    BIO *bio = BIO_new_mem_buf(config_text, -1);
    config = NCONF_new(NULL);
    if (NCONF_load_bio(config, bio, &line) != 1)
        return -1;
    BIO_free(bio);
    key = EVP_RSA_gen(2048);
    other_key = EVP_RSA_gen(2048);
    responder = make_responder();
    for (enum authority a = 0; a < AUTHORITY_COUNT; a++)
        authorities[a] = make_authority(a);
    return key && other_key && responder ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    X509_free(responder);
    for (enum authority a = 0; a < AUTHORITY_COUNT; a++)
        X509_free(authorities[a]);
    EVP_PKEY_free(key);
    EVP_PKEY_free(other_key);
    NCONF_free(config);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_lists),   cmocka_unit_test(test_version_1),
                                        cmocka_unit_test(test_answers), cmocka_unit_test(test_known_responder), cmocka_unit_test(test_statuses_and_cuts),
                                        cmocka_unit_test(test_files) };
    return cmocka_run_group_tests_name("ca-lint", tests, setup, teardown);
}

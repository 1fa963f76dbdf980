/* test_profile.c — the judge of to-be-signed certificates. Good ones of every kind are made with OpenSSL's
 * configuration language, not with our own builder; each row spoils one thing and names it. */
#include "certrecipe.h"
#include "pki_test.h"

#include "base/clock.h"
#include "base/file.h"
#include "pki/attributes.h"
#include "pki/profile.h"
#include "pki/statusform.h"

#include <openssl/conf.h>
#include <stdio.h>

static enum rc judge(enum profile_kind kind, X509 *cert, struct err *err)
{
    unsigned char *tbs = NULL;
    int len = i2d_re_X509_tbs(cert, &tbs);
    assert_true(len > 0);
    uint8_t *copy = exact_copy(tbs, (size_t)len);
    err_reset(err);
    enum rc rc = profile_check_tbs(kind, bytes_of(copy, (size_t)len), err);
    free(copy);
    OPENSSL_free(tbs);
    return rc;
}

/* Each good recipe passes its own judge and no other's. */
static void test_good(void **state)
{
    (void)state;
    for (int i = 0; i < PROFILE_COUNT; i++) {
        if (!good[i].version)
            continue;
        X509 *cert = recipe_make(&good[i]);
        for (int judged = 0; judged < PROFILE_COUNT; judged++) {
            struct err err;
            enum rc rc = judge((enum profile_kind)judged, cert, &err);
            if (rc != (judged == i ? RC_OK : RC_DENIED))
                fail_msg("%s judged as %s: %s", profile_name((enum profile_kind)i),
                         profile_name((enum profile_kind)judged), err_text(&err, rc));
        }
        X509_free(cert);
    }
}

#define EXT(n, text) one.extensions[n].value = text
#define ROW_OF(kind_, flaw_, word_, findings_, change)                                                                 \
    do {                                                                                                               \
        struct recipe one = good[kind_];                                                                               \
        change;                                                                                                        \
        refuse_with(&one, flaw_, word_, findings_);                                                                    \
    } while (0)
#define ROW(kind_, flaw_, word_, change) ROW_OF(kind_, flaw_, word_, 1, change)

struct told {
    unsigned count;
    char text[600];
};

static void hear(void *context, const char *field, const char *rule)
{
    struct told *told = context;
    size_t len = strlen(told->text);
    snprintf(told->text + len, sizeof told->text - len, "%s: %s; ", field, rule);
    told->count++;
}

/* One flaw, found by its row, and by no other unless the flaw is one of several places (`findings`). */
static void refuse_with(const struct recipe *recipe, const char *flaw, const char *word, unsigned findings)
{
    X509 *cert = recipe_make(recipe);
    struct err err;
    struct told told = {0};
    enum rc rc = judge(recipe->kind, cert, &err);
    if (rc != RC_DENIED || !strstr(err.text, word) || !strstr(err.text, profile_name(recipe->kind)))
        fail_msg("%s: %s: %s", flaw, rc_name(rc), err_text(&err, rc));
    unsigned char *tbs = NULL;
    int len = i2d_re_X509_tbs(cert, &tbs);
    assert_int_equal(profile_lint_tbs(recipe->kind, bytes_of(tbs, (size_t)len), hear, &told), RC_OK);
    if (told.count != findings)
        fail_msg("%s: %u findings: %s", flaw, told.count, told.text);
    OPENSSL_free(tbs);
    X509_free(cert);
}

/* A certificate with three flaws is told three. */
static void test_every_flaw_is_told(void **state)
{
    (void)state;
    struct recipe one = good[PROFILE_SIGN];
    one.version = 1;
    one.not_after = "2031-02-17T15:00:00Z";
    one.extensions[0].value = "digitalSignature,nonRepudiation";
    refuse_with(&one, "three flaws", "version", 3);
}

static void test_spoilt_fields(void **state)
{
    (void)state;
    ROW(PROFILE_SIGN, "version 2", "version", one.version = 1);
    ROW(PROFILE_SIGN, "serial 0", "serialNumber", one.serial = 0);
    ROW(PROFILE_SIGN, "negative serial", "serialNumber", one.serial = -3);
    ROW(PROFILE_SIGN, "another algorithm", "signature", one.md5_like = true);
    ROW_OF(PROFILE_SIGN, "a foreign authority", "issuer", 2, one.authority_ou = "JPKI for user authentication");
    ROW_OF(PROFILE_SIGN, "the real organisation and test policy", "certificatePolicies", 3, one.issuer_organisation = "JPKI");
    ROW(PROFILE_SIGN, "RSA-1024", "subjectPublicKeyInfo", one.key = 1);
    ROW(PROFILE_SIGN, "EC", "subjectPublicKeyInfo", one.key = 2);
    ROW(PROFILE_SIGN, "exponent 3", "subjectPublicKeyInfo", one.key = 3);
    ROW(PROFILE_SIGN, "a second too long", "14:59:59", one.not_after = "2031-02-17T15:00:00Z");
    ROW(PROFILE_SIGN, "seven years", "too long", one.not_after = "2033-02-17T14:59:59Z");
    ROW(PROFILE_SIGN_CA, "eleven years", "too long", one.not_after = "2037-11-21T14:59:59Z");
    ROW(PROFILE_OFFICER, "three years", "too long", one.not_after = "2029-11-22T14:59:59Z");
    ROW(PROFILE_SIGN, "ends before it begins", "before", one.not_after = "2025-02-17T14:59:59Z");
    ROW(PROFILE_SIGN, "country as UTF8String", "subject", one.country_type = "utf8");
    ROW(PROFILE_SIGN, "another country", "subject", one.subject[0][1] = "KR");
    ROW(PROFILE_SIGN, "no municipality", "subject", one.subject[3][0] = NULL);
    ROW(PROFILE_SIGN, "unknown municipality", "subject", one.subject[2][1] = "Atlantis-shi");
    ROW(PROFILE_SIGN, "a name as common name", "subject", one.subject[3][1] = "Hanako MIHON");
    ROW(PROFILE_SIGN, "the point of another municipality", "cRLDistributionPoints", one.subject[2][1] = "Kanoya-shi");
    ROW(PROFILE_SIGN, "one attribute too many", "subject", (one.subject[4][0] = "O", one.subject[4][1] = "x"));
    ROW(PROFILE_AUTH, "common name without 003A", "subject", one.subject[1][1] = "997794E9AGCIEG14104003B");
    ROW(PROFILE_AUTH, "common name of an unknown municipality", "subject",
        one.subject[1][1] = "997794E9AGCIEG99999003A");
    ROW(PROFILE_AUTH, "short common name", "subject", one.subject[1][1] = "997794E9AGCIE14104003A");
    ROW(PROFILE_OFFICER, "a role that is none", "subject", one.subject[2][1] = "root");
    ROW(PROFILE_OFFICER, "the role of a node", "subject", one.subject[2][1] = "node-national");
    ROW(PROFILE_OFFICER, "a wrong check digit", "subject", one.subject[3][1] = "462013");
    ROW(PROFILE_OFFICER, "another organisation", "subject", one.subject[1][1] = "ACME");
}

/* The next suite: the same rows, another algorithm and other years. */
static void test_next_suite(void **state)
{
    (void)state;
    static const struct {
        enum profile_kind kind;
        const char *not_after;
    } lives[] = { { PROFILE_SIGN, "2037-02-17T14:59:59Z" }, { PROFILE_AUTH, "2037-02-17T14:59:59Z" },
                  { PROFILE_OFFICER, NULL }, { PROFILE_OPS_CA, "2046-11-22T14:59:59Z" }, { PROFILE_SIGN_CA, "2046-11-22T14:59:59Z" }, { PROFILE_SIGN_OCSP, "2026-12-02T14:59:59Z" } };
    for (size_t i = 0; i < sizeof lives / sizeof *lives; i++) {
        struct recipe one = good[lives[i].kind];
        struct err err;
        one.next = true;
        one.key = 4;
        if (lives[i].not_after)
            one.not_after = lives[i].not_after;
        X509 *cert = recipe_make(&one);
        if (judge(one.kind, cert, &err))
            fail_msg("%s", err.text);
        X509_free(cert);
    }
    ROW(PROFILE_SIGN, "an RSA key under P-384", "subjectPublicKeyInfo", one.next = true);
    ROW(PROFILE_SIGN, "a key on P-256", "subjectPublicKeyInfo", (one.next = true, one.key = 2));
    ROW(PROFILE_SIGN, "a P-384 key under RSA", "subjectPublicKeyInfo", one.key = 4);
    ROW(PROFILE_SIGN, "P-384 with SHA-256", "signature", (one.next = one.md5_like = true, one.key = 4));
    ROW(PROFILE_OFFICER, "an officer's RSA key under P-384", "subjectPublicKeyInfo", one.next = true);
    ROW(PROFILE_OFFICER, "an officer's P-384 key under RSA", "subjectPublicKeyInfo", one.key = 4);
    ROW(PROFILE_SIGN, "twelve years and two months", "too long",
        (one.next = true, one.key = 4, one.not_after = "2039-02-17T14:59:59Z"));
    ROW(PROFILE_SIGN_CA, "twenty-one years", "too long",
        (one.next = true, one.key = 4, one.not_after = "2047-11-22T14:59:59Z"));
}

static void test_spoilt_extensions(void **state)
{
    (void)state;
    ROW(PROFILE_SIGN, "no keyUsage", "keyUsage", EXT(0, NULL));
    ROW(PROFILE_SIGN, "keyUsage not critical", "keyUsage", EXT(0, "digitalSignature,nonRepudiation"));
    ROW(PROFILE_SIGN, "keyUsage of the other", "keyUsage", EXT(0, "critical,digitalSignature"));
    ROW(PROFILE_SIGN, "keyUsage may sign certificates", "keyUsage",
        EXT(0, "critical,digitalSignature,nonRepudiation,keyCertSign"));
    ROW(PROFILE_SIGN, "no attributes", "subjectAltName", EXT(1, NULL));
    ROW(PROFILE_SIGN, "a host for attributes", "subjectAltName", EXT(1, "DNS:localhost"));
    ROW(PROFILE_SIGN, "attributes in another order", "subjectAltName",
        EXT(1, "otherName:1.2.392.200149.8.5.5.4;UTF8:400000000,otherName:1.2.392.200149.8.5.5.1;UTF8:ab,otherName:1.2."
               "392.200149.8.5.5.3;UTF8:3,otherName:1.2.392.200149.8.5.5.5;UTF8:x,otherName:1.2.392.200149.8.5.5.2;"
               "UTF8:00,otherName:1.2.392.200149.8.5.5.6;UTF8:0"));
    ROW_OF(PROFILE_SIGN, "attributes critical", "subjectAltName", 2, EXT(1, "critical,DNS:localhost"));
    ROW(PROFILE_SIGN, "policy not critical", "certificatePolicies", EXT(2, "@pol"));
    ROW(PROFILE_SIGN, "the real policy in a test certificate", "certificatePolicies", EXT(2, "critical,@pol_real"));
    ROW(PROFILE_SIGN, "the other authority's policy", "certificatePolicies", EXT(2, "critical,@pol_auth"));
    ROW(PROFILE_SIGN, "no practice statement", "certificatePolicies", EXT(2, "critical,1.2.392.200149.8.5.1.0.20"));
    ROW(PROFILE_SIGN, "two policies", "certificatePolicies", EXT(2, "critical,@pol,@pol_auth"));
    ROW(PROFILE_SIGN, "issuerAltName is a host", "issuerAltName", EXT(3, "DNS:localhost"));
    ROW(PROFILE_SIGN, "point by URI", "cRLDistributionPoints", EXT(4, "point_uri"));
    ROW(PROFILE_SIGN, "point with reasons", "cRLDistributionPoints", EXT(4, "point_reasons"));
    ROW(PROFILE_SIGN, "two points", "cRLDistributionPoints", EXT(4, "point,point_auth"));
    ROW(PROFILE_SIGN, "the other authority's point", "cRLDistributionPoints", EXT(4, "point_auth"));
    ROW(PROFILE_SIGN, "authority key without its issuer", "authorityKeyIdentifier", EXT(5, "keyid:always"));
    ROW(PROFILE_SIGN, "no subject key", "subjectKeyIdentifier", EXT(6, NULL));
    ROW(PROFILE_SIGN, "another subject key", "subjectKeyIdentifier",
        EXT(6, "0102030405060708090A0B0C0D0E0F1011121314"));
    ROW(PROFILE_SIGN, "basicConstraints behind", "2.5.29.19",
        (one.extensions[7].nid = NID_basic_constraints, EXT(7, "critical,CA:TRUE")));
    ROW(PROFILE_SIGN, "an access description behind", "1.3.6.1.5.5.7.1.1",
        (one.extensions[7].nid = NID_info_access, EXT(7, "OCSP;URI:http://a.invalid")));
    ROW_OF(PROFILE_AUTH, "attributes in an authentication certificate", "extKeyUsage", 2,
        (one.extensions[1].nid = NID_subject_alt_name, EXT(1, "attributes")));
    ROW(PROFILE_AUTH, "server usage", "extKeyUsage", EXT(1, "serverAuth,clientAuth"));
    ROW(PROFILE_AUTH, "usage critical", "extKeyUsage", EXT(1, "critical,clientAuth"));
    ROW(PROFILE_AUTH, "another access", "authorityInfoAccess", EXT(5, "caIssuers;URI:http://a.invalid"));
    ROW(PROFILE_AUTH, "ldap access", "authorityInfoAccess", EXT(5, "OCSP;URI:ldap://a.invalid"));
    ROW(PROFILE_AUTH, "places changed", "extKeyUsage",
        (one.extensions[1].nid = NID_certificate_policies, EXT(1, "critical,@pol_auth"),
         one.extensions[2].nid = NID_ext_key_usage, EXT(2, "clientAuth")));
    ROW(PROFILE_SIGN_CA, "path length", "basicConstraints", EXT(2, "critical,CA:TRUE,pathlen:0"));
    ROW(PROFILE_SIGN_CA, "no authority", "basicConstraints", EXT(2, "critical,CA:FALSE"));
    ROW(PROFILE_SIGN_CA, "a municipality's point", "cRLDistributionPoints", EXT(3, "point"));
    ROW(PROFILE_NODE, "wildcard", "subjectAltName", EXT(2, "DNS:*.example"));
    ROW(PROFILE_NODE, "a mail address", "subjectAltName", EXT(2, "email:a@example.org"));
    ROW(PROFILE_OFFICER, "may be a server", "extKeyUsage", EXT(1, "serverAuth,clientAuth"));
    ROW(PROFILE_SIGN_OCSP, "another usage", "extKeyUsage", EXT(1, "clientAuth"));
    ROW(PROFILE_SIGN_OCSP, "a second usage", "extKeyUsage", EXT(1, "OCSPSigning,clientAuth"));
    ROW(PROFILE_SIGN_OCSP, "to be checked itself", "ocspNoCheck", EXT(2, NULL));
    ROW(PROFILE_SIGN_OCSP, "the other authority's unit", "subject",
        one.subject[2][1] = "JPKI for user authentication");
    ROW(PROFILE_SIGN_OCSP, "no responder's unit", "subject", one.subject[3][1] = "Clerks");
    ROW(PROFILE_SIGN_OCSP, "lives a month", "validity", one.not_after = "2026-12-23T14:59:59Z");
    ROW(PROFILE_TIME_STAMP, "usage not critical", "extKeyUsage", EXT(1, "timeStamping"));
    ROW(PROFILE_TIME_STAMP, "a second usage", "extKeyUsage", EXT(1, "critical,timeStamping,clientAuth"));
    ROW(PROFILE_DOCUMENT_SEAL, "no commitment", "keyUsage", EXT(0, "critical,digitalSignature"));
    ROW(PROFILE_DOCUMENT_SEAL, "may be a client", "extKeyUsage", EXT(1, "1.3.6.1.5.5.7.3.36,emailProtection,clientAuth"));
    ROW(PROFILE_DOCUMENT_SEAL, "not for documents", "extKeyUsage", EXT(1, "emailProtection"));
}

/* Every cut is no certificate; of the flips that are still DER, most break a rule, and none crashes. */
static void test_cuts_and_flips(void **state)
{
    (void)state;
    X509 *cert = recipe_make(&good[PROFILE_SIGN]);
    unsigned char *tbs = NULL;
    int len = i2d_re_X509_tbs(cert, &tbs);
    for (int cut = 0; cut < len; cut++) {
        uint8_t *copy = exact_copy(tbs, (size_t)cut);
        assert_int_equal(profile_check_tbs(PROFILE_SIGN, bytes_of(copy, (size_t)cut), NULL), RC_FORMAT);
        free(copy);
    }
    size_t passed = 0;
    uint8_t *copy = exact_copy(tbs, (size_t)len);
    for (size_t bit = 0; bit < (size_t)len * 8; bit++) {
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
        enum rc rc = profile_check_tbs(PROFILE_SIGN, bytes_of(copy, (size_t)len), NULL);
        assert_true(rc == RC_OK || rc == RC_DENIED || rc == RC_FORMAT);
        passed += rc == RC_OK;
        copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    /* what may differ: serial number, times, the free parts of names, attributes and addresses, the issuer's key
     * identifier */
    assert_in_range(passed, 100, 1500);
    free(copy);
    OPENSSL_free(tbs);
    X509_free(cert);
}

static void test_rows_are_sound(void **state)
{
    (void)state;
    for (int kind = 0; kind < PROFILE_COUNT; kind++) {
        size_t count;
        const struct profile_row *rows = profile_rows((enum profile_kind)kind, &count);
        assert_true(count >= 3);
        for (size_t i = 0; i < count; i++) {
            assert_true(rows[i].min <= rows[i].max && rows[i].max > 0);
            assert_int_equal(rows[i].rule == PROFILE_BYTES, rows[i].value != NULL);
            ASN1_OBJECT *oid = OBJ_txt2obj(rows[i].oid, 1);
            assert_non_null(oid);
            ASN1_OBJECT_free(oid);
        }
    }
    enum profile_kind kind;
    assert_int_equal(profile_of_role("registrar", &kind), RC_OK);
    assert_int_equal(kind, PROFILE_OFFICER);
    assert_int_equal(profile_of_role("", &kind), RC_NOT_FOUND);
    assert_string_equal(profile_policy(AUTHORITY_SIGN, "JPKI"), "1.2.392.200149.8.5.1.1.20");
    assert_string_equal(profile_policy(AUTHORITY_SIGN, "JPKI-TEST"), "1.2.392.200149.8.5.1.0.20");
    assert_null(profile_policy(AUTHORITY_OPS, "JPKI"));
}

/* docs/PROFILE.md under the heading `section`: row `number` of its table, as "name|OID|yes". False when it has no such
 * row. */
static bool page_row(const char *page, const char *section, size_t number, char *out, size_t size)
{
    char heading[80], name[80], oid[80], critical[8];
    snprintf(heading, sizeof heading, "\n### %s\n", section);
    const char *at = strstr(page, heading);
    if (!at)
        fail_msg("no section %s", section);
    const char *end = strstr(at + 2, "\n##");
    for (at = strchr(at + 1, '\n'); at && (!end || at < end); at = strchr(at + 1, '\n')) {
        size_t found;
        if (sscanf(at, "\n| %zu | `%79[^`]` | %79[0-9.] | %7[a-z] |", &found, name, oid, critical) == 4 &&
            found == number) {
            snprintf(out, size, "%s|%s|%s", name, oid, critical);
            return true;
        }
    }
    return false;
}

static void expect_rows(const char *page, const char *name, const struct profile_row *rows, size_t count)
{
    char want[260], found[260];
    for (size_t i = 0; i < count; i++) {
        snprintf(want, sizeof want, "%s|%s|%s", rows[i].name, rows[i].oid, rows[i].critical ? "yes" : "no");
        if (!page_row(page, rows[i].source, i + 1, found, sizeof found) || strcmp(found, want) != 0)
            fail_msg("%s, row %zu: %s, the page: %s", name, i + 1, want, found);
    }
    assert_false(page_row(page, rows[0].source, count + 1, found, sizeof found));
    assert_non_null(strstr(rows[0].source, name));
}

/* The page says what the rows say, row for row: of certificates, of lists and answers. */
static void test_page_agrees(void **state)
{
    (void)state;
    size_t count;
    struct buf text = {0};
    assert_int_equal(file_read(getenv("PROFILE_PAGE"), &text, NULL), RC_OK);
    const char *page = buf_string(&text);
    for (enum profile_kind kind = 0; kind < PROFILE_COUNT; kind++) {
        const struct profile_row *rows = profile_rows(kind, &count);
        expect_rows(page, profile_name(kind), rows, count);
    }
    for (enum statusform form = 0; form < STATUSFORM_COUNT; form++) {
        const struct profile_row *rows = statusform_rows(form, &count);
        expect_rows(page, statusform_name(form), rows, count);
    }
    buf_wipe(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_spoilt_fields),
        cmocka_unit_test(test_every_flaw_is_told),
        cmocka_unit_test(test_next_suite),
        cmocka_unit_test(test_spoilt_extensions),
        cmocka_unit_test(test_cuts_and_flips),
        cmocka_unit_test(test_rows_are_sound),
        cmocka_unit_test(test_page_agrees),
    };
    return cmocka_run_group_tests(tests, recipes_open, recipes_close);
}

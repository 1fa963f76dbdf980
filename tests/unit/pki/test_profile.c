/* test_profile.c — the judge of to-be-signed certificates. Good ones of every kind are made with OpenSSL's
 * configuration language, not with our own builder; each row spoils one thing and names it. */
#include "pki_test.h"

#include "base/clock.h"
#include "base/file.h"
#include "pki/attributes.h"
#include "pki/profile.h"
#include "pki/statusform.h"

#include <openssl/conf.h>
#include <stdio.h>

/* Everything a certificate is made of, as text that a row may change. */
struct recipe {
    enum profile_kind kind;
    const char *issuer_organisation;
    const char *subject[5][2]; /* "CN", value; NULL ends */
    struct {
        int nid;
        const char *value; /* in OpenSSL's configuration language, or "attributes", "japanese"; NULL: left out */
    } extensions[10];
    const char *not_before, *not_after;
    long version, serial;
    const char *country_type; /* "utf8": wrong */
    int key;                  /* 0: RSA-2048; 1: RSA-1024; 2: P-256; 3: exponent 3; 4: P-384 */
    bool md5_like;            /* the signature algorithm is another one */
    const char *authority_ou; /* replaces the issuer's: a foreign authority */
    bool next;                /* signed with P-384 and SHA-384 */
};

static const char config_text[] =
    "[pol]\npolicyIdentifier=1.2.392.200149.8.5.1.0.20\nCPS.1=http://www.jpki.go.jp/cps.html\n"
    "[pol_real]\npolicyIdentifier=1.2.392.200149.8.5.1.1.20\nCPS.1=http://www.jpki.go.jp/cps.html\n"
    "[pol_auth]\npolicyIdentifier=1.2.392.200149.8.5.1.3.30\nCPS.1=http://www.jpki.go.jp/cps.html\n"
    "[point]\nfullname=dirName:kagoshima\n[point_auth]\nfullname=dirName:naka\n"
    "[point_uri]\nfullname=URI:http://crl.example/a.crl\n"
    "[point_reasons]\nfullname=dirName:kagoshima\nreasons=keyCompromise\n"
    "[point_own]\nfullname=dirName:own\n"
    "[kagoshima]\nC=JP\nO=JPKI-TEST\n0.OU=JPKI for digital signature\n1.OU=CRL Distribution "
    "Points\n2.OU=Kagoshima-ken\nCN=Kagoshima-shi CRLDP\n"
    "[naka]\nC=JP\nO=JPKI-TEST\n0.OU=JPKI for user authentication\n1.OU=CRL Distribution "
    "Points\n2.OU=Kanagawa-ken\nCN=Yokohama-shi-Naka-ku CRLDP\n"
    "[own]\nC=JP\nO=JPKI-TEST\n0.OU=JPKI for digital signature\n1.OU=Japan Agency for Local Authority Information "
    "Systems\n";

static CONF *config;
static EVP_PKEY *keys[5];
static X509 *issuers[AUTHORITY_COUNT];

static const struct recipe good[PROFILE_COUNT] = {
    [PROFILE_SIGN_CA] = {PROFILE_SIGN_CA,
                         "JPKI-TEST",
                         {{NULL}},
                         {{NID_key_usage, "critical,keyCertSign,cRLSign"},
                          {NID_subject_alt_name, "japanese"},
                          {NID_basic_constraints, "critical,CA:TRUE"},
                          {NID_crl_distribution_points, "point_own"},
                          {NID_subject_key_identifier, "hash"}},
                         "2026-11-23T00:00:00Z",
                         "2036-11-21T14:59:59Z",
                         2,
                         1,
                         NULL,
                         0,
                         false,
                         NULL},
    [PROFILE_OPS_CA] = {PROFILE_OPS_CA,
                        "JPKI-TEST",
                        {{NULL}},
                        {{NID_key_usage, "critical,keyCertSign,cRLSign"},
                         {NID_basic_constraints, "critical,CA:TRUE"},
                         {NID_subject_key_identifier, "hash"}},
                        "2026-11-23T00:00:00Z",
                        "2036-11-21T14:59:59Z",
                        2,
                        1,
                        NULL,
                        0,
                        false,
                        NULL},
    [PROFILE_SIGN] = {PROFILE_SIGN,
                      "JPKI-TEST",
                      {{"C", "JP"}, {"L", "Kagoshima-ken"}, {"L", "Kagoshima-shi"}, {"CN", "20261123093000ABCDEFGHI"}},
                      {{NID_key_usage, "critical,digitalSignature,nonRepudiation"},
                       {NID_subject_alt_name, "attributes"},
                       {NID_certificate_policies, "critical,@pol"},
                       {NID_issuer_alt_name, "japanese"},
                       {NID_crl_distribution_points, "point"},
                       {NID_authority_key_identifier, "keyid:always,issuer:always"},
                       {NID_subject_key_identifier, "hash"}},
                      "2026-11-23T00:30:00Z",
                      "2031-02-17T14:59:59Z",
                      2,
                      0x0132C4AB,
                      NULL,
                      0,
                      false,
                      NULL},
    [PROFILE_AUTH] = {PROFILE_AUTH,
                      "JPKI-TEST",
                      {{"C", "JP"}, {"CN", "997794E9AGCIEG14104003A"}},
                      {{NID_key_usage, "critical,digitalSignature"},
                       {NID_ext_key_usage, "clientAuth"},
                       {NID_certificate_policies, "critical,@pol_auth"},
                       {NID_issuer_alt_name, "japanese"},
                       {NID_crl_distribution_points, "point_auth"},
                       {NID_info_access, "OCSP;URI:http://ocspauthnorm.jpki-test.invalid"},
                       {NID_authority_key_identifier, "keyid:always,issuer:always"},
                       {NID_subject_key_identifier, "hash"}},
                      "2026-11-23T00:30:00Z",
                      "2031-02-17T14:59:59Z",
                      2,
                      0x0132C4AB,
                      NULL,
                      0,
                      false,
                      NULL},
    [PROFILE_SIGN_OCSP] = {PROFILE_SIGN_OCSP,
                           "JPKI-TEST",
                           {{"C", "JP"},
                            {"O", "JPKI-TEST"},
                            {"OU", "JPKI for digital signature"},
                            {"OU", "OCSP Responders"},
                            {"CN", "OCSP 20261123093000"}},
                           {{NID_key_usage, "critical,digitalSignature"},
                            {NID_ext_key_usage, "OCSPSigning"},
                            {NID_id_pkix_OCSP_noCheck, "ignored"},
                            {NID_authority_key_identifier, "keyid:always,issuer:always"},
                            {NID_subject_key_identifier, "hash"}},
                           "2026-11-23T00:30:00Z",
                           "2026-12-02T14:59:59Z",
                           2,
                           11,
                           NULL,
                           0,
                           false,
                           NULL},
    [PROFILE_NODE] =
        {PROFILE_NODE,
         "JPKI-TEST",
         {{"C", "JP"}, {"O", "JPKI-TEST"}, {"OU", "node-municipal"}, {"L", "462012"}, {"CN", "cs-kagoshima"}},
         {{NID_key_usage, "critical,digitalSignature"},
          {NID_ext_key_usage, "serverAuth,clientAuth"},
          {NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1"},
          {NID_authority_key_identifier, "keyid:always,issuer:always"},
          {NID_subject_key_identifier, "hash"}},
         "2026-11-23T00:30:00Z",
         "2028-11-22T14:59:59Z",
         2,
         7,
         NULL,
         0,
         false,
         NULL},
    [PROFILE_OFFICER] =
        {PROFILE_OFFICER,
         "JPKI-TEST",
         {{"C", "JP"}, {"O", "JPKI-TEST"}, {"OU", "desk-officer"}, {"L", "462012"}, {"CN", "officer 1"}},
         {{NID_key_usage, "critical,digitalSignature"},
          {NID_ext_key_usage, "clientAuth"},
          {NID_authority_key_identifier, "keyid:always,issuer:always"},
          {NID_subject_key_identifier, "hash"}},
         "2026-11-23T00:30:00Z",
         "2028-11-22T14:59:59Z",
         2,
         8,
         NULL,
         0,
         false,
         NULL},
    [PROFILE_VERIFIER] = {PROFILE_VERIFIER,
                          "JPKI-TEST",
                          {{"C", "JP"}, {"O", "JPKI-TEST"}, {"OU", "verifier"}, {"L", "000000"}, {"CN", "bank"}},
                          {{NID_key_usage, "critical,digitalSignature"},
                           {NID_ext_key_usage, "serverAuth,clientAuth"},
                           {NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1"},
                           {NID_authority_key_identifier, "keyid:always,issuer:always"},
                           {NID_subject_key_identifier, "hash"}},
                          "2026-11-23T00:30:00Z",
                          "2028-11-22T14:59:59Z",
                          2,
                          9,
                          NULL,
                          0,
                          false,
                          NULL},
    [PROFILE_TIME_STAMP] = {PROFILE_TIME_STAMP,
                            "JPKI-TEST",
                            {{"C", "JP"}, {"O", "JPKI-TEST"}, {"OU", "time-stamp"}, {"L", "000000"}, {"CN", "tsa"}},
                            {{NID_key_usage, "critical,digitalSignature"},
                             {NID_ext_key_usage, "critical,timeStamping"},
                             {NID_authority_key_identifier, "keyid:always,issuer:always"},
                             {NID_subject_key_identifier, "hash"}},
                            "2026-11-23T00:30:00Z",
                            "2028-11-22T14:59:59Z",
                            2,
                            10,
                            NULL,
                            0,
                            false,
                            NULL},
    [PROFILE_DOCUMENT_SEAL] = {PROFILE_DOCUMENT_SEAL,
                               "JPKI-TEST",
                               {{"C", "JP"}, {"O", "JPKI-TEST"}, {"OU", "document-seal"}, {"L", "462012"}, {"CN", "kagoshima"}},
                               {{NID_key_usage, "critical,digitalSignature,nonRepudiation"},
                                {NID_ext_key_usage, "1.3.6.1.5.5.7.3.36,emailProtection"},
                                {NID_authority_key_identifier, "keyid:always,issuer:always"},
                                {NID_subject_key_identifier, "hash"}},
                               "2026-11-23T00:30:00Z",
                               "2028-11-22T14:59:59Z",
                               2,
                               11,
                               NULL,
                               0,
                               false,
                               NULL},
};

static void set_time(ASN1_TIME *time, const char *text)
{
    int64_t seconds;
    assert_int_equal(clock_parse(text, &seconds), RC_OK);
    assert_non_null(ASN1_TIME_set(time, (time_t)seconds));
}

static X509_EXTENSION *make_japanese(int nid, enum authority authority)
{
    static const char *const units[] = {"公的個人認証サービス署名用", "公的個人認証サービス利用者証明用", "?"};
    GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    GENERAL_NAME *name = GENERAL_NAME_new();
    X509_NAME *directory = X509_NAME_new();
    X509_NAME_add_entry_by_txt(directory, "C", MBSTRING_UTF8, (const unsigned char *)"JP", -1, -1, 0);
    X509_NAME_add_entry_by_txt(directory, "O", MBSTRING_UTF8, (const unsigned char *)"公的個人認証サービス", -1, -1, 0);
    X509_NAME_add_entry_by_txt(directory, "OU", MBSTRING_UTF8, (const unsigned char *)units[authority], -1, -1, 0);
    X509_NAME_add_entry_by_txt(directory, "OU", MBSTRING_UTF8, (const unsigned char *)"地方公共団体情報システム機構",
                               -1, -1, 0);
    GENERAL_NAME_set0_value(name, GEN_DIRNAME, directory);
    sk_GENERAL_NAME_push(names, name);
    X509_EXTENSION *extension = X509V3_EXT_i2d(nid, 0, names);
    GENERAL_NAMES_free(names);
    return extension;
}

static X509_EXTENSION *make_attributes(void)
{
    struct attributes holder = {
        .name = "見本　花子", .birth = "319800217", .sex = "2", .address = "鹿児島県鹿児島市山下町１１番１号"};
    attributes_no_substitutes(&holder);
    GENERAL_NAMES *names;
    assert_int_equal(attributes_to_names(&holder, &names, NULL), RC_OK);
    X509_EXTENSION *extension = X509V3_EXT_i2d(NID_subject_alt_name, 0, names);
    GENERAL_NAMES_free(names);
    return extension;
}

static void add_subject(X509 *cert, const struct recipe *recipe)
{
    X509_NAME *name = X509_NAME_new();
    for (int i = 0; i < 5 && recipe->subject[i][0]; i++) {
        int type = i == 0 && recipe->country_type ? V_ASN1_UTF8STRING : MBSTRING_UTF8;
        assert_int_equal(X509_NAME_add_entry_by_txt(name, recipe->subject[i][0], type,
                                                    (const unsigned char *)recipe->subject[i][1], -1, -1, 0),
                         1);
    }
    X509_set_subject_name(cert, recipe->subject[0][0] ? name : X509_get_issuer_name(cert));
    X509_NAME_free(name);
}

static void add_extensions(X509 *cert, const struct recipe *recipe)
{
    enum authority authority = profile_authority(recipe->kind);
    X509V3_CTX ctx;
    X509V3_set_ctx(&ctx, issuers[authority], cert, NULL, NULL, 0);
    X509V3_set_nconf(&ctx, config);
    for (int i = 0; i < 10 && recipe->extensions[i].nid; i++) {
        const char *value = recipe->extensions[i].value;
        int nid = recipe->extensions[i].nid;
        if (!value)
            continue;
        X509_EXTENSION *extension = strcmp(value, "japanese") == 0     ? make_japanese(nid, authority)
                                    : strcmp(value, "attributes") == 0 ? make_attributes()
                                                                       : X509V3_EXT_nconf_nid(config, &ctx, nid, value);
        if (!extension)
            fail_msg("%s = %s", OBJ_nid2sn(nid), value);
        assert_int_equal(X509_add_ext(cert, extension, -1), 1);
        X509_EXTENSION_free(extension);
    }
}

static X509 *make(const struct recipe *recipe)
{
    X509 *cert = X509_new();
    X509_set_version(cert, recipe->version);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), recipe->serial);
    X509_NAME *issuer;
    assert_int_equal(authority_dn(profile_authority(recipe->kind), recipe->issuer_organisation, &issuer), RC_OK);
    if (recipe->authority_ou) {
        X509_NAME_ENTRY_free(X509_NAME_delete_entry(issuer, 2));
        X509_NAME_add_entry_by_txt(issuer, "OU", MBSTRING_UTF8, (const unsigned char *)recipe->authority_ou, -1, 2, 0);
    }
    X509_set_issuer_name(cert, issuer);
    X509_NAME_free(issuer);
    set_time(X509_getm_notBefore(cert), recipe->not_before);
    set_time(X509_getm_notAfter(cert), recipe->not_after);
    X509_set_pubkey(cert, keys[recipe->key]);
    add_subject(cert, recipe);
    add_extensions(cert, recipe);
    bool next = recipe->next;
    assert_true(X509_sign(cert, keys[next ? 4 : 0], next != recipe->md5_like ? EVP_sha384() : EVP_sha256()) > 0);
    return cert;
}

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

static int setup(void **state)
{
    (void)state;
    BIO *bio = BIO_new_mem_buf(config_text, -1);
    config = NCONF_new(NULL);
    long line;
    if (NCONF_load_bio(config, bio, &line) != 1)
        return -1;
    BIO_free(bio);
    keys[0] = make_key();
    keys[1] = EVP_RSA_gen(1024);
    keys[2] = EVP_EC_gen("P-256");
    keys[4] = EVP_EC_gen("P-384");
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_RSA, NULL);
    BIGNUM *three = BN_new();
    BN_set_word(three, 3);
    EVP_PKEY_keygen_init(ctx);
    EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 2048);
    EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, three);
    EVP_PKEY_keygen(ctx, &keys[3]);
    BN_free(three);
    EVP_PKEY_CTX_free(ctx);
    for (int i = 0; i < AUTHORITY_COUNT; i++) {
        issuers[i] = X509_new();
        X509_NAME *name;
        if (authority_dn((enum authority)i, "JPKI-TEST", &name))
            return -1;
        X509_set_subject_name(issuers[i], name);
        X509_set_issuer_name(issuers[i], name);
        X509_NAME_free(name);
        ASN1_INTEGER_set(X509_get_serialNumber(issuers[i]), 1);
        X509_set_pubkey(issuers[i], keys[0]);
        X509V3_CTX v3;
        X509V3_set_ctx(&v3, issuers[i], issuers[i], NULL, NULL, 0);
        X509_EXTENSION *identifier = X509V3_EXT_nconf_nid(config, &v3, NID_subject_key_identifier, "hash");
        X509_add_ext(issuers[i], identifier, -1);
        X509_EXTENSION_free(identifier);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    NCONF_free(config);
    for (int i = 0; i < 5; i++)
        EVP_PKEY_free(keys[i]);
    for (int i = 0; i < AUTHORITY_COUNT; i++)
        X509_free(issuers[i]);
    return 0;
}

/* Each good recipe passes its own judge and no other's. */
static void test_good(void **state)
{
    (void)state;
    for (int i = 0; i < PROFILE_COUNT; i++) {
        if (!good[i].version)
            continue;
        X509 *cert = make(&good[i]);
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
    X509 *cert = make(recipe);
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
        X509 *cert = make(&one);
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
    X509 *cert = make(&good[PROFILE_SIGN]);
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
    return cmocka_run_group_tests(tests, setup, teardown);
}

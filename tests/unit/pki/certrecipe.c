/* certrecipe.c — certificates of every kind, made with OpenSSL's configuration language, not with our own builder. */
#include "certrecipe.h"

#include "base/clock.h"
#include "pki/attributes.h"
#include "pki_test.h"

#include <openssl/conf.h>

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

const struct recipe good[PROFILE_COUNT] = {
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

X509 *recipe_make(const struct recipe *recipe)
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

int recipes_open(void **state)
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

int recipes_close(void **state)
{
    (void)state;
    NCONF_free(config);
    for (int i = 0; i < 5; i++)
        EVP_PKEY_free(keys[i]);
    for (int i = 0; i < AUTHORITY_COUNT; i++)
        X509_free(issuers[i]);
    return 0;
}

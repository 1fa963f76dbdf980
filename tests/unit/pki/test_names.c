/* test_names.c — municipality codes, the authorities' names, and the paths made of distribution point names. */
#include "pki_test.h"

#include "pki/authority.h"
#include "pki/municipality.h"

static void test_rows_keep_their_check_digit(void **state)
{
    (void)state;
    size_t count, kagoshima = 0;
    const struct municipality *rows = municipality_rows(&count);
    assert_int_equal(count, 1741 - 20 + 171); /* a designated city stands as its wards */
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(strlen(rows[i].code), 6);
        assert_int_equal(rows[i].code[5], municipality_check_digit(rows[i].code));
        if (i)
            assert_true(strcmp(rows[i - 1].code, rows[i].code) < 0);
        kagoshima += strncmp(rows[i].code, "46", 2) == 0;
        assert_int_equal(strcmp(rows[i].prefecture, "鹿児島県") == 0,
                         strcmp(rows[i].prefecture_romaji, "Kagoshima-ken") == 0);
    }
    assert_int_equal(kagoshima, 43);
    assert_int_equal(municipality_check_digit("46000"), '1');
    assert_int_equal(municipality_check_digit("13101"), '6');
    assert_int_equal(municipality_check_digit("01100"), '2');
}

/* A certificate of a holder tells its municipality by prefecture and name in romaji, a list's name by both too. */
static void test_names_are_unique(void **state)
{
    (void)state;
    size_t count;
    const struct municipality *rows = municipality_rows(&count);
    for (size_t i = 0; i < count; i++) {
        assert_true(strspn(rows[i].name_romaji, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-") == strlen(rows[i].name_romaji));
        for (size_t k = i + 1; k < count && memcmp(rows[k].code, rows[i].code, 2) == 0; k++)
            if (strcmp(rows[k].name_romaji, rows[i].name_romaji) == 0 || strcmp(rows[k].name, rows[i].name) == 0)
                fail_msg("%s and %s have one name", rows[i].code, rows[k].code);
    }
}

static void test_find(void **state)
{
    (void)state;
    static const struct {
        const char *flaw, *code;
        enum rc rc;
        const char *romaji;
    } rows[] = {
        {"good: 6 digits", "462012", RC_OK, "Kagoshima-shi"},
        {"good: 5 digits", "46201", RC_OK, "Kagoshima-shi"},
        {"good: a ward", "141046", RC_OK, "Yokohama-shi-Naka-ku"},
        {"wrong check digit", "462013", RC_FORMAT, NULL},
        {"good: the first of all", "011011", RC_OK, "Sapporo-shi-Chuo-ku"},
        {"good: the last of all", "473821", RC_OK, "Yonaguni-cho"},
        {"good: long vowels unmarked, two vowels apart kept", "282090", RC_OK, "Toyooka-shi"},
        {"good: a namesake in the same prefecture", "015148", RC_OK, "Esashi-gun-Esashi-cho"},
        {"a designated city: its wards are found", "011002", RC_NOT_FOUND, NULL},
        {"a village without a register (Northern Territories)", "016951", RC_NOT_FOUND, NULL},
        {"a ward that was dissolved in 2024", "221317", RC_NOT_FOUND, NULL},
        {"too short", "4620", RC_FORMAT, NULL},
        {"too long", "4620122", RC_FORMAT, NULL},
        {"a letter", "46201a", RC_FORMAT, NULL},
        {"empty", "", RC_FORMAT, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct municipality *row = NULL;
        enum rc rc = municipality_find(rows[i].code, &row);
        if (rc != rows[i].rc)
            fail_msg("%s: %s", rows[i].flaw, rc_name(rc));
        if (rc == RC_OK)
            assert_string_equal(row->name_romaji, rows[i].romaji);
    }
}

static void check_name(X509_NAME *name, const char *want)
{
    BIO *bio = BIO_new(BIO_s_mem());
    X509_NAME_print_ex(bio, name, 0, XN_FLAG_ONELINE & ~XN_FLAG_SPC_EQ & ~ASN1_STRFLGS_ESC_MSB);
    char *text;
    long len = BIO_get_mem_data(bio, &text);
    assert_int_equal(len, strlen(want));
    assert_memory_equal(text, want, (size_t)len);
    BIO_free(bio);
}

static void test_authority_names(void **state)
{
    (void)state;
    static const struct {
        enum authority authority;
        const char *name, *dn;
        bool jpki;
    } rows[] = {
        {AUTHORITY_SIGN, "sign",
         "C=JP, O=JPKI-TEST, OU=JPKI for digital signature, OU=Japan Agency for Local Authority Information Systems",
         true},
        {AUTHORITY_AUTH, "auth",
         "C=JP, O=JPKI-TEST, OU=JPKI for user authentication, OU=Japan Agency for Local Authority Information Systems",
         true},
        {AUTHORITY_OPS, "ops", "C=JP, O=JPKI-TEST, OU=Operations", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        X509_NAME *name;
        enum authority read;
        assert_string_equal(authority_name(rows[i].authority), rows[i].name);
        assert_int_equal(authority_parse(rows[i].name, &read), RC_OK);
        assert_int_equal(read, rows[i].authority);
        assert_int_equal(authority_dn(rows[i].authority, "JPKI-TEST", &name), RC_OK);
        check_name(name, rows[i].dn);
        assert_int_equal(ASN1_STRING_type(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, 0))),
                         V_ASN1_PRINTABLESTRING);
        assert_int_equal(ASN1_STRING_type(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, 1))), V_ASN1_UTF8STRING);
        assert_int_equal(authority_of_name(name, &read), rows[i].jpki ? RC_OK : RC_NOT_FOUND);
        assert_int_equal(read, rows[i].authority);
        struct buf path = {0};
        struct err err = {0};
        assert_int_equal(authority_crl_path(name, &path, &err), rows[i].jpki ? RC_OK : RC_FORMAT);
        if (rows[i].jpki) {
            assert_memory_equal(buf_string(&path) + 4, "/ca.crl", 8);
            assert_memory_equal(buf_string(&path), rows[i].name, 4);
        }
        buf_wipe(&path);
        X509_NAME_free(name);
    }
    enum authority none;
    assert_int_equal(authority_parse("root", &none), RC_NOT_FOUND);
}

static void test_distribution_points(void **state)
{
    (void)state;
    X509_NAME *name;
    struct buf path = {0};
    assert_int_equal(authority_crldp(AUTHORITY_AUTH, "JPKI", "141046", &name, NULL), RC_OK);
    check_name(name, "C=JP, O=JPKI, OU=JPKI for user authentication, OU=CRL Distribution Points, OU=Kanagawa-ken, "
                     "CN=Yokohama-shi-Naka-ku CRLDP");
    assert_int_equal(authority_crl_path(name, &path, NULL), RC_OK);
    assert_string_equal(buf_string(&path), "auth/Kanagawa-ken/Yokohama-shi-Naka-ku.crl");
    buf_wipe(&path);
    X509_NAME_free(name);
    size_t count;
    const struct municipality *rows = municipality_rows(&count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(authority_crldp(AUTHORITY_SIGN, "JPKI-TEST", rows[i].code, &name, NULL), RC_OK);
        assert_int_equal(authority_crl_path(name, &path, NULL), RC_OK);
        X509_NAME_free(name);
        buf_wipe(&path);
    }
    struct err err = {0};
    assert_int_equal(authority_crldp(AUTHORITY_OPS, "JPKI-TEST", "462012", &name, &err), RC_UNSUPPORTED);
    assert_int_equal(authority_crldp(AUTHORITY_SIGN, "JPKI-TEST", "462013", &name, NULL), RC_FORMAT);
}

/* Names that must never become a path. */
static void test_hostile_distribution_points(void **state)
{
    (void)state;
    static const struct {
        const char *flaw, *unit, *points, *prefecture, *common_name;
        int common_name_len;
    } rows[] = {
        {"climbs out by the prefecture", "JPKI for digital signature", "CRL Distribution Points", "..",
         "Kagoshima-shi CRLDP", -1},
        {"a slash", "JPKI for digital signature", "CRL Distribution Points", "Kagoshima-ken", "../../etc/x CRLDP", -1},
        {"a zero byte", "JPKI for digital signature", "CRL Distribution Points", "Kagoshima-ken",
         "Kagoshima\0shi CRLDP", 19},
        {"nothing before CRLDP", "JPKI for digital signature", "CRL Distribution Points", "Kagoshima-ken", " CRLDP",
         -1},
        {"no CRLDP", "JPKI for digital signature", "CRL Distribution Points", "Kagoshima-ken", "Kagoshima-shi", -1},
        {"empty prefecture", "JPKI for digital signature", "CRL Distribution Points", "", "Kagoshima-shi CRLDP", -1},
        {"foreign authority", "Operations", "CRL Distribution Points", "Kagoshima-ken", "Kagoshima-shi CRLDP", -1},
        {"other points", "JPKI for digital signature", "Points", "Kagoshima-ken", "Kagoshima-shi CRLDP", -1},
        {"kanji", "JPKI for digital signature", "CRL Distribution Points", "鹿児島県", "Kagoshima-shi CRLDP", -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        X509_NAME *name = X509_NAME_new();
        X509_NAME_add_entry_by_txt(name, "C", V_ASN1_PRINTABLESTRING, (const unsigned char *)"JP", -1, -1, 0);
        X509_NAME_add_entry_by_txt(name, "O", V_ASN1_UTF8STRING, (const unsigned char *)"JPKI-TEST", -1, -1, 0);
        X509_NAME_add_entry_by_txt(name, "OU", V_ASN1_UTF8STRING, (const unsigned char *)rows[i].unit, -1, -1, 0);
        X509_NAME_add_entry_by_txt(name, "OU", V_ASN1_UTF8STRING, (const unsigned char *)rows[i].points, -1, -1, 0);
        X509_NAME_add_entry_by_txt(name, "OU", V_ASN1_UTF8STRING, (const unsigned char *)rows[i].prefecture, -1, -1, 0);
        X509_NAME_add_entry_by_txt(name, "CN", V_ASN1_UTF8STRING, (const unsigned char *)rows[i].common_name,
                                   rows[i].common_name_len, -1, 0);
        struct buf path = {0};
        struct err err = {0};
        enum rc rc = authority_crl_path(name, &path, &err);
        if (rc != RC_FORMAT || path.len || err.rc != RC_FORMAT)
            fail_msg("%s: %s", rows[i].flaw, rc_name(rc));
        X509_NAME_free(name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_keep_their_check_digit),
        cmocka_unit_test(test_names_are_unique), cmocka_unit_test(test_find),
        cmocka_unit_test(test_authority_names),
        cmocka_unit_test(test_distribution_points),
        cmocka_unit_test(test_hostile_distribution_points),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_attributes.c — the four attributes: rules, the order in a certificate, and readings of certificates that are not
 * ours. */
#include "pki_test.h"

#include "pki/attributes.h"

static const struct attributes good = {.name = "見本　花子",
                                       .name_substitutes = "01000",
                                       .birth = "319800217",
                                       .sex = "2",
                                       .address = "鹿児島県鹿児島市山下町１１番１号",
                                       .address_substitutes = "0000000000000000"};

static void set(char *to, size_t size, const char *text)
{
    assert_true(strlen(text) < size);
    memcpy(to, text, strlen(text) + 1);
}

static void test_check(void **state)
{
    (void)state;
    struct err err = {0};
    assert_int_equal(attributes_check(&good, &err), RC_OK);
    static const struct {
        const char *flaw, *birth, *sex, *name, *flags, *word;
        enum rc rc;
    } rows[] = {
        {"good: era and date unknown", "000000000", NULL, NULL, NULL, NULL, RC_OK},
        {"good: day unknown", "319800200", NULL, NULL, NULL, NULL, RC_OK},
        {"good: leap day", "520200229", NULL, NULL, NULL, NULL, RC_OK},
        {"good: sex other", NULL, "9", NULL, NULL, NULL, RC_OK},
        {"good: supplementary character is one", NULL, NULL, "𠮷　花子", "0000", NULL, RC_OK},
        {"no leap day", "520210229", NULL, NULL, NULL, "birth", RC_FORMAT},
        {"month 13", "319801317", NULL, NULL, NULL, "birth", RC_FORMAT},
        {"day 31 in April", "319800431", NULL, NULL, NULL, "birth", RC_FORMAT},
        {"era 6", "619800217", NULL, NULL, NULL, "birth", RC_FORMAT},
        {"eight digits", "31980021", NULL, NULL, NULL, "birth", RC_FORMAT},
        {"a blank", "3 9800217", NULL, NULL, NULL, "birth", RC_FORMAT},
        {"sex 4", NULL, "4", NULL, NULL, "sex", RC_FORMAT},
        {"no sex", NULL, "", NULL, NULL, "sex", RC_FORMAT},
        {"no name", NULL, NULL, "", "", "name", RC_FORMAT},
        {"flags too few", NULL, NULL, NULL, "0000", "name", RC_FORMAT},
        {"flag 2", NULL, NULL, NULL, "00200", "name", RC_FORMAT},
        {"cut UTF-8", NULL, NULL, "\xE8\xA6", "0", "name", RC_FORMAT},
        {"overlong UTF-8", NULL, NULL, "\xC0\xAF", "0", "name", RC_FORMAT},
        {"surrogate", NULL, NULL, "\xED\xA0\x80", "0", "name", RC_FORMAT},
        {"control character", NULL, NULL, "a\nb", "000", "name", RC_FORMAT},
        {"ISO-8859 byte", NULL, NULL, "\xE9", "0", "name", RC_FORMAT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct attributes one = good;
        if (rows[i].birth)
            set(one.birth, sizeof one.birth, rows[i].birth);
        if (rows[i].sex)
            set(one.sex, sizeof one.sex, rows[i].sex);
        if (rows[i].name)
            set(one.name, sizeof one.name, rows[i].name);
        if (rows[i].flags)
            set(one.name_substitutes, sizeof one.name_substitutes, rows[i].flags);
        err_reset(&err);
        enum rc rc = attributes_check(&one, &err);
        if (rc != rows[i].rc)
            fail_msg("%s: %s", rows[i].flaw, rc_name(rc));
        if (rows[i].word)
            assert_memory_equal(err.text, rows[i].word, strlen(rows[i].word));
    }
    struct attributes full = good;
    memset(full.address, 'a', 201);
    full.address[201] = 0;
    attributes_no_substitutes(&full);
    assert_int_equal(attributes_check(&full, NULL), RC_FORMAT);
    full.address[200] = 0;
    attributes_no_substitutes(&full);
    assert_int_equal(attributes_check(&full, NULL), RC_OK);
    assert_string_equal(full.name_substitutes, "00000");
    memset(full.sex, '1', sizeof full.sex);
    assert_int_equal(attributes_check(&full, NULL), RC_FORMAT);
}

static void test_eras(void **state)
{
    (void)state;
    assert_int_equal(attributes_era(2019, 5, 1), '5');
    assert_int_equal(attributes_era(2019, 4, 30), '4');
    assert_int_equal(attributes_era(1989, 1, 8), '4');
    assert_int_equal(attributes_era(1989, 1, 7), '3');
    assert_int_equal(attributes_era(1926, 12, 25), '3');
    assert_int_equal(attributes_era(1926, 12, 24), '2');
    assert_int_equal(attributes_era(1912, 7, 30), '2');
    assert_int_equal(attributes_era(1912, 7, 29), '1');
    assert_int_equal(attributes_era(1980, 0, 0), '3');
    assert_int_equal(attributes_era(1800, 1, 1), '0');
    assert_int_equal(attributes_era(0, 0, 0), '0');
}

static void test_order(void **state)
{
    (void)state;
    GENERAL_NAMES *names;
    assert_int_equal(attributes_to_names(&good, &names, NULL), RC_OK);
    static const char *const order[] = {"1", "4", "3", "5", "2", "6"};
    assert_int_equal(sk_GENERAL_NAME_num(names), 6);
    for (int i = 0; i < 6; i++) {
        char oid[80], want[80] = "1.2.392.200149.8.5.5.";
        const OTHERNAME *other = sk_GENERAL_NAME_value(names, i)->d.otherName;
        OBJ_obj2txt(oid, sizeof oid, other->type_id, 1);
        strcat(want, order[i]);
        assert_string_equal(oid, want);
        assert_int_equal(ASN1_TYPE_get(other->value), V_ASN1_UTF8STRING);
    }
    /* any order on reading */
    GENERAL_NAME *first = sk_GENERAL_NAME_shift(names);
    sk_GENERAL_NAME_push(names, first);
    struct attributes read = {0};
    assert_int_equal(attributes_from_names(names, &read, NULL), RC_OK);
    assert_true(attributes_equal(&read, &good));
    assert_string_equal(read.name_substitutes, good.name_substitutes);
    assert_string_equal(read.address_substitutes, good.address_substitutes);
    GENERAL_NAMES_free(names);
    struct attributes bad = good;
    bad.sex[0] = '7';
    assert_int_equal(attributes_to_names(&bad, &names, NULL), RC_FORMAT);
}

/* Alternative names written by OpenSSL's own configuration language: bytes that our writer did not make. */
static void test_foreign_names(void **state)
{
    (void)state;
#define ARC "otherName:1.2.392.200149.8.5.5."
    static const struct {
        const char *flaw, *value;
        enum rc rc;
        const char *flags;
    } rows[] = {
        {"good: without flags, foreign names between",
         "DNS:a.example," ARC "1;UTF8:ab," ARC "4;UTF8:400000000," ARC "3;UTF8:3,otherName:1.2.3;UTF8:q," ARC
         "5;UTF8:xyz",
         RC_OK, "00"},
        {"good: flags",
         ARC "1;UTF8:ab," ARC "4;UTF8:400000000," ARC "3;UTF8:3," ARC "5;UTF8:xyz," ARC "2;UTF8:10," ARC "6;UTF8:000",
         RC_OK, "10"},
        {"none of the six", "DNS:a.example", RC_NOT_FOUND, NULL},
        {"no sex", ARC "1;UTF8:ab," ARC "4;UTF8:400000000," ARC "5;UTF8:xyz", RC_FORMAT, NULL},
        {"the name twice", ARC "1;UTF8:ab," ARC "1;UTF8:ab," ARC "4;UTF8:400000000," ARC "3;UTF8:3," ARC "5;UTF8:xyz",
         RC_FORMAT, NULL},
        {"PrintableString", ARC "1;PRINTABLE:ab," ARC "4;UTF8:400000000," ARC "3;UTF8:3," ARC "5;UTF8:xyz", RC_FORMAT,
         NULL},
        {"INTEGER", ARC "1;UTF8:ab," ARC "4;INTEGER:400000000," ARC "3;UTF8:3," ARC "5;UTF8:xyz", RC_FORMAT, NULL},
        {"birth too long", ARC "1;UTF8:ab," ARC "4;UTF8:4000000000," ARC "3;UTF8:3," ARC "5;UTF8:xyz", RC_FORMAT, NULL},
        {"flags and name disagree",
         ARC "1;UTF8:ab," ARC "4;UTF8:400000000," ARC "3;UTF8:3," ARC "5;UTF8:xyz," ARC "2;UTF8:1", RC_FORMAT, NULL},
    };
    EVP_PKEY *key = make_key();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, rows[i].value);
        assert_non_null(extension);
        X509 *cert = make_cert(key, "test", extension);
        struct attributes read;
        enum rc rc = attributes_from_cert(cert, &read, NULL);
        if (rc != rows[i].rc)
            fail_msg("%s: %s", rows[i].flaw, rc_name(rc));
        if (rc == RC_OK) {
            assert_string_equal(read.name_substitutes, rows[i].flags);
            assert_string_equal(read.address_substitutes, "000");
        }
        X509_EXTENSION_free(extension);
        X509_free(cert);
    }
    X509 *bare = make_cert(key, "test", NULL);
    struct attributes read;
    assert_int_equal(attributes_from_cert(bare, &read, NULL), RC_NOT_FOUND);
    X509_free(bare);
    EVP_PKEY_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_eras),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_foreign_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

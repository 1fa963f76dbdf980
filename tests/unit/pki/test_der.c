/* test_der.c — DER elements: forms that X.690 §8.1 and §10.1 allow and forbid. */
#include "pki_test.h"

#include "base/hex.h"
#include "pki/der.h"

struct row {
    const char *flaw;
    const char *hex;
    enum rc rc;
    unsigned tag;
    size_t content, rest;
};

static const struct row rows[] = {
    {"good: NULL", "0500", RC_OK, 0x05, 0, 0},
    {"good: INTEGER 5, more behind it", "020105 0500", RC_OK, 0x02, 1, 2},
    {"good: context tag", "A0020500", RC_OK, 0xA0, 2, 0},
    {"nothing", "", RC_NOT_FOUND, 0, 0, 0},
    {"a tag alone", "30", RC_FORMAT, 0, 0, 0},
    {"content one byte short", "020205", RC_FORMAT, 0, 0, 0},
    {"indefinite length", "30800000", RC_FORMAT, 0, 0, 0},
    {"long form for a short length", "02810105", RC_FORMAT, 0, 0, 0},
    {"leading zero in the length", "0282008000", RC_FORMAT, 0, 0, 0},
    {"length of five bytes", "30850100000000", RC_FORMAT, 0, 0, 0},
    {"length FF", "30FF", RC_FORMAT, 0, 0, 0},
    {"length's bytes missing", "308201", RC_FORMAT, 0, 0, 0},
    {"length beyond memory", "3084FFFFFFFF00", RC_FORMAT, 0, 0, 0},
    {"high tag number", "1F8101 00", RC_FORMAT, 0, 0, 0},
    {"end-of-contents", "0000", RC_FORMAT, 0, 0, 0},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf input = {0};
        assert_int_equal(hex_decode(rows[i].hex, &input), RC_OK);
        uint8_t *copy = exact_copy(input.data, input.len);
        struct bytes in = bytes_of(copy, input.len), content, whole;
        unsigned tag;
        enum rc rc = der_next(&in, &tag, &content, &whole);
        if (rc != rows[i].rc)
            fail_msg("%s: %s", rows[i].flaw, rc_name(rc));
        if (rc == RC_OK) {
            assert_int_equal(tag, rows[i].tag);
            assert_int_equal(content.len, rows[i].content);
            assert_int_equal(in.len, rows[i].rest);
            assert_int_equal(whole.len + in.len, input.len);
        } else {
            assert_int_equal(in.len, input.len);
        }
        free(copy);
        buf_wipe(&input);
    }
}

/* Lengths on both sides of every change of form, against OpenSSL's own encoder. */
static void test_append_agrees_with_openssl(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 127, 128, 255, 256, 65535, 65536};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        uint8_t *content = calloc(1, lengths[i] + 1);
        ASN1_OCTET_STRING *string = ASN1_OCTET_STRING_new();
        assert_int_equal(ASN1_OCTET_STRING_set(string, content, (int)lengths[i]), 1);
        unsigned char *der = NULL;
        int len = i2d_ASN1_OCTET_STRING(string, &der);
        struct buf out = {0};
        assert_int_equal(der_append(&out, 0x04, bytes_of(content, lengths[i])), RC_OK);
        assert_int_equal(out.len, len);
        assert_memory_equal(out.data, der, out.len);
        struct bytes in = buf_bytes(&out), inner;
        assert_int_equal(der_expect(&in, 0x30, &inner, NULL), RC_FORMAT);
        assert_int_equal(in.len, out.len);
        assert_int_equal(der_expect(&in, 0x04, &inner, NULL), RC_OK);
        assert_int_equal(inner.len, lengths[i]);
        OPENSSL_free(der);
        ASN1_OCTET_STRING_free(string);
        buf_wipe(&out);
        free(content);
    }
    struct buf small;
    buf_init(&small, 4);
    assert_int_equal(der_append(&small, 0x04, bytes_of("12345", 5)), RC_RANGE);
    assert_int_equal(small.len, 0);
    assert_int_equal(der_append(&small, 0x1F, bytes_of(NULL, 0)), RC_BUG);
    buf_wipe(&small);
}

static void test_sequence_length(void **state)
{
    (void)state;
    size_t len = 0;
    assert_int_equal(der_sequence_length(bytes_of("\x30\x82\x04\x00", 4), &len), RC_OK);
    assert_int_equal(len, 0x404);
    assert_int_equal(der_sequence_length(bytes_of("\x30\x02\x05\x00\xFF\xFF", 6), &len), RC_OK);
    assert_int_equal(len, 4);
    assert_int_equal(der_sequence_length(bytes_of("\x30\x82\x04", 3), &len), RC_FORMAT);
    assert_int_equal(der_sequence_length(bytes_of("\xFF\xFF\xFF\xFF", 4), &len), RC_FORMAT);
    assert_int_equal(der_sequence_length(bytes_of("\x31\x82\x04\x00", 4), &len), RC_FORMAT);
    assert_int_equal(len, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_append_agrees_with_openssl),
        cmocka_unit_test(test_sequence_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
